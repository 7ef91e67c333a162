/* SPDX-License-Identifier: Apache-2.0
 * ALTER TYPE of enums and CREATE TYPE ... AS RANGE. Base types: base_type.c. */
#include "catalog/rdb_acl.h"
#include "command/command_int.h"

static const char *shown(rdb_command_context *context, const rdb_type *type)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, context->arena);
    rdb_type_format_name(type, -1, false, &text);
    return text.data;
}

bool command_check_type_owner(rdb_command_context *context, const rdb_type *type, rdb_error *err)
{
    rdb_acl_object object;
    bool found = false, is_owner = false;
    if (context->role->is_superuser)
        return true;
    if (!rdb_acl_get_object(context->access, context->arena, 'T', type->oid, 0, &object, &found, err) || !rdb_acl_is_owner(context->access, context->role->oid, object.owner, &is_owner, err))
        return false;
    return is_owner || rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be owner of type %s", shown(context, type));
}

/* ---- enums --------------------------------------------------------------------------------------------------------------------- */
bool command_alter_enum(rdb_command_context *context, const rdb_ast_alter_enum *statement, rdb_error *err)
{
    const rdb_type *type = NULL;
    bool exists = false;
    if (!command_find_type(context, &statement->name, false, &type, err))
        return false;
    if (type->kind != 'e')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "%s is not an enum", shown(context, type));
    if (!command_check_type_owner(context, type, err))
        return false;
    if (statement->old_label != NULL)
        return rdb_ddl_rename_enum_label(context->access, type, statement->old_label, statement->new_label, err);
    if (!rdb_ddl_add_enum_label(context->access, type, statement->new_label, statement->neighbour, statement->is_after, &exists, err))
        return false;
    if (!exists)
        return true;
    if (!statement->if_not_exists)
        return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "enum label \"%s\" already exists", statement->new_label);
    command_notice(context, "NOTICE", RDB_DUPLICATE_OBJECT, "enum label \"%s\" already exists, skipping", statement->new_label);
    return true;
}

/* ---- ranges -------------------------------------------------------------------------------------------------------------------- */
typedef struct range_options {
    const rdb_ast_option *subtype, *opclass, *collation, *canonical, *difference, *multirange;
} range_options;

static bool sort_options(rdb_command_context *context, const rdb_list *options, range_options *written, rdb_error *err)
{
    for (uint32_t i = 0; i < options->count; i++) {
        const rdb_ast_option *option = options->items[i];
        const rdb_ast_option **place = strcmp(option->name, "subtype") == 0                ? &written->subtype
                                       : strcmp(option->name, "subtype_opclass") == 0      ? &written->opclass
                                       : strcmp(option->name, "collation") == 0            ? &written->collation
                                       : strcmp(option->name, "canonical") == 0            ? &written->canonical
                                       : strcmp(option->name, "subtype_diff") == 0         ? &written->difference
                                       : strcmp(option->name, "multirange_type_name") == 0 ? &written->multirange
                                                                                           : NULL;
        if (place == NULL)
            return rdb_error_set(err, RDB_SYNTAX_ERROR, "type attribute \"%s\" not recognized", option->name);
        if (*place != NULL) {
            rdb_error_set(err, RDB_SYNTAX_ERROR, "conflicting or redundant options");
            return command_at(context, option->node.location, err);
        }
        *place = option;
    }
    return written->subtype != NULL || rdb_error_set(err, RDB_SYNTAX_ERROR, "type attribute \"subtype\" is required");
}

static rdb_ast_names names_of(rdb_command_context *context, const rdb_ast_option *option)
{
    rdb_ast_names names = {0};
    if (option->arg != NULL && option->arg->tag == RDB_AST_TYPE)
        return ((const rdb_ast_type *)option->arg)->names;
    names.items = RDB_NEW_ARRAY(context->arena, const char *, 1);
    names.items[0] = command_option_text(option) != NULL ? command_option_text(option) : "";
    names.count = 1;
    return names;
}

static bool find_difference(rdb_command_context *context, const rdb_ast_option *option, rdb_range_definition *range, rdb_error *err)
{
    const rdb_ast_names names = names_of(context, option);
    const rdb_function *const *functions = NULL, *found = NULL;
    uint32_t count = 0;
    const char *schema = names.count > 1 ? names.items[names.count - 2] : NULL, *name = names.items[names.count - 1];
    if (!rdb_function_find(context->access, schema, name, &functions, &count, err))
        return false;
    for (uint32_t i = 0; i < count && found == NULL; i++)
        if (functions[i]->argument_count == 2 && functions[i]->argument_types[0] == range->subtype->oid && functions[i]->argument_types[1] == range->subtype->oid)
            found = functions[i];
    const char *whole = rdb_arena_printf(context->arena, "%s(%s, %s)", name, shown(context, range->subtype), shown(context, range->subtype));
    if (found == NULL)
        return rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "function %s does not exist", whole);
    if (found->return_type != RDB_FLOAT8OID)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "range subtype diff function %s must return type %s", whole, "double precision");
    if (found->volatility != 'i')
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "range subtype diff function %s must be immutable", whole);
    range->difference_oid = found->oid;
    return true;
}

static bool choose_order(rdb_command_context *context, const rdb_ast_option *option, rdb_range_definition *range, rdb_error *err)
{
    uint32_t named = 0;
    if (!rdb_opclass_default(context->access, range->subtype->oid, &range->opclass_oid, err))
        return false;
    if (range->opclass_oid == 0 && option == NULL) {
        rdb_error_set(err, RDB_UNDEFINED_OBJECT, "data type %s has no default operator class for access method \"btree\"", shown(context, range->subtype));
        return rdb_error_hint(err, "You must specify an operator class for the range type or define a default operator class for the subtype.");
    }
    if (option == NULL)
        return true;
    const rdb_ast_names names = names_of(context, option);
    const char *name = names.items[names.count - 1];
    if (!rdb_opclass_find(context->access, names.count > 1 ? names.items[names.count - 2] : NULL, name, &named, err))
        return false;
    if (named == 0)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "operator class \"%s\" does not exist for access method \"btree\"", name);
    if (named == range->opclass_oid)
        return true;
    return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "range types in another order than that of their subtype are not supported yet");
}

/* floatrange: floatmultirange; span: span_multirange. */
static const char *multirange_name(rdb_command_context *context, const char *name)
{
    const char *at = strstr(name, "range");
    char made[2 * RDB_NAMEDATALEN];
    if (at != NULL)
        snprintf(made, sizeof made, "%.*smulti%s", (int)(at - name), name, at);
    else
        snprintf(made, sizeof made, "%.52s_multirange", name);
    made[RDB_NAMEDATALEN - 1] = '\0';
    return rdb_arena_strdup(context->arena, made);
}

bool command_create_range(rdb_command_context *context, const rdb_ast_create_range *statement, rdb_error *err)
{
    const rdb_ast_names *name = &statement->name;
    const rdb_ast_table place = {.node = {RDB_AST_TABLE, -1}, .name = name->items[name->count - 1], .schema = name->count > 1 ? name->items[name->count - 2] : NULL};
    rdb_range_definition range = {.name = place.name, .owner_oid = context->role->oid};
    range_options written = {0};
    rdb_analysis analysis;
    int32_t typmod;
    uint32_t oid = 0;
    command_analysis(context, &analysis);
    if (!command_creation_namespace(context, &place, &range.namespace_oid, err) || !sort_options(context, &statement->options, &written, err))
        return false;
    if (written.subtype->arg == NULL || written.subtype->arg->tag != RDB_AST_TYPE)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "subtype requires a type name");
    if (!rdb_type_resolve(&analysis, written.subtype->arg, &range.subtype, &typmod, &range.collation, err))
        return false;
    if (range.subtype->kind == 'p')
        return rdb_error_set(err, RDB_DATATYPE_MISMATCH, "range subtype cannot be %s", shown(context, range.subtype));
    if (written.collation != NULL) {
        const rdb_ast_names names = names_of(context, written.collation);
        const rdb_ast_collate collate = {.node = {RDB_AST_COLLATE, -1}, .name = names};
        if (range.subtype->collation == 0)
            return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "range collation specified but subtype does not support collation");
        if (!command_collation(context, range.subtype, &collate, &range.collation, err))
            return false;
    }
    if (written.canonical != NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "canonical functions of range types are not supported yet");
    if (!choose_order(context, written.opclass, &range, err) || (written.difference != NULL && !find_difference(context, written.difference, &range, err)))
        return false;
    if (written.multirange != NULL) {
        const rdb_ast_names names = names_of(context, written.multirange);
        range.multirange_name = names.items[names.count - 1];
        range.names_multirange = true;
    } else {
        range.multirange_name = multirange_name(context, range.name);
    }
    return rdb_ddl_create_range(context->access, &range, &oid, err);
}
