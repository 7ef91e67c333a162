-- what may stand among EXECUTE's arguments
prepare p(int) as select $1;
execute p((select 1));
execute p(count(*));
execute p(generate_series(1,2));
execute p(sum(1) over ());
execute p(1 + 2);
execute p(1, 2);
-- arrays of several dimensions become arrays of another type, bounds kept
select '{{1,2},{3,4}}'::int[]::float8[] as a, array[['a','bc'],['def','h']]::varchar(1)[] as b;
select '[0:1][2:3]={{1,2},{3,null}}'::int[]::text[] as a, '{{1.6,null},{3,4}}'::numeric(5,2)[]::int8[] as b;
