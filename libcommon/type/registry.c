/* SPDX-License-Identifier: Apache-2.0
 * Which kernel serves which function. Each file of the room has a table of kernels by the name of PostgreSQL's source
 * (prosrc); the build prints the pairs (source, OID) of every built-in function; at the first look-up the two are joined
 * into arrays indexed by OID. After that the arrays are only read, but for registrations of upper rooms at start. */
#include "type/generic.h"
#include "type/tables.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define OID_COUNT 10000u /* built-in functions and our own stand below */

typedef struct proc_source {
    const char *source;
    uint32_t oid;
} proc_source;
#define TYPE_PROC(source, oid) {source, oid},
static const proc_source PROC_SOURCES[] = { /* sorted by source */
#include "type/proc_sources.inc"
};
#undef TYPE_PROC

typedef struct io_proc {
    rdb_kernel kernel;
    uint32_t oid;
} io_proc;
#define TYPE_IO(kind, function, type) {type_generic_##kind, function},
static const io_proc IO_PROCS[] = {
#include "type/io_procs.inc"
};
#undef TYPE_IO

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const rdb_kernel_entry *kernels[OID_COUNT];
static const rdb_set_kernel_entry *set_kernels[OID_COUNT];
static const rdb_aggregate_entry *aggregates[OID_COUNT];

/* The first pair with this source, or the count. */
static uint32_t find_source(const char *source)
{
    uint32_t low = 0, high = RDB_COUNT_OF(PROC_SOURCES);
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (strcmp(PROC_SOURCES[middle].source, source) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A table that names a source PostgreSQL does not have is a mistake of ours. All are told before the process stops. */
static bool any_unknown;
static uint32_t must_find_source(const char *source)
{
    uint32_t at = find_source(source);
    if (at == RDB_COUNT_OF(PROC_SOURCES) || strcmp(PROC_SOURCES[at].source, source) != 0) {
        fprintf(stderr, "no built-in function has the source \"%s\"\n", source);
        any_unknown = true;
    }
    return at;
}

static void *must_alloc(size_t bytes)
{
    void *memory = calloc(1, bytes);
    RDB_VERIFY(memory != NULL); /* a few kilobytes, once, at start */
    return memory;
}

static void add_kernel(const type_kernel *kernel, uint32_t oid)
{
    rdb_kernel_entry *entry = must_alloc(sizeof *entry);
    *entry = (rdb_kernel_entry){.proc_oid = oid, .kernel = kernel->kernel, .flags = kernel->flags};
    if (kernels[oid] != NULL) { /* two kernels for one function: a table is wrong */
        fprintf(stderr, "two kernels for function %u (%s)\n", oid, kernel->source != NULL ? kernel->source : "by OID");
        any_unknown = true;
    }
    kernels[oid] = entry;
}

static void add_set_kernel(const type_set_kernel *kernel, uint32_t oid)
{
    rdb_set_kernel_entry *entry = must_alloc(sizeof *entry);
    *entry = kernel->entry;
    entry->proc_oid = oid;
    set_kernels[oid] = entry;
}

static void fill(void)
{
    for (uint32_t t = 0; TYPE_TABLES[t] != NULL; t++) {
        const type_kernel_table *table = TYPE_TABLES[t];
        for (uint32_t i = 0; i < table->count; i++) {
            const type_kernel *kernel = &table->kernels[i];
            if (kernel->source == NULL) {
                add_kernel(kernel, kernel->oid);
                continue;
            }
            uint32_t at = must_find_source(kernel->source);
            for (; at < RDB_COUNT_OF(PROC_SOURCES) && strcmp(PROC_SOURCES[at].source, kernel->source) == 0; at++)
                add_kernel(kernel, PROC_SOURCES[at].oid);
        }
    }
    for (uint32_t i = 0; i < RDB_COUNT_OF(IO_PROCS); i++) {
        if (kernels[IO_PROCS[i].oid] == NULL)
            add_kernel(&(type_kernel){.kernel = IO_PROCS[i].kernel, .flags = RDB_KERNEL_FALLIBLE | RDB_KERNEL_POLYMORPHIC}, IO_PROCS[i].oid);
    }
    for (uint32_t t = 0; TYPE_SET_TABLES[t] != NULL; t++) {
        const type_set_kernel_table *table = TYPE_SET_TABLES[t];
        for (uint32_t i = 0; i < table->count; i++) {
            const type_set_kernel *kernel = &table->kernels[i];
            if (kernel->source == NULL) {
                add_set_kernel(kernel, kernel->oid);
                continue;
            }
            uint32_t at = must_find_source(kernel->source);
            for (; at < RDB_COUNT_OF(PROC_SOURCES) && strcmp(PROC_SOURCES[at].source, kernel->source) == 0; at++)
                add_set_kernel(kernel, PROC_SOURCES[at].oid);
        }
    }
    for (uint32_t t = 0; TYPE_AGGREGATE_TABLES[t] != NULL; t++) {
        const type_aggregate_table *table = TYPE_AGGREGATE_TABLES[t];
        for (uint32_t i = 0; i < table->count; i++) {
            RDB_VERIFY(aggregates[table->entries[i].proc_oid] == NULL);
            aggregates[table->entries[i].proc_oid] = &table->entries[i];
        }
    }
    RDB_VERIFY(!any_unknown);
}

const rdb_kernel_entry *rdb_kernel_find(uint32_t proc_oid)
{
    pthread_once(&once, fill);
    return proc_oid < OID_COUNT ? kernels[proc_oid] : NULL;
}

void rdb_kernel_register(const rdb_kernel_entry *entries, uint32_t count)
{
    pthread_once(&once, fill);
    for (uint32_t i = 0; i < count; i++) {
        RDB_VERIFY(entries[i].proc_oid < OID_COUNT);
        kernels[entries[i].proc_oid] = &entries[i];
    }
}

const rdb_set_kernel_entry *rdb_set_kernel_find(uint32_t proc_oid)
{
    pthread_once(&once, fill);
    return proc_oid < OID_COUNT ? set_kernels[proc_oid] : NULL;
}

void rdb_set_kernel_register(const rdb_set_kernel_entry *entries, uint32_t count)
{
    pthread_once(&once, fill);
    for (uint32_t i = 0; i < count; i++) {
        RDB_VERIFY(entries[i].proc_oid < OID_COUNT);
        set_kernels[entries[i].proc_oid] = &entries[i];
    }
}

const rdb_aggregate_entry *rdb_aggregate_find(uint32_t proc_oid)
{
    pthread_once(&once, fill);
    return proc_oid < OID_COUNT ? aggregates[proc_oid] : NULL;
}
