/* SPDX-License-Identifier: Apache-2.0
 * The undo store under failures: each allocation and each call into room storage fails once (sweep.h) while records are appended, read,
 * found again after a restart and cut away; and bytes on its pages and in its records are damaged. A model says what records there are. */
#include "../sweep.h"
#include "../engine.h"
#include "../must.h"
#include "txn/rdb_lock.h"
#include "undo/rdb_undo_salvage.h"
#include "undo/undo_int.h"

#define PDB 5u
#define SEGMENT (1u << 20)
#define PAGE_BYTES 4096u

typedef struct store {
    char root[64], wal_directory[96], data_directory[96];
    rdb_wal_config wal_config;
    rdb_wal *wal;
    rdb_storage *storage;
    rdb_txn_manager *txns;
    rdb_undo *undo;
    rdb_error err;
    rdb_txn *txn;
    uint64_t records; /* that the logs must have */
    uint32_t complaints;
    char problem[400]; /* the last complaint */
    rdb_undo_address address;
    rdb_undo_log_info log;
    uint32_t jobs;
} store;

static uint8_t image[6 * PAGE_BYTES];

static void store_open(store *s)
{
    rdb_txn_register_redo();
    rdb_undo_register_redo();
    const rdb_storage_config config = {.data_directory = s->data_directory, .page_bytes = PAGE_BYTES, .frame_count = 128};
    MUST(&s->err, engine_open(&s->wal_config, &config, &s->wal, &s->storage, &s->err));
    const rdb_txn_config txn_config = {.storage = s->storage};
    MUST(&s->err, rdb_txn_open(&s->txns, &txn_config, &s->err));
    const rdb_undo_config undo_config = {.storage = s->storage, .txns = s->txns};
    MUST(&s->err, rdb_undo_open(&s->undo, &undo_config, &s->err));
}

static void store_close(store *s)
{
    rdb_undo_close(&s->undo);
    rdb_txn_close(&s->txns);
    MUST(&s->err, engine_close(&s->wal, &s->storage, &s->err));
}

static void store_begin(store *s)
{
    memset(s, 0, sizeof *s);
    engine_paths("undo", s->root, sizeof s->root, s->wal_directory, s->data_directory, sizeof s->wal_directory);
    s->wal_config = (rdb_wal_config){.directory = s->wal_directory, .system_id = 5, .segment_bytes = SEGMENT, .ring_bytes = 1 << 18, .incarnation = 1, .thread_no = 1};
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * 7);
    store_open(s);
    MUST(&s->err, rdb_txn_create_pdb(s->txns, PDB, &s->err));
}

static void store_end(store *s)
{
    store_close(s);
    MUST(&s->err, rdb_path_remove_tree(s->root, &s->err));
}

static rdb_txn *begin(store *s)
{
    rdb_txn *txn = NULL;
    MUST(&s->err, rdb_txn_begin(s->txns, PDB, RDB_READ_COMMITTED, false, NULL, &txn, &s->err));
    return txn;
}

/* One record of an image and two keys. */
static bool append(store *s, rdb_txn *txn, uint32_t image_bytes, rdb_undo_address *address, rdb_error *err)
{
    const rdb_undo_key keys[] = {{.index_file = 7, .old_key = {image, 5}, .new_key = {image, 9}}, {.index_file = 8, .old_key = {image, 3}}};
    rdb_undo_record record = {.kind = RDB_UNDO_UPDATE, .file = RDB_FILE_NO(RDB_FILE_TABLE, 1), .home = 77, .image = {image, image_bytes}, .keys = keys, .key_count = 2};
    rdb_undo_append a;
    if (!rdb_undo_prepare(txn, RDB_UNDO_PERMANENT, &record.xid, err))
        return false;
    bool ok = rdb_undo_append_begin(&a, txn, RDB_UNDO_PERMANENT, &record, err);
    if (ok) {
        rdb_change change;
        rdb_lsn end_lsn;
        rdb_change_init(&change, s->storage, PDB, record.xid, RDB_RESOURCE_UNDO, UNDO_OP_APPEND);
        rdb_undo_append_add(&a, &change);
        ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
    }
    *address = a.address;
    rdb_undo_append_end(&a, ok);
    return ok;
}

