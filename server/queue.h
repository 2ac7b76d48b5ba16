/* The replies of an exchange that leave next, in order, as pieces of memory and slices of files. A
 * part of the session, and as pure. */
#pragma once

#include "server/session.h"

/* Empties it: once, and again with the references that it holds. */
void queue_init(struct exchange *exchange);
void queue_release(struct exchange *exchange);

/* Adds bytes that stay where they are until they have left. */
void queue_piece(struct exchange *exchange, struct bytes bytes);

/* Where a reply stands: which of them it is, and, of all bytes since the queue was empty, where its
 * head and its body begin. */
struct placed {
    unsigned index;
    uint64_t from, body;
};

/* Adds exchange->answer.reply, and takes its reference. False: there is no room for its text behind
 * that of the replies before it, which have to leave first. */
bool queue_add(struct exchange *exchange, struct site *site, const struct moment *now,
               struct placed *placed);

/* Nothing more can be added before what is in it has left. */
bool queue_is_full(const struct exchange *exchange);

/* Whether what leaves next is a slice of a file that has to be loaded first; and that slice, as
 * exchange->load. Once it is there, it is told whether it came in memory. */
bool queue_has_to_load(const struct exchange *exchange);
void queue_load(struct exchange *exchange);
void queue_loaded(struct exchange *exchange);

/* Gives up what has not left of a slice in memory: it is loaded again. */
void queue_unload(struct exchange *exchange);

/* Counts off what has left. */
void queue_left(struct exchange *exchange, size_t bytes);

/* Whether all that is owed has left; when one part has and others have not, those are added. */
bool queue_is_sent(struct exchange *exchange);
