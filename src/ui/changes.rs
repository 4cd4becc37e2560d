//! The lines under a step of the plan: what changes, each in the form that suits what it is.

use std::collections::{BTreeMap, BTreeSet};

use similar::TextDiff;

use super::statements;
use super::style::{Paint, Tone};
use super::text::{NOT_SET, flow, flow_or_not_set, lines_of, shortened};
use crate::escape::one_line;
use crate::model::{Path, Source, Value};
use crate::plan::{Action, Change, Step};
use crate::wording::counted;

/// Amount of each change that the plan shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum DiffStyle {
    /// Everything, the properties of what is made included.
    Full,
    /// Changes, cut where they are long; of what is made only what decides.
    #[default]
    Compact,
    /// Only what happens to which address.
    None,
}

/// A line under a step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ChangeLine {
    /// What it says, our own colours in it.
    pub text: String,
    /// The place in the YAML that it comes from.
    pub source: Option<Source>,
}

/// Limits of what fits on a screen beside everything else.
struct Limits {
    properties: usize,
    text_lines: usize,
    items: usize,
    width: usize,
}

impl Limits {
    const fn of(style: DiffStyle) -> Self {
        match style {
            DiffStyle::Full => {
                Self { properties: usize::MAX, text_lines: usize::MAX, items: usize::MAX, width: usize::MAX }
            }
            DiffStyle::Compact | DiffStyle::None => Self { properties: 10, text_lines: 16, items: 6, width: 100 },
        }
    }
}

/// Width that the items of a list may have together to stand behind its name.
const ONE_LINE: usize = 80;

/// One property that differs, below every map.
struct Property<'a> {
    path: Path,
    before: Option<&'a Value>,
    after: Option<&'a Value>,
    source: Option<&'a Source>,
    /// Whether the whole object is made, so that there is no earlier value to name.
    is_new_object: bool,
}

/// The lines under `step`, without indentation and not folded. Of the tags of what is made, those `said` already are left out.
pub(super) fn lines(step: &Step, style: DiffStyle, said: &Tags, paint: Paint) -> Vec<ChangeLine> {
    let limits = Limits::of(style);
    let mut properties = match (style, step.action()) {
        (DiffStyle::None, _) => Vec::new(),
        (DiffStyle::Full, Action::Create) if step.changes().is_empty() => created(step, said),
        _ => changed(step.changes()),
    };
    // Taking over is writing our own tags; what else changes must not drown in them.
    if step.action() == Action::Adopt && style != DiffStyle::Full {
        properties.retain(|property| !property.path.0.last().is_some_and(|key| key.starts_with("studio-deploy:")));
    }
    let mut lines = Vec::new();
    for property in properties.iter().take(limits.properties) {
        describe(property, &limits, paint, &mut lines);
    }
    if properties.len() > limits.properties {
        let more = properties.len() - limits.properties;
        let text = paint.paint(Tone::Quiet, &format!("… and {more} more (`--diff full` shows all)"));
        lines.push(ChangeLine { text, source: None });
    }
    lines
}

/// Tags of a thing, as text by their keys.
pub(super) type Tags = BTreeMap<String, String>;

/// The tags that everything has which is made, when that is more than one thing: they are said once for all.
pub(super) fn shared_tags(steps: &[Step]) -> Tags {
    let tags = |step: &Step| -> Option<Tags> {
        let tags = step.node()?.properties.get("Tags")?;
        Some(tags.entries().map(|(key, value)| (key.clone(), flow(value))).collect())
    };
    let mut all = steps.iter().filter(|step| step.action() == Action::Create).filter_map(tags);
    let (Some(mut shared), Some(second)) = (all.next(), all.next()) else { return Tags::new() };
    for other in std::iter::once(second).chain(all) {
        shared.retain(|key, value| other.get(key) == Some(value));
    }
    shared
}

