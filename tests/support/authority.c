#include "tests/support/authority.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HOUR_S = 3600,
    DAY_S = 24 * HOUR_S,
};

struct authority {
    X509 *certificate;
    EVP_PKEY *key;
    long serial; /* of the last certificate */
};

static void need(bool fine, const char *what)
{
    if (!fine) {
        fprintf(stderr, "authority: cannot %s\n", what);
        abort();
    }
}

static void extend(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &context, kind, value);
    need(extension != NULL && X509_add_ext(certificate, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

static X509 *begin(const char *name, long serial, long begins_s, long ends_s, EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    need(certificate != NULL && X509_set_version(certificate, X509_VERSION_3) == 1, "begin");
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), begins_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate), ends_s);
    X509_set_pubkey(certificate, key);
    if (name != NULL) {
        X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                   (const unsigned char *)name, -1, -1, 0);
    }
    return certificate;
}

struct authority *authority_create(const char *name)
{
    struct authority *authority = calloc(1, sizeof(*authority));
    need(authority != NULL, "create");
    authority->key = EVP_EC_gen("P-256");
    X509 *own = begin(name, 1, -HOUR_S, 365L * DAY_S, authority->key);
    X509_set_issuer_name(own, X509_get_subject_name(own));
    extend(own, own, NID_basic_constraints, "critical,CA:TRUE");
    extend(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
    extend(own, own, NID_subject_key_identifier, "hash");
    need(X509_sign(own, authority->key, EVP_sha256()) > 0, "sign");
    authority->certificate = own;
    authority->serial = 1;
    return authority;
}

void authority_destroy(struct authority *authority)
{
    if (authority != NULL) {
        X509_free(authority->certificate);
        EVP_PKEY_free(authority->key);
        free(authority);
    }
}

static struct tls_file file_of(BIO *text, const char *name)
{
    char *bytes;
    long size = BIO_get_mem_data(text, &bytes);
    struct tls_file file = {.name = name, .bytes = malloc((size_t)size), .size = (size_t)size};
    need(file.bytes != NULL, "write");
    memcpy(file.bytes, bytes, file.size);
    BIO_free(text);
    return file;
}

struct tls_file authority_file(const struct authority *authority)
{
    BIO *text = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(text, authority->certificate);
    return file_of(text, "ca.pem");
}

static struct tls_file key_file(EVP_PKEY *key, const char *password)
{
    BIO *text = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(text, key, password != NULL ? EVP_aes_256_cbc() : NULL,
                             (const unsigned char *)password,
                             password != NULL ? (int)strlen(password) : 0, NULL, NULL);
    return file_of(text, "key.pem");
}

struct tls_pair authority_issue(struct authority *authority, const struct wish *wish)
{
    struct tls_pair pair = {0};
    EVP_PKEY *key = wish->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    long begins_s = wish->begins_s != 0 ? wish->begins_s : -HOUR_S;
    long ends_s = wish->ends_s != 0 ? wish->ends_s : 90L * DAY_S;
    X509 *certificate = begin(wish->name, ++authority->serial, begins_s, ends_s, key);
    X509_set_issuer_name(certificate, X509_get_subject_name(authority->certificate));
    extend(certificate, authority->certificate, NID_basic_constraints, "critical,CA:FALSE");
    extend(certificate, authority->certificate, NID_ext_key_usage, "serverAuth,clientAuth");
    if (wish->alt_names != NULL) {
        extend(certificate, authority->certificate, NID_subject_alt_name, wish->alt_names);
    }
    if (wish->crl != NULL) {
        extend(certificate, authority->certificate, NID_key_usage, "critical,digitalSignature");
        extend(certificate, authority->certificate, NID_crl_distribution_points, wish->crl);
    }
    need(X509_sign(certificate, authority->key, EVP_sha256()) > 0, "sign");
    BIO *text = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(text, certificate);
    pair.chain = file_of(text, "cert.pem");
    pair.key = key_file(key, wish->password);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return pair;
}

struct tls_file authority_vouch(struct authority *authority, const struct tls_pair *pair, bool good,
                                long ends_s)
{
    BIO *text = BIO_new_mem_buf(pair->chain.bytes, (int)pair->chain.size);
    X509 *certificate = PEM_read_bio_X509(text, NULL, NULL, NULL);
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, certificate, authority->certificate);
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    ASN1_TIME *begins = X509_gmtime_adj(NULL, -2L * DAY_S);
    ASN1_TIME *ends = X509_gmtime_adj(NULL, ends_s != 0 ? ends_s : DAY_S);
    OCSP_basic_add1_status(basic, id, good ? V_OCSP_CERTSTATUS_GOOD : V_OCSP_CERTSTATUS_REVOKED,
                           OCSP_REVOKED_STATUS_KEYCOMPROMISE, begins, begins, ends);
    OCSP_basic_sign(basic, authority->certificate, authority->key, EVP_sha256(), NULL, 0);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    BIO *der = BIO_new(BIO_s_mem());
    need(response != NULL && i2d_OCSP_RESPONSE_bio(der, response) == 1, "vouch");
    ASN1_TIME_free(begins);
    ASN1_TIME_free(ends);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    X509_free(certificate);
    BIO_free(text);
    return file_of(der, "ocsp.der");
}

void authority_free_pair(struct tls_pair *pair)
{
    tls_file_free(&pair->chain);
    tls_file_free(&pair->key);
    tls_file_free(&pair->ocsp);
}
