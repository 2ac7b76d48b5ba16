/* Validators and preconditions (RFC 9110 8.8, 13). */
#pragma once

#include "lib/http/request.h"

#include <stdint.h>

/* What the selected representation is known by. */
struct validators {
    bool exists;           /* false: there is no representation (If-Match: * then fails) */
    struct bytes etag;     /* an entity tag with its quotes, without "W/"; empty: none */
    int64_t last_modified; /* seconds since 1970; meaningful only if exists */
    bool undated;          /* there is no such date: what is asked by date is ignored */
    bool weak;             /* the entity tag is a weak one (8.8.1) */
};

enum condition_outcome {
    CONDITION_GO,           /* perform the method; the Range field, if any, counts */
    CONDITION_GO_WHOLE,     /* perform the method, and ignore Range: If-Range did not match */
    CONDITION_NOT_MODIFIED, /* 304 */
    CONDITION_FAILED,       /* 412 */
};

/* Judges the preconditions of a request in the order of RFC 9110 13.2.2.
 * Tags:    If-None-Match compares weakly, If-Match and If-Range strongly; what is no entity tag
 *          matches nothing. "*" stands for whatever exists.
 * Dates:   one that does not parse is ignored (13.1.3, 13.1.4). That of If-Range counts only if it
 *          is exactly Last-Modified and strong: at least one second before `now` (8.8.2.2), which
 *          is in seconds since 1970.
 * Methods: If-Modified-Since counts for GET and HEAD, If-Range for GET; CONNECT, OPTIONS and TRACE
 *          have no preconditions (13.2.1).
 * Only a request that would otherwise succeed is to be judged (13.2.1). Any thread. */
enum condition_outcome condition_judge(const struct request *request, const struct validators *have,
                                       int64_t now);
