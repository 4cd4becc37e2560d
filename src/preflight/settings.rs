//! Things of Studio's own that settings name and nobody makes here: images with their versions and app configurations,
//! and scripts.
//!
//! SageMaker refuses a domain or a profile that names what is not there, after much was written. What another account has
//! and names by its ARN cannot be looked at from here.

use std::collections::BTreeMap;
use std::fmt;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Findings, brings};
use crate::aws::Account;
use crate::aws::error::failed;
use crate::cloud::{CloudError, ErrorKind};
use crate::model::{Arn, Deployment, Kind, Path, Value};
use crate::plan::{Plan, Step};

/// Number of things that are looked up at once.
const PARALLEL: usize = 8;

/// A thing that settings name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Image(String),
    ImageVersion(String, i32),
    AppImageConfig(String),
    Script(String),
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(name) => write!(f, "image {name}"),
            Self::ImageVersion(name, version) => write!(f, "version {version} of the image {name}"),
            Self::AppImageConfig(name) => write!(f, "app image config {name}"),
            Self::Script(name) => write!(f, "lifecycle config {name}"),
        }
    }
}

impl Thing {
    /// The command of the AWS CLI that lists them.
    fn lists(&self) -> String {
        match self {
            Self::Image(_) => "list-images".into(),
            Self::ImageVersion(name, _) => format!("list-image-versions --image-name {name}"),
            Self::AppImageConfig(_) => "list-app-image-configs".into(),
            Self::Script(_) => "list-studio-lifecycle-configs".into(),
        }
    }

    async fn exists(&self, account: &Account) -> Result<bool, CloudError> {
        let api = &account.sagemaker;
        let looked = match self {
            Self::Image(name) => {
                let answer = api.describe_image().image_name(name).send().await;
                answer.map(drop).map_err(|e| failed("DescribeImage", e))
            }
            Self::ImageVersion(name, version) => {
                let answer = api.describe_image_version().image_name(name).version(*version).send().await;
                answer.map(drop).map_err(|e| failed("DescribeImageVersion", e))
            }
            Self::AppImageConfig(name) => {
                let answer = api.describe_app_image_config().app_image_config_name(name).send().await;
                answer.map(drop).map_err(|e| failed("DescribeAppImageConfig", e))
            }
            Self::Script(name) => {
                let answer = api.describe_studio_lifecycle_config().studio_lifecycle_config_name(name).send().await;
                answer.map(drop).map_err(|e| failed("DescribeStudioLifecycleConfig", e))
            }
        };
        match looked {
            Ok(()) => Ok(true),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Looks up everything that a step begins to name.
pub(super) async fn existence(account: &Account, plan: &Plan, findings: &Findings) -> Result<(), CloudError> {
    let mut named: BTreeMap<Thing, Vec<(&Step, Path)>> = BTreeMap::new();
    // What this plan knows needs no look.
    let known = |arn: &str| {
        let live = plan.steps().iter().filter_map(|step| step.observed());
        live.into_iter().any(|live| live.outputs.values().any(|output| output == arn))
    };
    for step in plan.steps().iter().filter(|step| matches!(step.address().kind, Kind::Domain | Kind::UserProfile)) {
        let Some(node) = step.node() else { continue };
        let mut add = |thing: Thing, path: &Path| {
            if brings(step, path) {
                named.entry(thing).or_default().push((step, path.clone()));
            }
        };
        visit(&node.properties, &mut Path::default(), &mut |path, value| {
            let here = &account.deployment;
            of(path, value, here)
                .into_iter()
                .filter(|_| !value.as_str().is_some_and(known))
                .for_each(|thing| add(thing, path));
        });
    }
    let looks = named.into_iter().map(|(thing, uses)| async move { Ok((thing.exists(account).await?, thing, uses)) });
    let looked: Vec<_> = stream::iter(looks).buffered(PARALLEL).try_collect::<Vec<_>>().await?;
    for (_, thing, uses) in looked.into_iter().filter(|(exists, ..)| !exists) {
        let place = &account.deployment;
        for (step, path) in uses {
            let why = format!("the {thing} does not exist in {} of account {}", place.region, place.account);
            let hint =
                format!("name one that does, or make it first: `aws sagemaker {}` shows what there is", thing.lists());
            findings.against(step, &path, why, hint);
        }
    }
    Ok(())
}

/// Visits a tree from above, lists included.
fn visit(value: &Value, path: &mut Path, see: &mut impl FnMut(&Path, &Value)) {
    see(path, value);
    let mut below = |key: String, value: &Value| {
        path.0.push(key);
        visit(value, path, see);
        path.0.pop();
    };
    match value {
        Value::List(items) => items.iter().enumerate().for_each(|(at, item)| below(at.to_string(), item)),
        value => value.entries().for_each(|(key, member)| below(key.clone(), member)),
    }
}

/// The things that a value names, by the key that it stands at.
fn of(path: &Path, value: &Value, here: &Deployment) -> Vec<Thing> {
    let key = path.0.iter().rev().find(|key| key.parse::<usize>().is_err()).map_or("", String::as_str);
    let text = value.as_str();
    let own = |kind: &str| {
        let arn = Arn::parse(text?)
            .filter(|arn| arn.service == "sagemaker" && arn.account == here.account && arn.region == here.region)?;
        arn.resource.strip_prefix(kind).map(str::to_owned)
    };
    match (key, text) {
        ("AppImageConfigName", Some(name)) => vec![Thing::AppImageConfig(name.into())],
        ("CustomImages", None) => {
            let Some(name) = value.text("ImageName") else { return Vec::new() };
            let number = match value.get("ImageVersionNumber") {
                Some(Value::Number(number)) => {
                    number.to_number().as_i64().and_then(|number| i32::try_from(number).ok())
                }
                _ => None,
            };
            let version = number.map(|number| Thing::ImageVersion(name.into(), number));
            // A version is there only where its image is.
            vec![version.unwrap_or_else(|| Thing::Image(name.into()))]
        }
        ("SageMakerImageArn", Some(_)) => own("image/").map(Thing::Image).into_iter().collect(),
        ("SageMakerImageVersionArn", Some(_)) => {
            let version = own("image-version/").and_then(|of| {
                let (name, number) = of.rsplit_once('/')?;
                Some(Thing::ImageVersion(name.into(), number.parse().ok()?))
            });
            version.into_iter().collect()
        }
        ("LifecycleConfigArn" | "BuiltInLifecycleConfigArn" | "LifecycleConfigArns", Some(_)) => {
            own("studio-lifecycle-config/").map(Thing::Script).into_iter().collect()
        }
        _ => Vec::new(),
    }
}
