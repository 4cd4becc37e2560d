use std::os::unix::fs::symlink;
use std::process::Command;

use super::*;

struct Process {
    world: World,
    store: Store,
}

impl Process {
    fn start(path: &Path) -> Self {
        Self::open(path).unwrap()
    }

    fn open(path: &Path) -> Result<Self, StoreError> {
        let mut world = World::default();
        let store = Store::open(Some(path), &mut world)?;
        Ok(Self { world, store })
    }

    fn put(&mut self, key: &str, value: u64) {
        self.turn(TurnKind::Write, |world| world.put("table", key, &value));
    }

    fn get(&mut self, key: &str) -> Option<u64> {
        self.turn(TurnKind::Read, |world| world.get("table", key))
    }

    fn turn<T>(&mut self, kind: TurnKind, run: impl FnOnce(&mut World) -> T) -> T {
        self.store.turn(&mut self.world, run, |_| kind).unwrap()
    }

    fn holds(&self) -> Vec<RecordChange> {
        self.world.as_changes().collect()
    }
}

/// A file with a few turns, and what it looked like before the last.
fn journal(folder: &Path) -> (PathBuf, Vec<u8>, Vec<u8>) {
    let path = folder.join("sandbox.json");
    let mut one = Process::start(&path);
    for value in 0..4 {
        one.put(["a", "b"][usize::try_from(value).unwrap() % 2], value);
    }
    let before = fs::read(&path).unwrap();
    one.turn(TurnKind::Write, |world| world.remove("table", "a"));
    let now = fs::read(&path).unwrap();
    (path, before, now)
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
    assert!(remove_file(&path).unwrap() && !remove_file(&path).unwrap());
    assert_eq!((one.get("a"), two.get("a")), (None, None));
}

#[test]
fn a_turn_that_was_never_answered_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let (path, before, now) = journal(folder.path());
    // A kill leaves the line, or its beginning, without the header that counts it in.
    let mut cases = 0;
    for end in before.len()..=now.len() {
        fs::write(&path, [&before[..Header::LENGTH], &now[Header::LENGTH..end]].concat()).unwrap();
        let (mut one, mut two) = (Process::start(&path), Process::start(&path));
        assert_eq!((one.get("a"), two.get("b")), (Some(2), Some(3)), "{end}");
        two.put("c", 9);
        assert_eq!((one.get("c"), Process::start(&path).get("c")), (Some(9), Some(9)), "{end}");
        cases += 1;
    }
    println!("{cases} kills between a turn and its commit");
}

#[test]
fn a_file_that_was_touched_holds_the_same_world_or_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, before, now) = journal(folder.path());
    let whole = Process::start(&path).holds();
    let (mut cases, mut same) = (0, 0);
    let mut judge = |what: &str, bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        match Process::open(&path) {
            Ok(process) => {
                assert_eq!(process.holds(), whole, "{what}: another world, and nobody is told");
                same += 1;
            }
            Err(error) => {
                assert!(error.to_string().contains(&path.display().to_string()), "{what}: {error}");
                let is_kin = bytes.starts_with(b"{\"format\":\"studio-deploy-sandbox/");
                assert_eq!(matches!(error, StoreError::Foreign { .. }), !is_kin, "{what}: {error}");
                assert_eq!(fs::read(&path).unwrap(), bytes, "{what}: it was written to");
            }
        }
        cases += 1;
    };
    for end in 0..now.len() {
        judge(&format!("cut at {end}"), &now[..end]);
    }
    for at in 0..now.len() {
        for bit in 0..8 {
            let mut bytes = now.clone();
            bytes[at] ^= 1 << bit;
            judge(&format!("bit {bit} of byte {at} flipped"), &bytes);
        }
        let without = [&now[..at], &now[at + 1..]].concat();
        judge(&format!("byte {at} left out"), &without);
    }
    let lines: Vec<&[u8]> = now.split_inclusive(|byte| *byte == b'\n').collect();
    for (at, line) in lines.iter().enumerate() {
        let mut less = lines.clone();
        less.remove(at);
        judge(&format!("line {at} left out"), &less.concat());
        judge(&format!("line {at} once more"), &[&now[..], line].concat());
    }
    for (what, other) in [("itself", &now), ("an older state", &before), ("text", &b"hello\n".to_vec())] {
        judge(&format!("with {what} behind it"), &[&now[..], other].concat());
        judge(&format!("with {what} in front of it"), &[&other[..], &now].concat());
    }
    println!("{cases} files that were cut, changed or stuck together: {same} the same world, the others refused");
    assert!(same < 10, "{same} changes that nobody noticed");
}

#[test]
fn nothing_but_a_sandbox_is_read_written_or_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("real.json");
    Process::start(&real).put("a", 1);
    let place = |name: &str| folder.path().join(name);
    fs::create_dir(place("folder")).unwrap();
    symlink(&real, place("link")).unwrap();
    symlink(place("nowhere"), place("dangling")).unwrap();
    assert!(Command::new("mkfifo").arg(place("pipe")).status().unwrap().success());
    fs::write(place("empty"), "").unwrap();
    fs::write(place("precious.yaml"), "domain:\n  authMode: IAM\n").unwrap();
    fs::write(place("other.json"), "{\"format\":\"another-program/1\"}\n").unwrap();
    for (name, said) in [
        ("folder", "a folder"),
        ("link", "a symbolic link"),
        ("dangling", "a symbolic link"),
        ("pipe", "a pipe"),
        ("empty", "it is empty"),
        ("precious.yaml", "does not begin like one"),
        ("other.json", "does not begin like one"),
        (".", "a folder"),
    ] {
        // Whoever opens the pipe waits for ever.
        let content = || if name == "pipe" { None } else { fs::read(place(name)).ok() };
        let before = content();
        for error in
            [Process::open(&place(name)).map(drop).unwrap_err(), remove_file(&place(name)).map(drop).unwrap_err()]
        {
            assert!(error.to_string().contains(said), "{name}: {error}");
            assert!(matches!(error, StoreError::Foreign { .. } | StoreError::Io { .. }), "{name}: {error:?}");
        }
        assert_eq!(content(), before, "{name}");
        assert!(fs::symlink_metadata(place(name)).is_ok(), "{name} is gone");
    }
    assert_eq!(Process::start(&real).get("a"), Some(1));
    assert!(!place("nowhere").exists() && !remove_file(&place("nowhere")).unwrap());
}

#[test]
fn another_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it's mine.json");
    for version in ["1", "99"] {
        fs::write(&path, format!("{{\"format\":\"studio-deploy-sandbox/{version}\",\"generation\":1}}\n")).unwrap();
        let error = Process::open(&path).map(drop).unwrap_err();
        assert!(error.to_string().contains(&format!("studio-deploy-sandbox/{version},")), "{error}");
        assert!(matches!(error, StoreError::Version { .. }), "{error:?}");
    }
    assert!(remove_file(&path).unwrap());
    assert_eq!(Process::start(&path).get("a"), None);
}

#[test]
fn what_is_held_leaves_no_trace_until_something_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/sandbox.json");
    let mut one = Process::start(&path);
    one.store.hold();
    one.turn(TurnKind::Prepare, |world| world.put("table", "seeded", &1));
    one.turn(TurnKind::Read, |world| world.advance(100));
    assert_eq!(one.get("seeded"), Some(1));
    drop(one.store.compact(&mut one.world));
    assert!(!folder.path().join("deep").exists());
    one.put("a", 1);
    let mut two = Process::start(&path);
    assert_eq!((two.get("seeded"), two.get("a")), (Some(1), Some(1)));
    assert_eq!(two.world.now(), one.world.now());
    // Once something is written, nothing is held any more.
    one.store.hold();
    one.turn(TurnKind::Prepare, |world| world.put("table", "later", &1));
    assert_eq!(two.get("later"), Some(1));
}

#[test]
fn what_is_held_never_overwrites_what_others_have_written() {
    for there in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sandbox.json");
        if there {
            Process::start(&path).put("before", 1);
        }
        let (mut one, mut two) = (Process::start(&path), Process::start(&path));
        for process in [&mut one, &mut two] {
            process.store.hold();
            process.turn(TurnKind::Prepare, |world| {
                world.put("table", "role", &1);
                world.advance(10);
            });
        }
        two.put("role", 2);
        two.turn(TurnKind::Write, |world| world.advance(1000));
        let late = two.world.now();
        one.turn(TurnKind::Read, |world| world.advance(5));
        one.put("a", 1);
        for process in [&mut one, &mut two, &mut Process::start(&path)] {
            assert_eq!((process.get("role"), process.get("a")), (Some(2), Some(1)), "{there}");
            assert!(process.world.now() >= late);
        }
        assert_eq!(one.get("before"), there.then_some(1));
    }
}

#[test]
fn files_are_private_whatever_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/sandbox.json");
    Process::start(&path).put("a", 1);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!([mode(&path), mode(&beside(&path, ".lock")), mode(&folder.path().join("deep"))], [0o600, 0o600, 0o700]);
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    assert_eq!(Process::start(&path).get("a"), Some(1));
    assert_eq!(mode(&path), 0o600);
}
