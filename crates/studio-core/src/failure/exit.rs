//! Exit codes: a contract with scripts.
//!
//! [`Exit::Differences`] to [`Exit::Declined`], but for [`Exit::Partial`], and [`Exit::Usage`] promise that no call
//! changed anything in AWS, the lock's own parameter aside.

/// The end of a run, as the process's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Success, or nothing to do.
    Success = 0,
    /// Failed, and none of the others says why.
    Failed = 1,
    /// There are differences; only of commands that are asked for them.
    Differences = 2,
    /// The config is invalid.
    InvalidConfig = 3,
    /// No credentials, the wrong account or region, a missing permission, a failed preflight.
    Access = 4,
    /// Something may not happen: an immutable property, protection, running apps, a foreign owner.
    Blocked = 5,
    /// Somebody else holds the lock.
    Locked = 6,
    /// The saved plan no longer says what would happen.
    Stale = 7,
    /// Partly applied; running again converges.
    Partial = 8,
    /// Nobody approved, or nobody could be asked.
    Declined = 10,
    /// The command line cannot be understood. Clap's own code is 2, which would read as "there are differences".
    Usage = 64,
    /// A bug in studio-deploy.
    Bug = 70,
    /// Ended by SIGHUP.
    Hangup = 129,
    /// Ended by SIGINT.
    Interrupted = 130,
    /// Ended by SIGTERM.
    Terminated = 143,
}

impl Exit {
    /// The number that the process ends with.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Returns `true` if it is neither success nor an answer.
    pub const fn is_failure(self) -> bool {
        !matches!(self, Self::Success | Self::Differences)
    }

    /// Returns `true` if a signal ended the run.
    pub const fn is_signal(self) -> bool {
        matches!(self, Self::Hangup | Self::Interrupted | Self::Terminated)
    }

    /// The exit code of a run over several deployments; each end comes with `true` if it changed anything.
    ///
    /// A change together with a failure is partly applied, else the highest code wins. A signal ends the whole run, so its
    /// code stays.
    pub fn of_several(ends: &[(Exit, bool)]) -> Exit {
        let highest = ends.iter().map(|(exit, _)| *exit).max().unwrap_or(Self::Success);
        let wrote = ends.iter().any(|(_, wrote)| *wrote);
        let failed = ends.iter().any(|(exit, _)| exit.is_failure());
        if wrote && failed && !highest.is_signal() { Self::Partial } else { highest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_deployments_end_as_one() {
        for (ends, expected) in [
            (&[][..], Exit::Success),
            (&[(Exit::Success, true), (Exit::Success, false)], Exit::Success),
            (&[(Exit::Success, false), (Exit::Differences, false)], Exit::Differences),
            (&[(Exit::InvalidConfig, false), (Exit::Blocked, false)], Exit::Blocked),
            (&[(Exit::Success, true), (Exit::Blocked, false)], Exit::Partial),
            (&[(Exit::Partial, true), (Exit::Success, false)], Exit::Partial),
            (&[(Exit::Success, true), (Exit::Interrupted, true)], Exit::Interrupted),
        ] {
            assert_eq!(Exit::of_several(ends), expected, "{ends:?}");
        }
    }
}
