#include "lib/tls/pem.h"

#include "lib/tls/reason.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static BIO *open_text(const struct tls_file *file)
{
    return BIO_new_mem_buf(file->bytes, (int)file->size);
}

/* Whether the queue says that there was simply no further block; then it is emptied. */
static bool is_at_end(void)
{
    unsigned long error = ERR_peek_last_error();
    bool end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    if (end) {
        ERR_clear_error();
    }
    return end;
}

static void say_certificate(const struct tls_file *file, int number, char wrong[TLS_WRONG])
{
    char reason[TLS_WRONG / 2];
    reason_of_queue(reason, sizeof(reason));
    wrong_say(wrong, "%s: certificate %d in it cannot be read: %s", file->name, number, reason);
}

/* --- certificates ----------------------------------------------------------------------------- */

STACK_OF(X509) * pem_certificates(const struct tls_file *file, char wrong[TLS_WRONG])
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    BIO *text = open_text(file);
    X509 *next = NULL;
    ERR_clear_error();
    while (text != NULL && chain != NULL && (next = PEM_read_bio_X509(text, NULL, NULL, NULL))) {
        if (sk_X509_push(chain, next) == 0) {
            X509_free(next);
            break;
        }
    }
    int count = sk_X509_num(chain);
    bool whole = is_at_end();
    BIO_free(text);
    if (whole && count > 0) {
        return chain;
    }
    if (whole) {
        wrong_say(wrong,
                  "%s: has no certificate in it (PEM is wanted: -----BEGIN CERTIFICATE-----)",
                  file->name);
    } else {
        say_certificate(file, count + 1, wrong);
    }
    sk_X509_pop_free(chain, X509_free);
    return NULL;
}

/* --- keys ------------------------------------------------------------------------------------- */

/* Called for the password of an encrypted key: there is none, and nobody is asked. */
static int on_password(char *to, int size, int writing, void *asked)
{
    (void)to;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

/* OpenSSL's decoders do not tell what they cannot read from what is not there. */
static bool has_key(const struct tls_file *file)
{
    static const char end[] = "PRIVATE KEY-----";
    return memmem(file->bytes, file->size, end, sizeof(end) - 1) != NULL;
}

EVP_PKEY *pem_key(const struct tls_file *file, char wrong[TLS_WRONG])
{
    char reason[TLS_WRONG / 2];
    bool asked = false;
    BIO *text = open_text(file);
    ERR_clear_error();
    EVP_PKEY *key = text == NULL ? NULL : PEM_read_bio_PrivateKey(text, NULL, on_password, &asked);
    BIO_free(text);
    if (key == NULL && asked) {
        wrong_say(wrong,
                  "%s: the key is encrypted, and there is nobody to ask for its password "
                  "(openssl pkey writes it in the clear)",
                  file->name);
    } else if (key == NULL && !has_key(file)) {
        wrong_say(wrong,
                  "%s: has no private key in it (PEM is wanted: -----BEGIN PRIVATE KEY-----)",
                  file->name);
    } else if (key == NULL) {
        reason_of_queue(reason, sizeof(reason));
        wrong_say(wrong, "%s: the key in it cannot be read: %s", file->name, reason);
    }
    ERR_clear_error();
    return key;
}

/* --- whether they fit ------------------------------------------------------------------------- */

static bool is_valid_now(const struct tls_file *file, X509 *certificate, char wrong[TLS_WRONG])
{
    char reason[TLS_WRONG / 2];
    int error = X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0
                    ? X509_V_ERR_CERT_HAS_EXPIRED
                : X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0
                    ? X509_V_ERR_CERT_NOT_YET_VALID
                    : X509_V_OK;
    if (error == X509_V_OK) {
        return true;
    }
    reason_of_verdict(reason, sizeof(reason), error, certificate, "");
    return wrong_say(wrong, "%s: %s", file->name, reason);
}

bool pem_fits(const struct tls_pair *pair, STACK_OF(X509) * chain, EVP_PKEY *key,
              char wrong[TLS_WRONG])
{
    for (int i = 0; i < sk_X509_num(chain); i++) {
        if (X509_check_private_key(sk_X509_value(chain, i), key) == 1) {
            ERR_clear_error();
            return i == 0 ? is_valid_now(&pair->chain, sk_X509_value(chain, 0), wrong)
                          : wrong_say(wrong,
                                      "%s: the certificate for the key has to be the first one in "
                                      "it, not number %d",
                                      pair->chain.name, i + 1);
        }
    }
    ERR_clear_error();
    return wrong_say(wrong, "%s: is not the key of the certificate in %s", pair->key.name,
                     pair->chain.name);
}

/* --- names ------------------------------------------------------------------------------------ */

struct names {
    char *at;
    size_t size;
};

/* False when out of memory. What holds a NUL is no name. */
static bool add_name(struct names *names, const char *name, size_t length)
{
    if (length == 0 || memchr(name, '\0', length) != NULL) {
        return true;
    }
    char *more = realloc(names->at, names->size + length + 2);
    if (more == NULL) {
        return false;
    }
    names->at = more;
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        more[names->size + i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    names->size += length + 1;
    more[names->size - 1] = more[names->size] = '\0';
    return true;
}

static bool add_text(struct names *names, const ASN1_STRING *text)
{
    return add_name(names, (const char *)ASN1_STRING_get0_data(text),
                    (size_t)ASN1_STRING_length(text));
}

static bool add_address(struct names *names, const ASN1_OCTET_STRING *address)
{
    char text[INET6_ADDRSTRLEN];
    int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
    if (ASN1_STRING_length(address) != 4 && ASN1_STRING_length(address) != 16) {
        return true;
    }
    inet_ntop(family, ASN1_STRING_get0_data(address), text, sizeof(text));
    return add_name(names, text, strlen(text));
}

/* RFC 9110 4.3.4, RFC 6125 6.4.4: the CN counts only where the subjectAltName has no names. */
static bool add_common_name(struct names *names, const X509 *certificate)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    return at < 0 || add_text(names, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

char *pem_names(const X509 *certificate, bool addresses)
{
    struct names names = {calloc(1, 1), 0};
    bool added = names.at != NULL, has_names = false;
    GENERAL_NAMES *list = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; added && i < sk_GENERAL_NAME_num(list); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(list, i);
        if (name->type == GEN_DNS) {
            has_names = true;
            added = add_text(&names, name->d.dNSName);
        } else if (name->type == GEN_IPADD && addresses) {
            added = add_address(&names, name->d.iPAddress);
        }
    }
    GENERAL_NAMES_free(list);
    if (added && !has_names && names.size == 0) {
        added = add_common_name(&names, certificate);
    }
    if (!added) {
        free(names.at);
        return NULL;
    }
    return names.at;
}
