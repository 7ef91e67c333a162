-- Filters that a scan tries before it reads the rest of a row: the same rows, counts and errors as after it.
create table readings (id int, kind char(2), amount numeric(12,3), noted date, note text, parts int[]);
insert into readings select n, case when n % 3 = 0 then 'a' when n % 3 = 1 then 'bb' end, n * 1.125, date '2020-01-01' + n % 400, 'note ' || n || repeat('x', n % 50), array[n, n + 1]
  from generate_series(1, 3000) n;
select count(*), sum(id), min(note), max(amount) from readings where noted < '2020-02-01';
select count(*), sum(id) from readings where noted >= timestamp '2020-12-31 12:00:00' and noted < date '2020-06-01' + interval '8 months';
select count(*), sum(id) from readings where kind = 'a' and amount between 100 and 200.5;
select count(*), sum(id) from readings where kind is null;
select count(*), sum(id) from readings where not (kind = 'a') or amount > 3370;
select count(*), sum(id) from readings where note like '%7xx%' and id in (7, 107, 207, 1307, 2007, 17, 27, 37, 47, 57, 67, 77);
select count(*), sum(parts[1]) from readings where parts[2] = 2001 or id < 3;
select id, note from readings where amount > 3000 order by id limit 3;
select id from readings where amount > 3000 limit 2;
-- columns that came later, values that lie outside, rows that changed
alter table readings add column extra int default 5;
insert into readings select n, 'cc', n, date '2021-06-01', repeat(md5(n::text), 300), null, n from generate_series(4001, 4040) n;
select count(*), sum(id), sum(extra), sum(length(note)) from readings where extra = 5 or extra > 4030;
select count(*), sum(id) from readings where note like '%c4%' and noted > '2021-05-31';
begin;
update readings set note = note || '!', noted = noted + 1000 where id % 10 = 0;
delete from readings where id % 7 = 0;
select count(*), sum(id), count(*) filter (where note like '%!') from readings where noted > '2022-01-01';
rollback;
select count(*), sum(id), count(*) filter (where note like '%!') from readings where noted > '2022-01-01';
-- an error is that of the first row that has it, after the rows before it
select id from readings where 10 / (id - 1500) > 0 and id > 1400;
select count(*) from readings where id > 2000 and 10 / (id - 1500) >= 0;
select id from readings where 10 / (id - 1500) <= 0 limit 1;
prepare few(date, text) as select count(*), sum(id) from readings where noted < $1 and note like $2;
execute few('2020-03-01', 'note 1%');
execute few(null, 'note 1%');
explain (analyze, costs off, timing off, summary off) select id from readings where noted < '2020-01-11' and kind = 'a';
