# SPDX-License-Identifier: Apache-2.0
CFLAGS_rdb-restore := $(CFLAGS_backup)
