/* SPDX-License-Identifier: Apache-2.0
 * has_table_privilege and its kin, pg_has_role, and functions over aclitem. One kernel a family: which argument is the role, the
 * object, the column follows from the call's types, name standing for a role alone. */
#include "catalog/rdb_acl.h"
#include "expr/kernels.h"

#include <ctype.h>

typedef struct asked {
    rdb_acl_kind kind;
    uint32_t role, oid;
    int16_t column;
    bool is_public, is_missing;
} asked;

/* ---- reading arguments ---------------------------------------------------------------------------------------------------------- */
static bool find_role(rdb_call *call, const char *name, asked *a)
{
    rdb_role role;
    bool found;
    if (strcmp(name, "public") == 0) {
        a->is_public = true;
        return true;
    }
    if (!rdb_role_find_within(rdb_eval_of(call)->access, name, &role, &found, call->err))
        return false;
    a->role = role.oid;
    return found || rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "role \"%s\" does not exist", name);
}

static bool read_oid(rdb_call *call, uint32_t type_oid, const char *text, uint32_t *oid)
{
    const rdb_type *type;
    rdb_datum value;
    if (!rdb_type_descriptor(call, type_oid, &type) || !type->ops->input(call, type, (rdb_slice){(const uint8_t *)text, strlen(text)}, -1, &value))
        return false;
    *oid = value.oid;
    return true;
}

static bool find_by_name(rdb_call *call, uint32_t catalog_oid, int name_column, int oid_column, const char *word, const char *sqlstate, const char *name, uint32_t *oid)
{
    rdb_access *access = rdb_eval_of(call)->access;
    rdb_catalog_scan *scan;
    rdb_catalog_row row;
    bool found = true, ok = true;
    *oid = 0;
    if (!rdb_catalog_scan_open(&scan, access, catalog_oid, 0, NULL, 0, call->arena, call->err))
        return false;
    while (ok && *oid == 0 && (ok = rdb_catalog_scan_next(scan, &row, &found, call->err)) && found) {
        const rdb_bytes bytes = row.values[name_column - 1].bytes;
        if (bytes.length == strlen(name) && memcmp(bytes.data, name, bytes.length) == 0)
            *oid = row.values[oid_column - 1].oid;
    }
    rdb_catalog_scan_close(&scan);
    return ok && (*oid != 0 || rdb_error_set(call->err, sqlstate, "%s \"%s\" does not exist", word, name));
}

/* name(type, type): as regprocedure reads it. */
static bool find_function(rdb_call *call, const char *text, uint32_t *oid)
{
    const char *open = strchr(text, '('), *parts[3];
    uint32_t types[100], count = 0, part_count = 0, function_count;
    const rdb_function *const *functions;
    *oid = 0;
    if (open == NULL)
        return rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "expected a left parenthesis");
    for (const char *at = open + 1; *at != ')' && *at != '\0' && count < RDB_COUNT_OF(types);) {
        const size_t length = strcspn(at, ",)");
        if (!read_oid(call, RDB_REGTYPEOID, rdb_arena_strndup(call->arena, at, length), &types[count++]))
            return false;
        at += length;
        at += *at == ',';
        while (*at == ' ')
            at++;
    }
    if (!expr_split_name(call, (rdb_slice){(const uint8_t *)text, (size_t)(open - text)}, parts, &part_count) ||
        !rdb_function_find(rdb_eval_of(call)->access, part_count > 1 ? parts[part_count - 2] : NULL, parts[part_count - 1], &functions, &function_count, call->err))
        return false;
    for (uint32_t i = 0; i < function_count && *oid == 0; i++)
        if (functions[i]->argument_count == count && (count == 0 || memcmp(functions[i]->argument_types, types, count * sizeof *types) == 0))
            *oid = functions[i]->oid;
    return *oid != 0 || rdb_error_set(call->err, RDB_UNDEFINED_FUNCTION, "function \"%s\" does not exist", text);
}

