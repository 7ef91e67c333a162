/* SPDX-License-Identifier: Apache-2.0
 * What the files of the deparser share: where the text goes, and how the ranges and columns of the queries around an expression
 * are called. A text that fails stays failed: ok turns false once, with err set, and what is written after that is of no use.
 *
 * Line breaks are PostgreSQL's, which clients see: a clause begins on a line of its own, indent columns in, plus a few blanks of
 * its own; indent is kept eight columns ahead while a query is open. */
#ifndef RDB_DEPARSE_INT_H
#define RDB_DEPARSE_INT_H

#include "expr/rdb_expr.h"
#include "sql/rdb_query.h"

enum { DEPARSE_STEP = 8, DEPARSE_STEP_JOIN = 4, DEPARSE_STEP_ITEM = 4 };

/* How one range is called, and its columns. */
typedef struct deparse_range {
    const char *name;           /* NULL: an unnamed join */
    const char **columns;       /* by column number - 1; NULL: dropped */
    uint32_t column_count;
    bool shows_columns;         /* its alias lists the columns */
    const rdb_list *using_names;/* char *: merged columns of the joins above, which no other column may be called */
    uint32_t hidden_by;         /* the named join that it is part of: its columns are that one's; 0: none */
    bool is_open;               /* a named join that is just being printed: inside, its parts go by their own names */
} deparse_range;

/* One query level. */
typedef struct deparse_level {
    const rdb_query *query;
    const struct deparse_level *parent;
    deparse_range *ranges;
    uint32_t range_count;
} deparse_level;

typedef struct deparse {
    rdb_access *access;
    rdb_arena *arena;
    rdb_error *err;
    bool ok;
    rdb_strbuf *text;
    const rdb_format_settings *format;
    const rdb_relation *relation;  /* an expression of a table alone: whose columns; or NULL */
    const deparse_level *level;    /* NULL: variables are named through their ranges */
    const rdb_function *function;  /* whose body it is: parameters go by their names; or NULL */
    const char *const *argument_names;
    bool qualify;                  /* EXPLAIN: columns with their tables */
    bool is_pretty;                /* no brackets that precedence makes needless */
    bool breaks_lines;
    int32_t wrap_column;           /* lists break where a line would be longer; 0: at each item; negative: never */
    int32_t indent;
    uint32_t depth;
} deparse;

static inline bool deparse_is_coercion(const rdb_expr *expr)
{
    return expr->kind == RDB_EXPR_RELABEL || expr->kind == RDB_EXPR_COERCE_IO || expr->kind == RDB_EXPR_COERCE_DOMAIN || expr->kind == RDB_EXPR_ROW_CONVERT;
}

static inline bool deparse_is_collate(const rdb_expr *expr)
{
    return expr->kind == RDB_EXPR_RELABEL && ((const rdb_expr_unary *)expr)->form == RDB_FORM_SQL_SYNTAX;
}

/* deparse.c */
void deparse_fail(deparse *out, bool ok); /* false: err is set */
void deparse_add(deparse *out, const char *text);
void deparse_name(deparse *out, const char *name);
void deparse_break(deparse *out, const char *text, int32_t before, int32_t after, int32_t plus);
void deparse_type(deparse *out, const rdb_type *type, int32_t typmod);
void deparse_collation(deparse *out, uint32_t collation_oid);
void deparse_relation_name(deparse *out, const rdb_relation *relation);
void deparse_function_name(deparse *out, const rdb_function *function);
const char *deparse_operator(deparse *out, uint32_t operator_oid);

/* deparse_expr.c */
void deparse_expr(deparse *out, const rdb_expr *expr, bool show_implicit);
void deparse_expr_in(deparse *out, const rdb_expr *expr, bool show_implicit, const rdb_expr *parent); /* bracketed where need be */
void deparse_expr_top(deparse *out, const rdb_expr *expr, bool show_implicit); /* an item of a list: whole rows with their type */
void deparse_constant(deparse *out, const rdb_expr_const *constant, int label); /* -1 no type, 0 where needed, 1 always */
/* The column's name goes out; returned too, NULL for a whole row. */
const char *deparse_variable(deparse *out, const rdb_expr_var *var, bool is_top);
/* Prints a column that a full join merges; NULL: the expression is no such column, and nothing was printed. */
const char *deparse_merged_column(deparse *out, const rdb_expr *expr);

/* deparse_query.c */
typedef struct deparse_results { /* what a query's columns are to be called */
    const rdb_relation *view;    /* as its columns are, or NULL */
    bool names_matter;           /* not in a sub-select of an expression */
    bool is_member;              /* of a set operation: coercions were added around its columns */
} deparse_results;
void deparse_query(deparse *out, const rdb_query *query, const deparse_level *parent, const deparse_results *results, bool keeps_rule_names);
void deparse_values(deparse *out, const rdb_list *rows);
void deparse_from_list(deparse *out, const rdb_query *query, const char *word); /* " FROM ", " USING " */
void deparse_targets(deparse *out, const rdb_list *targets);
/* deparse_change.c: INSERT, UPDATE, DELETE behind their WITH */
void deparse_change(deparse *out, const rdb_query *query);
void deparse_window(deparse *out, const rdb_query *query, const rdb_window *window, const rdb_list *targets);
void deparse_order(deparse *out, const rdb_list *items, const rdb_list *targets, bool by_number);

/* deparse_names.c */
void deparse_begin_level(deparse *out, deparse_level *level, const rdb_query *query, const deparse_level *parent, bool keeps_rule_names);

#endif
