-- SPDX-License-Identifier: Apache-2.0
-- Constraints, and the indexes behind them, by names that are taken.
create table q (a int, b int, constraint ck check (a > 0));
alter table q add constraint k unique (a);
alter table q add constraint k unique (b);
alter table q add constraint ck unique (b);
alter table q add constraint k primary key (b);
alter table q add constraint k exclude (b with =);
alter table q add constraint k check (b > 0);
create table r (a int);
alter table q add constraint r unique (b);
create index ii on q (a);
alter table q add constraint ii unique (b);
alter table q add constraint q unique (b);
create table k (x int);
create table z (x int, constraint k unique (x));
create table z (x int, constraint zz unique (x), constraint zz check (x > 0));
create table z (x int, constraint zz check (x > 0), constraint zz check (x > 1));
create table z (x int, constraint zz unique (x), constraint zz unique (x));
create table z (x int, y int, constraint zz unique (x), constraint zz unique (y));
alter table q add constraint ck foreign key (a) references q (a);
alter table q rename constraint k to ck;
alter table q rename constraint k to r;
alter index k rename to ck;
create table parent (a int, constraint pc check (a > 0));
create table child (constraint pc check (a > 0)) inherits (parent);
create table child2 (constraint pc check (a > 1)) inherits (parent);
create table child3 (b int, constraint pc check (b > 0), constraint pc check (b > 0)) inherits (parent);
