/* SPDX-License-Identifier: Apache-2.0
 * Partitioned tables: what they are divided by, the bounds of their partitions, ATTACH and DETACH. */
#include "command/inherit.h"

#include <strings.h>

/* ---- PARTITION BY ------------------------------------------------------------------------------------------------------------------ */
static bool key_class(rdb_command_context *context, char strategy, const rdb_ast_partition_elem *element, const rdb_type *type, uint32_t *oid, rdb_error *err)
{
    rdb_strbuf name;
    *oid = 0;
    if (element->opclass.count > 0) {
        const rdb_ast_names *written = &element->opclass;
        if (!rdb_opclass_find(context->access, written->count > 1 ? written->items[0] : NULL, written->items[written->count - 1], oid, err))
            return false;
        if (*oid == 0)
            return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "operator class \"%s\" does not exist for access method \"%s\"", written->items[written->count - 1],
                                 strategy == 'h' ? "hash" : "btree");
        return true;
    }
    if (!rdb_opclass_default(context->access, type->oid, oid, err))
        return false;
    if (*oid != 0)
        return true;
    rdb_strbuf_init(&name, context->arena);
    rdb_type_format_name(type, -1, false, &name);
    rdb_error_set(err, RDB_UNDEFINED_OBJECT, "data type %s has no default operator class for access method \"%s\"", name.data, strategy == 'h' ? "hash" : "btree");
    return rdb_error_hint(err, "You must specify a %s operator class or define a default %s operator class for the data type.", strategy == 'h' ? "hash" : "btree",
                          strategy == 'h' ? "hash" : "btree");
}

static bool names_generated(void *relation_at, rdb_expr *expr)
{
    const rdb_relation *relation = relation_at;
    if (expr->kind == RDB_EXPR_VAR && ((const rdb_expr_var *)expr)->attribute_no > 0 && relation->columns[((const rdb_expr_var *)expr)->attribute_no - 1].generated != 0)
        return false;
    return rdb_expr_visit_children(expr, names_generated, relation_at);
}

static bool names_system(void *unused, rdb_expr *expr)
{
    if (expr->kind == RDB_EXPR_VAR && ((const rdb_expr_var *)expr)->attribute_no < 0)
        return false;
    return rdb_expr_visit_children(expr, names_system, unused);
}

static bool refuse_generated(rdb_command_context *context, const char *column, int32_t location, rdb_error *err)
{
    rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "cannot use generated column in partition key");
    if (column != NULL)
        rdb_error_detail(err, "Column \"%s\" is a generated column.", column);
    return command_at(context, location, err);
}

/* One element: a column (*number), or an expression, which is pushed. */
static bool key_element(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_partition_elem *element, int16_t *number, const rdb_type **type, uint32_t *collation,
                        rdb_list *expressions, rdb_error *err)
{
    static const char *const SYSTEM_NAMES[] = {"ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"};
    rdb_analysis analysis;
    rdb_expr *expr = NULL, *folded = NULL;
    *number = 0;
    if (element->name != NULL) {
        *number = command_find_column(relation, element->name);
        for (size_t i = 0; *number == 0 && i < RDB_COUNT_OF(SYSTEM_NAMES); i++)
            if (strcmp(element->name, SYSTEM_NAMES[i]) == 0) {
                rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "cannot use system column \"%s\" in partition key", element->name);
                return command_at(context, element->node.location, err);
            }
        if (*number == 0) {
            rdb_error_set(err, RDB_UNDEFINED_COLUMN, "column \"%s\" named in partition key does not exist", element->name);
            return command_at(context, element->node.location, err);
        }
        const rdb_column *column = &relation->columns[*number - 1];
        if (column->generated != 0)
            return refuse_generated(context, column->name, element->node.location, err);
        *type = column->type;
        *collation = column->collation;
        return true;
    }
    command_analysis(context, &analysis);
    if (!rdb_expr_analyse(&analysis, relation, element->expr, NULL, -1, "partition key expressions", &expr, err))
        return false;
    *type = expr->type;
    *collation = expr->collation;
    if (expr->kind == RDB_EXPR_VAR && ((const rdb_expr_var *)expr)->attribute_no > 0) { /* (a) */
        *number = ((const rdb_expr_var *)expr)->attribute_no;
        if (relation->columns[*number - 1].generated != 0)
            return refuse_generated(context, relation->columns[*number - 1].name, element->node.location, err);
        return true;
    }
    if (expr->kind == RDB_EXPR_VAR && ((const rdb_expr_var *)expr)->attribute_no == 0)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "partition key expressions cannot contain whole-row references");
    if (!names_system(NULL, expr))
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "partition key expressions cannot contain system column references");
    if (!names_generated((void *)(uintptr_t)relation, expr))
        return refuse_generated(context, NULL, element->node.location, err);
    if (rdb_expr_volatility(expr) != 'i')
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "functions in partition key expression must be marked IMMUTABLE");
    if (!rdb_expr_fold(context->arena, command_eval(context), expr, &folded, err))
        return false;
    if (folded->kind == RDB_EXPR_CONST)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "cannot use constant expression as partition key");
    rdb_list_push(context->arena, expressions, expr);
    return true;
}

bool command_set_partition_key(rdb_command_context *context, uint32_t relation_oid, const rdb_ast_partition_spec *spec, rdb_error *err)
{
    enum { KEYS_MAX = 32 };
    const rdb_relation *relation = NULL;
    int16_t numbers[KEYS_MAX];
    uint32_t classes[KEYS_MAX], collations[KEYS_MAX];
    rdb_list expressions = {0};
    command_uses uses = {0};
    rdb_partition_key key = {.columns = numbers, .opclasses = classes, .collations = collations};
    key.strategy = strcasecmp(spec->strategy, "range") == 0 ? 'r' : strcasecmp(spec->strategy, "list") == 0 ? 'l' : strcasecmp(spec->strategy, "hash") == 0 ? 'h' : 0;
    if (key.strategy == 0)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "unrecognized partitioning strategy \"%s\"", spec->strategy);
    if (key.strategy == 'l' && spec->elements.count != 1)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "cannot use \"list\" partition strategy with more than one column");
    if (spec->elements.count > KEYS_MAX)
        return rdb_error_set(err, RDB_TOO_MANY_COLUMNS, "cannot partition using more than %d columns", KEYS_MAX);
    if (!rdb_relation_get(context->access, relation_oid, &relation, err))
        return false;
    for (uint32_t i = 0; i < spec->elements.count; i++) {
        const rdb_ast_partition_elem *element = spec->elements.items[i];
        const rdb_type *type = NULL;
        if (!key_element(context, relation, element, &numbers[i], &type, &collations[i], &expressions, err))
            return false;
        if (type->kind == 'p') {
            rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "partition key column %u has pseudo-type %s", i + 1, type->name);
            return false;
        }
        if (element->collation.count > 0) {
            const rdb_ast_collate collate = {.node = {RDB_AST_COLLATE, element->node.location}, .name = element->collation};
            if (!command_collation(context, type, &collate, &collations[i], err))
                return false;
        } else if (type->collation != 0 && collations[i] == 0) {
            rdb_error_set(err, RDB_INDETERMINATE_COLLATION, "could not determine which collation to use for partition expression");
            return rdb_error_hint(err, "Use the COLLATE clause to set the collation explicitly.");
        }
        if (!key_class(context, key.strategy, element, type, &classes[i], err))
            return false;
    }
    key.count = (uint16_t)spec->elements.count;
    rdb_strbuf tree;
    rdb_strbuf_init(&tree, context->arena);
    if (expressions.count > 0) {
        rdb_expr_row *row = RDB_NEW(context->arena, rdb_expr_row);
        row->head = (rdb_expr){.kind = RDB_EXPR_ROW, .location = -1, .typmod = -1};
        row->fields = expressions;
        if (!rdb_type_get(context->access, RDB_RECORDOID, &row->head.type, err) || !rdb_tree_write_expr(&row->head, &tree, err) || !rdb_strbuf_check(&tree, err) ||
            !command_expr_uses(context, NULL, &row->head, &uses, err))
            return false;
        key.expression_tree = tree.data;
    }
    return rdb_ddl_set_partition_key(context->access, relation_oid, &key, uses.items, uses.count, err);
}

