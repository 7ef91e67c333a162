/* SPDX-License-Identifier: Apache-2.0
 * Views, schemas, databases; DROP, TRUNCATE and LOCK. */
#include "catalog/rdb_acl.h"
#include "command/concurrent.h"
#include "command/inherit.h"
#include "txn/rdb_ssi.h"
#include "type/rdb_collation.h"
#include "type/rdb_encoding.h"
#include <strings.h>

/* ---- CREATE VIEW ------------------------------------------------------------------------------------------------------- */
/* A view of something temporary is temporary. */
static bool uses_temporary(rdb_command_context *context, const command_uses *uses, bool *does, rdb_error *err)
{
    *does = false;
    for (uint32_t i = 0; i < uses->count && !*does; i++) {
        const rdb_relation *relation = NULL;
        if (uses->items[i].catalog_oid != RDB_PG_CLASS)
            continue;
        if (!rdb_relation_get(context->access, uses->items[i].object_oid, &relation, err))
            return false;
        *does = relation != NULL && relation->persistence == 't';
    }
    return true;
}

static const char *full_type(rdb_command_context *context, const rdb_type *type, int32_t typmod)
{
    rdb_strbuf name;
    rdb_strbuf_init(&name, context->arena);
    rdb_type_format_name(type, typmod, true, &name);
    return name.data;
}

/* The new view's columns must begin with the old one's: whatever reads it goes on. */
static bool check_replacement(rdb_command_context *context, const rdb_relation *old, const rdb_column_definition *columns, uint16_t count, rdb_error *err)
{
    if (count < old->column_count)
        return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "cannot drop columns from view");
    for (uint16_t i = 0; i < old->column_count; i++) {
        const rdb_column *column = &old->columns[i];
        if (strcmp(columns[i].name, column->name) != 0) {
            rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "cannot change name of view column \"%s\" to \"%s\"", column->name, columns[i].name);
            return rdb_error_hint(err, "Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.");
        }
        if (columns[i].type->oid != column->type->oid || columns[i].typmod != column->typmod)
            return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "cannot change data type of view column \"%s\" from %s to %s", column->name,
                                 full_type(context, column->type, column->typmod), full_type(context, columns[i].type, columns[i].typmod));
    }
    return true;
}

/* WITH (...) and WITH CHECK OPTION, which only views that can be written through may have. */
static bool set_view_options(rdb_command_context *context, uint32_t oid, const rdb_ast_create_view *statement, const rdb_query *query, bool replaces, rdb_error *err)
{
    rdb_list options = {0};
    const char *const *kept = NULL;
    uint32_t count = 0;
    bool checks = statement->check_option != RDB_SQL_CHECK_OPTION_NONE;
    for (uint32_t i = 0; i < statement->options.count; i++) {
        checks = checks || strcmp(((const rdb_ast_option *)statement->options.items[i])->name, "check_option") == 0;
        rdb_list_push(context->arena, &options, statement->options.items[i]);
    }
    if (statement->check_option != RDB_SQL_CHECK_OPTION_NONE) {
        rdb_ast_option *option = RDB_NEW(context->arena, rdb_ast_option);
        rdb_ast_value *value = RDB_NEW(context->arena, rdb_ast_value);
        value->node = (rdb_ast_node){RDB_AST_VALUE, -1};
        value->kind = RDB_SQL_VALUE_STRING;
        value->text = statement->check_option == RDB_SQL_CHECK_OPTION_LOCAL ? "local" : "cascaded";
        option->node = (rdb_ast_node){RDB_AST_OPTION, -1};
        option->name = "check_option";
        option->arg = &value->node;
        rdb_list_push(context->arena, &options, option);
    }
    const char *reason = checks ? rdb_view_not_updatable(query, true) : NULL;
    if (reason != NULL) {
        rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "WITH CHECK OPTION is supported only on automatically updatable views");
        return rdb_error_hint(err, "%s", reason);
    }
    return (options.count == 0 && !replaces) || (command_merge_options(context, 'v', &options, false, &kept, &count, err) &&
                                                 rdb_ddl_set_options(context->access, oid, kept, count, err));
}

