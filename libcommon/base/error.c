/* SPDX-License-Identifier: Apache-2.0
 * The error type. What always holds: sqlstate is "" or complete; the inline fields are always terminated and cut at a
 * character, never inside one; a heap text exists only beside the cut inline copy of itself. */
#include "base/rdb_error.h"

#include "base/rdb_incident.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where to cut text so that at most bytes_max bytes remain and no UTF-8 character is split. */
static size_t cut_at_character(const char *text, size_t length, size_t bytes_max)
{
    if (length <= bytes_max)
        return length;
    size_t cut = bytes_max;
    while (cut > 0 && ((unsigned char)text[cut] & 0xC0) == 0x80)
        cut--;
    return cut;
}

/* Formats into the field; a text that outgrows it is kept whole in *whole too, when there is memory. */
static void format_field(char *field, size_t field_bytes, char **whole, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(field, field_bytes, format, arguments);
    if (length < 0) {
        field[0] = '\0';
    } else if ((size_t)length >= field_bytes) {
        if (whole != NULL && *whole == NULL) {
            *whole = malloc((size_t)length + 1);
            if (*whole != NULL)
                vsnprintf(*whole, (size_t)length + 1, format, again);
        }
        /* vsnprintf cut at a byte; step back where the last character is not whole */
        size_t end = field_bytes - 1, start = end;
        while (start > 0 && ((unsigned char)field[start - 1] & 0xC0) == 0x80)
            start--;
        if (start > 0 && (unsigned char)field[start - 1] >= 0xC0) {
            unsigned char first = (unsigned char)field[start - 1];
            size_t needed = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
            if (end - (start - 1) < needed)
                field[start - 1] = '\0';
        }
    }
    va_end(again);
}

void rdb_error_free(rdb_error *err)
{
    free(err->context);
    free(err->internal_query);
    free(err->long_message);
    free(err->long_detail);
    rdb_error_init(err);
}

bool rdb_error_set_va(rdb_error *err, const char sqlstate[6], const char *format, va_list arguments)
{
    if (err == NULL || rdb_error_is_set(err))
        return false;
    format_field(err->message, sizeof err->message, &err->long_message, format, arguments);
    memcpy(err->sqlstate, sqlstate, 5);
    err->sqlstate[5] = '\0';
    return false;
}

bool rdb_error_set(rdb_error *err, const char sqlstate[6], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    rdb_error_set_va(err, sqlstate, format, arguments);
    va_end(arguments);
    return false;
}

bool rdb_error_set_errno(rdb_error *err, int errno_value, const char *format, ...)
{
    if (err == NULL || rdb_error_is_set(err))
        return false;
    const char *sqlstate = RDB_IO_ERROR;
    switch (errno_value) {
    case ENOSPC:
    case EDQUOT:
        sqlstate = RDB_DISK_FULL;
        break;
    case ENOENT:
        sqlstate = RDB_UNDEFINED_FILE;
        break;
    case EEXIST:
        sqlstate = RDB_DUPLICATE_FILE;
        break;
    case EACCES:
    case EPERM:
        sqlstate = RDB_INSUFFICIENT_PRIVILEGE;
        break;
    case ENOMEM:
        sqlstate = RDB_OUT_OF_MEMORY;
        break;
    default:
        break;
    }
    char reason[128];
#if defined(_GNU_SOURCE)
    const char *told = strerror_r(errno_value, reason, sizeof reason);
#else
    const char *told = strerror_r(errno_value, reason, sizeof reason) == 0 ? reason : "unknown error";
#endif
    char what[sizeof err->message];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length + strlen(told) + 3 > sizeof what) {
        /* the reason is worth more than the end of a long path */
        size_t room = sizeof what - strlen(told) - 6;
        what[cut_at_character(what, strlen(what), room)] = '\0';
        return rdb_error_set(err, sqlstate, "%s...: %s", what, told);
    }
    return rdb_error_set(err, sqlstate, "%s: %s", what, told);
}

bool rdb_error_detail(rdb_error *err, const char *format, ...)
{
    if (err == NULL || !rdb_error_is_set(err))
        return false;
    if (err->detail[0] != '\0')
        return false;
    va_list arguments;
    va_start(arguments, format);
    format_field(err->detail, sizeof err->detail, &err->long_detail, format, arguments);
    va_end(arguments);
    return false;
}

bool rdb_error_hint(rdb_error *err, const char *format, ...)
{
    if (err == NULL || !rdb_error_is_set(err) || err->hint[0] != '\0')
        return false;
    va_list arguments;
    va_start(arguments, format);
    format_field(err->hint, sizeof err->hint, NULL, format, arguments);
    va_end(arguments);
    return false;
}

bool rdb_error_name(rdb_error *err, rdb_error_field field, const char *name)
{
    if (err == NULL || !rdb_error_is_set(err) || name == NULL || err->names[field][0] != '\0')
        return false;
    size_t length = cut_at_character(name, strlen(name), sizeof err->names[field] - 1);
    memcpy(err->names[field], name, length);
    err->names[field][length] = '\0';
    return false;
}

bool rdb_error_position(rdb_error *err, int32_t position)
{
    if (err != NULL && rdb_error_is_set(err) && err->position == 0)
        err->position = position;
    return false;
}

void rdb_error_add_context(rdb_error *err, const char *format, ...)
{
    if (err == NULL || !rdb_error_is_set(err))
        return;
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length >= 0) {
        /* Added while the stack unwinds: the frame added last is the outermost and stands last. */
        size_t before = err->context != NULL ? strlen(err->context) : 0;
        char *grown = realloc(err->context, before + (size_t)length + 2);
        if (grown != NULL) {
            if (before > 0)
                grown[before++] = '\n';
            vsnprintf(grown + before, (size_t)length + 1, format, again);
            err->context = grown;
        }
    }
    va_end(again);
}

bool rdb_error_is(const rdb_error *err, const char sqlstate[6])
{
    return memcmp(err->sqlstate, sqlstate, 5) == 0;
}

const char *rdb_error_message(const rdb_error *err)
{
    return err->long_message != NULL ? err->long_message : err->message;
}

const char *rdb_error_detail_text(const rdb_error *err)
{
    return err->long_detail != NULL ? err->long_detail : err->detail;
}

void rdb_error_move(rdb_error *target, rdb_error *source)
{
    *target = *source;
    rdb_error_init(source);
}

void rdb_verify_failed(const char *expression, const char *file, int line, const char *function)
{
    char told[512];
    snprintf(told, sizeof told, "verify failed: %s, %s:%d, %s()", expression, file, line, function);
    fprintf(stderr, "%s\n", told);
    fflush(stderr);
    rdb_incident_set_reason(told);
    abort();
}
