#include "lab/report.h"

#include "lab/builtin.h"
#include "lab/bundle.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool write_page(FILE *file, void *with);
static int write_script(const char *text, size_t size, void *with);

bool report_write(const json_t *bundle, const char *dir, char *why)
{
    return bundle_write_file(dir, "report.html", write_page, (void *)bundle, why);
}

static bool write_page(FILE *file, void *with)
{
    static const char mark[] = "@bundle@";
    const char *hole = memmem(builtin_page.data, builtin_page.size, mark, strlen(mark));
    if (hole == NULL) {
        return false;
    }
    size_t before = (size_t)(hole - builtin_page.data);
    size_t after = builtin_page.size - before - strlen(mark);
    return fwrite(builtin_page.data, 1, before, file) == before &&
           json_dump_callback(with, write_script, file, JSON_COMPACT | JSON_REAL_PRECISION(12)) ==
               0 &&
           fwrite(hole + strlen(mark), 1, after, file) == after;
}

/* JSON inside a script element: "<" only occurs within strings, where it can be written so that no
 * "</script" or "<!--" ever ends or opens anything. */
static int write_script(const char *text, size_t size, void *with)
{
    FILE *file = with;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '<') {
            fputs("\\u003c", file);
        } else {
            fputc(text[i], file);
        }
    }
    return ferror(file) ? -1 : 0;
}

char *report_address(char *to, const char *dir)
{
    char *at = to + sprintf(to, "file://");
    for (const char *from = dir; *from != '\0' && at - to < REPORT_ADDRESS - 32; from++) {
        unsigned char byte = (unsigned char)*from;
        if (isalnum(byte) || strchr("/-._~", byte) != NULL) {
            *at++ = (char)byte;
        } else {
            at += sprintf(at, "%%%02X", byte);
        }
    }
    strcpy(at, "/report.html");
    return to;
}
