/* What a supervisor is told of this server, by the protocol of sd_notify(3): one packet of lines,
 * sent to the socket that NOTIFY_SOCKET names. Without that variable nothing is sent, and a
 * supervisor that does not listen is no reason not to serve. The process that was started is the
 * one that tells, for it is the one that a supervisor believes. */
#pragma once

#include <sys/types.h>

enum notice {
    NOTICE_READY,    /* it accepts, or goes on as before after NOTICE_CHANGING */
    NOTICE_CHANGING, /* it opens its logs anew, or begins a successor, which has told nothing yet */
    NOTICE_STOPPING, /* it accepts no more, and nobody does in its place */
};

void notify(enum notice notice);
/* It accepts, and another process is the one to be believed from now on. */
void notify_succession(pid_t successor);
