/* SPDX-License-Identifier: Apache-2.0
 * Expressions to programs. Sub-expressions that are always computed become steps of the enclosing block, innermost first;
 * those that SQL may skip get blocks of their own. */
#include "expr/kernels.h"
#include "expr/program_int.h"
#include "expr/rdb_routine.h"

typedef struct known_subplan {
    uint32_t subplan_no, out;
    const program_block *block;
} known_subplan;

typedef struct compiler {
    rdb_program *program;
    rdb_arena *arena;
    rdb_eval *eval;
    rdb_error *err;
    uint32_t case_test;    /* register of the innermost CASE argument, array element or domain value */
    bool has_case_test;
    uint32_t depth;
    known_subplan *subplans; /* shared ones that are compiled */
    uint32_t subplan_count, subplan_capacity;
} compiler;

static bool compile_expr(compiler *c, program_block *block, const rdb_expr *expr, uint32_t *out);

static void *grow_array(rdb_arena *arena, void *old, uint32_t count, uint32_t *capacity, size_t item_bytes)
{
    if (count < *capacity)
        return old;
    uint32_t wanted = *capacity ? *capacity * 2 : 8;
    void *larger = rdb_arena_zalloc(arena, (size_t)wanted * item_bytes);
    if (count)
        memcpy(larger, old, (size_t)count * item_bytes);
    *capacity = wanted;
    return larger;
}

static uint32_t add_register(compiler *c, rdb_vector *vector)
{
    rdb_program *p = c->program;
    p->registers = grow_array(c->arena, p->registers, p->register_count, &p->register_capacity, sizeof *p->registers);
    p->registers[p->register_count] = vector;
    return p->register_count++;
}

/* A vector with memory of its own, which comes at the first run. */
static rdb_vector *add_owned(compiler *c, uint8_t rep)
{
    rdb_program *p = c->program;
    rdb_vector *vector = RDB_NEW(c->arena, rdb_vector);
    vector->rep = rep;
    vector->mask = RDB_FLAT;
    p->owned = grow_array(c->arena, p->owned, p->owned_count, &p->owned_capacity, sizeof *p->owned);
    p->owned[p->owned_count++] = vector;
    return vector;
}

static uint32_t add_slot(compiler *c, uint32_t slot_no)
{
    rdb_program *p = c->program;
    for (uint32_t i = 0; i < p->slot_count; i++)
        if (p->slots[i].slot_no == slot_no)
            return p->slots[i].register_no;
    p->slots = grow_array(c->arena, p->slots, p->slot_count, &p->slot_capacity, sizeof *p->slots);
    uint32_t register_no = add_register(c, NULL);
    p->slots[p->slot_count].slot_no = slot_no;
    p->slots[p->slot_count++].register_no = register_no;
    return register_no;
}

static uint32_t add_constant(compiler *c, uint8_t rep, rdb_datum value, bool is_null)
{
    rdb_vector *vector = RDB_NEW(c->arena, rdb_vector);
    rdb_vector_set_constant(vector, c->arena, rep, value, is_null);
    return add_register(c, vector);
}

static uint32_t add_parameter(compiler *c, const rdb_expr_param *param)
{
    rdb_program *p = c->program;
    for (uint32_t i = 0; i < p->parameter_count; i++)
        if (p->parameters[i].kind == param->param_kind && p->parameters[i].param_no == param->param_no)
            return p->parameters[i].register_no;
    p->parameters = grow_array(c->arena, p->parameters, p->parameter_count, &p->parameter_capacity, sizeof *p->parameters);
    uint32_t register_no = add_constant(c, param->head.type->rep, (rdb_datum){.words = {0, 0}}, true);
    p->parameters[p->parameter_count++] = (program_parameter){register_no, param->param_no, param->param_kind};
    return register_no;
}

