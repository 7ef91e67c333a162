/* SPDX-License-Identifier: Apache-2.0
 * Names are taken from the raw tree. Passwords are found by reading the text as the scanner does: in a statement that can hold one, each
 * string behind the word PASSWORD, and each string that itself says password=, is replaced. A text that could not be read is treated as if
 * it could hold one. */
#include "session/audit_text.h"

#include "audit/rdb_audit.h"
#include "sql/rdb_ast_command.h"

/* ---- objects ------------------------------------------------------------------------------------------------------------ */
enum { OBJECTS_MAX = 64 };

typedef struct object_list {
    rdb_strbuf *members;
    uint32_t count;
} object_list;

static void put_object(object_list *list, const char *schema, const char *name)
{
    char text[2 * RDB_NAMEDATALEN + 2];
    if (name == NULL || list->count >= OBJECTS_MAX)
        return;
    int length = schema != NULL ? snprintf(text, sizeof text, "%s.%s", schema, name) : snprintf(text, sizeof text, "%s", name);
    rdb_strbuf_adds(list->members, list->count++ == 0 ? ",\"objects\":[{\"name\":" : ",{\"name\":");
    rdb_strbuf_add_json(list->members, text, RDB_MIN((size_t)length, sizeof text - 1));
    rdb_strbuf_addc(list->members, '}');
}

/* A qualified name as lists of values have it. */
static void put_names(object_list *list, const rdb_ast_node *node)
{
    char text[4 * RDB_NAMEDATALEN] = "";
    if (node == NULL)
        return;
    if (node->tag == RDB_AST_VALUE) {
        put_object(list, NULL, ((const rdb_ast_value *)node)->text);
    } else if (node->tag == RDB_AST_LIST) {
        const rdb_list *items = &((const rdb_ast_items *)node)->items;
        size_t length = 0;
        for (uint32_t i = 0; i < items->count; i++) {
            const rdb_ast_node *item = items->items[i];
            if (item->tag == RDB_AST_VALUE && ((const rdb_ast_value *)item)->text != NULL && length < sizeof text)
                length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", length > 0 ? "." : "", ((const rdb_ast_value *)item)->text);
        }
        if (text[0] != '\0')
            put_object(list, NULL, text);
    }
}

static bool put_tables(void *context, const rdb_ast_node *node)
{
    object_list *list = context;
    if (node == NULL)
        return true;
    if (node->tag == RDB_AST_TABLE) {
        const rdb_ast_table *table = (const rdb_ast_table *)node;
        put_object(list, table->schema, table->name);
        return true;
    }
    return list->count >= OBJECTS_MAX || rdb_ast_visit_children(node, put_tables, list);
}

static void put_roles(object_list *list, const rdb_list *roles)
{
    for (uint32_t i = 0; i < roles->count; i++) {
        const rdb_ast_node *node = roles->items[i];
        if (node->tag == RDB_AST_ROLE)
            put_object(list, NULL, ((const rdb_ast_role *)node)->name);
        else
            put_names(list, node);
    }
}

static void add_detail(rdb_strbuf *members, bool *any, const char *key, const char *value)
{
    if (value == NULL)
        return;
    rdb_strbuf_adds(members, *any ? ",\"" : ",\"detail\":{\"");
    *any = true;
    rdb_strbuf_adds(members, key);
    rdb_strbuf_adds(members, "\":");
    rdb_strbuf_add_json(members, value, strlen(value));
}

static void add_role_list(rdb_strbuf *members, bool *any, const char *key, const rdb_list *roles)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, NULL);
    for (uint32_t i = 0; i < roles->count; i++) {
        const rdb_ast_node *node = roles->items[i];
        const char *name = node->tag == RDB_AST_ROLE ? ((const rdb_ast_role *)node)->name : node->tag == RDB_AST_PRIVILEGE ? ((const rdb_ast_privilege *)node)->name : NULL;
        if (node->tag == RDB_AST_ROLE && name == NULL)
            name = "PUBLIC";
        rdb_strbuf_addf(&text, "%s%s", i > 0 ? ", " : "", name != NULL ? name : "ALL");
    }
    if (roles->count > 0 && !text.failed)
        add_detail(members, any, key, text.data);
    rdb_strbuf_free(&text);
}

typedef struct object_search { rdb_audit_object *objects; uint32_t count, max; } object_search;

static bool find_tables(void *context, const rdb_ast_node *node)
{
    object_search *search = context;
    if (node == NULL || search->count == search->max)
        return true;
    if (node->tag == RDB_AST_TABLE) {
        const rdb_ast_table *table = (const rdb_ast_table *)node;
        search->objects[search->count++] = (rdb_audit_object){.schema = table->schema, .name = table->name};
        return true;
    }
    if (node->tag == RDB_AST_LIST) { /* a qualified name, as DROP has it */
        const rdb_list *items = &((const rdb_ast_items *)node)->items;
        const rdb_ast_value *last = items->count > 0 ? items->items[items->count - 1] : NULL;
        const rdb_ast_value *before = items->count > 1 ? items->items[items->count - 2] : NULL;
        if (last != NULL && last->node.tag == RDB_AST_VALUE && last->text != NULL && (before == NULL || before->node.tag == RDB_AST_VALUE)) {
            search->objects[search->count++] = (rdb_audit_object){.schema = before != NULL ? before->text : NULL, .name = last->text};
            return true;
        }
    }
    return rdb_ast_visit_children(node, find_tables, search);
}

uint32_t audit_text_find_objects(const rdb_ast_node *raw, rdb_audit_object *objects, uint32_t max)
{
    object_search search = {objects, 0, max};
    rdb_ast_visit_children(raw, find_tables, &search);
    return search.count;
}

void audit_text_add_objects(rdb_strbuf *members, const rdb_ast_node *raw)
{
    object_list list = {.members = members};
    const char *old_name = NULL, *new_name = NULL;
    bool any = false;
    switch (raw->tag) {
    case RDB_AST_DROP: {
        const rdb_list *objects = &((const rdb_ast_drop *)raw)->objects;
        for (uint32_t i = 0; i < objects->count; i++)
            put_names(&list, objects->items[i]);
        break;
    }
    case RDB_AST_RENAME: {
        const rdb_ast_rename *rename = (const rdb_ast_rename *)raw;
        if (rename->table != NULL)
            put_object(&list, rename->table->schema, rename->table->name);
        else
            put_names(&list, rename->object);
        if (list.count == 0)
            put_object(&list, NULL, rename->sub_name);
        old_name = rename->sub_name != NULL ? rename->sub_name : rename->table != NULL ? rename->table->name : NULL;
        new_name = rename->new_name;
        break;
    }
    case RDB_AST_CREATE_ROLE:
        put_object(&list, NULL, ((const rdb_ast_create_role *)raw)->name);
        break;
    case RDB_AST_GRANT: {
        const rdb_list *objects = &((const rdb_ast_grant *)raw)->objects;
        for (uint32_t i = 0; i < objects->count; i++)
            if (((const rdb_ast_node *)objects->items[i])->tag == RDB_AST_TABLE)
                put_tables(&list, objects->items[i]);
            else
                put_names(&list, objects->items[i]);
        break;
    }
    case RDB_AST_ALTER_ROLE:
        if (((const rdb_ast_alter_role *)raw)->role != NULL)
            put_object(&list, NULL, ((const rdb_ast_alter_role *)raw)->role->name);
        break;
    case RDB_AST_ALTER_ROLE_SET:
        put_object(&list, NULL, ((const rdb_ast_alter_role_set *)raw)->role != NULL ? ((const rdb_ast_alter_role_set *)raw)->role->name : "ALL");
        break;
    case RDB_AST_ALTER_DATABASE_SET:
        put_object(&list, NULL, ((const rdb_ast_alter_database_set *)raw)->name);
        break;
    case RDB_AST_GRANT_ROLE:
        put_roles(&list, &((const rdb_ast_grant_role *)raw)->roles);
        break;
    case RDB_AST_DROP_ROLE:
        put_roles(&list, &((const rdb_ast_drop_role *)raw)->roles);
        break;
    case RDB_AST_COMMENT:
        put_names(&list, ((const rdb_ast_comment *)raw)->object);
        break;
    case RDB_AST_CREATE_SCHEMA:
        put_object(&list, NULL, ((const rdb_ast_create_schema *)raw)->name);
        break;
    case RDB_AST_CREATE_DATABASE:
        put_object(&list, NULL, ((const rdb_ast_create_database *)raw)->name);
        break;
    case RDB_AST_DROP_DATABASE:
        put_object(&list, NULL, ((const rdb_ast_drop_database *)raw)->name);
        break;
    default:
        rdb_ast_visit_children(raw, put_tables, &list);
        break;
    }
    if (list.count > 0)
        rdb_strbuf_addc(members, ']');
    add_detail(members, &any, "old_name", old_name);
    add_detail(members, &any, "new_name", new_name);
    if (raw->tag == RDB_AST_GRANT) {
        add_role_list(members, &any, "privileges", &((const rdb_ast_grant *)raw)->privileges);
        add_role_list(members, &any, ((const rdb_ast_grant *)raw)->is_grant ? "to" : "from", &((const rdb_ast_grant *)raw)->grantees);
    } else if (raw->tag == RDB_AST_GRANT_ROLE) {
        add_role_list(members, &any, ((const rdb_ast_grant_role *)raw)->is_grant ? "to" : "from", &((const rdb_ast_grant_role *)raw)->grantees);
    }
    if (any)
        rdb_strbuf_addc(members, '}');
}

