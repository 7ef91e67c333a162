/* SPDX-License-Identifier: Apache-2.0
 * CREATE TABLE (LIKE table INCLUDING ...). The columns are taken over as if they had been written, in the place of the clause, their
 * types by number; what else is included follows when the table and its own keys are there. Expressions are read back from the
 * stored trees and analysed anew, as column numbers may differ. */
#include "catalog/rdb_acl.h"
#include "command/command_int.h"

#include <inttypes.h>

/* ---- the source ---------------------------------------------------------------------------------------------------------------- */
static bool open_source(rdb_command_context *context, const rdb_ast_like *like, const rdb_relation **source, rdb_error *err)
{
    static const struct { char kind; const char *words; } REFUSED[] = {{'i', "indexes"}, {'I', "partitioned indexes"}, {'S', "sequences"}, {'t', "TOAST tables"}};
    if (!command_open_table(context, like->table, RDB_LOCK_ACCESS_SHARE, false, source, err))
        return command_at(context, like->table->node.location, err);
    for (size_t i = 0; i < RDB_COUNT_OF(REFUSED); i++)
        if ((*source)->kind == REFUSED[i].kind) {
            rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "relation \"%s\" is invalid in LIKE clause", (*source)->name);
            rdb_error_detail(err, "This operation is not supported for %s.", REFUSED[i].words);
            return command_at(context, like->table->node.location, err);
        }
    return (*source)->kind == 'c' || rdb_acl_check_relation(context->access, *source, context->role->oid, RDB_ACL_SELECT, NULL, NULL, NULL, err);
}

static bool read_attribute(rdb_command_context *context, uint32_t relation_oid, int16_t number, char *storage, char *compression, rdb_error *err)
{
    enum { ATTRIBUTE_NUMBER_INDEX = 2659 };
    const rdb_datum keys[] = {{.oid = relation_oid}, {.i16 = number}};
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = false;
    bool ok = rdb_catalog_scan_open(&scan, context->access, RDB_PG_ATTRIBUTE, ATTRIBUTE_NUMBER_INDEX, keys, 2, context->arena, err) &&
              rdb_catalog_scan_next(scan, &row, &found, err);
    if (ok && found) {
        *storage = (char)row.values[RDB_pg_attribute_attstorage - 1].i8;
        *compression = (char)row.values[RDB_pg_attribute_attcompression - 1].i8;
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

bool command_copy_comment(rdb_command_context *context, rdb_object_address from, rdb_object_address to, rdb_error *err)
{
    enum { DESCRIPTION_INDEX = 2675 };
    const rdb_datum keys[] = {{.oid = from.object_oid}, {.oid = from.catalog_oid}, {.i32 = from.sub_id}};
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = false;
    const char *text = NULL;
    bool ok = rdb_catalog_scan_open(&scan, context->access, RDB_PG_DESCRIPTION, DESCRIPTION_INDEX, keys, 3, context->arena, err) &&
              rdb_catalog_scan_next(scan, &row, &found, err);
    if (ok && found) {
        const rdb_bytes bytes = row.values[RDB_pg_description_description - 1].bytes;
        text = rdb_arena_strndup(context->arena, (const char *)bytes.data, bytes.length);
    }
    rdb_catalog_scan_close(&scan);
    return ok && (text == NULL || rdb_ddl_comment(context->access, to, text, err));
}

/* ---- expressions --------------------------------------------------------------------------------------------------------------- */
static bool find_whole_row(void *unused, rdb_expr *expr)
{
    if (expr == NULL)
        return true;
    if (expr->kind == RDB_EXPR_VAR && ((const rdb_expr_var *)expr)->attribute_no == 0)
        return false;
    return rdb_expr_visit_children(expr, find_whole_row, unused);
}

/* what, name: of the object that the expression is a part of, for the message where the row as a whole is named. */
static bool raw_of(rdb_command_context *context, const rdb_relation *source, const char *tree, const char *what, const char *name, rdb_ast_node **raw, rdb_error *err)
{
    rdb_expr *expr = NULL;
    if (!rdb_tree_read_expr(context->arena, context->access, tree, &expr, err))
        return false;
    if (find_whole_row(NULL, expr))
        return command_raw_of_tree(context, source, expr, raw, err);
    rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot convert whole-row table reference");
    return rdb_error_detail(err, "%s \"%s\" contains a whole-row reference to table \"%s\".", what, name, source->name);
}

/* ---- columns ------------------------------------------------------------------------------------------------------------------- */
static void add_option(rdb_command_context *context, rdb_list *options, const char *name, int64_t value)
{
    rdb_ast_option *option = RDB_NEW(context->arena, rdb_ast_option);
    rdb_ast_value *argument = RDB_NEW(context->arena, rdb_ast_value);
    argument->node = (rdb_ast_node){RDB_AST_VALUE, -1};
    argument->kind = RDB_SQL_VALUE_NUMBER;
    argument->text = rdb_arena_printf(context->arena, "%" PRId64, value);
    option->node = (rdb_ast_node){RDB_AST_OPTION, -1};
    option->name = name;
    option->arg = &argument->node;
    rdb_list_push(context->arena, options, option);
}

static bool sequence_options(rdb_command_context *context, const rdb_relation *source, int16_t number, rdb_list *options, rdb_error *err)
{
    rdb_sequence_definition definition = {0};
    uint32_t oid = 0;
    if (!rdb_sequence_of_column(context->access, source->oid, number, &oid, err) || oid == 0)
        return !rdb_error_is_set(err);
    if (!rdb_ddl_get_sequence(context->access, oid, &definition, err))
        return false;
    add_option(context, options, "increment", definition.increment);
    add_option(context, options, "minvalue", definition.minimum);
    add_option(context, options, "maxvalue", definition.maximum);
    add_option(context, options, "start", definition.start);
    add_option(context, options, "cache", definition.cache);
    if (definition.cycles) {
        rdb_ast_option *cycle = RDB_NEW(context->arena, rdb_ast_option);
        cycle->node = (rdb_ast_node){RDB_AST_OPTION, -1};
        cycle->name = "cycle";
        rdb_list_push(context->arena, options, cycle);
    }
    return true;
}

static rdb_ast_constraint *new_constraint(rdb_command_context *context, rdb_sql_constraint_kind kind)
{
    rdb_ast_constraint *constraint = RDB_NEW(context->arena, rdb_ast_constraint);
    constraint->node = (rdb_ast_node){RDB_AST_CONSTRAINT, -1};
    constraint->kind = kind;
    return constraint;
}

rdb_ast_column_def *command_column_like(rdb_command_context *context, const rdb_column *column)
{
    rdb_ast_column_def *made = RDB_NEW(context->arena, rdb_ast_column_def);
    rdb_ast_type *type = RDB_NEW(context->arena, rdb_ast_type);
    type->node = (rdb_ast_node){RDB_AST_TYPE, -1};
    type->oid = column->type->oid;
    type->typmod = column->typmod;
    type->collation = column->collation;
    made->node = (rdb_ast_node){RDB_AST_COLUMN_DEF, -1};
    made->name = rdb_arena_strdup(context->arena, column->name);
    made->type = type;
    return made;
}

static bool copy_column(rdb_command_context *context, const rdb_relation *source, const rdb_column *column, int32_t options, rdb_list *elements, rdb_error *err)
{
    rdb_ast_column_def *made = command_column_like(context, column);
    char storage = 0, compression = 0;
    made->is_not_null = column->not_null;
    const int32_t wanted = column->generated != 0 ? RDB_SQL_LIKE_GENERATED : RDB_SQL_LIKE_DEFAULTS;
    if (column->default_tree != NULL && (options & wanted) != 0) {
        rdb_ast_constraint *value = new_constraint(context, column->generated != 0 ? RDB_SQL_CONSTRAINT_GENERATED : RDB_SQL_CONSTRAINT_DEFAULT);
        value->generated_when = 'a';
        if (!raw_of(context, source, column->default_tree, "Generation expression for column", column->name, &value->expr, err))
            return false;
        rdb_list_push(context->arena, &made->constraints, value);
    }
    if (column->identity != 0 && (options & RDB_SQL_LIKE_IDENTITY) != 0) {
        rdb_ast_constraint *identity = new_constraint(context, RDB_SQL_CONSTRAINT_IDENTITY);
        identity->generated_when = column->identity;
        if (!sequence_options(context, source, column->number, &identity->options, err))
            return false;
        rdb_list_push(context->arena, &made->constraints, identity);
    }
    if ((options & (RDB_SQL_LIKE_STORAGE | RDB_SQL_LIKE_COMPRESSION)) != 0) {
        if (!read_attribute(context, source->oid, column->number, &storage, &compression, err))
            return false;
        if ((options & RDB_SQL_LIKE_STORAGE) != 0)
            made->storage = storage;
        if ((options & RDB_SQL_LIKE_COMPRESSION) != 0)
            made->compression = compression == 'l' ? "lz4" : compression == 'p' ? "pglz" : NULL;
    }
    rdb_list_push(context->arena, elements, made);
    return true;
}

bool command_expand_like(rdb_command_context *context, const rdb_ast_like *like, rdb_list *elements, rdb_error *err)
{
    const rdb_relation *source = NULL;
    if (!open_source(context, like, &source, err))
        return false;
    for (uint16_t i = 0; i < source->column_count; i++)
        if (!source->columns[i].is_dropped && !copy_column(context, source, &source->columns[i], like->options, elements, err))
            return false;
    return true;
}

/* ---- what follows --------------------------------------------------------------------------------------------------------------- */
static bool copy_checks(rdb_command_context *context, const rdb_relation *source, uint32_t target_oid, bool comments, rdb_error *err)
{
    for (uint16_t i = 0; i < source->constraint_count; i++) {
        const rdb_constraint *constraint = &source->constraints[i];
        const rdb_relation *target = NULL;
        if (constraint->kind != 'c')
            continue;
        rdb_ast_constraint *made = new_constraint(context, RDB_SQL_CONSTRAINT_CHECK);
        made->name = rdb_arena_strdup(context->arena, constraint->name);
        made->is_no_inherit = constraint->is_no_inherit;
        made->initially_valid = true;
        if (!raw_of(context, source, constraint->check_tree, "Constraint", constraint->name, &made->expr, err) ||
            !rdb_relation_get(context->access, target_oid, &target, err) || !command_add_constraint(context, target, made, NULL, true, err) ||
            !rdb_relation_get(context->access, target_oid, &target, err))
            return false;
        for (uint16_t k = 0; comments && k < target->constraint_count; k++)
            if (strcmp(target->constraints[k].name, made->name) == 0 &&
                !command_copy_comment(context, (rdb_object_address){RDB_PG_CONSTRAINT, constraint->oid, 0},
                                      (rdb_object_address){RDB_PG_CONSTRAINT, target->constraints[k].oid, 0}, err))
                return false;
    }
    return true;
}

/* The elements of the index, as CREATE INDEX would have them. Classes and collations are put in later, by number. */
static bool raw_elements(rdb_command_context *context, const rdb_relation *source, const rdb_relation_index *index, rdb_list *keys, rdb_list *included, rdb_ast_node **where,
                         rdb_error *err)
{
    rdb_list expressions = {0};
    uint32_t expression_no = 0;
    *where = NULL;
    if (index->expression_tree != NULL) {
        rdb_expr *list = NULL;
        if (!rdb_tree_read_expr(context->arena, context->access, index->expression_tree, &list, err))
            return false;
        if (list->kind == RDB_EXPR_ROW)
            expressions = ((rdb_expr_row *)list)->fields;
        else
            rdb_list_push(context->arena, &expressions, list);
    }
    for (uint16_t i = 0; i < index->column_count; i++) {
        const int16_t number = index->columns[i].column_number;
        rdb_ast_index_elem *element = RDB_NEW(context->arena, rdb_ast_index_elem);
        element->node = (rdb_ast_node){RDB_AST_INDEX_ELEM, -1};
        if (number > 0) {
            element->name = source->columns[number - 1].name;
        } else {
            rdb_expr *expr = expressions.items[expression_no++];
            if (!find_whole_row(NULL, expr)) {
                rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot convert whole-row table reference");
                return rdb_error_detail(err, "Index \"%s\" contains a whole-row table reference.", index->name);
            }
            if (!command_raw_of_tree(context, source, expr, &element->expr, err))
                return false;
        }
        rdb_list_push(context->arena, i < index->key_count ? keys : included, element);
    }
    return index->predicate_tree == NULL || raw_of(context, source, index->predicate_tree, "Index", index->name, where, err);
}

static bool copy_index(rdb_command_context *context, const rdb_relation *source, const rdb_relation_index *index, uint32_t target_oid, bool comments, rdb_error *err)
{
    const rdb_relation *target = NULL, *index_relation = NULL;
    const rdb_constraint *constraint = NULL;
    rdb_list keys = {0}, included = {0};
    rdb_ast_node *where = NULL;
    command_index_parts parts;
    char name[RDB_NAMEDATALEN];
    uint32_t oid = 0, constraint_oid = 0;
    const char *const *options = NULL;
    uint32_t option_count = 0;
    for (uint16_t i = 0; i < source->constraint_count; i++)
        if (source->constraints[i].index_oid == index->oid && source->constraints[i].kind != 'f')
            constraint = &source->constraints[i];
    if (!rdb_relation_get(context->access, target_oid, &target, err) || !rdb_relation_get(context->access, index->oid, &index_relation, err) ||
        !raw_elements(context, source, index, &keys, &included, &where, err) ||
        !command_index_parts_read(context, target, command_index_method_name(index->method_oid), &keys, &included, where, constraint != NULL, &parts, err))
        return false;
    for (uint16_t i = 0; index->is_primary && i < target->constraint_count; i++)
        if (target->constraints[i].kind == 'p')
            return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "multiple primary keys for table \"%s\" are not allowed", target->name);
    rdb_index_column *columns = RDB_NEW_ARRAY(context->arena, rdb_index_column, index->column_count + 1u);
    const char **names = RDB_NEW_ARRAY(context->arena, const char *, index->column_count + 1u), *joined = "";
    int16_t *numbers = RDB_NEW_ARRAY(context->arena, int16_t, index->column_count + 1u);
    for (uint16_t i = 0; i < index->column_count; i++) {
        columns[i] = parts.definition.columns[i];
        numbers[i] = columns[i].column_number;
        names[i] = index_relation->columns[i].name;
        if (i >= index->key_count)
            continue;
        columns[i].opclass_oid = index->columns[i].opclass_oid;
        if (!index->columns[i].orders_bytes)
            columns[i].collation = index->columns[i].collation;
        columns[i].is_descending = index->columns[i].is_descending;
        columns[i].nulls_first = index->columns[i].nulls_first;
    }
    command_index_column_names(context, names, index->column_count, &joined);
    const char *label = index->is_primary ? "pkey" : index->is_exclusion ? "excl" : constraint != NULL ? "key" : "idx";
    if (!command_choose_name(context, target->name, index->is_primary ? NULL : joined, label, target->namespace_oid, name, err))
        return false;
    parts.definition.name = name;
    parts.definition.columns = columns;
    parts.definition.column_names = names;
    parts.definition.is_unique = index->is_unique;
    parts.definition.is_primary = index->is_primary;
    parts.definition.is_exclusion = index->is_exclusion;
    parts.definition.is_immediate = index->is_immediate;
    parts.definition.nulls_not_distinct = index->index.nulls_not_distinct;
    if (!rdb_ddl_create_index(context->access, &parts.definition, &oid, err) ||
        !rdb_ddl_get_options(context->access, index->oid, context->arena, &options, &option_count, err) ||
        (option_count > 0 && !rdb_ddl_set_options(context->access, oid, options, option_count, err)))
        return false;
    if (constraint != NULL) {
        const rdb_constraint_definition definition = {.name = name, .kind = constraint->kind, .relation_oid = target->oid, .namespace_oid = target->namespace_oid,
                                                      .is_validated = true, .is_deferrable = constraint->is_deferrable, .is_deferred = constraint->is_deferred,
                                                      .columns = numbers, .column_count = index->key_count, .index_oid = oid,
                                                      .exclusion_operators = constraint->exclusion_operators, .exclusion_count = constraint->exclusion_count};
        if (!rdb_ddl_create_constraint(context->access, &definition, &constraint_oid, err) ||
            (comments && !command_copy_comment(context, (rdb_object_address){RDB_PG_CONSTRAINT, constraint->oid, 0}, (rdb_object_address){RDB_PG_CONSTRAINT, constraint_oid, 0}, err)))
            return false;
    }
    return (!comments || command_copy_comment(context, (rdb_object_address){RDB_PG_CLASS, index->oid, 0}, (rdb_object_address){RDB_PG_CLASS, oid, 0}, err)) &&
           command_fill_index(context, target_oid, oid, err);
}

static bool copy_column_comments(rdb_command_context *context, const rdb_relation *source, uint32_t target_oid, rdb_error *err)
{
    const rdb_relation *target = NULL;
    if (!rdb_relation_get(context->access, target_oid, &target, err))
        return false;
    for (uint16_t i = 0; i < source->column_count; i++) {
        const int16_t number = source->columns[i].is_dropped ? 0 : command_find_column(target, source->columns[i].name);
        if (number != 0 && !command_copy_comment(context, (rdb_object_address){RDB_PG_CLASS, source->oid, i + 1}, (rdb_object_address){RDB_PG_CLASS, target_oid, number}, err))
            return false;
    }
    return true;
}

static rdb_ast_node *statistics_element(rdb_command_context *context, const char *name, rdb_ast_node *expr)
{
    rdb_ast_statistics_elem *element = RDB_NEW(context->arena, rdb_ast_statistics_elem);
    element->node = (rdb_ast_node){RDB_AST_STATISTICS_ELEM, -1};
    element->name = name;
    element->expr = expr;
    return &element->node;
}

/* The statistics object of the row as CREATE STATISTICS would have it, without a name: it gets one as if it were new. */
static bool raw_statistics(rdb_command_context *context, const rdb_relation *source, const rdb_catalog_row *row, rdb_ast_create_statistics *made, rdb_error *err)
{
    static const struct { char letter; const char *word; } KINDS[] = {{'d', "ndistinct"}, {'f', "dependencies"}, {'m', "mcv"}};
    rdb_array_shape columns, kinds;
    rdb_datum item;
    rdb_expr *list = NULL;
    rdb_array_get_shape(row->values[RDB_pg_statistic_ext_stxkeys - 1], &columns);
    rdb_array_get_shape(row->values[RDB_pg_statistic_ext_stxkind - 1], &kinds);
    for (uint32_t i = 0; i < columns.count; i++)
        if (rdb_array_get(row->values[RDB_pg_statistic_ext_stxkeys - 1], i, &item) && item.i16 > 0 && item.i16 <= source->column_count)
            rdb_list_push(context->arena, &made->elements, statistics_element(context, source->columns[item.i16 - 1].name, NULL));
    for (uint32_t i = 0; i < kinds.count; i++)
        for (size_t k = 0; rdb_array_get(row->values[RDB_pg_statistic_ext_stxkind - 1], i, &item) && k < RDB_COUNT_OF(KINDS); k++)
            if (item.i8 == KINDS[k].letter) {
                rdb_ast_value *word = RDB_NEW(context->arena, rdb_ast_value);
                *word = (rdb_ast_value){.node = {RDB_AST_VALUE, -1}, .kind = RDB_SQL_VALUE_STRING, .text = KINDS[k].word};
                rdb_list_push(context->arena, &made->kinds, word);
            }
    if (row->is_null[RDB_pg_statistic_ext_stxexprs - 1])
        return true;
    const rdb_datum text = row->values[RDB_pg_statistic_ext_stxexprs - 1];
    if (!rdb_tree_read_expr(context->arena, context->access, rdb_arena_strndup(context->arena, (const char *)text.bytes.data, text.bytes.length), &list, err))
        return false;
    const rdb_list *exprs = list->kind == RDB_EXPR_ROW ? &((rdb_expr_row *)list)->fields : NULL;
    for (uint32_t i = 0; i < (exprs != NULL ? exprs->count : 1); i++) {
        rdb_ast_node *raw = NULL;
        if (!command_raw_of_tree(context, source, exprs != NULL ? exprs->items[i] : list, &raw, err))
            return false;
        rdb_list_push(context->arena, &made->elements, statistics_element(context, NULL, raw));
    }
    return true;
}

static bool copy_statistics(rdb_command_context *context, const rdb_relation *source, uint32_t target_oid, bool comments, rdb_error *err)
{
    enum { PG_STATISTIC_EXT = 3381 };
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    rdb_list all = {0}, oids = {0};
    bool found = true;
    const rdb_relation *target = NULL;
    bool ok = rdb_catalog_scan_open(&scan, context->access, PG_STATISTIC_EXT, 0, NULL, 0, context->arena, err);
    while (ok && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) {
        if (row.values[RDB_pg_statistic_ext_stxrelid - 1].oid != source->oid)
            continue;
        rdb_ast_create_statistics *made = RDB_NEW(context->arena, rdb_ast_create_statistics);
        made->node = (rdb_ast_node){RDB_AST_CREATE_STATISTICS, -1};
        rdb_list_push(context->arena, &all, made);
        rdb_list_push(context->arena, &oids, (void *)(uintptr_t)row.values[RDB_pg_statistic_ext_oid - 1].oid);
        ok = raw_statistics(context, source, &row, made, err);
    }
    rdb_catalog_scan_close(&scan);
    if (!ok || all.count == 0)
        return ok;
    if (!rdb_relation_get(context->access, target_oid, &target, err))
        return false;
    rdb_ast_table place = {.node = {RDB_AST_TABLE, -1}, .name = rdb_arena_strdup(context->arena, target->name),
                           .schema = rdb_arena_strdup(context->arena, target->namespace_name)};
    for (uint32_t i = 0; i < all.count; i++) {
        rdb_ast_create_statistics *made = all.items[i];
        const uint32_t source_oid = (uint32_t)(uintptr_t)oids.items[i];
        uint32_t oid = 0;
        rdb_list_push(context->arena, &made->tables, &place);
        if (!command_make_statistics(context, made, &oid, err) ||
            (comments && !command_copy_comment(context, (rdb_object_address){PG_STATISTIC_EXT, source_oid, 0}, (rdb_object_address){PG_STATISTIC_EXT, oid, 0}, err)))
            return false;
    }
    return true;
}

bool command_finish_like(rdb_command_context *context, const rdb_ast_like *like, uint32_t target_oid, rdb_error *err)
{
    const rdb_relation *source = NULL;
    const bool comments = (like->options & RDB_SQL_LIKE_COMMENTS) != 0;
    if (!open_source(context, like, &source, err))
        return false;
    if ((like->options & RDB_SQL_LIKE_CONSTRAINTS) != 0 && !copy_checks(context, source, target_oid, comments, err))
        return false;
    for (uint16_t i = 0; (like->options & RDB_SQL_LIKE_INDEXES) != 0 && i < source->index_count; i++)
        if (!copy_index(context, source, &source->indexes[i], target_oid, comments, err))
            return false;
    if ((like->options & RDB_SQL_LIKE_STATISTICS) != 0 && !copy_statistics(context, source, target_oid, comments, err))
        return false;
    return !comments || copy_column_comments(context, source, target_oid, err);
}
