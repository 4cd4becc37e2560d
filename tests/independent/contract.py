"""MDAA's documents, the differences from them that are deliberate, and the comparison."""

import copy
import json
import re

OURS = ("studio-deploy:deployment", "studio-deploy:address")


def deliberate(expected, name, config, account, identity, account_id, region):
    """The document as it has to be here: every difference from MDAA is one function with its reason."""
    wanted = copy.deepcopy(expected)
    for change in [
        no_assets_bucket_of_cdk,
        uploads_may_use_the_key,
        asset_role_is_assumed_by_the_account,
        nothing_is_tagged_by_cdk,
        untaggable_in_mdaa_is_tagged_here,
        keys_are_named_by_arn,
        data_admins_may_use_the_key,
        disabled_portal_has_a_landing_page,
        own_security_groups_are_kept,
        values_that_aws_accepts,
    ]:
        change(wanted, expected, name)
    deployment = "/".join(identity) + f"@{region}"
    for address, properties in wanted.items():
        # Everything taggable says which deployment it belongs to: the account is the state.
        properties["Tags"]["studio-deploy:deployment"] = deployment
    return wanted


def no_assets_bucket_of_cdk(wanted, expected, name):
    """There is no CDK bootstrap, so there is no bucket of CDK's that assets could be copied from."""
    statements = wanted["asset_policy.domain_bucket_deploy"]["PolicyDocument"]["Statement"]
    assert "cdk-" in statements[0]["Resource"][0]
    del statements[0]


def uploads_may_use_the_key(wanted, expected, name):
    """MDAA grants the key in an inline policy of the role that it makes; here the managed policy does."""
    if "bucket.sharing" in wanted:
        key = wanted["bucket.sharing"]["Encryption"]["KMSMasterKeyID"]
        wanted["asset_policy.domain_bucket_deploy"]["PolicyDocument"]["Statement"].append(
            {
                "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"],
                "Effect": "Allow",
                "Resource": key,
            }
        )


