#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What happens to backups and restores: full disks, repositories that go away, permissions, kills, others at work. Each gets a message
# and its exit code, and nothing that was there is lost.
load helper

# One instance for all: it stays at rest, and tests that change it change a copy.
setup_file() {
    export TROUBLE=$(mktemp -d "$(quick_place)/rdb.XXXXXX")
    rdb-init --home "$TROUBLE/i" --insecure --tune small >/dev/null
    rdb-cli --home "$TROUBLE/i" --user admin --command "create table t as select i, md5(i::text) as m from generate_series(1, 200000) i" >/dev/null
    rdb-backup --home "$TROUBLE/i" --output "$TROUBLE/repo" >/dev/null
}
teardown_file() { rm -rf "$TROUBLE"; }
setup() {
    HOME_DIR=$TROUBLE/i REPO=$BATS_TEST_TMPDIR/repo AGAIN=$BATS_TEST_TMPDIR/again
    cp -a "$TROUBLE/repo" "$REPO"
}
# A backup that runs has stored its first volume.
await_volume() { wait_for stores_volume; }
stores_volume() { [ "$(find "$REPO/backup" -name 'vol-*' | wc -l)" -gt "$(find "$TROUBLE/repo/backup" -name 'vol-*' | wc -l)" ]; }
# A backup that takes its time before its second volume.
slow_backup() { RDB_FAULT="write:$REPO/backup/*vol-000002*:delay=15000000" exec rdb-backup --home "$HOME_DIR" --output "$REPO" --threads 1 --compress none; }
count_backups() { rdb-backup list --output "$REPO" --json | wc -l; }
is_sound() { rdb-backup verify --output "$REPO" && rdb-restore --input "$REPO" --home "$AGAIN" && diff -r --exclude wal --exclude changes --exclude '*.db' "$HOME_DIR/data" "$AGAIN/data"; }

@test "trouble: a disk that is full ends a backup with 1 and the reason; the next one goes on with it" {
    RDB_FAULT="write:$REPO/backup/*vol-000002*:count=0:ENOSPC" run -1 rdb-backup --home "$HOME_DIR" --output "$REPO" --threads 1 --compress none
    [[ "$output" == *"No space left on device"* ]]
    [ "$(count_backups)" -eq 1 ]
    run -0 rdb-backup --home "$HOME_DIR" --output "$REPO" --threads 1 --compress none
    [[ "$output" == *"goes on with backup"*"1 volumes stand"* ]]
    [ "$(count_backups)" -eq 2 ]
    is_sound
}

@test "trouble: a disk that is full ends a restore with 1; what is there cannot be served, and the next one makes it whole" {
    RDB_FAULT="write:$AGAIN/data/tables:nth=50:count=0:ENOSPC" run -1 rdb-restore --input "$REPO" --home "$AGAIN"
    [[ "$output" == *"No space left on device"* ]]
    run ! rdb-serve --home "$AGAIN" --port "$(free_port)"
    [[ "$output" == *"not whole"* ]]
    is_sound
}

@test "trouble: a repository that goes away meanwhile ends the backup with 1, and it is gone on with when it is back" {
    slow_backup >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    local backup=$! status=0
    await_volume
    mv "$REPO" "$REPO.away"
    wait $backup || status=$?
    [ "$status" -eq 1 ]
    grep -q "the repository is gone\|$REPO.*No such file" "$BATS_TEST_TMPDIR/out"
    [ ! -e "$REPO" ]
    mv "$REPO.away" "$REPO"
    [ "$(count_backups)" -eq 1 ]
    rdb-backup --home "$HOME_DIR" --output "$REPO"
    [ "$(count_backups)" -eq 2 ]
    is_sound
}

@test "trouble: a permission that was revoked ends with 5" {
    RDB_FAULT="create:$REPO:count=0:EACCES" run -5 rdb-backup --home "$HOME_DIR" --output "$REPO"
    [[ "$output" == *"$REPO"* ]]
    RDB_FAULT="open:$REPO/backup:count=0:EACCES" run -5 rdb-backup verify --output "$REPO"
    RDB_FAULT="mkdir:$AGAIN:count=0:EACCES" run -5 rdb-restore --input "$REPO" --home "$AGAIN"
    [ "$(count_backups)" -eq 1 ]
    is_sound
}

@test "trouble: a repository that cannot be written is restored from all the same" {
    RDB_FAULT="create:$REPO:count=0:EROFS" run -0 rdb-restore --input "$REPO" --home "$AGAIN"
    rm -rf "$AGAIN"
    is_sound
}

@test "trouble: expire waits for nobody: while somebody restores it ends with 8 and removes nothing" {
    rdb-backup --home "$HOME_DIR" --output "$REPO"
    local restore
    RDB_FAULT="create:$AGAIN/data/tables:delay=60000000" rdb-restore --input "$REPO" --home "$AGAIN" --backup "$(ls "$REPO/backup" | head -1)" --threads 1 >/dev/null 2>&1 3>&- &
    restore=$!
    wait_for eval 'ls "$REPO"/leases/*.json >/dev/null 2>&1'
    run -8 rdb-backup expire --output "$REPO" --keep-full 1
    [[ "$output" == *"read"*"Process $restore"* ]]
    [ "$(count_backups)" -eq 2 ]
    kill -KILL "$restore" # it keeps nobody away any more
    ends_with 137 wait "$restore"
    rm -rf "$AGAIN"
    run -0 rdb-backup expire --output "$REPO" --keep-full 1
    [ "$(count_backups)" -eq 1 ]
    is_sound
}

@test "trouble: interrupted once, a backup ends with 130 and is gone on with" {
    slow_backup >/dev/null 2>&1 3>&- &
    local backup=$! status=0
    await_volume
    kill -INT $backup
    wait $backup || status=$?
    [ "$status" -eq 130 ]
    run -0 rdb-backup --home "$HOME_DIR" --output "$REPO" --compress none
    [[ "$output" == *"goes on with backup"* ]]
    is_sound
}

@test "trouble: on a terminal a backup says how far it is and how much time is left, in a pipe it does not" {
    command -v script >/dev/null || skip "no script program"
    run -0 script -qec "rdb-backup --home '$HOME_DIR' --output '$REPO' --rate 25MB --threads 1" /dev/null
    [[ "$output" == *"MiB of "*"%)"*"MiB/s, "[0-9]:[0-9][0-9]:[0-9][0-9]" left"* ]]
    run -0 rdb-backup --home "$HOME_DIR" --output "$REPO" --rate 60MB
    [[ "$output" != *" left"* && "$output" == "backup "* ]]
}
