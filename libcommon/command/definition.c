/* SPDX-License-Identifier: Apache-2.0
 * The lists of "name = value" that CREATE AGGREGATE, OPERATOR and their kin are written with: what a value says as a name, a type, a text;
 * and functions that those objects are made of. */
#include "catalog/rdb_acl.h"
#include "command/definition.h"

bool definition_names(rdb_command_context *context, const rdb_ast_option *option, rdb_ast_names *names, rdb_error *err)
{
    const rdb_ast_node *arg = option->arg;
    *names = (rdb_ast_names){0};
    if (arg != NULL && arg->tag == RDB_AST_TYPE) {
        *names = ((const rdb_ast_type *)arg)->names;
        return true;
    }
    if (arg != NULL && arg->tag == RDB_AST_LIST) {
        const rdb_list *items = &((const rdb_ast_items *)arg)->items;
        names->items = RDB_NEW_ARRAY(context->arena, const char *, items->count + 1);
        for (uint32_t i = 0; i < items->count; i++)
            names->items[names->count++] = ((const rdb_ast_value *)items->items[i])->text;
        return true;
    }
    const char *text = command_option_text(option);
    if (text == NULL)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, arg == NULL ? "%s requires a parameter" : "argument of %s must be a name", option->name);
    names->items = RDB_NEW_ARRAY(context->arena, const char *, 1);
    names->items[names->count++] = text;
    return true;
}

bool definition_text(rdb_command_context *context, const rdb_ast_option *option, const char **text, rdb_error *err)
{
    const rdb_ast_node *arg = option->arg;
    const rdb_ast_value *value = (const rdb_ast_value *)arg;
    rdb_ast_names names;
    rdb_strbuf joined;
    if (arg == NULL)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "%s requires a parameter", option->name);
    if ((arg->tag == RDB_AST_VALUE || arg->tag == RDB_AST_CONST) && value->kind == RDB_SQL_VALUE_INTEGER) {
        *text = rdb_arena_printf(context->arena, "%d", value->integer);
        return true;
    }
    if ((arg->tag == RDB_AST_VALUE || arg->tag == RDB_AST_CONST) && value->kind == RDB_SQL_VALUE_BOOL) {
        *text = value->integer ? "true" : "false";
        return true;
    }
    if (!definition_names(context, option, &names, err))
        return false;
    rdb_strbuf_init(&joined, context->arena);
    for (uint32_t i = 0; i < names.count; i++)
        rdb_strbuf_addf(&joined, "%s%s", i > 0 ? "." : "", names.items[i]);
    *text = joined.data != NULL ? joined.data : "";
    return rdb_strbuf_check(&joined, err);
}

bool definition_type(rdb_command_context *context, const rdb_ast_option *option, const rdb_type **type, bool *is_setof, rdb_error *err)
{
    rdb_analysis analysis;
    int32_t typmod;
    uint32_t collation;
    rdb_ast_type named = {.node = {RDB_AST_TYPE, -1}, .typmod = -1};
    rdb_ast_node *written = option->arg;
    *is_setof = false;
    command_analysis(context, &analysis);
    analysis.text = NULL; /* errors of these have no place */
    if (written != NULL && written->tag == RDB_AST_TYPE) {
        *is_setof = ((const rdb_ast_type *)written)->is_setof;
    } else {
        if (!definition_names(context, option, &named.names, err)) {
            rdb_error_clear(err);
            return rdb_error_set(err, RDB_SYNTAX_ERROR, written == NULL ? "%s requires a parameter" : "argument of %s must be a type name", option->name);
        }
        written = &named.node;
    }
    return rdb_type_resolve(&analysis, written, type, &typmod, &collation, err);
}

const char *definition_type_text(rdb_command_context *context, const rdb_type *type)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, context->arena);
    rdb_type_format_name(type, -1, false, &text);
    return text.data != NULL ? text.data : type->name;
}

const char *definition_name_text(rdb_command_context *context, const rdb_ast_names *names)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, context->arena);
    for (uint32_t i = 0; i < names->count; i++)
        rdb_strbuf_addf(&text, "%s%s", i > 0 ? "." : "", names->items[i]);
    return text.data != NULL ? text.data : "";
}

bool definition_check_function(rdb_command_context *context, const rdb_function *function, rdb_error *err)
{
    return !function->has_acl || rdb_acl_check(context->access, 'f', function->oid, context->role->oid, RDB_ACL_EXECUTE, err);
}

/* ---- polymorphic types -------------------------------------------------------------------------------------------------------------- */
enum { ANYMULTIRANGE = 4537, ANYCOMPATIBLEMULTIRANGE = 4538 };

bool definition_is_polymorphic(uint32_t type_oid)
{
    switch (type_oid) {
    case RDB_ANYELEMENTOID: case RDB_ANYARRAYOID: case RDB_ANYNONARRAYOID: case RDB_ANYENUMOID: case RDB_ANYRANGEOID: case ANYMULTIRANGE:
    case RDB_ANYCOMPATIBLEOID: case RDB_ANYCOMPATIBLEARRAYOID: case RDB_ANYCOMPATIBLENONARRAYOID: case RDB_ANYCOMPATIBLERANGEOID: case ANYCOMPATIBLEMULTIRANGE:
        return true;
    default:
        return false;
    }
}

static bool is_of_compatible(uint32_t oid)
{
    return oid == RDB_ANYCOMPATIBLEOID || oid == RDB_ANYCOMPATIBLEARRAYOID || oid == RDB_ANYCOMPATIBLENONARRAYOID || oid == RDB_ANYCOMPATIBLERANGEOID ||
           oid == ANYCOMPATIBLEMULTIRANGE;
}

static bool is_of_ranges(uint32_t oid)
{
    return oid == RDB_ANYRANGEOID || oid == ANYMULTIRANGE || oid == RDB_ANYCOMPATIBLERANGEOID || oid == ANYCOMPATIBLEMULTIRANGE;
}

bool definition_check_follows(const rdb_type *type, const uint32_t *types, uint32_t count, const char *what, rdb_error *err)
{
    const bool compatible = is_of_compatible(type->oid), range = is_of_ranges(type->oid);
    if (!definition_is_polymorphic(type->oid))
        return true;
    for (uint32_t i = 0; i < count; i++)
        if (definition_is_polymorphic(types[i]) && is_of_compatible(types[i]) == compatible && (!range || is_of_ranges(types[i])))
            return true;
    rdb_error_set(err, RDB_INVALID_FUNCTION_DEFINITION, "%s", what);
    if (range)
        return rdb_error_detail(err, compatible ? "A result of type %s requires at least one input of type anycompatiblerange or anycompatiblemultirange."
                                                : "A result of type %s requires at least one input of type anyrange or anymultirange.", type->name);
    return rdb_error_detail(
        err, compatible ? "A result of type %s requires at least one input of type anycompatible, anycompatiblearray, anycompatiblenonarray, anycompatiblerange, or anycompatiblemultirange."
                        : "A result of type %s requires at least one input of type anyelement, anyarray, anynonarray, anyenum, anyrange, or anymultirange.",
        type->name);
}

bool definition_place(rdb_command_context *context, const rdb_ast_names *name, uint32_t *namespace_oid, rdb_error *err)
{
    const rdb_ast_table table = {.node = {RDB_AST_TABLE, -1}, .schema = name->count > 1 ? name->items[name->count - 2] : NULL, .name = name->items[name->count - 1]};
    return command_creation_namespace(context, &table, namespace_oid, err);
}
