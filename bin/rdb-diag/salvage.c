/* SPDX-License-Identifier: Apache-2.0
 * salvage: a new instance of what is whole in a damaged one, and a list of what is not. The damaged one is read, never written, and
 * need not be able to start: catalog, control file, log, undo and tables may be damaged in any place. */
#include "diag.h"

#include "base/rdb_log.h"
#include "catalog/rdb_catalog_salvage.h"
#include "instance/rdb_instance.h"
#include "os/rdb_os.h"
#include "session/rdb_session.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct salvaging {
    diag_work *work;
    char patient[PATH_MAX - 64], home[PATH_MAX - 64], scratch[PATH_MAX];
    rdb_salvage_work rows;
    rdb_salvage *from;
    uint64_t damages;
} salvaging;

/* ---- the list ---------------------------------------------------------------------------------------------------------------- */
static void add_text(rdb_strbuf *line, const char *key, const char *text)
{
    if (text == NULL)
        return;
    rdb_strbuf_addf(line, "%s\"%s\":", line->length > 1 ? "," : "", key);
    rdb_strbuf_add_json(line, text, strlen(text));
}

/* A row is named by its ctid, which does not count the file's first block; a block by its place in the file. */
static void print_finding(const salvaging *s, const char *state, const rdb_salvage_finding *found)
{
    rdb_strbuf line;
    rdb_strbuf_init(&line, NULL);
    if (s->work->arguments->json) {
        rdb_strbuf_addc(&line, '{');
        add_text(&line, "state", state);
        add_text(&line, "database", found->database);
        add_text(&line, "relation", found->relation);
        add_text(&line, "file", found->file);
        if (found->has_slot)
            rdb_strbuf_addf(&line, ",\"row\":\"(%" PRIu64 ",%u)\"", found->block - 1, found->slot + 1u);
        else if (found->has_block)
            rdb_strbuf_addf(&line, ",\"block\":%" PRIu64, found->block);
        if (found->rows > 0)
            rdb_strbuf_addf(&line, ",\"rows\":%" PRIu64, found->rows);
        add_text(&line, "problem", found->problem);
        rdb_strbuf_addc(&line, '}');
    } else {
        rdb_strbuf_addf(&line, "%s: ", state);
        if (found->database != NULL && found->database[0] != '\0')
            rdb_strbuf_addf(&line, "%s: ", found->database);
        if (found->relation != NULL || found->file != NULL)
            rdb_strbuf_addf(&line, "%s: ", found->relation != NULL ? found->relation : found->file);
        if (found->has_slot)
            rdb_strbuf_addf(&line, "row (%" PRIu64 ",%u): ", found->block - 1, found->slot + 1u);
        else if (found->has_block)
            rdb_strbuf_addf(&line, "block %" PRIu64 ": ", found->block);
        if (found->rows > 1)
            rdb_strbuf_addf(&line, "%" PRIu64 " rows: ", found->rows);
        rdb_strbuf_adds(&line, found->problem);
    }
    puts(line.data != NULL ? line.data : "");
    rdb_strbuf_free(&line);
}

static void take_finding(void *context, const rdb_salvage_finding *found)
{
    print_finding(context, found->is_kept ? "doubtful" : "lost", found);
}

static void take_damage(void *context, const rdb_salvage_damage *damage)
{
    salvaging *s = context;
    s->damages++;
    print_finding(s, "damaged", &(rdb_salvage_finding){.file = damage->file, .has_block = damage->has_block, .block = damage->block, .problem = damage->problem});
}

static void tell_table(void *context, const char *database, const char *relation, uint64_t rows)
{
    (void)context;
    fprintf(stderr, "rdb-diag: %s: %s: %" PRIu64 " rows\n", database, relation, rows);
}

