-- SPDX-License-Identifier: Apache-2.0
-- One table for several tenants: each role sees and writes the rows of its own only, whatever the statement says.
create role shop_north;
create role shop_south;
create table sale (shop name not null default current_user, item text not null, amount numeric(10, 2) not null);
alter table sale enable row level security;
create policy own_rows on sale using (shop = current_user) with check (shop = current_user);
grant select, insert, update, delete on sale to shop_north, shop_south;

set role shop_north;
insert into sale (item, amount) values ('lamp', 40), ('chair', 85.50);
set role shop_south;
insert into sale (item, amount) values ('lamp', 38);
update sale set amount = amount * 2;  -- its own row alone
select item, amount from sale;
set role shop_north;
select item, amount from sale order by item;
reset role;
select shop, sum(amount) from sale group by shop order by shop;
