//! Lines folded at the width of the screen: between words, never within one, since names are there to be pasted.

use unicode_width::UnicodeWidthStr;

use crate::escape;

/// Columns between a text and what stands at the right end of its line.
const GAP: usize = 2;

/// The width of a text on the screen, in columns; our own colours have none.
pub(super) fn width(text: &str) -> usize {
    escape::unpainted(text).width()
}

/// `text` with blanks behind it up to a width.
pub(super) fn padded(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(width(text))))
}

/// `text` on lines of a width, all but the first of which begin with `hang` blanks. A word that is wider has a line of its
/// own. A text in which something had to be escaped stays on its line: whoever wrote it meant to have lines of their own.
pub(super) fn folded(text: &str, columns: usize, hang: usize) -> Vec<String> {
    if ["\\n", "\\t", "\\u"].iter().any(|escaped| text.contains(escaped)) {
        return vec![text.trim_end().to_owned()];
    }
    let indent = text.len() - text.trim_start_matches(' ').len();
    let mut lines: Vec<String> = vec![" ".repeat(indent)];
    let mut used = indent;
    let mut is_begin = true;
    for word in words(&text[indent..]) {
        let wide = width(word);
        if !is_begin && used + 1 + wide > columns && wide > 0 {
            lines.push(" ".repeat(hang));
            used = hang;
            is_begin = true;
        }
        if let Some(line) = lines.last_mut() {
            if !is_begin {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
        }
        used += wide;
        is_begin = false;
    }
    lines.iter().map(|line| line.trim_end_matches(' ').to_owned()).collect()
}

/// The words of a text. A command in back quotes is one, since broken it could not be pasted.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut begin, mut is_command) = (0, false);
    let closes = |at: usize| text[at + 1..].contains('`');
    for (at, c) in text.char_indices() {
        match c {
            '`' => is_command = !is_command && closes(at),
            ' ' if !is_command => {
                words.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    words.push(&text[begin..]);
    words
}

/// The same with `end` at the right end of the first line: where it comes from.
pub(super) fn with_end(text: &str, end: &str, columns: usize, hang: usize) -> Vec<String> {
    if end.is_empty() {
        return folded(text, columns, hang);
    }
    let room = columns.saturating_sub(width(end) + GAP);
    let mut lines = folded(text, room, hang);
    if let Some(first) = lines.first_mut() {
        *first = format!("{}{}{end}", padded(first, room), " ".repeat(GAP));
    }
    lines
}

/// As many of `items` as fit on lines of a width, joined by commas, and the number of the rest.
pub(super) fn enumerated(items: &[String], columns: usize, lines: usize) -> String {
    let fits = |count: usize| {
        let text = listed(items, count);
        folded(&text, columns, 0).len() <= lines
    };
    // Nobody is served by one name and a number; some names always stand there.
    let most = items.len();
    if fits(most) {
        return listed(items, most);
    }
    let fitting = (1..most).take_while(|count| fits(*count)).last().unwrap_or(1);
    listed(items, fitting)
}

fn listed(items: &[String], count: usize) -> String {
    let shown = items[..count.min(items.len())].join(", ");
    match items.len().saturating_sub(count) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::style::Tone;
    use crate::ui::{ColorChoice, Terminal};

    #[test]
    fn lines_are_folded_between_words_and_hang() {
        for (text, columns, expected) in [
            ("  one two three", 9, vec!["  one two", "    three"]),
            ("a-name-that-is-pasted whole", 10, vec!["a-name-that-is-pasted", "    whole"]),
            ("日本 日本", 8, vec!["日本", "    日本"]),
            ("two  blanks", 80, vec!["two  blanks"]),
            ("run `a b c` or `d", 8, vec!["run", "    `a b c`", "    or", "    `d"]),
            ("", 80, vec![""]),
            (r"a\nPlan: nothing to do", 5, vec![r"a\nPlan: nothing to do"]),
        ] {
            assert_eq!(folded(text, columns, 4), expected);
        }
    }

    #[test]
    fn colours_take_no_room() {
        let paint = Terminal::default().paint(ColorChoice::Always);
        let text = paint.paint(Tone::Add, "one two");
        assert_eq!(width(&text), 7);
        assert_eq!(folded(&text, 7, 0).len(), 1);
        assert_eq!(width(&padded(&text, 9)), 9);
    }

    #[test]
    fn the_place_stands_at_the_right_end() {
        assert_eq!(with_end("a b", ":9", 10, 2), ["a b     :9"]);
        assert_eq!(with_end("one two three", ":9", 12, 2), ["one two   :9", "  three"]);
    }

    #[test]
    fn as_many_are_named_as_fit() {
        let items: Vec<String> = (1..=30).map(|at| format!("user-{at}")).collect();
        assert_eq!(enumerated(&items[..2], 40, 1), "user-1, user-2");
        assert_eq!(enumerated(&items, 40, 1), "user-1, user-2, user-3 and 27 more");
        assert_eq!(enumerated(&items, 3, 1), "user-1 and 29 more");
    }
}