/* Is the record as append() made it? */
static bool read_back(store *s, rdb_undo_address address, uint32_t image_bytes, bool *found, rdb_error *err)
{
    rdb_undo_reader reader;
    rdb_undo_record record;
    rdb_undo_reader_init(&reader);
    bool ok = rdb_undo_read(s->undo, PDB, address, &reader, &record, found, err);
    if (ok && *found) {
        rdb_undo_key key;
        size_t cursor = 0;
        assert_int_equal(record.kind, RDB_UNDO_UPDATE);
        assert_int_equal(record.home, 77);
        assert_int_equal(record.image.length, image_bytes);
        if (image_bytes > 0)
            assert_memory_equal(record.image.data, image, image_bytes);
        assert_true(rdb_undo_next_key(&record, &cursor, &key) && key.index_file == 7 && key.old_key.length == 5 && key.new_key.length == 9);
        assert_true(rdb_undo_next_key(&record, &cursor, &key) && key.index_file == 8 && key.old_key.length == 3 && key.new_key.length == 0);
        assert_false(rdb_undo_next_key(&record, &cursor, &key));
    }
    rdb_undo_reader_deinit(&reader);
    return ok;
}

static void complain(void *context, rdb_undo_address address, const char *problem)
{
    store *s = context;
    (void)address;
    s->complaints++;
    snprintf(s->problem, sizeof s->problem, "%s", problem);
}

static void check_records(store *s)
{
    uint64_t records = 0;
    s->complaints = 0;
    MUST(&s->err, rdb_undo_verify(s->undo, PDB, NULL, complain, s, &records, &s->err));
    if (s->complaints > 0)
        fail_msg("%s", s->problem);
    assert_int_equal(records, s->records);
}

/* ---- appending ------------------------------------------------------------------------------------------------------------------ */
/* A file's record, one of a few bytes, one over several pages; in two transactions at once, so that there are two logs. */
static bool write_some(void *context, rdb_error *err)
{
    store *s = context;
    rdb_txn *other = NULL;
    rdb_scn scn;
    bool found;
    s->address = 0;
    if (!rdb_txn_begin(s->txns, PDB, RDB_READ_COMMITTED, false, NULL, &s->txn, err) || !rdb_undo_note_file(s->txn, RDB_UNDO_FILE_DROP, RDB_FILE_NO(RDB_FILE_TABLE, 9), err))
        return false;
    s->records++;
    if (!append(s, s->txn, 11, &s->address, err))
        return false;
    s->records++;
    if (!rdb_txn_begin(s->txns, PDB, RDB_READ_COMMITTED, false, NULL, &other, err))
        return false;
    bool ok = append(s, other, 2000, &s->address, err);
    s->records += ok;
    rdb_txn_abort(&other);
    if (!ok || !append(s, s->txn, sizeof image, &s->address, err))
        return false;
    s->records++;
    return read_back(s, s->address, sizeof image, &found, err) && found && rdb_txn_commit(&s->txn, RDB_COMMIT_NO_WAIT, &scn, err);
}

static void look_at_written(void *context, bool ok)
{
    store *s = context;
    rdb_undo_job job;
    bool found = false;
    rdb_txn_abort(&s->txn);
    while (rdb_undo_take_job(s->undo, &job)) {
        MUST(&s->err, rdb_undo_find_last(s->undo, &job, &s->err));
        assert_true(job.last >= job.begin && job.begin != 0);
        rdb_undo_finish_job(s->undo, &job, true);
    }
    if (ok) {
        MUST(&s->err, read_back(s, s->address, sizeof image, &found, &s->err));
        assert_true(found);
    }
    check_records(s);
}

static void test_appending(void **state)
{
    (void)state;
    store s;
    store_begin(&s);
    assert_true(sweep(write_some, look_at_written, &s) > 20);
    assert_true(s.records > 40);
    for (unsigned round = 0; round < 2; round++) { /* nothing that failed left a trace in the log either */
        store_close(&s);
        store_open(&s);
        check_records(&s);
    }
    store_end(&s);
}

/* ---- a restart -------------------------------------------------------------------------------------------------------------------- */
static bool attach(void *context, rdb_error *err)
{
    store *s = context;
    const rdb_undo_config config = {.storage = s->storage, .txns = s->txns};
    return rdb_undo_open(&s->undo, &config, err) && rdb_undo_attach(s->undo, PDB, err);
}

