test_lock_waits.o: tests/unit/txn/test_lock_waits.c \
  libcommon/txn/lock_int.h libcommon/txn/txn_int.h \
  libcommon/txn/rdb_lock.h libcommon/txn/rdb_txn.h \
  libcommon/storage/rdb_storage.h libcommon/task/rdb_task.h \
  libcommon/task/rdb_cancel.h libcommon/os/rdb_os.h \
  libcommon/os/rdb_file.h libcommon/base/rdb_base.h \
  libcommon/base/rdb_arena.h libcommon/base/rdb_error.h \
  libcommon/base/errcodes.h libcommon/base/errcodes.def \
  libcommon/base/rdb_map.h libcommon/base/rdb_string.h \
  libcommon/os/rdb_thread.h libcommon/os/rdb_time.h \
  libcommon/os/rdb_wait.h libcommon/os/wait_events.def \
  libcommon/wal/rdb_wal.h libcommon/txn/rdb_txn_payload.h

libcommon/txn/lock_int.h:

libcommon/txn/txn_int.h:

libcommon/txn/rdb_lock.h:

libcommon/txn/rdb_txn.h:

libcommon/storage/rdb_storage.h:

libcommon/task/rdb_task.h:

libcommon/task/rdb_cancel.h:

libcommon/os/rdb_os.h:

libcommon/os/rdb_file.h:

libcommon/base/rdb_base.h:

libcommon/base/rdb_arena.h:

libcommon/base/rdb_error.h:

libcommon/base/errcodes.h:

libcommon/base/errcodes.def:

libcommon/base/rdb_map.h:

libcommon/base/rdb_string.h:

libcommon/os/rdb_thread.h:

libcommon/os/rdb_time.h:

libcommon/os/rdb_wait.h:

libcommon/os/wait_events.def:

libcommon/wal/rdb_wal.h:

libcommon/txn/rdb_txn_payload.h:
