/* SPDX-License-Identifier: Apache-2.0
 * ts_rewrite: every part of a query that equals the target becomes the substitute. AND and OR take their operands in any order
 * and number: their nodes are flattened and sorted first, and a target of some of the operands is found among them. */
#include "type/tables.h"
#include "type/rdb_ts.h"
#include "type/ts.h"
#include <stdlib.h>

typedef struct flat_node {
    uint8_t kind, oper, weights;
    bool is_prefix, is_new; /* new: what replaced something, which is not looked into again */
    int32_t distance, sum;
    rdb_slice lexeme;
    struct flat_node **children; /* the right operand first */
    uint32_t child_count;
} flat_node;

static int compare_nodes(const flat_node *a, const flat_node *b)
{
    if (a->kind != b->kind)
        return a->kind > b->kind ? -1 : 1;
    if (a->kind == TS_VALUE)
        return a->sum != b->sum ? (a->sum > b->sum ? -1 : 1) : ts_compare_lexemes(a->lexeme, b->lexeme);
    if (a->oper != b->oper)
        return a->oper > b->oper ? -1 : 1;
    if (a->child_count != b->child_count)
        return a->child_count > b->child_count ? -1 : 1;
    if (a->oper == TS_PHRASE && a->distance != b->distance)
        return a->distance > b->distance ? -1 : 1;
    int order = 0;
    for (uint32_t i = 0; order == 0 && i < a->child_count; i++)
        order = compare_nodes(a->children[i], b->children[i]);
    return order;
}

static int compare_children(const void *left, const void *right)
{
    return compare_nodes(*(flat_node *const *)left, *(flat_node *const *)right);
}

static void sort_children(flat_node *node)
{
    for (uint32_t i = 0; i < node->child_count; i++)
        sort_children(node->children[i]);
    if (node->child_count > 1 && node->oper != TS_PHRASE)
        qsort(node->children, node->child_count, sizeof(flat_node *), compare_children);
}

static flat_node *make_flat(rdb_call *call, const ts_node *node)
{
    flat_node *flat = RDB_NEW(call->arena, flat_node);
    *flat = (flat_node){.kind = node->kind, .oper = node->oper, .weights = node->weights, .is_prefix = node->is_prefix, .distance = node->distance,
                        .lexeme = node->lexeme};
    if (node->kind != TS_OPERATOR) {
        flat->sum = ts_lexeme_crc(node->lexeme);
        return flat;
    }
    flat->children = RDB_NEW_ARRAY(call->arena, flat_node *, 2);
    flat->children[flat->child_count++] = make_flat(call, node->right);
    if (node->left != NULL)
        flat->children[flat->child_count++] = make_flat(call, node->left);
    return flat;
}

/* Operands of operands of the same AND or OR become its own. */
static void flatten(rdb_call *call, flat_node *node)
{
    uint32_t total = 0, at = 0;
    for (uint32_t i = 0; i < node->child_count; i++)
        flatten(call, node->children[i]);
    if (node->kind != TS_OPERATOR || (node->oper != TS_AND && node->oper != TS_OR))
        return;
    for (uint32_t i = 0; i < node->child_count; i++)
        total += node->children[i]->kind == TS_OPERATOR && node->children[i]->oper == node->oper ? node->children[i]->child_count : 1;
    flat_node **children = RDB_NEW_ARRAY(call->arena, flat_node *, total);
    for (uint32_t i = 0; i < node->child_count; i++) {
        flat_node *child = node->children[i];
        if (child->kind == TS_OPERATOR && child->oper == node->oper)
            for (uint32_t k = 0; k < child->child_count; k++)
                children[at++] = child->children[k];
        else
            children[at++] = child;
    }
    node->children = children;
    node->child_count = total;
}

static ts_node *make_binary(rdb_call *call, const flat_node *flat)
{
    ts_node *node = RDB_NEW(call->arena, ts_node);
    *node = (ts_node){.kind = flat->kind, .oper = flat->oper, .weights = flat->weights, .is_prefix = flat->is_prefix, .distance = flat->distance, .lexeme = flat->lexeme};
    if (flat->kind != TS_OPERATOR)
        return node;
    if (flat->child_count <= 2) {
        node->right = make_binary(call, flat->children[0]);
        node->left = flat->child_count == 2 ? make_binary(call, flat->children[1]) : NULL;
        return node;
    }
    /* The first two go together, the last takes the second's place, until two are left. */
    ts_node *first = make_binary(call, flat->children[0]), *second = make_binary(call, flat->children[1]);
    for (uint32_t left = flat->child_count; left > 2; left--) {
        ts_node *pair = RDB_NEW(call->arena, ts_node);
        *pair = (ts_node){.kind = TS_OPERATOR, .oper = flat->oper, .right = first, .left = second};
        first = pair;
        second = make_binary(call, flat->children[left - 1]);
    }
    node->right = first;
    node->left = second;
    return node;
}

