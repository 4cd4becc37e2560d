//! The sandbox's front: takes a request, finds out who asks what, has it done in one turn, and keeps the record of it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::authorization::{self, Decision};
use super::faults::{FaultEffect, Faults};
use super::lag::{Lag, shuffle};
use super::protocol::{self, Service, SigningScope};
use super::seed::Seed;
use super::service;
use super::sleep::{Busy, Latency, Sleepers};
use super::store::{Store, StoreError, TurnKind};
use super::wire::{Principal, Refusal, Request, Response};
use super::world::World;
use crate::services::{cloudformation, ec2, efs, iam, kms, s3, ssm, sts, tagging};
use crate::studio;

/// Options of opening a sandbox.
#[derive(Clone, Debug, Default)]
pub struct SandboxOptions {
    /// Its file; without one it lives in memory.
    pub path: Option<PathBuf>,
    /// How long things take.
    pub latency: Latency,
    /// What it does wrong.
    pub faults: Faults,
    /// Whether it is as unhelpful as AWS may be: lists in any order, reads that lag.
    pub adversary: bool,
    /// Where every call is written to, one line of JSON each.
    pub call_log: Option<PathBuf>,
}

/// An AWS inside the process; clones share it.
#[derive(Clone, Debug)]
pub struct Sandbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    latency: Latency,
    sleepers: Sleepers,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    world: World,
    store: Store,
    clock: Clock,
    faults: Faults,
    /// What is left of the faults that services act upon: some act once.
    service_faults: Json,
    adversary: bool,
    lag: Lag,
    bucket: Bucket,
    fired: u64,
    /// Whether the network is gone for good.
    cut: bool,
    writes: u64,
    /// Where answers have had texts, for `hostile`.
    texts: BTreeSet<String>,
    calls: Vec<Call>,
    decisions: Vec<Decision>,
    log: Option<File>,
}

/// A call that the sandbox answered, or lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// `sagemaker`, `iam`, …
    pub service: String,
    /// `CreateDomain`, …
    pub operation: String,
    /// Whether it changes something.
    pub writes: bool,
    /// The HTTP status; 0 when the answer was lost.
    pub status: u16,
    /// What it was about, as far as the input names it.
    pub resource: String,
    /// The input, in the API's own names.
    pub input: Json,
}

impl Call {
    /// Returns `true` if this is a call of that operation.
    pub fn is(&self, service: &str, operation: &str) -> bool {
        self.service == service && self.operation == operation
    }
}

/// Reason why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The connection broke.
    Broken,
    /// The connection stands, and nothing ever comes.
    Hung,
}

/// The tokens that `throttle-tps` leaves.
#[derive(Debug, Default)]
struct Bucket {
    left: f64,
    filled_at: Option<i64>,
}

/// Moves virtual time with real time.
#[derive(Debug)]
struct Clock {
    latency: Latency,
    started: i64,
}

impl Clock {
    fn new(latency: Latency) -> Self {
        Self { latency, started: wall() }
    }

    /// Brings the world's clock up to real time. The last time is kept in the world, so that several processes do not
    /// each move the clock; time before this process does not count, so that a pause between runs is none.
    fn follow(&self, world: &mut World) {
        let elapsed = self.elapsed(world);
        // A step too small to show would be lost if it were written down.
        if elapsed > 0 {
            world.put("meta", "wall", &wall());
            world.advance(elapsed);
        }
    }

    /// The virtual milliseconds that real time is ahead.
    fn elapsed(&self, world: &World) -> i64 {
        let Latency::Factor(factor) = self.latency else { return 0 };
        let last = world.get::<i64>("meta", "wall").unwrap_or(0).max(self.started);
        let elapsed = Duration::from_millis(u64::try_from(wall() - last).unwrap_or(0)).div_f64(factor);
        i64::try_from(elapsed.as_millis()).unwrap_or(0)
    }
}

pub(crate) fn wall() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(0))
}

