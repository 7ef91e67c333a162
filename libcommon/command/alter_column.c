/* SPDX-License-Identifier: Apache-2.0
 * ALTER TABLE ADD COLUMN and ALTER COLUMN TYPE: what old rows read in a new column is one value kept in the catalog where all rows
 * get the same; else, and where bytes of a type change, the table is rewritten. */
#include "command/command_int.h"

static bool has_rows(rdb_command_context *context, const rdb_relation *relation, bool *has, rdb_error *err)
{
    rdb_table_scan *scan = NULL;
    rdb_snapshot latest;
    rdb_row_address address;
    uint32_t count = 0;
    *has = false;
    if (relation->kind == 'p')
        return true;
    rdb_txn_latest_snapshot(context->txn, &latest);
    bool ok = rdb_table_scan_open(&scan, &relation->table, context->txn, &latest, NULL, 0, 0, UINT64_MAX, context->arena, err) &&
              rdb_table_scan_next(scan, 1, context->arena, NULL, &address, NULL, &count, err);
    rdb_table_scan_close(&scan);
    *has = count > 0;
    return ok;
}

/* ---- ADD COLUMN ------------------------------------------------------------------------------------------------------------ */
/* What rows that are there already read: the default's value now, where it is the same for all. */
static bool missing_value(rdb_command_context *context, rdb_column_definition *column, bool *is_volatile, rdb_error *err)
{
    rdb_plan_context plan = {.arena = context->arena, .access = context->access, .format = context->format};
    rdb_eval *eval = command_eval(context);
    rdb_expr *source = NULL, *expr = NULL;
    rdb_program *program = NULL;
    bool is_null = true;
    const rdb_column added = {.type = column->type, .typmod = column->typmod, .collation = column->collation, .default_tree = column->default_tree};
    plan.session = eval;
    if (!rdb_column_default(context->arena, context->access, &added, &source, err))
        return false;
    if (source == NULL)
        return true;
    *is_volatile = rdb_expr_volatility(source) == 'v';
    if (*is_volatile)
        return true;
    if (!rdb_plan_make_expr(&plan, NULL, source, &expr, err) || !rdb_program_compile(&program, context->arena, eval, &expr, 1, err) ||
        !rdb_program_value(program, eval, context->arena, 0, &column->missing_value, &is_null, err))
        return false;
    column->has_missing = !is_null;
    return true;
}

/* Rows that are there get values of their own. */
static bool fill_new_column(rdb_command_context *context, const rdb_relation *old, const rdb_relation *relation, int16_t number, rdb_error *err)
{
    rdb_expr **exprs = RDB_NEW_ARRAY(context->arena, rdb_expr *, (uint32_t)number + 1);
    if (!command_reload(context, &relation, err))
        return false;
    const rdb_column *column = &relation->columns[number - 1];
    if (column->identity != 0) {
        rdb_expr_next_value *next = RDB_NEW(context->arena, rdb_expr_next_value);
        next->head = (rdb_expr){.kind = RDB_EXPR_NEXT_VALUE, .location = -1, .type = column->type, .typmod = -1};
        if (!rdb_sequence_of_column(context->access, relation->oid, number, &next->sequence_oid, err))
            return false;
        exprs[number - 1] = &next->head;
    } else if (column->generated == 0 && !rdb_column_default(context->arena, context->access, column, &exprs[number - 1], err)) {
        return false;
    }
    return command_rewrite_table(context, old, exprs, false, err);
}

bool command_add_column(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err)
{
    static const char *const SYSTEM_NAMES[] = {"ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"};
    const rdb_ast_column_def *raw = (const rdb_ast_column_def *)command->def;
    rdb_column_definition column;
    const char *serial_type = NULL;
    int16_t number = 0;
    bool is_filled = false;
    if (!command_refuse_typed(relation, "add column to", err))
        return false;
    if (command_find_column(relation, raw->name) != 0) {
        if (!command->missing_ok)
            return rdb_error_set(err, RDB_DUPLICATE_COLUMN, "column \"%s\" of relation \"%s\" already exists", raw->name, relation->name);
        command_notice(context, "NOTICE", RDB_DUPLICATE_COLUMN, "column \"%s\" of relation \"%s\" already exists, skipping", raw->name, relation->name);
        return true;
    }
    for (size_t i = 0; i < RDB_COUNT_OF(SYSTEM_NAMES); i++)
        if (strcmp(raw->name, SYSTEM_NAMES[i]) == 0)
            return rdb_error_set(err, RDB_DUPLICATE_COLUMN, "column name \"%s\" conflicts with a system column name", raw->name);
    if (!command_define_column(context, relation->name, raw, &column, &serial_type, err) ||
        !command_check_column_type(context, raw->name, column.type, relation->row_type_oid, err) || !has_rows(context, relation, &is_filled, err))
        return false;
    bool rewrites = is_filled && (serial_type != NULL || column.identity != 0 || column.generated != 0);
    if (is_filled && !rewrites && !missing_value(context, &column, &rewrites, err))
        return false;
    const rdb_relation *old = relation;
    if (is_filled && !rewrites && column.not_null && !column.has_missing) {
        rdb_error_set(err, RDB_NOT_NULL_VIOLATION, "column \"%s\" of relation \"%s\" contains null values", raw->name, relation->name);
        rdb_error_name(err, RDB_ERROR_SCHEMA, relation->namespace_name);
        rdb_error_name(err, RDB_ERROR_TABLE, relation->name);
        return rdb_error_name(err, RDB_ERROR_COLUMN, raw->name);
    }
    if (!rdb_ddl_add_column(context->access, relation->oid, &column, &number, err) || !command_reload(context, &relation, err))
        return false;
    const rdb_list *options = NULL;
    for (uint32_t i = 0; i < raw->constraints.count; i++) {
        const rdb_ast_constraint *constraint = raw->constraints.items[i];
        if (constraint->kind == RDB_SQL_CONSTRAINT_IDENTITY)
            options = &constraint->options;
    }
    if ((serial_type != NULL || column.identity != 0) &&
        (!command_add_serial(context, relation, number, column.type->oid, column.identity, options, err) || !command_reload(context, &relation, err)))
        return false;
    if (!command_column_storage(context, relation, number, raw, err))
        return false;
    for (uint32_t i = 0; i < raw->constraints.count; i++) {
        const rdb_ast_constraint *constraint = raw->constraints.items[i];
        if (constraint->kind == RDB_SQL_CONSTRAINT_GENERATED) {
            const char *tree = NULL;
            command_uses uses = {0};
            if (!command_default_tree(context, relation, constraint->expr, column.type, column.typmod, raw->name, &tree, &uses, err) ||
                !rdb_ddl_set_default_using(context->access, relation->oid, number, tree, uses.items, uses.count, err)) {
                err->position = 0; /* as PostgreSQL: here the expression is none of a statement's text */
                return false;
            }
        }
    }
    if (rewrites && !fill_new_column(context, old, relation, number, err))
        return false;
    for (uint32_t i = 0; i < raw->constraints.count; i++) {
        const rdb_ast_constraint *constraint = raw->constraints.items[i];
        if (!command_reload(context, &relation, err))
            return false;
        switch (constraint->kind) {
        case RDB_SQL_CONSTRAINT_CHECK:
        case RDB_SQL_CONSTRAINT_PRIMARY:
        case RDB_SQL_CONSTRAINT_UNIQUE:
        case RDB_SQL_CONSTRAINT_FOREIGN:
            if (!command_add_constraint(context, relation, constraint, raw->name, false, err))
                return false;
            break;
        default:
            break;
        }
    }
    return true;
}

/* Without touching a row: the bytes of old values are values of the new type, all of them. */
static bool is_same_bytes(const rdb_column *column, const rdb_type *type, int32_t typmod)
{
    enum { VARCHAR_HEADER = 4 };
    const uint32_t from = column->type->oid, to = type->oid;
    const bool texts = (from == RDB_TEXTOID || from == RDB_VARCHAROID) && (to == RDB_TEXTOID || to == RDB_VARCHAROID);
    if (from == to && (typmod == column->typmod || typmod < 0))
        return from != RDB_BPCHAROID || typmod == column->typmod;
    if (texts) /* wider or without a bound */
        return to == RDB_TEXTOID || typmod < VARCHAR_HEADER || (from == RDB_VARCHAROID && column->typmod >= VARCHAR_HEADER && typmod >= column->typmod);
    return false;
}

/* ---- what depends on the column -------------------------------------------------------------------------------------------- */
typedef struct column_change {
    rdb_command_context *context;
    const rdb_relation *relation; /* before the change */
    const rdb_column *column;
    const rdb_type *type;         /* what it becomes */
    int32_t typmod;
    uint32_t collation;
} column_change;

static bool expr_names_column(void *number_at, rdb_expr *expr)
{
    if (expr == NULL)
        return true;
    if (expr->kind == RDB_EXPR_VAR && ((const rdb_expr_var *)expr)->attribute_no == *(const int16_t *)number_at)
        return false;
    return rdb_expr_visit_children(expr, expr_names_column, number_at);
}

static bool tree_names_column(column_change *change, const char *tree, bool *names, rdb_expr **expr, rdb_error *err)
{
    int16_t number = change->column->number;
    *names = false;
    if (tree == NULL)
        return true;
    if (!rdb_tree_read_expr(change->context->arena, change->context->access, tree, expr, err))
        return false;
    *names = !expr_names_column(&number, *expr);
    return true;
}

