#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# rdb-diag bundle: what it must never hold, and servers that it must not hang on. tests/long has all of them at full size.
load helper

@test "rdb-diag bundle: none of 2,000 planted secrets is in it" {
    BIN_DIR=$BIN "$TOP/tests/random/secrets" --count 2000
}

@test "rdb-diag bundle: whole and in time from servers that hang, starve, start or lost their catalog" {
    BIN_DIR=$BIN "$TOP/tests/random/broken-servers" --deadline 3 --slack 10 hung_on_a_lock stands_still no_memory corrupt_catalog starting cut_off wrong_clock
}
