//! Every code that a failure can have beside the config's own, with the long text of `explain`.
//!
//! SD30xx are about AWS and access to it, SD40xx about what may not happen, SD50xx about the lock, SD60xx about runs that
//! did not finish, SD70xx about this machine, SD90xx about studio-deploy itself. A code is never given a new meaning.

use super::exit::Exit;

/// A kind of failure.
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
        "AWS did not accept the caller's credentials, or none were found. They are looked for where the AWS CLI looks: the \
         environment, the profile of `--profile` or AWS_PROFILE, single sign-on, the instance or the container. \
         `aws sts get-caller-identity` shows who AWS takes you for. Sessions of single sign-on expire; `aws sso login` \
         renews them. A wrong clock makes AWS refuse every signature."
    DENIED "SD3002" Access "a permission is missing"
        "AWS knows the caller and refuses the call. Besides the caller's own policies, a permissions boundary, a service \
         control policy of the organisation, a session policy or the policy of a key or bucket can refuse it; the message \
         says `explicit deny` when one of them does, and then no further permission helps. The command permissions \
         prints the policy that a plan, an apply or a destroy needs."
    WRONG_PLACE "SD3003" Access "the wrong account, region or environment"
        "The config or the command line names an account or a region, and the credentials lead to another; or the two, or a \
         variable such as STUDIO_DEPLOY_REGION or AWS_REGION, name different accounts, regions, organisations, environments, \
         data domains or modules. Nothing is ever changed in a place that was not named: choose other credentials with `--profile` or `--role-arn`, \
         or say one of the two. Case makes no difference in names."
    REGION "SD3004" Access "Studio is not available in the region"
        "SageMaker answered that it does not know the operation, which it does in regions where Studio does not exist. \
         Choose another region with `--region`."
    QUOTA "SD3005" Failed "a service quota is reached"
        "The account may not have more of this. Remove what is no longer used, or ask for more at \
         https://console.aws.amazon.com/servicequotas/home and run again: a run continues where the last one stopped."
    CONNECTION "SD3006" Failed "AWS cannot be reached"
        "The endpoint did not answer, or what answered was not AWS. Check the network, a proxy, VPC endpoints and \
         `--endpoint-url`. When the answer to a change was lost, running again looks at the account first."
    THROTTLED "SD3007" Failed "AWS throttles requests"
        "AWS kept answering that there are too many requests, after all retries. Something else uses the same account \
         heavily; run again later, or with a smaller `--parallelism`."
    TIMEOUT "SD3008" Failed "it took longer than allowed"
        "AWS accepted the request, and the object did not become ready in time. It may still do so: run again, and the run \
         waits for it. `--timeout KIND.OPERATION=DURATION` allows more."
    REJECTED "SD3009" Failed "AWS does not accept the request"
        "AWS found the request itself wrong, for the reason that it gives. Usually a value of the config is one that AWS \
         does not allow here, or refers to something that does not exist."
    CONFLICT "SD3010" Failed "it is in use or being changed"
        "The object exists already, is used by another, or is being changed by somebody else. Nothing was forced. Run again \
         once the other change is done."
    NOT_FOUND "SD3011" Access "something that is needed does not exist"
        "The request names something that is not there: it was deleted meanwhile, or the config refers to what does not \
         exist in this account and region."
    FAILED "SD3012" Failed "AWS reported a failure later"
        "AWS accepted the request and the object then failed, or is not what was asked for. Running again replaces a failed \
         object that holds no data and updates one that does."
    FAILED_CHECK "SD3013" Access "a check before the first write failed"
        "What the config refers to does not exist in this account and region, or does not let Studio work: a network, a \
         key, a role. Each step that relies on it says which and what to do. Nothing was changed; `--skip-blocked` applies \
         the rest."
    OTHER_CLOUD "SD3099" Failed "an AWS call failed"
        "AWS's own code and message say all there is to say. Running again is safe."
    BLOCKED "SD4001" Blocked "the plan holds something that may not happen"
        "Something cannot be done, or would lose data without consent. Each blocked step of the plan says why and what would \
         allow it. Until then nothing at all is applied; `--skip-blocked` applies the rest."
    STALE "SD4002" Stale "the saved plan is out of date"
        "Apply plans again and carries a saved plan out only when the same would happen. The account or the config has changed since \
         the plan was saved, the plan has expired or was saved by another version, or its file was cut or edited and no \
         longer fits its digest. Plan again and review what changed."
    DECLINED "SD4003" Declined "not approved"
        "The answer was not yes, or the name that was typed is not the deployment's. Nothing was changed."
    CANNOT_ASK "SD4004" Declined "approval is needed and nobody can be asked"
        "Standard input is no terminal, so nothing is ever asked. `--auto-approve` approves; what holds data needs \
         `--confirm NAME` with the deployment's name besides."
    LOCKED "SD5001" Locked "somebody else is applying"
        "One run at a time may change a deployment. The lock says who holds it and since when. It is taken over when its \
         process is certain to have ended (on the same machine, in the same PID namespace) or its heartbeat has been silent \
         for two minutes; `--lock-timeout` waits for it, and the command unlock frees it with `--yes`."
    LOCK_LOST "SD5002" Failed "the lock was taken away"
        "Another run took the lock over while this one was working, since this one was silent for too long (a laptop that \
         slept) or somebody removed the lock. This run stopped. Run again."
    INCOMPLETE "SD6001" Failed "not everything could be done"
        "Some steps failed and what waits for them was skipped; the rest was done. Nothing is rolled back. Fix what the \
         failures name and run again: what is done stays done."
    STOPPED "SD6002" Interrupted "stopped"
        "A signal stopped the run. Whatever only reads, or waits for the lock, ends at once and has changed nothing; of an \
         apply what was running was finished or recorded, and running again continues."
    FILE "SD7001" Failed "a file cannot be read or written"
        "The operating system refused it, for the reason that it gives."
    USAGE "SD7002" Usage "the command line cannot be understood"
        "An option is unknown, misses its value or contradicts another. `--help` behind any command lists what it takes."
    INVALID_CONFIG "SD7003" InvalidConfig "the config is invalid"
        "Every mistake is listed with its own code and place; `explain` knows those codes too. Nothing was called."
    INVALID_IDENTITY "SD7004" InvalidConfig "the deployment's name is incomplete or malformed"
        "An environment is named by four words: organisation, environment, data domain and module. All names in AWS derive \
         from them, so none can be guessed. They come from `--org`, `--env`, `--domain` and `--module`, from \
         STUDIO_DEPLOY_ORG and so on, or from the config's `deployment:` block; with an mdaa.yaml from its structure."
    SSO_URL "SD7005" InvalidConfig "the domain does not give out URLs"
        "A presigned URL signs its holder in as a user, which only domains with `authMode: IAM` allow. Users of a domain \
         with `authMode: SSO` open Studio from the AWS access portal."
    UNTELLABLE "SD7006" Failed "a value cannot be told in this form"
        "The value holds a line end, a control character, a character that is not seen, or what a CI system takes for a \
         command. A shell, a log or the file of GitHub's outputs would make something else of it than a value, and without \
         those characters it would be another value. `--format json` tells it as it is; somebody may have changed it in the \
         account, which drift shows."
    BUG "SD9001" Bug "a bug in studio-deploy"
        "Something happened that cannot happen. Report it together with the output of the same command with `-v`."
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
