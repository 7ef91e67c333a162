/* SPDX-License-Identifier: Apache-2.0
 * What the files of the analyser share: the state of one query level, the makers of expression nodes, coercion, and the
 * resolution of functions and operators. An analysed expression belongs to the arena of its analysis; it is changed in
 * place only while it is made (a parameter that learns its type, collations at the end). */
#ifndef RDB_ANALYSE_INT_H
#define RDB_ANALYSE_INT_H

#include "expr/rdb_expr.h"
#include "sql/rdb_query.h"
#include "sql/rdb_sql.h"

/* ---- the state of one query level ------------------------------------------------------------------------------------ */

/* Where an expression stands: what may be in it, and how messages call the place. */
typedef enum analyse_clause {
    ANALYSE_NOTHING, ANALYSE_FROM_SUBQUERY, ANALYSE_FROM_FUNCTION, ANALYSE_JOIN_ON, ANALYSE_WHERE, ANALYSE_HAVING,
    ANALYSE_FILTER, ANALYSE_WINDOW_PARTITION, ANALYSE_WINDOW_ORDER, ANALYSE_WINDOW_RANGE, ANALYSE_WINDOW_ROWS,
    ANALYSE_WINDOW_GROUPS, ANALYSE_SELECT_TARGET, ANALYSE_INSERT_TARGET, ANALYSE_UPDATE_SOURCE, ANALYSE_UPDATE_TARGET,
    ANALYSE_MERGE_WHEN, ANALYSE_GROUP_BY, ANALYSE_ORDER_BY, ANALYSE_DISTINCT_ON, ANALYSE_LIMIT, ANALYSE_OFFSET,
    ANALYSE_RETURNING, ANALYSE_POLICY, ANALYSE_VALUES, ANALYSE_VALUES_SINGLE, ANALYSE_CHECK, ANALYSE_DOMAIN_CHECK, ANALYSE_DEFAULT,
    ANALYSE_INDEX_EXPRESSION, ANALYSE_INDEX_PREDICATE, ANALYSE_GENERATED, ANALYSE_EXECUTE, ANALYSE_COPY_WHERE, ANALYSE_TRANSFORM, ANALYSE_OTHER, ANALYSE_CLAUSE_COUNT
} analyse_clause;

/* One thing in FROM that names can be looked up in. */
typedef struct analyse_item {
    rdb_range *range;
    uint32_t range_no;
    const char *name;             /* NULL: a join without alias */
    const char *schema;           /* of a relation without alias: schema.name.column finds it */
    rdb_expr **columns;           /* joins: what each column stands for, levels_up 0; else NULL: plain columns */
    bool table_visible, columns_visible, lateral_only, lateral_ok;
    uint32_t hidden_count;        /* last columns that "*" passes over */
} analyse_item;

/* The rule that an action belongs to. */
typedef struct analyse_rule {
    const rdb_relation *relation;
    rdb_sql_rule_event event;
} analyse_rule;

typedef struct analyse_state analyse_state;
struct analyse_state {
    rdb_analysis *analysis;
    analyse_state *parent;        /* the enclosing query's */
    rdb_query *query;
    rdb_list items;               /* analyse_item * that names see now */
    rdb_list joined;              /* analyse_item * of every range made, by range number - 1; NULL for unnamed ones */
    rdb_list ctes;                /* rdb_cte * of this level that can be seen */
    rdb_list future_ctes;         /* rdb_ast_cte * that a hint speaks of */
    rdb_list locking;             /* rdb_ast_locking * of this level, known before FROM is read */
    rdb_list raw_windows;         /* rdb_ast_window *: WINDOW clause, then each OVER (...) */
    analyse_clause clause;
    bool locked_by_parent;        /* the enclosing FOR UPDATE names this subquery */
    bool keep_unknown;            /* a select-list item of type unknown stays so: a branch of a set operation, INSERT */
    bool lateral_active;
    uint32_t depth;
    const rdb_type *value_type;   /* DOMAIN_CHECK: what VALUE is */
    int32_t value_typmod;
    rdb_list raw_ctes;            /* rdb_ast_cte *, one each of ctes */
    rdb_list defining;            /* rdb_cte * of this level whose queries are being analysed */
    rdb_cte *defines;             /* the WITH RECURSIVE item that this very query is, or NULL */
    rdb_list multi_sources;       /* UPDATE SET (a, b) = ...: analyse_multi * */
    const analyse_rule *passes_rule; /* INSERT from a SELECT as a rule's action: the SELECT has old and new; NULL else */
    bool makes_source;            /* that SELECT is being analysed */
};
static inline rdb_arena *analyse_arena(const analyse_state *state)
{
    return state->analysis->arena;
}

