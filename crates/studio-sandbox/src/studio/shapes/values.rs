//! The scalar shapes of Studio's requests: texts, numbers and enumerations.
//!
//! Lengths, ranges, patterns and values are those of the `SageMaker` API model of 2017-07-24 (botocore 1.43.11, the newest
//! instance types from aws-sdk-sagemaker 1.248.0). A shape that the model defines several times over stands here once.

use super::Shape::{self, Choice, Flag, Moment, Text, Whole};
use super::{TAG_CHARACTERS, UNLIMITED};

pub(super) static NAME: Shape = Text { min: 0, max: 63, pattern: r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}" };
pub(super) static AUTH_MODE: Shape = Choice(&["SSO", "IAM"]);
pub(super) static ROLE_ARN: Shape =
    Text { min: 20, max: 2048, pattern: r"arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+" };
pub(super) static NETWORK_ID: Shape = Text { min: 0, max: 32, pattern: r"[-0-9a-zA-Z]+" };
pub(super) static NOTEBOOK_OUTPUT_OPTION: Shape = Choice(&["Allowed", "Disabled"]);
pub(super) static S3_URI: Shape = Text { min: 0, max: 1024, pattern: r"(https|s3)://([^/]+)/?(.*)" };
pub(super) static KMS_KEY_ID: Shape = Text { min: 0, max: 2048, pattern: r"[a-zA-Z0-9:/_-]*" };
pub(super) static IMAGE_ARN: Shape =
    Text { min: 0, max: 256, pattern: r"arn:aws(-[\w]+)*:sagemaker:.+:[0-9]{12}:image/[a-zA-Z0-9]([-.]?[a-zA-Z0-9])*" };
