/* Validators and preconditions (RFC 9110 8.8, 13). */
#pragma once

#include "lib/http/request.h"

#include <stdint.h>

/* What the selected representation is known by. */
struct validators {
    bool exists;           /* false: there is no representation (If-Match: * then fails) */
    struct bytes etag;     /* a strong entity tag with its quotes; empty: none */
    int64_t last_modified; /* seconds since 1970; meaningful only if exists */
};

enum condition_outcome {
    CONDITION_GO,           /* perform the method; the Range field, if any, counts */
    CONDITION_GO_WHOLE,     /* perform the method, and ignore Range: If-Range did not match */
    CONDITION_NOT_MODIFIED, /* 304 */
    CONDITION_FAILED,       /* 412 */
};

/* Judges the preconditions of a request in the order of RFC 9110 13.2.2. Dates that do not parse
 * are ignored (13.1.3, 13.1.4); If-None-Match compares weakly, If-Match and If-Range strongly; an
 * If-Range date counts only if it is exactly Last-Modified and strong: at least one second
 * before `now` (8.8.2.2). `now` is in seconds since 1970. Any thread. */
enum condition_outcome condition_judge(const struct request *request, const struct validators *have,
                                       int64_t now);
