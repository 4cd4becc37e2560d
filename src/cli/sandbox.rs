//! `sandbox serve`, `reset` and `seed`, and the sandbox that `--sandbox` asks for.

use std::path::PathBuf;
use std::rc::Rc;

use serde_json::json;
use tokio::net::TcpListener;

use studio_sandbox::{Latency, SandboxOptions, remove_file, serve};

use super::args::{Format, LatencyChoice, SandboxCommand, SandboxFlags};
use super::run::Run;
use crate::deploy::{Host, load};
use crate::failure::{Exit, Failure, codes};
use crate::sandbox::backend::{ACCOUNT, REGION, SandboxAws, seed, unusable};

/// The place of the sandbox's state when nobody says.
const FILE: &str = ".studio-deploy/sandbox.json";

/// Opens the sandbox that the command line describes.
///
/// # Errors
/// A file that cannot be used, or a fault that does not exist.
pub fn open(flags: &SandboxFlags) -> Result<SandboxAws, Failure> {
    let latency = match flags.latency {
        LatencyChoice::None => Latency::None,
        LatencyChoice::Realistic(factor) => Latency::Factor(factor),
    };
    let (path, call_log) = (flags.file.clone(), flags.log.clone());
    SandboxAws::open(SandboxOptions { path, latency, call_log, ..SandboxOptions::default() }, &flags.faults.join(","))
}

/// Runs a command about the sandbox itself.
pub(super) async fn run(command: &SandboxCommand, run: &Run<'_>) -> Result<Exit, Failure> {
    let (global, screen) = (run.global, run.screen);
    let mut flags = global.sandbox.clone();
    let path = flags.file.get_or_insert_with(|| PathBuf::from(FILE)).clone();
    let json = run.format() == Format::Json;
    match command {
        SandboxCommand::Reset => {
            remove_file(&path).map_err(unusable)?;
            screen.note(&format!("{} is empty", path.display()));
            if json {
                screen.data(&format!("{}\n", json!({"file": path})))?;
            }
        }
        SandboxCommand::Seed(args) => {
            let backend = open(&flags)?;
            let sandbox = backend.sandbox().clone();
            // A config that is invalid leaves no sandbox behind.
            sandbox.hold();
            let host = Host::offline(Rc::new(backend), run.host.variables.clone());
            let all = load::load(&global.load_options(&args.files), &host)?;
            let mut made = Vec::new();
            for loaded in &all.deployments {
                if sandbox.is_new() {
                    let account = loaded.account.as_deref().unwrap_or(ACCOUNT);
                    sandbox.found(account, loaded.region.as_deref().unwrap_or(REGION)).map_err(unusable)?;
                }
                let home = sandbox.with_world(|world| world.account()).map_err(unusable)?;
                for line in seed(&sandbox, loaded, &home, None)? {
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
            let backend = open(&flags)?;
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
