//! Files, as everything here opens them: a path from outside may lead to a pipe, a device or a terabyte, and none of that
//! may make a run hang or eat its memory.
//!
//! What is read is a regular file, or for documents a pipe that the shell has put there, and no more of it than a limit.
//! It is looked at before it is opened, since opening a device may do something, and once more when it is open, since
//! somebody may have put something else there in between; the opening itself never waits.
//!
//! What is written is whole or not there at all, and for nobody else to read, since plans, reports, logs and sandboxes may
//! hold what is confidential. A document is written beside its place and renamed into it, so that no reader ever finds
//! half of one. Rights are given when the file is made, whatever the umask, and not afterwards, when somebody may have it
//! open already.

use std::fs::{self, File, FileType, Metadata, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// For the owner alone.
const PRIVATE: u32 = 0o600;

/// Opens a regular file to be read; links are followed.
///
/// # Errors
/// The operating system's reasons, and that it is anything but a regular file. Never waits.
pub fn open(path: &Path) -> io::Result<File> {
    regular(&metadata(path)?)?;
    let file = without_waiting(OpenOptions::new().read(true)).open(path)?;
    regular(&file.metadata()?)?;
    Ok(file)
}

/// Opens a file of our own with `options`; a link counts for itself, and is none.
///
/// # Errors
/// As [`open`].
pub fn open_own(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
    let file = options.mode(PRIVATE).custom_flags(flags.bits().cast_signed()).open(path)?;
    regular(&file.metadata()?)?;
    Ok(file)
}

/// The bytes of a document: a regular file, or a pipe that the shell has put there (`<(…)`); `/dev/null` is empty.
///
/// # Errors
/// As [`open`], and [`io::ErrorKind::FileTooLarge`] for more than `limit` bytes, of which no more are read.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    if is_shells(path) {
        return read_from(File::open(path)?, limit);
    }
    if fs::canonicalize(path).is_ok_and(|path| path == Path::new("/dev/null")) {
        return Ok(Vec::new());
    }
    let file = open(path)?;
    if file.metadata()?.len() > limit { Err(too_large(limit)) } else { read_from(file, limit) }
}

/// Makes sure that somebody else can read text here. A pipe of the shell is left to them, since it is read only once.
///
/// # Errors
/// As [`read()`], and that it is not UTF-8.
pub fn check_text(path: &Path, limit: u64) -> io::Result<()> {
    if is_shells(path) {
        return Ok(());
    }
    String::from_utf8(read(path, limit)?).map(drop).map_err(|_| io::Error::other("it is not UTF-8 text"))
}

/// The bytes of a stream to its end.
///
/// # Errors
/// As [`read()`].
pub fn read_from(stream: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than may be, so that what never ends is noticed.
    stream.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(too_large(limit)) } else { Ok(bytes) }
}

fn too_large(limit: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {} MB", limit >> 20))
}

/// The metadata of what is at a path; a link that leads nowhere is told from a path where nothing is.
///
/// # Errors
/// The operating system's reasons.
pub fn metadata(path: &Path) -> io::Result<Metadata> {
    fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound if path.is_symlink() => io::Error::other("it is a symbolic link that leads nowhere"),
        _ => error,
    })
}

/// Refuses anything that is no regular file.
///
/// # Errors
/// What it is instead.
pub fn regular(metadata: &Metadata) -> io::Result<()> {
    match metadata.file_type() {
        kind if kind.is_file() => Ok(()),
        kind if kind.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        kind => Err(io::Error::other(format!("it is {}; name a file", name_of(kind)))),
    }
}

/// The name of a file that is neither regular nor a folder, for a message.
fn name_of(kind: FileType) -> &'static str {
    match kind {
        kind if kind.is_fifo() => "a named pipe",
        kind if kind.is_socket() => "a socket",
        kind if kind.is_block_device() => "a disk",
        kind if kind.is_char_device() => "a device",
        _ => "of no known kind",
    }
}

