//! Fixtures that unit tests share.

use crate::model::Deployment;

/// The deployment that tests are about unless they say otherwise.
pub fn deployment() -> Deployment {
    let [org, env, domain, module] = ["acme", "dev", "ml", "studio"].map(str::to_owned);
    Deployment {
        org,
        env,
        domain,
        module,
        account: "123456789012".into(),
        region: "us-east-1".into(),
        partition: "aws".into(),
    }
}
