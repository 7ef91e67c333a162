/* SPDX-License-Identifier: Apache-2.0
 * CREATE TABLE: columns first, then what hangs on them: serial sequences, checks, keys, foreign keys, in PostgreSQL's order. */
#include "command/inherit.h"

#include <strings.h>

bool command_default_tree(rdb_command_context *context, const rdb_relation *relation, rdb_ast_node *raw, const rdb_type *type, int32_t typmod,
                          const char *column, const char **tree, command_uses *uses, rdb_error *err)
{
    rdb_analysis analysis;
    rdb_expr *expr = NULL;
    rdb_strbuf text;
    command_analysis(context, &analysis);
    rdb_strbuf_init(&text, context->arena);
    const char *what = relation != NULL ? "column generation expressions" : "DEFAULT expressions";
    analysis.target_name = column;
    if (!rdb_expr_analyse(&analysis, relation, raw, type, typmod, what, &expr, err) || !rdb_tree_write_expr(expr, &text, err) ||
        !rdb_strbuf_check(&text, err)) {
        return false;
    }
    *tree = text.data;
    return command_expr_uses(context, relation, expr, uses, err);
}

/* serial and its kin are integers with a sequence. */
static const char *serial_base(const rdb_ast_type *type)
{
    static const struct { const char *name, *base; } SERIALS[] = {
        {"smallserial", "int2"}, {"serial2", "int2"}, {"serial", "int4"}, {"serial4", "int4"}, {"bigserial", "int8"}, {"serial8", "int8"}};
    if (type->names.count != 1 || type->bounds.count > 0)
        return NULL;
    for (size_t i = 0; i < RDB_COUNT_OF(SERIALS); i++)
        if (strcmp(type->names.items[0], SERIALS[i].name) == 0)
            return SERIALS[i].base;
    return NULL;
}

bool command_collation(rdb_command_context *context, const rdb_type *type, const rdb_ast_collate *collate, uint32_t *collation, rdb_error *err)
{
    const rdb_ast_names *name = &collate->name;
    if (!rdb_collation_find(context->access, name->count > 1 ? name->items[0] : NULL, name->items[name->count - 1], collation, err))
        return false;
    if (*collation == 0) {
        rdb_error_set(err, RDB_UNDEFINED_OBJECT, "collation \"%s\" for encoding \"UTF8\" does not exist", name->items[name->count - 1]);
        return command_at(context, collate->node.location, err);
    }
    if (type->collation != 0)
        return true;
    rdb_strbuf text;
    rdb_strbuf_init(&text, context->arena);
    rdb_type_format_name(type, -1, false, &text);
    rdb_error_set(err, RDB_DATATYPE_MISMATCH, "collations are not supported by type %s", text.data);
    return command_at(context, collate->node.location, err);
}

/* Composite types may hold the table's own row type at some depth, which no row could. */
static bool refuse_member(rdb_command_context *context, const rdb_type *type, uint32_t own_type_oid, uint32_t depth, rdb_error *err)
{
    enum { DEPTH_MAX = 200 };
    const rdb_relation *relation = NULL;
    if (depth > DEPTH_MAX)
        return rdb_error_set(err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    while (type != NULL && type->kind == 'd')
        type = type->base;
    if (type != NULL && type->element != NULL && type->category == 'A')
        return refuse_member(context, type->element, own_type_oid, depth + 1, err);
    if (type != NULL && (type->kind == 'r' || type->kind == 'm'))
        return refuse_member(context, type->base, own_type_oid, depth + 1, err);
    if (type == NULL || type->kind != 'c')
        return true;
    if (type->oid == own_type_oid)
        return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "composite type %s cannot be made a member of itself", type->name);
    if (!rdb_relation_get(context->access, type->relation_oid, &relation, err))
        return false;
    for (uint16_t i = 0; relation != NULL && i < relation->column_count; i++)
        if (!relation->columns[i].is_dropped && !refuse_member(context, relation->columns[i].type, own_type_oid, depth + 1, err))
            return false;
    return true;
}

bool command_check_column_type(rdb_command_context *context, const char *name, const rdb_type *type, uint32_t own_type_oid, rdb_error *err)
{
    if (type->kind == 'p')
        return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "column \"%s\" has pseudo-type %s", name, type->name);
    return own_type_oid == 0 || refuse_member(context, type, own_type_oid, 0, err);
}

bool command_define_column(rdb_command_context *context, const char *table, const rdb_ast_column_def *raw, rdb_column_definition *column, const char **serial_type, rdb_error *err)
{
    rdb_analysis analysis;
    command_analysis(context, &analysis);
    *column = (rdb_column_definition){.name = raw->name, .typmod = -1, .not_null = raw->is_not_null};
    *serial_type = raw->type != NULL ? serial_base(raw->type) : NULL;
    if (*serial_type != NULL) {
        if (!rdb_type_find(context->access, "pg_catalog", *serial_type, &column->type, err))
            return false;
        column->not_null = true;
    } else if (!rdb_type_resolve(&analysis, &raw->type->node, &column->type, &column->typmod, &column->collation, err)) {
        return false;
    }
    if (!command_check_column_type(context, raw->name, column->type, 0, err))
        return command_at(context, raw->node.location, err);
    if (!command_check_type_usage(context, column->type, err))
        return false;
    if (raw->collate != NULL && !command_collation(context, column->type, raw->collate, &column->collation, err))
        return false;
    bool says_null = false, has_default = false;
    for (uint32_t i = 0; i < raw->constraints.count; i++) {
        const rdb_ast_constraint *constraint = raw->constraints.items[i];
        switch (constraint->kind) {
        case RDB_SQL_CONSTRAINT_NULL:
            says_null = true;
            break;
        case RDB_SQL_CONSTRAINT_NOT_NULL:
        case RDB_SQL_CONSTRAINT_PRIMARY:
            column->not_null = true;
            break;
        case RDB_SQL_CONSTRAINT_DEFAULT:
            if (has_default || *serial_type != NULL) {
                rdb_error_set(err, RDB_SYNTAX_ERROR, "multiple default values specified for column \"%s\" of table \"%s\"", raw->name, table);
                return command_at(context, constraint->node.location, err);
            }
            has_default = true;
            command_uses uses = {0};
            if (!command_default_tree(context, NULL, constraint->expr, column->type, column->typmod, raw->name, &column->default_tree, &uses, err))
                return false;
            column->default_uses = uses.items;
            column->default_use_count = uses.count;
            break;
        case RDB_SQL_CONSTRAINT_IDENTITY:
            if (column->identity != 0) {
                rdb_error_set(err, RDB_SYNTAX_ERROR, "multiple identity specifications for column \"%s\" of table \"%s\"", raw->name, table);
                return command_at(context, constraint->node.location, err);
            }
            if (column->type->oid != RDB_INT2OID && column->type->oid != RDB_INT4OID && column->type->oid != RDB_INT8OID)
                return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "identity column type must be smallint, integer, or bigint");
            column->identity = constraint->generated_when;
            column->not_null = true;
            break;
        case RDB_SQL_CONSTRAINT_GENERATED:
            if (column->generated != 0) {
                rdb_error_set(err, RDB_SYNTAX_ERROR, "multiple generation clauses specified for column \"%s\" of table \"%s\"", raw->name, table);
                return command_at(context, constraint->node.location, err);
            }
            column->generated = 's';
            break;
        default:
            break;
        }
        if (says_null && column->not_null) {
            rdb_error_set(err, RDB_SYNTAX_ERROR, "conflicting NULL/NOT NULL declarations for column \"%s\" of table \"%s\"", raw->name, table);
            return command_at(context, constraint->node.location, err);
        }
        if ((has_default || *serial_type != NULL) && column->identity != 0) {
            rdb_error_set(err, RDB_SYNTAX_ERROR, "both default and identity specified for column \"%s\" of table \"%s\"", raw->name, table);
            return command_at(context, *serial_type != NULL ? -1 : constraint->node.location, err);
        }
        if (column->generated != 0 && (has_default || *serial_type != NULL || column->identity != 0)) {
            const char *other = has_default || *serial_type != NULL ? "default" : "identity";
            rdb_error_set(err, RDB_SYNTAX_ERROR, "both %s and generation expression specified for column \"%s\" of table \"%s\"", other, raw->name, table);
            return command_at(context, *serial_type != NULL ? -1 : constraint->node.location, err);
        }
    }
    return true;
}

static bool check_column_names(rdb_command_context *context, const rdb_column_definition *columns, uint16_t count, rdb_error *err)
{
    static const char *const SYSTEM_NAMES[] = {"ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"};
    (void)context;
    for (uint16_t i = 0; i < count; i++) {
        for (size_t k = 0; k < RDB_COUNT_OF(SYSTEM_NAMES); k++)
            if (strcmp(columns[i].name, SYSTEM_NAMES[k]) == 0)
                return rdb_error_set(err, RDB_DUPLICATE_COLUMN, "column name \"%s\" conflicts with a system column name", columns[i].name);
        for (uint16_t k = 0; k < i; k++)
            if (strcmp(columns[i].name, columns[k].name) == 0)
                return rdb_error_set(err, RDB_DUPLICATE_COLUMN, "column \"%s\" specified more than once", columns[i].name);
    }
    return true;
}

/* nextval of the sequence, as the default's tree. */
static bool nextval_tree(rdb_command_context *context, uint32_t sequence_oid, const rdb_type *type, const char **tree, rdb_error *err)
{
    enum { NEXTVAL_OID = 1574 };
    const rdb_function *nextval = NULL;
    const rdb_type *regclass = NULL, *int8 = NULL;
    if (!rdb_function_get(context->access, NEXTVAL_OID, &nextval, err) || !rdb_type_get(context->access, RDB_REGCLASSOID, &regclass, err) ||
        !rdb_type_get(context->access, RDB_INT8OID, &int8, err))
        return false;
    rdb_expr_const *argument = RDB_NEW(context->arena, rdb_expr_const);
    argument->head = (rdb_expr){.kind = RDB_EXPR_CONST, .location = -1, .type = regclass, .typmod = -1};
    argument->value.oid = sequence_oid;
    rdb_expr_function *call = RDB_NEW(context->arena, rdb_expr_function);
    call->head = (rdb_expr){.kind = RDB_EXPR_FUNCTION, .location = -1, .type = int8, .typmod = -1};
    call->function = nextval;
    call->form = RDB_FORM_CALL;
    rdb_list_push(context->arena, &call->arguments, argument);
    rdb_expr *expr = &call->head;
    if (type->oid != RDB_INT8OID) { /* int4(int8), int2(int8): the assignment cast */
        const rdb_cast_entry *cast = NULL;
        const rdb_function *function = NULL;
        if (!rdb_cast_find(context->access, RDB_INT8OID, type->oid, &cast, err) || cast == NULL ||
            !rdb_function_get(context->access, cast->function_oid, &function, err))
            return rdb_error_is_set(err) ? false : rdb_error_set(err, RDB_INTERNAL_ERROR, "no cast from bigint to %s", type->name);
        rdb_expr_function *coerce = RDB_NEW(context->arena, rdb_expr_function);
        coerce->head = (rdb_expr){.kind = RDB_EXPR_FUNCTION, .location = -1, .type = type, .typmod = -1};
        coerce->function = function;
        coerce->form = RDB_FORM_IMPLICIT_CAST;
        rdb_list_push(context->arena, &coerce->arguments, expr);
        expr = &coerce->head;
    }
    rdb_strbuf text;
    rdb_strbuf_init(&text, context->arena);
    if (!rdb_tree_write_expr(expr, &text, err) || !rdb_strbuf_check(&text, err))
        return false;
    *tree = text.data;
    return true;
}

bool command_add_serial(rdb_command_context *context, const rdb_relation *relation, int16_t number, uint32_t type_oid, char identity,
                        const rdb_list *options, rdb_error *err)
{
    const rdb_column *column = &relation->columns[number - 1];
    char name[RDB_NAMEDATALEN];
    uint32_t sequence_oid = 0;
    const char *tree = NULL;
    if (!command_choose_name(context, relation->name, column->name, "seq", relation->namespace_oid, name, err))
        return false;
    rdb_sequence_definition definition = {.name = name, .namespace_oid = relation->namespace_oid, .owner_oid = context->role->oid,
                                          .type_oid = type_oid, .increment = 1, .cache = 1, .persistence = relation->persistence,
                                          .owned_by_oid = relation->oid, .owned_by_column = number, .is_identity = identity != 0};
    static const rdb_list NO_OPTIONS = {0};
    if (!command_sequence_options(context, options != NULL ? options : &NO_OPTIONS, &definition, err) ||
        !rdb_ddl_create_sequence(context->access, &definition, &sequence_oid, err))
        return false;
    if (identity != 0)
        return true; /* the insert finds the sequence through pg_depend */
    const rdb_object_address use = {RDB_PG_CLASS, sequence_oid, 0};
    return nextval_tree(context, sequence_oid, column->type, &tree, err) &&
           rdb_ddl_set_default_using(context->access, relation->oid, number, tree, &use, 1, err);
}

/* The generated columns' expressions may name other columns, so they come when the relation is there. */
static bool add_generated(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_column_def *raw, int16_t number, rdb_error *err)
{
    for (uint32_t i = 0; i < raw->constraints.count; i++) {
        const rdb_ast_constraint *constraint = raw->constraints.items[i];
        const rdb_column *column = &relation->columns[number - 1];
        const char *tree = NULL;
        command_uses uses = {0};
        if (constraint->kind == RDB_SQL_CONSTRAINT_GENERATED &&
            (!command_default_tree(context, relation, constraint->expr, column->type, column->typmod, column->name, &tree, &uses, err) ||
             !rdb_ddl_set_default_using(context->access, relation->oid, number, tree, uses.items, uses.count, err)))
            return false;
    }
    return true;
}

