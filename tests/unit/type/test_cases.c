/* SPDX-License-Identifier: Apache-2.0
 * Every line of the .cases files: what PostgreSQL 15 answered (make_cases.py asked it) is what the kernels answer, text
 * forms, wire forms and errors alike. Each function runs on constant, flat and selected vectors; each value that reads
 * also goes through the wire form and back. */
#include "fixture.h"
#include <dirent.h>
#include <math.h>

#ifndef CASES_DIRECTORY
#define CASES_DIRECTORY "tests/unit/type"
#endif
#define FIELDS_MAX 64

static rdb_arena *arena, *plan_arena;
static rdb_format_settings settings;
static unsigned failures, lines_run;
static const char *current_file;
static unsigned current_line;

static void complain(const char *what, const char *expected, const char *got)
{
    if (failures++ < 200)
        printf("%s:%u: %.200s\n    expected: %.400s\n    got:      %.400s\n", current_file, current_line, what, expected, got);
}

static rdb_slice unescape(const char *field)
{
    char *copy = rdb_arena_strdup(arena, field), *to = copy;
    for (const char *from = field; *from != '\0'; from++) {
        if (*from == '\\' && from[1] != '\0') {
            from++;
            *to++ = *from == 'n' ? '\n' : *from == 't' ? '\t' : *from == 's' ? ' ' : *from;
        } else {
            *to++ = *from;
        }
    }
    return (rdb_slice){.data = (const uint8_t *)copy, .length = (size_t)(to - copy)};
}

static const char *escape(const char *data, size_t length)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, arena);
    for (size_t i = 0; i < length; i++) {
        if (data[i] == '\\')
            rdb_strbuf_adds(&text, "\\\\");
        else if (data[i] == '\n')
            rdb_strbuf_adds(&text, "\\n");
        else if (data[i] == '\t')
            rdb_strbuf_adds(&text, "\\t");
        else
            rdb_strbuf_addc(&text, data[i]);
    }
    return text.data != NULL ? text.data : "";
}

static const char *error_text(rdb_error *err)
{
    char *text = rdb_arena_printf(arena, "! %s %s%s%s", err->sqlstate, escape(rdb_error_message(err), strlen(rdb_error_message(err))),
                                  rdb_error_detail_text(err)[0] != '\0' ? " | " : "",
                                  escape(rdb_error_detail_text(err), strlen(rdb_error_detail_text(err))));
    rdb_error_clear(err);
    return text;
}

static rdb_call make_call(rdb_error *err)
{
    return (rdb_call){.arena = arena, .plan_arena = plan_arena, .err = err, .format = &settings, .collation = 100,
                      .statement_us = INT64_C(784425600123456), .transaction_us = INT64_C(784425600123456), .result_typmod = -1};
}

static const char *value_text(rdb_call *call, const rdb_type *type, rdb_datum value)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, arena);
    if (type->ops == NULL || type->ops->output == NULL)
        return "no output";
    if (!type->ops->output(call, type, value, &text))
        return error_text(call->err);
    return rdb_arena_printf(arena, "= %s", escape(text.data != NULL ? text.data : "", text.length));
}

