/* SPDX-License-Identifier: Apache-2.0
 * DDL on types of their own: labels of enums, range types with their multiranges. A label's place in the order is a number that it keeps for
 * life, since index keys are made of it; there is always room between two of them until a float's digits end. */
#include "catalog/ddl_int.h"

#include <math.h>

enum { INDEX_ENUM_LABEL = 3503, PG_RANGE = 3541 };

/* ---- enums --------------------------------------------------------------------------------------------------------------------- */
static bool check_label(const char *label, rdb_error *err)
{
    if (strlen(label) < RDB_NAMEDATALEN)
        return true;
    rdb_error_set(err, RDB_INVALID_NAME, "invalid enum label \"%s\"", label);
    return rdb_error_detail(err, "Labels must be %u bytes or less.", RDB_NAMEDATALEN - 1);
}

static bool find_label(rdb_access *access, uint32_t type_oid, const char *label, rdb_arena *arena, rdb_catalog_row *row, bool *found, rdb_error *err)
{
    const rdb_datum keys[] = {datum_oid(type_oid), datum_text(label)};
    return catalog_find_row(access, RDB_PG_ENUM, INDEX_ENUM_LABEL, keys, 2, arena, row, found, err);
}

/* Between its neighbours; where there is none on one side, a whole number further. */
static bool choose_order(const rdb_type *type, const char *neighbour, bool is_after, float *order, rdb_error *err)
{
    uint32_t at = 0;
    if (neighbour == NULL) {
        *order = type->label_count > 0 ? floorf(type->label_orders[type->label_count - 1]) + 1 : 1;
        return true;
    }
    while (at < type->label_count && strcmp(type->labels[at], neighbour) != 0)
        at++;
    if (at == type->label_count)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "\"%s\" is not an existing enum label", neighbour);
    const uint32_t upper = is_after ? at + 1 : at; /* the one that comes behind the new one */
    if (upper == 0)
        *order = type->label_orders[0] - 1;
    else if (upper == type->label_count)
        *order = type->label_orders[upper - 1] + 1;
    else
        *order = (type->label_orders[upper - 1] + type->label_orders[upper]) / 2;
    if (upper > 0 && upper < type->label_count && (*order <= type->label_orders[upper - 1] || *order >= type->label_orders[upper]))
        return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "there is no room for another label at this place of enum type \"%s\"", type->name);
    return true;
}

static bool add_label(rdb_access *access, const rdb_type *type, const char *label, const char *neighbour, bool is_after, bool *exists, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row taken;
    uint32_t oid;
    float order = 0;
    *exists = false;
    if (!check_label(label, err) || !find_label(access, type->oid, label, arena, &taken, exists, err) || *exists)
        return !rdb_error_is_set(err);
    if (!choose_order(type, neighbour, is_after, &order, err) || !rdb_catalog_new_oid(access, &oid, err))
        return false;
    const new_row row = row_begin(access, RDB_PG_ENUM, arena);
    set_oid(&row, RDB_pg_enum_oid, oid);
    set_oid(&row, RDB_pg_enum_enumtypid, type->oid);
    set_float(&row, RDB_pg_enum_enumsortorder, order);
    set_text(&row, RDB_pg_enum_enumlabel, label);
    if (!row_insert(&row, err))
        return false;
    rdb_catalog_invalidate(access, RDB_PG_TYPE, type->oid);
    return true;
}

