/* SPDX-License-Identifier: Apache-2.0
 * Room backup: repositories of backups, and instances made from them.
 *
 * A repository is a set of named objects: files under a directory, or objects on s3://bucket/prefix or sftp://host/path. Objects are
 * put, got, listed and removed, never renamed or appended to; none counts before a manifest names it.
 *
 *   rdb-repo.json                       {"format":"rdb-repository","version":1,"id","system_id","encryption":"none"|"aes-256-gcm",
 *                                        "key_check","check_sha256"}     the last: of the values before it, each with a zero byte behind
 *   keys/<n>.cms                        the repository's 32-byte key for one recipient: a DER CMS EnvelopedData
 *   keys/<n>.cms.sha256                 as sha256sum writes and checks it
 *   backup/<ID>/vol-<nnnnnn>.<ext>      a volume: data files          ID: 20261121T140355Z-F, the time in UTC and the type's letter
 *   backup/<ID>/wal-<nnnnnn>.<ext>      a volume: the log that makes the copy consistent
 *   backup/<ID>/progress.json[.cms]     while it is made: the volumes that stand; goes when the manifest comes
 *   backup/<ID>/manifest.json[.cms]     last: what the backup is made of
 *   backup/catalog.db[.cms]             SQLite: tables backup and drill, for people and scripts; made again from the rest
 *   wal/<name>.<ext>                    archived segments and histories, named as rdb_wal_archive.h does; a server's own archiver
 *                                       may write here too, as they are
 *   drills/<time>.json                  what came of a drill
 *   leases/<fence>-<random>.json        who works here now; runs out by itself
 *
 * ext is tar (archived segments: nothing), then .zst, .lz4 or .sz for the compression, then .cms where the repository is encrypted.
 *
 * A volume is a pax tar in one standard frame (zstd, lz4, snappy's framing format, or none). Its members:
 *   data/tables/17/16384                a whole file
 *   data/tables/17/16384@<16 hex>       the part of a larger file that begins at this offset
 * In an incremental a part is sparse (GNU.sparse 1.0): data where pages changed, holes where they are as in the backup it builds
 * on; holes are not looked at. A file lasts as long as the newest manifest lists it, and has the length that says.
 *
 * Encryption: each object but rdb-repo.json, keys, leases and drills is a DER CMS AuthEnvelopedData (AES-256-GCM with a content key of its own)
 * for one key-encryption-key recipient with id 01, which is the repository's key. So
 *   openssl cms -decrypt -inform DER -in keys/1.cms -pwri_password PASSPHRASE -out KEY             (or -secretkey, or -inkey)
 *   openssl cms -decrypt -inform DER -in X.cms -secretkey $(xxd -p -c 99 KEY) -secretkeyid 01 -out X
 * opens everything. Who may open is said by keys/ alone: recipients come and go without an object being written again.
 *
 * manifest.json: one object with
 *   format "rdb-backup", version 1, id, type, label, parent, parent_manifest_sha256, system_id, instance_id, timeline, page_bytes,
 *   wal_segment_bytes, rdb_version, compression, compression_level, encryption,
 *   started, stopped: {time, lsn, scn}   was_running   has_secrets   secrets_left_out   databases: [name]   directories: [path]
 *   objects: [{name, bytes, sha256, crc32c}]     bytes and digest as stored; volumes are named by their position in this list;
 *            crc32c: of each 64 KiB of it, eight hexadecimal digits a piece, so that damage has a place
 *   files:   [{path, length, parts: [[object, offset, length, data_bytes, sha256]]}]   sha256 of the data, holes left out
 *   degraded: [{path, block, what, relation}]   pages that were broken already when they were read; relation: database.schema.name, where
 *            the catalogs could be read
 *   bytes_read, bytes_stored   label_file: of rdb_recovery.h, for who looks how far archived log reaches
 *   audit_head                 the newest signed head of the audit log when it ended (rdb_audit.h), or "": rdb-audit verify --witness reads it
 *   content_sha256             last: of the bytes before its comma
 * LSNs are written as PostgreSQL writes them. The manifest's own digest stands in its child (parent_manifest_sha256). */
