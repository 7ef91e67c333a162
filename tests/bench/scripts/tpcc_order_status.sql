\set w random(1, :w)
\set d random(1, 10)
\set c random(1, 3000)
begin read only;
select c_balance, c_first, c_last from customer where c_w_id = :w and c_d_id = :d and c_id = :c;
select coalesce(max(o_id), 0) as o from orders where o_w_id = :w and o_d_id = :d and o_c_id = :c \gset
select ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, ol_delivery_d from order_line where ol_w_id = :w and ol_d_id = :d and ol_o_id = :o;
commit;
