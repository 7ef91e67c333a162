/* SPDX-License-Identifier: Apache-2.0
 * CRC32C. On x86-64 with SSE 4.2 three streams run at once, because the instruction takes three cycles but starts one
 * each cycle; the three results are joined by multiplying with x^(8 * length), which for a fixed length is four table
 * look-ups (the register is linear in each of its bytes). Elsewhere: slicing by eight with tables.
 * The choice is made and the tables are built before main, so that the path has no once-check. */
#include "base/rdb_base.h"

#define POLYNOMIAL UINT32_C(0x82F63B78) /* reflected */
#define LONG_BYTES 1344                 /* a third of a 4 KiB page, nearly */
#define SHORT_BYTES 168

static uint32_t slice_table[8][256];

static uint32_t crc_portable(uint32_t crc, const uint8_t *at, size_t length)
{
    while (length >= 8) {
        uint64_t word = rdb_get_u64(at) ^ crc;
        crc = 0;
        for (int byte_no = 0; byte_no < 8; byte_no++)
            crc ^= slice_table[7 - byte_no][(word >> (8 * byte_no)) & 0xFF];
        at += 8;
        length -= 8;
    }
    while (length-- > 0)
        crc = (crc >> 8) ^ slice_table[0][(crc ^ *at++) & 0xFF];
    return crc;
}

static void build_slice_table(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? POLYNOMIAL : 0);
        slice_table[0][byte] = crc;
    }
    for (uint32_t byte = 0; byte < 256; byte++)
        for (int slice = 1; slice < 8; slice++) {
            uint32_t crc = slice_table[slice - 1][byte];
            slice_table[slice][byte] = (crc >> 8) ^ slice_table[0][crc & 0xFF];
        }
}

#if defined(__x86_64__)
static uint32_t long_shift[4][256], short_shift[4][256];
static bool have_sse42;

/* shift[i][b]: the register (b << 8 i) after length zero bytes. */
static void build_shift_table(uint32_t shift[4][256], size_t length)
{
    static const uint8_t zeroes[LONG_BYTES];
    for (int byte_no = 0; byte_no < 4; byte_no++)
        for (uint32_t byte = 0; byte < 256; byte++)
            shift[byte_no][byte] = crc_portable(byte << (8 * byte_no), zeroes, length);
}

static inline uint32_t shift_crc(uint32_t shift[4][256], uint64_t crc)
{
    return shift[0][crc & 0xFF] ^ shift[1][(crc >> 8) & 0xFF] ^ shift[2][(crc >> 16) & 0xFF] ^ shift[3][(crc >> 24) & 0xFF];
}

#define THREE_STREAMS(bytes, shift)                                                             \
    while (length >= 3 * (bytes)) {                                                             \
        uint64_t second = 0, third = 0;                                                         \
        for (const uint8_t *end = at + (bytes); at < end; at += 8) {                            \
            crc = __builtin_ia32_crc32di(crc, rdb_get_u64(at));                                 \
            second = __builtin_ia32_crc32di(second, rdb_get_u64(at + (bytes)));                 \
            third = __builtin_ia32_crc32di(third, rdb_get_u64(at + 2 * (bytes)));               \
        }                                                                                       \
        crc = shift_crc(shift, crc) ^ second;                                                   \
        crc = shift_crc(shift, crc) ^ third;                                                    \
        at += 2 * (bytes);                                                                      \
        length -= 3 * (bytes);                                                                  \
    }

__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint32_t start, const uint8_t *at, size_t length)
{
    uint64_t crc = start;
    THREE_STREAMS(LONG_BYTES, long_shift)
    THREE_STREAMS(SHORT_BYTES, short_shift)
    while (length >= 8) {
        crc = __builtin_ia32_crc32di(crc, rdb_get_u64(at));
        at += 8;
        length -= 8;
    }
    uint32_t last = (uint32_t)crc;
    while (length-- > 0)
        last = __builtin_ia32_crc32qi(last, *at++);
    return last;
}
#endif

__attribute__((constructor)) static void prepare_tables(void)
{
    build_slice_table();
#if defined(__x86_64__)
    __builtin_cpu_init();
    have_sse42 = __builtin_cpu_supports("sse4.2") != 0;
    build_shift_table(long_shift, LONG_BYTES);
    build_shift_table(short_shift, SHORT_BYTES);
#endif
}

uint32_t rdb_crc32c_portable(uint32_t seed, const void *bytes, size_t length)
{
    return ~crc_portable(~seed, bytes, length);
}

uint32_t rdb_crc32c(uint32_t seed, const void *bytes, size_t length)
{
#if defined(__x86_64__)
    if (have_sse42)
        return ~crc_sse42(~seed, bytes, length);
#endif
    return ~crc_portable(~seed, bytes, length);
}
