//! Harm that comes to a story, and consent that people give in it.

use super::wish::USERS;
use crate::support::dice::Dice;

/// Operations that a role may lack.
pub const OPERATIONS: [&str; 30] = [
    "sagemaker:CreateDomain",
    "sagemaker:UpdateDomain",
    "sagemaker:DescribeDomain",
    "sagemaker:ListDomains",
    "sagemaker:CreateUserProfile",
    "sagemaker:UpdateUserProfile",
    "sagemaker:DeleteUserProfile",
    "sagemaker:ListApps",
    "sagemaker:AddTags",
    "sagemaker:ListTags",
    "sagemaker:CreateStudioLifecycleConfig",
    "sagemaker:DeleteStudioLifecycleConfig",
    "iam:CreateRole",
    "iam:CreatePolicy",
    "iam:AttachRolePolicy",
    "iam:GetRole",
    "iam:CreatePolicyVersion",
    "iam:TagRole",
    "kms:CreateKey",
    "kms:PutKeyPolicy",
    "kms:CreateAlias",
    "kms:EnableKeyRotation",
    "s3:CreateBucket",
    "s3:PutBucketPolicy",
    "ssm:PutParameter",
    "ssm:GetParameter",
    "ssm:AddTagsToResource",
    "ec2:CreateSecurityGroup",
    "ec2:AuthorizeSecurityGroupIngress",
    "efs:DescribeFileSystems",
];

/// The call that comes to harm, as a fault writes it.
fn place(dice: &mut Dice) -> String {
    if dice.roll(2) == 0 { format!("w{}", 1 + dice.roll(60)) } else { (1 + dice.roll(200)).to_string() }
}

/// Faults of one run, as `--sandbox-fault` takes them.
pub fn harm(dice: &mut Dice) -> String {
    let mut faults = Vec::new();
    for _ in 0..=dice.roll(2) {
        faults.push(match dice.roll(12) {
            0..6 => {
                let name = dice.one(&[
                    "throttle",
                    "error500",
                    "lost-before",
                    "lost-after",
                    "hung-before",
                    "hung-after",
                    "cut-before",
                    "cut-after",
                ]);
                format!("{name}={}", place(dice))
            }
            6 => format!("throttle-tps={}", 5 + dice.roll(20)),
            7 => format!("iam-propagation={}s", 5 + dice.roll(60)),
            8 => "ssm-recreate-delay=30s".into(),
            9 => {
                let operation = dice.one(&[
                    "CreateDomain",
                    "UpdateDomain",
                    "CreateUserProfile",
                    "UpdateUserProfile",
                    "DeleteUserProfile",
                    "DeleteDomain",
                ]);
                format!("fail={operation}:{}", dice.one(&["InternalFailure", "no capacity"]))
            }
            10 => {
                let what = dice.one(&["app@ann", "space@ann", "app@ben", "space-app@one"]);
                format!(
                    "meanwhile={}:{what}",
                    dice.one(&["DeleteUserProfile", "DeleteDomain", "DeleteApp", "UpdateDomain"])
                )
            }
            _ => {
                let first = 1 + dice.roll(100);
                format!("throttle={first}-{}", first + dice.roll(40))
            }
        });
    }
    faults.join(",")
}

/// The call at which a process is killed.
pub fn death(dice: &mut Dice) -> String {
    format!("{}={}", dice.one(&["hung-before", "hung-after"]), place(dice))
}

const CONFIRM: [&str; 2] = ["--confirm", "acme/dev/ml/studio"];

/// Flags with which people allow what a plan must not do by itself.
pub fn consents(dice: &mut Dice) -> Vec<&'static str> {
    let mut flags = Vec::new();
    match dice.roll(4) {
        0 | 1 => return flags,
        2 => return all_consents(),
        _ => {}
    }
    for one in [
        &["--drain"][..],
        &["--stop-apps"],
        &["--allow-profile-delete", "ann"],
        &["--allow-profile-delete", "ben"],
        &["--allow-replace", "domain.studio"],
        &["--allow-replace", "user_profile.ann"],
        &["--allow-replace", "security_group.domain"],
        &["--adopt"],
        &CONFIRM,
    ] {
        if dice.roll(2) == 0 {
            flags.extend(one);
        }
    }
    flags
}

/// Everything that can be allowed.
pub fn all_consents() -> Vec<&'static str> {
    let mut flags = vec![
        "--drain",
        "--stop-apps",
        "--adopt",
        "--allow-replace",
        "domain.studio",
        "--allow-replace",
        "security_group.domain",
    ];
    flags.extend(CONFIRM);
    for (user, profile) in
        USERS.iter().zip(["user_profile.ann", "user_profile.ben", "user_profile.cid", "user_profile.dee"])
    {
        flags.extend(["--allow-profile-delete", user, "--allow-replace", profile]);
    }
    flags
}
