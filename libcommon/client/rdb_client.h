/* SPDX-License-Identifier: Apache-2.0
 * Room client: a connection to a server in protocol version 3, as far as programs of this house need it (start-up with TLS and
 * passwords, the simple query, COPY in both directions, notices, cancelling), and where the server is. One thread; whatever the
 * server sends is bounded and checked. */
#ifndef RDB_CLIENT_H
#define RDB_CLIENT_H

#include "base/rdb_base.h"
#include "base/rdb_options.h"

#include <signal.h>
#include <sys/types.h>

typedef struct rdb_client rdb_client;

typedef enum rdb_client_tls {
    RDB_CLIENT_TLS_PREFER,
    RDB_CLIENT_TLS_REQUIRE,
    RDB_CLIENT_TLS_DISABLE
} rdb_client_tls;

typedef struct rdb_client_target {
    const char *host; /* a name or an address; beginning with '/': the whole path of a Unix socket */
    uint16_t port;    /* unused with a Unix socket */
    const char *user, *database;
    const char *authority_path; /* the certificate that must have signed the server's; NULL: not verified */
    rdb_client_tls tls;                /* of TCP only */
    bool has_own_server;        /* embedded: fd is a socket to a server of our own, which the client then owns; host only names it */
    int fd;
    pid_t server_pid;           /* of that server; SIGUSR1 is its cancel request */
    int64_t deadline_us;        /* of rdb_time_monotonic_us; behind it every wait fails with 08006 and the connection is over. 0: none */
    /* Asked at most once, when the server wants a password; false: there is none. */
    bool (*ask_password)(const char *user, char *password, size_t size);
} rdb_client_target;

typedef struct rdb_client_column {
    const char *name;
    uint32_t type; /* OID */
} rdb_client_column;

typedef struct rdb_client_value {
    const char *text; /* not terminated; until the next message */
    int32_t length;   /* -1: NULL */
} rdb_client_value;

typedef struct rdb_client_notice {
    const char *severity, *sqlstate, *message, *detail, *hint; /* "" where unset */
} rdb_client_notice;

/* Where the parts of an answer go, in the order in which they come; a part whose function is NULL goes nowhere, and COPY FROM STDIN then has no
 * data. */
typedef struct rdb_client_sink {
    bool (*begin_rows)(void *at, const rdb_client_column *columns, uint32_t column_count, rdb_error *err);
    bool (*take_row)(void *at, const rdb_client_value *values, uint32_t column_count, rdb_error *err);
    bool (*end_command)(void *at, const char *tag, rdb_error *err);
    bool (*take_copy)(void *at, const void *bytes, size_t length, rdb_error *err);
    /* The next bytes for COPY FROM STDIN; *length 0 ends them. */
    bool (*give_copy)(void *at, const void **bytes, size_t *length, rdb_error *err);
    void (*take_notice)(const rdb_client_notice *notice);
} rdb_client_sink;

/* Set by the handler of SIGINT; a running statement is then cancelled, once, and the flag stays for the caller. */
extern volatile sig_atomic_t rdb_client_interrupted;

RDB_CHECKED bool rdb_client_open(rdb_client **client, const rdb_client_target *target, const rdb_client_sink *sink, rdb_error *err);
void rdb_client_close(rdb_client **client); /* NULL inside is fine */
/* Runs the text and takes its whole answer. False: err is the server's own error (or that of a sink, or 08xxx). */
RDB_CHECKED bool rdb_client_query(rdb_client *client, const char *sql, const rdb_client_sink *sink, void *at, rdb_error *err);
void rdb_client_set_deadline(rdb_client *client, int64_t deadline_us);
bool rdb_client_is_open(const rdb_client *client); /* NULL is not; false after the server or the network ended it */
char rdb_client_transaction_state(const rdb_client *client); /* 'I' idle, 'T' inside, 'E' failed */
bool rdb_client_is_encrypted(const rdb_client *client);
const char *rdb_client_server_version(const rdb_client *client); /* "" where the server did not say */
/* The same for a query whose rows are few: items of *rows are const char **, NULLs as NULL, in the arena. Notices go to stderr. */
RDB_CHECKED bool rdb_client_rows(rdb_client *client, const char *sql, rdb_arena *arena, rdb_list *rows, rdb_error *err);
/* A sink that does nothing, for statements whose rows nobody wants. */
extern const rdb_client_sink RDB_CLIENT_SILENT;
/* text as a literal of SQL, quotes and all. */
void rdb_client_add_literal(rdb_strbuf *sql, const char *text);

