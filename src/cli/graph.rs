//! `graph`: what waits for what, with what happens to each.

use super::args::{Format, GraphArgs};
use super::run::{Run, Towards};
use crate::failure::Exit;
use crate::failure::Failure;
use crate::model::Node;
use crate::plan::Options;
use crate::ui::graph::{self, Vertex};

pub(super) async fn run(args: &GraphArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    if let Some(path) = &args.plan {
        let saved = super::apply::saved_plan(path, &run.global.caller)?;
        show(run, &saved.changes.iter().map(Vertex::from).collect::<Vec<_>>())?;
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
