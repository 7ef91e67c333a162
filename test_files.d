test_files.o: tests/unit/storage/test_files.c libcommon/os/rdb_fault.h \
  libcommon/base/rdb_base.h libcommon/base/rdb_arena.h \
  libcommon/base/rdb_error.h libcommon/base/errcodes.h \
  libcommon/base/errcodes.def libcommon/base/rdb_map.h \
  libcommon/base/rdb_string.h tests/unit/storage/toy.h \
  libcommon/storage/storage_int.h libcommon/storage/rdb_storage.h \
  libcommon/task/rdb_task.h libcommon/task/rdb_cancel.h \
  libcommon/os/rdb_os.h libcommon/os/rdb_file.h \
  libcommon/os/rdb_thread.h libcommon/os/rdb_time.h \
  libcommon/os/rdb_wait.h libcommon/os/wait_events.def \
  libcommon/wal/rdb_wal.h

libcommon/os/rdb_fault.h:

libcommon/base/rdb_base.h:

libcommon/base/rdb_arena.h:

libcommon/base/rdb_error.h:

libcommon/base/errcodes.h:

libcommon/base/errcodes.def:

libcommon/base/rdb_map.h:

libcommon/base/rdb_string.h:

tests/unit/storage/toy.h:

libcommon/storage/storage_int.h:

libcommon/storage/rdb_storage.h:

libcommon/task/rdb_task.h:

libcommon/task/rdb_cancel.h:

libcommon/os/rdb_os.h:

libcommon/os/rdb_file.h:

libcommon/os/rdb_thread.h:

libcommon/os/rdb_time.h:

libcommon/os/rdb_wait.h:

libcommon/os/wait_events.def:

libcommon/wal/rdb_wal.h:
