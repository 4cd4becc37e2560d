//! The structures and lists inside Studio's requests, innermost first.
//!
//! Members, which of them are required, and list lengths are those of the `SageMaker` API model of 2017-07-24.

use super::Shape::{self, List, Structure, Union};
use super::{UNLIMITED, optional, required, values};

static SECURITY_GROUP_IDS: Shape = List { of: &values::NETWORK_ID, min: 0, max: 5 };
static SHARING_SETTINGS: Shape = Structure(&[
    optional("NotebookOutputOption", &values::NOTEBOOK_OUTPUT_OPTION),
    optional("S3OutputPath", &values::S3_URI),
    optional("S3KmsKeyId", &values::KMS_KEY_ID),
]);
pub(super) static RESOURCE_SPEC: Shape = Structure(&[
    optional("SageMakerImageArn", &values::IMAGE_ARN),
    optional("SageMakerImageVersionArn", &values::IMAGE_VERSION_ARN),
    optional("SageMakerImageVersionAlias", &values::IMAGE_VERSION_ALIAS),
    optional("InstanceType", &values::APP_INSTANCE_TYPE),
    optional("LifecycleConfigArn", &values::LIFECYCLE_CONFIG_ARN),
    optional("TrainingPlanArn", &values::TRAINING_PLAN_ARN),
]);
static LIFECYCLE_CONFIG_ARNS: Shape = List { of: &values::LIFECYCLE_CONFIG_ARN, min: 0, max: UNLIMITED };
static CODE_REPOSITORY: Shape = Structure(&[required("RepositoryUrl", &values::REPOSITORY_URL)]);
static CODE_REPOSITORIES: Shape = List { of: &CODE_REPOSITORY, min: 0, max: 10 };
static JUPYTER_SERVER_APP_SETTINGS: Shape = Structure(&[
    optional("DefaultResourceSpec", &RESOURCE_SPEC),
    optional("LifecycleConfigArns", &LIFECYCLE_CONFIG_ARNS),
    optional("CodeRepositories", &CODE_REPOSITORIES),
]);
static CUSTOM_IMAGE: Shape = Structure(&[
    required("ImageName", &values::IMAGE_NAME),
    optional("ImageVersionNumber", &values::IMAGE_VERSION_NUMBER),
    required("AppImageConfigName", &values::NAME),
]);
static CUSTOM_IMAGES: Shape = List { of: &CUSTOM_IMAGE, min: 0, max: 200 };
static KERNEL_GATEWAY_APP_SETTINGS: Shape = Structure(&[
    optional("DefaultResourceSpec", &RESOURCE_SPEC),
    optional("CustomImages", &CUSTOM_IMAGES),
    optional("LifecycleConfigArns", &LIFECYCLE_CONFIG_ARNS),
]);
static TENSOR_BOARD_APP_SETTINGS: Shape = Structure(&[optional("DefaultResourceSpec", &RESOURCE_SPEC)]);
static RSTUDIO_APP_SETTINGS: Shape =
    Structure(&[optional("AccessStatus", &values::TOGGLE), optional("UserGroup", &values::RSTUDIO_USER_GROUP)]);
static RSESSION_APP_SETTINGS: Shape =
    Structure(&[optional("DefaultResourceSpec", &RESOURCE_SPEC), optional("CustomImages", &CUSTOM_IMAGES)]);
static TIME_SERIES_FORECASTING_SETTINGS: Shape =
    Structure(&[optional("Status", &values::TOGGLE), optional("AmazonForecastRoleArn", &values::ROLE_ARN)]);
static MODEL_REGISTER_SETTINGS: Shape =
    Structure(&[optional("Status", &values::TOGGLE), optional("CrossAccountModelRegisterRoleArn", &values::ROLE_ARN)]);
static WORKSPACE_SETTINGS: Shape =
    Structure(&[optional("S3ArtifactPath", &values::S3_URI), optional("S3KmsKeyId", &values::KMS_KEY_ID)]);
