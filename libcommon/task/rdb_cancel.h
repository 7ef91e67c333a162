/* SPDX-License-Identifier: Apache-2.0
 * Cancellation: a token that any thread may set and that whoever works looks at: at batch boundaries, in loops over user
 * data, and at every wait. The reason becomes the error's SQLSTATE and PostgreSQL's text. */
#ifndef RDB_CANCEL_H
#define RDB_CANCEL_H

#include "os/rdb_os.h"

typedef enum rdb_cancel_reason {
    RDB_CANCEL_NONE,
    RDB_CANCEL_USER,          /* 57014 canceling statement due to user request */
    RDB_CANCEL_TIMEOUT,       /* 57014 canceling statement due to statement timeout */
    RDB_CANCEL_TERMINATE,     /* 57P01 terminating connection due to administrator command; stays set for good */
    RDB_CANCEL_IDLE_TIMEOUT,  /* 25P03 */
    RDB_CANCEL_CLIENT_GONE    /* 08006 connection to client lost; stays set for good */
} rdb_cancel_reason;

/* The futex word that waits sleep on: cancelling wakes whoever sleeps there. */
typedef struct rdb_cancel {
    _Atomic uint32_t reason;      /* rdb_cancel_reason */
    _Atomic uint32_t is_running;  /* a statement runs: a user's cancel hits nothing between statements (R48) */
    _Atomic uint32_t client_gone, minds_client;
    int64_t deadline_us;          /* monotonic; 0: none. Written by the owner between statements */
    _Atomic(_Atomic uint32_t *) sleeper; /* what the owner sleeps on at the moment, or NULL */
} rdb_cancel;

void rdb_cancel_init(rdb_cancel *cancel);
/* The owner, around each statement. begin forgets a cancel that came between; timeout_us 0: none. */
void rdb_cancel_begin_statement(rdb_cancel *cancel, int64_t timeout_us);
void rdb_cancel_end_statement(rdb_cancel *cancel);
/* The owner, while one runs: a timeout that was turned on counts from now, one that was turned off no longer; another value waits
 * for the next begin. */
void rdb_cancel_retime_statement(rdb_cancel *cancel, int64_t timeout_us);
/* The owner: do statements end when their client goes (client_connection_check_interval)? Any thread: it has gone. */
void rdb_cancel_mind_client(rdb_cancel *cancel, bool minds);
void rdb_cancel_client_gone(rdb_cancel *cancel);
bool rdb_cancel_is_final(const rdb_cancel *cancel); /* nothing more will run */
/* Any thread. False: nothing runs, so nothing was cancelled (TERMINATE always takes). */
bool rdb_cancel_set(rdb_cancel *cancel, rdb_cancel_reason reason);
/* False with the error where it is set or the deadline has passed. NULL is never cancelled. Cheap: one relaxed load, and the
 * clock only where there is a deadline. */
RDB_CHECKED bool rdb_cancel_check(rdb_cancel *cancel, rdb_error *err);
/* Sleeps until *word is no longer expected, a wake, a cancel, or timeout_us (negative: none). event is the wait's name.
 * May return early: check both. cancel may be NULL. */
void rdb_cancel_sleep(rdb_cancel *cancel, rdb_wait event, _Atomic uint32_t *word, uint32_t expected, int64_t timeout_us);

#endif
