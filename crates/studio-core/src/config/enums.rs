//! Enumerations of the SageMaker API, as of the SDK that this is built with.

/// States of a feature that is on or off.
pub const SWITCH: [&str; 2] = ["ENABLED", "DISABLED"];
/// Mounting of the home file system by new apps.
pub const AUTO_MOUNT: [&str; 3] = ["Enabled", "Disabled", "DefaultAsDomain"];
/// Sources of the source identity in AWS's logs (`ExecutionRoleIdentityConfig`).
pub const IDENTITY: [&str; 2] = ["USER_PROFILE_NAME", "DISABLED"];
/// IP versions of a domain.
pub const IP_ADDRESS_TYPE: [&str; 2] = ["ipv4", "dualstack"];
/// Options for cell output in shared notebooks.
pub const NOTEBOOK_OUTPUT: [&str; 2] = ["Allowed", "Disabled"];
/// Rights in RStudio: AWS's two words, and the two that MDAA's sample and AWS's own prose use for them.
pub const R_STUDIO_GROUP: [&str; 4] = ["R_STUDIO_ADMIN", "R_STUDIO_USER", "Admin", "User"];
/// Sources of the session name of an execution role.
pub const SESSION_NAME_MODE: [&str; 2] = ["STATIC", "USER_IDENTITY"];
/// Images whose versions the portal can hide.
pub const IMAGE_NAMES: [&str; 1] = ["sagemaker_distribution"];
/// Data sources that Canvas reaches with OAuth.
pub const DATA_SOURCES: [&str; 2] = ["SalesforceGenie", "Snowflake"];
/// Network access of the domain's apps.
pub const NETWORK_ACCESS: [&str; 2] = ["VpcOnly", "PublicInternetOnly"];
/// Creators of the security groups between apps.
pub const GROUP_MANAGEMENT: [&str; 2] = ["Service", "Customer"];
/// App types that the portal can hide.
pub const APP_TYPES: [&str; 9] = [
    "Canvas",
    "CodeEditor",
    "DetailedProfiler",
    "JupyterLab",
    "JupyterServer",
    "KernelGateway",
    "RSessionGateway",
    "RStudioServerPro",
    "TensorBoard",
];
/// Tools in the portal's navigation.
pub const ML_TOOLS: [&str; 23] = [
    "AutoMl",
    "Comet",
    "DataWrangler",
    "Datasets",
    "DeepchecksLLMEvaluation",
    "EmrClusters",
    "Endpoints",
    "Evaluators",
    "Experiments",
    "FeatureStore",
    "Fiddler",
    "HyperPodClusters",
    "InferenceOptimization",
    "InferenceRecommender",
    "JumpStart",
    "LakeraGuard",
    "ModelEvaluation",
    "Models",
    "PerformanceEvaluation",
    "Pipelines",
    "Projects",
    "RunningInstances",
    "Training",
];
