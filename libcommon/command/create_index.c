/* SPDX-License-Identifier: Apache-2.0
 * CREATE INDEX, and filling an index whose columns may be expressions. */
#include "command/concurrent.h"
#include "command/inherit.h"
#include "task/rdb_report.h"

#include <strings.h>

bool command_fill_index(rdb_command_context *context, uint32_t table_oid, uint32_t index_oid, rdb_error *err)
{
    const rdb_relation *relation = NULL;
    const rdb_relation_index *index = NULL;
    command_index_programs *programs = NULL;
    if (!rdb_relation_get(context->access, table_oid, &relation, err))
        return false;
    for (uint16_t i = 0; relation != NULL && i < relation->index_count; i++)
        if (relation->indexes[i].oid == index_oid)
            index = &relation->indexes[i];
    if (index == NULL)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "index %u is not among those of relation %u", index_oid, table_oid);
    uint64_t blocks = 0;
    if (!rdb_table_block_count(&relation->table, &blocks, err))
        return false;
    if (rdb_report_is_of(RDB_REPORT_CLUSTER)) { /* goes on in its own view */
        rdb_report_set(2, 6); /* rebuilding index */
        rdb_report_add(8, 1);
    } else {
        rdb_report_begin(RDB_REPORT_CREATE_INDEX, table_oid);
        rdb_report_set(1, 1);
        rdb_report_set(7, index_oid);
        rdb_report_set(10, 2); /* building index */
        rdb_report_set(16, (int64_t)blocks);
        rdb_report_set(12, (int64_t)RDB_MAX(relation->tuples, 0.0));
    }
    if (index->expression_tree == NULL && index->predicate_tree == NULL)
        return rdb_ddl_build_index(context->access, index_oid, NULL, err);
    if (!command_index_programs_open(&programs, context->arena, command_eval(context), relation, index, err))
        return false;
    const rdb_index_computer computer = command_index_computer(programs);
    bool ok = rdb_ddl_build_index(context->access, index_oid, &computer, err);
    command_index_programs_close(programs);
    return ok;
}

/* ---- elements ----------------------------------------------------------------------------------------------------------------- */
typedef struct index_method {
    const char *name;
    uint32_t oid;
    bool is_built, is_ordered, is_unique, is_wide, includes;
} index_method;
static const index_method METHODS[] = {
    {"btree", 403, true, true, true, true, true},       {"hash", 405, true, false, false, false, false},
    {"gist", 783, true, false, false, true, true},     {"gin", 2742, true, false, false, true, false},
    {"spgist", 4000, true, false, false, false, true}, {"brin", 3580, true, false, false, true, false},
};

static const index_method *find_method(const char *name, rdb_error *err)
{
    for (size_t i = 0; i < RDB_COUNT_OF(METHODS); i++)
        if (strcmp(name != NULL ? name : "btree", METHODS[i].name) == 0)
            return &METHODS[i];
    rdb_error_set(err, RDB_UNDEFINED_OBJECT, "access method \"%s\" does not exist", name);
    return NULL;
}

const char *command_index_method_name(uint32_t method_oid)
{
    for (size_t i = 0; i < RDB_COUNT_OF(METHODS); i++)
        if (METHODS[i].oid == method_oid)
            return METHODS[i].name;
    return METHODS[0].name;
}

/* A class of pg_opclass for the method: the one of that name (of any type; the first in the search path, or of the schema that is
 * written), or, where there is no name, the default of the input type. */
