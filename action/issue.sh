#!/usr/bin/env bash
# Keeps one issue for each KEY open while there is drift: opens it, updates it in place, and closes it once the drift is gone.
set -euo pipefail

label=studio-deploy-drift
key=${KEY//[^A-Za-z0-9._\/ -]/_}
key=${key//--/__}
export MARKER="<!-- studio-deploy drift: $key -->"
run="[run $GITHUB_RUN_ID]($GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID)"
issues="repos/$GITHUB_REPOSITORY/issues"
request=$(mktemp "$RUNNER_TEMP/issue.XXXXXX")

numbers=$(gh api --paginate "$issues?labels=$label&state=open&per_page=100" --jq \
    '.[] | select(.pull_request == null and ((.body // "") | startswith(env.MARKER))) | .number')
number=${numbers%%$'\n'*}

case $CODE in
    0)
        if [[ -n $number ]]; then
            jq --null-input --arg body "No drift any more: $run" '{body: $body}' > "$request"
            gh api --method POST "$issues/$number/comments" --input "$request" --jq .html_url
            jq --null-input '{state: "closed", state_reason: "completed"}' > "$request"
            gh api --method PATCH "$issues/$number" --input "$request" --jq .html_url
        fi
        ;;
    2)
        jq --null-input --rawfile report "$REPORT" --arg key "$key" --arg tag "$label" --arg run "$run" \
            '{title: "Drift: \($key)", labels: [$tag], body: (env.MARKER + "\n" + $report + "\n\nLast seen by " + $run)}' \
            > "$request"
        if [[ -n $number ]]; then
            gh api --method PATCH "$issues/$number" --input "$request" --jq .html_url
        else
            gh api --method POST "$issues" --input "$request" --jq .html_url
        fi
        ;;
    *)
        # Nothing could be compared, which is neither drift nor the end of it; the run itself fails.
        echo "exit code $CODE: the issue stays as it is"
        ;;
esac
