test_recovery.o: tests/unit/upkeep/test_recovery.c \
  tests/unit/upkeep/../storage/toy.h libcommon/storage/storage_int.h \
  libcommon/storage/rdb_storage.h libcommon/task/rdb_task.h \
  libcommon/task/rdb_cancel.h libcommon/os/rdb_os.h \
  libcommon/os/rdb_file.h libcommon/base/rdb_base.h \
  libcommon/base/rdb_arena.h libcommon/base/rdb_error.h \
  libcommon/base/errcodes.h libcommon/base/errcodes.def \
  libcommon/base/rdb_map.h libcommon/base/rdb_string.h \
  libcommon/os/rdb_thread.h libcommon/os/rdb_time.h \
  libcommon/os/rdb_wait.h libcommon/os/wait_events.def \
  libcommon/wal/rdb_wal.h libcommon/instance/rdb_instance.h \
  libcommon/os/rdb_fault.h libcommon/storage/rdb_change_map.h \
  libcommon/upkeep/upkeep_int.h libcommon/upkeep/rdb_recovery.h \
  libcommon/upkeep/rdb_upkeep.h libcommon/wal/rdb_wal_archive.h

tests/unit/upkeep/../storage/toy.h:

libcommon/storage/storage_int.h:

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

libcommon/instance/rdb_instance.h:

libcommon/os/rdb_fault.h:

libcommon/storage/rdb_change_map.h:

libcommon/upkeep/upkeep_int.h:

libcommon/upkeep/rdb_recovery.h:

libcommon/upkeep/rdb_upkeep.h:

libcommon/wal/rdb_wal_archive.h:
