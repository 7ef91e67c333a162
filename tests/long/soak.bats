#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Half an hour of updates with a snapshot held for half of it, PostgreSQL's figures beside ours.
load ../e2e/helper

@test "soak: half an hour of updates, one snapshot held for half of it" {
    "$TOP/tests/long/soak" --seconds 1800 --rows 1000000 --clients 8 --peer >&3
}

@test "large transactions: ten million row changes are rolled back at once and do not delay opening" {
    ROWS=10000000 "$TOP/tests/bench/rollback" >&3
}
