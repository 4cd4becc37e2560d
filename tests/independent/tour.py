"""Has botocore drive the served sandbox through its operations, and judge every answer."""

import json

from account import Served, clients, run
import model

ACCOUNT, REGION = "111122223333", "us-east-1"
IDENTITY = ["--org", "tour", "--env", "dev", "--domain", "ml", "--module", "studio"]
CONFIG = """domain:
  authMode: IAM
  vpcId: vpc-id
  subnetIds: [subnet-id]
  dataAdminRoles: [{id: AROAADMIN}]
  defaultUserSettings:
    kernelGatewayAppSettings:
      customImages: [{imageName: lab, appImageConfigName: lab}]
  userProfiles:
    ann: {userRole: {name: team}}
"""


def tour(binary, folder, covered):
    """How many operations answered, and what was wrong with their answers."""
    config, sandbox, log = folder / "tour.yaml", folder / "tour.json", folder / "tour.ndjson"
    config.write_text(CONFIG)
    common = [str(config), f"--sandbox={sandbox}", f"--sandbox-log={log}", "--account", ACCOUNT, "--region", REGION, *IDENTITY]
    run([binary, "apply", *common, "--auto-approve"])
    strict = model.Strict()
    with Served(binary, sandbox) as endpoint:
        names = ["iam", "kms", "ec2", "s3", "ssm", "sagemaker", "sts", "efs", "resourcegroupstaggingapi"]
        api = clients(endpoint, REGION, names)
        for client in api.values():
            strict.watch(client)
        api["sts"].get_caller_identity()
        api["sts"].assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/team", RoleSessionName="tour")
        policy, role = identity(api["iam"])
        group = network(api["ec2"])
        key = keys(api["kms"], role)
        bucket(api["s3"], key)
        parameters(api["ssm"])
        api["resourcegroupstaggingapi"].get_resources(TagFilters=[{"Key": "mdaa_org", "Values": ["tour"]}])
        domain = studio(api["sagemaker"], role, group)
        files(api["efs"], domain, group)
        clean(api, policy, role, group, domain)
    flags = ["--auto-approve", "--confirm", "tour/dev/ml/studio", "--home-efs", "delete", "--bucket", "delete", "--kms-key", "delete"]
    run([binary, "destroy", *common, *flags])
    calls = [json.loads(line) for line in log.read_text().splitlines()]
    used = covered | {(call["service"], call["operation"]) for call in calls}
    missing = [(service, operation) for service, operation in sorted(used) if not reached(strict, service, operation)]
    complaints = strict.complaints + model.requests(calls)
    complaints += [f"{service} {operation}: studio-deploy uses it, and no check reads its answer" for service, operation in missing]
    return len(strict.seen), complaints


def reached(strict, service, operation):
    return (model.SERVICES.get(service, service), operation) in strict.seen


def identity(iam):
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
    trust = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "sagemaker.amazonaws.com"},
                    "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
                }
            ],
        }
    )
    tags = [{"Key": "a", "Value": "b"}]
    role = iam.create_role(RoleName="tour", AssumeRolePolicyDocument=trust, Tags=tags)["Role"]["Arn"]
    policy = iam.create_policy(PolicyName="tour", PolicyDocument=document, Tags=tags)["Policy"]["Arn"]
    iam.get_role(RoleName="tour")
    iam.update_role(RoleName="tour", Description="seen", MaxSessionDuration=7200)
    iam.update_assume_role_policy(RoleName="tour", PolicyDocument=trust)
    iam.tag_role(RoleName="tour", Tags=[{"Key": "c", "Value": "d"}])
    iam.untag_role(RoleName="tour", TagKeys=["c"])
    iam.list_role_tags(RoleName="tour")
    iam.put_role_permissions_boundary(RoleName="tour", PermissionsBoundary=policy)
    iam.delete_role_permissions_boundary(RoleName="tour")
    iam.put_role_policy(RoleName="tour", PolicyName="inline", PolicyDocument=document)
    iam.get_role_policy(RoleName="tour", PolicyName="inline")
    iam.list_role_policies(RoleName="tour")
    iam.delete_role_policy(RoleName="tour", PolicyName="inline")
    iam.list_instance_profiles_for_role(RoleName="tour")
    version = iam.create_policy_version(PolicyArn=policy, PolicyDocument=document)["PolicyVersion"]["VersionId"]
    iam.get_policy(PolicyArn=policy)
    iam.get_policy_version(PolicyArn=policy, VersionId="v1")
    iam.list_policy_versions(PolicyArn=policy)
    iam.set_default_policy_version(PolicyArn=policy, VersionId="v1")
    iam.delete_policy_version(PolicyArn=policy, VersionId=version)
    iam.tag_policy(PolicyArn=policy, Tags=[{"Key": "c", "Value": "d"}])
    iam.untag_policy(PolicyArn=policy, TagKeys=["c"])
    iam.list_policy_tags(PolicyArn=policy)
    iam.attach_role_policy(RoleName="tour", PolicyArn=policy)
    iam.list_attached_role_policies(RoleName="tour")
    iam.list_entities_for_policy(PolicyArn=policy)
    iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=["s3:GetObject", "iam:CreateUser"])
    iam.list_roles()
    iam.list_policies(Scope="Local")
    return policy, role


