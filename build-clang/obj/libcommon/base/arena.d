build-clang/obj/libcommon/base/arena.o: libcommon/base/arena.c \
  libcommon/base/rdb_base.h libcommon/base/rdb_arena.h \
  libcommon/base/rdb_error.h libcommon/base/errcodes.h \
  libcommon/base/errcodes.def libcommon/base/rdb_map.h \
  libcommon/base/rdb_string.h

libcommon/base/rdb_base.h:

libcommon/base/rdb_arena.h:

libcommon/base/rdb_error.h:

libcommon/base/errcodes.h:

libcommon/base/errcodes.def:

libcommon/base/rdb_map.h:

libcommon/base/rdb_string.h:
