-- to_char and to_number of numbers: each template against each kind of number
create table v(val numeric); insert into v values (0),(-4.2),(4.2e9),(1.2e-5),('inf'),('-inf'),('nan'),(12345.6789),(-0.5),(99.995),(1),(3999),(0.001);
create table f(f text); insert into f values ('9.999EEEE'),('MI9999999999.99'),('MI99.99'),('FM999.'),('9999999999D99999'),('f"\ool"999'),('f"\\ool"999'),('f"ool\"999'),('f"ool\\"999'),('99V99'),('V9'),('9V'),
('FM999999999999.999999THPR'),('FMS9999999999999999.999999999999999'),('FMS 9 9 9 9 9 9 9 9 9 9 . 9 9 9 9'),('S9999,999.9'),('9999,999.9S'),('99PR'),('B99.99'),('SG999.99'),('999.99SG'),('PL9999MI'),('999999th'),('999999TH'),('L9,999'),('9G999G999D99'),('0999.90'),('99990.990'),('FM0009.9900'),('000'),('.99'),('.000'),('9.'),('FM.99'),('999 999 999'),('"x"9 "y"9'),('S999'),('999S'),('PR9'),('9.9.9'),('9S9S'),('9EEEE9'),('FM9EEEE'),('MI'),(''),('abc'),('9,9,9'),(',999'),('G999'),('FM,999'),('00,00,00'),('fmB9'),('Fm9'),('mI9'),('9pr'),('9s'),('s9'),('C99'),('SP99'),('99.99PL'),('99.99MI');
\set VERBOSITY terse
select f.f, v.val, '['||to_char(val, f.f)||']', '['||to_char(val::float8, f.f)||']','['||to_char(val::float4, f.f)||']' from f, v where (upper(f.f) not like '%TH%' or abs(val)<1e9) and f.f not in ('9.9.9','9S9S','9EEEE9','FM9EEEE','PR9') order by f.f, v.val;
select f.f, i, '['||to_char(i, f.f)||']', '['||to_char(i::int8, f.f)||']' from f, (values (0),(1),(-1),(12),(-12),(123),(12345),(1001),(12500)) x(i) where f.f not in ('9.9.9','9S9S','9EEEE9','FM9EEEE','PR9') order by f.f, i;
select to_char(1,'9.9.9'); select to_char(1,'9S9S'); select to_char(1,'9EEEE9'); select to_char(1,'FM9EEEE'); select to_char(1,'PR9');select to_char(1,'9EEEEEEEE');select to_char(1,'9V9.9');select to_char(1,'9.9V9');select to_char(1,'9S9MI');select to_char(1,'9S9SG');select to_char(1,'9S9PL');select to_char(1,'9MIS');select to_char(1,'9MIPR');select to_char(1, 'PR0');select to_char(1,'9EEEE.');
select to_char(9.9999::numeric,'9.9EEEE'), to_char(99.99::numeric,'9EEEE'), to_char(0.00099999::numeric,'9.9EEEE'), to_char(1234::numeric,'EEEE'), to_char(12,'RN')||'|', to_char(12,'fmrn 9'), to_char(5000,'RN'), to_char(1.5,'B9C SP')||'|', to_char(12,'99th999'), to_char(-485, 'FMRN'), to_char(485.6,'FMRN'), to_char(485.5::float8,'FMRN'), to_char(1e10,'RN');
select to_char(1e10,'RN');
select to_number('12','99V9');
select to_number('123','99V9'), to_number('-34,338,492', '99G999G999'), to_number('$1,234.56','L9,999.99'), to_number('0.00001-', '9.999999S'), to_number('XII','RN');
select to_number('1e3','9EEEE');