static bool find_class(rdb_command_context *context, const index_method *method, const rdb_ast_names *written, uint32_t input_type, uint32_t *oid, uint32_t *accepted,
                       rdb_error *err)
{
    const char *name = written != NULL ? written->items[written->count - 1] : NULL;
    uint32_t wanted = 0, path_count = 1, best = UINT32_MAX;
    const uint32_t *path = &wanted;
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true, ok;
    *oid = *accepted = 0;
    if (written != NULL && written->count > 1) {
        if (!rdb_namespace_find(context->access, written->items[written->count - 2], &wanted, err))
            return false;
        if (wanted == 0)
            return rdb_error_set(err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", written->items[written->count - 2]);
    } else {
        path = rdb_access_search_path(context->access, &path_count);
    }
    ok = rdb_catalog_scan_open(&scan, context->access, RDB_PG_OPCLASS, 0, NULL, 0, context->arena, err);
    while (ok && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) {
        const rdb_bytes shown = row.values[RDB_pg_opclass_opcname - 1].bytes;
        if (row.values[RDB_pg_opclass_opcmethod - 1].oid != method->oid)
            continue;
        const uint32_t type_oid = row.values[RDB_pg_opclass_opcintype - 1].oid;
        const bool fits = name != NULL ? shown.length == strlen(name) && memcmp(shown.data, name, shown.length) == 0
                                       : row.values[RDB_pg_opclass_opcdefault - 1].b && type_oid == input_type;
        uint32_t place = 0;
        while (name != NULL && place < path_count && path[place] != row.values[RDB_pg_opclass_opcnamespace - 1].oid)
            place++;
        if (fits && place < best && place < path_count) {
            best = place;
            *oid = row.values[RDB_pg_opclass_oid - 1].oid;
            *accepted = type_oid;
        }
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

/* What the class of a B-tree takes: hash and its kin have classes for the same types. */
static bool class_input(rdb_command_context *context, const rdb_type *type, uint32_t *input, rdb_error *err)
{
    enum { OPCLASS_OID_INDEX = 2687 };
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    rdb_datum key = {.oid = 0};
    bool found = false;
    *input = type->oid;
    if (!rdb_opclass_default(context->access, type->oid, &key.oid, err) || key.oid == 0)
        return !rdb_error_is_set(err);
    bool ok = rdb_catalog_scan_open(&scan, context->access, RDB_PG_OPCLASS, OPCLASS_OID_INDEX, &key, 1, context->arena, err) &&
              rdb_catalog_scan_next(scan, &row, &found, err);
    if (ok && found)
        *input = row.values[RDB_pg_opclass_opcintype - 1].oid;
    rdb_catalog_scan_close(&scan);
    return ok;
}

static const char *shown_type(rdb_command_context *context, const rdb_type *type)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, context->arena);
    rdb_type_format_name(type, -1, false, &text);
    return text.data;
}

/* An index keeps its type's own order: a user's class must be of that one. */
static bool check_own_order(rdb_command_context *context, const index_method *method, uint32_t class_oid, const char *name, const rdb_type *type, rdb_error *err)
{
    enum { OPCLASS_OID_INDEX = 2687, AMOP_MEMBER_INDEX = 2653, BTREE_LESS = 1, BTREE_EQUAL = 3, BTREE_METHOD = 403 };
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = false;
    uint32_t family = 0, own = 0, order = 0;
    const bool is_btree = method->oid == BTREE_METHOD;
    const rdb_datum key = {.oid = class_oid};
    if (class_oid < RDB_FIRST_NORMAL_OID || type == NULL)
        return true;
    bool ok = rdb_catalog_scan_open(&scan, context->access, RDB_PG_OPCLASS, OPCLASS_OID_INDEX, &key, 1, context->arena, err) && rdb_catalog_scan_next(scan, &row, &found, err);
    if (ok && found)
        family = row.values[RDB_pg_opclass_opcfamily - 1].oid;
    rdb_catalog_scan_close(&scan);
    const rdb_datum keys[] = {{.oid = family}, {.oid = type->oid}, {.oid = type->oid}, {.i16 = BTREE_LESS}};
    ok = ok && rdb_catalog_scan_open(&scan, context->access, RDB_PG_AMOP, AMOP_MEMBER_INDEX, keys, 4, context->arena, err) && rdb_catalog_scan_next(scan, &row, &found, err);
    if (ok && found)
        order = row.values[RDB_pg_amop_amopopr - 1].oid;
    rdb_catalog_scan_close(&scan);
    if (!ok || !rdb_opclass_operator(context->access, type->oid, type->oid, is_btree ? BTREE_LESS : BTREE_EQUAL, &own, err))
        return false;
    return (own != 0 && own == order) ||
           rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "indexes of operator class \"%s\", which has another order than the type's own, are not supported yet", name);
}

