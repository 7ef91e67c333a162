/* SPDX-License-Identifier: Apache-2.0
 * The wire's own structs: one connection's buffers and the reading and building of protocol 3.0 messages. */
#ifndef RDB_WIRE_INT_H
#define RDB_WIRE_INT_H

#include "session/rdb_session.h"
#include "session/session_int.h"

#define WIRE_PROTOCOL_3_0 0x00030000u
#define WIRE_CANCEL_REQUEST 80877102u
#define WIRE_SSL_REQUEST 80877103u
#define WIRE_GSS_REQUEST 80877104u
#define WIRE_STARTUP_MAX 10000u              /* PostgreSQL's MAX_STARTUP_PACKET_LENGTH */
#define WIRE_MESSAGE_MAX ((UINT32_C(1) << 30) - 1)
#define WIRE_SMALL_MESSAGE_MAX 10000u        /* of messages that carry no data: PostgreSQL's PQ_SMALL_MESSAGE_LIMIT */
#define WIRE_SEND_BYTES (32u << 10)          /* pending output goes out once it is this long */

typedef enum wire_phase {
    WIRE_STARTUP,        /* waiting for a startup, SSL, GSS or cancel packet */
    WIRE_AUTHENTICATING, /* SCRAM exchange under way */
    WIRE_READY,          /* messages */
    WIRE_COPY_IN,        /* inside COPY FROM STDIN: CopyData is pulled by the statement */
    WIRE_FINISHED
} wire_phase;

struct rdb_wire {
    rdb_wire_host *host;
    rdb_wire *next, *previous; /* in the host's list, under its lock */
    rdb_channel channel;
    wire_phase phase;
    bool tls_done, gss_refused;
    bool skip_to_sync;   /* an extended-query error: messages are dropped until Sync */
    bool is_broken;      /* the channel failed: nothing more is sent */
    bool sync_lost;      /* a COPY met bytes that are no message of its own: where the next message begins is unknown */
    _Atomic bool stop_asked; /* to end when it is outside a transaction */
    _Atomic bool kill_asked; /* to end now */
    int64_t opened_us, quiet_since_us; /* monotonic; quiet_since_us: 0 from a message on until none follows it */
    uint32_t pid, secret; /* BackendKeyData */
    uint8_t *input;       /* unread bytes are input[input_at .. input_end); NULL while parked with none */
    size_t input_at, input_end, input_capacity;
    rdb_strbuf output;
    struct wire_auth *auth;
    void *scram;          /* the exchange under way */
    rdb_session *session; /* after authentication */
    rdb_publish_ticket ticket; /* while its answer is held */
    bool is_unheld;            /* the log could not be written: the next wait is the connection's own */
};

/* A message's body being read. Reading past the end sets bad and gives zeroes. */
typedef struct wire_reader {
    const uint8_t *at, *end;
    bool bad;
    bool text_unended; /* bad, for a text without its zero byte */
} wire_reader;
uint8_t wire_read_u8(wire_reader *reader);
uint16_t wire_read_u16(wire_reader *reader);
uint32_t wire_read_u32(wire_reader *reader);
const char *wire_read_text(wire_reader *reader); /* up to a zero byte; "" and bad without one */
const uint8_t *wire_read_bytes(wire_reader *reader, size_t length);

/* Messages into an output buffer: begin gives the place of the length, end fills it in. */
size_t wire_message_begin(rdb_strbuf *output, char type);
void wire_message_end(rdb_strbuf *output, size_t begin);
void wire_put_u16(rdb_strbuf *output, uint16_t value);
void wire_put_u32(rdb_strbuf *output, uint32_t value);
void wire_put_text(rdb_strbuf *output, const char *text); /* with its zero byte */

void wire_put_error(rdb_strbuf *output, const rdb_error *err, const char *severity); /* 'E' */
void wire_put_notice(rdb_strbuf *output, const rdb_error *notice, const char *severity); /* 'N' */
void wire_put_ready(rdb_strbuf *output, char status);
void wire_put_parameter_status(rdb_strbuf *output, const char *name, const char *value);

/* Sends what is pending. False: the channel is gone (is_broken). */
bool wire_flush(rdb_wire *wire);
/* Reads until at least need unread bytes are there, waiting at most wait_us (negative: no limit). */
typedef enum wire_fill { WIRE_FILL_OK, WIRE_FILL_QUIET, WIRE_FILL_CLOSED } wire_fill;
wire_fill wire_fill_input(rdb_wire *wire, size_t need, int64_t wait_us);

/* wire_startup.c: one packet of the startup or authentication phase. */
void wire_handle_startup(rdb_wire *wire, wire_reader *reader);
const char *wire_auth_verifier(const rdb_wire *wire); /* of the role that asks, "" where it has none or does not exist */
const char *wire_auth_user(const rdb_wire *wire);
RDB_CHECKED bool wire_auth_accept(rdb_wire *wire, rdb_error *err); /* AuthenticationOk, and the session begins */
/* wire_scram.c: SCRAM-SHA-256, one message at a time. */
RDB_CHECKED bool wire_scram_begin(rdb_wire *wire, rdb_error *err);
void wire_handle_authentication(rdb_wire *wire, char type, wire_reader *reader);
void wire_scram_end(rdb_wire *wire);
/* wire_patience.c */
void wire_patience_begin(rdb_wire *wire); /* no message has followed the last */
bool wire_patience_ended(rdb_wire *wire); /* it has been quiet for too long and was told so */
/* The session's owner. */
bool wire_owner_flush(void *wire);
void wire_owner_rouse(void *wire, uint32_t pid);
bool wire_owner_signal(void *wire, uint32_t pid, bool terminate);
bool wire_owner_copy_message(void *wire, char *type, const uint8_t **body, size_t *length);
void wire_auth_destroy(struct wire_auth **auth);
void wire_fatal(rdb_wire *wire, rdb_error *err); /* sends it as FATAL and ends the connection */

/* wire_query.c: one message of the READY phase. */
void wire_handle_message(rdb_wire *wire, char type, wire_reader *reader);
bool wire_reader_done(const wire_reader *reader, rdb_error *err); /* all of the body was read, and nothing beyond it */

/* The host: who is connected. */
struct rdb_wire_host {
    rdb_wire_config config;
    rdb_mutex lock;
    rdb_wire *connections RDB_GUARDED_BY(lock);
    uint32_t connection_count RDB_GUARDED_BY(lock);
    uint32_t next_pid RDB_GUARDED_BY(lock);
    _Atomic bool is_stopping;
};
void wire_host_cancel(rdb_wire_host *host, uint32_t pid, uint32_t secret);

#endif
