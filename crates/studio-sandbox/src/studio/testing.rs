//! An account for tests, filled by hand.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::handle;
use crate::core::records::{KEYS, Key, ROLES, Role, SECURITY_GROUPS, SUBNETS, SecurityGroup, SubnetRecord, VPCS, Vpc};
use crate::core::wire::{Answer, Principal, Refusal};
use crate::core::world::World;

/// An account with two VPCs, three subnets, five security groups and a role.
pub struct TestAccount {
    pub world: World,
    pub role: String,
    caller: Principal,
}

impl TestAccount {
    pub fn new() -> Self {
        let mut world = World::default();
        world.found("123456789012", "us-east-1");
        for id in ["vpc-1", "vpc-2"] {
            world.put(VPCS, id, &Vpc { id: id.into(), cidr: "10.0.0.0/16".into() });
        }
        for (id, vpc) in
            [("subnet-1", "vpc-1"), ("subnet-2", "vpc-1"), ("subnet-3", "vpc-1"), ("subnet-elsewhere", "vpc-2")]
        {
            let subnet = SubnetRecord {
                id: id.into(),
                vpc: vpc.into(),
                cidr: "10.0.0.0/24".into(),
                zone: "us-east-1a".into(),
                shared_with: Vec::new(),
            };
            world.put(SUBNETS, id, &subnet);
        }
        for (id, vpc) in
            [("sg-1", "vpc-1"), ("sg-2", "vpc-1"), ("sg-3", "vpc-1"), ("sg-4", "vpc-1"), ("sg-elsewhere", "vpc-2")]
        {
            let group = SecurityGroup {
                id: id.into(),
                name: id.into(),
                description: String::new(),
                vpc: vpc.into(),
                tags: BTreeMap::new(),
                rules: BTreeMap::new(),
                held_until: 0,
            };
            world.put(SECURITY_GROUPS, id, &group);
        }
        let caller = Principal {
            arn: "arn:aws:sts::123456789012:assumed-role/admin/ann".into(),
            user_id: "AROAADMIN:ann".into(),
            principal_arn: "arn:aws:iam::123456789012:role/admin".into(),
        };
        let mut account = Self { world, role: String::new(), caller };
        account.role = account.role("execution", 0);
        account
    }

    /// A role that trusts Studio, source identity included.
    pub fn role(&mut self, name: &str, visible_at: i64) -> String {
        self.role_with_trust(name, visible_at, &["sts:AssumeRole", "sts:SetSourceIdentity"])
    }

    pub fn role_with_trust(&mut self, name: &str, visible_at: i64, actions: &[&str]) -> String {
        let arn = format!("arn:aws:iam::123456789012:role/{name}");
        let role = Role {
            name: name.into(),
            path: "/".into(),
            id: format!("AROA{}", name.to_uppercase()),
            arn: arn.clone(),
            trust: json!({"Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": actions}]})
            .to_string(),
            description: None,
            max_session: 3600,
            boundary: None,
            tags: BTreeMap::new(),
            attached: Vec::new(),
            inline: BTreeMap::new(),
            created: 0,
            visible_at,
        };
        self.world.put(ROLES, name, &role);
        arn
    }

    pub fn key(&mut self, id: &str, enabled: bool) {
        let key = Key {
            id: id.into(),
            description: String::new(),
            policy: String::new(),
            tags: BTreeMap::new(),
            rotation: false,
            enabled,
            deletion_at: None,
            created: 0,
        };
        self.world.put(KEYS, id, &key);
    }

    #[expect(clippy::needless_pass_by_value, reason = "every caller writes the request as a literal")]
    pub fn call(&mut self, operation: &str, input: Json) -> Answer {
        handle(&mut self.world, operation, &input, &self.caller)
    }

    /// The answer of an operation that must succeed.
    pub fn ok(&mut self, operation: &str, input: Json) -> Json {
        self.call(operation, input).unwrap_or_else(|refusal| panic!("{operation}: {refusal}"))
    }

    /// The refusal of an operation that must be refused, and change nothing.
    pub fn refused(&mut self, operation: &str, input: Json) -> Refusal {
        super::life::settle(&mut self.world);
        self.world.take_changes();
        let refusal = self.call(operation, input.clone()).expect_err(&format!("{operation} {input}"));
        assert_eq!(self.world.take_changes(), [], "a refused {operation} changed something");
        refusal
    }

    /// A request of `CreateDomain` that succeeds, with `more` members.
    pub fn domain_request(&self, more: Json) -> Json {
        let mut request = json!({
            "DomainName": "studio",
            "AuthMode": "IAM",
            "VpcId": "vpc-1",
            "SubnetIds": ["subnet-1", "subnet-2"],
            "AppNetworkAccessType": "VpcOnly",
            "DefaultUserSettings": {"ExecutionRole": self.role, "SecurityGroups": ["sg-1"]},
        });
        overlay(&mut request, more);
        request
    }

    /// A new domain's id.
    pub fn domain(&mut self, more: Json) -> String {
        let request = self.domain_request(more);
        self.ok("CreateDomain", request)["DomainId"].as_str().unwrap().to_owned()
    }

    /// The id of a domain that is in service.
    pub fn in_service(&mut self, more: Json) -> String {
        let id = self.domain(more);
        self.world.advance(150_000);
        assert_eq!(self.domain_status(&id), "InService");
        id
    }

    pub fn domain_status(&mut self, id: &str) -> String {
        self.ok("DescribeDomain", json!({"DomainId": id}))["Status"].as_str().unwrap().to_owned()
    }

    /// A user profile that is in service.
    pub fn profile(&mut self, domain: &str, name: &str, more: Json) {
        let mut request = json!({"DomainId": domain, "UserProfileName": name});
        overlay(&mut request, more);
        self.ok("CreateUserProfile", request);
        self.world.advance(15_000);
    }

    /// The request that names an app of a user profile, and `more`.
    pub fn app_request(domain: &str, profile: &str, more: Json) -> Json {
        let mut request =
            json!({"DomainId": domain, "UserProfileName": profile, "AppType": "JupyterLab", "AppName": "default"});
        overlay(&mut request, more);
        request
    }

    /// An app of a user profile that is in service.
    pub fn app(&mut self, domain: &str, profile: &str) {
        self.ok("CreateApp", Self::app_request(domain, profile, json!({})));
        self.world.advance(150_000);
    }

    /// A new lifecycle configuration's ARN.
    pub fn lifecycle_config(&mut self, name: &str) -> String {
        let request = json!({
            "StudioLifecycleConfigName": name,
            "StudioLifecycleConfigContent": "IyEvYmluL2Jhc2gK",
            "StudioLifecycleConfigAppType": "JupyterLab",
        });
        self.ok("CreateStudioLifecycleConfig", request)["StudioLifecycleConfigArn"].as_str().unwrap().to_owned()
    }
}

fn overlay(request: &mut Json, more: Json) {
    match (request, more) {
        (Json::Object(object), Json::Object(more)) => {
            for (name, value) in more {
                overlay(object.entry(name).or_insert(Json::Null), value);
            }
        }
        (slot, value) => *slot = value,
    }
}
