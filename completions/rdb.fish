# SPDX-License-Identifier: Apache-2.0
# Source this in fish: each program prints its own completion from its option table.
for program in rdb-audit rdb-backup rdb-cli rdb-diag rdb-init rdb-restore rdb-serve rdb-vacuum
    command -q $program; and $program --rdb-print-completion=fish | source
end
