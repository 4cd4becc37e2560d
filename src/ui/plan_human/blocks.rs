//! Steps that are told together: hundreds of profiles or parameters of which the same is to be said hide everything else.

use std::collections::BTreeMap;

use crate::model::{Kind, Source};
use crate::plan::{Action, Fact, Step};

/// Fewest steps that are told together, by kind: one line for two parameters saves nothing but their values.
const fn together(kind: Kind) -> Option<(usize, &'static str)> {
    match kind {
        Kind::Parameter => Some((3, "parameters")),
        Kind::UserProfile => Some((2, "user profiles")),
        _ => None,
    }
}

/// Some steps under one line.
#[derive(Debug)]
pub(super) enum Block<'a> {
    /// One step.
    One(&'a Step),
    /// Several of a kind, of which the same is to be said.
    Many {
        /// The kind's name, in the plural.
        noun: &'static str,
        /// The steps.
        steps: Vec<&'a Step>,
    },
}

impl<'a> Block<'a> {
    /// The step that speaks for all.
    pub fn first(&self) -> Option<&'a Step> {
        match self {
            Self::One(step) => Some(step),
            Self::Many { steps, .. } => steps.first().copied(),
        }
    }
}

/// Rank of a step on the page: what destroys first, what is harmless last; none when it is not shown.
pub(super) fn rank(step: &Step) -> Option<u8> {
    Some(match (step.blocked(), step.action()) {
        (Some(_), _) => 0,
        (None, Action::Delete) => 1,
        (None, Action::Replace) => 2,
        (None, Action::Update) => 3,
        (None, Action::Adopt) => 4,
        (None, Action::Create) => 5,
        (None, Action::Keep | Action::Retain) => return None,
    })
}

/// Everything that makes two steps the same to a reader, but for their names.
type Alike<'a> = (u8, Kind, &'a str, Option<&'a Source>, Vec<Fact>, Vec<String>);

/// The blocks of a page, in its order. `lines` are those of a step's changes.
pub(super) fn blocks<'a>(steps: &'a [Step], folds: bool, lines: impl Fn(&Step) -> Vec<String>) -> Vec<Block<'a>> {
    let mut shown: Vec<(u8, &Step)> = steps.iter().filter_map(|step| Some((rank(step)?, step))).collect();
    // The sort is stable: within a rank the order of execution stays.
    // Parameters tell what the rest is called, so they come behind it.
    shown.sort_by_key(|(rank, step)| (*rank, *rank == 5 && step.address().kind == Kind::Parameter));
    let key = |rank: u8, step: &'a Step| -> Option<Alike<'a>> {
        let (kind, is_made) = (step.address().kind, step.action() == Action::Create);
        if !folds || together(kind).is_none() || step.blocked().is_some() {
            return None;
        }
        let facts = step.outline().map(|outline| outline.facts.clone()).unwrap_or_default();
        // What is made is told by its outline; where each stands in the YAML, the first one says.
        let source = step.source().filter(|_| !is_made);
        Some((rank, kind, step.reason(), source, facts, lines(step)))
    };
    let mut groups: BTreeMap<Alike<'a>, Vec<&'a Step>> = BTreeMap::new();
    let keys: Vec<Option<Alike<'a>>> = shown.iter().map(|(rank, step)| key(*rank, step)).collect();
    for ((_, step), key) in shown.iter().zip(&keys) {
        if let Some(key) = key {
            groups.entry(key.clone()).or_default().push(step);
        }
    }
    groups.retain(|(_, kind, ..), steps| together(*kind).is_some_and(|(least, _)| steps.len() >= least));
    let mut blocks = Vec::new();
    for ((_, step), key) in shown.into_iter().zip(keys) {
        let Some((key, noun)) = key.and_then(|key| Some((key, together(step.address().kind)?.1))) else {
            blocks.push(Block::One(step));
            continue;
        };
        match groups.get_mut(&key) {
            None => blocks.push(Block::One(step)),
            // Where the first of them stands in the order.
            Some(steps) if !steps.is_empty() => blocks.push(Block::Many { noun, steps: std::mem::take(steps) }),
            Some(_) => {}
        }
    }
    blocks
}
