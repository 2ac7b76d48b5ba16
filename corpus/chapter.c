#include "corpus/chapter.h"

#include <stdio.h>
#include <stdlib.h>

static void write_lines(const struct book_chapter *chapter, FILE *to)
{
    struct text_lines lines = text_lines_of(chapter->text);
    struct text_line line;
    bool blank = true;    /* the line before, in the file */
    bool picture = false; /* was left out since then; the blank lines around it become one */
    while (text_next(&lines, &line)) {
        if (book_is_picture(line.words)) {
            picture = true;
        } else if (line.words.len > 0 || !picture || !blank) {
            fprintf(to, "%.*s\n", (int)(line.end - line.begin), line.begin);
            blank = line.words.len == 0;
            picture = picture && blank;
        }
    }
}

bool chapter_write(unsigned number, const struct book_chapter *chapter, struct bytes *text)
{
    char *at = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&at, &size);
    if (to == NULL) {
        return false;
    }
    fprintf(to, "Chapter %u. %s\n\n", number, chapter->title);
    write_lines(chapter, to);
    bool fine = !ferror(to);
    if (fclose(to) != 0 || !fine) {
        free(at);
        return false;
    }
    *text = (struct bytes){at, size};
    return true;
}
