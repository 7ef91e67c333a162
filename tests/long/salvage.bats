#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load ../e2e/helper

@test "rdb-diag salvage: 200 random damages" {
    BIN_DIR=$BIN "$TOP/tests/random/salvage" --count 200 >&3
}
