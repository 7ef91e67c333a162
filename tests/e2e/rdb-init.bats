#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load helper
setup() { make_home; }
teardown() { remove_home; }

@test "rdb-init: an unknown option exits 2, is explained on stderr, and leaves stdout empty" {
    run -2 --separate-stderr rdb-init --no-such-option
    [ -z "$output" ] && [[ "$stderr" == *"rdb-init --help"* ]]
}

@test "rdb-init: --help and --version are for stdout" {
    run -0 --separate-stderr rdb-init --help
    [[ "$output" == *"--home"* && "$output" == *"--page-size"* && -z "$stderr" ]]
    run -0 rdb-init --version
    [[ "$output" == rdb-init* ]]
}

@test "rdb-init: makes a whole instance, secrets for the owner alone" {
    run -0 rdb-init --home "$HOME_DIR"
    [[ "$output" == *"admin.password"* ]]
    [ "$(cat "$HOME_DIR/data/meta/layout-version")" = 1.0 ]
    for directory in conf data/wal logs run/sockets tmp cache backup diag; do [ -d "$HOME_DIR/$directory" ]; done
    [ "$(stat -c %a "$HOME_DIR/conf/secrets/auth/admin.password")" = 600 ]
    [ "$(stat -c %a "$HOME_DIR/conf/secrets")" = 700 ]
    [ -s "$HOME_DIR/conf/secrets/tls/server.crt" ]
}

@test "rdb-init: an instance is not made twice, and --if-needed says so kindly" {
    rdb-init --home "$HOME_DIR"
    before=$(cat "$HOME_DIR/data/meta/instance-id")
    run -3 rdb-init --home "$HOME_DIR"
    [[ "$output" == *"already an instance"* ]]
    run -0 rdb-init --home "$HOME_DIR" --if-needed
    [ "$(cat "$HOME_DIR/data/meta/instance-id")" = "$before" ]
}

@test "rdb-init: a directory with other things in it is left alone" {
    mkdir -p "$HOME_DIR" && echo mine >"$HOME_DIR/file"
    run -3 rdb-init --home "$HOME_DIR"
    [[ "$output" == *"not empty"* ]]
    [ "$(ls -A "$HOME_DIR")" = file ]
}

@test "rdb-init: a page size that is no power of two is refused" {
    run -2 rdb-init --home "$HOME_DIR" --page-size 5000
    [ ! -e "$HOME_DIR" ]
}

@test "rdb-init: --json prints one object" {
    run -0 rdb-init --home "$HOME_DIR" --insecure --json
    python3 -c 'import json,sys; d=json.loads(sys.argv[1]); assert d["created"] is True and d["secure"] is False' "$output"
}
