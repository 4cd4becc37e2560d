//! `validate`: every mistake at once, without AWS.

use serde_json::json;

use super::args::{Format, ValidateArgs};
use super::run::Run;
use crate::config::diagnostic::Diagnostics;
use crate::config::{self, Reviewed};
use crate::deploy::{self, Loaded, load};
use crate::escape::one_line;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::ui;

pub(super) fn run(args: &ValidateArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    let screen = run.screen;
    let json = run.format() == Format::Json;
    let all = match load::load_offline(&run.global.load_options(&args.files), run.host) {
        // What cannot even be read has the same form as other mistakes.
        Err(failure) if json && !failure.mistakes.is_empty() => {
            screen.error(&ui::failure::render(&failure, run.paint()));
            screen.data(&format!("{:#}\n", json!({"valid": false, "deployments": [invalid(None, &failure)]})))?;
            return Ok(failure.exit);
        }
        all => all?,
    };
    let several = all.deployments.len() + all.unreadable.len() > 1;
    let told = |name: &str, rendered: &str| {
        if !rendered.is_empty() {
            screen.error(&if several { format!("in {}:\n{rendered}", one_line(name)) } else { rendered.to_owned() });
        }
    };
    let mut found = Vec::new();
    let mut valid = all.unreadable.is_empty();
    for (name, failure) in &all.unreadable {
        told(name, &ui::failure::render(failure, run.paint()));
        found.push(invalid(Some(name), failure));
    }
    for loaded in &all.deployments {
        let (diagnostics, resolved) = review(loaded);
        let fails = diagnostics.has_errors() || (args.deny_warnings && !diagnostics.is_empty());
        valid &= !fails;
        let name = loaded.names.to_string();
        told(&name, &loaded.report(&diagnostics).render(run.paint().is_colored()));
        if args.print_resolved
            && !json
            && let Some(resolved) = &resolved
        {
            screen.data(&format!("{resolved:#}\n"))?;
        }
        found.push(json!({
            "deployment": name,
            "valid": !fails,
            "diagnostics": diagnostics.to_json(),
            "resolved": resolved.filter(|_| args.print_resolved),
        }));
    }
    run.announce_warnings(&all);
    valid &= !args.deny_warnings || all.warnings.diagnostics.is_empty();
    if json {
        screen.data(&format!("{:#}\n", json!({"valid": valid, "deployments": found})))?;
    } else if valid {
        let count = all.deployments.len();
        screen.note(if count == 1 { "the config is valid" } else { "the configs are valid" });
    }
    Ok(if valid { Exit::Success } else { Exit::InvalidConfig })
}

/// Document of a deployment whose files cannot be read.
fn invalid(name: Option<&str>, failure: &Failure) -> serde_json::Value {
    json!({"deployment": name, "valid": false, "diagnostics": failure.diagnostics().to_json(), "resolved": null})
}

fn review(loaded: &Loaded) -> (Diagnostics, Option<serde_json::Value>) {
    let context = loaded.context(None, None, None);
    let Reviewed { config, diagnostics, .. } = deploy::review(loaded, &context);
    let filled = config.map(|_| config::filled_in(&loaded.document, &context));
    (diagnostics, filled)
}
