//! The real program as its users run it: processes, files, pipes and exit codes.

mod codes;
mod commands;
mod edits;
mod http;
mod left_locks;
mod misuse;
mod odd_files;
mod saved;
mod streams;

use std::borrow::BorrowMut;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value as Json;
use tempfile::TempDir;

/// The deployment that every test is about.
const NAME: &str = "acme/dev/ml/studio";
const IDENTITY: [&str; 8] = ["--org", "acme", "--env", "dev", "--domain", "ml", "--module", "studio"];

/// A folder with the samples and a sandbox of its own.
struct Desk(TempDir);

/// Exit code and output of a process.
#[derive(Debug)]
struct Ended {
    code: i32,
    data: String,
    notes: String,
    /// Every AWS call: `service`, `operation`, `writes`, `resource`.
    calls: Vec<Json>,
}

impl Desk {
    fn new() -> Self {
        let desk = Self(TempDir::new().unwrap());
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
        for name in ["minimal.yaml", "comprehensive.yaml", "sso.yaml"] {
            fs::copy(samples.join(name), desk.path(name)).unwrap();
        }
        fs::create_dir(desk.path("testing_asset_dir")).unwrap();
        for name in ["README.txt", "test.sh"] {
            fs::copy(samples.join("testing_asset_dir").join(name), desk.path("testing_asset_dir").join(name)).unwrap();
        }
        desk
    }

    /// A desk whose sandbox holds the minimal sample, applied.
    fn applied() -> Self {
        let desk = Self::new();
        desk.apply("minimal.yaml").is(0);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The minimal sample with more behind it, as `name`.
    fn minimal_and(&self, name: &str, more: &str) {
        self.write(name, &format!("{}{more}", self.read("minimal.yaml")));
    }

    /// The program, knowing nothing of whoever runs the tests.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_studio-deploy"));
        command.args(args).current_dir(self.0.path()).env_clear().env("HOME", self.0.path()).stdin(Stdio::null());
        command
    }

    fn raw(&self, args: &[&str]) -> Ended {
        end(&mut self.command(args))
    }

    /// A command about the deployment, on the sandbox; the calls that it makes are kept.
    fn run(&self, args: &[&str]) -> Ended {
        let log = self.path("calls");
        if log.exists() {
            fs::remove_file(&log).unwrap();
        }
        let mut all = args.to_vec();
        all.extend(IDENTITY);
        all.extend(["--sandbox=F", "--sandbox-log", "calls"]);
        let mut ended = self.raw(&all);
        let text = fs::read_to_string(log).unwrap_or_default();
        ended.calls = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        ended
    }

    fn apply(&self, config: &str) -> Ended {
        self.run(&["apply", config, "--auto-approve"])
    }

    fn plan(&self, config: &str) -> Ended {
        self.run(&["plan", config, "--detailed-exitcode"])
    }

    fn destroy(&self, config: &str) -> Ended {
        self.run(&["destroy", config, "--auto-approve", "--confirm", NAME])
    }
}

fn end(mut command: impl BorrowMut<Command>) -> Ended {
    let output = command.borrow_mut().output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        data: String::from_utf8(output.stdout).unwrap(),
        notes: String::from_utf8(output.stderr).unwrap(),
        calls: Vec::new(),
    }
}

impl Ended {
    /// Makes sure of the exit code, and that the codes that promise it left AWS alone.
    #[track_caller]
    fn is(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.data, self.notes);
        if matches!(code, 2..=7 | 10 | 64) {
            assert_eq!(self.writes(), Vec::<String>::new(), "{}", self.notes);
        }
        self
    }

    /// The calls that change something, the lock's aside.
    fn writes(&self) -> Vec<String> {
        let text = |call: &Json, key: &str| call[key].as_str().unwrap_or_default().to_owned();
        let writes = self.calls.iter().filter(|call| call["writes"] == true);
        let writes = writes.filter(|call| !text(call, "resource").ends_with("/lock"));
        writes.map(|call| format!("{}:{}", text(call, "service"), text(call, "operation"))).collect()
    }

    #[track_caller]
    fn json(&self) -> Json {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {}", self.data))
    }

    #[track_caller]
    fn data_has(self, text: &str) -> Self {
        assert!(self.data.contains(text), "`{text}` is not in\n{}", self.data);
        self
    }

    #[track_caller]
    fn notes_have(self, text: &str) -> Self {
        assert!(self.notes.contains(text), "`{text}` is not in\n{}", self.notes);
        self
    }
}
