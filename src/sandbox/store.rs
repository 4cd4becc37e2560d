//! The sandbox's file: an append-only journal that several processes may share.
//!
//! The first line names the format and a generation; each further line is the changes of one turn. A turn holds an
//! exclusive lock on `FILE.lock`: it reads what others have appended, runs, and appends its own changes with one write
//! before anybody sees the answer. So a kill at any moment loses no answered call; a line torn by one is cut away.
//! Compaction and reset replace the file under a new generation, which tells the other processes to read it anew.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::world::{Change, World};

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
    /// It is not a sandbox's file, or one of another version.
    #[error(
        "the sandbox's file {} cannot be read: {reason}; `studio-deploy sandbox reset` starts a new one",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

const FORMAT: &str = "studio-deploy-sandbox/1";

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    generation: u64,
}

/// Where the world is kept: a file, or nowhere.
#[derive(Debug)]
pub struct Store {
    journal: Option<Journal>,
}

#[derive(Debug)]
struct Journal {
    path: PathBuf,
    lock: File,
    /// Which writing of the file `offset` belongs to; 0 before the first reading.
    generation: u64,
    /// How much of it the world has seen.
    offset: u64,
    /// How many changes that was.
    changes: usize,
}

/// Holds the lock for as long as it lives.
struct Locked<'a>(&'a File);

impl<'a> Locked<'a> {
    fn new(lock: &'a File) -> io::Result<Self> {
        lock.lock()?;
        Ok(Self(lock))
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // Closing the file releases the lock as well, so a failure here is of no consequence.
        let _ = self.0.unlock();
    }
}

impl Store {
    /// Opens the journal at `path` and fills `world` from it; without a path the world lives in memory only.
    pub fn open(path: Option<&Path>, world: &mut World) -> Result<Self, StoreError> {
        let Some(path) = path else { return Ok(Self { journal: None }) };
        let io = |source| StoreError::Io { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(io)?;
        }
        let lock = OpenOptions::new().create(true).append(true).open(beside(path, ".lock")).map_err(io)?;
        let mut store =
            Self { journal: Some(Journal { path: path.to_owned(), lock, generation: 0, offset: 0, changes: 0 }) };
        store.turn(world, |_| ())?;
        Ok(store)
    }

    /// One turn: catches up with the others, runs, and writes down what changed before it returns.
    pub fn turn<T>(&mut self, world: &mut World, run: impl FnOnce(&mut World) -> T) -> Result<T, StoreError> {
        let Some(journal) = &mut self.journal else {
            let result = run(world);
            world.take_changes();
            return Ok(result);
        };
        let lock = journal.lock.try_clone().map_err(|source| journal.io(source))?;
        let _locked = Locked::new(&lock).map_err(|source| journal.io(source))?;
        let mut file = journal.catch_up(world)?;
        let result = run(world);
        journal.append(&mut file, world.take_changes())?;
        Ok(result)
    }

    /// Empties the world, here and for everybody who shares the file; also when the file was unreadable.
    pub fn reset(&mut self, world: &mut World) -> Result<(), StoreError> {
        *world = World::default();
        let Some(journal) = &mut self.journal else { return Ok(()) };
        let lock = journal.lock.try_clone().map_err(|source| journal.io(source))?;
        let _locked = Locked::new(&lock).map_err(|source| journal.io(source))?;
        journal.rewrite(world)
    }

    /// Rewrites the file if it is much longer than the world.
    pub fn compact(&mut self, world: &mut World) -> Result<(), StoreError> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        let lock = journal.lock.try_clone().map_err(|source| journal.io(source))?;
        let _locked = Locked::new(&lock).map_err(|source| journal.io(source))?;
        journal.catch_up(world)?;
        // Twice the world is what a few runs leave; the constant spares small files the trouble.
        if journal.changes > 2 * world.as_changes().count() + 1000 {
            journal.rewrite(world)?;
        }
        Ok(())
    }
}

/// Removes a sandbox's file, readable or not.
pub fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::Io { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

impl Journal {
    fn io(&self, source: io::Error) -> StoreError {
        StoreError::Io { path: self.path.clone(), source }
    }

    fn unreadable(&self, reason: impl Into<String>) -> StoreError {
        StoreError::Unreadable { path: self.path.clone(), reason: reason.into() }
    }

    /// Reads what the world has not seen yet, making the file if there is none.
    fn catch_up(&mut self, world: &mut World) -> Result<File, StoreError> {
        // The file is opened by name in each turn because another process may have replaced it.
        let mut file = match OpenOptions::new().read(true).append(true).open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                *world = World::default();
                self.rewrite(world)?;
                OpenOptions::new().read(true).append(true).open(&self.path).map_err(|source| self.io(source))?
            }
            Err(source) => return Err(self.io(source)),
        };
        let mut first = String::new();
        BufReader::with_capacity(128, &file).read_line(&mut first).map_err(|source| self.io(source))?;
        let header: Header = serde_json::from_str(&first).map_err(|_| self.unreadable("it is not a sandbox's file"))?;
        if header.format != FORMAT {
            return Err(self.unreadable(format!("its format is {}, and this version reads {FORMAT}", header.format)));
        }
        if header.generation != self.generation {
            *world = World::default();
            (self.generation, self.offset, self.changes) = (header.generation, first.len() as u64, 0);
        }
        let length = file.metadata().map_err(|source| self.io(source))?.len();
        if length > self.offset {
            self.read_on(&mut file, world)?;
        }
        Ok(file)
    }

    fn read_on(&mut self, file: &mut File, world: &mut World) -> Result<(), StoreError> {
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(self.offset)).map_err(|source| self.io(source))?;
        file.read_to_end(&mut text).map_err(|source| self.io(source))?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            // Nobody is writing, since the lock is ours: a process was killed while it wrote this, and never answered.
            file.set_len(self.offset + whole as u64).map_err(|source| self.io(source))?;
        }
        for line in text[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let changes: Vec<Change> = serde_json::from_slice(line)
                .map_err(|error| self.unreadable(format!("a line is damaged ({error})")))?;
            self.changes += changes.len();
            world.replay(changes);
        }
        self.offset += whole as u64;
        Ok(())
    }

    fn append(&mut self, file: &mut File, changes: Vec<Change>) -> Result<(), StoreError> {
        let changes: Vec<Change> = changes.into_iter().filter(Change::is_kept).collect();
        if changes.is_empty() {
            return Ok(());
        }
        let line = line(&changes);
        file.write_all(&line).map_err(|source| self.io(source))?;
        self.offset += line.len() as u64;
        self.changes += changes.len();
        Ok(())
    }

    /// Writes the whole world to a new file and puts it in place of the old one at once.
    fn rewrite(&mut self, world: &World) -> Result<(), StoreError> {
        let nanoseconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_nanos());
        // Only to differ from the one before, so the low 64 bits do.
        let generation = u64::try_from(nanoseconds & u128::from(u64::MAX)).unwrap_or(1).max(self.generation + 1);
        let header = serde_json::to_vec(&Header { format: FORMAT.into(), generation });
        let mut text = header.expect("a format and a number are JSON");
        text.push(b'\n');
        let changes: Vec<Change> = world.as_changes().filter(Change::is_kept).collect();
        if !changes.is_empty() {
            text.extend(line(&changes));
        }
        let new = beside(&self.path, ".new");
        fs::write(&new, &text).and_then(|()| fs::rename(&new, &self.path)).map_err(|source| self.io(source))?;
        (self.generation, self.offset, self.changes) = (generation, text.len() as u64, changes.len());
        Ok(())
    }
}

fn line(changes: &[Change]) -> Vec<u8> {
    let mut line = serde_json::to_vec(changes).expect("changes consist of JSON values");
    line.push(b'\n');
    line
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Process {
        world: World,
        store: Store,
    }

    impl Process {
        fn start(path: &Path) -> Self {
            let mut world = World::default();
            let store = Store::open(Some(path), &mut world).unwrap();
            Self { world, store }
        }

        fn put(&mut self, key: &str, value: u64) {
            self.store.turn(&mut self.world, |world| world.put("table", key, &value)).unwrap();
        }

        fn get(&mut self, key: &str) -> Option<u64> {
            self.store.turn(&mut self.world, |world| world.get("table", key)).unwrap()
        }
    }

    #[test]
    fn processes_see_each_other_at_every_turn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/sandbox.json");
        let (mut one, mut two) = (Process::start(&path), Process::start(&path));
        one.put("a", 1);
        assert_eq!(two.get("a"), Some(1));
        two.put("a", 2);
        assert_eq!(one.get("a"), Some(2));
        assert_eq!(Process::start(&path).get("a"), Some(2));
    }

    #[test]
    fn compaction_keeps_the_world_and_tells_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sandbox.json");
        let (mut one, mut two) = (Process::start(&path), Process::start(&path));
        for value in 0..1200 {
            one.put("a", value);
        }
        assert_eq!(two.get("a"), Some(1199));
        let long = fs::metadata(&path).unwrap().len();
        one.store.compact(&mut one.world).unwrap();
        assert!(fs::metadata(&path).unwrap().len() < long / 100);
        one.put("b", 7);
        assert_eq!((two.get("a"), two.get("b")), (Some(1199), Some(7)));
        one.store.reset(&mut one.world).unwrap();
        assert_eq!(two.get("a"), None);
    }

    #[test]
    fn a_torn_line_is_cut_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sandbox.json");
        let mut one = Process::start(&path);
        one.put("a", 1);
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"[{\"table\":\"ta").unwrap();
        let mut two = Process::start(&path);
        assert_eq!(two.get("a"), Some(1));
        two.put("b", 2);
        assert_eq!((one.get("a"), one.get("b")), (Some(1), Some(2)));
        assert_eq!(Process::start(&path).get("b"), Some(2));
    }

    #[test]
    fn foreign_files_are_refused_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sandbox.json");
        for (text, expected) in [
            ("hello\n", "not a sandbox's file"),
            ("{\"format\":\"studio-deploy-sandbox/99\",\"generation\":1}\n", "studio-deploy-sandbox/99"),
            ("{\"format\":\"studio-deploy-sandbox/1\",\"generation\":1}\nnonsense\n", "damaged"),
        ] {
            fs::write(&path, text).unwrap();
            let error = Store::open(Some(&path), &mut World::default()).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("sandbox reset"), "{error}");
            assert!(error.contains("sandbox.json"), "{error}");
        }
        remove(&path).unwrap();
        assert_eq!(Process::start(&path).get("a"), None);
    }
}
