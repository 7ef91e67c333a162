set timezone = 'America/New_York';
select p, to_char(timestamp '2017-03-05 14:05:06.789', p) from (values ('YYYY-MM-DD HH24:MI:SS.MS'), ('FMDDth FMMonth, YYYY'), ('Day DY dy Dy'), ('IYYY-IW-ID IDDD'),
    ('Y,YYY CC Q J WW W DDD D'), ('HH12:MI A.M. pm'), ('"quoted \"Y\"" YY'), ('FMFMYYYY TMmonth'), ('RM rm FMRM'), ('SSSS US FF1 FF6'), ('Yyyy'), ('FMMS MSth')) t(p);
select to_char(interval '-1 year -2 mons 3 days -04:05:06.7', 'YYYY MM DD HH24 HH12 MI SS AM RM'), to_char(interval '5 mons', 'RM'), to_char(interval '1 year', 'RM');
select to_char(interval '1 day', 'Month');
select to_date(v, p) from (values ('2017-064', 'YYYY-DDD'), ('2017-10-7', 'IYYY-IW-ID'), ('2017 10', 'YYYY WW'), ('2017 03 2', 'YYYY MM W'), ('2457818', 'J'), ('05 III 2017', 'DD RM YYYY'),
    ('20 17', 'CC YY'), ('44 BC', 'YYYY BC'), ('17', 'YY'), ('0', 'YYYY'), ('2017,march', 'YYYY,Month'), ('1,234', 'Y,YYY'), ('+2017-+3', 'YYYY-MM'), ('  2017  3 5', 'YYYY MM DD'), ('5th03', 'DDthMM')) t(v, p);
select to_timestamp(v, p) from (values ('14:05:06.7', 'HH24:MI:SS.MS'), ('2017-03-05 2 pm', 'YYYY-MM-DD HH12 am'), ('51906', 'SSSS'), ('2017-03-05 14 -08:30', 'YYYY-MM-DD HH24 TZH:TZM'), ('05.123456', 'SS.FF3'), ('2017-12-25x', 'YYYY-MM-DD"x"')) t(v, p);
select to_date('2017 02 30', 'YYYY MM DD');
select to_date('2017 13', 'YYYY MM');
select to_date('064', 'DDD');
select to_date('2017 10', 'YYYY IW');
select to_date('2017 2018', 'YYYY YYYY');
select to_date('x', 'YYYY');
select to_date('1', 'YYYYMM');
select to_date('1x34', 'YYYYMM');
select to_date('99999999999', 'YYYY');
select to_date('Janvier', 'Month');
select to_date('100000000', 'YYYY');
select to_timestamp('13 pm', 'HH12 am');
select to_timestamp('25', 'HH24');
select to_timestamp('2017 UTC', 'YYYY TZ');
select to_timestamp('2017 +17', 'YYYY TZH');
-- intervals in every form
select v::interval from (values ('4 millenniums 5 centuries 3 decades'), ('P00021015T103020'), ('P0002-10-15T10:30:20'), ('PT10.5'), ('P10.5e1Y'), ('1 day 2:03:04.5 ago'), ('-1-2'), ('1.5 weeks'), ('-9223372036854775808 microseconds'), ('1.5 mons 2.25 years')) t(v);
select interval '1 2' day to hour, interval '3' month, interval '4:5' minute to second;
select '2147483648 days'::interval;
select '2147483647 years'::interval;
select '1.5 seconds 3 milliseconds'::interval;
select '1:20:05 5 microseconds'::interval;
select '9223372036854775808 us'::interval;
select 'P.Y'::interval;
select justify_interval('2147483647 days 24 hrs'), justify_days('-35 days 10 hrs'), justify_hours('-50 hrs 3 days');
select justify_hours('2147483647 days 24 hrs');
select justify_days('2147483647 months 30 days');
select interval '1 month 2146410 days' * 1000.5002;
-- moments at their ends
select timestamp '4713-01-01 BC' + interval '107000000 days', timestamp '294276-01-01' - interval '107000000 days';
select date_bin('15 minutes', timestamp '294276-12-30', timestamp '4000-12-20 BC');
select date_bin('365000 days', timestamp '4400-01-01 BC', timestamp '4000-01-01 BC');
select make_timestamptz(1973, 7, 15, 8, 15, 55.33, '+2'), make_timestamptz(1973, 7, 15, 8, 15, 55.33, '-02:30'), make_timestamptz(1973, 7, 15, 8, 15, 55.33, 'Europe/Rome');
select make_timestamptz(1973, 7, 15, 8, 15, 55.33, '2');
select make_timestamptz(1973, 7, 15, 8, 15, 55.33, '+16');
select time '040506.789+08', timetz 'T040506.789 -08', timetz '04:05:06 PDT' at time zone 'UTC', timetz '04:05:06+02' at time zone interval '-05:00';
select timetz '15:36:39 America/New_York';
select timetz '2003-07-07 15:36:39 America/New_York';
select timetz '23:59:60.01 PDT';
select timetz '04:05+00' at time zone interval '1 day';
