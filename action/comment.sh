#!/usr/bin/env bash
# Writes the report of a run as a comment of the pull request: one comment for each KEY, updated in place.
#
# The report is a file and goes into the request by way of jq, so that no text of it is ever evaluated.
set -euo pipefail

# What this comment is found by. Nothing can end it early: a comment of HTML ends at `-->`.
key=${KEY//[^A-Za-z0-9._\/ -]/_}
key=${key//--/__}
export MARKER="<!-- studio-deploy: $key -->"
# Who this token belongs to, if to a person; the ones of Actions and of apps may not ask, and write as bots.
ME=$(gh api user --jq .login 2> /dev/null) || ME=
export ME

body=$(mktemp "$RUNNER_TEMP/comment.XXXXXX")
jq --null-input --rawfile report "$REPORT" \
    --arg foot "Commit $COMMIT, [run $GITHUB_RUN_ID]($GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID)" \
    '{body: (env.MARKER + "\n" + $report + "\n\n" + $foot)}' > "$body"

comments="repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments"
# Somebody else's comment that begins like ours is left alone.
ids=$(gh api --paginate "$comments?per_page=100" --jq \
    '.[] | select((.user.type == "Bot" or .user.login == env.ME) and (.body | startswith(env.MARKER))) | .id')
id=${ids%%$'\n'*}
if [[ -n $id ]]; then
    gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --input "$body" --jq .html_url
else
    gh api --method POST "$comments" --input "$body" --jq .html_url
fi
