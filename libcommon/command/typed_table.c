/* SPDX-License-Identifier: Apache-2.0
 * Tables OF a composite type: their columns are the type's, and stay so. Here too: the elements of CREATE TABLE in their final form. */
#include "command/command_int.h"

static bool open_type(rdb_command_context *context, const rdb_ast_type *written, const rdb_relation **attributes, uint32_t *type_oid, rdb_error *err)
{
    rdb_analysis analysis;
    const rdb_type *type = NULL;
    int32_t typmod;
    uint32_t collation;
    rdb_strbuf shown;
    command_analysis(context, &analysis);
    *attributes = NULL;
    if (!rdb_type_resolve(&analysis, (rdb_ast_node *)(uintptr_t)&written->node, &type, &typmod, &collation, err))
        return false;
    if (type->kind == 'c' && !rdb_relation_get(context->access, type->relation_oid, attributes, err))
        return false;
    *type_oid = type->oid;
    if (!command_check_type_usage(context, type, err))
        return false;
    if (*attributes != NULL && (*attributes)->kind == 'c')
        return command_lock(context, (*attributes)->oid, RDB_LOCK_ACCESS_SHARE, err);
    rdb_strbuf_init(&shown, context->arena);
    rdb_type_format_name(type, -1, false, &shown);
    return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "type %s is not a composite type", shown.data);
}

/* The type's attributes, each with what is written for it: name WITH OPTIONS ... */
static bool expand_of(rdb_command_context *context, const rdb_ast_create_table *statement, rdb_list *elements, uint32_t *of_type, rdb_error *err)
{
    const rdb_relation *attributes = NULL;
    if (!open_type(context, statement->of_type, &attributes, of_type, err))
        return false;
    for (uint32_t i = 0; i < statement->elements.count; i++) {
        const rdb_ast_column_def *written = statement->elements.items[i];
        if (written->node.tag != RDB_AST_COLUMN_DEF)
            continue;
        if (command_find_column(attributes, written->name) == 0)
            return rdb_error_set(err, RDB_UNDEFINED_COLUMN, "column \"%s\" does not exist", written->name);
        for (uint32_t k = 0; k < i; k++) {
            const rdb_ast_column_def *other = statement->elements.items[k];
            if (other->node.tag == RDB_AST_COLUMN_DEF && strcmp(other->name, written->name) == 0)
                return rdb_error_set(err, RDB_DUPLICATE_COLUMN, "column \"%s\" specified more than once", written->name);
        }
    }
    for (uint16_t i = 0; i < attributes->column_count; i++) {
        if (attributes->columns[i].is_dropped)
            continue;
        rdb_ast_column_def *made = command_column_like(context, &attributes->columns[i]);
        for (uint32_t k = 0; k < statement->elements.count; k++) {
            const rdb_ast_column_def *written = statement->elements.items[k];
            if (written->node.tag == RDB_AST_COLUMN_DEF && strcmp(written->name, made->name) == 0)
                made->constraints = written->constraints;
        }
        rdb_list_push(context->arena, elements, made);
    }
    return true;
}

bool command_column_elements(rdb_command_context *context, const rdb_ast_create_table *statement, rdb_list *elements, uint32_t *of_type, rdb_error *err)
{
    *of_type = 0;
    if (statement->of_type != NULL)
        return expand_of(context, statement, elements, of_type, err);
    for (uint32_t i = 0; i < statement->elements.count; i++) {
        rdb_ast_node *element = statement->elements.items[i];
        if (element->tag != RDB_AST_LIKE)
            rdb_list_push(context->arena, elements, element);
        else if (!command_expand_like(context, (const rdb_ast_like *)element, elements, err))
            return false;
    }
    return true;
}

bool command_set_of_type(rdb_command_context *context, uint32_t relation_oid, uint32_t type_oid, rdb_error *err)
{
    return rdb_ddl_set_class_field(context->access, relation_oid, RDB_pg_class_reloftype, (rdb_datum){.oid = type_oid}, false, err) &&
           rdb_ddl_depend(context->access, (rdb_object_address){RDB_PG_CLASS, relation_oid, 0}, (rdb_object_address){RDB_PG_TYPE, type_oid, 0}, 'n', err);
}

bool command_refuse_typed(const rdb_relation *relation, const char *what, rdb_error *err)
{
    return relation->of_type_oid == 0 || rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot %s typed table", what);
}

/* ---- ALTER TABLE ... OF, NOT OF -------------------------------------------------------------------------------------------------- */
static bool forget_type(rdb_command_context *context, const rdb_relation *relation, rdb_error *err)
{
    enum { DEPEND_DEPENDER_INDEX = 2673 };
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true;
    const rdb_datum keys[] = {{.oid = RDB_PG_CLASS}, {.oid = relation->oid}, {.i32 = 0}};
    bool ok = rdb_catalog_scan_open(&scan, context->access, RDB_PG_DEPEND, DEPEND_DEPENDER_INDEX, keys, 3, context->arena, err);
    while (ok && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found)
        if (row.values[RDB_pg_depend_refclassid - 1].oid == RDB_PG_TYPE && row.values[RDB_pg_depend_refobjid - 1].oid == relation->of_type_oid)
            ok = rdb_catalog_delete(context->access, RDB_PG_DEPEND, &row, err);
    rdb_catalog_scan_close(&scan);
    return ok && rdb_ddl_set_class_field(context->access, relation->oid, RDB_pg_class_reloftype, (rdb_datum){.oid = 0}, false, err);
}

bool command_alter_of_type(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_type *type, rdb_error *err)
{
    const rdb_relation *attributes = NULL;
    uint32_t type_oid = 0;
    uint16_t at = 0;
    if (type == NULL) {
        if (relation->of_type_oid == 0)
            return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a typed table", relation->name);
        return forget_type(context, relation, err);
    }
    if (!open_type(context, type, &attributes, &type_oid, err))
        return false;
    for (uint16_t i = 0; i < attributes->column_count; i++) {
        const rdb_column *wanted = &attributes->columns[i];
        if (wanted->is_dropped)
            continue;
        while (at < relation->column_count && relation->columns[at].is_dropped)
            at++;
        if (at == relation->column_count)
            return rdb_error_set(err, RDB_DATATYPE_MISMATCH, "table is missing column \"%s\"", wanted->name);
        const rdb_column *column = &relation->columns[at++];
        if (strcmp(column->name, wanted->name) != 0)
            return rdb_error_set(err, RDB_DATATYPE_MISMATCH, "table has column \"%s\" where type requires \"%s\"", column->name, wanted->name);
        if (column->type->oid != wanted->type->oid || column->typmod != wanted->typmod || column->collation != wanted->collation)
            return rdb_error_set(err, RDB_DATATYPE_MISMATCH, "table \"%s\" has different type for column \"%s\"", relation->name, column->name);
    }
    for (; at < relation->column_count; at++)
        if (!relation->columns[at].is_dropped)
            return rdb_error_set(err, RDB_DATATYPE_MISMATCH, "table has extra column \"%s\"", relation->columns[at].name);
    return (relation->of_type_oid == 0 || forget_type(context, relation, err)) && command_set_of_type(context, relation->oid, type_oid, err);
}
