/* SPDX-License-Identifier: Apache-2.0
 * Scans over many pages whose rows stand in all the ways rows can: plain, moved, changed by others, deleted, with nulls, with
 * large values; with and without a filter in stages, at any capacity. */
#include "fixture.h"

enum { ROWS = 4000 };

static scanned rows;
static char noise[6000];

typedef struct filter_probe {
    rdb_vector numbers, notes;
    uint64_t first_rows, second_rows;
    bool fails;          /* the second stage cannot tell, now and then */
    uint32_t calls;
} filter_probe;

static bool keep(void *context, uint16_t stage, uint32_t count, uint32_t *kept, uint32_t *kept_count)
{
    filter_probe *probe = context;
    assert_in_range(count, 1, RDB_TABLE_FILTER_ROWS);
    *kept_count = 0;
    if (stage == 1 && probe->fails && probe->calls++ % 3 == 1)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        bool passes;
        if (stage == 0) {
            passes = RDB_VALUES(&probe->numbers, int32_t)[i] % 3 == 0;
        } else {
            assert_int_equal(RDB_VALUES(&probe->numbers, int32_t)[i] % 3, 0); /* the others are out already */
            passes = !rdb_vector_is_null(&probe->notes, i) && RDB_VALUES(&probe->notes, rdb_bytes)[i].length > 4;
        }
        kept[*kept_count] = i;
        *kept_count += passes;
    }
    *(stage == 0 ? &probe->first_rows : &probe->second_rows) += count;
    return true;
}

static bool passes(int64_t id, uint32_t note_length, bool note_null, int32_t number)
{
    (void)id;
    return number % 3 == 0 && !note_null && note_length > 4;
}

/* All rows of the filtered scan, each tried again where the scan says so. dropped: what it says it passed over. */
static uint32_t scan_filtered(instance *f, rdb_txn *txn, const rdb_snapshot *snapshot, uint32_t capacity, bool fails, int64_t *ids, uint64_t *dropped)
{
    static const int16_t columns[] = {1, 2, 3}, first[] = {3}, second[] = {2, 3};
    rdb_vector store[3], *vectors[3] = {&store[0], &store[1], &store[2]};
    filter_probe probe = {.fails = fails};
    rdb_vector *first_vectors[] = {&probe.numbers}, *second_vectors[] = {&probe.notes, &probe.numbers};
    rdb_table_filter filter = {.stages = {{first, 1, first_vectors}, {second, 2, second_vectors}}, .stage_count = 2, .keep = keep, .context = &probe};
    rdb_table_scan *scan;
    uint32_t found = 0;
    rdb_arena_reset(f->batch);
    MUST(&f->err, rdb_vector_init(&store[0], f->batch, RDB_REP_INT64, capacity, &f->err));
    MUST(&f->err, rdb_vector_init(&store[1], f->batch, RDB_REP_BYTES, capacity, &f->err));
    MUST(&f->err, rdb_vector_init(&store[2], f->batch, RDB_REP_INT32, capacity, &f->err));
    MUST(&f->err, rdb_vector_init(&probe.numbers, f->batch, RDB_REP_INT32, RDB_TABLE_FILTER_ROWS, &f->err));
    MUST(&f->err, rdb_vector_init(&probe.notes, f->batch, RDB_REP_BYTES, RDB_TABLE_FILTER_ROWS, &f->err));
    MUST(&f->err, rdb_table_scan_open(&scan, &f->table, txn, snapshot, columns, 3, 0, UINT64_MAX, f->batch, &f->err));
    rdb_table_scan_set_filter(scan, &filter);
    *dropped = 0;
    for (rdb_table_scan_state at = {.is_at_end = false};;) {
        uint32_t count;
        static rdb_row_address addresses[RDB_BATCH_ROWS];
        MUST(&f->err, rdb_table_scan_next(scan, capacity, f->batch, vectors, addresses, NULL, &count, &f->err));
        rdb_table_scan_tell(scan, &at);
        *dropped += at.passed_over;
        if (count == 0 && at.is_at_end)
            break;
        assert_in_range(count, 0, capacity);
        for (uint32_t i = 0; i < count; i++) {
            const bool is_null = rdb_vector_is_null(&store[1], i);
            const bool good = passes(RDB_VALUES(&store[0], int64_t)[i], is_null ? 0 : RDB_VALUES(&store[1], rdb_bytes)[i].length, is_null, RDB_VALUES(&store[2], int32_t)[i]);
            assert_true(good || !at.is_filtered);
            if (good)
                ids[found++] = RDB_VALUES(&store[0], int64_t)[i];
        }
    }
    rdb_table_scan_close(&scan);
    assert_true(fails || probe.second_rows <= probe.first_rows);
    return found;
}

