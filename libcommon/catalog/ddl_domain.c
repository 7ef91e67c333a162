/* SPDX-License-Identifier: Apache-2.0
 * DDL on domains and on types by themselves: a domain is a row in pg_type that takes after its base's, its checks are rows in
 * pg_constraint that go with it. */
#include "catalog/ddl_int.h"

static bool type_name_is_free(rdb_access *access, const char *name, uint32_t namespace_oid, bool names_schema, rdb_arena *arena, rdb_error *err)
{
    bool taken;
    char schema[RDB_NAMEDATALEN];
    if (!ddl_type_name_is_taken(access, name, namespace_oid, arena, &taken, err))
        return false;
    if (!taken)
        return true;
    if (!names_schema)
        return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "type \"%s\" already exists", name);
    return rdb_namespace_get_name(access, namespace_oid, schema, err) &&
           rdb_error_set(err, RDB_DUPLICATE_OBJECT, "type \"%s\" already exists in schema \"%s\"", name, schema);
}

static bool create_domain(rdb_access *access, const rdb_domain_definition *definition, uint32_t *oid, rdb_arena *arena, rdb_error *err)
{
    enum { DOMAIN_IN = 2597, DOMAIN_RECEIVE = 2598 };
    rdb_catalog_row base;
    uint32_t array_oid;
    const rdb_datum key = datum_oid(definition->base->oid);
    if (!type_name_is_free(access, definition->name, definition->namespace_oid, false, arena, err) ||
        !need_row(access, RDB_PG_TYPE, INDEX_TYPE_OID, &key, 1, arena, &base, err) || !rdb_catalog_new_oid(access, oid, err) ||
        !rdb_catalog_new_oid(access, &array_oid, err))
        return false;
    const type_definition type = {.oid = *oid,
                                  .namespace_oid = definition->namespace_oid,
                                  .owner_oid = definition->owner_oid,
                                  .array_oid = array_oid,
                                  .name = definition->name,
                                  .length = row_int16(&base, RDB_pg_type_typlen),
                                  .is_by_value = row_bool(&base, RDB_pg_type_typbyval),
                                  .kind = 'd',
                                  .category = row_char(&base, RDB_pg_type_typcategory),
                                  .align = row_char(&base, RDB_pg_type_typalign),
                                  .storage = row_char(&base, RDB_pg_type_typstorage),
                                  .input = DOMAIN_IN,
                                  .output = row_oid(&base, RDB_pg_type_typoutput),
                                  .receive = DOMAIN_RECEIVE,
                                  .send = row_oid(&base, RDB_pg_type_typsend),
                                  .analyze = row_oid(&base, RDB_pg_type_typanalyze),
                                  .base_oid = definition->base->oid,
                                  .collation_oid = definition->collation,
                                  .typmod = definition->typmod,
                                  .dimensions = definition->dimensions,
                                  .not_null = definition->not_null,
                                  .delimiter = row_char(&base, RDB_pg_type_typdelim),
                                  .default_tree = definition->default_tree,
                                  .default_text = definition->default_text};
    const rdb_object_address domain = {RDB_PG_TYPE, *oid, 0};
    return ddl_insert_type(access, &type, arena, err) && ddl_insert_array_type(access, &type, arena, err) &&
           rdb_ddl_depend(access, domain, (rdb_object_address){RDB_PG_NAMESPACE, definition->namespace_oid, 0}, 'n', err) &&
           rdb_ddl_depend(access, domain, (rdb_object_address){RDB_PG_TYPE, definition->base->oid, 0}, 'n', err) &&
           (definition->collation == 0 || definition->collation == definition->base->collation ||
            rdb_ddl_depend(access, domain, (rdb_object_address){RDB_PG_COLLATION, definition->collation, 0}, 'n', err)) &&
           ddl_depend_on_uses(access, domain, definition->default_uses, definition->default_use_count, err);
}

bool rdb_ddl_create_domain(rdb_access *access, const rdb_domain_definition *definition, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && create_domain(access, definition, oid, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

static bool need_type_row(rdb_access *access, uint32_t oid, rdb_arena *arena, rdb_catalog_row *row, rdb_error *err)
{
    const rdb_datum key = datum_oid(oid);
    return need_row(access, RDB_PG_TYPE, INDEX_TYPE_OID, &key, 1, arena, row, err);
}

/* What the default used: everything that the domain depends on but its schema, base and collation. */
typedef struct kept {
    uint32_t base_oid;
} kept;

static bool forget_use(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    const kept *stays = context;
    const uint32_t class_oid = row_oid(row, RDB_pg_depend_refclassid), object_oid = row_oid(row, RDB_pg_depend_refobjid);
    if (class_oid == RDB_PG_NAMESPACE || class_oid == RDB_PG_COLLATION || (class_oid == RDB_PG_TYPE && object_oid == stays->base_oid) ||
        row_char(row, RDB_pg_depend_deptype) != 'n')
        return true;
    return rdb_catalog_delete(access, catalog_oid, row, err);
}

bool rdb_ddl_set_domain_default(rdb_access *access, uint32_t oid, const char *tree, const char *text, const rdb_object_address *uses, uint32_t use_count,
                                rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    bool ok = arena != NULL && need_type_row(access, oid, arena, &row, err);
    if (ok) {
        kept stays = {row_oid(&row, RDB_pg_type_typbasetype)};
        const rdb_datum depender[] = {datum_oid(RDB_PG_TYPE), datum_oid(oid)};
        row.is_null[RDB_pg_type_typdefaultbin - 1] = row.is_null[RDB_pg_type_typdefault - 1] = tree == NULL;
        if (tree != NULL) {
            row.values[RDB_pg_type_typdefaultbin - 1] = datum_text(tree);
            row.values[RDB_pg_type_typdefault - 1] = datum_text(text);
        }
        ok = rdb_catalog_update(access, RDB_PG_TYPE, &row, err) &&
             visit_rows(access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, depender, 2, forget_use, &stays, err) &&
             ddl_depend_on_uses(access, (rdb_object_address){RDB_PG_TYPE, oid, 0}, uses, use_count, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_set_domain_not_null(rdb_access *access, uint32_t oid, bool not_null, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    bool ok = arena != NULL && need_type_row(access, oid, arena, &row, err);
    if (ok) {
        row.values[RDB_pg_type_typnotnull - 1].b = not_null;
        ok = rdb_catalog_update(access, RDB_PG_TYPE, &row, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}

/* ---- single fields ---------------------------------------------------------------------------------------------------------- */
static bool set_field(rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, int column, rdb_datum value, bool is_null, rdb_error *err)
{
    row->values[column - 1] = value;
    row->is_null[column - 1] = is_null;
    return rdb_catalog_update(access, catalog_oid, row, err);
}

bool rdb_ddl_set_class_field(rdb_access *access, uint32_t relation_oid, int column, rdb_datum value, bool is_null, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    bool ok = arena != NULL && need_class_row(access, relation_oid, arena, &row, err) && set_field(access, RDB_PG_CLASS, &row, column, value, is_null, err);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_set_attribute_field(rdb_access *access, uint32_t relation_oid, int16_t number, int column, rdb_datum value, bool is_null, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    bool ok = arena != NULL && need_attribute_row(access, relation_oid, number, arena, &row, err) &&
              set_field(access, RDB_PG_ATTRIBUTE, &row, column, value, is_null, err);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_set_index_field(rdb_access *access, uint32_t index_oid, int column, rdb_datum value, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    const rdb_datum key = datum_oid(index_oid);
    bool ok = arena != NULL && need_row(access, RDB_PG_INDEX, INDEX_INDEX_OID, &key, 1, arena, &row, err) &&
              set_field(access, RDB_PG_INDEX, &row, column, value, false, err);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_set_constraint_fields(rdb_access *access, uint32_t constraint_oid, bool is_deferrable, bool is_deferred, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    const rdb_datum key = datum_oid(constraint_oid);
    bool ok = arena != NULL && need_row(access, RDB_PG_CONSTRAINT, INDEX_CONSTRAINT_OID, &key, 1, arena, &row, err);
    if (ok) {
        row.values[RDB_pg_constraint_condeferrable - 1].b = is_deferrable;
        row.values[RDB_pg_constraint_condeferred - 1].b = is_deferred;
        ok = rdb_catalog_update(access, RDB_PG_CONSTRAINT, &row, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_set_index_key_type(rdb_access *access, uint32_t index_oid, uint16_t key_no, const rdb_type *type, int32_t typmod, uint32_t collation,
                                uint32_t opclass_oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row, attribute;
    const rdb_datum key = datum_oid(index_oid);
    const uint32_t *old[2];
    uint32_t counts[2];
    char align, storage;
    bool ok = false;
    if (arena == NULL || !need_row(access, RDB_PG_INDEX, INDEX_INDEX_OID, &key, 1, arena, &row, err) ||
        !row_oids(arena, &row, RDB_pg_index_indclass, &old[0], &counts[0], err) || !row_oids(arena, &row, RDB_pg_index_indcollation, &old[1], &counts[1], err) ||
        !need_attribute_row(access, index_oid, (int16_t)(key_no + 1), arena, &attribute, err) || !ddl_type_storage(access, type->oid, arena, &align, &storage, err))
        goto out;
    const int columns[] = {RDB_pg_index_indclass, RDB_pg_index_indcollation};
    const uint32_t values[] = {opclass_oid, collation};
    for (int i = 0; i < 2; i++) {
        uint32_t *items = rdb_arena_memdup(arena, old[i], counts[i] * sizeof *items);
        if (key_no < counts[i])
            items[key_no] = values[i];
        if (!datum_from_oids(arena, RDB_OIDVECTOROID, items, counts[i], &row.values[columns[i] - 1], err))
            goto out;
    }
    attribute.values[RDB_pg_attribute_atttypid - 1].oid = type->oid;
    attribute.values[RDB_pg_attribute_attlen - 1].i16 = type->typlen;
    attribute.values[RDB_pg_attribute_atttypmod - 1].i32 = typmod;
    attribute.values[RDB_pg_attribute_attbyval - 1].b = type->is_by_value;
    attribute.values[RDB_pg_attribute_attalign - 1].i8 = (int8_t)align;
    attribute.values[RDB_pg_attribute_attstorage - 1].i8 = (int8_t)storage;
    attribute.values[RDB_pg_attribute_attcollation - 1].oid = collation;
    ok = rdb_catalog_update(access, RDB_PG_INDEX, &row, err) && rdb_catalog_update(access, RDB_PG_ATTRIBUTE, &attribute, err);
out:
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_set_index_trees(rdb_access *access, uint32_t index_oid, const char *expression_tree, const char *predicate_tree, rdb_error *err)
{
    return (expression_tree == NULL || rdb_ddl_set_index_field(access, index_oid, RDB_pg_index_indexprs, datum_text(expression_tree), err)) &&
           (predicate_tree == NULL || rdb_ddl_set_index_field(access, index_oid, RDB_pg_index_indpred, datum_text(predicate_tree), err));
}

bool rdb_ddl_set_check_tree(rdb_access *access, uint32_t constraint_oid, const char *tree, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    const rdb_datum key = datum_oid(constraint_oid);
    bool ok = arena != NULL && need_row(access, RDB_PG_CONSTRAINT, INDEX_CONSTRAINT_OID, &key, 1, arena, &row, err) &&
              set_field(access, RDB_PG_CONSTRAINT, &row, RDB_pg_constraint_conbin, datum_text(tree), false, err);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_set_options(rdb_access *access, uint32_t relation_oid, const char *const *options, uint32_t count, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_datum value = {.words = {0, 0}};
    bool ok = arena != NULL;
    if (ok && count > 0) {
        rdb_datum *texts = RDB_NEW_ARRAY(arena, rdb_datum, count);
        bool *nulls = RDB_NEW_ARRAY(arena, bool, count);
        rdb_call call = {.arena = arena, .err = err, .format = rdb_format_default()};
        for (uint32_t i = 0; i < count; i++)
            texts[i] = datum_text(options[i]);
        ok = rdb_array_build(&call, objects_type_get(RDB_TEXTOID), texts, nulls, count, &value);
    }
    ok = ok && rdb_ddl_set_class_field(access, relation_oid, RDB_pg_class_reloptions, value, count == 0, err);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_get_options(rdb_access *access, uint32_t relation_oid, rdb_arena *arena, const char *const **options, uint32_t *count, rdb_error *err)
{
    rdb_catalog_row row;
    return need_class_row(access, relation_oid, arena, &row, err) && row_texts(arena, &row, RDB_pg_class_reloptions, options, count, err);
}

/* ---- constraints by number ------------------------------------------------------------------------------------------------ */
bool rdb_ddl_rename_constraint(rdb_access *access, uint32_t constraint_oid, const char *name, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row, taken;
    bool ok = false, found;
    const rdb_datum key = datum_oid(constraint_oid);
    if (arena == NULL || !need_row(access, RDB_PG_CONSTRAINT, INDEX_CONSTRAINT_OID, &key, 1, arena, &row, err))
        goto out;
    const uint32_t relation_oid = row_oid(&row, RDB_pg_constraint_conrelid), type_oid = row_oid(&row, RDB_pg_constraint_contypid);
    const rdb_datum keys[] = {datum_oid(relation_oid), datum_oid(type_oid), datum_text(name)};
    if (!catalog_find_row(access, RDB_PG_CONSTRAINT, INDEX_CONSTRAINT_RELATION, keys, 3, arena, &taken, &found, err))
        goto out;
    if (found) {
        const rdb_relation *relation;
        const rdb_type *domain;
        if (relation_oid != 0 && need_relation(access, relation_oid, &relation, err))
            rdb_error_set(err, RDB_DUPLICATE_OBJECT, "constraint \"%s\" for relation \"%s\" already exists", name, relation->name);
        else if (relation_oid == 0 && rdb_type_get(access, type_oid, &domain, err))
            rdb_error_set(err, RDB_DUPLICATE_OBJECT, "constraint \"%s\" for domain %s already exists", name, domain != NULL ? domain->name : "?");
        goto out;
    }
    row.values[RDB_pg_constraint_conname - 1] = datum_text(name);
    ok = rdb_catalog_update(access, RDB_PG_CONSTRAINT, &row, err);
out:
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_set_validated(rdb_access *access, uint32_t constraint_oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    const rdb_datum key = datum_oid(constraint_oid);
    bool ok = arena != NULL && need_row(access, RDB_PG_CONSTRAINT, INDEX_CONSTRAINT_OID, &key, 1, arena, &row, err);
    if (ok && !row_bool(&row, RDB_pg_constraint_convalidated)) {
        row.values[RDB_pg_constraint_convalidated - 1].b = true;
        ok = rdb_catalog_update(access, RDB_PG_CONSTRAINT, &row, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}

/* ---- types by themselves ---------------------------------------------------------------------------------------------------- */
static bool move_type(rdb_access *access, uint32_t oid, const char *name, uint32_t namespace_oid, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row row;
    char old_name[RDB_NAMEDATALEN];
    if (!need_type_row(access, oid, arena, &row, err))
        return false;
    row_name(&row, RDB_pg_type_typname, old_name);
    const uint32_t old_namespace = row_oid(&row, RDB_pg_type_typnamespace);
    if (!type_name_is_free(access, name != NULL ? name : old_name, namespace_oid != 0 ? namespace_oid : old_namespace, namespace_oid != 0, arena, err))
        return false;
    if (name != NULL)
        row.values[RDB_pg_type_typname - 1] = datum_text(name);
    if (namespace_oid != 0)
        row.values[RDB_pg_type_typnamespace - 1].oid = namespace_oid;
    const uint32_t array_oid = row_oid(&row, RDB_pg_type_typarray);
    if (!rdb_catalog_update(access, RDB_PG_TYPE, &row, err))
        return false;
    if (array_oid == 0)
        return true;
    char array_name[RDB_NAMEDATALEN];
    if (name != NULL && !ddl_choose_array_name(access, name, old_namespace, arena, array_name, err))
        return false;
    return move_type(access, array_oid, name != NULL ? array_name : NULL, namespace_oid, arena, err);
}

bool rdb_ddl_rename_type(rdb_access *access, uint32_t oid, const char *name, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && move_type(access, oid, name, 0, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_set_type_namespace(rdb_access *access, uint32_t oid, uint32_t namespace_oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    bool ok = arena != NULL && need_type_row(access, oid, arena, &row, err);
    if (ok && row_oid(&row, RDB_pg_type_typnamespace) != namespace_oid) {
        const uint32_t old_oid = row_oid(&row, RDB_pg_type_typnamespace);
        ok = move_type(access, oid, NULL, namespace_oid, arena, err) &&
             rdb_ddl_move_dependency(access, (rdb_object_address){RDB_PG_TYPE, oid, 0}, RDB_PG_NAMESPACE, old_oid, namespace_oid, err) &&
             ddl_move_constraints(access, 0, oid, namespace_oid, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}
