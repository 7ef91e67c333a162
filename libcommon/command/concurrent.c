/* SPDX-License-Identifier: Apache-2.0
 * CREATE INDEX CONCURRENTLY and its kin: the steps, and the waits between them. */
#include "command/concurrent.h"
#include "command/inherit.h"
#include "task/rdb_report.h"

enum { BRIN_METHOD = 3580 };
/* PostgreSQL's numbers of pg_stat_progress_create_index: commands and phases. */
enum { CREATES_CONCURRENTLY = 2, REINDEXES_CONCURRENTLY = 4 };
enum { PHASE_WRITERS_BEFORE_BUILD = 1, PHASE_WRITERS_BEFORE_VALIDATION = 3, PHASE_TABLE_SCAN = 6, PHASE_READERS_BEFORE_DEAD = 8, PHASE_READERS_BEFORE_DROP = 9 };

bool command_index_is_live_built(const rdb_relation *relation, uint32_t method_oid)
{
    return relation->persistence != 't' && method_oid != BRIN_METHOD;
}

/* ---- steps and waits --------------------------------------------------------------------------------------------------------- */
bool command_step(rdb_command_context *context, command_step_work *change, void *work, rdb_error *err)
{
    rdb_command_context step = *context;
    rdb_access_context settings = *rdb_access_get_context(context->access);
    rdb_scn scn;
    if (!rdb_txn_begin(rdb_txn_manager_of(context->txn), rdb_txn_pdb(context->txn), RDB_READ_COMMITTED, false, context->cancel, &step.txn, err))
        return false;
    settings.txn = step.txn;
    bool ok = rdb_access_begin(&step.access, &settings, err) && change(&step, work, err) &&
              (context->step_commits == NULL || context->step_commits(context->session, step.txn, err));
    rdb_access_end(&step.access);
    if (ok)
        return rdb_txn_commit(&step.txn, RDB_COMMIT_LOCAL, &scn, err);
    rdb_txn_abort(&step.txn);
    return false;
}

static void note_progress(void *context, uint32_t total, uint32_t gone, int32_t process_id)
{
    (void)context;
    rdb_report_set(4, total);
    rdb_report_set(5, gone);
    rdb_report_set(6, process_id);
}

/* Those who have a lock on the table now that conflicts with mode. Nothing is read meanwhile: the statement's snapshot keeps no old version. */
static bool wait_for_holders(rdb_command_context *context, uint32_t table_oid, rdb_lock_mode mode, int phase, rdb_error *err)
{
    rdb_snapshot *own = (rdb_snapshot *)(uintptr_t)context->snapshot; /* the statement's own variable */
    rdb_report_set(10, phase);
    if (own != NULL)
        rdb_txn_drop_snapshot(context->txn, own);
    rdb_txn_end_statement(context->txn);
    const bool ok = rdb_lock_wait_holders(context->txn, table_oid, mode, note_progress, NULL, err);
    if (own != NULL) {
        rdb_txn_take_snapshot(context->txn, own);
        rdb_txn_hold_snapshot(context->txn, own);
    }
    note_progress(NULL, 0, 0, 0);
    return ok;
}

static bool find_index(rdb_command_context *context, uint32_t table_oid, uint32_t index_oid, const rdb_relation **relation, const rdb_relation_index **index, rdb_error *err)
{
    *index = NULL;
    if (!rdb_relation_get(context->access, table_oid, relation, err))
        return false;
    for (uint16_t i = 0; *relation != NULL && i < (*relation)->index_count; i++)
        if ((*relation)->indexes[i].oid == index_oid)
            *index = &(*relation)->indexes[i];
    return *index != NULL || rdb_error_set(err, RDB_UNDEFINED_OBJECT, "index with OID %u does not exist", index_oid);
}

/* ---- making ---------------------------------------------------------------------------------------------------------------------- */
typedef struct building {
    rdb_command_context *context; /* of the statement */
    rdb_index_definition *definition;
    const rdb_list *options;
    char options_kind;
    uint32_t table_oid, oid;
    uint32_t replaced_oid; /* the index that gets the new file; 0: none */
} building;

static bool step_create(rdb_command_context *step, void *work, rdb_error *err)
{
    building *b = work;
    return rdb_ddl_create_index(step->access, b->definition, &b->oid, err) && (b->options == NULL || command_set_options(step, b->oid, b->options_kind, b->options, err));
}

