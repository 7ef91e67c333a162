/* SPDX-License-Identifier: Apache-2.0
 * What hangs on a role: objects that it owns, lists of privileges that name it, policies for it. It is found by looking through
 * the catalogs that have owners and lists, when somebody asks; nothing is kept beside them that could disagree. */
#include "catalog/rdb_acl.h"

#include "catalog/ddl_int.h"
#include "catalog/rdb_large_object.h"

#include <stdlib.h>

enum {
    PG_DEFAULT_ACL = 826, PG_SERVER = 1417, PG_WRAPPER = 2328, PG_AMOP = 2602, PG_CONVERSION = 2607, PG_LANGUAGE = 2612, PG_OPFAMILY = 2753,
    PG_LARGEOBJECT = 2995, PG_EXTENSION = 3079, PG_STATISTIC_EXT = 3381, PG_EVENT_TRIGGER = 3466, PG_TS_DICT = 3600,
    PG_TS_CONFIG = 3602, PG_PUBLICATION = 6104, PG_PARAMETER_ACL = 6243
};

typedef struct owned_kind {
    uint32_t catalog_oid, oid_index;
    int oid, owner, acl; /* columns; 0: it has none */
} owned_kind;

static const owned_kind KINDS[] = {
    {RDB_PG_CLASS, INDEX_CLASS_OID, RDB_pg_class_oid, RDB_pg_class_relowner, RDB_pg_class_relacl},
    {RDB_PG_TYPE, INDEX_TYPE_OID, RDB_pg_type_oid, RDB_pg_type_typowner, RDB_pg_type_typacl},
    {RDB_PG_PROC, INDEX_PROC_OID, RDB_pg_proc_oid, RDB_pg_proc_proowner, RDB_pg_proc_proacl},
    {RDB_PG_NAMESPACE, INDEX_NAMESPACE_OID, RDB_pg_namespace_oid, RDB_pg_namespace_nspowner, RDB_pg_namespace_nspacl},
    {RDB_PG_OPERATOR, 2688, RDB_pg_operator_oid, RDB_pg_operator_oprowner, 0},
    {RDB_PG_OPCLASS, 2687, RDB_pg_opclass_oid, RDB_pg_opclass_opcowner, 0},
    {PG_OPFAMILY, 2755, RDB_pg_opfamily_oid, RDB_pg_opfamily_opfowner, 0},
    {RDB_PG_COLLATION, 3085, RDB_pg_collation_oid, RDB_pg_collation_collowner, 0},
    {PG_CONVERSION, 2670, RDB_pg_conversion_oid, RDB_pg_conversion_conowner, 0},
    {PG_LANGUAGE, 2682, RDB_pg_language_oid, RDB_pg_language_lanowner, RDB_pg_language_lanacl},
    {PG_LARGEOBJECT, 2996, RDB_pg_largeobject_metadata_oid, RDB_pg_largeobject_metadata_lomowner, RDB_pg_largeobject_metadata_lomacl},
    {PG_STATISTIC_EXT, 3380, RDB_pg_statistic_ext_oid, RDB_pg_statistic_ext_stxowner, 0},
    {PG_TS_DICT, 3605, RDB_pg_ts_dict_oid, RDB_pg_ts_dict_dictowner, 0},
    {PG_TS_CONFIG, 3712, RDB_pg_ts_config_oid, RDB_pg_ts_config_cfgowner, 0},
    {PG_EVENT_TRIGGER, 3468, RDB_pg_event_trigger_oid, RDB_pg_event_trigger_evtowner, 0},
    {PG_WRAPPER, 112, RDB_pg_foreign_data_wrapper_oid, RDB_pg_foreign_data_wrapper_fdwowner, RDB_pg_foreign_data_wrapper_fdwacl},
    {PG_SERVER, 113, RDB_pg_foreign_server_oid, RDB_pg_foreign_server_srvowner, RDB_pg_foreign_server_srvacl},
    {PG_PUBLICATION, 6110, RDB_pg_publication_oid, RDB_pg_publication_pubowner, 0},
    {PG_EXTENSION, 3080, RDB_pg_extension_oid, RDB_pg_extension_extowner, 0},
    {PG_DEFAULT_ACL, 828, RDB_pg_default_acl_oid, RDB_pg_default_acl_defaclrole, RDB_pg_default_acl_defaclacl},
    {RDB_PG_ATTRIBUTE, 0, RDB_pg_attribute_attrelid, 0, RDB_pg_attribute_attacl},
    {RDB_PG_POLICY, 3257, RDB_pg_policy_oid, 0, 0},
    {RDB_PG_DATABASE, 2672, RDB_pg_database_oid, RDB_pg_database_datdba, RDB_pg_database_datacl},
    {RDB_PG_TABLESPACE, 2697, RDB_pg_tablespace_oid, RDB_pg_tablespace_spcowner, RDB_pg_tablespace_spcacl},
    {PG_PARAMETER_ACL, 6247, RDB_pg_parameter_acl_oid, 0, RDB_pg_parameter_acl_paracl},
};

typedef struct search {
    uint32_t role_oid;
    const owned_kind *kind;
    rdb_arena *arena;
    rdb_role_object *objects;
    uint32_t count, capacity;
} search;

static bool add(search *s, rdb_object_address object, char why, rdb_error *err)
{
    if (s->count == s->capacity) {
        const uint32_t capacity = s->capacity * 2 + 16;
        s->objects = rdb_arena_try_grow(s->arena, s->objects, s->capacity * sizeof *s->objects, capacity * sizeof *s->objects, err);
        if (s->objects == NULL)
            return false;
        s->capacity = capacity;
    }
    s->objects[s->count++] = (rdb_role_object){object, why};
    return true;
}

/* Rows that go with another one, whose owner they share: indexes, row types, arrays. */
static bool is_part(const rdb_catalog_row *row, uint32_t catalog_oid)
{
    if (catalog_oid == RDB_PG_CLASS)
        return strchr("iItc", row_char(row, RDB_pg_class_relkind)) != NULL;
    return catalog_oid == RDB_PG_TYPE && row_oid(row, RDB_pg_type_typelem) != 0 && row_char(row, RDB_pg_type_typcategory) == 'A';
}

/* The row type of a table, not a composite type of its own. */
static bool is_row_type(rdb_access *access, const rdb_catalog_row *row, bool *is_it, rdb_error *err)
{
    const uint32_t relation_oid = row_oid(row, RDB_pg_type_typrelid);
    const rdb_relation *relation = NULL;
    if (relation_oid != 0 && !rdb_relation_get(access, relation_oid, &relation, err))
        return false;
    *is_it = relation != NULL && relation->kind != 'c';
    return true;
}

static bool names_role(search *s, const rdb_catalog_row *row, bool *does, rdb_error *err)
{
    rdb_acl acl;
    *does = false;
    if (s->kind->acl == 0 || row->is_null[s->kind->acl - 1])
        return true;
    if (!rdb_acl_read(s->arena, row->values[s->kind->acl - 1], false, &acl, err))
        return false;
    for (uint32_t i = 0; i < acl.count; i++)
        *does = *does || acl.items[i].grantee == s->role_oid || acl.items[i].grantor == s->role_oid;
    return true;
}

static bool look_at(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    search *s = context;
    rdb_object_address object = {catalog_oid == PG_LARGEOBJECT ? RDB_PG_LARGEOBJECT : catalog_oid, row_oid(row, s->kind->oid), 0};
    const bool owns = s->kind->owner != 0 && row_oid(row, s->kind->owner) == s->role_oid;
    bool is_named = false, is_other = false;
    if (catalog_oid == RDB_PG_ATTRIBUTE)
        object = (rdb_object_address){RDB_PG_CLASS, object.object_oid, row_int16(row, RDB_pg_attribute_attnum)};
    if (catalog_oid == RDB_PG_POLICY) {
        const uint32_t *roles;
        uint32_t count;
        if (!row_oids(s->arena, row, RDB_pg_policy_polroles, &roles, &count, err))
            return false;
        for (uint32_t i = 0; i < count; i++)
            is_named = is_named || roles[i] == s->role_oid;
        return !is_named || add(s, object, 'r', err);
    }
    if (is_part(row, catalog_oid))
        return true;
    if (owns && catalog_oid == RDB_PG_TYPE && !is_row_type(access, row, &is_other, err))
        return false;
    if (owns && !is_other && !add(s, object, 'o', err))
        return false;
    /* The owner's own entries follow the owner. */
    return owns || (names_role(s, row, &is_named, err) && (!is_named || add(s, object, 'a', err)));
}

static int compare_objects(const void *left_at, const void *right_at)
{
    const rdb_role_object *left = left_at, *right = right_at;
    if (left->object.object_oid != right->object.object_oid)
        return left->object.object_oid < right->object.object_oid ? -1 : 1;
    if (left->object.catalog_oid != right->object.catalog_oid)
        return left->object.catalog_oid < right->object.catalog_oid ? -1 : 1;
    return left->object.sub_id < right->object.sub_id ? -1 : left->object.sub_id > right->object.sub_id;
}

