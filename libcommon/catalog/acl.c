/* SPDX-License-Identifier: Apache-2.0
 * Lists of grants: what they say, and how GRANT and REVOKE change them. Always true: an item's grant options lie within its
 * privileges; there is one item a grantee and grantor; items without privileges are dropped. */
#include "catalog/rdb_acl.h"

#include "catalog/ddl_int.h"

#include <strings.h>

static const char *const WORDS[RDB_ACL_KIND_COUNT] = {"INSERT", "SELECT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER",
                                                       "EXECUTE", "USAGE", "CREATE", "TEMPORARY", "CONNECT", "SET", "ALTER SYSTEM"};

const char *rdb_acl_word(uint32_t bit)
{
    for (unsigned i = 0; i < RDB_ACL_KIND_COUNT; i++)
        if (bit == (UINT32_C(1) << i))
            return WORDS[i];
    return NULL;
}

uint32_t rdb_acl_bit(const char *word)
{
    for (unsigned i = 0; i < RDB_ACL_KIND_COUNT; i++)
        if (strcasecmp(word, WORDS[i]) == 0)
            return UINT32_C(1) << i;
    return strcasecmp(word, "TEMP") == 0 ? RDB_ACL_CREATE_TEMP : 0;
}

uint32_t rdb_acl_all(rdb_acl_kind kind)
{
    switch (kind) {
    case 'c':
        return RDB_ACL_INSERT | RDB_ACL_SELECT | RDB_ACL_UPDATE | RDB_ACL_REFERENCES;
    case 'r':
        return RDB_ACL_INSERT | RDB_ACL_SELECT | RDB_ACL_UPDATE | RDB_ACL_DELETE | RDB_ACL_TRUNCATE | RDB_ACL_REFERENCES | RDB_ACL_TRIGGER;
    case 's':
        return RDB_ACL_USAGE | RDB_ACL_SELECT | RDB_ACL_UPDATE;
    case 'd':
        return RDB_ACL_CREATE | RDB_ACL_CREATE_TEMP | RDB_ACL_CONNECT;
    case 'f':
        return RDB_ACL_EXECUTE;
    case 'n':
        return RDB_ACL_USAGE | RDB_ACL_CREATE;
    case 't':
        return RDB_ACL_CREATE;
    case 'L':
        return RDB_ACL_SELECT | RDB_ACL_UPDATE;
    default: /* languages, types, foreign things */
        return RDB_ACL_USAGE;
    }
}

static uint32_t public_bits(rdb_acl_kind kind)
{
    switch (kind) {
    case 'd':
        return RDB_ACL_CREATE_TEMP | RDB_ACL_CONNECT;
    case 'f':
        return RDB_ACL_EXECUTE;
    case 'l':
    case 'T':
        return RDB_ACL_USAGE;
    default:
        return 0;
    }
}

rdb_acl rdb_acl_default(rdb_arena *arena, rdb_acl_kind kind, uint32_t owner)
{
    rdb_acl acl = {.is_set = true};
    rdb_acl_item *items = RDB_NEW_ARRAY(arena, rdb_acl_item, 2);
    if (public_bits(kind) != 0)
        items[acl.count++] = (rdb_acl_item){RDB_ACL_PUBLIC, owner, public_bits(kind)};
    if (kind != 'c')
        items[acl.count++] = (rdb_acl_item){owner, owner, rdb_acl_all(kind)};
    acl.items = items;
    return acl;
}

bool rdb_acl_read(rdb_arena *arena, rdb_datum value, bool is_null, rdb_acl *acl, rdb_error *err)
{
    rdb_array_shape shape;
    *acl = (rdb_acl){.is_set = !is_null};
    if (is_null)
        return true;
    rdb_array_get_shape(value, &shape);
    rdb_acl_item *items = RDB_NEW_ARRAY(arena, rdb_acl_item, shape.count + 1);
    for (uint32_t i = 0; i < shape.count; i++) {
        rdb_datum item;
        if (!rdb_array_get(value, i, &item) || item.bytes.length != sizeof *items)
            return rdb_error_set(err, RDB_DATA_CORRUPTED, "list of privileges is broken");
        memcpy(&items[acl->count++], item.bytes.data, sizeof *items);
    }
    acl->items = items;
    return true;
}

bool rdb_acl_write(rdb_arena *arena, const rdb_acl *acl, rdb_datum *value, rdb_error *err)
{
    rdb_call call = {.arena = arena, .err = err, .format = rdb_format_default()};
    rdb_datum *values = RDB_NEW_ARRAY(arena, rdb_datum, acl->count + 1);
    bool *nulls = RDB_NEW_ARRAY(arena, bool, acl->count + 1);
    for (uint32_t i = 0; i < acl->count; i++)
        values[i].bytes = (rdb_bytes){.data = (const uint8_t *)&acl->items[i], .length = sizeof acl->items[i]};
    return rdb_array_build(&call, objects_type_get(RDB_ACLITEMOID), values, nulls, acl->count, value);
}

/* ---- changes ----------------------------------------------------------------------------------------------------------------- */
#define OPTIONS_OF(bits) ((bits) >> 16)

static void add_item(rdb_acl_item *items, uint32_t *count, uint32_t grantee, uint32_t grantor, uint32_t add, uint32_t take)
{
    uint32_t at = 0;
    while (at < *count && (items[at].grantee != grantee || items[at].grantor != grantor))
        at++;
    if (at == *count)
        items[(*count)++] = (rdb_acl_item){grantee, grantor, 0};
    items[at].bits = (items[at].bits | add) & ~take;
    if (items[at].bits == 0)
        items[at] = items[--*count];
    /* A gap is filled by the last one; the order of the others stays as it was made. */
}

/* Grant options that a role holds itself, the owner all of them. */
static uint32_t own_options(const rdb_acl_item *items, uint32_t count, uint32_t role, uint32_t owner)
{
    uint32_t options = 0;
    if (role == owner)
        return UINT32_C(0xFFFF);
    for (uint32_t i = 0; i < count; i++)
        if (items[i].grantee == role)
            options |= OPTIONS_OF(items[i].bits);
    return options;
}

/* What stands on a grant option that is gone goes too, or the change is refused. */
static bool revoke_dependents(rdb_acl_item *items, uint32_t *count, uint32_t grantee, uint32_t lost, uint32_t owner, bool cascade, rdb_error *err)
{
    if (grantee == owner)
        return true;
    lost &= ~own_options(items, *count, grantee, owner);
    for (uint32_t i = 0; lost != 0 && i < *count;) {
        if (items[i].grantor != grantee || (items[i].bits & 0xFFFF & lost) == 0) {
            i++;
            continue;
        }
        if (!cascade) {
            rdb_error_set(err, RDB_DEPENDENT_OBJECTS_STILL_EXIST, "dependent privileges exist");
            return rdb_error_hint(err, "Use CASCADE to revoke them too.");
        }
        const rdb_acl_item gone = items[i];
        const uint32_t bits = gone.bits & (lost | lost << 16);
        add_item(items, count, gone.grantee, gone.grantor, 0, bits);
        if (!revoke_dependents(items, count, gone.grantee, OPTIONS_OF(bits), owner, cascade, err))
            return false;
        i = 0;
    }
    return true;
}

bool rdb_acl_update(rdb_access *access, rdb_arena *arena, const rdb_acl *acl, const rdb_acl_item *change, bool is_grant, bool cascade, uint32_t owner,
                    rdb_acl *changed, rdb_error *err)
{
    (void)access;
    rdb_acl_item *items = RDB_NEW_ARRAY(arena, rdb_acl_item, acl->count + 2);
    uint32_t count = acl->count;
    if (count > 0)
        memcpy(items, acl->items, count * sizeof *items);
    const uint32_t before = own_options(items, count, change->grantee, owner);
    if (is_grant) {
        /* No circle: the grantee must not be who the grantor has the option from. */
        if (OPTIONS_OF(change->bits) != 0 && change->grantor != owner && change->grantee != 0) {
            if (change->grantee == owner)
                return rdb_error_set(err, RDB_INVALID_GRANT_OPERATION, "grant options cannot be granted back to your own grantor");
            rdb_acl_item *trial = rdb_arena_memdup(arena, items, (count + 1) * sizeof *items);
            uint32_t trial_count = count;
            bool again = true;
            while (again) {
                again = false;
                for (uint32_t i = 0; i < trial_count && !again; i++)
                    if (trial[i].grantee == change->grantee && OPTIONS_OF(trial[i].bits) != 0) {
                        const rdb_acl_item gone = trial[i];
                        add_item(trial, &trial_count, gone.grantee, gone.grantor, 0, gone.bits & 0xFFFF0000);
                        if (!revoke_dependents(trial, &trial_count, gone.grantee, OPTIONS_OF(gone.bits), owner, true, err))
                            return false;
                        again = true;
                    }
            }
            if (OPTIONS_OF(change->bits) & ~own_options(trial, trial_count, change->grantor, owner))
                return rdb_error_set(err, RDB_INVALID_GRANT_OPERATION, "grant options cannot be granted back to your own grantor");
        }
        add_item(items, &count, change->grantee, change->grantor, change->bits, 0);
    } else {
        /* A privilege goes with its option. */
        add_item(items, &count, change->grantee, change->grantor, 0, change->bits | (change->bits & 0xFFFF) << 16);
        const uint32_t lost = before & ~own_options(items, count, change->grantee, owner);
        if (!revoke_dependents(items, &count, change->grantee, lost, owner, cascade, err))
            return false;
    }
    *changed = (rdb_acl){items, count, true};
    return true;
}

