#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load ../e2e/helper

@test "rdb-diag why: the cause of nine in ten of thirty-six staged incidents is named" {
    BIN_DIR=$BIN "$TOP/tests/random/incidents" >&3
}
