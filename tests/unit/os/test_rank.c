/* SPDX-License-Identifier: Apache-2.0
 * The rank check of debug builds, whatever way the library was built: this program brings its own copy of the mutexes. */
#undef RDB_DEBUG
#define RDB_DEBUG 1
#include "../../../libcommon/os/mutex.c"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static rdb_mutex low, high, same;

static void lock_in_order(void)
{
    rdb_mutex_lock(&low);
    rdb_mutex_lock(&high);
    rdb_mutex_unlock(&low); /* the order of unlocking is free */
    rdb_mutex_unlock(&high);
    rdb_mutex_lock(&low);
    rdb_mutex_unlock(&low);
    rdb_mutex_lock(&high);
    if (!rdb_mutex_try_lock(&low)) /* a try may go down */
        abort();
    rdb_mutex_unlock(&high);
    rdb_mutex_unlock(&low);
}

static void lock_downwards(void)
{
    rdb_mutex_lock(&high);
    rdb_mutex_lock(&low);
}

static void lock_equals(void)
{
    rdb_mutex_lock(&low);
    rdb_mutex_lock(&same);
}

static void unlock_unheld(void)
{
    rdb_mutex_unlock(&low);
}

/* The signal that ended a child which ran the function, 0 where it ended by itself. */
static int signal_of(void (*run)(void))
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(1);
        run();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void test_ranks(void **state)
{
    (void)state;
    rdb_mutex_init(&low, RDB_RANK_SESSION);
    rdb_mutex_init(&same, RDB_RANK_SESSION);
    rdb_mutex_init(&high, RDB_RANK_LEAF);
    assert_int_equal(signal_of(lock_in_order), 0);
    assert_int_equal(signal_of(lock_downwards), SIGABRT);
    assert_int_equal(signal_of(lock_equals), SIGABRT);
    assert_int_equal(signal_of(unlock_unheld), SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ranks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
