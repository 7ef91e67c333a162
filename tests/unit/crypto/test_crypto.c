/* SPDX-License-Identifier: Apache-2.0
 * Digests against published vectors, SCRAM against RFC 7677's exchange and against itself with every byte bent,
 * certificates through a real TLS handshake. */
#include "crypto/rdb_crypto.h"

#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <cmocka.h>

static const uint8_t SECRET[32] = {1, 2, 3};

static void test_vectors(void **state)
{
    (void)state;
    uint8_t digest[32];
    char text[100];
    rdb_sha256("abc", 3, digest);
    rdb_base64_encode(digest, 32, text);
    assert_string_equal(text, "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    rdb_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, digest); /* RFC 4231, case 2 */
    static const uint8_t EXPECTED[4] = {0x5b, 0xdc, 0xc1, 0x46};
    assert_memory_equal(digest, EXPECTED, 4);
    for (size_t length = 0; length < 60; length++) {
        uint8_t bytes[60], back[60];
        size_t got;
        rdb_random_bytes(bytes, length);
        size_t text_length = rdb_base64_encode(bytes, length, text);
        assert_int_equal(text_length + 1, rdb_base64_bytes(length));
        assert_true(rdb_base64_decode(text, text_length, back, length, &got));
        assert_int_equal(got, length);
        assert_memory_equal(back, bytes, length);
        if (length > 0)
            assert_false(rdb_base64_decode(text, text_length, back, length - 1, &got));
    }
    static const char *const BAD[] = {"YQ", "YQ=", "YR==", "Y===", "====", "YQ==YQ==", "Y Q=", "YWJ="};
    for (size_t bad_no = 0; bad_no < RDB_COUNT_OF(BAD); bad_no++) {
        size_t got;
        if (rdb_base64_decode(BAD[bad_no], strlen(BAD[bad_no]), text, sizeof text, &got))
            fail_msg("accepted %s", BAD[bad_no]);
    }
    assert_true(rdb_equal_secret("abc", "abc", 3));
    assert_false(rdb_equal_secret("abc", "abd", 3));
    char password[25], second[25];
    rdb_password_generate(password, 24);
    rdb_password_generate(second, 24);
    assert_int_equal(strlen(password), 24);
    assert_string_not_equal(password, second);
    assert_null(strpbrk(password, "0O1lI"));
}

/* RFC 7677, section 3: user "user", password "pencil". */
static void test_verifier_agrees_with_the_rfc(void **state)
{
    (void)state;
    rdb_error err = {0};
    char verifier[RDB_SCRAM_VERIFIER_BYTES];
    assert_true(rdb_scram_make_verifier("pencil", RDB_SCRAM_ITERATIONS, verifier, &err));
    assert_true(rdb_scram_is_verifier(verifier));
    assert_true(rdb_scram_password_matches(verifier, "pencil"));
    assert_false(rdb_scram_password_matches(verifier, "pencil "));
    /* StoredKey and ServerKey that follow from the RFC's salt W22ZaJ0SNY7soEsUEjb6gQ== */
    static const char RFC[] = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
                              "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
    assert_true(rdb_scram_password_matches(RFC, "pencil"));
    assert_false(rdb_scram_password_matches(RFC, "Pencil"));
    static const char *const BAD[] = {"", "md5abc", "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$x:y", "SCRAM-SHA-256$0:YQ==$"};
    for (size_t bad_no = 0; bad_no < RDB_COUNT_OF(BAD); bad_no++)
        assert_false(rdb_scram_is_verifier(BAD[bad_no]));
}

typedef struct exchange {
    bool ran, accepted, server_proved;
    char salt_line[200];
} exchange;

/* Runs one exchange; bend_at < 0: untouched, else that byte of the client's final message is bent. */
static exchange run_exchange(const char *verifier, const char *password, int bend_at)
{
    exchange e = {0};
    rdb_error err = {0};
    rdb_scram_server *server;
    rdb_scram_client *client;
    rdb_strbuf first, challenge, final, proof;
    rdb_strbuf_init(&first, NULL);
    rdb_strbuf_init(&challenge, NULL);
    rdb_strbuf_init(&final, NULL);
    rdb_strbuf_init(&proof, NULL);
    assert_true(rdb_scram_server_create(&server, verifier, "someone", SECRET, &err));
    assert_true(rdb_scram_client_create(&client, password, &err));
    assert_true(rdb_scram_client_first(client, &first, &err));
    assert_true(rdb_scram_server_first(server, first.data, first.length, &challenge, &err));
    snprintf(e.salt_line, sizeof e.salt_line, "%s", strstr(challenge.data, ",s="));
    assert_true(rdb_scram_client_final(client, challenge.data, challenge.length, &final, &err));
    if (bend_at >= 0 && (size_t)bend_at < final.length)
        final.data[bend_at] = final.data[bend_at] == 'A' ? 'B' : 'A';
    e.ran = rdb_scram_server_final(server, final.data, final.length, &proof, &e.accepted, &err);
    if (!e.ran)
        assert_string_equal(err.sqlstate, "08P01");
    assert_int_equal(proof.length > 0, e.accepted);
    rdb_error_clear(&err);
    if (e.accepted) {
        e.server_proved = rdb_scram_client_verify(client, proof.data, proof.length, &err);
        assert_false(rdb_scram_server_final(server, final.data, final.length, &proof, &e.accepted, &err)); /* once only */
        e.accepted = true;
    }
    rdb_error_clear(&err);
    rdb_scram_server_destroy(&server);
    rdb_scram_client_destroy(&client);
    rdb_strbuf_free(&first);
    rdb_strbuf_free(&challenge);
    rdb_strbuf_free(&final);
    rdb_strbuf_free(&proof);
    return e;
}

static void test_exchange(void **state)
{
    (void)state;
    rdb_error err = {0};
    char verifier[RDB_SCRAM_VERIFIER_BYTES];
    assert_true(rdb_scram_make_verifier("right", 10, verifier, &err));
    exchange good = run_exchange(verifier, "right", -1);
    assert_true(good.ran && good.accepted && good.server_proved);
    exchange wrong = run_exchange(verifier, "wrong", -1);
    assert_true(wrong.ran && !wrong.accepted);
    for (int bend_at = 0; bend_at < 100; bend_at++)
        assert_false(run_exchange(verifier, "right", bend_at).accepted);
    /* nobody there: the same salt at each try, the usual count, and a refusal like any other */
    exchange nobody = run_exchange(NULL, "right", -1), again = run_exchange("", "other", -1);
    assert_true(nobody.ran && !nobody.accepted);
    assert_string_equal(nobody.salt_line, again.salt_line);
    assert_non_null(strstr(nobody.salt_line, ",i=4096"));
}

static void test_malformed_first_messages(void **state)
{
    (void)state;
    static const char *const CASES[][2] = {{"", "08P01"},
                                           {"n", "08P01"},
                                           {"x,,n=,r=abc", "08P01"},
                                           {"p=tls-server-end-point,,n=,r=abc", "08P01"},
                                           {"n,a=me,n=,r=abc", "0A000"},
                                           {"n,,m=1,n=,r=abc", "0A000"},
                                           {"n,,r=abc", "08P01"},
                                           {"n,,n=,r=", "08P01"},
                                           {"n,,n=,r=a b", "08P01"},
                                           {"n,,n=", "08P01"}};
    for (size_t case_no = 0; case_no < RDB_COUNT_OF(CASES); case_no++) {
        rdb_error err = {0};
        rdb_scram_server *server;
        rdb_strbuf reply;
        rdb_strbuf_init(&reply, NULL);
        assert_true(rdb_scram_server_create(&server, NULL, "x", SECRET, &err));
        assert_false(rdb_scram_server_first(server, CASES[case_no][0], strlen(CASES[case_no][0]), &reply, &err));
        assert_string_equal(err.sqlstate, CASES[case_no][1]);
        assert_int_equal(reply.length, 0);
        rdb_scram_server_destroy(&server);
        rdb_strbuf_free(&reply);
    }
}

/* Shakes hands over two memory pipes; true when both sides finish. */
static bool handshake(rdb_tls_context *server_context, rdb_tls_context *client_context)
{
    SSL *server = SSL_new(server_context), *client = SSL_new(client_context);
    BIO *left, *right;
    assert_int_equal(BIO_new_bio_pair(&left, 0, &right, 0), 1);
    SSL_set_bio(server, left, left);
    SSL_set_bio(client, right, right);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    int server_done = 0, client_done = 0;
    for (int turn = 0; turn < 10; turn++) {
        client_done = SSL_do_handshake(client);
        server_done = SSL_do_handshake(server);
    }
    SSL_free(server);
    SSL_free(client);
    return server_done == 1 && client_done == 1;
}

static void test_certificates_carry_a_handshake(void **state)
{
    (void)state;
    char directory[] = "/tmp/rdb-test-tls-XXXXXX", certificate[64], key[64], authority[64];
    assert_non_null(mkdtemp(directory));
    snprintf(certificate, sizeof certificate, "%s/server.crt", directory);
    snprintf(key, sizeof key, "%s/server.key", directory);
    snprintf(authority, sizeof authority, "%s/ca.crt", directory);
    rdb_error err = {0};
    assert_true(rdb_certificate_create(directory, "an instance with a name that is much longer than a common name may be", &err));
    struct stat status;
    assert_int_equal(stat(key, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    rdb_tls_context *server, *client;
    rdb_tls_options server_options = {.certificate_path = certificate, .key_path = key};
    rdb_tls_options client_options = {.authority_path = authority};
    assert_true(rdb_tls_server_context(&server, &server_options, &err));
    static const struct {
        const char *host;
        bool fits;
    } HOSTS[] = {{"localhost", true}, {"127.0.0.1", true}, {"::1", true}, {NULL, true}, {"example.com", false}, {"127.0.0.2", false}};
    for (size_t host_no = 0; host_no < RDB_COUNT_OF(HOSTS); host_no++) {
        assert_true(rdb_tls_client_context(&client, &client_options, HOSTS[host_no].host, &err));
        if (handshake(server, client) != HOSTS[host_no].fits)
            fail_msg("host %s", HOSTS[host_no].host);
        rdb_tls_context_destroy(&client);
    }
    rdb_tls_context_destroy(&server);
    /* a server that wants a client's certificate gets none */
    server_options.authority_path = authority;
    server_options.require_client_certificate = true;
    server_options.tls13_only = true;
    assert_true(rdb_tls_server_context(&server, &server_options, &err));
    assert_true(rdb_tls_client_context(&client, &client_options, "localhost", &err));
    assert_false(handshake(server, client));
    rdb_tls_context_destroy(&client);
    rdb_tls_context_destroy(&server);
    server_options.key_path = authority;
    assert_false(rdb_tls_server_context(&server, &server_options, &err));
    assert_string_equal(err.sqlstate, "F0000");
    assert_null(server);
    rdb_error_clear(&err);
    assert_true(rdb_path_remove_tree(directory, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_verifier_agrees_with_the_rfc),
        cmocka_unit_test(test_exchange),
        cmocka_unit_test(test_malformed_first_messages),
        cmocka_unit_test(test_certificates_carry_a_handshake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
