#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The audit as its readers see it: what gets a record, what the record says, and that rdb-audit proves the log or names what was done to it.
load helper

setup() { make_home; }
teardown() { remove_home; }

# serve KEY=VALUE...: keys of section security.audit.
serve() {
    [ -d "$HOME_DIR" ] || rdb-init --home "$HOME_DIR" >/dev/null
    printf '[security.audit]\nenable = true\n' >"$HOME_DIR/conf/overrides.d/50-audit.toml"
    printf '%s\n' "$@" >>"$HOME_DIR/conf/overrides.d/50-audit.toml"
    start_server
}

# settled N: the log has N records, or more, that stand under a head. N: all that there are, the sessions' ends too: with fewer,
# the test looks before the rest is there.
settled() {
    wait_for stands_signed "$1"
}
stands_signed() { [ "$(rdb-audit verify --home "$HOME_DIR" --json | jq -r '.signed // 0' | tail -1)" -ge "$1" ]; }

# records FILTER...: what jq prints of the records that the conditions choose.
records() {
    local filter=$1
    shift
    rdb-audit search --home "$HOME_DIR" --json "$@" | jq -r "$filter"
}

@test "rdb-audit: an unknown option exits 2, is explained on stderr, and leaves stdout empty" {
    run -2 --separate-stderr rdb-audit --no-such-option
    [ -z "$output" ] && [[ "$stderr" == *"rdb-audit --help"* ]]
    run -2 rdb-audit serach --home /nowhere
    [[ "$output" == *'did you mean "search"'* ]]
}

@test "rdb-audit: an instance that has never been audited says so, and how to turn it on; a log that was taken away is another matter" {
    rdb-init --home "$HOME_DIR" >/dev/null
    for command in tail "tail --follow" search "report logins" verify "export --format json"; do
        # shellcheck disable=SC2086
        run -1 --separate-stderr timeout 120 rdb-audit $command --home "$HOME_DIR"
        [ -z "$output" ]
        [[ "$stderr" == *'there is no audit log in "'"$HOME_DIR/logs"'"'*"security.audit.enable = false"*"enable = true"* ]]
    done
    run -1 --separate-stderr rdb-audit search --home "$HOME_DIR" --json
    [ "$(jq -r .sqlstate <<<"$stderr")" = 58P01 ]
    printf '[security.audit]\nenable = true\n' >"$HOME_DIR/conf/overrides.d/50-audit.toml"
    run -1 --separate-stderr rdb-audit tail --home "$HOME_DIR"
    [[ "$stderr" == *"begins when the server starts"* ]]
    start_server
    settled 1
    rdb-audit tail --home "$HOME_DIR" | grep -q .
    stop_server
    rm "$HOME_DIR"/logs/audit.*
    run rdb-audit verify --home "$HOME_DIR"
    [ "$status" -ne 0 ] && [[ "$output" != *"is off"* ]]
}

@test "audit: statements have records with class, objects, columns, rows and outcome" {
    serve 'log_statements = ["ALL"]'
    sql "create table t (a int primary key, b text)"
    sql "insert into t values (1, 'x'), (2, 'y')"
    sql "select b from t where a = 1"
    sql "begin; insert into t values (3, 'z'); savepoint s; delete from t; rollback to s; commit"
    sql "begin; update t set b = 'gone'; rollback"
    run sql "insert into t values (1, 'again')"
    run sql "selec"
    sql "alter table t rename column b to c"
    settled 32
    [ "$(records '[.class, .outcome, .rows, .objects[0].name, (.objects[0].columns | join(" "))] | join("|")' --text "'x')")" = "write|committed|2|public.t|a b" ]
    [ "$(records '.class + " " + .objects[0].access' --text "select b from")" = "read SELECT" ]
    [ "$(records '.outcome' --text "delete from t")" = "rolled back" ]
    [ "$(records '.outcome' --text "'gone'")" = "rolled back" ]
    [ "$(records '.outcome' --text "'z'")" = "committed" ]
    [ "$(records '.outcome + " " + .code' --text "'again'")" = "failure 23505" ]
    [ "$(records '.code' --text "selec" --outcome failure)" = "42601" ]
    [ "$(records '.detail.old_name + " " + .detail.new_name' --action "ALTER TABLE")" = "b c" ]
    [ "$(records '.xid' --text "'z'")" = "$(records '.xid' --text 'delete from t')" ]
    run -1 rdb-audit search --home "$HOME_DIR" --object no_such_table
    run -0 rdb-audit verify --home "$HOME_DIR"
}

@test "audit: a COMMIT stands with what it commits, and is told as what it was where it fails" {
    serve 'log_statements = ["ALL"]'
    sql "create table t (a int primary key, b int unique deferrable initially deferred)"
    sql "insert into t values (1, 1)"
    sql "begin; insert into t values (2, 2); end" # as it is by texts, as well as by plans that are kept:
    printf '%s\n' "begin;" "insert into t values (:n, :n);" "commit;" >"$BATS_TEST_TMPDIR/one.sql"
    "$(find_pgbench)" -n -M prepared -t 3 -D n=0 -f <(printf '%s\n' '\set n random(1000, 1000000000)'; cat "$BATS_TEST_TMPDIR/one.sql") -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb >/dev/null 2>&1
    run sql "begin; insert into t values (3, 1); commit"
    [[ "$output" == *"duplicate key"* ]]
    sql "begin; select 1; commit"
    settled 35
    [ "$(records '.outcome' --action COMMIT --text end)" = success ]
    [ "$(records '.lsn' --action COMMIT --text end)" = "$(records '.lsn' --text "values (2, 2)")" ]
    [ "$(records '.xid' --action COMMIT --text end)" = "$(records '.xid' --text "values (2, 2)")" ]
    [ "$(records '.scn // "none"' --action COMMIT --text end)" = none ]
    [ "$(records '.lsn' --action COMMIT --text 'commit;' --outcome success | sort)" = "$(records '.lsn' --text '$1' --action INSERT | sort)" ]
    [ "$(records '.lsn' --text '$1' --action INSERT | wc -l)" -eq 3 ]
    [ "$(records '.outcome' --text "values (3, 1)")" = "rolled back" ]
    [ "$(records '.outcome + " " + (.code // "")' --action COMMIT --outcome failure)" = "failure 23505" ]
    [ "$(records '.seq' --action COMMIT --text 'commit' --outcome success | wc -l)" -eq 4 ] # the three, and the one that had nothing to commit
    run -0 rdb-audit verify --home "$HOME_DIR"
}

@test "audit: logins, failed ones and ends of sessions" {
    serve 'log_statements = ["NONE"]'
    sql "select 1"
    run "$PSQL" -X -h "$HOME_DIR/run/sockets" -p "$PORT" -U nobody rustydb -c "select 1"
    settled 4
    [ "$(records '.action + " " + .outcome + " " + .login' --class session | sort | tr '\n' ',')" = "LOGIN failure nobody,LOGIN success admin,LOGOUT success admin," ]
    [[ "$(rdb-audit report logins --home "$HOME_DIR" --json | jq -r '.login + " " + (.failed | tostring)' | sort | tr '\n' ',')" == "admin 0,nobody 1," ]]
}

@test "audit: passwords are in neither the log nor the WAL's audit records" {
    serve 'log_statements = ["ALL"]'
    sql "create role a password 'geheim-eins'"
    sql "alter role a with encrypted password E'geheim-\\x7awei' valid until '2030-01-01'"
    sql "alter user a PASSWORD /* here */ \$\$geheim-drei\$\$"
    run sql "create role b passwort 'geheim-vier' password 'geheim-fuenf'"
    run sql "alter role a password 'geheim-sechs"
    sql "create role c login password U&'geheim-sieben'"
    settled 19
    [ "$(records '.action' --class role | sort | uniq -c | wc -l)" -ge 2 ]
    ! grep -E 'geheim-(eins|.x7awei|drei|fuenf|sechs|sieben)' "$HOME_DIR/logs/audit.log"
    [[ "$(records '.statement' --text "2030-01-01")" == *"password E'***' valid until '2030-01-01'"* ]]
}

