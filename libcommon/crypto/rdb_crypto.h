/* SPDX-License-Identifier: Apache-2.0
 * Room crypto: digests, passwords, SCRAM-SHA-256 (RFC 5802, 7677) for both sides, certificates and TLS contexts.
 * Secrets are wiped before their memory is given back, and compared in constant time. */
#ifndef RDB_CRYPTO_H
#define RDB_CRYPTO_H

#include "os/rdb_os.h"

#define RDB_SHA256_BYTES 32

void rdb_sha256(const void *bytes, size_t length, uint8_t digest[RDB_SHA256_BYTES]);
void rdb_hmac_sha256(const void *key, size_t key_length, const void *bytes, size_t length, uint8_t mac[RDB_SHA256_BYTES]);
bool rdb_equal_secret(const void *left, const void *right, size_t length); /* time depends on length alone */
void rdb_wipe(void *bytes, size_t length); /* the compiler does not drop it */

/* Standard alphabet, padded. target has room for rdb_base64_bytes(length), its final zero included. */
#define rdb_base64_bytes(length) (((length) + 2) / 3 * 4 + 1)
size_t rdb_base64_encode(const void *bytes, size_t length, char *target);
/* False where the text is not exact base64 or decodes to more than capacity bytes. */
bool rdb_base64_decode(const char *text, size_t length, void *target, size_t capacity, size_t *got);

/* length letters and digits that cannot be taken for one another (no 0 O 1 l I), and a zero byte. */
void rdb_password_generate(char *target, size_t length);

/* ---- SCRAM-SHA-256 ----------------------------------------------------------------------------------------------- */
/* A verifier is "SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>" in base64, as in pg_authid.rolpassword. */
#define RDB_SCRAM_ITERATIONS 4096
#define RDB_SCRAM_VERIFIER_BYTES 192
RDB_CHECKED bool rdb_scram_make_verifier(const char *password, uint32_t iterations,
                                         char verifier[RDB_SCRAM_VERIFIER_BYTES], rdb_error *err);
bool rdb_scram_is_verifier(const char *text);
/* Whether the password is the verifier's; false too where that is none. */
bool rdb_scram_password_matches(const char *verifier, const char *password);

typedef struct rdb_scram_server rdb_scram_server;
/* verifier NULL, "" or no verifier at all: the exchange runs with a salt made from user and instance_secret (the same at
 * each try, so that nobody learns which users exist) and fails at its end. */
RDB_CHECKED bool rdb_scram_server_create(rdb_scram_server **server, const char *verifier, const char *user,
                                         const uint8_t instance_secret[32], rdb_error *err);
/* One client message; the answer is appended to reply. Malformed ones are 08P01. */
RDB_CHECKED bool rdb_scram_server_first(rdb_scram_server *server, const void *message, size_t length, rdb_strbuf *reply,
                                        rdb_error *err);
/* *accepted says whether the proof is right; only then reply has the server's own proof. */
RDB_CHECKED bool rdb_scram_server_final(rdb_scram_server *server, const void *message, size_t length, rdb_strbuf *reply,
                                        bool *accepted, rdb_error *err);
void rdb_scram_server_destroy(rdb_scram_server **server); /* NULL inside is fine */

typedef struct rdb_scram_client rdb_scram_client;
RDB_CHECKED bool rdb_scram_client_create(rdb_scram_client **client, const char *password, rdb_error *err);
RDB_CHECKED bool rdb_scram_client_first(rdb_scram_client *client, rdb_strbuf *message, rdb_error *err);
RDB_CHECKED bool rdb_scram_client_final(rdb_scram_client *client, const void *server_first, size_t length,
                                        rdb_strbuf *message, rdb_error *err);
/* The server proves that it knows the verifier: 28P01 where it does not. */
RDB_CHECKED bool rdb_scram_client_verify(rdb_scram_client *client, const void *server_final, size_t length, rdb_error *err);
void rdb_scram_client_destroy(rdb_scram_client **client);

/* ---- certificates and TLS ---------------------------------------------------------------------------------------- */
/* Writes ca.crt, server.crt (0640) and server.key (0600) into the directory: a P-256 authority, valid ten years, whose
 * key is forgotten at once, and a server certificate it signed for localhost, 127.0.0.1, ::1 and this machine's name. */
RDB_CHECKED bool rdb_certificate_create(const char *directory, const char *instance_name, rdb_error *err);

typedef struct ssl_ctx_st rdb_tls_context; /* OpenSSL's SSL_CTX */
typedef struct rdb_tls_options {
    const char *certificate_path, *key_path; /* a client may leave them NULL */
    const char *authority_path;              /* NULL: peers are not verified */
    bool require_client_certificate;         /* needs authority_path */
    bool tls13_only;
} rdb_tls_options;
RDB_CHECKED bool rdb_tls_server_context(rdb_tls_context **context, const rdb_tls_options *options, rdb_error *err);
/* host: the name the server's certificate must bear, checked where authority_path is set; NULL: any name. */
RDB_CHECKED bool rdb_tls_client_context(rdb_tls_context **context, const rdb_tls_options *options, const char *host,
                                        rdb_error *err);
void rdb_tls_context_destroy(rdb_tls_context **context);

#endif