static program_step *new_step(compiler *c, const rdb_expr *expr, uint8_t op, uint32_t argument_count)
{
    rdb_program *p = c->program;
    program_step *step = RDB_NEW(c->arena, program_step);
    step->op = op;
    step->expr = expr;
    step->argument_count = argument_count;
    step->arguments = RDB_NEW_ARRAY(c->arena, uint32_t, argument_count + 1);
    step->vectors = RDB_NEW_ARRAY(c->arena, const rdb_vector *, argument_count + 1);
    step->call.plan_arena = c->arena;
    step->call.state = &step->state;
    step->call.result_type = expr->type;
    step->call.result_typmod = expr->typmod;
    step->call.collation = expr->collation;
    step->out = add_register(c, add_owned(c, expr->type->rep));
    p->steps = grow_array(c->arena, p->steps, p->step_count, &p->step_capacity, sizeof *p->steps);
    p->steps[p->step_count++] = step;
    return step;
}

static void append_step(compiler *c, program_block *block, program_step *step)
{
    block->steps = grow_array(c->arena, block->steps, block->count, &block->capacity, sizeof *block->steps);
    block->steps[block->count++] = step;
}

static bool compile_block(compiler *c, program_block *block, const rdb_expr *expr)
{
    return compile_expr(c, block, expr, &block->result);
}

/* The kernel of a function and what calling it needs; argument types from the expressions given. */
static bool set_kernel(compiler *c, program_step *step, const rdb_function *function, uint32_t input_collation,
                       rdb_expr *const *arguments, uint32_t argument_count)
{
    const rdb_kernel_entry *entry = rdb_kernel_find(function->kernel_oid != 0 ? function->kernel_oid : function->oid);
    if (!rdb_function_check_execute(c->eval, function, c->err))
        return false;
    if (entry == NULL) {
        rdb_routine_site *site = RDB_NEW(c->arena, rdb_routine_site);
        if (!rdb_routine_site_make(site, function, c->eval, c->arena, c->err))
            return false;
        step->state = site;
        step->kernel = rdb_routine_kernel;
    } else {
        step->kernel = entry->kernel;
    }
    step->is_strict = function->is_strict;
    step->is_volatile = function->volatility == 'v' || entry == NULL; /* users' functions row by row, in order (R38) */
    if (step->is_volatile)
        c->program->is_volatile = true;
    step->call.collation = input_collation;
    const rdb_type **types = RDB_NEW_ARRAY(c->arena, const rdb_type *, argument_count + 1);
    for (uint32_t i = 0; i < argument_count; i++)
        types[i] = arguments[i] ? arguments[i]->type : NULL;
    step->call.argument_types = types;
    step->call.argument_count = argument_count;
    return true;
}

static bool compile_arguments(compiler *c, program_block *block, const rdb_list *list, uint32_t *registers)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (!compile_expr(c, block, list->items[i], &registers[i]))
            return false;
    return true;
}

static bool compile_function(compiler *c, program_block *block, const rdb_expr_function *e, uint32_t *out)
{
    if (e->returns_set)
        return rdb_error_set(c->err, RDB_FEATURE_NOT_SUPPORTED, "set-valued function called in context that cannot accept a set");
    program_step *step = new_step(c, &e->head, OP_KERNEL, e->arguments.count);
    if (!set_kernel(c, step, e->function, e->input_collation, (rdb_expr *const *)e->arguments.items, e->arguments.count) ||
        !compile_arguments(c, block, &e->arguments, step->arguments))
        return false;
    step->call.is_variadic = e->is_variadic;
    append_step(c, block, step);
    *out = step->out;
    return true;
}

/* AND, OR and COALESCE: one block an argument. */
static bool compile_narrowing(compiler *c, program_block *block, const rdb_expr *expr, uint8_t op, const rdb_list *arguments, uint32_t *out)
{
    program_step *step = new_step(c, expr, op, 0);
    step->block_count = arguments->count;
    step->blocks = RDB_NEW_ARRAY(c->arena, program_block, arguments->count);
    for (uint32_t i = 0; i < arguments->count; i++)
        if (!compile_block(c, &step->blocks[i], arguments->items[i]))
            return false;
    append_step(c, block, step);
    *out = step->out;
    return true;
}

