/* SPDX-License-Identifier: Apache-2.0
 * Rules for changes: what an INSERT, UPDATE or DELETE of a table or view that has rules becomes. Each action becomes a statement of its
 * own that finds the rows which the statement changes: the statement's ranges, FROM list and condition are added to the action's, old
 * is the changed table's row there, and new the values that the statement gives. Without an unconditional INSTEAD rule the statement
 * itself runs too, but for the rows that the conditions of INSTEAD rules take from it: an INSERT before the actions, others after them.
 *
 * Trees are copied to the last node before anything of them is changed, so that no two statements share a node. */
#include "catalog/rdb_ddl.h"
#include "sql/analyse_int.h"
#include "sql/rewrite_int.h"

#include <assert.h>

enum { OLD_RANGE = 1, NEW_RANGE = 2, CONDITION_BASE = 1 << 24, DEPTH_MAX = 200 };

typedef struct rule_event { /* a change whose rules are being applied */
    const struct rule_event *outer;
    uint32_t relation_oid;
    uint8_t command;
    uint32_t depth;
} rule_event;

typedef struct firing {
    rdb_analysis *analysis;
    rdb_error *err;
} firing;

/* ---- moving a query's ranges to other numbers ------------------------------------------------------------------------------------------ */
static bool shift_variable(void *context, const rdb_expr *node, uint32_t levels)
{
    rdb_expr_var *var = (rdb_expr_var *)(uintptr_t)node;
    if (node->kind == RDB_EXPR_VAR && var->levels_up == levels)
        var->range_no += *(const uint32_t *)context;
    return true;
}

static void shift_from(rdb_from *from, uint32_t by)
{
    if (from->range_no != 0)
        from->range_no += by;
    if (from->is_join) {
        shift_from(from->left, by);
        shift_from(from->right, by);
    }
}

/* Of what is taken over into an action: FROM list, condition, targets, RETURNING. */
static void shift_query(rdb_query *query, uint32_t by)
{
    (void)analyse_walk_query(query, 0, shift_variable, &by);
    for (uint32_t i = 0; i < query->ranges.count; i++) {
        const rdb_range *range = query->ranges.items[i];
        for (uint32_t k = 0; k < range->join_variables.count; k++)
            (void)analyse_walk(range->join_variables.items[k], 0, shift_variable, &by);
    }
    for (uint32_t i = 0; i < query->from.count; i++)
        shift_from(query->from.items[i], by);
    query->result_range_no += by;
}

/* ---- old and new ------------------------------------------------------------------------------------------------------------------------ */
typedef struct substitution {
    firing *work;
    uint32_t old_no, new_no; /* ranges that stand for them; 0: there is none */
    uint32_t target_no;      /* the table's */
    const rdb_relation *relation;
    const rdb_list *targets; /* what new gets: rdb_target *, by column number */
    bool counts_targets;     /* they are a RETURNING list: the nth one is column n, dropped ones left out */
    bool keeps_missing;      /* UPDATE: a column that gets nothing stays what it is */
} substitution;

static_assert(sizeof(rdb_expr_unary) <= sizeof(rdb_expr_var), "a variable becomes a relabelled expression in its own place");

static const rdb_target *find_target(const substitution *s, int16_t number)
{
    int16_t column = 0;
    for (uint32_t i = 0; i < s->targets->count; i++) {
        const rdb_target *target = s->targets->items[i];
        if (target->is_junk)
            continue;
        if (!s->counts_targets) {
            if (target->number == number)
                return target;
            continue;
        }
        while (column < s->relation->column_count && s->relation->columns[column].is_dropped)
            column++;
        if (++column == number)
            return target;
    }
    return NULL;
}

/* What stands for a column of new, seen from levels queries further in. */
static bool new_value(const substitution *s, int16_t number, uint32_t levels, const rdb_expr *like, rdb_expr **value)
{
    rdb_analysis *analysis = s->work->analysis;
    const analyse_state state = {.analysis = analysis};
    const rdb_target *target = find_target(s, number);
    rdb_expr *copy = NULL;
    if (target != NULL)
        return rdb_tree_copy_expr(analysis->arena, target->expr, &copy, s->work->err) && analyse_raise_levels(&state, copy, levels, value, s->work->err);
    if (!s->keeps_missing) {
        *value = analyse_make_null(&state, like->type, like->typmod, -1);
        return true;
    }
    rdb_expr_var *var = RDB_NEW(analysis->arena, rdb_expr_var);
    *var = (rdb_expr_var){.head = *like, .range_no = s->target_no, .attribute_no = number, .levels_up = (uint16_t)levels};
    var->head.kind = RDB_EXPR_VAR;
    *value = &var->head;
    return true;
}

/* The whole row of new, column by column. */
static bool new_row(const substitution *s, const rdb_type *type, uint32_t levels, rdb_expr **value)
{
    rdb_analysis *analysis = s->work->analysis;
    const analyse_state state = {.analysis = analysis};
    const rdb_type *filler = NULL;
    rdb_expr_row *row = ANALYSE_NEW(&state, rdb_expr_row, RDB_EXPR_ROW, type, -1);
    row->form = RDB_FORM_IMPLICIT_CAST;
    if (!analyse_get_type(&state, RDB_INT4OID, &filler, s->work->err))
        return false;
    for (uint16_t i = 0; i < s->relation->column_count; i++) {
        const rdb_column *column = &s->relation->columns[i];
        const rdb_expr like = {.type = column->type, .typmod = column->typmod, .collation = column->collation, .location = -1};
        rdb_expr *field = NULL;
        if (column->is_dropped)
            field = analyse_make_null(&state, column->type != NULL ? column->type : filler, -1, -1);
        else if (!new_value(s, column->number, levels, &like, &field))
            return false;
        rdb_list_push(analysis->arena, &row->fields, field);
        rdb_list_push(analysis->arena, &row->field_names, (void *)(uintptr_t)column->name);
    }
    *value = &row->head;
    return true;
}

static bool substitute(void *context, const rdb_expr *node, uint32_t levels)
{
    substitution *s = context;
    rdb_expr_var *var = (rdb_expr_var *)(uintptr_t)node;
    if (node->kind != RDB_EXPR_VAR || var->levels_up != levels)
        return true;
    const bool is_new = var->range_no == s->new_no;
    if (var->range_no != s->old_no && !is_new)
        return true;
    var->range = NULL;
    if (!is_new || (var->attribute_no < 0 && s->keeps_missing)) {
        var->range_no = s->target_no;
        return true;
    }
    const rdb_expr head = var->head;
    rdb_expr *value = NULL;
    if (var->attribute_no == 0 ? !new_row(s, head.type, levels, &value) : !new_value(s, var->attribute_no, levels, &head, &value))
        return false;
    rdb_expr_unary *label = (rdb_expr_unary *)var;
    *label = (rdb_expr_unary){.head = head, .argument = value, .form = RDB_FORM_IMPLICIT_CAST};
    label->head.kind = RDB_EXPR_RELABEL;
    return true;
}

static bool substitute_in_query(substitution *s, rdb_query *query)
{
    return analyse_walk_query(query, 0, substitute, s) || !rdb_error_is_set(s->work->err);
}

static bool substitute_in_expr(substitution *s, const rdb_expr *expr)
{
    return expr == NULL || analyse_walk(expr, 0, substitute, s) || !rdb_error_is_set(s->work->err);
}

typedef struct use { uint32_t range_no; bool is_found; } use;

static bool see_use(void *context, const rdb_expr *node, uint32_t levels)
{
    use *u = context;
    const rdb_expr_var *var = (const rdb_expr_var *)node;
    u->is_found = u->is_found || (node->kind == RDB_EXPR_VAR && var->levels_up == levels && var->range_no == u->range_no);
    return !u->is_found;
}

static bool uses_range(const rdb_expr *expr, uint32_t range_no)
{
    use u = {.range_no = range_no};
    if (expr != NULL)
        (void)analyse_walk(expr, 0, see_use, &u);
    return u.is_found;
}

/* Is the range an item of the FROM list? Old's item becomes it. */
static bool use_target(rdb_from *from, uint32_t target_no)
{
    if (from->range_no == OLD_RANGE && !from->is_join)
        from->range_no = target_no;
    if (!from->is_join)
        return from->range_no == target_no;
    const bool left = use_target(from->left, target_no);
    return use_target(from->right, target_no) || left;
}

/* ---- privileges and locks ------------------------------------------------------------------------------------------------------------------ */
static bool lock_query(firing *work, const rdb_query *query);

typedef struct locking { firing *work; bool ok; } locking;

static bool lock_sublink(void *context, const rdb_expr *node, uint32_t levels)
{
    locking *l = context;
    (void)levels;
    if (node->kind == RDB_EXPR_SUBLINK)
        l->ok = lock_query(l->work, ((const rdb_expr_sublink *)node)->query);
    return l->ok;
}

/* What an action names is locked as its own statement would lock it. */
static bool lock_query(firing *work, const rdb_query *query)
{
    rdb_txn *txn = rdb_access_get_context(work->analysis->access)->txn;
    for (uint32_t i = 0; i < query->ranges.count; i++) {
        rdb_range *range = query->ranges.items[i];
        bool taken = false;
        if (range->subquery != NULL && !lock_query(work, range->subquery))
            return false;
        if (range->relation == NULL || range->lock_mode == RDB_LOCK_NONE)
            continue;
        const rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = rdb_txn_pdb(txn), .a = range->relation->oid};
        if (!rdb_lock_acquire(txn, tag, range->lock_mode, RDB_LOCK_WAIT, 0, &taken, work->err))
            return false;
    }
    for (uint32_t i = 0; i < query->ctes.count; i++)
        if (!lock_query(work, ((const rdb_cte *)query->ctes.items[i])->query))
            return false;
    locking l = {work, true};
    (void)analyse_walk_query(query, 0, lock_sublink, &l);
    return l.ok;
}

/* The columns that an action writes: stored trees do not say them. */
static void mark_written(firing *work, rdb_query *action)
{
    const analyse_state state = {.analysis = work->analysis};
    if (action->result_range_no == 0)
        return;
    rdb_range *range = action->ranges.items[action->result_range_no - 1];
    for (uint32_t i = 0; i < action->targets.count && action->command != RDB_COMMAND_DELETE; i++) {
        const rdb_target *target = action->targets.items[i];
        if (!target->is_junk && target->number > 0)
            analyse_mark_column(&state, action->command == RDB_COMMAND_INSERT ? &range->inserted_columns : &range->updated_columns, range, target->number);
    }
    for (uint32_t i = 0; action->on_conflict != NULL && i < action->on_conflict->set_targets.count; i++)
        analyse_mark_column(&state, &range->updated_columns, range, ((const rdb_target *)action->on_conflict->set_targets.items[i])->number);
}

/* ---- one rule -------------------------------------------------------------------------------------------------------------------------------- */
static rdb_expr *both(firing *work, rdb_expr *left, rdb_expr *right)
{
    const analyse_state state = {.analysis = work->analysis};
    rdb_list parts = {0};
    rdb_expr *made = NULL;
    if (left == NULL || right == NULL)
        return left != NULL ? left : right;
    rdb_list_push(work->analysis->arena, &parts, left);
    rdb_list_push(work->analysis->arena, &parts, right);
    return analyse_make_logic(&state, RDB_BOOL_AND, &parts, -1, &made, work->err) ? made : NULL;
}

static void keep_out(rdb_query *part)
{
    for (uint32_t i = 0; i < NEW_RANGE; i++) { /* nothing names them any more */
        rdb_range *range = part->ranges.items[i];
        range->kind = RDB_RANGE_RESULT;
        range->relation = NULL;
    }
}

static bool add_ctes(firing *work, rdb_query *part, const rdb_query *statement)
{
    for (uint32_t i = 0; i < statement->ctes.count; i++) {
        const rdb_cte *cte = statement->ctes.items[i];
        for (uint32_t k = 0; k < part->ctes.count; k++)
            if (strcmp(((const rdb_cte *)part->ctes.items[k])->name, cte->name) == 0)
                return rdb_error_set(work->err, RDB_FEATURE_NOT_SUPPORTED, "WITH query name \"%s\" appears in both a rule action and the query being rewritten", cte->name);
    }
    for (uint32_t i = 0; i < statement->ctes.count; i++)
        rdb_list_push(work->analysis->arena, &part->ctes, statement->ctes.items[i]);
    part->has_recursive = part->has_recursive || statement->has_recursive;
    part->has_modifying_cte = part->has_modifying_cte || statement->has_modifying_cte;
    return true;
}

/* The action as a statement. condition: the rule's, of its own ranges, or NULL. */
static bool make_action(firing *work, const rdb_query *statement, const rdb_relation *relation, const rdb_expr *condition, rdb_query *action, bool *gives_rows)
{
    rdb_arena *arena = work->analysis->arena;
    rdb_query *part = rdb_rule_part(action), *copy = NULL;
    const uint32_t by = part->ranges.count;
    rdb_expr *own_condition = NULL;
    if (part->ranges.count < NEW_RANGE)
        return rdb_error_set(work->err, RDB_DATA_CORRUPTED, "stored rule is damaged");
    rewrite_own(work->analysis, action, relation->owner_oid);
    mark_written(work, action);
    if (!lock_query(work, action) || !rdb_tree_copy_query(arena, statement, &copy, work->err) || !rdb_tree_copy_expr(arena, condition, &own_condition, work->err))
        return false;
    shift_query(copy, by);
    const uint32_t target_no = copy->result_range_no;
    for (uint32_t i = 0; i < copy->ranges.count; i++)
        rdb_list_push(arena, &part->ranges, copy->ranges.items[i]);
    /* The statement's rows: its table where it reads that, then its FROM list, then the action's. */
    bool has_target = false;
    rdb_list from = {0};
    for (uint32_t i = 0; i < part->from.count; i++)
        has_target = use_target(part->from.items[i], target_no) || has_target;
    if (!has_target && (uses_range(copy->where, target_no) || uses_range(own_condition, OLD_RANGE) ||
                        (statement->command == RDB_COMMAND_UPDATE && uses_range(own_condition, NEW_RANGE)))) {
        rdb_from *target = RDB_NEW(arena, rdb_from);
        target->range_no = target_no;
        rdb_list_push(arena, &from, target);
        has_target = true;
    }
    if (!has_target) /* it is not read; who runs the statement needs his privileges all the same */
        ((rdb_range *)copy->ranges.items[target_no - by - 1])->kind = RDB_RANGE_RESULT;
    for (uint32_t i = 0; i < copy->from.count; i++)
        rdb_list_push(arena, &from, copy->from.items[i]);
    if (from.count > 0 && part->set_operation != NULL)
        return rdb_error_set(work->err, RDB_FEATURE_NOT_SUPPORTED, "conditional UNION/INTERSECT/EXCEPT statements are not implemented");
    for (uint32_t i = 0; i < part->from.count; i++)
        rdb_list_push(arena, &from, part->from.items[i]);
    part->from = from;
    if (copy->has_modifying_cte && part != action)
        return rdb_error_set(work->err, RDB_FEATURE_NOT_SUPPORTED, "INSERT...SELECT rule actions are not supported for queries having data-modifying statements in WITH");
    if (!add_ctes(work, part, copy))
        return false;
    substitution s = {.work = work, .old_no = OLD_RANGE, .new_no = NEW_RANGE, .target_no = target_no, .relation = relation, .targets = &copy->targets,
                      .keeps_missing = statement->command == RDB_COMMAND_UPDATE};
    if (!substitute_in_query(&s, part) || !substitute_in_expr(&s, own_condition))
        return false;
    part->where = both(work, both(work, part->where, own_condition), copy->where);
    for (uint32_t i = 0; i < part->ranges.count; i++) /* values of new may be columns of the statement's FROM list */
        if (((rdb_range *)part->ranges.items[i])->kind == RDB_RANGE_VALUES && i < by)
            ((rdb_range *)part->ranges.items[i])->is_lateral = true;
    part->has_sublinks = part->has_sublinks || copy->has_sublinks;
    keep_out(part);
    if (copy->returning.count == 0) {
        action->returning = (rdb_list){0};
    } else if (action->returning.count > 0) {
        if (*gives_rows)
            return rdb_error_set(work->err, RDB_FEATURE_NOT_SUPPORTED, "cannot have RETURNING lists in multiple rules");
        *gives_rows = true;
        /* Values of the action's list may be columns of the target themselves: its name in the statement's list is set apart first. */
        const substitution apart = {.old_no = target_no, .target_no = CONDITION_BASE};
        substitution r = {.work = work, .new_no = CONDITION_BASE, .relation = relation, .targets = &action->returning, .counts_targets = true};
        rdb_query holder = {.returning = copy->returning};
        (void)analyse_walk_query(&holder, 0, substitute, (void *)(uintptr_t)&apart);
        if (!substitute_in_query(&r, &holder))
            return false;
        action->returning = copy->returning;
    }
    return rdb_arena_check(arena, work->err);
}

/* The statement for the rows that the rule's condition does not take. */
static bool exclude(firing *work, const rdb_query *statement, const rdb_relation *relation, const rdb_expr *condition, rdb_query **rest)
{
    rdb_arena *arena = work->analysis->arena;
    rdb_expr *own = NULL;
    const rdb_type *boolean = NULL;
    const uint32_t base = CONDITION_BASE;
    if ((*rest == NULL && !rdb_tree_copy_query(arena, statement, rest, work->err)) || !rdb_tree_copy_expr(arena, condition, &own, work->err) ||
        !rdb_type_get(work->analysis->access, RDB_BOOLOID, &boolean, work->err))
        return false;
    (void)analyse_walk(own, 0, shift_variable, (void *)(uintptr_t)&base);
    substitution s = {.work = work, .old_no = CONDITION_BASE + OLD_RANGE, .new_no = CONDITION_BASE + NEW_RANGE, .target_no = statement->result_range_no,
                      .relation = relation, .targets = &statement->targets, .keeps_missing = statement->command == RDB_COMMAND_UPDATE};
    if (!substitute_in_expr(&s, own))
        return false;
    rdb_expr_bool_test *test = RDB_NEW(arena, rdb_expr_bool_test);
    *test = (rdb_expr_bool_test){.head = {.kind = RDB_EXPR_BOOL_TEST, .location = -1, .type = boolean, .typmod = -1}, .argument = own, .test = RDB_IS_NOT_TRUE};
    (*rest)->where = both(work, (*rest)->where, &test->head);
    return true;
}

static rdb_query *notify_of(firing *work, const rdb_query *stored)
{
    rdb_query *notify = rdb_arena_memdup(work->analysis->arena, stored, sizeof *stored);
    rdb_ast_notify *raw = RDB_NEW(work->analysis->arena, rdb_ast_notify);
    *raw = (rdb_ast_notify){.node = {RDB_AST_NOTIFY, -1}, .channel = stored->notify_channel, .payload = stored->notify_payload};
    notify->utility = &raw->node;
    return notify;
}

/* ---- the rules of a change --------------------------------------------------------------------------------------------------------------------- */
static char event_of(uint8_t command)
{
    return command == RDB_COMMAND_UPDATE ? '2' : command == RDB_COMMAND_INSERT ? '3' : '4';
}

static bool is_on(const rdb_rule *rule)
{
    return rule->enabled == 'O' || rule->enabled == 'A';
}

/* What the rules see of an INSERT has the defaults of columns that it does not name. */
static bool add_defaults(firing *work, rdb_query *query, const rdb_relation *relation)
{
    rdb_arena *arena = work->analysis->arena;
    for (uint16_t i = 0; i < relation->column_count; i++) {
        const rdb_column *column = &relation->columns[i];
        bool is_set = column->is_dropped || column->generated;
        for (uint32_t k = 0; k < query->targets.count && !is_set; k++)
            is_set = ((const rdb_target *)query->targets.items[k])->number == column->number;
        rdb_expr *value = NULL;
        if (is_set)
            continue;
        if (!analyse_default(work->analysis, relation, column->number, &value, work->err))
            return false;
        if (value == NULL)
            continue;
        rdb_target *target = RDB_NEW(arena, rdb_target);
        *target = (rdb_target){.expr = value, .number = column->number, .name = column->name};
        rdb_list_push(arena, &query->targets, target);
    }
    return true;
}

typedef struct outcome {
    rdb_list made;    /* what the actions became */
    rdb_query *rest;  /* the statement for the rows that no condition took; NULL: the statement as it is */
    bool is_replaced; /* by an INSTEAD rule without condition */
    bool gives_rows;  /* an action has the RETURNING list */
} outcome;

static bool apply(firing *work, const rdb_query *query, const rdb_relation *relation, const rdb_list *rules, outcome *result)
{
    rdb_arena *arena = work->analysis->arena;
    for (uint32_t i = 0; i < rules->count; i++) {
        const rdb_rule *rule = rules->items[i];
        rdb_expr *condition = NULL;
        rdb_list actions;
        if (rule->event != event_of(query->command) || !is_on(rule))
            continue;
        if ((rule->condition_tree != NULL && !rdb_tree_read_expr(arena, work->analysis->access, rule->condition_tree, &condition, work->err)) ||
            !rdb_rule_read_actions(arena, work->analysis->access, rule->action_trees, &actions, work->err))
            return false;
        const uint8_t source = !rule->is_instead ? RDB_SOURCE_ALSO : condition == NULL ? RDB_SOURCE_INSTEAD : RDB_SOURCE_INSTEAD_IF;
        result->is_replaced = result->is_replaced || source == RDB_SOURCE_INSTEAD;
        if (source == RDB_SOURCE_INSTEAD_IF && !result->is_replaced && !exclude(work, query, relation, condition, &result->rest))
            return false;
        for (uint32_t k = 0; k < actions.count; k++) {
            rdb_query *action = actions.items[k];
            if (action->command == RDB_COMMAND_UTILITY)
                action = notify_of(work, action);
            else if (!make_action(work, query, relation, condition, action, &result->gives_rows))
                return false;
            action->source = source;
            rdb_list_push(arena, &result->made, action);
        }
    }
    return true;
}

static bool refuse_returning(firing *work, const rdb_query *query, const rdb_relation *relation)
{
    static const char *const WORDS[] = {[RDB_COMMAND_UPDATE] = "UPDATE", [RDB_COMMAND_INSERT] = "INSERT", [RDB_COMMAND_DELETE] = "DELETE"};
    const char *word = WORDS[query->command];
    rdb_error_set(work->err, RDB_FEATURE_NOT_SUPPORTED, "cannot perform %s RETURNING on relation \"%s\"", word, relation->name);
    return rdb_error_hint(work->err, "You need an unconditional ON %s DO INSTEAD rule with a RETURNING clause.", word);
}

static bool fire(firing *work, rdb_query *query, const rule_event *outer, rdb_list *out);

static bool fire_all(firing *work, const rdb_list *queries, const rule_event *here, rdb_list *out)
{
    for (uint32_t i = 0; i < queries->count; i++)
        if (!fire(work, queries->items[i], here, out))
            return false;
    return true;
}

/* A change inside WITH can become one change, no more and no less. */
static bool fire_in_with(firing *work, rdb_cte *cte, const rule_event *outer)
{
    rdb_list made = {0};
    const char *what = NULL;
    if (cte->query == NULL || cte->query->command == RDB_COMMAND_SELECT || cte->query->rules_applied)
        return true;
    if (!fire(work, cte->query, outer, &made))
        return false;
    const rdb_query *first = made.count > 0 ? made.items[0] : NULL;
    if (made.count == 1 && first->source <= RDB_SOURCE_INSTEAD && first->command != RDB_COMMAND_UTILITY) {
        cte->query = made.items[0];
        return true;
    }
    if (made.count == 0)
        what = "DO INSTEAD NOTHING rules are not supported for data-modifying statements in WITH";
    else if (made.count == 1 && first->command == RDB_COMMAND_UTILITY)
        what = "DO INSTEAD NOTIFY rules are not supported for data-modifying statements in WITH";
    for (uint32_t i = 0; i < made.count && what == NULL; i++)
        what = ((const rdb_query *)made.items[i])->source == RDB_SOURCE_INSTEAD_IF ? "conditional DO INSTEAD rules are not supported for data-modifying statements in WITH"
               : ((const rdb_query *)made.items[i])->source == RDB_SOURCE_ALSO     ? "DO ALSO rules are not supported for data-modifying statements in WITH"
                                                                                   : NULL;
    return rdb_error_set(work->err, RDB_FEATURE_NOT_SUPPORTED, "%s", what != NULL ? what : "multi-statement DO INSTEAD rules are not supported for data-modifying statements in WITH");
}

static bool check_with(firing *work, const rdb_query *query, const rdb_list *out, uint32_t from)
{
    uint32_t count = 0;
    for (uint32_t i = from; i < out->count; i++)
        count += ((const rdb_query *)out->items[i])->command != RDB_COMMAND_UTILITY;
    return query->ctes.count == 0 || count <= 1 ||
           rdb_error_set(work->err, RDB_FEATURE_NOT_SUPPORTED, "WITH cannot be used in a query that is rewritten by rules into multiple queries");
}

