/* SPDX-License-Identifier: Apache-2.0
 * Temporary objects: a schema pg_temp_N for each session that makes any. The schema itself is made once, in a transaction of
 * its own, and stays; what is in it goes when its session ends. A session that takes a number after a crash first drops what
 * stands there. What tables do at a commit (ON COMMIT) is remembered here and done just before it. */
#include "catalog/ddl_int.h"

#include <stdlib.h>

typedef struct on_commit {
    uint32_t relation_oid;
    bool drops; /* else its rows go */
} on_commit;

struct rdb_temp_session {
    rdb_catalog *catalog;
    rdb_database *database; /* the session's, which outlives this */
    uint32_t slot;          /* from 1; 0: none taken */
    uint32_t namespace_oid;
    on_commit *actions;
    uint32_t action_count, action_capacity;
};

enum { SLOT_BITS = 64, FIRST_SLOT = 3 }; /* numbers begin where PostgreSQL's sessions begin, so that names look alike */

bool rdb_temp_session_create(rdb_temp_session **session, rdb_catalog *catalog, rdb_database *database, rdb_error *err)
{
    *session = calloc(1, sizeof **session);
    if (*session == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    (*session)->catalog = catalog;
    (*session)->database = database;
    return true;
}

uint32_t temp_namespace_of(const rdb_temp_session *session)
{
    return session != NULL ? session->namespace_oid : 0;
}

/* ---- numbers --------------------------------------------------------------------------------------------------------------- */
static bool take_slot(rdb_database *database, uint32_t *slot, rdb_error *err)
{
    *slot = 0;
    rdb_mutex_lock(&database->lock);
    for (uint32_t i = 0; *slot == 0 && i < RDB_COUNT_OF(database->temp_slots); i++) {
        if (database->temp_slots[i] == UINT64_MAX)
            continue;
        const unsigned bit = (unsigned)__builtin_ctzll(~database->temp_slots[i]);
        database->temp_slots[i] |= UINT64_C(1) << bit;
        *slot = i * SLOT_BITS + bit + 1;
    }
    rdb_mutex_unlock(&database->lock);
    return *slot != 0 || rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "too many sessions with temporary objects");
}

static void give_slot_back(rdb_database *database, uint32_t slot)
{
    rdb_mutex_lock(&database->lock);
    database->temp_slots[(slot - 1) / SLOT_BITS] &= ~(UINT64_C(1) << (slot - 1) % SLOT_BITS);
    rdb_mutex_unlock(&database->lock);
}

/* ---- what is in a schema ------------------------------------------------------------------------------------------------------ */
typedef struct contents {
    rdb_object_address *items;
    uint32_t count, capacity;
} contents;

static bool note_object(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    contents *list = context;
    (void)access;
    (void)catalog_oid;
    if (list->count == list->capacity) {
        const uint32_t larger = list->capacity * 2 + 16;
        rdb_object_address *grown = realloc(list->items, larger * sizeof *grown);
        if (grown == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        list->items = grown;
        list->capacity = larger;
    }
    list->items[list->count++] = (rdb_object_address){row_oid(row, RDB_pg_depend_classid), row_oid(row, RDB_pg_depend_objid), 0};
    return true;
}

static bool drop_contents(rdb_access *access, uint32_t namespace_oid, rdb_error *err)
{
    contents list = {0};
    const rdb_datum keys[] = {datum_oid(RDB_PG_NAMESPACE), datum_oid(namespace_oid)};
    bool ok = visit_rows(access, RDB_PG_DEPEND, INDEX_DEPEND_REFERENCE, keys, 2, note_object, &list, err);
    ok = ok && (list.count == 0 || rdb_ddl_drop(access, list.items, list.count, true, NULL, NULL, err));
    free(list.items);
    return ok;
}

/* ---- the schema ----------------------------------------------------------------------------------------------------------------- */
/* In a transaction of its own. create false: drops what is there, if anything is. */
static bool run_apart(rdb_temp_session *session, bool create, rdb_error *err)
{
    rdb_catalog *catalog = session->catalog;
    rdb_cancel cancel;
    rdb_txn *txn = NULL;
    rdb_access *access = NULL;
    rdb_scn scn;
    char name[RDB_NAMEDATALEN];
    uint32_t oid = session->namespace_oid;
    rdb_cancel_init(&cancel);
    snprintf(name, sizeof name, "pg_temp_%u", session->slot + FIRST_SLOT - 1);
    if (!rdb_txn_begin(catalog->txns, rdb_database_pdb(session->database), RDB_READ_COMMITTED, false, &cancel, &txn, err))
        return false;
    const rdb_access_context context = {.catalog = catalog, .database = session->database, .txn = txn, .role_oid = RDB_ROLE_ADMIN_OID, .search_path = ""};
    bool ok = rdb_access_begin(&access, &context, err);
    if (ok && create)
        ok = rdb_namespace_find(access, name, &oid, err);
    ok = ok && (oid == 0 || drop_contents(access, oid, err));
    if (ok && oid == 0 && create)
        ok = rdb_ddl_create_namespace(access, name, RDB_ROLE_ADMIN_OID, &oid, err);
    rdb_access_end(&access);
    if (!ok) {
        rdb_txn_abort(&txn);
        return false;
    }
    ok = rdb_txn_commit(&txn, RDB_COMMIT_LOCAL, &scn, err);
    if (ok && create)
        session->namespace_oid = oid;
    return ok;
}

bool rdb_temp_namespace_need(rdb_access *access, uint32_t *oid, rdb_error *err)
{
    rdb_temp_session *session = access->context.temp;
    *oid = 0;
    if (session == NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "temporary objects need a session");
    if (session->namespace_oid == 0) {
        if (session->slot == 0 && !take_slot(session->database, &session->slot, err))
            return false;
        if (!run_apart(session, true, err))
            return false;
    }
    *oid = session->namespace_oid;
    if (access->context.temp_namespace_oid != *oid) {
        access->context.temp_namespace_oid = *oid;
        access->path_resolved = false;
    }
    return true;
}

bool rdb_temp_discard(rdb_access *access, rdb_error *err)
{
    const uint32_t oid = temp_namespace_of(access->context.temp);
    return oid == 0 || drop_contents(access, oid, err);
}

void rdb_temp_session_destroy(rdb_temp_session **session_at)
{
    rdb_temp_session *session = *session_at;
    rdb_error err = {0};
    if (session == NULL)
        return;
    if (session->namespace_oid != 0 && !run_apart(session, false, &err))
        rdb_error_clear(&err); /* whoever takes the number next drops them */
    if (session->slot != 0)
        give_slot_back(session->database, session->slot);
    free(session->actions);
    free(session);
    *session_at = NULL;
}

/* ---- ON COMMIT -------------------------------------------------------------------------------------------------------------------- */
bool rdb_temp_on_commit(rdb_access *access, uint32_t relation_oid, bool drops, rdb_error *err)
{
    rdb_temp_session *session = access->context.temp;
    if (session->action_count == session->action_capacity) {
        const uint32_t larger = session->action_capacity * 2 + 8;
        on_commit *grown = realloc(session->actions, larger * sizeof *grown);
        if (grown == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        session->actions = grown;
        session->action_capacity = larger;
    }
    session->actions[session->action_count++] = (on_commit){relation_oid, drops};
    return true;
}

bool rdb_temp_has_actions(const rdb_temp_session *session)
{
    return session != NULL && session->action_count > 0;
}

static bool is_emptied(const rdb_temp_session *session, uint32_t relation_oid)
{
    for (uint32_t i = 0; i < session->action_count; i++)
        if (session->actions[i].relation_oid == relation_oid)
            return true;
    return false;
}

/* Rows that go would leave those that point to them alone. */
static bool check_referrers(rdb_access *access, const rdb_temp_session *session, const rdb_relation *relation, rdb_error *err)
{
    for (uint16_t i = 0; i < relation->referrer_count; i++) {
        const uint32_t other_oid = relation->referrers[i].relation_oid;
        const rdb_relation *other;
        if (other_oid == relation->oid || is_emptied(session, other_oid))
            continue;
        if (!need_relation(access, other_oid, &other, err))
            return false;
        rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "unsupported ON COMMIT and foreign key combination");
        return rdb_error_detail(err, "Table \"%s\" references \"%s\", but they do not have the same ON COMMIT setting.", other->name, relation->name);
    }
    return true;
}

bool rdb_temp_before_commit(rdb_access *access, rdb_error *err)
{
    rdb_temp_session *session = access->context.temp;
    uint32_t kept = 0;
    bool ok = true;
    for (uint32_t i = 0; ok && i < session->action_count; i++) {
        const on_commit action = session->actions[i];
        const rdb_relation *relation = NULL;
        uint64_t blocks = 0;
        ok = rdb_relation_get(access, action.relation_oid, &relation, err);
        if (!ok || relation == NULL)
            continue; /* it was dropped, or its creation undone */
        if (action.drops) {
            const rdb_object_address object = {RDB_PG_CLASS, relation->oid, 0};
            ok = rdb_ddl_drop(access, &object, 1, true, NULL, NULL, err);
            continue;
        }
        session->actions[kept++] = action;
        if (relation->kind == 'p') /* its partitions are told for themselves */
            continue;
        ok = rdb_table_block_count(&relation->table, &blocks, err);
        if (ok && blocks > 1) /* the first block is the file's own */
            ok = check_referrers(access, session, relation, err) && rdb_ddl_new_files(access, relation->oid, true, err);
    }
    if (ok)
        session->action_count = kept;
    return ok;
}
