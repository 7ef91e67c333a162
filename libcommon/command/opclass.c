/* SPDX-License-Identifier: Apache-2.0
 * CREATE OPERATOR CLASS, CREATE OPERATOR FAMILY and ALTER OPERATOR FAMILY. They are kept and shown; what an index does with a class is its
 * type's own order, so that create_index.c takes only those classes whose comparison is that one. */
#include "catalog/rdb_acl.h"
#include "command/definition.h"

#include <limits.h>

enum { BTREE = 403, HASH = 405, GIST = 783, GIN = 2742, SPGIST = 4000, BRIN = 3580, MEMBERS_MAX = 256 };

typedef struct method_limits {
    uint32_t oid;
    int strategies, functions; /* strategies 0: any number */
    int options;               /* the number of the function that reads options */
    bool orders, stores;       /* ordering operators; another type than the column's */
} method_limits;
static const method_limits METHODS[] = {{BTREE, 5, 5, 5, false, false}, {HASH, 1, 3, 3, false, false}, {GIST, 0, 11, 10, true, true},
                                        {GIN, 0, 7, 7, false, true},    {SPGIST, 0, 7, 6, true, true}, {BRIN, 0, 15, 5, false, true}};

typedef struct opclass_work {
    rdb_command_context *context;
    rdb_analysis analysis;
    const char *method_name;
    const method_limits *method;
    int strategies;
    const rdb_type *type;          /* of the class; NULL: a family alone */
    rdb_opfamily_member members[MEMBERS_MAX];
    uint32_t count;
    const rdb_type *stored;
    rdb_error *err;
} opclass_work;

#define FAIL(w, ...) return rdb_error_set((w)->err, RDB_INVALID_OBJECT_DEFINITION, __VA_ARGS__)

static bool find_method(opclass_work *w, const char *name)
{
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true, ok;
    uint32_t oid = 0;
    w->method_name = name;
    ok = rdb_catalog_scan_open(&scan, w->context->access, RDB_PG_AM, 0, NULL, 0, w->context->arena, w->err);
    while (ok && oid == 0 && (ok = rdb_catalog_scan_next(scan, &row, &found, w->err)) && found) {
        const rdb_bytes text = row.values[RDB_pg_am_amname - 1].bytes;
        if (text.length == strlen(name) && memcmp(text.data, name, text.length) == 0)
            oid = row.values[RDB_pg_am_oid - 1].oid;
    }
    rdb_catalog_scan_close(&scan);
    for (size_t i = 0; i < RDB_COUNT_OF(METHODS); i++)
        if (METHODS[i].oid == oid)
            w->method = &METHODS[i];
    if (!ok || w->method != NULL) {
        w->strategies = w->method != NULL && w->method->strategies != 0 ? w->method->strategies : SHRT_MAX;
        return ok;
    }
    return oid == 0 ? rdb_error_set(w->err, RDB_UNDEFINED_OBJECT, "access method \"%s\" does not exist", name)
                    : rdb_error_set(w->err, RDB_WRONG_OBJECT_TYPE, "access method \"%s\" is not an index access method", name);
}

static const char *name_of(const rdb_ast_names *names)
{
    return names->items[names->count - 1];
}

/* As DROP would name it: the method first. */
static bool find_named(opclass_work *w, rdb_sql_object_type type, const rdb_ast_names *names, bool missing_ok, command_object *object)
{
    rdb_ast_items *list = RDB_NEW(w->context->arena, rdb_ast_items);
    list->node = (rdb_ast_node){RDB_AST_LIST, -1};
    for (uint32_t i = 0; i <= names->count; i++) {
        rdb_ast_value *part = RDB_NEW(w->context->arena, rdb_ast_value);
        *part = (rdb_ast_value){.node = {RDB_AST_VALUE, -1}, .kind = RDB_SQL_VALUE_STRING, .text = i == 0 ? w->method_name : names->items[i - 1]};
        rdb_list_push(w->context->arena, &list->items, part);
    }
    if (command_find_object(w->context, type, NULL, &list->node, NULL, false, object, w->err))
        return true;
    if (!missing_ok || !rdb_error_is(w->err, RDB_UNDEFINED_OBJECT))
        return false;
    rdb_error_clear(w->err);
    *object = (command_object){.type = type};
    return true;
}

/* In that schema, of that method; 0: none. For classes also the one that is the type's default. */
static bool find_in_schema(opclass_work *w, bool is_class, uint32_t namespace_oid, const char *name, uint32_t default_for, uint32_t *oid, const char **found_name)
{
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true, ok;
    const int columns[2][4] = {{RDB_pg_opfamily_oid, RDB_pg_opfamily_opfname, RDB_pg_opfamily_opfnamespace, RDB_pg_opfamily_opfmethod},
                               {RDB_pg_opclass_oid, RDB_pg_opclass_opcname, RDB_pg_opclass_opcnamespace, RDB_pg_opclass_opcmethod}};
    const int *at = columns[is_class];
    *oid = 0;
    ok = rdb_catalog_scan_open(&scan, w->context->access, is_class ? RDB_PG_OPCLASS : RDB_PG_OPFAMILY, 0, NULL, 0, w->context->arena, w->err);
    while (ok && *oid == 0 && (ok = rdb_catalog_scan_next(scan, &row, &found, w->err)) && found) {
        const rdb_bytes text = row.values[at[1] - 1].bytes;
        if (row.values[at[3] - 1].oid != w->method->oid)
            continue;
        const bool fits = default_for != 0 ? row.values[RDB_pg_opclass_opcdefault - 1].b && row.values[RDB_pg_opclass_opcintype - 1].oid == default_for
                                           : row.values[at[2] - 1].oid == namespace_oid && text.length == strlen(name) && memcmp(text.data, name, text.length) == 0;
        if (!fits)
            continue;
        *oid = row.values[at[0] - 1].oid;
        if (found_name != NULL)
            *found_name = rdb_arena_strndup(w->context->arena, (const char *)text.data, text.length);
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

/* ---- members ---------------------------------------------------------------------------------------------------------------------- */
static bool read_types(opclass_work *w, const rdb_list *written, uint32_t *left, uint32_t *right)
{
    uint32_t oids[2] = {0, 0};
    if (written->count == 0 || written->count > 2)
        return rdb_error_set(w->err, RDB_SYNTAX_ERROR, "one or two argument types must be specified");
    for (uint32_t i = 0; i < written->count; i++) {
        const rdb_type *type;
        int32_t typmod;
        uint32_t collation;
        if (!rdb_type_resolve(&w->analysis, written->items[i], &type, &typmod, &collation, w->err))
            return false;
        oids[i] = type->oid;
    }
    *left = oids[0];
    *right = written->count == 2 ? oids[1] : oids[0];
    return true;
}

static bool read_operator(opclass_work *w, const rdb_ast_opclass_item *item, rdb_opfamily_member *m)
{
    const rdb_ast_signature *named = item->signature;
    const rdb_operator_entry *entry = NULL;
    const rdb_operator_entry *const *entries;
    uint32_t count;
    command_object object;
    if (item->number <= 0 || item->number > w->strategies)
        FAIL(w, "invalid operator number %d, must be between 1 and %d", item->number, w->strategies);
    if (named->args.count > 0) {
        if (!command_find_object(w->context, RDB_SQL_OBJECT_OPERATOR, NULL, &named->node, NULL, false, &object, w->err) ||
            !rdb_operator_get(w->context->access, object.address.object_oid, &entry, w->err))
            return false;
    } else if (w->type == NULL) {
        return rdb_error_set(w->err, RDB_SYNTAX_ERROR, "operator argument types must be specified in ALTER OPERATOR FAMILY");
    } else {
        if (!rdb_operator_find(w->context->access, named->name.count > 1 ? named->name.items[named->name.count - 2] : NULL, name_of(&named->name), &entries, &count, w->err))
            return false;
        for (uint32_t i = 0; i < count && entry == NULL; i++)
            if (entries[i]->left_type == w->type->oid && entries[i]->right_type == w->type->oid)
                entry = entries[i];
        const char *shown = definition_type_text(w->context, w->type);
        if (entry == NULL)
            return rdb_error_set(w->err, RDB_UNDEFINED_FUNCTION, "operator does not exist: %s %s %s", shown, definition_name_text(w->context, &named->name), shown);
    }
    if (item->order_family.count > 0) {
        opclass_work other = {.context = w->context, .err = w->err};
        if (!find_method(&other, "btree") || !find_named(&other, RDB_SQL_OBJECT_OPFAMILY, &item->order_family, false, &object))
            return false;
        m->sort_family_oid = object.address.object_oid;
        if (!w->method->orders)
            FAIL(w, "access method \"%s\" does not support ordering operators", w->method_name);
    }
    if (entry->left_type == 0)
        FAIL(w, "index operators must be binary");
    if (item->order_family.count == 0 && entry->result_type != RDB_BOOLOID)
        FAIL(w, "index search operators must return boolean");
    *m = (rdb_opfamily_member){.is_operator = true, .number = (int16_t)item->number, .left_type = entry->left_type, .right_type = entry->right_type, .object_oid = entry->oid,
                               .sort_family_oid = m->sort_family_oid};
    return true;
}

/* What the B-tree's and the hash's functions must look like; their types where they are not written. */
static bool check_function(opclass_work *w, const rdb_function *f, rdb_opfamily_member *m)
{
    static const struct { uint32_t method; int16_t number; uint16_t arguments; uint32_t result; const char *words, *count, *type; } RULES[] = {
        {BTREE, 1, 2, RDB_INT4OID, "btree comparison functions", "two arguments", "integer"},
        {BTREE, 3, 5, RDB_BOOLOID, "btree in_range functions", "five arguments", "boolean"},
        {BTREE, 4, 1, RDB_BOOLOID, "btree equal image functions", "one argument", "boolean"},
        {HASH, 1, 1, RDB_INT4OID, "hash function 1", "one argument", "integer"},
        {HASH, 2, 2, RDB_INT8OID, "hash function 2", "two arguments", "bigint"}};
    if (m->number == w->method->options) {
        if (m->left_type != m->right_type)
            FAIL(w, "left and right associated data types for operator class options parsing functions must match");
        if (f->argument_count != 1 || f->argument_types[0] != RDB_INTERNALOID || f->return_type != RDB_VOIDOID) {
            rdb_error_set(w->err, RDB_INVALID_OBJECT_DEFINITION, "invalid operator class options parsing function");
            return rdb_error_hint(w->err, "Valid signature of operator class options parsing function is %s.", "(internal) RETURNS void");
        }
    } else if (w->method->oid == BTREE && m->number == 2) {
        if (f->argument_count != 1 || f->argument_types[0] != RDB_INTERNALOID)
            FAIL(w, "btree sort support functions must accept type \"internal\"");
        if (f->return_type != RDB_VOIDOID)
            FAIL(w, "btree sort support functions must return void");
    }
    for (size_t i = 0; i < RDB_COUNT_OF(RULES); i++) {
        if (RULES[i].method != w->method->oid || RULES[i].number != m->number)
            continue;
        if (f->argument_count != RULES[i].arguments)
            FAIL(w, "%s must have %s", RULES[i].words, RULES[i].count);
        if (f->return_type != RULES[i].result)
            FAIL(w, "%s must return %s", RULES[i].words, RULES[i].type);
    }
    if (m->left_type == 0 && f->argument_count > 0 && (w->method->oid == HASH || (w->method->oid == BTREE && (m->number == 1 || m->number == 3)))) {
        m->left_type = f->argument_types[0];
        m->right_type = w->method->oid == HASH ? f->argument_types[0] : f->argument_types[m->number == 1 ? 1 : 2];
    }
    if (m->left_type == 0 && w->type != NULL) /* what a class says of itself is of its type */
        m->left_type = m->right_type = w->type->oid;
    if (m->left_type == 0)
        FAIL(w, "associated data types must be specified for index support function");
    if (w->method->oid == BTREE && m->number == 4 && m->left_type != m->right_type)
        FAIL(w, "btree equal image functions must not be cross-type");
    return true;
}

static bool read_function(opclass_work *w, const rdb_ast_opclass_item *item, rdb_opfamily_member *m)
{
    const rdb_function *function = NULL;
    if (item->number <= 0 || item->number > w->method->functions)
        FAIL(w, "invalid function number %d, must be between 1 and %d", item->number, w->method->functions);
    *m = (rdb_opfamily_member){.number = (int16_t)item->number};
    if (!command_find_routine(w->context, item->signature, RDB_SQL_OBJECT_FUNCTION, false, &function, w->err) ||
        (item->types.count > 0 && !read_types(w, &item->types, &m->left_type, &m->right_type)))
        return false;
    m->object_oid = function->oid;
    return check_function(w, function, m);
}

static const char *types_text(opclass_work *w, const rdb_opfamily_member *m)
{
    const rdb_type *left = NULL, *right = NULL;
    if (!rdb_type_get(w->context->access, m->left_type, &left, w->err) || !rdb_type_get(w->context->access, m->right_type, &right, w->err) || left == NULL || right == NULL)
        return "";
    return rdb_arena_printf(w->context->arena, "%s,%s", definition_type_text(w->context, left), definition_type_text(w->context, right));
}

static bool add_member(opclass_work *w, const rdb_opfamily_member *m)
{
    for (uint32_t i = 0; i < w->count; i++) {
        const rdb_opfamily_member *other = &w->members[i];
        if (other->is_operator == m->is_operator && other->number == m->number && other->left_type == m->left_type && other->right_type == m->right_type)
            FAIL(w, "%s number %d for (%s) appears more than once", m->is_operator ? "operator" : "function", m->number, types_text(w, m));
    }
    if (w->count == MEMBERS_MAX)
        return rdb_error_set(w->err, RDB_PROGRAM_LIMIT_EXCEEDED, "an operator family cannot be given more than %d members at once", MEMBERS_MAX);
    w->members[w->count++] = *m;
    return true;
}

static bool read_items(opclass_work *w, const rdb_list *items)
{
    for (uint32_t i = 0; i < items->count; i++) {
        const rdb_ast_opclass_item *item = items->items[i];
        rdb_opfamily_member member = {0};
        int32_t typmod;
        uint32_t collation;
        switch (item->kind) {
        case RDB_SQL_OPCLASS_OPERATOR:
            if (!read_operator(w, item, &member) || !add_member(w, &member))
                return false;
            break;
        case RDB_SQL_OPCLASS_FUNCTION:
            if (!read_function(w, item, &member) || !add_member(w, &member))
                return false;
            break;
        default:
            if (w->type == NULL)
                return rdb_error_set(w->err, RDB_SYNTAX_ERROR, "STORAGE cannot be specified in ALTER OPERATOR FAMILY");
            if (w->stored != NULL)
                FAIL(w, "storage type specified more than once");
            if (!rdb_type_resolve(&w->analysis, &item->stored->node, &w->stored, &typmod, &collation, w->err))
                return false;
            break;
        }
    }
    return true;
}

/* ---- the statements ---------------------------------------------------------------------------------------------------------------------- */
static bool begin(opclass_work *w, rdb_command_context *context, const char *method, rdb_error *err)
{
    w->context = context;
    w->err = err;
    command_analysis(context, &w->analysis);
    w->analysis.text = NULL;
    return find_method(w, method);
}

static bool create_family(opclass_work *w, const char *name, uint32_t namespace_oid, uint32_t *oid)
{
    uint32_t taken = 0;
    if (!find_in_schema(w, false, namespace_oid, name, 0, &taken, NULL))
        return false;
    if (taken != 0)
        return rdb_error_set(w->err, RDB_DUPLICATE_OBJECT, "operator family \"%s\" for access method \"%s\" already exists", name, w->method_name);
    return rdb_ddl_create_opfamily(w->context->access, name, namespace_oid, w->context->role->oid, w->method->oid, oid, w->err);
}

bool command_create_opfamily(rdb_command_context *context, const rdb_ast_create_opfamily *statement, rdb_error *err)
{
    opclass_work *w = RDB_NEW(context->arena, opclass_work);
    uint32_t namespace_oid = 0, oid = 0;
    if (!definition_place(context, &statement->name, &namespace_oid, err) || !begin(w, context, statement->method, err))
        return false;
    if (!context->role->is_superuser)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be superuser to create an operator family");
    return create_family(w, name_of(&statement->name), namespace_oid, &oid);
}

/* Is the class's comparison its type's own? What else orders is none. */
static bool is_own_order(opclass_work *w, bool *is)
{
    uint32_t operator_oid = 0;
    *is = false;
    for (uint32_t i = 0; i < w->count; i++) {
        const rdb_opfamily_member *m = &w->members[i];
        if (!m->is_operator || m->number != 1 || m->left_type != w->type->oid || m->right_type != w->type->oid)
            continue;
        if (!rdb_opclass_operator(w->context->access, w->type->oid, w->type->oid, 1, &operator_oid, w->err))
            return false;
        *is = operator_oid == m->object_oid;
    }
    return true;
}

bool command_create_opclass(rdb_command_context *context, const rdb_ast_create_opclass *statement, rdb_error *err)
{
    opclass_work *w = RDB_NEW(context->arena, opclass_work);
    rdb_opclass_definition d = {.name = name_of(&statement->name), .owner_oid = context->role->oid, .is_default = statement->is_default};
    command_object family = {0};
    const char *other = NULL;
    int32_t typmod;
    uint32_t collation, taken = 0, oid = 0;
    bool is_own = false;
    if (!definition_place(context, &statement->name, &d.namespace_oid, err) || !begin(w, context, statement->method, err))
        return false;
    d.method_oid = w->method->oid;
    if (!context->role->is_superuser)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be superuser to create an operator class");
    if (!rdb_type_resolve(&w->analysis, &statement->type->node, &w->type, &typmod, &collation, err))
        return false;
    d.input_type = w->type->oid;
    if (statement->family.count > 0) {
        if (!find_named(w, RDB_SQL_OBJECT_OPFAMILY, &statement->family, false, &family))
            return false;
        d.family_oid = family.address.object_oid;
    } else if (!find_in_schema(w, false, d.namespace_oid, d.name, 0, &d.family_oid, NULL) ||
               (d.family_oid == 0 && !create_family(w, d.name, d.namespace_oid, &d.family_oid))) {
        return false;
    }
    if (!read_items(w, &statement->items))
        return false;
    if (w->stored != NULL && w->stored->oid != w->type->oid) {
        if (!w->method->stores)
            FAIL(w, "storage type cannot be different from data type for access method \"%s\"", w->method_name);
        d.key_type = w->stored->oid;
    }
    if (!find_in_schema(w, true, d.namespace_oid, d.name, 0, &taken, NULL))
        return false;
    if (taken != 0)
        return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "operator class \"%s\" for access method \"%s\" already exists", d.name, w->method_name);
    if (d.is_default) {
        if (!find_in_schema(w, true, 0, NULL, d.input_type, &taken, &other))
            return false;
        if (taken != 0) {
            rdb_error_set(err, RDB_DUPLICATE_OBJECT, "could not make operator class \"%s\" be default for type %s", d.name, definition_name_text(context, &statement->type->names));
            return rdb_error_detail(err, "Operator class \"%s\" already is the default.", other);
        }
        if (!is_own_order(w, &is_own))
            return false;
        is_own = is_own || rdb_access_extension(context->access) != 0; /* its scripts are ours to know: the comparison is the type's (load.c) */
        if (w->method->oid == BTREE && !is_own)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "default operator classes with another order than the type's own are not supported yet");
    }
    if (!rdb_ddl_create_opclass(context->access, &d, &oid, err))
        return false;
    for (uint32_t i = 0; i < w->count; i++)
        if (!rdb_ddl_add_opfamily_member(context->access, d.method_oid, d.family_oid, oid, &w->members[i], err))
            return false;
    return true;
}