/* ---- the new instance ---------------------------------------------------------------------------------------------------------- */
/* rdb-init from beside this program. */
static bool run_init(salvaging *s, uint32_t page_bytes, rdb_error *err)
{
    char path[PATH_MAX], size[16];
    int status = 0;
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    path[RDB_MAX(length, 0)] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL || (size_t)(slash - path) + sizeof "/rdb-init" > sizeof path)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "the directory of this program cannot be found");
    strcpy(slash, "/rdb-init");
    snprintf(size, sizeof size, "%u", (unsigned)page_bytes);
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null >= 0)
            dup2(null, STDOUT_FILENO);
        execl(path, "rdb-init", "--home", s->home, "--page-size", size, (char *)NULL);
        _exit(127);
    }
    if (pid < 0)
        return rdb_error_set_errno(err, errno, "rdb-init cannot be started");
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) || rdb_error_set(err, RDB_IO_ERROR, "the new instance could not be made in %s", s->home);
}

static bool copy_rows(salvaging *s, rdb_error *err)
{
    rdb_instance_lock *lock = NULL;
    rdb_engine *engine = NULL;
    const rdb_engine_config config = {.home = s->home, .buffer_bytes = UINT64_C(64) << 20, .max_connections = 4, .checkpoint_interval_us = 60000000, .wal_bytes_max = UINT64_C(1) << 30,
                                      .checkpoint_percent = 50, .sync = true};
    const rdb_salvage_options options = {.home = s->patient, .scratch = s->scratch, .frame_count = (64u << 20) / 4096, .complain = take_damage, .context = s};
    rdb_engine_register();
    bool ok = rdb_salvage_open(&s->from, &options, err) && rdb_instance_lock_take(&lock, s->home, "rdb-diag", err) && rdb_engine_open(&engine, &config, NULL, err);
    if (ok) {
        s->rows = (rdb_salvage_work){.catalog = rdb_engine_catalog(engine), .from = s->from, .find = take_finding, .progress = tell_table, .context = s};
        ok = rdb_catalog_salvage(&s->rows, err);
    }
    ok = rdb_engine_close(&engine, true, err) && ok;
    rdb_instance_lock_release(&lock);
    rdb_salvage_close(&s->from);
    return ok;
}

/* ---- indexes ---------------------------------------------------------------------------------------------------------------------- */
#define INDEXES                                                                                                                                                                \
    "select c.oid::regclass::text, n.nspname || '.' || c.relname, coalesce((select 'alter table ' || conrelid::regclass || ' drop constraint ' || quote_ident(conname) || ' cascade' "       \
    "from pg_constraint where conindid = c.oid and contype in ('p', 'u', 'x') limit 1), 'drop index ' || c.oid::regclass || ' cascade') "                                      \
    "from pg_class c join pg_namespace n on n.oid = relnamespace where relkind = 'i' and c.oid >= 16384 order by c.oid"

/* One that cannot be built, as a unique one where two rows have its key, goes: an empty one would answer wrongly. */
static bool build_indexes(salvaging *s, rdb_client *client, const char *database, rdb_error *err)
{
    rdb_list indexes = {0}, nothing = {0};
    rdb_error trouble = {0};
    if (!rdb_client_rows(client, "set search_path = ''; set client_min_messages = error", s->work->arena, &nothing, err) || !rdb_client_rows(client, INDEXES, s->work->arena, &indexes, err))
        return false;
    for (uint32_t i = 0; i < indexes.count; i++) {
        const char *const *index = indexes.items[i];
        if (rdb_client_rows(client, rdb_arena_printf(s->work->arena, "reindex index %s", index[0]), s->work->arena, &nothing, &trouble))
            continue;
        const char *problem = rdb_arena_printf(s->work->arena, "The index cannot be built, and was dropped: %s", rdb_error_message(&trouble));
        s->rows.lost++;
        print_finding(s, "lost", &(rdb_salvage_finding){.database = database, .relation = index[1], .problem = problem});
        rdb_error_clear(&trouble);
        if (!rdb_client_is_open(client) || !rdb_client_rows(client, index[2], s->work->arena, &nothing, err))
            return false;
    }
    return true;
}

