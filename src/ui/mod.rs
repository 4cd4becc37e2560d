//! Everything that people and pipelines see: the only place that writes to the terminal.
//!
//! Everything that says something turns plain data into text first and hands it to the [`Screen`]: data goes to standard
//! output, everything else to standard error, and all of it through [`escape::outgoing`], so that no text from outside
//! steers a terminal or a CI runner. Nothing here reads the environment or a clock; both are handed in.

mod changes;
pub mod diff;
pub mod events;
pub mod failure;
pub mod fleet_progress;
mod fold;
pub mod graph;
pub mod markdown;
pub mod plan_human;
#[cfg(test)]
mod plan_document_tests;
pub mod progress;
pub mod report_human;
pub mod report_json;
pub mod reports;
pub mod schema;
mod security;
mod statements;
pub mod style;
pub mod table;
#[cfg(test)]
pub(crate) mod testing;
mod text;
pub mod watched;
mod verbs;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, ErrorKind, Write};

use indicatif::MultiProgress;

pub use style::{ColorChoice, Paint, Terminal};

use crate::escape;

/// Amount of what is said besides the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors only: `-q`.
    Quiet,
    /// Progress of what is being done.
    #[default]
    Normal,
    /// Details too: `-v`.
    Verbose,
}

/// A stream or a file that takes text from outside only as it may leave; for what writes by itself, such as traces. Each
/// write is taken for whole lines.
#[derive(Debug)]
pub struct Outgoing<W>(pub W);

impl<W: Write> Write for Outgoing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(escape::outgoing(&String::from_utf8_lossy(bytes)).as_bytes())
    }

    fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> io::Result<()> {
        self.write_all(text.to_string().as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The two streams of the process, or of a test.
pub struct Screen {
    data: RefCell<Box<dyn Write>>,
    notes: RefCell<Box<dyn Write>>,
    data_terminal: Terminal,
    notes_terminal: Terminal,
    color: ColorChoice,
    verbosity: Verbosity,
    closed: Cell<bool>,
    /// Rows on a terminal that are redrawn below whatever is written.
    rows: RefCell<Option<MultiProgress>>,
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen").finish_non_exhaustive()
    }
}

impl Screen {
    /// A screen of a stream for data, a stream for everything else, and what is known of each.
    pub fn new(data: (Box<dyn Write>, Terminal), notes: (Box<dyn Write>, Terminal)) -> Self {
        Self {
            data: RefCell::new(data.0),
            notes: RefCell::new(notes.0),
            data_terminal: data.1,
            notes_terminal: notes.1,
            color: ColorChoice::Auto,
            verbosity: Verbosity::Normal,
            closed: Cell::new(false),
            rows: RefCell::default(),
        }
    }

    /// Keeps rows below whatever is written from now on; `None` once they are gone.
    pub fn write_above(&self, rows: Option<MultiProgress>) {
        *self.rows.borrow_mut() = rows;
    }

    /// Writes while no row is in the way.
    fn above_rows<T>(&self, write: impl FnOnce() -> T) -> T {
        match &*self.rows.borrow() {
            Some(rows) => rows.suspend(write),
            None => write(),
        }
    }

    /// Takes over what the command line says.
    pub const fn configure(&mut self, color: ColorChoice, verbosity: Verbosity) {
        self.color = color;
        self.verbosity = verbosity;
    }

    /// The colours of the data stream.
    pub const fn data_paint(&self) -> Paint {
        self.data_terminal.paint(self.color)
    }

    /// The width at which text for people is folded on the data stream, in columns.
    pub fn data_width(&self) -> usize {
        self.data_terminal.width()
    }

    /// The colours of the other stream.
    pub const fn notes_paint(&self) -> Paint {
        self.notes_terminal.paint(self.color)
    }

    /// Properties of the stream that progress goes to.
    pub const fn notes_terminal(&self) -> Terminal {
        self.notes_terminal
    }

    /// Amount of what is said besides the data.
    pub const fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Writes data. A reader that has gone away (`| head`) has what it wanted, so that is no error.
    ///
    /// # Errors
    /// When the data cannot be written for another reason, such as a full disk.
    pub fn data(&self, text: &str) -> io::Result<()> {
        if self.closed.get() {
            return Ok(());
        }
        let mut stream = self.data.borrow_mut();
        let write = || stream.write_all(escape::outgoing(text).as_bytes()).and_then(|()| stream.flush());
        match self.above_rows(write) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed.set(true);
                Ok(())
            }
            other => other,
        }
    }

    /// Says what is being done, one line; silent with `-q`.
    pub fn note(&self, line: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.error(&escape::one_line(line));
        }
    }

    /// Says a detail, one line; only with `-v`.
    pub fn detail(&self, line: &str) {
        if self.verbosity == Verbosity::Verbose {
            self.error(&escape::one_line(line));
        }
    }

    /// Says what went wrong, whatever the verbosity.
    pub fn error(&self, text: &str) {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        self.ask(&format!("{text}{end}"));
    }

    /// Asks something and leaves the cursor behind the question.
    pub fn ask(&self, question: &str) {
        let mut stream = self.notes.borrow_mut();
        let write = || stream.write_all(escape::outgoing(question).as_bytes()).and_then(|()| stream.flush());
        let asked = self.above_rows(write);
        // Nobody can be told that standard error does not work; the answer will be missing, and that is handled.
        drop(asked);
    }
}

