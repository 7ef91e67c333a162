/* SPDX-License-Identifier: Apache-2.0
 * Indexes, keys and foreign keys of partitioned tables, which each partition has as well: one that is there and fits becomes a
 * part of the partitioned table's, else one is made. */
#include "command/inherit.h"

/* ---- keys hold the partition key ----------------------------------------------------------------------------------------------------- */
bool command_check_partition_key(rdb_command_context *context, const rdb_relation *relation, const rdb_index_column *columns, uint16_t count, const char *what, rdb_error *err)
{
    const rdb_partition_key *key = relation->partition_key;
    char upper[16] = "";
    (void)context;
    for (size_t i = 0; what[i] != 0 && i < sizeof upper - 1; i++)
        upper[i] = (char)(what[i] >= 'a' && what[i] <= 'z' ? what[i] - 32 : what[i]), upper[i + 1] = 0;
    for (uint16_t i = 0; key != NULL && i < key->count; i++) {
        bool is_there = false;
        if (key->columns[i] == 0) {
            rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "unsupported %s constraint with partition key definition", upper);
            return rdb_error_detail(err, "%s constraints cannot be used when partition keys include expressions.", upper);
        }
        for (uint16_t k = 0; k < count; k++)
            is_there = is_there || columns[k].column_number == key->columns[i];
        if (is_there)
            continue;
        rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "unique constraint on partitioned table must include all partitioning columns");
        return rdb_error_detail(err, "%s constraint on table \"%s\" lacks column \"%s\" which is part of the partition key.", upper, relation->name,
                                relation->columns[key->columns[i] - 1].name);
    }
    return true;
}

/* ---- indexes ------------------------------------------------------------------------------------------------------------------------- */
static bool translate_tree(rdb_command_context *context, const char *tree, const int16_t *map, rdb_expr **expr, rdb_error *err)
{
    *expr = NULL;
    if (tree == NULL)
        return true;
    if (!rdb_tree_read_expr(context->arena, context->access, tree, expr, err))
        return false;
    *expr = rdb_inheritance_translate(context->arena, *expr, 1, map, NULL);
    return true;
}

static bool same_tree(rdb_command_context *context, const char *tree, const rdb_expr *wanted, bool *same, rdb_error *err)
{
    rdb_expr *expr = NULL;
    *same = tree == NULL && wanted == NULL;
    if (tree == NULL || wanted == NULL)
        return true;
    if (!rdb_tree_read_expr(context->arena, context->access, tree, &expr, err))
        return false;
    *same = rdb_expr_equal(expr, wanted);
    return true;
}

static const rdb_constraint *constraint_of_index(const rdb_relation *relation, uint32_t index_oid)
{
    for (uint16_t i = 0; i < relation->constraint_count; i++)
        if (relation->constraints[i].index_oid == index_oid && relation->constraints[i].kind != 'f')
            return &relation->constraints[i];
    return NULL;
}

/* Is the partition's index the same as the parent's, columns numbered by map? */
static bool index_fits(rdb_command_context *context, const rdb_relation_index *wanted, const rdb_relation_index *index, const int16_t *map, bool *fits, rdb_error *err)
{
    rdb_expr *expressions = NULL, *predicate = NULL;
    *fits = false;
    if (index->method_oid != wanted->method_oid || index->is_unique != wanted->is_unique || index->key_count != wanted->key_count || index->column_count != wanted->column_count ||
        index->index.nulls_not_distinct != wanted->index.nulls_not_distinct || index->is_exclusion != wanted->is_exclusion)
        return true;
    for (uint16_t i = 0; i < index->column_count; i++) {
        const int16_t number = wanted->columns[i].column_number;
        if (index->columns[i].column_number != (number == 0 ? 0 : map[number - 1]) ||
            (i < index->key_count && (index->columns[i].opclass_oid != wanted->columns[i].opclass_oid || index->columns[i].collation != wanted->columns[i].collation)))
            return true;
    }
    return translate_tree(context, wanted->expression_tree, map, &expressions, err) && translate_tree(context, wanted->predicate_tree, map, &predicate, err) &&
           same_tree(context, index->expression_tree, expressions, fits, err) && (!*fits || same_tree(context, index->predicate_tree, predicate, fits, err));
}

