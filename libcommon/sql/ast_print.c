/* SPDX-License-Identifier: Apache-2.0
 * The raw tree as an S-expression, for tests and for people who debug the analyser. Fields that say nothing (NULL, empty,
 * false, the first value of an enumeration, location) are left out. */
#include "sql/sql_int.h"

typedef enum field_kind {
    FIELD_END,
    FIELD_NODE,
    FIELD_LIST,
    FIELD_NAMES,
    FIELD_TEXT,
    FIELD_BOOL,
    FIELD_CHAR,
    FIELD_INT16,
    FIELD_INT32,
    FIELD_LONG,
    FIELD_ENUM,
} field_kind;

typedef struct field {
    field_kind kind;
    uint32_t offset;
    const char *name;
} field;

typedef struct layout {
    const char *name;
    const field *fields;
} layout;

#define AST_NODE(TAG, own, library) static const field FIELDS_##TAG[] = {
#define AST_NODE_UNPLACED(TAG, own, library) AST_NODE(TAG, own, library)
#define AST_FIELD(own, library, KIND, name, theirs) {FIELD_##KIND, offsetof(rdb_ast_##own, name), #name},
#define AST_OWN(own, KIND, name) {FIELD_##KIND, offsetof(rdb_ast_##own, name), #name},
#define AST_END(TAG) {FIELD_END, 0, NULL}};
#include "sql/ast_fields.def"
#undef AST_NODE
#undef AST_NODE_UNPLACED
#undef AST_FIELD
#undef AST_OWN
#undef AST_END

#define AST_NODE(TAG, own, library) [RDB_AST_##TAG] = {#own, FIELDS_##TAG},
#define AST_NODE_UNPLACED(TAG, own, library) AST_NODE(TAG, own, library)
#define AST_FIELD(own, library, KIND, name, theirs)
#define AST_OWN(own, KIND, name)
#define AST_END(TAG)
static const layout LAYOUTS[RDB_AST_TAG_COUNT] = {
    [RDB_AST_CONST] = {"const", NULL},
    [RDB_AST_VALUE] = {"value", NULL},
    [RDB_AST_LIST] = {"list", NULL},
#include "sql/ast_fields.def"
};
#undef AST_NODE
#undef AST_NODE_UNPLACED
#undef AST_FIELD
#undef AST_OWN
#undef AST_END

const char *rdb_ast_tag_name(rdb_ast_tag tag)
{
    if ((unsigned)tag >= RDB_AST_TAG_COUNT || LAYOUTS[tag].name == NULL)
        return "none";
    return LAYOUTS[tag].name;
}

static void print_value(rdb_strbuf *buf, const rdb_ast_value *value)
{
    switch (value->kind) {
    case RDB_SQL_VALUE_NULL:
        rdb_strbuf_adds(buf, "null");
        return;
    case RDB_SQL_VALUE_INTEGER:
        rdb_strbuf_addf(buf, "%d", value->integer);
        return;
    case RDB_SQL_VALUE_BOOL:
        rdb_strbuf_adds(buf, value->integer ? "true" : "false");
        return;
    case RDB_SQL_VALUE_NUMBER:
        rdb_strbuf_addf(buf, "#%s", value->text);
        return;
    case RDB_SQL_VALUE_BITS:
        rdb_strbuf_addf(buf, "%%%s", value->text);
        return;
    case RDB_SQL_VALUE_STRING:
        rdb_strbuf_add_json(buf, value->text, strlen(value->text));
        return;
    }
}

static void print_list(rdb_strbuf *buf, const rdb_list *list)
{
    rdb_strbuf_addc(buf, '(');
    for (uint32_t at = 0; at < list->count; at++) {
        if (at > 0)
            rdb_strbuf_addc(buf, ' ');
        rdb_ast_print(buf, list->items[at]);
    }
    rdb_strbuf_addc(buf, ')');
}

static void print_names(rdb_strbuf *buf, const rdb_ast_names *names)
{
    rdb_strbuf_addc(buf, '[');
    for (uint32_t at = 0; at < names->count; at++) {
        if (at > 0)
            rdb_strbuf_addc(buf, ' ');
        rdb_strbuf_add_json(buf, names->items[at], strlen(names->items[at]));
    }
    rdb_strbuf_addc(buf, ']');
}

