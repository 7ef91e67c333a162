/* SPDX-License-Identifier: Apache-2.0
 * What is read from files: TOML, WAL records, whole WAL segments, the control file, pages. The first byte of an input says which. A
 * checksum that no longer fits is made right again half of the time, so that what stands behind it is reached. */
#include "fuzz.h"

#include "base/rdb_toml.h"
#include "storage/storage_int.h"
#include "upkeep/rdb_upkeep.h"
#include "wal/wal_int.h"

#include <unistd.h>

const uint32_t fuzz_runs = 30000;
const fuzz_maker fuzz_make = NULL;

enum { KIND_TOML, KIND_RECORD, KIND_SEGMENT, KIND_CONTROL, KIND_PAGE, KINDS };
enum { SEGMENT_BYTES = 1 << 20, PAGE_BYTES = 4096 };
static char top[64], wal_directory[128];
static rdb_arena *arena;
static const rdb_wal_config WAL = {.directory = wal_directory, .system_id = 7, .segment_bytes = SEGMENT_BYTES, .ring_bytes = 1 << 16, .incarnation = 1, .thread_no = 1};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const FOLDERS[] = {"data", "data/meta", "data/wal"};
    rdb_error err = {0};
    char path[128];
    (void)argc, (void)argv;
    snprintf(top, sizeof top, "/tmp/rdbfuzz.XXXXXX");
    FUZZ_CHECK(mkdtemp(top) != NULL);
    for (size_t i = 0; i < RDB_COUNT_OF(FOLDERS); i++) {
        snprintf(path, sizeof path, "%s/%s", top, FOLDERS[i]);
        FUZZ_CHECK(rdb_path_make_directory(path, 0700, true, &err));
    }
    snprintf(wal_directory, sizeof wal_directory, "%s/data/wal", top);
    arena = rdb_arena_create("fuzz", NULL, NULL);
    return 0;
}

void fuzz_close(void)
{
    char command[128];
    rdb_arena_destroy(arena);
    snprintf(command, sizeof command, "rm -rf '%s'", top);
    FUZZ_CHECK(system(command) == 0);
}

static void put_record(uint8_t *at, uint32_t *length, rdb_lsn lsn, uint8_t resource, uint8_t operation, const void *data, uint32_t data_bytes)
{
    uint8_t header[RDB_WAL_HEADER_BYTES] = {0};
    header[20] = resource;
    header[21] = operation;
    *length = wal_put_head(at, header);
    memcpy(at + *length, data, data_bytes);
    *length += data_bytes;
    rdb_put_u32(at, *length);
    rdb_put_u32(at + 4, rdb_crc32c(wal_record_seed(&WAL, lsn), at + 8, *length - 8));
}

bool fuzz_seed(uint32_t no, const uint8_t **data, size_t *size)
{
    static const char TOML[] = "\0# comment\n[server]\nlisten_port = 5432\nname = \"a\\u00e4\\n\"\nlist = [1, 2.5, true, {x = 1}]\n[a.b]\nd = 2024-01-01T00:00:00Z\n'q' = '''x\ny'''\n[[t]]\n";
    static uint8_t bytes[5][PAGE_BYTES + 1];
    uint32_t length = 0;
    if (no >= 8)
        return false;
    uint8_t *at = bytes[RDB_MIN(no, 4u)];
    switch (no) {
    case 0:
        *data = (const uint8_t *)TOML;
        *size = sizeof TOML - 1;
        return true;
    case 1: { /* a record with a block, its image and data */
        at[0] = KIND_RECORD;
        memset(at + 1, 0, 200);
        const rdb_wal_block block = {.file = 5, .block = 6, .previous_change_no = 7, .data_bytes = 8, .image_bytes = 12, .flags = RDB_WAL_BLOCK_IMAGE};
        const uint32_t record_bytes = RDB_WAL_HEADER_BYTES + rdb_wal_put_block(at + 1 + RDB_WAL_HEADER_BYTES, &block) + 30;
        rdb_put_u32(at + 1, record_bytes);
        at[1 + 20] = RDB_RESOURCE_HEAP;
        at[1 + 22] = 1;
        *size = 1 + record_bytes;
        break;
    }
    case 2: { /* the first records of a segment */
        uint8_t checkpoint[48] = {0};
        rdb_lsn lsn = SEGMENT_BYTES + WAL_SEGMENT_HEADER_BYTES;
        at[0] = KIND_SEGMENT;
        size_t used = 1;
        for (int i = 0; i < 4; i++) {
            rdb_put_u64(checkpoint, SEGMENT_BYTES + WAL_SEGMENT_HEADER_BYTES);
            checkpoint[16] = RDB_RESOURCE_WAL;
            checkpoint[20] = 24;
            put_record(at + used, &length, lsn, RDB_RESOURCE_WAL, i % 2 ? RDB_WAL_OP_CHECKPOINT : 0, checkpoint, sizeof checkpoint);
            used += length;
            lsn += length;
        }
        *size = used;
        break;
    }
    case 3:
        at[0] = KIND_CONTROL;
        memset(at + 1, 0, RDB_CONTROL_BYTES);
        *size = 1 + RDB_CONTROL_BYTES;
        break;
    default:
        at[0] = KIND_PAGE;
        memset(at + 1, (int)no * 3, PAGE_BYTES);
        *size = 1 + PAGE_BYTES;
        break;
    }
    *data = at;
    return true;
}

