#include "client/plan_tls.h"

#include "client/options.h"
#include "lib/tls/client.h"

#include <stdio.h>

static enum plan_outcome fail(char *why, const char *before, const char *what)
{
    snprintf(why, PLAN_TEXT, "%s%s", before, what);
    return PLAN_FAILURE;
}

/* The option that only https has a use for; NULL: none was given. */
static const char *needless_option(const struct options *options)
{
    return options->insecure            ? "--insecure"
           : options->ca_path != NULL   ? "--cacert"
           : options->cert_path != NULL ? "--cert"
           : options->resume            ? "--tls-resume"
                                        : NULL;
}

static bool speaks_tls(const struct plan *plan)
{
    for (size_t i = 0; i < plan->origin_count; i++) {
        if (plan->origins[i].host != NULL) {
            return true;
        }
    }
    return false;
}

/* One file of an option. A generator's key is a test's, and as often as not it comes out of an
 * archive that everybody may read: that is the user's to know. */
static enum plan_outcome read_pem(struct tls_file *file, const char *option, const char *path,
                                  char *why)
{
    char wrong[TLS_WRONG];
    if (path == NULL || tls_file_read(file, path, TLS_PUBLIC, wrong)) {
        return PLAN_READY;
    }
    return fail(why, option, wrong);
}

static enum plan_outcome read_files(struct tls_client_plan *files, const struct options *options,
                                    char *why)
{
    const char *key_path = options->key_path != NULL ? options->key_path : options->cert_path;
    enum plan_outcome outcome = read_pem(&files->ca, "--cacert ", options->ca_path, why);
    if (outcome == PLAN_READY) {
        outcome = read_pem(&files->own.chain, "--cert ", options->cert_path, why);
    }
    if (outcome == PLAN_READY) {
        outcome = read_pem(&files->own.key, "--key ", key_path, why);
    }
    return outcome;
}

static enum plan_outcome create_client(struct plan *plan, const struct options *options, char *why)
{
    struct tls_client_plan files = {.insecure = options->insecure};
    char wrong[TLS_WRONG];
    enum plan_outcome outcome = read_files(&files, options, why);
    if (outcome == PLAN_READY) {
        plan->tls = tls_client_create(&files, wrong);
        outcome = plan->tls != NULL ? PLAN_READY : fail(why, "", wrong);
    }
    tls_file_free(&files.ca);
    tls_file_free(&files.own.chain);
    tls_file_free(&files.own.key);
    return outcome;
}

static enum plan_outcome create_recalls(struct plan *plan, struct origin *origins, char *why)
{
    for (size_t i = 0; i < plan->origin_count; i++) {
        if (origins[i].host != NULL && (origins[i].recall = tls_recall_create()) == NULL) {
            return fail(why, "", "out of memory");
        }
    }
    return PLAN_READY;
}

enum plan_outcome plan_tls(struct plan *plan, struct origin *origins, const struct options *options,
                           char *why)
{
    const char *needless = needless_option(options);
    char wrong[TLS_WRONG];
    if (!speaks_tls(plan) && needless != NULL) {
        snprintf(why, PLAN_TEXT, "%s is for https, and no URL begins with https://", needless);
        return PLAN_MISUSE;
    }
    if (!speaks_tls(plan)) {
        return PLAN_READY;
    }
    if (!tls_init(wrong)) {
        return fail(why, "", wrong);
    }
    enum plan_outcome outcome = create_client(plan, options, why);
    return outcome == PLAN_READY && options->resume ? create_recalls(plan, origins, why) : outcome;
}

void plan_tls_finish(struct plan *plan)
{
    tls_client_destroy(plan->tls);
    for (size_t i = 0; i < plan->origin_count; i++) {
        tls_recall_destroy(plan->origins[i].recall);
    }
}
