#include "lib/http/status.h"

#include "tests/support/suite.h"

struct row {
    const char *name;
    unsigned status;
    struct bytes reason;
};

/* The registry's names: RFC 9110 15, RFC 6585, RFC 8297, RFC 8470, RFC 7725. */
static const struct row rows[] = {
    {"100", 100, TEXT("Continue")},
    {"103", 103, TEXT("Early Hints")},
    {"200", 200, TEXT("OK")},
    {"204", 204, TEXT("No Content")},
    {"206", 206, TEXT("Partial Content")},
    {"301", 301, TEXT("Moved Permanently")},
    {"304", 304, TEXT("Not Modified")},
    {"308", 308, TEXT("Permanent Redirect")},
    {"400", 400, TEXT("Bad Request")},
    {"403", 403, TEXT("Forbidden")},
    {"404", 404, TEXT("Not Found")},
    {"405", 405, TEXT("Method Not Allowed")},
    {"408", 408, TEXT("Request Timeout")},
    {"412", 412, TEXT("Precondition Failed")},
    {"413", 413, TEXT("Content Too Large")},
    {"414", 414, TEXT("URI Too Long")},
    {"416", 416, TEXT("Range Not Satisfiable")},
    {"417", 417, TEXT("Expectation Failed")},
    {"421", 421, TEXT("Misdirected Request")},
    {"422", 422, TEXT("Unprocessable Content")},
    {"425", 425, TEXT("Too Early")},
    {"429", 429, TEXT("Too Many Requests")},
    {"431", 431, TEXT("Request Header Fields Too Large")},
    {"451", 451, TEXT("Unavailable For Legal Reasons")},
    {"500", 500, TEXT("Internal Server Error")},
    {"501", 501, TEXT("Not Implemented")},
    {"503", 503, TEXT("Service Unavailable")},
    {"505", 505, TEXT("HTTP Version Not Supported")},
    {"unassigned_299", 299, TEXT("Unknown")},
    {"unused_306", 306, TEXT("Unknown")},
    {"below_100", 0, TEXT("Unknown")},
    {"above_599", 999, TEXT("Unknown")},
};

static void check(void **state)
{
    const struct row *row = *state;

    assert_bytes(status_reason(row->status), row->reason);
}

int main(void)
{
    struct suite suite = {0};

    suite_add_rows(&suite, check, ROWS(rows));
    return suite_run(&suite, "http/status");
}
