#include "lib/tls/init.h"

#include "lib/tls/contexts.h"
#include "lib/tls/reason.h"
#include "lib/tls/wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static bool is_ready, kernel_helps;

/* A socket that is not connected cannot be given TLS: a kernel that knows of it says just that. */
static bool kernel_knows_tls(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool known = fd >= 0 && setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")) < 0 &&
                 errno == ENOTCONN;
    if (fd >= 0) {
        close(fd);
    }
    return known;
}

/* A context of each kind has OpenSSL fetch what it needs of its providers. */
static bool try_contexts(void)
{
    SSL_CTX *server = context_create(TLS_server_method(), TLS_1_2);
    SSL_CTX *client = context_create(TLS_client_method(), TLS_1_2);
    bool made = server != NULL && client != NULL;
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    return made;
}

bool tls_init(char wrong[TLS_WRONG])
{
    const uint64_t options = OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS |
                             OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT;
    unsigned char drawn[32];
    *wrong = '\0';
    if (is_ready) {
        return true;
    }
    kernel_helps = kernel_knows_tls();
    tzset(); /* else the first date of a certificate has /etc/localtime read */
    if (OPENSSL_init_ssl(options, NULL) != 1 || RAND_bytes(drawn, sizeof(drawn)) != 1 ||
        !wire_init() || !tickets_init() || !server_init() || !try_contexts()) {
        char reason[TLS_WRONG / 2];
        reason_of_queue(reason, sizeof(reason));
        return wrong_say(wrong, "OpenSSL cannot be used: %s", reason);
    }
    ERR_clear_error();
    is_ready = true;
    return true;
}

bool tls_kernel_helps(void)
{
    return kernel_helps;
}
