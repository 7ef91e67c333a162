/* SPDX-License-Identifier: Apache-2.0
 * "Did you mean": the restricted edit distance of Damerau and Levenshtein, on words short enough for a fixed row. */
#include "base/rdb_options.h"

#define WORD_MAX 64

static unsigned edit_distance(const char *left, size_t left_length, const char *right, size_t right_length)
{
    unsigned rows[3][WORD_MAX + 1];
    for (unsigned at = 0; at <= right_length; at++)
        rows[0][at] = at;
    for (size_t row_no = 1; row_no <= left_length; row_no++) {
        unsigned *row = rows[row_no % 3], *above = rows[(row_no - 1) % 3], *second = rows[(row_no + 1) % 3];
        row[0] = (unsigned)row_no;
        for (size_t at = 1; at <= right_length; at++) {
            bool same = left[row_no - 1] == right[at - 1];
            unsigned best = above[at - 1] + !same;
            best = RDB_MIN(best, RDB_MIN(above[at], row[at - 1]) + 1);
            if (row_no > 1 && at > 1 && left[row_no - 1] == right[at - 2] && left[row_no - 2] == right[at - 1])
                best = RDB_MIN(best, second[at - 2] + 1);
            row[at] = best;
        }
    }
    return rows[left_length % 3][right_length];
}

const char *rdb_nearest_word(const char *word, const char *const *words, size_t word_count)
{
    size_t length = strlen(word);
    const char *nearest = NULL;
    unsigned least = 3;
    if (length > WORD_MAX)
        return NULL;
    for (size_t word_no = 0; word_no < word_count; word_no++) {
        size_t other = strlen(words[word_no]);
        if (other > WORD_MAX)
            continue;
        unsigned distance = edit_distance(word, length, words[word_no], other);
        /* half the word replaced is another word */
        if (distance < least && distance * 2 <= RDB_MAX(length, other)) {
            least = distance;
            nearest = words[word_no];
        }
    }
    return nearest;
}
