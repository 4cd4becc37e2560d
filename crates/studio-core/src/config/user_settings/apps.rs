//! Settings of the apps that users start, Canvas aside.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::wire;
use crate::config::{enums, patterns};

settings! {
    /// Image, instance type and lifecycle config that an app starts with.
    struct ResourceSpec {
        /// ARN of the image.
        #[schemars(length(max = 256), extend("pattern" = patterns::IMAGE.regex))]
        sage_maker_image_arn: String,
        /// ARN of the image's version.
        #[schemars(length(max = 256), extend("pattern" = patterns::IMAGE_VERSION.regex))]
        sage_maker_image_version_arn: String,
        /// Alias of the image's version, such as `1.2.3`. Extension.
        #[schemars(length(min = 1, max = 128), extend("x-extension" = true))]
        sage_maker_image_version_alias: String,
        /// Instance type; the Jupyter server knows only `system`.
        #[schemars(extend("examples" = ["system", "ml.t3.medium"], "pattern" = patterns::INSTANCE_TYPE.regex))]
        instance_type: String,
        /// ARN of the lifecycle config that runs by default.
        #[schemars(length(max = 256), extend("pattern" = patterns::LIFECYCLE_CONFIG.regex))]
        lifecycle_config_arn: String,
        /// ARN of a training plan whose reserved capacity the app uses. Extension.
        #[schemars(length(max = 2048), extend("x-extension" = true))]
        training_plan_arn: String,
    }

    /// Settings of Studio Classic's Jupyter server.
    struct JupyterServerAppSettings {
        /// Image, instance type and lifecycle config that the app starts with.
        default_resource_spec: ResourceSpec,
        /// ARNs of the lifecycle configs that users may choose from.
        #[schemars(extend("items" = patterns::LIFECYCLE_CONFIG.items()))]
        lifecycle_config_arns: Vec<String>,
        /// Repositories offered for cloning. Extension.
        #[schemars(length(max = 10), extend("x-extension" = true))]
        code_repositories: Vec<CodeRepository>,
    }

    /// Settings of Studio Classic's kernels.
    struct KernelGatewayAppSettings {
        /// Image, instance type and lifecycle config that the app starts with.
        default_resource_spec: ResourceSpec,
        /// The team's own images.
        #[schemars(length(max = 200))]
        custom_images: Vec<CustomImage>,
        /// ARNs of the lifecycle configs that users may choose from.
        #[schemars(extend("items" = patterns::LIFECYCLE_CONFIG.items()))]
        lifecycle_config_arns: Vec<String>,
    }

    /// Settings of JupyterLab apps.
    struct JupyterLabAppSettings {
        /// Image, instance type and lifecycle config that the app starts with.
        default_resource_spec: ResourceSpec,
        /// The team's own images.
        #[schemars(length(max = 200))]
        custom_images: Vec<CustomImage>,
        /// ARNs of the lifecycle configs that users may choose from.
        #[schemars(extend("items" = patterns::LIFECYCLE_CONFIG.items()))]
        lifecycle_config_arns: Vec<String>,
        /// Repositories offered for cloning.
        #[schemars(length(max = 10))]
        code_repositories: Vec<CodeRepository>,
        /// Automatic stop of idle apps.
        app_lifecycle_management: AppLifecycleManagement,
        /// EMR clusters that users may reach. Extension.
        #[schemars(extend("x-extension" = true))]
        emr_settings: EmrSettings,
        /// ARN of the lifecycle config that runs before the default one.
        #[schemars(length(max = 256), extend("pattern" = patterns::LIFECYCLE_CONFIG.regex))]
        built_in_lifecycle_config_arn: String,
    }

    /// Settings of Code Editor apps.
    struct CodeEditorAppSettings {
        /// Image, instance type and lifecycle config that the app starts with.
        default_resource_spec: ResourceSpec,
        /// The team's own images.
        #[schemars(length(max = 200))]
        custom_images: Vec<CustomImage>,
        /// ARNs of the lifecycle configs that users may choose from.
        #[schemars(extend("items" = patterns::LIFECYCLE_CONFIG.items()))]
        lifecycle_config_arns: Vec<String>,
        /// Automatic stop of idle apps.
        app_lifecycle_management: AppLifecycleManagement,
        /// ARN of the lifecycle config that runs before the default one.
        #[schemars(length(max = 256), extend("pattern" = patterns::LIFECYCLE_CONFIG.regex))]
        built_in_lifecycle_config_arn: String,
    }

    /// Settings of TensorBoard apps.
    struct TensorBoardAppSettings {
        /// Image, instance type and lifecycle config that the app starts with.
        default_resource_spec: ResourceSpec,
    }

    /// Settings of R sessions.
    struct RSessionAppSettings {
        /// Image, instance type and lifecycle config that the app starts with.
        default_resource_spec: ResourceSpec,
        /// The team's own images.
        #[schemars(length(max = 200))]
        custom_images: Vec<CustomImage>,
    }

    /// Access of users to RStudio.
    struct RStudioServerProAppSettings {
        /// Whether the user may open RStudio.
        #[schemars(extend("enum" = enums::SWITCH, "x-aws" = true))]
        access_status: String,
        /// Rights in RStudio. MDAA's sample says `Admin`; it and `User` are read as AWS's `R_STUDIO_ADMIN` and `R_STUDIO_USER`.
        #[schemars(extend("enum" = enums::R_STUDIO_GROUP, "x-aws" = true))]
        user_group: String,
    }

    /// Automatic stop of idle apps.
    struct AppLifecycleManagement {
        /// Conditions under which an app is idle, and what happens then.
        idle_settings: IdleSettings,
    }

    /// Conditions under which an app is idle, and what happens then.
    struct IdleSettings {
        /// Whether idle apps are stopped.
        #[schemars(extend("enum" = enums::SWITCH, "x-aws" = true))]
        lifecycle_management: String,
        /// Minutes of idleness after which an app is stopped.
        #[schemars(range(min = 60, max = 525_600))]
        idle_timeout_in_minutes: i64,
        // The schema must accept MDAA's published sample, which says 30, hence a keyword of our own for the minimum.
        /// The minimum that users may choose; AWS accepts 60 and more.
        #[schemars(range(max = 525_600), extend("x-aws-minimum" = 60))]
        min_idle_timeout_in_minutes: i64,
        /// The maximum that users may choose.
        #[schemars(range(min = 60, max = 525_600))]
        max_idle_timeout_in_minutes: i64,
    }

    /// EMR clusters that users may reach.
    struct EmrSettings {
        /// ARNs of the roles that the execution role assumes to reach clusters.
        #[schemars(length(max = 5), extend("items" = patterns::ROLE.items()))]
        assumable_role_arns: Vec<String>,
        /// ARNs of the roles that clusters and jobs run as.
        #[schemars(length(max = 5), extend("items" = patterns::ROLE.items()))]
        execution_role_arns: Vec<String>,
    }
}

/// A repository offered for cloning.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CodeRepository {
    /// The URL of the repository.
    #[schemars(
        length(max = 1024),
        extend("examples" = ["https://github.com/example/repository.git"], "pattern" = patterns::REPOSITORY.regex)
    )]
    pub repository_url: String,
}

/// One of the team's own images.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomImage {
    /// Name of its AppImageConfig.
    #[schemars(length(max = 63), extend("pattern" = patterns::NAME.regex))]
    pub app_image_config_name: String,
    /// Name of the image.
    #[schemars(length(max = 63), extend("pattern" = patterns::IMAGE_NAME.regex))]
    pub image_name: String,
    /// Version of the image; the newest when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub image_version_number: Option<i64>,
}
