//! The settings of users, spaces and the domain: one typed definition of each member of the SageMaker API.
//!
//! The field names give everything else: serde makes the YAML (camel case) of them, [`wire`] the API's JSON, schemars the
//! published JSON Schema, and the schema is what configs are checked against. A member that AWS restricts to certain
//! words stays text here, since AWS may learn new words; the words known today are in the schema as `enum`, marked
//! `x-aws`, so that an unknown one is reported as something that AWS would refuse.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::words;

/// Declares structs of optional members in the API's shape.
macro_rules! settings {
    ($($(#[$attribute:meta])* struct $name:ident { $($(#[$field_attribute:meta])* $field:ident: $kind:ty,)* })*) => { $(
        $(#[$attribute])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $name { $(
            $(#[$field_attribute])*
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub $field: Option<$kind>,
        )* }

        impl $name {
            /// These settings as the API's JSON.
            ///
            /// # Panics
            /// Never: the members are text, numbers and lists, which always serialise.
            pub fn wire(&self) -> Json {
                wire(serde_json::to_value(self).expect("settings are plain data"))
            }
        }
    )* };
}

settings! {
    /// What Studio offers a user, as in the SageMaker API's `UserSettings`.
    struct UserSettings {
        /// ARN of the role that the user's apps run as. Extension: only honoured in a profile's own `settings`; the domain's is `defaultExecutionRole`.
        #[schemars(extend("x-extension" = true))]
        execution_role: String,
        /// Security groups of the user's apps in addition to the domain's own. At most four in all, since SageMaker adds its fifth.
        #[schemars(length(max = 4))]
        security_groups: Vec<String>,
        /// How notebooks are shared.
        sharing_settings: SharingSettings,
        /// Studio Classic's Jupyter server.
        jupyter_server_app_settings: JupyterServerAppSettings,
        /// Studio Classic's kernels.
        kernel_gateway_app_settings: KernelGatewayAppSettings,
        /// TensorBoard. Extension.
        #[schemars(extend("x-extension" = true))]
        tensor_board_app_settings: TensorBoardAppSettings,
        /// Access to RStudio.
        r_studio_server_pro_app_settings: RStudioServerProAppSettings,
        /// R sessions.
        r_session_app_settings: RSessionAppSettings,
        /// SageMaker Canvas. Extension.
        #[schemars(extend("x-extension" = true))]
        canvas_app_settings: CanvasAppSettings,
        /// Code Editor. Extension.
        #[schemars(extend("x-extension" = true))]
        code_editor_app_settings: CodeEditorAppSettings,
        /// JupyterLab.
        jupyter_lab_app_settings: JupyterLabAppSettings,
        /// Disk space of private spaces. Extension.
        #[schemars(extend("x-extension" = true))]
        space_storage_settings: DefaultSpaceStorageSettings,
        /// Where the user lands: `studio::` (needs the portal) or `app:JupyterServer:`. Extension.
        #[schemars(length(max = 1023), extend("x-extension" = true, "examples" = ["studio::", "app:JupyterServer:"]))]
        default_landing_uri: String,
        /// Whether the Studio web portal is on. `DISABLED` also sets the landing URI that AWS then demands.
        #[schemars(extend("enum" = words::SWITCH))]
        studio_web_portal: String,
        /// POSIX identity on custom file systems. Extension.
        #[schemars(extend("x-extension" = true))]
        custom_posix_user_config: CustomPosixUserConfig,
        /// File systems to mount. Extension.
        #[schemars(length(max = 10), extend("x-extension" = true))]
        custom_file_system_configs: Vec<CustomFileSystemConfig>,
        /// What the portal hides. Extension.
        #[schemars(extend("x-extension" = true))]
        studio_web_portal_settings: StudioWebPortalSettings,
        /// Whether the home file system is mounted by itself; `DefaultAsDomain` is for profiles only. Extension.
        #[serde(rename = "autoMountHomeEFS")]
        #[schemars(extend("enum" = words::AUTO_MOUNT, "x-aws" = true, "x-extension" = true))]
        auto_mount_home_efs: String,
    }

    /// What shared spaces start with, as in the SageMaker API's `DefaultSpaceSettings`.
    struct SpaceSettings {
        /// ARN of the role that shared spaces run as. The domain's execution role when absent.
        execution_role: String,
        /// Security groups of shared spaces in addition to the domain's own.
        #[schemars(length(max = 4))]
        security_groups: Vec<String>,
        /// Studio Classic's Jupyter server.
        jupyter_server_app_settings: JupyterServerAppSettings,
        /// Studio Classic's kernels.
        kernel_gateway_app_settings: KernelGatewayAppSettings,
        /// JupyterLab.
        jupyter_lab_app_settings: JupyterLabAppSettings,
        /// Disk space of shared spaces.
        space_storage_settings: DefaultSpaceStorageSettings,
        /// POSIX identity on custom file systems.
        custom_posix_user_config: CustomPosixUserConfig,
        /// File systems to mount.
        #[schemars(length(max = 10))]
        custom_file_system_configs: Vec<CustomFileSystemConfig>,
    }

    /// What holds for the domain as a whole, as in the SageMaker API's `DomainSettings`.
    struct DomainSettings {
        /// Security groups between domain-level apps (RStudio) and user apps.
        #[schemars(length(max = 3))]
        security_group_ids: Vec<String>,
        /// The domain's RStudio.
        r_studio_server_pro_domain_settings: RStudioServerProDomainSettings,
        /// Whether AWS logs carry the user profile's name as source identity. `USER_PROFILE_NAME` when absent.
        #[schemars(extend("enum" = words::IDENTITY, "x-aws" = true))]
        execution_role_identity_config: String,
        /// Whether Identity Center identities reach other AWS services.
        trusted_identity_propagation_settings: StatusSettings,
        /// Docker in Studio.
        docker_settings: DockerSettings,
        /// Amazon Q in Studio; needs `authMode: SSO`.
        amazon_q_settings: AmazonQSettings,
        /// The tie to SageMaker Unified Studio.
        unified_studio_settings: UnifiedStudioSettings,
        /// IP version of the domain's network interfaces.
        #[schemars(extend("enum" = words::IP_ADDRESS_TYPE, "x-aws" = true))]
        ip_address_type: String,
    }

    /// How notebooks are shared.
    struct SharingSettings {
        /// Whether cell output goes along.
        #[schemars(extend("enum" = words::NOTEBOOK_OUTPUT, "x-aws" = true))]
        notebook_output_option: String,
        /// Where shared notebooks go.
        #[schemars(length(max = 1024), extend("examples" = ["s3://bucket/sharing"]))]
        s3_output_path: String,
        /// KMS key for the output.
        #[schemars(length(max = 2048))]
        s3_kms_key_id: String,
    }

    /// Image, instance type and lifecycle config that an app starts with.
    struct ResourceSpec {
        /// ARN of the image.
        #[schemars(length(max = 256))]
        sage_maker_image_arn: String,
        /// ARN of the image's version.
        #[schemars(length(max = 256))]
        sage_maker_image_version_arn: String,
        /// Alias of the image's version, such as `1.2.3`. Extension.
        #[schemars(length(min = 1, max = 128), extend("x-extension" = true))]
        sage_maker_image_version_alias: String,
        /// Instance type; the Jupyter server knows only `system`.
        #[schemars(extend("examples" = ["system", "ml.t3.medium"]))]
        instance_type: String,
        /// ARN of the lifecycle config that runs by default.
        #[schemars(length(max = 256))]
        lifecycle_config_arn: String,
        /// ARN of a training plan whose reserved capacity the app uses. Extension.
        #[schemars(length(max = 2048), extend("x-extension" = true))]
        training_plan_arn: String,
    }

    /// Studio Classic's Jupyter server.
    struct JupyterServerAppSettings {
        /// What the app starts with.
        default_resource_spec: ResourceSpec,
        /// ARNs of the lifecycle configs that users may choose from.
        lifecycle_config_arns: Vec<String>,
        /// Repositories offered for cloning. Extension.
        #[schemars(length(max = 10), extend("x-extension" = true))]
        code_repositories: Vec<CodeRepository>,
    }

    /// Studio Classic's kernels.
    struct KernelGatewayAppSettings {
        /// What the app starts with.
        default_resource_spec: ResourceSpec,
        /// The team's own images.
        #[schemars(length(max = 200))]
        custom_images: Vec<CustomImage>,
        /// ARNs of the lifecycle configs that users may choose from.
        lifecycle_config_arns: Vec<String>,
    }

    /// JupyterLab.
    struct JupyterLabAppSettings {
        /// What the app starts with.
        default_resource_spec: ResourceSpec,
        /// The team's own images.
        #[schemars(length(max = 200))]
        custom_images: Vec<CustomImage>,
        /// ARNs of the lifecycle configs that users may choose from.
        lifecycle_config_arns: Vec<String>,
        /// Repositories offered for cloning.
        #[schemars(length(max = 10))]
        code_repositories: Vec<CodeRepository>,
        /// Stopping idle apps.
        app_lifecycle_management: AppLifecycleManagement,
        /// EMR clusters that users may reach. Extension.
        #[schemars(extend("x-extension" = true))]
        emr_settings: EmrSettings,
        /// ARN of the lifecycle config that runs before the default one.
        #[schemars(length(max = 256))]
        built_in_lifecycle_config_arn: String,
    }

    /// Code Editor.
    struct CodeEditorAppSettings {
        /// What the app starts with.
        default_resource_spec: ResourceSpec,
        /// The team's own images.
        #[schemars(length(max = 200))]
        custom_images: Vec<CustomImage>,
        /// ARNs of the lifecycle configs that users may choose from.
        lifecycle_config_arns: Vec<String>,
        /// Stopping idle apps.
        app_lifecycle_management: AppLifecycleManagement,
        /// ARN of the lifecycle config that runs before the default one.
        #[schemars(length(max = 256))]
        built_in_lifecycle_config_arn: String,
    }

    /// TensorBoard.
    struct TensorBoardAppSettings {
        /// What the app starts with.
        default_resource_spec: ResourceSpec,
    }

    /// R sessions.
    struct RSessionAppSettings {
        /// What the app starts with.
        default_resource_spec: ResourceSpec,
        /// The team's own images.
        #[schemars(length(max = 200))]
        custom_images: Vec<CustomImage>,
    }

    /// Access to RStudio.
    struct RStudioServerProAppSettings {
        /// Whether the user may open RStudio.
        #[schemars(extend("enum" = words::SWITCH, "x-aws" = true))]
        access_status: String,
        /// Rights in RStudio. MDAA's sample says `Admin`; it and `User` are read as AWS's `R_STUDIO_ADMIN` and `R_STUDIO_USER`.
        #[schemars(extend("enum" = words::R_STUDIO_GROUP, "x-aws" = true))]
        user_group: String,
    }

    /// Stopping idle apps.
    struct AppLifecycleManagement {
        /// When an app counts as idle and what happens then.
        idle_settings: IdleSettings,
    }

    /// When an app counts as idle and what happens then.
    struct IdleSettings {
        /// Whether idle apps are stopped.
        #[schemars(extend("enum" = words::SWITCH, "x-aws" = true))]
        lifecycle_management: String,
        /// Minutes of idleness after which an app is stopped.
        #[schemars(range(min = 60, max = 525_600))]
        idle_timeout_in_minutes: i64,
        // The schema must accept MDAA's published sample, which says 30, hence a keyword of our own for the minimum.
        /// The least that users may choose; AWS accepts 60 and more.
        #[schemars(range(max = 525_600), extend("x-aws-minimum" = 60))]
        min_idle_timeout_in_minutes: i64,
        /// The most that users may choose.
        #[schemars(range(min = 60, max = 525_600))]
        max_idle_timeout_in_minutes: i64,
    }

    /// EMR clusters that users may reach.
    struct EmrSettings {
        /// ARNs of the roles that the execution role assumes to reach clusters.
        #[schemars(length(max = 5))]
        assumable_role_arns: Vec<String>,
        /// ARNs of the roles that clusters and jobs run as.
        #[schemars(length(max = 5))]
        execution_role_arns: Vec<String>,
    }

    /// Disk space of spaces.
    struct DefaultSpaceStorageSettings {
        /// Sizes of EBS volumes.
        default_ebs_storage_settings: DefaultEbsStorageSettings,
    }

    /// Sizes of EBS volumes in GB.
    struct DefaultEbsStorageSettings {
        /// What a space starts with.
        #[schemars(range(min = 5, max = 16_384))]
        default_ebs_volume_size_in_gb: i64,
        /// What a space may grow to.
        #[schemars(range(min = 5, max = 16_384))]
        maximum_ebs_volume_size_in_gb: i64,
    }

    /// POSIX identity on custom file systems.
    struct CustomPosixUserConfig {
        /// User id.
        #[schemars(range(min = 10_000))]
        uid: i64,
        /// Group id.
        #[schemars(range(min = 1001))]
        gid: i64,
    }

    /// One file system to mount; exactly one member may be given.
    struct CustomFileSystemConfig {
        /// An EFS file system.
        efs_file_system_config: FileSystemConfig,
        /// An FSx for Lustre file system.
        fsx_lustre_file_system_config: FileSystemConfig,
        /// A place in S3.
        s3_file_system_config: S3FileSystemConfig,
    }

    /// A file system and the directory in it.
    struct FileSystemConfig {
        /// Id of the file system.
        file_system_id: String,
        /// The directory that users see.
        file_system_path: String,
    }

    /// A place in S3 and where it is mounted.
    struct S3FileSystemConfig {
        /// Where it appears.
        mount_path: String,
        /// The place, as `s3://…`.
        s3_uri: String,
    }

    /// What the Studio portal hides.
    struct StudioWebPortalSettings {
        /// Tools to hide.
        #[schemars(extend("items" = one_of(&words::ML_TOOLS)))]
        hidden_ml_tools: Vec<String>,
        /// Apps to hide.
        #[schemars(extend("items" = one_of(&words::APP_TYPES)))]
        hidden_app_types: Vec<String>,
        /// Instance types to hide.
        hidden_instance_types: Vec<String>,
        /// Image versions to hide.
        #[schemars(length(max = 5))]
        hidden_sage_maker_image_version_aliases: Vec<HiddenSageMakerImage>,
        /// What names the sessions of the execution role.
        #[schemars(extend("enum" = words::SESSION_NAME_MODE, "x-aws" = true))]
        execution_role_session_name_mode: String,
    }

    /// Image versions to hide.
    struct HiddenSageMakerImage {
        /// Name of the image.
        #[schemars(extend("enum" = words::IMAGE_NAMES, "x-aws" = true))]
        sage_maker_image_name: String,
        /// Aliases of its versions.
        version_aliases: Vec<String>,
    }

    /// SageMaker Canvas.
    struct CanvasAppSettings {
        /// Time series forecasts.
        time_series_forecasting_settings: TimeSeriesForecastingSettings,
        /// The model registry.
        model_register_settings: ModelRegisterSettings,
        /// Where Canvas keeps its files.
        workspace_settings: WorkspaceSettings,
        /// OAuth to other data sources.
        #[schemars(length(max = 20))]
        identity_provider_o_auth_settings: Vec<IdentityProviderOAuthSetting>,
        /// Deploying models from Canvas.
        direct_deploy_settings: StatusSettings,
        /// Querying documents with Kendra.
        kendra_settings: StatusSettings,
        /// Generative AI.
        generative_ai_settings: GenerativeAiSettings,
        /// EMR Serverless jobs.
        emr_serverless_settings: EmrServerlessSettings,
    }

    /// A feature that is on or off.
    struct StatusSettings {
        /// On or off.
        #[schemars(extend("enum" = words::SWITCH, "x-aws" = true))]
        status: String,
    }

    /// Time series forecasts.
    struct TimeSeriesForecastingSettings {
        /// On or off.
        #[schemars(extend("enum" = words::SWITCH, "x-aws" = true))]
        status: String,
        /// ARN of the role for Amazon Forecast.
        #[schemars(length(min = 20, max = 2048))]
        amazon_forecast_role_arn: String,
    }

    /// The model registry.
    struct ModelRegisterSettings {
        /// On or off.
        #[schemars(extend("enum" = words::SWITCH, "x-aws" = true))]
        status: String,
        /// ARN of the role in the registry's account.
        #[schemars(length(min = 20, max = 2048))]
        cross_account_model_register_role_arn: String,
    }

    /// Where Canvas keeps its files.
    struct WorkspaceSettings {
        /// The place, as `s3://…`.
        #[schemars(length(max = 1024))]
        s3_artifact_path: String,
        /// KMS key for it.
        #[schemars(length(max = 2048))]
        s3_kms_key_id: String,
    }

    /// OAuth to one data source.
    struct IdentityProviderOAuthSetting {
        /// The data source.
        #[schemars(extend("enum" = words::DATA_SOURCES, "x-aws" = true))]
        data_source_name: String,
        /// On or off.
        #[schemars(extend("enum" = words::SWITCH, "x-aws" = true))]
        status: String,
        /// ARN of the secret with the credentials.
        #[schemars(length(max = 2048))]
        secret_arn: String,
    }

    /// Generative AI in Canvas.
    struct GenerativeAiSettings {
        /// ARN of the role for Amazon Bedrock.
        #[schemars(length(min = 20, max = 2048))]
        amazon_bedrock_role_arn: String,
    }

    /// EMR Serverless jobs in Canvas.
    struct EmrServerlessSettings {
        /// ARN of the role that jobs run as.
        #[schemars(length(min = 20, max = 2048))]
        execution_role_arn: String,
        /// On or off.
        #[schemars(extend("enum" = words::SWITCH, "x-aws" = true))]
        status: String,
    }

    /// The domain's RStudio.
    struct RStudioServerProDomainSettings {
        /// ARN of the role that RStudio runs as.
        #[schemars(length(min = 20, max = 2048))]
        domain_execution_role_arn: String,
        /// URL of RStudio Connect.
        r_studio_connect_url: String,
        /// URL of RStudio Package Manager.
        r_studio_package_manager_url: String,
        /// What RStudio starts with.
        default_resource_spec: ResourceSpec,
    }

    /// Docker in Studio.
    struct DockerSettings {
        /// Whether Docker may be used.
        #[schemars(extend("enum" = words::SWITCH, "x-aws" = true))]
        enable_docker_access: String,
        /// Accounts whose images may be pulled.
        #[schemars(length(max = 20))]
        vpc_only_trusted_accounts: Vec<String>,
        /// Whether Docker runs without root.
        #[schemars(extend("enum" = words::SWITCH, "x-aws" = true))]
        rootless_docker: String,
    }

    /// Amazon Q in Studio.
    struct AmazonQSettings {
        /// On or off.
        #[schemars(extend("enum" = words::SWITCH, "x-aws" = true))]
        status: String,
        /// ARN of the Amazon Q profile.
        q_profile_arn: String,
    }

    /// The tie to SageMaker Unified Studio.
    struct UnifiedStudioSettings {
        /// Whether the domain opens in Studio too.
        #[schemars(extend("enum" = words::SWITCH, "x-aws" = true))]
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
        /// Where the project keeps its files.
        project_s3_path: String,
        /// ARN of the Identity Center application.
        single_sign_on_application_arn: String,
    }
}

/// A repository offered for cloning.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CodeRepository {
    /// Where it is.
    #[schemars(length(max = 1024), extend("examples" = ["https://github.com/example/repository.git"]))]
    pub repository_url: String,
}