impl Drop for Shared {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Compaction saves reading time only; whatever prevents it will be reported by the next opening.
        let _ = state.store.compact(&mut state.world);
    }
}

impl Sandbox {
    /// Opens a sandbox and reads its file, if it has one.
    pub fn open(options: SandboxOptions) -> Result<Self, StoreError> {
        let SandboxOptions { path, latency, faults, adversary, call_log } = options;
        let mut world = World::default();
        let store = Store::open(path.as_deref(), &mut world)?;
        let log = call_log.as_deref().map(open_log).transpose()?;
        let state = State {
            clock: Clock::new(latency),
            service_faults: faults.for_services(),
            lag: Lag::new(faults.stale_reads(), adversary),
            world,
            store,
            faults,
            adversary,
            bucket: Bucket::default(),
            fired: 0,
            cut: false,
            writes: 0,
            texts: BTreeSet::new(),
            calls: Vec::new(),
            decisions: Vec::new(),
            log,
        };
        Ok(Self { shared: Arc::new(Shared { latency, sleepers: Sleepers::default(), state: Mutex::new(state) }) })
    }

    /// A sandbox in memory, without faults.
    pub fn in_memory() -> Self {
        Self::open(SandboxOptions::default()).expect("a sandbox without files touches none")
    }

    /// Returns `true` if nobody has fixed its account and region yet.
    pub fn is_new(&self) -> bool {
        !self.state().world.is_founded()
    }

    /// Fixes the account and the region.
    pub fn found(&self, account: &str, region: &str) -> Result<(), StoreError> {
        self.with_world(|world| world.found(account, region))
    }

    /// Makes what `seed` names and the account lacks; a line for each thing made. It was always there as far as anybody
    /// can tell, so that no read lags behind it.
    pub fn seed(&self, seed: &Seed) -> Result<Vec<String>, StoreError> {
        let mut state = self.state();
        let made = state.turn(|world, _| seed.apply(world), |_| TurnKind::Prepare);
        state.lag.forget();
        made
    }

    /// Returns `true` if what this deployment refers to was made, or the account was not made for deployments.
    pub fn is_prepared(&self, deployment: &str) -> bool {
        self.state().world.is_prepared(deployment)
    }

    /// Writes down what was held.
    pub fn keep(&self) -> Result<(), StoreError> {
        self.state().turn(|_, _| (), |()| TurnKind::Write)
    }

    /// From now on nothing is written down, up to the first call that changes something.
    pub fn hold(&self) {
        self.state().store.hold();
    }

    /// Its file, if it is kept in one.
    pub fn path(&self) -> Option<PathBuf> {
        self.state().store.path().map(Path::to_owned)
    }

    /// Has other faults from now on; calls, writes and fired faults are counted from here.
    pub fn set_faults(&self, faults: Faults) {
        let mut state = self.state();
        let lag = Lag::new(faults.stale_reads(), state.adversary);
        state.lag = match faults.tagging_lag() {
            Some(behind) => lag.with_tagging(behind, std::mem::replace(&mut state.lag, Lag::new(0, false))),
            None => lag,
        };
        state.service_faults = faults.for_services();
        state.faults = faults;
        state.bucket = Bucket::default();
        (state.fired, state.writes, state.cut) = (0, 0, false);
        state.calls.clear();
        state.texts.clear();
        state.decisions.clear();
    }

    /// Changes the account behind everybody's back, in one turn.
    pub fn with_world<T>(&self, change: impl FnOnce(&mut World) -> T) -> Result<T, StoreError> {
        self.state().turn(|world, _| change(world), |_| TurnKind::Prepare)
    }

    /// The region that the account is in.
    pub fn region(&self) -> String {
        self.state().world.region()
    }

    /// Every call of this process, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// Every call of this process behind the first `number`.
    pub fn calls_behind(&self, number: usize) -> Vec<Call> {
        self.state().calls.iter().skip(number).cloned().collect()
    }

