//! STS: who is calling, and who they may become.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::core::front::wall;
use crate::core::policy::{RequestContext, Verdict, allowed};
use crate::core::records::visible_role;
use crate::core::service::{Input, Operation, iso, operation, validation};
use crate::core::wire::{Answer, Principal, Refusal};
use crate::core::world::{UPPER, World, account_in};

/// The operations that the sandbox knows.
pub const OPERATIONS: &[Operation] = &[
    operation("GetCallerIdentity", "", get_caller_identity),
    operation(
        "AssumeRole",
        "RoleArn RoleSessionName DurationSeconds Policy PolicyArns Tags ExternalId SourceIdentity",
        assume_role,
    ),
];

/// Table of [`Session`], by access key: one for all accounts.
const SESSIONS: &str = "sts/session";

/// A role's session behind an access key that `AssumeRole` handed out. It never expires here: virtual time may run on
/// in hours a second, and a caller outside the process refreshes by its own clock.
#[derive(Serialize, Deserialize)]
struct Session {
    role: String,
    arn: String,
    user_id: String,
}

/// The caller that an access key stands for: a role's session, or else the account's operator.
pub fn caller(world: &World, access_key: &str) -> Principal {
    if let Some(Session { role, arn, user_id }) = world.get(SESSIONS, access_key) {
        return Principal { arn, user_id, principal_arn: role };
    }
    let arn = format!("arn:{}:iam::{}:user/operator", world.partition(), world.account());
    Principal { arn: arn.clone(), user_id: "AIDASANDBOXOPERATOR00".into(), principal_arn: arn }
}

fn get_caller_identity(world: &mut World, _: Input<'_>, caller: &Principal) -> Answer {
    Ok(json!({"UserId": caller.user_id, "Account": world.account(), "Arn": caller.arn}))
}

fn assume_role(world: &mut World, input: Input<'_>, caller: &Principal) -> Answer {
    let arn = input.need("RoleArn")?;
    let session = input.need("RoleSessionName")?;
    let valid = |c: char| c.is_ascii_alphanumeric() || "_=,.@-".contains(c);
    if !(2..=64).contains(&session.len()) || !session.chars().all(valid) {
        return Err(validation(format!(
            "1 validation error detected: Value '{session}' at 'roleSessionName' failed to satisfy constraint: Member \
             must satisfy regular expression pattern: [\\w+=,.@-]*"
        )));
    }
    let denied = || {
        let message = format!("User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}", caller.arn);
        Refusal::new("AccessDenied", message).with_status(403)
    };
    // A role that does not exist is refused in the same words, so that nobody can find out which do.
    let role = visible_role(world, arn).ok_or_else(denied)?;
    let trust: Json = serde_json::from_str(&role.trust).map_err(|_| denied())?;
    let context =
        RequestContext { caller, action: "sts:AssumeRole", resource: arn, keys: std::collections::BTreeMap::new() };
    let owner = account_in(&role.arn).unwrap_or_default();
    if !allowed(world, owner, Some(&trust), &context, Verdict::Silent) {
        return Err(denied());
    }
    let duration = input.number("DurationSeconds").unwrap_or(3600);
    if !(900..=43_200).contains(&duration) || duration > i64::from(role.max_session) {
        let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
        return Err(validation(message));
    }
    let key = format!("ASIA{}", world.id(UPPER, 16));
    let session_arn = format!("arn:{}:sts::{owner}:assumed-role/{}/{session}", world.partition(), role.name);
    let user_id = format!("{}:{session}", role.id);
    let record = Session { role: role.arn, arn: session_arn.clone(), user_id: user_id.clone() };
    world.put(SESSIONS, &key, &record);
    Ok(json!({
        "Credentials": {
            "AccessKeyId": key,
            "SecretAccessKey": world.id(UPPER, 40),
            "SessionToken": world.id(UPPER, 100),
            // Clients keep credentials by their own clock, and virtual time may be far behind that: then each call would look for
            // new ones, and boto3 refuses what has expired when it comes.
            "Expiration": iso(world.now().max(wall()) + duration * 1000),
        },
        "AssumedRoleUser": {"AssumedRoleId": user_id, "Arn": session_arn},
    }))
}

#[cfg(test)]
mod tests {
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_sdk_sts::Client;

    use crate::core::front::SandboxOptions;
    use crate::core::records::{ROLES, Role};
    use crate::core::seed::{Seed, SeedRole};
    use crate::core::testing::{code, seeded};
    use crate::core::world::World;

    #[tokio::test]
    async fn a_session_is_its_roles() {
        let sandbox = seeded(SandboxOptions::default());
        let path = Some("/deep/".to_owned());
        let theirs =
            Seed { roles: vec![SeedRole { name: "theirs".into(), path, ..SeedRole::default() }], ..Seed::default() };
        let others = [("999988887777".to_owned(), theirs)].into();
        sandbox.seed(&Seed { others, ..Seed::default() }).unwrap();
        let config = sandbox.sdk_config().build();
        let client = Client::new(&config);
        let assume =
            |role: &str| client.assume_role().role_arn(format!("arn:aws:iam::{role}")).role_session_name("me").send();
        for (account, name) in [("123456789012", "execution"), ("999988887777", "theirs")] {
            let allow = |world: &mut World| {
                let mut role: Role = world.get(ROLES, name).unwrap();
                role.attached.push("arn:aws:iam::aws:policy/AdministratorAccess".into());
                world.put(ROLES, name, &role);
            };
            sandbox.with_world(|world| world.within(account, allow)).unwrap();
        }
        for (role, account, session) in [
            ("123456789012:role/execution", "123456789012", "execution"),
            ("999988887777:role/deep/theirs", "999988887777", "theirs"),
        ] {
            let credentials = assume(role).await.unwrap().credentials.unwrap();
            let credentials = aws_credential_types::Credentials::new(
                credentials.access_key_id,
                credentials.secret_access_key,
                Some(credentials.session_token),
                None,
                "test",
            );
            let own = config.to_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build();
            let identity = Client::new(&own).get_caller_identity().send().await.unwrap();
            assert_eq!(identity.account(), Some(account));
            assert_eq!(identity.arn(), Some(&*format!("arn:aws:sts::{account}:assumed-role/{session}/me")));
            assert!(identity.user_id().unwrap().starts_with("AROA"));
            // What it does, it does in its own account.
            let roles = aws_sdk_iam::Client::new(&own).list_roles().send().await.unwrap().roles;
            assert_eq!(roles.iter().map(|role| role.role_name()).collect::<Vec<_>>(), [session]);
        }
        for nobody in ["123456789012:role/gone", "123456789012:role/deep/theirs", "999988887777:role/theirs"] {
            assert_eq!(code(assume(nobody).await), "AccessDenied", "{nobody}");
        }

        let trust = r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
        let iam = aws_sdk_iam::Client::new(&config);
        iam.update_assume_role_policy().role_name("execution").policy_document(trust).send().await.unwrap();
        assert_eq!(code(assume("123456789012:role/execution").await), "AccessDenied");
    }
}
