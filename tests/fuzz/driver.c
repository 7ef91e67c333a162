/* SPDX-License-Identifier: Apache-2.0
 * Runs a fuzz target without clang's fuzzer: so many inputs made from its seeds by a generator with a fixed start, or the
 * files named. What brings it down is left in a file that the same program takes as an argument.
 *
 *     fuzz_NAME [--runs N] [--start S]     N inputs, the generator started with S
 *     fuzz_NAME FILE...                    these inputs
 *     fuzz_NAME --seeds DIRECTORY          writes the seeds there, for clang's fuzzer to begin with */
#include "fuzz.h"

#include <signal.h>
#include <unistd.h>

#define INPUT_BYTES_MAX 65536u
#define SEEDS_MAX 4096u

static uint8_t input[INPUT_BYTES_MAX];
static size_t input_size;
static char crash_path[256];
static struct { const uint8_t *data; size_t size; } seeds[SEEDS_MAX];
static uint32_t seed_count;

static void on_crash(int number)
{
    FILE *file = fopen(crash_path, "w");
    if (file != NULL) {
        fwrite(input, 1, input_size, file);
        fclose(file);
    }
    fprintf(stderr, "fuzz: signal %d; the input is in %s\n", number, crash_path);
    signal(number, SIG_DFL);
    raise(number);
}

static uint32_t below(rdb_random *random, size_t limit)
{
    return limit == 0 ? 0 : (uint32_t)(rdb_random_next(random) % limit);
}

static void open_gap(size_t at, size_t length)
{
    memmove(input + at + length, input + at, input_size - at);
    input_size += length;
}

static void change_once(rdb_random *random)
{
    static const uint32_t WORDS[] = {0, 1, 3, 4, 5, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    static const char *const NUMBERS[] = {"0", "-1", "1", "2147483647", "-2147483648", "9223372036854775807", "1e309", "1e-400", "NaN", "infinity",
                                          "99999999999999999999999999", "0.00000000000000000000000001", "1e131071", "-", "''"};
    size_t at = below(random, input_size + 1), length;
    switch (below(random, 9)) {
    case 0:
        if (input_size > 0)
            input[at % input_size] ^= (uint8_t)(1u << below(random, 8));
        break;
    case 1:
        if (input_size > 0)
            input[at % input_size] = (uint8_t)rdb_random_next(random);
        break;
    case 2: /* a length as the wire has it, or as files have it */
        if (at + 4 <= input_size) {
            uint32_t word = WORDS[below(random, RDB_COUNT_OF(WORDS))];
            if (below(random, 2))
                word = __builtin_bswap32(word);
            memcpy(input + at, &word, sizeof word);
        }
        break;
    case 3:
        length = below(random, RDB_MIN(input_size - at, (size_t)64) + 1);
        memmove(input + at, input + at + length, input_size - at - length);
        input_size -= length;
        break;
    case 4:
        length = RDB_MIN((size_t)below(random, 32) + 1, INPUT_BYTES_MAX - input_size);
        open_gap(at, length);
        for (size_t i = 0; i < length; i++)
            input[at + i] = (uint8_t)rdb_random_next(random);
        break;
    case 5: /* a piece of itself again */
        if (input_size > 0) {
            size_t from = below(random, input_size);
            length = RDB_MIN(RDB_MIN((size_t)below(random, 200) + 1, input_size - from), INPUT_BYTES_MAX - input_size);
            uint8_t piece[200];
            memcpy(piece, input + from, length);
            open_gap(at, length);
            memcpy(input + at, piece, length);
        }
        break;
    case 6: { /* the end of another seed */
        uint32_t other = below(random, seed_count);
        size_t from = below(random, seeds[other].size + 1);
        length = RDB_MIN(seeds[other].size - from, INPUT_BYTES_MAX - at);
        memcpy(input + at, seeds[other].data + from, length);
        input_size = at + length;
        break;
    }
    case 7: {
        const char *number = NUMBERS[below(random, RDB_COUNT_OF(NUMBERS))];
        length = RDB_MIN(strlen(number), INPUT_BYTES_MAX - input_size);
        open_gap(at, length);
        memcpy(input + at, number, length);
        break;
    }
    default: /* one byte many times */
        if (input_size > 0) {
            uint8_t byte = input[at % input_size];
            length = RDB_MIN((size_t)below(random, 3000), INPUT_BYTES_MAX - input_size);
            open_gap(at, length);
            memset(input + at, byte, length);
        }
        break;
    }
}

static void make_input(rdb_random *random)
{
    if (fuzz_make != NULL) {
        input_size = fuzz_make(random, input, sizeof input);
        return;
    }
    uint32_t seed = below(random, seed_count);
    input_size = RDB_MIN(seeds[seed].size, (size_t)INPUT_BYTES_MAX / 2);
    memcpy(input, seeds[seed].data, input_size);
    for (uint32_t times = below(random, 6); times > 0; times--)
        change_once(random);
}

static bool read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    input_size = fread(input, 1, sizeof input, file);
    fclose(file);
    return true;
}

static void write_seeds(const char *directory)
{
    for (uint32_t i = 0; i < seed_count; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/seed-%04u", directory, i);
        FILE *file = fopen(path, "w");
        if (file != NULL) {
            fwrite(seeds[i].data, 1, seeds[i].size, file);
            fclose(file);
        }
    }
}

int main(int argc, char **argv)
{
    uint64_t start = 1;
    uint32_t runs = fuzz_runs;
    int first_file = argc;
    const char *seed_directory = NULL, *name = strrchr(argv[0], '/') != NULL ? strrchr(argv[0], '/') + 1 : argv[0];
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc)
            runs = (uint32_t)strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--start") == 0 && i + 1 < argc)
            start = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc)
            seed_directory = argv[++i];
        else
            first_file = RDB_MIN(first_file, i);
    }
    snprintf(crash_path, sizeof crash_path, "/tmp/%s.crash", name);
    LLVMFuzzerInitialize(&argc, &argv);
    while (seed_count < SEEDS_MAX && fuzz_seed(seed_count, &seeds[seed_count].data, &seeds[seed_count].size))
        seed_count++;
    FUZZ_CHECK(seed_count > 0);
    signal(SIGABRT, on_crash);
#if !defined(__SANITIZE_ADDRESS__)
    signal(SIGSEGV, on_crash);
    signal(SIGBUS, on_crash);
    signal(SIGFPE, on_crash);
#endif
    if (seed_directory != NULL) {
        write_seeds(seed_directory);
    } else if (first_file < argc) {
        for (int i = first_file; i < argc; i++) {
            FUZZ_CHECK(read_file(argv[i]));
            LLVMFuzzerTestOneInput(input, input_size);
        }
    } else {
        rdb_random random;
        rdb_random_seed(&random, start);
        for (uint32_t i = 0; i < seed_count && i < runs; i++) { /* the seeds as they are, first */
            input_size = RDB_MIN(seeds[i].size, sizeof input);
            memcpy(input, seeds[i].data, input_size);
            LLVMFuzzerTestOneInput(input, input_size);
        }
        for (uint32_t i = 0; i < runs; i++) {
            make_input(&random);
            LLVMFuzzerTestOneInput(input, input_size);
        }
        printf("%s: %u seeds, %u inputs from start %llu\n", name, seed_count, runs, (unsigned long long)start);
    }
    fuzz_close();
    return 0;
}
