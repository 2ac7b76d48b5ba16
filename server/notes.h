/* What a session tells the ledger of its replies: a note is taken of each when it is queued, and
 * the ledger told when it has left or was cut. A part of the session, and as pure. */
#pragma once

#include "server/queue.h"

/* Takes a note of the reply that was just queued, to x->request or, unless `was_request`, to what
 * the unread input begins with. The input that it points into stays until the reply has left:
 * nothing is moved or read over while one is queued. */
void notes_add(const struct session *session, bool was_request, const struct placed *placed);

/* How far the replies are that are queued. */
enum progress {
    PROGRESS_SOME, /* those before the last one have left if their bytes have */
    PROGRESS_ALL,
    PROGRESS_CUT, /* what has not left never will */
};

/* Tells the ledger of those that have left since it was told last, or were cut. */
void notes_tell(const struct session *session, enum progress progress, const struct moment *now);
