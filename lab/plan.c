#include "lab/plan.h"

#include "lab/builtin.h"
#include "lib/base/units.h"

#include <stdarg.h>
#include <stdio.h>

static bool read_settings(struct plan *plan, char *why);
static bool read_targets(struct plan *plan, char *why);
static bool read_connections(struct plan_target *target, json_t *list, char *why);
static bool read_finding(struct plan *plan, char *why);
static bool read_waits(struct plan *plan, char *why);
static bool read_ways(struct plan_waits *waits, json_t *list, char *why);
static bool read_hypotheses(struct plan *plan, char *why);
static json_t *load(const char *text, size_t size, const char *name, char *why);

static bool refuse(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(char *why, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, PLAN_WHY, format, arguments);
    va_end(arguments);
    return false;
}

bool plan_read(struct plan *plan, json_t *json, char *why)
{
    *plan = (struct plan){.json = json_incref(json)};
    if (read_settings(plan, why) && read_targets(plan, why) && read_finding(plan, why) &&
        read_waits(plan, why) && read_hypotheses(plan, why)) {
        return true;
    }
    plan_finish(plan);
    return false;
}

void plan_finish(struct plan *plan)
{
    json_decref(plan->json);
    *plan = (struct plan){0};
}

static bool read_settings(struct plan *plan, char *why)
{
    const char *schema, *duration, *warmup, *duration_many = NULL;
    int repeats, many = 1;
    json_int_t seed;
    json_error_t error;

    if (json_unpack_ex(plan->json, &error, 0, "{s:s, s:s, s:s, s:s, s:i, s:I, s:s, s:s, s?s, s?i}",
                       "schema", &schema, "name", &plan->name, "title", &plan->title, "question",
                       &plan->question, "repeats", &repeats, "seed", &seed, "duration", &duration,
                       "warmup", &warmup, "duration_many", &duration_many, "many", &many) != 0) {
        return refuse(why, "%s", error.text);
    }
    if (strcmp(schema, "cristo-plan/1") != 0) {
        return refuse(why, "its schema is \"%s\", not \"cristo-plan/1\"", schema);
    }
    if (repeats < 1 || repeats > 100) {
        return refuse(why, "repeats: %d: is not within 1 to 100", repeats);
    }
    if (!units_read_duration(duration, &plan->duration_ns) || plan->duration_ns == 0) {
        return refuse(why, "duration: %s: is not a duration", duration);
    }
    plan->duration_many_ns = plan->duration_ns;
    if (duration_many != NULL && (!units_read_duration(duration_many, &plan->duration_many_ns) ||
                                  plan->duration_many_ns == 0)) {
        return refuse(why, "duration_many: %s: is not a duration", duration_many);
    }
    if (many < 1) {
        return refuse(why, "many: %d: is no number of connections", many);
    }
    if (!units_read_duration(warmup, &plan->warmup_ns)) {
        return refuse(why, "warmup: %s: is not a duration", warmup);
    }
    plan->repeats = (unsigned)repeats;
    plan->many = (unsigned)many;
    plan->seed = (uint64_t)seed;
    return true;
}

static bool read_targets(struct plan *plan, char *why)
{
    json_t *list = json_object_get(plan->json, "targets");
    json_error_t error;
    json_t *item;
    size_t index;

    if (json_array_size(list) == 0 || json_array_size(list) > PLAN_TARGETS) {
        return refuse(why, "targets: is not a list of 1 to %d", PLAN_TARGETS);
    }
    json_array_foreach(list, index, item)
    {
        struct plan_target *target = &plan->target[plan->targets++];
        json_int_t near = 0;
        json_t *connections;
        if (json_unpack_ex(item, &error, 0, "{s:s, s:s, s:s, s?I, s:o}", "name", &target->name,
                           "label", &target->label, "path", &target->path, "near_bytes", &near,
                           "connections", &connections) != 0) {
            return refuse(why, "targets[%zu]: %s", index, error.text);
        }
        target->near_bytes = (uint64_t)near;
        if (!read_connections(target, connections, why)) {
            return false;
        }
    }
    return true;
}

