#include "lib/http/request.h"

#include "lib/http/framing.h"
#include "lib/http/target.h"
#include "tests/fuzz/fields.h"

/* A refusal or a whole head stands, whatever follows it, and comes no later with fewer bytes. */
static void check_prefix(struct bytes text, size_t len, const struct request_limits *limits,
                         enum request_outcome whole, size_t head_size)
{
    struct request request;
    const char *why;
    enum request_outcome outcome =
        request_read((struct bytes){text.at, len}, limits, &request, &why);

    PROPERTY(outcome == REQUEST_MORE || outcome == whole);
    if (whole == REQUEST_COMPLETE) {
        PROPERTY((outcome == REQUEST_COMPLETE) == (len >= head_size));
    }
}

static void check_framing(const struct request *request)
{
    struct framing framing = framing_of_request(request);
    bool coded = fields_have(&request->fields, FIELD_TRANSFER_ENCODING);
    bool measured = fields_have(&request->fields, FIELD_CONTENT_LENGTH);

    PROPERTY(framing.kind != FRAMING_CLOSE);
    if (framing.kind == FRAMING_REFUSED) {
        PROPERTY(framing.why && (framing.status == 400 || framing.status == 501));
    }
    if (framing.kind == FRAMING_CHUNKED) {
        PROPERTY(coded && !measured && request->minor == 1);
        PROPERTY(
            bytes_equal_nocase(request->fields.value[FIELD_TRANSFER_ENCODING], BYTES("chunked")));
    }
    if (framing.kind == FRAMING_LENGTH) {
        PROPERTY(measured && !coded && framing.length <= INT64_MAX);
    }
    PROPERTY((framing.kind == FRAMING_NONE) == (!coded && !measured));
}

static void check_complete(const struct request *request, struct bytes text,
                           const struct request_limits *limits)
{
    struct bytes head = {text.at, request->head_size};

    PROPERTY(lies_within(head, text) && request->head_size <= limits->head + 2);
    PROPERTY(memcmp(head.at + head.len - 4, "\r\n\r\n", 4) == 0);
    PROPERTY(lies_within(request->method_text, head) && is_token(request->method_text));
    PROPERTY(request->method == method_of(request->method_text));
    PROPERTY(lies_within(request->target, head) && request->target.len > 0);
    PROPERTY(request->target.len <= limits->target && !holds_control(request->target));
    PROPERTY(!memchr(request->target.at, ' ', request->target.len));
    PROPERTY(request->minor <= 1);
    PROPERTY(request->minor == 0 || fields_have(&request->fields, FIELD_HOST));
    PROPERTY(!fields_repeat(&request->fields, FIELD_HOST));
    check_fields(&request->fields, head, limits->fields);
    check_framing(request);
    framing_request_persists(request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {(const char *)data, size};
    const struct request_limits limits = {
        .head = 16 + tail_number(text, 4, 2) % 2048,
        .target = 1 + tail_number(text, 2, 1) * 4,
        .fields = (unsigned)tail_number(text, 1, 1) % 40,
    };
    struct request request;
    const char *why = NULL;
    enum request_outcome outcome = request_read(text, &limits, &request, &why);

    if (outcome == REQUEST_COMPLETE) {
        check_complete(&request, text, &limits);
    }
    PROPERTY((why != NULL) == (outcome != REQUEST_COMPLETE && outcome != REQUEST_MORE));
    for (size_t len = 0; len < text.len && len < 3000; len++) {
        check_prefix(text, len, &limits, outcome, request.head_size);
    }
    return 0;
}