/* io TEXT TYPE TYPMOD OUTPUT SEND */
static void run_io(char **field)
{
    rdb_error err = {0};
    rdb_call call = make_call(&err);
    const rdb_type *type = fixture_type((uint32_t)strtoul(field[2], NULL, 10));
    int32_t typmod = (int32_t)strtol(field[3], NULL, 10);
    rdb_datum value, again;
    if (type->ops == NULL) {
        complain("no operations", type->name, field[1]);
        return;
    }
    if (!type->ops->input(&call, type, unescape(field[1]), typmod, &value)) {
        const char *got = error_text(&err);
        if (strcmp(got, field[4]) != 0)
            complain(field[1], field[4], got);
        return;
    }
    const char *got = value_text(&call, type, value);
    if (strcmp(got, field[4]) != 0)
        complain(field[1], field[4], got);
    if (type->ops->send == NULL || strncmp(field[5], "= ", 2) != 0)
        return;
    rdb_strbuf wire, hex;
    rdb_strbuf_init(&wire, arena);
    rdb_strbuf_init(&hex, arena);
    assert_true(type->ops->send(&call, type, value, &wire));
    rdb_strbuf_adds(&hex, "= ");
    for (size_t i = 0; i < wire.length; i++)
        rdb_strbuf_addf(&hex, "%02x", (unsigned)(uint8_t)wire.data[i]);
    if (strcmp(hex.data, field[5]) != 0)
        complain(field[1], field[5], hex.data);
    rdb_slice bytes = {.data = (const uint8_t *)(wire.data != NULL ? wire.data : ""), .length = wire.length};
    if (type->ops->receive == NULL || !type->ops->receive(&call, type, bytes, typmod, &again)) {
        complain(field[1], "received", error_text(&err));
    } else if (strcmp(value_text(&call, type, again), field[4]) != 0) {
        complain(field[1], field[4], value_text(&call, type, again));
    }
}

static bool parse_value(const rdb_type *type, const char *field, rdb_datum *value, bool *is_null)
{
    rdb_error err = {0};
    rdb_call call = make_call(&err);
    *is_null = strcmp(field, "\\N") == 0;
    memset(value, 0, sizeof *value);
    if (*is_null)
        return true;
    if (type->ops == NULL || !type->ops->input(&call, type, unescape(field), -1, value)) {
        complain("argument", type->name, type->ops == NULL ? "no operations" : error_text(&err));
        return false;
    }
    return true;
}

static uint32_t parse_types(char *list, const rdb_type **types)
{
    uint32_t count = 0;
    if (strcmp(list, "-") == 0)
        return 0;
    for (char *rest = list, *one; (one = strsep(&rest, ",")) != NULL;)
        types[count++] = fixture_type((uint32_t)strtoul(one, NULL, 10));
    return count;
}

/* A polymorphic argument or result is what the case gives: arrays of anyarray parse as text[] or int4[]. */
static const rdb_type *concrete(const rdb_type *type, const char *value)
{
    switch (type->oid) {
    case RDB_ANYOID:
    case RDB_ANYELEMENTOID:
    case RDB_ANYCOMPATIBLEOID:
    case RDB_ANYNONARRAYOID:
        return fixture_type(RDB_TEXTOID);
    case RDB_ANYARRAYOID:
    case RDB_ANYCOMPATIBLEARRAYOID:
        return fixture_type(RDB_TEXTARRAYOID);
    default:
        (void)value;
        return type;
    }
}