static bool attach_index(rdb_command_context *context, const rdb_relation *parent, const rdb_relation_index *wanted, const rdb_relation *partition, uint32_t index_oid, rdb_error *err)
{
    const rdb_object_address part = {RDB_PG_CLASS, index_oid, 0};
    const rdb_constraint *above = constraint_of_index(parent, wanted->oid), *own = constraint_of_index(partition, index_oid);
    if (!rdb_ddl_add_parent(context->access, index_oid, wanted->oid, 1, false, err) || !rdb_ddl_set_part_of(context->access, part, wanted->oid, partition->oid, err) ||
        !rdb_ddl_set_partition_bound(context->access, index_oid, "", err))
        return false;
    if (above == NULL || own == NULL)
        return true;
    const rdb_object_address constraint = {RDB_PG_CONSTRAINT, own->oid, 0};
    return rdb_ddl_set_constraint_inheritance(context->access, own->oid, false, 1, own->is_no_inherit, above->oid, err) &&
           rdb_ddl_set_part_of(context->access, constraint, above->oid, partition->oid, err);
}

static bool create_part(rdb_command_context *context, const rdb_relation *parent, const rdb_relation_index *wanted, const rdb_relation *partition, const int16_t *map, uint32_t *index_oid,
                        rdb_error *err)
{
    const rdb_constraint *above = constraint_of_index(parent, wanted->oid);
    const uint16_t count = wanted->column_count;
    const char **names = RDB_NEW_ARRAY(context->arena, const char *, count + 1u), *joined = "";
    rdb_index_column *columns = rdb_arena_memdup(context->arena, wanted->columns, count * sizeof *columns);
    int16_t *numbers = RDB_NEW_ARRAY(context->arena, int16_t, count + 1u);
    rdb_expr *expressions = NULL, *predicate = NULL;
    rdb_strbuf expression_tree, predicate_tree;
    command_uses uses = {0};
    char name[RDB_NAMEDATALEN];
    uint32_t oid = 0;
    const rdb_relation *index_relation = NULL;
    rdb_strbuf_init(&expression_tree, context->arena);
    rdb_strbuf_init(&predicate_tree, context->arena);
    if (!translate_tree(context, wanted->expression_tree, map, &expressions, err) || !translate_tree(context, wanted->predicate_tree, map, &predicate, err) ||
        !rdb_relation_get(context->access, wanted->oid, &index_relation, err))
        return false;
    for (uint16_t i = 0; i < count; i++) {
        names[i] = index_relation->columns[i].name;
        if (columns[i].column_number != 0)
            columns[i].column_number = numbers[i] = map[columns[i].column_number - 1];
    }
    if (wanted->is_unique && partition->kind == 'p' &&
        !command_check_partition_key(context, partition, columns, wanted->key_count, wanted->is_primary ? "primary key" : "unique", err))
        return false;
    command_index_column_names(context, names, count, &joined);
    const char *label = above == NULL ? "idx" : above->kind == 'p' ? "pkey" : above->kind == 'u' ? "key" : "excl";
    if (!command_choose_name(context, partition->name, above != NULL && above->kind == 'p' ? NULL : joined, label, partition->namespace_oid, name, err))
        return false;
    if ((expressions != NULL && (!rdb_tree_write_expr(expressions, &expression_tree, err) || !rdb_strbuf_check(&expression_tree, err) ||
                                 !command_expr_uses(context, partition, expressions, &uses, err))) ||
        (predicate != NULL && (!rdb_tree_write_expr(predicate, &predicate_tree, err) || !rdb_strbuf_check(&predicate_tree, err) || !command_expr_uses(context, partition, predicate, &uses, err))))
        return false;
    for (uint16_t i = 0; above != NULL && above->kind == 'p' && i < wanted->key_count; i++)
        if (!partition->columns[numbers[i] - 1].not_null && !command_set_not_null(context, partition, numbers[i], err))
            return false;
    const rdb_index_definition definition = {.name = name, .table_oid = partition->oid, .is_unique = wanted->is_unique, .is_primary = wanted->is_primary,
                                             .nulls_not_distinct = wanted->index.nulls_not_distinct, .is_immediate = wanted->is_immediate, .is_exclusion = wanted->is_exclusion,
                                             .columns = columns, .key_count = wanted->key_count, .column_count = count, .column_names = names,
                                             .expression_tree = expressions != NULL ? expression_tree.data : NULL, .predicate_tree = predicate != NULL ? predicate_tree.data : NULL,
                                             .method_oid = wanted->method_oid, .parent_oid = wanted->oid, .uses = uses.items, .use_count = uses.count};
    if (!rdb_ddl_create_index(context->access, &definition, index_oid, err))
        return false;
    if (above != NULL) {
        const rdb_constraint_definition constraint = {.name = name, .kind = above->kind, .relation_oid = partition->oid, .namespace_oid = partition->namespace_oid, .index_oid = *index_oid,
                                                      .is_deferrable = above->is_deferrable, .is_deferred = above->is_deferred, .is_validated = true, .is_inherited_only = true,
                                                      .inherit_count = 1, .parent_oid = above->oid, .columns = numbers,
                                                      .column_count = wanted->key_count, .exclusion_operators = above->exclusion_operators, .exclusion_count = above->exclusion_count};
        if (!rdb_ddl_create_constraint(context->access, &constraint, &oid, err))
            return false;
    }
    return partition->kind == 'p' || command_fill_index(context, partition->oid, *index_oid, err);
}

