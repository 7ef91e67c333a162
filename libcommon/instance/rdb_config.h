/* SPDX-License-Identifier: Apache-2.0
 * The configuration of an instance: one table of keys (config_keys.def), five layers, the highest first: flags of the
 * command line, RUSTYDB_<SECTION>_<KEY> in the environment, conf/overrides.d/<name>.toml in bytewise order (the last wins),
 * conf/rustydb.toml, the table's own values. Each value remembers where it came from. An unknown key, a value of the
 * wrong kind or one out of its range is an error that names the place and what is accepted. */
#ifndef RDB_CONFIG_H
#define RDB_CONFIG_H

#include "base/rdb_base.h"

typedef enum rdb_config_key {
#define RDB_KEY(id, name, kind, standard, least, most, choices, base, when) RDB_CONFIG_##id,
#include "instance/config_keys.def"
#undef RDB_KEY
    RDB_CONFIG_KEYS
} rdb_config_key;

typedef enum rdb_config_when { RDB_CONFIG_AT_START, RDB_CONFIG_AT_RELOAD, RDB_CONFIG_AT_INIT } rdb_config_when;

typedef struct rdb_config rdb_config;

/* A flag of the command line that stands over a key: {RDB_CONFIG_SERVER_LISTEN_PORT, "--port", "5433"}. */
typedef struct rdb_config_flag {
    rdb_config_key key;
    const char *flag, *value;
} rdb_config_flag;

/* home: the instance; file: instead of conf/rustydb.toml (its overrides.d is the one beside it), or NULL. home NULL: file
 * alone, without an instance (--check-config). F0000 on a mistake. */
RDB_CHECKED bool rdb_config_load(rdb_config **config, const char *home, const char *file, const rdb_config_flag *flags,
                                 uint32_t flag_count, rdb_error *err);
void rdb_config_destroy(rdb_config **config);

/* By kind: text for TEXT and CHOICE (never NULL), number for COUNT and BYTES, and SWITCH. */
const char *rdb_config_text(const rdb_config *config, rdb_config_key key);
int64_t rdb_config_number(const rdb_config *config, rdb_config_key key);
bool rdb_config_switch(const rdb_config *config, rdb_config_key key);
const rdb_list *rdb_config_texts(const rdb_config *config, rdb_config_key key); /* items are char * */
/* The absolute path a key stands for, "" where it is not set; borrowed for the configuration's life. */
const char *rdb_config_path(const rdb_config *config, rdb_config_key key);
/* "default", "FILE, line N", "environment RUSTYDB_X", "--flag". */
const char *rdb_config_origin(const rdb_config *config, rdb_config_key key);
bool rdb_config_is_set(const rdb_config *config, rdb_config_key key); /* not the default */
/* The page cache: memory.shared_buffers or storage.buffer_pool_pages, whichever the higher layer sets; the former where one sets both, or none either. */
uint64_t rdb_config_buffer_bytes(const rdb_config *config);

const char *rdb_config_name(rdb_config_key key);
rdb_config_when rdb_config_counts_when(rdb_config_key key);
/* All keys with their values as TOML; with_origins adds "# where from" to each line. License keys show as "***". */
void rdb_config_print(const rdb_config *config, bool with_origins, rdb_strbuf *out);
/* One JSON object a line: key, value, origin. */
void rdb_config_print_json(const rdb_config *config, rdb_strbuf *out);

#endif
