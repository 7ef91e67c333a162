/* SPDX-License-Identifier: Apache-2.0
 * Dropping objects with what depends on them, as pg_depend says: what depends automatically or internally goes along, what
 * depends normally needs CASCADE. An object that is an internal part of another is dropped only with that other.
 *
 * The objects form a graph, which is walked depth first without recursion, dependents of one object from the newest to the
 * oldest. Each is removed when all that depends on it is; the list that people see is the reverse, so that an object stands
 * after what it depends on, older ones first: PostgreSQL's order. */
#include "catalog/ddl_int.h"
#include "catalog/rdb_large_object.h"

#include <stdlib.h>

enum { REPORTED_MAX = 100 }; /* lines in a message */

/* ---- collecting ------------------------------------------------------------------------------------------------------------------ */
typedef struct node {
    rdb_object_address object;
    uint32_t parent; /* the node because of which it is here; its own number: asked for */
    bool is_normal;  /* no way to it is automatic: needs CASCADE */
} node;

typedef struct dependent {
    rdb_object_address object;
    char kind;
} dependent;

typedef struct frame { /* an object whose dependents are being walked */
    struct frame *below;
    uint32_t node_no;
    dependent *dependents;
    uint32_t count, capacity, next;
} frame;

typedef struct drop_plan {
    rdb_access *access;
    rdb_arena *arena;
    rdb_map *known;    /* address -> number of the node + 1 */
    node *nodes;
    uint32_t *order;   /* numbers of nodes, dependents first */
    uint32_t count, capacity, order_count;
    frame *top;
    rdb_object_address owner; /* of which an object is an internal part, or the partitioned table's own; 0: none */
    uint32_t part_of_table;   /* the owner is another table's: the table that the part goes with too */
} drop_plan;

/* A whole object includes its columns. */
static bool includes(rdb_object_address whole, rdb_object_address object)
{
    return whole.catalog_oid == object.catalog_oid && whole.object_oid == object.object_oid && (whole.sub_id == 0 || whole.sub_id == object.sub_id);
}

static bool find_node(const drop_plan *plan, rdb_object_address object, uint32_t *node_no)
{
    uintptr_t found = (uintptr_t)rdb_map_get(plan->known, &object, sizeof object);
    if (found == 0 && object.sub_id != 0) {
        object.sub_id = 0;
        found = (uintptr_t)rdb_map_get(plan->known, &object, sizeof object);
    }
    *node_no = (uint32_t)(found - 1);
    return found != 0;
}

static bool add_node(drop_plan *plan, rdb_object_address object, uint32_t parent, bool is_normal, rdb_error *err)
{
    if (plan->count == plan->capacity) {
        const size_t old = plan->capacity;
        const uint32_t capacity = plan->capacity * 2 + 16;
        plan->nodes = rdb_arena_try_grow(plan->arena, plan->nodes, old * sizeof *plan->nodes, capacity * sizeof *plan->nodes, err);
        plan->order = rdb_arena_try_grow(plan->arena, plan->order, old * sizeof *plan->order, capacity * sizeof *plan->order, err);
        if (plan->nodes == NULL || plan->order == NULL)
            return false;
        plan->capacity = capacity;
    }
    if (!rdb_map_put(plan->known, &object, sizeof object, (void *)((uintptr_t)plan->count + 1), NULL))
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    plan->nodes[plan->count] = (node){object, parent == UINT32_MAX ? plan->count : parent, is_normal};
    plan->count++;
    return true;
}

static bool note_owner(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    drop_plan *plan = context;
    (void)access;
    (void)catalog_oid;
    (void)err;
    const char kind = row_char(row, RDB_pg_depend_deptype);
    if (kind == 'S')
        plan->part_of_table = row_oid(row, RDB_pg_depend_refobjid);
    if ((kind == 'i' || kind == 'P' || kind == 'e') && plan->owner.object_oid == 0)
        plan->owner = (rdb_object_address){row_oid(row, RDB_pg_depend_refclassid), row_oid(row, RDB_pg_depend_refobjid),
                                           row_int32(row, RDB_pg_depend_refobjsubid)};
    return true;
}

/* Of which object it is an internal part. */
static bool find_owner(drop_plan *plan, rdb_object_address object, rdb_error *err)
{
    const rdb_datum keys[] = {datum_oid(object.catalog_oid), datum_oid(object.object_oid), {.i32 = object.sub_id}};
    plan->owner = (rdb_object_address){0};
    plan->part_of_table = 0;
    return visit_rows(plan->access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, keys, 3, note_owner, plan, err);
}

static bool note_dependent(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    drop_plan *plan = context;
    frame *at = plan->top;
    (void)access;
    (void)catalog_oid;
    if (at->count == at->capacity) {
        const uint32_t capacity = at->capacity * 2 + 8;
        at->dependents = rdb_arena_try_grow(plan->arena, at->dependents, at->capacity * sizeof *at->dependents, capacity * sizeof *at->dependents, err);
        if (at->dependents == NULL)
            return false;
        at->capacity = capacity;
    }
    at->dependents[at->count++] =
        (dependent){{row_oid(row, RDB_pg_depend_classid), row_oid(row, RDB_pg_depend_objid), row_int32(row, RDB_pg_depend_objsubid)},
                    row_char(row, RDB_pg_depend_deptype)};
    return true;
}

/* Newest first. */
static int compare_dependents(const void *left_at, const void *right_at)
{
    const rdb_object_address left = ((const dependent *)left_at)->object, right = ((const dependent *)right_at)->object;
    if (left.object_oid != right.object_oid)
        return left.object_oid > right.object_oid ? -1 : 1;
    if (left.catalog_oid != right.catalog_oid)
        return left.catalog_oid < right.catalog_oid ? -1 : 1;
    return left.sub_id != right.sub_id ? left.sub_id < right.sub_id ? -1 : 1 : 0;
}

static bool push_frame(drop_plan *plan, uint32_t node_no, rdb_error *err)
{
    const rdb_object_address object = plan->nodes[node_no].object;
    const rdb_datum keys[] = {datum_oid(object.catalog_oid), datum_oid(object.object_oid), {.i32 = object.sub_id}};
    frame *pushed = RDB_NEW(plan->arena, frame);
    pushed->below = plan->top;
    pushed->node_no = node_no;
    plan->top = pushed;
    if (!visit_rows(plan->access, RDB_PG_DEPEND, INDEX_DEPEND_REFERENCE, keys, object.sub_id != 0 ? 3 : 2, note_dependent, plan, err))
        return false;
    if (pushed->count > 1)
        qsort(pushed->dependents, pushed->count, sizeof *pushed->dependents, compare_dependents);
    return rdb_arena_check(plan->arena, err);
}

/* One dependent of the frame's object: known, or a node more, with a frame of its own. */
static bool walk_dependent(drop_plan *plan, dependent found, rdb_error *err)
{
    const uint32_t parent = plan->top->node_no;
    const rdb_object_address referenced = plan->nodes[parent].object;
    uint32_t node_no;
    if (includes(referenced, found.object))
        return true; /* a column of itself, such as a generated one */
    /* A part of another object drags that object along: a view's rule the view, an index its constraint. */
    for (int depth = 0; found.kind != 'i' && found.kind != 'P' && found.kind != 'S' && found.kind != 'e' && depth < 8; depth++) {
        if (!find_owner(plan, found.object, err))
            return false;
        if (plan->owner.object_oid == 0 || includes(referenced, plan->owner) || plan->part_of_table == referenced.object_oid)
            break;
        found.object = plan->owner;
    }
    if (includes(referenced, found.object))
        return true;
    const bool is_normal = found.kind == 'n';
    if (find_node(plan, found.object, &node_no)) {
        plan->nodes[node_no].is_normal = plan->nodes[node_no].is_normal && is_normal; /* one automatic way suffices */
        return true;
    }
    return add_node(plan, found.object, parent, is_normal, err) && push_frame(plan, plan->count - 1, err);
}

static bool walk(drop_plan *plan, uint32_t root_no, rdb_error *err)
{
    if (!push_frame(plan, root_no, err))
        return false;
    while (plan->top != NULL) {
        frame *at = plan->top;
        if (at->next < at->count) {
            if (!walk_dependent(plan, at->dependents[at->next++], err))
                return false;
            continue;
        }
        plan->order[plan->order_count++] = at->node_no;
        plan->top = at->below;
    }
    return rdb_cancel_check(rdb_txn_cancel(plan->access->context.txn), err);
}

/* ---- reports --------------------------------------------------------------------------------------------------------------------- */
static bool describe(drop_plan *plan, rdb_object_address object, const char **text, rdb_error *err)
{
    rdb_strbuf buffer;
    rdb_strbuf_init(&buffer, plan->arena);
    if (!rdb_object_describe(plan->access, object, &buffer, err))
        return false;
    *text = buffer.data != NULL ? buffer.data : "";
    return true;
}

/* A column that goes because its whole table does. */
static bool goes_with_whole(const drop_plan *plan, rdb_object_address object)
{
    uint32_t node_no;
    const bool is_part = object.sub_id != 0;
    object.sub_id = 0;
    return is_part && find_node(plan, object, &node_no);
}

static bool report(drop_plan *plan, uint32_t asked, bool cascade, void (*notice)(void *context, const char *text), void *context, rdb_error *err)
{
    rdb_strbuf lines;
    const char *first = NULL;
    uint32_t count = 0;
    rdb_strbuf_init(&lines, plan->arena);
    for (uint32_t i = plan->order_count; i-- > 0;) {
        const node *at = &plan->nodes[plan->order[i]];
        const char *name = NULL, *on = NULL;
        if (!at->is_normal || goes_with_whole(plan, at->object) || count++ >= REPORTED_MAX)
            continue;
        if (!describe(plan, at->object, &name, err) || (!cascade && !describe(plan, plan->nodes[at->parent].object, &on, err)))
            return false;
        if (first == NULL)
            first = name;
        else
            rdb_strbuf_addc(&lines, '\n');
        if (cascade)
            rdb_strbuf_addf(&lines, "drop cascades to %s", name);
        else
            rdb_strbuf_addf(&lines, "%s depends on %s", name, on);
    }
    if (count == 0)
        return true;
    if (count > REPORTED_MAX)
        rdb_strbuf_addf(&lines, "\nand %u other object%s (see server log for list)", count - REPORTED_MAX, count - REPORTED_MAX == 1 ? "" : "s");
    if (!rdb_strbuf_check(&lines, err))
        return false;
    if (!cascade) {
        const char *object;
        if (!describe(plan, plan->nodes[0].object, &object, err))
            return false;
        if (asked == 1)
            rdb_error_set(err, RDB_DEPENDENT_OBJECTS_STILL_EXIST, "cannot drop %s because other objects depend on it", object);
        else
            rdb_error_set(err, RDB_DEPENDENT_OBJECTS_STILL_EXIST, "cannot drop desired object(s) because other objects depend on them");
        rdb_error_detail(err, "%s", lines.data);
        return rdb_error_hint(err, "Use DROP ... CASCADE to drop the dependent objects too.");
    }
    if (notice != NULL)
        notice(context, count == 1 ? rdb_arena_printf(plan->arena, "drop cascades to %s", first)
                                   : rdb_arena_printf(plan->arena, "drop cascades to %u other objects\n%s", count, lines.data));
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
    return drop_file_of(access, oid, arena, &kind, &row, err) && rdb_catalog_delete(access, RDB_PG_CLASS, &row, err) &&
           delete_rows(access, RDB_PG_ATTRIBUTE, INDEX_ATTRIBUTE_NUMBER, &key, 1, err) &&
           ((kind != 'i' && kind != 'I') || delete_rows(access, RDB_PG_INDEX, INDEX_INDEX_OID, &key, 1, err)) &&
           (kind != 'p' || delete_rows(access, RDB_PG_PARTITIONED_TABLE, INDEX_PARTITIONED_TABLE, &key, 1, err)) &&
           (!row_bool(&row, RDB_pg_class_relispartition) || kind == 'i' || kind == 'I' || ddl_forget_default_partition(access, oid, err)) &&
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
        return delete_rows(access, RDB_PG_ENUM, INDEX_ENUM_TYPE, &key, 1, err) && delete_rows(access, 3541 /* pg_range */, 3542, &key, 1, err) && delete_rows(access, RDB_PG_TYPE, INDEX_TYPE_OID, &key, 1, err);
    case RDB_PG_NAMESPACE:
        return delete_rows(access, RDB_PG_NAMESPACE, INDEX_NAMESPACE_OID, &key, 1, err);
    case RDB_PG_PROC: /* an aggregate has a row more */
        return delete_rows(access, 2600 /* pg_aggregate */, 2650, &key, 1, err) && delete_rows(access, RDB_PG_PROC, INDEX_PROC_OID, &key, 1, err);
    case 3602: /* a text search configuration has a map */
        return delete_rows(access, 3603, 3609, &key, 1, err) && delete_rows(access, 3602, 3712, &key, 1, err);
    case RDB_PG_LARGEOBJECT:
        return delete_rows(access, RDB_PG_LARGEOBJECT, 2683, &key, 1, err) && delete_rows(access, 2995 /* pg_largeobject_metadata */, 2996, &key, 1, err);
    case RDB_PG_OPERATOR:
        return ddl_drop_operator(access, object.object_oid, err);
    case RDB_PG_STATISTIC_EXT:
        return delete_rows(access, RDB_PG_STATISTIC_EXT_DATA, INDEX_STATISTIC_EXT_DATA, &key, 1, err) &&
               delete_rows(access, RDB_PG_STATISTIC_EXT, INDEX_STATISTIC_EXT_OID, &key, 1, err);
    case RDB_PG_TRIGGER:
        return delete_rows(access, RDB_PG_TRIGGER, INDEX_TRIGGER_OID, &key, 1, err);
    default:
        break;
    }
    /* Those that are a row and nothing else. */
    static const struct { uint32_t catalog_oid, oid_index; } plain[] = {
        {826, 828} /* pg_default_acl */, {3256, 3257} /* pg_policy */, {RDB_PG_CAST, 2660}, {2602, 2756} /* pg_amop */,
        {2603, 2757} /* pg_amproc */, {RDB_PG_OPCLASS, 2687}, {2753, 2755} /* pg_opfamily */, {RDB_PG_COLLATION, 3085}, {2607, 2670} /* pg_conversion */,
        {3079, 3080} /* pg_extension */, {2612, 2682} /* pg_language */, {3600, 3605} /* pg_ts_dict */,
        {3601, 3607} /* pg_ts_parser */, {3764, 3767} /* pg_ts_template */};
    for (size_t i = 0; i < RDB_COUNT_OF(plain); i++)
        if (plain[i].catalog_oid == object.catalog_oid)
            return delete_rows(access, object.catalog_oid, plain[i].oid_index, &key, 1, err);
    return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "objects of catalog %u cannot be dropped yet", object.catalog_oid);
}

