#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Oracle's spellings: each gives what its PostgreSQL spelling gives, and none is heard where PostgreSQL has a meaning of its own.
load helper
setup_file() {
    load helper
    make_home
    rdb-init --home "$HOME_DIR" --tune small >/dev/null
    start_server
    export HOME_DIR PORT SERVER_PID
    sql "create table t (n int, v text); insert into t values (1, 'a'), (2, 'b'), (3, 'c'), (4, null);
            create table dept (id int, name text); create table emp (id int, dept_id int, name text); create table phone (emp_id int, no text);
            insert into dept values (1, 'x'), (2, 'y'); insert into emp values (10, 1, 'e'); insert into phone values (10, '55'); create sequence s"
}
teardown_file() { remove_home; }
# same ORACLE POSTGRESQL
same() {
    local theirs ours
    theirs=$(sql "$2") && ours=$(sql "$1") && [ "$ours" = "$theirs" ] || { echo "$1: $ours, not $theirs"; return 1; }
}
# refused STATEMENT SQLSTATE TEXT
refused() {
    run ! env PGOPTIONS= "$PSQL" -X -A -t -q -v VERBOSITY=verbose -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -c "$1"
    [[ "$output" == *"$2"*"$3"* ]] || { echo "$output"; return 1; }
}

@test "DUAL has one row, until a table is called so" {
    same "select 2*3 from dual" "select 6"
    same "select d.*, dummy from dual d" "select 'X', 'X'"
    same "begin; create temp table dual (k int); insert into dual values (1), (2); select * from dual; rollback" "begin; select * from (values (1), (2)) x; rollback"
}

@test "SYSDATE has whole seconds and moves by days; SYSTIMESTAMP runs on inside a transaction" {
    same "select sysdate = date_trunc('second', sysdate), sysdate <= clock_timestamp()::timestamp, pg_typeof(sysdate), pg_typeof(systimestamp)" \
        "select true, true, 'timestamp without time zone', 'timestamp with time zone'"
    same "select sysdate + 1 - sysdate, sysdate - 0.5 < sysdate, timestamp '2024-02-28 12:00' + 1.25" "select interval '1 day', true, timestamp '2024-02-29 18:00'"
    same "select sysdate from (select 7 as sysdate) x" "select 7"
    refused "select date '2024-01-01' + 1.5" 42883 "operator does not exist: date + numeric"
}

@test "NVL, NVL2 and DECODE" {
    same "select nvl(v, '-'), nvl2(v, 1, 0), decode(n, 1, 'one', 2, 'two', 'many'), decode(v, null, 'n', v) from t order by n" \
        "select coalesce(v, '-'), (v is not null)::int, case n when 1 then 'one' when 2 then 'two' else 'many' end, coalesce(v, 'n') from t order by n"
    same "select nvl(1, 1/0 * n) from t where n = 1" "select 1"
    same "select decode('616263', 'hex'), decode(3, 1, 'a')" "select '\\x616263', null"
    same "begin; create function nvl(int, int) returns text language sql as 'select ''mine'''; select nvl(1, 2); rollback" "begin; select 'mine'; rollback"
    refused "select nvl(1)" 42883 "function nvl(integer) does not exist"
}

@test "ROWNUM counts rows that pass, before they go on" {
    same "select n, rownum from t where rownum <= 3" "select n, n from t where n <= 3"
    same "select n from t where n > 1 and rownum < 3" "select n from t where n in (2, 3)"
    same "select n from t where rownum = 1" "select 1"
    for never in "rownum > 1" "rownum = 2" "rownum < 1" "rownum <= null" "2 <= rownum"; do
        same "select n from t where $never" "select n from t where false"
    done
    same "select n from t where rownum >= 1 and rownum <> 3" "select n from t where n < 3"
    same "select n from (select n from t order by n desc) where rownum <= 2" "select n from t where n > 2 order by n desc"
    same "select count(*) from (select 1 from t where rownum <= 2.9)" "select 2"
    same "prepare p(int) as select n from t where rownum <= \$1; execute p(2)" "select n from t where n <= 2"
    same "select rownum from (select 7 as rownum) x where rownum <= 7" "select 7"
    refused "select n from t where rownum <= 2 or n = 1" 0A000 ROWNUM
    refused "select n from t where rownum <= 2 order by n" 0A000 ROWNUM
    refused "select count(*) from t where rownum <= 2" 0A000 ROWNUM
    refused "delete from t where rownum <= 2" 0A000 ROWNUM
}

@test "seq.NEXTVAL and seq.CURRVAL" {
    same "select s.nextval, s.currval, public.s.nextval" "select 1, 1, 2"
    same "select s.nextval from (select 9 as nextval) s" "select 9"
    refused "select nosuch.nextval" 42P01 "missing FROM-clause entry for table \"nosuch\""
}

@test "MINUS is EXCEPT, and still a name" {
    same "select n from t minus select 2 minus select 3 order by 1" "select n from t except select 2 except select 3 order by 1"
    same "(select 1 union all select 2) minus (select 2)" "select 1"
    same "select n /*+ full(t) */ from t minus -- x
          select 1 order by 1" "select n from t where n > 1 order by 1"
    same "select minus, 'a minus select' from (select 1 as minus) minus" "select 1, 'a minus select'"
    refused "select n from t minus select nosuch from t" "LINE 1" "                                     ^"
    refused "select 1 minus minus select 1 from" 42601 "syntax error"
}

@test "(+) joins keep the rows of the other side" {
    same "select d.name, e.name from dept d, emp e where d.id = e.dept_id(+) order by 1" "select d.name, e.name from dept d left join emp e on d.id = e.dept_id order by 1"
    same "select d.name, p.no from dept d, emp e, phone p where d.id = e.dept_id(+) and e.id = p.emp_id(+) and p.no(+) <> '0' and d.id > 0 order by 1" \
        "select d.name, p.no from dept d left join emp e on d.id = e.dept_id left join phone p on e.id = p.emp_id and p.no <> '0' where d.id > 0 order by 1"
    same "select d.name from dept d, emp e where d.id = e.\"dept_id\"(+) and e.id is null" "select 'y'"
    same "select pg_get_viewdef(null) from dual where exists (select 1 from dept d, emp e where d.id = e.dept_id (+) and d.id = 2)" "select null"
    refused "select 1 from dept d, emp e where d.id(+) = e.dept_id(+)" 42601 "(+)"
    refused "select e.id(+) from emp e" 42601 "(+)"
    refused "select 1 from dept d, emp e where d.id = e.dept_id(+) and e.id = d.id(+) and d.name(+) = e.name" 42601 ""
}

@test "Oracle's type names" {
    same "create temp table o (a number(5,2), b varchar2(10 char), c nvarchar2(3 byte), d clob, e blob, f raw(16), g binary_double, h number);
          select string_agg(format_type(atttypid, atttypmod), ', ' order by attnum) from pg_attribute where attrelid = 'o'::regclass and attnum > 0" \
        "create temp table o2 (k int); select 'numeric(5,2), character varying(10), character varying(3), text, bytea, bytea, double precision, numeric'"
    refused "select 999.999::number(5,2)" 22003 "numeric field overflow"
    same "begin; create domain number as text check (value <> ''); select 'abc'::number; rollback" "begin; select 'abc'; rollback"
}
