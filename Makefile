# SPDX-License-Identifier: Apache-2.0
# Builds every room of libcommon into build/rooms/<room>.a, then librdb.so and the programs from those archives.
# A unit test links only with its own room and the rooms below it: that link is the check of the order of rooms.

MAKEFLAGS += --no-builtin-rules
SHELL := /bin/bash
CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
CXX ?= g++
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=

# Bottom up; a room may include and link only rooms to its left (design: libcommon/README.md).
ROOMS := base os task crypto client instance wal audit storage txn undo vec type table index upkeep backup observe diag catalog expr sql exec command session
PROGRAMS := $(notdir $(patsubst %/main.c,%,$(wildcard bin/*/main.c)))

WARNINGS := -Wall -Wextra -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes -Werror
OPTIMISE ?= -O2 -g
SANITIZE ?=
CFLAGS_ALL := -std=gnu11 $(OPTIMISE) -fPIC -fvisibility=hidden -fno-strict-aliasing -fno-omit-frame-pointer -pthread \
	$(WARNINGS) -D_GNU_SOURCE -Ilibcommon -I$(BUILD)/gen $(SANITIZE) $(CFLAGS)
CXXFLAGS_ALL := -std=c++17 $(OPTIMISE) -fPIC -fvisibility=hidden -fno-exceptions -fno-rtti -pthread -Wall -Wextra -Werror -Ilibcommon $(SANITIZE) $(CXXFLAGS)
LIBS := -llz4 -lzstd -lssl -lcrypto -lgmp -lsqlite3 -ljansson -lsystemd -lm -ldl -lpthread

room_sources = $(wildcard libcommon/$(1)/*.c)
room_cxx_sources = $(wildcard libcommon/$(1)/*.cc)
room_objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(call room_sources,$(1))) \
	$(patsubst %.cc,$(BUILD)/obj/%.o,$(call room_cxx_sources,$(1))) $(ROOM_EXTRA_$(1))

.PHONY: all
all: programs

# Rooms may add generated sources and objects of their own: libcommon/<room>/room.mk
-include $(wildcard libcommon/*/room.mk)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(CFLAGS_$(notdir $(patsubst %/,%,$(dir $<)))) -MMD -MP -c $< -o $@

$(BUILD)/obj/%.o: %.cc
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS_ALL) -MMD -MP -c $< -o $@

define room_rule
$(BUILD)/rooms/$(1).a: $$(call room_objects,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	ar rcs $$@ $$^
.PHONY: room-$(1)
room-$(1): $(BUILD)/rooms/$(1).a
endef
$(foreach room,$(ROOMS),$(eval $(call room_rule,$(room))))

ARCHIVES := $(foreach room,$(ROOMS),$(BUILD)/rooms/$(room).a)
.PHONY: rooms
rooms: $(ARCHIVES)

# ---- programs ------------------------------------------------------------------------------------------------
.PHONY: programs
programs: $(foreach program,$(PROGRAMS),$(BUILD)/bin/$(program))

BASE_ROOMS := base os task crypto client
$(BUILD)/librdb-base.a: $(foreach room,$(BASE_ROOMS),$(call room_objects,$(room)))
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/lib/librdb.so: $(ARCHIVES) libcommon/librdb.map
	@mkdir -p $(@D)
	$(CC) -shared $(SANITIZE) -o $@ -Wl,--whole-archive $(ARCHIVES) -Wl,--no-whole-archive \
		-Wl,--version-script=libcommon/librdb.map $(LIBRDB_EXTRA) $(LIBS) -lstdc++

# A program lists what it links in bin/<program>/program.mk as LINK_<program>: "base" or "whole" (the default).
-include $(wildcard bin/*/program.mk)
# OBJECTS_<program>: those it takes from another program's folder.
program_objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard bin/$(1)/*.c)) $(OBJECTS_$(1))
define program_rule
$(BUILD)/bin/$(1): $$(call program_objects,$(1)) $(if $(filter base,$(LINK_$(1))),$(BUILD)/librdb-base.a,$(ARCHIVES))
	@mkdir -p $$(@D)
	$$(CC) $$(SANITIZE) -pthread -o $$@ $$(call program_objects,$(1)) \
		$(if $(filter base,$(LINK_$(1))),$(BUILD)/librdb-base.a $$(LIBS_$(1)),-Wl,--start-group $(ARCHIVES) -Wl,--end-group $$(LIBRDB_EXTRA) $$(LIBS) $$(LIBS_$(1)) -lstdc++)
endef
$(foreach program,$(PROGRAMS),$(eval $(call program_rule,$(program))))

# What a program's option table says to shells and to its man page (the OPTIONS section).
define completion_rule
$(BUILD)/share/bash/$(1) $(BUILD)/share/zsh/_$(1) $(BUILD)/share/fish/$(1).fish &: $(BUILD)/bin/$(1)
	@mkdir -p $(BUILD)/share/bash $(BUILD)/share/zsh $(BUILD)/share/fish
	$$< --rdb-print-completion=bash >$(BUILD)/share/bash/$(1)
	$$< --rdb-print-completion=zsh >$(BUILD)/share/zsh/_$(1)
	$$< --rdb-print-completion=fish >$(BUILD)/share/fish/$(1).fish
$(BUILD)/share/man-options/$(1): $(BUILD)/bin/$(1)
	@mkdir -p $$(@D)
	$$< --rdb-print-man-options >$$@
endef
$(foreach program,$(PROGRAMS),$(eval $(call completion_rule,$(program))))
.PHONY: completions
completions: $(foreach program,$(PROGRAMS),$(BUILD)/share/bash/$(program) $(BUILD)/share/man-options/$(program))

# ---- unit tests: tests/unit/<room>/test_<subject>.c, one program each -------------------------------------------
UNIT_SOURCES := $(wildcard tests/unit/*/test_*.c)
UNIT_PROGRAMS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SOURCES))
# The rooms at or below room $(1), lowest last, as the linker wants them.
rooms_upto = $(if $(filter $(firstword $(2)),$(1)),$(firstword $(2)),$(firstword $(2)) $(call rooms_upto,$(1),$(wordlist 2,99,$(2))))
reverse = $(if $(1),$(call reverse,$(wordlist 2,99,$(1))) $(firstword $(1)))
define unit_rule
$(BUILD)/unit/$(1)/%: $(BUILD)/obj/tests/unit/$(1)/%.o $(foreach room,$(call rooms_upto,$(1),$(ROOMS)),$(BUILD)/rooms/$(room).a)
	@mkdir -p $$(@D)
	$$(CC) $$(SANITIZE) -pthread -o $$@ $$< $$(UNIT_FLAGS) $(foreach room,$(call reverse,$(call rooms_upto,$(1),$(ROOMS))),$(BUILD)/rooms/$(room).a) \
		$$(LIBRDB_EXTRA) $$(LIBS) -lcmocka -lstdc++
endef
$(foreach room,$(ROOMS),$(eval $(call unit_rule,$(room))))
# What fails on purpose in tests of failures (tests/unit/sweep.h): memory, and what lies below the room.
SWEPT_MEMORY := malloc calloc realloc aligned_alloc posix_memalign
SWEPT_FILES := rdb_file_open rdb_file_read rdb_file_write rdb_file_size rdb_file_truncate rdb_file_zero_fill \
	rdb_path_make_directory rdb_path_rename rdb_path_remove rdb_path_sync_directory rdb_path_list rdb_path_read rdb_path_write_atomic
SWEPT_STORAGE := rdb_buffer_acquire rdb_buffer_acquire_new rdb_buffer_extend rdb_change_apply \
	rdb_storage_create_file rdb_storage_drop_file rdb_storage_truncate_file rdb_storage_block_count \
	rdb_buffer_peek_begin rdb_buffer_peek_end rdb_buffer_try_acquire rdb_buffer_try_lock
$(BUILD)/unit/%/test_failures: UNIT_FLAGS := $(foreach name,$(SWEPT_MEMORY) $(SWEPT_STORAGE),-Wl,--wrap=$(name))
$(BUILD)/unit/wal/test_failures: UNIT_FLAGS := $(foreach name,$(SWEPT_MEMORY) $(SWEPT_FILES) rdb_file_sync,-Wl,--wrap=$(name))
$(BUILD)/unit/storage/test_failures: UNIT_FLAGS := $(foreach name,$(SWEPT_MEMORY) $(SWEPT_FILES),-Wl,--wrap=$(name))
# Where something happens between two looks of one call.
$(BUILD)/unit/index/test_btree_compact: UNIT_FLAGS := -Wl,--wrap=rdb_buffer_acquire -Wl,--wrap=rdb_buffer_release -Wl,--wrap=rdb_buffer_peek_begin
$(BUILD)/unit/catalog/test_gate: UNIT_FLAGS := -Wl,--wrap=rdb_table_update
$(BUILD)/unit/txn/test_committer: UNIT_FLAGS := -Wl,--wrap=rdb_time_sleep_us

.PHONY: unit
unit: $(UNIT_PROGRAMS)
	@tests/tools/run-unit $(UNIT_PROGRAMS)

# make unit-<room>: build and run one room's tests.
define unit_room_rule
.PHONY: unit-$(1)
unit-$(1): $(filter $(BUILD)/unit/$(1)/%,$(UNIT_PROGRAMS))
	@tests/tools/run-unit $$^
endef
$(foreach room,$(ROOMS),$(eval $(call unit_room_rule,$(room))))