/* ---- bounds ------------------------------------------------------------------------------------------------------------------------ */
static bool refuse_at(rdb_command_context *context, int32_t location, rdb_error *err, const char *message)
{
    rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "%s", message);
    return command_at(context, location, err);
}

static const char *key_name(rdb_command_context *context, const rdb_partition_map *map, uint16_t i)
{
    rdb_strbuf text;
    rdb_error quiet = {0};
    rdb_strbuf_init(&text, context->arena);
    const bool ok = rdb_deparse_expr(context->access, map->keys[i], map->relation, false, &text, &quiet);
    rdb_error_clear(&quiet);
    return ok && text.data != NULL ? text.data : "";
}

/* A value of a bound: an expression without columns, evaluated now. */
static bool bound_value(rdb_command_context *context, const rdb_partition_map *map, uint16_t key_no, rdb_ast_node *raw, const rdb_expr_const **value, rdb_error *err)
{
    rdb_analysis analysis;
    rdb_expr *expr = NULL;
    rdb_program *program = NULL;
    rdb_eval *eval = command_eval(context);
    const rdb_expr *key = map->keys[key_no];
    command_analysis(context, &analysis);
    if (!rdb_expr_analyse(&analysis, NULL, raw, map->types[key_no], key->kind == RDB_EXPR_VAR ? key->typmod : -1, "partition bound", &expr, err)) {
        if (!rdb_error_is(err, RDB_DATATYPE_MISMATCH))
            return false;
        rdb_strbuf type;
        rdb_strbuf_init(&type, context->arena);
        rdb_type_format_name(map->types[key_no], -1, false, &type);
        rdb_error_clear(err);
        rdb_error_set(err, RDB_DATATYPE_MISMATCH, "specified value cannot be cast to type %s for column \"%s\"", type.data, key_name(context, map, key_no));
        return command_at(context, raw->location, err);
    }
    rdb_expr_const *made = RDB_NEW(context->arena, rdb_expr_const);
    made->head = (rdb_expr){.kind = RDB_EXPR_CONST, .location = -1, .type = map->types[key_no], .typmod = key->kind == RDB_EXPR_VAR ? key->typmod : -1, .collation = map->collations[key_no]};
    rdb_datum computed;
    if (!rdb_program_compile(&program, context->arena, eval, &expr, 1, err) || !rdb_program_value(program, eval, context->arena, 0, &computed, &made->is_null, err) ||
        (!made->is_null && !rdb_datum_copy(context->arena, (rdb_rep)map->types[key_no]->rep, computed, &made->value, err)))
        return false;
    *value = made;
    return true;
}

static int8_t end_of(const rdb_ast_node *raw)
{
    if (raw->tag != RDB_AST_COLUMN)
        return RDB_PARTITION_VALUE;
    const rdb_ast_names *names = &((const rdb_ast_column *)raw)->names;
    if (names->count != 1)
        return RDB_PARTITION_VALUE;
    return strcmp(names->items[0], "minvalue") == 0 ? RDB_PARTITION_MINVALUE : strcmp(names->items[0], "maxvalue") == 0 ? RDB_PARTITION_MAXVALUE : RDB_PARTITION_VALUE;
}

static bool range_end(rdb_command_context *context, const rdb_partition_map *map, const rdb_list *raws, const char *word, int32_t location, const rdb_expr_const ***values, const int8_t **ends,
                      rdb_error *err)
{
    if (raws->count != map->key_count) {
        rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "%s must specify exactly one value per partitioning column", word);
        return command_at(context, location, err);
    }
    const rdb_expr_const **made = RDB_NEW_ARRAY(context->arena, const rdb_expr_const *, map->key_count + 1u);
    int8_t *kinds = RDB_NEW_ARRAY(context->arena, int8_t, map->key_count + 1u);
    for (uint16_t i = 0; i < map->key_count; i++) {
        rdb_ast_node *raw = raws->items[i];
        kinds[i] = end_of(raw);
        if (i > 0 && kinds[i - 1] != RDB_PARTITION_VALUE && kinds[i] != kinds[i - 1]) {
            rdb_error_set(err, RDB_DATATYPE_MISMATCH, "every bound following %s must also be %s", kinds[i - 1] < 0 ? "MINVALUE" : "MAXVALUE", kinds[i - 1] < 0 ? "MINVALUE" : "MAXVALUE");
            return command_at(context, raw->location, err);
        }
        if (kinds[i] != RDB_PARTITION_VALUE)
            continue;
        if (!bound_value(context, map, i, raw, &made[i], err))
            return false;
        if (made[i]->is_null)
            return refuse_at(context, location, err, "cannot specify NULL in range bound");
    }
    *values = made;
    *ends = kinds;
    return true;
}

static const char *relation_name(rdb_command_context *context, uint32_t oid)
{
    const rdb_relation *relation = NULL;
    rdb_error quiet = {0};
    bool ok = rdb_relation_get(context->access, oid, &relation, &quiet);
    rdb_error_clear(&quiet);
    return ok && relation != NULL ? relation->name : "";
}

static bool refuse_overlap(rdb_command_context *context, const char *name, uint32_t other_oid, int32_t location, rdb_error *err)
{
    rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "partition \"%s\" would overlap partition \"%s\"", name, relation_name(context, other_oid));
    return command_at(context, location, err);
}

static bool make_hash(rdb_command_context *context, const rdb_partition_map *map, const char *name, uint32_t own_oid, const rdb_ast_partition_bound *written, rdb_partition_bound *bound,
                      rdb_error *err)
{
    if (written->modulus <= 0)
        return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "modulus for hash partition must be an integer value greater than zero");
    if (written->remainder < 0)
        return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "remainder for hash partition must be an integer value greater than or equal to zero");
    if (written->remainder >= written->modulus)
        return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "remainder for hash partition must be less than modulus");
    bound->modulus = written->modulus;
    bound->remainder = written->remainder;
    /* moduli form a chain of factors, so that the largest one decides about all of them */
    const rdb_partition_entry *smaller = NULL, *larger = NULL;
    for (uint32_t i = 0; i < map->count; i++) {
        const rdb_partition_entry *entry = &map->entries[i];
        if (entry->oid == own_oid)
            continue;
        if (entry->bound.modulus <= bound->modulus)
            smaller = entry;
        else if (larger == NULL)
            larger = entry;
    }
    if (smaller != NULL && bound->modulus % smaller->bound.modulus != 0) {
        rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "every hash partition modulus must be a factor of the next larger modulus");
        return rdb_error_detail(err, "The new modulus %d is not divisible by %d, the modulus of existing partition \"%s\".", bound->modulus, smaller->bound.modulus,
                                relation_name(context, smaller->oid));
    }
    if (larger != NULL && larger->bound.modulus % bound->modulus != 0) {
        rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "every hash partition modulus must be a factor of the next larger modulus");
        return rdb_error_detail(err, "The new modulus %d is not a factor of %d, the modulus of existing partition \"%s\".", bound->modulus, larger->bound.modulus,
                                relation_name(context, larger->oid));
    }
    for (uint32_t i = 0; i < map->count; i++) {
        const rdb_partition_entry *entry = &map->entries[i];
        const int32_t less = RDB_MIN(entry->bound.modulus, bound->modulus);
        if (entry->oid != own_oid && entry->bound.remainder % less == bound->remainder % less)
            return refuse_overlap(context, name, entry->oid, written->node.location, err);
    }
    return true;
}

static bool make_list(rdb_command_context *context, const rdb_partition_map *map, const char *name, const rdb_ast_partition_bound *written, rdb_partition_bound *bound, rdb_error *err)
{
    bound->values = RDB_NEW_ARRAY(context->arena, const rdb_expr_const *, written->list.count + 1);
    int32_t *locations = RDB_NEW_ARRAY(context->arena, int32_t, written->list.count + 1);
    for (uint32_t i = 0; i < written->list.count; i++) {
        const rdb_expr_const *value = NULL;
        rdb_ast_node *raw = written->list.items[i];
        bool is_known = false;
        if (!bound_value(context, map, 0, raw, &value, err))
            return false;
        for (uint32_t k = 0; k < bound->value_count; k++)
            is_known = is_known || rdb_expr_equal(&bound->values[k]->head, &value->head);
        locations[bound->value_count] = raw->location;
        if (!is_known)
            bound->values[bound->value_count++] = value;
    }
    for (uint32_t i = 0; i < bound->value_count; i++) {
        int32_t entry_no = -1;
        rdb_datum key = bound->values[i]->value;
        if (!rdb_partition_find(map, &key, &bound->values[i]->is_null, &entry_no, err))
            return false;
        if (entry_no >= 0 && entry_no != map->default_no)
            return refuse_overlap(context, name, map->entries[entry_no].oid, locations[i], err);
    }
    return true;
}

static bool make_range(rdb_command_context *context, const rdb_partition_map *map, const char *name, const rdb_ast_partition_bound *written, rdb_partition_bound *bound, rdb_error *err)
{
    bound->value_count = map->key_count;
    const int32_t lower_at = written->lower.count > 0 ? ((const rdb_ast_node *)written->lower.items[0])->location : -1;
    const int32_t upper_at = written->upper.count > 0 ? ((const rdb_ast_node *)written->upper.items[0])->location : -1;
    if (written->lower.count != map->key_count)
        return refuse_at(context, -1, err, "FROM must specify exactly one value per partitioning column");
    if (written->upper.count != map->key_count)
        return refuse_at(context, -1, err, "TO must specify exactly one value per partitioning column");
    if (!range_end(context, map, &written->lower, "FROM", -1, &bound->values, &bound->lower_ends, err) ||
        !range_end(context, map, &written->upper, "TO", -1, &bound->upper, &bound->upper_ends, err))
        return false;
    if (rdb_partition_compare_ends(map, bound->values, bound->lower_ends, true, bound->upper, bound->upper_ends, false) >= 0) {
        rdb_strbuf lower, upper;
        rdb_strbuf_init(&lower, context->arena);
        rdb_strbuf_init(&upper, context->arena);
        if (!rdb_partition_end_deparse(context->access, bound, true, &lower, err) || !rdb_partition_end_deparse(context->access, bound, false, &upper, err))
            return false;
        rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "empty range bound specified for partition \"%s\"", name);
        rdb_error_detail(err, "Specified lower bound %s is greater than or equal to upper bound %s.", lower.data, upper.data);
        return command_at(context, lower_at, err);
    }
    for (uint32_t i = 0; i < map->count; i++) {
        const rdb_partition_bound *other = &map->entries[i].bound;
        if (other->strategy != 'r' ||
            rdb_partition_compare_ends(map, bound->values, bound->lower_ends, true, other->upper, other->upper_ends, false) >= 0 ||
            rdb_partition_compare_ends(map, other->values, other->lower_ends, true, bound->upper, bound->upper_ends, false) >= 0)
            continue;
        const bool begins_inside = rdb_partition_compare_ends(map, bound->values, bound->lower_ends, true, other->values, other->lower_ends, true) >= 0;
        return refuse_overlap(context, name, map->entries[i].oid, begins_inside ? lower_at : upper_at, err);
    }
    return true;
}

