/* SPDX-License-Identifier: Apache-2.0
 * Crashes of a whole database. The workload runs once while every call of the file layer is recorded, from the opening of an instance that
 * needs recovery to its clean end; then the directory is rebuilt as a crash after any of the calls could have left it: everything kept,
 * everything unsynced lost, or each unsynced write kept, lost or torn as a seed says. Each must open and hold what the model says: every
 * step that was acknowledged, at most the one under way beside them, wholly or not at all; no sequence value twice; rdb_verify without
 * findings, which compares indexes with heaps; the audit log must prove itself and hold the records of exactly the commits that the tables
 * show, each once; and work must go on.
 *
 *     crashes [N]     so many crashes that differ in what they leave (RDB_CRASH_POINTS, 250) */
#include "audit.h"

#include <sys/mman.h>
#include <sys/wait.h>

enum { WORKERS = 2, SEQUENCE_STEP = 18 };

static struct shared {
    uint64_t digests[RDB_COUNT_OF(WORKLOAD) + 1];
    proof_audit audit;
    _Atomic uint32_t next, tried, same, wrong, with_system, went_on;
} *shared;
static char directory[64];

static void record(const char *template_home, const char *home, const char *log_path)
{
    rdb_engine *engine = NULL;
    rdb_engine_config config = proof_config(home);
    proof_session s;
    proof_copy(template_home, home);
    PROOF_MUST(rdb_fault_record_begin(home, log_path, err));
    PROOF_MUST(rdb_engine_open(&engine, &config, NULL, err));
    proof_session_open(&s, engine, PROOF_DATABASE);
    PROOF_CHECK(strstr(WORKLOAD[SEQUENCE_STEP].sql, "setval('s', 1000)") != NULL);
    for (uint32_t k = 0; k <= STEPS; k++) {
        PROOF_CHECK(workload_digest(&s, &shared->digests[k]));
        if (k == STEPS)
            break;
        PROOF_RUN(&s, WORKLOAD[k].sql);
        rdb_fault_record_note(k + 1);
    }
    proof_session_close(&s);
    PROOF_MUST(rdb_engine_close(&engine, true, err));
    PROOF_MUST(rdb_fault_record_end(NULL, err));
    PROOF_CHECK(proof_audit_read(home, &shared->audit, true) && shared->audit.count > 40);
}

/* In a child: is what the crash left as it must be? */
static int check_crash(const char *home, uint32_t acknowledged, uint32_t trial)
{
    rdb_engine *engine = NULL;
    rdb_engine_config config = proof_config(home);
    rdb_error err = {0};
    proof_session s;
    proof_audit audit;
    uint64_t digest = 0;
    if (!rdb_engine_open(&engine, &config, NULL, &err)) {
        fprintf(stderr, "  does not open: %s %s (%s)\n", err.sqlstate, rdb_error_message(&err), rdb_error_detail_text(&err));
        return 1;
    }
    if (!proof_audit_read(home, &audit, false))
        return 1;
    proof_session_open(&s, engine, PROOF_DATABASE);
    if (!workload_digest(&s, &digest)) {
        fprintf(stderr, "  the tables cannot be read: %s %s\n", s.sqlstate, s.message);
        return 1;
    }
    uint32_t k = acknowledged;
    if (digest != shared->digests[k] && k < STEPS && digest == shared->digests[k + 1])
        k++;
    if (digest != shared->digests[k]) {
        fprintf(stderr, "  the tables are as after no step that they may be after\n");
        return 1;
    }
    if (!proof_audit_fits(&shared->audit, &audit, k))
        return 1;
    const bool with_system = trial % 8 == 0, goes_on = trial % 16 == 1;
    if (!workload_verify(&s, with_system))
        return 1;
    if (acknowledged > SEQUENCE_STEP) {
        PROOF_RUN(&s, "select nextval('s') > 1000");
        if (strcmp(proof_rows(&s), "t\n") != 0) {
            fprintf(stderr, "  the sequence gives a value again\n");
            return 1;
        }
    }
    PROOF_RUN(&s, "begin; insert into kv values (900001, 1, 'on'); update kv set n = 2 where id = 900001; commit"); /* the others may be locked by what is prepared */
    PROOF_RUN(&s, "delete from kv where id = 900001");
    if (!workload_digest(&s, &digest) || digest != shared->digests[k])
        return 1;
    shared->with_system += with_system;
    shared->went_on += goes_on;
    for (; goes_on && k < STEPS; k++) {
        /* A step without an effect on the digest may have happened already: that is no matter, it may be done again. */
        PROOF_RUN(&s, WORKLOAD[k].sql);
        if (!workload_digest(&s, &digest) || digest != shared->digests[k + 1]) {
            fprintf(stderr, "  step %u does not lead where it did\n", k);
            return 1;
        }
    }
    if (goes_on && !workload_verify(&s, true))
        return 1;
    proof_session_close(&s);
    return !rdb_engine_close(&engine, true, &err);
}

typedef struct crash {
    uint32_t point;
    rdb_crash_mode mode;
    uint64_t seed;
} crash;

/* The n-th crash of a run: points and modes in random order, then again with other seeds. */
static crash choose(const rdb_fault_log *log, uint64_t seed, uint32_t n)
{
    const uint32_t first = rdb_fault_log_base(log), points = rdb_fault_log_count(log) - first + 1;
    const uint64_t which[2] = {seed, n};
    const uint64_t random = rdb_hash64(which, sizeof which, 7);
    /* The first two modes know no seed: one in six each. */
    const unsigned mode = (unsigned)(random >> 40) % 6;
    return (crash){first + (uint32_t)(random % points), mode == 0 ? RDB_CRASH_KEEP_ALL : mode == 1 ? RDB_CRASH_LOSE_UNSYNCED : RDB_CRASH_TEAR, random};
}

static bool try_crash(const rdb_fault_log *log, const crash *c, const char *home, uint32_t trial)
{
    PROOF_MUST(rdb_fault_log_rebuild(log, c->point, c->mode, c->seed, home, err));
    const uint32_t acknowledged = (uint32_t)rdb_fault_log_note_at(log, c->point);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDOUT_FILENO);
        alarm(300); /* a hang is wrong too */
        proof_exit(check_crash(home, acknowledged, trial));
    }
    int status = 0;
    PROOF_CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    if (status == 0)
        return true;
    rdb_strbuf line;
    rdb_strbuf_init(&line, NULL);
    if (c->point > rdb_fault_log_base(log))
        rdb_fault_log_describe(log, c->point - 1, &line);
    fprintf(stderr, "WRONG (status %d): crash after call %u of %u (%s), mode %d, seed %" PRIu64 ", %u steps acknowledged: RDB_CRASH_ONLY=\"%u %d %" PRIu64 "\"\n", status,
            c->point, rdb_fault_log_count(log), line.data != NULL ? line.data : "", (int)c->mode, c->seed, acknowledged, c->point, (int)c->mode, c->seed);
    rdb_strbuf_free(&line);
    return false;
}

/* States that were tried, over all workers: a table of numbers, 0 = free. */
static _Atomic uint64_t *states;
static uint32_t state_mask;

static bool is_new(uint64_t state)
{
    state |= 1;
    for (uint32_t i = (uint32_t)(state >> 20) & state_mask;; i = (i + 1) & state_mask) {
        uint64_t there = 0;
        if (atomic_compare_exchange_strong(&states[i], &there, state))
            return true;
        if (there == state)
            return false;
    }
}

static void run_worker(const char *log_path, unsigned worker_no, uint64_t seed, uint32_t wanted)
{
    rdb_fault_log *log = NULL;
    char home[128];
    PROOF_MUST(rdb_fault_log_load(&log, log_path, err));
    snprintf(home, sizeof home, "%s/crash%u", directory, worker_no);
    while (shared->tried < wanted && shared->next < wanted * 20) {
        const crash c = choose(log, seed, shared->next++);
        uint64_t state;
        PROOF_MUST(rdb_fault_log_state(log, c.point, c.mode, c.seed, &state, err));
        if (!is_new(state)) {
            shared->same++;
            continue;
        }
        shared->wrong += !try_crash(log, &c, home, shared->tried++);
    }
    proof_exit(0);
}

int main(int argc, char **argv)
{
    const uint32_t wanted = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : (uint32_t)proof_number("RDB_CRASH_POINTS", 250);
    const uint64_t seed = proof_number("RDB_TEST_SEED", (uint64_t)rdb_time_wall_us());
    const char *only = getenv("RDB_CRASH_ONLY");
    char template_home[100], home[100], log_path[100];
    setvbuf(stdout, NULL, _IOLBF, 0);
    proof_directory(directory);
    snprintf(template_home, sizeof template_home, "%s/template", directory);
    snprintf(home, sizeof home, "%s/recorded", directory);
    snprintf(log_path, sizeof log_path, "%s/log", directory);
    for (state_mask = 1024; state_mask < wanted * 4; state_mask *= 2)
        ;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    states = mmap(NULL, sizeof *states * state_mask, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    PROOF_CHECK(shared != MAP_FAILED && states != MAP_FAILED);
    state_mask--;
    fflush(NULL);
    pid_t maker = fork();
    if (maker == 0) {
        workload_make(template_home);
        record(template_home, home, log_path);
        proof_exit(0);
    }
    int status = 0;
    PROOF_CHECK(waitpid(maker, &status, 0) == maker && status == 0);
    proof_remove(home);
    rdb_fault_log *log = NULL;
    PROOF_MUST(rdb_fault_log_load(&log, log_path, err));
    const uint32_t calls = rdb_fault_log_count(log) - rdb_fault_log_base(log);
    PROOF_CHECK(calls > 1000 && rdb_fault_log_note_at(log, rdb_fault_log_count(log)) == STEPS);
    printf("seed %" PRIu64 ", %u recorded calls\n", seed, calls);
    if (only != NULL) { /* of the same recording: threads of the engine make each one a little different, so it may have to be asked for often */
        crash c;
        int mode;
        PROOF_CHECK(sscanf(only, "%u %d %" SCNu64, &c.point, &mode, &c.seed) == 3);
        c.mode = (rdb_crash_mode)mode;
        shared->wrong += !try_crash(log, &c, home, 0);
        shared->tried++;
    }
    rdb_fault_log_destroy(log);
    pid_t workers[WORKERS];
    for (unsigned w = 0; w < WORKERS && only == NULL; w++) {
        fflush(NULL);
        workers[w] = fork();
        if (workers[w] == 0)
            run_worker(log_path, w, seed, wanted);
    }
    for (unsigned w = 0; w < WORKERS && only == NULL; w++)
        PROOF_CHECK(waitpid(workers[w], &status, 0) == workers[w] && status == 0);
    printf("crash points: %u distinct ones of a whole database (%u more drawn again), %u with catalogs and files verified, %u with the rest of the work done; %u wrong\n", shared->tried, shared->same,
           shared->with_system, shared->went_on, shared->wrong);
    const bool ok = shared->wrong == 0 && shared->tried >= (only != NULL ? 1 : wanted * 9 / 10);
    if (ok || getenv("RDB_KEEP") == NULL)
        proof_remove(directory);
    return !ok;
}
