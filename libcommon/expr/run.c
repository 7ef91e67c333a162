/* SPDX-License-Identifier: Apache-2.0
 * Running programs. A step that fails leaves err set and bad_row told; the program then runs again over the rows before
 * the bad one, so that what it hands out is whole in every expression (programs without volatile functions: computing a
 * row twice shows nowhere). A volatile program runs row by row, all expressions of a row before the next row. */
#include "expr/program_int.h"

/* ---- memory ---------------------------------------------------------------------------------------------------- */
bool program_grow(rdb_program *program, uint32_t rows, rdb_error *err)
{
    if (rows <= program->capacity)
        return true;
    uint32_t capacity = rows <= 1 ? 1 : rows <= 64 ? 64 : rows <= RDB_BATCH_ROWS ? RDB_BATCH_ROWS : RDB_ALIGN_UP(rows, 64u);
    for (uint32_t i = 0; i < program->owned_count; i++)
        if (!rdb_vector_init(program->owned[i], program->arena, program->owned[i]->rep, capacity, err))
            return false;
    for (uint32_t i = 0; i < program->step_count; i++) {
        program_step *step = program->steps[i];
        step->rows = rdb_arena_try_alloc(program->arena, 2 * sizeof(uint32_t) * (size_t)capacity, err);
        if (step->rows == NULL)
            return false;
        step->more_rows = step->rows + capacity;
    }
    program->capacity = capacity;
    return true;
}

