/* SPDX-License-Identifier: Apache-2.0
 * CREATE EXTENSION and ALTER EXTENSION ... UPDATE: an extension is a row of pg_extension and the functions that are part of it, which
 * go with it. Which there are: expr/extension.h. */
#include "expr/extension.h"
#include "catalog/rdb_acl.h"
#include "command/command_int.h"
#include "sql/rdb_sql.h"

enum { PG_EXTENSION = 3079, INDEX_EXTENSION_NAME = 3081 };

static bool find_extension(rdb_command_context *context, const char *name, bool *found, rdb_error *err)
{
    const rdb_datum key = {.bytes = {(const uint8_t *)name, (uint32_t)strlen(name), 0}};
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    *found = false;
    if (!rdb_catalog_scan_open(&scan, context->access, PG_EXTENSION, INDEX_EXTENSION_NAME, &key, 1, context->arena, err))
        return false;
    bool ok = rdb_catalog_scan_next(scan, &row, found, err);
    rdb_catalog_scan_close(&scan);
    return ok;
}

/* SCHEMA, VERSION; CASCADE asks for nothing, since none needs another. */
static bool read_options(rdb_command_context *context, const rdb_list *options, const rdb_extension *extension, uint32_t *namespace_oid, rdb_error *err)
{
    const char *schema = NULL, *version = NULL;
    for (uint32_t i = 0; i < options->count; i++) {
        const rdb_ast_option *option = options->items[i];
        const char **place = strcmp(option->name, "schema") == 0 ? &schema : strcmp(option->name, "new_version") == 0 ? &version : NULL;
        if (place == NULL)
            continue;
        if (*place != NULL)
            return rdb_error_set(err, RDB_SYNTAX_ERROR, "conflicting or redundant options") && command_at(context, option->node.location, err);
        *place = command_option_text(option);
    }
    if (version != NULL && strcmp(version, extension->version) != 0)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "extension \"%s\" has no installation script nor update path for version \"%s\"", extension->name, version);
    if (schema != NULL) {
        if (!rdb_namespace_find(context->access, schema, namespace_oid, err))
            return false;
        return *namespace_oid != 0 || rdb_error_set(err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", schema);
    }
    const rdb_ast_table nowhere = {.node = {.location = -1}, .name = extension->name};
    return command_creation_namespace(context, &nowhere, namespace_oid, err);
}

static bool create_routine(rdb_command_context *context, const rdb_extension *extension, const rdb_extension_routine *routine, uint32_t extension_oid,
                           uint32_t namespace_oid, rdb_error *err)
{
    uint32_t types[16], oid = 0;
    const rdb_type *type = NULL;
    uint16_t count = 0;
    char *words = rdb_arena_strdup(context->arena, routine->arguments), *rest = NULL;
    for (char *word = strtok_r(words, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        if (!rdb_type_find(context->access, "pg_catalog", word, &type, err))
            return false;
        types[count++] = type->oid;
    }
    if (!rdb_type_find(context->access, "pg_catalog", routine->result, &type, err))
        return false;
    const rdb_function_definition definition = {.name = routine->name, .namespace_oid = namespace_oid, .owner_oid = context->role->oid, .language_oid = 13, .kind = 'f',
                                                .is_strict = !routine->is_not_strict, .volatility = routine->volatility, .parallel = 's', .cost = 1, .return_type = type->oid,
                                                .argument_types = types, .argument_count = count, .source = routine->source, .binary_source = extension->library};
    return rdb_ddl_write_function(context->access, &definition, &oid, err) &&
           rdb_ddl_depend(context->access, (rdb_object_address){RDB_PG_PROC, oid, 0}, (rdb_object_address){PG_EXTENSION, extension_oid, 0}, 'e', err);
}

static bool find_named_type(rdb_command_context *context, const char *name, const rdb_type **type, rdb_error *err)
{
    return rdb_type_find(context->access, "pg_catalog", name, type, err) &&
           (*type != NULL || rdb_error_set(err, RDB_UNDEFINED_OBJECT, "type \"%s\" does not exist", name));
}

static bool find_estimator(rdb_command_context *context, const char *name, uint32_t *oid, rdb_error *err)
{
    const rdb_function *const *functions;
    uint32_t count;
    if (!rdb_function_find(context->access, "pg_catalog", name, &functions, &count, err))
        return false;
    *oid = count > 0 ? functions[0]->oid : 0;
    return true;
}

static bool create_operator(rdb_command_context *context, const rdb_extension_operator *written, uint32_t extension_oid, uint32_t namespace_oid, rdb_error *err)
{
    char schema[RDB_NAMEDATALEN];
    const rdb_type *left = NULL, *right = NULL, *result = NULL;
    const rdb_function *const *functions;
    uint32_t count = 0, oid = 0;
    if (!find_named_type(context, written->left, &left, err) || !find_named_type(context, written->right, &right, err) || !find_named_type(context, written->result, &result, err) ||
        !rdb_namespace_get_name(context->access, namespace_oid, schema, err) || !rdb_function_find(context->access, schema, written->function, &functions, &count, err))
        return false;
    if (count == 0)
        return rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "function %s does not exist", written->function);
    rdb_operator_definition definition = {.name = written->name, .namespace_oid = namespace_oid, .owner_oid = context->role->oid, .left_type = left->oid, .right_type = right->oid,
                                          .result_type = result->oid, .function_oid = functions[0]->oid,
                                          .commutes_with_itself = written->commutator != NULL && strcmp(written->commutator, written->name) == 0};
    if (written->commutator != NULL && !definition.commutes_with_itself &&
        !rdb_operator_find_exact(context->access, namespace_oid, written->commutator, right->oid, left->oid, &definition.commutator_oid, err))
        return false;
    if (written->estimates_matches &&
        (!find_estimator(context, "matchingsel", &definition.restrict_oid, err) || !find_estimator(context, "matchingjoinsel", &definition.join_oid, err)))
        return false;
    return rdb_ddl_write_operator(context->access, &definition, &oid, err) &&
           rdb_ddl_depend(context->access, (rdb_object_address){RDB_PG_OPERATOR, oid, 0}, (rdb_object_address){PG_EXTENSION, extension_oid, 0}, 'e', err);
}

static bool create_class(rdb_command_context *context, const rdb_extension_class *written, uint32_t extension_oid, uint32_t namespace_oid, rdb_error *err)
{
    rdb_access *access = context->access;
    char schema[RDB_NAMEDATALEN];
    const rdb_type *type = NULL, *stored = NULL;
    const rdb_function *const *functions;
    uint32_t count = 0, family_oid = 0, class_oid = 0;
    const rdb_object_address extension = {PG_EXTENSION, extension_oid, 0};
    if (!find_named_type(context, written->type, &type, err) || (written->stored != NULL && !find_named_type(context, written->stored, &stored, err)) ||
        !rdb_namespace_get_name(access, namespace_oid, schema, err) || !rdb_function_find(access, schema, written->support, &functions, &count, err))
        return false;
    if (count == 0)
        return rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "function %s does not exist", written->support);
    if (!rdb_ddl_create_opfamily(access, written->name, namespace_oid, context->role->oid, written->method_oid, &family_oid, err) ||
        !rdb_ddl_depend(access, (rdb_object_address){RDB_PG_OPFAMILY, family_oid, 0}, extension, 'e', err))
        return false;
    const rdb_opclass_definition definition = {.name = written->name, .namespace_oid = namespace_oid, .owner_oid = context->role->oid, .method_oid = written->method_oid,
                                               .family_oid = family_oid, .input_type = type->oid, .key_type = stored != NULL ? stored->oid : 0, .is_default = written->is_default};
    if (!rdb_ddl_create_opclass(access, &definition, &class_oid, err) || !rdb_ddl_depend(access, (rdb_object_address){RDB_PG_OPCLASS, class_oid, 0}, extension, 'e', err))
        return false;
    const rdb_opfamily_member support = {.number = (int16_t)rdb_term_support_number(written->method_oid), .left_type = type->oid, .right_type = type->oid, .object_oid = functions[0]->oid};
    if (!rdb_ddl_add_opfamily_member(access, written->method_oid, family_oid, class_oid, &support, err))
        return false;
    for (uint32_t i = 0; i < written->count; i++) {
        const rdb_extension_member *m = &written->members[i];
        const rdb_type *left = NULL, *right = NULL;
        uint32_t operator_oid = 0;
        if (!find_named_type(context, m->left, &left, err) || !find_named_type(context, m->right, &right, err) ||
            !rdb_operator_find_exact(access, namespace_oid, m->operator, left->oid, right->oid, &operator_oid, err) ||
            (operator_oid == 0 && !rdb_operator_find_exact(access, RDB_NAMESPACE_PG_CATALOG, m->operator, left->oid, right->oid, &operator_oid, err)))
            return false;
        const bool by_inet = operator_oid == 0 && strcmp(m->left, "cidr") == 0; /* lives by the operators of inet */
        if (by_inet && !rdb_operator_find_exact(access, RDB_NAMESPACE_PG_CATALOG, m->operator, RDB_INETOID, RDB_INETOID, &operator_oid, err))
            return false;
        if (operator_oid == 0)
            return rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "operator does not exist: %s %s %s", m->left, m->operator, m->right);
        const rdb_opfamily_member member = {.is_operator = true, .number = m->strategy, .left_type = left->oid, .right_type = right->oid, .object_oid = operator_oid};
        if (!rdb_ddl_add_opfamily_member(access, written->method_oid, family_oid, class_oid, &member, err))
            return false;
    }
    return true;
}

