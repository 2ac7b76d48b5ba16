/* The page: self-contained, drawn from a bundle alone. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* Writes DIR/report.html with the bundle inside it, replaced whole or not at all. False: `why`
 * (BUNDLE_WHY bytes) says what failed. */
bool report_write(const json_t *bundle, const char *dir, char *why);

/* The file:// address of DIR/report.html; `to` has REPORT_ADDRESS bytes. Returns `to`. */
enum {
    REPORT_ADDRESS = 3 * 4096 + 32
};
char *report_address(char *to, const char *dir);
