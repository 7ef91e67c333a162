/* SPDX-License-Identifier: Apache-2.0
 * What the proofs share: an instance small enough to be copied thousands of times, the engine in this process, and sessions that take
 * statements as text and give rows as text. */
#ifndef RDB_TESTS_PROOF_H
#define RDB_TESTS_PROOF_H

#include "audit/rdb_audit.h"
#include "instance/rdb_instance.h"
#include "session/session_int.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROOF_CHECK(condition)                                                              \
    do {                                                                                    \
        if (!(condition)) {                                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                 \
            abort();                                                                        \
        }                                                                                   \
    } while (0)
/* A step that must work; what its error says is shown where it does not. */
#define PROOF_MUST(step)                                                                    \
    do {                                                                                    \
        rdb_error proof_error = {0}, *err = &proof_error;                                   \
        if (!(step)) {                                                                      \
            fprintf(stderr, "%s:%d: %s: %s %s (%s)\n", __FILE__, __LINE__, #step, err->sqlstate, rdb_error_message(err), rdb_error_detail_text(err)); \
            abort();                                                                        \
        }                                                                                   \
    } while (0)

typedef struct proof_session {
    rdb_session *session;
    rdb_strbuf output; /* messages of the last statement */
    rdb_strbuf rows;   /* a line a row, columns apart by '|', NULL as nothing */
    char sqlstate[6];  /* of its error, "" where there was none */
    char message[512];
} proof_session;

static inline bool proof_drop_output(void *output)
{
    (void)output;
    return true;
}

static inline bool proof_no_copy(void *output, char *type, const uint8_t **body, size_t *length)
{
    (void)output;
    *type = 0;
    *body = NULL;
    *length = 0;
    return false;
}

static inline bool proof_session_try(proof_session *s, rdb_engine *engine, const char *database_name, rdb_error *err)
{
    rdb_role role;
    rdb_database *database = NULL;
    bool found = false;
    static _Atomic uint32_t pids = 1000;
    memset(s, 0, sizeof *s);
    rdb_strbuf_init(&s->output, NULL);
    rdb_strbuf_init(&s->rows, NULL);
    const session_owner owner = {.context = &s->output, .output = &s->output, .flush = proof_drop_output, .next_copy_message = proof_no_copy};
    if (!rdb_role_find(rdb_engine_catalog(engine), "admin", &role, &found, err) || !rdb_database_open_any(rdb_engine_catalog(engine), database_name, &database, err))
        return false;
    PROOF_CHECK(found);
    if (session_create(&s->session, engine, database, &role, ++pids, &owner, err))
        return true;
    rdb_database_close(&database);
    return false;
}

static inline void proof_session_open(proof_session *s, rdb_engine *engine, const char *database_name)
{
    PROOF_MUST(proof_session_try(s, engine, database_name, err));
}

static inline void proof_session_close(proof_session *s)
{
    session_destroy(&s->session);
    rdb_strbuf_free(&s->output);
    rdb_strbuf_free(&s->rows);
}

static inline uint32_t proof_be32(const char *at)
{
    const uint8_t *b = (const uint8_t *)at;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Runs one Query message; true where no error came. */
static inline bool proof_run(proof_session *s, const char *sql)
{
    rdb_strbuf_clear(&s->output);
    rdb_strbuf_clear(&s->rows);
    s->sqlstate[0] = s->message[0] = '\0';
    session_simple_query(s->session, sql);
    session_now_idle(s->session);
    for (size_t at = 0; at + 5 <= s->output.length;) {
        const char *body = s->output.data + at + 5;
        const uint32_t length = proof_be32(s->output.data + at + 1);
        if (s->output.data[at] == 'E') {
            for (const char *field = body; *field != '\0'; field += strlen(field) + 1) {
                if (*field == 'C')
                    snprintf(s->sqlstate, sizeof s->sqlstate, "%s", field + 1);
                else if (*field == 'M')
                    snprintf(s->message, sizeof s->message, "%s", field + 1);
            }
        } else if (s->output.data[at] == 'D') {
            const uint32_t columns = (uint32_t)(uint8_t)body[0] << 8 | (uint8_t)body[1];
            body += 2;
            for (uint32_t i = 0; i < columns; i++) {
                const int32_t bytes = (int32_t)proof_be32(body);
                body += 4;
                if (i > 0)
                    rdb_strbuf_addc(&s->rows, '|');
                if (bytes > 0) {
                    rdb_strbuf_add(&s->rows, body, (size_t)bytes);
                    body += bytes;
                }
            }
            rdb_strbuf_addc(&s->rows, '\n');
        }
        at += 1 + (size_t)length;
    }
    return s->sqlstate[0] == '\0';
}

static inline const char *proof_rows(const proof_session *s)
{
    return s->rows.data != NULL ? s->rows.data : "";
}

#define PROOF_RUN(s, sql)                                                                                                 \
    do {                                                                                                                  \
        if (!proof_run((s), (sql))) {                                                                                     \
            fprintf(stderr, "%s:%d: %s: %s %s\n", __FILE__, __LINE__, (sql), (s)->sqlstate, (s)->message);                \
            abort();                                                                                                      \
        }                                                                                                                 \
    } while (0)

/* ---- instances --------------------------------------------------------------------------------------------------------- */
#define PROOF_DATABASE "template1" /* the one that is left of the four: what is copied is to be small */

static inline rdb_engine_config proof_config(const char *home)
{
    return (rdb_engine_config){.home = home, .buffer_bytes = 1u << 20, .max_connections = 10, .checkpoint_interval_us = INT64_C(3600000000), .sync = true,
                               .audit = {.is_on = true, .classes = RDB_AUDIT_BIT(RDB_AUDIT_WRITE) | RDB_AUDIT_BIT(RDB_AUDIT_DDL) | RDB_AUDIT_BIT(RDB_AUDIT_ROLE) | RDB_AUDIT_BIT(RDB_AUDIT_MISC),
                                         .file_bytes_max = 1u << 30}};
}

static inline bool proof_fill(void *context, const char *home, rdb_error *err)
{
    rdb_engine_config config = proof_config(home);
    rdb_engine *engine = NULL;
    (void)context;
    config.sync = false;
    config.audit.is_on = false; /* what it makes is nobody's work */
    if (!rdb_engine_open(&engine, &config, NULL, err))
        return false;
    bool ok = rdb_catalog_bootstrap(rdb_engine_catalog(engine), "admin", NULL, err);
    if (ok) {
        proof_session session;
        proof_session_open(&session, engine, PROOF_DATABASE);
        PROOF_RUN(&session, "alter database template0 is_template false");
        proof_session_close(&session);
    }
    static const char *const others[] = {"rustydb", "postgres", "template0"};
    for (size_t i = 0; ok && i < RDB_COUNT_OF(others); i++)
        ok = rdb_database_drop(rdb_engine_catalog(engine), others[i], false, err);
    return rdb_engine_close(&engine, ok, err) && ok;
}

/* An instance with one database and without system views; some megabytes. */
static inline void proof_make(const char *home)
{
    const rdb_instance_options options = {.name = "proof", .page_bytes = 4096, .wal_segment_bytes = 1u << 20, .configuration = ""};
    PROOF_MUST(rdb_instance_create(home, &options, proof_fill, NULL, err));
}

static inline void proof_copy(const char *from, const char *to)
{
    char command[9000];
    snprintf(command, sizeof command, "rm -rf '%s' && cp -r '%s' '%s'", to, from, to);
    PROOF_CHECK(system(command) == 0);
}

static inline void proof_remove(const char *path)
{
    char command[4500];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    PROOF_CHECK(system(command) == 0);
}

/* The end of a child, which is not to run what its parent has at its own end; what coverage was counted is kept. */
extern void __gcov_dump(void) __attribute__((weak));
static inline _Noreturn void proof_exit(int status)
{
    fflush(NULL);
    if (__gcov_dump != NULL)
        __gcov_dump();
    _exit(status);
}

/* A directory for everything, in memory where there is such a place. */
static inline void proof_directory(char path[64])
{
    snprintf(path, 64, "%s/rdbproof.XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    PROOF_CHECK(mkdtemp(path) != NULL);
}

static inline uint64_t proof_number(const char *variable, uint64_t standard)
{
    const char *text = getenv(variable);
    return text != NULL && *text != '\0' ? strtoull(text, NULL, 10) : standard;
}

#endif
