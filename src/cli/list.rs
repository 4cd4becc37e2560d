//! `list`: the deployments that an mdaa.yaml describes, for people and as a matrix for CI.

use serde_json::json;

use super::args::{Format, Global, ListArgs};
use super::load::load_names;
use super::surroundings::Surroundings;
use crate::escape::one_line;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::ui::Screen;

pub(super) fn run(
    args: &ListArgs,
    global: &Global,
    screen: &Screen,
    surroundings: &Surroundings,
) -> Result<Exit, Failure> {
    let all = load_names(&args.files, global, surroundings, screen.notes_paint().is_colored())?;
    super::run::announce(&all, screen);
    if global.output.format() == Format::Json {
        let include: Vec<_> = all
            .deployments
            .iter()
            .map(|loaded| {
                let names = &loaded.names;
                json!({
                    "deployment": names.to_string(),
                    "org": names.org,
                    "env": names.env,
                    "domain": names.domain,
                    "module": names.module,
                    "account": loaded.account,
                    "region": loaded.region,
                })
            })
            .collect();
        screen.data(&format!("{}\n", json!({ "include": include })))?;
        return Ok(Exit::Success);
    }
    for loaded in &all.deployments {
        let [account, region] = [&loaded.account, &loaded.region].map(|part| part.as_deref().unwrap_or("the caller's"));
        let line = format!("{}  account {account}  region {region}", loaded.names);
        screen.data(&format!("{}\n", one_line(&line)))?;
    }
    Ok(Exit::Success)
}