/* "WHERE", "JOIN conditions": as messages call the place. */
const char *analyse_clause_name(analyse_clause clause);

/* Gives the error just set the position of this byte of the statement; returns false. */
bool analyse_place(const rdb_analysis *analysis, int32_t location, rdb_error *err);
/* Sets the error at a place; returns false. */
bool analyse_error(const analyse_state *state, int32_t location, rdb_error *err, const char sqlstate[6],
                   const char *format, ...) RDB_PRINTF(5, 6);

/* "a.b.c" for messages; in the analysis's arena. */
const char *analyse_join_names(rdb_arena *arena, const rdb_ast_names *names);
/* "integer", "character varying": as messages name a type. */
const char *analyse_type_name(const analyse_state *state, uint32_t type_oid);

/* A type as written, without its array bounds and modifiers. NULL in *type, without an error: there is none. */
RDB_CHECKED bool analyse_find_type(rdb_analysis *analysis, const rdb_ast_type *written, const rdb_type **type, rdb_error *err);
/* [database.][schema.]name, the last part being at names->items[count - 1]. */
RDB_CHECKED bool analyse_split_name(rdb_analysis *analysis, const rdb_ast_names *names, uint32_t count,
                                    const char **schema, const char **name, rdb_error *err);
/* The descriptor of a type that must be there. */
RDB_CHECKED bool analyse_get_type(const analyse_state *state, uint32_t oid, const rdb_type **type, rdb_error *err);
/* The collation of that name; 42704 at the place when there is none. */
RDB_CHECKED bool analyse_find_collation(analyse_state *state, const rdb_ast_names *name, int32_t location, uint32_t *oid,
                                        rdb_error *err);

/* ---- nodes ------------------------------------------------------------------------------------------------------------ */

/* A zeroed node with its head filled: typmod -1, collation the type's. */
void *analyse_new(const analyse_state *state, size_t bytes, rdb_expr_kind kind, const rdb_type *type, int32_t location);
#define ANALYSE_NEW(state, struct_type, kind, type, location) \
    ((struct_type *)analyse_new((state), sizeof(struct_type), (kind), (type), (location)))

rdb_expr *analyse_make_null(const analyse_state *state, const rdb_type *type, int32_t typmod, int32_t location);
RDB_CHECKED bool analyse_make_int4(const analyse_state *state, int32_t value, int32_t location, rdb_expr **expr, rdb_error *err);
RDB_CHECKED bool analyse_make_bool(const analyse_state *state, bool value, int32_t location, rdb_expr **expr, rdb_error *err);
RDB_CHECKED bool analyse_make_literal(analyse_state *state, const rdb_ast_value *value, rdb_expr **expr, rdb_error *err);
/* AND, OR, NOT over one or more; of one argument AND and OR give it back. */
RDB_CHECKED bool analyse_make_logic(const analyse_state *state, rdb_bool_kind kind, const rdb_list *arguments,
                                    int32_t location, rdb_expr **expr, rdb_error *err);
/* A call whose arguments are already of the right types. Refuses (0A000) what has no kernel. */
RDB_CHECKED bool analyse_make_call(const analyse_state *state, const rdb_function *function, const rdb_type *result,
                                   const rdb_list *arguments, rdb_call_form form, int32_t location,
                                   rdb_expr_function **call, rdb_error *err);
RDB_CHECKED bool analyse_check_kernel(const analyse_state *state, const rdb_function *function, int32_t location, rdb_error *err);
bool analyse_is_unknown_constant(const rdb_expr *expr);
bool analyse_is_null_constant(const rdb_expr *expr);
int32_t analyse_location(const rdb_expr *expr);         /* where its text begins: that of the leftmost operand too */
int32_t analyse_own_var_location(const rdb_expr *expr); /* the first variable of this query level; -1: none */
bool analyse_is_set(const rdb_expr *expr); /* a set-returning call stands somewhere in it */
/* "f(integer, a => text)" for messages. names: one an argument, NULL items for positional ones; or NULL. */
const char *analyse_signature(const analyse_state *state, const char *name, uint32_t count, const uint32_t *types,
                              const char *const *names);

/* A copy whose variables (and aggregates) of this level and further out stand for levels more queries out. */
RDB_CHECKED bool analyse_raise_levels(const analyse_state *state, rdb_expr *expr, uint32_t levels, rdb_expr **raised, rdb_error *err);
/* Visits every variable below expr, those of sub-queries too; levels: how deep in sub-queries of expr it stands. False stops. */
typedef bool (*analyse_visit)(void *context, const rdb_expr *node, uint32_t levels);
bool analyse_walk(const rdb_expr *expr, uint32_t levels, analyse_visit visit, void *context);
bool analyse_walk_query(const rdb_query *query, uint32_t levels, analyse_visit visit, void *context);
/* Does a variable of this query level stand in it? */
bool analyse_has_own_vars(const rdb_expr *expr);

/* ---- coercion --------------------------------------------------------------------------------------------------------- */

typedef enum analyse_cast { ANALYSE_IMPLICIT, ANALYSE_ASSIGNMENT, ANALYSE_EXPLICIT } analyse_cast;
typedef enum analyse_path {
    ANALYSE_PATH_NONE, ANALYSE_PATH_FUNCTION, ANALYSE_PATH_RELABEL, ANALYSE_PATH_ARRAY, ANALYSE_PATH_IO
} analyse_path;

bool analyse_is_polymorphic(uint32_t type_oid);
bool analyse_is_row_type(const rdb_type *type);       /* composite or record, or a domain over one */
const rdb_type *analyse_base_type(const rdb_type *type, int32_t *typmod); /* below domains; *typmod is theirs then */
/* The element type of a true array (varlena), NULL for anything else, int2vector too. */
const rdb_type *analyse_array_element(const rdb_type *type);
RDB_CHECKED bool analyse_array_of(const analyse_state *state, const rdb_type *element, const rdb_type **array, rdb_error *err);

RDB_CHECKED bool analyse_find_path(const analyse_state *state, uint32_t target, uint32_t source, analyse_cast cast,
                                   analyse_path *path, uint32_t *function_oid, rdb_error *err);
RDB_CHECKED bool analyse_can_coerce(const analyse_state *state, uint32_t count, const uint32_t *sources,
                                    const uint32_t *targets, analyse_cast cast, bool *can, rdb_error *err);
/* The expression as a value of the target type; that there is a way was asked before. */
RDB_CHECKED bool analyse_coerce(analyse_state *state, rdb_expr *expr, const rdb_type *target, int32_t typmod,
                                analyse_cast cast, rdb_call_form form, int32_t location, rdb_expr **result, rdb_error *err);
RDB_CHECKED bool analyse_coerce_typmod(analyse_state *state, rdb_expr *expr, const rdb_type *target, int32_t typmod,
                                       analyse_cast cast, rdb_call_form form, int32_t location, bool hide_input,
                                       rdb_expr **result, rdb_error *err);
/* Both, and *result NULL where there is no way. */
RDB_CHECKED bool analyse_coerce_to_target(analyse_state *state, rdb_expr *expr, const rdb_type *target, int32_t typmod,
                                          analyse_cast cast, rdb_call_form form, int32_t location, rdb_expr **result,
                                          rdb_error *err);
/* "argument of WHERE must be type boolean, not type integer" where it is no boolean. */
RDB_CHECKED bool analyse_coerce_to_boolean(analyse_state *state, rdb_expr **expr, const char *construct, rdb_error *err);
/* "argument of LIMIT must be type bigint, not ..." */
RDB_CHECKED bool analyse_coerce_to_type(analyse_state *state, rdb_expr **expr, uint32_t target, const char *construct, rdb_error *err);
/* The type that all have in common (UNION, CASE, VALUES). context NULL: *type NULL instead of an error. */
RDB_CHECKED bool analyse_common_type(analyse_state *state, const rdb_list *exprs, const char *context,
                                     const rdb_type **type, rdb_expr **which, rdb_error *err);
RDB_CHECKED bool analyse_coerce_to_common(analyse_state *state, rdb_expr **expr, const rdb_type *type, const char *context, rdb_error *err);
int32_t analyse_common_typmod(const rdb_list *exprs, const rdb_type *type);
/* Of types alone. *mismatch: which one does not fit, UINT32_MAX none. */
RDB_CHECKED bool analyse_common_of_types(const analyse_state *state, uint32_t count, const rdb_type *const *types, const rdb_type **common, uint32_t *chosen,
                                         uint32_t *mismatch, rdb_error *err);
/* Polymorphic declared types, made concrete by the actual ones (what is not polymorphic stays; analyse_polymorphic.c). *result: the
 * concrete result type. Errors have no position, as PostgreSQL's; probing: *fits false instead. */
RDB_CHECKED bool analyse_resolve_polymorphic(const analyse_state *state, uint32_t count, const uint32_t *actual,
                                             uint32_t *declared, uint32_t result_declared, uint32_t *result,
                                             bool probing, bool *fits, rdb_error *err);

/* ---- functions and operators ------------------------------------------------------------------------------------------- */

/* A function or operator that might be meant, with the types of its arguments as the call has them. */
typedef struct analyse_candidate {
    const void *object; /* rdb_function or rdb_operator_entry */
    const uint32_t *types;
    uint32_t count;
    uint32_t variadic_count;  /* arguments that go into the VARIADIC array */
    uint32_t default_count;   /* arguments filled in */
    const int16_t *argument_nos; /* named: which parameter each argument is for; NULL: in order */
    bool is_ambiguous;        /* another one would do as well */
    bool has_outputs;         /* CALL: the types are of all arguments, what is only given among them */
} analyse_candidate;
/* Drops those that the arguments cannot become; keeps order. */
RDB_CHECKED bool analyse_match_candidates(const analyse_state *state, uint32_t count, const uint32_t *types,
                                          analyse_candidate *candidates, uint32_t *candidate_count, rdb_error *err);
/* The best of several, by PostgreSQL's rules; NULL: no one is. */
RDB_CHECKED bool analyse_select_candidate(const analyse_state *state, uint32_t count, const uint32_t *types,
                                          const analyse_candidate *candidates, uint32_t candidate_count,
                                          const analyse_candidate **best, rdb_error *err);
/* Coerces arguments to declared types that are concrete. */
RDB_CHECKED bool analyse_coerce_arguments(analyse_state *state, rdb_list *arguments, const uint32_t *declared, rdb_error *err);

RDB_CHECKED /* Oracle's names (analyse_dialect.c), asked for where nothing of PostgreSQL's fits; *expr, *instead NULL: they do not either. */
bool analyse_dialect_table(analyse_state *state, const rdb_ast_table *table, rdb_ast_node **instead, rdb_error *err);
bool analyse_dialect_column(analyse_state *state, const rdb_ast_names *names, int32_t location, rdb_expr **expr, rdb_error *err);
bool analyse_dialect_call(analyse_state *state, const rdb_ast_call *call, rdb_expr **expr, rdb_error *err);
/* timestamp + number: *right becomes that many days. */
bool analyse_dialect_days(analyse_state *state, const rdb_ast_names *name, rdb_expr *left, rdb_expr **right, rdb_error *err);
/* *raw becomes a SELECT with a LIMIT where its WHERE compares ROWNUM. */
bool analyse_dialect_rows(analyse_state *state, const rdb_ast_select **raw, bool *is_limited, rdb_error *err);
bool analyse_dialect_check_rows(const analyse_state *state, rdb_error *err);
/* Does the name mean a column, or an argument of the routine, here? */
bool analyse_is_column(analyse_state *state, const char *name, bool *is_known, rdb_error *err);
bool analyse_call(analyse_state *state, const rdb_ast_call *call, rdb_expr **expr, rdb_error *err);
/* left NULL: a prefix operator. */
RDB_CHECKED bool analyse_operator(analyse_state *state, const rdb_ast_names *name, rdb_expr *left, rdb_expr *right,
                                  int32_t location, rdb_expr **expr, rdb_error *err);
RDB_CHECKED bool analyse_operator_named(analyse_state *state, const char *name, rdb_expr *left, rdb_expr *right,
                                        int32_t location, rdb_expr **expr, rdb_error *err);
/* left op ANY/ALL (array) */
RDB_CHECKED bool analyse_array_operator(analyse_state *state, const rdb_ast_names *name, bool use_or, rdb_expr *left,
                                        rdb_expr *right, int32_t location, rdb_expr **expr, rdb_error *err);
/* The operator for exactly these inputs after coercion of binary-compatible ones; NULL where there is none. */
RDB_CHECKED bool analyse_find_operator(const analyse_state *state, const rdb_ast_names *name, uint32_t left, uint32_t right,
                                       bool missing_is_fine, int32_t location, const rdb_operator_entry **entry, rdb_error *err);
/* Equality and order of a type for GROUP BY, ORDER BY, DISTINCT; order_oid 0 where only equality is needed and there. */
RDB_CHECKED bool analyse_sort_operators(const analyse_state *state, const rdb_type *type, bool need_order, bool is_descending,
                                        int32_t location, uint32_t *equality_oid, uint32_t *order_oid, bool *can_hash,
                                        rdb_error *err);

/* ---- expressions ------------------------------------------------------------------------------------------------------- */

RDB_CHECKED bool analyse_expr(analyse_state *state, const rdb_ast_node *raw, analyse_clause clause, rdb_expr **expr, rdb_error *err);
/* Inside an expression: the clause stays. */
RDB_CHECKED bool analyse_node(analyse_state *state, const rdb_ast_node *raw, rdb_expr **expr, rdb_error *err);
RDB_CHECKED bool analyse_nodes(analyse_state *state, const rdb_list *raw, rdb_list *exprs, rdb_error *err);
RDB_CHECKED bool analyse_row_compare(analyse_state *state, const rdb_ast_names *name, const rdb_list *left, const rdb_list *right,
                                     int32_t location, rdb_expr **expr, rdb_error *err);
/* Subscripts of a container that is already there. target: it is assigned to, and source is what is stored. */
/* analyse_sublink.c; row: the left side of a row comparison that is analysed already, or NULL. */
RDB_CHECKED bool analyse_sublink(analyse_state *state, const rdb_ast_sublink *raw, rdb_sublink_kind kind, rdb_expr *row, rdb_expr **expr, rdb_error *err);
RDB_CHECKED bool analyse_in(analyse_state *state, const rdb_ast_op *raw, rdb_expr **expr, rdb_error *err);
/* analyse_container.c; array: the type asked for by a cast around it, or NULL. */
RDB_CHECKED bool analyse_array(analyse_state *state, const rdb_ast_array *raw, const rdb_type *array, int32_t typmod, rdb_expr **expr, rdb_error *err);
RDB_CHECKED bool analyse_indirection(analyse_state *state, const rdb_ast_indirection *raw, rdb_expr **expr, rdb_error *err);
const rdb_ast_names *analyse_one_name(const analyse_state *state, const char *name);
RDB_CHECKED bool analyse_subscripts(analyse_state *state, rdb_expr *container, const rdb_list *steps, uint32_t first,
                                    uint32_t count, int32_t location, rdb_expr_subscript **subscript, rdb_error *err);
/* Gives every node its collation and input collation; 42P21, 42P22 where explicit ones conflict. */
const char *analyse_collation_name(const analyse_state *state, uint32_t oid); /* in the analysis's arena */
RDB_CHECKED bool analyse_assign_collations(analyse_state *state, rdb_expr *expr, rdb_error *err);
RDB_CHECKED bool analyse_list_collations(analyse_state *state, const rdb_list *exprs, rdb_error *err);
/* The collation that the expressions have in common, 0: none. */
RDB_CHECKED bool analyse_common_collation(analyse_state *state, const rdb_list *exprs, bool none_is_fine, uint32_t *collation, rdb_error *err);
/* Whole trees of a query: targets, WHERE, and so on. */
RDB_CHECKED bool analyse_query_collations(analyse_state *state, rdb_query *query, rdb_error *err);

/* ---- FROM, names -------------------------------------------------------------------------------------------------------- */

RDB_CHECKED bool analyse_from(analyse_state *state, const rdb_list *from, rdb_error *err);
/* A table that a statement changes: locked, and its item made; it is put where names see it by whoever asks. */
RDB_CHECKED bool analyse_target_table(analyse_state *state, const rdb_ast_table *table, uint32_t privileges,
                                      analyse_item **item, rdb_error *err);
