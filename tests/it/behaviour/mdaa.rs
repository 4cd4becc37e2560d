//! Where MDAA's config and ours meet the account: what is read from where, and what is said of what differs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{BASE, PLAN, calls};
use crate::support::account::{APPLY, Lab};
use crate::support::configs::edit;

#[test]
fn assets_lie_where_the_script_reads_them() {
    for prefix in ["same", "same/", "/same", "/same//"] {
        let lab = Lab::new();
        std::fs::create_dir(lab.path("tools")).unwrap();
        std::fs::write(lab.path("tools").join("a.sh"), "echo a").unwrap();
        let assets = "{cmds: [echo one], assets: {tools: {sourcePath: ./tools}}}";
        let text = edit(BASE, "{cmds: [echo one]}", assets);
        let text = edit(&text, "  tags:", &format!("  assetPrefix: {prefix}\n  tags:"));
        let ended = lab.run(APPLY, &text).expect(0);
        let script = calls(&ended, "CreateStudioLifecycleConfig")[0].input["StudioLifecycleConfigContent"].clone();
        let script = String::from_utf8(STANDARD.decode(script.as_str().unwrap()).unwrap()).unwrap();
        let (_, read) = script.split_once("s3://").unwrap();
        let (read, _) = read.split_once(" $ASSETS_DIR").unwrap();
        let tables = lab.tables();
        let keys: Vec<&String> = tables["s3/object"].keys().collect();
        assert!(
            keys.iter().all(|key| key.ends_with(&format!("{read}tools/a.sh"))) && !keys.is_empty(),
            "{read}: {keys:?}"
        );
        lab.run(PLAN, &text).expect(0);
    }
}
