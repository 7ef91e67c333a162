/* SPDX-License-Identifier: Apache-2.0
 * The catalog of an instance: the root, the open databases, roles by name, numbers for new objects, and making, cloning and
 * dropping databases. */
#include "catalog/bootstrap.h"
#include "catalog/ddl_int.h"

#include <stdlib.h>

enum {
    INDEX_DATABASE_NAME = 2671,
    INDEX_PLUGGABLE_DATABASE = 8013,
    DATABASE_TEMPLATE1 = 1,
    DATABASE_TEMPLATE0 = 4,
    DATABASE_POSTGRES = 5,
    DATABASE_RUSTYDB = 8100,
    FIRST_SYSTEM_OID = 12000
};

/* ---- opening ------------------------------------------------------------------------------------------------------------------ */
bool catalog_make_database(rdb_catalog *catalog, uint32_t pdb, uint32_t oid, const char *name, rdb_database **database, rdb_error *err)
{
    rdb_database *made = calloc(1, sizeof *made);
    *database = NULL;
    if (made == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    made->catalog = catalog;
    made->pdb = pdb;
    made->oid = oid;
    made->references = 1;
    made->epoch = 1;
    snprintf(made->name, sizeof made->name, "%s", name);
    if (!cache_init(made, err) || !system_relations_make(made, err)) {
        cache_deinit(made);
        rdb_arena_destroy(made->system_arena);
        free(made);
        return false;
    }
    *database = made;
    return true;
}

void catalog_free_database(rdb_database *database)
{
    if (database == NULL)
        return;
    cache_deinit(database);
    rdb_arena_destroy(database->system_arena);
    free(database);
}

void rdb_catalog_register_redo(void)
{
    sequence_register_redo();
}

/* Meets what a crash left to revert in the PDB. One that does not exist yet has nothing. */
static bool attach_pdb(rdb_catalog *catalog, uint32_t pdb, rdb_error *err)
{
    return !rdb_storage_file_exists(catalog->storage, pdb, RDB_FILE_NO(RDB_FILE_XACT, 0)) || rdb_undo_attach(catalog->undo, pdb, err);
}

bool rdb_catalog_open(rdb_catalog **catalog, const rdb_catalog_config *config, rdb_error *err)
{
    *catalog = NULL;
    if (!objects_load(err))
        return false;
    rdb_catalog *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    opened->storage = config->storage;
    opened->txns = config->txns;
    opened->undo = config->undo;
    rdb_mutex_init(&opened->lock, RDB_RANK_CATALOG);
    rdb_mutex_init(&opened->overlay_lock, RDB_RANK_LEAF);
    rdb_mutex_init(&opened->counters_lock, RDB_RANK_LEAF);
    if (!attach_pdb(opened, RDB_PDB_ROOT, err) || !catalog_make_database(opened, RDB_PDB_ROOT, 0, "root", &opened->root, err)) {
        rdb_catalog_close(&opened);
        return false;
    }
    cache_register_payload(opened);
    *catalog = opened;
    return true;
}

void rdb_catalog_close(rdb_catalog **catalog)
{
    rdb_catalog *closed = *catalog;
    if (closed == NULL)
        return;
    *catalog = NULL;
    RDB_ASSERT(closed->overlays == NULL);
    cache_register_payload(NULL);
    sequences_close(closed);
    while (closed->databases != NULL) {
        rdb_database *next = closed->databases->next;
        catalog_free_database(closed->databases);
        closed->databases = next;
    }
    catalog_free_database(closed->root);
    counters_free(closed);
    rdb_map_destroy(closed->gates); /* with the descriptors the gates have gone */
    rdb_mutex_deinit(&closed->overlay_lock);
    rdb_mutex_deinit(&closed->lock);
    free(closed);
}

/* An access to the shared tables alone. */
static bool root_access(rdb_catalog *catalog, rdb_access **access, rdb_error *err)
{
    const rdb_access_context context = {.catalog = catalog, .database = catalog->root, .role_oid = RDB_ROLE_ADMIN_OID};
    return rdb_access_begin(access, &context, err);
}

/* ---- databases ---------------------------------------------------------------------------------------------------------------- */
static bool read_database(rdb_access *access, const char *name, database_facts *facts, rdb_catalog_row *row, bool *found, rdb_error *err)
{
    rdb_catalog_row pluggable;
    const rdb_datum key = datum_text(name);
    if (strlen(name) >= RDB_NAMEDATALEN) {
        *found = false;
        return true;
    }
    if (!catalog_find_row(access, RDB_PG_DATABASE, INDEX_DATABASE_NAME, &key, 1, access->arena, row, found, err))
        return false;
    if (!*found)
        return true;
    facts->oid = row_oid(row, RDB_pg_database_oid);
    row_name(row, RDB_pg_database_datname, facts->name);
    facts->is_template = row_bool(row, RDB_pg_database_datistemplate);
    facts->allows_connections = row_bool(row, RDB_pg_database_datallowconn);
    bool has_number;
    const rdb_datum number_key = datum_oid(facts->oid);
    if (!catalog_find_row(access, RDB_PLUGGABLE, INDEX_PLUGGABLE_DATABASE, &number_key, 1, access->arena, &pluggable, &has_number, err))
        return false;
    if (!has_number)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "database \"%s\" has no pluggable database", name);
    facts->pdb = (uint32_t)row_int32(&pluggable, RDB_rdb_pluggable_plgnumber);
    return true;
}

