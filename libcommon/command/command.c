/* SPDX-License-Identifier: Apache-2.0
 * One table of statements: which of them this room runs, under which command tag, and whether a read-only transaction may. */
#include "command/command_int.h"

typedef bool (*run_statement)(rdb_command_context *context, rdb_ast_node *statement, rdb_error *err);

/* Adapters give every statement function one type. */
#define ADAPTER(function, type)                                                                        \
    static bool run_##function(rdb_command_context *context, rdb_ast_node *statement, rdb_error *err)  \
    {                                                                                                  \
        return command_##function(context, (type *)statement, err);                                    \
    }
ADAPTER(copy, rdb_ast_copy)
ADAPTER(explain, rdb_ast_explain)
ADAPTER(vacuum, rdb_ast_vacuum)
ADAPTER(create_table, rdb_ast_create_table)
ADAPTER(alter_table, rdb_ast_alter_table)
ADAPTER(create_role, rdb_ast_create_role)
ADAPTER(alter_role, rdb_ast_alter_role)
ADAPTER(drop_role, rdb_ast_drop_role)
ADAPTER(rename, rdb_ast_rename)
ADAPTER(set_schema, rdb_ast_set_schema)
ADAPTER(set_owner, rdb_ast_set_owner)
ADAPTER(comment, rdb_ast_comment)
ADAPTER(create_function, rdb_ast_create_function)
ADAPTER(call, rdb_ast_call_procedure)
ADAPTER(grant, rdb_ast_grant)
ADAPTER(grant_role, rdb_ast_grant_role)
ADAPTER(default_privileges, rdb_ast_default_privileges)
ADAPTER(drop_owned, rdb_ast_drop_owned)
ADAPTER(reassign_owned, rdb_ast_reassign_owned)
ADAPTER(create_policy, rdb_ast_create_policy)
ADAPTER(alter_policy, rdb_ast_alter_policy)
ADAPTER(create_rule, rdb_ast_create_rule)
ADAPTER(alter_database, rdb_ast_alter_database)
ADAPTER(alter_function, rdb_ast_alter_function)
ADAPTER(create_enum, rdb_ast_create_enum)
ADAPTER(create_composite, rdb_ast_create_composite)
ADAPTER(create_index, rdb_ast_create_index)
ADAPTER(create_sequence, rdb_ast_create_sequence)
ADAPTER(create_view, rdb_ast_create_view)
ADAPTER(alter_sequence, rdb_ast_alter_sequence)
ADAPTER(create_schema, rdb_ast_create_schema)
ADAPTER(drop, rdb_ast_drop)
ADAPTER(truncate, rdb_ast_truncate)
ADAPTER(lock_table, rdb_ast_lock)
ADAPTER(create_database, rdb_ast_create_database)
ADAPTER(drop_database, rdb_ast_drop_database)
ADAPTER(create_table_as, rdb_ast_create_table_as)
ADAPTER(refresh, rdb_ast_refresh)
ADAPTER(create_domain, rdb_ast_create_domain)
ADAPTER(alter_domain, rdb_ast_alter_domain)
ADAPTER(set_constraints, rdb_ast_set_constraints)
ADAPTER(create_statistics, rdb_ast_create_statistics)
ADAPTER(alter_statistics, rdb_ast_alter_statistics)
ADAPTER(reindex, rdb_ast_reindex)
ADAPTER(cluster, rdb_ast_cluster)
ADAPTER(alter_enum, rdb_ast_alter_enum)
ADAPTER(create_range, rdb_ast_create_range)
ADAPTER(create_extension, rdb_ast_create_extension)
ADAPTER(alter_extension, rdb_ast_alter_extension)
ADAPTER(define, rdb_ast_define)
ADAPTER(alter_text_dictionary, rdb_ast_alter_text_dictionary)
ADAPTER(alter_text_config, rdb_ast_alter_text_config)
ADAPTER(create_cast, rdb_ast_create_cast)
ADAPTER(alter_operator, rdb_ast_alter_operator)
ADAPTER(create_opclass, rdb_ast_create_opclass)
ADAPTER(create_opfamily, rdb_ast_create_opfamily)
ADAPTER(alter_opfamily, rdb_ast_alter_opfamily)
ADAPTER(alter_collation, rdb_ast_alter_collation)
#undef ADAPTER

static bool run_checkpoint(rdb_command_context *context, rdb_ast_node *statement, rdb_error *err)
{
    (void)statement;
    if (!context->role->is_superuser)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be superuser or have privileges of pg_checkpoint to do CHECKPOINT");
    return context->checkpoint(context->session, err);
}

