# SPDX-License-Identifier: Apache-2.0
# Source this in bash: each program prints its own completion from its option table.
for program in rdb-audit rdb-backup rdb-cli rdb-diag rdb-init rdb-restore rdb-serve rdb-vacuum; do
    command -v "$program" >/dev/null && eval "$("$program" --rdb-print-completion=bash)"
done
unset program
