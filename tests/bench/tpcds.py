#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TPC-DS's 99 queries here and on PostgreSQL 15, alternating; the rows must be equal. TPCDS_QUERIES: a directory with q01.sql to
q99.sql, the benchmark's queries with parameters of one's choice (its texts are not free to be copied here); the data come from
tpcds_data.py. ROUNDS, SCALE and BUFFERS_MB may be set. With query numbers: those alone. Rows are compared without their order;
where a LIMIT cuts an ORDER BY that leaves ties, the whole results are. Prints milliseconds (the best round) and their ratio (theirs /
ours: above 1 is ahead), JSON lines on stdout; exit 1 where rows differ."""
import json, math, os, re, shutil, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../tools")
import tpcds_data
from servers import PostgreSQL, RustyDB, run

QUERIES = os.environ.get("TPCDS_QUERIES", "")
ROUNDS = int(os.environ.get("ROUNDS", "2"))
SCALE = float(os.environ.get("SCALE", "1"))
BUFFERS_MB = int(os.environ.get("BUFFERS_MB", "256"))
LIMIT_SECONDS = 60


def psql(side, *arguments, **options):
    return run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *side.connect, side.database, *arguments], **options)


def load(side, rows):
    psql(side, "-f", f"{rows}/schema.sql")
    for table in tpcds_data.TABLES:
        psql(side, "-c", f"\\copy {table} from '{rows}/{table}.tbl'")
    psql(side, "-f", f"{rows}/keys.sql")
    psql(side, "-c", "analyze")


def timed(side, text):
    begin = time.monotonic()
    try:
        rows = psql(side, "-c", text, timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        rows = "timeout"
    except subprocess.CalledProcessError as failure:
        rows = failure.stderr
    return (time.monotonic() - begin) * 1000, sorted(rows.splitlines())


def main():
    if not QUERIES:
        sys.exit("tpcds.py: set TPCDS_QUERIES to the directory of q01.sql to q99.sql")
    wanted = [int(n) for n in sys.argv[1:]] or range(1, 100)
    work = tempfile.mkdtemp(prefix="rdbtpcds.", dir="/tmp")
    sides, ratios, totals, different, empty = [], [], [0.0, 0.0], [], []
    try:
        tpcds_data.make(work + "/rows", SCALE)
        sides = [RustyDB(work, init=["--tune", f"{BUFFERS_MB}MB"]), PostgreSQL(work, [f"shared_buffers={BUFFERS_MB}MB", "work_mem=256MB", "max_wal_size=4GB", "jit=off"])]
        for side in sides:
            load(side, work + "/rows")
        for number in wanted:
            with open(f"{QUERIES}/q{number:02}.sql") as file:
                text = file.read()
            best = [math.inf, math.inf]
            for _ in range(ROUNDS):
                answers = []
                for k, side in enumerate(sides):
                    elapsed, rows = timed(side, text)
                    best[k] = min(best[k], elapsed)
                    answers.append(rows)
            same = answers[0] == answers[1]
            if not same and re.search(r"\blimit \d+;?\s*$", text):
                whole = re.sub(r"\blimit \d+;?\s*$", "", text)
                same = timed(sides[0], whole)[1] == timed(sides[1], whole)[1] and len(answers[0]) == len(answers[1])
            if not same:
                different.append(number)
            if not answers[1]:
                empty.append(number)
            ours, theirs = best
            ratios.append(theirs / ours)
            totals[0] += ours
            totals[1] += theirs
            print(json.dumps({"workload": f"tpcds q{number}", "unit": "ms", "ours": round(ours, 1), "postgresql": round(theirs, 1), "ratio": round(theirs / ours, 2), "rows": len(answers[1]), "same": same}), flush=True)
            print(f"q{number:02} {ours:10.1f} {theirs:10.1f} {theirs / ours:8.2f}x {len(answers[1]):6}" + ("" if same else "   DIFFERENT ROWS: " + " / ".join(answers[0][:2])[:200]), file=sys.stderr, flush=True)
        print(f"all {totals[0]:10.1f} {totals[1]:10.1f}   geometric mean {math.exp(sum(map(math.log, ratios)) / len(ratios)):.2f}x; different: {different}; without rows: {empty}", file=sys.stderr)
    finally:
        for side in sides:
            if side.alive():
                side.stop()
        shutil.rmtree(work, ignore_errors=True)
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
