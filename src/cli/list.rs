//! `list`: the deployments that an mdaa.yaml describes, for people and as a matrix for CI.

use serde_json::json;

use super::args::{Format, ListArgs};
use super::run::Run;
use crate::deploy::load;
use crate::escape::one_line;
use crate::failure::Exit;
use crate::failure::Failure;

pub(super) fn run(args: &ListArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    let all = load::load_names(&run.global.load_options(&args.files), run.host)?;
    run.announce(&all);
    if run.format() == Format::Json {
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
        run.screen.data(&format!("{}\n", json!({ "include": include })))?;
        return Ok(Exit::Success);
    }
    for loaded in &all.deployments {
        let [account, region] = [&loaded.account, &loaded.region].map(|part| part.as_deref().unwrap_or("the caller's"));
        let line = format!("{}  account {account}  region {region}", loaded.names);
        run.screen.data(&format!("{}\n", one_line(&line)))?;
    }
    Ok(Exit::Success)
}