#ifndef RDB_BACKUP_H
#define RDB_BACKUP_H

#include "instance/rdb_instance.h"
#include "storage/rdb_storage.h"
#include "upkeep/rdb_recovery.h"

/* ---- repositories ------------------------------------------------------------------------------------------------- */
typedef struct rdb_repository rdb_repository; /* opened once, used by any thread */

/* Where keys come from; at most one of each kind. Secrets are read from files, never from a command line. */
typedef struct rdb_backup_keys {
    const char *key_path;         /* 32 bytes, or 64 hexadecimal digits */
    const char *passphrase_path;  /* its first line */
    const char *certificate_path; /* PEM: a recipient who is not here */
    const char *identity_path;    /* PEM: the private key of such a certificate (the certificate may stand in the same file) */
    bool (*ask)(void *context, bool is_new, char *passphrase, size_t size); /* NULL: nobody can be asked */
    void *ask_context;
} rdb_backup_keys;
typedef struct rdb_repository_options {
    const char *url;      /* a directory, s3://bucket/prefix, sftp://[user@]host[:port]/path, - (a tar of one backup on stdout) */
    rdb_backup_keys keys;
    bool create;          /* make it where there is none yet */
    bool encrypt;         /* ... encrypted with one of the keys */
    uint64_t system_id;   /* ... for this instance */
} rdb_repository_options;
/* 58P01: there is none. 28P01: no key given opens it. 55000: it belongs to another instance (system_id not 0 and different). */
RDB_CHECKED bool rdb_repository_open(rdb_repository **repository, const rdb_repository_options *options, rdb_error *err);
void rdb_repository_close(rdb_repository **repository); /* NULL inside is fine */
bool rdb_repository_is_encrypted(const rdb_repository *repository);
const char *rdb_repository_url(const rdb_repository *repository);

/* Unpacks such a stream into a directory, which then is a repository. XX001: it is cut, or something else. */
RDB_CHECKED bool rdb_repository_spool(int fd, const char *directory, rdb_error *err);

/* Puts a text on record as <folder>/<time>.json. */
RDB_CHECKED bool rdb_repository_record(rdb_repository *repository, const char *folder, const char *text, rdb_error *err);

/* Recipients of an encrypted repository, by the number of their file in keys/. */
typedef struct rdb_recipient {
    uint32_t number;
    const char *kind; /* passphrase, key file, certificate */
} rdb_recipient;
RDB_CHECKED bool rdb_recipient_list(rdb_repository *repository, rdb_arena *arena, rdb_list *recipients, rdb_error *err);
RDB_CHECKED bool rdb_recipient_add(rdb_repository *repository, const rdb_backup_keys *keys, uint32_t *number, rdb_error *err);
/* 55000: it is the last one, or there is none of that number. */
RDB_CHECKED bool rdb_recipient_remove(rdb_repository *repository, uint32_t number, rdb_error *err);

/* ---- manifests ---------------------------------------------------------------------------------------------------- */
typedef enum rdb_backup_type { RDB_BACKUP_FULL, RDB_BACKUP_INCREMENTAL, RDB_BACKUP_DIFFERENTIAL, RDB_BACKUP_PITR_BASE } rdb_backup_type;
extern const char *const RDB_BACKUP_TYPES[]; /* their names, NULL at the end */
typedef enum rdb_compression { RDB_COMPRESS_NONE, RDB_COMPRESS_LZ4, RDB_COMPRESS_ZSTD, RDB_COMPRESS_SNAPPY } rdb_compression;
extern const char *const RDB_COMPRESSIONS[];
/* "zstd", "zstd:9": level 0 where none is named. False: 22023. */
RDB_CHECKED bool rdb_compression_parse(const char *text, rdb_compression *compression, int *level, rdb_error *err);

#define RDB_DIGEST_TEXT_BYTES 65 /* SHA-256 in hexadecimal and a zero byte */
#define RDB_BACKUP_ID_BYTES 24

typedef struct rdb_backup_moment {
    int64_t time_us; /* timestamptz */
    rdb_lsn lsn;
    rdb_scn scn;
} rdb_backup_moment;
typedef struct rdb_manifest_object {
    const char *name; /* inside the backup's folder */
    uint64_t bytes;
    char sha256[RDB_DIGEST_TEXT_BYTES];
    const char *crc32c; /* of each RDB_OBJECT_PIECE_BYTES of it, in hexadecimal */
} rdb_manifest_object;
#define RDB_OBJECT_PIECE_BYTES 65536u
typedef struct rdb_manifest_part {
    uint32_t object_no;
    uint64_t offset, length, data_bytes;
    char sha256[RDB_DIGEST_TEXT_BYTES];
} rdb_manifest_part;
typedef struct rdb_manifest_file {
    const char *path; /* in the instance directory */
    uint64_t length;
    rdb_manifest_part *parts; /* by offset; none: as in the parent */
    uint32_t part_count;
} rdb_manifest_file;
typedef struct rdb_manifest_page {
    const char *path, *what, *relation; /* relation "": not known */
    uint64_t block;
} rdb_manifest_page;
typedef struct rdb_manifest {
    char id[RDB_BACKUP_ID_BYTES], parent[RDB_BACKUP_ID_BYTES]; /* parent "": none */
    char parent_sha256[RDB_DIGEST_TEXT_BYTES], sha256[RDB_DIGEST_TEXT_BYTES]; /* its own: of the bytes as they were read */
    rdb_backup_type type;
    rdb_compression compression;
    int compression_level;
    const char *label, *instance_id, *rdb_version, *label_file, *audit_head; /* label_file: the text that rdb_recovery.h draws */
    uint64_t system_id, bytes_read, bytes_stored;
    uint32_t timeline, page_bytes, wal_segment_bytes;
    rdb_backup_moment started, stopped;
    bool was_running, has_secrets, secrets_left_out, is_encrypted, is_synthetic;
    rdb_list databases, directories; /* const char * */
    rdb_list objects;                /* rdb_manifest_object * */
    rdb_list files;                  /* rdb_manifest_file *, by path */
    rdb_list degraded;               /* rdb_manifest_page * */
    int64_t rested_us;               /* by all threads, behind the server's clients; of the backup just taken, not kept */
} rdb_manifest;
/* All backups whose manifest stands, the oldest first: rdb_manifest * in the arena. What cannot be read goes to broken
 * (NULL: is an error) as a const char * that says why. */
RDB_CHECKED bool rdb_backup_list(rdb_repository *repository, rdb_arena *arena, rdb_list *manifests, rdb_list *broken, rdb_error *err);
/* id "latest", "latest-full", an ID, or the beginning of one alone. 58P01: there is none. */
RDB_CHECKED bool rdb_backup_find(rdb_repository *repository, const char *id, rdb_arena *arena, rdb_manifest **manifest, rdb_error *err);
/* The backups that make this one, the full one first; each one's digest is checked against what its child says. */
RDB_CHECKED bool rdb_backup_chain(rdb_repository *repository, rdb_manifest *newest, rdb_arena *arena, rdb_list *chain, rdb_error *err);

/* What the work says while it goes on; any thread, one at a time. */
typedef struct rdb_backup_watch {
    void (*total)(void *context, const char *what, uint64_t bytes); /* a stage begins */
    void (*done)(void *context, uint64_t bytes);
    void (*note)(void *context, const char *text); /* a line for people */
    bool (*is_interrupted)(void *context);         /* 57014 then */
    void *context;
} rdb_backup_watch;

/* ---- taking ------------------------------------------------------------------------------------------------------- */
typedef struct rdb_backup_options {
    const char *home, *label;
    rdb_backup_type type;
    const char *parent; /* of an incremental; NULL: the newest that fits */
    rdb_compression compression;
    int compression_level;
    uint32_t thread_count;
    bool threads_given; /* else half of them do where it steps back */
    uint64_t rate;      /* bytes a second; 0: no limit */
    bool include_secrets, dry_run, no_resume;
    bool steps_back;    /* behind the clients of a server that is at work; else its checkpoint, the processors and the disk are taken as they come */
    const rdb_backup_watch *watch;
} rdb_backup_options;
/* Copies the instance, running or stopped (then under its lock). The manifest is in the arena; pages found broken are in
 * its list and no error. */
