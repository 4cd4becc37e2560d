//! The requests of the operations that the sandbox's Studio answers, as the `SageMaker` API model of 2017-07-24 has them.

use super::Shape::{self, Structure};
use super::{optional, required, settings, values};

/// Every operation with its request.
pub(super) static REQUESTS: &[(&str, Shape)] = &[
    (
        "CreateDomain",
        Structure(&[
            required("DomainName", &values::NAME),
            required("AuthMode", &values::AUTH_MODE),
            required("DefaultUserSettings", &settings::USER_SETTINGS),
            optional("DomainSettings", &settings::DOMAIN_SETTINGS),
            optional("SubnetIds", &settings::SUBNETS),
            optional("VpcId", &values::NETWORK_ID),
            optional("Tags", &settings::TAGS),
            optional("AppNetworkAccessType", &values::APP_NETWORK_ACCESS_TYPE),
            optional("HomeEfsFileSystemKmsKeyId", &values::KMS_KEY_ID),
            optional("KmsKeyId", &values::KMS_KEY_ID),
            optional("AppSecurityGroupManagement", &values::APP_SECURITY_GROUP_MANAGEMENT),
            optional("TagPropagation", &values::TOGGLE),
            optional("DefaultSpaceSettings", &settings::DEFAULT_SPACE_SETTINGS),
            optional("HomeEfsFileSystemCreation", &values::HOME_EFS_CREATION),
        ]),
    ),
    (
        "UpdateDomain",
        Structure(&[
            required("DomainId", &values::DOMAIN_ID),
            optional("DefaultUserSettings", &settings::USER_SETTINGS),
            optional("DomainSettingsForUpdate", &settings::DOMAIN_SETTINGS_FOR_UPDATE),
            optional("AppSecurityGroupManagement", &values::APP_SECURITY_GROUP_MANAGEMENT),
            optional("DefaultSpaceSettings", &settings::DEFAULT_SPACE_SETTINGS),
            optional("SubnetIds", &settings::SUBNETS),
            optional("AppNetworkAccessType", &values::APP_NETWORK_ACCESS_TYPE),
            optional("TagPropagation", &values::TOGGLE),
            optional("VpcId", &values::NETWORK_ID),
            optional("HomeEfsFileSystemCreation", &values::HOME_EFS_CREATION),
        ]),
    ),
    ("DescribeDomain", Structure(&[required("DomainId", &values::DOMAIN_ID)])),
    (
        "DeleteDomain",
        Structure(&[
            required("DomainId", &values::DOMAIN_ID),
            optional("RetentionPolicy", &settings::RETENTION_POLICY),
        ]),
    ),
    (
        "ListDomains",
        Structure(&[optional("NextToken", &values::NEXT_TOKEN), optional("MaxResults", &values::MAX_RESULTS)]),
    ),
    (
        "CreateUserProfile",
        Structure(&[
            required("DomainId", &values::DOMAIN_ID),
            required("UserProfileName", &values::NAME),
            optional("SingleSignOnUserIdentifier", &values::SINGLE_SIGN_ON_USER_IDENTIFIER),
            optional("SingleSignOnUserValue", &values::TEXT_OF_256),
            optional("Tags", &settings::TAGS),
            optional("UserSettings", &settings::USER_SETTINGS),
        ]),
    ),
    (
        "UpdateUserProfile",
        Structure(&[
            required("DomainId", &values::DOMAIN_ID),
            required("UserProfileName", &values::NAME),
            optional("UserSettings", &settings::USER_SETTINGS),
        ]),
    ),
    (
        "DescribeUserProfile",
        Structure(&[required("DomainId", &values::DOMAIN_ID), required("UserProfileName", &values::NAME)]),
    ),
    (
        "DeleteUserProfile",
        Structure(&[required("DomainId", &values::DOMAIN_ID), required("UserProfileName", &values::NAME)]),
    ),
    (
        "ListUserProfiles",
        Structure(&[
            optional("NextToken", &values::NEXT_TOKEN),
            optional("MaxResults", &values::MAX_RESULTS),
            optional("SortOrder", &values::SORT_ORDER),
            optional("SortBy", &values::USER_PROFILE_SORT_KEY),
            optional("DomainIdEquals", &values::DOMAIN_ID),
            optional("UserProfileNameContains", &values::NAME),
        ]),
    ),
    (
        "CreateStudioLifecycleConfig",
        Structure(&[
            required("StudioLifecycleConfigName", &values::NAME),
            required("StudioLifecycleConfigContent", &values::LIFECYCLE_CONFIG_CONTENT),
            required("StudioLifecycleConfigAppType", &values::LIFECYCLE_CONFIG_APP_TYPE),
            optional("Tags", &settings::TAGS),
        ]),
    ),
    ("DescribeStudioLifecycleConfig", Structure(&[required("StudioLifecycleConfigName", &values::NAME)])),
    ("DeleteStudioLifecycleConfig", Structure(&[required("StudioLifecycleConfigName", &values::NAME)])),
    (
        "ListStudioLifecycleConfigs",
        Structure(&[
            optional("MaxResults", &values::MAX_RESULTS),
            optional("NextToken", &values::NEXT_TOKEN),
            optional("NameContains", &values::NAME),
            optional("AppTypeEquals", &values::LIFECYCLE_CONFIG_APP_TYPE),
            optional("CreationTimeBefore", &values::TIMESTAMP),
            optional("CreationTimeAfter", &values::TIMESTAMP),
            optional("ModifiedTimeBefore", &values::TIMESTAMP),
            optional("ModifiedTimeAfter", &values::TIMESTAMP),
            optional("SortBy", &values::LIFECYCLE_CONFIG_SORT_KEY),
            optional("SortOrder", &values::SORT_ORDER),
        ]),
    ),
    (
        "CreateSpace",
        Structure(&[
            required("DomainId", &values::DOMAIN_ID),
            required("SpaceName", &values::NAME),
            optional("Tags", &settings::TAGS),
            optional("SpaceSettings", &settings::SPACE_SETTINGS),
            optional("OwnershipSettings", &settings::OWNERSHIP_SETTINGS),
            optional("SpaceSharingSettings", &settings::SPACE_SHARING_SETTINGS),
            optional("SpaceDisplayName", &values::DISPLAY_NAME),
        ]),
    ),
    (
        "UpdateSpace",
        Structure(&[
            required("DomainId", &values::DOMAIN_ID),
            required("SpaceName", &values::NAME),
            optional("SpaceSettings", &settings::SPACE_SETTINGS),
            optional("SpaceDisplayName", &values::DISPLAY_NAME),
        ]),
    ),
    ("DescribeSpace", Structure(&[required("DomainId", &values::DOMAIN_ID), required("SpaceName", &values::NAME)])),
    ("DeleteSpace", Structure(&[required("DomainId", &values::DOMAIN_ID), required("SpaceName", &values::NAME)])),
    (
        "ListSpaces",
        Structure(&[
            optional("NextToken", &values::NEXT_TOKEN),
            optional("MaxResults", &values::MAX_RESULTS),
            optional("SortOrder", &values::SORT_ORDER),
            optional("SortBy", &values::USER_PROFILE_SORT_KEY),
            optional("DomainIdEquals", &values::DOMAIN_ID),
            optional("SpaceNameContains", &values::NAME),
        ]),
    ),
    (
        "CreateApp",
        Structure(&[
            required("DomainId", &values::DOMAIN_ID),
            optional("UserProfileName", &values::NAME),
            optional("SpaceName", &values::NAME),
            required("AppType", &values::APP_TYPE),
            required("AppName", &values::NAME),
            optional("Tags", &settings::TAGS),
            optional("ResourceSpec", &settings::RESOURCE_SPEC),
            optional("RecoveryMode", &values::BOOLEAN),
        ]),
    ),
    (
        "DescribeApp",
        Structure(&[
            required("DomainId", &values::DOMAIN_ID),
            optional("UserProfileName", &values::NAME),
            optional("SpaceName", &values::NAME),
            required("AppType", &values::APP_TYPE),
            required("AppName", &values::NAME),
        ]),
    ),
    (
        "DeleteApp",
        Structure(&[
            required("DomainId", &values::DOMAIN_ID),
            optional("UserProfileName", &values::NAME),
            optional("SpaceName", &values::NAME),
            required("AppType", &values::APP_TYPE),
            required("AppName", &values::NAME),
        ]),
    ),
    (
        "ListApps",
        Structure(&[
            optional("NextToken", &values::NEXT_TOKEN),
            optional("MaxResults", &values::MAX_RESULTS),
            optional("SortOrder", &values::SORT_ORDER),
            optional("SortBy", &values::APP_SORT_KEY),
            optional("DomainIdEquals", &values::DOMAIN_ID),
            optional("UserProfileNameEquals", &values::NAME),
            optional("SpaceNameEquals", &values::NAME),
        ]),
    ),
    (
        "CreatePresignedDomainUrl",
        Structure(&[
            required("DomainId", &values::DOMAIN_ID),
            required("UserProfileName", &values::NAME),
            optional("SessionExpirationDurationInSeconds", &values::SESSION_EXPIRATION_DURATION_IN_SECONDS),
            optional("ExpiresInSeconds", &values::EXPIRES_IN_SECONDS),
            optional("SpaceName", &values::NAME),
            optional("LandingUri", &values::LANDING_URI),
        ]),
    ),
    ("AddTags", Structure(&[required("ResourceArn", &values::RESOURCE_ARN), required("Tags", &settings::TAGS)])),
    (
        "DeleteTags",
        Structure(&[required("ResourceArn", &values::RESOURCE_ARN), required("TagKeys", &settings::TAG_KEYS)]),
    ),
    (
        "ListTags",
        Structure(&[
            required("ResourceArn", &values::RESOURCE_ARN),
            optional("NextToken", &values::NEXT_TOKEN),
            optional("MaxResults", &values::LIST_TAGS_MAX_RESULTS),
        ]),
    ),
    ("DescribeImage", Structure(&[required("ImageName", &values::IMAGE_NAME)])),
    (
        "DescribeImageVersion",
        Structure(&[
            required("ImageName", &values::IMAGE_NAME),
            optional("Version", &values::IMAGE_VERSION_NUMBER),
            optional("Alias", &values::SAGEMAKER_IMAGE_VERSION_ALIAS),
        ]),
    ),
    ("DescribeAppImageConfig", Structure(&[required("AppImageConfigName", &values::NAME)])),
    (
        "ListMlflowTrackingServers",
        Structure(&[
            optional("CreatedAfter", &values::TIMESTAMP),
            optional("CreatedBefore", &values::TIMESTAMP),
            optional("TrackingServerStatus", &values::TRACKING_SERVER_STATUS),
            optional("MlflowVersion", &values::MLFLOW_VERSION),
            optional("SortBy", &values::SORT_TRACKING_SERVER_BY),
            optional("SortOrder", &values::SORT_ORDER),
            optional("NextToken", &values::NEXT_TOKEN),
            optional("MaxResults", &values::MAX_RESULTS),
        ]),
    ),
];
