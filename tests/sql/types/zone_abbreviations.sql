-- abbreviations whose meaning follows a zone's history
set timezone = 'UTC';
select '2011-03-27 00:00:00 MSK'::timestamptz, '2011-03-27 01:59:59 MSK'::timestamptz, '2011-03-27 02:00:00 MSK'::timestamptz, '2011-03-27 02:59:59 MSK'::timestamptz, '2011-03-27 03:00:01 msk'::timestamptz, '2014-10-26 00:00:00 MSK'::timestamptz, '2014-10-26 00:59:59 MSK'::timestamptz, '2014-10-26 01:00:00 MSK'::timestamptz, '2020-01-01 MSK'::timestamptz;
select '2011-03-27 02:00:00'::timestamp at time zone 'MSK', '2014-10-26 00:59:59'::timestamp at time zone 'MSK', '2014-10-26 01:00:01'::timestamp at time zone 'MSK', '1980-06-01'::timestamp at time zone 'MSK';
select '2011-03-26 23:00:00 UTC'::timestamptz at time zone 'MSK', '2011-03-26 22:59:59 UTC'::timestamptz at time zone 'MSK', '2014-10-25 21:59:59 UTC'::timestamptz at time zone 'MSK', '2014-10-25 22:00:00 UTC'::timestamptz at time zone 'MSK';
select make_timestamptz(2014, 10, 26, 0, 0, 0, 'MSK'), make_timestamptz(2014, 10, 26, 1, 0, 0, 'msk');
select '2001-02-16 20:38:40 VET'::timestamptz, '2007-12-09 03:00 VET'::timestamptz, '2010-01-01 VET'::timestamptz, '2020-01-01 VET'::timestamptz, '2001-02-16 20:38:40'::timestamp at time zone 'VET';
select '2020-01-01 IRKT'::timestamptz, '1990-01-01 SGT'::timestamptz, '1970-01-01 SGT'::timestamptz, '2000-07-01 LHDT'::timestamptz, '2020-01-01 EAST'::timestamptz, '2005-01-01 NOVT'::timestamptz, '2020-01-01 ART'::timestamptz, 'infinity'::timestamptz at time zone 'MSK';
select date_trunc('day', timestamp with time zone '2001-02-16 20:38:40+00', 'VET'), date_trunc('day', timestamp with time zone '2001-02-16 20:38:40+00', 'EST'), date_trunc('hour', timestamp with time zone '2001-02-16 20:38:40+00', 'IST'), date_trunc('day', timestamp with time zone '2001-02-16 20:38:40+00', 'Australia/Sydney');
select date_trunc('day', timestamp with time zone '2001-02-16 20:38:40+00', 'nope');
