/* SPDX-License-Identifier: Apache-2.0
 * Constraints: checks, keys with their indexes, foreign keys. The same code serves CREATE TABLE and ALTER TABLE ADD. */
#include "command/inherit.h"

bool command_constraint_columns(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_names *names, const char *column_name,
                                int32_t location, int16_t **numbers, uint16_t *count, rdb_error *err)
{
    uint32_t wanted = column_name != NULL && names->count == 0 ? 1 : names->count;
    *numbers = RDB_NEW_ARRAY(context->arena, int16_t, wanted + 1);
    *count = (uint16_t)wanted;
    for (uint32_t i = 0; i < wanted; i++) {
        const char *name = names->count > 0 ? names->items[i] : column_name;
        (*numbers)[i] = command_find_column(relation, name);
        if ((*numbers)[i] == 0)
            return rdb_error_set(err, RDB_UNDEFINED_COLUMN, "column \"%s\" named in key does not exist", name) || command_at(context, location, err);
    }
    return true;
}

/* ---- CHECK ------------------------------------------------------------------------------------------------------------- */
/* Rows that are there already must pass. */
static bool check_rows(rdb_command_context *context, const rdb_relation *relation, rdb_expr *source, const char *name, rdb_error *err)
{
    bool any = false;
    if (!command_any_row(context, relation, command_is_false(context, source), &any, err) || !any)
        return !any && !rdb_error_is_set(err);
    rdb_error_set(err, RDB_CHECK_VIOLATION, "check constraint \"%s\" of relation \"%s\" is violated by some row", name, relation->name);
    rdb_error_name(err, RDB_ERROR_SCHEMA, relation->namespace_name);
    rdb_error_name(err, RDB_ERROR_TABLE, relation->name);
    return rdb_error_name(err, RDB_ERROR_CONSTRAINT, name);
}

bool command_validate_check(rdb_command_context *context, const rdb_relation *relation, const rdb_constraint *constraint, rdb_error *err)
{
    rdb_expr *rule = NULL;
    return rdb_tree_read_expr(context->arena, context->access, constraint->check_tree, &rule, err) && check_rows(context, relation, rule, constraint->name, err);
}

static bool constraint_name_is_free(const rdb_relation *relation, const char *name)
{
    for (uint16_t i = 0; i < relation->constraint_count; i++)
        if (strcmp(relation->constraints[i].name, name) == 0)
            return false;
    return true;
}

bool command_refuse_taken_constraint(const rdb_relation *relation, const char *name, rdb_error *err)
{
    return constraint_name_is_free(relation, name) ||
           rdb_error_set(err, RDB_DUPLICATE_OBJECT, "constraint \"%s\" for relation \"%s\" already exists", name, relation->name);
}

/* t_a_check, t_a_check1 ...: unique among the relation's constraints, which need not be relations. */
static bool choose_constraint_name(rdb_command_context *context, const rdb_relation *relation, const char *column, const char *label,
                                   char name[RDB_NAMEDATALEN], rdb_error *err)
{
    char numbered[32];
    snprintf(numbered, sizeof numbered, "%s", label);
    for (unsigned attempt = 1;; attempt++) {
        if (!command_choose_name(context, relation->name, column, numbered, relation->namespace_oid, name, err))
            return false;
        if (constraint_name_is_free(relation, name))
            return true;
        snprintf(numbered, sizeof numbered, "%s%u", label, attempt);
    }
}

/* The only column that the expression reads, "tableoid" among them; NULL: there are several, none, or whole rows. */
typedef struct column_search {
    const rdb_relation *relation;
    const char *name;
    bool has_others;
} column_search;

static bool note_column(void *search_at, rdb_expr *expr)
{
    column_search *search = search_at;
    if (expr->kind != RDB_EXPR_VAR)
        return rdb_expr_visit_children(expr, note_column, search);
    const int16_t number = ((const rdb_expr_var *)expr)->attribute_no;
    const char *name = number > 0 ? search->relation->columns[number - 1].name : number == RDB_COLUMN_TABLEOID ? "tableoid" : NULL;
    search->has_others |= name == NULL || (search->name != NULL && strcmp(search->name, name) != 0);
    search->name = name;
    return true;
}

static bool add_check(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_constraint *raw, bool table_is_new, rdb_error *err)
{
    rdb_analysis analysis;
    rdb_expr *expr = NULL;
    rdb_strbuf text;
    char name[RDB_NAMEDATALEN];
    const rdb_type *boolean = NULL;
    uint32_t oid = 0;
    command_analysis(context, &analysis);
    rdb_strbuf_init(&text, context->arena);
    if (!rdb_type_get(context->access, RDB_BOOLOID, &boolean, err) ||
        !rdb_expr_analyse(&analysis, relation, raw->expr, boolean, -1, "check constraints", &expr, err) ||
        !rdb_tree_write_expr(expr, &text, err) || !rdb_strbuf_check(&text, err))
        return false;
    /* Columns of its own are the constraint's columns; all else it depends on. */
    command_uses uses = {0};
    if (!command_expr_uses(context, relation, expr, &uses, err))
        return false;
    int16_t *columns = RDB_NEW_ARRAY(context->arena, int16_t, uses.count + 1);
    rdb_object_address *others = RDB_NEW_ARRAY(context->arena, rdb_object_address, uses.count + 1);
    uint16_t column_count = 0;
    uint32_t other_count = 0;
    for (uint32_t i = 0; i < uses.count; i++) {
        const bool is_own = uses.items[i].catalog_oid == RDB_PG_CLASS && uses.items[i].object_oid == relation->oid;
        if (is_own && uses.items[i].sub_id > 0)
            columns[column_count++] = (int16_t)uses.items[i].sub_id;
        else if (!is_own)
            others[other_count++] = uses.items[i];
    }
    if (raw->name != NULL) {
        bool is_merged = false;
        snprintf(name, sizeof name, "%s", raw->name);
        if (!command_merge_own_check(context, relation, name, expr, raw->is_no_inherit, &is_merged, err))
            return false;
        if (is_merged)
            return true;
        for (uint16_t i = 0; table_is_new && i < relation->constraint_count; i++)
            if (relation->constraints[i].is_local && strcmp(relation->constraints[i].name, name) == 0)
                return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "check constraint \"%s\" already exists", name);
        if (!command_refuse_taken_constraint(relation, name, err))
            return false;
    } else {
        column_search search = {.relation = relation};
        if (!note_column(&search, expr) || !choose_constraint_name(context, relation, search.has_others ? NULL : search.name, "check", name, err))
            return false;
    }
    if (!table_is_new && !raw->skip_validation && !check_rows(context, relation, expr, name, err))
        return false;
    rdb_constraint_definition definition = {.name = name, .kind = 'c', .relation_oid = relation->oid, .namespace_oid = relation->namespace_oid,
                                            .is_validated = !raw->skip_validation, .is_no_inherit = raw->is_no_inherit, .check_tree = text.data,
                                            .columns = columns, .column_count = column_count, .uses = others, .use_count = other_count};
    return rdb_ddl_create_constraint(context->access, &definition, &oid, err);
}

/* NOT NULL on a table that may have rows. */
bool command_set_not_null(rdb_command_context *context, const rdb_relation *relation, int16_t number, rdb_error *err)
{
    rdb_list children;
    if (!command_children(context, relation, RDB_LOCK_ACCESS_EXCLUSIVE, &children, err))
        return false;
    for (uint32_t i = 0; i < children.count; i++) {
        const rdb_relation *child = children.items[i];
        const int16_t own = command_find_column(child, relation->columns[number - 1].name);
        if (own > 0 && !child->columns[own - 1].not_null && !command_set_not_null(context, child, own, err))
            return false;
    }
    if (relation->kind == 'p')
        return rdb_ddl_set_not_null(context->access, relation->oid, number, true, err);
    rdb_table_scan *scan = NULL;
    rdb_snapshot latest;
    rdb_vector vector, *vectors[] = {&vector};
    bool ok = rdb_vector_init(&vector, context->arena, relation->table.reps[number - 1], RDB_BATCH_ROWS, err);
    rdb_txn_latest_snapshot(context->txn, &latest);
    ok = ok && rdb_table_scan_open(&scan, &relation->table, context->txn, &latest, &number, 1, 0, UINT64_MAX, context->arena, err);
    rdb_arena *batch_arena = rdb_arena_create("not null", NULL, NULL);
    if (ok && batch_arena == NULL)
        ok = rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    for (uint32_t count = 1; ok && count > 0;) {
        rdb_arena_reset(batch_arena);
        rdb_vector_clear_nulls(&vector);
        ok = rdb_cancel_check(context->cancel, err) && rdb_table_scan_next(scan, RDB_BATCH_ROWS, batch_arena, vectors, NULL, NULL, &count, err);
        for (uint32_t row = 0; ok && row < count; row++)
            if (rdb_vector_is_null(&vector, row)) {
                const char *column = relation->columns[number - 1].name;
                rdb_error_set(err, RDB_NOT_NULL_VIOLATION, "column \"%s\" of relation \"%s\" contains null values", column, relation->name);
                rdb_error_name(err, RDB_ERROR_SCHEMA, relation->namespace_name);
                rdb_error_name(err, RDB_ERROR_TABLE, relation->name);
                rdb_error_name(err, RDB_ERROR_COLUMN, column);
                ok = false;
            }
    }
    rdb_table_scan_close(&scan);
    rdb_arena_destroy(batch_arena);
    return ok && rdb_ddl_set_not_null(context->access, relation->oid, number, true, err);
}

/* ---- FOREIGN KEY ----------------------------------------------------------------------------------------------------------- */
/* The referenced columns: as named, or the primary key; they must be a unique index's columns, in any order. */
static bool referenced_columns(rdb_command_context *context, const rdb_relation *target, const rdb_ast_constraint *raw, int16_t **numbers,
                               uint16_t *count, uint32_t *index_oid, rdb_error *err)
{
    bool is_deferrable = false;
    *index_oid = 0;
    if (raw->ref_columns.count > 0) {
        *numbers = RDB_NEW_ARRAY(context->arena, int16_t, raw->ref_columns.count);
        *count = (uint16_t)raw->ref_columns.count;
        for (uint16_t i = 0; i < *count; i++)
            if (((*numbers)[i] = command_find_column(target, raw->ref_columns.items[i])) == 0)
                return rdb_error_set(err, RDB_UNDEFINED_COLUMN, "column \"%s\" referenced in foreign key constraint does not exist", raw->ref_columns.items[i]);
    }
    for (uint16_t i = 0; i < target->index_count && *index_oid == 0; i++) {
        const rdb_relation_index *index = &target->indexes[i];
        if (!index->is_unique || index->predicate_tree != NULL || index->expression_tree != NULL)
            continue;
        if (raw->ref_columns.count == 0) {
            if (!index->is_primary)
                continue;
            *count = index->key_count;
            *numbers = RDB_NEW_ARRAY(context->arena, int16_t, *count);
            for (uint16_t k = 0; k < *count; k++)
                (*numbers)[k] = index->columns[k].column_number;
            *index_oid = index->oid;
            is_deferrable = !index->is_immediate;
        } else if (index->key_count == *count) {
            uint16_t found = 0;
            for (uint16_t k = 0; k < *count; k++)
                for (uint16_t m = 0; m < *count; m++)
                    found += index->columns[k].column_number == (*numbers)[m];
            if (found == *count && index->is_immediate)
                *index_oid = index->oid;
            is_deferrable = is_deferrable || (found == *count && !index->is_immediate);
        }
    }
    is_deferrable = is_deferrable && (*index_oid == 0 || raw->ref_columns.count == 0);
    if (is_deferrable)
        return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "cannot use a deferrable %s for referenced table \"%s\"",
                             raw->ref_columns.count == 0 ? "primary key" : "unique constraint", target->name);
    if (*index_oid != 0)
        return true;
    if (raw->ref_columns.count == 0)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "there is no primary key for referenced table \"%s\"", target->name);
    return rdb_error_set(err, RDB_INVALID_FOREIGN_KEY, "there is no unique constraint matching given keys for referenced table \"%s\"", target->name);
}

/* ON DELETE SET NULL (a, b): columns of the key, each once. */
static bool delete_set_columns(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_constraint *raw, const int16_t *key, uint16_t key_count,
                               int16_t **numbers, uint16_t *count, rdb_error *err)
{
    *numbers = RDB_NEW_ARRAY(context->arena, int16_t, raw->delete_set_columns.count + 1);
    for (uint32_t i = 0; i < raw->delete_set_columns.count; i++) {
        const char *name = raw->delete_set_columns.items[i];
        const int16_t number = command_find_column(relation, name);
        bool is_of_key = false, is_repeated = false;
        if (number == 0)
            return rdb_error_set(err, RDB_UNDEFINED_COLUMN, "column \"%s\" referenced in foreign key constraint does not exist", name);
        for (uint16_t k = 0; k < key_count; k++)
            is_of_key = is_of_key || key[k] == number;
        for (uint16_t k = 0; k < *count; k++)
            is_repeated = is_repeated || (*numbers)[k] == number;
        if (!is_of_key)
            return rdb_error_set(err, RDB_INVALID_COLUMN_REFERENCE, "column \"%s\" referenced in ON DELETE SET action must be part of foreign key", name);
        if (!is_repeated)
            (*numbers)[(*count)++] = number;
    }
    return true;
}

static bool check_key_columns(const rdb_relation *relation, const rdb_ast_names *names, rdb_error *err)
{
    static const char *const SYSTEM[] = {"tableoid", "ctid", "xmin", "cmin", "xmax", "cmax"};
    for (uint32_t i = 0; i < names->count; i++) {
        bool is_there = false;
        for (uint16_t k = 0; k < relation->column_count && !is_there; k++)
            is_there = !relation->columns[k].is_dropped && strcmp(relation->columns[k].name, names->items[i]) == 0;
        for (size_t k = 0; k < RDB_COUNT_OF(SYSTEM) && !is_there; k++)
            if (strcmp(SYSTEM[k], names->items[i]) == 0)
                return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "system columns cannot be used in foreign keys");
        if (!is_there)
            return rdb_error_set(err, RDB_UNDEFINED_COLUMN, "column \"%s\" referenced in foreign key constraint does not exist", names->items[i]);
    }
    return true;
}

/* The key's class has an operator for the two types, or the referring one becomes the key's without being asked. */
static bool is_comparable(rdb_command_context *context, const rdb_type *referring, const rdb_type *key, bool *comparable, rdb_error *err)
{
    const rdb_cast_entry *cast = NULL;
    uint32_t operator_oid = 0;
    while (referring->kind == 'd' && referring->base != NULL)
        referring = referring->base;
    while (key->kind == 'd' && key->base != NULL)
        key = key->base;
    *comparable = referring->oid == key->oid;
    if (*comparable)
        return true;
    if (!rdb_opclass_operator(context->access, key->oid, referring->oid, 3, &operator_oid, err) || !rdb_cast_find(context->access, referring->oid, key->oid, &cast, err))
        return false;
    if (key->kind != 'b' || key->category == 'A') /* enumerations, arrays and their kin share one class among themselves */
        operator_oid = 0;
    *comparable = operator_oid != 0 || (cast != NULL && cast->context == 'i');
    return true;
}

