//! Settings of the domain as a whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{ResourceSpec, wire};
use crate::config::{enums, patterns};

settings! {
    /// Settings of the domain as a whole, as in the SageMaker API's `DomainSettings`.
    struct DomainSettings {
        /// Security groups between domain-level apps (RStudio) and user apps.
        #[schemars(length(max = 3), extend("items" = patterns::NETWORK_ID.items()))]
        security_group_ids: Vec<String>,
        /// Settings of the domain's RStudio.
        r_studio_server_pro_domain_settings: RStudioServerProDomainSettings,
        /// Whether AWS logs carry the user profile's name as source identity. `USER_PROFILE_NAME` when absent.
        #[schemars(extend("enum" = enums::IDENTITY, "x-aws" = true))]
        execution_role_identity_config: String,
        /// Whether Identity Center identities reach other AWS services.
        trusted_identity_propagation_settings: StatusSettings,
        /// Access to Docker in Studio.
        docker_settings: DockerSettings,
        /// Amazon Q in Studio; needs `authMode: SSO`.
        amazon_q_settings: AmazonQSettings,
        /// Connection to SageMaker Unified Studio.
        unified_studio_settings: UnifiedStudioSettings,
        /// IP version of the domain's network interfaces.
        #[schemars(extend("enum" = enums::IP_ADDRESS_TYPE, "x-aws" = true))]
        ip_address_type: String,
    }

    /// A feature that is on or off.
    struct StatusSettings {
        /// On or off.
        #[schemars(extend("enum" = enums::SWITCH, "x-aws" = true))]
        status: String,
    }

    /// Settings of the domain's RStudio.
    #[schemars(extend("required" = ["domainExecutionRoleArn"]))]
    struct RStudioServerProDomainSettings {
        /// ARN of the role that RStudio runs as.
        #[schemars(length(min = 20, max = 2048), extend("pattern" = patterns::ROLE.regex))]
        domain_execution_role_arn: String,
        /// URL of RStudio Connect.
        r_studio_connect_url: String,
        /// URL of RStudio Package Manager.
        r_studio_package_manager_url: String,
        /// Image and instance type that RStudio starts with.
        default_resource_spec: ResourceSpec,
    }

    /// Access to Docker in Studio.
    struct DockerSettings {
        /// Whether Docker may be used.
        #[schemars(extend("enum" = enums::SWITCH, "x-aws" = true))]
        enable_docker_access: String,
        /// Accounts whose images may be pulled.
        #[schemars(length(max = 20), extend("items" = patterns::ACCOUNT.items()))]
        vpc_only_trusted_accounts: Vec<String>,
        /// Whether Docker runs without root.
        #[schemars(extend("enum" = enums::SWITCH, "x-aws" = true))]
        rootless_docker: String,
    }

    /// Amazon Q in Studio.
    struct AmazonQSettings {
        /// On or off.
        #[schemars(extend("enum" = enums::SWITCH, "x-aws" = true))]
        status: String,
        /// ARN of the Amazon Q profile.
        q_profile_arn: String,
    }

    /// Connection to SageMaker Unified Studio.
    struct UnifiedStudioSettings {
        /// Whether the domain opens in Studio too.
        #[schemars(extend("enum" = enums::SWITCH, "x-aws" = true))]
        studio_web_portal_access: String,
        /// Account of the Unified Studio domain.
        domain_account_id: String,
        /// Region of the Unified Studio domain.
        domain_region: String,
        /// Id of the Unified Studio domain.
        domain_id: String,
        /// Id of the project.
        project_id: String,
        /// Id of the environment.
        environment_id: String,
        /// Location of the project's files.
        project_s3_path: String,
        /// ARN of the Identity Center application.
        single_sign_on_application_arn: String,
    }
}