def asset_role_is_assumed_by_the_account(wanted, expected, name):
    """No Lambda function copies assets: studio-deploy does, with this role's credentials."""
    if "asset_role.deployment" in wanted:
        [statement] = wanted["asset_role.deployment"]["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
        statement["Principal"] = {"AWS": "arn:aws:iam::111122223333:root"}


def nothing_is_tagged_by_cdk(wanted, expected, name):
    """`aws-cdk:cr-owned:…` belongs to the Lambda function that copies assets for CDK."""
    for properties in wanted.values():
        tags = properties.get("Tags", {})
        for key in [key for key in tags if key.startswith("aws-cdk:")]:
            del tags[key]


def untaggable_in_mdaa_is_tagged_here(wanted, expected, name):
    """Managed policies and lifecycle configs can be tagged, and ownership is told by tags."""
    base = {key: value for key, value in expected["domain.studio"]["Tags"].items()}
    for address, properties in wanted.items():
        if address.split(".")[0] in ("asset_policy", "execution_policy", "lifecycle_config"):
            assert "Tags" not in properties
            properties["Tags"] = dict(base)


def keys_are_named_by_arn(wanted, expected, name):
    """A key's id means nothing in another account; the ARN denotes the same key."""

    def arn(key):
        if key == "${kms_key.efs.KeyId}":
            return "${kms_key.efs.Arn}"
        return f"arn:aws:kms:us-east-1:111122223333:key/{key}"

    domain = wanted["domain.studio"]
    domain["KmsKeyId"] = arn(domain["KmsKeyId"])
    for address, properties in wanted.items():
        if address.startswith("user_profile."):
            sharing = properties["UserSettings"]["SharingSettings"]
            sharing["S3KmsKeyId"] = arn(sharing["S3KmsKeyId"])


def data_admins_may_use_the_key(wanted, expected, name):
    """MDAA's README promises data administrators the use of the key, and its code forgets them."""
    if "kms_key.efs" not in wanted or "bucket.sharing" not in wanted:
        return
    statements = wanted["kms_key.efs"]["KeyPolicy"]["Statement"]
    supers = [one for one in wanted["bucket.sharing"]["Policy"]["Statement"] if one.get("Sid") == "/_ReadWriteSuper"]
    statements.append(
        {
            "Action": statements[1]["Action"],
            "Condition": {
                "StringEquals": {"kms:CallerAccount": "111122223333"},
                "StringLike": {"aws:userId": supers[0]["Condition"]["StringLike"]["aws:userId"]},
            },
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Resource": "*",
        }
    )


def disabled_portal_has_a_landing_page(wanted, expected, name):
    """UpdateDomain refuses a disabled portal while the landing page is still in it."""
    settings = wanted["domain.studio"]["DefaultUserSettings"]
    if settings.get("StudioWebPortal") == "DISABLED":
        settings["DefaultLandingUri"] = "app:JupyterServer:"


def own_security_groups_are_kept(wanted, expected, name):
    """MDAA means to add `defaultUserSettings.securityGroups` to the domain's group, and drops them."""
    if "comprehensive" in name:
        wanted["domain.studio"]["DefaultUserSettings"]["SecurityGroups"].append("sg-test-default-user-sg")


def values_that_aws_accepts(wanted, expected, name):
    """`Admin` has one meaning; the idle minimum of the published sample has to be raised by hand, as in ours."""
    if "comprehensive" in name:
        settings = wanted["domain.studio"]["DefaultUserSettings"]
        assert settings["RStudioServerProAppSettings"]["UserGroup"] == "Admin"
        settings["RStudioServerProAppSettings"]["UserGroup"] = "R_STUDIO_ADMIN"
        if name == "samples/comprehensive":
            idle = settings["JupyterLabAppSettings"]["AppLifecycleManagement"]["IdleSettings"]
            idle["MinIdleTimeoutInMinutes"] = 60


def of_plan(plan):
    """What a plan would make, without what SageMaker makes behind a domain."""
    found = {}
    for change in plan["changes"]:
        if change["after"] is None:
            continue
        properties = change["after"]
        kind = change["kind"]
        address = change["address"]
        if kind == "bucket_object":
            continue
        if kind == "user_profile":
            address = f"user_profile.{properties['UserProfileName']}"
        for member in ["HomeEfsTags", "NfsSecurityGroupTags"]:
            properties.pop(member, None)
        if kind in ("asset_policy", "execution_policy"):
            properties.update({"Path": "/", "Description": ""})
        found[address] = properties
    return found


def references(expected, found, account, planned, account_id):
    """What `${…}` stands for: in the account, or as far as it follows from a name in a plan."""
    known = {}
    for address, properties in found.items():
        for attribute, value in properties.pop("_outputs", {}).items():
            known[f"{address}.{attribute}"] = value
    for text in set(re.findall(r"\$\{((?:role\(|ssm:)[^}]*)\}", json.dumps(expected))):
        match = re.fullmatch(r"role\((id|arn|name)=(.*)\)\.(\w+)", text)
        known[text] = account.role(*match.group(1, 2))[match.group(3)] if match else account.parameter(text[4:])
    if planned:
        for address, properties in expected.items():
            for name, what in [("RoleName", "role"), ("PolicyName", "policy")]:
                if name in properties:
                    known[f"{address}.{name}"] = properties[name]
                    known[f"{address}.Arn"] = f"arn:aws:iam::{account_id}:{what}/{properties[name]}"
            if "BucketName" in properties:
                known[f"{address}.BucketName"] = properties["BucketName"]
                known[f"{address}.Arn"] = f"arn:aws:s3:::{properties['BucketName']}"
    return known


def resolved(value, known):
    """`value` with what is known filled in; the rest stays a reference, the same on both sides."""
    if isinstance(value, dict):
        return {key: resolved(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, known) for item in value]
    if isinstance(value, str):
        return re.sub(r"\$\{([^}]*)\}", lambda match: known.get(match.group(1), match.group(0)), value)
    return value


# What AWS says of a domain although nobody asked for it (Terraform's acceptance tests).
UNASKED = {
    "AutoMountHomeEFS": "Enabled",
    "SpaceStorageSettings": {"DefaultEbsStorageSettings": {"DefaultEbsVolumeSizeInGb": 5, "MaximumEbsVolumeSizeInGb": 100}},
}


def without_unasked(wanted, found):
    """`found` without what AWS adds to the settings of a domain by itself."""
    for settings in ["DefaultUserSettings", "DefaultSpaceSettings"]:
        mine = found.get(settings, {})
        for member, value in UNASKED.items():
            if member not in wanted.get(settings, {}) and mine.get(member) == value:
                del mine[member]


def compare(wanted, found):
    """A line for each difference."""
    lines = []
    for address in sorted(set(wanted) | set(found)):
        if address not in found:
            lines.append(f"{address}: missing")
        elif address not in wanted:
            lines.append(f"{address}: unexpected")
        else:
            mine = copy.deepcopy(found[address])
            if not mine.get("Tags", {}).pop("studio-deploy:address", None):
                lines.append(f"{address}: no address tag")
            without_unasked(wanted[address], mine)
            lines += differences(address, canonical(wanted[address]), canonical(mine))
    return lines


def canonical(value, key=""):
    """Lists whose order means nothing, in one order."""
    if isinstance(value, dict):
        return {name: canonical(item, name) for name, item in value.items()}
    if isinstance(value, list):
        items = [canonical(item) for item in value]
        unordered = key in ("AWS", "Roles", "Ingress", "Egress") or key.startswith("aws:")
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) if unordered else items
    return value


def differences(path, wanted, found):
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in sorted(set(wanted) | set(found)):
            if key not in found:
                yield f"{path}.{key}: wanted {json.dumps(wanted[key])}, found nothing"
            elif key not in wanted:
                yield f"{path}.{key}: wanted nothing, found {json.dumps(found[key], default=str)}"
            else:
                yield from differences(f"{path}.{key}", wanted[key], found[key])
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for at, (one, other) in enumerate(zip(wanted, found)):
            yield from differences(f"{path}[{at}]", one, other)
    elif wanted != found:
        yield f"{path}: wanted {json.dumps(wanted)}, found {json.dumps(found, default=str)}"
