/* SPDX-License-Identifier: Apache-2.0
 * rdb-init: lays out an instance directory, whole or not at all. */
#include "options.h"

#include "audit/rdb_audit.h"
#include "base/rdb_log.h"
#include "crypto/rdb_crypto.h"
#include "instance/rdb_instance.h"
#include "session/rdb_session.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PASSWORD_LETTERS 24
#define WAL_SEGMENT_BYTES (16u << 20)

typedef struct making {
    const init_arguments *arguments;
    const char *name;
    uint64_t buffer_bytes;
} making;

/* "auto", "small", or a number with kB, MB or GB. */
static bool tune_buffers(const char *text, uint64_t *bytes, rdb_error *err)
{
    if (strcmp(text, "small") == 0) {
        *bytes = UINT64_C(32) << 20;
        return true;
    }
    if (strcmp(text, "auto") == 0) {
        uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
        *bytes = RDB_MAX(RDB_MIN(memory / 4, UINT64_C(1) << 30), UINT64_C(32) << 20);
        return true;
    }
    char *end;
    unsigned long long number = strtoull(text, &end, 10);
    unsigned shift = strcmp(end, "GB") == 0 ? 30 : strcmp(end, "MB") == 0 ? 20 : strcmp(end, "kB") == 0 ? 10 : 64;
    if (!isdigit((unsigned char)text[0]) || shift == 64 || number == 0 || number > UINT64_MAX >> (shift + 1)) {
        rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "invalid value for --tune: \"%s\"", text);
        return rdb_error_hint(err, "Use auto, small, or a size such as 512MB.");
    }
    *bytes = (uint64_t)number << shift;
    return *bytes >= UINT64_C(1) << 20 || rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "--tune: at least 1MB is needed");
}

static void write_configuration(const making *work, rdb_strbuf *text)
{
    const init_arguments *arguments = work->arguments;
    rdb_strbuf_addf(text,
                    "# RustyDB configuration. Read first; conf/overrides.d/*.toml, RUSTYDB_<SECTION>_<KEY> and flags of rdb-serve go over it.\n"
                    "# A line that begins with # shows a key with its standard value. Check with: rdb-serve --home DIR --check-config\n"
                    "\n"
                    "[instance]\n"
                    "name = \"%s\"\n"
                    "# description = \"\"\n"
                    "\n"
                    "[server]\n"
                    "# listen_host = \"127.0.0.1\"        # addresses to listen on; the Unix socket in run/sockets is always there\n"
                    "listen_port = %lld\n"
                    "# max_connections = 100\n"
                    "\n"
                    "[security]\n"
                    "# mode = \"dev\"                     # \"prod\" refuses auth.mode = \"none\"\n"
                    "\n"
                    "[auth]\n"
                    "mode = \"%s\"                 # password: SCRAM-SHA-256 over TCP; none: development only, loopback only\n"
                    "\n"
                    "[tls]\n"
                    "enabled = %s                     # certificate and key in conf/secrets/tls\n"
                    "\n"
                    "[logging]\n"
                    "# mode = \"file\"                    # file: logs/rustydb.log; stdout\n"
                    "# format = \"json\"                  # json, text\n"
                    "# level = \"info\"                   # trace, debug, info, warn, error\n"
                    "\n"
                    "[memory]\n"
                    "shared_buffers = \"%llukB\"         # pages kept in memory\n"
                    "# work_mem = \"4MB\"                 # of one sort or hash before it spills\n"
                    "\n"
                    "[storage]\n"
                    "# fsync = true                     # false: a crash of the machine may lose everything\n"
                    "# page_size = %lld                 # fixed when the instance was made\n"
                    "\n"
                    "[wal]\n"
                    "# checkpoint_interval_ms = 60000    # from the begin of a checkpoint to that of the next\n"
                    "# max_size = \"1GB\"                 # checkpoints come sooner so that data/wal stays below it\n"
                    "# checkpoint_completion_percent = 90 # over how much of that time, or log, one spreads its writes\n",
                    work->name, (long long)arguments->port, arguments->insecure ? "none" : "password", arguments->insecure ? "false" : "true",
                    (unsigned long long)work->buffer_bytes >> 10, (long long)arguments->page_bytes);
}

