#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# When a prepared statement is planned for the values of a run, and when it is not.
load helper
setup() {
    make_home
    rdb-init --home "$HOME_DIR" --tune small >/dev/null
    start_server
    sql "create table ranged (k int primary key, v text); insert into ranged select i, 'v' || i from generate_series(1, 20000) i; analyze ranged"
}
teardown() { remove_home; }

# counts STATEMENT FIRST: forty runs from that key on; rows of all runs, then whether most runs had the statement's own plan, and whether any had one of theirs.
counts() {
    { echo "prepare $1"; for n in $(seq 40); do echo "execute ${1%%(*}($(($2 + n)), $((n % 7 + 1)));"; done
      echo "select generic_plans > custom_plans, custom_plans >= 5 from pg_prepared_statements;"; } >"$BATS_TEST_TMPDIR/runs.sql"
    psql_file "$BATS_TEST_TMPDIR/runs.sql" >"$BATS_TEST_TMPDIR/runs.out"
    echo "$(grep -c '|v' "$BATS_TEST_TMPDIR/runs.out") $(tail -1 "$BATS_TEST_TMPDIR/runs.out")"
}

@test "plans: some rows of an index from a place on: the statement's own plan, once it is seen to be like those for the values" {
    [ "$(counts 'first_rows(int, int) as select * from ranged where k >= $1 order by k limit $2;' 1000)" = "160 t|t" ]
}
@test "plans: what the values decide is planned for them" {
    [ "$(counts 'some_rows(int, int) as select * from ranged where k >= $1 order by v limit $2;' 19900)" = "160 f|t" ]
}
