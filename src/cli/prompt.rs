//! Questions to whoever sits at the terminal.

use std::io;

use super::run::Run;
use crate::escape::one_line;
use crate::failure::{Failure, codes};
use crate::plan::Plan;

/// A line from standard input, read beside everything else, so that a signal ends the waiting for it.
pub(super) async fn answer(run: &Run<'_>) -> Result<String, Failure> {
    let host = run.host;
    let line = async {
        let read = || {
            let mut line = String::new();
            io::stdin().read_line(&mut line).map(|_| line)
        };
        let held = host.backend.hold_clock();
        let line = tokio::task::spawn_blocking(read).await;
        drop(held);
        Ok(line.map_err(|error| Failure::new(&codes::BUG, error.to_string()))??)
    };
    let line = host.signals.unless_stopped(line).await;
    if line.as_ref().map_or(true, String::is_empty) {
        // The cursor is still behind the question.
        run.screen.ask("\n");
    }
    Ok(line?.trim().to_owned())
}

/// Way in which a plan was approved. Where somebody was asked, time has passed since it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Approved {
    /// By the command line.
    Beforehand,
    /// By a person who has looked at the plan.
    Now,
}

/// The deployment's name, typed or given: yes is said too easily.
pub(super) async fn confirm(
    plan: &Plan,
    what: &str,
    given: &[&str],
    auto_approve: bool,
    run: &Run<'_>,
) -> Result<Approved, Failure> {
    let name = plan.deployment().to_string();
    let wrong = |said: &str| {
        Failure::new(
            &codes::DECLINED,
            format!("`{said}` is not the name of the deployment, {name}; nothing was changed"),
        )
    };
    match given {
        [] => {}
        given if given.contains(&name.as_str()) => {
            if auto_approve {
                return Ok(Approved::Beforehand);
            }
        }
        given => return Err(wrong(&given.join("`, `"))),
    }
    if !run.host.interactive {
        let approve = (!auto_approve).then_some("--auto-approve");
        let named: &[&str] = if given.is_empty() { &["--confirm", &name] } else { &[] };
        let asks_nothing: Vec<&str> = approve.into_iter().chain(named.iter().copied()).collect();
        return Err(Failure::new(&codes::CANNOT_ASK, "confirmation is needed, and there is no terminal to ask on")
            .help(format!("nothing was changed; {} asks nothing", run.global.caller.rerun_with(&asks_nothing))));
    }
    run.screen.ask(&one_line(&format!("{what} in {}. Type {name} to go on: ", plan.deployment().account)));
    let said = answer(run).await?;
    if said == name { Ok(Approved::Now) } else { Err(wrong(&said)) }
}
