/* SPDX-License-Identifier: Apache-2.0
 * Room audit: the audit trail as files: what an event is, the log of JSON lines with its chain of hashes, the signed heads, and
 * their check. It knows files and keys, no SQL; capturing stands in session/audit.c. README.md tells the whole.
 *
 * A batch: what one WAL record says for the audit, as payload RDB_AUDIT_PAYLOAD of a commit record, or as the main data of a record
 * of RDB_RESOURCE_AUDIT:
 *    0  1  version 3            1  1  flags: 1 the session's part is a reference      2  2  zero       4  4  bytes of the session's part
 *    8     the session's part: JSON members, each with a comma before it (,"login":"admin",...), or 8 bytes of a reference to them
 *    .     events:
 *             0  4  bytes of the event, this header included       4  1  class RDB_AUDIT_*
 *             5  1  flags RDB_AUDIT_EVENT_*, and 128: a reference comes first
 *             6  2  zero             8  8  wall time (timestamptz us)       16  8  rows, UINT64_MAX: does not apply
 *            24     the reference, 8 bytes, if there is one; JSON members, each with a comma before it (,"action":"INSERT",...)
 *    Versions 1 and 2 have no references, version 1 no event with RDB_AUDIT_EVENT_APART.
 * A reference is the LSN of a record RDB_AUDIT_OP_TEXT, whose main data are the JSON members meant. It never leads behind the redo point
 * that was the last one before the record it stands in: whoever has the log from a redo point on has the texts of all that follows.
 *
 * logs/audit.log: lines of JSON. The first line of a file says which records it holds:
 *     {"audit":1,"instance":"<system id>","first":N,"chain":"<64 hex>"}         chain: the hash of record N - 1
 * then a line a record, numbers without gaps:
 *     {"seq":N,"time":"...",...,"lsn":"H/L","part":I,"hash":"<64 hex>"}
 * hash of record N = SHA-256(hash of record N - 1 as 32 bytes, the line's bytes before ,"hash":"). The hash before record 1 is
 * SHA-256("rustydb audit <system id>"). lsn and part: the WAL record and the event in it that the line was made of: after a crash the
 * log goes on behind its last whole line. A full file is renamed to audit.log.<20 digits: its first record>.
 *
 * logs/audit.heads: a signed line for each head, one a second at most, whose previous is the SHA-256 of the line before it:
 *     {"head":K,"kind":"head","time":"...","instance":"...","first":N,"size":M,"chain":"..","root":"..","lsn":"H/L","part":I,
 *      "previous":"..","signature":"<base64>"}
 * M records are in the log; chain: the hash of record M; root: of the Merkle tree (RFC 6962) over the hashes of records N .. M, N the
 * first one of record M's file. The signature (Ed25519) is over the line's bytes before ,"signature":". Other kinds:
 *     prune     records before "first" were removed by rdb-audit prune; size, chain as in a head
 *     continue  the log goes on with record M + 1 without its former files: a restored instance, or files that were damaged */
#ifndef RDB_AUDIT_H
#define RDB_AUDIT_H

#include "crypto/rdb_crypto.h"

#define RDB_AUDIT_PAYLOAD 2u     /* kind in a commit record */
enum { RDB_AUDIT_OP_EVENTS = 1, RDB_AUDIT_OP_MARK = 2 /* means nothing */, RDB_AUDIT_OP_TEXT = 3 }; /* of RDB_RESOURCE_AUDIT */
#define RDB_AUDIT_BATCH_HEADER_BYTES 8u
#define RDB_AUDIT_EVENT_HEADER_BYTES 24u
#define RDB_AUDIT_NO_ROWS UINT64_MAX

