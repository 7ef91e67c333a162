/* SPDX-License-Identifier: Apache-2.0
 * A bundle holds what it may and nothing else, reads back, and a damaged one is refused; staged facts have their causes named. */
#include "facts_file.h"

#include "os/rdb_os.h"

#include <unistd.h>

static const uint8_t KEY[RDB_DIAG_KEY_BYTES] = {1, 2, 3};
#define CANARY "Xq7canary"

static rdb_facts *empty_facts(void)
{
    rdb_facts *facts;
    rdb_error err = {0};
    assert_true(rdb_facts_create(&facts, &err));
    assert_true(rdb_diag_make_tables(facts, &err));
    return facts;
}

typedef struct search {
    uint64_t canaries, bytes, pseudonyms, plain;
} search;

static bool look(void *context, const char *name, const void *bytes, size_t length, rdb_error *err)
{
    search *found = context;
    (void)err;
    assert_null(strstr(name, CANARY));
    found->bytes += length;
    for (const char *at = bytes; (at = memmem(at, length - (size_t)(at - (const char *)bytes), CANARY, strlen(CANARY))) != NULL; at++)
        found->canaries++;
    for (const char *at = bytes; (at = memmem(at, length - (size_t)(at - (const char *)bytes), "\"n", 2)) != NULL; at++)
        found->pseudonyms += strspn(at + 2, "0123456789abcdef") == 10;
    for (const char *at = bytes; (at = memmem(at, length - (size_t)(at - (const char *)bytes), "4711", 4)) != NULL; at++)
        found->plain++;
    return true;
}

/* A canary in every column that is not PLAIN, of every table, a number in all others. */
static void test_canaries(void **state)
{
    (void)state;
    rdb_facts *facts = empty_facts();
    rdb_error err = {0};
    rdb_arena *arena = rdb_arena_create("bundle", NULL, NULL);
    rdb_list tables = {0};
    uint64_t names = 0, texts = 0, plain = 0;
    assert_true(rdb_facts_tables(facts, arena, &tables, &err));
    for (uint32_t i = 0; i < tables.count; i++) {
        rdb_list columns = {0};
        const char *values[64];
        assert_true(rdb_facts_columns(facts, tables.items[i], arena, &columns, &err));
        for (uint32_t row = 0; row < 300; row++) {
            for (uint32_t j = 0; j < columns.count; j++) {
                const rdb_fact_column *column = columns.items[j];
                values[j] = column->class == RDB_FACT_PLAIN ? "4711" : rdb_arena_printf(arena, CANARY "%u%u'\"\\", row, j);
                names += column->class == RDB_FACT_NAME;
                texts += column->class == RDB_FACT_TEXT;
                plain += column->class == RDB_FACT_PLAIN;
            }
            assert_true(rdb_facts_add(facts, tables.items[i], values, columns.count, &err));
        }
    }
    assert_true(names + texts >= 10000);
    search found = {0};
    assert_true(rdb_diag_preview(facts, KEY, look, &found, &err));
    assert_int_equal(found.canaries, 0);
    assert_int_equal(found.pseudonyms, names);
    assert_true(found.plain >= plain);
    rdb_facts_close(&facts);
    rdb_arena_destroy(arena);
}

static void test_pseudonyms(void **state)
{
    (void)state;
    static const uint8_t other_key[RDB_DIAG_KEY_BYTES] = {9};
    char first[RDB_DIAG_PSEUDONYM_BYTES], again[RDB_DIAG_PSEUDONYM_BYTES], other[RDB_DIAG_PSEUDONYM_BYTES], elsewhere[RDB_DIAG_PSEUDONYM_BYTES];
    rdb_diag_pseudonym(KEY, "orders", first);
    rdb_diag_pseudonym(KEY, "orders", again);
    rdb_diag_pseudonym(KEY, "order", other);
    rdb_diag_pseudonym(other_key, "orders", elsewhere);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
    assert_string_not_equal(first, elsewhere);
}

static char path[] = "/tmp/rdb-bundle-XXXXXX";

static void test_round_trip(void **state)
{
    (void)state;
    rdb_facts *facts = empty_facts(), *read;
    rdb_error err = {0};
    rdb_list rows = {0};
    rdb_arena *arena = rdb_arena_create("bundle", NULL, NULL);
    char pseudonym[RDB_DIAG_PSEUDONYM_BYTES];
    close(mkstemp(path));
    facts_add_line(facts, "database name=shop checksum_failures=2");
    facts_add_line(facts, "setting name=work_mem value=4096 unit=kB");
    facts_add_line(facts, "activity pid=7 query=select%20secret state=active");
    assert_true(rdb_diag_write_bundle(facts, KEY, path, &err));
    assert_true(rdb_facts_create(&read, &err));
    assert_true(rdb_facts_read(read, path, "b_", &err));
    assert_true(rdb_facts_query(read, "select name, checksum_failures + 1, (select value from b_setting), (select coalesce(query, 'none') from b_activity) from b_database", arena, &rows, &err));
    assert_int_equal(rows.count, 1);
    const char *const *row = rows.items[0];
    rdb_diag_pseudonym(KEY, "shop", pseudonym);
    assert_string_equal(row[0], pseudonym);
    assert_string_equal(row[1], "3");
    assert_string_equal(row[2], "4096");
    assert_string_equal(row[3], "none");
    rdb_facts_close(&facts);
    rdb_facts_close(&read);
    rdb_arena_destroy(arena);
}

/* Whatever a byte is changed to, reading ends with an answer or an error. */
static void test_damage(void **state)
{
    (void)state;
    rdb_slice content;
    rdb_error err = {0};
    rdb_arena *arena = rdb_arena_create("bundle", NULL, NULL);
    uint32_t refused = 0;
    rdb_random random;
    rdb_random_seed(&random, 7);
    assert_true(rdb_path_read(path, arena, &content, 1 << 20, &err));
    for (uint32_t i = 0; i < 300; i++) {
        uint8_t *copy = rdb_arena_memdup(arena, content.data, content.length);
        rdb_facts *read;
        copy[rdb_random_next(&random) % content.length] ^= (uint8_t)(1 + rdb_random_next(&random) % 255);
        const size_t length = i % 3 == 0 ? rdb_random_next(&random) % content.length : content.length;
        assert_true(rdb_path_write_atomic(path, copy, length, 0600, &err));
        assert_true(rdb_facts_create(&read, &err));
        if (!rdb_facts_read(read, path, "", &err)) {
            refused++;
            assert_true(rdb_error_message(&err)[0] != '\0');
            rdb_error_clear(&err);
        }
        rdb_facts_close(&read);
    }
    assert_true(refused > 250);
    unlink(path);
    rdb_arena_destroy(arena);
}

/* ---- causes ---------------------------------------------------------------------------------------------------------------------------- */
typedef struct incident {
    const char *question, *cause;
    const char *facts[6];
} incident;

