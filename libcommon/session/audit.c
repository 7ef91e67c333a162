/* SPDX-License-Identifier: Apache-2.0
 * Capturing: which class a statement is of, what its record says, and which way it takes into the WAL. A record is made when the
 * statement is done; its JSON goes into the batch of the transaction where that has changed something, else into a WAL record of its own.
 * A batch that grows large is put ahead of the commit: its events are then marked as open, and the end of the transaction has an event
 * of its own. */
#include "session/audit.h"
#include "session/audit_policy.h"

#include "base/rdb_log.h"
#include "catalog/rdb_acl.h"
#include "session/audit_text.h"
#include "session/settings.h"

#include <stdlib.h>

enum { BATCH_BYTES_MAX = 256 << 10, STATEMENT_BYTES_MAX = 64 << 10 };

/* Where a text stands in the log, as of a set of texts (audit_texts.h). */
typedef struct text_place {
    uint64_t set_number; /* 0: nobody asked yet */
    rdb_lsn lsn;         /* 0: it has to stand in the record */
} text_place;

/* BEGIN, COMMIT and their kin: what their records say, by text. Two places, for there are mostly one that begins and one that ends. */
typedef struct brief_event {
    char role[RDB_NAMEDATALEN], action[32], text[64], members[256];
    size_t text_length, members_bytes; /* members_bytes 0: the place is free */
    text_place place;
} brief_event;

struct session_audit {
    audit_writer *writer;
    const session_audit_rules *rules;
    rdb_strbuf members;      /* the session's part */
    text_place members_place;
    bool members_were_used;
    audit_text_set *texts;   /* held: what the batches refer to, or did last; NULL: nothing */
    char application[RDB_NAMEDATALEN];
    rdb_strbuf batch, shared_batch; /* of the transaction; shared: what its companion in the root PDB commits */
    bool has_spilled;        /* some of the transaction's events are in the WAL already */
    bool is_logged_in;
    rdb_strbuf scratch, single, names;
    rdb_strbuf setting;      /* detail of the statement at hand */
    uint64_t session_no;
    /* The statement at hand. */
    const char *text;
    size_t text_length;
    const rdb_ast_node *raw;
    session_plan *plan;
    rdb_audit_class class;
    bool is_audited;
    bool is_lasting;         /* the text is the plan's for good */
    /* A COMMIT whose event travels in the record of its own commit: where that begins in the batch, 0: none does; and its text. */
    size_t commit_at;
    const char *commit_text;
    brief_event briefs[2];
    const rdb_audit_policies *policies; /* of the database, as of policies_version */
    uint64_t policies_version;
    bool has_changed_policies;  /* in this transaction */
    rdb_undo_address undo[RDB_UNDO_CLASS_COUNT]; /* where the transaction's logs stood before it */
};

/* ---- classes ------------------------------------------------------------------------------------------------------------ */
static rdb_audit_class class_of(const rdb_ast_node *raw)
{
    if (raw == NULL)
        return RDB_AUDIT_MISC;
    if (audit_policy_is_change(raw))
        return RDB_AUDIT_POLICY;
    switch (raw->tag) {
    case RDB_AST_SELECT: {
        const rdb_ast_select *select = (const rdb_ast_select *)raw;
        if (select->into != NULL)
            return RDB_AUDIT_DDL;
        for (uint32_t i = 0; select->with != NULL && i < select->with->ctes.count; i++) {
            const rdb_ast_node *query = ((const rdb_ast_cte *)select->with->ctes.items[i])->query;
            if (query->tag == RDB_AST_INSERT || query->tag == RDB_AST_UPDATE || query->tag == RDB_AST_DELETE)
                return RDB_AUDIT_WRITE;
        }
        return RDB_AUDIT_READ;
    }
    case RDB_AST_INSERT: case RDB_AST_UPDATE: case RDB_AST_DELETE: case RDB_AST_MERGE: case RDB_AST_TRUNCATE:
        return RDB_AUDIT_WRITE;
    case RDB_AST_COPY:
        return ((const rdb_ast_copy *)raw)->is_from ? RDB_AUDIT_WRITE : RDB_AUDIT_READ;
    case RDB_AST_DECLARE:
        return RDB_AUDIT_READ;
    case RDB_AST_CALL_PROCEDURE: case RDB_AST_DO:
        return RDB_AUDIT_FUNCTION;
    case RDB_AST_CREATE_ROLE: case RDB_AST_ALTER_ROLE: case RDB_AST_DROP_ROLE: case RDB_AST_GRANT: case RDB_AST_GRANT_ROLE:
    case RDB_AST_DEFAULT_PRIVILEGES: case RDB_AST_DROP_OWNED: case RDB_AST_REASSIGN_OWNED:
        return RDB_AUDIT_ROLE;
    case RDB_AST_ALTER_SYSTEM: case RDB_AST_ALTER_ROLE_SET: case RDB_AST_ALTER_DATABASE_SET:
        return RDB_AUDIT_CONFIG;
    case RDB_AST_SET: case RDB_AST_SHOW: case RDB_AST_TRANSACTION: case RDB_AST_SET_CONSTRAINTS: case RDB_AST_LOCK: case RDB_AST_VACUUM:
    case RDB_AST_CLUSTER: case RDB_AST_CHECKPOINT: case RDB_AST_EXPLAIN: case RDB_AST_PREPARE: case RDB_AST_EXECUTE: case RDB_AST_DEALLOCATE:
    case RDB_AST_FETCH: case RDB_AST_CLOSE: case RDB_AST_LISTEN: case RDB_AST_NOTIFY: case RDB_AST_UNLISTEN: case RDB_AST_DISCARD:
        return RDB_AUDIT_MISC;
    default:
        return RDB_AUDIT_DDL;
    }
}

