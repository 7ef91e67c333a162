/* SPDX-License-Identifier: Apache-2.0
 * Analysed trees back to SQL, in the form PostgreSQL prints them. Here: where it begins, line breaks, and the names of things
 * outside the tree (types, functions, operators, tables), qualified where search_path would find another or none. */
#include "sql/deparse_int.h"
#include "sql/rdb_body.h"

void deparse_fail(deparse *out, bool ok)
{
    out->ok = out->ok && ok;
}

void deparse_add(deparse *out, const char *text)
{
    rdb_strbuf_adds(out->text, text);
}

void rdb_deparse_name(const char *name, rdb_strbuf *text)
{
    rdb_identifier_add(text, name);
}

void deparse_name(deparse *out, const char *name)
{
    rdb_identifier_add(out->text, name);
}

/* Deep nesting begins anew at the left, half a step further in each time, so that lines stay readable. */
static int32_t indent_columns(int32_t indent)
{
    const int32_t limit = 40;
    if (indent < limit)
        return RDB_MAX(indent, 0);
    return (limit + (indent - limit) / (DEPARSE_STEP / 2)) % limit;
}

void deparse_break(deparse *out, const char *text, int32_t before, int32_t after, int32_t plus)
{
    if (!out->breaks_lines) {
        deparse_add(out, text);
        return;
    }
    out->indent += before;
    while (out->text->length > 0 && out->text->data[out->text->length - 1] == ' ')
        out->text->data[--out->text->length] = '\0';
    rdb_strbuf_addf(out->text, "\n%*s%s", (int)(indent_columns(out->indent) + RDB_MAX(plus, 0)), "", text);
    out->indent = RDB_MAX(out->indent + after, 0);
}

void deparse_type(deparse *out, const rdb_type *type, int32_t typmod)
{
    deparse_fail(out, rdb_expr_format_type(out->access, type, typmod, true, out->text, out->err));
}

/* The same function is what its name and types find, else it needs its schema. */
void deparse_function_name(deparse *out, const rdb_function *function)
{
    const rdb_function *const *candidates = NULL;
    uint32_t count = 0;
    bool is_found = function->namespace_oid == RDB_NAMESPACE_PG_CATALOG && function->oid < RDB_FIRST_NORMAL_OID;
    if (!is_found) {
        deparse_fail(out, rdb_function_find(out->access, NULL, function->name, &candidates, &count, out->err));
        for (uint32_t i = 0; out->ok && i < count && !is_found; i++)
            if (candidates[i]->argument_count == function->argument_count &&
                (function->argument_count == 0 ||
                 memcmp(candidates[i]->argument_types, function->argument_types, function->argument_count * sizeof(uint32_t)) == 0)) {
                is_found = candidates[i]->oid == function->oid;
                break;
            }
    }
    if (!is_found) {
        char schema[RDB_NAMEDATALEN] = "";
        deparse_fail(out, rdb_namespace_get_name(out->access, function->namespace_oid, schema, out->err));
        deparse_name(out, schema);
        rdb_strbuf_addc(out->text, '.');
    }
    deparse_name(out, function->name);
}

const char *deparse_operator(deparse *out, uint32_t operator_oid)
{
    const rdb_operator_entry *entry = NULL, *const *candidates = NULL;
    uint32_t count = 0;
    char schema[RDB_NAMEDATALEN] = "";
    deparse_fail(out, rdb_operator_get(out->access, operator_oid, &entry, out->err));
    if (entry == NULL)
        return "?";
    if (entry->namespace_oid == RDB_NAMESPACE_PG_CATALOG)
        return entry->name;
    deparse_fail(out, rdb_operator_find(out->access, NULL, entry->name, &candidates, &count, out->err));
    for (uint32_t i = 0; out->ok && i < count; i++)
        if (candidates[i]->left_type == entry->left_type && candidates[i]->right_type == entry->right_type) {
            if (candidates[i]->oid == operator_oid)
                return entry->name;
            break;
        }
    deparse_fail(out, rdb_namespace_get_name(out->access, entry->namespace_oid, schema, out->err));
    rdb_strbuf text;
    rdb_strbuf_init(&text, out->arena);
    rdb_strbuf_adds(&text, "OPERATOR(");
    rdb_identifier_add(&text, schema);
    rdb_strbuf_addf(&text, ".%s)", entry->name);
    deparse_fail(out, rdb_strbuf_check(&text, out->err));
    return out->ok ? text.data : "?";
}

void deparse_collation(deparse *out, uint32_t collation_oid)
{
    const char *schema = NULL, *name = NULL;
    deparse_fail(out, rdb_expr_collation_name(out->access, out->arena, collation_oid, &schema, &name, out->err));
    if (!out->ok || name == NULL)
        return;
    if (schema != NULL) {
        deparse_name(out, schema);
        rdb_strbuf_addc(out->text, '.');
    }
    deparse_name(out, name);
}