static bool compile_case(compiler *c, program_block *block, const rdb_expr_case *e, uint32_t *out)
{
    uint32_t outer_test = c->case_test;
    bool outer_has = c->has_case_test;
    if (e->argument != NULL) {
        if (!compile_expr(c, block, e->argument, &c->case_test))
            return false;
        c->has_case_test = true;
    }
    program_step *step = new_step(c, &e->head, OP_CASE, 0);
    step->block_count = e->whens.count * 2 + (e->otherwise != NULL);
    step->blocks = RDB_NEW_ARRAY(c->arena, program_block, step->block_count + 1);
    for (uint32_t i = 0; i < e->whens.count; i++) {
        const rdb_case_when *when = e->whens.items[i];
        if (!compile_block(c, &step->blocks[2 * i], when->condition) ||
            !compile_block(c, &step->blocks[2 * i + 1], when->result))
            return false;
    }
    if (e->otherwise != NULL && !compile_block(c, &step->blocks[2 * e->whens.count], e->otherwise))
        return false;
    c->case_test = outer_test;
    c->has_case_test = outer_has;
    append_step(c, block, step);
    *out = step->out;
    return true;
}

static bool compile_pair(compiler *c, program_block *block, const rdb_expr_pair *e, uint8_t op, uint32_t *out)
{
    program_step *step = new_step(c, &e->head, op, 2);
    rdb_expr *pair[2] = {e->left, e->right};
    if (!set_kernel(c, step, e->function, e->input_collation, pair, 2) ||
        !compile_expr(c, block, e->left, &step->arguments[0]) || !compile_expr(c, block, e->right, &step->arguments[1]))
        return false;
    step->flags = add_owned(c, RDB_REP_BOOL);
    append_step(c, block, step);
    *out = step->out;
    return true;
}

/* = ANY or <> ALL by the equality that the type's hash agrees with? */
static bool may_hash_items(compiler *c, const rdb_expr_array_op *e, const rdb_type *element)
{
    uint32_t equality = e->operator_oid, wanted = 0;
    const rdb_operator_entry *operator;
    rdb_error quiet = {0};
    bool known = element->ops != NULL && element->ops->hash != NULL && element->ops->compare != NULL && e->left->type == element &&
                 e->operator_oid != 0 && c->eval->access != NULL;
    if (known && !e->use_or) {
        known = rdb_operator_get(c->eval->access, e->operator_oid, &operator, &quiet);
        equality = known ? operator->negator_oid : 0;
    }
    known = known && equality != 0 && rdb_opclass_operator(c->eval->access, element->oid, element->oid, 3, &wanted, &quiet) && wanted == equality;
    rdb_error_clear(&quiet);
    return known;
}

/* A written-out list of constants, long enough that a hash finds an item faster than a walk. */
static bool compile_item_set(compiler *c, program_step *step, const rdb_expr_array_op *e, const rdb_expr_array *items, bool *is_set)
{
    const rdb_type *element = e->right->type->element;
    *is_set = false;
    for (uint32_t i = 0; i < items->elements.count; i++)
        if (((const rdb_expr *)items->elements.items[i])->kind != RDB_EXPR_CONST)
            return true;
    if (items->elements.count < PROGRAM_SET_ITEMS_MIN || !may_hash_items(c, e, element))
        return true;
    rdb_datum *values = RDB_NEW_ARRAY(c->arena, rdb_datum, items->elements.count);
    bool *nulls = RDB_NEW_ARRAY(c->arena, bool, items->elements.count);
    for (uint32_t i = 0; i < items->elements.count; i++) {
        const rdb_expr_const *item = items->elements.items[i];
        values[i] = item->value;
        nulls[i] = item->is_null;
    }
    program_item_set *set;
    if (!program_item_set_create(&set, c->arena, element, e->input_collation, values, nulls, items->elements.count, c->err))
        return false;
    step->set = set;
    step->op = OP_ITEM_SET;
    step->argument_count = 1;
    *is_set = true;
    return true;
}

static bool compile_array_op(compiler *c, program_block *block, const rdb_expr_array_op *e, uint32_t *out)
{
    const rdb_expr_array *items = (const rdb_expr_array *)e->right;
    bool unrolled = e->right->kind == RDB_EXPR_ARRAY && !items->is_multidimensional;
    program_step *step = new_step(c, &e->head, unrolled ? OP_ARRAY_ITEMS : OP_ARRAY_OP, unrolled ? 1 + items->elements.count : 2);
    const rdb_type *element = e->right->type->element;
    if (element == NULL)
        return rdb_error_set(c->err, RDB_FEATURE_NOT_SUPPORTED, "op ANY/ALL over type \"%s\" is not supported", e->right->type->name);
    rdb_expr *element_expr = RDB_NEW(c->arena, rdb_expr);
    element_expr->type = element;
    rdb_expr *pair[2] = {e->left, element_expr};
    if (!set_kernel(c, step, e->function, e->input_collation, pair, 2) || !compile_expr(c, block, e->left, &step->arguments[0]))
        return false;
    bool is_set = false;
    if (unrolled && !compile_item_set(c, step, e, items, &is_set))
        return false;
    if (!is_set && (unrolled ? !compile_arguments(c, block, &items->elements, step->arguments + 1)
                             : !compile_expr(c, block, e->right, &step->arguments[1])))
        return false;
    step->may_hash = !unrolled && may_hash_items(c, e, element);
    step->detail = e->use_or;
    step->flags = add_owned(c, RDB_REP_BOOL);
    append_step(c, block, step);
    *out = step->out;
    return true;
}

/* "=" beside the pair's operator, with the same types on either side. */
static bool find_equality(compiler *c, const rdb_function *function, const rdb_function **equality)
{
    enum { EQUAL_STRATEGY = 3 };
    const rdb_operator_entry *entry = NULL;
    uint32_t operator_oid = 0;
    *equality = NULL;
    if (!rdb_opclass_operator(c->eval->access, function->argument_types[0], function->argument_types[1], EQUAL_STRATEGY, &operator_oid, c->err) ||
        (operator_oid != 0 && !rdb_operator_get(c->eval->access, operator_oid, &entry, c->err)) ||
        (entry != NULL && !rdb_function_get(c->eval->access, entry->function_oid, equality, c->err)))
        return false;
    return *equality != NULL || rdb_error_set(c->err, RDB_UNDEFINED_FUNCTION, "could not identify an equality operator for \"%s\"", function->name);
}

static bool compile_row_compare(compiler *c, program_block *block, const rdb_expr_row_compare *e, uint32_t *out)
{
    uint32_t pairs = e->left.count;
    const bool is_order = e->strategy != 3 && e->strategy != 6;
    program_step *step = new_step(c, &e->head, OP_ROW_COMPARE, pairs * 2);
    step->detail = e->strategy;
    step->item_count = pairs;
    step->items = RDB_NEW_ARRAY(c->arena, program_step *, pairs * 2); /* the operators, then the equalities */
    for (uint32_t i = 0; i < pairs; i++) {
        rdb_expr *pair[2] = {e->left.items[i], e->right.items[i]};
        const rdb_function *equality = NULL;
        uint32_t collation = e->input_collations ? e->input_collations[i] : 0;
        step->items[i] = new_step(c, &e->head, OP_KERNEL, 2);
        if (!set_kernel(c, step->items[i], e->functions.items[i], collation, pair, 2) || !compile_expr(c, block, pair[0], &step->arguments[2 * i]) ||
            !compile_expr(c, block, pair[1], &step->arguments[2 * i + 1]))
            return false;
        if (!is_order)
            continue;
        step->items[pairs + i] = new_step(c, &e->head, OP_KERNEL, 2);
        if (!find_equality(c, e->functions.items[i], &equality) || !set_kernel(c, step->items[pairs + i], equality, collation, pair, 2))
            return false;
    }
    step->flags = add_owned(c, RDB_REP_BOOL);
    append_step(c, block, step);
    *out = step->out;
    return true;
}

static bool compile_simple(compiler *c, program_block *block, const rdb_expr *expr, uint8_t op, uint8_t detail, const rdb_expr *argument, uint32_t *out)
{
    program_step *step = new_step(c, expr, op, argument ? 1 : 0);
    step->detail = detail;
    if (argument != NULL && !compile_expr(c, block, argument, &step->arguments[0]))
        return false;
    append_step(c, block, step);
    *out = step->out;
    return true;
}

static bool compile_list(compiler *c, program_block *block, const rdb_expr *expr, uint8_t op, const rdb_list *arguments, uint32_t *out)
{
    program_step *step = new_step(c, expr, op, arguments->count);
    if (!compile_arguments(c, block, arguments, step->arguments))
        return false;
    append_step(c, block, step);
    *out = step->out;
    return true;
}

static bool compile_subscript(compiler *c, program_block *block, const rdb_expr_subscript *e, uint32_t *out)
{
    /* arguments: the array, upper bounds, lower bounds (slices), the assigned value; an open bound has no register */
    uint32_t bounds = e->upper.count;
    program_step *step = new_step(c, &e->head, OP_SUBSCRIPT, 2 + 2 * bounds);
    if (!compile_expr(c, block, e->argument, &step->arguments[0]))
        return false;
    for (uint32_t i = 0; i < bounds; i++) {
        rdb_expr *upper = e->upper.items[i], *lower = e->lower.count ? e->lower.items[i] : NULL;
        step->arguments[2 + i] = step->arguments[2 + bounds + i] = UINT32_MAX;
        if ((upper && !compile_expr(c, block, upper, &step->arguments[2 + i])) ||
            (lower && !compile_expr(c, block, lower, &step->arguments[2 + bounds + i])))
            return false;
    }
    step->arguments[1] = UINT32_MAX;
    if (e->assignment && !compile_expr(c, block, e->assignment, &step->arguments[1]))
        return false;
    append_step(c, block, step);
    *out = step->out;
    return true;
}

static bool compile_array_coerce(compiler *c, program_block *block, const rdb_expr_array_coerce *e, uint32_t *out)
{
    program_step *step = new_step(c, &e->head, OP_ARRAY_COERCE, 1);
    if (!compile_expr(c, block, e->argument, &step->arguments[0]))
        return false;
    /* The element expression runs over a register that the step fills with the elements of one array at a time. */
    rdb_program *element = RDB_NEW(c->arena, rdb_program);
    element->arena = c->arena;
    compiler inner = *c;
    inner.program = element;
    inner.case_test = add_slot(&inner, 0);
    inner.has_case_test = true;
    element->result_count = 1;
    element->results = RDB_NEW_ARRAY(c->arena, program_block, 1);
    if (!compile_block(&inner, &element->results[0], e->element))
        return false;
    step->state = element;
    append_step(c, block, step);
    *out = step->out;
    return true;
}

/* Has the block run, for all rows at hand, before what is compiled now? Results run one after the other. */
static bool has_run(const compiler *c, const program_block *ran, const program_block *block)
{
    return ran == block || (ran >= c->program->results && ran < c->program->results + c->program->result_count);
}

static bool compile_subplan(compiler *c, program_block *block, const rdb_expr_subplan *e, uint32_t *out)
{
    const bool is_shared = ((const rdb_expr_sublink *)e->origin)->is_shared;
    for (uint32_t i = 0; is_shared && i < c->subplan_count; i++)
        if (c->subplans[i].subplan_no == e->subplan_no && has_run(c, c->subplans[i].block, block)) {
            *out = c->subplans[i].out;
            return true;
        }
    program_step *step = new_step(c, &e->head, OP_SUBPLAN, e->arguments.count);
    if (!compile_arguments(c, block, &e->arguments, step->arguments))
        return false;
    append_step(c, block, step);
    *out = step->out;
    if (is_shared) {
        c->subplans = grow_array(c->arena, c->subplans, c->subplan_count, &c->subplan_capacity, sizeof *c->subplans);
        c->subplans[c->subplan_count++] = (known_subplan){e->subplan_no, step->out, block};
    }
    return true;
}

