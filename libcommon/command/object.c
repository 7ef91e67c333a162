/* SPDX-License-Identifier: Apache-2.0
 * Objects of any kind by the name that a statement gives them: what COMMENT, DROP, RENAME, SET SCHEMA and OWNER TO begin with. Relations
 * and their columns, types and routines have ways of their own and come here only to be passed on. */
#include "catalog/rdb_acl.h"
#include "catalog/rdb_large_object.h"
#include "command/command_int.h"

enum {
    PG_CONVERSION = 2607, PG_LANGUAGE = 2612, PG_STATISTIC_EXT = 3381, PG_EXTENSION = 3079, PG_EVENT_TRIGGER = 3466, PG_WRAPPER = 2328, PG_SERVER = 1417,
    PG_PUBLICATION = 6104, PG_SUBSCRIPTION = 6100, PG_TS_PARSER = 3601, PG_TS_DICT = 3600, PG_TS_TEMPLATE = 3764, PG_TS_CONFIG = 3602,
    PG_OPFAMILY = 2753, PG_TRANSFORM = 3576
};

/* What has a row with a name: in a schema, of a relation, or in the database alone. */
typedef struct named_kind {
    rdb_sql_object_type type;
    uint32_t catalog_oid;
    int oid, name, schema, owner, relation, method; /* columns; 0: it has none */
    const char *word, *owned_word;                  /* owned_word NULL: the same */
} named_kind;

static const named_kind KINDS[] = {
    {RDB_SQL_OBJECT_ACCESS_METHOD, RDB_PG_AM, RDB_pg_am_oid, RDB_pg_am_amname, 0, 0, 0, 0, "access method", NULL},
    {RDB_SQL_OBJECT_COLLATION, RDB_PG_COLLATION, RDB_pg_collation_oid, RDB_pg_collation_collname, RDB_pg_collation_collnamespace, RDB_pg_collation_collowner, 0, 0, "collation", NULL},
    {RDB_SQL_OBJECT_CONVERSION, PG_CONVERSION, RDB_pg_conversion_oid, RDB_pg_conversion_conname, RDB_pg_conversion_connamespace, RDB_pg_conversion_conowner, 0, 0, "conversion", NULL},
    {RDB_SQL_OBJECT_STATISTIC_EXT, PG_STATISTIC_EXT, RDB_pg_statistic_ext_oid, RDB_pg_statistic_ext_stxname, RDB_pg_statistic_ext_stxnamespace, RDB_pg_statistic_ext_stxowner, 0, 0, "statistics object", NULL},
    {RDB_SQL_OBJECT_TSPARSER, PG_TS_PARSER, RDB_pg_ts_parser_oid, RDB_pg_ts_parser_prsname, RDB_pg_ts_parser_prsnamespace, 0, 0, 0, "text search parser", NULL},
    {RDB_SQL_OBJECT_TSDICTIONARY, PG_TS_DICT, RDB_pg_ts_dict_oid, RDB_pg_ts_dict_dictname, RDB_pg_ts_dict_dictnamespace, RDB_pg_ts_dict_dictowner, 0, 0, "text search dictionary", NULL},
    {RDB_SQL_OBJECT_TSTEMPLATE, PG_TS_TEMPLATE, RDB_pg_ts_template_oid, RDB_pg_ts_template_tmplname, RDB_pg_ts_template_tmplnamespace, 0, 0, 0, "text search template", NULL},
    {RDB_SQL_OBJECT_TSCONFIGURATION, PG_TS_CONFIG, RDB_pg_ts_config_oid, RDB_pg_ts_config_cfgname, RDB_pg_ts_config_cfgnamespace, RDB_pg_ts_config_cfgowner, 0, 0, "text search configuration", NULL},
    {RDB_SQL_OBJECT_OPCLASS, RDB_PG_OPCLASS, RDB_pg_opclass_oid, RDB_pg_opclass_opcname, RDB_pg_opclass_opcnamespace, RDB_pg_opclass_opcowner, 0, RDB_pg_opclass_opcmethod, "operator class", NULL},
    {RDB_SQL_OBJECT_OPFAMILY, PG_OPFAMILY, RDB_pg_opfamily_oid, RDB_pg_opfamily_opfname, RDB_pg_opfamily_opfnamespace, RDB_pg_opfamily_opfowner, 0, RDB_pg_opfamily_opfmethod, "operator family", NULL},
    {RDB_SQL_OBJECT_SCHEMA, RDB_PG_NAMESPACE, RDB_pg_namespace_oid, RDB_pg_namespace_nspname, 0, RDB_pg_namespace_nspowner, 0, 0, "schema", NULL},
    {RDB_SQL_OBJECT_EXTENSION, PG_EXTENSION, RDB_pg_extension_oid, RDB_pg_extension_extname, 0, RDB_pg_extension_extowner, 0, 0, "extension", NULL},
    {RDB_SQL_OBJECT_LANGUAGE, PG_LANGUAGE, RDB_pg_language_oid, RDB_pg_language_lanname, 0, RDB_pg_language_lanowner, 0, 0, "language", NULL},
    {RDB_SQL_OBJECT_EVENT_TRIGGER, PG_EVENT_TRIGGER, RDB_pg_event_trigger_oid, RDB_pg_event_trigger_evtname, 0, RDB_pg_event_trigger_evtowner, 0, 0, "event trigger", NULL},
    {RDB_SQL_OBJECT_FDW, PG_WRAPPER, RDB_pg_foreign_data_wrapper_oid, RDB_pg_foreign_data_wrapper_fdwname, 0, RDB_pg_foreign_data_wrapper_fdwowner, 0, 0, "foreign-data wrapper", NULL},
    {RDB_SQL_OBJECT_FOREIGN_SERVER, PG_SERVER, RDB_pg_foreign_server_oid, RDB_pg_foreign_server_srvname, 0, RDB_pg_foreign_server_srvowner, 0, 0, "server", "foreign server"},
    {RDB_SQL_OBJECT_PUBLICATION, PG_PUBLICATION, RDB_pg_publication_oid, RDB_pg_publication_pubname, 0, RDB_pg_publication_pubowner, 0, 0, "publication", NULL},
    {RDB_SQL_OBJECT_SUBSCRIPTION, PG_SUBSCRIPTION, RDB_pg_subscription_oid, RDB_pg_subscription_subname, 0, RDB_pg_subscription_subowner, 0, 0, "subscription", NULL},
    {RDB_SQL_OBJECT_TABLESPACE, RDB_PG_TABLESPACE, RDB_pg_tablespace_oid, RDB_pg_tablespace_spcname, 0, RDB_pg_tablespace_spcowner, 0, 0, "tablespace", NULL},
    {RDB_SQL_OBJECT_DATABASE, RDB_PG_DATABASE, RDB_pg_database_oid, RDB_pg_database_datname, 0, RDB_pg_database_datdba, 0, 0, "database", NULL},
    {RDB_SQL_OBJECT_ROLE, RDB_PG_AUTHID, RDB_pg_authid_oid, RDB_pg_authid_rolname, 0, 0, 0, 0, "role", NULL},
    {RDB_SQL_OBJECT_POLICY, RDB_PG_POLICY, RDB_pg_policy_oid, RDB_pg_policy_polname, 0, 0, RDB_pg_policy_polrelid, 0, "policy", NULL},
    {RDB_SQL_OBJECT_RULE, RDB_PG_REWRITE, RDB_pg_rewrite_oid, RDB_pg_rewrite_rulename, 0, 0, RDB_pg_rewrite_ev_class, 0, "rule", NULL},
    {RDB_SQL_OBJECT_TRIGGER, RDB_PG_TRIGGER, RDB_pg_trigger_oid, RDB_pg_trigger_tgname, 0, 0, RDB_pg_trigger_tgrelid, 0, "trigger", NULL},
};

/* Found by more than a name, but changed like the rest. */
static const named_kind ROUTINES = {RDB_SQL_OBJECT_FUNCTION, RDB_PG_PROC, RDB_pg_proc_oid, RDB_pg_proc_proname, RDB_pg_proc_pronamespace, RDB_pg_proc_proowner, 0, 0, "function", NULL};
static const named_kind OPERATORS = {RDB_SQL_OBJECT_OPERATOR, RDB_PG_OPERATOR, RDB_pg_operator_oid, RDB_pg_operator_oprname, RDB_pg_operator_oprnamespace, RDB_pg_operator_oprowner, 0, 0, "operator", NULL};

static const named_kind *find_kind(rdb_sql_object_type type)
{
    for (size_t i = 0; i < RDB_COUNT_OF(KINDS); i++)
        if (KINDS[i].type == type)
            return &KINDS[i];
    return NULL;
}

/* ---- rows ------------------------------------------------------------------------------------------------------------------------ */
static bool is_text(const rdb_catalog_row *row, int column, const char *text)
{
    const rdb_bytes bytes = row->values[column - 1].bytes;
    return bytes.length == strlen(text) && memcmp(bytes.data, text, bytes.length) == 0;
}

/* The row with the name, in the schema, of the relation, for the method where it has such (0: do not ask). */
static bool find_row(rdb_command_context *context, const named_kind *kind, const char *name, uint32_t namespace_oid, uint32_t relation_oid, uint32_t method_oid,
                     command_object *object, rdb_error *err)
{
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true, ok;
    ok = rdb_catalog_scan_open(&scan, context->access, kind->catalog_oid, 0, NULL, 0, context->arena, err);
    while (ok && object->address.object_oid == 0 && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) {
        if (!is_text(&row, kind->name, name) || (kind->schema != 0 && row.values[kind->schema - 1].oid != namespace_oid) ||
            (kind->relation != 0 && row.values[kind->relation - 1].oid != relation_oid) || (kind->method != 0 && row.values[kind->method - 1].oid != method_oid))
            continue;
        object->address = (rdb_object_address){kind->catalog_oid, row.values[kind->oid - 1].oid, 0};
        object->owner_oid = kind->owner != 0 ? row.values[kind->owner - 1].oid : 0;
        object->namespace_oid = kind->schema != 0 ? namespace_oid : 0;
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

/* ---- names ----------------------------------------------------------------------------------------------------------------------- */
typedef struct object_name {
    const char *schema, *name;
    const char *whole; /* as it was written */
} object_name;

static const char *item_text(const rdb_ast_node *node)
{
    return node != NULL && (node->tag == RDB_AST_VALUE || node->tag == RDB_AST_CONST) ? ((const rdb_ast_value *)node)->text : "";
}

/* The parts of a list from its item first to before last, or a single text. */
static object_name read_name(rdb_command_context *context, const rdb_ast_node *node, uint32_t first, uint32_t behind)
{
    object_name name = {0};
    rdb_strbuf whole;
    rdb_strbuf_init(&whole, context->arena);
    if (node->tag != RDB_AST_LIST) {
        name.name = name.whole = item_text(node);
        return name;
    }
    const rdb_list *items = &((const rdb_ast_items *)node)->items;
    const uint32_t end = items->count - behind;
    for (uint32_t i = first; i < end; i++)
        rdb_strbuf_addf(&whole, "%s%s", i > first ? "." : "", item_text(items->items[i]));
    name.name = end > first ? item_text(items->items[end - 1]) : "";
    name.schema = end > first + 1 ? item_text(items->items[end - 2]) : NULL;
    name.whole = whole.data != NULL ? whole.data : "";
    return name;
}

static bool skip(rdb_command_context *context, const char *what)
{
    command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "%s, skipping", what);
    return true;
}

/* The schema that a name is written with; *missing: there is none of that name, and that was said. */
static bool find_schema(rdb_command_context *context, const char *schema, bool missing_ok, uint32_t *oid, bool *missing, rdb_error *err)
{
    *missing = false;
    if (!rdb_namespace_find(context->access, schema, oid, err))
        return false;
    if (*oid != 0)
        return true;
    *missing = true;
    const char *text = rdb_arena_printf(context->arena, "schema \"%s\" does not exist", schema);
    return missing_ok ? skip(context, text) : rdb_error_set(err, RDB_INVALID_SCHEMA_NAME, "%s", text);
}

static bool find_in_schemas(rdb_command_context *context, const named_kind *kind, const object_name *name, uint32_t method_oid, bool missing_ok, command_object *object,
                            bool *was_said, rdb_error *err)
{
    uint32_t count = 0, oid = 0;
    if (name->schema != NULL)
        return find_schema(context, name->schema, missing_ok, &oid, was_said, err) && (*was_said || find_row(context, kind, name->name, oid, 0, method_oid, object, err));
    const uint32_t *path = rdb_access_search_path(context->access, &count);
    for (uint32_t i = 0; i < count && object->address.object_oid == 0; i++)
        if (!find_row(context, kind, name->name, path[i], 0, method_oid, object, err))
            return false;
    return true;
}

/* ---- kinds with ways of their own ------------------------------------------------------------------------------------------------ */
/* Operator classes and families: the method's name first. */
static bool find_of_method(rdb_command_context *context, const named_kind *kind, const rdb_ast_node *node, bool missing_ok, command_object *object, rdb_error *err)
{
    const char *method_name = item_text(((const rdb_ast_items *)node)->items.items[0]);
    const object_name name = read_name(context, node, 1, 0);
    command_object method = {0};
    bool was_said = false;
    if (!find_row(context, find_kind(RDB_SQL_OBJECT_ACCESS_METHOD), method_name, 0, 0, 0, &method, err))
        return false;
    if (method.address.object_oid == 0)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "access method \"%s\" does not exist", method_name);
    if (!find_in_schemas(context, kind, &name, method.address.object_oid, missing_ok, object, &was_said, err))
        return false;
    object->name = name.name;
    object->method_name = method_name;
    if (object->address.object_oid != 0 || was_said)
        return true;
    const char *text = rdb_arena_printf(context->arena, "%s \"%s\" does not exist for access method \"%s\"", kind->word, name.whole, method_name);
    return missing_ok ? skip(context, text) : rdb_error_set(err, RDB_UNDEFINED_OBJECT, "%s", text);
}

/* Rules, triggers, policies: the relation's name, then theirs. */
static bool find_on_relation(rdb_command_context *context, const named_kind *kind, const rdb_ast_table *table, const char *name, bool missing_ok, command_object *object,
                             rdb_error *err)
{
    bool was_said = false;
    uint32_t schema_oid = 0;
    if (table->schema != NULL && !find_schema(context, table->schema, missing_ok, &schema_oid, &was_said, err))
        return false;
    if (was_said)
        return true;
    if (!command_open_table(context, table, RDB_LOCK_ACCESS_EXCLUSIVE, missing_ok, &object->relation, err))
        return false;
    if (object->relation == NULL)
        return skip(context, rdb_arena_printf(context->arena, "relation \"%s\" does not exist", command_table_name(context, table)));
    object->name = name;
    if (!find_row(context, kind, name, 0, object->relation->oid, 0, object, err) || object->address.object_oid != 0)
        return !rdb_error_is_set(err);
    if (missing_ok)
        return skip(context, rdb_arena_printf(context->arena, "%s \"%s\" for relation \"%s\" does not exist", kind->word, name, command_table_name(context, table)));
    return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "%s \"%s\" for %s \"%s\" does not exist", kind->word, name, kind->type == RDB_SQL_OBJECT_RULE ? "relation" : "table",
                         object->relation->name);
}

static bool resolve_type(rdb_command_context *context, rdb_ast_node *written, bool missing_ok, const rdb_type **type, rdb_error *err)
{
    rdb_analysis analysis;
    int32_t typmod;
    uint32_t collation;
    command_analysis(context, &analysis);
    analysis.text = NULL;
    if (rdb_type_resolve(&analysis, written, type, &typmod, &collation, err))
        return true;
    if (!missing_ok || !(rdb_error_is(err, RDB_UNDEFINED_OBJECT) || rdb_error_is(err, RDB_INVALID_SCHEMA_NAME)))
        return false;
    *type = NULL;
    skip(context, rdb_error_message(err));
    rdb_error_clear(err);
    return true;
}

static const char *shown(rdb_command_context *context, const rdb_type *type)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, context->arena);
    rdb_type_format_name(type, -1, false, &text);
    return text.data;
}

static bool find_cast(rdb_command_context *context, const rdb_ast_node *node, bool missing_ok, command_object *object, rdb_error *err)
{
    const rdb_list *items = &((const rdb_ast_items *)node)->items;
    const rdb_type *source = NULL, *target = NULL;
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true;
    if (!resolve_type(context, items->items[0], missing_ok, &source, err) || source == NULL || !resolve_type(context, items->items[1], missing_ok, &target, err) || target == NULL)
        return !rdb_error_is_set(err);
    bool ok = rdb_catalog_scan_open(&scan, context->access, RDB_PG_CAST, 0, NULL, 0, context->arena, err);
    while (ok && object->address.object_oid == 0 && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found)
        if (row.values[RDB_pg_cast_castsource - 1].oid == source->oid && row.values[RDB_pg_cast_casttarget - 1].oid == target->oid)
            object->address = (rdb_object_address){RDB_PG_CAST, row.values[RDB_pg_cast_oid - 1].oid, 0};
    rdb_catalog_scan_close(&scan);
    if (!ok || object->address.object_oid != 0)
        return ok;
    const char *text = rdb_arena_printf(context->arena, "cast from type %s to type %s does not exist", shown(context, source), shown(context, target));
    return missing_ok ? skip(context, text) : rdb_error_set(err, RDB_UNDEFINED_OBJECT, "%s", text);
}

static bool find_owner(rdb_command_context *context, uint32_t catalog_oid, int oid, int owner, command_object *object, rdb_error *err)
{
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true;
    bool ok = rdb_catalog_scan_open(&scan, context->access, catalog_oid, 0, NULL, 0, context->arena, err);
    while (ok && object->owner_oid == 0 && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found)
        if (row.values[oid - 1].oid == object->address.object_oid)
            object->owner_oid = row.values[owner - 1].oid;
    rdb_catalog_scan_close(&scan);
    return ok;
}

static bool find_operator(rdb_command_context *context, const rdb_ast_signature *signature, bool missing_ok, command_object *object, rdb_error *err)
{
    const char *schema = signature->name.count > 1 ? signature->name.items[signature->name.count - 2] : NULL;
    const char *name = signature->name.items[signature->name.count - 1];
    const rdb_operator_entry *const *entries = NULL;
    const rdb_type *sides[2] = {NULL, NULL};
    uint32_t count = 0, schema_oid = 0;
    bool was_said = false;
    if (schema != NULL && (!find_schema(context, schema, missing_ok, &schema_oid, &was_said, err) || was_said))
        return !rdb_error_is_set(err);
    if (signature->args.count == 2 && signature->args.items[1] == NULL && !missing_ok)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "postfix operators are not supported");
    for (uint32_t i = 0; i < 2 && i < signature->args.count; i++) {
        if (signature->args.items[i] != NULL && (!resolve_type(context, signature->args.items[i], missing_ok, &sides[i], err) || sides[i] == NULL))
            return !rdb_error_is_set(err);
    }
    if (!rdb_operator_find(context->access, schema, name, &entries, &count, err))
        return false;
    for (uint32_t i = 0; i < count && object->address.object_oid == 0; i++)
        if (entries[i]->left_type == (sides[0] != NULL ? sides[0]->oid : 0) && entries[i]->right_type == (sides[1] != NULL ? sides[1]->oid : 0)) {
            object->address = (rdb_object_address){RDB_PG_OPERATOR, entries[i]->oid, 0};
            object->namespace_oid = entries[i]->namespace_oid;
        }
    object->name = name;
    if (object->address.object_oid != 0)
        return find_owner(context, RDB_PG_OPERATOR, RDB_pg_operator_oid, RDB_pg_operator_oprowner, object, err);
    rdb_strbuf text;
    rdb_strbuf_init(&text, context->arena);
    if (missing_ok) {
        rdb_strbuf_addf(&text, "operator %s%s%s does not exist", schema != NULL ? schema : "", schema != NULL ? "." : "", name);
        return skip(context, text.data);
    }
    if (sides[0] != NULL)
        rdb_strbuf_addf(&text, "%s ", shown(context, sides[0]));
    rdb_strbuf_addf(&text, "%s%s%s", schema != NULL ? schema : "", schema != NULL ? "." : "", name);
    if (sides[1] != NULL)
        rdb_strbuf_addf(&text, " %s", shown(context, sides[1]));
    return rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "operator does not exist: %s", text.data);
}

static bool find_transform(rdb_command_context *context, const rdb_ast_node *node, bool missing_ok, rdb_error *err)
{
    const rdb_list *items = &((const rdb_ast_items *)node)->items;
    const rdb_type *type = NULL;
    command_object language = {0};
    const char *name = item_text(items->items[1]);
    if (!resolve_type(context, items->items[0], missing_ok, &type, err) || type == NULL)
        return !rdb_error_is_set(err);
    if (!find_row(context, find_kind(RDB_SQL_OBJECT_LANGUAGE), name, 0, 0, 0, &language, err))
        return false;
    if (language.address.object_oid == 0 && !missing_ok)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "language \"%s\" does not exist", name);
    const char *text = rdb_arena_printf(context->arena, "transform for type %s language \"%s\" does not exist", shown(context, type), name);
    return missing_ok ? skip(context, text) : rdb_error_set(err, RDB_UNDEFINED_OBJECT, "%s", text);
}

/* ---- any ------------------------------------------------------------------------------------------------------------------------- */
static bool find_named(rdb_command_context *context, const named_kind *kind, const rdb_ast_node *node, bool missing_ok, command_object *object, rdb_error *err)
{
    const object_name name = read_name(context, node, 0, 0);
    bool was_said = false;
    object->name = name.name;
    if (kind->schema != 0 ? !find_in_schemas(context, kind, &name, 0, missing_ok, object, &was_said, err) : !find_row(context, kind, name.name, 0, 0, 0, object, err))
        return false;
    if (object->address.object_oid != 0 || was_said)
        return true;
    if (missing_ok)
        return skip(context, rdb_arena_printf(context->arena, "%s \"%s\" does not exist", kind->word, name.whole));
    return rdb_error_set(err, kind->type == RDB_SQL_OBJECT_SCHEMA ? RDB_INVALID_SCHEMA_NAME : kind->type == RDB_SQL_OBJECT_DATABASE ? RDB_INVALID_CATALOG_NAME : RDB_UNDEFINED_OBJECT,
                         kind->type == RDB_SQL_OBJECT_COLLATION ? "%s \"%s\" for encoding \"UTF8\" does not exist" : "%s \"%s\" does not exist", kind->word, name.whole);
}

uint32_t command_large_object_oid(const rdb_ast_node *node)
{
    const rdb_ast_value *value = (const rdb_ast_value *)node; /* above two thousand million it is no integer to the grammar */
    return value->kind == RDB_SQL_VALUE_INTEGER ? (uint32_t)value->integer : (uint32_t)strtoul(value->text, NULL, 10);
}

bool command_find_object(rdb_command_context *context, rdb_sql_object_type type, const rdb_ast_table *table, const rdb_ast_node *node, const char *sub_name, bool missing_ok,
                         command_object *object, rdb_error *err)
{
    const named_kind *kind = find_kind(type);
    *object = (command_object){.type = type, .word = kind != NULL ? (kind->owned_word != NULL ? kind->owned_word : kind->word) : ""};
    if (kind != NULL && kind->relation != 0) {
        rdb_ast_table named = {.node = {RDB_AST_TABLE, -1}};
        if (table == NULL) {
            const object_name relation = read_name(context, node, 0, 1);
            const rdb_list *items = &((const rdb_ast_items *)node)->items;
            named.schema = relation.schema;
            named.name = relation.name;
            sub_name = item_text(items->items[items->count - 1]);
            table = &named;
        }
        return find_on_relation(context, kind, table, sub_name, missing_ok, object, err);
    }
    if (kind != NULL && kind->method != 0)
        return find_of_method(context, kind, node, missing_ok, object, err);
    if (kind != NULL)
        return find_named(context, kind, node, missing_ok, object, err);
    switch (type) {
    case RDB_SQL_OBJECT_LARGEOBJECT: {
        rdb_acl_object found_object;
        bool found = false;
        const uint32_t oid = command_large_object_oid(node);
        if (!rdb_acl_get_object(context->access, context->arena, 'L', oid, 0, &found_object, &found, err))
            return false;
        if (!found)
            return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "large object %u does not exist", oid);
        object->word = "large object";
        object->name = rdb_arena_strdup(context->arena, found_object.name);
        object->address = (rdb_object_address){RDB_PG_LARGEOBJECT, oid, 0};
        object->owner_oid = found_object.owner;
        return true;
    }
    case RDB_SQL_OBJECT_CAST:
        return find_cast(context, node, missing_ok, object, err);
    case RDB_SQL_OBJECT_OPERATOR:
        object->word = "operator";
        return find_operator(context, (const rdb_ast_signature *)node, missing_ok, object, err);
    case RDB_SQL_OBJECT_TRANSFORM:
        return find_transform(context, node, missing_ok, err);
    case RDB_SQL_OBJECT_FUNCTION:
    case RDB_SQL_OBJECT_PROCEDURE:
    case RDB_SQL_OBJECT_ROUTINE:
    case RDB_SQL_OBJECT_AGGREGATE: {
        const rdb_function *function = NULL;
        if (!command_find_routine(context, (const rdb_ast_signature *)node, type, missing_ok, &function, err))
            return false;
        object->word = type == RDB_SQL_OBJECT_PROCEDURE ? "procedure" : type == RDB_SQL_OBJECT_ROUTINE ? "routine" : type == RDB_SQL_OBJECT_AGGREGATE ? "aggregate" : "function";
        if (function == NULL)
            return true;
        object->address = (rdb_object_address){RDB_PG_PROC, function->oid, 0};
        object->owner_oid = function->owner_oid;
        object->namespace_oid = function->namespace_oid;
        object->name = function->name;
        object->function = function;
        return true;
    }
    default:
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "%s is not supported yet", context->tag);
    }
}

bool command_check_object_owner(rdb_command_context *context, const command_object *object, rdb_error *err)
{
    bool is_owner = false;
    if (context->role->is_superuser)
        return true;
    if (object->relation != NULL)
        return command_check_owner(context, object->relation, err);
    if (object->type == RDB_SQL_OBJECT_ROLE) {
        rdb_role role;
        bool found = false;
        if (!rdb_role_get(context->access, object->address.object_oid, &role, &found, err))
            return false;
        if (found && role.is_superuser)
            return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be superuser");
        return context->role->can_create_role || rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must have CREATEROLE privilege");
    }
    if (object->owner_oid == 0 && (object->type == RDB_SQL_OBJECT_TSPARSER || object->type == RDB_SQL_OBJECT_TSTEMPLATE))
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be superuser to rename %s", object->word);
    if (object->owner_oid != 0 && !rdb_acl_is_owner(context->access, context->role->oid, object->owner_oid, &is_owner, err))
        return false;
    return is_owner || rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be owner of %s %s", object->word, object->name != NULL ? object->name : "");
}

/* ---- RENAME and SET SCHEMA of what is one row ------------------------------------------------------------------------------------- */
static bool routine_is_free(rdb_command_context *context, const rdb_function *function, const char *name, uint32_t namespace_oid, rdb_error *err)
{
    uint32_t oid = 0;
    char schema[RDB_NAMEDATALEN];
    rdb_strbuf text;
    if (!rdb_function_find_exact(context->access, namespace_oid, name, function->argument_types, function->argument_count, &oid, err) || oid == 0)
        return !rdb_error_is_set(err);
    rdb_strbuf_init(&text, context->arena);
    for (uint16_t i = 0; i < function->argument_count; i++) {
        const rdb_type *type = NULL;
        if (!rdb_type_get(context->access, function->argument_types[i], &type, err))
            return false;
        rdb_strbuf_adds(&text, i > 0 ? ", " : "");
        if (type != NULL)
            rdb_type_format_name(type, -1, false, &text);
    }
    return rdb_namespace_get_name(context->access, namespace_oid, schema, err) &&
           rdb_error_set(err, RDB_DUPLICATE_FUNCTION, "function %s(%s) already exists in schema \"%s\"", name, text.data != NULL ? text.data : "", schema);
}

static bool name_taken(rdb_command_context *context, const named_kind *kind, const command_object *object, const char *name, uint32_t namespace_oid, uint32_t method_oid,
                       rdb_error *err)
{
    command_object other = {0};
    char schema[RDB_NAMEDATALEN];
    if (object->function != NULL)
        return routine_is_free(context, object->function, name, namespace_oid, err);
    if (kind == &OPERATORS)
        return true; /* only its schema changes, and there the index of names refuses a second one */
    if (!find_row(context, kind, name, namespace_oid, object->relation != NULL ? object->relation->oid : 0, method_oid, &other, err))
        return false;
    if (other.address.object_oid == 0)
        return true;
    if (kind->schema == 0) {
        if (object->relation != NULL)
            return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "%s \"%s\" for %s \"%s\" already exists", kind->word, name, kind->type == RDB_SQL_OBJECT_POLICY ? "table" : "relation",
                                 object->relation->name);
        return rdb_error_set(err, kind->type == RDB_SQL_OBJECT_SCHEMA ? RDB_DUPLICATE_SCHEMA : RDB_DUPLICATE_OBJECT, "%s \"%s\" already exists", kind->word, name);
    }
    if (!rdb_namespace_get_name(context->access, namespace_oid, schema, err))
        return false;
    if (kind->method != 0)
        return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "%s \"%s\" for access method \"%s\" already exists in schema \"%s\"", kind->word, name, object->method_name, schema);
    return rdb_error_set(err, RDB_DUPLICATE_OBJECT, kind->type == RDB_SQL_OBJECT_COLLATION ? "%s \"%s\" for encoding \"UTF8\" already exists in schema \"%s\""
                                                                                           : "%s \"%s\" already exists in schema \"%s\"",
                         kind->word, name, schema);
}

/* name NULL: only the schema changes; namespace_oid 0: only the name. */
bool command_change_object(rdb_command_context *context, const command_object *object, const char *name, uint32_t namespace_oid, rdb_error *err)
{
    const named_kind *kind = object->function != NULL ? &ROUTINES : object->type == RDB_SQL_OBJECT_OPERATOR ? &OPERATORS : find_kind(object->type);
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true, ok, done = false;
    if (kind == NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "%s is not supported yet", context->tag);
    if (object->address.object_oid < RDB_FIRST_NORMAL_OID && kind->schema != 0 && !context->role->is_superuser)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be owner of %s %s", object->word, object->name);
    ok = rdb_catalog_scan_open(&scan, context->access, kind->catalog_oid, 0, NULL, 0, context->arena, err);
    while (ok && !done && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) {
        if (row.values[kind->oid - 1].oid != object->address.object_oid)
            continue;
        done = true;
        const uint32_t target = namespace_oid != 0 ? namespace_oid : kind->schema != 0 ? row.values[kind->schema - 1].oid : 0;
        if (namespace_oid != 0 && kind->schema != 0 && namespace_oid == row.values[kind->schema - 1].oid)
            break;
        ok = name_taken(context, kind, object, name != NULL ? name : object->name, target, kind->method != 0 ? row.values[kind->method - 1].oid : 0, err);
        if (name != NULL)
            row.values[kind->name - 1].bytes = (rdb_bytes){(const uint8_t *)name, (uint32_t)strlen(name), 0};
        if (namespace_oid != 0)
            row.values[kind->schema - 1].oid = namespace_oid;
        ok = ok && rdb_catalog_update(context->access, kind->catalog_oid, &row, err);
        if (ok && namespace_oid != 0)
            ok = rdb_ddl_move_dependency(context->access, object->address, RDB_PG_NAMESPACE, object->namespace_oid, namespace_oid, err);
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

bool command_schema_for_objects(rdb_command_context *context, const char *schema, uint32_t *oid, rdb_error *err)
{
    if (!rdb_namespace_find(context->access, schema, oid, err))
        return false;
    if (*oid == 0)
        return rdb_error_set(err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", schema);
    if (strncmp(schema, "pg_temp", 7) == 0)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot move objects into or out of temporary schemas");
    return rdb_acl_check(context->access, 'n', *oid, context->role->oid, RDB_ACL_CREATE, err);
}
