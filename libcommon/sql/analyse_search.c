/* SPDX-License-Identifier: Apache-2.0
 * SEARCH and CYCLE of a recursive WITH item. The item is written anew, as SQL, before it is analysed: each half becomes a sub-query
 * of one that adds the columns of the clauses, and the recursive half gives those of its own row of the item beside its columns.
 *
 *     DEPTH FIRST BY c SET s     first half  ARRAY[ROW(c)]        then  s || ARRAY[ROW(c)]
 *     BREADTH FIRST BY c SET s               ROW(0, c)                  ROW((s).f1 + 1, c)
 *     CYCLE c SET m USING p                  no mark, ARRAY[ROW(c)]     the mark where ROW(c) = ANY (p), p || ARRAY[ROW(c)]; WHERE m <> mark
 */
#include "sql/analyse_int.h"

typedef struct rewriter {
    analyse_state *owner;
    const rdb_ast_cte *raw;
    rdb_ast_names columns;    /* of the item as written */
    const char *inner;        /* what its own row is called in the recursive half */
    rdb_strbuf text;
    rdb_error *err;
} rewriter;

static bool refuse(const rewriter *w, int32_t location, const char sqlstate[6], const char *message)
{
    return analyse_error(w->owner, location, w->err, sqlstate, "%s", message);
}

/* ---- checks ---------------------------------------------------------------------------------------------------------------------- */
static bool has_name(const rdb_ast_names *names, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

static bool check_columns(const rewriter *w, const rdb_ast_names *by, int32_t location, const char *what)
{
    for (uint32_t i = 0; i < by->count; i++) {
        if (!has_name(&w->columns, w->columns.count, by->items[i]))
            return analyse_error(w->owner, location, w->err, RDB_SYNTAX_ERROR, "%s column \"%s\" not in WITH query column list", what, by->items[i]);
        if (has_name(by, i, by->items[i]))
            return analyse_error(w->owner, location, w->err, RDB_DUPLICATE_COLUMN, "%s column \"%s\" specified more than once", what, by->items[i]);
    }
    return true;
}

static bool check_new_name(const rewriter *w, const char *name, int32_t location, const char *what)
{
    return !has_name(&w->columns, w->columns.count, name) ||
           analyse_error(w->owner, location, w->err, RDB_SYNTAX_ERROR, "%s column name \"%s\" already used in WITH query column list", what, name);
}

static bool check_cycle_values(const rewriter *w, const rdb_ast_cte_cycle *cycle)
{
    rdb_list values = {0};
    rdb_expr *value, *otherwise;
    const rdb_type *type;
    uint32_t equality = 0, order = 0;
    bool can_hash = false;
    if (!analyse_expr(w->owner, cycle->mark_value, ANALYSE_OTHER, &value, w->err) || !analyse_expr(w->owner, cycle->mark_default, ANALYSE_OTHER, &otherwise, w->err))
        return false;
    rdb_list_push(analyse_arena(w->owner), &values, value);
    rdb_list_push(analyse_arena(w->owner), &values, otherwise);
    if (!analyse_common_type(w->owner, &values, "CYCLE", &type, NULL, w->err))
        return false;
    rdb_error none = {0};
    if (!analyse_sort_operators(w->owner, type, false, false, -1, &equality, &order, &can_hash, &none)) {
        rdb_error_clear(&none);
        return rdb_error_set(w->err, RDB_UNDEFINED_FUNCTION, "could not identify an equality operator for type %s", analyse_type_name(w->owner, type->oid));
    }
    return true;
}

static bool check_clauses(const rewriter *w)
{
    const rdb_ast_cte_search *search = w->raw->search;
    const rdb_ast_cte_cycle *cycle = w->raw->cycle;
    if (search != NULL && (!check_columns(w, &search->columns, search->node.location, "search") ||
                           !check_new_name(w, search->sequence_column, search->node.location, "search sequence")))
        return false;
    if (cycle != NULL) {
        const int32_t at = cycle->node.location;
        if (!check_columns(w, &cycle->columns, at, "cycle") || !check_cycle_values(w, cycle) || !check_new_name(w, cycle->mark_column, at, "cycle mark") ||
            !check_new_name(w, cycle->path_column, at, "cycle path"))
            return false;
        if (strcmp(cycle->mark_column, cycle->path_column) == 0)
            return refuse(w, at, RDB_SYNTAX_ERROR, "cycle mark column name and cycle path column name are the same");
    }
    if (search != NULL && cycle != NULL) {
        if (strcmp(search->sequence_column, cycle->mark_column) == 0)
            return refuse(w, search->node.location, RDB_SYNTAX_ERROR, "search sequence column name and cycle mark column name are the same");
        if (strcmp(search->sequence_column, cycle->path_column) == 0)
            return refuse(w, search->node.location, RDB_SYNTAX_ERROR, "search sequence column name and cycle path column name are the same");
    }
    return true;
}

/* What the item's own table is called among these; NULL: it is not there. */
static const char *own_table(const rdb_ast_node *node, const char *name)
{
    if (node->tag == RDB_AST_TABLE) {
        const rdb_ast_table *table = (const rdb_ast_table *)node;
        return table->schema != NULL || strcmp(table->name, name) != 0 ? NULL : table->alias != NULL ? table->alias->name : table->name;
    }
    if (node->tag != RDB_AST_JOIN)
        return NULL;
    const rdb_ast_join *join = (const rdb_ast_join *)node;
    const char *found = own_table(join->left, name);
    return found != NULL ? found : own_table(join->right, name);
}

/* ---- the text ---------------------------------------------------------------------------------------------------------------------- */
static void put_name(rewriter *w, const char *table, const char *name)
{
    if (table != NULL)
        rdb_strbuf_addf(&w->text, "\"%s\".", table);
    rdb_deparse_name(name, &w->text);
}

static void put_row(rewriter *w, const char *table, const char *first, const rdb_ast_names *columns)
{
    rdb_strbuf_addf(&w->text, "ROW(%s", first);
    for (uint32_t i = 0; i < columns->count; i++) {
        if (i > 0 || first[0] != '\0')
            rdb_strbuf_adds(&w->text, ", ");
        put_name(w, table, columns->items[i]);
    }
    rdb_strbuf_adds(&w->text, ")");
}

static void put_half(rewriter *w, bool is_first)
{
    const rdb_ast_cte_search *search = w->raw->search;
    const rdb_ast_cte_cycle *cycle = w->raw->cycle;
    const char *table = is_first ? "*TLOCRN*" : "*TROCRN*";
    rdb_strbuf *text = &w->text;
    rdb_strbuf_adds(text, "SELECT ");
    for (uint32_t i = 0; i < w->columns.count; i++) {
        rdb_strbuf_adds(text, i > 0 ? ", " : "");
        put_name(w, table, w->columns.items[i]);
    }
    if (search != NULL && search->is_breadth_first) {
        rdb_strbuf_adds(text, ", ");
        if (is_first) {
            put_row(w, table, "0::pg_catalog.int8", &search->columns);
        } else {
            rdb_strbuf_adds(text, "ROW((");
            put_name(w, table, search->sequence_column);
            rdb_strbuf_adds(text, ").f1 OPERATOR(pg_catalog.+) 1");
            for (uint32_t i = 0; i < search->columns.count; i++) {
                rdb_strbuf_adds(text, ", ");
                put_name(w, table, search->columns.items[i]);
            }
            rdb_strbuf_adds(text, ")");
        }
    } else if (search != NULL) {
        rdb_strbuf_adds(text, ", ");
        if (!is_first) {
            put_name(w, table, search->sequence_column);
            rdb_strbuf_adds(text, " OPERATOR(pg_catalog.||) ");
        }
        rdb_strbuf_adds(text, "ARRAY[");
        put_row(w, table, "", &search->columns);
        rdb_strbuf_adds(text, "]");
    }
    if (cycle != NULL) { /* 1 and 2 make room for the mark's values */
        rdb_strbuf_adds(text, ", CASE WHEN ");
        if (is_first) {
            rdb_strbuf_adds(text, "false");
        } else {
            put_row(w, table, "", &cycle->columns);
            rdb_strbuf_adds(text, " OPERATOR(pg_catalog.=) ANY (");
            put_name(w, table, cycle->path_column);
            rdb_strbuf_adds(text, ")");
        }
        rdb_strbuf_adds(text, " THEN 1 ELSE 2 END, ");
        if (!is_first) {
            put_name(w, table, cycle->path_column);
            rdb_strbuf_adds(text, " OPERATOR(pg_catalog.||) ");
        }
        rdb_strbuf_adds(text, "ARRAY[");
        put_row(w, table, "", &cycle->columns);
        rdb_strbuf_adds(text, "]");
    }
    rdb_strbuf_addf(text, " FROM (SELECT) AS \"%s\"(", table);
    for (uint32_t i = 0; i < w->columns.count; i++) {
        rdb_strbuf_adds(text, i > 0 ? ", " : "");
        put_name(w, NULL, w->columns.items[i]);
    }
    const char *const extra[] = {search ? search->sequence_column : NULL, cycle ? cycle->mark_column : NULL, cycle ? cycle->path_column : NULL};
    for (uint32_t i = 0; !is_first && i < RDB_COUNT_OF(extra); i++)
        if (extra[i] != NULL) {
            rdb_strbuf_adds(text, ", ");
            put_name(w, NULL, extra[i]);
        }
    rdb_strbuf_adds(text, ")");
    if (cycle != NULL && !is_first) {
        rdb_strbuf_adds(text, " WHERE ");
        put_name(w, table, cycle->mark_column);
        rdb_strbuf_adds(text, " OPERATOR(pg_catalog.<>) 1");
    }
}

/* Puts what was written into the room that the text made for it. */
static void fill_half(const rewriter *w, rdb_ast_select *half, rdb_ast_select *written)
{
    const rdb_ast_cte_cycle *cycle = w->raw->cycle;
    ((rdb_ast_range_subquery *)half->from.items[0])->query = &written->node;
    if (cycle == NULL)
        return;
    rdb_ast_case *mark = (rdb_ast_case *)((rdb_ast_target *)half->targets.items[half->targets.count - 2])->value;
    ((rdb_ast_when *)mark->whens.items[0])->result = cycle->mark_value;
    mark->otherwise = cycle->mark_default;
    if (half->where != NULL)
        ((rdb_ast_op *)half->where)->right = cycle->mark_value;
}

static void add_column(const rewriter *w, rdb_ast_select *select, const char *name)
{
    rdb_arena *arena = analyse_arena(w->owner);
    rdb_ast_column *column = RDB_NEW(arena, rdb_ast_column);
    rdb_ast_target *target = RDB_NEW(arena, rdb_ast_target);
    column->node = (rdb_ast_node){RDB_AST_COLUMN, w->raw->node.location};
    column->names = (rdb_ast_names){RDB_NEW_ARRAY(arena, const char *, 2), 2};
    column->names.items[0] = w->inner;
    column->names.items[1] = name;
    target->node = (rdb_ast_node){RDB_AST_TARGET, w->raw->node.location};
    target->value = &column->node;
    rdb_list_push(arena, &select->targets, target);
}

/* The names of the item's columns: those of its first half, told by analysing that alone. */
static bool find_columns(rewriter *w, const rdb_ast_select *whole)
{
    rdb_arena *arena = analyse_arena(w->owner);
    rdb_ast_select *first = rdb_arena_memdup(arena, whole->left, sizeof *first);
    rdb_query *query = NULL;
    rdb_list items = w->owner->items;
    if (first->with == NULL)
        first->with = whole->with;
    w->owner->items = (rdb_list){0};
    bool ok = analyse_subquery(w->owner, w->owner->analysis, &first->node, NULL, false, false, &query, w->err);
    w->owner->items = items;
    if (!ok)
        return false;
    const rdb_list *targets = rdb_query_result_targets(query);
    w->columns.items = RDB_NEW_ARRAY(arena, const char *, targets->count + 4);
    for (uint32_t i = 0; i < targets->count; i++) {
        const rdb_target *target = targets->items[i];
        if (!target->is_junk) {
            w->columns.items[w->columns.count] = w->columns.count < w->raw->columns.count ? w->raw->columns.items[w->columns.count] : target->name;
            w->columns.count++;
        }
    }
    return true;
}

bool analyse_add_search(analyse_state *owner, const rdb_ast_cte *raw, bool may_recurse, const rdb_ast_cte **written, uint32_t *added, rdb_error *err)
{
    rdb_arena *arena = analyse_arena(owner);
    rewriter w = {.owner = owner, .raw = raw, .err = err};
    rdb_ast_list parsed = {0};
    *written = raw;
    *added = 0;
    const rdb_ast_select *whole = (const rdb_ast_select *)raw->query;
    if (!may_recurse || raw->query->tag != RDB_AST_SELECT || whole->op != RDB_SQL_SET_OP_UNION)
        return refuse(&w, raw->node.location, RDB_SYNTAX_ERROR, "WITH query is not recursive");
    if (whole->left->op != RDB_SQL_SET_OP_NONE)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "with a SEARCH or CYCLE clause, the left side of the UNION must be a SELECT");
    if (whole->right->op != RDB_SQL_SET_OP_NONE)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "with a SEARCH or CYCLE clause, the right side of the UNION must be a SELECT");
    if (!find_columns(&w, whole) || !check_clauses(&w))
        return false;
    rdb_ast_select *right = rdb_arena_memdup(arena, whole->right, sizeof *right);
    bool is_hidden = false;
    for (uint32_t i = 0; right->with != NULL && i < right->with->ctes.count; i++)
        is_hidden |= strcmp(((const rdb_ast_cte *)right->with->ctes.items[i])->name, raw->name) == 0;
    for (uint32_t i = 0; !is_hidden && i < right->from.count && w.inner == NULL; i++)
        w.inner = own_table(right->from.items[i], raw->name);
    if (w.inner == NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED,
                             "with a SEARCH or CYCLE clause, the recursive reference to WITH query \"%s\" must be at the top level of its right-hand SELECT", raw->name);
    rdb_strbuf_init(&w.text, arena);
    put_half(&w, true);
    rdb_strbuf_adds(&w.text, whole->is_all ? " UNION ALL " : " UNION ");
    put_half(&w, false);
    if (!rdb_strbuf_check(&w.text, err) || !rdb_sql_parse(arena, w.text.data, strlen(w.text.data), &parsed, err))
        return false;
    rdb_ast_select *made = (rdb_ast_select *)parsed.items[0].body;
    rdb_ast_cte *item = rdb_arena_memdup(arena, raw, sizeof *item);
    const uint32_t count = w.columns.count;
    const char *const extra[] = {raw->search ? raw->search->sequence_column : NULL, raw->cycle ? raw->cycle->mark_column : NULL,
                                 raw->cycle ? raw->cycle->path_column : NULL};
    rdb_list targets = right->targets;
    right->targets = (rdb_list){0};
    for (uint32_t i = 0; i < targets.count; i++)
        rdb_list_push(arena, &right->targets, targets.items[i]);
    for (uint32_t i = 0; i < RDB_COUNT_OF(extra); i++)
        if (extra[i] != NULL) {
            add_column(&w, right, extra[i]);
            w.columns.items[w.columns.count++] = extra[i];
        }
    made->with = whole->with;
    made->node.location = whole->node.location;
    fill_half(&w, made->left, whole->left);
    fill_half(&w, made->right, right);
    item->search = NULL;
    item->cycle = NULL;
    item->columns = w.columns;
    item->query = &made->node;
    *written = item;
    *added = w.columns.count - count;
    return rdb_arena_check(arena, err);
}
