/* SPDX-License-Identifier: Apache-2.0
 * Extensions that come with the server: what CREATE EXTENSION writes into the catalog, and the functions behind it. They are C
 * functions of a library by name ('$libdir/pgcrypto', 'pg_digest'), as in PostgreSQL, so that dumps and clients see the same rows;
 * the handler of language C knows these libraries and no others. */
#ifndef RDB_EXPR_EXTENSION_H
#define RDB_EXPR_EXTENSION_H

#include "expr/kernels.h"

/* One call; nulls are the caller's where the function is strict. */
typedef bool (*extension_function)(rdb_call *call, uint32_t count, const rdb_datum *a, const bool *nulls, rdb_datum *r, bool *is_null);
#define EXTENSION_FUNCTION(name)                                                                                                   \
    static bool name(__attribute__((unused)) rdb_call *call, __attribute__((unused)) uint32_t count, __attribute__((unused)) const rdb_datum *a, \
                     __attribute__((unused)) const bool *nulls, __attribute__((unused)) rdb_datum *r, __attribute__((unused)) bool *is_null)
typedef struct rdb_extension_routine {
    const char *name, *arguments /* types, by blanks */, *result, *source;
    extension_function function;
    char volatility; /* i s v */
    bool is_not_strict;
} rdb_extension_routine;
typedef struct rdb_extension_operator { /* after the routines; a commutator that comes later is met when it comes */
    const char *name, *left, *right, *result, *function, *commutator;
    bool estimates_matches; /* matchingsel, matchingjoinsel */
} rdb_extension_operator;
/* An operator class with a family of its own name. What it does is the term class of its support function (type/rdb_terms.h). */
typedef struct rdb_extension_member {
    int16_t strategy;
    const char *operator, *left, *right; /* types; the operator is the extension's own or of pg_catalog */
} rdb_extension_member;
typedef struct rdb_extension_class {
    const char *name, *type, *stored; /* stored: NULL: the type itself */
    uint32_t method_oid;
    bool is_default;
    const char *support;              /* a routine of the extension */
    const rdb_extension_member *members;
    uint32_t count;
} rdb_extension_class;
typedef struct rdb_extension {
    const char *name, *version, *comment, *library;
    const rdb_extension_routine *routines;
    uint32_t count;
    const rdb_extension_operator *operators;
    uint32_t operator_count;
    const rdb_extension_class *classes;
    uint32_t class_count;
} rdb_extension;
/* What indexes call and nobody else may: its arguments are of type internal. */
bool extension_support(rdb_call *call, uint32_t count, const rdb_datum *a, const bool *nulls, rdb_datum *r, bool *is_null);

const rdb_extension *rdb_extension_find(const char *name);          /* NULL: there is none */
const rdb_extension *rdb_extension_get(uint32_t number);            /* NULL: there are no more */
/* PostgreSQL's own scripts that make it, in turn; then its routines only say what its C functions are. *count 0: there are none. */
const rdb_catalog_script_name *rdb_extension_scripts(const rdb_extension *extension, uint32_t *count);
const char *rdb_extension_script(const rdb_extension *extension); /* one of ours that makes it; NULL: there is none */
extern const char extension_statements_script[];
void expr_register_extensions(void);

void extension_trgm_register(void);
void extension_citext_register(void);
extern const rdb_extension extension_crypto, extension_uuid, extension_trgm, extension_citext, extension_fuzzy, extension_unaccent, extension_btree_gist, extension_btree_gin, extension_statements;

/* Bytes as a value, copied. */
bool extension_bytes(rdb_call *call, const void *bytes, size_t length, rdb_datum *r);

#endif
