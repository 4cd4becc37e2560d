#!/usr/bin/env bash
# Downloads studio-deploy, verifies what was downloaded, and puts it on the PATH of the steps behind this one.
#
# VERSION, SHA256, ARCHIVE, PROVENANCE and REPOSITORY are the action's inputs; nothing of them is evaluated as shell.
set -euo pipefail

if [[ $(command -v studio-deploy) && $(studio-deploy --version) == "studio-deploy $VERSION" ]]; then
    echo "studio-deploy $VERSION is installed"
    exit 0
fi

# The name that the release gives the archive of this machine.
target() {
    case "$(uname -s)-$(uname -m)" in
        Linux-x86_64) echo x86_64-unknown-linux-gnu ;;
        Linux-aarch64 | Linux-arm64) echo aarch64-unknown-linux-gnu ;;
        Darwin-x86_64) echo x86_64-apple-darwin ;;
        Darwin-arm64) echo aarch64-apple-darwin ;;
        *)
            echo "::error title=studio-deploy::there is no archive for $(uname -s) on $(uname -m)"
            return 1
            ;;
    esac
}

# The SHA-256 of a file, with what Linux and macOS have.
digest() {
    if [[ $(command -v sha256sum) ]]; then
        sha256sum "$1" | cut -d ' ' -f 1
    else
        shasum -a 256 "$1" | cut -d ' ' -f 1
    fi
}

folder=$(mktemp -d "$RUNNER_TEMP/studio-deploy.XXXXXX")
if [[ -n $ARCHIVE ]]; then
    # A mirror, or a file that is there already: only the checksum of whoever wrote the workflow says what it is.
    if [[ -z $SHA256 ]]; then
        echo '::error title=studio-deploy::"archive" needs "sha256" beside it, since nothing else says what it holds'
        exit 1
    fi
    file=$folder/studio-deploy.tar.gz
    case $ARCHIVE in
        https://*) curl --fail --silent --show-error --location --retry 3 --output "$file" -- "$ARCHIVE" ;;
        *) cp -- "$ARCHIVE" "$file" ;;
    esac
    expected=$SHA256
else
    if [[ -z $REPOSITORY ]]; then
        echo '::error title=studio-deploy::a copy of the action needs "repository", or "archive" with "sha256"'
        exit 1
    fi
    name=studio-deploy-$(target).tar.gz
    gh release download "v$VERSION" --repo "$REPOSITORY" --dir "$folder" --pattern "$name" --pattern SHA256SUMS
    file=$folder/$name
    expected=${SHA256:-$(awk -v name="$name" '$2 == name { print $1 }' "$folder/SHA256SUMS")}
    if [[ $PROVENANCE == true ]]; then
        gh attestation verify "$file" --repo "$REPOSITORY"
    fi
fi

actual=$(digest "$file")
if [[ $actual != "$expected" ]]; then
    echo "::error title=studio-deploy::the archive has the SHA-256 $actual, and ${expected:-none} is expected"
    exit 1
fi
echo "SHA-256 $actual: as expected"

# An archive has one folder in it.
mkdir "$folder/unpacked"
tar -xzf "$file" -C "$folder/unpacked" --strip-components 1
installed=$("$folder/unpacked/studio-deploy" --version)
if [[ $installed != "studio-deploy $VERSION" ]]; then
    echo "::error title=studio-deploy::the archive holds $installed, and $VERSION is expected"
    exit 1
fi
echo "$folder/unpacked" >> "$GITHUB_PATH"