bool rdb_role_objects(rdb_access *access, uint32_t role_oid, bool with_shared, rdb_arena *arena, rdb_role_object **objects, uint32_t *count, rdb_error *err)
{
    search s = {.role_oid = role_oid, .arena = arena};
    for (size_t i = 0; i < RDB_COUNT_OF(KINDS); i++) {
        s.kind = &KINDS[i];
        if (!with_shared && system_relation(access->context.database, KINDS[i].catalog_oid)->is_shared)
            continue;
        if (!visit_rows(access, KINDS[i].catalog_oid, 0, NULL, 0, look_at, &s, err))
            return false;
    }
    if (s.count > 1)
        qsort(s.objects, s.count, sizeof *s.objects, compare_objects);
    *objects = s.objects;
    *count = s.count;
    return true;
}

/* ---- DROP ROLE ------------------------------------------------------------------------------------------------------------------ */
typedef struct other_databases {
    const char *names[256];
    uint32_t count;
    rdb_arena *arena;
    uint32_t own_oid;
} other_databases;

static bool note_database(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    other_databases *others = context;
    (void)access, (void)catalog_oid, (void)err;
    if (row_oid(row, RDB_pg_database_oid) != others->own_oid && others->count < RDB_COUNT_OF(others->names))
        others->names[others->count++] = row_text(others->arena, row, RDB_pg_database_datname);
    return true;
}

static bool count_elsewhere(rdb_access *access, uint32_t role_oid, const char *name, rdb_arena *arena, uint32_t *count, rdb_error *err)
{
    rdb_catalog *catalog = access->context.catalog;
    rdb_database *database = NULL;
    rdb_access *other = NULL;
    rdb_txn *txn = NULL;
    rdb_role_object *objects;
    if (!rdb_database_open_any(catalog, name, &database, err)) {
        if (strcmp(err->sqlstate, RDB_INVALID_CATALOG_NAME) != 0)
            return false;
        rdb_error_clear(err); /* it was dropped meanwhile */
        return true;
    }
    bool ok = rdb_txn_begin(catalog->txns, database->pdb, RDB_READ_COMMITTED, true, rdb_txn_cancel(access->context.txn), &txn, err);
    if (ok) {
        const rdb_access_context context = {.catalog = catalog, .database = database, .txn = txn, .role_oid = access->context.role_oid,
                                            .role_name = access->context.role_name, .search_path = ""};
        ok = rdb_access_begin(&other, &context, err) && rdb_role_objects(other, role_oid, false, arena, &objects, count, err);
    }
    rdb_access_end(&other);
    if (txn != NULL)
        rdb_txn_abort(&txn);
    rdb_database_close(&database);
    return ok;
}

bool ddl_report_role_objects(rdb_access *access, uint32_t role_oid, const char *name, rdb_arena *arena, rdb_error *err)
{
    enum { REPORTED_MAX = 100 };
    rdb_role_object *objects;
    uint32_t count;
    rdb_strbuf text;
    other_databases others = {.arena = arena, .own_oid = access->context.database->oid};
    rdb_strbuf_init(&text, arena);
    if (!rdb_role_objects(access, role_oid, true, arena, &objects, &count, err) || !visit_rows(access, RDB_PG_DATABASE, 0, NULL, 0, note_database, &others, err))
        return false;
    for (uint32_t i = 0; i < count && i < REPORTED_MAX; i++) {
        rdb_strbuf_adds(&text, text.length > 0 ? "\n" : "");
        rdb_strbuf_adds(&text, objects[i].why == 'o' ? "owner of " : objects[i].why == 'a' ? "privileges for " : "target of ");
        if (!rdb_object_describe(access, objects[i].object, &text, err))
            return false;
    }
    if (count > REPORTED_MAX)
        rdb_strbuf_addf(&text, "\nand %u other object%s (see server log for list)", count - REPORTED_MAX, count - REPORTED_MAX == 1 ? "" : "s");
    for (uint32_t i = 0; i < others.count; i++) {
        uint32_t there = 0;
        if (!count_elsewhere(access, role_oid, others.names[i], arena, &there, err))
            return false;
        if (there > 0)
            rdb_strbuf_addf(&text, "%s%u object%s in database %s", text.length > 0 ? "\n" : "", there, there == 1 ? "" : "s", others.names[i]);
    }
    if (text.length == 0)
        return rdb_strbuf_check(&text, err);
    rdb_error_set(err, RDB_DEPENDENT_OBJECTS_STILL_EXIST, "role \"%s\" cannot be dropped because some objects depend on it", name);
    return rdb_error_detail(err, "%s", text.data);
}

