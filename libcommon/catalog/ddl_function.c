/* SPDX-License-Identifier: Apache-2.0
 * DDL on functions and procedures: their rows of pg_proc. */
#include "catalog/ddl_int.h"

enum { OID_ARRAY = 1028, CHAR_ARRAY = 1002, TEXT_ARRAY = 1009 };

static bool set_oids(const new_row *row, int column, uint32_t type_oid, const uint32_t *items, uint32_t count, rdb_error *err)
{
    return datum_from_oids(row->arena, type_oid, items, count, row_at(row, column), err);
}

/* '{"a","b"}', everything quoted. */
bool datum_from_texts(rdb_arena *arena, uint32_t type_oid, const char *const *items, uint32_t count, rdb_datum *value, rdb_error *err)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, arena);
    rdb_strbuf_addc(&text, '{');
    for (uint32_t i = 0; i < count; i++) {
        rdb_strbuf_adds(&text, i > 0 ? ",\"" : "\"");
        for (const char *at = items[i] != NULL ? items[i] : ""; *at != '\0'; at++) {
            if (*at == '"' || *at == '\\')
                rdb_strbuf_addc(&text, '\\');
            rdb_strbuf_addc(&text, *at);
        }
        rdb_strbuf_addc(&text, '"');
    }
    rdb_strbuf_addc(&text, '}');
    return rdb_strbuf_check(&text, err) && datum_from_text(arena, objects_type_get(type_oid), text.data, value, err);
}

static bool set_texts(const new_row *row, int column, uint32_t type_oid, const char *const *items, uint32_t count, rdb_error *err)
{
    return datum_from_texts(row->arena, type_oid, items, count, row_at(row, column), err);
}

static bool fill_function(const new_row *row, const rdb_function_definition *d, uint32_t oid, rdb_error *err)
{
    const char *letters[128];
    char modes[128][2];
    set_oid(row, RDB_pg_proc_oid, oid);
    set_text(row, RDB_pg_proc_proname, d->name);
    set_oid(row, RDB_pg_proc_pronamespace, d->namespace_oid);
    set_oid(row, RDB_pg_proc_proowner, d->owner_oid);
    set_oid(row, RDB_pg_proc_prolang, d->language_oid);
    set_float(row, RDB_pg_proc_procost, d->cost);
    set_float(row, RDB_pg_proc_prorows, d->rows);
    set_oid(row, RDB_pg_proc_provariadic, d->variadic_type);
    set_oid(row, RDB_pg_proc_prosupport, d->support_oid);
    set_char(row, RDB_pg_proc_prokind, d->kind);
    set_bool(row, RDB_pg_proc_prosecdef, d->is_security_definer);
    set_bool(row, RDB_pg_proc_proleakproof, d->is_leakproof);
    set_bool(row, RDB_pg_proc_proisstrict, d->is_strict);
    set_bool(row, RDB_pg_proc_proretset, d->returns_set);
    set_char(row, RDB_pg_proc_provolatile, d->volatility);
    set_char(row, RDB_pg_proc_proparallel, d->parallel);
    set_int16(row, RDB_pg_proc_pronargs, (int16_t)d->argument_count);
    set_int16(row, RDB_pg_proc_pronargdefaults, (int16_t)d->default_count);
    set_oid(row, RDB_pg_proc_prorettype, d->return_type);
    if (!set_oids(row, RDB_pg_proc_proargtypes, RDB_OIDVECTOROID, d->argument_types, d->argument_count, err))
        return false;
    if (d->all_count > 0) {
        for (uint16_t i = 0; i < d->all_count && i < RDB_COUNT_OF(modes); i++) {
            modes[i][0] = d->all_modes[i];
            modes[i][1] = '\0';
            letters[i] = modes[i];
        }
        if (!set_oids(row, RDB_pg_proc_proallargtypes, OID_ARRAY, d->all_types, d->all_count, err) ||
            !set_texts(row, RDB_pg_proc_proargmodes, CHAR_ARRAY, letters, RDB_MIN(d->all_count, (uint16_t)RDB_COUNT_OF(modes)), err))
            return false;
    }
    if (d->names != NULL && !set_texts(row, RDB_pg_proc_proargnames, TEXT_ARRAY, d->names, d->all_count > 0 ? d->all_count : d->argument_count, err))
        return false;
    set_text(row, RDB_pg_proc_proargdefaults, d->defaults_tree);
    set_text(row, RDB_pg_proc_prosrc, d->source != NULL ? d->source : "");
    set_text(row, RDB_pg_proc_probin, d->binary_source);
    set_text(row, RDB_pg_proc_prosqlbody, d->body_tree);
    return d->configuration_count == 0 || set_texts(row, RDB_pg_proc_proconfig, TEXT_ARRAY, d->configuration, d->configuration_count, err);
}

bool rdb_function_find_exact(rdb_access *access, uint32_t namespace_oid, const char *name, const uint32_t *types, uint32_t count, uint32_t *oid, rdb_error *err)
{
    char schema[RDB_NAMEDATALEN];
    const rdb_function *const *functions;
    uint32_t function_count;
    *oid = 0;
    if (!rdb_namespace_get_name(access, namespace_oid, schema, err) || !rdb_function_find(access, schema, name, &functions, &function_count, err))
        return false;
    for (uint32_t i = 0; i < function_count; i++)
        if (functions[i]->argument_count == count && (count == 0 || memcmp(functions[i]->argument_types, types, count * sizeof *types) == 0))
            *oid = functions[i]->oid;
    return true;
}

