#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gin.py: indexes that keep terms, side by side with PostgreSQL 15: building, searching and changing arrays, jsonb and documents under GIN
indexes, and ranges under GiST. Both servers hold the same rows; every answer is compared. Medians of ROUNDS (5) of REPEATS (20) searches each,
the ratio is theirs / ours (above 1: ours is faster). In the environment also: ROWS (200000), BUFFERS_MB (256), BIN_DIR."""
import json, os, shutil, statistics, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../tools")
from servers import PostgreSQL, RustyDB, run

ROWS = int(os.environ.get("ROWS", "200000"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
REPEATS = int(os.environ.get("REPEATS", "20"))
BUFFERS_MB = int(os.environ.get("BUFFERS_MB", "256"))
LOAD = f"""create table docs (id int, tags int[], data jsonb, body tsvector, span int4range);
insert into docs select i, array[i % 1000, i % 7, i * 31 % 5003], jsonb_build_object('user', i % 5000, 'kind', 'k' || i % 10, 'tags', jsonb_build_array('t' || i % 300, i % 11)),
  to_tsvector('simple', 'word' || i % 2000 || ' other' || i % 37 || ' common' || i % 3), int4range(i, i + 1 + i % 40) from generate_series(1, {ROWS}) i;
analyze docs;"""
BUILDS = {"build gin (int[])": "create index docs_tags on docs using gin (tags)", "build gin (jsonb)": "create index docs_data on docs using gin (data)",
          "build gin (jsonb_path_ops)": "create index docs_path on docs using gin (data jsonb_path_ops)", "build gin (tsvector)": "create index docs_body on docs using gin (body)",
          "build gist (int4range)": "create index docs_span on docs using gist (span)"}
SEARCHES = {"tags @> one rare": "tags @> array[{0} % 5003]", "tags @> rare and common": "tags @> array[{0} % 1000, {0} % 7]", "tags && two": "tags && array[{0} % 5003, ({0} + 1) % 5003]",
            "data @> one key": "data @> '{{\"user\": {0}}}'", "data @> two keys": "data @> '{{\"user\": {0}, \"kind\": \"k3\"}}'", "data @> in an array": "data @> '{{\"tags\": [\"t{1}\"]}}'",
            "body @@ rare & common": "body @@ 'word{0} & common1'::tsquery", "body @@ prefix": "body @@ 'word{0}:*'::tsquery", "span && short": "span && int4range({0} * 30, {0} * 30 + 5)"}


def timed(side, statements):
    script = "\\o /dev/null\n" if len(statements) > 1 else ""
    begun = time.monotonic()
    run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *side.connect, side.database], input=script + ";\n".join(statements) + ";\n")
    return time.monotonic() - begun


def answer(side, statement):
    return run(["psql", "-X", "-A", "-t", "-q", *side.connect, side.database, "-c", statement]).strip()


def tell(name, ours, theirs):
    print(json.dumps({"workload": name, "rustydb_ms": round(ours * 1000, 3), "postgresql_ms": round(theirs * 1000, 3), "ratio": round(theirs / ours, 2)}), flush=True)
    print(f"{name:28} {ours * 1000:10.2f} ms {theirs * 1000:10.2f} ms {theirs / ours:8.2f}", file=sys.stderr)


def main():
    work = tempfile.mkdtemp(prefix="rdbgin.", dir="/tmp")
    sides = []
    try:
        sides.append(RustyDB(work, serve=["--set", f"memory.shared_buffers={BUFFERS_MB}MB"] if os.environ.get("BUFFERS_MB") else []))
        sides.append(PostgreSQL(work, settings=(f"shared_buffers={BUFFERS_MB}MB", "maintenance_work_mem=256MB", "max_parallel_maintenance_workers=0", "max_parallel_workers_per_gather=0")))
        for side in sides:
            timed(side, [LOAD.rstrip(";")])
        print(f"{'':28} {'RustyDB':>13} {'PostgreSQL 15':>13} {'ratio':>8}", file=sys.stderr)
        for name, statement in BUILDS.items():
            tell(name, *(timed(side, [statement]) for side in sides))
        for name, condition in SEARCHES.items():
            texts = [f"select count(*), sum(id) from docs where {condition.format(17 + n * 41, n * 7 % 300)}" for n in range(REPEATS)]
            if [answer(side, texts[0]) for side in sides] != [answer(sides[1], texts[0])] * 2:
                sys.exit(f"gin.py: other answers to {texts[0]}")
            rounds = [[timed(side, texts) / REPEATS for side in sides] for _ in range(ROUNDS)]
            tell(name, *(statistics.median(one[i] for one in rounds) for i in range(2)))
        tell("update of 2,000 arrays", *(timed(side, ["update docs set tags = tags || 6000 where id % 100 = 1"]) for side in sides))
        tell("insert of 5,000 rows", *(timed(side, ["insert into docs select id + 1000000, tags, data, body, span from docs where id <= 5000"]) for side in sides))
    finally:
        for side in sides:
            side.stop()
        shutil.rmtree(work, ignore_errors=True)


main()
