/* SPDX-License-Identifier: Apache-2.0
 * DDL on operator families, operator classes and what is in them. */
#include "catalog/ddl_int.h"

enum { INDEX_AMOP_MEMBER = 2653, INDEX_AMPROC_MEMBER = 2655 };

static bool insert_family(rdb_access *access, const char *name, uint32_t namespace_oid, uint32_t owner_oid, uint32_t method_oid, uint32_t *oid, rdb_arena *arena, rdb_error *err)
{
    if (!rdb_catalog_new_oid(access, oid, err))
        return false;
    const new_row row = row_begin(access, RDB_PG_OPFAMILY, arena);
    set_oid(&row, RDB_pg_opfamily_oid, *oid);
    set_oid(&row, RDB_pg_opfamily_opfmethod, method_oid);
    set_text(&row, RDB_pg_opfamily_opfname, name);
    set_oid(&row, RDB_pg_opfamily_opfnamespace, namespace_oid);
    set_oid(&row, RDB_pg_opfamily_opfowner, owner_oid);
    const rdb_object_address uses[] = {{RDB_PG_NAMESPACE, namespace_oid, 0}};
    return row_insert(&row, err) && ddl_depend_on_uses(access, (rdb_object_address){RDB_PG_OPFAMILY, *oid, 0}, uses, 1, err);
}

bool rdb_ddl_create_opfamily(rdb_access *access, const char *name, uint32_t namespace_oid, uint32_t owner_oid, uint32_t method_oid, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && insert_family(access, name, namespace_oid, owner_oid, method_oid, oid, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

static bool insert_class(rdb_access *access, const rdb_opclass_definition *d, uint32_t *oid, rdb_arena *arena, rdb_error *err)
{
    if (!rdb_catalog_new_oid(access, oid, err))
        return false;
    const new_row row = row_begin(access, RDB_PG_OPCLASS, arena);
    set_oid(&row, RDB_pg_opclass_oid, *oid);
    set_oid(&row, RDB_pg_opclass_opcmethod, d->method_oid);
    set_text(&row, RDB_pg_opclass_opcname, d->name);
    set_oid(&row, RDB_pg_opclass_opcnamespace, d->namespace_oid);
    set_oid(&row, RDB_pg_opclass_opcowner, d->owner_oid);
    set_oid(&row, RDB_pg_opclass_opcfamily, d->family_oid);
    set_oid(&row, RDB_pg_opclass_opcintype, d->input_type);
    set_bool(&row, RDB_pg_opclass_opcdefault, d->is_default);
    set_oid(&row, RDB_pg_opclass_opckeytype, d->key_type);
    const rdb_object_address itself = {RDB_PG_OPCLASS, *oid, 0};
    const rdb_object_address uses[] = {{RDB_PG_NAMESPACE, d->namespace_oid, 0}, {RDB_PG_TYPE, d->input_type, 0}, {RDB_PG_TYPE, d->key_type, 0}};
    return row_insert(&row, err) && ddl_depend_on_uses(access, itself, uses, d->key_type != 0 ? 3 : 2, err) &&
           rdb_ddl_depend(access, itself, (rdb_object_address){RDB_PG_OPFAMILY, d->family_oid, 0}, 'a', err);
}

bool rdb_ddl_create_opclass(rdb_access *access, const rdb_opclass_definition *definition, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && insert_class(access, definition, oid, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

static bool insert_member(rdb_access *access, uint32_t method_oid, uint32_t family_oid, uint32_t opclass_oid, const rdb_opfamily_member *m, rdb_arena *arena, rdb_error *err)
{
    const uint32_t catalog = m->is_operator ? RDB_PG_AMOP : RDB_PG_AMPROC;
    uint32_t oid;
    if (!rdb_catalog_new_oid(access, &oid, err))
        return false;
    const new_row row = row_begin(access, catalog, arena);
    if (m->is_operator) {
        set_oid(&row, RDB_pg_amop_oid, oid);
        set_oid(&row, RDB_pg_amop_amopfamily, family_oid);
        set_oid(&row, RDB_pg_amop_amoplefttype, m->left_type);
        set_oid(&row, RDB_pg_amop_amoprighttype, m->right_type);
        set_int16(&row, RDB_pg_amop_amopstrategy, m->number);
        set_char(&row, RDB_pg_amop_amoppurpose, m->sort_family_oid != 0 ? 'o' : 's');
        set_oid(&row, RDB_pg_amop_amopopr, m->object_oid);
        set_oid(&row, RDB_pg_amop_amopmethod, method_oid);
        set_oid(&row, RDB_pg_amop_amopsortfamily, m->sort_family_oid);
    } else {
        set_oid(&row, RDB_pg_amproc_oid, oid);
        set_oid(&row, RDB_pg_amproc_amprocfamily, family_oid);
        set_oid(&row, RDB_pg_amproc_amproclefttype, m->left_type);
        set_oid(&row, RDB_pg_amproc_amprocrighttype, m->right_type);
        set_int16(&row, RDB_pg_amproc_amprocnum, m->number);
        set_oid(&row, RDB_pg_amproc_amproc, m->object_oid);
    }
    const rdb_object_address itself = {catalog, oid, 0}, object = {m->is_operator ? RDB_PG_OPERATOR : RDB_PG_PROC, m->object_oid, 0};
    const rdb_object_address whole = opclass_oid != 0 ? (rdb_object_address){RDB_PG_OPCLASS, opclass_oid, 0} : (rdb_object_address){RDB_PG_OPFAMILY, family_oid, 0};
    /* A part of a class keeps what it is made of; a loose one goes with it. */
    if (!row_insert(&row, err) || (!ddl_is_pinned(object) && !rdb_ddl_depend(access, itself, object, opclass_oid != 0 ? 'n' : 'a', err)) ||
        !rdb_ddl_depend(access, itself, whole, opclass_oid != 0 ? 'i' : 'a', err))
        return false;
    const rdb_object_address order = {RDB_PG_OPFAMILY, m->sort_family_oid, 0};
    return m->sort_family_oid == 0 || ddl_is_pinned(order) || rdb_ddl_depend(access, itself, order, opclass_oid != 0 ? 'n' : 'a', err);
}

bool rdb_ddl_add_opfamily_member(rdb_access *access, uint32_t method_oid, uint32_t family_oid, uint32_t opclass_oid, const rdb_opfamily_member *member, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && insert_member(access, method_oid, family_oid, opclass_oid, member, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_opfamily_member_find(rdb_access *access, uint32_t family_oid, const rdb_opfamily_member *member, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    bool found = false;
    const rdb_datum keys[] = {datum_oid(family_oid), datum_oid(member->left_type), datum_oid(member->right_type), datum_int16(member->number)};
    *oid = 0;
    bool ok = arena != NULL && catalog_find_row(access, member->is_operator ? RDB_PG_AMOP : RDB_PG_AMPROC, member->is_operator ? INDEX_AMOP_MEMBER : INDEX_AMPROC_MEMBER, keys, 4,
                                                arena, &row, &found, err);
    if (ok && found)
        *oid = row_oid(&row, member->is_operator ? RDB_pg_amop_oid : RDB_pg_amproc_oid);
    rdb_arena_destroy(arena);
    return ok;
}
