/* SPDX-License-Identifier: Apache-2.0
 * Attacks (1,000, or 10,000 with RDB_CHECK_LONG) on a log by someone who can write every file but has neither the key nor the witness's copy of the last head: each is
 * found, and the record that is named is the first one that is not what was written. */
#include "audit/audit_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

enum { RECORDS = 120, SEAL_EVERY = 9, FILES_MAX = 16 };

typedef struct whole_file { char name[64]; char *bytes; size_t length; } whole_file;
typedef struct files { whole_file items[FILES_MAX]; unsigned count; } files;

typedef struct fixture {
    char home[64], logs[96], key[128], witness[128];
    files now, then; /* at the end, and in the middle of it */
    uint64_t then_size;
    /* Of the first complaint, and of all. */
    rdb_audit_finding found;
    unsigned complaints;
    rdb_random random;
    rdb_error err;
} fixture;

static void read_files(fixture *f, files *all)
{
    rdb_list names;
    char path[256];
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    all->count = 0;
    assert_true(rdb_audit_files(f->logs, arena, &names, &f->err));
    rdb_list_push(arena, &names, (void *)(uintptr_t)AUDIT_HEADS);
    for (uint32_t i = 0; i < names.count; i++) {
        rdb_slice content = {0};
        whole_file *file = &all->items[all->count++];
        assert_true(all->count < FILES_MAX);
        snprintf(file->name, sizeof file->name, "%s", (const char *)names.items[i]);
        snprintf(path, sizeof path, "%s/%s", f->logs, file->name);
        assert_true(rdb_path_read(path, arena, &content, 1 << 24, &f->err));
        file->bytes = malloc(content.length + 1);
        memcpy(file->bytes, content.data, content.length);
        file->length = content.length;
    }
    rdb_arena_destroy(arena);
}

static void put_file(fixture *f, const char *name, const void *bytes, size_t length)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", f->logs, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, length, out), length);
    assert_int_equal(fclose(out), 0);
}

static void put_files(fixture *f, const files *all)
{
    rdb_list names;
    char path[256];
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    assert_true(rdb_audit_files(f->logs, arena, &names, &f->err));
    for (uint32_t i = 0; i < names.count; i++) {
        snprintf(path, sizeof path, "%s/%s", f->logs, (const char *)names.items[i]);
        assert_int_equal(unlink(path), 0);
    }
    rdb_arena_destroy(arena);
    for (unsigned i = 0; i < all->count; i++)
        put_file(f, all->items[i].name, all->items[i].bytes, all->items[i].length);
}

static void begin(fixture *f)
{
    static const char *const directories[] = {"logs", "conf", "conf/secrets", "conf/secrets/keys", "data", "data/meta"};
    char path[256];
    bool is_damaged;
    rdb_audit_log *log;
    memset(f, 0, sizeof *f);
    snprintf(f->home, sizeof f->home, "/tmp/rdb-tamper-XXXXXX");
    assert_non_null(mkdtemp(f->home));
    for (size_t i = 0; i < RDB_COUNT_OF(directories); i++) {
        snprintf(path, sizeof path, "%s/%s", f->home, directories[i]);
        assert_true(rdb_path_make_directory(path, 0700, true, &f->err));
    }
    snprintf(f->logs, sizeof f->logs, "%s/logs", f->home);
    snprintf(f->key, sizeof f->key, "%s/" RDB_AUDIT_PUBLIC_FILE, f->home);
    snprintf(f->witness, sizeof f->witness, "%s/witness", f->home);
    const rdb_audit_log_config config = {.home = f->home, .directory = f->logs, .system_id = 99, .file_bytes_max = 8000, .start_lsn = 1 << 20};
    assert_true(rdb_audit_log_open(&log, &config, &is_damaged, &f->err));
    for (unsigned i = 1; i <= RECORDS; i++) {
        char members[160];
        rdb_strbuf batch;
        rdb_strbuf_init(&batch, NULL);
        rdb_audit_batch_begin(&batch, ",\"login\":\"joe\",\"client\":\"10.0.0.1:4000\"", 39);
        int length = snprintf(members, sizeof members, ",\"action\":\"UPDATE\",\"statement\":\"update accounts set balance = balance - %u where id = %u\"", i * 7, i);
        rdb_audit_batch_add(&batch, &(rdb_audit_event){.class = RDB_AUDIT_WRITE, .wall_us = i, .rows = 1, .members = {(const uint8_t *)members, (size_t)length}});
        const rdb_audit_source source = {.lsn = (1u << 20) + i * 64, .xid = i, .scn = i, .batch = (const uint8_t *)batch.data, .length = (uint32_t)batch.length};
        assert_true(rdb_audit_log_add(log, &source, &f->err));
        rdb_strbuf_free(&batch);
        if (i % SEAL_EVERY == 0 || i == RECORDS)
            assert_true(rdb_audit_log_seal(log, &f->err));
        if (i == RECORDS / 2 / SEAL_EVERY * SEAL_EVERY) {
            f->then_size = i;
            read_files(f, &f->then);
        }
    }
    rdb_audit_log_close(&log);
    read_files(f, &f->now);
    /* The witness has the last head alone. */
    const whole_file *heads = &f->now.items[f->now.count - 1];
    const char *last = heads->bytes + heads->length - 1;
    while (last > heads->bytes && last[-1] != '\n')
        last--;
    assert_true(rdb_path_write_atomic(f->witness, last, (size_t)(heads->bytes + heads->length - last), 0600, &f->err));
}

