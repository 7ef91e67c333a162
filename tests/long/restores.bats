#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Backups under load taken back at fifty moments, and five hundred kills.
load ../e2e/helper

@test "restores: at 50 random moments exactly a prefix of the journal comes back" {
    "$TOP/tests/random/restores" --moments 50 --seconds 20 --transactions 3000 --clients 8 >&3
}

@test "restores: 500 kills of backup, expire, archive and restore lose nothing" {
    "$TOP/tests/random/restores" --kills 500 >&3
}

@test "backup-matrix: every combination of type, compression, encryption, repository, page size and state comes back" {
    "$TOP/tests/random/backup-matrix" >&3
}

@test "s3-faults: 300 commands on a store's bad days lose no backup and make none of what is not whole" {
    "$TOP/tests/random/s3-faults" --count 300 >&3
}
