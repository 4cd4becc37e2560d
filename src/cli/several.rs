//! One deployment or several in one command: how each ended, told together at the end.

use serde_json::{Value as Json, json};

use super::args::Format;
use super::exit::Exit;
use super::failure::Failure;
use crate::ui::{Screen, report_human, report_json};
use crate::apply::Report;
use crate::plan::Plan;

/// How many deployments are worked on at once: each has an account's rate limits to keep, and a person reads along.
pub(super) const AT_ONCE: usize = 4;

/// How a run over one deployment ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// With what the process would end.
    pub exit: Exit,
    /// Whether any call changed something.
    pub wrote: bool,
    /// The end in one line, for people.
    line: String,
    /// The whole of it, for programs.
    document: Json,
}

impl Ended {
    /// The end of a run that got as far as a report.
    pub fn of(exit: Exit, wrote: bool, report: &Report, plan: &Plan) -> Self {
        let document = report_json::ReportDocument::of(report, plan);
        let line = if report.outcomes.is_empty() && plan.is_empty() {
            "no changes".to_owned()
        } else {
            report_human::last_line(report, plan)
        };
        Self { exit, wrote, line, document: json!(document) }
    }
}

/// Tells how all deployments ended, each with its name, and how the process ends.
///
/// # Errors
/// The failure of the only deployment, or output that cannot be written.
pub(super) fn conclude(
    mut ends: Vec<(String, Result<Ended, Failure>)>,
    format: Format,
    screen: &Screen,
) -> Result<Exit, Failure> {
    if ends.len() == 1
        && let Some((_, end)) = ends.pop()
    {
        let end = end?;
        if format == Format::Json {
            screen.data(&format!("{:#}\n", end.document))?;
        }
        return Ok(end.exit);
    }
    let exits: Vec<(Exit, bool)> = ends
        .iter()
        .map(|(_, end)| match end {
            Ok(end) => (end.exit, end.wrote),
            Err(failure) => (failure.exit, false),
        })
        .collect();
    match format {
        Format::Json => {
            let reports: Vec<Json> = ends
                .into_iter()
                .map(|(deployment, end)| match end {
                    Ok(end) => end.document,
                    Err(failure) => json!({"deployment": deployment, "error": failure.document()}),
                })
                .collect();
            screen.data(&format!("{:#}\n", json!({ "reports": reports })))?;
        }
        Format::Ndjson => {}
        _ => {
            let width = ends.iter().map(|(deployment, _)| deployment.len()).max().unwrap_or_default();
            let mut text = String::from("\n");
            for (deployment, end) in &ends {
                let line = match end {
                    Ok(end) => end.line.clone(),
                    Err(failure) => format!("failed: {}", failure.summary),
                };
                text += &format!("{deployment:width$}  {line}\n");
            }
            screen.data(&text)?;
        }
    }
    Ok(Exit::of_several(&exits))
}
