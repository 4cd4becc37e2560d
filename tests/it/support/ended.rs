//! Outcome of a command, whether it ran in this process or in one of its own.

use serde_json::Value as Json;
use studio_sandbox::Call;

/// Exit code, output and calls of a command.
#[derive(Debug)]
pub struct Ended {
    /// The exit code.
    pub code: u8,
    /// Standard output.
    pub data: String,
    /// Standard error.
    pub notes: String,
    /// The calls that it made.
    pub calls: Vec<Call>,
}

impl Ended {
    /// The calls that change something. The lock's own are none: a plan under the lock may still do nothing.
    pub fn writes(&self) -> Vec<&Call> {
        self.calls.iter().filter(|call| call.writes && !is_lock(call)).collect()
    }

    /// Makes sure that the command ended with `code`, and that a code which promises it left AWS alone.
    #[track_caller]
    pub fn expect(self, code: u8) -> Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.data, self.notes);
        if matches!(code, 2..=7 | 10 | 64) {
            let changed: Vec<&Call> =
                self.writes().into_iter().filter(|call| !(400..500).contains(&call.status)).collect();
            assert!(changed.is_empty(), "{code} promises that nothing was changed: {changed:?}\n{}", self.notes);
        }
        self
    }

    /// Standard output as one document of JSON.
    #[track_caller]
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.data, self.notes))
    }

    /// Makes sure that standard output has a text.
    #[track_caller]
    pub fn data_has(self, text: &str) -> Self {
        assert!(unfolded(&self.data).contains(&unfolded(text)), "`{text}` is not in\n{}", self.data);
        self
    }

    /// Both streams without their folds.
    pub fn said(&self) -> String {
        unfolded(&format!("{}\n{}", self.data, self.notes))
    }

    /// Returns `true` if standard output has a text, wherever it is folded.
    pub fn shows(&self, text: &str) -> bool {
        unfolded(&self.data).contains(&unfolded(text))
    }

    /// Returns `true` if standard error has a text, wherever it is folded.
    pub fn notes_show(&self, text: &str) -> bool {
        unfolded(&self.notes).contains(&unfolded(text))
    }

    /// Makes sure that standard error has a text.
    #[track_caller]
    pub fn notes_have(self, text: &str) -> Self {
        assert!(unfolded(&self.notes).contains(&unfolded(text)), "`{text}` is not in\n{}", self.notes);
        self
    }

    /// Makes sure that either stream has a text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        self.assert_says(text);
        self
    }

    /// As [`Ended::says`], for an outcome that is looked at more than once.
    #[track_caller]
    pub fn assert_says(&self, text: &str) {
        let all = format!("{}\n{}", self.data, self.notes);
        assert!(unfolded(&all).contains(&unfolded(text)), "`{text}` is not in\n{all}");
    }
}

/// A text without its folds: where a line ends is a matter of the screen's width.
pub fn unfolded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns `true` if a call is about the lock.
pub fn is_lock(call: &Call) -> bool {
    call.input.get("Name").and_then(Json::as_str).is_some_and(|name| name.ends_with("/lock"))
}
