/* A file of URLs: whatever it holds, each request that comes of it is one request. */
#include "client/options.h"
#include "client/plan_tls.h"

#include "lib/base/clock.h"
#include "lib/http/framing.h"
#include "tests/fuzz/numeric_hosts.h"
#include "tests/fuzz/text.h"

#include <strings.h>

/* Certificates are no part of it. */
enum plan_outcome plan_tls(struct plan *plan, struct origin *origins, const struct options *options,
                           char *why)
{
    (void)plan;
    (void)origins;
    (void)options;
    (void)why;
    return PLAN_READY;
}

void plan_tls_finish(struct plan *plan)
{
    (void)plan;
}

static void check_target(const struct target *target)
{
    static const struct request_limits limits = {1 << 20, 1 << 20, 100};
    struct request request;
    const char *why;
    PROPERTY(request_read(target->request, &limits, &request, &why) == REQUEST_COMPLETE);
    PROPERTY(request.head_size == target->request.len && request.method == METHOD_GET);
    PROPERTY(framing_of_request(&request).kind == FRAMING_NONE);
    PROPERTY(target->origin != NULL && target->origin->tcp);
    bool tls = strncasecmp(target->url, "https:", 6) == 0;
    PROPERTY((target->origin->host != NULL) == tls);
    PROPERTY(!tls || strcasestr(target->url, target->origin->host) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const first[] = {"http://127.0.0.1:8080/first"};
    char why[PLAN_TEXT] = "";
    struct plan plan;
    struct means means = {.descriptors = 1000, .ports = 1000};
    struct options options = {
        .connections = 1,
        .threads = 1,
        .pipeline = 1,
        .timeout_ns = NS_PER_S,
        .method = "GET",
        .urls = first,
        .url_count = size % 2,
        .urls_path = text_file((struct bytes){(const char *)data, size}),
    };
    if (plan_init(&plan, &options, true, &means, why) != PLAN_READY) {
        PROPERTY(why[0] != '\0' && strlen(why) < PLAN_TEXT);
        return 0;
    }
    PROPERTY(plan.target_count >= 1);
    for (size_t i = 0; i < plan.target_count; i++) {
        check_target(&plan.targets[i]);
    }
    size_t first_turns = 0;
    for (uint64_t turn = 0; turn < plan.turn_count; turn++) {
        const struct target *target = plan_target(&plan, turn);
        PROPERTY(target >= plan.targets && target < plan.targets + plan.target_count);
        first_turns += target == plan.targets;
    }
    PROPERTY(first_turns == (plan.weights == NULL ? 1 : plan.weights[0]));
    plan_finish(&plan);
    return 0;
}