/* Its rows stand in shared catalogs, which the companion transaction in the root PDB writes. */
static bool is_shared(const rdb_ast_node *raw)
{
    switch (raw->tag) {
    case RDB_AST_CREATE_ROLE: case RDB_AST_ALTER_ROLE: case RDB_AST_DROP_ROLE: case RDB_AST_GRANT_ROLE: case RDB_AST_ALTER_ROLE_SET:
    case RDB_AST_ALTER_DATABASE_SET: case RDB_AST_CREATE_DATABASE: case RDB_AST_ALTER_DATABASE: case RDB_AST_DROP_DATABASE:
        return true;
    default:
        return false;
    }
}

/* ---- the session's part ---------------------------------------------------------------------------------------------------- */
static void make_members(rdb_session *session, struct session_audit *audit)
{
    const char *application = session_setting_application_name(session);
    if (audit->members.length > 0 && strncmp(audit->application, application, sizeof audit->application - 1) == 0)
        return;
    rdb_strbuf *members = &audit->members;
    rdb_strbuf_clear(members);
    audit->members_place = (text_place){0};
    audit->members_were_used = false;
    snprintf(audit->application, sizeof audit->application, "%s", application);
    rdb_audit_add_member(members, "login", session->login_role.name, strlen(session->login_role.name));
    rdb_audit_add_member(members, "database", session->database_name, strlen(session->database_name));
    if (session->is_automatic)
        rdb_audit_add_member(members, "client", "server", 6);
    else if (session->owner.peer == NULL || session->owner.peer[0] == '\0')
        rdb_audit_add_member(members, "client", "local", 5);
    else
        rdb_audit_add_member(members, "client", session->owner.peer, strlen(session->owner.peer));
    if (audit->application[0] != '\0')
        rdb_audit_add_member(members, "application", audit->application, strlen(audit->application));
    rdb_strbuf_addf(members, ",\"session\":\"%llx.%x\"", (unsigned long long)audit->session_no, session->pid);
}

