#include "corpus/standin.h"

#include "corpus/book.h"
#include "lib/base/random.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORD_BYTES = 20,
    VOCABULARY = 4000,
    LINE_COLUMNS = 71, /* of the novel's longest line */
};

static const char first_line[] = "STAND-IN for The Count of Monte Cristo";

/* The commonest English words, the commonest first. What follows them is made of syllables. */
static const char *const common[] = {
    "the",     "of",     "and",     "to",      "a",      "in",      "that",    "he",      "was",
    "it",      "his",    "is",      "you",     "with",   "as",      "for",     "had",     "i",
    "not",     "be",     "at",      "on",      "by",     "but",     "have",    "which",   "this",
    "from",    "her",    "they",    "all",     "she",    "were",    "or",      "we",      "an",
    "him",     "are",    "one",     "said",    "my",     "so",      "there",   "me",      "no",
    "would",   "their",  "who",     "been",    "will",   "when",    "if",      "what",    "more",
    "them",    "out",    "into",    "up",      "your",   "do",      "could",   "any",     "than",
    "has",     "some",   "then",    "its",     "time",   "only",    "now",     "about",   "man",
    "very",    "these",  "may",     "like",    "our",    "should",  "after",   "other",   "did",
    "such",    "before", "must",    "made",    "two",    "well",    "over",    "upon",    "here",
    "can",     "how",    "down",    "know",    "see",    "little",  "good",    "long",    "say",
    "much",    "own",    "again",   "never",   "great",  "come",    "first",   "day",     "old",
    "us",      "came",   "where",   "himself", "go",     "way",     "most",    "men",     "even",
    "make",    "think",  "through", "too",     "still",  "without", "went",    "life",    "house",
    "thought", "take",   "young",   "many",    "back",   "just",    "last",    "eyes",    "every",
    "hand",    "away",   "night",   "might",   "being",  "head",    "let",     "nothing", "yet",
    "people",  "father", "under",   "right",   "give",   "years",   "moment",  "heart",   "against",
    "place",   "face",   "while",   "shall",   "those",  "though",  "because", "always",  "am",
    "found",   "took",   "room",    "world",   "off",    "once",    "three",   "door",    "seemed",
    "look",    "looked", "between", "put",     "tell",   "left",    "asked",   "saw",     "same",
    "work",    "woman",  "each",    "until",   "mind",   "far",     "things",  "both",    "end",
    "words",   "money",  "another", "quite",   "soon",   "turned",  "voice",   "letter",  "name",
    "ever",    "few",    "heard",   "home",    "hour",   "towards", "replied", "morning", "enough",
    "new",     "nor",    "sir",     "given",   "side",   "having",  "leave",   "almost",  "taken",
    "going",   "whom",   "set",     "friend",  "done",   "why",     "told",    "mother",  "knew",
    "find",    "half",   "light",   "water",   "round",  "part",    "poor",    "death",   "love",
    "cannot",  "sea",    "son",     "above",   "passed", "gave",    "small",   "true",    "word",
};

static const char *const names[] = {
    "Edmond",    "Dantès", "Mercédès",   "Fernand",   "Danglars",  "Caderousse",
    "Villefort", "Faria",  "Morrel",     "Haydée",    "Bertuccio", "Noirtier",
    "Paris",     "Rome",   "Marseilles", "Valentine",
};

/* Parts of syllables; one that comes oftener stands oftener. */
static const char *const onsets[] = {
    "",   "",   "r",  "r",  "t",  "t",  "t", "s",  "s",  "d",  "d", "l", "l",  "n",
    "c",  "c",  "m",  "m",  "p",  "p",  "b", "f",  "g",  "h",  "w", "v", "st", "tr",
    "pr", "ch", "sh", "th", "br", "cl", "k", "qu", "sp", "gr", "j", "y",
};
static const char *const vowels[] = {
    "e", "e", "e", "e", "e", "a", "a", "a", "i", "i", "i", "o", "o", "u", "ea", "ou", "io", "ai",
};
static const char *const codas[] = {
    "",  "",  "",  "",  "n", "n", "n",  "r",  "r",  "s",  "s",  "t",  "t",  "d",  "d",   "l",
    "l", "m", "c", "p", "g", "y", "nt", "st", "nd", "ng", "ss", "ck", "ll", "rt", "ght", "x",
};

