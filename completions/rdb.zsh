# SPDX-License-Identifier: Apache-2.0
# Source this in zsh after compinit: each program prints the body of its completion function from its option table.
for program in rdb-audit rdb-backup rdb-cli rdb-diag rdb-init rdb-restore rdb-serve rdb-vacuum; do
    (( $+commands[$program] )) || continue
    functions[_$program]=$($program --rdb-print-completion=zsh)
    compdef _$program $program
done
unset program
