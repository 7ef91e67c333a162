#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Backups under load, judged by the clients' own journal: some moments and some kills; tests/long has all.
load helper

@test "restores: at random moments exactly a prefix of the journal comes back" {
    run "$TOP/tests/random/restores" --moments 5 --seconds 2
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "restores: backup, expire, archive and restore are killed at random, and come to their end the next time" {
    run "$TOP/tests/random/restores" --kills 6
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "backup-matrix: some combinations of type, compression, encryption, repository, page size and state come back" {
    run "$TOP/tests/random/backup-matrix" --count 8 --without s3
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "s3-faults: an object store that fails, cuts and hides what it holds loses no backup" {
    run "$TOP/tests/random/s3-faults" --count 3
    echo "$output"
    [ "$status" -eq 0 ]
}
