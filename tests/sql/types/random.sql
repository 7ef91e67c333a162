select setseed(0.5);
select random(), random() from generate_series(1,3);
select setseed(-1), setseed(0);
select random();
select setseed(2);
select setseed('nan');
select setseed(null);
