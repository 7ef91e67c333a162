/* SPDX-License-Identifier: Apache-2.0
 * DDL on constraints, schemas and enums; dependencies and comments of all objects. */
#include "catalog/ddl_int.h"
#include "catalog/rdb_large_object.h"

#include <stdlib.h>


/* ---- dependencies ---------------------------------------------------------------------------------------------------------------- */
/* What PostgreSQL pins: the built-in objects, which nobody drops. */
bool ddl_is_pinned(rdb_object_address object)
{
    enum { FIRST_UNPINNED = 12000 };
    if (object.catalog_oid == RDB_PG_LARGEOBJECT) /* users number them as they like */
        return false;
    return object.object_oid < FIRST_UNPINNED && !(object.catalog_oid == RDB_PG_NAMESPACE && object.object_oid == RDB_NAMESPACE_PUBLIC);
}

bool rdb_ddl_depend(rdb_access *access, rdb_object_address dependent, rdb_object_address referenced, char kind, rdb_error *err)
{
    if (ddl_is_pinned(referenced))
        return true;
    rdb_arena *arena = ddl_arena(err);
    if (arena == NULL)
        return false;
    const new_row row = row_begin(access, RDB_PG_DEPEND, arena);
    set_oid(&row, RDB_pg_depend_classid, dependent.catalog_oid);
    set_oid(&row, RDB_pg_depend_objid, dependent.object_oid);
    set_int32(&row, RDB_pg_depend_objsubid, dependent.sub_id);
    set_oid(&row, RDB_pg_depend_refclassid, referenced.catalog_oid);
    set_oid(&row, RDB_pg_depend_refobjid, referenced.object_oid);
    set_int32(&row, RDB_pg_depend_refobjsubid, referenced.sub_id);
    set_char(&row, RDB_pg_depend_deptype, kind);
    bool ok = row_insert(&row, err);
    rdb_arena_destroy(arena);
    return ok;
}

bool ddl_depend_on_uses(rdb_access *access, rdb_object_address dependent, const rdb_object_address *uses, uint32_t use_count, rdb_error *err)
{
    for (uint32_t i = 0; i < use_count; i++) {
        const bool is_itself = uses[i].catalog_oid == dependent.catalog_oid && uses[i].object_oid == dependent.object_oid && uses[i].sub_id == dependent.sub_id;
        bool is_repeated = false;
        for (uint32_t k = 0; k < i; k++)
            is_repeated = is_repeated || (uses[k].catalog_oid == uses[i].catalog_oid && uses[k].object_oid == uses[i].object_oid && uses[k].sub_id == uses[i].sub_id);
        if (!is_itself && !is_repeated && !rdb_ddl_depend(access, dependent, uses[i], 'n', err))
            return false;
    }
    return true;
}

/* ---- constraints ------------------------------------------------------------------------------------------------------------------ */
static bool is_automatic(const rdb_catalog_row *row)
{
    return row_char(row, RDB_pg_depend_deptype) == 'a';
}

static bool drop_automatic(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    (void)context;
    return !is_automatic(row) || rdb_catalog_delete(access, catalog_oid, row, err);
}

static bool depend_on_columns(rdb_access *access, rdb_object_address constraint, uint32_t relation_oid, const int16_t *columns, uint16_t count,
                              char kind, rdb_error *err)
{
    for (uint16_t i = 0; i < count; i++) {
        bool is_repeated = false;
        for (uint16_t k = 0; k < i; k++)
            is_repeated = is_repeated || columns[k] == columns[i];
        if (!is_repeated && !rdb_ddl_depend(access, constraint, (rdb_object_address){RDB_PG_CLASS, relation_oid, columns[i]}, kind, err))
            return false;
    }
    return count > 0 || rdb_ddl_depend(access, constraint, (rdb_object_address){RDB_PG_CLASS, relation_oid, 0}, kind, err);
}

static bool count_check(rdb_access *access, uint32_t relation_oid, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row row;
    if (!need_class_row(access, relation_oid, arena, &row, err))
        return false;
    row.values[RDB_pg_class_relchecks - 1].i16++;
    return rdb_catalog_update(access, RDB_PG_CLASS, &row, err);
}