RDB_CHECKED bool rdb_backup_take(rdb_repository *repository, const rdb_backup_options *options, rdb_arena *arena, rdb_manifest **manifest,
                                 rdb_error *err);

/* ---- merging ------------------------------------------------------------------------------------------------------ */
typedef struct rdb_merge_options {
    const char *scratch, *label; /* where to lay out what incrementals hold (NULL: TMPDIR); label NULL: the newest one's */
    bool compression_given;      /* else as the newest one */
    rdb_compression compression;
    int compression_level;
    uint32_t thread_count;
    bool dry_run;
    const rdb_backup_watch *watch;
} rdb_merge_options;
/* Makes a full backup of the newest one and what it builds on, from their objects alone; it stands for the same moment. *made false: the
 * newest is full already (or it is a dry run), and *manifest is it. */
RDB_CHECKED bool rdb_backup_merge(rdb_repository *repository, const rdb_merge_options *options, rdb_arena *arena, rdb_manifest **manifest, bool *made, rdb_error *err);

/* ---- checking ----------------------------------------------------------------------------------------------------- */
typedef enum rdb_verify_level { RDB_VERIFY_META, RDB_VERIFY_HASH, RDB_VERIFY_PAGE } rdb_verify_level;
typedef struct rdb_verify_finding {
    const char *object;  /* its whole name in the repository */
    const char *what;    /* a sentence */
    const char *path;    /* of the file inside, or NULL */
    uint64_t offset;     /* in the object or the file */
} rdb_verify_finding;
/* Looks at one backup and what it builds on. Findings (rdb_verify_finding *) are no error. */
RDB_CHECKED bool rdb_backup_verify(rdb_repository *repository, const rdb_manifest *manifest, rdb_verify_level level, uint32_t thread_count,
                                   const rdb_backup_watch *watch, rdb_arena *arena, rdb_list *findings, rdb_error *err);

/* ---- the catalog -------------------------------------------------------------------------------------------------- */
/* Makes backup/catalog.db say what the manifests say, and table backup of home's data/meta/catalog.db (NULL: of none) too. from_scratch:
 * nothing of the old one is taken over. */
RDB_CHECKED bool rdb_catalog_refresh(rdb_repository *repository, const char *home, bool from_scratch, uint32_t *backup_count, rdb_error *err);

/* ---- retention ---------------------------------------------------------------------------------------------------- */
typedef struct rdb_retention { /* a backup stays if any of them says so; 0: says nothing */
    uint32_t full_count;                        /* the newest full backups and all since */
    uint32_t days;                              /* each moment of the last days can be reached */
    uint32_t daily, weekly, monthly, yearly;    /* the newest of each of so many days, weeks ... that have any */
    uint64_t size_bytes;                        /* then the oldest chains go until the rest takes no more; the newest stays */
} rdb_retention;
typedef struct rdb_verdict {
    const rdb_manifest *manifest;
    const char *reason; /* why it stays; NULL: it goes */
    bool holds_log;     /* archived log from it on stays too */
} rdb_verdict;
/* rdb_verdict * for each backup, the oldest first. */
RDB_CHECKED bool rdb_backup_judge(rdb_repository *repository, const rdb_retention *retention, rdb_arena *arena, rdb_list *verdicts, rdb_list *broken, rdb_error *err);
/* Does so, and removes what goes, archived log that nothing needs, and what was left by work that was cut short. */
RDB_CHECKED bool rdb_backup_expire(rdb_repository *repository, const rdb_retention *retention, bool dry_run, rdb_arena *arena, rdb_list *verdicts,
                                   rdb_list *broken, uint32_t *log_count, rdb_error *err);

