/* SPDX-License-Identifier: Apache-2.0
 * CREATE TABLE ... INHERITS and PARTITION OF: columns of several parents and the table's own become one list, in which
 * inherited ones stand first; checks come along unless they are NO INHERIT. */
#include "command/inherit.h"

/* ---- parents ----------------------------------------------------------------------------------------------------------------------- */
static bool check_parent(rdb_command_context *context, const rdb_relation *parent, char persistence, const inheritance *from, rdb_error *err)
{
    for (uint32_t i = 0; i < from->parent_count; i++)
        if (from->parents[i]->oid == parent->oid)
            return rdb_error_set(err, RDB_DUPLICATE_TABLE, "relation \"%s\" would be inherited from more than once", parent->name);
    if (parent->kind == 'p' && !from->is_partition)
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot inherit from partitioned table \"%s\"", parent->name);
    if (parent->is_partition && !from->is_partition)
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot inherit from partition \"%s\"", parent->name);
    if (from->is_partition && parent->kind != 'p')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not partitioned", parent->name);
    if (parent->kind != 'r' && parent->kind != 'p' && parent->kind != 'f')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "inherited relation \"%s\" is not a table or foreign table", parent->name);
    if (from->is_partition && persistence == 't' && parent->persistence != 't')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot create a temporary relation as partition of permanent relation \"%s\"", parent->name);
    if (persistence != 't' && parent->persistence == 't')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE,
                             from->is_partition ? "cannot create a permanent relation as partition of temporary relation \"%s\"" : "cannot inherit from temporary relation \"%s\"",
                             parent->name);
    return command_check_owner(context, parent, err);
}

bool command_open_parents(rdb_command_context *context, const rdb_ast_create_table *statement, char persistence, inheritance *from, rdb_error *err)
{
    *from = (inheritance){.name = statement->table->name, .is_partition = statement->partition_bound != NULL};
    from->parents = RDB_NEW_ARRAY(context->arena, const rdb_relation *, statement->inherits.count + 1);
    for (uint32_t i = 0; i < statement->inherits.count; i++) {
        const rdb_ast_table *table = statement->inherits.items[i];
        const rdb_relation *parent = NULL;
        /* a new partition changes what the parent's rows are checked against */
        if (!command_open_table(context, table, from->is_partition ? RDB_LOCK_ACCESS_EXCLUSIVE : RDB_LOCK_SHARE_UPDATE_EXCLUSIVE, false, &parent, err) ||
            !check_parent(context, parent, persistence, from, err))
            return false;
        from->parents[from->parent_count++] = parent;
    }
    return true;
}

/* ---- columns ----------------------------------------------------------------------------------------------------------------------- */
static const char *type_text(rdb_command_context *context, const rdb_type *type, int32_t typmod)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, context->arena);
    rdb_type_format_name(type, typmod, true, &text);
    return text.data;
}

static bool check_same(rdb_command_context *context, const char *what, const char *name, const rdb_type *type, int32_t typmod, uint32_t collation, const rdb_type *other,
                       int32_t other_typmod, uint32_t other_collation, rdb_error *err)
{
    if (type->oid != other->oid || typmod != other_typmod) {
        rdb_error_set(err, RDB_DATATYPE_MISMATCH, "%scolumn \"%s\" has a type conflict", what, name);
        return rdb_error_detail(err, "%s versus %s", type_text(context, type, typmod), type_text(context, other, other_typmod));
    }
    if (collation == other_collation)
        return true;
    const char *schema = NULL, *left = NULL, *right = NULL;
    rdb_error_set(err, RDB_COLLATION_MISMATCH, "%scolumn \"%s\" has a collation conflict", what, name);
    rdb_error quiet = {0};
    if (rdb_expr_collation_name(context->access, context->arena, collation, &schema, &left, &quiet) &&
        rdb_expr_collation_name(context->access, context->arena, other_collation, &schema, &right, &quiet))
        rdb_error_detail(err, "\"%s\" versus \"%s\"", left != NULL ? left : "", right != NULL ? right : "");
    rdb_error_clear(&quiet);
    return false;
}

static inherited_column *find_inherited(const inheritance *from, const char *name)
{
    for (uint16_t i = 0; i < from->column_count; i++)
        if (strcmp(from->columns[i].column->name, name) == 0)
            return &from->columns[i];
    return NULL;
}

bool command_same_default(rdb_command_context *context, const rdb_relation *left_of, const rdb_column *left, const rdb_relation *right_of, const rdb_column *right, bool *same, rdb_error *err)
{
    rdb_expr *a = NULL, *b = NULL;
    int16_t *map = NULL;
    if (!rdb_tree_read_expr(context->arena, context->access, left->default_tree, &a, err) || !rdb_tree_read_expr(context->arena, context->access, right->default_tree, &b, err))
        return false;
    if (left->generated != 0) { /* both over their own columns: the left one's as the right table has them */
        rdb_error quiet = {0};
        *same = rdb_inheritance_map(context->arena, left_of, right_of, &map, &quiet) && rdb_expr_equal(rdb_inheritance_translate(context->arena, a, 1, map, NULL), b);
        rdb_error_clear(&quiet);
        return true;
    }
    *same = rdb_expr_equal(a, b);
    return true;
}

static bool merge_parent_column(rdb_command_context *context, inheritance *from, const rdb_relation *parent, const rdb_column *column, rdb_error *err)
{
    inherited_column *known = find_inherited(from, column->name);
    if (known == NULL) {
        from->columns[from->column_count++] = (inherited_column){.parent = parent, .column = column, .count = 1, .not_null = column->not_null,
                                                                 .default_parent = column->default_tree != NULL ? parent : NULL, .default_column = column};
        return true;
    }
    command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "merging multiple inherited definitions of column \"%s\"", column->name);
    if (!check_same(context, "inherited ", column->name, known->column->type, known->column->typmod, known->column->collation, column->type, column->typmod, column->collation, err))
        return false;
    known->not_null = known->not_null || column->not_null;
    known->count++;
    if (known->column->generated != column->generated)
        return rdb_error_set(err, RDB_DATATYPE_MISMATCH, "inherited column \"%s\" has a generation conflict", column->name);
    if (column->default_tree == NULL)
        return true;
    bool same = true;
    if (known->default_parent != NULL && !command_same_default(context, known->default_parent, known->default_column, parent, column, &same, err))
        return false;
    known->has_conflicting_default = known->has_conflicting_default || !same;
    if (known->default_parent == NULL) {
        known->default_parent = parent;
        known->default_column = column;
    }
    return true;
}

static const rdb_ast_constraint *constraint_of(const rdb_ast_column_def *raw, uint8_t kind)
{
    for (uint32_t i = 0; i < raw->constraints.count; i++)
        if (((const rdb_ast_constraint *)raw->constraints.items[i])->kind == kind)
            return raw->constraints.items[i];
    return NULL;
}

/* A column that the table declares and inherits. at: its place among the declared ones, from 1. */
static bool merge_own_column(rdb_command_context *context, inheritance *from, inherited_column *inherited, rdb_ast_column_def *own, uint16_t at, rdb_error *err)
{
    const uint16_t place = (uint16_t)(inherited - from->columns + 1);
    rdb_column_definition definition;
    const char *serial = NULL;
    rdb_error note = {0};
    if (!from->is_partition) {
        if (place == at) {
            command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "merging column \"%s\" with inherited definition", own->name);
        } else {
            rdb_error_set(&note, RDB_SUCCESSFUL_COMPLETION, "moving and merging column \"%s\" with inherited definition", own->name);
            rdb_error_detail(&note, "User-specified column moved to the position of the inherited column.");
            context->client->notice(context->client->context, "NOTICE", &note);
            rdb_error_clear(&note);
        }
    }
    if (own->type == NULL) { /* of a partition: options alone */
        rdb_ast_column_def *typed = command_column_like(context, inherited->column);
        own->type = typed->type;
    } else {
        if (!command_define_column(context, from->name, own, &definition, &serial, err) ||
            !check_same(context, "", own->name, inherited->column->type, inherited->column->typmod, inherited->column->collation, definition.type, definition.typmod,
                        definition.collation != 0 ? definition.collation : definition.type->collation, err))
            return false;
    }
    const bool is_generated = constraint_of(own, RDB_SQL_CONSTRAINT_GENERATED) != NULL;
    if (inherited->column->generated != 0) {
        if (is_generated && !from->is_partition) {
            rdb_error_set(err, RDB_INVALID_COLUMN_DEFINITION, "child column \"%s\" specifies generation expression", own->name);
            return rdb_error_hint(err, "Omit the generation expression in the definition of the child table column to inherit the generation expression from the parent table.");
        }
        if (constraint_of(own, RDB_SQL_CONSTRAINT_DEFAULT) != NULL)
            return rdb_error_set(err, RDB_INVALID_COLUMN_DEFINITION, "column \"%s\" inherits from generated column but specifies default", own->name);
        if (constraint_of(own, RDB_SQL_CONSTRAINT_IDENTITY) != NULL)
            return rdb_error_set(err, RDB_INVALID_COLUMN_DEFINITION, "column \"%s\" inherits from generated column but specifies identity", own->name);
    }
    inherited->own = own;
    return true;
}

bool command_merge_columns(rdb_command_context *context, inheritance *from, rdb_list *elements, rdb_error *err)
{
    uint32_t room = 0;
    rdb_list merged = {0};
    uint16_t at = 0;
    for (uint32_t i = 0; i < from->parent_count; i++)
        room += from->parents[i]->column_count;
    from->columns = RDB_NEW_ARRAY(context->arena, inherited_column, room + 1);
    for (uint32_t i = 0; i < elements->count; i++) {
        const rdb_ast_column_def *one = elements->items[i];
        if (one->node.tag != RDB_AST_COLUMN_DEF)
            continue;
        for (uint32_t k = 0; k < i; k++) {
            const rdb_ast_column_def *other = elements->items[k];
            if (other->node.tag == RDB_AST_COLUMN_DEF && strcmp(other->name, one->name) == 0)
                return rdb_error_set(err, RDB_DUPLICATE_COLUMN, "column \"%s\" specified more than once", one->name);
        }
    }
    for (uint32_t i = 0; i < from->parent_count; i++)
        for (uint16_t k = 0; k < from->parents[i]->column_count; k++)
            if (!from->parents[i]->columns[k].is_dropped && !merge_parent_column(context, from, from->parents[i], &from->parents[i]->columns[k], err))
                return false;
    for (uint32_t i = 0; i < elements->count; i++) {
        rdb_ast_column_def *own = elements->items[i];
        if (own->node.tag != RDB_AST_COLUMN_DEF)
            continue;
        at++;
        inherited_column *inherited = find_inherited(from, own->name);
        if (inherited == NULL && from->is_partition)
            return rdb_error_set(err, RDB_UNDEFINED_COLUMN, "column \"%s\" does not exist", own->name);
        if (inherited != NULL && !merge_own_column(context, from, inherited, own, at, err))
            return false;
    }
    for (uint16_t i = 0; i < from->column_count; i++) {
        const inherited_column *inherited = &from->columns[i];
        const bool sets_default = inherited->own != NULL && (constraint_of(inherited->own, RDB_SQL_CONSTRAINT_DEFAULT) != NULL);
        if (inherited->has_conflicting_default && !sets_default && inherited->column->generated != 0) {
            rdb_error_set(err, RDB_INVALID_COLUMN_DEFINITION, "column \"%s\" inherits conflicting generation expressions", inherited->column->name);
            return rdb_error_hint(err, "To resolve the conflict, specify a generation expression explicitly.");
        }
        if (inherited->has_conflicting_default && !sets_default) {
            rdb_error_set(err, RDB_INVALID_COLUMN_DEFINITION, "column \"%s\" inherits conflicting default values", inherited->column->name);
            return rdb_error_hint(err, "To resolve the conflict, specify a default explicitly.");
        }
        rdb_list_push(context->arena, &merged, inherited->own != NULL ? (void *)(uintptr_t)inherited->own : (void *)command_column_like(context, inherited->column));
    }
    for (uint32_t i = 0; i < elements->count; i++) {
        const rdb_ast_column_def *own = elements->items[i];
        if (own->node.tag != RDB_AST_COLUMN_DEF || find_inherited(from, own->name) == NULL)
            rdb_list_push(context->arena, &merged, elements->items[i]);
    }
    *elements = merged;
    return rdb_arena_check(context->arena, err);
}

