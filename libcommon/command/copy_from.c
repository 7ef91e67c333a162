/* SPDX-License-Identifier: Apache-2.0
 * COPY FROM: fields to values to batches; a batch goes into the table as INSERT's rows do. */
#include "catalog/rdb_acl.h"
#include "command/copy.h"
#include "task/rdb_report.h"

static const uint8_t SIGNATURE[11] = "PGCOPY\n\377\r\n";

typedef struct copy_rows { /* a batch */
    rdb_arena *arena; /* of its values */
    rdb_vector **vectors;
    uint32_t row_count;
    struct { uint64_t no; const char *text; uint32_t length; } *lines; /* of the rows, for errors: text in arena */
} copy_rows;

typedef struct copying {
    rdb_command_context *context;
    const rdb_relation *relation;
    copy_columns columns;
    copy_options options;
    copy_reader reader;
    rdb_insertion *insertion;
    copy_rows rows;  /* being read */
    copy_rows given; /* those that the feed has, or had last */
    copy_feed *feed; /* puts batches into the table while the next is read; NULL: no thread does */
    bool may_feed;
    uint32_t flush_count;
    rdb_call call;
    void **states; /* of the input functions, a column each */
    rdb_program *where;      /* over the table's columns by attribute number; NULL: all rows */
    rdb_vector **row;        /* those columns: what is copied, and the defaults of the others */
    uint32_t *kept;
} copying;

#define SHOWN_BYTES 100u /* of a line, in the context of an error */

static void keep_line(copying *work)
{
    const size_t length = RDB_MIN(work->reader.line_length, (size_t)SHOWN_BYTES + 1);
    work->rows.lines[work->rows.row_count].no = work->reader.line_no;
    work->rows.lines[work->rows.row_count].text = work->options.format == COPY_BINARY ? NULL : rdb_arena_memdup(work->rows.arena, work->reader.line, length);
    work->rows.lines[work->rows.row_count].length = (uint32_t)length;
}

/* An error about one of the batch's rows: which line it was. */
static bool fail_at_row(const copying *work, const copy_rows *rows, uint32_t row, bool shows_text, rdb_error *err)
{
    const bool is_long = rows->lines[row].length > SHOWN_BYTES;
    if (shows_text && rows->lines[row].text != NULL)
        rdb_error_add_context(err, "COPY %s, line %llu: \"%.*s%s\"", work->relation->name, (unsigned long long)rows->lines[row].no,
                              (int)RDB_MIN(rows->lines[row].length, SHOWN_BYTES), rows->lines[row].text, is_long ? "..." : "");
    else
        rdb_error_add_context(err, "COPY %s, line %llu", work->relation->name, (unsigned long long)rows->lines[row].no);
    return false;
}

static bool filter_rows(copying *work, rdb_selection *selection, rdb_error *err)
{
    const rdb_batch rows = {work->row, work->relation->column_count, work->rows.row_count, {NULL, work->rows.row_count}};
    uint32_t count = 0;
    if (rdb_program_filter(work->where, command_eval(work->context), work->rows.arena, &rows, &rows.selection, work->kept, &count, err)) {
        *selection = (rdb_selection){work->kept, count};
        return true;
    }
    for (uint32_t row = 0; row < work->rows.row_count; row++) { /* which one was it? */
        const rdb_selection one = {&row, 1};
        rdb_error again = {0};
        const bool ok = rdb_program_filter(work->where, command_eval(work->context), work->rows.arena, &rows, &one, work->kept, &count, &again);
        rdb_error_clear(&again);
        if (!ok)
            return fail_at_row(work, &work->rows, row, true, err);
    }
    return false;
}

static bool fail_put(const copying *work, const copy_rows *rows, rdb_error *err)
{
    bool was_made;
    const uint32_t row = rdb_insertion_bad_row(work->insertion, &was_made);
    return fail_at_row(work, rows, row, !was_made, err);
}

/* What was given is in the table. */
static bool collect(copying *work, rdb_error *err)
{
    return work->feed == NULL || copy_feed_wait(work->feed, err) || fail_put(work, &work->given, err);
}

