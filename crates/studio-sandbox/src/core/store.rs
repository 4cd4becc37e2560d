//! The sandbox's file: a journal that several processes may share.
//!
//! A turn holds an exclusive lock on `FILE.lock`: it reads what others have appended, runs, and appends its own changes
//! before anybody sees the answer, so that a kill at any moment loses no answered call (`journal` says how). Compaction
//! replaces the file under a new generation, which tells the other processes to read it anew.
//!
//! What is seeded for a run is held in memory until the run's first successful write, then written down with it. A run
//! that is refused, or only looks, leaves no trace and makes no file.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::journal::{Damage, Header, Lines, is_kin};
use super::world::{RecordChange, World};
use studio_files::open_own;

/// Largest file that is read. A file is read whole, so that a larger one would take the machine's memory with it.
const LARGEST: u64 = 512 << 20;

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refuses.
    #[error("could not use the sandbox's file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Not a sandbox's file, so that it is neither read nor written nor deleted.
    #[error("{} is not a sandbox's file: {reason}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// A sandbox's file, but one of another version.
    #[error("the sandbox's file {} cannot be read: its format is {version}, and this version reads another", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its format.
        version: String,
    },
    /// A sandbox's file that was cut or changed.
    #[error("the sandbox's file {} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// Place where the world is kept: a file, or nowhere.
#[derive(Debug)]
pub struct Store {
    journal: Option<Journal>,
    held: Option<Held>,
    /// Whether this process has written anything down yet.
    has_written: bool,
}

/// Changes that are not written down yet.
#[derive(Debug, Default)]
struct Held {
    /// Every change, in order.
    all: Vec<RecordChange>,
    /// Those of preparing the account.
    prepared: Vec<RecordChange>,
    /// Whether another process has written meanwhile.
    is_outrun: bool,
}

/// Sort of a turn, which decides whether its changes are held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnKind {
    /// Makes the account what a config expects: held back like everything else.
    Prepare,
    /// Reads, and changes nothing that anybody asked for.
    Read,
    /// Has changed something: from now on everything is written down.
    Write,
}

#[derive(Debug)]
struct Journal {
    path: PathBuf,
    lock: Option<File>,
    /// Which writing of the file `lines` belongs to; 0 before the first reading.
    generation: u64,
    /// How much of it the world has seen.
    lines: Lines,
    /// How many changes that was.
    changes: usize,
}

/// Holds the lock for as long as it lives.
struct Locked(File);

impl Locked {
    fn new(lock: &File) -> io::Result<Self> {
        let lock = lock.try_clone()?;
        lock.lock()?;
        Ok(Self(lock))
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing the file releases the lock as well, so a failure here is of no consequence.
        let _ = self.0.unlock();
    }
}

impl Store {
    /// Fills `world` from the journal at `path`, if there is one; without a path the world lives in memory only.
    pub fn open(path: Option<&Path>, world: &mut World) -> Result<Self, StoreError> {
        let journal = path.map(|path| Journal {
            path: path.to_owned(),
            lock: None,
            generation: 0,
            lines: Lines::default(),
            changes: 0,
        });
        let mut store = Self { journal, held: None, has_written: false };
        if let Some(journal) = &mut store.journal
            && ours(&journal.path)?
        {
            let _locked = journal.locked()?;
            let file = journal.catch_up(world)?;
            file.as_ref().map_or(Ok(()), tightened).map_err(|source| journal.io(source))?;
        }
        Ok(store)
    }

    /// From now on changes are held in memory, up to the first turn that writes. Does nothing once this process has
    /// written, or when there is no file.
    pub fn hold(&mut self) {
        if self.journal.is_some() && !self.has_written && self.held.is_none() {
            self.held = Some(Held::default());
        }
    }

    /// One turn: catches up with the others, runs, and writes down what changed before it returns, or holds it.
    pub(crate) fn turn<T>(
        &mut self,
        world: &mut World,
        run: impl FnOnce(&mut World) -> T,
        kind: impl FnOnce(&T) -> TurnKind,
    ) -> Result<T, StoreError> {
        let Some(journal) = &mut self.journal else {
            let result = run(world);
            world.take_changes();
            return Ok(result);
        };
        // While everything is held, nobody has to be kept out of a file that does not exist.
        let mut locked = None;
        if self.held.is_none() || journal.look()? {
            locked = Some(journal.locked()?);
            let before = (journal.generation, journal.lines.turns);
            journal.catch_up(world)?;
            if let Some(held) = self.held.as_mut().filter(|_| before != (journal.generation, journal.lines.turns)) {
                held.is_outrun = true;
                merge(world, &held.prepared);
                world.take_changes();
            }
        }
        let result = run(world);
        let own: Vec<RecordChange> = world.take_changes().into_iter().filter(RecordChange::is_kept).collect();
        let kind = kind(&result);
        match &mut self.held {
            Some(held) if kind != TurnKind::Write => {
                if kind == TurnKind::Prepare {
                    held.prepared.extend(own.clone());
                }
                held.all.extend(own);
            }
            Some(held) => {
                let held = std::mem::take(held);
                self.held = None;
                if locked.is_none() {
                    locked = Some(journal.locked()?);
                }
                journal.release(world, held, own)?;
                self.has_written = true;
            }
            None => self.has_written |= journal.append(world, own)?,
        }
        drop(locked);
        Ok(result)
    }

    /// Rewrites the file if it is much longer than the world.
    pub(crate) fn compact(&mut self, world: &mut World) -> Result<(), StoreError> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        if self.held.is_some() || !journal.look()? {
            return Ok(());
        }
        let _locked = journal.locked()?;
        journal.catch_up(world)?;
        // Twice the world is what a few runs leave; the constant spares small files the trouble.
        if journal.changes > 2 * world.as_changes().count() + 1000 {
            journal.rewrite(world)?;
        }
        Ok(())
    }

    /// The file, if the world is kept in one.
    pub fn path(&self) -> Option<&Path> {
        self.journal.as_ref().map(|journal| journal.path.as_path())
    }
}

/// Deletes a sandbox's file, readable or not; whether there was one.
///
/// # Errors
/// When it is not a sandbox's, and for the operating system's reasons.
pub fn remove_file(path: &Path) -> Result<bool, StoreError> {
    if !ours(path)? {
        return Ok(false);
    }
    let mut journal = Journal { path: path.to_owned(), lock: None, generation: 0, lines: Lines::default(), changes: 0 };
    let _locked = journal.locked()?;
    fs::remove_file(path).map_err(|source| journal.io(source))?;
    Ok(true)
}

/// Returns `true` if there is a file at `path`; one that does not begin like a sandbox's is an error.
fn ours(path: &Path) -> Result<bool, StoreError> {
    let io = |source| StoreError::Io { path: path.to_owned(), source };
    if !is_regular(path)? {
        return Ok(false);
    }
    let mut start = Vec::new();
    let opened = open_own(path, OpenOptions::new().read(true));
    opened.and_then(|file| file.take(Header::LENGTH as u64).read_to_end(&mut start)).map_err(io)?;
    if is_kin(&start) {
        Ok(true)
    } else {
        Err(damaged(path, if start.is_empty() { Damage::Empty } else { Damage::Foreign }))
    }
}

/// Returns `true` if there is a regular file at `path`; anything else there is an error, and is not opened, since a
/// pipe would never be done. A link counts for itself: replacing it would part it from what it leads to.
fn is_regular(path: &Path) -> Result<bool, StoreError> {
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(StoreError::Io { path: path.to_owned(), source }),
    };
    let reason = match kind {
        kind if kind.is_file() => return Ok(true),
        kind if kind.is_dir() => "it is a folder",
        kind if kind.is_symlink() => "it is a symbolic link; name the file that it leads to",
        _ => "it is a pipe, a socket or a device",
    };
    Err(StoreError::Foreign { path: path.to_owned(), reason: reason.into() })
}