static IDENTITY_PROVIDER_OAUTH_SETTING: Shape = Structure(&[
    optional("DataSourceName", &values::DATA_SOURCE_NAME),
    optional("Status", &values::TOGGLE),
    optional("SecretArn", &values::SECRET_ARN),
]);
static IDENTITY_PROVIDER_OAUTH_SETTINGS: Shape = List { of: &IDENTITY_PROVIDER_OAUTH_SETTING, min: 0, max: 20 };
static DIRECT_DEPLOY_SETTINGS: Shape = Structure(&[optional("Status", &values::TOGGLE)]);
static KENDRA_SETTINGS: Shape = Structure(&[optional("Status", &values::TOGGLE)]);
static GENERATIVE_AI_SETTINGS: Shape = Structure(&[optional("AmazonBedrockRoleArn", &values::ROLE_ARN)]);
static EMR_SERVERLESS_SETTINGS: Shape =
    Structure(&[optional("ExecutionRoleArn", &values::ROLE_ARN), optional("Status", &values::TOGGLE)]);
static CANVAS_APP_SETTINGS: Shape = Structure(&[
    optional("TimeSeriesForecastingSettings", &TIME_SERIES_FORECASTING_SETTINGS),
    optional("ModelRegisterSettings", &MODEL_REGISTER_SETTINGS),
    optional("WorkspaceSettings", &WORKSPACE_SETTINGS),
    optional("IdentityProviderOAuthSettings", &IDENTITY_PROVIDER_OAUTH_SETTINGS),
    optional("DirectDeploySettings", &DIRECT_DEPLOY_SETTINGS),
    optional("KendraSettings", &KENDRA_SETTINGS),
    optional("GenerativeAiSettings", &GENERATIVE_AI_SETTINGS),
    optional("EmrServerlessSettings", &EMR_SERVERLESS_SETTINGS),
]);
static IDLE_SETTINGS: Shape = Structure(&[
    optional("LifecycleManagement", &values::TOGGLE),
    optional("IdleTimeoutInMinutes", &values::IDLE_TIMEOUT_IN_MINUTES),
    optional("MinIdleTimeoutInMinutes", &values::IDLE_TIMEOUT_IN_MINUTES),
    optional("MaxIdleTimeoutInMinutes", &values::IDLE_TIMEOUT_IN_MINUTES),
]);
static APP_LIFECYCLE_MANAGEMENT: Shape = Structure(&[optional("IdleSettings", &IDLE_SETTINGS)]);
static CODE_EDITOR_APP_SETTINGS: Shape = Structure(&[
    optional("DefaultResourceSpec", &RESOURCE_SPEC),
    optional("CustomImages", &CUSTOM_IMAGES),
    optional("LifecycleConfigArns", &LIFECYCLE_CONFIG_ARNS),
    optional("AppLifecycleManagement", &APP_LIFECYCLE_MANAGEMENT),
    optional("BuiltInLifecycleConfigArn", &values::LIFECYCLE_CONFIG_ARN),
]);
static EMR_ROLE_ARNS: Shape = List { of: &values::ROLE_ARN, min: 0, max: 5 };
static EMR_SETTINGS: Shape =
    Structure(&[optional("AssumableRoleArns", &EMR_ROLE_ARNS), optional("ExecutionRoleArns", &EMR_ROLE_ARNS)]);
static JUPYTER_LAB_APP_SETTINGS: Shape = Structure(&[
    optional("DefaultResourceSpec", &RESOURCE_SPEC),
    optional("CustomImages", &CUSTOM_IMAGES),
    optional("LifecycleConfigArns", &LIFECYCLE_CONFIG_ARNS),
    optional("CodeRepositories", &CODE_REPOSITORIES),
    optional("AppLifecycleManagement", &APP_LIFECYCLE_MANAGEMENT),
    optional("EmrSettings", &EMR_SETTINGS),
    optional("BuiltInLifecycleConfigArn", &values::LIFECYCLE_CONFIG_ARN),
]);
static DEFAULT_EBS_STORAGE_SETTINGS: Shape = Structure(&[
    required("DefaultEbsVolumeSizeInGb", &values::SPACE_EBS_VOLUME_SIZE_IN_GB),
    required("MaximumEbsVolumeSizeInGb", &values::SPACE_EBS_VOLUME_SIZE_IN_GB),
]);
static DEFAULT_SPACE_STORAGE_SETTINGS: Shape =
    Structure(&[optional("DefaultEbsStorageSettings", &DEFAULT_EBS_STORAGE_SETTINGS)]);
