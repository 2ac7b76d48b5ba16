/* Where protocol meets store: a request and the site give a reply, as data before action.
 *
 * Pure: an answer says which path it has to know about and is told what is there. */
#pragma once

#include "lib/http/multipart.h"
#include "lib/http/response.h"
#include "server/site.h"

struct reply {
    unsigned status;
    const char *why;     /* for the reader of an error page; static */
    struct bytes folder; /* 301: the folder's path, to which its slash is added */
    struct bytes query;  /* 301: what followed '?', kept; empty: none */
    struct file *file;   /* the representation whose fields are sent; a reference, or NULL */
    struct slice slice;  /* what is sent of it; empty for HEAD and 304 */
    struct multipart *multipart; /* sent instead: several slices of it; NULL: not so. Its boundary
                                    is drawn by whoever sends it */
    bool page;                   /* a small page is written for the body */
    bool head_only;              /* the fields of a GET, and no body */
};

enum answer_next {
    ANSWER_FETCH, /* answer->path has to be looked up, in answer->coding or as a folder to be
                     listed; then answer_fetched() */
    ANSWER_REPLY, /* answer->reply is complete */
};

/* How many ranges of one request are answered by so many parts: some always, and more when that is
 * shorter than the whole file (RFC 9110 14.2). */
enum {
    RANGES_ALWAYS = 4,
    RANGES_MOST = 32,
};

struct answer {
    const struct site *site;
    const struct request *request;
    struct bytes path;  /* followed by a NUL; in the caller's room or the site's */
    struct bytes query; /* of the target, without '?' */
    enum coding coding; /* of what is looked up: a stored sibling, or the file itself */
    bool indexed; /* the path was a folder's, and the index that it stands for was added to it */
    bool listing; /* the folder itself is looked up, to be listed */
    char *room;   /* of the path, but for a fallback */
    bool coding_failed; /* the sibling was not to be had: the file itself is sent */
    bool fell_back;
    struct reply reply;
    struct multipart multipart; /* what reply.multipart points to */
    struct slice slices[RANGES_MOST];
};

/* Room for a request's path: its target, a NUL, and a folder's index. */
#define ANSWER_ROOM(target_len) ((target_len) + 16)

/* Begins. `request` and `room`, of ANSWER_ROOM(target.len) bytes, stay until the reply is written.
 */
enum answer_next answer_begin(struct answer *answer, const struct site *site,
                              const struct request *request, char *room);

/* Goes on with what was found at answer->path. Takes the reference to `file` (FETCH_FILE). `now_s`
 * is the wall clock. */
enum answer_next answer_fetched(struct answer *answer, enum fetch_came came, struct file *file,
                                int64_t now_s);

/* A reply that no request was needed for: a refusal. */
void reply_refuse(struct reply *reply, unsigned status, const char *why);

/* Whether all but the status line and the fields of the moment (Date, Connection) was made ready
 * with the file: reply->file->head. */
static inline bool reply_is_ready(const struct reply *reply)
{
    return reply->status == 200 && reply->file != NULL;
}

/* Writes the other fields of a reply that is not ready, the empty line, and its page if it has one.
 * Returns how many bytes of that are the page. */
size_t reply_write(const struct reply *reply, const struct site *site, struct head *head);