    /// Places where answers have had texts since a fault `hostile` was set, as that fault names them.
    pub fn texts(&self) -> BTreeSet<String> {
        self.state().texts.clone()
    }

    /// Decisions about the requests of roles, in order: the operator's are not looked at.
    pub fn decisions(&self) -> Vec<Decision> {
        self.state().decisions.clone()
    }

    /// Number of calls that met a fault of the sandbox's own: throttled, lost, refused or stale ones.
    pub fn fired(&self) -> u64 {
        self.state().fired
    }

    /// Answers a request; a lost connection reads as HTTP 503.
    pub fn answer(&self, request: &Request) -> Response {
        self.exchange(request).unwrap_or_else(|_| Response::empty(503))
    }

    /// Answers a request, unless the connection is to break.
    pub(crate) fn exchange(&self, request: &Request) -> Result<Response, Lost> {
        self.state().exchange(request)
    }

    /// Virtual time: milliseconds since the epoch.
    pub fn virtual_now(&self) -> i64 {
        let state = self.state();
        state.world.now() + state.clock.elapsed(&state.world)
    }

    /// Relation of virtual time to real time.
    pub(crate) fn latency(&self) -> Latency {
        self.shared.latency
    }

    /// Tasks that are asleep in virtual time.
    pub(super) fn sleepers(&self) -> &Sleepers {
        &self.shared.sleepers
    }

    /// Keeps virtual time from passing while something takes real time.
    pub fn busy(&self) -> Busy {
        self.sleepers().busy()
    }

