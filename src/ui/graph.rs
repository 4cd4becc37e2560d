//! Order of steps, as a tree and in the languages of tools that draw.

use std::collections::BTreeSet;

use serde_json::json;

use super::style::{Paint, Tone};
use crate::escape::one_line;
use crate::plan::Step;
use crate::plan::document::{ActionWord, StepDocument};

/// One thing of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vertex {
    /// Its address.
    pub address: String,
    /// What happens to it.
    pub action: ActionWord,
    /// Whether that may not happen.
    pub blocked: bool,
    /// What it waits for.
    pub waits_for: BTreeSet<String>,
}

impl Vertex {
    /// A step of a plan; `prefix` tells deployments apart.
    pub fn of(step: &Step, prefix: &str) -> Self {
        Self {
            address: format!("{prefix}{}", step.address()),
            action: step.action().into(),
            blocked: step.blocked().is_some(),
            waits_for: step.waits_for().iter().map(|address| format!("{prefix}{address}")).collect(),
        }
    }

    fn word(&self) -> &'static str {
        match self.action {
            _ if self.blocked => "blocked",
            ActionWord::Keep => "keep",
            ActionWord::Adopt => "adopt",
            ActionWord::Create => "create",
            ActionWord::Update => "update",
            ActionWord::Replace => "replace",
            ActionWord::Delete => "delete",
            ActionWord::Retain => "retain",
        }
    }

    /// The vertex of a saved plan's step.
    pub fn of_document(step: &StepDocument, prefix: &str) -> Self {
        let named = |address: &String| format!("{prefix}{address}");
        Self {
            address: named(&step.address),
            action: step.action,
            blocked: step.blocked_by.is_some(),
            waits_for: step.waits_for.iter().map(named).collect(),
        }
    }

    fn tone(&self) -> Tone {
        match self.action {
            _ if self.blocked => Tone::Remove,
            ActionWord::Create => Tone::Add,
            ActionWord::Update => Tone::Change,
            ActionWord::Adopt => Tone::Hint,
            ActionWord::Replace | ActionWord::Delete => Tone::Remove,
            ActionWord::Keep | ActionWord::Retain => Tone::Quiet,
        }
    }

    /// Names of colours that Graphviz and SVG share.
    fn color(&self) -> &'static str {
        match self.tone() {
            Tone::Add => "forestgreen",
            Tone::Change => "darkorange",
            Tone::Hint => "steelblue",
            Tone::Remove => "firebrick",
            _ => "gray",
        }
    }
}

/// Edges that no other path of edges says already, so that a drawing stays readable.
fn edges(vertices: &[Vertex]) -> Vec<(&str, &str)> {
    let of = |address: &str| vertices.iter().find(|vertex| vertex.address == address);
    let reaches = |from: &Vertex, to: &str| {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut left: Vec<&str> = from.waits_for.iter().map(String::as_str).filter(|first| *first != to).collect();
        while let Some(next) = left.pop() {
            if next == to {
                return true;
            }
            if seen.insert(next) {
                left.extend(of(next).into_iter().flat_map(|vertex| vertex.waits_for.iter().map(String::as_str)));
            }
        }
        false
    };
    let all = vertices.iter().flat_map(|vertex| vertex.waits_for.iter().map(move |to| (vertex, to.as_str())));
    let kept = all.filter(|(vertex, to)| of(to).is_some() && !reaches(vertex, to));
    kept.map(|(vertex, to)| (vertex.address.as_str(), to)).collect()
}

/// Each address below the last of those that it waits for; what stands in other places too is named behind it.
pub fn tree(vertices: &[Vertex], paint: Paint) -> String {
    let edges = edges(vertices);
    let at = |address: &str| vertices.iter().position(|vertex| vertex.address == address);
    let parent = |vertex: &Vertex| {
        edges.iter().filter(|(from, _)| *from == vertex.address).map(|(_, to)| *to).max_by_key(|to| at(to))
    };
    let mut text = String::new();
    let mut stack: Vec<(&Vertex, usize)> =
        vertices.iter().rev().filter(|vertex| parent(vertex).is_none()).map(|vertex| (vertex, 0)).collect();
    while let Some((vertex, depth)) = stack.pop() {
        let own = parent(vertex);
        let others: Vec<String> = edges
            .iter()
            .filter(|(from, to)| *from == vertex.address && Some(*to) != own)
            .map(|(_, to)| one_line(to))
            .collect();
        let also = if others.is_empty() { String::new() } else { format!("  (and {})", others.join(", ")) };
        let word = paint.paint(vertex.tone(), vertex.word());
        text.push_str(&format!("{}{}  {word}{also}\n", "  ".repeat(depth), one_line(&vertex.address)));
        let children = vertices.iter().rev().filter(|child| parent(child) == Some(vertex.address.as_str()));
        stack.extend(children.map(|child| (child, depth + 1)));
    }
    text
}