static bool spread_to(rdb_command_context *context, const rdb_relation *parent, const rdb_relation_index *wanted, uint32_t partition_oid, rdb_error *err)
{
    const rdb_relation *partition = NULL;
    int16_t *map = NULL;
    uint32_t index_oid = 0;
    if (!rdb_relation_get(context->access, partition_oid, &partition, err) || !rdb_inheritance_map(context->arena, parent, partition, &map, err))
        return false;
    for (uint16_t i = 0; i < partition->index_count; i++) {
        const rdb_relation_index *index = &partition->indexes[i];
        uint32_t *parents = NULL, parent_count = 0;
        bool fits = false;
        if (!rdb_ddl_get_parents(context->access, index->oid, context->arena, &parents, &parent_count, err) || !index_fits(context, wanted, index, map, &fits, err))
            return false;
        if (parent_count > 0 && parents[0] == wanted->oid)
            return true;
        if (!fits || parent_count > 0 || !index->is_valid || (constraint_of_index(parent, wanted->oid) != NULL && constraint_of_index(partition, index->oid) == NULL))
            continue;
        return attach_index(context, parent, wanted, partition, index->oid, err);
    }
    return create_part(context, parent, wanted, partition, map, &index_oid, err) && (partition->kind != 'p' || command_spread_index(context, partition_oid, index_oid, err));
}

bool command_spread_index(rdb_command_context *context, uint32_t parent_oid, uint32_t index_oid, rdb_error *err)
{
    const rdb_relation *parent = NULL;
    const rdb_relation_index *wanted = NULL;
    if (!rdb_relation_get(context->access, parent_oid, &parent, err))
        return false;
    for (uint16_t i = 0; i < parent->index_count; i++)
        if (parent->indexes[i].oid == index_oid)
            wanted = &parent->indexes[i];
    for (uint32_t i = 0; wanted != NULL && i < parent->child_count && !context->keeps_to_named; i++)
        if (!command_lock(context, parent->children[i].oid, RDB_LOCK_SHARE, err) || !spread_to(context, parent, wanted, parent->children[i].oid, err))
            return false;
    return true;
}

bool command_clone_indexes(rdb_command_context *context, const rdb_relation *parent, uint32_t partition_oid, rdb_error *err)
{
    for (uint16_t i = 0; i < parent->index_count; i++)
        if (!spread_to(context, parent, &parent->indexes[i], partition_oid, err))
            return false;
    return true;
}

/* ALTER INDEX ... ATTACH PARTITION ... */
static bool all_are_there(rdb_command_context *context, const rdb_relation *table, uint32_t index_oid, bool *all, rdb_error *err)
{
    const rdb_relation *index = NULL;
    if (!rdb_relation_get(context->access, index_oid, &index, err))
        return false;
    *all = index->child_count == table->child_count;
    return true;
}

bool command_attach_index(rdb_command_context *context, const rdb_relation *index, const rdb_ast_partition_cmd *command, rdb_error *err)
{
    const rdb_relation *part = NULL, *table = NULL, *partition = NULL;
    const rdb_relation_index *wanted = NULL, *own = NULL;
    int16_t *map = NULL;
    uint32_t *parents = NULL, parent_count = 0;
    bool fits = false, is_partition = false, all = false;
    if (index->kind != 'I')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a partitioned index", index->name);
    if (!command_open_table(context, command->table, RDB_LOCK_ACCESS_EXCLUSIVE, false, &part, err))
        return false;
    if (part->kind != 'i' && part->kind != 'I')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not an index", part->name);
    if (!command_check_owner(context, part, err) || !rdb_relation_get(context->access, index->index_of, &table, err) || !rdb_relation_get(context->access, part->index_of, &partition, err) ||
        !rdb_ddl_get_parents(context->access, part->oid, context->arena, &parents, &parent_count, err))
        return false;
    if (parent_count > 0 && parents[0] == index->oid)
        return true;
    const bool is_attached = parent_count > 0;
    for (uint32_t i = 0; i < table->child_count; i++)
        is_partition = is_partition || table->children[i].oid == partition->oid;
    if (!is_partition) {
        rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "cannot attach index \"%s\" as a partition of index \"%s\"", part->name, index->name);
        return rdb_error_detail(err, "Index \"%s\" is not an index on any partition of table \"%s\".", part->name, table->name);
    }
    for (uint16_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].oid == index->oid)
            wanted = &table->indexes[i];
    for (uint16_t i = 0; i < partition->index_count; i++) {
        if (partition->indexes[i].oid == part->oid)
            own = &partition->indexes[i];
        if (!rdb_ddl_get_parents(context->access, partition->indexes[i].oid, context->arena, &parents, &parent_count, err))
            return false;
        if (parent_count > 0 && parents[0] == index->oid) {
            rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "cannot attach index \"%s\" as a partition of index \"%s\"", part->name, index->name);
            return rdb_error_detail(err, "Another index is already attached for partition \"%s\".", partition->name);
        }
    }
    if (is_attached) {
        rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "cannot attach index \"%s\" as a partition of index \"%s\"", part->name, index->name);
        return rdb_error_detail(err, "Index \"%s\" is already attached to another index.", part->name);
    }
    if (wanted == NULL || own == NULL || !rdb_inheritance_map(context->arena, table, partition, &map, err) || !index_fits(context, wanted, own, map, &fits, err))
        return rdb_error_is_set(err) ? false : rdb_error_set(err, RDB_INTERNAL_ERROR, "index \"%s\" is not among those of its table", part->name);
    if (!fits) {
        rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "cannot attach index \"%s\" as a partition of index \"%s\"", part->name, index->name);
        return rdb_error_detail(err, "The index definitions do not match.");
    }
    if (constraint_of_index(table, index->oid) != NULL && constraint_of_index(partition, part->oid) == NULL) {
        rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "cannot attach index \"%s\" as a partition of index \"%s\"", part->name, index->name);
        return rdb_error_detail(err, "The index \"%s\" belongs to a constraint in table \"%s\" but no constraint exists for index \"%s\".", index->name, table->name, part->name);
    }
    return attach_index(context, table, wanted, partition, part->oid, err) && all_are_there(context, table, index->oid, &all, err) &&
           (!all || rdb_ddl_set_index_field(context->access, index->oid, RDB_pg_index_indisvalid, (rdb_datum){.b = true}, err));
}

/* ---- foreign keys ---------------------------------------------------------------------------------------------------------------------- */
/* A constraint that is a part of another one of the same table: one for each partition of the referenced table. */
static bool is_of_referenced(const rdb_relation *relation, const rdb_constraint *constraint)
{
    for (uint16_t i = 0; constraint->parent_oid != 0 && i < relation->constraint_count; i++)
        if (relation->constraints[i].oid == constraint->parent_oid)
            return true;
    return false;
}

static bool choose_name(rdb_command_context *context, const rdb_relation *relation, const rdb_constraint *like, bool keeps_name, char name[RDB_NAMEDATALEN], rdb_error *err)
{
    rdb_strbuf joined;
    rdb_strbuf_init(&joined, context->arena);
    bool is_free = keeps_name;
    for (uint16_t i = 0; i < relation->constraint_count && keeps_name; i++)
        is_free = is_free && strcmp(relation->constraints[i].name, like->name) != 0;
    snprintf(name, RDB_NAMEDATALEN, "%s", like->name);
    if (is_free)
        return true;
    for (uint16_t i = 0; i < like->column_count; i++)
        rdb_strbuf_addf(&joined, "%s%s", i > 0 ? "_" : "", relation->columns[like->columns[i] - 1].name);
    for (unsigned attempt = 0;; attempt++) {
        char label[32];
        if (attempt == 0)
            snprintf(label, sizeof label, "fkey");
        else
            snprintf(label, sizeof label, "fkey%u", attempt);
        if (!command_choose_name(context, relation->name, joined.data, label, relation->namespace_oid, name, err))
            return false;
        bool is_taken = false;
        for (uint16_t i = 0; i < relation->constraint_count; i++)
            is_taken = is_taken || strcmp(relation->constraints[i].name, name) == 0;
        if (!is_taken)
            return true;
    }
}

