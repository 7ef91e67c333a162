-- Texts of transaction ids are read as C reads numbers, as far as they are numbers.
select '010'::xid, '42'::xid, '0xffffffff'::xid, '-1'::xid, ''::xid, 'asdf'::xid, ' 7x'::xid, '0x'::xid, '089'::xid;
select '010'::xid8, '0xffffffffffffffff'::xid8, '-1'::xid8, ''::xid8, '99999999999999999999999'::xid8;
select '(1, 2)'::tid, '( 3,4)'::tid, '(-1,0)'::tid;
select '(1 ,2)'::tid;
select pg_snapshot '1:9223372036854775808:3';
select sum(a) over (order by b range between '1 day'::interval preceding and current row) from (values (1, 'x'::varchar)) v(a, b);
