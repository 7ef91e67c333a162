/* SPDX-License-Identifier: Apache-2.0
 * What the files of this room that hold kernels share. */
#ifndef RDB_EXPR_KERNELS_H
#define RDB_EXPR_KERNELS_H

#include "expr/rdb_expr.h"

void expr_register_session_kernels(void);
void expr_register_catalog_kernels(void);
void expr_register_sequence_functions(void);

bool expr_split_name(rdb_call *call, rdb_slice text, const char *parts[3], uint32_t *count);
void expr_add_qualified(rdb_strbuf *text, const char *schema /* NULL: none */, const char *name);
RDB_CHECKED bool expr_read_catalog(rdb_call *call, uint32_t catalog_oid, uint32_t index_oid, const rdb_datum *keys, uint16_t key_count, uint16_t column_no,
                                   uint8_t rep, rdb_datum *value, bool *is_null, bool *found);
RDB_CHECKED bool expr_role_name(rdb_call *call, uint32_t oid, const char **name);

/* A kernel written for one row: null rows are the caller's (strict functions) unless it looks at nulls itself. */
typedef bool (*expr_row_function)(rdb_call *call, const rdb_datum *arguments, const bool *nulls, rdb_datum *result, bool *is_null);
bool expr_run_rows(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection, uint32_t count, expr_row_function function);
/* Defines the kernel `name` over the row function name_row of count arguments. */
#define EXPR_ROW_KERNEL(name, count)                                                                                              \
    static bool name(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection)          \
    {                                                                                                                               \
        return expr_run_rows(call, arguments, out, selection, (count), name##_row);                                                \
    }
/* What a step that calls nextval for an identity column has as its state. */
#define EXPR_SEQUENCE_IS_OWN ((void *)UINTPTR_MAX)
/* privilege_functions.c */
void expr_register_privilege_functions(void);
bool expr_set_text(rdb_call *call, const char *text, size_t length, rdb_datum *result); /* copied */
const char *expr_get_text(rdb_call *call, rdb_datum value); /* terminated */


/* size_functions.c. The file that a table, an index or a sequence lies in; 0: it has none. *relation NULL: there is none. */
RDB_CHECKED bool expr_relation_file(rdb_call *call, uint32_t oid, uint64_t *file, uint32_t *pdb, const rdb_relation **relation);

/* Set-returning functions that make all their rows when they begin: the state is an expr_rows, next is expr_rows_next. */
typedef struct expr_rows {
    rdb_list rows; /* of the set's arena */
    uint32_t at;
} expr_rows;
/* values and is_null are copied (bytes stay borrowed, from the call's arena or static ones). */
void expr_rows_add(rdb_call *call, expr_rows *rows, const rdb_datum *values, const bool *is_null, uint32_t count);
bool expr_rows_next(rdb_call *call, void *rows, rdb_vector **columns, uint32_t column_count, uint32_t capacity, uint32_t *count);
static inline rdb_datum expr_text(const char *text) /* borrowed */
{
    return (rdb_datum){.bytes = {(const uint8_t *)text, (uint32_t)strlen(text), 0}};
}
/* The wall clock's microseconds are a timestamp's: both count from 2000. */
static inline rdb_datum expr_moment(int64_t wall_us)
{
    return (rdb_datum){.i64 = wall_us};
}
RDB_CHECKED bool expr_text_array(rdb_call *call, const char *const *texts, uint32_t count, rdb_datum *array);

/* A function of one row of several OUT columns: its row as a value in an expression, as columns in FROM. */
typedef bool (*expr_record_function)(rdb_call *call, const rdb_datum *arguments, const bool *nulls, rdb_datum *columns, bool *column_nulls);
bool expr_run_records(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection, uint32_t count,
                      const uint32_t *column_types, uint32_t column_count, expr_record_function function);
#define EXPR_COLUMNS_MAX 32u
/* Defines name (a kernel) and name_begin (of a set kernel whose state is an expr_rows) over name_record; types: OIDs of the columns. */
#define EXPR_RECORD_KERNEL(name, count, ...)                                                                                          \
    static const uint32_t name##_types[] = {__VA_ARGS__};                                                                             \
    static bool name(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection)             \
    {                                                                                                                                 \
        return expr_run_records(call, arguments, out, selection, (count), name##_types, RDB_COUNT_OF(name##_types), name##_record);   \
    }                                                                                                                                 \
    static bool name##_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)                            \
    {                                                                                                                                 \
        rdb_datum columns[EXPR_COLUMNS_MAX];                                                                                          \
        bool nulls[EXPR_COLUMNS_MAX] = {false};                                                                                       \
        memset(columns, 0, sizeof columns);                                                                                           \
        if (!name##_record(call, arguments, is_null, columns, nulls))                                                                 \
            return false;                                                                                                             \
        expr_rows_add(call, state, columns, nulls, RDB_COUNT_OF(name##_types));                                                       \
        return true;                                                                                                                  \
    }

void expr_register_reg_names(void);
void expr_register_neutral_functions(void);
void expr_register_collation_functions(void);
void expr_register_text_search(void);
void expr_register_extensions(void);
void expr_register_server_functions(void);
void expr_register_size_functions(void);
void expr_register_object_functions(void);
void expr_register_object_addresses(void);
void expr_register_value_functions(void);
void expr_register_index_properties(void);
/* reg_names.c. What a name of that reg* type means, 0: nothing. strict: nothing found is an error, PostgreSQL's. */
RDB_CHECKED bool expr_find_reg(rdb_call *call, uint32_t reg_type, rdb_slice text, bool strict, uint32_t *oid);
RDB_CHECKED bool expr_find_template(rdb_call *call, rdb_slice text, uint32_t *oid);
RDB_CHECKED bool expr_find_parser(rdb_call *call, rdb_slice text, uint32_t *oid); /* of text search; strict */
/* A function or operator with its arguments' types: f(integer,text); always_qualify: with its schema, and its types too. */
RDB_CHECKED bool expr_add_function(rdb_call *call, uint32_t oid, bool always_qualify, rdb_strbuf *text, bool *found);
RDB_CHECKED bool expr_add_operator(rdb_call *call, uint32_t oid, bool always_qualify, rdb_strbuf *text, bool *found);

#endif
