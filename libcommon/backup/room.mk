# The libraries that repositories need; only programs that have this room's code in them are linked with them.
LIBS += -Wl,--as-needed -larchive -lsnappy -lcurl -lpq -Wl,--no-as-needed
CFLAGS_backup += -I$(shell pg_config --includedir 2>/dev/null || echo /usr/include/postgresql)
