/* SPDX-License-Identifier: Apache-2.0
 * A call that must succeed, also in a thread of a test's own, which cmocka's asserts cannot leave: they jump. */
#ifndef MUST_H
#define MUST_H

#include <stdio.h>
#include <stdlib.h>

#define MUST(f_err, call)                                                                                             \
    do {                                                                                                              \
        if (!(call)) {                                                                                                \
            fprintf(stderr, "%s:%d: %s: %s %s %s\n", __FILE__, __LINE__, #call, (f_err)->sqlstate, (f_err)->message,  \
                    (f_err)->detail);                                                                                 \
            abort();                                                                                                  \
        }                                                                                                             \
    } while (0)

#endif