typedef enum rdb_audit_class {
    RDB_AUDIT_SESSION = 1, /* logins, failed ones, ends of sessions */
    RDB_AUDIT_READ,        /* SELECT, COPY TO */
    RDB_AUDIT_WRITE,       /* INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY FROM */
    RDB_AUDIT_FUNCTION,    /* CALL, the fast path's function calls */
    RDB_AUDIT_ROLE,        /* roles, GRANT, REVOKE */
    RDB_AUDIT_DDL,         /* definitions that are not ROLE */
    RDB_AUDIT_MISC,        /* BEGIN, COMMIT, SET, FETCH, VACUUM, ... */
    RDB_AUDIT_CONFIG,      /* settings of the server, a database, a role */
    RDB_AUDIT_POLICY,      /* audit policies, auditing itself begins or ends, gaps */
    RDB_AUDIT_TOOL,        /* programs: rdb-init, rdb-backup, rdb-restore, rdb-vacuum, rdb-audit */
    RDB_AUDIT_CLASS_COUNT
} rdb_audit_class;
extern const char *const RDB_AUDIT_CLASSES[]; /* their names, [0] is "" */
#define RDB_AUDIT_BIT(class) (UINT32_C(1) << (class))
/* A word of security.audit.log_statements: a class, DML (write), DCL (role), ALL, NONE; with - before it the class is taken out again.
 * Changes *classes; false: there is no such word. */
bool rdb_audit_read_class(const char *word, uint32_t *classes);

enum {
    RDB_AUDIT_EVENT_FAILED = 1, /* the statement failed */
    RDB_AUDIT_EVENT_UNDONE = 2, /* it was done and rolled back */
    RDB_AUDIT_EVENT_OPEN = 4,   /* its transaction had not ended yet: another record tells its end */
    RDB_AUDIT_EVENT_APART = 8   /* it stands with a commit and is none of what that commits: it succeeded */
};

/* ---- batches ------------------------------------------------------------------------------------------------------- */
typedef struct rdb_audit_event {
    rdb_audit_class class;
    unsigned flags;
    int64_t wall_us;
    uint64_t rows;
    uint64_t text_lsn; /* the reference that comes before the members; 0: none */
    rdb_slice members; /* JSON, each with a comma before it */
} rdb_audit_event;
typedef struct rdb_audit_part { /* the session's, in a batch: a reference or members */
    uint64_t text_lsn;
    rdb_slice members;
} rdb_audit_part;
void rdb_audit_batch_begin(rdb_strbuf *batch, const char *session_members, size_t length);
void rdb_audit_batch_begin_referring(rdb_strbuf *batch, uint64_t session_text_lsn);
size_t rdb_audit_batch_first(const rdb_strbuf *batch); /* where its first event begins, or will */
/* Where the event begins in the batch: rdb_audit_batch_set_flags may still mark it. */
size_t rdb_audit_batch_add(rdb_strbuf *batch, const rdb_audit_event *event);
void rdb_audit_batch_set_flags(rdb_strbuf *batch, size_t at, unsigned flags); /* of all events from there on, added to what they have */
/* Takes a batch apart: session gets its part, *at (0 at first) moves on; false at the end, or where it is malformed (*bad). */
bool rdb_audit_batch_next(const uint8_t *batch, uint32_t length, uint32_t *at, rdb_audit_part *session, rdb_audit_event *event, bool *bad);
uint64_t rdb_audit_batch_oldest_text(const void *batch, uint32_t length); /* the lowest of its references; 0: it has none */
/* What a reference means; the text stays for as long as the batch is looked at. */
typedef bool (*rdb_audit_text_of)(void *context, uint64_t text_lsn, rdb_slice *text, rdb_error *err);
/* Adds the same batch without references to whole. */
RDB_CHECKED bool rdb_audit_batch_expand(const void *batch, uint32_t length, rdb_audit_text_of text_of, void *context, rdb_strbuf *whole, rdb_error *err);
/* Adds ,"key":"text" with text escaped. */
void rdb_audit_add_member(rdb_strbuf *members, const char *key, const char *text, size_t length);

/* ---- keys ---------------------------------------------------------------------------------------------------------- */
/* An Ed25519 key pair: the private one in conf/secrets/keys/audit.key (PEM, 0600), the public one in conf/audit.pub. */
typedef struct rdb_audit_key rdb_audit_key;
#define RDB_AUDIT_KEY_FILE "conf/secrets/keys/audit.key"
#define RDB_AUDIT_PUBLIC_FILE "conf/audit.pub"
RDB_CHECKED bool rdb_audit_key_make(const char *home, rdb_error *err);    /* where there is none yet */
RDB_CHECKED bool rdb_audit_key_open(rdb_audit_key **key, const char *path, bool is_private, rdb_error *err);
void rdb_audit_key_close(rdb_audit_key **key);
#define RDB_AUDIT_SIGNATURE_BYTES 64u
RDB_CHECKED bool rdb_audit_key_sign(const rdb_audit_key *key, const void *bytes, size_t length, uint8_t signature[RDB_AUDIT_SIGNATURE_BYTES], rdb_error *err);
bool rdb_audit_key_verifies(const rdb_audit_key *key, const void *bytes, size_t length, const uint8_t signature[RDB_AUDIT_SIGNATURE_BYTES]);

/* ---- the chain ------------------------------------------------------------------------------------------------------ */
typedef struct rdb_audit_chain {
    uint64_t first, size;                 /* the tree holds records first .. size */
    uint8_t hash[RDB_SHA256_BYTES];       /* of record size */
    uint8_t peaks[64][RDB_SHA256_BYTES];  /* whole subtrees, the largest first, one for each bit of size + 1 - first */
} rdb_audit_chain;
void rdb_audit_chain_genesis(rdb_audit_chain *chain, uint64_t system_id);
/* A new tree that begins behind record size. */
void rdb_audit_chain_restart(rdb_audit_chain *chain, uint64_t size, const uint8_t hash[RDB_SHA256_BYTES]);
void rdb_audit_chain_add(rdb_audit_chain *chain, const void *line, size_t length); /* the line up to ,"hash":" */
void rdb_audit_chain_root(const rdb_audit_chain *chain, uint8_t root[RDB_SHA256_BYTES]);
void rdb_audit_hex(const uint8_t *bytes, size_t length, char *text); /* and a zero byte */
bool rdb_audit_unhex(const char *text, size_t length, uint8_t *bytes); /* length digits */

/* A head as its line says it. */
typedef struct rdb_audit_head {
    uint64_t number, first, size, lsn, part, system_id;
    int64_t time_us;
    char kind[12];
    uint8_t chain[RDB_SHA256_BYTES], root[RDB_SHA256_BYTES], previous[RDB_SHA256_BYTES];
    uint8_t signature[RDB_AUDIT_SIGNATURE_BYTES];
    size_t signed_bytes; /* of the line */
} rdb_audit_head;
RDB_CHECKED bool rdb_audit_head_print(const rdb_audit_head *head, const rdb_audit_key *key, rdb_strbuf *line, rdb_error *err); /* with its signature and newline */
bool rdb_audit_head_parse(const char *line, size_t length, rdb_audit_head *head); /* without newline; false: it is none */
bool rdb_audit_head_is_signed(const rdb_audit_head *head, const char *line, const rdb_audit_key *key);

/* ---- the log -------------------------------------------------------------------------------------------------------- */
typedef struct rdb_audit_log rdb_audit_log; /* one thread at a time */
typedef struct rdb_audit_log_config {
    const char *home, *directory; /* directory: logs/ */
    uint64_t system_id;
    uint64_t file_bytes_max;      /* a file is full from there on */
    uint64_t start_lsn;           /* a new log begins with what stands in the WAL from there on */
} rdb_audit_log_config;
typedef struct rdb_audit_source { /* a record of the WAL with a batch in it */
    uint64_t lsn, xid, scn; /* scn 0: it is no commit */
    int64_t wall_us;        /* of the commit */
    const uint8_t *batch;
    uint32_t length;
    rdb_audit_text_of text_of; /* NULL: there are no references in it */
    void *context;
} rdb_audit_source;
/* Opens or makes the log and finds where it ends: what a crash tore off the end behind the last signed head goes. Files that do not reach
 * the last head are moved aside (their name gets ".damaged") and the log goes on behind that head; *is_damaged tells. */
RDB_CHECKED bool rdb_audit_log_open(rdb_audit_log **log, const rdb_audit_log_config *config, bool *is_damaged, rdb_error *err);
void rdb_audit_log_close(rdb_audit_log **log); /* nothing is written any more: seal first */
/* The last record's origin: all WAL records before lsn, and the events of lsn's up to part, are in the log. lsn is no multiple of 8
 * while the log is new: what comes next begins behind it. */
