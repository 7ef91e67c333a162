/* SPDX-License-Identifier: Apache-2.0
 * What a compiled program is made of. A program is a table of registers (vectors) and blocks of steps; a step reads
 * registers and fills one. Steps of a block run one after the other over one selection; a step that narrows the selection
 * (AND, CASE, ...) owns blocks of its own, which run over fewer rows. Rows keep their numbers throughout: a register's
 * element belongs to the row of the same number in the input batch. */
#ifndef RDB_EXPR_PROGRAM_INT_H
#define RDB_EXPR_PROGRAM_INT_H

#include "expr/rdb_expr.h"

typedef enum program_op {
    OP_KERNEL,      /* out = kernel(arguments) */
    OP_AND,         /* blocks narrowed to rows not yet decided */
    OP_OR,
    OP_NOT,
    OP_CASE,        /* blocks: condition, result, condition, result, ..., else */
    OP_COALESCE,
    OP_MINMAX,
    OP_NULLIF,      /* kernel is "=" */
    OP_DISTINCT,
    OP_NULL_TEST,
    OP_BOOL_TEST,
    OP_COERCE_IO,
    OP_ARRAY_ITEMS, /* argument 0 op ANY/ALL (arguments 1 ...) */
    OP_ARRAY_OP,    /* argument 0 op ANY/ALL (array argument 1) */
    OP_ITEM_SET,    /* argument 0 = ANY or <> ALL (set) */
    OP_ARRAY,       /* constructor */
    OP_SUBSCRIPT,
    OP_ARRAY_COERCE,
    OP_ROW,
    OP_ROW_COMPARE,
    OP_FIELD,
    OP_ROW_CONVERT,
    OP_SQL_VALUE,
    OP_SUBPLAN,
    OP_DOMAIN_CHECK,
    OP_NARROW_INTEGER /* bigint to the out register's width, checked */
} program_op;

typedef struct program_step program_step;
typedef struct program_item_set program_item_set;
typedef struct program_block {
    program_step **steps;
    uint32_t count, capacity;
    uint32_t result; /* register */
} program_block;

struct program_step {
    uint8_t op;
    uint8_t detail;           /* is_not, bool test, use_or, is_least, strategy, sublink kind */
    bool is_strict, is_volatile, has_constant_result;
    uint32_t out;
    uint32_t argument_count;
    uint32_t *arguments;      /* registers */
    const rdb_vector **vectors; /* of the arguments, filled at each run */
    uint32_t block_count;
    program_block *blocks;
    rdb_kernel kernel;
    rdb_call call;
    void *state;              /* what call.state points to */
    uint32_t *rows, *more_rows; /* scratch selections of the program's capacity */
    rdb_vector *flags;        /* scratch bool vector (kernels whose result is not out) */
    const rdb_expr *expr;     /* what it came from */
    const program_item_set *set; /* ITEM_SET */
    bool may_hash;            /* ARRAY_OP: = ANY or <> ALL by the type's own equality, so a set answers it too */
    uint32_t item_count;      /* ROW_COMPARE: pairs; their kernels: */
    struct program_step **items;
};

typedef struct program_parameter {
    uint32_t register_no, param_no;
    uint8_t kind;
} program_parameter;

struct rdb_program {
    rdb_arena *arena;
    uint32_t register_count, register_capacity;
    rdb_vector **registers;
    uint32_t owned_count, owned_capacity;
    rdb_vector **owned;        /* registers with memory of their own: grown together */
    uint32_t slot_count, slot_capacity;
    struct { uint32_t register_no, slot_no; } *slots;
    uint32_t parameter_count, parameter_capacity;
    program_parameter *parameters;
    uint32_t step_count, step_capacity;
    program_step **steps;      /* all of them, for growing scratch */
    uint32_t result_count;
    program_block *results;    /* one block an expression */
    rdb_vector **apart;        /* volatile programs: where each row's results are put */
    uint32_t capacity;         /* rows that registers have room for */
    bool is_volatile;
    /* of the current run */
    rdb_eval *eval;
    rdb_arena *run_arena;
    rdb_error *err;
    uint32_t bad_row;
};

/* run.c */
bool program_run_block(rdb_program *program, const program_block *block, const rdb_selection *selection);
bool program_grow(rdb_program *program, uint32_t rows, rdb_error *err);
/* domain.c */
bool program_run_domain_check(rdb_program *program, program_step *step, const rdb_selection *selection);
bool program_read_tree(rdb_arena *arena, rdb_access *access, const char *text, rdb_expr **expr, rdb_error *err);
bool program_check_domain(rdb_call *call, const rdb_type *domain, rdb_datum value, bool is_null);
/* arrays.c, records.c: steps over arrays and rows */
bool program_run_array_op(rdb_program *program, program_step *step, const rdb_selection *selection);
bool program_run_array(rdb_program *program, program_step *step, const rdb_selection *selection);
bool program_run_subscript(rdb_program *program, program_step *step, const rdb_selection *selection);
bool program_run_array_coerce(rdb_program *program, program_step *step, const rdb_selection *selection);
bool program_run_row(rdb_program *program, program_step *step, const rdb_selection *selection);
bool program_run_field(rdb_program *program, program_step *step, const rdb_selection *selection);
bool program_run_row_convert(rdb_program *program, program_step *step, const rdb_selection *selection);
bool program_row_null_test(const rdb_type *type, rdb_datum value, bool is_not);
/* A kernel over explicit vectors for one row: 1 true, 0 false, -1 null, -2 failed. */
int program_call_bool(rdb_program *program, program_step *step, const rdb_vector *left, const rdb_vector *right, uint32_t row);

/* item_set.c: the items of a long list, found by hash. */
#define PROGRAM_SET_ITEMS_MIN 9u /* below that comparing one by one is as good */
RDB_CHECKED bool program_item_set_create(program_item_set **set, rdb_arena *arena, const rdb_type *type, uint32_t collation,
                                         const rdb_datum *items, const bool *nulls, uint32_t count, rdb_error *err);
bool program_run_item_set(rdb_program *program, program_step *step, const program_item_set *set, const rdb_selection *selection);

#endif
