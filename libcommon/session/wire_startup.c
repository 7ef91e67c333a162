/* SPDX-License-Identifier: Apache-2.0
 * From the first byte to ReadyForQuery: SSL, GSS and cancel requests, the startup packet, authentication, and the session's
 * beginning. Nothing of the engine but role and database look-ups is touched before the client is who it says. */
#include "session/activity.h"
#include "session/audit.h"
#include "session/settings.h"
#include "session/wire_int.h"

#define STARTUP_OPTIONS_MAX 64u

typedef struct startup_option {
    const char *name, *value;
} startup_option;

/* What the startup packet said, kept while authentication is under way. */
struct wire_auth {
    rdb_arena *arena;
    const char *user, *database, *switches; /* what came as "options" */
    startup_option options[STARTUP_OPTIONS_MAX];
    uint32_t option_count;
    rdb_role role;
    bool role_exists;
};

void wire_auth_destroy(struct wire_auth **auth)
{
    if (*auth != NULL) {
        rdb_arena *arena = (*auth)->arena;
        rdb_arena_destroy(arena);
    }
    *auth = NULL;
}

void wire_fatal(rdb_wire *wire, rdb_error *err)
{
    if (wire->session == NULL && wire->auth != NULL && wire->auth->user != NULL)
        session_audit_failed_login(wire->host->config.engine, wire->auth->user, wire->auth->database != NULL ? wire->auth->database : "", wire->channel.peer, err);
    if (wire->session == NULL && strncmp(err->sqlstate, "28", 2) == 0)
        session_registry_note_login(session_engine_registry(wire->host->config.engine), true);
    if (wire->session != NULL)
        session_log_error(wire->session, err, "FATAL");
    else
        session_log_refused(wire->host->config.engine, wire->auth != NULL ? wire->auth->user : NULL, wire->auth != NULL ? wire->auth->database : NULL, wire->channel.peer, err);
    wire_put_error(&wire->output, err, "FATAL");
    rdb_error_clear(err);
    wire_flush(wire);
    wire->phase = WIRE_FINISHED;
}

static void put_authentication(rdb_wire *wire, uint32_t code)
{
    size_t begin = wire_message_begin(&wire->output, 'R');
    wire_put_u32(&wire->output, code);
    wire_message_end(&wire->output, begin);
}

static bool bad_option(const char *word, rdb_error *err)
{
    rdb_error_set(err, RDB_SYNTAX_ERROR, "invalid command-line argument for server process: %s", word);
    return rdb_error_hint(err, "Try \"postgres --help\" for more information.");
}

/* -c name=value and --name=value, blanks escaped by backslashes: what PGOPTIONS carries. */
static bool split_options(struct wire_auth *auth, const char *text, rdb_error *err)
{
    while (*text != '\0') {
        rdb_strbuf word;
        rdb_strbuf_init(&word, auth->arena);
        text += strspn(text, " \t\n\r\f\v");
        for (; *text != '\0' && !strchr(" \t\n\r\f\v", *text); text++) {
            if (*text == '\\' && text[1] != '\0')
                text++;
            rdb_strbuf_addc(&word, *text);
        }
        if (word.length == 0)
            continue;
        char *at = word.data;
        if (strcmp(at, "-c") == 0) { /* the value is the next word */
            text += strspn(text, " \t\n\r\f\v");
            rdb_strbuf_clear(&word);
            for (; *text != '\0' && !strchr(" \t\n\r\f\v", *text); text++) {
                if (*text == '\\' && text[1] != '\0')
                    text++;
                rdb_strbuf_addc(&word, *text);
            }
            at = word.data;
            if (at == NULL || at[0] == '\0')
                return bad_option("-c", err);
        } else if (strncmp(at, "-c", 2) == 0 || strncmp(at, "--", 2) == 0) {
            at += 2;
        } else {
            return bad_option(at, err);
        }
        char *equals = at != NULL ? strchr(at, '=') : NULL;
        if (equals == NULL || auth->option_count == STARTUP_OPTIONS_MAX)
            return rdb_error_set(err, RDB_SYNTAX_ERROR, "-c %s requires a value", at != NULL ? at : "");
        *equals = '\0';
        for (char *c = at; *c != '\0'; c++)
            if (*c == '-')
                *c = '_';
        auth->options[auth->option_count++] = (startup_option){at, equals + 1};
    }
    return true;
}

