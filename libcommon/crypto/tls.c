/* SPDX-License-Identifier: Apache-2.0
 * Certificates of an instance, and TLS contexts. */
#include "crypto/rdb_crypto.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

static bool refuse_openssl(rdb_error *err, const char *sqlstate, const char *what)
{
    char reason[200] = "no reason given";
    unsigned long code = ERR_get_error();
    if (code != 0)
        ERR_error_string_n(code, reason, sizeof reason);
    ERR_clear_error();
    rdb_error_set(err, sqlstate, "%s", what);
    return rdb_error_detail(err, "OpenSSL: %s.", reason);
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool ok = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

/* An unsigned certificate: version 3, random serial, from an hour ago (clocks differ) for ten years. */
static X509 *begin_certificate(EVP_PKEY *key, const char *common_name, X509 *issuer)
{
    X509 *certificate = X509_new();
    uint8_t serial[16];
    rdb_random_bytes(serial, sizeof serial);
    serial[0] &= 0x7F;
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    X509_NAME *name = certificate != NULL ? X509_get_subject_name(certificate) : NULL;
    bool ok = certificate != NULL && number != NULL && X509_set_version(certificate, 2) == 1 &&
              BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL &&
              X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != NULL &&
              X509_time_adj_ex(X509_getm_notAfter(certificate), 3650, 0, NULL) != NULL &&
              X509_set_pubkey(certificate, key) == 1 &&
              X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0) == 1 &&
              X509_set_issuer_name(certificate, issuer != NULL ? X509_get_subject_name(issuer) : name) == 1;
    BN_free(number);
    if (!ok) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

/* Writes what the BIO holds to directory/name. */
static bool write_pem(BIO *bio, const char *directory, const char *name, unsigned mode, rdb_error *err)
{
    char path[PATH_MAX], *text;
    long length = BIO_get_mem_data(bio, &text);
    if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, name) >= sizeof path)
        return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "path is too long");
    return rdb_path_write_atomic(path, text, (size_t)length, mode, err);
}

bool rdb_certificate_create(const char *directory, const char *instance_name, rdb_error *err)
{
    char host[256] = "localhost", names[600], authority_name[128];
    (void)gethostname(host, sizeof host - 1); /* it keeps "localhost" where there is no name */
    bool plain = host[0] != '\0' && host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")] == '\0';
    snprintf(names, sizeof names, "DNS:localhost,IP:127.0.0.1,IP:::1%s%s", plain ? ",DNS:" : "", plain ? host : "");
    snprintf(authority_name, sizeof authority_name, "RustyDB %.50s authority", instance_name);
    if (strlen(authority_name) > 64) /* the most a common name may have */
        authority_name[64] = '\0';

    EVP_PKEY *authority_key = EVP_EC_gen("P-256"), *server_key = EVP_EC_gen("P-256");
    X509 *authority = NULL, *server = NULL;
    BIO *authority_text = BIO_new(BIO_s_mem()), *server_text = BIO_new(BIO_s_mem()), *key_text = BIO_new(BIO_s_mem());
    bool ok = authority_key != NULL && server_key != NULL && authority_text != NULL && server_text != NULL &&
              key_text != NULL && (authority = begin_certificate(authority_key, authority_name, NULL)) != NULL &&
              add_extension(authority, authority, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
              add_extension(authority, authority, NID_key_usage, "critical,keyCertSign,cRLSign") &&
              add_extension(authority, authority, NID_subject_key_identifier, "hash") &&
              X509_sign(authority, authority_key, EVP_sha256()) > 0 &&
              (server = begin_certificate(server_key, "localhost", authority)) != NULL &&
              add_extension(server, authority, NID_basic_constraints, "critical,CA:FALSE") &&
              add_extension(server, authority, NID_key_usage, "critical,digitalSignature") &&
              add_extension(server, authority, NID_ext_key_usage, "serverAuth") &&
              add_extension(server, authority, NID_subject_alt_name, names) &&
              add_extension(server, authority, NID_authority_key_identifier, "keyid") &&
              X509_sign(server, authority_key, EVP_sha256()) > 0 && PEM_write_bio_X509(authority_text, authority) == 1 &&
              PEM_write_bio_X509(server_text, server) == 1 &&
              PEM_write_bio_PrivateKey(key_text, server_key, NULL, NULL, 0, NULL, NULL) == 1;
    if (!ok)
        refuse_openssl(err, RDB_INTERNAL_ERROR, "could not create certificates");
    /* The key before the certificates: whoever finds a certificate finds its key. */
    ok = ok && write_pem(key_text, directory, "server.key", 0600, err) &&
         write_pem(server_text, directory, "server.crt", 0640, err) &&
         write_pem(authority_text, directory, "ca.crt", 0640, err);
    BIO_free(authority_text);
    BIO_free(server_text);
    BIO_free(key_text); /* OpenSSL wipes it */
    X509_free(authority);
    X509_free(server);
    EVP_PKEY_free(authority_key);
    EVP_PKEY_free(server_key);
    return ok;
}

static bool fill_context(SSL_CTX *context, const rdb_tls_options *options, rdb_error *err)
{
    SSL_CTX_set_min_proto_version(context, options->tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    if (options->certificate_path != NULL) {
        if (SSL_CTX_use_certificate_chain_file(context, options->certificate_path) != 1) {
            refuse_openssl(err, RDB_CONFIG_FILE_ERROR, "could not load the server certificate");
            return rdb_error_hint(err, "Look at tls.cert_path: \"%s\".", options->certificate_path);
        }
        if (SSL_CTX_use_PrivateKey_file(context, options->key_path, SSL_FILETYPE_PEM) != 1 ||
            SSL_CTX_check_private_key(context) != 1) {
            refuse_openssl(err, RDB_CONFIG_FILE_ERROR, "could not load the private key, or it is not the certificate's");
            return rdb_error_hint(err, "Look at tls.key_path: \"%s\".", options->key_path);
        }
    }
    if (options->authority_path != NULL && SSL_CTX_load_verify_locations(context, options->authority_path, NULL) != 1) {
        refuse_openssl(err, RDB_CONFIG_FILE_ERROR, "could not load the root certificate");
        return rdb_error_hint(err, "Look at tls.ca_path: \"%s\".", options->authority_path);
    }
    return true;
}

bool rdb_tls_server_context(rdb_tls_context **context, const rdb_tls_options *options, rdb_error *err)
{
    *context = NULL;
    if (options->require_client_certificate && options->authority_path == NULL)
        return rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "client certificates are required but no root certificate is set");
    SSL_CTX *made = SSL_CTX_new(TLS_server_method());
    if (made == NULL)
        return refuse_openssl(err, RDB_OUT_OF_MEMORY, "could not create a TLS context");
    SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
    if (!fill_context(made, options, err)) {
        SSL_CTX_free(made);
        return false;
    }
    if (options->authority_path != NULL) {
        SSL_CTX_set_client_CA_list(made, SSL_load_client_CA_file(options->authority_path));
        SSL_CTX_set_verify(made, SSL_VERIFY_PEER | (options->require_client_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                           NULL);
    }
    *context = made;
    return true;
}

bool rdb_tls_client_context(rdb_tls_context **context, const rdb_tls_options *options, const char *host, rdb_error *err)
{
    *context = NULL;
    SSL_CTX *made = SSL_CTX_new(TLS_client_method());
    if (made == NULL)
        return refuse_openssl(err, RDB_OUT_OF_MEMORY, "could not create a TLS context");
    bool ok = fill_context(made, options, err);
    if (ok && options->authority_path != NULL) {
        SSL_CTX_set_verify(made, SSL_VERIFY_PEER, NULL);
        X509_VERIFY_PARAM *parameters = SSL_CTX_get0_param(made);
        /* an address is no name: each is looked for in its own field of the certificate */
        if (host != NULL && X509_VERIFY_PARAM_set1_ip_asc(parameters, host) != 1 &&
            X509_VERIFY_PARAM_set1_host(parameters, host, 0) != 1)
            ok = refuse_openssl(err, RDB_INVALID_PARAMETER_VALUE, "could not check for this host name");
        ERR_clear_error();
    }
    if (!ok) {
        SSL_CTX_free(made);
        return false;
    }
    *context = made;
    return true;
}

void rdb_tls_context_destroy(rdb_tls_context **context)
{
    SSL_CTX_free(*context);
    *context = NULL;
}
