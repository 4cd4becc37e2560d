//! `url`: a presigned URL that signs a user in to Studio. It is a credential: standard output only, and never logged.

use serde_json::json;

use super::args::{Format, UrlArgs};
use super::run::Run;
use crate::aws::sign_in::{SignIn, presigned_url};
use crate::cloud::{CloudError, ErrorKind};
use crate::config::suggest::nearest;
use crate::deploy::Connected;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::failure::codes;
use crate::resource::domain;

/// Number of users that a hint names at most.
const SOME: usize = 10;

pub(super) async fn run(args: &UrlArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    let screen = run.screen;
    let all = run.load_quietly(&args.files)?;
    let [loaded] = <[_; 1]>::try_from(all.deployments).map_err(|all| {
        Failure::new(&codes::USAGE, format!("{} deployments fit, and a URL is for one", all.len()))
            .help("choose one with --domain, --env and --module")
    })?;
    let connected = run.connect(loaded).await?;
    // Nothing else is looked at: whoever hands out URLs need not be let see the rest.
    let domain = domain::live(&connected.account).await.map_err(|error| connected.cloud(&error))?;
    let Some(domain) = domain else {
        return Err(Failure::new(
            &codes::NOT_FOUND,
            format!("{} has no domain in this account", connected.deployment()),
        )
        .help(format!("make it with {}", connected.caller.run("apply", &[]))));
    };
    if domain.properties.text("AuthMode") == Some("SSO") {
        return Err(Failure::new(
            &codes::SSO_URL,
            "the domain signs people in with IAM Identity Center, so no URL can be made",
        )
        .help("open Studio from the AWS access portal"));
    }
    let profile = profile_name(&connected, args);
    let sign_in = SignIn {
        domain_id: domain.id,
        profile,
        expires_in: args.expires_in,
        session_duration: args.session_duration,
        space: args.space.clone(),
        landing_uri: args.landing_uri.clone(),
    };
    let url = presigned_url(&connected.account, &sign_in).await;
    let refused = |error: CloudError| match error.kind {
        ErrorKind::NotFound if args.space.is_none() => unknown_user(&connected, args),
        _ => connected.cloud(&error),
    };
    let url = url.map_err(refused)?;
    if !is_url(&url) {
        let summary = "CreatePresignedDomainUrl: AWS answered with something that is no URL";
        return Err(Failure::new(&codes::OTHER_CLOUD, summary)
            .help("see what it is with `aws sagemaker create-presigned-domain-url`"));
    }
    match run.format() {
        Format::Json => screen.data(&format!("{}\n", json!({"user": args.user, "url": url})))?,
        _ => screen.data(&format!("{url}\n"))?,
    }
    if !args.raw {
        let time = args.expires_in.map_or(300, |time| time.as_secs());
        screen.note(&format!("whoever has this URL within {time} s is signed in as {}", args.user));
    }
    if args.open {
        open(&url)?;
    }
    Ok(Exit::Success)
}

/// Returns `true` if a text can be given to a browser and to a script: an address and nothing else.
fn is_url(text: &str) -> bool {
    text.starts_with("https://") && text.chars().all(|c| c.is_ascii_graphic())
}

/// The failure that the domain has no profile of the user, with those whom the config has.
fn unknown_user(connected: &Connected, args: &UrlArgs) -> Failure {
    let domain = connected.loaded.document.tree().get("domain");
    let users = domain.and_then(|domain| domain.get("userProfiles")?.map());
    let users: Vec<&str> = users.into_iter().flat_map(|users| users.keys().map(String::as_str)).collect();
    let help = if users.contains(&args.user.as_str()) {
        format!("make it with {}", connected.caller.run("apply", &[]))
    } else if let Some(near) = nearest(&args.user, users.iter().copied()) {
        format!("is `{near}` meant?")
    } else {
        let some = if users.is_empty() { "none".into() } else { users[..users.len().min(SOME)].join(", ") };
        let more = if users.len() > SOME { format!(" and {} more", users.len() - SOME) } else { String::new() };
        format!("users stand under `userProfiles` in the config: {some}{more}")
    };
    Failure::new(&codes::NOT_FOUND, format!("the domain has no user `{}`", args.user)).help(help)
}

/// The profile of a user: as the config names it, else as MDAA derives it.
fn profile_name(connected: &Connected, args: &UrlArgs) -> String {
    match connected.open_config() {
        Some(config) => config.domain.profile_name(&args.user),
        None => crate::naming::derive_profile_name(&args.user),
    }
}

fn open(url: &str) -> Result<(), Failure> {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let spawned = std::process::Command::new(opener).arg(url).spawn();
    spawned.map(drop).map_err(|error| {
        Failure::new(&codes::FILE, format!("the browser cannot be opened with `{opener}`: {error}"))
            .help("copy the URL instead")
    })
}
