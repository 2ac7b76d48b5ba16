#include "client/plan.h"

#include "client/options.h"
#include "client/plan_tls.h"
#include "client/url.h"
#include "lib/base/clock.h"
#include "lib/base/units.h"
#include "lib/net/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CONNECTIONS_USUAL = 10,
    DESCRIPTORS_BESIDE = 9, /* results, signals, the first loop */
    DESCRIPTORS_PER_LOOP = 3,
    ROUND_MOST = 1000000, /* turns, with weights */
    PORTS_MOST = 64512,   /* that a range can have: those below 1024 are for root's programs */
    HOST_TEXT = 300,
};

#define AGENT "User-Agent: cristo/" CRISTO_VERSION "\r\n"

/* What a plan is being made from, and what came of it so far. */
struct draft {
    const struct options *options;
    struct plan *plan;
    struct origin *origins;
    struct target *targets;
    uint32_t *weights;
    bool weighted;         /* some differ */
    char where[HOST_TEXT]; /* the last address that was looked up: of many URLs, most share it */
    const struct origin *origin;
    struct bytes host;   /* Host by -H; empty: the URL's own */
    struct bytes fields; /* what every request head says beside Host; owned */
    char *why;
};

static enum plan_outcome fail(const struct draft *draft, enum plan_outcome outcome,
                              const char *format, ...) __attribute__((format(printf, 3, 4)));

static enum plan_outcome fail(const struct draft *draft, enum plan_outcome outcome,
                              const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(draft->why, PLAN_TEXT, format, arguments);
    va_end(arguments);
    return outcome;
}

static enum plan_outcome out_of_memory(const struct draft *draft)
{
    return fail(draft, PLAN_FAILURE, "out of memory");
}

/* Reads to the end, into memory that grows. 0 or an errno. */
static int read_all(int fd, char **text, size_t *size)
{
    size_t room = 0;
    ssize_t got = 1;
    *text = NULL;
    *size = 0;
    while (got > 0) {
        if (*size + 1 >= room) {
            room = room == 0 ? 64 * 1024 : 2 * room;
            char *grown = realloc(*text, room);
            if (grown == NULL) {
                return ENOMEM;
            }
            *text = grown;
        }
        got = read(fd, *text + *size, room - 1 - *size);
        *size += got > 0 ? (size_t)got : 0;
    }
    (*text)[*size] = '\0';
    return got < 0 ? errno : 0;
}

/* Reads a whole file or pipe; a NUL stands behind the content, which is the caller's to free.
 * `option` and `path` are what the message names. */
static enum plan_outcome read_file(const struct draft *draft, const char *option, const char *path,
                                   struct bytes *content)
{
    char *text = NULL;
    size_t size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int error = fd < 0 ? errno : read_all(fd, &text, &size);
    if (fd >= 0) {
        close(fd);
    }
    if (error != 0) {
        free(text);
        return fail(draft, PLAN_FAILURE, "--%s %s: %s", option, path, strerror(error));
    }
    *content = (struct bytes){text, size};
    return PLAN_READY;
}

/* --- what every request says ------------------------------------------------------------------ */

static enum plan_outcome read_body(struct draft *draft)
{
    const char *path = draft->options->body_path;
    return path == NULL ? PLAN_READY : read_file(draft, "body", path, &draft->plan->body);
}

static void plan_method(struct draft *draft)
{
    struct plan *plan = draft->plan;
    plan->method_text = draft->options->method;
    plan->method = method_of(bytes_of(plan->method_text));
    switch (plan->method) { /* RFC 9110 9.2.2 */
    case METHOD_GET:
    case METHOD_HEAD:
    case METHOD_PUT:
    case METHOD_DELETE:
    case METHOD_OPTIONS:
    case METHOD_TRACE:
        plan->repeatable = true;
        break;
    case METHOD_POST:
    case METHOD_CONNECT:
    case METHOD_PATCH:
    case METHOD_OTHER:
        break;
    }
}

/* Whether a body is expected of the method, so that its absence is to be said (RFC 9110 8.6). */
static bool needs_length(const struct draft *draft)
{
    enum method method = draft->plan->method;
    return draft->options->body_path != NULL || method == METHOD_POST || method == METHOD_PUT ||
           method == METHOD_PATCH;
}

/* Walks the lines of every -H: takes Host out of them, and notes whether the agent is named. */
static void sort_lines(struct draft *draft, const char *lines, FILE *to, bool *names_agent)
{
    struct bytes rest = lines == NULL ? (struct bytes){0} : bytes_of(lines);
    struct field field;
    while (field_next(&rest, &field)) {
        if (bytes_equal_nocase(field.name, field_spelling(FIELD_HOST))) {
            draft->host = field.value;
            continue;
        }
        *names_agent |= bytes_equal_nocase(field.name, BYTES("User-Agent"));
        fprintf(to, "%.*s: %.*s\r\n", (int)field.name.len, field.name.at, (int)field.value.len,
                field.value.at);
    }
}

static enum plan_outcome write_fields(struct draft *draft)
{
    bool names_agent = false;
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (to == NULL) {
        return out_of_memory(draft);
    }
    sort_lines(draft, draft->options->header_lines, to, &names_agent);
    if (!names_agent) {
        fprintf(to, AGENT);
    }
    if (needs_length(draft)) {
        fprintf(to, "Content-Length: %zu\r\n", draft->plan->body.len);
    }
    if (draft->plan->close) {
        fprintf(to, "Connection: close\r\n");
    }
    bool complete = fclose(to) == 0;
    draft->fields = (struct bytes){text, size};
    return complete ? PLAN_READY : out_of_memory(draft);
}

/* --- where to --------------------------------------------------------------------------------- */

/* "host:port" of the URL, or "unix:PATH", as address_read() takes it. */
static bool write_address(char *to, const struct draft *draft, const struct url *url)
{
    const char *path = draft->options->unix_path;
    int host_len = (int)url->host.len;
    bool is_v6 = memchr(url->host.at, ':', url->host.len) != NULL;
    int len = path != NULL ? snprintf(to, HOST_TEXT, "unix:%s", path)
                           : snprintf(to, HOST_TEXT, is_v6 ? "[%.*s]:%u" : "%.*s:%u", host_len,
                                      url->host.at, url->port);
    if (path == NULL && strncmp(to, "unix:", 5) == 0) {
        to[0] = 'U'; /* a host of that name is no socket, and in names case counts for nothing */
    }
    return len < HOST_TEXT;
}

static bool is_same_address(const struct address *a, const struct address *b)
{
    return a->size == b->size && memcmp(&a->at, &b->at, a->size) == 0;
}

/* Whether it speaks TLS as the URL wants it: for the same host, whatever its address. */
static bool is_fit(const struct origin *origin, const struct url *url)
{
    return url->tls ? origin->host != NULL && bytes_equal_nocase(bytes_of(origin->host), url->host)
                    : origin->host == NULL;
}

/* The origin of a URL with this address, added if it is new. There is room for one per URL. NULL
 * when out of memory. */
static const struct origin *origin_of(struct draft *draft, const struct address *address,
                                      const struct url *url)
{
    for (size_t i = 0; i < draft->plan->origin_count; i++) {
        const struct origin *known = &draft->origins[i];
        if (is_fit(known, url) && is_same_address(&known->address, address)) {
            return known;
        }
    }
    char *host = url->tls ? strndup(url->host.at, url->host.len) : NULL;
    if (url->tls && host == NULL) {
        return NULL;
    }
    struct origin *origin = &draft->origins[draft->plan->origin_count++];
    *origin = (struct origin){.address = *address, .tcp = !address_is_unix(address), .host = host};
    return origin;
}

/* The request head for a URL, in memory of its own. */
static bool write_request(const struct draft *draft, const struct url *url, struct bytes *request)
{
    char *target = NULL;
    bool has_path = url->path.len > 0 && url->path.at[0] == '/';
    int target_len =
        asprintf(&target, "%s%.*s", has_path ? "" : "/", (int)url->path.len, url->path.at);
    if (target_len < 0) {
        return false;
    }
    struct request_head head = {
        .method = bytes_of(draft->options->method),
        .target = {target, (size_t)target_len},
        .host = draft->host.len > 0 ? draft->host : url->authority,
        .fields = draft->fields,
    };
    size_t size = request_write(NULL, 0, &head);
    char *text = malloc(size);
    if (text != NULL) {
        request_write(text, size, &head);
        *request = (struct bytes){text, size};
    }
    free(target);
    return text != NULL;
}

