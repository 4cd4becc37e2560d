"""Reads an account with boto3, in the shapes that the expected documents have."""

import base64
import json
import subprocess
import urllib.parse

import boto3
import botocore.config
from botocore.exceptions import ClientError

import model


def run(command):
    """Standard output of a command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\nexited {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


class Served:
    """`sandbox serve` as long as the block lasts."""

    def __init__(self, binary, sandbox, *flags):
        self.command = [binary, "sandbox", "serve", "--port", "0", f"--sandbox={sandbox}", *flags]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return self.process.stdout.readline().strip()

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.process.stdout.close()


def clients(endpoint, region, names):
    """A client a service, none of which retries: what fails once is a finding."""
    session = boto3.Session("AKIAINDEPENDENT", "secret", region_name=region)
    config = botocore.config.Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return {name: session.client(name, endpoint_url=endpoint, config=config) for name in names}


def tags(listed):
    """A list of tags as a map."""
    return {tag["Key"]: tag["Value"] for tag in listed}


def plain(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


class Account:
    """An account behind an endpoint."""

    def __init__(self, endpoint, region):
        names = ["iam", "kms", "ec2", "s3", "ssm", "sagemaker", "sts"]
        self.strict = model.Strict()
        for name, client in clients(endpoint, region, names).items():
            self.strict.watch(client)
            setattr(self, name, client)
        self.region = region
        self.roles = [role for page in self.iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
        self.objects = set()

    def role(self, key, value):
        """The role with this id, ARN or name."""
        if value.startswith("ssm:"):
            value = self.parameter(value.removeprefix("ssm:"))
        member = {"id": "RoleId", "arn": "Arn", "name": "RoleName"}[key]
        [role] = [role for role in self.roles if role[member] == value]
        return role

    def parameter(self, name):
        return self.ssm.get_parameter(Name=name)["Parameter"]["Value"]

    def read(self, identity, expected, assets):
        """Everything of the deployment: found by MDAA's names where a name is the identity, by listing otherwise."""
        org, env, domain, module = identity
        prefix = f"{org}-{env}-{domain}-{module}"
        found = {}
        for address, wanted in expected.items():
            kind = address.split(".")[0]
            if kind in ("execution_role", "asset_role"):
                found[address] = self.iam_role(wanted["RoleName"])
            elif kind in ("execution_policy", "asset_policy"):
                found[address] = self.managed_policy(wanted["PolicyName"])
            elif kind == "kms_key":
                found[address] = self.key(wanted["AliasName"])
            elif kind == "bucket":
                found[address] = self.bucket(wanted["BucketName"])
            elif kind == "security_group":
                found[address] = self.security_group(wanted["GroupName"])
        found.update(self.lifecycle_configs(prefix))
        found.update(self.studio())
        found.update(self.parameters(f"/{org}/{domain}/{module}"))
        if assets:
            bucket = found.get("bucket.sharing", {}).get("BucketName")
            output = next(found[address] for address in found if address.startswith("lifecycle_config."))
            bucket = bucket or output["StudioLifecycleConfigContent"].split("s3://")[1].split("/")[0]
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
            self.objects = {entry["Key"] for page in pages for entry in page.get("Contents", [])}
        return found

    def iam_role(self, name):
        role = self.iam.get_role(RoleName=name)["Role"]
        inline = self.iam.list_role_policies(RoleName=name)["PolicyNames"]
        read = {
            "RoleName": role["RoleName"],
            "AssumeRolePolicyDocument": document(role["AssumeRolePolicyDocument"]),
            "Tags": tags(role["Tags"]),
            "_outputs": {"Arn": role["Arn"], "RoleId": role["RoleId"], "RoleName": role["RoleName"]},
        }
        for unexpected, value in [("InlinePolicies", inline), ("Path", role["Path"] != "/" and role["Path"])]:
            if value:
                read[unexpected] = value
        if role["MaxSessionDuration"] != 3600:
            read["MaxSessionDuration"] = role["MaxSessionDuration"]
        return read

    def managed_policy(self, name):
        pages = self.iam.get_paginator("list_policies").paginate(Scope="Local")
        [arn] = [policy["Arn"] for page in pages for policy in page["Policies"] if policy["PolicyName"] == name]
        policy = self.iam.get_policy(PolicyArn=arn)["Policy"]
        version = self.iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
        entities = self.iam.list_entities_for_policy(PolicyArn=arn)
        return {
            "PolicyName": policy["PolicyName"],
            "Path": policy["Path"],
            "Description": policy.get("Description", ""),
            "PolicyDocument": document(version["Document"]),
            "Roles": [role["RoleName"] for role in entities["PolicyRoles"]],
            "Tags": tags(policy.get("Tags", [])),
            "_outputs": {"Arn": arn, "PolicyName": name},
        }

    def key(self, alias):
        key = self.kms.describe_key(KeyId=alias)["KeyMetadata"]
        odd = {name: key[name] for name, usual in USUAL_KEY.items() if key.get(name) != usual}
        tagged = self.kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]
        return {
            "AliasName": alias,
            "EnableKeyRotation": self.kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"],
            "KeyPolicy": document(self.kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"]),
            "Tags": {tag["TagKey"]: tag["TagValue"] for tag in tagged},
            "_outputs": {"Arn": key["Arn"], "KeyId": key["KeyId"]},
            **odd,
        }

    def bucket(self, name):
        [rule] = self.s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        read = {
            "BucketName": name,
            "Encryption": {
                "BucketKeyEnabled": rule["BucketKeyEnabled"],
                **rule["ApplyServerSideEncryptionByDefault"],
            },
            "Versioning": self.s3.get_bucket_versioning(Bucket=name)["Status"],
            "PublicAccessBlock": self.s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"],
            "Policy": document(self.s3.get_bucket_policy(Bucket=name)["Policy"]),
            "Tags": tags(self.s3.get_bucket_tagging(Bucket=name)["TagSet"]),
            "_outputs": {"Arn": f"arn:aws:s3:::{name}", "BucketName": name},
        }
        # MDAA sets neither of these.
        for setting, look in [("Cors", self.s3.get_bucket_cors), ("Lifecycle", self.s3.get_bucket_lifecycle_configuration)]:
            try:
                read[setting] = plain(look(Bucket=name))
            except ClientError as error:
                if not error.response["Error"]["Code"].startswith("NoSuch"):
                    raise
        return read

    def security_group(self, name):
        answer = self.ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [name]}])
        [group] = answer["SecurityGroups"]
        own = group["GroupId"]
        return {
            "GroupName": group["GroupName"],
            "GroupDescription": group["Description"],
            "VpcId": group["VpcId"],
            "Ingress": [rule for entry in group["IpPermissions"] for rule in rules(entry, own)],
            "Egress": [rule for entry in group["IpPermissionsEgress"] for rule in rules(entry, own)],
            "Tags": tags(group["Tags"]),
            "_outputs": {"GroupId": own},
        }

    def lifecycle_configs(self, prefix):
        found = {}
        keys = {"JupyterServer": "jupyter", "JupyterLab": "jupyterLab", "KernelGateway": "kernel"}
        pages = self.sagemaker.get_paginator("list_studio_lifecycle_configs").paginate()
        for listed in [config for page in pages for config in page["StudioLifecycleConfigs"]]:
            name = listed["StudioLifecycleConfigName"]
            config = self.sagemaker.describe_studio_lifecycle_config(StudioLifecycleConfigName=name)
            arn = config["StudioLifecycleConfigArn"]
            found[f"lifecycle_config.{keys[config['StudioLifecycleConfigAppType']]}"] = {
                "StudioLifecycleConfigName": name,
                "StudioLifecycleConfigAppType": config["StudioLifecycleConfigAppType"],
                "StudioLifecycleConfigContent": base64.b64decode(config["StudioLifecycleConfigContent"]).decode(),
                "Tags": tags(self.sagemaker.list_tags(ResourceArn=arn)["Tags"]),
                "_outputs": {"Arn": arn},
            }
        return found

    def studio(self):
        [listed] = self.sagemaker.list_domains()["Domains"]
        identifier = listed["DomainId"]
        domain = self.sagemaker.describe_domain(DomainId=identifier)
        members = ["DomainName", "AuthMode", "AppNetworkAccessType", "VpcId", "SubnetIds", "KmsKeyId", "DefaultUserSettings"]
        found = {
            "domain.studio": {
                **{member: domain[member] for member in members},
                "DomainSettings": domain["DomainSettings"],
                "Tags": tags(self.sagemaker.list_tags(ResourceArn=domain["DomainArn"])["Tags"]),
                "_outputs": {"DomainId": identifier},
            }
        }
        if "DefaultSpaceSettings" in domain:
            found["domain.studio"]["DefaultSpaceSettings"] = domain["DefaultSpaceSettings"]
        pages = self.sagemaker.get_paginator("list_user_profiles").paginate(DomainIdEquals=identifier)
        for listed in [profile for page in pages for profile in page["UserProfiles"]]:
            name = listed["UserProfileName"]
            profile = self.sagemaker.describe_user_profile(DomainId=identifier, UserProfileName=name)
            assert profile["Status"] == "InService", profile
            members = ["DomainId", "UserProfileName", "SingleSignOnUserIdentifier", "SingleSignOnUserValue", "UserSettings"]
            found[f"user_profile.{name}"] = {
                **{member: profile[member] for member in members if member in profile},
                "Tags": tags(self.sagemaker.list_tags(ResourceArn=profile["UserProfileArn"])["Tags"]),
            }
        return found

    def parameters(self, path):
        pages = self.ssm.get_paginator("get_parameters_by_path").paginate(Path=path, Recursive=True)
        found = {}
        for parameter in [parameter for page in pages for parameter in page["Parameters"]]:
            name = parameter["Name"]
            listed = self.ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
            found[f"parameter.{name}"] = {
                **{member: parameter[member] for member in ["Name", "Type", "Value"]},
                "Tags": tags(listed),
            }
        return found


# A symmetric key of the account's own, in one region, in use.
USUAL_KEY = {
    "KeyState": "Enabled",
    "KeyUsage": "ENCRYPT_DECRYPT",
    "KeySpec": "SYMMETRIC_DEFAULT",
    "MultiRegion": False,
    "Description": "",
    "Origin": "AWS_KMS",
    "KeyManager": "CUSTOMER",
}


def document(text):
    """A policy, which boto3 decodes for IAM and leaves as text elsewhere."""
    if isinstance(text, dict):
        return text
    return json.loads(urllib.parse.unquote(text) if text.startswith("%") else text)


def rules(entry, own):
    """One rule a peer, as MDAA writes them."""
    base = {key: entry[key] for key in ["IpProtocol", "FromPort", "ToPort"] if entry.get(key) is not None}
    for peers, key in [("IpRanges", "CidrIp"), ("UserIdGroupPairs", "GroupId"), ("PrefixListIds", "PrefixListId"), ("Ipv6Ranges", "CidrIpv6")]:
        for peer in entry.get(peers, []):
            value = "self" if peer[key] == own else peer[key]
            yield {**base, key: value, "Description": peer.get("Description", "")}
