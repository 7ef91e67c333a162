/* SPDX-License-Identifier: Apache-2.0
 * Facts that stand in an instance's files: its control file, its configuration with where each value comes from, modes and sizes of
 * what lies in its directories, its certificate, its log, and the runs of the tools. A dead instance tells these as a living one does. */
#include "diag/collect_int.h"

#include "instance/rdb_config.h"
#include "instance/rdb_instance.h"
#include "instance/rdb_operations.h"
#include "os/rdb_os.h"
#include "wal/rdb_wal_archive.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* ---- control file --------------------------------------------------------------------------------------------------------------------- */
static bool collect_control(rdb_facts *facts, const rdb_diag_scope *scope, rdb_arena *arena, rdb_error *err)
{
    static const char *const STATES[] = {"unknown", "new", "running", "clean", "recovering"};
    rdb_control control;
    char created[64];
    rdb_error unreadable = {0};
    (void)arena;
    if (!rdb_control_read(scope->home, &control, err))
        return false;
    bool ok = rdb_facts_add(facts, "control", (const char *[]){"state", STATES[control.state < RDB_COUNT_OF(STATES) ? control.state : 0]}, 2, err) &&
              rdb_facts_add_number(facts, "control", "checkpoint_us", control.checkpoint_us, err) && rdb_facts_add_number(facts, "control", "redo_lsn", (int64_t)control.redo_lsn, err) &&
              rdb_facts_add_number(facts, "control", "incarnation", control.incarnation, err) && rdb_facts_add_number(facts, "control", "page_bytes", control.page_bytes, err) &&
              rdb_facts_add_number(facts, "control", "segment_bytes", control.wal_segment_bytes, err) && rdb_facts_add_number(facts, "control", "consistent_lsn", (int64_t)control.consistent_lsn, err);
    if (ok && rdb_instance_meta(scope->home, "created-at", created, &unreadable))
        ok = rdb_facts_add(facts, "control", (const char *[]){"created_at", created}, 2, err);
    rdb_error_clear(&unreadable);
    ok = ok && rdb_facts_add_number(facts, "control", "versions_known", rdb_instance_check_versions(scope->home, &unreadable), err);
    rdb_error_clear(&unreadable);
    return ok;
}

static bool count_bad_copy(rdb_facts *facts, uint64_t bad, rdb_error *err)
{
    return rdb_facts_add_number(facts, "control", "bad_bytes", (int64_t)bad, err);
}

static void take_complaint(void *context, uint64_t offset, const char *problem)
{
    (void)offset, (void)problem;
    ++*(uint64_t *)context;
}

static bool collect_control_copies(rdb_facts *facts, const rdb_diag_scope *scope, rdb_arena *arena, rdb_error *err)
{
    uint64_t bad = 0;
    char path[PATH_MAX];
    rdb_slice gap = {0};
    if (!rdb_instance_path(scope->home, "data/meta/archived" RDB_WAL_GAP_ENDING, path, sizeof path, err))
        return false;
    if (rdb_path_exists(path)) { /* wal/rdb_wal_archive.h */
        if (!rdb_path_read(path, arena, &gap, 256, err))
            return false;
        while (gap.length > 0 && gap.data[gap.length - 1] == '\n')
            gap.length--;
        if (!rdb_facts_add(facts, "control", (const char *[]){"archive_gap", rdb_arena_strndup(arena, (const char *)gap.data, gap.length)}, 2, err))
            return false;
    }
    return collect_control(facts, scope, arena, err) && rdb_control_verify(scope->home, take_complaint, &bad, err) && count_bad_copy(facts, bad, err);
}