pub(super) static IMAGE_VERSION_ARN: Shape = Text {
    min: 0,
    max: 256,
    pattern: r"(arn:aws(-[\w]+)*:sagemaker:.+:[0-9]{12}:image-version/[a-z0-9]([-.]?[a-z0-9])*/[0-9]+|None)",
};
pub(super) static IMAGE_VERSION_ALIAS: Shape = Text {
    min: 1,
    max: 128,
    pattern: r"(^\d+$)|(^\d+.\d+$)|(^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$)",
};
pub(super) static APP_INSTANCE_TYPE: Shape = Choice(&[
    "system",
    "ml.t3.micro",
    "ml.t3.small",
    "ml.t3.medium",
    "ml.t3.large",
    "ml.t3.xlarge",
    "ml.t3.2xlarge",
    "ml.m5.large",
    "ml.m5.xlarge",
    "ml.m5.2xlarge",
    "ml.m5.4xlarge",
    "ml.m5.8xlarge",
    "ml.m5.12xlarge",
    "ml.m5.16xlarge",
    "ml.m5.24xlarge",
    "ml.m5d.large",
    "ml.m5d.xlarge",
    "ml.m5d.2xlarge",
    "ml.m5d.4xlarge",
    "ml.m5d.8xlarge",
    "ml.m5d.12xlarge",
    "ml.m5d.16xlarge",
    "ml.m5d.24xlarge",
    "ml.c5.large",
    "ml.c5.xlarge",
    "ml.c5.2xlarge",
    "ml.c5.4xlarge",
    "ml.c5.9xlarge",
    "ml.c5.12xlarge",
    "ml.c5.18xlarge",
    "ml.c5.24xlarge",
    "ml.p3.2xlarge",
    "ml.p3.8xlarge",
    "ml.p3.16xlarge",
    "ml.p3dn.24xlarge",
    "ml.g4dn.xlarge",
    "ml.g4dn.2xlarge",
    "ml.g4dn.4xlarge",
    "ml.g4dn.8xlarge",
    "ml.g4dn.12xlarge",
    "ml.g4dn.16xlarge",
    "ml.r5.large",
    "ml.r5.xlarge",
    "ml.r5.2xlarge",
    "ml.r5.4xlarge",
    "ml.r5.8xlarge",
    "ml.r5.12xlarge",
    "ml.r5.16xlarge",
    "ml.r5.24xlarge",
    "ml.g5.xlarge",
    "ml.g5.2xlarge",
    "ml.g5.4xlarge",
    "ml.g5.8xlarge",
    "ml.g5.16xlarge",
    "ml.g5.12xlarge",
    "ml.g5.24xlarge",
    "ml.g5.48xlarge",
    "ml.g6.xlarge",
    "ml.g6.2xlarge",
    "ml.g6.4xlarge",
    "ml.g6.8xlarge",
    "ml.g6.12xlarge",
    "ml.g6.16xlarge",
    "ml.g6.24xlarge",
    "ml.g6.48xlarge",
    "ml.g6e.xlarge",
    "ml.g6e.2xlarge",
    "ml.g6e.4xlarge",
    "ml.g6e.8xlarge",
    "ml.g6e.12xlarge",
    "ml.g6e.16xlarge",
    "ml.g6e.24xlarge",
    "ml.g6e.48xlarge",
    "ml.g7.2xlarge",
    "ml.g7.4xlarge",
    "ml.g7.8xlarge",
    "ml.g7.12xlarge",
    "ml.g7.24xlarge",
    "ml.g7.48xlarge",
    "ml.g7e.2xlarge",
    "ml.g7e.4xlarge",
    "ml.g7e.8xlarge",
    "ml.g7e.12xlarge",
    "ml.g7e.24xlarge",
    "ml.g7e.48xlarge",
    "ml.geospatial.interactive",
    "ml.p4d.24xlarge",
    "ml.p4de.24xlarge",
    "ml.trn1.2xlarge",
    "ml.trn1.32xlarge",
    "ml.trn1n.32xlarge",
    "ml.p5.48xlarge",
    "ml.p5en.48xlarge",
    "ml.p6-b200.48xlarge",
    "ml.m6i.large",
    "ml.m6i.xlarge",
    "ml.m6i.2xlarge",
    "ml.m6i.4xlarge",
    "ml.m6i.8xlarge",
    "ml.m6i.12xlarge",
    "ml.m6i.16xlarge",
    "ml.m6i.24xlarge",
    "ml.m6i.32xlarge",
    "ml.m7i.large",
    "ml.m7i.xlarge",
    "ml.m7i.2xlarge",
    "ml.m7i.4xlarge",
    "ml.m7i.8xlarge",
    "ml.m7i.12xlarge",
    "ml.m7i.16xlarge",
    "ml.m7i.24xlarge",
    "ml.m7i.48xlarge",
    "ml.c6i.large",
    "ml.c6i.xlarge",
    "ml.c6i.2xlarge",
    "ml.c6i.4xlarge",
    "ml.c6i.8xlarge",
    "ml.c6i.12xlarge",
    "ml.c6i.16xlarge",
    "ml.c6i.24xlarge",
    "ml.c6i.32xlarge",
    "ml.c7i.large",
    "ml.c7i.xlarge",
    "ml.c7i.2xlarge",
    "ml.c7i.4xlarge",
    "ml.c7i.8xlarge",
    "ml.c7i.12xlarge",
    "ml.c7i.16xlarge",
    "ml.c7i.24xlarge",
    "ml.c7i.48xlarge",
    "ml.r6i.large",
    "ml.r6i.xlarge",
    "ml.r6i.2xlarge",
    "ml.r6i.4xlarge",
    "ml.r6i.8xlarge",
    "ml.r6i.12xlarge",
    "ml.r6i.16xlarge",
    "ml.r6i.24xlarge",
    "ml.r6i.32xlarge",
    "ml.r7i.large",
    "ml.r7i.xlarge",
    "ml.r7i.2xlarge",
    "ml.r7i.4xlarge",
    "ml.r7i.8xlarge",
    "ml.r7i.12xlarge",
    "ml.r7i.16xlarge",
    "ml.r7i.24xlarge",
    "ml.r7i.48xlarge",
    "ml.m6id.large",
    "ml.m6id.xlarge",
    "ml.m6id.2xlarge",
    "ml.m6id.4xlarge",
    "ml.m6id.8xlarge",
    "ml.m6id.12xlarge",
    "ml.m6id.16xlarge",
    "ml.m6id.24xlarge",
    "ml.m6id.32xlarge",
    "ml.c6id.large",
    "ml.c6id.xlarge",
    "ml.c6id.2xlarge",
    "ml.c6id.4xlarge",
    "ml.c6id.8xlarge",
    "ml.c6id.12xlarge",
    "ml.c6id.16xlarge",
    "ml.c6id.24xlarge",
    "ml.c6id.32xlarge",
    "ml.r6id.large",
    "ml.r6id.xlarge",
    "ml.r6id.2xlarge",
    "ml.r6id.4xlarge",
    "ml.r6id.8xlarge",
    "ml.r6id.12xlarge",
    "ml.r6id.16xlarge",
    "ml.r6id.24xlarge",
    "ml.r6id.32xlarge",
    "ml.p5.4xlarge",
]);
pub(super) static LIFECYCLE_CONFIG_ARN: Shape = Text {
    min: 0,
    max: 256,
    pattern: r"(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:studio-lifecycle-config/.*|None)",
};
pub(super) static TRAINING_PLAN_ARN: Shape =
    Text { min: 0, max: 2048, pattern: r"(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:training-plan/.*|None)" };
