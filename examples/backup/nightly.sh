#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A CI job's proof that last night's backup works: restores it, asks it a question, throws it away.
# Usage: nightly.sh REPOSITORY 'QUERY'
set -euo pipefail
repository=${1:?usage: nightly.sh REPOSITORY QUERY} query=${2:?usage: nightly.sh REPOSITORY QUERY}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rdb-backup verify --output "$repository" --level page
rdb-restore --input "$repository" --home "$work/db"
rdb-cli --home "$work/db" --user admin --tuples-only --output unaligned --command "$query"