static void end(fixture *f)
{
    for (unsigned i = 0; i < f->now.count; i++)
        free(f->now.items[i].bytes);
    for (unsigned i = 0; i < f->then.count; i++)
        free(f->then.items[i].bytes);
    assert_true(rdb_path_remove_tree(f->home, &f->err));
}

static void take_finding(void *context, const rdb_audit_finding *finding)
{
    fixture *f = context;
    if (f->complaints++ == 0 || (f->found.record == 0 && finding->record != 0))
        f->found = *finding;
}

static void verify(fixture *f)
{
    const char *witnesses[] = {f->witness};
    rdb_audit_verified verified;
    const rdb_audit_verify_options options = {.directory = f->logs, .public_key_path = f->key, .witness_paths = witnesses, .witness_count = 1, .complain = take_finding, .context = f};
    f->complaints = 0;
    f->found = (rdb_audit_finding){0};
    if (!rdb_audit_verify(&options, &verified, &f->err))
        fail_msg("%s", rdb_error_message(&f->err));
    assert_int_equal(verified.findings, f->complaints);
}

static uint64_t pick(fixture *f, uint64_t below)
{
    return rdb_random_next(&f->random) % below;
}

/* Lines of a file: where each begins, the end behind the last; line 0 is its header. */
static unsigned lines_of(const whole_file *file, size_t at[RECORDS + 4])
{
    unsigned count = 0;
    for (size_t i = 0; i < file->length; i++)
        if (i == 0 || file->bytes[i - 1] == '\n')
            at[count++] = i;
    at[count] = file->length;
    return count;
}

static uint64_t number_at(const whole_file *file, size_t at)
{
    uint64_t number = 0;
    assert_true(audit_find_number(file->bytes + at, file->length - at, "seq", &number));
    return number;
}

/* A file with some of its bytes replaced, put in its place. */
static void put_changed(fixture *f, const whole_file *file, size_t from, size_t to, const char *bytes, size_t length)
{
    char *changed = malloc(file->length - (to - from) + length + 1);
    memcpy(changed, file->bytes, from);
    memcpy(changed + from, bytes, length);
    memcpy(changed + from + length, file->bytes + to, file->length - to);
    put_file(f, file->name, changed, file->length - (to - from) + length);
    free(changed);
}

/* The attacker has all but the key: writes a record and all hashes behind it anew. */
static void rewrite_from(fixture *f, unsigned file_no, unsigned line_no)
{
    rdb_audit_chain chain;
    bool is_rewriting = false;
    rdb_audit_chain_genesis(&chain, 99);
    for (unsigned i = 0; i + 1 < f->now.count; i++) {
        const whole_file *file = &f->now.items[i];
        size_t at[RECORDS + 4];
        const unsigned count = lines_of(file, at);
        rdb_strbuf out;
        char header[AUDIT_HEADER_BYTES_MAX], hex[65];
        rdb_strbuf_init(&out, NULL);
        audit_print_header(99, chain.size + 1, chain.hash, header);
        rdb_audit_chain_restart(&chain, chain.size, chain.hash);
        rdb_strbuf_adds(&out, header);
        for (unsigned k = 1; k < count; k++) {
            const size_t begin = out.length;
            rdb_strbuf_add(&out, file->bytes + at[k], at[k + 1] - at[k] - 1 - AUDIT_HASH_TAIL_BYTES);
            if (i == file_no && k == line_no) {
                char *joe = memmem(out.data + begin, out.length - begin, "joe", 3);
                memcpy(joe, "ann", 3);
                is_rewriting = true;
            }
            rdb_audit_chain_add(&chain, out.data + begin, out.length - begin);
            rdb_audit_hex(chain.hash, sizeof chain.hash, hex);
            rdb_strbuf_addf(&out, AUDIT_HASH_MARK "%s\"}\n", hex);
        }
        if (is_rewriting)
            put_file(f, file->name, out.data, out.length);
        rdb_strbuf_free(&out);
    }
}

/* One attack. *expected: the record to be named, 0: a head; *exact false: the record is named within the span of a head. */
static const char *attack(fixture *f, uint64_t *expected, bool *exact)
{
    const unsigned log_files = f->now.count - 1;
    const unsigned file_no = (unsigned)pick(f, log_files);
    const whole_file *file = &f->now.items[file_no], *heads = &f->now.items[log_files];
    size_t at[RECORDS + 4], head_at[RECORDS + 4];
    const unsigned count = lines_of(file, at), head_count = lines_of(heads, head_at);
    unsigned line = 1 + (unsigned)pick(f, count - 1);
    char path[256];
    *exact = true;
    *expected = number_at(file, at[line]);
    const size_t length = at[line + 1] - at[line];
    switch (pick(f, 11)) {
    case 0: { /* a byte of a record */
        const size_t where = at[line] + pick(f, length);
        char byte = (char)(file->bytes[where] ^ (1 << pick(f, 7)));
        put_changed(f, file, where, where + 1, &byte, 1);
        return "edit";
    }
    case 1:
        put_changed(f, file, at[line], at[line + 1], "", 0);
        return "deletion";
    case 2: { /* two neighbours, or two far apart */
        if (count < 3)
            return NULL;
        unsigned other = 1 + (unsigned)pick(f, count - 1);
        if (other == line)
            other = line > 1 ? line - 1 : line + 1;
        const unsigned low = RDB_MIN(line, other), high = RDB_MAX(line, other);
        rdb_strbuf swapped;
        rdb_strbuf_init(&swapped, NULL);
        rdb_strbuf_add(&swapped, file->bytes + at[high], at[high + 1] - at[high]);
        rdb_strbuf_add(&swapped, file->bytes + at[low + 1], at[high] - at[low + 1]);
        rdb_strbuf_add(&swapped, file->bytes + at[low], at[low + 1] - at[low]);
        put_changed(f, file, at[low], at[high + 1], swapped.data, swapped.length);
        rdb_strbuf_free(&swapped);
        *expected = number_at(file, at[low]);
        return "reordering";
    }
    case 3: /* a record twice */
        put_changed(f, file, at[line + 1], at[line + 1], file->bytes + at[line], length);
        *expected = number_at(file, at[line]) + 1;
        return *expected <= RECORDS ? "insertion" : "insertion at the end";
    case 4: { /* the file's end */
        const size_t where = at[line] + pick(f, length);
        put_changed(f, file, where, file->length, "", 0);
        return "truncation";
    }
    case 5: /* the whole log at an earlier time */
        put_files(f, &f->then);
        *expected = f->then_size + 1;
        return "roll-back";
    case 6: /* a whole file */
        snprintf(path, sizeof path, "%s/%s", f->logs, file->name);
        assert_int_equal(unlink(path), 0);
        *expected = number_at(file, at[1]);
        return "removal of a file";
    case 7:
        rewrite_from(f, file_no, line);
        *exact = false;
        return "rewriting with new hashes";
    case 8: { /* a byte of a head */
        const size_t where = pick(f, heads->length);
        char byte = (char)(heads->bytes[where] ^ (1 << pick(f, 7)));
        put_changed(f, heads, where, where + 1, &byte, 1);
        *expected = 0;
        return "edit of a head";
    }
    case 9: { /* heads removed: in the middle, or from one on to the end */
        const unsigned from = (unsigned)pick(f, head_count), to = pick(f, 2) == 0 ? from + 1 : head_count;
        put_changed(f, heads, head_at[from], head_at[to], "", 0);
        *expected = 0;
        if (to == head_count || from == 0)
            return NULL; /* the last ones are with the witness, and the first says nothing that others do not: the log is whole */
        return "removal of heads";
    }
    default: { /* the log and its heads cut at the same place */
        const unsigned keep = 1 + (unsigned)pick(f, head_count - 2);
        rdb_audit_head head;
        size_t cut_at[RECORDS + 4];
        assert_true(rdb_audit_head_parse(heads->bytes + head_at[keep - 1], head_at[keep] - head_at[keep - 1] - 1, &head));
        put_changed(f, heads, head_at[keep], heads->length, "", 0);
        for (unsigned i = 0; i < log_files; i++) {
            const unsigned lines = lines_of(&f->now.items[i], cut_at);
            for (unsigned k = 1; k < lines; k++)
                if (number_at(&f->now.items[i], cut_at[k]) == head.size + 1) {
                    put_changed(f, &f->now.items[i], cut_at[k], f->now.items[i].length, "", 0);
                    for (unsigned rest = i + 1; rest < log_files; rest++) {
                        snprintf(path, sizeof path, "%s/%s", f->logs, f->now.items[rest].name);
                        assert_int_equal(unlink(path), 0);
                    }
                }
        }
        *expected = head.size + 1;
        return *expected <= RECORDS ? "truncation with its heads" : NULL;
    }
    }
}

