//! The command line: what may be said on it, one file a command, how a run ends, and what is said when it does not end
//! well.

mod apply;
pub mod args;
mod cleanup;
mod destroy;
mod diff;
mod drift;
mod explain;
mod graph;
mod init;
mod list;
mod mend;
mod output;
mod permissions;
mod plan;
mod prompt;
mod run;
mod saved;
#[cfg(feature = "sandbox")]
pub mod sandbox;
mod schema;
mod unlock;
mod url;
mod validate;

use args::{Cli, Command, Format};
use run::Run;

use crate::deploy::Host;
use crate::failure::{Exit, Failure};
use crate::ui::{self, Screen, events};

/// Runs a command to its end; whatever went wrong is on the screen afterwards.
pub async fn run(cli: Cli, screen: &'static Screen, host: &Host) -> Exit {
    let format = cli.global.output.format();
    let global = &cli.global;
    if let Some(failure) = args::misspelt(host.variables.keys()) {
        return print_early_error(&failure, cli.command.name(), format, screen, host.now);
    }
    let run = match Run::begin(&cli.command, global, screen, host) {
        Ok(run) => run,
        Err(failure) => return print_error(&failure, format, screen),
    };
    let work = Box::pin(command(&cli, &run));
    // Those that write know themselves when they change something, and what is to be put in order then.
    let result = if cli.command.only_reads() { host.signals.unless_stopped(work).await } else { work.await };
    run.end(result)
}

async fn command(cli: &Cli, run: &Run<'_>) -> Result<Exit, Failure> {
    match &cli.command {
        Command::Init(args) => init::run(args, run),
        Command::Validate(args) => validate::run(args, run),
        Command::Plan(args) => plan::run(args, run).await,
        Command::Diff(args) => diff::run(args, run).await,
        Command::Apply(args) => apply::run(args, run).await,
        Command::Destroy(args) => destroy::run(args, run).await,
        Command::Drift(args) => drift::run(args, run).await,
        Command::Url(args) => url::run(args, run).await,
        Command::Output(args) => output::run(args, run).await,
        Command::Graph(args) => graph::run(args, run).await,
        Command::Permissions(args) => permissions::run(args, run),
        Command::List(args) => list::run(args, run),
        Command::Cleanup(args) => cleanup::run(args, run).await,
        Command::Unlock(args) => unlock::run(args, run).await,
        Command::Schema(args) => schema::run(args, run),
        Command::Explain(args) => explain::run(args, run),
        Command::Completions(args) => schema::completions(args, run),
        Command::Man(args) => schema::man(args, run),
        #[cfg(feature = "sandbox")]
        Command::Sandbox(command) => sandbox::run(command, run).await,
        #[cfg(not(feature = "sandbox"))]
        Command::Sandbox(_) => Err(Failure::new(&crate::failure::codes::USAGE, "this build has no sandbox")
            .help("build with the feature `sandbox`, which is on by default")),
    }
}

/// Prints why a run ended before it began: on standard error, and for programs on standard output too.
pub fn print_early_error(
    failure: &Failure,
    command: &str,
    format: Format,
    screen: &Screen,
    now: fn() -> String,
) -> Exit {
    if format == Format::Ndjson {
        // Whoever cannot be told on standard output is told on standard error.
        drop(events::lone_error(failure, command, screen, now));
    }
    print_error(failure, format, screen)
}

fn print_error(failure: &Failure, format: Format, screen: &Screen) -> Exit {
    screen.error(&ui::failure::render(failure, screen.notes_paint()));
    if format == Format::Json {
        // The error is on standard error already; a full disk under standard output changes nothing about it.
        drop(screen.data(&failure.json()));
    }
    failure.exit
}