/* ---- roles ---------------------------------------------------------------------------------------------------------------------- */
enum { INDEX_ROLE_BY_OID = 2677, INDEX_MEMBERS_OF_MEMBER = 2695 };

static bool fill_role(rdb_access *access, const rdb_catalog_row *row, rdb_role *role, rdb_error *err)
{
    bool found;
    char name[RDB_NAMEDATALEN];
    row_name(row, RDB_pg_authid_rolname, name);
    return rdb_role_find_within(access, name, role, &found, err);
}

bool rdb_role_get(rdb_access *access, uint32_t oid, rdb_role *role, bool *found, rdb_error *err)
{
    rdb_catalog_row row;
    const rdb_datum key = datum_oid(oid);
    *role = (rdb_role){0};
    return catalog_find_row(access, RDB_PG_AUTHID, INDEX_ROLE_BY_OID, &key, 1, access->arena, &row, found, err) && (!*found || fill_role(access, &row, role, err));
}

bool rdb_role_is_superuser(rdb_access *access, uint32_t role, bool *is_superuser, rdb_error *err)
{
    rdb_catalog_row row;
    bool found;
    const rdb_datum key = datum_oid(role);
    *is_superuser = role == RDB_ROLE_ADMIN_OID || role == 0; /* 0: the system itself */
    if (*is_superuser)
        return true;
    if (access->superuser_known && access->superuser_role == role) {
        *is_superuser = access->superuser;
        return true;
    }
    if (!catalog_find_row(access, RDB_PG_AUTHID, INDEX_ROLE_BY_OID, &key, 1, access->arena, &row, &found, err))
        return false;
    *is_superuser = found && row_bool(&row, RDB_pg_authid_rolsuper);
    access->superuser_known = true;
    access->superuser_role = role;
    access->superuser = *is_superuser;
    return true;
}

/* The owner of this database is in pg_database_owner without a row that says so. */
static bool database_owner(rdb_access *access, uint32_t *owner, rdb_error *err)
{
    rdb_catalog_row row;
    bool found;
    const rdb_datum key = datum_oid(rdb_database_oid(access->context.database));
    *owner = 0;
    if (!catalog_find_row(access, RDB_PG_DATABASE, 2672, &key, 1, access->arena, &row, &found, err))
        return false;
    if (found)
        *owner = row_oid(&row, RDB_pg_database_datdba);
    return true;
}

typedef struct role_search {
    uint32_t *roles;
    uint32_t count, capacity;
} role_search;

static bool note_role(rdb_access *access, role_search *s, uint32_t role, rdb_error *err)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (s->roles[i] == role)
            return true;
    if (s->count == s->capacity) {
        const uint32_t capacity = s->capacity * 2 + 8;
        s->roles = rdb_arena_try_grow(access->arena, s->roles, s->capacity * sizeof *s->roles, capacity * sizeof *s->roles, err);
        if (s->roles == NULL)
            return false;
        s->capacity = capacity;
    }
    s->roles[s->count++] = role;
    return true;
}

/* Every role that member is in, breadth first. inherits_only: a role that does not inherit passes nothing on. admin_of: stop where
 * that role is held with ADMIN OPTION. */
static bool roles_of(rdb_access *access, uint32_t member, bool inherits_only, uint32_t admin_of, bool *is_admin, role_search *s, rdb_error *err)
{
    uint32_t owner;
    if (is_admin != NULL)
        *is_admin = false;
    if (!database_owner(access, &owner, err) || !note_role(access, s, member, err))
        return false;
    for (uint32_t i = 0; i < s->count; i++) {
        rdb_catalog_scan *scan;
        rdb_catalog_row row;
        bool found = true, ok = true, inherits = true;
        const uint32_t from = s->roles[i];
        const rdb_datum key = datum_oid(from);
        if (inherits_only) {
            if (!catalog_find_row(access, RDB_PG_AUTHID, INDEX_ROLE_BY_OID, &key, 1, access->arena, &row, &found, err))
                return false;
            inherits = found && row_bool(&row, RDB_pg_authid_rolinherit);
        }
        if (!inherits)
            continue;
        if (from == owner && !note_role(access, s, RDB_ROLE_DATABASE_OWNER, err))
            return false;
        if (!rdb_catalog_scan_open(&scan, access, RDB_PG_AUTH_MEMBERS, INDEX_MEMBERS_OF_MEMBER, &key, 1, access->arena, err))
            return false;
        found = true;
        while (ok && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) {
            const uint32_t role = row_oid(&row, RDB_pg_auth_members_roleid);
            if (is_admin != NULL && role == admin_of && row_bool(&row, RDB_pg_auth_members_admin_option))
                *is_admin = true;
            ok = note_role(access, s, role, err);
        }
        rdb_catalog_scan_close(&scan);
        if (!ok)
            return false;
    }
    return true;
}

