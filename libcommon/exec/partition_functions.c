/* SPDX-License-Identifier: Apache-2.0
 * Functions about partitions: their bounds, keys and conditions as SQL, the tree they form, and the hash that rows go by. */
#include "catalog/rdb_ddl.h"
#include "exec/exec_int.h"
#include "expr/kernels.h"
#include "sql/rdb_partition.h"

static rdb_access *access_of(rdb_call *call)
{
    return rdb_eval_of(call)->access;
}

static bool give_text(rdb_call *call, rdb_strbuf *text, rdb_datum *result)
{
    return rdb_strbuf_check(text, call->err) && expr_set_text(call, text->data != NULL ? text->data : "", text->length, result);
}

bool exec_add_partition_bound(rdb_call *call, const char *bound_text, rdb_strbuf *text)
{
    rdb_partition_bound bound;
    return rdb_partition_bound_read(call->arena, access_of(call), bound_text, &bound, call->err) && rdb_partition_bound_deparse(access_of(call), &bound, text, call->err);
}

/* ---- pg_get_partkeydef, pg_get_partition_constraintdef --------------------------------------------------------------------------------- */
static bool add_class(rdb_call *call, const rdb_partition_map *map, uint16_t i, rdb_strbuf *text)
{
    enum { OPCLASS_OID_INDEX = 2687 };
    const rdb_datum key = {.oid = map->relation->partition_key->opclasses[i]};
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    uint32_t standard = 0;
    bool found = false;
    if (!rdb_opclass_default(access_of(call), map->types[i]->oid, &standard, call->err))
        return false;
    if (standard == key.oid)
        return true;
    bool ok = rdb_catalog_scan_open(&scan, access_of(call), RDB_PG_OPCLASS, OPCLASS_OID_INDEX, &key, 1, call->arena, call->err) && rdb_catalog_scan_next(scan, &row, &found, call->err);
    if (ok && found && !row.values[RDB_pg_opclass_opcdefault - 1].b) {
        const rdb_bytes name = row.values[RDB_pg_opclass_opcname - 1].bytes;
        rdb_strbuf_addf(text, " %.*s", (int)name.length, (const char *)name.data);
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

static bool key_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_relation *relation = NULL;
    rdb_partition_map map;
    rdb_strbuf text;
    (void)nulls;
    if (!rdb_relation_get(access_of(call), a[0].oid, &relation, call->err))
        return false;
    *is_null = relation == NULL || relation->partition_key == NULL;
    if (*is_null)
        return true;
    if (!rdb_partition_key_open(call->arena, access_of(call), relation, &map, call->err))
        return false;
    rdb_strbuf_init(&text, call->arena);
    rdb_strbuf_adds(&text, map.strategy == 'h' ? "HASH (" : map.strategy == 'l' ? "LIST (" : "RANGE (");
    for (uint16_t i = 0; i < map.key_count; i++) {
        const rdb_expr *key = map.keys[i];
        const rdb_deparse_style style = {.access = access_of(call), .format = call->format};
        const char *schema = NULL, *collation = NULL;
        rdb_strbuf_adds(&text, i > 0 ? ", " : "");
        const rdb_expr_function *function = (const rdb_expr_function *)key;
        const bool is_call = key->kind == RDB_EXPR_FUNCTION && function->operator_oid == 0 && function->form == RDB_FORM_CALL;
        rdb_strbuf one;
        rdb_strbuf_init(&one, call->arena);
        if (!rdb_deparse_stored_expr(&style, key, relation, &one, call->err))
            return false;
        const bool needs_brackets = key->kind != RDB_EXPR_VAR && !is_call && one.data != NULL;
        rdb_strbuf_addf(&text, needs_brackets ? "(%s)" : "%s", one.data != NULL ? one.data : "");
        if (map.collations[i] != 0 && map.collations[i] != key->collation) {
            if (!rdb_expr_collation_name(access_of(call), call->arena, map.collations[i], &schema, &collation, call->err))
                return false;
            rdb_strbuf_adds(&text, " COLLATE ");
            if (schema != NULL) {
                rdb_identifier_add(&text, schema);
                rdb_strbuf_addc(&text, '.');
            }
            rdb_identifier_add(&text, collation != NULL ? collation : "");
        }
        if (!add_class(call, &map, i, &text))
            return false;
    }
    rdb_strbuf_addc(&text, ')');
    return give_text(call, &text, result);
}
EXPR_ROW_KERNEL(key, 1)

static bool get_parent(rdb_call *call, uint32_t oid, uint32_t *parent)
{
    uint32_t *parents = NULL, count = 0;
    *parent = 0;
    if (!rdb_ddl_get_parents(access_of(call), oid, call->arena, &parents, &count, call->err))
        return false;
    if (count > 0)
        *parent = parents[0];
    return true;
}

/* The conditions of the bounds from the outermost table in, AND'ed, over the partition's own columns. */
static bool condition_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_relation *partition = NULL, *at = NULL;
    rdb_list conditions = {0}, ordered = {0};
    rdb_strbuf text;
    (void)nulls;
    if (!rdb_relation_get(access_of(call), a[0].oid, &partition, call->err))
        return false;
    *is_null = true;
    for (at = partition; at != NULL && at->is_partition && at->partition_bound != NULL;) {
        const rdb_relation *parent = NULL;
        uint32_t parent_oid = 0;
        rdb_partition_map *map = NULL;
        rdb_partition_bound bound;
        rdb_expr *condition = NULL;
        int16_t *columns = NULL;
        if (!get_parent(call, at->oid, &parent_oid) || (parent_oid != 0 && !rdb_relation_get(access_of(call), parent_oid, &parent, call->err)))
            return false;
        if (parent == NULL)
            break;
        if (!rdb_partition_map_open(call->arena, access_of(call), parent, &map, call->err) ||
            !rdb_partition_bound_read(call->arena, access_of(call), at->partition_bound, &bound, call->err) ||
            !rdb_partition_condition(call->arena, access_of(call), map, &bound, &condition, call->err) ||
            !rdb_inheritance_map(call->arena, parent, partition, &columns, call->err))
            return false;
        if (condition != NULL)
            rdb_list_push(call->arena, &conditions, rdb_inheritance_translate(call->arena, condition, 1, columns, NULL));
        at = parent;
    }
    if (conditions.count == 0)
        return true;
    for (uint32_t i = conditions.count; i-- > 0;) { /* one flat AND */
        rdb_expr_bool *condition = conditions.items[i];
        if (condition->head.kind == RDB_EXPR_BOOL && condition->bool_kind == RDB_BOOL_AND)
            for (uint32_t k = 0; k < condition->arguments.count; k++)
                rdb_list_push(call->arena, &ordered, condition->arguments.items[k]);
        else
            rdb_list_push(call->arena, &ordered, condition);
    }
    rdb_expr_bool *all = RDB_NEW(call->arena, rdb_expr_bool);
    all->head = (rdb_expr){.kind = RDB_EXPR_BOOL, .location = -1, .typmod = -1};
    all->bool_kind = RDB_BOOL_AND;
    all->arguments = ordered;
    if (!rdb_type_get(access_of(call), RDB_BOOLOID, &all->head.type, call->err))
        return false;
    *is_null = false;
    rdb_strbuf_init(&text, call->arena);
    const rdb_deparse_style style = {.access = access_of(call), .format = call->format};
    return rdb_deparse_stored_expr(&style, ordered.count == 1 ? ordered.items[0] : &all->head, partition, &text, call->err) && give_text(call, &text, result);
}
EXPR_ROW_KERNEL(condition, 1)

