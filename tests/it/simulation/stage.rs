//! The account in which a story is played: what others have in it, what people keep in it, and its commands.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::sync::OnceLock;
use std::task::Poll;
use std::time::Duration;

use serde_json::{Value as Json, json};
use studio_deploy::aws::lock::{Locality, Process, ProcessState};
use studio_sandbox::Faults;
use studio_sandbox::{Call, Sandbox};

use crate::support::account::{APPLY, Begun, IDENTITY, Lab, NEIGHBOUR};
use crate::support::behind::ask;
use crate::support::configs::ONE_USER;
use crate::support::ended::{Ended, is_lock};
use crate::support::picture::{Tables, records};

/// Value of the tag that marks what is this deployment's.
pub const OURS: &str = "acme/dev/ml/studio@us-east-1";
/// Tables of what passes by itself, and of the sandbox's own.
const PASSING: [&str; 6] = ["meta", "ssm/history", "ssm/written", "ssm/deleted", "sts/session", "studio/due"];
/// No command takes longer, in virtual milliseconds.
const LONGEST: i64 = 8 * 3_600_000;
/// No command makes more calls.
const MOST_CALLS: usize = 8000;

thread_local! {
    /// The account whose time is that of this thread's commands, while two of them run at once.
    static CLOCK: RefCell<Option<Sandbox>> = const { RefCell::new(None) };
}

fn uptime() -> Duration {
    let now = CLOCK.with_borrow(|clock| clock.as_ref().map_or(0, Sandbox::virtual_now));
    Duration::from_millis(u64::try_from(now).unwrap())
}

/// An account with the neighbour's environment in it, and nothing else.
fn neighbourhood() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        fastrand::seed(0);
        let lab = Lab::new();
        let path = lab.config(&format!("{ONE_USER}  lifecycleConfigs:\n    jupyterLab: {{cmds: [echo one]}}\n"));
        lab.command_as(&[APPLY, &[&path]].concat(), &NEIGHBOUR).expect(0);
        let tables = lab.tables();
        let id = tables["studio/domain"].keys().next().unwrap().clone();
        let mine = |operation: &str, more: Json| {
            let mut input = json!({"DomainId": id});
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            ask(&lab.sandbox, operation, &input).unwrap();
            lab.sandbox.with_world(|world| world.advance(200_000)).unwrap();
        };
        mine(
            "CreateSpace",
            json!({"SpaceName": "theirs", "OwnershipSettings": {"OwnerUserProfileName": "ann"},
            "SpaceSharingSettings": {"SharingType": "Private"}, "SpaceSettings": {"AppType": "JupyterLab"}}),
        );
        mine("CreateApp", json!({"SpaceName": "theirs", "AppType": "JupyterLab", "AppName": "default"}));
        // Time goes on, so that nothing is under way.
        lab.sandbox.with_world(|world| world.advance(1_000_000)).unwrap();
        lab.command_as(&["plan", &path], &NEIGHBOUR).expect(0);
        lab.tables()
    })
}

/// An account in which everything is that `configs` refer to, besides the neighbour's.
pub fn ground(configs: &[String]) -> Tables {
    let lab = Lab::like(neighbourhood());
    fastrand::seed(0);
    let name = format!("prepared/{}", IDENTITY.iter().skip(1).step_by(2).copied().collect::<Vec<_>>().join("/"));
    for text in configs {
        // What a config refers to is made when its deployment is seen for the first time.
        lab.sandbox.with_world(|world| world.remove("meta", &name)).unwrap();
        lab.run(&["unlock"], text);
    }
    lab.tables()
}

/// A command that is to be run.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// The command with its options.
    pub line: Vec<String>,
    /// The config.
    pub text: String,
    /// What goes wrong.
    pub faults: String,
    /// Whether the process dies at the first call that comes to harm.
    pub dies: bool,
    /// Whether it runs on a machine of its own.
    pub elsewhere: bool,
}

impl Order {
    /// A command without anything that goes wrong.
    pub fn new(line: &[&str], text: &str) -> Self {
        Self { line: line.iter().map(|word| (*word).to_owned()).collect(), text: text.into(), ..Self::default() }
    }
}

/// The account of a story.
pub struct Stage {
    pub lab: Lab,
    /// What is wrong with AWS in this story all the time.
    pub weather: String,
    theirs: Tables,
    processes: Cell<u32>,
}

impl Stage {
    /// An account like `ground`.
    pub fn new(ground: &Tables, weather: &str) -> Self {
        let lab = Lab::like(ground);
        Self { lab, weather: weather.into(), theirs: theirs(neighbourhood()), processes: Cell::new(1) }
    }

    fn locality(&self, elsewhere: bool, both: bool) -> Locality {
        let number = self.processes.replace(self.processes.get() + 1);
        let process = Process {
            host: if elsewhere { format!("machine-{number}") } else { "here".into() },
            pid: number,
            boot: Some("boot".into()),
            namespace: Some("pid:[1]".into()),
            started: Some(1),
        };
        // Of two that run at once neither is gone; else whoever holds the lock here is.
        let life: fn(u32) -> ProcessState = if both { |_| ProcessState::Unknown } else { |_| ProcessState::Gone };
        let uptime: fn() -> Duration = if both { uptime } else { || Duration::ZERO };
        Locality { process, life, uptime }
    }

    fn begin(&self, order: &Order, both: bool) -> Begun {
        let path = self.lab.config(&order.text);
        let line: Vec<&str> = order.line.iter().map(String::as_str).chain([path.as_str()]).collect();
        self.lab.begin(&line, &IDENTITY, self.locality(order.elsewhere, both))
    }

    /// Has the weather of the story and `faults` from now on.
    pub fn set_faults(&self, faults: &str) {
        let faults: Faults = format!("{},{faults}", self.weather).parse().unwrap();
        self.lab.sandbox.set_faults(faults);
    }