static bool find_object(rdb_call *call, const char *name, asked *a)
{
    switch (a->kind) {
    case 'r':
    case 's':
    case 'c':
        return read_oid(call, RDB_REGCLASSOID, name, &a->oid);
    case 'f':
        return find_function(call, name, &a->oid);
    case 'T':
        return read_oid(call, RDB_REGTYPEOID, name, &a->oid);
    case 'n':
        if (!rdb_namespace_find(rdb_eval_of(call)->access, name, &a->oid, call->err))
            return false;
        return a->oid != 0 || rdb_error_set(call->err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", name);
    case 'd':
        return find_by_name(call, RDB_PG_DATABASE, RDB_pg_database_datname, RDB_pg_database_oid, "database", RDB_INVALID_CATALOG_NAME, name, &a->oid);
    case 'l':
        return find_by_name(call, 2612, RDB_pg_language_lanname, RDB_pg_language_oid, "language", RDB_UNDEFINED_OBJECT, name, &a->oid);
    default:
        return find_by_name(call, RDB_PG_TABLESPACE, RDB_pg_tablespace_spcname, RDB_pg_tablespace_oid, "tablespace", RDB_UNDEFINED_OBJECT, name, &a->oid);
    }
}

/* The next privilege of a list, with its grant option; false: the end, or an error that is set. */
static bool next_privilege(rdb_call *call, const char **at, uint32_t allowed, uint32_t *bit)
{
    char word[64];
    size_t length = 0;
    const char *text = *at;
    static const char OPTION[] = " WITH GRANT OPTION";
    bool has_option = false;
    while (*text == ' ' || *text == ',' || *text == '\t')
        text++;
    if (*text == '\0')
        return false;
    const char *start = text;
    while (*text != '\0' && *text != ',' && length + 1 < sizeof word)
        word[length++] = (char)toupper((unsigned char)*text++);
    while (length > 0 && word[length - 1] == ' ')
        length--;
    word[length] = '\0';
    *at = text;
    if (length > sizeof OPTION - 1 && strcmp(word + length - (sizeof OPTION - 1), OPTION) == 0) {
        word[length - (sizeof OPTION - 1)] = '\0';
        has_option = true;
    }
    *bit = rdb_acl_bit(word);
    if (strcmp(word, "RULE") == 0 && (allowed & RDB_ACL_TRUNCATE) != 0) /* tables had it once: nobody has it */
        return true;
    if ((*bit & allowed) == 0)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "unrecognized privilege type: \"%.*s\"", (int)strcspn(start, ","), start);
    if (has_option)
        *bit <<= 16;
    return true;
}

static bool ask(rdb_call *call, rdb_access *access, const rdb_acl_object *object, const asked *a, uint32_t bit, bool *has)
{
    uint32_t got = 0;
    if (a->is_public ? !rdb_acl_mask(access, &object->acl, object->kind, RDB_ACL_PUBLIC, object->owner, bit, false, &got, call->err)
                     : !rdb_acl_object_mask(access, object, a->role, bit, false, &got, call->err))
        return false;
    *has = *has || (got == bit && bit != 0);
    return true;
}

static bool any_column(rdb_call *call, rdb_access *access, const asked *a, uint32_t bit, bool *has)
{
    const rdb_relation *relation;
    if (!rdb_relation_get(access, a->oid, &relation, call->err))
        return false;
    for (uint16_t i = 0; relation != NULL && !*has && i < relation->column_count; i++) {
        rdb_acl_object column;
        bool found;
        if (!relation->columns[i].is_dropped &&
            (!rdb_acl_get_object(access, call->arena, 'c', a->oid, (int16_t)(i + 1), &column, &found, call->err) || (found && !ask(call, access, &column, a, bit, has))))
            return false;
    }
    return true;
}

/* ---- the families ------------------------------------------------------------------------------------------------------------------ */
enum { FAMILY_PLAIN, FAMILY_COLUMN, FAMILY_ANY_COLUMN };

static bool has_privilege(rdb_call *call, rdb_acl_kind kind, int family, const rdb_datum *values, bool *answer, bool *is_null)
{
    rdb_access *access = rdb_eval_of(call)->access;
    const uint32_t plain_count = family == FAMILY_COLUMN ? 3 : 2;
    asked a = {.kind = kind, .role = rdb_access_get_context(access)->role_oid};
    rdb_acl_object object;
    uint32_t at = 0, bit;
    bool found, has = false;
    if (call->argument_count > plain_count) {
        if (call->argument_types[0]->oid == RDB_NAMEOID) {
            if (!find_role(call, expr_get_text(call, values[0]), &a))
                return false;
        } else {
            a.role = values[0].oid;
            a.is_public = a.role == 0;
        }
        at++;
    }
    if (call->argument_types[at]->oid == RDB_OIDOID)
        a.oid = values[at].oid;
    else if (!find_object(call, expr_get_text(call, values[at]), &a))
        return false;
    at++;
    const rdb_relation *relation = NULL;
    if (family == FAMILY_COLUMN) {
        if (!rdb_relation_get(access, a.oid, &relation, call->err))
            return false;
        if (call->argument_types[at]->oid == RDB_INT2OID) {
            a.column = values[at].i16;
            a.is_missing = relation == NULL || a.column < 1 || a.column > relation->column_count || relation->columns[a.column - 1].is_dropped;
        } else if (relation != NULL) {
            const char *name = expr_get_text(call, values[at]);
            for (uint16_t i = 0; i < relation->column_count; i++)
                if (strcmp(relation->columns[i].name, name) == 0) {
                    a.column = (int16_t)(i + 1);
                    a.is_missing = relation->columns[i].is_dropped;
                }
            if (a.column == 0)
                return rdb_error_set(call->err, RDB_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", name, relation->name);
        }
        at++;
    }
    if (!rdb_acl_get_object(access, call->arena, kind == 'c' ? 'r' : kind, a.oid, 0, &object, &found, call->err))
        return false;
    const rdb_acl_kind words_of = family != FAMILY_PLAIN ? 'c' : kind;
    const char *list = expr_get_text(call, values[at]);
    *is_null = !found || a.is_missing;
    if (found && kind == 's' && object.relation_kind != 'S')
        return rdb_error_set(call->err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a sequence", object.name);
    while (next_privilege(call, &list, rdb_acl_all(words_of), &bit)) {
        if (*is_null || has)
            continue;
        if (!ask(call, access, &object, &a, bit, &has))
            return false;
        if (!has && family == FAMILY_COLUMN) {
            rdb_acl_object column;
            if (!rdb_acl_get_object(access, call->arena, 'c', a.oid, a.column, &column, &found, call->err) || (found && !ask(call, access, &column, &a, bit, &has)))
                return false;
        }
        if (!has && family == FAMILY_ANY_COLUMN && !any_column(call, access, &a, bit, &has))
            return false;
    }
    *answer = has;
    return !rdb_error_is_set(call->err);
}

#define FAMILY(name, kind, family)                                                                                                   \
    static bool name##_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)                  \
    {                                                                                                                                 \
        bool answer = false;                                                                                                          \
        (void)nulls;                                                                                                                  \
        if (!has_privilege(call, kind, family, a, &answer, is_null))                                                                  \
            return false;                                                                                                             \
        result->b = answer;                                                                                                           \
        return true;                                                                                                                  \
    }                                                                                                                                 \
    static bool name(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection)           \
    {                                                                                                                                 \
        return expr_run_rows(call, arguments, out, selection, call->argument_count, name##_row);                                     \
    }
FAMILY(on_table, 'r', FAMILY_PLAIN)
FAMILY(on_sequence, 's', FAMILY_PLAIN)
FAMILY(on_column, 'c', FAMILY_COLUMN)
FAMILY(on_any_column, 'c', FAMILY_ANY_COLUMN)
FAMILY(on_database, 'd', FAMILY_PLAIN)
FAMILY(on_function, 'f', FAMILY_PLAIN)
FAMILY(on_language, 'l', FAMILY_PLAIN)
FAMILY(on_schema, 'n', FAMILY_PLAIN)
FAMILY(on_type, 'T', FAMILY_PLAIN)
FAMILY(on_tablespace, 't', FAMILY_PLAIN)

/* pg_has_role: MEMBER, USAGE, either WITH ADMIN OPTION. */
static bool has_role_row(rdb_call *call, const rdb_datum *values, const bool *nulls, rdb_datum *result, bool *is_null)
{
    rdb_access *access = rdb_eval_of(call)->access;
    asked member = {.role = rdb_access_get_context(access)->role_oid}, role = {0};
    uint32_t at = 0;
    bool has = false;
    char word[64] = "";
    (void)nulls, (void)is_null;
    if (call->argument_count == 3) {
        if (call->argument_types[0]->oid == RDB_NAMEOID && !find_role(call, expr_get_text(call, values[0]), &member))
            return false;
        if (call->argument_types[0]->oid == RDB_OIDOID)
            member.role = values[0].oid;
        at++;
    }
    if (call->argument_types[at]->oid == RDB_NAMEOID && !find_role(call, expr_get_text(call, values[at]), &role))
        return false;
    if (call->argument_types[at]->oid == RDB_OIDOID)
        role.role = values[at].oid;
    const char *text = expr_get_text(call, values[at + 1]);
    for (size_t i = 0; text[i] != '\0' && i + 1 < sizeof word; i++)
        word[i] = (char)toupper((unsigned char)text[i]);
    bool ok;
    if (strstr(word, "WITH ADMIN OPTION") != NULL || strstr(word, "WITH GRANT OPTION") != NULL)
        ok = rdb_role_is_admin_of(access, member.role, role.role, &has, call->err) || !rdb_error_is_set(call->err);
    else if (strcmp(word, "USAGE") == 0)
        ok = rdb_role_has_privileges_of(access, member.role, role.role, &has, call->err);
    else if (strcmp(word, "MEMBER") == 0)
        ok = rdb_role_is_member_of(access, member.role, role.role, &has, call->err);
    else
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "unrecognized privilege type: \"%s\"", text);
    result->b = has && (call->argument_count < 3 || member.role != 0); /* a member of number 0 is PUBLIC, which nobody's role is; elsewhere 0 is the system */
    return ok;
}
static bool has_role(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection)
{
    return expr_run_rows(call, arguments, out, selection, call->argument_count, has_role_row);
}

/* Privileges on settings are nobody's but superusers': GRANT ON PARAMETER is not there to give them. */
static bool on_parameter_row(rdb_call *call, const rdb_datum *values, const bool *nulls, rdb_datum *result, bool *is_null)
{
    rdb_access *access = rdb_eval_of(call)->access;
    asked who = {.role = rdb_access_get_context(access)->role_oid};
    const char *text = expr_get_text(call, values[call->argument_count - 1]);
    (void)nulls, (void)is_null;
    if (call->argument_count == 3 && call->argument_types[0]->oid == RDB_OIDOID)
        who.role = values[0].oid;
    else if (call->argument_count == 3 && !find_role(call, expr_get_text(call, values[0]), &who))
        return false;
    for (const char *at = text; at != NULL; at = strchr(at, ',') != NULL ? strchr(at, ',') + 1 : NULL) {
        static const char *const WORDS[] = {"SET", "ALTER SYSTEM", "SET WITH GRANT OPTION", "ALTER SYSTEM WITH GRANT OPTION"};
        while (*at == ' ')
            at++;
        size_t length = strcspn(at, ","), known = 0;
        while (length > 0 && at[length - 1] == ' ')
            length--;
        for (size_t i = 0; i < RDB_COUNT_OF(WORDS); i++)
            known += strlen(WORDS[i]) == length && strncasecmp(at, WORDS[i], length) == 0;
        if (known == 0)
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "unrecognized privilege type: \"%.*s\"", (int)length, at);
    }
    bool is_superuser = false;
    if (!who.is_public && !rdb_role_is_superuser(access, who.role, &is_superuser, call->err))
        return false;
    result->b = is_superuser;
    return true;
}
static bool on_parameter(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection)
{
    return expr_run_rows(call, arguments, out, selection, call->argument_count, on_parameter_row);
}

/* ---- aclitem ------------------------------------------------------------------------------------------------------------------------ */
static bool make_aclitem_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const char *list = expr_get_text(call, a[2]);
    rdb_acl_item *item = RDB_NEW(call->arena, rdb_acl_item);
    uint32_t bit;
    (void)nulls, (void)is_null;
    *item = (rdb_acl_item){a[0].oid, a[1].oid, 0};
    bit = rdb_acl_bit(list);
    if (bit == 0)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "unrecognized privilege type: \"%s\"", list);
    item->bits = bit;
    if (a[3].b)
        item->bits |= item->bits << 16;
    result->bytes = (rdb_bytes){.data = (const uint8_t *)item, .length = sizeof *item};
    return !rdb_error_is_set(call->err);
}
EXPR_ROW_KERNEL(make_aclitem, 4)

static bool acl_default_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const char letter = (char)a[0].i8;
    (void)nulls, (void)is_null;
    if (letter == '\0' || strchr("crsdflLntpFST", letter) == NULL)
        return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "unrecognized object type abbreviation: %c", letter);
    const rdb_acl acl = rdb_acl_default(call->arena, letter, a[1].oid);
    return rdb_acl_write(call->arena, &acl, result, call->err);
}
EXPR_ROW_KERNEL(acl_default, 2)

static bool acl_equal_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)call, (void)nulls, (void)is_null;
    result->b = a[0].bytes.length == a[1].bytes.length && memcmp(a[0].bytes.data, a[1].bytes.data, a[0].bytes.length) == 0;
    return true;
}
EXPR_ROW_KERNEL(acl_equal, 2)

static bool acl_contains_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    rdb_acl acl;
    rdb_acl_item item;
    (void)nulls, (void)is_null;
    result->b = false;
    if (a[1].bytes.length != sizeof item || !rdb_acl_read(call->arena, a[0], false, &acl, call->err))
        return !rdb_error_is_set(call->err);
    memcpy(&item, a[1].bytes.data, sizeof item);
    for (uint32_t i = 0; i < acl.count; i++)
        if (acl.items[i].grantee == item.grantee && acl.items[i].grantor == item.grantor && (item.bits & ~acl.items[i].bits) == 0)
            result->b = true;
    return true;
}
EXPR_ROW_KERNEL(acl_contains, 2)

