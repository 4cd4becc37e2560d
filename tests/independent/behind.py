"""Changes what stands in docs/drift.md behind the config's back, by boto3, and looks at what drift says.

Which changes there are botocore's model says: every member of the settings that a domain and a profile take, and every
operation by which something of ours may be changed. Each is found, or the table says that it is not looked at, and why.
"""

import json
import random
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import boto3
import botocore.config

from account import Served, clients, run

ACCOUNT, REGION = "111122223333", "us-east-1"
IDENTITY = ["--org", "acme", "--env", "dev", "--domain", "ml", "--module", "studio"]
PREFIX = "acme-dev-ml-studio"
ROLE = f"{PREFIX}-default-execution-role"
CONFIG = """domain:
  authMode: IAM
  vpcId: vpc-id
  subnetIds: [subnet-id]
  dataAdminRoles: [{id: AROAADMIN}]
  securityGroupIngress:
    ipv4:
      - {cidr: 10.0.0.0/24, protocol: tcp, port: 443}
  userProfiles:
    ann: {userRole: {name: team}}
  defaultUserSettings:
    kernelGatewayAppSettings:
      customImages: [{imageName: lab, appImageConfigName: lab}]
  lifecycleConfigs:
    jupyterLab:
      assets:
        tools: {sourcePath: ./tools}
      cmds: [echo one]
"""
# How many changes the suite tries.
SAMPLE = 20
NAMES = ["iam", "kms", "ec2", "s3", "ssm", "sagemaker"]
ANYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
OTHER = f"arn:aws:iam::{ACCOUNT}:role/behind"

# Of several words the one that opens most.
WORDS = ["ENABLED", "Allowed", "R_STUDIO_ADMIN", "dualstack", "PublicInternetOnly", "Service"]
# Values by the name of the setting that takes them.
VALUES = {
    "ExecutionRole": OTHER, "AmazonForecastRoleArn": OTHER, "CrossAccountModelRegisterRoleArn": OTHER,
    "AmazonBedrockRoleArn": OTHER, "ExecutionRoleArn": OTHER, "DomainExecutionRoleArn": OTHER,
    "AssumableRoleArns": [OTHER], "ExecutionRoleArns": [OTHER],
    "S3OutputPath": "s3://elsewhere/a", "S3ArtifactPath": "s3://elsewhere/a", "ProjectS3Path": "s3://elsewhere/a",
    "CodeRepositories": [{"RepositoryUrl": "https://example.com/a.git"}],
    "IdentityProviderOAuthSettings": [{"DataSourceName": "SalesforceGenie", "Status": "ENABLED",
                                       "SecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:a-abcdef"}],
    "CustomFileSystemConfigs": [{"EFSFileSystemConfig": {"FileSystemId": "fs-0123456789abcdef0", "FileSystemPath": "/"}}],
    "RStudioConnectUrl": "https://example.com", "RStudioPackageManagerUrl": "https://example.com",
    "VpcOnlyTrustedAccounts": ["999988887777"], "DomainAccountId": "999988887777", "DomainRegion": "eu-west-1",
    "DomainId": "dzd-0123456789abcd", "ProjectId": "0123456789abcd", "EnvironmentId": "0123456789abcd",
    "QProfileArn": f"arn:aws:codewhisperer:{REGION}:{ACCOUNT}:profile/A",
    "SingleSignOnApplicationArn": "arn:aws:sso::111122223333:application/ssoins-0123456789abcdef/apl-0123456789abcdef",
    "DefaultLandingUri": "app:JupyterServer:", "SageMakerImageVersionAlias": "1.0.0",
    "HiddenMlTools": ["AutoMl"], "HiddenAppTypes": ["Canvas"], "HiddenInstanceTypes": ["ml.t3.micro"],
    "HiddenSageMakerImageVersionAliases": [{"SageMakerImageName": "sagemaker_distribution", "VersionAliases": ["1.0"]}],
    "Uid": 10001, "Gid": 1001, "IdleTimeoutInMinutes": 90, "MinIdleTimeoutInMinutes": 60, "MaxIdleTimeoutInMinutes": 120,
    "DefaultEbsVolumeSizeInGb": 10, "MaximumEbsVolumeSizeInGb": 20,
    "CustomImages": [{"ImageName": "lab", "AppImageConfigName": "lab"}],
    "SageMakerImageArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:image/lab",
    "TrainingPlanArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-plan/a",
}
# What the API takes only together, or only where something else is: what goes with it.
TOGETHER = {
    "Uid": {"Gid": 1001}, "Gid": {"Uid": 10001},
    "DefaultEbsVolumeSizeInGb": {"MaximumEbsVolumeSizeInGb": 20}, "MaximumEbsVolumeSizeInGb": {"DefaultEbsVolumeSizeInGb": 10},
}
# What AWS refuses of all this, so that nobody can have done it.
REFUSED = re.compile(
    r"JupyterServerAppSettings\.DefaultResourceSpec\.InstanceType|DefaultUserSettings\.AutoMountHomeEFS|HomeEfsFileSystemCreation|AppSecurityGroupManagement"
    r"|\(period\)|PutParameter \(Type\)|RStudioServerProDomainSettings"
)
# The operations of a model that change something, and no settings: what is asked of them, where it has to be found, and the
# words of the table's row. Those without a request are not modelled by the sandbox, so that only their row is looked up.
BUCKET = {"Bucket": PREFIX}


