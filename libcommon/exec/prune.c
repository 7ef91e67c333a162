/* SPDX-License-Identifier: Apache-2.0
 * Which children of an Append a run, and a turn of a run, need not read. What is known before the run begins decides which children
 * are built at all; what the values of nested loops and sub-plans add is asked anew at each turn. */
#include "exec/exec_int.h"

struct exec_prune {
    const rdb_plan_prune *plan;
    rdb_pruner *pruner;
    rdb_program **values;
    rdb_datum *data;
    bool *is_null;
    rdb_arena *arena;   /* of one question */
};

static bool ask(rdb_execution *x, exec_prune *prune, uint32_t count, bool *kept, rdb_error *err)
{
    rdb_arena_reset(prune->arena);
    for (uint32_t i = 0; i < count; i++)
        if (!rdb_program_value(prune->values[i], &x->eval, prune->arena, 0, &prune->data[i], &prune->is_null[i], err))
            return false;
    return rdb_pruner_run(prune->pruner, prune->arena, &x->eval, prune->data, prune->is_null, count, kept, err);
}

bool exec_prune_open(rdb_execution *x, const rdb_plan_prune *plan, exec_prune **out, rdb_error *err)
{
    exec_prune *prune = *out = RDB_NEW(x->arena, exec_prune);
    prune->plan = plan;
    prune->arena = exec_arena(x, "partitions");
    if (prune->arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    prune->values = RDB_NEW_ARRAY(x->arena, rdb_program *, plan->values.count + 1);
    prune->data = RDB_NEW_ARRAY(x->arena, rdb_datum, plan->values.count + 1);
    prune->is_null = RDB_NEW_ARRAY(x->arena, bool, plan->values.count + 1);
    for (uint32_t i = 0; i < plan->values.count; i++) {
        rdb_expr *value = plan->values.items[i];
        if (!exec_compile(x, &prune->values[i], &value, 1, err))
            return false;
    }
    return rdb_pruner_open(&prune->pruner, x->arena, plan, err);
}

void exec_prune_close(exec_prune *prune)
{
    if (prune != NULL)
        rdb_arena_destroy(prune->arena);
}

bool exec_prune_first(rdb_execution *x, exec_prune *prune, bool *kept, rdb_error *err)
{
    if (prune->plan->first_count > 0)
        return ask(x, prune, prune->plan->first_count, kept, err);
    memset(kept, true, prune->plan->child_count * sizeof *kept);
    return true;
}

bool exec_prune_is_late(const exec_prune *prune)
{
    return prune->plan->values.count > prune->plan->first_count;
}

bool exec_prune_turn(rdb_execution *x, exec_prune *prune, bool *kept, rdb_error *err)
{
    return ask(x, prune, prune->plan->values.count, kept, err);
}
