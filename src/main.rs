//! Arguments, the machine, exit code. The only place that reads the environment.

#![expect(clippy::disallowed_methods, reason = "everything else is handed what is read and made here")]

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

use studio_deploy::aws::connect::RealAws;
use studio_deploy::aws::lock::{Locality, Process, ProcessState};
use studio_deploy::aws::wait;
use studio_deploy::cli::args::{self, Cli, Command};
use studio_deploy::cli::{self};
use studio_deploy::deploy::signals::{self, Signals, Switch};
use studio_deploy::deploy::{Backend, Host};
use studio_deploy::failure::Exit;
use studio_deploy::failure::Failure;
use studio_deploy::ui::{Outgoing, Screen, Terminal};
use tokio::signal::unix::{SignalKind, signal};

/// Time that running steps have after the first signal: a CI runner sends TERM 7.5 s after INT, and kills 2.5 s later.
const GRACE: Duration = Duration::from_secs(4);
/// Time that a run has to report its end and to give the lock back, before the process ends without it.
const LAST_WORDS: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    // A panic's message may quote what no one vouches for.
    std::panic::set_hook(Box::new(|panic| drop(writeln!(Outgoing(io::stderr()), "{panic}"))));
    let mut screen = screen();
    let cli = match args::parse(std::env::args_os(), &screen) {
        Ok(cli) => cli,
        Err(exit) => return exit.code().into(),
    };
    screen.configure(cli.global.output.color, cli.global.output.verbosity());
    // It lives as long as the process, and what is told from anywhere ends up on it.
    let screen: &'static Screen = Box::leak(Box::new(screen));
    if let Err(failure) = trace(&cli) {
        return cli::print_early_error(&failure, cli.command.name(), cli.global.output.format(), screen, now)
            .code()
            .into();
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            screen.error(&format!("error[SD9001]: the runtime cannot be started: {error}"));
            return Exit::Bug.code().into();
        }
    };
    let exit = runtime.block_on(run(cli, screen));
    // Whoever still waits for a line of input, or for a name server, is not waited for.
    runtime.shutdown_background();
    exit.code().into()
}

async fn run(cli: Cli, screen: &'static Screen) -> Exit {
    let backend = match backend(&cli) {
        Ok(backend) => backend,
        Err(failure) => {
            return cli::print_early_error(&failure, cli.command.name(), cli.global.output.format(), screen, now);
        }
    };
    // A server ends by signals itself.
    let signals = if matches!(cli.command, Command::Sandbox(_)) { Signals::none() } else { heed_signals() };
    let host = Host {
        variables: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect::<BTreeMap<_, _>>(),
        interactive: io::stdin().is_terminal() && io::stderr().is_terminal(),
        user: std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "unknown".into()),
        locality: Locality { process: process(), life, uptime },
        now,
        signals,
        backend,
    };
    cli::run(cli, screen, &host).await
}

/// The AWS to work with.
#[cfg(feature = "sandbox")]
fn backend(cli: &Cli) -> Result<Rc<dyn Backend>, Failure> {
    match (&cli.command, &cli.global.sandbox.file) {
        // Commands about the sandbox itself open it as they need it.
        (Command::Sandbox(_), _) | (_, None) => Ok(Rc::new(RealAws::default())),
        _ => Ok(Rc::new(cli::sandbox::open(&cli.global.sandbox)?)),
    }
}

/// The AWS to work with.
#[cfg(not(feature = "sandbox"))]
fn backend(_: &Cli) -> Result<Rc<dyn Backend>, Failure> {
    Ok(Rc::new(RealAws::default()))
}

