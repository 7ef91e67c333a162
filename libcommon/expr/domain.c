/* SPDX-License-Identifier: Apache-2.0
 * Values of domains: NOT NULL and CHECKs, as a step of a program, and for single values that come in through the input
 * functions (COPY, casts from text, parameters). A rule that gives NULL is kept. */
#include "expr/program_int.h"

static rdb_expr_tree_reader tree_reader;

void rdb_expr_set_tree_reader(rdb_expr_tree_reader reader)
{
    tree_reader = reader;
}

bool program_read_tree(rdb_arena *arena, rdb_access *access, const char *text, rdb_expr **expr, rdb_error *err)
{
    if (tree_reader == NULL || access == NULL)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "nobody reads stored expressions here");
    return tree_reader(arena, access, text, expr, err);
}

static bool fail(rdb_program *program, const rdb_type *domain, const char *rule, uint32_t row)
{
    rdb_strbuf name;
    rdb_error ignored = {0};
    char schema[RDB_NAMEDATALEN] = "";
    rdb_strbuf_init(&name, program->run_arena);
    rdb_type_format_name(domain, -1, false, &name);
    if (program->eval->access != NULL && !rdb_namespace_get_name(program->eval->access, domain->namespace_oid, schema, &ignored))
        rdb_error_clear(&ignored);
    program->bad_row = row;
    if (rule == NULL)
        rdb_error_set(program->err, RDB_NOT_NULL_VIOLATION, "domain %s does not allow null values", name.data);
    else
        rdb_error_set(program->err, RDB_CHECK_VIOLATION, "value for domain %s violates check constraint \"%s\"", name.data, rule);
    rdb_error_name(program->err, RDB_ERROR_SCHEMA, schema);
    rdb_error_name(program->err, RDB_ERROR_DATATYPE, domain->name);
    return rule == NULL ? false : rdb_error_name(program->err, RDB_ERROR_CONSTRAINT, rule);
}

bool program_run_domain_check(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    const rdb_type *domain = step->expr->type;
    const rdb_vector *values = program->registers[step->arguments[0]];
    const char *const *names = step->state;
    rdb_selection good = *selection; /* rows before the first one that breaks a rule */
    bool breaks = false;
    const char *broken = NULL;
    for (uint32_t at = 0; step->detail && at < good.count; at++)
        if (rdb_vector_is_null(values, rdb_selected(&good, at))) {
            good.count = at;
            breaks = true;
        }
    for (uint32_t i = 0; i < step->block_count && good.count > 0; i++) {
        if (!program_run_block(program, &step->blocks[i], &good))
            return false;
        const rdb_vector *answers = program->registers[step->blocks[i].result];
        for (uint32_t at = 0; at < good.count; at++) {
            const uint32_t row = rdb_selected(&good, at);
            if (!rdb_vector_is_null(answers, row) && !RDB_AT(answers, uint8_t, row)) {
                good.count = at;
                breaks = true;
                broken = names[i];
            }
        }
    }
    return !breaks || fail(program, domain, broken, rdb_selected(selection, good.count));
}

/* ---- single values ---------------------------------------------------------------------------------------------------- */
typedef struct domain_checker { /* of one call site; a row type's input may meet several domains at one */
    struct domain_checker *next;
    const rdb_type *domain;
    rdb_program *program;
} domain_checker;

static bool make_checker(rdb_call *call, rdb_arena *arena, const rdb_type *domain, domain_checker **made)
{
    const rdb_type *base = domain;
    domain_checker *checker = RDB_NEW(arena, domain_checker);
    rdb_expr_slot *slot = RDB_NEW(arena, rdb_expr_slot);
    rdb_expr_unary *check = RDB_NEW(arena, rdb_expr_unary);
    while (base->kind == 'd' && base->base != NULL)
        base = base->base;
    slot->head = (rdb_expr){.kind = RDB_EXPR_SLOT, .location = -1, .type = base, .typmod = -1};
    check->head = (rdb_expr){.kind = RDB_EXPR_COERCE_DOMAIN, .location = -1, .type = domain, .typmod = -1};
    check->argument = &slot->head;
    rdb_expr *expr = &check->head;
    checker->domain = domain;
    *made = checker;
    return rdb_program_compile(&checker->program, arena, rdb_eval_of(call), &expr, 1, call->err);
}

bool program_check_domain(rdb_call *call, const rdb_type *domain, rdb_datum value, bool is_null)
{
    const bool is_kept = call->state != NULL && call->plan_arena != NULL;
    domain_checker *checker = is_kept ? *call->state : NULL;
    rdb_vector vector, *columns[] = {&vector};
    uint32_t good = 0;
    if (call->session == NULL)
        return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "values of domain \"%s\" cannot be checked here", domain->name);
    while (checker != NULL && checker->domain != domain)
        checker = checker->next;
    if (checker == NULL) {
        if (!make_checker(call, is_kept ? call->plan_arena : call->arena, domain, &checker))
            return false;
        if (is_kept) {
            checker->next = *call->state;
            *call->state = checker;
        }
    }
    if (!rdb_vector_init(&vector, call->arena, (rdb_rep)domain->rep, 1, call->err))
        return false;
    rdb_vector_put(&vector, 0, value, is_null);
    const rdb_batch batch = {.columns = columns, .column_count = 1, .row_count = 1, .selection = {NULL, 1}};
    return rdb_program_run(checker->program, rdb_eval_of(call), call->arena, &batch, &batch.selection, &good, call->err);
}