static bool make_rows(copy_rows *rows, const copying *work, rdb_error *err)
{
    rdb_arena *arena = work->context->arena;
    rows->lines = rdb_arena_alloc(arena, RDB_BATCH_ROWS * sizeof *rows->lines);
    rows->vectors = RDB_NEW_ARRAY(arena, rdb_vector *, work->columns.count + 1u);
    for (uint16_t i = 0; i < work->columns.count; i++) {
        rows->vectors[i] = RDB_NEW(arena, rdb_vector);
        if (!rdb_vector_init(rows->vectors[i], arena, work->columns.types[i]->rep, RDB_BATCH_ROWS, err))
            return false;
    }
    rows->arena = rdb_arena_create("copy", NULL, NULL);
    return rows->arena != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
}

/* A load that goes on for some batches is worth a thread. */
static bool begin_feed(copying *work, rdb_error *err)
{
    enum { ALONE = 8 };
    if (!work->may_feed || work->feed != NULL || work->flush_count++ < ALONE)
        return true;
    work->may_feed = false;
    if (!make_rows(&work->given, work, err))
        return false;
    copy_feed_begin(&work->feed, work->insertion);
    return true;
}

static bool flush(copying *work, rdb_error *err)
{
    rdb_batch batch = {work->rows.vectors, work->columns.count, work->rows.row_count, {NULL, work->rows.row_count}};
    if (work->where != NULL && work->rows.row_count > 0 && !filter_rows(work, &batch.selection, err))
        return false;
    rdb_report_add(3, batch.selection.count);
    rdb_report_add(4, (int64_t)work->rows.row_count - batch.selection.count);
    if (!begin_feed(work, err))
        return false;
    if (work->feed != NULL) {
        const copy_rows read = work->rows;
        if (!collect(work, err))
            return false;
        work->rows = work->given;
        work->given = read;
        work->call.arena = work->rows.arena;
        copy_feed_give(work->feed, &batch);
    } else if (batch.selection.count > 0 && !rdb_insertion_put(work->insertion, &batch, err)) {
        return fail_put(work, &work->rows, err);
    }
    work->rows.row_count = 0;
    rdb_arena_reset(work->rows.arena);
    for (uint16_t i = 0; i < work->columns.count; i++)
        rdb_vector_clear_nulls(work->rows.vectors[i]);
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
                              work->reader.line_length > 0 ? ": \"" : "", (int)RDB_MIN(work->reader.line_length, (size_t)100), work->reader.line,
                              work->reader.line_length > 0 ? "\"" : "");
    return false;
}

/* What most integers look like, of so many digits as always fit; false: left to the type. */
static bool read_digits(const copy_field *field, size_t most, int64_t *value)
{
    const size_t sign = field->length > 0 && field->data[0] == '-', digits = field->length - sign;
    int64_t result = 0;
    if (digits - 1 >= most) /* none, or more */
        return false;
    for (size_t i = sign; i < field->length; i++) {
        const unsigned digit = (unsigned)(uint8_t)field->data[i] - '0';
        if (digit > 9)
            return false;
        result = result * 10 + digit;
    }
    *value = sign ? -result : result;
    return true;
}

