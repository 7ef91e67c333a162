/* SPDX-License-Identifier: Apache-2.0
 * CREATE DOMAIN and ALTER DOMAIN. A new rule is asked of every row of every table that has a column of the domain, or of a
 * domain over it; containers of the domain (arrays, rows) in tables refuse it, as nothing walks into stored ones. */
#include "command/command_int.h"

static const char *joined_name(rdb_command_context *context, const rdb_ast_names *names)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, context->arena);
    for (uint32_t i = 0; i < names->count; i++)
        rdb_strbuf_addf(&text, "%s%s", i > 0 ? "." : "", names->items[i]);
    return text.data != NULL ? text.data : "";
}

bool command_find_type(rdb_command_context *context, const rdb_ast_names *name, bool missing_ok, const rdb_type **type, rdb_error *err)
{
    if (!rdb_type_find(context->access, name->count > 1 ? name->items[name->count - 2] : NULL, name->items[name->count - 1], type, err))
        return false;
    return *type != NULL || missing_ok || rdb_error_set(err, RDB_UNDEFINED_OBJECT, "type \"%s\" does not exist", joined_name(context, name));
}

bool command_find_domain(rdb_command_context *context, const rdb_ast_names *name, const rdb_type **domain, rdb_error *err)
{
    return command_find_type(context, name, false, domain, err) &&
           ((*domain)->kind == 'd' || rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "%s is not a domain", joined_name(context, name)));
}

bool command_find_domain_constraint(rdb_command_context *context, const rdb_type *domain, const char *name, uint32_t *oid, rdb_error *err)
{
    enum { CONSTRAINT_RELATION_INDEX = 2665 };
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = false;
    const rdb_datum keys[] = {{.oid = 0}, {.oid = domain->oid}, {.bytes = {(const uint8_t *)name, (uint32_t)strlen(name), 0}}};
    *oid = 0;
    bool ok = rdb_catalog_scan_open(&scan, context->access, RDB_PG_CONSTRAINT, CONSTRAINT_RELATION_INDEX, keys, 3, context->arena, err) &&
              rdb_catalog_scan_next(scan, &row, &found, err);
    if (ok && found)
        *oid = row.values[RDB_pg_constraint_oid - 1].oid;
    rdb_catalog_scan_close(&scan);
    return ok;
}

/* ---- rules ----------------------------------------------------------------------------------------------------------------- */
/* dom_check, dom_check1 ...: unique among the constraints of the schema. */
static bool choose_rule_name(rdb_command_context *context, const char *domain, uint32_t namespace_oid, char name[RDB_NAMEDATALEN], rdb_error *err)
{
    enum { CONSTRAINT_NAME_INDEX = 2664 };
    char label[32] = "check";
    for (unsigned attempt = 1;; attempt++) {
        rdb_catalog_scan *scan = NULL;
        rdb_catalog_row row;
        bool found = false;
        command_make_name(domain, NULL, label, name);
        const rdb_datum keys[] = {{.bytes = {(const uint8_t *)name, (uint32_t)strlen(name), 0}}, {.oid = namespace_oid}};
        bool ok = rdb_catalog_scan_open(&scan, context->access, RDB_PG_CONSTRAINT, CONSTRAINT_NAME_INDEX, keys, 2, context->arena, err) &&
                  rdb_catalog_scan_next(scan, &row, &found, err);
        rdb_catalog_scan_close(&scan);
        if (!ok || !found)
            return ok;
        snprintf(label, sizeof label, "check%u", attempt);
    }
}

