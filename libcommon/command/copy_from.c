/* SPDX-License-Identifier: Apache-2.0
 * COPY FROM: fields to values to batches; a batch goes into the table as INSERT's rows do. */
#include "catalog/rdb_acl.h"
#include "command/copy.h"

static const uint8_t SIGNATURE[11] = "PGCOPY\n\377\r\n";

typedef struct copying {
    rdb_command_context *context;
    const rdb_relation *relation;
    copy_columns columns;
    copy_options options;
    copy_reader reader;
    rdb_insertion *insertion;
    rdb_arena *arena; /* values of the batch */
    rdb_vector **vectors;
    uint32_t row_count;
    rdb_call call;
    void **states; /* of the input functions, a column each */
} copying;

static bool flush(copying *work, rdb_error *err)
{
    rdb_batch batch = {work->vectors, work->columns.count, work->row_count, {NULL, work->row_count}};
    if (work->row_count > 0 && !rdb_insertion_put(work->insertion, &batch, err))
        return false;
    work->row_count = 0;
    rdb_arena_reset(work->arena);
    for (uint16_t i = 0; i < work->columns.count; i++)
        rdb_vector_clear_nulls(work->vectors[i]);
    return true;
}

/* "COPY t, line 2, column a: "x"", as PostgreSQL puts it. */
static bool add_context(copying *work, const char *column, const copy_field *field, rdb_error *err)
{
    if (column != NULL && field != NULL && field->data != NULL)
        rdb_error_add_context(err, "COPY %s, line %llu, column %s: \"%.*s%s\"", work->relation->name, (unsigned long long)work->reader.line_no, column,
                              (int)RDB_MIN(field->length, (size_t)100), field->data, field->length > 100 ? "..." : "");
    else
        rdb_error_add_context(err, "COPY %s, line %llu%s%.*s%s", work->relation->name, (unsigned long long)work->reader.line_no,
                              work->reader.line.length > 0 ? ": \"" : "", (int)RDB_MIN(work->reader.line.length, (size_t)100),
                              work->reader.line.length > 0 ? work->reader.line.data : "", work->reader.line.length > 0 ? "\"" : "");
    return false;
}

static bool take_fields(copying *work, rdb_error *err)
{
    const copy_reader *reader = &work->reader;
    uint16_t count = work->columns.count;
    for (uint16_t i = 0; i < count; i++) {
        if (i >= reader->field_count) {
            rdb_error_set(err, RDB_BAD_COPY_FILE_FORMAT, "missing data for column \"%s\"", work->columns.names[i]);
            return add_context(work, NULL, NULL, err);
        }
        copy_field field = reader->fields[i];
        const rdb_type *type = work->columns.types[i];
        size_t bad_offset;
        rdb_datum value = {0};
        if (work->options.force_not_null != NULL && work->options.force_not_null[i] && field.data == NULL)
            field = (copy_field){work->options.null_text, work->options.null_length};
        if (work->options.force_null != NULL && work->options.force_null[i] && field.data != NULL && field.length == work->options.null_length &&
            memcmp(field.data, work->options.null_text, field.length) == 0)
            field.data = NULL;
        work->call.err = err;
        work->call.state = &work->states[i];
        if (field.data == NULL) {
            if (!rdb_domain_check(&work->call, type, value, true)) {
                rdb_error_add_context(err, "COPY %s, line %llu, column %s: null input", work->relation->name, (unsigned long long)work->reader.line_no, work->columns.names[i]);
                return false;
            }
            rdb_vector_set_null(work->vectors[i], work->row_count);
            continue;
        }
        if (!rdb_utf8_validate(field.data, field.length, &bad_offset)) {
            rdb_error_set(err, RDB_CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"UTF8\": 0x%02x", (uint8_t)field.data[bad_offset]);
            rdb_strbuf_clear(&work->reader.line); /* is not told: it is no text */
            return add_context(work, NULL, NULL, err);
        }
        if (!type->ops->input(&work->call, type, (rdb_slice){(const uint8_t *)field.data, field.length}, work->columns.typmods[i], &value))
            return add_context(work, work->columns.names[i], &field, err);
        /* The reader's text goes away with the next row. */
        if (type->rep == RDB_REP_BYTES && !rdb_datum_copy(work->arena, RDB_REP_BYTES, value, &value, err))
            return false;
        rdb_vector_put(work->vectors[i], work->row_count, value, false);
    }
    if (reader->field_count > count) {
        rdb_error_set(err, RDB_BAD_COPY_FILE_FORMAT, "extra data after last expected column");
        return add_context(work, NULL, NULL, err);
    }
    return true;
}