/* The open database of that number, made where it is not open yet. Counted. */
bool catalog_open_pdb(rdb_catalog *catalog, const database_facts *facts, rdb_database **database, rdb_error *err)
{
    rdb_mutex_lock(&catalog->lock);
    rdb_database *found = catalog->databases;
    while (found != NULL && found->pdb != facts->pdb)
        found = found->next;
    bool ok = true;
    if (found != NULL) {
        found->references++;
    } else if ((ok = attach_pdb(catalog, facts->pdb, err) && catalog_make_database(catalog, facts->pdb, facts->oid, facts->name, &found, err))) {
        found->next = catalog->databases;
        catalog->databases = found;
    }
    rdb_mutex_unlock(&catalog->lock);
    *database = found;
    return ok;
}

static bool open_by_name(rdb_catalog *catalog, const char *name, bool must_allow, rdb_database **database, rdb_error *err)
{
    rdb_access *access;
    rdb_catalog_row row;
    database_facts facts;
    bool found;
    *database = NULL;
    if (!root_access(catalog, &access, err))
        return false;
    bool ok = read_database(access, name, &facts, &row, &found, err);
    rdb_access_end(&access);
    if (!ok)
        return false;
    if (!found)
        return rdb_error_set(err, RDB_INVALID_CATALOG_NAME, "database \"%s\" does not exist", name);
    if (must_allow && !facts.allows_connections)
        return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "database \"%s\" is not currently accepting connections", name);
    if (!catalog_open_pdb(catalog, &facts, database, err))
        return false;
    if (catalog_register_collations(*database, err))
        return true;
    rdb_database_close(database);
    return false;
}

bool rdb_database_open(rdb_catalog *catalog, const char *name, rdb_database **database, rdb_error *err)
{
    return open_by_name(catalog, name, true, database, err);
}

bool rdb_database_open_any(rdb_catalog *catalog, const char *name, rdb_database **database, rdb_error *err)
{
    return open_by_name(catalog, name, false, database, err);
}

rdb_database *rdb_database_next(rdb_catalog *catalog, uint32_t pdb)
{
    rdb_database *next = NULL;
    rdb_mutex_lock(&catalog->lock);
    for (rdb_database *at = catalog->databases; at != NULL; at = at->next)
        if (at->pdb > pdb && (next == NULL || at->pdb < next->pdb))
            next = at;
    if (next != NULL)
        next->references++;
    rdb_mutex_unlock(&catalog->lock);
    return next;
}

void rdb_database_close(rdb_database **database)
{
    rdb_database *closed = *database;
    if (closed == NULL)
        return;
    *database = NULL;
    /* It stays open with its caches for whoever comes next; rdb_catalog_close or a drop ends it. */
    rdb_mutex_lock(&closed->catalog->lock);
    RDB_ASSERT(closed->references > 0);
    closed->references--;
    rdb_mutex_unlock(&closed->catalog->lock);
}

uint32_t rdb_database_pdb(const rdb_database *database)
{
    return database->pdb;
}

uint32_t rdb_database_oid(const rdb_database *database)
{
    return database->oid;
}

const char *rdb_database_name(const rdb_database *database)
{
    return database->name;
}

bool rdb_database_makes_system_objects(const rdb_database *database)
{
    return database->makes_system_objects;
}

void rdb_database_make_system_objects(rdb_database *database, bool on)
{
    rdb_mutex_lock(&database->lock);
    database->makes_system_objects = on;
    database->next_oid = 0; /* the other range goes on where it stands */
    rdb_mutex_unlock(&database->lock);
}

/* ---- making and dropping ---------------------------------------------------------------------------------------------------- */
/* A transaction of the root with an access to the shared tables. */
bool catalog_begin_root(rdb_catalog *catalog, rdb_txn **txn, rdb_access **access, rdb_error *err)
{
    *access = NULL;
    if (!rdb_txn_begin(catalog->txns, RDB_PDB_ROOT, RDB_READ_COMMITTED, false, NULL, txn, err))
        return false;
    const rdb_access_context context = {.catalog = catalog, .database = catalog->root, .txn = *txn, .role_oid = RDB_ROLE_ADMIN_OID};
    if (rdb_access_begin(access, &context, err))
        return true;
    rdb_txn_abort(txn);
    return false;
}

bool catalog_end_root(rdb_txn **txn, rdb_access **access, bool ok, rdb_error *err)
{
    rdb_scn scn;
    rdb_access_end(access);
    if (ok)
        return rdb_txn_commit(txn, RDB_COMMIT_LOCAL, &scn, err);
    rdb_txn_abort(txn);
    return false;
}

static bool note_pdb(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    uint32_t *largest = context;
    (void)access;
    (void)catalog_oid;
    (void)err;
    *largest = RDB_MAX(*largest, (uint32_t)row_int32(row, RDB_rdb_pluggable_plgnumber));
    return true;
}

/* A number that no PDB has, not even one whose making was cut off. */
bool catalog_free_pdb(rdb_access *access, uint32_t *pdb, rdb_error *err)
{
    *pdb = RDB_PDB_ROOT;
    if (!visit_rows(access, RDB_PLUGGABLE, 0, NULL, 0, note_pdb, pdb, err))
        return false;
    do
        ++*pdb;
    while (rdb_storage_file_exists(access->context.catalog->storage, *pdb, RDB_FILE_NO(RDB_FILE_XACT, 0)));
    return true;
}

static bool insert_database(rdb_access *access, const rdb_catalog_row *template_row, const char *name, uint32_t oid, uint32_t pdb, uint32_t owner_oid,
                            rdb_error *err)
{
    const new_row row = row_begin(access, RDB_PG_DATABASE, access->arena);
    memcpy(row.values, template_row->values, RDB_pg_database_COLUMNS * sizeof *row.values);
    memcpy(row.is_null, template_row->is_null, RDB_pg_database_COLUMNS * sizeof *row.is_null);
    set_oid(&row, RDB_pg_database_oid, oid);
    set_text(&row, RDB_pg_database_datname, name);
    set_oid(&row, RDB_pg_database_datdba, owner_oid);
    set_bool(&row, RDB_pg_database_datistemplate, false);
    set_bool(&row, RDB_pg_database_datallowconn, true);
    set_int32(&row, RDB_pg_database_datconnlimit, -1);
    row.is_null[RDB_pg_database_datacl - 1] = true;
    const new_row pluggable = row_begin(access, RDB_PLUGGABLE, access->arena);
    set_oid(&pluggable, RDB_rdb_pluggable_plgdatabase, oid);
    set_int32(&pluggable, RDB_rdb_pluggable_plgnumber, (int32_t)pdb);
    return row_insert(&row, err) && row_insert(&pluggable, err);
}

static bool clone_template(rdb_catalog *catalog, const database_facts *template_facts, const char *name, uint32_t oid, uint32_t pdb, rdb_error *err)
{
    rdb_database *source, *target = NULL;
    if (!catalog_open_pdb(catalog, template_facts, &source, err))
        return false;
    bool ok = catalog_make_database(catalog, pdb, oid, name, &target, err) && clone_pdb(source, target, err);
    catalog_free_database(target);
    rdb_database_close(&source);
    return ok;
}