def network(ec2):
    ec2.describe_vpcs()
    ec2.describe_vpc_attribute(VpcId="vpc-id", Attribute="enableDnsSupport")
    ec2.describe_subnets()
    ec2.describe_network_interfaces()
    ec2.describe_managed_prefix_lists()
    ec2.describe_route_tables()
    ec2.describe_vpc_endpoints()
    ec2.describe_availability_zones()
    group = ec2.create_security_group(GroupName="tour", Description="tour", VpcId="vpc-id")["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "in"}]}
    other = {"IpProtocol": "tcp", "FromPort": 444, "ToPort": 444, "UserIdGroupPairs": [{"GroupId": group}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule, other])
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[rule])
    ec2.update_security_group_rule_descriptions_ingress(GroupId=group, IpPermissions=[rule])
    ec2.update_security_group_rule_descriptions_egress(GroupId=group, IpPermissions=[rule])
    ec2.describe_security_groups(GroupIds=[group])
    ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    ec2.create_tags(Resources=[group], Tags=[{"Key": "a", "Value": "b"}])
    ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [group]}])
    ec2.delete_tags(Resources=[group], Tags=[{"Key": "a"}])
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule, other])
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[rule])
    return group


def keys(kms, role):
    key = kms.create_key(Tags=[{"TagKey": "a", "TagValue": "b"}])["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/tour", TargetKeyId=key)
    kms.update_alias(AliasName="alias/tour", TargetKeyId=key)
    kms.list_aliases()
    kms.list_keys()
    kms.describe_key(KeyId=key)
    policy = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)
    kms.list_key_policies(KeyId=key)
    kms.update_key_description(KeyId=key, Description="tour")
    kms.enable_key_rotation(KeyId=key)
    kms.get_key_rotation_status(KeyId=key)
    kms.disable_key_rotation(KeyId=key)
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "c", "TagValue": "d"}])
    kms.untag_resource(KeyId=key, TagKeys=["c"])
    kms.list_resource_tags(KeyId=key)
    grant = kms.create_grant(KeyId=key, GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:role/team", Operations=["Decrypt"])["GrantId"]
    kms.list_grants(KeyId=key)
    kms.revoke_grant(KeyId=key, GrantId=grant)
    kms.disable_key(KeyId=key)
    kms.enable_key(KeyId=key)
    kms.delete_alias(AliasName="alias/tour")
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    kms.describe_key(KeyId=key)
    kms.cancel_key_deletion(KeyId=key)
    kms.enable_key(KeyId=key)
    return kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]


def bucket(s3, key):
    bucket = {"Bucket": "tour-of-the-sandbox"}
    s3.create_bucket(**bucket)
    s3.list_buckets()
    s3.head_bucket(**bucket)
    s3.get_bucket_location(**bucket)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rules = [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]
    s3.put_bucket_encryption(**bucket, ServerSideEncryptionConfiguration={"Rules": rules})
    s3.get_bucket_encryption(**bucket)
    s3.put_bucket_versioning(**bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.get_bucket_versioning(**bucket)
    flags = ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"]
    s3.put_public_access_block(**bucket, PublicAccessBlockConfiguration={flag: True for flag in flags})
    s3.get_public_access_block(**bucket)
    s3.put_bucket_tagging(**bucket, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.get_bucket_tagging(**bucket)
    watched(s3, bucket)
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetBucketAcl", "Resource": "arn:aws:s3:::tour-of-the-sandbox"}
    s3.put_bucket_policy(**bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    s3.get_bucket_policy(**bucket)
    s3.get_bucket_policy_status(**bucket)
    s3.put_object(**bucket, Key="a/b", Body=b"content", Metadata={"sha256": "0"})
    s3.put_object(**bucket, Key="a/c", Body=b"content")
    s3.head_object(**bucket, Key="a/b")
    assert s3.get_object(**bucket, Key="a/b")["Body"].read() == b"content"
    s3.list_objects_v2(**bucket, Prefix="a/")
    s3.list_objects(**bucket)
    s3.delete_objects(**bucket, Delete={"Objects": [{"Key": "a/c"}]})
    s3.delete_object(**bucket, Key="a/b")
    listed = s3.list_object_versions(**bucket)
    entries = listed.get("Versions", []) + listed.get("DeleteMarkers", [])
    objects = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
    s3.delete_objects(**bucket, Delete={"Objects": objects})
    s3.list_multipart_uploads(**bucket)
    s3.delete_bucket_policy(**bucket)
    s3.delete_bucket_tagging(**bucket)
    s3.delete_bucket(**bucket)


def watched(s3, bucket):
    s3.put_bucket_lifecycle_configuration(**bucket, LifecycleConfiguration={"Rules": [
        {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]})
    s3.get_bucket_lifecycle_configuration(**bucket)
    s3.delete_bucket_lifecycle(**bucket)
    s3.put_bucket_website(**bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    s3.get_bucket_website(**bucket)
    s3.delete_bucket_website(**bucket)
    rule = {"Status": "Enabled", "Prefix": "", "Destination": {"Bucket": "arn:aws:s3:::theirs"}}
    s3.put_bucket_replication(**bucket, ReplicationConfiguration={"Role": f"arn:aws:iam::{ACCOUNT}:role/team", "Rules": [rule]})
    s3.get_bucket_replication(**bucket)
    s3.delete_bucket_replication(**bucket)
    s3.put_bucket_cors(**bucket, CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]})
    s3.get_bucket_cors(**bucket)
    s3.delete_bucket_cors(**bucket)
    s3.put_bucket_ownership_controls(**bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    s3.get_bucket_ownership_controls(**bucket)
    s3.put_bucket_acl(**bucket, GrantRead='id="f00"')
    assert len(s3.get_bucket_acl(**bucket)["Grants"]) == 2
    s3.put_bucket_acl(**bucket, ACL="private")


def parameters(ssm):
    ssm.put_parameter(Name="/tour/a", Value="1", Type="String", Tags=[{"Key": "a", "Value": "b"}])
    ssm.put_parameter(Name="/tour/a", Value="2", Type="String", Overwrite=True)
    ssm.get_parameter(Name="/tour/a")
    ssm.get_parameters(Names=["/tour/a", "/tour/none"])
    ssm.get_parameters_by_path(Path="/tour", Recursive=True)
    ssm.describe_parameters()
    ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId="/tour/a", Tags=[{"Key": "c", "Value": "d"}])
    ssm.remove_tags_from_resource(ResourceType="Parameter", ResourceId="/tour/a", TagKeys=["c"])
    ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/tour/a")
    ssm.delete_parameter(Name="/tour/a")
    ssm.put_parameter(Name="/tour/b", Value="1", Type="String")
    ssm.delete_parameters(Names=["/tour/b"])


def until(describe, status, tries=60):
    """Each request moves the clock, so nothing has to wait."""
    for _ in range(tries):
        answer = describe()
        if answer["Status"] == status:
            return answer
    raise SystemExit(f"never {status}: {answer}")


def studio(sagemaker, role, group):
    domain = sagemaker.list_domains()["Domains"][0]["DomainId"]
    in_domain = {"DomainId": domain}
    until(lambda: sagemaker.describe_domain(**in_domain), "InService")
    sagemaker.update_domain(**in_domain, DefaultUserSettings={"StudioWebPortalSettings": {"HiddenMlTools": ["Models"]}})
    arn = until(lambda: sagemaker.describe_domain(**in_domain), "InService")["DomainArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"])
    sagemaker.list_tags(ResourceArn=arn)
    config = {"StudioLifecycleConfigName": "tour"}
    sagemaker.create_studio_lifecycle_config(
        **config, StudioLifecycleConfigContent="ZWNobw==", StudioLifecycleConfigAppType="JupyterLab"
    )
    sagemaker.describe_studio_lifecycle_config(**config)
    sagemaker.list_studio_lifecycle_configs()
    sagemaker.delete_studio_lifecycle_config(**config)
    user = {**in_domain, "UserProfileName": "tour"}
    sagemaker.create_user_profile(**user)
    until(lambda: sagemaker.describe_user_profile(**user), "InService")
    sagemaker.update_user_profile(**user, UserSettings={"SecurityGroups": [group]})
    until(lambda: sagemaker.describe_user_profile(**user), "InService")
    sagemaker.list_user_profiles(DomainIdEquals=domain)
    sagemaker.create_presigned_domain_url(**user, ExpiresInSeconds=60)
    space = {**in_domain, "SpaceName": "tour"}
    sagemaker.create_space(
        **space,
        OwnershipSettings={"OwnerUserProfileName": "tour"},
        SpaceSharingSettings={"SharingType": "Private"},
        SpaceSettings={"AppType": "JupyterLab"},
    )
    until(lambda: sagemaker.describe_space(**space), "InService")
    sagemaker.update_space(**space, SpaceDisplayName="tour")
    until(lambda: sagemaker.describe_space(**space), "InService")
    sagemaker.list_spaces(DomainIdEquals=domain)
    app = {**space, "AppType": "JupyterLab", "AppName": "default"}
    sagemaker.create_app(**app, ResourceSpec={"InstanceType": "ml.t3.medium"})
    until(lambda: sagemaker.describe_app(**app), "InService")
    sagemaker.list_apps(DomainIdEquals=domain)
    sagemaker.delete_app(**app)
    until(lambda: sagemaker.describe_app(**app), "Deleted")
    sagemaker.delete_space(**space)
    gone(lambda: sagemaker.describe_space(**space))
    sagemaker.delete_user_profile(**user)
    gone(lambda: sagemaker.describe_user_profile(**user))
    sagemaker.list_mlflow_tracking_servers()
    sagemaker.describe_image(ImageName="lab")
    sagemaker.describe_image_version(ImageName="lab")
    sagemaker.describe_app_image_config(AppImageConfigName="lab")
    # A domain of its own, so that creating and deleting one is seen from outside too.
    made = sagemaker.create_domain(
        DomainName="tour",
        AuthMode="IAM",
        VpcId="vpc-id",
        SubnetIds=["subnet-id"],
        DefaultUserSettings={"ExecutionRole": role, "SecurityGroups": [group]},
    )["DomainArn"].split("/")[1]
    until(lambda: sagemaker.describe_domain(DomainId=made), "InService")
    sagemaker.delete_domain(DomainId=made, RetentionPolicy={"HomeEfsFileSystem": "Delete"})
    gone(lambda: sagemaker.describe_domain(DomainId=made))
    return sagemaker.describe_domain(**in_domain)


def gone(describe, tries=60):
    for _ in range(tries):
        try:
            describe()
        except Exception as error:
            if "NotFound" in str(error):
                return
            raise
    raise SystemExit("never gone")


def files(efs, domain, group):
    home = domain["HomeEfsFileSystemId"]
    efs.describe_file_systems(FileSystemId=home)
    efs.list_tags_for_resource(ResourceId=home)
    efs.tag_resource(ResourceId=home, Tags=[{"Key": "a", "Value": "b"}])
    efs.untag_resource(ResourceId=home, TagKeys=["a"])
    [target] = efs.describe_mount_targets(FileSystemId=home)["MountTargets"]
    target = target["MountTargetId"]
    groups = efs.describe_mount_target_security_groups(MountTargetId=target)["SecurityGroups"]
    efs.modify_mount_target_security_groups(MountTargetId=target, SecurityGroups=groups)
    own = efs.create_file_system(CreationToken="tour", Tags=[{"Key": "a", "Value": "b"}])["FileSystemId"]
    for _ in range(60):
        [file_system] = efs.describe_file_systems(FileSystemId=own)["FileSystems"]
        if file_system["LifeCycleState"] == "available":
            break
    efs.delete_file_system(FileSystemId=own)


def clean(api, policy, role, group, domain):
    api["ec2"].delete_security_group(GroupId=group)
    api["iam"].detach_role_policy(RoleName="tour", PolicyArn=policy)
    api["iam"].delete_role(RoleName="tour")
    api["iam"].delete_policy(PolicyArn=policy)
