/* SPDX-License-Identifier: Apache-2.0
 * See connect.h. A server of our own is rdb-serve from beside this program, at the other end of a socket pair: nobody else can
 * reach it, it locks the instance as any server does, and it closes the instance when the socket does. It has a session of its
 * own, so that the terminal's signals are the shell's alone. */
#include "client/rdb_client.h"

#include "os/rdb_file.h"
#include "os/rdb_socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCKET_PREFIX ".s.PGSQL."

/* The path of a socket in a directory; a directory whose name is too long for an address is reached by a descriptor. */
static bool make_socket_path(const char *directory, const char *file, char *path, size_t size, rdb_error *err)
{
    int length = snprintf(path, size, "%s/%s", directory, file);
    if (length > 0 && (size_t)length < size && (size_t)length < sizeof((struct sockaddr_un *)0)->sun_path)
        return true;
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC); /* lives as long as the program: cancelling needs it too */
    if (fd < 0)
        return rdb_error_set_errno(err, errno, "%s cannot be opened", directory);
    snprintf(path, size, "/proc/self/fd/%d/%s", fd, file);
    return true;
}

static void keep_address(rdb_client_place *place, const char *address)
{
    free(place->address);
    place->address = strdup(address);
}

/* ---- a server of our own ------------------------------------------------------------------------------------------ */
/* rdb-serve from the directory this program was started from. */
static bool find_server(char *path, size_t size, rdb_error *err)
{
    ssize_t length = readlink("/proc/self/exe", path, size - 1);
    path[RDB_MAX(length, 0)] = '\0';
    char *slash = strrchr(path, '/');
    size_t left = slash != NULL ? size - (size_t)(slash + 1 - path) : 0;
    if (left <= sizeof "rdb-serve")
        return rdb_error_set(err, RDB_CANNOT_CONNECT, "the directory of this program cannot be found");
    snprintf(slash + 1, left, "rdb-serve");
    return access(path, X_OK) == 0 || rdb_error_set_errno(err, errno, "%s cannot be run", path);
}

static bool start_server(rdb_client_place *place, const char *home, int *fd, rdb_error *err)
{
    char path[PATH_MAX], number[16];
    int ends[2];
    if (!find_server(path, sizeof path, err))
        return false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
        return rdb_error_set_errno(err, errno, "no socket can be made");
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        fcntl(ends[1], F_SETFD, 0);
        snprintf(number, sizeof number, "%d", ends[1]);
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null >= 0) {
            dup2(null, STDIN_FILENO);
            dup2(null, STDOUT_FILENO);
        }
        execl(path, "rdb-serve", "--home", home, "--inherit", number, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return rdb_error_set_errno(err, errno, "no server can be started");
    }
    place->server_pid = pid;
    *fd = ends[0];
    return true;
}

/* Waits for it to close the instance; its exit status. */
static int await_server(rdb_client_place *place)
{
    int status = 0;
    while (place->server_pid != 0 && waitpid(place->server_pid, &status, 0) < 0 && errno == EINTR) {
    }
    place->server_pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : RDB_EXIT_GENERAL;
}

static bool open_embedded(rdb_client **client, rdb_client_place *place, rdb_client_target *target, const rdb_client_sink *sink, const char *home, int *exit_code, rdb_error *err)
{
    char address[PATH_MAX + 64];
    if (!start_server(place, home, &target->fd, err))
        return false;
    target->has_own_server = true;
    target->server_pid = place->server_pid;
    snprintf(address, sizeof address, "the instance %s, embedded", home);
    keep_address(place, address);
    if (rdb_client_open(client, target, sink, err))
        return true;
    int status = await_server(place);
    if (status == RDB_EXIT_DONE)
        return false; /* it answered, with a refusal */
    *exit_code = status; /* it has said on stderr what keeps it from serving */
    rdb_error_clear(err);
    return rdb_error_set(err, RDB_CANNOT_CONNECT, "the instance %s cannot be opened", home);
}

