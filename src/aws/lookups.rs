//! Answers about what several deployments of one account and region refer to, each asked for once.
//!
//! They are shared by the deployments of one run, and only while nothing in the run can change anything: what decides a
//! write is always asked by the deployment that makes it. So commands that only read share a [`Lookups`], and apply and
//! destroy have none. An answer that failed is not kept: whoever asks next asks AWS.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_iam::types::Role;
use aws_sdk_sagemaker::types::DomainDetails;
use tokio::sync::OnceCell;

use super::error::failed;
use super::{Account, PAGE, tags};
use crate::cloud::{CloudError, ErrorKind};
use crate::config::template::{Parameter, ParameterName};

/// Tags of a thing by key; none of one that is gone, or that its own policy hides from the caller.
pub type TagsSeen = Option<BTreeMap<String, String>>;

/// Answers about one account and region that deployments share.
#[derive(Debug, Default)]
pub struct Lookups {
    domains: Answers<(), Arc<Vec<DomainDetails>>>,
    domain_tags: Answers<String, TagsSeen>,
    roles: Answers<String, Option<Role>>,
    all_roles: Answers<(), Arc<Vec<Role>>>,
    keys: Answers<(), Arc<Vec<String>>>,
    key_tags: Answers<String, TagsSeen>,
    /// Held while they are asked for, since several go into one call.
    parameters: tokio::sync::Mutex<BTreeMap<ParameterName, Option<Parameter>>>,
}

/// Answers by what was asked. Whoever asks while the same question is under way waits for its answer.
#[derive(Debug)]
struct Answers<K, V>(Mutex<BTreeMap<K, Arc<OnceCell<V>>>>);

impl<K, V> Default for Answers<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord, V: Clone> Answers<K, V> {
    async fn get(&self, question: K, ask: impl Future<Output = Result<V, CloudError>>) -> Result<V, CloudError> {
        let cell = Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(question).or_default());
        cell.get_or_try_init(|| ask).await.cloned()
    }
}

/// Asks `$answers` of what the account shares, and AWS where it shares nothing.
macro_rules! ask {
    ($account:expr, $answers:ident, $question:expr, $ask:expr) => {
        match &$account.lookups {
            Some(lookups) => lookups.$answers.get($question, $ask).await,
            None => $ask.await,
        }
    };
}

impl Account {
    /// The domains of the account and region.
    ///
    /// # Errors
    /// What SageMaker fails with.
    pub async fn domains(&self) -> Result<Arc<Vec<DomainDetails>>, CloudError> {
        let list = async {
            let domains = self.sagemaker.list_domains().into_paginator().page_size(PAGE).items().send();
            domains.try_collect().await.map(Arc::new).map_err(|e| failed("ListDomains", e))
        };
        ask!(self, domains, (), list)
    }

    /// The tags of somebody's domain, by its ARN, as `ask` finds them.
    ///
    /// # Errors
    /// What `ask` fails with.
    pub async fn domain_tags(
        &self,
        arn: &str,
        ask: impl Future<Output = Result<TagsSeen, CloudError>>,
    ) -> Result<TagsSeen, CloudError> {
        ask!(self, domain_tags, arn.to_owned(), ask)
    }

    /// The role of a name that is not made here; none when there is none of that name.
    ///
    /// # Errors
    /// What IAM fails with.
    pub async fn given_role(&self, name: &str) -> Result<Option<Role>, CloudError> {
        let get = async {
            match self.iam.get_role().role_name(name).send().await.map_err(|e| failed("GetRole", e)) {
                Ok(answer) => Ok(answer.role),
                Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            }
        };
        ask!(self, roles, name.to_owned(), get)
    }

    /// All roles of the account.
    ///
    /// # Errors
    /// What IAM fails with.
    pub async fn all_roles(&self) -> Result<Arc<Vec<Role>>, CloudError> {
        let list = async {
            let roles = self.iam.list_roles().into_paginator().items().send().try_collect().await;
            roles.map(Arc::new).map_err(|e| failed("ListRoles", e))
        };
        ask!(self, all_roles, (), list)
    }

    /// The ids of all keys of the account and region.
    ///
    /// # Errors
    /// What KMS fails with.
    pub async fn all_keys(&self) -> Result<Arc<Vec<String>>, CloudError> {
        let list = async {
            let keys = self.kms.list_keys().into_paginator().items().send().try_collect().await;
            let keys = keys.map_err(|e| failed("ListKeys", e))?;
            Ok(Arc::new(keys.into_iter().filter_map(|key| key.key_id).collect()))
        };
        ask!(self, keys, (), list)
    }

    /// The tags of a key that may be anybody's, by its id; none when it is gone, or when its own policy shuts the caller out.
    ///
    /// # Errors
    /// What KMS fails with.
    pub async fn key_tags(&self, id: &str) -> Result<TagsSeen, CloudError> {
        let list = async {
            let tags = self.kms.list_resource_tags().key_id(id).into_paginator().items().send();
            match tags.try_collect().await.map_err(|e| failed("ListResourceTags", e)) {
                Ok(live) => Ok(Some(tags::by_key(&live))),
                // Gone between the two calls.
                Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
                // The keys that we and MDAA make leave it to IAM who may look at them. One whose own policy shuts the caller
                // out is somebody else's; IAM says which policy it is that does not allow.
                Err(error) if error.kind == ErrorKind::Denied && error.message.contains("no resource-based polic") => {
                    Ok(None)
                }
                Err(error) => Err(error),
            }
        };
        ask!(self, key_tags, id.to_owned(), list)
    }

    /// The parameters of these names, as `ask` finds those that nobody has asked for yet; what it does not find is not there.
    ///
    /// # Errors
    /// What `ask` fails with.
    pub async fn parameters_by<F>(
        &self,
        names: BTreeSet<ParameterName>,
        ask: impl FnOnce(Vec<ParameterName>) -> F,
    ) -> Result<BTreeMap<ParameterName, Parameter>, CloudError>
    where
        F: Future<Output = Result<BTreeMap<ParameterName, Parameter>, CloudError>>,
    {
        let Some(lookups) = &self.lookups else { return ask(names.into_iter().collect()).await };
        let mut known = lookups.parameters.lock().await;
        let unknown: Vec<ParameterName> = names.iter().filter(|name| !known.contains_key(*name)).cloned().collect();
        if !unknown.is_empty() {
            let mut found = ask(unknown.clone()).await?;
            known.extend(unknown.into_iter().map(|name| {
                let value = found.remove(&name);
                (name, value)
            }));
        }
        Ok(names.into_iter().filter_map(|name| Some((name.clone(), known.get(&name)?.clone()?))).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn a_question_is_asked_once_and_again_after_a_failure() {
        let answers = Answers::default();
        let asked = Cell::new(0);
        let ask = |answer: Result<u32, CloudError>| {
            let asked = &asked;
            async move {
                asked.set(asked.get() + 1);
                tokio::task::yield_now().await;
                answer
            }
        };
        let refused = CloudError::new(ErrorKind::Denied, "GetRole", "no");
        assert_eq!(answers.get("ann", ask(Err(refused.clone()))).await, Err(refused));
        let both = tokio::join!(answers.get("ann", ask(Ok(1))), answers.get("ann", ask(Ok(2))));
        assert_eq!((both, asked.get()), ((Ok(1), Ok(1)), 2), "the second waits for the first");
        assert_eq!((answers.get("ben", ask(Ok(3))).await, asked.get()), (Ok(3), 3));
    }
}