static int64_t read_number(field_kind kind, const void *at)
{
    switch (kind) {
    case FIELD_CHAR:
        return *(const char *)at;
    case FIELD_INT16:
        return *(const int16_t *)at;
    case FIELD_LONG:
        return *(const int64_t *)at;
    case FIELD_BOOL:
        return *(const bool *)at;
    default:
        return *(const int32_t *)at;
    }
}

static void print_field(rdb_strbuf *buf, const field *f, const void *at)
{
    switch (f->kind) {
    case FIELD_NODE: {
        const rdb_ast_node *child = *(rdb_ast_node *const *)at;
        if (child == NULL)
            return;
        rdb_strbuf_addf(buf, " :%s ", f->name);
        rdb_ast_print(buf, child);
        return;
    }
    case FIELD_LIST:
        if (((const rdb_list *)at)->count == 0)
            return;
        rdb_strbuf_addf(buf, " :%s ", f->name);
        print_list(buf, at);
        return;
    case FIELD_NAMES:
        if (((const rdb_ast_names *)at)->count == 0)
            return;
        rdb_strbuf_addf(buf, " :%s ", f->name);
        print_names(buf, at);
        return;
    case FIELD_TEXT: {
        const char *text = *(const char *const *)at;
        if (text == NULL)
            return;
        rdb_strbuf_addf(buf, " :%s ", f->name);
        rdb_strbuf_add_json(buf, text, strlen(text));
        return;
    }
    default: {
        int64_t number = read_number(f->kind, at);
        if (number == 0)
            return;
        if (f->kind == FIELD_BOOL)
            rdb_strbuf_addf(buf, " :%s", f->name);
        else if (f->kind == FIELD_CHAR)
            rdb_strbuf_addf(buf, " :%s '%c'", f->name, (char)number);
        else
            rdb_strbuf_addf(buf, " :%s %lld", f->name, (long long)number);
    }
    }
}

bool rdb_ast_visit_children(const rdb_ast_node *node, bool (*visit)(void *context, const rdb_ast_node *child), void *context)
{
    if (node->tag == RDB_AST_LIST) {
        const rdb_list *items = &((const rdb_ast_items *)node)->items;
        for (uint32_t i = 0; i < items->count; i++)
            if (items->items[i] != NULL && !visit(context, items->items[i]))
                return false;
        return true;
    }
    if (node->tag == RDB_AST_CONST || node->tag == RDB_AST_VALUE || (unsigned)node->tag >= RDB_AST_TAG_COUNT || LAYOUTS[node->tag].fields == NULL)
        return true;
    for (const field *f = LAYOUTS[node->tag].fields; f->kind != FIELD_END; f++) {
        const void *at = (const char *)node + f->offset;
        const rdb_ast_node *child = f->kind == FIELD_NODE ? *(rdb_ast_node *const *)at : NULL;
        if (child != NULL && !visit(context, child))
            return false;
        const rdb_list *list = f->kind == FIELD_LIST ? at : NULL;
        for (uint32_t i = 0; list != NULL && i < list->count; i++)
            if (list->items[i] != NULL && !visit(context, list->items[i]))
                return false;
    }
    return true;
}

void rdb_ast_print(rdb_strbuf *buf, const rdb_ast_node *node)
{
    if (node == NULL) {
        rdb_strbuf_adds(buf, "nil");
        return;
    }
    if (node->tag == RDB_AST_LIST) {
        print_list(buf, &((const rdb_ast_items *)node)->items);
        return;
    }
    rdb_strbuf_addf(buf, "(%s", rdb_ast_tag_name(node->tag));
    if (node->tag == RDB_AST_CONST || node->tag == RDB_AST_VALUE) {
        rdb_strbuf_addc(buf, ' ');
        print_value(buf, (const rdb_ast_value *)node);
    } else if ((unsigned)node->tag < RDB_AST_TAG_COUNT && LAYOUTS[node->tag].fields != NULL) {
        for (const field *f = LAYOUTS[node->tag].fields; f->kind != FIELD_END; f++)
            print_field(buf, f, (const char *)node + f->offset);
    }
    rdb_strbuf_addc(buf, ')');
}