static void write_file(const char *name, const uint8_t *head, size_t head_bytes, const uint8_t *data, size_t size, size_t whole)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", top, name);
    FILE *file = fopen(path, "w");
    FUZZ_CHECK(file != NULL);
    fwrite(head, 1, head_bytes, file);
    fwrite(data, 1, size, file);
    fflush(file);
    FUZZ_CHECK(ftruncate(fileno(file), (off_t)whole) == 0);
    fclose(file);
}

static void check_control(const uint8_t *data, size_t size)
{
    rdb_error err = {0};
    rdb_control control;
    uint8_t copy[RDB_CONTROL_BYTES] = {0};
    memcpy(copy, data, RDB_MIN(size, sizeof copy));
    if (size % 2 == 0) {
        memcpy(copy, "RDBCTL01", 8);
        rdb_put_u32(copy + 508, rdb_crc32c(0, copy, 508));
    }
    write_file("data/meta/control", copy, sizeof copy, data, size, 8192);
    if (rdb_control_read(top, &control, &err))
        FUZZ_CHECK(size % 2 == 0 || size >= RDB_CONTROL_BYTES);
    rdb_error_clear(&err);
}

/* Reads to the end, and makes a control file of what is found: it says yes or no. */
static void check_segment(const uint8_t *data, size_t size)
{
    rdb_error err = {0};
    rdb_wal_reader *reader = NULL;
    rdb_control control;
    uint8_t header[WAL_SEGMENT_HEADER_BYTES];
    bool found = true;
    wal_segment_make_header(header, &WAL, 1);
    write_file("data/wal/0000000000000001", header, sizeof header, data, RDB_MIN(size, (size_t)60000), SEGMENT_BYTES);
    FUZZ_CHECK(rdb_wal_reader_open(&reader, &WAL, SEGMENT_BYTES + WAL_SEGMENT_HEADER_BYTES, &err));
    while (found) {
        rdb_wal_record record;
        if (!rdb_wal_reader_next(reader, &record, &found, &err))
            break;
    }
    FUZZ_CHECK(rdb_wal_reader_end(reader) <= SEGMENT_BYTES * UINT64_C(2));
    rdb_wal_reader_close(&reader);
    rdb_error_clear(&err);
    write_file("data/meta/control", header, 0, header, 0, 0);
    if (rdb_upkeep_read_control(top, &control, &err))
        FUZZ_CHECK(control.redo_lsn >= SEGMENT_BYTES);
    rdb_error_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rdb_error err = {0};
    if (size < 1)
        return 0;
    switch (data[0] % KINDS) {
    case KIND_TOML: {
        rdb_toml_value *root = NULL;
        (void)!rdb_toml_parse(arena, "fuzz", (const char *)data + 1, size - 1, &root, &err);
        break;
    }
    case KIND_RECORD: {
        rdb_wal_record record;
        uint8_t *copy = malloc(size); /* its own block, so that a byte too many is seen */
        FUZZ_CHECK(copy != NULL);
        memcpy(copy, data + 1, size - 1);
        if (size >= 5 && size % 2 == 0)
            rdb_put_u32(copy, (uint32_t)size - 1);
        if (rdb_wal_record_decode(copy, (uint32_t)size - 1, 4096, &record, &err))
            FUZZ_CHECK(record.data + record.data_bytes == copy + size - 1);
        free(copy);
        break;
    }
    case KIND_SEGMENT:
        check_segment(data + 1, size - 1);
        break;
    case KIND_CONTROL:
        check_control(data + 1, size - 1);
        break;
    default: {
        _Alignas(16) uint8_t page[PAGE_BYTES] = {0};
        const char *what = NULL;
        rdb_page_tag tag = {.pdb = 3, .file = 77, .fork = 0, .block = 5};
        memcpy(page, data + 1, RDB_MIN(size - 1, sizeof page));
        if (size % 2 == 0)
            rdb_put_u32(page, rdb_crc32c(0, page + 4, PAGE_BYTES - 4));
        if (!page_verify((const rdb_page *)page, tag, PAGE_BYTES, &what))
            FUZZ_CHECK(what != NULL);
        break;
    }
    }
    rdb_error_clear(&err);
    rdb_arena_reset(arena);
    return 0;
}
