#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Statements of PostgreSQL's that are not built: each is read, and refused by its name with 0A000, never as a syntax error or in silence.
load helper
setup_file() {
    load helper
    make_home
    rdb-init --home "$HOME_DIR" --tune small >/dev/null
    start_server
    export HOME_DIR PORT SERVER_PID
    sql "create table t (n int)"
}
teardown_file() { remove_home; }
# refused NAME STATEMENT
refused() {
    run ! env PGOPTIONS= "$PSQL" -X -A -t -q -v VERBOSITY=verbose -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -c "$2"
    [[ "$output" == "ERROR:  0A000: $1 is not supported"* ]] || { echo "$2: $output"; return 1; }
}

@test "foreign data" {
    refused "CREATE FOREIGN DATA WRAPPER" "create foreign data wrapper w"
    refused "CREATE SERVER" "create server s foreign data wrapper w"
    refused "ALTER SERVER" "alter server s version '2'"
    refused "CREATE FOREIGN TABLE" "create foreign table f (a int) server s"
    refused "CREATE USER MAPPING" "create user mapping for current_user server s"
    refused "IMPORT FOREIGN SCHEMA" "import foreign schema x from server s into public"
}

@test "logical replication" {
    refused "CREATE PUBLICATION" "create publication p for all tables"
    refused "ALTER PUBLICATION" "alter publication p add table t"
    refused "CREATE SUBSCRIPTION" "create subscription s connection 'host=x' publication p"
    refused "ALTER SUBSCRIPTION" "alter subscription s disable"
    refused "DROP SUBSCRIPTION" "drop subscription s"
}

@test "triggers and languages" {
    refused "CREATE TRIGGER" "create trigger g before insert on t execute function f()"
    refused "CREATE EVENT TRIGGER" "create event trigger e on ddl_command_start execute function f()"
    refused "CREATE LANGUAGE" "create language l handler h"
    refused "CREATE TRANSFORM" "create transform for int language sql (from sql with function f(internal), to sql with function g(int))"
    refused "DO" "do 'begin end'"
}

@test "places, encodings, labels, settings of the whole" {
    refused "CREATE TABLESPACE" "create tablespace x location '/nowhere'"
    refused "DROP TABLESPACE" "drop tablespace x"
    refused "CREATE CONVERSION" "create conversion c for 'UTF8' to 'LATIN1' from utf8_to_iso8859_1"
    refused "CREATE ACCESS METHOD" "create access method m type index handler h"
    refused "SECURITY LABEL" "security label on table t is 'x'"
    refused "ALTER SYSTEM" "alter system set work_mem = '8MB'"
    refused "ALTER SYSTEM" "alter system reset all"
}
