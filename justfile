# What there is to do, one command each; `just` alone lists it. CI does nothing that is not here.

# List what there is to do.
default:
    @just --list

# Everything that has to hold before a change is done: the steps of CI, in its order.
check:
    CARGO_TERM_COLOR=auto CARGO_INCREMENTAL=1 .ci/run

# Is everything formatted?
fmt:
    cargo fmt --check

# No warnings, in tests and benches neither.
clippy:
    cargo clippy --locked --all-targets -- --deny warnings

# Every test; needs no network, no account and no Docker.
test:
    cargo test --locked

# The documentation builds, and every link in it leads somewhere.
doc:
    RUSTDOCFLAGS="--deny warnings" cargo doc --locked --no-deps --document-private-items

# Licences, advisories and sources of every dependency.
deny:
    cargo deny --all-features check

# The linters of every workflow, pipeline, action and script; `pip install -r .ci/requirements.txt` installs them.
pipelines:
    .ci/pipelines

# The repository's address, `OWNER/NAME`, wherever it stands.
repository address:
    #!/usr/bin/env bash
    set -euo pipefail
    now=$(sed -n 's|^repository = "https://github.com/\(.*\)"$|\1|p' Cargo.toml)
    to='{{address}}'
    # RELEASING.md says what the placeholder is.
    git grep --name-only --fixed-strings "$now" -- ':!RELEASING.md' | xargs sed -i "s|$now|$to|g"
    sed -i "s|^        ${now%/*}/\*:|        ${to%/*}/*:|" .github/zizmor.yml

# The long run: every fault at every AWS call, calls that are never answered among them, and how many were tried.
faults:
    cargo test --locked --test it -- faults silence --include-ignored --nocapture

# Write docs/exit-codes.md anew after a command has learnt another end; a test fails while it is stale.
exit-codes:
    UPDATE_EXIT_CODES=1 cargo test --locked --test it exit_codes

# Write the columns "Knows" of ARCHITECTURE.md from the imports; a test fails while they are stale.
architecture:
    UPDATE_ARCHITECTURE=1 cargo test --locked --test it tidy::knows

# Whose a thing is, for everything that its tags can say.
ownership:
    cargo test --locked --test it ownership -- --include-ignored --nocapture

# Every setting, set, changed and removed, at every level.
converge:
    cargo test --locked --test it convergence -- --include-ignored --nocapture

# Every change behind the config's back that botocore's model knows, by boto3: found, or not looked at as docs/drift.md says.
drift:
    cargo build --locked
    cargo test --locked --test it drift -- --include-ignored --nocapture
    tests/independent/run target/debug/studio-deploy behind

# Two hundred random edits among a thousand users, each found by a plan that describes little more; some minutes.
fingerprints:
    cargo test --locked --test it fingerprints -- --include-ignored --nocapture

# Every read of every command, refused from each of its calls on.
denied:
    cargo test --locked --test it denied -- --include-ignored --nocapture

# What `permissions` prints, statement by statement, over the whole life of every sample; some minutes.
permissions:
    cargo test --locked --test it permissions -- --include-ignored --nocapture

# A hundred deployments in ten accounts: what they share, what they cost, and what fails alone.
fleet:
    cargo test --locked --test it fleet -- --include-ignored --nocapture

# How long applies and destroys of many users would take, in virtual time, against what AWS itself takes.
pace:
    cargo test --locked --test it pace:: -- --include-ignored --nocapture

# What `--skip-blocked` leaves out, over many pairs of configs.
left-out:
    cargo test --locked --test it left_out -- --include-ignored --nocapture

# Stories of a deployment, each out of a seed: `just simulate --seeds 1000 --from 0`, or one again with `--seed 7 --steps 1,3`.
simulate *options:
    #!/usr/bin/env bash
    set -euo pipefail
    set -- {{options}}
    while [ $# -gt 0 ]; do
        case $1 in
            --seeds) export SIMULATE_SEEDS=$2 ;;
            --from) export SIMULATE_FROM=$2 ;;
            --seed) export SIMULATE_SEED=$2 ;;
            --steps) export SIMULATE_STEPS=$2 ;;
            --threads) export SIMULATE_THREADS=$2 ;;
            *) echo "just simulate: what is $1?" >&2; exit 64 ;;
        esac
        shift 2
    done
    cargo test --locked --test it simulation::simulate -- --ignored --nocapture

# What `--target` and `--exclude` leave out, over many pairs of configs.
selection:
    cargo test --locked --test it selection -- --include-ignored --nocapture

# Every place where a path is opened, with everything that may be there.
files:
    cargo test --locked --test it odd_files -- --include-ignored --nocapture

# Users who start apps and make spaces while what they are in is deleted.
drains:
    cargo test --locked --test it drains -- --include-ignored --nocapture

# The lock's protocol in larger worlds: five million states, some minutes.
lock:
    cargo test --locked --lib lock::model -- --include-ignored --nocapture

# Every text of every answer and config, hostile, through every command and format: half an hour.
hostile:
    cargo test --locked --test it hostile -- --include-ignored --nocapture

# Ten minutes of broken configs, none of which may do more than be refused.
fuzz:
    cargo test --locked --test it fuzz::ten_minutes -- --ignored --nocapture

# Write the JSON Schemas anew after a change of what they describe; a test fails while they are stale.
schema:
    UPDATE_SCHEMA=1 UPDATE_SCHEMAS=1 cargo test --locked --lib schema

# The README's first command.
demo:
    cargo run --locked -- apply samples/minimal.yaml --sandbox --auto-approve
