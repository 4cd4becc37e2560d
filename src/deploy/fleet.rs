//! Many deployments, some at once: they have nothing in common but the accounts that they are in, and whoever looks on.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::load::Loaded;
use crate::failure::Failure;

/// Number of deployments that are worked on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtOnce {
    /// In all.
    pub in_all: usize,
    /// In one account and region.
    pub in_account: usize,
}

impl AtOnce {
    /// One after another, in their order.
    pub const ONE: Self = Self::exactly(1);

    /// The usual number. AWS limits requests by account and region, and a deployment reads up to eight things at once: four
    /// of them are as fast as an account lets them be, and more would only be throttled. In all they are bounded by what
    /// this machine holds: each keeps its clients, its account's answers and its plan in memory, three megabytes with a few
    /// users.
    pub const USUAL: Self = Self { in_all: 24, in_account: 4 };

    /// So many, wherever they are: they have their turns in their order.
    pub const fn exactly(number: usize) -> Self {
        Self { in_all: number, in_account: Semaphore::MAX_PERMITS }
    }
}

/// Goes through deployments, `at_once` of them at a time, and returns what each came to, in their order. `ended` takes the
/// end of each as it comes, with the deployment's number. Whatever fails, all come to their end: one that is left in the middle
/// would leave its lock behind.
///
/// # Errors
/// The first that `ended` fails with.
pub async fn each<W, T, E>(
    deployments: Vec<Loaded>,
    at_once: AtOnce,
    one: impl Fn(Loaded) -> W,
    ended: impl Fn(usize, &str, Result<T, Failure>) -> Result<E, Failure>,
) -> Result<Vec<(String, E)>, Failure>
where
    W: Future<Output = Result<T, Failure>>,
{
    let in_all = Semaphore::new(at_once.in_all);
    let place = |loaded: &Loaded| (loaded.account.clone(), loaded.region.clone());
    let in_account: BTreeMap<_, Semaphore> =
        deployments.iter().map(|loaded| (place(loaded), Semaphore::new(at_once.in_account))).collect();
    let (one, ended, in_all) = (&one, &ended, &in_all);
    let runs = deployments.into_iter().enumerate().map(|(number, loaded)| {
        let in_account = &in_account[&place(&loaded)];
        Box::pin(async move {
            // The account's turn first: whoever waits for that must not keep others from theirs. They are never closed.
            let _turns = (in_account.acquire().await, in_all.acquire().await);
            let name = loaded.names.to_string();
            let end = ended(number, &name, one(loaded).await)?;
            Ok::<_, Failure>((name, end))
        })
    });
    join_all(runs).await.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::document::Document;
    use crate::config::document::InputFile;
    use crate::deploy::IdentityNames;
    use crate::failure::codes;

    fn loaded(module: &str, account: &str) -> Loaded {
        let file = InputFile { name: "studio.yaml".into(), text: "domain: {}".into() };
        let said = IdentityNames { org: "acme".into(), env: "dev".into(), domain: "ml".into(), module: module.into() };
        Loaded {
            document: Document::parse(&[file], &|_| Err(String::new())).unwrap(),
            names: said.clone(),
            said,
            account: Some(account.into()),
            region: None,
            values: BTreeMap::new(),
            tags: BTreeMap::new(),
            permissions_boundary: None,
            environment: BTreeMap::new(),
            is_one_of_several: true,
        }
    }

    /// The most that were under way at once, in all and in one account, and the order in which they began.
    async fn go(at_once: AtOnce, deployments: Vec<Loaded>) -> (usize, usize, Vec<String>) {
        let (now, most) = (RefCell::new(BTreeMap::<String, usize>::new()), Cell::new((0, 0)));
        let order = RefCell::new(Vec::new());
        let one = |loaded: Loaded| {
            let (now, most, order) = (&now, &most, &order);
            async move {
                order.borrow_mut().push(loaded.names.module.clone());
                let account = loaded.account.unwrap_or_default();
                *now.borrow_mut().entry(account.clone()).or_default() += 1;
                let (all, one) = most.get();
                let sum: usize = now.borrow().values().sum();
                most.set((all.max(sum), one.max(now.borrow()[&account])));
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
                *now.borrow_mut().get_mut(&account).unwrap() -= 1;
                match loaded.names.module.as_str() {
                    "m3" => Err(Failure::new(&codes::BUG, "no")),
                    module => Ok(module.to_owned()),
                }
            }
        };
        let ended = |_: usize, name: &str, end: Result<String, Failure>| Ok(end.unwrap_or_else(|_| format!("{name}!")));
        let ends = each(deployments, at_once, one, ended).await.unwrap();
        let expected = |number: usize| if number == 3 { "acme/dev/ml/m3!".into() } else { format!("m{number}") };
        assert!(ends.iter().enumerate().all(|(number, (_, end))| *end == expected(number)), "{ends:?}");
        (most.get().0, most.get().1, order.into_inner())
    }

    #[tokio::test]
    async fn an_account_has_its_own_number_and_no_failure_holds_up_the_others() {
        let many =
            || (0..20).map(|number| loaded(&format!("m{number}"), if number < 10 { "a" } else { "b" })).collect();
        let (all, one, _) = go(AtOnce::USUAL, many()).await;
        assert_eq!((all, one), (8, 4));
        let (all, one, _) = go(AtOnce { in_all: 6, in_account: 4 }, many()).await;
        assert_eq!((all, one), (6, 4));
        let (all, _, order) = go(AtOnce::ONE, many()).await;
        assert_eq!((all, order), (1, (0..20).map(|number| format!("m{number}")).collect()));
        assert_eq!(go(AtOnce::exactly(7), many()).await.0, 7);
    }
}
