//! Settings of users and of shared spaces.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{
    CanvasAppSettings, CodeEditorAppSettings, JupyterLabAppSettings, JupyterServerAppSettings,
    KernelGatewayAppSettings, RSessionAppSettings, RStudioServerProAppSettings, TensorBoardAppSettings, one_of, wire,
};
use crate::config::{enums, patterns};

settings! {
    /// Settings of a user, as in the SageMaker API's `UserSettings`.
    struct UserSettings {
        /// ARN of the role that the user's apps run as. Extension: only honoured in a profile's own `settings`; the domain's is `defaultExecutionRole`.
        #[schemars(extend("x-extension" = true, "pattern" = patterns::ROLE.regex))]
        execution_role: String,
        /// Security groups of the user's apps in addition to the domain's own. At most four in all, since SageMaker adds its fifth.
        #[schemars(length(max = 4), extend("items" = patterns::NETWORK_ID.items()))]
        security_groups: Vec<String>,
        /// Settings for sharing notebooks.
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
        /// The user's landing page: `studio::` (needs the portal) or `app:JupyterServer:`. Extension.
        #[schemars(length(max = 1023), extend("x-extension" = true, "examples" = ["studio::", "app:JupyterServer:"]))]
        default_landing_uri: String,
        /// Whether the Studio web portal is on. `DISABLED` also sets the landing URI that AWS then demands.
        #[schemars(extend("enum" = enums::SWITCH))]
        studio_web_portal: String,
        /// POSIX identity on custom file systems. Extension.
        #[schemars(extend("x-extension" = true))]
        custom_posix_user_config: CustomPosixUserConfig,
        /// File systems to mount. Extension.
        #[schemars(length(max = 10), extend("x-extension" = true))]
        custom_file_system_configs: Vec<CustomFileSystemConfig>,
        /// Items that the portal hides. Extension.
        #[schemars(extend("x-extension" = true))]
        studio_web_portal_settings: StudioWebPortalSettings,
        /// Whether the home file system is mounted automatically; `DefaultAsDomain` is for profiles only. Extension.
        #[serde(rename = "autoMountHomeEFS")]
        #[schemars(extend("enum" = enums::AUTO_MOUNT, "x-aws" = true, "x-extension" = true))]
        auto_mount_home_efs: String,
    }

    /// Default settings of shared spaces, as in the SageMaker API's `DefaultSpaceSettings`.
    struct SpaceSettings {
        /// ARN of the role that shared spaces run as. The domain's execution role when absent.
        #[schemars(extend("pattern" = patterns::ROLE.regex))]
        execution_role: String,
        /// Security groups of shared spaces in addition to the domain's own.
        #[schemars(length(max = 4), extend("items" = patterns::NETWORK_ID.items()))]
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

    /// Settings for sharing notebooks.
    struct SharingSettings {
        /// Whether shared notebooks include cell output.
        #[schemars(extend("enum" = enums::NOTEBOOK_OUTPUT, "x-aws" = true))]
        notebook_output_option: String,
        /// S3 location of shared notebooks.
        #[schemars(length(max = 1024), extend("examples" = ["s3://bucket/sharing"], "pattern" = patterns::S3_PLACE.regex))]
        s3_output_path: String,
        /// KMS key for the output.
        #[schemars(length(max = 2048), extend("pattern" = patterns::KEY.regex))]
        s3_kms_key_id: String,
    }

    /// Disk space of spaces.
    struct DefaultSpaceStorageSettings {
        /// Sizes of EBS volumes.
        default_ebs_storage_settings: DefaultEbsStorageSettings,
    }

    /// Sizes of EBS volumes in GB.
    #[schemars(extend("required" = ["defaultEbsVolumeSizeInGb", "maximumEbsVolumeSizeInGb"]))]
    struct DefaultEbsStorageSettings {
        /// The size that a space starts with.
        #[schemars(range(min = 5, max = 16_384))]
        default_ebs_volume_size_in_gb: i64,
        /// The largest size of a space.
        #[schemars(range(min = 5, max = 16_384))]
        maximum_ebs_volume_size_in_gb: i64,
    }

    /// POSIX identity on custom file systems.
    #[schemars(extend("required" = ["uid", "gid"]))]
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
    #[schemars(extend("required" = ["fileSystemId"]))]
    struct FileSystemConfig {
        /// Id of the file system.
        #[schemars(length(min = 11, max = 21), extend("pattern" = patterns::FILE_SYSTEM.regex))]
        file_system_id: String,
        /// The directory that users see.
        file_system_path: String,
    }

    /// A place in S3 and where it is mounted.
    #[schemars(extend("required" = ["s3Uri"]))]
    struct S3FileSystemConfig {
        /// Where it appears.
        mount_path: String,
        /// The place, as `s3://…`.
        #[schemars(length(max = 1024), extend("pattern" = patterns::S3_URI.regex))]
        s3_uri: String,
    }

    /// Items that the Studio portal hides.
    struct StudioWebPortalSettings {
        /// Tools to hide.
        #[schemars(extend("items" = one_of(&enums::ML_TOOLS)))]
        hidden_ml_tools: Vec<String>,
        /// Apps to hide.
        #[schemars(extend("items" = one_of(&enums::APP_TYPES)))]
        hidden_app_types: Vec<String>,
        /// Instance types to hide.
        hidden_instance_types: Vec<String>,
        /// Image versions to hide.
        #[schemars(length(max = 5))]
        hidden_sage_maker_image_version_aliases: Vec<HiddenSageMakerImage>,
        /// What names the sessions of the execution role.
        #[schemars(extend("enum" = enums::SESSION_NAME_MODE, "x-aws" = true))]
        execution_role_session_name_mode: String,
    }

    /// Image versions to hide.
    struct HiddenSageMakerImage {
        /// Name of the image.
        #[schemars(extend("enum" = enums::IMAGE_NAMES, "x-aws" = true))]
        sage_maker_image_name: String,
        /// Aliases of its versions.
        version_aliases: Vec<String>,
    }
}
