test_log.o: tests/unit/base/test_log.c libcommon/base/rdb_log.h \
  libcommon/base/rdb_base.h libcommon/base/rdb_arena.h \
  libcommon/base/rdb_error.h libcommon/base/errcodes.h \
  libcommon/base/errcodes.def libcommon/base/rdb_map.h \
  libcommon/base/rdb_string.h libcommon/base/rdb_toml.h

libcommon/base/rdb_log.h:

libcommon/base/rdb_base.h:

libcommon/base/rdb_arena.h:

libcommon/base/rdb_error.h:

libcommon/base/errcodes.h:

libcommon/base/errcodes.def:

libcommon/base/rdb_map.h:

libcommon/base/rdb_string.h:

libcommon/base/rdb_toml.h:
