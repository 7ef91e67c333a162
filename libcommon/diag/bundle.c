/* SPDX-License-Identifier: Apache-2.0
 * Bundles: the facts as a tar in a zstd frame, for people elsewhere. What leaves is decided by the class of a column alone: PLAIN values
 * go as they are, NAMEs as pseudonyms (HMAC-SHA-256 under a key that stays here, so one name has one pseudonym in all bundles of an
 * instance), TEXTs not at all. Layout:
 *
 *     README.txt          what this is
 *     index.json          format, time, program, tables with their columns and rows, and what could not be collected
 *     facts/TABLE.json    {"columns": [["name", class], ...], "rows": [[...], ...]}, one row a line */
#include "diag/rdb_diag.h"

#include "crypto/rdb_crypto.h"
#include "os/rdb_os.h"

#include <archive.h>
#include <archive_entry.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define BUNDLE_FORMAT 1
#define MEMBER_BYTES_MAX (1u << 30)

static const char README[] = "Facts of a RustyDB instance, made by rdb-diag bundle.\n"
                             "index.json lists what is here and what could not be collected. Names that users gave are pseudonyms (n and ten hexadecimal\n"
                             "digits); statements, messages and paths are left away. Ask it questions with: rdb-diag doctor --facts THIS-FILE\n";

/* ---- what leaves ------------------------------------------------------------------------------------------------------------------------ */
/* Names that every instance has say nothing. */
static bool is_known(const char *name)
{
    static const char *const KNOWN[] = {"rustydb", "postgres", "template0", "template1", "admin", "public", "pg_catalog", "default", "127.0.0.1", "::1", "localhost", "rdb-diag", "rdb-cli", "."};
    for (size_t i = 0; i < RDB_COUNT_OF(KNOWN); i++)
        if (strcmp(name, KNOWN[i]) == 0)
            return true;
    return false;
}

void rdb_diag_pseudonym(const uint8_t key[RDB_DIAG_KEY_BYTES], const char *name, char pseudonym[RDB_DIAG_PSEUDONYM_BYTES])
{
    uint8_t mac[RDB_SHA256_BYTES];
    rdb_hmac_sha256(key, RDB_DIAG_KEY_BYTES, name, strlen(name), mac);
    snprintf(pseudonym, RDB_DIAG_PSEUDONYM_BYTES, "n%02x%02x%02x%02x%02x", mac[0], mac[1], mac[2], mac[3], mac[4]);
}

static void add_value(rdb_strbuf *out, const rdb_fact_column *column, const char *value, const uint8_t *key)
{
    char pseudonym[RDB_DIAG_PSEUDONYM_BYTES];
    if (value == NULL || column->class == RDB_FACT_TEXT) {
        rdb_strbuf_adds(out, "null");
    } else if (column->class == RDB_FACT_NAME && value[0] != '\0' && !is_known(value)) {
        rdb_diag_pseudonym(key, value, pseudonym);
        rdb_strbuf_addf(out, "\"%s\"", pseudonym);
    } else {
        rdb_strbuf_add_json(out, value, strlen(value));
    }
}

static bool add_table(rdb_facts *facts, const char *table, const uint8_t *key, rdb_arena *arena, rdb_strbuf *out, uint32_t *row_count, rdb_error *err)
{
    rdb_list columns = {0}, rows = {0};
    if (!rdb_facts_columns(facts, table, arena, &columns, err) || !rdb_facts_query(facts, rdb_arena_printf(arena, "select * from %s", table), arena, &rows, err))
        return false;
    rdb_strbuf_adds(out, "{\"columns\": [");
    for (uint32_t i = 0; i < columns.count; i++) {
        const rdb_fact_column *column = columns.items[i];
        rdb_strbuf_addf(out, "%s[\"%s\", %d]", i > 0 ? ", " : "", column->name, column->class);
    }
    rdb_strbuf_adds(out, "], \"rows\": [");
    for (uint32_t row_no = 0; row_no < rows.count; row_no++) {
        rdb_strbuf_adds(out, row_no > 0 ? ",\n[" : "\n[");
        for (uint32_t i = 0; i < columns.count; i++) {
            if (i > 0)
                rdb_strbuf_adds(out, ", ");
            add_value(out, columns.items[i], ((const char *const *)rows.items[row_no])[i], key);
        }
        rdb_strbuf_addc(out, ']');
    }
    rdb_strbuf_adds(out, "\n]}\n");
    *row_count = rows.count;
    return rdb_strbuf_check(out, err);
}

