# SPDX-License-Identifier: Apache-2.0
# The built-in rows of PostgreSQL 15's system tables, read at build time from the distribution's own files (rule 42):
# share files -> builtin_gen -> one blob, linked into the room as read-only bytes.

CATALOG_SHARE := $(BUILD)/pgshare
CATALOG_GEN := $(BUILD)/gen/catalog
CATALOG_BLOB := $(CATALOG_GEN)/builtin.blob

$(CATALOG_SHARE)/postgres.bki: libcommon/catalog/gen/fetch-share
	libcommon/catalog/gen/fetch-share $(CATALOG_SHARE)

$(CATALOG_GEN)/builtin_gen: libcommon/catalog/gen/builtin_gen.c libcommon/catalog/builtin_format.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g $(WARNINGS) -D_GNU_SOURCE -Ilibcommon -o $@ $<

# Made makefiles are made first: so the header of columns is there before any room that includes it compiles.
CATALOG_INPUTS := $(CATALOG_SHARE)/postgres.bki $(CATALOG_GEN)/own.bki $(CATALOG_SHARE)/system_constraints.sql \
	$(CATALOG_SHARE)/system_functions.sql
$(CATALOG_GEN)/made.mk: $(CATALOG_GEN)/builtin_gen $(CATALOG_SHARE)/postgres.bki libcommon/catalog/gen/own.bki libcommon/catalog/gen/snowball.awk
	cp libcommon/catalog/gen/own.bki $(CATALOG_GEN)/own.bki
	awk -f libcommon/catalog/gen/snowball.awk $(CATALOG_SHARE)/snowball_create.sql >>$(CATALOG_GEN)/own.bki
	$(CATALOG_GEN)/builtin_gen $(CATALOG_INPUTS) $(CATALOG_BLOB) $(CATALOG_GEN)/columns.h
	@touch $@
$(CATALOG_BLOB): $(CATALOG_GEN)/made.mk
ifeq ($(filter clean,$(MAKECMDGOALS)),)
-include $(CATALOG_GEN)/made.mk
endif

$(BUILD)/obj/libcommon/catalog/builtin.o: $(CATALOG_BLOB)
$(BUILD)/obj/libcommon/catalog/script.o: $(CATALOG_SHARE)/postgres.bki
CFLAGS_catalog := -DCATALOG_BLOB_PATH='"$(CATALOG_BLOB)"' -DCATALOG_SHARE_PATH='"$(CATALOG_SHARE)"'
