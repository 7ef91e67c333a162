/* SPDX-License-Identifier: Apache-2.0
 * ALTER DEFAULT PRIVILEGES: rows of pg_default_acl, and what a new object gets of them. A row of a role alone stands for the kind's
 * standard list; one of a role in a schema is added to it. A list that says what the standard says is not kept. */
#include "catalog/rdb_acl.h"

#include "catalog/ddl_int.h"

#include <stdlib.h>

enum { PG_DEFAULT_ACL = 826, INDEX_DEFAULT_ACL = 827 };

static int compare_items(const void *left_at, const void *right_at)
{
    const rdb_acl_item *left = left_at, *right = right_at;
    if (left->grantee != right->grantee)
        return left->grantee < right->grantee ? -1 : 1;
    if (left->grantor != right->grantor)
        return left->grantor < right->grantor ? -1 : 1;
    return left->bits < right->bits ? -1 : left->bits > right->bits;
}

static rdb_acl sorted(rdb_arena *arena, const rdb_acl *acl)
{
    rdb_acl_item *items = acl->count > 0 ? rdb_arena_memdup(arena, acl->items, acl->count * sizeof *items) : NULL;
    if (acl->count > 1)
        qsort(items, acl->count, sizeof *items, compare_items);
    return (rdb_acl){items, acl->count, true};
}

static bool is_same(const rdb_acl *left, const rdb_acl *right)
{
    return left->count == right->count && (left->count == 0 || memcmp(left->items, right->items, left->count * sizeof *left->items) == 0);
}

/* pg_default_acl's letters are those of the kinds but for relations and sequences: r, S, f, T, n. */
static char letter_of(rdb_acl_kind kind)
{
    return kind == 's' ? 'S' : kind;
}

static bool read_row(rdb_access *access, uint32_t role_oid, uint32_t namespace_oid, rdb_acl_kind kind, rdb_arena *arena, rdb_catalog_row *row, rdb_acl *acl, rdb_error *err)
{
    bool found;
    const rdb_datum keys[] = {datum_oid(role_oid), datum_oid(namespace_oid), {.i8 = letter_of(kind)}};
    *acl = (rdb_acl){0};
    return catalog_find_row(access, PG_DEFAULT_ACL, INDEX_DEFAULT_ACL, keys, 3, arena, row, &found, err) &&
           (!found || rdb_acl_read(arena, row->values[RDB_pg_default_acl_defaclacl - 1], false, acl, err));
}

bool rdb_acl_get_default(rdb_access *access, rdb_arena *arena, uint32_t role_oid, uint32_t namespace_oid, rdb_acl_kind kind, rdb_acl *acl, rdb_error *err)
{
    rdb_catalog_row row;
    if (!read_row(access, role_oid, namespace_oid, kind, arena, &row, acl, err))
        return false;
    if (!acl->is_set)
        *acl = namespace_oid != 0 ? (rdb_acl){.is_set = true} : rdb_acl_default(arena, kind, role_oid);
    return true;
}

bool rdb_acl_set_default(rdb_access *access, uint32_t role_oid, uint32_t namespace_oid, rdb_acl_kind kind, const rdb_acl *acl, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    rdb_acl old;
    rdb_datum value;
    uint32_t oid;
    bool ok = false;
    if (arena == NULL || !read_row(access, role_oid, namespace_oid, kind, arena, &row, &old, err))
        goto out;
    const rdb_acl standard = namespace_oid != 0 ? (rdb_acl){.is_set = true} : rdb_acl_default(arena, kind, role_oid);
    const rdb_acl made = sorted(arena, acl), usual = sorted(arena, &standard);
    if (is_same(&made, &usual)) {
        const rdb_datum depender[] = {datum_oid(PG_DEFAULT_ACL), datum_oid(old.is_set ? row_oid(&row, RDB_pg_default_acl_oid) : 0)};
        ok = !old.is_set || (rdb_catalog_delete(access, PG_DEFAULT_ACL, &row, err) && delete_rows(access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, depender, 2, err));
        goto out;
    }
    if (!rdb_acl_write(arena, &made, &value, err))
        goto out;
    if (old.is_set) {
        row.values[RDB_pg_default_acl_defaclacl - 1] = value;
        ok = rdb_catalog_update(access, PG_DEFAULT_ACL, &row, err);
        goto out;
    }
    if (!rdb_catalog_new_oid(access, &oid, err))
        goto out;
    const new_row created = row_begin(access, PG_DEFAULT_ACL, arena);
    set_oid(&created, RDB_pg_default_acl_oid, oid);
    set_oid(&created, RDB_pg_default_acl_defaclrole, role_oid);
    set_oid(&created, RDB_pg_default_acl_defaclnamespace, namespace_oid);
    set_char(&created, RDB_pg_default_acl_defaclobjtype, letter_of(kind));
    *row_at(&created, RDB_pg_default_acl_defaclacl) = value;
    ok = row_insert(&created, err) && (namespace_oid == 0 || rdb_ddl_depend(access, (rdb_object_address){PG_DEFAULT_ACL, oid, 0},
                                                                            (rdb_object_address){RDB_PG_NAMESPACE, namespace_oid, 0}, 'a', err));
out:
    rdb_arena_destroy(arena);
    return ok;
}

