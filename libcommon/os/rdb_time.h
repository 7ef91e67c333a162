/* SPDX-License-Identifier: Apache-2.0
 * Time and randomness, through one table that a simulation can replace. */
#ifndef RDB_TIME_H
#define RDB_TIME_H

#include "base/rdb_base.h"

typedef struct rdb_time_calls {
    int64_t (*monotonic_us)(void);
    int64_t (*wall_us)(void);
    void (*sleep_us)(int64_t us);
    void (*random_bytes)(void *bytes, size_t length);
} rdb_time_calls;
/* For a simulation, before threads start; NULL is the system's own again. */
void rdb_time_replace(const rdb_time_calls *calls);

int64_t rdb_time_monotonic_us(void);
/* Wall clock, microseconds since 2000-01-01 00:00:00 UTC: PostgreSQL's timestamptz. */
int64_t rdb_time_wall_us(void);
#define RDB_UNIX_EPOCH_US INT64_C(-946684800000000) /* 1970-01-01 as a timestamptz */
void rdb_time_sleep_us(int64_t us);
/* Random bytes fit for keys and nonces. */
void rdb_random_bytes(void *bytes, size_t length);
/* A fast generator for sampling, back-off and tests; the same seed gives the same numbers. */
typedef struct rdb_random {
    uint64_t state[2];
} rdb_random;
void rdb_random_seed(rdb_random *random, uint64_t seed);
uint64_t rdb_random_next(rdb_random *random);
double rdb_random_unit(rdb_random *random); /* [0, 1) */
/* Writes "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx" and a zero byte. */
void rdb_uuid_v4(char text[37]);

#endif
