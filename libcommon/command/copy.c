/* SPDX-License-Identifier: Apache-2.0
 * COPY: its options, and the columns it is about. */
#include "command/copy.h"
#include "type/rdb_encoding.h"

#include <strings.h>

bool command_copy(rdb_command_context *context, const rdb_ast_copy *statement, rdb_error *err)
{
    if (statement->is_program)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "COPY to or from a program is not supported") ||
               rdb_error_hint(err, "psql's \\copy runs programs on the client's side.");
    if (statement->file_name != NULL && !context->role->is_superuser) {
        rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be superuser or have privileges of the pg_%s_server_files role to COPY %s a file",
                      statement->is_from ? "read" : "write", statement->is_from ? "from" : "to");
        return rdb_error_hint(err, "Anyone can COPY to stdout or from stdin. psql's \\copy command also works for anyone.");
    }
    if (statement->file_name != NULL && statement->file_name[0] != '/')
        return rdb_error_set(err, RDB_INVALID_NAME, "relative path not allowed for COPY to or from a file");
    return statement->is_from ? copy_from(context, statement, err) : copy_to(context, statement, err);
}

const char *copy_kind_name(const rdb_relation *relation)
{
    return relation->kind == 'v' ? "view" : relation->kind == 'm' ? "materialized view" : relation->kind == 'S' ? "sequence" : "non-table relation";
}

bool copy_relation_columns(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_names *names, copy_columns *columns, rdb_error *err)
{
    uint32_t capacity = names->count > 0 ? names->count : relation->column_count;
    *columns = (copy_columns){.numbers = RDB_NEW_ARRAY(context->arena, int16_t, capacity + 1),
                              .names = RDB_NEW_ARRAY(context->arena, const char *, capacity + 1),
                              .types = RDB_NEW_ARRAY(context->arena, const rdb_type *, capacity + 1),
                              .typmods = RDB_NEW_ARRAY(context->arena, int32_t, capacity + 1)};
    for (uint32_t i = 0; i < capacity; i++) {
        int16_t number = (int16_t)(i + 1);
        if (names->count > 0 && !command_column_number(relation, names->items[i], &number, err))
            return false;
        const rdb_column *column = &relation->columns[number - 1];
        if (names->count == 0 && (column->is_dropped || column->generated))
            continue;
        if (column->generated)
            return rdb_error_set(err, RDB_INVALID_COLUMN_REFERENCE, "column \"%s\" is a generated column", column->name) ||
                   rdb_error_detail(err, "Generated columns cannot be used in COPY.");
        for (uint16_t k = 0; k < columns->count; k++)
            if (columns->numbers[k] == number)
                return rdb_error_set(err, RDB_DUPLICATE_COLUMN, "column \"%s\" specified more than once", column->name);
        columns->numbers[columns->count] = number;
        columns->names[columns->count] = column->name;
        columns->types[columns->count] = column->type;
        columns->typmods[columns->count++] = column->typmod;
    }
    return true;
}

/* What was written, each option once; what is not there is NULL. */
typedef struct written_options {
    const rdb_ast_option *format, *freeze, *delimiter, *null, *header, *quote, *escape, *force_quote, *force_not_null, *force_null, *encoding;
} written_options;

static bool collect_options(rdb_command_context *context, const rdb_ast_copy *statement, written_options *written, rdb_error *err)
{
    *written = (written_options){0};
    for (uint32_t i = 0; i < statement->options.count; i++) {
        const rdb_ast_option *option = statement->options.items[i];
        const struct { const char *name; const rdb_ast_option **place; } KNOWN[] = {
            {"format", &written->format}, {"freeze", &written->freeze}, {"delimiter", &written->delimiter}, {"null", &written->null}, {"header", &written->header},
            {"quote", &written->quote}, {"escape", &written->escape}, {"force_quote", &written->force_quote}, {"force_not_null", &written->force_not_null},
            {"force_null", &written->force_null}, {"encoding", &written->encoding}};
        const rdb_ast_option **place = NULL;
        for (size_t k = 0; k < RDB_COUNT_OF(KNOWN) && place == NULL; k++)
            place = strcmp(option->name, KNOWN[k].name) == 0 ? KNOWN[k].place : NULL;
        if (place == NULL)
            rdb_error_set(err, RDB_SYNTAX_ERROR, "option \"%s\" not recognized", option->name);
        else if (*place != NULL)
            rdb_error_set(err, RDB_SYNTAX_ERROR, "conflicting or redundant options");
        if (rdb_error_is_set(err))
            return command_at(context, option->node.location, err);
        *place = option;
        bool is_list = strncmp(option->name, "force_", 6) == 0;
        if (is_list && (option->arg == NULL || (option->arg->tag != RDB_AST_LIST && !(option->arg->tag == RDB_AST_STAR && place == &written->force_quote)))) {
            rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "argument to option \"%s\" must be a list of column names", option->name);
            return command_at(context, option->node.location, err);
        }
    }
    return true;
}

