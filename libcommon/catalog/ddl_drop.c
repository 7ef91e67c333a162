/* SPDX-License-Identifier: Apache-2.0
 * Dropping objects with what depends on them, as pg_depend says: what depends automatically or internally goes along, what
 * depends normally needs CASCADE. An object that is an internal part of another is dropped only with that other. The
 * objects are collected breadth first, then removed from the last collected to the first. */
#include "catalog/ddl_int.h"

#include <stdlib.h>

/* ---- names of objects for people ------------------------------------------------------------------------------------------------ */
static bool add_relation_name(rdb_access *access, const rdb_relation *relation, rdb_strbuf *text, rdb_error *err)
{
    bool visible;
    if (!rdb_relation_is_visible(access, relation->oid, &visible, err))
        return false;
    if (!visible)
        rdb_strbuf_addf(text, "%s.", relation->namespace_name);
    rdb_strbuf_adds(text, relation->name);
    return true;
}

static const char *kind_name(char kind)
{
    switch (kind) {
    case 'i':
    case 'I':
        return "index";
    case 'S':
        return "sequence";
    case 'v':
        return "view";
    case 'm':
        return "materialized view";
    case 'c':
        return "composite type";
    case 't':
        return "toast table";
    case 'f':
        return "foreign table";
    default:
        return "table";
    }
}

static bool describe_relation(rdb_access *access, uint32_t oid, int32_t column, rdb_strbuf *text, rdb_error *err)
{
    const rdb_relation *relation;
    if (!rdb_relation_get(access, oid, &relation, err))
        return false;
    if (relation == NULL) {
        rdb_strbuf_addf(text, "relation with OID %u", oid);
        return true;
    }
    if (column > 0 && column <= relation->column_count)
        rdb_strbuf_addf(text, "column %s of ", relation->columns[column - 1].name);
    rdb_strbuf_addf(text, "%s ", kind_name(relation->kind));
    return add_relation_name(access, relation, text, err);
}

/* One row of an object that has a name and perhaps a relation that it is on. */
typedef struct named_kind {
    uint32_t catalog_oid, index_oid;
    int name_column, relation_column; /* 0: on no relation */
    const char *word;
} named_kind;

static const named_kind NAMED_KINDS[] = {
    {RDB_PG_CONSTRAINT, INDEX_CONSTRAINT_OID, RDB_pg_constraint_conname, RDB_pg_constraint_conrelid, "constraint"},
    {RDB_PG_REWRITE, INDEX_REWRITE_OID, RDB_pg_rewrite_rulename, RDB_pg_rewrite_ev_class, "rule"},
    {RDB_PG_TRIGGER, INDEX_TRIGGER_OID, RDB_pg_trigger_tgname, RDB_pg_trigger_tgrelid, "trigger"},
    {RDB_PG_NAMESPACE, INDEX_NAMESPACE_OID, RDB_pg_namespace_nspname, 0, "schema"},
    {RDB_PG_PROC, INDEX_PROC_OID, RDB_pg_proc_proname, 0, "function"},
    {RDB_PG_AUTHID, INDEX_ROLE_OID, RDB_pg_authid_rolname, 0, "role"},
    {RDB_PG_DATABASE, 2672, RDB_pg_database_datname, 0, "database"},
};

static bool describe_default(rdb_access *access, uint32_t oid, rdb_arena *arena, rdb_strbuf *text, rdb_error *err)
{
    rdb_catalog_row row;
    bool found;
    const rdb_datum key = datum_oid(oid);
    if (!catalog_find_row(access, RDB_PG_ATTRDEF, INDEX_ATTRDEF_OID, &key, 1, arena, &row, &found, err))
        return false;
    if (!found) {
        rdb_strbuf_addf(text, "default value with OID %u", oid);
        return true;
    }
    rdb_strbuf_adds(text, "default value for ");
    return describe_relation(access, row_oid(&row, RDB_pg_attrdef_adrelid), row_int16(&row, RDB_pg_attrdef_adnum), text, err);
}

static bool describe_named(rdb_access *access, const named_kind *kind, uint32_t oid, rdb_arena *arena, rdb_strbuf *text, rdb_error *err)
{
    rdb_catalog_row row;
    char name[RDB_NAMEDATALEN];
    bool found;
    const rdb_datum key = datum_oid(oid);
    if (!catalog_find_row(access, kind->catalog_oid, kind->index_oid, &key, 1, arena, &row, &found, err))
        return false;
    if (!found) {
        rdb_strbuf_addf(text, "%s with OID %u", kind->word, oid);
        return true;
    }
    row_name(&row, kind->name_column, name);
    rdb_strbuf_addf(text, "%s %s", kind->word, name);
    if (kind->catalog_oid == RDB_PG_PROC) {
        const rdb_function *function;
        if (!rdb_function_get(access, oid, &function, err))
            return false;
        rdb_strbuf_adds(text, "(");
        for (uint16_t i = 0; function != NULL && i < function->argument_count; i++) {
            const rdb_type *type;
            if (!rdb_type_get(access, function->argument_types[i], &type, err))
                return false;
            rdb_strbuf_adds(text, i > 0 ? "," : "");
            if (type != NULL)
                rdb_type_format_name(type, -1, false, text);
        }
        rdb_strbuf_adds(text, ")");
    }
    uint32_t relation_oid = kind->relation_column != 0 ? row_oid(&row, kind->relation_column) : 0;
    if (relation_oid == 0)
        return true;
    rdb_strbuf_adds(text, " on ");
    return describe_relation(access, relation_oid, 0, text, err);
}

bool rdb_object_describe(rdb_access *access, rdb_object_address object, rdb_strbuf *text, rdb_error *err)
{
    if (object.catalog_oid == RDB_PG_CLASS)
        return describe_relation(access, object.object_oid, object.sub_id, text, err) && rdb_strbuf_check(text, err);
    if (object.catalog_oid == RDB_PG_TYPE) {
        const rdb_type *type;
        if (!rdb_type_get(access, object.object_oid, &type, err))
            return false;
        rdb_strbuf_adds(text, "type ");
        if (type != NULL)
            rdb_type_format_name(type, -1, false, text);
        return rdb_strbuf_check(text, err);
    }
    rdb_arena *arena = ddl_arena(err);
    if (arena == NULL)
        return false;
    bool ok = true, is_known = object.catalog_oid == RDB_PG_ATTRDEF;
    if (is_known)
        ok = describe_default(access, object.object_oid, arena, text, err);
    for (size_t i = 0; !is_known && i < RDB_COUNT_OF(NAMED_KINDS); i++) {
        if (NAMED_KINDS[i].catalog_oid != object.catalog_oid)
            continue;
        is_known = true;
        ok = describe_named(access, &NAMED_KINDS[i], object.object_oid, arena, text, err);
    }
    if (!is_known)
        rdb_strbuf_addf(text, "object %u of catalog %u", object.object_oid, object.catalog_oid);
    rdb_arena_destroy(arena);
    return ok && rdb_strbuf_check(text, err);
}

/* ---- collecting ------------------------------------------------------------------------------------------------------------------ */
typedef struct target {
    rdb_object_address object;
    uint32_t parent;     /* the target because of which it is here; its own number: asked for */
    bool is_normal;      /* depends normally: needs CASCADE */
    bool is_part;        /* goes silently with its parent */
} target;

typedef struct drop_plan {
    target *targets;
    uint32_t count, capacity;
    rdb_access *access;
    uint32_t current;          /* whose dependents are being read */
    rdb_object_address owner;  /* of which the object is an internal part; 0: none */
} drop_plan;

/* A whole object includes its columns. */
static bool includes(rdb_object_address whole, rdb_object_address object)
{
    return whole.catalog_oid == object.catalog_oid && whole.object_oid == object.object_oid && (whole.sub_id == 0 || whole.sub_id == object.sub_id);
}

static target *find_target(const drop_plan *plan, rdb_object_address object)
{
    for (uint32_t i = 0; i < plan->count; i++)
        if (includes(plan->targets[i].object, object))
            return &plan->targets[i];
    return NULL;
}

static bool add_target(drop_plan *plan, rdb_object_address object, uint32_t parent, bool is_normal, bool is_part, rdb_error *err)
{
    target *known = find_target(plan, object);
    if (known != NULL) {
        known->is_normal = known->is_normal && is_normal; /* one automatic way suffices */
        known->is_part = known->is_part || is_part;
        return true;
    }
    if (plan->count == plan->capacity) {
        uint32_t capacity = plan->capacity * 2 + 16;
        target *grown = realloc(plan->targets, capacity * sizeof *grown);
        if (grown == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        plan->targets = grown;
        plan->capacity = capacity;
    }
    plan->targets[plan->count] = (target){object, parent == UINT32_MAX ? plan->count : parent, is_normal, is_part};
    plan->count++;
    return true;
}

static bool note_owner(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    drop_plan *plan = context;
    (void)access;
    (void)catalog_oid;
    (void)err;
    if (row_char(row, RDB_pg_depend_deptype) == 'i' && plan->owner.object_oid == 0)
        plan->owner = (rdb_object_address){row_oid(row, RDB_pg_depend_refclassid), row_oid(row, RDB_pg_depend_refobjid),
                                           row_int32(row, RDB_pg_depend_refobjsubid)};
    return true;
}

/* Of which object it is an internal part. */
static bool find_owner(drop_plan *plan, rdb_object_address object, rdb_error *err)
{
    const rdb_datum keys[] = {datum_oid(object.catalog_oid), datum_oid(object.object_oid), {.i32 = object.sub_id}};
    plan->owner = (rdb_object_address){0};
    return visit_rows(plan->access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, keys, 3, note_owner, plan, err);
}

static bool note_dependent(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    drop_plan *plan = context;
    (void)access;
    (void)catalog_oid;
    const char kind = row_char(row, RDB_pg_depend_deptype);
    const rdb_object_address dependent = {row_oid(row, RDB_pg_depend_classid), row_oid(row, RDB_pg_depend_objid), row_int32(row, RDB_pg_depend_objsubid)};
    const int32_t sub_id = row_int32(row, RDB_pg_depend_refobjsubid), wanted = plan->targets[plan->current].object.sub_id;
    if (wanted != 0 && sub_id != wanted)
        return true;
    if (includes(plan->targets[plan->current].object, dependent))
        return true; /* a column of itself, such as a generated one */
    if (kind == 'i')
        return add_target(plan, dependent, plan->current, false, true, err);
    /* A part of another object drags that object along (a view's rule: the view). */
    rdb_object_address whole = dependent;
    for (int depth = 0; depth < 8; depth++) {
        if (!find_owner(plan, whole, err))
            return false;
        if (plan->owner.object_oid == 0 || includes(plan->targets[plan->current].object, plan->owner))
            break;
        whole = plan->owner;
    }
    return add_target(plan, whole, plan->current, kind == 'n', false, err);
}

static bool collect_dependents(drop_plan *plan, rdb_error *err)
{
    for (plan->current = 0; plan->current < plan->count; plan->current++) {
        const rdb_object_address object = plan->targets[plan->current].object;
        const rdb_datum keys[] = {datum_oid(object.catalog_oid), datum_oid(object.object_oid)};
        if (!visit_rows(plan->access, RDB_PG_DEPEND, INDEX_DEPEND_REFERENCE, keys, 2, note_dependent, plan, err))
            return false;
    }
    return true;
}

/* ---- reports --------------------------------------------------------------------------------------------------------------------- */
static bool describe(drop_plan *plan, rdb_object_address object, rdb_arena *arena, const char **text, rdb_error *err)
{
    rdb_strbuf buffer;
    rdb_strbuf_init(&buffer, arena);
    if (!rdb_object_describe(plan->access, object, &buffer, err))
        return false;
    *text = buffer.data != NULL ? buffer.data : "";
    return true;
}

/* Below which target, that itself was asked for or needed CASCADE, a part hangs: what messages speak of. */
static uint32_t visible_parent(const drop_plan *plan, uint32_t target_no)
{
    uint32_t parent = plan->targets[target_no].parent;
    while (plan->targets[parent].is_part && plan->targets[parent].parent != parent)
        parent = plan->targets[parent].parent;
    return parent;
}

static bool report(drop_plan *plan, bool cascade, void (*notice)(void *context, const char *text), void *context, rdb_arena *arena, rdb_error *err)
{
    rdb_strbuf lines;
    const char *first = NULL;
    uint32_t count = 0, asked = 0;
    rdb_strbuf_init(&lines, arena);
    for (uint32_t i = 0; i < plan->count; i++) {
        const char *dependent, *on;
        asked += plan->targets[i].parent == i;
        if (!plan->targets[i].is_normal)
            continue;
        if (!describe(plan, plan->targets[i].object, arena, &dependent, err))
            return false;
        if (count++ == 0)
            first = dependent;
        if (count > 1)
            rdb_strbuf_addc(&lines, '\n');
        if (cascade) {
            rdb_strbuf_addf(&lines, "drop cascades to %s", dependent);
        } else {
            if (!describe(plan, plan->targets[visible_parent(plan, i)].object, arena, &on, err))
                return false;
            rdb_strbuf_addf(&lines, "%s depends on %s", dependent, on);
        }
    }
    if (count == 0)
        return true;
    if (!rdb_strbuf_check(&lines, err))
        return false;
    if (!cascade) {
        const char *object;
        if (!describe(plan, plan->targets[0].object, arena, &object, err))
            return false;
        if (asked == 1)
            rdb_error_set(err, RDB_DEPENDENT_OBJECTS_STILL_EXIST, "cannot drop %s because other objects depend on it", object);
        else
            rdb_error_set(err, RDB_DEPENDENT_OBJECTS_STILL_EXIST, "cannot drop desired object(s) because other objects depend on them");
        rdb_error_detail(err, "%s", lines.data);
        return rdb_error_hint(err, "Use DROP ... CASCADE to drop the dependent objects too.");
    }
    if (notice != NULL) {
        const char *text = count == 1 ? rdb_arena_printf(arena, "drop cascades to %s", first)
                                      : rdb_arena_printf(arena, "drop cascades to %u other objects\n%s", count, lines.data);
        notice(context, text);
    }
    return true;
}

/* ---- removing -------------------------------------------------------------------------------------------------------------------- */
static bool drop_file_of(rdb_access *access, uint32_t oid, rdb_arena *arena, char *kind, rdb_catalog_row *row, rdb_error *err)
{
    if (!need_class_row(access, oid, arena, row, err))
        return false;
    *kind = row_char(row, RDB_pg_class_relkind);
    const uint32_t filenode = row_oid(row, RDB_pg_class_relfilenode);
    if (filenode == 0)
        return true;
    return rdb_table_drop(access->context.txn, *kind == 'i' ? CATALOG_INDEX_FILE(filenode) : CATALOG_TABLE_FILE(filenode), err);
}

static bool drop_relation(rdb_access *access, uint32_t oid, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row row;
    char kind;
    const rdb_datum key = datum_oid(oid);
    if (oid < RDB_FIRST_NORMAL_OID && !access->context.database->makes_system_objects) {
        const char *name;
        rdb_strbuf text;
        rdb_strbuf_init(&text, arena);
        name = rdb_object_describe(access, (rdb_object_address){RDB_PG_CLASS, oid, 0}, &text, err) && text.data != NULL ? text.data : "it";
        return rdb_error_set(err, RDB_DEPENDENT_OBJECTS_STILL_EXIST, "cannot drop %s because it is required by the database system", name);
    }
    return drop_file_of(access, oid, arena, &kind, &row, err) && rdb_catalog_delete(access, RDB_PG_CLASS, &row, err) &&
           delete_rows(access, RDB_PG_ATTRIBUTE, INDEX_ATTRIBUTE_NUMBER, &key, 1, err) &&
           (kind != 'i' || delete_rows(access, RDB_PG_INDEX, INDEX_INDEX_OID, &key, 1, err)) &&
           (kind != 'S' || delete_rows(access, RDB_PG_SEQUENCE, INDEX_SEQUENCE, &key, 1, err)) &&
           delete_rows(access, RDB_PG_INHERITS, INDEX_INHERITS_RELATION, &key, 1, err) &&
           delete_rows(access, RDB_PG_STATISTIC, INDEX_STATISTIC, &key, 1, err) && delete_rows(access, RDB_LAYOUT, INDEX_LAYOUT, &key, 1, err) &&
           delete_rows(access, RDB_MISSING, INDEX_MISSING, &key, 1, err);
}

static bool drop_constraint(rdb_access *access, uint32_t oid, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row row, class_row;
    bool found;
    const rdb_datum key = datum_oid(oid);
    if (!need_row(access, RDB_PG_CONSTRAINT, INDEX_CONSTRAINT_OID, &key, 1, arena, &row, err))
        return false;
    const rdb_datum class_key = datum_oid(row_oid(&row, RDB_pg_constraint_conrelid));
    if (row_char(&row, RDB_pg_constraint_contype) == 'c' && class_key.oid != 0) {
        if (!catalog_find_row(access, RDB_PG_CLASS, INDEX_CLASS_OID, &class_key, 1, arena, &class_row, &found, err))
            return false;
        if (found) {
            class_row.values[RDB_pg_class_relchecks - 1].i16--;
            if (!rdb_catalog_update(access, RDB_PG_CLASS, &class_row, err))
                return false;
        }
    }
    return rdb_catalog_delete(access, RDB_PG_CONSTRAINT, &row, err);
}

static bool drop_default(rdb_access *access, uint32_t oid, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row row, attribute;
    bool found;
    const rdb_datum key = datum_oid(oid);
    if (!need_row(access, RDB_PG_ATTRDEF, INDEX_ATTRDEF_OID, &key, 1, arena, &row, err))
        return false;
    const rdb_datum keys[] = {datum_oid(row_oid(&row, RDB_pg_attrdef_adrelid)), datum_int16(row_int16(&row, RDB_pg_attrdef_adnum))};
    if (!catalog_find_row(access, RDB_PG_ATTRIBUTE, INDEX_ATTRIBUTE_NUMBER, keys, 2, arena, &attribute, &found, err))
        return false;
    if (found) {
        attribute.values[RDB_pg_attribute_atthasdef - 1].b = false;
        if (!rdb_catalog_update(access, RDB_PG_ATTRIBUTE, &attribute, err))
            return false;
    }
    return rdb_catalog_delete(access, RDB_PG_ATTRDEF, &row, err);
}

/* The rows of one object, but for its dependencies and comments. */
static bool drop_object(rdb_access *access, rdb_object_address object, rdb_arena *arena, rdb_error *err)
{
    const rdb_datum key = datum_oid(object.object_oid);
    switch (object.catalog_oid) {
    case RDB_PG_CLASS:
        return object.sub_id != 0 ? rdb_ddl_drop_column(access, object.object_oid, (int16_t)object.sub_id, err)
                                  : drop_relation(access, object.object_oid, arena, err);
    case RDB_PG_CONSTRAINT:
        return drop_constraint(access, object.object_oid, arena, err);
    case RDB_PG_ATTRDEF:
        return drop_default(access, object.object_oid, arena, err);
    case RDB_PG_REWRITE:
        return delete_rows(access, RDB_PG_REWRITE, INDEX_REWRITE_OID, &key, 1, err);
    case RDB_PG_TYPE:
        return delete_rows(access, RDB_PG_ENUM, INDEX_ENUM_TYPE, &key, 1, err) && delete_rows(access, RDB_PG_TYPE, INDEX_TYPE_OID, &key, 1, err);
    case RDB_PG_NAMESPACE:
        return delete_rows(access, RDB_PG_NAMESPACE, INDEX_NAMESPACE_OID, &key, 1, err);
    case RDB_PG_PROC:
        return delete_rows(access, RDB_PG_PROC, INDEX_PROC_OID, &key, 1, err);
    case RDB_PG_TRIGGER:
        return delete_rows(access, RDB_PG_TRIGGER, INDEX_TRIGGER_OID, &key, 1, err);
    default:
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "objects of catalog %u cannot be dropped yet", object.catalog_oid);
    }
}

static bool drop_target(drop_plan *plan, uint32_t target_no, rdb_arena *arena, rdb_error *err)
{
    const rdb_object_address object = plan->targets[target_no].object;
    const rdb_datum depender[] = {datum_oid(object.catalog_oid), datum_oid(object.object_oid), {.i32 = object.sub_id}};
    const rdb_datum described[] = {datum_oid(object.object_oid), datum_oid(object.catalog_oid), {.i32 = object.sub_id}};
    const uint16_t key_count = object.sub_id != 0 ? 3 : 2; /* the columns' too */
    for (uint32_t i = 0; object.sub_id != 0 && i < plan->count; i++)
        if (plan->targets[i].object.sub_id == 0 && includes(plan->targets[i].object, object))
            return true; /* goes with its table */
    return drop_object(plan->access, object, arena, err) &&
           delete_rows(plan->access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, depender, key_count, err) &&
           delete_rows(plan->access, RDB_PG_DESCRIPTION, INDEX_DESCRIPTION, described, key_count, err);
}

bool rdb_ddl_drop(rdb_access *access, const rdb_object_address *objects, uint32_t count, bool cascade,
                  void (*notice)(void *context, const char *text), void *context, rdb_error *err)
{
    drop_plan plan = {.access = access};
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL;
    for (uint32_t i = 0; ok && i < count; i++)
        ok = add_target(&plan, objects[i], UINT32_MAX, false, false, err);
    for (uint32_t i = 0; ok && i < count; i++) {
        const char *part, *whole;
        ok = find_owner(&plan, objects[i], err);
        if (!ok || plan.owner.object_oid == 0 || find_target(&plan, plan.owner) != NULL)
            continue;
        const rdb_object_address owner = plan.owner;
        if ((ok = describe(&plan, objects[i], arena, &part, err) && describe(&plan, owner, arena, &whole, err))) {
            rdb_error_set(err, RDB_DEPENDENT_OBJECTS_STILL_EXIST, "cannot drop %s because %s requires it", part, whole);
            ok = rdb_error_hint(err, "You can drop %s instead.", whole);
        }
    }
    ok = ok && collect_dependents(&plan, err) && report(&plan, cascade, notice, context, arena, err);
    for (uint32_t i = plan.count; ok && i > 0; i--)
        ok = drop_target(&plan, i - 1, arena, err);
    free(plan.targets);
    rdb_arena_destroy(arena);
    return ok;
}
