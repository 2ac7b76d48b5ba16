/* A table of media types: the first half of the input is the table, the other a path. */
#include "server/store/types.h"

#include "tests/fuzz/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t half = size / 2;
    struct bytes table = {(const char *)data, half};
    struct bytes path = {(const char *)data + half, size - half};
    struct types *types = types_create(text_file(table));
    PROPERTY(types != NULL);
    struct bytes type = types_of(types, path);
    PROPERTY(type.len > 0 && type.len <= 127 + 1 + 127 + strlen("; charset=utf-8"));
    PROPERTY(memchr(type.at, '/', type.len) != NULL);
    PROPERTY(memchr(type.at, '\r', type.len) == NULL && memchr(type.at, '\n', type.len) == NULL);
    PROPERTY(bytes_equal(types_of(types, BYTES("a/b.HTML")), BYTES("text/html; charset=utf-8")));
    PROPERTY(bytes_equal(types_of(types, BYTES("a.b/c")), BYTES("application/octet-stream")));
    types_destroy(types);
    return 0;
}
