-- Texts that begin alike are compared by what follows; some that begin otherwise, that end early, and nulls come among them.
create table starts (id int, note text, word varchar(40));
insert into starts select i, 'a rather long beginning of a text, ' || (i * 7919 % 20011), case i % 4 when 0 then null when 1 then '' when 2 then 'row ' || i % 977 else 'row' end
  from generate_series(1, 20000) i;
select md5(string_agg(id::text, ' ')) from (select id from starts order by note, id offset 0) s;
select md5(string_agg(id::text, ' ')) from (select id from starts order by note desc, id offset 0) s;
select md5(string_agg(id::text, ' ')) from (select id from starts order by word, note offset 0) s;
select md5(string_agg(id::text, ' ')) from (select id from starts order by word desc nulls last, note desc offset 0) s;
select md5(string_agg(id::text, ' ')) from (select id from starts order by note collate "C", id offset 0) s;
-- the same in runs
set work_mem = '64kB';
select md5(string_agg(id::text, ' ')) from (select id from starts order by note, id offset 0) s;
select md5(string_agg(id::text, ' ')) from (select id from starts order by note desc, id offset 0) s;
select md5(string_agg(id::text, ' ')) from (select id from starts order by word, note offset 0) s;
select md5(string_agg(id::text, ' ')) from (select id from starts order by word desc nulls last, note desc offset 0) s;
select md5(string_agg(id::text, ' ')) from (select id from starts order by note::bytea, id offset 0) s;
-- strangers: at the end of the first run, in a later one, shorter than what is common, and a row of its own length
insert into starts values (0, 'a rather', null), (-1, '', 'row'), (-2, null, ''), (-3, 'a rather long beginning of a text, ', 'ro'), (-4, 'b', 'zz');
select md5(string_agg(id::text, ' ')) from (select id from starts order by note, id offset 0) s;
select md5(string_agg(id::text, ' ')) from (select id from starts order by note desc nulls last, id offset 0) s;
select md5(string_agg(id::text, ' ')) from (select id from starts order by word nulls first, id offset 0) s;
select id, note from starts order by note, id limit 5;
select id, note from starts order by note desc, id limit 5;
select id, note from (select * from starts order by note, id offset 0) s where id <= 0;
-- columns that nobody reads are not sorted along
explain (verbose, costs off) select count(note) from (select * from starts order by id offset 0) s;
select count(note), count(word) from (select * from starts order by id offset 0) s;
drop table starts;
