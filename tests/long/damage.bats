#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load ../e2e/helper

@test "damage: 10,000 single damaged bytes are found and named by rdb-vacuum --verify" {
    BIN_DIR=$BIN "$TOP/tests/random/damage" --count 10000 --round 25 --open 30 >&3
}

@test "damage: 10,000 damages, cuts, swaps and stale copies of a repository's objects are found by rdb-backup verify, and never restored" {
    RDB_DAMAGE_ROUNDS=10000 run -0 timeout 3000 "$TOP/build/unit/backup/test_repository"
}
