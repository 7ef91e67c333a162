-- A domain over a domain has its default, unless it says another one
create domain base_number as int default 3 check (value > 0);
create domain even_number as base_number check (value % 2 = 1);
create domain other_number as base_number default 5;
create domain no_number as even_number default null;
create table numbers (a base_number, b even_number, c other_number, d no_number, e int);
insert into numbers (e) values (1);
select * from numbers;
\dD
alter domain base_number set default 7;
insert into numbers (e) values (2);
alter domain even_number drop default;
insert into numbers (e) values (3);
select * from numbers order by e;