static CUSTOM_POSIX_USER_CONFIG: Shape = Structure(&[required("Uid", &values::UID), required("Gid", &values::GID)]);
static EFS_FILE_SYSTEM_CONFIG: Shape = Structure(&[
    required("FileSystemId", &values::FILE_SYSTEM_ID),
    optional("FileSystemPath", &values::FILE_SYSTEM_PATH),
]);
static FSX_LUSTRE_FILE_SYSTEM_CONFIG: Shape = Structure(&[
    required("FileSystemId", &values::FILE_SYSTEM_ID),
    optional("FileSystemPath", &values::FILE_SYSTEM_PATH),
]);
static S3_FILE_SYSTEM_CONFIG: Shape =
    Structure(&[optional("MountPath", &values::TEXT_OF_1024), required("S3Uri", &values::S3_SCHEMA_URI)]);
static CUSTOM_FILE_SYSTEM_CONFIG: Shape = Union(&[
    optional("EFSFileSystemConfig", &EFS_FILE_SYSTEM_CONFIG),
    optional("FSxLustreFileSystemConfig", &FSX_LUSTRE_FILE_SYSTEM_CONFIG),
    optional("S3FileSystemConfig", &S3_FILE_SYSTEM_CONFIG),
]);
static CUSTOM_FILE_SYSTEM_CONFIGS: Shape = List { of: &CUSTOM_FILE_SYSTEM_CONFIG, min: 0, max: 10 };
static HIDDEN_ML_TOOLS: Shape = List { of: &values::ML_TOOLS, min: 0, max: UNLIMITED };
static HIDDEN_APP_TYPES: Shape = List { of: &values::APP_TYPE, min: 0, max: UNLIMITED };
static HIDDEN_INSTANCE_TYPES: Shape = List { of: &values::APP_INSTANCE_TYPE, min: 0, max: UNLIMITED };
static VERSION_ALIASES: Shape = List { of: &values::IMAGE_VERSION_ALIAS_PATTERN, min: 0, max: 20 };
static HIDDEN_SAGEMAKER_IMAGE: Shape = Structure(&[
    optional("SageMakerImageName", &values::SAGEMAKER_IMAGE_NAME),
    optional("VersionAliases", &VERSION_ALIASES),
]);
static HIDDEN_SAGEMAKER_IMAGE_VERSION_ALIASES: Shape = List { of: &HIDDEN_SAGEMAKER_IMAGE, min: 0, max: 5 };
static STUDIO_WEB_PORTAL_SETTINGS: Shape = Structure(&[
    optional("HiddenMlTools", &HIDDEN_ML_TOOLS),
    optional("HiddenAppTypes", &HIDDEN_APP_TYPES),
    optional("HiddenInstanceTypes", &HIDDEN_INSTANCE_TYPES),
    optional("HiddenSageMakerImageVersionAliases", &HIDDEN_SAGEMAKER_IMAGE_VERSION_ALIASES),
    optional("ExecutionRoleSessionNameMode", &values::EXECUTION_ROLE_SESSION_NAME_MODE),
]);
pub(super) static USER_SETTINGS: Shape = Structure(&[
    optional("ExecutionRole", &values::ROLE_ARN),
    optional("SecurityGroups", &SECURITY_GROUP_IDS),
    optional("SharingSettings", &SHARING_SETTINGS),
    optional("JupyterServerAppSettings", &JUPYTER_SERVER_APP_SETTINGS),
    optional("KernelGatewayAppSettings", &KERNEL_GATEWAY_APP_SETTINGS),
    optional("TensorBoardAppSettings", &TENSOR_BOARD_APP_SETTINGS),
    optional("RStudioServerProAppSettings", &RSTUDIO_APP_SETTINGS),
    optional("RSessionAppSettings", &RSESSION_APP_SETTINGS),
    optional("CanvasAppSettings", &CANVAS_APP_SETTINGS),
    optional("CodeEditorAppSettings", &CODE_EDITOR_APP_SETTINGS),
    optional("JupyterLabAppSettings", &JUPYTER_LAB_APP_SETTINGS),
    optional("SpaceStorageSettings", &DEFAULT_SPACE_STORAGE_SETTINGS),
    optional("DefaultLandingUri", &values::LANDING_URI),
    optional("StudioWebPortal", &values::TOGGLE),
    optional("CustomPosixUserConfig", &CUSTOM_POSIX_USER_CONFIG),
    optional("CustomFileSystemConfigs", &CUSTOM_FILE_SYSTEM_CONFIGS),
    optional("StudioWebPortalSettings", &STUDIO_WEB_PORTAL_SETTINGS),
    optional("AutoMountHomeEFS", &values::AUTO_MOUNT_HOME_EFS),
]);
static DOMAIN_SECURITY_GROUP_IDS: Shape = List { of: &values::NETWORK_ID, min: 0, max: 3 };
static RSTUDIO_DOMAIN_SETTINGS: Shape = Structure(&[
    required("DomainExecutionRoleArn", &values::ROLE_ARN),
    optional("RStudioConnectUrl", &values::ANY_TEXT),
    optional("RStudioPackageManagerUrl", &values::ANY_TEXT),
    optional("DefaultResourceSpec", &RESOURCE_SPEC),
]);
static TRUSTED_IDENTITY_PROPAGATION_SETTINGS: Shape = Structure(&[required("Status", &values::TOGGLE)]);
static VPC_ONLY_TRUSTED_ACCOUNTS: Shape = List { of: &values::ACCOUNT_ID, min: 0, max: 20 };
static DOCKER_SETTINGS: Shape = Structure(&[
    optional("EnableDockerAccess", &values::TOGGLE),
    optional("VpcOnlyTrustedAccounts", &VPC_ONLY_TRUSTED_ACCOUNTS),
    optional("RootlessDocker", &values::TOGGLE),
]);
static AMAZON_Q_SETTINGS: Shape =
    Structure(&[optional("Status", &values::TOGGLE), optional("QProfileArn", &values::Q_PROFILE_ARN)]);
