//! The sandbox as a server, and the program as a client of another process that knows only HTTP.

use std::io::{BufRead, BufReader};
use std::process::Child;

use super::*;

/// A served sandbox, stopped at the end of the test.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(desk: &Desk) -> Self {
        let mut command = desk.command(&["sandbox", "serve", "--sandbox=F"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { child, url: url.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A command as somebody with an AWS account runs it.
fn client(desk: &Desk, args: &[&str]) -> Command {
    let mut command = desk.command(args);
    command.args(IDENTITY);
    for (name, value) in
        [("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_REGION", "us-east-1")]
    {
        command.env(name, value);
    }
    command
}

#[test]
fn an_environment_lives_over_http() {
    let desk = Desk::new();
    desk.run(&["sandbox", "seed", "minimal.yaml"]).expect(0);
    let server = Server::start(&desk);
    let endpoint = ["--endpoint-url", server.url.as_str()];
    let apply = end(client(&desk, &["apply", "minimal.yaml", "--auto-approve"]).args(endpoint));
    apply.expect(0).data_has("27 created");
    // The standard variable leads to the same place.
    let plan =
        end(client(&desk, &["plan", "minimal.yaml", "--detailed-exitcode"]).env("AWS_ENDPOINT_URL", &server.url));
    plan.expect(0).data_has("No changes");
    let destroy = ["destroy", "minimal.yaml", "--auto-approve", "--confirm", NAME];
    end(client(&desk, &destroy).args(endpoint)).expect(0).data_has("Destroy complete");
}

#[test]
fn profiles_and_roles_lead_to_the_account() {
    let desk = Desk::new();
    desk.run(&["sandbox", "seed", "minimal.yaml"]).expect(0);
    let server = Server::start(&desk);
    desk.write("config", &format!("[profile team]\nregion = us-east-1\nendpoint_url = {}\n", server.url));
    desk.write("credentials", "[team]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = secret\n");
    let mut args = vec!["plan", "minimal.yaml", "--profile", "team"];
    args.extend(IDENTITY);
    let mut profile = desk.command(&args);
    profile.env("AWS_CONFIG_FILE", desk.path("config")).env("AWS_SHARED_CREDENTIALS_FILE", desk.path("credentials"));
    end(&mut profile).expect(0).data_has("27 to create");
    let role = "arn:aws:iam::123456789012:role/test-admin-role";
    let ended = end(client(&desk, &["plan", "minimal.yaml", "--role-arn", role, "--endpoint-url", &server.url]));
    // The role is assumed, and has no policy that would let it look at anything.
    ended.expect(4).notes_have("assumed-role/test-admin-role/studio-deploy is not authorized to perform");
}

#[test]
fn an_endpoint_that_nobody_answers_is_named() {
    let desk = Desk::new();
    let ended = end(client(&desk, &["plan", "minimal.yaml", "--endpoint-url", "http://127.0.0.1:9"]));
    ended.expect(1).notes_have("--endpoint-url");
}