static bool read_startup(rdb_wire *wire, wire_reader *reader, uint32_t protocol, rdb_error *err)
{
    rdb_arena *arena = rdb_arena_create("startup", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    struct wire_auth *auth = wire->auth = RDB_NEW(arena, struct wire_auth);
    auth->arena = arena;
    rdb_list unknown = {0};
    for (;;) {
        const char *name = wire_read_text(reader);
        if (reader->bad || name[0] == '\0')
            break;
        const char *value = rdb_arena_strdup(arena, wire_read_text(reader));
        name = rdb_arena_strdup(arena, name);
        size_t bad_offset;
        if (!rdb_utf8_validate(value, strlen(value), &bad_offset))
            return rdb_error_set(err, RDB_CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"UTF8\": 0x%02x", (uint8_t)value[bad_offset]);
        if (strcmp(name, "user") == 0) {
            auth->user = value;
        } else if (strcmp(name, "database") == 0) {
            auth->database = value;
        } else if (strcmp(name, "options") == 0) {
            auth->switches = value;
        } else if (strcmp(name, "replication") == 0) {
            if (strcmp(value, "false") != 0 && strcmp(value, "off") != 0 && strcmp(value, "0") != 0)
                return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "replication connections are not supported yet");
        } else if (strncmp(name, "_pq_.", 5) == 0) {
            rdb_list_push(arena, &unknown, (void *)name);
        } else if (auth->option_count < STARTUP_OPTIONS_MAX) {
            auth->options[auth->option_count++] = (startup_option){name, value};
        }
    }
    if (reader->bad || reader->at != reader->end)
        return rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "invalid startup packet layout: expected terminator as last byte");
    if (auth->user == NULL || auth->user[0] == '\0')
        return rdb_error_set(err, RDB_INVALID_AUTHORIZATION_SPECIFICATION, "no PostgreSQL user name specified in startup packet");
    if (auth->database == NULL || auth->database[0] == '\0')
        auth->database = auth->user;
    if (protocol != WIRE_PROTOCOL_3_0 || unknown.count > 0) { /* NegotiateProtocolVersion */
        size_t begin = wire_message_begin(&wire->output, 'v');
        wire_put_u32(&wire->output, WIRE_PROTOCOL_3_0);
        wire_put_u32(&wire->output, unknown.count);
        for (uint32_t i = 0; i < unknown.count; i++)
            wire_put_text(&wire->output, unknown.items[i]);
        wire_message_end(&wire->output, begin);
    }
    return true;
}

/* After authentication: database, session, options; then the messages that tell the client it is in. */
static bool begin_session(rdb_wire *wire, rdb_error *err)
{
    struct wire_auth *auth = wire->auth;
    rdb_database *database = NULL;
    rdb_session *session = NULL;
    uint32_t limit = wire->host->config.max_connections;
    if (limit > 0 && rdb_wire_host_connection_count(wire->host) > limit)
        return rdb_error_set(err, RDB_TOO_MANY_CONNECTIONS, "sorry, too many clients already");
    if (auth->switches != NULL && !split_options(auth, auth->switches, err))
        return false;
    if (!auth->role.can_login)
        return rdb_error_set(err, RDB_INVALID_AUTHORIZATION_SPECIFICATION, "role \"%s\" is not permitted to log in", auth->role.name);
    if (!rdb_database_open(rdb_engine_catalog(wire->host->config.engine), auth->database, &database, err))
        return false;
    session_owner owner = {.context = wire, .output = &wire->output, .flush = wire_owner_flush, .next_copy_message = wire_owner_copy_message, .signal = wire_owner_signal, .rouse = wire_owner_rouse,
                           .holds_replies = true, .peer = wire->channel.peer, .here = wire->channel.here};
    if (!session_create(&session, wire->host->config.engine, database, &auth->role, wire->pid, &owner, err)) {
        rdb_database_close(&database);
        return false;
    }
    if (!session_log_in(session, err)) {
        session_destroy(&session);
        return false;
    }
    for (uint32_t i = 0; i < auth->option_count; i++)
        if (!session_set_startup_option(session, auth->options[i].name, auth->options[i].value, err)) {
            session_destroy(&session);
            return false;
        }
    rdb_mutex_lock(&wire->host->lock); /* a cancel request may look at it from now on */
    wire->session = session;
    rdb_mutex_unlock(&wire->host->lock);
    session_audit_login(session);
    session_log_begun(session);
    session_registry_note_login(session_engine_registry(session->engine), false);
    session_report_parameters(session);
    size_t begin = wire_message_begin(&wire->output, 'K');
    wire_put_u32(&wire->output, wire->pid);
    wire_put_u32(&wire->output, wire->secret);
    wire_message_end(&wire->output, begin);
    wire_put_ready(&wire->output, 'I');
    wire->phase = WIRE_READY;
    wire_auth_destroy(&wire->auth);
    return true;
}

