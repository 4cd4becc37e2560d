//! The real account: clients, errors, waiting, what references lead to, the record and the lock.
//!
//! Architecture invariant: only `error` reads the SDK's error codes, and only `wait` waits.

pub mod answer;
pub mod bounds;
pub mod calls;
pub mod connect;
pub mod document;
pub mod error;
pub mod given_bucket;
pub mod lock;
pub mod lookups;
pub mod network;
pub mod object_keys;
mod permission;
pub mod poll;
pub mod record;
pub mod resolve;
pub mod role_mistakes;
pub mod roles;
pub mod sign_in;
pub mod stack;
pub mod tags;
pub mod upstream;
pub mod wait;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_async::rt::sleep::SharedAsyncSleep;
use aws_smithy_async::time::SharedTimeSource;
use aws_types::SdkConfig;

use crate::cloud::{CloudError, ErrorKind};
use crate::model::{Address, Deployment, Found, Kind, Observed};
use crate::naming::Names;
use crate::plan::Action;
use bounds::Bounds;
use calls::Calls;
use lock::Fence;
use lookups::Lookups;
use poll::Poller;
use upstream::Upstream;
use wait::{Clock, Durations, Usual, WaitPolicy, WaitProgress};

/// Number of items that SageMaker's lists are asked for at once: the most that they give, where ten are usual (API reference,
/// `MaxResults` of `ListUserProfiles`).
pub const PAGE: i32 = 100;

/// The longest wait for a read that gives advice only.
const ADVICE: Duration = Duration::from_secs(5);

/// A listener that hears when the state of something that is waited for moves on, or something goes another way than usual.
pub type Tell = Box<dyn Fn(Progressed)>;

/// The news that the verbs of a kind tell while they work.
#[derive(Clone, Debug)]
pub enum Progressed {
    /// The status of a thing in AWS's word.
    Phase(Address, String),
    /// A notice for people, about a thing if it is about one.
    Notice(Option<Address>, String),
}

/// One account and region, with a client a service, and everything that the verbs of the kinds share.
pub struct Account {
    /// The environment that this is about.
    pub deployment: Deployment,
    /// The names that MDAA gives the environment's things.
    pub names: Names,
    /// Everything waits by this clock.
    pub clock: Clock,
    /// The client of SageMaker.
    pub sagemaker: aws_sdk_sagemaker::Client,
    /// The client of KMS.
    pub kms: aws_sdk_kms::Client,
    /// The client of EC2.
    pub ec2: aws_sdk_ec2::Client,
    /// S3 with the caller's own credentials.
    pub s3: aws_sdk_s3::Client,
    /// The client of IAM.
    pub iam: aws_sdk_iam::Client,
    /// The client of SSM.
    pub ssm: aws_sdk_ssm::Client,
    /// SSM for the lock, whose calls do not count as changes.
    pub(crate) lock: aws_sdk_ssm::Client,
    /// The client of STS.
    pub sts: aws_sdk_sts::Client,
    /// The client of the tagging API.
    pub tagging: aws_sdk_resourcegroupstagging::Client,
    /// The client of EFS.
    pub efs: aws_sdk_efs::Client,
    /// CloudFormation, which is only asked.
    pub cloudformation: aws_sdk_cloudformation::Client,
    /// The number of calls so far, and of writes among them.
    pub calls: Calls,
    /// The fence that lets writes through while the lock is held.
    pub(crate) fence: Fence,
    /// The times that operations may take where those are not the usual ones.
    pub limits: BTreeMap<(Kind, Action), Duration>,
    /// The line that all uploads share.
    pub(crate) upstream: Upstream,
    /// The answers that deployments of a run share in which nothing is changed; none where each asks for itself.
    pub(crate) lookups: Option<Arc<Lookups>>,
    /// The poller of all user profiles that are waited for.
    pub(crate) profiles: Poller,
    /// The same of spaces.
    pub(crate) spaces: Poller,
    config: SdkConfig,
    path_style: bool,
    tell: Tell,
    fresh: Mutex<BTreeSet<String>>,
    /// Whether stacks are gone, by ARN, as far as they were asked for.
    gone_stacks: Mutex<BTreeMap<String, bool>>,
    /// How long operations have taken so far.
    durations: Mutex<BTreeMap<(Kind, Action), Durations>>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("deployment", &self.deployment).finish_non_exhaustive()
    }
}

/// The configuration of a client whose refusals name what they refuse. Each has a rate limit of its own, where the SDK has
/// one a service for the whole process: several deployments may be in several accounts.
macro_rules! named {
    ($sdk:ident, $config:expr) => {
        $sdk::config::Builder::from($config)
            .interceptor($crate::aws::permission::Named)
            .retry_partition($sdk::config::retry::RetryPartition::custom(stringify!($sdk)).build())
    };
}

use named;

