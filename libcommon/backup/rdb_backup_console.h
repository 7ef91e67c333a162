/* SPDX-License-Identifier: Apache-2.0
 * What the programs of this room share towards people: a progress line, notes on stderr, a passphrase from the terminal, sizes. */
#ifndef RDB_BACKUP_CONSOLE_H
#define RDB_BACKUP_CONSOLE_H

#include "backup/rdb_backup.h"
#include "base/rdb_options.h"
#include "base/rdb_progress.h"

typedef struct rdb_backup_console {
    const rdb_program *program;
    bool is_quiet;
    rdb_progress progress;
    bool has_progress;
    rdb_mutex lock; /* guards the progress line and stderr */
    rdb_backup_watch watch;
} rdb_backup_console;
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
void rdb_backup_format_moment(const rdb_backup_moment *moment, char time_text[40], char lsn[24]);

#endif
