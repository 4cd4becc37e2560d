//! `graph`: what waits for what, with what happens to each.

use super::args::{Format, GraphArgs};
use super::run::{Run, Towards};
use crate::failure::Exit;
use crate::failure::Failure;
use crate::model::Node;
use crate::plan::Options;
use crate::plan::document::PlanDocument;
use crate::ui::graph::{self, Vertex};

pub(super) async fn run(args: &GraphArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    if let Some(path) = &args.plan {
        let saved = super::saved::read(path, &run.global.caller)?;
        let prefix =
            |plan: &PlanDocument| if saved.len() > 1 { format!("{}:", plan.deployment) } else { String::new() };
        let of_plan = |plan: &PlanDocument| {
            let prefix = prefix(plan);
            plan.changes.iter().map(|step| Vertex::of_document(step, &prefix)).collect::<Vec<_>>()
        };
        show(run, &saved.iter().flat_map(of_plan).collect::<Vec<_>>())?;
        return Ok(Exit::Success);
    }
    let all = run.load(&args.files)?;
    let mut vertices = Vec::new();
    let several = all.deployments.len() > 1;
    for loaded in all.deployments {
        let mut connected = run.connect(loaded).await?;
        let planned = run.plan(&mut connected, &Options::default(), Towards::Config).await?;
        let prefix = if several { format!("{}:", connected.deployment()) } else { String::new() };
        // A plan waits for nothing that is there already; the picture shows what builds on what all the same.
        let graph = planned.resolved.map(|resolved| resolved.graph).unwrap_or_default();
        vertices.extend(planned.plan.steps().iter().map(|step| {
            let needs = graph.get(step.address()).map(Node::dependencies).unwrap_or_default();
            let needs = needs.into_iter().map(|address| format!("{prefix}{address}"));
            let mut vertex = Vertex::of(step, &prefix);
            vertex.waits_for.extend(needs);
            vertex
        }));
    }
    show(run, &vertices)?;
    Ok(Exit::Success)
}

fn show(run: &Run<'_>, vertices: &[Vertex]) -> Result<(), Failure> {
    let paint = run.screen.data_paint();
    let text = match run.format() {
        Format::Dot => graph::dot(vertices),
        Format::Mermaid => graph::mermaid(vertices),
        Format::Json => graph::json(vertices),
        _ => graph::tree(vertices, paint),
    };
    run.screen.data(&text)?;
    Ok(())
}
