#include "lib/http/html.h"

#include "tests/fuzz/property.h"

/* The bytes that mean something in a page are there as references alone. */
static void check_references(const char *at, const char *end)
{
    static const char *const references[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};

    for (; at < end; at++) {
        PROPERTY(*at != '<' && *at != '>' && *at != '"' && *at != '\'');
        PROPERTY((unsigned char)*at >= ' ' && *at != 0x7f);
        bool known = *at != '&';
        for (int i = 0; !known && i < 5; i++) {
            size_t len = strlen(references[i]);
            known = (size_t)(end - at) >= len && memcmp(at, references[i], len) == 0;
        }
        PROPERTY(known);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {(const char *)data, size};
    struct head measure = {NULL, 0, 0};

    html_text(&measure, text);
    PROPERTY(measure.len >= size && measure.len <= 6 * size);
    struct head head = {malloc(measure.len + 1), measure.len, 0};
    html_text(&head, text);
    PROPERTY(!head_overflowed(&head) && head.len == measure.len);
    check_references(head.at, head.at + head.len);
    free(head.at);
    return 0;
}
