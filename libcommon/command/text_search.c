/* SPDX-License-Identifier: Apache-2.0
 * CREATE and ALTER of text search's configurations, dictionaries, parsers and templates. A dictionary's options are tried when they
 * are written: what its template would refuse is refused here. */
#include "catalog/rdb_acl.h"
#include "command/definition.h"
#include "expr/text_config.h"
#include <stdlib.h>

enum {
    PG_TS_DICT = 3600, PG_TS_PARSER = 3601, PG_TS_CONFIG = 3602, PG_TS_CONFIG_MAP = 3603, PG_TS_TEMPLATE = 3764, REGCONFIG = 3734, REGDICTIONARY = 3769,
    INDEX_TS_CONFIG_OID = 3712, INDEX_TS_CONFIG_MAP = 3609, INDEX_TS_DICT_OID = 3605, 
    INDEX_TS_TEMPLATE_OID = 3767, INDEX_DEPEND_DEPENDER = 2673, COLUMNS_MAX = 12
};

/* ---- small things ------------------------------------------------------------------------------------------------------------------ */
/* The functions that find names and make dictionaries are kernels' own. */
typedef struct lookup {
    rdb_eval eval;
    rdb_call call;
} lookup;
static rdb_call *call_of(rdb_command_context *context, lookup *l, rdb_error *err)
{
    memset(l, 0, sizeof *l);
    l->eval.access = context->access;
    l->eval.txn = context->txn;
    l->eval.format = context->format;
    l->eval.session = context->session;
    l->call.arena = context->arena;
    l->call.err = err;
    l->call.format = context->format;
    l->call.session = &l->eval;
    return &l->call;
}

static rdb_slice joined(rdb_command_context *context, const char *const *names, uint32_t count)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, context->arena);
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            rdb_strbuf_addc(&text, '.');
        rdb_identifier_add(&text, names[i]);
    }
    return (rdb_slice){(const uint8_t *)text.data, text.length};
}

/* The text of an option: a name, a text, a number. */
static const char *value_of(rdb_command_context *context, const rdb_ast_option *option)
{
    if (option->arg == NULL)
        return NULL;
    if (option->arg->tag == RDB_AST_TYPE) {
        const rdb_ast_names *names = &((const rdb_ast_type *)option->arg)->names;
        rdb_slice text = names->count == 1 ? (rdb_slice){(const uint8_t *)names->items[0], strlen(names->items[0])} : joined(context, names->items, names->count);
        return rdb_arena_strndup(context->arena, (const char *)text.data, text.length);
    }
    const rdb_ast_value *value = (const rdb_ast_value *)option->arg;
    if (value->node.tag != RDB_AST_VALUE && value->node.tag != RDB_AST_CONST)
        return NULL;
    if (value->kind == RDB_SQL_VALUE_INTEGER)
        return rdb_arena_printf(context->arena, "%d", value->integer);
    if (value->kind == RDB_SQL_VALUE_BOOL)
        return value->integer ? "true" : "false";
    return value->text;
}

static bool is_number(const rdb_ast_option *option)
{
    const rdb_ast_value *value = (const rdb_ast_value *)option->arg;
    return value != NULL && value->node.tag == RDB_AST_VALUE && (value->kind == RDB_SQL_VALUE_INTEGER || value->kind == RDB_SQL_VALUE_NUMBER);
}

static bool name_of(rdb_command_context *context, const rdb_ast_option *option, rdb_slice *name, rdb_error *err)
{
    if (option->arg != NULL && option->arg->tag == RDB_AST_TYPE) {
        const rdb_ast_names *names = &((const rdb_ast_type *)option->arg)->names;
        *name = joined(context, names->items, names->count);
        return true;
    }
    const char *text = value_of(context, option);
    if (text == NULL)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "%s requires a parameter", option->name);
    *name = joined(context, &text, 1);
    return true;
}

/* Where a new object goes. That its name is free is for the catalog's unique index to say. */
static bool place_for(rdb_command_context *context, const rdb_ast_names *name, uint32_t *namespace_oid, rdb_error *err)
{
    const rdb_ast_table table = {.node = {.location = -1}, .schema = name->count > 1 ? name->items[name->count - 2] : NULL, .name = name->items[name->count - 1]};
    return command_creation_namespace(context, &table, namespace_oid, err);
}

/* ---- dictionaries -------------------------------------------------------------------------------------------------------------------- */
typedef struct dictionary_options {
    rdb_ts_option *items;
    bool *are_numbers;
    uint32_t count;
} dictionary_options;

static void print_options(const dictionary_options *options, rdb_strbuf *text)
{
    for (uint32_t i = 0; i < options->count; i++) {
        const char *value = options->items[i].value;
        if (i > 0)
            rdb_strbuf_adds(text, ", ");
        rdb_identifier_add(text, options->items[i].name);
        rdb_strbuf_adds(text, " = ");
        if (options->are_numbers[i]) {
            rdb_strbuf_adds(text, value);
            continue;
        }
        if (strchr(value, '\\') != NULL)
            rdb_strbuf_addc(text, 'E');
        rdb_strbuf_addc(text, '\'');
        for (; *value != 0; value++) {
            if (*value == '\'' || *value == '\\')
                rdb_strbuf_addc(text, *value);
            rdb_strbuf_addc(text, *value);
        }
        rdb_strbuf_addc(text, '\'');
    }
}

static bool template_function(rdb_call *call, uint32_t template_oid, uint32_t *lexize_oid)
{
    rdb_datum key = {.oid = template_oid}, value = {.words = {0, 0}};
    bool is_null = true, found = false;
    if (!expr_read_catalog(call, PG_TS_TEMPLATE, INDEX_TS_TEMPLATE_OID, &key, 1, RDB_pg_ts_template_tmpllexize, RDB_REP_INT32, &value, &is_null, &found))
        return false;
    *lexize_oid = value.oid;
    return found || rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "cache lookup failed for text search template %u", template_oid);
}

static bool create_dictionary(rdb_command_context *context, const rdb_ast_define *statement, rdb_error *err)
{
    lookup l;
    rdb_call *call = call_of(context, &l, err);
    uint32_t namespace_oid = 0, template_oid = 0, lexize_oid = 0, oid = 0;
    dictionary_options options = {RDB_NEW_ARRAY(context->arena, rdb_ts_option, statement->options.count + 1), RDB_NEW_ARRAY(context->arena, bool, statement->options.count + 1), 0};
    if (!place_for(context, &statement->name, &namespace_oid, err))
        return false;
    for (uint32_t i = 0; i < statement->options.count; i++) {
        const rdb_ast_option *option = statement->options.items[i];
        rdb_slice name;
        if (strcmp(option->name, "template") == 0) {
            if (!name_of(context, option, &name, err) || !expr_find_template(call, name, &template_oid))
                return false;
            continue;
        }
        const char *value = value_of(context, option);
        if (value == NULL)
            return rdb_error_set(err, RDB_SYNTAX_ERROR, "%s requires a parameter", option->name);
        options.are_numbers[options.count] = is_number(option);
        options.items[options.count++] = (rdb_ts_option){option->name, value};
    }
    if (template_oid == 0)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "text search template is required");
    if (!template_function(call, template_oid, &lexize_oid) || !text_check_options(call, lexize_oid, options.items, options.count) ||
        !rdb_catalog_new_oid(context->access, &oid, err))
        return false;
    rdb_strbuf text;
    rdb_strbuf_init(&text, context->arena);
    print_options(&options, &text);
    rdb_strbuf_addc(&text, 0);
    rdb_datum values[COLUMNS_MAX] = {{.words = {0, 0}}};
    bool nulls[COLUMNS_MAX] = {false};
    values[RDB_pg_ts_dict_oid - 1].oid = oid;
    values[RDB_pg_ts_dict_dictname - 1] = expr_text(statement->name.items[statement->name.count - 1]);
    values[RDB_pg_ts_dict_dictnamespace - 1].oid = namespace_oid;
    values[RDB_pg_ts_dict_dictowner - 1].oid = context->role->oid;
    values[RDB_pg_ts_dict_dicttemplate - 1].oid = template_oid;
    values[RDB_pg_ts_dict_dictinitoption - 1] = expr_text(text.data);
    nulls[RDB_pg_ts_dict_dictinitoption - 1] = options.count == 0;
    const rdb_object_address self = {PG_TS_DICT, oid, 0};
    return rdb_strbuf_check(&text, err) && rdb_catalog_insert(context->access, PG_TS_DICT, values, nulls, err) &&
           rdb_ddl_depend(context->access, self, (rdb_object_address){RDB_PG_NAMESPACE, namespace_oid, 0}, 'n', err) &&
           rdb_ddl_depend(context->access, self, (rdb_object_address){PG_TS_TEMPLATE, template_oid, 0}, 'n', err);
}

