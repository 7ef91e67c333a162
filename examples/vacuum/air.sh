#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compacts the tables of a database whose files are more than half as large again as what lives in them, while others work, and at most 50 MB
# a second. For cron: rdb-vacuum schedule --home DIR writes such entries.
#
#     air.sh HOME DATABASE
set -eu
home=$1 database=$2
rdb-vacuum estimate --home "$home" --json "$database" |
    sed -n 's/.*"table":"\([^"]*\)".*"kind":"table","file_bytes":\([0-9]*\),"live_bytes":\([0-9]*\),.*/\1 \2 \3/p' |
    while read -r table file live; do
        [ "$((file * 2))" -gt "$((live * 3 + 131072))" ] || continue
        rdb-vacuum compact --home "$home" --rate 50MB --json --table "$table" "$database"
    done
