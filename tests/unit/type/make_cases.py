#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks a running PostgreSQL 15 what it answers to each line of a specification and writes the .cases file beside it.

usage: make_cases.py SPEC... (psql's PG* variables say where the server is)

Lines of a specification (fields separated by a tab or by two or more blanks; \\N is null, \\s a blank, \\t, \\n, \\\\):
    set NAME VALUE                   a session setting for the lines that follow
    io  TYPE  TEXT                   TYPE may carry a typmod: numeric(5,2)
    fn  NAME  TYPE:TEXT ...          a function called with arguments of exactly these types
    set-returning and aggregate functions: srf NAME TYPE:TEXT ..., agg NAME TYPE TEXT TEXT ...
"""
import re
import subprocess
import sys

SETUP = r"""
create or replace function pg_temp.esc(t text) returns text language sql as
$$ select replace(replace(replace(t, '\', '\\'), E'\n', '\n'), E'\t', '\t') $$;
create or replace function pg_temp.try(q text) returns text language plpgsql as $$
declare r text; m text; d text; s text;
begin
  execute q into r;
  return case when r is null then 'null' else '= ' || pg_temp.esc(r) end;
exception when others then
  get stacked diagnostics m = message_text, d = pg_exception_detail, s = returned_sqlstate;
  return '! ' || s || ' ' || pg_temp.esc(m) || case when d <> '' then ' | ' || pg_temp.esc(d) else '' end;
end $$;
"""


def quote(text):
    return "null" if text == "\\N" else "'" + text.replace("'", "''") + "'"


def unescape(text):
    return re.sub(r"\\([nts\\])", lambda m: {"n": "\n", "t": "\t", "s": " ", "\\": "\\"}[m.group(1)], text) if text != "\\N" else text


def main():
    for spec in sys.argv[1:]:
        out, queries = [], []
        for number, line in enumerate(open(spec, encoding="utf-8"), 1):
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            fields = re.split(r"\t|  +", line)
            if fields[0].startswith("set "):
                _, name, value = line.split(" ", 2)
                queries.append(f"set {name} = '{value}'; select ''")
                out.append(f"set\t{name}\t{value}")
                continue
            if fields[0] == "io":
                type_name, text = fields[1], fields[2] if len(fields) > 2 else ""
                raw = quote(unescape(text))
                queries.append(io_query(type_name, raw))
                out.append(("io", text))
                continue
            kind, name, arguments = fields[0], fields[1], fields[2:]
            if kind == "agg":
                type_name, values = arguments[0], arguments[1:]
                types = type_name.split(",")
                rows = []
                for value in values:
                    parts = value.split("|") if len(types) > 1 else [value]
                    rows.append("(" + ", ".join(f"cast({quote(unescape(p))} as {t})" for p, t in zip(parts, types)) + ")")
                columns = ", ".join(f"c{i}" for i in range(len(types)))
                source = f"(values {', '.join(rows)}) v({columns})" if rows else \
                    "(select " + ", ".join(f"null::{t} as c{i}" for i, t in enumerate(types)) + " where false) v"
                if type_name == "*":
                    source = f"generate_series(1, {len(values)})"
                bare = name.partition("(")[0]
                expression = f"pg_catalog.{bare}({'' if type_name == '*' else columns})"
                if type_name == "*":
                    expression = f"pg_catalog.{bare}(*)"
                types = [] if type_name == "*" else types
                queries.append(f"select {proc(name, types, f'(select {expression} from {source})')} || E'\\t' || pg_temp.try($q$select case when r is null then null else format('%s', r) end from (select {expression} r from {source} offset 0) s$q$)")
                out.append(("agg", type_name, values))
                continue
            types, values = [], []
            for argument in arguments:
                type_name, _, value = argument.partition(":")
                types.append(type_name)
                values.append(f"cast({quote(unescape(value))} as {type_name})")
            if name.startswith("variadic "): # the last argument is the array of a variadic one
                name = name[9:]
                values[-1] = "variadic " + values[-1]
            bare = name.partition("(")[0]
            call = f"pg_catalog.{bare}({', '.join(values)})"
            if kind == "fn":
                body = f"select case when r is null then null else format('%s', r) end from (select {call} r offset 0) s"
            elif kind == "srf":
                body = f"select string_agg(coalesce(t::text, E'\\\\N'), chr(30)) from {call} t"
            else:
                sys.exit(f"{spec}:{number}: unknown kind {kind}")
            queries.append(f"select {proc(name, types, call)} || E'\\t' || pg_temp.try($q$ {body} $q$)")
            out.append((kind, [a.partition(':')[2] for a in arguments], types))
        script = SETUP + "".join(q + ";\n" for q in queries)
        run = subprocess.run(["psql", "-qAtX", "-v", "ON_ERROR_STOP=0"], input=script, capture_output=True, text=True)
        if run.stderr.strip():
            notices = [l for l in run.stderr.splitlines() if "NOTICE" not in l]
            if notices:
                sys.exit("\n".join(notices[:20]))
        answers = run.stdout.split("\n")
        if len(answers) - 1 != len(out):
            sys.exit(f"{spec}: {len(out)} questions, {len(answers) - 1} answers")
        with open(re.sub(r"\.spec$", ".cases", spec), "w", encoding="utf-8") as target:
            for item, answer in zip(out, answers):
                if isinstance(item, str):
                    target.write(item + "\n")
                elif item[0] == "io":
                    target.write(f"io\t{item[1]}\t{answer}\n")
                elif item[0] == "agg":
                    target.write(f"agg\t{answer}\t{len(item[2])}" + "".join("\t" + v for v in item[2]) + "\n")
                else:
                    target.write(f"{item[0]}\t{answer}" + "".join("\t" + v for v in item[1]) + "\n")


def proc(name, types, expression):
    """oid, strictness, name, result type and argument types of a function, tab-separated. A polymorphic function is named
    with its signature, array_length(anyarray,integer); its result type is what PostgreSQL makes of the call."""
    bare, _, signature = name.partition("(")
    signature = signature.rstrip(")") if "(" in name else ",".join(types)
    listed = ",".join(f"'{t}'::regtype::oid::text" for t in types)
    listed = f"array_to_string(array[{listed}]::text[], ',')" if types else "'-'"
    result = (f"case when p.prorettype in (2277, 2283, 2776, 5077, 5078, 5079) then "
              f"coalesce(substring(pg_temp.try($q$select pg_typeof(r)::oid from (select {expression} r offset 0) s limit 1$q$) from '^= (.*)'), p.prorettype::text) "
              f"else p.prorettype::text end")
    return (f"(select p.oid || E'\\t' || p.proisstrict || E'\\t' || p.proname || E'\\t' || {result} || E'\\t' || {listed} "
            f"from pg_proc p where p.oid = 'pg_catalog.{bare}({signature})'::regprocedure)")


def io_query(type_name, raw):
    return (f"drop table if exists pg_temp.t; create temp table t (v {type_name}); "
            f"select atttypid || E'\\t' || atttypmod || E'\\t' || pg_temp.try($q$insert into pg_temp.t values ({raw}) returning format('%s', v)$q$) || E'\\t' || "
            f"pg_temp.try('select encode(' || (select p.proname from pg_proc p join pg_type t on p.oid = t.typsend where t.oid = a.atttypid) "
            f"|| $q$(v), 'hex') from pg_temp.t$q$) "
            f"from pg_attribute a where attrelid = 'pg_temp.t'::regclass and attname = 'v'")


main()
