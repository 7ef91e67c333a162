/* SPDX-License-Identifier: Apache-2.0
 * Inside the catalog room: the instance's catalog, open databases, the cache of descriptors, accesses and the overlay of a
 * transaction with uncommitted changes.
 *
 * A cached descriptor stands in an entry with a count of references and an arena of its own. Entries are immutable; the
 * database's maps hold one reference, each access that handed the descriptor out one, and a relation one for each type it
 * points to. An entry enters the shared maps only if the epoch did not move while it was read, so that what a commit made
 * stale is never put back. */
#ifndef RDB_CATALOG_INT_H
#define RDB_CATALOG_INT_H

#include "catalog/columns.h"
#include "catalog/objects.h"
#include "catalog/rdb_catalog.h"
#include "os/rdb_os.h"

#include <stdio.h>

typedef enum entry_kind { ENTRY_RELATION, ENTRY_TYPE, ENTRY_FUNCTION, ENTRY_OPERATOR, ENTRY_CAST, ENTRY_KIND_COUNT } entry_kind;

typedef struct cache_entry {
    _Atomic uint32_t references;
    entry_kind kind;
    uint32_t oid;
    rdb_arena *arena;             /* holds the entry itself too */
    struct cache_entry **needs;   /* entries this one points into */
    uint32_t need_count, need_capacity;
    union {
        rdb_relation relation;
        rdb_type type;
        rdb_function function;
        rdb_operator_entry operator_entry;
        rdb_cast_entry cast;
    } is;
} cache_entry;


/* Uncommitted catalog changes of one transaction. Used by its thread only, found through the catalog's list. */
typedef struct catalog_overlay {
    struct catalog_overlay *next;
    rdb_txn *txn;
    rdb_database *database;
    rdb_map *dirty;                      /* key: kind of object and oid; value: non-NULL */
    rdb_map *entries[ENTRY_KIND_COUNT];  /* own versions of dirty objects */
    bool names_dirty;
    rdb_map *recounted;                  /* relations whose figures changed and nothing else: read anew, plans stay; or NULL */
    uint64_t generation;                 /* another one after each change; never 0 */
    uint32_t *hook_levels;               /* of the callbacks hung on the transaction, ascending */
    uint32_t hook_count, hook_capacity;
    bool is_prepared, is_published;
    rdb_txn *root_txn;                   /* writes shared tables; ends with txn */
} catalog_overlay;

struct rdb_database {
    rdb_database *next;
    rdb_catalog *catalog;
    uint32_t pdb, oid;
    char name[RDB_NAMEDATALEN];
    uint32_t references RDB_GUARDED_BY(catalog->lock);
    _Atomic uint64_t epoch;
    rdb_arena *system_arena;                  /* of the descriptors below */
    rdb_relation **system RDB_SET_ONCE;       /* by position among the built-in relations; shared ones are the root's */
    rdb_mutex lock;                           /* RDB_RANK_LEAF; guards what follows */
    rdb_map *entries[ENTRY_KIND_COUNT];       /* oid -> cache_entry */
    rdb_map *names;                           /* kind, namespace, name -> oid + 1: "not there" is remembered too */
    uint32_t next_oid;                        /* 0: not known yet */
    uint64_t temp_slots[64];                  /* a bit for each schema of temporary objects that a session has */
    bool makes_system_objects;
    _Atomic bool collations_registered;       /* collation.c */
    _Atomic bool knows_restricted;            /* acl.c: the bits below were read from pg_proc */
    _Atomic uint64_t restricted[RDB_FIRST_NORMAL_OID / 64]; /* built-in functions that not everyone may call; a bit once set stays */
};

struct rdb_catalog {
    rdb_storage *storage;
    rdb_txn_manager *txns;
    rdb_undo *undo;
    rdb_mutex lock; /* RDB_RANK_CATALOG */
    rdb_database *databases RDB_GUARDED_BY(lock);
    rdb_database *root RDB_SET_ONCE;
    rdb_mutex overlay_lock; /* RDB_RANK_LEAF */
    catalog_overlay *overlays RDB_GUARDED_BY(overlay_lock);
    rdb_map *sequences RDB_GUARDED_BY(overlay_lock); /* sequence.c: states by place; each has a lock of its own */
    rdb_mutex counters_lock; /* RDB_RANK_LEAF */
    rdb_map *counters RDB_GUARDED_BY(counters_lock); /* counters.c: rdb_counters by PDB and OID */
    rdb_map *gates RDB_GUARDED_BY(counters_lock);    /* index_gate.c: rdb_index_gate by PDB and OID */
    _Atomic uint64_t generation;    /* of overlays: the last one given out */
    _Atomic uint32_t overlay_count; /* lets a session without any change skip the list */
};

struct rdb_access {
    rdb_access_context context;
    rdb_arena *arena;
    uint64_t epoch;
    uint64_t generation;            /* of the transaction's overlay at the beginning; 0: it had changed nothing */
    cache_entry **pins;
    uint32_t pin_count, pin_capacity;
    uint32_t *path;                 /* resolved search_path, with the implied schemas */
    uint32_t path_count;
    uint64_t path_generation;       /* of the overlay, when it was resolved */
    bool path_resolved;
    uint32_t creation_namespace;
    uint32_t extension_oid;         /* what is made belongs to it; 0: none */
    bool loads;                     /* a descriptor is being read: all its rows with one snapshot, taken at that epoch */
    rdb_snapshot load_snapshot;
    uint64_t load_epoch;
    bool superuser_known, superuser; /* acl.c: what is known of one role */
    uint32_t superuser_role;
    uint32_t *privileged_roles;     /* acl.c: the roles whose privileges privileged_member has; NULL: not asked yet */
    uint32_t privileged_count, privileged_member;
    uint64_t privileged_generation;
    rdb_txn *root_reader;           /* reads shared tables from a transaction of another database */
};

/* index_gate.c. Each get is followed by a put, when the descriptor that names the gate goes. */
rdb_index_gate *catalog_gate_get(rdb_catalog *catalog, uint32_t pdb, uint32_t index_oid, rdb_error *err); /* NULL: 53200 */
void catalog_gates_put(const rdb_relation *relation);
/* Around a look at the gates of a relation's indexes and the change of a row that follows from it; where relation->has_gates. */
void catalog_gates_enter(const rdb_relation *relation);
void catalog_gates_leave(const rdb_relation *relation);

/* collation.c: what pg_collation says goes to the room of types, once a database. */
RDB_CHECKED bool catalog_register_collations(rdb_database *database, rdb_error *err);

/* ---- system.c: the system tables themselves --------------------------------------------------------------------------- */
#define CATALOG_TABLE_FILE(oid) RDB_FILE_NO(RDB_FILE_TABLE, (oid))
#define CATALOG_INDEX_FILE(oid) RDB_FILE_NO(RDB_FILE_INDEX, (oid))
RDB_CHECKED bool system_relations_make(rdb_database *database, rdb_error *err);
const rdb_relation *system_relation(const rdb_database *database, uint32_t oid);        /* NULL: none */
const rdb_relation *system_relation_by_name(const rdb_database *database, const char *name);
/* The C order of names in system tables. */
uint32_t system_collation(const rdb_type *type);

/* ---- temp.c: 0: none yet */
uint32_t temp_namespace_of(const struct rdb_temp_session *session);

/* ---- cache.c -------------------------------------------------------------------------------------------------------------- */
RDB_CHECKED bool entry_create(entry_kind kind, uint32_t oid, cache_entry **entry, rdb_error *err);
void entry_release(cache_entry *entry); /* NULL is fine */
RDB_CHECKED bool entry_need(cache_entry *entry, cache_entry *needed, rdb_error *err);
RDB_CHECKED bool cache_init(rdb_database *database, rdb_error *err);
void cache_deinit(rdb_database *database);
/* Pins the object's entry in the access, reading it where it is not cached; *entry NULL: there is no such object. */
RDB_CHECKED bool cache_get(rdb_access *access, entry_kind kind, uint32_t oid, cache_entry **entry, rdb_error *err);
/* The OID for a name in a namespace, 0: none. lookup reads the table on a miss. */
typedef bool (*name_lookup)(rdb_access *access, uint32_t namespace_oid, const char *name, uint32_t *oid, rdb_error *err);
RDB_CHECKED bool cache_find_name(rdb_access *access, char kind, uint32_t namespace_oid, const char *name, name_lookup lookup,
                                 uint32_t *oid, rdb_error *err);
/* Notes a change of the transaction; makes its overlay at the first one. */
RDB_CHECKED bool overlay_note(rdb_access *access, uint32_t catalog_oid, uint32_t object_oid, rdb_error *err);
/* Notes that only relpages and reltuples of the relation changed. */
RDB_CHECKED bool overlay_note_figures(rdb_access *access, uint32_t relation_oid, rdb_error *err);
catalog_overlay *overlay_find(rdb_catalog *catalog, const rdb_txn *txn);
RDB_CHECKED bool overlay_need(rdb_access *access, catalog_overlay **overlay, rdb_error *err);
/* 0 where the transaction changed nothing. By the transaction's own thread: a transaction that ended may be another session's by now. */
uint64_t overlay_generation_of(rdb_catalog *catalog, const rdb_txn *txn);
uint64_t overlay_generation(const rdb_access *access);
void cache_register_payload(rdb_catalog *catalog); /* NULL: no catalog is open any more */

/* ---- load.c: descriptors from rows ------------------------------------------------------------------------------------- */
/* epoch: of the database before the call. */
RDB_CHECKED bool load_entry(rdb_access *access, entry_kind kind, uint32_t oid, uint64_t epoch, cache_entry **entry, rdb_error *err);

/* ---- index_entry.c: what entries of ordered indexes are made of ---------------------------------------------------------- */
/* Sets, once its columns are known, what the index's entries are made of (rdb_index_entry_encode). It never changes for an index, whatever
 * was read before: what depends on it lies in files. */
