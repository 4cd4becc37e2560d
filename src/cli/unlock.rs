//! `unlock`: who holds the lock, and a way to free it.

use serde_json::json;

use super::args::UnlockArgs;
use super::run::{DeploymentResult, Run};
use crate::aws::lock::Standing;
use crate::deploy::fleet::AtOnce;
use crate::deploy::{Connected, Loaded, lock};
use crate::escape::one_line;
use crate::failure::Exit;
use crate::failure::Failure;

pub(super) async fn run(args: &UnlockArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    let all = run.load_quietly(&args.files)?;
    run.each(all.deployments, "deployments", AtOnce::ONE, |loaded| one(loaded, args, run)).await
}

async fn one(loaded: Loaded, args: &UnlockArgs, run: &Run<'_>) -> Result<DeploymentResult, Failure> {
    let look = async {
        let connected = run.connect(loaded).await?;
        let lock = lock::of("unlock", run.host, &connected);
        let standing = lock.standing().await.map_err(|error| connected.cloud(&error))?;
        Ok((connected, lock, standing))
    };
    let (connected, held, standing) = run.host.signals.unless_stopped(look).await?;
    let holder = standing.as_ref().and_then(|standing| standing.holder.as_ref());
    let freed = args.yes && holder.is_some();
    if let Some(holder) = holder.filter(|_| freed) {
        held.free(&holder.token).await.map_err(|error| connected.cloud(&error))?;
    }
    let deployment = connected.deployment().to_string();
    let mut document = json!({"deployment": deployment, "holder": holder, "freed": freed});
    if let Some(standing) = &standing {
        document["lock"] = lock::document(standing, &connected);
    }
    let mut text = String::new();
    if run.is_human() {
        text = format!("{}\n", line(&deployment, standing.as_ref(), freed, &connected));
    }
    Ok(DeploymentResult::shown(Exit::Success, text, document))
}

/// The state of a lock in words.
fn line(deployment: &str, standing: Option<&Standing>, freed: bool, connected: &Connected) -> String {
    let name = one_line(deployment);
    match standing {
        None => format!("{name} is not locked"),
        Some(standing) if standing.holder.is_none() => {
            format!("{name} is not locked; {}", lock::describe(standing, connected))
        }
        Some(standing) if freed => {
            let wait = match standing.rest.as_secs() {
                0 => String::new(),
                rest => format!(
                    "\nif its process still runs it stops within {rest} s; until then the next apply waits by itself"
                ),
            };
            format!("{name} is free; {} held it{wait}", lock::who(standing))
        }
        Some(standing) => format!(
            "{name} is locked by {}\n{}\n{} frees it",
            lock::who(standing),
            lock::describe(standing, connected),
            lock::unlock(connected)
        ),
    }
}
