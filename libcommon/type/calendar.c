/* SPDX-License-Identifier: Apache-2.0
 * The proleptic Gregorian calendar, from days and microseconds to fields and back. */
#include "type/datetime.h"

int type_days_in_month(int64_t year, int month)
{
    static const uint8_t DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return DAYS[month - 1] + (month == 2 && type_is_leap_year(year));
}

/* Years are counted from March, so that the leap day ends them; 400 of them have 146,097 days. */
int64_t type_days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = type_floor_div(year, 400), of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return era * 146097 + day_of_era - 719468 - RDB_UNIX_EPOCH_DAYS;
}

void type_civil_from_days(int64_t days, int *year, int *month, int *day)
{
    int64_t shifted = days + RDB_UNIX_EPOCH_DAYS + 719468;
    int64_t era = type_floor_div(shifted, 146097), day_of_era = shifted - era * 146097;
    int64_t of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t of_year = day_of_era - (365 * of_era + of_era / 4 - of_era / 100);
    int64_t from_march = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * from_march + 2) / 5 + 1);
    *month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *year = (int)(of_era + era * 400 + (*month <= 2));
}

void type_civil_from_timestamp(int64_t usecs, type_civil *civil)
{
    int64_t days = type_floor_div(usecs, TYPE_USECS_PER_DAY), rest = usecs - days * TYPE_USECS_PER_DAY;
    type_civil_from_days(days, &civil->year, &civil->month, &civil->day);
    civil->hour = (int)(rest / TYPE_USECS_PER_HOUR);
    civil->minute = (int)(rest / TYPE_USECS_PER_MINUTE % 60);
    civil->second = (int)(rest / TYPE_USECS_PER_SEC % 60);
    civil->usec = (int)(rest % TYPE_USECS_PER_SEC);
}

bool type_timestamp_is_valid(int64_t usecs)
{
    return usecs >= TYPE_TIMESTAMP_MIN && usecs < TYPE_TIMESTAMP_END;
}

bool type_timestamp_from_civil(const type_civil *civil, int64_t *usecs)
{
    int64_t days = type_days_from_civil(civil->year, civil->month, civil->day), at;
    int64_t rest = civil->hour * TYPE_USECS_PER_HOUR + civil->minute * TYPE_USECS_PER_MINUTE +
                   civil->second * TYPE_USECS_PER_SEC + civil->usec;
    if (__builtin_mul_overflow(days, TYPE_USECS_PER_DAY, &at) || __builtin_add_overflow(at, rest, &at))
        return false;
    *usecs = at;
    return type_timestamp_is_valid(at);
}

int64_t type_to_local(const rdb_timezone *zone, int64_t instant, type_zone_moment *moment)
{
    *moment = type_zone_at(zone, type_floor_div(instant, TYPE_USECS_PER_SEC) + TYPE_UNIX_EPOCH_SECS);
    return instant + moment->offset * TYPE_USECS_PER_SEC;
}

bool type_from_local(const rdb_timezone *zone, int64_t local, int64_t *instant)
{
    type_zone_moment moment = type_zone_at_local(zone, type_floor_div(local, TYPE_USECS_PER_SEC) + TYPE_UNIX_EPOCH_SECS);
    *instant = local - moment.offset * TYPE_USECS_PER_SEC;
    return type_timestamp_is_valid(*instant);
}

int64_t type_round_usecs(int64_t usecs, int32_t typmod)
{
    static const int64_t STEP[] = {1000000, 100000, 10000, 1000, 100, 10};
    if (typmod < 0 || typmod >= 6)
        return usecs;
    int64_t step = STEP[typmod];
    return usecs >= 0 ? (usecs + step / 2) / step * step : -((-usecs + step / 2) / step * step);
}

bool type_timestamp_range_error(rdb_call *call)
{
    return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "timestamp out of range");
}