/* ---- configuration ------------------------------------------------------------------------------------------------------------------- */
static bool collect_config(rdb_facts *facts, const rdb_diag_scope *scope, rdb_arena *arena, rdb_error *err)
{
    rdb_config *config = NULL;
    rdb_strbuf lines;
    if (!rdb_config_load(&config, scope->home, NULL, NULL, 0, err))
        return false;
    rdb_strbuf_init(&lines, arena);
    rdb_config_print_json(config, &lines);
    bool ok = rdb_strbuf_check(&lines, err);
    uint32_t number = 0;
    for (char *line = lines.data, *end; ok && line != NULL && *line != '\0'; line = end, number++) {
        end = line + strcspn(line, "\n");
        if (*end != '\0')
            *end++ = '\0';
        json_t *entry = json_loads(line, JSON_DECODE_ANY, NULL);
        json_t *value = json_object_get(entry, "value");
        char *text = json_is_string(value) ? strdup(json_string_value(value)) : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        const char *key = json_string_value(json_object_get(entry, "key")), *origin = json_string_value(json_object_get(entry, "origin"));
        /* a text may name hosts and people; numbers, switches and choices do not */
        const bool is_text = json_is_string(value) || json_is_array(value);
        ok = key != NULL && rdb_facts_add(facts, "config", (const char *[]){key, is_text ? NULL : text, is_text ? text : NULL, text, strcmp(origin, "default") == 0 ? "default" : strncmp(origin, "environment", 11) == 0 ? "environment" : origin[0] == '-' ? "flag" : "file", origin}, 6, err);
        free(text);
        json_decref(entry);
    }
    rdb_config_destroy(&config);
    return ok;
}

/* ---- files ---------------------------------------------------------------------------------------------------------------------------- */
static _Thread_local struct walk {
    rdb_facts *facts;
    const char *area;
    size_t home_length;
    uint64_t files, bytes, newest_s;
    bool lists; /* each entry, not only the sum */
    rdb_error *err;
    bool ok;
} walk;

static int visit(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)at;
    if (kind == FTW_F) {
        walk.files++;
        walk.bytes += (uint64_t)info->st_blocks * 512;
        walk.newest_s = RDB_MAX(walk.newest_s, (uint64_t)info->st_mtime);
    }
    if (walk.lists && (kind == FTW_F || kind == FTW_D)) {
        char mode[8], bytes[24], owner[16];
        snprintf(mode, sizeof mode, "%o", (unsigned)info->st_mode & 07777);
        snprintf(bytes, sizeof bytes, "%" PRIu64, (uint64_t)info->st_size);
        snprintf(owner, sizeof owner, "%u", info->st_uid);
        const char *below = path[walk.home_length] == '/' ? path + walk.home_length + 1 : ".";
        walk.ok = rdb_facts_add(walk.facts, "file", (const char *[]){walk.area, below, kind == FTW_D ? "directory" : "file", mode, bytes, owner, (info->st_mode & 077) != 0 ? "1" : "0", (info->st_mode & 022) != 0 ? "1" : "0"}, 8, walk.err);
    }
    return walk.ok ? 0 : 1;
}

static bool walk_area(rdb_facts *facts, const char *home, const char *area, bool lists, rdb_error *err)
{
    char path[PATH_MAX];
    if (!rdb_instance_path(home, area, path, sizeof path, err))
        return false;
    walk = (struct walk){.facts = facts, .area = area, .home_length = strlen(home), .lists = lists, .err = err, .ok = true};
    nftw(path, visit, 32, FTW_PHYS);
    return walk.ok;
}

static bool collect_files(rdb_facts *facts, const rdb_diag_scope *scope, rdb_arena *arena, rdb_error *err)
{
    struct stat top;
    (void)arena;
    if (stat(scope->home, &top) != 0)
        return rdb_error_set_errno(err, errno, "%s", scope->home);
    char mode[8], owner[16];
    snprintf(mode, sizeof mode, "%o", (unsigned)top.st_mode & 07777);
    snprintf(owner, sizeof owner, "%u", top.st_uid);
    return rdb_facts_add(facts, "file", (const char *[]){"home", ".", "directory", mode, "0", owner, (top.st_mode & 077) != 0 ? "1" : "0", (top.st_mode & 022) != 0 ? "1" : "0"}, 8, err) &&
           walk_area(facts, scope->home, "conf", true, err) && walk_area(facts, scope->home, "logs", true, err) && walk_area(facts, scope->home, "data/meta", true, err);
}