/* Finds and locks a relation as written. NULL without error: there is none (only if missing_is_fine). */
RDB_CHECKED bool analyse_open_relation(analyse_state *state, const rdb_ast_table *table, rdb_lock_mode mode,
                                       bool missing_is_fine, const rdb_relation **relation, rdb_error *err);
/* Ranges of any kind: adds the entry, makes the item. */
analyse_item *analyse_add_relation(analyse_state *state, const rdb_relation *relation, const char *alias,
                                   const rdb_ast_names *alias_columns, rdb_lock_mode mode, bool is_inherited);
RDB_CHECKED bool analyse_add_subquery(analyse_state *state, rdb_query *query, const char *name, const rdb_ast_names *columns,
                                      bool has_alias, bool is_lateral, int32_t location, analyse_item **item, rdb_error *err);
rdb_range *analyse_add_range(analyse_state *state, rdb_range_kind kind, uint32_t *range_no);
void analyse_set_column_types(const analyse_state *state, rdb_range *range, uint32_t count);
RDB_CHECKED bool analyse_push_item(analyse_state *state, analyse_item *item, bool table_visible, bool columns_visible, rdb_error *err);

RDB_CHECKED bool analyse_column(analyse_state *state, const rdb_ast_column *column, rdb_expr **expr, rdb_error *err);
/* A column of an item by number (from 1), seen from a query levels_up below. */
RDB_CHECKED bool analyse_item_column(analyse_state *state, const analyse_item *item, int16_t number, uint32_t levels_up,
                                     int32_t location, rdb_expr **expr, rdb_error *err);
RDB_CHECKED bool analyse_whole_row(analyse_state *state, const analyse_item *item, uint32_t levels_up, int32_t location,
                                   rdb_expr **expr, rdb_error *err);
/* name.field of a composite value; *expr NULL where it has no such field. */
RDB_CHECKED bool analyse_field(analyse_state *state, rdb_expr *argument, const char *name, int32_t location, rdb_expr **expr, rdb_error *err);
/* The fields of a row value, record types that a range or ROW() explains among them. */
typedef struct analyse_fields { uint32_t count; const char **names; const rdb_type **types; int32_t *typmods; uint32_t *collations; } analyse_fields;
RDB_CHECKED bool analyse_row_fields(analyse_state *state, const rdb_expr *row, analyse_fields *fields, rdb_error *err);
/* RECORD with the fields it is known to have; and the same for an expression of type RECORD, where they can be told. */
const rdb_type *analyse_record_of(const analyse_state *state, const rdb_type *record, const analyse_fields *fields);
RDB_CHECKED bool analyse_describe_record(analyse_state *state, rdb_expr *row, rdb_error *err);
/* Finds table.column's table in this and the enclosing queries. */
const analyse_item *analyse_find_item(const analyse_state *state, const char *schema, const char *name, uint32_t *levels_up, bool *ambiguous);
const analyse_state *analyse_state_up(const analyse_state *state, uint32_t levels_up);
/* Only in this level, among the column names of visible items: NULL none. 42702 where two have it. */
RDB_CHECKED bool analyse_own_column(analyse_state *state, const char *name, int32_t location, rdb_expr **expr, rdb_error *err);

/* ---- targets, queries ---------------------------------------------------------------------------------------------------- */

/* The select list, * expanded. */
RDB_CHECKED bool analyse_targets(analyse_state *state, const rdb_list *raw, analyse_clause clause, rdb_list *targets, rdb_error *err);
const char *analyse_column_name(const rdb_ast_node *raw); /* what a select-list item without AS is called */
rdb_target *analyse_new_target(const analyse_state *state, rdb_expr *expr, int16_t number, const char *name, bool is_junk);
/* Items of type unknown become text. */
RDB_CHECKED bool analyse_settle_unknown(analyse_state *state, rdb_list *targets, rdb_error *err);
void analyse_set_origins(const analyse_state *state, rdb_list *targets);

RDB_CHECKED bool analyse_sort(analyse_state *state, const rdb_list *raw, rdb_list *targets, analyse_clause clause,
                              bool sql99_only, rdb_list *items, rdb_error *err);
