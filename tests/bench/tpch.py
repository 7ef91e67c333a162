#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TPC-H's 22 queries here and on PostgreSQL 15, alternating; the rows must be equal. TPCH_DATA: a directory with the eight
TABLE.tbl (or .tbl.zst) files of the standard generator. ROUNDS and BUFFERS_MB may be set. With query numbers: those alone.
Prints medians in milliseconds and their ratio (theirs / ours: above 1 is ahead), JSON lines on stdout."""
import glob, json, math, os, shutil, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../tools")
from servers import PostgreSQL, RustyDB, run

DATA = os.environ.get("TPCH_DATA", "")
ROUNDS = int(os.environ.get("ROUNDS", "3"))
BUFFERS_MB = int(os.environ.get("BUFFERS_MB", "1024"))
TABLES = ("region", "nation", "part", "supplier", "partsupp", "customer", "orders", "lineitem")
LIMIT_SECONDS = 120


def psql(side, *arguments, **options):
    return run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *side.connect, side.database, *arguments], **options)


def load(side, work):
    psql(side, "-f", HERE + "/tpch/schema.sql")
    for table in TABLES:
        source = glob.glob(f"{DATA}/{table}.tbl*")[0]
        rows = f"{work}/{table}.tbl"
        if not os.path.exists(rows):
            with open(rows, "wb") as out:
                unpacked = subprocess.run(["zstdcat", "-f", source], check=True, stdout=subprocess.PIPE).stdout
                out.write(unpacked.replace(b"|\n", b"\n"))
        psql(side, "-c", f"\\copy {table} from '{rows}' (format text, delimiter '|')")
    psql(side, "-f", HERE + "/tpch/keys.sql")
    psql(side, "-c", "analyze")


def timed(side, file):
    begin = time.monotonic()
    try:
        rows = psql(side, "-f", file, timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        rows = "timeout"
    except subprocess.CalledProcessError as failure:
        rows = failure.stderr
    return (time.monotonic() - begin) * 1000, rows


def main():
    if not DATA:
        sys.exit("tpch.py: set TPCH_DATA to the directory of the .tbl files")
    wanted = [int(n) for n in sys.argv[1:]] or range(1, 23)
    work = tempfile.mkdtemp(prefix="rdbtpch.", dir="/tmp")
    sides, ratios, totals = [], [], [0.0, 0.0]
    try:
        os.environ["RUSTYDB_MEMORY_WORK_MEM"] = "256MB"
        sides = [RustyDB(work, init=["--tune", f"{BUFFERS_MB}MB"]),
                 PostgreSQL(work, [f"shared_buffers={BUFFERS_MB}MB", "work_mem=256MB", "max_wal_size=4GB", "jit=off"])]
        for side in sides:
            begin = time.monotonic()
            load(side, work)
            print(f"{side.name}: loaded in {time.monotonic() - begin:.1f} s", file=sys.stderr)
        for number in wanted:
            file = f"{HERE}/tpch/q{number:02}.sql"
            times = [[], []]
            for _ in range(ROUNDS):
                answers = []
                for k, side in enumerate(sides):
                    elapsed, rows = timed(side, file)
                    times[k].append(elapsed)
                    answers.append(rows)
            ours, theirs = (statistics.median(t) for t in times)
            same = answers[0] == answers[1]
            ratios.append(theirs / ours)
            totals[0] += ours
            totals[1] += theirs
            print(json.dumps({"workload": f"tpch q{number}", "unit": "ms", "ours": round(ours, 1), "postgresql": round(theirs, 1), "ratio": round(theirs / ours, 2), "same": same}), flush=True)
            print(f"q{number:02} {ours:10.1f} {theirs:10.1f} {theirs / ours:8.2f}x" + ("" if same else "   DIFFERENT ROWS: " + answers[0][:200]), file=sys.stderr, flush=True)
        print(f"all {totals[0]:10.1f} {totals[1]:10.1f}   geometric mean {math.exp(sum(map(math.log, ratios)) / len(ratios)):.2f}x", file=sys.stderr)
    finally:
        for side in sides:
            side.stop()
        shutil.rmtree(work, ignore_errors=True)


main()
