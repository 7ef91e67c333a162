/* SPDX-License-Identifier: Apache-2.0
 * The thread that writes a sample a second (observe/rdb_samples.h). */
#ifndef RDB_SESSION_SAMPLER_H
#define RDB_SESSION_SAMPLER_H

#include "session/session_int.h"

typedef struct sampler sampler;
RDB_CHECKED bool sampler_start(sampler **started, rdb_engine *engine, const char *directory, rdb_error *err);
void sampler_stop(sampler **started); /* NULL inside is fine */
const char *session_engine_sample_directory(const rdb_engine *engine); /* NULL: none are written */
void session_register_sample_functions(void); /* stat_samples.c */

#endif
