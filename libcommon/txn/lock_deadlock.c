/* SPDX-License-Identifier: Apache-2.0
 * Deadlocks: the strongly connected components of the waits-for graph (R. Tarjan, "Depth-First Search and Linear Graph
 * Algorithms", SIAM J. Comput. 1972), walked without recursion from the waiter that asks. A node is a waiting owner; it
 * waits for every owner whose grant blocks it and for every conflicting waiter ahead of it in its queue. All partition
 * latches are held, in order, so the graph stands still.
 *
 * A component of more than one owner is a deadlock. Where one of its members is blocked by the order of the queue alone it
 * may overtake: that costs nobody his work. Otherwise the youngest member is the victim: it began last and has least to
 * lose; but not one that is in others' way with a tentative row lock alone, since those would wait for the same writer without it. Then the search starts over, until no component is left, because one component can hold several cycles. */
#include "txn/lock_int.h"

#include <stdio.h>
#include <stdlib.h>

#define UNVISITED 0u /* graph_no of an owner; others are 1 + position in nodes */

typedef struct node {
    lock_owner *owner;
    uint32_t low;               /* Tarjan's lowlink; nodes are numbered in the order of their visit */
    bool on_stack;
    bool is_in_the_way;         /* of another member, with more than a tentative row lock */
    uint32_t parent;            /* of the walk; or of the search for a cycle */
    const lock_grant *grant;    /* where the walk over its obstacles stands */
    const lock_request *ahead;
} node;

typedef struct graph {
    rdb_lock_table *table;
    node *nodes;
    uint32_t *stack;
    uint32_t node_count, stack_count, capacity;
} graph;

static void start_obstacles(node *at)
{
    const lock_object *object = at->owner->waiting->object;
    at->grant = object->grants;
    at->ahead = object->first_waiter;
}

/* The next waiting owner that the node waits for; NULL: no more. */
static lock_owner *next_obstacle(node *at)
{
    const lock_request *request = at->owner->waiting;
    while (at->grant != NULL) {
        const lock_grant *grant = at->grant;
        at->grant = grant->next;
        if (grant->owner->waiting != NULL && lock_blocked_by_grant(request, grant))
            return grant->owner;
    }
    while (at->ahead != NULL && at->ahead != request) {
        const lock_request *ahead = at->ahead;
        at->ahead = ahead->next;
        if (lock_blocked_by_waiter(request, ahead))
            return ahead->owner;
    }
    return NULL;
}

static uint32_t add_node(graph *g, lock_owner *owner, uint32_t parent)
{
    RDB_ASSERT(g->node_count < g->capacity);
    uint32_t node_no = g->node_count++;
    node *at = &g->nodes[node_no];
    *at = (node){.owner = owner, .low = node_no, .on_stack = true, .parent = parent};
    start_obstacles(at);
    owner->graph_no = node_no + 1;
    g->stack[g->stack_count++] = node_no;
    return node_no;
}

static void forget_nodes(graph *g)
{
    for (uint32_t i = 0; i < g->node_count; i++)
        g->nodes[i].owner->graph_no = UNVISITED;
    g->node_count = g->stack_count = 0;
}

/* Walks from one waiter until a component of several owners is complete: its members are then stack[*first ..
 * stack_count). False: there is none. */
static bool find_component(graph *g, lock_owner *from, uint32_t *first)
{
    uint32_t current = add_node(g, from, UINT32_MAX);
    for (;;) {
        node *at = &g->nodes[current];
        lock_owner *obstacle = next_obstacle(at);
        if (obstacle != NULL) {
            if (obstacle->graph_no == UNVISITED)
                current = add_node(g, obstacle, current);
            else if (g->nodes[obstacle->graph_no - 1].on_stack)
                at->low = RDB_MIN(at->low, obstacle->graph_no - 1);
            continue;
        }
        if (at->low == current) { /* the root of a component */
            uint32_t position = g->stack_count;
            while (g->stack[--position] != current)
                ;
            if (g->stack_count - position > 1) {
                *first = position;
                return true;
            }
            at->on_stack = false;
            g->stack_count = position;
        }
        if (at->parent == UINT32_MAX)
            return false;
        node *parent = &g->nodes[at->parent];
        parent->low = RDB_MIN(parent->low, at->low);
        current = at->parent;
    }
}

