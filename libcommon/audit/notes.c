/* SPDX-License-Identifier: Apache-2.0
 * What programs did to an instance at rest. They know neither the log nor its key; they leave a line, and the server makes a record of it
 * before anyone else gets in. data/meta/audit.notes: JSON lines
 *     {"time_us":N,"succeeded":true,"user":"...","program":"rdb-backup","action":"BACKUP","what":"..."} */
#include "audit_int.h"

#include <jansson.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NOTES "data/meta/audit.notes"
enum { NOTES_BYTES_MAX = 1 << 20 }; /* nobody audits: no more is kept */

void rdb_audit_tool_members(rdb_strbuf *members, const char *program, const char *action, const char *what)
{
    rdb_audit_add_member(members, "action", action, strlen(action));
    rdb_strbuf_adds(members, ",\"detail\":{\"program\":");
    rdb_strbuf_add_json(members, program, strlen(program));
    rdb_audit_add_member(members, "what", what, strlen(what));
    rdb_strbuf_addc(members, '}');
}

static bool make_path(const char *home, char path[PATH_MAX], rdb_error *err)
{
    return (size_t)snprintf(path, PATH_MAX, "%s/" NOTES, home) < PATH_MAX || rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "the path of the instance is too long");
}

bool rdb_audit_was_on(const char *home)
{
    char path[PATH_MAX];
    return (size_t)snprintf(path, sizeof path, "%s/data/meta/" AUDIT_HEADS, home) < sizeof path && rdb_path_exists(path);
}

bool rdb_audit_note_at_rest(const char *home, const char *program, const char *action, bool succeeded, const char *what, rdb_error *err)
{
    char path[PATH_MAX], user[64];
    rdb_strbuf line;
    rdb_file *file = NULL;
    uint64_t bytes = 0;
    if (!make_path(home, path, err))
        return false;
    const struct passwd *entry = getpwuid(geteuid());
    snprintf(user, sizeof user, "%s", entry != NULL ? entry->pw_name : "");
    rdb_strbuf_init(&line, NULL);
    rdb_strbuf_addf(&line, "{\"time_us\":%lld,\"succeeded\":%s", (long long)rdb_time_wall_us(), succeeded ? "true" : "false");
    rdb_audit_add_member(&line, "user", user, strlen(user));
    rdb_audit_add_member(&line, "program", program, strlen(program));
    rdb_audit_add_member(&line, "action", action, strlen(action));
    rdb_audit_add_member(&line, "what", what, strlen(what));
    rdb_strbuf_adds(&line, "}\n");
    bool ok = rdb_strbuf_check(&line, err) && rdb_file_open(&file, path, RDB_FILE_CREATE | RDB_FILE_WRITE, err) && rdb_file_size(file, &bytes, err);
    if (ok && bytes + line.length <= NOTES_BYTES_MAX)
        ok = rdb_file_write(file, bytes, line.data, line.length, err) && rdb_file_sync(file, err);
    ok = rdb_file_close(&file, err) && ok;
    rdb_strbuf_free(&line);
    return ok;
}

static const char *text_of(const json_t *note, const char *key)
{
    const char *text = json_string_value(json_object_get(note, key));
    return text != NULL ? text : "";
}

/* A line that is none is told as it is: whoever can write there can also take it away, but not unsee it. */
static bool take_note(rdb_audit_log *log, const char *line, size_t length, rdb_error *err)
{
    rdb_strbuf batch, members, session;
    json_t *note = json_loadb(line, length, 0, NULL);
    const json_t *time_us = json_object_get(note, "time_us");
    rdb_strbuf_init(&batch, NULL);
    rdb_strbuf_init(&members, NULL);
    rdb_strbuf_init(&session, NULL);
    rdb_audit_add_member(&session, "login", text_of(note, "user"), strlen(text_of(note, "user")));
    rdb_audit_add_member(&session, "client", "at rest", 7);
    if (note != NULL) {
        rdb_audit_tool_members(&members, text_of(note, "program"), text_of(note, "action"), text_of(note, "what"));
    } else {
        rdb_audit_add_member(&members, "action", "UNREADABLE NOTE", 15);
        rdb_strbuf_addf(&members, ",\"detail\":{\"bytes\":\"%zu\"}", length);
    }
    rdb_audit_batch_begin(&batch, session.data, session.length);
    rdb_audit_batch_add(&batch, &(rdb_audit_event){.class = RDB_AUDIT_TOOL, .flags = json_is_false(json_object_get(note, "succeeded")) ? RDB_AUDIT_EVENT_FAILED : 0,
                                                   .wall_us = json_is_integer(time_us) ? (int64_t)json_integer_value(time_us) : rdb_time_wall_us(), .rows = RDB_AUDIT_NO_ROWS,
                                                   .members = {(const uint8_t *)members.data, members.length}});
    const bool ok = rdb_strbuf_check(&session, err) && rdb_strbuf_check(&members, err) && rdb_strbuf_check(&batch, err) &&
                    rdb_audit_log_note(log, (const uint8_t *)batch.data, (uint32_t)batch.length, err);
    json_decref(note);
    rdb_strbuf_free(&session);
    rdb_strbuf_free(&members);
    rdb_strbuf_free(&batch);
    return ok;
}

bool rdb_audit_log_take_notes(rdb_audit_log *log, const char *home, bool *any, rdb_error *err)
{
    char path[PATH_MAX];
    audit_lines lines;
    const char *line;
    size_t length;
    bool is_whole, found = false;
    *any = false;
    if (!make_path(home, path, err))
        return false;
    if (!rdb_path_exists(path))
        return true;
    if (!audit_lines_open(&lines, path, err))
        return false;
    bool ok = true;
    while (ok && (ok = audit_lines_next(&lines, &line, &length, &is_whole, &found, err)) && found) {
        *any = true;
        ok = take_note(log, line, length, err);
    }
    audit_lines_close(&lines);
    return ok;
}

bool rdb_audit_forget_notes(const char *home, rdb_error *err)
{
    char path[PATH_MAX];
    return make_path(home, path, err) && rdb_path_remove(path, true, err);
}