static bool step_ready(rdb_command_context *step, void *work, rdb_error *err)
{
    const building *b = work;
    return rdb_ddl_set_index_field(step->access, b->oid, RDB_pg_index_indisready, (rdb_datum){.b = true}, err);
}

static bool set_flags(rdb_command_context *step, uint32_t oid, bool is_valid, bool is_ready, bool is_live, rdb_error *err)
{
    return rdb_ddl_set_index_field(step->access, oid, RDB_pg_index_indisvalid, (rdb_datum){.b = is_valid}, err) &&
           rdb_ddl_set_index_field(step->access, oid, RDB_pg_index_indisready, (rdb_datum){.b = is_ready}, err) &&
           rdb_ddl_set_index_field(step->access, oid, RDB_pg_index_indislive, (rdb_datum){.b = is_live}, err);
}

/* The new file changes places with the old one, whose index is called _ccold from then on: it is kept up for those who still read it. */
static bool take_place(rdb_command_context *step, const building *b, const rdb_relation_index *replaced, rdb_error *err)
{
    const rdb_relation *index = NULL;
    char name[RDB_NAMEDATALEN];
    return rdb_relation_get(step->access, b->oid, &index, err) && index != NULL &&
           command_choose_name(step, replaced->name, NULL, "ccold", index->namespace_oid, name, err) &&
           rdb_ddl_swap_index_files(step->access, b->table_oid, b->oid, replaced->oid, err) && rdb_ddl_rename_relation(step->access, b->oid, name, err) &&
           set_flags(step, replaced->oid, true, true, true, err) && set_flags(step, b->oid, false, replaced->is_ready, replaced->is_ready, err);
}

static bool step_fill(rdb_command_context *step, void *work, rdb_error *err)
{
    const building *b = work;
    rdb_command_context *context = b->context;
    const rdb_relation *relation = NULL;
    const rdb_relation_index *index = NULL, *replaced = NULL;
    command_index_programs *programs = NULL;
    uint64_t blocks = 0;
    if (!find_index(context, b->table_oid, b->oid, &relation, &index, err) || !rdb_table_block_count(&relation->table, &blocks, err))
        return false;
    if (b->replaced_oid != 0 && !find_index(context, b->table_oid, b->replaced_oid, &relation, &replaced, err))
        return false;
    rdb_report_set(10, PHASE_TABLE_SCAN);
    rdb_report_set(16, (int64_t)blocks);
    const bool is_computed = index->expression_tree != NULL || index->predicate_tree != NULL;
    if (is_computed && !command_index_programs_open(&programs, context->arena, command_eval(context), relation, index, err))
        return false;
    const rdb_index_computer computer = command_index_computer(programs);
    bool ok = rdb_ddl_fill_live_index(context->access, step->access, b->oid, is_computed ? &computer : NULL, err);
    command_index_programs_close(programs);
    return ok && (replaced != NULL ? take_place(step, b, replaced, err) : rdb_ddl_set_index_field(step->access, b->oid, RDB_pg_index_indisvalid, (rdb_datum){.b = true}, err));
}

static bool step_unready(rdb_command_context *step, void *work, rdb_error *err)
{
    const building *b = work;
    return rdb_ddl_set_index_field(step->access, b->oid, RDB_pg_index_indisready, (rdb_datum){.b = false}, err);
}

/* A unique index that failed on rows that were there before would go on to refuse some of others: nobody enters anything any more. */
static void give_up(const building *b, rdb_index_gate *gate)
{
    rdb_error ignored = {0};
    rdb_index_gate_close(gate);
    if (!command_step(b->context, step_unready, (void *)(uintptr_t)b, &ignored))
        rdb_error_clear(&ignored); /* then it goes on as one that is ready and invalid does */
}

static bool build(building *b, rdb_error *err)
{
    rdb_command_context *context = b->context;
    const rdb_relation *relation = NULL;
    const rdb_relation_index *index = NULL;
    b->definition->is_invalid = b->definition->is_unready = true;
    rdb_report_begin(RDB_REPORT_CREATE_INDEX, b->table_oid);
    rdb_report_set(1, b->replaced_oid != 0 ? REINDEXES_CONCURRENTLY : CREATES_CONCURRENTLY);
    if (!command_step(context, step_create, b, err))
        return false;
    rdb_report_set(7, b->oid);
    if (!wait_for_holders(context, b->table_oid, RDB_LOCK_SHARE, PHASE_WRITERS_BEFORE_BUILD, err) || !find_index(context, b->table_oid, b->oid, &relation, &index, err))
        return false;
    rdb_index_gate_open(index->gate);
    if (!command_step(context, step_ready, b, err) || !wait_for_holders(context, b->table_oid, RDB_LOCK_SHARE, PHASE_WRITERS_BEFORE_VALIDATION, err))
        return false;
    const bool ok = command_step(context, step_fill, b, err);
    if (!ok && rdb_error_is(err, RDB_UNIQUE_VIOLATION))
        give_up(b, index->gate);
    return ok;
}

