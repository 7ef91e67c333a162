/* SPDX-License-Identifier: Apache-2.0
 * The layouts of results. Widths are those of characters on a terminal; control characters are shown, never sent. */
#include "print.h"

#include <stdlib.h>
#include <wchar.h>

/* ---- types by their OIDs ------------------------------------------------------------------------------------------ */
static bool is_number(uint32_t type)
{
    static const uint32_t NUMBERS[] = {20, 21, 23, 26, 28, 29, 700, 701, 790, 1700, 5069};
    for (size_t type_no = 0; type_no < RDB_COUNT_OF(NUMBERS); type_no++)
        if (NUMBERS[type_no] == type)
            return true;
    return false;
}

#define TYPE_BOOL 16u
#define TYPE_JSON 114u
#define TYPE_JSONB 3802u
#define TYPE_MONEY 790u

bool cli_format_parse(const char *name, cli_format *format)
{
    static const char *const NAMES[] = {"table", "csv", "json", "expanded", "unaligned"};
    for (size_t format_no = 0; format_no < RDB_COUNT_OF(NAMES); format_no++)
        if (strcmp(NAMES[format_no], name) == 0) {
            *format = (cli_format)format_no;
            return true;
        }
    return false;
}

/* ---- text on a terminal ------------------------------------------------------------------------------------------- */
static uint32_t decode(const char *text, size_t length, uint32_t *bytes)
{
    const uint8_t *at = (const uint8_t *)text;
    *bytes = rdb_utf8_length(at[0]);
    if (*bytes > length)
        *bytes = 1;
    uint32_t code = *bytes == 1 ? at[0] : at[0] & (0x7fu >> *bytes);
    for (uint32_t byte_no = 1; byte_no < *bytes; byte_no++)
        code = code << 6 | (at[byte_no] & 0x3fu);
    return code;
}

/* One character's width; more where it is shown as \r or \xNN. */
static uint32_t character_width(uint32_t code)
{
    if (code == '\r')
        return 2;
    if (code < 0x20 || code == 0x7f)
        return 4;
    int width = wcwidth((wchar_t)code);
    return width < 0 ? 1 : (uint32_t)width;
}

size_t cli_text_width(const char *text, size_t length)
{
    size_t width = 0;
    for (size_t at = 0; at < length;) {
        uint32_t bytes, code = decode(text + at, length - at, &bytes);
        width += code == '\t' ? 8 - width % 8 : character_width(code);
        at += bytes;
    }
    return width;
}

static void put_text(FILE *target, const char *text, size_t length)
{
    size_t width = 0;
    for (size_t at = 0; at < length;) {
        uint32_t bytes, code = decode(text + at, length - at, &bytes);
        uint32_t wide = code == '\t' ? 8 - (uint32_t)(width % 8) : character_width(code);
        if (code == '\t')
            fprintf(target, "%*s", (int)wide, "");
        else if (code == '\r')
            fputs("\\r", target);
        else if (code < 0x20 || code == 0x7f)
            fprintf(target, "\\x%02X", code);
        else
            fwrite(text + at, 1, bytes, target);
        width += wide;
        at += bytes;
    }
}

static void put_times(FILE *target, char c, size_t times)
{
    while (times-- > 0)
        putc(c, target);
}

/* The first line of what is left of a value; *rest moves past it, NULL after the last. */
static size_t first_line(const rdb_client_value *value, const char *from, const char **rest)
{
    const char *end = value->text + RDB_MAX(value->length, 0);
    const char *line_end = memchr(from, '\n', (size_t)(end - from));
    *rest = line_end != NULL ? line_end + 1 : NULL;
    return (size_t)((line_end != NULL ? line_end : end) - from);
}

static size_t value_width(const rdb_client_value *value)
{
    size_t width = 0;
    for (const char *at = value->text, *rest; at != NULL; at = rest) {
        size_t length = first_line(value, at, &rest);
        width = RDB_MAX(width, cli_text_width(at, length));
    }
    return width;
}

/* ---- table -------------------------------------------------------------------------------------------------------- */
static void print_table_row(const cli_printer *printer, const rdb_client_value *values, const size_t *widths, const char **left)
{
    FILE *target = printer->target;
    for (uint32_t column_no = 0; column_no < printer->column_count; column_no++)
        left[column_no] = values[column_no].text;
    for (bool goes_on = true; goes_on;) {
        goes_on = false;
        for (uint32_t column_no = 0; column_no < printer->column_count; column_no++) {
            const char *from = left[column_no];
            size_t length = from != NULL ? first_line(&values[column_no], from, &left[column_no]) : 0;
            size_t space = widths[column_no] - (from != NULL ? cli_text_width(from, length) : 0);
            bool is_last = column_no + 1 == printer->column_count, is_right = is_number(printer->columns[column_no].type);
            if (column_no > 0)
                putc('|', target);
            if (from != NULL || !is_last)
                putc(' ', target);
            if (is_right && (from != NULL || !is_last))
                put_times(target, ' ', space);
            if (from != NULL)
                put_text(target, from, length);
            if (!is_right && (!is_last || left[column_no] != NULL))
                put_times(target, ' ', space);
            /* A value of several lines shows where it goes on. */
            if (left[column_no] != NULL)
                putc('+', target);
            else if (!is_last)
                putc(' ', target);
            goes_on = goes_on || left[column_no] != NULL;
        }
        putc('\n', target);
    }
}

static void print_table(const cli_printer *printer)
{
    FILE *target = printer->target;
    uint32_t count = printer->column_count;
    size_t *widths = RDB_NEW_ARRAY(printer->arena, size_t, count + 1);
    const char **left = RDB_NEW_ARRAY(printer->arena, const char *, count + 1);
    size_t total = 0;
    for (uint32_t column_no = 0; column_no < count; column_no++) {
        const char *name = printer->columns[column_no].name;
        widths[column_no] = cli_text_width(name, strlen(name));
        for (uint32_t row_no = 0; row_no < printer->rows.count; row_no++)
            widths[column_no] = RDB_MAX(widths[column_no], value_width(&((const rdb_client_value *)rdb_list_get(&printer->rows, row_no))[column_no]));
        total += widths[column_no] + 3;
    }
    if (!printer->tuples_only) {
        if (printer->title != NULL) {
            size_t width = cli_text_width(printer->title, strlen(printer->title));
            put_times(target, ' ', total > width + 1 ? (total - 1 - width) / 2 : 0);
            fprintf(target, "%s\n", printer->title);
        }
        for (uint32_t column_no = 0; column_no < count; column_no++) {
            const char *name = printer->columns[column_no].name;
            size_t space = widths[column_no] - cli_text_width(name, strlen(name));
            fputs(column_no == 0 ? " " : "| ", target);
            put_times(target, ' ', space / 2);
            put_text(target, name, strlen(name));
            put_times(target, ' ', space - space / 2 + 1);
        }
        if (count > 0)
            putc('\n', target);
        else
            fputs("--", target);
        for (uint32_t column_no = 0; column_no < count; column_no++) {
            if (column_no > 0)
                putc('+', target);
            put_times(target, '-', widths[column_no] + 2);
        }
        putc('\n', target);
    }
    for (uint32_t row_no = 0; row_no < printer->rows.count && count > 0; row_no++)
        print_table_row(printer, rdb_list_get(&printer->rows, row_no), widths, left);
    if (!printer->tuples_only && !printer->no_footer)
        fprintf(target, "(%llu row%s)\n", (unsigned long long)printer->row_count, printer->row_count == 1 ? "" : "s");
    putc('\n', target);
}

/* ---- expanded ----------------------------------------------------------------------------------------------------- */
static void print_expanded(const cli_printer *printer)
{
    FILE *target = printer->target;
    size_t name_width = 0, widest = 0;
    for (uint32_t column_no = 0; column_no < printer->column_count; column_no++) {
        const char *name = printer->columns[column_no].name;
        name_width = RDB_MAX(name_width, cli_text_width(name, strlen(name)));
        for (uint32_t row_no = 0; row_no < printer->rows.count; row_no++)
            widest = RDB_MAX(widest, value_width(&((const rdb_client_value *)rdb_list_get(&printer->rows, row_no))[column_no]));
    }
    if (printer->title != NULL && !printer->tuples_only)
        fprintf(target, "%s\n", printer->title);
    if ((printer->rows.count == 0 || printer->column_count == 0) && !printer->tuples_only)
        fprintf(target, "(%llu row%s)\n", (unsigned long long)printer->row_count, printer->row_count == 1 ? "" : "s");
    for (uint32_t row_no = 0; row_no < printer->rows.count && printer->column_count > 0; row_no++) {
        const rdb_client_value *values = rdb_list_get(&printer->rows, row_no);
        if (printer->tuples_only) {
            if (row_no > 0)
                putc('\n', target);
        } else {
            int written = fprintf(target, "-[ RECORD %u ]", row_no + 1);
            for (size_t at = (size_t)RDB_MAX(written, 0); at < name_width + widest + 3; at++)
                putc(at == name_width + 1 ? '+' : '-', target);
            putc('\n', target);
        }
        for (uint32_t column_no = 0; column_no < printer->column_count; column_no++) {
            const char *name = printer->columns[column_no].name, *rest = values[column_no].text;
            for (bool is_first = true; rest != NULL; is_first = false) {
                const char *from = rest;
                size_t length = first_line(&values[column_no], from, &rest);
                if (is_first)
                    put_text(target, name, strlen(name));
                put_times(target, ' ', name_width - (is_first ? cli_text_width(name, strlen(name)) : 0));
                fputs(" | ", target);
                put_text(target, from, length);
                if (rest != NULL) { /* it goes on below */
                    put_times(target, ' ', widest - cli_text_width(from, length));
                    putc('+', target);
                }
                putc('\n', target);
            }
        }
    }
    putc('\n', target);
}

/* ---- CSV and JSON, a row at a time -------------------------------------------------------------------------------- */
static void put_csv(FILE *target, const char *text, size_t length)
{
    bool needs_quotes = length == 0;
    for (size_t at = 0; at < length && !needs_quotes; at++)
        needs_quotes = text[at] == ',' || text[at] == '"' || text[at] == '\n' || text[at] == '\r';
    if (!needs_quotes) {
        fwrite(text, 1, length, target);
        return;
    }
    putc('"', target);
    for (size_t at = 0; at < length; at++) {
        if (text[at] == '"')
            putc('"', target);
        putc(text[at], target);
    }
    putc('"', target);
}

static void print_csv_row(const cli_printer *printer, const rdb_client_value *values)
{
    for (uint32_t column_no = 0; column_no < printer->column_count; column_no++) {
        if (column_no > 0)
            putc(',', printer->target);
        if (values[column_no].length >= 0)
            put_csv(printer->target, values[column_no].text, (size_t)values[column_no].length);
    }
    putc('\n', printer->target);
}

static void put_json_value(rdb_strbuf *line, uint32_t type, const rdb_client_value *value)
{
    size_t length = (size_t)RDB_MAX(value->length, 0);
    if (value->length < 0) {
        rdb_strbuf_adds(line, "null");
    } else if (type == TYPE_BOOL) {
        rdb_strbuf_adds(line, length > 0 && value->text[0] == 't' ? "true" : "false");
    } else if (is_number(type) && type != TYPE_MONEY && length > 0 && memchr("0123456789", value->text[length - 1], 10) != NULL) {
        rdb_strbuf_add(line, value->text, length); /* NaN and Infinity end in a letter and become texts */
    } else if (type == TYPE_JSON || type == TYPE_JSONB) {
        /* In JSON a line break stands only between tokens: a blank does as well and keeps the object on its line. */
        for (size_t at = 0; at < length; at++)
            rdb_strbuf_addc(line, value->text[at] == '\n' || value->text[at] == '\r' ? ' ' : value->text[at]);
    } else {
        rdb_strbuf_add_json(line, value->text, length);
    }
}

/* psql's layout of -A: nothing is quoted. */
static void print_unaligned_row(const cli_printer *printer, const rdb_client_value *values)
{
    if (printer->column_count == 0)
        return;
    for (uint32_t column_no = 0; column_no < printer->column_count; column_no++) {
        if (column_no > 0)
            fputs(printer->separator[0] != '\0' ? printer->separator : "|", printer->target);
        if (values[column_no].length >= 0)
            fwrite(values[column_no].text, 1, (size_t)values[column_no].length, printer->target);
        else if (printer->null_text != NULL)
            fputs(printer->null_text, printer->target);
    }
    putc('\n', printer->target);
}

static bool print_json_row(const cli_printer *printer, const rdb_client_value *values, rdb_error *err)
{
    rdb_strbuf line;
    rdb_strbuf_init(&line, NULL);
    for (uint32_t column_no = 0; column_no < printer->column_count; column_no++) {
        const rdb_client_column *column = &printer->columns[column_no];
        rdb_strbuf_addc(&line, column_no == 0 ? '{' : ',');
        rdb_strbuf_add_json(&line, column->name, strlen(column->name));
        rdb_strbuf_addc(&line, ':');
        put_json_value(&line, column->type, &values[column_no]);
    }
    rdb_strbuf_adds(&line, printer->column_count == 0 ? "{}\n" : "}\n");
    bool ok = rdb_strbuf_check(&line, err);
    if (ok)
        fwrite(line.data, 1, line.length, printer->target);
    rdb_strbuf_free(&line);
    return ok;
}

/* ---- a result ----------------------------------------------------------------------------------------------------- */
bool cli_printer_begin(cli_printer *printer, const rdb_client_column *columns, uint32_t column_count, rdb_error *err)
{
    rdb_arena_reset(printer->arena);
    printer->rows = (rdb_list){0};
    printer->row_count = 0;
    printer->has_rows = true;
    printer->column_count = column_count;
    printer->columns = rdb_arena_try_alloc(printer->arena, (column_count + 1) * sizeof *columns, err);
    if (printer->columns == NULL)
        return false;
    for (uint32_t column_no = 0; column_no < column_count; column_no++)
        printer->columns[column_no] = (rdb_client_column){rdb_arena_strdup(printer->arena, columns[column_no].name), columns[column_no].type};
    if (printer->format == CLI_FORMAT_UNALIGNED && !printer->tuples_only) {
        if (printer->title != NULL)
            fprintf(printer->target, "%s\n", printer->title);
        for (uint32_t column_no = 0; column_no < column_count; column_no++)
            fprintf(printer->target, "%s%s", column_no == 0 ? "" : printer->separator[0] != '\0' ? printer->separator : "|", columns[column_no].name);
        putc('\n', printer->target);
    }
    if (printer->format == CLI_FORMAT_CSV && !printer->tuples_only) {
        for (uint32_t column_no = 0; column_no < column_count; column_no++) {
            if (column_no > 0)
                putc(',', printer->target);
            put_csv(printer->target, columns[column_no].name, strlen(columns[column_no].name));
        }
        putc('\n', printer->target);
    }
    return true;
}

bool cli_printer_row(cli_printer *printer, const rdb_client_value *values, rdb_error *err)
{
    printer->row_count++;
    if (printer->format == CLI_FORMAT_CSV) {
        print_csv_row(printer, values);
        return true;
    }
    if (printer->format == CLI_FORMAT_UNALIGNED) {
        print_unaligned_row(printer, values);
        return true;
    }
    if (printer->format == CLI_FORMAT_JSON)
        return print_json_row(printer, values, err);
    rdb_client_value *kept = rdb_arena_try_alloc(printer->arena, (printer->column_count + 1) * sizeof *kept, err);
    if (kept == NULL)
        return false;
    for (uint32_t column_no = 0; column_no < printer->column_count; column_no++) {
        bool is_null = values[column_no].length < 0;
        const char *from = !is_null ? values[column_no].text : printer->null_text != NULL ? printer->null_text : "";
        size_t length = !is_null ? (size_t)values[column_no].length : strlen(from);
        char *text = rdb_arena_try_alloc(printer->arena, length + 1, err);
        if (text == NULL)
            return false;
        memcpy(text, from, length);
        kept[column_no] = (rdb_client_value){text, (int32_t)length};
    }
    rdb_list_push(printer->arena, &printer->rows, kept);
    return rdb_arena_check(printer->arena, err);
}

void cli_printer_end(cli_printer *printer)
{
    if (printer->has_rows && printer->format == CLI_FORMAT_TABLE)
        print_table(printer);
    else if (printer->has_rows && printer->format == CLI_FORMAT_EXPANDED)
        print_expanded(printer);
    else if (printer->has_rows && printer->format == CLI_FORMAT_UNALIGNED && !printer->tuples_only && !printer->no_footer)
        fprintf(printer->target, "(%llu row%s)\n", (unsigned long long)printer->row_count, printer->row_count == 1 ? "" : "s");
    printer->has_rows = false;
    printer->title = NULL;
    fflush(printer->target);
}
