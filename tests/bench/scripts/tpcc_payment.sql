\set w random(1, :w)
\set d random(1, 10)
\set c random(1, 3000)
\set amount random(1, 5000)
begin;
update warehouse set w_ytd = w_ytd + :amount where w_id = :w returning w_name;
update district set d_ytd = d_ytd + :amount where d_w_id = :w and d_id = :d returning d_name;
update customer set c_balance = c_balance - :amount, c_ytd_payment = c_ytd_payment + :amount, c_payment_cnt = c_payment_cnt + 1
    where c_w_id = :w and c_d_id = :d and c_id = :c returning c_first, c_last, c_credit, c_balance;
insert into history values (:c, :d, :w, :d, :w, now(), :amount, 'payment');
commit;
