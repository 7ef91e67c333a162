/* SPDX-License-Identifier: Apache-2.0
 * Rows on their way to the tables that hold them: partitions found by key, the bound that a partition's rows must meet, and
 * what a statement keeps for each table it writes in. Leaves are opened when the first row comes, so that a statement on
 * one row of a table with a thousand partitions pays for one. */
#include "exec/exec_route.h"

#include "catalog/rdb_acl.h"
#include "catalog/rdb_ddl.h"

/* ---- targets ----------------------------------------------------------------------------------------------------------------------- */
bool exec_target_open(exec_target *target, rdb_execution *x, const rdb_relation *relation, const rdb_plan_modify *plan, const rdb_relation *named, const int16_t *map, rdb_arena *row_arena,
                      rdb_error *err)
{
    const uint16_t count = relation->column_count;
    rdb_arena *arena = x->arena;
    *target = (exec_target){.relation = relation, .plan = plan, .map = map};
    if (plan == NULL) {
        rdb_plan_modify *made = NULL;
        const rdb_plan_context context = {.arena = arena, .access = x->context.access, .format = x->context.format, .session = &x->eval};
        if (!rdb_plan_make_insert(&context, relation, NULL, 0, &made, err))
            return false;
        target->plan = made;
    }
    target->values = RDB_NEW_ARRAY(arena, rdb_datum, count + 1u);
    target->old_values = RDB_NEW_ARRAY(arena, rdb_datum, count + 1u);
    target->is_null = RDB_NEW_ARRAY(arena, bool, count + 1u);
    target->old_is_null = RDB_NEW_ARRAY(arena, bool, count + 1u);
    if (relation->is_partition && !exec_bound_open(&target->bound, x, relation, err))
        return false;
    if (!exec_row_rules_open(&target->rules, x, target->plan, err) || !exec_row_rules_name(&target->rules, named, map, err))
        return false;
    rdb_arena_destroy(target->rules.arena);
    target->rules.arena = row_arena;
    return true;
}

void exec_target_close(exec_target *target)
{
    target->rules.arena = NULL; /* the statement's */
    exec_row_rules_close(&target->rules);
}

void exec_target_take(exec_target *target, uint16_t count, const rdb_datum *values, const bool *is_null)
{
    const uint16_t own = target->relation->column_count;
    if (target->map == NULL) {
        memcpy(target->values, values, own * sizeof *values);
        memcpy(target->is_null, is_null, own * sizeof *is_null);
        return;
    }
    for (uint16_t i = 0; i < own; i++) {
        target->values[i] = (rdb_datum){.words = {0, 0}};
        target->is_null[i] = true;
    }
    for (uint16_t i = 0; i < count; i++)
        if (target->map[i] > 0) {
            target->values[target->map[i] - 1] = values[i];
            target->is_null[target->map[i] - 1] = is_null[i];
        }
}

void exec_target_give(const exec_target *target, uint16_t count, rdb_datum *values, bool *is_null)
{
    for (uint16_t i = 0; i < count; i++) {
        const int16_t at = target->map != NULL ? target->map[i] : (int16_t)(i + 1);
        is_null[i] = at == 0 || target->is_null[at - 1];
        values[i] = is_null[i] ? (rdb_datum){.words = {0, 0}} : target->values[at - 1];
    }
}

bool exec_target_fetch(exec_target *target, rdb_execution *x, rdb_row_address address, bool is_latest, rdb_row_version *version, bool *found, rdb_error *err)
{
    const rdb_relation *relation = target->relation;
    const uint16_t count = relation->column_count;
    bool recheck = false;
    *found = false;
    if (target->fetched == NULL) {
        target->all_columns = RDB_NEW_ARRAY(x->arena, int16_t, count + 1u);
        target->fetched = RDB_NEW_ARRAY(x->arena, rdb_vector *, count + 1u);
        for (uint16_t i = 0; i < count; i++) {
            target->all_columns[i] = (int16_t)(i + 1);
            target->fetched[i] = RDB_NEW(x->arena, rdb_vector);
            if (!rdb_vector_init(target->fetched[i], x->arena, (rdb_rep)relation->table.reps[i], 1, err))
                return false;
        }
    }
    for (uint16_t i = 0; i < count; i++)
        rdb_vector_clear_nulls(target->fetched[i]);
    if (is_latest ? !rdb_table_fetch_latest(&relation->table, x->context.txn, address, target->all_columns, count, target->rules.arena, target->fetched, found, version, err)
                  : !rdb_table_fetch(&relation->table, x->context.txn, x->context.snapshot, &address, 1, target->all_columns, count, target->rules.arena, target->fetched, found, &recheck, version, err))
        return false;
    for (uint16_t i = 0; *found && i < count; i++) {
        target->old_is_null[i] = relation->columns[i].is_dropped || rdb_vector_is_null(target->fetched[i], 0);
        target->old_values[i] = target->old_is_null[i] ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(target->fetched[i], 0);
    }
    return true;
}

bool exec_target_arbiter(exec_target *target, rdb_execution *x, const rdb_relation_index *named, uint16_t *arbiter, rdb_error *err)
{
    *arbiter = target->arbiter;
    if (target->arbiter_oid == named->oid)
        return true;
    for (uint16_t i = 0; i < target->relation->index_count; i++) {
        uint32_t oid = target->relation->indexes[i].oid;
        for (uint32_t depth = 0; depth < 100 && oid != named->oid; depth++) {
            uint32_t *parents = NULL, count = 0;
            if (!rdb_ddl_get_parents(x->context.access, oid, x->arena, &parents, &count, err))
                return false;
            if (count == 0)
                break;
            oid = parents[0];
        }
        if (oid != named->oid)
            continue;
        target->arbiter_oid = named->oid;
        *arbiter = target->arbiter = i;
        return true;
    }
    return rdb_error_set(err, RDB_INTERNAL_ERROR, "relation \"%s\" has no index of \"%s\"", target->relation->name, named->name);
}

/* ---- keys -------------------------------------------------------------------------------------------------------------------------- */
/* The key of a partitioned table, computed from a row of it. */
typedef struct key_reader {
    rdb_execution *x;
    const rdb_partition_map *map;
    rdb_program *program;       /* NULL: all are columns */
    rdb_vector **row;
    rdb_datum *keys;
    bool *is_null;
} key_reader;

static bool open_keys(key_reader *reader, rdb_execution *x, const rdb_partition_map *map, rdb_error *err)
{
    const rdb_relation *relation = map->relation;
    bool has_expression = false;
    *reader = (key_reader){.x = x, .map = map};
    reader->keys = RDB_NEW_ARRAY(x->arena, rdb_datum, map->key_count + 1u);
    reader->is_null = RDB_NEW_ARRAY(x->arena, bool, map->key_count + 1u);
    for (uint16_t i = 0; i < map->key_count; i++)
        has_expression = has_expression || map->keys[i]->kind != RDB_EXPR_VAR;
    if (!has_expression)
        return true;
    rdb_expr **exprs = RDB_NEW_ARRAY(x->arena, rdb_expr *, map->key_count + 1u);
    const rdb_plan_context context = {.arena = x->arena, .access = x->context.access, .format = x->context.format, .session = &x->eval};
    for (uint16_t i = 0; i < map->key_count; i++)
        if (!rdb_plan_make_expr(&context, relation, map->keys[i], &exprs[i], err))
            return false;
    reader->row = RDB_NEW_ARRAY(x->arena, rdb_vector *, relation->column_count + 1u);
    for (uint16_t i = 0; i < relation->column_count; i++) {
        reader->row[i] = RDB_NEW(x->arena, rdb_vector);
        if (!rdb_vector_init(reader->row[i], x->arena, (rdb_rep)relation->columns[i].type->rep, 1, err))
            return false;
    }
    return exec_compile(x, &reader->program, exprs, map->key_count, err);
}

static bool read_keys(key_reader *reader, rdb_arena *arena, const rdb_datum *values, const bool *is_null, rdb_error *err)
{
    const rdb_partition_map *map = reader->map;
    const uint16_t columns = map->relation->column_count;
    uint32_t good = 0;
    if (reader->program == NULL) {
        for (uint16_t i = 0; i < map->key_count; i++) {
            const uint32_t at = (uint32_t)((const rdb_expr_var *)map->keys[i])->attribute_no - 1;
            reader->keys[i] = values[at];
            reader->is_null[i] = is_null[at];
        }
        return true;
    }
    for (uint16_t i = 0; i < columns; i++) {
        rdb_vector_clear_nulls(reader->row[i]);
        rdb_vector_put(reader->row[i], 0, values[i], is_null[i]);
    }
    rdb_batch row = {.columns = reader->row, .column_count = columns, .row_count = 1, .selection = {NULL, 1}};
    if (!rdb_program_run(reader->program, &reader->x->eval, arena, &row, &row.selection, &good, err))
        return false;
    for (uint16_t i = 0; i < map->key_count; i++) {
        const rdb_vector *value = rdb_program_result(reader->program, i);
        reader->is_null[i] = rdb_vector_is_null(value, 0);
        reader->keys[i] = reader->is_null[i] ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(value, 0);
    }
    return true;
}