bool command_create_index_live(rdb_command_context *context, const rdb_relation *relation, rdb_index_definition *definition, const rdb_list *options, char options_kind, rdb_error *err)
{
    building b = {.context = context, .definition = definition, .options = options, .options_kind = options_kind, .table_oid = relation->oid};
    return build(&b, err);
}

/* ---- dropping -------------------------------------------------------------------------------------------------------------------- */
static bool step_invalid(rdb_command_context *step, void *work, rdb_error *err)
{
    const building *b = work;
    return rdb_ddl_set_index_field(step->access, b->oid, RDB_pg_index_indisvalid, (rdb_datum){.b = false}, err);
}

static bool step_dead(rdb_command_context *step, void *work, rdb_error *err)
{
    const building *b = work;
    return set_flags(step, b->oid, false, false, false, err);
}

static bool step_drop(rdb_command_context *step, void *work, rdb_error *err)
{
    const building *b = work;
    const rdb_object_address index = {RDB_PG_CLASS, b->oid, 0};
    return rdb_ddl_drop(step->access, &index, 1, false, command_drop_notice, step, err);
}

/* Nobody reads an invalid index who has not begun yet; when those are gone, nobody has to keep it up; when those who do are gone, it goes. */
static bool take_away(building *b, rdb_error *err)
{
    return wait_for_holders(b->context, b->table_oid, RDB_LOCK_ACCESS_EXCLUSIVE, PHASE_READERS_BEFORE_DEAD, err) && command_step(b->context, step_dead, b, err) &&
           wait_for_holders(b->context, b->table_oid, RDB_LOCK_ACCESS_EXCLUSIVE, PHASE_READERS_BEFORE_DROP, err) && command_step(b->context, step_drop, b, err);
}

/* What depends on it is told before anything is changed. */
static bool try_drop(rdb_command_context *step, void *work, rdb_error *err)
{
    building *b = work;
    const rdb_object_address index = {RDB_PG_CLASS, b->oid, 0};
    rdb_txn *txn = step->txn;
    uint32_t level;
    if (!rdb_txn_push_level(txn, &level, err))
        return false;
    const bool ok = rdb_ddl_drop(step->access, &index, 1, false, NULL, NULL, err);
    rdb_txn_rollback_level(txn, level);
    return ok;
}

bool command_drop_index_live(rdb_command_context *context, uint32_t table_oid, uint32_t index_oid, rdb_error *err)
{
    building b = {.context = context, .table_oid = table_oid, .oid = index_oid};
    return command_step(context, try_drop, &b, err) && command_step(context, step_invalid, &b, err) && take_away(&b, err);
}

/* ---- anew ------------------------------------------------------------------------------------------------------------------------ */
bool command_reindex_live(rdb_command_context *context, uint32_t table_oid, uint32_t index_oid, rdb_error *err)
{
    const rdb_relation *relation = NULL, *shown = NULL;
    const rdb_relation_index *index = NULL;
    char name[RDB_NAMEDATALEN];
    if (!find_index(context, table_oid, index_oid, &relation, &index, err) || !rdb_relation_get(context->access, index_oid, &shown, err) || shown == NULL)
        return false;
    const char **names = RDB_NEW_ARRAY(context->arena, const char *, index->column_count + 1u);
    for (uint16_t i = 0; i < index->column_count; i++)
        names[i] = shown->columns[i].name;
    if (!command_choose_name(context, index->name, NULL, "ccnew", shown->namespace_oid, name, err))
        return false;
    rdb_index_definition definition = {.name = name, .table_oid = table_oid, .is_unique = index->is_unique, .nulls_not_distinct = index->index.nulls_not_distinct,
                                       .is_immediate = index->is_immediate, .method_oid = index->method_oid, .columns = index->columns, .key_count = index->key_count,
                                       .column_count = index->column_count, .column_names = names, .expression_tree = index->expression_tree,
                                       .predicate_tree = index->predicate_tree};
    building b = {.context = context, .definition = &definition, .table_oid = table_oid, .replaced_oid = index_oid};
    return build(&b, err) && take_away(&b, err);
}