bool command_create_view(rdb_command_context *context, const rdb_ast_create_view *statement, rdb_error *err)
{
    rdb_analysis analysis;
    rdb_query *query = NULL;
    rdb_strbuf tree;
    uint32_t namespace_oid = 0, oid = 0;
    char schema[RDB_NAMEDATALEN];
    const rdb_relation *taken = NULL;
    command_analysis(context, &analysis);
    rdb_strbuf_init(&tree, context->arena);
    command_uses uses = {0};
    bool is_temporary = false;
    rdb_ast_table place = *statement->table;
    place.node.location = -1;
    if (!rdb_query_analyse(&analysis, statement->query, &query, err) || !command_query_uses(context, query, &uses, err) ||
        !uses_temporary(context, &uses, &is_temporary, err))
        return false;
    if (is_temporary && place.persistence != 't') {
        command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "view \"%s\" will be a temporary view", place.name);
        place.persistence = 't';
    }
    if (!command_creation_namespace(context, &place, &namespace_oid, err) || !rdb_namespace_get_name(context->access, namespace_oid, schema, err))
        return false;
    if (query->command != RDB_COMMAND_SELECT)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "views must not contain data-modifying statements");
    uint16_t count = 0;
    rdb_column_definition *columns = RDB_NEW_ARRAY(context->arena, rdb_column_definition, query->targets.count + 1);
    for (uint32_t i = 0; i < query->targets.count; i++) {
        rdb_target *target = query->targets.items[i];
        if (target->is_junk)
            continue;
        if (count < statement->columns.count)
            target->name = rdb_arena_strdup(context->arena, statement->columns.items[count]);
        for (uint16_t k = 0; k < count; k++)
            if (strcmp(columns[k].name, target->name) == 0)
                return rdb_error_set(err, RDB_DUPLICATE_COLUMN, "column \"%s\" specified more than once", target->name);
        if (!command_check_collation(target->name, target->expr, err))
            return false;
        columns[count++] = (rdb_column_definition){.name = target->name, .type = target->expr->type, .typmod = target->expr->typmod, .collation = target->expr->collation};
    }
    if (statement->columns.count > count)
        return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "CREATE VIEW specifies more column names than columns");
    if (!rdb_relation_find(context->access, schema, statement->table->name, &taken, err))
        return false;
    if (taken != NULL && statement->or_replace && taken->kind == 'v') {
        if (!check_replacement(context, taken, columns, count, err))
            return false;
    } else if (taken != NULL && statement->or_replace) {
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a view", taken->name);
    } else if (taken != NULL) {
        return rdb_error_set(err, RDB_DUPLICATE_TABLE, "relation \"%s\" already exists", statement->table->name);
    }
    if (!rdb_tree_write_query(query, &tree, err) || !rdb_strbuf_check(&tree, err))
        return false;
    rdb_relation_definition definition = {.name = statement->table->name, .namespace_oid = namespace_oid, .owner_oid = context->role->oid, .kind = 'v',
                                          .persistence = command_persistence(context, &place, namespace_oid), .columns = columns, .column_count = count, .view_tree = tree.data,
                                          .uses = uses.items, .use_count = uses.count};
    if (taken != NULL) {
        oid = taken->oid;
        if (!command_lock(context, oid, RDB_LOCK_ACCESS_EXCLUSIVE, err) || !command_check_owner(context, taken, err) ||
            !rdb_ddl_replace_view(context->access, oid, &definition, err))
            return false;
    } else if (!rdb_ddl_create_relation(context->access, &definition, &oid, err)) {
        return false;
    }
    return set_view_options(context, oid, statement, query, taken != NULL, err);
}

/* ---- schemas and databases ------------------------------------------------------------------------------------------------ */
/* Objects can be made for a role that one is a member of. */
bool command_new_owner(rdb_command_context *context, const rdb_ast_role *named, uint32_t *oid, rdb_error *err)
{
    bool is_member = true;
    rdb_role role;
    *oid = context->role->oid;
    if (named == NULL)
        return true;
    if (!command_role_oid(context, named, oid, err) || !rdb_role_is_member_of(context->access, context->role->oid, *oid, &is_member, err))
        return false;
    return is_member || (rdb_role_get(context->access, *oid, &role, &is_member, err) &&
                         rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be member of role \"%s\"", role.name));
}

static bool outside_block(rdb_command_context *context, rdb_error *err)
{
    return context->is_top_level || rdb_error_set(err, RDB_ACTIVE_SQL_TRANSACTION, "%s cannot run inside a transaction block", context->tag);
}

/* ENCODING, LOCALE and their kin: databases keep UTF-8 and order texts by bytes unless a COLLATE says otherwise, so what asks for
 * something else is refused. */
static bool check_locale_options(rdb_command_context *context, const rdb_list *options, rdb_error *err)
{
    static const char *const LOCALES[] = {"locale", "lc_collate", "lc_ctype"};
    static const char *const BYTES[] = {"C", "POSIX", "C.UTF-8", "C.utf8"};
    static const char REFUSED[] = "Databases order texts by bytes; give columns a collation, or use COLLATE.";
    const rdb_ast_option *encoding = command_option(options, "encoding"), *provider = command_option(options, "locale_provider");
    const char *name = encoding != NULL ? command_option_text(encoding) : NULL;
    if (name != NULL) {
        const int number = rdb_encoding_find(name);
        if (number < 0) {
            rdb_error_set(err, RDB_UNDEFINED_OBJECT, "%s is not a valid encoding name", name);
            return command_at(context, encoding->node.location, err);
        }
        if (number != RDB_ENCODING_UTF8)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "databases in encoding %s are not supported", rdb_encoding_name(number)) ||
                   rdb_error_hint(err, "Databases keep UTF8; clients may speak any encoding (client_encoding).");
    }
    for (size_t i = 0; i < RDB_COUNT_OF(LOCALES); i++) {
        const rdb_ast_option *option = command_option(options, LOCALES[i]);
        const char *locale = option != NULL ? command_option_text(option) : NULL;
        bool is_known = locale == NULL;
        for (size_t k = 0; k < RDB_COUNT_OF(BYTES) && !is_known; k++)
            is_known = strcmp(locale, BYTES[k]) == 0;
        if (is_known)
            continue;
        const rdb_collation_definition wanted = {.provider = 'c', .is_deterministic = true, .collate = locale, .ctype = locale};
        if (!rdb_collation_check(&wanted, err)) {
            rdb_error_clear(err);
            return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "invalid locale name: \"%s\"", locale);
        }
        rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "databases with locale \"%s\" are not supported", locale);
        return rdb_error_hint(err, "%s", REFUSED);
    }
    const char *written = provider != NULL ? command_option_text(provider) : NULL;
    if ((written != NULL && strcasecmp(written, "icu") == 0) || command_option(options, "icu_locale") != NULL) {
        rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "databases with a default collation of ICU are not supported");
        return rdb_error_hint(err, "%s", REFUSED);
    }
    return written == NULL || strcasecmp(written, "libc") == 0 || rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "unrecognized locale provider: %s", written);
}

bool command_create_database(rdb_command_context *context, const rdb_ast_create_database *statement, rdb_error *err)
{
    const rdb_ast_option *template_option = command_option(&statement->options, "template");
    const char *template_name = template_option != NULL ? command_option_text(template_option) : NULL;
    const rdb_ast_option *owner_option = command_option(&statement->options, "owner");
    const rdb_ast_role owner = {.node = {.tag = RDB_AST_ROLE, .location = -1}, .kind = RDB_SQL_ROLE_NAMED, .name = owner_option != NULL ? command_option_text(owner_option) : NULL};
    uint32_t owner_oid;
    if (!outside_block(context, err))
        return false;
    if (!context->role->can_create_db && !context->role->is_superuser)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied to create database");
    if (!check_locale_options(context, &statement->options, err) || !command_new_owner(context, owner.name != NULL ? &owner : NULL, &owner_oid, err))
        return false;
    return rdb_database_create(rdb_access_get_context(context->access)->catalog, statement->name, template_name != NULL ? template_name : "template1", owner_oid, err);
}

bool command_drop_database(rdb_command_context *context, const rdb_ast_drop_database *statement, rdb_error *err)
{
    if (!outside_block(context, err))
        return false;
    if (!context->role->is_superuser)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be owner of database %s", statement->name);
    if (statement->missing_ok) {
        command_object found;
        const rdb_ast_value name = {.node = {RDB_AST_VALUE, -1}, .kind = RDB_SQL_VALUE_STRING, .text = statement->name};
        if (!command_find_object(context, RDB_SQL_OBJECT_DATABASE, NULL, &name.node, NULL, true, &found, err) || found.address.object_oid == 0)
            return !rdb_error_is_set(err);
    }
    return rdb_database_drop(rdb_access_get_context(context->access)->catalog, statement->name, statement->missing_ok, err);
}

/* ---- DROP ------------------------------------------------------------------------------------------------------------------- */
void command_drop_notice(void *context, const char *text)
{
    /* The first line is the message, the list its detail. */
    rdb_command_context *command = context;
    const char *list = strchr(text, '\n');
    rdb_error notice = {0};
    rdb_error_set(&notice, RDB_SUCCESSFUL_COMPLETION, "%.*s", (int)(list != NULL ? (size_t)(list - text) : strlen(text)), text);
    if (list != NULL)
        rdb_error_detail(&notice, "%s", list + 1);
    command->client->notice(command->client->context, "NOTICE", &notice);
    rdb_error_clear(&notice);
}

static const char *kind_word(rdb_sql_object_type type)
{
    switch (type) {
    case RDB_SQL_OBJECT_INDEX:
        return "index";
    case RDB_SQL_OBJECT_VIEW:
        return "view";
    case RDB_SQL_OBJECT_SEQUENCE:
        return "sequence";
    case RDB_SQL_OBJECT_MATVIEW:
        return "materialized view";
    case RDB_SQL_OBJECT_FOREIGN_TABLE:
        return "foreign table";
    default:
        return "table";
    }
}

static char kind_letter(rdb_sql_object_type type)
{
    return type == RDB_SQL_OBJECT_INDEX ? 'i' : type == RDB_SQL_OBJECT_VIEW ? 'v' : type == RDB_SQL_OBJECT_SEQUENCE ? 'S' : type == RDB_SQL_OBJECT_MATVIEW ? 'm' : type == RDB_SQL_OBJECT_FOREIGN_TABLE ? 'f' : 'r';
}

/* The parts of a name in a list of RDB_AST_VALUE: schema (or NULL) and name. */
static void name_parts(const rdb_ast_node *object, const char **schema, const char **name)
{
    *schema = NULL;
    if (object->tag != RDB_AST_LIST) {
        *name = ((const rdb_ast_value *)object)->text;
        return;
    }
    const rdb_list *parts = &((const rdb_ast_items *)object)->items;
    *name = ((const rdb_ast_value *)parts->items[parts->count - 1])->text;
    if (parts->count > 1)
        *schema = ((const rdb_ast_value *)parts->items[parts->count - 2])->text;
}

static bool find_relation(rdb_command_context *context, const rdb_ast_drop *statement, const rdb_ast_node *object, uint32_t *oid, rdb_error *err)
{
    rdb_ast_table table = {.node = {RDB_AST_TABLE, -1}};
    const rdb_relation *relation = NULL;
    *oid = 0;
    name_parts(object, &table.schema, &table.name);
    const char *word = kind_word(statement->object_type);
    const rdb_lock_mode mode = statement->is_concurrent ? RDB_LOCK_SHARE_UPDATE_EXCLUSIVE : RDB_LOCK_ACCESS_EXCLUSIVE;
    if (!command_open_table(context, &table, mode, true, &relation, err))
        return false;
    if (relation == NULL) {
        uint32_t namespace_oid = 1;
        if (table.schema != NULL && !rdb_namespace_find(context->access, table.schema, &namespace_oid, err))
            return false;
        if (statement->missing_ok) {
            if (namespace_oid == 0)
                command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "schema \"%s\" does not exist, skipping", table.schema);
            else
                command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "%s \"%s\" does not exist, skipping", word, table.name);
            return true;
        }
        if (namespace_oid == 0)
            return rdb_error_set(err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", table.schema);
        return rdb_error_set(err, statement->object_type == RDB_SQL_OBJECT_INDEX ? RDB_UNDEFINED_OBJECT : RDB_UNDEFINED_TABLE, "%s \"%s\" does not exist", word,
                             command_table_name(context, &table));
    }
    if (relation->kind != kind_letter(statement->object_type) && !(relation->kind == 'p' && statement->object_type == RDB_SQL_OBJECT_TABLE) &&
        !(relation->kind == 'I' && statement->object_type == RDB_SQL_OBJECT_INDEX)) {
        rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not %s %s", relation->name, word[0] == 'i' ? "an" : "a", word);
        if (relation->kind == 'm')
            return rdb_error_hint(err, "Use DROP MATERIALIZED VIEW to remove a materialized view.");
        if (relation->kind == 'c')
            return rdb_error_hint(err, "Use DROP TYPE to remove a type.");
        const char *verb = relation->kind == 'v' ? "VIEW" : relation->kind == 'i' || relation->kind == 'I' ? "INDEX" : relation->kind == 'S' ? "SEQUENCE" : "TABLE";
        return rdb_error_hint(err, "Use DROP %s to remove %s %s.", verb, verb[0] == 'I' ? "an" : "a", relation->kind == 'v' ? "view" : relation->kind == 'i' || relation->kind == 'I' ? "index" : relation->kind == 'S' ? "sequence" : "table");
    }
    if (!command_check_owner(context, relation, err))
        return false;
    /* Its table is changed too. */
    if ((relation->kind == 'i' || relation->kind == 'I') && relation->index_of != 0 && !command_lock(context, relation->index_of, mode, err))
        return false;
    *oid = relation->oid;
    return true;
}

static bool find_type(rdb_command_context *context, const rdb_ast_drop *statement, const rdb_ast_node *object, uint32_t *oid, rdb_error *err)
{
    const rdb_ast_names *names = &((const rdb_ast_type *)object)->names;
    const char *name = names->items[names->count - 1];
    const rdb_type *type = NULL;
    *oid = 0;
    if (names->count > 1) {
        uint32_t schema_oid = 0;
        const char *schema = names->items[names->count - 2];
        if (!rdb_namespace_find(context->access, schema, &schema_oid, err))
            return false;
        if (schema_oid == 0 && !statement->missing_ok)
            return rdb_error_set(err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", schema);
        if (schema_oid == 0) {
            command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "schema \"%s\" does not exist, skipping", schema);
            return true;
        }
    }
    if (!rdb_type_find(context->access, names->count > 1 ? names->items[names->count - 2] : NULL, name, &type, err))
        return false;
    if (type == NULL && !statement->missing_ok)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "type \"%s\" does not exist", name);
    if (type != NULL && statement->object_type == RDB_SQL_OBJECT_DOMAIN && type->kind != 'd')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a domain", name);
    if (type == NULL)
        command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "type \"%s\" does not exist, skipping", name);
    else
        *oid = type->oid;
    return true;
}

/* DROP POLICY|RULE name ON table: the object's names end with the part's. */
static bool drop_table_parts(rdb_command_context *context, const rdb_ast_drop *statement, rdb_error *err)
{
    const bool is_policy = statement->object_type == RDB_SQL_OBJECT_POLICY;
    const char *kind = is_policy ? "policy" : "rule";
    for (uint32_t i = 0; i < statement->objects.count; i++) {
        const rdb_list *parts = &((const rdb_ast_items *)statement->objects.items[i])->items;
        const char *name = ((const rdb_ast_value *)parts->items[parts->count - 1])->text;
        const rdb_ast_table table = {.node = {RDB_AST_TABLE, -1}, .name = ((const rdb_ast_value *)parts->items[parts->count - 2])->text,
                                     .schema = parts->count > 2 ? ((const rdb_ast_value *)parts->items[parts->count - 3])->text : NULL};
        const rdb_relation *relation = NULL;
        uint32_t oid = 0;
        if (!command_open_table(context, &table, RDB_LOCK_ACCESS_EXCLUSIVE, statement->missing_ok, &relation, err))
            return false;
        if (relation == NULL) {
            command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "relation \"%s\" does not exist, skipping", table.name);
            continue;
        }
        if (!(is_policy ? rdb_policy_find : rdb_rule_find)(context->access, relation->oid, name, &oid, err))
            return false;
        if (oid == 0 && statement->missing_ok) {
            command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "%s \"%s\" for relation \"%s\" does not exist, skipping", kind, name, relation->name);
            continue;
        }
        if (oid == 0)
            return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "%s \"%s\" for %s \"%s\" does not exist", kind, name, is_policy ? "table" : "relation", relation->name);
        const rdb_object_address object = {is_policy ? RDB_PG_POLICY : RDB_PG_REWRITE, oid, 0};
        if (!command_check_part_owner(context, relation, err) ||
            !rdb_ddl_drop(context->access, &object, 1, statement->behavior == RDB_SQL_DROP_CASCADE, command_drop_notice, context, err))
            return false;
        rdb_catalog_invalidate(context->access, RDB_PG_CLASS, relation->oid);
    }
    return true;
}

/* DROP INDEX CONCURRENTLY. *handled false: nobody else uses the index, and it is dropped as any. */
static bool drop_concurrently(rdb_command_context *context, const rdb_ast_drop *statement, bool *handled, rdb_error *err)
{
    const rdb_relation *index = NULL, *table = NULL;
    uint32_t oid = 0;
    *handled = true;
    if (statement->objects.count != 1)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "DROP INDEX CONCURRENTLY does not support dropping multiple objects");
    if (statement->behavior == RDB_SQL_DROP_CASCADE)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "DROP INDEX CONCURRENTLY does not support CASCADE");
    if (!context->is_top_level)
        return rdb_error_set(err, RDB_ACTIVE_SQL_TRANSACTION, "DROP INDEX CONCURRENTLY cannot run inside a transaction block");
    if (!find_relation(context, statement, statement->objects.items[0], &oid, err) || oid == 0)
        return !rdb_error_is_set(err);
    if (!rdb_relation_get(context->access, oid, &index, err) || index == NULL)
        return !rdb_error_is_set(err);
    if (index->kind == 'I')
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot drop partitioned index \"%s\" concurrently", index->name);
    if (!rdb_relation_get(context->access, index->index_of, &table, err) || table == NULL)
        return !rdb_error_is_set(err);
    *handled = table->persistence != 't';
    return !*handled || command_drop_index_live(context, table->oid, oid, err);
}

