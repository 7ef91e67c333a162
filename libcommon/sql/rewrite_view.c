/* SPDX-License-Identifier: Apache-2.0
 * Writing through views. A view over one table (or such a view) without anything that makes rows of its own is written by writing
 * that table: the statement's range becomes the table's, its columns the table's columns, and the view's condition is added to
 * the statement's own. The view's own range stays behind the table's (through) for its privileges. What WITH CHECK OPTION asks of
 * new rows goes into the query as checks. */
#include "sql/analyse_int.h"
#include "sql/rewrite_int.h"

#include <assert.h>

static const char *reason_of(const rdb_query *view)
{
    if (view->distinct.count > 0)
        return "Views containing DISTINCT are not automatically updatable.";
    if (view->group.count > 0 || view->grouping_sets.count > 0)
        return "Views containing GROUP BY are not automatically updatable.";
    if (view->having != NULL)
        return "Views containing HAVING are not automatically updatable.";
    if (view->set_operation != NULL)
        return "Views containing UNION, INTERSECT, or EXCEPT are not automatically updatable.";
    if (view->ctes.count > 0)
        return "Views containing WITH are not automatically updatable.";
    if (view->limit_count != NULL || view->limit_offset != NULL)
        return "Views containing LIMIT or OFFSET are not automatically updatable.";
    if (view->has_aggregates)
        return "Views that return aggregate functions are not automatically updatable.";
    if (view->has_windows)
        return "Views that return window functions are not automatically updatable.";
    if (view->has_set_returning_targets)
        return "Views that return set-returning functions are not automatically updatable.";
    const rdb_from *from = view->from.count == 1 ? view->from.items[0] : NULL;
    if (from == NULL || from->is_join || from->range_no == 0)
        return "Views that do not select from a single table or view are not automatically updatable.";
    const rdb_range *base = view->ranges.items[from->range_no - 1];
    if (base->kind != RDB_RANGE_RELATION || base->relation == NULL || strchr("rpfv", base->relation->kind) == NULL)
        return "Views that do not select from a single table or view are not automatically updatable.";
    if (base->sample_method != RDB_SAMPLE_NONE)
        return "Views containing TABLESAMPLE are not automatically updatable.";
    return NULL;
}

/* The table's column behind a view's, 0: there is none. */
static int16_t base_column(const rdb_query *view, const rdb_expr *expr)
{
    const rdb_from *from = view->from.items[0];
    const rdb_expr_var *var = (const rdb_expr_var *)expr;
    return expr->kind == RDB_EXPR_VAR && var->levels_up == 0 && var->range_no == from->range_no ? var->attribute_no : 0;
}

static const rdb_target *target_of(const rdb_query *view, int16_t number)
{
    int16_t at = 0;
    for (uint32_t i = 0; i < view->targets.count; i++) {
        const rdb_target *target = view->targets.items[i];
        if (!target->is_junk && ++at == number)
            return target;
    }
    return NULL;
}

const char *rdb_view_not_updatable(const rdb_query *view, bool needs_column)
{
    const char *reason = reason_of(view);
    if (reason != NULL || !needs_column)
        return reason;
    for (uint32_t i = 0; i < view->targets.count; i++)
        if (base_column(view, ((const rdb_target *)view->targets.items[i])->expr) > 0)
            return NULL;
    return "Views that have no updatable columns are not automatically updatable.";
}

/* ---- variables ---------------------------------------------------------------------------------------------------------------- */
typedef struct substitution {
    rdb_analysis *analysis;
    rdb_error *err;
    rdb_map *done;          /* nodes met: trees share some */
    uint32_t from_range;    /* whose variables are meant */
    uint32_t to_range;
    const rdb_query *view;  /* NULL: only the range changes */
} substitution;

static_assert(sizeof(rdb_expr_unary) <= sizeof(rdb_expr_var), "a variable becomes a relabelled expression in its own place");

/* The variables of what is put in are the table's already. */
static bool mark_done(void *context, const rdb_expr *node, uint32_t levels)
{
    substitution *work = context;
    (void)levels;
    return node->kind != RDB_EXPR_VAR || rdb_map_get(work->done, &node, sizeof node) != NULL ||
           rdb_map_put(work->done, &node, sizeof node, work, NULL) || rdb_error_set(work->err, RDB_OUT_OF_MEMORY, "out of memory");
}

static bool substitute(void *context, const rdb_expr *node, uint32_t levels)
{
    substitution *work = context;
    if (node->kind != RDB_EXPR_VAR)
        return true;
    rdb_expr_var *var = (rdb_expr_var *)(uintptr_t)node;
    if (var->levels_up != levels || var->range_no != work->from_range || rdb_map_get(work->done, &node, sizeof node) != NULL)
        return true;
    if (!rdb_map_put(work->done, &node, sizeof node, work, NULL))
        return rdb_error_set(work->err, RDB_OUT_OF_MEMORY, "out of memory");
    var->range_no = work->to_range;
    var->range = NULL;
    if (work->view == NULL)
        return true;
    if (var->attribute_no <= 0)
        return rdb_error_set(work->err, RDB_FEATURE_NOT_SUPPORTED, "whole rows and system columns of views that are written to are not supported yet");
    const rdb_target *target = target_of(work->view, var->attribute_no);
    if (target == NULL)
        return rdb_error_set(work->err, RDB_INTERNAL_ERROR, "a view has no column %d", var->attribute_no);
    const int16_t number = base_column(work->view, target->expr);
    if (number != 0) {
        var->attribute_no = number;
        return true;
    }
    rdb_analysis *analysis = work->analysis;
    analyse_state state = {.analysis = analysis};
    rdb_expr *copy = NULL;
    const rdb_expr head = var->head;
    if (!analyse_raise_levels(&state, target->expr, levels, &copy, work->err) || !analyse_walk(copy, 0, mark_done, work))
        return false;
    rdb_expr_unary *label = (rdb_expr_unary *)var;
    *label = (rdb_expr_unary){.head = head, .argument = copy, .form = RDB_FORM_IMPLICIT_CAST};
    label->head.kind = RDB_EXPR_RELABEL;
    return true;
}

static bool replace_in_query(rdb_analysis *analysis, rdb_query *query, uint32_t from_range, uint32_t to_range, const rdb_query *view, rdb_error *err)
{
    substitution work = {.analysis = analysis, .err = err, .done = rdb_map_create(), .from_range = from_range, .to_range = to_range, .view = view};
    bool ok = work.done != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && (analyse_walk_query(query, 0, substitute, &work) || !rdb_error_is_set(err));
    rdb_map_destroy(work.done);
    return ok;
}

static bool replace_in_expr(rdb_analysis *analysis, const rdb_expr *expr, uint32_t from_range, uint32_t to_range, rdb_error *err)
{
    substitution work = {.analysis = analysis, .err = err, .done = rdb_map_create(), .from_range = from_range, .to_range = to_range};
    bool ok = work.done != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && (analyse_walk(expr, 0, substitute, &work) || !rdb_error_is_set(err));
    rdb_map_destroy(work.done);
    return ok;
}

bool rewrite_renumber(rdb_analysis *analysis, rdb_expr *expr, uint32_t from_range, uint32_t to_range, rdb_error *err)
{
    return replace_in_expr(analysis, expr, from_range, to_range, err);
}

/* ---- the statement ------------------------------------------------------------------------------------------------------------- */
bool rewrite_view_refuse(const rdb_relation *view, uint8_t command, const char *reason, rdb_error *err)
{
    static const struct { const char *verb, *doing, *event; } WORDS[] = {
        [RDB_COMMAND_UPDATE] = {"update", "updating", "UPDATE"}, [RDB_COMMAND_INSERT] = {"insert into", "inserting into", "INSERT"},
        [RDB_COMMAND_DELETE] = {"delete from", "deleting from", "DELETE"}};
    rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "cannot %s view \"%s\"", WORDS[command].verb, view->name);
    if (reason != NULL)
        rdb_error_detail(err, "%s", reason);
    return rdb_error_hint(err, "To enable %s the view, provide an INSTEAD OF %s trigger or an unconditional ON %s DO INSTEAD rule.", WORDS[command].doing,
                          WORDS[command].event, WORDS[command].event);
}