void rdb_audit_log_position(const rdb_audit_log *log, uint64_t *lsn, uint64_t *part);
/* The log goes on with what begins at this position of the WAL, whatever it held before. */
void rdb_audit_log_rebase(rdb_audit_log *log, uint64_t lsn);
/* All of the WAL before this position is in the log: heads say so, and the WAL may go. */
void rdb_audit_log_pass(rdb_audit_log *log, uint64_t lsn);
/* What of it is not in the log yet becomes lines in memory. */
RDB_CHECKED bool rdb_audit_log_add(rdb_audit_log *log, const rdb_audit_source *source, rdb_error *err);
/* Writes them out, where they are many whole blocks of 4 KiB of them. A failure leaves in memory what is not in the file: call again. */
RDB_CHECKED bool rdb_audit_log_write(rdb_audit_log *log, rdb_error *err);
/* Writes all of them, makes them durable and signs a head. */
RDB_CHECKED bool rdb_audit_log_seal(rdb_audit_log *log, rdb_error *err);
/* An event that comes from no WAL record: a gap, say. */
RDB_CHECKED bool rdb_audit_log_note(rdb_audit_log *log, const uint8_t *batch, uint32_t length, rdb_error *err);
/* Removes the files of records before first, which is the first one of a file; says so in a record and in a signed head. */
RDB_CHECKED bool rdb_audit_log_prune(rdb_audit_log *log, uint64_t first, rdb_error *err);
uint64_t rdb_audit_log_size(const rdb_audit_log *log);          /* records in it, those in memory too */
uint64_t rdb_audit_log_pending_bytes(const rdb_audit_log *log); /* in memory */
uint64_t rdb_audit_log_durable_lsn(const rdb_audit_log *log);   /* of the last record under a head: the WAL is needed from there on */

/* ---- checking ------------------------------------------------------------------------------------------------------- */
typedef struct rdb_audit_finding {
    uint64_t record, last; /* the first one that is not what was written, 0: a head is meant; last: the last such, 0: unknown */
    uint64_t head;         /* the head that is not, or that proves it; 0: none */
    const char *file;      /* name without directory */
    uint64_t line;         /* in the file, from 1 on; 0: none */
    char problem[256];     /* a sentence without its period */
} rdb_audit_finding;
typedef struct rdb_audit_verified {
    uint64_t first, size, bytes, files, heads, findings;
    uint64_t signed_size; /* records under a signed head */
    uint64_t last_head;
    int64_t last_head_us;
} rdb_audit_verified;
typedef struct rdb_audit_verify_options {
    const char *directory, *public_key_path;
    const char *const *witness_paths; /* files with lines of heads, kept elsewhere: each must fit the log */
    uint32_t witness_count;
    void (*complain)(void *context, const rdb_audit_finding *finding);
    void *context;
} rdb_audit_verify_options;
/* Files and the public key alone. False: it could not be done; findings are no error. It stops at the first bad record of the log. */
RDB_CHECKED bool rdb_audit_verify(const rdb_audit_verify_options *options, rdb_audit_verified *verified, rdb_error *err);

/* The files of a log in order, the running one last: names without directory, in the arena. */
RDB_CHECKED bool rdb_audit_files(const char *directory, rdb_arena *arena, rdb_list *names, rdb_error *err);

/* ---- what programs did ------------------------------------------------------------------------------------------------ */
/* action and what they did it to, as members of an event of class RDB_AUDIT_TOOL. */
void rdb_audit_tool_members(rdb_strbuf *members, const char *program, const char *action, const char *what);
/* On an instance that no server runs on: a line in data/meta/audit.notes, of which the next start with auditing makes a record. */
RDB_CHECKED bool rdb_audit_note_at_rest(const char *home, const char *program, const char *action, bool succeeded, const char *what, rdb_error *err);
bool rdb_audit_was_on(const char *home); /* it has a log */
/* At a start: those lines become records in memory. Seal, then forget them: a crash between the two has them told twice. */
RDB_CHECKED bool rdb_audit_log_take_notes(rdb_audit_log *log, const char *home, bool *any, rdb_error *err);
RDB_CHECKED bool rdb_audit_forget_notes(const char *home, rdb_error *err);

#endif
