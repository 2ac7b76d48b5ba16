/* What connections over TLS begin with: contexts, made of credentials, which can be renewed at any
 * time; connections that have begun go on with those they began with. */
#pragma once

#include "lib/net/stream.h"
#include "server/tls/credentials.h"

struct gate;

/* With so many contexts of the same credentials (1 and more), of which each core uses one. They are
 * not there before gate_renew() has succeeded. NULL when out of memory. */
struct gate *gate_create(unsigned contexts);
/* Nobody uses it any more. NULL is fine. */
void gate_destroy(struct gate *gate);

/* Makes all contexts anew; keeps nothing of the credentials but what is parsed. Where they name no
 * ticket keys, those of before stay, and are random the first time. From one thread at a time,
 * while others accept. False: `wrong` says why, and the contexts of before are used on. True: it is
 * empty, or says what looks odd. */
bool gate_renew(struct gate *gate, const struct credentials *credentials, char wrong[TLS_WRONG]);

/* Puts TLS beneath a stream, by a context of this core. 0 or -ENOMEM. Any thread. */
int gate_accept(struct gate *gate, struct stream *stream);