/* ---- restoring ---------------------------------------------------------------------------------------------------- */
typedef struct rdb_restore_options {
    const char *home;
    uint32_t thread_count;
    bool dry_run;
    bool replace; /* home may be an instance: its data is kept aside as data.before-<time> */
    bool delta;   /* home may be an instance: what is right already stays */
    bool log_from_archive; /* the target's archive has all: the log that came with the backup is left out */
    bool stop_archiving; /* by a file in conf/overrides.d: a copy must not archive into its origin's archive */
    const char *const *settings; /* "section.key=value": what is different in the new place, by the same kind of file */
    uint32_t setting_count;
    const rdb_recovery_target *target; /* NULL: the end of the backup */
    const rdb_backup_watch *watch;
} rdb_restore_options;
typedef struct rdb_restore_report {
    uint32_t chain_length, files, objects;
    uint64_t bytes_total, bytes_written, bytes_kept, bytes_fetched; /* total: what the backups hold for it */
    uint64_t bytes_free;  /* in the new place, before */
    double seconds_guess; /* of a dry run: as one object was read */
    char kept_aside[256]; /* what replace left */
    bool made_secrets;
} rdb_restore_report;
/* The newest backup (id NULL, else that one) from which the log in the archive reaches the target, and how far it reaches; names
 * of restore points go to points (const char *, may be NULL). Nothing is written. 55000: no backup reaches it; the detail names the
 * nearest moments that can be reached. */
RDB_CHECKED bool rdb_backup_choose(rdb_repository *repository, const char *id, const rdb_recovery_target *target, rdb_arena *arena,
                                   rdb_manifest **manifest, rdb_recovery_reach *reach, rdb_list *points, rdb_error *err);
/* How far archived log takes one backup: end_lsn, and missing_lsn where a gap ends it. 55000, 58P01: not at all. */
RDB_CHECKED bool rdb_backup_look(const rdb_manifest *manifest, const rdb_recovery_target *target, rdb_arena *arena, rdb_recovery_reach *reach, rdb_list *points, rdb_error *err);
/* Where the repository's own archive (wal/) lies as a directory that a server can read, "" where it is none such. */
void rdb_repository_archive_directory(const rdb_repository *repository, char *path, size_t size);
/* Puts one archived file (a finished segment, a history) into the repository's wal/, or gets it from there. */
RDB_CHECKED bool rdb_archive_put(rdb_repository *repository, const char *path, rdb_error *err);
RDB_CHECKED bool rdb_archive_get(rdb_repository *repository, const char *name, const char *path, bool *found, rdb_error *err);
/* All of it into a directory. */
RDB_CHECKED bool rdb_archive_fetch(rdb_repository *repository, const char *directory, uint32_t *count, rdb_error *err);

/* Makes an instance of the chain's newest backup. While it is not whole, data/RESTORING keeps it from being served. */
RDB_CHECKED bool rdb_backup_restore(rdb_repository *repository, rdb_manifest *newest, const rdb_restore_options *options,
                                    rdb_restore_report *report, rdb_error *err);

/* ---- repairing ---------------------------------------------------------------------------------------------------- */
typedef struct rdb_repair_options {
    const char *home; /* of an instance, served or at rest; served: every resource is registered all the same, redo is done here */
    const char *page; /* of which file, below data/: "tables/17/16384"; or of which relation: "[database.][schema.]name" */
    uint64_t block;
    const char *archive_directory; /* "": none, the instance's own log goes back far enough */
    bool dry_run;
    const rdb_backup_watch *watch;
} rdb_repair_options;
typedef struct rdb_repair_report {
    rdb_arena *arena;
    const char *path, *relation; /* relation "": not known */
    char backup_id[RDB_BACKUP_ID_BYTES]; /* that it was made of, "": of none */
    bool was_served;
    bool was_sound;     /* nothing was done */
    bool was_in_memory; /* broken on disk alone: its server wrote it again */
    char what[120];     /* was wrong with it */
    rdb_lsn lsn;        /* of the page that stands there now */
} rdb_repair_report;
/* Makes one page what it would be, by a backup (NULL: the newest from which it can be made) and all log since. 55000: the log does not reach
 * its end. XX001: there is no whole state of the page to begin with. */
RDB_CHECKED bool rdb_backup_repair_page(rdb_repository *repository, rdb_manifest *manifest, const rdb_repair_options *options, rdb_arena *arena, rdb_repair_report *report,
                                        rdb_error *err);

#endif
