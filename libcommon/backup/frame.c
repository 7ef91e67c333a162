/* SPDX-License-Identifier: Apache-2.0
 * Standard frames of four kinds. zstd and lz4 frames carry checksums of their content; snappy's framing format
 * (google/snappy, framing_format.txt) is chunks of at most 64 KiB with a masked CRC32C each:
 *   ff 06 00 00 "sNaPpY"                            the stream begins
 *   00|01  length 3  crc 4  bytes                   compressed | as they are; length counts the crc */
#include "backup/backup_int.h"

#include <lz4frame.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <zstd.h>

#define CHUNK_BYTES (UINT32_C(64) << 10)
#define STEP_BYTES (size_t)(256u << 10) /* what one step of a decoder gives out */
static const uint8_t SNAPPY_BEGIN[10] = {0xff, 6, 0, 0, 's', 'N', 'a', 'P', 'p', 'Y'};

const char *const RDB_COMPRESSIONS[] = {"none", "lz4", "zstd", "snappy", NULL};

struct backup_frame {
    rdb_compression compression;
    int level;
    rdb_strbuf *target;
    ZSTD_CCtx *zstd;
    LZ4F_cctx *lz4;
    uint8_t *chunk; /* snappy: what waits for its chunk to be full */
    uint32_t chunk_length;
    bool has_begun;
};

struct backup_unframe {
    rdb_compression compression;
    const uint8_t *at;
    size_t left;
    ZSTD_DCtx *zstd;
    LZ4F_dctx *lz4;
    uint8_t *out;
    bool is_done;
};

const char *backup_frame_extension(rdb_compression compression)
{
    static const char *const extensions[] = {"", ".lz4", ".zst", ".sz"};
    return extensions[compression];
}

bool rdb_compression_parse(const char *text, rdb_compression *compression, int *level, rdb_error *err)
{
    size_t length = strcspn(text, ":");
    *level = 0;
    for (int i = 0; RDB_COMPRESSIONS[i] != NULL; i++) {
        if (strlen(RDB_COMPRESSIONS[i]) != length || memcmp(RDB_COMPRESSIONS[i], text, length) != 0)
            continue;
        *compression = (rdb_compression)i;
        if (text[length] == '\0')
            return true;
        char *end;
        long wanted = strtol(text + length + 1, &end, 10);
        long most = i == RDB_COMPRESS_ZSTD ? 19 : i == RDB_COMPRESS_LZ4 ? 12 : 0;
        if (end != text + length + 1 && *end == '\0' && wanted >= 1 && wanted <= most) {
            *level = (int)wanted;
            return true;
        }
        rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid compression level: \"%s\"", text);
        return rdb_error_hint(err, "zstd takes levels from 1 to 19, lz4 from 1 to 12; none and snappy take none.");
    }
    rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "unknown compression \"%s\"", text);
    return rdb_error_hint(err, "Use none, lz4, zstd or snappy; zstd:9 names a level.");
}

static bool no_memory(rdb_error *err)
{
    return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
}

static bool codec_failed(const char *codec, const char *why, rdb_error *err)
{
    rdb_error_set(err, RDB_INTERNAL_ERROR, "%s failed", codec);
    return rdb_error_detail(err, "%s.", why);
}

bool backup_frame_create(backup_frame **frame, rdb_compression compression, int level, rdb_strbuf *target, rdb_error *err)
{
    backup_frame *f = *frame = calloc(1, sizeof *f);
    if (f == NULL)
        return no_memory(err);
    f->compression = compression;
    f->level = level;
    f->target = target;
    switch (compression) {
    case RDB_COMPRESS_ZSTD:
        f->zstd = ZSTD_createCCtx();
        if (f->zstd == NULL)
            break;
        ZSTD_CCtx_setParameter(f->zstd, ZSTD_c_compressionLevel, level != 0 ? level : 1);
        ZSTD_CCtx_setParameter(f->zstd, ZSTD_c_checksumFlag, 1);
        return true;
    case RDB_COMPRESS_LZ4:
        if (LZ4F_isError(LZ4F_createCompressionContext(&f->lz4, LZ4F_VERSION)))
            break;
        return true;
    case RDB_COMPRESS_SNAPPY:
        f->chunk = malloc(CHUNK_BYTES);
        if (f->chunk == NULL)
            break;
        return true;
    case RDB_COMPRESS_NONE:
        return true;
    }
    backup_frame_destroy(frame);
    return no_memory(err);
}

static bool zstd_step(backup_frame *f, const void *bytes, size_t length, ZSTD_EndDirective how, rdb_error *err)
{
    ZSTD_inBuffer in = {bytes, length, 0};
    size_t left = 1;
    while (how == ZSTD_e_end ? left != 0 : in.pos < in.size) {
        if (!rdb_strbuf_reserve(f->target, ZSTD_CStreamOutSize()))
            return no_memory(err);
        ZSTD_outBuffer out = {f->target->data + f->target->length, f->target->capacity - f->target->length - 1, 0};
        left = ZSTD_compressStream2(f->zstd, &out, &in, how);
        if (ZSTD_isError(left))
            return codec_failed("zstd", ZSTD_getErrorName(left), err);
        f->target->length += out.pos;
    }
    return true;
}

static bool lz4_begin(backup_frame *f, rdb_error *err)
{
    LZ4F_preferences_t preferences = {.compressionLevel = f->level,
                                      .frameInfo = {.blockSizeID = LZ4F_max1MB, .contentChecksumFlag = LZ4F_contentChecksumEnabled}};
    if (!rdb_strbuf_reserve(f->target, LZ4F_HEADER_SIZE_MAX))
        return no_memory(err);
    size_t got = LZ4F_compressBegin(f->lz4, f->target->data + f->target->length, LZ4F_HEADER_SIZE_MAX, &preferences);
    if (LZ4F_isError(got))
        return codec_failed("lz4", LZ4F_getErrorName(got), err);
    f->target->length += got;
    f->has_begun = true;
    return true;
}

static bool lz4_step(backup_frame *f, const void *bytes, size_t length, bool is_end, rdb_error *err)
{
    LZ4F_preferences_t preferences = {.frameInfo = {.blockSizeID = LZ4F_max1MB, .contentChecksumFlag = LZ4F_contentChecksumEnabled}};
    if (!f->has_begun && !lz4_begin(f, err))
        return false;
    for (size_t at = 0; at < length || is_end;) {
        size_t step = RDB_MIN(length - at, (size_t)(1u << 20));
        size_t bound = LZ4F_compressBound(step, &preferences);
        if (!rdb_strbuf_reserve(f->target, bound))
            return no_memory(err);
        char *to = f->target->data + f->target->length;
        size_t got = is_end ? LZ4F_compressEnd(f->lz4, to, bound, NULL) : LZ4F_compressUpdate(f->lz4, to, bound, (const char *)bytes + at, step, NULL);
        if (LZ4F_isError(got))
            return codec_failed("lz4", LZ4F_getErrorName(got), err);
        f->target->length += got;
        at += step;
        if (is_end)
            break;
    }
    return true;
}

static uint32_t snappy_mask(uint32_t crc)
{
    return (crc >> 15 | crc << 17) + UINT32_C(0xa282ead8);
}

static bool snappy_chunk(backup_frame *f, rdb_error *err)
{
    size_t bound = snappy_max_compressed_length(f->chunk_length), length = bound;
    uint8_t head[8];
    if (!f->has_begun)
        rdb_strbuf_add(f->target, SNAPPY_BEGIN, sizeof SNAPPY_BEGIN);
    f->has_begun = true;
    if (f->chunk_length == 0)
        return rdb_strbuf_check(f->target, err);
    if (!rdb_strbuf_reserve(f->target, bound + sizeof head))
        return no_memory(err);
    char *to = f->target->data + f->target->length + sizeof head;
    bool is_smaller = snappy_compress((const char *)f->chunk, f->chunk_length, to, &length) == SNAPPY_OK && length < f->chunk_length;
    if (!is_smaller) {
        length = f->chunk_length;
        memcpy(to, f->chunk, length);
    }
    rdb_put_u32(head, (uint32_t)(length + 4) << 8 | (is_smaller ? 0 : 1));
    rdb_put_u32(head + 4, snappy_mask(rdb_crc32c(0, f->chunk, f->chunk_length)));
    memcpy(f->target->data + f->target->length, head, sizeof head);
    f->target->length += sizeof head + length;
    f->chunk_length = 0;
    return true;
}

bool backup_frame_write(backup_frame *f, const void *bytes, size_t length, rdb_error *err)
{
    switch (f->compression) {
    case RDB_COMPRESS_ZSTD:
        return zstd_step(f, bytes, length, ZSTD_e_continue, err);
    case RDB_COMPRESS_LZ4:
        return lz4_step(f, bytes, length, false, err);
    case RDB_COMPRESS_SNAPPY:
        for (const uint8_t *at = bytes; length > 0;) {
            size_t step = RDB_MIN(length, (size_t)(CHUNK_BYTES - f->chunk_length));
            memcpy(f->chunk + f->chunk_length, at, step);
            f->chunk_length += (uint32_t)step;
            at += step;
            length -= step;
            if (f->chunk_length == CHUNK_BYTES && !snappy_chunk(f, err))
                return false;
        }
        return true;
    case RDB_COMPRESS_NONE:
        rdb_strbuf_add(f->target, bytes, length);
        return rdb_strbuf_check(f->target, err);
    }
    return true;
}

bool backup_frame_finish(backup_frame *f, rdb_error *err)
{
    switch (f->compression) {
    case RDB_COMPRESS_ZSTD:
        return zstd_step(f, NULL, 0, ZSTD_e_end, err);
    case RDB_COMPRESS_LZ4:
        return lz4_step(f, NULL, 0, true, err);
    case RDB_COMPRESS_SNAPPY:
        return snappy_chunk(f, err);
    case RDB_COMPRESS_NONE:
        break;
    }
    return true;
}

void backup_frame_destroy(backup_frame **frame)
{
    if (*frame == NULL)
        return;
    ZSTD_freeCCtx((*frame)->zstd);
    LZ4F_freeCompressionContext((*frame)->lz4);
    free((*frame)->chunk);
    free(*frame);
    *frame = NULL;
}

/* ---- taking apart ------------------------------------------------------------------------------------------------------- */
bool unframe_create(backup_unframe **unframe, rdb_compression compression, const void *bytes, size_t length, rdb_error *err)
{
    backup_unframe *u = *unframe = calloc(1, sizeof *u);
    if (u == NULL)
        return no_memory(err);
    u->compression = compression;
    u->at = bytes;
    u->left = length;
    u->out = compression != RDB_COMPRESS_NONE ? malloc(STEP_BYTES) : NULL;
    if (compression == RDB_COMPRESS_ZSTD)
        u->zstd = ZSTD_createDCtx();
    if ((compression != RDB_COMPRESS_NONE && u->out == NULL) || (compression == RDB_COMPRESS_ZSTD && u->zstd == NULL) ||
        (compression == RDB_COMPRESS_LZ4 && LZ4F_isError(LZ4F_createDecompressionContext(&u->lz4, LZ4F_VERSION)))) {
        unframe_destroy(unframe);
        return no_memory(err);
    }
    return true;
}

static bool damaged(const char *codec, const char *why, rdb_error *err)
{
    rdb_error_set(err, RDB_DATA_CORRUPTED, "%s frame is damaged", codec);
    return rdb_error_detail(err, "%s.", why);
}