static bool is_of_pass(const rdb_ast_constraint *constraint, int pass)
{
    switch (constraint->kind) {
    case RDB_SQL_CONSTRAINT_CHECK:
        return pass == 0;
    case RDB_SQL_CONSTRAINT_PRIMARY:
        return pass == 1;
    case RDB_SQL_CONSTRAINT_UNIQUE:
    case RDB_SQL_CONSTRAINT_EXCLUSION:
        return pass == 2;
    case RDB_SQL_CONSTRAINT_FOREIGN:
        return pass == 3;
    default:
        return false;
    }
}

/* Checks, then keys, then foreign keys; each pass sees the descriptor with what the one before made. */
/* DEFERRABLE and its kin stand behind the constraint of a column that they speak of. */
static const rdb_ast_constraint *with_attributes(rdb_command_context *context, const rdb_list *constraints, uint32_t number)
{
    const rdb_ast_constraint *written = constraints->items[number];
    rdb_ast_constraint *whole = NULL;
    for (uint32_t i = number + 1; i < constraints->count; i++) {
        const rdb_ast_constraint *attribute = constraints->items[i];
        if (attribute->kind < RDB_SQL_CONSTRAINT_ATTR_DEFERRABLE || attribute->kind > RDB_SQL_CONSTRAINT_ATTR_IMMEDIATE)
            break;
        if (whole == NULL)
            whole = rdb_arena_memdup(context->arena, written, sizeof *whole);
        if (attribute->kind == RDB_SQL_CONSTRAINT_ATTR_DEFERRED)
            whole->is_deferrable = whole->is_deferred = true;
        else if (attribute->kind == RDB_SQL_CONSTRAINT_ATTR_DEFERRABLE)
            whole->is_deferrable = true;
    }
    return whole != NULL ? whole : written;
}

/* LIKE's indexes come behind the table's own keys, which a second primary key then meets, and before foreign keys, which may need them. */
static bool finish_likes(rdb_command_context *context, uint32_t relation_oid, const rdb_ast_create_table *statement, rdb_error *err)
{
    for (uint32_t i = 0; i < statement->elements.count; i++)
        if (((const rdb_ast_node *)statement->elements.items[i])->tag == RDB_AST_LIKE &&
            !command_finish_like(context, statement->elements.items[i], relation_oid, err))
            return false;
    return true;
}

static bool add_constraints(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_create_table *statement, rdb_error *err)
{
    bool has_primary = false;
    for (int pass = 0; pass < 4; pass++) {
        if (pass == 3 && !finish_likes(context, relation->oid, statement, err))
            return false;
        for (uint32_t i = 0; i < statement->elements.count; i++) {
            const rdb_ast_node *element = statement->elements.items[i];
            const rdb_ast_column_def *column = element->tag == RDB_AST_COLUMN_DEF ? (const rdb_ast_column_def *)element : NULL;
            uint32_t count = column != NULL ? column->constraints.count : 1;
            for (uint32_t k = 0; k < count; k++) {
                const rdb_ast_constraint *constraint = column != NULL ? with_attributes(context, &column->constraints, k) : (const rdb_ast_constraint *)element;
                if (constraint->node.tag != RDB_AST_CONSTRAINT || !is_of_pass(constraint, pass))
                    continue;
                if (pass == 1 && has_primary) {
                    rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "multiple primary keys for table \"%s\" are not allowed", relation->name);
                    return command_at(context, constraint->node.location, err);
                }
                has_primary = has_primary || pass == 1;
                if (!command_reload(context, &relation, err) ||
                    !command_add_constraint(context, relation, constraint, column != NULL ? column->name : NULL, true, err))
                    return false;
            }
        }
    }
    return true;
}

