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
LIBS += -licuuc -ltcl8.6
$(BUILD)/gen/type/types.inc: $(POSTGRES_BKI) libcommon/type/types.awk
	@mkdir -p $(@D)
	awk -f libcommon/type/types.awk $(POSTGRES_BKI) > $@.tmp && mv $@.tmp $@
$(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/unit/type/*.c)): $(BUILD)/gen/type/types.inc $(BUILD)/gen/type/proc_sources.inc