static bool create_foreign_key(rdb_command_context *context, const rdb_relation *relation, const rdb_relation *target, const rdb_constraint *like, const int16_t *columns,
                               const int16_t *foreign_columns, uint32_t index_oid, bool keeps_name, uint32_t *oid, rdb_error *err)
{
    char name[RDB_NAMEDATALEN];
    uint32_t *operators = RDB_NEW_ARRAY(context->arena, uint32_t, like->column_count + 1u);
    rdb_constraint shown = *like;
    shown.columns = columns;
    if (!choose_name(context, relation, &shown, keeps_name, name, err))
        return false;
    for (uint16_t i = 0; i < like->column_count; i++) {
        const rdb_type *left = target->columns[foreign_columns[i] - 1].type, *right = relation->columns[columns[i] - 1].type;
        if (!rdb_opclass_operator(context->access, left->oid, right->oid, 3, &operators[i], err) ||
            (operators[i] == 0 && !rdb_opclass_operator(context->access, left->oid, left->oid, 3, &operators[i], err)))
            return false;
    }
    const rdb_constraint_definition definition = {.name = name, .kind = 'f', .relation_oid = relation->oid, .namespace_oid = relation->namespace_oid, .index_oid = index_oid,
                                                  .is_deferrable = like->is_deferrable, .is_deferred = like->is_deferred, .is_validated = like->is_validated, .is_inherited_only = true,
                                                  .inherit_count = 1, .parent_oid = like->oid, .is_of_partitioned = relation->kind == 'p', .columns = columns,
                                                  .column_count = like->column_count, .foreign_relation_oid = target->oid, .foreign_columns = foreign_columns,
                                                  .equality_operators = operators, .on_update = like->on_update, .on_delete = like->on_delete, .match = like->match,
                                                  .delete_set_columns = like->delete_set_columns, .delete_set_count = like->delete_set_count};
    return rdb_ddl_create_constraint(context->access, &definition, oid, err);
}

static const int16_t *translate_numbers(rdb_command_context *context, const int16_t *numbers, uint16_t count, const int16_t *map)
{
    int16_t *made = RDB_NEW_ARRAY(context->arena, int16_t, count + 1u);
    for (uint16_t i = 0; i < count; i++)
        made[i] = map[numbers[i] - 1];
    return made;
}

static const rdb_constraint *find_constraint(const rdb_relation *relation, uint32_t oid)
{
    for (uint16_t i = 0; i < relation->constraint_count; i++)
        if (relation->constraints[i].oid == oid)
            return &relation->constraints[i];
    return NULL;
}

/* A referenced partition, and those below it, are watched for the key too. */
static bool watch_partition(rdb_command_context *context, uint32_t relation_oid, uint32_t constraint_oid, const rdb_relation *target, uint32_t partition_oid, rdb_error *err)
{
    const rdb_relation *partition = NULL, *relation = NULL;
    int16_t *map = NULL;
    uint32_t index_oid = 0, oid = 0;
    if (!rdb_relation_get(context->access, relation_oid, &relation, err) || !rdb_relation_get(context->access, partition_oid, &partition, err) ||
        !rdb_inheritance_map(context->arena, target, partition, &map, err))
        return false;
    const rdb_constraint *above = find_constraint(relation, constraint_oid);
    if (above == NULL)
        return true;
    for (uint16_t i = 0; i < partition->index_count && index_oid == 0; i++) {
        uint32_t *parents = NULL, count = 0;
        if (!rdb_ddl_get_parents(context->access, partition->indexes[i].oid, context->arena, &parents, &count, err))
            return false;
        if (count > 0 && parents[0] == above->index_oid)
            index_oid = partition->indexes[i].oid;
    }
    if (!create_foreign_key(context, relation, partition, above, above->columns, translate_numbers(context, above->foreign_columns, above->column_count, map), index_oid, false, &oid, err))
        return false;
    for (uint32_t i = 0; partition->kind == 'p' && i < partition->child_count; i++)
        if (!watch_partition(context, relation_oid, oid, partition, partition->children[i].oid, err))
            return false;
    return true;
}

