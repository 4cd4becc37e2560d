//! Scripts and assets of lifecycle configs: what changes about them, and what apps have of it.

use serde_json::json;

use super::{BASE, PLAN, calls, count, deployed, describe_domain, domain_id, lose_record, pass, start_app, studio};
use crate::support::account::{APPLY, Lab};
use crate::support::configs::edit;

#[test]
fn row_08_scripts_in_use_stay_until_their_apps_are_gone() {
    let lab = deployed();
    start_app(&lab, "ann");
    let scripts = |lab: &Lab| {
        let list = studio(lab, "ListStudioLifecycleConfigs", &json!({}));
        list["StudioLifecycleConfigs"].as_array().unwrap().len()
    };
    let mut last = BASE.to_owned();
    for word in ["two", "three", "four", "five"] {
        last = edit(BASE, "echo one", &format!("echo {word}"));
        let ended = lab.run(APPLY, &last).expect(0);
        ended.assert_says("held lifecycle_config.jupyterLab@");
        assert_eq!(scripts(&lab), 2, "the one in use and the new one");
    }
    let app =
        json!({"DomainId": domain_id(&lab), "UserProfileName": "ann", "AppType": "JupyterLab", "AppName": "default"});
    studio(&lab, "DeleteApp", &app);
    pass(&lab, 100);
    lab.run(APPLY, &last).expect(0);
    assert_eq!(scripts(&lab), 1);
    lab.run(PLAN, &last).expect(0);
}

#[test]
fn row_23_windows_line_ends_make_no_other_script() {
    let script = |text: &str| {
        let lab = Lab::new();
        let ended = lab.run(APPLY, &edit(BASE, "echo one", text)).expect(0);
        calls(&ended, "CreateStudioLifecycleConfig")[0].input["StudioLifecycleConfigName"].clone()
    };
    assert_eq!(script("\"a\\r\\nb\""), script("\"a\\nb\""));
}

#[test]
fn row_25_a_default_script_is_in_the_list_too() {
    let lab = deployed();
    let settings = describe_domain(&lab)["DefaultUserSettings"].clone();
    let app = &settings["JupyterLabAppSettings"];
    let default = &app["DefaultResourceSpec"]["LifecycleConfigArn"];
    assert!(default.is_string() && app["LifecycleConfigArns"].as_array().unwrap().contains(default), "{app}");
    assert_eq!(settings["JupyterServerAppSettings"]["DefaultResourceSpec"]["InstanceType"], "system");
    assert_ne!(app["DefaultResourceSpec"]["InstanceType"], "system");
}

#[test]
fn row_25_no_default_outlives_its_script_even_when_the_record_is_lost() {
    let lab = deployed();
    lose_record(&lab);
    let without = edit(BASE, "  lifecycleConfigs:\n    jupyterLab: {cmds: [echo one]}\n", "");
    lab.run(APPLY, &without).expect(0);
    let app = &describe_domain(&lab)["DefaultUserSettings"]["JupyterLabAppSettings"];
    assert!(app["DefaultResourceSpec"]["LifecycleConfigArn"].as_str().is_none_or(|arn| arn == "None"), "{app}");
    lab.run(PLAN, &without).expect(0);
    let list = studio(&lab, "ListStudioLifecycleConfigs", &json!({}));
    assert_eq!(list["StudioLifecycleConfigs"], json!([]));
}

#[test]
fn row_26_one_changed_file_is_one_upload() {
    let lab = Lab::new();
    let folder = lab.path("tools");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("a.sh"), "echo a").unwrap();
    std::fs::write(folder.join("b.sh"), "echo b").unwrap();
    let text = edit(BASE, "{cmds: [echo one]}", "{cmds: [echo one], assets: {tools: {sourcePath: ./tools}}}");
    lab.run(APPLY, &text).expect(0);
    std::fs::write(folder.join("a.sh"), "echo A").unwrap();
    let plan = lab.run(PLAN, &text).expect(2);
    plan.assert_says("a.sh");
    plan.assert_says("bucket_object.jupyterLab/tools: takes effect in an app when it starts next");
    let ended = lab.run(APPLY, &text).expect(0);
    assert_eq!(count(&ended, "PutObject"), 1);
    std::fs::remove_file(folder.join("b.sh")).unwrap();
    let ended = lab.run(APPLY, &text).expect(0);
    assert_eq!((count(&ended, "PutObject"), count(&ended, "DeleteObjects") + count(&ended, "DeleteObject")), (0, 1));
    assert!(!lab.run(PLAN, &text).expect(0).shows("starts next"));
    lab.run(PLAN, &edit(&text, "echo one", "echo two"))
        .expect(2)
        .assert_says("lifecycle_config.jupyterLab: takes effect");
}