/* A foreign key fires at both of its tables: clients ask for keys only where this is set. */
static bool mark_triggers(rdb_access *access, uint32_t relation_oid, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row row;
    if (!need_class_row(access, relation_oid, arena, &row, err))
        return false;
    if (row.values[RDB_pg_class_relhastriggers - 1].b)
        return true;
    row.values[RDB_pg_class_relhastriggers - 1].b = 1;
    return rdb_catalog_update(access, RDB_PG_CLASS, &row, err);
}

static bool check_constraint_name(rdb_access *access, const rdb_constraint_definition *definition, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row row;
    bool found;
    const rdb_relation *relation;
    const rdb_datum keys[] = {datum_oid(definition->relation_oid), datum_oid(definition->type_oid), datum_text(definition->name)};
    if (!catalog_find_row(access, RDB_PG_CONSTRAINT, INDEX_CONSTRAINT_RELATION, keys, 3, arena, &row, &found, err))
        return false;
    if (!found)
        return true;
    if (definition->relation_oid == 0) {
        const rdb_type *domain;
        return rdb_type_get(access, definition->type_oid, &domain, err) &&
               rdb_error_set(err, RDB_DUPLICATE_OBJECT, "constraint \"%s\" for domain \"%s\" already exists", definition->name, domain != NULL ? domain->name : "?");
    }
    if (!need_relation(access, definition->relation_oid, &relation, err))
        return false;
    return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "constraint \"%s\" for relation \"%s\" already exists", definition->name, relation->name);
}

static bool create_constraint(rdb_access *access, const rdb_constraint_definition *definition, uint32_t *oid, rdb_arena *arena, rdb_error *err)
{
    const bool is_foreign = definition->kind == 'f';
    if (!check_constraint_name(access, definition, arena, err) || !rdb_catalog_new_oid(access, oid, err))
        return false;
    const new_row row = row_begin(access, RDB_PG_CONSTRAINT, arena);
    set_oid(&row, RDB_pg_constraint_oid, *oid);
    set_text(&row, RDB_pg_constraint_conname, definition->name);
    set_oid(&row, RDB_pg_constraint_connamespace, definition->namespace_oid);
    set_char(&row, RDB_pg_constraint_contype, definition->kind);
    set_bool(&row, RDB_pg_constraint_condeferrable, definition->is_deferrable);
    set_bool(&row, RDB_pg_constraint_condeferred, definition->is_deferred);
    set_bool(&row, RDB_pg_constraint_convalidated, definition->is_validated);
    set_oid(&row, RDB_pg_constraint_conrelid, definition->relation_oid);
    set_oid(&row, RDB_pg_constraint_contypid, definition->type_oid);
    set_oid(&row, RDB_pg_constraint_conindid, definition->index_oid);
    set_oid(&row, RDB_pg_constraint_conparentid, definition->parent_oid);
    set_oid(&row, RDB_pg_constraint_confrelid, is_foreign ? definition->foreign_relation_oid : 0);
    set_char(&row, RDB_pg_constraint_confupdtype, is_foreign ? definition->on_update : ' ');
    set_char(&row, RDB_pg_constraint_confdeltype, is_foreign ? definition->on_delete : ' ');
    set_char(&row, RDB_pg_constraint_confmatchtype, is_foreign ? definition->match : ' ');
    set_bool(&row, RDB_pg_constraint_conislocal, !definition->is_inherited_only);
    set_int32(&row, RDB_pg_constraint_coninhcount, definition->inherit_count);
    set_bool(&row, RDB_pg_constraint_connoinherit,
             definition->kind == 'c' ? definition->is_no_inherit : !definition->is_of_partitioned && definition->parent_oid == 0 && definition->type_oid == 0);
    if (definition->delete_set_count > 0 &&
        !datum_from_int16s(arena, 1005, definition->delete_set_columns, definition->delete_set_count, row_at(&row, RDB_pg_constraint_confdelsetcols), err))
        return false;
    if (definition->exclusion_count > 0 &&
        !datum_from_oids(arena, 1028, definition->exclusion_operators, definition->exclusion_count, row_at(&row, RDB_pg_constraint_conexclop), err))
        return false;
    if (definition->column_count > 0 &&
        !datum_from_int16s(arena, 1005, definition->columns, definition->column_count, row_at(&row, RDB_pg_constraint_conkey), err))
        return false;
    if (is_foreign) {
        if (!datum_from_int16s(arena, 1005, definition->foreign_columns, definition->column_count, row_at(&row, RDB_pg_constraint_confkey), err))
            return false;
        const int equalities[] = {RDB_pg_constraint_conpfeqop, RDB_pg_constraint_conppeqop, RDB_pg_constraint_conffeqop};
        for (size_t i = 0; definition->equality_operators != NULL && i < RDB_COUNT_OF(equalities); i++)
            if (!datum_from_oids(arena, 1028, definition->equality_operators, definition->column_count, row_at(&row, equalities[i]), err))
                return false;
    }
    set_text(&row, RDB_pg_constraint_conbin, definition->check_tree);
    const rdb_object_address constraint = {RDB_PG_CONSTRAINT, *oid, 0};
    if (definition->relation_oid == 0)
        return row_insert(&row, err) && rdb_ddl_depend(access, constraint, (rdb_object_address){RDB_PG_TYPE, definition->type_oid, 0}, 'a', err) &&
               ddl_depend_on_uses(access, constraint, definition->uses, definition->use_count, err);
    if (!row_insert(&row, err) ||
        !depend_on_columns(access, constraint, definition->relation_oid, definition->columns, definition->column_count, 'a', err) ||
        !ddl_depend_on_uses(access, constraint, definition->uses, definition->use_count, err))
        return false;
    if (definition->kind == 'c')
        return count_check(access, definition->relation_oid, arena, err);
    if (definition->parent_oid != 0 && !rdb_ddl_set_part_of(access, constraint, definition->parent_oid, definition->relation_oid, err))
        return false;
    const rdb_object_address index = {RDB_PG_CLASS, definition->index_oid, 0};
    if (is_foreign)
        return mark_triggers(access, definition->relation_oid, arena, err) && mark_triggers(access, definition->foreign_relation_oid, arena, err) &&
               depend_on_columns(access, constraint, definition->foreign_relation_oid, definition->foreign_columns, definition->column_count, 'n', err) &&
               (definition->index_oid == 0 || rdb_ddl_depend(access, constraint, index, 'n', err));
    if (definition->index_oid == 0)
        return true;
    /* The index is now a part of the constraint, and goes with the columns only through it. */
    const rdb_datum depender[] = {datum_oid(RDB_PG_CLASS), datum_oid(definition->index_oid)};
    return visit_rows(access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, depender, 2, drop_automatic, NULL, err) &&
           rdb_ddl_depend(access, index, constraint, 'i', err);
}

bool rdb_ddl_create_constraint(rdb_access *access, const rdb_constraint_definition *definition, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && create_constraint(access, definition, oid, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

/* ---- schemas ---------------------------------------------------------------------------------------------------------------------- */
bool rdb_ddl_create_namespace(rdb_access *access, const char *name, uint32_t owner_oid, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row existing;
    bool ok = false, found;
    const rdb_datum key = datum_text(name);
    if (arena == NULL || !catalog_find_row(access, RDB_PG_NAMESPACE, INDEX_NAMESPACE_NAME, &key, 1, arena, &existing, &found, err))
        goto out;
    if (found) {
        rdb_error_set(err, RDB_DUPLICATE_SCHEMA, "schema \"%s\" already exists", name);
        goto out;
    }
    if (!rdb_catalog_new_oid(access, oid, err))
        goto out;
    const new_row row = row_begin(access, RDB_PG_NAMESPACE, arena);
    set_oid(&row, RDB_pg_namespace_oid, *oid);
    set_text(&row, RDB_pg_namespace_nspname, name);
    set_oid(&row, RDB_pg_namespace_nspowner, owner_oid);
    ok = row_insert(&row, err);
out:
    rdb_arena_destroy(arena);
    return ok;
}

/* ---- enums ------------------------------------------------------------------------------------------------------------------------ */
static bool create_enum(rdb_access *access, const char *name, uint32_t namespace_oid, uint32_t owner_oid, const char *const *labels,
                        uint32_t label_count, uint32_t *oid, rdb_arena *arena, rdb_error *err)
{
    enum { ENUM_IN = 3506, ENUM_OUT = 3507, ENUM_RECEIVE = 3532, ENUM_SEND = 3533 };
    rdb_catalog_row existing;
    bool found;
    uint32_t array_oid;
    const rdb_datum keys[] = {datum_text(name), datum_oid(namespace_oid)};
    if (!catalog_find_row(access, RDB_PG_TYPE, INDEX_TYPE_NAME, keys, 2, arena, &existing, &found, err))
        return false;
    if (found)
        return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "type \"%s\" already exists", name);
    if (!rdb_catalog_new_oid(access, oid, err) || !rdb_catalog_new_oid(access, &array_oid, err))
        return false;
    const type_definition type = {.oid = *oid,
                                  .namespace_oid = namespace_oid,
                                  .owner_oid = owner_oid,
                                  .array_oid = array_oid,
                                  .name = name,
                                  .length = 4,
                                  .is_by_value = true,
                                  .kind = 'e',
                                  .category = 'E',
                                  .align = 'i',
                                  .storage = 'p',
                                  .input = ENUM_IN,
                                  .output = ENUM_OUT,
                                  .receive = ENUM_RECEIVE,
                                  .send = ENUM_SEND};
    if (!ddl_insert_type(access, &type, arena, err) || !ddl_insert_array_type(access, &type, arena, err) ||
        !rdb_ddl_depend(access, (rdb_object_address){RDB_PG_TYPE, *oid, 0}, (rdb_object_address){RDB_PG_NAMESPACE, namespace_oid, 0}, 'n', err))
        return false;
    for (uint32_t i = 0; i < label_count; i++) {
        uint32_t label_oid;
        if (strlen(labels[i]) >= RDB_NAMEDATALEN) {
            rdb_error_set(err, RDB_INVALID_NAME, "invalid enum label \"%s\"", labels[i]);
            return rdb_error_detail(err, "Labels must be %u bytes or less.", RDB_NAMEDATALEN - 1);
        }
        if (!rdb_catalog_new_oid(access, &label_oid, err))
            return false;
        const new_row row = row_begin(access, RDB_PG_ENUM, arena);
        set_oid(&row, RDB_pg_enum_oid, label_oid);
        set_oid(&row, RDB_pg_enum_enumtypid, *oid);
        set_float(&row, RDB_pg_enum_enumsortorder, (float)(i + 1));
        set_text(&row, RDB_pg_enum_enumlabel, labels[i]);
        if (!row_insert(&row, err))
            return false;
    }
    return true;
}

bool rdb_ddl_create_enum(rdb_access *access, const char *name, uint32_t namespace_oid, uint32_t owner_oid, const char *const *labels,
                         uint32_t label_count, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && create_enum(access, name, namespace_oid, owner_oid, labels, label_count, oid, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

/* ---- comments --------------------------------------------------------------------------------------------------------------------- */
static bool is_shared_catalog(const rdb_access *access, uint32_t catalog_oid)
{
    const rdb_relation *relation = system_relation(access->context.database, catalog_oid);
    return relation != NULL && relation->is_shared;
}

bool rdb_ddl_comment(rdb_access *access, rdb_object_address object, const char *text, rdb_error *err)
{
    const bool is_shared = is_shared_catalog(access, object.catalog_oid);
    const rdb_datum keys[] = {datum_oid(object.object_oid), datum_oid(object.catalog_oid), {.i32 = object.sub_id}};
    if (!delete_rows(access, is_shared ? RDB_PG_SHDESCRIPTION : RDB_PG_DESCRIPTION, is_shared ? INDEX_SHDESCRIPTION : INDEX_DESCRIPTION, keys,
                     is_shared ? 2 : 3, err))
        return false;
    if (text == NULL || text[0] == '\0')
        return true;
    rdb_arena *arena = ddl_arena(err);
    if (arena == NULL)
        return false;
    const new_row row = row_begin(access, is_shared ? RDB_PG_SHDESCRIPTION : RDB_PG_DESCRIPTION, arena);
    if (is_shared) {
        set_oid(&row, RDB_pg_shdescription_objoid, object.object_oid);
        set_oid(&row, RDB_pg_shdescription_classoid, object.catalog_oid);
        set_text(&row, RDB_pg_shdescription_description, text);
    } else {
        set_oid(&row, RDB_pg_description_objoid, object.object_oid);
        set_oid(&row, RDB_pg_description_classoid, object.catalog_oid);
        set_int32(&row, RDB_pg_description_objsubid, object.sub_id);
        set_text(&row, RDB_pg_description_description, text);
    }
    bool ok = row_insert(&row, err);
    rdb_arena_destroy(arena);
    return ok;
}