static bool contains(const role_search *s, uint32_t role)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (s->roles[i] == role)
            return true;
    return false;
}

/* The roles whose privileges member has: remembered by the access, which is as old as its statement's plan. */
static bool privileges_of(rdb_access *access, uint32_t member, const role_search **roles, role_search *scratch, rdb_error *err)
{
    if (access->privileged_roles != NULL && access->privileged_member == member && access->privileged_generation == access->generation) {
        *scratch = (role_search){access->privileged_roles, access->privileged_count, access->privileged_count};
        *roles = scratch;
        return true;
    }
    *scratch = (role_search){0};
    if (!roles_of(access, member, true, 0, NULL, scratch, err))
        return false;
    access->privileged_roles = scratch->roles;
    access->privileged_count = scratch->count;
    access->privileged_member = member;
    access->privileged_generation = access->generation;
    *roles = scratch;
    return true;
}

bool rdb_role_has_privileges_of(rdb_access *access, uint32_t member, uint32_t role, bool *has, rdb_error *err)
{
    role_search scratch;
    const role_search *roles;
    *has = member == role;
    if (*has)
        return true;
    if (!rdb_role_is_superuser(access, member, has, err) || (!*has && !privileges_of(access, member, &roles, &scratch, err)))
        return false;
    *has = *has || contains(roles, role);
    return true;
}

bool rdb_role_is_member_of(rdb_access *access, uint32_t member, uint32_t role, bool *is_member, rdb_error *err)
{
    role_search s = {0};
    *is_member = member == role;
    if (*is_member)
        return true;
    if (!rdb_role_is_superuser(access, member, is_member, err) || (!*is_member && !roles_of(access, member, false, 0, NULL, &s, err)))
        return false;
    *is_member = *is_member || contains(&s, role);
    return true;
}

bool rdb_role_is_admin_of(rdb_access *access, uint32_t member, uint32_t role, bool *is_admin, rdb_error *err)
{
    role_search s = {0};
    if (!rdb_role_is_superuser(access, member, is_admin, err) || *is_admin)
        return *is_admin;
    return roles_of(access, member, false, role, is_admin, &s, err);
}

/* ---- questions --------------------------------------------------------------------------------------------------------------------- */
bool rdb_acl_is_owner(rdb_access *access, uint32_t role, uint32_t owner, bool *is_owner, rdb_error *err)
{
    return rdb_role_has_privileges_of(access, role, owner, is_owner, err);
}

bool rdb_acl_mask(rdb_access *access, const rdb_acl *acl, rdb_acl_kind kind, uint32_t role, uint32_t owner, uint32_t asked, bool any, uint32_t *got, rdb_error *err)
{
    role_search scratch;
    const role_search *roles = NULL;
    const rdb_acl standard = rdb_acl_default(access->arena, kind, owner);
    *got = 0;
    if (asked == 0)
        return true;
    if (!acl->is_set)
        acl = &standard;
    /* The owner always has all grant options. */
    if ((asked & 0xFFFF0000) != 0 && role != RDB_ACL_PUBLIC) {
        bool is_owner;
        if (!rdb_acl_is_owner(access, role, owner, &is_owner, err))
            return false;
        if (is_owner)
            *got |= asked & 0xFFFF0000;
    }
    for (uint32_t i = 0; i < acl->count; i++)
        if (acl->items[i].grantee == RDB_ACL_PUBLIC || acl->items[i].grantee == role)
            *got |= acl->items[i].bits & asked;
    if (*got == asked || (any && *got != 0))
        return true;
    if (role == RDB_ACL_PUBLIC)
        return true;
    if (!privileges_of(access, role, &roles, &scratch, err))
        return false;
    for (uint32_t i = 0; i < acl->count; i++)
        if (acl->items[i].grantee != RDB_ACL_PUBLIC && acl->items[i].grantee != role && contains(roles, acl->items[i].grantee))
            *got |= acl->items[i].bits & asked;
    return true;
}