bool command_make_bound(rdb_command_context *context, const rdb_relation *parent, const char *name, uint32_t own_oid, const rdb_ast_partition_bound *written, rdb_partition_bound *bound,
                        rdb_error *err)
{
    rdb_partition_map *map = NULL;
    *bound = (rdb_partition_bound){.strategy = written->is_default ? 'd' : written->strategy};
    if (!rdb_partition_map_open(context->arena, context->access, parent, &map, err))
        return false;
    if (written->is_default && map->strategy == 'h')
        return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "a hash-partitioned table may not have a default partition");
    if (written->is_default) {
        if (map->default_no < 0)
            return true;
        rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "partition \"%s\" conflicts with existing default partition \"%s\"", name, relation_name(context, map->entries[map->default_no].oid));
        return command_at(context, written->node.location, err);
    }
    if (written->strategy != map->strategy)
        return refuse_at(context, written->node.location, err,
                         map->strategy == 'h' ? "invalid bound specification for a hash partition" : map->strategy == 'l' ? "invalid bound specification for a list partition"
                                                                                                                         : "invalid bound specification for a range partition");
    return map->strategy == 'h'   ? make_hash(context, map, name, own_oid, written, bound, err)
           : map->strategy == 'l' ? make_list(context, map, name, written, bound, err)
                                  : make_range(context, map, name, written, bound, err);
}

/* ---- rows ---------------------------------------------------------------------------------------------------------------------------- */
/* Is the condition, over parent's columns, true (or, wants_false, false) for any row of the relation and those below it? */
static bool any_row(rdb_command_context *context, const rdb_relation *parent, const rdb_relation *relation, rdb_expr *condition, bool wants_false, const rdb_relation **where, rdb_error *err)
{
    rdb_list all, queue = {0};
    uint32_t *counts = NULL;
    *where = NULL;
    rdb_list_push(context->arena, &queue, (void *)(uintptr_t)relation);
    if (relation->kind == 'p') {
        if (!command_descendants(context, relation, RDB_LOCK_ACCESS_EXCLUSIVE, &all, &counts, err))
            return false;
        for (uint32_t i = 0; i < all.count; i++)
            rdb_list_push(context->arena, &queue, all.items[i]);
    }
    for (uint32_t i = 0; i < queue.count && *where == NULL; i++) {
        const rdb_relation *at = queue.items[i];
        int16_t *map = NULL;
        bool any = false;
        if (at->kind != 'r')
            continue;
        if (!rdb_inheritance_map(context->arena, parent, at, &map, err))
            return false;
        rdb_expr *translated = rdb_inheritance_translate(context->arena, condition, 1, map, NULL);
        if (!command_any_row(context, at, wants_false ? command_is_false(context, translated) : translated, &any, err))
            return false;
        if (any)
            *where = at;
    }
    return true;
}

static bool refuse_rows(const char *format, const rdb_relation *relation, rdb_error *err)
{
    rdb_error_set(err, RDB_CHECK_VIOLATION, format, relation->name);
    rdb_error_name(err, RDB_ERROR_SCHEMA, relation->namespace_name);
    return rdb_error_name(err, RDB_ERROR_TABLE, relation->name);
}

/* Rows of the DEFAULT partition that the new one takes away. */
static bool check_default_rows(rdb_command_context *context, const rdb_relation *parent, const rdb_partition_bound *bound, rdb_error *err)
{
    rdb_partition_map *map = NULL;
    const rdb_relation *other = NULL, *where = NULL;
    rdb_expr *condition = NULL;
    if (parent->partition_key->default_oid == 0 || bound->strategy == 'd')
        return true;
    if (!command_lock(context, parent->partition_key->default_oid, RDB_LOCK_ACCESS_EXCLUSIVE, err) || !rdb_relation_get(context->access, parent->partition_key->default_oid, &other, err))
        return false;
    if (other == NULL)
        return true;
    if (!rdb_partition_map_open(context->arena, context->access, parent, &map, err) || !rdb_partition_condition(context->arena, context->access, map, bound, &condition, err) ||
        !any_row(context, parent, other, condition, false, &where, err))
        return false;
    return where == NULL || refuse_rows("updated partition constraint for default partition \"%s\" would be violated by some row", where, err);
}