bool rdb_ddl_add_enum_label(rdb_access *access, const rdb_type *type, const char *label, const char *neighbour, bool is_after, bool *exists, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && add_label(access, type, label, neighbour, is_after, exists, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_rename_enum_label(rdb_access *access, const rdb_type *type, const char *old_label, const char *new_label, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row, taken;
    bool ok = false, found = false, is_taken = false;
    if (arena == NULL || !check_label(new_label, err) || !find_label(access, type->oid, old_label, arena, &row, &found, err) ||
        !find_label(access, type->oid, new_label, arena, &taken, &is_taken, err))
        goto out;
    if (!found)
        rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "\"%s\" is not an existing enum label", old_label);
    else if (is_taken)
        rdb_error_set(err, RDB_DUPLICATE_OBJECT, "enum label \"%s\" already exists", new_label);
    else {
        row.values[RDB_pg_enum_enumlabel - 1] = datum_text(new_label);
        ok = rdb_catalog_update(access, RDB_PG_ENUM, &row, err);
        rdb_catalog_invalidate(access, RDB_PG_TYPE, type->oid);
    }
out:
    rdb_arena_destroy(arena);
    return ok;
}

/* ---- ranges -------------------------------------------------------------------------------------------------------------------- */
static bool check_name(rdb_access *access, const char *name, uint32_t namespace_oid, const char *range_name, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row row;
    bool found;
    const rdb_datum keys[] = {datum_text(name), datum_oid(namespace_oid)};
    if (!catalog_find_row(access, RDB_PG_TYPE, INDEX_TYPE_NAME, keys, 2, arena, &row, &found, err))
        return false;
    if (!found)
        return true;
    rdb_error_set(err, RDB_DUPLICATE_OBJECT, "type \"%s\" already exists", name);
    if (range_name == NULL)
        return false;
    rdb_error_detail(err, "Failed while creating a multirange type for type \"%s\".", range_name);
    return rdb_error_hint(err, "You can manually specify a multirange type name using the \"multirange_type_name\" attribute.");
}

/* A function of the type's own: it goes with the type, and only with it. */
static bool add_constructor(rdb_access *access, const rdb_range_definition *range, const char *name, const char *source, uint32_t type_oid, const uint32_t *arguments,
                            uint16_t argument_count, uint32_t variadic_type, uint32_t *oid, rdb_error *err)
{
    enum { INTERNAL_LANGUAGE = 12 };
    const char modes[] = {'v'};
    const rdb_function_definition definition = {.name = name, .namespace_oid = range->namespace_oid, .owner_oid = range->owner_oid, .language_oid = INTERNAL_LANGUAGE, .kind = 'f',
                                                .is_strict = strncmp(source, "multirange", 10) == 0, .volatility = 'i', .parallel = 's', .cost = 1, .return_type = type_oid,
                                                .argument_types = arguments, .argument_count = argument_count, .source = source, .variadic_type = variadic_type,
                                                .all_types = variadic_type != 0 ? arguments : NULL, .all_modes = variadic_type != 0 ? modes : NULL,
                                                .all_count = variadic_type != 0 ? 1 : 0};
    *oid = 0;
    return rdb_ddl_write_function(access, &definition, oid, err) &&
           rdb_ddl_depend(access, (rdb_object_address){RDB_PG_PROC, *oid, 0}, (rdb_object_address){RDB_PG_TYPE, type_oid, 0}, 'i', err);
}

static bool add_constructors(rdb_access *access, const rdb_range_definition *range, uint32_t range_oid, uint32_t range_array, uint32_t multirange_oid, uint32_t *of_range,
                             rdb_error *err)
{
    const uint32_t bounds[] = {range->subtype->oid, range->subtype->oid, RDB_TEXTOID};
    uint32_t oid;
    return add_constructor(access, range, range->name, "range_constructor2", range_oid, bounds, 2, 0, &oid, err) &&
           add_constructor(access, range, range->name, "range_constructor3", range_oid, bounds, 3, 0, &oid, err) &&
           add_constructor(access, range, range->multirange_name, "multirange_constructor0", multirange_oid, NULL, 0, 0, &oid, err) &&
           add_constructor(access, range, range->multirange_name, "multirange_constructor1", multirange_oid, &range_oid, 1, 0, of_range, err) &&
           add_constructor(access, range, range->multirange_name, "multirange_constructor2", multirange_oid, &range_array, 1, range_oid, &oid, err);
}

static bool add_cast(rdb_access *access, uint32_t source, uint32_t target, uint32_t function_oid, rdb_arena *arena, rdb_error *err)
{
    uint32_t oid;
    if (!rdb_catalog_new_oid(access, &oid, err))
        return false;
    const new_row row = row_begin(access, RDB_PG_CAST, arena);
    set_oid(&row, RDB_pg_cast_oid, oid);
    set_oid(&row, RDB_pg_cast_castsource, source);
    set_oid(&row, RDB_pg_cast_casttarget, target);
    set_oid(&row, RDB_pg_cast_castfunc, function_oid);
    set_char(&row, RDB_pg_cast_castcontext, 'e');
    set_char(&row, RDB_pg_cast_castmethod, 'f');
    const rdb_object_address cast = {RDB_PG_CAST, oid, 0};
    return row_insert(&row, err) && rdb_ddl_depend(access, cast, (rdb_object_address){RDB_PG_TYPE, source, 0}, 'i', err) &&
           rdb_ddl_depend(access, cast, (rdb_object_address){RDB_PG_TYPE, target, 0}, 'n', err);
}

static bool depend_range(rdb_access *access, const rdb_range_definition *range, uint32_t range_oid, rdb_error *err)
{
    const rdb_object_address self = {RDB_PG_TYPE, range_oid, 0};
    const rdb_object_address on[] = {{RDB_PG_NAMESPACE, range->namespace_oid, 0}, {RDB_PG_TYPE, range->subtype->oid, 0}, {RDB_PG_COLLATION, range->collation, 0},
                                     {RDB_PG_PROC, range->difference_oid, 0}};
    for (size_t i = 0; i < RDB_COUNT_OF(on); i++)
        if (on[i].object_oid != 0 && (i == 0 || on[i].object_oid >= RDB_FIRST_NORMAL_OID) && !rdb_ddl_depend(access, self, on[i], 'n', err))
            return false;
    return true;
}

static bool create_range(rdb_access *access, const rdb_range_definition *range, uint32_t *oid, rdb_arena *arena, rdb_error *err)
{
    enum { RANGE_IN = 3834, RANGE_OUT = 3835, RANGE_RECEIVE = 3836, RANGE_SEND = 3837, RANGE_ANALYZE = 3916,
           MULTIRANGE_IN = 4231, MULTIRANGE_OUT = 4232, MULTIRANGE_RECEIVE = 4233, MULTIRANGE_SEND = 4234, MULTIRANGE_ANALYZE = 4242 };
    uint32_t array_oid, multirange_oid, multirange_array, of_range = 0;
    char align, storage;
    if (!check_name(access, range->name, range->namespace_oid, NULL, arena, err) || !check_name(access, range->multirange_name, range->namespace_oid, range->names_multirange ? NULL : range->name, arena, err) ||
        !ddl_type_storage(access, range->subtype->oid, arena, &align, &storage, err) || !rdb_catalog_new_oid(access, oid, err) ||
        !rdb_catalog_new_oid(access, &array_oid, err) || !rdb_catalog_new_oid(access, &multirange_oid, err) || !rdb_catalog_new_oid(access, &multirange_array, err))
        return false;
    type_definition type = {.oid = *oid, .namespace_oid = range->namespace_oid, .owner_oid = range->owner_oid, .array_oid = array_oid, .name = range->name, .length = -1,
                            .kind = 'r', .category = 'R', .align = align == 'd' ? 'd' : 'i', .storage = 'x', .input = RANGE_IN, .output = RANGE_OUT,
                            .receive = RANGE_RECEIVE, .send = RANGE_SEND, .analyze = RANGE_ANALYZE};
    type_definition multirange = type;
    multirange.oid = multirange_oid;
    multirange.array_oid = multirange_array;
    multirange.name = range->multirange_name;
    multirange.kind = 'm';
    multirange.input = MULTIRANGE_IN;
    multirange.output = MULTIRANGE_OUT;
    multirange.receive = MULTIRANGE_RECEIVE;
    multirange.send = MULTIRANGE_SEND;
    multirange.analyze = MULTIRANGE_ANALYZE;
    const new_row row = row_begin(access, PG_RANGE, arena);
    set_oid(&row, RDB_pg_range_rngtypid, *oid);
    set_oid(&row, RDB_pg_range_rngsubtype, range->subtype->oid);
    set_oid(&row, RDB_pg_range_rngmultitypid, multirange_oid);
    set_oid(&row, RDB_pg_range_rngcollation, range->collation);
    set_oid(&row, RDB_pg_range_rngsubopc, range->opclass_oid);
    set_oid(&row, RDB_pg_range_rngcanonical, 0);
    set_oid(&row, RDB_pg_range_rngsubdiff, range->difference_oid);
    return row_insert(&row, err) && ddl_insert_type(access, &type, arena, err) && ddl_insert_array_type(access, &type, arena, err) &&
           ddl_insert_type(access, &multirange, arena, err) && ddl_insert_array_type(access, &multirange, arena, err) && depend_range(access, range, *oid, err) &&
           rdb_ddl_depend(access, (rdb_object_address){RDB_PG_TYPE, multirange_oid, 0}, (rdb_object_address){RDB_PG_TYPE, *oid, 0}, 'i', err) &&
           add_constructors(access, range, *oid, array_oid, multirange_oid, &of_range, err) && add_cast(access, *oid, multirange_oid, of_range, arena, err);
}

bool rdb_ddl_create_range(rdb_access *access, const rdb_range_definition *definition, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && create_range(access, definition, oid, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}