static bool get_relation(rdb_execution *x, uint32_t oid, const rdb_relation **relation, rdb_error *err)
{
    return rdb_relation_get(x->context.access, oid, relation, err) && (*relation != NULL || rdb_error_set(err, RDB_INTERNAL_ERROR, "cache lookup failed for relation %u", oid));
}

/* ---- bounds ------------------------------------------------------------------------------------------------------------------------ */
typedef struct bound_level {
    key_reader keys;
    uint32_t child_oid;         /* the partition of this level that the row must belong to */
    const int16_t *columns;     /* of the level's table, in the innermost partition */
    rdb_datum *values;
    bool *is_null;
} bound_level;

struct exec_bound {
    bound_level *levels;        /* from the partition's parent outward */
    uint32_t count;
};

bool exec_bound_open(exec_bound **out, rdb_execution *x, const rdb_relation *partition, rdb_error *err)
{
    exec_bound *bound = RDB_NEW(x->arena, exec_bound);
    const rdb_relation *child = partition;
    *out = bound;
    bound->levels = RDB_NEW_ARRAY(x->arena, bound_level, 64);
    while (child->is_partition) {
        const rdb_relation *parent = NULL;
        uint32_t *parents = NULL, parent_count = 0;
        rdb_partition_map *map = NULL;
        int16_t *columns = NULL;
        bool is_there = false;
        if (bound->count == 64)
            return rdb_error_set(err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
        bound_level *level = &bound->levels[bound->count];
        if (!rdb_ddl_get_parents(x->context.access, child->oid, x->arena, &parents, &parent_count, err))
            return false;
        if (parent_count == 0)
            break;
        if (!get_relation(x, parents[0], &parent, err) || !rdb_partition_map_open(x->arena, x->context.access, parent, &map, err) ||
            !rdb_inheritance_map(x->arena, parent, partition, &columns, err) || !open_keys(&level->keys, x, map, err))
            return false;
        for (uint32_t i = 0; i < map->count; i++)
            is_there = is_there || map->entries[i].oid == child->oid;
        if (!is_there)
            break; /* it is being detached */
        level->child_oid = child->oid;
        level->columns = columns;
        level->values = RDB_NEW_ARRAY(x->arena, rdb_datum, parent->column_count + 1u);
        level->is_null = RDB_NEW_ARRAY(x->arena, bool, parent->column_count + 1u);
        bound->count++;
        child = parent;
    }
    return true;
}

bool exec_bound_holds(exec_bound *bound, rdb_arena *arena, const rdb_datum *values, const bool *is_null, bool *holds, rdb_error *err)
{
    *holds = true;
    for (uint32_t i = 0; i < bound->count && *holds; i++) {
        bound_level *level = &bound->levels[i];
        const rdb_partition_map *map = level->keys.map;
        int32_t entry_no = -1;
        for (uint16_t c = 0; c < map->relation->column_count; c++) {
            const int16_t at = level->columns[c];
            level->is_null[c] = at == 0 || is_null[at - 1];
            level->values[c] = level->is_null[c] ? (rdb_datum){.words = {0, 0}} : values[at - 1];
        }
        if (!read_keys(&level->keys, arena, level->values, level->is_null, err) || !rdb_partition_find(map, level->keys.keys, level->keys.is_null, &entry_no, err))
            return false;
        *holds = entry_no >= 0 && map->entries[entry_no].oid == level->child_oid;
    }
    return true;
}

bool exec_target_refuse(exec_target *target, const rdb_relation *relation, rdb_error *err)
{
    rdb_error_set(err, RDB_CHECK_VIOLATION, "new row for relation \"%s\" violates partition constraint", relation->name);
    exec_row_rules_tell(&target->rules, target->values, target->is_null, err);
    rdb_error_name(err, RDB_ERROR_SCHEMA, relation->namespace_name);
    return rdb_error_name(err, RDB_ERROR_TABLE, relation->name);
}

bool exec_target_check_bound(exec_target *target, rdb_error *err)
{
    bool holds = true;
    if (target->bound == NULL)
        return true;
    if (!exec_bound_holds(target->bound, target->rules.arena, target->values, target->is_null, &holds, err))
        return false;
    return holds || exec_target_refuse(target, target->relation, err);
}

/* ---- routes ------------------------------------------------------------------------------------------------------------------------ */
typedef struct route_node {     /* a partitioned table on the way */
    key_reader keys;
    const int16_t *columns;     /* by attribute - 1 of the table: the root's attribute it comes from, 0: none */
    rdb_datum *values;          /* NULL: the row is laid out as the root's */
    bool *is_null;
    struct route_node **nodes;  /* by entry */
    exec_target **leaves;
} route_node;

struct exec_route {
    rdb_execution *x;
    const rdb_relation *root;
    exec_bound *bound;          /* of a root that is itself a partition */
    route_node *top;
    rdb_arena *row_arena;
    exec_target **opened;
    uint32_t opened_count, opened_capacity;
};

static bool open_node(exec_route *route, const rdb_relation *relation, route_node **out, rdb_error *err)
{
    rdb_execution *x = route->x;
    route_node *node = RDB_NEW(x->arena, route_node);
    rdb_partition_map *map = NULL;
    if (!rdb_partition_map_open(x->arena, x->context.access, relation, &map, err) || !open_keys(&node->keys, x, map, err))
        return false;
    node->nodes = RDB_NEW_ARRAY(x->arena, route_node *, map->count + 1);
    node->leaves = RDB_NEW_ARRAY(x->arena, exec_target *, map->count + 1);
    if (relation != route->root) {
        int16_t *from_root = NULL, *columns = RDB_NEW_ARRAY(x->arena, int16_t, relation->column_count + 1u);
        if (!rdb_inheritance_map(x->arena, route->root, relation, &from_root, err))
            return false;
        for (uint16_t i = 0; i < route->root->column_count; i++)
            if (from_root[i] > 0)
                columns[from_root[i] - 1] = (int16_t)(i + 1);
        node->columns = columns;
        node->values = RDB_NEW_ARRAY(x->arena, rdb_datum, relation->column_count + 1u);
        node->is_null = RDB_NEW_ARRAY(x->arena, bool, relation->column_count + 1u);
    }
    *out = node;
    return rdb_arena_check(x->arena, err);
}

bool exec_route_open(exec_route **out, rdb_execution *x, const rdb_relation *root, rdb_arena *row_arena, rdb_error *err)
{
    exec_route *route = RDB_NEW(x->arena, exec_route);
    route->x = x;
    route->root = root;
    route->row_arena = row_arena;
    *out = route;
    return (!root->is_partition || exec_bound_open(&route->bound, x, root, err)) && open_node(route, root, &route->top, err);
}

void exec_route_close(exec_route *route)
{
    for (uint32_t i = 0; route != NULL && i < route->opened_count; i++)
        exec_target_close(route->opened[i]);
}

static bool open_leaf(exec_route *route, const rdb_relation *relation, exec_target **out, rdb_error *err)
{
    rdb_execution *x = route->x;
    int16_t *map = NULL;
    if (!rdb_inheritance_map(x->arena, route->root, relation, &map, err))
        return false;
    if (route->opened_count == route->opened_capacity) {
        const uint32_t capacity = route->opened_capacity * 2 + 8;
        exec_target **larger = RDB_NEW_ARRAY(x->arena, exec_target *, capacity);
        if (route->opened_count > 0)
            memcpy(larger, route->opened, route->opened_count * sizeof *larger);
        route->opened = larger;
        route->opened_capacity = capacity;
    }
    exec_target *target = *out = RDB_NEW(x->arena, exec_target);
    if (!exec_target_open(target, x, relation, NULL, route->root, map, route->row_arena, err)) {
        exec_target_close(target);
        return false;
    }
    route->opened[route->opened_count++] = target;
    return rdb_arena_check(x->arena, err);
}

/* *is_stale: its table was altered before it was locked (a run has met the catalog as it was when it began; an index may have come). */
static bool lock_for_run(exec_route *route, exec_target *target, bool *is_stale, rdb_error *err)
{
    bool taken = false;
    const rdb_relation *now = NULL;
    *is_stale = false;
    const rdb_execution_context *context = &route->x->context;
    const rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = rdb_txn_pdb(context->txn), .a = target->relation->oid};
    if (target->locked_run == route->x->run_no + 1)
        return true;
    target->locked_run = route->x->run_no + 1;
    if (!rdb_lock_acquire(context->txn, tag, RDB_LOCK_ROW_EXCLUSIVE, RDB_LOCK_WAIT, context->lock_timeout_us, &taken, err))
        return false;
    if (RDB_LIKELY(rdb_access_is_current(context->access)))
        return true;
    if (!get_relation(route->x, target->relation->oid, &now, err))
        return false;
    *is_stale = now != target->relation;
    return true;
}

static bool refuse_row(const exec_route *route, const key_reader *keys, rdb_arena *arena, rdb_error *err)
{
    const rdb_relation *relation = keys->map->relation;
    rdb_strbuf names, values;
    rdb_error quiet = {0};
    rdb_strbuf_init(&names, arena);
    rdb_strbuf_init(&values, arena);
    for (uint16_t i = 0; i < keys->map->key_count; i++) {
        const char *value = "null";
        rdb_strbuf name;
        rdb_strbuf_init(&name, arena);
        if (!rdb_deparse_expr(route->x->context.access, keys->map->keys[i], relation, false, &name, &quiet) ||
            (!keys->is_null[i] && !rdb_expr_value_to_text(&route->x->eval, arena, keys->map->types[i], keys->keys[i], &value, &quiet)))
            value = "?";
        rdb_strbuf_addf(&names, "%s%s", i > 0 ? ", " : "", name.data != NULL ? name.data : "?");
        rdb_strbuf_addf(&values, "%s%.64s%s", i > 0 ? ", " : "", value, strlen(value) > 64 ? "..." : "");
    }
    rdb_error_clear(&quiet);
    uint64_t *shown = NULL;
    bool has_policies = false, may_tell = true;
    rdb_access *access = route->x->context.access;
    if (!rdb_acl_shown_columns(access, route->x->arena, relation, rdb_access_get_context(access)->role_oid, &shown, &has_policies, err))
        return false;
    for (uint16_t i = 0; shown != NULL && i < keys->map->key_count; i++) { /* a key that may not be read is not told */
        const int16_t number = keys->map->keys[i]->kind == RDB_EXPR_VAR ? ((const rdb_expr_var *)keys->map->keys[i])->attribute_no : 0;
        may_tell = may_tell && number > 0 && (shown[(number + 7u) / 64] & UINT64_C(1) << ((number + 7u) % 64)) != 0;
    }
    rdb_error_set(err, RDB_CHECK_VIOLATION, "no partition of relation \"%s\" found for row", relation->name);
    if (may_tell)
        rdb_error_detail(err, "Partition key of the failing row contains (%s) = (%s).", names.data, values.data);
    rdb_error_name(err, RDB_ERROR_SCHEMA, relation->namespace_name);
    return rdb_error_name(err, RDB_ERROR_TABLE, relation->name);
}

bool exec_route_find(exec_route *route, rdb_arena *arena, const rdb_datum *values, const bool *is_null, exec_target **target, rdb_error *err)
{
    route_node *node = route->top;
    for (;;) {
        const rdb_partition_map *map = node->keys.map;
        const rdb_relation *child = NULL;
        int32_t entry_no = -1;
        if (node->values != NULL)
            for (uint16_t i = 0; i < map->relation->column_count; i++) {
                const int16_t from = node->columns[i];
                node->is_null[i] = from == 0 || is_null[from - 1];
                node->values[i] = node->is_null[i] ? (rdb_datum){.words = {0, 0}} : values[from - 1];
            }
        if (!read_keys(&node->keys, arena, node->values != NULL ? node->values : values, node->values != NULL ? node->is_null : is_null, err) ||
            !rdb_partition_find(map, node->keys.keys, node->keys.is_null, &entry_no, err))
            return false;
        if (entry_no < 0)
            return refuse_row(route, &node->keys, arena, err);
        if (node->leaves[entry_no] != NULL) {
            bool is_stale;
            *target = node->leaves[entry_no];
            if (!lock_for_run(route, *target, &is_stale, err))
                return false;
            if (RDB_LIKELY(!is_stale))
                return true;
            node->leaves[entry_no] = NULL; /* opened anew; the former one is closed with the route */
        }
        if (node->nodes[entry_no] == NULL) {
            if (!get_relation(route->x, map->entries[entry_no].oid, &child, err))
                return false;
            if (child->kind != 'p') {
                if (!open_leaf(route, child, &node->leaves[entry_no], err))
                    return false;
                continue;
            }
            if (!open_node(route, child, &node->nodes[entry_no], err))
                return false;
        }
        node = node->nodes[entry_no];
    }
}

bool exec_route_check_root(exec_route *route, rdb_arena *arena, const rdb_datum *values, const bool *is_null, bool *holds, rdb_error *err)
{
    *holds = true;
    return route->bound == NULL || exec_bound_holds(route->bound, arena, values, is_null, holds, err);
}