/// Returns `true` if the path is a pipe between this process and another that the shell started. It has its other end
/// in place, so that it comes to an end, unlike a named pipe, which may wait for a writer for ever.
fn is_shells(path: &Path) -> bool {
    let path = if path == Path::new("/dev/stdin") { Path::new("/dev/fd/0") } else { path };
    let is_open = ["/dev/fd", "/proc/self/fd"].iter().any(|folder| path.parent() == Some(Path::new(folder)));
    let is_pipe = || fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo());
    // Only Linux says which pipe it is; elsewhere opening it anew is no more than another name for what is open.
    let is_anonymous = || fs::read_link(path).map_or(true, |to| to.to_string_lossy().starts_with("pipe:["));
    is_open && is_pipe() && is_anonymous()
}

/// Options with which opening a pipe does not wait for its other end. Regular files know no difference.
fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed())
}

/// Permissions of a file that is there already when text is written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// They stay: somebody else made it, and may rely on them.
    Keep,
    /// From now on it is private.
    Tighten,
}

/// Kind of place that text is to end up in.
enum Target {
    /// A regular file, with its rights if it is there already; links are followed.
    File(PathBuf, Option<u32>),
    /// A terminal, a pipe of the shell, `/dev/null`: written to as it is, never replaced.
    Stream,
}

impl Target {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = match metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::File(path.to_owned(), None)),
            other => other?,
        };
        let kind = metadata.file_type();
        if kind.is_file() {
            return Ok(Self::File(fs::canonicalize(path)?, Some(metadata.permissions().mode() & 0o777)));
        }
        if kind.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        // Opening a pipe that nobody reads would never end. The shell's own pipes have their other end in place.
        let is_own = ["/dev", "/proc"].iter().any(|folder| path.starts_with(folder));
        if kind.is_fifo() && !is_own {
            return Err(io::Error::other("it is a named pipe, and nobody may ever read it; name a file"));
        }
        if kind.is_block_device() {
            return Err(io::Error::other("it is a disk; name a file"));
        }
        // Opening this makes a new terminal, and once its buffer is full everybody waits for somebody to look at it.
        if kind.is_char_device() && fs::canonicalize(path)?.ends_with("ptmx") {
            return Err(io::Error::other("it is a terminal that nobody looks at; name a file"));
        }
        Ok(Self::Stream)
    }
}

/// Writes a document: where the folder allows it, a finished file is renamed into its place (an atomic replace).
///
/// # Errors
/// The operating system's reasons, and a place that is no file and no stream. What was there before stays then.
pub fn write(path: &Path, text: &[u8], rights: Rights) -> io::Result<()> {
    let (path, before) = match Target::of(path)? {
        Target::Stream => return OpenOptions::new().write(true).open(path)?.write_all(text),
        Target::File(path, before) => (path, before),
    };
    let mode = before.filter(|_| rights == Rights::Keep).unwrap_or(PRIVATE);
    match put_in_place(&path, text, mode) {
        // A folder that takes no new file, or a file that was mounted: then it is written where it is.
        Err(error) if before.is_some() && is_about_the_folder(&error) => {
            let mut file = in_place(&path)?;
            file.set_len(0)?;
            if rights == Rights::Tighten {
                file.set_permissions(Permissions::from_mode(PRIVATE))?;
            }
            file.write_all(text)
        }
        other => other,
    }
}

/// Writes a private document where nothing or a regular file is.
///
/// # Errors
/// The operating system's reasons; what was there before stays then.
pub fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    put_in_place(path, text, PRIVATE)
}

/// Opens a file that grows, such as a log; one that is there already keeps its rights.
///
/// # Errors
/// As [`write()`].
pub fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true);
    match Target::of(path)? {
        Target::Stream => options.open(path),
        Target::File(path, _) => still_regular(without_waiting(options.create(true).mode(PRIVATE)).open(path)?),
    }
}