bool command_finish_partition(rdb_command_context *context, const rdb_relation *parent, uint32_t partition_oid, const rdb_partition_bound *bound, rdb_error *err)
{
    const char *text = NULL;
    if (!rdb_partition_bound_write(context->arena, bound, &text, err) || !check_default_rows(context, parent, bound, err) ||
        !rdb_ddl_set_partition_bound(context->access, partition_oid, text, err) ||
        (bound->strategy == 'd' && !rdb_ddl_set_default_partition(context->access, parent->oid, partition_oid, err)))
        return false;
    rdb_catalog_invalidate(context->access, RDB_PG_CLASS, parent->oid);
    return true;
}

/* ---- ATTACH ------------------------------------------------------------------------------------------------------------------------ */
static bool check_attached(rdb_command_context *context, const rdb_relation *parent, const rdb_relation *partition, rdb_error *err)
{
    uint32_t *parents = NULL, count = 0, *counts = NULL;
    rdb_list below;
    if (partition->is_partition)
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is already a partition", partition->name);
    if (partition->of_type_oid != 0)
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot attach a typed table as partition");
    if (!rdb_ddl_get_parents(context->access, partition->oid, context->arena, &parents, &count, err))
        return false;
    if (count > 0)
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot attach inheritance child as partition");
    if (partition->kind == 'r' && partition->child_count > 0)
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot attach inheritance parent as partition");
    if (!command_descendants(context, partition, RDB_LOCK_ACCESS_EXCLUSIVE, &below, &counts, err))
        return false;
    bool is_circle = partition->oid == parent->oid;
    for (uint32_t i = 0; i < below.count; i++)
        is_circle = is_circle || ((const rdb_relation *)below.items[i])->oid == parent->oid;
    if (is_circle) {
        rdb_error_set(err, RDB_DUPLICATE_TABLE, "circular inheritance not allowed");
        return rdb_error_detail(err, "\"%s\" is already a child of \"%s\".", parent->name, partition->name);
    }
    if (partition->persistence == 't' && parent->persistence != 't')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot attach a temporary relation as partition of permanent relation \"%s\"", parent->name);
    if (partition->persistence != 't' && parent->persistence == 't')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot attach a permanent relation as partition of temporary relation \"%s\"", parent->name);
    for (uint16_t i = 0; i < partition->column_count; i++)
        if (!partition->columns[i].is_dropped && command_find_column(parent, partition->columns[i].name) == 0) {
            rdb_error_set(err, RDB_DATATYPE_MISMATCH, "table \"%s\" contains column \"%s\" not found in parent \"%s\"", partition->name, partition->columns[i].name, parent->name);
            return rdb_error_detail(err, "The new partition may contain only the columns present in parent.");
        }
    return true;
}

static bool attach(rdb_command_context *context, const rdb_relation *parent, const rdb_ast_partition_cmd *command, rdb_error *err)
{
    const rdb_relation *partition = NULL, *where = NULL;
    rdb_partition_bound bound;
    rdb_partition_map *map = NULL;
    rdb_expr *condition = NULL;
    if (!command_open_table(context, command->table, RDB_LOCK_ACCESS_EXCLUSIVE, false, &partition, err) || !command_check_owner(context, partition, err))
        return false;
    if (partition->kind != 'r' && partition->kind != 'p' && partition->kind != 'f')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "ALTER action ATTACH PARTITION cannot be performed on relation \"%s\"", partition->name);
    const uint32_t oid = partition->oid;
    if (!check_attached(context, parent, partition, err) || !command_make_bound(context, parent, partition->name, oid, command->bound, &bound, err) ||
        !command_adopt(context, partition, parent, true, err) || !rdb_ddl_add_parent(context->access, oid, parent->oid, 1, true, err) ||
        !command_clone_indexes(context, parent, oid, err) || !command_clone_foreign_keys(context, parent, oid, err))
        return false;
    /* its rows must be those of the bound; DEFAULT: of no other partition */
    if (!rdb_relation_get(context->access, oid, &partition, err) || !rdb_partition_map_open(context->arena, context->access, parent, &map, err) ||
        !rdb_partition_condition(context->arena, context->access, map, &bound, &condition, err) ||
        (condition != NULL && !any_row(context, parent, partition, condition, true, &where, err)))
        return false;
    if (where != NULL)
        return refuse_rows("partition constraint of relation \"%s\" is violated by some row", where, err);
    return command_finish_partition(context, parent, oid, &bound, err);
}