static bool check_header(copying *work, rdb_error *err)
{
    const copy_reader *reader = &work->reader;
    if (!work->options.header_must_match)
        return true;
    if (reader->field_count != work->columns.count)
        return rdb_error_set(err, RDB_BAD_COPY_FILE_FORMAT, "wrong number of fields in header line: got %u, expected %u", reader->field_count, work->columns.count);
    for (uint16_t i = 0; i < work->columns.count; i++) {
        const copy_field *field = &reader->fields[i];
        if (field->data == NULL || field->length != strlen(work->columns.names[i]) || memcmp(field->data, work->columns.names[i], field->length) != 0)
            return rdb_error_set(err, RDB_BAD_COPY_FILE_FORMAT, "column name mismatch in header line field %d: got \"%.*s\", expected \"%s\"", i + 1,
                                 (int)(field->data != NULL ? field->length : 0), field->data != NULL ? field->data : "", work->columns.names[i]);
    }
    return true;
}

static bool read_lines(copying *work, rdb_error *err)
{
    bool found = true;
    if (work->options.header && (!copy_read_row(&work->reader, &found, err) || (found && !check_header(work, err))))
        return false;
    while (found) {
        if (!copy_read_row(&work->reader, &found, err))
            return add_context(work, NULL, NULL, err);
        if (!found)
            break;
        if (!take_fields(work, err))
            return false;
        if (++work->row_count == RDB_BATCH_ROWS && (!rdb_cancel_check(work->context->cancel, err) || !flush(work, err)))
            return rdb_error_is_set(err) ? add_context(work, NULL, NULL, err) : false;
    }
    return flush(work, err) || add_context(work, NULL, NULL, err);
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool bad_binary(const char *what, rdb_error *err)
{
    return rdb_error_set(err, RDB_BAD_COPY_FILE_FORMAT, "%s", what);
}

static bool read_binary_field(copying *work, uint16_t i, rdb_error *err)
{
    uint8_t head[4];
    bool got;
    const rdb_type *type = work->columns.types[i];
    rdb_datum value = {0};
    if (!copy_read_bytes(&work->reader, head, 4, &got, err) || !got)
        return rdb_error_is_set(err) ? false : bad_binary("unexpected EOF in COPY data", err);
    int32_t length = (int32_t)get_u32(head);
    work->call.err = err;
    work->call.state = &work->states[i];
    if (length == -1) {
        if (!rdb_domain_check(&work->call, type, value, true))
            return false;
        rdb_vector_set_null(work->vectors[i], work->row_count);
        return true;
    }
    if (length < 0)
        return bad_binary("invalid field size", err);
    uint8_t *bytes = rdb_arena_try_alloc(work->arena, (size_t)length + 1, err);
    if (bytes == NULL || !copy_read_bytes(&work->reader, bytes, (size_t)length, &got, err))
        return false;
    if (!got && length > 0)
        return bad_binary("unexpected EOF in COPY data", err);
    if (type->ops->receive == NULL)
        return rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "no binary input function available for type %s", type->name);
    if (!type->ops->receive(&work->call, type, (rdb_slice){bytes, (size_t)length}, work->columns.typmods[i], &value))
        return false;
    rdb_vector_put(work->vectors[i], work->row_count, value, false);
    return true;
}

static bool read_header_part(copying *work, uint8_t *target, size_t length, const char *what, rdb_error *err)
{
    bool got = false;
    if (copy_read_bytes(&work->reader, target, length, &got, err) && got)
        return true;
    if (strcmp(err->sqlstate, RDB_BAD_COPY_FILE_FORMAT) == 0)
        rdb_error_clear(err);
    return rdb_error_is_set(err) ? false : bad_binary(what, err);
}

static bool read_binary(copying *work, rdb_error *err)
{
    uint8_t head[19], word[4];
    bool got;
    if (!read_header_part(work, head, sizeof SIGNATURE, "COPY file signature not recognized", err))
        return false;
    if (memcmp(head, SIGNATURE, sizeof SIGNATURE) != 0)
        return bad_binary("COPY file signature not recognized", err);
    if (!read_header_part(work, head + 11, 4, "invalid COPY file header (missing flags)", err) ||
        !read_header_part(work, head + 15, 4, "invalid COPY file header (missing length)", err))
        return false;
    if (get_u32(head + 11) & 0xFFFF0000u)
        return bad_binary("unrecognized critical flags in COPY file header", err);
    for (uint32_t extension = get_u32(head + 15); extension > 0; extension--)
        if (!copy_read_bytes(&work->reader, word, 1, &got, err) || !got)
            return rdb_error_is_set(err) ? false : bad_binary("invalid COPY file header (wrong length)", err);
    for (;;) {
        if (!copy_read_bytes(&work->reader, word, 2, &got, err))
            return false;
        int16_t count = (int16_t)(word[0] << 8 | word[1]);
        if (!got || count == -1)
            return flush(work, err);
        work->reader.line_no++;
        if (count != work->columns.count)
            return rdb_error_set(err, RDB_BAD_COPY_FILE_FORMAT, "row field count is %d, expected %d", count, work->columns.count);
        for (uint16_t i = 0; i < work->columns.count; i++)
            if (!read_binary_field(work, i, err)) {
                rdb_error_add_context(err, "COPY %s, line %llu, column %s", work->relation->name, (unsigned long long)work->reader.line_no, work->columns.names[i]);
                return false;
            }
        if (++work->row_count == RDB_BATCH_ROWS && (!rdb_cancel_check(work->context->cancel, err) || !flush(work, err)))
            return false;
    }
}

static bool open_insertion(copying *work, rdb_error *err)
{
    rdb_command_context *context = work->context;
    rdb_eval *eval = command_eval(context);
    rdb_plan_context plan = {.arena = context->arena, .access = context->access, .format = context->format, .session = eval};
    rdb_plan_modify *modify = NULL;
    rdb_execution_context execution = {.txn = context->txn,
                                       .snapshot = context->snapshot,
                                       .access = context->access,
                                       .format = context->format,
                                       .cancel = context->cancel,
                                       .session = context->session,
                                       .session_user = context->role->name,
                                       .current_user = context->role->name,
                                       .statement_us = context->statement_us,
                                       .transaction_us = context->transaction_us,
                                       .lock_timeout_us = context->lock_timeout_us,
                                       .work_mem_bytes = context->work_mem_bytes,
                                       .work = context->work};
    uint64_t *written = RDB_NEW_ARRAY(context->arena, uint64_t, (work->relation->column_count + 7u) / 64 + 1);
    for (uint16_t i = 0; i < work->columns.count; i++)
        written[(work->columns.numbers[i] + 7) / 64] |= UINT64_C(1) << ((work->columns.numbers[i] + 7) % 64);
    if (!rdb_acl_check_relation(context->access, work->relation, context->role->oid, RDB_ACL_INSERT, NULL, written, NULL, err))
        return false;
    bool has_policies, is_owner;
    if (!rdb_row_security_applies(context->access, work->relation, context->role->oid, &has_policies, &is_owner, err))
        return false;
    if (has_policies) {
        rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "COPY FROM not supported with row-level security");
        return rdb_error_hint(err, "Use INSERT statements instead.");
    }
    if (!rdb_plan_make_insert(&plan, work->relation, work->columns.numbers, work->columns.count, &modify, err) ||
        !rdb_insertion_open(&work->insertion, modify, &execution, err))
        return false;
    work->states = RDB_NEW_ARRAY(context->arena, void *, work->columns.count + 1u);
    work->vectors = RDB_NEW_ARRAY(context->arena, rdb_vector *, work->columns.count + 1u);
    for (uint16_t i = 0; i < work->columns.count; i++) {
        work->vectors[i] = RDB_NEW(context->arena, rdb_vector);
        if (!rdb_vector_init(work->vectors[i], context->arena, work->columns.types[i]->rep, RDB_BATCH_ROWS, err))
            return false;
        if (work->columns.types[i]->ops == NULL || work->columns.types[i]->ops->input == NULL)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "type %s is not supported yet", work->columns.types[i]->name);
    }
    work->call = (rdb_call){.arena = work->arena, .format = context->format, .statement_us = context->statement_us,
                            .transaction_us = context->transaction_us, .session = eval, .plan_arena = context->arena};
    return true;
}

bool copy_from(rdb_command_context *context, const rdb_ast_copy *statement, rdb_error *err)
{
    copying work = {.context = context};
    uint64_t row_count = 0;
    bool ok = false;
    if (statement->where != NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "COPY FROM ... WHERE is not supported yet");
    if (!command_open_table(context, statement->table, RDB_LOCK_ROW_EXCLUSIVE, false, &work.relation, err))
        return false;
    if (work.relation->kind != 'r' && work.relation->kind != 'p')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot copy to %s \"%s\"", work.relation->kind == 'v' ? "view" : "non-table relation", work.relation->name);
    if (rdb_txn_is_read_only(context->txn))
        return rdb_error_set(err, RDB_READ_ONLY_SQL_TRANSACTION, "cannot execute COPY FROM in a read-only transaction");
    if (!copy_relation_columns(context, work.relation, &statement->columns, &work.columns, err) ||
        !copy_read_options(context, statement, &work.columns, &work.options, err))
        return false;
    work.arena = rdb_arena_create("copy", NULL, NULL);
    if (work.arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (!open_insertion(&work, err) || !copy_reader_open(&work.reader, context, &work.options, statement->file_name, err))
        goto out;
    if (statement->file_name == NULL &&
        !context->client->begin_copy_in(context->client->context, work.options.format == COPY_BINARY, work.columns.count, err))
        goto out;
    ok = (work.options.format == COPY_BINARY ? read_binary(&work, err) : read_lines(&work, err)) &&
         rdb_insertion_finish(work.insertion, &row_count, err);
    snprintf(context->tag, sizeof context->tag, "COPY %llu", (unsigned long long)row_count);
out:
    rdb_insertion_close(&work.insertion);
    copy_reader_close(&work.reader);
    rdb_arena_destroy(work.arena);
    return ok;
}
