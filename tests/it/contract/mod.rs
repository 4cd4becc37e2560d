//! MDAA's contract, through the real binary: what it refuses, what it blocks, whole trees, and environments of MDAA's own.

mod adoption;
mod fuzz;
mod gate;
mod ownership;
mod refused;
mod tree;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value as Json;
use tempfile::TempDir;

/// A folder with configs and a sandbox of its own.
struct Place {
    folder: TempDir,
}

/// Exit code and output of a command.
#[derive(Debug)]
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    fn sandbox(&self) -> PathBuf {
        self.path().join("sandbox.json")
    }

    /// Runs studio-deploy in the folder, with nothing of the caller's environment.
    fn run(&self, args: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_studio-deploy"));
        let Output { status, stdout, stderr } =
            command.args(args).current_dir(self.path()).env_clear().output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ended { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// The same in the folder's sandbox, as `test-org/test-env/test-domain/test-module`.
    fn sandboxed(&self, args: &[&str]) -> Ended {
        let mut all = args.to_vec();
        all.extend(["--sandbox=sandbox.json", "--account", "111122223333", "--region", "us-east-1"]);
        all.extend(["--org", "test-org", "--env", "test-env", "--domain", "test-domain", "--module", "test-module"]);
        self.run(&all)
    }
}

impl Ended {
    #[track_caller]
    fn with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    fn json(&self) -> Json {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.stdout, self.stderr))
    }

    #[track_caller]
    fn says(self, text: &str) -> Self {
        let said = format!("{}\n{}", self.stdout, self.stderr);
        assert!(said.contains(text), "`{text}` is not said:\n{said}");
        self
    }
}

/// The address and the action of every step of a plan as JSON.
fn actions(plan: &Json) -> Vec<(String, String)> {
    let text = |change: &Json, key: &str| change[key].as_str().unwrap().to_owned();
    let changes = plan["changes"].as_array().unwrap();
    changes.iter().map(|change| (text(change, "address"), text(change, "action"))).collect()
}

/// A file of this repository.
fn repository(path: &str) -> String {
    format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))
}