@test "audit: a killed server loses no record of a commit, and repeats none" {
    serve 'log_statements = ["WRITE"]' 'log_connections = false' 'log_disconnections = false'
    sql "create table t (a int)"
    for i in $(seq 5); do
        (for k in $(seq 90000); do echo "insert into t values ($((i * 100000 + k)));"; done | "$PSQL" -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb >/dev/null 2>&1 3>&-) &
        local writer=$!
        wait_for_answer t "select count(*) > 20 from t where a > $((i * 100000))"
        kill_server
        status=0
        wait "$writer" || status=$?
        [ "$status" -eq 2 ] # psql lost its server
        start_server
    done
    sql "checkpoint"
    local rows
    rows=$(sql "select count(*) from t")
    [ "$rows" -gt 0 ]
    settled "$((rows + 1))" # and rdb-init
    run -0 rdb-audit verify --home "$HOME_DIR"
    [ "$(records '.statement' --text "insert into t" --outcome success | wc -l)" -eq "$rows" ]
    [ "$(records '.statement' --text "insert into t" --outcome success | sort | uniq -d | wc -l)" -eq 0 ]
    sql "select 'insert into t values (' || a || ');' from t order by a" >"$HOME_DIR.rows"
    diff <(records '.statement' --text "insert into t" --outcome success | sed 's/;*$/;/' | sort) <(sort "$HOME_DIR.rows")
}

@test "audit: a definition changed in several transactions has a record in each" {
    serve 'log_statements = ["DDL"]' 'log_connections = false' 'log_disconnections = false'
    sql "create table t (a int)"
    in_background holder "begin;" "insert into t values (1);"
    wait_for_answer t "select count(*) > 0 from pg_locks where relation = 't'::regclass"
    sql "create index concurrently i on t (a)" >/dev/null 2>&1 3>&- &
    wait_for_answer 1 "select count(*) from pg_stat_progress_create_index where phase = 'waiting for writers before build'"
    kill_server
    start_server
    [ "$(sql "select indisvalid from pg_index where indexrelid = 'i'::regclass")" = f ]
    sql "drop index i"
    sql "create index concurrently i on t (a)"
    settled 8
    run -0 rdb-audit verify --home "$HOME_DIR"
    [ "$(records '.action + " " + .outcome + " " + (.step // false | tostring)' --class ddl | tr '\n' ',')" = \
        "CREATE TABLE committed false,CREATE INDEX committed true,DROP INDEX committed false,CREATE INDEX committed true,CREATE INDEX committed true,CREATE INDEX committed true,CREATE INDEX success false," ]
}

@test "audit: what was done to the log is found, without a server, and named" {
    serve 'log_statements = ["ALL"]'
    for i in 1 2 3 4 5; do sql "select $i"; done
    settled 16
    rdb-audit witness --home "$HOME_DIR" --to "$HOME_DIR.witness"
    stop_server
    mkdir "$HOME_DIR.copy"
    cp "$HOME_DIR"/logs/audit.* "$HOME_DIR/conf/audit.pub" "$HOME_DIR.copy"
    check() { rdb-audit verify --directory "$HOME_DIR.copy" --public-key "$HOME_DIR.copy/audit.pub" --witness "$HOME_DIR.witness" "$@"; }
    run -0 check
    sed -i 's/select 3/select 9/' "$HOME_DIR.copy/audit.log"
    run -6 check
    [[ "$output" == *"audit.log:"*"Record 9 was changed"* ]]
    cp "$HOME_DIR/logs/audit.log" "$HOME_DIR.copy"
    sed -i '5d' "$HOME_DIR.copy/audit.log"
    run -6 check
    [[ "$output" == *"Record 5 stands where record 4 belongs"* ]]
    head -6 "$HOME_DIR/logs/audit.log" >"$HOME_DIR.copy/audit.log"
    head -1 "$HOME_DIR/logs/audit.heads" >"$HOME_DIR.copy/audit.heads"
    run -6 check
    [[ "$output" == *"Records 6 to "*" are missing"* ]]
    [ "$(check --json | jq -r 'select(.record) | .record' | head -1)" = 6 ]
}

