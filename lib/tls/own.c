#include "lib/tls/own.h"

#include "lib/tls/reason.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HOUR_S = 3600,
    YEAR_S = 365 * 24 * HOUR_S,
};

static bool add_extension(X509 *certificate, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &context, kind, value);
    bool added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool set_serial(X509 *certificate)
{
    uint64_t serial;
    return RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1 | 1) == 1;
}

static bool set_name(X509 *certificate)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost",
                                      -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, name) == 1;
}

/* The clocks of two machines differ: it is good for an hour already. */
static bool set_dates(X509 *certificate)
{
    return X509_gmtime_adj(X509_getm_notBefore(certificate), -HOUR_S) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), YEAR_S) != NULL;
}

static bool fill(X509 *certificate, EVP_PKEY *key)
{
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           set_name(certificate) && set_dates(certificate) &&
           X509_set_pubkey(certificate, key) == 1 &&
           add_extension(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
           add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
           add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
           add_extension(certificate, NID_subject_key_identifier, "hash") &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

/* What was written to the BIO, as a file's bytes. */
static bool take_text(struct tls_file *file, BIO *text, const char *name)
{
    char *bytes;
    long size = BIO_get_mem_data(text, &bytes);
    *file = (struct tls_file){.name = name, .bytes = malloc((size_t)size), .size = (size_t)size};
    if (file->bytes != NULL) {
        memcpy(file->bytes, bytes, file->size);
    }
    return file->bytes != NULL;
}

static bool write_pair(struct tls_pair *pair, X509 *certificate, EVP_PKEY *key)
{
    BIO *chain = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_secmem());
    bool written = chain != NULL && secret != NULL && PEM_write_bio_X509(chain, certificate) == 1 &&
                   PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                   take_text(&pair->chain, chain, "certificate of our own") &&
                   take_text(&pair->key, secret, "key of our own");
    BIO_free(chain);
    BIO_free(secret);
    return written;
}

static bool write_fingerprint(char to[TLS_FINGERPRINT], const X509 *certificate)
{
    unsigned char digest[32];
    unsigned size;
    if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1 || size != sizeof(digest)) {
        return false;
    }
    for (unsigned i = 0; i < size; i++) {
        snprintf(to + (size_t)3 * i, 4, "%02X%s", digest[i], i + 1 < size ? ":" : "");
    }
    return true;
}

bool tls_own_create(struct tls_pair *pair, char fingerprint[TLS_FINGERPRINT], char wrong[TLS_WRONG])
{
    struct tls_pair made = {0};
    char reason[TLS_WRONG / 2];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    *wrong = '\0';
    bool fine = key != NULL && certificate != NULL && fill(certificate, key) &&
                write_pair(&made, certificate, key) && write_fingerprint(fingerprint, certificate);
    X509_free(certificate);
    EVP_PKEY_free(key);
    if (!fine) {
        reason_of_queue(reason, sizeof(reason));
        wrong_say(wrong, "a certificate of our own cannot be made: %s", reason);
        tls_file_free(&made.chain);
        tls_file_free(&made.key);
        return false;
    }
    *pair = made;
    return true;
}
