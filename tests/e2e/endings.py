#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every wait and every long piece of work ends when it is told to: by statement_timeout, lock_timeout, a cancel request, pg_cancel_backend,
pg_terminate_backend, or because the client is gone; idle connections end by their timeouts. A table of work, each begun in a session of
its own, ended in one way after the other, and timed.

    endings.py SOCKETS PORT [--all] [--only WORD] [--slow SECONDS]

--all: every work by every way; else each by two ways, in turn. Ends with "N endings, the slowest took ..."; exit 1 where one
took longer than --slow (2 s), or came with another SQLSTATE."""
import argparse, itertools, os, select, socket, struct, sys, time

# name, what others do before (in a transaction that stays open), what the session does before, what it then hangs in, the wait that must
# be seen meanwhile (event type, or None)
WORK = [
    ("table lock", ["begin", "lock table small"], [], "select * from small", "Lock"),
    ("table lock of DDL", ["begin", "select * from small"], [], "alter table small add column z int", "Lock"),
    ("table lock, queued", ["begin", "select * from small"], ["begin"], "lock table small", "Lock"),
    ("row lock by writing", ["begin", "update small set v = 0 where id = 1"], [], "update small set v = 1 where id = 1", "Lock"),
    ("row lock by FOR UPDATE", ["begin", "update small set v = 0 where id = 1"], [], "select * from small where id = 1 for update", "Lock"),
    ("row lock shared by others", ["begin", "select * from small where id = 1 for share"], [], "delete from small where id = 1", "Lock"),
    ("key of a unique index", ["begin", "insert into small values (77, 0)"], [], "insert into small values (77, 1)", "Lock"),
    ("key, ON CONFLICT", ["begin", "insert into small values (77, 0)"], [], "insert into small values (77, 1) on conflict do nothing", "Lock"),
    ("parent of a foreign key", ["begin", "delete from small where id = 9"], [], "insert into child values (9)", "Lock"),
    ("exclusion constraint", ["begin", "insert into spans values ('[1,5)')"], [], "insert into spans values ('[2,3)')", "Lock"),
    ("advisory lock", ["begin", "select pg_advisory_xact_lock(7)"], [], "select pg_advisory_lock(7)", "Lock"),
    ("advisory lock, shared", ["begin", "select pg_advisory_xact_lock(7)"], [], "select pg_advisory_lock_shared(7)", "Lock"),
    ("index build waiting", ["begin", "update small set v = 0 where id = 1"], [], "create index on small (v)", "Lock"),
    ("concurrent index waiting", ["begin", "update small set v = 0 where id = 1"], [], "create index concurrently on small (v)", "Lock"),
    ("drop waiting", ["begin", "select * from small"], [], "drop table small cascade", "Lock"),
    ("vacuum waiting", ["begin", "lock table small in share update exclusive mode"], [], "vacuum small", "Lock"),
    ("truncate waiting", ["begin", "select * from small"], [], "truncate small cascade", "Lock"),
    ("safe snapshot", ["begin isolation level serializable", "update small set v = 2 where id = 2"], [],
     "begin isolation level serializable read only deferrable; select count(*) from small", "IPC"),
    ("pg_sleep", [], [], "select pg_sleep(600)", "Timeout"),
    ("pg_sleep in a block", [], ["begin", "insert into small values (500, 1)"], "select pg_sleep(600)", "Timeout"),
    ("pg_sleep in a function", [], [], "select doze(600)", "Timeout"),
    ("WITH RECURSIVE without an end", [], [], "with recursive r as (select 1 union all select 1 from r) select count(*) from r", None),
    ("WITH RECURSIVE, all different", [], [], "with recursive r(i) as (select 1 union select i + 1 from r) select count(*) from r", None),
    ("nested loop", [], [], "select count(*) from big a, big b where a.i + b.i = -1", None),
    ("nested loop of a left join", [], [], "select count(*) from big a left join big b on a.i < b.i - 100000000", None),
    ("generate_series", [], [], "select count(*) from generate_series(1, 100000000000) i where i < 0", None),
    ("series of the target list", [], [], "select count(*) from (select generate_series(1, 100000000000)) s", None),
    ("sort to disk", [], [], "select * from (select * from big a, generate_series(1, 500) order by a.t desc) s offset 1000000000", None),
    ("sort in memory", [], ["set work_mem = '1GB'"], "select * from (select i::int8 * 7919 % 1000003 as k from generate_series(1, 30000000) i order by 1) s offset 1000000000", None),
    ("top rows", [], [], "select a.i from big a, generate_series(1, 100000) order by a.t desc limit 3", None),
    ("hash build", [], [], "select count(*) from big a join (select i + g as i from big, generate_series(1, 500) g) b using (i)", None),
    ("hash probe", [], [], "select count(*) from (select i from big, generate_series(1, 5000) g) a join big b using (i)", None),
    ("merge join", [], ["set enable_hashjoin = off", "set enable_nestloop = off"], "select count(*) from (select i % 10 as k from big) a join (select i % 10 as k from big) b using (k)", None),
    ("groups", [], [], "select count(*) from (select a.i * g, count(*) from big a, generate_series(1, 500) g group by 1) s", None),
    ("DISTINCT", [], [], "select count(*) from (select distinct a.t || g from big a, generate_series(1, 500) g) s", None),
    ("windows", [], [], "select max(m) from (select max(t) over (order by i rows between 30000 preceding and 30000 following exclude current row) as m from big) s", None),
    ("UNION", [], [], "select count(*) from (select i from big union select i + g from big, generate_series(1, 500) g) s", None),
    ("EXCEPT", [], [], "select count(*) from (select i + g from big, generate_series(1, 500) g except select i from big) s", None),
    ("aggregated text", [], [], "select length(string_agg(t, ',')) from big, generate_series(1, 100000)", None),
    ("one statement of an SQL function after the other", [], [], "select count(*) from generate_series(1, 1000000000) g where bump(g) < 0", None),
    ("sub-plan for each row", [], [], "select count(*) from big a where a.i < (select max(b.i + a.i) from big b where b.i > a.i % 3) and random() < 2", None),
    ("parallel scan", [], ["set max_parallel_workers_per_gather = 2", "set min_parallel_table_scan_size = 0", "set parallel_setup_cost = 0", "set parallel_tuple_cost = 0"],
     "select count(*) from big a where (select count(*) from generate_series(1, 10000)) + length(repeat(t, 300)) < 0", None),
    ("regular expression", [], [], "select count(*) from generate_series(1, 10000000) i where repeat('a', 290 + i % 10) ~ '^(a|aa|aaa)+(b|c)\\1$'", None),
    ("one regular expression", [], [], "select regexp_replace(repeat('ab', 1500000), '(a|b)', '\\1\\1\\1', 'g') = 'x'", None),
    ("LIKE", [], [], "select count(*) from big where repeat(t, 2000) like '%a%b%c%a%b%c%x'", None),
    ("numeric", [], [], "select count(*) from generate_series(1, 1000000) g where factorial(3000 + g % 10) < 0", None),
    ("INSERT ... SELECT", [], [], "insert into sink select i, t from big, generate_series(1, 10000)", None),
    ("UPDATE", [], [], "update big set i = i", None),
    ("DELETE", [], [], "delete from big where i + length(repeat(t, 3000)) > 0", None),
    ("CREATE TABLE AS", [], [], "create table made as select i, t from big, generate_series(1, 10000)", None),
    ("index build, computing", [], [], "create index on big (slow(i))", None),
    ("index build of GIN", [], [], "create index on big using gin (string_to_array(repeat(t, 30), 'a'))", None),
    ("CHECK constraint", [], [], "alter table big add check (slow(i) > -10)", None),
    ("rewrite", [], [], "alter table big alter i type bigint using slow(i)", None),
    ("VACUUM FULL", [], ["create index on sink (i)"], "vacuum full wide", None),
    ("VACUUM", [], [], "vacuum " + ", ".join(["wide", "big"] * 100), None),
    ("ANALYZE", [], ["set default_statistics_target = 10000"], "analyze " + ", ".join(["wide", "big"] * 100), None),
    ("COPY out of a query", [], [], "copy (select t from big, generate_series(1, 100000)) to '/dev/null'", None),
    ("EXPLAIN ANALYZE", [], [], "explain analyze select count(*) from big a, big b where a.i + b.i = -1", None),
    ("planning", [], ["set join_collapse_limit = 100", "set from_collapse_limit = 100"],
     "select 1 from " + ", ".join(f"small s{i}" for i in range(150)) + " where " + " and ".join(f"s{i}.id = s{i + 1}.v" for i in range(149)), None),
    ("COPY in, the client silent", [], [], "copy sink from stdin", "Client"),
    ("rows that the client does not take", [], [], "select repeat(t, 1000) from big, generate_series(1, 100000)", "Client"),
    ("COPY out that the client does not take", [], [], "copy (select repeat(t, 1000) from big, generate_series(1, 100000)) to stdout", "Client"),
]
SETUP = """
create table small (id int primary key, v int); insert into small select g, g from generate_series(1, 10) g;
create table child (id int references small);
create table big (i int, t text); insert into big select g, md5(g::text) from generate_series(1, 60000) g;
create table wide (i int, t text); insert into wide select g, repeat(md5(g::text), 20) from generate_series(1, 150000) g; update wide set t = t || 'x' where i % 3 = 0;
create table sink (i int, t text);
create table spans (s int4range, exclude using gist (s with &&));
create function doze(float8) returns void language sql as 'select pg_sleep($1)';
create function bump(int) returns int language sql volatile as 'select max(id) from small; select $1';
create function slow(int) returns int language sql immutable as 'select count(*)::int from generate_series(1, 3000) x where x < $1';
analyze big; analyze small"""
NOT_BY_TIMEOUT = {"COPY in, the client silent", "rows that the client does not take", "COPY out that the client does not take"}
PATIENCE = 60


class Gone(Exception):
    pass


class Client:
    def __init__(self, sockets, port, name="endings"):
        self.path, self.input, self.takes = f"{sockets}/.s.PGSQL.{port}", b"", True
        self.socket = self.connect()
        body = b"".join(word.encode() + b"\0" for word in ("user", "admin", "database", "rustydb", "application_name", name)) + b"\0"
        self.socket.sendall(struct.pack("!II", len(body) + 8, 196608) + body)
        self.pid = self.key = 0
        self.finish(10)

    def connect(self):
        made = socket.socket(socket.AF_UNIX)
        made.connect(self.path)
        return made

    def send(self, sql):
        body = sql.encode() + b"\0"
        self.socket.sendall(b"Q" + struct.pack("!I", len(body) + 4) + body)

    def message(self, deadline):
        """The next one (kind, body); None: nothing came in time."""
        while True:
            if len(self.input) >= 5:
                length = struct.unpack("!I", self.input[1:5])[0]
                if len(self.input) > length:
                    kind, body, self.input = self.input[:1], self.input[5:length + 1], self.input[length + 1:]
                    return kind, body
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return None
            try:
                more = self.socket.recv(1 << 20)
            except ConnectionError:
                more = b""
            if not more:
                raise Gone
            self.input += more

    def finish(self, seconds):
        """Reads up to ReadyForQuery or the connection's end: (rows, SQLSTATE of the last error or "", ended, in time)."""
        rows, state, deadline = [], "", time.monotonic() + seconds
        try:
            while True:
                got = self.message(deadline)
                if got is None:
                    return rows, state, False, False
                kind, body = got
                if kind == b"E":
                    state = next(part[1:].decode() for part in body.split(b"\0") if part[:1] == b"C")
                elif kind == b"K":
                    self.pid, self.key = struct.unpack("!iI", body)
                elif kind == b"D" and len(rows) < 100:
                    at, row = 2, []
                    for _ in range(struct.unpack("!H", body[:2])[0]):
                        size = struct.unpack("!i", body[at:at + 4])[0]
                        row.append(None if size < 0 else body[at + 4:at + 4 + size].decode())
                        at += 4 + max(size, 0)
                    rows.append(row)
                elif kind == b"G":
                    return rows, state, False, True
                elif kind == b"Z":
                    return rows, state, False, True
        except Gone:
            return rows, state, True, True

    def run(self, sql, seconds=60):
        self.send(sql)
        rows, state, ended, in_time = self.finish(seconds)
        if state or ended or not in_time:
            raise SystemExit(f"{sql!r} gave {state or 'no answer'}")
        return rows

    def cancel(self):
        asks = self.connect()
        asks.sendall(struct.pack("!IIiI", 16, 80877102, self.pid, self.key))
        asks.recv(1)
        asks.close()

    def close(self):
        self.socket.close()


