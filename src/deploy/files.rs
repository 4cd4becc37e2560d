//! Files as configs need them: of a bounded size, as UTF-8 text, and with the place of what is no text.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::codes::{ENCODING, TOO_LARGE};
use crate::config::diagnostic::{Diagnostic, DiagnosticReport, Span};
use crate::config::document::InputFile;
use crate::config::suggest::nearest;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::files;
use crate::model::Source;

/// The largest size of a config; those of the largest deployments, of thousands of users, have about one megabyte.
const SIZE_LIMIT: u64 = 16 << 20;

/// Texts by file name, for the excerpts of messages.
pub(super) type Texts = BTreeMap<String, String>;

/// The texts of files.
pub(super) fn texts<'a>(files: impl IntoIterator<Item = &'a InputFile>) -> Texts {
    files.into_iter().map(|file| (file.name.clone(), file.text.clone())).collect()
}

/// The files that the command line names.
///
/// # Errors
/// The first that cannot be read, with the one that may be meant.
pub(super) fn read_configs(paths: &[PathBuf]) -> Result<Vec<InputFile>, Failure> {
    paths.iter().map(|path| read(path).map_err(|unreadable| unreadable.failure(path))).collect()
}

/// The reason why a file cannot be read.
pub(super) enum Unreadable {
    /// The operating system refuses it.
    Io(io::Error),
    /// The file is not the text of a config; with as much of it as can be shown.
    Text(Box<Diagnostic>, InputFile),
}

impl Unreadable {
    /// The error for a file that the command line names.
    pub(super) fn failure(self, path: &Path) -> Failure {
        match self {
            Self::Io(error) => {
                let failure = Failure::file(path, &error);
                let help = help_for(path, &error).unwrap_or_else(|| failure.help.clone());
                Failure { exit: Exit::InvalidConfig, ..failure }.help(help)
            }
            Self::Text(mistake, shown) => Failure::invalid_config(DiagnosticReport {
                name: None,
                diagnostics: (*mistake).into(),
                texts: texts([&shown]),
            }),
        }
    }
}

/// The file that is meant, where a config is looked for in vain.
fn help_for(path: &Path, error: &io::Error) -> Option<String> {
    let (folder, name) = match error.kind() {
        io::ErrorKind::IsADirectory => (path, String::new()),
        io::ErrorKind::NotFound => (path.parent()?, path.file_name()?.to_string_lossy().into_owned()),
        _ => return None,
    };
    let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let files = fs::read_dir(listed).into_iter().flatten().flatten();
    let files = files.map(|file| file.file_name().to_string_lossy().into_owned());
    let mut configs: Vec<String> = files
        .filter(|file| Path::new(file).extension().is_some_and(|extension| extension == "yaml" || extension == "yml"))
        .collect();
    configs.sort();
    let shown = |file: &str| folder.join(file).display().to_string();
    if name.is_empty() {
        let such = configs.first().map(|file| format!(", such as `{}`", shown(file))).unwrap_or_default();
        return Some(format!("it is a folder: name a file in it{such}"));
    }
    nearest(&name, configs.iter().map(String::as_str)).map(|near| format!("did you mean `{}`?", shown(near)))
}

/// A file, or standard input for `-`.
pub(super) fn read(path: &Path) -> Result<InputFile, Unreadable> {
    let name = path.to_string_lossy().into_owned();
    let read = match name.as_str() {
        "-" => files::read_from(io::stdin(), SIZE_LIMIT),
        _ => files::read(path, SIZE_LIMIT),
    };
    let bytes = read.map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => {
            let place = Span { source: Source { file: name.as_str().into(), line: 1, column: 1 }, length: 1 };
            let summary = format!("{name} is larger than {} MB", SIZE_LIMIT >> 20);
            let mistake = Diagnostic::new(&TOO_LARGE, summary).at(&place);
            let mistake = mistake.help("no config is as large as that: check that it is the right file");
            Unreadable::Text(Box::new(mistake), InputFile { name: name.clone(), text: String::new() })
        }
        _ => Unreadable::Io(error),
    })?;
    text_of(&name, bytes)
        .map_err(|(mistake, text)| Unreadable::Text(mistake, InputFile { name: name.clone(), text }))
        .map(|text| InputFile { name: name.clone(), text })
}

/// The text that bytes are, or why they are none, with what can be shown of it.
fn text_of(name: &str, bytes: Vec<u8>) -> Result<String, (Box<Diagnostic>, String)> {
    let place = |line, column| Span { source: Source { file: name.into(), line, column }, length: 1 };
    let mistake =
        |code, summary, place: &Span, help: &str| Box::new(Diagnostic::new(code, summary).at(place).help(help));
    if matches!(bytes.as_slice(), [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]) {
        let summary = format!("{name} is UTF-16 text");
        return Err((mistake(&ENCODING, summary, &place(1, 1), "save the file as UTF-8"), String::new()));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let before = String::from_utf8_lossy(&bytes[..at]);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let summary = format!("{name} is not UTF-8 text: the byte {:#04x} begins no character", bytes[at]);
        let mistake = mistake(&ENCODING, summary, &place(line, column), "save the file as UTF-8");
        (mistake, String::from_utf8_lossy(bytes).into_owned())
    })
}

/// The text of a file that a config includes, or why there is none.
pub(super) fn include(path: &str) -> Result<String, String> {
    read(Path::new(path)).map(|file| file.text).map_err(|unreadable| match unreadable {
        Unreadable::Io(error) => error.to_string(),
        Unreadable::Text(mistake, _) => mistake.summary,
    })
}
