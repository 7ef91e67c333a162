/* SPDX-License-Identifier: Apache-2.0
 * Who works in a repository. A lease is a small object that its holder writes again every few seconds and that runs out by itself, so
 * nothing has to be unlocked after a kill. On the same machine the holder's process says whether it lives, whatever the clock says; on
 * another one a lease whose time is over counts as alive as long as it still changes, so that clocks that jump or differ break nothing.
 * One writer at a time (backup, expire, merge); readers (restore, verify) keep expire away. A holder holds only if, after its lease was
 * put, a listing shows no other that excludes it: two that come at once see each other and both step back. */
#include "backup/backup_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LIFE_US INT64_C(60000000)
#define RENEW_US INT64_C(5000000)
#define LOOK_US INT64_C(8000000) /* a holder writes at least once meanwhile */
#define TRIES 5

struct backup_lease {
    rdb_repository *repository;
    char name[64], kind[16], host[200];
    rdb_thread *thread;
    rdb_mutex lock;
    rdb_condition ended;
    bool is_ending RDB_GUARDED_BY(lock);
    _Atomic int64_t until_us; /* of the clock that never jumps; relaxed: a time */
};

typedef struct held {
    char kind[16], host[200];
    int64_t pid, born, until_us, number;
} held;

/* Which machine, since it was started, and which numbering of processes on it: two containers may bear one name. */
static void name_host(char host[200])
{
    char name[80] = "", boot[40] = "", numbering[40] = "";
    gethostname(name, sizeof name - 1);
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (file != NULL) {
        if (fgets(boot, sizeof boot, file) == NULL)
            boot[0] = '\0';
        fclose(file);
    }
    boot[strcspn(boot, "\n")] = '\0';
    ssize_t length = readlink("/proc/self/ns/pid", numbering, sizeof numbering - 1);
    numbering[RDB_MAX(length, 0)] = '\0';
    snprintf(host, 200, "%s %s %s", name, boot, numbering);
}

/* Time that passes while the machine sleeps too, and that nobody sets. */
static int64_t steady_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* When the process began, in ticks since the machine did; 0: there is none. With the pid it names one process for good. */
static int64_t birth_of(int64_t pid)
{
    char path[64], text[1024] = "";
    long long born = 0;
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    const char *rest = fgets(text, sizeof text, file) != NULL ? strrchr(text, ')') : NULL;
    fclose(file);
    if (rest == NULL || sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %lld", &born) != 1)
        return 0;
    return born;
}

static bool write_lease(backup_lease *lease, rdb_error *err)
{
    char until[40];
    int64_t until_us = steady_us() + LIFE_US;
    backup_format_time(rdb_time_wall_us() + LIFE_US, until);
    json_t *json = json_pack("{s:s, s:s, s:I, s:I, s:s, s:I}", "kind", lease->kind, "host", lease->host, "pid", (json_int_t)getpid(), "born", (json_int_t)birth_of(getpid()),
                             "until", until, "number", (json_int_t)until_us);
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    bool ok = text != NULL ? lease->repository->store->calls->put(lease->repository->store, lease->name, text, strlen(text), err) : rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (ok)
        atomic_store_explicit(&lease->until_us, until_us, memory_order_relaxed);
    json_decref(json);
    free(text);
    return ok;
}

static bool read_lease(rdb_repository *repository, const char *name, held *other, bool *found, rdb_error *err)
{
    rdb_strbuf text;
    const char *kind = "", *host = "", *until = "";
    json_int_t pid = 0, born = 0, number = 0;
    json_error_t trouble;
    rdb_strbuf_init(&text, NULL);
    *other = (held){0};
    if (!repository->store->calls->get(repository->store, name, &text, found, err))
        return false;
    json_t *json = *found ? json_loadb(text.data, text.length, 0, &trouble) : NULL;
    /* One that cannot be read keeps nobody away: its holder writes it again, or is gone. */
    *found = json != NULL && json_unpack(json, "{s:s, s:s, s:I, s:I, s:s, s?I}", "kind", &kind, "host", &host, "pid", &pid, "born", &born, "until", &until, "number", &number) == 0 &&
             backup_parse_time(until, &other->until_us);
    snprintf(other->kind, sizeof other->kind, "%s", kind);
    snprintf(other->host, sizeof other->host, "%s", host);
    other->pid = pid;
    other->born = born;
    other->number = number;
    json_decref(json);
    rdb_strbuf_free(&text);
    return true;
}

static bool is_reader(const char *kind)
{
    return strcmp(kind, "read") == 0;
}

static bool excludes(const char *mine, const char *other)
{
    if (is_reader(mine) && is_reader(other))
        return false;
    if (is_reader(mine) || is_reader(other))
        return strcmp(is_reader(mine) ? other : mine, "expire") == 0;
    return true;
}

/* Whether the holder of a lease is gone. */
static bool is_dead(backup_lease *lease, const char *name, const held *other, bool *dead, rdb_error *err)
{
    held later;
    bool is_there;
    *dead = strcmp(other->host, lease->host) == 0 && birth_of(other->pid) != other->born;
    if (*dead || strcmp(other->host, lease->host) == 0 || other->until_us >= rdb_time_wall_us())
        return true;
    rdb_time_sleep_us(LOOK_US);
    if (!read_lease(lease->repository, name, &later, &is_there, err))
        return false;
    *dead = !is_there || later.number == other->number;
    return true;
}

/* The first live lease that keeps this one away; leases that ran out or whose holder is gone are swept. */
static bool look_around(backup_lease *lease, held *other, bool *found, uint64_t *fence, rdb_error *err)
{
    rdb_repository *repository = lease->repository;
    rdb_list objects = {0};
    *found = false;
    *fence = 0;
    rdb_arena *arena = rdb_arena_create("leases", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = repository->store->calls->list(repository->store, "leases/", arena, &objects, err);
    for (uint32_t i = 0; ok && !*found && i < objects.count; i++) {
        const char *name = ((const backup_object *)objects.items[i])->name;
        bool is_there;
        *fence = RDB_MAX(*fence, strtoull(name + strlen("leases/"), NULL, 16));
        if (strcmp(name, lease->name) == 0)
            continue;
        ok = read_lease(repository, name, other, &is_there, err);
        if (!ok || !is_there)
            continue;
        bool dead;
        ok = is_dead(lease, name, other, &dead, err);
        if (ok && dead) {
            rdb_error ignored = {0};
            if (!repository->store->calls->remove(repository->store, name, &ignored))
                rdb_error_clear(&ignored);
        } else if (ok) {
            *found = excludes(lease->kind, other->kind);
        }
    }
    rdb_arena_destroy(arena);
    return ok;
}

static bool is_busy(const backup_lease *lease, const held *other, rdb_error *err)
{
    char until[40];
    backup_format_time(other->until_us, until);
    rdb_error_set(err, RDB_OBJECT_IN_USE, "another program works in the repository: %s", other->kind);
    rdb_error_detail(err, "Process %lld on host %.*s works in \"%s\".", (long long)other->pid, (int)strcspn(other->host, " "), other->host, lease->repository->store->url);
    return rdb_error_hint(err, "Wait for it. Should it be gone, its lease runs out by itself at %s.", until);
}

static void renew(void *argument)
{
    backup_lease *lease = argument;
    rdb_mutex_lock(&lease->lock);
    while (!lease->is_ending) {
        if (rdb_condition_wait_for(&lease->ended, &lease->lock, RENEW_US))
            continue;
        rdb_mutex_unlock(&lease->lock);
        rdb_error ignored = {0};
        if (!write_lease(lease, &ignored)) /* the next one may succeed; whether it held is asked at the end */
            rdb_error_clear(&ignored);
        rdb_mutex_lock(&lease->lock);
    }
    rdb_mutex_unlock(&lease->lock);
}

bool lease_take(backup_lease **lease_out, rdb_repository *repository, const char *kind, rdb_error *err)
{
    held other;
    bool found = false, ok;
    *lease_out = NULL;
    if (repository->store->url[0] == '-')
        return true;
    backup_lease *lease = calloc(1, sizeof *lease);
    if (lease == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    lease->repository = repository;
    snprintf(lease->kind, sizeof lease->kind, "%s", kind);
    name_host(lease->host);
    rdb_mutex_init(&lease->lock, RDB_RANK_TASK);
    rdb_condition_init(&lease->ended);
    for (int attempt = 1;; attempt++) {
        uint64_t fence, random;
        lease->name[0] = '\0';
        ok = look_around(lease, &other, &found, &fence, err);
        if (!ok || found)
            break;
        rdb_random_bytes(&random, sizeof random);
        snprintf(lease->name, sizeof lease->name, "leases/%016llx-%08x.json", (unsigned long long)fence + 1, (unsigned)random);
        ok = write_lease(lease, err) && look_around(lease, &other, &found, &fence, err);
        if (ok && !found)
            break;
        rdb_error ignored = {0};
        if (!repository->store->calls->remove(repository->store, lease->name, &ignored))
            rdb_error_clear(&ignored);
        if (!ok || attempt == TRIES)
            break;
        rdb_time_sleep_us((int64_t)(random % 300000) + 20000);
    }
    ok = ok && (!found || is_busy(lease, &other, err)) && rdb_thread_start(&lease->thread, "lease", renew, lease, err);
    if (!ok) {
        rdb_condition_deinit(&lease->ended);
        rdb_mutex_deinit(&lease->lock);
        free(lease);
        return false;
    }
    *lease_out = lease;
    return true;
}

bool lease_take_reader(backup_lease **lease, rdb_repository *repository, rdb_error *err)
{
    rdb_error none = {0};
    bool ok = lease_take(lease, repository, "read", &none);
    if (!ok && rdb_error_is(&none, RDB_OBJECT_IN_USE))
        rdb_error_move(err, &none);
    else
        ok = true;
    rdb_error_clear(&none);
    return ok;
}

bool lease_check(backup_lease *lease, rdb_error *err)
{
    if (lease == NULL || atomic_load_explicit(&lease->until_us, memory_order_relaxed) > steady_us())
        return true;
    rdb_error_set(err, RDB_OBJECT_IN_USE, "the lease on the repository ran out");
    return rdb_error_detail(err, "It could not be renewed for a minute: somebody else may work there now.");
}

void lease_give(backup_lease **lease)
{
    backup_lease *l = *lease;
    *lease = NULL;
    if (l == NULL)
        return;
    rdb_mutex_lock(&l->lock);
    l->is_ending = true;
    rdb_condition_signal(&l->ended);
    rdb_mutex_unlock(&l->lock);
    rdb_thread_join(&l->thread);
    rdb_error ignored = {0};
    if (!l->repository->store->calls->remove(l->repository->store, l->name, &ignored))
        rdb_error_clear(&ignored);
    rdb_condition_deinit(&l->ended);
    rdb_mutex_deinit(&l->lock);
    free(l);
}