fn created<'a>(step: &'a Step, said: &Tags) -> Vec<Property<'a>> {
    let Some(node) = step.node() else { return Vec::new() };
    let is_said = |path: &Path| matches!(path.0.as_slice(), [tags, key] if tags == "Tags" && said.contains_key(key));
    let leaves = node.properties.leaves().into_iter().filter(|(path, _)| !is_said(path));
    let properties = leaves.map(|(path, after)| {
        let source = node.source(&path);
        Property { path, before: None, after: Some(after), source, is_new_object: true }
    });
    properties.collect()
}

fn changed(changes: &[Change]) -> Vec<Property<'_>> {
    let mut properties = Vec::new();
    for change in changes {
        // What takes a setting back may be a word of the API's (`None`); what it means is that nothing is set.
        let after = change.after.as_ref().filter(|_| !change.unsets);
        split(&change.path, change.before.as_ref(), after, change.source.as_ref(), &mut properties);
    }
    properties
}

/// Goes down while there are maps, so that a map is shown by its keys.
fn split<'a>(
    path: &Path,
    before: Option<&'a Value>,
    after: Option<&'a Value>,
    source: Option<&'a Source>,
    properties: &mut Vec<Property<'a>>,
) {
    let is_map = |value: Option<&Value>| matches!(value, Some(Value::Map(map)) if !map.is_empty());
    let is_open = |value: Option<&Value>| value.is_none() || matches!(value, Some(Value::Map(_) | Value::Null));
    if (is_map(before) || is_map(after)) && is_open(before) && is_open(after) {
        let keys = [before, after].into_iter().flatten().flat_map(Value::entries).map(|(key, _)| key);
        for key in keys.collect::<BTreeSet<_>>() {
            let (before, after) = (before.and_then(|map| map.get(key)), after.and_then(|map| map.get(key)));
            if before != after {
                let mut below = path.clone();
                below.0.push(key.clone());
                split(&below, before, after, source, properties);
            }
        }
    } else {
        properties.push(Property { path: path.clone(), before, after, source, is_new_object: false });
    }
}

fn describe(property: &Property<'_>, limits: &Limits, paint: Paint, lines: &mut Vec<ChangeLine>) {
    let Property { before, after, source, .. } = property;
    let path = one_line(&property.path.to_string());
    let source = source.cloned();
    let mut say = |text: String, source: Option<Source>| lines.push(ChangeLine { text, source });
    let block = if is_statements(&property.path) && is_list(*before) && is_list(*after) {
        statements::lines(items(*before), items(*after), limits.items, paint)
    } else if is_script(*before) || is_script(*after) {
        script(*before, *after, limits, paint)
    } else if is_list(*before) && is_list(*after) && (before.is_some() || after.is_some()) {
        let (tones, items): (Vec<Tone>, Vec<String>) = set(items(*before), items(*after), limits).into_iter().unzip();
        let items: Vec<(Tone, String)> = tones.into_iter().zip(briefly(items, limits)).collect();
        let width: usize = items.iter().map(|(_, item)| item.chars().count()).sum();
        let is_short = items.len() == 1 || width <= ONE_LINE;
        let items: Vec<String> = items.iter().map(|(tone, item)| paint.paint(*tone, item)).collect();
        if is_short {
            say(format!("{path}: {}", items.join(", ")), source);
            return;
        }
        items
    } else {
        let mut sides = [*before, *after].map(flow_or_not_set);
        if sides[0] == sides[1] {
            // `"60"` and `60` differ and look alike.
            sides = [*before, *after]
                .map(|value| value.map_or_else(|| NOT_SET.into(), |value| value.to_json().to_string()));
        }
        let mut sides = briefly(sides.to_vec(), limits).into_iter().map(|side| shortened(side, limits.width));
        let (old, new) = (sides.next().unwrap_or_default(), sides.next().unwrap_or_default());
        let (old, new) = (paint.paint(Tone::Remove, &old), paint.paint(Tone::Add, &new));
        let change = if property.is_new_object { new } else { format!("{old} → {new}") };
        say(format!("{path}: {change}"), source);
        return;
    };
    say(format!("{path}:"), source);
    for line in block {
        say(format!("  {line}"), None);
    }
}

