-- Aggregates made of functions: SQL ones, built-in ones, strict or not, with a first state or without.
create function join_texts(text, text) returns text language sql immutable as 'select $1 || ''-'' || $2';
create function join_strict(text, text) returns text language sql strict immutable as 'select $1 || ''-'' || $2';
create function join_any(text, text) returns text language sql immutable as 'select coalesce($1, ''<'') || coalesce($2, ''null'')';
create aggregate joined(text) (sfunc = join_strict, stype = text);
create aggregate joined_all(text) (sfunc = join_any, stype = text, initcond = '');
create aggregate average4 (basetype = int4, sfunc = int4_avg_accum, stype = int8[], finalfunc = int8_avg, initcond = '{0,0}');
create aggregate counted(*) (sfunc = int8inc, stype = int8, initcond = '0');
create aggregate listed(anycompatible) (sfunc = array_append, stype = anycompatiblearray, initcond = '{}');
create aggregate spread(float8) (sfunc = float8_accum, stype = float8[], finalfunc = float8_stddev_samp, combinefunc = float8_combine, initcond = '{0,0,0}');
create table v(g int, t text, n int);
insert into v values (1, 'a', 1), (1, null, 2), (2, 'b', 3), (1, 'c', null), (2, 'b', 5);
select joined(t order by t), joined_all(t order by n), average4(n), counted(*), listed(n order by n desc), spread(n) from v;
select g, joined(t order by t), joined(distinct t), average4(n), counted(*), listed(t order by n) from v group by g order by g;
select joined(t), joined_all(t), average4(n), counted(*), listed(n) from v where false;
select g, average4(n) filter (where n > 1), joined(t) filter (where t <> 'b') from v group by g order by g;
select g, n, joined(t) over (partition by g order by n), average4(n) over (order by n rows between 1 preceding and current row) from v order by g, n;
select average4(distinct n % 2) from v;
select g, average4(n) from v group by rollup(g) order by g nulls last;
-- states of any type
create type extremes as (low int, high int);
create function widen(extremes, int) returns extremes language sql immutable as 'select row(least($1.low, $2), greatest($1.high, $2))::extremes';
create function width(extremes) returns int language sql immutable as 'select $1.high - $1.low';
create aggregate range_of(int) (sfunc = widen, stype = extremes);
create aggregate width_of(int) (sfunc = widen, stype = extremes, finalfunc = width);
select range_of(n), width_of(n) from v;
create function least_of(anyelement, variadic anyarray) returns anyelement language sql as 'select least($1, min($2[i])) from generate_subscripts($2, 1) g(i)';
create aggregate least_agg(variadic items anyarray) (sfunc = least_of, stype = anyelement);
select least_agg(n), least_agg(g, n), least_agg(variadic array[n, g]) from v;
-- moving frames take rows back
create function add_log(text, int) returns text language sql immutable as 'select coalesce($1, '''') || ''+'' || coalesce($2::text, ''?'')';
create function take_log(text, int) returns text language sql immutable as 'select $1 || ''-'' || coalesce($2::text, ''?'')';
create aggregate logged(int) (sfunc = add_log, stype = text, msfunc = add_log, minvfunc = take_log, mstype = text);
select n, logged(n) over (order by n rows between 1 preceding and 1 following) from v order by n;
select n, logged(n) over (order by n) from v order by n;
select n, logged(n) over (order by n rows between 1 preceding and current row exclude current row) from v order by n;
create aggregate moving_sum(float8) (stype = float8, sfunc = float8pl, mstype = float8, msfunc = float8pl, minvfunc = float8mi);
select n, moving_sum(n) over (order by n rows between current row and 2 following) from v order by n;
-- ordered sets
create function nth_final(int[], int) returns int language sql immutable as 'select $1[$2]';
create aggregate nth(int order by int) (sfunc = array_append, stype = int[], finalfunc = nth_final, initcond = '{}');
select nth(2) within group (order by n), nth(1) within group (order by n desc nulls last) from v;
select nth(2) within group (order by n) from v where false;
create aggregate my_disc(float8 order by anyelement) (stype = internal, sfunc = ordered_set_transition, finalfunc = percentile_disc_final, finalfunc_extra = true, finalfunc_modify = read_write);
create aggregate my_rank(variadic "any" order by variadic "any") (stype = internal, sfunc = ordered_set_transition_multi, finalfunc = rank_final, finalfunc_extra = true, hypothetical);
select my_disc(0.5) within group (order by n), my_rank(3) within group (order by n) from v;
select nth(2) from v;
select joined(t) within group (order by t) from v;
-- what it is, and what depends on it
\da
select aggfnoid::regprocedure, aggkind, aggnumdirectargs, aggtransfn, aggfinalfn, aggcombinefn, aggmtransfn, aggminvtransfn, aggfinalextra, aggfinalmodify, aggtranstype::regtype, agginitval
  from pg_aggregate where aggfnoid >= 16384 order by aggfnoid::regprocedure::text collate "C";
select pg_get_function_arguments('my_rank'::regproc), pg_get_function_identity_arguments('nth'::regproc), pg_get_function_result('average4'::regproc);
create view w as select g, joined(t order by t) as j, average4(distinct n) filter (where n > 0) as a, nth(1) within group (order by n) from v group by g;
\d+ w
select * from w order by g;
comment on aggregate joined(text) is 'with dashes';
select obj_description('joined(text)'::regprocedure, 'pg_proc');
drop function join_strict(text, text);
drop aggregate joined(text);
alter aggregate counted(*) rename to counting;
select counting(*) from v;
create schema other;
alter aggregate counting(*) set schema other;
select counting(*) from v;
select other.counting(*) from v;
drop aggregate other.counting(*);
drop aggregate if exists nothing(int);
drop function average4(int);
drop view w;
drop function join_strict(text, text) cascade;
-- replaced
create or replace aggregate average4(int) (sfunc = int4_avg_accum, stype = int8[], finalfunc = int8_avg, initcond = '{1,10}');
select average4(n) from v;
create or replace aggregate average4(int) (sfunc = int4_sum, stype = int8);
create or replace aggregate average4(order by int) (sfunc = int4_avg_accum, stype = int8[], finalfunc = int8_avg, initcond = '{0,0}');
create or replace aggregate join_any(text, text) (sfunc = join_texts, stype = text);
create aggregate average4(int) (sfunc = int4_sum, stype = int8);
-- refused
create aggregate bad(int) (stype = int);
create aggregate bad(int) (sfunc = int4pl);
create aggregate bad(int) (sfunc = int4pl, stype = int, nonsense = 1, initcond = 'x');
create aggregate bad(int) (sfunc = int4pl, stype = int8);
create aggregate bad(text) (sfunc = int4pl, stype = int);
create aggregate bad(text) (sfunc = textcat, stype = cstring);
create aggregate bad(text) (sfunc = texteq, stype = text);
create aggregate bad(int) (sfunc = width_bucket, stype = int);
create aggregate bad(int, int) (sfunc = int4pl, stype = int);
create aggregate bad(int8) (sfunc = int4_sum, stype = int8);
create aggregate bad(int4) (sfunc = int4_avg_accum, stype = int8[], finalfunc = int8_avg);
create aggregate bad(int) (sfunc = int4pl, stype = int, msfunc = int4pl);
create aggregate bad(int) (sfunc = int4pl, stype = int, mstype = int, msfunc = int4pl);
create aggregate bad(int) (sfunc = int4pl, stype = int, mstype = int, msfunc = int4pl, minvfunc = int4eq);
create aggregate bad(int) (sfunc = int4pl, stype = int, mstype = int8, msfunc = int84pl, minvfunc = int84mi);
create aggregate bad(int) (sfunc = int4pl, stype = int, basetype = int);
create aggregate bad (sfunc = int4pl, stype = int);
create aggregate bad(int) (sfunc = int4pl, stype = anyelement);
create aggregate bad(int) (sfunc = int4pl, stype = int, hypothetical);
create aggregate bad(int) (sfunc = int4pl, stype = int, sortop = @@@);
create aggregate bad(int) (sfunc = int4pl, stype = int, parallel = maybe);
create aggregate bad(int) (sfunc = int4pl, stype = int, finalfunc_modify = never);
create aggregate bad(int) (sfunc = int4pl, stype = int, serialfunc = int4send);
create aggregate bad(out int) (sfunc = int4pl, stype = int);
create aggregate bad(setof int) (sfunc = int4pl, stype = int);
create aggregate bad(int default 3) (sfunc = int4pl, stype = int);
select average4(n, n) from v;
select average4() from v;
select average4(average4(n)) from v;
