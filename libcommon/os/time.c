/* SPDX-License-Identifier: Apache-2.0
 * Time and randomness. The table is set once, before threads start, by a simulation; else it is the system's. */
#include "os/os_int.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t system_monotonic_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t system_wall_us(void)
{
    return read_clock(CLOCK_REALTIME) + RDB_UNIX_EPOCH_US;
}

static void system_sleep_us(int64_t us)
{
    if (us <= 0)
        return;
    int64_t until = system_monotonic_us() + us;
    struct timespec end = {.tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR)
        ;
}

static void system_random_bytes(void *bytes, size_t length)
{
    uint8_t *at = bytes;
    while (length > 0) {
        ssize_t count = getrandom(at, length, 0);
        if (count < 0) {
            RDB_VERIFY(errno == EINTR); /* no kernel this runs on lacks the call, and without it no key is safe */
            continue;
        }
        at += count;
        length -= (size_t)count;
    }
}

static const rdb_time_calls SYSTEM_CALLS = {system_monotonic_us, system_wall_us, system_sleep_us, system_random_bytes};
static const rdb_time_calls *time_calls RDB_SET_ONCE = &SYSTEM_CALLS;

void rdb_time_replace(const rdb_time_calls *calls)
{
    time_calls = calls != NULL ? calls : &SYSTEM_CALLS;
}

int64_t rdb_time_monotonic_us(void)
{
    return time_calls->monotonic_us();
}

int64_t rdb_time_wall_us(void)
{
    return time_calls->wall_us();
}

void rdb_time_sleep_us(int64_t us)
{
    time_calls->sleep_us(us);
}

void rdb_random_bytes(void *bytes, size_t length)
{
    time_calls->random_bytes(bytes, length);
}

/* xoroshiro128+ (Blackman, Vigna 2018), seeded by splitmix64 so that near seeds give unlike sequences. */
static uint64_t splitmix(uint64_t *state)
{
    uint64_t value = *state += UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

void rdb_random_seed(rdb_random *random, uint64_t seed)
{
    random->state[0] = splitmix(&seed);
    random->state[1] = splitmix(&seed);
}

static uint64_t rotate(uint64_t value, int by)
{
    return value << by | value >> (64 - by);
}

uint64_t rdb_random_next(rdb_random *random)
{
    uint64_t first = random->state[0], second = random->state[1], result = first + second;
    second ^= first;
    random->state[0] = rotate(first, 24) ^ second ^ (second << 16);
    random->state[1] = rotate(second, 37);
    return result;
}

double rdb_random_unit(rdb_random *random)
{
    return (double)(rdb_random_next(random) >> 11) * 0x1p-53;
}

void rdb_uuid_v4(char text[37])
{
    uint8_t bytes[16];
    rdb_random_bytes(bytes, sizeof bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0F) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3F) | 0x80);
    char *at = text;
    for (int byte_no = 0; byte_no < 16; byte_no++) {
        if (byte_no == 4 || byte_no == 6 || byte_no == 8 || byte_no == 10)
            *at++ = '-';
        at += snprintf(at, 3, "%02x", bytes[byte_no]);
    }
}