# ---- measuring programs: tests/bench/bench_<subject>.c ----------------------------------------------------------
$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -pthread -o $@ $< -Wl,--start-group $(ARCHIVES) -Wl,--end-group $(LIBRDB_EXTRA) $(LIBS) -lstdc++

# ---- proofs: tests/proof/<subject>.c, the whole engine in one process, against models ---------------------------------
PROOF_SUBJECTS := $(patsubst tests/proof/%.c,%,$(wildcard tests/proof/*.c))
PROOF_PROGRAMS := $(patsubst %,$(BUILD)/proof/%,$(PROOF_SUBJECTS))
$(BUILD)/proof/%: $(BUILD)/obj/tests/proof/%.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -pthread -o $@ $< $(PROOF_FLAGS) -Wl,--start-group $(ARCHIVES) -Wl,--end-group $(LIBRDB_EXTRA) $(LIBS) -lstdc++
# Allocations that fail on purpose.
$(BUILD)/proof/faults: PROOF_FLAGS := $(foreach name,malloc calloc realloc aligned_alloc strdup strndup,-Wl,--wrap=$(name))
.PHONY: check-proof
check-proof: programs $(PROOF_PROGRAMS)
	@RDB_TEST_SEED=$${RDB_TEST_SEED:-1} BIN_DIR=$(abspath $(BUILD)/bin) RDB_UNIT_JOBS=1 tests/tools/run-unit $(PROOF_PROGRAMS)

# ---- fuzz targets: tests/fuzz/fuzz_<subject>.c; with a driver of our own for a bounded run, or with clang's fuzzer ------
FUZZ_SUBJECTS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
$(BUILD)/fuzz/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(BUILD)/obj/tests/fuzz/driver.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -pthread -o $@ $< $(BUILD)/obj/tests/fuzz/driver.o -Wl,--start-group $(ARCHIVES) -Wl,--end-group $(LIBRDB_EXTRA) $(LIBS) -lstdc++
$(BUILD)/fuzz/libfuzzer_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -fsanitize=fuzzer -pthread -o $@ $< -Wl,--start-group $(ARCHIVES) -Wl,--end-group $(LIBRDB_EXTRA) $(LIBS) -lstdc++
.PHONY: check-fuzz fuzz
check-fuzz: programs $(foreach subject,$(FUZZ_SUBJECTS),$(BUILD)/fuzz/fuzz_$(subject))
	@BIN_DIR=$(abspath $(BUILD)/bin) tests/tools/run-unit $(foreach subject,$(FUZZ_SUBJECTS),$(BUILD)/fuzz/fuzz_$(subject))
# Programs build-fuzz/fuzz/libfuzzer_*: run one with a directory of seeds (fuzz_<subject> --seeds DIRECTORY writes them).
fuzz:
	$(MAKE) BUILD=$(BUILD)-fuzz CC=clang CXX=clang++ SANITIZE='-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize=function,vptr' OPTIMISE='-O1 -g' \
		programs $(foreach subject,$(FUZZ_SUBJECTS),$(BUILD)-fuzz/fuzz/libfuzzer_$(subject))

# ---- what people and CI call ------------------------------------------------------------------------------------
.PHONY: coverage deps deps-test check-clients quickstart check check-pg check-sql check-slt check-isolation check-histories check-wire check-long bench format lint sanitize e2e check-rooms install
deps:
	@tests/tools/deps build
deps-test:
	@tests/tools/deps test

# The compilers may have come with deps, so the build runs in a make of its own.
quickstart: deps
	$(MAKE) -j$(shell nproc) programs
	@BIN_DIR=$(abspath $(BUILD)/bin) HOME_DIR=$(abspath $(BUILD))/quickstart examples/quickstart.sh

check-rooms:
	@tests/tools/check-rooms $(ROOMS)
e2e: programs
	@tests/tools/run-bats tests/e2e/*.bats
# Statement files against the output that PostgreSQL 15 printed for them; check-pg shows that it still prints it.
check-sql: programs
	@tests/tools/run-sql
# Files in sqllogictest's format; `tests/tools/run-slt --share FILE...` runs any others beside PostgreSQL.
check-slt: programs
	@tests/tools/run-slt
check-pg: programs
	@tests/tools/run-slt --peer
	@tests/tools/run-isolation --peer
	@tests/tools/run-sql --peer
	@tests/tools/run-sql
	@tests/tools/run-wire --peer
	@tests/tools/run-wire
	@tests/random/estimates
	@tests/random/queries --count 10000
	@tests/random/queries --count 10000 --seed 20242 --set enable_seqscan=off
	@tests/random/functions
# Histories of concurrent transactions with the server killed meanwhile, checked for what each level forbids.
check-histories: programs
	@tests/random/histories --self-test
	@tests/random/histories --transactions 3000 --kills 1
# Interleavings of sessions, step by step; `tests/tools/run-isolation --anomalies` prints the README's table.
check-isolation: programs
	@tests/tools/run-isolation
# Scripts of protocol messages against what PostgreSQL 15 sent back, byte by byte.
check-wire: programs
	@tests/tools/run-wire
# Everything that a change must pass, in one count.
check: deps-test
	@tests/tools/check

# Object mappers and migration tools, which are too long for check.
check-clients: programs
	@tests/tools/deps clients
	@tests/tools/run-bats tests/clients/*.bats
check-long: programs $(PROOF_PROGRAMS) $(BUILD)/unit/backup/test_repository $(BUILD)/unit/audit/test_tamper
	@BATS_TEST_TIMEOUT=$${BATS_TEST_TIMEOUT:-14400} tests/tools/run-bats tests/long/*.bats
bench: programs
	@tests/bench/run --markdown $(BUILD)/bench.md --svg $(BUILD)/bench.svg >$(BUILD)/bench.json
format:
	clang-format -i $(shell git ls-files 'libcommon/*.c' 'libcommon/*.h' 'bin/*.c' 'bin/*.h' 'tests/*.c' | grep -v '_keys.def')
lint:
	cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr --suppress=missingInclude --error-exitcode=1 -Ilibcommon libcommon bin
	$(MAKE) BUILD=$(BUILD)-clang CC=clang CXX=clang++ rooms programs
# Lines and branches of the rooms that keep the data, run by the unit tests of these rooms and those above, by the proofs, and by a server
# under the interleavings and the statement files.
COVERAGE_ROOMS := wal storage txn undo table index upkeep catalog
COVERAGE_BUILD := $(BUILD)-cov
coverage:
	$(MAKE) BUILD=$(COVERAGE_BUILD) OPTIMISE='-O0 -g' CFLAGS=-Wno-error=maybe-uninitialized SANITIZE=--coverage programs \
		$(foreach subject,$(PROOF_SUBJECTS),$(COVERAGE_BUILD)/proof/$(subject)) \
		$(patsubst $(BUILD)/unit/%,$(COVERAGE_BUILD)/unit/%,$(filter $(foreach room,$(COVERAGE_ROOMS),$(BUILD)/unit/$(room)/%),$(UNIT_PROGRAMS)))
	@find $(COVERAGE_BUILD) -name '*.gcda' -delete
	@RDB_CRASH_POINTS=60 RDB_FAULT_SECONDS=$${RDB_FAULT_SECONDS:-300} RDB_UNIT_TIMEOUT=1800 tests/tools/run-unit $(foreach subject,$(PROOF_SUBJECTS),$(COVERAGE_BUILD)/proof/$(subject)) \
		$(patsubst $(BUILD)/unit/%,$(COVERAGE_BUILD)/unit/%,$(filter $(foreach room,$(COVERAGE_ROOMS),$(BUILD)/unit/$(room)/%),$(UNIT_PROGRAMS)))
	@BIN_DIR=$(abspath $(COVERAGE_BUILD)/bin) tests/tools/run-isolation
	@BIN_DIR=$(abspath $(COVERAGE_BUILD)/bin) tests/tools/run-sql
	@tests/tools/coverage $(COVERAGE_BUILD)
	@sed 1d tests/coverage.md
sanitize:
	$(MAKE) BUILD=$(BUILD)-asan SANITIZE='-fsanitize=address,undefined' OPTIMISE='-O1 -g' unit

# A page's OPTIONS section comes from the program's own table.
install: programs completions
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
		$(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	install -m 0755 $(foreach program,$(PROGRAMS),$(BUILD)/bin/$(program)) $(DESTDIR)$(PREFIX)/bin
	install -m 0644 $(foreach program,$(PROGRAMS),$(BUILD)/share/bash/$(program)) $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 0644 $(foreach program,$(PROGRAMS),$(BUILD)/share/zsh/_$(program)) $(DESTDIR)$(PREFIX)/share/zsh/site-functions
	install -m 0644 $(foreach program,$(PROGRAMS),$(BUILD)/share/fish/$(program).fish) $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	for program in $(PROGRAMS); do \
		tests/tools/man-page man/$$program.1 $(BUILD)/share/man-options/$$program >$(DESTDIR)$(PREFIX)/share/man/man1/$$program.1 || exit 1; \
	done

# A Debian package, from a tree of its own below the build.
DEB_OUTPUT ?= $(BUILD)
.PHONY: deb
deb: programs completions
	@rm -rf $(BUILD)/deb
	@$(MAKE) -s install PREFIX=/usr DESTDIR=$(abspath $(BUILD))/deb >/dev/null
	@packaging/debian/build $(abspath $(BUILD))/deb $(DEB_OUTPUT)

.PHONY: clean
clean:
	rm -rf $(BUILD)

.SECONDARY:
-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
