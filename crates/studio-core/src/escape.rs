//! Escaping of untrusted text: what AWS, a config, a file's name or the environment says is shown, never obeyed.
//!
//! Nobody vouches for such text. A tag can hold an escape sequence that rewrites the terminal, an error of AWS's a line
//! that a CI runner takes for one of its commands, a name in a pull request a character that turns the line around.
//! [`outgoing`] is the one function at the one place where text leaves, `ui`; whatever is forgotten on the way there, it
//! does not forget. [`one_line()`] is for a value that stands in a line of ours, whose own line ends would be taken for ours.
//!
//! What steers is written as `\u001b`, in JSON's notation on purpose: in a JSON document it means the very same text, so
//! that every format takes the same way out, and what a program reads is what AWS said.
//!
//! Our own colours and commands go through the same text. They begin with a mark that holds a number drawn when the process
//! starts, as the boundary of a MIME message does, so that no text from outside can have one.

use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// Prefix of escape sequences and commands of our own.
static MARK: LazyLock<String> = LazyLock::new(|| format!("\u{1b}{:016x}", RandomState::new().hash_one("mark")));

/// Returns `true` if a character acts on the text around it instead of being seen: control characters, those that change
/// the direction of writing or end a line, and those without any width. Joiners inside of an emoji are among them, since
/// they can make two names look alike.
const fn steers(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}'
        | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Returns `true` if [`one_line()`] would leave a text as it is.
pub fn is_plain(text: &str) -> bool {
    !text.chars().any(steers)
}

/// A text on one line: what steers, line ends and tabs included, can be seen in it.
pub fn one_line(text: &str) -> String {
    escaped(text, false)
}

/// A text of several lines, which keeps its line ends and tabs; everything else that steers can be seen in it.
pub fn lines(text: &str) -> String {
    escaped(text, true)
}

fn escaped(text: &str, keeps_lines: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '\u{1b}'
            && let Some(behind) = rest.strip_prefix(MARK.as_str())
        {
            shown.push_str(&MARK);
            rest = behind;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '\n' | '\t' if keeps_lines => shown.push(c),
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            c if steers(c) => write_escaped(&mut shown, c),
            c => shown.push(c),
        }
    }
    shown
}

/// `\u001b`; two of them for a character beyond the first 65,536, as in JSON.
fn write_escaped(shown: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        // A string takes whatever is written to it.
        let _ = write!(shown, "\\u{unit:04x}");
    }
}

/// A marked escape sequence of our own, such as `[31m`.
pub fn sequence(sequence: &str) -> String {
    format!("{}{sequence}", *MARK)
}

/// A text without the escape sequences that are ours: what can be seen of it.
pub fn unpainted(text: &str) -> String {
    let mut pieces = text.split(MARK.as_str());
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |seen, piece| {
        let end = piece.find('m').filter(|_| piece.starts_with('[')).map_or(0, |end| end + 1);
        seen + &piece[end..]
    })
}

/// A text whose escape sequences are all ours: what was written by a renderer that was given nothing but [`one_line()`]s.
pub fn rendered(text: &str) -> String {
    text.replace('\u{1b}', &MARK)
}

/// A workflow command of ours, the line that begins with `::`.
pub fn command(line: &str) -> String {
    format!("{}{line}", *MARK)
}

/// A text as it may leave. Of what steers only line ends, tabs and what has our mark are left, and no line is a command of
/// a CI system:
///
/// - GitHub takes a line that begins with `::`, behind any white space, and `##[` anywhere in a line (`ActionCommand` of
///   actions/runner, `TryParseV2` and `TryParse`),
/// - Azure DevOps takes `##vso[` and `##[` anywhere in a line, and TeamCity takes `##teamcity[`,
/// - GitLab's sections need an escape character.
pub fn outgoing(text: &str) -> String {
    text.split_inclusive('\n').map(outgoing_line).collect()
}

