-- Settings that roles and databases begin their sessions with, and settings of users' own.
create role ss_a login;
create role ss_b;
create database ss_db;
alter role ss_a set work_mem = '2MB';
alter role ss_a set search_path = "$user", "Mixed", plain;
alter role ss_a set datestyle to 'SQL, DMY';
alter role ss_a in database ss_db set work_mem = '3MB';
alter database ss_db set work_mem = '4MB';
alter database ss_db set app.tenant = 'seven';
alter role ss_a set no_such_thing = 1;
alter role ss_a set work_mem = 'much';
alter role ss_a set server_version = '1';
alter role nobody_there set work_mem = '1MB';
alter database nothing_there set work_mem = '1MB';
alter role ss_a set "bad name".x = 1;
select coalesce(d.datname, '-') as database, coalesce(r.rolname, '-') as role, setconfig
from pg_db_role_setting s left join pg_database d on d.oid = setdatabase left join pg_roles r on r.oid = setrole order by 1, 2;
\drds ss_a
\connect ss_db ss_a
show work_mem;
show search_path;
show datestyle;
show app.tenant;
set work_mem = '9MB';
reset work_mem;
show work_mem;
alter role ss_b set work_mem = '1MB';
alter role all set work_mem = '1MB';
alter role ss_a in database ss_db reset work_mem;
alter role ss_a set timezone = 'UTC';
alter database ss_db set work_mem = '1MB';
\connect - -
\connect
show work_mem;
show timezone;
\connect postgres admin
alter role ss_a reset work_mem;
alter role ss_a reset datestyle;
alter database ss_db reset all;
select coalesce(d.datname, '-') as database, coalesce(r.rolname, '-') as role, setconfig
from pg_db_role_setting s left join pg_database d on d.oid = setdatabase left join pg_roles r on r.oid = setrole order by 1, 2;
alter role ss_a reset all;
select count(*) from pg_db_role_setting;
begin;
alter role ss_a set work_mem = '5MB';
rollback;
select count(*) from pg_db_role_setting;
alter role ss_a set work_mem = '5MB';
drop database ss_db;
drop role ss_a;
select count(*) from pg_db_role_setting;
-- how long a password holds, how many sessions
create role ss_c login valid until '2030-01-01 00:00:00+00' connection limit 3;
select rolvaliduntil at time zone 'UTC', rolconnlimit from pg_roles where rolname = 'ss_c';
alter role ss_c valid until 'infinity' connection limit -1;
select rolvaliduntil, rolconnlimit from pg_roles where rolname = 'ss_c';
alter role ss_c valid until 'soon';
alter role ss_c connection limit -2;
drop role ss_b, ss_c;
-- settings of one's own follow the transaction
show app.user;
select current_setting('app.user', true) is null;
begin;
select set_config('app.user', 'ann', true);
select current_setting('app.user');
commit;
select current_setting('app.user');
set app.user = 'bob';
begin;
set app.user = 'carl';
savepoint s;
set local app.user = 'dora';
show app.user;
rollback to s;
show app.user;
rollback;
show app.user;
begin;
set App.User = 'emil';
set local app.user = 'fred';
show app.user;
commit;
show app.user;
reset app.user;
show app.user;
set app.user to default;
set app."no good" = 1;
set app. = 1;
set search_path = 'a, b', "C", "$user";
show search_path;
set search_path to default;
set vacuum_cost_delay = '80.1ms';
show vacuum_cost_delay;