/* Views and generated columns hold the type in their trees: they must go first. */
static bool refuse_users(column_change *change, rdb_error *err)
{
    enum { DEPEND_REFERENCE_INDEX = 2674 };
    rdb_command_context *context = change->context;
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true;
    const rdb_relation *relation = change->relation;
    const rdb_datum keys[] = {{.oid = RDB_PG_CLASS}, {.oid = relation->oid}, {.i32 = change->column->number}};
    for (uint16_t i = 0; i < relation->column_count; i++) {
        bool names = false;
        rdb_expr *expr = NULL;
        const rdb_column *column = &relation->columns[i];
        if (column->is_dropped || column->generated == 0 || column->number == change->column->number)
            continue;
        if (!tree_names_column(change, column->default_tree, &names, &expr, err))
            return false;
        if (names) {
            rdb_error_set(err, RDB_SYNTAX_ERROR, "cannot alter type of a column used by a generated column");
            return rdb_error_detail(err, "Column \"%s\" is used by generated column \"%s\".", change->column->name, column->name);
        }
    }
    bool ok = rdb_catalog_scan_open(&scan, context->access, RDB_PG_DEPEND, DEPEND_REFERENCE_INDEX, keys, 3, context->arena, err);
    while (ok && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) {
        const rdb_object_address user = {row.values[RDB_pg_depend_classid - 1].oid, row.values[RDB_pg_depend_objid - 1].oid, 0};
        rdb_strbuf name;
        if (user.catalog_oid != RDB_PG_REWRITE)
            continue;
        rdb_strbuf_init(&name, context->arena);
        if (rdb_object_describe(context->access, user, &name, err)) {
            rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot alter type of a column used by a view or rule");
            rdb_error_detail(err, "%s depends on column \"%s\"", name.data, change->column->name);
        }
        ok = false;
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

/* ---- trees anew ------------------------------------------------------------------------------------------------------------------ */
static bool analyse_again(column_change *change, rdb_expr *expr, const rdb_type *target, int32_t typmod, const char *what, const char **tree, rdb_error *err)
{
    rdb_command_context quiet = *change->context;
    const rdb_relation *relation = change->relation;
    rdb_analysis analysis;
    rdb_ast_node *raw = NULL;
    rdb_expr *again = NULL;
    rdb_strbuf text;
    quiet.text = NULL; /* places would be those of the stored text */
    command_analysis(&quiet, &analysis);
    rdb_strbuf_init(&text, quiet.arena);
    if (!command_raw_of_tree(&quiet, relation, expr, &raw, err) || !command_reload(&quiet, &relation, err) ||
        !rdb_expr_analyse(&analysis, relation, raw, target, typmod, what, &again, err) || !rdb_tree_write_expr(again, &text, err) || !rdb_strbuf_check(&text, err))
        return false;
    *tree = text.data;
    return true;
}

static bool renew_index(column_change *change, const rdb_relation_index *index, rdb_error *err)
{
    rdb_access *access = change->context->access;
    for (uint16_t k = 0; k < index->column_count; k++) {
        uint32_t opclass_oid = 0;
        if (index->columns[k].column_number != change->column->number)
            continue;
        if (index->kind == RDB_INDEX_ORDERED ? !rdb_opclass_default(access, change->type->oid, &opclass_oid, err)
                                             : !command_index_class(change->context, index->method_oid, change->type, index->columns[k].opclass_oid, &opclass_oid, err))
            return false;
        if (opclass_oid == 0 && k < index->key_count) {
            rdb_strbuf name;
            rdb_strbuf_init(&name, change->context->arena);
            rdb_type_format_name(change->type, -1, false, &name);
            rdb_error_set(err, RDB_UNDEFINED_OBJECT, "data type %s has no default operator class for access method \"%s\"", name.data, command_index_method_name(index->method_oid));
            return rdb_error_hint(err, "You must specify an operator class for the index or define a default operator class for the data type.");
        }
        if (!rdb_ddl_set_index_key_type(access, index->oid, k, change->type, change->typmod, change->collation, opclass_oid, err))
            return false;
    }
    bool names = false;
    rdb_expr *expr = NULL;
    const char *tree = NULL;
    if (!tree_names_column(change, index->predicate_tree, &names, &expr, err))
        return false;
    if (names && (!analyse_again(change, expr, NULL, -1, "index predicates", &tree, err) || !rdb_ddl_set_index_trees(access, index->oid, NULL, tree, err)))
        return false;
    if (!tree_names_column(change, index->expression_tree, &names, &expr, err))
        return false;
    return !names || rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "the type of a column that index \"%s\" has an expression over cannot be changed yet", index->name);
}

static bool renew_checks(column_change *change, rdb_error *err)
{
    const rdb_type *boolean = NULL;
    if (!rdb_type_get(change->context->access, RDB_BOOLOID, &boolean, err))
        return false;
    for (uint16_t i = 0; i < change->relation->constraint_count; i++) {
        const rdb_constraint *constraint = &change->relation->constraints[i];
        bool names = false;
        rdb_expr *expr = NULL;
        const char *tree = NULL;
        if (constraint->kind != 'c' || !tree_names_column(change, constraint->check_tree, &names, &expr, err)) {
            if (rdb_error_is_set(err))
                return false;
            continue;
        }
        if (names && (!analyse_again(change, expr, boolean, -1, "check constraints", &tree, err) ||
                      !rdb_ddl_set_check_tree(change->context->access, constraint->oid, tree, err)))
            return false;
    }
    return true;
}

/* Extended statistics over the column: of its old values nothing is known any more. */
static bool renew_statistics(column_change *change, rdb_error *err)
{
    rdb_command_context *context = change->context;
    const rdb_statistics_object *objects = NULL;
    uint32_t count = 0;
    if (!rdb_ddl_list_statistics(context->access, change->relation->oid, context->arena, &objects, &count, err))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        bool names = false, is_over = false;
        rdb_expr *expr = NULL;
        const char *tree = NULL;
        for (uint32_t k = 0; k < objects[i].column_count; k++)
            is_over = is_over || objects[i].columns[k] == change->column->number;
        if (!tree_names_column(change, objects[i].expression_tree, &names, &expr, err) || (names && !analyse_again(change, expr, NULL, -1, "statistics expressions", &tree, err)) ||
            ((names || is_over) && !rdb_ddl_renew_statistics(context->access, change->relation->oid, objects[i].oid, tree, err)))
            return false;
    }
    return true;
}

