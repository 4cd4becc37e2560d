//! Arguments, surroundings, exit code. The only place that reads the environment.

#![expect(clippy::disallowed_methods, reason = "everything else is handed what is read and made here")]

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use studio_deploy::apply::Stop;
use studio_deploy::aws::connect::RealAws;
use studio_deploy::aws::wait;
use studio_deploy::cli::args::{self, Cli};
use studio_deploy::cli::exit::Exit;
use studio_deploy::cli::failure::Failure;
use studio_deploy::cli::surroundings::{Backend, Surroundings};
use studio_deploy::cli::{self};
use studio_deploy::ui::{Screen, Terminal};
use tokio::sync::watch;

/// How long what runs may go on after the first signal: a CI runner sends TERM 7.5 s after INT, and kills 2.5 s later.
const GRACE: Duration = Duration::from_secs(4);

fn main() -> ExitCode {
    let mut screen = screen();
    let cli = match args::parse(std::env::args_os(), &screen) {
        Ok(cli) => cli,
        Err(exit) => return exit.into(),
    };
    screen.configure(cli.global.output.color, cli.global.output.verbosity());
    // It lives as long as the process, and what is told from anywhere ends up on it.
    let screen: &'static Screen = Box::leak(Box::new(screen));
    if let Err(failure) = trace(&cli) {
        return cli::tell(&failure, cli.command.name(), cli.global.output.format(), screen, now).into();
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            screen.error(&format!("error[SD9001]: the runtime cannot be started: {error}"));
            return Exit::Bug.into();
        }
    };
    runtime.block_on(run(cli, screen)).into()
}

async fn run(cli: Cli, screen: &'static Screen) -> Exit {
    let (backend, done) = match backend(&cli, screen).await {
        Ok(backend) => backend,
        Err(exit) => return exit,
    };
    if let Some(exit) = done {
        return exit;
    }
    let (stop, signalled) = signals();
    let surroundings = Surroundings {
        variables: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect::<BTreeMap<_, _>>(),
        interactive: io::stdin().is_terminal() && io::stderr().is_terminal(),
        user: std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "unknown".into()),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        pid: std::process::id(),
        is_alive,
        now,
        stop,
        signalled,
        backend,
    };
    cli::run(cli, screen, &surroundings).await
}

/// The AWS to work with, and how the run ended if it was only about that.
#[cfg(feature = "sandbox")]
async fn backend(cli: &Cli, screen: &'static Screen) -> Result<(Box<dyn Backend>, Option<Exit>), Exit> {
    use studio_deploy::sandbox::backend::SandboxAws;
    let tell = |failure| cli::tell(&failure, cli.command.name(), cli.global.output.format(), screen, now);
    let options = &cli.global.sandbox;
    if let args::Command::Sandbox(command) = &cli.command {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let exit = studio_deploy::sandbox::command::run(command, &cli.global, variables, screen).await.map_err(tell)?;
        return Ok((Box::new(RealAws), Some(exit)));
    }
    match &options.file {
        Some(_) => Ok((Box::new(SandboxAws::open(options).map_err(tell)?), None)),
        None => Ok((Box::new(RealAws), None)),
    }
}

/// The AWS to work with.
#[cfg(not(feature = "sandbox"))]
async fn backend(_cli: &Cli, _screen: &'static Screen) -> Result<(Box<dyn Backend>, Option<Exit>), Exit> {
    Ok((Box::new(RealAws), None))
}

fn screen() -> Screen {
    let variable = |name: &str| std::env::var_os(name);
    let data = (Box::new(io::stdout()) as Box<dyn io::Write>, Terminal::new(io::stdout().is_terminal(), variable));
    let notes = (Box::new(io::stderr()) as Box<dyn io::Write>, Terminal::new(io::stderr().is_terminal(), variable));
    Screen::new(data, notes)
}

/// The time in RFC 3339.
fn now() -> String {
    jiff::Timestamp::now().to_string()
}

/// Writes what the SDK does to the file of `--log-file`, or with `-vv` to standard error.
fn trace(cli: &Cli) -> Result<(), Failure> {
    let output = &cli.global.output;
    let filter = || tracing_subscriber::EnvFilter::new("aws_config=debug,aws_smithy_runtime=debug,studio_deploy=debug");
    if let Some(path) = &output.log_file {
        let file = std::fs::File::options().create(true).append(true).open(path);
        let file = file.map_err(|error| Failure::file(path, &error))?;
        let subscriber = tracing_subscriber::fmt().with_env_filter(filter()).with_ansi(false);
        subscriber.with_writer(std::sync::Mutex::new(file)).init();
    } else if output.verbose > 1 {
        tracing_subscriber::fmt().with_env_filter(filter()).with_ansi(false).with_writer(io::stderr).init();
    }
    Ok(())
}

/// Whether a process of this host lives; one that may not be asked does.
fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

type Signalled = Box<dyn Fn() -> Option<Exit>>;

/// The first signal stops what is new, the second, or time, leaves what runs.
fn signals() -> (watch::Receiver<Stop>, Signalled) {
    use tokio::signal::unix::{SignalKind, signal};
    let (sender, receiver) = watch::channel(Stop::No);
    let first = Arc::new(AtomicU8::new(0));
    let seen = Arc::clone(&first);
    tokio::spawn(async move {
        let handlers = [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::terminate()].map(signal);
        let [Ok(mut hangup), Ok(mut interrupt), Ok(mut terminate)] = handlers else { return };
        let mut grace = wait::every(GRACE);
        loop {
            let code = tokio::select! {
                _ = hangup.recv() => Exit::Hangup.code(),
                _ = interrupt.recv() => Exit::Interrupted.code(),
                _ = terminate.recv() => Exit::Terminated.code(),
                _ = grace.tick(), if seen.load(Ordering::Relaxed) != 0 => 0,
            };
            let again = seen.compare_exchange(0, code, Ordering::Relaxed, Ordering::Relaxed).is_err();
            grace.reset();
            if sender.send(if again { Stop::Leave } else { Stop::Drain }).is_err() {
                return;
            }
        }
    });
    let signalled = move || match first.load(Ordering::Relaxed) {
        129 => Some(Exit::Hangup),
        130 => Some(Exit::Interrupted),
        143 => Some(Exit::Terminated),
        _ => None,
    };
    (receiver, Box::new(signalled))
}
