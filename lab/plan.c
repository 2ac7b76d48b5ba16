#include "lab/plan.h"

#include "lab/builtin.h"
#include "lib/base/units.h"

#include <stdarg.h>
#include <stdio.h>

/* What one key of an object must be, and where it goes. */
struct key {
    const char *name;
    enum {
        KEY_TEXT,     /* const char * */
        KEY_DURATION, /* uint64_t, nanoseconds above 0 */
        KEY_PAUSE,    /* uint64_t, nanoseconds */
        KEY_WHOLE,    /* uint64_t, low..high */
        KEY_SHARE,    /* double, above 0 and up to 1 */
        KEY_LIST,     /* json_t *, of low..high items */
    } kind;
    void *into;
    uint64_t low, high;
    bool optional; /* what `into` points to stays as it is */
};

static bool read_settings(struct plan *plan, char *why);
static bool read_targets(struct plan *plan, char *why);
static bool read_connections(struct plan_target *target, json_t *list, char *why);
static bool read_finding(struct plan *plan, char *why);
static bool read_waits(struct plan *plan, char *why);
static bool read_way(struct plan_waits *waits, const json_t *item, size_t index, char *why);
static bool read_hypotheses(struct plan *plan, char *why);
static json_t *load(const char *text, size_t size, const char *name, char *why);

static bool read_keys(const json_t *json, const char *where, const struct key *keys, size_t count,
                      char *why);
