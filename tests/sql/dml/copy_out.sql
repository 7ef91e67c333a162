-- What goes out: escapes and quotes at any place of short and long texts, numbers of all lengths, delimiters that numbers have.
create table out_values (id int, small smallint, wide bigint, amount numeric(20,4), real real, day date, moment timestamp, word text, fixed char(6), yes bool);
insert into out_values values
  (0, 0, 0, 0, 0, '2000-01-01', '2000-01-01 00:00:00', '', '', true),
  (1, 9, 10, 10.5, 1.5, '1999-12-31', '1999-12-31 23:59:59.5', 'a', 'a', false),
  (-1, -9, -10, -10.5, '-Infinity', 'infinity', '-infinity', E'\\', 'a,b', true),
  (99, 99, 100, 99999.9999, 'NaN', '0044-03-15 BC', 'infinity', E'tab\tand line\nend\r', E'\t', null),
  (100, 999, 4294967295, 'NaN', 1e20, null, null, E'sixteen bytes long, and a\ttab', null, null),
  (12345, 10000, 4294967296, 123456789012.5, -0.1, '9999-12-31', '9999-12-31 23:59:59', 'fifteen bytes..' || E'\n', 'x|y;z', true),
  (2147483647, 32767, 9223372036854775807, 1, 1, '2024-02-29', '2024-02-29 12:00:00', '0123456789abcdef"0123456789abcdef', '"', true),
  (-2147483648, -32768, -9223372036854775808, -1, -1, '2024-03-01', '2024-03-01 12:00:00', E'0123456789abcdef0123456789abcde\\', '\N', true),
  (null, null, 99999999999, null, null, null, null, 'a text of more than thirty-two bytes, with a comma only behind them', '1', true),
  (7, 7, 1000000000000000000, 7, 7, '2024-01-07', '2024-01-07', '\.', '\.', true),
  (8, 8, 8, 8, 8, '2024-01-08', '2024-01-08', 'äöü€ and so on: ' || chr(127) || chr(1) || E'\b\f\v', 'ä', true);
copy out_values to stdout;
copy out_values to stdout (format csv);
copy out_values to stdout (format csv, header, force_quote (id, day, word));
copy out_values to stdout (format csv, null '0');
copy out_values to stdout (format csv, delimiter '-', quote '1');
copy out_values to stdout (format csv, delimiter ';', quote '''', escape '"');
copy out_values to stdout (delimiter '|', null '');
copy out_values to stdout (delimiter '-');
copy out_values to stdout (delimiter ':', null 'nothing');
copy (select word from out_values) to stdout (format csv);
copy (select id % 10 as "a	b", id from out_values) to stdout (header);
set datestyle = 'German';
copy (select day, moment, moment::timestamptz from out_values) to stdout (format csv);
reset datestyle;
drop table out_values;
