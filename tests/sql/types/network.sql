-- inet, cidr, macaddr, macaddr8: forms, order, indexes, parts, errors.
create table net (i inet primary key, c cidr);
insert into net values ('10.1.2.3/8', '10'), ('10.1.2.3', '10.1.2.3'), ('192.168.1.226/24', '192.168.1'), ('::ffff:1.2.3.4', '::ffff:1.2.3.0/120'),
  ('10:23::f1', '10:23::f1/64'), ('10:23::8000/113', '10:23::ffff'), ('9.1.2.3/8', '9.0.0.0/8'), ('11.1/16', '2001:4f8:3:ba::/64');
select i, host(i), text(i), abbrev(i), family(i), masklen(i), broadcast(i), network(i), netmask(i), hostmask(i) from net order by i;
select c, abbrev(c), set_masklen(c, 30), set_masklen(i, 12) from net where family(c) = 4 order by c;
select i from net where i << '10.0.0.0/7' order by i;
select i from net where i > '10.1.2.3/8' order by i desc;
select a.i, b.i, a.i && b.i as overlap, a.i >>= b.i as holds, inet_same_family(a.i, b.i) from net a, net b where a.i < b.i and masklen(a.i) < 32 order by a.i, b.i;
select inet '192.168.1.6' + 25, inet '192.168.1.6' - 25, inet '192.168.1.43' - inet '192.168.1.6', ~inet '192.168.1.6', inet '192.168.1.6' & '0.0.0.255', inet '192.168.1.6' | '0.0.0.255';
select inet_merge('192.168.1.5/24', '192.168.2.5/24'), min(i), max(i) from net group by 1;
select inet '255.255.255.255' + 1;
select inet '1.2.3.4' - inet '::1';
select cidr '192.168.1.2/30';
select inet '1.2.3/32', inet '1234::1234::1234';
select inet '1.2.3.4/33';
select set_masklen(inet '1.2.3.4', 55);
select distinct family(i) from net order by 1;
select array_agg(i order by i) = array_agg(i order by host(i)) from net;
create table mac (a macaddr primary key, b macaddr8 unique);
insert into mac values ('08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05'), ('08-00-2b-01-02-04', '08002b:0102030406'), ('08002b:010205', '08002b010206'),
  ('0800.2b01.0206', '0800.2b01.0206.0708'), ('08002b010207', '08-00-2b-01-02-08'), ('0800-2b01-0208', '08:00:2b:ff:fe:01:02:03');
select a, ~a as n, a & '00:00:00:ff:ff:ff' as x, a | '01:02:03:04:05:06' as o, trunc(a) as t, a::macaddr8 as w, macaddr8_set7bit(b), trunc(b) from mac order by a;
select b, b::macaddr from mac where b = '08:00:2b:ff:fe:01:02:03';
select b::macaddr from mac where b = '08:00:2b:01:02:03:04:05';
select a from mac where a > '08:00:2b:01:02:05' order by a desc;
select '0800:2b01:0203'::macaddr;
select '08:00:2b:01:02:1203'::macaddr;
select '08:00:2b:01:02:03:04'::macaddr8;
