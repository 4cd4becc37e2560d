//! An account inside the process, and commands that run on it as the program would run them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use studio_deploy::aws::lock::{Locality, Process, ProcessState};
use studio_deploy::cli::args::Cli;
use studio_deploy::cli::{self, args};
use studio_deploy::deploy::Host;
use studio_deploy::deploy::signals::{self, Signals};
use studio_deploy::failure::Exit;
use studio_deploy::sandbox::backend::SandboxAws;
use studio_deploy::ui::{Screen, Terminal};
use studio_sandbox::{Faults, Sandbox, SandboxOptions};
use tempfile::TempDir;

use super::ended::Ended;
use super::picture::{self, Tables};

/// Identity of the deployment that every test is about, as options of the command line.
pub const IDENTITY: [&str; 8] = ["--org", "acme", "--env", "dev", "--domain", "ml", "--module", "studio"];
/// Identity of a neighbour, whose names begin as those of the deployment do.
pub const NEIGHBOUR: [&str; 8] = ["--org", "acme", "--env", "dev", "--domain", "ml", "--module", "studio-two"];

/// Arguments with which `apply` goes ahead.
pub const APPLY: &[&str] = &["apply", "--auto-approve"];
/// Arguments with which `destroy` goes ahead.
pub const DESTROY: &[&str] = &["destroy", "--auto-approve", "--confirm", "acme/dev/ml/studio"];
/// Ends with 2 when something would change.
pub const PLAN: &[&str] = &["plan", "--detailed-exitcode"];
/// The same as one document on standard output, which [`super::ended::Ended::json`] reads.
pub const PLAN_JSON: &[&str] = &["plan", "--detailed-exitcode", "--format", "json"];
/// Options with which a command writes one document, for programs.
pub const AS_JSON: [&str; 2] = ["--format", "json"];

/// Every command is a process of its own as far as the lock can tell.
static PROCESSES: AtomicU32 = AtomicU32::new(1000);

/// An account of one test, and a folder for its configs.
pub struct Lab {
    folder: TempDir,
    faults: RefCell<Faults>,
    next_faults: RefCell<Option<Faults>>,
    unknown_holders: Cell<bool>,
    full_disk: Cell<bool>,
    stop: Cell<Option<Exit>>,
    variables: RefCell<BTreeMap<String, String>>,
    /// The account.
    pub sandbox: Sandbox,
}

impl Lab {
    /// An empty account that is as unhelpful as AWS may be.
    pub fn new() -> Self {
        Self::with(SandboxOptions { adversary: true, ..SandboxOptions::default() })
    }

    /// An empty account with these properties.
    pub fn with(options: SandboxOptions) -> Self {
        let sandbox = Sandbox::open(options).unwrap();
        Self {
            folder: tempfile::tempdir().unwrap(),
            faults: RefCell::default(),
            next_faults: RefCell::default(),
            unknown_holders: Cell::default(),
            full_disk: Cell::default(),
            stop: Cell::default(),
            variables: RefCell::default(),
            sandbox,
        }
    }

