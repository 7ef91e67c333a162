/* SPDX-License-Identifier: Apache-2.0
 * Reads the linked blob of built-in rows in place. */
#include "catalog/builtin.h"

#include "base/rdb_base.h"

__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        ".global catalog_blob\n"
        ".hidden catalog_blob\n"
        "catalog_blob:\n"
        ".incbin \"" CATALOG_BLOB_PATH "\"\n"
        ".balign 16\n"
        ".popsection\n");
extern const struct {
    catalog_blob_header header;
    unsigned char parts[]; /* each begins where the one before it ends */
} catalog_blob __attribute__((visibility("hidden")));

static const catalog_blob_relation *relations(void)
{
    RDB_ASSERT(catalog_blob.header.magic == CATALOG_BLOB_MAGIC && catalog_blob.header.version == CATALOG_BLOB_VERSION);
    return (const catalog_blob_relation *)(const void *)catalog_blob.parts;
}

static const catalog_blob_column *columns(void)
{
    return (const catalog_blob_column *)(const void *)(relations() + catalog_blob.header.relation_count);
}

static const catalog_blob_index *indexes(void)
{
    return (const catalog_blob_index *)(const void *)(columns() + catalog_blob.header.column_count);
}

static const catalog_blob_key *keys(void)
{
    return (const catalog_blob_key *)(const void *)(indexes() + catalog_blob.header.index_count);
}

static const uint32_t *cells(void)
{
    return (const uint32_t *)(const void *)(keys() + catalog_blob.header.key_count);
}

uint32_t builtin_relation_count(void)
{
    return catalog_blob.header.relation_count;
}

const catalog_blob_relation *builtin_relation_at(uint32_t relation_no)
{
    RDB_ASSERT(relation_no < catalog_blob.header.relation_count);
    return &relations()[relation_no];
}

const catalog_blob_relation *builtin_relation_by_oid(uint32_t oid)
{
    for (uint32_t i = 0; i < catalog_blob.header.relation_count; i++)
        if (relations()[i].oid == oid)
            return &relations()[i];
    return NULL;
}

const catalog_blob_relation *builtin_relation_by_name(const char *name)
{
    for (uint32_t i = 0; i < catalog_blob.header.relation_count; i++)
        if (strcmp(builtin_text(relations()[i].name), name) == 0)
            return &relations()[i];
    return NULL;
}

const char *builtin_text(uint32_t offset)
{
    RDB_ASSERT(offset != 0 && offset < catalog_blob.header.string_bytes);
    return (const char *)(cells() + catalog_blob.header.cell_count) + offset;
}

const catalog_blob_column *builtin_column_at(const catalog_blob_relation *relation, uint32_t column_no)
{
    RDB_ASSERT(column_no < relation->column_count);
    return &columns()[relation->first_column + column_no];
}

uint32_t builtin_column_by_name(const catalog_blob_relation *relation, const char *name)
{
    for (uint32_t i = 0; i < relation->column_count; i++)
        if (strcmp(builtin_text(builtin_column_at(relation, i)->name), name) == 0)
            return i;
    return UINT32_MAX;
}

const catalog_blob_index *builtin_index_at(const catalog_blob_relation *relation, uint32_t index_no)
{
    RDB_ASSERT(index_no < relation->index_count);
    return &indexes()[relation->first_index + index_no];
}

const catalog_blob_index *builtin_index_by_oid(uint32_t oid)
{
    for (uint32_t i = 0; i < catalog_blob.header.index_count; i++)
        if (indexes()[i].oid == oid)
            return &indexes()[i];
    return NULL;
}

const catalog_blob_key *builtin_key_at(const catalog_blob_index *index, uint32_t key_no)
{
    RDB_ASSERT(key_no < index->key_count);
    return &keys()[index->first_key + key_no];
}

const char *builtin_value(const catalog_blob_relation *relation, uint32_t row_no, uint32_t column_no)
{
    RDB_ASSERT(row_no < relation->row_count && column_no < relation->column_count);
    uint32_t offset = cells()[relation->first_cell + (size_t)row_no * relation->column_count + column_no];
    return offset == 0 ? NULL : builtin_text(offset);
}
