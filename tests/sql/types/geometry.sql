-- Geometric types: columns, operators, casts, subscripts, and what they cannot do.
create table shapes (id int primary key, p point, s lseg, l line, b box, w path, g polygon, c circle);
insert into shapes values
  (1, '(1,2)', '[(0,0),(3,4)]', '{1,-1,0}', '(3,4),(1,1)', '[(0,0),(1,1),(2,0)]', '((0,0),(4,0),(4,4),(0,4))', '<(0,0),5>'),
  (2, '(3.5,-1)', '[(1,1),(1,5)]', '[(0,0),(0,1)]', '((0,0),(2,2))', '((0,0),(4,0),(4,4))', '((1,1),(2,1),(2,2))', '<(10,10),0.5>'),
  (3, null, null, null, null, null, null, null);
select * from shapes order by id;
\d shapes
select id, p <-> point '(0,0)' as distance from shapes order by p <-> point '(0,0)';
select id from shapes where p <@ circle '<(0,0),3>';
select id from shapes where b && box '(2.5,2.5),(9,9)' order by id;
select a.id, z.id, a.g @> z.g as contains, a.g && z.g as overlaps from shapes a join shapes z on a.id <= z.id order by 1, 2;
select id, length(s), center(b), area(b), npoints(w), isclosed(w), radius(c), @@ g as middle, # g as corners from shapes order by id;
-- casts
select id, p::box, s::point, b::circle, b::polygon, b::lseg, c::box, c::point, g::path, g::circle, g::box, g::point from shapes order by id;
select w::polygon from shapes where id = 2;
select w::polygon from shapes where id = 1;
select c::polygon from shapes where id = 2;
select 'abc'::text::point;
-- subscripts
select p[0], p[1], p[2], s[0], s[1], b[0], b[1], l[0], l[2], (b[0])[1] from shapes order by id;
update shapes set p[0] = 7, b[1] = point '(-1,-1)' where id < 4;
update shapes set p[1] = null where id = 1;
select id, p, b from shapes order by id;
update shapes set p[5] = 1 where id = 1;
update shapes set p[0:1] = 1 where id = 1;
select p[0:1] from shapes;
select w[0] from shapes;
select c[0] from shapes;
-- no order, no equality
select p from shapes order by p;
select distinct p from shapes;
select p from shapes group by p;
select count(distinct c) from shapes;
select p = p from shapes;
create index on shapes (p);
create unique index on shapes (b);
select p from shapes union select p from shapes;
select p from shapes union all select point '(0,0)' order by 1;
-- arrays, aggregates, domains, defaults
select array_agg(p order by id), array_agg(b order by id) from shapes;
select array[point '(1,2)', point '(3,4)'], '{(1,2),(3,4);(5,6),(7,8)}'::box[], '{"(1,2)","(3,4)"}'::point[];
create domain origin as point check (value ~= point '(0,0)');
select '(0,0.0000001)'::origin;
select '(0,0.1)'::origin;
create table places (at point default '(0,0)', constraint near check (at <-> point '(0,0)' < 10));
insert into places default values;
insert into places values ('(10,0)');
insert into places values ('(1,2'), ('(3,4)');
insert into places values ('(1,2)') returning at, at + point '(1,1)';
select at from places order by at[0];
-- limits
select point '(1e308,0)' + point '(1e308,0)';
select circle '<(0,0),1e200>' = circle '<(0,0),1>';
select point '(1,1)' / point '(0,0)';
select line(point '(1,1)', point '(1,1)');
select polygon(1, circle '<(0,0),1>'), 1;
select polygon(0, circle '<(0,0),0>'), 1;
set extra_float_digits = -3;
select point '(0.1,1e-7)' * point '(3,1)';
reset extra_float_digits;
select point '(0.1,1e-7)' * point '(3,1)';
select lseg '[(0,0),(2,2)]' # lseg '[(0,2),(2,0)]' as cross, lseg '[(0,0),(1,1)]' ## point '(5,0)' as nearest, box '(2,2),(0,0)' # box '(3,3),(1,1)' as both;
select path '[(0,0),(1,1)]' + path '[(2,2),(3,3)]', path '[(0,0),(1,1)]' + path '((2,2),(3,3))', path '((1,1))' @> point '(1,1)';
copy (select * from shapes order by id) to stdout;
drop table shapes, places;
