/* SPDX-License-Identifier: Apache-2.0
 * What the machine and the process do, read from /proc: small texts that the kernel makes, no disk behind them. */
#include "observe/rdb_metrics.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The beginning of a file, ended by a zero byte. */
static bool read_text(const char *path, char *text, size_t bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = fd >= 0 ? read(fd, text, bytes - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[count > 0 ? count : 0] = '\0';
    return count > 0;
}

/* The number behind a line's name. */
static uint64_t number_behind(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at != NULL ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static void read_machine(rdb_system_figures *figures)
{
    char text[4096];
    unsigned long long ticks[10] = {0};
    const double hertz = (double)sysconf(_SC_CLK_TCK);
    if (read_text("/proc/stat", text, sizeof text) &&
        sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &ticks[0], &ticks[1], &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6], &ticks[7]) == 8) {
        figures->machine_idle_seconds = (double)(ticks[3] + ticks[4]) / hertz;
        figures->machine_cpu_seconds = (double)(ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6] + ticks[7]) / hertz;
    }
    if (read_text("/proc/meminfo", text, sizeof text)) {
        figures->machine_memory_bytes = number_behind(text, "MemTotal:") << 10;
        figures->machine_available_bytes = number_behind(text, "MemAvailable:") << 10;
    }
    if (read_text("/proc/loadavg", text, sizeof text))
        figures->load1 = strtod(text, NULL);
    if (read_text("/proc/net/dev", text, sizeof text)) {
        char *rest = NULL;
        for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
            char *colon = strchr(line, ':'), *name = line + strspn(line, " ");
            unsigned long long in, out;
            if (colon != NULL && strncmp(name, "lo:", 3) != 0 && sscanf(colon + 1, "%llu %*u %*u %*u %*u %*u %*u %*u %llu", &in, &out) == 2) {
                figures->network_received_bytes += in;
                figures->network_sent_bytes += out;
            }
        }
    }
}

void rdb_system_read(rdb_system_figures *figures)
{
    char text[4096];
    struct rusage usage;
    *figures = (rdb_system_figures){.processors = (uint32_t)RDB_MAX(sysconf(_SC_NPROCESSORS_ONLN), 1L)};
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        figures->process_cpu_seconds = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    if (read_text("/proc/self/status", text, sizeof text)) {
        figures->process_memory_bytes = number_behind(text, "VmRSS:") << 10;
        figures->threads = number_behind(text, "Threads:");
    }
    if (read_text("/proc/self/io", text, sizeof text)) {
        figures->process_read_bytes = number_behind(text, "\nread_bytes: ");
        figures->process_write_bytes = number_behind(text, "\nwrite_bytes: ");
    }
    DIR *directory = opendir("/proc/self/fd");
    for (; directory != NULL && readdir(directory) != NULL;)
        figures->open_files++;
    if (directory != NULL)
        closedir(directory);
    figures->open_files -= RDB_MIN(figures->open_files, UINT64_C(3)); /* itself, "." and ".." */
    read_machine(figures);
}

bool rdb_disk_read(const char *path, rdb_disk_figures *figures)
{
    struct statvfs status;
    *figures = (rdb_disk_figures){0};
    if (statvfs(path, &status) != 0)
        return false;
    figures->bytes = (uint64_t)status.f_blocks * status.f_frsize;
    figures->free_bytes = (uint64_t)status.f_bavail * status.f_frsize;
    return true;
}
