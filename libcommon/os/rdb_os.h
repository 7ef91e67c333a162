/* SPDX-License-Identifier: Apache-2.0
 * Room os: files, threads, time. Sockets stand apart in rdb_socket.h, fault injection in rdb_fault.h. */
#ifndef RDB_OS_H
#define RDB_OS_H

#include "os/rdb_file.h"
#include "os/rdb_thread.h"
#include "os/rdb_time.h"
#include "os/rdb_wait.h"

#endif
