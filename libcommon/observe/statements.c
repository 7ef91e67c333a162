/* SPDX-License-Identifier: Apache-2.0
 * See rdb_statements.h. The store is cut into partitions by the key's hash; a partition's mutex guards which statements it has. An
 * entry, once made, stays at its place for the life of the store and is used for another statement later: its generation tells
 * refs to the old one. A cell is guarded by a flag that is held for the additions alone; it is looked at under that flag
 * whether the generation is still the ref's, and emptied under it, so no run is ever added to another statement. */
#include "observe/rdb_statements.h"

#include <math.h>
#include <stdlib.h>

enum { PARTITIONS = 16, BUCKETS = 256, SUB_BITS = 3 };

/* Values in units of 128 ns; eight buckets to a power of two. */
#define UNIT_NS 128
static unsigned bucket_of(int64_t ns)
{
    const uint64_t value = (uint64_t)ns / UNIT_NS;
    if (value < (1u << SUB_BITS))
        return (unsigned)value;
    const unsigned power = 63u - (unsigned)__builtin_clzll(value);
    const unsigned at = ((power - SUB_BITS + 1) << SUB_BITS) + (unsigned)(value >> (power - SUB_BITS) & ((1u << SUB_BITS) - 1));
    return RDB_MIN(at, BUCKETS - 1u);
}

static double middle_of(unsigned bucket) /* in milliseconds */
{
    const double unit_ms = UNIT_NS / 1e6;
    if (bucket < (1u << SUB_BITS))
        return (bucket + 0.5) * unit_ms;
    const unsigned power = (bucket >> SUB_BITS) + SUB_BITS - 1, sub = bucket & ((1u << SUB_BITS) - 1);
    return ldexp(1.0, (int)power) * (1 + (sub + 0.5) / (1u << SUB_BITS)) * unit_ms;
}

typedef struct times {
    uint64_t count;
    int64_t total_ns, min_ns, max_ns;
    double squares;
} times;

typedef struct cell {
    _Atomic uint32_t is_taken;
    uint64_t errors, rows;
    times runs, plannings;
    rdb_usage usage;
    uint64_t plan_calls[RDB_STATEMENT_PLANS_MAX];
    int64_t plan_ns[RDB_STATEMENT_PLANS_MAX];
    uint32_t buckets[BUCKETS];
} cell;

typedef struct entry {
    _Atomic uint64_t generation; /* changes under the partition's lock, and before the cells are emptied */
    _Atomic(cell *) cells[RDB_STRIPES];
    /* under the partition's lock */
    rdb_statement_key key;
    struct entry *next; /* of the same bucket */
    uint32_t slot;
    char *text;
    int64_t first_us;
    double worth; /* runs, fading at each look for what to forget */
    uint64_t counted;
    uint64_t plan_changes, last_plan;
    uint32_t plan_count;
    struct { uint64_t hash; int64_t first_us, last_us; } plans[RDB_STATEMENT_PLANS_MAX];
} entry;

typedef struct partition {
    rdb_mutex lock;
    entry **chains RDB_GUARDED_BY(lock); /* by hash */
    uint32_t used RDB_GUARDED_BY(lock);  /* entries made: none is ever given back */
    entry *free_entries RDB_GUARDED_BY(lock);
    uint32_t kept RDB_GUARDED_BY(lock);
} partition;

struct rdb_statements {
    uint32_t partition_max, chain_count; /* a power of two */
    _Atomic(entry *) *entries; /* by slot - 1: partition * partition_max + number */
    partition partitions[PARTITIONS];
    _Atomic uint64_t generations, forgotten;
    _Atomic int64_t reset_us;
    struct { /* of everything that ran */
        _Alignas(64) _Atomic uint64_t count, errors, rows, total_ns;
        _Atomic uint64_t buckets[18];
    } sums[RDB_STRIPES];
};

