/* SPDX-License-Identifier: Apache-2.0
 * CREATE and ALTER STATISTICS: what is to be known of several columns together. ANALYZE gathers it (analyze_extended.c). */
#include "command/command_int.h"

#include <stdlib.h>

enum { COLUMNS_MAX = 8 };

typedef struct statistics_parts {
    int16_t columns[COLUMNS_MAX];
    uint16_t column_count;
    rdb_list expressions;
    rdb_strbuf joined; /* a_b_expr: for the name */
    command_uses uses;
} statistics_parts;

static const char *shown(rdb_command_context *context, const rdb_type *type)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, context->arena);
    rdb_type_format_name(type, -1, false, &text);
    return text.data;
}

static bool add_column(rdb_command_context *context, const rdb_relation *relation, const char *name, statistics_parts *parts, rdb_error *err)
{
    static const char *const SYSTEM_NAMES[] = {"ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"};
    const int16_t number = command_find_column(relation, name);
    uint32_t opclass_oid = 0;
    for (size_t i = 0; i < RDB_COUNT_OF(SYSTEM_NAMES) && number == 0; i++)
        if (strcmp(name, SYSTEM_NAMES[i]) == 0)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "statistics creation on system columns is not supported");
    if (number == 0)
        return rdb_error_set(err, RDB_UNDEFINED_COLUMN, "column \"%s\" does not exist", name);
    const rdb_type *type = relation->columns[number - 1].type;
    if (!rdb_opclass_default(context->access, type->oid, &opclass_oid, err))
        return false;
    if (opclass_oid == 0)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "column \"%s\" cannot be used in statistics because its type %s has no default btree operator class", name, shown(context, type));
    parts->columns[parts->column_count++] = number;
    return true;
}

static bool add_expression(rdb_command_context *context, const rdb_relation *relation, rdb_ast_node *raw, bool is_alone, statistics_parts *parts, rdb_error *err)
{
    rdb_analysis analysis;
    rdb_expr *expr = NULL;
    uint32_t opclass_oid = 0;
    command_analysis(context, &analysis);
    if (!rdb_expr_analyse(&analysis, relation, raw, NULL, -1, "statistics expressions", &expr, err))
        return false;
    if (expr->kind == RDB_EXPR_VAR)
        return add_column(context, relation, relation->columns[((const rdb_expr_var *)expr)->attribute_no - 1].name, parts, err);
    if (!rdb_opclass_default(context->access, expr->type->oid, &opclass_oid, err))
        return false;
    if (opclass_oid == 0 && !is_alone)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "expression cannot be used in multivariate statistics because its type %s has no default btree operator class", shown(context, expr->type));
    for (uint32_t i = 0; i < parts->expressions.count; i++)
        if (rdb_expr_equal(parts->expressions.items[i], expr))
            return rdb_error_set(err, RDB_DUPLICATE_COLUMN, "duplicate expression in statistics definition");
    rdb_list_push(context->arena, &parts->expressions, expr);
    return command_expr_uses(context, relation, expr, &parts->uses, err);
}

static int compare_numbers(const void *left, const void *right)
{
    return *(const int16_t *)left - *(const int16_t *)right;
}

static bool read_parts(rdb_command_context *context, const rdb_ast_create_statistics *statement, const rdb_relation *relation, statistics_parts *parts, rdb_error *err)
{
    rdb_strbuf_init(&parts->joined, context->arena);
    if (statement->elements.count > COLUMNS_MAX)
        return rdb_error_set(err, RDB_TOO_MANY_COLUMNS, "cannot have more than %d columns in statistics", COLUMNS_MAX);
    for (uint32_t i = 0; i < statement->elements.count; i++) {
        const rdb_ast_statistics_elem *element = statement->elements.items[i];
        rdb_strbuf_addf(&parts->joined, "%s%s", i > 0 ? "_" : "", element->name != NULL ? element->name : "expr");
        if (element->name != NULL ? !add_column(context, relation, element->name, parts, err)
                                  : !add_expression(context, relation, element->expr, statement->elements.count == 1, parts, err))
            return false;
    }
    if (parts->column_count + parts->expressions.count < 2 && parts->expressions.count != 1)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "extended statistics require at least 2 columns");
    if (parts->column_count + parts->expressions.count == 1 && statement->kinds.count > 0)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "when building statistics on a single expression, statistics kinds may not be specified");
    qsort(parts->columns, parts->column_count, sizeof parts->columns[0], compare_numbers);
    for (uint16_t i = 1; i < parts->column_count; i++)
        if (parts->columns[i] == parts->columns[i - 1])
            return rdb_error_set(err, RDB_DUPLICATE_COLUMN, "duplicate column name in statistics definition");
    return true;
}

static bool read_kinds(const rdb_list *written, bool is_single, bool has_expressions, char kinds[8], rdb_error *err)
{
    static const struct { const char *word; char letter; } KINDS[] = {{"ndistinct", 'd'}, {"dependencies", 'f'}, {"mcv", 'm'}};
    bool wanted[RDB_COUNT_OF(KINDS)] = {false};
    uint32_t count = 0;
    for (uint32_t i = 0; i < written->count; i++) {
        const char *word = ((const rdb_ast_value *)written->items[i])->text;
        size_t k = 0;
        while (k < RDB_COUNT_OF(KINDS) && strcmp(KINDS[k].word, word) != 0)
            k++;
        if (k == RDB_COUNT_OF(KINDS))
            return rdb_error_set(err, RDB_SYNTAX_ERROR, "unrecognized statistics kind \"%s\"", word);
        wanted[k] = true;
    }
    for (size_t k = 0; k < RDB_COUNT_OF(KINDS) && !is_single; k++)
        if (wanted[k] || written->count == 0)
            kinds[count++] = KINDS[k].letter;
    if (has_expressions)
        kinds[count++] = 'e';
    kinds[count] = '\0';
    return true;
}

