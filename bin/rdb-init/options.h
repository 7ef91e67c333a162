/* SPDX-License-Identifier: Apache-2.0
 * Everything a user can type after rdb-init. */
#ifndef RDB_INIT_OPTIONS_H
#define RDB_INIT_OPTIONS_H

#include "base/rdb_options.h"

typedef struct init_arguments {
    const char *home, *name, *tune;
    int64_t page_bytes, port;
    bool json, if_needed, insecure;
} init_arguments;

#define FIELD(name) RDB_OPTION_FIELD(init_arguments, name)
static const rdb_option OPTIONS[] = {
    {.letter = 'H', .name = "home", .value = "DIR", .field = FIELD(home), .environment = "RUSTYDB_HOME", .help = "instance directory to make (or RUSTYDB_HOME)"},
    {.name = "name", .value = "NAME", .field = FIELD(name), .help = "instance name; standard: the directory's name"},
    {.name = "page-size", .kind = RDB_OPT_COUNT, .value = "BYTES", .field = FIELD(page_bytes), .standard = "4096", .min = 4096, .max = 32768, .help = "bytes of a page, a power of two; fixed for the instance's life"},
    {.name = "tune", .value = "auto|small|SIZE", .field = FIELD(tune), .standard = "auto", .help = "memory for buffers: a quarter of the machine (auto, at most 1 GiB), 32 MiB (small), or a size such as 512MB"},
    {.letter = 'p', .name = "port", .kind = RDB_OPT_COUNT, .value = "N", .field = FIELD(port), .standard = "5432", .min = 1024, .max = 65535, .help = "TCP port written to the configuration"},
    {.name = "if-needed", .kind = RDB_OPT_FLAG, .field = FIELD(if_needed), .help = "an instance that is there already is fine: exit 0"},
    {.name = "insecure", .kind = RDB_OPT_FLAG, .field = FIELD(insecure), .help = "no passwords and no TLS, for development; such a server listens on loopback only"},
    {.name = "json", .kind = RDB_OPT_FLAG, .field = FIELD(json), .help = "print the result as one JSON object"},
};
#undef FIELD

static const rdb_program PROGRAM = {
    .name = "rdb-init",
    .summary = "make a RustyDB instance",
    .options = OPTIONS,
    .option_count = RDB_COUNT_OF(OPTIONS),
};

#endif
