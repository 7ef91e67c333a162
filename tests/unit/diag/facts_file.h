/* SPDX-License-Identifier: Apache-2.0
 * Reads facts written as lines: "table column=value ...", a blank inside a value as %20, "table*3" for three equal rows. */
#ifndef RDB_TEST_FACTS_FILE_H
#define RDB_TEST_FACTS_FILE_H

#include "diag/rdb_diag.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static inline void facts_add_line(rdb_facts *facts, const char *line)
{
    char table[64], copy[1024], *rest = NULL;
    rdb_error err = {0};
    rdb_strbuf sql, values;
    snprintf(copy, sizeof copy, "%s", line);
    snprintf(table, sizeof table, "%s", strtok_r(copy, " \n", &rest));
    char *star = strchr(table, '*');
    const int times = star != NULL ? atoi(star + 1) : 1;
    if (star != NULL)
        *star = '\0';
    rdb_strbuf_init(&sql, NULL);
    rdb_strbuf_init(&values, NULL);
    rdb_strbuf_addf(&sql, "insert into %s (", table);
    for (char *item = strtok_r(NULL, " \n", &rest), *first = item; item != NULL; item = strtok_r(NULL, " \n", &rest)) {
        char *value = strchr(item, '=');
        assert_non_null(value);
        rdb_strbuf_addf(&sql, "%s\"%.*s\"", item == first ? "" : ", ", (int)(value - item), item);
        rdb_strbuf_adds(&values, item == first ? "'" : ", '");
        for (value++; *value != '\0'; value++)
            if (strncmp(value, "%20", 3) == 0) {
                rdb_strbuf_addc(&values, ' ');
                value += 2;
            } else {
                rdb_strbuf_addc(&values, *value);
            }
        rdb_strbuf_addc(&values, '\'');
    }
    rdb_strbuf_addf(&sql, ") values (%s)", values.data);
    for (int i = 0; i < times; i++)
        if (!rdb_facts_run(facts, sql.data, &err))
            fail_msg("%s: %s", line, rdb_error_message(&err));
    rdb_strbuf_free(&sql);
    rdb_strbuf_free(&values);
}

#endif
