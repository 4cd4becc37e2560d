#!/usr/bin/env bash
# Runs a command of studio-deploy, and leaves its report and exit code to the steps behind this one.
#
# COMMAND, CONFIG, ARGS and PLAN are the action's inputs. CONFIG and ARGS have a word on each line, so that no word is
# ever split or expanded.
set -euo pipefail

# The lines of a text into the array `lines`, without blanks at either end and without empty ones.
lines_of() {
    lines=()
    local line
    while IFS= read -r line; do
        line=${line#"${line%%[![:space:]]*}"}
        line=${line%"${line##*[![:space:]]}"}
        if [[ -n $line ]]; then
            lines+=("$line")
        fi
    done <<< "$1"
}

folder=$(mktemp -d "$RUNNER_TEMP/studio-deploy.XXXXXX")
report=$folder/report.md
annotations=$folder/annotations.txt
words=(--progress lines --report "md=$report" --report "github=$annotations")
case $COMMAND in
    plan) words+=(--detailed-exitcode --out "$PLAN") ;;
    apply) words+=(--auto-approve --plan "$PLAN") ;;
    drift) ;;
    *)
        echo '::error title=studio-deploy::"command" is plan, apply, drift or install'
        exit 64
        ;;
esac
lines_of "$ARGS"
words+=(${lines[@]+"${lines[@]}"})
lines_of "$CONFIG"
words+=(-- ${lines[@]+"${lines[@]}"})

code=0
studio-deploy "$COMMAND" "${words[@]}" || code=$?
if [[ -f $annotations ]]; then
    cat "$annotations"
fi
if [[ ! -f $report ]]; then
    # A command line that is refused ends before there is a report.
    printf '# studio-deploy %s: exit %d\n\nThe log of this run says why.\n' "$COMMAND" "$code" > "$report"
fi
cat "$report" >> "$GITHUB_STEP_SUMMARY"

changes=false
failed=$code
if [[ $COMMAND == plan && ($code == 0 || $code == 2) ]]; then
    # 2 is what --detailed-exitcode says of changes, and of findings that no apply would change. What is blocked would end
    # an apply with 5, so the pull request learns it now.
    failed=0
    if jq --exit-status '(.changes | length > 0) or .record_only' "$PLAN" > /dev/null; then
        changes=true
    fi
    if jq --exit-status '.blocked and (.consent.skip_blocked | not)' "$PLAN" > /dev/null; then
        failed=5
    fi
fi
{
    echo "exit-code=$code"
    echo "failed=$failed"
    echo "changes=$changes"
    echo "report=$report"
} >> "$GITHUB_OUTPUT"
