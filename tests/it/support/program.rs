//! The real program as its users run it: a process in a folder, with a sandbox in a file.

use std::borrow::BorrowMut;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use studio_sandbox::{Call, Sandbox, SandboxOptions};
use tempfile::TempDir;

use super::account::IDENTITY;
use super::configs::SAMPLES;
use super::ended::Ended;

/// Path of the program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_studio-deploy");

/// Option that names the sandbox of a desk, which is in its folder.
pub const SANDBOX: &str = "--sandbox=F";

/// A folder with configs and a sandbox of its own.
pub struct Desk(TempDir);

impl Desk {
    /// An empty folder, in which no sandbox is yet.
    pub fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder with one config, `studio.yaml`.
    pub fn with(config: &str) -> Self {
        let desk = Self::empty();
        desk.write("studio.yaml", config);
        desk
    }

    /// A folder with the samples and their assets.
    pub fn new() -> Self {
        let desk = Self::empty();
        for (name, text) in SAMPLES {
            desk.write(&format!("{name}.yaml"), text);
        }
        desk.assets();
        desk
    }

    /// A desk whose sandbox holds the minimal sample, applied.
    pub fn applied() -> Self {
        let desk = Self::new();
        desk.apply("minimal.yaml").expect(0);
        desk
    }

    /// Copies the assets that samples refer to.
    pub fn assets(&self) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/testing_asset_dir");
        for name in ["README.txt", "test.sh"] {
            self.write(&format!("testing_asset_dir/{name}"), &fs::read_to_string(from.join(name)).unwrap());
        }
    }

    /// The folder that commands run in.
    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// The path of a file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, with the folders that it is in.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Text of a file in the folder.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Writes the minimal sample with more behind it, as `name`.
    pub fn minimal_and(&self, name: &str, more: &str) {
        self.write(name, &format!("{}{more}", self.read("minimal.yaml")));
    }

    /// The account in the desk's sandbox.
    pub fn sandbox(&self) -> Sandbox {
        Sandbox::open(SandboxOptions { path: Some(self.path("F")), ..SandboxOptions::default() }).unwrap()
    }

    /// A command line of the program, which knows nothing of whoever runs the tests.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.other(PROGRAM);
        command.args(args);
        command
    }

    /// The same of another program, such as a shell that runs ours.
    pub fn other(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder()).env_clear().env("HOME", self.folder()).stdin(Stdio::null());
        command
    }

    /// Runs a command line as it stands.
    pub fn raw(&self, args: &[&str]) -> Ended {
        end(&mut self.command(args))
    }

    /// Runs a command about the deployment, on the sandbox.
    pub fn run(&self, args: &[&str]) -> Ended {
        self.run_as(args, &IDENTITY)
    }

    /// Runs a command about the deployment that `identity` names, on the sandbox.
    pub fn run_as(&self, args: &[&str], identity: &[&str]) -> Ended {
        let ended = end(&mut self.logged(args, identity));
        Ended { calls: self.calls(), ..ended }
    }

    /// A command about the deployment, on the sandbox, that logs its calls for [`Desk::calls`].
    pub fn logged(&self, args: &[&str], identity: &[&str]) -> Command {
        drop(fs::remove_file(self.path("calls")));
        self.command(&[args, identity, &[SANDBOX, "--sandbox-log", "calls"]].concat())
    }

    /// The calls of the last command that logged them.
    pub fn calls(&self) -> Vec<Call> {
        let log = fs::read_to_string(self.path("calls")).unwrap_or_default();
        // A process that still runs may be in the middle of a line.
        let whole = log.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        whole.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Applies a config without being asked.
    pub fn apply(&self, config: &str) -> Ended {
        self.run(&["apply", config, "--auto-approve"])
    }

    /// Plans a config, so that the exit code says whether something would change.
    pub fn plan(&self, config: &str) -> Ended {
        self.run(&["plan", config, "--detailed-exitcode"])
    }

    /// Destroys what a config made, without being asked.
    pub fn destroy(&self, config: &str) -> Ended {
        self.run(&["destroy", config, "--auto-approve", "--confirm", "acme/dev/ml/studio"])
    }
}

/// Runs a process to its end, which is none by a signal.
#[track_caller]
pub fn end(mut command: impl BorrowMut<Command>) -> Ended {
    let output = command.borrow_mut().output().unwrap();
    let [data, notes] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    let code = output.status.code().and_then(|code| u8::try_from(code).ok());
    let code = code.unwrap_or_else(|| panic!("it ended with {}\n{data}\n{notes}", output.status));
    Ended { code, data, notes, calls: Vec::new() }
}