typedef struct statement_kind {
    const char *tag;
    run_statement run; /* NULL: the session's own, or not built yet */
    bool is_read_only;
} statement_kind;

static const statement_kind KINDS[RDB_AST_TAG_COUNT] = {
    [RDB_AST_SELECT] = {"SELECT", NULL, true},
    [RDB_AST_INSERT] = {"INSERT", NULL, false},
    [RDB_AST_UPDATE] = {"UPDATE", NULL, false},
    [RDB_AST_DELETE] = {"DELETE", NULL, false},
    [RDB_AST_MERGE] = {"MERGE", NULL, false},
    [RDB_AST_COPY] = {"COPY", run_copy, true},
    [RDB_AST_CREATE_TABLE] = {"CREATE TABLE", run_create_table, false},
    [RDB_AST_CREATE_TABLE_AS] = {"CREATE TABLE AS", run_create_table_as, false},
    [RDB_AST_ALTER_TABLE] = {"ALTER TABLE", run_alter_table, false},
    [RDB_AST_CREATE_INDEX] = {"CREATE INDEX", run_create_index, false},
    [RDB_AST_CREATE_VIEW] = {"CREATE VIEW", run_create_view, false},
    [RDB_AST_REFRESH] = {"REFRESH MATERIALIZED VIEW", run_refresh, false},
    [RDB_AST_CREATE_SEQUENCE] = {"CREATE SEQUENCE", run_create_sequence, false},
    [RDB_AST_ALTER_SEQUENCE] = {"ALTER SEQUENCE", run_alter_sequence, false},
    [RDB_AST_CREATE_STATISTICS] = {"CREATE STATISTICS", run_create_statistics, false},
    [RDB_AST_ALTER_STATISTICS] = {"ALTER STATISTICS", run_alter_statistics, false},
    [RDB_AST_TRUNCATE] = {"TRUNCATE TABLE", run_truncate, false},
    [RDB_AST_CREATE_POLICY] = {"CREATE POLICY", run_create_policy, false},
    [RDB_AST_ALTER_POLICY] = {"ALTER POLICY", run_alter_policy, false},
    [RDB_AST_CREATE_RULE] = {"CREATE RULE", run_create_rule, false},
    [RDB_AST_CREATE_TRIGGER] = {"CREATE TRIGGER", NULL, false},
    [RDB_AST_CREATE_SCHEMA] = {"CREATE SCHEMA", run_create_schema, false},
    [RDB_AST_CREATE_DATABASE] = {"CREATE DATABASE", run_create_database, false},
    [RDB_AST_ALTER_DATABASE] = {"ALTER DATABASE", run_alter_database, false},
    [RDB_AST_ALTER_DATABASE_SET] = {"ALTER DATABASE", NULL, false},
    [RDB_AST_DROP_DATABASE] = {"DROP DATABASE", run_drop_database, false},
    [RDB_AST_CREATE_ENUM] = {"CREATE TYPE", run_create_enum, false},
    [RDB_AST_ALTER_ENUM] = {"ALTER TYPE", run_alter_enum, false},
    [RDB_AST_CREATE_COMPOSITE] = {"CREATE TYPE", run_create_composite, false},
    [RDB_AST_CREATE_RANGE] = {"CREATE TYPE", run_create_range, false},
    [RDB_AST_ALTER_TYPE] = {"ALTER TYPE", NULL, false},
    [RDB_AST_CREATE_DOMAIN] = {"CREATE DOMAIN", run_create_domain, false},
    [RDB_AST_ALTER_DOMAIN] = {"ALTER DOMAIN", run_alter_domain, false},
    [RDB_AST_CREATE_FUNCTION] = {"CREATE FUNCTION", run_create_function, false},
    [RDB_AST_ALTER_FUNCTION] = {"ALTER FUNCTION", run_alter_function, false},
    [RDB_AST_DO] = {"DO", NULL, true},
    [RDB_AST_CALL_PROCEDURE] = {"CALL", run_call, true},
    [RDB_AST_DEFINE] = {"CREATE", run_define, false},
    [RDB_AST_ALTER_TEXT_DICTIONARY] = {"ALTER TEXT SEARCH DICTIONARY", run_alter_text_dictionary, false},
    [RDB_AST_ALTER_TEXT_CONFIG] = {"ALTER TEXT SEARCH CONFIGURATION", run_alter_text_config, false},
    [RDB_AST_CREATE_CAST] = {"CREATE CAST", run_create_cast, false},
    [RDB_AST_ALTER_OPERATOR] = {"ALTER OPERATOR", run_alter_operator, false},
    [RDB_AST_CREATE_OPCLASS] = {"CREATE OPERATOR CLASS", run_create_opclass, false},
    [RDB_AST_CREATE_OPFAMILY] = {"CREATE OPERATOR FAMILY", run_create_opfamily, false},
    [RDB_AST_ALTER_OPFAMILY] = {"ALTER OPERATOR FAMILY", run_alter_opfamily, false},
    [RDB_AST_ALTER_COLLATION] = {"ALTER COLLATION", run_alter_collation, false},
    [RDB_AST_CREATE_CONVERSION] = {"CREATE CONVERSION", NULL, false},
    [RDB_AST_CREATE_EXTENSION] = {"CREATE EXTENSION", run_create_extension, false},
    [RDB_AST_ALTER_EXTENSION] = {"ALTER EXTENSION", run_alter_extension, false},
    [RDB_AST_CREATE_LANGUAGE] = {"CREATE LANGUAGE", NULL, false},
    [RDB_AST_DROP] = {"DROP", run_drop, false},
    [RDB_AST_COMMENT] = {"COMMENT", run_comment, false},
    [RDB_AST_RENAME] = {"ALTER TABLE", run_rename, false},
    [RDB_AST_SET_SCHEMA] = {"ALTER TABLE", run_set_schema, false},
    [RDB_AST_SET_OWNER] = {"ALTER TABLE", run_set_owner, false},
    [RDB_AST_CREATE_PUBLICATION] = {"CREATE PUBLICATION", NULL, false},
    [RDB_AST_ALTER_PUBLICATION] = {"ALTER PUBLICATION", NULL, false},
    [RDB_AST_CREATE_SUBSCRIPTION] = {"CREATE SUBSCRIPTION", NULL, false},
    [RDB_AST_ALTER_SUBSCRIPTION] = {"ALTER SUBSCRIPTION", NULL, false},
    [RDB_AST_DROP_SUBSCRIPTION] = {"DROP SUBSCRIPTION", NULL, false},
    [RDB_AST_CREATE_ROLE] = {"CREATE ROLE", run_create_role, false},
    [RDB_AST_ALTER_ROLE] = {"ALTER ROLE", run_alter_role, false},
    [RDB_AST_ALTER_ROLE_SET] = {"ALTER ROLE", NULL, false},
    [RDB_AST_DROP_ROLE] = {"DROP ROLE", run_drop_role, false},
    [RDB_AST_GRANT] = {"GRANT", run_grant, false},
    [RDB_AST_GRANT_ROLE] = {"GRANT ROLE", run_grant_role, false},
    [RDB_AST_DEFAULT_PRIVILEGES] = {"ALTER DEFAULT PRIVILEGES", run_default_privileges, false},
    [RDB_AST_DROP_OWNED] = {"DROP OWNED", run_drop_owned, false},
    [RDB_AST_REASSIGN_OWNED] = {"REASSIGN OWNED", run_reassign_owned, false},
    [RDB_AST_SET] = {"SET", NULL, true},
    [RDB_AST_SHOW] = {"SHOW", NULL, true},
    [RDB_AST_ALTER_SYSTEM] = {"ALTER SYSTEM", NULL, true},
    [RDB_AST_TRANSACTION] = {"BEGIN", NULL, true},
    [RDB_AST_SET_CONSTRAINTS] = {"SET CONSTRAINTS", run_set_constraints, true},
    [RDB_AST_LOCK] = {"LOCK TABLE", run_lock_table, true},
    [RDB_AST_VACUUM] = {"VACUUM", run_vacuum, true},
    [RDB_AST_CLUSTER] = {"CLUSTER", run_cluster, true},
    [RDB_AST_REINDEX] = {"REINDEX", run_reindex, true},
    [RDB_AST_CHECKPOINT] = {"CHECKPOINT", run_checkpoint, true},
    [RDB_AST_EXPLAIN] = {"EXPLAIN", run_explain, true},
    [RDB_AST_PREPARE] = {"PREPARE", NULL, true},
    [RDB_AST_EXECUTE] = {"EXECUTE", NULL, true},
    [RDB_AST_DEALLOCATE] = {"DEALLOCATE", NULL, true},
    [RDB_AST_DECLARE] = {"DECLARE CURSOR", NULL, true},
    [RDB_AST_FETCH] = {"FETCH", NULL, true},
    [RDB_AST_CLOSE] = {"CLOSE CURSOR", NULL, true},
    [RDB_AST_LISTEN] = {"LISTEN", NULL, true},
    [RDB_AST_NOTIFY] = {"NOTIFY", NULL, true},
    [RDB_AST_UNLISTEN] = {"UNLISTEN", NULL, true},
    [RDB_AST_DISCARD] = {"DISCARD", NULL, true},
};

