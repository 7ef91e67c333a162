-- Unicode, identifiers, variadic arrays, to_number, OVERLAPS, sizes, log positions.
select unistr('\0064at\+0000610\u0061\U0001F600\\x'), unistr('wrong: \db99\dc00');
select unistr('\db99'), 1;
select unistr('wrong: \xyz');
select normalize(U&'\0061\0308\24D1c', nfc) = U&'\00E4\24D1c', normalize('ﬁ', nfkc), U&'\00E4' is nfd normalized, 'abc' is normalized;
select normalize('a', 'x');
select parse_ident('Foo."bAr" . baz'), parse_ident('foo.boo[]', strict => false);
select parse_ident('foo.boo[]');
select parse_ident('"open');
select parse_ident('1a');
select parse_ident('a.');
select concat(variadic array[1,2,null,3]), concat_ws(',', variadic array['a',null,'b']), format('%s-%s', variadic array['x','y']), format('Hi', variadic null::int[]), concat_ws(',', variadic null::text[]) is null;
select num_nulls(1, null, 'a'), num_nonnulls(variadic array[1,null,3]), json_build_array(variadic array[1,2]), num_nulls(variadic null::int[]);
select to_number('-34,338,492', '99G999G999'), to_number('-34,338,492.654,878', '99G999G999D999G999'), to_number('<564646.654564>', '999999.999999PR'), to_number('0.00001-', '9.999999S'),
  to_number('5.01-', 'FM9.999999S'), to_number('5 4 4 4 4 8 . 7 8', '9 9 9 9 9 9 . 9 9'), to_number('.01', 'FM9.99'), to_number('.0', '99999999.99999999'), to_number('.-01', '99.99S'),
  to_number('42nd', '99th'), to_number('$1,234.56', 'L99,999.99'), to_number('1234.56', 'L99,999.99'), to_number('-1234', 'S9999'), to_number('1 234', '9 999');
select (time '10:00', time '12:00') overlaps (time '11:00', time '13:00'), (timestamp '2000-01-01', interval '1 day') overlaps (timestamp '2000-01-01 12:00', interval '1 hour'),
  (date '2000-01-01', date '2000-01-02') overlaps (date '2000-01-02', date '2000-01-03'), (timestamp '2000-01-01', null) overlaps (timestamp '2000-01-01', timestamp '2000-01-02'),
  (time '23:00', interval '2 hours') overlaps (time '00:30', time '01:00');
select width_bucket(5, array[1,3,4,10,20]), width_bucket('Today'::text, array['a','b','today']), width_bucket(now(), array['yesterday','today','tomorrow']::timestamptz[]);
select width_bucket(1, array[[1,2]]);
select width_bucket(1, array[1,null]);
select overlay('\xaabbccdd'::bytea placing '\x1122' from 2), overlay('\xaabbccdd'::bytea placing '\x1122' from 2 for 0);
select '0/16AE7F7'::pg_lsn + 16, 16 + '0/16AE7F7'::pg_lsn, '0/16AE7F7'::pg_lsn - 16, pg_wal_lsn_diff('0/20', '0/10'), pg_lsn(23783416::numeric);
select '0/1'::pg_lsn - 2;
select '0/1'::pg_lsn + 'NaN'::numeric;
select min(t), max(t) from (values ('(0,1)'::tid), ('(2,5)'), ('(2,1)')) v(t);
-- Joining and quoting cast to text, concat and format write the value.
select 'x' || true, false || 'x', 'x' || (1 is null), concat('x', true), format('%s', false), quote_literal(true), quote_nullable(false);
select 'x' || '10.0.0.1'::inet, 'x' || '10.0.0.1/8'::inet, '::1'::inet || 'x', 'x' || '10.0.0.0/8'::cidr, quote_literal('10.0.0.1'::inet), concat('10.0.0.1'::inet);
select 'x' || 1.50, 'x' || 'ab '::char(5) || 'y', 'x' || '2026-11-21'::date;