/* ---- objects ------------------------------------------------------------------------------------------------------------------------- */
static const struct acl_place {
    rdb_acl_kind kind;
    uint32_t catalog_oid, index_oid;
    int name, owner, acl;
    const char *word;
} PLACES[] = {
    {'r', RDB_PG_CLASS, 2662, RDB_pg_class_relname, RDB_pg_class_relowner, RDB_pg_class_relacl, "table"},
    {'s', RDB_PG_CLASS, 2662, RDB_pg_class_relname, RDB_pg_class_relowner, RDB_pg_class_relacl, "sequence"},
    {'d', RDB_PG_DATABASE, 2672, RDB_pg_database_datname, RDB_pg_database_datdba, RDB_pg_database_datacl, "database"},
    {'f', RDB_PG_PROC, 2690, RDB_pg_proc_proname, RDB_pg_proc_proowner, RDB_pg_proc_proacl, "function"},
    {'L', 2995, 2996, 0, RDB_pg_largeobject_metadata_lomowner, RDB_pg_largeobject_metadata_lomacl, "large object"},
    {'l', 2612, 2682, RDB_pg_language_lanname, RDB_pg_language_lanowner, RDB_pg_language_lanacl, "language"},
    {'n', RDB_PG_NAMESPACE, 2685, RDB_pg_namespace_nspname, RDB_pg_namespace_nspowner, RDB_pg_namespace_nspacl, "schema"},
    {'T', RDB_PG_TYPE, 2703, RDB_pg_type_typname, RDB_pg_type_typowner, RDB_pg_type_typacl, "type"},
    {'t', RDB_PG_TABLESPACE, 2697, RDB_pg_tablespace_spcname, RDB_pg_tablespace_spcowner, RDB_pg_tablespace_spcacl, "tablespace"},
};

static const struct acl_place *place_of(rdb_acl_kind kind)
{
    for (size_t i = 0; i < RDB_COUNT_OF(PLACES); i++)
        if (PLACES[i].kind == (kind == 'c' ? 'r' : kind))
            return &PLACES[i];
    return NULL;
}

/* Catalogs that only administrators read; every other one of pg_catalog is open to all. */
static bool is_secret(uint32_t relation_oid)
{
    static const uint32_t secrets[] = {RDB_PG_AUTHID, RDB_PG_STATISTIC, 2613 /* pg_largeobject */, 1418 /* pg_user_mapping */, 3429 /* pg_statistic_ext_data */};
    for (size_t i = 0; i < RDB_COUNT_OF(secrets); i++)
        if (secrets[i] == relation_oid)
            return true;
    return false;
}

bool rdb_acl_get_object(rdb_access *access, rdb_arena *arena, rdb_acl_kind kind, uint32_t oid, int16_t column, rdb_acl_object *object, bool *found, rdb_error *err)
{
    const struct acl_place *place = place_of(kind);
    rdb_catalog_row row;
    const rdb_datum key = datum_oid(oid);
    *object = (rdb_acl_object){.kind = kind, .oid = oid, .column = column};
    *found = false;
    if (place == NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "privileges on this kind of object are not supported yet");
    if (!catalog_find_row(access, place->catalog_oid, place->index_oid, &key, 1, arena, &row, found, err) || !*found)
        return !rdb_error_is_set(err);
    object->catalog_oid = place->catalog_oid;
    if (place->name != 0)
        row_name(&row, place->name, object->name);
    else
        snprintf(object->name, sizeof object->name, "%u", oid);
    object->owner = row_oid(&row, place->owner);
    if (kind == 'f')
        object->relation_kind = row_char(&row, RDB_pg_proc_prokind);
    if (kind == 'r' || kind == 's' || kind == 'c') {
        object->relation_kind = row_char(&row, RDB_pg_class_relkind);
        if (kind == 'r' && object->relation_kind == 'S')
            object->kind = 's';
    }
    if (kind == 'c') {
        const rdb_datum keys[] = {key, datum_int16(column)};
        object->catalog_oid = RDB_PG_ATTRIBUTE;
        if (!catalog_find_row(access, RDB_PG_ATTRIBUTE, 2659, keys, 2, arena, &row, found, err) || !*found)
            return !rdb_error_is_set(err);
        return rdb_acl_read(arena, row.values[RDB_pg_attribute_attacl - 1], row.is_null[RDB_pg_attribute_attacl - 1], &object->acl, err);
    }
    if (!rdb_acl_read(arena, row.values[place->acl - 1], row.is_null[place->acl - 1], &object->acl, err))
        return false;
    /* What PostgreSQL's setup grants to everyone. */
    if (!object->acl.is_set && kind == 'r' && oid < RDB_FIRST_NORMAL_OID && !is_secret(oid)) {
        rdb_acl_item *items = RDB_NEW_ARRAY(arena, rdb_acl_item, 2);
        items[0] = (rdb_acl_item){object->owner, object->owner, rdb_acl_all('r')};
        items[1] = (rdb_acl_item){RDB_ACL_PUBLIC, object->owner, RDB_ACL_SELECT};
        object->acl = (rdb_acl){items, 2, true};
    } else if (!object->acl.is_set && kind == 'n' && (oid == RDB_NAMESPACE_PG_CATALOG || oid == RDB_NAMESPACE_PUBLIC || strcmp(object->name, "information_schema") == 0)) {
        rdb_acl_item *items = RDB_NEW_ARRAY(arena, rdb_acl_item, 2);
        items[0] = (rdb_acl_item){object->owner, object->owner, rdb_acl_all('n')};
        items[1] = (rdb_acl_item){RDB_ACL_PUBLIC, object->owner, RDB_ACL_USAGE};
        object->acl = (rdb_acl){items, 2, true};
    }
    return true;
}

