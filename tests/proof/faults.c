/* SPDX-License-Identifier: Apache-2.0
 * Every call fails once. For each kind of call of the file layer and each way it can fail, the n-th such call of a run through the
 * workload fails, from the opening of an instance that a crash left to its closing; and for each step the n-th allocation of memory.
 * What may happen: the step works; it fails with the SQLSTATE that fits and nothing of it is there, and works when it is done again; or the
 * process ends with a message, and the next one recovers to before or after that step. Each run ends with all tables as the undisturbed
 * run left them and rdb_verify without findings.
 *
 *     faults [--all]     every n; else as many of them, in random order, as RDB_FAULT_SECONDS (30) allow
 *     RDB_FAULT_ONLY="write EIO 17", "alloc 4 100 [STRIDE]" (step 4), "alloc all STRIDE"     for whoever looks for a cause */
#include "workload.h"

#include <sys/mman.h>
#include <sys/wait.h>

/* ---- allocations: the linker leads malloc and its kin here ---------------------------------------------------------------- */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *at, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t length);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *at, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t length);

static _Thread_local uint64_t fail_at; /* this thread's allocations until the one that fails; 0: none will */
static _Thread_local bool has_failed;

static bool must_fail(void)
{
    if (fail_at == 0 || --fail_at > 0)
        return false;
    has_failed = true;
    return true;
}

void *__wrap_malloc(size_t bytes)
{
    return must_fail() ? NULL : __real_malloc(bytes);
}
void *__wrap_calloc(size_t count, size_t bytes)
{
    return must_fail() ? NULL : __real_calloc(count, bytes);
}
void *__wrap_realloc(void *at, size_t bytes)
{
    return must_fail() ? NULL : __real_realloc(at, bytes);
}
void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
    return must_fail() ? NULL : __real_aligned_alloc(alignment, bytes);
}
char *__wrap_strdup(const char *text)
{
    return must_fail() ? NULL : __real_strdup(text);
}
char *__wrap_strndup(const char *text, size_t length)
{
    return must_fail() ? NULL : __real_strndup(text, length);
}

/* ---- what parent and children share --------------------------------------------------------------------------------------- */
typedef enum child_end { ENDED_WELL = 0, ENDED_STOPPED = 1 /* the engine's own end after a failed sync */, ENDED_NOT_OPEN = 3, ENDED_WRONG = 4 } child_end;
enum { KINDS = 11 };
static const char *const CALLS[KINDS] = {"create", "open", "read", "write", "sync", "truncate", "rename", "remove", "mkdir", "syncdir", "list"};
static struct shared {
    uint64_t digests[RDB_COUNT_OF(WORKLOAD) + 1]; /* [k]: before step k */
    uint64_t calls[KINDS];
    uint32_t step;  /* at work; STEPS: closing */
    bool is_open;
    uint64_t fired; /* faults that were met */
    uint64_t succeeded, failed, stopped, refused; /* what came of them */
    uint64_t allocation; /* the one that is made to fail */
} *shared;

static char directory[64], template_home[100];
static uint32_t wrong_count;

static void say(const char *format, ...) RDB_PRINTF(1, 2);
static void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

static bool fits(const char *sqlstate, const char *const *allowed)
{
    for (; *allowed != NULL; allowed++)
        if (strcmp(sqlstate, *allowed) == 0)
            return true;
    return false;
}

/* Is the database as it is before step k? A fault may still be armed and hit this look: then it looks again. */
static bool digest_is(proof_session *s, uint32_t k, bool *is_it)
{
    uint64_t digest;
    for (unsigned tries = 0; tries < 3; tries++)
        if (workload_digest(s, &digest)) {
            *is_it = digest == shared->digests[k];
            return true;
        }
    say("  the tables cannot be read: %s %s", s->sqlstate, s->message);
    return false;
}