static bool map_targets(rdb_list *targets, const rdb_relation *view, const rdb_relation *base, const rdb_query *tree, bool is_insert, rdb_error *err)
{
    for (uint32_t i = 0; i < targets->count; i++) {
        rdb_target *target = targets->items[i];
        if (target->is_junk || target->number <= 0)
            continue;
        const rdb_target *behind = target_of(tree, target->number);
        const int16_t number = behind != NULL ? base_column(tree, behind->expr) : 0;
        if (number <= 0) {
            rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot %s column \"%s\" of view \"%s\"", is_insert ? "insert into" : "update",
                          view->columns[target->number - 1].name, view->name);
            return rdb_error_detail(err, number < 0 ? "View columns that refer to system columns are not updatable."
                                                    : "View columns that are not columns of their base relation are not updatable.");
        }
        for (uint32_t k = 0; k < i; k++)
            if (((const rdb_target *)targets->items[k])->number == number && !((const rdb_target *)targets->items[k])->is_junk)
                return rdb_error_set(err, RDB_SYNTAX_ERROR, "multiple assignments to same column \"%s\"", base->columns[number - 1].name);
        target->number = number;
    }
    return true;
}

/* The view's own defaults stand before the table's. */
static bool add_view_defaults(rdb_analysis *analysis, rdb_query *query, const rdb_relation *view, rdb_error *err)
{
    for (uint16_t i = 0; i < view->column_count; i++) {
        const rdb_column *column = &view->columns[i];
        bool is_set = column->default_tree == NULL;
        for (uint32_t k = 0; k < query->targets.count && !is_set; k++)
            is_set = ((const rdb_target *)query->targets.items[k])->number == column->number;
        if (is_set)
            continue;
        rdb_target *target = RDB_NEW(analysis->arena, rdb_target);
        target->number = column->number;
        target->name = column->name;
        if (!rdb_tree_read_expr(analysis->arena, analysis->access, column->default_tree, &target->expr, err))
            return false;
        rdb_list_push(analysis->arena, &query->targets, target);
    }
    return true;
}

static rdb_expr *both(rdb_analysis *analysis, rdb_expr *left, rdb_expr *right)
{
    if (left == NULL || right == NULL)
        return left != NULL ? left : right;
    rdb_expr_bool *conjunction = RDB_NEW(analysis->arena, rdb_expr_bool);
    conjunction->head = (rdb_expr){.kind = RDB_EXPR_BOOL, .location = -1, .type = left->type, .typmod = -1};
    conjunction->bool_kind = RDB_BOOL_AND;
    rdb_list_push(analysis->arena, &conjunction->arguments, left);
    rdb_list_push(analysis->arena, &conjunction->arguments, right);
    return &conjunction->head;
}

/* ---- privileges ---------------------------------------------------------------------------------------------------------------- */
/* Whose privileges on its tables a view asks for; 0: those of whoever runs the statement. */
static uint32_t checked_role(const rdb_relation *view)
{
    return view->is_security_invoker ? 0 : view->owner_oid;
}

typedef struct base_reads {
    uint32_t range_no;
    uint32_t word_count;
    uint64_t *columns;
} base_reads;

static bool mark_read(void *context, const rdb_expr *node, uint32_t levels)
{
    base_reads *reads = context;
    const rdb_expr_var *var = (const rdb_expr_var *)node;
    if (node->kind != RDB_EXPR_VAR || var->levels_up != levels || var->range_no != reads->range_no)
        return true;
    const uint32_t bit = (uint32_t)(var->attribute_no + 7);
    if (bit / 64 < reads->word_count)
        reads->columns[bit / 64] |= UINT64_C(1) << (bit % 64);
    return true;
}

/* What a stored query, such as a view's, reads of a table, whatever a statement uses of it. */
uint64_t *rewrite_columns_read(rdb_analysis *analysis, const rdb_query *tree, uint32_t base_no, const rdb_relation *base)
{
    base_reads reads = {.range_no = base_no, .word_count = (base->column_count + 7u) / 64 + 1};
    reads.columns = RDB_NEW_ARRAY(analysis->arena, uint64_t, reads.word_count);
    (void)analyse_walk_query(tree, 0, mark_read, &reads); /* the visit never ends it */
    return reads.columns;
}

typedef struct ownership {
    rdb_analysis *analysis;
    uint32_t owner_oid;
} ownership;

static void own_ranges(const ownership *own, const rdb_query *query)
{
    for (uint32_t i = 0; i < query->ranges.count; i++) {
        rdb_range *range = query->ranges.items[i];
        if (range->subquery != NULL)
            own_ranges(own, range->subquery);
        if (range->kind != RDB_RANGE_RELATION || range->relation == NULL || range->required_privileges == 0)
            continue;
        range->check_as = own->owner_oid;
        if (range->selected_columns == NULL)
            range->selected_columns = rewrite_columns_read(own->analysis, query, i + 1, range->relation);
    }
    for (uint32_t i = 0; i < query->ctes.count; i++)
        own_ranges(own, ((const rdb_cte *)query->ctes.items[i])->query);
}

