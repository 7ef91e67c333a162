# SPDX-License-Identifier: Apache-2.0
# The parser library goes into the room's archive as one object whose only global names are those that parse.c,
# fingerprint.c and tests call: it exports two thousand more (palloc, lappend, xxhash, protobuf-c), which would clash with others'.
# Its raw tree is read through PostgreSQL's server headers, which are unpacked below the build folder, not installed:
# the package would drag a server's worth of packages in. PG_SERVER_INCLUDE=<dir> names an unpacked copy of one's own.

PG_QUERY_VERSION := 15-4.0.0
PG_QUERY_ARCHIVE ?= $(firstword $(wildcard /usr/lib/$(shell $(CC) -print-multiarch 2>/dev/null)/libpg_query.a /usr/lib/libpg_query.a))
PG_SERVER_INCLUDE ?= $(firstword $(wildcard /usr/include/postgresql/15/server) $(BUILD)/pgdev/usr/include/postgresql/15/server)

ROOM_EXTRA_sql := $(BUILD)/parser/pg_query.o

# Names that other files of the room may call; the last three are the scanner's settings, one of each a thread.
PG_QUERY_KEEP := pg_query_raw_parse pg_query_enter_memory_context pg_query_exit_memory_context pg_query_free_error \
	pg_query_parse pg_query_free_parse_result pg_query_fingerprint pg_query_free_fingerprint_result \
	pg_query_scan pg_query_free_scan_result raw_parser \
	standard_conforming_strings backslash_quote escape_string_warning

# pthread_key_create: the library makes one key a thread and never gives it back; see parser_key.c.
$(BUILD)/parser/pg_query.o: $(PG_QUERY_ARCHIVE) libcommon/sql/room.mk
	@mkdir -p $(@D)
	@test -n "$(PG_QUERY_ARCHIVE)" || { echo "libpg_query.a is missing: install libpg-query-dev $(PG_QUERY_VERSION)" >&2; exit 1; }
	@have=$$(dpkg-query -W -f='$${Version}' libpg-query-dev 2>/dev/null || true); \
	case "$$have" in "$(PG_QUERY_VERSION)"*|"") ;; \
	*) echo "libpg-query-dev is $$have; the raw tree is read as version $(PG_QUERY_VERSION) lays it out" >&2; exit 1;; esac
	ld -r --whole-archive $(PG_QUERY_ARCHIVE) -o $@.whole
	objcopy $(foreach name,$(PG_QUERY_KEEP),--keep-global-symbol=$(name)) \
		--redefine-sym pthread_key_create=sql_parser_key_create $@.whole $@
	@rm -f $@.whole

$(BUILD)/pgdev/usr/include/postgresql/15/server/postgres.h:
	@mkdir -p $(BUILD)/pgdev
	cd $(BUILD)/pgdev && { apt-get download postgresql-server-dev-15 >download.log 2>&1 || { cat download.log >&2; \
		echo "postgresql-server-dev-15 cannot be downloaded: unpack it yourself and set PG_SERVER_INCLUDE," \
			"or install it" >&2; exit 1; }; }
	dpkg -x $(BUILD)/pgdev/postgresql-server-dev-15_*.deb $(BUILD)/pgdev
	@touch $@

$(BUILD)/obj/libcommon/sql/parse.o: CFLAGS_sql := -isystem $(PG_SERVER_INCLUDE)
$(BUILD)/obj/libcommon/sql/parse.o: | $(PG_SERVER_INCLUDE)/postgres.h