bool session_audit_begin(rdb_session *session, rdb_error *err)
{
    audit_writer *writer = session_engine_audit(session->engine);
    if (writer == NULL || audit_policies_are_loading())
        return true;
    struct session_audit *audit = calloc(1, sizeof *audit);
    if (audit == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    audit->writer = writer;
    audit->rules = session_engine_audit_rules(session->engine);
    audit->session_no = (uint64_t)((rdb_time_wall_us() - RDB_UNIX_EPOCH_US) / 1000000);
    rdb_strbuf_init(&audit->members, NULL);
    rdb_strbuf_init(&audit->batch, NULL);
    rdb_strbuf_init(&audit->shared_batch, NULL);
    rdb_strbuf_init(&audit->scratch, NULL);
    rdb_strbuf_init(&audit->single, NULL);
    rdb_strbuf_init(&audit->names, NULL);
    rdb_strbuf_init(&audit->setting, NULL);
    session->audit = audit;
    audit_policies_load(session->engine, session->database, false, 0);
    return true;
}

/* ---- ways into the WAL -------------------------------------------------------------------------------------------------------- */
/* Before a record is made. A batch keeps to the set of texts that was held when its first one was, for it may have to be made whole of that. */
static void hold_texts(struct session_audit *audit)
{
    if (audit->batch.length == 0 && audit->shared_batch.length == 0)
        audit->texts = audit_texts_hold(audit_writer_texts(audit->writer), audit->texts);
}

static rdb_lsn refer(const struct session_audit *audit, text_place *place, const void *bytes, size_t length)
{
    if (audit->texts == NULL)
        return 0;
    const uint64_t number = audit_text_set_number(audit->texts);
    if (place->set_number != number)
        *place = (text_place){number, audit_texts_refer(audit_writer_texts(audit->writer), audit->texts, bytes, (uint32_t)length)};
    return place->lsn;
}

static void begin_batch(rdb_session *session, struct session_audit *audit, rdb_strbuf *batch)
{
    make_members(session, audit);
    const rdb_lsn lsn = audit->members_were_used ? refer(audit, &audit->members_place, audit->members.data, audit->members.length) : 0;
    audit->members_were_used = true;
    if (lsn != 0)
        rdb_audit_batch_begin_referring(batch, lsn);
    else
        rdb_audit_batch_begin(batch, audit->members.data, audit->members.length);
}

static bool insert_batch(rdb_session *session, rdb_strbuf *batch, rdb_error *err)
{
    rdb_lsn end_lsn;
    const rdb_xid xid = session->txn != NULL ? rdb_txn_top_xid(session->txn) : 0;
    bool ok = audit_writer_insert(session->audit->writer, xid, rdb_database_pdb(session->database), batch, &end_lsn, err);
    rdb_strbuf_clear(batch);
    batch->failed = false;
    return ok;
}

/* An event that belongs to no commit. */
static bool tell(rdb_session *session, const rdb_audit_event *event, rdb_error *err)
{
    struct session_audit *audit = session->audit;
    rdb_strbuf_clear(&audit->single);
    audit->single.failed = false;
    begin_batch(session, audit, &audit->single);
    rdb_audit_batch_add(&audit->single, event);
    return insert_batch(session, &audit->single, err);
}

static void tell_anyhow(rdb_session *session, const rdb_audit_event *event)
{
    rdb_error err = {0};
    if (!tell(session, event, &err))
        rdb_log_error(RDB_LOG_ERROR, "audit", &err); /* only a log that cannot be written stops it, and with it every commit */
    rdb_error_clear(&err);
}

/* An event of a change waits for the commit. */
static bool keep(rdb_session *session, rdb_strbuf *batch, const rdb_audit_event *event, rdb_error *err)
{
    struct session_audit *audit = session->audit;
    if (batch->length == 0)
        begin_batch(session, audit, batch);
    rdb_audit_batch_add(batch, event);
    if (!rdb_strbuf_check(batch, err))
        return false;
    if (batch->length < BATCH_BYTES_MAX || batch == &audit->shared_batch)
        return true;
    rdb_audit_batch_set_flags(batch, rdb_audit_batch_first(batch), RDB_AUDIT_EVENT_OPEN);
    audit->has_spilled = true;
    return insert_batch(session, batch, err);
}

/* ---- logins -------------------------------------------------------------------------------------------------------------------- */
static rdb_audit_event event_of(rdb_audit_class class, const rdb_strbuf *members)
{
    return (rdb_audit_event){.class = class, .wall_us = rdb_time_wall_us(), .rows = RDB_AUDIT_NO_ROWS, .members = {(const uint8_t *)members->data, members->length}};
}

static void tell_action(rdb_session *session, const char *action)
{
    struct session_audit *audit = session->audit;
    rdb_strbuf_clear(&audit->scratch);
    rdb_audit_add_member(&audit->scratch, "action", action, strlen(action));
    const rdb_audit_event event = event_of(RDB_AUDIT_SESSION, &audit->scratch);
    tell_anyhow(session, &event);
}

void session_audit_login(rdb_session *session)
{
    if (session->audit == NULL)
        return;
    session->audit->is_logged_in = true;
    if (session->audit->rules->logins)
        tell_action(session, "LOGIN");
}

static void add_error(rdb_strbuf *members, const rdb_error *err)
{
    rdb_audit_add_member(members, "code", err->sqlstate, strlen(err->sqlstate));
    const char *message = rdb_error_message(err);
    rdb_audit_add_member(members, "error", message, strlen(message));
}

void session_audit_failed_login(rdb_engine *engine, const char *user, const char *database, const char *peer, const rdb_error *err)
{
    audit_writer *writer = session_engine_audit(engine);
    if (writer == NULL || !session_engine_audit_rules(engine)->failed_logins)
        return;
    rdb_strbuf members, batch;
    rdb_error trouble = {0};
    rdb_lsn end_lsn;
    rdb_strbuf_init(&members, NULL);
    rdb_strbuf_init(&batch, NULL);
    rdb_audit_add_member(&members, "login", user, strlen(user));
    rdb_audit_add_member(&members, "database", database, strlen(database));
    rdb_audit_add_member(&members, "client", peer[0] != '\0' ? peer : "local", strlen(peer[0] != '\0' ? peer : "local"));
    rdb_audit_batch_begin(&batch, members.data, members.length);
    rdb_strbuf_clear(&members);
    rdb_audit_add_member(&members, "action", "LOGIN", 5);
    add_error(&members, err);
    rdb_audit_event event = event_of(RDB_AUDIT_SESSION, &members);
    event.flags = RDB_AUDIT_EVENT_FAILED;
    rdb_audit_batch_add(&batch, &event);
    if (!rdb_strbuf_check(&members, &trouble) || !audit_writer_insert(writer, 0, 0, &batch, &end_lsn, &trouble))
        rdb_log_error(RDB_LOG_ERROR, "audit", &trouble);
    rdb_error_clear(&trouble);
    rdb_strbuf_free(&members);
    rdb_strbuf_free(&batch);
}

void session_audit_end(rdb_session *session)
{
    struct session_audit *audit = session->audit;
    if (audit == NULL)
        return;
    if (audit->is_logged_in && audit->rules->logouts)
        tell_action(session, "LOGOUT");
    audit_texts_drop(audit_writer_texts(audit->writer), audit->texts);
    rdb_strbuf_free(&audit->members);
    rdb_strbuf_free(&audit->batch);
    rdb_strbuf_free(&audit->shared_batch);
    rdb_strbuf_free(&audit->scratch);
    rdb_strbuf_free(&audit->single);
    rdb_strbuf_free(&audit->names);
    rdb_strbuf_free(&audit->setting);
    free(audit);
    session->audit = NULL;
}

/* ---- statements -------------------------------------------------------------------------------------------------------------------- */
void session_audit_text(rdb_session *session, const char *text, size_t length)
{
    struct session_audit *audit = session->audit;
    if (audit == NULL)
        return;
    audit->text = text;
    audit->text_length = length;
    audit->is_lasting = false;
    audit->raw = NULL;
    audit->plan = NULL;
    audit->setting.length = 0;
    audit->class = RDB_AUDIT_MISC;
    audit->is_audited = (audit->rules->classes & RDB_AUDIT_BIT(RDB_AUDIT_MISC)) != 0;
}

/* Whatever else is audited, changes of what is audited are. */
static bool is_by_rule(const struct session_audit *audit, rdb_audit_class class)
{
    return class == RDB_AUDIT_POLICY || (audit->rules->classes & RDB_AUDIT_BIT(class)) != 0;
}

/* EXECUTE and FETCH stand for what they run. */
static const session_plan *plan_behind(const rdb_session *session, const rdb_ast_node *raw, rdb_audit_class *class)
{
    const session_statement *statement = NULL;
    if (raw->tag == RDB_AST_EXECUTE) {
        const char *name = ((const rdb_ast_execute *)raw)->name;
        statement = rdb_map_get(session->statements, name, strlen(name));
    }
    if (statement == NULL || statement->raw == NULL)
        return NULL;
    *class = class_of(statement->raw);
    return statement->plan;
}

bool session_audit_statement(rdb_session *session, const char *text, size_t length, bool is_lasting, const rdb_ast_node *raw, session_plan *plan, rdb_error *err)
{
    struct session_audit *audit = session->audit;
    if (audit == NULL)
        return true;
    session_audit_text(session, text, length);
    audit->is_lasting = is_lasting;
    audit->raw = raw;
    audit->plan = plan;
    audit->class = plan != NULL && plan->audit_class != 0 ? (rdb_audit_class)plan->audit_class : class_of(raw);
    if (plan != NULL)
        plan->audit_class = (uint8_t)audit->class;
    if (raw != NULL && raw->tag == RDB_AST_EXECUTE)
        plan_behind(session, raw, &audit->class);
    audit->is_audited = is_by_rule(audit, audit->class);
    audit->policies = audit_policies_of(session_engine_audit_policies(session->engine), rdb_database_pdb(session->database), &audit->policies_version, audit->policies);
    if (session->txn != NULL)
        rdb_txn_get_undo_ends(session->txn, audit->undo);
    else
        memset(audit->undo, 0, sizeof audit->undo);
    return (!audit->is_audited && audit->policies == NULL) || audit_writer_admit(audit->writer, &session->cancel, err);
}

void session_audit_setting(rdb_session *session, const char *name, const char *old_value, const char *new_value)
{
    rdb_strbuf *setting = &session->audit->setting;
    rdb_strbuf_clear(setting);
    rdb_strbuf_adds(setting, ",\"detail\":{\"setting\":");
    rdb_strbuf_add_json(setting, name, strlen(name));
    if (old_value != NULL)
        rdb_audit_add_member(setting, "old_value", old_value, strlen(old_value));
    if (new_value != NULL)
        rdb_audit_add_member(setting, "new_value", new_value, strlen(new_value));
    rdb_strbuf_addc(setting, '}');
}

void session_audit_plan(rdb_session *session, session_plan *plan)
{
    if (session->audit != NULL)
        session->audit->plan = plan;
}

static void add_range(rdb_strbuf *members, const rdb_range *range, bool is_first)
{
    static const struct { uint32_t bit; const char *name; } PRIVILEGES[] = {
        {RDB_ACL_SELECT, "SELECT"}, {RDB_ACL_INSERT, "INSERT"}, {RDB_ACL_UPDATE, "UPDATE"}, {RDB_ACL_DELETE, "DELETE"}};
    const rdb_relation *relation = range->relation;
    rdb_strbuf_adds(members, is_first ? ",\"objects\":[{\"name\":" : ",{\"name\":");
    char name[2 * RDB_NAMEDATALEN + 2];
    int length = snprintf(name, sizeof name, "%s.%s", relation->namespace_name, relation->name);
    rdb_strbuf_add_json(members, name, (size_t)length);
    rdb_strbuf_adds(members, ",\"access\":\"");
    bool any = false;
    for (size_t i = 0; i < RDB_COUNT_OF(PRIVILEGES); i++)
        if ((range->required_privileges & PRIVILEGES[i].bit) != 0) {
            rdb_strbuf_addf(members, "%s%s", any ? " " : "", PRIVILEGES[i].name);
            any = true;
        }
    rdb_strbuf_addc(members, '"');
    any = false;
    for (uint32_t i = 0; i < relation->column_count; i++) {
        const unsigned bit = i + 8; /* attribute number + 7 */
        const uint64_t *sets[] = {range->selected_columns, range->inserted_columns, range->updated_columns};
        bool is_used = false;
        for (size_t k = 0; k < RDB_COUNT_OF(sets); k++)
            is_used = is_used || (sets[k] != NULL && (sets[k][bit / 64] >> (bit % 64) & 1) != 0);
        if (!is_used)
            continue;
        rdb_strbuf_adds(members, any ? "," : ",\"columns\":[");
        any = true;
        rdb_strbuf_add_json(members, relation->columns[i].name, strlen(relation->columns[i].name));
    }
    rdb_strbuf_adds(members, any ? "]}" : "}");
}

/* The relations of a plan and its companions, as the statement names them. Kept with the plan: it is made once. */
static void add_plan_objects(rdb_strbuf *members, session_plan *plan)
{
    if (plan->audit_objects == NULL) {
        rdb_strbuf text;
        bool any = false;
        rdb_strbuf_init(&text, plan->arena);
        for (uint32_t i = 0; plan->plan != NULL && i < plan->plan->ranges.count; i++) {
            const rdb_range *range = plan->plan->ranges.items[i];
            if (range->relation == NULL || range->required_privileges == 0 || range->check_as != 0)
                continue;
            add_range(&text, range, !any);
            any = true;
        }
        if (any)
            rdb_strbuf_addc(&text, ']');
        if (text.failed)
            return;
        plan->audit_objects = text.length > 0 ? text.data : "";
        plan->audit_objects_bytes = text.length;
    }
    rdb_strbuf_add(members, plan->audit_objects, plan->audit_objects_bytes);
}

/* What the record of a statement says that is prepared once and run again and again: all of it but its time and its rows. */
struct audit_event_text {
    char role[RDB_NAMEDATALEN];
    const char *action;
    const char *text; /* of the statement */
    size_t text_length;
    const char *lasting_text; /* where the plan's text stands; NULL: it is anyone's */
    const char *members;
    size_t members_bytes;
    text_place place;
};

static bool is_known(const struct audit_event_text *known, const rdb_session *session, const char *action)
{
    const struct session_audit *audit = session->audit;
    return known != NULL && known->text_length == audit->text_length &&
           ((audit->is_lasting && known->lasting_text == audit->text) || memcmp(known->text, audit->text, audit->text_length) == 0) && strcmp(known->role, session->role.name) == 0 && strcmp(known->action, action) == 0;
}

/* One text a plan: where literals are lifted out of the texts, no two may be the same, and nothing is kept but the first. */
static void learn_event(session_plan *plan, const rdb_session *session, const char *action, const rdb_strbuf *members)
{
    const struct session_audit *audit = session->audit;
    struct audit_event_text *known = RDB_NEW(plan->arena, struct audit_event_text);
    *known = (struct audit_event_text){.action = rdb_arena_strdup(plan->arena, action), .text = rdb_arena_strndup(plan->arena, audit->text, audit->text_length), .text_length = audit->text_length,
                                       .lasting_text = audit->is_lasting ? audit->text : NULL, .members = rdb_arena_strndup(plan->arena, members->data, members->length), .members_bytes = members->length};
    memcpy(known->role, session->role.name, sizeof known->role);
    plan->audit_event = known;
}

static brief_event *brief_of(struct session_audit *audit, const char *action)
{
    const bool is_brief = audit->raw != NULL && audit->raw->tag == RDB_AST_TRANSACTION && audit->text_length <= sizeof audit->briefs[0].text &&
                          strlen(action) < sizeof audit->briefs[0].action;
    return is_brief ? &audit->briefs[action[0] == 'B'] : NULL;
}

static bool is_brief_known(const brief_event *brief, const rdb_session *session, const char *action)
{
    const struct session_audit *audit = session->audit;
    return brief != NULL && brief->members_bytes > 0 && brief->text_length == audit->text_length && memcmp(brief->text, audit->text, audit->text_length) == 0 &&
           strcmp(brief->role, session->role.name) == 0 && strcmp(brief->action, action) == 0;
}

static void learn_brief(brief_event *brief, const rdb_session *session, const char *action, const rdb_strbuf *members)
{
    const struct session_audit *audit = session->audit;
    if (members->failed || members->length > sizeof brief->members)
        return;
    memcpy(brief->role, session->role.name, sizeof brief->role);
    memcpy(brief->action, action, strlen(action) + 1);
    memcpy(brief->text, audit->text, audit->text_length);
    memcpy(brief->members, members->data, members->length);
    brief->text_length = audit->text_length;
    brief->members_bytes = members->length;
    brief->place = (text_place){0};
}

/* What is kept is referred to, where it can be. */
static void say_kept(const struct session_audit *audit, text_place *place, rdb_slice kept, const rdb_strbuf *more, rdb_strbuf *members, rdb_audit_event *event)
{
    event->text_lsn = refer(audit, place, kept.data, kept.length);
    if (event->text_lsn == 0 && more->length == 0) {
        event->members = kept;
        return;
    }
    if (event->text_lsn == 0)
        rdb_strbuf_add(members, kept.data, kept.length);
    rdb_strbuf_add(members, more->data, more->length);
    event->members = (rdb_slice){(const uint8_t *)members->data, members->length};
}

/* action, role, objects, statement, details, and what is more: in members, unless the plan (or the session) keeps all there is to say. */
static void make_event(rdb_session *session, const char *action, const rdb_strbuf *more, rdb_strbuf *members, rdb_audit_event *event)
{
    struct session_audit *audit = session->audit;
    rdb_audit_class behind;
    rdb_strbuf_clear(members);
    members->failed = false;
    hold_texts(audit);
    session_plan *plan = audit->plan;
    if (audit->raw != NULL && audit->raw->tag == RDB_AST_EXECUTE)
        plan = (session_plan *)(uintptr_t)plan_behind(session, audit->raw, &behind);
    if (plan != NULL && is_known(plan->audit_event, session, action)) {
        say_kept(audit, &plan->audit_event->place, (rdb_slice){(const uint8_t *)plan->audit_event->members, plan->audit_event->members_bytes}, more, members, event);
        return;
    }
    brief_event *brief = brief_of(audit, action);
    if (is_brief_known(brief, session, action)) {
        say_kept(audit, &brief->place, (rdb_slice){(const uint8_t *)brief->members, brief->members_bytes}, more, members, event);
        return;
    }
    const bool comes_again = plan != NULL && plan->plan != NULL && plan->audit_objects != NULL && plan->audit_event == NULL;
    rdb_audit_add_member(members, "action", action, strlen(action));
    rdb_audit_add_member(members, "role", session->role.name, strlen(session->role.name));
    if (plan != NULL && plan->plan != NULL)
        add_plan_objects(members, plan);
    else if (audit->raw != NULL)
        audit_text_add_objects(members, audit->raw);
    rdb_strbuf_add(members, audit->setting.data, audit->setting.length);
    members->failed = members->failed || audit->setting.failed;
    audit_text_add_statement(members, audit->text, RDB_MIN(audit->text_length, (size_t)STATEMENT_BYTES_MAX), audit->raw);
    if (audit->text_length > STATEMENT_BYTES_MAX)
        rdb_strbuf_addf(members, ",\"statement_bytes\":%zu", audit->text_length);
    if (comes_again && audit->text_length <= STATEMENT_BYTES_MAX && !members->failed)
        learn_event(plan, session, action, members);
    if (brief != NULL)
        learn_brief(brief, session, action, members);
    rdb_strbuf_add(members, more->data, more->length);
    event->members = (rdb_slice){(const uint8_t *)members->data, members->length};
}

static const char *action_of(const struct session_audit *audit, const char *tag, char text[64])
{
    if (audit->raw == NULL)
        return "PARSE";
    if (audit->raw->tag == RDB_AST_TRANSACTION) { /* the tag knows whether it was done: COMMIT of what failed is ROLLBACK */
        static const char *const TAGS[] = {"BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "ROLLBACK",
                                           "PREPARE TRANSACTION", "COMMIT PREPARED", "ROLLBACK PREPARED"};
        return tag != NULL && tag[0] != '\0' ? tag : TAGS[((const rdb_ast_transaction *)audit->raw)->kind];
    }
    if (audit->class == RDB_AUDIT_POLICY) {
        char name[RDB_NAMEDATALEN];
        const rdb_audit_policy_verb verb = audit_policy_verb(audit->text, audit->text_length, audit->raw, name);
        if (verb != 0)
            return rdb_audit_policy_tag(verb);
    }
    switch (audit->raw->tag) {
    case RDB_AST_SELECT: return "SELECT";
    case RDB_AST_INSERT: return "INSERT";
    case RDB_AST_UPDATE: return "UPDATE";
    case RDB_AST_DELETE: return "DELETE";
    case RDB_AST_MERGE: return "MERGE";
    case RDB_AST_GRANT:
        return ((const rdb_ast_grant *)audit->raw)->is_grant ? "GRANT" : "REVOKE";
    case RDB_AST_GRANT_ROLE:
        return ((const rdb_ast_grant_role *)audit->raw)->is_grant ? "GRANT ROLE" : "REVOKE ROLE";
    default:
        break;
    }
    {
        snprintf(text, 64, "%s", rdb_command_tag(audit->raw));
        return text;
    }
}

/* The number at the end of a command tag. */
static uint64_t rows_of(const char *tag)
{
    const char *blank = tag != NULL ? strrchr(tag, ' ') : NULL;
    return blank != NULL && blank[1] >= '0' && blank[1] <= '9' ? strtoull(blank + 1, NULL, 10) : RDB_AUDIT_NO_ROWS;
}

static bool has_written(const rdb_session *session)
{
    rdb_undo_address ends[RDB_UNDO_CLASS_COUNT];
    if (session->txn == NULL || rdb_txn_top_xid(session->txn) == 0)
        return false;
    rdb_txn_get_undo_ends(session->txn, ends);
    return memcmp(ends, session->audit->undo, sizeof ends) != 0;
}

/* The relations of a plan, for policies; kept with it. */
static void find_plan_objects(session_plan *plan, rdb_audit_facts *facts)
{
    if (plan->audit_relations == NULL && plan->plan != NULL) {
        rdb_audit_object *objects = RDB_NEW_ARRAY(plan->arena, rdb_audit_object, plan->plan->ranges.count + 1);
        uint32_t count = 0;
        for (uint32_t i = 0; i < plan->plan->ranges.count; i++) {
            const rdb_range *range = plan->plan->ranges.items[i];
            if (range->relation == NULL || range->required_privileges == 0 || range->check_as != 0)
                continue;
            const rdb_relation *relation = range->relation;
            const uint64_t *sets[] = {range->selected_columns, range->inserted_columns, range->updated_columns};
            const char **columns = RDB_NEW_ARRAY(plan->arena, const char *, relation->column_count + 1u);
            uint32_t column_count = 0;
            for (uint32_t c = 0; c < relation->column_count; c++)
                for (size_t k = 0; k < RDB_COUNT_OF(sets); k++)
                    if (sets[k] != NULL && (sets[k][(c + 8) / 64] >> ((c + 8) % 64) & 1) != 0) {
                        columns[column_count++] = relation->columns[c].name;
                        break;
                    }
            objects[count++] = (rdb_audit_object){.schema = relation->namespace_name, .name = relation->name, .columns = columns, .column_count = column_count,
                                                  .access = rdb_arena_printf(plan->arena, "%s%s%s%s", (range->required_privileges & RDB_ACL_SELECT) != 0 ? "SELECT " : "",
                                                                             (range->required_privileges & RDB_ACL_INSERT) != 0 ? "INSERT " : "",
                                                                             (range->required_privileges & RDB_ACL_UPDATE) != 0 ? "UPDATE " : "",
                                                                             (range->required_privileges & RDB_ACL_DELETE) != 0 ? "DELETE " : "")};
        }
        plan->audit_relations = objects;
        plan->audit_relation_count = count;
    }
    facts->objects = plan->audit_relations;
    facts->object_count = plan->audit_relation_count;
}

enum { OBJECTS_OF_TEXT_MAX = 16 };

/* What policies are asked about the statement at hand; objects has room for those that its text names. */
static rdb_audit_facts facts_of(rdb_session *session, rdb_audit_class class, const char *action, const char *tag, const rdb_error *err, rdb_audit_object objects[OBJECTS_OF_TEXT_MAX])
{
    struct session_audit *audit = session->audit;
    rdb_audit_class behind;
    rdb_audit_facts facts = {.class = class, .action = action, .login = session->login_role.name, .role = session->role.name, .database = session->database_name,
                             .client = session->owner.peer != NULL && session->owner.peer[0] != '\0' ? session->owner.peer : "local",
                             .application = session_setting_application_name(session), .session = "", .code = err != NULL ? err->sqlstate : "", .statement = audit->text,
                             .statement_bytes = audit->text_length, .rows = rows_of(tag), .failed = err != NULL};
    session_plan *plan = audit->plan;
    if (audit->raw != NULL && audit->raw->tag == RDB_AST_EXECUTE)
        plan = (session_plan *)(uintptr_t)plan_behind(session, audit->raw, &behind);
    if (plan != NULL && plan->plan != NULL) {
        find_plan_objects(plan, &facts);
    } else if (audit->raw != NULL) {
        facts.object_count = audit_text_find_objects(audit->raw, objects, OBJECTS_OF_TEXT_MAX);
        facts.objects = objects;
    }
    return facts;
}

/* Do policies ask for a record of the statement at hand? Their names go to audit->names. */
static bool ask_policies(rdb_session *session, rdb_audit_class class, const char *action, const char *tag, const rdb_error *err)
{
    rdb_audit_object objects[OBJECTS_OF_TEXT_MAX];
    const rdb_audit_facts facts = facts_of(session, class, action, tag, err, objects);
    return rdb_audit_policies_match(session->audit->policies, &facts, &session->audit->names);
}

/* The record of the statement at hand, as one that succeeds; *wanted false: there is to be none. more (or NULL): what else it says. */
static bool make_record(rdb_session *session, rdb_audit_class class, const char *tag, const char *more, rdb_audit_event *event, bool *wanted, rdb_error *err)
{
    struct session_audit *audit = session->audit;
    char text[64];
    const char *action = action_of(audit, tag, text);
    rdb_strbuf_clear(&audit->names);
    audit->names.failed = false;
    const bool is_asked = audit->policies != NULL && ask_policies(session, class, action, tag, NULL);
    *wanted = is_asked || audit->is_audited || is_by_rule(audit, class);
    if (!*wanted)
        return true;
    if (more != NULL)
        rdb_strbuf_add(&audit->names, more, strlen(more));
    *event = (rdb_audit_event){.class = class, .wall_us = rdb_time_wall_us(), .rows = rows_of(tag)};
    make_event(session, action, &audit->names, &audit->scratch, event);
    return rdb_strbuf_check(&audit->scratch, err) && rdb_strbuf_check(&audit->names, err);
}

bool session_audit_done(rdb_session *session, const char *tag, rdb_error *err)
{
    struct session_audit *audit = session->audit;
    rdb_audit_event event;
    bool wanted = false;
    if (audit == NULL || audit->text == NULL)
        return true;
    rdb_audit_class class = audit->class;
    if (class == RDB_AUDIT_READ && has_written(session)) /* a function did */
        class = RDB_AUDIT_WRITE;
    audit->has_changed_policies = audit->has_changed_policies || class == RDB_AUDIT_POLICY;
    const bool ok = make_record(session, class, tag, NULL, &event, &wanted, err);
    audit->text = NULL;
    if (!ok || !wanted)
        return ok;
    if (audit->raw != NULL && is_shared(audit->raw) && session->txn != NULL && rdb_catalog_shared_txn(rdb_engine_catalog(session->engine), session->txn) != NULL)
        return keep(session, &audit->shared_batch, &event, err);
    if ((class != RDB_AUDIT_READ && class != RDB_AUDIT_MISC && session->txn != NULL && rdb_txn_top_xid(session->txn) != 0) || has_written(session))
        return keep(session, &audit->batch, &event, err);
    return tell(session, &event, err);
}

bool session_audit_step(void *session_at, rdb_txn *txn, rdb_error *err)
{
    rdb_session *session = session_at;
    struct session_audit *audit = session->audit;
    rdb_audit_event event;
    bool wanted = false;
    if (audit == NULL || audit->text == NULL || rdb_txn_top_xid(txn) == 0)
        return true;
    if (!make_record(session, audit->class, NULL, ",\"step\":true", &event, &wanted, err) || !wanted)
        return !rdb_error_is_set(err);
    rdb_strbuf_clear(&audit->single);
    audit->single.failed = false;
    begin_batch(session, audit, &audit->single);
    rdb_audit_batch_add(&audit->single, &event);
    if (!rdb_strbuf_check(&audit->single, err))
        return false;
    rdb_txn_add_commit_payload(txn, RDB_AUDIT_PAYLOAD, audit->single.data, (uint32_t)audit->single.length);
    return true;
}

void session_audit_failed(rdb_session *session, const rdb_error *err)
{
    struct session_audit *audit = session->audit;
    char text[64];
    if (audit == NULL || audit->text == NULL)
        return;
    rdb_strbuf_clear(&audit->names);
    audit->names.failed = false;
    const char *action = action_of(audit, NULL, text);
    const bool is_asked = audit->policies != NULL && rdb_error_is_set(err) && ask_policies(session, audit->class, action, NULL, err);
    if ((is_asked || audit->is_audited) && rdb_error_is_set(err)) {
        add_error(&audit->names, err);
        rdb_audit_event event = {.class = audit->class, .flags = RDB_AUDIT_EVENT_FAILED, .wall_us = rdb_time_wall_us(), .rows = RDB_AUDIT_NO_ROWS};
        make_event(session, action, &audit->names, &audit->scratch, &event);
        if (!audit->scratch.failed && !audit->names.failed)
            tell_anyhow(session, &event);
    }
    audit->text = NULL;
}

/* ---- transactions ---------------------------------------------------------------------------------------------------------------------- */
size_t session_audit_mark(const rdb_session *session)
{
    return session->audit != NULL ? session->audit->batch.length | (uint64_t)session->audit->shared_batch.length << 32 : 0;
}

/* All of a batch's events from a former length of it on. */
static void mark_undone(rdb_strbuf *batch, size_t from)
{
    if (batch->length == 0)
        return;
    rdb_audit_batch_set_flags(batch, RDB_MAX(from, rdb_audit_batch_first(batch)), RDB_AUDIT_EVENT_UNDONE);
}

void session_audit_undo(rdb_session *session, size_t mark)
{
    struct session_audit *audit = session->audit;
    if (audit == NULL)
        return;
    if (audit->has_spilled && (uint32_t)mark >= audit->batch.length) /* it was put ahead meanwhile: what is left came later */
        mark &= ~UINT64_C(0xffffffff);
    mark_undone(&audit->batch, (uint32_t)mark);
    mark_undone(&audit->shared_batch, mark >> 32);
}

/* A batch for a record that is logged nobody knows when: it refers to nothing. */
static bool make_whole(const struct session_audit *audit, rdb_strbuf *batch, rdb_error *err)
{
    rdb_strbuf whole;
    if (batch->length == 0 || batch->failed || rdb_audit_batch_oldest_text(batch->data, (uint32_t)batch->length) == 0)
        return true;
    rdb_strbuf_init(&whole, NULL);
    const bool ok = audit_writer_expand(audit->writer, batch, &whole, err);
    if (ok) {
        rdb_strbuf_clear(batch);
        rdb_strbuf_add(batch, whole.data, whole.length);
    }
    rdb_strbuf_free(&whole);
    return ok;
}

static bool keep_end(rdb_session *session, const char *action, rdb_error *err)
{
    struct session_audit *audit = session->audit;
    rdb_strbuf_clear(&audit->scratch);
    rdb_audit_add_member(&audit->scratch, "action", action, strlen(action));
    const rdb_audit_event event = event_of(RDB_AUDIT_MISC, &audit->scratch);
    return keep(session, &audit->batch, &event, err);
}

/* The event of a COMMIT travels with what it commits: a record less in the WAL. Should the commit fail it is taken back, and told as what
 * it was then. */
static bool keep_commit(rdb_session *session, rdb_error *err)
{
    struct session_audit *audit = session->audit;
    rdb_audit_event event;
    bool wanted = false;
    audit->commit_at = 0;
    if (audit->batch.length == 0 || audit->text == NULL || audit->raw == NULL || audit->raw->tag != RDB_AST_TRANSACTION ||
        ((const rdb_ast_transaction *)audit->raw)->kind != RDB_SQL_TRANSACTION_COMMIT)
        return true;
    if (!make_record(session, audit->class, "COMMIT", NULL, &event, &wanted, err) || !wanted)
        return !rdb_error_is_set(err);
    event.flags = RDB_AUDIT_EVENT_APART;
    audit->commit_at = audit->batch.length;
    audit->commit_text = audit->text;
    audit->text = NULL;
    rdb_audit_batch_add(&audit->batch, &event);
    return true;
}

static bool add_payloads(rdb_session *session, bool refers, rdb_error *err)
{
    struct session_audit *audit = session->audit;
    if (audit == NULL || session->txn == NULL)
        return true;
    if ((audit->has_spilled && !keep_end(session, "COMMIT", err)) || !keep_commit(session, err))
        return false;
    if (!refers && (!make_whole(audit, &audit->batch, err) || !make_whole(audit, &audit->shared_batch, err)))
        return false;
    if (!rdb_strbuf_check(&audit->batch, err) || !rdb_strbuf_check(&audit->shared_batch, err))
        return false;
    if (audit->batch.length > 0)
        rdb_txn_add_commit_payload(session->txn, RDB_AUDIT_PAYLOAD, audit->batch.data, (uint32_t)audit->batch.length);
    rdb_txn *shared = audit->shared_batch.length > 0 ? rdb_catalog_shared_txn(rdb_engine_catalog(session->engine), session->txn) : NULL;
    if (shared != NULL)
        rdb_txn_add_commit_payload(shared, RDB_AUDIT_PAYLOAD, audit->shared_batch.data, (uint32_t)audit->shared_batch.length);
    return true;
}

bool session_audit_commit(rdb_session *session, rdb_error *err)
{
    return add_payloads(session, true, err);
}

bool session_audit_prepare(rdb_session *session, rdb_error *err)
{
    return add_payloads(session, false, err);
}

static void end_batch(rdb_session *session, rdb_strbuf *batch, bool committed)
{
    if (!committed && batch->length > 0) {
        rdb_error err = {0};
        mark_undone(batch, 0);
        if (!insert_batch(session, batch, &err))
            rdb_log_error(RDB_LOG_ERROR, "audit", &err);
        rdb_error_clear(&err);
    }
    rdb_strbuf_clear(batch);
    batch->failed = false;
}

void session_audit_end_transaction(rdb_session *session, bool committed)
{
    struct session_audit *audit = session->audit;
    if (audit == NULL)
        return;
    if (audit->commit_at > 0 && !committed) {
        audit->batch.length = audit->commit_at;
        audit->text = audit->commit_text;
    }
    audit->commit_at = 0;
    if (audit->has_spilled && !committed) {
        rdb_error err = {0};
        if (!keep_end(session, "ROLLBACK", &err))
            rdb_log_error(RDB_LOG_ERROR, "audit", &err);
        rdb_error_clear(&err);
    }
    end_batch(session, &audit->batch, committed);
    end_batch(session, &audit->shared_batch, committed);
    audit->has_spilled = false;
    if (audit->has_changed_policies && committed)
        audit_policies_load(session->engine, session->database, true, session->last_commit_scn);
    audit->has_changed_policies = false;
}

/* ---- on request -------------------------------------------------------------------------------------------------------------------------- */
bool session_audit_explain(rdb_session *session, const char *text, rdb_arena *arena, rdb_strbuf *out, rdb_error *err)
{
    struct session_audit *audit = session->audit;
    const rdb_sql_reading reading = session_setting_reading(session);
    rdb_ast_list statements = {0};
    if (audit == NULL) {
        rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "nothing is audited");
        return rdb_error_hint(err, "Set security.audit.enable to true and restart the server.");
    }
    if (!rdb_sql_parse_reading(arena, text, strlen(text), &reading, &statements, err))
        return false;
    if (statements.count != 1)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "one statement can be explained at a time");
    rdb_ast_node *raw = statements.items[0].body;
    session_plan *plan = NULL;
    uint32_t *types = NULL, count = 0;
    if (raw->tag != RDB_AST_TRANSACTION && !session_plan_make(session, text, raw, &types, &count, true, false, &plan, err))
        return false;
    const struct session_audit kept = *audit;
    rdb_audit_object objects[OBJECTS_OF_TEXT_MAX];
    char action[64];
    audit->text = text;
    audit->text_length = strlen(text);
    audit->raw = raw;
    audit->plan = plan;
    audit->class = class_of(raw);
    if (raw->tag == RDB_AST_EXECUTE)
        plan_behind(session, raw, &audit->class);
    const rdb_audit_policies *policies = audit_policies_of(session_engine_audit_policies(session->engine), rdb_database_pdb(session->database), &audit->policies_version, audit->policies);
    const bool by_rule = is_by_rule(audit, audit->class);
    const rdb_audit_facts facts = facts_of(session, audit->class, action_of(audit, NULL, action), NULL, NULL, objects);
    rdb_strbuf_addf(out, "statement: %s, of class %s", facts.action, RDB_AUDIT_CLASSES[facts.class]);
    for (uint32_t i = 0; i < facts.object_count; i++)
        rdb_strbuf_addf(out, "%s%s%s%s", i == 0 ? ", on " : ", ", facts.objects[i].schema != NULL ? facts.objects[i].schema : "", facts.objects[i].schema != NULL ? "." : "", facts.objects[i].name);
    rdb_strbuf_addf(out, "\nconfiguration: %s\n", by_rule && audit->class == RDB_AUDIT_POLICY ? "yes, changes of policies always are" : by_rule ? "yes, log_statements has the class" : "no, log_statements does not have the class");
    rdb_audit_policies_explain(policies, &facts, out);
    *audit = kept;
    session_plan_destroy(&plan);
    return rdb_strbuf_check(out, err);
}

bool session_audit_tool(rdb_session *session, const char *program, const char *action, bool failed, const char *what, rdb_error *err)
{
    rdb_strbuf members;
    if (session->audit == NULL)
        return true;
    rdb_strbuf_init(&members, NULL);
    rdb_audit_tool_members(&members, program, action, what);
    rdb_audit_event event = event_of(RDB_AUDIT_TOOL, &members);
    event.flags = failed ? RDB_AUDIT_EVENT_FAILED : 0;
    const bool ok = rdb_strbuf_check(&members, err) && tell(session, &event, err);
    rdb_strbuf_free(&members);
    return ok;
}
