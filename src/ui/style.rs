//! Colours, and whether a stream gets them. Meaning is never carried by colour alone.

use std::ffi::OsString;
use std::ops::RangeInclusive;

use crate::escape::sequence;

/// Choice of when to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Properties of a stream that text is written to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    is_terminal: bool,
    is_dumb: bool,
    wants_color: Option<bool>,
    width: Option<usize>,
}

/// Width of lines that go to a pipe or a file, where nobody can tell how wide they are shown.
const UNKNOWN_WIDTH: usize = 100;
/// Widths beyond which lines are neither made narrower nor wider: no address fits any more, no eye finds the next line.
const WIDTHS: RangeInclusive<usize> = 40..=120;

impl Terminal {
    /// A stream, which is a terminal or a pipe or a file, in an environment that `variable` looks up.
    pub fn new(is_terminal: bool, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        // <https://no-color.org> goes before <https://bixense.com/clicolors>: who asks for none has a reason.
        let forced = set("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        let wants_color = if set("NO_COLOR").is_some() { Some(false) } else { forced.then_some(true) };
        let is_dumb = set("TERM").is_some_and(|value| value == "dumb");
        let columns = set("COLUMNS").and_then(|columns| columns.to_str()?.parse().ok());
        Self { is_terminal, is_dumb, wants_color, width: columns }
    }

    /// The same stream, of so many columns as the system says; COLUMNS goes before that, as in every program.
    #[must_use]
    pub fn wide(self, columns: Option<u16>) -> Self {
        Self { width: self.width.or(columns.map(usize::from).filter(|columns| *columns > 0)), ..self }
    }

    /// The width at which text for people is folded, in columns.
    pub fn width(self) -> usize {
        self.width.unwrap_or(UNKNOWN_WIDTH).clamp(*WIDTHS.start(), *WIDTHS.end())
    }

    /// The colours of this stream.
    pub const fn paint(self, choice: ColorChoice) -> Paint {
        Paint(match (choice, self.wants_color) {
            (ColorChoice::Always, _) | (ColorChoice::Auto, Some(true)) => true,
            (ColorChoice::Never, _) | (ColorChoice::Auto, Some(false)) => false,
            (ColorChoice::Auto, None) => self.is_drawable(),
        })
    }

    /// Returns `true` if the stream can be drawn on: rows that change, a cursor that moves.
    pub const fn is_drawable(self) -> bool {
        self.is_terminal && !self.is_dumb
    }
}

/// Meaning of a piece of text, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Something comes.
    Add,
    /// Something changes.
    Change,
    /// Something goes, or went wrong.
    Remove,
    /// Something is taken over, or a way out is named.
    Hint,
    /// A heading.
    Strong,
    /// Of less interest.
    Quiet,
}

/// A painter for one stream, which may have no colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paint(bool);

impl Paint {
    /// The painter without colours.
    pub const PLAIN: Self = Self(false);

    /// Returns `true` if it paints at all.
    pub const fn is_colored(self) -> bool {
        self.0
    }

    /// `text` in the colour of `tone`, for the screen: what is a colour there is a mark in the text.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        // The eight basic colours only, since every terminal theme defines them readably.
        let code = match tone {
            Tone::Add => "32",
            Tone::Change => "33",
            Tone::Remove => "31",
            Tone::Hint => "36",
            Tone::Strong => "1",
            Tone::Quiet => "2",
        };
        if !self.0 || text.is_empty() {
            return text.to_owned();
        }
        [sequence(&format!("[{code}m")), text.to_owned(), sequence("[0m")].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(is_terminal: bool, environment: &[(&str, &str)]) -> Terminal {
        let find = |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        Terminal::new(is_terminal, find)
    }

    #[test]
    fn a_stream_is_coloured_by_choice_then_environment_then_kind() {
        for (is_terminal, environment, choice, expected) in [
            (false, &[][..], ColorChoice::Auto, false),
            (true, &[], ColorChoice::Auto, true),
            (true, &[], ColorChoice::Never, false),
            (false, &[], ColorChoice::Always, true),
            (true, &[("NO_COLOR", "1")], ColorChoice::Auto, false),
            (true, &[("NO_COLOR", "")], ColorChoice::Auto, true),
            (true, &[("NO_COLOR", "1")], ColorChoice::Always, true),
            (false, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], ColorChoice::Auto, false),
            (false, &[("CLICOLOR_FORCE", "1")], ColorChoice::Auto, true),
            (false, &[("CLICOLOR_FORCE", "0")], ColorChoice::Auto, false),
            (true, &[("TERM", "dumb")], ColorChoice::Auto, false),
            (true, &[("TERM", "xterm")], ColorChoice::Auto, true),
        ] {
            let paint = terminal(is_terminal, environment).paint(choice);
            assert_eq!(paint.is_colored(), expected, "{is_terminal} {environment:?} {choice:?}");
        }
    }

    #[test]
    fn only_a_real_terminal_can_be_drawn_on() {
        assert!(terminal(true, &[]).is_drawable());
        assert!(!terminal(true, &[("TERM", "dumb")]).is_drawable());
        assert!(!terminal(false, &[("CLICOLOR_FORCE", "1")]).is_drawable());
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        assert_eq!(Paint::PLAIN.paint(Tone::Remove, "gone"), "gone");
        assert_eq!(crate::escape::outgoing(&Paint(true).paint(Tone::Remove, "gone")), "\x1b[31mgone\x1b[0m");
    }
}