/* ---- words for people ------------------------------------------------------------------------------------------------ */
const char *lock_mode_name(uint8_t kind, uint8_t mode)
{
    static const char *const NAMES[LOCK_MODES] = {
        "INVALID",           "AccessShareLock", "RowShareLock",          "RowExclusiveLock",    "ShareUpdateExclusiveLock",
        "ShareLock",         "ShareRowExclusiveLock", "ExclusiveLock",   "AccessExclusiveLock",
    };
    static const uint8_t OF_ROW[] = {RDB_LOCK_NONE, RDB_LOCK_ACCESS_SHARE, RDB_LOCK_ROW_SHARE, RDB_LOCK_EXCLUSIVE,
                                     RDB_LOCK_ACCESS_EXCLUSIVE};
    if (kind == RDB_LOCK_ROW)
        mode = mode < RDB_COUNT_OF(OF_ROW) ? OF_ROW[mode] : RDB_LOCK_NONE;
    return mode < LOCK_MODES ? NAMES[mode] : NAMES[0];
}

void lock_describe_tag(rdb_lock_tag tag, uint16_t slot, char *text, size_t bytes)
{
    unsigned long long a = tag.a, b = tag.b;
    switch ((rdb_lock_kind)tag.kind) {
    case RDB_LOCK_RELATION:
        snprintf(text, bytes, "relation %llu of database %u", a, tag.pdb);
        return;
    case RDB_LOCK_ROW: /* the file number without its class */
        snprintf(text, bytes, "tuple (%llu,%u) of relation %llu of database %u", b, slot, a & (UINT64_MAX >> 8), tag.pdb);
        return;
    case RDB_LOCK_XID:
        snprintf(text, bytes, "transaction %llu", a);
        return;
    case RDB_LOCK_ADVISORY: /* database, high and low half of the key, 1 for one bigint or 2 for two integers */
        snprintf(text, bytes, "advisory lock [%u,%llu,%llu,%llu]", tag.pdb, a >> 32, a & UINT32_MAX, b);
        return;
    case RDB_LOCK_OBJECT:
        snprintf(text, bytes, "object %llu of class %llu of database %u", b, a, tag.pdb);
        return;
    case RDB_LOCK_DATABASE:
        snprintf(text, bytes, "database %u", tag.pdb);
        return;
    case RDB_LOCK_VIRTUAL:
        snprintf(text, bytes, "virtual transaction %llu/%llu", a, b);
        return;
    }
    snprintf(text, bytes, "lock of kind %u", tag.kind);
}

static void describe_wait(rdb_strbuf *text, const lock_owner *waiter, const lock_owner *blocker)
{
    const lock_request *request = waiter->waiting;
    char tag[128];
    lock_describe_tag(request->object->tag, request->slot, tag, sizeof tag);
    rdb_strbuf_addf(text, "%sProcess %d waits for %s on %s; blocked by process %d.", text->length > 0 ? "\n" : "",
                    atomic_load_explicit(&waiter->process_id, memory_order_relaxed),
                    lock_mode_name(request->object->tag.kind, request->mode), tag,
                    atomic_load_explicit(&blocker->process_id, memory_order_relaxed));
}

/* The shortest cycle through the victim, found breadth first inside its component; one line for each wait. */
static char *describe_cycle(graph *g, uint32_t victim, uint32_t first)
{
    uint32_t member_count = g->stack_count - first;
    uint32_t *queue = g->stack + g->capacity; /* the second half of the stack's memory */
    for (uint32_t i = 0; i < member_count; i++) {
        node *member = &g->nodes[g->stack[first + i]];
        member->parent = UINT32_MAX;
        start_obstacles(member);
    }
    uint32_t head = 0, tail = 0, last = UINT32_MAX;
    queue[tail++] = victim;
    while (head < tail && last == UINT32_MAX) {
        uint32_t current = queue[head++];
        lock_owner *obstacle;
        while ((obstacle = next_obstacle(&g->nodes[current])) != NULL) {
            uint32_t node_no = obstacle->graph_no - 1;
            if (node_no == victim) {
                last = current;
                break;
            }
            if (obstacle->graph_no == UNVISITED || !g->nodes[node_no].on_stack || node_no < g->stack[first] ||
                g->nodes[node_no].parent != UINT32_MAX)
                continue;
            g->nodes[node_no].parent = current;
            queue[tail++] = node_no;
        }
    }
    if (last == UINT32_MAX)
        return NULL;
    /* last waits for the victim; its parents lead back to the victim: turn the chain to print it forwards. */
    uint32_t count = 0;
    for (uint32_t at = last; at != victim; at = g->nodes[at].parent)
        queue[count++] = at;
    rdb_strbuf text;
    rdb_strbuf_init(&text, NULL);
    const lock_owner *waiter = g->nodes[victim].owner;
    for (uint32_t i = count; i > 0; i--) {
        const lock_owner *blocker = g->nodes[queue[i - 1]].owner;
        describe_wait(&text, waiter, blocker);
        waiter = blocker;
    }
    describe_wait(&text, waiter, g->nodes[victim].owner);
    return text.data; /* malloc'ed; NULL without memory */
}

