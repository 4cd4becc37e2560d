//! Ownership of a thing, for everything that its tags can say: the program against a table that was written beside it.

use std::collections::BTreeMap;

use studio_deploy::model::{Address, Deployment, Found, Graph, Kind, Node, Observed, Value};
use studio_deploy::plan::{Action, Options, Step, plan};
use studio_deploy::resource::{ownership, rules};

use crate::support::configs;

/// Value of one tag, as far as it decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Right,
    Other,
    Absent,
}

const SAID: [Said; 3] = [Said::Right, Said::Other, Said::Absent];

/// Prefixes of the keys of MDAA's tags: by turns, in the last.
const PREFIXES: [[&str; 5]; 3] = [["mdaa"; 5], ["caef"; 5], ["caef", "mdaa", "caef", "mdaa", "caef"]];

/// The claim of CloudFormation's own tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stack {
    Absent,
    Own,
    OwnWithId,
    OtherName,
    OtherRegion,
    OtherAccount,
    OtherWithId,
    /// The same, and CloudFormation says that it was deleted.
    OtherGone,
    /// One of another name that nobody here could ask for.
    OtherElsewhere,
}

const STACKS: [Stack; 9] = [
    Stack::Absent,
    Stack::Own,
    Stack::OwnWithId,
    Stack::OtherName,
    Stack::OtherRegion,
    Stack::OtherAccount,
    Stack::OtherWithId,
    Stack::OtherGone,
    Stack::OtherElsewhere,
];

/// The kinds that carry MDAA's tags, and those that MDAA leaves without.
const TAGGED: [Kind; 8] = [
    Kind::ExecutionRole,
    Kind::AssetRole,
    Kind::KmsKey,
    Kind::SecurityGroup,
    Kind::Bucket,
    Kind::Domain,
    Kind::UserProfile,
    Kind::Parameter,
];
const UNTAGGED: [Kind; 3] = [Kind::AssetPolicy, Kind::LifecycleConfig, Kind::ExecutionPolicy];

/// Ownership of a thing, and how it can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ownership {
    Ours,
    /// By `--adopt`, or by its address.
    Adoptable,
    /// By its address alone.
    ByAddress,
    Foreign,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    words: [Said; 5],
    prefixes: [&'static str; 5],
    stack: Stack,
    ours: Said,
}

/// The table: nothing of it is taken from the program.
fn expected(case: &Case, is_tagged_kind: bool) -> Ownership {
    let foreign_stack = !matches!(case.stack, Stack::Absent | Stack::Own | Stack::OwnWithId | Stack::OtherGone);
    if case.ours == Said::Other || foreign_stack {
        return Ownership::Foreign;
    }
    if case.ours == Said::Right {
        return Ownership::Ours;
    }
    if case.words.contains(&Said::Other) {
        return Ownership::Foreign;
    }
    let is_one_prefix = case.prefixes.iter().all(|prefix| *prefix == case.prefixes[0]);
    let is_complete = is_one_prefix && case.words.iter().all(|said| *said == Said::Right);
    // A stack that is gone lets go of what everything else says is this deployment's, and of nothing else.
    if case.stack == Stack::OtherGone {
        return if is_complete { Ownership::ByAddress } else { Ownership::Foreign };
    }
    // One without tags of a kind that MDAA tags none of is taken with the rest once the rest is known to be MDAA's.
    if is_complete && (is_tagged_kind || !case.words.contains(&Said::Absent)) {
        return Ownership::Adoptable;
    }
    Ownership::ByAddress
}

fn deployment() -> Deployment {
    let (account, region) = ("111122223333".into(), "eu-west-1".into());
    // The domain has the separator of names in it.
    Deployment { domain: "ml-x".into(), account, region, ..configs::deployment("studio") }
}

fn tags(case: &Case) -> BTreeMap<String, String> {
    // The other environment's words join to the same name.
    let words = [
        ("org", "acme", "acme-dev"),
        ("env", "dev", "dev-ml"),
        ("domain", "ml-x", "x"),
        ("cdk_app", "sm-studio-domain", "dataops-project"),
        ("module_name", "studio", "studio2"),
    ];
    let mut tags = BTreeMap::from([("team".to_owned(), "science".to_owned())]);
    for ((key, right, other), (said, prefix)) in words.into_iter().zip(case.words.into_iter().zip(case.prefixes)) {
        let value = match said {
            Said::Right => right,
            Said::Other => other,
            Said::Absent => continue,
        };
        tags.insert(format!("{prefix}_{key}"), value.into());
    }
    let id = |place: &str| format!("arn:aws:cloudformation:{place}:stack/acme-dev-ml-x-studio/0f1e");
    let other = |place: &str| id(place).replace("ml-x", "other");
    let (name, id) = match case.stack {
        Stack::Absent => (None, None),
        Stack::Own => (Some("acme-dev-ml-x-studio"), None),
        Stack::OwnWithId => (Some("acme-dev-ml-x-studio"), Some(id("eu-west-1:111122223333"))),
        Stack::OtherName => (Some("acme-dev-ml-x-other"), None),
        Stack::OtherRegion => (Some("acme-dev-ml-x-studio"), Some(id("us-east-1:111122223333"))),
        Stack::OtherAccount => (Some("acme-dev-ml-x-studio"), Some(id("eu-west-1:444455556666"))),
        Stack::OtherWithId | Stack::OtherGone => (Some("acme-dev-other-studio"), Some(other("eu-west-1:111122223333"))),
        Stack::OtherElsewhere => (Some("acme-dev-other-studio"), Some(other("eu-west-2:111122223333"))),
    };
    tags.extend(name.map(|name| ("aws:cloudformation:stack-name".to_owned(), name.to_owned())));
    tags.extend(id.map(|id| ("aws:cloudformation:stack-id".to_owned(), id)));
    let own = match case.ours {
        Said::Right => "acme/dev/ml-x/studio@eu-west-1",
        Said::Other => "acme/dev-ml/x/studio@eu-west-1",
        Said::Absent => return tags,
    };
    tags.insert("studio-deploy:deployment".into(), own.into());
    tags
}

