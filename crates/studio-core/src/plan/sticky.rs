//! Sticky settings: what AWS keeps once it is set, however an update leaves it out.
//!
//! What the config no longer says of them goes on being managed. It follows what holds where nothing is said: for a
//! profile the domain's setting, for shared spaces the domain's own role and group, which would otherwise be deleted under
//! them. Where nothing is known to hold it stays as it is, and every plan says so.

use super::{Notice, Rules, Unset, is_blank};
use crate::model::{Node, Observed, Path, Value};

/// Puts into `node` what it has to go on saying of `observed`, of the paths that were `managed`.
pub(super) fn keep(
    node: &mut Node,
    observed: &Observed,
    managed: &[Path],
    rules: &dyn Rules,
    notices: &mut Vec<Notice>,
) {
    let said = node.properties.clone();
    let leaves: Vec<Path> = said.leaves().into_iter().map(|(path, _)| path).collect();
    for path in managed {
        let is_said = leaves.iter().any(|leaf| leaf.starts_with(path) || path.starts_with(leaf));
        let Some(live) = observed.properties.at(path).filter(|live| !is_said && !is_blank(Some(live))) else {
            continue;
        };
        let unset = rules.unset(path, live);
        let clears = matches!(&unset, Unset::Omit) || matches!(&unset, Unset::Send(value) if is_blank(Some(value)));
        if clears {
            continue;
        }
        let inherited = node.fallback.at(path).cloned();
        let belongs = path.0.first().is_some_and(|top| said.get(top).is_some());
        let value = match (inherited, unset) {
            (Some(value), _) => {
                if !belongs {
                    notices.push(notice(node, path, "it is put to what holds for a config that says nothing of it"));
                }
                value
            }
            // A default of the API that a domain's setting may outweigh later.
            (None, Unset::Send(value)) if node.fallback != Value::Null && belongs => value,
            (None, Unset::Send(_)) => continue,
            (None, _) => {
                notices.push(notice(node, path, &format!("it stays {}", live.to_json())));
                live.clone()
            }
        };
        node.properties.set_at(path, value);
    }
}

fn notice(node: &Node, path: &Path, what: &str) -> Notice {
    let message = format!("{path} is no longer in the config, but the API cannot unset it: {what}");
    Notice::new(Some(node.address.clone()), message)
}

#[cfg(test)]
#[path = "sticky_tests.rs"]
mod tests;
