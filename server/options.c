#include "server/options.h"

#include "lib/base/clock.h"
#include "lib/base/units.h"
#include "lib/http/field.h"
#include "server/inherited.h"
#include "server/serve.h"

#include <string.h>

#define DURATION_WRONG "is not a duration (try 500ms, 10s or 2m)"
#define SIZE_WRONG "is not a size (try 512, 16k or 1M)"

static const char *take_duration(uint64_t *into, const char *argument)
{
    return units_read_duration(argument, into) ? NULL : DURATION_WRONG;
}

/* Who is waited for no time at all is never waited for. */
static const char *take_timeout(uint64_t *into, const char *argument)
{
    uint64_t ns;
    if (!units_read_duration(argument, &ns) || ns == 0) {
        return "is not a duration above 0 (try 500ms, 10s or 2m)";
    }
    *into = ns;
    return NULL;
}

static const char *take_place(struct server_options *options, const char *argument, bool tls)
{
    if (options->listen_count == LISTENERS_MAX) {
        return "is one address too many: 16 can be listened on";
    }
    struct place *place = &options->listen[options->listen_count];
    const char *wrong = address_read(argument, &place->address);
    place->tls = tls;
    options->listen_count += wrong == NULL;
    return wrong;
}

static const char *take_listen(void *into, const char *argument)
{
    return take_place(into, argument, false);
}

static const char *take_tls_listen(void *into, const char *argument)
{
    ((struct server_options *)into)->speaks_tls = true;
    return take_place(into, argument, true);
}

/* --cert and --key come in pairs, in either order; a pair lacks what is not given for it. This is
 * the last one, or the next if `taken` was given for the last. NULL: there is no room. */
static struct certificate_option *pair_for(struct server_options *options, bool taken)
{
    unsigned count = options->certificate_count;
    if (count > 0 && !taken) {
        return &options->certificates[count - 1];
    }
    return count < CERTIFICATES_MAX ? &options->certificates[options->certificate_count++] : NULL;
}

static const struct certificate_option *last_pair(const struct server_options *options)
{
    static const struct certificate_option none;
    unsigned count = options->certificate_count;
    return count > 0 ? &options->certificates[count - 1] : &none;
}

static const char *take_cert(void *into, const char *argument)
{
    struct server_options *options = into;
    struct certificate_option *pair = pair_for(options, last_pair(options)->cert != NULL);
    options->tls_needing = "--cert";
    if (pair == NULL) {
        return "is one certificate too many: 16 can be had";
    }
    pair->cert = argument;
    return *argument != '\0' ? NULL : "names no file";
}

static const char *take_key(void *into, const char *argument)
{
    struct server_options *options = into;
    struct certificate_option *pair = pair_for(options, last_pair(options)->key != NULL);
    options->tls_needing = "--key";
    if (pair == NULL) {
        return "is one key too many: 16 can be had";
    }
    pair->key = argument;
    return *argument != '\0' ? NULL : "names no file";
}

static const char *take_ocsp(void *into, const char *argument)
{
    struct server_options *options = into;
    const struct certificate_option *last = last_pair(options);
    options->tls_needing = "--ocsp";
    if (last->cert == NULL || last->ocsp != NULL) {
        return "has no --cert of its own before it";
    }
    options->certificates[options->certificate_count - 1].ocsp = argument;
    return *argument != '\0' ? NULL : "names no file";
}

static const char *take_client_ca(void *into, const char *argument)
{
    struct server_options *options = into;
    options->tls_needing = "--client-ca";
    options->client_ca = argument;
    return *argument != '\0' ? NULL : "names no file";
}

static const char *take_ticket_keys(void *into, const char *argument)
{
    struct server_options *options = into;
    options->tls_needing = "--ticket-keys";
    if (options->ticket_file_count == TICKET_FILES_MAX) {
        return "is one file too many: 16 can be read";
    }
    options->ticket_files[options->ticket_file_count++] = argument;
    return *argument != '\0' ? NULL : "names no file";
}

static const char *take_tls_min(void *into, const char *argument)
{
    struct server_options *options = into;
    bool newest = strcmp(argument, "1.3") == 0;
    options->tls_needing = "--tls-min";
    options->tls_oldest = newest ? TLS_1_3 : TLS_1_2;
    return newest || strcmp(argument, "1.2") == 0 ? NULL : "is neither 1.2 nor 1.3";
}

static const char *take_fallback(void *into, const char *argument)
{
    struct server_options *options = into;
    options->fallback = argument + strspn(argument, "/");
    return *options->fallback != '\0' ? NULL : "names no file";
}

static const char *take_no_fallback(void *into, const char *argument)
{
    (void)argument;
    ((struct server_options *)into)->no_fallback = true;
    return NULL;
}

static const char *take_user(void *into, const char *argument)
{
    ((struct server_options *)into)->user = argument;
    return *argument != '\0' ? NULL : "names no user";
}

static const char *take_chroot(void *into, const char *argument)
{
    (void)argument;
    ((struct server_options *)into)->chroot = true;
    return NULL;
}

static const char *take_no_sandbox(void *into, const char *argument)
{
    (void)argument;
    ((struct server_options *)into)->no_sandbox = true;
    return NULL;
}

static const char *take_revalidate(void *into, const char *argument)
{
    return take_duration(&((struct server_options *)into)->trust_ns, argument);
}

static const char *take_dotfiles(void *into, const char *argument)
{
    (void)argument;
    ((struct server_options *)into)->dotfiles = true;
    return NULL;
}

static bool is_field_value(struct bytes value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.at[i];
        if ((byte < ' ' && byte != '\t') || byte == 0x7f) {
            return false;
        }
    }
    return true;
}

static const char *take_cache_control(void *into, const char *argument)
{
    if (!is_field_value(bytes_of(argument)) || strlen(argument) > FIELDS_MAX / 2) {
        return "is not a field value";
    }
    ((struct server_options *)into)->cache_control = argument;
    return NULL;
}

/* Fields that say where a message ends, or that the server writes itself: a second one would lie.
 */
static bool is_own_field(struct bytes name)
{
    static const char *const own[] = {
        "Connection",    "Content-Length", "Content-Range", "Content-Type",
        "Date",          "Delay",          "ETag",          "Keep-Alive",
        "Last-Modified", "Location",       "Server",        "Transfer-Encoding",
    };
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (bytes_equal_nocase(name, bytes_of(own[i]))) {
            return true;
        }
    }
    return false;
}

static const char *take_response_header(void *into, const char *argument)
{
    struct server_options *options = into;
    const char *colon = strchr(argument, ':');
    if (colon == NULL || !is_token((struct bytes){argument, (size_t)(colon - argument)})) {
        return "is not a field (try 'Name: value')";
    }
    struct bytes name = {argument, (size_t)(colon - argument)};
    struct bytes value = bytes_of(colon + 1 + strspn(colon + 1, " \t"));
    if (!is_field_value(value)) {
        return "has a control character in its value";
    }
    if (is_own_field(name)) {
        return "is a field that the server writes itself";
    }
    size_t room = sizeof(options->fields) - options->fields_len;
    if (name.len + value.len + 4 >= room) {
        return "makes the response headers longer than 1,000 bytes in all";
    }
    char *to = options->fields + options->fields_len;
    memcpy(to, name.at, name.len);
    memcpy(to + name.len, ": ", 2);
    memcpy(to + name.len + 2, value.at, value.len);
    memcpy(to + name.len + 2 + value.len, "\r\n", 2);
    options->fields_len += name.len + value.len + 4;
    return NULL;
}

static const char *take_delay(void *into, const char *argument)
{
    struct server_options *options = into;
    options->delays = true;
    return units_read_span(argument, &options->delay_low_ns, &options->delay_high_ns)
               ? NULL
               : "is not a span of time (try 0s-3s, or 50ms)";
}

static const char *take_seed(void *into, const char *argument)
{
    return units_read_count(argument, 0, UINT64_MAX, &((struct server_options *)into)->seed)
               ? NULL
               : "is not a whole number";
}

static const char *take_small_count(unsigned *into, const char *argument, unsigned low,
                                    unsigned high)
{
    uint64_t count;
    if (!units_read_count(argument, low, high, &count)) {
        return NULL;
    }
    *into = (unsigned)count;
    return argument;
}

static const char *take_compute(void *into, const char *argument)
{
    return take_small_count(&((struct server_options *)into)->compute, argument, 0, 60)
               ? NULL
               : "is not a whole number from 0 to 60";
}

static const char *take_threads(void *into, const char *argument)
{
    return take_small_count(&((struct server_options *)into)->loops, argument, 1, LOOPS_MAX)
               ? NULL
               : "is not a number of loops from 1 to 256";
}

static const char *take_file_threads(void *into, const char *argument)
{
    return take_small_count(&((struct server_options *)into)->file_threads, argument, 1, 1024)
               ? NULL
               : "is not a number of threads from 1 to 1024";
}

static const char *take_offload(void *into, const char *argument)
{
    return take_small_count(&((struct server_options *)into)->offload, argument, 0, 1024)
               ? NULL
               : "is not a number of threads from 0 to 1024";
}