static bool add_rule(rdb_command_context *context, const char *domain_name, uint32_t domain_oid, uint32_t namespace_oid, const rdb_type *base, int32_t typmod,
                     const rdb_ast_constraint *raw, rdb_expr **rule, rdb_error *err)
{
    rdb_analysis analysis;
    rdb_strbuf text;
    char name[RDB_NAMEDATALEN];
    uint32_t oid = 0;
    command_uses uses = {0};
    command_analysis(context, &analysis);
    rdb_strbuf_init(&text, context->arena);
    if (raw->is_no_inherit)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "check constraints for domains cannot be marked NO INHERIT");
    if (raw->name != NULL)
        snprintf(name, sizeof name, "%s", raw->name);
    else if (!choose_rule_name(context, domain_name, namespace_oid, name, err))
        return false;
    if (!rdb_expr_analyse(&analysis, NULL, raw->expr, base, typmod, "domain constraints", rule, err) || !rdb_tree_write_expr(*rule, &text, err) ||
        !rdb_strbuf_check(&text, err) || !command_expr_uses(context, NULL, *rule, &uses, err))
        return false;
    const rdb_constraint_definition definition = {.name = name, .kind = 'c', .namespace_oid = namespace_oid, .type_oid = domain_oid,
                                                  .is_validated = !raw->skip_validation, .check_tree = text.data, .uses = uses.items, .use_count = uses.count};
    return rdb_ddl_create_constraint(context->access, &definition, &oid, err);
}

/* A default that is nothing but NULL is none. */
static bool default_trees(rdb_command_context *context, rdb_ast_node *raw, const char *name, const rdb_type *base, int32_t typmod, const char **tree,
                          const char **shown, command_uses *uses, rdb_error *err)
{
    rdb_strbuf text;
    rdb_expr *expr = NULL;
    rdb_strbuf_init(&text, context->arena);
    *tree = *shown = NULL;
    if (!command_default_tree(context, NULL, raw, base, typmod, name, tree, uses, err) ||
        !rdb_tree_read_expr(context->arena, context->access, *tree, &expr, err))
        return false;
    if (expr->kind == RDB_EXPR_CONST && ((const rdb_expr_const *)expr)->is_null) {
        *tree = NULL;
        return true;
    }
    if (!rdb_deparse_expr(context->access, expr, NULL, false, &text, err) || !rdb_strbuf_check(&text, err))
        return false;
    *shown = text.data;
    return true;
}

/* ---- CREATE DOMAIN ----------------------------------------------------------------------------------------------------------- */
/* All but the checks, which come when the domain is there. */
static bool read_constraints(rdb_command_context *context, const rdb_ast_create_domain *statement, rdb_domain_definition *definition, command_uses *uses,
                             rdb_error *err)
{
    bool says_null = false, has_default = false;
    for (uint32_t i = 0; i < statement->constraints.count; i++) {
        const rdb_ast_constraint *constraint = statement->constraints.items[i];
        switch (constraint->kind) {
        case RDB_SQL_CONSTRAINT_DEFAULT:
            if (has_default)
                return rdb_error_set(err, RDB_SYNTAX_ERROR, "multiple default expressions");
            has_default = true;
            definition->default_tree = definition->default_text = NULL;
            if (constraint->expr != NULL && !default_trees(context, constraint->expr, definition->name, definition->base, definition->typmod,
                                                           &definition->default_tree, &definition->default_text, uses, err))
                return false;
            break;
        case RDB_SQL_CONSTRAINT_NOT_NULL:
            if (says_null)
                return rdb_error_set(err, RDB_SYNTAX_ERROR, "conflicting NULL/NOT NULL constraints");
            definition->not_null = true;
            break;
        case RDB_SQL_CONSTRAINT_NULL:
            if (definition->not_null)
                return rdb_error_set(err, RDB_SYNTAX_ERROR, "conflicting NULL/NOT NULL constraints");
            says_null = true;
            break;
        case RDB_SQL_CONSTRAINT_CHECK:
            if (constraint->is_no_inherit)
                return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "check constraints for domains cannot be marked NO INHERIT");
            break;
        case RDB_SQL_CONSTRAINT_UNIQUE:
            return rdb_error_set(err, RDB_SYNTAX_ERROR, "unique constraints not possible for domains");
        case RDB_SQL_CONSTRAINT_PRIMARY:
            return rdb_error_set(err, RDB_SYNTAX_ERROR, "primary key constraints not possible for domains");
        case RDB_SQL_CONSTRAINT_EXCLUSION:
            return rdb_error_set(err, RDB_SYNTAX_ERROR, "exclusion constraints not possible for domains");
        case RDB_SQL_CONSTRAINT_FOREIGN:
            return rdb_error_set(err, RDB_SYNTAX_ERROR, "foreign key constraints not possible for domains");
        default:
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "specifying constraint deferrability not supported for domains");
        }
    }
    return true;
}

static bool set_collation(rdb_command_context *context, const rdb_ast_create_domain *statement, rdb_domain_definition *definition, rdb_error *err)
{
    const rdb_ast_names *name = &statement->collate->name;
    rdb_strbuf type;
    if (definition->base->collation == 0) {
        rdb_strbuf_init(&type, context->arena);
        rdb_type_format_name(definition->base, -1, false, &type);
        return rdb_error_set(err, RDB_DATATYPE_MISMATCH, "collations are not supported by type %s", type.data);
    }
    if (!rdb_collation_find(context->access, name->count > 1 ? name->items[0] : NULL, name->items[name->count - 1], &definition->collation, err))
        return false;
    if (definition->collation == 0) {
        rdb_error_set(err, RDB_UNDEFINED_OBJECT, "collation \"%s\" for encoding \"UTF8\" does not exist", name->items[name->count - 1]);
        return command_at(context, statement->collate->node.location, err);
    }
    return true;
}

/* A domain over a domain begins with that one's default. */
static bool inherit_default(rdb_command_context *context, rdb_domain_definition *definition, rdb_error *err)
{
    rdb_expr *expr = NULL;
    rdb_strbuf text;
    if (definition->base->kind != 'd' || definition->base->domain_default_tree == NULL)
        return true;
    rdb_strbuf_init(&text, context->arena);
    if (!rdb_tree_read_expr(context->arena, context->access, definition->base->domain_default_tree, &expr, err) ||
        !rdb_deparse_expr(context->access, expr, NULL, false, &text, err) || !rdb_strbuf_check(&text, err))
        return false;
    definition->default_tree = rdb_arena_strdup(context->arena, definition->base->domain_default_tree);
    definition->default_text = text.data;
    return true;
}

/* PostgreSQL names no places in errors of these statements. */
static rdb_command_context without_places(const rdb_command_context *context)
{
    rdb_command_context copy = *context;
    copy.text = NULL;
    return copy;
}

static bool create(rdb_command_context *context, const rdb_ast_create_domain *statement, rdb_error *err)
{
    const rdb_ast_names *name = &statement->name;
    const rdb_ast_table place = {.node = {RDB_AST_TABLE, -1}, .name = name->items[name->count - 1],
                                 .schema = name->count > 1 ? name->items[name->count - 2] : NULL};
    rdb_domain_definition definition = {.name = place.name, .owner_oid = context->role->oid};
    rdb_analysis analysis;
    command_uses uses = {0};
    uint32_t oid = 0;
    command_analysis(context, &analysis);
    if (!command_creation_namespace(context, &place, &definition.namespace_oid, err) ||
        !rdb_type_resolve(&analysis, &statement->type->node, &definition.base, &definition.typmod, &definition.collation, err))
        return false;
    if (definition.base->kind == 'p') {
        rdb_error_set(err, RDB_DATATYPE_MISMATCH, "\"%s\" is not a valid base type for a domain", joined_name(context, &statement->type->names));
        return false;
    }
    if (!command_check_type_usage(context, definition.base, err))
        return false;
    definition.dimensions = (int32_t)statement->type->bounds.count;
    definition.collation = definition.base->collation;
    if (!inherit_default(context, &definition, err))
        return false;
    if (statement->collate != NULL && !set_collation(context, statement, &definition, err))
        return false;
    if (!read_constraints(context, statement, &definition, &uses, err))
        return false;
    definition.default_uses = uses.items;
    definition.default_use_count = uses.count;
    if (!rdb_ddl_create_domain(context->access, &definition, &oid, err))
        return false;
    for (uint32_t i = 0; i < statement->constraints.count; i++) {
        const rdb_ast_constraint *constraint = statement->constraints.items[i];
        rdb_expr *rule = NULL;
        if (constraint->kind == RDB_SQL_CONSTRAINT_CHECK &&
            !add_rule(context, definition.name, oid, definition.namespace_oid, definition.base, definition.typmod, constraint, &rule, err))
            return false;
    }
    return true;
}

