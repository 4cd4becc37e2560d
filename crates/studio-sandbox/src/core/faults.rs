//! Fault injection: the list of what the sandbox is told to do wrong, for tests.
//!
//! Faults are a list of `name=value`, separated by commas. A call number counts this process's AWS calls from 1; with a
//! `w` before it (`w3`) it counts only calls that write. `A-B` is a range of numbers.
//!
//! | fault | what happens |
//! |---|---|
//! | `crash-before=N` | the process aborts before call N does anything |
//! | `crash-after=N` | the process aborts after call N is done and written down, before its answer leaves |
//! | `throttle=A-B` | the calls are refused with the service's throttling error |
//! | `error500=A-B` | the calls are refused with an internal error and do nothing |
//! | `lost-before=A-B` | the connection breaks before the call does anything |
//! | `lost-after=A-B` | the call is done, then the connection breaks |
//! | `hung-before=A-B` | the calls do nothing and are never answered: a gateway has forgotten the connection |
//! | `hung-after=A-B` | the calls are done and never answered |
//! | `cut-before=N` | the network goes away before call N does anything, for good |
//! | `cut-after=N` | the network goes away once call N is done, for good |
//! | `deny=service:Operation@K` | the operation is refused for want of a permission, from its K-th call on (1 without `@K`) |
//! | `throttle-tps=N` | more than N calls in a virtual second are throttled |
//! | `iam-propagation=10s` | a new role is unknown to other services for that long |
//! | `stale-reads=N` | N reads of IAM and SSM after a write there still answer what was before |
//! | `ssm-recreate-delay=30s` | a deleted parameter's name cannot be used again for that long |
//! | `fail=Operation:Reason` | the operation is accepted and what it begins ends as failed |
//! | `meanwhile=Operation:What` | before the operation, once, a user starts an app of a profile (`app@ann`) or of a space (`space-app@name`), or makes a space (`space@ann`) |
//! | `ignore-field=Path` | Studio accepts the member and drops it |
//! | `freeze=Status` | whatever gets this status in Studio keeps it |
//! | `app-delete-slow=60s` | deleting an app takes that much longer |
//! | `rstudio-licences=none` | a domain with RStudio ends as failed, for want of a licence |
//! | `hostile=Operation.Member` | the texts there hold what steers a terminal, a CI runner or a renderer; `*` is every text |
//! | `update-times=still` | UpdateUserProfile leaves a profile's LastModifiedTime as it is |
//! | `tag-times=move` | a profile's LastModifiedTime moves with its tags |
//! | `app-times=move` | a profile's LastModifiedTime moves when an app of its user starts |
//! | `list-times=seconds` | ListUserProfiles tells times in whole seconds |
//! | `tagging-lag=1h` | the tagging API answers what was that long before; writes before the command count |
//! | `tagging-unknown=service:type` | the tagging API knows no resources of this type |
//! | `merge=shallow` | UpdateDomain replaces nested structures where it would merge them |

use std::ops::RangeInclusive;
use std::str::FromStr;

use serde_json::{Map, Value as Json, json};

use super::hostile::Hostile;

/// The faults of a process.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    rules: Vec<(FaultEffect, Calls)>,
    denials: Vec<Denial>,
    throttle_tps: Option<f64>,
    stale_reads: u32,
    tagging_lag: Option<i64>,
    hostile: Option<Hostile>,
    services: Map<String, Json>,
}

/// Effect of a fault on one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FaultEffect {
    /// Nothing out of the ordinary.
    #[default]
    Answered,
    /// The process ends before it.
    CrashBefore,
    /// The process ends after it.
    CrashAfter,
    /// Refused as one call too many.
    Throttled,
    /// Refused with an internal error.
    Error500,
    /// Refused for want of a permission.
    Denied,
    /// The connection breaks before it.
    LostBefore,
    /// The connection breaks after it.
    LostAfter,
    /// Not done, and never answered.
    HungBefore,
    /// Done, and never answered.
    HungAfter,
    /// The connection breaks before it and is never back.
    CutBefore,
    /// The connection breaks after it and is never back.
    CutAfter,
}

/// An operation that the caller may not use.
#[derive(Clone, Debug)]
struct Denial {
    /// `ssm:GetParameter`, by the sandbox's name of the service.
    operation: String,
    /// From which of its calls on.
    from: u64,
}

#[derive(Clone, Debug)]
struct Calls {
    writes_only: bool,
    numbers: RangeInclusive<u64>,
}

/// The text names no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sandbox fault `{fault}`: {reason}")]
pub struct FaultError {
    fault: String,
    reason: &'static str,
}