/* Its classes say more than what order values have: those that are not built are refused by name. */
static bool is_unordered(const index_method *method)
{
    enum { BRIN_METHOD = 3580 };
    return method->oid == BRIN_METHOD || rdb_term_support_number(method->oid) != 0;
}

/* The default class of a method that keeps terms: of the type itself, or of its kind. */
static bool find_default_class(rdb_command_context *context, const index_method *method, const rdb_type *type, uint32_t *oid, rdb_error *err)
{
    uint32_t accepted = 0;
    while (type->kind == 'd' && type->base != NULL)
        type = type->base;
    if (!find_class(context, method, NULL, type->oid, oid, &accepted, err))
        return false;
    enum { ANYMULTIRANGE = 4537 };
    const uint32_t kind_oid = type->element != NULL ? RDB_ANYARRAYOID : type->kind == 'r' ? RDB_ANYRANGEOID : type->kind == 'm' ? ANYMULTIRANGE
                              : type->kind == 'e' ? RDB_ANYENUMOID : type->oid == RDB_VARCHAROID ? RDB_TEXTOID : 0;
    return *oid != 0 || kind_oid == 0 || find_class(context, method, NULL, kind_oid, oid, &accepted, err);
}

bool command_index_class(rdb_command_context *context, uint32_t method_oid, const rdb_type *type, uint32_t own, uint32_t *opclass_oid, rdb_error *err)
{
    enum { OPCLASS_OID_INDEX = 2687 };
    const rdb_type *plain = type;
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    const rdb_datum key = {.oid = own};
    bool found = false, fits = false;
    while (plain->kind == 'd' && plain->base != NULL)
        plain = plain->base;
    *opclass_oid = own;
    bool ok = rdb_catalog_scan_open(&scan, context->access, RDB_PG_OPCLASS, OPCLASS_OID_INDEX, &key, 1, context->arena, err) && rdb_catalog_scan_next(scan, &row, &found, err);
    if (ok && found) {
        const uint32_t input = row.values[RDB_pg_opclass_opcintype - 1].oid;
        fits = input == plain->oid || (input == RDB_ANYARRAYOID && plain->element != NULL) || (input == RDB_ANYRANGEOID && plain->kind == 'r') ||
               (input == RDB_TEXTOID && plain->oid == RDB_VARCHAROID);
    }
    rdb_catalog_scan_close(&scan);
    for (size_t i = 0; ok && !fits && i < RDB_COUNT_OF(METHODS); i++)
        if (METHODS[i].oid == method_oid)
            return find_default_class(context, &METHODS[i], type, opclass_oid, err);
    return ok;
}

/* What a class of terms is made of must be built. */
static bool read_class(rdb_command_context *context, const index_method *method, const rdb_ast_names *written, rdb_index_column *column, rdb_error *err)
{
    if (!is_unordered(method))
        return true;
    if (!rdb_index_class_read(context->access, method->oid, context->arena, column, err))
        return false;
    if (column->terms != NULL || column->sums_up)
        return true;
    return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "operator class \"%s\" of access method \"%s\" is not supported yet",
                         written->count > 0 ? written->items[written->count - 1] : shown_type(context, column->type), method->name);
}