static bool read_connections(struct plan_target *target, json_t *list, char *why)
{
    json_t *item;
    size_t index;

    if (json_array_size(list) == 0 || json_array_size(list) > PLAN_STEPS) {
        return refuse(why, "%s: connections: is not a list of 1 to %d", target->name, PLAN_STEPS);
    }
    json_array_foreach(list, index, item)
    {
        json_int_t number = json_integer_value(item);
        json_int_t before = index == 0 ? 0 : target->connections[index - 1];
        if (number <= before || number > 1000000) {
            return refuse(why, "%s: connections[%zu]: is not a rising whole number", target->name,
                          index);
        }
        target->connections[target->steps++] = (unsigned)number;
    }
    return true;
}

static bool read_finding(struct plan *plan, char *why)
{
    const char *name;
    json_error_t error;

    if (json_unpack_ex(plan->json, &error, 0, "{s:{s:s, s:F}}", "finding", "target", &name, "share",
                       &plan->finding_share) != 0) {
        return refuse(why, "%s", error.text);
    }
    for (size_t i = 0; i < plan->targets; i++) {
        if (strcmp(plan->target[i].name, name) == 0) {
            plan->finding_target = (unsigned)i;
            return true;
        }
    }
    return refuse(why, "finding: target: %s: is not one of the targets", name);
}

static bool read_waits(struct plan *plan, char *why)
{
    struct plan_waits *waits = &plan->waits;
    json_t *json = json_object_get(plan->json, "waits");
    json_t *ways;
    json_int_t requests, seed;
    json_error_t error;
    uint64_t low;

    if (json == NULL) {
        return true;
    }
    if (json_unpack_ex(json, &error, 0, "{s:I, s:s, s:I, s:s, s:o}", "requests", &requests, "delay",
                       &waits->delay, "seed", &seed, "path", &waits->path, "ways", &ways) != 0) {
        return refuse(why, "waits: %s", error.text);
    }
    if (requests < 1 || requests > 10000) {
        return refuse(why, "waits: requests: is not within 1 to 10000");
    }
    if (!units_read_span(waits->delay, &low, &waits->delay_max_ns)) {
        return refuse(why, "waits: delay: %s: is not a span (try 0s-3s)", waits->delay);
    }
    waits->requests = (unsigned)requests;
    waits->seed = (uint64_t)seed;
    return read_ways(waits, ways, why);
}

static bool read_ways(struct plan_waits *waits, json_t *list, char *why)
{
    json_error_t error;
    json_t *item;
    size_t index;

    if (json_array_size(list) == 0 || json_array_size(list) > PLAN_WAYS) {
        return refuse(why, "waits: ways: is not a list of 1 to %d", PLAN_WAYS);
    }
    json_array_foreach(list, index, item)
    {
        struct plan_way *way = &waits->way[waits->ways];
        const char *client;
        int connections;
        if (json_unpack_ex(item, &error, 0, "{s:s, s:s, s:s, s:i}", "name", &way->name, "label",
                           &way->label, "client", &client, "connections", &connections) != 0) {
            return refuse(why, "waits: ways[%zu]: %s", index, error.text);
        }
        if (!model_read(client, &way->client) || way->client == MODEL_OTHER || connections < 1) {
            return refuse(why, "waits: ways[%zu]: names no client, or no connections", index);
        }
        way->connections = (unsigned)connections;
        waits->ways++;
    }
    return true;
}

static bool read_hypotheses(struct plan *plan, char *why)
{
    json_t *list = json_object_get(plan->json, "hypotheses");
    json_error_t error;
    json_t *item;
    size_t index;

    if (json_array_size(list) > PLAN_HYPOTHESES) {
        return refuse(why, "hypotheses: more than %d", PLAN_HYPOTHESES);
    }
    json_array_foreach(list, index, item)
    {
        struct plan_hypothesis *hypothesis = &plan->hypothesis[plan->hypotheses++];
        if (json_unpack_ex(item, &error, 0, "{s:s, s:s, s:s}", "name", &hypothesis->name, "words",
                           &hypothesis->words, "expression", &hypothesis->expression) != 0) {
            return refuse(why, "hypotheses[%zu]: %s", index, error.text);
        }
    }
    return true;
}