/* Looks up where a URL leads; what is wrong, or NULL. */
static const char *find_origin(struct draft *draft, const struct url *url)
{
    char where[HOST_TEXT];
    struct address address = {0};
    if (!write_address(where, draft, url)) {
        return "names a host that is too long";
    }
    if (draft->origin != NULL && strcmp(where, draft->where) == 0 && is_fit(draft->origin, url)) {
        return NULL;
    }
    const char *wrong = address_read(where, &address);
    if (wrong == NULL) {
        draft->origin = origin_of(draft, &address, url);
        memcpy(draft->where, where, sizeof where);
    }
    return wrong != NULL || draft->origin != NULL ? wrong : "is too much for the memory";
}

static enum plan_outcome add_target(struct draft *draft, const char *text)
{
    const char *path = draft->options->unix_path;
    struct url url;
    const char *wrong = url_read(text, &url);
    if (wrong != NULL) {
        return fail(draft, PLAN_MISUSE, "%s: %s", text, wrong);
    }
    wrong = find_origin(draft, &url);
    if (wrong != NULL) {
        return path != NULL ? fail(draft, PLAN_MISUSE, "--unix-socket %s: %s", path, wrong)
                            : fail(draft, PLAN_FAILURE, "%s: %s", text, wrong);
    }
    struct target *target = &draft->targets[draft->plan->target_count];
    *target = (struct target){.url = text, .origin = draft->origin};
    if (!write_request(draft, &url, &target->request)) {
        return out_of_memory(draft);
    }
    draft->plan->target_count++;
    return PLAN_READY;
}

/* The next line of a text that is neither empty nor a comment, made a string in place; NULL at the
 * end. */
static char *next_line(char **text)
{
    while (**text != '\0') {
        char *line = *text + strspn(*text, " \t\r\n");
        size_t len = strcspn(line, "\r\n");
        *text = line + len + (line[len] != '\0');
        line[len] = '\0';
        if (len > 0 && *line != '#') {
            return line;
        }
    }
    return NULL;
}

/* Takes a weight off the end of a line ("URL 3"), and adds the URL. */
static enum plan_outcome add_weighted(struct draft *draft, char *line)
{
    size_t len = strcspn(line, " \t");
    char *word = line + len + strspn(line + len, " \t");
    uint64_t weight = 1;
    if (*word != '\0') {
        word[strcspn(word, " \t")] = '\0';
        line[len] = '\0';
        if (!units_read_count(word, 1, ROUND_MOST, &weight)) {
            return fail(draft, PLAN_MISUSE, "--urls: %s: %s is not a weight (try 3)", line, word);
        }
        draft->weighted = true;
    }
    draft->weights[draft->plan->target_count] = (uint32_t)weight;
    return add_target(draft, line);
}

static size_t count_lines(const char *text)
{
    size_t count = 1;
    while ((text = strchr(text, '\n')) != NULL) {
        text++;
        count++;
    }
    return count;
}

static enum plan_outcome read_urls(struct draft *draft, size_t *most)
{
    const char *path = draft->options->urls_path;
    struct bytes text = {0};
    enum plan_outcome outcome = path == NULL ? PLAN_READY : read_file(draft, "urls", path, &text);
    draft->plan->url_text = (char *)text.at;
    *most = draft->options->url_count + (text.len > 0 ? count_lines(text.at) : 0);
    return outcome;
}

static enum plan_outcome add_targets(struct draft *draft)
{
    const struct options *options = draft->options;
    enum plan_outcome outcome = PLAN_READY;
    for (size_t i = 0; i < options->url_count && outcome == PLAN_READY; i++) {
        draft->weights[i] = 1;
        outcome = add_target(draft, options->urls[i]);
    }
    char *rest = draft->plan->url_text;
    while (rest != NULL && outcome == PLAN_READY) {
        char *line = next_line(&rest);
        if (line == NULL) {
            break;
        }
        outcome = add_weighted(draft, line);
    }
    return outcome;
}

