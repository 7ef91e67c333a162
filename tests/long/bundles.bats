#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load ../e2e/helper

@test "rdb-diag bundle: none of 10,000 planted secrets is in it" {
    BIN_DIR=$BIN "$TOP/tests/random/secrets" --count 10000 >&3
}

@test "rdb-diag bundle: whole and in time from servers broken in twelve ways" {
    BIN_DIR=$BIN "$TOP/tests/random/broken-servers" >&3
}
