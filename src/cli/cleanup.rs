//! `cleanup`: removes what a deleted domain left behind: the home file system, its mount targets and the two groups
//! around them.
//!
//! It needs no record and no tags of ours: SageMaker names the groups after the domain and tags the file system with it.
//! What belongs to a domain that lives is never touched.

use serde_json::json;

use super::args::{CleanupArgs, Format, Global};
use super::load::load;
use super::session::Session;
use super::surroundings::Surroundings;
use crate::aws::error::failed;
use crate::cloud::{CloudError, Deleted, ErrorKind};
use crate::escape::one_line;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::failure::codes;
use crate::model::{Address, Kind, Observed};
use crate::resource::{self, home_efs, nfs_security_group};
use crate::ui::Screen;

pub(super) async fn run(
    args: &CleanupArgs,
    global: &Global,
    screen: &'static Screen,
    surroundings: &Surroundings,
) -> Result<Exit, Failure> {
    let colour = screen.notes_paint().is_colored();
    let signals = &surroundings.signals;
    let Some(loaded) = load(&args.files, global, surroundings, colour)?.deployments.into_iter().next() else {
        return Ok(Exit::Success);
    };
    // Only the account and the region of the config matter.
    let look = async {
        let session = Session::open(loaded, global, surroundings, colour).await?;
        if let Some(status) = status(&session, &args.domain_id).await.map_err(|error| session.cloud(&error))? {
            return Err(Failure::new(&codes::BLOCKED, format!("{} is not deleted: it is {status}", args.domain_id))
                .help(format!(
                    "what belongs to a domain that lives stays; {} removes the domain",
                    global.caller.run("destroy", &[])
                )));
        }
        let left = left_behind(&session, &args.domain_id).await.map_err(|error| session.cloud(&error))?;
        Ok((session, left))
    };
    let (session, left) = signals.unless_stopped(look).await?;
    let json = global.output.format() == Format::Json;
    if left.is_empty() {
        let document = json!({"domain_id": args.domain_id, "removed": []});
        let text =
            if json { format!("{document}\n") } else { format!("{} left nothing behind\n", one_line(&args.domain_id)) };
        screen.data(&text)?;
        return Ok(Exit::Success);
    }
    if !json {
        for (address, observed) in &left {
            screen.data(&format!("{}\n", one_line(&format!("- {address}: {}", described(observed)))))?;
        }
    }
    confirm(args, global, screen, surroundings).await?;
    let _writing = signals.writing();
    let mut removed = Vec::new();
    for (address, observed) in &left {
        let delete = async {
            screen.note(&format!("{address}: deleting"));
            match resource::of(address.kind).delete(&session.account, address, observed).await {
                Ok(Deleted::Gone) => Ok(()),
                Ok(Deleted::Held(by)) => Err(Failure::new(&codes::CONFLICT, by)),
                Err(error) => Err(session.cloud(&error).named(format!("could not delete {address}"))),
            }
        };
        // A signal lets nothing new begin, and what runs come to its end.
        let begun = signals.unless_stopped(async { Ok(()) }).await;
        begun.map_err(|failure| partly(&session, &removed, failure))?;
        signals.unless_left(delete).await.map_err(|failure| partly(&session, &removed, failure))?;
        removed.push(address.to_string());
    }
    let document = json!({"domain_id": args.domain_id, "removed": removed});
    screen.data(&if json { format!("{document}\n") } else { format!("{} removed\n", removed.len()) })?;
    Ok(Exit::Success)
}

/// The status of a domain; none when there is none.
async fn status(session: &Session, id: &str) -> Result<Option<String>, CloudError> {
    let describe = session.account.sagemaker.describe_domain().domain_id(id).send().await;
    match describe.map_err(|e| failed("DescribeDomain", e)) {
        Ok(domain) => Ok(Some(domain.status().map_or("", |status| status.as_str()).to_owned())),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The things that are left, in the order in which they can go.
async fn left_behind(session: &Session, id: &str) -> Result<Vec<(Address, Observed)>, CloudError> {
    let systems = home_efs::of_domain(&session.account, id).await?;
    let groups = nfs_security_group::made_for(&session.account, id).await?;
    let systems = systems.into_iter().map(|system| (Address::new(Kind::HomeEfs, &system.id), system));
    let groups = groups.into_iter().map(|group| {
        let name = group.properties.text("GroupName").unwrap_or_default();
        (Address::new(Kind::NfsSecurityGroup, name), group)
    });
    Ok(systems.chain(groups).collect())
}

fn described(observed: &Observed) -> String {
    match observed.properties.text("Size") {
        Some(size) if observed.properties.get("Empty") == Some(&true.into()) => {
            format!("{}, a file system that nobody seems to have used ({size}), and its mount targets", observed.id)
        }
        Some(size) => format!("{} with everybody's home directory, {size}, and its mount targets", observed.id),
        None => observed.id.clone(),
    }
}

async fn confirm(
    args: &CleanupArgs,
    global: &Global,
    screen: &Screen,
    surroundings: &Surroundings,
) -> Result<(), Failure> {
    if args.yes {
        return Ok(());
    }
    if !surroundings.interactive {
        return Err(Failure::new(&codes::CANNOT_ASK, "confirmation is needed, and there is no terminal to ask on")
            .help(format!("nothing was changed; {} deletes it without asking", global.caller.rerun_with(&["--yes"]))));
    }
    screen.ask(&format!("These files are lost for good. Type {} to go on: ", one_line(&args.domain_id)));
    if super::apply::answer(screen, surroundings).await? == args.domain_id {
        Ok(())
    } else {
        Err(Failure::new(&codes::DECLINED, "not confirmed; nothing was changed"))
    }
}

/// A failure, after something was changed perhaps.
fn partly(session: &Session, removed: &[String], failure: Failure) -> Failure {
    if session.account.calls.writes() == 0 {
        return failure;
    }
    let before = match removed {
        [] => "a part of it is removed".to_owned(),
        removed => format!("removed before: {}", removed.join(", ")),
    };
    if failure.exit.is_signal() {
        return failure.detail(before);
    }
    let details: Vec<String> = failure.detail.lines().map(str::to_owned).chain([before]).collect();
    Failure { exit: Exit::Partial, ..failure.details(details) }
}
