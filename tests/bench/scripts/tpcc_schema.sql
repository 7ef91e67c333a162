-- A TPC-C-like schema: nine tables, :w warehouses, made by the server itself.
create table warehouse (w_id int primary key, w_name text, w_tax numeric(4,4), w_ytd numeric(12,2));
create table district (d_w_id int, d_id int, d_name text, d_tax numeric(4,4), d_ytd numeric(12,2), d_next_o_id int, primary key (d_w_id, d_id));
create table customer (c_w_id int, c_d_id int, c_id int, c_last text, c_first text, c_credit char(2), c_discount numeric(4,4), c_balance numeric(12,2),
    c_ytd_payment numeric(12,2), c_payment_cnt int, c_delivery_cnt int, c_data text, primary key (c_w_id, c_d_id, c_id));
create table history (h_c_id int, h_c_d_id int, h_c_w_id int, h_d_id int, h_w_id int, h_date timestamp, h_amount numeric(6,2), h_data text);
create table new_order (no_w_id int, no_d_id int, no_o_id int, primary key (no_w_id, no_d_id, no_o_id));
create table orders (o_w_id int, o_d_id int, o_id int, o_c_id int, o_entry_d timestamp, o_carrier_id int, o_ol_cnt int, primary key (o_w_id, o_d_id, o_id));
create table order_line (ol_w_id int, ol_d_id int, ol_o_id int, ol_number int, ol_i_id int, ol_supply_w_id int, ol_delivery_d timestamp, ol_quantity int,
    ol_amount numeric(6,2), primary key (ol_w_id, ol_d_id, ol_o_id, ol_number));
create table item (i_id int primary key, i_name text, i_price numeric(5,2), i_data text);
create table stock (s_w_id int, s_i_id int, s_quantity int, s_dist text, s_ytd int, s_order_cnt int, s_remote_cnt int, primary key (s_w_id, s_i_id));
insert into warehouse select w, 'warehouse ' || w, 0.1, 300000 from generate_series(1, :w) w;
insert into district select w, d, 'district ' || d, 0.05, 30000, 3001 from generate_series(1, :w) w, generate_series(1, 10) d;
insert into customer select w, d, c, 'name' || c % 1000, 'first' || c, case when c % 10 = 0 then 'BC' else 'GC' end, 0.1, -10, 10, 1, 0, repeat('customer data ', 20)
    from generate_series(1, :w) w, generate_series(1, 10) d, generate_series(1, 3000) c;
insert into item select i, 'item ' || i, 1 + i % 100, 'item data ' || i from generate_series(1, 100000) i;
insert into stock select w, i, 10 + i % 90, repeat('x', 24), 0, 0, 0 from generate_series(1, :w) w, generate_series(1, 100000) i;
insert into orders select w, d, o, 1 + o * 7919 % 3000, now(), case when o < 2101 then 1 + o % 10 end, 5 + o % 11
    from generate_series(1, :w) w, generate_series(1, 10) d, generate_series(1, 3000) o;
insert into order_line select o_w_id, o_d_id, o_id, l, 1 + (o_id * 31 + l * 7919) % 100000, o_w_id, now(), 5, 10.25 from orders, generate_series(1, o_ol_cnt) l;
insert into new_order select o_w_id, o_d_id, o_id from orders where o_carrier_id is null;
create index customer_name on customer (c_w_id, c_d_id, c_last, c_first);
create index orders_customer on orders (o_w_id, o_d_id, o_c_id, o_id);
analyze;
