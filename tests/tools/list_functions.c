/* SPDX-License-Identifier: Apache-2.0
 * Prints the OID of every built-in function that has an implementation, one a line; missing-functions reads it. */
#include "exec/rdb_exec.h"
#include "session/rdb_session.h"
#include <stdio.h>

int main(void)
{
    rdb_exec_register();
    for (uint32_t oid = 1; oid < 10000; oid++) {
        if (rdb_kernel_find(oid) != NULL || rdb_set_kernel_find(oid) != NULL || rdb_aggregate_find(oid) != NULL)
            printf("%u\n", oid);
    }
    return 0;
}
