/* SPDX-License-Identifier: Apache-2.0
 * Where the server is: behind an instance's Unix socket, behind a host's, over TCP, or, where nobody serves the instance,
 * started for this shell alone and gone with it. */
#ifndef RDB_CLI_CONNECT_H
#define RDB_CLI_CONNECT_H

#include "client.h"

typedef struct cli_place {
    char *home, *host; /* one of the two */
    uint16_t port;
    bool port_given;
    char *user, *database;
    const char *authority_path;
    cli_tls tls;
    bool (*ask_password)(const char *user, char *password, size_t size);
    pid_t server_pid; /* the server of our own, 0: none */
    char *address;    /* what the connection goes to, for people */
} cli_place;

/* Connects. False: err says why, and *exit_code what the program ends with. */
RDB_CHECKED bool cli_connect(cli_client **client, cli_place *place, const cli_sink *sink, int *exit_code, rdb_error *err);
/* Ends the connection, and waits for a server of our own to close the instance. */
void cli_disconnect(cli_client **client, cli_place *place);
void cli_place_free(cli_place *place);

#endif
