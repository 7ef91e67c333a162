/* SPDX-License-Identifier: Apache-2.0
 * What it costs to read a table, whole or through an index. The model is PostgreSQL's, in its units and its pages of 8 KiB, whatever
 * the size of ours: so that plans are chosen as its users know them. The number of heap pages that scattered rows lie on is after
 * Mackert and Lohman, "Index scans using a finite LRU buffer" (TODS 1989). That counts a page once for all turns of a loop, which is
 * too cheap where the buffer pool keeps only a part of the table: there each turn pays for the pages that it is likely to miss, but where the
 * turns come in the order of the pages. */
#include "sql/plan_int.h"
#include <math.h>

#define PAGE_BYTES 8192.0
#define PAGE_USED 8168.0 /* without its header */
#define ROW_OVERHEAD 28  /* header and line pointer */
#define CACHE_PAGES 524288.0 /* effective_cache_size, as it comes */

double plan_pages(const rdb_storage *storage, uint64_t blocks)
{
    return ceil((double)blocks * rdb_storage_page_bytes(storage) / PAGE_BYTES);
}

int32_t plan_column_width(const rdb_relation *relation, int16_t attribute_no)
{
    if (attribute_no <= 0)
        return attribute_no == RDB_COLUMN_CTID ? 6 : attribute_no == RDB_COLUMN_TABLEOID || attribute_no == RDB_COLUMN_XMIN || attribute_no == RDB_COLUMN_XMAX ? 4 : 8;
    const rdb_column *column = &relation->columns[attribute_no - 1];
    if (column->is_dropped)
        return 0;
    if (relation->statistics != NULL && relation->statistics[attribute_no - 1] != NULL)
        return relation->statistics[attribute_no - 1]->width;
    return plan_type_width(column->type, column->typmod);
}

int32_t plan_type_width(const rdb_type *type, int32_t typmod)
{
    while (type->kind == 'd' && type->base != NULL)
        type = type->base;
    if (type->typlen > 0)
        return type->typlen;
    if (typmod < 4 || (type->oid != RDB_VARCHAROID && type->oid != RDB_BPCHAROID))
        return 32;
    const int32_t most = (typmod - 4) * 4 + 4; /* characters of four bytes at most, and a length */
    if (type->oid == RDB_BPCHAROID || most <= 32)
        return most;
    return 32 + (RDB_MIN(most, 1000) - 32) / 2;
}

double plan_array_items(const rdb_expr *array)
{
    while (array != NULL && array->kind == RDB_EXPR_RELABEL)
        array = ((const rdb_expr_unary *)array)->argument;
    if (array != NULL && array->kind == RDB_EXPR_ARRAY)
        return RDB_MAX(((const rdb_expr_array *)array)->elements.count, 1u);
    const rdb_expr_const *constant = (const rdb_expr_const *)array;
    if (array == NULL || array->kind != RDB_EXPR_CONST || constant->is_null)
        return 10;
    rdb_array_shape shape;
    rdb_array_get_shape(constant->value, &shape);
    return RDB_MAX(shape.count, 1u);
}

bool plan_estimate_size(plan_level *level, plan_rel *rel)
{
    const rdb_relation *relation = rel->range->relation;
    uint64_t blocks = 0;
    int32_t width = 0;
    if (!rdb_table_block_count(&relation->table, &blocks, level->p->err))
        return false;
    const double pages = plan_pages(relation->table.storage, blocks);
    for (uint16_t i = 0; i < relation->column_count; i++)
        width += plan_column_width(relation, (int16_t)(i + 1));
    rel->width = 0;
    for (uint16_t i = 0; i < rel->column_count; i++)
        rel->width += rel->columns[i] == 0 ? width : plan_column_width(relation, rel->columns[i]);
    rel->pages = RDB_MAX(pages, 1.0);
    if (relation->tuples < 0) {
        if (pages < 10) /* never counted: it is likely to grow, and a plan may be kept for long */
            rel->pages = 10;
        rel->tuples = plan_clamp_rows(floor(PAGE_USED / ((width + 7) / 8 * 8 + ROW_OVERHEAD)) * rel->pages);
        return true;
    }
    if (blocks == 0)
        rel->tuples = relation->pages <= 0 ? relation->tuples : 1;
    else if (relation->tuples > 0 && relation->pages > 0)
        rel->tuples = plan_clamp_rows(relation->tuples / relation->pages * (double)blocks);
    else
        rel->tuples = plan_clamp_rows(floor(PAGE_USED / ((width + 7) / 8 * 8 + ROW_OVERHEAD)) * pages);
    return true;
}

