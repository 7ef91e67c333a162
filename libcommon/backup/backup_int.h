/* SPDX-License-Identifier: Apache-2.0
 * What the files of this room share. */
#ifndef BACKUP_INT_H
#define BACKUP_INT_H

#include "backup/rdb_backup.h"

#include "crypto/rdb_crypto.h"

#include <jansson.h>

/* A part of a file is never larger than this, and a volume takes no more parts once it holds more than its bound. */
#define BACKUP_PART_BYTES (UINT64_C(8) << 20)
#define BACKUP_VOLUME_BYTES (UINT64_C(32) << 20)
#define BACKUP_OBJECT_BYTES_MAX (UINT64_C(1) << 30) /* of one object that is read whole */

/* ---- pace (pace.c) -------------------------------------------------------------------------------------------------------- */
typedef struct backup_pace backup_pace;
/* rate: bytes a second, 0: no limit. steps_back: behind the clients of the server of home. */
bool pace_open(backup_pace **pace, const char *home, uint64_t rate, bool steps_back, const rdb_backup_watch *watch, rdb_error *err);
void pace_close(backup_pace **pace); /* NULL inside is fine */
void pace_pass(backup_pace *pace, uint64_t bytes); /* so many were read: waits where that is too early for the rate */
uint64_t pace_passed(const backup_pace *pace);     /* all of them */
/* Around small steps of work, each thread its own *step_us: begin, a step, rest, a step, rest. A pace of NULL never rests. */
#define PACE_STEP_BYTES ((size_t)256 << 10)
void pace_begin(backup_pace *pace, int64_t *step_us);
void pace_rest(backup_pace *pace, int64_t *step_us);
bool pace_steps_back(const backup_pace *pace);
int64_t pace_rested_us(const backup_pace *pace); /* of all threads together */
/* The next share of rest, in percent of the work, from the last and by how much the server's waits take longer beside the work; 0: nobody waits. */
#define PACE_RATIO_MAX 1.2
#define PACE_REST_MIN 50
#define PACE_REST_MAX 900
uint32_t pace_judge(uint32_t rest_percent, double ratio);

/* ---- stores: where objects lie (store_*.c) ------------------------------------------------------------------------- */
typedef struct backup_store backup_store;
typedef struct backup_object {
    const char *name;
    uint64_t bytes;
} backup_object;
typedef struct backup_store_calls {
    /* Durable when it returns true; an object of that name is replaced. */
    bool (*put)(backup_store *store, const char *name, const void *bytes, size_t length, rdb_error *err);
    /* Appends to content; *found false: there is none. */
    bool (*get)(backup_store *store, const char *name, rdb_strbuf *content, bool *found, rdb_error *err);
    /* Every object whose name begins with the prefix (a folder's name with its slash, or ""), by name: backup_object *. */
    bool (*list)(backup_store *store, const char *prefix, rdb_arena *arena, rdb_list *objects, rdb_error *err);
    bool (*remove)(backup_store *store, const char *name, rdb_error *err); /* missing is fine */
    void (*close)(backup_store *store);
} backup_store_calls;
struct backup_store {
    const backup_store_calls *calls;
    backup_pace *pace; /* NULL: put at once; set while a backup is taken */
    char url[4200];
};
bool store_open_directory(backup_store **store, const char *path, bool create, rdb_error *err);
bool store_open_remote(backup_store **store, const char *url, rdb_error *err); /* s3://, sftp:// */
bool store_open_stream(backup_store **store, int fd, rdb_error *err);          /* for writing one backup */

/* ---- frames: compression (frame.c) ---------------------------------------------------------------------------------- */
typedef struct backup_frame backup_frame;
/* Bytes written come out compressed at the end of target. */
bool backup_frame_create(backup_frame **frame, rdb_compression compression, int level, rdb_strbuf *target, rdb_error *err);
bool backup_frame_write(backup_frame *frame, const void *bytes, size_t length, rdb_error *err);
bool backup_frame_finish(backup_frame *frame, rdb_error *err);
void backup_frame_destroy(backup_frame **frame);
typedef struct backup_unframe backup_unframe;
/* Borrows the bytes. Damage is XX001. */
bool unframe_create(backup_unframe **unframe, rdb_compression compression, const void *bytes, size_t length, rdb_error *err);
/* The next bytes, until the next call; *length 0 at the end. */
bool unframe_next(backup_unframe *unframe, const void **bytes, size_t *length, rdb_error *err);
void unframe_destroy(backup_unframe **unframe);
const char *backup_frame_extension(rdb_compression compression); /* "", ".zst" ... */

