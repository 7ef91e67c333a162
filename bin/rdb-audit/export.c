/* SPDX-License-Identifier: Apache-2.0
 * export: records for other systems, in JSON lines, ArcSight's CEF or RFC 5424, to stdout, a file, or a syslog receiver over TLS (RFC 5425:
 * each message behind its length). seq and the instance's id make a record that is sent twice known. */
#include "audit.h"
#include "options.h"

#include "crypto/rdb_crypto.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct export_run {
    audit_work *work;
    const char *format;
    FILE *file;
    BIO *stream; /* TLS; NULL: the file */
    rdb_strbuf text;
    char host[256];
    uint64_t count, last;
} export_run;

/* ---- forms --------------------------------------------------------------------------------------------------------------- */
static void add_escaped(rdb_strbuf *text, const char *value, const char *special)
{
    for (; *value != '\0'; value++) {
        if (*value == '\n' || *value == '\r') {
            rdb_strbuf_adds(text, special[0] == '|' ? " " : "\\n");
            continue;
        }
        if (strchr(special, *value) != NULL)
            rdb_strbuf_addc(text, '\\');
        rdb_strbuf_addc(text, *value);
    }
}

static unsigned severity_of(const json_t *record)
{
    const bool failed = strcmp(rdb_audit_field(record, "outcome"), "failure") == 0;
    const char *class = rdb_audit_field(record, "class");
    return failed ? 7 : strcmp(class, "policy") == 0 || strcmp(class, "role") == 0 ? 6 : strcmp(class, "ddl") == 0 || strcmp(class, "config") == 0 ? 5 : 3;
}

static void add_cef(rdb_strbuf *text, const json_t *record)
{
    static const struct { const char *cef, *key; } FIELDS[] = {{"rt", "time"}, {"suser", "login"}, {"duser", "role"}, {"src", "client"}, {"requestClientApplication", "application"},
                                                              {"externalId", "session"}, {"outcome", "outcome"}, {"reason", "error"}, {"msg", "statement"}};
    rdb_strbuf objects;
    rdb_strbuf_init(&objects, NULL);
    rdb_strbuf_addf(text, "CEF:0|RustyDB|rdb-serve|%s|", rdb_version());
    add_escaped(text, rdb_audit_field(record, "action"), "|\\");
    rdb_strbuf_addc(text, '|');
    add_escaped(text, rdb_audit_field(record, "class"), "|\\");
    rdb_strbuf_adds(text, " ");
    add_escaped(text, rdb_audit_field(record, "action"), "|\\");
    rdb_strbuf_addf(text, "|%u|cn1Label=seq cn1=%lld", severity_of(record), (long long)json_integer_value(json_object_get(record, "seq")));
    for (size_t i = 0; i < RDB_COUNT_OF(FIELDS); i++) {
        const char *value = rdb_audit_field(record, FIELDS[i].key);
        if (value[0] == '\0')
            continue;
        rdb_strbuf_addf(text, " %s=", FIELDS[i].cef);
        add_escaped(text, value, "=\\");
    }
    rdb_audit_object_names(record, &objects);
    if (objects.length > 0) {
        rdb_strbuf_adds(text, " cs1Label=objects cs1=");
        add_escaped(text, objects.data, "=\\");
    }
    rdb_strbuf_adds(text, " cs2Label=database cs2=");
    add_escaped(text, rdb_audit_field(record, "database"), "=\\");
    rdb_strbuf_free(&objects);
}

/* Facility 13 (log audit); the record itself is the message, what is searched for stands in the structured data. */
static void add_syslog(export_run *run, const char *line, size_t length, const json_t *record)
{
    static const char *const KEYS[] = {"class", "action", "outcome", "login", "role", "database", "client", "code", NULL};
    const unsigned severity = severity_of(record);
    rdb_strbuf *text = &run->text;
    rdb_strbuf_addf(text, "<%u>1 %s %s rdb-audit - %s [rdb@32473 seq=\"%lld\"", 13 * 8 + (severity >= 7 ? 4u : severity >= 5 ? 5u : 6u), rdb_audit_field(record, "time"), run->host,
                    rdb_audit_field(record, "class"), (long long)json_integer_value(json_object_get(record, "seq")));
    for (size_t i = 0; KEYS[i] != NULL; i++) {
        const char *value = rdb_audit_field(record, KEYS[i]);
        if (value[0] == '\0')
            continue;
        rdb_strbuf_addf(text, " %s=\"", KEYS[i]);
        add_escaped(text, value, "\"\\]");
        rdb_strbuf_addc(text, '"');
    }
    rdb_strbuf_adds(text, "] ");
    rdb_strbuf_add(text, line, length);
}

/* ---- ways out -------------------------------------------------------------------------------------------------------------- */
static bool send_bytes(export_run *run, const char *bytes, size_t length, rdb_error *err)
{
    if (run->stream == NULL)
        return fwrite(bytes, 1, length, run->file) == length || rdb_error_set(err, RDB_IO_ERROR, "the output could not be written");
    for (size_t sent = 0; sent < length;) {
        int part = BIO_write(run->stream, bytes + sent, (int)RDB_MIN(length - sent, (size_t)1 << 20));
        if (part <= 0)
            return rdb_error_set(err, RDB_CONNECTION_FAILURE, "the receiver closed the connection");
        sent += (size_t)part;
    }
    return true;
}

static bool export_one(void *run_at, const char *line, size_t length, const json_t *record, rdb_error *err)
{
    export_run *run = run_at;
    char frame[32];
    rdb_strbuf_clear(&run->text);
    if (strcmp(run->format, "cef") == 0)
        add_cef(&run->text, record);
    else if (strcmp(run->format, "syslog") == 0)
        add_syslog(run, line, length, record);
    else
        rdb_strbuf_add(&run->text, line, length);
    const bool is_framed = run->stream != NULL && strcmp(run->format, "syslog") == 0;
    int frame_bytes = is_framed ? snprintf(frame, sizeof frame, "%zu ", run->text.length) : 0;
    if (!is_framed)
        rdb_strbuf_addc(&run->text, '\n');
    if (!rdb_strbuf_check(&run->text, err) || !send_bytes(run, frame, (size_t)frame_bytes, err) || !send_bytes(run, run->text.data, run->text.length, err))
        return false;
    run->count++;
    run->last = (uint64_t)json_integer_value(json_object_get(record, "seq"));
    return !audit_interrupted || rdb_error_set(err, RDB_QUERY_CANCELED, "interrupted");
}

/* tls://HOST[:PORT] */
static bool open_stream(export_run *run, const char *url, SSL_CTX **context, rdb_error *err)
{
    char address[320], name[256];
    snprintf(address, sizeof address, "%s%s", url + 6, strchr(url + 6, ':') == NULL ? ":6514" : "");
    snprintf(name, sizeof name, "%.*s", (int)strcspn(address, ":"), address);
    const rdb_tls_options options = {.authority_path = run->work->arguments->authority};
    if (!rdb_tls_client_context(context, &options, name, err))
        return false;
    SSL *ssl = NULL;
    run->stream = BIO_new_ssl_connect(*context);
    if (run->stream == NULL || BIO_get_ssl(run->stream, &ssl) != 1 || BIO_set_conn_hostname(run->stream, address) != 1 || SSL_set_tlsext_host_name(ssl, name) != 1 ||
        BIO_do_connect(run->stream) != 1 || BIO_do_handshake(run->stream) != 1) {
        rdb_error_set(err, RDB_CONNECTION_FAILURE, "no connection over TLS to the receiver");
        return rdb_error_detail(err, "Receiver \"%s\"%s.", address, options.authority_path != NULL ? ", checked by the authority given" : "");
    }
    return true;
}

int command_export(audit_work *work)
{
    const audit_arguments *a = work->arguments;
    SSL_CTX *context = NULL;
    export_run run = {.work = work, .format = a->format != NULL ? a->format : "json", .file = stdout};
    uint64_t from = 0;
    if (strcmp(run.format, "json") != 0 && strcmp(run.format, "cef") != 0 && strcmp(run.format, "syslog") != 0)
        return rdb_options_refuse(work->program, "export makes json, cef or syslog, not %s", run.format);
    const bool is_tls = a->to != NULL && strncmp(a->to, "tls://", 6) == 0;
    if (a->to != NULL && !is_tls && strstr(a->to, "://") != NULL)
        return rdb_options_refuse(work->program, "--to takes tls://HOST[:PORT] or a file");
    rdb_strbuf_init(&run.text, NULL);
    if (gethostname(run.host, sizeof run.host) != 0 || run.host[0] == '\0')
        snprintf(run.host, sizeof run.host, "-");
    run.host[sizeof run.host - 1] = '\0';
    bool ok = audit_read_checkpoint(a->checkpoint, work->arena, &from, &work->err);
    work->filter.first = RDB_MAX(work->filter.first, from + (from > 0));
    if (ok && is_tls)
        ok = open_stream(&run, a->to, &context, &work->err);
    else if (ok && a->to != NULL && strcmp(a->to, "-") != 0 && (run.file = fopen(a->to, "ae")) == NULL)
        ok = rdb_error_set(&work->err, RDB_IO_ERROR, "\"%s\" cannot be written", a->to);
    ok = ok && rdb_audit_search(work->directory, &work->filter, export_one, &run, &work->err);
    if (ok && run.stream != NULL && BIO_flush(run.stream) != 1)
        ok = rdb_error_set(&work->err, RDB_CONNECTION_FAILURE, "the receiver closed the connection");
    if (run.stream == NULL && run.file != NULL && fflush(run.file) != 0 && ok)
        ok = rdb_error_set(&work->err, RDB_IO_ERROR, "the output could not be written");
    if (run.file != NULL && run.file != stdout)
        fclose(run.file);
    /* What was sent before a failure counts: the next run goes on behind it. */
    if (a->checkpoint != NULL && run.last > 0 && run.stream == NULL)
        ok = audit_write_checkpoint(a->checkpoint, run.last, &work->err) && ok;
    else if (a->checkpoint != NULL && run.last > 0 && ok)
        ok = audit_write_checkpoint(a->checkpoint, run.last, &work->err);
    BIO_free_all(run.stream);
    rdb_tls_context_destroy(&context);
    rdb_strbuf_free(&run.text);
    return ok ? RDB_EXIT_DONE : audit_interrupted ? RDB_EXIT_INTERRUPTED : audit_report_error(work);
}