fn screen() -> Screen {
    let variable = |name: &str| std::env::var_os(name);
    let columns = |(terminal_size::Width(columns), _)| columns;
    let data = Terminal::new(io::stdout().is_terminal(), variable)
        .wide(terminal_size::terminal_size_of(io::stdout()).map(columns));
    let notes = Terminal::new(io::stderr().is_terminal(), variable)
        .wide(terminal_size::terminal_size_of(io::stderr()).map(columns));
    Screen::new((Box::new(io::stdout()) as Box<dyn Write>, data), (Box::new(io::stderr()) as Box<dyn Write>, notes))
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
        let file = studio_deploy::files::append(path).map_err(|error| Failure::file(path, &error))?;
        let subscriber = tracing_subscriber::fmt().with_env_filter(filter()).with_ansi(false);
        subscriber.with_writer(std::sync::Mutex::new(Outgoing(file))).init();
    } else if output.verbose > 1 {
        tracing_subscriber::fmt()
            .with_env_filter(filter())
            .with_ansi(false)
            .with_writer(|| Outgoing(io::stderr()))
            .init();
    }
    Ok(())
}

/// Identity of this process, unique as far as the system lets it be.
fn process() -> Process {
    let pid = std::process::id();
    // A /proc of another PID namespace counts other process ids than ours.
    let is_ours = std::fs::read_link("/proc/self").is_ok_and(|link| link.as_os_str() == pid.to_string().as_str());
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().filter(|_| is_ours);
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok().filter(|_| is_ours);
    let started = match life(pid) {
        ProcessState::Started(at) if is_ours => Some(at),
        _ => None,
    };
    Process {
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        pid,
        boot: boot.map(|boot| boot.trim().to_owned()),
        namespace: namespace.map(|namespace| namespace.to_string_lossy().into_owned()),
        started,
    }
}

/// State of a process, as the system reports it. Whether there is such a process is asked of the kernel, since /proc may be hidden
/// from us (`hidepid`); what it is, of `/proc/PID/stat`.
fn life(pid: u32) -> ProcessState {
    let Some(id) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else {
        return ProcessState::Unknown;
    };
    if rustix::process::test_kill_process(id) == Err(rustix::io::Errno::SRCH) {
        return ProcessState::Gone;
    }
    std::fs::read(format!("/proc/{pid}/stat")).map_or(ProcessState::Unknown, |stat| ProcessState::of_stat(&stat))
}

/// The time since the boot, asleep or not.
fn uptime() -> Duration {
    // Only Linux's monotonic clock stands still while the machine sleeps.
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    let now = rustix::time::clock_gettime(clock);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Listens for signals on a thread of its own: a run that waits for standard input hears nothing itself.
#[expect(clippy::exit, reason = "a run that is stuck cannot return")]
fn heed_signals() -> Signals {
    let (switch, signals) = signals::signals();
    let (listens, waits) = mpsc::channel::<()>();
    let listen = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let Ok(exit) = runtime.and_then(|runtime| runtime.block_on(heed(&switch, listens))) {
            // It had the time to end by itself: nothing of it could be waited for any longer.
            std::process::exit(exit.code().into());
        }
    };
    // Without that thread a signal does what it does to any program.
    drop(std::thread::Builder::new().name("signals".into()).spawn(listen));
    // The end of the channel is all that comes: from now on a signal is heard.
    let _ = waits.recv();
    signals
}

/// The first signal stops what is new and ends what only reads; the second, or time, leaves what runs. Returns when the
/// process must not last any longer, with its exit code.
async fn heed(switch: &Switch, listens: mpsc::Sender<()>) -> io::Result<Exit> {
    let [mut hangup, mut interrupt, mut terminate] =
        [signal(SignalKind::hangup())?, signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
    drop(listens);
    let mut next = async || {
        tokio::select! {
            _ = hangup.recv() => Exit::Hangup,
            _ = interrupt.recv() => Exit::Interrupted,
            _ = terminate.recv() => Exit::Terminated,
        }
    };
    let first = next().await;
    switch.drain(first);
    let grace = if switch.is_writing() { GRACE } else { LAST_WORDS };
    tokio::select! {
        _ = next() => {}
        () = wait::real(grace) => {}
    }
    if switch.is_writing() {
        switch.leave();
        wait::real(LAST_WORDS).await;
    }
    Ok(first)
}
