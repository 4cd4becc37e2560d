use super::*;
use crate::model::Owner;
use crate::ui::testing::{Scene, create_all, destroy, removal, script, update};
use crate::ui::{ColorChoice, Terminal};
use serde_json::json;

fn shown(scene: &Scene, style: DiffStyle) -> String {
    render(&scene.plan(), style, &Caller::default(), Paint::PLAIN)
}

#[test]
fn what_is_made_takes_one_line_each() {
    insta::assert_snapshot!(shown(&create_all(), DiffStyle::Compact), @r"
    acme/dev/ml/studio in 123456789012 us-east-1

      +    execution_role.default         it does not exist yet  studio.yaml:3
      +    security_group.domain          it does not exist yet  studio.yaml:8
      +    domain.studio                  it does not exist yet  studio.yaml:10
      +    parameter./acme/ml/studio/url  it does not exist yet  studio.yaml:20

    Security-relevant changes:
      security_group.domain  Ingress: open to everybody

    create   execution_role.default, security_group.domain, domain.studio, parameter./acme/ml/studio/url
    Plan: 4 to add, 0 to change, 0 to replace, 0 to adopt, 0 to destroy, 0 unchanged
    ");
}

#[test]
fn what_is_made_shows_all_its_properties_on_request() {
    insta::assert_snapshot!(shown(&create_all(), DiffStyle::Full), @r"
    acme/dev/ml/studio in 123456789012 us-east-1

      +    execution_role.default         it does not exist yet  studio.yaml:3
           AssumeRolePolicyDocument.Statement:  studio.yaml:4
             + Allow sts:AssumeRole for Service sagemaker.amazonaws.com
           AssumeRolePolicyDocument.Version: 2012-10-17  studio.yaml:5
           RoleName: acme-dev-ml-studio  studio.yaml:6
      +    security_group.domain          it does not exist yet  studio.yaml:8
           GroupName: acme-dev-ml-studio  studio.yaml:9
           Ingress: + {CidrIp: 0.0.0.0/0, FromPort: 443, IpProtocol: tcp}  studio.yaml:10
      +    domain.studio                  it does not exist yet  studio.yaml:10
           AuthMode: IAM  studio.yaml:11
           DefaultUserSettings.ExecutionRole: (known after apply)  studio.yaml:12
           DefaultUserSettings.SecurityGroups: + (known after apply)  studio.yaml:13
      +    parameter./acme/ml/studio/url  it does not exist yet  studio.yaml:20
           Value: https://(known after apply).studio  studio.yaml:21

    Security-relevant changes:
      security_group.domain  Ingress: open to everybody

    create   execution_role.default, security_group.domain, domain.studio, parameter./acme/ml/studio/url
    Plan: 4 to add, 0 to change, 0 to replace, 0 to adopt, 0 to destroy, 0 unchanged
    ");
}

#[test]
fn an_update_shows_policies_by_statement_and_lists_as_sets() {
    insta::assert_snapshot!(shown(&update(), DiffStyle::Compact), @r"
    acme/dev/ml/studio in 123456789012 us-east-1

      ~    domain.studio           it differs  studio.yaml:12
           DefaultUserSettings.Idle: 60 → 120  studio.yaml:12
           DefaultUserSettings.SecurityGroups: - sg-1, + sg-3  studio.yaml:13
           Tags.cost: (not set) → 42  studio.yaml:14
           Tags.owner: ann → ben  studio.yaml:15
           DefaultUserSettings.JupyterLabAppSettings.LifecycleConfigArn: arn:aws:sagemaker:x → (not set)  studio.yaml:10
      ~    execution_policy.basic  it differs  studio.yaml:31
           PolicyDocument.Statement:  studio.yaml:31
             - Old: Allow s3:* on *
             ~ Allow s3:GetObject on arn:aws:s3:::data/*: Action + s3:PutObject

    Security-relevant changes:
      domain.studio  DefaultUserSettings.SecurityGroups: which security groups apps have
      execution_policy.basic  PolicyDocument.Statement: what the role may do

    update   domain.studio, execution_policy.basic
    Plan: 0 to add, 2 to change, 0 to replace, 0 to adopt, 0 to destroy, 1 unchanged
    ");
}

#[test]
fn without_diff_only_addresses_are_shown() {
    insta::assert_snapshot!(shown(&update(), DiffStyle::None), @r"
    acme/dev/ml/studio in 123456789012 us-east-1

      ~    domain.studio           it differs  studio.yaml:12
      ~    execution_policy.basic  it differs  studio.yaml:31

    Security-relevant changes:
      domain.studio  DefaultUserSettings.SecurityGroups: which security groups apps have
      execution_policy.basic  PolicyDocument.Statement: what the role may do

    update   domain.studio, execution_policy.basic
    Plan: 0 to add, 2 to change, 0 to replace, 0 to adopt, 0 to destroy, 1 unchanged
    ");
}

#[test]
fn a_script_is_compared_as_text() {
    insta::assert_snapshot!(shown(&script(), DiffStyle::Compact), @r"
    acme/dev/ml/studio in 123456789012 us-east-1

      ~    lifecycle_config.jupyterLab  it differs  studio.yaml:41
           Content:  studio.yaml:41
             @@ -1,4 +1,4 @@
              #!/bin/bash
              set -eu
             -pip install a
             +pip install b
              echo done

    update   lifecycle_config.jupyterLab
    Plan: 0 to add, 1 to change, 0 to replace, 0 to adopt, 0 to destroy, 0 unchanged
    ");
}

#[test]
fn what_loses_data_is_blocked_and_says_what_would_allow_it() {
    insta::assert_snapshot!(shown(&removal(), DiffStyle::Compact), @r"
    acme/dev/ml/studio in 123456789012 us-east-1

      -    user_profile.ann  it is no longer in the config
      !    domain.studio     replace blocked: VpcId of id-of-domain.studio cannot be changed in place, and replacing it loses every user's home directory; also in the way: user_profile.ben  studio.yaml:11
           help: put the old value back, or allow it with `--allow-replace domain.studio`
           VpcId: vpc-1 → vpc-2  studio.yaml:11
      !    user_profile.ben  delete blocked: removing it loses the home directory of the user
           help: put it back into the config, or allow it with `--allow-profile-delete ben`

    delete   user_profile.ann
    blocked  domain.studio, user_profile.ben
    2 steps blocked: nothing is applied until each is resolved
    Plan: 0 to add, 0 to change, 0 to replace, 0 to adopt, 1 to destroy, 0 unchanged
    ");
}

#[test]
fn what_belongs_to_somebody_else_is_blocked() {
    let scene = Scene::default()
        .wants("bucket.sharing", 5, json!({"Bucket": "acme-dev-ml-studio"}))
        .foreign("bucket.sharing", Owner::Stack("theirs".into()))
        .recorded();
    insta::assert_snapshot!(shown(&scene, DiffStyle::Compact), @r"
    acme/dev/ml/studio in 123456789012 us-east-1

      !    bucket.sharing  blocked: the CloudFormation stack theirs owns it  studio.yaml:5
           help: choose another org, env, domain or module name, or delete it there first

    blocked  bucket.sharing
    1 step blocked: nothing is applied until it is resolved
    Plan: 0 to add, 0 to change, 0 to replace, 0 to adopt, 0 to destroy, 0 unchanged
    ");
}

#[test]
fn destroying_names_what_is_retained() {
    insta::assert_snapshot!(shown(&destroy(), DiffStyle::Compact), @r"
    acme/dev/ml/studio in 123456789012 us-east-1

      -    user_profile.ann  everything is destroyed
      -    domain.studio     everything is destroyed

    Retained:
      bucket.sharing  `removalPolicy.bucket` is retain; later: `studio-deploy destroy --bucket delete`

    delete   user_profile.ann, domain.studio
    Plan: 0 to add, 0 to change, 0 to replace, 0 to adopt, 2 to destroy, 0 unchanged, 1 retained
    ");
}

#[test]
fn no_changes_are_said_in_one_sentence() {
    let scene = Scene::default()
        .wants("domain.studio", 10, json!({"AuthMode": "IAM"}))
        .has("domain.studio", json!({"AuthMode": "IAM"}));
    insta::assert_snapshot!(shown(&scene, DiffStyle::Compact), @r"
    acme/dev/ml/studio in 123456789012 us-east-1

      ~    record  what studio-deploy remembers of this deployment is brought up to date

    update   record
    Plan: 0 to add, 1 to change, 0 to replace, 0 to adopt, 0 to destroy, 1 unchanged
    ");
    insta::assert_snapshot!(shown(&scene.recorded(), DiffStyle::Compact), @r"
    No changes. acme/dev/ml/studio in 123456789012 us-east-1 is as the config says.

    Plan: 0 to add, 0 to change, 0 to replace, 0 to adopt, 0 to destroy, 1 unchanged
    ");
}

#[test]
fn thousands_of_profiles_leave_the_numbers_on_the_screen() {
    let scene =
        (0..300).fold(Scene::default(), |scene, at| scene.wants(&format!("user_profile.u{at:03}"), 9, json!({"A": 1})));
    let text = shown(&scene, DiffStyle::Compact);
    let last: Vec<&str> = text.lines().rev().take(2).collect();
    assert!(last[1].ends_with("user_profile.u019 and 280 more"), "{}", last[1]);
    assert_eq!(last[0], "Plan: 300 to add, 0 to change, 0 to replace, 0 to adopt, 0 to destroy, 0 unchanged");
}

#[test]
fn a_compact_update_of_many_properties_is_cut() {
    let properties =
        |value: &str| (0..15).map(|at| (format!("P{at:02}"), json!(value))).collect::<serde_json::Map<_, _>>();
    let scene = Scene::default()
        .wants("domain.studio", 10, properties("new").into())
        .has("domain.studio", properties("old").into());
    assert!(shown(&scene, DiffStyle::Compact).contains("… and 5 more (`--diff full` shows all)"));
    assert!(shown(&scene, DiffStyle::Full).contains("P14: old → new"));
}

#[test]
fn colours_add_nothing_but_themselves() {
    let paint = Terminal::default().paint(ColorChoice::Always);
    for scene in [create_all(), update(), script(), removal(), destroy()] {
        let (plan, mut colored) = (scene.plan(), String::new());
        let text = render(&plan, DiffStyle::Full, &Caller::default(), paint);
        assert!(text.contains('\u{1b}'));
        for (at, piece) in text.split('\u{1b}').enumerate() {
            colored += if at == 0 { piece } else { piece.split_once('m').unwrap().1 };
        }
        let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        assert_eq!(trimmed(&colored), trimmed(&render(&plan, DiffStyle::Full, &Caller::default(), Paint::PLAIN)));
    }
}

#[test]
fn nothing_in_a_plan_can_steer_the_terminal() {
    let scene = Scene::default()
        .wants("domain.studio", 10, json!({"Name": "safe"}))
        .has("domain.studio", json!({"Name": "\u{1b}]0;owned\u{7}"}));
    assert!(!shown(&scene, DiffStyle::Full).contains('\u{1b}'));
}