static UNIFIED_STUDIO_SETTINGS: Shape = Structure(&[
    optional("StudioWebPortalAccess", &values::TOGGLE),
    optional("DomainAccountId", &values::ACCOUNT_ID),
    optional("DomainRegion", &values::REGION_NAME),
    optional("DomainId", &values::UNIFIED_STUDIO_DOMAIN_ID),
    optional("ProjectId", &values::UNIFIED_STUDIO_PROJECT_ID),
    optional("EnvironmentId", &values::UNIFIED_STUDIO_PROJECT_ID),
    optional("ProjectS3Path", &values::S3_URI),
    optional("SingleSignOnApplicationArn", &values::SINGLE_SIGN_ON_APPLICATION_ARN),
]);
pub(super) static DOMAIN_SETTINGS: Shape = Structure(&[
    optional("SecurityGroupIds", &DOMAIN_SECURITY_GROUP_IDS),
    optional("RStudioServerProDomainSettings", &RSTUDIO_DOMAIN_SETTINGS),
    optional("ExecutionRoleIdentityConfig", &values::EXECUTION_ROLE_IDENTITY_CONFIG),
    optional("TrustedIdentityPropagationSettings", &TRUSTED_IDENTITY_PROPAGATION_SETTINGS),
    optional("DockerSettings", &DOCKER_SETTINGS),
    optional("AmazonQSettings", &AMAZON_Q_SETTINGS),
    optional("UnifiedStudioSettings", &UNIFIED_STUDIO_SETTINGS),
    optional("IpAddressType", &values::IP_ADDRESS_TYPE),
]);
pub(super) static SUBNETS: Shape = List { of: &values::NETWORK_ID, min: 1, max: 16 };
static TAG: Shape = Structure(&[required("Key", &values::TAG_KEY), required("Value", &values::TAG_VALUE)]);
pub(super) static TAGS: Shape = List { of: &TAG, min: 0, max: 50 };
pub(super) static DEFAULT_SPACE_SETTINGS: Shape = Structure(&[
    optional("ExecutionRole", &values::ROLE_ARN),
    optional("SecurityGroups", &SECURITY_GROUP_IDS),
    optional("JupyterServerAppSettings", &JUPYTER_SERVER_APP_SETTINGS),
    optional("KernelGatewayAppSettings", &KERNEL_GATEWAY_APP_SETTINGS),
    optional("JupyterLabAppSettings", &JUPYTER_LAB_APP_SETTINGS),
    optional("SpaceStorageSettings", &DEFAULT_SPACE_STORAGE_SETTINGS),
    optional("CustomPosixUserConfig", &CUSTOM_POSIX_USER_CONFIG),
    optional("CustomFileSystemConfigs", &CUSTOM_FILE_SYSTEM_CONFIGS),
]);
static RSTUDIO_DOMAIN_SETTINGS_FOR_UPDATE: Shape = Structure(&[
    required("DomainExecutionRoleArn", &values::ROLE_ARN),
    optional("DefaultResourceSpec", &RESOURCE_SPEC),
    optional("RStudioConnectUrl", &values::ANY_TEXT),
    optional("RStudioPackageManagerUrl", &values::ANY_TEXT),
]);
pub(super) static DOMAIN_SETTINGS_FOR_UPDATE: Shape = Structure(&[
    optional("RStudioServerProDomainSettingsForUpdate", &RSTUDIO_DOMAIN_SETTINGS_FOR_UPDATE),
    optional("ExecutionRoleIdentityConfig", &values::EXECUTION_ROLE_IDENTITY_CONFIG),
    optional("SecurityGroupIds", &DOMAIN_SECURITY_GROUP_IDS),
    optional("TrustedIdentityPropagationSettings", &TRUSTED_IDENTITY_PROPAGATION_SETTINGS),
    optional("DockerSettings", &DOCKER_SETTINGS),
    optional("AmazonQSettings", &AMAZON_Q_SETTINGS),
    optional("UnifiedStudioSettings", &UNIFIED_STUDIO_SETTINGS),
    optional("IpAddressType", &values::IP_ADDRESS_TYPE),
]);
pub(super) static RETENTION_POLICY: Shape = Structure(&[optional("HomeEfsFileSystem", &values::RETENTION_TYPE)]);
static SPACE_IDLE_SETTINGS: Shape = Structure(&[optional("IdleTimeoutInMinutes", &values::IDLE_TIMEOUT_IN_MINUTES)]);
static SPACE_APP_LIFECYCLE_MANAGEMENT: Shape = Structure(&[optional("IdleSettings", &SPACE_IDLE_SETTINGS)]);
static SPACE_CODE_EDITOR_APP_SETTINGS: Shape = Structure(&[
    optional("DefaultResourceSpec", &RESOURCE_SPEC),
    optional("AppLifecycleManagement", &SPACE_APP_LIFECYCLE_MANAGEMENT),
]);
static SPACE_JUPYTER_LAB_APP_SETTINGS: Shape = Structure(&[
    optional("DefaultResourceSpec", &RESOURCE_SPEC),
    optional("CodeRepositories", &CODE_REPOSITORIES),
    optional("AppLifecycleManagement", &SPACE_APP_LIFECYCLE_MANAGEMENT),
]);
static EBS_STORAGE_SETTINGS: Shape = Structure(&[required("EbsVolumeSizeInGb", &values::SPACE_EBS_VOLUME_SIZE_IN_GB)]);
static SPACE_STORAGE_SETTINGS: Shape = Structure(&[optional("EbsStorageSettings", &EBS_STORAGE_SETTINGS)]);
static EFS_FILE_SYSTEM: Shape = Structure(&[required("FileSystemId", &values::FILE_SYSTEM_ID)]);
static FSX_LUSTRE_FILE_SYSTEM: Shape = Structure(&[required("FileSystemId", &values::FILE_SYSTEM_ID)]);
static S3_FILE_SYSTEM: Shape = Structure(&[required("S3Uri", &values::S3_SCHEMA_URI)]);
static CUSTOM_FILE_SYSTEM: Shape = Union(&[
    optional("EFSFileSystem", &EFS_FILE_SYSTEM),
    optional("FSxLustreFileSystem", &FSX_LUSTRE_FILE_SYSTEM),
    optional("S3FileSystem", &S3_FILE_SYSTEM),
]);
static CUSTOM_FILE_SYSTEMS: Shape = List { of: &CUSTOM_FILE_SYSTEM, min: 0, max: 5 };
pub(super) static SPACE_SETTINGS: Shape = Structure(&[
    optional("JupyterServerAppSettings", &JUPYTER_SERVER_APP_SETTINGS),
    optional("KernelGatewayAppSettings", &KERNEL_GATEWAY_APP_SETTINGS),
    optional("CodeEditorAppSettings", &SPACE_CODE_EDITOR_APP_SETTINGS),
    optional("JupyterLabAppSettings", &SPACE_JUPYTER_LAB_APP_SETTINGS),
    optional("AppType", &values::APP_TYPE),
    optional("SpaceStorageSettings", &SPACE_STORAGE_SETTINGS),
    optional("SpaceManagedResources", &values::TOGGLE),
    optional("CustomFileSystems", &CUSTOM_FILE_SYSTEMS),
    optional("RemoteAccess", &values::TOGGLE),
]);
pub(super) static OWNERSHIP_SETTINGS: Shape = Structure(&[required("OwnerUserProfileName", &values::NAME)]);
pub(super) static SPACE_SHARING_SETTINGS: Shape = Structure(&[required("SharingType", &values::SHARING_TYPE)]);
pub(super) static TAG_KEYS: Shape = List { of: &values::TAG_KEY, min: 1, max: 50 };
