rewrite_view.o: libcommon/sql/rewrite_view.c libcommon/sql/analyse_int.h \
  libcommon/expr/rdb_expr.h libcommon/sql/rdb_query.h \
  libcommon/catalog/rdb_catalog.h libcommon/index/rdb_index.h \
  libcommon/table/rdb_table.h libcommon/txn/rdb_lock.h \
  libcommon/txn/rdb_txn.h libcommon/storage/rdb_storage.h \
  libcommon/wal/rdb_wal.h libcommon/os/rdb_os.h libcommon/os/rdb_file.h \
  libcommon/base/rdb_base.h libcommon/base/rdb_arena.h \
  libcommon/base/rdb_error.h libcommon/base/errcodes.h \
  libcommon/base/errcodes.def libcommon/base/rdb_map.h \
  libcommon/base/rdb_string.h libcommon/os/rdb_thread.h \
  libcommon/os/rdb_time.h libcommon/task/rdb_task.h \
  libcommon/task/rdb_cancel.h libcommon/undo/rdb_undo.h \
  libcommon/vec/rdb_vec.h libcommon/type/rdb_type.h \
  build/gen/catalog/columns.h libcommon/sql/rdb_ast.h \
  libcommon/sql/rdb_sql.h libcommon/sql/rewrite_int.h

libcommon/sql/analyse_int.h:

libcommon/expr/rdb_expr.h:

libcommon/sql/rdb_query.h:

libcommon/catalog/rdb_catalog.h:

libcommon/index/rdb_index.h:

libcommon/table/rdb_table.h:

libcommon/txn/rdb_lock.h:

libcommon/txn/rdb_txn.h:

libcommon/storage/rdb_storage.h:

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

libcommon/task/rdb_task.h:

libcommon/task/rdb_cancel.h:

libcommon/undo/rdb_undo.h:

libcommon/vec/rdb_vec.h:

libcommon/type/rdb_type.h:

build/gen/catalog/columns.h:

libcommon/sql/rdb_ast.h:

libcommon/sql/rdb_sql.h:

libcommon/sql/rewrite_int.h:
