#include "lib/tls/reason.h"

#include "lib/tls/pem.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool wrong_say(char wrong[TLS_WRONG], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(wrong, TLS_WRONG, format, arguments);
    va_end(arguments);
    return false;
}

/* --- OpenSSL's queue -------------------------------------------------------------------------- */

/* What can be said better than by OpenSSL's own words. */
static const struct {
    int reason;
    const char *text;
} known[] = {
    {SSL_R_HTTP_REQUEST, "spoke plain HTTP"},
    {SSL_R_HTTPS_PROXY_REQUEST, "spoke plain HTTP"},
    {SSL_R_WRONG_VERSION_NUMBER, "does not speak TLS"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "has no version of TLS in common with us"},
    {SSL_R_VERSION_TOO_LOW, "has no version of TLS in common with us"},
    {SSL_R_VERSION_TOO_HIGH, "has no version of TLS in common with us"},
    {SSL_R_NO_SHARED_CIPHER, "has no cipher in common with us"},
    {SSL_R_NO_SHARED_GROUPS, "has no key exchange in common with us"},
    {SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, "has no signature algorithm in common with us"},
    {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, "has no signature algorithm in common with us"},
    {SSL_R_NO_APPLICATION_PROTOCOL, "asks for other protocols than HTTP/1 (ALPN)"},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "sent no certificate"},
    {SSL_R_CERTIFICATE_VERIFY_FAILED, "certificate is not accepted"},
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "sent a record that was changed on its way"},
    {SSL_R_RENEGOTIATION_MISMATCH, "wants to negotiate again"},
};

/* RFC 8446 6. Of some alerts OpenSSL 3.0 has no text. */
static const char *alert_text(int alert)
{
    switch (alert) {
    case SSL_AD_MISSING_EXTENSION:
        return "missing extension";
    case SSL_AD_CERTIFICATE_REQUIRED:
        return "certificate required";
    case SSL_AD_NO_APPLICATION_PROTOCOL:
        return "no application protocol";
    default:
        return SSL_alert_desc_string_long(alert);
    }
}

static void say_reason(char *to, size_t size, unsigned long error)
{
    int reason = ERR_GET_REASON(error);
    if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
            if (known[i].reason == reason) {
                snprintf(to, size, "%s", known[i].text);
                return;
            }
        }
        if (reason > SSL_AD_REASON_OFFSET && reason <= SSL_AD_REASON_OFFSET + UINT8_MAX) {
            snprintf(to, size, "refused: %s", alert_text(reason - SSL_AD_REASON_OFFSET));
            return;
        }
    }
    const char *text = ERR_reason_error_string(error);
    snprintf(to, size, "%s", text != NULL ? text : "out of memory");
}

/* Of several errors the first that TLS itself knows tells most. */
int reason_of_queue(char *to, size_t size)
{
    unsigned long told = 0;
    for (unsigned long error = ERR_get_error(); error != 0; error = ERR_get_error()) {
        if (told == 0 || (ERR_GET_LIB(told) != ERR_LIB_SSL && ERR_GET_LIB(error) == ERR_LIB_SSL)) {
            told = error;
        }
    }
    if (told == 0) {
        snprintf(to, size, "failed");
        return 0;
    }
    say_reason(to, size, told);
    return ERR_GET_LIB(told) == ERR_LIB_SSL ? ERR_GET_REASON(told) : 0;
}

/* --- certificates ----------------------------------------------------------------------------- */

/* "a.example, b.example": as many as there is room for. */
static void list_names(char *to, size_t size, const X509 *certificate)
{
    char *names = pem_names(certificate, true);
    size_t used = 0;
    *to = '\0';
    for (const char *name = names; name != NULL && *name != '\0'; name += strlen(name) + 1) {
        if (used + strlen(name) + sizeof(", ...") > size) {
            snprintf(to + used, size - used, "%s", used == 0 ? "" : ", ...");
            break;
        }
        used += (size_t)snprintf(to + used, size - used, "%s%s", used == 0 ? "" : ", ", name);
    }
    free(names);
    for (char *at = to; *at != '\0'; at++) { /* a stranger wrote them, and a terminal shows them */
        *at = *at >= ' ' && *at <= '~' ? *at : '?';
    }
}

static void say_day(char *to, size_t size, const ASN1_TIME *time)
{
    struct tm day;
    *to = '\0';
    if (time != NULL && ASN1_TIME_to_tm(time, &day) == 1) {
        strftime(to, size, " (%Y-%m-%d)", &day);
    }
}

static void say_mismatch(char *to, size_t size, const X509 *certificate, const char *host)
{
    char names[160];
    list_names(names, sizeof(names), certificate);
    snprintf(to, size, "certificate is for %s, not for %s", *names != '\0' ? names : "nobody",
             host);
}

void reason_of_verdict(char *to, size_t size, int error, X509 *certificate, const char *host)
{
    char day[32];
    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        say_day(day, sizeof(day), X509_get0_notAfter(certificate));
        snprintf(to, size, "certificate has expired%s", day);
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        say_day(day, sizeof(day), X509_get0_notBefore(certificate));
        snprintf(to, size, "certificate is not valid yet%s", day);
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        say_mismatch(to, size, certificate, host);
        break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        snprintf(to, size, "certificate is signed by itself, and not trusted");
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        snprintf(to, size, "certificate is by an unknown authority");
        break;
    default:
        snprintf(to, size, "certificate is not accepted: %s", X509_verify_cert_error_string(error));
        break;
    }
}
