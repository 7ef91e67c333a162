/* SPDX-License-Identifier: Apache-2.0
 * Pages of the undo store in place of damaged ones. */
#ifndef RDB_UNDO_SALVAGE_H
#define RDB_UNDO_SALVAGE_H

#include "undo/rdb_undo.h"

/* In place of a damaged page, in a copy that only salvage reads: the PDB's meta page (file 0, block 0), else nothing: records that stood
 * there are answered with XX001. */
void rdb_undo_mend_page(uint8_t *page, uint32_t page_bytes, bool is_meta);

#endif