static bool fail_row(rdb_program *program, uint32_t row)
{
    program->bad_row = row;
    return false;
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */
static void prepare_call(rdb_program *program, program_step *step)
{
    const rdb_eval *eval = program->eval;
    step->call.arena = program->run_arena;
    step->call.err = program->err;
    step->call.format = eval->format;
    step->call.statement_us = eval->statement_us;
    step->call.transaction_us = eval->transaction_us;
    step->call.session = program->eval;
    step->call.cancel = eval->cancel;
    step->call.bad_row = 0;
}

/* Takes the rows with a null argument out of selection into *narrow, and says whether any was. */
static bool drop_null_rows(program_step *step, const rdb_vector *const *arguments, uint32_t argument_count,
                           const rdb_selection *selection, rdb_selection *narrow)
{
    bool any = false;
    for (uint32_t i = 0; i < argument_count; i++)
        any = any || arguments[i]->nulls != NULL;
    *narrow = *selection;
    if (!any)
        return false;
    uint32_t kept = 0;
    RDB_FOR_SELECTED (selection, row) {
        bool is_null = false;
        for (uint32_t i = 0; i < argument_count && !is_null; i++)
            is_null = rdb_vector_is_null(arguments[i], row);
        step->rows[kept] = row;
        kept += !is_null;
    }
    if (kept == selection->count)
        return false;
    *narrow = (rdb_selection){step->rows, kept};
    return true;
}

/* Sets null in out for the rows of selection that narrow (a subsequence of it) lacks. */
static void null_missing_rows(rdb_vector *out, const rdb_selection *selection, const rdb_selection *narrow)
{
    uint32_t next = 0;
    RDB_FOR_SELECTED (selection, row) {
        if (next < narrow->count && rdb_selected(narrow, next) == row)
            next++;
        else
            rdb_vector_set_null(out, row);
    }
}

static bool call_kernel(rdb_program *program, program_step *step, const rdb_vector *const *arguments, uint32_t argument_count,
                        rdb_vector *out, const rdb_selection *selection)
{
    rdb_selection narrow;
    prepare_call(program, step);
    out->mask = RDB_FLAT;
    rdb_vector_clear_nulls(out);
    bool all_constant = !step->is_volatile;
    for (uint32_t i = 0; i < argument_count && all_constant; i++)
        all_constant = arguments[i]->mask == 0;
    if (all_constant) { /* one row tells for all */
        const rdb_selection one = {NULL, 1};
        if (step->is_strict && drop_null_rows(step, arguments, argument_count, &one, &narrow))
            rdb_vector_set_null(out, 0);
        else if (!step->kernel(&step->call, arguments, out, &one))
            return fail_row(program, rdb_selected(selection, 0));
        out->mask = 0;
        return true;
    }
    bool has_dropped = step->is_strict && drop_null_rows(step, arguments, argument_count, selection, &narrow);
    if (!has_dropped)
        narrow = *selection;
    if (narrow.count > 0 && !step->kernel(&step->call, arguments, out, &narrow))
        return fail_row(program, step->call.bad_row);
    if (has_dropped)
        null_missing_rows(out, selection, &narrow);
    return true;
}

static bool run_kernel(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    return call_kernel(program, step, step->vectors, step->argument_count, program->registers[step->out], selection);
}

/* AND and OR: a row whose value is the deciding one (false for AND, true for OR) is done; nulls are remembered. */
static bool run_bool(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    const uint8_t deciding = step->op == OP_OR;
    rdb_vector *out = program->registers[step->out];
    uint8_t *values = out->values;
    rdb_selection active = *selection;
    rdb_vector_clear_nulls(out);
    RDB_FOR_SELECTED (selection, row)
        values[row] = !deciding;
    for (uint32_t i = 0; i < step->block_count && active.count > 0; i++) {
        if (!program_run_block(program, &step->blocks[i], &active))
            return false;
        const rdb_vector *part = program->registers[step->blocks[i].result];
        uint32_t kept = 0;
        RDB_FOR_SELECTED (&active, row) {
            if (rdb_vector_is_null(part, row)) {
                rdb_vector_set_null(out, row);
            } else if (RDB_AT(part, uint8_t, row) == deciding) {
                values[row] = deciding;
                rdb_vector_set_valid(out, row);
                continue;
            }
            step->rows[kept++] = row;
        }
        active = (rdb_selection){step->rows, kept};
    }
    return true;
}

static void copy_rows(rdb_vector *out, const rdb_vector *source, const rdb_selection *selection)
{
    RDB_FOR_SELECTED (selection, row)
        rdb_vector_copy_row(out, row, source, row);
}

static bool run_case(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    rdb_vector *out = program->registers[step->out];
    rdb_selection rest = *selection;
    rdb_vector_clear_nulls(out);
    uint32_t block = 0;
    for (; block + 1 < step->block_count && rest.count > 0; block += 2) {
        if (!program_run_block(program, &step->blocks[block], &rest))
            return false;
        const rdb_vector *condition = program->registers[step->blocks[block].result];
        uint32_t kept = 0, chosen = 0;
        RDB_FOR_SELECTED (&rest, row) {
            if (!rdb_vector_is_null(condition, row) && RDB_AT(condition, uint8_t, row))
                step->more_rows[chosen++] = row;
            else
                step->rows[kept++] = row;
        }
        rest = (rdb_selection){step->rows, kept};
        if (chosen > 0) {
            const rdb_selection hits = {step->more_rows, chosen};
            if (!program_run_block(program, &step->blocks[block + 1], &hits))
                return false;
            copy_rows(out, program->registers[step->blocks[block + 1].result], &hits);
        }
    }
    if (rest.count == 0)
        return true;
    if (step->block_count % 2 == 1) {
        const program_block *otherwise = &step->blocks[step->block_count - 1];
        if (!program_run_block(program, otherwise, &rest))
            return false;
        copy_rows(out, program->registers[otherwise->result], &rest);
    } else {
        RDB_FOR_SELECTED (&rest, row)
            rdb_vector_set_null(out, row);
    }
    return true;
}

static bool run_coalesce(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    rdb_vector *out = program->registers[step->out];
    rdb_selection rest = *selection;
    rdb_vector_clear_nulls(out);
    for (uint32_t i = 0; i < step->block_count && rest.count > 0; i++) {
        if (!program_run_block(program, &step->blocks[i], &rest))
            return false;
        const rdb_vector *part = program->registers[step->blocks[i].result];
        uint32_t kept = 0;
        RDB_FOR_SELECTED (&rest, row) {
            if (rdb_vector_is_null(part, row))
                step->rows[kept++] = row;
            else
                rdb_vector_copy_row(out, row, part, row);
        }
        rest = (rdb_selection){step->rows, kept};
    }
    RDB_FOR_SELECTED (&rest, row)
        rdb_vector_set_null(out, row);
    return true;
}

static bool run_minmax(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    rdb_vector *out = program->registers[step->out];
    const rdb_type *type = step->expr->type;
    rdb_vector_clear_nulls(out);
    RDB_FOR_SELECTED (selection, row) {
        const rdb_vector *best = NULL;
        for (uint32_t i = 0; i < step->argument_count; i++) {
            const rdb_vector *one = step->vectors[i];
            if (rdb_vector_is_null(one, row))
                continue;
            if (best != NULL) {
                int order = type->ops->compare(type, step->call.collation, rdb_vector_get(one, row), rdb_vector_get(best, row));
                if (step->detail ? order >= 0 : order <= 0)
                    continue;
            }
            best = one;
        }
        if (best == NULL)
            rdb_vector_set_null(out, row);
        else
            rdb_vector_copy_row(out, row, best, row);
    }
    return true;
}

static bool run_nullif(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    rdb_vector *out = program->registers[step->out];
    if (!call_kernel(program, step, step->vectors, 2, step->flags, selection))
        return false;
    rdb_vector_clear_nulls(out);
    RDB_FOR_SELECTED (selection, row) {
        if (!rdb_vector_is_null(step->flags, row) && RDB_AT(step->flags, uint8_t, row))
            rdb_vector_set_null(out, row);
        else
            rdb_vector_copy_row(out, row, step->vectors[0], row);
    }
    return true;
}

static bool run_distinct(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    rdb_vector *out = program->registers[step->out];
    rdb_vector_clear_nulls(out);
    if (!call_kernel(program, step, step->vectors, 2, step->flags, selection))
        return false;
    RDB_FOR_SELECTED (selection, row) {
        bool left = rdb_vector_is_null(step->vectors[0], row), right = rdb_vector_is_null(step->vectors[1], row);
        RDB_VALUES(out, uint8_t)[row] = left || right ? left != right : !RDB_AT(step->flags, uint8_t, row);
    }
    return true;
}

static bool run_null_test(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    rdb_vector *out = program->registers[step->out];
    const rdb_expr_null_test *e = (const rdb_expr_null_test *)step->expr;
    rdb_vector_clear_nulls(out);
    RDB_FOR_SELECTED (selection, row) {
        bool is_null = rdb_vector_is_null(step->vectors[0], row), answer = is_null != e->is_not;
        if (e->argument_is_row && !is_null)
            answer = program_row_null_test(e->argument->type, rdb_vector_get(step->vectors[0], row), e->is_not);
        RDB_VALUES(out, uint8_t)[row] = answer;
    }
    return true;
}

static bool run_bool_test(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    rdb_vector *out = program->registers[step->out];
    rdb_vector_clear_nulls(out);
    RDB_FOR_SELECTED (selection, row) {
        bool is_null = rdb_vector_is_null(step->vectors[0], row), value = !is_null && RDB_AT(step->vectors[0], uint8_t, row), answer = false;
        switch ((rdb_bool_test)step->detail) {
        case RDB_IS_TRUE: answer = value; break;
        case RDB_IS_NOT_TRUE: answer = !value; break;
        case RDB_IS_FALSE: answer = !is_null && !value; break;
        case RDB_IS_NOT_FALSE: answer = is_null || value; break;
        case RDB_IS_UNKNOWN: answer = is_null; break;
        case RDB_IS_NOT_UNKNOWN: answer = !is_null; break;
        }
        RDB_VALUES(out, uint8_t)[row] = answer;
    }
    return true;
}

static bool run_not(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    rdb_vector *out = program->registers[step->out];
    rdb_vector_clear_nulls(out);
    RDB_FOR_SELECTED (selection, row) {
        if (rdb_vector_is_null(step->vectors[0], row))
            rdb_vector_set_null(out, row);
        else
            RDB_VALUES(out, uint8_t)[row] = !RDB_AT(step->vectors[0], uint8_t, row);
    }
    return true;
}

static bool run_coerce_io(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    rdb_vector *out = program->registers[step->out];
    const rdb_type *from = ((const rdb_expr_unary *)step->expr)->argument->type, *to = step->expr->type;
    prepare_call(program, step);
    rdb_vector_clear_nulls(out);
    RDB_FOR_SELECTED (selection, row) {
        if (rdb_vector_is_null(step->vectors[0], row)) {
            rdb_vector_set_null(out, row);
            continue;
        }
        rdb_strbuf text;
        rdb_datum value = {.words = {0, 0}};
        rdb_strbuf_init(&text, program->run_arena);
        step->call.result_type = to;
        if (!from->ops->output(&step->call, from, rdb_vector_get(step->vectors[0], row), &text) || !rdb_strbuf_check(&text, program->err) ||
            !to->ops->input(&step->call, to, (rdb_slice){(const uint8_t *)text.data, text.length}, step->expr->typmod, &value))
            return fail_row(program, row);
        rdb_vector_put(out, row, value, false);
    }
    return true;
}

int program_call_bool(rdb_program *program, program_step *step, const rdb_vector *left, const rdb_vector *right, uint32_t row)
{
    const rdb_vector *pair[2] = {left, right};
    const rdb_selection one = {&row, 1};
    if (!call_kernel(program, step, pair, 2, step->flags, &one)) {
        program->bad_row = row;
        return -2;
    }
    if (rdb_vector_is_null(step->flags, row))
        return -1;
    return RDB_AT(step->flags, uint8_t, row) != 0;
}

/* op ANY/ALL over written-out items: like OR/AND over the comparisons. */
static bool run_array_items(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    const uint8_t deciding = step->detail; /* ANY: true decides; ALL: false */
    rdb_vector *out = program->registers[step->out];
    rdb_selection active = *selection;
    rdb_vector_clear_nulls(out);
    RDB_FOR_SELECTED (selection, row)
        RDB_VALUES(out, uint8_t)[row] = !deciding;
    for (uint32_t i = 1; i < step->argument_count && active.count > 0; i++) {
        const rdb_vector *pair[2] = {step->vectors[0], step->vectors[i]};
        if (!call_kernel(program, step, pair, 2, step->flags, &active))
            return false;
        uint32_t kept = 0;
        RDB_FOR_SELECTED (&active, row) {
            if (rdb_vector_is_null(step->flags, row)) {
                rdb_vector_set_null(out, row);
            } else if (RDB_AT(step->flags, uint8_t, row) == deciding) {
                RDB_VALUES(out, uint8_t)[row] = deciding;
                rdb_vector_set_valid(out, row);
                continue;
            }
            step->more_rows[kept++] = row;
        }
        active = (rdb_selection){step->more_rows, kept};
    }
    return true;
}

/* (a, b) < (c, d): the first pair that differs decides; "=" and "<>" look at all pairs. */
static bool run_row_compare(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    rdb_vector *out = program->registers[step->out];
    rdb_vector_clear_nulls(out);
    const uint8_t strategy = step->detail;
    RDB_FOR_SELECTED (selection, row) {
        int answer = strategy == 3 ? 1 : strategy == 6 ? 0 : strategy == 2 || strategy == 4;
        bool is_null = false;
        for (uint32_t i = 0; i < step->item_count; i++) {
            program_step *item = step->items[i];
            const rdb_vector *left = step->vectors[2 * i], *right = step->vectors[2 * i + 1];
            item->flags = step->flags;
            if (strategy == 3 || strategy == 6) {
                int one = program_call_bool(program, item, left, right, row);
                if (one == -2)
                    return false;
                if (one == -1)
                    is_null = true;
                else if (strategy == 3 ? one == 0 : one == 1) {
                    answer = strategy != 3;
                    is_null = false;
                    break;
                }
                continue;
            }
            if (rdb_vector_is_null(left, row) || rdb_vector_is_null(right, row)) {
                is_null = true;
                break;
            }
            program_step *equality = step->items[step->item_count + i];
            equality->flags = step->flags;
            int is_equal = program_call_bool(program, equality, left, right, row);
            if (is_equal == -2)
                return false;
            if (is_equal == 1)
                continue;
            answer = is_equal == -1 ? -1 : program_call_bool(program, item, left, right, row);
            if (answer == -2)
                return false;
            is_null = answer == -1;
            break;
        }
        if (is_null)
            rdb_vector_set_null(out, row);
        else
            RDB_VALUES(out, uint8_t)[row] = (uint8_t)answer;
    }
    return true;
}

static rdb_cursor_row find_cursor_row; /* set once, at start */

void rdb_expr_set_cursor_row(rdb_cursor_row find)
{
    find_cursor_row = find;
}

static bool run_cursor_row(rdb_program *program, const program_step *step, rdb_datum *value)
{
    const rdb_expr_sql_value *e = (const rdb_expr_sql_value *)step->expr;
    rdb_datum tid = {.words = {0, 0}};
    uint32_t relation_oid = 0;
    if (find_cursor_row == NULL)
        return rdb_error_set(program->err, RDB_INVALID_CURSOR_NAME, "cursor \"%s\" does not exist", e->cursor);
    if (!find_cursor_row(program->eval, e->cursor, e->table_oid, &tid, &relation_oid, program->err))
        return false;
    if (e->value == RDB_CURSOR_ROW)
        *value = tid;
    else
        value->oid = relation_oid;
    return true;
}

/* current_date and kin go through the casts from timestamptz that SQL itself would use. */
static bool run_sql_value(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    rdb_vector *out = program->registers[step->out];
    const rdb_eval *eval = program->eval;
    uint32_t cast = 0;
    const char *text = NULL;
    rdb_datum value = {.words = {0, 0}};
    prepare_call(program, step);
    rdb_vector_clear_nulls(out);
    out->mask = RDB_FLAT;
    switch ((rdb_sql_value)step->detail) {
    case RDB_CURRENT_DATE: cast = 1178; break;
    case RDB_CURRENT_TIME: cast = 1388; break;
    case RDB_LOCALTIME: cast = 2019; break;
    case RDB_LOCALTIMESTAMP: cast = 2027; break;
    case RDB_CURRENT_TIMESTAMP: break;
    case RDB_CURRENT_ROLE:
    case RDB_CURRENT_USER:
    case RDB_USER: text = eval->current_user; break;
    case RDB_SESSION_USER: text = eval->session_user; break;
    case RDB_CURRENT_CATALOG: text = eval->database_name; break;
    case RDB_CURRENT_SCHEMA: cast = 1402; break;
    case RDB_CURSOR_ROW:
    case RDB_CURSOR_TABLE:
        if (!run_cursor_row(program, step, &value))
            return fail_row(program, rdb_selected(selection, 0));
        rdb_vector_put(out, 0, value, false);
        out->mask = 0;
        return true;
    }
    const rdb_selection one = {NULL, 1};
    int64_t now_us = eval->transaction_us;
    if (step->expr->typmod >= 0 && step->expr->typmod < 6) {
        int64_t unit = 1;
        for (int32_t i = step->expr->typmod; i < 6; i++)
            unit *= 10;
        int64_t low = now_us % unit; /* rounded, as a cast to that precision would */
        low = low < 0 ? low + unit : low;
        now_us += low * 2 >= unit ? unit - low : -low;
    }
    if (cast != 0) {
        const rdb_kernel_entry *entry = rdb_kernel_find(cast);
        rdb_vector now = {.values = &now_us, .rep = RDB_REP_INT64, .capacity = 1};
        const rdb_vector *arguments[1] = {&now};
        if (entry == NULL) {
            rdb_error_set(program->err, RDB_FEATURE_NOT_SUPPORTED, "this SQL value function is not supported");
            return fail_row(program, rdb_selected(selection, 0));
        }
        if (!entry->kernel(&step->call, arguments, out, &one))
            return fail_row(program, rdb_selected(selection, 0));
    } else if (step->detail == RDB_CURRENT_TIMESTAMP) {
        value.i64 = now_us;
        rdb_vector_put(out, 0, value, false);
    } else {
        text = text ? text : "";
        value.bytes = (rdb_bytes){.data = (const uint8_t *)text, .length = (uint32_t)strlen(text)};
        rdb_vector_put(out, 0, value, false);
    }
    out->mask = 0;
    return true;
}

static bool run_subplan(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    rdb_vector *out = program->registers[step->out];
    rdb_eval *eval = program->eval;
    const rdb_expr_subplan *e = (const rdb_expr_subplan *)step->expr;
    rdb_vector_clear_nulls(out);
    if (eval->run_subplan == NULL) {
        rdb_error_set(program->err, RDB_FEATURE_NOT_SUPPORTED, "cannot use subquery in this context");
        return fail_row(program, rdb_selected(selection, 0));
    }
    RDB_FOR_SELECTED (selection, row) {
        for (uint32_t i = 0; i < step->argument_count; i++) {
            rdb_parameter *parameter = &eval->execution_values[e->parameter_nos[i]];
            parameter->is_null = rdb_vector_is_null(step->vectors[i], row);
            parameter->value = rdb_vector_get(step->vectors[i], row);
        }
        rdb_datum value = {.words = {0, 0}};
        bool is_null = false;
        if (!eval->run_subplan(eval->subplan_owner, e, program->run_arena, &value, &is_null, program->err))
            return fail_row(program, row);
        rdb_vector_put(out, row, value, is_null);
    }
    return true;
}

static bool run_narrow_integer(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    rdb_vector *out = program->registers[step->out];
    rdb_vector_clear_nulls(out);
    RDB_FOR_SELECTED (selection, row) {
        int64_t value = RDB_AT(step->vectors[0], int64_t, row);
        bool is_short = out->rep == RDB_REP_INT16;
        if (is_short ? value != (int16_t)value : value != (int32_t)value) {
            rdb_error_set(program->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "%s out of range", is_short ? "smallint" : "integer");
            return fail_row(program, row);
        }
        if (is_short)
            RDB_VALUES(out, int16_t)[row] = (int16_t)value;
        else
            RDB_VALUES(out, int32_t)[row] = (int32_t)value;
    }
    return true;
}

static bool run_step(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    for (uint32_t i = 0; i < step->argument_count; i++)
        step->vectors[i] = step->arguments[i] == UINT32_MAX ? NULL : program->registers[step->arguments[i]];
    rdb_vector *out = program->registers[step->out];
    out->mask = RDB_FLAT;
    switch ((program_op)step->op) {
    case OP_KERNEL: return run_kernel(program, step, selection);
    case OP_AND:
    case OP_OR: return run_bool(program, step, selection);
    case OP_NOT: return run_not(program, step, selection);
    case OP_CASE: return run_case(program, step, selection);
    case OP_COALESCE: return run_coalesce(program, step, selection);
    case OP_MINMAX: return run_minmax(program, step, selection);
    case OP_NULLIF: return run_nullif(program, step, selection);
    case OP_DISTINCT: return run_distinct(program, step, selection);
    case OP_NULL_TEST: return run_null_test(program, step, selection);
    case OP_BOOL_TEST: return run_bool_test(program, step, selection);
    case OP_COERCE_IO: return run_coerce_io(program, step, selection);
    case OP_ARRAY_ITEMS: return run_array_items(program, step, selection);
    case OP_ROW_COMPARE: return run_row_compare(program, step, selection);
    case OP_SQL_VALUE: return run_sql_value(program, step, selection);
    case OP_SUBPLAN: return run_subplan(program, step, selection);
    case OP_NARROW_INTEGER: return run_narrow_integer(program, step, selection);
    case OP_ITEM_SET: return program_run_item_set(program, step, step->set, selection);
    case OP_ARRAY_OP: return program_run_array_op(program, step, selection);
    case OP_ARRAY: return program_run_array(program, step, selection);
    case OP_SUBSCRIPT: return program_run_subscript(program, step, selection);
    case OP_ARRAY_COERCE: return program_run_array_coerce(program, step, selection);
    case OP_ROW: return program_run_row(program, step, selection);
    case OP_FIELD: return program_run_field(program, step, selection);
    case OP_ROW_CONVERT: return program_run_row_convert(program, step, selection);
    case OP_DOMAIN_CHECK: return program_run_domain_check(program, step, selection);
    }
    return false;
}

bool program_run_block(rdb_program *program, const program_block *block, const rdb_selection *selection)
{
    for (uint32_t i = 0; i < block->count; i++)
        if (!run_step(program, block->steps[i], selection))
            return false;
    return true;
}

/* ---- runs -------------------------------------------------------------------------------------------------------------- */
static bool begin_run(rdb_program *program, rdb_eval *eval, rdb_arena *arena, const rdb_batch *input, const rdb_selection *selection, rdb_error *err)
{
    uint32_t rows = input != NULL ? input->row_count : 1;
    if (selection->count > 0)
        rows = RDB_MAX(rows, rdb_selected(selection, selection->count - 1) + 1);
    if (rows > program->capacity && !program_grow(program, rows, err))
        return false;
    program->eval = eval;
    program->run_arena = arena;
    program->err = err;
    for (uint32_t i = 0; i < program->slot_count; i++) {
        RDB_ASSERT(input != NULL && program->slots[i].slot_no < input->column_count);
        program->registers[program->slots[i].register_no] = input->columns[program->slots[i].slot_no];
    }
    for (uint32_t i = 0; i < program->parameter_count; i++) {
        const program_parameter *wanted = &program->parameters[i];
        const rdb_parameter *given = NULL;
        if (wanted->kind == RDB_PARAM_EXECUTION)
            given = wanted->param_no < eval->execution_count ? &eval->execution_values[wanted->param_no] : NULL;
        else
            given = wanted->param_no >= 1 && wanted->param_no <= eval->parameter_count ? &eval->parameters[wanted->param_no - 1] : NULL;
        if (given == NULL)
            return rdb_error_set(err, RDB_UNDEFINED_PARAMETER, "no value found for parameter %u", wanted->param_no);
        rdb_vector *vector = program->registers[wanted->register_no];
        vector->mask = RDB_FLAT; /* put writes element 0 as it would any other */
        rdb_vector_clear_nulls(vector);
        rdb_vector_put(vector, 0, given->value, given->is_null);
        vector->mask = 0;
    }
    return true;
}

static bool run_all(rdb_program *program, const rdb_selection *selection)
{
    for (uint32_t i = 0; i < program->result_count; i++)
        if (program->results[i].count > 0 && !program_run_block(program, &program->results[i], selection))
            return false;
    return true;
}

/* How many positions of the selection come before the row. */
static uint32_t positions_before(const rdb_selection *selection, uint32_t row)
{
    uint32_t position = 0;
    while (position < selection->count && rdb_selected(selection, position) < row)
        position++;
    return position;
}

/* Row by row, as PostgreSQL would: nothing of row k + 1 happens when row k fails. Steps clear their registers each time, so
 * each row's results are put aside. */
static bool run_rows(rdb_program *program, const rdb_selection *selection, uint32_t *good_count)
{
    for (uint32_t i = 0; i < program->result_count; i++)
        rdb_vector_clear_nulls(program->apart[i]);
    RDB_FOR_SELECTED (selection, row) {
        const rdb_selection one = {&row, 1};
        if (!run_all(program, &one))
            return false;
        for (uint32_t i = 0; i < program->result_count; i++)
            rdb_vector_copy_row(program->apart[i], row, program->registers[program->results[i].result], row);
        (*good_count)++;
    }
    return true;
}

bool rdb_program_run(rdb_program *program, rdb_eval *eval, rdb_arena *arena, const rdb_batch *input, const rdb_selection *selection, uint32_t *good_count, rdb_error *err)
{
    *good_count = 0;
    if (!begin_run(program, eval, arena, input, selection, err))
        return false;
    if (selection->count == 0)
        return true;
    if (program->is_volatile)
        return run_rows(program, selection, good_count);
    rdb_selection rest = *selection;
    if (run_all(program, &rest)) {
        *good_count = rest.count;
        return true;
    }
    for (;;) {
        rest.count = positions_before(&rest, program->bad_row);
        if (rest.count == 0)
            return false;
        rdb_error earlier = {0};
        program->err = &earlier;
        bool is_whole = run_all(program, &rest);
        program->err = err;
        if (is_whole) {
            *good_count = rest.count;
            return false;
        }
        rdb_error_clear(err); /* a row further up fails in another expression: that error comes first */
        rdb_error_move(err, &earlier);
    }
}

static uint32_t keep_true(const rdb_vector *flags, const rdb_selection *selection, uint32_t *kept)
{
    uint32_t count = 0;
    if (flags->nulls == NULL && flags->mask == RDB_FLAT) {
        const uint8_t *values = flags->values;
        RDB_FOR_SELECTED (selection, row) {
            kept[count] = row;
            count += values[row] != 0;
        }
        return count;
    }
    RDB_FOR_SELECTED (selection, row) {
        kept[count] = row;
        count += !rdb_vector_is_null(flags, row) && RDB_AT(flags, uint8_t, row) != 0;
    }
    return count;
}

static bool filter_rows(rdb_program *program, const rdb_selection *selection, uint32_t *kept, uint32_t *kept_count)
{
    RDB_FOR_SELECTED (selection, row) {
        const rdb_selection one = {&row, 1};
        uint32_t hit = 0, passed = 1;
        for (uint32_t i = 0; i < program->result_count && passed; i++) {
            if (!program_run_block(program, &program->results[i], &one))
                return false;
            passed = keep_true(program->registers[program->results[i].result], &one, &hit);
        }
        if (passed)
            kept[(*kept_count)++] = row;
    }
    return true;
}

/* After an error at a later row: the same block over the rows before it. Where one of those fails too, its error takes the
 * place of the later one, and the rows before it are tried. False: none is left. */
static bool retry_block(rdb_program *program, const program_block *block, rdb_selection *active, rdb_error *err)
{
    rdb_error earlier = {0};
    bool is_whole = false;
    program->err = &earlier;
    while (active->count > 0 && !(is_whole = program_run_block(program, block, active))) {
        rdb_error_clear(err);
        rdb_error_move(err, &earlier);
        active->count = positions_before(active, program->bad_row);
    }
    program->err = err;
    return is_whole;
}

bool rdb_program_filter(rdb_program *program, rdb_eval *eval, rdb_arena *arena, const rdb_batch *input, const rdb_selection *selection, uint32_t *kept, uint32_t *kept_count, rdb_error *err)
{
    *kept_count = 0;
    if (!begin_run(program, eval, arena, input, selection, err))
        return false;
    if (program->is_volatile)
        return filter_rows(program, selection, kept, kept_count);
    rdb_selection active = *selection;
    bool ok = true;
    for (uint32_t i = 0; i < program->result_count && active.count > 0; i++) {
        const program_block *block = &program->results[i];
        if (!ok) {
            if (!retry_block(program, block, &active, err))
                break;
        } else if (!program_run_block(program, block, &active)) {
            ok = false;
            active.count = positions_before(&active, program->bad_row);
            if (!retry_block(program, block, &active, err))
                break;
        }
        if (active.count > 0)
            active.count = keep_true(program->registers[block->result], &active, kept);
        active.rows = kept;
    }
    program->err = err;
    if (active.count > 0 && active.rows != kept)
        RDB_FOR_SELECTED (&active, row)
            kept[row_at] = row;
    *kept_count = active.count;
    return ok;
}

bool rdb_program_value(rdb_program *program, rdb_eval *eval, rdb_arena *arena, uint32_t expr_no, rdb_datum *value, bool *is_null, rdb_error *err)
{
    const rdb_selection one = {NULL, 1};
    *value = (rdb_datum){.words = {0, 0}};
    *is_null = true;
    if (!begin_run(program, eval, arena, NULL, &one, err) || !program_run_block(program, &program->results[expr_no], &one))
        return false;
    const rdb_vector *result = program->registers[program->results[expr_no].result];
    *is_null = rdb_vector_is_null(result, 0);
    if (!*is_null)
        *value = rdb_vector_get(result, 0);
    return true;
}