pub(super) static REPOSITORY_URL: Shape = Text { min: 0, max: 1024, pattern: r"https://([.\-_a-zA-Z0-9]+/?){3,1016}" };
pub(super) static IMAGE_NAME: Shape = Text { min: 1, max: 63, pattern: r"[a-zA-Z0-9]([-.]?[a-zA-Z0-9]){0,62}" };
pub(super) static IMAGE_VERSION_NUMBER: Shape = Whole { min: 0, max: UNLIMITED };
pub(super) static TOGGLE: Shape = Choice(&["ENABLED", "DISABLED"]);
pub(super) static RSTUDIO_USER_GROUP: Shape = Choice(&["R_STUDIO_ADMIN", "R_STUDIO_USER"]);
pub(super) static DATA_SOURCE_NAME: Shape = Choice(&["SalesforceGenie", "Snowflake"]);
pub(super) static SECRET_ARN: Shape =
    Text { min: 1, max: 2048, pattern: r"arn:aws[a-z\-]*:secretsmanager:[a-z0-9\-]*:[0-9]{12}:secret:.*" };
pub(super) static IDLE_TIMEOUT_IN_MINUTES: Shape = Whole { min: 60, max: 525_600 };
pub(super) static SPACE_EBS_VOLUME_SIZE_IN_GB: Shape = Whole { min: 5, max: 16_384 };
pub(super) static LANDING_URI: Shape = Text { min: 0, max: 1023, pattern: "" };
pub(super) static UID: Shape = Whole { min: 10_000, max: 4_000_000 };
pub(super) static GID: Shape = Whole { min: 1001, max: 4_000_000 };
pub(super) static FILE_SYSTEM_ID: Shape = Text { min: 11, max: 21, pattern: r"(fs-[0-9a-f]{8,})" };
pub(super) static FILE_SYSTEM_PATH: Shape = Text { min: 1, max: 256, pattern: r"\/\S*" };
pub(super) static TEXT_OF_1024: Shape = Text { min: 0, max: 1024, pattern: "" };
pub(super) static S3_SCHEMA_URI: Shape = Text { min: 0, max: 1024, pattern: r"(s3)://([^/]+)/?(.*)" };
pub(super) static ML_TOOLS: Shape = Choice(&[
    "DataWrangler",
    "FeatureStore",
    "EmrClusters",
    "AutoMl",
    "Experiments",
    "Training",
    "ModelEvaluation",
    "Pipelines",
    "Models",
    "JumpStart",
    "InferenceRecommender",
    "Endpoints",
    "Projects",
    "InferenceOptimization",
    "PerformanceEvaluation",
    "LakeraGuard",
    "Comet",
    "DeepchecksLLMEvaluation",
    "Fiddler",
    "HyperPodClusters",
    "RunningInstances",
    "Datasets",
    "Evaluators",
]);
pub(super) static APP_TYPE: Shape = Choice(&[
    "JupyterServer",
    "KernelGateway",
    "DetailedProfiler",
    "TensorBoard",
    "CodeEditor",
    "JupyterLab",
    "RStudioServerPro",
    "RSessionGateway",
    "Canvas",
]);
pub(super) static SAGEMAKER_IMAGE_NAME: Shape = Choice(&["sagemaker_distribution"]);
pub(super) static IMAGE_VERSION_ALIAS_PATTERN: Shape =
    Text { min: 1, max: 128, pattern: r"(0|[1-9]\d*)\.(0|[1-9]\d*)" };
pub(super) static EXECUTION_ROLE_SESSION_NAME_MODE: Shape = Choice(&["STATIC", "USER_IDENTITY"]);
pub(super) static AUTO_MOUNT_HOME_EFS: Shape = Choice(&["Enabled", "Disabled", "DefaultAsDomain"]);
pub(super) static ANY_TEXT: Shape = Text { min: 0, max: UNLIMITED, pattern: "" };
pub(super) static EXECUTION_ROLE_IDENTITY_CONFIG: Shape = Choice(&["USER_PROFILE_NAME", "DISABLED"]);
pub(super) static ACCOUNT_ID: Shape = Text { min: 12, max: 12, pattern: r"\d+" };
pub(super) static Q_PROFILE_ARN: Shape = Text {
    min: 0,
    max: UNLIMITED,
    pattern: r"arn:[-.a-z0-9]{1,63}:codewhisperer:([-.a-z0-9]{0,63}:){2}([a-zA-Z0-9-_:/]){1,1023}",
};
pub(super) static REGION_NAME: Shape = Text { min: 1, max: 24, pattern: "" };
pub(super) static UNIFIED_STUDIO_DOMAIN_ID: Shape =
    Text { min: 0, max: UNLIMITED, pattern: r"dzd[-_][a-zA-Z0-9_-]{1,36}" };