static const char *type_name(rdb_command_context *context, const rdb_type *type, int32_t typmod, bool with_typmod)
{
    rdb_strbuf name;
    rdb_strbuf_init(&name, context->arena);
    rdb_type_format_name(type, typmod, with_typmod, &name);
    return name.data;
}

/* The default that the column has, as one of the new type. */
static bool convert_default(column_change *change, const char **tree, rdb_error *err)
{
    rdb_expr *expr = NULL;
    *tree = NULL;
    if (change->column->default_tree == NULL || change->column->generated != 0)
        return true;
    if (!rdb_tree_read_expr(change->context->arena, change->context->access, change->column->default_tree, &expr, err))
        return false;
    /* Without the coercion to the old type, which would stand between. */
    while ((expr->kind == RDB_EXPR_RELABEL && ((rdb_expr_unary *)expr)->form == RDB_FORM_IMPLICIT_CAST) ||
           (expr->kind == RDB_EXPR_FUNCTION && ((rdb_expr_function *)expr)->form == RDB_FORM_IMPLICIT_CAST))
        expr = expr->kind == RDB_EXPR_RELABEL ? ((rdb_expr_unary *)expr)->argument : ((rdb_expr_function *)expr)->arguments.items[0];
    if (analyse_again(change, expr, change->type, change->typmod, "DEFAULT expressions", tree, err))
        return true;
    if (!rdb_error_is(err, RDB_DATATYPE_MISMATCH))
        return false;
    rdb_error_clear(err);
    return rdb_error_set(err, RDB_DATATYPE_MISMATCH, "default for column \"%s\" cannot be cast automatically to type %s", change->column->name,
                         type_name(change->context, change->type, -1, false));
}

/* USING, or the column itself, as a value of the new type. */
static bool conversion(column_change *change, rdb_ast_node *written, rdb_expr **expr, rdb_error *err)
{
    rdb_command_context *context = change->context;
    rdb_analysis analysis;
    rdb_expr *alone = NULL;
    rdb_ast_node *raw = written;
    command_analysis(context, &analysis);
    if (raw == NULL) {
        rdb_ast_column *column = RDB_NEW(context->arena, rdb_ast_column);
        column->node = (rdb_ast_node){RDB_AST_COLUMN, -1};
        column->names.items = RDB_NEW_ARRAY(context->arena, const char *, 1);
        column->names.items[0] = change->column->name;
        column->names.count = 1;
        raw = &column->node;
    }
    if (!rdb_expr_analyse(&analysis, change->relation, raw, NULL, -1, "transform expressions", &alone, err))
        return false;
    if (rdb_expr_analyse(&analysis, change->relation, raw, change->type, change->typmod, "transform expressions", expr, err))
        return true;
    if (!rdb_error_is(err, RDB_DATATYPE_MISMATCH))
        return false;
    rdb_error_clear(err);
    const char *name = type_name(context, change->type, change->typmod, true);
    if (written != NULL) {
        rdb_error_set(err, RDB_DATATYPE_MISMATCH, "result of USING clause for column \"%s\" cannot be cast automatically to type %s", change->column->name,
                      type_name(context, change->type, -1, false));
        return rdb_error_hint(err, "You might need to add an explicit cast.");
    }
    rdb_error_set(err, RDB_DATATYPE_MISMATCH, "column \"%s\" cannot be cast automatically to type %s", change->column->name, type_name(context, change->type, -1, false));
    rdb_strbuf quoted;
    rdb_strbuf_init(&quoted, context->arena);
    rdb_identifier_add(&quoted, change->column->name);
    return rdb_error_hint(err, "You might need to specify \"USING %s::%s\".", quoted.data, name);
}

