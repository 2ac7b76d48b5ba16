#include "lib/http/multipart.h"

static void write_hex(char *to, uint64_t number)
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < 16; i++) {
        to[i] = digits[number >> (60 - 4 * i) & 15];
    }
}

void multipart_bound(struct multipart *multipart, uint64_t high, uint64_t low)
{
    write_hex(multipart->boundary, high);
    write_hex(multipart->boundary + 16, low);
}

static struct bytes boundary_of(const struct multipart *multipart)
{
    return (struct bytes){multipart->boundary, MULTIPART_BOUNDARY};
}

size_t multipart_type(char *to, const struct multipart *multipart)
{
    struct head head = {to, MULTIPART_TYPE, 0};

    head_text(&head, BYTES("multipart/byteranges; boundary="));
    head_text(&head, boundary_of(multipart));
    return head.len;
}

/* The line end before a delimiter belongs to it (RFC 2046 5.1.1), and the first one needs none. */
void multipart_text(struct head *head, const struct multipart *multipart, size_t index)
{
    char range[80];

    if (index > 0) {
        head_end(head);
    }
    head_text(head, BYTES("--"));
    head_text(head, boundary_of(multipart));
    if (index == multipart->count) {
        head_text(head, BYTES("--\r\n"));
        return;
    }
    head_end(head);
    head_text(head, multipart->fields);
    size_t len = range_write_content(range, multipart->slices[index], multipart->size);
    head_field(head, BYTES("Content-Range"), (struct bytes){range, len});
    head_end(head);
}

uint64_t multipart_size(const struct multipart *multipart)
{
    struct head measure = {NULL, 0, 0};
    uint64_t size = 0;

    for (size_t i = 0; i < multipart->count; i++) {
        multipart_text(&measure, multipart, i);
        size += multipart->slices[i].end - multipart->slices[i].first;
    }
    multipart_text(&measure, multipart, multipart->count);
    return size + measure.len;
}