static bool unframe_zstd(backup_unframe *u, const void **bytes, size_t *length, rdb_error *err)
{
    while (*length == 0 && !u->is_done) {
        ZSTD_inBuffer in = {u->at, u->left, 0};
        ZSTD_outBuffer out = {u->out, STEP_BYTES, 0};
        size_t hint = ZSTD_decompressStream(u->zstd, &out, &in);
        if (ZSTD_isError(hint))
            return damaged("zstd", ZSTD_getErrorName(hint), err);
        if (hint != 0 && in.pos == 0 && out.pos == 0)
            return damaged("zstd", "It ends early", err);
        u->at += in.pos;
        u->left -= in.pos;
        u->is_done = hint == 0;
        *bytes = u->out;
        *length = out.pos;
    }
    return !u->is_done || u->left == 0 || damaged("zstd", "More bytes follow its end", err);
}

static bool unframe_lz4(backup_unframe *u, const void **bytes, size_t *length, rdb_error *err)
{
    while (*length == 0 && !u->is_done) {
        size_t got = STEP_BYTES, used = u->left;
        size_t hint = LZ4F_decompress(u->lz4, u->out, &got, u->at, &used, NULL);
        if (LZ4F_isError(hint))
            return damaged("lz4", LZ4F_getErrorName(hint), err);
        if (hint != 0 && used == 0 && got == 0)
            return damaged("lz4", "It ends early", err);
        u->at += used;
        u->left -= used;
        u->is_done = hint == 0;
        *bytes = u->out;
        *length = got;
    }
    return !u->is_done || u->left == 0 || damaged("lz4", "More bytes follow its end", err);
}

static bool unframe_snappy(backup_unframe *u, const void **bytes, size_t *length, rdb_error *err)
{
    if (!u->is_done) {
        if (u->left < sizeof SNAPPY_BEGIN || memcmp(u->at, SNAPPY_BEGIN, sizeof SNAPPY_BEGIN) != 0)
            return damaged("snappy", "It does not begin as one", err);
        u->at += sizeof SNAPPY_BEGIN;
        u->left -= sizeof SNAPPY_BEGIN;
        u->is_done = true; /* begun, here */
    }
    if (u->left == 0)
        return true;
    uint32_t head = u->left >= 8 ? rdb_get_u32(u->at) : 0;
    size_t chunk = head >> 8, got = STEP_BYTES;
    if (u->left < 8 || chunk < 4 || chunk > u->left - 4 || (head & 0xff) > 1)
        return damaged("snappy", "A chunk is cut or of an unknown kind", err);
    const uint8_t *from = u->at + 8;
    if ((head & 0xff) == 0 && snappy_uncompress((const char *)from, chunk - 4, (char *)u->out, &got) != SNAPPY_OK)
        return damaged("snappy", "A chunk cannot be uncompressed", err);
    if ((head & 0xff) == 1)
        got = chunk - 4;
    *bytes = (head & 0xff) == 1 ? from : u->out;
    if (snappy_mask(rdb_crc32c(0, *bytes, got)) != rdb_get_u32(u->at + 4))
        return damaged("snappy", "A chunk's checksum does not match", err);
    *length = got;
    u->at += 4 + chunk;
    u->left -= 4 + chunk;
    return true;
}

bool unframe_next(backup_unframe *u, const void **bytes, size_t *length, rdb_error *err)
{
    *bytes = NULL;
    *length = 0;
    switch (u->compression) {
    case RDB_COMPRESS_ZSTD:
        return unframe_zstd(u, bytes, length, err);
    case RDB_COMPRESS_LZ4:
        return unframe_lz4(u, bytes, length, err);
    case RDB_COMPRESS_SNAPPY:
        return unframe_snappy(u, bytes, length, err);
    case RDB_COMPRESS_NONE:
        *bytes = u->at;
        *length = RDB_MIN(u->left, STEP_BYTES);
        u->at += *length;
        u->left -= *length;
        return true;
    }
    return true;
}

void unframe_destroy(backup_unframe **unframe)
{
    if (*unframe == NULL)
        return;
    ZSTD_freeDCtx((*unframe)->zstd);
    LZ4F_freeDecompressionContext((*unframe)->lz4);
    free((*unframe)->out);
    free(*unframe);
    *unframe = NULL;
}
