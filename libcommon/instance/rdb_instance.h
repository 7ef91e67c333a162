/* SPDX-License-Identifier: Apache-2.0
 * Room instance: the instance directory (Layout v1.0), its lock, and the control file.
 *
 *   conf/  rustydb.toml  overrides.d/  secrets/{tls,auth,keys}   0700, files 0600
 *   data/  meta/{layout-version,instance-id,created-at,data-format-version,control}
 *          tables/<pdb>/<file>  indexes/<pdb>/<file>  undo/<pdb>/<file>  xact/<pdb>/<file>  wal/<segment>
 *   logs/  run/{rustydb.pid,lock,sockets/}  cache/  tmp/  backup/  diag/
 *
 * data/meta/control: two copies of 512 bytes at offsets 0 and 4096, written in turn and synced; the one with a good CRC and
 * the higher serial counts (R23). Little-endian:
 *    0  8  magic "RDBCTL01"           8  8  serial            16  8  system id
 *   24  4  layout version 1          28  4  data format 1     32  4  page bytes      36  4  WAL segment bytes
 *   40  4  incarnation               44  4  state RDB_CONTROL_*
 *   48  8  redo LSN of the newest checkpoint                  56  8  LSN of its record
 *   64  8  highest SCN then          72  8  wall time then (timestamptz us)
 *   80  8  LSN that recovery must reach before the files agree with each other; 0: they do (not in a crash: redo takes care of that)
 *   88  4  crc32c of the recovery.conf that was carried out and may still lie there; 0: none
 *   92 .. 507 zero                  508  4  crc32c of 0..507
 */
#ifndef RDB_INSTANCE_H
#define RDB_INSTANCE_H

#include "os/rdb_os.h"

enum { RDB_CONTROL_NEW = 1, RDB_CONTROL_RUNNING = 2, RDB_CONTROL_CLEAN = 3, RDB_CONTROL_RECOVERING = 4 };
typedef struct rdb_control {
    uint64_t magic, serial, system_id;
    uint32_t layout_version, data_format, page_bytes, wal_segment_bytes, incarnation, state;
    uint64_t redo_lsn, checkpoint_lsn, scn;
    int64_t checkpoint_us;
    uint64_t consistent_lsn;
    uint32_t recovered_target;
    uint8_t zero[416];
    uint32_t crc;
} rdb_control;
#define RDB_CONTROL_BYTES 512u
_Static_assert(sizeof(rdb_control) == RDB_CONTROL_BYTES && offsetof(rdb_control, redo_lsn) == 48 && offsetof(rdb_control, crc) == 508,
               "the drawing above and the struct disagree");

/* The newer good copy. XX001 when both are bad (naming what was found), 58P01 when there is none. */
RDB_CHECKED bool rdb_control_read(const char *home, rdb_control *control, rdb_error *err);
/* Sets magic, serial and crc, writes the older copy and syncs it. */
RDB_CHECKED bool rdb_control_write(const char *home, rdb_control *control, rdb_error *err);
/* Both copies of the control file, byte by byte: a damaged one is no error where the other is good, but it is damage. */
RDB_CHECKED bool rdb_control_verify(const char *home, void (*complain)(void *context, uint64_t offset, const char *problem), void *context, rdb_error *err);

typedef struct rdb_instance_options {
    const char *name;            /* instance.name */
    uint32_t page_bytes, wal_segment_bytes;
    const char *configuration;   /* text of conf/rustydb.toml */
} rdb_instance_options;
/* Lays the directories and files out in a sibling that nobody looks at, and moves it to home when fill has done its part in it
 * (the engine's first files, secrets): so home is a whole instance or is not there, whenever it is killed. home must not
 * exist or be an empty directory. */
RDB_CHECKED bool rdb_instance_create(const char *home, const rdb_instance_options *options,
                                     bool (*fill)(void *context, const char *home, rdb_error *err), void *context, rdb_error *err);
typedef enum rdb_home_kind { RDB_HOME_MISSING, RDB_HOME_EMPTY, RDB_HOME_INSTANCE, RDB_HOME_OTHER } rdb_home_kind;
RDB_CHECKED bool rdb_instance_look(const char *home, rdb_home_kind *kind, rdb_error *err);
/* Versions this program cannot read are refused: 0A000 with both versions named. */
RDB_CHECKED bool rdb_instance_check_versions(const char *home, rdb_error *err);
/* One trimmed value of data/meta. */
RDB_CHECKED bool rdb_instance_meta(const char *home, const char *name, char value[64], rdb_error *err);

/* The lock: held from before the first byte of data is read to the end of the process. A second holder is refused with 55006,
 * naming the first one's pid. run/rustydb.pid says the same to people. */
typedef struct rdb_instance_lock rdb_instance_lock;
RDB_CHECKED bool rdb_instance_lock_take(rdb_instance_lock **lock, const char *home, const char *program, rdb_error *err);
void rdb_instance_lock_release(rdb_instance_lock **lock);
/* Who serves it: *pid 0 when nobody holds the lock. */
RDB_CHECKED bool rdb_instance_holder(const char *home, int64_t *pid, rdb_error *err);

/* home + "/" + tail; false (54000) where it does not fit. */
RDB_CHECKED bool rdb_instance_path(const char *home, const char *tail, char *path, size_t size, rdb_error *err);
/* Absolute, without trailing slashes; home need not exist yet. */
RDB_CHECKED bool rdb_instance_resolve(const char *home, char *path, size_t size, rdb_error *err);

#endif