static void look_at_attached(void *context, bool ok)
{
    store *s = context;
    rdb_undo_job job, sibling, again;
    if (s->undo == NULL) {
        assert_false(ok);
        return;
    }
    /* What could not be attached is attached by the next one who asks. Work to take back that had no memory to be queued is left to purge. */
    check_records(s);
    s->jobs = 0;
    if (rdb_undo_take_job(s->undo, &job)) {
        assert_true(job.is_found && rdb_undo_has_job(s->undo, PDB, job.begin));
        for (s->jobs = 1; rdb_undo_take_sibling(s->undo, &job, &sibling); s->jobs++) {
            MUST(&s->err, rdb_undo_find_last(s->undo, &sibling, &s->err));
            assert_int_equal(RDB_UNDO_LOG(sibling.last), RDB_UNDO_LOG(sibling.begin));
            assert_true(sibling.last > sibling.begin);
            rdb_undo_finish_job(s->undo, &sibling, false); /* given back */
            assert_true(rdb_undo_take_sibling(s->undo, &job, &again) && again.id == sibling.id);
            rdb_undo_finish_job(s->undo, &sibling, true);
        }
        rdb_undo_add_job(s->undo, &job); /* it is there */
        assert_false(rdb_undo_take_job(s->undo, &again));
        rdb_undo_finish_job(s->undo, &job, true);
        assert_false(rdb_undo_has_job(s->undo, PDB, job.begin));
    }
    assert_in_range(s->jobs, 0, 3);
    rdb_undo_close(&s->undo);
}

static void test_attaching(void **state)
{
    (void)state;
    store s;
    rdb_txn *running[3], *other = NULL;
    rdb_lock_session *none = NULL;
    rdb_undo_address of_prepared = 0;
    rdb_scn scn;
    bool found = false;
    store_begin(&s);
    for (unsigned i = 0; i < 3; i++) {
        running[i] = begin(&s);
        MUST(&s.err, append(&s, running[i], 3000 * i, &s.address, &s.err));
        MUST(&s.err, append(&s, running[i], 100, &s.address, &s.err));
        s.records += 2;
    }
    other = begin(&s);
    MUST(&s.err, append(&s, other, 700, &of_prepared, &s.err));
    s.records++;
    MUST(&s.err, rdb_txn_prepare(&other, &none, "writer", 10, 4, &s.err));
    MUST(&s.err, rdb_undo_set_purged_scn(s.undo, PDB, 4, &s.err));
    store_close(&s);
    store_open(&s);
    rdb_undo_close(&s.undo);
    assert_true(sweep(attach, look_at_attached, &s) > 10);
    assert_int_equal(s.jobs, 3);
    MUST(&s.err, attach(&s, &s.err));
    assert_true(rdb_undo_purged_scn(s.undo, PDB) == 4);
    /* The prepared one's log is nobody else's. */
    other = begin(&s);
    MUST(&s.err, append(&s, other, 12, &s.address, &s.err));
    s.records++;
    assert_int_not_equal(RDB_UNDO_LOG(s.address), RDB_UNDO_LOG(of_prepared));
    rdb_txn_abort(&other);
    MUST(&s.err, rdb_txn_end_prepared(s.txns, "writer", true, RDB_COMMIT_LOCAL, &scn, &s.err));
    MUST(&s.err, read_back(&s, of_prepared, 700, &found, &s.err));
    assert_true(found);
    check_records(&s);
    store_end(&s);
}

/* ---- the tail ------------------------------------------------------------------------------------------------------------------ */
static void note_largest(void *context, const rdb_undo_log_info *info)
{
    store *s = context;
    if (info->pdb == PDB && RDB_UNDO_OFFSET(info->next) > RDB_UNDO_OFFSET(s->log.next))
        s->log = *info;
}

static bool segment_is_there(const store *s, uint64_t segment)
{
    return rdb_storage_file_exists(s->storage, PDB, RDB_FILE_NO(RDB_FILE_UNDO, (uint64_t)s->log.log << 32 | (segment + 1)));
}

static bool cut(void *context, rdb_error *err)
{
    store *s = context;
    return rdb_undo_set_tail(s->undo, PDB, s->log.end, err);
}

