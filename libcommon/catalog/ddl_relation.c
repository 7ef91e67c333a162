/* SPDX-License-Identifier: Apache-2.0
 * DDL on relations: creating tables, views and composite types; columns, defaults, names, owners, files. */
#include "catalog/ddl_int.h"
#include "txn/rdb_ssi.h"

enum { HEAP_METHOD = 2, TOO_MANY_COLUMNS = 1600 };

/* ---- creation ------------------------------------------------------------------------------------------------------------------ */
/* A generated column goes with the columns it is made of, so it is the column that depends on them. */
static bool depend_default(rdb_access *access, uint32_t default_oid, uint32_t relation_oid, int16_t number, const rdb_object_address *uses,
                           uint32_t use_count, rdb_error *err)
{
    const rdb_object_address column = {RDB_PG_CLASS, relation_oid, number}, value = {RDB_PG_ATTRDEF, default_oid, 0};
    for (uint32_t i = 0; i < use_count; i++) {
        const bool is_sibling = uses[i].catalog_oid == RDB_PG_CLASS && uses[i].object_oid == relation_oid;
        if (!ddl_depend_on_uses(access, is_sibling ? column : value, &uses[i], 1, err))
            return false;
    }
    return true;
}

static bool insert_default(rdb_access *access, uint32_t relation_oid, int16_t number, const char *tree, const rdb_object_address *uses,
                           uint32_t use_count, rdb_arena *arena, rdb_error *err)
{
    uint32_t oid;
    if (!rdb_catalog_new_oid(access, &oid, err))
        return false;
    const new_row row = row_begin(access, RDB_PG_ATTRDEF, arena);
    set_oid(&row, RDB_pg_attrdef_oid, oid);
    set_oid(&row, RDB_pg_attrdef_adrelid, relation_oid);
    set_int16(&row, RDB_pg_attrdef_adnum, number);
    set_text(&row, RDB_pg_attrdef_adbin, tree);
    return row_insert(&row, err) && rdb_ddl_depend(access, (rdb_object_address){RDB_PG_ATTRDEF, oid, 0},
                                                   (rdb_object_address){RDB_PG_CLASS, relation_oid, number}, 'a', err) &&
           depend_default(access, oid, relation_oid, number, uses, use_count, err);
}

/* Types and collations that are built in cannot be dropped and need no row. */
static bool depend_on_type(rdb_access *access, rdb_object_address dependent, const rdb_column_definition *column, rdb_error *err)
{
    if (objects_type_get(column->type->oid) == NULL &&
        !rdb_ddl_depend(access, dependent, (rdb_object_address){RDB_PG_TYPE, column->type->oid, 0}, 'n', err))
        return false;
    return column->collation < RDB_FIRST_NORMAL_OID ||
           rdb_ddl_depend(access, dependent, (rdb_object_address){RDB_PG_COLLATION, column->collation, 0}, 'n', err);
}

static bool insert_column(rdb_access *access, uint32_t relation_oid, int16_t number, const rdb_column_definition *column, rdb_arena *arena, rdb_error *err)
{
    return ddl_insert_attribute(access, relation_oid, number, column, arena, err) &&
           depend_on_type(access, (rdb_object_address){RDB_PG_CLASS, relation_oid, number}, column, err) &&
           (column->default_tree == NULL || insert_default(access, relation_oid, number, column->default_tree, column->default_uses,
                                                              column->default_use_count, arena, err));
}

static bool insert_system_columns(rdb_access *access, uint32_t relation_oid, rdb_arena *arena, rdb_error *err)
{
    static const struct {
        const char *name;
        int16_t number;
        uint32_t type_oid;
    } columns[] = {{"ctid", -1, RDB_TIDOID}, {"xmin", -2, RDB_XIDOID}, {"cmin", -3, RDB_CIDOID},
                   {"xmax", -4, RDB_XIDOID}, {"cmax", -5, RDB_CIDOID}, {"tableoid", -6, RDB_OIDOID}};
    for (size_t i = 0; i < RDB_COUNT_OF(columns); i++) {
        const rdb_column_definition column = {.name = columns[i].name, .type = objects_type_get(columns[i].type_oid), .typmod = -1, .not_null = true};
        if (!ddl_insert_attribute(access, relation_oid, columns[i].number, &column, arena, err))
            return false;
    }
    return true;
}

static bool check_type_name(rdb_access *access, uint32_t namespace_oid, const char *name, rdb_arena *arena, rdb_error *err)
{
    bool taken;
    if (!ddl_type_name_is_taken(access, name, namespace_oid, arena, &taken, err))
        return false;
    if (!taken)
        return true;
    rdb_error_set(err, RDB_DUPLICATE_OBJECT, "type \"%s\" already exists", name);
    return rdb_error_hint(err, "A relation has an associated type of the same name, so you must use a name that doesn't conflict with any existing type.");
}

static bool insert_row_type(rdb_access *access, const rdb_relation_definition *definition, uint32_t relation_oid, uint32_t row_type_oid,
                            uint32_t array_oid, rdb_arena *arena, rdb_error *err)
{
    enum { RECORD_IN = 2290, RECORD_OUT = 2291, RECORD_RECEIVE = 2402, RECORD_SEND = 2403 };
    const type_definition type = {.oid = row_type_oid,
                                  .namespace_oid = definition->namespace_oid,
                                  .owner_oid = definition->owner_oid,
                                  .relation_oid = relation_oid,
                                  .array_oid = array_oid,
                                  .name = definition->name,
                                  .length = -1,
                                  .kind = 'c',
                                  .category = 'C',
                                  .align = 'd',
                                  .storage = 'x',
                                  .input = RECORD_IN,
                                  .output = RECORD_OUT,
                                  .receive = RECORD_RECEIVE,
                                  .send = RECORD_SEND};
    const rdb_object_address relation = {RDB_PG_CLASS, relation_oid, 0}, row_type = {RDB_PG_TYPE, row_type_oid, 0};
    /* Of a table or view the type is a part; of a stand-alone composite type the relation is. */
    const bool stands_alone = definition->kind == 'c';
    return ddl_insert_type(access, &type, arena, err) && ddl_insert_array_type(access, &type, arena, err) &&
           rdb_ddl_depend(access, stands_alone ? relation : row_type, stands_alone ? row_type : relation, 'i', err);
}

static bool insert_view(rdb_access *access, const rdb_relation_definition *definition, uint32_t relation_oid, rdb_arena *arena, rdb_error *err)
{
    uint32_t rule_oid;
    if (!rdb_catalog_new_oid(access, &rule_oid, err))
        return false;
    const new_row row = row_begin(access, RDB_PG_REWRITE, arena);
    set_oid(&row, RDB_pg_rewrite_oid, rule_oid);
    set_text(&row, RDB_pg_rewrite_rulename, "_RETURN");
    set_oid(&row, RDB_pg_rewrite_ev_class, relation_oid);
    set_char(&row, RDB_pg_rewrite_ev_type, '1');
    set_char(&row, RDB_pg_rewrite_ev_enabled, 'O');
    set_bool(&row, RDB_pg_rewrite_is_instead, true);
    set_text(&row, RDB_pg_rewrite_ev_qual, "<>");
    set_text(&row, RDB_pg_rewrite_ev_action, definition->view_tree);
    const rdb_object_address rule = {RDB_PG_REWRITE, rule_oid, 0};
    if (!row_insert(&row, err) || !rdb_ddl_depend(access, rule, (rdb_object_address){RDB_PG_CLASS, relation_oid, 0}, 'i', err))
        return false;
    for (uint32_t i = 0; i < definition->depends_count; i++)
        if (!rdb_ddl_depend(access, rule, (rdb_object_address){RDB_PG_CLASS, definition->depends_on[i], 0}, 'n', err))
            return false;
    return ddl_depend_on_uses(access, rule, definition->uses, definition->use_count, err);
}

static bool forget_rule_use(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    (void)context;
    return row_char(row, RDB_pg_depend_deptype) != 'n' || rdb_catalog_delete(access, catalog_oid, row, err);
}