#define MINUTES_LATER "host name=now_us value=820540800000000" /* 2026-01-01 00:00, five of them */
#define ERROR_LINE "time=2025-12-31T23:55:00.000000Z level=warn room=session message=told sqlstate="
static const incident INCIDENTS[] = {
    {"blocked", "deadlocks", {MINUTES_LATER, "log_line " ERROR_LINE "40P01"}},
    {"blocked", "lock-timeouts", {MINUTES_LATER, "log_line " ERROR_LINE "55P03"}},
    {"full", "volume-full", {"volume what=wal device=8:1 bytes=9000000000 free_bytes=1000"}},
    {"full", "no-space", {MINUTES_LATER, "log_line " ERROR_LINE "53100"}},
    {"full", "spill-limit", {MINUTES_LATER, "log_line " ERROR_LINE "53400"}},
    {"full", "snapshots-expired", {MINUTES_LATER, "log_line " ERROR_LINE "72000"}},
    {"slow", "not-served", {"process name=pid value=0"}},
    {"slow", "connections-out", {"item topic=connection state=unreachable detail=sorry,%20too%20many%20clients%20already"}},
    {"slow", "disk-slow", {"wait type=IO wait=WALSync waits=33 total_ms=10123.9"}},
    {"slow", "client-slow", {"activity pid=7 state=active wait_type=Client wait=ClientWrite query_s=9 state_s=9"}},
    {"slow", "plan-changed", {"statement queryid=7 calls=10 total_ms=99 mean_ms=9.9 p50_ms=0.1 p99_ms=60 changes=1"}},
    {"slow", "checkpoints-crowd", {"checkpoint timed=0 requested=9", "server name=uptime_s value=60"}},
    {"slow", "out-of-memory", {MINUTES_LATER, "log_line " ERROR_LINE "53200"}},
    {"slow", "connections-refused", {MINUTES_LATER, "log_line " ERROR_LINE "53300"}},
    {"slow", "statements-cancelled", {MINUTES_LATER, "log_line*3 " ERROR_LINE "57014"}},
    {"slow", "transactions-collide", {MINUTES_LATER, "log_line*3 " ERROR_LINE "40001"}},
    {"slow", "logins-refused", {MINUTES_LATER, "log_line*3 " ERROR_LINE "28P01"}},
    {"slow", "out-of-versions", {MINUTES_LATER, "log_line " ERROR_LINE "72000"}},
    {"blocked", "root-idle", {"blocking pid=7 blocker=8 wait_s=9", "blocking pid=8 blocker=9 wait_s=9", "activity pid=9 state=idle%20in%20transaction state_s=70", "activity pid=8 state=active", "lock_wait pid=7 type=relation mode=AccessShareLock relation=t"}},
    {"blocked", "root-busy", {"blocking pid=7 blocker=8 wait_s=9", "activity pid=8 state=active query_s=40"}},
    {"blocked", "root-prepared", {"blocking pid=7 blocker=0 wait_s=9", "prepared_xact gid=forgotten age_s=900"}},
    {"waiting", "lock-queue", {"lock_wait pid=7 type=relation mode=AccessExclusiveLock relation=t", "lock_wait pid=8 type=relation mode=AccessShareLock relation=t"}},
    {"waiting", "waits-elsewhere", {"activity pid=7 state=active wait_type=IO wait=DataFileRead"}},
    {"full", "log-held-by-archiver", {"area name=data/wal files=90 bytes=1500000000", "archiver archived=5 failed=9 archived_s=9000 failed_s=3"}},
    {"full", "versions-held-by-session", {"undo bytes=900000000 backlog_bytes=0 retention_s=0", "activity pid=7 state=idle%20in%20transaction xact_s=9000 state_s=9000"}},
    {"full", "versions-held-by-prepared", {"undo bytes=900000000 backlog_bytes=0 retention_s=0", "prepared_xact gid=forgotten age_s=9000"}},
    {"full", "versions-kept-by-retention", {"undo bytes=900000000 backlog_bytes=0 retention_s=86400"}},
    {"full", "temporary-files", {"area name=tmp files=9 bytes=900000000", "activity pid=7 state=active query_s=90"}},
    {"full", "logs", {"area name=logs files=9 bytes=9000000000"}},
    {"full", "local-backups", {"area name=backup files=9 bytes=9000000000"}},
    {"slow", "stopped", {"process name=state value=T"}},
    {"slow", "disk-full", {"volume what=wal bytes=9000000000 free_bytes=1000"}},
    {"slow", "blocked", {"blocking pid=7 blocker=8 wait_s=9", "activity pid=8 state=idle%20in%20transaction"}},
    {"slow", "swapping", {"process name=swapped_bytes value=900000000"}},
    {"slow", "waits-together", {"activity*5 state=active wait_type=IO wait=WALSync type=client%20backend"}},
    {"slow", "many-run", {"activity*50 state=active type=client%20backend query_s=1", "host name=processors value=2"}},
    {"slow", "one-long-statement", {"activity pid=7 state=active type=client%20backend query_s=900"}},
    {"slow", "statistics-old", {"relation database=d schema=s name=t kind=r analyzed=f modified=900000 live=900000 rows=0"}},
    {"slow", "read-whole", {"relation database=d schema=s name=t kind=r rows=900000 seq_scan=5000 seq_rows=99 idx_scan=0"}},
    {"slow", "old-versions-many", {"undo backlog_bytes=9000000000"}},
    {"slow", "disk-reads", {"pool blocks_read=900000 blocks_hit=900000"}},
    {"slow", "machine-busy", {"host name=load_hundredths value=2000", "host name=processors value=2"}},
    {"slow", "spills", {"wait type=IO wait=BufFileWrite waits=900 total_ms=800"}},
};

/* What several writers do to each other all the time names no cause. */
static const incident EVERY_DAY[] = {
    {"blocked", NULL, {"blocking pid=7 blocker=8 wait_s=0.02", "activity pid=8 state=idle%20in%20transaction state_s=0.001"}},
    {"blocked", NULL, {"blocking pid=7 blocker=8 wait_s=1.5", "activity pid=8 state=idle%20in%20transaction state_s=0.001"}},
    {"blocked", NULL, {"blocking pid=7 blocker=8 wait_s=0.02", "activity pid=8 state=active query_s=0.01"}},
    {"blocked", NULL, {"blocking pid=7 blocker=0 wait_s=0.02", "prepared_xact gid=quick age_s=0.1"}},
    {"slow", NULL, {"blocking pid=7 blocker=8 wait_s=0.02", "activity pid=8 state=active"}},
    {"slow", NULL, {"statement queryid=7 calls=36 total_ms=50 mean_ms=1.4 p50_ms=1.1 p99_ms=13.1 max_ms=13.1 changes=1"}},
    {"slow", NULL, {"activity*8 state=active type=client%20backend query_s=0.01", "host name=processors value=2"}},
};

static void test_every_day_has_no_cause(void **state)
{
    (void)state;
    rdb_arena *arena = rdb_arena_create("why", NULL, NULL);
    for (size_t i = 0; i < RDB_COUNT_OF(EVERY_DAY); i++) {
        rdb_facts *facts = empty_facts();
        rdb_error err = {0};
        rdb_list findings = {0};
        uint32_t rule_count = 0, unjudged;
        const rdb_rule *rules = rdb_diag_question(EVERY_DAY[i].question, &rule_count);
        for (size_t j = 0; j < 6 && EVERY_DAY[i].facts[j] != NULL; j++)
            facts_add_line(facts, EVERY_DAY[i].facts[j]);
        assert_true(rdb_diag_judge(facts, rules, rule_count, arena, &findings, &unjudged, &err));
        if (findings.count > 0)
            fail_msg("%zu: %s", i, ((const rdb_finding *)findings.items[0])->rule->title);
        rdb_facts_close(&facts);
    }
    rdb_arena_destroy(arena);
}

static void test_causes(void **state)
{
    (void)state;
    rdb_arena *arena = rdb_arena_create("why", NULL, NULL);
    for (size_t i = 0; i < RDB_COUNT_OF(INCIDENTS); i++) {
        rdb_facts *facts = empty_facts();
        rdb_error err = {0};
        rdb_list findings = {0};
        uint32_t rule_count = 0, unjudged;
        const rdb_rule *rules = rdb_diag_question(INCIDENTS[i].question, &rule_count);
        for (size_t j = 0; j < 6 && INCIDENTS[i].facts[j] != NULL; j++)
            facts_add_line(facts, INCIDENTS[i].facts[j]);
        if (!rdb_diag_judge(facts, rules, rule_count, arena, &findings, &unjudged, &err))
            fail_msg("%s", rdb_error_message(&err));
        assert_int_equal(unjudged, 0);
        const char *first = findings.count > 0 ? ((const rdb_finding *)findings.items[0])->rule->id : "none";
        if (strcmp(first, INCIDENTS[i].cause) != 0)
            fail_msg("why %s: %s, not %s", INCIDENTS[i].question, first, INCIDENTS[i].cause);
        rdb_facts_close(&facts);
    }
    uint32_t rule_count, unjudged;
    assert_null(rdb_diag_question("late", &rule_count));

    rdb_facts *facts = empty_facts(); /* an hour later errors are no cause any more */
    rdb_error err = {0};
    rdb_list findings = {0};
    facts_add_line(facts, "host name=now_us value=820544400000000");
    facts_add_line(facts, "log_line*9 " ERROR_LINE "57014");
    const rdb_rule *rules = rdb_diag_question("slow", &rule_count);
    assert_true(rdb_diag_judge(facts, rules, rule_count, arena, &findings, &unjudged, &err));
    assert_int_equal(findings.count, 0);
    rdb_facts_close(&facts);
    rdb_arena_destroy(arena);
}

static void test_diff(void **state)
{
    (void)state;
    rdb_facts *facts;
    rdb_error err = {0};
    rdb_list findings = {0};
    uint32_t unjudged;
    rdb_arena *arena = rdb_arena_create("diff", NULL, NULL);
    assert_true(rdb_facts_create(&facts, &err));
    for (const char *prefix = "ab"; *prefix != '\0'; prefix++) {
        rdb_facts *part = empty_facts();
        char file[] = "/tmp/rdb-bundle-XXXXXX", prefix_text[] = {*prefix, '_', '\0'};
        close(mkstemp(file));
        facts_add_line(part, *prefix == 'a' ? "setting name=work_mem value=4096" : "setting name=work_mem value=64");
        facts_add_line(part, "setting name=jit value=off");
        facts_add_line(part, *prefix == 'a' ? "index_use database=d schema=s table_name=t name=i" : "index_use database=d schema=s table_name=t name=j");
        assert_true(rdb_diag_write_bundle(part, KEY, file, &err));
        assert_true(rdb_facts_read(facts, file, prefix_text, &err));
        unlink(file);
        rdb_facts_close(&part);
    }
    if (!rdb_diag_judge(facts, RDB_DIFF_RULES, RDB_DIFF_RULE_COUNT, arena, &findings, &unjudged, &err))
        fail_msg("%s", rdb_error_message(&err));
    assert_int_equal(unjudged, 0);
    assert_int_equal(findings.count, 3);
    assert_string_equal(((const rdb_finding *)findings.items[0])->rule->id, "setting");
    assert_string_equal(((const rdb_finding *)findings.items[0])->evidence, "4096 -> 64");
    rdb_facts_close(&facts);
    rdb_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_canaries), cmocka_unit_test(test_pseudonyms), cmocka_unit_test(test_round_trip), cmocka_unit_test(test_damage),
                                       cmocka_unit_test(test_causes), cmocka_unit_test(test_every_day_has_no_cause), cmocka_unit_test(test_diff)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