static bool add_foreign_key(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_constraint *raw, const char *column_name,
                            bool table_is_new, rdb_error *err)
{
    const rdb_relation *target = NULL;
    int16_t *numbers = NULL, *targets = NULL;
    uint16_t count = 0, target_count = 0;
    uint32_t index_oid = 0, oid = 0;
    char name[RDB_NAMEDATALEN];
    if (raw->match_type == 'p')
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "MATCH PARTIAL not yet implemented");
    if (!command_open_table(context, raw->ref_table, RDB_LOCK_SHARE_ROW_EXCLUSIVE, false, &target, err))
        return false;
    if (target->kind != 'r' && target->kind != 'p')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "referenced relation \"%s\" is not a table", target->name);
    if (relation->persistence == 'p' && target->persistence != 'p')
        return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "constraints on permanent tables may reference only permanent tables");
    if (relation->persistence == 'u' && target->persistence == 't')
        return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "constraints on unlogged tables may reference only permanent or unlogged tables");
    if (relation->persistence == 't' && target->persistence != 't')
        return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "constraints on temporary tables may reference only temporary tables");
    if (!check_key_columns(relation, &raw->columns, err) || !check_key_columns(target, &raw->ref_columns, err) ||
        !command_constraint_columns(context, relation, &raw->columns, column_name, -1, &numbers, &count, err) ||
        !referenced_columns(context, target, raw, &targets, &target_count, &index_oid, err))
        return false;
    int16_t *set_columns = NULL;
    uint16_t set_count = 0;
    if (!delete_set_columns(context, relation, raw, numbers, count, &set_columns, &set_count, err))
        return false;
    if (count != target_count)
        return rdb_error_set(err, RDB_INVALID_FOREIGN_KEY, "number of referencing and referenced columns for foreign key disagree");
    rdb_strbuf joined;
    rdb_strbuf_init(&joined, context->arena);
    uint32_t *operators = RDB_NEW_ARRAY(context->arena, uint32_t, count);
    for (uint16_t i = 0; i < count; i++)
        rdb_strbuf_addf(&joined, "%s%s", i > 0 ? "_" : "", relation->columns[numbers[i] - 1].name);
    if (raw->name != NULL)
        snprintf(name, sizeof name, "%s", raw->name);
    else if (!rdb_strbuf_check(&joined, err) || !choose_constraint_name(context, relation, joined.data, "fkey", name, err))
        return false;
    if (!command_refuse_taken_constraint(relation, name, err))
        return false;
    for (uint16_t i = 0; i < count; i++) {
        const rdb_column *column = &relation->columns[numbers[i] - 1], *referenced = &target->columns[targets[i] - 1];
        if (!rdb_opclass_operator(context->access, referenced->type->oid, column->type->oid, 3, &operators[i], err))
            return false;
        if (operators[i] == 0 && !rdb_opclass_operator(context->access, referenced->type->oid, referenced->type->oid, 3, &operators[i], err))
            return false;
        bool comparable = false;
        if (operators[i] != 0 && !is_comparable(context, column->type, referenced->type, &comparable, err))
            return false;
        if (!comparable) {
            rdb_strbuf left, right;
            rdb_strbuf_init(&left, context->arena);
            rdb_strbuf_init(&right, context->arena);
            rdb_type_format_name(column->type, -1, false, &left);
            rdb_type_format_name(referenced->type, -1, false, &right);
            rdb_error_set(err, RDB_DATATYPE_MISMATCH, "foreign key constraint \"%s\" cannot be implemented", name);
            return rdb_error_detail(err, "Key columns \"%s\" and \"%s\" are of incompatible types: %s and %s.", column->name, referenced->name, left.data, right.data);
        }
    }
    rdb_constraint_definition definition = {.name = name, .kind = 'f', .relation_oid = relation->oid, .namespace_oid = relation->namespace_oid,
                                            .index_oid = index_oid, .is_deferrable = raw->is_deferrable, .is_deferred = raw->is_deferred,
                                            .is_validated = !raw->skip_validation, .is_of_partitioned = relation->kind == 'p', .columns = numbers, .column_count = count,
                                            .foreign_relation_oid = target->oid, .foreign_columns = targets, .equality_operators = operators,
                                            .delete_set_columns = set_columns, .delete_set_count = set_count,
                                            .on_update = raw->update_action ? raw->update_action : 'a',
                                            .on_delete = raw->delete_action ? raw->delete_action : 'a',
                                            .match = raw->match_type ? raw->match_type : 's'};
    if (!rdb_ddl_create_constraint(context->access, &definition, &oid, err))
        return false;
    if ((relation->kind == 'p' || target->kind == 'p') && !command_spread_foreign_key(context, relation->oid, oid, table_is_new || raw->skip_validation, err))
        return false;
    return table_is_new || raw->skip_validation || relation->kind == 'p' || command_validate_foreign_key(context, relation->oid, oid, err);
}

bool command_add_constraint(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_constraint *constraint, const char *column_name,
                            bool table_is_new, rdb_error *err)
{
    switch (constraint->kind) {
    case RDB_SQL_CONSTRAINT_CHECK:
        return add_check(context, relation, constraint, table_is_new, err);
    case RDB_SQL_CONSTRAINT_PRIMARY:
    case RDB_SQL_CONSTRAINT_UNIQUE:
        return command_add_key(context, relation, constraint, column_name, table_is_new, err);
    case RDB_SQL_CONSTRAINT_FOREIGN:
        return add_foreign_key(context, relation, constraint, column_name, table_is_new, err);
    case RDB_SQL_CONSTRAINT_EXCLUSION:
        return command_add_exclusion(context, relation, constraint, err);
    default:
        return true;
    }
}
