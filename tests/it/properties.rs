//! Laws of the engine, on random graphs and a strict fake of an account. What is judged is the fake's world, never the
//! planner's opinion of it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use studio_deploy::apply::{Report, Settings, Stop, apply};
use studio_deploy::cloud::{Cloud, CloudError};
use studio_deploy::model::{Address, Graph, Kind, Node, Text, Value};
use studio_deploy::plan::{Action, Options, Plan, plan};
use tokio::sync::watch;

use crate::support::configs::deployment;
use crate::support::fake::{Fake, rules};
use crate::support::faulty::{Fate, Faulty};

/// Everything that a random config may ask for, in creation order.
const NAMES: [(Kind, &str); 10] = [
    (Kind::ExecutionRole, "default"),
    (Kind::SecurityGroup, "domain"),
    (Kind::Bucket, "sharing"),
    (Kind::LifecycleConfig, "jupyter"),
    (Kind::LifecycleConfig, "kernel"),
    (Kind::Domain, "studio"),
    (Kind::UserProfile, "ann"),
    (Kind::UserProfile, "ben"),
    (Kind::Parameter, "/one"),
    (Kind::Parameter, "/two"),
];

/// Part of a random config about one thing.
#[derive(Clone, Debug)]
struct Wish {
    plain: u8,
    optional: Option<u8>,
    fixed: bool,
    set: BTreeSet<u8>,
    refers_to: u16,
}

type Config = Vec<Option<Wish>>;

fn wish() -> impl Strategy<Value = Wish> {
    let parts = (0..3u8, option::of(0..3u8), any::<bool>(), btree_set(0..4u8, 0..3), any::<u16>());
    parts.prop_map(|(plain, optional, fixed, set, refers_to)| Wish { plain, optional, fixed, set, refers_to })
}

fn config() -> impl Strategy<Value = Config> {
    vec(option::weighted(0.7, wish()), NAMES.len())
}

fn fates() -> impl Strategy<Value = BTreeMap<usize, Fate>> {
    let fate = prop_oneof![Just(Fate::Refused), Just(Fate::Lost), Just(Fate::CutBefore), Just(Fate::CutAfter)];
    btree_map(0..30usize, fate, 1..4)
}

fn address(at: usize) -> Address {
    Address::new(NAMES[at].0, NAMES[at].1)
}

fn graph(config: &Config) -> Graph {
    let mut graph = Graph::new();
    for (at, wish) in config.iter().enumerate() {
        let Some(wish) = wish else { continue };
        let mut properties = Value::from_iter([
            ("Plain", Value::from(format!("plain {}", wish.plain))),
            ("Set", wish.set.iter().map(|item| Value::from(i64::from(*item))).collect::<Vec<_>>().into()),
        ]);
        if let Some(optional) = wish.optional {
            properties.set("Optional", format!("optional {optional}"));
        }
        // Only what nothing refers to is ever replaced.
        if NAMES[at].0 >= Kind::UserProfile {
            properties.set("Fixed", wish.fixed);
        }
        // What is retained must not keep anything else from going.
        let refers = NAMES[at].0 != Kind::Bucket;
        let earlier = (0..if refers { at } else { 0 })
            .filter(|other| NAMES[*other].0 < NAMES[at].0 && NAMES[*other].0 < Kind::UserProfile);
        let referred = earlier.filter(|other| wish.refers_to & (1 << other) != 0 && config[*other].is_some());
        let references: Vec<Value> = referred.map(|other| Value::Text(Text::output(address(other), "Id"))).collect();
        properties.set("References", references);
        graph.insert(address(at), Node::new(address(at), properties));
    }
    graph
}

async fn planned<C: Cloud>(cloud: &C, graph: &Graph, destroy: bool) -> Result<Plan, CloudError> {
    let deployment = deployment("studio");
    let record = cloud.read_record().await?;
    let snapshot = cloud.observe(graph, record.as_ref()).await?;
    let allow_replace = (0..NAMES.len()).map(address).collect();
    let options = Options { destroy, allow_replace, ..Options::default() };
    Ok(plan(&deployment, graph, &snapshot, record, &rules, &options).unwrap().finish())
}

