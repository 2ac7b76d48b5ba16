/* A server that runs in this process, on a thread of its own, and clients of it: what serve.h
 * promises is the same for both models, and so are its tests. */
#pragma once

#include "lib/http/bytes.h"
#include "lib/net/listen.h"
#include "server/serve.h"

#include <pthread.h>

struct running {
    struct site site;
    struct server_options options;
    struct listener listener;
    bool listening;
    struct control parent, child; /* the ends of the line by which serve() is told to end */
    char folder[64];
    pthread_t thread;
    int status; /* what serve() returned */
};

/* Sets what a test may then change, and makes an empty docroot. */
void running_init(struct running *running);
/* Puts a file of `size` bytes there: a pattern that is not the same from one offset to the next. */
void running_put(struct running *running, const char *name, size_t size);
char running_byte(size_t offset);

/* Opens the listener, so that clients can come before the start. */
void running_listen(struct running *running);
void running_start(struct running *running);
/* Waits until serve() says that it accepts. */
void running_ready(struct running *running);
void running_order(struct running *running, enum order_kind order);
/* Waits for the end of serve(), which has to be 0. */
void running_join(struct running *running);
/* How many sockets this process has open, the server's and its clients'. */
int running_sockets(void);
/* Removes the docroot. */
void running_clear(const struct running *running);
/* Has it drain, joins, and removes the docroot. */
void running_finish(struct running *running);

/* A client's blocking socket, whose system holds 256 KB at most that were not received; whatever
 * takes 30 s fails the test. */
int client_connect(const struct running *running);
void client_send(int fd, const char *text);
/* Receives up to `size` bytes, as many as come before the end; how many. */
size_t client_receive(int fd, char *to, size_t size);
/* Receives a head; its body's Content-Length (0: none). The head is in `head`, ended by NUL. */
size_t client_head(int fd, char *head, size_t size);
/* Receives that many bytes, which have to be those of a file that running_put() made. */
void client_file(int fd, size_t size);
/* Fails unless the server has closed its side and sent nothing more. */
void client_expect_end(int fd);
/* What recv(2) returns, unless it was interrupted. */
ssize_t client_take(int fd, char *to, size_t size);
/* Receives and drops what comes until the connection ends, in order or not; how many bytes. */
size_t client_drain(int fd);
/* Whether something, be it the end, can be received within that time. */
bool client_hears(int fd, int timeout_ms);
