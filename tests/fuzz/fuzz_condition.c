#include "lib/http/condition.h"

#include "tests/fuzz/property.h"

static const struct request_limits limits = {.head = 4096, .target = 100, .fields = 40};

/* Each outcome has fields that ask for it, and none comes without them. */
static void check_outcome(const struct request *request, const struct validators *have,
                          enum condition_outcome outcome)
{
    const struct fields *fields = &request->fields;
    bool match = fields_have(fields, FIELD_IF_MATCH);
    bool none_match = fields_have(fields, FIELD_IF_NONE_MATCH);
    bool reading = request->method == METHOD_GET || request->method == METHOD_HEAD;

    switch (outcome) {
    case CONDITION_GO:
        PROPERTY(have->exists || !match || request->method == METHOD_OPTIONS);
        break;
    case CONDITION_GO_WHOLE:
        PROPERTY(request->method == METHOD_GET && fields_have(fields, FIELD_RANGE));
        PROPERTY(fields_have(fields, FIELD_IF_RANGE));
        break;
    case CONDITION_NOT_MODIFIED:
        PROPERTY(reading && have->exists);
        PROPERTY(none_match || (!have->undated && fields_have(fields, FIELD_IF_MODIFIED_SINCE)));
        break;
    case CONDITION_FAILED:
        PROPERTY(match || (!have->undated && fields_have(fields, FIELD_IF_UNMODIFIED_SINCE)) ||
                 (none_match && !reading));
        PROPERTY(request->method != METHOD_OPTIONS);
        break;
    }
}

/* A tag that is sent back as it was is recognised, whatever it is made of. */
static void check_own_tag(struct bytes tag)
{
    char text[400];
    struct validators have = {.exists = true, .etag = tag};
    struct request request;
    const char *why;
    int len = snprintf(text, sizeof(text),
                       "GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"x\", %.*s\r\n\r\n",
                       (int)tag.len, tag.at);

    if (request_read((struct bytes){text, (size_t)len}, &limits, &request, &why) ==
        REQUEST_COMPLETE) {
        PROPERTY(condition_judge(&request, &have, 0) == CONDITION_NOT_MODIFIED);
    }
}

/* etagc (RFC 9110 8.8.3) */
static bool is_tag(struct bytes tag)
{
    for (size_t i = 1; i + 1 < tag.len; i++) {
        unsigned char byte = (unsigned char)tag.at[i];
        if (byte <= ' ' || byte == '"' || byte == 0x7f) {
            return false;
        }
    }
    return tag.len >= 2 && tag.at[0] == '"' && tag.at[tag.len - 1] == '"';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "OPTIONS"};
    struct bytes input = {(const char *)data, size};
    const char *method = methods[take_number(&input, 1) % 4];
    uint64_t traits = take_number(&input, 1);
    struct validators have = {.exists = traits % 2, .etag = BYTES("\"a\"")};
    have.last_modified = 784111777;
    have.weak = traits / 2 % 2;
    have.undated = traits / 4 % 2;
    int64_t now = 784111777 + (int64_t)take_number(&input, 1);
    char text[3000];
    struct request request;
    const char *why;

    int len = snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nHost: a\r\n", method);
    if (input.len > sizeof(text) - 100) {
        return 0;
    }
    if (is_tag(input) && input.len < 200) {
        check_own_tag(input);
    }
    memcpy(text + len, input.at, input.len);
    memcpy(text + len + input.len, "\r\n\r\n", 4);
    struct bytes head = {text, (size_t)len + input.len + 4};
    if (request_read(head, &limits, &request, &why) == REQUEST_COMPLETE) {
        enum condition_outcome outcome = condition_judge(&request, &have, now);
        check_outcome(&request, &have, outcome);
        PROPERTY(condition_judge(&request, &have, now) == outcome);
    }
    return 0;
}