@test "audit: policies by action, object, column, role, outcome and condition" {
    serve 'log_statements = ["NONE"]' 'log_connections = false' 'log_disconnections = false'
    sql "create table emp (id int primary key, name text, salary int); insert into emp values (1, 'a', 10); create role joe; grant select on emp to joe"
    sql "create audit policy pay actions select (salary) on emp, update (salary) on emp"
    sql "create audit policy joes actions all when 'role = ''joe'' and rows < 5'"
    sql "create audit policy fails actions select"
    sql "audit policy pay; "
    sql "audit policy joes by joe"
    sql "audit policy fails whenever not successful"
    sql "select name from emp"
    sql "select salary from emp"
    sql "update emp set salary = 11"
    sql "update emp set name = 'b'"
    sql "set role joe; select id from emp"
    run sql "select id from missing"
    settled 12
    [ "$(records 'select(.class != "policy") | .statement + " " + (.policies | join(","))')" = "select salary from emp pay
update emp set salary = 11 pay
set role joe joes
 select id from emp joes
select id from missing fails" ] || [ "$(records 'select(.class != "policy") | .policies | join(",")' | tr '\n' ' ')" = "pay pay joes joes fails " ]
    [ "$(records '.action' --class policy --outcome success | sort | uniq -c | awk '{print $1}' | tr '\n' ' ')" = "3 3 " ]
    run sql "create audit policy pay actions all"
    [[ "$output" == *'audit policy "pay" already exists'* ]]
    run sql "drop audit policy pay"
    [[ "$output" == *'because it is enabled'* ]]
    sql "noaudit policy pay"
    sql "drop audit policy pay"
    [ "$(sql "select count(*) from audit_unified_policies where policy_name = 'pay'")" = 0 ]
    [ "$(sql "select entity_name || ' ' || success from audit_unified_enabled_policies where policy_name = 'fails'")" = "ALL USERS NO" ]
    # A restart knows them.
    stop_server
    start_server
    run sql "select id from missing"
    twice() { [ "$(records '.statement' --text missing | wc -l)" -ge 2 ]; }
    wait_for twice
}

@test "audit: export, checkpoint, prune, legal hold" {
    serve 'log_statements = ["ALL"]' 'max_log_size = "1MB"'
    sql "create table t (a text)"
    for i in 1 2 3 4; do
        for k in $(seq 150); do echo "select '$i $k $(printf 'x%.0s' $(seq 2000))' where false;"; done | "$PSQL" -X -q -A -t -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb >/dev/null
        sleep 1.2
    done
    settled 612
    rdb-audit export --home "$HOME_DIR" --format cef --last 3 | grep -c '^CEF:0|RustyDB|' | grep -qx 3
    rdb-audit export --home "$HOME_DIR" --format syslog --first 2 --last 2 | grep -qE '^<[0-9]+>1 20[0-9-]+T[0-9:.]+Z [^ ]+ rdb-audit - session \[rdb@32473 seq="2"'
    rdb-audit export --home "$HOME_DIR" --last 100 --checkpoint "$HOME_DIR.checkpoint" | wc -l | grep -qx 100
    rdb-audit export --home "$HOME_DIR" --checkpoint "$HOME_DIR.checkpoint" | head -1 | jq -e '.seq == 101'
    [ "$(ls "$HOME_DIR"/logs/audit.log.* | wc -l)" -ge 1 ]
    run -8 rdb-audit prune --home "$HOME_DIR" --before now
    stop_server
    touch "$HOME_DIR/logs/audit.hold"
    run -10 rdb-audit prune --home "$HOME_DIR" --before now
    rm "$HOME_DIR/logs/audit.hold"
    run -0 rdb-audit prune --home "$HOME_DIR" --before now
    [[ "$output" == *"the log begins with record "* ]]
    [ ! -e "$HOME_DIR/logs/audit.log.00000000000000000001" ]
    run -0 rdb-audit verify --home "$HOME_DIR"
    [[ "$output" != "records 1 to"* ]]
    start_server
    sql "select 1"
    settled 616 # what it was pruned by, and the session
    run -0 rdb-audit verify --home "$HOME_DIR"
    [ "$(records '.detail.before_record' --action PRUNE | wc -l)" -eq 1 ]
}

# failing MODE: the server whose audit log cannot be written from its third write on, for so many tries (0: for good).
failing() {
    rm -f "$HOME_DIR/logs/rustydb.log"
    RDB_FAULT="$2" serve 'log_statements = ["WRITE"]' 'log_connections = false' 'log_disconnections = false' "on_failure = \"$1\""
    sql "create table t (a int)"
}
# in_trouble: until the writer has met the fault.
in_trouble() {
    wait_for has_met_trouble
}
has_met_trouble() { grep -q '"room":"audit"' "$HOME_DIR/logs/rustydb.log" 2>/dev/null || ! sql "insert into t values (0)"; }
# whole_again: without the fault the log has a record of each row, once, no gap, and proves itself.
whole_again() {
    stop_server
    start_server
    local rows
    rows=$(sql "select count(*) from t")
    settled "$((rows + 1))" # and rdb-init
    [ "$(records '.statement' --text "insert into t" --outcome success | wc -l)" -eq "$rows" ]
    run -1 rdb-audit search --home "$HOME_DIR" --action GAP
    run -0 rdb-audit verify --home "$HOME_DIR"
}

halts() {
    failing halt "$1"
    in_trouble
    run "$PSQL" -X -q -v VERBOSITY=sqlstate -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -c "insert into t values (1)"
    [[ "$output" == *"53100"* ]]
    [ "$(sql "select count(*) from t where a = 1")" = 0 ]
    whole_again
}
@test "audit: halt refuses what is audited while the disk is full, and nothing else" {
    halts "write:/logs/audit.log:nth=3:count=0:ENOSPC"
}
@test "audit: halt refuses what is audited while the log cannot be synced" {
    halts "sync:/logs/audit.log:nth=3:count=0:EIO"
}

@test "audit: spill goes on, and the log catches up without a gap" {
    failing spill "write:/logs/audit.log:nth=3:count=0:EIO"
    in_trouble
    for i in $(seq 50); do echo "insert into t values ($i);"; done | "$PSQL" -X -q -v ON_ERROR_STOP=1 -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb
    [ "$(sql "select count(*) from t where a > 0")" = 50 ]
    [ "$(records '.statement' --text "insert into t values (50)" | wc -l)" = 0 ]
    kill_server
    whole_again
}

@test "audit: a statement's text stands in the WAL once behind each checkpoint, and in each line of the log, whatever comes between" {
    failing spill "write:/logs/audit.log:nth=3:count=0:EIO"
    in_trouble
    {
        echo 'prepare i(int) as insert into t values ($1);'
        for round in 1 2 3; do
            for k in $(seq 30); do echo "execute i(1) /* insert into t */;"; done
            # Begun before a checkpoint and ended behind it, by itself and by its name.
            printf 'begin;\nexecute i(1) /* insert into t */;\n\\! "%s" -X -q -h "%s" -p %s -U admin rustydb -c checkpoint\nexecute i(1) /* insert into t */;\ncommit;\n' "$PSQL" "$HOME_DIR/run/sockets" "$PORT"
            printf "begin;\nexecute i(1) /* insert into t */;\nprepare transaction 'p';\ncheckpoint;\ncommit prepared 'p';\n"
        done
        printf "begin;\nexecute i(1) /* insert into t */;\nprepare transaction 'q';\n"
    } | "$PSQL" -X -q -v ON_ERROR_STOP=1 -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb
    [ "$(sql "select count(*) from t where a = 1")" = 99 ]
    # Whole: the first two, when nobody knows yet that it comes again; in each round the two of the transaction over a checkpoint, and the
    # prepared one: by PREPARE, by the checkpoint and by the commit. By reference: the rest, to a text before and behind each of six checkpoints.
    local times
    times=$(cat "$HOME_DIR"/data/wal/* | grep -ao "execute i(1) /\* insert into t \*/" | wc -l)
    [ "$times" -ge 12 ]
    [ "$times" -le 40 ] # of 106
    kill_server
    start_server
    sql "checkpoint"
    sql "commit prepared 'q'"
    whole_again
    [ "$(records '.statement' --text "execute i(1) /* insert into t */" --outcome success | wc -l)" -eq 100 ]
}

# of_inserts FILTER: of the records of the clients' inserts.
of_inserts() { records "$1" --text "insert into t values" --outcome success; }
# texts: how often each is there.
texts() { of_inserts .statement | sort | uniq -c | awk '{ $1 = $1; print }'; }
# more_rows: until the clients have written some since.
more_rows() {
    local before
    before=$(sql "select count(*) from t")
    wait_for_answer t "select count(*) > $before + 50 from t"
}

@test "audit: texts that are logged once survive checkpoints, a backup under load and a restore to a time, and the log proves itself" {
    local repository=$HOME_DIR.repository load backup status=0 moment least most rows lsn witness origin
    rdb-init --home "$HOME_DIR" --tune small >/dev/null
    mkdir "$repository"
    printf '[wal]\narchive_enabled = true\narchive_directory = "%s/wal"\narchive_partial_ms = 100\n' "$repository" >"$HOME_DIR/conf/overrides.d/50-archive.toml"
    serve 'log_statements = ["WRITE"]' 'log_connections = false' 'log_disconnections = false'
    sql "create table t (a int, b int)"
    printf '%s\n' '\set n random(1, 1000)' 'insert into t values (:n, 1);' >"$HOME_DIR.load"
    "$(find_pgbench)" -n -M prepared -c 3 -R 500 -T 3600 -f "$HOME_DIR.load" -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb >/dev/null 2>&1 3>&- &
    load=$! WORKERS=$load
    more_rows # the text is known by now
    {
        echo 'prepare i(int) as insert into t values ($1, 1);'
        for _ in 1 2 3; do echo 'execute i(1) /* insert into t values, over the backup */;'; done
        echo 'begin; execute i(1) /* insert into t values, over the backup */;'
        echo "prepare transaction 'p';"
    } >"$HOME_DIR.sql"
    psql_file "$HOME_DIR.sql"
    rdb-backup --home "$HOME_DIR" --output "$repository" --rate 5MB >/dev/null 3>&- &
    backup=$! WORKERS+=" $backup"
    while kill -0 "$backup" 2>/dev/null; do sql checkpoint; done
    wait "$backup"
    more_rows
    sql checkpoint
    more_rows
    least=$(sql "select count(*) from t")
    moment=$(sql "select clock_timestamp()")
    most=$(sql "select count(*) from t")
    more_rows
    sql checkpoint
    more_rows
    kill "$load"
    wait "$load" || status=$?
    [ "$status" -eq 143 ]
    lsn=$(sql "select pg_switch_wal()")
    wait_for_answer t "select right(last_archived_wal, 16) >= right(pg_walfile_name('$lsn'), 16) from pg_stat_archiver"
    kill_server # and what its recovery writes again has texts too
    start_server

    # Where it was written: a record of each row, with its text.
    rows=$(sql "select count(*) from t")
    settled $((rows + 2)) # and rdb-init, rdb-backup
    witness=$(ls "$repository"/backup/*/manifest.json)
    run -0 rdb-audit verify --home "$HOME_DIR" --witness "$witness"
    texts
    [ "$(texts)" = "3 execute i(1) /* insert into t values, over the backup */
$((rows - 3)) insert into t values (\$1, 1);" ]
    [ "$(of_inserts .xid | sort -u | wc -l)" -eq "$rows" ]

    # Made anew elsewhere as it was at that time: its own log begins with that, and what is written and committed there has its text.
    rdb-restore --input "$repository" --home "$HOME_DIR.again" --target-time "$moment"
    stop_server
    origin=$HOME_DIR HOME_DIR=$HOME_DIR.again
    start_server
    rows=$(sql "select count(*) from t")
    [ "$rows" -ge "$least" ] && [ "$rows" -le "$most" ]
    psql_file "$origin.sql" 2>&1 | grep -q 'transaction identifier "p" is already in use'
    sql "commit prepared 'p'"
    kill_server
    start_server
    [ "$(sql "select count(*) from t")" -eq $((rows + 4)) ]
    settled 5 # and rdb-restore
    run -0 rdb-audit verify --home "$HOME_DIR"
    [ "$(texts)" = "4 execute i(1) /* insert into t values, over the backup */" ]
    stop_server

    # In its place: the log goes on behind what it had.
    HOME_DIR=$origin
    rdb-restore --input "$repository" --home "$HOME_DIR" --replace --target-time "$moment"
    start_server
    [ "$(sql "select count(*) from t")" -eq "$rows" ]
    sql "insert into t values (-1, 1)"
    sql "commit prepared 'p'"
    has_both() { [ "$(records .statement --text "(-1, 1)" | wc -l)|$(records .statement --text "over the backup" --outcome success | wc -l)" = "1|4" ]; }
    wait_for has_both
    run -0 rdb-audit verify --home "$HOME_DIR" --witness "$witness"
}

@test "audit: block lets what is audited wait, visibly and cancellably, until the log can be written" {
    failing block "write:/logs/audit.log:nth=3:count=30:ENOSPC" # for half a minute: it is tried once a second
    in_trouble
    times_out() { sql "set statement_timeout = 500; insert into t values (0)" 2>&1 | grep -q "statement timeout"; }
    wait_for times_out # after ten seconds
    sql "insert into t values (2)" 3>&- &
    local writer=$!
    wait_for_answer 1 "select count(*) from pg_stat_activity where wait_event = 'AuditLog'"
    wait "$writer" # the fault ends
    [ "$(sql "select string_agg(a::text, ',') from t where a > 0")" = 2 ]
    whole_again
}

@test "audit: settings, roles and rights: old and new values, old and new names, denials" {
    serve 'log_statements = ["DDL", "ROLE", "CONFIG"]'
    sql "create role joe login; create table t (a int)"
    sql "alter role joe set work_mem = '8MB'"
    sql "alter role joe set work_mem = '16MB'"
    sql "alter role joe reset work_mem"
    sql "alter database rustydb set statement_timeout = '1min'"
    settled 17
    [ "$(records '[.objects[0].name, .detail.setting, .detail.old_value, .detail.new_value] | map(. // "-") | join(" ")' --class config)" = "joe work_mem - 8MB
joe work_mem 8MB 16MB
joe work_mem 16MB -
rustydb statement_timeout - 1min" ]
    sql "grant select, insert (a) on t to joe"
    sql "revoke insert (a) on t from joe"
    sql "alter role joe rename to jim"
    sql "alter table t rename to u"
    sql "alter index if exists no_such rename to x"
    sql "alter role jim password 'geheim'"
    run "$PSQL" -X -h "$HOME_DIR/run/sockets" -p "$PORT" -U jim rustydb -c "drop table u"
    settled 38
    [ "$(records '[.action, .objects[0].name, (.detail.privileges // "-"), (.detail.to // .detail.from // "-")] | join("|")' --text "select, insert (a)")" = "GRANT|t|select, insert|joe" ]
    [ "$(records '.action + " " + .detail.from' --action REVOKE)" = "REVOKE joe" ]
    [ "$(records '.detail.old_name + " " + .detail.new_name' --text "rename to" | tr '\n' ',')" = "joe jim,t u,no_such x," ]
    [ "$(records '.objects[0].name' --text "jim password")" = jim ]
    [ "$(records '.code + " " + .login' --action "DROP TABLE")" = "42501 jim" ]
    ! grep -r geheim "$HOME_DIR/logs"
}

@test "audit: unified_audit_trail, policy explain, and what tools did" {
    serve 'log_statements = ["DDL"]'
    sql "create table emp (id int, salary int); create role joe login"
    sql "create audit policy pay actions select (salary) on emp"
    sql "audit policy pay"
    sql "select salary from emp"
    [ "$(sql "select action_name, object_schema, object_name, sql_text, return_code, unified_audit_policies from unified_audit_trail where class = 'read'")" = 'SELECT|public|emp|select salary from emp|0|["pay"]' ]
    [ "$(sql "select count(*) > 0 from unified_audit_trail where event_timestamp > now() - interval '1 hour' and dbusername = 'admin' and action_name = 'LOGIN'")" = t ]
    run "$PSQL" -X -h "$HOME_DIR/run/sockets" -p "$PORT" -U joe rustydb -c "select * from unified_audit_trail"
    [[ "$output" == *"permission denied"* ]]
    run -0 rdb-audit policy explain "select max(salary) from emp" --home "$HOME_DIR"
    [[ "$output" == *"statement: SELECT, of class read, on public.emp"*"configuration: no"*"pay: yes, by action SELECT ON emp"* ]]
    run -0 rdb-audit policy explain "select id from emp" --home "$HOME_DIR"
    [[ "$output" == *"pay: no, no action of it fits"* ]]
    [ "$(rdb-audit policy explain "create table x (a int)" --home "$HOME_DIR" --json | jq -r 'select(.policy == "configuration") | .answer')" = "yes, log_statements has the class" ]
    [ "$(sql "select to_regclass('x') is null")" = t ]
    run -7 rdb-audit policy explain "selec" --home "$HOME_DIR"
    run -2 rdb-audit policy show --home "$HOME_DIR"
    # A backup of a served instance, of one at rest, and a restore.
    rdb-backup --home "$HOME_DIR" --output "$HOME_DIR.repository" >/dev/null
    local served head
    served=$(basename "$HOME_DIR".repository/backup/*/)
    stop_server
    rdb-backup --home "$HOME_DIR" --output "$HOME_DIR.repository" --type full >/dev/null
    start_server
    [ "$(records '[.detail.program, .action, .outcome] | join(" ")' --class tool | sort | uniq -c | sed 's/^ *//' | tr '\n' ',')" = "2 rdb-backup BACKUP success,1 rdb-init INIT success," ]
    [ "$(records '.detail.what' --action BACKUP | head -1)" = "$served" ]
    [ "$(sql "select count(*) from unified_audit_trail where audit_type = 'Tool'")" = 3 ]
    # The manifests bear witness: a log that was cut and signed anew does not agree with them.
    head=$(jq -r .audit_head "$HOME_DIR.repository/backup/$served/manifest.json")
    [ "$(jq -r .kind <<<"$head")" = head ]
    run -0 rdb-audit verify --home "$HOME_DIR" --witness "$HOME_DIR.repository/backup/$served/manifest.json"
    run -0 rdb-backup verify --output "$HOME_DIR.repository"
    stop_server
    rm "$HOME_DIR"/logs/audit.* "$HOME_DIR"/data/meta/audit.heads
    start_server
    sql "select 1"
    settled 2
    run -0 rdb-audit verify --home "$HOME_DIR"
    run -6 rdb-audit verify --home "$HOME_DIR" --witness "$HOME_DIR.repository/backup/$served/manifest.json"
    rdb-restore --input "$HOME_DIR.repository" --home "$HOME_DIR.restored" >/dev/null
    stop_server
    HOME_DIR=$HOME_DIR.restored start_server
    restored() { [ "$(HOME_DIR=$HOME_DIR.restored records '.detail.program' --action RESTORE)" = rdb-restore ]; }
    wait_for restored
    [ "$(HOME_DIR=$HOME_DIR.restored records '.action' --action INIT | wc -l)" -le 1 ]
}

@test "rdb-audit: comply says what does not comply and what mends it, and hears that it was mended" {
    rdb-init --home "$HOME_DIR" >/dev/null
    start_server
    run rdb-audit comply --home "$HOME_DIR" --profile stig
    [ "$status" -eq 6 ]
    [[ "$output" == *"fail        critical  the audit is on  (audit-on; AU-12"*"do: set security.audit.enable = true in conf/rustydb.toml"* ]]
    run rdb-audit comply --home "$HOME_DIR" --profile cis --json
    [ "$(jq -r 'select(.check == "audit-writes") | .status' <<<"$output")" = "" ]
    [ "$(jq -r 'select(.check == "public-schema-closed") | .status' <<<"$output")" = pass ]
    [ "$(jq -r 'select(.checks) | .not_judged' <<<"$output")" = 0 ]
    stop_server
    serve 'log_statements = ["DDL", "ROLE", "CONFIG", "WRITE"]'
    sql "grant create on schema public to public"
    checks() { run -6 --separate-stderr rdb-audit comply --home "$HOME_DIR" --json; echo "$output" >"$HOME_DIR.checks"; }
    checks
    of() { jq -r --arg check "$1" 'select(.check == $check) | .status' "$HOME_DIR.checks"; }
    [ "$(of audit-on) $(of audit-rights) $(of audit-writes) $(of audit-reads) $(of public-schema-closed)" = "pass pass pass fail fail" ]
    sql "$(jq -r 'select(.check == "public-schema-closed") | .findings[0].fix' "$HOME_DIR.checks")"
    checks
    [ "$(of public-schema-closed)" = pass ]
    stop_server
    checks
    [ "$(of audit-on) $(of public-schema-closed)" = "pass not judged" ]
}
