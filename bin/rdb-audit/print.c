/* SPDX-License-Identifier: Apache-2.0
 * Records as a table, as lines, as CSV (RFC 4180) or as they stand in the log. A table measures its first thousand records. */
#include "audit.h"

#include <stdio.h>
#include <stdlib.h>

enum { COLUMNS = 9, HELD_MAX = 1000, WIDTH_MAX = 60 };
static const char *const TITLES[COLUMNS] = {"seq", "time", "role", "client", "class", "action", "outcome", "objects", "statement"};

struct audit_printer {
    char format; /* t, l, c, j */
    bool is_begun;
    char **held; /* COLUMNS texts a row */
    size_t held_count;
    unsigned widths[COLUMNS];
};

audit_printer *audit_printer_open(const char *format)
{
    audit_printer *printer = calloc(1, sizeof *printer);
    if (printer == NULL)
        return NULL;
    printer->format = format[0];
    printer->held = printer->format == 't' ? calloc(HELD_MAX * COLUMNS, sizeof *printer->held) : NULL;
    return printer;
}

static void texts_of(const json_t *record, rdb_strbuf texts[COLUMNS])
{
    const char *role = rdb_audit_field(record, "role"), *error = rdb_audit_field(record, "error");
    for (int i = 0; i < COLUMNS; i++)
        rdb_strbuf_init(&texts[i], NULL);
    rdb_strbuf_addf(&texts[0], "%lld", (long long)json_integer_value(json_object_get(record, "seq")));
    rdb_strbuf_adds(&texts[1], rdb_audit_field(record, "time"));
    rdb_strbuf_adds(&texts[2], role[0] != '\0' ? role : rdb_audit_field(record, "login"));
    rdb_strbuf_adds(&texts[3], rdb_audit_field(record, "client"));
    rdb_strbuf_adds(&texts[4], rdb_audit_field(record, "class"));
    rdb_strbuf_adds(&texts[5], rdb_audit_field(record, "action"));
    rdb_strbuf_adds(&texts[6], rdb_audit_field(record, "outcome"));
    rdb_audit_object_names(record, &texts[7]);
    rdb_strbuf_adds(&texts[8], rdb_audit_field(record, "statement"));
    if (error[0] != '\0')
        rdb_strbuf_addf(&texts[8], "%s%s (%s)", texts[8].length > 0 ? " -- " : "", error, rdb_audit_field(record, "code"));
    for (int i = 0; i < COLUMNS; i++)
        for (size_t k = 0; k < texts[i].length; k++)
            if ((uint8_t)texts[i].data[k] < 0x20)
                texts[i].data[k] = ' ';
}

static unsigned width_of(const char *text)
{
    return (unsigned)RDB_MIN(rdb_utf8_count(text, strlen(text)), (size_t)WIDTH_MAX);
}

static void print_row(const audit_printer *printer, const char *const texts[COLUMNS])
{
    for (int i = 0; i + 1 < COLUMNS; i++) {
        const unsigned width = (unsigned)rdb_utf8_count(texts[i], strlen(texts[i]));
        printf("%s%*s  ", texts[i], width < printer->widths[i] ? (int)(printer->widths[i] - width) : 0, "");
    }
    puts(texts[COLUMNS - 1]);
}

static void print_held(audit_printer *printer)
{
    if (printer->is_begun || printer->held_count == 0)
        return;
    printer->is_begun = true;
    for (int i = 0; i < COLUMNS; i++)
        printer->widths[i] = RDB_MAX(printer->widths[i], (unsigned)strlen(TITLES[i]));
    print_row(printer, TITLES);
    for (size_t row = 0; row < printer->held_count; row++) {
        print_row(printer, (const char *const *)&printer->held[row * COLUMNS]);
        for (int i = 0; i < COLUMNS; i++)
            free(printer->held[row * COLUMNS + (size_t)i]);
    }
    printer->held_count = 0;
}

static void print_csv(const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

void audit_print(audit_printer *printer, const char *line, size_t length, const json_t *record)
{
    rdb_strbuf texts[COLUMNS];
    const char *row[COLUMNS];
    if (printer->format == 'j') {
        fwrite(line, 1, length, stdout);
        putchar('\n');
        return;
    }
    texts_of(record, texts);
    for (int i = 0; i < COLUMNS; i++)
        row[i] = texts[i].data != NULL ? texts[i].data : "";
    if (printer->format == 'c') {
        if (!printer->is_begun)
            puts("seq,time,role,client,class,action,outcome,objects,statement");
        printer->is_begun = true;
        for (int i = 0; i < COLUMNS; i++) {
            print_csv(row[i]);
            putchar(i + 1 < COLUMNS ? ',' : '\n');
        }
    } else if (printer->format == 'l') {
        printf("%s %s@%s %s %s %s%s%s%s%s\n", row[1], row[2], row[3], row[4], row[5], row[6], row[7][0] != '\0' ? " " : "", row[7], row[8][0] != '\0' ? ": " : "", row[8]);
    } else if (printer->is_begun) {
        print_row(printer, row);
    } else {
        for (int i = 0; i < COLUMNS; i++) {
            printer->widths[i] = RDB_MAX(printer->widths[i], width_of(row[i]));
            printer->held[printer->held_count * COLUMNS + (size_t)i] = strdup(row[i]);
        }
        if (++printer->held_count == HELD_MAX)
            print_held(printer);
    }
    for (int i = 0; i < COLUMNS; i++)
        rdb_strbuf_free(&texts[i]);
}

void audit_printer_close(audit_printer *printer)
{
    if (printer == NULL)
        return;
    if (printer->format == 't')
        print_held(printer);
    free(printer->held);
    free(printer);
}
