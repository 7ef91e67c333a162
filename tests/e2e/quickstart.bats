#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load helper
setup() { make_home; }
teardown() {
    rdb-serve --home "$HOME_DIR" --stop >/dev/null 2>&1
    rm -rf "$(dirname "$HOME_DIR")"
}

@test "quickstart: an instance, this machine's package index, answers, and a second run" {
    ls /var/lib/apt/lists/*_Packages* >/dev/null
    run -0 env HOME_DIR="$HOME_DIR" BIN_DIR="$BIN" "$TOP/examples/quickstart.sh" 3>&-
    echo "$output"
    [[ "$output" == *"dependencies loaded"* && "$output" == *"libc6"* && "$output" == *"connect:"* ]]
    run -0 env HOME_DIR="$HOME_DIR" BIN_DIR="$BIN" "$TOP/examples/quickstart.sh" 3>&-
    [[ "$output" == *"already running"* && "$output" == *"dependencies loaded"* ]]
}