fn outgoing_line(text: &str) -> String {
    let text = lines(text);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    let mut is_begin = true;
    while let Some(c) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix(MARK.as_str()) {
            let end = behind.find('m').filter(|_| behind.starts_with('[')).map_or(0, |end| end + 1);
            if end > 0 {
                out.push('\u{1b}');
                out.push_str(&behind[..end]);
            } else {
                is_begin = false;
            }
            rest = &behind[end..];
            continue;
        }
        let behind = &rest[c.len_utf8()..];
        let is_command = match c {
            ':' => is_begin && behind.starts_with(':'),
            '#' => {
                out.ends_with('#') && behind.trim_start_matches(|c: char| c.is_ascii_alphanumeric()).starts_with('[')
            }
            _ => false,
        };
        if is_command {
            write_escaped(&mut out, c);
        } else {
            out.push(c);
        }
        is_begin &= c.is_whitespace();
        rest = behind;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_on_its_line_and_can_be_seen() {
        for (text, expected) in [
            ("plain, ä and 日本", "plain, ä and 日本"),
            ("two\r\nlines\t!", "two\\u000d\\nlines\\t!"),
            ("\u{1b}[31mred\u{1b}[0m", "\\u001b[31mred\\u001b[0m"),
            ("user\u{202e}nimda", "user\\u202enimda"),
            ("\u{9b}2J\u{7f}\u{2028}\u{200b}\u{feff}", "\\u009b2J\\u007f\\u2028\\u200b\\ufeff"),
            ("\u{e0041}", "\\udb40\\udc41"),
        ] {
            assert_eq!(one_line(text), expected);
            assert_eq!(is_plain(text), text == expected);
            assert_eq!(one_line(expected), expected, "twice is once");
            assert_eq!(outgoing(&one_line(text)), expected);
        }
    }

    #[test]
    fn no_line_is_a_command() {
        for (text, expected) in [
            ("a\n::error::b", "a\n\\u003a:error::b"),
            (" \u{a0}\t::add-mask::x", " \u{a0}\t\\u003a:add-mask::x"),
            ("\u{200b}::error::", "\\u200b::error::"),
            ("a::b and std::io", "a::b and std::io"),
            (":", ":"),
            ("##[error]x", "#\\u0023[error]x"),
            ("x ##vso[task.setvariable]y", "x #\\u0023vso[task.setvariable]y"),
            ("####teamcity[x]", "###\\u0023teamcity[x]"),
            ("## [a](b)\n### c", "## [a](b)\n### c"),
        ] {
            assert_eq!(outgoing(text), expected);
            assert_eq!(outgoing(expected), expected, "twice is once");
        }
    }

    #[test]
    fn what_is_ours_leaves_as_it_is_and_cannot_be_forged() {
        let red = format!("{}red{}", sequence("[31m"), sequence("[0m"));
        assert_eq!(outgoing(&one_line(&red)), "\u{1b}[31mred\u{1b}[0m");
        assert_eq!(unpainted(&format!("a {red} mm")), "a red mm");
        assert_eq!(outgoing(&format!("{}::error::x", sequence("[31m"))), "\u{1b}[31m\\u003a:error::x");
        assert_eq!(outgoing(&command("::error::a\n::b")), "::error::a\n\\u003a:b");
        assert_eq!(outgoing(&rendered("\u{1b}[1mtitle\u{1b}[0m")), "\u{1b}[1mtitle\u{1b}[0m");
        let forged = "\u{1b}0123456789abcdef[31mred";
        assert_eq!(outgoing(forged), forged.replace('\u{1b}', "\\u001b"));
    }

    #[test]
    fn a_json_document_means_the_same_afterwards() {
        let ranges = [0..0x3200, 0xFDD0..0x1_0010, 0x1_D160..0x1_D190, 0xE_0000..0xE_0200];
        let all: String = ranges.into_iter().flatten().filter_map(char::from_u32).collect();
        let hostile = format!("{all}\n::error::x ##[y] ##vso[z] \\##[ \\\u{202e}");
        let document = serde_json::json!({ hostile.clone(): [hostile] });
        for text in [document.to_string(), format!("{document:#}")] {
            let left = outgoing(&text);
            assert!(!left.chars().any(|c| steers(c) && c != '\n'));
            assert_eq!(serde_json::from_str::<serde_json::Value>(&left).unwrap(), document);
        }
    }
}
