-- Loads long enough for two threads: rows in their order, and the error of the first bad row, wherever it shows.
create table loaded (n int, t text not null, a numeric(8,2));
\copy loaded from program 'seq 1 30000 | awk ''{ print $1 "\trow " $1 "\t" $1 % 97 ".25" }'''
select count(*), sum(n), min(t), max(t), sum(a) from loaded;
select count(*) from (select n, lag(n) over (order by ctid) before from loaded) o where before > n;
create unique index loaded_n on loaded (n);
truncate loaded;
-- a value that is none, far behind
\copy loaded from program 'seq 1 30000 | awk ''{ print $1 "\trow " $1 "\t" ($1 == 21111 ? "x" : 1) }'''
select count(*) from loaded;
-- a key that is there already, and behind it a value that is none
\copy loaded from program 'seq 1 30000 | awk ''{ print ($1 == 20500 ? 77 : $1) "\trow " $1 "\t" ($1 == 21900 ? "x" : 1) }'''
select count(*) from loaded;
-- the same the other way round
\copy loaded from program 'seq 1 30000 | awk ''{ print ($1 == 20990 ? 77 : $1) "\trow " $1 "\t" ($1 == 20500 ? "x" : 1) }'''
-- a null where none may be, in the last batch
\copy loaded from program 'seq 1 30000 | awk ''{ print $1 "\t" ($1 == 29999 ? "NIL" : "t") "\t1" }''' (null 'NIL')
-- too few fields
\copy loaded from program 'seq 1 30000 | awk ''{ print $1 "\tt" ($1 == 15000 ? "" : "\t1") }'''
select count(*) from loaded;
-- in a transaction that goes on, behind rows of its own
begin;
insert into loaded values (0, 'first', 0);
savepoint s;
\copy loaded from program 'seq 1 20000 | awk ''{ print ($1 == 19999 ? 0 : $1) "\tt\t1" }'''
rollback to s;
\copy loaded from program 'seq 1 20000 | awk ''{ print $1 "\tt\t1" }'''
select count(*), sum(n) from loaded;
commit;
select count(*) from loaded where n between 100 and 199;
-- what refers to another table is checked when all are in
create table referring (n int references loaded (n), m int default 5);
\copy referring (n) from program 'seq 1 20000'
\copy referring (n, m) from program 'seq 1 20001 | awk ''{ print $1 "\t" 1 }'''
select count(*), sum(m) from referring;
-- what is checked, computed or cast row by row
create table checked (n int check (n <> 17000), d int generated always as (n * 2) stored, s serial);
\copy checked (n) from program 'seq 1 16000'
\copy checked (n) from program 'seq 16001 30000'
select count(*), sum(d), max(s) >= count(*) from checked;
\copy loaded to program 'tail -c 0'
drop table referring, loaded, checked;
