# SPDX-License-Identifier: Apache-2.0
# The peers that come from the npm registry, at pinned versions, installed once into build/npm. Loaded by bats files beside helper.bash.
NPM_PEERS="pg@8.23.1 pg-cursor@2.22.0 pg-query-stream@4.17.0"
NPM_ORMS="sequelize@6.37.8 knex@3.3.0 typeorm@1.1.1 reflect-metadata@0.2.2 drizzle-orm@0.45.4"

# need_npm PACKAGE@VERSION...: NODE_PATH names where they lie. Without them and without a network the test is skipped, and says so.
need_npm() {
    local directory=$TOP/build/npm package missing=()
    mkdir -p "$directory"
    [ -f "$directory/package.json" ] || echo '{"private": true}' >"$directory/package.json"
    for package in "$@"; do
        [ "$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$directory/node_modules/${package%@*}/package.json" 2>/dev/null)" = "${package##*@}" ] || missing+=("$package")
    done
    if [ ${#missing[@]} -gt 0 ]; then
        (cd "$directory" && timeout 120 npm install --no-audit --no-fund --silent --save-exact "${missing[@]}" >/dev/null 2>&1) ||
            skip "the npm registry cannot be reached, and build/npm lacks ${missing[*]}"
    fi
    export NODE_PATH=$directory/node_modules
}
