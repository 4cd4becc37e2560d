use super::*;
use crate::model::Owner;
use crate::ui::testing::{Scene, create_all, destroy, removal, script, update};
use crate::ui::{ColorChoice, Terminal};
use serde_json::json;

fn shown(scene: &Scene, style: DiffStyle) -> String {
    render(&scene.plan(), View { style, deepens: true, ..View::new(&Caller::default(), Paint::PLAIN, 80) })
}

#[test]
fn what_is_made_takes_one_line_each() {
    insta::assert_snapshot!(shown(&create_all(), DiffStyle::Compact), @r"
    acme/dev/ml/studio   123456789012 us-east-1                          studio.yaml

    + execution_role.default                                                      :3
    + security_group.domain                                                       :8
    + domain.studio                                                              :10
    + parameter./acme/ml/studio/url                                              :20

    Security   security_group.domain: inbound tcp 443 from anywhere (0.0.0.0/0)

    Plan: 4 to create.  All properties: --diff full.
    ");
}

#[test]
fn what_is_made_shows_all_its_properties_on_request() {
    insta::assert_snapshot!(shown(&create_all(), DiffStyle::Full), @r"
    acme/dev/ml/studio   123456789012 us-east-1                          studio.yaml

    + execution_role.default                                                      :3
        AssumeRolePolicyDocument.Statement:                                       :4
          + Allow sts:AssumeRole for Service sagemaker.amazonaws.com
        AssumeRolePolicyDocument.Version: 2012-10-17                              :5
        RoleName: acme-dev-ml-studio                                              :6
    + security_group.domain                                                       :8
        GroupName: acme-dev-ml-studio                                             :9
        Ingress: + {CidrIp: 0.0.0.0/0, FromPort: 443, IpProtocol: tcp}           :10
    + domain.studio                                                              :10
        AuthMode: IAM                                                            :11
        DefaultUserSettings.ExecutionRole: (known after apply)                   :12
        DefaultUserSettings.SecurityGroups: + (known after apply)                :13
    + parameter./acme/ml/studio/url                                              :20
        Value: https://(known after apply).studio                                :21

    Security   security_group.domain: inbound tcp 443 from anywhere (0.0.0.0/0)

    Plan: 4 to create
    ");
}

#[test]
fn an_update_shows_policies_by_statement_and_lists_as_sets() {
    insta::assert_snapshot!(shown(&update(), DiffStyle::Compact), @r"
    acme/dev/ml/studio   123456789012 us-east-1                          studio.yaml

    ~ domain.studio                                                              :12
        DefaultUserSettings.Idle: 60 → 120
        DefaultUserSettings.SecurityGroups: - sg-1, + sg-3                       :13
        Tags.cost: (not set) → 42                                                :14
        Tags.owner: ann → ben                                                    :15
        DefaultUserSettings.JupyterLabAppSettings.LifecycleConfigArn:            :10
          arn:aws:sagemaker:x → (not set)
    ~ execution_policy.basic                                                     :31
        PolicyDocument.Statement:
          - Old: Allow s3:* on *
          ~ Allow s3:GetObject on arn:aws:s3:::data/*: Action + s3:PutObject

    Security   domain.studio: DefaultUserSettings.SecurityGroups: which security
               groups apps have
               execution_policy.basic: PolicyDocument.Statement: what the role may
               do

    Plan: 2 to update, 1 unchanged
    ");
}

#[test]
fn without_diff_only_addresses_are_shown() {
    insta::assert_snapshot!(shown(&update(), DiffStyle::None), @r"
    acme/dev/ml/studio   123456789012 us-east-1                          studio.yaml

    ~ domain.studio                                                              :12
    ~ execution_policy.basic                                                     :31

    Security   domain.studio: DefaultUserSettings.SecurityGroups: which security
               groups apps have
               execution_policy.basic: PolicyDocument.Statement: what the role may
               do

    Plan: 2 to update, 1 unchanged
    ");
}

#[test]
fn a_script_is_compared_as_text() {
    insta::assert_snapshot!(shown(&script(), DiffStyle::Compact), @r"
    acme/dev/ml/studio   123456789012 us-east-1                          studio.yaml

    ~ lifecycle_config.jupyterLab                                                :41
        Content:
          @@ -1,4 +1,4 @@
           #!/bin/bash
           set -eu
          -pip install a
          +pip install b
           echo done

    Plan: 1 to update
    ");
}

#[test]
fn what_loses_data_is_blocked_and_says_what_would_allow_it() {
    insta::assert_snapshot!(shown(&removal(), DiffStyle::Compact), @r"
    acme/dev/ml/studio   123456789012 us-east-1                          studio.yaml

    ! domain.studio     replace, blocked                                         :11
        why            VpcId of id-of-domain.studio cannot be changed in place, and
                       replacing it loses every user's home directory; also in the
                       way: user_profile.ben
        help           put the old value back, or allow it with
                       `--allow-replace domain.studio`
        VpcId: vpc-1 → vpc-2
    ! user_profile.ben  delete, blocked
        why            removing it loses the home directory of the user
        help           put it back into the config, or allow it with
                       `--allow-profile-delete ben`
    - user_profile.ann  it is no longer in the config

    Plan: 1 to delete, 2 blocked. Nothing is applied until each is resolved.
    ");
}

#[test]
fn what_belongs_to_somebody_else_is_blocked() {
    let scene = Scene::default()
        .wants("bucket.sharing", 5, json!({"Bucket": "acme-dev-ml-studio"}))
        .foreign("bucket.sharing", Owner::Stack("theirs".into()))
        .recorded();
    insta::assert_snapshot!(shown(&scene, DiffStyle::Compact), @r"
    acme/dev/ml/studio   123456789012 us-east-1                          studio.yaml

    ! bucket.sharing  blocked                                                     :5
        why            the CloudFormation stack theirs owns it
        help           choose another org, env, domain or module name, or delete it
                       there first

    Plan: 1 blocked. Nothing is applied until it is resolved.
    ");
}

#[test]
fn destroying_names_what_is_retained() {
    insta::assert_snapshot!(shown(&destroy(), DiffStyle::Compact), @r"
    acme/dev/ml/studio   123456789012 us-east-1   everything is destroyed

    - user_profile.ann
    - domain.studio

    Retained   bucket.sharing: `removalPolicy.bucket` is retain; later:
               `studio-deploy destroy --bucket delete`

    Plan: 2 to delete, 1 retained
    ");
}

#[test]
fn no_changes_are_said_in_one_sentence() {
    let scene = Scene::default()
        .wants("domain.studio", 10, json!({"AuthMode": "IAM"}))
        .has("domain.studio", json!({"AuthMode": "IAM"}));
    insta::assert_snapshot!(shown(&scene, DiffStyle::Compact), @r"
    acme/dev/ml/studio   123456789012 us-east-1                          studio.yaml

    ~ record  what studio-deploy remembers of this deployment is brought up to date

    Plan: 1 to update, 1 unchanged
    ");
    insta::assert_snapshot!(shown(&scene.recorded(), DiffStyle::Compact), @r"
    No changes. acme/dev/ml/studio in 123456789012 us-east-1 is as the config says.

    Plan: 1 unchanged
    ");
}

#[test]
fn thousands_of_profiles_leave_the_rest_on_the_screen() {
    let scene =
        (0..300).fold(Scene::default(), |scene, at| scene.wants(&format!("user_profile.u{at:03}"), 9, json!({"A": 1})));
    let text = shown(&scene, DiffStyle::Compact);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() < 10 && lines[2].starts_with("+ 300 user profiles  u000, u001, "), "{text}");
    assert!(text.contains(" more"), "{text}");
    assert!(text.ends_with("Plan: 300 to create.  All properties: --diff full.\n"), "{text}");
    assert_eq!(shown(&scene, DiffStyle::Full).lines().filter(|line| line.starts_with("+ user_profile.u")).count(), 300);
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
        let caller = Caller::default();
        let view = View { style: DiffStyle::Full, ..View::new(&caller, paint, 80) };
        let text = render(&plan, view);
        assert!(text.contains('\u{1b}'));
        for (at, piece) in text.split('\u{1b}').enumerate() {
            colored += if at == 0 { piece } else { piece.split_once('m').unwrap().1 };
        }
        let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        assert_eq!(trimmed(&colored), trimmed(&render(&plan, View { paint: Paint::PLAIN, ..view })));
    }
}

#[test]
fn nothing_in_a_plan_can_steer_the_terminal() {
    let scene = Scene::default()
        .wants("domain.studio", 10, json!({"Name": "safe"}))
        .has("domain.studio", json!({"Name": "\u{1b}]0;owned\u{7}"}));
    assert!(!shown(&scene, DiffStyle::Full).contains('\u{1b}'));
}
