//! `sandbox serve`, `reset` and `seed`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use serde_json::json;
use tokio::net::TcpListener;

use super::backend::{ACCOUNT, REGION, SandboxAws, seed, unusable};
use crate::cli::args::{self, Format, Global, SandboxCommand};
use crate::cli::load::load;
use crate::cli::surroundings::Surroundings;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::failure::codes;
use crate::ui::Screen;
use studio_sandbox::{remove_file, serve};

/// Default place of the sandbox's state.
const FILE: &str = ".studio-deploy/sandbox.json";

/// Runs a command about the sandbox itself.
///
/// # Errors
/// A file or a port that cannot be used, or a config that is invalid.
pub async fn run(
    command: &SandboxCommand,
    global: &Global,
    variables: BTreeMap<String, String>,
    screen: &Screen,
) -> Result<Exit, Failure> {
    if let Some(failure) = args::misspelt(variables.keys()) {
        return Err(failure);
    }
    let mut flags = global.sandbox.clone();
    let path = flags.file.get_or_insert_with(|| PathBuf::from(FILE)).clone();
    let json = global.output.format() == Format::Json;
    match command {
        SandboxCommand::Reset => {
            remove_file(&path).map_err(unusable)?;
            screen.note(&format!("{} is empty", path.display()));
            if json {
                screen.data(&format!("{}\n", json!({"file": path})))?;
            }
        }
        SandboxCommand::Seed(args) => {
            let backend = SandboxAws::open(&flags)?;
            let sandbox = backend.sandbox().clone();
            // A config that is invalid leaves no sandbox behind.
            sandbox.hold();
            let surroundings = Surroundings::offline(Rc::new(backend), variables);
            let all = load(&args.files, global, &surroundings, screen.notes_paint().is_colored())?;
            let mut made = Vec::new();
            for loaded in &all.deployments {
                if sandbox.is_new() {
                    let account = loaded.account.as_deref().unwrap_or(ACCOUNT);
                    sandbox.found(account, loaded.region.as_deref().unwrap_or(REGION)).map_err(unusable)?;
                }
                for line in seed(&sandbox, loaded)? {
                    screen.note(&format!("made {line}"));
                    made.push(line);
                }
            }
            sandbox.keep().map_err(unusable)?;
            if json {
                screen.data(&format!("{}\n", json!({"file": path, "made": made})))?;
            }
        }
        SandboxCommand::Serve(args) => {
            let backend = SandboxAws::open(&flags)?;
            let sandbox = backend.sandbox().clone();
            if sandbox.is_new() {
                let account = global.target.account.as_deref().unwrap_or(ACCOUNT);
                sandbox.found(account, global.target.region.as_deref().unwrap_or(REGION)).map_err(unusable)?;
            }
            let cannot = |error: std::io::Error| {
                Failure::new(&codes::FILE, format!("port {} cannot be used: {error}", args.port))
                    .help("choose another with `--port`; 0 takes any free one")
            };
            let listener = TcpListener::bind(("127.0.0.1", args.port)).await.map_err(cannot)?;
            let address = listener.local_addr().map_err(cannot)?;
            // Data: a script that starts the server reads from here where it is.
            let url = format!("http://{address}");
            let data = if json { json!({"file": path, "url": url}).to_string() } else { url };
            screen.data(&format!("{data}\n"))?;
            screen.note(&format!(
                "the sandbox in {} answers in region {}, with any credentials, until it is interrupted",
                path.display(),
                sandbox.region()
            ));
            serve(sandbox, listener, interrupted()).await?;
        }
    }
    Ok(Exit::Success)
}

async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let handlers = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = handlers else { return std::future::pending().await };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
