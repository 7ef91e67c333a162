/* SPDX-License-Identifier: Apache-2.0
 * SCRAM-SHA-256 for both sides. An exchange is a small state machine: a message out of turn is a protocol violation.
 * Passwords go in as their bytes; the mapping of SASLprep (RFC 4013), which changes some non-ASCII ones, is not made. */
#include "crypto/rdb_crypto.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#define SALT_BYTES 16
#define SALT_BYTES_MAX 64
#define NONCE_BYTES 18
#define PREFIX "SCRAM-SHA-256$"
#define ITERATIONS_MAX 10000000u

typedef struct keys {
    uint32_t iterations;
    uint8_t salt[SALT_BYTES_MAX];
    size_t salt_length;
    uint8_t stored[RDB_SHA256_BYTES], server[RDB_SHA256_BYTES];
} keys;

/* ClientKey of a password; StoredKey and ServerKey go into k. */
static bool derive_keys(keys *k, const char *password, uint8_t client_key[RDB_SHA256_BYTES])
{
    uint8_t salted[RDB_SHA256_BYTES];
    size_t length = strlen(password);
    if (length > INT32_MAX || PKCS5_PBKDF2_HMAC(password, (int)length, k->salt, (int)k->salt_length, (int)k->iterations,
                                                EVP_sha256(), sizeof salted, salted) != 1)
        return false;
    rdb_hmac_sha256(salted, sizeof salted, "Client Key", 10, client_key);
    rdb_sha256(client_key, RDB_SHA256_BYTES, k->stored);
    rdb_hmac_sha256(salted, sizeof salted, "Server Key", 10, k->server);
    rdb_wipe(salted, sizeof salted);
    return true;
}

bool rdb_scram_make_verifier(const char *password, uint32_t iterations, char verifier[RDB_SCRAM_VERIFIER_BYTES],
                             rdb_error *err)
{
    keys k = {.iterations = iterations, .salt_length = SALT_BYTES};
    uint8_t client_key[RDB_SHA256_BYTES];
    char salt[rdb_base64_bytes(SALT_BYTES)], stored[rdb_base64_bytes(RDB_SHA256_BYTES)], server[rdb_base64_bytes(RDB_SHA256_BYTES)];
    rdb_random_bytes(k.salt, SALT_BYTES);
    if (iterations == 0 || iterations > ITERATIONS_MAX || !derive_keys(&k, password, client_key))
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "could not make a SCRAM verifier");
    rdb_base64_encode(k.salt, SALT_BYTES, salt);
    rdb_base64_encode(k.stored, sizeof k.stored, stored);
    rdb_base64_encode(k.server, sizeof k.server, server);
    snprintf(verifier, RDB_SCRAM_VERIFIER_BYTES, PREFIX "%u:%s$%s:%s", iterations, salt, stored, server);
    rdb_wipe(client_key, sizeof client_key);
    rdb_wipe(&k, sizeof k);
    return true;
}

static bool parse_number(const char *text, size_t length, uint32_t *number)
{
    uint32_t value = 0;
    if (length == 0 || length > 8)
        return false;
    for (size_t at = 0; at < length; at++) {
        if (text[at] < '0' || text[at] > '9')
            return false;
        value = value * 10 + (uint32_t)(text[at] - '0');
    }
    *number = value;
    return value > 0 && value <= ITERATIONS_MAX;
}

static bool parse_verifier(const char *text, keys *k)
{
    if (text == NULL || strncmp(text, PREFIX, sizeof PREFIX - 1) != 0)
        return false;
    const char *number = text + sizeof PREFIX - 1, *colon = strchr(number, ':');
    const char *salt_end = colon != NULL ? strchr(colon + 1, '$') : NULL;
    const char *stored_end = salt_end != NULL ? strchr(salt_end + 1, ':') : NULL;
    size_t stored_length, server_length;
    return stored_end != NULL && parse_number(number, (size_t)(colon - number), &k->iterations) &&
           rdb_base64_decode(colon + 1, (size_t)(salt_end - colon - 1), k->salt, sizeof k->salt, &k->salt_length) &&
           rdb_base64_decode(salt_end + 1, (size_t)(stored_end - salt_end - 1), k->stored, sizeof k->stored, &stored_length) &&
           rdb_base64_decode(stored_end + 1, strlen(stored_end + 1), k->server, sizeof k->server, &server_length) &&
           stored_length == sizeof k->stored && server_length == sizeof k->server && k->salt_length > 0;
}

bool rdb_scram_is_verifier(const char *text)
{
    keys k;
    return parse_verifier(text, &k);
}

bool rdb_scram_password_matches(const char *verifier, const char *password)
{
    keys known, made;
    uint8_t client_key[RDB_SHA256_BYTES];
    if (!parse_verifier(verifier, &known))
        return false;
    made = known;
    bool matches = derive_keys(&made, password, client_key) && rdb_equal_secret(known.stored, made.stored, sizeof made.stored);
    rdb_wipe(client_key, sizeof client_key);
    rdb_wipe(&made, sizeof made);
    return matches;
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

/* Takes "c=value" off the front of the message, with the comma after it; false where something else stands there. */
static bool take_attribute(rdb_slice *message, char name, rdb_slice *value)
{
    if (message->length < 2 || message->data[0] != (uint8_t)name || message->data[1] != '=')
        return false;
    const uint8_t *from = message->data + 2, *comma = memchr(from, ',', message->length - 2);
    value->data = from;
    value->length = comma != NULL ? (size_t)(comma - from) : message->length - 2;
    const uint8_t *next = comma != NULL ? comma + 1 : from + value->length;
    message->length -= (size_t)(next - message->data);
    message->data = next;
    return true;
}

static bool is_nonce(rdb_slice nonce)
{
    for (size_t at = 0; at < nonce.length; at++)
        if (nonce.data[at] < 0x21 || nonce.data[at] > 0x7E)
            return false;
    return nonce.length > 0 && nonce.length <= 1024;
}

static bool refuse_message(rdb_error *err, const char *detail)
{
    rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "malformed SCRAM message");
    return rdb_error_detail(err, "%s", detail);
}

static void xor_bytes(uint8_t *target, const uint8_t *other)
{
    for (size_t at = 0; at < RDB_SHA256_BYTES; at++)
        target[at] ^= other[at];
}

/* ---- server ------------------------------------------------------------------------------------------------------ */

typedef enum server_state { SERVER_START, SERVER_SENT_FIRST, SERVER_DONE } server_state;

struct rdb_scram_server {
    server_state state;
    bool is_known; /* else every proof is wrong */
    keys k;
    rdb_strbuf nonce;    /* the client's and ours */
    rdb_strbuf exchange; /* client-first-bare "," server-first: the head of the AuthMessage */
    char channel_flag;   /* what the client said about channel binding: n or y */
};

bool rdb_scram_server_create(rdb_scram_server **server, const char *verifier, const char *user,
                             const uint8_t instance_secret[32], rdb_error *err)
{
    *server = NULL;
    rdb_scram_server *made = calloc(1, sizeof *made);
    if (made == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_strbuf_init(&made->nonce, NULL);
    rdb_strbuf_init(&made->exchange, NULL);
    made->is_known = parse_verifier(verifier, &made->k);
    if (!made->is_known) {
        uint8_t mac[RDB_SHA256_BYTES];
        rdb_hmac_sha256(instance_secret, 32, user, strlen(user), mac);
        memcpy(made->k.salt, mac, SALT_BYTES);
        made->k.salt_length = SALT_BYTES;
        made->k.iterations = RDB_SCRAM_ITERATIONS;
        rdb_random_bytes(made->k.stored, sizeof made->k.stored);
        rdb_random_bytes(made->k.server, sizeof made->k.server);
    }
    *server = made;
    return true;
}

void rdb_scram_server_destroy(rdb_scram_server **server)
{
    if (*server == NULL)
        return;
    rdb_strbuf_free(&(*server)->nonce);
    rdb_strbuf_free(&(*server)->exchange);
    rdb_wipe(*server, sizeof **server);
    free(*server);
    *server = NULL;
}

bool rdb_scram_server_first(rdb_scram_server *server, const void *message, size_t length, rdb_strbuf *reply, rdb_error *err)
{
    rdb_slice rest = {message, length}, user, nonce;
    if (server->state != SERVER_START)
        return refuse_message(err, "The message came out of turn.");
    if (length < 3 || memchr(message, '\0', length) != NULL)
        return refuse_message(err, "The message is too short or holds a zero byte.");
    switch (rest.data[0]) {
    case 'n':
    case 'y': /* it could bind, and believes that this server cannot: true, none was offered */
        server->channel_flag = (char)rest.data[0];
        break;
    case 'p':
        rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "malformed SCRAM message");
        return rdb_error_detail(err, "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message "
                                     "includes channel binding data.");
    default:
        return refuse_message(err, "Unexpected channel-binding flag.");
    }
    if (rest.data[1] != ',')
        return refuse_message(err, "Comma expected after the channel-binding flag.");
    if (rest.data[2] == 'a')
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "client uses authorization identity, but it is not supported");
    if (rest.data[2] != ',')
        return refuse_message(err, "Unexpected attribute in client-first-message.");
    rest.data += 3;
    rest.length -= 3;
    rdb_slice bare = rest;
    if (rest.length > 0 && rest.data[0] == 'm')
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "client requires an unsupported SCRAM extension");
    /* The user is the startup packet's; the name in here is not looked at. */
    if (!take_attribute(&rest, 'n', &user) || !take_attribute(&rest, 'r', &nonce) || !is_nonce(nonce))
        return refuse_message(err, "User name and nonce expected.");

    uint8_t random[NONCE_BYTES];
    char own[rdb_base64_bytes(NONCE_BYTES)], salt[rdb_base64_bytes(SALT_BYTES_MAX)];
    rdb_random_bytes(random, sizeof random);
    rdb_base64_encode(random, sizeof random, own);
    rdb_base64_encode(server->k.salt, server->k.salt_length, salt);
    rdb_strbuf_add(&server->nonce, nonce.data, nonce.length);
    rdb_strbuf_adds(&server->nonce, own);
    rdb_strbuf_add(&server->exchange, bare.data, bare.length);
    rdb_strbuf_addc(&server->exchange, ',');
    size_t from = server->exchange.length;
    rdb_strbuf_addf(&server->exchange, "r=%s,s=%s,i=%u", server->nonce.data != NULL ? server->nonce.data : "", salt,
                    server->k.iterations);
    if (!rdb_strbuf_check(&server->nonce, err) || !rdb_strbuf_check(&server->exchange, err))
        return false;
    rdb_strbuf_add(reply, server->exchange.data + from, server->exchange.length - from);
    server->state = SERVER_SENT_FIRST;
    return rdb_strbuf_check(reply, err);
}

