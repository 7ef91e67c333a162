#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A cut of tests/long/soak: updates with a snapshot held for half of the time.
load helper

@test "soak: updates under a held snapshot lose nothing, and table, indexes and undo store stay small" {
    find_pgbench
    run -0 "$TOP/tests/long/soak" --seconds 24 --rows 50000 --clients 4 --patience 300
    [[ "$output" == *"4 passed, 0 failed"* ]]
}
