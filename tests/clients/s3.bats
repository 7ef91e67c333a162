#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Repositories on s3://, against a server of somebody else's (s3rver, from npm).
load ../e2e/helper

setup() {
    make_home
    AGAIN=$(dirname "$HOME_DIR")/again
    [ -x "$TOP/build/s3/node_modules/.bin/s3rver" ] || { mkdir -p "$TOP/build/s3" && npm install --silent --no-audit --no-fund --prefix "$TOP/build/s3" s3rver@3; }
    S3_PORT=$(free_port)
    "$TOP/build/s3/node_modules/.bin/s3rver" --directory "$(dirname "$HOME_DIR")/s3" --address 127.0.0.1 --port "$S3_PORT" --configure-bucket backups >"$HOME_DIR.s3" 2>&1 3>&- &
    S3_PID=$!
    for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.1/$S3_PORT") 2>/dev/null && break; sleep 0.1; done
    export AWS_ENDPOINT_URL=http://127.0.0.1:$S3_PORT AWS_ACCESS_KEY_ID=S3RVER AWS_SECRET_ACCESS_KEY=S3RVER
}
teardown() {
    [ -z "$S3_PID" ] || kill "$S3_PID"
    remove_home
}

@test "s3: full and incremental, listed, verified, restored, expired" {
    rdb-init --home "$HOME_DIR" --insecure --tune small >/dev/null
    rdb-cli --home "$HOME_DIR" --user admin --command "create table t as select i from generate_series(1, 20000) i" >/dev/null
    for place in s3://backups s3://backups/deep/er; do
        rm -rf "$AGAIN"
        rdb-backup --home "$HOME_DIR" --output "$place"
        rdb-backup --home "$HOME_DIR" --output "$place" --type incremental
        run -0 rdb-backup list --output "$place" --json
        [ "${#lines[@]}" -eq 2 ]
        run -0 rdb-backup verify --output "$place" --level page
        rdb-restore --input "$place" --home "$AGAIN"
        [ "$(rdb-cli --home "$AGAIN" --user admin --tuples-only --output unaligned --command 'select count(*) from t')" = 20000 ]
        rdb-backup --home "$HOME_DIR" --output "$place"
        run -0 rdb-backup expire --output "$place" --keep-full 1
        run -0 rdb-backup list --output "$place" --json
        [ "${#lines[@]}" -eq 1 ]
    done
    run ! rdb-backup list --output s3://no-such-bucket
    kill "$S3_PID"; wait "$S3_PID" || [ $? -eq 143 ]
    S3_PID=
    run ! rdb-backup list --output s3://backups
    [[ "$output" == *"s3://backups"* ]]
}