/* The view's number stays, so whatever reads it goes on. */
static bool replace_view(rdb_access *access, uint32_t relation_oid, const rdb_relation_definition *definition, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row row;
    const rdb_relation *relation;
    const rdb_datum keys[] = {datum_oid(relation_oid), datum_text("_RETURN")};
    if (!need_relation(access, relation_oid, &relation, err) || !need_row(access, RDB_PG_REWRITE, INDEX_REWRITE_RELATION, keys, 2, arena, &row, err))
        return false;
    const uint16_t old_count = relation->column_count;
    const rdb_object_address rule = {RDB_PG_REWRITE, row_oid(&row, RDB_pg_rewrite_oid), 0};
    const rdb_datum depender[] = {datum_oid(RDB_PG_REWRITE), datum_oid(rule.object_oid)};
    row.values[RDB_pg_rewrite_ev_action - 1] = datum_text(definition->view_tree);
    if (!rdb_catalog_update(access, RDB_PG_REWRITE, &row, err) ||
        !visit_rows(access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, depender, 2, forget_rule_use, NULL, err) ||
        !ddl_depend_on_uses(access, rule, definition->uses, definition->use_count, err))
        return false;
    for (uint16_t i = old_count; i < definition->column_count; i++) {
        int16_t number;
        if (!rdb_ddl_add_column(access, relation_oid, &definition->columns[i], &number, err))
            return false;
    }
    return true;
}