bool command_create_domain(rdb_command_context *context, const rdb_ast_create_domain *statement, rdb_error *err)
{
    rdb_command_context quiet = without_places(context);
    return create(&quiet, statement, err);
}

/* ---- rows that are there already ----------------------------------------------------------------------------------------------- */
typedef struct domain_columns { /* columns of the domain and of domains over it */
    struct { uint32_t relation_oid; int16_t number; } *items;
    uint32_t count, capacity;
} domain_columns;

static bool add_column(rdb_command_context *context, domain_columns *columns, uint32_t relation_oid, int32_t number, rdb_error *err)
{
    if (columns->count == columns->capacity) {
        const uint32_t larger = columns->capacity * 2 + 8;
        columns->items = rdb_arena_try_grow(context->arena, columns->items, columns->capacity * sizeof *columns->items, larger * sizeof *columns->items, err);
        if (columns->items == NULL)
            return false;
        columns->capacity = larger;
    }
    columns->items[columns->count].relation_oid = relation_oid;
    columns->items[columns->count++].number = (int16_t)number;
    return true;
}

/* in_container: type is an array or row of the domain, of which a stored column is refused. */
static bool collect_columns(rdb_command_context *context, const rdb_type *domain, const rdb_type *type, bool in_container, domain_columns *columns, rdb_error *err)
{
    enum { DEPEND_REFERENCE_INDEX = 2674 };
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true;
    const rdb_datum keys[] = {{.oid = RDB_PG_TYPE}, {.oid = type->oid}};
    bool ok = rdb_catalog_scan_open(&scan, context->access, RDB_PG_DEPEND, DEPEND_REFERENCE_INDEX, keys, 2, context->arena, err);
    while (ok && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) {
        const uint32_t catalog_oid = row.values[RDB_pg_depend_classid - 1].oid, object_oid = row.values[RDB_pg_depend_objid - 1].oid;
        const int32_t sub_id = row.values[RDB_pg_depend_objsubid - 1].i32;
        const rdb_relation *relation = NULL;
        const rdb_type *user = NULL;
        if (catalog_oid == RDB_PG_TYPE) {
            ok = rdb_type_get(context->access, object_oid, &user, err) &&
                 (user == NULL || collect_columns(context, domain, user, in_container || user->kind != 'd', columns, err));
        } else if (catalog_oid == RDB_PG_CLASS && sub_id > 0) {
            ok = rdb_relation_get(context->access, object_oid, &relation, err);
            if (!ok || relation == NULL || sub_id > relation->column_count || relation->columns[sub_id - 1].type->oid != type->oid)
                continue;
            if (relation->kind == 'c') {
                ok = rdb_type_get(context->access, relation->row_type_oid, &user, err) && (user == NULL || collect_columns(context, domain, user, true, columns, err));
            } else if (relation->kind == 'r' || relation->kind == 'm' || relation->kind == 'p') {
                if (in_container) {
                    rdb_strbuf name;
                    rdb_strbuf_init(&name, context->arena);
                    rdb_type_format_name(domain, -1, false, &name);
                    ok = rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot alter type \"%s\" because column \"%s.%s\" uses it", name.data, relation->name,
                                       relation->columns[sub_id - 1].name);
                } else {
                    ok = add_column(context, columns, object_oid, sub_id, err);
                }
            }
        }
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

static rdb_expr *column_of(rdb_command_context *context, const rdb_column *column)
{
    rdb_expr_var *var = RDB_NEW(context->arena, rdb_expr_var);
    var->head = (rdb_expr){.kind = RDB_EXPR_VAR, .location = -1, .type = column->type, .typmod = column->typmod, .collation = column->collation};
    var->range_no = 1;
    var->attribute_no = column->number;
    return &var->head;
}

static bool violated(const rdb_relation *relation, const rdb_column *column, bool is_null, rdb_error *err)
{
    if (is_null)
        rdb_error_set(err, RDB_NOT_NULL_VIOLATION, "column \"%s\" of table \"%s\" contains null values", column->name, relation->name);
    else
        rdb_error_set(err, RDB_CHECK_VIOLATION, "column \"%s\" of table \"%s\" contains values that violate the new constraint", column->name, relation->name);
    rdb_error_name(err, RDB_ERROR_SCHEMA, relation->namespace_name);
    rdb_error_name(err, RDB_ERROR_TABLE, relation->name);
    return rdb_error_name(err, RDB_ERROR_COLUMN, column->name);
}

/* rule NULL: NOT NULL. */
static bool check_columns(rdb_command_context *context, const rdb_type *domain, const char *rule_tree, rdb_error *err)
{
    domain_columns columns = {0};
    if (!collect_columns(context, domain, domain, false, &columns, err))
        return false;
    for (uint32_t i = 0; i < columns.count; i++) {
        const rdb_relation *relation = NULL;
        const rdb_type *boolean = NULL;
        bool any = false;
        rdb_expr *condition;
        if (!command_lock(context, columns.items[i].relation_oid, RDB_LOCK_SHARE, err) ||
            !rdb_relation_get(context->access, columns.items[i].relation_oid, &relation, err) || !rdb_type_get(context->access, RDB_BOOLOID, &boolean, err))
            return false;
        if (relation == NULL || relation->kind == 'p')
            continue;
        const rdb_column *column = &relation->columns[columns.items[i].number - 1];
        if (rule_tree == NULL) {
            rdb_expr_null_test *test = RDB_NEW(context->arena, rdb_expr_null_test);
            test->head = (rdb_expr){.kind = RDB_EXPR_NULL_TEST, .location = -1, .type = boolean, .typmod = -1};
            test->argument = column_of(context, column);
            condition = &test->head;
        } else {
            /* CASE column WHEN rule IS FALSE THEN true END: VALUE in the rule is CASE's subject */
            rdb_expr *rule = NULL;
            rdb_expr_case *choice = RDB_NEW(context->arena, rdb_expr_case);
            rdb_case_when *when = RDB_NEW(context->arena, rdb_case_when);
            rdb_expr_const *yes = RDB_NEW(context->arena, rdb_expr_const);
            if (!rdb_tree_read_expr(context->arena, context->access, rule_tree, &rule, err))
                return false;
            yes->head = (rdb_expr){.kind = RDB_EXPR_CONST, .location = -1, .type = boolean, .typmod = -1};
            yes->value.b = true;
            when->condition = command_is_false(context, rule);
            when->result = &yes->head;
            choice->head = (rdb_expr){.kind = RDB_EXPR_CASE, .location = -1, .type = boolean, .typmod = -1};
            choice->argument = column_of(context, column);
            rdb_list_push(context->arena, &choice->whens, when);
            condition = &choice->head;
        }
        if (!command_any_row(context, relation, condition, &any, err))
            return false;
        if (any)
            return violated(relation, column, rule_tree == NULL, err);
    }
    return true;
}

/* ---- ALTER DOMAIN --------------------------------------------------------------------------------------------------------------- */
static bool alter_default(rdb_command_context *context, const rdb_ast_alter_domain *statement, const rdb_type *domain, rdb_error *err)
{
    const char *tree = NULL, *text = NULL;
    command_uses uses = {0};
    if (statement->def != NULL && !default_trees(context, statement->def, domain->name, domain->base, domain->domain_typmod, &tree, &text, &uses, err))
        return false;
    return rdb_ddl_set_domain_default(context->access, domain->oid, tree, text, uses.items, uses.count, err);
}

static bool add_constraint(rdb_command_context *context, const rdb_ast_alter_domain *statement, const rdb_type *domain, rdb_error *err)
{
    const rdb_ast_constraint *constraint = (const rdb_ast_constraint *)statement->def;
    rdb_expr *rule = NULL;
    rdb_strbuf tree;
    rdb_domain_definition definition = {.name = domain->name, .base = domain->base, .typmod = domain->domain_typmod};
    rdb_ast_create_domain alone = {0};
    command_uses uses = {0};
    rdb_strbuf_init(&tree, context->arena);
    rdb_list_push(context->arena, &alone.constraints, (void *)(uintptr_t)constraint);
    if (constraint->kind != RDB_SQL_CONSTRAINT_CHECK)
        return read_constraints(context, &alone, &definition, &uses, err) &&
               rdb_error_set(err, RDB_SYNTAX_ERROR, "unrecognized constraint of a domain");
    if (!add_rule(context, domain->name, domain->oid, domain->namespace_oid, domain->base, domain->domain_typmod, constraint, &rule, err))
        return false;
    return constraint->skip_validation ||
           (rdb_tree_write_expr(rule, &tree, err) && rdb_strbuf_check(&tree, err) && check_columns(context, domain, tree.data, err));
}

static bool drop_constraint(rdb_command_context *context, const rdb_ast_alter_domain *statement, const rdb_type *domain, rdb_error *err)
{
    uint32_t oid = 0;
    const char *name = joined_name(context, &statement->domain);
    if (!command_find_domain_constraint(context, domain, statement->name, &oid, err))
        return false;
    if (oid != 0) {
        const rdb_object_address constraint = {RDB_PG_CONSTRAINT, oid, 0};
        return rdb_ddl_drop(context->access, &constraint, 1, statement->behavior == RDB_SQL_DROP_CASCADE, command_drop_notice, context, err);
    }
    if (!statement->missing_ok)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "constraint \"%s\" of domain \"%s\" does not exist", statement->name, name);
    command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "constraint \"%s\" of domain \"%s\" does not exist, skipping", statement->name, name);
    return true;
}

