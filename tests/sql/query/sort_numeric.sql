-- Order of decimals: those that a double cannot tell apart, specials, scales, both directions, few rows of many.
create table decimals (n int, v numeric);
insert into decimals select i, v::numeric from (values
    ('NaN'), ('Infinity'), ('-Infinity'), ('0'), ('-0.000'), ('0.0'), ('1'), ('1.000'), ('1.0000000000000000000001'), ('0.9999999999999999999999'),
    ('9007199254740992'), ('9007199254740993'), ('9007199254740992.5'), ('9007199254740991'), ('-9007199254740993'), ('-9007199254740992'),
    ('123456789012345678901234567890'), ('123456789012345678901234567891'), ('1e400'), ('1e401'), ('-1e400'), ('1e-300'), ('1e-400'), ('2e-400'), ('-1e-400'),
    ('0.1'), ('0.10'), ('0.1000000000000000055511151231257827'), ('0.09999999999999999'), (null)) t(v), generate_series(1, 40) i;
select distinct v from decimals order by v;
select v, count(*) from decimals group by v order by v desc nulls last;
select v, n from decimals order by v desc, n, v::text limit 100 offset 35;
select v, n from decimals order by v nulls first, n desc, v::text limit 60 offset 30;
select v, n from decimals where v < 1 and v > -1 order by v, n, v::text limit 5 offset 37;
set work_mem = '64kB';
select count(*) from (select v, lag(v) over (order by v, n) before from (select v, n from decimals, generate_series(1, 20) order by v, n) s) t where v < before;
