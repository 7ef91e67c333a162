/* SPDX-License-Identifier: Apache-2.0
 * Makes the descriptors of built-in objects from the built-in rows, with indexes by OID and by name. Takes about a
 * millisecond, once, when the catalog opens. */
#include "catalog/objects.h"

#include <pthread.h>
#include <stdlib.h>

enum { OID_LIMIT = 16384, ARRAY_SUBSCRIPT_HANDLER = 6179, BTREE_METHOD = 403 };

typedef struct family_member { /* of pg_amop, btree only; sorted by all of the first four */
    uint32_t family_oid, left_type, right_type;
    uint16_t strategy;
    uint32_t operator_oid;
} family_member;

typedef struct named_oid {
    const char *name;
    uint32_t oid;
} named_oid;

/* Everything below is filled by load_all and never changes after. Slots of the by_oid tables are positions + 1. */
static struct {
    rdb_arena *arena;
    rdb_error error; /* why it could not be made */
    rdb_type *types;
    uint32_t type_count;
    uint16_t type_by_oid[OID_LIMIT];
    const rdb_type **types_by_name;
    rdb_function *functions;
    uint32_t function_count;
    uint16_t function_by_oid[OID_LIMIT];
    const rdb_function **functions_by_name;
    rdb_operator_entry *operators;
    uint32_t operator_count;
    uint16_t operator_by_oid[OID_LIMIT];
    const rdb_operator_entry **operators_by_name;
    rdb_map *operator_names; /* name: the first of it in operators_by_name << 16 | how many */
    rdb_cast_entry *casts; /* sorted by source, target */
    uint32_t cast_count;
    rdb_aggregate *aggregates; /* sorted by function */
    uint32_t aggregate_count;
    object_opclass *opclasses;
    uint32_t opclass_count;
    uint16_t default_opclass_by_type[OID_LIMIT]; /* number + 1 in opclasses; 0: none */
    family_member *members;
    const family_member **members_by_operator; /* those of one operator in the order of members */
    uint32_t member_count;
    named_oid *collations, *namespaces;
    uint32_t collation_count, namespace_count;
} objects;
static pthread_once_t objects_once = PTHREAD_ONCE_INIT;

/* ---- reading rows ---------------------------------------------------------------------------------------------------- */
typedef struct row_reader {
    const catalog_blob_relation *relation;
    uint32_t row_no;
} row_reader;

static const char *read_text(const row_reader *reader, const char *column)
{
    uint32_t column_no = builtin_column_by_name(reader->relation, column);
    RDB_VERIFY(column_no != UINT32_MAX);
    return builtin_value(reader->relation, reader->row_no, column_no);
}

/* A column number is found once a relation, not once a row: reading by name would compare names for every cell. */
#define COLUMN_NO(relation, column) builtin_column_by_name((relation), (column))

static uint32_t to_oid(const char *text)
{
    return text == NULL || strcmp(text, "-") == 0 ? 0 : (uint32_t)strtoul(text, NULL, 10);
}

static bool to_bool(const char *text)
{
    return text != NULL && text[0] == 't';
}

static void *allocate(size_t bytes, size_t count)
{
    void *memory = rdb_arena_try_alloc(objects.arena, bytes * (count > 0 ? count : 1), &objects.error);
    if (memory != NULL)
        memset(memory, 0, bytes * (count > 0 ? count : 1));
    return memory;
}

const char *const *objects_split_array(rdb_arena *arena, const char *text, uint32_t *count)
{
    *count = 0;
    if (text == NULL || text[0] != '{')
        return NULL;
    uint32_t limit = 1;
    for (const char *p = text; *p != '\0'; p++)
        limit += *p == ',';
    const char **items = RDB_NEW_ARRAY(arena, const char *, limit);
    const char *p = text + 1;
    while (*p != '\0' && *p != '}') {
        char *item = rdb_arena_alloc(arena, strlen(p) + 1);
        size_t length = 0;
        bool in_quotes = false;
        p += strspn(p, " ");
        for (; *p != '\0' && (in_quotes || (*p != ',' && *p != '}')); p++) {
            if (*p == '"')
                in_quotes = !in_quotes;
            else
                item[length++] = *p == '\\' && p[1] != '\0' ? *++p : *p;
        }
        item[length] = '\0';
        items[(*count)++] = item;
        if (*p == ',')
            p++;
    }
    return items;
}

/* "25 23": an oidvector; or "{25,23}". */
static const uint32_t *split_oids(const char *text, uint32_t *count)
{
    *count = 0;
    if (text == NULL || text[0] == '\0')
        return NULL;
    uint32_t limit = 1;
    for (const char *p = text; *p != '\0'; p++)
        limit += *p == ',' || *p == ' ';
    uint32_t *oids = RDB_NEW_ARRAY(objects.arena, uint32_t, limit);
    for (const char *p = text; *p != '\0';) {
        if (*p < '0' || *p > '9') {
            p++;
            continue;
        }
        char *end;
        oids[(*count)++] = (uint32_t)strtoul(p, &end, 10);
        p = end;
    }
    return oids;
}

/* ---- types ----------------------------------------------------------------------------------------------------------- */
static rdb_type *type_slot(uint32_t oid)
{
    return oid < OID_LIMIT && objects.type_by_oid[oid] != 0 ? &objects.types[objects.type_by_oid[oid] - 1] : NULL;
}

static rdb_type *add_type(uint32_t oid)
{
    rdb_type *type = &objects.types[objects.type_count++];
    type->oid = oid;
    objects.type_by_oid[oid] = (uint16_t)objects.type_count;
    return type;
}

/* The row type of a system table and the array of it, where pg_type's rows do not have them. */
static void add_row_types(const catalog_blob_relation *relation)
{
    static const char prefix[] = "_";
    if (relation->array_type_oid == 0)
        return;
    const rdb_type *record = type_slot(RDB_RECORDOID), *records = type_slot(RDB_RECORDARRAYOID);
    rdb_type *row = add_type(relation->row_type_oid);
    uint32_t oid = row->oid;
    *row = *record;
    row->oid = oid;
    row->name = builtin_text(relation->name);
    row->kind = 'c';
    row->category = 'C';
    row->array_oid = relation->array_type_oid;
    row->relation_oid = relation->oid;
    rdb_type *array = add_type(relation->array_type_oid);
    oid = array->oid;
    *array = *records;
    array->oid = oid;
    array->name = rdb_arena_printf(objects.arena, "%s%s", prefix, row->name);
    array->kind = 'b';
    array->category = 'A';
    array->array_oid = 0;
    array->element = row;
    /* The record types are pseudo-types, whose values go through other functions than those of a named row's array. */
    array->input_oid = 750;
    array->output_oid = 751;
    array->receive_oid = 2400;
    array->send_oid = 2401;
}

static int compare_type_names(const void *left, const void *right)
{
    return strcmp((*(const rdb_type *const *)left)->name, (*(const rdb_type *const *)right)->name);
}

