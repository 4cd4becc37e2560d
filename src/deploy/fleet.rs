//! Many deployments, some at once: they have nothing in common but whoever looks on.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::load::Loaded;
use crate::failure::Failure;

/// Goes through deployments, `at_once` of them at a time, and returns what each came to, in their order. `ended` takes the
/// end of one when its turn comes; with an error of its own the rest is given up.
///
/// # Errors
/// What `ended` fails with.
pub async fn each<W, T, E>(
    deployments: Vec<Loaded>,
    at_once: usize,
    one: impl Fn(Loaded) -> W,
    ended: impl Fn(&str, Result<T, Failure>) -> Result<E, Failure>,
) -> Result<Vec<(String, E)>, Failure>
where
    W: Future<Output = Result<T, Failure>>,
{
    let ended = &ended;
    let runs = deployments.into_iter().map(|loaded| {
        let name = loaded.names.to_string();
        let work = one(loaded);
        async move {
            let end = ended(&name, work.await)?;
            Ok::<_, Failure>((name, end))
        }
    });
    stream::iter(runs).buffered(at_once).try_collect().await
}