static bool choose_class(rdb_command_context *context, const index_method *method, const rdb_ast_names *written, rdb_index_column *column, rdb_error *err)
{
    const bool keeps_terms = is_unordered(method);
    uint32_t input = 0, accepted = 0;
    if (!class_input(context, column->type, &input, err))
        return false;
    if (written->count > 0) {
        const char *name = written->items[written->count - 1];
        if (!find_class(context, method, written, 0, &column->opclass_oid, &accepted, err))
            return false;
        if (column->opclass_oid == 0)
            return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "operator class \"%s\" does not exist for access method \"%s\"", name, method->name);
        const rdb_type *taken = NULL;
        if (!rdb_type_get(context->access, accepted, &taken, err))
            return false;
        if (!keeps_terms && !check_own_order(context, method, column->opclass_oid, name, taken, err))
            return false;
        const rdb_type *plain = column->type;
        while (plain->kind == 'd' && plain->base != NULL)
            plain = plain->base;
        const bool fits = accepted == input || accepted == column->type->oid || accepted == plain->oid ||
                          (taken != NULL && taken->kind == 'p' && (taken->oid != RDB_ANYARRAYOID || plain->element != NULL));
        if (fits)
            return read_class(context, method, written, column, err);
        return rdb_error_set(err, RDB_DATATYPE_MISMATCH, "operator class \"%s\" does not accept data type %s", name, shown_type(context, column->type));
    }
    if (method->oid == METHODS[0].oid) {
        if (!rdb_opclass_default(context->access, column->type->oid, &column->opclass_oid, err))
            return false;
    } else if (keeps_terms) {
        if (!find_default_class(context, method, column->type, &column->opclass_oid, err))
            return false;
        if (column->opclass_oid != 0)
            return read_class(context, method, written, column, err);
    } else if (!find_class(context, method, NULL, input, &column->opclass_oid, &accepted, err)) {
        return false;
    }
    if (column->opclass_oid != 0 && column->type->ops != NULL && column->type->ops->encode_key != NULL)
        return true;
    rdb_error_set(err, RDB_UNDEFINED_OBJECT, "data type %s has no default operator class for access method \"%s\"", shown_type(context, column->type), method->name);
    return rdb_error_hint(err, "You must specify an operator class for the index or define a default operator class for the data type.");
}

/* The classes that order by bytes would part texts that such a collation calls equal. */
static bool check_pattern_class(const rdb_ast_index_elem *raw, const rdb_index_column *column, rdb_error *err)
{
    const char *name = raw->opclass.count > 0 ? raw->opclass.items[raw->opclass.count - 1] : "";
    return strstr(name, "_pattern_ops") == NULL || rdb_collation_is_deterministic(column->collation) ||
           rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "nondeterministic collations are not supported for operator class \"%s\"", name);
}

static bool check_included(const rdb_ast_index_elem *raw, rdb_error *err)
{
    const char *what = raw->collation.count > 0                           ? "a collation"
                       : raw->opclass.count > 0                           ? "an operator class"
                       : raw->direction != RDB_SQL_SORT_DEFAULT           ? "ASC/DESC options"
                       : raw->nulls != RDB_SQL_NULLS_DEFAULT              ? "NULLS FIRST/LAST options"
                                                                          : NULL;
    if (raw->name == NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "expressions are not supported in included columns");
    return what == NULL || rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "including column does not support %s", what);
}

static bool index_element(rdb_command_context *context, const rdb_relation *relation, const index_method *method, const rdb_ast_index_elem *raw, bool is_key,
                          bool is_constraint, rdb_index_column *column, const char **name, rdb_list *expressions, rdb_error *err)
{
    static const char *const SYSTEM_NAMES[] = {"ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"};
    *column = (rdb_index_column){0};
    if (!is_key && !check_included(raw, err))
        return false;
    if (raw->name != NULL) {
        column->column_number = command_find_column(relation, raw->name);
        for (size_t i = 0; i < RDB_COUNT_OF(SYSTEM_NAMES) && column->column_number == 0; i++)
            if (strcmp(raw->name, SYSTEM_NAMES[i]) == 0)
                return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "index creation on system columns is not supported");
        if (column->column_number == 0)
            return is_constraint ? rdb_error_set(err, RDB_UNDEFINED_COLUMN, "column \"%s\" named in key does not exist", raw->name)
                                 : rdb_error_set(err, RDB_UNDEFINED_COLUMN, "column \"%s\" does not exist", raw->name);
        const rdb_column *source = &relation->columns[column->column_number - 1];
        column->type = source->type;
        column->collation = source->collation;
        *name = source->name;
    } else {
        rdb_analysis analysis;
        rdb_expr *expr = NULL;
        command_analysis(context, &analysis);
        if (!rdb_expr_analyse(&analysis, relation, raw->expr, NULL, -1, "index expressions", &expr, err))
            return false;
        if (rdb_expr_volatility(expr) != 'i')
            return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "functions in index expression must be marked IMMUTABLE");
        column->collation = expr->collation; /* (x COLLATE y) means what x COLLATE y does */
        while (expr->kind == RDB_EXPR_RELABEL && ((rdb_expr_unary *)expr)->form == RDB_FORM_SQL_SYNTAX)
            expr = ((rdb_expr_unary *)expr)->argument;
        column->type = expr->type;
        const rdb_expr_var *alone = (const rdb_expr_var *)expr;
        if (expr->kind == RDB_EXPR_VAR && alone->attribute_no > 0)
            column->column_number = alone->attribute_no;
        const char *called = rdb_ast_name_of(raw->expr);
        *name = called != NULL ? called : "expr";
        if (expr->type->kind == 'p')
            return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "column \"%s\" has pseudo-type %s", *name, shown_type(context, expr->type));
        if (column->column_number == 0)
            rdb_list_push(context->arena, expressions, expr);
    }
    if (!is_key)
        return true;
    if (raw->collation.count > 0) {
        const rdb_ast_collate collate = {.node = {RDB_AST_COLLATE, -1}, .name = raw->collation};
        if (!command_collation(context, column->type, &collate, &column->collation, err))
            return false;
    }
    column->is_descending = raw->direction == RDB_SQL_SORT_DESC;
    column->nulls_first = raw->nulls == RDB_SQL_NULLS_DEFAULT ? column->is_descending : raw->nulls == RDB_SQL_NULLS_FIRST;
    if (!choose_class(context, method, &raw->opclass, column, err) || !check_pattern_class(raw, column, err))
        return false;
    if (column->type->collation != 0 && column->collation == 0) {
        rdb_error_set(err, RDB_INDETERMINATE_COLLATION, "could not determine which collation to use for index expression");
        return rdb_error_hint(err, "Use the COLLATE clause to set the collation explicitly.");
    }
    if (!method->is_ordered && raw->direction != RDB_SQL_SORT_DEFAULT)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "access method \"%s\" does not support ASC/DESC options", method->name);
    return method->is_ordered || raw->nulls == RDB_SQL_NULLS_DEFAULT ||
           rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "access method \"%s\" does not support NULLS FIRST/LAST options", method->name);
}

void command_index_column_names(rdb_command_context *context, const char **names, uint32_t count, const char **joined)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, context->arena);
    for (uint32_t i = 0; i < count; i++) {
        char numbered[RDB_NAMEDATALEN], suffix[16];
        snprintf(numbered, sizeof numbered, "%s", names[i]);
        for (unsigned attempt = 1;; attempt++) {
            bool is_taken = false;
            for (uint32_t k = 0; k < i; k++)
                is_taken = is_taken || strcmp(names[k], numbered) == 0;
            if (!is_taken)
                break;
            const int suffix_length = snprintf(suffix, sizeof suffix, "%u", attempt);
            snprintf(numbered, sizeof numbered, "%.*s%s", (int)RDB_NAMEDATALEN - 1 - suffix_length, names[i], suffix);
        }
        names[i] = rdb_arena_strdup(context->arena, numbered);
        rdb_strbuf_addf(&text, "%s%s", i > 0 ? "_" : "", names[i]);
    }
    *joined = text.data != NULL ? text.data : "";
}

