#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Stock pg_dump and pg_restore, from here to PostgreSQL 15 and back.
load helper

@test "dump: plain text restores without a difference, both ways" {
    run -0 timeout 500 /usr/bin/python3 "$TOP/tests/dump/round_trip.py" plain
    echo "$output"
}

@test "dump: the custom and the directory format restore with two jobs, both ways" {
    run -0 timeout 500 /usr/bin/python3 "$TOP/tests/dump/round_trip.py" custom directory
    echo "$output"
}
