#include "corpus/contents.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static const char head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>The Count of Monte Cristo</title>\n"
    "<link rel=\"icon\" href=\"data:,\">\n"
    "<style>\n"
    ":root { color-scheme: light dark; --ink: #2b2622; --paper: #fbf8f1; --soft: #756a5e;\n"
    "  --link: #7b2d26; --line: #ddd3c2; }\n"
    "@media (prefers-color-scheme: dark) { :root { --ink: #e6dfd3; --paper: #1d1a17;\n"
    "  --soft: #a3978a; --link: #e39a8c; --line: #443c33; } }\n"
    "body { margin: 0 auto; padding: 3rem 1.25rem 4rem; max-width: 60rem; background: "
    "var(--paper);\n"
    "  color: var(--ink); font: 1.0625rem/1.6 Georgia, 'Times New Roman', serif; }\n"
    "header { margin-bottom: 2.5rem; text-align: center; }\n"
    "h1 { margin: 0; font-size: 2.25rem; font-weight: normal; line-height: 1.2; }\n"
    "h2 { margin: 2.5rem 0 .75rem; padding-bottom: .35rem; border-bottom: 1px solid var(--line);\n"
    "  font-size: 1rem; font-weight: normal; letter-spacing: .12em; text-transform: uppercase;\n"
    "  color: var(--soft); }\n"
    ".author { margin: .4rem 0 1.2rem; font-style: italic; }\n"
    ".source { color: var(--soft); font-size: .95rem; }\n"
    ".stand-in { margin: 1.5rem auto 0; padding: .8rem 1.1rem; max-width: 36rem;\n"
    "  border: 1px solid var(--link); border-radius: .4rem; text-align: left; }\n"
    "ol { margin: 0; padding-left: 2.6rem; columns: 19rem; column-gap: 3rem; }\n"
    "li { break-inside: avoid; padding-left: .3rem; }\n"
    "li::marker { color: var(--soft); font-size: .85em; }\n"
    "a { color: var(--link); text-decoration: none; }\n"
    "a:hover, a:focus { text-decoration: underline; }\n"
    "code { font-size: .9em; }\n"
    "</style>\n"
    "</head>\n"
    "<body>\n";

static void write_escaped(struct bytes text, FILE *to)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.at[i]) {
        case '&':
            fputs("&amp;", to);
            break;
        case '<':
            fputs("&lt;", to);
            break;
        case '>':
            fputs("&gt;", to);
            break;
        case '"':
            fputs("&quot;", to);
            break;
        default:
            fputc(text.at[i], to);
        }
    }
}

/* "VOLUME ONE" as "Volume One"; the style sheet sets it in capitals again. */
static void write_volume(struct bytes name, FILE *to)
{
    for (size_t i = 0; i < name.len; i++) {
        bool first = i == 0 || name.at[i - 1] == ' ';
        int letter = (unsigned char)name.at[i];
        fputc(first ? letter : tolower(letter), to);
    }
}

static void write_header(const struct book *book, const char *source, FILE *to)
{
    fputs("<header>\n<h1>The Count of Monte Cristo</h1>\n", to);
    fputs("<p class=\"author\">by Alexandre Dumas and Auguste Maquet</p>\n", to);
    fprintf(to,
            "<p><a href=\"count-of-monte-cristo.txt\">The whole text</a> "
            "<span class=\"source\">(%.1f MB)</span></p>\n",
            (double)book->whole.len / 1e6);
    if (book->stand_in) {
        fputs("<p class=\"stand-in\"><strong>This is a stand-in, not the novel:</strong> made-up "
              "words in its shape, to measure with. The real text comes with "
              "<code>CRISTO_BOOK=FILE corpus/prepare</code>.</p>\n",
              to);
    } else {
        fputs("<p class=\"source\">Text: ", to);
        write_escaped(bytes_of(source), to);
        fputs("</p>\n", to);
    }
    fputs("</header>\n<main>\n", to);
}

static void write_chapters(const struct book *book, FILE *to)
{
    for (unsigned i = 0; i < BOOK_CHAPTERS; i++) {
        const struct book_chapter *chapter = &book->chapters[i];
        if (i == 0 || chapter->volume != book->chapters[i - 1].volume) {
            fputs(i == 0 ? "<section>\n" : "</ol>\n</section>\n<section>\n", to);
            if (book->volume_count > 0) {
                fputs("<h2>", to);
                write_volume(book->volumes[chapter->volume], to);
                fputs("</h2>\n", to);
            }
            fprintf(to, "<ol start=\"%u\">\n", i + 1);
        }
        fprintf(to, "<li><a href=\"chapters/%03u.txt\">", i + 1);
        write_escaped(bytes_of(chapter->title), to);
        fputs("</a></li>\n", to);
    }
    fputs("</ol>\n</section>\n", to);
}

bool contents_write(const struct book *book, const char *source, struct bytes *page)
{
    char *at = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&at, &size);
    if (to == NULL) {
        return false;
    }
    fputs(head, to);
    write_header(book, source, to);
    write_chapters(book, to);
    fputs("</main>\n</body>\n</html>\n", to);
    bool fine = !ferror(to);
    if (fclose(to) != 0 || !fine) {
        free(at);
        return false;
    }
    *page = (struct bytes){at, size};
    return true;
}
