/* SPDX-License-Identifier: Apache-2.0
 * What a fuzz target gives: one function that takes any bytes, and seeds from which they are made. A target is linked with
 * driver.c for a bounded run that is the same each time (make check-fuzz), or with clang's -fsanitize=fuzzer (make fuzz). */
#ifndef RDB_TESTS_FUZZ_H
#define RDB_TESTS_FUZZ_H

#include "os/rdb_os.h"

#include <stdio.h>
#include <stdlib.h>

/* Takes an input; anything but a return is a finding. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Once, before the first input. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
/* Once, after the last. */
void fuzz_close(void);
/* The seed of that number; false: there are no more. The bytes stay. */
bool fuzz_seed(uint32_t no, const uint8_t **data, size_t *size);
/* How many inputs a bounded run makes. */
extern const uint32_t fuzz_runs;
/* A target that knows its grammar makes inputs itself; NULL: bytes are changed. */
typedef size_t (*fuzz_maker)(rdb_random *random, uint8_t *target, size_t capacity);
extern const fuzz_maker fuzz_make;

/* Stops with a line about what went wrong. */
#define FUZZ_CHECK(condition)                                                                \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                  \
            abort();                                                                         \
        }                                                                                    \
    } while (0)

#endif