/* The lists of the elements as one row expression's tree, and the predicate's. */
static bool write_trees(rdb_command_context *context, const rdb_relation *relation, const rdb_list *expressions, rdb_ast_node *where, rdb_index_definition *definition,
                        rdb_error *err)
{
    rdb_strbuf expression_tree, predicate_tree;
    rdb_strbuf_init(&expression_tree, context->arena);
    rdb_strbuf_init(&predicate_tree, context->arena);
    command_uses uses = {0};
    if (expressions->count > 0) {
        rdb_expr_row *row = RDB_NEW(context->arena, rdb_expr_row);
        const rdb_type *record = NULL;
        if (!rdb_type_get(context->access, RDB_RECORDOID, &record, err))
            return false;
        row->head = (rdb_expr){.kind = RDB_EXPR_ROW, .location = -1, .type = record, .typmod = -1};
        row->fields = *expressions;
        if (!rdb_tree_write_expr(&row->head, &expression_tree, err) || !rdb_strbuf_check(&expression_tree, err) ||
            !command_expr_uses(context, relation, &row->head, &uses, err))
            return false;
        definition->expression_tree = expression_tree.data;
    }
    if (where != NULL) {
        rdb_analysis analysis;
        rdb_expr *predicate = NULL;
        const rdb_type *boolean = NULL;
        command_analysis(context, &analysis);
        if (!rdb_type_get(context->access, RDB_BOOLOID, &boolean, err) ||
            !rdb_expr_analyse(&analysis, relation, where, boolean, -1, "index predicates", &predicate, err) ||
            !rdb_tree_write_expr(predicate, &predicate_tree, err) || !rdb_strbuf_check(&predicate_tree, err) ||
            !command_expr_uses(context, relation, predicate, &uses, err))
            return false;
        if (rdb_expr_volatility(predicate) != 'i')
            return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "functions in index predicate must be marked IMMUTABLE");
        definition->predicate_tree = predicate_tree.data;
    }
    definition->uses = uses.items;
    definition->use_count = uses.count;
    return true;
}

bool command_index_parts_read(rdb_command_context *context, const rdb_relation *relation, const char *method_name, const rdb_list *elements,
                              const rdb_list *including, rdb_ast_node *where, bool is_constraint, command_index_parts *parts, rdb_error *err)
{
    enum { COLUMNS_MAX = 32 };
    const uint32_t count = elements->count, included = including->count;
    const index_method *method = find_method(method_name, err);
    if (method == NULL)
        return false;
    if (count > 1 && !method->is_wide)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "access method \"%s\" does not support multicolumn indexes", method->name);
    if (included > 0 && !method->includes)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "access method \"%s\" does not support included columns", method->name);
    if (!method->is_built)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "access method \"%s\" is not supported yet", method->name);
    if (count + included > COLUMNS_MAX)
        return rdb_error_set(err, RDB_TOO_MANY_COLUMNS, "cannot use more than %d columns in an index", COLUMNS_MAX);
    rdb_index_column *columns = RDB_NEW_ARRAY(context->arena, rdb_index_column, count + included + 1);
    const char **names = RDB_NEW_ARRAY(context->arena, const char *, count + included + 1);
    rdb_list expressions = {0};
    for (uint32_t i = 0; i < count + included; i++)
        if (!index_element(context, relation, method, i < count ? elements->items[i] : including->items[i - count], i < count, is_constraint, &columns[i],
                           &names[i], &expressions, err))
            return false;
    command_index_column_names(context, names, count + included, &parts->joined_names);
    parts->definition = (rdb_index_definition){.table_oid = relation->oid, .method_oid = method->oid, .is_immediate = true, .columns = columns,
                                               .key_count = (uint16_t)count, .column_count = (uint16_t)(count + included), .column_names = names};
    return write_trees(context, relation, &expressions, where, &parts->definition, err);
}