static bool take_fields(copying *work, rdb_error *err)
{
    const copy_reader *reader = &work->reader;
    uint16_t count = work->columns.count;
    if (reader->field_count > count) {
        rdb_error_set(err, RDB_BAD_COPY_FILE_FORMAT, "extra data after last expected column");
        return add_context(work, NULL, NULL, err);
    }
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
        else if (work->options.force_null != NULL && work->options.force_null[i] && field.data != NULL && field.length == work->options.null_length &&
            memcmp(field.data, work->options.null_text, field.length) == 0)
            field.data = NULL;
        work->call.err = err;
        work->call.state = &work->states[i];
        if (field.data == NULL) {
            if (!rdb_domain_check(&work->call, type, value, true)) {
                rdb_error_add_context(err, "COPY %s, line %llu, column %s: null input", work->relation->name, (unsigned long long)work->reader.line_no, work->columns.names[i]);
                return false;
            }
            rdb_vector_set_null(work->rows.vectors[i], work->rows.row_count);
            continue;
        }
        if (!reader->is_ascii && !rdb_utf8_validate(field.data, field.length, &bad_offset)) {
            rdb_error_set(err, RDB_CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"UTF8\": 0x%02x", (uint8_t)field.data[bad_offset]);
            work->reader.line_length = 0; /* is not told: it is no text */
            return add_context(work, NULL, NULL, err);
        }
        int64_t number;
        if (type->oid == RDB_INT4OID && read_digits(&field, 9, &number)) {
            RDB_VALUES(work->rows.vectors[i], int32_t)[work->rows.row_count] = (int32_t)number;
            rdb_vector_set_valid(work->rows.vectors[i], work->rows.row_count);
            continue;
        }
        if (type->oid == RDB_INT8OID && read_digits(&field, 18, &number)) {
            RDB_VALUES(work->rows.vectors[i], int64_t)[work->rows.row_count] = number;
            rdb_vector_set_valid(work->rows.vectors[i], work->rows.row_count);
            continue;
        }
        if (!type->ops->input(&work->call, type, (rdb_slice){(const uint8_t *)field.data, field.length}, work->columns.typmods[i], &value))
            return add_context(work, work->columns.names[i], &field, err);
        /* The reader's text goes away with the next row; what was made of it is in the batch's arena. */
        if (type->rep == RDB_REP_BYTES && (const char *)value.bytes.data >= field.data && (const char *)value.bytes.data <= field.data + field.length &&
            !rdb_datum_copy(work->rows.arena, RDB_REP_BYTES, value, &value, err))
            return false;
        rdb_vector_put(work->rows.vectors[i], work->rows.row_count, value, false);
    }
    return true;
}

static bool check_header(copying *work, rdb_error *err)
{
    const copy_reader *reader = &work->reader;
    if (!work->options.header_must_match)
        return true;
    if (reader->field_count != work->columns.count) {
        rdb_error_set(err, RDB_BAD_COPY_FILE_FORMAT, "wrong number of fields in header line: got %u, expected %u", reader->field_count, work->columns.count);
        return add_context(work, NULL, NULL, err);
    }
    for (uint16_t i = 0; i < work->columns.count; i++) {
        const copy_field *field = &reader->fields[i];
        if (field->data != NULL && field->length == strlen(work->columns.names[i]) && memcmp(field->data, work->columns.names[i], field->length) == 0)
            continue;
        if (field->data == NULL)
            rdb_error_set(err, RDB_BAD_COPY_FILE_FORMAT, "column name mismatch in header line field %d: got null value (\"%s\"), expected \"%s\"", i + 1, work->options.null_text, work->columns.names[i]);
        else
            rdb_error_set(err, RDB_BAD_COPY_FILE_FORMAT, "column name mismatch in header line field %d: got \"%.*s\", expected \"%s\"", i + 1, (int)field->length, field->data,
                          work->columns.names[i]);
        return add_context(work, NULL, NULL, err);
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
        keep_line(work);
        if (++work->rows.row_count < RDB_BATCH_ROWS)
            continue;
        if (!rdb_cancel_check(work->context->cancel, err))
            return add_context(work, NULL, NULL, err);
        if (!flush(work, err))
            return false;
    }
    return flush(work, err);
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
        rdb_vector_set_null(work->rows.vectors[i], work->rows.row_count);
        return true;
    }
    if (length < 0)
        return bad_binary("invalid field size", err);
    uint8_t *bytes = rdb_arena_try_alloc(work->rows.arena, (size_t)length + 1, err);
    if (bytes == NULL || !copy_read_bytes(&work->reader, bytes, (size_t)length, &got, err))
        return false;
    if (!got && length > 0)
        return bad_binary("unexpected EOF in COPY data", err);
    if (type->ops->receive == NULL)
        return rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "no binary input function available for type %s", type->name);
    if (!type->ops->receive(&work->call, type, (rdb_slice){bytes, (size_t)length}, work->columns.typmods[i], &value))
        return false;
    rdb_vector_put(work->rows.vectors[i], work->rows.row_count, value, false);
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
        keep_line(work);
        if (++work->rows.row_count == RDB_BATCH_ROWS && (!rdb_cancel_check(work->context->cancel, err) || !flush(work, err)))
            return false;
    }
}

typedef struct named_columns {
    const rdb_relation *relation;
    bool *is_named;
    const char *generated; /* a generated column that is named */
} named_columns;

static bool note_column(void *context, rdb_expr *expr)
{
    named_columns *named = context;
    if (expr->kind == RDB_EXPR_VAR && ((const rdb_expr_var *)expr)->attribute_no > 0) {
        const int16_t number = ((const rdb_expr_var *)expr)->attribute_no;
        named->is_named[number - 1] = true;
        if (named->relation->columns[number - 1].generated)
            named->generated = named->relation->columns[number - 1].name;
    }
    return rdb_expr_visit_children(expr, note_column, context);
}

/* A column that the file does not have is what it will be: its default, which must not be another one for each look. */
static bool default_vector(copying *work, uint16_t at, bool is_named, const rdb_plan_context *plan, rdb_error *err)
{
    rdb_arena *arena = work->context->arena;
    const rdb_column *column = &work->relation->columns[at];
    rdb_expr *value = NULL;
    rdb_program *program = NULL;
    rdb_datum datum = {.words = {0, 0}};
    bool is_null = true;
    work->row[at] = RDB_NEW(arena, rdb_vector);
    if (!rdb_vector_init(work->row[at], arena, column->type != NULL ? column->type->rep : RDB_REP_INT32, 1, err))
        return false;
    work->row[at]->mask = 0;
    if (is_named && !column->is_dropped && !rdb_column_default(arena, work->context->access, column, &value, err))
        return false;
    if (value != NULL && rdb_expr_volatility(value) == 'v')
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "COPY FROM ... WHERE on column \"%s\" with a volatile default is not supported", column->name);
    if (value != NULL && (!rdb_plan_make_expr(plan, NULL, value, &value, err) || !rdb_program_compile(&program, arena, command_eval(work->context), &value, 1, err) ||
                          !rdb_program_value(program, command_eval(work->context), arena, 0, &datum, &is_null, err)))
        return false;
    rdb_vector_put(work->row[at], 0, datum, is_null);
    return true;
}

static bool open_where(copying *work, rdb_ast_node *raw, const rdb_plan_context *plan, rdb_error *err)
{
    rdb_command_context *context = work->context;
    const rdb_type *boolean = NULL;
    rdb_analysis analysis;
    rdb_expr *where = NULL;
    named_columns named = {.relation = work->relation, .is_named = RDB_NEW_ARRAY(context->arena, bool, work->relation->column_count + 1u)};
    command_analysis(context, &analysis);
    if (!rdb_type_get(context->access, RDB_BOOLOID, &boolean, err) || !rdb_expr_analyse(&analysis, work->relation, raw, boolean, -1, "COPY FROM WHERE conditions", &where, err))
        return false;
    (void)note_column(&named, where);
    if (named.generated != NULL) {
        rdb_error_set(err, RDB_INVALID_COLUMN_REFERENCE, "generated columns are not supported in COPY FROM WHERE conditions");
        return rdb_error_detail(err, "Column \"%s\" is a generated column.", named.generated);
    }
    work->row = RDB_NEW_ARRAY(context->arena, rdb_vector *, work->relation->column_count + 1u);
    work->kept = RDB_NEW_ARRAY(context->arena, uint32_t, RDB_BATCH_ROWS);
    for (uint16_t i = 0; i < work->columns.count; i++)
        work->row[work->columns.numbers[i] - 1] = work->rows.vectors[i];
    for (uint16_t at = 0; at < work->relation->column_count; at++)
        if (work->row[at] == NULL && !default_vector(work, at, named.is_named[at], plan, err))
            return false;
    return rdb_plan_make_expr(plan, work->relation, where, &where, err) &&
           rdb_program_compile(&work->where, context->arena, command_eval(context), &where, 1, err);
}

/* What its input function makes of a text is in the text: it asks neither the catalog nor the transaction, which the feed uses. */
static bool reads_text_alone(const rdb_type *type)
{
    static const uint32_t TYPES[] = {RDB_BOOLOID, RDB_BYTEAOID, RDB_INT8OID, RDB_INT2OID, RDB_INT4OID, RDB_TEXTOID, RDB_FLOAT4OID, RDB_FLOAT8OID, RDB_BPCHAROID,
                                     RDB_VARCHAROID, RDB_DATEOID, RDB_TIMEOID, RDB_TIMESTAMPOID, RDB_TIMESTAMPTZOID, RDB_INTERVALOID, RDB_NUMERICOID, RDB_UUIDOID,
                                     RDB_JSONOID, RDB_JSONBOID};
    for (size_t i = 0; i < RDB_COUNT_OF(TYPES); i++)
        if (type->oid == TYPES[i])
            return true;
    return false;
}

static bool open_insertion(copying *work, rdb_ast_node *where, rdb_error *err)
{
    rdb_command_context *context = work->context;
    rdb_eval *eval = command_eval(context);
    rdb_plan_context plan = {.arena = context->arena, .access = context->access, .format = context->format, .session = eval};
    rdb_plan_modify *modify = NULL;
    rdb_execution_context execution = command_execution_context(context);
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
    if (!make_rows(&work->rows, work, err))
        return false;
    work->may_feed = where == NULL && rdb_insertion_is_plain(work->insertion);
    for (uint16_t i = 0; i < work->columns.count; i++) {
        if (work->columns.types[i]->ops == NULL || work->columns.types[i]->ops->input == NULL)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "type %s is not supported yet", work->columns.types[i]->name);
        work->may_feed = work->may_feed && reads_text_alone(work->columns.types[i]);
    }
    work->call = (rdb_call){.arena = work->rows.arena, .format = context->format, .statement_us = context->statement_us,
                            .transaction_us = context->transaction_us, .session = eval, .plan_arena = context->arena};
    return where == NULL || open_where(work, where, &plan, err);
}

/* What cannot be copied to is told only when the client has begun to send, as PostgreSQL does it: the data of a script are then
 * read past, not taken for statements. */
static bool check_target(const copying *work, rdb_error *err)
{
    const rdb_relation *relation = work->relation;
    if (relation->kind == 'p' && work->options.freezes) /* rows of tables need no freezing: nothing to do */
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot perform COPY FREEZE on a partitioned table");
    if (relation->kind == 'r' || relation->kind == 'p')
        return true;
    rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot copy to %s \"%s\"", copy_kind_name(relation), relation->name);
    return relation->kind == 'v' && rdb_error_hint(err, "To enable copying to a view, provide an INSTEAD OF INSERT trigger.");
}

bool copy_from(rdb_command_context *context, const rdb_ast_copy *statement, rdb_error *err)
{
    copying work = {.context = context};
    uint64_t row_count = 0;
    bool ok = false;
    if (!command_open_table(context, statement->table, RDB_LOCK_ROW_EXCLUSIVE, false, &work.relation, err))
        return false;
    if (rdb_txn_is_read_only(context->txn))
        return rdb_error_set(err, RDB_READ_ONLY_SQL_TRANSACTION, "cannot execute COPY FROM in a read-only transaction");
    if (!copy_relation_columns(context, work.relation, &statement->columns, &work.columns, err) ||
        !copy_read_options(context, statement, work.relation, &work.columns, &work.options, err))
        return false;
    if (work.relation->kind != 'r' && (work.relation->kind != 'p' || work.options.freezes))
        return (statement->file_name != NULL || context->client->begin_copy_in(context->client->context, work.options.format == COPY_BINARY, work.columns.count, err)) &&
               check_target(&work, err);
    rdb_report_begin(RDB_REPORT_COPY, work.relation->oid);
    rdb_report_set(5, 1);
    rdb_report_set(6, statement->file_name != NULL ? 1 : 3);
    if (!open_insertion(&work, statement->where, err) || !copy_reader_open(&work.reader, context, &work.options, statement->file_name, err))
        goto out;
    if (statement->file_name == NULL &&
        !context->client->begin_copy_in(context->client->context, work.options.format == COPY_BINARY, work.columns.count, err))
        goto out;
    ok = work.options.format == COPY_BINARY ? read_binary(&work, err) : read_lines(&work, err);
    if (work.feed != NULL && !ok) { /* an error of rows that came before counts */
        rdb_error earlier;
        rdb_error_init(&earlier);
        if (!collect(&work, &earlier)) {
            rdb_error_clear(err);
            *err = earlier;
        }
    }
    ok = ok && collect(&work, err) && rdb_insertion_finish(work.insertion, &row_count, err);
    snprintf(context->tag, sizeof context->tag, "COPY %llu", (unsigned long long)row_count);
out:
    copy_feed_end(&work.feed);
    rdb_insertion_close(&work.insertion);
    copy_reader_close(&work.reader);
    rdb_arena_destroy(work.rows.arena);
    rdb_arena_destroy(work.given.arena);
    return ok;
}
