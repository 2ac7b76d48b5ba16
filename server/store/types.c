#include "server/store/types.h"

#include <ctype.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct type {
    char *extension; /* lower case */
    char *value;     /* as it stands in Content-Type */
};

struct types {
    struct type *list; /* sorted by extension */
    size_t count;
    size_t room;
};

/* What a web page needs, should the machine have no table. Earlier entries win over the system's.
 */
static const char *const own[] = {
    "text/html html htm",
    "text/css css",
    "text/javascript js mjs",
    "text/plain txt text md",
    "application/json json",
    "image/svg+xml svg svgz",
    "image/png png",
    "image/jpeg jpg jpeg",
    "image/gif gif",
    "image/webp webp",
    "image/avif avif",
    "image/x-icon ico",
    "font/woff woff",
    "font/woff2 woff2",
    "application/wasm wasm",
    "application/pdf pdf",
    "application/xml xml",
    "application/gzip gz",
    "application/x-brotli br",
    "application/zstd zst",
    "video/mp4 mp4",
    "application/epub+zip epub",
    "audio/mpeg mp3",
    "text/csv csv",
    "video/webm webm",
    "audio/ogg ogg oga",
    "text/vtt vtt",
    "application/manifest+json webmanifest",
    "font/ttf ttf",
    "font/otf otf",
};

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct type *)a)->extension, ((const struct type *)b)->extension);
}

/* Among the first `count`, before they are sorted. */
static bool is_among(const struct types *types, size_t count, const char *extension)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(types->list[i].extension, extension) == 0) {
            return true;
        }
    }
    return false;
}

/* Text is taken for UTF-8. JSON is nothing else (RFC 8259 8.1, 11), and what is made of XML names
 * its own encoding, over which the parameter would win (RFC 7303 3). */
static bool needs_charset(const char *media_type)
{
    return strncmp(media_type, "text/", 5) == 0 && strcmp(media_type, "text/xml") != 0;
}

static bool add(struct types *types, const char *media_type, const char *extension)
{
    if (types->count == types->room) {
        size_t room = types->room ? types->room * 2 : 256;
        struct type *list = realloc(types->list, room * sizeof(*list));
        if (list == NULL) {
            return false;
        }
        types->list = list;
        types->room = room;
    }
    struct type type = {strdup(extension), NULL};
    if (asprintf(&type.value, "%s%s", media_type,
                 needs_charset(media_type) ? "; charset=utf-8" : "") < 0) {
        type.value = NULL;
    }
    if (type.extension == NULL || type.value == NULL) {
        free(type.extension);
        free(type.value);
        return false;
    }
    for (char *letter = type.extension; *letter != '\0'; letter++) {
        *letter = (char)tolower((unsigned char)*letter);
    }
    types->list[types->count++] = type;
    return true;
}

/* RFC 6838 4.2: neither part of a type has more than 127 bytes; a head relies on it. */
enum {
    TYPE_MOST = 127 + 1 + 127
};

/* "text/plain  txt text  # comment": one line of the table. */
static bool add_line(struct types *types, char *line, size_t own_count)
{
    line[strcspn(line, "#\r\n")] = '\0';
    char *rest = line;
    const char *media_type = strtok_r(rest, " \t", &rest);
    if (media_type == NULL || strchr(media_type, '/') == NULL || strlen(media_type) > TYPE_MOST) {
        return true;
    }
    for (char *extension; (extension = strtok_r(NULL, " \t", &rest)) != NULL;) {
        if (!is_among(types, own_count, extension) && !add(types, media_type, extension)) {
            return false;
        }
    }
    return true;
}

static bool add_lines(struct types *types, FILE *table)
{
    char *line = NULL;
    size_t size = 0;
    size_t own_count = types->count;
    bool fine = true;
    errno = 0;
    while (fine && getline(&line, &size, table) >= 0) {
        fine = add_line(types, line, own_count);
    }
    free(line);
    return fine && errno != ENOMEM; /* getline() does not tell it from the end */
}

/* Without a table there is our own list; without memory there is nothing. */
static bool add_table(struct types *types, const char *path)
{
    FILE *table = fopen(path, "re");
    if (table == NULL) {
        return errno != ENOMEM;
    }
    bool fine = add_lines(types, table);
    fclose(table);
    return fine;
}

struct types *types_create(const char *table)
{
    struct types *types = calloc(1, sizeof(*types));
    if (types == NULL) {
        return NULL;
    }
    bool fine = true;
    for (size_t i = 0; fine && i < sizeof(own) / sizeof(own[0]); i++) {
        char line[64];
        snprintf(line, sizeof(line), "%s", own[i]);
        fine = add_line(types, line, 0);
    }
    if (!fine || !add_table(types, table)) {
        types_destroy(types);
        return NULL;
    }
    qsort(types->list, types->count, sizeof(types->list[0]), compare);
    return types;
}

void types_destroy(struct types *types)
{
    if (types == NULL) {
        return;
    }
    for (size_t i = 0; i < types->count; i++) {
        free(types->list[i].extension);
        free(types->list[i].value);
    }
    free(types->list);
    free(types);
}

struct bytes types_of(const struct types *types, struct bytes path)
{
    static const struct bytes unknown = {"application/octet-stream", 24};
    size_t start = path.len;
    while (start > 0 && path.at[start - 1] != '.' && path.at[start - 1] != '/') {
        start--;
    }
    char extension[32];
    size_t len = path.len - start;
    if (start == 0 || path.at[start - 1] != '.' || len == 0 || len >= sizeof(extension)) {
        return unknown;
    }
    for (size_t i = 0; i < len; i++) {
        extension[i] = (char)tolower((unsigned char)path.at[start + i]);
    }
    extension[len] = '\0';
    const struct type *type = bsearch(&(struct type){extension, NULL}, types->list, types->count,
                                      sizeof(types->list[0]), compare);
    return type != NULL ? bytes_of(type->value) : unknown;
}