bool rdb_scram_server_final(rdb_scram_server *server, const void *message, size_t length, rdb_strbuf *reply,
                            bool *accepted, rdb_error *err)
{
    *accepted = false;
    if (server->state != SERVER_SENT_FIRST)
        return refuse_message(err, "The message came out of turn.");
    server->state = SERVER_DONE;
    rdb_slice rest = {message, length}, binding, nonce, proof;
    if (length == 0 || memchr(message, '\0', length) != NULL || !take_attribute(&rest, 'c', &binding) ||
        !take_attribute(&rest, 'r', &nonce))
        return refuse_message(err, "Channel binding and nonce expected.");
    /* base64 of the flag the exchange began with and two commas */
    if (binding.length != 4 || memcmp(binding.data, server->channel_flag == 'n' ? "biws" : "eSws", 4) != 0)
        return refuse_message(err, "The channel binding is not the one the exchange began with.");
    if (nonce.length != server->nonce.length || !rdb_equal_secret(nonce.data, server->nonce.data, nonce.length))
        return refuse_message(err, "Nonce does not match.");
    /* extensions may stand between nonce and proof; the proof is last */
    while (rest.length > 0 && rest.data[0] != 'p') {
        const uint8_t *comma = memchr(rest.data, ',', rest.length);
        if (comma == NULL)
            break;
        rest.length -= (size_t)(comma + 1 - rest.data);
        rest.data = comma + 1;
    }
    const uint8_t *proof_at = rest.data;
    uint8_t client_key[RDB_SHA256_BYTES], signature[RDB_SHA256_BYTES], stored[RDB_SHA256_BYTES];
    size_t got;
    if (!take_attribute(&rest, 'p', &proof) || rest.length > 0 ||
        !rdb_base64_decode((const char *)proof.data, proof.length, client_key, sizeof client_key, &got) ||
        got != sizeof client_key)
        return refuse_message(err, "Proof expected.");

    size_t without_proof = (size_t)(proof_at - (const uint8_t *)message) - 1;
    rdb_strbuf_addc(&server->exchange, ',');
    rdb_strbuf_add(&server->exchange, message, without_proof);
    if (!rdb_strbuf_check(&server->exchange, err))
        return false;
    rdb_hmac_sha256(server->k.stored, sizeof server->k.stored, server->exchange.data, server->exchange.length, signature);
    xor_bytes(client_key, signature);
    rdb_sha256(client_key, sizeof client_key, stored);
    bool matches = rdb_equal_secret(stored, server->k.stored, sizeof stored);
    rdb_wipe(client_key, sizeof client_key);
    if (!matches || !server->is_known)
        return true;
    char own[rdb_base64_bytes(RDB_SHA256_BYTES)];
    rdb_hmac_sha256(server->k.server, sizeof server->k.server, server->exchange.data, server->exchange.length, signature);
    rdb_base64_encode(signature, sizeof signature, own);
    rdb_strbuf_addf(reply, "v=%s", own);
    *accepted = true;
    return rdb_strbuf_check(reply, err);
}

/* ---- client ------------------------------------------------------------------------------------------------------ */

struct rdb_scram_client {
    char *password;
    char nonce[rdb_base64_bytes(NONCE_BYTES)];
    rdb_strbuf exchange;
    uint8_t server_signature[RDB_SHA256_BYTES];
    int step;
};

