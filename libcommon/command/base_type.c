/* SPDX-License-Identifier: Apache-2.0
 * CREATE TYPE name, a shell, and CREATE TYPE name (INPUT = ..., OUTPUT = ..., ...), the base type that fills it. There is no native code to
 * load: the functions are built-in ones under names of the user's (LANGUAGE internal), and values are what those read and write. */
#include "catalog/rdb_acl.h"
#include "command/definition.h"

#include <strings.h>

enum { ARRAY_SUBSCRIPT_RAW = 6180 };

typedef struct written_type {
    const rdb_ast_option *like, *length, *input, *output, *receive, *send, *typmod_in, *typmod_out, *analyze, *subscript, *category, *preferred, *delimiter, *element, *standard,
        *by_value, *alignment, *storage, *collatable;
} written_type;

static bool sort_options(rdb_command_context *context, const rdb_list *options, written_type *w, rdb_error *err)
{
    const struct {
        const char *name;
        const rdb_ast_option **place;
    } KNOWN[] = {{"like", &w->like}, {"internallength", &w->length}, {"input", &w->input}, {"output", &w->output}, {"receive", &w->receive}, {"send", &w->send},
                 {"typmod_in", &w->typmod_in}, {"typmod_out", &w->typmod_out}, {"analyze", &w->analyze}, {"analyse", &w->analyze}, {"subscript", &w->subscript},
                 {"category", &w->category}, {"preferred", &w->preferred}, {"delimiter", &w->delimiter}, {"element", &w->element}, {"default", &w->standard},
                 {"passedbyvalue", &w->by_value}, {"alignment", &w->alignment}, {"storage", &w->storage}, {"collatable", &w->collatable}};
    for (uint32_t i = 0; i < options->count; i++) {
        const rdb_ast_option *option = options->items[i];
        const rdb_ast_option **place = NULL;
        for (size_t k = 0; k < RDB_COUNT_OF(KNOWN) && place == NULL; k++)
            place = strcmp(option->name, KNOWN[k].name) == 0 ? KNOWN[k].place : NULL;
        if (place == NULL) { /* a warning only: so it always was */
            rdb_error note = {0};
            rdb_error_set(&note, RDB_SYNTAX_ERROR, "type attribute \"%s\" not recognized", option->name);
            (void)command_at(context, option->node.location, &note);
            context->client->notice(context->client->context, "WARNING", &note);
            rdb_error_clear(&note);
            continue;
        }
        if (*place != NULL) {
            rdb_error_set(err, RDB_SYNTAX_ERROR, "conflicting or redundant options");
            return command_at(context, option->node.location, err);
        }
        *place = option;
    }
    return true;
}

/* A letter for the words that a storage or an alignment may be written with; 0: none of them. */
static char letter_of(const char *word, const char *const *words, const char *letters)
{
    for (size_t i = 0; words[i] != NULL; i++)
        if (strcasecmp(word, words[i]) == 0)
            return letters[i];
    return 0;
}

static bool read_shape(rdb_command_context *context, const written_type *w, rdb_base_type_definition *d, rdb_error *err)
{
    static const char *const ALIGNMENTS[] = {"double", "float8", "pg_catalog.float8", "int4", "pg_catalog.int4", "int2", "pg_catalog.int2", "char", "bpchar", "pg_catalog.bpchar", NULL};
    static const char *const STORAGES[] = {"plain", "external", "extended", "main", NULL};
    const char *text = NULL;
    if (w->length != NULL) {
        int64_t length = 0;
        if (!definition_text(context, w->length, &text, err))
            return false;
        if (strcasecmp(text, "variable") == 0)
            d->length = -1;
        else if (!command_option_int64(w->length, &length, err))
            return false;
        else
            d->length = (int16_t)length;
    }
    if (w->category != NULL) {
        if (!definition_text(context, w->category, &text, err))
            return false;
        d->category = text[0];
        if (d->category < 32 || d->category > 126)
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid type category \"%s\": must be simple ASCII", text);
    }
    if (w->preferred != NULL && !command_option_bool(w->preferred, &d->is_preferred, err))
        return false;
    if (w->delimiter != NULL) {
        if (!definition_text(context, w->delimiter, &text, err))
            return false;
        d->delimiter = text[0];
    }
    if (w->standard != NULL && !definition_text(context, w->standard, &d->default_text, err))
        return false;
    if (w->by_value != NULL && !command_option_bool(w->by_value, &d->is_by_value, err))
        return false;
    if (w->alignment != NULL) {
        if (!definition_text(context, w->alignment, &text, err))
            return false;
        d->align = letter_of(text, ALIGNMENTS, "dddiissccc");
        if (d->align == 0)
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "alignment \"%s\" not recognized", text);
    }
    if (w->storage != NULL) {
        if (!definition_text(context, w->storage, &text, err))
            return false;
        d->storage = letter_of(text, STORAGES, "pexm");
        if (d->storage == 0)
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "storage \"%s\" not recognized", text);
    }
    if (w->collatable != NULL) {
        bool is_collatable = false;
        if (!command_option_bool(w->collatable, &is_collatable, err))
            return false;
        d->collation = is_collatable ? RDB_DEFAULT_COLLATION_OID : 0;
    }
    return true;
}

/* What a type says of its values must go together. */
static bool check_shape(const rdb_base_type_definition *d, rdb_error *err)
{
    if (d->length <= 0 && d->length != -1 && d->length != -2)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "invalid type internal size %d", d->length);
    if (d->is_by_value) {
        static const struct { int16_t length; char align; } FITS[] = {{1, 'c'}, {2, 's'}, {4, 'i'}, {8, 'd'}};
        for (size_t i = 0; i < RDB_COUNT_OF(FITS); i++) {
            if (d->length != FITS[i].length)
                continue;
            return d->align == FITS[i].align ||
                   rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "alignment \"%c\" is invalid for passed-by-value type of size %d", d->align, d->length);
        }
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "internal size %d is invalid for passed-by-value type", d->length);
    }
    if (d->length == -1 && d->align != 'i' && d->align != 'd')
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "alignment \"%c\" is invalid for variable-length type", d->align);
    if (d->length == -2 && d->align != 'c')
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "alignment \"%c\" is invalid for variable-length type", d->align);
    return d->storage == 'p' || d->length == -1 || rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "fixed-size types must have storage PLAIN");
}

static bool copy_shape(rdb_command_context *context, const rdb_ast_option *like, rdb_base_type_definition *d, rdb_error *err)
{
    const rdb_type *type = NULL;
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool is_setof, found = false;
    if (!definition_type(context, like, &type, &is_setof, err))
        return false;
    const rdb_datum key = {.oid = type->oid};
    bool ok = rdb_catalog_scan_open(&scan, context->access, RDB_PG_TYPE, 2703, &key, 1, context->arena, err) && rdb_catalog_scan_next(scan, &row, &found, err);
    if (ok && found) {
        d->length = row.values[RDB_pg_type_typlen - 1].i16;
        d->is_by_value = row.values[RDB_pg_type_typbyval - 1].b;
        d->align = (char)row.values[RDB_pg_type_typalign - 1].i8;
        d->storage = (char)row.values[RDB_pg_type_typstorage - 1].i8;
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

/* ---- functions ----------------------------------------------------------------------------------------------------------------- */
typedef struct wanted_function {
    const char *what; /* "type input function" */
    uint32_t count, types[3];
    uint32_t other_count, others[3]; /* another signature that will do; 0: none */
    uint32_t result;
} wanted_function;

static bool is_called(const rdb_function *function, uint32_t count, const uint32_t *types)
{
    return function->argument_count == count && (count == 0 || memcmp(function->argument_types, types, count * sizeof *types) == 0);
}

/* 0 where the option is not there. */
static bool find_function(rdb_command_context *context, const rdb_ast_option *option, const wanted_function *wanted, uint32_t *oid, rdb_error *err)
{
    const rdb_function *const *functions = NULL, *found = NULL;
    rdb_ast_names names;
    uint32_t count = 0;
    const rdb_type *type = NULL;
    *oid = 0;
    if (option == NULL)
        return true;
    if (!definition_names(context, option, &names, err) ||
        !rdb_function_find(context->access, names.count > 1 ? names.items[names.count - 2] : NULL, names.items[names.count - 1], &functions, &count, err))
        return false;
    for (uint32_t i = 0; i < count && found == NULL; i++)
        if (is_called(functions[i], wanted->count, wanted->types) || (wanted->other_count > 0 && is_called(functions[i], wanted->other_count, wanted->others)))
            found = functions[i];
    if (found == NULL) {
        rdb_strbuf text;
        rdb_strbuf_init(&text, context->arena);
        for (uint32_t i = 0; i < wanted->count; i++) {
            if (!rdb_type_get(context->access, wanted->types[i], &type, err))
                return false;
            rdb_strbuf_addf(&text, "%s%s", i > 0 ? ", " : "", type != NULL ? definition_type_text(context, type) : "?");
        }
        return rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "function %s(%s) does not exist", definition_name_text(context, &names), text.data != NULL ? text.data : "");
    }
    if (found->return_type != wanted->result) {
        if (!rdb_type_get(context->access, wanted->result, &type, err))
            return false;
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "%s %s must return type %s", wanted->what, definition_name_text(context, &names),
                             type != NULL ? definition_type_text(context, type) : "?");
    }
    if (found->volatility == 'v')
        command_notice(context, "WARNING", RDB_INVALID_OBJECT_DEFINITION, "%s %s should not be volatile", wanted->what, definition_name_text(context, &names));
    *oid = found->oid;
    return true;
}

