/* SPDX-License-Identifier: Apache-2.0
 * pg_settings: the session's settings in PostgreSQL's columns. */
#include "expr/kernels.h"
#include "session/activity.h"
#include "session/settings.h"

#include <strings.h>

typedef struct setting_text {
    const char *name, *category, *context, *further;
} setting_text;

static const setting_text TEXTS[] = {
#define SETTING_TEXT(name, category, context, further) {#name, category, #context, further},
#define SETTING_TEXT_OF(extension, name, category, context, further) {#extension "." #name, category, #context, further},
#include "session/setting_texts.def"
#undef SETTING_TEXT
#undef SETTING_TEXT_OF
};

static const setting_text *find_text(const char *folded_name)
{
    for (size_t i = 0; i < RDB_COUNT_OF(TEXTS); i++)
        if (strcmp(TEXTS[i].name, folded_name) == 0)
            return &TEXTS[i];
    return NULL;
}

/* "a, b, c" to an array. */
static bool split_values(rdb_call *call, const char *values, rdb_datum *array)
{
    const char *items[64];
    uint32_t count = 0;
    while (values[0] != '\0' && count < RDB_COUNT_OF(items)) {
        size_t length = strcspn(values, ",");
        items[count++] = rdb_arena_strndup(call->arena, values, length);
        values += length;
        values += strspn(values, ", ");
    }
    return expr_text_array(call, items, count, array);
}

enum { S_NAME, S_SETTING, S_UNIT, S_CATEGORY, S_SHORT, S_EXTRA, S_CONTEXT, S_TYPE, S_SOURCE, S_MIN, S_MAX, S_VALUES, S_BOOT, S_RESET, S_FILE, S_LINE, S_RESTART, S_COUNT };

static bool settings_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    const rdb_session *session = rdb_eval_of(call)->session;
    (void)arguments, (void)is_null;
    for (uint32_t no = 0; no < session_setting_count(); no++) {
        session_setting_info info;
        rdb_datum v[S_COUNT];
        bool n[S_COUNT] = {false};
        memset(v, 0, sizeof v);
        session_setting_describe(session, no, &info);
        const setting_text *text = find_text(info.folded_name);
        if (text == NULL) /* PostgreSQL keeps a few to SHOW alone */
            continue;
        v[S_NAME] = expr_text(info.name);
        v[S_SETTING] = expr_text(rdb_arena_strdup(call->arena, info.value));
        v[S_UNIT] = expr_text(info.unit != NULL ? info.unit : "");
        n[S_UNIT] = info.unit == NULL;
        v[S_CATEGORY] = expr_text(text->category);
        v[S_SHORT] = expr_text(info.description);
        v[S_EXTRA] = expr_text(text->further != NULL ? text->further : "");
        n[S_EXTRA] = text->further == NULL;
        v[S_CONTEXT] = expr_text(info.is_fixed ? "internal" : text->context);
        v[S_TYPE] = expr_text(info.kind);
        v[S_SOURCE] = expr_text(info.source);
        v[S_MIN] = expr_text(rdb_arena_strdup(call->arena, info.min));
        v[S_MAX] = expr_text(rdb_arena_strdup(call->arena, info.max));
        n[S_MIN] = n[S_MAX] = info.min[0] == '\0';
        n[S_VALUES] = info.values == NULL;
        if (info.values != NULL && !split_values(call, info.values, &v[S_VALUES]))
            return false;
        v[S_BOOT] = expr_text(info.boot_value);
        v[S_RESET] = expr_text(rdb_arena_strdup(call->arena, info.reset_value));
        n[S_FILE] = n[S_LINE] = true;
        expr_rows_add(call, state, v, n, S_COUNT);
    }
    return true;
}

enum { EXPLAIN = 1, NO_RESET = 2, NO_SHOW = 4, UNSAMPLED = 8, COMPUTED = 16 };

static const struct {
    const char *name;
    unsigned flags;
} FLAGS[] = {
#define SETTING_FLAGS(name, flags) {#name, flags},
#include "session/setting_flags.def"
#undef SETTING_FLAGS
};

static bool flags_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    static const char *const NAMES[] = {"EXPLAIN", "NO_RESET_ALL", "NO_SHOW_ALL", "NOT_IN_SAMPLE", "RUNTIME_COMPUTED"};
    const char *name = expr_get_text(call, a[0]), *texts[RDB_COUNT_OF(NAMES)];
    unsigned flags = 0;
    uint32_t count = 0;
    (void)nulls;
    *is_null = !session_setting_exists(name);
    if (*is_null)
        return true;
    for (size_t i = 0; i < RDB_COUNT_OF(FLAGS); i++)
        if (strcasecmp(FLAGS[i].name, name) == 0)
            flags = FLAGS[i].flags;
    for (uint32_t i = 0; i < RDB_COUNT_OF(NAMES); i++)
        if ((flags >> i & 1) != 0)
            texts[count++] = NAMES[i];
    return expr_text_array(call, texts, count, result);
}
EXPR_ROW_KERNEL(flags, 1)

static const rdb_set_kernel_entry SETS[] = {
    {.proc_oid = 2084, .state_bytes = sizeof(expr_rows), .begin = settings_begin, .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION},
};

void session_register_settings_functions(void)
{
    static const rdb_kernel_entry ENTRIES[] = {{6240, flags, RDB_KERNEL_NEEDS_SESSION}}; /* pg_settings_get_flags */
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
}