static bool fire(firing *work, rdb_query *query, const rule_event *outer, rdb_list *out)
{
    rdb_arena *arena = work->analysis->arena;
    const uint32_t first = out->count;
    query->rules_applied = true;
    for (uint32_t i = 0; i < query->ctes.count; i++)
        if (!fire_in_with(work, query->ctes.items[i], outer))
            return false;
    if (query->result_range_no == 0 || query->command == RDB_COMMAND_UTILITY) {
        rdb_list_push(arena, out, query);
        return true;
    }
    const rdb_range *range = query->ranges.items[query->result_range_no - 1];
    const rdb_relation *relation = range->relation;
    const bool is_view = range->kind == RDB_RANGE_RELATION && relation->kind == 'v';
    const rule_event here = {outer, relation->oid, query->command, outer == NULL ? 1 : outer->depth + 1};
    outcome result = {.rest = NULL};
    rdb_list rules = {0};
    if (here.depth > DEPTH_MAX)
        return rdb_error_set(work->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    if (relation->has_rules) {
        if (!rdb_rule_list(work->analysis->access, relation->oid, arena, &rules, work->err))
            return false;
        if (query->command == RDB_COMMAND_MERGE) {
            rdb_error_set(work->err, RDB_FEATURE_NOT_SUPPORTED, "cannot execute MERGE on relation \"%s\"", relation->name);
            return rdb_error_detail(work->err, "MERGE is not supported for relations with rules.");
        }
        bool has_event = false, has_update = false;
        for (uint32_t i = 0; i < rules.count; i++) {
            const rdb_rule *rule = rules.items[i];
            has_event = has_event || (is_on(rule) && rule->event == event_of(query->command));
            has_update = has_update || (is_on(rule) && rule->event == '2');
        }
        if (has_event && query->command == RDB_COMMAND_INSERT && !add_defaults(work, query, relation))
            return false;
        for (const rule_event *at = outer; has_event && at != NULL; at = at->outer)
            if (at->relation_oid == here.relation_oid && at->command == here.command)
                return rdb_error_set(work->err, RDB_INVALID_OBJECT_DEFINITION, "infinite recursion detected in rules for relation \"%s\"", relation->name);
        if (has_event && !apply(work, query, relation, &rules, &result))
            return false;
        if (query->on_conflict != NULL && (result.made.count > 0 || (has_update && query->on_conflict->action == 2)) && (!is_view || result.is_replaced))
            return rdb_error_set(work->err, RDB_FEATURE_NOT_SUPPORTED, "INSERT with ON CONFLICT clause cannot be used with table that has INSERT or UPDATE rules");
    }
    if (!result.is_replaced && is_view) {
        if (result.rest != NULL)
            return rewrite_view_refuse(relation, query->command, "Views with conditional DO INSTEAD rules are not automatically updatable.", work->err);
        if (!rewrite_view_target(work->analysis, query, work->err))
            return false;
        if (query->command == RDB_COMMAND_INSERT && !fire(work, query, &here, out))
            return false;
        if (!fire_all(work, &result.made, &here, out) || (query->command != RDB_COMMAND_INSERT && !fire(work, query, &here, out)))
            return false;
        return check_with(work, query, out, first);
    }
    if ((result.is_replaced || result.rest != NULL) && query->returning.count > 0 && !result.gives_rows)
        return refuse_returning(work, query, relation);
    rdb_query *kept = result.is_replaced ? NULL : result.rest != NULL ? result.rest : query;
    if (kept != NULL && query->command == RDB_COMMAND_INSERT)
        rdb_list_push(arena, out, kept);
    if (!fire_all(work, &result.made, &here, out))
        return false;
    if (kept != NULL && query->command != RDB_COMMAND_INSERT)
        rdb_list_push(arena, out, kept);
    return check_with(work, query, out, first);
}

bool rewrite_rules(rdb_analysis *analysis, rdb_query *query, rdb_list *queries, rdb_error *err)
{
    firing work = {analysis, err};
    *queries = (rdb_list){0};
    return fire(&work, query, NULL, queries) && rdb_arena_check(analysis->arena, err);
}
