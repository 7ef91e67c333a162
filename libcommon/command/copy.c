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

/* FORCE_QUOTE and kin: a list of names, or * . */
static bool read_column_list(rdb_command_context *context, const rdb_ast_option *option, const copy_columns *columns, bool **flags, bool *all, rdb_error *err)
{
    const rdb_ast_items *list = (const rdb_ast_items *)option->arg;
    *flags = RDB_NEW_ARRAY(context->arena, bool, columns->count + 1u);
    if (option->arg != NULL && option->arg->tag == RDB_AST_STAR) {
        if (all != NULL)
            *all = true;
        memset(*flags, 1, columns->count);
        return true;
    }
    if (list == NULL || list->node.tag != RDB_AST_LIST)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "argument to option \"%s\" must be a list of column names", option->name);
    for (uint32_t i = 0; i < list->items.count; i++) {
        const char *name = ((const rdb_ast_value *)list->items.items[i])->text;
        bool known = false;
        for (uint16_t k = 0; k < columns->count && !known; k++)
            if (strcmp(columns->names[k], name) == 0)
                known = (*flags)[k] = true;
        if (!known)
            return rdb_error_set(err, RDB_INVALID_COLUMN_REFERENCE, "%s column \"%s\" not referenced by COPY", option->name, name);
    }
    return true;
}

static bool one_byte(const rdb_ast_option *option, char *target, const char *what, rdb_error *err)
{
    const char *text = command_option_text(option);
    if (text == NULL || strlen(text) != 1)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "COPY %s must be a single one-byte character", what);
    *target = text[0];
    return true;
}

bool copy_read_options(rdb_command_context *context, const rdb_ast_copy *statement, const copy_columns *columns, copy_options *options, rdb_error *err)
{
    const rdb_ast_option *format = command_option(&statement->options, "format");
    const char *name = format != NULL ? command_option_text(format) : "text";
    *options = (copy_options){.format = COPY_TEXT, .encoding = context->format->client_encoding};
    if (name != NULL && strcmp(name, "csv") == 0)
        options->format = COPY_CSV;
    else if (name != NULL && strcmp(name, "binary") == 0)
        options->format = COPY_BINARY;
    else if (name == NULL || strcmp(name, "text") != 0) {
        rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "COPY format \"%s\" not recognized", name != NULL ? name : "");
        return command_at(context, format->node.location, err);
    }
    bool is_csv = options->format == COPY_CSV;
    options->delimiter = is_csv ? ',' : '\t';
    options->quote = '"';
    options->null_text = is_csv ? "" : "\\N";
    bool has_escape = false;
    for (uint32_t i = 0; i < statement->options.count; i++) {
        const rdb_ast_option *option = statement->options.items[i];
        bool flag = false, ok = true;
        if (options->format == COPY_BINARY && (strcmp(option->name, "delimiter") == 0 || strcmp(option->name, "null") == 0 || strcmp(option->name, "header") == 0))
            return rdb_error_set(err, strcmp(option->name, "header") == 0 ? RDB_FEATURE_NOT_SUPPORTED : RDB_SYNTAX_ERROR,
                                 "cannot specify %s in BINARY mode", option->name[0] == 'd' ? "DELIMITER" : option->name[0] == 'n' ? "NULL" : "HEADER");
        bool is_csv_only = strcmp(option->name, "quote") == 0 || strcmp(option->name, "escape") == 0 || strncmp(option->name, "force_", 6) == 0;
        if (is_csv_only && !is_csv)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "COPY %s available only in CSV mode",
                                 strcmp(option->name, "quote") == 0    ? "quote"
                                 : strcmp(option->name, "escape") == 0 ? "escape"
                                                                       : option->name);
        if (strcmp(option->name, "format") == 0) {
            continue;
        } else if (strcmp(option->name, "delimiter") == 0) {
            ok = one_byte(option, &options->delimiter, "delimiter", err);
        } else if (strcmp(option->name, "null") == 0) {
            options->null_text = command_option_text(option);
            ok = options->null_text != NULL || rdb_error_set(err, RDB_SYNTAX_ERROR, "null requires a parameter");
        } else if (strcmp(option->name, "header") == 0) {
            const char *text = option->arg != NULL ? command_option_text(option) : NULL;
            options->header_must_match = text != NULL && strcasecmp(text, "match") == 0;
            ok = options->header_must_match || command_option_bool(option, &flag, err);
            options->header = options->header_must_match || flag;
        } else if (strcmp(option->name, "quote") == 0) {
            ok = one_byte(option, &options->quote, "quote", err);
        } else if (strcmp(option->name, "escape") == 0) {
            has_escape = true;
            ok = one_byte(option, &options->escape, "escape", err);
        } else if (strcmp(option->name, "force_quote") == 0) {
            ok = read_column_list(context, option, columns, &options->force_quote, &options->force_quote_all, err);
        } else if (strcmp(option->name, "force_not_null") == 0) {
            ok = read_column_list(context, option, columns, &options->force_not_null, NULL, err);
        } else if (strcmp(option->name, "force_null") == 0) {
            ok = read_column_list(context, option, columns, &options->force_null, NULL, err);
        } else if (strcmp(option->name, "encoding") == 0) {
            const char *text = command_option_text(option);
            const int encoding = text != NULL ? rdb_encoding_find(text) : -1;
            if (encoding < 0) {
                rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "argument to option \"encoding\" must be a valid encoding name");
                return command_at(context, option->node.location, err);
            }
            if (encoding != RDB_ENCODING_SQL_ASCII && !rdb_encoding_converts(encoding))
                return rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "default conversion function for encoding \"%s\" to \"UTF8\" does not exist", rdb_encoding_name(encoding));
            options->encoding = encoding == RDB_ENCODING_UTF8 ? 0 : encoding;
        } else if (strcmp(option->name, "freeze") == 0) {
            ok = command_option_bool(option, &flag, err); /* rows need no freezing here: nothing to do */
        } else {
            rdb_error_set(err, RDB_SYNTAX_ERROR, "option \"%s\" not recognized", option->name);
            return command_at(context, option->node.location, err);
        }
        if (!ok)
            return command_at(context, option->node.location, err);
    }
    if (!has_escape)
        options->escape = options->quote;
    options->null_length = strlen(options->null_text);
    if (options->format != COPY_BINARY && (options->delimiter == '\n' || options->delimiter == '\r'))
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "COPY delimiter cannot be newline or carriage return");
    if (strpbrk(options->null_text, "\r\n") != NULL)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "COPY null representation cannot use newline or carriage return");
    if (options->format == COPY_TEXT && strchr("\\.abcdefghijklmnopqrstuvwxyz0123456789", options->delimiter) != NULL)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "COPY delimiter cannot be \"%c\"", options->delimiter);
    if (is_csv && options->delimiter == options->quote)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "COPY delimiter and quote must be different");
    if (options->format != COPY_BINARY && strchr(options->null_text, options->delimiter) != NULL)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "COPY delimiter character must not appear in the NULL specification");
    if (options->format == COPY_BINARY && options->encoding != 0)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "COPY in binary format is not supported in encoding %s", rdb_encoding_name(options->encoding));
    return true;
}