json_t *plan_find(const char *name, char *why)
{
    size_t len = strlen(name);
    if (strchr(name, '/') != NULL || (len > 5 && strcmp(name + len - 5, ".json") == 0)) {
        json_error_t error;
        json_t *json = json_load_file(name, 0, &error);
        if (json == NULL) {
            refuse(why, error.line > 0 ? "%s (line %d)" : "%s", error.text, error.line);
        }
        return json;
    }
    for (size_t i = 0; i < builtin_plans_count; i++) {
        if (strcmp(builtin_plans[i].name, name) == 0) {
            return load(builtin_plans[i].data, builtin_plans[i].size, name, why);
        }
    }
    refuse(why, "there is no such experiment (cristo-lab list names them)");
    return NULL;
}

static json_t *load(const char *text, size_t size, const char *name, char *why)
{
    json_error_t error;
    json_t *json = json_loadb(text, size, 0, &error);
    if (json == NULL) {
        refuse(why, "%s: line %d: %s", name, error.line, error.text);
    }
    return json;
}

size_t plan_count(void)
{
    return builtin_plans_count;
}

const char *plan_name(size_t index)
{
    return builtin_plans[index].name;
}

uint64_t plan_duration_ns(const struct plan *plan, unsigned connections)
{
    return connections >= plan->many ? plan->duration_many_ns : plan->duration_ns;
}

void plan_set_repeats(struct plan *plan, unsigned repeats)
{
    plan->repeats = repeats;
    json_object_set_new(plan->json, "repeats", json_integer(repeats));
}

void plan_set_duration(struct plan *plan, const char *text, uint64_t ns)
{
    plan->duration_ns = ns;
    plan->duration_many_ns = ns;
    json_object_set_new(plan->json, "duration", json_string(text));
    json_object_del(plan->json, "duration_many");
    json_object_del(plan->json, "many");
}

void plan_set_seed(struct plan *plan, uint64_t seed)
{
    plan->seed = seed;
    json_object_set_new(plan->json, "seed", json_integer((json_int_t)seed));
}

void plan_make_quick(struct plan *plan)
{
    const char *duration, *duration_many, *delay;
    int repeats;
    uint64_t ns, many_ns, low;

    if (json_unpack(json_object_get(plan->json, "quick"), "{s:i, s:s, s:s, s:s}", "repeats",
                    &repeats, "duration", &duration, "duration_many", &duration_many, "delay",
                    &delay) != 0) {
        return;
    }
    plan_set_repeats(plan, (unsigned)repeats);
    if (units_read_duration(duration, &ns) && units_read_duration(duration_many, &many_ns)) {
        plan->duration_ns = ns;
        plan->duration_many_ns = many_ns;
        json_object_set_new(plan->json, "duration", json_string(duration));
        json_object_set_new(plan->json, "duration_many", json_string(duration_many));
    }
    if (plan->waits.ways > 0 && units_read_span(delay, &low, &plan->waits.delay_max_ns)) {
        json_t *waits = json_object_get(plan->json, "waits");
        json_object_set_new(waits, "delay", json_string(delay));
        plan->waits.delay = json_string_value(json_object_get(waits, "delay"));
    }
}

void plan_make_url(struct plan *plan, const char *url)
{
    json_t *targets = json_object_get(plan->json, "targets");
    json_t *target = json_array_get(targets, plan->finding_target);

    json_object_set_new(target, "name", json_string("url"));
    json_object_set_new(target, "label", json_string(url));
    json_object_set_new(target, "path", json_string(url));
    json_object_del(target, "near_bytes");
    json_object_set_new(plan->json, "targets", json_pack("[O]", target));
    json_object_set_new(plan->json, "question",
                        json_string("How does this server scale with connections?"));
    json_object_set_new(plan->json, "finding",
                        json_pack("{s:s, s:f}", "target", "url", "share", plan->finding_share));
    json_object_del(plan->json, "waits");
    json_object_del(plan->json, "hypotheses");

    char why[PLAN_WHY];
    json_t *json = json_incref(plan->json);
    plan_finish(plan);
    plan_read(plan, json, why);
    json_decref(json);
}