static sample make_row(int64_t id, rdb_random *random)
{
    const uint64_t kind = rdb_random_next(random) % 20;
    const int32_t number = (int32_t)(rdb_random_next(random) % 100);
    if (kind == 0)
        return (sample){.id = id, .number = number};
    if (kind == 1) /* outside its row */
        return (sample){.id = id, .note = noise, .note_length = 3000 + rdb_random_next(random) % 3000, .number = number};
    return (sample){.id = id, .note = "a note of some length", .note_length = 1 + rdb_random_next(random) % 20, .number = number};
}

static void check_all(instance *f, rdb_txn *txn, const rdb_snapshot *snapshot)
{
    static int64_t wanted[ROWS * 2], ids[ROWS * 2];
    static const uint32_t capacities[] = {1, 7, 64, 300, RDB_BATCH_ROWS};
    uint32_t wanted_count = 0, plain_count = 0;
    for (uint32_t c = 0; c < RDB_COUNT_OF(capacities); c++) {
        scan_with(f, txn, snapshot, capacities[c], &rows);
        if (c > 0)
            assert_int_equal(rows.count, plain_count);
        plain_count = rows.count;
        uint32_t count = 0;
        for (uint32_t i = 0; i < rows.count; i++) {
            assert_true(i == 0 || rows.addresses[i] > rows.addresses[i - 1]);
            if (passes(rows.ids[i], rows.notes[i].length, rows.note_null[i], rows.numbers[i])) {
                assert_true(c == 0 || wanted[count] == rows.ids[i]);
                wanted[count++] = rows.ids[i];
            }
        }
        assert_true(c == 0 || count == wanted_count);
        wanted_count = count;
    }
    for (uint32_t c = 0; c < RDB_COUNT_OF(capacities); c++)
        for (int fails = 0; fails < 2; fails++) {
            uint64_t dropped = 0;
            const uint32_t found = scan_filtered(f, txn, snapshot, capacities[c], fails, ids, &dropped);
            assert_int_equal(found, wanted_count);
            assert_memory_equal(ids, wanted, found * sizeof *ids);
            assert_true(dropped <= plain_count - found);
        }
    assert_true(wanted_count > 100);
}

static void test_filters_in_stages(void **state)
{
    instance f;
    rdb_random random;
    rdb_snapshot now, start;
    rdb_xid wait;
    rdb_row_version version;
    (void)state;
    rdb_random_seed(&random, 20240611);
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)rdb_random_next(&random);
    instance_begin(&f, 4096, 2048);
    create_table(&f);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    for (int64_t id = 0; id < ROWS; id++)
        insert(&f, txn, make_row(id, &random));
    rdb_txn_take_snapshot(txn, &now);
    check_all(&f, txn, &now); /* one's own, unsettled */
    commit(&f, txn);
    rdb_txn *reader = begin(&f, RDB_REPEATABLE_READ);
    rdb_txn_take_snapshot(reader, &start);
    check_all(&f, reader, &start);
    check_all(&f, reader, &start); /* the pages are settled now */
    const uint32_t before = rows.count;
    for (int round = 0; round < 3; round++) { /* committed, aborted, running */
        txn = begin(&f, RDB_READ_COMMITTED);
        scan_now(&f, txn, &rows);
        rdb_txn_take_snapshot(txn, &now);
        for (uint32_t i = 0; i < rows.count; i++) {
            const uint64_t what = rdb_random_next(&random) % 12;
            if (what == 0)
                assert_int_equal(try_delete(&f, txn, &now, rows.addresses[i], rows.versions[i], &wait), RDB_WRITE_DONE);
            else if (what < 3)
                assert_int_equal(try_update(&f, txn, &now, rows.addresses[i], rows.versions[i], make_row(rows.ids[i], &random), &wait, &version), RDB_WRITE_DONE);
            else if (what == 3) /* too long for where it stands: it moves */
                assert_int_equal(try_update(&f, txn, &now, rows.addresses[i], rows.versions[i],
                                            (sample){.id = rows.ids[i], .note = noise, .note_length = 1300, .number = 30}, &wait, &version), RDB_WRITE_DONE);
        }
        rdb_txn_take_snapshot(txn, &now);
        check_all(&f, txn, &now);
        check_all(&f, reader, &start);
        assert_int_equal(rows.count, before);
        if (round == 0)
            commit(&f, txn);
        else if (round == 1)
            rdb_txn_abort(&txn);
    }
    rdb_txn_abort(&txn);
    rdb_txn_abort(&reader);
    instance_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters_in_stages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