bool rdb_scram_client_create(rdb_scram_client **client, const char *password, rdb_error *err)
{
    *client = calloc(1, sizeof **client);
    char *copy = strdup(password);
    if (*client == NULL || copy == NULL) {
        free(*client);
        free(copy);
        *client = NULL;
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    (*client)->password = copy;
    rdb_strbuf_init(&(*client)->exchange, NULL);
    return true;
}

void rdb_scram_client_destroy(rdb_scram_client **client)
{
    if (*client == NULL)
        return;
    rdb_wipe((*client)->password, strlen((*client)->password));
    free((*client)->password);
    rdb_strbuf_free(&(*client)->exchange);
    rdb_wipe(*client, sizeof **client);
    free(*client);
    *client = NULL;
}

bool rdb_scram_client_first(rdb_scram_client *client, rdb_strbuf *message, rdb_error *err)
{
    uint8_t random[NONCE_BYTES];
    rdb_random_bytes(random, sizeof random);
    rdb_base64_encode(random, sizeof random, client->nonce);
    rdb_strbuf_clear(&client->exchange);
    rdb_strbuf_addf(&client->exchange, "n=,r=%s", client->nonce);
    rdb_strbuf_addf(message, "n,,n=,r=%s", client->nonce);
    client->step = 1;
    return rdb_strbuf_check(&client->exchange, err) && rdb_strbuf_check(message, err);
}

bool rdb_scram_client_final(rdb_scram_client *client, const void *server_first, size_t length, rdb_strbuf *message,
                            rdb_error *err)
{
    rdb_slice rest = {server_first, length}, nonce, salt, iterations;
    size_t own = strlen(client->nonce);
    keys k = {0};
    if (client->step != 1 || length == 0 || !take_attribute(&rest, 'r', &nonce) || !take_attribute(&rest, 's', &salt) ||
        !take_attribute(&rest, 'i', &iterations) || !is_nonce(nonce) || nonce.length <= own ||
        memcmp(nonce.data, client->nonce, own) != 0 ||
        !rdb_base64_decode((const char *)salt.data, salt.length, k.salt, sizeof k.salt, &k.salt_length) ||
        k.salt_length == 0 || !parse_number((const char *)iterations.data, iterations.length, &k.iterations))
        return refuse_message(err, "The server's first message is not one.");
    uint8_t client_key[RDB_SHA256_BYTES], signature[RDB_SHA256_BYTES];
    if (!derive_keys(&k, client->password, client_key))
        return refuse_message(err, "The password cannot be used.");
    size_t from = message->length;
    rdb_strbuf_addf(message, "c=biws,r=%.*s", (int)nonce.length, (const char *)nonce.data);
    rdb_strbuf_addc(&client->exchange, ',');
    rdb_strbuf_add(&client->exchange, server_first, length);
    rdb_strbuf_addc(&client->exchange, ',');
    if (!rdb_strbuf_check(message, err))
        return false;
    rdb_strbuf_add(&client->exchange, message->data + from, message->length - from);
    if (!rdb_strbuf_check(&client->exchange, err))
        return false;
    rdb_hmac_sha256(k.stored, sizeof k.stored, client->exchange.data, client->exchange.length, signature);
    xor_bytes(client_key, signature);
    rdb_hmac_sha256(k.server, sizeof k.server, client->exchange.data, client->exchange.length, client->server_signature);
    char proof[rdb_base64_bytes(RDB_SHA256_BYTES)];
    rdb_base64_encode(client_key, sizeof client_key, proof);
    rdb_strbuf_addf(message, ",p=%s", proof);
    rdb_wipe(client_key, sizeof client_key);
    rdb_wipe(&k, sizeof k);
    client->step = 2;
    return rdb_strbuf_check(message, err);
}

bool rdb_scram_client_verify(rdb_scram_client *client, const void *server_final, size_t length, rdb_error *err)
{
    rdb_slice rest = {server_final, length}, value;
    uint8_t signature[RDB_SHA256_BYTES];
    size_t got;
    if (client->step != 2 || length == 0)
        return refuse_message(err, "The message came out of turn.");
    client->step = 3;
    if (take_attribute(&rest, 'e', &value))
        return rdb_error_set(err, RDB_INVALID_PASSWORD, "error received from server in SCRAM exchange: %.*s",
                             (int)RDB_MIN(value.length, (size_t)100), (const char *)value.data);
    if (!take_attribute(&rest, 'v', &value) ||
        !rdb_base64_decode((const char *)value.data, value.length, signature, sizeof signature, &got) ||
        got != sizeof signature)
        return refuse_message(err, "The server's final message is not one.");
    if (!rdb_equal_secret(signature, client->server_signature, sizeof signature))
        return rdb_error_set(err, RDB_INVALID_PASSWORD, "incorrect server signature");
    return true;
}
