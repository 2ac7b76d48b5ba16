/* Cases of a link that hold for TLS 1.2 and 1.3. */
#pragma once

#include "tests/support/suite.h"
#include "tests/unit/tls/ends.h"

/* What a case finds in its *state. */
struct version {
    const char *name;
    bool older;
};

extern struct world world;

/* Adds both of a version's cases, named after the fact and the version. */
void add_both(struct suite *suite, const char *fact, CMUnitTestFunction check);

/* The world's client of the case's version. */
struct tls_client *client_for(void **state);

/* Ends that have shaken hands. */
void open_met(struct ends *ends, struct tls_client *client);

enum {
    BODY = 300000 /* more than a socket pair holds */
};

/* Receives until nothing more comes; what came is the pattern's from *at on. */
void take_pattern(struct stream *stream, size_t *at);

/* The lengths of the records that wait at a descriptor, and how many there are, up to `most`. */
int records_at(int fd, size_t *sizes, int most);