/* Each member of the bundle in turn. */
static bool make_members(rdb_facts *facts, const uint8_t *key, rdb_diag_member_sink *sink, void *context, rdb_error *err)
{
    rdb_arena *arena = rdb_arena_create("bundle", NULL, NULL);
    rdb_strbuf text, index;
    rdb_list tables = {0};
    char path[96];
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_strbuf_init(&text, NULL);
    rdb_strbuf_init(&index, NULL);
    bool ok = sink(context, "README.txt", README, sizeof README - 1, err) && rdb_facts_tables(facts, arena, &tables, err);
    rdb_strbuf_addf(&index, "{\"format\": %d, \"program\": \"rdb-diag %s\", \"made_at_us\": %lld, \"tables\": {", BUNDLE_FORMAT, rdb_version(), (long long)rdb_time_wall_us());
    for (uint32_t i = 0; ok && i < tables.count; i++) {
        uint32_t row_count = 0;
        rdb_strbuf_clear(&text);
        rdb_arena_mark mark = rdb_arena_get_mark(arena);
        ok = add_table(facts, tables.items[i], key, arena, &text, &row_count, err);
        rdb_arena_rewind(arena, mark);
        snprintf(path, sizeof path, "facts/%.60s.json", (const char *)tables.items[i]);
        ok = ok && sink(context, path, text.data, text.length, err);
        rdb_strbuf_addf(&index, "%s\"%s\": %u", i > 0 ? ", " : "", (const char *)tables.items[i], row_count);
    }
    rdb_strbuf_adds(&index, "}}\n");
    ok = ok && rdb_strbuf_check(&index, err) && sink(context, "index.json", index.data, index.length, err);
    rdb_strbuf_free(&text);
    rdb_strbuf_free(&index);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_diag_preview(rdb_facts *facts, const uint8_t key[RDB_DIAG_KEY_BYTES], rdb_diag_member_sink *sink, void *context, rdb_error *err)
{
    return make_members(facts, key, sink, context, err);
}

/* ---- the archive ------------------------------------------------------------------------------------------------------------------------ */
static bool archive_failed(struct archive *archive, const char *path, rdb_error *err)
{
    const int code = archive_errno(archive);
    const char *why = archive_error_string(archive);
    if (code > 0)
        return rdb_error_set_errno(err, code, "%s", path);
    return rdb_error_set(err, RDB_IO_ERROR, "%s: %s", path, why != NULL ? why : "the archive cannot be used");
}

typedef struct writing {
    struct archive *archive;
    const char *path;
} writing;

static bool write_member(void *context, const char *name, const void *bytes, size_t length, rdb_error *err)
{
    writing *to = context;
    struct archive_entry *entry = archive_entry_new();
    if (entry == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, (int64_t)length);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0600);
    archive_entry_set_mtime(entry, (rdb_time_wall_us() - RDB_UNIX_EPOCH_US) / 1000000, 0);
    const bool ok = archive_write_header(to->archive, entry) == ARCHIVE_OK && archive_write_data(to->archive, bytes, length) == (la_ssize_t)length;
    archive_entry_free(entry);
    return ok || archive_failed(to->archive, to->path, err);
}