/// Values in which an ARN stands as its last word, where not everything is to be shown and they differ in that: what is
/// before it is mostly the same for all.
fn briefly(texts: Vec<String>, limits: &Limits) -> Vec<String> {
    let brief = |text: &String| {
        let (sign, arn) = text.split_at(text.find("arn:").filter(|at| *at <= 2).unwrap_or(0));
        let (before, name) = arn.rsplit_once('/')?;
        (before.matches(':').count() == 5).then(|| format!("{sign}…/{name}"))
    };
    let brief: Vec<String> = texts.iter().map(|text| brief(text).unwrap_or_else(|| text.clone())).collect();
    let names: BTreeSet<&str> = brief.iter().map(|text| text.trim_start_matches(['-', '+', ' '])).collect();
    // Two that look alike would hide which account or region one of them is in.
    if limits.width == usize::MAX || names.len() < brief.len() { texts } else { brief }
}

/// IAM's word in every kind of policy: trust, managed, bucket, key.
fn is_statements(path: &Path) -> bool {
    path.0.last().is_some_and(|key| key == "Statement")
}

const fn is_list(value: Option<&Value>) -> bool {
    matches!(value, None | Some(Value::Null | Value::List(_)))
}

fn items(value: Option<&Value>) -> &[Value] {
    value.map_or(&[], Value::items)
}

fn is_script(value: Option<&Value>) -> bool {
    script_text(value).is_some_and(|text| text.trim_end().contains('\n'))
}

fn script_text(value: Option<&Value>) -> Option<String> {
    match value {
        Some(Value::Text(text)) => Some(lines_of(text)),
        _ => None,
    }
}

fn script(before: Option<&Value>, after: Option<&Value>, limits: &Limits, paint: Paint) -> Vec<String> {
    let [before, after] = [before, after].map(|value| script_text(value).unwrap_or_default());
    let diff = TextDiff::from_lines(&before, &after);
    let unified = diff.unified_diff().context_radius(2).missing_newline_hint(false).to_string();
    let all: Vec<&str> = unified.lines().collect();
    let mut lines: Vec<String> =
        all.iter().take(limits.text_lines).map(|line| painted_diff_line(line, paint)).collect();
    if all.len() > limits.text_lines {
        let more = counted(all.len() - limits.text_lines, "more line");
        lines.push(paint.paint(Tone::Quiet, &format!("… {more} (`--diff full` shows all)")));
    }
    if lines.is_empty() {
        lines.push(paint.paint(Tone::Quiet, "only the end of the last line differs"));
    }
    lines
}

/// A line of a unified diff in its colour.
pub(super) fn painted_diff_line(line: &str, paint: Paint) -> String {
    match line.as_bytes().first() {
        Some(b'+') => paint.paint(Tone::Add, line),
        Some(b'-') => paint.paint(Tone::Remove, line),
        Some(b'@') => paint.paint(Tone::Hint, line),
        _ => line.to_owned(),
    }
}

/// Items that leave a list and items that come in.
fn set(before: &[Value], after: &[Value], limits: &Limits) -> Vec<(Tone, String)> {
    let mut gone: Vec<String> = before.iter().map(flow).collect();
    let mut come = Vec::new();
    for item in after.iter().map(flow) {
        match gone.iter().position(|other| *other == item) {
            Some(at) => drop(gone.remove(at)),
            None => come.push(item),
        }
    }
    let gone = cut(gone, limits.items).into_iter().map(|item| (Tone::Remove, format!("- {item}")));
    let come = cut(come, limits.items).into_iter().map(|item| (Tone::Add, format!("+ {item}")));
    let items: Vec<_> = gone.chain(come).collect();
    if items.is_empty() { vec![(Tone::Quiet, "[]".into())] } else { items }
}

fn cut(mut items: Vec<String>, limit: usize) -> Vec<String> {
    if items.len() > limit {
        let more = items.len() - limit;
        items.truncate(limit);
        items.push(format!("{more} more"));
    }
    items
}