/* The length of each of the novel's chapters in hundreds of bytes. */
static const unsigned short lengths[BOOK_CHAPTERS] = {
    181, 144, 225, 132, 326, 252, 203, 183, 105, 166, 172, 145, 146, 183, 302, 241, 452,
    266, 222, 108, 206, 165, 172, 179, 183, 330, 294, 138, 250, 322, 494, 127, 637, 632,
    303, 373, 345, 179, 161, 485, 292, 94,  139, 479, 306, 298, 302, 261, 110, 201, 280,
    373, 365, 237, 215, 255, 250, 193, 181, 213, 181, 174, 203, 175, 205, 194, 242, 132,
    181, 183, 79,  245, 545, 192, 224, 204, 469, 419, 240, 118, 334, 264, 117, 127, 200,
    268, 130, 191, 169, 241, 129, 178, 154, 233, 190, 222, 130, 257, 204, 145, 114, 118,
    178, 211, 264, 327, 155, 200, 120, 151, 178, 297, 244, 219, 129, 100, 284,
};

static const struct {
    const char *name;
    unsigned last; /* chapter */
} volumes[] = {{"ONE", 27}, {"TWO", 47}, {"THREE", 73}, {"FOUR", 95}, {"FIVE", BOOK_CHAPTERS}};

struct vocabulary {
    char words[VOCABULARY][WORD_BYTES];
    uint64_t below[VOCABULARY + 1]; /* the sum of the weights of all words before */
};

struct writer {
    const struct vocabulary *vocabulary;
    FILE *to;
    uint64_t seed;
    uint64_t drawn; /* numbers drawn so far */
    size_t written; /* bytes of the chapter */
    size_t column;  /* of the line; 0: at its beginning */
};

static uint64_t draw(struct writer *writer, uint64_t count)
{
    return random_between(writer->seed, writer->drawn++, 0, count - 1);
}

#define DRAW_FROM(writer, table) (table)[draw((writer), sizeof(table) / sizeof(table)[0])]

static void make_word(struct writer *writer, char *to)
{
    *to = '\0';
    for (uint64_t syllables = 1 + draw(writer, 2) + draw(writer, 2); syllables > 0; syllables--) {
        strcat(to, DRAW_FROM(writer, onsets));
        strcat(to, DRAW_FROM(writer, vowels));
    }
    strcat(to, DRAW_FROM(writer, codas)); /* at most 3 * 4 + 3 letters */
}

/* Zipf's law: the word of rank r comes in proportion to 1 / (r + 1). */
static void fill_vocabulary(struct vocabulary *vocabulary, uint64_t seed)
{
    struct writer source = {.seed = seed};
    size_t count = sizeof common / sizeof common[0];
    for (size_t i = 0; i < VOCABULARY; i++) {
        if (i < count) {
            strcpy(vocabulary->words[i], common[i]);
        } else {
            make_word(&source, vocabulary->words[i]);
        }
        vocabulary->below[i + 1] = vocabulary->below[i] + 1000000000 / (i + 2);
    }
}

/* Step by halves to the last word that has no more than `drawn` below it. */
static const char *draw_word(struct writer *writer)
{
    const uint64_t *below = writer->vocabulary->below;
    uint64_t drawn = draw(writer, below[VOCABULARY]);
    size_t low = 0;
    size_t high = VOCABULARY;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (below[middle] <= drawn) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return writer->vocabulary->words[low];
}

static size_t columns(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return count;
}

/* The next word of the paragraph, on this line or the next. */
static void put(struct writer *writer, const char *text)
{
    size_t width = columns(text);
    if (writer->column > 0) {
        bool fits = writer->column + 1 + width <= LINE_COLUMNS;
        writer->written += (size_t)fprintf(writer->to, fits ? " " : "\n");
        writer->column = fits ? writer->column + 1 : 0;
    }
    writer->written += (size_t)fprintf(writer->to, "%s", text);
    writer->column += width;
}

static void end_paragraph(struct writer *writer)
{
    writer->written += (size_t)fprintf(writer->to, "\n\n");
    writer->column = 0;
}

static const char *choose(struct writer *writer, bool first, char *word)
{
    strcpy(word, draw(writer, 40) == 0 ? DRAW_FROM(writer, names) : draw_word(writer));
    if (first || strcmp(word, "i") == 0) {
        word[0] = (char)toupper((unsigned char)word[0]);
    }
    return word;
}

/* A sentence with something before its first word and after its last. */
static void put_sentence(struct writer *writer, const char *before, const char *after)
{
    static const char *const ends[] = {".", ".", ".", ".", ".", "?", "!"};
    static const char *const stops[] = {",", ",", ";"};
    uint64_t count = 3 + draw(writer, 11) + draw(writer, 13);
    for (uint64_t i = 0; i < count; i++) {
        char word[WORD_BYTES];
        char text[3 * WORD_BYTES];
        bool last = i + 1 == count;
        const char *end = last                   ? DRAW_FROM(writer, ends)
                          : draw(writer, 9) == 0 ? DRAW_FROM(writer, stops)
                                                 : "";
        snprintf(text, sizeof text, "%s%s%s%s", i == 0 ? before : "", choose(writer, i == 0, word),
                 end, last ? after : "");
        put(writer, text);
    }
}

