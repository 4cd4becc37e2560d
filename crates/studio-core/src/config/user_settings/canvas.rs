//! Settings of SageMaker Canvas.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{StatusSettings, wire};
use crate::config::{enums, patterns};

settings! {
    /// Settings of SageMaker Canvas.
    struct CanvasAppSettings {
        /// Time series forecasts in Canvas.
        time_series_forecasting_settings: TimeSeriesForecastingSettings,
        /// Canvas's access to the model registry.
        model_register_settings: ModelRegisterSettings,
        /// Storage of Canvas's files in S3.
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

    /// Time series forecasts in Canvas.
    struct TimeSeriesForecastingSettings {
        /// On or off.
        #[schemars(extend("enum" = enums::SWITCH, "x-aws" = true))]
        status: String,
        /// ARN of the role for Amazon Forecast.
        #[schemars(length(min = 20, max = 2048), extend("pattern" = patterns::ROLE.regex))]
        amazon_forecast_role_arn: String,
    }

    /// Canvas's access to the model registry.
    struct ModelRegisterSettings {
        /// On or off.
        #[schemars(extend("enum" = enums::SWITCH, "x-aws" = true))]
        status: String,
        /// ARN of the role in the registry's account.
        #[schemars(length(min = 20, max = 2048), extend("pattern" = patterns::ROLE.regex))]
        cross_account_model_register_role_arn: String,
    }

    /// Storage of Canvas's files in S3.
    struct WorkspaceSettings {
        /// The location, as `s3://…`.
        #[schemars(length(max = 1024), extend("pattern" = patterns::S3_PLACE.regex))]
        s3_artifact_path: String,
        /// KMS key for the files.
        #[schemars(length(max = 2048), extend("pattern" = patterns::KEY.regex))]
        s3_kms_key_id: String,
    }

    /// OAuth to one data source.
    struct IdentityProviderOAuthSetting {
        /// The data source.
        #[schemars(extend("enum" = enums::DATA_SOURCES, "x-aws" = true))]
        data_source_name: String,
        /// On or off.
        #[schemars(extend("enum" = enums::SWITCH, "x-aws" = true))]
        status: String,
        /// ARN of the secret with the credentials.
        #[schemars(length(max = 2048))]
        secret_arn: String,
    }

    /// Generative AI in Canvas.
    struct GenerativeAiSettings {
        /// ARN of the role for Amazon Bedrock.
        #[schemars(length(min = 20, max = 2048), extend("pattern" = patterns::ROLE.regex))]
        amazon_bedrock_role_arn: String,
    }

    /// EMR Serverless jobs in Canvas.
    struct EmrServerlessSettings {
        /// ARN of the role that jobs run as.
        #[schemars(length(min = 20, max = 2048), extend("pattern" = patterns::ROLE.regex))]
        execution_role_arn: String,
        /// On or off.
        #[schemars(extend("enum" = enums::SWITCH, "x-aws" = true))]
        status: String,
    }
}