/* ---- the text -------------------------------------------------------------------------------------------------------------- */
static bool may_hold_password(const rdb_ast_node *raw)
{
    if (raw == NULL)
        return true;
    switch (raw->tag) {
    case RDB_AST_SELECT: case RDB_AST_INSERT: case RDB_AST_UPDATE: case RDB_AST_DELETE: case RDB_AST_MERGE: case RDB_AST_TRANSACTION:
    case RDB_AST_FETCH: case RDB_AST_COPY:
        return false;
    default:
        return true;
    }
}

static inline bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' || (uint8_t)c >= 0x80;
}

/* The end of the string, quoted name, comment or dollar-quoted text that begins at text[at]; at where none does. *is_string: a string, whose
 * inside is from .. to. An end that is not there is the text's. */
static size_t read_quoted(const char *text, size_t length, size_t at, bool escapes, bool *is_string, size_t *from, size_t *to)
{
    const char c = text[at];
    size_t i = at + 1;
    *is_string = false;
    if (c == '\'' || c == '"') {
        for (; i < length; i++) {
            if (escapes && c == '\'' && text[i] == '\\')
                i++;
            else if (text[i] == c && i + 1 < length && text[i + 1] == c)
                i++;
            else if (text[i] == c)
                break;
        }
        *is_string = c == '\'';
        *from = at + 1;
        *to = RDB_MIN(i, length);
        return RDB_MIN(i + 1, length);
    }
    if (c == '-' && i < length && text[i] == '-') {
        const char *end = memchr(text + at, '\n', length - at);
        return end != NULL ? (size_t)(end - text) : length;
    }
    if (c == '/' && i < length && text[i] == '*') {
        unsigned depth = 1;
        for (i++; i < length && depth > 0; i++) {
            if (text[i] == '/' && i + 1 < length && text[i + 1] == '*')
                depth++, i++;
            else if (text[i] == '*' && i + 1 < length && text[i + 1] == '/')
                depth--, i++;
        }
        return i;
    }
    if (c == '$' && (at == 0 || !is_name(text[at - 1]))) {
        while (i < length && is_name(text[i]) && text[i] != '$')
            i++;
        if (i >= length || text[i] != '$' || (at + 1 < i && text[at + 1] >= '0' && text[at + 1] <= '9'))
            return at;
        const size_t mark = i + 1 - at;
        const char *end = memmem(text + i + 1, length - i - 1, text + at, mark);
        *is_string = true;
        *from = i + 1;
        *to = end != NULL ? (size_t)(end - text) : length;
        return end != NULL ? *to + mark : length;
    }
    return at;
}