/* fn OID STRICT NAME RESULT TYPES ANSWER ARGUMENT... */
static void run_fn(char **field, uint32_t field_count)
{
    uint32_t oid = (uint32_t)strtoul(field[1], NULL, 10);
    const rdb_kernel_entry *entry = rdb_kernel_find(oid);
    const char *name = field[3];
    const rdb_type *result_type = concrete(fixture_type((uint32_t)strtoul(field[4], NULL, 10)), NULL);
    const rdb_type *types[FIELDS_MAX];
    uint32_t type_count = parse_types(field[5], types), count = field_count - 7;
    rdb_datum values[FIELDS_MAX];
    bool nulls[FIELDS_MAX], any_null = false;
    if (entry == NULL) {
        complain(name, "a kernel", field[1]);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (i >= type_count)
            types[i] = types[type_count - 1];
        types[i] = concrete(types[i], field[7 + i]);
        if (!parse_value(types[i], field[7 + i], &values[i], &nulls[i]))
            return;
        any_null |= nulls[i];
    }
    if (strcmp(field[2], "true") == 0 && any_null) {
        if (strcmp(field[6], "null") != 0)
            complain(name, field[6], "null (strict)");
        return;
    }
    for (int shape = 0; shape < 3; shape++) { /* constants; flat; flat under a selection */
        rdb_error err = {0};
        rdb_call call = make_call(&err);
        void *state = NULL;
        call.state = &state;
        call.argument_types = types;
        call.argument_count = count;
        call.result_type = result_type;
        rdb_vector vectors[FIELDS_MAX], out;
        const rdb_vector *arguments[FIELDS_MAX];
        uint32_t rows = shape == 0 ? 1 : 70;
        for (uint32_t i = 0; i < count; i++) {
            arguments[i] = &vectors[i];
            if (shape == 0) {
                rdb_vector_set_constant(&vectors[i], arena, (rdb_rep)types[i]->rep, values[i], nulls[i]);
                continue;
            }
            assert_true(rdb_vector_init(&vectors[i], arena, (rdb_rep)types[i]->rep, rows, &err));
            for (uint32_t row = 0; row < rows; row++)
                rdb_vector_put(&vectors[i], row, values[i], nulls[i]);
        }
        assert_true(rdb_vector_init(&out, arena, (rdb_rep)result_type->rep, rows, &err));
        uint32_t chosen[] = {3, 69};
        rdb_selection selection = {.rows = shape == 2 ? chosen : NULL, .count = shape == 2 ? 2 : rows};
        const char *got;
        uint32_t row = shape == 2 ? 69 : rows - 1;
        if (!entry->kernel(&call, arguments, &out, &selection))
            got = call.bad_row == (shape == 2 ? 3u : 0u) ? error_text(&err) : "wrong bad_row";
        else if (rdb_vector_is_null(&out, row))
            got = "null";
        else
            got = value_text(&call, result_type, rdb_vector_get(&out, row));
        if (strcmp(got, field[6]) != 0) {
            complain(rdb_arena_printf(arena, "%s shape %d", name, shape), field[6], got);
            return;
        }
    }
}

/* srf OID STRICT NAME RESULT TYPES ANSWER ARGUMENT... : the rows of a set, joined by byte 30 */
static void run_srf(char **field, uint32_t field_count)
{
    const rdb_set_kernel_entry *entry = rdb_set_kernel_find((uint32_t)strtoul(field[1], NULL, 10));
    const rdb_type *result_type = concrete(fixture_type((uint32_t)strtoul(field[4], NULL, 10)), NULL);
    const rdb_type *types[FIELDS_MAX];
    uint32_t type_count = parse_types(field[5], types), count = field_count - 7;
    rdb_datum values[FIELDS_MAX];
    bool nulls[FIELDS_MAX];
    if (entry == NULL) {
        complain(field[3], "a set kernel", field[1]);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        types[i] = concrete(types[RDB_MIN(i, type_count - 1)], field[7 + i]);
        if (!parse_value(types[i], field[7 + i], &values[i], &nulls[i]))
            return;
    }
    for (uint32_t capacity = 1; capacity <= 100; capacity += 99) {
        rdb_error err = {0};
        rdb_call call = make_call(&err);
        void *call_state = NULL;
        call.state = &call_state;
        call.argument_types = types;
        call.argument_count = count;
        call.result_type = result_type;
        void *state = rdb_arena_zalloc(arena, entry->state_bytes + 16);
        rdb_strbuf text;
        rdb_strbuf_init(&text, arena);
        const char *got = NULL;
        bool first = true;
        if (!entry->begin(&call, state, values, nulls))
            got = error_text(&err);
        for (uint32_t made = 1; got == NULL && made > 0;) {
            rdb_vector column, *columns[1] = {&column};
            assert_true(rdb_vector_init(&column, arena, (rdb_rep)result_type->rep, capacity, &err));
            if (!entry->next(&call, state, columns, 1, capacity, &made)) {
                got = error_text(&err);
                break;
            }
            for (uint32_t row = 0; row < made; row++) {
                if (!first)
                    rdb_strbuf_addc(&text, 30);
                first = false;
                if (rdb_vector_is_null(&column, row))
                    rdb_strbuf_adds(&text, "\\\\N");
                else
                    rdb_strbuf_adds(&text, value_text(&call, result_type, rdb_vector_get(&column, row)) + 2);
            }
        }
        if (got == NULL)
            got = first ? "null" : rdb_arena_printf(arena, "= %s", text.data);
        if (strcmp(got, field[6]) != 0)
            complain(field[3], field[6], got);
    }
}

