//! Every code that a failure can have beside the config's own, with the long text of `explain`.
//!
//! SD30xx are about AWS and access to it, SD40xx about what may not happen, SD50xx about the lock, SD60xx about runs that
//! did not finish, SD70xx about this machine, SD90xx about studio-deploy itself. A code is never given a new meaning.

use super::exit::Exit;

/// Kind of failure, with its code and explanation.
#[derive(Debug, PartialEq, Eq)]
pub struct FailureCode {
    /// `SD` and four digits.
    pub id: &'static str,
    /// The mistake in a few words.
    pub title: &'static str,
    /// The end of a run that fails with it before anything was changed.
    pub exit: Exit,
    /// The meaning of the code, and what to do.
    pub explanation: &'static str,
}

/// The code with an id, in any case.
pub fn find(id: &str) -> Option<&'static FailureCode> {
    ALL.iter().copied().find(|code| code.id.eq_ignore_ascii_case(id))
}

macro_rules! codes {
    ($($name:ident $id:literal $exit:ident $title:literal $explanation:literal)*) => {
        $(
            #[doc = concat!($id, ": ", $title, ".")]
            pub static $name: FailureCode =
                FailureCode { id: $id, title: $title, exit: Exit::$exit, explanation: $explanation };
        )*

        /// Every code, in order.
        pub static ALL: &[&FailureCode] = &[$(&$name),*];
    };
}

codes! {
    CREDENTIALS "SD3001" Access "no usable AWS credentials"
        "AWS did not accept the caller's credentials, or none were found. studio-deploy looks for them where the AWS CLI does: the \
         environment, the profile of `--profile` or AWS_PROFILE, single sign-on, the instance or the container. \
         `aws sts get-caller-identity` shows the identity that AWS sees. Single sign-on sessions expire; `aws sso login` \
         renews them. If the clock is wrong, AWS refuses every signature."
    DENIED "SD3002" Access "a permission is missing"
        "AWS knows the caller and refuses the call. Besides the caller's own policies, a permissions boundary, a service \
         control policy of the organisation, a session policy or the policy of a key or bucket can deny it. If the message \
         says `explicit deny`, one of them does, and no further permission helps. The command permissions \
         prints the policy that a plan, an apply or a destroy needs."
    WRONG_PLACE "SD3003" Access "the wrong account, region or environment"
        "The config or the command line names an account or a region, and the credentials belong to another one; or config, command \
         line and variables such as STUDIO_DEPLOY_REGION or AWS_REGION name different accounts, regions, organisations, environments, \
         data domains or modules. Nothing is ever changed in an account or region that was not named. Choose other credentials with \
         `--profile` or `--role-arn`, or correct one of the names. Names are compared without case."
    REGION "SD3004" Access "Studio is not available in the region"
        "SageMaker answered that it does not know the operation, as it does in regions without Studio. \
         Choose another region with `--region`."
    QUOTA "SD3005" Failed "a service quota is reached"
        "The account has reached its limit for this resource. Delete what is no longer used, or request an increase at \
         https://console.aws.amazon.com/servicequotas/home. Then run again to continue where this run stopped."
    CONNECTION "SD3006" Failed "AWS cannot be reached"
        "The endpoint did not answer, or the answer was not from AWS. Check the network, a proxy, VPC endpoints and \
         `--endpoint-url`. If the answer to a change was lost, the next run reads the account before it changes anything."
    THROTTLED "SD3007" Failed "AWS throttles requests"
        "AWS still answered that there were too many requests after all retries. Something else makes many requests in the same \
         account. Run again later, or with a smaller `--parallelism`."
    TIMEOUT "SD3008" Failed "an operation timed out"
        "AWS accepted the request, but the resource did not become ready in time. It may still do so: run again to wait for it. \
         `--timeout KIND.OPERATION=DURATION` raises the limit."
    REJECTED "SD3009" Failed "AWS rejected the request"
        "AWS found the request itself invalid, for the reason in the message. Usually AWS does not allow a value of the config here, \
         or the value refers to something that does not exist."
    CONFLICT "SD3010" Failed "the resource is in use or being changed"
        "The resource exists already, is in use, or is being changed by somebody else. Nothing was forced. Run again \
         once the other change is done."
    NOT_FOUND "SD3011" Access "a required resource does not exist"
        "The request names something that does not exist: it was deleted in the meantime, or the config refers to something \
         that does not exist in this account and region."
    FAILED "SD3012" Failed "AWS reported a failure later"
        "AWS accepted the request, but the resource then failed, or differs from the request. Running again replaces a failed \
         resource that holds no data and updates one that does."
    FAILED_CHECK "SD3013" Access "a check before the first write failed"
        "Something that the config refers to (a network, a key, a role) does not exist in this account and region, or would keep Studio \
         from working. Each step that depends on it says what is wrong and what to do. Nothing was changed; `--skip-blocked` applies \
         the rest."
    OTHER_CLOUD "SD3099" Failed "an AWS call failed"
        "AWS's own code and message describe the failure. Running again is safe."
    BLOCKED "SD4001" Blocked "the plan has blocked steps"
        "A step is impossible, or would lose data without consent. Each blocked step of the plan says why and what would \
         allow it. Until then nothing at all is applied; `--skip-blocked` applies the rest."
    STALE "SD4002" Stale "the saved plan is out of date"
        "Apply plans again, and carries out a saved plan only if both plans are the same. The account or the config has changed since \
         the plan was saved, the plan has expired or was saved by another version, or its file was truncated or edited and no \
         longer matches its digest. Plan again and review what changed."
    DECLINED "SD4003" Declined "not approved"
        "The answer was not yes, or the name that was typed is not the deployment's. Nothing was changed."
    CANNOT_ASK "SD4004" Declined "approval is needed and nobody can be asked"
        "Standard input is not a terminal, so nobody can be asked. `--auto-approve` approves; changes to resources that hold data \
         also need `--confirm NAME` with the deployment's name."
    LOCKED "SD5001" Locked "somebody else is applying"
        "Only one run at a time may change a deployment. The lock says who holds it and since when. Another run takes it over when the \
         holder's process is certain to have ended (on the same machine, in the same PID namespace), or when it has sent no heartbeat \
         for two minutes. `--lock-timeout` waits for the lock, and `--yes` of the command unlock frees it."
    LOCK_LOST "SD5002" Failed "the lock was taken away"
        "Another run took over the lock while this one was working, because this one sent no heartbeat for too long (a laptop that \
         slept) or somebody removed the lock. This run has stopped. Run again."
    INCOMPLETE "SD6001" Failed "not everything could be done"
        "Some steps failed and their dependents were skipped; all other steps were done. Nothing is rolled back. Fix what the \
         failures name and run again: what is done stays done."
    STOPPED "SD6002" Interrupted "stopped"
        "A signal stopped the run. A command that only reads, or waits for the lock, ends at once and has changed nothing. An apply \
         finishes or records the steps that are running, and the next run continues."
    FILE "SD7001" Failed "a file cannot be read or written"
        "The operating system refused access, for the reason in the message."
    USAGE "SD7002" Usage "invalid command line"
        "An option is unknown, lacks its value or conflicts with another. `--help` after any command lists its options."
    INVALID_CONFIG "SD7003" InvalidConfig "the config is invalid"
        "Every mistake is listed with its own code and location; `explain` knows those codes too. No call was made."
    INVALID_IDENTITY "SD7004" InvalidConfig "the deployment's name is incomplete or malformed"
        "Four names identify an environment: organisation, environment, data domain and module. All names in AWS derive \
         from them, so none can be guessed. They come from `--org`, `--env`, `--domain` and `--module`, from \
         STUDIO_DEPLOY_ORG and so on, or from the config's `deployment:` block; with an mdaa.yaml, from its structure."
    SSO_URL "SD7005" InvalidConfig "the domain has no presigned URLs"
        "A presigned URL signs its holder in as a user, which only domains with `authMode: IAM` allow. Users of a domain \
         with `authMode: SSO` open Studio from the AWS access portal."
    UNTELLABLE "SD7006" Failed "a value cannot be printed in this format"
        "The value contains a line end, a control character, an invisible character, or text that a CI system would run as a \
         command. A shell, a log or GitHub's output file would misread it, and without those characters it would be a \
         different value. `--format json` prints it unchanged. Somebody may have changed it in the account, which drift shows."
    BUG "SD9001" Bug "a bug in studio-deploy"
        "studio-deploy reached a state that it considers impossible. Please report it together with the output of the same command with `-v`."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_found_in_any_case() {
        assert!(ALL.windows(2).all(|pair| pair[0].id < pair[1].id));
        assert_eq!(find("sd3001"), Some(&CREDENTIALS));
        assert_eq!(find("SD0000"), None);
    }
}