fn judged(case: &Case, kind: Kind) -> Found {
    let mut tags = tags(case);
    // MDAA leaves the others without the user's tags too.
    let is_tagged = TAGGED.contains(&kind);
    tags.retain(|key, _| is_tagged || key != "team");
    // CloudFormation is asked where its answer decides, and says of any other stack that it is gone.
    let asked = ownership::claimant(&deployment(), &tags).is_some();
    let owner = ownership::owner(&deployment(), &tags, asked && case.stack != Stack::OtherWithId);
    let observed = Observed::new("x", properties(&tags));
    if is_tagged { ownership::found(owner, observed) } else { ownership::found_untagged(owner, observed) }
}

fn properties(tags: &BTreeMap<String, String>) -> Value {
    Value::from_iter([("Tags", ownership::property(tags))])
}

/// The planner's step for one thing, alone in the world.
fn planned(case: &Case, kind: Kind, options: &Options) -> Step {
    let address = Address::new(kind, "x");
    let node = Node::new(address.clone(), properties(&tags(case)));
    let graph: Graph = [(address.clone(), node)].into();
    let found = judged(case, kind);
    let rules = |kind| rules(kind);
    let draft = plan(&deployment(), &graph, &[(address.clone(), found)].into(), None, &rules, options).unwrap();
    let plan = draft.finish();
    plan.step(&address).unwrap().clone()
}

fn flags(kind: Kind) -> [(&'static str, Options); 4] {
    let named = Options { adopt_addresses: [Address::new(kind, "x")].into(), ..Options::default() };
    [
        ("no flag", Options::default()),
        ("--adopt", Options { adopt: true, ..Options::default() }),
        ("--adopt=ADDRESS", named),
        ("--adopt --skip-blocked", Options { adopt: true, skip_blocked: true, ..Options::default() }),
    ]
}

fn cases() -> impl Iterator<Item = Case> {
    let words =
        (0..3usize.pow(5)).map(|n| std::array::from_fn(|at| SAID[n / 3usize.pow(u32::try_from(at).unwrap()) % 3]));
    words.flat_map(|words| {
        PREFIXES.into_iter().flat_map(move |prefixes| {
            STACKS
                .into_iter()
                .flat_map(move |stack| SAID.into_iter().map(move |ours| Case { words, prefixes, stack, ours }))
        })
    })
}

fn holds(every: usize) -> (usize, usize) {
    let (mut judgements, mut plans) = (0, 0);
    for (at, case) in cases().enumerate() {
        for (nth, kind) in TAGGED.into_iter().chain(UNTAGGED).enumerate() {
            let ownership = expected(&case, TAGGED.contains(&kind));
            let found = judged(&case, kind);
            let told = format!("{kind:?} {case:?} should be {ownership:?} and is {found:?}");
            match (ownership, &found) {
                (Ownership::Ours, Found::Ours(_)) => {}
                (Ownership::Foreign, Found::Foreign { owner, .. }) => assert!(owner.is_claimed(), "{told}"),
                (_, Found::Foreign { owner, .. }) => assert!(owner.may_yield(), "{told}"),
                _ => panic!("{told}"),
            }
            judgements += 1;
            if (at + nth) % every != 0 {
                continue;
            }
            for (flag, options) in flags(kind) {
                let step = planned(&case, kind, &options);
                let adopts = match ownership {
                    Ownership::Adoptable => flag != "no flag",
                    Ownership::ByAddress => flag == "--adopt=ADDRESS",
                    Ownership::Ours | Ownership::Foreign => false,
                };
                let told = format!("{told}; with {flag}: {step:?}");
                assert_eq!(step.action() == Action::Adopt, adopts, "{told}");
                assert_eq!(step.blocked().is_some(), ownership != Ownership::Ours && !adopts, "{told}");
                let hint = step.blocked().map(|blocked| blocked.hint.clone()).unwrap_or_default();
                assert!(ownership != Ownership::Foreign || !hint.contains("--adopt"), "{told}");
                plans += 1;
            }
        }
    }
    (judgements, plans)
}

#[test]
fn whose_a_thing_is_follows_from_all_that_its_tags_say() {
    let (judgements, plans) = holds(23);
    println!("{judgements} judgements, {plans} plans");
}

#[test]
#[ignore = "every plan of them takes a minute; `just ownership` runs it"]
fn whose_a_thing_is_follows_from_all_that_its_tags_say_in_every_plan() {
    let (judgements, plans) = holds(1);
    println!("{judgements} judgements, {plans} plans");
}
