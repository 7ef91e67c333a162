-- options, headers and errors of COPY
create table x (a int, b text, c text);
copy x from '/dev/null' (format csv, format csv);
copy x from '/dev/null' (freeze off, freeze on);
copy x from '/dev/null' (delimiter ',', delimiter ',');
copy x from '/dev/null' (null ',', null ',');
copy x from '/dev/null' (header off, header on);
copy x from '/dev/null' (quote ':', quote ':');
copy x from '/dev/null' (escape ':', escape ':');
copy x from '/dev/null' (force_quote (a), force_quote *);
copy x from '/dev/null' (force_not_null (a), force_not_null (b));
copy x from '/dev/null' (force_null (a), force_null (b));
copy x from '/dev/null' (encoding 'sql_ascii', encoding 'sql_ascii');
copy x to stdin (format binary, delimiter ',');
copy x to stdin (format binary, null 'x');
copy x to stdin (format binary, header);
copy x to stdin (format text, force_quote(a));
copy x from '/dev/null' (format csv, force_quote(a));
copy x to stdout (format text, force_not_null(a));
copy x to stdin (format csv, force_not_null(a));
copy x to stdout (format text, force_null(a));
copy x to stdin (format csv, force_null(a));
copy x to stdout (format text, quote 'x');
copy x to stdout (format text, escape 'x');
copy x to stdout (format csv, quote 'xx');
copy x to stdout (format csv, escape 'xx');
copy x to stdout (format csv, delimiter '"');
copy x to stdout (delimiter 'xx'); copy x to stdout (delimiter 'a'); copy x to stdout (delimiter E'\n'); copy x to stdout (null E'\n'); copy x to stdout (null E'a\tb'); copy x to stdout (format csv, null 'a"b');
copy x to stdout (format nothing); copy x to stdout (encoding 'nothing'); copy x to stdout (nothing); copy x to stdout (format csv, force_quote(nothing)); copy x from '/dev/null' (format csv, force_null(nothing)); copy x from '/dev/null' (format csv, force_not_null(nothing)); copy x to stdout (format csv, force_quote 1);
copy x to stdout (header 2); copy x to stdout (header match); copy x from '/dev/null' (header wrong_choice); copy x from stdin (header 'false');
1	x	y
\.
copy x to stdout where a = 1;
copy x from stdin where a > 10;
1	x	y
11	x	y
\.
copy x (a, b) from stdin (header match);
b	a
\.
copy x from stdin (header match);
a	b
\.
copy x from stdin (header match, format csv);
a,b,
\.
copy x from stdin (header match);
a	b	\N
\.
copy x from stdin (header match);
a	b	c	d
\.
copy x from stdin (header match);
a	b	c
5	five	\N
\.
copy x from stdin;
zz	1
\.
copy x from stdin;
1	1	2	3
\.
copy x from stdin;
q	1	2	3
\.
copy x from stdin;
1
\.
copy x (b, c) from stdin (format csv, force_not_null (b), force_null (c));
,""
\N,"\N"
\.
copy x (b, c) from stdin (format csv, null 'NULL', force_not_null (b), force_null (c));
NULL,"NULL"
,""
\.
select * from x order by a, b, c;
copy x to stdout (format csv, force_quote (b), header);
copy x to stdout (format csv, force_quote *, null 'nix');
create table tt("c1" int, "col	tab" int, "back\slash" int); copy tt to stdout (header); copy tt to stdout (header, format csv);
create table pp (a int) partition by list (a); copy pp from stdin (freeze);
1
\.
copy (merge into x using tt on true when matched then delete) to stdout;
copy (update x set a = a where false) to stdout;
copy (update x set a = a where a = 5 returning a, b) to stdout;
copy nosuch to stdout; copy x (a, a) to stdout; copy x (nosuch) to stdout; create view xv as select 1; copy xv to stdout; copy xv from stdin;
1
\.
create sequence xs; copy xs to stdout; create materialized view xm as select 1 as one; copy xm to stdout; copy xm from stdin;
1
\.
copy pp to stdout;
copy x from stdin (encoding 'sql_ascii', delimiter ':', null '\X');
4001:\X:y
\.
select a, b is null, c from x where a > 4000;