static void put_speech(struct writer *writer)
{
    uint64_t count = 1 + draw(writer, 3) / 2 + draw(writer, 6) / 5;
    for (uint64_t i = 1; i <= count; i++) {
        put_sentence(writer, i == 1 ? "“" : "", i == count ? "”" : "");
    }
    if (draw(writer, 4) == 0) {
        char name[WORD_BYTES + 1];
        put(writer, "said");
        snprintf(name, sizeof name, "%s.", DRAW_FROM(writer, names));
        put(writer, name);
    }
}

static void put_paragraph(struct writer *writer)
{
    if (draw(writer, 4) != 0) {
        put_speech(writer);
    } else {
        for (uint64_t count = 1 + draw(writer, 8); count > 0; count--) {
            put_sentence(writer, "", "");
        }
    }
    end_paragraph(writer);
}

static void put_text(struct writer *writer, const char *text)
{
    char words[256];
    char *rest = NULL;
    snprintf(words, sizeof words, "%s", text);
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        put(writer, word);
    }
    end_paragraph(writer);
}

/* The same for the contents and for the chapter: drawn from a sequence of its own. */
static void put_title(const struct writer *writer, unsigned number)
{
    struct writer title = *writer;
    title.seed = random_at(writer->seed, number);
    title.drawn = 0;
    fprintf(title.to, "Chapter %u. The", number);
    for (uint64_t count = 1 + draw(&title, 3); count > 0;) {
        char word[WORD_BYTES];
        if (strlen(choose(&title, true, word)) > 3) {
            fprintf(title.to, " %s", word);
            count--;
        }
    }
    fputc('\n', title.to);
}

static void put_contents(const struct writer *writer)
{
    unsigned number = 1;
    fputs("Contents\n\n", writer->to);
    for (size_t i = 0; i < sizeof volumes / sizeof volumes[0]; i++) {
        fprintf(writer->to, "\n VOLUME %s\n", volumes[i].name);
        for (; number <= volumes[i].last; number++) {
            put_title(writer, number);
        }
    }
}

static void put_chapter(struct writer *writer, unsigned number)
{
    fputs("\n\n\n ", writer->to);
    put_title(writer, number);
    fputc('\n', writer->to);
    writer->written = 0;
    if (number == 1) {
        put_text(writer, "On the 24th of February, 1815, the look-out at Notre-Dame de la Garde "
                         "signalled the three-master, the _Pharaon_ from Smyrna, Trieste, and "
                         "Naples.");
    }
    while (writer->written < 100u * lengths[number - 1]) {
        put_paragraph(writer);
    }
    if (number == BOOK_CHAPTERS) {
        put_text(writer, "“‘_Wait and hope_ (Fac et spera)!’”");
    }
}

static void put_book(struct writer *writer)
{
    unsigned number = 1;
    fprintf(writer->to, "%s: made-up words in the shape of the novel (seed %llu)\n\n\n", first_line,
            (unsigned long long)writer->seed);
    put_contents(writer);
    for (size_t i = 0; i < sizeof volumes / sizeof volumes[0]; i++) {
        fprintf(writer->to, "\n\n\nVOLUME %s\n", volumes[i].name);
        for (; number <= volumes[i].last; number++) {
            put_chapter(writer, number);
        }
    }
}

bool standin_write(uint64_t seed, struct bytes *text)
{
    char *at = NULL;
    size_t size = 0;
    bool fine = false;
    struct vocabulary *vocabulary = calloc(1, sizeof *vocabulary);
    FILE *to = open_memstream(&at, &size);
    if (vocabulary != NULL && to != NULL) {
        fill_vocabulary(vocabulary, seed);
        put_book(&(struct writer){.vocabulary = vocabulary, .to = to, .seed = seed});
        fine = !ferror(to);
    }
    if (to != NULL && fclose(to) != 0) {
        fine = false;
    }
    free(vocabulary);
    if (!fine) {
        free(at);
        return false;
    }
    *text = (struct bytes){at, size};
    return true;
}

bool standin_is(struct bytes text)
{
    size_t length = sizeof first_line - 1;
    return text.len >= length && memcmp(text.at, first_line, length) == 0;
}