    /// Sets the faults of every command from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.faults.replace(faults);
    }

    /// Hides from every command whether another process lives.
    pub fn holders_are_unknown(&self, unknown: bool) {
        self.unknown_holders.set(unknown);
    }

    /// Leads standard output to a disk that is full.
    pub fn full_disk(&self, full: bool) {
        self.full_disk.set(full);
    }

    /// The signal that comes as soon as the next command begins.
    pub fn stop(&self, signal: Exit) {
        self.stop.set(Some(signal));
    }

    /// The one variable of the environment from now on.
    pub fn set_variable(&self, name: &str, value: &str) {
        self.variables.replace([(name.to_owned(), value.to_owned())].into());
    }

    /// Takes the record whose key ends so out of a table.
    #[track_caller]
    pub fn forget(&self, table: &str, end: &str) {
        let keys: Vec<String> = self.tables()[table].keys().filter(|key| key.ends_with(end)).cloned().collect();
        assert_eq!(keys.len(), 1, "{keys:?}");
        assert!(self.sandbox.with_world(|world| world.remove(table, &keys[0])).unwrap());
    }

    /// Sets the faults of the next command, and only of that.
    pub fn set_faults_once(&self, faults: Faults) {
        self.next_faults.replace(Some(faults));
    }

    /// An account that looks like `tables`.
    pub fn like(tables: &Tables) -> Self {
        let lab = Self::new();
        picture::restore(&lab.sandbox, tables);
        lab
    }

    /// Tables of the account, by name and key.
    pub fn tables(&self) -> Tables {
        picture::tables(&self.sandbox)
    }

    /// A file in the test's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a config with its assets, and returns its path.
    pub fn config(&self, text: &str) -> String {
        let path = self.path("studio.yaml");
        fs::write(&path, text).unwrap();
        let assets = self.path("testing_asset_dir");
        if text.contains("./testing_asset_dir") && !assets.exists() {
            let from = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/testing_asset_dir");
            fs::create_dir(&assets).unwrap();
            for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
                fs::copy(file.path(), assets.join(file.file_name())).unwrap();
            }
        }
        if text.contains("./large_asset_dir") {
            let assets = self.path("large_asset_dir");
            fs::create_dir_all(&assets).unwrap();
            // Too large for one request, and no larger.
            fs::File::create(assets.join("model.bin")).unwrap().set_len(4 << 20).unwrap();
        }
        path.to_str().unwrap().to_owned()
    }

    /// Runs `command` on a config.
    pub fn run(&self, command: &[&str], text: &str) -> Ended {
        let config = self.config(text);
        self.command(&[command, &[&config]].concat())
    }

    /// Runs a command line, without the program's name and the deployment's.
    pub fn command(&self, line: &[&str]) -> Ended {
        self.command_as(line, &IDENTITY)
    }

    /// Runs a command line about the deployment that `identity` names.
    pub fn command_as(&self, line: &[&str], identity: &[&str]) -> Ended {
        // Between two commands passes the time that reads lag behind writes, and calls are counted anew.
        let faults = self.next_faults.take().unwrap_or_else(|| self.faults.borrow().clone());
        self.sandbox.set_faults(faults);
        let begun = self.begin(line, identity, self.locality());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let code = runtime.block_on(begun.run);
        Ended { code, data: begun.data.text(), notes: begun.notes.text(), calls: self.sandbox.calls() }
    }

    /// A command that has not done anything yet, as a process that knows `locality` of itself.
    pub fn begin(&self, line: &[&str], identity: &[&str], locality: Locality) -> Begun {
        let (data, notes) = (Kept::default(), Kept::default());
        let terminal = Terminal::new(false, |_| None);
        let out: Box<dyn Write> = if self.full_disk.get() { Box::new(Full) } else { Box::new(data.clone()) };
        let screen = Screen::new((out, terminal), (Box::new(notes.clone()), terminal));
        // A command wants a screen that outlives it; a few bytes a command are not worth another way.
        let screen: &'static Screen = Box::leak(Box::new(screen));
        let line: Vec<OsString> = ["studio-deploy"].iter().chain(line).chain(identity).map(OsString::from).collect();
        let surroundings = self.host(locality);
        let stop = self.stop.take();
        let run = Box::pin(async move {
            match args::parse(line, screen) {
                Err(exit) => exit.code(),
                Ok(cli) => go(cli, screen, surroundings, stop).await.code(),
            }
        });
        Begun { run, data, notes }
    }

    /// A process of its own on the one machine that there is. Commands run one after another, so that whoever else holds
    /// the lock is dead.
    pub fn locality(&self) -> Locality {
        Locality {
            process: Process {
                host: "test".into(),
                pid: PROCESSES.fetch_add(1, Ordering::Relaxed),
                boot: Some("boot".into()),
                namespace: Some("pid:[1]".into()),
                started: Some(1),
            },
            life: if self.unknown_holders.get() { |_| ProcessState::Unknown } else { |_| ProcessState::Gone },
            uptime: || Duration::ZERO,
        }
    }

    fn host(&self, locality: Locality) -> Host {
        Host {
            variables: self.variables.borrow().clone(),
            interactive: false,
            user: "tester".into(),
            locality,
            now: || "2026-01-01T00:00:00Z".into(),
            signals: Signals::none(),
            backend: Rc::new(SandboxAws::of(self.sandbox.clone())),
        }
    }
}

/// Runs a command as main.rs does, with a signal that comes as soon as it begins.
async fn go(cli: Cli, screen: &'static Screen, host: Host, stop: Option<Exit>) -> Exit {
    let (switch, signals) = signals::signals();
    let host = if stop.is_some() { Host { signals, ..host } } else { host };
    if let Some(signal) = stop {
        switch.drain(signal);
    }
    cli::run(cli, screen, &host).await
}

/// A command that has begun.
pub struct Begun {
    /// The command itself, which comes to its exit code.
    pub run: Pin<Box<dyn Future<Output = u8>>>,
    /// Standard output.
    pub data: Kept,
    /// Standard error.
    pub notes: Kept,
}

/// A stream into a disk that is full.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A stream that keeps what is written.
#[derive(Clone, Default)]
pub struct Kept(Rc<RefCell<Vec<u8>>>);

impl Kept {
    /// Text that was written so far.
    pub fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