/* One of a target's turns in a round. */
struct turn {
    double at; /* of the round, which is 1 */
    uint32_t target;
};

static int compare_turns(const void *a, const void *b)
{
    const struct turn *one = a;
    const struct turn *other = b;
    if (one->at < other->at || one->at > other->at) {
        return one->at < other->at ? -1 : 1;
    }
    return one->target < other->target ? -1 : 1;
}

static uint32_t *order_turns(const struct plan *plan)
{
    struct turn *turns = calloc(plan->turn_count, sizeof(*turns));
    uint32_t *order = calloc(plan->turn_count, sizeof(*order));
    size_t count = 0;
    for (size_t i = 0; turns != NULL && i < plan->target_count; i++) {
        for (uint32_t k = 0; k < plan->weights[i]; k++) {
            turns[count++] = (struct turn){(k + 0.5) / plan->weights[i], (uint32_t)i};
        }
    }
    if (turns != NULL && order != NULL) {
        qsort(turns, count, sizeof(*turns), compare_turns);
        for (size_t i = 0; i < count; i++) {
            order[i] = turns[i].target;
        }
    }
    bool complete = turns != NULL;
    free(turns);
    if (!complete) {
        free(order);
        order = NULL;
    }
    return order;
}

/* Each target has as many turns in a round as it weighs, evenly spread over it. */
static enum plan_outcome plan_turns(struct draft *draft)
{
    struct plan *plan = draft->plan;
    uint64_t sum = 0;
    plan->turn_count = plan->target_count;
    if (!draft->weighted) {
        return PLAN_READY;
    }
    plan->weights = draft->weights;
    for (size_t i = 0; i < plan->target_count; i++) {
        sum += plan->weights[i];
    }
    if (sum > ROUND_MOST) {
        return fail(draft, PLAN_MISUSE, "--urls %s: the weights make %llu, and %d is the most",
                    draft->options->urls_path, (unsigned long long)sum, ROUND_MOST);
    }
    plan->turn_count = sum;
    plan->turns = order_turns(plan);
    return plan->turns == NULL ? out_of_memory(draft) : PLAN_READY;
}

static enum plan_outcome plan_targets(struct draft *draft)
{
    size_t most;
    enum plan_outcome outcome = read_urls(draft, &most);
    if (outcome != PLAN_READY) {
        return outcome;
    }
    draft->origins = calloc(most + 1, sizeof(*draft->origins));
    draft->targets = calloc(most + 1, sizeof(*draft->targets));
    draft->weights = calloc(most + 1, sizeof(*draft->weights));
    draft->plan->origins = draft->origins;
    draft->plan->targets = draft->targets;
    bool room = draft->origins != NULL && draft->targets != NULL && draft->weights != NULL;
    outcome = room ? write_fields(draft) : out_of_memory(draft);
    if (outcome == PLAN_READY) {
        outcome = add_targets(draft);
    }
    if (outcome == PLAN_READY && draft->plan->target_count == 0) {
        outcome = fail(draft, PLAN_MISUSE, "no URL was given");
    }
    if (outcome == PLAN_READY) {
        outcome = plan_turns(draft);
    }
    if (draft->plan->weights == NULL) {
        free(draft->weights);
    }
    free((char *)draft->fields.at);
    return outcome;
}

/* --- how much --------------------------------------------------------------------------------- */

static enum plan_outcome plan_ramp(struct draft *draft)
{
    const struct options *options = draft->options;
    struct plan *plan = draft->plan;
    uint64_t level = options->rate > 0 ? options->rate : options->connections;
    if (options->ramp.count == 0) {
        return PLAN_READY;
    }
    plan->ramp = options->ramp;
    ramp_begin(&plan->ramp, level);
    plan->ramps_connections = options->rate == 0;
    if (ramp_top(&plan->ramp) == 0) {
        return fail(draft, PLAN_MISUSE, "--stages: not one of them comes to a connection");
    }
    if (options->duration_ns == 0 && ramp_length_ns(&plan->ramp) == 0) {
        return fail(draft, PLAN_MISUSE, "--stages: they take no time, so say how long with -d");
    }
    if (plan->ramps_connections && options->requests > 0) {
        return fail(draft, PLAN_MISUSE,
                    "--stages of connections end by the clock, which leaves no room for -n");
    }
    uint64_t never;
    if (plan->ramps_connections && options->warmup_ns > 0 &&
        !ramp_wants(&plan->ramp, 0, 0, &never)) {
        return fail(draft, PLAN_MISUSE,
                    "--stages begin with no connection that --warmup could use: give some with -c");
    }
    return PLAN_READY;
}

