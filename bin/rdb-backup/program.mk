# SPDX-License-Identifier: Apache-2.0
CFLAGS_rdb-backup := $(CFLAGS_backup)