/* Steps from first on. A step that fails must have left nothing, or, where only the answer was lost, everything. */
static int run_steps(proof_session *s, uint32_t first, const char *const *allowed)
{
    for (uint32_t k = first; k < STEPS; k++) {
        shared->step = k;
        for (unsigned tries = 0;; tries++) {
            bool before = false, after = false;
            if (proof_run(s, WORKLOAD[k].sql))
                break;
            char sqlstate[6], message[512];
            memcpy(sqlstate, s->sqlstate, sizeof sqlstate);
            snprintf(message, sizeof message, "%s", s->message);
            shared->failed += tries == 0;
            if (tries == 3 || !fits(sqlstate, allowed)) {
                say("  step %u fails with %s %s", k, sqlstate, message);
                return ENDED_WRONG;
            }
            if (!proof_run(s, "rollback") && !fits(s->sqlstate, allowed)) {
                say("  rollback after step %u fails with %s %s", k, s->sqlstate, s->message);
                return ENDED_WRONG;
            }
            if (!digest_is(s, k, &before))
                return ENDED_WRONG;
            if (before)
                continue; /* nothing of it is there: once more */
            if (!digest_is(s, k + 1, &after) || !after) {
                say("  step %u failed with %s %s and left something behind", k, sqlstate, message);
                return ENDED_WRONG;
            }
            break;
        }
    }
    shared->step = STEPS;
    return ENDED_WELL;
}

static int check_end(proof_session *s)
{
    bool is_it = false;
    if (!digest_is(s, STEPS, &is_it))
        return ENDED_WRONG;
    if (!is_it) {
        say("  at the end the tables are not as they should be");
        return ENDED_WRONG;
    }
    return workload_verify(s, false) ? ENDED_WELL : ENDED_WRONG;
}

/* In a child: opens, works, closes, with the rules armed all the while. */
static int work_with_faults(const char *home, const char *rules, const char *const *allowed)
{
    rdb_engine *engine = NULL;
    rdb_engine_config config = proof_config(home);
    rdb_error err = {0};
    proof_session s;
    if (rules != NULL && !rdb_fault_arm(rules, &err))
        return ENDED_WRONG;
    if (!rdb_engine_open(&engine, &config, NULL, &err)) {
        bool is_right = fits(err.sqlstate, allowed);
        if (!is_right)
            say("  opening fails with %s %s (%s)", err.sqlstate, rdb_error_message(&err), rdb_error_detail_text(&err));
        shared->fired = rdb_fault_fired();
        return is_right ? ENDED_NOT_OPEN : ENDED_WRONG;
    }
    shared->is_open = true;
    bool opened = proof_session_try(&s, engine, PROOF_DATABASE, &err);
    if (!opened && fits(err.sqlstate, allowed)) {
        rdb_error_clear(&err);
        opened = proof_session_try(&s, engine, PROOF_DATABASE, &err);
    }
    if (!opened) {
        say("  no session: %s %s", err.sqlstate, rdb_error_message(&err));
        return ENDED_WRONG;
    }
    int end = run_steps(&s, 0, allowed);
    if (end == ENDED_WELL)
        end = check_end(&s);
    proof_session_close(&s);
    if (!rdb_engine_close(&engine, true, &err) && !fits(err.sqlstate, allowed)) {
        say("  closing fails with %s %s", err.sqlstate, rdb_error_message(&err));
        end = ENDED_WRONG;
    }
    shared->fired = rdb_fault_fired();
    for (unsigned i = 0; i < KINDS && rules == NULL; i++)
        shared->calls[i] = 0;
    return end;
}

/* In a child, without faults: recovers, finds the database as before or after the step, and does the rest. */
static int recover(const char *home)
{
    rdb_engine *engine = NULL;
    rdb_engine_config config = proof_config(home);
    proof_session s;
    bool before = false, after = false;
    uint32_t k = shared->step;
    static const char *const none[] = {NULL};
    PROOF_MUST(rdb_engine_open(&engine, &config, NULL, err));
    proof_session_open(&s, engine, PROOF_DATABASE);
    int end = digest_is(&s, k, &before) && (before || (k < STEPS && digest_is(&s, k + 1, &after))) ? ENDED_WELL : ENDED_WRONG;
    if (end == ENDED_WELL && !before && !after) {
        say("  after recovery the tables are neither as before nor as after step %u", k);
        end = ENDED_WRONG;
    }
    if (end == ENDED_WELL)
        end = run_steps(&s, before ? k : k + 1, none);
    if (end == ENDED_WELL)
        end = check_end(&s);
    if (end == ENDED_WELL && !workload_verify(&s, true))
        end = ENDED_WRONG;
    proof_session_close(&s);
    PROOF_MUST(rdb_engine_close(&engine, true, err));
    return end;
}

