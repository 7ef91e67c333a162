/* SPDX-License-Identifier: Apache-2.0
 * For who puts pages into files that nobody has open. */
#ifndef RDB_STORAGE_SALVAGE_H
#define RDB_STORAGE_SALVAGE_H

#include "storage/rdb_storage.h"

/* Makes a page's bytes pass rdb_page_verify at that place. */
void rdb_page_seal(void *page, rdb_page_tag tag, uint32_t page_bytes);

#endif
