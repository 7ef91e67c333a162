\set w random(1, :w)
\set d random(1, 10)
\set carrier random(1, 10)
begin;
with oldest as (select no_o_id from new_order where no_w_id = :w and no_d_id = :d order by no_o_id limit 1 for update skip locked)
delete from new_order using oldest where no_w_id = :w and no_d_id = :d and new_order.no_o_id = oldest.no_o_id;
select coalesce(min(no_o_id), 3000) as o from new_order where no_w_id = :w and no_d_id = :d \gset
update orders set o_carrier_id = :carrier where o_w_id = :w and o_d_id = :d and o_id = :o returning o_c_id as c \gset
update order_line set ol_delivery_d = now() where ol_w_id = :w and ol_d_id = :d and ol_o_id = :o;
update customer set c_balance = c_balance + (select coalesce(sum(ol_amount), 0) from order_line where ol_w_id = :w and ol_d_id = :d and ol_o_id = :o), c_delivery_cnt = c_delivery_cnt + 1
    where c_w_id = :w and c_d_id = :d and c_id = :c;
commit;