/// Opens a file that is written from its beginning while somebody may read along; one that is there already keeps its
/// rights.
///
/// # Errors
/// As [`write()`].
pub fn stream(path: &Path) -> io::Result<File> {
    match Target::of(path)? {
        Target::Stream => OpenOptions::new().write(true).open(path),
        Target::File(path, _) => {
            let mut options = OpenOptions::new();
            let options = options.write(true).create(true).truncate(true).mode(PRIVATE);
            still_regular(without_waiting(options).open(path)?)
        }
    }
}

/// Makes sure that a document can be written, before anything is done that it would tell of.
///
/// # Errors
/// As [`write()`].
pub fn probe(path: &Path) -> io::Result<()> {
    match Target::of(path)? {
        Target::Stream => Ok(()),
        Target::File(path, Some(_)) => in_place(&path).map(drop),
        Target::File(path, None) => {
            let temporary = beside(&path);
            create(&temporary, PRIVATE)?;
            fs::remove_file(temporary)
        }
    }
}

/// Opens a file that is there, to be written.
fn in_place(path: &Path) -> io::Result<File> {
    still_regular(without_waiting(OpenOptions::new().write(true)).open(path)?)
}

/// The file, unless something else was put in its place since it was looked at.
fn still_regular(file: File) -> io::Result<File> {
    regular(&file.metadata()?)?;
    Ok(file)
}

fn put_in_place(path: &Path, text: &[u8], mode: u32) -> io::Result<()> {
    let temporary = beside(path);
    let written =
        create(&temporary, mode).and_then(|mut file| file.write_all(text)).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // It may never have been made; the error that matters is the other one.
        let _ = fs::remove_file(temporary);
    }
    written
}

/// A new file with just these rights: the umask may have taken some away.
fn create(path: &Path, mode: u32) -> io::Result<File> {
    let open = || OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(path);
    let file = match open() {
        // A process of the same number was killed here.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            open()?
        }
        other => other?,
    };
    if mode != PRIVATE {
        file.set_permissions(Permissions::from_mode(mode))?;
    }
    Ok(file)
}

/// The name that a document has before it is whole.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.studio-deploy-{}", std::process::id()))
}

fn is_about_the_folder(error: &io::Error) -> bool {
    use io::ErrorKind::{CrossesDevices, PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem | CrossesDevices | ResourceBusy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn documents_are_private_and_leave_nothing_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.json");
        write(&path, b"one", Rights::Tighten).unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"one".to_vec(), 0o600));
        for (rights, expected) in [(Rights::Keep, 0o644), (Rights::Tighten, 0o600)] {
            fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
            write(&path, b"two", rights).unwrap();
            assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"two".to_vec(), expected));
        }
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write(&link, b"three", Rights::Keep).unwrap();
        assert!(link.is_symlink() && fs::read(&path).unwrap() == b"three");
        probe(&folder.path().join("new")).unwrap();
        stream(&folder.path().join("events")).unwrap();
        append(&folder.path().join("log")).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
        assert_eq!((mode(&folder.path().join("events")), mode(&folder.path().join("log"))), (0o600, 0o600));
    }

    #[test]
    fn what_is_no_file_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let dangling = folder.path().join("dangling");
        std::os::unix::fs::symlink("nowhere", &dangling).unwrap();
        for (place, said) in [
            (folder.path(), "directory"),
            (&pipe, "named pipe"),
            (&dangling, "leads nowhere"),
            (&folder.path().join("no/such"), "No such file"),
        ] {
            for error in [
                write(place, b"", Rights::Keep).unwrap_err(),
                append(place).map(drop).unwrap_err(),
                stream(place).map(drop).unwrap_err(),
                probe(place).unwrap_err(),
            ] {
                assert!(error.to_string().contains(said), "{}: {error}", place.display());
            }
        }
        let null = Path::new("/dev/null");
        write(null, b"gone", Rights::Tighten).unwrap();
        stream(null).unwrap();
        probe(null).unwrap();
        assert!(fs::metadata(null).unwrap().file_type().is_char_device());
    }
}
