#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stock pg_dump and pg_restore between this server and PostgreSQL 15, both ways: schema.sql is loaded into one, dumped, restored into the
other, and what the other dumps must be the same text; so must a dump of the same script loaded there at once.

    round_trip.py [plain|custom|directory]...      all where none is named"""
import difflib, os, re, shutil, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
import servers


def psql(side, database, *arguments, **options):
    return servers.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *side.connect, database, *arguments], **options)


def fresh(side, name):
    psql(side, side.database, "-c", f"create database {name} template template0")
    return name


def text_dump(side, database):
    text = servers.run(["pg_dump", *side.connect, database])
    # Versions and the owner's spelling of the server are no part of what is stored; newer releases write AS before a target's alias.
    lines = [line for line in text.splitlines() if not re.match(r"-- Dumped (from|by)|\\(un)?restrict", line)]
    return [re.sub(r"((?:UPDATE|DELETE FROM) (?:ONLY )?\S+) AS (\w)", r"\1 \2", line) for line in lines]


def restore(source, database, target, form, work):
    name = fresh(target, f"restored_{form}")
    path = f"{work}/{source.name}.{form}"
    if form == "plain":
        servers.run(["pg_dump", *source.connect, "-f", path, database])
        psql(target, name, "-f", path)
    else:
        servers.run(["pg_dump", *source.connect, "-F", form[0], "-f", path, database])
        servers.run(["pg_restore", *target.connect, "-e", "-j", "2", "-d", name, path])
    return name


def compare(wanted, got, what):
    if wanted == got:
        print(f"ok {what}")
        return 0
    print(f"not ok {what}")
    print("\n".join(list(difflib.unified_diff(wanted, got, "before", "after", lineterm="", n=2))[:60]))
    return 1


def main():
    forms = sys.argv[1:] or ["plain", "custom", "directory"]
    work = tempfile.mkdtemp(prefix="rdbdump.", dir="/tmp")
    failed, sides = 0, []
    try:
        sides.append(servers.RustyDB(work))
        sides.append(servers.PostgreSQL(work, ["fsync=off"]))
        dumps = []
        for side in sides:
            psql(side, fresh(side, "original"), "-f", HERE + "/schema.sql")
            dumps.append(text_dump(side, "original"))
        failed += compare(dumps[1], dumps[0], "the same script dumps the same from both")
        for source, target, dump in ((sides[0], sides[1], dumps[0]), (sides[1], sides[0], dumps[1])):
            for form in forms:
                name = restore(source, "original", target, form, work)
                failed += compare(dump, text_dump(target, name), f"{form}: {source.name} to {target.name}")
    except subprocess.CalledProcessError as failure:
        failed += 1
        print(f"not ok {' '.join(failure.cmd)}\n{failure.stderr}")
    finally:
        for side in sides:
            side.stop()
        shutil.rmtree(work, ignore_errors=True)
    sys.exit(failed != 0)


main()
