/* SPDX-License-Identifier: Apache-2.0
 * Preparing and resolving expressions: outer columns to parameters, sublinks to sub-plans, join columns to what they stand
 * for; and at the end, columns to slots. */
#include "sql/analyse_int.h"
#include "sql/plan_int.h"
#include "sql/rdb_body.h"

rdb_expr *plan_make_var(planner *p, uint32_t range_no, int16_t attribute_no, const rdb_type *type, int32_t typmod, uint32_t collation)
{
    rdb_expr_var *var = RDB_NEW(p->arena, rdb_expr_var);
    var->head = (rdb_expr){.kind = RDB_EXPR_VAR, .location = -1, .type = type, .typmod = typmod, .collation = collation};
    var->range_no = range_no;
    var->attribute_no = attribute_no;
    return &var->head;
}

rdb_expr *plan_make_param(planner *p, const rdb_expr *like, uint32_t *param_no)
{
    rdb_expr_param *param = RDB_NEW(p->arena, rdb_expr_param);
    param->head = *like;
    param->head.kind = RDB_EXPR_PARAM;
    param->param_kind = RDB_PARAM_EXECUTION;
    param->param_no = p->plan->parameter_count++;
    param->origin = like;
    *param_no = param->param_no;
    return &param->head;
}

void plan_need_column(plan_level *level, uint32_t range_no, int16_t attribute_no)
{
    plan_rel *rel = level->rels[range_no];
    if (rel == NULL || rel->has_built)
        return;
    for (uint16_t i = 0; i < rel->column_count; i++)
        if (rel->columns[i] == attribute_no)
            return;
    if (rel->column_count == rel->column_capacity) {
        uint16_t capacity = rel->column_capacity ? (uint16_t)(rel->column_capacity * 2) : 16;
        int16_t *larger = RDB_NEW_ARRAY(level->p->arena, int16_t, capacity);
        if (rel->column_count)
            memcpy(larger, rel->columns, rel->column_count * sizeof *larger);
        rel->columns = larger;
        rel->column_capacity = capacity;
    }
    rel->columns[rel->column_count++] = attribute_no;
}

/* ---- preparing -------------------------------------------------------------------------------------------------------------- */
typedef struct preparer {
    plan_level *level;
    const rdb_expr_sublink *test_of; /* inside this sublink's test: its EXECUTION parameters are slots */
} preparer;

static rdb_expr *prepare_node(void *context, rdb_expr *expr);

static rdb_expr *fail(planner *p, const char sqlstate[6], const char *what)
{
    rdb_error_set(p->err, sqlstate, "%s", what);
    return NULL;
}

/* An expression of a level further out, in that level's own terms: a parameter that the level around the boundary supplies. */
static rdb_expr *outer_value(plan_level *level, rdb_expr *own, uint16_t levels_up)
{
    planner *p = level->p;
    plan_level *boundary = level, *owner = level;
    for (uint16_t i = 0; i < levels_up; i++) {
        boundary = owner;
        boundary->is_correlated = true;
        owner = owner->parent;
        if (owner == NULL)
            return fail(p, RDB_INTERNAL_ERROR, "a column refers to a query level that does not exist");
    }
    rdb_expr *prepared = NULL;
    if (!plan_prepare(owner, own, &prepared))
        return NULL;
    for (uint32_t i = 0; i < boundary->wanted_count; i++)
        if (rdb_expr_equal(boundary->wanted[i].expr, prepared)) {
            rdb_expr_param *param = RDB_NEW(p->arena, rdb_expr_param);
            param->head = prepared->kind == RDB_EXPR_VAR ? *own : *prepared;
            param->head.kind = RDB_EXPR_PARAM;
            param->param_kind = RDB_PARAM_EXECUTION;
            param->param_no = boundary->wanted[i].parameter_no;
            param->origin = prepared;
            return &param->head;
        }
    if (boundary->wanted_count == boundary->wanted_capacity) {
        uint32_t capacity = boundary->wanted_capacity ? boundary->wanted_capacity * 2 : 8;
        plan_wanted *larger = RDB_NEW_ARRAY(p->arena, plan_wanted, capacity);
        if (boundary->wanted_count)
            memcpy(larger, boundary->wanted, boundary->wanted_count * sizeof *larger);
        boundary->wanted = larger;
        boundary->wanted_capacity = capacity;
    }
    plan_wanted *wanted = &boundary->wanted[boundary->wanted_count++];
    wanted->expr = prepared;
    rdb_expr *param = plan_make_param(p, own, &wanted->parameter_no);
    ((rdb_expr_param *)param)->origin = prepared;
    p->shown_param_no++;
    return param;
}

static rdb_expr *outer_column(plan_level *level, rdb_expr_var *var)
{
    rdb_expr_var *own = rdb_arena_memdup(level->p->arena, var, sizeof *var);
    own->levels_up = 0;
    return outer_value(level, &own->head, var->levels_up);
}

/* Brings what belongs to levels further out nearer. The nodes are a copy of our own, so they may be changed. */
static bool lower_node(void *context, const rdb_expr *node, uint32_t depth)
{
    const uint32_t levels = *(const uint16_t *)context;
    rdb_expr *own = (rdb_expr *)(uintptr_t)node;
    uint16_t *up = node->kind == RDB_EXPR_VAR ? &((rdb_expr_var *)own)->levels_up
                   : node->kind == RDB_EXPR_AGGREGATE ? &((rdb_expr_aggregate *)own)->levels_up
                   : node->kind == RDB_EXPR_GROUPING ? &((rdb_expr_grouping *)own)->levels_up : NULL;
    if (up != NULL && *up >= depth + levels)
        *up = (uint16_t)(*up - levels);
    return true;
}

/* An aggregate or GROUPING of a level further out: computed there, whole. */
static rdb_expr *outer_aggregate(plan_level *level, rdb_expr *expr, uint16_t levels_up)
{
    planner *p = level->p;
    rdb_strbuf text;
    rdb_expr *own = NULL;
    rdb_strbuf_init(&text, p->arena);
    if (!rdb_tree_write_expr(expr, &text, p->err) || !rdb_strbuf_check(&text, p->err) || !rdb_tree_read_expr(p->arena, p->access, text.data, &own, p->err))
        return NULL;
    (void)analyse_walk(own, 0, lower_node, &levels_up);
    return outer_value(level, own, levels_up);
}

const rdb_type *plan_column_type(plan_level *level, uint32_t range_no, int16_t attribute_no, int32_t *typmod, uint32_t *collation)
{
    const rdb_range *range = level->query->ranges.items[range_no - 1];
    if (range->relation != NULL && range->kind == RDB_RANGE_RELATION) {
        const rdb_column *column = &range->relation->columns[attribute_no - 1];
        *typmod = column->typmod;
        *collation = column->collation;
        return column->type;
    }
    uint32_t at = (uint32_t)attribute_no - 1;
    *typmod = range->column_typmods ? range->column_typmods[at] : -1;
    *collation = range->column_collations ? range->column_collations[at] : 0;
    return at < range->column_types.count ? range->column_types.items[at] : NULL;
}

/* Does the range stand on a side of an outer join that may be null-extended? */
static bool is_nullable(const rdb_from *from, uint32_t range_no, bool below)
{
    if (!from->is_join)
        return below && from->range_no == range_no;
    bool left = from->join_kind == RDB_JOIN_RIGHT || from->join_kind == RDB_JOIN_FULL, right = from->join_kind == RDB_JOIN_LEFT || from->join_kind == RDB_JOIN_FULL;
    return is_nullable(from->left, range_no, below || left) || (from->right != NULL && is_nullable(from->right, range_no, below || right));
}

/* A row of the type of a whole-row variable, without fields yet. */
static rdb_expr_row *row_for(planner *p, const rdb_expr_var *var)
{
    rdb_expr_row *row = RDB_NEW(p->arena, rdb_expr_row);
    row->head = var->head;
    row->head.kind = RDB_EXPR_ROW;
    row->form = RDB_FORM_IMPLICIT_CAST;
    return row;
}

/* The place of a dropped column in a row type stays. */
static bool add_dropped_field(planner *p, rdb_expr_row *row)
{
    rdb_expr_const *none = RDB_NEW(p->arena, rdb_expr_const);
    none->head = (rdb_expr){.kind = RDB_EXPR_CONST, .location = -1, .typmod = -1};
    none->is_null = true;
    if (!rdb_type_get(p->access, RDB_INT4OID, &none->head.type, p->err))
        return false;
    rdb_list_push(p->arena, &row->fields, none);
    rdb_list_push(p->arena, &row->field_names, (void *)(uintptr_t)"");
    return true;
}

/* t.*, as a value: a row of its columns. */
static rdb_expr *whole_row(plan_level *level, rdb_expr_var *var)
{
    planner *p = level->p;
    const rdb_range *range = level->query->ranges.items[var->range_no - 1];
    rdb_expr_row *row = row_for(p, var);
    uint32_t count = range->kind == RDB_RANGE_RELATION ? range->relation->column_count : range->column_types.count;
    if (range->kind == RDB_RANGE_FUNCTION && count == 1 && ((const rdb_type *)range->column_types.items[0])->oid == var->head.type->oid) {
        rdb_expr *column = plan_make_var(p, var->range_no, 1, var->head.type, var->head.typmod, var->head.collation);
        plan_need_column(level, var->range_no, 1);
        return column;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (range->kind == RDB_RANGE_RELATION && range->relation->columns[i].is_dropped) {
            if (!add_dropped_field(p, row))
                return NULL;
            continue;
        }
        int32_t typmod = -1;
        uint32_t collation = 0;
        const rdb_type *type = plan_column_type(level, var->range_no, (int16_t)(i + 1), &typmod, &collation);
        rdb_expr *column = plan_make_var(p, var->range_no, (int16_t)(i + 1), type, typmod, collation), *prepared = NULL;
        if (!plan_prepare(level, column, &prepared))
            return NULL;
        rdb_list_push(p->arena, &row->fields, prepared);
        rdb_list_push(p->arena, &row->field_names, i < range->columns.count ? range->columns.items[i] : (void *)(uintptr_t)"");
    }
    plan_rel *rel = level->rels[var->range_no];
    for (uint32_t i = 0; rel != NULL && i < level->query->from.count; i++)
        if (is_nullable(level->query->from.items[i], var->range_no, false)) {
            if (rel->whole_row == NULL) {
                rel->whole_row = &var->head;
                rel->row_of = &row->head;
            }
            return &var->head;
        }
    return &row->head;
}

static rdb_expr *prepare_var(preparer *s, rdb_expr_var *var)
{
    plan_level *level = s->level;
    if (var->levels_up > 0)
        return outer_column(level, var);
    if (var->range_no == 0 || var->range_no > level->query->ranges.count)
        return fail(level->p, RDB_INTERNAL_ERROR, "a column refers to a range that does not exist");
    const rdb_range *range = level->query->ranges.items[var->range_no - 1];
    if (range->kind == RDB_RANGE_JOIN && var->attribute_no > 0) {
        rdb_expr *stands_for = range->join_variables.items[var->attribute_no - 1];
        return prepare_node(s, stands_for);
    }
    if (var->attribute_no == 0)
        return whole_row(level, var);
    plan_need_column(level, var->range_no, var->attribute_no);
    if (var->range == range)
        return &var->head;
    rdb_expr_var *own = rdb_arena_memdup(level->p->arena, var, sizeof *own); /* read back from a view, or moved here: EXPLAIN names its range */
    own->range = range;
    return &own->head;
}

/* Are the rows of an IN looked up by hashing? */
static bool tests_equality(planner *p, const rdb_expr_sublink *link)
{
    return link->sublink_kind == RDB_SUBLINK_ANY && link->test != NULL && plan_is_equality(p, link->test);
}

/* Where rows are grouped, a sub-select that is written again is the one that was planned for the key: only so is it found there. One that
 * several columns are set from is the same for all of them. */