    /// Runs a command; its exit code is none if it was killed.
    pub fn run(&self, order: &Order) -> (Option<u8>, Ended) {
        self.set_faults(&order.faults);
        let mut begun = self.begin(order, false);
        let watch = Watch::new(&self.lab.sandbox);
        let code = block_on(poll_fn(|context| {
            watch.look();
            let polled = begun.run.as_mut().poll(context).map(Some);
            let is_dead = polled.is_pending() && order.dies && self.lab.sandbox.fired() > 0;
            if is_dead { Poll::Ready(None) } else { polled }
        }));
        let calls = self.lab.sandbox.calls();
        (code, Ended { code: code.unwrap_or_default(), data: begun.data.text(), notes: begun.notes.text(), calls })
    }

    /// Runs two commands at once: the second begins once the first has had `calls` calls of the lock or behind it. How
    /// each ended, and which of them made each call.
    pub fn run_both(&self, orders: [&Order; 2], calls: usize) -> ([Ended; 2], Vec<(usize, Call)>) {
        let faults: Vec<&str> = orders.iter().map(|order| order.faults.as_str()).collect();
        self.set_faults(&faults.join(","));
        CLOCK.set(Some(self.lab.sandbox.clone()));
        let mut begun = orders.map(|order| {
            let begun = self.begin(order, true);
            // The file of the config is read when the command begins, and the next one has another.
            (begun, None::<u8>, order)
        });
        let watch = Watch::new(&self.lab.sandbox);
        let mut made: Vec<(usize, Call)> = Vec::new();
        let mut locked = [0, 0];
        block_on(poll_fn(|context| {
            watch.look();
            for number in [0, 1] {
                // Each gets as far as the lock alone: until then files are read, which takes as long as it takes.
                let waits = match number {
                    0 => locked[0] >= calls && locked[1] == 0 && begun[1].1.is_none(),
                    _ => locked[0] < calls && begun[0].1.is_none(),
                };
                let (begun, code, order) = &mut begun[number];
                if code.is_some() || waits {
                    continue;
                }
                if locked[number] == 0 {
                    self.lab.config(&order.text);
                }
                if let Poll::Ready(ended) = begun.run.as_mut().poll(context) {
                    *code = Some(ended);
                }
                let new = self.lab.sandbox.calls_behind(made.len());
                for call in new {
                    locked[number] += usize::from(locked[number] > 0 || is_lock(&call));
                    made.push((number, call));
                }
                // The other one may be waiting for its turn, and nobody else wakes it.
                context.waker().wake_by_ref();
            }
            if begun.iter().all(|(_, code, _)| code.is_some()) { Poll::Ready(()) } else { Poll::Pending }
        }));
        CLOCK.set(None);
        let mut number = 0;
        let ended = begun.map(|(begun, code, _)| {
            let calls = made.iter().filter(|(who, _)| *who == number).map(|(_, call)| call.clone()).collect();
            number += 1;
            Ended { code: code.unwrap(), data: begun.data.text(), notes: begun.notes.text(), calls }
        });
        (ended, made)
    }

    /// Tables of the account, with everything that was due by now.
    pub fn tables(&self) -> Tables {
        self.lab.tables()
    }

    /// The first thing that is not as the others left it.
    pub fn meddled(&self, now: &Tables) -> Option<String> {
        for (table, key, was) in records(&self.theirs) {
            let is = now.get(table).and_then(|records| records.get(key)).cloned().map(|mut is| {
                // The roles that a config gives get our policies, as the config says.
                if let Some(attached) = is.get_mut("attached").and_then(Json::as_array_mut) {
                    attached.retain(|arn| {
                        !arn.as_str().is_some_and(|arn| {
                            arn.contains(":policy/acme-dev-ml-studio-") && !arn.contains("studio-two")
                        })
                    });
                }
                is
            });
            match is {
                Some(is) if is == *was => {}
                is => return Some(format!("{table} {key} was {was} and is {is:?}")),
            }
        }
        None
    }

    /// Returns `true` if a domain is another's.
    pub fn is_theirs(&self, domain: &str) -> bool {
        self.theirs["studio/domain"].contains_key(domain)
    }

    /// Lets virtual time pass.
    pub fn pass(&self, seconds: i64) {
        self.lab.sandbox.with_world(|world| world.advance(seconds * 1000)).unwrap();
    }

    /// The id of our domain, if there is one.
    pub fn domain(&self) -> Option<String> {
        let tables = self.tables();
        let mut domains = tables.get("studio/domain").into_iter().flatten();
        domains.find(|(_, domain)| domain["life"]["tags"]["studio-deploy:deployment"] == OURS).map(|(id, _)| id.clone())
    }
}

/// Records that others have in an account.
fn theirs(tables: &Tables) -> Tables {
    let mut theirs = tables.clone();
    theirs.retain(|table, _| !PASSING.contains(&table.as_str()));
    // The lock of the neighbour is nobody's business but its own.
    theirs
}

/// Makes sure that a command comes to an end.
struct Watch<'a> {
    sandbox: &'a Sandbox,
    since: i64,
    looks: Cell<usize>,
}

impl<'a> Watch<'a> {
    fn new(sandbox: &'a Sandbox) -> Self {
        Self { sandbox, since: sandbox.virtual_now(), looks: Cell::new(0) }
    }

    fn look(&self) {
        self.looks.set(self.looks.get() + 1);
        if self.looks.get().is_multiple_of(1000) {
            let took = self.sandbox.virtual_now() - self.since;
            let calls = self.sandbox.calls().len();
            assert!(took < LONGEST && calls < MOST_CALLS, "it goes on and on: {took} ms, {calls} calls");
        }
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
