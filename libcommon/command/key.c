/* SPDX-License-Identifier: Apache-2.0
 * PRIMARY KEY, UNIQUE and EXCLUDE: constraints that an index stands behind. The index has the constraint's name and goes with it. */
#include "command/inherit.h"

/* An identical key that the same CREATE TABLE has already made serves for both. */
static bool is_there_already(const rdb_relation *relation, const rdb_ast_constraint *raw, const int16_t *numbers, uint16_t count, const int16_t *included,
                             uint16_t included_count)
{
    for (uint16_t i = 0; i < relation->constraint_count; i++) {
        const rdb_constraint *other = &relation->constraints[i];
        if ((other->kind != 'p' && other->kind != 'u') || other->column_count != count || other->is_deferrable != raw->is_deferrable ||
            other->is_deferred != raw->is_deferred || memcmp(other->columns, numbers, count * sizeof *numbers) != 0)
            continue;
        for (uint16_t k = 0; k < relation->index_count; k++) {
            const rdb_relation_index *index = &relation->indexes[k];
            bool same = index->oid == other->index_oid && index->column_count - index->key_count == included_count &&
                        index->index.nulls_not_distinct == raw->nulls_not_distinct;
            for (uint16_t m = 0; same && m < included_count; m++)
                same = index->columns[index->key_count + m].column_number == included[m];
            if (same)
                return true;
        }
    }
    return false;
}

/* ---- USING INDEX -------------------------------------------------------------------------------------------------------------- */
static bool not_for_a_key(const char *what, const char *name, bool name_first, rdb_error *err)
{
    if (name_first)
        rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is %s", name, what);
    else
        rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "index \"%s\" %s", name, what);
    return rdb_error_detail(err, "Cannot create a primary key or unique constraint using such an index.");
}

static bool check_used_index(rdb_command_context *context, const rdb_relation *relation, const rdb_relation_index *index, const rdb_ast_constraint *raw,
                             rdb_error *err)
{
    for (uint16_t i = 0; i < relation->constraint_count; i++)
        if (relation->constraints[i].index_oid == index->oid && relation->constraints[i].kind != 'f')
            return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "index \"%s\" is already associated with a constraint", index->name);
    if (!index->is_valid)
        return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "index \"%s\" is not valid", index->name);
    if (!index->is_unique)
        return not_for_a_key("not a unique index", index->name, true, err);
    if (index->expression_tree != NULL)
        return not_for_a_key("contains expressions", index->name, false, err);
    if (index->predicate_tree != NULL)
        return not_for_a_key("a partial index", index->name, true, err);
    if (!index->is_immediate && !raw->is_deferrable) {
        rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is a deferrable index", index->name);
        return rdb_error_detail(err, "Cannot create a non-deferrable constraint using a deferrable index.");
    }
    for (uint16_t i = 0; i < index->key_count; i++) {
        const rdb_index_column *column = &index->columns[i];
        const rdb_column *source = &relation->columns[column->column_number - 1];
        uint32_t standard = 0;
        if (!rdb_opclass_default(context->access, source->type->oid, &standard, err))
            return false;
        if (column->opclass_oid == standard && column->collation == source->collation && !column->is_descending && !column->nulls_first)
            continue;
        rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "index \"%s\" column number %d does not have default sorting behavior", index->name, i + 1);
        return rdb_error_detail(err, "Cannot create a primary key or unique constraint using such an index.");
    }
    return true;
}

static bool find_used_index(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_constraint *raw, const rdb_relation_index **index, rdb_error *err)
{
    const rdb_relation *named = NULL;
    *index = NULL;
    if (!rdb_relation_find(context->access, relation->namespace_name, raw->index_name, &named, err))
        return false;
    if (named == NULL) {
        rdb_error_set(err, RDB_UNDEFINED_OBJECT, "index \"%s\" does not exist", raw->index_name);
        return command_at(context, raw->node.location, err);
    }
    for (uint16_t i = 0; i < relation->index_count; i++)
        if (relation->indexes[i].oid == named->oid)
            *index = &relation->indexes[i];
    if (*index != NULL)
        return check_used_index(context, relation, *index, raw, err) || command_at(context, raw->node.location, err);
    if (named->kind != 'i' && named->kind != 'I')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not an index", raw->index_name);
    rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "index \"%s\" does not belong to table \"%s\"", raw->index_name, relation->name);
    return command_at(context, raw->node.location, err);
}

/* An index that is there becomes the constraint's. */
static bool add_key_using(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_constraint *raw, rdb_error *err)
{
    const bool is_primary = raw->kind == RDB_SQL_CONSTRAINT_PRIMARY;
    const rdb_relation_index *index = NULL;
    uint32_t oid = 0;
    if (!find_used_index(context, relation, raw, &index, err))
        return false;
    const char *name = raw->name != NULL ? raw->name : index->name;
    int16_t *numbers = RDB_NEW_ARRAY(context->arena, int16_t, index->key_count + 1u);
    for (uint16_t i = 0; i < index->key_count; i++)
        numbers[i] = index->columns[i].column_number;
    for (uint16_t i = 0; is_primary && i < index->key_count; i++)
        if (!relation->columns[numbers[i] - 1].not_null && !command_set_not_null(context, relation, numbers[i], err))
            return false;
    if (!command_refuse_taken_constraint(relation, name, err))
        return false;
    const uint32_t index_oid = index->oid;
    const rdb_constraint_definition definition = {.name = name, .kind = is_primary ? 'p' : 'u', .relation_oid = relation->oid, .namespace_oid = relation->namespace_oid,
                                                  .is_validated = true, .is_deferrable = raw->is_deferrable, .is_deferred = raw->is_deferred,
                                                  .columns = numbers, .column_count = index->key_count, .index_oid = index_oid};
    if (strcmp(name, index->name) != 0) {
        command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "ALTER TABLE / ADD CONSTRAINT USING INDEX will rename index \"%s\" to \"%s\"", index->name, name);
        if (!rdb_ddl_rename_relation(context->access, index_oid, name, err))
            return false;
    }
    return (!is_primary || rdb_ddl_set_index_field(context->access, index_oid, RDB_pg_index_indisprimary, (rdb_datum){.b = true}, err)) &&
           rdb_ddl_set_index_field(context->access, index_oid, RDB_pg_index_indimmediate, (rdb_datum){.b = !raw->is_deferrable}, err) &&
           rdb_ddl_create_constraint(context->access, &definition, &oid, err);
}

/* ---- PRIMARY KEY and UNIQUE ----------------------------------------------------------------------------------------------------- */
static bool key_columns(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_constraint *raw, const int16_t *numbers, uint16_t count,
                        rdb_index_column *columns, const char **names, bool is_included, rdb_error *err)
{
    const bool is_primary = raw->kind == RDB_SQL_CONSTRAINT_PRIMARY;
    for (uint16_t i = 0; i < count; i++) {
        const rdb_column *column = &relation->columns[numbers[i] - 1];
        for (uint16_t k = 0; k < i && !is_included; k++)
            if (numbers[k] == numbers[i]) {
                rdb_error_set(err, RDB_DUPLICATE_COLUMN, "column \"%s\" appears twice in %s constraint", column->name, is_primary ? "primary key" : "unique");
                return command_at(context, raw->node.location, err);
            }
        columns[i] = (rdb_index_column){.column_number = numbers[i], .type = column->type, .collation = column->collation};
        names[i] = column->name;
        if (is_included)
            continue;
        if (!rdb_opclass_default(context->access, column->type->oid, &columns[i].opclass_oid, err))
            return false;
        if (columns[i].opclass_oid == 0) {
            rdb_strbuf shown;
            rdb_strbuf_init(&shown, context->arena);
            rdb_type_format_name(column->type, -1, false, &shown);
            rdb_error_set(err, RDB_UNDEFINED_OBJECT, "data type %s has no default operator class for access method \"btree\"", shown.data);
            return rdb_error_hint(err, "You must specify an operator class for the index or define a default operator class for the data type.");
        }
    }
    return true;
}

bool command_add_key(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_constraint *raw, const char *column_name, bool table_is_new,
                     rdb_error *err)
{
    const bool is_primary = raw->kind == RDB_SQL_CONSTRAINT_PRIMARY;
    int16_t *numbers = NULL, *included = NULL;
    uint16_t count = 0, included_count = 0;
    char name[RDB_NAMEDATALEN];
    uint32_t index_oid = 0, oid = 0;
    for (uint16_t i = 0; is_primary && i < relation->constraint_count; i++)
        if (relation->constraints[i].kind == 'p')
            return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "multiple primary keys for table \"%s\" are not allowed", relation->name);
    if (raw->index_name != NULL)
        return add_key_using(context, relation, raw, err);
    const int32_t location = table_is_new ? raw->node.location : -1;
    if (!command_constraint_columns(context, relation, &raw->keys, column_name, location, &numbers, &count, err) ||
        !command_constraint_columns(context, relation, &raw->including, NULL, location, &included, &included_count, err))
        return false;
    if (count + included_count > 32)
        return rdb_error_set(err, RDB_TOO_MANY_COLUMNS, "cannot use more than 32 columns in an index");
    if (table_is_new && is_there_already(relation, raw, numbers, count, included, included_count))
        return true;
    rdb_index_column *columns = RDB_NEW_ARRAY(context->arena, rdb_index_column, count + included_count + 1u);
    const char **names = RDB_NEW_ARRAY(context->arena, const char *, count + included_count + 1u), *joined = "";
    if (!key_columns(context, relation, raw, numbers, count, columns, names, false, err) ||
        !key_columns(context, relation, raw, included, included_count, columns + count, names + count, true, err))
        return false;
    command_index_column_names(context, names, count + included_count, &joined);
    /* t_pkey, t_a_b_key */
    if (raw->name != NULL)
        snprintf(name, sizeof name, "%s", raw->name);
    else if (!command_choose_name(context, relation->name, is_primary ? NULL : joined, is_primary ? "pkey" : "key", relation->namespace_oid, name, err))
        return false;
    if (relation->kind == 'p' && !command_check_partition_key(context, relation, columns, count, is_primary ? "primary key" : "unique", err))
        return false;
    for (uint16_t i = 0; is_primary && i < count; i++)
        if (!relation->columns[numbers[i] - 1].not_null && !command_set_not_null(context, relation, numbers[i], err))
            return false;
    const rdb_index_definition index = {.name = name, .table_oid = relation->oid, .is_unique = true, .is_primary = is_primary,
                                        .nulls_not_distinct = raw->nulls_not_distinct, .is_immediate = !raw->is_deferrable, .columns = columns,
                                        .is_invalid = relation->kind == 'p' && context->keeps_to_named && relation->child_count > 0,
                                        .key_count = count, .column_count = (uint16_t)(count + included_count), .column_names = names};
    rdb_constraint_definition definition = {.name = name, .kind = is_primary ? 'p' : 'u', .relation_oid = relation->oid,
                                            .namespace_oid = relation->namespace_oid, .is_validated = true, .is_deferrable = raw->is_deferrable,
                                            .is_deferred = raw->is_deferred, .columns = numbers, .column_count = count};
    if (!rdb_ddl_create_index(context->access, &index, &index_oid, err))
        return false;
    definition.index_oid = index_oid;
    return command_set_options(context, index_oid, 'i', &raw->options, err) && rdb_ddl_create_constraint(context->access, &definition, &oid, err) &&
           (relation->kind == 'p' ? command_spread_index(context, relation->oid, index_oid, err) : command_fill_index(context, relation->oid, index_oid, err));
}

/* ---- EXCLUDE -------------------------------------------------------------------------------------------------------------------- */
static const char *operator_text(rdb_command_context *context, const rdb_operator_entry *entry)
{
    const rdb_type *left = NULL, *right = NULL;
    rdb_error quiet = {0};
    rdb_strbuf text;
    rdb_strbuf_init(&text, context->arena);
    rdb_strbuf_addf(&text, "%s(", entry->name);
    if (rdb_type_get(context->access, entry->left_type, &left, &quiet) && left != NULL)
        rdb_type_format_name(left, -1, false, &text);
    rdb_strbuf_addc(&text, ',');
    if (rdb_type_get(context->access, entry->right_type, &right, &quiet) && right != NULL)
        rdb_type_format_name(right, -1, false, &text);
    rdb_strbuf_addc(&text, ')');
    rdb_error_clear(&quiet);
    return text.data;
}

static bool family_name(rdb_command_context *context, uint32_t opclass_oid, const char **name, rdb_error *err)
{
    enum { OPCLASS_OID_INDEX = 2687, PG_OPFAMILY = 2753, OPFAMILY_OID_INDEX = 2755 };
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = false;
    rdb_datum key = {.oid = opclass_oid};
    *name = "?";
    bool ok = rdb_catalog_scan_open(&scan, context->access, RDB_PG_OPCLASS, OPCLASS_OID_INDEX, &key, 1, context->arena, err) && rdb_catalog_scan_next(scan, &row, &found, err);
    if (ok && found)
        key.oid = row.values[RDB_pg_opclass_opcfamily - 1].oid;
    rdb_catalog_scan_close(&scan);
    ok = ok && rdb_catalog_scan_open(&scan, context->access, PG_OPFAMILY, OPFAMILY_OID_INDEX, &key, 1, context->arena, err) && rdb_catalog_scan_next(scan, &row, &found, err);
    if (ok && found)
        *name = rdb_arena_strndup(context->arena, (const char *)row.values[RDB_pg_opfamily_opfname - 1].bytes.data, row.values[RDB_pg_opfamily_opfname - 1].bytes.length);
    rdb_catalog_scan_close(&scan);
    return ok;
}

/* The operator between two values of the column: equality is what the index's order calls equal. */
static bool find_exclusion_operator(rdb_command_context *context, const rdb_index_column *column, const rdb_ast_items *name, uint32_t *oid, rdb_error *err)
{
    const rdb_operator_entry *const *entries = NULL;
    uint32_t count = 0, equality = 0, family = 0;
    uint16_t strategy = 0;
    const char *schema = name->items.count > 1 ? ((const rdb_ast_value *)name->items.items[0])->text : NULL;
    const char *symbol = ((const rdb_ast_value *)name->items.items[name->items.count - 1])->text;
    const rdb_operator_entry *found = NULL;
    if ((column->terms == NULL && !rdb_opclass_operator(context->access, column->type->oid, column->type->oid, 3, &equality, err)) ||
        !rdb_operator_find(context->access, schema, symbol, &entries, &count, err))
        return false;
    for (uint32_t i = 0; i < count && found == NULL; i++)
        if (entries[i]->oid == equality || (entries[i]->left_type == column->type->oid && entries[i]->right_type == column->type->oid))
            found = entries[i];
    for (uint32_t i = 0; i < count && column->terms != NULL && found == NULL; i++) /* of a polymorphic type, or of what the type lives by */
        for (uint32_t k = 0; k < column->operator_count && found == NULL; k++)
            if (column->operators[k].operator_oid == entries[i]->oid && entries[i]->left_type == entries[i]->right_type)
                found = entries[i];
    if (found == NULL) {
        rdb_strbuf type;
        rdb_strbuf_init(&type, context->arena);
        rdb_type_format_name(column->type, -1, false, &type);
        rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "operator does not exist: %s %s %s", type.data, symbol, type.data);
        return rdb_error_hint(err, "No operator matches the given name and argument types. You might need to add explicit type casts.");
    }
    if (found->commutator_oid != found->oid) {
        rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "operator %s is not commutative", operator_text(context, found));
        return rdb_error_detail(err, "Only commutative operators can be used in exclusion constraints.");
    }
    *oid = found->oid;
    for (uint32_t k = 0; k < column->operator_count; k++)
        if (column->operators[k].operator_oid == found->oid)
            return true;
    if (column->terms == NULL) {
        if (!rdb_opclass_strategy(context->access, found->oid, &strategy, &family, err))
            return false;
        if (strategy == 3)
            return true;
    }
    const char *family_text = NULL;
    if (!family_name(context, column->opclass_oid, &family_text, err))
        return false;
    rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "operator %s is not a member of operator family \"%s\"", operator_text(context, found), family_text);
    return rdb_error_detail(err, "The exclusion operator must be related to the index operator class for the constraint.");
}

/* Two rows that are there already and that the constraint would keep apart: asked in SQL, which finds its way by the new index. */
static bool exclusion_query(rdb_command_context *context, const rdb_relation *relation, const rdb_relation_index *index, const uint32_t *operators, rdb_strbuf *text, rdb_error *err)
{
    rdb_strbuf rows;
    rdb_list expressions = {0};
    rdb_expr *tree = NULL;
    uint32_t next = 0;
    rdb_strbuf_init(&rows, context->arena);
    if (index->expression_tree != NULL) {
        if (!rdb_tree_read_expr(context->arena, context->access, index->expression_tree, &tree, err))
            return false;
        if (tree->kind == RDB_EXPR_ROW)
            expressions = ((rdb_expr_row *)tree)->fields;
        else
            rdb_list_push(context->arena, &expressions, tree);
    }
    rdb_strbuf_adds(&rows, "(SELECT ctid AS place");
    for (uint16_t i = 0; i < index->key_count; i++) {
        rdb_strbuf_adds(&rows, ", (");
        if (index->columns[i].column_number > 0)
            rdb_identifier_add(&rows, relation->columns[index->columns[i].column_number - 1].name);
        else if (next >= expressions.count || !rdb_deparse_expr(context->access, expressions.items[next++], relation, false, &rows, err))
            return false;
        rdb_strbuf_addf(&rows, ") AS key%u", i);
    }
    rdb_strbuf_adds(&rows, " FROM ONLY ");
    rdb_identifier_add(&rows, relation->namespace_name);
    rdb_strbuf_addc(&rows, '.');
    rdb_identifier_add(&rows, relation->name);
    if (index->predicate_tree != NULL) {
        rdb_strbuf_adds(&rows, " WHERE ");
        if (!rdb_tree_read_expr(context->arena, context->access, index->predicate_tree, &tree, err) || !rdb_deparse_expr(context->access, tree, relation, false, &rows, err))
            return false;
    }
    rdb_strbuf_addc(&rows, ')');
    if (!rdb_strbuf_check(&rows, err))
        return false;
    rdb_strbuf_adds(text, "SELECT ");
    for (uint16_t i = 0; i < 2 * index->key_count; i++)
        rdb_strbuf_addf(text, "%s%c.key%u::text", i > 0 ? ", " : "", i < index->key_count ? 'a' : 'b', i % index->key_count);
    rdb_strbuf_addf(text, " FROM %s a, %s b WHERE a.place < b.place", rows.data, rows.data);
    for (uint16_t i = 0; i < index->key_count; i++) {
        const rdb_operator_entry *entry = NULL;
        char schema[RDB_NAMEDATALEN];
        if (!rdb_operator_get(context->access, operators[i], &entry, err) || entry == NULL || !rdb_namespace_get_name(context->access, entry->namespace_oid, schema, err))
            return false;
        rdb_strbuf_addf(text, " AND a.key%u OPERATOR(", i);
        rdb_identifier_add(text, schema);
        rdb_strbuf_addf(text, ".%s) b.key%u", entry->name, i);
    }
    rdb_strbuf_adds(text, " LIMIT 1");
    return rdb_strbuf_check(text, err);
}

static bool refuse_rows(const rdb_relation *relation, const rdb_relation_index *index, const rdb_batch *batch, rdb_command_context *context, rdb_error *err)
{
    rdb_strbuf names, values[2];
    uint32_t row = 0;
    bool found = false, is_told = true;
    const rdb_deparse_style style = {.access = context->access, .format = context->format, .is_pretty = true, .breaks_lines = true};
    RDB_FOR_SELECTED (&batch->selection, selected) {
        row = found ? row : selected;
        found = true;
    }
    rdb_strbuf_init(&names, context->arena);
    for (uint16_t i = 0; i < index->key_count; i++) {
        const int16_t number = index->columns[i].column_number;
        rdb_strbuf_adds(&names, i > 0 ? ", " : "");
        if (number > 0)
            rdb_identifier_add(&names, relation->columns[number - 1].name);
        else
            is_told = rdb_index_show_expression(&style, context->arena, relation, index, i, &names) && is_told;
    }
    for (int side = 0; side < 2; side++) {
        rdb_strbuf_init(&values[side], context->arena);
        for (uint16_t i = 0; i < index->key_count; i++) {
            const rdb_vector *vector = batch->columns[side * index->key_count + i];
            const rdb_datum value = rdb_vector_get(vector, row);
            rdb_strbuf_adds(&values[side], i > 0 ? ", " : "");
            rdb_strbuf_add(&values[side], value.bytes.data, value.bytes.length);
        }
    }
    rdb_error_set(err, RDB_EXCLUSION_VIOLATION, "could not create exclusion constraint \"%s\"", index->name);
    if (is_told && !names.failed && !values[0].failed && !values[1].failed)
        rdb_error_detail(err, "Key (%s)=(%s) conflicts with key (%s)=(%s).", names.data, values[0].data, names.data, values[1].data);
    rdb_error_name(err, RDB_ERROR_SCHEMA, relation->namespace_name);
    rdb_error_name(err, RDB_ERROR_TABLE, relation->name);
    return rdb_error_name(err, RDB_ERROR_CONSTRAINT, index->name);
}

static bool check_exclusion(rdb_command_context *context, uint32_t table_oid, uint32_t index_oid, const uint32_t *operators, rdb_error *err)
{
    rdb_command_context quiet = *context;
    const rdb_relation *relation = NULL;
    const rdb_relation_index *index = NULL;
    rdb_analysis analysis;
    rdb_ast_list statements = {0};
    rdb_query *query = NULL;
    rdb_plan *plan = NULL;
    rdb_strbuf text;
    rdb_execution *execution = NULL;
    const rdb_plan_context plan_context = {.arena = context->arena, .access = context->access, .format = context->format, .session = command_eval(context),
                                           .work_mem_bytes = context->work_mem_bytes, .no_hash_join = true, .no_merge_join = true};
    if (!rdb_relation_get(context->access, table_oid, &relation, err))
        return false;
    for (uint16_t i = 0; relation != NULL && i < relation->index_count; i++)
        if (relation->indexes[i].oid == index_oid)
            index = &relation->indexes[i];
    if (index == NULL || relation->kind == 'p')
        return true;
    quiet.text = NULL; /* places would be those of this text */
    command_analysis(&quiet, &analysis);
    rdb_strbuf_init(&text, context->arena);
    if (!exclusion_query(context, relation, index, operators, &text, err) || !rdb_sql_parse(context->arena, text.data, text.length, &statements, err) ||
        !rdb_query_analyse(&analysis, statements.items[0].body, &query, err) || !rdb_query_rewrite(&analysis, &query, err) || !rdb_plan_make(&plan_context, query, &plan, err))
        return false;
    const rdb_execution_context settings = command_execution_context(context);
    bool done = false, ok = rdb_execution_open(&execution, plan, &settings, err);
    while (ok && !done) {
        const rdb_batch *batch = NULL;
        ok = rdb_execution_pull(execution, 0, &batch, &done, err);
        if (ok && batch != NULL && batch->selection.count > 0)
            ok = refuse_rows(relation, index, batch, context, err);
    }
    rdb_execution_close(&execution);
    return ok;
}

bool command_add_exclusion(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_constraint *raw, rdb_error *err)
{
    command_index_parts parts;
    char name[RDB_NAMEDATALEN];
    uint32_t index_oid = 0, oid = 0;
    rdb_list elements = {0}, including = {0};
    for (uint32_t i = 0; i < raw->exclusions.count; i++) {
        const rdb_ast_items *pair = raw->exclusions.items[i];
        rdb_list_push(context->arena, &elements, pair->items.items[0]);
    }
    for (uint32_t i = 0; i < raw->including.count; i++) {
        rdb_ast_index_elem *element = RDB_NEW(context->arena, rdb_ast_index_elem);
        element->node = (rdb_ast_node){RDB_AST_INDEX_ELEM, -1};
        element->name = raw->including.items[i];
        rdb_list_push(context->arena, &including, element);
    }
    /* Without a method the grammar means gist. */
    if (!command_index_parts_read(context, relation, raw->access_method != NULL ? raw->access_method : "gist", &elements, &including, raw->where, true, &parts, err))
        return false;
    const uint16_t count = parts.definition.key_count;
    uint32_t *operators = RDB_NEW_ARRAY(context->arena, uint32_t, count + 1u);
    int16_t *numbers = RDB_NEW_ARRAY(context->arena, int16_t, count + 1u);
    for (uint16_t i = 0; i < count; i++) {
        const rdb_ast_items *pair = raw->exclusions.items[i];
        numbers[i] = parts.definition.columns[i].column_number;
        if (!find_exclusion_operator(context, &parts.definition.columns[i], pair->items.items[1], &operators[i], err))
            return false;
    }
    if (raw->name != NULL)
        snprintf(name, sizeof name, "%s", raw->name);
    else if (!command_choose_name(context, relation->name, parts.joined_names, "excl", relation->namespace_oid, name, err))
        return false;
    parts.definition.name = name;
    parts.definition.is_exclusion = true;
    parts.definition.is_immediate = !raw->is_deferrable;
    rdb_constraint_definition definition = {.name = name, .kind = 'x', .relation_oid = relation->oid, .namespace_oid = relation->namespace_oid, .is_validated = true,
                                            .is_deferrable = raw->is_deferrable, .is_deferred = raw->is_deferred, .columns = numbers, .column_count = count,
                                            .exclusion_operators = operators, .exclusion_count = count};
    if (!rdb_ddl_create_index(context->access, &parts.definition, &index_oid, err))
        return false;
    definition.index_oid = index_oid;
    return command_set_options(context, index_oid, command_index_options_kind(parts.definition.method_oid), &raw->options, err) && rdb_ddl_create_constraint(context->access, &definition, &oid, err) &&
           command_fill_index(context, relation->oid, index_oid, err) && check_exclusion(context, relation->oid, index_oid, operators, err);
}
