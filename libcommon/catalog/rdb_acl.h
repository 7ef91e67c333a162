/* SPDX-License-Identifier: Apache-2.0
 * Who may do what: lists of grants (aclitem[]), the roles a role is a member of, and the questions that statements ask. A list
 * that is not there (null) means the kind's standard: the owner may do all, everyone what PostgreSQL gives to PUBLIC. */
#ifndef RDB_ACL_H
#define RDB_ACL_H

#include "catalog/rdb_ddl.h"

/* PostgreSQL's bits; the grant option of each lies 16 bits higher. */
enum {
    RDB_ACL_INSERT = 1 << 0, RDB_ACL_SELECT = 1 << 1, RDB_ACL_UPDATE = 1 << 2, RDB_ACL_DELETE = 1 << 3, RDB_ACL_TRUNCATE = 1 << 4,
    RDB_ACL_REFERENCES = 1 << 5, RDB_ACL_TRIGGER = 1 << 6, RDB_ACL_EXECUTE = 1 << 7, RDB_ACL_USAGE = 1 << 8, RDB_ACL_CREATE = 1 << 9,
    RDB_ACL_CREATE_TEMP = 1 << 10, RDB_ACL_CONNECT = 1 << 11, RDB_ACL_SET = 1 << 12, RDB_ACL_ALTER_SYSTEM = 1 << 13, RDB_ACL_KIND_COUNT = 14
};
#define RDB_ACL_PUBLIC 0u

/* Predefined roles that questions look at. */
enum {
    RDB_ROLE_MONITOR = 3373, RDB_ROLE_DATABASE_OWNER = 6171, RDB_ROLE_READ_ALL_DATA = 6181, RDB_ROLE_WRITE_ALL_DATA = 6182,
    RDB_ROLE_READ_ALL_SETTINGS = 3374, RDB_ROLE_READ_ALL_STATS = 3375, RDB_ROLE_CHECKPOINT = 4544, RDB_ROLE_SIGNAL_BACKEND = 4200
};

typedef struct rdb_acl_item { /* as type aclitem keeps it */
    uint32_t grantee, grantor, bits;
} rdb_acl_item;
typedef struct rdb_acl {
    const rdb_acl_item *items;
    uint32_t count;
    bool is_set; /* false: the standard one */
} rdb_acl;

/* What kind of object a list is of: c column, r table, s sequence, d database, f function, l language, n schema, T type, t tablespace. */
typedef char rdb_acl_kind;
/* All privileges that the kind has. */
uint32_t rdb_acl_all(rdb_acl_kind kind);
/* The letters and words: 'r' SELECT ... ; NULL: no such bit. */
const char *rdb_acl_word(uint32_t bit);
uint32_t rdb_acl_bit(const char *word); /* 0: unknown; case does not count */
/* The standard list in arena. */
rdb_acl rdb_acl_default(rdb_arena *arena, rdb_acl_kind kind, uint32_t owner);
/* From and to the value of an aclitem[] column. */
RDB_CHECKED bool rdb_acl_read(rdb_arena *arena, rdb_datum value, bool is_null, rdb_acl *acl, rdb_error *err);
RDB_CHECKED bool rdb_acl_write(rdb_arena *arena, const rdb_acl *acl, rdb_datum *value, rdb_error *err);

/* Grants or takes away (bits with their grant options in the high half). cascade: what the grantee granted on goes too, without
 * it 2BP01. *changed: the new list in arena. */
RDB_CHECKED bool rdb_acl_update(rdb_access *access, rdb_arena *arena, const rdb_acl *acl, const rdb_acl_item *change, bool is_grant, bool cascade,
                                uint32_t owner, rdb_acl *changed, rdb_error *err);
/* Which of the asked bits (privileges and grant options) the role has through the list, its own or through its roles. any: one will do. */
RDB_CHECKED bool rdb_acl_mask(rdb_access *access, const rdb_acl *acl, rdb_acl_kind kind, uint32_t role, uint32_t owner, uint32_t asked, bool any,
                              uint32_t *got, rdb_error *err);

/* ---- roles ---- */
RDB_CHECKED bool rdb_role_get(rdb_access *access, uint32_t oid, rdb_role *role, bool *found, rdb_error *err);
RDB_CHECKED bool rdb_role_is_superuser(rdb_access *access, uint32_t role, bool *is_superuser, rdb_error *err);
/* Has the role that one's privileges (INHERIT counts)? Is it a member (SET ROLE), at any distance? With ADMIN OPTION? */
RDB_CHECKED bool rdb_role_has_privileges_of(rdb_access *access, uint32_t member, uint32_t role, bool *has, rdb_error *err);
RDB_CHECKED bool rdb_role_is_member_of(rdb_access *access, uint32_t member, uint32_t role, bool *is_member, rdb_error *err);
RDB_CHECKED bool rdb_role_is_admin_of(rdb_access *access, uint32_t member, uint32_t role, bool *is_admin, rdb_error *err);

/* ---- objects: the catalog, OID and list of everything that has one ---- */
typedef struct rdb_acl_object {
    rdb_acl_kind kind;
    uint32_t catalog_oid, oid;
    int16_t column;        /* c: of the relation oid */
    uint32_t owner;
    char relation_kind;    /* r, s, c: pg_class.relkind */
    char name[RDB_NAMEDATALEN];
    rdb_acl acl;
} rdb_acl_object;
/* Reads owner, name and list; *found false: there is none. kind 'r' and 's' both look at pg_class. */
RDB_CHECKED bool rdb_acl_get_object(rdb_access *access, rdb_arena *arena, rdb_acl_kind kind, uint32_t oid, int16_t column, rdb_acl_object *object, bool *found, rdb_error *err);
RDB_CHECKED bool rdb_acl_set_object(rdb_access *access, const rdb_acl_object *object, const rdb_acl *acl, rdb_error *err);
/* What of asked the role has on it: superusers everything. */
RDB_CHECKED bool rdb_acl_object_mask(rdb_access *access, const rdb_acl_object *object, uint32_t role, uint32_t asked, bool any, uint32_t *got, rdb_error *err);
/* 42501 "permission denied for schema s" unless the role has all of asked. */
RDB_CHECKED bool rdb_acl_check(rdb_access *access, rdb_acl_kind kind, uint32_t oid, uint32_t role, uint32_t asked, rdb_error *err);
/* Might somebody be refused the function? Cheap: built-in functions are asked of a bitmap that knows whose list was ever changed. */
RDB_CHECKED bool rdb_acl_is_restricted(rdb_access *access, const rdb_function *function, bool *is_restricted, rdb_error *err);
/* "permission denied for table t". false. */
bool rdb_acl_denied(const rdb_acl_object *object, rdb_error *err);
/* May the role act as the owner? */
RDB_CHECKED bool rdb_acl_is_owner(rdb_access *access, uint32_t role, uint32_t owner, bool *is_owner, rdb_error *err);

/* Do policies decide what the role sees of the relation? *is_owner: it acts as the owner. */
RDB_CHECKED bool rdb_row_security_applies(rdb_access *access, const rdb_relation *relation, uint32_t role, bool *applies, bool *is_owner, rdb_error *err);
/* The columns whose values a message may show to the role (bits as above, in arena); NULL: all. None where policies decide. */
RDB_CHECKED bool rdb_acl_shown_columns(rdb_access *access, rdb_arena *arena, const rdb_relation *relation, uint32_t role, uint64_t **columns, bool *has_policies, rdb_error *err);

/* ALTER DEFAULT PRIVILEGES (default_acl.c): the list that new objects of a kind (r s f T n) get whose owner the role is, in the schema or (0)
 * anywhere; the standard one where nothing is kept. */
RDB_CHECKED bool rdb_acl_get_default(rdb_access *access, rdb_arena *arena, uint32_t role_oid, uint32_t namespace_oid, rdb_acl_kind kind, rdb_acl *acl, rdb_error *err);
RDB_CHECKED bool rdb_acl_set_default(rdb_access *access, uint32_t role_oid, uint32_t namespace_oid, rdb_acl_kind kind, const rdb_acl *acl, rdb_error *err);

/* ---- what hangs on a role (ownership.c) ---- */
typedef struct rdb_role_object {
    rdb_object_address object;
    char why; /* o it owns it, a a list of privileges names it, r a policy does */
} rdb_role_object;
/* In this database and, with_shared, in the instance's own tables; by number. In arena. */
RDB_CHECKED bool rdb_role_objects(rdb_access *access, uint32_t role_oid, bool with_shared, rdb_arena *arena, rdb_role_object **objects, uint32_t *count, rdb_error *err);
/* Takes the role out of the object's list or policy (why a or r). */
RDB_CHECKED bool rdb_ddl_leave_object(rdb_access *access, const rdb_role_object *object, uint32_t role_oid, rdb_error *err);

/* A relation under a query: required are the bits of the whole relation, the sets of columns (bit attribute number + 7; NULL: none)
 * say which columns are read, inserted, updated where the relation as a whole is not granted. */
RDB_CHECKED bool rdb_acl_check_relation(rdb_access *access, const rdb_relation *relation, uint32_t role, uint32_t required, const uint64_t *selected,
                                        const uint64_t *inserted, const uint64_t *updated, rdb_error *err);

#endif