static bool drop_members(opclass_work *w, const rdb_list *items, const command_object *family)
{
    rdb_object_address *objects = RDB_NEW_ARRAY(w->context->arena, rdb_object_address, items->count + 1);
    for (uint32_t i = 0; i < items->count; i++) {
        const rdb_ast_opclass_item *item = items->items[i];
        const bool is_operator = item->kind == RDB_SQL_OPCLASS_OPERATOR;
        const int most = is_operator ? w->strategies : w->method->functions;
        rdb_opfamily_member m = {.is_operator = is_operator, .number = (int16_t)item->number};
        uint32_t oid = 0;
        if (item->number <= 0 || item->number > most)
            FAIL(w, "invalid %s number %d, must be between 1 and %d", is_operator ? "operator" : "function", item->number, most);
        if (!read_types(w, &item->types, &m.left_type, &m.right_type) || !add_member(w, &m) ||
            !rdb_opfamily_member_find(w->context->access, family->address.object_oid, &m, &oid, w->err))
            return false;
        if (oid == 0)
            return rdb_error_set(w->err, RDB_UNDEFINED_OBJECT, "%s %d(%s) does not exist in operator family \"%s\"", is_operator ? "operator" : "function", m.number, types_text(w, &m),
                                 family->name);
        objects[i] = (rdb_object_address){is_operator ? RDB_PG_AMOP : RDB_PG_AMPROC, oid, 0};
    }
    return rdb_ddl_drop(w->context->access, objects, items->count, false, command_drop_notice, w->context, w->err);
}

bool command_alter_opfamily(rdb_command_context *context, const rdb_ast_alter_opfamily *statement, rdb_error *err)
{
    opclass_work *w = RDB_NEW(context->arena, opclass_work);
    command_object family;
    if (!begin(w, context, statement->method, err) || !find_named(w, RDB_SQL_OBJECT_OPFAMILY, &statement->name, false, &family))
        return false;
    if (!context->role->is_superuser)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be superuser to alter an operator family");
    if (statement->is_drop)
        return drop_members(w, &statement->items, &family);
    if (!read_items(w, &statement->items))
        return false;
    for (uint32_t i = 0; i < w->count; i++) {
        const rdb_opfamily_member *m = &w->members[i];
        uint32_t oid = 0;
        if (!rdb_opfamily_member_find(context->access, family.address.object_oid, m, &oid, err))
            return false;
        if (oid != 0)
            return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "%s %d(%s) already exists in operator family \"%s\"", m->is_operator ? "operator" : "function", m->number, types_text(w, m),
                                 family.name);
        if (!rdb_ddl_add_opfamily_member(context->access, w->method->oid, family.address.object_oid, 0, m, err))
            return false;
    }
    return true;
}
