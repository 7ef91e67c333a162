/* SPDX-License-Identifier: Apache-2.0
 * A page as bytes: its checksum and its place, made before each write and checked after each read. */
#include "storage/rdb_storage_salvage.h"
#include "storage_int.h"

#include <stdio.h>

uint32_t page_place_hash(rdb_page_tag tag)
{
    uint64_t place[2] = {tag.file, tag.block | (uint64_t)tag.fork << 56};
    uint64_t hash = rdb_hash64(place, sizeof place, 0);
    return (uint32_t)(hash ^ hash >> 32);
}

bool page_is_zero(const rdb_page *page, uint32_t page_bytes)
{
    const uint64_t *words = (const uint64_t *)(const void *)page;
    for (uint32_t i = 0; i < page_bytes / 8; i++) {
        if (words[i] != 0)
            return false;
    }
    return true;
}

/* settled_scn may be stored by another holder of the shared latch while the bytes are copied (R7). The store and the load of
 * eight aligned bytes are single on every machine this builds for; the thread sanitizer is told so by atomic loads. */
void page_copy(void *target, const rdb_page *page, uint32_t page_bytes)
{
#if defined(__SANITIZE_THREAD__)
#define PAGE_COPY_BY_WORDS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PAGE_COPY_BY_WORDS 1
#endif
#endif
#ifdef PAGE_COPY_BY_WORDS
    const uint64_t *from = (const uint64_t *)(const void *)page;
    uint64_t *to = target;
    for (uint32_t i = 0; i < page_bytes / 8; i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
#else
    memcpy(target, page, page_bytes);
#endif
}

void page_stamp(rdb_page *page, rdb_page_tag tag, uint32_t page_bytes)
{
    page->version = 1;
    page->place_hash = page_place_hash(tag);
    page->crc = rdb_crc32c(0, (const uint8_t *)page + 4, page_bytes - 4);
}

bool page_verify(const rdb_page *page, rdb_page_tag tag, uint32_t page_bytes, const char **what)
{
    uint32_t crc = rdb_crc32c(0, (const uint8_t *)page + 4, page_bytes - 4);
    *what = NULL;
    if (crc != page->crc) {
        if (page->crc == 0 && page_is_zero(page, page_bytes))
            return true;
        *what = "Its checksum does not match";
    } else if (page->version != 1) {
        *what = "Its format version is unknown";
    } else if (page->place_hash != page_place_hash(tag)) {
        *what = "It was written for another place";
    } else if (page->key_epoch != 0) {
        *what = "It is encrypted, and its key is not at hand";
    }
    return *what == NULL;
}

void rdb_page_seal(void *page, rdb_page_tag tag, uint32_t page_bytes)
{
    page_stamp(page, tag, page_bytes);
}

bool rdb_page_verify(const void *page, rdb_page_tag tag, uint32_t page_bytes, const char **what)
{
    return page_verify(page, tag, page_bytes, what);
}

void storage_tag_name(char name[96], rdb_page_tag tag)
{
    static const char *const folders[] = {"?", "tables", "indexes", "undo", "xact"};
    unsigned file_class = RDB_FILE_CLASS(tag.file);
    snprintf(name, 96, "%s/%u/%llu%s", folders[file_class < RDB_COUNT_OF(folders) ? file_class : 0], tag.pdb,
             (unsigned long long)(tag.file & ((UINT64_C(1) << 56) - 1)), tag.fork == RDB_FORK_SPACE ? ".space" : "");
}