static bool finish(salvaging *s, rdb_error *err)
{
    rdb_client_place place = {.home = s->home, .user = strdup("admin")};
    rdb_client *client = NULL;
    rdb_list databases = {0};
    int exit_code = RDB_EXIT_DONE;
    place.database = strdup("template1");
    bool ok = (place.database != NULL && place.user != NULL) || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && rdb_client_connect(&client, &place, &RDB_CLIENT_SILENT, &exit_code, err) &&
              rdb_client_rows(client, "select datname from pg_catalog.pg_database where datallowconn order by 1", s->work->arena, &databases, err);
    rdb_client_disconnect(&client, &place);
    for (uint32_t i = 0; ok && i < databases.count; i++) {
        const char *database = *(const char *const *)databases.items[i];
        free(place.database);
        place.database = strdup(database);
        ok = place.database != NULL && rdb_client_connect(&client, &place, &RDB_CLIENT_SILENT, &exit_code, err) && build_indexes(s, client, database, err);
        rdb_client_disconnect(&client, &place);
    }
    place.home = NULL; /* not its own */
    rdb_client_place_free(&place);
    return ok;
}

static bool prepare(salvaging *s, rdb_error *err)
{
    rdb_home_kind kind;
    uint32_t page_bytes;
    int64_t pid = 0;
    rdb_error ignored = {0};
    if (!rdb_instance_resolve(s->work->place.home, s->patient, sizeof s->patient, err) || !rdb_instance_resolve(s->work->arguments->output, s->home, sizeof s->home, err))
        return false;
    if (!rdb_instance_holder(s->patient, &pid, &ignored))
        rdb_error_clear(&ignored);
    if (pid != 0) {
        rdb_error_set(err, RDB_OBJECT_IN_USE, "%s is in use by process %lld", s->patient, (long long)pid);
        return rdb_error_hint(err, "Salvage reads an instance at rest. Stop its server first: rdb-serve --home %s --stop", s->patient);
    }
    if (!rdb_instance_look(s->home, &kind, err))
        return false;
    if (kind != RDB_HOME_MISSING && kind != RDB_HOME_EMPTY) {
        rdb_error_set(err, RDB_DUPLICATE_FILE, "%s is there already", s->home);
        return rdb_error_hint(err, "Name a directory that does not exist, or is empty.");
    }
    snprintf(s->scratch, sizeof s->scratch, "%s.copy-XXXXXX", s->home);
    if (!rdb_salvage_find_page_bytes(s->patient, &page_bytes, err))
        return false;
    if (mkdtemp(s->scratch) == NULL) {
        rdb_error_set_errno(err, errno, "no directory can be made beside %s", s->home);
        s->scratch[0] = '\0';
        return false;
    }
    return run_init(s, page_bytes, err);
}

int command_salvage(diag_work *work)
{
    static const rdb_log_options QUIET = {.level = RDB_LOG_ERROR, .format = RDB_LOG_TEXT, .omit_timestamps = true};
    salvaging s = {.work = work};
    rdb_error ignored = {0};
    rdb_log *log = NULL;
    if (work->place.home == NULL || work->arguments->output == NULL || work->operands.count > 0)
        return rdb_options_refuse(work->program, "salvage takes --home DIR, the damaged instance, and --output DIR, where the new one is to be");
    bool ok = rdb_log_open(&log, NULL, STDERR_FILENO, &QUIET, &work->err);
    if (ok)
        rdb_log_set_default(log);
    ok = ok && prepare(&s, &work->err) && copy_rows(&s, &work->err) && finish(&s, &work->err);
    if (s.scratch[0] != '\0' && !rdb_path_remove_tree(s.scratch, &ignored))
        rdb_error_clear(&ignored);
    rdb_log_set_default(NULL);
    rdb_log_close(&log);
    if (!ok)
        return diag_report(work);
    if (work->arguments->json)
        printf("{\"databases\":%" PRIu64 ",\"tables\":%" PRIu64 ",\"rows\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"doubtful\":%" PRIu64 ",\"damaged\":%" PRIu64 "}\n", s.rows.databases,
               s.rows.tables, s.rows.rows, s.rows.lost, s.rows.kept, s.damages);
    else
        fprintf(stderr, "rdb-diag: %" PRIu64 " rows of %" PRIu64 " tables in %" PRIu64 " databases are in %s; %" PRIu64 " losses, %" PRIu64 " doubts\n", s.rows.rows, s.rows.tables,
                s.rows.databases, s.home, s.rows.lost, s.rows.kept);
    return s.rows.lost + s.rows.kept + s.damages > 0 ? RDB_EXIT_PARTIAL : RDB_EXIT_DONE;
}