bool rdb_command_handles(const rdb_ast_node *statement)
{
    return KINDS[statement->tag].run != NULL;
}

bool rdb_command_is_read_only(const rdb_ast_node *statement)
{
    return KINDS[statement->tag].is_read_only;
}

/* Tags of what is done to objects of a kind. */
#define KIND(type, words) [type] = {"ALTER " words, "DROP " words}
static const struct { const char *alter, *drop; } OBJECT_TAGS[] = {
    KIND(RDB_SQL_OBJECT_ACCESS_METHOD, "ACCESS METHOD"),
    KIND(RDB_SQL_OBJECT_AGGREGATE, "AGGREGATE"),
    KIND(RDB_SQL_OBJECT_CAST, "CAST"),
    KIND(RDB_SQL_OBJECT_COLLATION, "COLLATION"),
    KIND(RDB_SQL_OBJECT_CONVERSION, "CONVERSION"),
    KIND(RDB_SQL_OBJECT_DATABASE, "DATABASE"),
    KIND(RDB_SQL_OBJECT_DOMAIN, "DOMAIN"),
    KIND(RDB_SQL_OBJECT_DOMCONSTRAINT, "DOMAIN"),
    KIND(RDB_SQL_OBJECT_EVENT_TRIGGER, "EVENT TRIGGER"),
    KIND(RDB_SQL_OBJECT_EXTENSION, "EXTENSION"),
    KIND(RDB_SQL_OBJECT_FDW, "FOREIGN DATA WRAPPER"),
    KIND(RDB_SQL_OBJECT_FOREIGN_SERVER, "SERVER"),
    KIND(RDB_SQL_OBJECT_FOREIGN_TABLE, "FOREIGN TABLE"),
    KIND(RDB_SQL_OBJECT_FUNCTION, "FUNCTION"),
    KIND(RDB_SQL_OBJECT_INDEX, "INDEX"),
    KIND(RDB_SQL_OBJECT_LANGUAGE, "LANGUAGE"),
    KIND(RDB_SQL_OBJECT_LARGEOBJECT, "LARGE OBJECT"),
    KIND(RDB_SQL_OBJECT_MATVIEW, "MATERIALIZED VIEW"),
    KIND(RDB_SQL_OBJECT_OPCLASS, "OPERATOR CLASS"),
    KIND(RDB_SQL_OBJECT_OPERATOR, "OPERATOR"),
    KIND(RDB_SQL_OBJECT_OPFAMILY, "OPERATOR FAMILY"),
    KIND(RDB_SQL_OBJECT_POLICY, "POLICY"),
    KIND(RDB_SQL_OBJECT_PROCEDURE, "PROCEDURE"),
    KIND(RDB_SQL_OBJECT_PUBLICATION, "PUBLICATION"),
    KIND(RDB_SQL_OBJECT_ROLE, "ROLE"),
    KIND(RDB_SQL_OBJECT_ROUTINE, "ROUTINE"),
    KIND(RDB_SQL_OBJECT_RULE, "RULE"),
    KIND(RDB_SQL_OBJECT_SCHEMA, "SCHEMA"),
    KIND(RDB_SQL_OBJECT_SEQUENCE, "SEQUENCE"),
    KIND(RDB_SQL_OBJECT_STATISTIC_EXT, "STATISTICS"),
    KIND(RDB_SQL_OBJECT_SUBSCRIPTION, "SUBSCRIPTION"),
    KIND(RDB_SQL_OBJECT_TABLE, "TABLE"),
    KIND(RDB_SQL_OBJECT_TABCONSTRAINT, "TABLE"),
    KIND(RDB_SQL_OBJECT_TABLESPACE, "TABLESPACE"),
    KIND(RDB_SQL_OBJECT_TRANSFORM, "TRANSFORM"),
    KIND(RDB_SQL_OBJECT_TRIGGER, "TRIGGER"),
    KIND(RDB_SQL_OBJECT_TSCONFIGURATION, "TEXT SEARCH CONFIGURATION"),
    KIND(RDB_SQL_OBJECT_TSDICTIONARY, "TEXT SEARCH DICTIONARY"),
    KIND(RDB_SQL_OBJECT_TSPARSER, "TEXT SEARCH PARSER"),
    KIND(RDB_SQL_OBJECT_TSTEMPLATE, "TEXT SEARCH TEMPLATE"),
    KIND(RDB_SQL_OBJECT_TYPE, "TYPE"),
    KIND(RDB_SQL_OBJECT_ATTRIBUTE, "TYPE"),
    KIND(RDB_SQL_OBJECT_VIEW, "VIEW"),
};
#undef KIND

