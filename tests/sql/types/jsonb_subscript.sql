select ('{"a": [1, {"b": "c"}], "1": 2}'::jsonb)['a'], ('{"a": [1, {"b": "c"}], "1": 2}'::jsonb)['a'][1]['b'], ('{"1": 2}'::jsonb)[1], ('[1, 2]'::jsonb)[-1], ('[1, 2]'::jsonb)['x'],
    ('[1, 2]'::jsonb)['1'], ('7'::jsonb)[0], ('[1]'::jsonb)[null], ('[1]'::jsonb)[5];
select ('[1]'::jsonb)[1.0];
select ('[1]'::jsonb)[1:2];
select ('[1]'::jsonb)[:];
select ('[1]'::json)[0];
create table t (id int, k text, j jsonb);
insert into t values (1, 'x', '{}'), (2, 'y', '[0]'), (3, 'z', null), (4, 'a', '{"a": {"b": [1]}}');
update t set j['k'] = '1' where id = 1;
update t set j[k]['n'] = to_jsonb(id) where id = 1;
update t set j[3] = '"three"', k = 'w' where id = 2;
update t set j[-2] = '"two"' where id = 2;
update t set j['q'][1] = 'true' where id = 3;
update t set j['a']['b'][2] = null, j['c'][0]['d'] = '[]' where id = 4;
select * from t order by id;
insert into t (id, j['v'][1]) values (5, '"in"') returning j, j['v'][1];
update t set j[-9] = '1' where id = 2;
update t set j['q'] = '1' where id = 2;
update t set j[null] = '1' where id = 2;
update t set j['k']['l'] = '1' where id = 1;
update t set j['a'] = 5;
update t set j['a'] = 'x';
select id, j['k'] from t where j['k'] = '1';
create view v as select j['a'][0] as x, (j -> 'b')['c'] as y from t;
\d+ v
-- scalars are arrays of one for ->, and only for it
select '5'::jsonb -> 0, '5'::jsonb -> -1, '5'::jsonb -> 1, '"s"'::jsonb ->> 0, '5'::jsonb #> '{0}', 'null'::jsonb -> 0;
select jsonb '[]' #- '{a}', jsonb '{}' #- '{a}';
select jsonb '[1]' #- '{a}';
-- keys of objects are scalars
select json_build_object(array[1], 2);
select jsonb_build_object(row(1), 2);
select jsonb_build_object('1'::jsonb, 2);
select json_object_agg(x, 1) from (values ('{}'::json)) t(x);
-- rows out of documents: domains, what the base gives, rows that do not fit
create domain positive as int not null check (value > 0);
create type pair as (a positive, b text);
create domain named_pair as pair check ((value).b is not null);
create type nest as (p pair, q named_pair, r text[]);
select jsonb_populate_record(null::pair, '{"b": "x"}');
select jsonb_populate_record(null::pair, '{"a": 0}');
select jsonb_populate_record(row(1, 'x')::pair, '{"b": "y"}');
select jsonb_populate_record(row(1, 'x')::named_pair, '{"b": null}');
select json_populate_record(row(row(1, 'x'), row(2, 'y'), null)::nest, '{"p": {"b": "new"}, "r": ["a", null]}');
select * from json_populate_recordset(row(1, 2), '[{"a": 1}]') as (a int);
select * from json_populate_recordset(row(1, 2), '[{"a": 1}]') as (a int, b text);
select to_json(most_common_vals) from pg_stats where false;
select '{"averyveryveryveryveryveryveryveryverylongfieldname": bad}'::json;
select '[1, 2, ?, 3]'::jsonb;
