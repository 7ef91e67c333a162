/* SPDX-License-Identifier: Apache-2.0
 * Facts of the machine: its memory, its file systems under the instance's directories, and the server's process. All of them are read
 * from /proc, /sys and statfs; what a system does not have is left away. */
#include "diag/collect_int.h"

#include "instance/rdb_config.h"
#include "instance/rdb_instance.h"
#include "os/rdb_os.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

static bool read_text(const char *path, rdb_arena *arena, const char **text)
{
    rdb_slice content;
    rdb_error ignored = {0};
    *text = NULL;
    FILE *file = fopen(path, "re"); /* files of /proc say that they have no bytes */
    if (file == NULL)
        return false;
    char *bytes = rdb_arena_alloc(arena, 32768);
    content.length = fread(bytes, 1, 32767, file);
    bytes[content.length] = '\0';
    fclose(file);
    rdb_error_clear(&ignored);
    *text = bytes;
    return true;
}

/* The number behind "Name:" in a text of lines, or -1. */
static int64_t number_after(const char *text, const char *name)
{
    const size_t length = strlen(name);
    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, name, length) == 0)
            return strtoll(line + length, NULL, 10);
        const char *end = strchr(line, '\n');
        line = end != NULL ? end + 1 : NULL;
    }
    return -1;
}

static bool add_known(rdb_facts *facts, const char *table, const char *name, int64_t value, int64_t unit, rdb_error *err)
{
    return value < 0 || rdb_facts_add_number(facts, table, name, value * unit, err);
}

static int64_t number_in(const char *path, rdb_arena *arena)
{
    const char *text;
    return read_text(path, arena, &text) && *text >= '0' && *text <= '9' ? strtoll(text, NULL, 10) : -1;
}

/* The limit of memory of this process's control group (version 2), or -1. */
static int64_t memory_limit(rdb_arena *arena)
{
    const char *text;
    char path[PATH_MAX];
    if (!read_text("/proc/self/cgroup", arena, &text) || strncmp(text, "0::", 3) != 0)
        return -1;
    snprintf(path, sizeof path, "/sys/fs/cgroup%.*s/memory.max", (int)strcspn(text + 3, "\n"), text + 3);
    return number_in(path, arena);
}

static bool collect_host(rdb_facts *facts, const rdb_diag_scope *scope, rdb_arena *arena, rdb_error *err)
{
    const char *text;
    struct utsname name;
    struct timex clock = {0};
    (void)scope;
    bool ok = rdb_facts_add_number(facts, "host", "processors", sysconf(_SC_NPROCESSORS_ONLN), err) && rdb_facts_add_number(facts, "host", "now_us", rdb_time_wall_us(), err) &&
              rdb_facts_add_number(facts, "host", "clock_synchronised", adjtimex(&clock) != TIME_ERROR && (clock.status & STA_UNSYNC) == 0, err);
    if (ok && read_text("/proc/meminfo", arena, &text))
        ok = add_known(facts, "host", "memory_bytes", number_after(text, "MemTotal:"), 1024, err) && add_known(facts, "host", "memory_available_bytes", number_after(text, "MemAvailable:"), 1024, err) &&
             add_known(facts, "host", "swap_bytes", number_after(text, "SwapTotal:"), 1024, err) && add_known(facts, "host", "swap_free_bytes", number_after(text, "SwapFree:"), 1024, err);
    if (ok && read_text("/proc/loadavg", arena, &text))
        ok = rdb_facts_add_number(facts, "host", "load_hundredths", (int64_t)(strtod(text, NULL) * 100), err);
    if (ok && read_text("/sys/kernel/mm/transparent_hugepage/enabled", arena, &text))
        ok = rdb_facts_add_number(facts, "host", "huge_pages_always", strstr(text, "[always]") != NULL, err);
    if (ok && uname(&name) == 0)
        ok = rdb_facts_add(facts, "host", (const char *[]){"kernel", name.release}, 2, err);
    return ok && add_known(facts, "host", "swappiness", number_in("/proc/sys/vm/swappiness", arena), 1, err) &&
           add_known(facts, "host", "overcommit", number_in("/proc/sys/vm/overcommit_memory", arena), 1, err) &&
           add_known(facts, "host", "memory_limit_bytes", memory_limit(arena), 1, err);
}

/* ---- volumes ------------------------------------------------------------------------------------------------------------------------ */
static const char *file_system_name(long type)
{
    switch (type) {
    case 0x6969: return "nfs";
    case 0x01021994: return "tmpfs";
    case 0x65735546: return "fuse";
    case 0x517B: case 0xFE534D42: case (long)0xFF534D42: return "smb";
    case 0x794c7630: return "overlayfs";
    case 0xEF53: return "ext4";
    case 0x58465342: return "xfs";
    case (long)0x9123683E: return "btrfs";
    case 0x2FC12FC1: return "zfs";
    default: return "other";
    }
}