static const char *take_stack(void *into, const char *argument)
{
    uint64_t size;
    if (!units_read_size(argument, &size)) {
        return SIZE_WRONG;
    }
    if (size < 32 * 1024 || size > UINT64_C(1) << 40) {
        return "is too small or too large for a stack (32k at the least)";
    }
    ((struct server_options *)into)->stack = size;
    return NULL;
}

static const char *take_max_connections(void *into, const char *argument)
{
    return units_read_count(argument, 0, UINT32_MAX,
                            &((struct server_options *)into)->limits.connections)
               ? NULL
               : "is not a whole number";
}

static const char *take_max_per_address(void *into, const char *argument)
{
    return units_read_count(argument, 0, UINT32_MAX,
                            &((struct server_options *)into)->limits.per_address)
               ? NULL
               : "is not a whole number";
}

static const char *take_min_rate(void *into, const char *argument)
{
    return units_read_size(argument, &((struct server_options *)into)->limits.min_rate)
               ? NULL
               : SIZE_WRONG;
}

static const char *take_access_log(void *into, const char *argument)
{
    ((struct server_options *)into)->log = argument;
    return *argument != '\0' ? NULL : "names no file";
}

static const char *take_log_format(void *into, const char *argument)
{
    static const char *const names[] = {[LINE_COMBINED] = "combined", [LINE_JSON] = "json"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(argument, names[i]) == 0) {
            ((struct server_options *)into)->log_format = (enum line_format)i;
            return NULL;
        }
    }
    return "is neither combined nor json";
}

static const char *take_admin(void *into, const char *argument)
{
    struct server_options *options = into;
    const char *wrong = address_read(argument, &options->admin);
    options->has_admin = wrong == NULL;
    return wrong;
}

static const char *take_max_requests(void *into, const char *argument)
{
    return units_read_count(argument, 0, UINT32_MAX,
                            &((struct server_options *)into)->limits.requests)
               ? NULL
               : "is not a whole number";
}

static const char *take_max_head(void *into, const char *argument)
{
    uint64_t size;
    if (!units_read_size(argument, &size) || size < 256 || size > 1 << 20) {
        return "is not a size from 256 to 1M";
    }
    ((struct server_options *)into)->limits.request.head = (size_t)size;
    return NULL;
}

static const char *take_max_fields(void *into, const char *argument)
{
    return take_small_count(&((struct server_options *)into)->limits.request.fields, argument, 1,
                            10000)
               ? NULL
               : "is not a number of fields from 1 to 10000";
}

static const char *take_max_body(void *into, const char *argument)
{
    return units_read_size(argument, &((struct server_options *)into)->limits.body) ? NULL
                                                                                    : SIZE_WRONG;
}

static const char *take_header_timeout(void *into, const char *argument)
{
    return take_timeout(&((struct server_options *)into)->timeouts.head_ns, argument);
}

static const char *take_idle_timeout(void *into, const char *argument)
{
    return take_timeout(&((struct server_options *)into)->timeouts.idle_ns, argument);
}

static const char *take_send_timeout(void *into, const char *argument)
{
    return take_timeout(&((struct server_options *)into)->timeouts.send_ns, argument);
}

static const char *take_drain_timeout(void *into, const char *argument)
{
    return take_duration(&((struct server_options *)into)->timeouts.drain_ns, argument);
}

static const struct option_spec specs[] = {
    {'l', "listen", "ADDR",
     "listen on HOST:PORT, [V6]:PORT or unix:PATH; may be given several times; port 0 picks a free "
     "one. Default 127.0.0.1:8080 (sync), 127.0.0.1:8081 (async), unless --tls-listen is given or "
     "a supervisor passes sockets that listen (systemd's socket activation): those are served "
     "besides any ADDR given",
     OPTION_BOTH, take_listen, "Where"},
    {0, "tls-listen", "ADDR",
     "the same over TLS: HTTPS is spoken there, and nothing else; without --listen, nowhere is "
     "plain HTTP. A supervisor's socket is for TLS if its name (FileDescriptorName=) is tls or "
     "https, or if ADDR is where it listens",
     OPTION_BOTH, take_tls_listen, NULL},
    {0, "cert", "FILE",
     "a certificate, and those that lead to its authority, in PEM. May be given several times: the "
     "name that a client asks for chooses, and the first one is for all others. Default: one that "
     "the server makes for localhost and signs itself; it prints the fingerprint",
     OPTION_BOTH, take_cert, "TLS"},
    {0, "key", "FILE",
     "the key of the certificate beside it, in PEM, without a password. Default: it is in the "
     "certificate's file",
     OPTION_BOTH, take_key, NULL},
    {0, "ocsp", "FILE",
     "staple this to the certificate before it: the authority's word that it has not been revoked "
     "(an OCSP response, DER)",
     OPTION_BOTH, take_ocsp, NULL},
    {0, "client-ca", "FILE",
     "serve only clients with a certificate of these authorities (PEM). Default: nobody is asked "
     "for one",
     OPTION_BOTH, take_client_ca, NULL},
    {0, "tls-min", "V", "the oldest version that is spoken: 1.2 or 1.3. Default 1.2", OPTION_BOTH,
     take_tls_min, NULL},
    {0, "ticket-keys", "FILE",
     "keys for session tickets, to be shared by servers: 80 or 48 random bytes for each. May be "
     "given several times; the first key encrypts, the others decrypt. Default: random ones, new "
     "every hour",
     OPTION_BOTH, take_ticket_keys, NULL},
    {0, "fallback", "PATH",
     "serve this path of DOCROOT where no file matches. Default, when DOCROOT is omitted: the "
     "whole book",
     OPTION_BOTH, take_fallback, "What"},
    {0, "no-fallback", NULL, "answer 404 where no file matches", OPTION_BOTH, take_no_fallback,
     NULL},
    {0, "revalidate", "T",
     "trust a file's identity for this long without asking the file system; 0 asks for every "
     "request. Default 1s",
     OPTION_BOTH, take_revalidate, NULL},
    {0, "dotfiles", NULL,
     "serve names that begin with a dot too; they are 404 unless asked for, /.well-known/ excepted",
     OPTION_BOTH, take_dotfiles, NULL},
    {0, "cache-control", "V", "send Cache-Control: V with every file", OPTION_BOTH,
     take_cache_control, NULL},
    {0, "response-header", "'N: V'", "send this field with every reply; may be given several times",
     OPTION_BOTH, take_response_header, NULL},
    {'t', "threads", "N", "event loops, each on a thread of its own. Default 1", OPTION_ASYNC,
     take_threads, "How"},
    {0, "file-threads", "N",
     "helper threads that open files and read what is not in memory, so that no loop waits for a "
     "disk or a network; one more is kept for files on disks. Default 4",
     OPTION_ASYNC, take_file_threads, NULL},
    {0, "offload", "T",
     "do the work of --compute on T helper threads instead of the loop. Default 0", OPTION_ASYNC,
     take_offload, NULL},
    {0, "stack", "SIZE", "bytes of each connection thread's stack. Default 64k", OPTION_SYNC,
     take_stack, NULL},
    {0, "delay", "MIN-MAX",
     "wait that long, drawn uniformly, before each reply, which then says so in a Delay field; "
     "stands for a slow database or API",
     OPTION_BOTH, take_delay, "Stand-ins for work"},
    {0, "seed", "N", "the seed of the delays. Default 1", OPTION_BOTH, take_seed, NULL},
    {0, "compute", "N", "compute fib(N) by naive recursion before each reply", OPTION_BOTH,
     take_compute, NULL},
    {0, "max-connections", "N",
     "connections at once; more wait to be accepted. Default 0: as many as there are descriptors",
     OPTION_BOTH, take_max_connections, "Limits"},
    {0, "max-per-address", "N",
     "connections at once from one IPv4 address, or one IPv6 network of 64 bits; more are answered "
     "503. Default 0: any number",
     OPTION_BOTH, take_max_per_address, NULL},
    {0, "max-requests", "N", "requests on one connection. Default 0: any number", OPTION_BOTH,
     take_max_requests, NULL},
    {0, "max-head", "SIZE", "bytes of a request head. Default 16k", OPTION_BOTH, take_max_head,
     NULL},
    {0, "max-fields", "N", "field lines of a request head. Default 100", OPTION_BOTH,
     take_max_fields, NULL},
    {0, "max-body", "SIZE", "bytes of a request body that are read and dropped. Default 1M",
     OPTION_BOTH, take_max_body, NULL},
    {0, "header-timeout", "T",
     "time for a whole request head, and for each further piece of a request body. Default 10s",
     OPTION_BOTH, take_header_timeout, NULL},
    {0, "idle-timeout", "T", "time without a request. Default 60s", OPTION_BOTH, take_idle_timeout,
     NULL},
    {0, "send-timeout", "T", "time without the client taking anything. Default 30s", OPTION_BOTH,
     take_send_timeout, NULL},
    {0, "min-rate", "B",
     "bytes a second that a client has to take of a reply, or to send of a request body, in each "
     "span of --send-timeout or --header-timeout; 0: any progress will do. Default 240",
     OPTION_BOTH, take_min_rate, NULL},
    {0, "drain-timeout", "T", "time for running replies after SIGTERM or SIGINT. Default 10s",
     OPTION_BOTH, take_drain_timeout, NULL},
    {0, "user", "NAME",
     "serve as this user, with the groups it has: files that it may not read are refused. The "
     "process that holds listeners and logs stays who it is. Only root can. Default: whoever "
     "started it",
     OPTION_BOTH, take_user, "Confinement"},
    {0, "chroot", NULL,
     "make DOCROOT the root of the file system for the process that serves. Only root can",
     OPTION_BOTH, take_chroot, NULL},
    {0, "no-sandbox", NULL,
     "do without what confines the process that serves where the kernel has it: Landlock, which "
     "lets it read DOCROOT and nothing else; seccomp, which leaves it the system calls that it "
     "needs; no new privileges, and root's dropped",
     OPTION_BOTH, take_no_sandbox, NULL},
    {0, "access-log", "FILE",
     "write a line for every reply to FILE, which may be a FIFO, or to standard output if it is "
     "'-'. "
     "SIGHUP has FILE opened anew. Lines that FILE does not take in time are dropped and counted. "
     "Default: none is written",
     OPTION_BOTH, take_access_log, "Logs and metrics"},
    {0, "log-format", "F",
     "the form of these lines: combined, with the time in microseconds, the connection and the "
     "number "
     "of the request on it behind; or json. Default combined",
     OPTION_BOTH, take_log_format, NULL},
    {0, "admin", "ADDR",
     "listen on this address, too, for GET /metrics (in the text format of Prometheus) and "
     "/healthz. It is meant to be private. Default: nowhere",
     OPTION_BOTH, take_admin, NULL},
    {0},
};

static void set_defaults(struct server_options *options)
{
    *options = (struct server_options){
        .trust_ns = NS_PER_S,
        .limits = {.request = {.head = 16 * 1024, .fields = 100},
                   .body = 1024 * 1024,
                   .min_rate = 240},
        .timeouts =
            {
                .head_ns = 10 * NS_PER_S,
                .idle_ns = 60 * NS_PER_S,
                .send_ns = 30 * NS_PER_S,
                .drain_ns = 10 * NS_PER_S,
            },
        .seed = 1,
        .loops = 1,
        .file_threads = 4,
        .stack = 64 * 1024,
    };
}

struct option_table server_option_table(const struct serve_model *model)
{
    return (struct option_table){
        .program = model->program,
        .sister = model->sister,
        .me = model->owner,
        .usage = "[OPTION]... [DOCROOT]",
        .about = "Serves the files of DOCROOT over HTTP/1.1; without DOCROOT, The Count of Monte "
                 "Cristo.",
        .version = CRISTO_VERSION,
        .specs = specs,
    };
}

/* The default place stands in where none is named; TLS may be spoken where a supervisor or a
 * predecessor has opened. */
static enum options_outcome settle_places(struct server_options *options,
                                          const struct option_table *table,
                                          const struct serve_model *model)
{
    options->listen_default = options->listen_count == 0;
    if (options->listen_default) {
        take_listen(options, model->address);
    }
    options->speaks_tls = options->speaks_tls || inherited_has_tls();
    if (options->tls_needing != NULL && !options->speaks_tls) {
        return options_misuse(table, "%s: nothing is served over TLS without --tls-listen",
                              options->tls_needing);
    }
    for (unsigned i = 0; i < options->certificate_count; i++) {
        if (options->certificates[i].cert == NULL) {
            return options_misuse(table, "--key: %s: there is no --cert for it",
                                  options->certificates[i].key);
        }
    }
    return OPTIONS_RUN;
}

enum options_outcome server_options_read(struct server_options *options,
                                         const struct serve_model *model, int argc, char **argv)
{
    const struct option_table table = server_option_table(model);
    int operand;
    set_defaults(options);
    enum options_outcome outcome = options_read(&table, argc, argv, options, &operand);
    if (outcome != OPTIONS_RUN) {
        return outcome;
    }
    if (argc - operand > 1) {
        return options_misuse(&table, "%s: one DOCROOT is enough", argv[operand + 1]);
    }
    if (options->fallback != NULL && options->no_fallback) {
        return options_misuse(&table, "--fallback and --no-fallback exclude each other");
    }
    options->docroot = operand < argc ? argv[operand] : NULL;
    options->limits.request.target = options->limits.request.head / 2;
    return settle_places(options, &table, model);
}
