/* SPDX-License-Identifier: Apache-2.0
 * CREATE OPERATOR and ALTER OPERATOR ... SET; CREATE CAST. An operator that another one names as its commutator or negator before it is
 * there stands as a shell, without a function, until its own CREATE fills it. */
#include "catalog/rdb_acl.h"
#include "command/definition.h"
#include "expr/rdb_expr.h"

typedef struct operator_work {
    rdb_command_context *context;
    rdb_analysis analysis;
    rdb_operator_definition definition;
    rdb_ast_names function, commutator, negator, restriction, join; /* count 0: not said */
    const rdb_type *left, *right;
    rdb_error *err;
} operator_work;

#define FAIL(w, ...) return rdb_error_set((w)->err, RDB_INVALID_FUNCTION_DEFINITION, __VA_ARGS__)

static bool read_side(operator_work *w, const rdb_ast_option *option, const rdb_type **side)
{
    bool is_setof;
    if (!definition_type(w->context, option, side, &is_setof, w->err))
        return false;
    if (is_setof)
        FAIL(w, "SETOF type not allowed for operator argument");
    return true;
}

static bool read_option(operator_work *w, const rdb_ast_option *option)
{
    const char *name = option->name;
    if (strcmp(name, "leftarg") == 0)
        return read_side(w, option, &w->left);
    if (strcmp(name, "rightarg") == 0)
        return read_side(w, option, &w->right);
    if (strcmp(name, "function") == 0 || strcmp(name, "procedure") == 0)
        return definition_names(w->context, option, &w->function, w->err);
    if (strcmp(name, "commutator") == 0)
        return definition_names(w->context, option, &w->commutator, w->err);
    if (strcmp(name, "negator") == 0)
        return definition_names(w->context, option, &w->negator, w->err);
    if (strcmp(name, "restrict") == 0)
        return definition_names(w->context, option, &w->restriction, w->err);
    if (strcmp(name, "join") == 0)
        return definition_names(w->context, option, &w->join, w->err);
    if (strcmp(name, "hashes") == 0)
        return command_option_bool(option, &w->definition.can_hash, w->err);
    if (strcmp(name, "merges") == 0)
        return command_option_bool(option, &w->definition.can_merge, w->err);
    if (strcmp(name, "sort1") == 0 || strcmp(name, "sort2") == 0 || strcmp(name, "ltcmp") == 0 || strcmp(name, "gtcmp") == 0)
        w->definition.can_merge = true; /* older spellings of it */
    else
        command_notice(w->context, "WARNING", RDB_SYNTAX_ERROR, "operator attribute \"%s\" not recognized", name);
    return true;
}

/* An estimator: a function of the planner's, which takes what no statement can give. */
static bool find_estimator(rdb_command_context *context, rdb_analysis *analysis, const rdb_ast_names *name, bool is_join, uint32_t *oid, rdb_error *err)
{
    static const uint32_t RESTRICT_TYPES[] = {RDB_INTERNALOID, RDB_OIDOID, RDB_INTERNALOID, RDB_INT4OID},
                          JOIN_TYPES[] = {RDB_INTERNALOID, RDB_OIDOID, RDB_INTERNALOID, RDB_INT2OID, RDB_INTERNALOID};
    const rdb_function *const *functions;
    const rdb_function *found = NULL;
    uint32_t count;
    *oid = 0;
    if (name->count == 0)
        return true;
    if (!rdb_function_find(context->access, name->count > 1 ? name->items[name->count - 2] : NULL, name->items[name->count - 1], &functions, &count, err))
        return false;
    /* An estimator of joins may also take what one of restrictions takes, as older ones did. */
    for (uint32_t i = 0; i < count && found == NULL; i++) {
        const bool fits = (is_join && functions[i]->argument_count == 5 && memcmp(functions[i]->argument_types, JOIN_TYPES, sizeof JOIN_TYPES) == 0) ||
                          (functions[i]->argument_count == 4 && memcmp(functions[i]->argument_types, RESTRICT_TYPES, sizeof RESTRICT_TYPES) == 0);
        found = fits ? functions[i] : NULL;
    }
    if (found == NULL)
        return rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "function %s does not exist",
                             rdb_function_signature(analysis, name, is_join ? JOIN_TYPES : RESTRICT_TYPES, is_join ? 5 : 4));
    if (found->return_type != RDB_FLOAT8OID)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "%s estimator function %s must return type %s", is_join ? "join" : "restriction",
                             definition_name_text(context, name), "double precision");
    *oid = found->oid;
    return definition_check_function(context, found, err);
}

/* The operator that is named as commutator or negator; a shell of it where there is none. */
static bool find_partner(operator_work *w, const rdb_ast_names *name, uint32_t left, uint32_t right, uint32_t *oid, bool *is_itself)
{
    rdb_command_context *context = w->context;
    const rdb_operator_definition *d = &w->definition;
    const rdb_operator_entry *const *entries;
    const char *schema = name->count > 1 ? name->items[name->count - 2] : NULL, *base = name->items[name->count - 1];
    uint32_t count, namespace_oid = 0;
    *oid = 0;
    *is_itself = false;
    if (!rdb_operator_find(context->access, schema, base, &entries, &count, w->err))
        return false;
    for (uint32_t i = 0; i < count && *oid == 0; i++)
        if (entries[i]->left_type == left && entries[i]->right_type == right)
            *oid = entries[i]->oid;
    if (*oid != 0)
        return true;
    if (!definition_place(context, name, &namespace_oid, w->err))
        return false;
    *is_itself = namespace_oid == d->namespace_oid && strcmp(base, d->name) == 0 && left == d->left_type && right == d->right_type;
    if (*is_itself)
        return true;
    const rdb_operator_definition shell = {.name = base, .namespace_oid = namespace_oid, .owner_oid = context->role->oid, .left_type = left, .right_type = right};
    return rdb_ddl_write_operator(context->access, &shell, oid, w->err);
}

static bool find_function(operator_work *w, const rdb_function **function)
{
    rdb_operator_definition *d = &w->definition;
    uint32_t types[2], declared[2], count = 0;
    if (w->left != NULL)
        types[count++] = w->left->oid;
    types[count++] = w->right->oid;
    if (!rdb_function_resolve(&w->analysis, &w->function, types, count, function, declared, &d->result_type, w->err))
        return false;
    bool fits = *function != NULL && (*function)->argument_count == count;
    for (uint32_t i = 0; fits && i < count; i++)
        fits = (*function)->argument_types[i] == types[i];
    if (!fits)
        return rdb_error_set(w->err, RDB_UNDEFINED_FUNCTION, "function %s does not exist", rdb_function_signature(&w->analysis, &w->function, types, count));
    d->function_oid = (*function)->oid;
    d->result_type = (*function)->return_type;
    return true;
}

static bool check_attributes(operator_work *w)
{
    const rdb_operator_definition *d = &w->definition;
    if (d->left_type == 0) {
        if (w->commutator.count > 0)
            FAIL(w, "only binary operators can have commutators");
        if (d->join_oid != 0)
            FAIL(w, "only binary operators can have join selectivity");
        if (d->can_merge)
            FAIL(w, "only binary operators can merge join");
        if (d->can_hash)
            FAIL(w, "only binary operators can hash");
    }
    if (d->result_type != RDB_BOOLOID) {
        if (w->negator.count > 0)
            FAIL(w, "only boolean operators can have negators");
        if (d->restrict_oid != 0)
            FAIL(w, "only boolean operators can have restriction selectivity");
        if (d->join_oid != 0)
            FAIL(w, "only boolean operators can have join selectivity");
        if (d->can_merge)
            FAIL(w, "only boolean operators can merge join");
        if (d->can_hash)
            FAIL(w, "only boolean operators can hash");
    }
    return true;
}

static bool find_partners(operator_work *w)
{
    rdb_operator_definition *d = &w->definition;
    bool is_itself = false;
    if (w->commutator.count > 0) {
        if (!find_partner(w, &w->commutator, d->right_type, d->left_type, &d->commutator_oid, &d->commutes_with_itself))
            return false;
    }
    if (w->negator.count > 0) {
        if (!find_partner(w, &w->negator, d->left_type, d->right_type, &d->negator_oid, &is_itself))
            return false;
        if (is_itself)
            FAIL(w, "operator cannot be its own negator or sort operator");
    }
    return true;
}

static bool create_operator(operator_work *w)
{
    rdb_command_context *context = w->context;
    rdb_operator_definition *d = &w->definition;
    const rdb_function *function = NULL;
    const rdb_operator_entry *shell = NULL;
    const rdb_type *result = NULL;
    uint32_t oid = 0;
    if (w->function.count == 0)
        FAIL(w, "operator function must be specified");
    if (w->left == NULL && w->right == NULL)
        FAIL(w, "operator argument types must be specified");
    if (w->right == NULL) {
        rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "operator right argument type must be specified");
        return rdb_error_detail(w->err, "Postfix operators are not supported.");
    }
    d->left_type = w->left != NULL ? w->left->oid : 0;
    d->right_type = w->right->oid;
    if ((w->left != NULL && !command_check_type_usage(context, w->left, w->err)) || !command_check_type_usage(context, w->right, w->err) || !find_function(w, &function) ||
        !definition_check_function(context, function, w->err) || !rdb_type_get(context->access, d->result_type, &result, w->err) ||
        !command_check_type_usage(context, result, w->err) || !find_estimator(context, &w->analysis, &w->restriction, false, &d->restrict_oid, w->err) ||
        !find_estimator(context, &w->analysis, &w->join, true, &d->join_oid, w->err) || !check_attributes(w) ||
        !rdb_operator_find_exact(context->access, d->namespace_oid, d->name, d->left_type, d->right_type, &oid, w->err) ||
        (oid != 0 && !rdb_operator_get(context->access, oid, &shell, w->err)))
        return false;
    if (shell != NULL && shell->function_oid != 0)
        return rdb_error_set(w->err, RDB_DUPLICATE_FUNCTION, "operator %s already exists", d->name);
    return find_partners(w) && rdb_ddl_write_operator(context->access, d, &oid, w->err);
}

bool command_create_operator(rdb_command_context *context, const rdb_ast_define *statement, rdb_error *err)
{
    operator_work *w = RDB_NEW(context->arena, operator_work);
    w->context = context;
    w->err = err;
    w->definition.name = statement->name.items[statement->name.count - 1];
    w->definition.owner_oid = context->role->oid;
    command_analysis(context, &w->analysis);
    w->analysis.text = NULL;
    if (!definition_place(context, &statement->name, &w->definition.namespace_oid, err))
        return false;
    for (uint32_t i = 0; i < statement->options.count; i++)
        if (!read_option(w, statement->options.items[i]))
            return false;
    return create_operator(w);
}

/* ---- ALTER OPERATOR ... SET ------------------------------------------------------------------------------------------------------------- */
bool command_alter_operator(rdb_command_context *context, const rdb_ast_alter_operator *statement, rdb_error *err)
{
    rdb_analysis analysis;
    command_object object;
    const rdb_operator_entry *entry = NULL;
    rdb_ast_names names[2] = {{0}}; /* restrict, join */
    bool is_said[2] = {false, false};
    uint32_t oids[2];
    command_analysis(context, &analysis);
    analysis.text = NULL;
    if (!command_find_object(context, RDB_SQL_OBJECT_OPERATOR, NULL, (const rdb_ast_node *)statement->signature, NULL, false, &object, err) ||
        !rdb_operator_get(context->access, object.address.object_oid, &entry, err))
        return false;
    for (uint32_t i = 0; i < statement->options.count; i++) {
        static const char *const FIXED[] = {"leftarg", "rightarg", "function", "procedure", "commutator", "negator", "hashes", "merges"};
        const rdb_ast_option *option = statement->options.items[i];
        const bool is_restrict = strcmp(option->name, "restrict") == 0;
        rdb_ast_names said = {0};
        if (option->arg != NULL && !definition_names(context, option, &said, err)) /* none: NONE was written */
            return false;
        for (size_t k = 0; k < RDB_COUNT_OF(FIXED); k++)
            if (strcmp(FIXED[k], option->name) == 0)
                return rdb_error_set(err, RDB_SYNTAX_ERROR, "operator attribute \"%s\" cannot be changed", option->name);
        if (!is_restrict && strcmp(option->name, "join") != 0)
            return rdb_error_set(err, RDB_SYNTAX_ERROR, "operator attribute \"%s\" not recognized", option->name);
        is_said[!is_restrict] = true;
        names[!is_restrict] = said;
    }
    if (!command_check_object_owner(context, &object, err))
        return false;
    oids[0] = entry->restrict_oid;
    oids[1] = entry->join_oid;
    for (int i = 0; i < 2; i++)
        if (is_said[i] && !find_estimator(context, &analysis, &names[i], i == 1, &oids[i], err))
            return false;
    if (entry->left_type == 0 && oids[1] != 0)
        return rdb_error_set(err, RDB_INVALID_FUNCTION_DEFINITION, "only binary operators can have join selectivity");
    if (entry->result_type != RDB_BOOLOID && (oids[0] != 0 || oids[1] != 0))
        return rdb_error_set(err, RDB_INVALID_FUNCTION_DEFINITION, oids[0] != 0 ? "only boolean operators can have restriction selectivity" : "only boolean operators can have join selectivity");
    return rdb_ddl_set_operator_estimators(context->access, entry, oids[0], oids[1], err);
}

/* ---- CREATE CAST -------------------------------------------------------------------------------------------------------------------------- */
static bool owns_type(rdb_command_context *context, const rdb_type *type, bool *owns, rdb_error *err)
{
    rdb_acl_object object;
    bool found = false;
    *owns = context->role->is_superuser;
    return *owns || (rdb_acl_get_object(context->access, context->arena, 'T', type->oid, 0, &object, &found, err) &&
                     (!found || rdb_acl_is_owner(context->access, context->role->oid, object.owner, owns, err)));
}

static bool check_cast_function(rdb_command_context *context, const rdb_function *function, const rdb_type *source, const rdb_type *target, rdb_error *err)
{
    bool fits = false;
    if (function->argument_count < 1 || function->argument_count > 3)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "cast function must take one to three arguments");
    if (!rdb_type_is_binary_coercible(context->access, source->oid, function->argument_types[0], &fits, err))
        return false;
    if (!fits)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "argument of cast function must match or be binary-coercible from source data type");
    if (function->argument_count > 1 && function->argument_types[1] != RDB_INT4OID)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "second argument of cast function must be type %s", "integer");
    if (function->argument_count > 2 && function->argument_types[2] != RDB_BOOLOID)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "third argument of cast function must be type %s", "boolean");
    if (!rdb_type_is_binary_coercible(context->access, function->return_type, target->oid, &fits, err))
        return false;
    if (!fits)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "return data type of cast function must match or be binary-coercible to target data type");
    if (function->kind != 'f')
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "cast function must be a normal function");
    if (function->returns_set)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "cast function must not return a set");
    return true;
}

/* WITHOUT FUNCTION: the bytes of one are those of the other, which the server can only believe where they look alike to it. */
static bool check_binary(rdb_command_context *context, const rdb_type *source, const rdb_type *target, rdb_error *err)
{
    const char *const same[] = {"composite", "enum", "array", "domain"};
    if (!context->role->is_superuser)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be superuser to create a cast WITHOUT FUNCTION");
    if (source->typlen != target->typlen || source->is_by_value != target->is_by_value || source->rep != target->rep)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "source and target data types are not physically compatible");
    const int kind = source->kind == 'c' || target->kind == 'c'                                                                ? 0
                     : source->kind == 'e' || target->kind == 'e'                                                              ? 1
                     : (source->element != NULL && source->typlen == -1) || (target->element != NULL && target->typlen == -1) ? 2
                     : source->kind == 'd' || target->kind == 'd'                                                              ? 3
                                                                                                                               : -1;
    return kind < 0 || rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "%s data types are not binary-compatible", same[kind]);
}

bool command_create_cast(rdb_command_context *context, const rdb_ast_create_cast *statement, rdb_error *err)
{
    rdb_analysis analysis;
    const rdb_type *source, *target;
    const rdb_function *function = NULL;
    int32_t typmod;
    uint32_t collation, oid;
    bool owns_source = false, owns_target = false;
    rdb_cast_entry cast = {.method = statement->is_inout ? 'i' : statement->function != NULL ? 'f' : 'b',
                           .context = statement->context == RDB_SQL_CAST_IMPLICIT ? 'i' : statement->context == RDB_SQL_CAST_ASSIGNMENT ? 'a' : 'e'};
    command_analysis(context, &analysis);
    analysis.text = NULL;
    if (!rdb_type_resolve(&analysis, &statement->source->node, &source, &typmod, &collation, err) ||
        !rdb_type_resolve(&analysis, &statement->target->node, &target, &typmod, &collation, err))
        return false;
    for (int i = 0; i < 2; i++) {
        const rdb_type *type = i == 0 ? source : target;
        if (type->kind == 'p')
            return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "%s data type %s is a pseudo-type", i == 0 ? "source" : "target", definition_type_text(context, type));
    }
    if (!owns_type(context, source, &owns_source, err) || !owns_type(context, target, &owns_target, err))
        return false;
    if (!owns_source && !owns_target)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be owner of type %s or type %s", definition_type_text(context, source), definition_type_text(context, target));
    if (!command_check_type_usage(context, source, err) || !command_check_type_usage(context, target, err))
        return false;
    if (source->kind == 'd')
        command_notice(context, "WARNING", RDB_WRONG_OBJECT_TYPE, "cast will be ignored because the source data type is a domain");
    else if (target->kind == 'd')
        command_notice(context, "WARNING", RDB_WRONG_OBJECT_TYPE, "cast will be ignored because the target data type is a domain");
    if (cast.method == 'f') {
        if (!command_find_routine(context, statement->function, RDB_SQL_OBJECT_FUNCTION, false, &function, err) ||
            !check_cast_function(context, function, source, target, err))
            return false;
        cast.function_oid = function->oid;
    }
    if (cast.method == 'b' && !check_binary(context, source, target, err))
        return false;
    if (source == target && (function == NULL || function->argument_count < 2))
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "source data type and target data type are the same");
    cast.source = source->oid;
    cast.target = target->oid;
    return rdb_ddl_create_cast(context->access, &cast, &oid, err);
}
