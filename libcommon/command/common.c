/* SPDX-License-Identifier: Apache-2.0
 * Names, locks, options: what most statements begin with. */
#include "catalog/rdb_acl.h"
#include "command/command_int.h"
#include "sql/rdb_body.h"

#include <strings.h>

rdb_eval *command_eval(rdb_command_context *context)
{
    rdb_eval *eval = RDB_NEW(context->arena, rdb_eval);
    *eval = (rdb_eval){.access = context->access,
                       .txn = context->txn,
                       .snapshot = context->snapshot,
                       .format = context->format,
                       .statement_us = context->statement_us,
                       .transaction_us = context->transaction_us,
                       .cancel = context->cancel,
                       .session = context->session,
                       .session_user = context->role->name,
                       .current_user = context->role->name,
                       .lock_timeout_us = context->lock_timeout_us};
    return eval;
}

rdb_execution_context command_execution_context(rdb_command_context *context)
{
    return (rdb_execution_context){.txn = context->txn,
                                   .snapshot = context->snapshot,
                                   .access = context->access,
                                   .parameters = context->parameters,
                                   .parameter_count = context->parameter_count,
                                   .format = context->format,
                                   .cancel = context->cancel,
                                   .session = context->session,
                                   .session_user = context->role->name,
                                   .current_user = context->role->name,
                                   .statement_us = context->statement_us,
                                   .transaction_us = context->transaction_us,
                                   .lock_timeout_us = context->lock_timeout_us,
                                   .work_mem_bytes = context->work_mem_bytes,
                                   .work = context->work};
}

void command_analysis(rdb_command_context *context, rdb_analysis *analysis)
{
    *analysis = (rdb_analysis){.arena = context->arena,
                               .access = context->access,
                               .text = context->text,
                               .format = context->format,
                               .session = command_eval(context),
                               .statement_us = context->statement_us,
                               .transaction_us = context->transaction_us};
    if (context->routine != NULL) {
        analysis->routine_name = context->routine->name;
        analysis->routine_arguments = rdb_body_argument_names(context->arena, context->routine);
        analysis->routine_argument_count = context->routine->argument_count;
    }
}

void command_notice(rdb_command_context *context, const char *severity, const char *sqlstate, const char *format, ...)
{
    rdb_error notice = {0};
    va_list arguments;
    va_start(arguments, format);
    rdb_error_set_va(&notice, sqlstate, format, arguments);
    va_end(arguments);
    context->client->notice(context->client->context, severity, &notice);
    rdb_error_clear(&notice);
}

bool command_at(rdb_command_context *context, int32_t location, rdb_error *err)
{
    if (location >= 0 && context->text != NULL)
        rdb_error_position(err, rdb_sql_position(context->text, strlen(context->text), location));
    return false;
}

const char *command_table_name(rdb_command_context *context, const rdb_ast_table *table)
{
    return table->schema != NULL ? rdb_arena_printf(context->arena, "%s.%s", table->schema, table->name) : table->name;
}

bool command_lock(rdb_command_context *context, uint32_t relation_oid, rdb_lock_mode mode, rdb_error *err)
{
    bool taken = false;
    rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = rdb_txn_pdb(context->txn), .a = relation_oid};
    return rdb_lock_acquire(context->txn, tag, mode, RDB_LOCK_WAIT, context->lock_timeout_us, &taken, err);
}

/* Who names a schema must be allowed to look into it. */
bool command_check_schema(rdb_command_context *context, const char *schema, rdb_error *err)
{
    uint32_t oid = 0;
    return schema == NULL || (rdb_namespace_find(context->access, schema, &oid, err) &&
                              (oid == 0 || rdb_acl_check(context->access, 'n', oid, context->role->oid, RDB_ACL_USAGE, err)));
}

