/* SPDX-License-Identifier: Apache-2.0
 * A tree page as bytes: searching and changing it. What always holds: no offset or length taken from a page is used
 * before it was held against the page's size, because a reader without a latch may see it torn and a damaged one must
 * be told from a sound one without a crash. */
#include "index/btree_page.h"

static const uint8_t CELL_HEAD[16] = {1, 9, 7, 15, 3, 11, 9, 17, 11, 19, 17, 25, 13, 21, 19, 27};
_Static_assert(BTREE_CELL_HEAD_MAX == 27, "the table above ends with it");

static uint64_t get_u48(const uint8_t *at)
{
    return (uint64_t)rdb_get_u32(at) | (uint64_t)rdb_get_u16(at + 4) << 32;
}

static void put_u48(uint8_t *at, uint64_t value)
{
    rdb_put_u32(at, (uint32_t)value);
    rdb_put_u16(at + 4, (uint16_t)(value >> 32));
}

uint32_t btree_inline_max(uint32_t page_bytes)
{
    return (page_bytes - BTREE_SLOTS_AT) / 5 - (uint32_t)sizeof(btree_slot) - BTREE_CELL_HEAD_MAX;
}

bool btree_cell_decode(const btree_page *page, uint32_t page_bytes, uint32_t offset, uint32_t key_bytes, btree_cell *cell)
{
    const uint8_t *bytes = (const uint8_t *)page;
    if (offset < BTREE_SLOTS_AT || offset >= page_bytes)
        return false;
    const uint8_t *at = bytes + offset;
    uint8_t flags = __atomic_load_n(at, __ATOMIC_RELAXED);
    uint32_t head = CELL_HEAD[flags & BTREE_CELL_FLAGS];
    if (flags > BTREE_CELL_FLAGS || offset + head + key_bytes > page_bytes)
        return false;
    at++;
    cell->flags = flags;
    cell->key_bytes = cell->whole_key_bytes = (uint16_t)key_bytes;
    cell->address = cell->child = cell->overflow = 0;
    cell->payload_bytes = 0;
    cell->payload = NULL;
    if ((flags & BTREE_CELL_ADDRESS) != 0) {
        cell->address = rdb_get_u64(at);
        at += 8;
    }
    if ((flags & BTREE_CELL_CHILD) != 0) {
        cell->child = get_u48(at);
        at += 6;
    }
    uint32_t payload_bytes = 0;
    if ((flags & BTREE_CELL_PAYLOAD) != 0) {
        payload_bytes = rdb_get_u16(at);
        cell->payload_bytes = (uint16_t)payload_bytes;
        at += 2;
    }
    if ((flags & BTREE_CELL_OVERFLOW) != 0) {
        if (payload_bytes != 0)
            return false;
        cell->overflow = get_u48(at);
        uint32_t whole = rdb_get_u16(at + 6);
        cell->payload_bytes = rdb_get_u16(at + 8);
        if (whole < key_bytes)
            return false;
        cell->whole_key_bytes = (uint16_t)whole;
        at += 10;
    }
    cell->key = at;
    if (payload_bytes > 0) {
        if ((uint32_t)(at - bytes) + key_bytes + payload_bytes > page_bytes)
            return false;
        cell->payload = at + key_bytes;
    }
    return true;
}

static btree_slot load_slot(const btree_page *page, uint32_t slot_no)
{
    /* One load: what was checked is what is used, whoever writes meanwhile. */
    uint64_t word = __atomic_load_n((const uint64_t *)(const void *)&page->slots[slot_no], __ATOMIC_RELAXED);
    return (btree_slot){.head = (uint32_t)word, .offset = (uint16_t)(word >> 32), .key_bytes = (uint16_t)(word >> 48)};
}

bool btree_slot_decode(const btree_page *page, uint32_t page_bytes, uint32_t slot_no, btree_cell *cell)
{
    if (BTREE_SLOTS_AT + (slot_no + 1) * sizeof(btree_slot) > page_bytes)
        return false;
    btree_slot slot = load_slot(page, slot_no);
    return btree_cell_decode(page, page_bytes, slot.offset, slot.key_bytes, cell);
}

uint32_t btree_cell_bytes(const btree_cell *cell)
{
    return CELL_HEAD[cell->flags & BTREE_CELL_FLAGS] + cell->key_bytes +
           ((cell->flags & BTREE_CELL_PAYLOAD) != 0 ? cell->payload_bytes : 0u);
}

uint32_t btree_cell_encode(const btree_cell *cell, uint8_t *target)
{
    uint8_t *at = target;
    *at++ = cell->flags;
    if ((cell->flags & BTREE_CELL_ADDRESS) != 0) {
        rdb_put_u64(at, cell->address);
        at += 8;
    }
    if ((cell->flags & BTREE_CELL_CHILD) != 0) {
        put_u48(at, cell->child);
        at += 6;
    }
    if ((cell->flags & BTREE_CELL_PAYLOAD) != 0) {
        rdb_put_u16(at, cell->payload_bytes);
        at += 2;
    }
    if ((cell->flags & BTREE_CELL_OVERFLOW) != 0) {
        put_u48(at, cell->overflow);
        rdb_put_u16(at + 6, cell->whole_key_bytes);
        rdb_put_u16(at + 8, cell->payload_bytes);
        at += 10;
    }
    if (cell->key_bytes > 0)
        memcpy(at, cell->key, cell->key_bytes);
    at += cell->key_bytes;
    if ((cell->flags & BTREE_CELL_PAYLOAD) != 0 && cell->payload_bytes > 0) {
        memcpy(at, cell->payload, cell->payload_bytes);
        at += cell->payload_bytes;
    }
    return (uint32_t)(at - target);
}

/* ---- order ---------------------------------------------------------------------------------------------------------------- */
btree_answer btree_compare(const btree_probe *probe, const btree_cell *cell, uint32_t skip, btree_fetcher *fetcher, int *order)
{
    uint32_t inline_bytes = cell->key_bytes, both = RDB_MIN(probe->length, inline_bytes);
    if (both > skip) {
        *order = memcmp(probe->key + skip, cell->key + skip, both - skip);
        if (*order != 0)
            return BTREE_OK;
    }
    uint32_t whole_bytes = cell->whole_key_bytes;
    if (probe->length > inline_bytes && whole_bytes > inline_bytes) {
        const uint8_t *whole;
        uint32_t key_bytes, payload_bytes;
        if (fetcher == NULL || fetcher->fetch == NULL)
            return BTREE_LATCH;
        if (!fetcher->fetch(fetcher, cell->overflow, &whole, &key_bytes, &payload_bytes, fetcher->err))
            return BTREE_FAILED;
        if (key_bytes != whole_bytes)
            return BTREE_TORN;
        both = RDB_MIN(probe->length, whole_bytes);
        *order = memcmp(probe->key + inline_bytes, whole + inline_bytes, both - inline_bytes);
        if (*order != 0)
            return BTREE_OK;
    }
    if (probe->length > whole_bytes || probe->after_prefix)
        *order = 1;
    else if (probe->length < whole_bytes)
        *order = -1;
    else
        *order = probe->address < cell->address ? -1 : probe->address > cell->address;
    return BTREE_OK;
}

static uint32_t head_of(const uint8_t *key, uint32_t length, uint32_t prefix)
{
    if (length >= prefix + 4) {
        uint32_t head;
        memcpy(&head, key + prefix, sizeof head);
        return __builtin_bswap32(head);
    }
    uint32_t head = 0;
    for (uint32_t i = 0; i < 4; i++)
        head = head << 8 | (prefix + i < length ? key[prefix + i] : 0u);
    return head;
}

btree_answer btree_page_search(const btree_page *page, uint32_t page_bytes, const btree_probe *probe, btree_fetcher *fetcher,
                               uint32_t *slot_no, bool *equal)
{
    uint32_t count = btree_page_count(page, page_bytes);
    uint32_t prefix = __atomic_load_n(&page->prefix, __ATOMIC_RELAXED);
    const uint32_t first = __atomic_load_n(&page->level, __ATOMIC_RELAXED) > 0 ? 1 : 0;
    uint32_t low = first, high = count;
    btree_cell cell;
    int order = 0;
    *equal = false;
    *slot_no = low;
    if (low >= high)
        return BTREE_OK;
    uint32_t head = head_of(probe->key, probe->length, prefix);
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        btree_slot slot = load_slot(page, middle);
        bool before; /* the slot is before the probe */
        /* An equal head may hide anything behind it, and with after_prefix a probe shorter than the head is no less. */
        if (slot.head < head) {
            before = true;
        } else if (slot.head > head && !(probe->after_prefix && probe->length < prefix + 4)) {
            before = false;
        } else {
            if (!btree_cell_decode(page, page_bytes, slot.offset, slot.key_bytes, &cell) || cell.key_bytes < prefix)
                return BTREE_TORN;
            btree_answer answer = btree_compare(probe, &cell, prefix, fetcher, &order);
            if (answer != BTREE_OK)
                return answer;
            if (order == 0) {
                low = middle;
                *equal = true;
                break;
            }
            before = order > 0;
        }
        if (before)
            low = middle + 1;
        else
            high = middle;
    }
    *slot_no = low;
    if (prefix == 0)
        return BTREE_OK;
    /* So far the probe was taken to begin as all keys do. Whether it does, any key tells: the one before the place is
     * touched next anyway. */
    if (!btree_slot_decode(page, page_bytes, *equal || low == first ? low : low - 1, &cell) || cell.key_bytes < prefix)
        return BTREE_TORN;
    order = memcmp(probe->key, cell.key, RDB_MIN(probe->length, prefix));
    if (order == 0 && probe->length < prefix)
        order = probe->after_prefix ? 1 : -1;
    if (order != 0) {
        *slot_no = order < 0 ? first : count;
        *equal = false;
    }
    return BTREE_OK;
}

btree_answer btree_page_compare_high(const btree_page *page, uint32_t page_bytes, const btree_probe *probe, btree_fetcher *fetcher,
                                     int *order)
{
    uint32_t offset = __atomic_load_n(&page->high_offset, __ATOMIC_RELAXED);
    uint32_t key_bytes = __atomic_load_n(&page->high_key_bytes, __ATOMIC_RELAXED);
    btree_cell cell;
    *order = -1;
    if (offset == 0)
        return BTREE_OK;
    if (!btree_cell_decode(page, page_bytes, offset, key_bytes, &cell))
        return BTREE_TORN;
    return btree_compare(probe, &cell, 0, fetcher, order);
}

/* ---- changes ------------------------------------------------------------------------------------------------------------------ */
/* The page's own numbers agree with each other, so that what follows may rely on them. */
static bool is_sane(const btree_page *page, uint32_t page_bytes)
{
    return page->base.type == RDB_PAGE_BTREE && page_bytes <= BTREE_PAGE_BYTES_MAX &&
           page->base.lower == BTREE_SLOTS_AT + page->count * sizeof(btree_slot) && page->base.lower <= page->base.upper &&
           page->base.upper <= page_bytes && page->garbage <= page_bytes - page->base.upper;
}

static uint32_t common_bytes(const btree_cell *a, const btree_cell *b)
{
    uint32_t both = RDB_MIN(RDB_MIN(a->key_bytes, b->key_bytes), BTREE_PREFIX_MAX), i = 0;
    while (i < both && a->key[i] == b->key[i])
        i++;
    return i;
}

/* Sets the prefix to what the first and the last key share (so all do) and makes the heads anew. */
static bool set_prefix(btree_page *page, uint32_t page_bytes, bool only_if_needed)
{
    uint32_t first = page->level > 0 ? 1 : 0, prefix = 0;
    btree_cell a, b;
    if (page->count > first + 1) {
        if (!btree_slot_decode(page, page_bytes, first, &a) || !btree_slot_decode(page, page_bytes, page->count - 1u, &b))
            return false;
        prefix = common_bytes(&a, &b);
    }
    if (only_if_needed && prefix >= page->prefix && (page->count & (page->count - 1)) != 0)
        return true;
    if (only_if_needed && prefix == page->prefix)
        return true;
    page->prefix = (uint16_t)prefix;
    for (uint32_t i = 0; i < page->count; i++) {
        if (!btree_slot_decode(page, page_bytes, i, &a))
            return false;
        page->slots[i].head = head_of(a.key, a.key_bytes, prefix);
    }
    return true;
}

/* Puts a cell below upper; the caller has seen to the room. */
static uint16_t put_cell(btree_page *page, const uint8_t *cell, uint32_t cell_bytes)
{
    page->base.upper = (uint16_t)(page->base.upper - cell_bytes);
    memcpy((uint8_t *)page + page->base.upper, cell, cell_bytes);
    return page->base.upper;
}

/* Lays the first slots and the high key out anew, without dead cells. */
static bool tidy(btree_page *page, uint32_t page_bytes, uint32_t keep, bool keep_high)
{
    uint64_t copy_words[BTREE_PAGE_BYTES_MAX / 8];
    memcpy(copy_words, page, page_bytes);
    const btree_page *old = (const btree_page *)(const void *)copy_words;
    page->base.upper = (uint16_t)page_bytes; /* 32 KiB pages: 32768 fits */
    page->garbage = 0;
    page->count = (uint16_t)keep;
    page->base.lower = (uint16_t)(BTREE_SLOTS_AT + keep * sizeof(btree_slot));
    btree_cell cell;
    for (uint32_t i = 0; i <= keep; i++) {
        bool is_high = i == keep;
        if (is_high && (!keep_high || old->high_offset == 0))
            break;
        uint32_t offset = is_high ? old->high_offset : old->slots[i].offset;
        uint32_t key_bytes = is_high ? old->high_key_bytes : old->slots[i].key_bytes;
        if (!btree_cell_decode(old, page_bytes, offset, key_bytes, &cell))
            return false;
        uint32_t cell_bytes = btree_cell_bytes(&cell);
        if (cell_bytes > (uint32_t)(page->base.upper - page->base.lower))
            return false;
        uint16_t at = put_cell(page, (const uint8_t *)old + offset, cell_bytes);
        if (is_high)
            page->high_offset = at;
        else
            page->slots[i].offset = at;
    }
    return true;
}

bool btree_page_insert(btree_page *page, uint32_t page_bytes, uint32_t slot_no, uint32_t key_bytes, const uint8_t *cell,
                       uint32_t cell_bytes)
{
    if (!is_sane(page, page_bytes) || slot_no > page->count || (page->level > 0 && slot_no == 0) || cell_bytes == 0 ||
        cell[0] > BTREE_CELL_FLAGS || cell_bytes < CELL_HEAD[cell[0]] + key_bytes || !btree_page_fits(page, cell_bytes))
        return false;
    if (cell_bytes + sizeof(btree_slot) > (uint32_t)(page->base.upper - page->base.lower) &&
        !tidy(page, page_bytes, page->count, true))
        return false;
    if (cell_bytes + sizeof(btree_slot) > (uint32_t)(page->base.upper - page->base.lower))
        return false;
    memmove(&page->slots[slot_no + 1], &page->slots[slot_no], (page->count - slot_no) * sizeof(btree_slot));
    page->count++;
    page->base.lower = (uint16_t)(page->base.lower + sizeof(btree_slot));
    uint16_t offset = put_cell(page, cell, cell_bytes);
    page->slots[slot_no] = (btree_slot){.offset = offset, .key_bytes = (uint16_t)key_bytes};
    btree_cell decoded;
    if (!btree_slot_decode(page, page_bytes, slot_no, &decoded) || btree_cell_bytes(&decoded) != cell_bytes)
        return false;
    page->slots[slot_no].head = head_of(decoded.key, key_bytes, page->prefix);
    return set_prefix(page, page_bytes, true);
}

bool btree_page_remove(btree_page *page, uint32_t page_bytes, uint32_t slot_no)
{
    btree_cell cell;
    if (!is_sane(page, page_bytes) || slot_no >= page->count || !btree_slot_decode(page, page_bytes, slot_no, &cell))
        return false;
    page->garbage = (uint16_t)(page->garbage + btree_cell_bytes(&cell));
    memmove(&page->slots[slot_no], &page->slots[slot_no + 1], (page->count - slot_no - 1u) * sizeof(btree_slot));
    page->count--;
    page->base.lower = (uint16_t)(page->base.lower - sizeof(btree_slot));
    return true; /* what all keys shared, the rest share */
}

bool btree_page_set_child(btree_page *page, uint32_t page_bytes, uint32_t slot_no, uint64_t child)
{
    btree_cell cell;
    if (!is_sane(page, page_bytes) || slot_no >= page->count || !btree_slot_decode(page, page_bytes, slot_no, &cell) ||
        (cell.flags & BTREE_CELL_CHILD) == 0)
        return false;
    put_u48((uint8_t *)page + page->slots[slot_no].offset + ((cell.flags & BTREE_CELL_ADDRESS) != 0 ? 9 : 1), child);
    return true;
}

bool btree_page_keep(btree_page *page, uint32_t page_bytes, uint32_t keep, uint64_t right, uint32_t high_key_bytes,
                     const uint8_t *high_cell, uint32_t high_cell_bytes)
{
    if (!is_sane(page, page_bytes) || keep > page->count || high_cell_bytes == 0 || !tidy(page, page_bytes, keep, false) ||
        high_cell_bytes > (uint32_t)(page->base.upper - page->base.lower))
        return false;
    page->right = right;
    page->high_key_bytes = (uint16_t)high_key_bytes;
    page->high_offset = put_cell(page, high_cell, high_cell_bytes);
    btree_cell cell;
    return btree_cell_decode(page, page_bytes, page->high_offset, high_key_bytes, &cell) &&
           btree_cell_bytes(&cell) == high_cell_bytes && set_prefix(page, page_bytes, false);
}

/* ---- whole pages ---------------------------------------------------------------------------------------------------------------- */
void btree_content_begin(btree_content *content, uint8_t *bytes, uint32_t page_bytes, uint16_t level)
{
    *content = (btree_content){.bytes = bytes, .length = BTREE_CONTENT_HEAD, .page_used = BTREE_SLOTS_AT, .page_bytes = page_bytes};
    memset(bytes, 0, BTREE_CONTENT_HEAD);
    rdb_put_u16(bytes, level);
}

void btree_content_set_high(btree_content *content, const btree_cell *high)
{
    uint32_t bytes = btree_cell_encode(high, content->bytes + content->length);
    rdb_put_u16(content->bytes + 6, high->key_bytes);
    rdb_put_u16(content->bytes + 8, (uint16_t)bytes);
    content->length += bytes;
    content->page_used += bytes;
}

void btree_content_set_right(btree_content *content, uint64_t right)
{
    rdb_put_u64(content->bytes + 12, right);
}

bool btree_content_add(btree_content *content, const btree_cell *cell)
{
    uint32_t cell_bytes = btree_cell_bytes(cell);
    if (content->page_used + cell_bytes + sizeof(btree_slot) > content->page_bytes)
        return false;
    uint8_t *at = content->bytes + content->length;
    rdb_put_u16(at, cell->key_bytes);
    rdb_put_u16(at + 2, (uint16_t)cell_bytes);
    btree_cell_encode(cell, at + 4);
    content->length += 4 + cell_bytes;
    content->page_used += cell_bytes + (uint32_t)sizeof(btree_slot);
    rdb_put_u16(content->bytes + 4, (uint16_t)(rdb_get_u16(content->bytes + 4) + 1));
    return true;
}

uint16_t btree_content_count(const btree_content *content)
{
    return rdb_get_u16(content->bytes + 4);
}

bool btree_page_build(btree_page *page, uint32_t page_bytes, const uint8_t *content, uint32_t content_bytes)
{
    if (content_bytes < BTREE_CONTENT_HEAD || page_bytes > BTREE_PAGE_BYTES_MAX)
        return false;
    uint32_t count = rdb_get_u16(content + 4), high_key_bytes = rdb_get_u16(content + 6), high_bytes = rdb_get_u16(content + 8);
    uint32_t lower = BTREE_SLOTS_AT + count * (uint32_t)sizeof(btree_slot), at = BTREE_CONTENT_HEAD;
    if (lower > page_bytes || high_bytes > content_bytes - at || high_bytes > page_bytes - lower)
        return false;
    page->base.type = RDB_PAGE_BTREE;
    page->base.flags = rdb_get_u16(content + 2);
    page->base.lower = (uint16_t)lower;
    page->base.upper = (uint16_t)page_bytes;
    page->level = rdb_get_u16(content);
    page->count = (uint16_t)count;
    page->prefix = page->garbage = 0;
    page->zero = 0;
    page->right = rdb_get_u64(content + 12);
    page->high_offset = page->high_key_bytes = 0;
    btree_cell cell;
    if (high_bytes > 0) {
        page->high_offset = put_cell(page, content + at, high_bytes);
        page->high_key_bytes = (uint16_t)high_key_bytes;
        if (!btree_cell_decode(page, page_bytes, page->high_offset, high_key_bytes, &cell) || btree_cell_bytes(&cell) != high_bytes)
            return false;
        at += high_bytes;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (content_bytes - at < 4)
            return false;
        uint32_t key_bytes = rdb_get_u16(content + at), cell_bytes = rdb_get_u16(content + at + 2);
        at += 4;
        if (cell_bytes == 0 || cell_bytes > content_bytes - at || cell_bytes > (uint32_t)(page->base.upper - lower))
            return false;
        page->slots[i] = (btree_slot){.offset = put_cell(page, content + at, cell_bytes), .key_bytes = (uint16_t)key_bytes};
        if (!btree_slot_decode(page, page_bytes, i, &cell) || btree_cell_bytes(&cell) != cell_bytes)
            return false;
        at += cell_bytes;
    }
    return at == content_bytes && set_prefix(page, page_bytes, false);
}
