/* SPDX-License-Identifier: Apache-2.0
 * A connection to a server in protocol version 3, as far as a shell needs it: start-up with TLS and passwords, the simple
 * query, COPY in both directions, notices, and cancelling. One thread; whatever the server sends is bounded and checked. */
#ifndef RDB_CLI_CLIENT_H
#define RDB_CLI_CLIENT_H

#include "base/rdb_base.h"

#include <signal.h>
#include <sys/types.h>

typedef struct cli_client cli_client;

typedef enum cli_tls {
    CLI_TLS_PREFER,
    CLI_TLS_REQUIRE,
    CLI_TLS_DISABLE
} cli_tls;

typedef struct cli_target {
    const char *host; /* a name or an address; beginning with '/': the whole path of a Unix socket */
    uint16_t port;    /* unused with a Unix socket */
    const char *user, *database;
    const char *authority_path; /* the certificate that must have signed the server's; NULL: not verified */
    cli_tls tls;                /* of TCP only */
    bool has_own_server;        /* embedded: fd is a socket to a server of our own, which the client then owns; host only names it */
    int fd;
    pid_t server_pid;           /* of that server; SIGUSR1 is its cancel request */
    /* Asked at most once, when the server wants a password; false: there is none. */
    bool (*ask_password)(const char *user, char *password, size_t size);
} cli_target;

typedef struct cli_column {
    const char *name;
    uint32_t type; /* OID */
} cli_column;

typedef struct cli_value {
    const char *text; /* not terminated; until the next message */
    int32_t length;   /* -1: NULL */
} cli_value;

typedef struct cli_notice {
    const char *severity, *sqlstate, *message, *detail, *hint; /* "" where unset */
} cli_notice;

/* Where the parts of an answer go, in the order in which they come. */
typedef struct cli_sink {
    bool (*begin_rows)(void *at, const cli_column *columns, uint32_t column_count, rdb_error *err);
    bool (*take_row)(void *at, const cli_value *values, uint32_t column_count, rdb_error *err);
    bool (*end_command)(void *at, const char *tag, rdb_error *err);
    bool (*take_copy)(void *at, const void *bytes, size_t length, rdb_error *err);
    /* The next bytes for COPY FROM STDIN; *length 0 ends them. */
    bool (*give_copy)(void *at, const void **bytes, size_t *length, rdb_error *err);
    void (*take_notice)(const cli_notice *notice);
} cli_sink;

/* Set by the handler of SIGINT; a running statement is then cancelled, once, and the flag stays for the caller. */
extern volatile sig_atomic_t cli_interrupted;

RDB_CHECKED bool cli_client_open(cli_client **client, const cli_target *target, const cli_sink *sink, rdb_error *err);
void cli_client_close(cli_client **client); /* NULL inside is fine */
/* Runs the text and takes its whole answer. False: err is the server's own error (or that of a sink, or 08xxx). */
RDB_CHECKED bool cli_client_query(cli_client *client, const char *sql, const cli_sink *sink, void *at, rdb_error *err);
bool cli_client_is_open(const cli_client *client); /* NULL is not; false after the server or the network ended it */
char cli_client_transaction_state(const cli_client *client); /* 'I' idle, 'T' inside, 'E' failed */
bool cli_client_is_encrypted(const cli_client *client);
const char *cli_client_server_version(const cli_client *client); /* "" where the server did not say */

#endif
