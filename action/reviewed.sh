#!/usr/bin/env bash
# Compares the plan of the default branch with the one that was reviewed: that of the merged pull request's last run.
#
# The reviewed file is only read, never applied: it comes from a run of the branch's own workflow. Only its content counts,
# since both say when they were made.
set -euo pipefail

refuse() {
    echo "::error title=not the reviewed plan::$1. Start this workflow by hand to plan and approve what is there now."
    echo "failed=7" >> "$GITHUB_OUTPUT"
    exit 0
}

content() {
    jq --sort-keys 'del(.created, .expires, .digest)' "$1"
}

pull=$(gh api "repos/$GITHUB_REPOSITORY/commits/$GITHUB_SHA/pulls" \
    --jq '[.[] | select(.merge_commit_sha == env.GITHUB_SHA)][0] // empty | "\(.number) \(.head.sha)"')
if [[ -z $pull ]]; then
    refuse "$GITHUB_SHA was not merged by a pull request, so nobody reviewed a plan of it"
fi
read -r number head <<< "$pull"

# The run has the name of this workflow's file, and is none of a fork's, which could have made up any plan.
workflow=${GITHUB_WORKFLOW_REF%@*}
workflow=${workflow##*/}
run=$(gh api "repos/$GITHUB_REPOSITORY/actions/workflows/$workflow/runs?event=pull_request&head_sha=$head&per_page=20" \
    --jq '[.workflow_runs[] | select(.head_repository.full_name == env.GITHUB_REPOSITORY)][0].id // empty')
if [[ -z $run ]]; then
    refuse "there is no run of $workflow for #$number at $head"
fi

folder=$(mktemp -d "$RUNNER_TEMP/reviewed.XXXXXX")
if ! gh run download "$run" --repo "$GITHUB_REPOSITORY" --name "$ARTIFACT" --dir "$folder"; then
    refuse "the plan of #$number is gone, or was never saved"
fi
reviewed=$folder/$(basename -- "$PLAN")
if [[ ! -f $reviewed ]] || ! content "$reviewed" > "$folder/reviewed"; then
    refuse "the plan of #$number cannot be read"
fi
content "$PLAN" > "$folder/now"
if ! cmp --silent "$folder/reviewed" "$folder/now"; then
    jq --raw-output --slurpfile reviewed "$reviewed" '
        def steps: [.changes[] | "\(.action) \(.address)"];
        (steps - ($reviewed[0] | steps) | .[] | "new since the review: \(.)"),
        (($reviewed[0] | steps) - steps | .[] | "gone since the review: \(.)")' "$PLAN"
    refuse "the plan is another than the one that was reviewed in #$number"
fi
echo "the plan is the one that was reviewed in #$number"