bool command_drop(rdb_command_context *context, const rdb_ast_drop *statement, rdb_error *err)
{
    uint32_t count = 0;
    if (statement->is_concurrent) {
        bool handled;
        if (!drop_concurrently(context, statement, &handled, err) || handled)
            return !rdb_error_is_set(err);
    }
    if (statement->object_type == RDB_SQL_OBJECT_POLICY || statement->object_type == RDB_SQL_OBJECT_RULE)
        return drop_table_parts(context, statement, err);
    rdb_object_address *objects = RDB_NEW_ARRAY(context->arena, rdb_object_address, statement->objects.count + 1);
    for (uint32_t i = 0; i < statement->objects.count; i++) {
        const rdb_ast_node *object = statement->objects.items[i];
        uint32_t oid = 0;
        const char *schema, *name;
        switch (statement->object_type) {
        case RDB_SQL_OBJECT_TABLE:
        case RDB_SQL_OBJECT_INDEX:
        case RDB_SQL_OBJECT_VIEW:
        case RDB_SQL_OBJECT_SEQUENCE:
        case RDB_SQL_OBJECT_MATVIEW:
        case RDB_SQL_OBJECT_FOREIGN_TABLE:
            if (!find_relation(context, statement, object, &oid, err))
                return false;
            if (oid != 0)
                objects[count++] = (rdb_object_address){RDB_PG_CLASS, oid, 0};
            break;
        case RDB_SQL_OBJECT_SCHEMA:
            name_parts(object, &schema, &name);
            if (!rdb_namespace_find(context->access, name, &oid, err))
                return false;
            if (oid == 0 && !statement->missing_ok)
                return rdb_error_set(err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", name);
            if (oid == 0)
                command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "schema \"%s\" does not exist, skipping", name);
            else
                objects[count++] = (rdb_object_address){RDB_PG_NAMESPACE, oid, 0};
            break;
        case RDB_SQL_OBJECT_TYPE:
        case RDB_SQL_OBJECT_DOMAIN:
            if (!find_type(context, statement, object, &oid, err))
                return false;
            if (oid != 0)
                objects[count++] = (rdb_object_address){RDB_PG_TYPE, oid, 0};
            break;
        case RDB_SQL_OBJECT_FUNCTION:
        case RDB_SQL_OBJECT_PROCEDURE:
        case RDB_SQL_OBJECT_ROUTINE: {
            const rdb_function *function = NULL;
            if (!command_find_routine(context, (const rdb_ast_signature *)object, statement->object_type, statement->missing_ok, &function, err) ||
                (function != NULL && !command_check_function_owner(context, function, err)))
                return false;
            if (function != NULL && function->kind == 'a' && statement->object_type == RDB_SQL_OBJECT_FUNCTION) {
                rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is an aggregate function", function->name);
                return rdb_error_hint(err, "Use DROP AGGREGATE to drop aggregate functions.");
            }
            if (function != NULL)
                objects[count++] = (rdb_object_address){RDB_PG_PROC, function->oid, 0};
            break;
        }
        default: {
            command_object found;
            if (!command_find_object(context, statement->object_type, NULL, object, NULL, statement->missing_ok, &found, err))
                return false;
            if (found.address.object_oid == 0)
                break;
            if (!command_check_object_owner(context, &found, err))
                return false;
            objects[count++] = found.address;
            break;
        }
        }
    }
    return count == 0 || rdb_ddl_drop(context->access, objects, count, statement->behavior == RDB_SQL_DROP_CASCADE, command_drop_notice, context, err);
}

/* ---- TRUNCATE and LOCK --------------------------------------------------------------------------------------------------------- */
static bool is_listed(const rdb_list *relations, uint32_t oid)
{
    for (uint32_t i = 0; i < relations->count; i++)
        if (((const rdb_relation *)relations->items[i])->oid == oid)
            return true;
    return false;
}

/* The sequences that the table's columns own begin anew. */
static bool restart_identities(rdb_command_context *context, const rdb_relation *relation, rdb_error *err)
{
    for (uint16_t i = 0; i < relation->column_count; i++) {
        uint32_t oid = 0;
        if (!rdb_sequence_of_column(context->access, relation->oid, (int16_t)(i + 1), &oid, err))
            return false;
        if (oid != 0 && (!command_lock(context, oid, RDB_LOCK_ACCESS_EXCLUSIVE, err) || !rdb_ddl_restart_sequence(context->access, oid, NULL, err)))
            return false;
    }
    return true;
}

bool command_truncate(rdb_command_context *context, const rdb_ast_truncate *statement, rdb_error *err)
{
    rdb_list relations = {0};
    for (uint32_t i = 0; i < statement->tables.count; i++) {
        const rdb_relation *relation = NULL;
        if (!command_open_table(context, statement->tables.items[i], RDB_LOCK_ACCESS_EXCLUSIVE, false, &relation, err))
            return false;
        const bool is_only = !((const rdb_ast_table *)statement->tables.items[i])->inherits;
        if (relation->kind != 'r' && relation->kind != 'p')
            return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a table", relation->name);
        if (relation->kind == 'p' && is_only) {
            rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot truncate only a partitioned table");
            return rdb_error_hint(err, "Do not specify the ONLY keyword, or use TRUNCATE ONLY on the partitions directly.");
        }
        if (relation->is_system)
            return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied: \"%s\" is a system catalog", relation->name);
        if (!rdb_acl_check_relation(context->access, relation, context->role->oid, RDB_ACL_TRUNCATE, NULL, NULL, NULL, err))
            return false;
        if (!is_listed(&relations, relation->oid))
            rdb_list_push(context->arena, &relations, (void *)relation);
        rdb_list below = {0};
        uint32_t *counts = NULL;
        if (!is_only && !command_descendants(context, relation, RDB_LOCK_ACCESS_EXCLUSIVE, &below, &counts, err))
            return false;
        for (uint32_t k = 0; k < below.count; k++)
            if (!is_listed(&relations, ((const rdb_relation *)below.items[k])->oid))
                rdb_list_push(context->arena, &relations, below.items[k]);
    }
    /* Tables that point here come along, or stand in the way. */
    for (uint32_t i = 0; i < relations.count; i++) {
        const rdb_relation *relation = relations.items[i], *referrer = NULL;
        for (uint16_t k = 0; k < relation->referrer_count; k++) {
            uint32_t oid = relation->referrers[k].relation_oid;
            if (is_listed(&relations, oid))
                continue;
            if (!rdb_relation_get(context->access, oid, &referrer, err))
                return false;
            if (statement->behavior != RDB_SQL_DROP_CASCADE) {
                rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot truncate a table referenced in a foreign key constraint");
                rdb_error_detail(err, "Table \"%s\" references \"%s\".", referrer->name, relation->name);
                return rdb_error_hint(err, "Truncate table \"%s\" at the same time, or use TRUNCATE ... CASCADE.", referrer->name);
            }
            if (!command_lock(context, oid, RDB_LOCK_ACCESS_EXCLUSIVE, err) || !command_check_owner(context, referrer, err))
                return false;
            command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "truncate cascades to table \"%s\"", referrer->name);
            rdb_list_push(context->arena, &relations, (void *)referrer);
            rdb_list below = {0};
            uint32_t *counts = NULL;
            if (!command_descendants(context, referrer, RDB_LOCK_ACCESS_EXCLUSIVE, &below, &counts, err))
                return false;
            for (uint32_t m = 0; m < below.count; m++)
                if (!is_listed(&relations, ((const rdb_relation *)below.items[m])->oid))
                    rdb_list_push(context->arena, &relations, below.items[m]);
        }
    }
    for (uint32_t i = 0; i < relations.count; i++) {
        const rdb_relation *relation = relations.items[i];
        if (!rdb_ssi_write_relation(context->txn, relation->oid, err) || (relation->kind != 'p' && !rdb_ddl_new_files(context->access, relation->oid, true, err)) ||
            (statement->restart_identity && !restart_identities(context, relation, err)))
            return false;
    }
    return true;
}
