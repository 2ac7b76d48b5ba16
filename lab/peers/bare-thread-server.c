/* What blocking threads can do for HTTP when a server only moves bytes: a thread for each
 * connection that receives, sends the same reply whatever came, and receives again.
 *
 * The request's buffer is small, so that an idle thread keeps as few pages of its stack in memory
 * as it can: one recv of a load generator's request fits. */
#include "bare.h"

#include <err.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    STACK_SIZE = 32 * 1024,
    REQUEST_MAX = 1024,
};

/* Written before the first thread starts, only read from then on. */
static struct bare_reply reply;

static bool send_reply(int fd)
{
    uint64_t sent = 0;
    while (sent < reply.length) {
        ssize_t now = bare_reply_send(&reply, fd, sent);
        if (now <= 0) {
            return false;
        }
        sent += (uint64_t)now;
    }
    return true;
}

static void *serve(void *argument)
{
    int fd = (int)(intptr_t)argument;
    char request[REQUEST_MAX];
    while (recv(fd, request, sizeof request, 0) > 0 && send_reply(fd)) {
    }
    close(fd);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    bare_raise_descriptors();
    int listener = bare_server_start(argc, argv, "bare threads", false, &reply);

    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            err(1, "accept4");
        }
        pthread_t thread;
        int error = pthread_create(&thread, &attributes, serve, (void *)(intptr_t)fd);
        if (error) {
            errx(1, "pthread_create: %s", strerror(error));
        }
    }
}
