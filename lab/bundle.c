#include "lab/bundle.h"

#include "lab/results.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DUMP_FLAGS (JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12))

static bool write_json(FILE *file, void *with);
static bool write_list(FILE *file, const json_t *list);
static bool write_csv(FILE *file, void *with);
static void write_csv_row(FILE *file, const json_t *json, const struct row *row,
                          const char *target);
static bool refuse(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(char *why, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, BUNDLE_WHY, format, arguments);
    va_end(arguments);
    return false;
}

bool bundle_save(const json_t *bundle, const char *dir, char *why)
{
    return bundle_write_file(dir, "bundle.json", write_json, (void *)bundle, why) &&
           bundle_write_file(dir, "rows.csv", write_csv, (void *)bundle, why);
}

bool bundle_write_file(const char *dir, const char *name, bool (*write)(FILE *file, void *with),
                       void *with, char *why)
{
    char path[PATH_MAX], fresh[PATH_MAX + 8];
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path) {
        return refuse(why, "%s/%s: its path is too long", dir, name);
    }
    snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *file = fopen(fresh, "we");
    if (file == NULL) {
        return refuse(why, "cannot write %s: %s", fresh, strerror(errno));
    }
    bool well = write(file, with);
    well = fflush(file) == 0 && !ferror(file) && well;
    int error = errno;
    well = fclose(file) == 0 && well;
    if (!well || rename(fresh, path) != 0) {
        refuse(why, "cannot write %s: %s", path, strerror(well ? errno : error));
        unlink(fresh);
        return false;
    }
    return true;
}

static bool write_json(FILE *file, void *with)
{
    json_t *bundle = with;
    const char *key;
    json_t *value;
    const char *before = "{\n";

    json_object_foreach(bundle, key, value)
    {
        fprintf(file, "%s\"%s\": ", before, key);
        if (!(json_is_array(value) ? write_list(file, value)
                                   : json_dumpf(value, file, DUMP_FLAGS) == 0)) {
            return false;
        }
        before = ",\n";
    }
    return fputs("\n}\n", file) >= 0;
}

static bool write_list(FILE *file, const json_t *list)
{
    json_t *item;
    size_t index;

    fputs("[", file);
    json_array_foreach(list, index, item)
    {
        fputs(index == 0 ? "\n" : ",\n", file);
        if (json_dumpf(item, file, DUMP_FLAGS) != 0) {
            return false;
        }
    }
    return fputs(json_array_size(list) == 0 ? "]" : "\n]", file) >= 0;
}

static bool write_csv(FILE *file, void *with)
{
    const json_t *bundle = with;
    struct plan plan;
    struct results_store store;
    char why[PLAN_WHY];

    if (!plan_read(&plan, json_object_get(bundle, "plan"), why)) {
        return false;
    }
    bool well = results_read(&store, &plan, bundle, why);
    if (well) {
        const json_t *rows = json_object_get(bundle, "rows");
        fputs("order,repeat,target,connections,server,client,ok,failed", file);
        for (int metric = 0; metric < METRIC_COUNT; metric++) {
            fprintf(file, ",%s", metric_name((enum metric)metric));
        }
        fputc('\n', file);
        for (size_t i = 0; i < store.rows_count; i++) {
            const struct row *row = &store.rows[i];
            write_csv_row(file, json_array_get(rows, i), row, plan.target[row->target].name);
        }
    }
    results_finish(&store);
    plan_finish(&plan);
    return well;
}

static void write_csv_row(FILE *file, const json_t *json, const struct row *row, const char *target)
{
    fprintf(file, "%lld,%lld,%s,%u,%s,%s,%llu,%llu",
            json_integer_value(json_object_get(json, "order")),
            json_integer_value(json_object_get(json, "repeat")), target, row->connections,
            model_name(row->server), model_name(row->client), (unsigned long long)row->ok,
            (unsigned long long)row->failed);
    for (int metric = 0; metric < METRIC_COUNT; metric++) {
        if (isnan(row->value[metric])) {
            fputc(',', file); /* an empty cell: not measured */
        } else {
            fprintf(file, ",%.6g", row->value[metric]);
        }
    }
    fputc('\n', file);
}

/* As far as its readers rely on it without asking. */
static bool is_bundle(const json_t *bundle, const char *path, char *why)
{
    static const struct {
        const char *key;
        json_type type;
    } parts[] = {
        {"kind", JSON_STRING},    {"started", JSON_STRING}, {"elapsed_s", JSON_REAL},
        {"plan", JSON_OBJECT},    {"targets", JSON_ARRAY},  {"environment", JSON_OBJECT},
        {"setting", JSON_OBJECT}, {"rows", JSON_ARRAY},     {"waits", JSON_ARRAY},
    };
    const char *schema = json_string_value(json_object_get(bundle, "schema"));
    if (schema == NULL || strcmp(schema, BUNDLE_SCHEMA) != 0) {
        return refuse(why, "%s: its schema is not " BUNDLE_SCHEMA, path);
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const json_t *part = json_object_get(bundle, parts[i].key);
        bool fits = part != NULL && (json_typeof(part) == parts[i].type ||
                                     (parts[i].type == JSON_REAL && json_is_integer(part)));
        if (!fits) {
            return refuse(why, "%s: %s: is missing or of the wrong kind", path, parts[i].key);
        }
    }
    return true;
}

json_t *bundle_load(const char *dir, char *why)
{
    char path[PATH_MAX];
    json_error_t error;

    if (snprintf(path, sizeof path, "%s/bundle.json", dir) >= (int)sizeof path) {
        refuse(why, "%s: its path is too long", dir);
        return NULL;
    }
    if (access(path, R_OK) != 0) {
        refuse(why, "%s: %s", path, strerror(errno));
        return NULL;
    }
    json_t *bundle = json_load_file(path, 0, &error);
    if (bundle == NULL) {
        refuse(why, "%s: line %d: %s", path, error.line, error.text);
        return NULL;
    }
    if (!is_bundle(bundle, path, why)) {
        json_decref(bundle);
        return NULL;
    }
    return bundle;
}