def wait_until(watcher, pid, event_type, seconds=60):
    """The session works or waits as it should."""
    deadline, seen = time.monotonic() + seconds, None
    while time.monotonic() < deadline:
        seen = watcher.run(f"select state, wait_event_type, wait_event from pg_stat_activity where pid = {pid}")
        if seen and seen[0][0] == "active" and (event_type is None or seen[0][1] == event_type):
            return None
        time.sleep(0.01)
    return f"was never seen {'at work' if event_type is None else 'waiting in ' + event_type}: {seen}"


def is_there(watcher, pid):
    return watcher.run(f"select count(*) from pg_stat_activity where pid = {pid}")[0][0] != "0"


WAYS = {"statement_timeout": "57014", "cancel request": "57014", "pg_cancel_backend": "57014", "pg_terminate_backend": "57P01", "the client goes": "", "lock_timeout": "55P03"}


def end_one(options, watcher, work, way, timeout_ms=200):
    """Complaint or None, and how long the end took. What is over about when its timeout comes is done again with a shorter one."""
    name, others, before, sql, event_type = work
    holder = Client(options.sockets, options.port)
    for statement in others:
        holder.run(statement)
    victim = Client(options.sockets, options.port)
    for statement in before:
        victim.run(statement)
    pid, delay, complaint = victim.pid, 0.0, None
    if way == "the client goes":
        victim.run("set client_connection_check_interval = 100")
    if way in ("statement_timeout", "lock_timeout"):
        delay = timeout_ms / 1000
        victim.run(f"set {way} = {timeout_ms}")
    begun = time.monotonic()
    victim.send(sql)
    if not delay:
        complaint = wait_until(watcher, pid, event_type)
        time.sleep(0.05)
        begun = time.monotonic()
    if way == "cancel request":
        victim.cancel()
    elif way.startswith("pg_"):
        watcher.run(f"select {way}({pid})")
    elif way == "the client goes":
        victim.close()
    if way == "the client goes":
        while is_there(watcher, pid) and time.monotonic() < begun + PATIENCE:
            time.sleep(0.01)
        if is_there(watcher, pid):
            complaint = complaint or f"did not end within {PATIENCE} s"
    else:
        _, state, ended, in_time = victim.finish(PATIENCE + delay)
        if state == "" and event_type == "Client" and in_time and not ended: # CopyInResponse
            _, state, ended, in_time = victim.finish(PATIENCE + delay)
        if not in_time:
            complaint = complaint or f"did not end within {PATIENCE} s"
            watcher.run(f"select pg_terminate_backend({pid})")
        elif state != WAYS[way] or ended != (way == "pg_terminate_backend"):
            complaint = complaint or f"ended with SQLSTATE {state!r}{' and the connection' if ended else ''}"
    took = time.monotonic() - begun - delay
    if way == "statement_timeout" and complaint and state == "" and timeout_ms > 10:
        victim.close()
        holder.close()
        watcher.run("drop table if exists made")
        return end_one(options, watcher, work, way, 10)
    if not complaint and way not in ("pg_terminate_backend", "the client goes"):
        victim.send("rollback")
        victim.finish(5)
        victim.send("select 1")
        rows, state, _, _ = victim.finish(5)
        if rows != [["1"]]:
            complaint = f"left a session that answers {rows} {state}"
        elif way in ("statement_timeout", "lock_timeout"):
            victim.run(f"set {way} = 0")
    victim.close()
    holder.close()
    while is_there(watcher, holder.pid):
        time.sleep(0.01)
    left = watcher.run(f"select count(*) from pg_locks where pid in ({pid}, {holder.pid})")
    if left != [["0"]]:
        complaint = complaint or f"left {left[0][0]} locks"
    return complaint, took


def idle_ones(options, watcher, report):
    for name, before, settings, expected in [
        ("idle_in_transaction_session_timeout", ["begin", "select 1"], "set idle_in_transaction_session_timeout = 200", "25P03"),
        ("idle_in_transaction_session_timeout, failed block", ["begin"], "set idle_in_transaction_session_timeout = 200; select 1/0", "25P03"),
        ("idle_in_transaction_session_timeout, portal suspended", ["begin", "declare c cursor for select * from big", "fetch 5 from c"], "set idle_in_transaction_session_timeout = 200", "25P03"),
        ("idle_session_timeout", [], "set idle_session_timeout = 200", "57P05"),
        ("idle, terminated", [], None, "57P01"),
        ("idle in a transaction, terminated", ["begin", "update small set v = 5 where id = 5"], None, "57P01"),
        ("portal suspended, terminated", ["begin", "declare c cursor for select * from big order by t", "fetch 5 from c"], None, "57P01"),
    ]:
        victim = Client(options.sockets, options.port)
        for statement in before:
            victim.run(statement)
        begun = time.monotonic()
        if settings is None:
            watcher.run(f"select pg_terminate_backend({victim.pid})")
        else:
            victim.send(settings)
            victim.finish(5)
            begun += 0.2
        _, state, ended, in_time = victim.finish(PATIENCE)
        took = time.monotonic() - begun
        victim.close()
        while is_there(watcher, victim.pid) and time.monotonic() < begun + PATIENCE:
            time.sleep(0.01)
        report(name, "", None if ended and state == expected and watcher.run(f"select count(*) from pg_locks where pid = {victim.pid}") == [["0"]]
               else f"SQLSTATE {state!r}, ended {ended}", took)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sockets")
    parser.add_argument("port")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only")
    parser.add_argument("--slow", type=float, default=2)
    options = parser.parse_args()
    watcher = Client(options.sockets, options.port, "watcher")
    watcher.run("set client_min_messages = error")
    watcher.send(SETUP)
    _, state, _, in_time = watcher.finish(120)
    if state or not in_time:
        raise SystemExit(f"the tables could not be made: {state}")
    figures, failures = [], 0

    def report(name, way, complaint, took):
        nonlocal failures
        if complaint is None and took > options.slow:
            complaint = "too slow"
        failures += complaint is not None
        figures.append((took, f"{name}, {way}" if way else name))
        if complaint or options.only:
            print(f"{'not ok' if complaint else 'ok'}: {name}, {way}: {complaint or ''} ({took:.2f} s)", flush=True)

    turns = itertools.cycle(["cancel request", "pg_terminate_backend", "pg_cancel_backend", "the client goes"])
    for work in WORK:
        if options.only and options.only not in work[0]:
            continue
        ways = [way for way in WAYS if (way != "lock_timeout" or (work[4] == "Lock")) and not (way == "statement_timeout" and work[0] in NOT_BY_TIMEOUT)]
        if not options.all:
            turn = next(turns)
            ways = [way for way in ways if way in ("statement_timeout", "lock_timeout", turn)]
        for way in ways:
            report(work[0], way, *end_one(options, watcher, work, way))
    if not options.only:
        idle_ones(options, watcher, report)
    figures.sort(reverse=True)
    print(f"{len(figures)} endings, {failures} of them wrong; the slowest took " + "; ".join(f"{took:.2f} s ({name})" for took, name in figures[:5]))
    sys.exit(1 if failures else 0)


main()