static void look_at_cut(void *context, bool ok)
{
    store *s = context;
    bool found = true;
    rdb_error err = {0};
    assert_true(segment_is_there(s, 2));
    if (!ok)
        return;
    assert_false(segment_is_there(s, 0));
    assert_false(segment_is_there(s, 1));
    MUST(&err, read_back(s, s->address, 20000, &found, &err));
    assert_false(found); /* below the tail: gone, no damage */
}

/* Segments go whole, also when the first try to remove them fails, and also when the next try is made by another life. */
static void test_cutting(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        store s;
        rdb_scn scn;
        rdb_undo_address address;
        store_begin(&s);
        rdb_txn *txn = begin(&s);
        MUST(&s.err, append(&s, txn, 20000, &s.address, &s.err));
        do {
            MUST(&s.err, append(&s, txn, 20000, &address, &s.err));
        } while (RDB_UNDO_OFFSET(address) < 2 * UNDO_SEGMENT_PAGES * PAGE_BYTES);
        MUST(&s.err, rdb_txn_commit(&txn, RDB_COMMIT_LOCAL, &scn, &s.err));
        s.log.next = 0;
        rdb_undo_visit_logs(s.undo, note_largest, &s);
        assert_true(segment_is_there(&s, 0) && segment_is_there(&s, 1) && segment_is_there(&s, 2));
        if (round == 0) {
            assert_true(sweep(cut, look_at_cut, &s) >= 3);
        } else {
            rdb_error err = {0};
            sweep_arm(3); /* the tail is logged, the first file stays */
            assert_false(cut(&s, &err));
            assert_string_equal(sweep_disarm(), RDB_IO_ERROR);
            rdb_error_clear(&err);
            assert_true(segment_is_there(&s, 0));
            store_close(&s);
            store_open(&s);
            MUST(&s.err, rdb_undo_attach(s.undo, PDB, &s.err));
            MUST(&s.err, cut(&s, &s.err));
            look_at_cut(&s, true);
        }
        check_records(&s); /* none */
        store_end(&s);
    }
}

/* ---- damage ---------------------------------------------------------------------------------------------------------------------- */
static void change_byte(store *s, rdb_undo_address address, uint32_t at, uint8_t bits)
{
    undo_pdb *pdb = NULL;
    rdb_buffer *buffer = NULL;
    const uint64_t offset = undo_advance(s->undo, RDB_UNDO_OFFSET(address), at);
    MUST(&s->err, undo_find_pdb(s->undo, PDB, &pdb, &s->err));
    MUST(&s->err, rdb_buffer_acquire(s->storage, undo_page_tag(s->undo, undo_find_log(pdb, RDB_UNDO_LOG(address)), offset), RDB_BUFFER_EXCLUSIVE, &buffer, &s->err));
    ((uint8_t *)rdb_buffer_page(buffer))[offset & (PAGE_BYTES - 1)] ^= bits;
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
}

/* Any byte of a record that is not what was written is found; so is an address that no record begins at. */
static void test_damaged_records(void **state)
{
    (void)state;
    store s;
    rdb_undo_address address;
    bool found = true;
    uint64_t records = 0;
    rdb_error err = {0};
    store_begin(&s);
    rdb_txn *txn = begin(&s);
    MUST(&s.err, append(&s, txn, 100, &address, &s.err));
    for (uint32_t at = 0; at < UNDO_HEADER_BYTES + 100; at += at < 8 ? 1 : 7) {
        change_byte(&s, address, at, 0x91);
        assert_false(read_back(&s, address, 100, &found, &err));
        assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
        assert_false(found);
        rdb_error_clear(&err);
        s.complaints = 0;
        MUST(&s.err, rdb_undo_verify(s.undo, PDB, NULL, complain, &s, &records, &s.err));
        assert_int_equal(s.complaints, 1);
        assert_int_equal(records, 0);
        assert_non_null(strstr(s.problem, "an undo record is damaged"));
        change_byte(&s, address, at, 0x91);
    }
    MUST(&s.err, read_back(&s, address, 100, &found, &s.err));
    assert_true(found);
    const rdb_undo_address nowhere[] = {address + 4, address + (1 << 20), RDB_UNDO_ADDRESS(77, RDB_PAGE_HEADER_BYTES), RDB_UNDO_ADDRESS(2u << 14 | 1, RDB_PAGE_HEADER_BYTES)};
    for (uint32_t i = 0; i < RDB_COUNT_OF(nowhere); i++) {
        assert_false(read_back(&s, nowhere[i], 100, &found, &err));
        assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
        rdb_error_clear(&err);
    }
    rdb_txn_abort(&txn);
    store_end(&s);
}