static bool drop_node(drop_plan *plan, const node *dropped, rdb_arena *arena, rdb_error *err)
{
    const rdb_object_address object = dropped->object, whole = {object.catalog_oid, object.object_oid, 0};
    const rdb_datum depender[] = {datum_oid(object.catalog_oid), datum_oid(object.object_oid), {.i32 = object.sub_id}};
    const rdb_datum described[] = {datum_oid(object.object_oid), datum_oid(object.catalog_oid), {.i32 = object.sub_id}};
    const uint16_t key_count = object.sub_id != 0 ? 3 : 2; /* the columns' too */
    if (object.sub_id != 0 && rdb_map_get(plan->known, &whole, sizeof whole) != NULL)
        return true; /* goes with its table */
    return drop_object(plan->access, object, arena, err) &&
           delete_rows(plan->access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, depender, key_count, err) &&
           delete_rows(plan->access, RDB_PG_DESCRIPTION, INDEX_DESCRIPTION, described, key_count, err);
}

/* What is asked for may stand: not a part of something else that stays, not the system's own. */
static bool check_asked(drop_plan *plan, rdb_object_address object, rdb_error *err)
{
    const char *part, *whole;
    uint32_t node_no;
    const bool is_of_system = object.object_oid < RDB_FIRST_NORMAL_OID && !plan->access->context.database->makes_system_objects;
    if (is_of_system && object.catalog_oid == RDB_PG_CLASS) {
        const rdb_relation *relation;
        if (!rdb_relation_get(plan->access, object.object_oid, &relation, err))
            return false;
        if (relation != NULL && relation->namespace_oid == RDB_NAMESPACE_PG_CATALOG)
            return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied: \"%s\" is a system catalog", relation->name);
    } else if (is_of_system && ddl_is_pinned(object)) {
        return describe(plan, object, &whole, err) &&
               rdb_error_set(err, RDB_DEPENDENT_OBJECTS_STILL_EXIST, "cannot drop %s because it is required by the database system", whole);
    }
    if (!find_owner(plan, object, err))
        return false;
    const rdb_object_address owner = plan->owner;
    if (owner.object_oid == 0 || find_node(plan, owner, &node_no))
        return true;
    if (!describe(plan, object, &part, err) || !describe(plan, owner, &whole, err))
        return false;
    rdb_error_set(err, RDB_DEPENDENT_OBJECTS_STILL_EXIST, "cannot drop %s because %s requires it", part, whole);
    return rdb_error_hint(err, "You can drop %s instead.", whole);
}

static bool drop_all(drop_plan *plan, const rdb_object_address *objects, uint32_t count, bool cascade,
                     void (*notice)(void *context, const char *text), void *context, rdb_error *err)
{
    uint32_t node_no, asked = 0;
    for (uint32_t i = 0; i < count; i++)
        if (!find_node(plan, objects[i], &node_no) && !add_node(plan, objects[i], UINT32_MAX, false, err))
            return false;
    asked = plan->count;
    for (uint32_t i = 0; i < asked; i++)
        if (!check_asked(plan, plan->nodes[i].object, err))
            return false;
    for (uint32_t i = 0; i < asked; i++)
        if (!walk(plan, i, err))
            return false;
    if (!report(plan, asked, cascade, notice, context, err))
        return false;
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL;
    for (uint32_t i = 0; ok && i < plan->order_count; i++) {
        ok = drop_node(plan, &plan->nodes[plan->order[i]], arena, err) && rdb_arena_check(arena, err);
        rdb_arena_reset(arena);
    }
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_drop(rdb_access *access, const rdb_object_address *objects, uint32_t count, bool cascade,
                  void (*notice)(void *context, const char *text), void *context, rdb_error *err)
{
    drop_plan plan = {.access = access, .known = rdb_map_create(), .arena = ddl_arena(err)};
    bool ok = plan.arena != NULL && (plan.known != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory")) &&
              drop_all(&plan, objects, count, cascade, notice, context, err);
    rdb_map_destroy(plan.known);
    rdb_arena_destroy(plan.arena);
    return ok;
}