/* Pages read for so many rows of a table of so many pages, of which some stay in memory while the index is read. */
double plan_pages_fetched(double rows, double pages, double index_pages)
{
    const double table = RDB_MAX(pages, 1.0), total = table + index_pages;
    double cache = CACHE_PAGES * table / total;
    cache = cache <= 1 ? 1 : ceil(cache);
    if (table <= cache)
        return RDB_MIN(ceil(2 * table * rows / (2 * table + rows)), table);
    const double limit = 2 * table * cache / (2 * table - cache);
    return ceil(rows <= limit ? 2 * table * rows / (2 * table + rows) : cache + (rows - limit) * (table - cache) / table);
}

/* Of the pages those that all see, as they were counted last. */
static double visible_share(const plan_rel *rel)
{
    const rdb_relation *relation = rel->range->relation;
    if (relation->visible_pages <= 0 || relation->pages <= 0)
        return 0;
    const double visible = plan_pages(relation->table.storage, (uint64_t)relation->visible_pages);
    return visible >= rel->pages ? 1 : visible / rel->pages;
}

/* Of pages that are asked for here and there, again and again: those that are not among the ones that the pool has room for. */
static double missing_share(double pages, double pool)
{
    return pages <= pool ? 0 : 1 - pool / pages;
}

static double part_of(double pages, double share)
{
    return share == 1 ? pages : ceil(pages * share);
}

void plan_index_cost(plan_level *level, const plan_index_read *r, double *startup, double *total, double *index_cost)
{
    const double tuples = RDB_MAX(r->rel->tuples, 1.0), entries = RDB_MAX(rint(r->entries / r->scans), 1.0);
    double leaf_pages = 1;
    if (r->index_pages > 1 && tuples > 1)
        leaf_pages = RDB_MAX(ceil(entries * r->index_pages / tuples), 1.0);
    const double loops = RDB_MAX(r->loops, 1.0), scans = loops * r->scans;
    const rdb_storage *storage = r->rel->range->relation->table.storage;
    const double pool = plan_pages(storage, rdb_storage_frame_count(storage));
    const double siblings = r->rel->parent != NULL ? RDB_MAX(r->rel->parent->pages / r->rel->pages, 1.0) : 1; /* partitions share the pool */
    const double missing = missing_share(r->rel->pages * siblings, pool) * COST_RANDOM_PAGE;
    double index_total = scans > 1 ? plan_pages_fetched(leaf_pages * scans, r->index_pages, r->index_pages) * COST_RANDOM_PAGE / loops : leaf_pages * COST_RANDOM_PAGE;
    if (!r->index_in_step)
        index_total = RDB_MAX(index_total, leaf_pages * r->scans * missing_share(r->index_pages * siblings, pool) * COST_RANDOM_PAGE);
    index_total += entries * r->scans * (COST_INDEX_TUPLE + COST_OPERATOR * r->bound_count);
    /* down the tree: comparisons, and the pages on the way, which are in memory */
    const double height = r->index_pages <= 1 ? 0 : r->index_pages <= 300 ? 1 : r->index_pages <= 90000 ? 2 : 3;
    const double descent = ceil(log2(RDB_MAX(tuples, 2.0))) * COST_OPERATOR + (height + 1) * 50 * COST_OPERATOR;
    index_total += descent * r->scans;
    *index_cost = index_total;
    const double share = RDB_MIN(r->share, 1.0), fetched = plan_clamp_rows(share * tuples);
    const double unseen = r->is_index_only ? 1 - visible_share(r->rel) : 1; /* of the table's pages */
    double most, least;
    if (loops > 1) {
        most = part_of(plan_pages_fetched(fetched * loops, r->rel->pages, r->index_pages), unseen) * COST_RANDOM_PAGE / loops;
        least = part_of(plan_pages_fetched(ceil(share * r->rel->pages) * loops, r->rel->pages, r->index_pages), unseen) * COST_RANDOM_PAGE / loops;
    } else {
        const double in_order = part_of(ceil(share * r->rel->pages), unseen);
        most = part_of(plan_pages_fetched(fetched, r->rel->pages, r->index_pages), unseen) * COST_RANDOM_PAGE;
        least = in_order > 0 ? COST_RANDOM_PAGE + (in_order - 1) * COST_SEQ_PAGE : 0;
    }
    if (!r->table_in_step)
        most = RDB_MAX(most, fetched * unseen * missing);
    if (loops > 1 && !r->table_in_step)
        least = RDB_MAX(least, ceil(share * r->rel->pages) * unseen * missing);
    *startup = descent;
    *total = index_total + most + r->correlation * r->correlation * (least - most) + fetched * (COST_TUPLE + plan_quals_cost(level->p, r->filter));
}