    /// Moves the virtual clock to `time`, unless it is there already.
    pub(super) fn advance_to(&self, time: i64) {
        let moved = self.with_world(|world| {
            let now = world.now();
            if time > now {
                world.advance(time - now);
            }
        });
        // A file that cannot be written is reported by the next request, which is where somebody listens.
        drop(moved);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open_log(path: &Path) -> Result<File, StoreError> {
    studio_files::append(path).map_err(|source| StoreError::Io { path: path.to_owned(), source })
}

/// Meaning of a request, read by its protocol.
struct Asked {
    scope: SigningScope,
    operation: String,
    input: Json,
}

fn understand(request: &Request) -> Result<Asked, (Option<Service>, Refusal)> {
    let scope = protocol::scope(request).map_err(|refusal| (None, refusal))?;
    let (operation, input) =
        protocol::operation(scope.service, request).map_err(|refusal| (Some(scope.service), refusal))?;
    Ok(Asked { scope, operation, input })
}

impl State {
    fn turn<T>(
        &mut self,
        run: impl FnOnce(&mut World, &mut Lag) -> T,
        kind: impl FnOnce(&T) -> TurnKind,
    ) -> Result<T, StoreError> {
        let Self { world, store, clock, service_faults, adversary, lag, decisions, .. } = self;
        let run = |world: &mut World| {
            world.set_faults(service_faults.clone(), *adversary);
            clock.follow(world);
            // What became due meanwhile happens before anybody looks, whichever service is asked.
            for account in world.accounts() {
                world.within(&account, studio::life::settle);
            }
            let result = run(world, lag);
            *service_faults = world.faults();
            lag.remember(world.take_replaced(), world.now());
            decisions.append(&mut world.take_decisions());
            result
        };
        store.turn(world, run, kind)
    }

    fn exchange(&mut self, request: &Request) -> Result<Response, Lost> {
        let number = self.calls.len() as u64 + 1;
        let request_id = request_id(number);
        // S3 has a header of its own for it. Every service dates its answers (RFC 9110, 6.6.1).
        let finish = |response: Response, now: i64| {
            let date = DateTime::from_millis(now).fmt(Format::HttpDate).unwrap_or_default();
            ["x-amzn-requestid", "x-amz-request-id"]
                .iter()
                .fold(response.with_header("date", date), |response, name| {
                    response.with_header(name, request_id.clone())
                })
        };
        let asked = match understand(request) {
            Ok(asked) => asked,
            Err((service, refusal)) => {
                let refusal = protocol::refusal(service, &request.method, &refusal, &request_id);
                return Ok(finish(refusal, self.world.now()));
            }
        };
        let service = asked.scope.service;
        let writes = service::writes(&asked.operation);
        self.writes += u64::from(writes);
        let mut fate = self.faults.fate(number, writes.then_some(self.writes));
        if self.cut {
            fate = FaultEffect::LostBefore;
        }
        self.cut |= matches!(fate, FaultEffect::CutBefore | FaultEffect::CutAfter);
        let before = self.calls.iter().filter(|call| call.is(service.name(), &asked.operation)).count() as u64;
        if fate == FaultEffect::Answered && self.faults.denies(service.name(), &asked.operation, before + 1) {
            fate = FaultEffect::Denied;
        }
        if fate == FaultEffect::Answered && self.is_throttled() {
            fate = FaultEffect::Throttled;
        }
        self.fired += u64::from(fate != FaultEffect::Answered);
        let result = match fate {
            FaultEffect::CrashBefore => std::process::abort(),
            FaultEffect::LostBefore | FaultEffect::CutBefore | FaultEffect::HungBefore => {
                self.record(asked, writes, 0);
                return Err(if fate == FaultEffect::HungBefore { Lost::Hung } else { Lost::Broken });
            }
            FaultEffect::Throttled => Err(protocol::throttled(service)),
            FaultEffect::Error500 => Err(protocol::internal_error(service)),
            FaultEffect::Denied => Err(protocol::denied(service, &asked.operation, &resource(&asked.input))),
            FaultEffect::Answered
            | FaultEffect::CrashAfter
            | FaultEffect::LostAfter
            | FaultEffect::CutAfter
            | FaultEffect::HungAfter => self.perform(&asked, request, &request_id, number),
        };
        if fate == FaultEffect::CrashAfter {
            std::process::abort();
        }
        let response = match result {
            Ok(response) => response,
            Err(mut refusal) => {
                if let Some(hostile) = self.faults.hostile() {
                    let mut said = serde_json::json!({ "Message": refusal.message });
                    self.texts.extend(hostile.spoil(&asked.operation, &mut said));
                    said["Message"].as_str().unwrap_or_default().clone_into(&mut refusal.message);
                }
                protocol::refusal(Some(service), &request.method, &refusal, &request_id)
            }
        };
        let lost = match fate {
            FaultEffect::LostAfter | FaultEffect::CutAfter => Some(Lost::Broken),
            FaultEffect::HungAfter => Some(Lost::Hung),
            _ => None,
        };
        self.record(asked, writes, if lost.is_some() { 0 } else { response.status });
        lost.map_or_else(|| Ok(finish(response, self.world.now())), Err)
    }

    fn perform(
        &mut self,
        asked: &Asked,
        request: &Request,
        request_id: &str,
        number: u64,
    ) -> Result<Response, Refusal> {
        let Asked { scope, operation, input } = asked;
        let service = scope.service;
        let writes = service::writes(operation);
        let adversary = self.adversary;
        let hostile = self.faults.hostile().cloned();
        let mut texts = Vec::new();
        let run = |world: &mut World, lag: &mut Lag| {
            if !service.is_global() && scope.region != world.region() {
                return Err(wrong_region(service, &scope.region, &world.region()));
            }
            let caller = sts::caller(world, &scope.access_key);
            world.within(caller.account(), |world| {
                authorization::check(world, service, operation, input, request, &caller)
            })?;
            if service == Service::S3 {
                let answer = world.within(caller.account(), |world| s3::handle(world, request, operation, &caller))?;
                return Ok(match &hostile {
                    Some(hostile) => s3::spoil(answer, |json| texts.extend(hostile.spoil(operation, json))),
                    None => answer,
                });
            }
            let held = if writes { Vec::new() } else { lag.hold_back(world, service.name()) };
            let answer = world.within(caller.account(), |world| dispatch(world, service, operation, input, &caller));
            Lag::restore(world, held);
            let mut answer = answer?;
            if adversary && ["List", "Describe", "GetResources"].iter().any(|prefix| operation.starts_with(prefix)) {
                shuffle(&mut answer, number);
            }
            if let Some(hostile) = &hostile {
                texts.extend(hostile.spoil(operation, &mut answer));
            }
            Ok(protocol::answer(service, operation, &answer, request_id))
        };
        let turn = self.turn(run, |answer| if writes && answer.is_ok() { TurnKind::Write } else { TurnKind::Read });
        self.texts.extend(texts);
        turn.unwrap_or_else(|error| Err(Refusal::new("InternalFailure", error.to_string()).with_status(500)))
    }

    /// Returns `true` if the calls of this virtual second are used up (a token bucket that holds one second's calls).
    fn is_throttled(&mut self) -> bool {
        let Some(tps) = self.faults.throttle_tps() else { return false };
        let now = self.world.now();
        let since = now - self.bucket.filled_at.unwrap_or(now);
        #[expect(clippy::cast_precision_loss, reason = "virtual times are far below 2^53")]
        let refill = since as f64 / 1000.0 * tps;
        // A bucket that was never filled is full.
        let left = if self.bucket.filled_at.is_none() { tps } else { (self.bucket.left + refill).min(tps) };
        let throttled = left < 1.0;
        self.bucket = Bucket { left: if throttled { left } else { left - 1.0 }, filled_at: Some(now) };
        throttled
    }

    fn record(&mut self, asked: Asked, writes: bool, status: u16) {
        let Asked { scope, operation, input } = asked;
        let resource = resource(&input);
        let call = Call { service: scope.service.name().into(), operation, writes, status, resource, input };
        if let Some(log) = &mut self.log
            && let Ok(mut line) = serde_json::to_vec(&call)
        {
            line.push(b'\n');
            // The log is for looking at afterwards; a full disk must not change what AWS answers.
            let _ = log.write_all(&line);
        }
        self.calls.push(call);
    }
}

fn dispatch(
    world: &mut World,
    service: Service,
    operation: &str,
    input: &Json,
    caller: &Principal,
) -> Result<Json, Refusal> {
    service::check_untagging(operation, input)?;
    let table = match service {
        Service::Sagemaker => return studio::handle(world, operation, input, caller),
        Service::S3 => return Err(protocol::internal_error(service)),
        Service::Iam => return iam::handle(world, operation, input, caller),
        Service::Sts => sts::OPERATIONS,
        Service::Kms => return kms::handle(world, operation, input, caller),
        Service::Ssm => ssm::OPERATIONS,
        Service::Ec2 => return ec2::handle(world, operation, input, caller),
        Service::Efs => efs::OPERATIONS,
        Service::Tagging => tagging::OPERATIONS,
        Service::Cloudformation => cloudformation::OPERATIONS,
    };
    service::call(table, world, operation, input, caller)
}

fn wrong_region(service: Service, asked: &str, region: &str) -> Refusal {
    let message = format!("the sandbox is in {region} and was asked in {asked}; its region was fixed when it was made");
    match service {
        Service::S3 => Refusal::new("AuthorizationHeaderMalformed", message),
        _ => Refusal::new("UnrecognizedClientException", message),
    }
}

/// The subject of an input: its first text, which in these APIs names the thing; pages and documents do not.
fn resource(input: &Json) -> String {
    let named =
        |name: &str| !["Token", "Marker", "Document", "Description", "Max"].iter().any(|part| name.contains(part));
    let mut texts = input.as_object().into_iter().flatten().filter(|(name, _)| named(name));
    texts.find_map(|(_, value)| value.as_str()).unwrap_or_default().to_owned()
}

/// A request id in the form of a UUID, the same in every run.
fn request_id(number: u64) -> String {
    let high = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let low = high.rotate_left(29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xFFFF,
        high & 0xFFF,
        low >> 52,
        low & 0xFFFF_FFFF_FFFF
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{call, code, faulty, query, request, seeded};
    use super::*;

    fn put(sandbox: &Sandbox, name: &str) -> Result<Json, Refusal> {
        call(sandbox, "ssm", "PutParameter", &json!({"Name": name, "Value": "v", "Type": "String"}))
    }

    #[test]
    fn requests_need_a_signature_a_service_and_the_region() {
        let sandbox = seeded(SandboxOptions::default());
        let mut unsigned = request("kms", "us-east-1", "POST", "/", "{}");
        unsigned.headers.clear();
        let answer = sandbox.answer(&unsigned);
        assert_eq!(answer.status, 403);
        assert!(String::from_utf8(answer.body).unwrap().contains("MissingAuthenticationTokenException"));
        assert_eq!(sandbox.answer(&request("lambda", "us-east-1", "GET", "/", "")).status, 404);
        let answer = sandbox.answer(&request("s3", "eu-west-1", "GET", "/", ""));
        assert!(String::from_utf8(answer.body).unwrap().contains("the sandbox is in us-east-1"));
        // IAM's and STS's signatures name the first region whatever the account's is.
        let iam = request("iam", "eu-west-1", "POST", "/", "Action=ListRoles");
        assert_eq!(sandbox.answer(&iam).status, 200);
        assert!(iam.headers.contains_key("authorization"));
        let error = call(&sandbox, "kms", "ListKeys", &json!({"Nonsense": 1})).unwrap_err();
        assert!(error.message.contains("Nonsense"), "{error}");
        assert_eq!(call(&sandbox, "kms", "Nonsense", &json!({})).unwrap_err().code, "UnknownOperationException");
    }

    #[test]
    fn answers_and_records_are_the_same_in_every_run() {
        let run = || {
            let sandbox = seeded(SandboxOptions::default());
            put(&sandbox, "/a").unwrap();
            let answer = sandbox.answer(&request("ec2", "us-east-1", "POST", "/", "Action=DescribeVpcs"));
            (answer.headers, String::from_utf8(answer.body).unwrap(), sandbox.calls())
        };
        let (headers, body, calls) = run();
        assert_eq!((headers.clone(), body.clone(), calls.clone()), run());
        assert!(headers.iter().any(|(name, value)| name == "x-amzn-requestid" && value.len() == 36), "{headers:?}");
        assert!(body.contains("<vpcId>vpc-1</vpcId>"), "{body}");
        let seen: Vec<_> =
            calls.iter().map(|call| (call.operation.as_str(), call.writes, call.resource.as_str())).collect();
        assert_eq!(seen, [("PutParameter", true, "/a"), ("DescribeVpcs", false, "")]);
    }

    #[test]
    fn calls_meet_their_fates() {
        let sandbox = faulty("throttle=1,error500=2,lost-before=w3,lost-after=w4");
        assert_eq!(put(&sandbox, "/a").unwrap_err().code, "ThrottlingException");
        assert_eq!(put(&sandbox, "/a").unwrap_err().status, 500);
        let exists = || call(&sandbox, "ssm", "GetParameter", &json!({"Name": "/a"})).is_ok();
        assert_eq!(put(&sandbox, "/a").unwrap_err().status, 503);
        assert!(!exists());
        assert_eq!(put(&sandbox, "/a").unwrap_err().status, 503);
        assert!(exists());
        assert_eq!(sandbox.fired(), 4);
        let statuses: Vec<u16> = sandbox.calls().iter().map(|call| call.status).collect();
        assert_eq!(statuses, [400, 500, 0, 400, 0, 200]);
    }

    #[test]
    fn other_faults_count_from_their_beginning() {
        let sandbox = faulty("throttle=1");
        assert!(put(&sandbox, "/a").is_err());
        put(&sandbox, "/a").unwrap();
        sandbox.set_faults("error500=w1".parse().unwrap());
        call(&sandbox, "ssm", "GetParameter", &json!({"Name": "/a"})).unwrap();
        assert_eq!(put(&sandbox, "/b").unwrap_err().status, 500);
        assert_eq!((sandbox.fired(), sandbox.calls().len()), (1, 2));
    }

    #[tokio::test]
    async fn the_sdk_retries_a_lost_answer_and_throttling() {
        let sandbox = faulty("lost-after=1,throttle=2");
        let client = aws_sdk_kms::Client::new(&sandbox.sdk_config().build());
        client.create_key().send().await.unwrap();
        assert_eq!((sandbox.calls().len(), sandbox.fired()), (3, 2));
        assert_eq!(client.list_keys().send().await.unwrap().keys().len(), 2, "CreateKey has no client token");
    }

    #[tokio::test]
    async fn a_rate_is_throttled_by_the_virtual_second() {
        let sandbox = faulty("throttle-tps=3");
        let refused = || call(&sandbox, "kms", "ListKeys", &json!({})).is_err();
        assert_eq!((0..5).map(|_| refused()).collect::<Vec<_>>(), [false, false, false, true, true]);
        sandbox.pass(Duration::from_secs(1)).await;
        assert!(!refused());
    }

    #[test]
    fn an_adversary_lags_and_shuffles() {
        let sandbox = seeded(SandboxOptions { adversary: true, ..SandboxOptions::default() });
        put(&sandbox, "/a").unwrap();
        let get = || call(&sandbox, "ssm", "GetParameter", &json!({"Name": "/a"}));
        assert_eq!(get().unwrap_err().code, "ParameterNotFound");
        get().unwrap();
        let key = call(&sandbox, "kms", "CreateKey", &json!({"Tags": [{"TagKey": "a", "TagValue": "b"}]})).unwrap();
        let found = || {
            let answer = call(&sandbox, "tagging", "GetResources", &json!({"TagFilters": [{"Key": "a"}]})).unwrap();
            answer["ResourceTagMappingList"][0]["ResourceARN"].clone()
        };
        assert_eq!(found(), Json::Null);
        sandbox.with_world(|world| world.advance(5_000)).unwrap();
        assert_eq!(found(), key["KeyMetadata"]["Arn"]);
        for index in 0..9 {
            put(&sandbox, &format!("/many/{index}")).unwrap();
        }
        let list = || {
            let answer = call(&sandbox, "ssm", "DescribeParameters", &json!({"MaxResults": 50})).unwrap();
            let names = answer["Parameters"].as_array().unwrap().iter();
            names.map(|parameter| parameter["Name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        list();
        let (mut one, mut other) = (list(), list());
        assert_ne!(one, other);
        one.sort();
        other.sort();
        assert_eq!(one, other);
    }

    #[test]
    fn the_account_outlives_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sandbox.json");
        let options = SandboxOptions { path: Some(path.clone()), ..SandboxOptions::default() };
        let sandbox = Sandbox::open(options.clone()).unwrap();
        assert!(sandbox.is_new());
        sandbox.found("111122223333", "eu-west-1").unwrap();
        let (status, document) = query(&sandbox, "sts", &[("Action", "GetCallerIdentity")]);
        assert!(status == 200 && document.contains("<Account>111122223333</Account>"), "{document}");
        drop(sandbox);
        let again = Sandbox::open(options.clone()).unwrap();
        assert!(!again.is_new());
        assert_eq!(again.region(), "eu-west-1");
        drop(again);
        assert!(crate::remove_file(&path).unwrap());
        assert!(Sandbox::open(options).unwrap().is_new());
    }

    /// Runs the test `name` of this binary in a process of its own, told of `file`.
    fn run_alone(name: &str, file: &Path, fault: &str) -> bool {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", name]).env("SANDBOX_TEST_FILE", file).env("SANDBOX_TEST_FAULT", fault);
        child.output().unwrap().status.success()
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the process that crashes is told in its environment")]
    fn a_crash_loses_no_call_that_was_done() {
        let open = |path: PathBuf, faults: &str| {
            Sandbox::open(SandboxOptions {
                path: Some(path),
                faults: faults.parse().unwrap(),
                ..SandboxOptions::default()
            })
            .unwrap()
        };
        if let (Some(file), Ok(fault)) = (std::env::var_os("SANDBOX_TEST_FILE"), std::env::var("SANDBOX_TEST_FAULT")) {
            let sandbox = open(file.into(), &fault);
            put(&sandbox, "/a").unwrap();
            put(&sandbox, "/b").unwrap();
            return;
        }
        let name = "core::front::tests::a_crash_loses_no_call_that_was_done";
        for (fault, survives, expected) in [
            ("", true, [true, true]),
            ("crash-before=2", false, [true, false]),
            ("crash-after=w2", false, [true, true]),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("sandbox.json");
            assert_eq!(run_alone(name, &file, fault), survives, "{fault}");
            let sandbox = open(file, "");
            let exists = |name: &str| call(&sandbox, "ssm", "GetParameter", &json!({"Name": name})).is_ok();
            assert_eq!([exists("/a"), exists("/b")], expected, "{fault}");
        }
    }

    #[tokio::test]
    async fn time_follows_the_factor() {
        let latency = Latency::Factor(0.001);
        let sandbox = seeded(SandboxOptions { latency, ..SandboxOptions::default() });
        let before = sandbox.virtual_now();
        sandbox.pass(Duration::from_secs(10)).await;
        assert!(sandbox.virtual_now() - before >= 10_000);
    }

    #[test]
    fn calls_are_written_to_the_log() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let sandbox = seeded(SandboxOptions { call_log: Some(file.path().to_owned()), ..SandboxOptions::default() });
        put(&sandbox, "/a").unwrap();
        let line: Json = serde_json::from_str(std::fs::read_to_string(file.path()).unwrap().trim()).unwrap();
        assert_eq!((&line["operation"], &line["input"]["Name"]), (&json!("PutParameter"), &json!("/a")));
    }

    #[tokio::test]
    async fn everything_tagged_is_found() {
        let sandbox = seeded(SandboxOptions::default());
        let config = sandbox.sdk_config().build();
        let client = aws_sdk_resourcegroupstagging::Client::new(&config);
        for index in 0..7 {
            let tags = json!([{"Key": "owner", "Value": "me"}]);
            let input = json!({"Name": format!("/p/{index}"), "Value": "v", "Type": "String", "Tags": tags});
            call(&sandbox, "ssm", "PutParameter", &input).unwrap();
        }
        call(&sandbox, "kms", "CreateKey", &json!({"Tags": [{"TagKey": "owner", "TagValue": "me"}]})).unwrap();
        let filter = aws_sdk_resourcegroupstagging::types::TagFilter::builder().key("owner").values("me").build();
        let found = |kind: Option<&str>| {
            let get = client.get_resources().tag_filters(filter.clone()).resources_per_page(3);
            get.set_resource_type_filters(kind.map(|kind| vec![kind.to_owned()]))
                .into_paginator()
                .items()
                .send()
                .collect::<Result<Vec<_>, _>>()
        };
        assert_eq!(found(None).await.unwrap().len(), 8);
        let keys = found(Some("kms:key")).await.unwrap();
        assert_eq!(keys.len(), 1);
        let untag = client.untag_resources().resource_arn_list(keys[0].resource_arn().unwrap()).tag_keys("owner");
        untag.send().await.unwrap();
        assert_eq!(found(Some("kms:key")).await.unwrap().len(), 0);
        let unknown = client.get_resources().pagination_token("nonsense").send().await;
        assert_eq!(code(unknown), "PaginationTokenExpiredException");
    }
}
