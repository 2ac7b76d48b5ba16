#include "lib/http/response.h"

#include "lib/http/framing.h"
#include "tests/fuzz/fields.h"

static void check_prefix(struct bytes text, size_t len, size_t max_head, unsigned max_fields,
                         enum response_outcome whole, size_t head_size)
{
    struct response response;
    const char *why;
    enum response_outcome outcome =
        response_read((struct bytes){text.at, len}, max_head, max_fields, &response, &why);

    PROPERTY(outcome == RESPONSE_MORE || outcome == whole);
    if (whole == RESPONSE_COMPLETE) {
        PROPERTY((outcome == RESPONSE_COMPLETE) == (len >= head_size));
    }
}

static void check_framing(const struct response *response)
{
    for (enum method to = METHOD_GET; to <= METHOD_OTHER; to++) {
        struct framing framing = framing_of_response(response, to);
        bool bodiless = to == METHOD_HEAD || response->status < 200 || response->status == 204 ||
                        response->status == 304 || (to == METHOD_CONNECT && response->status < 300);
        PROPERTY((framing.kind == FRAMING_NONE) == bodiless);
        PROPERTY(framing.kind != FRAMING_LENGTH || framing.length <= INT64_MAX);
        PROPERTY(framing.kind != FRAMING_REFUSED || framing.why);
    }
    framing_response_persists(response);
}

/* Written again, the head says the same. */
static void check_written(const struct response *response, unsigned max_fields)
{
    char room[4096];
    struct head head = {.at = room, .room = sizeof(room)};
    struct bytes rest = response->fields.lines;
    struct response again;
    struct field field;
    const char *why;

    head_status(&head, response->status);
    while (field_next(&rest, &field)) {
        head_field(&head, field.name, field.value);
    }
    head_end(&head);
    if (head_overflowed(&head)) {
        return;
    }
    PROPERTY(response_read(head_bytes(&head), sizeof(room), max_fields, &again, &why) ==
             RESPONSE_COMPLETE);
    PROPERTY(again.status == response->status && again.head_size == head.len);
    PROPERTY(again.fields.count == response->fields.count);
    PROPERTY(again.fields.seen == response->fields.seen);
    PROPERTY(again.fields.repeated == response->fields.repeated);
}

/* Unfolded once, nothing is folded any more; and a whole head never was. */
static void check_unfolded(struct bytes text, bool is_head)
{
    char *once = malloc(text.len + 1);
    char *twice = malloc(text.len + 1);
    bool folded = response_unfold(text, once);

    PROPERTY(!folded || (!is_head && !response_unfold((struct bytes){once, text.len}, twice)));
    free(once);
    free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {(const char *)data, size};
    size_t max_head = 16 + tail_number(text, 3, 2) % 2048;
    unsigned max_fields = (unsigned)tail_number(text, 1, 1) % 40;
    struct response response;
    const char *why = NULL;
    enum response_outcome outcome = response_read(text, max_head, max_fields, &response, &why);

    if (outcome == RESPONSE_COMPLETE) {
        struct bytes head = {text.at, response.head_size};
        PROPERTY(lies_within(head, text) && response.head_size <= max_head);
        PROPERTY(response.status >= 100 && response.status <= 999 && response.minor <= 1);
        PROPERTY(lies_within(response.reason, head) && !holds_control(response.reason));
        check_fields(&response.fields, head, max_fields);
        check_framing(&response);
        check_written(&response, max_fields);
        check_unfolded(head, true);
    }
    check_unfolded(text, false);
    PROPERTY((why != NULL) == (outcome != RESPONSE_COMPLETE && outcome != RESPONSE_MORE));
    for (size_t len = 0; len < text.len && len < 3000; len++) {
        check_prefix(text, len, max_head, max_fields, outcome, response.head_size);
    }
    return 0;
}