/* ---- seals: encryption (seal.c) --------------------------------------------------------------------------------------- */
#define BACKUP_KEY_BYTES 32
bool seal_bytes(const uint8_t key[BACKUP_KEY_BYTES], const void *bytes, size_t length, rdb_strbuf *sealed, rdb_error *err);
/* XX001: not whole, or not sealed with this key. */
bool seal_open(const uint8_t key[BACKUP_KEY_BYTES], const void *sealed, size_t length, rdb_strbuf *bytes, rdb_error *err);
typedef enum seal_recipient { SEAL_PASSPHRASE, SEAL_KEY, SEAL_CERTIFICATE } seal_recipient;
bool seal_wrap_key(const uint8_t key[BACKUP_KEY_BYTES], const rdb_backup_keys *keys, seal_recipient *kind, rdb_strbuf *wrapped, rdb_error *err);
/* *opened false: none of the keys is this recipient's. passphrase: asked for once and kept by the caller, "" at first. */
bool seal_unwrap_key(const void *wrapped, size_t length, const rdb_backup_keys *keys, char passphrase[1024], uint8_t key[BACKUP_KEY_BYTES],
                     bool *opened, rdb_error *err);
bool seal_kind(const void *wrapped, size_t length, seal_recipient *kind, rdb_error *err);
/* No key of any kind was named. */
bool seal_no_keys(const rdb_backup_keys *keys);

/* ---- volumes (volume.c) ------------------------------------------------------------------------------------------------ */
typedef struct backup_range {
    uint64_t offset, length; /* in the part */
} backup_range;
typedef struct backup_volume backup_volume;
bool volume_create(backup_volume **volume, rdb_compression compression, int level, rdb_error *err);
void volume_set_pace(backup_volume *volume, backup_pace *pace); /* at which members are added; standard: NULL, none */
/* One member: length bytes of which ranges hold data (none: all do); data are the ranges' bytes one after the other. */
bool volume_add(backup_volume *volume, const char *path, uint64_t length, const backup_range *ranges, uint32_t range_count, const void *data,
                rdb_error *err);
/* Ends the tar and its frame; the bytes are the volume's until it is destroyed. */
bool volume_finish(backup_volume *volume, rdb_strbuf **bytes, rdb_error *err);
uint64_t volume_bytes_in(const backup_volume *volume);
void volume_destroy(backup_volume **volume);
/* Walks the members. member: *wanted false skips it. data: runs of bytes at their offsets in the part, holes left out. */
typedef struct backup_visitor {
    bool (*member)(void *context, const char *path, uint64_t offset, uint64_t length, bool *wanted, rdb_error *err);
    bool (*data)(void *context, uint64_t offset, const void *bytes, size_t length, rdb_error *err);
    bool (*end)(void *context, rdb_error *err);
    void *context;
} backup_visitor;
bool volume_visit(rdb_compression compression, const void *bytes, size_t length, const backup_visitor *visitor, rdb_error *err);

/* ---- volumes of a backup that is made (pack.c) ------------------------------------------------------------------------------ */
typedef struct volume_set { /* all of them; compression and objects are the manifest's */
    rdb_repository *repository;
    rdb_manifest *manifest;
    const char *name; /* vol or wal; changed between threads' work */
    backup_pace *pace; /* NULL: none */
    rdb_mutex lock;
    uint32_t number RDB_GUARDED_BY(lock);   /* of the last one */
    rdb_arena *arena RDB_GUARDED_BY(lock);  /* of the manifest */
} volume_set;
typedef struct volume_pack { /* a thread's own */
    volume_set *set;
    backup_volume *volume; /* NULL: none is open */
    rdb_manifest_object *object;
    uint32_t object_no;
} volume_pack;
void volume_set_init(volume_set *set, rdb_repository *repository, rdb_manifest *manifest, rdb_arena *arena);
void volume_set_deinit(volume_set *set);
bool pack_open(volume_pack *pack, rdb_error *err); /* one that is open already is fine */
bool pack_add(volume_pack *pack, const char *path, bool is_whole_file, uint64_t offset, uint64_t length, const backup_range *ranges, uint32_t range_count, const void *data,
              rdb_error *err);
bool pack_is_full(const volume_pack *pack);
bool pack_close(volume_pack *pack, rdb_error *err); /* into the repository; none open is fine */
void pack_abandon(volume_pack *pack);

/* ---- repositories (repository.c) --------------------------------------------------------------------------------------- */
struct rdb_repository {
    backup_store *store;
    char id[37];
    uint64_t system_id;
    bool is_encrypted;
    uint8_t key[BACKUP_KEY_BYTES];
};
/* put and get with the repository's encryption, whose extension the name has already where it applies. stored: gets the bytes and
 * the digest as a manifest has them; pieces (may be NULL): the text of its crc32c. A get of what is not there is 58P01. */
bool repository_put(rdb_repository *repository, const char *name, const void *bytes, size_t length, rdb_manifest_object *stored, rdb_strbuf *pieces,
                    rdb_error *err);
/* expected: the object as the manifest has it (NULL: unknown); any difference is XX001, whose detail says from which byte on. */
bool repository_get(rdb_repository *repository, const char *name, const rdb_manifest_object *expected, rdb_strbuf *bytes,
                    char sha256[RDB_DIGEST_TEXT_BYTES], rdb_error *err);
const char *repository_seal_extension(const rdb_repository *repository); /* "" or ".cms" */
#define REPOSITORY_DAMAGE_PLACE "From byte " /* begins the detail of such an error */
/* Each key of a recipient against the digest beside it. */
bool repository_check_keys(rdb_repository *repository, void (*on_damage)(void *context, const char *name, const char *what), void *context, rdb_error *err);

/* ---- leases (lease.c) ------------------------------------------------------------------------------------------------------ */
typedef struct backup_lease backup_lease;
/* kind: backup, expire, merge, read. 55006 where another keeps it away. A stream needs none: *lease stays NULL. */
bool lease_take(backup_lease **lease, rdb_repository *repository, const char *kind, rdb_error *err);
/* For who only reads: it keeps expire away. A repository that cannot be written is read without. 55006 all the same. */
bool lease_take_reader(backup_lease **lease, rdb_repository *repository, rdb_error *err);
bool lease_check(backup_lease *lease, rdb_error *err); /* before what cannot be taken back; NULL is fine */
void lease_give(backup_lease **lease);                 /* NULL inside is fine */

/* ---- manifests (manifest.c) ---------------------------------------------------------------------------------------------- */
json_t *manifest_to_json(const rdb_manifest *manifest);
bool manifest_from_json(json_t *json, rdb_arena *arena, rdb_manifest *manifest, rdb_error *err);
bool manifest_write(rdb_repository *repository, rdb_manifest *manifest, rdb_error *err);
bool manifest_read(rdb_repository *repository, const char *id, rdb_arena *arena, rdb_manifest **manifest, rdb_error *err);
rdb_manifest_file *manifest_add_file(rdb_arena *arena, rdb_manifest *manifest, const char *path, uint64_t length);
void manifest_sort(rdb_manifest *manifest);
uint32_t manifest_file_no(const rdb_manifest *manifest, const char *path); /* its place in the list; UINT32_MAX: not in it */
rdb_manifest_file *manifest_find_file(const rdb_manifest *manifest, const char *path); /* NULL: not in it */
/* The part that the object has of the file from that offset on; NULL: none. */
const rdb_manifest_part *manifest_find_part(const rdb_manifest *manifest, const char *path, uint64_t offset, uint32_t object_no);
/* Of a chain, the full one first: the number of the first whose parts a file of the newest needs. What stands whole in one needs none before. */
uint32_t manifest_oldest_needed(const rdb_list *chain, const char *path);
/* An id that no other backup has, later than every one there is. */
bool manifest_choose_id(rdb_repository *repository, rdb_backup_type type, rdb_arena *arena, char id[RDB_BACKUP_ID_BYTES], rdb_error *err);
/* Of the backups whose manifest stands, const char *, the oldest first. */
bool manifest_list_ids(rdb_repository *repository, rdb_arena *arena, rdb_list *ids, rdb_error *err);
bool manifest_is_folder(const char *name); /* whether what follows backup/ begins with an id */
bool manifest_object_name(const rdb_manifest *manifest, const rdb_manifest_object *object, char *name, size_t size);
void backup_format_lsn(rdb_lsn lsn, char text[24]);
bool backup_parse_lsn(const char *text, rdb_lsn *lsn);
void backup_format_time(int64_t time_us, char text[40]); /* RFC 3339, UTC */
bool backup_parse_time(const char *text, int64_t *time_us);
/* A path of an instance: no empty, "." or ".." step, below data/ or conf/. */
bool backup_path_is_safe(const char *path);

/* ---- the catalog (catalog.c) ------------------------------------------------------------------------------------------------- */
/* After something changed: what goes wrong is told, and no error. */
void note_catalog(rdb_repository *repository, const char *home, const rdb_backup_watch *watch);
bool catalog_check(rdb_repository *repository, void (*on_damage)(void *context, const char *name, const char *what), void *context, rdb_error *err);

/* ---- instances that are copied (source.c) --------------------------------------------------------------------------------- */
typedef struct backup_source_file {
    const char *path; /* in the instance directory */
    uint64_t length;
    bool has_pages;
} backup_source_file;
typedef struct backup_source backup_source;
/* A served instance is asked over its socket, one at rest is locked. */
bool source_open(backup_source **source, const char *home, rdb_error *err);
void source_close(backup_source **source);
const char *source_home(const backup_source *source);
bool source_is_running(const backup_source *source);
const rdb_control *source_control(const backup_source *source);
const char *source_instance_id(const backup_source *source);
uint32_t source_timeline(const backup_source *source);
/* From begin to end the log is kept, and a copy of every file made between the two becomes whole by it. fast: the server's checkpoint. */
bool source_begin(backup_source *source, const char *label, bool fast, rdb_backup_moment *started, rdb_error *err);
bool source_end(backup_source *source, rdb_backup_moment *stopped, rdb_error *err);
/* The newest signed head of the audit log, "" where nothing is audited. */
bool source_audit_head(const backup_source *source, rdb_arena *arena, const char **head, rdb_error *err);
void source_close_gap(backup_source *source); /* at rest: of the archived log, by this backup, which is whole (served: the server does) */
/* The audit hears of what a program did; where it cannot, the log says so. */
void source_tell_audit(backup_source *source, const char *program, const char *action, bool succeeded, const char *what);
const char *source_label(const backup_source *source); /* its label in any case */
/* What the copy starts from, the control file of one at rest or a server's backup label, and where it must stand; after end. */
rdb_slice source_anchor(const backup_source *source, const char **path);
/* data/ without the log, conf/: backup_source_file * by path; directories: const char *. */
bool source_list(backup_source *source, bool with_secrets, rdb_arena *arena, rdb_list *files, rdb_list *directories, rdb_error *err);
bool source_databases(backup_source *source, rdb_arena *arena, rdb_list *names, rdb_error *err);
/* For pg_stat_progress_basebackup, whose phases these are. Never while another thread uses the source. */
typedef enum source_phase { SOURCE_BEGINS, SOURCE_CHECKPOINT, SOURCE_PLAN, SOURCE_DATA, SOURCE_END, SOURCE_LOG } source_phase;
void source_report(backup_source *source, source_phase phase, int64_t total, uint64_t done); /* total -1: not known yet */
/* Blocks that may have changed since: a bitmap for each file with any (path to rdb_slice *). *known false: the change map does
 * not reach so far back. */
bool source_changes(backup_source *source, rdb_lsn since, rdb_arena *arena, rdb_map *changes, bool *known, rdb_error *err);

/* ---- names (names.c) ----------------------------------------------------------------------------------------------------- */
/* Says of broken pages (rdb_manifest_page *) which relation they belong to, where the catalogs can: no error where they cannot. */
void name_relations(backup_source *source, rdb_arena *arena, const rdb_list *pages, const rdb_backup_watch *watch);

/* ---- archived log (point.c) --------------------------------------------------------------------------------------------- */
/* An object of wal/, as the file it was, into the directory; *found false: it is gone, or no log. */
bool archive_fetch_object(rdb_repository *repository, const char *object, const char *directory, bool *found, rdb_error *err);

/* ---- restore (restore.c) ---------------------------------------------------------------------------------------------------- */
extern const char *const RESTORE_DIRECTORIES[]; /* what an instance has, parents first */
#define RESTORE_DIRECTORY_COUNT 20u
/* Whether home may be restored into, and whether anything is there that must go or be kept aside first. Changes nothing. */
bool restore_look_at_home(const char *home, const rdb_restore_options *options, bool *is_half, bool *has_instance, rdb_error *err);

/* ---- digests and threads (common.c) ------------------------------------------------------------------------------------- */
typedef struct backup_digest backup_digest;
bool digest_create(backup_digest **digest, rdb_error *err);
void digest_reset(backup_digest *digest);
void digest_add(backup_digest *digest, const void *bytes, size_t length);
void digest_finish(backup_digest *digest, char text[RDB_DIGEST_TEXT_BYTES]); /* and resets */
void digest_destroy(backup_digest **digest);
void digest_text(const uint8_t digest[RDB_SHA256_BYTES], char text[RDB_DIGEST_TEXT_BYTES]);
void digest_of(const void *bytes, size_t length, char text[RDB_DIGEST_TEXT_BYTES]);

/* Calls run for item 0 .. count - 1 on so many threads; the first failure ends it. */
bool run_in_threads(uint32_t thread_count, uint32_t count, bool (*run)(void *context, uint32_t item_no, rdb_error *err), void *context,
                    rdb_error *err);
bool watch_interrupted(const rdb_backup_watch *watch, rdb_error *err); /* false with 57014 where it is */
void watch_note(const rdb_backup_watch *watch, const char *format, ...) RDB_PRINTF(2, 3);
void watch_total(const rdb_backup_watch *watch, const char *what, uint64_t bytes);
void watch_done(const rdb_backup_watch *watch, uint64_t bytes);

/* The first page of an instance's file, by the file's path. */
bool page_tag_of(const char *path, rdb_page_tag *tag); /* false: the file holds none */

#endif