/* A record whose checksum is right and whose words make no sense: what verify says of it. */
static void forge(store *s, rdb_undo_address address, void (*change)(undo_header *header))
{
    undo_pdb *pdb = NULL;
    rdb_buffer *buffer = NULL;
    undo_header header;
    MUST(&s->err, undo_find_pdb(s->undo, PDB, &pdb, &s->err));
    const uint64_t offset = RDB_UNDO_OFFSET(address);
    MUST(&s->err, rdb_buffer_acquire(s->storage, undo_page_tag(s->undo, undo_find_log(pdb, RDB_UNDO_LOG(address)), offset), RDB_BUFFER_EXCLUSIVE, &buffer, &s->err));
    uint8_t *at = (uint8_t *)rdb_buffer_page(buffer) + (offset & (PAGE_BYTES - 1));
    memcpy(&header, at, sizeof header);
    change(&header);
    memcpy(at, &header, sizeof header);
    rdb_put_u32(at, rdb_crc32c(0, at + 4, header.bytes - 4));
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
}
static void set_kind(undo_header *header)
{
    header->kind = RDB_UNDO_FILE_DROP + 1;
}
static void set_loop(undo_header *header)
{
    header->kind = RDB_UNDO_UPDATE;
    header->previous_of_txn = UINT64_MAX;
}
static void set_keys(undo_header *header)
{
    header->previous_of_txn = 0;
    header->key_count = 3;
}
static void set_slots(undo_header *header)
{
    header->slots = 5000;
}

static void test_forged_records(void **state)
{
    (void)state;
    static const struct {
        void (*change)(undo_header *header);
        const char *problem;
    } FORGED[] = {{set_kind, "no known kind"}, {set_loop, "does not lie before it"}, {set_keys, "pass its end"}, {set_slots, "an undo record is damaged"}};
    store s;
    rdb_undo_address address;
    uint64_t records;
    store_begin(&s);
    rdb_txn *txn = begin(&s);
    MUST(&s.err, append(&s, txn, 100, &address, &s.err));
    for (uint32_t i = 0; i < RDB_COUNT_OF(FORGED); i++) {
        forge(&s, address, FORGED[i].change);
        s.complaints = 0;
        MUST(&s.err, rdb_undo_verify(s.undo, PDB, NULL, complain, &s, &records, &s.err));
        assert_int_equal(s.complaints, 1);
        assert_non_null(strstr(s.problem, FORGED[i].problem));
    }
    /* Keys that pass the end of their record are not given out. */
    uint8_t bytes[24] = {0};
    rdb_put_u16(bytes + 8, 9);
    rdb_undo_record record = {.key_bytes = {bytes, sizeof bytes}};
    rdb_undo_key key;
    size_t cursor = 0;
    assert_false(rdb_undo_next_key(&record, &cursor, &key));
    rdb_txn_abort(&txn);
    store_end(&s);
}

/* Verify ends early where it is told to, and where a page cannot be read. */
static bool verify(void *context, rdb_error *err)
{
    store *s = context;
    uint64_t records;
    s->complaints = 0;
    return rdb_undo_verify(s->undo, PDB, NULL, complain, s, &records, err);
}
static void look_at_verified(void *context, bool ok)
{
    (void)ok;
    assert_int_equal(((store *)context)->complaints, 0); /* a page that cannot be read now is no damaged record */
}

static bool purge_fails(void *context, rdb_cancel *cancel, rdb_error *err)
{
    (void)context, (void)cancel;
    return rdb_error_set(err, RDB_IO_ERROR, "purge failed");
}
static bool rest_fails(void *context, rdb_cancel *cancel, rdb_undo_visit_at_rest visit, void *visit_context, bool *ran, rdb_error *err)
{
    (void)context, (void)cancel, (void)visit, (void)visit_context, (void)ran;
    return rdb_error_set(err, RDB_DISK_FULL, "no rest");
}