static const char *drop_tag(const rdb_ast_drop *statement)
{
    const char *tag = (size_t)statement->object_type < RDB_COUNT_OF(OBJECT_TAGS) ? OBJECT_TAGS[statement->object_type].drop : NULL;
    return tag != NULL ? tag : "DROP";
}

static const char *alter_tag(rdb_sql_object_type type)
{
    const char *tag = (size_t)type < RDB_COUNT_OF(OBJECT_TAGS) ? OBJECT_TAGS[type].alter : NULL;
    return tag != NULL ? tag : "ALTER TABLE";
}

static const char *define_tag(rdb_sql_object_type type)
{
    switch (type) {
    case RDB_SQL_OBJECT_AGGREGATE: return "CREATE AGGREGATE";
    case RDB_SQL_OBJECT_COLLATION: return "CREATE COLLATION";
    case RDB_SQL_OBJECT_OPERATOR: return "CREATE OPERATOR";
    case RDB_SQL_OBJECT_TSCONFIGURATION: return "CREATE TEXT SEARCH CONFIGURATION";
    case RDB_SQL_OBJECT_TSDICTIONARY: return "CREATE TEXT SEARCH DICTIONARY";
    case RDB_SQL_OBJECT_TSPARSER: return "CREATE TEXT SEARCH PARSER";
    case RDB_SQL_OBJECT_TSTEMPLATE: return "CREATE TEXT SEARCH TEMPLATE";
    case RDB_SQL_OBJECT_TYPE: return "CREATE TYPE";
    default: return "CREATE";
    }
}

/* A column's renaming alters the relation that it is of. */
static rdb_sql_object_type renamed_type(const rdb_ast_rename *statement)
{
    return statement->object_type == RDB_SQL_OBJECT_COLUMN ? statement->relation_type : statement->object_type;
}

const char *rdb_command_tag(const rdb_ast_node *statement)
{
    if (statement->tag == RDB_AST_ALTER_TABLE)
        return alter_tag(((const rdb_ast_alter_table *)statement)->object_type);
    if (statement->tag == RDB_AST_RENAME)
        return alter_tag(renamed_type((const rdb_ast_rename *)statement));
    if (statement->tag == RDB_AST_SET_SCHEMA)
        return alter_tag(((const rdb_ast_set_schema *)statement)->object_type);
    if (statement->tag == RDB_AST_SET_OWNER)
        return alter_tag(((const rdb_ast_set_owner *)statement)->object_type);
    if (statement->tag == RDB_AST_DEFINE)
        return define_tag(((const rdb_ast_define *)statement)->object_type);
    if (statement->tag == RDB_AST_DROP)
        return drop_tag((const rdb_ast_drop *)statement);
    if (statement->tag == RDB_AST_VACUUM && !((const rdb_ast_vacuum *)statement)->is_vacuum)
        return "ANALYZE";
    const char *tag = KINDS[statement->tag].tag;
    return tag != NULL ? tag : rdb_ast_tag_name(statement->tag);
}

bool rdb_command_describe(rdb_command_context *context, rdb_ast_node *statement, const rdb_result_column **columns, uint32_t *count, rdb_error *err)
{
    *columns = NULL;
    *count = 0;
    if (statement->tag == RDB_AST_CALL_PROCEDURE)
        return command_call_columns(context, (const rdb_ast_call_procedure *)statement, columns, count, err);
    return statement->tag != RDB_AST_EXPLAIN || command_explain_columns(context, (const rdb_ast_explain *)statement, columns, count, err);
}

bool rdb_command_run(rdb_command_context *context, rdb_ast_node *statement, rdb_error *err)
{
    snprintf(context->tag, sizeof context->tag, "%s", rdb_command_tag(statement));
    if (KINDS[statement->tag].run == NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "%s is not supported yet", context->tag);
    return KINDS[statement->tag].run(context, statement, err);
}
