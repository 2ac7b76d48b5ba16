#include "lib/http/target.h"

#include "tests/fuzz/property.h"

/* The path is one that names something below a root and nothing else. */
static void check_path(struct bytes path)
{
    struct bytes rest = path;

    PROPERTY(path.len == 0 || !memchr(path.at, '\0', path.len));
    PROPERTY(path.at[path.len] == '\0');
    while (rest.len > 0) {
        const char *slash = memchr(rest.at, '/', rest.len);
        struct bytes segment = {rest.at, slash ? (size_t)(slash - rest.at) : rest.len};
        size_t step = segment.len + (slash != NULL);
        PROPERTY(segment.len > 0);
        PROPERTY(!bytes_equal(segment, BYTES(".")) && !bytes_equal(segment, BYTES("..")));
        rest = (struct bytes){rest.at + step, rest.len - step};
    }
}

/* Encoded, the path is a target that reads as the same path. */
static void check_encoded(struct bytes path)
{
    size_t len = target_encode(NULL, 0, path);
    char *target = malloc(len + 1);
    char *room = malloc(len + 2);
    struct bytes again;

    *target = '/';
    PROPERTY(target_encode(target + 1, len, path) == len);
    PROPERTY(target_read(METHOD_GET, (struct bytes){target, len + 1}, room, &again, NULL) ==
             TARGET_PATH);
    PROPERTY(bytes_equal(again, path));
    free(target);
    free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes target = {(const char *)data, size};
    enum method method = (enum method)(take_number(&target, 1) % (METHOD_OTHER + 1));
    char *room = malloc(target.len + 1);
    struct bytes path;
    struct bytes query;

    switch (target_read(method, target, room, &path, &query)) {
    case TARGET_PATH:
        PROPERTY(lies_within(path, (struct bytes){room, target.len + 1}));
        PROPERTY(query.len == 0 || lies_within(query, target));
        PROPERTY(!holds_control(target) && !memchr(target.at, '#', target.len));
        check_path(path);
        check_encoded(path);
        break;
    case TARGET_ASTERISK:
        PROPERTY(method == METHOD_OPTIONS && bytes_equal(target, BYTES("*")));
        break;
    case TARGET_MALFORMED:
        break;
    }
    free(room);
    return 0;
}
