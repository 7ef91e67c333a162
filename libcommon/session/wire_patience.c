/* SPDX-License-Identifier: Apache-2.0
 * How long a connection may be quiet: while it logs in, inside a transaction, between two of them. A quiet connection costs no
 * thread, so the host asks when it is to be served again, and it then ends here. */
#include "session/settings.h"
#include "session/wire_int.h"

static int64_t limit_of(const rdb_wire *wire)
{
    return session_setting_idle_timeout_us(wire->session, !session_is_idle(wire->session));
}

void wire_patience_begin(rdb_wire *wire)
{
    if (wire->quiet_since_us == 0 && wire->session != NULL && limit_of(wire) != 0)
        wire->quiet_since_us = rdb_time_monotonic_us();
}

int64_t rdb_wire_expires_us(const rdb_wire *wire)
{
    int64_t since_us = wire->quiet_since_us, limit_us = 0;
    if (wire->session == NULL) {
        since_us = wire->opened_us;
        limit_us = wire->host->config.login_timeout_us;
    } else if (wire->quiet_since_us != 0) {
        limit_us = limit_of(wire);
    }
    return limit_us == 0 ? INT64_MAX : since_us + limit_us;
}

bool wire_patience_ended(rdb_wire *wire)
{
    int64_t expires_us = rdb_wire_expires_us(wire);
    if (expires_us == INT64_MAX || rdb_time_monotonic_us() < expires_us)
        return false;
    if (wire->phase == WIRE_STARTUP)
        return true; /* nobody knows what it speaks */
    rdb_error err = {0};
    if (wire->session == NULL)
        rdb_error_set(&err, RDB_QUERY_CANCELED, "canceling authentication due to timeout");
    else if (session_is_idle(wire->session))
        rdb_error_set(&err, RDB_IDLE_SESSION_TIMEOUT, "terminating connection due to idle-session timeout");
    else
        rdb_error_set(&err, RDB_IDLE_IN_TRANSACTION_SESSION_TIMEOUT, "terminating connection due to idle-in-transaction timeout");
    wire_fatal(wire, &err);
    return true;
}
