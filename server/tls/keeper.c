#include "server/tls/keeper.h"

#include "lib/base/log.h"

#include <string.h>
#include <unistd.h>

static bool make_own(struct keeper *keeper)
{
    char wrong[TLS_WRONG];
    bool made = tls_own_create(&keeper->own, keeper->fingerprint, wrong);
    if (!made) {
        log_error("%s", wrong);
    }
    return made;
}

/* Makes the gate's contexts of what was read; our own certificate stands in where none was named.
 */
static bool use(struct keeper *keeper, struct credentials *credentials)
{
    char wrong[TLS_WRONG];
    bool has_own = credentials->pair_count == 0;
    if (has_own) {
        credentials->pairs[0] = keeper->own;
        credentials->pair_count = 1;
    }
    bool used = gate_renew(keeper->gate, credentials, wrong);
    if (!used) {
        log_error("TLS: %s", wrong);
    } else if (*wrong != '\0') {
        log_warn("TLS: %s", wrong);
    }
    return used;
}

static void forget(const struct keeper *keeper, struct credentials *credentials)
{
    if (credentials->pairs[0].key.bytes == keeper->own.key.bytes) {
        credentials->pairs[0] = (struct tls_pair){0};
    }
    credentials_free(credentials);
}

bool keeper_open(struct keeper *keeper, const struct server_options *options, unsigned contexts)
{
    char wrong[TLS_WRONG];
    struct credentials credentials;
    *keeper = (struct keeper){.options = options};
    if (!tls_init(wrong)) {
        log_error("%s", wrong);
        return false;
    }
    keeper->gate = gate_create(contexts);
    if (keeper->gate == NULL) {
        log_error("out of memory");
        return false;
    }
    if ((options->certificate_count == 0 && !make_own(keeper)) ||
        !credentials_read(&credentials, options)) {
        return false;
    }
    bool used = use(keeper, &credentials);
    forget(keeper, &credentials);
    return used;
}

static void send_to(const struct control *child, const struct credentials *credentials)
{
    int fd = credentials_pack(credentials);
    int error = fd < 0 ? fd : control_hand_over(child, ORDER_RENEW, fd);
    if (error < 0) {
        log_error("TLS: the process that serves cannot be given what was read: %s; it goes on with "
                  "what it has",
                  strerror(-error));
    }
    if (fd >= 0) {
        close(fd);
    }
}

void keeper_renew(struct keeper *keeper, const struct control *child)
{
    struct credentials credentials;
    if (keeper->gate == NULL) {
        return;
    }
    if (!credentials_read(&credentials, keeper->options)) {
        log_warn("TLS goes on with what was read before");
        return;
    }
    if (!use(keeper, &credentials)) {
        log_warn("TLS goes on with what was read before");
    } else if (child->fd > 0) {
        send_to(child, &credentials);
    }
    forget(keeper, &credentials);
}

void keeper_forget(struct keeper *keeper)
{
    tls_file_free(&keeper->own.chain);
    tls_file_free(&keeper->own.key);
}

void keeper_adopt(struct keeper *keeper, int fd)
{
    struct credentials credentials = {0};
    char wrong[TLS_WRONG] = "out of memory";
    if (fd < 0) {
        log_error("TLS goes on with what was read before: no descriptor is left to take what was "
                  "read now (raise the limit with ulimit -Hn, and send SIGHUP again)");
        return;
    }
    bool used = keeper->gate != NULL && credentials_unpack(&credentials, fd) &&
                gate_renew(keeper->gate, &credentials, wrong);
    if (!used) {
        log_error("TLS goes on with what was read before: %s", wrong);
    }
    credentials_free(&credentials);
}