const double rdb_statement_bounds[17] = {0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

bool rdb_statements_create(rdb_statements **store_out, uint32_t count_max, rdb_error *err)
{
    rdb_statements *store = *store_out = NULL;
    if (posix_memalign((void **)&store, 64, sizeof *store) != 0)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    memset(store, 0, sizeof *store);
    store->partition_max = RDB_MAX((count_max + PARTITIONS - 1) / PARTITIONS, 4u);
    for (store->chain_count = 16; store->chain_count < store->partition_max;)
        store->chain_count *= 2;
    store->entries = calloc((size_t)store->partition_max * PARTITIONS, sizeof *store->entries);
    bool ok = store->entries != NULL;
    for (unsigned i = 0; i < PARTITIONS; i++) {
        rdb_mutex_init(&store->partitions[i].lock, RDB_RANK_LEAF);
        store->partitions[i].chains = calloc(store->chain_count, sizeof(entry *));
        ok = ok && store->partitions[i].chains != NULL;
    }
    atomic_store(&store->reset_us, rdb_time_wall_us());
    if (!ok) {
        rdb_statements_destroy(&store);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    *store_out = store;
    return true;
}

void rdb_statements_destroy(rdb_statements **store_at)
{
    rdb_statements *store = *store_at;
    if (store == NULL)
        return;
    for (uint32_t i = 0; store->entries != NULL && i < store->partition_max * PARTITIONS; i++) {
        entry *e = atomic_load(&store->entries[i]);
        for (unsigned s = 0; e != NULL && s < RDB_STRIPES; s++)
            free(atomic_load(&e->cells[s]));
        if (e != NULL)
            free(e->text);
        free(e);
    }
    for (unsigned i = 0; i < PARTITIONS; i++) {
        free(store->partitions[i].chains);
        rdb_mutex_deinit(&store->partitions[i].lock);
    }
    free(store->entries);
    free(store);
    *store_at = NULL;
}

/* ---- cells ---------------------------------------------------------------------------------------------------------------- */
static void cell_take(cell *c)
{
    while (atomic_exchange_explicit(&c->is_taken, 1, memory_order_acquire) != 0)
        rdb_cpu_relax();
}

static void cell_give(cell *c)
{
    atomic_store_explicit(&c->is_taken, 0, memory_order_release);
}

/* The calling thread's, taken; NULL where the ref is stale or memory is out (*is_stale says which). */
static cell *cell_of(rdb_statements *store, const rdb_statement_ref *ref, bool *is_stale)
{
    entry *e = atomic_load_explicit(&store->entries[ref->slot - 1], memory_order_acquire);
    _Atomic(cell *) *place = &e->cells[rdb_thread_stripe()];
    cell *c = atomic_load_explicit(place, memory_order_acquire);
    *is_stale = false;
    if (RDB_UNLIKELY(c == NULL)) {
        cell *fresh = calloc(1, sizeof *fresh);
        if (fresh == NULL)
            return NULL;
        if (atomic_compare_exchange_strong(place, &c, fresh))
            c = fresh;
        else
            free(fresh);
    }
    cell_take(c);
    if (atomic_load_explicit(&e->generation, memory_order_relaxed) == ref->generation)
        return c;
    cell_give(c);
    *is_stale = true;
    return NULL;
}

static void add_time(times *to, int64_t ns)
{
    to->min_ns = to->count == 0 ? ns : RDB_MIN(to->min_ns, ns);
    to->max_ns = RDB_MAX(to->max_ns, ns);
    to->count++;
    to->total_ns += ns;
    to->squares += (double)ns * (double)ns;
}

static void add_to_sums(rdb_statements *store, int64_t ns, uint64_t rows, bool failed)
{
    const double seconds = (double)ns / 1e9;
    unsigned at = 0;
    while (at < RDB_COUNT_OF(rdb_statement_bounds) && seconds > rdb_statement_bounds[at])
        at++;
    const unsigned stripe = rdb_thread_stripe();
    /* relaxed: statistics order nothing */
    if (failed)
        atomic_fetch_add_explicit(&store->sums[stripe].errors, 1, memory_order_relaxed);
    else
        atomic_fetch_add_explicit(&store->sums[stripe].rows, rows, memory_order_relaxed);
    atomic_fetch_add_explicit(&store->sums[stripe].count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&store->sums[stripe].total_ns, (uint64_t)ns, memory_order_relaxed);
    atomic_fetch_add_explicit(&store->sums[stripe].buckets[at], 1, memory_order_relaxed);
}

bool rdb_statements_run(rdb_statements *store, const rdb_statement_ref *ref, int64_t elapsed_ns, uint64_t rows, bool failed, const rdb_usage *before)
{
    bool is_stale = false;
    const int64_t ns = RDB_MAX(elapsed_ns, INT64_C(0));
    if (ref->slot != 0) {
        cell *c = cell_of(store, ref, &is_stale);
        if (is_stale)
            return false;
        if (c != NULL) {
            if (failed) {
                c->errors++;
            } else {
                add_time(&c->runs, ns);
                c->rows += rows;
                c->buckets[bucket_of(ns)]++;
                c->plan_calls[ref->plan_no]++;
                c->plan_ns[ref->plan_no] += ns;
            }
            const uint64_t *now = (const uint64_t *)&rdb_thread_usage, *was = (const uint64_t *)before;
            uint64_t *sum = (uint64_t *)&c->usage;
            for (size_t i = 0; i < sizeof(rdb_usage) / sizeof(uint64_t); i++)
                sum[i] += now[i] - was[i];
            cell_give(c);
        }
    }
    add_to_sums(store, ns, rows, failed);
    return true;
}

bool rdb_statements_planned(rdb_statements *store, const rdb_statement_ref *ref, int64_t elapsed_ns)
{
    bool is_stale = false;
    if (ref->slot == 0)
        return true;
    cell *c = cell_of(store, ref, &is_stale);
    if (c != NULL) {
        add_time(&c->plannings, RDB_MAX(elapsed_ns, INT64_C(0)));
        cell_give(c);
    }
    return !is_stale;
}

/* ---- entries -------------------------------------------------------------------------------------------------------------- */
static uint64_t hash_of(const rdb_statement_key *key)
{
    uint64_t hash = (key->query_id ^ ((uint64_t)key->role_oid << 32 | key->database_oid)) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 32;
}

static bool is_same(const rdb_statement_key *left, const rdb_statement_key *right)
{
    return left->query_id == right->query_id && left->role_oid == right->role_oid && left->database_oid == right->database_oid;
}

static uint64_t runs_of(const entry *e)
{
    uint64_t count = 0;
    for (unsigned s = 0; s < RDB_STRIPES; s++) {
        cell *c = atomic_load_explicit(&e->cells[s], memory_order_acquire);
        if (c == NULL)
            continue;
        cell_take(c);
        count += c->runs.count + c->errors;
        cell_give(c);
    }
    return count;
}

/* From here on no ref to it counts, and its cells are empty. */
static void empty_entry(rdb_statements *store, entry *e)
{
    atomic_store(&e->generation, atomic_fetch_add(&store->generations, 1) + 1);
    for (unsigned s = 0; s < RDB_STRIPES; s++) {
        cell *c = atomic_load(&e->cells[s]);
        if (c == NULL)
            continue;
        cell_take(c);
        memset((char *)c + offsetof(cell, errors), 0, sizeof *c - offsetof(cell, errors));
        cell_give(c);
    }
}

static void unchain(rdb_statements *store, partition *p, entry *e)
{
    entry **at = &p->chains[hash_of(&e->key) / PARTITIONS & (store->chain_count - 1)];
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    free(e->text);
    e->text = NULL;
    empty_entry(store, e);
    e->next = p->free_entries;
    p->free_entries = e;
    p->kept--;
}

static int compare_worth(const void *left, const void *right)
{
    const entry *a = *(entry *const *)left, *b = *(entry *const *)right;
    return a->worth < b->worth ? -1 : a->worth > b->worth;
}

/* The twentieth part that ran least lately, at least one. */
static void make_room(rdb_statements *store, partition *p)
{
    entry **all = malloc(p->kept * sizeof(entry *));
    uint32_t count = 0;
    if (all == NULL)
        return;
    for (uint32_t i = 0; i < store->chain_count; i++)
        for (entry *e = p->chains[i]; e != NULL; e = e->next) {
            const uint64_t runs = runs_of(e);
            e->worth = e->worth / 2 + (double)(runs - e->counted);
            e->counted = runs;
            all[count++] = e;
        }
    qsort(all, count, sizeof *all, compare_worth);
    for (uint32_t i = 0; i < RDB_MAX(count / 20, 1u) && i < count; i++) {
        unchain(store, p, all[i]);
        atomic_fetch_add(&store->forgotten, 1);
    }
    free(all);
}

/* The plan's number among those that are told apart; a new one takes the place of the one not met for longest. */
static uint32_t find_plan(entry *e, uint64_t hash)
{
    const int64_t now_us = rdb_time_wall_us();
    uint32_t at = 0, oldest = 0;
    if (hash == 0)
        return 0;
    if (e->last_plan != 0 && e->last_plan != hash)
        e->plan_changes++;
    e->last_plan = hash;
    for (; at < e->plan_count && e->plans[at].hash != hash; at++)
        if (e->plans[at].last_us < e->plans[oldest].last_us)
            oldest = at;
    if (at == e->plan_count) {
        if (e->plan_count < RDB_STATEMENT_PLANS_MAX) {
            e->plan_count++;
        } else {
            at = oldest;
            for (unsigned s = 0; s < RDB_STRIPES; s++) {
                cell *c = atomic_load(&e->cells[s]);
                if (c == NULL)
                    continue;
                cell_take(c);
                c->plan_calls[at] = 0;
                c->plan_ns[at] = 0;
                cell_give(c);
            }
        }
        e->plans[at].hash = hash;
        e->plans[at].first_us = now_us;
    }
    e->plans[at].last_us = now_us;
    return at;
}

static entry *find_entry(rdb_statements *store, partition *p, const rdb_statement_key *key, uint64_t hash)
{
    entry *e = p->chains[hash / PARTITIONS & (store->chain_count - 1)];
    while (e != NULL && !is_same(&e->key, key))
        e = e->next;
    return e;
}

static void give_ref(entry *e, uint64_t plan_hash, rdb_statement_ref *ref)
{
    ref->plan_no = find_plan(e, plan_hash);
    ref->generation = atomic_load(&e->generation);
    ref->slot = e->slot;
}

bool rdb_statements_find(rdb_statements *store, const rdb_statement_key *key, uint64_t plan_hash, rdb_statement_ref *ref)
{
    const uint64_t hash = hash_of(key);
    partition *p = &store->partitions[hash % PARTITIONS];
    *ref = (rdb_statement_ref){0};
    rdb_mutex_lock(&p->lock);
    entry *e = find_entry(store, p, key, hash);
    if (e != NULL)
        give_ref(e, plan_hash, ref);
    rdb_mutex_unlock(&p->lock);
    return e != NULL;
}

static entry *take_entry(rdb_statements *store, partition *p)
{
    if (p->free_entries == NULL && p->used == store->partition_max)
        make_room(store, p);
    entry *e = p->free_entries;
    if (e != NULL) {
        p->free_entries = e->next;
        return e;
    }
    if (p->used == store->partition_max || (e = calloc(1, sizeof *e)) == NULL)
        return NULL;
    const uint32_t at = (uint32_t)(p - store->partitions) * store->partition_max + p->used++;
    e->slot = at + 1;
    atomic_store(&e->generation, atomic_fetch_add(&store->generations, 1) + 1);
    atomic_store_explicit(&store->entries[at], e, memory_order_release);
    return e;
}

void rdb_statements_add(rdb_statements *store, const rdb_statement_key *key, uint64_t plan_hash, const char *text, size_t length, rdb_statement_ref *ref)
{
    const uint64_t hash = hash_of(key);
    partition *p = &store->partitions[hash % PARTITIONS];
    *ref = (rdb_statement_ref){0};
    if (length > RDB_STATEMENT_TEXT_MAX) {
        length = RDB_STATEMENT_TEXT_MAX;
        while (length > 0 && ((uint8_t)text[length] & 0xC0) == 0x80)
            length--;
    }
    char *copy = malloc(length + 1);
    if (copy == NULL)
        return;
    memcpy(copy, text, length);
    copy[length] = '\0';
    rdb_mutex_lock(&p->lock);
    entry *e = find_entry(store, p, key, hash);
    if (e == NULL && (e = take_entry(store, p)) != NULL) {
        e->key = *key;
        e->text = copy;
        copy = NULL;
        e->first_us = rdb_time_wall_us();
        e->worth = 0;
        e->counted = e->plan_changes = e->last_plan = 0;
        e->plan_count = 0;
        entry **chain = &p->chains[hash / PARTITIONS & (store->chain_count - 1)];
        e->next = *chain;
        *chain = e;
        p->kept++;
    }
    if (e != NULL)
        give_ref(e, plan_hash, ref);
    rdb_mutex_unlock(&p->lock);
    free(copy);
}

void rdb_statements_forget(rdb_statements *store, uint32_t role_oid, uint32_t database_oid, uint64_t query_id)
{
    for (unsigned i = 0; i < PARTITIONS; i++) {
        partition *p = &store->partitions[i];
        rdb_mutex_lock(&p->lock);
        for (uint32_t c = 0; c < store->chain_count; c++)
            for (entry *e = p->chains[c], *next; e != NULL; e = next) {
                next = e->next;
                if ((role_oid == 0 || e->key.role_oid == role_oid) && (database_oid == 0 || e->key.database_oid == database_oid) &&
                    (query_id == 0 || e->key.query_id == query_id))
                    unchain(store, p, e);
            }
        rdb_mutex_unlock(&p->lock);
    }
    if (role_oid == 0 && database_oid == 0 && query_id == 0) {
        atomic_store(&store->forgotten, 0);
        atomic_store(&store->reset_us, rdb_time_wall_us());
    }
}

/* ---- what was counted ----------------------------------------------------------------------------------------------------- */
static void sum_times(times *to, const times *from)
{
    if (from->count == 0)
        return;
    to->min_ns = to->count == 0 ? from->min_ns : RDB_MIN(to->min_ns, from->min_ns);
    to->max_ns = RDB_MAX(to->max_ns, from->max_ns);
    to->count += from->count;
    to->total_ns += from->total_ns;
    to->squares += from->squares;
}

static rdb_statement_times tell_times(const times *sum)
{
    rdb_statement_times told = {.count = sum->count, .total_ms = (double)sum->total_ns / 1e6, .min_ms = (double)sum->min_ns / 1e6, .max_ms = (double)sum->max_ns / 1e6};
    if (sum->count > 0) {
        const double mean_ns = (double)sum->total_ns / (double)sum->count, variance = sum->squares / (double)sum->count - mean_ns * mean_ns;
        told.mean_ms = mean_ns / 1e6;
        told.stddev_ms = variance > 0 ? sqrt(variance) / 1e6 : 0;
    }
    return told;
}

/* Never outside of what was really met. */
static double percentile(const uint64_t *buckets, const times *runs, double share)
{
    const uint64_t wanted = (uint64_t)ceil(share * (double)runs->count);
    uint64_t seen = 0;
    for (unsigned i = 0; i < BUCKETS && runs->count > 0; i++)
        if ((seen += buckets[i]) >= wanted)
            return RDB_MIN(RDB_MAX(middle_of(i), (double)runs->min_ns / 1e6), (double)runs->max_ns / 1e6);
    return 0;
}

static void tell_entry(const entry *e, rdb_statement_info *info)
{
    uint64_t buckets[BUCKETS] = {0};
    times runs = {0}, plannings = {0};
    *info = (rdb_statement_info){.key = e->key, .first_us = e->first_us, .plan_changes = e->plan_changes, .plan_count = e->plan_count};
    for (uint32_t i = 0; i < e->plan_count; i++)
        info->plans[i] = (rdb_statement_plan){.hash = e->plans[i].hash, .first_us = e->plans[i].first_us, .last_us = e->plans[i].last_us};
    for (unsigned s = 0; s < RDB_STRIPES; s++) {
        cell *c = atomic_load_explicit(&e->cells[s], memory_order_acquire);
        if (c == NULL)
            continue;
        cell_take(c);
        sum_times(&runs, &c->runs);
        sum_times(&plannings, &c->plannings);
        info->errors += c->errors;
        info->rows += c->rows;
        const uint64_t *from = (const uint64_t *)&c->usage;
        for (size_t i = 0; i < sizeof(rdb_usage) / sizeof(uint64_t); i++)
            ((uint64_t *)&info->usage)[i] += from[i];
        for (unsigned i = 0; i < BUCKETS; i++)
            buckets[i] += c->buckets[i];
        for (uint32_t i = 0; i < info->plan_count; i++) {
            info->plans[i].calls += c->plan_calls[i];
            info->plans[i].total_ns += c->plan_ns[i];
        }
        cell_give(c);
    }
    info->runs = tell_times(&runs);
    info->plannings = tell_times(&plannings);
    info->p50_ms = percentile(buckets, &runs, 0.5);
    info->p90_ms = percentile(buckets, &runs, 0.9);
    info->p99_ms = percentile(buckets, &runs, 0.99);
    info->p999_ms = percentile(buckets, &runs, 0.999);
}

static int compare_first(const void *left, const void *right)
{
    const rdb_statement_plan *a = left, *b = right;
    return a->first_us < b->first_us ? -1 : a->first_us > b->first_us;
}

bool rdb_statements_list(rdb_statements *store, rdb_arena *arena, rdb_statement_info **infos, uint32_t *count, rdb_error *err)
{
    *count = 0;
    *infos = rdb_arena_try_alloc(arena, (size_t)store->partition_max * PARTITIONS * sizeof **infos, err);
    if (*infos == NULL)
        return false;
    for (unsigned i = 0; i < PARTITIONS; i++) {
        partition *p = &store->partitions[i];
        rdb_mutex_lock(&p->lock);
        for (uint32_t c = 0; c < store->chain_count; c++)
            for (const entry *e = p->chains[c]; e != NULL; e = e->next) {
                rdb_statement_info *info = &(*infos)[*count];
                tell_entry(e, info);
                info->text = rdb_arena_strdup(arena, e->text);
                qsort(info->plans, info->plan_count, sizeof *info->plans, compare_first);
                ++*count;
            }
        rdb_mutex_unlock(&p->lock);
    }
    return rdb_arena_check(arena, err);
}

void rdb_statements_totals(rdb_statements *store, rdb_statement_totals *totals)
{
    uint64_t ns = 0;
    *totals = (rdb_statement_totals){.forgotten = atomic_load(&store->forgotten), .reset_us = atomic_load(&store->reset_us)};
    for (unsigned s = 0; s < RDB_STRIPES; s++) {
        totals->count += atomic_load_explicit(&store->sums[s].count, memory_order_relaxed);
        totals->errors += atomic_load_explicit(&store->sums[s].errors, memory_order_relaxed);
        totals->rows += atomic_load_explicit(&store->sums[s].rows, memory_order_relaxed);
        ns += atomic_load_explicit(&store->sums[s].total_ns, memory_order_relaxed);
        for (unsigned i = 0; i < RDB_COUNT_OF(totals->buckets); i++)
            totals->buckets[i] += atomic_load_explicit(&store->sums[s].buckets[i], memory_order_relaxed);
    }
    totals->total_ms = (double)ns / 1e6;
    for (unsigned i = 0; i < PARTITIONS; i++) {
        rdb_mutex_lock(&store->partitions[i].lock);
        totals->kept += store->partitions[i].kept;
        rdb_mutex_unlock(&store->partitions[i].lock);
    }
}