bool rdb_database_create(rdb_catalog *catalog, const char *name, const char *template_name, uint32_t owner_oid, rdb_error *err)
{
    rdb_txn *txn;
    rdb_access *access;
    rdb_catalog_row row, template_row;
    database_facts facts, template_facts;
    uint32_t oid, pdb;
    bool found, ok = false;
    if (!catalog_begin_root(catalog, &txn, &access, err))
        return false;
    /* One at a time: the number of the new PDB is looked for and taken. */
    const rdb_lock_tag tag = {.kind = RDB_LOCK_DATABASE, .pdb = RDB_PDB_ROOT};
    bool taken;
    if (!rdb_lock_acquire(txn, tag, RDB_LOCK_EXCLUSIVE, RDB_LOCK_WAIT, 0, &taken, err) ||
        !read_database(access, name, &facts, &row, &found, err))
        goto out;
    if (found) {
        rdb_error_set(err, RDB_DUPLICATE_DATABASE, "database \"%s\" already exists", name);
        goto out;
    }
    if (!read_database(access, template_name, &template_facts, &template_row, &found, err))
        goto out;
    if (!found) {
        rdb_error_set(err, RDB_INVALID_CATALOG_NAME, "template database \"%s\" does not exist", template_name);
        goto out;
    }
    ok = rdb_catalog_new_oid(access, &oid, err) && catalog_free_pdb(access, &pdb, err) && clone_template(catalog, &template_facts, name, oid, pdb, err) &&
         insert_database(access, &template_row, name, oid, pdb, owner_oid, err);
out:
    return catalog_end_root(&txn, &access, ok, err);
}

/* Takes the database out of the list of open ones; false: sessions use it. */
static bool close_for_drop(rdb_catalog *catalog, uint32_t pdb, uint32_t *sessions)
{
    rdb_database *closed = NULL;
    *sessions = 0;
    rdb_mutex_lock(&catalog->lock);
    for (rdb_database **at = &catalog->databases; *at != NULL; at = &(*at)->next) {
        if ((*at)->pdb != pdb)
            continue;
        *sessions = (*at)->references;
        if (*sessions == 0) {
            closed = *at;
            *at = closed->next;
        }
        break;
    }
    rdb_mutex_unlock(&catalog->lock);
    catalog_free_database(closed);
    return *sessions == 0;
}

/* A client that has said goodbye may not be gone yet, so who is in the way gets a moment, as PostgreSQL gives it. */
static bool close_soon_for_drop(rdb_catalog *catalog, uint32_t pdb, uint32_t *sessions)
{
    for (unsigned tries = 0; !close_for_drop(catalog, pdb, sessions); tries++) {
        if (tries == 50)
            return false;
        rdb_time_sleep_us(100000);
    }
    return true;
}

static bool report_in_use(const char *name, uint32_t sessions, uint32_t prepared, rdb_error *err)
{
    rdb_error_set(err, RDB_OBJECT_IN_USE, "database \"%s\" is being accessed by other users", name);
    if (sessions > 0 && prepared > 0)
        return rdb_error_detail(err, "There are %u other session(s) and %u prepared transaction(s) using the database.", sessions, prepared);
    if (prepared > 0)
        return rdb_error_detail(err, prepared == 1 ? "There is %u prepared transaction using the database." : "There are %u prepared transactions using the database.",
                                prepared);
    return rdb_error_detail(err, sessions == 1 ? "There is %u other session using the database." : "There are %u other sessions using the database.",
                            sessions);
}

static bool find_facts(rdb_catalog *catalog, const char *name, database_facts *facts, bool *found, rdb_error *err)
{
    rdb_access *access;
    rdb_catalog_row row;
    *found = false;
    if (!root_access(catalog, &access, err))
        return false;
    bool ok = read_database(access, name, facts, &row, found, err);
    rdb_access_end(&access);
    return ok;
}

bool rdb_database_exists(rdb_catalog *catalog, const char *name, bool *exists, rdb_error *err)
{
    database_facts facts;
    return find_facts(catalog, name, &facts, exists, err);
}

bool rdb_database_close_unused(rdb_catalog *catalog, const char *name, rdb_error *err)
{
    database_facts facts;
    bool found;
    uint32_t sessions;
    if (!find_facts(catalog, name, &facts, &found, err) || !found)
        return !rdb_error_is_set(err);
    const uint32_t prepared = rdb_txn_count_prepared(catalog->txns, facts.pdb);
    return (close_soon_for_drop(catalog, facts.pdb, &sessions) && prepared == 0) || report_in_use(name, sessions, prepared, err);
}

