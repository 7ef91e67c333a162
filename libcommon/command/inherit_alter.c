/* SPDX-License-Identifier: Apache-2.0
 * Children under ALTER TABLE: who they are, the checks they get, and tables that begin or end to inherit. */
#include "command/inherit.h"

/* ---- children ---------------------------------------------------------------------------------------------------------------------- */
bool command_children(rdb_command_context *context, const rdb_relation *relation, rdb_lock_mode mode, rdb_list *children, rdb_error *err)
{
    *children = (rdb_list){0};
    for (uint32_t i = 0; i < relation->child_count; i++) {
        const rdb_relation *child = NULL;
        if (mode != RDB_LOCK_NONE && !command_lock(context, relation->children[i].oid, mode, err))
            return false;
        if (!rdb_relation_get(context->access, relation->children[i].oid, &child, err))
            return false;
        if (child != NULL)
            rdb_list_push(context->arena, children, (void *)(uintptr_t)child);
    }
    return true;
}

bool command_descendants(rdb_command_context *context, const rdb_relation *relation, rdb_lock_mode mode, rdb_list *all, uint32_t **counts, rdb_error *err)
{
    rdb_list numbers = {0};
    *all = (rdb_list){0};
    for (uint32_t i = 0; i <= all->count; i++) {
        const rdb_relation *at = i == 0 ? relation : all->items[i - 1];
        rdb_list children;
        if (!command_children(context, at, mode, &children, err))
            return false;
        for (uint32_t k = 0; k < children.count; k++) {
            const rdb_relation *child = children.items[k];
            bool is_known = false;
            for (uint32_t m = 0; m < all->count && !is_known; m++)
                if (((const rdb_relation *)all->items[m])->oid == child->oid) {
                    is_known = true;
                    numbers.items[m] = (void *)((uintptr_t)numbers.items[m] + 1);
                }
            if (is_known)
                continue;
            rdb_list_push(context->arena, all, (void *)(uintptr_t)child);
            rdb_list_push(context->arena, &numbers, (void *)(uintptr_t)1);
        }
    }
    *counts = RDB_NEW_ARRAY(context->arena, uint32_t, all->count + 1);
    for (uint32_t i = 0; i < all->count; i++)
        (*counts)[i] = (uint32_t)(uintptr_t)numbers.items[i];
    return rdb_arena_check(context->arena, err);
}

/* ---- checks ------------------------------------------------------------------------------------------------------------------------ */
static const rdb_constraint *find_constraint(const rdb_relation *relation, const char *name)
{
    for (uint16_t i = 0; i < relation->constraint_count; i++)
        if (strcmp(relation->constraints[i].name, name) == 0)
            return &relation->constraints[i];
    return NULL;
}

static bool translate_check(rdb_command_context *context, const rdb_relation *child, const rdb_relation *parent, const char *tree, rdb_expr **expr, rdb_error *err)
{
    int16_t *map = NULL;
    if (!rdb_inheritance_map(context->arena, parent, child, &map, err) || !rdb_tree_read_expr(context->arena, context->access, tree, expr, err))
        return false;
    *expr = rdb_inheritance_translate(context->arena, *expr, 1, map, NULL);
    return true;
}

static bool create_check(rdb_command_context *context, const rdb_relation *child, const rdb_constraint *check, rdb_expr *expr, rdb_error *err)
{
    rdb_strbuf text;
    command_uses uses = {0};
    uint32_t oid = 0, other_count = 0;
    uint16_t column_count = 0;
    rdb_strbuf_init(&text, context->arena);
    if (!rdb_tree_write_expr(expr, &text, err) || !rdb_strbuf_check(&text, err) || !command_expr_uses(context, child, expr, &uses, err))
        return false;
    int16_t *columns = RDB_NEW_ARRAY(context->arena, int16_t, uses.count + 1);
    rdb_object_address *others = RDB_NEW_ARRAY(context->arena, rdb_object_address, uses.count + 1);
    for (uint32_t i = 0; i < uses.count; i++) {
        const bool is_own = uses.items[i].catalog_oid == RDB_PG_CLASS && uses.items[i].object_oid == child->oid;
        if (is_own && uses.items[i].sub_id > 0)
            columns[column_count++] = (int16_t)uses.items[i].sub_id;
        else if (!is_own)
            others[other_count++] = uses.items[i];
    }
    const rdb_constraint_definition definition = {.name = check->name, .kind = 'c', .relation_oid = child->oid, .namespace_oid = child->namespace_oid,
                                                  .is_validated = check->is_validated, .is_inherited_only = true, .inherit_count = 1, .check_tree = text.data,
                                                  .columns = columns, .column_count = column_count, .uses = others, .use_count = other_count};
    return rdb_ddl_create_constraint(context->access, &definition, &oid, err);
}

bool command_inherit_check(rdb_command_context *context, const rdb_relation *child, const rdb_relation *parent, const rdb_constraint *check, bool is_new, rdb_error *err)
{
    rdb_expr *expr = NULL, *own = NULL;
    const rdb_constraint *there = find_constraint(child, check->name);
    if (!translate_check(context, child, parent, check->check_tree, &expr, err))
        return false;
    if (there == NULL) {
        if (!create_check(context, child, check, expr, err))
            return false;
        if (is_new || !check->is_validated || child->kind == 'p')
            return true;
        const rdb_relation *relation = child;
        if (!command_reload(context, &relation, err))
            return false;
        const rdb_constraint *made = find_constraint(relation, check->name);
        return made == NULL || command_validate_check(context, relation, made, err);
    }
    if (there->kind != 'c')
        return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "constraint \"%s\" for relation \"%s\" already exists", check->name, child->name);
    if (!rdb_tree_read_expr(context->arena, context->access, there->check_tree, &own, err))
        return false;
    if (!rdb_expr_equal(own, expr)) {
        if (is_new)
            return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "check constraint name \"%s\" appears multiple times but with different expressions", check->name);
        return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "constraint \"%s\" for relation \"%s\" already exists", check->name, child->name);
    }
    if (there->is_no_inherit)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "constraint \"%s\" conflicts with non-inherited constraint on relation \"%s\"", check->name, child->name);
    if (!there->is_validated && check->is_validated)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "constraint \"%s\" conflicts with NOT VALID constraint on relation \"%s\"", check->name, child->name);
    if (!is_new)
        command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "merging constraint \"%s\" with inherited definition", check->name);
    return rdb_ddl_set_constraint_inheritance(context->access, there->oid, there->is_local, there->inherit_count + 1, false, 0, err);
}

bool command_merge_own_check(rdb_command_context *context, const rdb_relation *relation, const char *name, rdb_expr *expr, bool is_no_inherit, bool *is_merged, rdb_error *err)
{
    const rdb_constraint *there = find_constraint(relation, name);
    rdb_expr *inherited = NULL, *own = NULL;
    rdb_strbuf text;
    *is_merged = false;
    if (there == NULL || there->kind != 'c' || there->is_local || there->inherit_count == 0)
        return true;
    rdb_strbuf_init(&text, context->arena);
    /* both read back, so that what only the text told is gone */
    if (!rdb_tree_write_expr(expr, &text, err) || !rdb_strbuf_check(&text, err) || !rdb_tree_read_expr(context->arena, context->access, text.data, &own, err) ||
        !rdb_tree_read_expr(context->arena, context->access, there->check_tree, &inherited, err))
        return false;
    if (!rdb_expr_equal(own, inherited))
        return true;
    if (is_no_inherit)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "constraint \"%s\" conflicts with inherited constraint on relation \"%s\"", name, relation->name);
    command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "merging constraint \"%s\" with inherited definition", name);
    *is_merged = true;
    return rdb_ddl_set_constraint_inheritance(context->access, there->oid, true, there->inherit_count, false, 0, err);
}

/* ---- INHERIT, NO INHERIT ------------------------------------------------------------------------------------------------------------- */
bool command_adopt(rdb_command_context *context, const rdb_relation *child, const rdb_relation *parent, bool is_partition, rdb_error *err)
{
    for (uint16_t i = 0; i < parent->column_count; i++) {
        const rdb_column *wanted = &parent->columns[i];
        if (wanted->is_dropped)
            continue;
        const int16_t number = command_find_column(child, wanted->name);
        if (number == 0)
            return rdb_error_set(err, RDB_DATATYPE_MISMATCH, "child table is missing column \"%s\"", wanted->name);
        const rdb_column *column = &child->columns[number - 1];
        if (column->type->oid != wanted->type->oid || column->typmod != wanted->typmod)
            return rdb_error_set(err, RDB_DATATYPE_MISMATCH, "child table \"%s\" has different type for column \"%s\"", child->name, wanted->name);
        if (column->collation != wanted->collation)
            return rdb_error_set(err, RDB_COLLATION_MISMATCH, "child table \"%s\" has different collation for column \"%s\"", child->name, wanted->name);
        if (wanted->not_null && !column->not_null)
            return rdb_error_set(err, RDB_DATATYPE_MISMATCH, "column \"%s\" in child table must be marked NOT NULL", wanted->name);
        if (wanted->generated != 0 && column->generated == 0)
            return rdb_error_set(err, RDB_DATATYPE_MISMATCH, "column \"%s\" in child table must be a generated column", wanted->name);
        if (wanted->generated == 0 && column->generated != 0)
            return rdb_error_set(err, RDB_DATATYPE_MISMATCH, "column \"%s\" in child table must not be a generated column", wanted->name);
        bool is_same = true;
        if (wanted->generated != 0 && !command_same_default(context, parent, wanted, child, column, &is_same, err))
            return false;
        if (!is_same)
            return rdb_error_set(err, RDB_DATATYPE_MISMATCH, "column \"%s\" in child table has a conflicting generation expression", wanted->name);
        if (!rdb_ddl_set_attribute_field(context->access, child->oid, number, RDB_pg_attribute_attinhcount, (rdb_datum){.i32 = column->inherit_count + 1}, false, err) ||
            (is_partition && !rdb_ddl_set_attribute_field(context->access, child->oid, number, RDB_pg_attribute_attislocal, (rdb_datum){.b = false}, false, err)))
            return false;
    }
    for (uint16_t i = 0; i < parent->constraint_count; i++) {
        const rdb_constraint *check = &parent->constraints[i];
        rdb_expr *expr = NULL, *own = NULL;
        if (check->kind != 'c' || check->is_no_inherit)
            continue;
        const rdb_constraint *there = find_constraint(child, check->name);
        if (there == NULL || there->kind != 'c')
            return rdb_error_set(err, RDB_DATATYPE_MISMATCH, "child table is missing constraint \"%s\"", check->name);
        if (!translate_check(context, child, parent, check->check_tree, &expr, err) || !rdb_tree_read_expr(context->arena, context->access, there->check_tree, &own, err))
            return false;
        if (!rdb_expr_equal(own, expr))
            return rdb_error_set(err, RDB_DATATYPE_MISMATCH, "child table \"%s\" has different definition for check constraint \"%s\"", child->name, check->name);
        if (there->is_no_inherit)
            return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "constraint \"%s\" conflicts with non-inherited constraint on child table \"%s\"", check->name, child->name);
        if (!there->is_validated && check->is_validated)
            return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "constraint \"%s\" conflicts with NOT VALID constraint on child table \"%s\"", check->name, child->name);
        if (!rdb_ddl_set_constraint_inheritance(context->access, there->oid, there->is_local && !is_partition, there->inherit_count + 1, false, there->parent_oid, err))
            return false;
    }
    return true;
}

bool command_disown(rdb_command_context *context, const rdb_relation *child, const rdb_relation *parent, rdb_error *err)
{
    for (uint16_t i = 0; i < parent->column_count; i++) {
        const int16_t number = parent->columns[i].is_dropped ? 0 : command_find_column(child, parent->columns[i].name);
        const rdb_column *column = number > 0 ? &child->columns[number - 1] : NULL;
        if (column == NULL || column->inherit_count == 0)
            continue;
        if (!rdb_ddl_set_attribute_field(context->access, child->oid, number, RDB_pg_attribute_attinhcount, (rdb_datum){.i32 = column->inherit_count - 1}, false, err) ||
            (column->inherit_count == 1 && !rdb_ddl_set_attribute_field(context->access, child->oid, number, RDB_pg_attribute_attislocal, (rdb_datum){.b = true}, false, err)))
            return false;
    }
    for (uint16_t i = 0; i < parent->constraint_count; i++) {
        const rdb_constraint *check = &parent->constraints[i], *there = check->kind == 'c' && !check->is_no_inherit ? find_constraint(child, check->name) : NULL;
        if (there == NULL || there->kind != 'c' || there->inherit_count == 0)
            continue;
        if (!rdb_ddl_set_constraint_inheritance(context->access, there->oid, there->is_local || there->inherit_count == 1, there->inherit_count - 1, false, there->parent_oid, err))
            return false;
    }
    return true;
}

bool command_alter_inherit(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_table *table, bool adds, rdb_error *err)
{
    const rdb_relation *parent = NULL;
    uint32_t *parents = NULL, count = 0, *counts = NULL;
    rdb_list below;
    if (relation->is_partition)
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot change inheritance of a partition");
    if (!command_open_table(context, table, adds ? RDB_LOCK_SHARE_UPDATE_EXCLUSIVE : RDB_LOCK_ACCESS_SHARE, false, &parent, err) ||
        !rdb_ddl_get_parents(context->access, relation->oid, context->arena, &parents, &count, err))
        return false;
    if (!adds) {
        bool found = false;
        if (!rdb_ddl_remove_parent(context->access, relation->oid, parent->oid, &found, err))
            return false;
        if (!found)
            return rdb_error_set(err, RDB_UNDEFINED_TABLE, "relation \"%s\" is not a parent of relation \"%s\"", parent->name, relation->name);
        return command_disown(context, relation, parent, err);
    }
    if (relation->kind == 'p')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot change inheritance of partitioned table");
    if (!command_refuse_typed(relation, "change inheritance of", err) || !command_check_owner(context, parent, err))
        return false;
    if (parent->persistence == 't' && relation->persistence != 't')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot inherit from temporary relation \"%s\"", parent->name);
    if (parent->kind == 'p')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot inherit from partitioned table \"%s\"", parent->name);
    if (parent->is_partition)
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot inherit from a partition");
    if (parent->kind != 'r')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a table or foreign table", parent->name);
    for (uint32_t i = 0; i < count; i++)
        if (parents[i] == parent->oid)
            return rdb_error_set(err, RDB_DUPLICATE_TABLE, "relation \"%s\" would be inherited from more than once", parent->name);
    if (!command_descendants(context, relation, RDB_LOCK_NONE, &below, &counts, err))
        return false;
    bool is_circle = relation->oid == parent->oid;
    for (uint32_t i = 0; i < below.count; i++)
        is_circle = is_circle || ((const rdb_relation *)below.items[i])->oid == parent->oid;
    if (is_circle) {
        rdb_error_set(err, RDB_DUPLICATE_TABLE, "circular inheritance not allowed");
        return rdb_error_detail(err, "\"%s\" is already a child of \"%s\".", parent->name, relation->name);
    }
    return command_adopt(context, relation, parent, false, err) && rdb_ddl_add_parent(context->access, relation->oid, parent->oid, (int32_t)count + 1, false, err);
}