/* A WITH item of the same name hides a table from its bare name. */
static bool is_hidden_by_with(const deparse_level *level, const char *name)
{
    for (; level != NULL; level = level->parent)
        for (uint32_t i = 0; i < level->query->ctes.count; i++)
            if (strcmp(((const rdb_cte *)level->query->ctes.items[i])->name, name) == 0)
                return true;
    return false;
}

void deparse_relation_name(deparse *out, const rdb_relation *relation)
{
    bool visible = false;
    deparse_fail(out, rdb_relation_is_visible(out->access, relation->oid, &visible, out->err));
    if (!visible || is_hidden_by_with(out->level, relation->name)) {
        deparse_name(out, relation->namespace_name);
        rdb_strbuf_addc(out->text, '.');
    }
    deparse_name(out, relation->name);
}

static bool run(deparse *out, const rdb_expr *expr, const rdb_query *query, const rdb_relation *view)
{
    out->ok = true;
    out->arena = rdb_arena_create("deparse", NULL, NULL);
    if (out->arena == NULL)
        return rdb_error_set(out->err, RDB_OUT_OF_MEMORY, "out of memory");
    if (expr != NULL) {
        deparse_expr(out, expr, false);
    } else {
        deparse_results results = {.view = view, .names_matter = true};
        deparse_query(out, query, NULL, &results, view != NULL);
    }
    bool ok = out->ok && rdb_strbuf_check(out->text, out->err);
    rdb_arena_destroy(out->arena);
    return ok;
}

bool rdb_deparse_expr(rdb_access *access, const rdb_expr *expr, const rdb_relation *relation, bool qualify, rdb_strbuf *text, rdb_error *err)
{
    deparse out = {.access = access, .err = err, .text = text, .format = rdb_format_default(), .relation = relation, .qualify = qualify};
    return run(&out, expr, NULL, NULL);
}

bool rdb_deparse_stored_expr(const rdb_deparse_style *style, const rdb_expr *expr, const rdb_relation *relation, rdb_strbuf *text, rdb_error *err)
{
    deparse out = {.access = style->access, .err = err, .text = text, .format = style->format, .relation = relation, .qualify = false,
                   .is_pretty = style->is_pretty, .breaks_lines = style->breaks_lines, .wrap_column = style->wrap_column};
    return run(&out, expr, NULL, NULL);
}

bool rdb_deparse_query(const rdb_deparse_style *style, const rdb_query *query, const rdb_relation *view, rdb_strbuf *text, rdb_error *err)
{
    deparse out = {.access = style->access, .err = err, .text = text, .format = style->format, .qualify = true,
                   .is_pretty = style->is_pretty, .breaks_lines = style->breaks_lines, .wrap_column = style->wrap_column};
    return run(&out, NULL, query, view);
}

static bool run_body(deparse *out, const rdb_function *function)
{
    rdb_list statements;
    const deparse_results results = {.names_matter = false};
    out->function = function;
    out->argument_names = rdb_body_argument_names(out->arena, function);
    if (!rdb_body_read(out->arena, out->access, function->body_tree, &statements, out->err))
        return false;
    if (statements.count == 1 && ((const rdb_query *)statements.items[0])->is_return == 2) {
        out->breaks_lines = false;
        deparse_query(out, statements.items[0], NULL, &results, false);
        return true;
    }
    deparse_add(out, "BEGIN ATOMIC\n");
    out->breaks_lines = true;
    for (uint32_t i = 0; i < statements.count && out->ok; i++) {
        out->indent = 1;
        deparse_query(out, statements.items[i], NULL, &results, false);
        deparse_add(out, ";\n");
    }
    deparse_add(out, "END");
    return true;
}

bool rdb_deparse_body(const rdb_deparse_style *style, const rdb_function *function, rdb_strbuf *text, rdb_error *err)
{
    deparse out = {.access = style->access, .err = err, .text = text, .format = style->format, .qualify = true, .wrap_column = 0, .ok = true};
    if (function->body_tree == NULL)
        return true;
    out.arena = rdb_arena_create("deparse", NULL, NULL);
    if (out.arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = run_body(&out, function) && out.ok && rdb_strbuf_check(text, err);
    rdb_arena_destroy(out.arena);
    return ok;
}

bool rdb_deparse_rule_condition(const rdb_deparse_style *style, const rdb_expr *condition, const rdb_query *part, rdb_strbuf *text, rdb_error *err)
{
    deparse out = {.access = style->access, .err = err, .text = text, .format = style->format, .qualify = true, .ok = true,
                   .is_pretty = style->is_pretty, .breaks_lines = style->breaks_lines, .wrap_column = style->wrap_column};
    deparse_level level;
    out.arena = rdb_arena_create("deparse", NULL, NULL);
    if (out.arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    deparse_begin_level(&out, &level, part, NULL, false);
    out.level = &level;
    deparse_expr(&out, condition, false);
    bool ok = out.ok && rdb_strbuf_check(text, err);
    rdb_arena_destroy(out.arena);
    return ok;
}