static void mark_restricted(rdb_database *database, uint32_t oid)
{
    atomic_fetch_or_explicit(&database->restricted[oid / 64], UINT64_C(1) << (oid % 64), memory_order_relaxed);
}

static bool note_restricted(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    (void)context, (void)catalog_oid, (void)err;
    if (row_oid(row, RDB_pg_proc_oid) < RDB_FIRST_NORMAL_OID && !row->is_null[RDB_pg_proc_proacl - 1])
        mark_restricted(access->context.database, row_oid(row, RDB_pg_proc_oid));
    return true;
}

bool rdb_acl_is_restricted(rdb_access *access, const rdb_function *function, bool *is_restricted, rdb_error *err)
{
    rdb_database *database = access->context.database;
    *is_restricted = function->has_acl;
    if (function->oid >= RDB_FIRST_NORMAL_OID || access->context.role_oid == 0)
        return true;
    if (!atomic_load_explicit(&database->knows_restricted, memory_order_acquire)) { /* at first; two threads may both do it */
        if (!visit_rows(access, RDB_PG_PROC, 0, NULL, 0, note_restricted, NULL, err))
            return false;
        atomic_store_explicit(&database->knows_restricted, true, memory_order_release);
    }
    *is_restricted = (atomic_load_explicit(&database->restricted[function->oid / 64], memory_order_relaxed) & (UINT64_C(1) << (function->oid % 64))) != 0;
    return true;
}