bool rdb_ddl_replace_view(rdb_access *access, uint32_t relation_oid, const rdb_relation_definition *definition, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && replace_view(access, relation_oid, definition, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

static bool create_relation(rdb_access *access, const rdb_relation_definition *definition, uint32_t *oid, rdb_arena *arena, rdb_error *err)
{
    const bool is_heap = definition->kind == 'r' || definition->kind == 'm';
    uint32_t row_type_oid, array_oid;
    uint64_t file = 0;
    class_definition class = {.namespace_oid = definition->namespace_oid,
                              .owner_oid = definition->owner_oid,
                              .name = definition->name,
                              .kind = definition->kind,
                              .persistence = definition->persistence,
                              .column_count = definition->column_count,
                              .has_rules = definition->view_tree != NULL};
    if (definition->column_count > TOO_MANY_COLUMNS)
        return rdb_error_set(err, RDB_TOO_MANY_COLUMNS, "tables can have at most %d columns", TOO_MANY_COLUMNS);
    if (!ddl_check_relation_name(access, definition->namespace_oid, definition->name, err) ||
        !check_type_name(access, definition->namespace_oid, definition->name, arena, err) || !rdb_catalog_new_oid(access, oid, err) ||
        !rdb_catalog_new_oid(access, &row_type_oid, err) || !rdb_catalog_new_oid(access, &array_oid, err))
        return false;
    class.oid = *oid;
    class.row_type_oid = row_type_oid;
    if (is_heap) {
        class.method_oid = HEAP_METHOD;
        if (!ddl_new_file(access, RDB_FILE_TABLE, &file, &class.filenode, err) ||
            !rdb_table_create(access->context.catalog->storage, access->context.txn, file, err))
            return false;
    }
    if (!ddl_insert_class(access, &class, arena, err) || !insert_row_type(access, definition, *oid, row_type_oid, array_oid, arena, err))
        return false;
    for (uint16_t i = 0; i < definition->column_count; i++)
        if (!insert_column(access, *oid, (int16_t)(i + 1), &definition->columns[i], arena, err))
            return false;
    if ((is_heap || definition->kind == 'p') && !insert_system_columns(access, *oid, arena, err))
        return false;
    if (is_heap && !ddl_add_layout(access, *oid, err))
        return false;
    if (definition->view_tree != NULL && !insert_view(access, definition, *oid, arena, err))
        return false;
    /* A composite type's own row stands for both in its schema; the relation goes with it. */
    const rdb_object_address in_schema = definition->kind == 'c' ? (rdb_object_address){RDB_PG_TYPE, row_type_oid, 0}
                                                                 : (rdb_object_address){RDB_PG_CLASS, *oid, 0};
    return rdb_ddl_depend(access, in_schema, (rdb_object_address){RDB_PG_NAMESPACE, definition->namespace_oid, 0}, 'n', err) && rdb_arena_check(arena, err);
}

bool rdb_ddl_create_relation(rdb_access *access, const rdb_relation_definition *definition, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && create_relation(access, definition, oid, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

/* ---- columns -------------------------------------------------------------------------------------------------------------------- */
static bool insert_missing(rdb_access *access, uint32_t relation_oid, int16_t number, const rdb_column_definition *column, rdb_arena *arena, rdb_error *err)
{
    rdb_call call = {.arena = arena, .err = err, .format = rdb_format_default(), .collation = column->collation};
    rdb_strbuf bytes;
    rdb_strbuf_init(&bytes, arena);
    if (column->type->ops == NULL || column->type->ops->send == NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "no binary output function available for type %s", column->type->name);
    if (!column->type->ops->send(&call, column->type, column->missing_value, &bytes) || !rdb_strbuf_check(&bytes, err))
        return false;
    const new_row row = row_begin(access, RDB_MISSING, arena);
    set_oid(&row, RDB_rdb_missing_misrelid, relation_oid);
    set_int16(&row, RDB_rdb_missing_misattribute, number);
    row_at(&row, RDB_rdb_missing_misvalue)->bytes = (rdb_bytes){(const uint8_t *)bytes.data, (uint32_t)bytes.length, 0};
    return row_insert(&row, err);
}

bool rdb_ddl_add_column(rdb_access *access, uint32_t relation_oid, const rdb_column_definition *column, int16_t *number, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row class_row;
    bool ok = false;
    *number = 0;
    if (arena == NULL || !need_class_row(access, relation_oid, arena, &class_row, err))
        goto out;
    *number = (int16_t)(row_int16(&class_row, RDB_pg_class_relnatts) + 1);
    if (*number > TOO_MANY_COLUMNS) {
        rdb_error_set(err, RDB_TOO_MANY_COLUMNS, "tables can have at most %d columns", TOO_MANY_COLUMNS);
        goto out;
    }
    class_row.values[RDB_pg_class_relnatts - 1].i16 = *number;
    const char kind = row_char(&class_row, RDB_pg_class_relkind);
    ok = rdb_catalog_update(access, RDB_PG_CLASS, &class_row, err) && insert_column(access, relation_oid, *number, column, arena, err) &&
         (!column->has_missing || insert_missing(access, relation_oid, *number, column, arena, err)) &&
         ((kind != 'r' && kind != 'm') || ddl_add_layout(access, relation_oid, err));
out:
    rdb_arena_destroy(arena);
    return ok;
}

static bool set_has_default(rdb_access *access, uint32_t relation_oid, int16_t number, bool has, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row row;
    if (!need_attribute_row(access, relation_oid, number, arena, &row, err))
        return false;
    if (row.values[RDB_pg_attribute_atthasdef - 1].b == has)
        return true;
    row.values[RDB_pg_attribute_atthasdef - 1].b = has;
    return rdb_catalog_update(access, RDB_PG_ATTRIBUTE, &row, err);
}

/* Of a generated column: what it has to do with its siblings. */
static bool forget_sibling(void *relation_oid, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    const bool is_sibling = row_oid(row, RDB_pg_depend_refclassid) == RDB_PG_CLASS && row_oid(row, RDB_pg_depend_refobjid) == *(const uint32_t *)relation_oid;
    return !is_sibling || rdb_catalog_delete(access, catalog_oid, row, err);
}

/* Its rows in pg_attrdef with their dependencies. */
static bool remove_default(rdb_access *access, uint32_t relation_oid, int16_t number, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row row;
    bool found;
    const rdb_datum keys[] = {datum_oid(relation_oid), datum_int16(number)};
    if (!catalog_find_row(access, RDB_PG_ATTRDEF, INDEX_ATTRDEF_NUMBER, keys, 2, arena, &row, &found, err))
        return false;
    if (!found)
        return true;
    const rdb_datum depender[] = {datum_oid(RDB_PG_ATTRDEF), datum_oid(row_oid(&row, RDB_pg_attrdef_oid))};
    const rdb_datum column[] = {datum_oid(RDB_PG_CLASS), datum_oid(relation_oid), {.i32 = number}};
    return visit_rows(access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, column, 3, forget_sibling, &relation_oid, err) &&
           delete_rows(access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, depender, 2, err) && rdb_catalog_delete(access, RDB_PG_ATTRDEF, &row, err);
}

bool rdb_ddl_set_default(rdb_access *access, uint32_t relation_oid, int16_t number, const char *default_tree, rdb_error *err)
{
    return rdb_ddl_set_default_using(access, relation_oid, number, default_tree, NULL, 0, err);
}

bool rdb_ddl_set_default_using(rdb_access *access, uint32_t relation_oid, int16_t number, const char *default_tree, const rdb_object_address *uses,
                               uint32_t use_count, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && remove_default(access, relation_oid, number, arena, err) &&
              (default_tree == NULL || insert_default(access, relation_oid, number, default_tree, uses, use_count, arena, err)) &&
              set_has_default(access, relation_oid, number, default_tree != NULL, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_drop_column(rdb_access *access, uint32_t relation_oid, int16_t number, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row, class_row;
    char name[RDB_NAMEDATALEN];
    bool ok = false;
    if (arena == NULL || !remove_default(access, relation_oid, number, arena, err) ||
        !need_attribute_row(access, relation_oid, number, arena, &row, err) || !need_class_row(access, relation_oid, arena, &class_row, err))
        goto out;
    snprintf(name, sizeof name, "........pg.dropped.%d........", number);
    row.values[RDB_pg_attribute_attname - 1] = datum_text(name);
    row.values[RDB_pg_attribute_atttypid - 1].oid = 0;
    row.values[RDB_pg_attribute_attstattarget - 1].i32 = 0;
    row.values[RDB_pg_attribute_attnotnull - 1].b = false;
    row.values[RDB_pg_attribute_atthasdef - 1].b = false;
    row.values[RDB_pg_attribute_atthasmissing - 1].b = false;
    row.values[RDB_pg_attribute_attidentity - 1].i8 = 0;
    row.values[RDB_pg_attribute_attgenerated - 1].i8 = 0;
    row.values[RDB_pg_attribute_attisdropped - 1].b = true;
    const rdb_datum missing[] = {datum_oid(relation_oid), datum_int16(number)};
    const rdb_datum depender[] = {datum_oid(RDB_PG_CLASS), datum_oid(relation_oid), {.i32 = number}};
    const char kind = row_char(&class_row, RDB_pg_class_relkind);
    ok = rdb_catalog_update(access, RDB_PG_ATTRIBUTE, &row, err) && delete_rows(access, RDB_MISSING, INDEX_MISSING, missing, 2, err) &&
         delete_rows(access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, depender, 3, err) &&
         delete_rows(access, RDB_PG_STATISTIC, INDEX_STATISTIC, missing, 2, err) &&
         rdb_ddl_comment(access, (rdb_object_address){RDB_PG_CLASS, relation_oid, number}, NULL, err) &&
         ((kind != 'r' && kind != 'm') || ddl_add_layout(access, relation_oid, err));
out:
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_set_not_null(rdb_access *access, uint32_t relation_oid, int16_t number, bool not_null, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    bool ok = arena != NULL && need_attribute_row(access, relation_oid, number, arena, &row, err);
    if (ok && row_bool(&row, RDB_pg_attribute_attnotnull) != not_null) {
        row.values[RDB_pg_attribute_attnotnull - 1].b = not_null;
        ok = rdb_catalog_update(access, RDB_PG_ATTRIBUTE, &row, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_set_type(rdb_access *access, uint32_t relation_oid, int16_t number, const rdb_type *type, int32_t typmod, uint32_t collation, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    char align, storage;
    bool ok = false;
    if (arena == NULL || !need_attribute_row(access, relation_oid, number, arena, &row, err) ||
        !ddl_type_storage(access, type->oid, arena, &align, &storage, err))
        goto out;
    row.values[RDB_pg_attribute_atttypid - 1].oid = type->oid;
    row.values[RDB_pg_attribute_attlen - 1].i16 = type->typlen;
    row.values[RDB_pg_attribute_attndims - 1].i32 = type->element != NULL && type->category == 'A' ? 1 : 0;
    row.values[RDB_pg_attribute_atttypmod - 1].i32 = typmod;
    row.values[RDB_pg_attribute_attbyval - 1].b = type->is_by_value;
    row.values[RDB_pg_attribute_attalign - 1].i8 = (int8_t)align;
    row.values[RDB_pg_attribute_attstorage - 1].i8 = (int8_t)storage;
    row.values[RDB_pg_attribute_attcollation - 1].oid = collation;
    row.values[RDB_pg_attribute_atthasmissing - 1].b = false;
    const rdb_column_definition column = {.type = type, .collation = collation};
    const rdb_datum depender[] = {datum_oid(RDB_PG_CLASS), datum_oid(relation_oid), {.i32 = number}};
    const rdb_datum missing[] = {datum_oid(relation_oid), datum_int16(number)};
    /* A column itself depends on nothing but its type and collation. What it read in rows without it is of the old type: the
     * caller rewrites the rows. */
    ok = rdb_catalog_update(access, RDB_PG_ATTRIBUTE, &row, err) && delete_rows(access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, depender, 3, err) &&
         delete_rows(access, RDB_MISSING, INDEX_MISSING, missing, 2, err) &&
         depend_on_type(access, (rdb_object_address){RDB_PG_CLASS, relation_oid, number}, &column, err) && ddl_add_layout(access, relation_oid, err);
out:
    rdb_arena_destroy(arena);
    return ok;
}

/* ---- names and places ----------------------------------------------------------------------------------------------------------- */
/* The row type and its array follow the relation's name and schema. */
static bool move_row_type(rdb_access *access, uint32_t type_oid, const char *name, uint32_t namespace_oid, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row row;
    char array_name[RDB_NAMEDATALEN];
    const rdb_datum key = datum_oid(type_oid);
    if (type_oid == 0)
        return true;
    if (!need_row(access, RDB_PG_TYPE, INDEX_TYPE_OID, &key, 1, arena, &row, err))
        return false;
    if (name != NULL && row_oid(&row, RDB_pg_type_typelem) == 0) {
        bool taken;
        if (!ddl_type_name_is_taken(access, name, row_oid(&row, RDB_pg_type_typnamespace), arena, &taken, err))
            return false;
        if (taken)
            return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "type \"%s\" already exists", name);
    }
    if (name != NULL)
        row.values[RDB_pg_type_typname - 1] = datum_text(name);
    if (namespace_oid != 0)
        row.values[RDB_pg_type_typnamespace - 1].oid = namespace_oid;
    const uint32_t array_oid = row_oid(&row, RDB_pg_type_typarray);
    if (!rdb_catalog_update(access, RDB_PG_TYPE, &row, err))
        return false;
    if (name != NULL && array_oid != 0 && !ddl_choose_array_name(access, name, row_oid(&row, RDB_pg_type_typnamespace), arena, array_name, err))
        return false;
    return array_oid == 0 || move_row_type(access, array_oid, name != NULL ? array_name : NULL, namespace_oid, arena, err);
}

/* A key has the name of its index. */
static bool rename_constraint_of_index(rdb_access *access, uint32_t relation_oid, const char *name, rdb_error *err)
{
    const rdb_relation *index, *table;
    if (!need_relation(access, relation_oid, &index, err))
        return false;
    if (index->kind != 'i')
        return true;
    if (!need_relation(access, index->index_of, &table, err))
        return false;
    for (uint16_t i = 0; i < table->constraint_count; i++)
        if (table->constraints[i].index_oid == relation_oid && table->constraints[i].kind != 'f')
            return rdb_ddl_rename_constraint(access, table->constraints[i].oid, name, err);
    return true;
}

bool rdb_ddl_rename_relation(rdb_access *access, uint32_t relation_oid, const char *name, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    bool ok = false;
    if (arena == NULL || !need_class_row(access, relation_oid, arena, &row, err) ||
        !ddl_check_relation_name(access, row_oid(&row, RDB_pg_class_relnamespace), name, err))
        goto out;
    row.values[RDB_pg_class_relname - 1] = datum_text(name);
    ok = rename_constraint_of_index(access, relation_oid, name, err) && rdb_catalog_update(access, RDB_PG_CLASS, &row, err) &&
         move_row_type(access, row_oid(&row, RDB_pg_class_reltype), name, 0, arena, err);
out:
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_rename_column(rdb_access *access, uint32_t relation_oid, int16_t number, const char *name, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row, other;
    bool ok = false, is_taken;
    const rdb_datum keys[] = {datum_oid(relation_oid), datum_text(name)};
    if (arena == NULL || !need_attribute_row(access, relation_oid, number, arena, &row, err) ||
        !catalog_find_row(access, RDB_PG_ATTRIBUTE, INDEX_ATTRIBUTE_NAME, keys, 2, arena, &other, &is_taken, err))
        goto out;
    if (is_taken) {
        const rdb_relation *relation;
        if (need_relation(access, relation_oid, &relation, err))
            rdb_error_set(err, RDB_DUPLICATE_COLUMN, "column \"%s\" of relation \"%s\" already exists", name, relation->name);
        goto out;
    }
    row.values[RDB_pg_attribute_attname - 1] = datum_text(name);
    ok = rdb_catalog_update(access, RDB_PG_ATTRIBUTE, &row, err);
out:
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_set_namespace(rdb_access *access, uint32_t relation_oid, uint32_t namespace_oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    const rdb_relation *relation;
    bool ok = false;
    if (arena == NULL || !need_relation(access, relation_oid, &relation, err) || !need_class_row(access, relation_oid, arena, &row, err))
        goto out;
    const uint32_t old_oid = row_oid(&row, RDB_pg_class_relnamespace);
    if (old_oid == namespace_oid) {
        ok = true;
        goto out;
    }
    if (!ddl_check_relation_name(access, namespace_oid, relation->name, err))
        goto out;
    row.values[RDB_pg_class_relnamespace - 1].oid = namespace_oid;
    const uint16_t index_count = relation->index_count;
    uint32_t *index_oids = RDB_NEW_ARRAY(arena, uint32_t, index_count + 1u);
    for (uint16_t i = 0; i < index_count; i++)
        index_oids[i] = relation->indexes[i].oid;
    ok = rdb_catalog_update(access, RDB_PG_CLASS, &row, err) &&
         move_row_type(access, row_oid(&row, RDB_pg_class_reltype), NULL, namespace_oid, arena, err) &&
         rdb_ddl_move_dependency(access, (rdb_object_address){RDB_PG_CLASS, relation_oid, 0}, RDB_PG_NAMESPACE, old_oid, namespace_oid, err) &&
         ddl_move_constraints(access, relation_oid, 0, namespace_oid, err);
    for (uint16_t i = 0; ok && i < index_count; i++)
        ok = rdb_ddl_set_namespace(access, index_oids[i], namespace_oid, err);
out:
    rdb_arena_destroy(arena);
    return ok;
}

/* ---- files and figures ------------------------------------------------------------------------------------------------------------ */
static bool new_file_for(rdb_access *access, uint32_t relation_oid, uint64_t old_file, unsigned file_class, bool reads_older, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    uint64_t file;
    uint32_t filenode;
    rdb_storage *storage = access->context.catalog->storage;
    rdb_txn *txn = access->context.txn;
    bool ok = false;
    if (arena == NULL || !need_class_row(access, relation_oid, arena, &row, err) || !ddl_new_file(access, file_class, &file, &filenode, err))
        goto out;
    row.values[RDB_pg_class_relfilenode - 1].oid = filenode;
    row.values[RDB_pg_class_relpages - 1].i32 = 0;
    row.values[RDB_pg_class_reltuples - 1].f4 = file_class == RDB_FILE_TABLE ? -1 : 0;
    row.values[RDB_pg_class_relallvisible - 1].i32 = 0;
    ok = (file_class == RDB_FILE_TABLE ? rdb_table_replace(storage, txn, file, old_file, reads_older, err) : rdb_index_create(storage, txn, file, err)) &&
         rdb_table_drop(txn, old_file, err) && rdb_catalog_update(access, RDB_PG_CLASS, &row, err);
out:
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_new_files(rdb_access *access, uint32_t relation_oid, bool keeps_layouts, rdb_error *err)
{
    const rdb_relation *relation; /* stays pinned as it was before the first change */
    if (!need_relation(access, relation_oid, &relation, err))
        return false;
    if (relation->kind != 'r' && relation->kind != 'm')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a table", relation->name);
    if (relation->is_system)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied: \"%s\" is a system catalog", relation->name);
    rdb_ssi_widen(relation->table.txns, relation->table.pdb, relation_oid); /* rows read so far have other homes now */
    if (!new_file_for(access, relation_oid, relation->table.file, RDB_FILE_TABLE, keeps_layouts, err))
        return false;
    for (uint16_t i = 0; i < relation->index_count; i++)
        if (!new_file_for(access, relation->indexes[i].oid, relation->indexes[i].index.file, RDB_FILE_INDEX, false, err))
            return false;
    return true;
}

bool rdb_ddl_new_index_file(rdb_access *access, const rdb_relation_index *index, rdb_error *err)
{
    return new_file_for(access, index->oid, index->index.file, RDB_FILE_INDEX, false, err);
}

bool rdb_ddl_swap_index_files(rdb_access *access, uint32_t table_oid, uint32_t left_oid, uint32_t right_oid, rdb_error *err)
{
    static const int FIELDS[] = {RDB_pg_class_relfilenode, RDB_pg_class_relpages, RDB_pg_class_reltuples};
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row left, right;
    bool ok = arena != NULL && need_class_row(access, left_oid, arena, &left, err) && need_class_row(access, right_oid, arena, &right, err);
    for (size_t i = 0; ok && i < RDB_COUNT_OF(FIELDS); i++) {
        const rdb_datum of_left = left.values[FIELDS[i] - 1];
        left.values[FIELDS[i] - 1] = right.values[FIELDS[i] - 1];
        right.values[FIELDS[i] - 1] = of_left;
    }
    ok = ok && rdb_catalog_update(access, RDB_PG_CLASS, &left, err) && rdb_catalog_update(access, RDB_PG_CLASS, &right, err);
    if (ok)
        rdb_catalog_invalidate(access, RDB_PG_CLASS, table_oid); /* which knows its indexes' files */
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_set_statistics(rdb_access *access, uint32_t relation_oid, double pages, double tuples, double visible, rdb_error *err)
{
    const rdb_relation *relation = system_relation(access->context.database, RDB_PG_CLASS);
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    rdb_snapshot snapshot;
    rdb_write_outcome outcome;
    bool ok = false;
    if (arena == NULL || !need_class_row(access, relation_oid, arena, &row, err))
        goto out;
    rdb_datum *old_values = rdb_arena_memdup(arena, row.values, relation->column_count * sizeof *row.values);
    row.values[RDB_pg_class_relpages - 1].i32 = (int32_t)RDB_MIN(pages, (double)INT32_MAX);
    row.values[RDB_pg_class_reltuples - 1].f4 = (float)tuples;
    row.values[RDB_pg_class_relallvisible - 1].i32 = (int32_t)RDB_MIN(visible, RDB_MIN(RDB_MAX(pages, 0), (double)INT32_MAX));
    rdb_txn_latest_snapshot(access->context.txn, &snapshot);
    const rdb_row_writer writer = {.txn = access->context.txn, .snapshot = &snapshot, .relation = relation, .arena = arena};
    ok = rdb_row_update(&writer, row.address, row.version, old_values, row.is_null, row.values, row.is_null, NULL, NULL, &outcome, err);
    if (ok && outcome != RDB_WRITE_DONE && outcome != RDB_WRITE_CHANGED && outcome != RDB_WRITE_GONE)
        ok = rdb_error_set(err, RDB_INTERNAL_ERROR, "tuple concurrently updated");
    if (ok && outcome != RDB_WRITE_DONE)
        rdb_lock_leave_place(access->context.txn);
    ok = ok && overlay_note_figures(access, relation_oid, err);
    /* Someone else's change of the row came first: the figures are an estimate and wait for the next count. */
out:
    rdb_arena_destroy(arena);
    return ok;
}