static void test_limits(void **state)
{
    (void)state;
    store s;
    rdb_undo_append a;
    rdb_error err = {0};
    rdb_scn scn;
    uint64_t records;
    bool ran = true;
    store_begin(&s);
    rdb_txn *txns[20];
    for (uint32_t i = 0; i < 20; i++) { /* more logs than verify's list has room for at first */
        txns[i] = begin(&s);
        MUST(&s.err, append(&s, txns[i], 10, &s.address, &s.err));
    }
    s.records = 20;
    check_records(&s);
    assert_true(sweep(verify, look_at_verified, &s) >= 20);
    rdb_cancel cancel;
    rdb_cancel_init(&cancel);
    rdb_cancel_begin_statement(&cancel, 0);
    assert_true(rdb_cancel_set(&cancel, RDB_CANCEL_USER));
    assert_false(rdb_undo_verify(s.undo, PDB, &cancel, complain, &s, &records, &err));
    assert_string_equal(err.sqlstate, RDB_QUERY_CANCELED);
    rdb_error_clear(&err);

    static uint8_t large[70000];
    const rdb_undo_key key = {.index_file = 7, .old_key = {large, sizeof large}};
    const rdb_undo_record records_too_large[] = {{.kind = RDB_UNDO_UPDATE, .image = {large, sizeof large}}, {.kind = RDB_UNDO_UPDATE, .keys = &key, .key_count = 1}};
    for (uint32_t i = 0; i < 2; i++) {
        assert_false(rdb_undo_append_begin(&a, txns[0], RDB_UNDO_PERMANENT, &records_too_large[i], &err));
        assert_string_equal(err.sqlstate, RDB_PROGRAM_LIMIT_EXCEEDED);
        rdb_error_clear(&err);
        rdb_undo_append_end(&a, false);
    }
    check_records(&s);
    for (uint32_t i = 0; i < 20; i++)
        MUST(&s.err, rdb_txn_commit(&txns[i], RDB_COMMIT_NO_WAIT, &scn, &s.err));
    /* Nobody purges: that is said. */
    MUST(&s.err, rdb_undo_purge_now(s.undo, NULL, &s.err));
    MUST(&s.err, rdb_undo_at_rest(s.undo, NULL, NULL, NULL, &ran, &s.err));
    assert_false(ran);
    /* Who purges is asked, and its failure is told. */
    rdb_undo_set_purger(s.undo, purge_fails, &s);
    rdb_undo_set_rester(s.undo, rest_fails, &s);
    assert_false(rdb_undo_purge_now(s.undo, NULL, &err));
    assert_string_equal(err.sqlstate, RDB_IO_ERROR);
    rdb_error_clear(&err);
    assert_false(rdb_undo_at_rest(s.undo, NULL, NULL, NULL, &ran, &err));
    assert_string_equal(err.sqlstate, RDB_DISK_FULL);
    rdb_error_clear(&err);
    rdb_undo_set_purger(s.undo, NULL, NULL);
    rdb_undo_set_rester(s.undo, NULL, NULL);
    /* Twenty logs, all of whose bytes belong to transactions that have ended. */
    rdb_undo_statistics statistics;
    rdb_undo_get_statistics(s.undo, &statistics);
    assert_true(statistics.logs == 20 && statistics.bytes == statistics.bytes_finished && statistics.bytes >= 20 * UNDO_HEADER_BYTES);
    assert_true(statistics.file_bytes == 20 * PAGE_BYTES && statistics.jobs == 0);
    /* A retired database is not touched any more. */
    assert_true(rdb_undo_work_begin(s.undo, PDB));
    rdb_undo_work_end(s.undo, PDB);
    MUST(&s.err, rdb_undo_retire(s.undo, PDB, &s.err));
    assert_false(rdb_undo_work_begin(s.undo, PDB));
    store_end(&s);
}

