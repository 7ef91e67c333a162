#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# 100,000 transactions from 16 clients at each level, with the server killed now and then.
load ../e2e/helper

@test "histories: 100,000 transactions at each level have no cycle that it forbids" {
    "$TOP/tests/random/histories" --transactions 100000 --clients 16 --kills 10 --pause 3 --seed 7 >&3
}