static bool read_format(rdb_command_context *context, const rdb_ast_option *option, copy_format *format, rdb_error *err)
{
    const char *name = option != NULL ? command_option_text(option) : "text";
    name = name != NULL ? name : "";
    *format = strcmp(name, "csv") == 0 ? COPY_CSV : strcmp(name, "binary") == 0 ? COPY_BINARY : COPY_TEXT;
    if (*format != COPY_TEXT || strcmp(name, "text") == 0)
        return true;
    rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "COPY format \"%s\" not recognized", name);
    return command_at(context, option->node.location, err);
}

static bool read_header(const rdb_ast_option *option, bool is_from, copy_options *options, rdb_error *err)
{
    rdb_error ignored = {0};
    bool flag = false;
    const char *text = option == NULL || option->arg == NULL ? NULL : command_option_text(option);
    if (option == NULL)
        return true;
    options->header_must_match = text != NULL && strcasecmp(text, "match") == 0;
    if (options->header_must_match && !is_from)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot use \"%s\" with HEADER in COPY TO", text);
    if (!options->header_must_match && !command_option_bool(option, &flag, &ignored)) {
        rdb_error_clear(&ignored);
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "%s requires a Boolean value or \"match\"", option->name);
    }
    options->header = options->header_must_match || flag;
    return true;
}

static bool read_encoding(rdb_command_context *context, const rdb_ast_option *option, copy_options *options, rdb_error *err)
{
    if (option == NULL)
        return true;
    const char *text = command_option_text(option);
    const int encoding = text != NULL ? rdb_encoding_find(text) : -1;
    if (encoding < 0) {
        rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "argument to option \"%s\" must be a valid encoding name", option->name);
        return command_at(context, option->node.location, err);
    }
    if (encoding != RDB_ENCODING_SQL_ASCII && !rdb_encoding_converts(encoding))
        return rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "default conversion function for encoding \"%s\" to \"UTF8\" does not exist", rdb_encoding_name(encoding));
    options->encoding = encoding == RDB_ENCODING_UTF8 ? 0 : encoding;
    return true;
}

static bool one_byte(const rdb_ast_option *option, char *target, const char *what, rdb_error *err)
{
    const char *text = option != NULL ? command_option_text(option) : NULL;
    if (option == NULL)
        return true;
    if (text == NULL || strlen(text) != 1)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "COPY %s must be a single one-byte character", what);
    *target = text[0];
    return true;
}

/* FORCE_QUOTE and kin: a list of names, or *. */
static bool read_column_list(rdb_command_context *context, const rdb_ast_option *option, const char *shown, const rdb_relation *relation, const copy_columns *columns, bool **flags, bool *all, rdb_error *err)
{
    if (option == NULL)
        return true;
    *flags = RDB_NEW_ARRAY(context->arena, bool, columns->count + 1u);
    if (option->arg->tag == RDB_AST_STAR) {
        *all = true;
        memset(*flags, 1, columns->count);
        return true;
    }
    const rdb_ast_items *list = (const rdb_ast_items *)option->arg;
    for (uint32_t i = 0; i < list->items.count; i++) {
        const char *name = ((const rdb_ast_value *)list->items.items[i])->text;
        int16_t number;
        bool known = false;
        if (relation != NULL && !command_column_number(relation, name, &number, err))
            return false;
        for (uint16_t k = 0; k < columns->count && !known; k++)
            if (strcmp(columns->names[k], name) == 0)
                known = (*flags)[k] = true;
        if (!known && relation == NULL)
            return rdb_error_set(err, RDB_UNDEFINED_COLUMN, "column \"%s\" does not exist", name);
        if (!known)
            return rdb_error_set(err, RDB_INVALID_COLUMN_REFERENCE, "%s column \"%s\" not referenced by COPY", shown, name);
    }
    return true;
}

/* FORCE_x belongs to CSV, and to one direction. */
static bool check_force(const rdb_ast_option *option, bool is_csv, bool is_right_way, const char *what, const char *way, rdb_error *err)
{
    if (option == NULL || (is_csv && is_right_way))
        return true;
    return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, is_csv ? "COPY force %s only available using COPY %s" : "COPY force %s available only in CSV mode", what, way);
}

/* In the order that PostgreSQL checks them in: which one of several errors is told depends on it. */
bool copy_read_options(rdb_command_context *context, const rdb_ast_copy *statement, const rdb_relation *relation, const copy_columns *columns, copy_options *options, rdb_error *err)
{
    written_options written;
    *options = (copy_options){.format = COPY_TEXT, .encoding = context->format->client_encoding};
    if (!collect_options(context, statement, &written, err) || !read_format(context, written.format, &options->format, err) || !read_header(written.header, statement->is_from, options, err) ||
        (written.freeze != NULL && !command_option_bool(written.freeze, &options->freezes, err)) || !read_encoding(context, written.encoding, options, err))
        return false;
    const bool is_csv = options->format == COPY_CSV, is_binary = options->format == COPY_BINARY;
    if (is_binary && (written.delimiter != NULL || written.null != NULL))
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "cannot specify %s in BINARY mode", written.delimiter != NULL ? "DELIMITER" : "NULL");
    options->delimiter = is_csv ? ',' : '\t';
    options->quote = '"';
    options->null_text = written.null != NULL ? command_option_text(written.null) : is_csv ? "" : "\\N";
    if (options->null_text == NULL)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "null requires a parameter");
    options->null_length = strlen(options->null_text);
    if (!one_byte(written.delimiter, &options->delimiter, "delimiter", err))
        return false;
    if (options->delimiter == '\n' || options->delimiter == '\r')
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "COPY delimiter cannot be newline or carriage return");
    if (strpbrk(options->null_text, "\r\n") != NULL)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "COPY null representation cannot use newline or carriage return");
    if (!is_csv && strchr("\\.abcdefghijklmnopqrstuvwxyz0123456789", options->delimiter) != NULL)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "COPY delimiter cannot be \"%c\"", options->delimiter);
    if (is_binary && options->header)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot specify HEADER in BINARY mode");
    if (!is_csv && written.quote != NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "COPY quote available only in CSV mode");
    if (!one_byte(written.quote, &options->quote, "quote", err))
        return false;
    if (is_csv && options->delimiter == options->quote)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "COPY delimiter and quote must be different");
    if (!is_csv && written.escape != NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "COPY escape available only in CSV mode");
    options->escape = options->quote;
    if (!one_byte(written.escape, &options->escape, "escape", err) || !check_force(written.force_quote, is_csv, !statement->is_from, "quote", "TO", err) ||
        !check_force(written.force_not_null, is_csv, statement->is_from, "not null", "FROM", err) || !check_force(written.force_null, is_csv, statement->is_from, "null", "FROM", err))
        return false;
    if (!is_binary && strchr(options->null_text, options->delimiter) != NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "COPY delimiter must not appear in the NULL specification");
    if (is_csv && strchr(options->null_text, options->quote) != NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "CSV quote character must not appear in the NULL specification");
    if (is_binary && options->encoding != 0)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "COPY in binary format is not supported in encoding %s", rdb_encoding_name(options->encoding));
    return read_column_list(context, written.force_quote, "FORCE_QUOTE", relation, columns, &options->force_quote, &options->force_quote_all, err) &&
           read_column_list(context, written.force_not_null, "FORCE_NOT_NULL", relation, columns, &options->force_not_null, NULL, err) &&
           read_column_list(context, written.force_null, "FORCE_NULL", relation, columns, &options->force_null, NULL, err);
}