bool command_require_schema(rdb_command_context *context, const char *schema, rdb_error *err)
{
    uint32_t oid = 0;
    if (schema == NULL)
        return true;
    if (!rdb_namespace_find(context->access, schema, &oid, err))
        return false;
    if (oid == 0)
        return rdb_error_set(err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", schema);
    return rdb_acl_check(context->access, 'n', oid, context->role->oid, RDB_ACL_USAGE, err);
}

bool command_open_table(rdb_command_context *context, const rdb_ast_table *table, rdb_lock_mode mode, bool missing_ok,
                        const rdb_relation **relation, rdb_error *err)
{
    *relation = NULL;
    for (;;) {
        const rdb_relation *found = NULL, *again = NULL;
        if (!(missing_ok ? command_check_schema : command_require_schema)(context, table->schema, err) ||
            !rdb_relation_find(context->access, table->schema, table->name, &found, err))
            return false;
        if (found == NULL) {
            if (missing_ok)
                return true;
            return rdb_error_set(err, RDB_UNDEFINED_TABLE, "relation \"%s\" does not exist", command_table_name(context, table));
        }
        if (!command_lock(context, found->oid, mode, err))
            return false;
        /* The name may mean something else after the wait. */
        if (!rdb_relation_find(context->access, table->schema, table->name, &again, err))
            return false;
        if (again != NULL && again->oid == found->oid) {
            *relation = again;
            return true;
        }
    }
}

bool command_reload(rdb_command_context *context, const rdb_relation **relation, rdb_error *err)
{
    uint32_t oid = (*relation)->oid;
    if (!rdb_relation_get(context->access, oid, relation, err))
        return false;
    return *relation != NULL || rdb_error_set(err, RDB_INTERNAL_ERROR, "relation %u vanished within its own transaction", oid);
}

bool command_check_owner(rdb_command_context *context, const rdb_relation *relation, rdb_error *err)
{
    if (relation->is_system && !rdb_database_makes_system_objects(rdb_access_get_context(context->access)->database))
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied: \"%s\" is a system catalog", relation->name);
    bool is_owner = false;
    if (!rdb_acl_is_owner(context->access, context->role->oid, relation->owner_oid, &is_owner, err))
        return false;
    if (is_owner)
        return true;
    return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be owner of %s %s",
                         relation->kind == 'v'   ? "view"
                         : relation->kind == 'i' ? "index"
                         : relation->kind == 'S' ? "sequence"
                                                 : "table",
                         relation->name);
}

bool command_check_part_owner(rdb_command_context *context, const rdb_relation *relation, rdb_error *err)
{
    bool is_owner = false;
    return rdb_acl_is_owner(context->access, context->role->oid, relation->owner_oid, &is_owner, err) &&
           (is_owner || rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be owner of relation %s", relation->name));
}

bool command_creation_namespace(rdb_command_context *context, const rdb_ast_table *table, uint32_t *oid, rdb_error *err)
{
    const bool in_temp = table->schema != NULL && strcmp(table->schema, "pg_temp") == 0;
    if (in_temp || (table->persistence == 't' && table->schema == NULL))
        return rdb_temp_namespace_need(context->access, oid, err);
    if (table->schema == NULL) {
        const char *path = rdb_access_get_context(context->access)->search_path;
        uint32_t ignored = 0; /* a path that begins with pg_temp creates there, also when nothing is there yet */
        while (*path == ' ' || *path == '"')
            path++;
        if (strncmp(path, "pg_temp", 7) == 0 && strchr("\" ,", path[7]) != NULL && !rdb_temp_namespace_need(context->access, &ignored, err))
            return false;
        return rdb_access_creation_namespace(context->access, oid, err) &&
               (rdb_acl_check(context->access, 'n', *oid, context->role->oid, RDB_ACL_CREATE, err) || command_at(context, table->node.location, err));
    }
    if (!rdb_namespace_find(context->access, table->schema, oid, err))
        return false;
    if (*oid == 0) {
        rdb_error_set(err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", table->schema);
        return command_at(context, table->node.location, err);
    }
    const bool is_own_temp = *oid == rdb_access_get_context(context->access)->temp_namespace_oid;
    if (!is_own_temp && (table->persistence == 't' || strncmp(table->schema, "pg_temp_", 8) == 0)) {
        rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, table->persistence == 't' ? "cannot create temporary relation in non-temporary schema"
                                                                                   : "cannot create relations in temporary schemas of other sessions");
        return command_at(context, table->node.location, err);
    }
    if (*oid == RDB_NAMESPACE_PG_CATALOG)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied to create \"%s.%s\"", table->schema, table->name) ||
               rdb_error_detail(err, "System catalog modifications are currently disallowed.");
    if (!rdb_acl_check(context->access, 'n', *oid, context->role->oid, RDB_ACL_USAGE | RDB_ACL_CREATE, err))
        return command_at(context, table->node.location, err);
    return true;
}

char command_persistence(rdb_command_context *context, const rdb_ast_table *table, uint32_t namespace_oid)
{
    if (namespace_oid != 0 && namespace_oid == rdb_access_get_context(context->access)->temp_namespace_oid)
        return 't';
    return table->persistence == 'u' ? 'u' : 'p';
}

int16_t command_find_column(const rdb_relation *relation, const char *name)
{
    for (uint16_t i = 0; i < relation->column_count; i++)
        if (!relation->columns[i].is_dropped && strcmp(relation->columns[i].name, name) == 0)
            return relation->columns[i].number;
    return 0;
}

bool command_column_number(const rdb_relation *relation, const char *name, int16_t *number, rdb_error *err)
{
    *number = command_find_column(relation, name);
    return *number != 0 || rdb_error_set(err, RDB_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", name, relation->name);
}

/* Cuts the longer of the two names, a byte at a time, never inside a character. */
void command_make_name(const char *first, const char *second, const char *label, char name[RDB_NAMEDATALEN])
{
    size_t first_length = strlen(first), second_length = second != NULL ? strlen(second) : 0;
    size_t overhead = (second != NULL ? 1 : 0) + (label != NULL ? strlen(label) + 1 : 0);
    while (first_length + second_length + overhead > RDB_NAMEDATALEN - 1) {
        if (first_length > second_length)
            first_length--;
        else
            second_length--;
    }
    while (first_length > 0 && ((uint8_t)first[first_length] & 0xC0) == 0x80)
        first_length--;
    while (second_length > 0 && ((uint8_t)second[second_length] & 0xC0) == 0x80)
        second_length--;
    snprintf(name, RDB_NAMEDATALEN, "%.*s%s%.*s%s%s", (int)first_length, first, second != NULL ? "_" : "", (int)second_length,
             second != NULL ? second : "", label != NULL ? "_" : "", label != NULL ? label : "");
}

bool command_choose_name(rdb_command_context *context, const char *first, const char *second, const char *label, uint32_t namespace_oid,
                         char name[RDB_NAMEDATALEN], rdb_error *err)
{
    char schema[RDB_NAMEDATALEN], numbered[32];
    if (!rdb_namespace_get_name(context->access, namespace_oid, schema, err))
        return false;
    command_make_name(first, second, label, name);
    for (unsigned attempt = 1;; attempt++) {
        const rdb_relation *taken = NULL;
        if (!rdb_relation_find(context->access, schema, name, &taken, err))
            return false;
        if (taken == NULL)
            return true;
        snprintf(numbered, sizeof numbered, "%s%u", label, attempt);
        command_make_name(first, second, numbered, name);
    }
}

const rdb_ast_option *command_option(const rdb_list *options, const char *name)
{
    for (uint32_t i = 0; i < options->count; i++) {
        const rdb_ast_option *option = options->items[i];
        if (strcasecmp(option->name, name) == 0)
            return option;
    }
    return NULL;
}

const char *command_option_text(const rdb_ast_option *option)
{
    const rdb_ast_value *value = (const rdb_ast_value *)option->arg;
    if (value == NULL || (value->node.tag != RDB_AST_VALUE && value->node.tag != RDB_AST_CONST))
        return NULL;
    return value->kind == RDB_SQL_VALUE_STRING || value->kind == RDB_SQL_VALUE_NUMBER ? value->text : NULL;
}

bool command_option_bool(const rdb_ast_option *option, bool *value, rdb_error *err)
{
    const rdb_ast_value *argument = (const rdb_ast_value *)option->arg;
    const char *text = command_option_text(option);
    *value = true;
    if (argument == NULL)
        return true;
    if (argument->node.tag == RDB_AST_VALUE && (argument->kind == RDB_SQL_VALUE_BOOL || argument->kind == RDB_SQL_VALUE_INTEGER) &&
        (argument->integer == 0 || argument->integer == 1)) {
        *value = argument->integer;
        return true;
    }
    if (text != NULL && (strcasecmp(text, "true") == 0 || strcasecmp(text, "on") == 0))
        return true;
    if (text != NULL && (strcasecmp(text, "false") == 0 || strcasecmp(text, "off") == 0)) {
        *value = false;
        return true;
    }
    return rdb_error_set(err, RDB_SYNTAX_ERROR, "%s requires a Boolean value", option->name);
}

bool command_option_int64(const rdb_ast_option *option, int64_t *value, rdb_error *err)
{
    const rdb_ast_value *argument = (const rdb_ast_value *)option->arg;
    *value = 0;
    if (argument != NULL && argument->kind == RDB_SQL_VALUE_INTEGER) {
        *value = argument->integer;
        return true;
    }
    const char *text = command_option_text(option);
    char *end = NULL;
    if (text != NULL)
        *value = strtoll(text, &end, 10);
    if (text == NULL || end == text || *end != '\0')
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "%s requires a numeric value", option->name);
    return true;
}

bool command_check_type_usage(rdb_command_context *context, const rdb_type *type, rdb_error *err)
{
    const rdb_type *named = type->element != NULL && type->category == 'A' ? type->element : type;
    rdb_acl_object object;
    bool found = false;
    uint32_t got = 0;
    if (context->role->is_superuser || named->kind == 'p')
        return true;
    if (!rdb_acl_get_object(context->access, context->arena, 'T', named->oid, 0, &object, &found, err) ||
        (found && !rdb_acl_object_mask(context->access, &object, context->role->oid, RDB_ACL_USAGE, false, &got, err)))
        return false;
    if (!found || got != 0)
        return true;
    rdb_strbuf shown;
    rdb_strbuf_init(&shown, context->arena);
    rdb_type_format_name(named, -1, false, &shown);
    return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied for type %s", shown.data != NULL ? shown.data : named->name);
}
