//! The files of lifecycle assets: what of a folder is uploaded, and that nothing is without a word.

use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::support::configs::edit;

/// A config whose asset is the folder `tools`, with `more` about it.
fn with_tools(more: &str) -> String {
    let asset = format!("{{cmds: [echo one], assets: {{tools: {{sourcePath: ./tools{more}}}}}}}");
    edit(BASE, "{cmds: [echo one]}", &asset)
}

/// Keys in the bucket below the asset's prefix.
fn uploaded(lab: &Lab) -> Vec<String> {
    let mark = "lifecycle-assets/JupyterLab/tools/";
    let objects = lab.tables().remove("s3/object").unwrap_or_default();
    objects.keys().filter_map(|key| Some(key.split_once(mark)?.1.to_owned())).collect()
}

/// Makes sure that nothing was said of links.
#[track_caller]
fn quiet(ended: Ended) {
    assert!(!format!("{}{}", ended.data, ended.notes).contains("symbolic links"), "{}", ended.data);
}

#[test]
fn what_a_link_brings_in_from_elsewhere_is_named_in_the_plan() {
    let lab = Lab::new();
    fs::create_dir(lab.path("tools")).unwrap();
    fs::write(lab.path("tools/own.sh"), "echo").unwrap();
    fs::write(lab.path("elsewhere"), "secret").unwrap();
    symlink("own.sh", lab.path("tools/inside")).unwrap();
    quiet(lab.run(PLAN, &with_tools("")).expect(2));
    symlink("../elsewhere", lab.path("tools/outside")).unwrap();
    let target = fs::canonicalize(lab.path("elsewhere")).unwrap();
    let said = format!("outside -> {}", target.display());
    for command in [PLAN, &["plan", "--format", "json"][..]] {
        let ended = lab.run(command, &with_tools(""));
        assert!(ended.shows(&said) && !ended.shows("inside ->"), "{}", ended.data);
    }
    quiet(lab.run(PLAN, &with_tools(", exclude: [outside]")).expect(2));
    lab.run(APPLY, &with_tools("")).expect(0);
    assert_eq!(uploaded(&lab), ["inside", "outside", "own.sh"]);
    // Nothing is uploaded, so nothing is to be said; and what the link leads to changes what is there.
    quiet(lab.run(PLAN, &with_tools("")).expect(0));
    fs::write(lab.path("elsewhere"), "another").unwrap();
    let ended = lab.run(PLAN, &with_tools("")).expect(2);
    assert!(ended.shows(&said), "{}", ended.data);
}

#[test]
fn every_mistake_in_an_asset_is_told_at_once_and_before_any_call() {
    let lab = Lab::new();
    fs::create_dir(lab.path("tools")).unwrap();
    symlink("nowhere", lab.path("tools/dangling")).unwrap();
    symlink("/dev/zero", lab.path("tools/endless")).unwrap();
    fs::write(lab.path("tools/line\nbreak"), "x").unwrap();
    for command in [&["validate"][..], PLAN, APPLY] {
        let ended = lab.run(command, &with_tools("")).expect(3);
        let said = format!("{}{}", ended.data, ended.notes);
        for part in ["SD1103", "dangling", "leads nowhere", "endless", "a device", "control character", "leave it out"]
        {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(ended.writes().is_empty());
    }
    lab.run(APPLY, &with_tools(", exclude: [dangling, endless, 'line*']")).expect(0);
    assert_eq!(uploaded(&lab), Vec::<String>::new());
}

#[test]
fn folders_without_files_and_names_that_differ_by_case_are_what_they_are() {
    let lab = Lab::new();
    fs::create_dir_all(lab.path("tools/empty/deep")).unwrap();
    lab.run(APPLY, &with_tools("")).expect(0);
    assert_eq!(uploaded(&lab), Vec::<String>::new());
    lab.run(PLAN, &with_tools("")).expect(0);
    for name in ["Read", "read", "READ"] {
        fs::write(lab.path("tools").join(name), name).unwrap();
    }
    lab.run(APPLY, &with_tools("")).expect(0);
    assert_eq!(uploaded(&lab), ["READ", "Read", "read"]);
    lab.run(PLAN, &with_tools("")).expect(0);
}

#[test]
fn a_large_file_is_uploaded_in_parts_and_not_again() {
    let lab = Lab::new();
    fs::create_dir(lab.path("tools")).unwrap();
    fs::File::create(lab.path("tools/model.bin")).unwrap().set_len(20 << 20).unwrap();
    let ended = lab.run(APPLY, &with_tools("")).expect(0);
    let count = |operation: &str| ended.calls.iter().filter(|call| call.operation == operation).count();
    assert_eq!((count("UploadPart"), count("CompleteMultipartUpload"), count("PutObject")), (3, 1, 0));
    lab.run(PLAN, &with_tools("")).expect(0);
    let again = lab.run(APPLY, &with_tools("")).expect(0);
    assert!(again.writes().is_empty());
}

#[test]
fn an_asset_that_cannot_be_read_stands_in_the_way_of_nothing_else() {
    let lab = Lab::new();
    fs::create_dir(lab.path("tools")).unwrap();
    fs::write(lab.path("tools/own.sh"), "echo").unwrap();
    lab.run(APPLY, &with_tools("")).expect(0);
    assert!(std::process::Command::new("mkfifo").arg(lab.path("tools/pipe")).status().unwrap().success());
    lab.run(PLAN, &with_tools("")).expect(3);
    for command in
        [&["output"][..], &["unlock"], &["url", "--user", "ann"], &["permissions"], &["list"], &["plan", "--destroy"]]
    {
        lab.run(command, &with_tools("")).expect(0);
    }
    lab.run(crate::support::account::DESTROY, &with_tools("")).expect(0);
}

#[test]
fn uploads_that_wait_for_the_line_and_for_a_place_do_not_wait_for_each_other() {
    let (done, ended) = std::sync::mpsc::channel();
    // On a thread of its own: a run whose steps wait for each other never ends, not even in virtual time.
    std::thread::spawn(move || {
        let lab = Lab::new();
        fs::create_dir(lab.path("tools")).unwrap();
        for name in ["one", "two"] {
            fs::File::create(lab.path("tools").join(name)).unwrap().set_len(3 << 20).unwrap();
        }
        let script = |kind: &str| format!("{kind}: {{cmds: [echo one], assets: {{tools: {{sourcePath: ./tools}}}}}}");
        let scripts = ["jupyterLab", "kernel", "jupyter"].map(script).join("\n    ");
        let config = edit(BASE, "jupyterLab: {cmds: [echo one]}", &scripts);
        faults(&lab, "deny=s3:PutObject@1");
        // Nobody lets them write, and each is tried for as long as a new permission may take.
        let ended = lab.run(&["apply", "--auto-approve", "--parallelism", "1"], &config).expect(8);
        done.send(count(&ended, "PutObject")).unwrap();
    });
    let puts = ended.recv_timeout(std::time::Duration::from_mins(1)).expect("the run ends");
    assert!(puts > 6, "{puts}");
}
