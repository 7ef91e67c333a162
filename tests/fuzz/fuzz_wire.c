/* SPDX-License-Identifier: Apache-2.0
 * Bytes of a client. The first byte of an input says how the rest is meant: even, bytes as they are, behind a startup packet;
 * odd, messages (type 1 byte, length 1 or 3 bytes, body), whose framing stays right whatever is changed; 255, bytes as they
 * are from the very first on. Whatever came, the next client is served. */
#include "engine.h"

const uint32_t fuzz_runs = 12000;
const fuzz_maker fuzz_make = NULL;

#define B(text) {text, sizeof text - 1}
static const struct { const char *bytes; size_t size; } SEEDS[] = {
    B("\377\0\0\0\10\4\322\26\57"), B("\377\0\0\0\10\4\322\26\60"), B("\377\0\0\0\20\4\322\26\56\0\0\0\1\0\0\0\2"),
    B("\377\0\0\0\45\0\3\0\0user\0admin\0database\0rustydb\0\0Q\0\0\0\15select 1\0X\0\0\0\4"),
    B("\377\0\0\0\57\0\3\0\1user\0admin\0database\0rustydb\0_pq_.x\0001\0\0"),
    B("\1Q\11select 1\0"), B("\1Q\42select * from t where a = 1; end\0\0"), B("\1Q\35begin; savepoint s; select 1\0Q\14rollback\0\0\0\0"),
    B("\1P\26\0select a, b from t where a = $1\0\0\0B\16\0\0\0\0\0\1\0\0\0\1""1\0\0E\5\0\0\0\0\0S\0"),
    B("\1P\62s\0select $1::int4, $2::text, $3::numeric, $4\0\0\1\0\0\0\27D\3Ss\0B\42p\0s\0\0\1\0\1\0\4\0\0\0\4\0\0\0\1\0\0\0\1x\377\377\377\377\0\0\0\0\0\0E\6p\0\0\0\0\1E\6p\0\0\0\0\2S\0"),
    B("\1P\50\0insert into t values ($1, $2) returning *\0\0\0B\26\0\0\0\0\0\2\0\0\0\1""9\377\377\377\377\0\1\0\1D\2P\0E\5\0\0\0\0\1S\0"),
    B("\1Q\22copy t from stdin\0d\14""1\tx\n2\t\\N\n\\.\nc\0"), B("\1Q\22copy t from stdin\0d\4""1\tx\nf\3no\0"), B("\1Q\44copy t from stdin (format csv, header)\0d\20a,b\n1,\"x\"\"y\nz\"\nc\0"),
    B("\1Q\42copy t from stdin (format binary)\0\0d\56PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\0\2\0\0\0\4\0\0\0\7\0\0\0\1x\377\377\0\0\0\0\0\0\0\0\0\0c\0"),
    B("\1Q\22copy t to stdout\0\0Q\50copy (select * from t) to stdout (format binary)"),
    B("\1F\34\0\0\0\261\0\0\0\2\0\0\0\1""2\0\0\0\1""3\0\0\0\0\0\0\0\0"), B("\1C\2Ps\0C\2Ss\0H\0S\0X\0"),
    B("\1Q\64declare c cursor for select * from t; fetch 2 from c\0\0\0E\6c\0\0\0\0\1S\0"), B("\1Q\46set application_name = 'x'; reset all;\0\0S\0"),
    B("\0Q\0\0\0\15select 1\0P\0\0\0\20\0select 1\0\0\0B\0\0\0\14\0\0\0\0\0\0\0\0E\0\0\0\11\0\0\0\0\0S\0\0\0\4"),
    B("\0Q\377\377\377\377"), B("\0d\0\0\0\3"), B("\0P\0\0\0\11\0\0\0\377\377"),
};

bool fuzz_seed(uint32_t no, const uint8_t **data, size_t *size)
{
    if (no >= RDB_COUNT_OF(SEEDS))
        return false;
    *data = (const uint8_t *)SEEDS[no].bytes;
    *size = SEEDS[no].size;
    return true;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_engine_open();
    fuzz_must_run("create table t (a int primary key, b text)");
    return 0;
}

void fuzz_close(void)
{
    fuzz_engine_close();
}

/* A length byte of 255 is followed by two more: a longer body. */
static void put_messages(rdb_strbuf *bytes, const uint8_t *at, const uint8_t *end)
{
    while (end - at >= 2) {
        char type = (char)*at++;
        size_t length = *at++;
        if (length == 255 && end - at >= 2) {
            length = (size_t)at[0] << 8 | at[1];
            at += 2;
        }
        length = RDB_MIN(length, (size_t)(end - at));
        fuzz_put_message(bytes, type, at, length);
        at += length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint64_t count;
    rdb_strbuf bytes;
    fuzz_client client;
    if (size == 0)
        return 0;
    rdb_strbuf_init(&bytes, NULL);
    if (data[0] != 255)
        fuzz_put_startup(&bytes);
    if (data[0] % 2 == 1 && data[0] != 255)
        put_messages(&bytes, data + 1, data + size);
    else
        rdb_strbuf_add(&bytes, data + 1, size - 1);
    fuzz_serve((const uint8_t *)(bytes.data != NULL ? bytes.data : ""), bytes.length, &client);
    rdb_strbuf_free(&bytes);
    if (++count % 256 == 0)
        fuzz_must_run("truncate t; insert into t values (1, 'x'), (2, null); select * from t");
    return 0;
}
