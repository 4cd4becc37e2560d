#!/usr/bin/env bash
# Creates, or updates, the two roles of a pipeline in the account of the caller's credentials: studio-plan, which reads, and
# studio-apply, which also writes. What they may do is what `studio-deploy permissions` says of the config.
#
#   create.sh github acme/platform studio.yaml
#   create.sh gitlab acme/platform mdaa.yaml -d ml -e dev -m studio
#
# Whoever runs it needs the rights of an IAM administrator, the AWS CLI, jq and studio-deploy. Run it again when a deployment
# needs more than before: exit code 4 of plan or apply names what is missing. Several deployments of an account may share the
# roles, which get the policies of each, or have roles of their own: PLAN_ROLE and APPLY_ROLE name them.
set -euo pipefail

if [[ $# -lt 3 ]]; then
    echo "usage: ${0##*/} github|gitlab OWNER/REPOSITORY CONFIG [OPTION]..." >&2
    exit 64
fi
engine=$1
repository=$2
shift 2

# What a protected branch and a protected environment are called; the pipelines in this folder use these names.
branch=${BRANCH:-main}
environment=${ENVIRONMENT:-studio}
plan_role=${PLAN_ROLE:-studio-plan}
apply_role=${APPLY_ROLE:-studio-apply}

case $engine in
    github)
        host=token.actions.githubusercontent.com
        audience=sts.amazonaws.com
        plan_subjects=("repo:$repository:pull_request" "repo:$repository:ref:refs/heads/$branch")
        apply_subjects=("repo:$repository:environment:$environment")
        ;;
    gitlab)
        host=${GITLAB_HOST:-gitlab.com}
        audience=https://$host
        plan_subjects=("project_path:$repository:ref_type:branch:ref:*")
        apply_subjects=("project_path:$repository:ref_type:branch:ref:$branch")
        ;;
    *)
        echo "${0##*/}: $engine is neither github nor gitlab" >&2
        exit 64
        ;;
esac

caller=$(aws sts get-caller-identity --query Arn --output text)
partition=$(cut -d : -f 2 <<< "$caller")
account=$(cut -d : -f 5 <<< "$caller")
provider=arn:$partition:iam::$account:oidc-provider/$host
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! aws iam get-open-id-connect-provider --open-id-connect-provider-arn "$provider" > "$work/provider" 2>&1; then
    # As JSON, since the first version of the AWS CLI fetches an argument that is a URL.
    jq --null-input --arg host "$host" --arg audience "$audience" \
        '{Url: "https://\($host)", ClientIDList: [$audience]}' > "$work/provider.json"
    aws iam create-open-id-connect-provider --cli-input-json "file://$work/provider.json" \
        --query OpenIDConnectProviderArn --output text
fi

# Who may assume a role: jobs of this repository alone. Only a plan role's subject may have a wildcard, for GitLab's branches.
trust() {
    local like=StringEquals
    if [[ $* == *'*'* ]]; then
        like=StringLike
    fi
    jq --null-input --arg provider "$provider" --arg host "$host" --arg audience "$audience" --arg like "$like" '
        {Version: "2012-10-17", Statement: [{
            Effect: "Allow",
            Principal: {Federated: $provider},
            Action: "sts:AssumeRoleWithWebIdentity",
            Condition: (
                {StringEquals: {"\($host):aud": $audience}}
                | .[$like]["\($host):sub"] = $ARGS.positional)}]}' --args -- "$@"
}

# A role with a trust policy, and one managed policy for each file of a folder.
role() {
    local name=$1 command=$2
    shift 2
    trust "$@" > "$work/trust.json"
    if aws iam get-role --role-name "$name" > "$work/role" 2>&1; then
        aws iam update-assume-role-policy --role-name "$name" --policy-document "file://$work/trust.json"
    else
        # An apply of a new domain takes up to an hour and a half; GitHub's action asks for two hours.
        aws iam create-role --role-name "$name" --assume-role-policy-document "file://$work/trust.json" \
            --max-session-duration 7200 --query Role.Arn --output text
    fi
    rm -rf "$work/policies"
    studio-deploy permissions "${config[@]}" --for "$command" --out "$work/policies"
    local file policy version versions
    for file in "$work"/policies/*.json; do
        # Named after the deployment and the command.
        policy=arn:$partition:iam::$account:policy/$(basename "$file" .json)
        if aws iam get-policy --policy-arn "$policy" > "$work/policy" 2>&1; then
            # IAM keeps five versions of a policy; all but the one in force are of no use here.
            versions=$(aws iam list-policy-versions --policy-arn "$policy" --output text \
                --query 'Versions[?!IsDefaultVersion].VersionId')
            for version in $versions; do
                aws iam delete-policy-version --policy-arn "$policy" --version-id "$version"
            done
            aws iam create-policy-version --policy-arn "$policy" --policy-document "file://$file" --set-as-default \
                --query PolicyVersion.VersionId --output text
        else
            aws iam create-policy --policy-name "${policy##*/}" --policy-document "file://$file" --query Policy.Arn --output text
        fi
        aws iam attach-role-policy --role-name "$name" --policy-arn "$policy"
    done
}

config=("$@")
role "$plan_role" plan "${plan_subjects[@]}"
role "$apply_role" apply "${apply_subjects[@]}"
