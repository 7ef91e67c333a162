test_archive.o: tests/unit/wal/test_archive.c \
  tests/unit/wal/archive_fixture.h libcommon/wal/wal_int.h \
  libcommon/wal/rdb_wal_archive.h libcommon/wal/rdb_wal.h \
  libcommon/os/rdb_os.h libcommon/os/rdb_file.h \
  libcommon/base/rdb_base.h libcommon/base/rdb_arena.h \
  libcommon/base/rdb_error.h libcommon/base/errcodes.h \
  libcommon/base/errcodes.def libcommon/base/rdb_map.h \
  libcommon/base/rdb_string.h libcommon/os/rdb_thread.h \
  libcommon/os/rdb_time.h libcommon/os/rdb_wait.h \
  libcommon/os/wait_events.def libcommon/os/rdb_process.h

tests/unit/wal/archive_fixture.h:

libcommon/wal/wal_int.h:

libcommon/wal/rdb_wal_archive.h:

libcommon/wal/rdb_wal.h:

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

libcommon/os/rdb_process.h:
