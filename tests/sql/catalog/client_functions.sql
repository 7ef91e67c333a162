-- What clients ask about values, indexes, settings, and what views let through
create table base (a int primary key, b text, c varchar(10) collate "C");
create index base_lower on base (lower(b) desc, a) include (c);
create index base_hash on base using hash (a);
select pg_column_size(1), pg_column_size(1::bigint), pg_column_size('abc'::text), pg_column_size(true), pg_column_size(null::int);
select pg_collation_for('a'::text), pg_collation_for('a' collate "C"), pg_collation_for(c) from (values ('x'::text)) v(c);
select pg_collation_for(1);
select oidvectortypes(proargtypes) from pg_proc where proname = 'substr' order by 1;
select p, pg_index_column_has_property('base_lower'::regclass, 1, p) as first, pg_index_column_has_property('base_lower'::regclass, 2, p) as second,
       pg_index_column_has_property('base_lower'::regclass, 3, p) as carried, pg_index_column_has_property('base_lower'::regclass, 4, p) as none,
       pg_index_column_has_property('base_hash'::regclass, 1, p) as hash
from unnest(array['asc', 'desc', 'nulls_first', 'nulls_last', 'orderable', 'distance_orderable', 'returnable', 'search_array', 'search_nulls', 'bogus']) p;
select p, pg_index_has_property('base_pkey'::regclass, p), pg_index_has_property('base_hash'::regclass, p), pg_index_has_property('base'::regclass, p)
from unnest(array['clusterable', 'index_scan', 'bitmap_scan', 'backward_scan', 'bogus']) p;
select amname, p, pg_indexam_has_property(a.oid, p) from pg_am a, unnest(array['can_order', 'can_unique', 'can_multi_col', 'can_exclude', 'can_include', 'bogus']) p
where amname in ('btree', 'hash') order by 1, 2;
select pg_get_expr(indexprs, indrelid), pg_get_expr(indexprs, indrelid, true) from pg_index where indexrelid = 'base_lower'::regclass;
select pg_get_function_arguments(oid), pg_get_function_identity_arguments(oid) from pg_proc where proname in ('mode', 'rank', 'percentile_cont') and prokind = 'a' order by 1;
select current_query();
select inet_client_addr(), inet_client_port();
select age('3'::xid) >= 0, mxid_age('1');
select has_parameter_privilege('work_mem', 'set'), has_parameter_privilege('work_mem', 'SET, alter system with grant option');
select has_parameter_privilege('work_mem', 'read');
create role parameter_user;
select has_parameter_privilege('parameter_user', 'work_mem', 'set'), has_parameter_privilege('nobody_here', 'work_mem', 'set');
drop role parameter_user;
create view plain as select a, b, a + 1 as c from base;
create view above as select b, c from plain;
create view computed as select a + 1 as c from base;
create view counted as select count(*) from base;
select table_name, is_updatable, is_insertable_into from information_schema.views where table_schema = 'public' order by 1;
select table_name, is_insertable_into from information_schema.tables where table_schema = 'public' order by 1;
select table_name, column_name, is_updatable from information_schema.columns where table_schema = 'public' order by 1, ordinal_position;
select c.relname, pg_relation_is_updatable(oid, false) from pg_class c where relname in ('base', 'plain', 'above', 'computed', 'counted', 'base_pkey') order by 1;