static bool clone_key(rdb_command_context *context, uint32_t parent_oid, uint32_t constraint_oid, uint32_t partition_oid, bool is_new, rdb_error *err)
{
    const rdb_relation *parent = NULL, *partition = NULL, *target = NULL;
    int16_t *map = NULL;
    uint32_t oid = 0;
    if (!rdb_relation_get(context->access, parent_oid, &parent, err) || !rdb_relation_get(context->access, partition_oid, &partition, err) ||
        !rdb_inheritance_map(context->arena, parent, partition, &map, err))
        return false;
    const rdb_constraint *above = find_constraint(parent, constraint_oid);
    if (above == NULL || !rdb_relation_get(context->access, above->foreign_relation_oid, &target, err))
        return above == NULL;
    const int16_t *columns = translate_numbers(context, above->columns, above->column_count, map);
    for (uint16_t i = 0; i < partition->constraint_count; i++) { /* one that says the same becomes the part */
        const rdb_constraint *own = &partition->constraints[i];
        if (own->kind != 'f' || own->parent_oid != 0 || own->foreign_relation_oid != above->foreign_relation_oid || own->column_count != above->column_count ||
            memcmp(own->columns, columns, own->column_count * sizeof *columns) != 0 ||
            memcmp(own->foreign_columns, above->foreign_columns, own->column_count * sizeof *columns) != 0 || own->is_deferrable != above->is_deferrable ||
            own->is_deferred != above->is_deferred || own->on_update != above->on_update || own->on_delete != above->on_delete || own->match != above->match || !own->is_validated)
            continue;
        return rdb_ddl_set_constraint_inheritance(context->access, own->oid, false, 1, false, above->oid, err) &&
               rdb_ddl_set_part_of(context->access, (rdb_object_address){RDB_PG_CONSTRAINT, own->oid, 0}, above->oid, partition->oid, err);
    }
    if (!create_foreign_key(context, partition, target, above, columns, above->foreign_columns, above->index_oid, true, &oid, err))
        return false;
    if (partition->kind == 'r')
        return is_new || command_validate_foreign_key(context, partition_oid, oid, err);
    for (uint32_t i = 0; i < partition->child_count; i++)
        if (!clone_key(context, partition_oid, oid, partition->children[i].oid, is_new, err))
            return false;
    return true;
}

bool command_spread_foreign_key(rdb_command_context *context, uint32_t relation_oid, uint32_t constraint_oid, bool is_new, rdb_error *err)
{
    const rdb_relation *relation = NULL, *target = NULL;
    if (!rdb_relation_get(context->access, relation_oid, &relation, err))
        return false;
    const rdb_constraint *constraint = find_constraint(relation, constraint_oid);
    if (constraint == NULL || !rdb_relation_get(context->access, constraint->foreign_relation_oid, &target, err))
        return constraint == NULL;
    for (uint32_t i = 0; target->kind == 'p' && i < target->child_count; i++)
        if (!watch_partition(context, relation_oid, constraint_oid, target, target->children[i].oid, err))
            return false;
    for (uint32_t i = 0; relation->kind == 'p' && i < relation->child_count; i++)
        if (!clone_key(context, relation_oid, constraint_oid, relation->children[i].oid, is_new, err))
            return false;
    return true;
}

bool command_clone_foreign_keys(rdb_command_context *context, const rdb_relation *parent, uint32_t partition_oid, rdb_error *err)
{
    for (uint16_t i = 0; i < parent->constraint_count; i++) {
        const rdb_constraint *constraint = &parent->constraints[i];
        if (constraint->kind == 'f' && !is_of_referenced(parent, constraint) && !clone_key(context, parent->oid, constraint->oid, partition_oid, false, err))
            return false;
    }
    for (uint16_t i = 0; i < parent->referrer_count; i++) {
        const rdb_constraint *constraint = &parent->referrers[i];
        const rdb_relation *referring = NULL;
        if (!rdb_relation_get(context->access, constraint->relation_oid, &referring, err))
            return false;
        /* those of the referring table's partitions follow from its own */
        const rdb_constraint *above = constraint->parent_oid != 0 ? find_constraint(referring, constraint->parent_oid) : NULL;
        if ((constraint->parent_oid == 0 || above != NULL) && !watch_partition(context, constraint->relation_oid, constraint->oid, parent, partition_oid, err))
            return false;
    }
    return true;
}