static flat_node *copy_new(rdb_call *call, const flat_node *node)
{
    flat_node *copy = RDB_NEW(call->arena, flat_node);
    *copy = *node;
    copy->is_new = true;
    copy->children = RDB_NEW_ARRAY(call->arena, flat_node *, node->child_count);
    for (uint32_t i = 0; i < node->child_count; i++)
        copy->children[i] = copy_new(call, node->children[i]);
    return copy;
}

/* Some of an AND's or OR's operands are all of the target's: they go, the substitute comes. */
static void replace_some(rdb_call *call, flat_node *node, const flat_node *target, const flat_node *substitute)
{
    bool *matched = RDB_NEW_ARRAY(call->arena, bool, node->child_count);
    uint32_t found = 0, kept = 0;
    for (uint32_t i = 0, k = 0; i < node->child_count && k < target->child_count;) {
        int order = compare_nodes(node->children[i], target->children[k]);
        if (order > 0)
            return;
        matched[i] = order == 0;
        found += order == 0;
        k += order == 0;
        i++;
    }
    if (found != target->child_count)
        return;
    for (uint32_t i = 0; i < node->child_count; i++)
        if (!matched[i])
            node->children[kept++] = node->children[i];
    if (substitute != NULL)
        node->children[kept++] = copy_new(call, substitute);
    node->child_count = kept;
    sort_children(node);
}

static flat_node *replace(rdb_call *call, flat_node *node, const flat_node *target, const flat_node *substitute)
{
    uint32_t kept = 0;
    if (node->is_new)
        return node;
    if (compare_nodes(node, target) == 0)
        return substitute == NULL ? NULL : copy_new(call, substitute);
    if (node->kind != TS_OPERATOR)
        return node;
    if (target->kind == TS_OPERATOR && node->oper == target->oper && node->child_count > target->child_count)
        replace_some(call, node, target, substitute);
    for (uint32_t i = 0; i < node->child_count; i++) {
        flat_node *child = replace(call, node->children[i], target, substitute);
        if (child != NULL)
            node->children[kept++] = child;
    }
    node->child_count = kept;
    if (kept == 0)
        return NULL;
    return kept == 1 && node->oper != TS_NOT ? node->children[0] : node;
}

static void forget_new(flat_node *node)
{
    node->is_new = false;
    for (uint32_t i = 0; i < node->child_count; i++)
        forget_new(node->children[i]);
}

struct rdb_ts_rewriter {
    rdb_call *call;
    rdb_bytes query;
    flat_node *tree;
    bool is_empty;
};

rdb_ts_rewriter *rdb_ts_rewrite_begin(rdb_call *call, rdb_bytes query)
{
    rdb_ts_rewriter *rewriter = RDB_NEW(call->arena, rdb_ts_rewriter);
    ts_node *tree = ts_query_read(call, query);
    *rewriter = (rdb_ts_rewriter){.call = call, .query = query, .is_empty = tree == NULL};
    if (tree != NULL) {
        rewriter->tree = make_flat(call, tree);
        flatten(call, rewriter->tree);
        sort_children(rewriter->tree);
    }
    return rewriter;
}

void rdb_ts_rewrite_apply(rdb_ts_rewriter *rewriter, rdb_bytes target, rdb_bytes substitute, bool more)
{
    ts_node *target_tree = ts_query_read(rewriter->call, target), *new_tree = ts_query_read(rewriter->call, substitute);
    if (rewriter->tree == NULL || target_tree == NULL)
        return;
    flat_node *flat = make_flat(rewriter->call, target_tree);
    flatten(rewriter->call, flat);
    sort_children(flat);
    rewriter->tree = replace(rewriter->call, rewriter->tree, flat, new_tree == NULL ? NULL : make_flat(rewriter->call, new_tree));
    if (rewriter->tree != NULL && more) {
        forget_new(rewriter->tree);
        flatten(rewriter->call, rewriter->tree);
        sort_children(rewriter->tree);
    }
}

bool rdb_ts_rewrite_end(rdb_ts_rewriter *rewriter, rdb_datum *query)
{
    return ts_query_build(rewriter->call, rewriter->tree == NULL ? NULL : make_binary(rewriter->call, rewriter->tree), query);
}

TYPE_ROW_FUNCTION(rewrite_one, 3)
{
    if (ts_query_count(a[0].bytes) == 0 || ts_query_count(a[1].bytes) == 0) {
        *r = a[0];
        return true;
    }
    rdb_ts_rewriter *rewriter = rdb_ts_rewrite_begin(call, a[0].bytes);
    rdb_ts_rewrite_apply(rewriter, a[1].bytes, a[2].bytes, false);
    return rdb_ts_rewrite_end(rewriter, r);
}

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {{"tsquery_rewrite", rewrite_one, F, 0}};
TYPE_KERNEL_TABLE(type_ts_rewrite_table, KERNELS);