static bool own_sublink(void *context, const rdb_expr *node, uint32_t levels)
{
    (void)levels;
    if (node->kind == RDB_EXPR_SUBLINK)
        own_ranges(context, ((const rdb_expr_sublink *)node)->query);
    return true;
}

/* The subqueries of a view's condition become the statement's, and yet read with the rights of the view's owner. */
static void own_sublinks(rdb_analysis *analysis, const rdb_query *tree, uint32_t owner_oid)
{
    ownership own = {.analysis = analysis, .owner_oid = owner_oid};
    (void)analyse_walk_query(tree, 0, own_sublink, &own); /* the visit never ends it */
}

void rewrite_own(rdb_analysis *analysis, const rdb_query *query, uint32_t owner_oid)
{
    const ownership own = {.analysis = analysis, .owner_oid = owner_oid};
    own_ranges(&own, query);
    own_sublinks(analysis, query, owner_oid);
}

/* The columns of range's relation, the table, behind those of the view. */
static uint64_t *map_columns(const analyse_state *state, const rdb_range *range, const rdb_relation *view, const rdb_query *tree, const uint64_t *columns)
{
    uint64_t *mapped = NULL;
    for (int16_t number = 1; columns != NULL && number <= (int16_t)view->column_count; number++) {
        const uint32_t bit = (uint32_t)(number + 7);
        const rdb_target *target = columns[bit / 64] & UINT64_C(1) << (bit % 64) ? target_of(tree, number) : NULL;
        const int16_t behind = target != NULL ? base_column(tree, target->expr) : 0;
        if (behind > 0)
            analyse_mark_column(state, &mapped, range, behind);
    }
    return mapped;
}

/* The statement's range becomes the table's. Who runs the statement needs its privileges on the view, the view's owner (or, of a
 * security_invoker view, the user) the same ones on the table, and to read all that the view reads if the statement reads at all. */
static bool use_base(rdb_analysis *analysis, rdb_range *range, const rdb_range *below, const rdb_query *tree, uint64_t *reads, rdb_error *err)
{
    rdb_txn *txn = rdb_access_get_context(analysis->access)->txn;
    const rdb_relation *base = below->relation;
    rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = rdb_txn_pdb(txn), .a = base->oid};
    const analyse_state state = {.analysis = analysis};
    bool taken = false;
    if (!rdb_lock_acquire(txn, tag, RDB_LOCK_ROW_EXCLUSIVE, RDB_LOCK_WAIT, 0, &taken, err))
        return false;
    const rdb_range *named = rdb_arena_memdup(analysis->arena, range, sizeof *range);
    range->through = named;
    range->relation = base;
    range->alias = below->alias;
    range->has_alias = below->has_alias;
    range->lock_mode = RDB_LOCK_ROW_EXCLUSIVE;
    range->columns = (rdb_list){0};
    for (uint16_t i = 0; i < base->column_count; i++)
        rdb_list_push(analysis->arena, &range->columns, (void *)(uintptr_t)base->columns[i].name);
    range->check_as = checked_role(named->relation);
    range->selected_columns = reads;
    range->inserted_columns = map_columns(&state, range, named->relation, tree, named->inserted_columns);
    range->updated_columns = map_columns(&state, range, named->relation, tree, named->updated_columns);
    return true;
}

/* DO UPDATE: what it sets are the table's columns, and "excluded" is a row of the table. */
static bool rewrite_conflict(rdb_analysis *analysis, rdb_query *query, const rdb_relation *view, const rdb_relation *base, uint32_t base_no, const rdb_query *tree, rdb_error *err)
{
    const uint32_t excluded_no = query->on_conflict->excluded_range_no;
    rdb_range *excluded = query->ranges.items[excluded_no - 1];
    rdb_query *again = NULL;
    if (!map_targets(&query->on_conflict->set_targets, view, base, tree, true, err) || /* PostgreSQL's words are INSERT's */
        !rdb_tree_read_query(analysis->arena, analysis->access, view->view_tree, &again, err))
        return false;
    ((rdb_from *)again->from.items[0])->range_no = excluded_no;
    if (!replace_in_query(analysis, again, base_no, excluded_no, NULL, err) || !replace_in_query(analysis, query, excluded_no, excluded_no, again, err))
        return false;
    excluded->through = rdb_arena_memdup(analysis->arena, excluded, sizeof *excluded);
    excluded->relation = base;
    excluded->required_privileges = 0;
    excluded->columns = (rdb_list){0};
    for (uint16_t i = 0; i < base->column_count; i++)
        rdb_list_push(analysis->arena, &excluded->columns, (void *)(uintptr_t)base->columns[i].name);
    return true;
}