/* ---- redo ------------------------------------------------------------------------------------------------------------------------ */
static void redo_is(const rdb_redo *redo, rdb_page *page, bool fits)
{
    rdb_error err = {0};
    static uint8_t before[PAGE_BYTES];
    memcpy(before, page, sizeof before);
    assert_int_equal(rdb_resource_find(RDB_RESOURCE_UNDO)->redo(redo, page, &err), fits);
    assert_string_equal(err.sqlstate, fits ? "" : RDB_DATA_CORRUPTED);
    if (!fits)
        assert_memory_equal(before, page, sizeof before);
    rdb_error_clear(&err);
}

static void test_damaged_redo(void **state)
{
    (void)state;
    static _Alignas(8) uint8_t bytes[PAGE_BYTES];
    static uint8_t data[PAGE_BYTES];
    rdb_page *page = (rdb_page *)(void *)bytes;
    rdb_undo_register_redo();
    rdb_redo redo = {.operation = UNDO_OP_APPEND, .page_bytes = PAGE_BYTES, .tag = {.file = RDB_FILE_NO(RDB_FILE_UNDO, 7)}, .data = data, .data_bytes = 11};
    rdb_put_u16(data + 1, RDB_PAGE_HEADER_BYTES);
    redo_is(&redo, page, false); /* no page of the undo store */
    data[0] = UNDO_PART_FRESH;
    redo_is(&redo, page, true);
    assert_int_equal(page->lower, RDB_PAGE_HEADER_BYTES + 8);
    data[0] = 0;
    redo_is(&redo, page, false); /* not where the page ends */
    rdb_put_u16(data + 1, page->lower);
    redo_is(&redo, page, true);
    rdb_put_u16(data + 1, page->lower);
    redo.data_bytes = PAGE_BYTES;
    redo_is(&redo, page, false); /* past the end of the page */
    redo.data_bytes = 2;
    redo_is(&redo, page, false);
    rdb_put_u16(data + 1, 8);
    redo.data_bytes = 11;
    redo_is(&redo, page, false); /* in the header */
    redo.tag.file = RDB_FILE_NO(RDB_FILE_UNDO, 0);
    redo.data_bytes = 16;
    redo_is(&redo, page, false); /* a new owner, on no meta page */
    page->type = RDB_PAGE_META;
    redo_is(&redo, page, true);
    redo.data_bytes = 15;
    redo_is(&redo, page, false);
    static const uint8_t OPERATIONS[] = {UNDO_OP_META_INIT, UNDO_OP_TAIL, UNDO_OP_PURGED};
    for (uint32_t i = 0; i < RDB_COUNT_OF(OPERATIONS); i++) {
        redo.operation = OPERATIONS[i];
        redo.data_bytes = 7;
        redo_is(&redo, page, false);
        redo.data_bytes = i == 0 ? sizeof(undo_meta) : 8;
        redo_is(&redo, page, true);
    }
    page->type = RDB_PAGE_UNDO;
    redo_is(&redo, page, false);
    redo.operation = 9;
    redo_is(&redo, page, false);

    /* What is put in place of a page that is lost: a meta page of a database where nothing is purged, or a page without records. */
    memset(bytes, 0xee, sizeof bytes);
    rdb_undo_mend_page(bytes, PAGE_BYTES, true);
    assert_int_equal(page->type, RDB_PAGE_META);
    assert_int_equal(rdb_get_u64(bytes + RDB_PAGE_HEADER_BYTES), 0);
    memset(bytes, 0xee, sizeof bytes);
    rdb_undo_mend_page(bytes, PAGE_BYTES, false);
    assert_int_equal(page->type, RDB_PAGE_FREE);
    assert_int_equal(bytes[PAGE_BYTES - 1], 0);

    static const char *const NAMES[] = {"?", "new log", "tail", "append", "purged", "?"};
    for (uint8_t i = 0; i < RDB_COUNT_OF(NAMES); i++) {
        rdb_strbuf text;
        rdb_wal_record record = {.resource = RDB_RESOURCE_UNDO, .operation = i};
        rdb_strbuf_init(&text, NULL);
        rdb_resource_find(RDB_RESOURCE_UNDO)->describe(&record, &text);
        assert_string_equal(text.data, NAMES[i]);
        rdb_strbuf_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appending),       cmocka_unit_test(test_attaching),      cmocka_unit_test(test_cutting), cmocka_unit_test(test_damaged_records),
        cmocka_unit_test(test_forged_records), cmocka_unit_test(test_limits), cmocka_unit_test(test_damaged_redo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
