/* SPDX-License-Identifier: Apache-2.0
 * Everything a user can type after rdb-serve. */
#ifndef RDB_SERVE_OPTIONS_H
#define RDB_SERVE_OPTIONS_H

#include "base/rdb_options.h"

typedef struct serve_arguments {
    const char *home, *config_file, *listen_host, *port, *max_connections, *buffer_pages, *log_level;
    rdb_option_list set;
    int64_t inherited_fd;
    bool status, stop, reload, check_config, json, has_inherited;
} serve_arguments;

#define FIELD(name) RDB_OPTION_FIELD(serve_arguments, name)
static const rdb_option OPTIONS[] = {
    {.letter = 'H', .name = "home", .value = "DIR", .field = FIELD(home), .environment = "RUSTYDB_HOME", .help = "instance directory (or RUSTYDB_HOME)"},
    {.letter = 'l', .name = "listen", .value = "HOST", .aliases = "host", .field = FIELD(listen_host), .help = "address to listen on: server.listen_host"},
    {.letter = 'p', .name = "port", .value = "N", .field = FIELD(port), .help = "TCP port and number of the Unix socket: server.listen_port"},
    {.name = "max-connections", .value = "N", .field = FIELD(max_connections), .help = "server.max_connections"},
    {.name = "buffer-pool-size", .value = "PAGES", .field = FIELD(buffer_pages), .help = "pages kept in memory: storage.buffer_pool_pages, before memory.shared_buffers of the files"},
    {.name = "log-level", .value = "LEVEL", .field = FIELD(log_level), .help = "logging.level: trace, debug, info, warn or error"},
    {.name = "set", .kind = RDB_OPT_LIST, .value = "SECTION.KEY=VALUE", .field = FIELD(set), .help = "set any configuration key; may be repeated"},
    {.name = "config", .value = "FILE", .field = FIELD(config_file), .help = "read FILE instead of conf/rustydb.toml"},
    {.name = "check-config", .kind = RDB_OPT_FLAG, .aliases = "validate-config check validate show-config", .field = FIELD(check_config), .help = "print the configuration that would be used and where each value comes from, and exit"},
    {.name = "inherit", .kind = RDB_OPT_COUNT, .value = "FD", .field = FIELD(inherited_fd), .given = FIELD(has_inherited), .min = 0, .max = INT32_MAX, .help = "listen nowhere: serve the connected socket FD and end with it (what rdb-cli does on an instance that is not served)"},
    {.name = "status", .kind = RDB_OPT_FLAG, .field = FIELD(status), .help = "say whether the instance is served: exit 0 when it is, 4 when it is not"},
    {.name = "stop", .kind = RDB_OPT_FLAG, .field = FIELD(stop), .help = "stop the server of the instance and wait until it is gone"},
    {.name = "reload", .kind = RDB_OPT_FLAG, .field = FIELD(reload), .help = "make the server of the instance read its configuration again"},
    {.name = "json", .kind = RDB_OPT_FLAG, .field = FIELD(json), .help = "print results as JSON"},
};
#undef FIELD

static const rdb_program PROGRAM = {
    .name = "rdb-serve",
    .summary = "serve a RustyDB instance to PostgreSQL clients",
    .options = OPTIONS,
    .option_count = RDB_COUNT_OF(OPTIONS),
    .epilog = "Signals: SIGTERM lets transactions end, then stops; SIGINT ends them; SIGQUIT stops at once; SIGHUP reloads; SIGUSR1 cancels what runs.",
};

#endif