/* ---- the tree -------------------------------------------------------------------------------------------------------------------------- */
static bool is_of_tree(const rdb_relation *relation)
{
    return relation != NULL && (relation->kind == 'p' || relation->kind == 'I' || relation->is_partition);
}

static bool root_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_relation *relation = NULL;
    (void)nulls;
    if (!rdb_relation_get(access_of(call), a[0].oid, &relation, call->err))
        return false;
    *is_null = !is_of_tree(relation);
    result->oid = a[0].oid;
    while (!*is_null && relation != NULL && relation->is_partition) {
        uint32_t parent = 0;
        if (!get_parent(call, result->oid, &parent))
            return false;
        if (parent == 0)
            break;
        result->oid = parent;
        if (!rdb_relation_get(access_of(call), parent, &relation, call->err))
            return false;
    }
    return true;
}
EXPR_ROW_KERNEL(root, 1)

static bool ancestors_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    const rdb_relation *relation = NULL;
    const bool null = false;
    rdb_datum oid = {.oid = arguments[0].oid};
    (void)is_null;
    if (!rdb_relation_get(access_of(call), oid.oid, &relation, call->err))
        return false;
    if (!is_of_tree(relation))
        return true;
    for (;;) {
        uint32_t parent = 0;
        expr_rows_add(call, state, &oid, &null, 1);
        if (relation == NULL || !relation->is_partition || !get_parent(call, oid.oid, &parent))
            return !rdb_error_is_set(call->err);
        if (parent == 0)
            return true;
        oid.oid = parent;
        if (!rdb_relation_get(access_of(call), parent, &relation, call->err))
            return false;
    }
}

static bool add_tree_row(rdb_call *call, void *state, uint32_t top, uint32_t oid, uint32_t parent, int32_t level, rdb_list *queue, rdb_list *levels, rdb_list *parents)
{
    const rdb_relation *relation = NULL;
    if (!rdb_relation_get(access_of(call), oid, &relation, call->err))
        return false;
    const bool is_leaf = relation == NULL || (relation->kind != 'p' && relation->kind != 'I');
    const rdb_datum values[4] = {{.oid = oid}, {.oid = parent}, {.b = is_leaf}, {.i32 = level}};
    const bool is_null[4] = {false, parent == 0, false, false};
    (void)top;
    expr_rows_add(call, state, values, is_null, 4);
    for (uint32_t i = 0; relation != NULL && i < relation->child_count; i++) {
        rdb_list_push(call->arena, queue, (void *)(uintptr_t)relation->children[i].oid);
        rdb_list_push(call->arena, parents, (void *)(uintptr_t)oid);
        rdb_list_push(call->arena, levels, (void *)(uintptr_t)(level + 1));
    }
    return true;
}

static bool tree_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    const rdb_relation *relation = NULL;
    uint32_t parent = 0;
    rdb_list queue = {0}, levels = {0}, parents = {0};
    (void)is_null;
    if (!rdb_relation_get(access_of(call), arguments[0].oid, &relation, call->err))
        return false;
    if (!is_of_tree(relation))
        return true;
    if (relation->is_partition && !get_parent(call, relation->oid, &parent))
        return false;
    if (!add_tree_row(call, state, relation->oid, relation->oid, parent, 0, &queue, &levels, &parents))
        return false;
    for (uint32_t i = 0; i < queue.count; i++)
        if (!add_tree_row(call, state, relation->oid, (uint32_t)(uintptr_t)queue.items[i], (uint32_t)(uintptr_t)parents.items[i], (int32_t)(uintptr_t)levels.items[i], &queue, &levels, &parents))
            return false;
    return true;
}

/* ---- satisfies_hash_partition -------------------------------------------------------------------------------------------------------- */
static bool check_hash_arguments(rdb_call *call, const rdb_relation *relation, const rdb_partition_map *map, const rdb_datum *a, uint32_t count)
{
    if (a[1].i32 <= 0)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "modulus for hash partition must be an integer value greater than zero");
    if (a[2].i32 < 0)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "remainder for hash partition must be an integer value greater than or equal to zero");
    if (a[2].i32 >= a[1].i32)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "remainder for hash partition must be less than modulus");
    if (relation->partition_key == NULL || relation->partition_key->strategy != 'h')
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "\"%s\" is not a hash partitioned table", relation->name);
    if (count != map->key_count)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "number of partitioning columns (%u) does not match number of partition keys provided (%u)", map->key_count, count);
    for (uint16_t i = 0; i < map->key_count; i++) {
        const rdb_type *given = call->argument_types[3 + i];
        if (given->oid == map->types[i]->oid)
            continue;
        rdb_strbuf wanted, shown;
        rdb_strbuf_init(&wanted, call->arena);
        rdb_strbuf_init(&shown, call->arena);
        rdb_type_format_name(map->types[i], -1, false, &wanted);
        rdb_type_format_name(given, -1, false, &shown);
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "column %d of the partition key has type %s, but supplied value is of type %s", i + 1, wanted.data, shown.data);
    }
    return true;
}

static bool satisfies_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_relation *relation = NULL;
    rdb_partition_map map = {.key_count = 0};
    uint64_t hash = 0;
    result->b = false;
    *is_null = false;
    if (nulls[0] || nulls[1] || nulls[2])
        return true;
    if (!rdb_relation_get(access_of(call), a[0].oid, &relation, call->err))
        return false;
    if (relation == NULL)
        return rdb_error_set(call->err, RDB_UNDEFINED_TABLE, "could not open relation with OID %u", a[0].oid);
    if (relation->partition_key != NULL && !rdb_partition_key_open(call->arena, access_of(call), relation, &map, call->err))
        return false;
    if (!check_hash_arguments(call, relation, &map, a, call->argument_count - 3) ||
        !rdb_partition_hash(map.types, map.collations, map.key_count, a + 3, nulls + 3, &hash, call->err))
        return false;
    result->b = hash % (uint64_t)a[1].i32 == (uint64_t)a[2].i32;
    return true;
}

static bool satisfies(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection)
{
    return expr_run_rows(call, arguments, out, selection, call->argument_count, satisfies_row);
}

static const rdb_set_kernel_entry SETS[] = {
    {.proc_oid = 3425, .state_bytes = sizeof(expr_rows), .begin = ancestors_begin, .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION},
    {.proc_oid = 3423, .state_bytes = sizeof(expr_rows), .begin = tree_begin, .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION},
};

static const rdb_kernel_entry ENTRIES[] = {
    {3352, key, RDB_KERNEL_NEEDS_SESSION},
    {3408, condition, RDB_KERNEL_NEEDS_SESSION},
    {3424, root, RDB_KERNEL_NEEDS_SESSION},
    {5028, satisfies, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE | RDB_KERNEL_POLYMORPHIC},
};

void exec_register_partition_functions(void)
{
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