typedef struct explode_state {
    rdb_acl acl;
    uint32_t item_no, bit;
} explode_state;

static bool explode_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    explode_state *s = state;
    return rdb_acl_read(call->arena, arguments[0], is_null[0], &s->acl, call->err);
}

static bool explode_next(rdb_call *call, void *state, rdb_vector **columns, uint32_t column_count, uint32_t capacity, uint32_t *count)
{
    explode_state *s = state;
    *count = 0;
    if (column_count < 4)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "aclexplode gives rows in FROM alone");
    for (; s->item_no < s->acl.count && *count < capacity; s->item_no++, s->bit = 0)
        for (; s->bit < RDB_ACL_KIND_COUNT && *count < capacity; s->bit++) {
            const rdb_acl_item *item = &s->acl.items[s->item_no];
            const char *word = rdb_acl_word(UINT32_C(1) << s->bit);
            if ((item->bits & (UINT32_C(1) << s->bit)) == 0)
                continue;
            rdb_vector_put(columns[0], *count, (rdb_datum){.oid = item->grantor}, false);
            rdb_vector_put(columns[1], *count, (rdb_datum){.oid = item->grantee}, false);
            rdb_vector_put(columns[2], *count, (rdb_datum){.bytes = {.data = (const uint8_t *)word, .length = (uint32_t)strlen(word)}}, false);
            rdb_vector_put(columns[3], *count, (rdb_datum){.b = (item->bits & (UINT32_C(0x10000) << s->bit)) != 0}, false);
            if (++*count == capacity) {
                s->bit++;
                return true;
            }
        }
    return true;
}

/* Would policies decide what the current user sees of the table? */
static bool row_security_active_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    rdb_access *access = rdb_eval_of(call)->access;
    const rdb_relation *relation = NULL;
    uint32_t oid = a[0].oid;
    bool applies = false, is_owner;
    (void)nulls, (void)is_null;
    if (call->argument_types[0]->oid == RDB_TEXTOID &&
        !read_oid(call, RDB_REGCLASSOID, rdb_arena_strndup(call->arena, (const char *)a[0].bytes.data, a[0].bytes.length), &oid))
        return false;
    if (!rdb_relation_get(access, oid, &relation, call->err))
        return false;
    if (relation != NULL && !rdb_row_security_applies(access, relation, rdb_access_get_context(access)->role_oid, &applies, &is_owner, call->err))
        return false;
    result->b = applies;
    return true;
}
EXPR_ROW_KERNEL(row_security_active, 1)

void expr_register_privilege_functions(void)
{
#define SIX(first, kernel) \
    {first, kernel, RDB_KERNEL_NEEDS_SESSION}, {first + 1, kernel, RDB_KERNEL_NEEDS_SESSION}, {first + 2, kernel, RDB_KERNEL_NEEDS_SESSION}, \
    {first + 3, kernel, RDB_KERNEL_NEEDS_SESSION}, {first + 4, kernel, RDB_KERNEL_NEEDS_SESSION}, {first + 5, kernel, RDB_KERNEL_NEEDS_SESSION}
    static const rdb_kernel_entry entries[] = {
        {3298, row_security_active, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE}, {3299, row_security_active, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        SIX(1922, on_table), SIX(2181, on_sequence), SIX(3012, on_column), SIX(3018, on_column), SIX(3024, on_any_column), SIX(2250, on_database), SIX(2256, on_function),
        SIX(2262, on_language), SIX(2268, on_schema), SIX(3138, on_type), SIX(2390, on_tablespace), SIX(2705, has_role), {1365, make_aclitem, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {6205, on_parameter, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE}, {6206, on_parameter, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {6207, on_parameter, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE}, {3943, acl_default, RDB_KERNEL_FALLIBLE}, {1062, acl_equal, 0}, {1037, acl_contains, RDB_KERNEL_FALLIBLE}};
#undef SIX
    static const rdb_set_kernel_entry sets[] = {{1689, sizeof(explode_state), explode_begin, explode_next, 0}};
    rdb_kernel_register(entries, RDB_COUNT_OF(entries));
    rdb_set_kernel_register(sets, RDB_COUNT_OF(sets));
}