static bool choose_name(rdb_command_context *context, const rdb_relation *relation, const char *joined, uint32_t namespace_oid, char name[RDB_NAMEDATALEN], rdb_error *err)
{
    char label[32] = "stat";
    for (unsigned attempt = 1;; attempt++) {
        uint32_t taken = 0;
        command_make_name(relation->name, joined, label, name);
        if (!rdb_ddl_find_statistics(context->access, namespace_oid, name, &taken, err) || taken == 0)
            return !rdb_error_is_set(err);
        snprintf(label, sizeof label, "stat%u", attempt);
    }
}

static bool write_expressions(rdb_command_context *context, const rdb_list *expressions, const char **tree, rdb_error *err)
{
    rdb_expr_row *row = RDB_NEW(context->arena, rdb_expr_row);
    const rdb_type *record = NULL;
    rdb_strbuf text;
    rdb_strbuf_init(&text, context->arena);
    if (expressions->count == 0)
        return true;
    if (!rdb_type_get(context->access, RDB_RECORDOID, &record, err))
        return false;
    row->head = (rdb_expr){.kind = RDB_EXPR_ROW, .location = -1, .type = record, .typmod = -1};
    row->fields = *expressions;
    if (!rdb_tree_write_expr(&row->head, &text, err) || !rdb_strbuf_check(&text, err))
        return false;
    *tree = text.data;
    return true;
}

bool command_make_statistics(rdb_command_context *context, const rdb_ast_create_statistics *statement, uint32_t *made_oid, rdb_error *err)
{
    const rdb_relation *relation = NULL;
    statistics_parts parts = {0};
    rdb_statistics_definition definition = {.owner_oid = context->role->oid};
    char name[RDB_NAMEDATALEN], kinds[8];
    const rdb_ast_names *named = &statement->name;
    *made_oid = 0;
    if (statement->tables.count != 1 || ((const rdb_ast_node *)statement->tables.items[0])->tag != RDB_AST_TABLE)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "only a single relation is allowed in CREATE STATISTICS");
    if (!command_open_table(context, statement->tables.items[0], RDB_LOCK_SHARE_UPDATE_EXCLUSIVE, false, &relation, err))
        return false;
    if (relation->kind != 'r' && relation->kind != 'm' && relation->kind != 'p') {
        rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot define statistics for relation \"%s\"", relation->name);
        return rdb_error_detail(err, "This operation is not supported for %s.", relation->kind == 'v' ? "views" : relation->kind == 'S' ? "sequences" : relation->kind == 'i' ? "indexes" : "composite types");
    }
    if (!command_check_owner(context, relation, err))
        return false;
    definition.namespace_oid = relation->namespace_oid;
    if (named->count > 0) {
        const rdb_ast_table place = {.node = {RDB_AST_TABLE, -1}, .name = named->items[named->count - 1], .schema = named->count > 1 ? named->items[named->count - 2] : NULL};
        if (!command_creation_namespace(context, &place, &definition.namespace_oid, err))
            return false;
        snprintf(name, sizeof name, "%s", place.name);
        if (!rdb_ddl_find_statistics(context->access, definition.namespace_oid, name, made_oid, err))
            return false;
        if (*made_oid != 0 && statement->if_not_exists) {
            command_notice(context, "NOTICE", RDB_DUPLICATE_OBJECT, "statistics object \"%s\" already exists, skipping", name);
            return true;
        }
        if (*made_oid != 0)
            return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "statistics object \"%s\" already exists", name);
    }
    if (!read_parts(context, statement, relation, &parts, err) ||
        !read_kinds(&statement->kinds, parts.column_count + parts.expressions.count == 1, parts.expressions.count > 0, kinds, err) ||
        (named->count == 0 && !choose_name(context, relation, parts.joined.data, definition.namespace_oid, name, err)) ||
        !write_expressions(context, &parts.expressions, &definition.expression_tree, err))
        return false;
    definition.name = name;
    definition.relation_oid = relation->oid;
    definition.columns = parts.columns;
    definition.column_count = parts.column_count;
    definition.kinds = kinds;
    definition.uses = parts.uses.items;
    definition.use_count = parts.uses.count;
    return rdb_ddl_create_statistics(context->access, &definition, made_oid, err);
}

bool command_create_statistics(rdb_command_context *context, const rdb_ast_create_statistics *statement, rdb_error *err)
{
    uint32_t oid = 0;
    return command_make_statistics(context, statement, &oid, err);
}

bool command_statistics_target(rdb_command_context *context, int32_t said, int32_t *target, rdb_error *err)
{
    enum { TARGET_MAX = 10000 };
    *target = said;
    if (said < -1)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "statistics target %d is too low", said);
    if (said > TARGET_MAX) {
        *target = TARGET_MAX;
        command_notice(context, "WARNING", RDB_INVALID_PARAMETER_VALUE, "lowering statistics target to %d", *target);
    }
    return true;
}

bool command_alter_statistics(rdb_command_context *context, const rdb_ast_alter_statistics *statement, rdb_error *err)
{
    const rdb_ast_items name = {.node = {RDB_AST_LIST, -1}, .items = statement->name};
    command_object object;
    int32_t target;
    return command_statistics_target(context, statement->target, &target, err) &&
           command_find_object(context, RDB_SQL_OBJECT_STATISTIC_EXT, NULL, &name.node, NULL, statement->missing_ok, &object, err) &&
           (object.address.object_oid == 0 ||
            (command_check_object_owner(context, &object, err) && rdb_ddl_set_statistics_target(context->access, object.address.object_oid, target, err)));
}
