/* SPDX-License-Identifier: Apache-2.0
 * Partitions: what their bounds say, and which partition a key belongs to.
 *
 * A bound is kept in pg_class.relpartbound as text:
 *     d                                     the DEFAULT partition
 *     h <modulus> <remainder>               of a hash
 *     l <tree>                              a list: the tree is a row of constants
 *     r <lower>/<upper> <tree>              a range: of each key column, in <lower> and in <upper>, one letter: "-" MINVALUE,
 *                                           "v" a value, "+" MAXVALUE; the tree is a row of the values, lower ones first
 * <tree> as rdb_tree_write_expr has it. */
#ifndef RDB_PARTITION_H
#define RDB_PARTITION_H

#include "sql/rdb_query.h"

typedef enum rdb_partition_end { RDB_PARTITION_MINVALUE = -1, RDB_PARTITION_VALUE, RDB_PARTITION_MAXVALUE } rdb_partition_end;

typedef struct rdb_partition_bound {
    char strategy;             /* r l h, d: default */
    int32_t modulus, remainder;/* h */
    uint32_t value_count;      /* l: values; r: key columns */
    const rdb_expr_const **values; /* l; r: lower ones, NULL where none */
    const rdb_expr_const **upper;  /* r */
    const int8_t *lower_ends, *upper_ends; /* r: rdb_partition_end */
} rdb_partition_bound;
RDB_CHECKED bool rdb_partition_bound_write(rdb_arena *arena, const rdb_partition_bound *bound, const char **text, rdb_error *err);
RDB_CHECKED bool rdb_partition_bound_read(rdb_arena *arena, rdb_access *access, const char *text, rdb_partition_bound *bound, rdb_error *err);

typedef struct rdb_partition_entry {
    uint32_t oid;
    rdb_partition_bound bound;
} rdb_partition_entry;
typedef struct rdb_partition_item { /* l: one value of a partition */
    const rdb_expr_const *value;
    uint32_t entry_no;
} rdb_partition_item;

/* The partitions of one table, made for looking up. Partitions that are being detached are left out. */
typedef struct rdb_partition_map {
    const rdb_relation *relation;
    char strategy;
    uint16_t key_count;
    const rdb_type *const *types;
    const uint32_t *collations;
    rdb_expr *const *keys;     /* over the relation's columns as range 1 */
    uint32_t count;            /* entries, in the order of their bounds; a list's null alone, then DEFAULT, stand last */
    const rdb_partition_entry *entries;
    uint32_t item_count;       /* l: all values but null, in order */
    const rdb_partition_item *items;
    int32_t default_no, null_no; /* entries; -1: none */
    int32_t greatest_modulus;  /* h */
} rdb_partition_map;
/* The key alone: what a bound is made for. */
RDB_CHECKED bool rdb_partition_key_open(rdb_arena *arena, rdb_access *access, const rdb_relation *relation, rdb_partition_map *map, rdb_error *err);
RDB_CHECKED bool rdb_partition_map_open(rdb_arena *arena, rdb_access *access, const rdb_relation *relation, rdb_partition_map **map, rdb_error *err);
/* The entry that a row with these keys belongs to, -1: none. */
RDB_CHECKED bool rdb_partition_find(const rdb_partition_map *map, const rdb_datum *keys, const bool *is_null, int32_t *entry_no, rdb_error *err);
/* PostgreSQL's hash of a row's keys. */
RDB_CHECKED bool rdb_partition_hash(const rdb_type *const *types, const uint32_t *collations, uint16_t count, const rdb_datum *keys, const bool *is_null, uint64_t *hash,
                                    rdb_error *err);
/* <0, 0, >0: one end of a range against another; is_lower: an upper end that equals a lower one stands before it. */
int rdb_partition_compare_ends(const rdb_partition_map *map, const rdb_expr_const *const *left, const int8_t *left_ends, bool left_is_lower,
                               const rdb_expr_const *const *right, const int8_t *right_ends, bool right_is_lower);
int rdb_partition_compare_value(const rdb_partition_map *map, uint16_t key_no, rdb_datum left, rdb_datum right);

/* A bound as SQL: "FOR VALUES FROM (1) TO (10)", "DEFAULT". */
RDB_CHECKED bool rdb_partition_bound_deparse(rdb_access *access, const rdb_partition_bound *bound, rdb_strbuf *text, rdb_error *err);
/* "(1, MAXVALUE)" */
RDB_CHECKED bool rdb_partition_end_deparse(rdb_access *access, const rdb_partition_bound *bound, bool is_lower, rdb_strbuf *text, rdb_error *err);
/* The condition that a partition's rows meet by its bound, over the parent's columns as range 1; NULL: none (the only, DEFAULT one). */
RDB_CHECKED bool rdb_partition_condition(rdb_arena *arena, rdb_access *access, const rdb_partition_map *map, const rdb_partition_bound *bound, rdb_expr **condition, rdb_error *err);

/* Attribute numbers by name: map[i] is the child's column for column i + 1 of the parent, 0: dropped. 42804 where the child lacks one. */
RDB_CHECKED bool rdb_inheritance_map(rdb_arena *arena, const rdb_relation *parent, const rdb_relation *child, int16_t **map, rdb_error *err);
/* The expression with its columns of range_no numbered as the child has them. range: for the deparser, or NULL. */
rdb_expr *rdb_inheritance_translate(rdb_arena *arena, rdb_expr *expr, uint32_t range_no, const int16_t *map, const rdb_range *range);

#endif