fn damaged(path: &Path, damage: Damage) -> StoreError {
    let path = path.to_owned();
    match damage {
        Damage::Empty => StoreError::Foreign { path, reason: "it is empty, and a sandbox's file never is".into() },
        Damage::Foreign => StoreError::Foreign { path, reason: "it does not begin like one".into() },
        Damage::Version(version) => StoreError::Version { path, version },
        Damage::Broken(reason) => StoreError::Damaged { path, reason },
    }
}

/// Takes from everybody but the owner what they may do with the file, which may hold what is confidential. Whoever is
/// not its owner cannot, and need not.
fn tightened(file: &File) -> io::Result<()> {
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        let _ = file.set_permissions(Permissions::from_mode(0o600));
    }
    Ok(())
}

/// Adds what `world` lacks. Counters only go up: whoever made the file has counted too.
fn merge(world: &mut World, prepared: &[RecordChange]) {
    for change in prepared {
        let counter = change.is_counter();
        let behind = |value: &serde_json::Value| {
            world.get::<i64>(&change.table, &change.key).is_none_or(|there| Some(there) < value.as_i64())
        };
        match &change.value {
            Some(value) if counter && behind(value) || !counter && !world.has(&change.table, &change.key) => {
                world.put(&change.table, &change.key, value);
            }
            _ => {}
        }
    }
}

impl Journal {
    fn io(&self, source: io::Error) -> StoreError {
        StoreError::Io { path: self.path.clone(), source }
    }

    fn broken(&self, reason: impl Into<String>) -> StoreError {
        damaged(&self.path, Damage::Broken(reason.into()))
    }

    /// Returns `true` if there is a file at the journal's path.
    fn look(&self) -> Result<bool, StoreError> {
        is_regular(&self.path)
    }

