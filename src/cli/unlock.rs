//! `unlock`: who holds the lock, and a way to free it.

use serde_json::json;

use super::args::{Format, Global, UnlockArgs};
use super::exit::Exit;
use super::failure::Failure;
use super::load::load;
use super::session::Session;
use super::surroundings::Surroundings;
use crate::aws::lock;
use crate::ui::Screen;

pub(super) async fn run(
    args: &UnlockArgs,
    global: &Global,
    screen: &'static Screen,
    surroundings: &Surroundings,
) -> Result<Exit, Failure> {
    let colour = screen.notes_paint().is_colored();
    let mut documents = Vec::new();
    for loaded in load(&args.files, global, surroundings, colour)?.deployments {
        let look = async {
            let session = Session::open(loaded, global, surroundings, colour).await?;
            let holder = lock::holder(&session.account).await.map_err(|error| session.cloud(&error))?;
            Ok((session, holder))
        };
        let (session, holder) = surroundings.signals.unless_stopped(look).await?;
        let freed = args.yes && holder.is_some();
        if freed {
            lock::free(&session.account).await.map_err(|error| session.cloud(&error))?;
        }
        if global.output.format() == Format::Json {
            documents.push(json!({"deployment": session.deployment().to_string(), "holder": holder, "freed": freed}));
            continue;
        }
        let line = match &holder {
            None => format!("{} is not locked", session.deployment()),
            Some(holder) if freed => format!("{} is free; {holder} held it", session.deployment()),
            Some(holder) => format!("{} is locked by {holder}; `--yes` frees it", session.deployment()),
        };
        screen.data(&format!("{line}\n"))?;
    }
    if global.output.format() == Format::Json {
        let document = if documents.len() == 1 { documents.remove(0) } else { json!({ "deployments": documents }) };
        screen.data(&format!("{document}\n"))?;
    }
    Ok(Exit::Success)
}