/* Runs one of the above in a child of its own. */
static int in_child(int (*work)(const char *home, const char *rules, const char *const *allowed), const char *home, const char *rules, const char *const *allowed)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (getenv("RDB_FAULT_ONLY") == NULL) /* the engine's own log; findings go to stderr */
            dup2(null, STDOUT_FILENO);
        alarm(300); /* a hang is wrong too */
        int end = work != NULL ? work(home, rules, allowed) : recover(home);
        proof_exit(end);
    }
    PROOF_CHECK(pid > 0);
    int status = 0;
    PROOF_CHECK(waitpid(pid, &status, 0) == pid);
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    say("  ended by signal %d", WTERMSIG(status));
    return ENDED_WRONG;
}

/* ---- calls of the file layer ------------------------------------------------------------------------------------------- */
typedef struct fault_kind {
    const char *call, *effect;
    const char *allowed[5]; /* SQLSTATEs of a step that failed by it */
    bool is_invisible;      /* nothing may fail */
} fault_kind;

static const fault_kind FAULTS[] = {
    {"read", "EIO", {"58030"}, false},      {"read", "EINTR", {NULL}, true},       {"read", "short", {NULL}, true},
    {"write", "EIO", {"58030"}, false},     {"write", "ENOSPC", {"53100"}, false}, {"write", "short", {NULL}, true},
    {"write", "EINTR", {NULL}, true},       {"sync", "EIO", {"58030"}, false},     {"sync", "EINTR", {NULL}, true},
    {"create", "ENOSPC", {"53100"}, false}, {"create", "EIO", {"58030"}, false},   {"create", "EMFILE", {"53000", "58030"}, false},
    {"open", "EIO", {"58030"}, false},      {"open", "EMFILE", {"53000", "58030"}, false},
    {"truncate", "EIO", {"58030"}, false},  {"truncate", "EINTR", {NULL}, true},   {"rename", "EIO", {"58030"}, false},
    {"rename", "ENOSPC", {"53100"}, false}, {"remove", "EIO", {"58030"}, false},   {"mkdir", "ENOSPC", {"53100"}, false},
    {"syncdir", "EIO", {"58030"}, false},   {"list", "EIO", {"58030"}, false},
};

/* One point. False: something was wrong. */
static bool try_call(const fault_kind *fault, uint64_t nth, bool *met)
{
    char home[128], rules[128];
    snprintf(home, sizeof home, "%s/run%d", directory, (int)getpid());
    snprintf(rules, sizeof rules, "%s::nth=%llu:%s", fault->call, (unsigned long long)nth, fault->effect);
    proof_copy(template_home, home);
    shared->step = 0;
    shared->is_open = false;
    shared->fired = 0;
    const uint64_t failed = shared->failed;
    int end = in_child(work_with_faults, home, rules, fault->allowed);
    *met = shared->fired > 0 || end != ENDED_WELL;
    bool ok = end == ENDED_WELL || end == ENDED_STOPPED || end == ENDED_NOT_OPEN;
    if (ok && fault->is_invisible && (end != ENDED_WELL || shared->failed != failed)) {
        say("  a fault that nobody should see was seen");
        ok = false;
    }
    if (ok && end == ENDED_STOPPED)
        shared->stopped++;
    else if (ok && end == ENDED_NOT_OPEN)
        shared->refused++;
    else if (ok && *met && shared->failed == failed)
        shared->succeeded++;
    if (ok)
        ok = in_child(NULL, home, NULL, NULL) == ENDED_WELL;
    if (!ok)
        say("WRONG: %s %s %llu, in step %u%s", fault->call, fault->effect, (unsigned long long)nth, shared->step, shared->step < STEPS ? "" : " (closing)");
    proof_remove(home);
    return ok;
}

/* The undisturbed run: the model, and how many calls of each kind there are. */
static int measure(const char *home, const char *rules, const char *const *allowed)
{
    rdb_engine *engine = NULL;
    rdb_engine_config config = proof_config(home);
    proof_session s;
    (void)rules, (void)allowed;
    PROOF_MUST(rdb_fault_arm("any:/no/such/path:EIO", err));
    PROOF_MUST(rdb_engine_open(&engine, &config, NULL, err));
    proof_session_open(&s, engine, PROOF_DATABASE);
    for (uint32_t k = 0; k <= STEPS; k++) {
        PROOF_CHECK(workload_digest(&s, &shared->digests[k]));
        if (k < STEPS)
            PROOF_RUN(&s, WORKLOAD[k].sql);
        if (k < STEPS && WORKLOAD[k].kind == STEP_AGAIN) {
            uint64_t digest;
            PROOF_CHECK(workload_digest(&s, &digest) && digest == shared->digests[k]);
        }
    }
    PROOF_CHECK(workload_verify(&s, true));
    proof_session_close(&s);
    PROOF_MUST(rdb_engine_close(&engine, true, err));
    for (unsigned i = 0; i < KINDS; i++)
        shared->calls[i] = rdb_fault_calls(CALLS[i]);
    return ENDED_WELL;
}

static uint64_t calls_of(const char *call)
{
    for (unsigned i = 0; i < KINDS; i++)
        if (strcmp(CALLS[i], call) == 0)
            return shared->calls[i];
    return 0;
}

/* ---- allocations --------------------------------------------------------------------------------------------------------- */
static uint64_t first_allocation, allocation_stride;
static uint32_t allocation_step;

/* Step k again and again, each time with another allocation failing, until it needs no more of them. */
static int fail_allocations(const char *home, const char *rules, const char *const *unused)
{
    static const char *const none[] = {NULL}, *const allowed[] = {"53200", NULL};
    rdb_engine *engine = NULL;
    rdb_engine_config config = proof_config(home);
    proof_session s;
    bool is_it = false;
    const uint32_t k = allocation_step;
    (void)rules, (void)unused;
    PROOF_MUST(rdb_engine_open(&engine, &config, NULL, err));
    proof_session_open(&s, engine, PROOF_DATABASE);
    for (uint32_t i = 0; i < k; i++)
        PROOF_RUN(&s, WORKLOAD[i].sql);
    shared->step = k;
    int end = ENDED_WELL;
    for (uint64_t n = first_allocation; end == ENDED_WELL; n += allocation_stride) {
        shared->allocation = n;
        if (WORKLOAD[k].kind == STEP_PLAIN)
            PROOF_RUN(&s, "begin");
        has_failed = false;
        fail_at = n;
        bool ok = proof_run(&s, WORKLOAD[k].sql);
        fail_at = 0;
        if (!has_failed && !ok) {
            say("  step %u fails without a fault: %s %s", k, s.sqlstate, s.message);
            end = ENDED_WRONG;
        } else if (!ok && !fits(s.sqlstate, allowed)) {
            say("  step %u fails with %s %s", k, s.sqlstate, s.message);
            end = ENDED_WRONG;
        }
        shared->fired += has_failed;
        shared->failed += !ok;
        shared->succeeded += ok && has_failed;
        const bool is_done = WORKLOAD[k].kind == STEP_BLOCK && ok;
        if (WORKLOAD[k].kind == STEP_PLAIN || !ok)
            PROOF_RUN(&s, "rollback");
        if (end == ENDED_WELL && (!digest_is(&s, is_done ? k + 1 : k, &is_it) || !is_it)) {
            if (ok || !digest_is(&s, k + 1, &is_it) || !is_it) {
                say("  step %u %s and the tables are neither as before nor as after it", k, ok ? "works" : "fails");
                end = ENDED_WRONG;
            }
            break; /* done all the same */
        }
        if (!has_failed || is_done)
            break;
    }
    if (end == ENDED_WELL && !digest_is(&s, k, &is_it))
        end = ENDED_WRONG;
    if (end == ENDED_WELL)
        end = run_steps(&s, is_it && WORKLOAD[k].kind != STEP_AGAIN ? k : k + 1, none);
    if (end == ENDED_WELL)
        end = check_end(&s);
    proof_session_close(&s);
    PROOF_MUST(rdb_engine_close(&engine, true, err));
    return end;
}

static void try_allocations(uint32_t k, uint64_t first, uint64_t stride)
{
    char home[128];
    snprintf(home, sizeof home, "%s/run%d", directory, (int)getpid());
    for (uint64_t begin = first, tries = 0; tries < 12; tries++) {
        proof_copy(template_home, home);
        allocation_step = k;
        first_allocation = begin;
        allocation_stride = stride;
        shared->allocation = 0;
        int end = in_child(fail_allocations, home, NULL, NULL);
        const uint64_t at = shared->allocation;
        if (end == ENDED_WELL) {
            end = in_child(NULL, home, NULL, NULL);
            if (end == ENDED_WELL)
                break;
        }
        wrong_count++;
        say("WRONG: alloc %u %llu: %.60s", k, (unsigned long long)at, WORKLOAD[k].sql);
        if (getenv("RDB_FAULT_ONLY") != NULL)
            break;
        begin = at + stride; /* what comes behind it may be wrong too */
    }
    proof_remove(home);
}

/* ---- the whole ----------------------------------------------------------------------------------------------------------------- */
typedef struct point {
    const fault_kind *fault; /* NULL: allocations of a step, from nth on */
    uint32_t step;
    uint64_t nth, stride;
} point;
enum { WORKERS = 2 };
typedef struct totals {
    uint64_t points, unnoticed, failed, stopped, refused;
    uint32_t wrong;
} totals;
static totals (*sums)[2]; /* by worker: calls, allocations */

static void run_point(const point *p, totals *sum)
{
    const uint64_t fired = shared->fired;
    bool met;
    if (p->fault != NULL) {
        wrong_count += !try_call(p->fault, p->nth, &met);
        sum->points++;
    } else {
        shared->fired = 0;
        try_allocations(p->step, p->nth, p->stride);
        sum->points += shared->fired;
        shared->fired = fired;
    }
    sum->unnoticed += shared->succeeded;
    sum->failed += shared->failed;
    sum->stopped += shared->stopped;
    sum->refused += shared->refused;
    shared->succeeded = shared->failed = shared->stopped = shared->refused = 0;
    sum->wrong = wrong_count;
}

static void report(unsigned what, uint64_t possible)
{
    totals all = {0};
    for (unsigned w = 0; w < WORKERS; w++) {
        all.points += sums[w][what].points;
        all.unnoticed += sums[w][what].unnoticed;
        all.failed += sums[w][what].failed;
        all.stopped += sums[w][what].stopped;
        all.refused += sums[w][what].refused;
    }
    printf("fault points: %" PRIu64, all.points);
    if (possible > 0)
        printf(" of %" PRIu64, possible);
    printf(" %s; %" PRIu64 " unnoticed, %" PRIu64 " statements failed, %" PRIu64 " servers stopped, %" PRIu64 " did not open\n", what == 0 ? "calls of the file layer" : "allocations", all.unnoticed, all.failed, all.stopped, all.refused);
}