static void say_nothing(void *context, const char *severity, const rdb_error *notice)
{
    (void)context, (void)severity, (void)notice;
}

/* The script's statements, each as if the user had given it; they may do what the user may not. */
static bool run_script(rdb_command_context *context, const rdb_extension *extension, const char *script, rdb_error *err)
{
    static const char LIBRARY[] = "MODULE_PATHNAME";
    rdb_command_context inner = *context;
    rdb_role role = *context->role;
    rdb_ast_list statements = {0};
    rdb_strbuf text;
    rdb_strbuf_init(&text, context->arena);
    while (*script != '\0') { /* psql's own commands are lines */
        const size_t length = strcspn(script, "\n");
        for (size_t at = 0; *script != '\\' && at < length;) {
            const bool names_library = length - at >= sizeof LIBRARY - 1 && memcmp(script + at, LIBRARY, sizeof LIBRARY - 1) == 0;
            rdb_strbuf_add(&text, names_library ? extension->library : script + at, names_library ? strlen(extension->library) : 1);
            at += names_library ? sizeof LIBRARY - 1 : 1;
        }
        rdb_strbuf_addc(&text, '\n');
        script += length + (script[length] == '\n');
    }
    if (!rdb_strbuf_check(&text, err) || !rdb_sql_parse(context->arena, text.data, text.length, &statements, err))
        return false;
    role.is_superuser = true;
    rdb_client client = *context->client;
    client.notice = say_nothing; /* of shells and the like: errors come through */
    inner.client = &client;
    inner.role = &role;
    inner.text = text.data;
    for (uint32_t i = 0; i < statements.count; i++)
        if (!rdb_command_run(&inner, statements.items[i].body, err))
            return false;
    return true;
}

static bool run_scripts(rdb_command_context *context, const rdb_extension *extension, const rdb_catalog_script_name *scripts, uint32_t count, uint32_t oid,
                        uint32_t namespace_oid, rdb_error *err)
{
    char schema[RDB_NAMEDATALEN];
    rdb_strbuf path;
    bool ok = rdb_namespace_get_name(context->access, namespace_oid, schema, err);
    rdb_strbuf_init(&path, context->arena);
    rdb_strbuf_addc(&path, '"');
    for (const char *c = schema; ok && *c != '\0'; c++)
        rdb_strbuf_add(&path, *c == '"' ? "\"\"" : c, *c == '"' ? 2 : 1);
    rdb_strbuf_addc(&path, '"');
    if (!ok || !rdb_strbuf_check(&path, err))
        return false;
    const rdb_extension_scope outer = rdb_access_enter_extension(context->access, oid, path.data);
    for (uint32_t i = 0; ok && i < count; i++)
        ok = run_script(context, extension, rdb_catalog_script(scripts[i]), err);
    ok = ok && (rdb_extension_script(extension) == NULL || run_script(context, extension, rdb_extension_script(extension), err));
    rdb_access_leave_extension(context->access, outer);
    return ok;
}

static bool not_available(const char *name, rdb_error *err)
{
    rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "extension \"%s\" is not available", name);
    return rdb_error_hint(err, "SELECT * FROM pg_available_extensions lists those that come with the server.");
}

bool command_create_extension(rdb_command_context *context, const rdb_ast_create_extension *statement, rdb_error *err)
{
    rdb_access *access = context->access;
    const rdb_extension *extension = rdb_extension_find(statement->name);
    bool found = false;
    uint32_t oid = 0, namespace_oid = 0;
    if (!find_extension(context, statement->name, &found, err))
        return false;
    if (found && statement->if_not_exists) {
        command_notice(context, "NOTICE", RDB_DUPLICATE_OBJECT, "extension \"%s\" already exists, skipping", statement->name);
        return true;
    }
    if (found)
        return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "extension \"%s\" already exists", statement->name);
    if (extension == NULL)
        return not_available(statement->name, err);
    if (!context->role->is_superuser &&
        !rdb_acl_check(access, 'd', rdb_database_oid(rdb_access_get_context(access)->database), context->role->oid, RDB_ACL_CREATE, err)) {
        rdb_error_clear(err);
        rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied to create extension \"%s\"", statement->name);
        return rdb_error_hint(err, "Must have CREATE privilege on current database to create this extension.");
    }
    if (!read_options(context, &statement->options, extension, &namespace_oid, err) || !rdb_catalog_new_oid(access, &oid, err))
        return false;
    rdb_datum values[RDB_pg_extension_COLUMNS];
    bool nulls[RDB_pg_extension_COLUMNS] = {false};
    memset(values, 0, sizeof values);
    values[RDB_pg_extension_oid - 1].oid = oid;
    values[RDB_pg_extension_extname - 1] = expr_text(extension->name);
    values[RDB_pg_extension_extowner - 1].oid = context->role->oid;
    values[RDB_pg_extension_extnamespace - 1].oid = namespace_oid;
    values[RDB_pg_extension_extrelocatable - 1].b = 1;
    values[RDB_pg_extension_extversion - 1] = expr_text(extension->version);
    nulls[RDB_pg_extension_extconfig - 1] = nulls[RDB_pg_extension_extcondition - 1] = true;
    const rdb_object_address self = {PG_EXTENSION, oid, 0};
    if (!rdb_catalog_insert(access, PG_EXTENSION, values, nulls, err) || !rdb_ddl_depend(access, self, (rdb_object_address){RDB_PG_NAMESPACE, namespace_oid, 0}, 'n', err) ||
        !rdb_ddl_comment(access, self, extension->comment, err))
        return false;
    uint32_t script_count;
    const rdb_catalog_script_name *scripts = rdb_extension_scripts(extension, &script_count);
    if (script_count > 0 || rdb_extension_script(extension) != NULL)
        return run_scripts(context, extension, scripts, script_count, oid, namespace_oid, err);
    for (uint32_t i = 0; i < extension->count; i++)
        if (!create_routine(context, extension, &extension->routines[i], oid, namespace_oid, err))
            return false;
    for (uint32_t i = 0; i < extension->operator_count; i++)
        if (!create_operator(context, &extension->operators[i], oid, namespace_oid, err))
            return false;
    for (uint32_t i = 0; i < extension->class_count; i++)
        if (!create_class(context, &extension->classes[i], oid, namespace_oid, err))
            return false;
    return true;
}

bool command_alter_extension(rdb_command_context *context, const rdb_ast_alter_extension *statement, rdb_error *err)
{
    const rdb_extension *extension = rdb_extension_find(statement->name);
    bool found = false;
    if (!find_extension(context, statement->name, &found, err))
        return false;
    if (!found || extension == NULL)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "extension \"%s\" does not exist", statement->name);
    for (uint32_t i = 0; i < statement->options.count; i++) {
        const rdb_ast_option *option = statement->options.items[i];
        const char *version = strcmp(option->name, "new_version") == 0 ? command_option_text(option) : NULL;
        if (version != NULL && strcmp(version, extension->version) != 0)
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "extension \"%s\" has no update path from version \"%s\" to version \"%s\"", extension->name, extension->version,
                                 version);
    }
    command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "version \"%s\" of extension \"%s\" is already installed", extension->version, extension->name);
    return true;
}