static bool collect_areas(rdb_facts *facts, const rdb_diag_scope *scope, rdb_arena *arena, rdb_error *err)
{
    static const char *const AREAS[] = {"data/tables", "data/indexes", "data/undo", "data/xact", "data/wal", "logs", "tmp", "cache", "backup", "diag"};
    (void)arena;
    for (size_t i = 0; i < RDB_COUNT_OF(AREAS); i++) {
        char texts[3][24];
        if (!walk_area(facts, scope->home, AREAS[i], false, err))
            return false;
        snprintf(texts[0], 24, "%" PRIu64, walk.files);
        snprintf(texts[1], 24, "%" PRIu64, walk.bytes);
        snprintf(texts[2], 24, "%" PRIu64, walk.newest_s);
        if (!rdb_facts_add(facts, "area", (const char *[]){AREAS[i], texts[0], texts[1], texts[2]}, 4, err))
            return false;
    }
    return true;
}

/* ---- certificate ---------------------------------------------------------------------------------------------------------------------- */
static bool collect_certificate(rdb_facts *facts, const rdb_diag_scope *scope, rdb_arena *arena, rdb_error *err)
{
    rdb_config *config = NULL;
    (void)arena;
    if (!rdb_config_load(&config, scope->home, NULL, NULL, 0, err))
        return false;
    FILE *file = fopen(rdb_config_path(config, RDB_CONFIG_TLS_CERT_PATH), "re");
    X509 *certificate = file != NULL ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    if (file != NULL)
        fclose(file);
    file = fopen(rdb_config_path(config, RDB_CONFIG_TLS_KEY_PATH), "re");
    EVP_PKEY *key = file != NULL ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
    if (file != NULL)
        fclose(file);
    rdb_config_destroy(&config);
    bool ok = rdb_facts_add_number(facts, "certificate", "readable", certificate != NULL, err) && rdb_facts_add_number(facts, "certificate", "key_readable", key != NULL, err);
    if (ok && certificate != NULL) {
        int days = 0, seconds = 0;
        ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate));
        ok = rdb_facts_add_number(facts, "certificate", "days_left", days, err) && rdb_facts_add_number(facts, "certificate", "not_yet_valid", X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0, err) &&
             rdb_facts_add_number(facts, "certificate", "strength_bits", EVP_PKEY_get_security_bits(X509_get0_pubkey(certificate)), err) &&
             rdb_facts_add_number(facts, "certificate", "fits_key", key != NULL && X509_check_private_key(certificate, key) == 1, err);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    return ok;
}

/* ---- incidents ------------------------------------------------------------------------------------------------------------------------ */
/* "/opt/bin/rdb-serve(+0x12ab) [0x55...]" without its path and address. */
static void add_frame(rdb_strbuf *stack, const char *line)
{
    const size_t length = strcspn(line, "[\n");
    const char *name = memrchr(line, '/', length);
    name = name != NULL ? name + 1 : line;
    rdb_strbuf_addf(stack, "%s%.*s", stack->length > 0 ? " " : "", (int)(length - (size_t)(name - line)), name);
    while (stack->length > 0 && stack->data[stack->length - 1] == ' ')
        stack->data[--stack->length] = '\0';
}

static bool add_incident(rdb_facts *facts, const char *path, const char *name, rdb_arena *arena, rdb_error *err)
{
    char line[1024], kind[64] = "", when[32] = "", reason[512] = "";
    bool in_stack = false;
    rdb_strbuf stack;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errno == ENOENT || rdb_error_set_errno(err, errno, "%s", path);
    rdb_strbuf_init(&stack, arena);
    while (fgets(line, sizeof line, file) != NULL && strncmp(line, "threads:", 8) != 0) {
        if (in_stack)
            add_frame(&stack, line);
        else if (sscanf(line, "kind: %63[a-z-]", kind) == 1 || sscanf(line, "time: %31[0-9TZ]", when) == 1 || sscanf(line, "reason: %511[^\n]", reason) == 1)
            continue;
        in_stack = in_stack || strncmp(line, "stack:", 6) == 0;
    }
    fclose(file);
    return rdb_strbuf_check(&stack, err) && rdb_facts_add(facts, "incident", (const char *[]){kind, when, name, reason, stack.data}, 5, err);
}