/* Every worker_no-th point, until the time is over. */
static void run_worker(unsigned worker_no, const point *points, uint32_t count, int64_t until_us)
{
    struct shared *mine = mmap(NULL, sizeof *mine, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    PROOF_CHECK(mine != MAP_FAILED);
    *mine = *shared;
    shared = mine;
    for (uint32_t i = worker_no; i < count && rdb_time_monotonic_us() < until_us; i += WORKERS)
        run_point(&points[i], &sums[worker_no][points[i].fault == NULL]);
    proof_exit(wrong_count > 0);
}

static void shuffle(point *points, uint32_t count, uint64_t seed)
{
    rdb_random random;
    rdb_random_seed(&random, seed);
    for (uint32_t i = count; i > 1; i--) {
        const uint32_t k = (uint32_t)(rdb_random_next(&random) % i);
        const point p = points[i - 1];
        points[i - 1] = points[k];
        points[k] = p;
    }
}

int main(int argc, char **argv)
{
    const bool all = argc > 1 && strcmp(argv[1], "--all") == 0;
    const char *only = getenv("RDB_FAULT_ONLY");
    const uint64_t seed = proof_number("RDB_TEST_SEED", (uint64_t)rdb_time_wall_us());
    char home[128];
    setvbuf(stdout, NULL, _IOLBF, 0);
    proof_directory(directory);
    snprintf(template_home, sizeof template_home, "%s/template", directory);
    snprintf(home, sizeof home, "%s/measure", directory);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sums = mmap(NULL, sizeof *sums * WORKERS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    PROOF_CHECK(shared != MAP_FAILED && sums != MAP_FAILED);
    fflush(NULL);
    pid_t maker = fork(); /* an engine leaves threads behind, which a fork does not like: so none is ever opened here */
    if (maker == 0) {
        workload_make(template_home);
        proof_exit(0);
    }
    int status = 0;
    PROOF_CHECK(waitpid(maker, &status, 0) == maker && status == 0);
    proof_copy(template_home, home);
    PROOF_CHECK(in_child(measure, home, NULL, NULL) == ENDED_WELL);
    proof_remove(home);
    uint64_t calls = 0;
    uint32_t count = 0, call_points;
    for (size_t i = 0; i < RDB_COUNT_OF(FAULTS); i++)
        calls += calls_of(FAULTS[i].call);
    enum { STRIDE = 211 }; /* of allocations, where not all are tried */
    point *points = malloc((calls + STEPS * STRIDE) * sizeof *points);
    PROOF_CHECK(points != NULL);
    for (size_t i = 0; i < RDB_COUNT_OF(FAULTS); i++)
        for (uint64_t nth = 1; nth <= calls_of(FAULTS[i].call); nth++)
            points[count++] = (point){.fault = &FAULTS[i], .nth = nth};
    call_points = count;
    for (uint32_t k = 0; k < STEPS; k++)
        for (uint64_t first = 1; first <= (all ? 1 : STRIDE); first++)
            points[count++] = (point){.step = k, .nth = first, .stride = all ? 1 : STRIDE};
    if (only != NULL) {
        char call[20], effect[20];
        unsigned step_no;
        unsigned long long nth, stride = UINT64_C(1) << 40;
        count = call_points = 0;
        if (sscanf(only, "alloc %u %llu %llu", &step_no, &nth, &stride) >= 2)
            points[count++] = (point){.step = step_no, .nth = nth, .stride = stride};
        else if (sscanf(only, "alloc all %llu", &stride) == 1)
            for (uint32_t k = 0; k < STEPS; k++)
                points[count++] = (point){.step = k, .nth = 1 + seed % stride, .stride = stride};
        else if (sscanf(only, "%19s %19s %llu", call, effect, &nth) == 3)
            for (size_t i = 0; i < RDB_COUNT_OF(FAULTS); i++)
                if (strcmp(FAULTS[i].call, call) == 0 && strcmp(FAULTS[i].effect, effect) == 0)
                    points[count++] = (point){.fault = &FAULTS[i], .nth = nth};
    } else {
        printf("seed %" PRIu64 "\n", seed);
        shuffle(points, call_points, seed);
        shuffle(points + call_points, count - call_points, seed);
    }
    for (unsigned part = 0; part < 2; part++) {
        const point *from = part == 0 ? points : points + call_points;
        const uint32_t part_count = part == 0 ? call_points : count - call_points;
        const int64_t until_us = all || only != NULL ? INT64_MAX : rdb_time_monotonic_us() + (int64_t)proof_number("RDB_FAULT_SECONDS", 30) * 500000;
        pid_t workers[WORKERS];
        for (unsigned w = 0; w < WORKERS && part_count > 0; w++) {
            fflush(NULL);
            workers[w] = fork();
            if (workers[w] == 0)
                run_worker(w, from, part_count, until_us);
        }
        for (unsigned w = 0; w < WORKERS && part_count > 0; w++) {
            PROOF_CHECK(waitpid(workers[w], &status, 0) == workers[w]);
            wrong_count += status != 0;
        }
        if (part_count > 0)
            report(part, part == 0 ? call_points : 0);
    }
    uint32_t wrong = 0;
    for (unsigned w = 0; w < WORKERS; w++)
        wrong += sums[w][0].wrong + sums[w][1].wrong;
    if (wrong > 0 || wrong_count > 0)
        printf("%u WRONG\n", RDB_MAX(wrong, wrong_count));
    free(points);
    proof_remove(directory);
    return wrong_count > 0;
}