static bool compile_next_value(compiler *c, program_block *block, const rdb_expr_next_value *e, uint32_t *out)
{
    const rdb_kernel_entry *entry = rdb_kernel_find(1574); /* nextval(regclass) */
    if (entry == NULL)
        return rdb_error_set(c->err, RDB_FEATURE_NOT_SUPPORTED, "function \"nextval\" is not supported");
    program_step *step = new_step(c, &e->head, OP_KERNEL, 1);
    c->program->registers[step->out]->rep = RDB_REP_INT64; /* nextval gives a bigint, whatever the column's width */
    step->arguments[0] = add_constant(c, RDB_REP_INT32, (rdb_datum){.oid = e->sequence_oid}, false);
    step->kernel = entry->kernel;
    step->state = EXPR_SEQUENCE_IS_OWN;
    step->is_strict = step->is_volatile = c->program->is_volatile = true;
    if (e->head.type->rep != RDB_REP_INT64) {
        append_step(c, block, step);
        program_step *narrow = new_step(c, &e->head, OP_NARROW_INTEGER, 1);
        narrow->arguments[0] = step->out;
        step = narrow;
    }
    append_step(c, block, step);
    *out = step->out;
    return true;
}

/* (a, b) IS [NOT] NULL: every field is, and none of their rows is looked into again. Places of dropped columns do not count. */
static bool compile_row_null_test(compiler *c, program_block *block, const rdb_expr_null_test *e, uint32_t *out)
{
    const rdb_expr_row *row = (const rdb_expr_row *)e->argument;
    const rdb_type *type = row->head.type;
    rdb_list tests = {0};
    for (uint32_t i = 0; i < row->fields.count; i++) {
        if (type->fields != NULL && i < type->field_count && type->fields[i].is_dropped)
            continue;
        rdb_expr_null_test *test = RDB_NEW(c->arena, rdb_expr_null_test);
        *test = *e;
        test->argument = row->fields.items[i];
        test->argument_is_row = false;
        rdb_list_push(c->arena, &tests, test);
    }
    return compile_narrowing(c, block, &e->head, OP_AND, &tests, out);
}

/* The value itself goes on; beside it a step asks the rules of the domain and those below it, the innermost first. Each is a
 * block over VALUE. */
static bool compile_domain(compiler *c, program_block *block, const rdb_expr_unary *e, uint32_t *out)
{
    const uint32_t outer_test = c->case_test;
    const bool outer_has = c->has_case_test;
    uint32_t count = 0;
    bool ok = compile_expr(c, block, e->argument, out);
    if (!ok || !rdb_domain_has_rules(e->head.type))
        return ok;
    program_step *step = new_step(c, &e->head, OP_DOMAIN_CHECK, 1);
    step->arguments[0] = *out;
    for (const rdb_type *type = e->head.type; type != NULL && type->kind == 'd'; type = type->base) {
        count += type->domain_rule_count;
        step->detail = step->detail || type->domain_not_null;
    }
    const char **names = RDB_NEW_ARRAY(c->arena, const char *, count + 1);
    step->blocks = RDB_NEW_ARRAY(c->arena, program_block, count + 1);
    step->block_count = count;
    step->state = names;
    c->case_test = *out;
    c->has_case_test = true;
    for (const rdb_type *type = e->head.type; ok && type != NULL && type->kind == 'd'; type = type->base) {
        count -= type->domain_rule_count;
        for (uint32_t i = 0; ok && i < type->domain_rule_count; i++) {
            rdb_expr *rule = NULL;
            names[count + i] = type->domain_rules[i].name;
            ok = program_read_tree(c->arena, c->eval->access, type->domain_rules[i].tree, &rule, c->err) &&
                 compile_block(c, &step->blocks[count + i], rule);
        }
    }
    c->case_test = outer_test;
    c->has_case_test = outer_has;
    append_step(c, block, step);
    return ok;
}