/// A client of a service; with `$calls` one that counts its calls and sends none without the lock.
macro_rules! client {
    ($sdk:ident, $config:expr) => {
        $sdk::Client::from_conf(named!($sdk, $config).build())
    };
    ($sdk:ident, $config:expr, $calls:expr, $fence:expr) => {
        $sdk::Client::from_conf(named!($sdk, $config).interceptor($fence.clone()).interceptor($calls.clone()).build())
    };
}

impl Account {
    /// The account that `config` leads to. Objects are addressed by path when the endpoint is not AWS's own, since a
    /// bucket's name cannot be put in front of `localhost`.
    pub fn new(config: &SdkConfig, path_style: bool, deployment: Deployment, names: Names, tell: Tell) -> Self {
        let (calls, fence) = (Calls::default(), Fence::default());
        let deployment_tag = deployment.tag();
        let sleep = config
            .sleep_impl()
            .unwrap_or_else(|| SharedAsyncSleep::new(aws_smithy_async::rt::sleep::TokioSleep::new()));
        let time = config
            .time_source()
            .unwrap_or_else(|| SharedTimeSource::new(aws_smithy_async::time::SystemTimeSource::new()));
        Self {
            deployment,
            names,
            clock: Clock::new(sleep, time, &deployment_tag),
            sagemaker: client!(aws_sdk_sagemaker, config, calls, fence),
            kms: client!(aws_sdk_kms, config, calls, fence),
            ec2: client!(aws_sdk_ec2, config, calls, fence),
            s3: s3(config, path_style, &calls, &fence),
            lock: client!(aws_sdk_ssm, &bounded(config, Bounds::LOCK)),
            iam: client!(aws_sdk_iam, config, calls, fence),
            ssm: client!(aws_sdk_ssm, config, calls, fence),
            sts: client!(aws_sdk_sts, config, calls, fence),
            tagging: client!(aws_sdk_resourcegroupstagging, config, calls, fence),
            efs: client!(aws_sdk_efs, config, calls, fence),
            cloudformation: client!(aws_sdk_cloudformation, config, calls, fence),
            calls,
            fence,
            limits: BTreeMap::new(),
            upstream: Upstream::default(),
            lookups: None,
            profiles: Poller::default(),
            spaces: Poller::default(),
            config: config.clone(),
            path_style,
            tell,
            fresh: Mutex::default(),
            gone_stacks: Mutex::default(),
            durations: Mutex::default(),
        }
    }

    /// S3 with other credentials: the asset role's.
    pub fn s3_as(&self, credentials: aws_credential_types::Credentials) -> aws_sdk_s3::Client {
        let provider = aws_credential_types::provider::SharedCredentialsProvider::new(credentials);
        s3(&self.config.to_builder().credentials_provider(provider).build(), self.path_style, &self.calls, &self.fence)
    }

    /// The findings of a look for mere advice; one that takes longer than a few seconds is given up.
    ///
    /// # Errors
    /// What `look` fails with, or a timeout of `operation`.
    pub async fn briefly<T>(
        &self,
        operation: &str,
        look: impl Future<Output = Result<T, CloudError>>,
    ) -> Result<T, CloudError> {
        self.clock.within(ADVICE, operation, look).await
    }

    /// The timeouts of a request that carries `size` bytes and may arrive late, since it changes nothing that anybody sees.
    pub fn upload_timeouts(&self, size: u64) -> aws_smithy_types::timeout::TimeoutConfig {
        Bounds::USUAL.within(self.config.timeout_config()).with_body(size).timeouts()
    }

    /// Credentials of the role that this ARN names, whole as it is.
    ///
    /// # Errors
    /// What STS fails with: that it is denied, where the role does not exist.
    pub async fn assume(&self, role: &str) -> Result<aws_credential_types::Credentials, CloudError> {
        let assume = self.sts.assume_role().role_arn(role).role_session_name("studio-deploy");
        let answer = assume.send().await.map_err(|e| error::failed("AssumeRole", e))?;
        let none = || CloudError::new(ErrorKind::Other, "AssumeRole", "no credentials in the answer");
        let credentials = answer.credentials.ok_or_else(none)?;
        Ok(aws_credential_types::Credentials::new(
            credentials.access_key_id,
            credentials.secret_access_key,
            Some(credentials.session_token),
            None,
            "asset role",
        ))
    }

    /// The policy of the wait for an operation: `wait_policy`, with the timeout that the user says, and aimed at the median of
    /// what such operations have taken so far.
    pub fn wait_policy(&self, kind: Kind, action: Action, wait_policy: WaitPolicy) -> WaitPolicy {
        let timeout = self.limits.get(&(kind, action)).copied().unwrap_or(wait_policy.timeout);
        let durations = self.durations.lock().unwrap_or_else(PoisonError::into_inner);
        let median = durations.get(&(kind, action)).and_then(Durations::median);
        WaitPolicy { timeout, usual: median.map_or(wait_policy.usual, Usual::Learnt), ..wait_policy }
    }

    /// Takes note of an operation that took so long.
    pub fn took(&self, kind: Kind, action: Action, duration: Duration) {
        let mut durations = self.durations.lock().unwrap_or_else(PoisonError::into_inner);
        durations.entry((kind, action)).or_default().note(duration);
    }

    /// Tells the phase of something that is waited for.
    pub fn phase(&self, address: &Address, phase: &str) {
        (self.tell)(Progressed::Phase(address.clone(), phase.to_owned()));
    }

    /// Tells something to know.
    pub fn notice(&self, address: Option<&Address>, message: impl Into<String>) {
        (self.tell)(Progressed::Notice(address.cloned(), message.into()));
    }

    /// Remembers that this run made or changed the role or policy `name`, so that the rest of AWS may not know it yet.
    pub fn recently_created(&self, name: &str) {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
    }

    /// Looks for something that was written a moment ago until it is as `seen` wants: IAM and others are eventually
    /// consistent. What the last look found, if that takes too long.
    ///
    /// # Errors
    /// What `find` fails with.
    pub async fn find_until(
        &self,
        seen: impl Fn(&Found) -> bool,
        mut find: impl AsyncFnMut() -> Result<Found, CloudError>,
    ) -> Result<Found, CloudError> {
        let mut last = Found::Absent;
        let look = self.clock.until("what was just written", WaitPolicy::PROPAGATION, async || {
            last = find().await?;
            Ok(if seen(&last) { WaitProgress::Ready(()) } else { WaitProgress::Busy("not visible".into()) })
        });
        match look.await {
            Err(error) if error.kind != ErrorKind::Timeout => Err(error),
            _ => Ok(last),
        }
    }

    /// The thing that was made or taken over a moment ago, once it is seen with our tags.
    ///
    /// # Errors
    /// What `find` fails with; that it is somebody else's after all.
    pub async fn find_ours(
        &self,
        address: &Address,
        find: impl AsyncFnMut() -> Result<Found, CloudError>,
    ) -> Result<Observed, CloudError> {
        // Without our tags it may be as it was before they were written.
        let seen = |found: &Found| match found {
            Found::Absent => false,
            Found::Foreign { owner, .. } => !owner.may_yield(),
            Found::Ours(_) => true,
        };
        match self.find_until(seen, find).await? {
            Found::Ours(observed) => Ok(observed),
            found => Err(not_ours(address, &found)),
        }
    }

    /// Tries `attempt`; what looks like a role that AWS does not see yet is tried again, but only while this run made
    /// a role: otherwise the refusal is the truth.
    ///
    /// # Errors
    /// What `attempt` fails with in the end.
    pub async fn retry_while_propagating<T>(
        &self,
        attempt: impl AsyncFnMut() -> Result<T, CloudError>,
    ) -> Result<T, CloudError> {
        let fresh = !self.fresh.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        self.clock.retry(WaitPolicy::PROPAGATION, |error| fresh && is_propagation(error), attempt).await
    }
}

/// The error of a verb whose object turns out not to be ours after all: somebody else was faster.
pub(crate) fn not_ours(address: &Address, found: &Found) -> CloudError {
    let what = match found {
        Found::Absent => "AWS says that it exists, but it cannot be found",
        _ => "something of that name appeared that studio-deploy did not make",
    };
    CloudError::new(ErrorKind::Conflict, address.to_string(), what)
}

/// A configuration whose calls take no longer than `bounds` say.
pub(crate) fn bounded(config: &SdkConfig, bounds: Bounds) -> SdkConfig {
    config.to_builder().timeout_config(bounds.within(config.timeout_config()).timeouts()).build()
}

fn s3(config: &SdkConfig, path_style: bool, calls: &Calls, fence: &Fence) -> aws_sdk_s3::Client {
    let builder = named!(aws_sdk_s3, config).force_path_style(path_style);
    aws_sdk_s3::Client::from_conf(builder.interceptor(fence.clone()).interceptor(calls.clone()).build())
}

/// Returns `true` if a refusal is one that a role or policy made a moment ago brings about: KMS and S3 refuse policies
/// that name it, STS and S3 deny, and SageMaker says that it cannot assume it.
fn is_propagation(error: &CloudError) -> bool {
    match error.code.as_deref() {
        Some("MalformedPolicyDocumentException" | "MalformedPolicyDocument" | "MalformedPolicy") => {
            error.message.to_lowercase().contains("principal")
        }
        Some("AccessDenied" | "AccessDeniedException") => {
            matches!(error.operation.as_str(), "AssumeRole" | "PutObject" | "HeadObject" | "DeleteObjects")
        }
        Some("ValidationException") => {
            let message = error.message.to_lowercase();
            message.contains("could not assume role")
                || message.contains("role does not exist")
                || (message.contains("role") && message.contains("not authorized"))
        }
        _ => false,
    }
}
