//! Checks of lifecycle scripts and their assets.

use super::Review;
use crate::config::codes;
use crate::config::{DomainConfig, LifecycleConfig, LifecycleKind};

/// Limit on a lifecycle script in base64 characters, by the API model of CreateStudioLifecycleConfig.
const CONTENT_LIMIT: usize = 16_384;

pub(super) fn check(review: &mut Review<'_>, domain: &DomainConfig) {
    let prefix = &domain.asset_prefix;
    if prefix.starts_with('/') || prefix.ends_with('/') {
        let summary = format!("`assetPrefix: {prefix}` has a slash at its edge");
        let help = format!("write `assetPrefix: {}`", prefix.trim_matches('/'));
        review.report(&codes::ASSET_PREFIX, &["domain", "assetPrefix"], summary, help);
    }
    for (kind, config) in &domain.lifecycle_configs {
        let path = ["domain", "lifecycleConfigs", kind.key()];
        if kind.is_classic() {
            review.report(
                &codes::CLASSIC,
                &path,
                format!("`{}` runs in Studio Classic, which new domains do not have", kind.key()),
                "use `jupyterLab` for what users see today",
            );
        }
        let commands = [path.as_slice(), &["cmds"]].concat();
        if config.cmds.iter().any(|command| command.contains("\r\n")) {
            let help = "they become plain ones; save the file with LF to be rid of this";
            review.report(&codes::LINE_ENDS, &commands, "this script has Windows line ends", help);
        }
        size(review, domain, *kind, config, &commands);
    }
}

fn size(review: &mut Review<'_>, domain: &DomainConfig, kind: LifecycleKind, config: &LifecycleConfig, path: &[&str]) {
    // A script whose commands come from SSM parameters has no size yet.
    if config.cmds.iter().any(|command| command.contains("{{resolve:ssm:")) {
        return;
    }
    let bucket = match &domain.domain_bucket {
        Some(bucket) => bucket.domain_bucket_name.clone(),
        None => review.names.bucket().unwrap_or_default(),
    };
    let size = config.content(kind, &bucket, &domain.asset_prefix).len();
    if size == 0 {
        review.report(&codes::SCRIPT, path, "AWS refuses an empty script", "give it a command, or remove it");
    } else if size > CONTENT_LIMIT {
        let summary =
            format!("AWS refuses this script: {size} characters in base64, where {CONTENT_LIMIT} are allowed");
        review.report(&codes::SCRIPT, path, summary, "put the script into an asset and call it from a command");
    }
}
