//! Every code that a config can earn, with the long text of `explain`.
//!
//! SD10xx are errors, SD15xx values that AWS would refuse, SD20xx warnings. A code is never given a new meaning.

use super::diagnostic::Severity;

/// Kind of mistake, with its code and explanation.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// `SD` and four digits.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What it means, why it matters and what to do.
    pub explanation: &'static str,
}

/// The code with an id, in any case.
pub fn find(id: &str) -> Option<&'static Code> {
    ALL.iter().copied().find(|code| code.id.eq_ignore_ascii_case(id))
}

macro_rules! codes {
    ($($name:ident $id:literal $severity:ident $title:literal $explanation:literal)*) => {
        $(
            #[doc = concat!($id, ": ", $title, ".")]
            pub static $name: Code =
                Code { id: $id, severity: Severity::$severity, title: $title, explanation: $explanation };
        )*

        /// Every code, in order.
        pub static ALL: &[&Code] = &[$(&$name),*];
    };
}

codes! {
    INTERNAL "SD1000" Error "a bug in studio-deploy"
        "The config passed every check but still could not be read. Please report it together with the config."
    SYNTAX "SD1001" Error "not YAML"
        "The file is not YAML. The usual causes are a tab in the indentation, an unquoted value that begins with `{` or `@` \
         or contains `: `, and a missing quote. `{{…}}` at the beginning of a value needs quotes around the value."
    DUPLICATE_KEY "SD1002" Error "a key is given twice"
        "One mapping holds the same key twice. YAML forbids that, and whichever won, somebody would be surprised. It also \
         happens when two keys become equal once their `{{…}}` references are filled in."
    UNKNOWN_KEY "SD1003" Error "an unknown key"
        "The key is not allowed here. It is either misspelt or belongs elsewhere; the message names \
         the nearest key. The command schema prints all keys, and editors use the same schema."
    WRONG_TYPE "SD1004" Error "a value of the wrong type"
        "The value is a list, a mapping, a number or text where something else is expected. Text is converted to a number, a boolean or a \
         list where one is expected and the text is one, but nothing is ever converted to text: an account id or a version \
         needs quotes. A key without a value is `null`, which no key accepts: remove the key, or give it `{}` or `[]`."
    MISSING_KEY "SD1005" Error "a key is missing"
        "The mapping lacks a key that it must have."
    UNKNOWN_WORD "SD1006" Error "not one of the allowed values"
        "The value must be one of a few words, in exactly this case."
    TOO_LARGE "SD1007" Error "too large or too deep"
        "The file expands to more values, or nests them deeper, than any config needs. Aliases multiply what they refer to."
    SEVERAL_DOCUMENTS "SD1008" Error "several documents in one file"
        "The file contains more than one YAML document, separated by `---`. Put each into its own file; several files are merged \
         from left to right."
    EMPTY "SD1009" Error "nothing in the file"
        "The file contains no mapping: it is empty, all comments, or a single value."
    INCLUDE "SD1010" Error "an included file cannot be read"
        "`!include FILE` inserts a file as text; the path is relative to the file that includes it."
    ENCODING "SD1011" Error "not UTF-8 text"
        "The file contains bytes that are not UTF-8. Some editors and Windows PowerShell write UTF-16 or Latin-1; save the \
         file as UTF-8, with or without a byte order mark."
    UNRESOLVED "SD1020" Error "an unknown reference"
        "`{{…}}` is none of these references: org, env, domain, module_name, account, region, partition, context:NAME, env_var:NAME, \
         resolve:ssm:PATH, ssm-org:PATH, ssm-domain:PATH, ssm-env:PATH. Blanks are not allowed inside the braces. MDAA passes \
         unknown references on as they are, which deploys the braces. As in MDAA, the result of a reference is not resolved again: \
         braces that are never closed, and references in a context value, a variable or a parameter, are refused too. A \
         prefix such as `ssm:` counts only at the very beginning of a value and in lower case. Lifecycle commands may contain any \
         other braces."
    MISSING_CONTEXT "SD1021" Error "a context value is missing"
        "`{{context:NAME}}` refers to a value that is missing or empty. Set it with `--context NAME=VALUE`, a parameter \
         file, `deployment.context` or a `context` in mdaa.yaml."
    MISSING_VARIABLE "SD1022" Error "an environment variable is missing"
        "`{{env_var:NAME}}` refers to an environment variable that is not set. An empty one counts as set."
    UNSUPPORTED_REFERENCE "SD1023" Error "a reference that needs CloudFormation"
        "`{{param:…}}`, `{{ref:…}}`, `{{blueprint:…}}`, `{{resolve:ssm-secure:…}}` and `{{resolve:secretsmanager:…}}` are \
         resolved by CloudFormation or by a product built on it. No stack is involved here. Use `{{context:…}}` or an SSM \
         parameter instead."
    EMBEDDED_COLLECTION "SD1024" Error "a list or mapping inside of text"
        "A context value that is a list or a mapping cannot be part of text: the reference must be the whole value, without \
         text around it, and not part of a key."
    MISSING_PARAMETER "SD1025" Error "an SSM parameter does not exist"
        "The value comes from an SSM parameter that does not exist in this account and region, or that the caller may not read."
    SECURE_PARAMETER "SD1026" Error "an SSM parameter is secret"
        "The parameter is a SecureString. Its value would end up in plans, tags and policies, so it is not read."
    PARAMETER_PLACE "SD1027" Error "an SSM parameter where none is allowed"
        "The value of an SSM parameter is text that is known only after asking AWS. It can be a value or part of one, also an \
         element of a list, but not a key, a whole list, or part of another parameter's name."
    PARAMETER_NAME "SD1028" Error "not a name of an SSM parameter"
        "Names of SSM parameters consist of letters, digits and `_ . - /`. Names with levels begin with a slash and have at most 15 \
         levels, none of them empty; together with the ARN before it, a name has up to 1,011 characters. Names may not begin with \
         `aws` or `ssm`, in any case; only AWS's public parameters below /aws/ may be read. A version or a label may follow after a \
         colon. An ARN is arn:PARTITION:ssm:REGION:ACCOUNT:parameter/NAME."
    UNSUPPORTED_MODE "SD1030" Error "a mode that needs CloudFormation"
        "`service_catalog_product_config` and `sagemakerBlueprint` make MDAA package a CloudFormation template as a product \
         instead of deploying it. There is no template here. Remove the block, or keep using MDAA for the product."
    ROLE_ANCHOR "SD1031" Error "a role reference without a role"
        "A role reference needs an `id`, an `arn` or a `name`; `refId`, `immutable` and `sso` alone do not identify a role."
    USER_ROLE "SD1032" Error "a profile without a role"
        "With `authMode: IAM` each profile needs `userRole`, the role from which its user opens Studio: the profile is tagged \
         with the role's id and the session name, so that policies can identify its user."
    DATA_ADMINS "SD1033" Error "a bucket without data admins"
        "Without `domainBucket`, a bucket is created that only the data admins, the execution role and the asset role may use. \
         `dataAdminRoles` must name the data admins; `[]` means none."
    PROFILE_NAME "SD1034" Error "an invalid profile name"
        "A profile's name is the user id with `-` in place of everything but letters, digits and `_`. SageMaker allows only letters, \
         digits and `-`, with no `-` at either end, and 63 characters. Set `profileName` if the user id yields no such name."
    PROFILE_COLLISION "SD1035" Error "two users with one profile"
        "Two user ids yield the same profile name; SageMaker ignores case. Set `profileName` for one of them."
    PROTOCOL "SD1036" Error "an unknown protocol"
        "A rule's protocol is `all`, `tcp`, `udp`, `icmp`, `icmpv6` or the name of another IANA protocol, such as `esp`, in any \
         case; numbers are not accepted, as in MDAA."
    PORT "SD1037" Error "a rule without a port"
        "Each rule whose protocol is not `all` needs a `port` other than 0. All of ICMP is -1."
    CIDR "SD1038" Error "not an IPv4 range"
        "A `cidr` is four numbers, a slash and a mask, such as 10.0.0.0/16. A single address has the mask 32."
    GROUP_ID "SD1039" Error "not a security group id"
        "A security group's id is `sg-` and 8 to 17 lower-case letters and digits."
    ARN "SD1040" Error "not an ARN"
        "An ARN begins with `arn:` and has at least six parts separated by colons. A role's is arn:PARTITION:iam::ACCOUNT:role/NAME."
    BUCKET_NAME "SD1041" Error "not a bucket name"
        "S3 allows 3 to 63 lower-case letters, digits, `-` and `.`; the first and last must be a letter or digit, and two dots \
         may not follow each other."
    NAME "SD1042" Error "an invalid name"
        "The names of organisation, data domain, environment and module consist of letters, digits and hyphens, and the names derived \
         from them must begin and end with a letter or digit."
    LANDING "SD1043" Error "a landing page that is switched off"
        "`defaultLandingUri: studio::` needs the portal, but `studioWebPortal` is `DISABLED`. AWS refuses this combination. Remove the \
         URI: the one that matches the portal's state is then set."
    MISPLACED "SD1044" Error "a setting that belongs elsewhere"
        "The setting exists but not at this level; the message says where it belongs."
    ROLE_NAME "SD1045" Error "not a role's name or id"
        "IAM allows 1 to 64 letters, digits and `_ + = , . @ -` in the name of a role. The path is not part of it: the name in \
         arn:aws:iam::123456789012:role/team/lead is `lead`. A unique id, such as AROA1234567890EXAMPLE, consists of letters \
         and digits; it is used in policies, where a `*` would mean everybody."
    BLANK_SETTING "SD1046" Error "a setting without a value"
        "AWS accepts no empty text for a setting, and an empty key would not change what an earlier apply has set. Give \
         it a value, or remove the key to unset the setting where AWS can."
    PLACE "SD1047" Error "not an account or region"
        "An account id has 12 digits and needs quotes. A region is written as AWS does, in lower case: eu-central-1."
    MDAA_TEMPLATE "SD1050" Error "an unknown environment template"
        "`template` is not among the `env_templates` of this file or of its domain."
    MDAA_UNSUPPORTED "SD1051" Error "an MDAA feature that needs JavaScript"
        "Custom naming classes and custom aspects are JavaScript that MDAA runs inside the CDK. They cannot run here, and \
         ignoring them would deploy with different names or rules."
    MDAA_MODULE "SD1052" Error "a module without a path"
        "Each module in mdaa.yaml needs `module_path` (or the older `cdk_app`), the name of its npm package."
    MDAA_SWITCH "SD1053" Error "a switch that needs CloudFormation"
        "`@aws-mdaa/enableUniqueBucketNames` makes MDAA name the bucket after its CloudFormation stack. There is no stack here, \
         and a bucket with the usual name would be a different one. Remove the switch, or set the bucket as `domainBucket`."
    MDAA_FILE "SD1054" Error "a module's file cannot be read"
        "A file that mdaa.yaml names under `module_configs`, `app_configs` or `tag_configs` cannot be read. A path that begins \
         with `./` or `../` is relative to mdaa.yaml's folder, any other to the current one."
    OUT_OF_RANGE "SD1501" Refused "a number that AWS refuses"
        "The number is outside of the range that the AWS API accepts. `validate` and `plan` warn, `apply` stops."
    LENGTH "SD1502" Refused "too long, too short, too many or too few"
        "The AWS API limits the length of this text or list. `validate` and `plan` warn, `apply` stops."
    AWS_WORD "SD1503" Refused "a value that AWS does not know"
        "The AWS API accepts only certain words here, in exactly this case. `validate` and `plan` warn, `apply` stops."
    SECURITY_GROUPS "SD1504" Refused "too many security groups"
        "An app can have five security groups. SageMaker adds one of its own, and those of the domain and of the profile count \
         together, which leaves four."
    SCRIPT "SD1505" Refused "an empty or too long script"
        "A lifecycle script must have 1 to 16,384 characters in base64, about 12,288 bytes of text. Put a long script into an \
         asset and call it from a command."
    TAG "SD1506" Refused "a tag that AWS refuses"
        "Tag keys have 1 to 128 characters, values up to 256: letters, digits, blanks and `_ . : / = + - @`. Keys beginning \
         with `aws:` belong to AWS. A resource can have 50 tags. studio-deploy sets seven, profiles have one more \
         (`userid`), and so has the home file system, from SageMaker, which leaves 42."
    DESCRIPTION "SD1507" Refused "a description that EC2 refuses"
        "The description of a rule has up to 255 characters: letters, digits, blanks and `. _ - : / ( ) # , @ [ ] + = & ; { } ! $ *`."
    IDENTIFIER "SD1508" Refused "text that AWS refuses"
        "The text is not an id, name, ARN or URI of this kind. The message shows an example of one."
    COMBINATION "SD1509" Refused "settings that AWS refuses together"
        "Each of the settings is fine, but AWS refuses the combination; the message says why."
    BRACES "SD2001" Warning "braces in a command that look like a reference"
        "Unknown `{{…}}` are left as they are in lifecycle commands, because programs such as Docker use them too. This one \
         resembles a reference."
    CLASSIC "SD2002" Warning "a setting for Studio Classic"
        "AWS no longer lets new domains run Studio Classic, whose apps are JupyterServer and KernelGateway. The setting is \
         deployed all the same. Use `jupyterLab` for what users see today."
    IGNORED_RULES "SD2003" Warning "rules without a group"
        "`securityGroupIngress` and `securityGroupEgress` describe the group that is created when `securityGroupId` is absent. An \
         existing group is never changed."
    LINE_ENDS "SD2004" Warning "Windows line endings in a script"
        "With CR LF line endings a lifecycle script fails to start, with a message about a missing file. They are \
         replaced by LF."
    UNUSED_ROLE "SD2005" Warning "an unused role"
        "With `authMode: SSO`, users come from IAM Identity Center and `userRole` has no effect."
    R_STUDIO_GROUP "SD2006" Warning "an RStudio group by another name"
        "AWS calls the groups `R_STUDIO_ADMIN` and `R_STUDIO_USER`. `Admin` and `User`, as in MDAA's sample, are read as these."
    DUPLICATE_RULE "SD2007" Warning "a duplicate rule"
        "Two rules of one direction have the same peer, protocol and ports, perhaps written differently: EC2 drops the bits of a \
         range that its mask covers, and knows ports only for TCP, UDP and ICMP. Only the first rule is created."
    ASSET_PREFIX "SD2008" Warning "a prefix with a slash"
        "A slash at the beginning of `assetPrefix` is dropped; with it, MDAA uploads to one prefix and reads from another. A slash at its \
         end is doubled by the one that follows."
    TAG_PRIORITY "SD2009" Warning "a tag with a special meaning"
        "studio-deploy sets tags that begin with `mdaa_` or `studio-deploy:`, and they override your own. A tag `userid` replaces the \
         one that identifies the user of a profile."
    MDAA_IGNORED "SD2010" Warning "an MDAA setting without effect"
        "The setting is about MDAA's own machinery, such as its version, and changes nothing here."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_sorted_and_explained() {
        assert!(ALL.is_sorted_by(|a, b| a.id < b.id));
        for code in ALL {
            assert!(code.explanation.ends_with('.') && !code.title.ends_with('.'), "{}", code.id);
            let severity = match &code.id[..4] {
                "SD10" => Severity::Error,
                "SD15" => Severity::Refused,
                _ => Severity::Warning,
            };
            assert_eq!(code.severity, severity, "{}", code.id);
        }
        assert_eq!(find("sd1003"), Some(&UNKNOWN_KEY));
        assert_eq!(find("SD9999"), None);
    }
}