/* The instance's owner on the Unix socket is its administrator: any role is open to it, and its own name, where no role has
 * it, means the administrator; the database of that name then means the default one. */
static bool map_owner(rdb_wire *wire, rdb_error *err)
{
    struct wire_auth *auth = wire->auth;
    rdb_catalog *catalog = rdb_engine_catalog(wire->host->config.engine);
    if (auth->role_exists)
        return true;
    if (strcmp(auth->user, wire->channel.owner_name) != 0)
        return true; /* told after AuthenticationOk */
    if (strcmp(auth->database, auth->user) == 0)
        auth->database = "rustydb";
    return rdb_role_find(catalog, "admin", &auth->role, &auth->role_exists, err);
}

static bool start_authentication(rdb_wire *wire, rdb_error *err)
{
    struct wire_auth *auth = wire->auth;
    if (!rdb_role_find(rdb_engine_catalog(wire->host->config.engine), auth->user, &auth->role, &auth->role_exists, err))
        return false;
    if (wire->channel.is_owner && wire->channel.is_local) {
        if (!map_owner(wire, err))
            return false;
    } else if (wire->host->config.auth == RDB_AUTH_SCRAM) {
        return wire_scram_begin(wire, err);
    }
    put_authentication(wire, 0);
    if (!auth->role_exists)
        return rdb_error_set(err, RDB_INVALID_AUTHORIZATION_SPECIFICATION, "role \"%s\" does not exist", auth->user);
    return begin_session(wire, err);
}

void wire_handle_startup(rdb_wire *wire, wire_reader *reader)
{
    rdb_error err = {0};
    uint32_t protocol = wire_read_u32(reader);
    switch (protocol) {
    case WIRE_SSL_REQUEST:
        if (wire->tls_done || wire->input_at != wire->input_end) { /* bytes behind the request would be taken as encrypted */
            rdb_error_set(&err, RDB_PROTOCOL_VIOLATION, "received unencrypted data after SSL request");
            wire_fatal(wire, &err);
            return;
        }
        rdb_strbuf_addc(&wire->output, wire->channel.start_tls != NULL ? 'S' : 'N');
        if (!wire_flush(wire) || wire->channel.start_tls == NULL)
            return;
        wire->tls_done = true;
        if (!wire->channel.start_tls(wire->channel.context, &err)) {
            rdb_error_clear(&err);
            wire->is_broken = true;
        }
        return;
    case WIRE_GSS_REQUEST:
        rdb_strbuf_addc(&wire->output, 'N');
        wire_flush(wire);
        return;
    case WIRE_CANCEL_REQUEST: {
        uint32_t pid = wire_read_u32(reader), secret = wire_read_u32(reader);
        if (!reader->bad)
            wire_host_cancel(wire->host, pid, secret);
        wire->phase = WIRE_FINISHED;
        return;
    }
    default:
        break;
    }
    session_log_received(wire->host->config.engine, wire->channel.peer);
    if (protocol >> 16 != 3)
        rdb_error_set(&err, RDB_FEATURE_NOT_SUPPORTED, "unsupported frontend protocol %u.%u: server supports 3.0 to 3.0", protocol >> 16, protocol & 0xffff);
    else if (atomic_load(&wire->host->is_stopping))
        rdb_error_set(&err, RDB_CANNOT_CONNECT_NOW, "the database system is shutting down");
    else if (read_startup(wire, reader, protocol, &err) && start_authentication(wire, &err))
        return;
    wire_fatal(wire, &err);
}

const char *wire_auth_verifier(const rdb_wire *wire)
{
    return wire->auth->role_exists && wire->auth->role.can_login && !wire->auth->role.password_expired ? wire->auth->role.verifier : "";
}

const char *wire_auth_user(const rdb_wire *wire)
{
    return wire->auth->user;
}

bool wire_auth_accept(rdb_wire *wire, rdb_error *err)
{
    put_authentication(wire, 0);
    return begin_session(wire, err);
}