static bool add_volume(rdb_facts *facts, const char *what, const char *path, rdb_error *err)
{
    struct statvfs size;
    struct statfs kind;
    struct stat place;
    char texts[6][24];
    if (statvfs(path, &size) != 0 || statfs(path, &kind) != 0 || stat(path, &place) != 0)
        return true;
    snprintf(texts[0], 24, "%" PRIu64, (uint64_t)size.f_blocks * size.f_frsize);
    snprintf(texts[1], 24, "%" PRIu64, (uint64_t)size.f_bavail * size.f_frsize);
    snprintf(texts[2], 24, "%" PRIu64, (uint64_t)size.f_files);
    snprintf(texts[3], 24, "%" PRIu64, (uint64_t)size.f_favail);
    snprintf(texts[4], 24, "%d", (size.f_flag & ST_RDONLY) != 0);
    snprintf(texts[5], 24, "%" PRIu64, (uint64_t)place.st_dev);
    return rdb_facts_add(facts, "volume", (const char *[]){what, path, texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], file_system_name((long)kind.f_type)}, 9, err);
}

static bool collect_volumes(rdb_facts *facts, const rdb_diag_scope *scope, rdb_arena *arena, rdb_error *err)
{
    static const struct { const char *what; rdb_config_key key; } PLACES[] = {
        {"data", RDB_CONFIG_PATHS_DATA_DIR}, {"wal", RDB_CONFIG_WAL_DIR}, {"logs", RDB_CONFIG_PATHS_LOGS_DIR}, {"tmp", RDB_CONFIG_PATHS_TMP_DIR},
        {"backup", RDB_CONFIG_PATHS_BACKUP_DIR}, {"diag", RDB_CONFIG_PATHS_DIAG_DIR}, {"archive", RDB_CONFIG_WAL_ARCHIVE_DIRECTORY}};
    rdb_config *config = NULL;
    (void)arena;
    if (!rdb_config_load(&config, scope->home, NULL, NULL, 0, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < RDB_COUNT_OF(PLACES); i++)
        ok = add_volume(facts, PLACES[i].what, rdb_config_path(config, PLACES[i].key), err);
    rdb_config_destroy(&config);
    return ok;
}

/* ---- the server's process ------------------------------------------------------------------------------------------------------------ */
static int64_t count_entries(const char *path, rdb_arena *arena)
{
    rdb_list names = {0};
    rdb_error ignored = {0};
    if (rdb_path_list(path, arena, &names, &ignored))
        return names.count;
    rdb_error_clear(&ignored);
    return -1;
}

/* The soft limit of a line of /proc/PID/limits; "unlimited" is the largest number. */
static int64_t limit_of(const char *text, const char *name)
{
    const char *line = text != NULL ? strstr(text, name) : NULL;
    if (line == NULL)
        return -1;
    line += strlen(name);
    line += strspn(line, " ");
    return strncmp(line, "unlimited", 9) == 0 ? INT64_MAX : strtoll(line, NULL, 10);
}

static bool collect_process(rdb_facts *facts, const rdb_diag_scope *scope, rdb_arena *arena, rdb_error *err)
{
    int64_t pid = 0;
    char path[64];
    const char *text;
    if (!rdb_instance_holder(scope->home, &pid, err))
        return false;
    bool ok = rdb_facts_add_number(facts, "process", "pid", pid, err);
    if (pid == 0)
        return ok;
    snprintf(path, sizeof path, "/proc/%" PRId64 "/status", pid);
    if (ok && read_text(path, arena, &text)) {
        const char *state = strstr(text, "State:");
        char letter[2] = {state != NULL ? state[strcspn(state, "\t ") + 1] : '?', '\0'};
        ok = rdb_facts_add(facts, "process", (const char *[]){"state", letter}, 2, err) && add_known(facts, "process", "rss_bytes", number_after(text, "VmRSS:"), 1024, err) &&
             add_known(facts, "process", "swapped_bytes", number_after(text, "VmSwap:"), 1024, err) && add_known(facts, "process", "threads", number_after(text, "Threads:"), 1, err) &&
             add_known(facts, "process", "uid", number_after(text, "Uid:"), 1, err);
    }
    snprintf(path, sizeof path, "/proc/%" PRId64 "/limits", pid);
    if (ok && read_text(path, arena, &text))
        ok = add_known(facts, "process", "files_limit", limit_of(text, "Max open files"), 1, err) && add_known(facts, "process", "core_limit", limit_of(text, "Max core file size"), 1, err) &&
             add_known(facts, "process", "processes_limit", limit_of(text, "Max processes"), 1, err);
    snprintf(path, sizeof path, "/proc/%" PRId64 "/fd", pid);
    ok = ok && add_known(facts, "process", "files", count_entries(path, arena), 1, err);
    snprintf(path, sizeof path, "/proc/%" PRId64 "/oom_score_adj", pid);
    return ok && add_known(facts, "process", "oom_score_adj", number_in(path, arena), 1, err);
}

const diag_collector DIAG_HOST_COLLECTORS[] = {
    {.table = "host", .columns = "name value", .collect = collect_host},
    {.table = "volume", .columns = "what path:t bytes free_bytes files free_files read_only device kind", .collect = collect_volumes},
    {.table = "process", .columns = "name value", .collect = collect_process},
};
const uint32_t DIAG_HOST_COLLECTOR_COUNT = RDB_COUNT_OF(DIAG_HOST_COLLECTORS);
