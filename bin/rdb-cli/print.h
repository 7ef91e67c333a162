/* SPDX-License-Identifier: Apache-2.0
 * Results as people and programs read them: an aligned table, expanded records, CSV, and JSON of one object a line.
 * CSV and JSON go out row by row; the other two keep the result until its widths are known. */
#ifndef RDB_CLI_PRINT_H
#define RDB_CLI_PRINT_H

#include "client/rdb_client.h"

#include <stdio.h>

typedef enum cli_format {
    CLI_FORMAT_TABLE,
    CLI_FORMAT_CSV,
    CLI_FORMAT_JSON,
    CLI_FORMAT_EXPANDED,
    CLI_FORMAT_UNALIGNED
} cli_format;

typedef struct cli_printer {
    FILE *target;
    cli_format format;
    bool tuples_only, no_footer;
    const char *null_text; /* shown for NULL in tables and records; NULL: nothing */
    char separator[16];    /* of unaligned columns; "": | */
    /* of the result that is being taken */
    const char *title; /* above a table; NULL: none */
    rdb_arena *arena;  /* reset with each result */
    rdb_client_column *columns;
    uint32_t column_count;
    rdb_list rows; /* rdb_client_value arrays */
    uint64_t row_count;
    bool has_rows; /* begin was called and end was not */
} cli_printer;

RDB_CHECKED bool cli_format_parse(const char *name, cli_format *format);
RDB_CHECKED bool cli_printer_begin(cli_printer *printer, const rdb_client_column *columns, uint32_t column_count, rdb_error *err);
RDB_CHECKED bool cli_printer_row(cli_printer *printer, const rdb_client_value *values, rdb_error *err);
void cli_printer_end(cli_printer *printer);
/* Columns that a text takes on a terminal. */
size_t cli_text_width(const char *text, size_t length);

#endif