static bool says_password(const char *text, size_t length)
{
    static const char *const words[] = {"password", "passwd", "secret"};
    for (size_t w = 0; w < RDB_COUNT_OF(words); w++)
        for (size_t i = 0, word = strlen(words[w]); i + word <= length; i++)
            if (strncasecmp(text + i, words[w], word) == 0)
                return true;
    return false;
}

static void redact(rdb_strbuf *out, const char *text, size_t length)
{
    bool expects = false; /* the word PASSWORD came, and nothing but blanks, =, comments and strings since */
    for (size_t at = 0; at < length;) {
        size_t from = 0, to = 0;
        bool is_string;
        const bool escapes = at > 0 && (text[at - 1] == 'E' || text[at - 1] == 'e') && (at < 2 || !is_name(text[at - 2]));
        const size_t end = read_quoted(text, length, at, escapes, &is_string, &from, &to);
        if (end > at) {
            if (is_string && (expects || says_password(text + from, to - from))) {
                rdb_strbuf_add(out, text + at, from - at);
                rdb_strbuf_adds(out, "***");
                rdb_strbuf_add(out, text + to, end - to);
            } else {
                rdb_strbuf_add(out, text + at, end - at);
            }
            at = end;
        } else if (is_name(text[at])) {
            size_t stop = at;
            while (stop < length && is_name(text[stop]))
                stop++;
            const size_t word = stop - at;
            const bool is_prefix = stop < length && (text[stop] == '\'' || text[stop] == '&') && word <= 2; /* E'', U&'' */
            if (!is_prefix)
                expects = says_password(text + at, word) || (expects && word == 7 && strncasecmp(text + at, "uescape", 7) == 0);
            rdb_strbuf_add(out, text + at, word);
            at = stop;
        } else {
            if (strchr(" \t\r\n\f\v=&(", text[at]) == NULL)
                expects = false;
            rdb_strbuf_addc(out, text[at++]);
        }
    }
}

/* True where the text can be told as it is; else it is told as clean. */
static bool is_clean(const char *text, size_t length, const rdb_ast_node *raw, rdb_strbuf *clean)
{
    size_t bad;
    if (!rdb_utf8_validate(text, length, &bad)) { /* cut in the middle of a character, or refused for its encoding */
        rdb_strbuf plain;
        rdb_strbuf_init(&plain, NULL);
        rdb_strbuf_add(&plain, text, length);
        for (size_t i = 0; !plain.failed && i < length; i++)
            if ((uint8_t)plain.data[i] >= 0x80 || plain.data[i] == '\0')
                plain.data[i] = '?';
        if (!plain.failed && is_clean(plain.data, length, raw, clean))
            rdb_strbuf_add(clean, plain.data, length);
        clean->failed = clean->failed || plain.failed;
        rdb_strbuf_free(&plain);
        return false;
    }
    if (!may_hold_password(raw) || !says_password(text, length))
        return true;
    redact(clean, text, length);
    return false;
}

void audit_text_add_clean(rdb_strbuf *out, const char *text, size_t length, const rdb_ast_node *raw)
{
    if (is_clean(text, length, raw, out))
        rdb_strbuf_add(out, text, length);
}

void audit_text_add_statement(rdb_strbuf *members, const char *text, size_t length, const rdb_ast_node *raw)
{
    while (length > 0 && (text[0] == ' ' || text[0] == '\n' || text[0] == '\t' || text[0] == '\r'))
        text++, length--;
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\n' || text[length - 1] == '\0'))
        length--;
    rdb_strbuf clean;
    rdb_strbuf_init(&clean, NULL);
    if (is_clean(text, length, raw, &clean))
        rdb_audit_add_member(members, "statement", text, length);
    else if (clean.failed)
        members->failed = true;
    else
        rdb_audit_add_member(members, "statement", clean.data, clean.length);
    rdb_strbuf_free(&clean);
}
