/* The lab's plans: JSON of any kind is a plan within its bounds, or is refused with a reason. */
#include "lab/plan.h"

#include "tests/fuzz/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[PLAN_WHY] = "";
    struct plan plan;
    json_t *json = json_loadb((const char *)data, size, 0, NULL);
    if (plan_read(&plan, json, why)) {
        PROPERTY(plan.targets >= 1 && plan.targets <= PLAN_TARGETS && plan.repeats >= 1);
        PROPERTY(plan.waits.ways <= PLAN_WAYS && plan.hypotheses <= PLAN_HYPOTHESES);
        PROPERTY(plan.finding_target < plan.targets);
        for (size_t i = 0; i < plan.targets; i++) {
            PROPERTY(plan.target[i].steps >= 1 && plan.target[i].steps <= PLAN_STEPS);
        }
        plan_make_quick(&plan);
        plan_finish(&plan);
    } else {
        PROPERTY(why[0] != '\0' && memchr(why, '\0', sizeof(why)) != NULL);
    }
    json_decref(json);
    return 0;
}