static bool load_types(void)
{
    const catalog_blob_relation *relation = builtin_relation_by_name("pg_type");
    objects.types = allocate(sizeof *objects.types, relation->row_count + 2 * builtin_relation_count());
    if (objects.types == NULL)
        return false;
    row_reader row = {relation, 0};
    for (; row.row_no < relation->row_count; row.row_no++) {
        rdb_type *type = add_type(to_oid(read_text(&row, "oid")));
        type->name = read_text(&row, "typname");
        type->namespace_oid = to_oid(read_text(&row, "typnamespace"));
        type->kind = read_text(&row, "typtype")[0];
        type->category = read_text(&row, "typcategory")[0];
        type->is_preferred = to_bool(read_text(&row, "typispreferred"));
        type->is_defined = to_bool(read_text(&row, "typisdefined"));
        type->typlen = (int16_t)atoi(read_text(&row, "typlen"));
        type->is_by_value = to_bool(read_text(&row, "typbyval"));
        type->delimiter = read_text(&row, "typdelim")[0];
        type->array_oid = to_oid(read_text(&row, "typarray"));
        type->collation = to_oid(read_text(&row, "typcollation"));
        type->relation_oid = to_oid(read_text(&row, "typrelid"));
        type->domain_typmod = atoi(read_text(&row, "typtypmod"));
        type->input_oid = to_oid(read_text(&row, "typinput"));
        type->output_oid = to_oid(read_text(&row, "typoutput"));
        type->receive_oid = to_oid(read_text(&row, "typreceive"));
        type->send_oid = to_oid(read_text(&row, "typsend"));
        type->typmod_in_oid = to_oid(read_text(&row, "typmodin"));
        type->typmod_out_oid = to_oid(read_text(&row, "typmodout"));
    }
    for (row.row_no = 0; row.row_no < relation->row_count; row.row_no++)
        if (to_oid(read_text(&row, "typsubscript")) == ARRAY_SUBSCRIPT_HANDLER)
            objects.types[row.row_no].element = type_slot(to_oid(read_text(&row, "typelem")));
    for (uint32_t i = 0; i < builtin_relation_count(); i++)
        add_row_types(builtin_relation_at(i));
    relation = builtin_relation_by_name("pg_range");
    row = (row_reader){relation, 0};
    for (; row.row_no < relation->row_count; row.row_no++) {
        rdb_type *range = type_slot(to_oid(read_text(&row, "rngtypid")));
        rdb_type *multirange = type_slot(to_oid(read_text(&row, "rngmultitypid")));
        RDB_VERIFY(range != NULL && multirange != NULL);
        range->base = type_slot(to_oid(read_text(&row, "rngsubtype")));
        multirange->base = range;
        range->multirange_oid = multirange->oid;
    }
    for (uint32_t i = 0; i < builtin_relation_count(); i++) {
        const catalog_blob_relation *table = builtin_relation_at(i);
        rdb_type *composite = type_slot(table->row_type_oid);
        RDB_VERIFY(composite != NULL);
        rdb_type_field *fields = RDB_NEW_ARRAY(objects.arena, rdb_type_field, table->column_count);
        for (uint32_t k = 0; k < table->column_count; k++) {
            const catalog_blob_column *column = builtin_column_at(table, k);
            fields[k] = (rdb_type_field){.name = builtin_text(column->name), .type = type_slot(column->type_oid), .typmod = -1};
            RDB_VERIFY(fields[k].type != NULL);
            /* System tables order their texts by bytes. */
            fields[k].collation = fields[k].type->collation != 0 ? RDB_C_COLLATION_OID : 0;
        }
        composite->fields = fields;
        composite->field_count = table->column_count;
    }
    objects.types_by_name = allocate(sizeof *objects.types_by_name, objects.type_count);
    if (objects.types_by_name == NULL)
        return false;
    for (uint32_t i = 0; i < objects.type_count; i++) {
        rdb_type *type = &objects.types[i];
        type->rep = (uint8_t)rdb_type_rep(type->oid, type->kind, type->typlen);
        objects.types_by_name[i] = type;
    }
    for (uint32_t i = 0; i < objects.type_count; i++) /* when all are whole: an array asks about its element */
        objects.types[i].ops = rdb_type_ops_find(&objects.types[i]);
    qsort(objects.types_by_name, objects.type_count, sizeof *objects.types_by_name, compare_type_names);
    return true;
}

/* ---- functions --------------------------------------------------------------------------------------------------------- */
static int compare_functions(const void *left, const void *right)
{
    const rdb_function *a = *(const rdb_function *const *)left, *b = *(const rdb_function *const *)right;
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : (a->oid > b->oid) - (a->oid < b->oid);
}

static bool load_functions(void)
{
    const catalog_blob_relation *relation = builtin_relation_by_name("pg_proc");
    objects.functions = allocate(sizeof *objects.functions, relation->row_count);
    objects.functions_by_name = allocate(sizeof *objects.functions_by_name, relation->row_count);
    if (objects.functions == NULL || objects.functions_by_name == NULL)
        return false;
    objects.function_count = relation->row_count;
    const uint32_t oid = COLUMN_NO(relation, "oid"), name = COLUMN_NO(relation, "proname"), kind = COLUMN_NO(relation, "prokind"),
                   strict = COLUMN_NO(relation, "proisstrict"), set = COLUMN_NO(relation, "proretset"),
                   leakproof = COLUMN_NO(relation, "proleakproof"), volatility = COLUMN_NO(relation, "provolatile"),
                   parallel = COLUMN_NO(relation, "proparallel"), defaults = COLUMN_NO(relation, "pronargdefaults"),
                   types = COLUMN_NO(relation, "proargtypes"), variadic = COLUMN_NO(relation, "provariadic"),
                   result = COLUMN_NO(relation, "prorettype"), all = COLUMN_NO(relation, "proallargtypes"),
                   modes = COLUMN_NO(relation, "proargmodes"), names = COLUMN_NO(relation, "proargnames"),
                   default_texts = COLUMN_NO(relation, "proargdefaults"), language = COLUMN_NO(relation, "prolang"),
                   source = COLUMN_NO(relation, "prosrc"), binary = COLUMN_NO(relation, "probin"),
                   namespace_no = COLUMN_NO(relation, "pronamespace");
    for (uint32_t row = 0; row < relation->row_count; row++) {
#define CELL(column) builtin_value(relation, row, (column))
        rdb_function *function = &objects.functions[row];
        uint32_t count;
        function->oid = to_oid(CELL(oid));
        objects.function_by_oid[function->oid] = (uint16_t)(row + 1);
        function->namespace_oid = to_oid(CELL(namespace_no));
        function->name = CELL(name);
        function->kind = CELL(kind)[0];
        function->is_strict = to_bool(CELL(strict));
        function->returns_set = to_bool(CELL(set));
        function->is_leakproof = to_bool(CELL(leakproof));
        function->volatility = CELL(volatility)[0];
        function->parallel = CELL(parallel)[0];
        function->argument_types = split_oids(CELL(types), &count);
        function->argument_count = (uint16_t)count;
        function->default_count = (uint16_t)to_oid(CELL(defaults));
        function->variadic_type = to_oid(CELL(variadic));
        function->return_type = to_oid(CELL(result));
        function->all_types = split_oids(CELL(all), &count);
        function->all_count = (uint16_t)count;
        const char *const *letters = objects_split_array(objects.arena, CELL(modes), &count);
        if (count > 0) {
            char *all_modes = rdb_arena_zalloc(objects.arena, count + 1);
            for (uint32_t i = 0; i < count; i++)
                all_modes[i] = letters[i][0];
            function->all_modes = all_modes;
        }
        function->argument_names = objects_split_array(objects.arena, CELL(names), &count);
        function->defaults_tree = CELL(default_texts);
        function->language_oid = to_oid(CELL(language));
        function->source = CELL(source);
        function->binary_source = CELL(binary);
        objects.functions_by_name[row] = function;
#undef CELL
    }
    qsort(objects.functions_by_name, objects.function_count, sizeof *objects.functions_by_name, compare_functions);
    return true;
}

/* ---- operators --------------------------------------------------------------------------------------------------------- */
static int compare_operators(const void *left, const void *right)
{
    const rdb_operator_entry *a = *(const rdb_operator_entry *const *)left, *b = *(const rdb_operator_entry *const *)right;
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : (a->oid > b->oid) - (a->oid < b->oid);
}

static bool load_operators(void)
{
    const catalog_blob_relation *relation = builtin_relation_by_name("pg_operator");
    objects.operators = allocate(sizeof *objects.operators, relation->row_count);
    objects.operators_by_name = allocate(sizeof *objects.operators_by_name, relation->row_count);
    if (objects.operators == NULL || objects.operators_by_name == NULL)
        return false;
    objects.operator_count = relation->row_count;
    for (row_reader row = {relation, 0}; row.row_no < relation->row_count; row.row_no++) {
        rdb_operator_entry *entry = &objects.operators[row.row_no];
        *entry = (rdb_operator_entry){.oid = to_oid(read_text(&row, "oid")),
                                      .namespace_oid = to_oid(read_text(&row, "oprnamespace")),
                                      .left_type = to_oid(read_text(&row, "oprleft")),
                                      .right_type = to_oid(read_text(&row, "oprright")),
                                      .result_type = to_oid(read_text(&row, "oprresult")),
                                      .function_oid = to_oid(read_text(&row, "oprcode")),
                                      .commutator_oid = to_oid(read_text(&row, "oprcom")),
                                      .negator_oid = to_oid(read_text(&row, "oprnegate")),
                                      .name = read_text(&row, "oprname"),
                                      .can_merge = to_bool(read_text(&row, "oprcanmerge")),
                                      .can_hash = to_bool(read_text(&row, "oprcanhash")),
                                      .restrict_oid = to_oid(read_text(&row, "oprrest")),
                                      .join_oid = to_oid(read_text(&row, "oprjoin"))};
        objects.operator_by_oid[entry->oid] = (uint16_t)(row.row_no + 1);
        objects.operators_by_name[row.row_no] = entry;
    }
    qsort(objects.operators_by_name, objects.operator_count, sizeof *objects.operators_by_name, compare_operators);
    objects.operator_names = rdb_map_create();
    for (uint32_t first = 0, next; first < objects.operator_count; first = next) {
        const char *name = objects.operators_by_name[first]->name;
        for (next = first + 1; next < objects.operator_count && strcmp(objects.operators_by_name[next]->name, name) == 0;)
            next++;
        if (objects.operator_names == NULL || !rdb_map_put(objects.operator_names, name, strlen(name), (void *)((uintptr_t)first << 16 | (next - first)), NULL))
            return false;
    }
    return true;
}

/* ---- the small ones ---------------------------------------------------------------------------------------------------- */
static int compare_casts(const void *left, const void *right)
{
    const rdb_cast_entry *a = left, *b = right;
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    return (a->target > b->target) - (a->target < b->target);
}

static int compare_aggregates(const void *left, const void *right)
{
    const rdb_aggregate *a = left, *b = right;
    return (a->function_oid > b->function_oid) - (a->function_oid < b->function_oid);
}

static int compare_members(const void *left, const void *right)
{
    const family_member *a = left, *b = right;
    if (a->family_oid != b->family_oid)
        return a->family_oid < b->family_oid ? -1 : 1;
    if (a->left_type != b->left_type)
        return a->left_type < b->left_type ? -1 : 1;
    if (a->right_type != b->right_type)
        return a->right_type < b->right_type ? -1 : 1;
    return (a->strategy > b->strategy) - (a->strategy < b->strategy);
}

static int compare_members_operators(const void *left, const void *right)
{
    const family_member *a = *(const family_member *const *)left, *b = *(const family_member *const *)right;
    if (a->operator_oid != b->operator_oid)
        return a->operator_oid < b->operator_oid ? -1 : 1;
    return (a > b) - (a < b);
}

static bool load_casts(void)
{
    const catalog_blob_relation *relation = builtin_relation_by_name("pg_cast");
    objects.casts = allocate(sizeof *objects.casts, relation->row_count);
    if (objects.casts == NULL)
        return false;
    objects.cast_count = relation->row_count;
    for (row_reader row = {relation, 0}; row.row_no < relation->row_count; row.row_no++)
        objects.casts[row.row_no] = (rdb_cast_entry){.source = to_oid(read_text(&row, "castsource")),
                                                     .target = to_oid(read_text(&row, "casttarget")),
                                                     .function_oid = to_oid(read_text(&row, "castfunc")),
                                                     .context = read_text(&row, "castcontext")[0],
                                                     .method = read_text(&row, "castmethod")[0]};
    qsort(objects.casts, objects.cast_count, sizeof *objects.casts, compare_casts);
    return true;
}

static bool load_aggregates(void)
{
    const catalog_blob_relation *relation = builtin_relation_by_name("pg_aggregate");
    objects.aggregates = allocate(sizeof *objects.aggregates, relation->row_count);
    if (objects.aggregates == NULL)
        return false;
    objects.aggregate_count = relation->row_count;
    for (row_reader row = {relation, 0}; row.row_no < relation->row_count; row.row_no++)
        objects.aggregates[row.row_no] =
            (rdb_aggregate){.function_oid = to_oid(read_text(&row, "aggfnoid")),
                            .kind = read_text(&row, "aggkind")[0],
                            .direct_argument_count = (uint16_t)to_oid(read_text(&row, "aggnumdirectargs")),
                            .transition_type = to_oid(read_text(&row, "aggtranstype")),
                            .transition_oid = to_oid(read_text(&row, "aggtransfn")),
                            .final_oid = to_oid(read_text(&row, "aggfinalfn")),
                            .sort_operator = to_oid(read_text(&row, "aggsortop"))};
    qsort(objects.aggregates, objects.aggregate_count, sizeof *objects.aggregates, compare_aggregates);
    return true;
}

static bool load_opclasses(void)
{
    const catalog_blob_relation *classes = builtin_relation_by_name("pg_opclass");
    const catalog_blob_relation *members = builtin_relation_by_name("pg_amop");
    objects.opclasses = allocate(sizeof *objects.opclasses, classes->row_count);
    objects.members = allocate(sizeof *objects.members, members->row_count);
    if (objects.opclasses == NULL || objects.members == NULL)
        return false;
    for (row_reader row = {classes, 0}; row.row_no < classes->row_count; row.row_no++) {
        if (to_oid(read_text(&row, "opcmethod")) != BTREE_METHOD)
            continue;
        objects.opclasses[objects.opclass_count++] = (object_opclass){.oid = to_oid(read_text(&row, "oid")),
                                                                      .family_oid = to_oid(read_text(&row, "opcfamily")),
                                                                      .input_type = to_oid(read_text(&row, "opcintype")),
                                                                      .name = read_text(&row, "opcname"),
                                                                      .is_default = to_bool(read_text(&row, "opcdefault"))};
    }
    for (uint32_t i = objects.opclass_count; i-- > 0;) /* the first of several stays */
        if (objects.opclasses[i].is_default && objects.opclasses[i].input_type < OID_LIMIT)
            objects.default_opclass_by_type[objects.opclasses[i].input_type] = (uint16_t)(i + 1);
    for (row_reader row = {members, 0}; row.row_no < members->row_count; row.row_no++) {
        if (to_oid(read_text(&row, "amopmethod")) != BTREE_METHOD)
            continue;
        objects.members[objects.member_count++] = (family_member){.family_oid = to_oid(read_text(&row, "amopfamily")),
                                                                  .left_type = to_oid(read_text(&row, "amoplefttype")),
                                                                  .right_type = to_oid(read_text(&row, "amoprighttype")),
                                                                  .strategy = (uint16_t)to_oid(read_text(&row, "amopstrategy")),
                                                                  .operator_oid = to_oid(read_text(&row, "amopopr"))};
    }
    qsort(objects.members, objects.member_count, sizeof *objects.members, compare_members);
    objects.members_by_operator = allocate(sizeof *objects.members_by_operator, objects.member_count);
    if (objects.members_by_operator == NULL)
        return false;
    for (uint32_t i = 0; i < objects.member_count; i++)
        objects.members_by_operator[i] = &objects.members[i];
    qsort(objects.members_by_operator, objects.member_count, sizeof *objects.members_by_operator, compare_members_operators);
    return true;
}

static bool load_names(const char *table, const char *name_column, named_oid **list, uint32_t *count)
{
    const catalog_blob_relation *relation = builtin_relation_by_name(table);
    *list = allocate(sizeof **list, relation->row_count);
    if (*list == NULL)
        return false;
    for (row_reader row = {relation, 0}; row.row_no < relation->row_count; row.row_no++)
        (*list)[(*count)++] = (named_oid){read_text(&row, name_column), to_oid(read_text(&row, "oid"))};
    return true;
}