static void mark_who_is_in_the_way(graph *g, uint32_t first)
{
    for (uint32_t i = first; i < g->stack_count; i++) {
        const lock_request *request = g->nodes[g->stack[i]].owner->waiting;
        for (const lock_grant *grant = request->object->grants; grant != NULL; grant = grant->next)
            if (grant->owner->graph_no != UNVISITED && lock_blocked_by_grant(request, grant) &&
                !(request->object->tag.kind == RDB_LOCK_ROW && lock_is_tentative(grant, request->slot)))
                g->nodes[grant->owner->graph_no - 1].is_in_the_way = true;
        for (const lock_request *ahead = request->object->first_waiter; ahead != NULL && ahead != request; ahead = ahead->next)
            if (ahead->owner->graph_no != UNVISITED && lock_blocked_by_waiter(request, ahead))
                g->nodes[ahead->owner->graph_no - 1].is_in_the_way = true;
    }
}

static bool gives_way(const node *one, const node *to)
{
    return one->is_in_the_way != to->is_in_the_way ? one->is_in_the_way : one->owner->age > to->owner->age;
}

/* ---- breaking -------------------------------------------------------------------------------------------------------------- */
static void break_component(graph *g, uint32_t first)
{
    uint32_t victim = g->stack[first];
    mark_who_is_in_the_way(g, first);
    for (uint32_t i = g->stack_count; i-- > first;) { /* the one farthest from who asks: as PostgreSQL mends its queues */
        lock_owner *owner = g->nodes[g->stack[i]].owner;
        lock_request *request = owner->waiting;
        if (!lock_blocked_by_grants(request)) {
            lock_partition *partition = lock_partition_of(g->table, request->object->hash);
            lock_object *object = request->object;
            bool passes = request->spare == NULL && request->own == NULL;
            lock_grant_request(partition, request);
            if (passes) /* one obstacle less for those behind, and maybe the last reason for the object */
                lock_wake_waiters(partition, object);
            lock_discard_object_if_idle(partition, object);
            return;
        }
        if (gives_way(&g->nodes[g->stack[i]], &g->nodes[victim]))
            victim = g->stack[i];
    }
    char *detail = describe_cycle(g, victim, first);
    lock_request *request = g->nodes[victim].owner->waiting;
    atomic_fetch_add_explicit(&g->table->deadlocks, 1, memory_order_relaxed);
    lock_make_victim(lock_partition_of(g->table, request->object->hash), request, detail);
}

void lock_detect_deadlocks(rdb_lock_table *table, lock_owner *detector)
{
    /* Owners made after this cannot wait for the detector's cycle before it ends; those who wait are counted below. */
    uint32_t capacity = atomic_load_explicit(&table->owner_count, memory_order_acquire) + LOCK_OWNERS_CHUNK;
    graph g = {.table = table, .capacity = capacity};
    g.nodes = malloc(capacity * sizeof *g.nodes);
    g.stack = malloc((size_t)capacity * 2 * sizeof *g.stack);
    if (g.nodes == NULL || g.stack == NULL)
        goto out; /* the waiter looks again later */
    for (unsigned i = 0; i < LOCK_PARTITIONS; i++)
        rdb_latch_lock_exclusive(&table->partitions[i].latch);
    if (atomic_load_explicit(&table->owner_count, memory_order_acquire) <= capacity) {
        uint32_t first;
        while (detector->waiting != NULL && find_component(&g, detector, &first)) {
            break_component(&g, first);
            forget_nodes(&g);
        }
        forget_nodes(&g);
    }
    for (unsigned i = LOCK_PARTITIONS; i > 0; i--)
        rdb_latch_unlock_exclusive(&table->partitions[i - 1].latch);
out:
    free(g.nodes);
    free(g.stack);
}