/* Adds a target to a list of items unless it is there. */
RDB_CHECKED bool analyse_add_sort_item(analyse_state *state, rdb_target *target, rdb_list *items, const rdb_list *targets,
                                       const rdb_ast_sort *sort, int32_t location, rdb_error *err);
RDB_CHECKED bool analyse_add_group_item(analyse_state *state, rdb_target *target, rdb_list *items, int32_t location, rdb_error *err);
uint32_t analyse_sort_ref(rdb_target *target, const rdb_list *targets);
rdb_target *analyse_target_by_ref(const rdb_list *targets, uint32_t ref);
/* GROUP BY, DISTINCT, ORDER BY of one query level, and the windows. */
RDB_CHECKED bool analyse_group(analyse_state *state, const rdb_list *raw, rdb_list *targets, const rdb_list *sort, rdb_error *err);
RDB_CHECKED bool analyse_distinct(analyse_state *state, rdb_list *targets, const rdb_list *sort, bool for_aggregate, rdb_list *items, rdb_error *err);
RDB_CHECKED bool analyse_distinct_on(analyse_state *state, const rdb_list *raw, rdb_list *targets, const rdb_list *sort, rdb_list *items, rdb_error *err);
RDB_CHECKED bool analyse_windows(analyse_state *state, rdb_list *targets, rdb_error *err);

/* After the arguments are known: which level it belongs to, whether it may stand here. arguments already coerced. */
RDB_CHECKED bool analyse_aggregate(analyse_state *state, rdb_expr_aggregate *aggregate, const rdb_list *direct, const rdb_list *arguments,
                                   const rdb_list *order, bool is_distinct, rdb_error *err);
RDB_CHECKED bool analyse_grouping(analyse_state *state, rdb_expr_grouping *grouping, rdb_error *err);
RDB_CHECKED bool analyse_window_call(analyse_state *state, rdb_expr_window *call, const rdb_ast_window *over, rdb_error *err);
/* "column must appear in the GROUP BY clause", nested aggregates, aggregates in the wrong place. */
RDB_CHECKED bool analyse_check_aggregates(analyse_state *state, rdb_error *err);

/* A nested query: state is the enclosing one, NULL at the top. */
RDB_CHECKED bool analyse_subquery(analyse_state *parent, rdb_analysis *analysis, const rdb_ast_node *raw, rdb_cte *cte,
                                  bool locked_by_parent, bool keep_unknown, rdb_query **query, rdb_error *err);
RDB_CHECKED bool analyse_select(analyse_state *state, const rdb_ast_select *raw, rdb_error *err);
RDB_CHECKED bool analyse_values(analyse_state *state, const rdb_ast_select *raw, rdb_error *err);
RDB_CHECKED bool analyse_set_operations(analyse_state *state, const rdb_ast_select *raw, rdb_error *err);
RDB_CHECKED bool analyse_with(analyse_state *state, const rdb_ast_with *with, rdb_error *err);
/* analyse_recursion.c. A WITH RECURSIVE item names itself only where it may. */
RDB_CHECKED bool analyse_check_recursion(const analyse_state *state, const rdb_ast_cte *raw, rdb_error *err);
/* analyse_search.c. A WITH item that has SEARCH or CYCLE, written without them; added: columns that they add behind its own. */
RDB_CHECKED bool analyse_add_search(analyse_state *owner, const rdb_ast_cte *raw, bool may_recurse, const rdb_ast_cte **written, uint32_t *added, rdb_error *err);
/* A WITH item about to be named: analysed now if it was not yet. owner: the state that holds it. */
RDB_CHECKED bool analyse_use_cte(analyse_state *owner, rdb_cte *cte, int32_t location, bool *is_self, rdb_error *err);
RDB_CHECKED bool analyse_where(analyse_state *state, const rdb_ast_node *raw, analyse_clause clause, const char *construct, rdb_expr **expr, rdb_error *err);
RDB_CHECKED bool analyse_limit(analyse_state *state, const rdb_ast_node *raw, analyse_clause clause, const char *construct, bool with_ties, rdb_expr **expr, rdb_error *err);
RDB_CHECKED bool analyse_locking(analyse_state *state, const rdb_ast_locking *locking, bool pushed_down, rdb_error *err);
const char *analyse_lock_name(uint32_t strength); /* "FOR UPDATE" */
/* FOR UPDATE and its kin of a view: marks in its query. */
RDB_CHECKED bool analyse_lock_view(rdb_arena *arena, const rdb_row_mark *mark, rdb_query *view, rdb_error *err);

/* analyse.c: a statement into state->query. */
RDB_CHECKED bool analyse_body(analyse_state *state, const rdb_ast_node *raw, rdb_error *err);
/* analyse_rule.c: old and new as ranges 1 and 2. */
RDB_CHECKED bool analyse_begin_rule(analyse_state *state, const analyse_rule *rule, bool columns_visible, rdb_error *err);
/* An INSERT that came to the table through a view: columns that take no values are given none. */
RDB_CHECKED bool analyse_check_written(const rdb_query *query, const rdb_relation *relation, rdb_error *err);
/* What a column gets that is given no value; *expr NULL: null. */
RDB_CHECKED bool analyse_default(rdb_analysis *analysis, const rdb_relation *relation, int16_t number, rdb_expr **expr, rdb_error *err);
RDB_CHECKED bool analyse_insert(analyse_state *state, const rdb_ast_insert *raw, rdb_error *err);
/* For an INSERT that came to its table through a view. */
RDB_CHECKED bool analyse_add_identities(rdb_analysis *analysis, rdb_query *query, const rdb_relation *relation, rdb_error *err);
RDB_CHECKED bool analyse_update(analyse_state *state, const rdb_ast_update *raw, rdb_error *err);
/* WHERE CURRENT OF; and a cursor's query made ready for it. */
RDB_CHECKED bool analyse_current_of(analyse_state *state, const rdb_ast_current_of *raw, rdb_expr **expr, rdb_error *err);
RDB_CHECKED bool analyse_mark_rows(rdb_analysis *analysis, rdb_query *query, rdb_error *err);
RDB_CHECKED bool analyse_delete(analyse_state *state, const rdb_ast_delete *raw, rdb_error *err);
RDB_CHECKED bool analyse_merge(analyse_state *state, const rdb_ast_merge *raw, rdb_error *err);
/* WHEN NOT MATCHED THEN INSERT: the targets go to state->query->targets. */
RDB_CHECKED bool analyse_insert_action(analyse_state *state, const rdb_ast_merge_when *when, analyse_item *table, rdb_error *err);
RDB_CHECKED bool analyse_returning(analyse_state *state, const rdb_list *raw, rdb_error *err);
/* analyse_assign.c. The value that goes into a column: assignment coercion, subscripts and fields below it. so_far: what other
 * parts of the column were assigned already, or NULL. */
RDB_CHECKED bool analyse_assignment(analyse_state *state, rdb_expr *value, analyse_clause clause, const char *column_name,
                                    const analyse_item *table, int16_t number, const rdb_list *indirection, rdb_expr *so_far,
                                    int32_t location, rdb_expr **expr, rdb_error *err);
/* DEFAULT where a value can stand. */
RDB_CHECKED bool analyse_value(analyse_state *state, const rdb_ast_node *raw, analyse_clause clause, rdb_expr **expr, rdb_error *err);
/* SET column = value, ...: UPDATE's list and DO UPDATE's. */
RDB_CHECKED bool analyse_set(analyse_state *state, const rdb_list *raw, const analyse_item *table, rdb_list *targets, rdb_error *err);
/* analyse_conflict.c */
RDB_CHECKED bool analyse_on_conflict(analyse_state *state, const rdb_ast_on_conflict *raw, analyse_item *table, rdb_error *err);
/* Which unique indexes the clause means, when the table is known that is written to: views are behind. */
RDB_CHECKED bool analyse_infer_arbiters(rdb_analysis *analysis, rdb_query *query, rdb_error *err);
RDB_CHECKED bool analyse_multi_assign(analyse_state *state, const rdb_ast_multi_assign *raw, rdb_expr **expr, rdb_error *err);

/* PostgreSQL's privilege bits. */
enum { ANALYSE_ACL_INSERT = 1, ANALYSE_ACL_SELECT = 2, ANALYSE_ACL_UPDATE = 4, ANALYSE_ACL_DELETE = 8 };
void analyse_mark_column(const analyse_state *state, uint64_t **bits, const rdb_range *range, int32_t number);

#endif
