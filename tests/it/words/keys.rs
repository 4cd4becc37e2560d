//! Keys of live domains, by whatever name they were given.

use serde_json::{Value as Json, json};
use studio_sandbox::Seed;

use crate::references::{HOME, THEIRS, config, lab};
use crate::support::account::{APPLY, Lab, PLAN};

#[test]
fn a_live_key_is_the_one_of_its_own_account_and_region() {
    let arn = |region: &str, account: &str, resource: &str| format!("arn:aws:kms:{region}:{account}:{resource}");
    let home = arn("us-east-1", HOME, "key/k-1");
    let (text, _) = config("ADMINSUSERS  kmsKeyArn: 'REF' # <-\n", &home);
    let lab = lab();
    lab.run(APPLY, &text).expect(0);
    let applied = lab.tables();
    let aliased = applied["kms/alias"]["alias/given"]["key"].as_str().unwrap().to_owned();
    let mut cases = 0;
    for (live, given, is_same) in [
        ("k-1", home.clone(), true),
        ("k-1", "k-1".into(), true),
        (&*home, "k-1".into(), true),
        ("alias/given", "alias/given".into(), true),
        ("alias/given", arn("us-east-1", HOME, &format!("key/{aliased}")), true),
        ("alias/given", home.clone(), false),
        (&*aliased, "alias/given".into(), true),
        ("k-1", arn("eu-west-1", HOME, "key/k-1"), false),
        ("k-1", arn("us-east-1", THEIRS, "key/k-1"), false),
        ("k-1", "alias/given".into(), false),
    ] {
        cases += 1;
        let lab = Lab::like(&applied);
        let change = lab.sandbox.with_world(|world| {
            let (id, mut domain): (String, Json) = world.list("studio/domain", "").into_iter().next().unwrap();
            domain["settings"]["KmsKeyId"] = json!(live);
            world.put("studio/domain", &id, &domain);
        });
        change.unwrap();
        lab.sandbox.seed(&Seed::default()).unwrap();
        let (text, _) = config("ADMINSUSERS  kmsKeyArn: 'REF' # <-\n", &given);
        let ended = lab.run(PLAN, &text);
        let says = ended.said();
        let differs =
            ended.data.lines().chain(ended.notes.lines()).any(|line| line.trim_start().starts_with("KmsKeyId"));
        assert_eq!(!differs, is_same, "{live} and {given}\n{says}");
    }
    println!("{cases} keys of a live domain");
}