bool command_inherit_column(rdb_command_context *context, const inheritance *from, uint16_t i, rdb_column_definition *column, rdb_error *err)
{
    if (i >= from->column_count)
        return true;
    const inherited_column *inherited = &from->columns[i];
    column->inherit_count = inherited->count;
    column->is_inherited_only = inherited->own == NULL || from->is_partition;
    column->not_null = column->not_null || inherited->not_null;
    if (inherited->column->generated != 0) {
        column->generated = 's';
        return true; /* the expression comes when the table is there */
    }
    if (column->default_tree != NULL || inherited->default_parent == NULL || (inherited->own != NULL && (column->identity != 0 || column->generated != 0)))
        return true;
    rdb_expr *expr = NULL;
    command_uses uses = {0};
    column->default_tree = inherited->default_column->default_tree;
    if (!rdb_tree_read_expr(context->arena, context->access, column->default_tree, &expr, err) || !command_expr_uses(context, NULL, expr, &uses, err))
        return false;
    column->default_uses = uses.items;
    column->default_use_count = uses.count;
    return true;
}

/* ---- when the table is there ------------------------------------------------------------------------------------------------------- */
static bool inherit_generated(rdb_command_context *context, const inherited_column *inherited, const rdb_relation *relation, int16_t number, rdb_error *err)
{
    rdb_expr *expr = NULL;
    int16_t *map = NULL;
    rdb_strbuf text;
    command_uses uses = {0};
    if (inherited->column->generated == 0 || relation->columns[number - 1].default_tree != NULL)
        return true;
    rdb_strbuf_init(&text, context->arena);
    if (!rdb_inheritance_map(context->arena, inherited->parent, relation, &map, err) ||
        !rdb_tree_read_expr(context->arena, context->access, inherited->column->default_tree, &expr, err))
        return false;
    expr = rdb_inheritance_translate(context->arena, expr, 1, map, NULL);
    return rdb_tree_write_expr(expr, &text, err) && rdb_strbuf_check(&text, err) && command_expr_uses(context, relation, expr, &uses, err) &&
           rdb_ddl_set_default_using(context->access, relation->oid, number, text.data, uses.items, uses.count, err);
}

bool command_finish_inheritance(rdb_command_context *context, const inheritance *from, uint32_t relation_oid, rdb_error *err)
{
    const rdb_relation *relation = NULL;
    for (uint32_t i = 0; i < from->parent_count; i++)
        if (!rdb_ddl_add_parent(context->access, relation_oid, from->parents[i]->oid, (int32_t)i + 1, from->is_partition, err))
            return false;
    if (!rdb_relation_get(context->access, relation_oid, &relation, err))
        return false;
    for (uint16_t i = 0; i < from->column_count; i++)
        if (!inherit_generated(context, &from->columns[i], relation, (int16_t)(i + 1), err))
            return false;
    for (uint32_t i = 0; i < from->parent_count; i++)
        for (uint16_t k = 0; k < from->parents[i]->constraint_count; k++) {
            const rdb_constraint *check = &from->parents[i]->constraints[k];
            if (check->kind != 'c' || check->is_no_inherit)
                continue;
            if (!command_reload(context, &relation, err) || !command_inherit_check(context, relation, from->parents[i], check, true, err))
                return false;
        }
    return true;
}