bool rewrite_view_target(rdb_analysis *analysis, rdb_query *query, rdb_error *err)
{
    rdb_range *range = query->ranges.items[query->result_range_no - 1];
    const rdb_relation *view = range->relation;
    rdb_query *tree = NULL;
    const bool is_insert = query->command == RDB_COMMAND_INSERT;
    if (query->command == RDB_COMMAND_MERGE)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "MERGE into view \"%s\" is not supported yet", view->name);
    if (!rdb_tree_read_query(analysis->arena, analysis->access, view->view_tree, &tree, err))
        return false;
    const char *reason = rdb_view_not_updatable(tree, query->command != RDB_COMMAND_DELETE);
    if (reason != NULL)
        return rewrite_view_refuse(view, query->command, reason, err);
    const uint32_t base_no = ((const rdb_from *)tree->from.items[0])->range_no;
    const rdb_relation *base = ((const rdb_range *)tree->ranges.items[base_no - 1])->relation;
    uint64_t *reads = rewrite_columns_read(analysis, tree, base_no, base);
    own_sublinks(analysis, tree, checked_role(view));
    /* The view's trees speak of the statement's range from here on. */
    ((rdb_from *)tree->from.items[0])->range_no = query->result_range_no;
    if (!replace_in_query(analysis, tree, base_no, query->result_range_no, NULL, err))
        return false;
    if ((is_insert && !add_view_defaults(analysis, query, view, err)) ||
        !replace_in_query(analysis, query, query->result_range_no, query->result_range_no, tree, err) ||
        ((is_insert || query->command == RDB_COMMAND_UPDATE) && !map_targets(&query->targets, view, base, tree, is_insert, err)))
        return false;
    if (query->on_conflict != NULL && query->on_conflict->action == 2 && !rewrite_conflict(analysis, query, view, base, base_no, tree, err))
        return false;
    if (!is_insert)
        query->where = both(analysis, tree->where, query->where);
    query->checks_below = query->checks_below || view->check_option == 'c';
    /* Checks of views above speak of this view's columns still. */
    for (uint32_t i = 0; i < query->view_checks.count; i++) {
        rdb_query holder = {.where = ((rdb_view_check *)query->view_checks.items[i])->condition};
        if (!replace_in_query(analysis, &holder, query->result_range_no, query->result_range_no, tree, err))
            return false;
    }
    if (query->command != RDB_COMMAND_DELETE && tree->where != NULL && (query->checks_below || view->check_option == 'l')) {
        rdb_view_check *check = RDB_NEW(analysis->arena, rdb_view_check);
        rdb_query *again = NULL; /* a tree of its own: the other one is the statement's condition */
        if (!rdb_tree_read_query(analysis->arena, analysis->access, view->view_tree, &again, err) ||
            !replace_in_expr(analysis, again->where, base_no, query->result_range_no, err))
            return false;
        own_sublinks(analysis, again, checked_role(view));
        check->view = view->name;
        check->condition = again->where;
        rdb_list_push(analysis->arena, &query->view_checks, check);
    }
    return use_base(analysis, range, tree->ranges.items[base_no - 1], tree, reads, err) && (!is_insert || base->kind == 'v' || (analyse_check_written(query, base, err) && analyse_add_identities(analysis, query, base, err)));
}

/* Rules of rows stand alone, with the table as their only range. */
bool rewrite_view_finish(rdb_analysis *analysis, rdb_query *query, rdb_error *err)
{
    for (uint32_t i = 0; query->result_range_no > 1 && i < query->view_checks.count; i++)
        if (!replace_in_expr(analysis, ((rdb_view_check *)query->view_checks.items[i])->condition, query->result_range_no, 1, err))
            return false;
    return analyse_infer_arbiters(analysis, query, err) && rdb_arena_check(analysis->arena, err);
}