static bool read_key(const json_t *value, const struct key *key);
static bool refuse(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define READ_KEYS(json, where, keys, why) \
    read_keys(json, where, keys, sizeof(keys) / sizeof(keys)[0], why)

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
    const char *schema;
    uint64_t repeats, many = 1;
    const struct key keys[] = {
        {"schema", KEY_TEXT, &schema, 0, 0, false},
        {"name", KEY_TEXT, &plan->name, 0, 0, false},
        {"title", KEY_TEXT, &plan->title, 0, 0, false},
        {"question", KEY_TEXT, &plan->question, 0, 0, false},
        {"repeats", KEY_WHOLE, &repeats, 1, 100, false},
        {"seed", KEY_WHOLE, &plan->seed, 0, INT64_MAX, false},
        {"duration", KEY_DURATION, &plan->duration_ns, 0, 0, false},
        {"warmup", KEY_PAUSE, &plan->warmup_ns, 0, 0, false},
        {"duration_many", KEY_DURATION, &plan->duration_many_ns, 0, 0, true},
        {"many", KEY_WHOLE, &many, 1, PLAN_CONNECTIONS_MAX, true},
    };
    if (!READ_KEYS(plan->json, "", keys, why)) {
        return false;
    }
    if (strcmp(schema, "cristo-plan/1") != 0) {
        return refuse(why, "schema: is \"%s\", not \"cristo-plan/1\"", schema);
    }
    if (strspn(plan->name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(plan->name)) {
        return refuse(why, "name: %s: is not made of small letters, digits and dashes", plan->name);
    }
    if (plan->duration_many_ns == 0) {
        plan->duration_many_ns = plan->duration_ns;
    }
    plan->repeats = (unsigned)repeats;
    plan->many = (unsigned)many;
    return true;
}

static bool read_targets(struct plan *plan, char *why)
{
    json_t *list, *item;
    size_t index;
    const struct key keys[] = {{"targets", KEY_LIST, &list, 1, PLAN_TARGETS, false}};

    if (!READ_KEYS(plan->json, "", keys, why)) {
        return false;
    }
    json_array_foreach(list, index, item)
    {
        struct plan_target *target = &plan->target[plan->targets++];
        json_t *connections;
        char where[64];
        const struct key inner[] = {
            {"name", KEY_TEXT, &target->name, 0, 0, false},
            {"label", KEY_TEXT, &target->label, 0, 0, false},
            {"path", KEY_TEXT, &target->path, 0, 0, false},
            {"near_bytes", KEY_WHOLE, &target->near_bytes, 0, INT64_MAX, true},
            {"connections", KEY_LIST, &connections, 1, PLAN_STEPS, false},
        };
        snprintf(where, sizeof where, "targets[%zu]: ", index);
        if (!READ_KEYS(item, where, inner, why) || !read_connections(target, connections, why)) {
            return false;
        }
    }
    return true;
}

static bool read_connections(struct plan_target *target, json_t *list, char *why)
{
    json_t *item;
    size_t index;

    json_array_foreach(list, index, item)
    {
        json_int_t number = json_integer_value(item);
        json_int_t before = index == 0 ? 0 : target->connections[index - 1];
        if (number <= before || number > PLAN_CONNECTIONS_MAX) {
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
    const struct key keys[] = {
        {"target", KEY_TEXT, &name, 0, 0, false},
        {"share", KEY_SHARE, &plan->finding_share, 0, 0, false},
        {"worst", KEY_SHARE, &plan->finding_worst, 0, 0, false},
    };
    if (!READ_KEYS(json_object_get(plan->json, "finding"), "finding: ", keys, why)) {
        return false;
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
    json_t *ways, *item;
    size_t index;
    uint64_t requests, low;
    const struct key keys[] = {
        {"requests", KEY_WHOLE, &requests, 1, 10000, false},
        {"delay", KEY_TEXT, &waits->delay, 0, 0, false},
        {"seed", KEY_WHOLE, &waits->seed, 0, INT64_MAX, false},
        {"path", KEY_TEXT, &waits->path, 0, 0, false},
        {"ways", KEY_LIST, &ways, 1, PLAN_WAYS, false},
    };

    if (json == NULL) {
        return true;
    }
    if (!READ_KEYS(json, "waits: ", keys, why)) {
        return false;
    }
    if (!units_read_span(waits->delay, &low, &waits->delay_max_ns)) {
        return refuse(why, "waits: delay: %s: is not a span (try 0s-3s)", waits->delay);
    }
    waits->requests = (unsigned)requests;
    json_array_foreach(ways, index, item)
    {
        if (!read_way(waits, item, index, why)) {
            return false;
        }
    }
    return true;
}

static bool read_way(struct plan_waits *waits, const json_t *item, size_t index, char *why)
{
    struct plan_way *way = &waits->way[waits->ways++];
    const char *client;
    uint64_t connections;
    char where[64];
    const struct key keys[] = {
        {"name", KEY_TEXT, &way->name, 0, 0, false},
        {"label", KEY_TEXT, &way->label, 0, 0, false},
        {"client", KEY_TEXT, &client, 0, 0, false},
        {"connections", KEY_WHOLE, &connections, 1, PLAN_CONNECTIONS_MAX, false},
    };
    snprintf(where, sizeof where, "waits: ways[%zu]: ", index);
    if (!READ_KEYS(item, where, keys, why)) {
        return false;
    }
    if (!model_read(client, &way->client) || way->client == MODEL_OTHER) {
        return refuse(why, "%sclient: %s: is neither sync nor async", where, client);
    }
    way->connections = (unsigned)connections;
    return true;
}

static bool read_hypotheses(struct plan *plan, char *why)
{
    json_t *list = NULL, *item;
    size_t index;
    const struct key keys[] = {{"hypotheses", KEY_LIST, &list, 0, PLAN_HYPOTHESES, true}};

    if (!READ_KEYS(plan->json, "", keys, why)) {
        return false;
    }
    json_array_foreach(list, index, item)
    {
        struct plan_hypothesis *hypothesis = &plan->hypothesis[plan->hypotheses++];
        char where[64];
        const struct key inner[] = {
            {"name", KEY_TEXT, &hypothesis->name, 0, 0, false},
            {"words", KEY_TEXT, &hypothesis->words, 0, 0, false},
            {"expression", KEY_TEXT, &hypothesis->expression, 0, 0, false},
        };
        snprintf(where, sizeof where, "hypotheses[%zu]: ", index);
        if (!READ_KEYS(item, where, inner, why)) {
            return false;
        }
    }
    return true;
}

static bool read_keys(const json_t *json, const char *where, const struct key *keys, size_t count,
                      char *why)
{
    static const char *const kinds[] = {
        [KEY_TEXT] = "a text",
        [KEY_DURATION] = "a duration (try 500ms)",
        [KEY_PAUSE] = "a duration (try 500ms)",
        [KEY_WHOLE] = "a whole number",
        [KEY_SHARE] = "a share above 0 and up to 1",
        [KEY_LIST] = "a list",
    };
    for (size_t i = 0; i < count; i++) {
        const struct key *key = &keys[i];
        const json_t *value = json_object_get(json, key->name);
        if (value == NULL && key->optional) {
            continue;
        }
        if (value == NULL) {
            return refuse(why, "%s%s: is missing", where, key->name);
        }
        if (!read_key(value, key)) {
            return key->high == 0
                       ? refuse(why, "%s%s: is not %s", where, key->name, kinds[key->kind])
                       : refuse(why, "%s%s: is not %s, %llu to %llu", where, key->name,
                                kinds[key->kind], (unsigned long long)key->low,
                                (unsigned long long)key->high);
        }
    }
    return true;
}

static bool read_key(const json_t *value, const struct key *key)
{
    const char *text = json_string_value(value);
    json_int_t whole = json_is_integer(value) ? json_integer_value(value) : -1;
    double real = json_number_value(value);
    uint64_t ns;

    switch (key->kind) {
    case KEY_TEXT:
        *(const char **)key->into = text;
        return text != NULL;
    case KEY_DURATION:
    case KEY_PAUSE:
        if (text == NULL || !units_read_duration(text, &ns)) {
            return false;
        }
        *(uint64_t *)key->into = ns;
        return ns > 0 || key->kind == KEY_PAUSE;
    case KEY_WHOLE:
        *(uint64_t *)key->into = (uint64_t)whole;
        return whole >= 0 && (uint64_t)whole >= key->low && (uint64_t)whole <= key->high;
    case KEY_SHARE:
        *(double *)key->into = real;
        return json_is_number(value) && real > 0 && real <= 1;
    case KEY_LIST:
        *(const json_t **)key->into = value;
        return json_is_array(value) && json_array_size(value) >= key->low &&
               json_array_size(value) <= key->high;
    }
    return false;
}

static bool refuse(char *why, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, PLAN_WHY, format, arguments);
    va_end(arguments);
    return false;
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
    json_object_set_new(json_object_get(plan->json, "finding"), "target", json_string("url"));
    json_object_del(plan->json, "waits");
    json_object_del(plan->json, "hypotheses");

    char why[PLAN_WHY];
    json_t *json = json_incref(plan->json);
    plan_finish(plan);
    plan_read(plan, json, why);
    json_decref(json);
}