impl Faults {
    /// The effect on the call with this number, which is also that write if it writes.
    pub(crate) fn fate(&self, call: u64, write: Option<u64>) -> FaultEffect {
        let hit = self.rules.iter().find(|(_, calls)| {
            let number = if calls.writes_only { write } else { Some(call) };
            number.is_some_and(|number| calls.numbers.contains(&number))
        });
        hit.map_or(FaultEffect::Answered, |(fate, _)| *fate)
    }

    /// Returns `true` if the `number`-th call of an operation is refused for want of a permission.
    pub(crate) fn denies(&self, service: &str, operation: &str, number: u64) -> bool {
        let is_this = |denial: &&Denial| {
            denial.operation.split_once(':').is_some_and(|(of, name)| of == service && name == operation)
        };
        self.denials.iter().filter(is_this).any(|denial| number >= denial.from)
    }

    /// Calls per virtual second that are not throttled; no limit when absent.
    pub(crate) const fn throttle_tps(&self) -> Option<f64> {
        self.throttle_tps
    }

    /// Reads after a write that are stale.
    pub(crate) const fn stale_reads(&self) -> u32 {
        self.stale_reads
    }

    /// Milliseconds by which the tagging API is behind, if not the usual ones.
    pub(crate) const fn tagging_lag(&self) -> Option<i64> {
        self.tagging_lag
    }

    /// The texts of answers that are hostile, if any.
    pub(crate) const fn hostile(&self) -> Option<&Hostile> {
        self.hostile.as_ref()
    }

    /// The fault that one text is awkward.
    #[cfg(test)]
    pub(super) fn awkward(place: &str, text: &str) -> Self {
        Self { hostile: Some(Hostile::with(place, text)), ..Self::default() }
    }

    /// Faults that the services themselves act upon, for the world's record of faults.
    pub(crate) fn for_services(&self) -> Json {
        Json::Object(self.services.clone())
    }

    fn append(&mut self, name: &str, value: Json) {
        if let Json::Array(items) = self.services.entry(name).or_insert_with(|| json!([])) {
            items.push(value);
        }
    }
}

impl FromStr for Faults {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let mut faults = Self::default();
        for fault in text.split(',').map(str::trim).filter(|fault| !fault.is_empty()) {
            let refuse = |reason| FaultError { fault: fault.to_owned(), reason };
            let (name, value) = fault.split_once('=').ok_or_else(|| refuse("write it as name=value"))?;
            let calls = || calls(value).ok_or_else(|| refuse("the value is a call's number, `3`, `w3` or `3-9`"));
            let duration = || milliseconds(value).ok_or_else(|| refuse("the value is a duration, `10s` or `500ms`"));
            match name {
                "crash-before" => faults.rules.push((FaultEffect::CrashBefore, calls()?)),
                "crash-after" => faults.rules.push((FaultEffect::CrashAfter, calls()?)),
                "throttle" => faults.rules.push((FaultEffect::Throttled, calls()?)),
                "error500" => faults.rules.push((FaultEffect::Error500, calls()?)),
                "lost-before" => faults.rules.push((FaultEffect::LostBefore, calls()?)),
                "lost-after" => faults.rules.push((FaultEffect::LostAfter, calls()?)),
                "hung-before" => faults.rules.push((FaultEffect::HungBefore, calls()?)),
                "hung-after" => faults.rules.push((FaultEffect::HungAfter, calls()?)),
                "cut-before" => faults.rules.push((FaultEffect::CutBefore, calls()?)),
                "cut-after" => faults.rules.push((FaultEffect::CutAfter, calls()?)),
                "deny" => {
                    let (operation, from) = value.split_once('@').unwrap_or((value, "1"));
                    let from = from.parse().map_err(|_| refuse("behind @ is the number of the first refused call"))?;
                    if !operation.contains(':') {
                        return Err(refuse("name the service too: `ssm:GetParameter`"));
                    }
                    faults.denials.push(Denial { operation: operation.into(), from });
                }
                "throttle-tps" => {
                    let tps = value.parse().ok().filter(|tps: &f64| *tps > 0.0);
                    faults.throttle_tps = Some(tps.ok_or_else(|| refuse("the value is a number above 0"))?);
                }
                "stale-reads" => {
                    faults.stale_reads = value.parse().map_err(|_| refuse("the value is a whole number"))?;
                }
                "hostile" => faults.hostile = Some(Hostile::new(value)),
                "iam-propagation" | "ssm-recreate-delay" => {
                    faults.services.insert(name.into(), json!(duration()?));
                }
                "app-delete-slow" => {
                    faults.services.insert(name.into(), json!(duration()? / 1000));
                }
                "fail" => {
                    let (operation, reason) = value.split_once(':').unwrap_or((value, "InternalFailure"));
                    let failures = faults.services.entry(name).or_insert_with(|| json!({}));
                    failures[operation] = json!(reason);
                }
                "meanwhile" => {
                    let told = value.split_once(':').filter(|(_, what)| what.contains('@'));
                    let (operation, what) = told.ok_or_else(|| refuse("write it as `DeleteDomain:app@ann`"))?;
                    let all = faults.services.entry(name).or_insert_with(|| json!({}));
                    all[operation] = json!(what);
                }
                "quota" => {
                    let told = value.split_once(':').filter(|(of, _)| matches!(*of, "domains" | "user-profiles"));
                    let (of, number) = told.ok_or_else(|| refuse("write it as `domains:20` or `user-profiles:60`"))?;
                    let number: u64 = number.parse().map_err(|_| refuse("behind the colon is a whole number"))?;
                    let quotas = faults.services.entry(name).or_insert_with(|| json!({}));
                    quotas[of] = json!(number);
                }
                "ignore-field" | "freeze" | "tagging-unknown" => faults.append(name, json!(value)),
                "tagging-lag" => faults.tagging_lag = Some(duration()?),
                "update-times" | "tag-times" | "app-times" | "list-times" => {
                    let known = [("update-times", "still"), ("list-times", "seconds")];
                    let meant = known.iter().find(|(fault, _)| *fault == name).map_or("move", |(_, word)| word);
                    if value != meant {
                        return Err(refuse("the value is `still`, `move` or `seconds`, as the list of faults says"));
                    }
                    faults.services.insert(name.into(), json!(value));
                }
                "merge" if matches!(value, "deep" | "shallow") => {
                    faults.services.insert(name.into(), json!(value));
                }
                "merge" => return Err(refuse("the value is `deep` or `shallow`")),
                "rstudio-licences" if value == "none" => {
                    faults.services.insert(name.into(), json!(value));
                }
                "rstudio-licences" => return Err(refuse("the value is `none`")),
                _ => return Err(refuse("there is no such fault")),
            }
        }
        Ok(faults)
    }
}