/* What the rows must keep once they are of the new type. */
static bool check_again(column_change *change, rdb_error *err)
{
    const rdb_relation *relation = change->relation;
    if (!command_reload(change->context, &relation, err))
        return false;
    for (uint16_t i = 0; i < relation->constraint_count; i++) {
        const rdb_constraint *constraint = &relation->constraints[i];
        bool uses = false;
        for (uint16_t k = 0; k < constraint->column_count; k++)
            uses = uses || constraint->columns[k] == change->column->number;
        if (uses && constraint->kind == 'f' && constraint->is_validated && !command_validate_foreign_key(change->context, relation->oid, constraint->oid, err))
            return false;
        if (uses && constraint->kind == 'c' && constraint->is_validated && !command_validate_check(change->context, relation, constraint, err))
            return false;
    }
    return true;
}

bool command_alter_column_type(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err)
{
    const rdb_ast_column_def *raw = (const rdb_ast_column_def *)command->def;
    rdb_analysis analysis;
    column_change change = {.context = context, .relation = relation, .typmod = -1};
    rdb_expr *expr = NULL;
    const char *default_tree = NULL;
    int16_t number;
    bool is_filled = false;
    command_analysis(context, &analysis);
    if (!command_refuse_typed(relation, "alter column type of", err) || !command_column_number(relation, command->name, &number, err))
        return false;
    change.column = &relation->columns[number - 1];
    if (change.column->generated != 0 && raw->default_value != NULL) {
        rdb_error_set(err, RDB_INVALID_COLUMN_DEFINITION, "cannot specify USING when altering type of generated column");
        return rdb_error_detail(err, "Column \"%s\" is a generated column.", change.column->name);
    }
    if (!rdb_type_resolve(&analysis, &raw->type->node, &change.type, &change.typmod, &change.collation, err))
        return false;
    if (!command_check_column_type(context, change.column->name, change.type, relation->row_type_oid, err) || !command_check_type_usage(context, change.type, err))
        return false;
    if (raw->collate != NULL && !command_collation(context, change.type, raw->collate, &change.collation, err))
        return false;
    if ((relation->kind == 'r' && !conversion(&change, raw->default_value, &expr, err)) || !refuse_users(&change, err) || !convert_default(&change, &default_tree, err))
        return false;
    if (change.column->identity != 0 && change.type->oid != RDB_INT2OID && change.type->oid != RDB_INT4OID && change.type->oid != RDB_INT8OID)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "identity column type must be smallint, integer, or bigint");
    const bool keeps_bytes = raw->default_value == NULL && is_same_bytes(change.column, change.type, change.typmod) && change.collation == change.column->collation;
    const bool has_heap = relation->kind == 'r';
    if (!rdb_ddl_set_type(context->access, relation->oid, number, change.type, change.typmod, change.collation, err) ||
        (default_tree != NULL && !rdb_ddl_set_default(context->access, relation->oid, number, default_tree, err)))
        return false;
    for (uint16_t i = 0; i < relation->index_count; i++)
        if (!renew_index(&change, &relation->indexes[i], err))
            return false;
    if (!renew_checks(&change, err) || !renew_statistics(&change, err))
        return false;
    if (change.column->generated != 0 && change.column->default_tree != NULL) {
        rdb_expr *source = NULL;
        const char *tree = NULL;
        if (!rdb_tree_read_expr(context->arena, context->access, change.column->default_tree, &source, err) ||
            !analyse_again(&change, source, change.type, change.typmod, "column generation expressions", &tree, err) ||
            !rdb_ddl_set_default(context->access, relation->oid, number, tree, err))
            return false;
    }
    if (!has_heap || !has_rows(context, relation, &is_filled, err))
        return !has_heap;
    rdb_expr **exprs = RDB_NEW_ARRAY(context->arena, rdb_expr *, relation->column_count + 1u);
    exprs[number - 1] = expr;
    if (keeps_bytes && relation->index_count == 0)
        return true;
    return command_rewrite_table(context, relation, exprs, false, err) && check_again(&change, err);
}