static bool check_owner(rdb_command_context *context, uint32_t owner_oid, const char *word, const rdb_ast_names *name, rdb_error *err)
{
    bool is_owner = context->role->is_superuser;
    if (!is_owner && !rdb_acl_is_owner(context->access, context->role->oid, owner_oid, &is_owner, err))
        return false;
    return is_owner || rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be owner of %s %s", word, name->items[name->count - 1]);
}

bool command_alter_text_dictionary(rdb_command_context *context, const rdb_ast_alter_text_dictionary *statement, rdb_error *err)
{
    lookup l;
    rdb_call *call = call_of(context, &l, err);
    uint32_t oid = 0, lexize_oid = 0;
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    rdb_ts_option *old = NULL;
    uint32_t old_count = 0;
    bool found = false;
    if (!expr_find_reg(call, REGDICTIONARY, joined(context, statement->name.items, statement->name.count), true, &oid))
        return false;
    const rdb_datum key = {.oid = oid};
    if (!rdb_catalog_scan_open(&scan, context->access, PG_TS_DICT, INDEX_TS_DICT_OID, &key, 1, context->arena, err))
        return false;
    bool ok = rdb_catalog_scan_next(scan, &row, &found, err) && found && check_owner(context, row.values[RDB_pg_ts_dict_dictowner - 1].oid, "text search dictionary", &statement->name, err);
    const rdb_bytes text_before = ok ? row.values[RDB_pg_ts_dict_dictinitoption - 1].bytes : (rdb_bytes){.length = 0};
    if (ok && !row.is_null[RDB_pg_ts_dict_dictinitoption - 1])
        ok = rdb_ts_parse_options(context->arena, (rdb_slice){text_before.data, text_before.length}, &old, &old_count, err);
    const uint32_t room = old_count + statement->options.count + 1;
    dictionary_options options = {RDB_NEW_ARRAY(context->arena, rdb_ts_option, room), RDB_NEW_ARRAY(context->arena, bool, room), 0};
    for (uint32_t i = 0; ok && i < old_count; i++) {
        bool replaced = false;
        for (uint32_t k = 0; k < statement->options.count; k++)
            replaced = replaced || strcmp(((const rdb_ast_option *)statement->options.items[k])->name, old[i].name) == 0;
        if (!replaced) {
            options.are_numbers[options.count] = strspn(old[i].value, "0123456789.-") == strlen(old[i].value) && old[i].value[0] != 0;
            options.items[options.count++] = old[i];
        }
    }
    for (uint32_t k = 0; ok && k < statement->options.count; k++) {
        const rdb_ast_option *option = statement->options.items[k];
        const char *value = value_of(context, option);
        if (value == NULL) /* an option without a value goes back to its standard */
            continue;
        options.are_numbers[options.count] = is_number(option);
        options.items[options.count++] = (rdb_ts_option){option->name, value};
    }
    ok = ok && template_function(call, row.values[RDB_pg_ts_dict_dicttemplate - 1].oid, &lexize_oid) && text_check_options(call, lexize_oid, options.items, options.count);
    if (ok) {
        rdb_strbuf text;
        rdb_strbuf_init(&text, context->arena);
        print_options(&options, &text);
        rdb_strbuf_addc(&text, 0);
        row.values[RDB_pg_ts_dict_dictinitoption - 1] = expr_text(text.data);
        row.is_null[RDB_pg_ts_dict_dictinitoption - 1] = options.count == 0;
        ok = rdb_strbuf_check(&text, err) && rdb_catalog_update(context->access, PG_TS_DICT, &row, err);
        rdb_catalog_invalidate(context->access, PG_TS_DICT, oid);
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

/* ---- configurations ------------------------------------------------------------------------------------------------------------------ */
typedef struct map_row {
    int32_t type, place;
    uint32_t dictionary_oid;
} map_row;
typedef struct map_rows {
    map_row *items;
    uint32_t count, capacity;
} map_rows;

static void add_map_row(rdb_command_context *context, map_rows *rows, map_row row)
{
    if (rows->count == rows->capacity) {
        uint32_t capacity = 2 * rows->capacity + 32;
        map_row *grown = RDB_NEW_ARRAY(context->arena, map_row, capacity);
        if (rows->count > 0)
            memcpy(grown, rows->items, sizeof *grown * rows->count);
        rows->items = grown;
        rows->capacity = capacity;
    }
    rows->items[rows->count++] = row;
}

/* The configuration's map; deletes: takes its rows away. */
static bool read_map(rdb_command_context *context, uint32_t oid, bool deletes, map_rows *rows, rdb_error *err)
{
    const rdb_datum key = {.oid = oid};
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true, ok;
    if (!rdb_catalog_scan_open(&scan, context->access, PG_TS_CONFIG_MAP, INDEX_TS_CONFIG_MAP, &key, 1, context->arena, err))
        return false;
    while ((ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) {
        add_map_row(context, rows, (map_row){row.values[RDB_pg_ts_config_map_maptokentype - 1].i32, row.values[RDB_pg_ts_config_map_mapseqno - 1].i32,
                                             row.values[RDB_pg_ts_config_map_mapdict - 1].oid});
        if (deletes && !(ok = rdb_catalog_delete(context->access, PG_TS_CONFIG_MAP, &row, err)))
            break;
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

/* What the configuration depends on of dictionaries is what its map names. */
static bool write_map(rdb_command_context *context, uint32_t oid, const map_rows *rows, rdb_error *err)
{
    const rdb_object_address self = {PG_TS_CONFIG, oid, 0};
    for (uint32_t i = 0; i < rows->count; i++) {
        const rdb_datum values[4] = {{.oid = oid}, {.i32 = rows->items[i].type}, {.i32 = rows->items[i].place}, {.oid = rows->items[i].dictionary_oid}};
        const bool nulls[4] = {false};
        bool is_known = rows->items[i].dictionary_oid < RDB_FIRST_NORMAL_OID;
        for (uint32_t k = 0; k < i && !is_known; k++)
            is_known = rows->items[k].dictionary_oid == rows->items[i].dictionary_oid;
        if (!rdb_catalog_insert(context->access, PG_TS_CONFIG_MAP, values, nulls, err) ||
            (!is_known && !rdb_ddl_depend(context->access, self, (rdb_object_address){PG_TS_DICT, rows->items[i].dictionary_oid, 0}, 'n', err)))
            return false;
    }
    return true;
}

static bool forget_dictionaries(rdb_command_context *context, uint32_t oid, rdb_error *err)
{
    const rdb_datum keys[2] = {{.oid = PG_TS_CONFIG}, {.oid = oid}};
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true, ok;
    if (!rdb_catalog_scan_open(&scan, context->access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, keys, 2, context->arena, err))
        return false;
    while ((ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found)
        if (row.values[RDB_pg_depend_refclassid - 1].oid == PG_TS_DICT && !(ok = rdb_catalog_delete(context->access, RDB_PG_DEPEND, &row, err)))
            break;
    rdb_catalog_scan_close(&scan);
    return ok;
}

static bool create_configuration(rdb_command_context *context, const rdb_ast_define *statement, rdb_error *err)
{
    lookup l;
    rdb_call *call = call_of(context, &l, err);
    uint32_t namespace_oid = 0, parser_oid = 0, source_oid = 0, oid = 0;
    map_rows rows = {NULL, 0, 0};
    if (!place_for(context, &statement->name, &namespace_oid, err))
        return false;
    for (uint32_t i = 0; i < statement->options.count; i++) {
        const rdb_ast_option *option = statement->options.items[i];
        rdb_slice name;
        if (strcmp(option->name, "parser") != 0 && strcmp(option->name, "copy") != 0)
            return rdb_error_set(err, RDB_SYNTAX_ERROR, "text search configuration parameter \"%s\" not recognized", option->name);
        if (!name_of(context, option, &name, err) ||
            !(option->name[0] == 'p' ? expr_find_parser(call, name, &parser_oid) : expr_find_reg(call, REGCONFIG, name, true, &source_oid)))
            return false;
    }
    if (parser_oid != 0 && source_oid != 0)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "cannot specify both PARSER and COPY options");
    if (source_oid != 0) {
        rdb_datum key = {.oid = source_oid}, value = {.words = {0, 0}};
        bool is_null = true, found = false;
        if (!expr_read_catalog(call, PG_TS_CONFIG, INDEX_TS_CONFIG_OID, &key, 1, RDB_pg_ts_config_cfgparser, RDB_REP_INT32, &value, &is_null, &found) ||
            !read_map(context, source_oid, false, &rows, err))
            return false;
        parser_oid = value.oid;
    }
    if (parser_oid == 0)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "text search parser is required");
    if (!rdb_catalog_new_oid(context->access, &oid, err))
        return false;
    rdb_datum values[COLUMNS_MAX] = {{.words = {0, 0}}};
    const bool nulls[COLUMNS_MAX] = {false};
    values[RDB_pg_ts_config_oid - 1].oid = oid;
    values[RDB_pg_ts_config_cfgname - 1] = expr_text(statement->name.items[statement->name.count - 1]);
    values[RDB_pg_ts_config_cfgnamespace - 1].oid = namespace_oid;
    values[RDB_pg_ts_config_cfgowner - 1].oid = context->role->oid;
    values[RDB_pg_ts_config_cfgparser - 1].oid = parser_oid;
    const rdb_object_address self = {PG_TS_CONFIG, oid, 0};
    return rdb_catalog_insert(context->access, PG_TS_CONFIG, values, nulls, err) &&
           rdb_ddl_depend(context->access, self, (rdb_object_address){RDB_PG_NAMESPACE, namespace_oid, 0}, 'n', err) &&
           rdb_ddl_depend(context->access, self, (rdb_object_address){PG_TS_PARSER, parser_oid, 0}, 'n', err) && write_map(context, oid, &rows, err);
}

/* The numbers of token types by name, each once. */
static bool read_token_types(const rdb_ast_names *names, bool wanted[RDB_TS_TOKEN_TYPES + 1], int32_t *order, uint32_t *count, rdb_error *err)
{
    memset(wanted, 0, (RDB_TS_TOKEN_TYPES + 1) * sizeof *wanted);
    *count = 0;
    for (uint32_t i = 0; i < names->count; i++) {
        int type = 1;
        while (type <= RDB_TS_TOKEN_TYPES && strcmp(rdb_ts_token_alias(type), names->items[i]) != 0)
            type++;
        if (type > RDB_TS_TOKEN_TYPES)
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "token type \"%s\" does not exist", names->items[i]);
        if (!wanted[type])
            order[(*count)++] = type;
        wanted[type] = true;
    }
    return true;
}

static bool find_dictionary(rdb_command_context *context, rdb_call *call, const rdb_ast_node *node, uint32_t *oid)
{
    const rdb_list *parts = &((const rdb_ast_items *)node)->items;
    const char **names = RDB_NEW_ARRAY(context->arena, const char *, parts->count + 1);
    for (uint32_t i = 0; i < parts->count; i++)
        names[i] = ((const rdb_ast_value *)parts->items[i])->text;
    return expr_find_reg(call, REGDICTIONARY, joined(context, names, parts->count), true, oid);
}

static int compare_rows(const void *left, const void *right)
{
    const map_row *a = left, *b = right;
    return a->type != b->type ? (a->type > b->type ? 1 : -1) : (a->place > b->place) - (a->place < b->place);
}

static bool change_map(rdb_command_context *context, rdb_call *call, const rdb_ast_alter_text_config *statement, map_rows *rows, rdb_error *err)
{
    bool wanted[RDB_TS_TOKEN_TYPES + 1];
    int32_t order[RDB_TS_TOKEN_TYPES];
    uint32_t count = 0, kept = 0, dictionaries[64];
    const rdb_sql_text_config_change change = statement->change;
    if (!read_token_types(&statement->token_types, wanted, order, &count, err))
        return false;
    if (statement->dictionaries.count > RDB_COUNT_OF(dictionaries))
        return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "too many dictionaries");
    for (uint32_t i = 0; i < statement->dictionaries.count; i++)
        if (!find_dictionary(context, call, statement->dictionaries.items[i], &dictionaries[i]))
            return false;
    if (change == RDB_SQL_TEXT_CONFIG_REPLACE || change == RDB_SQL_TEXT_CONFIG_REPLACE_FOR) {
        for (uint32_t i = 0; i < rows->count; i++)
            if (rows->items[i].dictionary_oid == dictionaries[0] && (change == RDB_SQL_TEXT_CONFIG_REPLACE || wanted[rows->items[i].type]))
                rows->items[i].dictionary_oid = dictionaries[1];
        return true;
    }
    bool had[RDB_TS_TOKEN_TYPES + 1] = {false};
    for (uint32_t i = 0; i < rows->count; i++) {
        had[rows->items[i].type] = true;
        if (change == RDB_SQL_TEXT_CONFIG_ADD || !wanted[rows->items[i].type])
            rows->items[kept++] = rows->items[i];
    }
    rows->count = kept;
    for (uint32_t i = 0; i < count; i++) {
        if (change == RDB_SQL_TEXT_CONFIG_DROP && !had[order[i]]) {
            if (!statement->missing_ok)
                return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "mapping for token type \"%s\" does not exist", rdb_ts_token_alias(order[i]));
            command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "mapping for token type \"%s\" does not exist, skipping", rdb_ts_token_alias(order[i]));
        }
        for (uint32_t k = 0; change != RDB_SQL_TEXT_CONFIG_DROP && k < statement->dictionaries.count; k++)
            add_map_row(context, rows, (map_row){order[i], (int32_t)k + 1, dictionaries[k]});
    }
    if (rows->count > 1)
        qsort(rows->items, rows->count, sizeof *rows->items, compare_rows);
    return true;
}