fn calls(text: &str) -> Option<Calls> {
    let (writes_only, text) = text.strip_prefix('w').map_or((false, text), |rest| (true, rest));
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let numbers = first.parse().ok()?..=last.parse().ok()?;
    (*numbers.start() > 0 && !numbers.is_empty()).then_some(Calls { writes_only, numbers })
}

fn milliseconds(text: &str) -> Option<i64> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 1),
        None => match text.strip_suffix('h') {
            Some(number) => (number, 3_600_000),
            None => (text.strip_suffix('s')?, 1000),
        },
    };
    number.parse::<i64>().ok().filter(|number| *number >= 0)?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fate_is_found_by_number() {
        let faults: Faults = "throttle=3-4, crash-after=w2,lost-after=7".parse().unwrap();
        for (call, write, expected) in [
            (1, None, FaultEffect::Answered),
            (3, None, FaultEffect::Throttled),
            (4, Some(1), FaultEffect::Throttled),
            (5, Some(2), FaultEffect::CrashAfter),
            (7, None, FaultEffect::LostAfter),
        ] {
            assert_eq!(faults.fate(call, write), expected, "{call}");
        }
    }

    #[test]
    fn an_operation_is_denied_from_its_kth_call() {
        let faults: Faults = "deny=ssm:GetParameter@3,deny=kms:ListKeys".parse().unwrap();
        let denied = |number| faults.denies("ssm", "GetParameter", number);
        assert_eq!([denied(2), denied(3), denied(4)], [false, true, true]);
        assert!(faults.denies("kms", "ListKeys", 1) && !faults.denies("kms", "GetParameter", 9));
    }

    #[test]
    fn services_read_theirs_from_the_world() {
        let text = "iam-propagation=10s,fail=CreateDomain:No capacity,freeze=Updating,ignore-field=A.B,ignore-field=C,\
                    app-delete-slow=60s,quota=domains:20,quota=user-profiles:60";
        assert_eq!(
            text.parse::<Faults>().unwrap().for_services(),
            json!({
                "iam-propagation": 10_000,
                "fail": {"CreateDomain": "No capacity"},
                "freeze": ["Updating"],
                "ignore-field": ["A.B", "C"],
                "app-delete-slow": 60,
                "quota": {"domains": 20, "user-profiles": 60},
            })
        );
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for text in [
            "crash",
            "crash-before=x",
            "throttle=9-3",
            "throttle=0",
            "explode=1",
            "iam-propagation=10",
            "merge=x",
            "tag-times=still",
            "tagging-lag=x",
            "deny=x",
            "quota=20",
            "quota=apps:1",
            "quota=domains:many",
        ] {
            assert!(text.parse::<Faults>().unwrap_err().to_string().contains(text), "{text}");
        }
    }
}