static rdb_expr *find_planned(const plan_level *level, const rdb_expr_sublink *link)
{
    for (uint32_t i = 0; i < level->known_subplans.count; i++) {
        rdb_expr_subplan *subplan = level->known_subplans.items[i];
        if ((!link->is_shared || (link->head.location >= 0 && link->head.location == subplan->origin->location)) && rdb_expr_equal(subplan->origin, &link->head))
            return &subplan->head;
    }
    return NULL;
}

static rdb_expr *prepare_sublink(preparer *s, rdb_expr_sublink *link)
{
    plan_level *level = s->level;
    planner *p = level->p;
    rdb_expr *planned = find_planned(level, link);
    if (planned != NULL && s->test_of == NULL)
        return planned;
    rdb_expr *any = plan_exists_as_any(p, link);
    if (any != NULL)
        return prepare_node(s, any);
    plan_level *inner = RDB_NEW(p->arena, plan_level);
    plan_built built;
    uint32_t subplan_no = 0;
    if (link->sublink_kind == RDB_SUBLINK_MULTI)
        return fail(p, RDB_FEATURE_NOT_SUPPORTED, "assigning several columns from one sub-select is not supported");
    inner->tuple_fraction = link->sublink_kind == RDB_SUBLINK_EXISTS ? 1 : 0;
    if (!plan_query(p, level, link->query, inner, &built))
        return NULL;
    rdb_expr_subplan *subplan = RDB_NEW(p->arena, rdb_expr_subplan);
    subplan->head = link->head;
    subplan->head.kind = RDB_EXPR_SUBPLAN;
    subplan->sublink_kind = link->sublink_kind;
    subplan->origin = &link->head;
    if (link->test != NULL) {
        /* The test sees the sub-plan's columns as slots; whatever it takes from this level becomes a parameter, set for each row:
         * so it is prepared as an expression of a level inside this one. */
        preparer inside = {.level = level, .test_of = link};
        rdb_expr *test = prepare_node(&inside, link->test);
        if (test == NULL)
            return NULL;
        subplan->test = test;
    }
    if (!plan_add_subplan(p, &subplan_no))
        return NULL;
    rdb_plan_subplan *entry = &p->plan->subplans[subplan_no];
    entry->node = built.node;
    entry->is_correlated = inner->is_correlated;
    bool is_init = !inner->is_correlated && (link->sublink_kind == RDB_SUBLINK_SCALAR || link->sublink_kind == RDB_SUBLINK_EXISTS || link->sublink_kind == RDB_SUBLINK_ARRAY);
    const uint32_t shown_no = ++p->shown_plan_no;
    if (is_init) {
        entry->name = rdb_arena_printf(p->arena, "InitPlan %u (returns $%u)", shown_no, p->shown_param_no);
        subplan->shown = rdb_arena_printf(p->arena, "$%u", p->shown_param_no++);
        rdb_list_push(p->arena, &level->init_plans, (void *)(uintptr_t)subplan_no);
    } else {
        entry->name = rdb_arena_printf(p->arena, "SubPlan %u", shown_no);
        subplan->shown = rdb_arena_printf(p->arena, "(%sSubPlan %u)", !inner->is_correlated && tests_equality(p, link) ? "hashed " : "", shown_no);
    }
    subplan->subplan_no = subplan_no;
    /* arguments: what the sub-query wants, and the columns of this level that the test wants */
    rdb_list arguments = {0};
    uint32_t count = inner->wanted_count, room = count + 16, used = 0;
    uint32_t *numbers = RDB_NEW_ARRAY(p->arena, uint32_t, room + 64);
    for (uint32_t i = 0; i < count; i++) {
        rdb_list_push(p->arena, &arguments, inner->wanted[i].expr);
        numbers[used++] = inner->wanted[i].parameter_no;
    }
    if (subplan->test != NULL) {
        rdb_expr *parametrised = NULL;
        if (!plan_parametrise(p, subplan->test, false, &parametrised, &arguments, &numbers, &used, room + 64))
            return NULL;
        subplan->test = parametrised;
    }
    subplan->arguments = arguments;
    subplan->parameter_nos = numbers;
    if ((level->query->group.count > 0 || link->is_shared) && s->test_of == NULL)
        rdb_list_push(p->arena, &level->known_subplans, subplan);
    return &subplan->head;
}

