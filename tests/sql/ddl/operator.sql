-- Operators: names found through search_path, commutators and negators that come later, prefix ones.
create function close_to(numeric, numeric) returns boolean language sql immutable as 'select abs($1 - $2) < 1';
create function far_from(numeric, numeric) returns boolean language sql immutable as 'select not abs($1 - $2) < 1';
create operator ~~~ (leftarg = numeric, rightarg = numeric, function = close_to, commutator = ~~~, negator = !~~~, restrict = eqsel, join = eqjoinsel);
select 1.5 ~~~ 2, 1.5 operator(public.~~~) 3, 2 ~~~ 2.5;
select 1.5 !~~~ 2;
select oprname, oprkind, oprleft::regtype, oprright::regtype, oprresult::regtype, oprcom::regoperator, oprnegate::regoperator, oprcode, oprrest, oprjoin, oprcanmerge, oprcanhash
  from pg_operator where oid >= 16384 order by 1;
create operator !~~~ (leftarg = numeric, rightarg = numeric, procedure = far_from, commutator = !~~~);
select 1.5 !~~~ 2, 1.5 !~~~ 3;
select oprname, oprcom::regoperator, oprnegate::regoperator from pg_operator where oid >= 16384 order by 1;
create operator !~~~ (leftarg = numeric, rightarg = numeric, procedure = far_from);
create function double(int) returns int language sql as 'select $1 * 2';
create operator @# (rightarg = int, function = double);
select @# 21, @# (1 + 1), - @# 3;
select @# 'x'::text;
select 4 @# 3;
-- schemas
create schema o;
create operator o.~~~ (leftarg = numeric, rightarg = numeric, function = far_from);
set search_path = o, public;
select 1.5 ~~~ 2, 1.5 operator(public.~~~) 2, 1.5 operator(o.~~~) 2;
create table t(a numeric, b int);
insert into public.t values (1, 2);
reset search_path;
create table p(a numeric, b int);
insert into p values (1, 1), (2.5, 2), (7, 3);
create view v as select a ~~~ 2 as near, a operator(o.~~~) 2 as far, @# b as twice from p where not a ~~~ 100;
\d+ v
select * from v;
set search_path = o;
select pg_get_viewdef('public.v'::regclass);
reset search_path;
create index on p ((a ~~~ 2));
alter table p add check (b !~~~ 100);
\d p
insert into p values (1, 100);
-- any, all, order by
select a from p where a ~~~ any (array[1.2, 6.9]) order by a;
select a from p where not a ~~~ all (array[1.2, 6.9]) order by a;
select a from p order by a using ~~~;
\do ~~~
comment on operator ~~~ (numeric, numeric) is 'near';
select obj_description('~~~(numeric,numeric)'::regoperator, 'pg_operator');
-- changed
alter operator ~~~ (numeric, numeric) set (restrict = none);
select oprrest, oprjoin from pg_operator where oid = 'public.~~~(numeric,numeric)'::regoperator;
alter operator ~~~ (numeric, numeric) set (restrict = neqsel, join = none);
select oprrest, oprjoin from pg_operator where oid = 'public.~~~(numeric,numeric)'::regoperator;
alter operator ~~~ (numeric, numeric) set (negator = =);
alter operator ~~~ (numeric, numeric) set (hue = 3);
alter operator @# (none, int) set (join = eqjoinsel);
alter operator o.~~~ (numeric, numeric) set schema public;
alter operator @# (none, int) set schema o;
select @# 3;
select operator(o.@#) 3;
-- dropped
drop function close_to(numeric, numeric);
drop operator ~~~ (numeric, numeric);
drop view v;
drop index p_expr_idx;
drop operator ~~~ (numeric, numeric);
select oprname, oprcom::regoperator, oprnegate::regoperator from pg_operator where oid >= 16384 order by 1;
drop operator if exists ~~~ (numeric, numeric);
drop operator if exists ~~~ (numeric, none);
drop operator @# (int, none);
drop operator !~~~ (numeric, numeric);
drop operator !~~~ (numeric, numeric) cascade;
-- refused
create operator bad;
create operator ### (leftarg = int, rightarg = int);
create operator ### (function = int4pl);
create operator ### (leftarg = int, function = int4um);
create operator ### (leftarg = int, rightarg = int, function = nothing);
create operator ### (leftarg = int, rightarg = text, function = int4pl);
create operator ### (leftarg = setof int, rightarg = int, function = int4pl);
create operator ### (leftarg = int, rightarg = int, function = int4pl, negator = ##!);
create operator ### (leftarg = int, rightarg = int, function = int4pl, hashes);
create operator ### (leftarg = int, rightarg = int, function = int4eq, negator = ###);
create operator ### (rightarg = int, function = int4um, commutator = ###);
create operator ### (leftarg = int, rightarg = int, function = int4eq, restrict = int4pl);
create operator ### (leftarg = int, rightarg = int, function = int4eq, colour = red);
select 1 ### 1;
select 1 ### 'a'::text;
select 1 operator(nowhere.###) 1;
