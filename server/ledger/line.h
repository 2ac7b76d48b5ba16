/* Records as the lines of an access log. */
#pragma once

#include "server/ledger/ring.h"

enum line_format {
    /* CLIENT - - [DATE] "METHOD TARGET HTTP/1.x" STATUS BYTES "REFERER" "AGENT" US CONNECTION
     * NUMBER The combined format of other servers, and behind it the time that the request took in
     * microseconds, its connection, and its number there. Bytes that are not printable ASCII,
     * quotes and backslashes are written \xNN. */
    LINE_COMBINED,
    /* One object: time, client, connection, request, method, target, version, status, bytes,
     * time_us, complete, referer, user_agent. Bytes that are not printable ASCII are written
     * \u00NN. */
    LINE_JSON,
};

enum {
    LINE_MOST = 6 * (RECORD_METHOD + RECORD_TARGET + RECORD_REFERER + RECORD_AGENT) + 512,
    LINE_HOST = 48, /* bytes for an address */
};

/* A writer of lines. Set `format`, and all else to zero. One thread at a time. */
struct line_writer {
    enum line_format format;
    bool dated;
    int64_t second; /* whose date is written below */
    size_t date_len;
    char date[32];
    struct client client; /* who is written below */
    size_t client_len;    /* 0: nobody yet */
    char host[LINE_HOST];
};

/* Writes one line, its end included, to `to` (LINE_MOST bytes); how long it is. A text that was cut
 * ends in "...". */
size_t line_write(struct line_writer *writer, const struct record *record, char *to);
