/* SPDX-License-Identifier: Apache-2.0
 * A set is replaced whole and never freed before the engine closes: a session may be asking it. Changes of policies are rare. */
#include "session/audit_policy.h"

#include "base/rdb_log.h"
#include "session/audit.h"

#include <stdlib.h>

typedef struct policy_set {
    struct policy_set *next;   /* of all that ever were */
    uint32_t pdb;
    rdb_audit_policies *policies;
} policy_set;

struct audit_policy_hub {
    _Atomic uint64_t version;
    rdb_mutex lock; /* RDB_RANK_LEAF */
    policy_set *newest RDB_GUARDED_BY(lock); /* the first one of a database counts */
};

static _Thread_local bool is_loading;

bool audit_policies_are_loading(void)
{
    return is_loading;
}

bool audit_policy_hub_create(audit_policy_hub **hub, rdb_error *err)
{
    *hub = calloc(1, sizeof **hub);
    if (*hub == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    atomic_store(&(*hub)->version, 1);
    rdb_mutex_init(&(*hub)->lock, RDB_RANK_LEAF);
    return true;
}

void audit_policy_hub_destroy(audit_policy_hub **hub)
{
    if (*hub == NULL)
        return;
    for (policy_set *set = (*hub)->newest, *next; set != NULL; set = next) {
        next = set->next;
        rdb_audit_policies_destroy(&set->policies);
        free(set);
    }
    rdb_mutex_deinit(&(*hub)->lock);
    free(*hub);
    *hub = NULL;
}

static policy_set *find_set(audit_policy_hub *hub, uint32_t pdb)
{
    policy_set *set = hub->newest;
    while (set != NULL && set->pdb != pdb)
        set = set->next;
    return set;
}

const rdb_audit_policies *audit_policies_of(audit_policy_hub *hub, uint32_t pdb, uint64_t *version, const rdb_audit_policies *known)
{
    const uint64_t now = atomic_load_explicit(&hub->version, memory_order_acquire);
    if (*version == now)
        return known;
    rdb_mutex_lock(&hub->lock);
    const policy_set *set = find_set(hub, pdb);
    known = set != NULL && !rdb_audit_policies_is_empty(set->policies) ? set->policies : NULL;
    rdb_mutex_unlock(&hub->lock);
    *version = now;
    return known;
}

/* ---- reading the tables ---------------------------------------------------------------------------------------------------- */
static bool drop_output(void *output)
{
    (void)output; /* kept: the rows are read out of it */
    return true;
}

static bool no_copy(void *output, char *type, const uint8_t **body, size_t *length)
{
    (void)output;
    *type = 0;
    *body = NULL;
    *length = 0;
    return false;
}

static uint32_t big_endian(const char *at)
{
    const uint8_t *b = (const uint8_t *)at;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

enum { COLUMNS = 7 };
static const char QUERY[] =
    "SELECT p.policy_name, pg_catalog.array_to_string(p.actions, E'\\n'), p.condition, e.excepts, e.on_success, e.on_failure,"
    " pg_catalog.string_agg(e.entity, E'\\n') FROM pg_catalog.rdb_audit_policies p JOIN pg_catalog.rdb_audit_enabled e ON e.policy_name = p.policy_name"
    " GROUP BY p.policy_name, e.excepts, e.on_success, e.on_failure ORDER BY 1";

static uint32_t split(rdb_arena *arena, char *text, const char ***items)
{
    uint32_t count = text != NULL && text[0] != '\0';
    for (const char *c = text; c != NULL && *c != '\0'; c++)
        count += *c == '\n';
    *items = RDB_NEW_ARRAY(arena, const char *, count + 1);
    count = 0;
    for (char *item = text; item != NULL && *item != '\0';) {
        char *end = strchr(item, '\n');
        (*items)[count++] = item;
        if (end != NULL)
            *end = '\0';
        item = end != NULL ? end + 1 : NULL;
    }
    return count;
}

/* The DataRow messages of the answer. */
static bool take_rows(const rdb_strbuf *output, rdb_arena *arena, rdb_audit_policies *policies, rdb_error *err)
{
    for (size_t at = 0; at + 5 <= output->length; at += 1 + big_endian(output->data + at + 1)) {
        const char *body = output->data + at + 5;
        char *values[COLUMNS] = {0};
        const char **actions, **roles;
        if (output->data[at] != 'D')
            continue;
        body += 2;
        for (int i = 0; i < COLUMNS; i++) {
            const uint32_t bytes = big_endian(body);
            body += 4;
            if (bytes == UINT32_MAX)
                continue;
            values[i] = rdb_arena_strndup(arena, body, bytes);
            body += bytes;
        }
        const uint32_t action_count = split(arena, values[1], &actions), role_count = split(arena, values[6], &roles);
        rdb_error trouble = {0};
        if (!rdb_audit_policies_add(policies, values[0], actions, action_count, values[2], roles, role_count, values[3][0] == 't', values[4][0] == 't', values[5][0] == 't', &trouble)) {
            RDB_LOG(RDB_LOG_ERROR, "audit", "policy \"%s\" is left out: %s", values[0], rdb_error_message(&trouble));
            rdb_error_clear(&trouble);
        }
    }
    return rdb_arena_check(arena, err);
}

static bool read_policies(rdb_engine *engine, const char *name, rdb_scn scn, rdb_audit_policies *policies, rdb_error *err)
{
    rdb_database *database = NULL;
    rdb_session *session = NULL;
    rdb_strbuf output;
    const rdb_role role = {.oid = RDB_ROLE_ADMIN_OID, .name = "audit", .is_superuser = true};
    rdb_strbuf_init(&output, NULL);
    const session_owner owner = {.context = &output, .output = &output, .flush = drop_output, .next_copy_message = no_copy};
    if (!rdb_database_open_any(rdb_engine_catalog(engine), name, &database, err))
        return false;
    if (!session_create(&session, engine, database, &role, 0, &owner, err)) {
        rdb_database_close(&database);
        return false;
    }
    session->is_automatic = true;
    session->last_commit_scn = scn; /* it may not be published yet */
    session_simple_query(session, QUERY); /* an instance from before policies has no such tables: no rows then */
    rdb_arena *arena = rdb_arena_create("audit policies", NULL, NULL);
    bool ok = (arena != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory")) && rdb_strbuf_check(&output, err) && take_rows(&output, arena, policies, err);
    rdb_arena_destroy(arena);
    session_destroy(&session); /* closes the database too */
    rdb_strbuf_free(&output);
    return ok;
}

void audit_policies_load(rdb_engine *engine, rdb_database *database, bool again, rdb_scn scn)
{
    audit_policy_hub *hub = session_engine_audit_policies(engine);
    const uint32_t pdb = rdb_database_pdb(database);
    rdb_error err = {0};
    rdb_mutex_lock(&hub->lock);
    const bool is_known = find_set(hub, pdb) != NULL;
    rdb_mutex_unlock(&hub->lock);
    if (is_loading || (is_known && !again))
        return;
    policy_set *set = calloc(1, sizeof *set);
    is_loading = true;
    bool ok = (set != NULL || rdb_error_set(&err, RDB_OUT_OF_MEMORY, "out of memory")) && rdb_audit_policies_create(&set->policies, &err) &&
              read_policies(engine, rdb_database_name(database), scn, set->policies, &err);
    is_loading = false;
    if (!ok) { /* those that counted go on */
        rdb_log_error(RDB_LOG_ERROR, "audit", &err);
        rdb_error_clear(&err);
        if (set != NULL)
            rdb_audit_policies_destroy(&set->policies);
        free(set);
        return;
    }
    set->pdb = pdb;
    rdb_mutex_lock(&hub->lock);
    set->next = hub->newest;
    hub->newest = set;
    rdb_mutex_unlock(&hub->lock);
    atomic_fetch_add(&hub->version, 1);
}

/* ---- statements ---------------------------------------------------------------------------------------------------------------- */
bool audit_policy_is_change(const rdb_ast_node *raw)
{
    const rdb_ast_table *table = raw == NULL                    ? NULL
                                 : raw->tag == RDB_AST_INSERT   ? ((const rdb_ast_insert *)raw)->table
                                 : raw->tag == RDB_AST_UPDATE   ? ((const rdb_ast_update *)raw)->table
                                 : raw->tag == RDB_AST_DELETE   ? ((const rdb_ast_delete *)raw)->table
                                                                : NULL;
    return table != NULL && (strcmp(table->name, "rdb_audit_policies") == 0 || strcmp(table->name, "rdb_audit_enabled") == 0);
}

rdb_audit_policy_verb audit_policy_verb(const char *text, size_t length, const rdb_ast_node *raw, char name[RDB_NAMEDATALEN])
{
    rdb_audit_policy_statement statement;
    rdb_error ignored = {0};
    bool found = false;
    name[0] = '\0';
    if (!audit_policy_is_change(raw))
        return 0;
    rdb_arena *arena = rdb_arena_create("audit policy", NULL, NULL);
    if (arena == NULL || !rdb_audit_policy_read(arena, text, length, &statement, &found, &ignored))
        found = false;
    rdb_error_clear(&ignored);
    if (found)
        snprintf(name, RDB_NAMEDATALEN, "%s", statement.name);
    const rdb_audit_policy_verb verb = found ? statement.verb : 0;
    rdb_arena_destroy(arena);
    return verb;
}

bool audit_policy_finish(const char *text, size_t length, const rdb_ast_node *raw, char tag[64], rdb_error *err)
{
    char name[RDB_NAMEDATALEN];
    const rdb_audit_policy_verb verb = audit_policy_verb(text, length, raw, name);
    if (verb == 0)
        return true;
    const size_t length_of_tag = strlen(tag);
    if (length_of_tag > 2 && strcmp(tag + length_of_tag - 2, " 0") == 0)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, verb == RDB_AUDIT_DISABLE ? "audit policy \"%s\" is not enabled so" : "audit policy \"%s\" does not exist", name);
    snprintf(tag, 64, "%s", rdb_audit_policy_tag(verb));
    return true;
}

void audit_policy_translate(const char *text, size_t length, const rdb_ast_node *raw, rdb_error *err)
{
    char name[RDB_NAMEDATALEN];
    const rdb_audit_policy_verb verb = audit_policy_verb(text, length, raw, name);
    if (verb == RDB_AUDIT_CREATE && rdb_error_is(err, RDB_UNIQUE_VIOLATION)) {
        rdb_error_clear(err);
        rdb_error_set(err, RDB_DUPLICATE_OBJECT, "audit policy \"%s\" already exists", name);
    } else if (verb == RDB_AUDIT_DROP && rdb_error_is(err, RDB_INVALID_TEXT_REPRESENTATION)) {
        rdb_error_clear(err);
        rdb_error_set(err, RDB_DEPENDENT_OBJECTS_STILL_EXIST, "cannot drop audit policy \"%s\" because it is enabled", name);
        rdb_error_hint(err, "Use NOAUDIT POLICY first.");
    }
}
