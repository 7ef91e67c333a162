/* SPDX-License-Identifier: Apache-2.0
 * CREATE COLLATION and ALTER COLLATION ... REFRESH VERSION. A locale is opened once before it is kept, so that what cannot
 * be compared under is never named. */
#include "catalog/rdb_acl.h"
#include "command/command_int.h"
#include "type/rdb_collation.h"

enum { ENCODING_UTF8 = 6, ENCODING_ANY = -1, VERSION_MAX = 64 };

typedef struct collation_options {
    const rdb_ast_option *from, *locale, *collate, *ctype, *provider, *deterministic, *version;
} collation_options;

static bool read_options(rdb_command_context *context, const rdb_list *options, collation_options *found, rdb_error *err)
{
    const struct {
        const char *name;
        const rdb_ast_option **slot;
    } slots[] = {{"from", &found->from}, {"locale", &found->locale}, {"lc_collate", &found->collate}, {"lc_ctype", &found->ctype},
                 {"provider", &found->provider}, {"deterministic", &found->deterministic}, {"version", &found->version}};
    for (uint32_t i = 0; i < options->count; i++) {
        const rdb_ast_option *option = options->items[i];
        size_t at = 0;
        while (at < RDB_COUNT_OF(slots) && strcmp(slots[at].name, option->name) != 0)
            at++;
        if (at == RDB_COUNT_OF(slots)) {
            rdb_error_set(err, RDB_SYNTAX_ERROR, "collation attribute \"%s\" not recognized", option->name);
            return command_at(context, option->node.location, err);
        }
        if (*slots[at].slot != NULL) {
            rdb_error_set(err, RDB_SYNTAX_ERROR, "conflicting or redundant options");
            return command_at(context, option->node.location, err);
        }
        *slots[at].slot = option;
    }
    rdb_error_clear(err);
    if (found->locale != NULL && (found->collate != NULL || found->ctype != NULL)) {
        rdb_error_set(err, RDB_SYNTAX_ERROR, "conflicting or redundant options");
        return rdb_error_detail(err, "LOCALE cannot be specified together with LC_COLLATE or LC_CTYPE.");
    }
    if (found->from != NULL && options->count != 1) {
        rdb_error_set(err, RDB_SYNTAX_ERROR, "conflicting or redundant options");
        return rdb_error_detail(err, "FROM cannot be specified together with any other options.");
    }
    return true;
}

/* The text of an option, which may be written as a name or a number. */
static bool text_of(rdb_command_context *context, const rdb_ast_option *option, const char **text, rdb_error *err)
{
    *text = NULL;
    if (option == NULL)
        return true;
    if (option->arg == NULL)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "%s requires a parameter", option->name);
    if (option->arg->tag == RDB_AST_TYPE) {
        const rdb_ast_names *names = &((const rdb_ast_type *)option->arg)->names;
        *text = names->items[names->count - 1];
        return true;
    }
    const rdb_ast_value *value = (const rdb_ast_value *)option->arg;
    *text = value->kind == RDB_SQL_VALUE_INTEGER ? rdb_arena_printf(context->arena, "%d", value->integer) : value->kind == RDB_SQL_VALUE_BOOL ? (value->integer ? "true" : "false") : value->text;
    return true;
}

/* FROM: a name, in one of the forms that a list of options gives it. */
static bool copy_from(rdb_command_context *context, const rdb_ast_option *option, rdb_collation_row *made, rdb_error *err)
{
    const char *schema = NULL, *name = NULL;
    if (option->arg != NULL && option->arg->tag == RDB_AST_TYPE) {
        const rdb_ast_names *names = &((const rdb_ast_type *)option->arg)->names;
        name = names->items[names->count - 1];
        schema = names->count > 1 ? names->items[names->count - 2] : NULL;
    } else if (option->arg != NULL && option->arg->tag == RDB_AST_LIST) {
        const rdb_list *parts = &((const rdb_ast_items *)option->arg)->items;
        name = ((const rdb_ast_value *)parts->items[parts->count - 1])->text;
        schema = parts->count > 1 ? ((const rdb_ast_value *)parts->items[parts->count - 2])->text : NULL;
    } else if (!text_of(context, option, &name, err)) {
        return false;
    }
    uint32_t oid;
    rdb_collation_row source;
    bool found;
    if (!rdb_collation_find(context->access, schema, name, &oid, err))
        return false;
    if (oid == 0)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "collation \"%s%s%s\" for encoding \"UTF8\" does not exist", schema != NULL ? schema : "", schema != NULL ? "." : "", name);
    if (!rdb_collation_get(context->access, oid, &source, &found, err))
        return false;
    if (!found || source.definition.provider == 'd')
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "collation \"default\" cannot be copied");
    made->definition = source.definition;
    made->encoding = source.encoding;
    return true;
}

