//! Colours, and whether a stream gets them. Meaning is never carried by colour alone.

/// When to use colours.
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

/// What is known of a stream and of what the environment says about colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Whether it is a terminal, not a pipe or a file.
    pub is_terminal: bool,
    /// `NO_COLOR` is set and not empty (<https://no-color.org>).
    pub no_color: bool,
    /// `CLICOLOR_FORCE` is set and neither empty nor `0` (<https://bixense.com/clicolors>).
    pub force_color: bool,
    /// `TERM` is `dumb`: it knows no escape sequences.
    pub is_dumb: bool,
}

impl Terminal {
    /// The colours of this stream.
    pub const fn paint(self, choice: ColorChoice) -> Paint {
        Paint(match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => !self.no_color && (self.force_color || (self.is_terminal && !self.is_dumb)),
        })
    }

    /// Whether the stream can be drawn on: rows that change, a cursor that moves.
    pub const fn is_drawable(self) -> bool {
        self.is_terminal && !self.is_dumb
    }
}

/// What a piece of text means.
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

    /// Whether it paints at all.
    pub const fn is_colored(self) -> bool {
        self.0
    }

    /// `text` in the colour of `tone`.
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
        if self.0 && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_coloured_by_choice_then_environment_then_kind() {
        let pipe = Terminal::default();
        let terminal = Terminal { is_terminal: true, ..pipe };
        for (stream, choice, expected) in [
            (pipe, ColorChoice::Auto, false),
            (terminal, ColorChoice::Auto, true),
            (terminal, ColorChoice::Never, false),
            (pipe, ColorChoice::Always, true),
            (Terminal { no_color: true, ..terminal }, ColorChoice::Auto, false),
            (Terminal { no_color: true, ..terminal }, ColorChoice::Always, true),
            (Terminal { no_color: true, force_color: true, ..pipe }, ColorChoice::Auto, false),
            (Terminal { force_color: true, ..pipe }, ColorChoice::Auto, true),
            (Terminal { is_dumb: true, ..terminal }, ColorChoice::Auto, false),
        ] {
            assert_eq!(stream.paint(choice).is_colored(), expected, "{stream:?} {choice:?}");
        }
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        assert_eq!(Paint::PLAIN.paint(Tone::Remove, "gone"), "gone");
        assert_eq!(Paint(true).paint(Tone::Remove, "gone"), "\x1b[31mgone\x1b[0m");
    }
}
