#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Files of text search's dictionaries that an operator puts into the instance: found, before those that come with the server, and
# found again after a restart.
load helper
setup() {
    make_home
    rdb-init --home "$HOME_DIR" --tune small >/dev/null
    mkdir -p "$HOME_DIR/share/tsearch_data"
    start_server
}
teardown() {
    remove_home
}

@test "an instance's own dictionaries of affixes, synonyms and stop words" {
    local files="$HOME_DIR/share/tsearch_data"
    printf 'SFX S Y 1\nSFX S y ies [^aeiou]y\n' >"$files/mine.affix"
    printf '2\nberry/S\nthe\n' >"$files/mine.dict"
    printf 'the\n' >"$files/mine.stop"
    printf 'postgres elephant\n' >"$files/synonym_sample.syn"
    sql "create text search dictionary mine (template = ispell, dictfile = mine, afffile = mine, stopwords = mine);
         create text search dictionary other (template = synonym, synonyms = synonym_sample)"
    [ "$(sql "select ts_lexize('mine', 'Berries'), ts_lexize('mine', 'the'), ts_lexize('mine', 'boys') is null")" = "{berry}|{}|t" ]
    [ "$(sql "select ts_lexize('other', 'postgres')")" = "{elephant}" ]
    run ! sql "create text search dictionary absent (template = synonym, synonyms = absent)"
    [[ "$output" == *"could not open synonym file \"$files/absent.syn\": No such file or directory"* ]]
    stop_server
    printf '1\ncherry/S\n' >"$files/mine.dict"
    start_server
    [ "$(sql "select ts_lexize('mine', 'cherries'), ts_lexize('mine', 'berries') is null")" = "{cherry}|t" ]
}