static bool define_from_options(rdb_command_context *context, const collation_options *options, rdb_collation_row *made, rdb_error *err)
{
    const char *provider, *locale, *collate, *ctype;
    bool is_deterministic = true;
    if (!text_of(context, options->provider, &provider, err) || !text_of(context, options->locale, &locale, err) || !text_of(context, options->collate, &collate, err) ||
        !text_of(context, options->ctype, &ctype, err) || !text_of(context, options->version, &made->version, err) ||
        (options->deterministic != NULL && !command_option_bool(options->deterministic, &is_deterministic, err)))
        return false;
    rdb_collation_definition *definition = &made->definition;
    *definition = (rdb_collation_definition){.provider = 'c', .is_deterministic = is_deterministic, .collate = collate, .ctype = ctype};
    if (provider != NULL && strcasecmp(provider, "icu") == 0)
        definition->provider = 'i';
    else if (provider != NULL && strcasecmp(provider, "libc") != 0)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "unrecognized collation provider: %s", provider);
    if (definition->provider == 'i') {
        definition->icu_locale = locale;
        if (locale == NULL)
            return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "parameter \"locale\" must be specified");
    } else {
        if (locale != NULL)
            definition->collate = definition->ctype = locale;
        if (definition->collate == NULL || definition->ctype == NULL)
            return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "parameter \"%s\" must be specified", definition->collate == NULL ? "lc_collate" : "lc_ctype");
        if (!is_deterministic)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "nondeterministic collations not supported with this provider");
    }
    made->encoding = definition->provider == 'i' ? ENCODING_ANY : ENCODING_UTF8;
    return true;
}

bool command_create_collation(rdb_command_context *context, const rdb_ast_define *statement, rdb_error *err)
{
    const char *name = statement->name.items[statement->name.count - 1];
    const rdb_ast_table place = {.node = {.location = -1}, .schema = statement->name.count > 1 ? statement->name.items[statement->name.count - 2] : NULL, .name = name};
    collation_options options = {0};
    rdb_collation_row made = {.name = name, .owner_oid = context->role->oid, .encoding = ENCODING_ANY};
    uint32_t oid;
    bool exists;
    int32_t encoding;
    if (!command_creation_namespace(context, &place, &made.namespace_oid, err) || !read_options(context, &statement->options, &options, err) ||
        !(options.from != NULL ? copy_from(context, options.from, &made, err) : define_from_options(context, &options, &made, err)) ||
        !rdb_ddl_collation_exists(context->access, made.namespace_oid, name, &exists, &encoding, err))
        return false;
    if (exists) {
        const char *shown = rdb_arena_printf(context->arena, encoding == ENCODING_ANY ? "collation \"%s\" already exists" : "collation \"%s\" for encoding \"UTF8\" already exists", name);
        if (!statement->if_not_exists)
            return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "%s", shown);
        command_notice(context, "NOTICE", RDB_DUPLICATE_OBJECT, "%s, skipping", shown);
        return true;
    }
    char version[VERSION_MAX];
    if (!rdb_collation_check(&made.definition, err))
        return false;
    if (made.version == NULL) {
        rdb_collation_get_version(&made.definition, version, sizeof version);
        made.version = version[0] != '\0' ? version : NULL;
    }
    return rdb_ddl_create_collation(context->access, &made, &oid, err);
}

bool command_alter_collation(rdb_command_context *context, const rdb_ast_alter_collation *statement, rdb_error *err)
{
    const char *name = statement->name.items[statement->name.count - 1], *schema = statement->name.count > 1 ? statement->name.items[statement->name.count - 2] : NULL;
    rdb_collation_row row;
    uint32_t oid;
    bool found, is_owner = context->role->is_superuser;
    char version[VERSION_MAX];
    if (!rdb_collation_find(context->access, schema, name, &oid, err))
        return false;
    if (oid == 0)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "collation \"%s%s%s\" for encoding \"UTF8\" does not exist", schema != NULL ? schema : "", schema != NULL ? "." : "", name);
    if (oid == RDB_DEFAULT_COLLATION_OID) {
        rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot refresh version of default collation");
        return rdb_error_hint(err, "Use ALTER DATABASE ... REFRESH COLLATION VERSION instead.");
    }
    if (!rdb_collation_get(context->access, oid, &row, &found, err) || (!is_owner && !rdb_acl_is_owner(context->access, context->role->oid, row.owner_oid, &is_owner, err)))
        return false;
    if (!is_owner)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be owner of collation %s", name);
    rdb_collation_get_version(&row.definition, version, sizeof version);
    if ((row.version == NULL) != (version[0] == '\0'))
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "invalid collation version change");
    if (row.version == NULL || strcmp(row.version, version) == 0) {
        command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "version has not changed");
        return true;
    }
    command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "changing version from %s to %s", row.version, version);
    return rdb_ddl_set_collation_version(context->access, oid, version, err);
}

bool command_check_collation(const char *column, const rdb_expr *expr, rdb_error *err)
{
    if (expr->type->collation == 0 || expr->collation != 0)
        return true;
    rdb_error_set(err, RDB_INDETERMINATE_COLLATION, "no collation was derived for column \"%s\" with collatable type %s", column, expr->type->name);
    return rdb_error_hint(err, "Use the COLLATE clause to set the collation explicitly.");
}