static bool compile_expr_inner(compiler *c, program_block *block, const rdb_expr *expr, uint32_t *out)
{
    switch ((rdb_expr_kind)expr->kind) {
    case RDB_EXPR_CONST: {
        const rdb_expr_const *e = (const rdb_expr_const *)expr;
        *out = add_constant(c, expr->type->rep, e->value, e->is_null);
        return true;
    }
    case RDB_EXPR_SLOT:
        *out = add_slot(c, ((const rdb_expr_slot *)expr)->slot_no);
        return true;
    case RDB_EXPR_PARAM:
        *out = add_parameter(c, (const rdb_expr_param *)expr);
        return true;
    case RDB_EXPR_FUNCTION:
        return compile_function(c, block, (const rdb_expr_function *)expr, out);
    case RDB_EXPR_ARRAY_OP:
        return compile_array_op(c, block, (const rdb_expr_array_op *)expr, out);
    case RDB_EXPR_BOOL: {
        const rdb_expr_bool *e = (const rdb_expr_bool *)expr;
        if (e->bool_kind == RDB_BOOL_NOT)
            return compile_simple(c, block, expr, OP_NOT, 0, e->arguments.items[0], out);
        return compile_narrowing(c, block, expr, e->bool_kind == RDB_BOOL_AND ? OP_AND : OP_OR, &e->arguments, out);
    }
    case RDB_EXPR_CASE:
        return compile_case(c, block, (const rdb_expr_case *)expr, out);
    case RDB_EXPR_CASE_TEST:
    case RDB_EXPR_DOMAIN_VALUE:
        if (!c->has_case_test)
            return rdb_error_set(c->err, RDB_INTERNAL_ERROR, "CASE test value outside of a CASE expression");
        *out = c->case_test;
        return true;
    case RDB_EXPR_COALESCE:
        return compile_narrowing(c, block, expr, OP_COALESCE, &((const rdb_expr_list *)expr)->arguments, out);
    case RDB_EXPR_MINMAX: {
        const rdb_expr_list *e = (const rdb_expr_list *)expr;
        if (!compile_list(c, block, expr, OP_MINMAX, &e->arguments, out))
            return false;
        program_step *step = block->steps[block->count - 1];
        step->detail = e->is_least;
        step->call.collation = e->input_collation;
        if (expr->type->ops == NULL || expr->type->ops->compare == NULL)
            return rdb_error_set(c->err, RDB_UNDEFINED_FUNCTION, "could not identify a comparison function for type %s", expr->type->name);
        return true;
    }
    case RDB_EXPR_NULLIF:
        return compile_pair(c, block, (const rdb_expr_pair *)expr, OP_NULLIF, out);
    case RDB_EXPR_DISTINCT:
        return compile_pair(c, block, (const rdb_expr_pair *)expr, OP_DISTINCT, out);
    case RDB_EXPR_NULL_TEST: {
        const rdb_expr_null_test *e = (const rdb_expr_null_test *)expr;
        if (e->argument_is_row && e->argument->kind == RDB_EXPR_ROW)
            return compile_row_null_test(c, block, e, out);
        return compile_simple(c, block, expr, OP_NULL_TEST, e->is_not, e->argument, out);
    }
    case RDB_EXPR_BOOL_TEST: {
        const rdb_expr_bool_test *e = (const rdb_expr_bool_test *)expr;
        return compile_simple(c, block, expr, OP_BOOL_TEST, e->test, e->argument, out);
    }
    case RDB_EXPR_RELABEL: {
        const rdb_expr_unary *e = (const rdb_expr_unary *)expr;
        if (e->argument->type->rep != expr->type->rep)
            return rdb_error_set(c->err, RDB_INTERNAL_ERROR, "types %s and %s are not held alike", e->argument->type->name, expr->type->name);
        return compile_expr(c, block, e->argument, out);
    }
    case RDB_EXPR_COERCE_IO: {
        const rdb_expr_unary *e = (const rdb_expr_unary *)expr;
        const rdb_type_ops *from = e->argument->type->ops, *to = expr->type->ops;
        if (from == NULL || from->output == NULL || to == NULL || to->input == NULL)
            return rdb_error_set(c->err, RDB_FEATURE_NOT_SUPPORTED, "conversion from type %s to %s is not supported", e->argument->type->name, expr->type->name);
        return compile_simple(c, block, expr, OP_COERCE_IO, 0, e->argument, out);
    }
    case RDB_EXPR_COERCE_DOMAIN:
        return compile_domain(c, block, (const rdb_expr_unary *)expr, out);
    case RDB_EXPR_ARRAY:
        return compile_list(c, block, expr, OP_ARRAY, &((const rdb_expr_array *)expr)->elements, out);
    case RDB_EXPR_ROW:
        return compile_list(c, block, expr, OP_ROW, &((const rdb_expr_row *)expr)->fields, out);
    case RDB_EXPR_ROW_COMPARE:
        return compile_row_compare(c, block, (const rdb_expr_row_compare *)expr, out);
    case RDB_EXPR_FIELD: {
        const rdb_expr_unary *e = (const rdb_expr_unary *)expr;
        const rdb_expr_row *row = (const rdb_expr_row *)e->argument;
        if (row->head.kind == RDB_EXPR_ROW && (uint32_t)e->field_no <= row->fields.count &&
            ((const rdb_expr *)row->fields.items[e->field_no - 1])->type->rep == expr->type->rep)
            return compile_expr(c, block, row->fields.items[e->field_no - 1], out); /* the row itself is not needed */
        return compile_simple(c, block, expr, OP_FIELD, 0, e->argument, out);
    }
    case RDB_EXPR_SUBSCRIPT:
        return compile_subscript(c, block, (const rdb_expr_subscript *)expr, out);
    case RDB_EXPR_ARRAY_COERCE:
        return compile_array_coerce(c, block, (const rdb_expr_array_coerce *)expr, out);
    case RDB_EXPR_SQL_VALUE:
        return compile_simple(c, block, expr, OP_SQL_VALUE, ((const rdb_expr_sql_value *)expr)->value, NULL, out);
    case RDB_EXPR_NEXT_VALUE:
        return compile_next_value(c, block, (const rdb_expr_next_value *)expr, out);
    case RDB_EXPR_SUBPLAN:
        return compile_subplan(c, block, (const rdb_expr_subplan *)expr, out);
    case RDB_EXPR_DEFAULT:
        return rdb_error_set(c->err, RDB_SYNTAX_ERROR, "DEFAULT is not allowed in this context");
    case RDB_EXPR_ROW_CONVERT:
        return compile_simple(c, block, expr, OP_ROW_CONVERT, 0, ((const rdb_expr_unary *)expr)->argument, out);
    case RDB_EXPR_VAR:
    case RDB_EXPR_SUBLINK:
    case RDB_EXPR_AGGREGATE:
    case RDB_EXPR_WINDOW:
    case RDB_EXPR_GROUPING:
        break;
    }
    return rdb_error_set(c->err, RDB_INTERNAL_ERROR, "expression kind %u was not planned", expr->kind);
}