/* Secrets and the engine's first files, inside the directory that is being made. */
static bool fill(void *work_at, const char *home, rdb_error *err)
{
    const making *work = work_at;
    char path[PATH_MAX], password[PASSWORD_LETTERS + 2], verifier[RDB_SCRAM_VERIFIER_BYTES] = "";
    if (!work->arguments->insecure) {
        rdb_password_generate(password, PASSWORD_LETTERS);
        if (!rdb_scram_make_verifier(password, RDB_SCRAM_ITERATIONS, verifier, err))
            return false;
        uint8_t secret[32];
        rdb_random_bytes(secret, sizeof secret);
        size_t length = strlen(password);
        password[length] = '\n';
        bool ok = rdb_instance_path(home, "conf/secrets/auth/scram.secret", path, sizeof path, err) &&
                  rdb_path_write_atomic(path, secret, sizeof secret, 0600, err) &&
                  rdb_instance_path(home, "conf/secrets/auth/admin.password", path, sizeof path, err) &&
                  rdb_path_write_atomic(path, password, length + 1, 0600, err) &&
                  rdb_instance_path(home, "conf/secrets/tls", path, sizeof path, err) && rdb_certificate_create(path, work->name, err);
        rdb_wipe(password, sizeof password);
        if (!ok)
            return false;
    }
    rdb_engine_config config = {.home = home, .buffer_bytes = UINT64_C(64) << 20, .max_connections = 1, .sync = true};
    return rdb_engine_create(&config, "admin", verifier[0] != '\0' ? verifier : NULL, err) &&
           rdb_audit_note_at_rest(home, PROGRAM.name, "INIT", true, work->arguments->insecure ? "insecure: without passwords and certificates" : "", err);
}

static void report(const init_arguments *arguments, const char *home, bool is_new)
{
    if (arguments->json) {
        rdb_strbuf line;
        rdb_strbuf_init(&line, NULL);
        rdb_strbuf_adds(&line, "{\"home\":");
        rdb_strbuf_add_json(&line, home, strlen(home));
        rdb_strbuf_addf(&line, ",\"created\":%s,\"port\":%lld,\"secure\":%s}", is_new ? "true" : "false", (long long)arguments->port, arguments->insecure ? "false" : "true");
        puts(line.data);
        rdb_strbuf_free(&line);
        return;
    }
    if (!is_new) {
        printf("%s is an instance already; nothing was changed\n", home);
        return;
    }
    printf("instance made in %s\n", home);
    if (arguments->insecure)
        printf("  NOT SECURE: no passwords and no TLS; for development on this machine only\n");
    else
        printf("  password of role admin (for TCP): %s/conf/secrets/auth/admin.password\n", home);
    printf("  serve it:   rdb-serve --home %s\n", home);
    printf("  connect:    psql -h %s/run/sockets -p %lld -U admin rustydb\n", home, (long long)arguments->port);
}

int main(int argc, char **argv)
{
    init_arguments arguments = {0};
    rdb_operands operands;
    rdb_error err = {0};
    int exit_code = RDB_EXIT_DONE;
    if (!rdb_options_parse(&PROGRAM, argc, argv, &arguments, &operands, &exit_code))
        return exit_code;
    char home[PATH_MAX];
    rdb_home_kind kind;
    if (arguments.home == NULL)
        return rdb_options_refuse(&PROGRAM, "no instance directory was named: use --home DIR or set RUSTYDB_HOME");
    if (arguments.page_bytes & (arguments.page_bytes - 1))
        return rdb_options_refuse(&PROGRAM, "--page-size must be 4096, 8192, 16384 or 32768");
    making work = {.arguments = &arguments};
    if (!rdb_instance_resolve(arguments.home, home, sizeof home, &err) || !rdb_instance_look(home, &kind, &err) ||
        !tune_buffers(arguments.tune, &work.buffer_bytes, &err))
        return rdb_options_report(&PROGRAM, arguments.json, &err);
    if (kind == RDB_HOME_INSTANCE && arguments.if_needed) {
        report(&arguments, home, false);
        return RDB_EXIT_DONE;
    }
    const char *slash = strrchr(home, '/');
    work.name = arguments.name != NULL ? arguments.name : slash != NULL && slash[1] != '\0' ? slash + 1 : "default";
    if (strpbrk(work.name, "\"\\\n\r\t") != NULL)
        return rdb_options_refuse(&PROGRAM, "an instance's name holds no quotes, backslashes or control characters");
    rdb_strbuf configuration;
    rdb_strbuf_init(&configuration, NULL);
    write_configuration(&work, &configuration);
    rdb_instance_options options = {.name = work.name, .page_bytes = (uint32_t)arguments.page_bytes, .wal_segment_bytes = WAL_SEGMENT_BYTES, .configuration = configuration.data};
    rdb_log *log = NULL; /* the engine's own messages matter here only when something is wrong */
    rdb_log_options quiet = {.level = RDB_LOG_WARN, .format = RDB_LOG_TEXT};
    bool ok = rdb_strbuf_check(&configuration, &err) && rdb_log_open(&log, NULL, STDERR_FILENO, &quiet, &err);
    if (ok)
        rdb_log_set_default(log);
    ok = ok && rdb_instance_create(home, &options, fill, &work, &err);
    if (ok)
        report(&arguments, home, true);
    else
        exit_code = rdb_error_is(&err, RDB_DUPLICATE_FILE) ? RDB_EXIT_INITIALISATION : rdb_options_report(&PROGRAM, arguments.json, &err);
    if (!ok && exit_code == RDB_EXIT_INITIALISATION)
        rdb_options_report(&PROGRAM, arguments.json, &err);
    rdb_log_set_default(NULL);
    rdb_log_close(&log);
    rdb_strbuf_free(&configuration);
    rdb_error_clear(&err);
    return exit_code;
}