/* ---- CREATE INDEX --------------------------------------------------------------------------------------------------------------- */
static bool refuse_relation(const rdb_relation *relation, rdb_error *err)
{
    const char *words = relation->kind == 'v' ? "views" : relation->kind == 'S' ? "sequences" : relation->kind == 'c' ? "composite types" : relation->kind == 'i' ? "indexes" : "this kind of relation";
    rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot create index on relation \"%s\"", relation->name);
    return rdb_error_detail(err, "This operation is not supported for %s.", words);
}

bool command_create_index(rdb_command_context *context, const rdb_ast_create_index *statement, rdb_error *err)
{
    const rdb_relation *relation = NULL, *taken = NULL;
    char name[RDB_NAMEDATALEN];
    uint32_t oid = 0;
    command_index_parts parts;
    const index_method *method = NULL;
    if (statement->is_concurrent && !context->is_top_level)
        return rdb_error_set(err, RDB_ACTIVE_SQL_TRANSACTION, "CREATE INDEX CONCURRENTLY cannot run inside a transaction block");
    const bool is_live = statement->is_concurrent && strcmp(statement->access_method != NULL ? statement->access_method : "btree", "brin") != 0;
    if (!command_open_table(context, statement->table, is_live ? RDB_LOCK_SHARE_UPDATE_EXCLUSIVE : RDB_LOCK_SHARE, false, &relation, err) ||
        !command_check_owner(context, relation, err))
        return false;
    if (statement->is_concurrent && relation->is_system)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "concurrent index creation on system catalog tables is not supported");
    if (relation->kind != 'r' && relation->kind != 'm' && relation->kind != 'p')
        return refuse_relation(relation, err);
    if (statement->tablespace != NULL && strcmp(statement->tablespace, "pg_default") != 0)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "tablespace \"%s\" does not exist", statement->tablespace);
    if (statement->name != NULL) {
        snprintf(name, sizeof name, "%s", statement->name);
        if (!rdb_relation_find(context->access, relation->namespace_name, name, &taken, err))
            return false;
        if (taken != NULL && statement->if_not_exists) {
            command_notice(context, "NOTICE", RDB_DUPLICATE_TABLE, "relation \"%s\" already exists, skipping", name);
            return true;
        }
    }
    if ((method = find_method(statement->access_method, err)) == NULL)
        return false;
    if (statement->is_unique && !method->is_unique)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "access method \"%s\" does not support unique indexes", method->name);
    if (relation->kind == 'p' && statement->is_concurrent)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot create index on partitioned table \"%s\" concurrently", relation->name);
    if (!command_index_parts_read(context, relation, statement->access_method, &statement->elements, &statement->including, statement->where, false, &parts, err))
        return false;
    if (taken != NULL)
        return rdb_error_set(err, RDB_DUPLICATE_TABLE, "relation \"%s\" already exists", name);
    if (statement->name == NULL && !command_choose_name(context, relation->name, parts.joined_names, "idx", relation->namespace_oid, name, err))
        return false;
    parts.definition.name = name;
    parts.definition.is_unique = statement->is_unique;
    parts.definition.nulls_not_distinct = statement->nulls_not_distinct;
    if (relation->kind == 'p') {
        parts.definition.is_invalid = !statement->table->inherits && relation->child_count > 0;
        return (!statement->is_unique || command_check_partition_key(context, relation, parts.definition.columns, parts.definition.key_count, "unique", err)) &&
               rdb_ddl_create_index(context->access, &parts.definition, &oid, err) && command_set_options(context, oid, command_index_options_kind(method->oid), &statement->options, err) &&
               (!statement->table->inherits || command_spread_index(context, relation->oid, oid, err));
    }
    if (is_live && command_index_is_live_built(relation, method->oid))
        return command_create_index_live(context, relation, &parts.definition, &statement->options, command_index_options_kind(method->oid), err);
    return rdb_ddl_create_index(context->access, &parts.definition, &oid, err) && command_set_options(context, oid, command_index_options_kind(method->oid), &statement->options, err) &&
           command_fill_index(context, relation->oid, oid, err);
}
