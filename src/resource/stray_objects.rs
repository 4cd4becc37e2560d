//! Strange objects among the assets: somebody put them there, and apps copy them with the rest when they start.

use super::ObserveContext;
use super::bucket_object::{files, list_with};
use crate::aws::Account;
use crate::cloud::CloudError;
use crate::hint::quoted;
use crate::model::{Address, Found, Kind, Node, Observed, Owner, Path, Value};
use crate::plan::Watched;

const WHY: &str =
    "apps copy every object below this prefix when they start, and no asset of the config accounts for it";

/// The findings within an asset: files more than there should be.
pub fn watch(observed: &Observed, node: Option<&Node>) -> Vec<Watched> {
    let Some(wanted) = node.map(|node| files(&node.properties)) else { return Vec::new() };
    let live = observed.properties.get("Files").map(Value::entries).into_iter().flatten();
    let more = live.filter(|(path, _)| !wanted.contains_key(*path));
    more.map(|(path, found)| Watched::surplus(Path(vec!["Files".into(), path.clone()]), found, WHY)).collect()
}

/// The finding that an object stands beside the assets.
pub fn stranger(observed: &Observed) -> Option<Watched> {
    let keys = observed.properties.get("Keys")?;
    let first = keys.items().first()?.as_str()?;
    let bucket = observed.id.strip_prefix("s3://")?.split('/').next()?;
    let command = format!("aws s3 rm {}", quoted(format!("s3://{bucket}/{first}")));
    Some(Watched::by_hand(Path::of(["Keys"]), keys, WHY, command))
}

/// Objects in our bucket below the assets' prefix that belong to no asset: apps copy everything that is there when they
/// start. They are one thing together, by the prefix.
pub async fn find(account: &Account, context: ObserveContext<'_>) -> Result<Option<(Address, Found)>, CloudError> {
    let bucket = &account.names.bucket;
    let own = context.nodes.iter().filter(|node| node.properties.text("Bucket") == Some(bucket));
    let prefixes: Vec<&str> = own.filter_map(|node| node.properties.text("Prefix")).collect();
    // `<prefix>/<app type>/<asset>/`.
    let root = prefixes.first().and_then(|prefix| prefix.trim_end_matches('/').rsplit_once('/')?.0.rsplit_once('/'));
    let Some((root, _)) = root else { return Ok(None) };
    let root = format!("{root}/");
    let Some(listing) = list_with(&account.s3, bucket, &root).await? else { return Ok(None) };
    let left = context.record.iter().flat_map(|record| &record.left_assets);
    let left: Vec<&str> = left.filter_map(|place| place.strip_prefix(&format!("s3://{bucket}/"))).collect();
    let is_known = |key: &str| prefixes.iter().chain(&left).any(|prefix| key.starts_with(*prefix));
    // Keys that end with a slash are what consoles make folders of; they hold nothing.
    let strays = listing.keys().map(|path| format!("{root}{path}")).filter(|key| !is_known(key) && !key.ends_with('/'));
    let strays: Vec<Value> = strays.map(Value::from).collect();
    if strays.is_empty() {
        return Ok(None);
    }
    let observed = Observed::new(format!("s3://{bucket}/{root}"), Value::from_iter([("Keys", strays)]));
    let address = Address::new(Kind::BucketObject, root.trim_end_matches('/'));
    Ok(Some((address, Found::Foreign { owner: Owner::Unknown, observed: Some(observed) })))
}
