/* SPDX-License-Identifier: Apache-2.0
 * The fast path: one function called by OID with values as Bind gives them, without a statement. It runs as an expression
 * over constants, so whatever SQL can call can be called here. */
#include "session/session_int.h"

#include "session/settings.h"
#include "session/wire_int.h"

static bool find_function(rdb_access *access, uint32_t oid, const rdb_function **function, rdb_error *err)
{
    if (!rdb_function_get(access, oid, function, err))
        return false;
    if (*function == NULL)
        return rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "function with OID %u does not exist", oid);
    if ((*function)->kind != 'f' || (*function)->returns_set)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot call function \"%s\" via fastpath interface", (*function)->name);
    return true;
}

static bool read_argument(const rdb_session *session, rdb_call *call, const session_function_call *request, uint32_t i, const rdb_type *type, rdb_expr_const *argument, rdb_error *err)
{
    uint16_t format = request->format_count == 0 ? 0 : request->formats[request->format_count == 1 ? 0 : i];
    rdb_slice bytes = {request->arguments[i], request->lengths[i]};
    if (format > 1)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "unsupported format code: %d", (int16_t)format);
    argument->is_null = request->arguments[i] == NULL;
    if (argument->is_null)
        return true;
    if (format == 0 && !session_text_in(session, call->arena, &bytes, err))
        return false;
    if (type->ops == NULL || (format == 0 ? type->ops->input == NULL : type->ops->receive == NULL))
        return rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "no %sinput function available for type %s", format == 0 ? "" : "binary ", type->name);
    if (format == 0 ? type->ops->input(call, type, bytes, -1, &argument->value) : type->ops->receive(call, type, bytes, -1, &argument->value))
        return true;
    if (format == 1 && strcmp(rdb_error_message(err), "incorrect binary data format") == 0) {
        rdb_error_clear(err);
        rdb_error_set(err, RDB_INVALID_BINARY_REPRESENTATION, "incorrect binary data format in function argument %u", i + 1);
    }
    return false;
}

static bool put_response(rdb_session *session, rdb_call *call, const rdb_type *type, uint16_t format, rdb_datum value, bool is_null, rdb_error *err)
{
    rdb_strbuf text, *output = session->owner.output;
    bool (*convert)(rdb_call *, const rdb_type *, rdb_datum, rdb_strbuf *) = type->ops == NULL ? NULL : format == 0 ? type->ops->output : type->ops->send;
    if (format > 1)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "unsupported format code: %d", (int16_t)format);
    rdb_strbuf_init(&text, call->arena);
    if (!is_null && convert == NULL)
        return rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "no %soutput function available for type %s", format == 0 ? "" : "binary ", type->name);
    if (!is_null && (!convert(call, type, value, &text) || !rdb_strbuf_check(&text, err)))
        return false;
    size_t begin = wire_message_begin(output, 'V');
    wire_put_u32(output, is_null ? UINT32_MAX : (uint32_t)text.length);
    if (!is_null && text.length > 0)
        rdb_strbuf_add(output, text.data, text.length);
    wire_message_end(output, begin);
    return true;
}

static bool call_function(rdb_session *session, rdb_access *access, const session_function_call *request, const rdb_snapshot *snapshot, rdb_error *err)
{
    rdb_arena *arena = session->statement_arena;
    const rdb_function *function;
    const rdb_type *result_type;
    rdb_program *program = NULL;
    rdb_datum value;
    bool is_null = true;
    rdb_eval eval;
    session_make_eval(session, access, &eval);
    eval.snapshot = snapshot;
    rdb_call call = {.arena = arena, .err = err, .format = eval.format, .session = &eval, .statement_us = session->statement_us, .transaction_us = session->transaction_us};
    if (!find_function(access, request->function_oid, &function, err))
        return false;
    if (request->format_count > 1 && request->format_count != request->argument_count)
        return rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "function call message contains %u argument formats but %u arguments", request->format_count, request->argument_count);
    if (request->argument_count != function->argument_count)
        return rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "function call message contains %u arguments but function requires %u", request->argument_count, function->argument_count);
    rdb_expr_function *expr = RDB_NEW(arena, rdb_expr_function);
    if (!rdb_type_get(access, function->return_type, &result_type, err))
        return false;
    expr->head = (rdb_expr){.kind = RDB_EXPR_FUNCTION, .type = result_type, .typmod = -1, .location = -1};
    expr->function = function;
    for (uint32_t i = 0; i < request->argument_count; i++) {
        rdb_expr_const *argument = RDB_NEW(arena, rdb_expr_const);
        const rdb_type *type;
        if (!rdb_type_get(access, function->argument_types[i], &type, err))
            return false;
        argument->head = (rdb_expr){.kind = RDB_EXPR_CONST, .type = type, .typmod = -1, .location = -1};
        if (!read_argument(session, &call, request, i, type, argument, err))
            return false;
        rdb_list_push(arena, &expr->arguments, argument);
    }
    rdb_expr *root = &expr->head;
    rdb_plan_context context = {.arena = arena, .access = access, .format = eval.format, .session = &eval};
    return rdb_plan_make_expr(&context, NULL, root, &root, err) && rdb_program_compile(&program, arena, &eval, &root, 1, err) &&
           rdb_program_value(program, &eval, arena, 0, &value, &is_null, err) &&
           put_response(session, &call, result_type, request->result_format, value, is_null, err);
}

bool session_call_function(rdb_session *session, const session_function_call *request, rdb_error *err)
{
    rdb_access *access = NULL;
    rdb_snapshot snapshot;
    session_statement_begin(session);
    bool has_snapshot = false;
    bool ok = session_check_not_failed(session, NULL, err) && session_begin_statement(session, err) &&
              (has_snapshot = session_statement_snapshot(session, &snapshot, err)) &&
              session_access_begin(session, &access, err) && call_function(session, access, request, &snapshot, err);
    if (has_snapshot)
        session_drop_statement_snapshot(session, &snapshot);
    rdb_access_end(&access);
    if (ok && (session->block == SESSION_AUTO || session->block == SESSION_IMPLICIT))
        ok = session_commit(session, err);
    session_statement_end(session);
    return ok;
}
