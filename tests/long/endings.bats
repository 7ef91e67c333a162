#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every way to end every kind of work; see tests/e2e/endings.py.
load ../e2e/helper

setup() {
    make_home
    rdb-init --home "$HOME_DIR" >/dev/null
    start_server
}
teardown() { remove_home; }

@test "endings: every wait and every long work by every way" {
    run timeout 900 /usr/bin/python3 "$TOP/tests/e2e/endings.py" "$HOME_DIR/run/sockets" "$PORT" --all --slow 5
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *" 0 of them wrong"* ]]
}