bool command_create_table(rdb_command_context *context, const rdb_ast_create_table *statement, rdb_error *err)
{
    uint32_t namespace_oid = 0, oid = 0;
    char schema[RDB_NAMEDATALEN];
    const rdb_relation *relation = NULL;
    if (!command_creation_namespace(context, statement->table, &namespace_oid, err) ||
        !rdb_namespace_get_name(context->access, namespace_oid, schema, err) ||
        !rdb_relation_find(context->access, schema, statement->table->name, &relation, err))
        return false;
    if (relation != NULL) {
        if (!statement->if_not_exists)
            return rdb_error_set(err, RDB_DUPLICATE_TABLE, "relation \"%s\" already exists", statement->table->name);
        command_notice(context, "NOTICE", RDB_DUPLICATE_TABLE, "relation \"%s\" already exists, skipping", statement->table->name);
        return true;
    }
    uint16_t count = 0;
    uint32_t of_type = 0;
    rdb_list elements = {0};
    inheritance from;
    rdb_partition_bound bound = {0};
    const char persistence = command_persistence(context, statement->table, namespace_oid), kind = statement->partition_spec != NULL ? 'p' : 'r';
    if (!command_column_elements(context, statement, &elements, &of_type, err) || !command_open_parents(context, statement, persistence, &from, err) ||
        !command_merge_columns(context, &from, &elements, err))
        return false;
    if (elements.count > 1700)
        return rdb_error_set(err, RDB_TOO_MANY_COLUMNS, "tables can have at most 1600 columns");
    rdb_column_definition *columns = RDB_NEW_ARRAY(context->arena, rdb_column_definition, elements.count + 1);
    const rdb_ast_column_def **raws = RDB_NEW_ARRAY(context->arena, const rdb_ast_column_def *, elements.count + 1);
    const char **serials = RDB_NEW_ARRAY(context->arena, const char *, elements.count + 1);
    for (uint32_t i = 0; i < elements.count; i++) {
        const rdb_ast_node *element = elements.items[i];
        if (element->tag != RDB_AST_COLUMN_DEF)
            continue;
        raws[count] = (const rdb_ast_column_def *)element;
        if (!command_define_column(context, statement->table->name, raws[count], &columns[count], &serials[count], err) || !command_inherit_column(context, &from, count, &columns[count], err))
            return false;
        count++;
    }
    if (count > 1600)
        return rdb_error_set(err, RDB_TOO_MANY_COLUMNS, "tables can have at most 1600 columns");
    rdb_relation_definition definition = {.name = statement->table->name,
                                          .namespace_oid = namespace_oid,
                                          .owner_oid = context->role->oid,
                                          .kind = kind,
                                          .persistence = persistence,
                                          .columns = columns,
                                          .column_count = count};
    if (statement->on_commit != RDB_SQL_ON_COMMIT_NOOP && definition.persistence != 't')
        return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "ON COMMIT can only be used on temporary tables");
    if (!check_column_names(context, columns, count, err) || !rdb_ddl_create_relation(context->access, &definition, &oid, err) ||
        !command_lock(context, oid, RDB_LOCK_ACCESS_EXCLUSIVE, err) || !command_set_options(context, oid, kind, &statement->options, err) ||
        (of_type != 0 && !command_set_of_type(context, oid, of_type, err)) || !command_finish_inheritance(context, &from, oid, err) ||
        (statement->partition_spec != NULL && !command_set_partition_key(context, oid, statement->partition_spec, err)))
        return false;
    if (from.is_partition && (!command_make_bound(context, from.parents[0], statement->table->name, oid, statement->partition_bound, &bound, err) ||
                              !command_finish_partition(context, from.parents[0], oid, &bound, err)))
        return false;
    if (!rdb_relation_get(context->access, oid, &relation, err))
        return false;
    for (uint16_t i = 0; i < count; i++) {
        const rdb_list *options = NULL;
        for (uint32_t k = 0; k < raws[i]->constraints.count; k++) {
            const rdb_ast_constraint *constraint = raws[i]->constraints.items[k];
            if (constraint->kind == RDB_SQL_CONSTRAINT_IDENTITY)
                options = &constraint->options;
        }
        if ((serials[i] != NULL || columns[i].identity != 0) &&
            !command_add_serial(context, relation, (int16_t)(i + 1), columns[i].type->oid, columns[i].identity, options, err))
            return false;
        if (!add_generated(context, relation, raws[i], (int16_t)(i + 1), err) || !command_column_storage(context, relation, (int16_t)(i + 1), raws[i], err))
            return false;
    }
    const bool acts = statement->on_commit == RDB_SQL_ON_COMMIT_DROP || statement->on_commit == RDB_SQL_ON_COMMIT_DELETE_ROWS;
    return (!from.is_partition || (command_clone_indexes(context, from.parents[0], oid, err) && command_clone_foreign_keys(context, from.parents[0], oid, err))) &&
           add_constraints(context, relation, statement, err) &&
           (!acts || rdb_temp_on_commit(context->access, oid, statement->on_commit == RDB_SQL_ON_COMMIT_DROP, err));
}
