/* SPDX-License-Identifier: Apache-2.0
 * See rdb_report.h. */
#include "task/rdb_report.h"

_Thread_local rdb_report *rdb_thread_report __attribute__((tls_model("initial-exec")));