/// The language of Graphviz; an arrow leads to what has to wait.
pub fn dot(vertices: &[Vertex]) -> String {
    let quoted = |text: &str| format!("\"{}\"", one_line(text).replace('\\', "\\\\").replace('"', "\\\""));
    let mut text = String::from("digraph studio {\n  rankdir=LR;\n  node [shape=box];\n");
    for vertex in vertices {
        let label = quoted(&format!("{} ({})", vertex.address, vertex.word()));
        text.push_str(&format!("  {} [label={label}, color={}];\n", quoted(&vertex.address), vertex.color()));
    }
    for (from, to) in edges(vertices) {
        text.push_str(&format!("  {} -> {};\n", quoted(to), quoted(from)));
    }
    text + "}\n"
}

/// The language of Mermaid; an arrow leads to what has to wait.
pub fn mermaid(vertices: &[Vertex]) -> String {
    let id = |address: &str| vertices.iter().position(|vertex| vertex.address == address).unwrap_or_default();
    let mut text = String::from("flowchart LR\n");
    for (at, vertex) in vertices.iter().enumerate() {
        let label = entities(&one_line(&vertex.address));
        text.push_str(&format!("  n{at}[\"{label} ({})\"]\n  style n{at} stroke:{}\n", vertex.word(), vertex.color()));
    }
    for (from, to) in edges(vertices) {
        text.push_str(&format!("  n{} --> n{}\n", id(to), id(from)));
    }
    text
}

/// Mermaid reads Markdown, HTML and escapes within quotes too; what is special anywhere is an entity.
fn entities(text: &str) -> String {
    let is_plain = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || " ._-/:@,=+".contains(c);
    text.chars().map(|c| if is_plain(c) { c.to_string() } else { format!("#{};", u32::from(c)) }).collect()
}

/// Data; every edge, those that others imply included.
pub fn json(vertices: &[Vertex]) -> String {
    let nodes = vertices.iter().map(|vertex| {
        json!({
            "address": vertex.address,
            "action": vertex.action,
            "blocked": vertex.blocked,
            "waits_for": vertex.waits_for,
        })
    });
    format!("{:#}\n", json!({ "nodes": nodes.collect::<Vec<_>>() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::create_all;

    fn vertices() -> Vec<Vertex> {
        create_all().plan().steps().iter().map(|step| Vertex::of(step, "")).collect()
    }

    #[test]
    fn a_tree_shows_each_address_once() {
        insta::assert_snapshot!(tree(&vertices(), Paint::PLAIN), @r"
        execution_role.default  create
        security_group.domain  create
          domain.studio  create  (and execution_role.default)
            parameter./acme/ml/studio/url  create
        ");
    }

    #[test]
    fn arrows_lead_to_what_waits() {
        let dot = dot(&vertices());
        assert!(dot.contains("\"security_group.domain\" -> \"domain.studio\";"), "{dot}");
        let mermaid = mermaid(&vertices());
        assert!(mermaid.contains("n1 --> n2"), "{mermaid}");
    }

    #[test]
    fn an_edge_that_others_imply_is_not_drawn() {
        let vertex = |address: &str, waits_for: &[&str]| Vertex {
            address: address.into(),
            action: ActionWord::Create,
            blocked: false,
            waits_for: waits_for.iter().map(ToString::to_string).collect(),
        };
        let all = [vertex("a", &[]), vertex("b", &["a"]), vertex("c", &["a", "b"])];
        assert_eq!(edges(&all), [("b", "a"), ("c", "b")]);
    }
}