bool rdb_acl_set_object(rdb_access *access, const rdb_acl_object *object, const rdb_acl *acl, rdb_error *err)
{
    const struct acl_place *place = place_of(object->kind);
    rdb_arena *arena = rdb_arena_create("acl", NULL, NULL);
    rdb_catalog_row row;
    bool found = false;
    const rdb_datum keys[] = {datum_oid(object->oid), datum_int16(object->column)};
    const bool is_column = object->kind == 'c';
    const uint32_t catalog_oid = is_column ? RDB_PG_ATTRIBUTE : place->catalog_oid;
    const int column = is_column ? RDB_pg_attribute_attacl : place->acl;
    bool ok = arena != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (object->kind == 'f' && object->oid < RDB_FIRST_NORMAL_OID)
        mark_restricted(access->context.database, object->oid);
    ok = ok && catalog_find_row(access, catalog_oid, is_column ? 2659 : place->index_oid, keys, is_column ? 2 : 1, arena, &row, &found, err);
    if (ok && !found)
        ok = rdb_error_set(err, RDB_INTERNAL_ERROR, "object %u vanished while its privileges changed", object->oid);
    if (ok) {
        row.is_null[column - 1] = !acl->is_set || (is_column && acl->count == 0);
        ok = row.is_null[column - 1] || rdb_acl_write(arena, acl, &row.values[column - 1], err);
        ok = ok && rdb_catalog_update(access, catalog_oid, &row, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_acl_object_mask(rdb_access *access, const rdb_acl_object *object, uint32_t role, uint32_t asked, bool any, uint32_t *got, rdb_error *err)
{
    bool is_superuser;
    *got = asked;
    if (!rdb_role_is_superuser(access, role, &is_superuser, err))
        return false;
    if (is_superuser)
        return true;
    /* System tables are written by superusers alone, whatever was granted. */
    const uint32_t written = RDB_ACL_INSERT | RDB_ACL_UPDATE | RDB_ACL_DELETE | RDB_ACL_TRUNCATE | RDB_ACL_USAGE;
    const uint32_t all_asked = asked;
    if (object->kind == 'r' && object->oid < RDB_FIRST_NORMAL_OID && object->relation_kind != 'v')
        asked &= ~written;
    if (!rdb_acl_mask(access, &object->acl, object->kind, role, object->owner, asked, any, got, err))
        return false;
    /* Predefined roles that read or write everything. */
    if ((object->kind == 'r' || object->kind == 's') && (asked & ~*got & RDB_ACL_SELECT)) {
        bool has;
        if (!rdb_role_has_privileges_of(access, role, RDB_ROLE_READ_ALL_DATA, &has, err))
            return false;
        if (has)
            *got |= RDB_ACL_SELECT;
    }
    if ((object->kind == 'r' || object->kind == 's') && (asked & ~*got & (RDB_ACL_INSERT | RDB_ACL_UPDATE | RDB_ACL_DELETE))) {
        bool has;
        if (!rdb_role_has_privileges_of(access, role, RDB_ROLE_WRITE_ALL_DATA, &has, err))
            return false;
        if (has)
            *got |= asked & (RDB_ACL_INSERT | RDB_ACL_UPDATE | RDB_ACL_DELETE);
    }
    if (object->kind == 'n' && (asked & ~*got & RDB_ACL_USAGE)) {
        bool reads, writes;
        if (!rdb_role_has_privileges_of(access, role, RDB_ROLE_READ_ALL_DATA, &reads, err) ||
            !rdb_role_has_privileges_of(access, role, RDB_ROLE_WRITE_ALL_DATA, &writes, err))
            return false;
        if (reads || writes)
            *got |= RDB_ACL_USAGE;
    }
    *got &= all_asked;
    return true;
}

bool rdb_acl_denied(const rdb_acl_object *object, rdb_error *err)
{
    const struct acl_place *place = place_of(object->kind);
    const char *word = place != NULL ? place->word : "object";
    if (object->kind == 'f')
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied for %s %s", object->relation_kind == 'p' ? "procedure" : object->relation_kind == 'a' ? "aggregate" : word, object->name);
    switch (object->relation_kind) {
    case 'v':
        word = "view";
        break;
    case 'm':
        word = "materialized view";
        break;
    case 'S':
        word = "sequence";
        break;
    case 'i':
        word = "index";
        break;
    case 'f':
        word = "foreign table";
        break;
    default:
        break;
    }
    return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied for %s %s", word, object->name);
}

bool rdb_acl_check(rdb_access *access, rdb_acl_kind kind, uint32_t oid, uint32_t role, uint32_t asked, rdb_error *err)
{
    rdb_acl_object object;
    bool found, is_superuser;
    uint32_t got;
    if (!rdb_role_is_superuser(access, role, &is_superuser, err))
        return false;
    if (is_superuser || (kind == 'n' && oid == RDB_NAMESPACE_PG_CATALOG && asked == RDB_ACL_USAGE) || (kind == 'n' && oid != 0 && oid == access->context.temp_namespace_oid))
        return true;
    if (!rdb_acl_get_object(access, access->arena, kind, oid, 0, &object, &found, err))
        return false;
    if (!found)
        return true;
    return rdb_acl_object_mask(access, &object, role, asked, false, &got, err) && (got == asked || rdb_acl_denied(&object, err));
}

/* ---- relations under queries ------------------------------------------------------------------------------------------------------------ */
enum { COLUMN_SHIFT = 7 };

static bool has_column_bit(rdb_access *access, const rdb_relation *relation, int16_t column, uint32_t role, uint32_t bit, bool *has, rdb_error *err)
{
    rdb_acl_object object;
    bool found;
    uint32_t got;
    *has = false;
    if (!rdb_acl_get_object(access, access->arena, 'c', relation->oid, column, &object, &found, err))
        return false;
    if (!found || !object.acl.is_set)
        return true;
    if (!rdb_acl_mask(access, &object.acl, 'c', role, relation->owner_oid, bit, false, &got, err))
        return false;
    *has = got == bit;
    return true;
}

/* Does the role have the bit on each of the columns (none named: on any one)? */
static bool check_columns(rdb_access *access, const rdb_relation *relation, const uint64_t *columns, uint32_t role, uint32_t bit, bool *allowed, rdb_error *err)
{
    const uint32_t limit = relation->column_count + COLUMN_SHIFT;
    bool any_named = false, has;
    *allowed = false;
    for (uint32_t at = 0; columns != NULL && at <= limit; at++) {
        if ((columns[at / 64] & (UINT64_C(1) << (at % 64))) == 0)
            continue;
        any_named = true;
        const int16_t number = (int16_t)((int32_t)at - COLUMN_SHIFT);
        if (number == 0) { /* the whole row: every column */
            for (uint16_t i = 0; i < relation->column_count; i++) {
                if (relation->columns[i].is_dropped)
                    continue;
                if (!has_column_bit(access, relation, (int16_t)(i + 1), role, bit, &has, err))
                    return false;
                if (!has)
                    return true;
            }
            continue;
        }
        if (!has_column_bit(access, relation, number, role, bit, &has, err))
            return false;
        if (!has)
            return true;
    }
    for (uint16_t i = 0; !any_named && i < relation->column_count; i++) {
        if (relation->columns[i].is_dropped)
            continue;
        if (!has_column_bit(access, relation, (int16_t)(i + 1), role, bit, &has, err))
            return false;
        if (has)
            any_named = true;
        if (i + 1 == relation->column_count && !any_named)
            return true;
    }
    *allowed = any_named;
    return true;
}

bool rdb_acl_check_relation(rdb_access *access, const rdb_relation *relation, uint32_t role, uint32_t required, const uint64_t *selected, const uint64_t *inserted,
                            const uint64_t *updated, rdb_error *err)
{
    rdb_acl_object object;
    bool is_superuser, found;
    uint32_t got;
    if (required == 0)
        return true;
    if (!rdb_role_is_superuser(access, role, &is_superuser, err))
        return false;
    if (is_superuser || (role == relation->owner_oid && !relation->has_acl))
        return true;
    if (!rdb_acl_get_object(access, access->arena, 'r', relation->oid, 0, &object, &found, err))
        return false;
    if (!found)
        return true;
    if (!rdb_acl_object_mask(access, &object, role, required, false, &got, err))
        return false;
    uint32_t missing = required & ~got;
    const struct { uint32_t bit; const uint64_t *columns; } by_column[] = {{RDB_ACL_SELECT, selected}, {RDB_ACL_INSERT, inserted}, {RDB_ACL_UPDATE, updated}};
    for (size_t i = 0; i < RDB_COUNT_OF(by_column) && missing != 0; i++) {
        bool allowed;
        if (!(missing & by_column[i].bit))
            continue;
        if (!check_columns(access, relation, by_column[i].columns, role, by_column[i].bit, &allowed, err))
            return false;
        if (!allowed)
            break;
        missing &= ~by_column[i].bit;
    }
    return missing == 0 || rdb_acl_denied(&object, err);
}

/* ---- what may be shown -------------------------------------------------------------------------------------------------------------------- */
bool rdb_row_security_applies(rdb_access *access, const rdb_relation *relation, uint32_t role_oid, bool *applies, bool *is_owner, rdb_error *err)
{
    bool found = false;
    rdb_role role;
    *applies = *is_owner = false;
    if (!relation->has_row_security)
        return true;
    if (!rdb_role_get(access, role_oid, &role, &found, err))
        return false;
    if (!found || role.is_superuser || role.bypasses_rls)
        return true;
    if (!rdb_acl_is_owner(access, role_oid, relation->owner_oid, is_owner, err))
        return false;
    *applies = !*is_owner || relation->forces_row_security;
    return true;
}

bool rdb_acl_shown_columns(rdb_access *access, rdb_arena *arena, const rdb_relation *relation, uint32_t role, uint64_t **columns, bool *has_policies, rdb_error *err)
{
    rdb_acl_object object;
    bool is_it = false, found = false;
    uint32_t got = 0;
    *columns = NULL;
    *has_policies = false;
    if (!rdb_role_is_superuser(access, role, &is_it, err))
        return false;
    if (is_it || (role == relation->owner_oid && !relation->has_acl && !relation->forces_row_security))
        return true;
    if (!rdb_row_security_applies(access, relation, role, has_policies, &is_it, err))
        return false;
    if (!*has_policies) {
        if (!rdb_acl_get_object(access, arena, 'r', relation->oid, 0, &object, &found, err) ||
            (found && !rdb_acl_object_mask(access, &object, role, RDB_ACL_SELECT, false, &got, err)))
            return false;
        if (got != 0)
            return true;
    }
    *columns = RDB_NEW_ARRAY(arena, uint64_t, (relation->column_count + (uint32_t)COLUMN_SHIFT) / 64 + 1);
    for (uint16_t i = 0; !*has_policies && i < relation->column_count; i++) {
        const uint32_t bit = i + 1u + COLUMN_SHIFT;
        if (relation->columns[i].is_dropped)
            continue;
        if (!has_column_bit(access, relation, (int16_t)(i + 1), role, RDB_ACL_SELECT, &is_it, err))
            return false;
        if (is_it)
            (*columns)[bit / 64] |= UINT64_C(1) << (bit % 64);
    }
    return rdb_arena_check(arena, err);
}
