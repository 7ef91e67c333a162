-- parameters of a sub-select that nothing else settles are what the columns are
create table kept (a int, b text, c date, d numeric(6, 2) default 1);
prepare plain as insert into kept select $1, $2, $3;
prepare from_rows as insert into kept (c, a) select $2, $1 from generate_series(1, 2);
prepare mixed as insert into kept (a, b, d) select $1 + 1, 'x' || $2, $3;
prepare same as insert into kept (a, b) select $1, $1;
prepare branches as insert into kept (a, b) select $1, $2 union all select 7, 'seven';
prepare in_with as with w as (insert into kept (d, b) select $1, $2 returning d, b) select * from w;
prepare declared (bigint, text) as insert into kept select $1, $2;
prepare sorted as insert into kept (a, b) select distinct $1, $2;
select name, parameter_types from pg_prepared_statements order by name;
execute plain (1, 'one', '2026-01-02');
execute from_rows ('2', '2026-02-03');
execute mixed (2, 'y', '12.345');
execute in_with ('3.999', 4);
execute declared (5, 6);
execute branches (8, 'eight');
select * from kept order by a, b, c, d;
drop table kept;