/// One of the team's own images.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomImage {
    /// Name of its AppImageConfig.
    #[schemars(length(max = 100))]
    pub app_image_config_name: String,
    /// Name of the image.
    #[schemars(length(max = 63))]
    pub image_name: String,
    /// Version of the image; the newest when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub image_version_number: Option<i64>,
}

/// The schema of list items that AWS restricts to certain words.
fn one_of(words: &[&str]) -> Json {
    json!({"type": "string", "enum": words, "x-aws": true})
}

/// YAML names whose API name is not theirs with a capital first letter.
const IRREGULAR: [(&str, &str); 2] =
    [("efsFileSystemConfig", "EFSFileSystemConfig"), ("fsxLustreFileSystemConfig", "FSxLustreFileSystemConfig")];

/// The API's JSON of camel-case settings: every member's first letter becomes a capital.
pub fn wire(settings: Json) -> Json {
    match settings {
        Json::Object(members) => Json::Object(
            members.into_iter().map(|(name, value)| (wire_name(&name), wire(value))).collect::<Map<_, _>>(),
        ),
        Json::Array(items) => Json::Array(items.into_iter().map(wire).collect()),
        scalar => scalar,
    }
}

fn wire_name(name: &str) -> String {
    if let Some((_, api)) = IRREGULAR.iter().find(|(yaml, _)| *yaml == name) {
        return (*api).into();
    }
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_has_the_apis_names() {
        let settings: UserSettings = serde_json::from_value(json!({
            "sharingSettings": {"s3KmsKeyId": "k", "s3OutputPath": "s3://b"},
            "rSessionAppSettings": {"defaultResourceSpec": {"sageMakerImageArn": "a"}},
            "rStudioServerProAppSettings": {"userGroup": "R_STUDIO_USER"},
            "jupyterLabAppSettings": {"lifecycleConfigArns": [], "customImages": [
                {"imageName": "i", "appImageConfigName": "c", "imageVersionNumber": 0}]},
            "canvasAppSettings": {"identityProviderOAuthSettings": [{"secretArn": "s"}]},
            "customFileSystemConfigs": [
                {"efsFileSystemConfig": {"fileSystemId": "fs-1"}},
                {"fsxLustreFileSystemConfig": {"fileSystemId": "fs-2"}},
                {"s3FileSystemConfig": {"s3Uri": "s3://b"}}],
            "autoMountHomeEFS": "Enabled",
        }))
        .unwrap();
        assert_eq!(
            settings.wire(),
            json!({
                "SharingSettings": {"S3OutputPath": "s3://b", "S3KmsKeyId": "k"},
                "RStudioServerProAppSettings": {"UserGroup": "R_STUDIO_USER"},
                "RSessionAppSettings": {"DefaultResourceSpec": {"SageMakerImageArn": "a"}},
                "CanvasAppSettings": {"IdentityProviderOAuthSettings": [{"SecretArn": "s"}]},
                "JupyterLabAppSettings": {
                    "CustomImages": [{"AppImageConfigName": "c", "ImageName": "i", "ImageVersionNumber": 0}],
                    "LifecycleConfigArns": []},
                "CustomFileSystemConfigs": [
                    {"EFSFileSystemConfig": {"FileSystemId": "fs-1"}},
                    {"FSxLustreFileSystemConfig": {"FileSystemId": "fs-2"}},
                    {"S3FileSystemConfig": {"S3Uri": "s3://b"}}],
                "AutoMountHomeEFS": "Enabled",
            })
        );
    }

    #[test]
    fn unset_members_are_absent() {
        assert_eq!(UserSettings::default().wire(), json!({}));
        assert_eq!(DomainSettings::default().wire(), json!({}));
    }
}