/* ---- places ------------------------------------------------------------------------------------------------------- */
/* Connects to the one socket in home/run/sockets that answers: that of the port where it is given. */
static bool open_home(rdb_client **client, rdb_client_place *place, rdb_client_target *target, const rdb_client_sink *sink, int *exit_code, rdb_error *err)
{
    char resolved[PATH_MAX], directory[PATH_MAX + 16], marker[PATH_MAX + 32], path[PATH_MAX + 64], wanted[32];
    if (realpath(place->home, resolved) == NULL)
        return rdb_error_set_errno(err, errno, "the instance %s cannot be opened", place->home);
    snprintf(directory, sizeof directory, "%s/run/sockets", resolved);
    snprintf(marker, sizeof marker, "%s/data/meta/layout-version", resolved);
    snprintf(wanted, sizeof wanted, SOCKET_PREFIX "%u", place->port);
    if (!rdb_path_exists(marker)) {
        rdb_error_set(err, RDB_CANNOT_CONNECT, "%s is not an instance", resolved);
        return rdb_error_hint(err, "Make one with: rdb-init --home %s", resolved);
    }
    rdb_error refusal = {0};
    target->host = path;
    DIR *listing = opendir(directory);
    for (struct dirent *entry; listing != NULL && *client == NULL && (entry = readdir(listing)) != NULL;) {
        if (strncmp(entry->d_name, SOCKET_PREFIX, sizeof SOCKET_PREFIX - 1) != 0 || strstr(entry->d_name, ".lock") != NULL ||
            (place->port_given && strcmp(entry->d_name, wanted) != 0))
            continue;
        rdb_error trouble = {0};
        if (make_socket_path(directory, entry->d_name, path, sizeof path, &trouble) && rdb_client_open(client, target, sink, &trouble)) {
            place->port = (uint16_t)atoi(entry->d_name + sizeof SOCKET_PREFIX - 1);
            keep_address(place, path);
        } else if (!rdb_error_is(&trouble, RDB_CANNOT_CONNECT) && !rdb_error_is_set(&refusal)) {
            rdb_error_move(&refusal, &trouble); /* a server that answered and said no is worth more than a dead socket */
        }
        rdb_error_clear(&trouble);
    }
    if (listing != NULL)
        closedir(listing);
    if (*client != NULL) {
        rdb_error_clear(&refusal);
        return true;
    }
    if (rdb_error_is_set(&refusal)) {
        rdb_error_move(err, &refusal);
        return false;
    }
    if (place->port_given) {
        rdb_error_set(err, RDB_CANNOT_CONNECT, "no server runs on the instance %s at port %u", resolved, place->port);
        return rdb_error_hint(err, "Leave --port out, or start one with: rdb-serve --home %s --port %u", resolved, place->port);
    }
    if (place->only_served)
        return rdb_error_set(err, RDB_CANNOT_CONNECT, "no server runs on the instance %s", resolved);
    return open_embedded(client, place, target, sink, resolved, exit_code, err);
}

static bool open_host(rdb_client **client, rdb_client_place *place, rdb_client_target *target, const rdb_client_sink *sink, rdb_error *err)
{
    char path[PATH_MAX + 64], file[32];
    target->host = place->host;
    if (place->host[0] == '/') {
        snprintf(file, sizeof file, SOCKET_PREFIX "%u", place->port);
        if (!make_socket_path(place->host, file, path, sizeof path, err))
            return false;
        target->host = path;
    }
    keep_address(place, target->host);
    return rdb_client_open(client, target, sink, err);
}

bool rdb_client_connect(rdb_client **client, rdb_client_place *place, const rdb_client_sink *sink, int *exit_code, rdb_error *err)
{
    rdb_client_target target = {.port = place->port, .user = place->user, .database = place->database, .authority_path = place->authority_path,
                         .tls = place->tls, .ask_password = place->ask_password, .deadline_us = place->deadline_us};
    *client = NULL;
    *exit_code = RDB_EXIT_CONNECTION; /* a wrong password or database too: there is no connection */
    return place->home != NULL ? open_home(client, place, &target, sink, exit_code, err) : open_host(client, place, &target, sink, err);
}

void rdb_client_disconnect(rdb_client **client, rdb_client_place *place)
{
    rdb_client_close(client);
    await_server(place);
}

void rdb_client_place_free(rdb_client_place *place)
{
    free(place->home);
    free(place->host);
    free(place->user);
    free(place->database);
    free(place->address);
}