static bool validate_constraint(rdb_command_context *context, const rdb_ast_alter_domain *statement, const rdb_type *domain, rdb_error *err)
{
    uint32_t oid = 0;
    const char *tree = NULL;
    if (!command_find_domain_constraint(context, domain, statement->name, &oid, err))
        return false;
    if (oid == 0)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "constraint \"%s\" of domain \"%s\" does not exist", statement->name,
                             joined_name(context, &statement->domain));
    for (uint32_t i = 0; i < domain->domain_rule_count; i++)
        if (strcmp(domain->domain_rules[i].name, statement->name) == 0)
            tree = domain->domain_rules[i].tree;
    return (tree == NULL || check_columns(context, domain, tree, err)) && rdb_ddl_set_validated(context->access, oid, err);
}

static bool alter(rdb_command_context *context, const rdb_ast_alter_domain *statement, rdb_error *err)
{
    const rdb_type *domain = NULL;
    if (!command_find_domain(context, &statement->domain, &domain, err))
        return false;
    switch (statement->subtype) {
    case 'T':
        return alter_default(context, statement, domain, err);
    case 'N':
        return !domain->domain_not_null || rdb_ddl_set_domain_not_null(context->access, domain->oid, false, err);
    case 'O':
        return domain->domain_not_null || (check_columns(context, domain, NULL, err) && rdb_ddl_set_domain_not_null(context->access, domain->oid, true, err));
    case 'C':
        return add_constraint(context, statement, domain, err);
    case 'X':
        return drop_constraint(context, statement, domain, err);
    default:
        return validate_constraint(context, statement, domain, err);
    }
}

bool command_alter_domain(rdb_command_context *context, const rdb_ast_alter_domain *statement, rdb_error *err)
{
    rdb_command_context quiet = without_places(context);
    return alter(&quiet, statement, err);
}
