-- Nulls inside arrays and rows of domains that have none.
create domain pos as int check (value > 0) not null;
create domain posn as pos;
create domain som as int check (value is not null);
select '{1,null}'::pos[];
select '{1,null}'::posn[];
select '{1,null}'::som[];
select array[1, null]::pos[];
select array[1, null]::som[];
select array[1, null]::posn[];
create type cp as (a pos, b int);
select '(,1)'::cp;
select row(null, 1)::cp;
select array[row(null, 1)]::cp[];
create table t (a pos[], b som[], c cp);
insert into t values ('{1}', '{1}', '(1,)');
update t set a[2] = null;
update t set a[3] = 5;
update t set a[2:3] = '{1,null}';
update t set b[2] = null;
update t set c.a = null;
copy t from stdin;
{null}	{1}	\N
\.
copy t from stdin;
{1}	{null}	\N
\.
copy t from stdin;
{1}	{2}	(,3)
\.
select * from t;
select array_append('{1}'::pos[], null), array_fill(null::pos, array[2]);
select jsonb_populate_record(null::t, '{"a": [1, null]}');
select unnest('{1,2}'::pos[]) is null, pg_typeof(('{1,2}'::pos[])[5]), ('{1,2}'::pos[])[5];