/* $n in a plan that is made for this one run. */
static rdb_expr *value_of(planner *p, const rdb_expr_param *param)
{
    const struct rdb_parameter *value = &p->context->parameters[param->param_no - 1];
    rdb_expr_const *constant = RDB_NEW(p->arena, rdb_expr_const);
    constant->head = param->head;
    constant->head.kind = RDB_EXPR_CONST;
    constant->value = value->value;
    constant->is_null = value->is_null;
    return &constant->head;
}

static rdb_expr *prepare_node(void *context, rdb_expr *expr)
{
    preparer *s = context;
    planner *p = s->level->p;
    if (++p->depth > RDB_TREE_DEPTH_MAX)
        return fail(p, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    rdb_expr *result = NULL;
    switch ((rdb_expr_kind)expr->kind) {
    case RDB_EXPR_VAR:
        result = prepare_var(s, (rdb_expr_var *)expr);
        break;
    case RDB_EXPR_SUBLINK:
        result = prepare_sublink(s, (rdb_expr_sublink *)expr);
        break;
    case RDB_EXPR_PARAM: {
        rdb_expr_param *param = (rdb_expr_param *)expr;
        if (s->test_of == NULL || param->param_kind != RDB_PARAM_EXECUTION) {
            result = expr;
            if (param->param_kind == RDB_PARAM_EXTERNAL && p->context->parameters != NULL && param->param_no >= 1 && param->param_no <= p->context->parameter_count)
                result = value_of(p, param);
            break;
        }
        rdb_expr_slot *slot = RDB_NEW(p->arena, rdb_expr_slot);
        slot->head = *expr;
        slot->head.kind = RDB_EXPR_SLOT;
        slot->slot_no = param->param_no - 1;
        slot->origin = expr;
        result = &slot->head;
        break;
    }
    case RDB_EXPR_AGGREGATE:
    case RDB_EXPR_GROUPING: {
        uint16_t levels_up = expr->kind == RDB_EXPR_AGGREGATE ? ((rdb_expr_aggregate *)expr)->levels_up : ((rdb_expr_grouping *)expr)->levels_up;
        result = levels_up > 0 ? outer_aggregate(s->level, expr, levels_up) : rdb_expr_map_children(p->arena, expr, prepare_node, s);
        break;
    }
    default:
        result = rdb_expr_map_children(p->arena, expr, prepare_node, s);
        break;
    }
    if (result != NULL && result->kind == RDB_EXPR_FUNCTION && ((rdb_expr_function *)result)->function->has_body) {
        rdb_expr *inlined = NULL;
        if (!rdb_inline_call(p->arena, p->eval.access, p->eval.format, &p->eval, (rdb_expr_function *)result, &inlined, p->err))
            result = NULL;
        else if (inlined != NULL)
            result = inlined;
    }
    p->depth--;
    return result;
}

bool plan_prepare(plan_level *level, rdb_expr *expr, rdb_expr **prepared)
{
    preparer s = {.level = level};
    *prepared = NULL;
    rdb_expr *node = prepare_node(&s, expr);
    if (node == NULL || rdb_expr_fold(level->p->arena, &level->p->eval, node, prepared, level->p->err))
        return node != NULL;
    if (!level->p->context->keeps_failing || strncmp(level->p->err->sqlstate, "22", 2) != 0)
        return false;
    rdb_error_clear(level->p->err);
    *prepared = node;
    return true;
}

/* Of several conditions one of which is false or null whatever the row, false is left: nothing else need be asked. */
static bool keep_the_impossible(planner *p, rdb_list *conjuncts, uint32_t first)
{
    bool is_impossible = false;
    for (uint32_t i = first; conjuncts->count > first + 1 && i < conjuncts->count; i++) {
        rdb_expr_const *one = conjuncts->items[i];
        if (one->head.kind == RDB_EXPR_CONST && (one->is_null || !one->value.b)) {
            one = rdb_arena_memdup(p->arena, one, sizeof *one);
            one->is_null = false;
            one->value.b = false;
            conjuncts->items[first] = one;
            conjuncts->count = first + 1;
            is_impossible = true;
        }
    }
    return is_impossible;
}

bool plan_prepare_conjuncts(plan_level *level, rdb_expr *expr, rdb_list *conjuncts)
{
    const uint32_t first = conjuncts->count;
    rdb_expr *prepared = NULL;
    struct {
        uint32_t wanted_count;
        bool is_correlated;
    } before[8];
    uint32_t depth = 0;
    if (expr == NULL)
        return true;
    for (plan_level *at = level; at != NULL && depth < RDB_COUNT_OF(before); at = at->parent, depth++) {
        before[depth].wanted_count = at->wanted_count;
        before[depth].is_correlated = at->is_correlated;
    }
    if (!plan_prepare(level, expr, &prepared))
        return false;
    plan_split_conjuncts(level->p, prepared, conjuncts);
    if (keep_the_impossible(level->p, conjuncts, first)) {
        plan_level *at = level;
        for (uint32_t i = 0; i < depth; i++, at = at->parent) { /* what the others wanted from outside nobody reads */
            at->wanted_count = before[i].wanted_count;
            at->is_correlated = before[i].is_correlated;
        }
    }
    return true;
}

/* ---- looking ------------------------------------------------------------------------------------------------------------------- */
static bool see_relids(void *context, rdb_expr *expr)
{
    if (expr->kind == RDB_EXPR_VAR && ((rdb_expr_var *)expr)->levels_up == 0)
        relids_add(context, ((rdb_expr_var *)expr)->range_no);
    if (expr->kind == RDB_EXPR_SUBPLAN) {
        rdb_list *arguments = &((rdb_expr_subplan *)expr)->arguments;
        for (uint32_t i = 0; i < arguments->count; i++)
            if (!see_relids(context, arguments->items[i]))
                return false;
        return true;
    }
    return rdb_expr_visit_children(expr, see_relids, context);
}

plan_relids plan_relids_of(const rdb_expr *expr)
{
    plan_relids set = relids_none();
    if (expr != NULL)
        (void)see_relids(&set, (rdb_expr *)(uintptr_t)expr);
    return set;
}

static bool see_set(void *context, rdb_expr *expr)
{
    bool *found = context;
    if (expr->kind == RDB_EXPR_FUNCTION && ((rdb_expr_function *)expr)->function->returns_set) {
        *found = true;
        return false;
    }
    return rdb_expr_visit_children(expr, see_set, context);
}

bool plan_contains_set(const rdb_expr *expr)
{
    bool found = false;
    (void)see_set(&found, (rdb_expr *)(uintptr_t)expr);
    return found;
}

/* ---- columns to parameters, for the test of a sub-plan -------------------------------------------------------------------------- */
typedef struct parametriser {
    planner *p;
    rdb_list *arguments;
    uint32_t *numbers;
    uint32_t *used, room;
    bool keeps_subplans;
} parametriser;

static rdb_expr *parametrise_node(void *context, rdb_expr *expr)
{
    parametriser *s = context;
    bool is_column = expr->kind == RDB_EXPR_VAR || expr->kind == RDB_EXPR_AGGREGATE || expr->kind == RDB_EXPR_WINDOW || expr->kind == RDB_EXPR_GROUPING ||
                     (expr->kind == RDB_EXPR_SUBPLAN && !s->keeps_subplans);
    if (!is_column)
        return rdb_expr_map_children(s->p->arena, expr, parametrise_node, s);
    if (*s->used == s->room)
        return fail(s->p, RDB_PROGRAM_LIMIT_EXCEEDED, "too many columns in the test of a sub-select");
    rdb_list_push(s->p->arena, s->arguments, expr);
    return plan_make_param(s->p, expr, &s->numbers[(*s->used)++]);
}

bool plan_parametrise(planner *p, rdb_expr *expr, bool keeps_subplans, rdb_expr **result, rdb_list *arguments, uint32_t **numbers, uint32_t *used, uint32_t room)
{
    parametriser s = {p, arguments, *numbers, used, room, keeps_subplans};
    *result = parametrise_node(&s, expr);
    return *result != NULL;
}

/* ---- resolving -------------------------------------------------------------------------------------------------------------------- */
typedef struct resolver {
    planner *p;
    const plan_built *built;
} resolver;

static rdb_expr *resolve_node(void *context, rdb_expr *expr);

/* Of an expression over rows of one table: tableoid is that table, a whole row is made of its columns. NULL with the error set. */
static rdb_expr *resolve_row_value(resolver *s, const rdb_expr_var *var)
{
    const rdb_relation *relation = s->built->relation;
    if (relation == NULL || (var->attribute_no != RDB_COLUMN_TABLEOID && var->attribute_no != 0)) {
        rdb_error_set(s->p->err, RDB_INTERNAL_ERROR, "column %d of range %u is not at hand", var->attribute_no, var->range_no);
        return NULL;
    }
    if (var->attribute_no == RDB_COLUMN_TABLEOID) {
        rdb_expr_const *table = RDB_NEW(s->p->arena, rdb_expr_const);
        table->head = var->head;
        table->head.kind = RDB_EXPR_CONST;
        table->value.oid = relation->oid;
        return &table->head;
    }
    rdb_expr_row *row = row_for(s->p, var);
    for (uint32_t i = 0; i < s->built->count; i++) {
        rdb_expr *field = NULL;
        if (relation->columns[i].is_dropped) {
            if (!add_dropped_field(s->p, row))
                return NULL;
            continue;
        }
        field = resolve_node(s, s->built->outputs[i]);
        if (field == NULL)
            return NULL;
        rdb_list_push(s->p->arena, &row->fields, field);
        rdb_list_push(s->p->arena, &row->field_names, (void *)(uintptr_t)relation->columns[i].name);
    }
    return &row->head;
}

static rdb_expr *resolve_node(void *context, rdb_expr *expr)
{
    resolver *s = context;
    for (uint32_t i = 0; i < s->built->count; i++) {
        if (s->built->outputs[i] == NULL || expr->kind == RDB_EXPR_CONST || !rdb_expr_equal(s->built->outputs[i], expr))
            continue;
        rdb_expr_slot *slot = RDB_NEW(s->p->arena, rdb_expr_slot);
        slot->head = *expr;
        slot->head.kind = RDB_EXPR_SLOT;
        slot->slot_no = i;
        slot->origin = expr;
        return &slot->head;
    }
    switch ((rdb_expr_kind)expr->kind) {
    case RDB_EXPR_VAR:
        return resolve_row_value(s, (const rdb_expr_var *)expr);
    case RDB_EXPR_AGGREGATE:
        return fail(s->p, RDB_INTERNAL_ERROR, "an aggregate is not at hand");
    case RDB_EXPR_WINDOW:
        return fail(s->p, RDB_INTERNAL_ERROR, "a window function is not at hand");
    default:
        return rdb_expr_map_children(s->p->arena, expr, resolve_node, s);
    }
}

bool plan_resolve(planner *p, const plan_built *built, rdb_expr *expr, rdb_expr **resolved)
{
    resolver s = {p, built};
    *resolved = resolve_node(&s, expr);
    return *resolved != NULL;
}

bool plan_resolve_list(planner *p, const plan_built *built, const rdb_list *exprs, rdb_list *resolved)
{
    *resolved = (rdb_list){0};
    for (uint32_t i = 0; i < exprs->count; i++) {
        rdb_expr *one = NULL;
        if (!plan_resolve(p, built, exprs->items[i], &one))
            return false;
        rdb_list_push(p->arena, resolved, one);
    }
    return true;
}