bool command_alter_text_config(rdb_command_context *context, const rdb_ast_alter_text_config *statement, rdb_error *err)
{
    lookup l;
    rdb_call *call = call_of(context, &l, err);
    rdb_datum owner = {.words = {0, 0}};
    bool is_null = true, found = false;
    uint32_t oid = 0;
    map_rows rows = {NULL, 0, 0};
    if (!expr_find_reg(call, REGCONFIG, joined(context, statement->name.items, statement->name.count), true, &oid))
        return false;
    const rdb_datum key = {.oid = oid};
    rdb_catalog_invalidate(context->access, PG_TS_CONFIG, oid); /* configurations are kept ready while the catalog's epoch stays */
    return expr_read_catalog(call, PG_TS_CONFIG, INDEX_TS_CONFIG_OID, &key, 1, RDB_pg_ts_config_cfgowner, RDB_REP_INT32, &owner, &is_null, &found) &&
           check_owner(context, owner.oid, "text search configuration", &statement->name, err) && read_map(context, oid, true, &rows, err) &&
           change_map(context, call, statement, &rows, err) && forget_dictionaries(context, oid, err) && write_map(context, oid, &rows, err);
}

/* ---- parsers and templates -------------------------------------------------------------------------------------------------------------- */
/* Both are rows of functions by name; what runs is what stands behind the built-in ones. */
typedef struct function_slot {
    const char *option;
    int column;
    const char *missing; /* NULL: it may be missing */
} function_slot;

static bool create_of_functions(rdb_command_context *context, const rdb_ast_define *statement, const char *word, uint32_t catalog_oid, int name_column,
                                int schema_column, const function_slot *slots, uint32_t slot_count, rdb_error *err)
{
    uint32_t namespace_oid = 0, oid = 0;
    rdb_datum values[COLUMNS_MAX] = {{.words = {0, 0}}};
    const bool nulls[COLUMNS_MAX] = {false};
    if (!context->role->is_superuser)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be superuser to create %ss", word);
    if (!place_for(context, &statement->name, &namespace_oid, err))
        return false;
    for (uint32_t i = 0; i < statement->options.count; i++) {
        const rdb_ast_option *option = statement->options.items[i];
        const rdb_function *const *functions = NULL;
        const rdb_ast_names *names;
        uint32_t count = 0, k = 0;
        while (k < slot_count && strcmp(slots[k].option, option->name) != 0)
            k++;
        if (k == slot_count)
            return rdb_error_set(err, RDB_SYNTAX_ERROR, "%s parameter \"%s\" not recognized", word, option->name);
        if (option->arg == NULL || option->arg->tag != RDB_AST_TYPE)
            return rdb_error_set(err, RDB_SYNTAX_ERROR, "%s requires a parameter", option->name);
        names = &((const rdb_ast_type *)option->arg)->names;
        if (!rdb_function_find(context->access, names->count > 1 ? names->items[names->count - 2] : NULL, names->items[names->count - 1], &functions, &count, err))
            return false;
        if (count == 0)
            return rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "function %s does not exist", names->items[names->count - 1]);
        values[slots[k].column - 1].oid = functions[0]->oid;
    }
    for (uint32_t k = 0; k < slot_count; k++)
        if (slots[k].missing != NULL && values[slots[k].column - 1].oid == 0)
            return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "%s %s method is required", word, slots[k].missing);
    if (!rdb_catalog_new_oid(context->access, &oid, err))
        return false;
    values[0].oid = oid;
    values[name_column - 1] = expr_text(statement->name.items[statement->name.count - 1]);
    values[schema_column - 1].oid = namespace_oid;
    return rdb_catalog_insert(context->access, catalog_oid, values, nulls, err) &&
           rdb_ddl_depend(context->access, (rdb_object_address){catalog_oid, oid, 0}, (rdb_object_address){RDB_PG_NAMESPACE, namespace_oid, 0}, 'n', err);
}