/* ---- places: place.c ------------------------------------------------------------------------------------------------------ */
/* Behind an instance's Unix socket, behind a host's, over TCP, or, where nobody serves the instance, a server started for this
 * program alone and gone with it. */
typedef struct rdb_client_place {
    char *home, *host; /* one of the two */
    uint16_t port;
    bool port_given;
    char *user, *database;
    const char *authority_path;
    rdb_client_tls tls;
    int64_t deadline_us; /* as in rdb_client_target */
    bool only_served;  /* home: a server of our own is not wanted: 08001 where nobody serves it */
    bool (*ask_password)(const char *user, char *password, size_t size);
    pid_t server_pid; /* the server of our own, 0: none */
    char *address;    /* what the connection goes to, for people */
} rdb_client_place;

/* Connects. False: err says why, and *exit_code what the program ends with. */
RDB_CHECKED bool rdb_client_connect(rdb_client **client, rdb_client_place *place, const rdb_client_sink *sink, int *exit_code, rdb_error *err);
/* Ends the connection, and waits for a server of our own to close the instance. */
void rdb_client_disconnect(rdb_client **client, rdb_client_place *place);
void rdb_client_place_free(rdb_client_place *place);

/* ---- the command line: arguments.c ---------------------------------------------------------------------------------------- */
/* What every client program can be told about the server: fields for its arguments, rows for its option table. */
typedef struct rdb_client_arguments {
    const char *home, *host, *user, *tls, *authority, *password_file;
    int64_t port;
    bool home_given, host_given, port_given;
} rdb_client_arguments;
extern const char *const RDB_CLIENT_TLS_MODES[];
#define RDB_CLIENT_OPTIONS(type, member)                                                                                                                   \
    {.letter = 'H', .name = "home", .value = "DIR", .field = RDB_OPTION_FIELD(type, member.home), .given = RDB_OPTION_FIELD(type, member.home_given),     \
     .environment = "RUSTYDB_HOME", .help = "instance directory (or RUSTYDB_HOME): connect to its Unix socket, or open it where no server runs"},         \
    {.letter = 'h', .name = "host", .value = "HOST", .field = RDB_OPTION_FIELD(type, member.host), .given = RDB_OPTION_FIELD(type, member.host_given),    \
     .environment = "PGHOST", .help = "connect to HOST over TCP, or to a directory of Unix sockets"},                                                     \
    {.letter = 'p', .name = "port", .kind = RDB_OPT_COUNT, .value = "N", .field = RDB_OPTION_FIELD(type, member.port),                                     \
     .given = RDB_OPTION_FIELD(type, member.port_given), .environment = "PGPORT", .standard = "5432", .min = 1, .max = 65535,                             \
     .help = "TCP port, or number of the Unix socket"},                                                                                                    \
    {.letter = 'U', .name = "user", .value = "NAME", .aliases = "username", .field = RDB_OPTION_FIELD(type, member.user), .environment = "PGUSER",         \
     .standard = "admin", .help = "role to connect as"},                                                                                                   \
    {.name = "password-file", .value = "FILE", .field = RDB_OPTION_FIELD(type, member.password_file),                                                      \
     .help = "take the password from the first line of FILE; otherwise from PGPASSWORD or the terminal"},                                                 \
    {.name = "tls", .kind = RDB_OPT_CHOICE, .value = "MODE", .choices = RDB_CLIENT_TLS_MODES, .field = RDB_OPTION_FIELD(type, member.tls),                 \
     .standard = "prefer", .help = "encryption over TCP: prefer, require or disable"},                                                                     \
    {.name = "ca", .value = "FILE", .field = RDB_OPTION_FIELD(type, member.authority), .help = "refuse a server whose certificate FILE did not sign"}

/* From the arguments to the place, with a copy of database (NULL: none yet) and a way to ask for the password. False: *exit_code, all
 * is said. The arguments outlive the connection. SIGINT is caught from now on (rdb_client_interrupted), SIGPIPE ignored. */
RDB_CHECKED bool rdb_client_place_take(rdb_client_place *place, const rdb_program *program, const rdb_client_arguments *arguments, const char *database,
                                       int *exit_code);

#endif
