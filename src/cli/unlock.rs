//! `unlock`: who holds the lock, and a way to free it.

use serde_json::json;

use super::args::{Format, Global, UnlockArgs};
use super::hold;
use super::load::load;
use super::session::Session;
use super::surroundings::Surroundings;
use crate::escape::one_line;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::ui::Screen;

pub(super) async fn run(
    args: &UnlockArgs,
    global: &Global,
    screen: &'static Screen,
    surroundings: &Surroundings,
) -> Result<Exit, Failure> {
    let colour = screen.notes_paint().is_colored();
    let mut documents = Vec::new();
    let deployments = load(&args.files, global, surroundings, colour)?.deployments;
    let several = deployments.len() > 1;
    for loaded in deployments {
        let look = async {
            let mut session = Session::open(loaded, global, surroundings, colour).await?;
            session.is_one_of_several = several;
            let lock = hold::hand("unlock", surroundings, &session);
            let standing = lock.standing().await.map_err(|error| session.cloud(&error))?;
            Ok((session, lock, standing))
        };
        let (session, lock, standing) = surroundings.signals.unless_stopped(look).await?;
        let holder = standing.as_ref().and_then(|standing| standing.holder.as_ref());
        let freed = args.yes && holder.is_some();
        if let Some(holder) = holder.filter(|_| freed) {
            lock.free(&holder.token).await.map_err(|error| session.cloud(&error))?;
        }
        let deployment = session.deployment();
        if global.output.format() == Format::Json {
            let mut document = json!({"deployment": deployment.to_string(), "holder": holder, "freed": freed});
            if let Some(standing) = &standing {
                document["lock"] = hold::document(standing, &session);
            }
            documents.push(document);
            continue;
        }
        let name = one_line(&deployment.to_string());
        let line = match &standing {
            None => format!("{name} is not locked"),
            Some(standing) if standing.holder.is_none() => {
                format!("{name} is not locked; {}", hold::told(standing, &session))
            }
            Some(standing) if freed => {
                let wait = match standing.rest.as_secs() {
                    0 => String::new(),
                    rest => format!(
                        "\nif its process still runs it stops within {rest} s; until then the next apply waits by itself"
                    ),
                };
                format!("{name} is free; {} held it{wait}", hold::who(standing))
            }
            Some(standing) => format!(
                "{name} is locked by {}\n{}\n{} frees it",
                hold::who(standing),
                hold::told(standing, &session),
                hold::unlock(&session)
            ),
        };
        screen.data(&format!("{line}\n"))?;
    }
    if global.output.format() == Format::Json {
        let document = if documents.len() == 1 { documents.remove(0) } else { json!({ "deployments": documents }) };
        screen.data(&format!("{document}\n"))?;
    }
    Ok(Exit::Success)
}