bool rdb_database_drop(rdb_catalog *catalog, const char *name, bool missing_is_fine, rdb_error *err)
{
    rdb_txn *txn;
    rdb_access *access;
    rdb_catalog_row row;
    rdb_database *database;
    database_facts facts;
    uint64_t *files = NULL;
    uint32_t file_count = 0, sessions;
    bool found, ok = false;
    if (!catalog_begin_root(catalog, &txn, &access, err))
        return false;
    if (!read_database(access, name, &facts, &row, &found, err))
        goto out;
    if (!found) {
        ok = missing_is_fine || rdb_error_set(err, RDB_INVALID_CATALOG_NAME, "database \"%s\" does not exist", name);
        goto out;
    }
    if (facts.is_template) {
        rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot drop a template database");
        goto out;
    }
    if (!catalog_open_pdb(catalog, &facts, &database, err))
        goto out;
    ok = clone_list_files(database, &files, &file_count, err);
    rdb_database_close(&database);
    const rdb_datum key = datum_oid(facts.oid);
    const uint32_t prepared = rdb_txn_count_prepared(catalog->txns, facts.pdb);
    ok = ok && ((close_soon_for_drop(catalog, facts.pdb, &sessions) && prepared == 0) || report_in_use(name, sessions, prepared, err)) &&
         rdb_catalog_delete(access, RDB_PG_DATABASE, &row, err) &&
         delete_rows(access, RDB_PLUGGABLE, INDEX_PLUGGABLE_DATABASE, &key, 1, err) &&
         rdb_ddl_comment(access, (rdb_object_address){RDB_PG_DATABASE, facts.oid, 0}, NULL, err);
out:
    ok = catalog_end_root(&txn, &access, ok, err);
    /* Nobody can open it any more, and once it is retired purge leaves it alone too. Its commit log and undo stay until their
     * numbers are swept. */
    ok = ok && rdb_undo_retire(catalog->undo, facts.pdb, err);
    for (uint32_t i = 0; ok && i < file_count; i++)
        ok = rdb_storage_drop_file(catalog->storage, facts.pdb, files[i], err);
    free(files);
    return ok;
}

/* ---- roles ---------------------------------------------------------------------------------------------------------------------- */
bool rdb_role_find(rdb_catalog *catalog, const char *name, rdb_role *role, bool *found, rdb_error *err)
{
    rdb_access *access;
    *found = false;
    if (!root_access(catalog, &access, err))
        return false;
    bool ok = rdb_role_find_within(access, name, role, found, err);
    rdb_access_end(&access);
    return ok;
}

bool rdb_role_find_within(rdb_access *access, const char *name, rdb_role *role, bool *found, rdb_error *err)
{
    rdb_catalog_row row;
    *found = false;
    *role = (rdb_role){0};
    if (strlen(name) >= RDB_NAMEDATALEN)
        return true;
    const rdb_datum key = datum_text(name);
    bool ok = catalog_find_row(access, RDB_PG_AUTHID, INDEX_ROLE_NAME, &key, 1, access->arena, &row, found, err);
    if (ok && *found) {
        role->oid = row_oid(&row, RDB_pg_authid_oid);
        row_name(&row, RDB_pg_authid_rolname, role->name);
        role->is_superuser = row_bool(&row, RDB_pg_authid_rolsuper);
        role->inherits = row_bool(&row, RDB_pg_authid_rolinherit);
        role->can_create_role = row_bool(&row, RDB_pg_authid_rolcreaterole);
        role->can_create_db = row_bool(&row, RDB_pg_authid_rolcreatedb);
        role->can_login = row_bool(&row, RDB_pg_authid_rolcanlogin);
        role->can_replicate = row_bool(&row, RDB_pg_authid_rolreplication);
        role->bypasses_rls = row_bool(&row, RDB_pg_authid_rolbypassrls);
        role->connection_limit = row_int32(&row, RDB_pg_authid_rolconnlimit);
        const char *verifier = row_text(access->arena, &row, RDB_pg_authid_rolpassword);
        snprintf(role->verifier, sizeof role->verifier, "%s", verifier != NULL ? verifier : "");
        const int64_t epoch_us = INT64_C(946684800) * 1000000; /* 2000-01-01 */
        if (!row.is_null[RDB_pg_authid_rolvaliduntil - 1])
            role->password_expired = row.values[RDB_pg_authid_rolvaliduntil - 1].i64 < rdb_time_wall_us() - epoch_us;
    }
    return ok;
}

