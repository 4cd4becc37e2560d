//! Steps that are told together: hundreds of profiles or parameters of which the same is to be said hide everything else,
//! and a tag that changes on everything is one change to a reader.

use std::collections::BTreeMap;

use super::super::verbs::infinitive;

use crate::escape::one_line;
use crate::model::{Kind, Path, Source};
use crate::plan::{Action, Change, Fact, Step};

/// Steps that may be told together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Company {
    /// Published parameters.
    Parameters,
    /// User profiles.
    Profiles,
    /// Things of any kind of which only tags change.
    Tagged,
}

impl Company {
    /// The company that a step may be in.
    fn of(step: &Step) -> Option<Self> {
        let is_tag = |change: &Change| change.path.0.first().is_some_and(|key| key == "Tags");
        match step.address().kind {
            _ if step.blocked().is_some() => None,
            _ if step.action() == Action::Update && !step.changes().is_empty() && step.changes().iter().all(is_tag) => {
                Some(Self::Tagged)
            }
            Kind::Parameter => Some(Self::Parameters),
            Kind::UserProfile => Some(Self::Profiles),
            _ => None,
        }
    }

    /// The fewest of it that are told together: one line for two parameters saves nothing but their values.
    const fn least(self) -> usize {
        if matches!(self, Self::Profiles) { 2 } else { 3 }
    }

    /// The name of it, in the plural.
    const fn noun(self) -> &'static str {
        match self {
            Self::Parameters => "parameters",
            Self::Profiles => "user profiles",
            Self::Tagged => "objects",
        }
    }
}

/// Some steps under one line.
#[derive(Debug)]
pub(super) enum Block<'a> {
    /// One step.
    One(&'a Step),
    /// Several of a kind, of which the same is to be said.
    Many {
        /// The name of what they are, in the plural.
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
type Alike<'a> = (u8, Company, &'a str, Option<&'a Source>, (Vec<Fact>, Option<String>), Vec<String>);

/// The blocks of a page, in its order. `lines` are those of a step's changes.
pub(super) fn blocks<'a>(steps: &'a [Step], folds: bool, lines: impl Fn(&Step) -> Vec<String>) -> Vec<Block<'a>> {
    let mut shown: Vec<(u8, &Step)> = steps.iter().filter_map(|step| Some((rank(step)?, step))).collect();
    // The sort is stable: within a rank the order of execution stays.
    // Parameters tell what the rest is called, so they come behind it.
    shown.sort_by_key(|(rank, step)| (*rank, *rank == 5 && step.address().kind == Kind::Parameter));
    let key = |rank: u8, step: &'a Step| -> Option<Alike<'a>> {
        let company = Company::of(step).filter(|_| folds)?;
        let is_made = step.action() == Action::Create;
        let facts = step.outline().map(|outline| outline.facts.clone()).unwrap_or_default();
        // What is made is told by its outline; where each stands in the YAML, the first one says.
        let source = step.source().filter(|_| !is_made);
        // An outline says that a profile has settings of its own, and not all that is in them.
        let own = step.node().and_then(|node| node.properties.get("UserSettings")).filter(|_| is_made);
        Some((rank, company, step.reason(), source, (facts, own.map(|own| own.to_json().to_string())), lines(step)))
    };
    let mut groups: BTreeMap<Alike<'a>, Vec<&'a Step>> = BTreeMap::new();
    let keys: Vec<Option<Alike<'a>>> = shown.iter().map(|(rank, step)| key(*rank, step)).collect();
    for ((_, step), key) in shown.iter().zip(&keys) {
        if let Some(key) = key {
            groups.entry(key.clone()).or_default().push(step);
        }
    }
    groups.retain(|(_, company, ..), steps| steps.len() >= company.least());
    let mut blocks = Vec::new();
    for ((_, step), key) in shown.into_iter().zip(keys) {
        let group = key.and_then(|key| Some((key.1.noun(), groups.get_mut(&key)?)));
        match group {
            None => blocks.push(Block::One(step)),
            // Where the first of them stands in the order.
            Some((noun, steps)) if !steps.is_empty() => blocks.push(Block::Many { noun, steps: std::mem::take(steps) }),
            Some(_) => {}
        }
    }
    blocks
}

/// The place that more than a few things come from: the block as a whole, whose line says nothing more.
pub(super) fn shared_source(steps: &[Step]) -> Option<&Source> {
    let mut counts: BTreeMap<&Source, usize> = BTreeMap::new();
    for source in steps.iter().filter_map(|step| step.node()?.source(&Path::default())) {
        *counts.entry(source).or_default() += 1;
    }
    counts.into_iter().filter(|(_, count)| *count > 2).max_by_key(|(_, count)| *count).map(|(source, _)| source)
}

/// The folder that all paths lie in, with its slash.
pub(super) fn shared_folder<'a>(paths: &[&'a str]) -> &'a str {
    let Some((first, rest)) = paths.split_first() else { return "" };
    let ends = first.match_indices('/').map(|(at, _)| at + 1).rev();
    let shared = ends.into_iter().find(|end| rest.iter().all(|path| path.starts_with(&first[..*end])));
    &first[..shared.unwrap_or(0)]
}

/// Words behind an address: what it is called in the account, or why it is as it is.
pub(super) fn headline(step: &Step) -> String {
    if step.blocked().is_some() {
        return match step.action() {
            Action::Keep => "blocked".to_owned(),
            action => format!("{}, blocked", infinitive(action)),
        };
    }
    let reason = step.special_reason().map(one_line);
    match (step.outline().map(|outline| one_line(&outline.headline)).filter(|headline| !headline.is_empty()), reason) {
        (Some(headline), Some(reason)) => format!("{headline}; {reason}"),
        (headline, reason) => headline.or(reason).unwrap_or_default(),
    }
}
