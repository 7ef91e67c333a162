-- Indexes built over tables of a size that several threads share: what they give is what a sort gives.
create table built (n int, k int, t text, mixed text, f float8);
insert into built
    select i, (i * 7919) % 100003 - 50000, 'a common beginning ' || (i * 31) % 40009,
           case i % 5 when 0 then null when 1 then '' when 2 then chr(97 + i % 26) when 3 then repeat(chr(97 + i % 7), i % 40) else md5(i::text) end,
           case when i % 1000 = 0 then null else (i % 777) / 7.0 end
    from generate_series(1, 40000) i;
update built set k = null where n % 997 = 0;
delete from built where n % 13 = 5;
create index built_k on built (k);
create index built_t on built (t);
create index built_mixed on built (mixed);
create index built_f on built (f desc nulls last, n);
create unique index built_n on built (n);
analyze built;
set enable_seqscan = off;
set enable_sort = off;
set enable_bitmapscan = off;
set max_parallel_workers_per_gather = 0;
select count(*), md5(string_agg(k::text, ',')) from (select k from built where k is not null order by k) s;
select count(*) from (select k, lag(k) over () before from (select k from built order by k) s) o where before > k;
select count(*), md5(string_agg(t, ',')) from (select t from built order by t) s;
select count(*), md5(string_agg(coalesce(mixed, '-'), ',')) from (select mixed from built order by mixed) s;
select count(*), sum(n) from built where mixed is null;
select count(*), min(n), max(n) from built where mixed = '';
select count(*) from built where mixed between 'a' and 'b';
select n, f from built order by f desc nulls last, n limit 3;
select n, f from built where f is null order by n limit 3;
select n, k, t from built where n in (1, 5, 20000, 39999, 40000) order by n;
select n from built where t = 'a common beginning 31';
-- Two rows with one key, in different parts of the table and in the same one.
drop index built_n;
insert into built values (1);
create unique index twice on built (n);
delete from built where n = 1 and t is null;
create unique index twice on built (n);
drop index twice;
insert into built values (40001), (40001);
create unique index twice on built (n);
create unique index nulls on built (k) where k is null and n > 40000;
create unique index twice_t on built ((t || ''));
-- One key that does not fit behind many that are short, and the other way round.
create table turns (b bytea);
insert into turns select decode(lpad(to_hex(i % 50000), 8, '0'), 'hex') from generate_series(1, 60000) i;
insert into turns values ('\x0000000000000000000001'), ('\x'), ('\x00'), ('\x0000c34f00'), ('\x0000c34f');
create index turns_b on turns (b);
analyze turns;
select count(*), md5(string_agg(encode(b, 'hex'), ',')) from (select b from turns order by b) s;
select b, count(*) from turns where b >= '\x0000c34e' group by b order by b;
select b from turns where b < '\x00000001' order by b;
drop table built, turns;