pub(super) static UNIFIED_STUDIO_PROJECT_ID: Shape = Text { min: 0, max: UNLIMITED, pattern: r"[a-zA-Z0-9_-]{1,36}" };
pub(super) static SINGLE_SIGN_ON_APPLICATION_ARN: Shape = Text {
    min: 0,
    max: UNLIMITED,
    pattern: r"arn:(aws|aws-us-gov|aws-cn|aws-iso|aws-iso-b):sso::[0-9]+:application\/[a-zA-Z0-9-_.]+\/apl-[a-zA-Z0-9]+",
};
pub(super) static IP_ADDRESS_TYPE: Shape = Choice(&["ipv4", "dualstack"]);
pub(super) static TAG_KEY: Shape = Text { min: 1, max: 128, pattern: TAG_CHARACTERS };
pub(super) static TAG_VALUE: Shape = Text { min: 0, max: 256, pattern: TAG_CHARACTERS };
pub(super) static APP_NETWORK_ACCESS_TYPE: Shape = Choice(&["PublicInternetOnly", "VpcOnly"]);
pub(super) static APP_SECURITY_GROUP_MANAGEMENT: Shape = Choice(&["Service", "Customer"]);
pub(super) static DOMAIN_ID: Shape = Text { min: 0, max: 63, pattern: r"d-(-*[a-z0-9]){1,61}" };
pub(super) static RETENTION_TYPE: Shape = Choice(&["Retain", "Delete"]);
pub(super) static NEXT_TOKEN: Shape = Text { min: 0, max: 8192, pattern: "" };
pub(super) static MAX_RESULTS: Shape = Whole { min: 1, max: 100 };
pub(super) static SINGLE_SIGN_ON_USER_IDENTIFIER: Shape = Text { min: 0, max: UNLIMITED, pattern: r"UserName" };
pub(super) static TEXT_OF_256: Shape = Text { min: 0, max: 256, pattern: "" };
pub(super) static SORT_ORDER: Shape = Choice(&["Ascending", "Descending"]);
pub(super) static USER_PROFILE_SORT_KEY: Shape = Choice(&["CreationTime", "LastModifiedTime"]);
pub(super) static LIFECYCLE_CONFIG_CONTENT: Shape = Text { min: 1, max: 16_384, pattern: "" };
pub(super) static LIFECYCLE_CONFIG_APP_TYPE: Shape =
    Choice(&["JupyterServer", "KernelGateway", "CodeEditor", "JupyterLab"]);
pub(super) static TIMESTAMP: Shape = Moment;
pub(super) static LIFECYCLE_CONFIG_SORT_KEY: Shape = Choice(&["CreationTime", "LastModifiedTime", "Name"]);
pub(super) static SHARING_TYPE: Shape = Choice(&["Private", "Shared"]);
pub(super) static DISPLAY_NAME: Shape = Text { min: 0, max: 64, pattern: r".*\S.*" };
pub(super) static BOOLEAN: Shape = Flag;
pub(super) static APP_SORT_KEY: Shape = Choice(&["CreationTime"]);
pub(super) static SESSION_EXPIRATION_DURATION_IN_SECONDS: Shape = Whole { min: 1800, max: 43_200 };
pub(super) static EXPIRES_IN_SECONDS: Shape = Whole { min: 5, max: 300 };
pub(super) static RESOURCE_ARN: Shape =
    Text { min: 0, max: 256, pattern: r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:[0-9]{12}:.+" };
pub(super) static LIST_TAGS_MAX_RESULTS: Shape = Whole { min: 50, max: UNLIMITED };
pub(super) static SAGEMAKER_IMAGE_VERSION_ALIAS: Shape =
    Text { min: 1, max: 128, pattern: r"[a-zA-Z0-9_][a-zA-Z0-9_.-]*" };
pub(super) static TRACKING_SERVER_STATUS: Shape = Choice(&[
    "Creating",
    "Created",
    "CreateFailed",
    "Updating",
    "Updated",
    "UpdateFailed",
    "Deleting",
    "DeleteFailed",
    "Stopping",
    "Stopped",
    "StopFailed",
    "Starting",
    "Started",
    "StartFailed",
    "MaintenanceInProgress",
    "MaintenanceComplete",
    "MaintenanceFailed",
]);
pub(super) static MLFLOW_VERSION: Shape = Text { min: 0, max: 16, pattern: r"[0-9]*.[0-9]*.[0-9]*" };
pub(super) static SORT_TRACKING_SERVER_BY: Shape = Choice(&["Name", "CreationTime", "Status"]);
pub(super) static HOME_EFS_CREATION: Shape = Choice(&["Enabled", "Disabled"]);
