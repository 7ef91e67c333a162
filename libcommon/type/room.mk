# The functions PostgreSQL 15 builds in, by the name of their source: kernels register under that name.
POSTGRES_BKI ?= $(BUILD)/pgshare/postgres.bki
$(BUILD)/gen/type/proc_sources.inc: $(POSTGRES_BKI) libcommon/type/proc_sources.awk
	@mkdir -p $(@D)
	awk -f libcommon/type/proc_sources.awk $(POSTGRES_BKI) | LC_ALL=C sort > $@.tmp && mv $@.tmp $@
$(BUILD)/gen/type/io_procs.inc: $(POSTGRES_BKI) libcommon/type/io_procs.awk
	@mkdir -p $(@D)
	awk -f libcommon/type/io_procs.awk $(POSTGRES_BKI) > $@.tmp && mv $@.tmp $@
$(BUILD)/obj/libcommon/type/registry.o: $(BUILD)/gen/type/proc_sources.inc $(BUILD)/gen/type/io_procs.inc
CFLAGS_type += -O3
LIBS += -licui18n -licuuc -ltcl8.6 -lstemmer -lcrypt
$(BUILD)/gen/type/types.inc: $(POSTGRES_BKI) libcommon/type/types.awk
	@mkdir -p $(@D)
	awk -f libcommon/type/types.awk $(POSTGRES_BKI) > $@.tmp && mv $@.tmp $@
$(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/unit/type/*.c) tests/fuzz/fuzz_types.c): $(BUILD)/gen/type/types.inc $(BUILD)/gen/type/proc_sources.inc

# Which built-in functions of PostgreSQL have no implementation yet; the README's count comes from here.
$(BUILD)/tools/list_functions: tests/tools/list_functions.c $(ARCHIVES)
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS_ALL) -o $@ $< -Wl,--start-group $(foreach room,$(ROOMS),$(BUILD)/rooms/$(room).a) -Wl,--end-group $(LIBRDB_EXTRA) $(LIBS) -lstdc++
.PHONY: missing-functions
missing-functions: rooms $(BUILD)/tools/list_functions
	@tests/tools/missing-functions $(BUILD)/tools/list_functions $(POSTGRES_BKI)
	@echo "implemented: $$(tests/tools/missing-functions $(BUILD)/tools/list_functions $(POSTGRES_BKI) --count)"

# The files of text search's dictionaries that come with PostgreSQL (stop words, samples), linked as they are.
TS_FILES := $(BUILD)/pgshare/tsearch_data
$(BUILD)/gen/type/ts_files.inc: $(POSTGRES_BKI)
	@mkdir -p $(@D)
	cd $(TS_FILES) && for file in *; do echo "TS_FILE($${file//./_}, \"$$file\")"; done > $(abspath $@).tmp && mv $(abspath $@).tmp $(abspath $@)
$(BUILD)/obj/libcommon/type/ts_dict.o: $(BUILD)/gen/type/ts_files.inc
$(BUILD)/obj/libcommon/type/ts_dict.o: CFLAGS_type += -DTS_FILES_PATH='"$(TS_FILES)"'