/* ---- another owner --------------------------------------------------------------------------------------------------------------- */
static const owned_kind *kind_of(uint32_t catalog_oid)
{
    if (catalog_oid == RDB_PG_LARGEOBJECT) /* what they are called by; their owners stand elsewhere */
        catalog_oid = PG_LARGEOBJECT;
    for (size_t i = 0; i < RDB_COUNT_OF(KINDS); i++)
        if (KINDS[i].catalog_oid == catalog_oid && KINDS[i].owner != 0)
            return &KINDS[i];
    return NULL;
}

/* The new owner stands wherever the old one stood, as grantor and as grantee; what falls together is one item. */
static bool change_list(rdb_arena *arena, rdb_catalog_row *row, int column, uint32_t from, uint32_t to, rdb_error *err)
{
    rdb_acl acl;
    if (column == 0 || row->is_null[column - 1])
        return true;
    if (!rdb_acl_read(arena, row->values[column - 1], false, &acl, err))
        return false;
    rdb_acl_item *items = RDB_NEW_ARRAY(arena, rdb_acl_item, acl.count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < acl.count; i++) {
        rdb_acl_item item = acl.items[i];
        uint32_t at = 0;
        item.grantee = item.grantee == from ? to : item.grantee;
        item.grantor = item.grantor == from ? to : item.grantor;
        while (at < count && (items[at].grantee != item.grantee || items[at].grantor != item.grantor))
            at++;
        if (at == count)
            items[count++] = item;
        else
            items[at].bits |= item.bits;
    }
    return rdb_acl_write(arena, &(rdb_acl){items, count, true}, &row->values[column - 1], err);
}

typedef struct new_owner {
    uint32_t from, to;
    rdb_arena *arena;
} new_owner;

static bool change_column_list(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    const new_owner *change = context;
    return row->is_null[RDB_pg_attribute_attacl - 1] || (change_list(change->arena, row, RDB_pg_attribute_attacl, change->from, change->to, err) &&
                                                         rdb_catalog_update(access, catalog_oid, row, err));
}

static bool change_parts(rdb_access *access, uint32_t catalog_oid, const rdb_catalog_row *row, const new_owner *change, rdb_error *err)
{
    if (catalog_oid == RDB_PG_TYPE)
        return row_oid(row, RDB_pg_type_typarray) == 0 || rdb_ddl_set_owner(access, RDB_PG_TYPE, row_oid(row, RDB_pg_type_typarray), change->to, err);
    if (catalog_oid != RDB_PG_CLASS)
        return true;
    /* Its row type, indexes, and the sequences of its columns have the same owner. */
    const rdb_relation *relation = NULL;
    const rdb_datum key = datum_oid(row_oid(row, RDB_pg_class_oid));
    bool ok = (row_oid(row, RDB_pg_class_reltype) == 0 || rdb_ddl_set_owner(access, RDB_PG_TYPE, row_oid(row, RDB_pg_class_reltype), change->to, err)) &&
              visit_rows(access, RDB_PG_ATTRIBUTE, INDEX_ATTRIBUTE_NUMBER, &key, 1, change_column_list, (void *)(uintptr_t)change, err) &&
              need_relation(access, key.oid, &relation, err);
    for (uint16_t i = 0; ok && i < relation->index_count; i++)
        ok = rdb_ddl_set_owner(access, RDB_PG_CLASS, relation->indexes[i].oid, change->to, err);
    for (uint16_t i = 0; ok && relation->kind == 'r' && i < relation->column_count; i++) {
        uint32_t sequence_oid = 0;
        ok = relation->columns[i].is_dropped || rdb_sequence_of_column(access, relation->oid, (int16_t)(i + 1), &sequence_oid, err);
        ok = ok && (sequence_oid == 0 || rdb_ddl_set_owner(access, RDB_PG_CLASS, sequence_oid, change->to, err));
    }
    return ok;
}

