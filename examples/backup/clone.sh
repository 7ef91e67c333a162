#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An instance is cloned through a pipe, here or to another host, and does not stop meanwhile.
# Usage: clone.sh HOME TARGET [HOST]
set -euo pipefail
home=${1:?usage: clone.sh HOME TARGET [HOST]} target=${2:?usage: clone.sh HOME TARGET [HOST]}
if [ $# -gt 2 ]; then
    rdb-backup --home "$home" --output - --compress zstd | ssh "$3" rdb-restore --input - --home "$target" --map server.listen_port=5433
else
    rdb-backup --home "$home" --output - --compress lz4 | rdb-restore --input - --home "$target" --map server.listen_port=5433
fi
