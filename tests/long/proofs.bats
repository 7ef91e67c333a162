#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The proofs of tests/proof in full.
load ../e2e/helper

# in_full PROGRAM ARGUMENT: its counts are shown, its findings where there are any.
in_full() {
    local status=0
    "$TOP/build/proof/$1" "$2" >"$BATS_TEST_TMPDIR/counts" 2>"$BATS_TEST_TMPDIR/log" || status=$?
    cat "$BATS_TEST_TMPDIR/counts" >&3
    [ "$status" -eq 0 ] || grep -vE '^(info|warn)' "$BATS_TEST_TMPDIR/log" >&3
    return "$status"
}

@test "crashes: 100,000 distinct ones of a whole database and its audit log" {
    in_full crashes 100000
}

@test "audit: 10,000 attacks on the log, each found, the first bad record named" {
    RDB_CHECK_LONG=1 run -0 "$TOP/build/unit/audit/test_tamper"
    [[ "$output" == *"10000 attacks, each found"* ]]
}

@test "faults: every call of the file layer and every allocation fails once" {
    in_full faults --all
}
