/* SPDX-License-Identifier: Apache-2.0
 * See rdb_backup_server.h. */
#include "backup/rdb_backup_server.h"

#include "instance/rdb_instance.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCKET_PREFIX ".s.PGSQL."
#define SCRATCH_LOG "logs/scratch.out"

bool rdb_server_failed(PGconn *connection, PGresult *result, const char *what, rdb_error *err)
{
    const char *state = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *message = result != NULL ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *hint = result != NULL ? PQresultErrorField(result, PG_DIAG_MESSAGE_HINT) : NULL;
    char text[512];
    snprintf(text, sizeof text, "%s", message != NULL ? message : PQerrorMessage(connection));
    text[strcspn(text, "\n")] = '\0';
    rdb_error_set(err, state != NULL && strlen(state) == 5 ? state : RDB_CONNECTION_FAILURE, "%s", what);
    rdb_error_detail(err, "The server says: %s.", text);
    if (hint != NULL)
        rdb_error_hint(err, "%s", hint);
    PQclear(result);
    return false;
}

bool rdb_server_run(PGconn *connection, const char *sql, const char *what, rdb_error *err)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        return rdb_server_failed(connection, result, what, err);
    PQclear(result);
    return true;
}

static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

/* The socket in run/sockets that a server answers on. */
bool rdb_server_connect(PGconn **connection, const char *home, const char *database, rdb_error *err)
{
    char folder[PATH_MAX], host[PATH_MAX], port[16] = "";
    struct sockaddr_un address;
    int descriptor = -1;
    *connection = NULL;
    if (!rdb_instance_path(home, "run/sockets", folder, sizeof folder, err))
        return false;
    DIR *listing = opendir(folder);
    for (struct dirent *entry; listing != NULL && port[0] == '\0' && (entry = readdir(listing)) != NULL;)
        if (strncmp(entry->d_name, SOCKET_PREFIX, sizeof SOCKET_PREFIX - 1) == 0 && strstr(entry->d_name, ".lock") == NULL)
            snprintf(port, sizeof port, "%.15s", entry->d_name + sizeof SOCKET_PREFIX - 1);
    if (listing != NULL)
        closedir(listing);
    if (port[0] == '\0') {
        rdb_error_set(err, RDB_CANNOT_CONNECT, "no server answers on the instance");
        return rdb_error_detail(err, "There is no socket in \"%s\".", folder);
    }
    /* A directory whose name is too long for an address is reached by a descriptor. */
    if (strlen(folder) + sizeof SOCKET_PREFIX + strlen(port) >= sizeof address.sun_path) {
        descriptor = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (descriptor < 0)
            return rdb_error_set_errno(err, errno, "\"%s\" cannot be opened", folder);
        snprintf(host, sizeof host, "/proc/self/fd/%d", descriptor);
    } else {
        snprintf(host, sizeof host, "%s", folder);
    }
    const char *const names[] = {"host", "port", "user", "dbname", "application_name", "client_encoding", NULL};
    const char *const values[] = {host, port, "admin", database, "rdb-backup", "UTF8", NULL};
    *connection = PQconnectdbParams(names, values, 0);
    if (descriptor >= 0)
        close(descriptor);
    if (PQstatus(*connection) == CONNECTION_OK) {
        PQsetNoticeReceiver(*connection, ignore_notice, NULL);
        return true;
    }
    char text[512];
    snprintf(text, sizeof text, "%s", PQerrorMessage(*connection));
    text[strcspn(text, "\n")] = '\0';
    PQfinish(*connection);
    *connection = NULL;
    rdb_error_set(err, RDB_CANNOT_CONNECT, "the server of \"%s\" does not answer", home);
    return rdb_error_detail(err, "%s.", text);
}

/* ---- servers of our own ------------------------------------------------------------------------------------------------------ */
struct rdb_scratch {
    pid_t pid;
    char home[PATH_MAX];
};

/* A port that is free now; a server of ours numbers its socket by it and listens on nothing else. */
static unsigned free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && getsockname(fd, (struct sockaddr *)&address, &length) == 0;
    if (fd >= 0)
        close(fd);
    return ok ? ntohs(address.sin_port) : 54321;
}

static void tell_why(const rdb_scratch *scratch, rdb_error *err)
{
    char path[PATH_MAX];
    rdb_slice text;
    rdb_error ignored = {0};
    rdb_arena *arena = rdb_arena_create("scratch", NULL, NULL);
    rdb_error_set(err, RDB_DATA_CORRUPTED, "the restored copy cannot be served");
    if (arena != NULL && rdb_instance_path(scratch->home, SCRATCH_LOG, path, sizeof path, &ignored) && rdb_path_read(path, arena, &text, 1u << 20, &ignored)) {
        size_t length = RDB_MIN(text.length, (size_t)900);
        rdb_error_detail(err, "Its server said: %.*s", (int)length, (const char *)text.data + (text.length - length));
    }
    rdb_error_clear(&ignored);
    rdb_arena_destroy(arena);
}

static pid_t spawn(const char *program, const char *home, const char *log_path)
{
    char port[16];
    snprintf(port, sizeof port, "%u", free_port());
    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    setsid();
    int log = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execl(program, "rdb-serve", "--home", home, "--port", port, "--listen", "", "--set", "wal.archive_enabled=false", (char *)NULL);
    _exit(127);
}

/* The server from beside this program is on its way; what it says goes to the scratch log. */
static bool launch(rdb_scratch **scratch, const char *home, rdb_error *err)
{
    char program[PATH_MAX], log_path[PATH_MAX];
    rdb_scratch *s = *scratch = calloc(1, sizeof *s);
    if (s == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 16);
    program[RDB_MAX(length, 0)] = '\0';
    char *slash = strrchr(program, '/');
    if (slash == NULL)
        return rdb_error_set(err, RDB_IO_ERROR, "the directory of this program cannot be found");
    if (!rdb_instance_resolve(home, s->home, sizeof s->home, err) || !rdb_instance_path(s->home, SCRATCH_LOG, log_path, sizeof log_path, err))
        return false;
    strcpy(slash + 1, "rdb-serve");
    s->pid = spawn(program, s->home, log_path);
    if (s->pid > 0)
        return true;
    s->pid = 0;
    return rdb_error_set_errno(err, errno, "no server can be started");
}

bool rdb_scratch_start(rdb_scratch **scratch, const char *home, bool (*is_interrupted)(void *context), void *context, rdb_error *err)
{
    if (!launch(scratch, home, err))
        goto fail;
    rdb_scratch *s = *scratch;
    for (;;) {
        rdb_error refused = {0};
        PGconn *connection = NULL;
        bool answers = rdb_server_connect(&connection, s->home, "postgres", &refused);
        if (connection != NULL)
            PQfinish(connection);
        rdb_error_clear(&refused);
        if (answers)
            return true;
        if (waitpid(s->pid, NULL, WNOHANG) == s->pid) {
            s->pid = 0;
            tell_why(s, err);
            goto fail;
        }
        if (is_interrupted != NULL && is_interrupted(context)) {
            rdb_error_set(err, RDB_QUERY_CANCELED, "interrupted");
            goto fail;
        }
        rdb_time_sleep_us(50000);
    }
fail:
    rdb_scratch_stop(scratch);
    return false;
}

void rdb_scratch_stop(rdb_scratch **scratch)
{
    if (*scratch == NULL)
        return;
    if ((*scratch)->pid > 0) {
        kill((*scratch)->pid, SIGTERM);
        while (waitpid((*scratch)->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    free(*scratch);
    *scratch = NULL;
}
