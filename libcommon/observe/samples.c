/* SPDX-License-Identifier: Apache-2.0
 * See rdb_samples.h. Plain calls of the system, past the layer that injects faults: nothing durable hangs on these files, and what a test
 * lets fail shall not depend on when a second ends. A record is one write behind the last whole one, so a crash tears the last at most. */
#include "observe/rdb_samples.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAGIC "RDBACT1\n"
#define RECORD_MAGIC UINT32_C(0x6c706d73) /* "smpl" */
#define HOUR_US INT64_C(3600000000)
enum { NAMES_MAX = 1024 };

typedef struct record_header {
    uint32_t magic, length, crc, count;
} record_header;
static_assert(sizeof(record_header) == 16, "the drawing in the header");

struct rdb_samples {
    char *directory;
    uint64_t file_bytes_max, bytes;
    int64_t hour; /* of the file that is open */
    int fd;       /* -1: none */
    uint8_t *record;
};

const char *rdb_sample_state_name(unsigned state)
{
    static const char *const NAMES[] = {"active", "idle in transaction", "idle in transaction (aborted)", "idle"};
    return state < RDB_COUNT_OF(NAMES) ? NAMES[state] : NULL;
}

static int64_t hour_of(int64_t wall_us)
{
    return (wall_us + RDB_MIN(-RDB_UNIX_EPOCH_US, INT64_MAX - RDB_MAX(wall_us, INT64_C(0)))) / HOUR_US; /* 'infinity' is no overflow */
}

static void make_path(char path[PATH_MAX], const char *directory, int64_t hour)
{
    snprintf(path, PATH_MAX, "%s/%lld.act", directory, (long long)hour);
}

bool rdb_samples_open(rdb_samples **samples, const char *directory, uint64_t bytes_max, rdb_error *err)
{
    *samples = NULL;
    if (!rdb_path_make_directory(directory, 0700, true, err))
        return false;
    rdb_samples *opened = calloc(1, sizeof *opened);
    if (opened != NULL) {
        opened->directory = strdup(directory);
        opened->record = malloc(sizeof(record_header) + sizeof(rdb_sample_system) + RDB_SAMPLE_SESSIONS_MAX * sizeof(rdb_sample_session));
        opened->fd = -1;
        opened->file_bytes_max = bytes_max / (RDB_SAMPLE_HOURS + 1);
    }
    if (opened == NULL || opened->directory == NULL || opened->record == NULL) {
        rdb_samples_close(&opened);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    *samples = opened;
    return true;
}

void rdb_samples_close(rdb_samples **samples)
{
    rdb_samples *closing = *samples;
    *samples = NULL;
    if (closing == NULL)
        return;
    if (closing->fd >= 0)
        close(closing->fd);
    free(closing->directory);
    free(closing->record);
    free(closing);
}

/* Those of other hours than the last 24. */
static void remove_old(const rdb_samples *samples, int64_t hour)
{
    rdb_error ignored = {0};
    rdb_list names = {0};
    rdb_arena *arena = rdb_arena_create("samples", NULL, NULL);
    if (arena != NULL && rdb_path_list(samples->directory, arena, &names, &ignored))
        for (uint32_t i = 0; i < names.count; i++) {
            char *end;
            const long long number = strtoll(names.items[i], &end, 10);
            char path[PATH_MAX];
            if (strcmp(end, ".act") != 0 || (number > hour - RDB_SAMPLE_HOURS && number <= hour))
                continue;
            make_path(path, samples->directory, number);
            unlink(path);
        }
    rdb_error_clear(&ignored);
    rdb_arena_destroy(arena);
}

static bool write_all(int fd, const void *bytes, size_t length, uint64_t at)
{
    for (size_t done = 0; done < length;) {
        const ssize_t count = pwrite(fd, (const uint8_t *)bytes + done, length - done, (off_t)(at + done));
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        done += (size_t)count;
    }
    return true;
}

static bool write_names(rdb_samples *samples)
{
    rdb_strbuf head;
    uint16_t count = RDB_WAIT_COUNT;
    rdb_strbuf_init(&head, NULL);
    rdb_strbuf_add(&head, FILE_MAGIC, 8);
    rdb_strbuf_add(&head, &count, sizeof count);
    for (unsigned i = 0; i < RDB_WAIT_COUNT; i++) {
        if (i != RDB_WAIT_NONE)
            rdb_strbuf_addf(&head, "%s/%s", rdb_wait_type((rdb_wait)i), rdb_wait_name((rdb_wait)i));
        rdb_strbuf_addc(&head, '\0');
    }
    while (head.length % 8 != 0)
        rdb_strbuf_addc(&head, '\0');
    const bool ok = !head.failed && write_all(samples->fd, head.data, head.length, 0);
    samples->bytes = ok ? head.length : 0;
    rdb_strbuf_free(&head);
    return ok;
}

/* ---- reading one file ------------------------------------------------------------------------------------------------------ */
typedef struct file_view {
    uint8_t *bytes;
    size_t length, at;
    const char *names[NAMES_MAX];
    rdb_sample_names known;
} file_view;

static bool read_head(file_view *view)
{
    uint16_t count;
    if (view->length < 16 || memcmp(view->bytes, FILE_MAGIC, 8) != 0)
        return false;
    memcpy(&count, view->bytes + 8, sizeof count);
    if (count > NAMES_MAX)
        return false;
    view->at = 10;
    for (uint16_t i = 0; i < count; i++) {
        const uint8_t *end = memchr(view->bytes + view->at, 0, view->length - view->at);
        if (end == NULL)
            return false;
        view->names[i] = i == 0 ? NULL : (const char *)view->bytes + view->at;
        view->at = (size_t)(end - view->bytes) + 1;
    }
    view->known = (rdb_sample_names){.count = count, .names = view->names};
    view->at = (view->at + 7) & ~(size_t)7;
    return view->at <= view->length;
}

/* The next whole record; NULL: there is none. */
static const record_header *next_record(file_view *view)
{
    const record_header *header = (const record_header *)(const void *)(view->bytes + view->at);
    if (view->length - view->at < sizeof *header + sizeof(rdb_sample_system) || header->magic != RECORD_MAGIC || header->count > RDB_SAMPLE_SESSIONS_MAX ||
        header->length != sizeof *header + sizeof(rdb_sample_system) + header->count * sizeof(rdb_sample_session) || header->length > view->length - view->at ||
        rdb_crc32c(0, (const uint8_t *)header + 12, header->length - 12) != header->crc)
        return NULL;
    view->at += header->length;
    return header;
}

static bool load_file(const char *path, file_view *view)
{
    struct stat status;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    *view = (file_view){0};
    if (fd < 0)
        return false;
    if (fstat(fd, &status) == 0 && status.st_size > 0) {
        view->bytes = malloc((size_t)status.st_size);
        while (view->bytes != NULL && view->length < (size_t)status.st_size) {
            const ssize_t count = pread(fd, view->bytes + view->length, (size_t)status.st_size - view->length, (off_t)view->length);
            if (count <= 0)
                break;
            view->length += (size_t)count;
        }
    }
    close(fd);
    return view->bytes != NULL;
}

static void free_file(file_view *view)
{
    free(view->bytes);
}

/* ---- writing --------------------------------------------------------------------------------------------------------------- */
/* Goes on behind the last whole record of the hour's file, or begins it. */
static bool open_hour(rdb_samples *samples, int64_t hour)
{
    char path[PATH_MAX];
    file_view view;
    if (samples->fd >= 0)
        close(samples->fd);
    make_path(path, samples->directory, hour);
    samples->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    samples->hour = hour;
    samples->bytes = 0;
    if (samples->fd < 0)
        return false;
    remove_old(samples, hour);
    if (load_file(path, &view)) {
        bool is_ours = read_head(&view);
        for (unsigned i = 1; is_ours && i < RDB_WAIT_COUNT; i++) { /* by a server of other waits: begun anew */
            char name[128];
            snprintf(name, sizeof name, "%s/%s", rdb_wait_type((rdb_wait)i), rdb_wait_name((rdb_wait)i));
            is_ours = view.known.count == RDB_WAIT_COUNT && strcmp(view.names[i], name) == 0;
        }
        while (is_ours && next_record(&view) != NULL) {
        }
        samples->bytes = is_ours ? view.at : 0;
        free_file(&view);
    }
    if (ftruncate(samples->fd, (off_t)samples->bytes) != 0)
        return false;
    return samples->bytes > 0 || write_names(samples);
}

bool rdb_samples_write(rdb_samples *samples, const rdb_sample_system *system, const rdb_sample_session *sessions, uint32_t count)
{
    const int64_t hour = hour_of(system->wall_us);
    count = RDB_MIN(count, (uint32_t)RDB_SAMPLE_SESSIONS_MAX);
    if ((samples->fd < 0 || samples->hour != hour || samples->bytes == 0) && !open_hour(samples, hour)) {
        if (samples->fd >= 0)
            close(samples->fd);
        samples->fd = -1;
        return false;
    }
    record_header header = {.magic = RECORD_MAGIC, .count = count};
    header.length = (uint32_t)(sizeof header + sizeof *system + count * sizeof *sessions);
    if (samples->bytes + header.length > samples->file_bytes_max)
        return false;
    memcpy(samples->record + sizeof header, system, sizeof *system);
    if (count > 0)
        memcpy(samples->record + sizeof header + sizeof *system, sessions, count * sizeof *sessions);
    memcpy(samples->record, &header, sizeof header);
    header.crc = rdb_crc32c(0, samples->record + 12, header.length - 12);
    memcpy(samples->record, &header, sizeof header);
    if (!write_all(samples->fd, samples->record, header.length, samples->bytes))
        return false; /* the next one is written over it */
    samples->bytes += header.length;
    return true;
}

/* ---- reading --------------------------------------------------------------------------------------------------------------- */
bool rdb_samples_read(const char *directory, int64_t from_us, int64_t to_us,
                      bool (*visit)(void *context, const rdb_sample_system *system, const rdb_sample_session *sessions, uint32_t count, const rdb_sample_names *names),
                      void *context, rdb_error *err)
{
    rdb_list names = {0};
    if (!rdb_path_is_directory(directory))
        return true;
    rdb_arena *arena = rdb_arena_create("samples", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = rdb_path_list(directory, arena, &names, err), goes_on = ok; /* sorted: hours have as many digits until the year 3110 */
    for (uint32_t i = 0; goes_on && i < names.count; i++) {
        char path[PATH_MAX], *end;
        file_view view;
        const long long hour = strtoll(names.items[i], &end, 10);
        if (strcmp(end, ".act") != 0 || hour < hour_of(from_us) || hour > hour_of(to_us))
            continue;
        make_path(path, directory, hour);
        if (!load_file(path, &view))
            continue;
        const record_header *header;
        for (bool has_head = read_head(&view); has_head && goes_on && (header = next_record(&view)) != NULL;) {
            const rdb_sample_system *system = (const rdb_sample_system *)(header + 1);
            if (system->wall_us >= from_us && system->wall_us <= to_us)
                goes_on = visit(context, system, (const rdb_sample_session *)(system + 1), header->count, &view.known);
        }
        free_file(&view);
    }
    rdb_arena_destroy(arena);
    return ok;
}
