/* SPDX-License-Identifier: Apache-2.0
 * Routines written in a language: one table of language handlers, and statements that run inside a statement (R52).
 *
 * A call in an expression or in FROM is a site. A language keeps what it prepared (trees, plans, operators) at the site, so
 * that a call for each row prepares nothing anew. Sites may stand inside one another to any depth and a session may have any
 * number of them at work: nothing here, and nothing in a handler, is global to a session or a thread.
 *
 * What a statement of a routine runs under is its own: its snapshot (a place in the transaction's own undo of its own), its
 * arenas, its error context. The transaction and its locks are the caller's. */
#ifndef RDB_ROUTINE_H
#define RDB_ROUTINE_H

#include "expr/rdb_expr.h"

#define RDB_LANGUAGE_INTERNAL 12u
#define RDB_LANGUAGE_C 13u
#define RDB_LANGUAGE_SQL 14u

typedef struct rdb_language rdb_language;
typedef struct rdb_routine_site {
    const rdb_language *language;
    const rdb_function *function;
    const rdb_type *const *argument_types; /* as the call has them: nothing polymorphic is left */
    uint32_t argument_count;
    const rdb_type *result_type;
    const rdb_type *const *column_types;   /* of a record whose columns the call names; column_count 0: it names none */
    const int32_t *column_typmods;         /* beside column_types, or NULL */
    uint32_t column_count;
    uint32_t collation;
    rdb_arena *arena;                      /* lives as long as the site */
    void *state;                           /* the language's; NULL at first */
    struct rdb_routine_site *next;         /* in the list of the execution that it belongs to */
    bool is_listed;
} rdb_routine_site;

struct rdb_language {
    uint32_t oid; /* of pg_language */
    const char *name;
    /* One call that gives one value. Bytes of the value live in arena. arguments: argument_count of them. */
    bool (*call)(rdb_routine_site *site, rdb_eval *eval, const rdb_parameter *arguments, rdb_arena *arena, rdb_datum *value, bool *is_null, rdb_error *err);
    /* One call that gives rows: begin, then next until it gives none. as_row: the row is one column, a value of the result
     * type; else the columns are the row's fields, or the one value of a function that returns no row. Bytes live in arena. */
    bool (*begin)(rdb_routine_site *site, rdb_eval *eval, const rdb_parameter *arguments, rdb_error *err);
    bool (*next)(rdb_routine_site *site, rdb_eval *eval, rdb_arena *arena, bool as_row, rdb_vector **columns, uint32_t column_count, uint32_t capacity,
                 uint32_t *count, rdb_error *err);
    void (*end)(rdb_routine_site *site);   /* the call is over, perhaps early; what was prepared stays */
    void (*close)(rdb_routine_site *site); /* the site is over */
};
/* Upper rooms add theirs at start, before any session runs; the table keeps the pointer. */
void rdb_language_register(const rdb_language *language);
const rdb_language *rdb_language_find(uint32_t oid); /* NULL: none */
/* Can a call of this function be run at all: by a kernel or by a language? */
bool rdb_function_can_run(const rdb_function *function);
/* 42501 where the access's role may not call it. */
RDB_CHECKED bool rdb_function_check_execute(const rdb_eval *eval, const rdb_function *function, rdb_error *err);

/* A site for a call: 0A000 where there is no handler, 42501 where the access's role may not call the function. */
RDB_CHECKED bool rdb_routine_site_make(rdb_routine_site *site, const rdb_function *function, rdb_eval *eval, rdb_arena *arena, rdb_error *err);
/* The execution's end: every site that was called in it. */
void rdb_routine_sites_end(rdb_routine_site *first);
void rdb_routine_sites_close(rdb_routine_site **first);
/* To be said before a site's language keeps something that must be closed. False: there is nobody to close it later, so it is
 * closed at the end of the call. */
bool rdb_routine_site_keep(rdb_routine_site *site, rdb_eval *eval);
/* The kernel of a step that calls a routine; *call->state is the site. */
bool rdb_routine_kernel(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection);

/* 54001 where calls are nested too deeply. */
RDB_CHECKED bool rdb_routine_check_depth(const rdb_eval *eval, rdb_error *err);

/* What a routine's statement asks of the session: set once, at start, by the room that has sessions. */
struct rdb_ast_node;
typedef struct rdb_nested_statements {
    /* A statement of the routine's body that is no plan (DDL, SET, ...), with the names as access sees them. */
    bool (*run_utility)(void *session, rdb_access *access, const rdb_function *routine, struct rdb_ast_node *statement, const rdb_parameter *parameters,
                        uint32_t parameter_count, rdb_error *err);
    /* SECURITY DEFINER and SET ... of a function: *role_oid 0 and configuration NULL leave things as they are. leave undoes it. */
    bool (*enter)(void *session, uint32_t role_oid, const char *const *configuration, uint32_t count, void **saved, rdb_error *err);
    void (*leave)(void *session, void *saved);
    /* Who and where one is now. */
    void (*describe)(void *session, rdb_access_context *context, const char **current_user);
    /* The value of a setting, as SHOW gives it. */
    bool (*get_setting)(void *session, const char *name, rdb_arena *arena, const char **value, rdb_error *err);
} rdb_nested_statements;
void rdb_nested_set(const rdb_nested_statements *nested);
const rdb_nested_statements *rdb_nested_get(void); /* NULL: there are no sessions */

#endif