static bool depend(rdb_access *access, const rdb_function_definition *d, uint32_t oid, rdb_error *err)
{
    const rdb_object_address function = {RDB_PG_PROC, oid, 0};
    rdb_object_address *uses = NULL;
    uint32_t count = 0;
    rdb_arena *arena = ddl_arena(err);
    if (arena == NULL)
        return false;
    uses = RDB_NEW_ARRAY(arena, rdb_object_address, d->use_count + d->argument_count + d->all_count + 3u);
    uses[count++] = (rdb_object_address){RDB_PG_NAMESPACE, d->namespace_oid, 0};
    uses[count++] = (rdb_object_address){RDB_PG_TYPE, d->return_type, 0};
    for (uint16_t i = 0; i < d->argument_count; i++)
        uses[count++] = (rdb_object_address){RDB_PG_TYPE, d->argument_types[i], 0};
    for (uint16_t i = 0; i < d->all_count; i++)
        uses[count++] = (rdb_object_address){RDB_PG_TYPE, d->all_types[i], 0};
    for (uint32_t i = 0; i < d->use_count; i++)
        uses[count++] = d->uses[i];
    bool ok = ddl_depend_on_uses(access, function, uses, count, err);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_write_function(rdb_access *access, const rdb_function_definition *definition, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    const bool is_new = *oid == 0;
    bool ok = false;
    if (arena == NULL)
        return false;
    if (is_new) {
        uint32_t taken = 0;
        if (!rdb_function_find_exact(access, definition->namespace_oid, definition->name, definition->argument_types, definition->argument_count, &taken, err))
            goto out;
        if (taken != 0) {
            rdb_error_set(err, RDB_DUPLICATE_FUNCTION, "function \"%s\" already exists with same argument types", definition->name);
            goto out;
        }
        if (!rdb_catalog_new_oid(access, oid, err))
            goto out;
    }
    const new_row row = row_begin(access, RDB_PG_PROC, arena);
    if (!fill_function(&row, definition, *oid, err))
        goto out;
    if (is_new) {
        ok = row_insert(&row, err);
    } else {
        rdb_catalog_row old;
        const rdb_datum key = datum_oid(*oid), depender[] = {datum_oid(RDB_PG_PROC), key};
        if (!need_row(access, RDB_PG_PROC, INDEX_PROC_OID, &key, 1, arena, &old, err) ||
            !delete_rows(access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, depender, 2, err))
            goto out;
        row.values[RDB_pg_proc_proowner - 1] = old.values[RDB_pg_proc_proowner - 1];
        row.values[RDB_pg_proc_proacl - 1] = old.values[RDB_pg_proc_proacl - 1];
        row.is_null[RDB_pg_proc_proacl - 1] = old.is_null[RDB_pg_proc_proacl - 1];
        old.values = row.values;
        old.is_null = row.is_null;
        ok = rdb_catalog_update(access, RDB_PG_PROC, &old, err);
    }
    ok = ok && depend(access, definition, *oid, err);
out:
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_read_function(rdb_access *access, uint32_t oid, rdb_arena *arena, rdb_function_definition *d, rdb_error *err)
{
    rdb_catalog_row row;
    uint32_t count;
    const rdb_datum key = datum_oid(oid);
    *d = (rdb_function_definition){0};
    if (!need_row(access, RDB_PG_PROC, INDEX_PROC_OID, &key, 1, arena, &row, err))
        return false;
    d->name = row_text(arena, &row, RDB_pg_proc_proname);
    d->namespace_oid = row_oid(&row, RDB_pg_proc_pronamespace);
    d->owner_oid = row_oid(&row, RDB_pg_proc_proowner);
    d->language_oid = row_oid(&row, RDB_pg_proc_prolang);
    d->kind = row_char(&row, RDB_pg_proc_prokind);
    d->is_security_definer = row_bool(&row, RDB_pg_proc_prosecdef);
    d->is_leakproof = row_bool(&row, RDB_pg_proc_proleakproof);
    d->is_strict = row_bool(&row, RDB_pg_proc_proisstrict);
    d->returns_set = row_bool(&row, RDB_pg_proc_proretset);
    d->volatility = row_char(&row, RDB_pg_proc_provolatile);
    d->parallel = row_char(&row, RDB_pg_proc_proparallel);
    d->cost = row.values[RDB_pg_proc_procost - 1].f4;
    d->rows = row.values[RDB_pg_proc_prorows - 1].f4;
    d->variadic_type = row_oid(&row, RDB_pg_proc_provariadic);
    d->return_type = row_oid(&row, RDB_pg_proc_prorettype);
    d->support_oid = row_oid(&row, RDB_pg_proc_prosupport);
    d->default_count = (uint16_t)row_int16(&row, RDB_pg_proc_pronargdefaults);
    if (!row_oids(arena, &row, RDB_pg_proc_proargtypes, &d->argument_types, &count, err))
        return false;
    d->argument_count = (uint16_t)count;
    if (!row_oids(arena, &row, RDB_pg_proc_proallargtypes, &d->all_types, &count, err))
        return false;
    d->all_count = (uint16_t)count;
    if (!row_chars(arena, &row, RDB_pg_proc_proargmodes, &d->all_modes, &count, err) || !row_texts(arena, &row, RDB_pg_proc_proargnames, &d->names, &count, err) ||
        !row_texts(arena, &row, RDB_pg_proc_proconfig, &d->configuration, &d->configuration_count, err))
        return false;
    d->defaults_tree = row_text(arena, &row, RDB_pg_proc_proargdefaults);
    d->source = row_text(arena, &row, RDB_pg_proc_prosrc);
    d->binary_source = row_text(arena, &row, RDB_pg_proc_probin);
    d->body_tree = row_text(arena, &row, RDB_pg_proc_prosqlbody);
    return true;
}
