#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How far off the planner's row counts are: EXPLAIN ANALYZE of TPC-H's 22 queries and, with TPCDS_QUERIES (see tpcds.py), TPC-DS's 99,
here and on PostgreSQL 15, both at scale SCALE (0.1). A plan node counts as off when its estimate and its rows differ FACTOR-fold (10)
and the larger of them, over all its turns, is at least ROWS (1000). Nodes that are not asked for all their rows tell nothing and are
left out: those below a LIMIT, a merge join, the inner side of a semi- or anti-join by loops, with nothing between that reads
everything. Arguments: h6, ds14, ...: those queries alone. Prints each node that is off, and how many there are on each side; exit 1
where ours are more than MORE (1.0) times PostgreSQL's."""
import json, os, re, shutil, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../tools")
from servers import PostgreSQL, RustyDB, run

QUERIES = os.environ.get("TPCDS_QUERIES", "")
SCALE = os.environ.get("SCALE", "0.1")
FACTOR = float(os.environ.get("FACTOR", "10"))
ROWS = float(os.environ.get("ROWS", "1000"))
MORE = float(os.environ.get("MORE", "1.0"))
LIMIT_SECONDS = 120
READS_ALL = {"Sort", "Incremental Sort", "Aggregate", "WindowAgg", "Hash", "Materialize", "CTE Scan", "SetOp", "Recursive Union", "BitmapAnd", "BitmapOr"}


def psql(side, *arguments, **options):
    return run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *side.connect, side.database, *arguments], **options)


def explain(side, schema, text):
    """The plan trees of a query's statements."""
    begin = f"set statement_timeout = '{LIMIT_SECONDS}s'; set max_parallel_workers_per_gather = 0; set search_path = {schema}; "
    plans = []
    setup = ""
    for statement in filter(None, (part.strip() for part in re.sub(r"--[^\n]*", "", text).split(";"))):
        if statement.lower().startswith(("create", "drop")):
            setup += statement + "; "
            continue
        answer = psql(side, "-c", "begin; " + begin + setup + "explain (analyze, timing off, format json) " + statement + "; rollback;")
        plans.append(json.loads(answer)[0]["Plan"])
    return plans


def walk(node, reads_all, depth=0):
    """(estimate, rows, turns, label, depth) of each node that is off."""
    kind = node["Node Type"]
    turns = node.get("Actual Loops", 0)
    estimate, rows = node["Plan Rows"], node.get("Actual Rows", 0)
    low, high = sorted((max(estimate, 1.0), max(rows, 1.0)))
    if turns > 0 and reads_all and kind not in ("Hash", "Sort", "Materialize", "Memoize") and high / low >= FACTOR and high * turns >= ROWS:
        name = " ".join(str(node[key]) for key in ("Join Type", "Strategy", "Relation Name", "CTE Name", "Index Name") if key in node)
        where = next((node[key] for key in ("Filter", "Index Cond", "Hash Cond", "Merge Cond", "Join Filter", "Group Key") if key in node), "")
        yield estimate, rows, turns, f"{kind} {name} {where}"[:150], depth
    children = node.get("Plans", [])
    for place, child in enumerate(children):
        asked = reads_all
        if kind == "Limit" or kind == "Merge Join":
            asked = False
        elif kind == "Nested Loop" and place == 1 and (node["Join Type"] in ("Semi", "Anti") or node.get("Inner Unique")):
            asked = False
        elif kind in READS_ALL:
            asked = True
        if child.get("Parent Relationship") in ("SubPlan", "InitPlan"):
            asked = child["Parent Relationship"] == "InitPlan" and child["Node Type"] in READS_ALL
        yield from walk(child, asked, depth + 1)


def queries():
    for number in range(1, 23):
        with open(f"{HERE}/tpch/q{number:02}.sql") as file:
            yield f"h{number}", "public", file.read()
    for number in range(1, 100) if QUERIES else ():
        with open(f"{QUERIES}/q{number:02}.sql") as file:
            yield f"ds{number}", "tpcds", file.read()


def load(side, work):
    import tpcds_data
    psql(side, "-f", HERE + "/tpch/schema.sql")
    for table in ("region", "nation", "part", "supplier", "partsupp", "customer", "orders", "lineitem"):
        psql(side, "-c", f"\\copy {table} from '{work}/{table}.tbl' (format text, delimiter '|')")
    psql(side, "-f", HERE + "/tpch/keys.sql")
    if QUERIES:
        psql(side, "-c", "create schema tpcds")
        psql(side, "-c", "set search_path = tpcds", "-f", f"{work}/rows/schema.sql")
        for table in tpcds_data.TABLES:
            psql(side, "-c", f"\\copy tpcds.{table} from '{work}/rows/{table}.tbl'")
        psql(side, "-c", "set search_path = tpcds", "-f", f"{work}/rows/keys.sql")
    psql(side, "-c", "analyze")


def compare(sides, wanted):
    counts = [0] * len(sides)
    nodes = [0] * len(sides)
    for name, schema, text in queries():
        if wanted and name not in wanted:
            continue
        for k, side in enumerate(sides):
            try:
                plans = explain(side, schema, text)
            except subprocess.CalledProcessError as failure:
                print(f"{name} {side.name}: {failure.stderr.strip()[:200]}", flush=True)
                continue
            nodes[k] += sum(count_nodes(plan) for plan in plans)
            for plan in plans:
                for estimate, rows, turns, label, depth in walk(plan, True):
                    counts[k] += 1
                    print(f"{name:5} {side.name:10} expected {estimate:9.0f} met {rows:9.0f} x{turns:<6} {depth:2} {label}", flush=True)
    for k, side in enumerate(sides):
        print(f"{side.name}: {counts[k]} of {nodes[k]} nodes are off {FACTOR:g}-fold")
    return counts


def count_nodes(node):
    return 1 + sum(map(count_nodes, node.get("Plans", [])))


def main():
    work = tempfile.mkdtemp(prefix="rdbplanrows.", dir="/tmp")
    sides, counts = [], [0, 0]
    try:
        run(["cc", "-O2", "-o", work + "/tpch_data", HERE + "/tpch_data.c"])
        run([work + "/tpch_data", SCALE, work])
        if QUERIES:
            import tpcds_data
            tpcds_data.make(work + "/rows", 10 * float(SCALE)) # a tenth of TPC-H is of its size at 1
        sides = [RustyDB(work), PostgreSQL(work, ["jit=off", "work_mem=64MB"])]
        for side in sides:
            load(side, work)
        counts = compare(sides, set(sys.argv[1:]))
    finally:
        for side in sides:
            side.stop()
        shutil.rmtree(work, ignore_errors=True)
    sys.exit(1 if counts[0] > MORE * counts[1] else 0)


if __name__ == "__main__":
    main()