/* agg OID STRICT NAME RESULT TYPES ANSWER COUNT ROW... : a row's columns are separated by | */
static void run_agg(char **field)
{
    const rdb_aggregate_entry *entry = rdb_aggregate_find((uint32_t)strtoul(field[1], NULL, 10));
    const rdb_type *result_type = concrete(fixture_type((uint32_t)strtoul(field[4], NULL, 10)), NULL);
    const rdb_type *types[FIELDS_MAX];
    uint32_t count = parse_types(field[5], types), rows = (uint32_t)strtoul(field[7], NULL, 10);
    if (entry == NULL) {
        complain(field[3], "an aggregate", field[1]);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        types[i] = concrete(types[i], NULL);
    for (int way = 0; way < 3; way++) { /* update; update_all; two halves combined */
        rdb_error err = {0};
        rdb_call call = make_call(&err);
        void *call_state = NULL;
        call.state = &call_state;
        call.argument_types = types;
        call.argument_count = count;
        call.result_type = result_type;
        if ((way == 1 && entry->update_all == NULL) || (way == 2 && entry->combine == NULL))
            continue;
        uint8_t *memory = rdb_arena_zalloc(arena, 2 * (size_t)(entry->state_bytes + 16));
        void *states[2] = {memory, memory + RDB_ALIGN_UP(entry->state_bytes, 16)};
        void *row_states[FIELDS_MAX];
        rdb_vector vectors[4];
        const rdb_vector *arguments[4];
        uint32_t chosen[FIELDS_MAX], chosen_count = 0;
        for (uint32_t i = 0; i < count; i++) {
            arguments[i] = &vectors[i];
            assert_true(rdb_vector_init(&vectors[i], arena, (rdb_rep)types[i]->rep, rows > 0 ? rows : 1, &err));
        }
        for (uint32_t row = 0; row < rows; row++) {
            char *copy = rdb_arena_strdup(arena, field[8 + row]);
            bool any_null = false;
            for (uint32_t i = 0; i < count; i++) {
                char *one = count > 1 ? strsep(&copy, "|") : copy;
                rdb_datum value;
                bool is_null;
                if (!parse_value(types[i], one, &value, &is_null))
                    return;
                rdb_vector_put(&vectors[i], row, value, is_null);
                any_null |= is_null;
            }
            if (any_null && (entry->flags & RDB_AGGREGATE_SKIPS_NULLS))
                continue;
            row_states[chosen_count] = way == 2 && row >= rows / 2 ? states[1] : states[0];
            chosen[chosen_count++] = row;
        }
        rdb_selection selection = {.rows = chosen, .count = chosen_count};
        bool ok = way == 1 ? entry->update_all(&call, states[0], arguments, &selection)
                           : entry->update(&call, row_states, arguments, &selection);
        if (ok && way == 2)
            ok = entry->combine(&call, states[0], states[1]);
        rdb_datum value = {.words = {0, 0}};
        bool is_null = false;
        ok = ok && entry->finish(&call, states[0], &value, &is_null);
        const char *got = !ok ? error_text(&err) : is_null ? "null" : value_text(&call, result_type, value);
        if (way == 2 && result_type->oid == RDB_FLOAT8OID && fabs(strtod(got + 2, NULL) - strtod(field[6] + 2, NULL)) <= fabs(strtod(got + 2, NULL)) * 1e-14)
            continue; /* halves of a float sum round differently */
        if (strcmp(got, field[6]) != 0) {
            complain(rdb_arena_printf(arena, "%s way %d", field[3], way), field[6], got);
            return;
        }
    }
}

static void run_setting(const char *name, const char *value)
{
    if (strcmp(name, "timezone") == 0) {
        settings.timezone = rdb_timezone_find(value);
        assert_non_null(settings.timezone);
    } else if (strcmp(name, "datestyle") == 0) {
        settings.date_style = strstr(value, "ISO") ? RDB_DATESTYLE_ISO : strstr(value, "SQL") ? RDB_DATESTYLE_SQL
                              : strstr(value, "German") ? RDB_DATESTYLE_GERMAN : RDB_DATESTYLE_POSTGRES;
        settings.date_order = strstr(value, "DMY") || strstr(value, "German") ? RDB_DATEORDER_DMY : strstr(value, "YMD") ? RDB_DATEORDER_YMD : RDB_DATEORDER_MDY;
    } else if (strcmp(name, "intervalstyle") == 0) {
        settings.interval_style = strcmp(value, "postgres") == 0 ? RDB_INTERVALSTYLE_POSTGRES
                                  : strcmp(value, "postgres_verbose") == 0 ? RDB_INTERVALSTYLE_VERBOSE
                                  : strcmp(value, "sql_standard") == 0 ? RDB_INTERVALSTYLE_SQL : RDB_INTERVALSTYLE_ISO;
    } else if (strcmp(name, "extra_float_digits") == 0) {
        settings.extra_float_digits = (int)strtol(value, NULL, 10);
    } else if (strcmp(name, "bytea_output") == 0) {
        settings.bytea_escape = strcmp(value, "escape") == 0;
    } else {
        fail_msg("unknown setting %s", name);
    }
}

static void run_file(const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    current_file = path;
    current_line = 0;
    settings = *rdb_format_default();
    while ((length = getline(&line, &size, file)) > 0) {
        current_line++;
        if (line[length - 1] == '\n')
            line[length - 1] = '\0';
        char *field[FIELDS_MAX], *rest = line;
        uint32_t count = 0;
        while (rest != NULL && count < FIELDS_MAX)
            field[count++] = strsep(&rest, "\t");
        lines_run++;
        if (strcmp(field[0], "set") == 0)
            run_setting(field[1], field[2]);
        else if (strcmp(field[0], "io") == 0)
            run_io(field);
        else if (strcmp(field[0], "fn") == 0)
            run_fn(field, count);
        else if (strcmp(field[0], "srf") == 0)
            run_srf(field, count);
        else if (strcmp(field[0], "agg") == 0)
            run_agg(field);
        else
            fail_msg("%s:%u: unknown kind %s", path, current_line, field[0]);
        rdb_arena_reset(arena);
    }
    free(line);
    fclose(file);
}

static void test_all_cases(void **state)
{
    (void)state;
    DIR *directory = opendir(CASES_DIRECTORY);
    assert_non_null(directory);
    unsigned files = 0;
    const char *only = getenv("CASES");
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        size_t length = strlen(entry->d_name);
        if (length < 6 || strcmp(entry->d_name + length - 6, ".cases") != 0 ||
            (only != NULL && strncmp(entry->d_name, only, strlen(only)) != 0))
            continue;
        char path[512];
        snprintf(path, sizeof path, "%s/%s", CASES_DIRECTORY, entry->d_name);
        run_file(path);
        files++;
    }
    closedir(directory);
    printf("%u lines in %u files\n", lines_run, files);
    assert_true(files > 0 && lines_run > 20);
    assert_int_equal(failures, 0);
}

int main(void)
{
    fixture_open();
    arena = rdb_arena_create("cases", NULL, NULL);
    plan_arena = rdb_arena_create("plan", NULL, NULL);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_cases)};
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    rdb_arena_destroy(arena);
    rdb_arena_destroy(plan_arena);
    return result;
}