static enum plan_outcome check_descriptors(const struct draft *draft, const struct means *means)
{
    const struct plan *plan = draft->plan;
    if (plan->descriptors <= means->descriptors) {
        return PLAN_READY;
    }
    return fail(draft, PLAN_MISUSE,
                "-c %llu needs %llu descriptors, the hard limit is %llu: "
                "raise it with ulimit -Hn %llu",
                (unsigned long long)plan->connections, (unsigned long long)plan->descriptors,
                (unsigned long long)means->descriptors, (unsigned long long)plan->descriptors);
}

static enum plan_outcome plan_amounts(struct draft *draft, bool one_thread_each,
                                      const struct means *means)
{
    const struct options *options = draft->options;
    struct plan *plan = draft->plan;
    plan->connections = options->connections > 0 ? options->connections : CONNECTIONS_USUAL;
    if (plan->ramps_connections) {
        plan->connections = ramp_top(&plan->ramp);
    }
    plan->requests = options->requests;
    plan->duration_ns = options->duration_ns;
    if (plan->ramp.count > 0 && plan->duration_ns == 0) {
        plan->duration_ns = ramp_length_ns(&plan->ramp);
    }
    if (plan->requests == 0 && plan->duration_ns == 0) {
        plan->requests = options->urls_path != NULL ? plan->turn_count : 0;
        plan->duration_ns = options->urls_path != NULL ? 0 : 10 * NS_PER_S;
    }
    if (plan->requests > 0 && plan->connections > plan->requests) {
        plan->connections = plan->requests;
    }
    plan->threads = one_thread_each || options->threads > plan->connections ? plan->connections
                                                                            : options->threads;
    uint64_t loops = one_thread_each ? 0 : plan->threads - 1;
    plan->descriptors =
        plan->connections + means->open + DESCRIPTORS_BESIDE + loops * DESCRIPTORS_PER_LOOP;
    return check_descriptors(draft, means);
}

/* --- where from ------------------------------------------------------------------------------- */

/* One address of a list, without a port. */
static const char *read_source(const char *text, size_t len, struct address *source)
{
    char padded[HOST_TEXT];
    bool is_v6 = memchr(text, ':', len) != NULL && text[0] != '[';
    if (len == 0 || len + sizeof "[]:0" > sizeof padded) {
        return "is not an address";
    }
    snprintf(padded, sizeof padded, is_v6 ? "[%.*s]:0" : "%.*s:0", (int)len, text);
    const char *wrong = address_read(padded, source);
    return wrong != NULL || address_is_unix(source) ? "is not an address" : NULL;
}

/* Each server must be in reach of each of them. */
static bool has_other_family(const struct draft *draft, const struct address *source)
{
    bool other = false;
    for (size_t i = 0; i < draft->plan->origin_count; i++) {
        other |= draft->origins[i].address.at.any.sa_family != source->at.any.sa_family;
    }
    return other;
}

static enum plan_outcome plan_sources(struct draft *draft)
{
    const char *text = draft->options->sources;
    size_t most = 1;
    for (const char *at = text; at != NULL && (at = strchr(at, ',')) != NULL; at++) {
        most++;
    }
    struct address *sources = text == NULL ? NULL : calloc(most, sizeof(*sources));
    draft->plan->sources = sources;
    if (text != NULL && sources == NULL) {
        return out_of_memory(draft);
    }
    while (text != NULL) {
        size_t len = strcspn(text, ",");
        struct address *source = &sources[draft->plan->source_count++];
        const char *wrong = read_source(text, len, source);
        if (wrong == NULL && has_other_family(draft, source)) {
            wrong = "is of another family than the server's address";
        }
        if (wrong != NULL) {
            return fail(draft, PLAN_MISUSE, "--source %.*s: %s", (int)len, text, wrong);
        }
        int error = connect_try_source(source);
        if (error < 0) {
            return fail(draft, PLAN_FAILURE, "--source %.*s: %s", (int)len, text, strerror(-error));
        }
        text = text[len] == ',' ? text + len + 1 : NULL;
    }
    return PLAN_READY;
}

