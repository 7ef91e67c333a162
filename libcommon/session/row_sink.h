/* SPDX-License-Identifier: Apache-2.0
 * Where result rows go: types and formats of the statement in hand. */
#ifndef RDB_SESSION_ROW_SINK_H
#define RDB_SESSION_ROW_SINK_H

#include "session/session_int.h"

/* How the values of a column become bytes: as they stand, as digits, or by a call. */
typedef enum session_sink_way { SINK_CALL, SINK_BYTES, SINK_BOOL, SINK_INT2, SINK_INT4, SINK_INT8, SINK_OID } session_sink_way;

typedef struct session_row_sink {
    const rdb_type **types;
    uint16_t *formats; /* 0 text, 1 binary */
    uint8_t *ways;     /* session_sink_way */
    uint32_t column_count, capacity;
    uint64_t row_count; /* sent since session_sink_begin */
    rdb_arena *scratch; /* of conversions; reset after each batch */
    rdb_call call;
    rdb_eval eval;      /* what output functions see of the session: names of reg* types come from the catalog */
    /* For commands that give rows: do they begin with a RowDescription (simple protocol), and in which formats? */
    bool describes;
    const uint16_t *default_formats;
} session_row_sink;

RDB_CHECKED bool session_sink_create(rdb_session *session, rdb_error *err);
void session_sink_destroy(rdb_session *session);
/* columns NULL: NoData. */
void session_put_plan_description(rdb_session *session, session_plan *plan); /* all columns as text; kept with the plan */
void session_put_row_description(rdb_session *session, const rdb_result_column *columns, uint32_t count, const uint16_t *formats);
RDB_CHECKED bool session_sink_begin(rdb_session *session, const rdb_result_column *columns, uint32_t count, const uint16_t *formats, rdb_error *err);
/* Positions from .. to - 1 of the batch's selection. */
RDB_CHECKED bool session_send_rows(rdb_session *session, const rdb_batch *batch, uint32_t from, uint32_t to, rdb_error *err);
/* Does client_min_messages let it through? */
bool session_setting_checks_bodies(const rdb_session *session);
bool session_notice_passes(const rdb_session *session, const char *severity);
const rdb_format_settings *session_setting_format(const rdb_session *session);

#endif