static void load_all(void)
{
    objects.arena = rdb_arena_create("catalog objects", NULL, NULL);
    if (objects.arena == NULL) {
        rdb_error_set(&objects.error, RDB_OUT_OF_MEMORY, "out of memory");
        return;
    }
    if (load_types() && load_functions() && load_operators() && load_casts() && load_aggregates() && load_opclasses() &&
        load_names("pg_collation", "collname", &objects.collations, &objects.collation_count) &&
        load_names("pg_namespace", "nspname", &objects.namespaces, &objects.namespace_count) &&
        rdb_arena_check(objects.arena, &objects.error))
        return;
    rdb_arena_destroy(objects.arena);
    objects.arena = NULL;
}

bool objects_load(rdb_error *err)
{
    pthread_once(&objects_once, load_all);
    if (objects.arena == NULL)
        return rdb_error_set(err, objects.error.sqlstate, "%s", objects.error.message);
    return true;
}

/* ---- answers ------------------------------------------------------------------------------------------------------------ */
const rdb_type *objects_type_get(uint32_t oid)
{
    return type_slot(oid);
}

const rdb_type *objects_type_of_input(uint32_t function_oid)
{
    for (uint32_t i = 0; i < objects.type_count; i++) /* array_in and its kin are many types' */
        if (objects.types[i].input_oid == function_oid && objects.types[i].kind == 'b' && (objects.types[i].element == NULL || objects.types[i].category != 'A'))
            return &objects.types[i];
    return NULL;
}

const rdb_type *objects_type_find(const char *name)
{
    const rdb_type key = {.name = name}, *key_pointer = &key;
    const rdb_type **found = bsearch(&key_pointer, objects.types_by_name, objects.type_count, sizeof *objects.types_by_name, compare_type_names);
    return found != NULL ? *found : NULL;
}

const rdb_function *objects_function_get(uint32_t oid)
{
    return oid < OID_LIMIT && objects.function_by_oid[oid] != 0 ? &objects.functions[objects.function_by_oid[oid] - 1] : NULL;
}

uint32_t objects_function_of_source(const char *source)
{
    for (uint32_t i = 0; source != NULL && i < objects.function_count; i++)
        if (objects.functions[i].source != NULL && strcmp(objects.functions[i].source, source) == 0)
            return objects.functions[i].oid;
    return 0;
}