void catalog_note_stored(rdb_relation_index *index);
/* The key of a row; computed as for rdb_index_values. */
RDB_CHECKED bool catalog_key_encode(const rdb_relation_index *index, const rdb_datum *values, const bool *is_null, const rdb_index_values *computed, rdb_strbuf *key, rdb_error *err);

/* ---- statistics.c: relation->statistics, from pg_statistic. */
RDB_CHECKED bool load_statistics(rdb_access *access, cache_entry *entry, rdb_arena *work, rdb_error *err);

/* ---- extended_statistics.c: relation->extended, from pg_statistic_ext_data. */
RDB_CHECKED bool load_extended_statistics(rdb_access *access, cache_entry *entry, rdb_arena *work, rdb_error *err);

/* ---- scan.c ---------------------------------------------------------------------------------------------------------------- */
/* The transaction that reads (or, for_write, changes) the table: the access's own, or one in the root PDB. */
RDB_CHECKED bool access_txn_for(rdb_access *access, const rdb_relation *relation, bool for_write, rdb_txn **txn, rdb_error *err);
/* The first row with those keys; *found false: none. The row lives in arena. */
/* operators.c: the default btree class that orders a type that is not built in, read from the table; 0: none. */
RDB_CHECKED bool operators_made_class(rdb_access *access, uint32_t type_oid, uint32_t *oid, rdb_error *err);
RDB_CHECKED bool catalog_find_row(rdb_access *access, uint32_t catalog_oid, uint32_t index_oid, const rdb_datum *keys, uint16_t key_count,
                                  rdb_arena *arena, rdb_catalog_row *row, bool *found, rdb_error *err);

/* Values of rows, by column number. */
static inline rdb_datum datum_oid(uint32_t oid)
{
    return (rdb_datum){.oid = oid};
}
static inline rdb_datum datum_int16(int16_t value)
{
    return (rdb_datum){.i16 = value};
}
static inline rdb_datum datum_text(const char *text)
{
    return (rdb_datum){.bytes = {(const uint8_t *)text, (uint32_t)strlen(text), 0}};
}
static inline uint32_t row_oid(const rdb_catalog_row *row, int column)
{
    return row->is_null[column - 1] ? 0 : row->values[column - 1].oid;
}
static inline bool row_bool(const rdb_catalog_row *row, int column)
{
    return !row->is_null[column - 1] && row->values[column - 1].b != 0;
}
static inline char row_char(const rdb_catalog_row *row, int column)
{
    return row->is_null[column - 1] ? 0 : (char)row->values[column - 1].i8;
}
static inline int16_t row_int16(const rdb_catalog_row *row, int column)
{
    return row->is_null[column - 1] ? 0 : row->values[column - 1].i16;
}
static inline int32_t row_int32(const rdb_catalog_row *row, int column)
{
    return row->is_null[column - 1] ? 0 : row->values[column - 1].i32;
}
/* A terminated copy; NULL where the value is null. */
const char *row_text(rdb_arena *arena, const rdb_catalog_row *row, int column);
/* Arrays in rows (arrays.c), in the arena; count 0 for NULL. */
RDB_CHECKED bool row_int16s(rdb_arena *arena, const rdb_catalog_row *row, int column, const int16_t **items, uint32_t *count, rdb_error *err);
RDB_CHECKED bool row_oids(rdb_arena *arena, const rdb_catalog_row *row, int column, const uint32_t **items, uint32_t *count, rdb_error *err);
RDB_CHECKED bool row_chars(rdb_arena *arena, const rdb_catalog_row *row, int column, const char **items, uint32_t *count, rdb_error *err);
RDB_CHECKED bool row_texts(rdb_arena *arena, const rdb_catalog_row *row, int column, const char *const **items, uint32_t *count, rdb_error *err);
/* A value from its text as the built-in rows have it: regproc as a number or "-". In the arena. */
RDB_CHECKED bool datum_from_text(rdb_arena *arena, const rdb_type *type, const char *text, rdb_datum *value, rdb_error *err);
/* type_oid: int2vector or int2[]; oidvector or oid[]. */
RDB_CHECKED bool datum_from_int16s(rdb_arena *arena, uint32_t type_oid, const int16_t *items, uint32_t count, rdb_datum *value, rdb_error *err);
RDB_CHECKED bool datum_from_oids(rdb_arena *arena, uint32_t type_oid, const uint32_t *items, uint32_t count, rdb_datum *value, rdb_error *err);
/* type_oid: text[], name[], "char"[]. */
RDB_CHECKED bool datum_from_texts(rdb_arena *arena, uint32_t type_oid, const char *const *items, uint32_t count, rdb_datum *value, rdb_error *err);
/* Copies a name of at most 63 bytes. */
void row_name(const rdb_catalog_row *row, int column, char name[RDB_NAMEDATALEN]);

/* counters.c */
/* The relation's blocks stand in that file now: their uses are counted. */
void counters_follow(rdb_catalog *catalog, rdb_counters *counters, uint64_t file);
void counters_free(rdb_catalog *catalog);

#endif