    /// The lock, made with its folder if there is none.
    fn locked(&mut self) -> Result<Locked, StoreError> {
        if self.lock.is_none() {
            let path = beside(&self.path, ".lock");
            is_regular(&path)?;
            if let Some(folder) = self.path.parent() {
                DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|source| self.io(source))?;
            }
            let opened = open_own(&path, OpenOptions::new().create(true).append(true));
            self.lock = Some(opened.map_err(|source| self.io(source))?);
        }
        match &self.lock {
            Some(lock) => Locked::new(lock).map_err(|source| self.io(source)),
            None => Err(self.io(io::ErrorKind::NotFound.into())),
        }
    }

    /// Reads what the world has not seen yet; no file when there is none, and then the world is new.
    fn catch_up(&mut self, world: &mut World) -> Result<Option<File>, StoreError> {
        // The file is opened by name in each turn because another process may have replaced it.
        if !self.look()? {
            if self.generation != 0 {
                *world = World::default();
                self.forget();
            }
            return Ok(None);
        }
        let opened = open_own(&self.path, OpenOptions::new().read(true).write(true));
        let mut file = opened.map_err(|source| self.io(source))?;
        let mut start = Vec::new();
        (&file).take(Header::LENGTH as u64).read_to_end(&mut start).map_err(|source| self.io(source))?;
        let header = Header::read(&start).map_err(|damage| damaged(&self.path, damage))?;
        if header.generation != self.generation {
            *world = World::default();
            self.forget();
        }
        let length = file.metadata().map_err(|source| self.io(source))?.len() - Header::LENGTH as u64;
        if length < header.length {
            return Err(self.broken(format!("{} bytes are missing at its end", header.length - length)));
        }
        if length > LARGEST {
            return Err(self.broken(format!("it is larger than {} MB, as no sandbox becomes", LARGEST >> 20)));
        }
        if header.length < self.lines.length {
            return Err(self.broken("it holds less than it did a moment ago"));
        }
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(Header::LENGTH as u64 + self.lines.length)).map_err(|source| self.io(source))?;
        file.read_to_end(&mut text).map_err(|source| self.io(source))?;
        let known = usize::try_from(header.length - self.lines.length).unwrap_or(usize::MAX).min(text.len());
        let turns = self.lines.read(&text[..known], &header).map_err(|damage| damaged(&self.path, damage))?;
        self.generation = header.generation;
        for changes in turns {
            self.changes += changes.len();
            world.replay(changes);
        }
        if !self.lines.is_unanswered(&text[known..]) {
            return Err(self.broken("something stands behind its end"));
        }
        Ok(Some(file))
    }

    /// Reads everything anew the next time.
    fn forget(&mut self) {
        (self.generation, self.lines, self.changes) = (0, Lines::default(), 0);
    }

    /// Writes down a turn's changes, and makes the file if there is none; whether there was anything to write.
    fn append(&mut self, world: &World, changes: Vec<RecordChange>) -> Result<bool, StoreError> {
        if changes.is_empty() {
            return Ok(false);
        }
        if !self.look()? {
            self.rewrite(world)?;
            return Ok(true);
        }
        let count = changes.len();
        let line = self.lines.next(changes);
        if self.lines.length + line.len() as u64 > LARGEST {
            self.forget();
            let full = format!("it would be larger than {} MB; begin another with `--sandbox=FILE`", LARGEST >> 20);
            return Err(self.io(io::Error::new(io::ErrorKind::FileTooLarge, full)));
        }
        let mut lines = self.lines.clone();
        lines.push(&line);
        let header = Header::of(self.generation, &lines).text();
        let end = Header::LENGTH as u64 + self.lines.length;
        let write = || {
            let mut file = open_own(&self.path, OpenOptions::new().write(true))?;
            // What a killed process left behind the end goes first.
            file.set_len(end)?;
            file.seek(SeekFrom::Start(end))?;
            file.write_all(&line)?;
            // Here the turn is committed.
            file.seek(SeekFrom::Start(0))?;
            file.write_all(header.as_bytes())
        };
        match write() {
            Ok(()) => {
                self.lines = lines;
                self.changes += count;
                Ok(true)
            }
            Err(source) => {
                // The world has what the file has not: a full disk must not make the two differ for long.
                self.forget();
                Err(self.io(source))
            }
        }
    }

    /// Writes down everything that was held, with the turn that changed something.
    fn release(&mut self, world: &mut World, held: Held, own: Vec<RecordChange>) -> Result<(), StoreError> {
        let Held { mut all, prepared, mut is_outrun } = held;
        let before = (self.generation, self.lines.turns);
        let mut theirs = World::default();
        if self.look()? {
            // Somebody may have made the file while nothing kept them from it.
            let mut look =
                Self { path: self.path.clone(), lock: None, generation: 0, lines: Lines::default(), changes: 0 };
            look.catch_up(&mut theirs)?;
            is_outrun |= before != (look.generation, look.lines.turns);
            (self.generation, self.lines, self.changes) = (look.generation, look.lines, look.changes);
        }
        if is_outrun {
            *world = theirs;
            merge(world, &prepared);
            for change in own {
                match &change.value {
                    _ if change.is_counter() => merge(world, &[change]),
                    Some(value) => world.put(&change.table, &change.key, value),
                    None => drop(world.remove(&change.table, &change.key)),
                }
            }
            all = world.take_changes().into_iter().filter(RecordChange::is_kept).collect();
            world.take_replaced();
        } else {
            all.extend(own);
        }
        self.append(world, all).map(drop)
    }

    /// Writes the whole world to a new file and puts it in place of the old one at once.
    fn rewrite(&mut self, world: &World) -> Result<(), StoreError> {
        let nanoseconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_nanos());
        // Only to differ from the one before, so the low 64 bits do.
        let generation = u64::try_from(nanoseconds & u128::from(u64::MAX)).unwrap_or(1).max(self.generation + 1);
        let changes: Vec<RecordChange> = world.as_changes().filter(RecordChange::is_kept).collect();
        let count = changes.len();
        let mut lines = Lines::default();
        let mut line = Vec::new();
        if count > 0 {
            line = lines.next(changes);
            lines.push(&line);
        }
        let text = [Header::of(generation, &lines).text().as_bytes(), &line].concat();
        studio_files::replace(&self.path, &text).map_err(|source| self.io(source))?;
        (self.generation, self.lines, self.changes) = (generation, lines, count);
        Ok(())
    }
}

/// The file beside another one whose name is that one's with `suffix` behind it.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