#[cfg(test)]
mod tests {
    use super::testing::screen;
    use super::*;

    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn broken(kind: ErrorKind) -> Screen {
        let pipe = Terminal::default();
        Screen::new((Box::new(Broken(kind)), pipe), (Box::new(Broken(kind)), pipe))
    }

    #[test]
    fn data_and_notes_do_not_mix() {
        let (screen, data, notes) = screen(Terminal::default());
        screen.data("{}\n").unwrap();
        screen.note("reading");
        screen.detail("not with the usual verbosity");
        screen.error("two\nlines\n");
        assert_eq!(data.text(), "{}\n");
        assert_eq!(notes.text(), "reading\ntwo\nlines\n");
    }

    #[test]
    fn nothing_that_is_written_steers() {
        let (mut screen, data, notes) = screen(Terminal::default());
        screen.configure(ColorChoice::Always, Verbosity::Verbose);
        let red = screen.data_paint().paint(style::Tone::Remove, "red");
        let hostile = "\u{1b}]0;owned\u{7}\u{202e}\r\n::add-mask::x ##[error]";
        screen.data(&format!("{red} {hostile}\n")).unwrap();
        let said = "\\u001b]0;owned\\u0007\\u202e\\u000d\n\\u003a:add-mask::x #\\u0023[error]\n";
        assert_eq!(data.text(), format!("\u{1b}[31mred\u{1b}[0m {said}"));
        screen.error(hostile);
        assert_eq!(notes.text(), said);
        screen.note(hostile);
        screen.detail(hostile);
        screen.ask(hostile);
        assert_eq!(notes.text().lines().count(), 6);
        assert!(!notes.text().contains(['\u{1b}', '\u{7}', '\u{202e}', '\r']));
        assert!(notes.text().lines().all(|line| !line.starts_with("::") && !line.contains("##[")));
    }

    #[test]
    fn verbosity_decides_what_is_said() {
        for (verbosity, expected) in [
            (Verbosity::Quiet, "error\n"),
            (Verbosity::Normal, "note\nerror\n"),
            (Verbosity::Verbose, "note\ndetail\nerror\n"),
        ] {
            let (mut screen, _, notes) = screen(Terminal::default());
            screen.configure(ColorChoice::Auto, verbosity);
            screen.note("note");
            screen.detail("detail");
            screen.error("error");
            assert_eq!(notes.text(), expected);
        }
    }

    #[test]
    fn a_closed_pipe_is_no_error_and_a_full_disk_is_one() {
        let gone = broken(ErrorKind::BrokenPipe);
        assert!(gone.data("text").is_ok());
        assert!(gone.closed.get());
        gone.note("nobody hears this");
        assert!(broken(ErrorKind::StorageFull).data("text").is_err());
    }
}
