#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What those wait for who want one row.
load helper

setup() {
    make_home
    rdb-init --home "$HOME_DIR" >/dev/null
    start_server
}
teardown() { remove_home; }

@test "waits: upserts of one row stand in its queue, so that the writer's end calls one of them" {
    local upsert="insert into t values (1, 100) on conflict (k) do update set v = t.v + 1;"
    sql "create table t (k int primary key, v int); insert into t values (1, 0)"
    in_background writer "begin;" "update t set v = v + 1;"
    wait_for_answer 1 "select count(*) from pg_stat_activity where application_name = 'writer' and state = 'idle in transaction'"
    in_background one "$upsert"
    in_background two "$upsert"
    in_background three "$upsert"
    wait_for_answer "transactionid tuple tuple" "select string_agg(wait_event, ' ' order by wait_event) from pg_stat_activity where wait_event_type = 'Lock'"
    then_in writer "commit;"
    wait_for_answer 4 "select v from t"
}