bool command_define(rdb_command_context *context, const rdb_ast_define *statement, rdb_error *err)
{
    static const function_slot PARSER[] = {{"start", RDB_pg_ts_parser_prsstart, "start"}, {"gettoken", RDB_pg_ts_parser_prstoken, "gettoken"},
                                           {"end", RDB_pg_ts_parser_prsend, "end"}, {"headline", RDB_pg_ts_parser_prsheadline, NULL},
                                           {"lextypes", RDB_pg_ts_parser_prslextype, "lextypes"}};
    static const function_slot TEMPLATE[] = {{"init", RDB_pg_ts_template_tmplinit, NULL}, {"lexize", RDB_pg_ts_template_tmpllexize, "lexize"}};
    switch (statement->object_type) {
    case RDB_SQL_OBJECT_COLLATION:
        return command_create_collation(context, statement, err);
    case RDB_SQL_OBJECT_TSDICTIONARY:
        return create_dictionary(context, statement, err);
    case RDB_SQL_OBJECT_TSCONFIGURATION:
        return create_configuration(context, statement, err);
    case RDB_SQL_OBJECT_TSPARSER:
        return create_of_functions(context, statement, "text search parser", PG_TS_PARSER, RDB_pg_ts_parser_prsname, RDB_pg_ts_parser_prsnamespace, PARSER,
                                   RDB_COUNT_OF(PARSER), err);
    case RDB_SQL_OBJECT_TSTEMPLATE:
        return create_of_functions(context, statement, "text search template", PG_TS_TEMPLATE, RDB_pg_ts_template_tmplname,
                                   RDB_pg_ts_template_tmplnamespace, TEMPLATE, RDB_COUNT_OF(TEMPLATE), err);
    case RDB_SQL_OBJECT_TYPE:
        return command_create_base_type(context, statement, err);
    case RDB_SQL_OBJECT_AGGREGATE:
        return command_create_aggregate(context, statement, err);
    case RDB_SQL_OBJECT_OPERATOR:
        return command_create_operator(context, statement, err);
    default:
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "%s is not supported yet", context->tag);
    }
}
