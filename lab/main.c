/* cristo-lab: measures threads against events and draws what comes of it. */
#include "lab/bundle.h"
#include "lab/experiment.h"
#include "lab/options.h"
#include "lab/plan.h"
#include "lab/report.h"
#include "lab/summary.h"
#include "lib/base/log.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static int list(void);
static int redraw(const char *dir);

int main(int argc, char **argv)
{
    struct options options;
    log_program("cristo-lab");

    switch (options_take(&options, argc, argv)) {
    case OPTIONS_DONE:
        return 0;
    case OPTIONS_MISUSE:
        return 2;
    case OPTIONS_RUN:
        break;
    }
    switch (options.command) {
    case COMMAND_LIST:
        return list();
    case COMMAND_RUN:
        return experiment_run(&options.run, options.operand);
    case COMMAND_REPORT:
        return redraw(options.operand);
    }
    return 2;
}

static int list(void)
{
    for (size_t i = 0; i < plan_count(); i++) {
        char why[PLAN_WHY];
        struct plan plan;
        json_t *json = plan_find(plan_name(i), why);
        if (json == NULL || !plan_read(&plan, json, why)) {
            log_fatal(1, "%s: %s", plan_name(i), why);
        }
        printf("%-12s %s\n", plan.name, plan.question);
        json_decref(json);
        plan_finish(&plan);
    }
    return 0;
}

/* The summary is computed anew from the rows: a newer program may judge better than the one that
 * measured. bundle.json itself is left as it is. */
static int redraw(const char *dir)
{
    static struct summary summary;
    char why[BUNDLE_WHY], address[REPORT_ADDRESS], path[PATH_MAX];

    json_t *bundle = bundle_load(dir, why);
    if (bundle == NULL) {
        log_error("%s", why);
        return 2;
    }
    bool well = summary_make(&summary, bundle, why);
    if (well) {
        json_object_set_new(bundle, "summary", summary_json(&summary));
        summary_finish(&summary);
        well = report_write(bundle, dir, why);
    }
    json_decref(bundle);
    if (!well) {
        log_error("%s: %s", dir, why);
        return 1;
    }
    printf("The page: %s\n", report_address(address, realpath(dir, path) != NULL ? path : dir));
    return 0;
}