bool rdb_ddl_set_owner(rdb_access *access, uint32_t catalog_oid, uint32_t object_oid, uint32_t owner_oid, rdb_error *err)
{
    const owned_kind *kind = kind_of(catalog_oid);
    if (kind == NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "the owner of this kind of object cannot be changed yet");
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    const rdb_datum key = datum_oid(object_oid);
    catalog_oid = kind->catalog_oid;
    bool ok = arena != NULL && need_row(access, catalog_oid, kind->oid_index, &key, 1, arena, &row, err);
    if (ok && row_oid(&row, kind->owner) != owner_oid) {
        const new_owner change = {row_oid(&row, kind->owner), owner_oid, arena};
        row.values[kind->owner - 1].oid = owner_oid;
        ok = change_list(arena, &row, kind->acl, change.from, owner_oid, err) && rdb_catalog_update(access, catalog_oid, &row, err) &&
             change_parts(access, catalog_oid, &row, &change, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}

/* ---- DROP OWNED: the role leaves lists and policies ------------------------------------------------------------------------------- */
static bool without_role(rdb_arena *arena, const rdb_acl *acl, uint32_t role_oid, rdb_acl *left)
{
    rdb_acl_item *items = RDB_NEW_ARRAY(arena, rdb_acl_item, acl->count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < acl->count; i++)
        if (acl->items[i].grantee != role_oid && acl->items[i].grantor != role_oid)
            items[count++] = acl->items[i];
    *left = (rdb_acl){items, count, true};
    return count != acl->count;
}

static bool leave_policy(rdb_access *access, uint32_t oid, uint32_t role_oid, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row row;
    const rdb_datum key = datum_oid(oid);
    const uint32_t *roles;
    uint32_t count, left = 0;
    if (!need_row(access, RDB_PG_POLICY, 3257, &key, 1, arena, &row, err) || !row_oids(arena, &row, RDB_pg_policy_polroles, &roles, &count, err))
        return false;
    uint32_t *kept = RDB_NEW_ARRAY(arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++)
        if (roles[i] != role_oid)
            kept[left++] = roles[i];
    if (left == 0)
        return rdb_ddl_drop(access, &(rdb_object_address){RDB_PG_POLICY, oid, 0}, 1, false, NULL, NULL, err);
    return datum_from_oids(arena, 1028, kept, left, &row.values[RDB_pg_policy_polroles - 1], err) && rdb_catalog_update(access, RDB_PG_POLICY, &row, err);
}

/* The list of a table that had none is written out, as REVOKE leaves it. */
static bool spell_out_list(rdb_access *access, uint32_t relation_oid, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row row;
    if (!need_class_row(access, relation_oid, arena, &row, err) || !row.is_null[RDB_pg_class_relacl - 1])
        return !rdb_error_is_set(err);
    const rdb_acl standard = rdb_acl_default(arena, 'r', row_oid(&row, RDB_pg_class_relowner));
    row.is_null[RDB_pg_class_relacl - 1] = false;
    return rdb_acl_write(arena, &standard, &row.values[RDB_pg_class_relacl - 1], err) && rdb_catalog_update(access, RDB_PG_CLASS, &row, err);
}

static bool leave_list(rdb_access *access, rdb_object_address object, uint32_t role_oid, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row row;
    rdb_acl acl, left;
    const owned_kind *kind = object.sub_id != 0 ? NULL : kind_of(object.catalog_oid);
    const rdb_datum keys[] = {datum_oid(object.object_oid), datum_int16((int16_t)object.sub_id)};
    const uint32_t catalog_oid = object.sub_id != 0 ? RDB_PG_ATTRIBUTE : kind != NULL ? kind->catalog_oid : object.catalog_oid;
    const int column = object.sub_id != 0 ? RDB_pg_attribute_attacl : kind != NULL ? kind->acl : RDB_pg_parameter_acl_paracl;
    const uint32_t index = object.sub_id != 0 ? INDEX_ATTRIBUTE_NUMBER : kind != NULL ? kind->oid_index : 6247;
    if (!need_row(access, catalog_oid, index, keys, object.sub_id != 0 ? 2 : 1, arena, &row, err) ||
        !rdb_acl_read(arena, row.values[column - 1], row.is_null[column - 1], &acl, err) || !without_role(arena, &acl, role_oid, &left))
        return !rdb_error_is_set(err);
    if (catalog_oid == PG_DEFAULT_ACL) {
        const char letter = row_char(&row, RDB_pg_default_acl_defaclobjtype);
        return rdb_acl_set_default(access, row_oid(&row, RDB_pg_default_acl_defaclrole), row_oid(&row, RDB_pg_default_acl_defaclnamespace),
                                   letter == 'S' ? 's' : letter, &left, err);
    }
    row.is_null[column - 1] = object.sub_id != 0 && left.count == 0;
    return (row.is_null[column - 1] || rdb_acl_write(arena, &left, &row.values[column - 1], err)) && rdb_catalog_update(access, catalog_oid, &row, err) &&
           (object.sub_id == 0 || spell_out_list(access, object.object_oid, arena, err));
}

bool rdb_ddl_leave_object(rdb_access *access, const rdb_role_object *object, uint32_t role_oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && (object->why == 'r' ? leave_policy(access, object->object.object_oid, role_oid, arena, err)
                                                   : leave_list(access, object->object, role_oid, arena, err));
    rdb_arena_destroy(arena);
    return ok;
}
