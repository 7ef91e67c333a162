#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The crash tests of tests/e2e, a hundred rounds each.
@test "a hundred rounds of kill -9" {
    ROUNDS=100 BATS_TEST_TIMEOUT=3000 run bats "$BATS_TEST_DIRNAME/../e2e/crash.bats"
    echo "$output"
    [ "$status" -eq 0 ]
}
