#include "lib/tls/ocsp.h"

#include "lib/tls/reason.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <time.h>

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm when;
    return time != NULL && ASN1_TIME_to_tm(time, &when) == 1 ? timegm(&when) : INT64_MAX;
}

/* The serial number tells certificates of one authority apart. */
static bool is_about(OCSP_SINGLERESP *single, const X509 *certificate)
{
    ASN1_INTEGER *serial = NULL;
    OCSP_CERTID *id = (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single);
    return OCSP_id_get0_info(NULL, NULL, NULL, &serial, id) == 1 &&
           ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate)) == 0;
}

static bool find(OCSP_BASICRESP *basic, const struct tls_file *file, const X509 *certificate,
                 int64_t *until_s, char wrong[TLS_WRONG])
{
    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
        ASN1_GENERALIZEDTIME *until = NULL;
        if (!is_about(single, certificate)) {
            continue;
        }
        if (OCSP_single_get0_status(single, NULL, NULL, NULL, &until) != V_OCSP_CERTSTATUS_GOOD) {
            return wrong_say(wrong, "%s: says that the certificate is not good", file->name);
        }
        *until_s = seconds_of(until);
        return true;
    }
    return wrong_say(wrong, "%s: is an OCSP response about another certificate", file->name);
}

bool ocsp_read(const struct tls_file *file, const X509 *certificate, int64_t *until_s,
               char wrong[TLS_WRONG])
{
    const unsigned char *at = (const unsigned char *)file->bytes;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)file->size);
    OCSP_BASICRESP *basic = response != NULL ? OCSP_response_get1_basic(response) : NULL;
    bool fine = false;
    if (basic != NULL) {
        fine = find(basic, file, certificate, until_s, wrong);
    } else if (response != NULL &&
               OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        wrong_say(wrong, "%s: is an OCSP response without an answer: %s", file->name,
                  OCSP_response_status_str(OCSP_response_status(response)));
    } else {
        wrong_say(wrong, "%s: is not an OCSP response (DER is wanted)", file->name);
    }
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return fine;
}
