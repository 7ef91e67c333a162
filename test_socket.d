test_socket.o: tests/unit/os/test_socket.c libcommon/os/rdb_os.h \
  libcommon/os/rdb_file.h libcommon/base/rdb_base.h \
  libcommon/base/rdb_arena.h libcommon/base/rdb_error.h \
  libcommon/base/errcodes.h libcommon/base/errcodes.def \
  libcommon/base/rdb_map.h libcommon/base/rdb_string.h \
  libcommon/os/rdb_thread.h libcommon/os/rdb_time.h \
  libcommon/os/rdb_wait.h libcommon/os/wait_events.def \
  libcommon/os/rdb_socket.h

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

libcommon/os/rdb_socket.h:
