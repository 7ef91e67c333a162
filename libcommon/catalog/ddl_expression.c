/* SPDX-License-Identifier: Apache-2.0
 * DDL on what expressions are made of: aggregates, operators, casts. */
#include "catalog/ddl_int.h"

enum { INDEX_AGGREGATE = 2650, INDEX_OPERATOR_OID = 2688, INDEX_OPERATOR_NAME = 2689, INDEX_CAST_TYPES = 2661, AGGREGATE_USES = 12 };

/* ---- aggregates ------------------------------------------------------------------------------------------------------------------ */
static void fill_aggregate(const new_row *row, const rdb_aggregate_definition *d, uint32_t oid)
{
    set_oid(row, RDB_pg_aggregate_aggfnoid, oid);
    set_char(row, RDB_pg_aggregate_aggkind, d->kind);
    set_int16(row, RDB_pg_aggregate_aggnumdirectargs, (int16_t)d->direct_count);
    set_oid(row, RDB_pg_aggregate_aggtransfn, d->transition_oid);
    set_oid(row, RDB_pg_aggregate_aggfinalfn, d->final_oid);
    set_oid(row, RDB_pg_aggregate_aggcombinefn, d->combine_oid);
    set_oid(row, RDB_pg_aggregate_aggserialfn, d->serialize_oid);
    set_oid(row, RDB_pg_aggregate_aggdeserialfn, d->deserialize_oid);
    set_oid(row, RDB_pg_aggregate_aggmtransfn, d->moving_oid);
    set_oid(row, RDB_pg_aggregate_aggminvtransfn, d->inverse_oid);
    set_oid(row, RDB_pg_aggregate_aggmfinalfn, d->moving_final_oid);
    set_bool(row, RDB_pg_aggregate_aggfinalextra, d->final_takes_arguments);
    set_bool(row, RDB_pg_aggregate_aggmfinalextra, d->moving_final_takes_arguments);
    set_char(row, RDB_pg_aggregate_aggfinalmodify, d->final_modify);
    set_char(row, RDB_pg_aggregate_aggmfinalmodify, d->moving_final_modify);
    set_oid(row, RDB_pg_aggregate_aggsortop, d->sort_operator);
    set_oid(row, RDB_pg_aggregate_aggtranstype, d->transition_type);
    set_int32(row, RDB_pg_aggregate_aggtransspace, d->transition_space);
    set_oid(row, RDB_pg_aggregate_aggmtranstype, d->moving_type);
    set_int32(row, RDB_pg_aggregate_aggmtransspace, d->moving_space);
    set_text(row, RDB_pg_aggregate_agginitval, d->initial);
    set_text(row, RDB_pg_aggregate_aggminitval, d->moving_initial);
}

static bool write_aggregate(rdb_access *access, rdb_function_definition *function, const rdb_aggregate_definition *d, uint32_t *oid, rdb_arena *arena, rdb_error *err)
{
    const uint32_t functions[] = {d->transition_oid, d->final_oid,  d->combine_oid, d->serialize_oid,
                                  d->deserialize_oid, d->moving_oid, d->inverse_oid, d->moving_final_oid};
    rdb_object_address *uses = RDB_NEW_ARRAY(arena, rdb_object_address, function->use_count + AGGREGATE_USES);
    uint32_t count = 0;
    for (size_t i = 0; i < RDB_COUNT_OF(functions); i++)
        if (functions[i] != 0)
            uses[count++] = (rdb_object_address){RDB_PG_PROC, functions[i], 0};
    if (d->sort_operator != 0)
        uses[count++] = (rdb_object_address){RDB_PG_OPERATOR, d->sort_operator, 0};
    for (uint32_t i = 0; i < function->use_count; i++)
        uses[count++] = function->uses[i];
    function->uses = uses;
    function->use_count = count;
    const bool is_new = *oid == 0;
    if (!rdb_ddl_write_function(access, function, oid, err))
        return false;
    const rdb_datum key = datum_oid(*oid);
    const new_row row = row_begin(access, RDB_PG_AGGREGATE, arena);
    fill_aggregate(&row, d, *oid);
    return (is_new || delete_rows(access, RDB_PG_AGGREGATE, INDEX_AGGREGATE, &key, 1, err)) && row_insert(&row, err);
}

bool rdb_ddl_write_aggregate(rdb_access *access, rdb_function_definition *function, const rdb_aggregate_definition *definition, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && write_aggregate(access, function, definition, oid, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

/* ---- operators -------------------------------------------------------------------------------------------------------------------- */
bool rdb_operator_find_exact(rdb_access *access, uint32_t namespace_oid, const char *name, uint32_t left_type, uint32_t right_type, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    bool found = false;
    const rdb_datum keys[] = {datum_text(name), datum_oid(left_type), datum_oid(right_type), datum_oid(namespace_oid)};
    *oid = 0;
    bool ok = arena != NULL && catalog_find_row(access, RDB_PG_OPERATOR, INDEX_OPERATOR_NAME, keys, 4, arena, &row, &found, err);
    if (ok && found)
        *oid = row_oid(&row, RDB_pg_operator_oid);
    rdb_arena_destroy(arena);
    return ok;
}

static void fill_operator(const new_row *row, const rdb_operator_definition *d, uint32_t oid)
{
    set_oid(row, RDB_pg_operator_oid, oid);
    set_text(row, RDB_pg_operator_oprname, d->name);
    set_oid(row, RDB_pg_operator_oprnamespace, d->namespace_oid);
    set_oid(row, RDB_pg_operator_oprowner, d->owner_oid);
    set_char(row, RDB_pg_operator_oprkind, d->left_type != 0 ? 'b' : 'l');
    set_bool(row, RDB_pg_operator_oprcanmerge, d->can_merge);
    set_bool(row, RDB_pg_operator_oprcanhash, d->can_hash);
    set_oid(row, RDB_pg_operator_oprleft, d->left_type);
    set_oid(row, RDB_pg_operator_oprright, d->right_type);
    set_oid(row, RDB_pg_operator_oprresult, d->result_type);
    set_oid(row, RDB_pg_operator_oprcom, d->commutes_with_itself ? oid : d->commutator_oid);
    set_oid(row, RDB_pg_operator_oprnegate, d->negator_oid);
    set_oid(row, RDB_pg_operator_oprcode, d->function_oid);
    set_oid(row, RDB_pg_operator_oprrest, d->restrict_oid);
    set_oid(row, RDB_pg_operator_oprjoin, d->join_oid);
}

static bool depend_operator(rdb_access *access, const rdb_operator_definition *d, uint32_t oid, rdb_error *err)
{
    const rdb_object_address itself = {RDB_PG_OPERATOR, oid, 0};
    const rdb_object_address all[] = {{RDB_PG_NAMESPACE, d->namespace_oid, 0}, {RDB_PG_TYPE, d->left_type, 0},     {RDB_PG_TYPE, d->right_type, 0},
                                      {RDB_PG_TYPE, d->result_type, 0},        {RDB_PG_PROC, d->function_oid, 0}, {RDB_PG_PROC, d->restrict_oid, 0},
                                      {RDB_PG_PROC, d->join_oid, 0}};
    rdb_object_address uses[RDB_COUNT_OF(all)];
    uint32_t count = 0;
    for (size_t i = 0; i < RDB_COUNT_OF(all); i++)
        if (all[i].object_oid != 0)
            uses[count++] = all[i];
    return ddl_depend_on_uses(access, itself, uses, count, err);
}

static bool forget_use(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    (void)context;
    return row_char(row, RDB_pg_depend_deptype) != 'n' || rdb_catalog_delete(access, catalog_oid, row, err);
}

/* What it uses, but not the extension that it is a part of. */
static bool forget_uses(rdb_access *access, uint32_t oid, rdb_error *err)
{
    const rdb_datum depender[] = {datum_oid(RDB_PG_OPERATOR), datum_oid(oid)};
    return visit_rows(access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, depender, 2, forget_use, NULL, err);
}

/* Another operator's link, where it has none yet. */
static bool link_back(rdb_access *access, uint32_t other_oid, int column, uint32_t oid, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row row;
    const rdb_datum key = datum_oid(other_oid);
    if (other_oid == 0 || other_oid == oid)
        return true;
    if (!need_row(access, RDB_PG_OPERATOR, INDEX_OPERATOR_OID, &key, 1, arena, &row, err))
        return false;
    if (row_oid(&row, column) != 0)
        return true;
    row.values[column - 1] = datum_oid(oid);
    return rdb_catalog_update(access, RDB_PG_OPERATOR, &row, err);
}

static bool write_operator(rdb_access *access, const rdb_operator_definition *d, uint32_t *oid, rdb_arena *arena, rdb_error *err)
{
    const bool is_new = *oid == 0;
    if (is_new && !rdb_catalog_new_oid(access, oid, err))
        return false;
    const new_row row = row_begin(access, RDB_PG_OPERATOR, arena);
    fill_operator(&row, d, *oid);
    if (is_new) {
        if (!row_insert(&row, err))
            return false;
    } else {
        rdb_catalog_row old;
        const rdb_datum key = datum_oid(*oid);
        if (!need_row(access, RDB_PG_OPERATOR, INDEX_OPERATOR_OID, &key, 1, arena, &old, err) ||
            !forget_uses(access, *oid, err))
            return false;
        old.values = row.values;
        old.is_null = row.is_null;
        if (!rdb_catalog_update(access, RDB_PG_OPERATOR, &old, err))
            return false;
    }
    return depend_operator(access, d, *oid, err) && link_back(access, d->commutator_oid, RDB_pg_operator_oprcom, *oid, arena, err) &&
           link_back(access, d->negator_oid, RDB_pg_operator_oprnegate, *oid, arena, err);
}

bool rdb_ddl_write_operator(rdb_access *access, const rdb_operator_definition *definition, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && write_operator(access, definition, oid, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_set_operator_estimators(rdb_access *access, const rdb_operator_entry *entry, uint32_t restrict_oid, uint32_t join_oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    bool ok = false;
    const rdb_datum key = datum_oid(entry->oid);
    if (arena == NULL || !need_row(access, RDB_PG_OPERATOR, INDEX_OPERATOR_OID, &key, 1, arena, &row, err))
        goto out;
    row.values[RDB_pg_operator_oprrest - 1] = datum_oid(restrict_oid);
    row.values[RDB_pg_operator_oprjoin - 1] = datum_oid(join_oid);
    const rdb_operator_definition d = {.namespace_oid = entry->namespace_oid, .left_type = entry->left_type, .right_type = entry->right_type, .result_type = entry->result_type,
                                       .function_oid = entry->function_oid, .restrict_oid = restrict_oid, .join_oid = join_oid};
    const uint32_t oid = entry->oid; /* the entry goes with the change */
    ok = rdb_catalog_update(access, RDB_PG_OPERATOR, &row, err) && forget_uses(access, oid, err) &&
         depend_operator(access, &d, oid, err);
out:
    rdb_arena_destroy(arena);
    return ok;
}

static bool unlink_operator(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    const uint32_t oid = *(const uint32_t *)context;
    const int links[] = {RDB_pg_operator_oprcom, RDB_pg_operator_oprnegate};
    bool changes = false;
    if (row_oid(row, RDB_pg_operator_oid) == oid)
        return true;
    for (size_t i = 0; i < RDB_COUNT_OF(links); i++) {
        if (row_oid(row, links[i]) != oid)
            continue;
        row->values[links[i] - 1] = datum_oid(0);
        changes = true;
    }
    return !changes || rdb_catalog_update(access, catalog_oid, row, err);
}

bool ddl_drop_operator(rdb_access *access, uint32_t oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    const rdb_datum key = datum_oid(oid);
    bool ok = arena != NULL && need_row(access, RDB_PG_OPERATOR, INDEX_OPERATOR_OID, &key, 1, arena, &row, err);
    if (ok) {
        /* Those that name it need not be named by it: its links say where to look first, but a look at all is what is sure. */
        ok = visit_rows(access, RDB_PG_OPERATOR, 0, NULL, 0, unlink_operator, &oid, err) && delete_rows(access, RDB_PG_OPERATOR, INDEX_OPERATOR_OID, &key, 1, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}

/* ---- casts ------------------------------------------------------------------------------------------------------------------------ */
static bool create_cast(rdb_access *access, const rdb_cast_entry *cast, uint32_t *oid, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row existing;
    bool found;
    const rdb_datum keys[] = {datum_oid(cast->source), datum_oid(cast->target)};
    if (!catalog_find_row(access, RDB_PG_CAST, INDEX_CAST_TYPES, keys, 2, arena, &existing, &found, err))
        return false;
    if (found) {
        rdb_strbuf text;
        const rdb_type *source, *target;
        rdb_strbuf_init(&text, arena);
        if (!rdb_type_get(access, cast->source, &source, err) || !rdb_type_get(access, cast->target, &target, err))
            return false;
        rdb_strbuf_adds(&text, "cast from type ");
        rdb_type_format_name(source, -1, false, &text);
        rdb_strbuf_adds(&text, " to type ");
        rdb_type_format_name(target, -1, false, &text);
        return rdb_strbuf_check(&text, err) && rdb_error_set(err, RDB_DUPLICATE_OBJECT, "%s already exists", text.data);
    }
    if (!rdb_catalog_new_oid(access, oid, err))
        return false;
    const new_row row = row_begin(access, RDB_PG_CAST, arena);
    set_oid(&row, RDB_pg_cast_oid, *oid);
    set_oid(&row, RDB_pg_cast_castsource, cast->source);
    set_oid(&row, RDB_pg_cast_casttarget, cast->target);
    set_oid(&row, RDB_pg_cast_castfunc, cast->function_oid);
    set_char(&row, RDB_pg_cast_castcontext, cast->context);
    set_char(&row, RDB_pg_cast_castmethod, cast->method);
    const rdb_object_address uses[] = {{RDB_PG_TYPE, cast->source, 0}, {RDB_PG_TYPE, cast->target, 0}, {RDB_PG_PROC, cast->function_oid, 0}};
    return row_insert(&row, err) && ddl_depend_on_uses(access, (rdb_object_address){RDB_PG_CAST, *oid, 0}, uses, cast->function_oid != 0 ? 3 : 2, err);
}

bool rdb_ddl_create_cast(rdb_access *access, const rdb_cast_entry *cast, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && create_cast(access, cast, oid, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}