static bool collect_incidents(rdb_facts *facts, const rdb_diag_scope *scope, rdb_arena *arena, rdb_error *err)
{
    rdb_config *config = NULL;
    rdb_list names = {0};
    rdb_error missing = {0};
    char path[PATH_MAX];
    if (!rdb_config_load(&config, scope->home, NULL, NULL, 0, err))
        return false;
    const char *directory = rdb_config_path(config, RDB_CONFIG_PATHS_DIAG_DIR);
    bool ok = true;
    if (!rdb_path_list(directory, arena, &names, &missing))
        rdb_error_clear(&missing);
    for (uint32_t i = 0; ok && i < names.count; i++) {
        const char *name = names.items[i];
        if (strncmp(name, "incident-", 9) != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, name);
        ok = add_incident(facts, path, name, arena, err);
    }
    rdb_config_destroy(&config);
    return ok;
}

/* ---- runs of the tools ---------------------------------------------------------------------------------------------------------------- */
static bool collect_runs(rdb_facts *facts, const rdb_diag_scope *scope, rdb_arena *arena, rdb_error *err)
{
    char path[PATH_MAX];
    rdb_operations *operations = NULL;
    rdb_list runs = {0};
    if (!rdb_instance_path(scope->home, "data/meta/catalog.db", path, sizeof path, err))
        return false;
    if (!rdb_path_exists(path))
        return true;
    bool ok = rdb_operations_open(&operations, scope->home, err) && rdb_operations_list_runs(operations, NULL, 1000, arena, &runs, err);
    for (uint32_t i = 0; ok && i < runs.count; i++) {
        const rdb_operations_run *run = runs.items[i];
        ok = rdb_facts_add(facts, "run", (const char *[]){run->program, run->what, run->started_at, run->ended_at[0] != '\0' ? run->ended_at : NULL, run->outcome[0] != '\0' ? run->outcome : NULL, run->detail}, 6, err);
    }
    rdb_operations_close(&operations);
    return ok;
}

/* ---- the log: the last mebibytes, message by message, numbers and quoted texts taken out --------------------------------------------- */
#define LOG_TAIL_BYTES (4 << 20)

static bool add_log_line(rdb_facts *facts, const char *text, rdb_error *err)
{
    char shape[300];
    rdb_log_line line;
    if (!rdb_log_read_line(text, &line))
        return true;
    rdb_log_make_shape(line.message, shape, sizeof shape);
    return rdb_facts_add(facts, "log_line", (const char *[]){line.time, line.level, line.room, line.sqlstate[0] != '\0' ? line.sqlstate : NULL, shape, line.message}, 6, err);
}

static bool collect_log(rdb_facts *facts, const rdb_diag_scope *scope, rdb_arena *arena, rdb_error *err)
{
    char path[PATH_MAX];
    char *line = NULL;
    size_t capacity = 0;
    bool ok = true;
    (void)arena;
    if (!rdb_instance_path(scope->home, "logs/rustydb.log", path, sizeof path, err))
        return false;
    FILE *log = fopen(path, "re");
    if (log == NULL)
        return errno == ENOENT || rdb_error_set_errno(err, errno, "%s", path);
    if (fseek(log, -LOG_TAIL_BYTES, SEEK_END) == 0)
        ok = getline(&line, &capacity, log) >= 0; /* a part of a line */
    while (ok && getline(&line, &capacity, log) > 0)
        ok = add_log_line(facts, line, err);
    free(line);
    fclose(log);
    return ok || rdb_error_is_set(err) || rdb_error_set(err, RDB_IO_ERROR, "%s cannot be read", path);
}

const diag_collector DIAG_FILE_COLLECTORS[] = {
    {.table = "control", .columns = "name value", .collect = collect_control_copies},
    {.table = "config", .columns = "key value text:n any:t origin place:t", .collect = collect_config},
    {.table = "file", .columns = "area name:n kind mode bytes owner others_may_read others_may_write", .collect = collect_files},
    {.table = "area", .columns = "name files bytes newest_s", .collect = collect_areas},
    {.table = "certificate", .columns = "name value", .collect = collect_certificate},
    {.table = "incident", .columns = "kind time file reason:t stack", .collect = collect_incidents},
    {.table = "run", .columns = "program what:t started_at ended_at outcome detail:t", .collect = collect_runs},
    {.table = "log_line", .columns = "time level room sqlstate shape:t message:t", .collect = collect_log},
};
const uint32_t DIAG_FILE_COLLECTOR_COUNT = RDB_COUNT_OF(DIAG_FILE_COLLECTORS);
