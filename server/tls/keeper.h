/* Who this server is over TLS: read and checked by the parent, used by the child.
 *
 * The parent keeps what it has parsed, keys included, for as long as it runs: it has to be able to
 * begin another child, should one crash, with what the last one had, whatever has become of the
 * files. It reads nothing from the network. The files' bytes are wiped once they are parsed, but
 * for a certificate of our own, of which there is no file. */
#pragma once

#include "lib/tls/own.h"
#include "server/control.h"
#include "server/tls/gate.h"

struct keeper {
    const struct server_options *options;
    struct gate *gate;                 /* NULL: nothing is served over TLS */
    struct tls_pair own;               /* no bytes: there are certificates in files */
    char fingerprint[TLS_FINGERPRINT]; /* of our own; "" */
};

/* The parent's: makes OpenSSL ready, reads and checks all that the options name, and makes
 * `contexts` of it. False after log_error(). */
bool keeper_open(struct keeper *keeper, const struct server_options *options, unsigned contexts);

/* The parent's: reads it all anew, for the children to come, and has `child`, where there is one,
 * use it. What cannot be used or given is complained about, and all stays as it was. */
void keeper_renew(struct keeper *keeper, const struct control *child);

/* The child's: wipes what only its parent needs. */
void keeper_forget(struct keeper *keeper);

/* The child's: uses what keeper_renew() has sent it; -1: that was lost, which is complained about.
 */
void keeper_adopt(struct keeper *keeper, int fd);