/* ---- new objects ---------------------------------------------------------------------------------------------------------------- */
static bool kind_of_row(const new_row *row, rdb_acl_kind *kind, int *owner, int *namespace_column, int *acl)
{
    const rdb_datum *v = row->values;
    switch (row->catalog_oid) {
    case RDB_PG_CLASS:
        *owner = RDB_pg_class_relowner, *namespace_column = RDB_pg_class_relnamespace, *acl = RDB_pg_class_relacl;
        *kind = v[RDB_pg_class_relkind - 1].i8 == 'S' ? 's' : 'r';
        return strchr("rvmpfS", v[RDB_pg_class_relkind - 1].i8) != NULL;
    case RDB_PG_PROC:
        *owner = RDB_pg_proc_proowner, *namespace_column = RDB_pg_proc_pronamespace, *acl = RDB_pg_proc_proacl, *kind = 'f';
        return true;
    case RDB_PG_NAMESPACE:
        *owner = RDB_pg_namespace_nspowner, *namespace_column = 0, *acl = RDB_pg_namespace_nspacl, *kind = 'n';
        return true;
    case RDB_PG_TYPE: /* rows of tables and arrays have none of their own */
        *owner = RDB_pg_type_typowner, *namespace_column = RDB_pg_type_typnamespace, *acl = RDB_pg_type_typacl, *kind = 'T';
        return v[RDB_pg_type_typrelid - 1].oid == 0 && v[RDB_pg_type_typelem - 1].oid == 0;
    default:
        return false;
    }
}

bool ddl_default_privileges(const new_row *row, rdb_error *err)
{
    rdb_acl_kind kind;
    int owner_column, namespace_column, acl_column;
    rdb_access *access = row->access;
    rdb_catalog_row kept;
    rdb_acl of_role, of_schema = {0};
    if (!kind_of_row(row, &kind, &owner_column, &namespace_column, &acl_column) || !row->is_null[acl_column - 1] ||
        access->context.database->makes_system_objects)
        return true;
    const uint32_t owner = row->values[owner_column - 1].oid, namespace_oid = namespace_column != 0 ? row->values[namespace_column - 1].oid : 0;
    if (!read_row(access, owner, 0, kind, row->arena, &kept, &of_role, err) ||
        (namespace_oid != 0 && !read_row(access, owner, namespace_oid, kind, row->arena, &kept, &of_schema, err)))
        return false;
    if (!of_role.is_set && !of_schema.is_set)
        return true;
    const rdb_acl standard = rdb_acl_default(row->arena, kind, owner);
    rdb_acl acl = of_role.is_set ? of_role : standard;
    for (uint32_t i = 0; i < of_schema.count; i++)
        if (!rdb_acl_update(access, row->arena, &acl, &of_schema.items[i], true, false, owner, &acl, err))
            return false;
    const rdb_acl made = sorted(row->arena, &acl), usual = sorted(row->arena, &standard);
    return is_same(&made, &usual) || rdb_acl_write(row->arena, &made, row_at(row, acl_column), err);
}