async fn applied<C: Cloud>(cloud: &C, graph: &Graph, destroy: bool, parallelism: usize) -> Result<Report, CloudError> {
    let plan = planned(cloud, graph, destroy).await?;
    let settings = Settings { parallelism, fail_fast: false };
    Ok(apply(cloud, &plan, &rules, settings, watch::channel(Stop::No).1, &|_| {}).await)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Checks that the fake's world is what the config asks for: everything that it names, as it says, and nothing else but
/// what is retained. A taken-back setting reads as its clearing word or empty list.
fn judge(fake: &Fake, graph: &Graph) -> Result<(), TestCaseError> {
    let world = fake.pictures();
    for (address, node) in graph {
        let live = world.get(address);
        prop_assert!(live.is_some(), "{} is missing", address);
        let known = node.properties.resolve(&|of, _| Some(format!("<{of}>"))).sorted();
        for (path, wanted) in known.leaves() {
            let is = live.and_then(|live| live.at(&path));
            prop_assert_eq!(is, Some(wanted), "{} of {}", path, address);
        }
        if node.properties.get("Optional").is_none() {
            let left = live.and_then(|live| live.text("Optional"));
            prop_assert!(matches!(left, None | Some("None")), "{} still has {:?}", address, left);
        }
    }
    for address in world.keys().filter(|address| !graph.contains_key(*address)) {
        prop_assert_eq!(address.kind, Kind::Bucket, "{} is left over", address);
    }
    Ok(())
}

fn is_settled(fake: &Fake, graph: &Graph) -> Result<(), TestCaseError> {
    let plan = run(planned(fake, graph, false)).unwrap();
    let changes: Vec<String> =
        plan.steps().iter().filter(|step| step.action().is_change()).map(|step| step.address().to_string()).collect();
    prop_assert!(plan.is_empty(), "left to do: {:?}, record {:?} -> {:?}", changes, plan.recorded(), plan.record());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_config_after_another_is_what_the_account_becomes(a in config(), b in config(), parallelism in 1..6usize) {
        let fake = Fake::default();
        for config in [&a, &b, &b] {
            let graph = graph(config);
            let report = run(applied(&fake, &graph, false, parallelism)).unwrap();
            prop_assert!(report.is_complete(), "{:?}", report.failures().collect::<Vec<_>>());
            judge(&fake, &graph)?;
            is_settled(&fake, &graph)?;
        }
    }

    #[test]
    fn whatever_goes_wrong_on_the_way_the_next_run_gets_there(
        a in config(),
        b in config(),
        harms in vec(fates(), 1..4),
        parallelism in 1..6usize,
    ) {
        let fake = Fake::default();
        run(applied(&fake, &graph(&a), false, parallelism)).unwrap();
        let graph = graph(&b);
        for fates in harms {
            let first = fates.keys().next().copied().unwrap_or_default();
            let faulty = Faulty::new(&fake, fates);
            let report = run(applied(&faulty, &graph, false, parallelism));
            // The first two calls read the record and the account, so their harm is always met.
            prop_assert!(first > 1 || faulty.fired.get() > 0);
            if faulty.fired.get() == 0 {
                prop_assert!(report.is_ok_and(|report| report.is_complete()));
            }
        }
        let report = run(applied(&fake, &graph, false, parallelism)).unwrap();
        prop_assert!(report.is_complete(), "{:?}", report.failures().collect::<Vec<_>>());
        judge(&fake, &graph)?;
        is_settled(&fake, &graph)?;
    }

    #[test]
    fn whatever_goes_wrong_destroy_leaves_only_what_it_keeps(a in config(), fates in fates(), parallelism in 1..6usize) {
        let fake = Fake::default();
        run(applied(&fake, &graph(&a), false, parallelism)).unwrap();
        let kept: BTreeSet<Address> = fake.pictures().into_keys().filter(|address| address.kind == Kind::Bucket).collect();
        drop(run(applied(&Faulty::new(&fake, fates), &Graph::new(), true, parallelism)));
        let report = run(applied(&fake, &Graph::new(), true, parallelism)).unwrap();
        prop_assert!(report.is_complete(), "{:?}", report.failures().collect::<Vec<_>>());
        prop_assert_eq!(fake.pictures().into_keys().collect::<BTreeSet<_>>(), kept);
        prop_assert_eq!(fake.record(), None);
    }

    #[test]
    fn a_second_look_at_an_untouched_account_plans_the_same(a in config(), b in config()) {
        let fake = Fake::default();
        run(applied(&fake, &graph(&a), false, 4)).unwrap();
        let graph = graph(&b);
        let steps = |plan: Plan| plan.steps().iter().map(|step| (step.address().clone(), step.action())).collect::<Vec<(Address, Action)>>();
        let (one, other) = (run(planned(&fake, &graph, false)).unwrap(), run(planned(&fake, &graph, false)).unwrap());
        prop_assert_eq!(steps(one), steps(other));
    }
}
