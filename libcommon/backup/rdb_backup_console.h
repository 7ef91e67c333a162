/* SPDX-License-Identifier: Apache-2.0
 * What the programs of this room share towards people: options, what a command works with, a progress line, notes on stderr, a
 * passphrase from the terminal, sizes. */
#ifndef RDB_BACKUP_CONSOLE_H
#define RDB_BACKUP_CONSOLE_H

#include "backup/rdb_backup.h"
#include "base/rdb_options.h"
#include "base/rdb_progress.h"

#include <jansson.h>

typedef struct rdb_backup_console {
    const rdb_program *program;
    bool is_quiet;
    rdb_progress progress;
    bool has_progress;
    rdb_mutex lock; /* guards the progress line and stderr */
    rdb_backup_watch watch;
} rdb_backup_console;

/* ---- programs --------------------------------------------------------------------------------------------------------- */
/* Rows of both option tables, whose fields have the same names; FIELD is the table's own. */
#define RDB_BACKUP_KEY_OPTIONS                                                                                                                 \
    {.name = "key-file", .value = "FILE", .field = FIELD(key_file), .help = "a key of an encrypted repository: 32 bytes or 64 hexadecimal digits"}, \
    {.name = "passphrase-file", .value = "FILE", .field = FIELD(passphrase_file), .help = "a file whose first line is the passphrase; without it a terminal is asked"}, \
    {.name = "identity", .value = "FILE", .field = FIELD(identity), .help = "the private key of a certificate that the repository is encrypted for, in PEM"}
#define RDB_BACKUP_WORK_OPTIONS                                                                                                                \
    {.letter = 'j', .name = "threads", .kind = RDB_OPT_COUNT, .value = "N", .field = FIELD(thread_count), .standard = "0", .min = 0, .max = 64, \
     .help = "work with N threads; 0: as many as processors, at most 4"},                                                                      \
    {.name = "json", .kind = RDB_OPT_FLAG, .field = FIELD(json), .help = "print results as JSON, one object a line"}

typedef struct rdb_backup_arguments rdb_backup_arguments; /* what a program's options say: each has its own */
typedef struct rdb_backup_work {
    const rdb_program *program;
    const rdb_backup_arguments *arguments;
    const char *command;
    rdb_operands operands; /* behind the command */
    rdb_backup_console console;
    rdb_backup_keys keys;
    uint32_t thread_count;
    bool json;
    rdb_arena *arena;
    rdb_repository *repository;
    rdb_error err;
} rdb_backup_work;
typedef struct rdb_backup_command {
    const char *name;
    int (*run)(rdb_backup_work *work); /* answers with the program's exit code */
} rdb_backup_command;
/* The command that the first operand names, the table's first where there is none; NULL: all is said, and *exit_code. */
const rdb_backup_command *rdb_backup_find_command(const rdb_backup_command *commands, size_t count, const rdb_program *program,
                                                  const rdb_operands *operands, int *exit_code);
/* The fields up to operands, keys, thread_count (0: the standard) and json are the caller's. False: reported already. */
RDB_CHECKED bool rdb_backup_work_begin(rdb_backup_work *work, int *exit_code);
void rdb_backup_work_end(rdb_backup_work *work);
int rdb_backup_work_report(rdb_backup_work *work);  /* the work's error; its exit code */
void rdb_backup_print_json(json_t *json);           /* a line on stdout; takes the object */

/* Takes SIGINT and SIGTERM: the first asks the work to end, the second ends the process. */
void rdb_backup_console_begin(rdb_backup_console *console, const rdb_program *program, bool is_quiet);
void rdb_backup_console_end(rdb_backup_console *console);
/* For rdb_backup_keys.ask: asks the terminal without echo, twice for a new one. */
bool rdb_backup_ask_passphrase(void *context, bool is_new, char *passphrase, size_t size);
/* As rdb_options_report; what was refused as unsafe (55000) exits 10. */
int rdb_backup_report_error(const rdb_program *program, bool json, const rdb_error *err);
/* "50MB", "1GB", "512kB" or bytes. 22023. */
RDB_CHECKED bool rdb_backup_parse_size(const char *text, uint64_t *bytes, rdb_error *err);
/* "12.3 MB" */
void rdb_backup_format_size(uint64_t bytes, char text[24]);
/* As many as processors, at most 4. */
uint32_t rdb_backup_standard_threads(void);
/* A line on stderr for each page of the backup that was broken already when it was read. */
void rdb_backup_tell_broken_pages(const rdb_program *program, const rdb_manifest *manifest);
void rdb_backup_format_moment(const rdb_backup_moment *moment, char time_text[40], char lsn[24]);

#endif