static uint64_t shared_by(uint64_t count, uint64_t each)
{
    return (count + each - 1) / each;
}

/* Of the origins: several hosts may be one server. */
static uint64_t count_addresses(const struct plan *plan)
{
    uint64_t count = 0;
    for (size_t i = 0; i < plan->origin_count; i++) {
        size_t j = 0;
        while (!is_same_address(&plan->origins[j].address, &plan->origins[i].address)) {
            j++;
        }
        count += j == i;
    }
    return count;
}

/* A port serves one connection from each source to each server. */
static enum plan_outcome check_ports(const struct draft *draft, uint64_t ports)
{
    const struct plan *plan = draft->plan;
    uint64_t sources = plan->source_count > 0 ? plan->source_count : 1;
    bool tcp = plan->origin_count > 0 && draft->origins[0].tcp;
    if (ports == 0 || !tcp || plan->connections <= ports * sources) {
        return PLAN_READY;
    }
    uint64_t addresses = count_addresses(plan), most = ports * sources * addresses;
    if (plan->connections <= most) {
        return PLAN_READY;
    }
    char wider[100] = "";
    uint64_t enough = shared_by(plan->connections, sources * addresses);
    if (enough <= PORTS_MOST) {
        snprintf(wider, sizeof wider,
                 ", or widen net.ipv4.ip_local_port_range from %llu ports to %llu",
                 (unsigned long long)ports, (unsigned long long)enough);
    }
    return fail(draft, PLAN_MISUSE,
                "-c %llu needs more local ports than the %llu of %llu address%s: name %llu with "
                "--source%s",
                (unsigned long long)plan->connections, (unsigned long long)most,
                (unsigned long long)sources, sources == 1 ? "" : "es",
                (unsigned long long)shared_by(plan->connections, ports * addresses), wider);
}

enum plan_outcome plan_init(struct plan *plan, const struct options *options, bool one_thread_each,
                            const struct means *means, char *why)
{
    struct draft draft = {.options = options, .plan = plan, .why = why};
    *plan = (struct plan){
        .pipeline = options->pipeline,
        .rate = options->rate,
        .warmup_ns = options->warmup_ns,
        .timeout_ns = options->timeout_ns,
        .connect_timeout_ns =
            options->connect_timeout_ns > 0 ? options->connect_timeout_ns : options->timeout_ns,
        .think_low_ns = options->think_low_ns,
        .think_high_ns = options->think_high_ns,
        .seed = options->seed,
        .close = options->close,
        .trace = options->trace,
        .verify = options->verify,
        .insecure = options->insecure,
        .resume = options->resume,
    };
    plan_method(&draft);
    enum plan_outcome outcome = read_body(&draft);
    if (outcome == PLAN_READY) {
        outcome = plan_targets(&draft);
    }
    if (outcome == PLAN_READY) {
        outcome = plan_sources(&draft);
    }
    if (outcome == PLAN_READY) {
        outcome = plan_ramp(&draft);
    }
    if (outcome == PLAN_READY) {
        outcome = plan_amounts(&draft, one_thread_each, means);
    }
    if (outcome == PLAN_READY) {
        outcome = check_ports(&draft, means->ports);
    }
    if (outcome == PLAN_READY) {
        outcome = plan_tls(plan, draft.origins, options, why);
    }
    if (outcome != PLAN_READY) {
        plan_finish(plan);
    }
    return outcome;
}

void plan_finish(struct plan *plan)
{
    for (size_t i = 0; i < plan->target_count; i++) {
        free((char *)plan->targets[i].request.at);
    }
    plan_tls_finish(plan);
    for (size_t i = 0; i < plan->origin_count; i++) {
        free(plan->origins[i].host);
    }
    free((void *)plan->targets);
    free((void *)plan->origins);
    free((void *)plan->sources);
    free((void *)plan->weights);
    free((void *)plan->turns);
    free(plan->url_text);
    free((char *)plan->body.at);
    *plan = (struct plan){0};
}