static bool find_functions(rdb_command_context *context, const written_type *w, uint32_t oid, rdb_base_type_definition *d, rdb_error *err)
{
    enum { CSTRING_ARRAY = 1263 };
    const wanted_function input = {"type input function", 1, {RDB_CSTRINGOID}, 3, {RDB_CSTRINGOID, RDB_OIDOID, RDB_INT4OID}, oid},
                          output = {"type output function", 1, {oid}, 0, {0}, RDB_CSTRINGOID},
                          receive = {"type receive function", 1, {RDB_INTERNALOID}, 3, {RDB_INTERNALOID, RDB_OIDOID, RDB_INT4OID}, oid},
                          send = {"type send function", 1, {oid}, 0, {0}, RDB_BYTEAOID},
                          typmod_in = {"typmod_in function", 1, {CSTRING_ARRAY}, 0, {0}, RDB_INT4OID},
                          typmod_out = {"typmod_out function", 1, {RDB_INT4OID}, 0, {0}, RDB_CSTRINGOID},
                          analyze = {"type analyze function", 1, {RDB_INTERNALOID}, 0, {0}, RDB_BOOLOID},
                          subscript = {"type subscripting function", 1, {RDB_INTERNALOID}, 0, {0}, RDB_INTERNALOID};
    return find_function(context, w->input, &input, &d->input, err) && find_function(context, w->output, &output, &d->output, err) &&
           find_function(context, w->receive, &receive, &d->receive, err) && find_function(context, w->send, &send, &d->send, err) &&
           find_function(context, w->typmod_in, &typmod_in, &d->typmod_in, err) && find_function(context, w->typmod_out, &typmod_out, &d->typmod_out, err) &&
           find_function(context, w->analyze, &analyze, &d->analyze, err) && find_function(context, w->subscript, &subscript, &d->subscript, err);
}

/* ---- the statement ---------------------------------------------------------------------------------------------------------------- */
bool command_create_base_type(rdb_command_context *context, const rdb_ast_define *statement, rdb_error *err)
{
    const char *name = statement->name.items[statement->name.count - 1];
    rdb_base_type_definition d = {.name = name, .owner_oid = context->role->oid, .length = -1, .align = 'i', .storage = 'p', .category = 'U', .delimiter = ','};
    written_type w = {0};
    const rdb_type *existing = NULL;
    char schema[RDB_NAMEDATALEN];
    uint32_t oid = 0;
    if (!context->role->is_superuser)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be superuser to create a base type");
    if (!definition_place(context, &statement->name, &d.namespace_oid, err))
        return false;
    if (statement->options.count == 0)
        return rdb_ddl_create_shell_type(context->access, name, d.namespace_oid, context->role->oid, &oid, err);
    if (!rdb_namespace_get_name(context->access, d.namespace_oid, schema, err) || !rdb_type_find(context->access, schema, name, &existing, err))
        return false;
    if (existing != NULL && existing->is_defined)
        return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "type \"%s\" already exists", name);
    if (existing == NULL) {
        rdb_error_set(err, RDB_DUPLICATE_OBJECT, "type \"%s\" does not exist", name);
        return rdb_error_hint(err, "Create the type as a shell type, then create its I/O functions, then do a full CREATE TYPE.");
    }
    oid = existing->oid;
    if (!sort_options(context, &statement->options, &w, err) || (w.like != NULL && !copy_shape(context, w.like, &d, err)) || !read_shape(context, &w, &d, err))
        return false;
    if (w.input == NULL)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "type input function must be specified");
    if (w.output == NULL)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "type output function must be specified");
    if (w.typmod_in == NULL && w.typmod_out != NULL)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "type modifier output function is useless without a type modifier input function");
    if (w.element != NULL) {
        const rdb_type *element = NULL;
        bool is_setof;
        if (!definition_type(context, w.element, &element, &is_setof, err))
            return false;
        if (element->kind == 'p')
            return rdb_error_set(err, RDB_DATATYPE_MISMATCH, "array element type cannot be %s", definition_type_text(context, element));
        d.element = element->oid;
    }
    if (!find_functions(context, &w, oid, &d, err))
        return false;
    if (d.element != 0 && d.subscript == 0)
        d.subscript = ARRAY_SUBSCRIPT_RAW;
    return check_shape(&d, err) && rdb_ddl_fill_shell_type(context->access, oid, &d, err);
}

/* ---- shells in declarations of functions ------------------------------------------------------------------------------------------------- */
bool command_find_or_make_shell(rdb_command_context *context, const rdb_ast_type *written, bool may_make, const rdb_type **type, rdb_error *err)
{
    const rdb_ast_names *names = &written->names;
    uint32_t namespace_oid = 0, oid = 0;
    *type = NULL;
    if (written->is_reference || written->bounds.count > 0 || names->count == 0)
        return true;
    if (!command_find_type(context, names, true, type, err) || *type != NULL || !may_make)
        return !rdb_error_is_set(err);
    rdb_error note = {0};
    rdb_error_set(&note, RDB_UNDEFINED_OBJECT, "type \"%s\" is not yet defined", definition_name_text(context, names));
    rdb_error_detail(&note, "Creating a shell type definition.");
    context->client->notice(context->client->context, "NOTICE", &note);
    rdb_error_clear(&note);
    return definition_place(context, names, &namespace_oid, err) &&
           rdb_ddl_create_shell_type(context->access, names->items[names->count - 1], namespace_oid, context->role->oid, &oid, err) &&
           rdb_type_get(context->access, oid, type, err);
}