bool rdb_diag_write_bundle(rdb_facts *facts, const uint8_t key[RDB_DIAG_KEY_BYTES], const char *path, rdb_error *err)
{
    const bool to_stdout = strcmp(path, "-") == 0;
    char beside[4096];
    writing to = {archive_write_new(), path};
    if (to.archive == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    snprintf(beside, sizeof beside, "%s.part", path);
    bool ok = (archive_write_set_format_pax_restricted(to.archive) == ARCHIVE_OK && archive_write_add_filter_zstd(to.archive) == ARCHIVE_OK &&
               archive_write_open_filename(to.archive, to_stdout ? NULL : beside) == ARCHIVE_OK) ||
              archive_failed(to.archive, path, err);
    ok = ok && make_members(facts, key, write_member, &to, err);
    ok = ok && (archive_write_close(to.archive) == ARCHIVE_OK || archive_failed(to.archive, path, err));
    archive_write_free(to.archive);
    if (to_stdout)
        return ok;
    rdb_error ignored = {0};
    ok = ok && rdb_path_rename(beside, path, err);
    if (!ok && !rdb_path_remove(beside, true, &ignored))
        rdb_error_clear(&ignored);
    return ok;
}

/* ---- reading one ------------------------------------------------------------------------------------------------------------------------ */
static bool is_word(const char *text)
{
    return text != NULL && *text != '\0' && strlen(text) < 48 && strspn(text, "abcdefghijklmnopqrstuvwxyz_0123456789") == strlen(text);
}

static bool not_a_bundle(const char *path, const char *why, rdb_error *err)
{
    return rdb_error_set(err, RDB_DATA_CORRUPTED, "%s is no bundle of rdb-diag: %s", path, why);
}

/* A value of a row as a text, in buffer where it is a number; NULL stays NULL. */
static const char *text_of(const json_t *value, char buffer[32])
{
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_integer(value))
        snprintf(buffer, 32, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(buffer, 32, "%.17g", json_real_value(value));
    return json_is_number(value) ? buffer : NULL;
}

static bool read_table(rdb_facts *facts, const char *path, const char *table, const json_t *content, rdb_error *err)
{
    json_t *columns = json_object_get(content, "columns"), *rows = json_object_get(content, "rows"), *column, *row;
    size_t i, j;
    rdb_strbuf list;
    if (!json_is_array(columns) || !json_is_array(rows) || json_array_size(columns) == 0 || json_array_size(columns) > 64)
        return not_a_bundle(path, "a table without columns", err);
    const uint32_t count = (uint32_t)json_array_size(columns);
    rdb_strbuf_init(&list, NULL);
    bool ok = true;
    json_array_foreach(columns, i, column)
    {
        const char *name = json_string_value(json_array_get(column, 0));
        const json_int_t class = json_integer_value(json_array_get(column, 1));
        ok = ok && is_word(name);
        rdb_strbuf_addf(&list, "%s%s%s", i > 0 ? " " : "", ok ? name : "", class == RDB_FACT_TEXT ? ":t" : class == RDB_FACT_NAME ? ":n" : "");
    }
    ok = ok ? rdb_strbuf_check(&list, err) && rdb_facts_table(facts, table, list.data, err) : not_a_bundle(path, "a column's name", err);
    rdb_strbuf_free(&list);
    if (!ok)
        return false;
    json_array_foreach(rows, i, row)
    {
        const char *values[64];
        char numbers[64][32];
        if (json_array_size(row) != count)
            return not_a_bundle(path, "a row of another length", err);
        for (j = 0; j < count; j++)
            values[j] = text_of(json_array_get(row, j), numbers[j]);
        if (!rdb_facts_add(facts, table, values, count, err))
            return false;
    }
    return true;
}

static bool read_member(rdb_facts *facts, const char *path, const char *prefix, struct archive *archive, struct archive_entry *entry, bool *is_bundle, rdb_error *err)
{
    const char *name = archive_entry_pathname(entry);
    const int64_t size = archive_entry_size(entry);
    char table[128], stem[64];
    if (name == NULL || size < 0 || size > MEMBER_BYTES_MAX)
        return not_a_bundle(path, "a member of impossible size", err);
    const bool is_index = strcmp(name, "index.json") == 0;
    if (!is_index && (sscanf(name, "facts/%47[a-z_].json", stem) != 1 || !is_word(stem)))
        return true; /* something a newer program adds */
    char *bytes = malloc((size_t)size + 1);
    if (bytes == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = archive_read_data(archive, bytes, (size_t)size) == size || archive_failed(archive, path, err);
    json_t *content = ok ? json_loadb(bytes, (size_t)size, 0, NULL) : NULL;
    free(bytes);
    if (ok && content == NULL)
        ok = not_a_bundle(path, "a member that is not JSON", err);
    if (ok && is_index) {
        *is_bundle = json_integer_value(json_object_get(content, "format")) == BUNDLE_FORMAT;
        ok = *is_bundle || not_a_bundle(path, "another format", err);
    } else if (ok) {
        snprintf(table, sizeof table, "%s%s", prefix, stem);
        ok = read_table(facts, path, table, content, err);
    }
    json_decref(content);
    return ok;
}

bool rdb_facts_read(rdb_facts *facts, const char *path, const char *prefix, rdb_error *err)
{
    struct archive *archive = archive_read_new();
    struct archive_entry *entry;
    bool is_bundle = false;
    int result = ARCHIVE_OK;
    if (archive == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    archive_read_support_format_tar(archive);
    archive_read_support_filter_zstd(archive);
    bool ok = archive_read_open_filename(archive, path, 65536) == ARCHIVE_OK || archive_failed(archive, path, err);
    while (ok && (result = archive_read_next_header(archive, &entry)) == ARCHIVE_OK)
        ok = read_member(facts, path, prefix, archive, entry, &is_bundle, err);
    if (ok && result != ARCHIVE_EOF)
        ok = archive_failed(archive, path, err);
    archive_read_free(archive);
    return ok && (is_bundle || not_a_bundle(path, "it has no index", err));
}
