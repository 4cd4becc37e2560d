//! The command line: what may be said on it, one file a command, how a run ends, and what is said when it does not end
//! well.

mod apply;
pub mod args;
mod cleanup;
mod destroy;
mod diff;
mod drift;
mod explain;
mod files;
mod graph;
mod hold;
mod init;
mod list;
pub mod load;
mod mend;
mod output;
mod permissions;
mod plan;
mod review;
mod run;
mod schema;
pub mod session;
pub mod signals;
pub mod surroundings;
mod told;
mod unlock;
mod url;
mod validate;

use crate::failure::Exit;
use crate::failure::Failure;
use args::{Cli, Command, Format};
use run::Run;
use surroundings::Surroundings;

use crate::ui::{Screen, events};

/// Runs a command to its end; whatever went wrong is on the screen afterwards.
pub async fn run(cli: Cli, screen: &'static Screen, surroundings: &Surroundings) -> Exit {
    let format = cli.global.output.format();
    let global = &cli.global;
    if let Some(failure) = args::misspelt(surroundings.variables.keys()) {
        return tell(&failure, cli.command.name(), format, screen, surroundings.now);
    }
    let run = match Run::begin(cli.command.name(), global, screen, surroundings) {
        Ok(run) => run,
        Err(failure) => return say(&failure, format, screen),
    };
    let work = Box::pin(command(&cli, &run));
    let result = match &cli.command {
        // These know themselves when they change something, and what is to be put in order then.
        Command::Apply(_) | Command::Destroy(_) | Command::Cleanup(_) | Command::Unlock(_) => work.await,
        _ => surroundings.signals.unless_stopped(work).await,
    };
    run.end(result)
}

async fn command(cli: &Cli, run: &Run<'_>) -> Result<Exit, Failure> {
    let Run { global, screen, surroundings, .. } = *run;
    let format = run.format();
    match &cli.command {
        Command::Init(args) => init::run(args, format, &global.caller, screen),
        Command::Validate(args) => validate::run(args, global, screen, surroundings),
        Command::Plan(args) => plan::run(args, run).await,
        Command::Diff(args) => diff::run(args, global, screen, surroundings).await,
        Command::Apply(args) => apply::run(args, run).await,
        Command::Destroy(args) => destroy::run(args, run).await,
        Command::Drift(args) => drift::run(args, run).await,
        Command::Url(args) => url::run(args, global, screen, surroundings).await,
        Command::Output(args) => output::run(args, global, screen, surroundings).await,
        Command::Graph(args) => graph::run(args, run).await,
        Command::Permissions(args) => permissions::run(args, global, screen, surroundings),
        Command::List(args) => list::run(args, global, screen, surroundings),
        Command::Cleanup(args) => cleanup::run(args, global, screen, surroundings).await,
        Command::Unlock(args) => unlock::run(args, global, screen, surroundings).await,
        Command::Schema(args) => schema::run(args, screen),
        Command::Explain(args) => explain::run(args, format, screen),
        Command::Completions(args) => schema::completions(args, screen),
        Command::Man(args) => schema::man(args),
        // main.rs answers these before it comes here: they are about the sandbox itself.
        Command::Sandbox(_) => Err(Failure::new(&crate::failure::codes::USAGE, "this build has no sandbox")
            .help("build with the feature `sandbox`, which is on by default")),
    }
}

/// Says why a run ended before it began: on standard error, and for programs on standard output too.
pub fn tell(failure: &Failure, command: &str, format: Format, screen: &Screen, now: fn() -> String) -> Exit {
    if format == Format::Ndjson {
        // Whoever cannot be told on standard output is told on standard error.
        drop(events::lone_error(failure, command, screen, now));
    }
    say(failure, format, screen)
}

fn say(failure: &Failure, format: Format, screen: &Screen) -> Exit {
    screen.error(&crate::ui::failure::render(failure, screen.notes_paint()));
    if format == Format::Json {
        // The error is on standard error already; a full disk under standard output changes nothing about it.
        drop(screen.data(&failure.json()));
    }
    failure.exit
}