static void test_every_attack_is_found(void **state)
{
    fixture f;
    (void)state;
    begin(&f);
    const char *seed_text = getenv("RDB_TEST_SEED");
    const uint64_t seed = seed_text != NULL ? strtoull(seed_text, NULL, 10) : (uint64_t)rdb_time_wall_us();
    print_message("RDB_TEST_SEED=%llu, %u files\n", (unsigned long long)seed, f.now.count);
    rdb_random_seed(&f.random, seed);
    verify(&f);
    assert_int_equal(f.complaints, 0);
    const unsigned attacks = getenv("RDB_CHECK_LONG") != NULL ? 10000 : 1000;
    for (unsigned n = 0; n < attacks;) {
        uint64_t expected;
        bool exact;
        const char *what = attack(&f, &expected, &exact);
        if (what != NULL) {
            verify(&f);
            if (f.complaints == 0)
                fail_msg("attack %u (%s, record %llu) was not found", n, what, (unsigned long long)expected);
            if (exact && expected != 0 && f.found.record != expected)
                fail_msg("attack %u (%s): record %llu was named, %llu is the first bad one", n, what, (unsigned long long)f.found.record, (unsigned long long)expected);
            if (!exact && (f.found.record > expected || f.found.last < expected || f.found.last - f.found.record >= SEAL_EVERY))
                fail_msg("attack %u (%s): records %llu to %llu were named, %llu is the first bad one", n, what, (unsigned long long)f.found.record,
                         (unsigned long long)f.found.last, (unsigned long long)expected);
            n++;
        }
        put_files(&f, &f.now);
    }
    print_message("%u attacks, each found\n", attacks);
    verify(&f);
    assert_int_equal(f.complaints, 0);
    end(&f);
}

/* With another key, or another instance's log, nothing passes. */
static void test_another_key_signs_nothing(void **state)
{
    fixture f, other;
    (void)state;
    begin(&f);
    begin(&other);
    memcpy(f.key, other.key, sizeof f.key);
    verify(&f);
    assert_true(f.complaints > 0);
    end(&other);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_attack_is_found), cmocka_unit_test(test_another_key_signs_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