/* ---- DETACH ------------------------------------------------------------------------------------------------------------------------ */
static bool release_parts(rdb_command_context *context, const rdb_relation *partition, rdb_error *err)
{
    for (uint16_t i = 0; i < partition->index_count; i++) {
        const uint32_t oid = partition->indexes[i].oid;
        uint32_t *parents = NULL, count = 0;
        bool found = false;
        if (!rdb_ddl_get_parents(context->access, oid, context->arena, &parents, &count, err))
            return false;
        if (count > 0 && (!rdb_ddl_remove_parent(context->access, oid, parents[0], &found, err) ||
                          !rdb_ddl_set_part_of(context->access, (rdb_object_address){RDB_PG_CLASS, oid, 0}, 0, 0, err) || !rdb_ddl_set_partition_bound(context->access, oid, NULL, err)))
            return false;
    }
    for (uint16_t i = 0; i < partition->constraint_count; i++) {
        const rdb_constraint *constraint = &partition->constraints[i];
        if (constraint->parent_oid != 0 && (!rdb_ddl_set_part_of(context->access, (rdb_object_address){RDB_PG_CONSTRAINT, constraint->oid, 0}, 0, 0, err) ||
                                            !rdb_ddl_set_constraint_inheritance(context->access, constraint->oid, true, 0, constraint->kind != 'f', 0, err)))
            return false;
    }
    return true;
}

static bool detach(rdb_command_context *context, const rdb_relation *parent, const rdb_ast_partition_cmd *command, bool finalizes, rdb_error *err)
{
    const rdb_relation *partition = NULL;
    bool found = false, is_detaching = false;
    if (!command_open_table(context, command->table, RDB_LOCK_ACCESS_EXCLUSIVE, false, &partition, err))
        return false;
    for (uint32_t i = 0; i < parent->child_count; i++)
        if (parent->children[i].oid == partition->oid) {
            found = true;
            is_detaching = parent->children[i].is_detaching;
        }
    if (!found)
        return rdb_error_set(err, RDB_UNDEFINED_TABLE, "relation \"%s\" is not a partition of relation \"%s\"", partition->name, parent->name);
    if (finalizes && !is_detaching)
        return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "relation \"%s\" is not a partition of relation \"%s\" that is being detached", partition->name, parent->name);
    if (command->is_concurrent && parent->partition_key != NULL && parent->partition_key->default_oid != 0)
        return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "cannot detach partitions concurrently when a default partition exists");
    const uint32_t oid = partition->oid;
    if (!command_disown(context, partition, parent, err) || !rdb_ddl_remove_parent(context->access, oid, parent->oid, &found, err) || !release_parts(context, partition, err) ||
        (parent->partition_key != NULL && parent->partition_key->default_oid == oid && !rdb_ddl_set_default_partition(context->access, parent->oid, 0, err)))
        return false;
    return rdb_ddl_set_partition_bound(context->access, oid, NULL, err);
}

bool command_alter_partition(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err)
{
    const rdb_ast_partition_cmd *partition = (const rdb_ast_partition_cmd *)command->def;
    if (relation->kind == 'I' || relation->kind == 'i')
        return command_attach_index(context, relation, partition, err);
    if (relation->kind != 'p')
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "table \"%s\" is not partitioned", relation->name);
    return command->kind == RDB_SQL_ALTER_ATTACH_PARTITION ? attach(context, relation, partition, err)
                                                           : detach(context, relation, partition, command->kind == RDB_SQL_ALTER_DETACH_PARTITION_FINALIZE, err);
}
