/* SPDX-License-Identifier: Apache-2.0
 * A statement's fingerprint, by the parser library. */
#include <stdlib.h>

#include <pg_query.h>

#include "sql/sql_int.h"

/* The library wants a text that ends with a zero byte. */
static char *copy_text(const char *text, size_t length, rdb_error *err)
{
    if (length > INT32_MAX / 2) {
        rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "statement is too long");
        return NULL;
    }
    char *copy = malloc(length + 1);
    if (copy == NULL) {
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        return NULL;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

bool rdb_sql_fingerprint(const char *text, size_t length, uint64_t *fingerprint, rdb_error *err)
{
    *fingerprint = 0;
    char *copy = copy_text(text, length, err);
    if (copy == NULL)
        return false;
    PgQueryFingerprintResult result = pg_query_fingerprint(copy);
    bool ok = result.error == NULL;
    if (ok)
        *fingerprint = result.fingerprint;
    else
        sql_set_parser_error(err, result.error->message, result.error->funcname, result.error->cursorpos);
    pg_query_free_fingerprint_result(result);
    free(copy);
    return ok;
}
