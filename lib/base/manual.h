/* Manual pages and completions, made of the table of options while building.
 *
 * What --help says is said there alone; what only a page has room for stands beside the table, as
 * sections of plain text. Linked by the generators, and by no program that is shipped. */
#pragma once

#include "lib/base/options.h"

/* One piece of a section. In every text "@" stands for the program's own name; options, names of
 * other pages as "open(2)", and the placeholders of the usage and of the options are set off. */
struct manual_entry {
    const char *term;    /* what the text explains; NULL: the text is a paragraph */
    const char *text;    /* one paragraph */
    const char *command; /* an example to follow it; NULL: none */
    enum option_owner owner;
};

struct manual_section {
    const char *title;                  /* "EXIT STATUS" */
    const struct manual_entry *entries; /* ended by one that is all zero */
};

struct manual {
    const char *brief;                     /* what the program is, in a few words */
    const struct manual_section *sections; /* ended by one without a title. The first one goes on
                                              with the DESCRIPTION, and the options follow it */
    bool takes_folder;                     /* the operand, for completion: a folder, else nothing */
};

/* The main function of a generator: `form` is "page" (roff, section 1) or "completion" (bash).
 * Writes to stdout; returns the exit status. */
int manual_main(const struct option_table *table, const struct manual *manual, const char *form);
