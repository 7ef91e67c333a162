/* SPDX-License-Identifier: Apache-2.0
 * Stepping back: the thread that does it and those it starts later, and no other. */
#include "os/rdb_os.h"
#include "os/rdb_process.h"
#include "os/rdb_thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct standing {
    long nice, io;
} standing;

static standing of_this_thread(void)
{
    return (standing){getpriority(PRIO_PROCESS, 0), syscall(SYS_ioprio_get, 1, 0)};
}

static void look(void *argument)
{
    *(standing *)argument = of_this_thread();
}

static void step_back_and_look(void *argument)
{
    rdb_error err = {0};
    rdb_thread *child = NULL;
    standing *seen = argument;
    (void)setpriority(PRIO_PROCESS, 0, -5); /* where that is allowed, ten steps are counted from 0 */
    seen[0] = of_this_thread();
    rdb_process_step_back();
    seen[1] = of_this_thread();
    assert_true(rdb_thread_start(&child, "child", look, &seen[2], &err));
    rdb_thread_join(&child);
}

static void test_a_thread_steps_back_with_those_it_starts(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_thread *thread = NULL;
    standing seen[3] = {{0}}, before = of_this_thread();
    assert_true(rdb_thread_start(&thread, "back", step_back_and_look, seen, &err));
    rdb_thread_join(&thread);
    for (int i = 1; i < 3; i++) {
        assert_int_equal(seen[i].nice, RDB_MIN(RDB_MAX(seen[0].nice, 0) + 10, 19));
        assert_int_equal(seen[i].io, 2 << 13 | 7);
    }
    const standing after = of_this_thread();
    assert_memory_equal(&before, &after, sizeof before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_thread_steps_back_with_those_it_starts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
