/* SPDX-License-Identifier: Apache-2.0
 * The one error type. A function that can fail returns false and fills the rdb_error its caller handed down; nothing
 * is thrown, nothing is thread-local. The first error stays: setting a second one over it is a no-op, so that a failing
 * clean-up cannot hide the cause. The bytes stand inline, so that an error can be told without memory; a message longer
 * than its field is kept whole in a heap buffer when there is memory for it and cut when there is not. */
#ifndef RDB_ERROR_H
#define RDB_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RDB_CHECKED __attribute__((warn_unused_result))
#define RDB_PRINTF(format_no, first_no) __attribute__((format(printf, format_no, first_no)))

/* RDB_SYNTAX_ERROR and its kin: five-character SQLSTATE strings. The names stand in errcodes.def. */
#include "base/errcodes.h"

/* The wire's optional fields that name the object at fault; each is set by rdb_error_name. */
typedef enum rdb_error_field {
    RDB_ERROR_SCHEMA,
    RDB_ERROR_TABLE,
    RDB_ERROR_COLUMN,
    RDB_ERROR_DATATYPE,
    RDB_ERROR_CONSTRAINT,
    RDB_ERROR_FIELD_COUNT
} rdb_error_field;

typedef struct rdb_error {
    char sqlstate[6];                        /* "" while all is well */
    char message[512];                       /* lower case, no final period; PostgreSQL's words where it has them */
    char detail[1024];                       /* facts, in sentences */
    char hint[512];                          /* what the reader can try next */
    char names[RDB_ERROR_FIELD_COUNT][64];   /* "" where unset */
    int32_t position;                        /* 1-based character in the statement, 0 = unknown */
    int32_t internal_position;               /* the same in internal_query */
    char *context;                           /* call stack of functions, newest first, '\n' between; heap, or NULL */
    char *internal_query;                    /* text of a nested statement; heap, or NULL */
    char *long_message, *long_detail;        /* the whole text where it outgrew its field; heap, or NULL */
} rdb_error;

/* All fields unset: first bytes and pointers, which is all that anyone looks at. rdb_error err = {0}; does the same for a fresh one
 * and costs 3 KB of stores: not for paths that every statement takes. */
static inline void rdb_error_init(rdb_error *err)
{
    err->sqlstate[0] = err->message[0] = err->detail[0] = err->hint[0] = '\0';
    for (int field = 0; field < RDB_ERROR_FIELD_COUNT; field++)
        err->names[field][0] = '\0';
    err->position = err->internal_position = 0;
    err->context = err->internal_query = err->long_message = err->long_detail = NULL;
}
void rdb_error_free(rdb_error *err);
/* Frees what the error owns and unsets it; for reuse and at the end of its life. An unset error owns nothing. */
static inline void rdb_error_clear(rdb_error *err)
{
    if (err->sqlstate[0] != '\0')
        rdb_error_free(err);
}

/* A caller that wants no text hands down NULL. Each returns false, so that "return rdb_error_set(...)" reads well. */
bool rdb_error_set(rdb_error *err, const char sqlstate[6], const char *format, ...) RDB_PRINTF(3, 4);
bool rdb_error_set_va(rdb_error *err, const char sqlstate[6], const char *format, va_list arguments);
/* As rdb_error_set, with ": <strerror>" appended and the SQLSTATE chosen by errno_value (ENOSPC 53100, ENOENT 58P01,
 * EACCES 42501, other 58030). */
bool rdb_error_set_errno(rdb_error *err, int errno_value, const char *format, ...) RDB_PRINTF(3, 4);
/* These add to the error just set; on an unset error they do nothing. Return false too. */
bool rdb_error_detail(rdb_error *err, const char *format, ...) RDB_PRINTF(2, 3);
bool rdb_error_hint(rdb_error *err, const char *format, ...) RDB_PRINTF(2, 3);
bool rdb_error_name(rdb_error *err, rdb_error_field field, const char *name);
/* Sets the position where none is set yet: an inner, more precise one stays. */
bool rdb_error_position(rdb_error *err, int32_t position);
void rdb_error_add_context(rdb_error *err, const char *format, ...) RDB_PRINTF(2, 3);

static inline bool rdb_error_is_set(const rdb_error *err)
{
    return err->sqlstate[0] != '\0';
}
bool rdb_error_is(const rdb_error *err, const char sqlstate[6]);
/* The whole text, wherever it is kept. */
const char *rdb_error_message(const rdb_error *err);
const char *rdb_error_detail_text(const rdb_error *err);
/* Moves the error (with what it owns) to target, which must be unset; source becomes unset. */
void rdb_error_move(rdb_error *target, rdb_error *source);

/* RDB_ASSERT: our own mistakes, gone in release builds. RDB_VERIFY: stays, and ends the process before a wrong byte can
 * reach the disk. Bytes from outside are never asserted: they get an error. */
_Noreturn void rdb_verify_failed(const char *expression, const char *file, int line, const char *function);
#define RDB_VERIFY(expression) \
    ((expression) ? (void)0 : rdb_verify_failed(#expression, __FILE__, __LINE__, __func__))
#ifdef NDEBUG
#define RDB_ASSERT(expression) ((void)sizeof(expression))
#else
#define RDB_ASSERT(expression) RDB_VERIFY(expression)
#endif

#endif
