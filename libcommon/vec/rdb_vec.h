/* SPDX-License-Identifier: Apache-2.0
 * Room vec: values, vectors, selections, batches and the layout of rows. Knows widths and bytes, no types.
 *
 * A value has one of a few representations; a vector is an array of values of one representation with a null bitmap; a
 * selection names rows; a batch is vectors of one length with a selection. Everything an expression or an operator
 * handles is one of these. */
#ifndef RDB_VEC_H
#define RDB_VEC_H

#include "base/rdb_base.h"

/* How a value is held in memory. Which SQL type has which representation: type/rdb_type.h. */
typedef enum rdb_rep {
    RDB_REP_BOOL,    /* uint8_t 0 or 1 */
    RDB_REP_INT8,    /* int8_t: PostgreSQL's "char" */
    RDB_REP_INT16,   /* int16_t */
    RDB_REP_INT32,   /* int32_t; oid and its kin are read as uint32_t */
    RDB_REP_INT64,   /* int64_t */
    RDB_REP_FLOAT32, /* float */
    RDB_REP_FLOAT64, /* double */
    RDB_REP_FIXED16, /* 16 bytes: uuid, interval, timetz, tid (see type) */
    RDB_REP_BYTES,   /* rdb_bytes: everything of variable length */
    RDB_REP_COUNT
} rdb_rep;

/* Bytes of variable length. The data is borrowed: it lives in the arena of the batch, statement or plan that made it. */
typedef struct rdb_bytes {
    const uint8_t *data;
    uint32_t length;
    uint32_t spare; /* zero */
} rdb_bytes;

/* One value, whatever its representation; whether it is null stands beside it. */
typedef union rdb_datum {
    uint8_t b;
    int8_t i8;
    int16_t i16;
    int32_t i32;
    uint32_t oid;
    int64_t i64;
    float f4;
    double f8;
    uint8_t fixed[16];
    rdb_bytes bytes;
    uint64_t words[2]; /* for clearing and comparing as a whole */
} rdb_datum;
_Static_assert(sizeof(rdb_datum) == 16, "a datum is two words");

static inline uint32_t rdb_rep_width(rdb_rep rep)
{
    static const uint8_t width[RDB_REP_COUNT] = {1, 1, 2, 4, 8, 4, 8, 16, 16};
    return width[rep];
}

/* Rows in a full batch. Capacity starts at 1 (a point query) and grows. */
#define RDB_BATCH_ROWS 1024

/* A vector. mask is 0 for a constant (all rows read element 0) and UINT32_MAX for a flat one: element of row r is
 * values[r & mask]. nulls: a bit set means null; NULL pointer means no nulls. Bits and values at rows that are not
 * selected, and values under a null, are undefined. */
typedef struct rdb_vector {
    void *values;
    uint64_t *nulls;
    uint64_t *nulls_store; /* where nulls go once there is one; same life as values */
    uint32_t mask;
    uint32_t capacity; /* rows that values and nulls_store have room for */
    uint8_t rep;       /* rdb_rep */
} rdb_vector;

#define RDB_FLAT UINT32_MAX
#define RDB_VALUES(vector, type) ((type *)(vector)->values)
#define RDB_AT(vector, type, row) (((type *)(vector)->values)[(row) & (vector)->mask])

/* Which rows count, ascending. rows == NULL: rows 0 .. count-1. */
typedef struct rdb_selection {
    const uint32_t *rows;
    uint32_t count;
} rdb_selection;
static inline uint32_t rdb_selected(const rdb_selection *selection, uint32_t position)
{
    return selection->rows ? selection->rows[position] : position;
}
/* for (uint32_t row over the selection): the body sees `row` and its position `row_at`. */
#define RDB_FOR_SELECTED(selection, row)                                                                      \
    for (uint32_t row##_at = 0, row = 0;                                                                      \
         row##_at < (selection)->count && (row = rdb_selected((selection), row##_at), true); row##_at++)

/* Makes a flat vector with room for capacity rows; no nulls. False with 53200. */
RDB_CHECKED bool rdb_vector_init(rdb_vector *vector, rdb_arena *arena, rdb_rep rep, uint32_t capacity, rdb_error *err);
/* A constant vector over one value (bytes are borrowed). */
void rdb_vector_set_constant(rdb_vector *vector, rdb_arena *arena, rdb_rep rep, rdb_datum value, bool is_null);
static inline void rdb_vector_clear_nulls(rdb_vector *vector)
{
    vector->nulls = NULL;
}
static inline bool rdb_vector_is_null(const rdb_vector *vector, uint32_t row)
{
    if (vector->nulls == NULL)
        return false;
    uint32_t at = row & vector->mask;
    return (vector->nulls[at >> 6] >> (at & 63)) & 1;
}
static inline void rdb_vector_set_null(rdb_vector *vector, uint32_t row)
{
    if (vector->nulls == NULL) {
        vector->nulls = vector->nulls_store;
        memset(vector->nulls, 0, ((size_t)vector->capacity + 63) / 64 * 8);
    }
    vector->nulls[row >> 6] |= UINT64_C(1) << (row & 63);
}
static inline void rdb_vector_set_valid(rdb_vector *vector, uint32_t row)
{
    if (vector->nulls != NULL)
        vector->nulls[row >> 6] &= ~(UINT64_C(1) << (row & 63));
}
/* One value out of or into a vector; put copies the 16 bytes, not what rdb_bytes points to. */
rdb_datum rdb_vector_get(const rdb_vector *vector, uint32_t row);
void rdb_vector_put(rdb_vector *vector, uint32_t row, rdb_datum value, bool is_null);
/* target[target_row] = source[source_row], null and all; bytes are borrowed. */
void rdb_vector_copy_row(rdb_vector *target, uint32_t target_row, const rdb_vector *source, uint32_t source_row);
/* A value with its bytes copied into the arena. False with 53200. */
RDB_CHECKED bool rdb_datum_copy(rdb_arena *arena, rdb_rep rep, rdb_datum source, rdb_datum *target, rdb_error *err);

/* Vectors of one length. A batch belongs to the operator that made it and holds until that operator's next pull. */
typedef struct rdb_batch {
    rdb_vector **columns;
    uint32_t column_count;
    uint32_t row_count;      /* rows in the vectors, selected or not */
    rdb_selection selection; /* which of them are in the batch; selection.count == 0 is not the end of data */
} rdb_batch;

/* ---- rows ----------------------------------------------------------------------------------------------------
 * A row image (the same in a heap page, an undo record, a WAL record, a spill file, a tuple store), after whatever
 * header its owner puts before it:
 *
 *    0   (n+7)/8     null bitmap over the layout's n slots, bit set = null; absent where the owner's flag says no nulls
 *    .   fixed       each fixed-width slot at its own offset (a null one holds zeroes)
 *    .   2*v or 4*v  end offset of each of the v variable slots, counted from the first variable byte;
 *                    2 bytes each where the variable bytes are under 64 KiB, else 4 (the wide flag)
 *    .   bytes       the variable values one after the other (a null one is empty)
 *
 * Fixed slots are ordered by descending width, then by attribute number; variable slots follow in attribute order. So
 * any column is reached in O(1), and unaligned: access through rdb_get_uNN or memcpy. */
#define RDB_ROW_HAS_NULLS 1u
#define RDB_ROW_WIDE 2u

typedef struct rdb_row_slot {
    uint8_t rep;       /* rdb_rep */
    bool is_variable;
    uint16_t null_bit; /* slot number */
    uint32_t position; /* fixed: offset after the bitmap; variable: number among the variable ones */
} rdb_row_slot;

/* Immutable; shared by all that read rows of one layout number. slots are in attribute order. */
typedef struct rdb_row_layout {
    uint16_t slot_count;
    uint16_t variable_count;
    uint32_t fixed_bytes;
    rdb_row_slot slots[];
} rdb_row_layout;

/* reps[i] is the representation of the i-th attribute stored. In the arena. */
rdb_row_layout *rdb_row_layout_create(rdb_arena *arena, const rdb_rep *reps, uint16_t count);
/* Bytes an image would have; *flags receives RDB_ROW_*. values/is_null by slot. */
uint32_t rdb_row_measure(const rdb_row_layout *layout, const rdb_datum *values, const bool *is_null, unsigned *flags);
/* Writes exactly that many bytes. */
void rdb_row_write(const rdb_row_layout *layout, const rdb_datum *values, const bool *is_null, unsigned flags, uint8_t *image);
/* One slot of an image; bytes point into the image. False: null. The image must have been checked. */
bool rdb_row_read(const rdb_row_layout *layout, const uint8_t *image, unsigned flags, uint16_t slot_no, rdb_datum *value);
/* True where every offset lies inside image_bytes: for images from disk or wire. */
bool rdb_row_check(const rdb_row_layout *layout, const uint8_t *image, uint32_t image_bytes, unsigned flags);

#endif
