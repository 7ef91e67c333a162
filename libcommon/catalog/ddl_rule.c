/* SPDX-License-Identifier: Apache-2.0
 * Rules for changes: rows of pg_rewrite beside a view's own. A rule goes with its table, and depends on what it names. */
#include "catalog/ddl_int.h"

#define NO_CONDITION "<>"

static bool read_rule(rdb_arena *arena, const rdb_catalog_row *row, rdb_rule *rule)
{
    const char *condition = row_text(arena, row, RDB_pg_rewrite_ev_qual);
    *rule = (rdb_rule){.oid = row_oid(row, RDB_pg_rewrite_oid), .relation_oid = row_oid(row, RDB_pg_rewrite_ev_class), .event = row_char(row, RDB_pg_rewrite_ev_type),
                       .enabled = row_char(row, RDB_pg_rewrite_ev_enabled), .is_instead = row_bool(row, RDB_pg_rewrite_is_instead),
                       .condition_tree = condition == NULL || strcmp(condition, NO_CONDITION) == 0 ? NULL : condition,
                       .action_trees = row_text(arena, row, RDB_pg_rewrite_ev_action)};
    row_name(row, RDB_pg_rewrite_rulename, rule->name);
    return true;
}

bool rdb_rule_read(rdb_access *access, uint32_t oid, rdb_arena *arena, rdb_rule *rule, bool *found, rdb_error *err)
{
    rdb_catalog_row row;
    const rdb_datum key = datum_oid(oid);
    return catalog_find_row(access, RDB_PG_REWRITE, INDEX_REWRITE_OID, &key, 1, arena, &row, found, err) && (!*found || read_rule(arena, &row, rule));
}

bool rdb_rule_find(rdb_access *access, uint32_t relation_oid, const char *name, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    bool found = false;
    const rdb_datum keys[] = {datum_oid(relation_oid), datum_text(name)};
    *oid = 0;
    bool ok = arena != NULL && catalog_find_row(access, RDB_PG_REWRITE, INDEX_REWRITE_RELATION, keys, 2, arena, &row, &found, err);
    if (ok && found)
        *oid = row_oid(&row, RDB_pg_rewrite_oid);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_rule_list(rdb_access *access, uint32_t relation_oid, rdb_arena *arena, rdb_list *rules, rdb_error *err)
{
    rdb_catalog_scan *scan;
    rdb_catalog_row row;
    bool found = true;
    const rdb_datum key = datum_oid(relation_oid);
    *rules = (rdb_list){0};
    if (!rdb_catalog_scan_open(&scan, access, RDB_PG_REWRITE, INDEX_REWRITE_RELATION, &key, 1, arena, err))
        return false;
    bool ok = true;
    while (ok && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) {
        rdb_rule *rule = RDB_NEW(arena, rdb_rule);
        if (read_rule(arena, &row, rule) && rule->event != '1')
            rdb_list_push(arena, rules, rule);
    }
    rdb_catalog_scan_close(&scan);
    return ok && rdb_arena_check(arena, err);
}

static bool write_rule(rdb_access *access, const rdb_rule *rule, const rdb_object_address *uses, uint32_t use_count, uint32_t *oid, rdb_arena *arena, rdb_error *err)
{
    const bool is_new = *oid == 0;
    rdb_catalog_row old;
    if (is_new && !rdb_catalog_new_oid(access, oid, err))
        return false;
    const rdb_object_address address = {RDB_PG_REWRITE, *oid, 0};
    const rdb_datum key = datum_oid(*oid), depender[] = {datum_oid(RDB_PG_REWRITE), key};
    const new_row row = row_begin(access, RDB_PG_REWRITE, arena);
    set_oid(&row, RDB_pg_rewrite_oid, *oid);
    set_text(&row, RDB_pg_rewrite_rulename, rule->name);
    set_oid(&row, RDB_pg_rewrite_ev_class, rule->relation_oid);
    set_char(&row, RDB_pg_rewrite_ev_type, rule->event);
    set_char(&row, RDB_pg_rewrite_ev_enabled, 'O');
    set_bool(&row, RDB_pg_rewrite_is_instead, rule->is_instead);
    set_text(&row, RDB_pg_rewrite_ev_qual, rule->condition_tree != NULL ? rule->condition_tree : NO_CONDITION);
    set_text(&row, RDB_pg_rewrite_ev_action, rule->action_trees);
    if (is_new) {
        if (!row_insert(&row, err))
            return false;
    } else {
        if (!need_row(access, RDB_PG_REWRITE, INDEX_REWRITE_OID, &key, 1, arena, &old, err) ||
            !delete_rows(access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, depender, 2, err))
            return false;
        old.values = row.values;
        old.is_null = row.is_null;
        if (!rdb_catalog_update(access, RDB_PG_REWRITE, &old, err))
            return false;
    }
    return rdb_ddl_set_class_field(access, rule->relation_oid, RDB_pg_class_relhasrules, (rdb_datum){.b = true}, false, err) &&
           rdb_ddl_depend(access, address, (rdb_object_address){RDB_PG_CLASS, rule->relation_oid, 0}, 'a', err) &&
           ddl_depend_on_uses(access, address, uses, use_count, err);
}

bool rdb_ddl_write_rule(rdb_access *access, const rdb_rule *rule, const rdb_object_address *uses, uint32_t use_count, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && write_rule(access, rule, uses, use_count, oid, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_enable_rule(rdb_access *access, uint32_t oid, char enabled, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    const rdb_datum key = datum_oid(oid);
    bool ok = arena != NULL && need_row(access, RDB_PG_REWRITE, INDEX_REWRITE_OID, &key, 1, arena, &row, err);
    if (ok) {
        row.values[RDB_pg_rewrite_ev_enabled - 1] = (rdb_datum){.i8 = enabled};
        ok = rdb_catalog_update(access, RDB_PG_REWRITE, &row, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}