static bool compile_expr(compiler *c, program_block *block, const rdb_expr *expr, uint32_t *out)
{
    if (++c->depth > RDB_TREE_DEPTH_MAX)
        return rdb_error_set(c->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    bool ok = compile_expr_inner(c, block, expr, out);
    c->depth--;
    return ok;
}

bool rdb_program_compile(rdb_program **program, rdb_arena *arena, rdb_eval *eval, rdb_expr *const *exprs, uint32_t expr_count, rdb_error *err)
{
    *program = NULL;
    rdb_program *p = RDB_NEW(arena, rdb_program);
    p->arena = arena;
    p->result_count = expr_count;
    p->results = RDB_NEW_ARRAY(arena, program_block, expr_count + 1);
    compiler c = {.program = p, .arena = arena, .eval = eval, .err = err};
    for (uint32_t i = 0; i < expr_count; i++)
        if (!compile_block(&c, &p->results[i], exprs[i]))
            return false;
    if (p->is_volatile) {
        p->apart = RDB_NEW_ARRAY(arena, rdb_vector *, expr_count + 1);
        for (uint32_t i = 0; i < expr_count; i++)
            p->apart[i] = add_owned(&c, exprs[i]->type->rep);
    }
    *program = p;
    return rdb_arena_check(arena, err);
}

rdb_vector *rdb_program_result(const rdb_program *program, uint32_t expr_no)
{
    return program->is_volatile ? program->apart[expr_no] : program->registers[program->results[expr_no].result];
}

bool rdb_program_is_volatile(const rdb_program *program)
{
    return program->is_volatile;
}