const rdb_function *const *objects_function_find(const char *name, uint32_t *count)
{
    uint32_t low = 0, high = objects.function_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (strcmp(objects.functions_by_name[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (*count = 0; low + *count < objects.function_count && strcmp(objects.functions_by_name[low + *count]->name, name) == 0;)
        ++*count;
    return &objects.functions_by_name[low];
}

const rdb_operator_entry *objects_operator_get(uint32_t oid)
{
    return oid < OID_LIMIT && objects.operator_by_oid[oid] != 0 ? &objects.operators[objects.operator_by_oid[oid] - 1] : NULL;
}

const rdb_operator_entry *const *objects_operator_find(const char *name, uint32_t *count)
{
    const uintptr_t place = (uintptr_t)rdb_map_get(objects.operator_names, name, strlen(name));
    *count = place & 0xffff;
    return &objects.operators_by_name[place >> 16];
}

const rdb_cast_entry *objects_cast_find(uint32_t source, uint32_t target)
{
    const rdb_cast_entry key = {.source = source, .target = target};
    return bsearch(&key, objects.casts, objects.cast_count, sizeof *objects.casts, compare_casts);
}

const rdb_aggregate *objects_aggregate_get(uint32_t function_oid)
{
    const rdb_aggregate key = {.function_oid = function_oid};
    return bsearch(&key, objects.aggregates, objects.aggregate_count, sizeof *objects.aggregates, compare_aggregates);
}

uint32_t objects_aggregate_of_parts(const rdb_aggregate *like)
{
    for (uint32_t i = 0; i < objects.aggregate_count; i++) {
        const rdb_aggregate *one = &objects.aggregates[i];
        if (one->kind == like->kind && one->transition_type == like->transition_type && one->transition_oid == like->transition_oid && one->final_oid == like->final_oid)
            return one->function_oid;
    }
    return 0;
}

static uint32_t find_name(const named_oid *list, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return list[i].oid;
    return 0;
}

uint32_t objects_collation_find(const char *name)
{
    return find_name(objects.collations, objects.collation_count, name);
}

uint32_t objects_namespace_find(const char *name)
{
    return find_name(objects.namespaces, objects.namespace_count, name);
}

const char *objects_namespace_name(uint32_t oid)
{
    for (uint32_t i = 0; i < objects.namespace_count; i++)
        if (objects.namespaces[i].oid == oid)
            return objects.namespaces[i].name;
    return NULL;
}

const object_opclass *objects_opclass_get(uint32_t oid)
{
    for (uint32_t i = 0; i < objects.opclass_count; i++)
        if (objects.opclasses[i].oid == oid)
            return &objects.opclasses[i];
    return NULL;
}

const object_opclass *objects_opclass_find(const char *name)
{
    for (uint32_t i = 0; i < objects.opclass_count; i++)
        if (strcmp(objects.opclasses[i].name, name) == 0)
            return &objects.opclasses[i];
    return NULL;
}

static const object_opclass *default_opclass_of(uint32_t input_type)
{
    const uint16_t place = input_type < OID_LIMIT ? objects.default_opclass_by_type[input_type] : 0;
    return place != 0 ? &objects.opclasses[place - 1] : NULL;
}

const object_opclass *objects_opclass_default(const rdb_type *type)
{
    enum { ANYMULTIRANGE = 4537 };
    while (type->kind == 'd' && type->base != NULL)
        type = type->base;
    const object_opclass *exact = default_opclass_of(type->oid);
    if (exact != NULL)
        return exact;
    switch (type->kind) {
    case 'e':
        return default_opclass_of(RDB_ANYENUMOID);
    case 'r':
        return default_opclass_of(RDB_ANYRANGEOID);
    case 'm':
        return default_opclass_of(ANYMULTIRANGE);
    case 'c':
        return default_opclass_of(RDB_RECORDOID);
    default:
        break;
    }
    if (type->element != NULL && (type->category == 'A' || type->oid == RDB_RECORDARRAYOID))
        return default_opclass_of(RDB_ANYARRAYOID);
    /* What it converts to without a function and without being asked; a preferred type wins, as PostgreSQL has it. */
    const object_opclass *found = NULL;
    for (uint32_t i = 0; i < objects.cast_count; i++) {
        const rdb_cast_entry *cast = &objects.casts[i];
        if (cast->source != type->oid || cast->method != 'b' || cast->context != 'i')
            continue;
        const object_opclass *candidate = default_opclass_of(cast->target);
        const rdb_type *target = type_slot(cast->target);
        if (candidate != NULL && (found == NULL || (target != NULL && target->is_preferred)))
            found = candidate;
    }
    return found;
}

uint32_t objects_family_operator(uint32_t family_oid, uint32_t left_type, uint32_t right_type, uint16_t strategy)
{
    const family_member key = {.family_oid = family_oid, .left_type = left_type, .right_type = right_type, .strategy = strategy};
    const family_member *found = bsearch(&key, objects.members, objects.member_count, sizeof *objects.members, compare_members);
    return found != NULL ? found->operator_oid : 0;
}

uint16_t objects_operator_strategy(uint32_t operator_oid, uint32_t *family_oid)
{
    const family_member *found = NULL;
    uint32_t low = 0, high = objects.member_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (objects.members_by_operator[middle]->operator_oid < operator_oid)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < objects.member_count && objects.members_by_operator[low]->operator_oid == operator_oid; low++) {
        const family_member *member = objects.members_by_operator[low];
        const object_opclass *standard = default_opclass_of(member->left_type);
        bool is_standard = standard != NULL && standard->family_oid == member->family_oid;
        if (found == NULL || is_standard)
            found = member;
        if (is_standard)
            break;
    }
    *family_oid = found != NULL ? found->family_oid : 0;
    return found != NULL ? found->strategy : 0;
}
