-- Hash values, forms of values as SQL calls them, enums in indexes
select hashint4(42), hashint8(-5), hashint2(7::int2), hashtext('hello world, this is long'), hashfloat8(1.5), hashfloat4('nan'), hashchar('a'), hashname('abc'), hashoid(77), hashbpchar('ab  '::char(5));
select hashint4extended(42,5), hashint8extended(-5,0), hashtextextended('hello',77), hash_numeric(123456.789), hash_numeric(0), hash_numeric_extended(-0.00012300,9), hash_numeric(1e20);
select hash_array(array[1,2,null,3]), hash_array_extended(array['a','b'],3), uuid_hash('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), interval_hash('1 mon 3 days'), time_hash('10:00'), timetz_hash('10:00+02'), timestamp_hash('2020-01-01'), pg_lsn_hash('16/B3');
select jsonb_hash('{"a":1,"b":[null,true,false,"x"]}'), jsonb_hash('3'), jsonb_hash_extended('{"a":1,"b":[null,true,false,"x"]}',0), jsonb_hash_extended('[1,true]',5), hashoidvector('1 2 3'), timetz_hash_extended('10:00+02',3);
select float4send(1.5), int4out(5), textsend('a'), pg_typeof(1), pg_typeof(null::text[]), pg_typeof(1.5), int4in('77'), textin('abc');
create type rainbow as enum('red','orange','yellow');
create table er(r rainbow primary key);
insert into er values('yellow'),('red');
select * from er order by r;
select * from er where r>'orange';
select enum_first(null::rainbow), enum_last('red'::rainbow), enum_range(null::rainbow), enum_range('orange'::rainbow,null);
create index on er(r);
insert into er values('red');
select min(r), max(r) from er where r between 'red' and 'orange';
select enum_first(1);
select 'green'::rainbow;
