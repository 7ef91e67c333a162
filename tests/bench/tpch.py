#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TPC-H's 22 queries here, on PostgreSQL 15 and, in memory, on DuckDB, alternating; the rows must be equal. SCALE (1 where it is not
set) is made by tests/bench/tpch_data.c; TPCH_DATA names a directory of TABLE.tbl (or .tbl.zst) files instead. ROUNDS, BUFFERS_MB,
WORK_MEM_MB and DUCKDB=0 (without it) may be set. Of several scales (SCALE=0.1,1), each is measured, and then how the times grew from one to the next:
1 is linear. With query numbers: those alone. Statements go through one psql that stays, so neither its start nor
the session's is measured. Prints medians in milliseconds and their ratio (theirs / ours: above 1 is ahead) with the servers' CPU time,
JSON lines on stdout; exit 1 where rows differ."""
import glob, json, math, os, shutil, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../tools")
from servers import TOP, DuckDB, PostgreSQL, RustyDB, Session, cpu_seconds, run

DATA = os.environ.get("TPCH_DATA", "")
SCALE = os.environ.get("SCALE", "1")
ROUNDS = int(os.environ.get("ROUNDS", "3"))
BUFFERS_MB = int(os.environ.get("BUFFERS_MB", "1024"))
WORK_MEM_MB = int(os.environ.get("WORK_MEM_MB", "256"))
WITH_DUCKDB = os.environ.get("DUCKDB", "1") != "0"
TABLES = ("region", "nation", "part", "supplier", "partsupp", "customer", "orders", "lineitem")
LIMIT_SECONDS = 300


def make_rows(work, scale):
    """{table: file}, columns separated by "|" and nothing behind the last one."""
    files = {table: f"{work}/{table}.tbl" for table in TABLES}
    if not DATA:
        generator = work + "/tpch_data"
        run(["cc", "-O2", "-o", generator, HERE + "/tpch_data.c"])
        run([generator, scale, work])
        return files
    for table, file in files.items():
        source = glob.glob(f"{DATA}/{table}.tbl*")[0]
        with open(file, "wb") as out:
            out.write(subprocess.run(["zstdcat", "-f", source], check=True, stdout=subprocess.PIPE).stdout.replace(b"|\n", b"\n"))
    return files


def load(side, files):
    def psql(*arguments):
        run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *side.connect, side.database, *arguments])
    times = {}
    begin = time.monotonic()
    psql("-f", HERE + "/tpch/schema.sql")
    for table, file in files.items():
        psql("-c", f"\\copy {table} from '{file}' (format text, delimiter '|')")
    times["copy"] = time.monotonic() - begin
    begin = time.monotonic()
    psql("-f", HERE + "/tpch/keys.sql")
    times["keys"] = time.monotonic() - begin
    psql("-c", "vacuum analyze")
    return times


def load_duckdb(duckdb, files):
    with open(HERE + "/tpch/schema.sql") as schema:
        statements = schema.read().split(";")
    for statement in statements:
        if statement.strip():
            duckdb.run(statement)
    for table, file in files.items():
        duckdb.run(f"copy {table} from '{file}' (format csv, delimiter '|', header false, quote '')")


def same_cell(ours, theirs):
    if ours == (theirs or "").rstrip() or ours.rstrip() == (theirs or "").rstrip():
        return True
    try:
        return math.isclose(float(ours), float(theirs), rel_tol=1e-9, abs_tol=1e-9)
    except (TypeError, ValueError):
        return False


def same_rows(ours, theirs):
    """psql's lines and DuckDB's rows: its averages are floats, and char(n) has no blanks there."""
    return len(ours) == len(theirs) and all(
        len(cells) == len(row) and all(map(same_cell, cells, row)) for cells, row in zip((line.split("|") for line in ours), theirs))


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def measure(wanted, scale):
    """{query: milliseconds here, there and on DuckDB}, and the queries whose rows differ."""
    work = tempfile.mkdtemp(prefix="rdbtpch.", dir="/tmp")
    sides, duckdb, results, different = [], None, {}, []
    try:
        files = make_rows(work, scale)
        os.environ["RUSTYDB_MEMORY_WORK_MEM"] = f"{WORK_MEM_MB}MB"
        sides = [RustyDB(work, init=["--tune", f"{BUFFERS_MB}MB"]),
                 PostgreSQL(work, [f"shared_buffers={BUFFERS_MB}MB", f"work_mem={WORK_MEM_MB}MB", "max_wal_size=4GB", "jit=off"])]
        for side in sides:
            times = load(side, files)
            print(json.dumps({"workload": "tpch load", "server": side.name, **{f"{part}_seconds": round(spent, 2) for part, spent in times.items()}}), flush=True)
            print(f"{side.name}: copy {times['copy']:.1f} s, keys {times['keys']:.1f} s", file=sys.stderr)
        if WITH_DUCKDB:
            duckdb = DuckDB()
            load_duckdb(duckdb, files)
        sessions = [Session(side) for side in sides]
        for session in sessions:
            session.run(f"set statement_timeout = '{LIMIT_SECONDS}s'")
        print("      " + "".join(f"{name:>12}" for name in ("rustydb", "postgresql", "duckdb", "ratio", "rustydb cpu", "postgres cpu")) + "   ms", file=sys.stderr)
        for number in wanted:
            with open(f"{HERE}/tpch/q{number:02}.sql") as file:
                text = file.read()
            times, costs, column_times, answers = [[], []], [[], []], [], [None, None, None]
            for _ in range(ROUNDS):
                for k, session in enumerate(sessions):
                    before = cpu_seconds(sides[k])
                    elapsed, answers[k] = session.run(text)
                    times[k].append(elapsed)
                    costs[k].append((cpu_seconds(sides[k]) - before) * 1000)
                if duckdb:
                    elapsed, answers[2] = duckdb.run(text)
                    column_times.append(elapsed)
            ours, theirs = (statistics.median(t) for t in times)
            cpu = [statistics.median(c) for c in costs]
            column = statistics.median(column_times) if duckdb else float("nan")
            same = answers[0] == answers[1] and (not duckdb or same_rows(answers[0], answers[2]))
            if not same:
                different.append(number)
            results[number] = (ours, theirs, column, *cpu)
            print(json.dumps({"workload": f"tpch q{number}", "scale": scale, "unit": "ms", "ours": round(ours, 1), "postgresql": round(theirs, 1), "duckdb": round(column, 1) if duckdb else None,
                              "ratio": round(theirs / ours, 2), "our_cpu": round(cpu[0]), "postgresql_cpu": round(cpu[1]), "same": same}), flush=True)
            print(f"q{number:02}   {ours:12.1f}{theirs:12.1f}{column:12.1f}{theirs / ours:11.2f}x{cpu[0]:12.0f}{cpu[1]:12.0f}" + ("" if same else "   DIFFERENT ROWS: " + str(answers)[:300]),
                  file=sys.stderr, flush=True)
        sums = [sum(column) for column in zip(*results.values())]
        print(f"all   {sums[0]:12.1f}{sums[1]:12.1f}{sums[2]:12.1f}   geometric means: {geometric_mean([r[1] / r[0] for r in results.values()]):.2f}x PostgreSQL's speed" +
              (f", {geometric_mean([r[2] / r[0] for r in results.values()]):.2f}x DuckDB's" if duckdb else ""), file=sys.stderr)
        for session in sessions:
            session.close()
    finally:
        if duckdb:
            duckdb.stop()
        for side in sides:
            side.stop()
        shutil.rmtree(work, ignore_errors=True)
    return results, different


def print_growth(small, large, small_times, large_times):
    names = ("rustydb", "postgresql", "duckdb", "rustydb cpu", "postgres cpu")
    factor = float(large) / float(small)
    print(f"\nfrom scale {small} to {large}, times as long for {factor:g} times the rows, by row\n      " + "".join(f"{name:>12}" for name in names), file=sys.stderr)
    columns = []
    for number, before in small_times.items():
        growth = [after / ms / factor if ms else float("nan") for ms, after in zip(before, large_times[number])]
        columns.append(growth)
        print(json.dumps({"workload": f"tpch growth q{number}", "from": small, "to": large, **{name.replace(" ", "_"): round(g, 3) for name, g in zip(names, growth) if g == g}}), flush=True)
        print(f"q{number:02}   " + "".join(f"{g:12.2f}" for g in growth), file=sys.stderr)
    means = [geometric_mean([g for g in column if g > 0] or [float("nan")]) for column in zip(*columns)]
    print("mean  " + "".join(f"{mean:12.2f}" for mean in means), file=sys.stderr)


def main():
    wanted = [int(n) for n in sys.argv[1:]] or range(1, 23)
    scales, times, failed = SCALE.split(","), {}, False
    for scale in scales:
        times[scale], different = measure(wanted, scale)
        failed = failed or bool(different)
    for small, large in zip(scales, scales[1:]):
        print_growth(small, large, times[small], times[large])
    sys.exit(1 if failed else 0)


main()