def rule(group, peer="0.0.0.0/0"):
    return {"GroupId": group, "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": peer}]}]}


def operations(base):
    """Service, operation, request, address and the words of the row; the request is none where the sandbox has no such thing."""
    role, policy, key = {"RoleName": ROLE}, {"PolicyArn": base["policy"]}, {"KeyId": base["key"]}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]})
    tag = [{"Key": "by", "Value": "hand"}]
    ours = [{"Key": "mdaa_org", "Value": "other"}]
    read_only = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    lifecycle = {"Rules": [{"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]}
    destination = {"Bucket": "arn:aws:s3:::theirs"}
    roles, policies = "execution_role.default", "execution_policy.basic"
    return [
        ("iam", "UpdateAssumeRolePolicy", {**role, "PolicyDocument": trust}, roles, "AssumeRolePolicyDocument"),
        ("iam", "TagRole", {**role, "Tags": ours}, roles, "Tags"),
        ("iam", "UntagRole", {**role, "TagKeys": ["mdaa_org"]}, roles, "Tags"),
        ("iam", "UpdateRole", {**role, "MaxSessionDuration": 43200}, roles, "MaxSessionDuration"),
        ("iam", "UpdateRole", {**role, "Description": "a"}, roles, "Description"),
        ("iam", "UpdateRoleDescription", None, roles, "Description"),
        ("iam", "PutRolePolicy", {**role, "PolicyName": "a", "PolicyDocument": ANYTHING}, roles, "inline policies"),
        ("iam", "AttachRolePolicy", {**role, "PolicyArn": read_only}, roles, "attached policies"),
        ("iam", "PutRolePermissionsBoundary", {**role, "PermissionsBoundary": read_only}, roles, "PermissionsBoundary"),
        ("iam", "AddRoleToInstanceProfile", None, roles, "instance profiles"),
        ("iam", "DetachRolePolicy", {**role, **policy}, policies, "attachment to our role"),
        ("iam", "AttachRolePolicy", {"RoleName": "behind", **policy}, policies, "attachment to other roles"),
        ("iam", "AttachUserPolicy", {"UserName": "behind", **policy}, policies, "users"),
        ("iam", "AttachGroupPolicy", {"GroupName": "behind", **policy}, policies, "groups"),
        ("iam", "CreatePolicyVersion", {**policy, "PolicyDocument": ANYTHING, "SetAsDefault": True}, policies, "PolicyDocument"),
        ("iam", "CreatePolicyVersion", {**policy, "PolicyDocument": ANYTHING}, policies, "not the default"),
        ("iam", "TagPolicy", {**policy, "Tags": ours}, policies, "Tags"),
        ("iam", "UntagPolicy", {**policy, "TagKeys": ["mdaa_org"]}, policies, "Tags"),
        ("iam", "PutRolePermissionsBoundary", {"RoleName": "behind", "PermissionsBoundary": base["policy"]}, policies, "boundary"),
        ("kms", "PutKeyPolicy", {**key, "PolicyName": "default", "Policy": base["open_key"]}, "kms_key.efs", "KeyPolicy"),
        ("kms", "DisableKeyRotation", key, "kms_key.efs", "rotation"),
        ("kms", "DisableKey", key, "kms_key.efs", "KeyState"),
        ("kms", "ScheduleKeyDeletion", {**key, "PendingWindowInDays": 7}, "kms_key.efs", "KeyState"),
        ("kms", "TagResource", {**key, "Tags": [{"TagKey": "mdaa_org", "TagValue": "other"}]}, "kms_key.efs", "Tags"),
        ("kms", "UntagResource", {**key, "TagKeys": ["mdaa_org"]}, "kms_key.efs", "Tags"),
        ("kms", "CreateGrant", {**key, "GranteePrincipal": "arn:aws:iam::999988887777:root", "Operations": ["Decrypt"]},
         "kms_key.efs", "grants to other accounts"),
        ("kms", "CreateGrant", {**key, "GranteePrincipal": OTHER, "Operations": ["Decrypt"]}, "kms_key.efs", "within the account"),
        ("kms", "UpdateKeyDescription", {**key, "Description": "a"}, "kms_key.efs", "Description"),
        ("kms", "CreateAlias", {"AliasName": "alias/other", "TargetKeyId": base["key"]}, "kms_key.efs", "other aliases"),
        ("kms", "EnableKeyRotation", {**key, "RotationPeriodInDays": 2000}, "kms_key.efs", "period"),
        ("ec2", "AuthorizeSecurityGroupIngress", rule(base["group"]), "security_group.domain", "ingress"),
        ("ec2", "AuthorizeSecurityGroupEgress", rule(base["group"]), "security_group.domain", "egress"),
        ("ec2", "RevokeSecurityGroupEgress", base["egress"], "security_group.domain", "egress"),
        ("ec2", "CreateTags", {"Resources": [base["group"]], "Tags": ours}, "security_group.domain", "Tags"),
        ("ec2", "AuthorizeSecurityGroupIngress", rule(base["nfs"]), base["nfs_address"], "ingress"),
        ("ec2", "AuthorizeSecurityGroupEgress", rule(base["nfs"]), base["nfs_address"], "egress"),
        ("ec2", "CreateTags", {"Resources": [base["nfs"]], "Tags": ours}, "domain.studio", "Tags"),
        ("ec2", "AssociateSecurityGroupVpc", None, "security_group.domain", "other VPCs"),
        ("s3", "PutBucketLifecycleConfiguration", {**BUCKET, "LifecycleConfiguration": lifecycle}, "bucket.sharing", "lifecycle"),
        ("s3", "PutBucketOwnershipControls", {**BUCKET, "OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}},
         "bucket.sharing", "object ownership"),
        ("s3", "DeleteBucketOwnershipControls", BUCKET, "bucket.sharing", "object ownership"),
        ("s3", "PutBucketWebsite", {**BUCKET, "WebsiteConfiguration": {"IndexDocument": {"Suffix": "a"}}}, "bucket.sharing", "website"),
        ("s3", "PutBucketReplication", {**BUCKET, "ReplicationConfiguration": {"Role": OTHER, "Rules": [
            {"Status": "Enabled", "Prefix": "", "Destination": destination}]}}, "bucket.sharing", "replication"),
        ("s3", "PutBucketCors", {**BUCKET, "CORSConfiguration": {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}},
         "bucket.sharing", "CORS"),
        ("s3", "DeleteBucketPolicy", BUCKET, "bucket.sharing", "policy"),
        ("s3", "DeleteBucketEncryption", BUCKET, "bucket.sharing", "encryption"),
        ("s3", "PutBucketVersioning", {**BUCKET, "VersioningConfiguration": {"Status": "Suspended"}}, "bucket.sharing", "versioning"),
        ("s3", "DeletePublicAccessBlock", BUCKET, "bucket.sharing", "public access block"),
        ("s3", "PutBucketLogging", {**BUCKET, "BucketLoggingStatus": {"LoggingEnabled": {"TargetBucket": "theirs", "TargetPrefix": ""}}},
         "bucket.sharing", "logging"),
        ("s3 as uploader", "PutObject", {**BUCKET, **base["encrypted"], "Key": "lifecycle-assets/JupyterLab/more/a.sh", "Body": b"a"}, "bucket_object.lifecycle-assets", "other objects"),
        ("s3 as uploader", "PutObject", {**BUCKET, **base["encrypted"], "Key": "lifecycle-assets/JupyterLab/tools/more.sh", "Body": b"a"}, "bucket_object.jupyterLab/tools", "files more"),
        ("s3 as uploader", "DeleteObject", {**BUCKET, "Key": "lifecycle-assets/JupyterLab/tools/a.sh"}, "bucket_object.jupyterLab/tools", "files"),
        *[("s3", name, None, "bucket.sharing", words) for name, words in [
            ("PutBucketNotificationConfiguration", "notifications"), ("PutBucketInventoryConfiguration", "inventory"),
            ("PutBucketAnalyticsConfiguration", "analytics"), ("PutBucketMetricsConfiguration", "metrics"),
            ("PutBucketIntelligentTieringConfiguration", "intelligent tiering"), ("PutObjectLockConfiguration", "object lock"),
            ("PutBucketRequestPayment", "request payment"), ("PutBucketAccelerateConfiguration", "acceleration")]],
        ("ssm", "PutParameter", {"Name": base["parameter"], "Value": "a", "Overwrite": True}, base["parameter_address"], "Value"),
        ("ssm", "PutParameter", {"Name": base["parameter"], "Value": "a", "Type": "StringList", "Overwrite": True},
         base["parameter_address"], "Type"),
        ("ssm", "PutParameter", {"Name": base["parameter"], "Value": base["value"], "Description": "a", "Overwrite": True},
         base["parameter_address"], "Description"),
        ("ssm", "AddTagsToResource", {"ResourceType": "Parameter", "ResourceId": base["parameter"], "Tags": ours},
         base["parameter_address"], "Tags"),
        ("ssm", "DeleteParameter", {"Name": base["parameter"]}, base["parameter_address"], "Value"),
        ("sagemaker", "CreateUserProfile", {"DomainId": base["domain"], "UserProfileName": "mallory"}, "user_profile.mallory",
         "does not name"),
        ("sagemaker", "AddTags", {"ResourceArn": base["domain_arn"], "Tags": ours}, "domain.studio", "Tags"),
        ("sagemaker", "AddTags", {"ResourceArn": base["profile_arn"], "Tags": ours}, "user_profile.ann", "Tags"),
        ("sagemaker", "CreateSpace", {"DomainId": base["domain"], "SpaceName": "a", "OwnershipSettings": {"OwnerUserProfileName": "ann"},
                                      "SpaceSharingSettings": {"SharingType": "Private"}}, "space.a", "everything"),
    ]


# What changes nothing that the table is about: what uses a thing, ends it (drift says that it is gone), or is the older form
# of an operation above.
PASSED_OVER = re.compile(
    "^(Get|List|Describe|Head|Simulate|Select|Delete|Create(Bucket|Key|Role|Policy|SecurityGroup|Session|Parameter)$|Remove|Detach"
    "|Upload|Complete|Abort|Copy|Restore|Encrypt|Decrypt|Encapsulate|Decapsulate|ReEncrypt|Generate|Sign|Verify|Derive|Import|Replicate|Rotate|Retire|Revoke"
    "|Cancel|EnableKey$|UpdateAlias|UpdatePrimaryRegion|UntagResource|Untag|PutBucketLifecycle$|PutBucketNotification$"
    "|PutBucketPolicy|PutBucketEncryption|PutBucketTagging|PutPublicAccessBlock|PutBucketAcl|PutBucketAbac|SetDefaultPolicyVersion"
    "|CreateMultipart|.*BucketMetadata|Rename|Write|Modify|UpdateSecurityGroupRuleDescriptions|AssociateSecurityGroupVpc"
    "|Label|Unlabel|PutObject$|PutObjectA|PutObjectL|PutObjectR|PutObjectT|UpdateObject)"
)


def of_model(session):
    """The operations of each model that name a thing of ours."""
    members = {"iam": ["RoleName"], "kms": ["KeyId"], "s3": ["Bucket"]}
    for service, names in members.items():
        model = session.client(service, region_name=REGION).meta.service_model
        for name in model.operation_names:
            shape = model.operation_model(name).input_shape
            if shape is not None and any(member in shape.members for member in names) and not PASSED_OVER.match(name):
                yield service, name


def leaves(shape, path=()):
    """The settings of a structure: what stands at the end of every path."""
    for name, member in shape.members.items():
        if member.type_name == "structure":
            yield from leaves(member, (*path, name))
        else:
            yield (*path, name), member


def value(path, shape, base):
    """A value for a setting that nobody has set; none where there is none to be had."""
    name = path[-1]
    app = next((part.removesuffix("AppSettings") for part in path if part.endswith("AppSettings")), "JupyterLab")
    script = base["scripts"].get(app)
    if name in ("LifecycleConfigArn", "BuiltInLifecycleConfigArn"):
        return script
    if name == "LifecycleConfigArns":
        return script and [script]
    if name in ("SecurityGroups", "SecurityGroupIds"):
        return [base["other_group"]]
    if name == "SubnetIds":
        return None
    if name == "S3KmsKeyId":
        return base["key_arn"]
    if name == "InstanceType":
        return "ml.t3.large"
    # The config names the image, and allows what is shared.
    if "KernelGatewayAppSettings" in path and name == "CustomImages":
        return [{"ImageName": "lab", "ImageVersionNumber": 1, "AppImageConfigName": "lab"}]
    if path[0] == "UserSettings" and name == "NotebookOutputOption":
        return "Disabled"
    if getattr(shape, "enum", None):
        return next((word for word in WORDS if word in shape.enum), shape.enum[-1])
    return VALUES.get(name)


def table(text):
    """The rows of the first table, as kinds, properties and what is said of them; of the second by the end of the path."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    kinds = [(re.findall(r"`(\w+)`", row[0]), row[1], row[2]) for row in rows if len(row) == 4 and "`" in row[0]]
    settings = {name.strip(): row[1] for row in rows if len(row) == 3 for name in row[0].split(",")}
    return kinds, settings


def said_of(settings, path):
    """What the table says of a setting: the longest end of its path that has a row."""
    ends = [".".join(path[at:]) for at in range(len(path))]
    return next((settings[end] for end in ends if end in settings), None)


class Scene:
    """An account in which the config was applied, and copies of it."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        (folder / "studio.yaml").write_text(CONFIG)
        (folder / "tools").mkdir()
        (folder / "tools/a.sh").write_text("echo a\n")
        self.common = [str(folder / "studio.yaml"), "--account", ACCOUNT, "--region", REGION, *IDENTITY]
        self.file = folder / "base.json"
        run([binary, "apply", *self.common, f"--sandbox={self.file}", "--auto-approve"])
        with Served(binary, self.file) as endpoint:
            self.base = self.prepare(clients(endpoint, REGION, NAMES))

    def prepare(self, api):
        """What the changes refer to."""
        trust = json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
        api["iam"].create_role(RoleName="behind", AssumeRolePolicyDocument=trust)
        api["iam"].create_user(UserName="behind")
        api["iam"].create_group(GroupName="behind")
        scripts = {}
        for app in ["JupyterServer", "KernelGateway", "JupyterLab", "CodeEditor"]:
            made = api["sagemaker"].create_studio_lifecycle_config(
                StudioLifecycleConfigName=f"behind-{app.lower()}", StudioLifecycleConfigContent="ZWNobwo=", StudioLifecycleConfigAppType=app)
            scripts[app] = made["StudioLifecycleConfigArn"]
        groups = {group["GroupName"]: group for group in api["ec2"].describe_security_groups()["SecurityGroups"]}
        nfs = next(name for name in groups if name.startswith("security-group-for-inbound-nfs-"))
        ours = next(group for name, group in groups.items() if name.startswith(PREFIX))
        other = api["ec2"].create_security_group(GroupName="behind", Description="behind", VpcId="vpc-id")["GroupId"]
        key = api["kms"].describe_key(KeyId=f"alias/{PREFIX}-efs")["KeyMetadata"]
        statement = json.loads(api["kms"].get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"])
        statement["Statement"].append({"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"})
        domain = api["sagemaker"].list_domains()["Domains"][0]
        profile = api["sagemaker"].describe_user_profile(DomainId=domain["DomainId"], UserProfileName="ann")
        names = [found["Name"] for page in api["ssm"].get_paginator("describe_parameters").paginate() for found in page["Parameters"]]
        parameter = next(name for name in names if name.endswith("/domain/id") or name.endswith("domain/arn") or "domain" in name.split("/")[-2:])
        return {
            "policy": f"arn:aws:iam::{ACCOUNT}:policy/{PREFIX}-basic-execution", "key": key["KeyId"], "key_arn": key["Arn"],
            "open_key": json.dumps(statement), "group": ours["GroupId"], "other_group": other, "scripts": scripts,
            "egress": {"GroupId": ours["GroupId"], "IpPermissions": ours["IpPermissionsEgress"]},
            "nfs": groups[nfs]["GroupId"], "nfs_address": f"nfs_security_group.{nfs}",
            "encrypted": {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["Arn"]},
            "domain": domain["DomainId"], "domain_arn": domain["DomainArn"], "profile_arn": profile["UserProfileArn"],
            "parameter": parameter, "parameter_address": f"parameter.{parameter}",
            "value": api["ssm"].get_parameter(Name=parameter)["Parameter"]["Value"],
        }

    def drift(self, number, change):
        """What drift says after a change: the paths that it names, by address, and its exit code; or why there was no change."""
        file = self.folder / f"{number}.json"
        shutil.copy(self.file, file)
        with Served(self.binary, file) as endpoint:
            try:
                api = clients(endpoint, REGION, [*NAMES, "sts"])
                change({**api, "s3 as uploader": as_uploader(api["sts"], endpoint)})
            except Exception as refused:  # noqa: BLE001 - whatever the service or botocore says
                return None, None, str(refused)
        done = subprocess.run([self.binary, "drift", *self.common, f"--sandbox={file}", "--format", "json"], capture_output=True, text=True)
        file.unlink()
        try:
            document = json.loads(done.stdout)
            found = {step["address"]: step["changed_paths"] for step in document["drift"]}
            for watched in document["watched"]:
                found.setdefault(watched["address"], []).append(watched["path"])
        except (ValueError, KeyError):
            return None, done.returncode, done.stdout[-500:] + done.stderr[-500:]
        return found, done.returncode, None


def as_uploader(sts, endpoint):
    """S3 as the role that uploads assets: the bucket's policy lets nobody else write."""
    made = sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-deployment", RoleSessionName="behind")["Credentials"]
    session = boto3.Session(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"], region_name=REGION)
    return session.client("s3", endpoint_url=endpoint, config=botocore.config.Config(s3={"addressing_style": "path"}))


def camel(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def of_settings(base, session):
    """A case for each setting: its title, its path in what is compared, its address, and the request that sets it."""
    model = session.client("sagemaker", region_name=REGION).meta.service_model
    for operation, address, fixed in [
        ("UpdateDomain", "domain.studio", {"DomainId": base["domain"]}),
        ("UpdateUserProfile", "user_profile.ann", {"DomainId": base["domain"], "UserProfileName": "ann"}),
    ]:
        for path, shape in leaves(model.operation_model(operation).input_shape):
            if path[0] in ("DomainId", "UserProfileName", "VpcId"):
                continue
            wanted = value(path, shape, base)
            tree = wanted
            for at in range(len(path) - 1, 0, -1):
                tree = {path[at]: tree, **(TOGETHER.get(path[at], {}) if at == len(path) - 1 else {})}
            request = {**fixed, path[0]: tree}
            if path[-2:] == ("JupyterServerAppSettings", "LifecycleConfigArns"):
                request[path[0]][path[1]]["DefaultResourceSpec"] = {"InstanceType": "system"}
            if path[0] == "DefaultSpaceSettings":
                request[path[0]].setdefault("ExecutionRole", base["execution_role"])
            if "RStudioServerProDomainSettingsForUpdate" in path:
                request[path[0]][path[1]].setdefault("DomainExecutionRoleArn", OTHER)
            if path[-1] == "LifecycleConfigArn" and wanted:
                settings = request[path[0]][path[1]]
                settings["LifecycleConfigArns"] = [wanted]
            seen = [part.removesuffix("ForUpdate") for part in path]
            yield f"{operation} {'.'.join(path)}", seen, address, operation, request if wanted is not None else None


def check(binary, root, folder, sample):
    """How many changes were tried and found, and what was wrong."""
    session = boto3.Session("AKIABEHIND", "secret", region_name=REGION)
    scene = Scene(binary, folder)
    scene.base["execution_role"] = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
    kinds, settings = table((root / "docs/drift.md").read_text())
    wrong, cases = [], []
    listed = operations(scene.base)
    known = {(service, name) for service, name, *_ in listed}
    wrong += [f"{service} {name} changes a thing of ours, and no case tries it" for service, name in of_model(session) if (service, name) not in known]
    for service, name, request, address, words in listed:
        kind = "nfs_security_group" if address.startswith("nfs") else address.split(".")[0]
        rows = [how for names, properties, how in kinds if kind in names and words in properties]
        if not rows:
            wrong.append(f"{service} {name}: no row of {kind} names {words}")
        elif request is not None:
            cases.append((f"{service} {name} ({words})", None, address, rows[0], service, name, request))
    for title, path, address, operation, request in of_settings(scene.base, session):
        how = said_of(settings, path) or next((how for names, properties, how in kinds if address.split(".")[0] in names and path[-1] in properties), None)
        if how is None and path[-1] not in ("SubnetIds", "AppNetworkAccessType"):
            wrong.append(f"{title}: the table does not know it")
        elif request is not None:
            cases.append((title, path, address, how or "managed", "sagemaker", operation, request))
    chosen = cases if sample is None else random.Random(sample).sample(cases, min(SAMPLE, len(cases)))

    def attempt(numbered):
        number, (title, path, address, how, service, operation, request) = numbered
        found, code, refused = scene.drift(number, lambda api: getattr(api[service], camel(operation))(**request))
        return title, path, address, how, found, code, refused

    counts = {"found": 0, "not looked at": 0, "refused": 0}
    with ThreadPoolExecutor(2) as pool:
        for title, path, address, how, found, code, refused in pool.map(attempt, enumerate(chosen)):
            if found is None:
                counts["refused"] += 1
                if code is not None or not REFUSED.search(title):
                    wrong.append(f"{title}: {'could not be tried' if code is None else f'drift ended with {code}'}: {refused}")
                continue
            dotted = ".".join(path or [])
            named = [at for at in found.get(address, []) if path is None or at.startswith(dotted) or dotted.startswith(at)]
            is_found = code == 2 and address in found and (path is None or bool(named))
            if how in ("managed", "watched") and not is_found:
                wrong.append(f"{title}: the table says {how}, and drift ended with {code}: {found}")
            if how == "not looked at" and path is None and is_found:
                wrong.append(f"{title}: the table says that it is not looked at, and drift found {found}")
            counts["found" if is_found else "not looked at"] += 1
    return f"{len(chosen)} of {len(cases)} changes: " + ", ".join(f"{count} {word}" for word, count in counts.items()), wrong
