\set w random(1, :w)
\set d random(1, 10)
\set c random(1, 3000)
\set i1 random(1, 20000)
\set i2 random(20001, 40000)
\set i3 random(40001, 60000)
\set i4 random(60001, 80000)
\set i5 random(80001, 100000)
begin;
select c_discount, c_last, c_credit, w_tax from customer, warehouse where w_id = :w and c_w_id = w_id and c_d_id = :d and c_id = :c;
update district set d_next_o_id = d_next_o_id + 1 where d_w_id = :w and d_id = :d returning d_next_o_id - 1 as o, d_tax \gset
insert into orders values (:w, :d, :o, :c, now(), null, 5);
insert into new_order values (:w, :d, :o);
select i_price as p1, i_name, i_data from item where i_id = :i1 \gset
update stock set s_quantity = case when s_quantity > 15 then s_quantity - 5 else s_quantity + 86 end, s_ytd = s_ytd + 5, s_order_cnt = s_order_cnt + 1 where s_w_id = :w and s_i_id = :i1 returning s_dist;
insert into order_line values (:w, :d, :o, 1, :i1, :w, null, 5, :p1::numeric * 5);
select i_price as p2, i_name, i_data from item where i_id = :i2 \gset
update stock set s_quantity = case when s_quantity > 15 then s_quantity - 5 else s_quantity + 86 end, s_ytd = s_ytd + 5, s_order_cnt = s_order_cnt + 1 where s_w_id = :w and s_i_id = :i2 returning s_dist;
insert into order_line values (:w, :d, :o, 2, :i2, :w, null, 5, :p2::numeric * 5);
select i_price as p3, i_name, i_data from item where i_id = :i3 \gset
update stock set s_quantity = case when s_quantity > 15 then s_quantity - 5 else s_quantity + 86 end, s_ytd = s_ytd + 5, s_order_cnt = s_order_cnt + 1 where s_w_id = :w and s_i_id = :i3 returning s_dist;
insert into order_line values (:w, :d, :o, 3, :i3, :w, null, 5, :p3::numeric * 5);
select i_price as p4, i_name, i_data from item where i_id = :i4 \gset
update stock set s_quantity = case when s_quantity > 15 then s_quantity - 5 else s_quantity + 86 end, s_ytd = s_ytd + 5, s_order_cnt = s_order_cnt + 1 where s_w_id = :w and s_i_id = :i4 returning s_dist;
insert into order_line values (:w, :d, :o, 4, :i4, :w, null, 5, :p4::numeric * 5);
select i_price as p5, i_name, i_data from item where i_id = :i5 \gset
update stock set s_quantity = case when s_quantity > 15 then s_quantity - 5 else s_quantity + 86 end, s_ytd = s_ytd + 5, s_order_cnt = s_order_cnt + 1 where s_w_id = :w and s_i_id = :i5 returning s_dist;
insert into order_line values (:w, :d, :o, 5, :i5, :w, null, 5, :p5::numeric * 5);
commit;
