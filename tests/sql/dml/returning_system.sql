-- ctid, xmin, xmax and tableoid of rows as they were written
create table u (a int primary key, b int);
insert into u values (1, 1) returning ctid, xmin = pg_current_xact_id()::xid as own, xmax, tableoid::regclass, *;
insert into u values (1, 2), (2, 2) on conflict (a) do update set b = excluded.b returning a, b, xmax = 0 as inserted;
insert into u select 3, 3 returning (xmax = 0), a;
update u set b = b + 1 where a = 3 returning xmin = pg_current_xact_id()::xid as own, xmax, tableoid::regclass, a, b;
delete from u where a = 3 returning tableoid::regclass, xmin <> pg_current_xact_id()::xid as old, a;
select xmax, a from u where a = 2;
create table p (a int, b int) partition by list (a);
create table p1 partition of p for values in (1);
create table p2 partition of p for values in (2);
insert into p values (1, 1), (2, 2) returning tableoid::regclass, *;
update p set a = 2 where a = 1 returning tableoid::regclass, a, b;
delete from p returning tableoid::regclass, a, b;
