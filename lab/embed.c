/* Writes the files that are built into cristo-lab as C arrays (lab/builtin.h): the report page,
 * whole but for the bundle, and the plans.
 *
 *     embed OUT.c PAGE.html STYLE.css SCRIPT.js... PLAN.json...
 */
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
    char *at;
    size_t size;
};

static void fail(const char *file, const char *what)
{
    fprintf(stderr, "embed: %s: %s\n", file, what);
    exit(1);
}

static struct text read_file(const char *path)
{
    struct text text = {NULL, 0};
    FILE *from = fopen(path, "rb");
    FILE *to = open_memstream(&text.at, &text.size);
    if (from == NULL || to == NULL) {
        fail(path, "cannot be read");
    }
    for (int byte; (byte = getc(from)) != EOF;) {
        putc(byte, to);
    }
    if (ferror(from) || fclose(to) != 0) {
        fail(path, "cannot be read");
    }
    fclose(from);
    return text;
}

static bool ends_with(const char *path, const char *suffix)
{
    size_t len = strlen(path);
    size_t end = strlen(suffix);
    return len >= end && strcmp(path + len - end, suffix) == 0;
}

static void write_array(FILE *out, const char *name, struct text text)
{
    fprintf(out, "static const unsigned char %s[] = {", name);
    for (size_t i = 0; i < text.size; i++) {
        fprintf(out, "%s%d,", i % 20 == 0 ? "\n    " : "", (unsigned char)text.at[i]);
    }
    fprintf(out, "\n    0,\n};\n\n");
}

/* Puts the files with this suffix in the place of `mark`; nothing in the page is fetched. */
static struct text insert(struct text page, const char *mark, const char *suffix,
                          const char *between, char **paths)
{
    struct text whole = {NULL, 0};
    FILE *to = open_memstream(&whole.at, &whole.size);
    const char *place = strstr(page.at, mark);
    if (to == NULL || place == NULL) {
        fail(mark, "is not in the page");
    }
    fwrite(page.at, 1, (size_t)(place - page.at), to);
    const char *before = "";
    for (; *paths != NULL; paths++) {
        if (ends_with(*paths, suffix)) {
            struct text text = read_file(*paths);
            if (strstr(text.at, "</script") != NULL) {
                fail(*paths, "would end the page's script element");
            }
            fprintf(to, "%s", before);
            fwrite(text.at, 1, text.size, to);
            before = between;
            free(text.at);
        }
    }
    fprintf(to, "%s", place + strlen(mark));
    fclose(to);
    free(page.at);
    return whole;
}

static void write_plans(FILE *out, char **paths)
{
    struct text list = {NULL, 0};
    FILE *rows = open_memstream(&list.at, &list.size);
    int count = 0;
    for (; *paths != NULL; paths++) {
        if (ends_with(*paths, ".json")) {
            char array[32];
            struct text plan = read_file(*paths);
            char *name = basename(*paths);
            snprintf(array, sizeof array, "plan_%d", count++);
            write_array(out, array, plan);
            fprintf(rows, "    {\"%.*s\", (const char *)%s, sizeof %s - 1},\n",
                    (int)(strlen(name) - strlen(".json")), name, array, array);
            free(plan.at);
        }
    }
    fclose(rows);
    fprintf(out, "const struct builtin builtin_plans[] = {\n%s};\n", list.at);
    fprintf(out, "const size_t builtin_plans_count = %d;\n\n", count);
    free(list.at);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fail("usage", "embed OUT.c PAGE.html STYLE.css SCRIPT.js... PLAN.json...");
    }
    FILE *out = fopen(argv[1], "w");
    if (out == NULL) {
        fail(argv[1], "cannot be written");
    }
    char **inputs = argv + 2;
    struct text page = read_file(inputs[0]);
    page = insert(page, "@style@", ".css", "\n", inputs + 1);
    page = insert(page, "@script@", ".js", "\n</script>\n<script>\n", inputs + 1);
    fprintf(out, "/* Written by lab/embed.c. */\n#include \"lab/builtin.h\"\n\n");
    write_plans(out, inputs);
    write_array(out, "page", page);
    fprintf(out, "const struct builtin builtin_page = {\"page\", (const char *)page, "
                 "sizeof page - 1};\n");
    free(page.at);
    if (fclose(out) != 0) {
        fail(argv[1], "cannot be written");
    }
    return 0;
}
