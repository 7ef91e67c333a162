/* SPDX-License-Identifier: Apache-2.0
 * The SQLSTATEs of errcodes.def as string macros' equal: static const char arrays named RDB_<NAME>. */
#ifndef RDB_ERRCODES_H
#define RDB_ERRCODES_H

#define RDB_SQLSTATE(name, code) static const char RDB_##name[6] __attribute__((unused)) = code;
#include "base/errcodes.def"
#undef RDB_SQLSTATE

#endif
