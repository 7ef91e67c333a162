/* SPDX-License-Identifier: Apache-2.0
 * Time zones: which offset from UTC holds at an instant, or at a local time. */
#ifndef RDB_TYPE_TIMEZONE_H
#define RDB_TYPE_TIMEZONE_H

#include "type/type_int.h"

/* Times are seconds since 1970-01-01 00:00:00 UTC; offsets are seconds east of Greenwich. */
typedef struct type_zone_moment {
    int32_t offset;
    bool is_dst;
    const char *abbreviation; /* lives as long as the zone */
} type_zone_moment;
/* zone NULL is UTC. */
type_zone_moment type_zone_at(const rdb_timezone *zone, int64_t unix_seconds);
/* The offset to subtract from a local time (its seconds counted as if it were UTC). A local time that a change of
 * offset skips is taken with the offset before it, one that occurs twice with the offset after it, as PostgreSQL does. */
type_zone_moment type_zone_at_local(const rdb_timezone *zone, int64_t local_seconds);
/* A fixed abbreviation such as EST or CEST: its offset east. False where it is unknown. Case does not count. */
bool type_zone_abbreviation(rdb_slice name, int32_t *offset, bool *is_dst);
/* An abbreviation whose meaning follows a zone's history, as MSK has stood for +3 and for +4: its zone and its own spelling. */
bool type_zone_dynamic(rdb_slice name, const rdb_timezone **zone, const char **abbreviation);
/* The offset east that it stood for last before or at the instant, else first after it, else the zone's own offset. */
int32_t type_zone_meaning(const rdb_timezone *zone, const char *abbreviation, int64_t unix_seconds);
/* As rdb_timezone_find, but a bare number is a POSIX offset (west is positive), as in AT TIME ZONE '+02'. */
const rdb_timezone *type_zone_find_posix(const char *name);

#endif