/* ---- numbers for new objects ---------------------------------------------------------------------------------------------------- */
/* The largest OID below limit among the system tables: the next database life goes on above it. */
static bool find_largest_oid(rdb_access *access, uint32_t limit, uint32_t *largest, rdb_error *err)
{
    const rdb_database *database = access->context.database;
    rdb_arena *arena = rdb_arena_create("largest oid", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = true;
    for (uint32_t i = 0; ok && i < builtin_relation_count(); i++) {
        const rdb_relation *relation = database->system[i];
        for (uint16_t k = 0; ok && bootstrap_holds(database, relation) && k < relation->index_count; k++) {
            const rdb_relation_index *index = &relation->indexes[k];
            if (!index->is_unique || index->key_count != 1 || strcmp(relation->columns[index->columns[0].column_number - 1].name, "oid") != 0)
                continue;
            rdb_strbuf bound;
            rdb_strbuf_init(&bound, arena);
            const rdb_datum key = datum_oid(limit);
            const bool is_null = false;
            if (!(ok = rdb_index_key_encode(index, &key, &is_null, 1, &bound, err)))
                break;
            const rdb_index_range range = {.upper = {(const uint8_t *)bound.data, bound.length}, .upper_exclusive = true};
            rdb_index_cursor *cursor;
            rdb_index_entry entry;
            uint32_t count;
            if (!(ok = rdb_index_cursor_open(&cursor, &index->index, &range, true, arena, err)))
                break;
            ok = rdb_index_cursor_next(cursor, 1, true, arena, &entry, &count, err);
            if (ok && count == 1 && entry.key.length > 1) {
                const uint8_t *at = entry.key.data + 1; /* after the tag */
                rdb_datum value;
                const rdb_type *type = objects_type_get(RDB_OIDOID);
                if (type->ops->decode_key != NULL && type->ops->decode_key(type, arena, &at, entry.key.data + entry.key.length, &value))
                    *largest = RDB_MAX(*largest, value.oid);
            }
            rdb_index_cursor_close(&cursor);
        }
    }
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_catalog_new_oid(rdb_access *access, uint32_t *oid, rdb_error *err)
{
    rdb_database *database = access->context.database;
    rdb_mutex_lock(&database->lock);
    bool is_known = database->next_oid != 0;
    const bool is_system = database->makes_system_objects;
    rdb_mutex_unlock(&database->lock);
    uint32_t largest = (is_system ? FIRST_SYSTEM_OID : RDB_FIRST_NORMAL_OID) - 1;
    if (!is_known && !find_largest_oid(access, is_system ? RDB_FIRST_NORMAL_OID : RDB_COLLATION_OID_MIN, &largest, err))
        return false;
    rdb_mutex_lock(&database->lock);
    if (database->next_oid == 0)
        database->next_oid = largest + 1;
    *oid = database->next_oid;
    const bool is_free = *oid != 0 && *oid < RDB_COLLATION_OID_MIN && (!database->makes_system_objects || *oid < RDB_FIRST_NORMAL_OID);
    if (is_free)
        database->next_oid++;
    rdb_mutex_unlock(&database->lock);
    return is_free || rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "no object identifiers are left in database \"%s\"", database->name);
}

bool catalog_new_shared_oid(rdb_access *access, uint32_t *oid, rdb_error *err)
{
    rdb_access *root;
    if (!root_access(access->context.catalog, &root, err))
        return false;
    bool ok = rdb_catalog_new_oid(root, oid, err);
    rdb_access_end(&root);
    return ok;
}

/* ---- bootstrap -------------------------------------------------------------------------------------------------------------------- */
bool rdb_catalog_bootstrap(rdb_catalog *catalog, const char *admin_role, const char *admin_password_verifier, rdb_error *err)
{
    static const bootstrap_database databases[] = {
        {DATABASE_TEMPLATE1, 2, "template1", true, true, "default template for new databases"},
        {DATABASE_TEMPLATE0, 3, "template0", true, false, "unmodifiable empty database"},
        {DATABASE_POSTGRES, 4, "postgres", false, true, "default administrative connection database"},
        {DATABASE_RUSTYDB, 5, "rustydb", false, true, NULL},
    };
    const bootstrap_settings settings = {admin_role, admin_password_verifier, databases, RDB_COUNT_OF(databases)};
    if (!bootstrap_pdb(catalog->root, &settings, err))
        return false;
    for (uint32_t i = 0; i < settings.database_count; i++) {
        const database_facts facts = {.oid = databases[i].oid, .pdb = databases[i].pdb};
        rdb_database *database;
        if (!catalog_open_pdb(catalog, &facts, &database, err))
            return false;
        snprintf(database->name, sizeof database->name, "%s", databases[i].name);
        bool ok = bootstrap_pdb(database, &settings, err);
        rdb_database_close(&database);
        if (!ok)
            return false;
    }
    return true;
}
