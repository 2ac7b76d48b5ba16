/* Text in a page that is nothing but text there, whatever it holds. */
#pragma once

#include "lib/http/response.h"

/* Writes `text` so that it can stand in an element or in a quoted attribute of a page in UTF-8:
 * &, <, >, " and ' become references; control bytes, and bytes that are no well-formed UTF-8
 * (RFC 3629 4), become U+FFFD, so that none of them swallows what comes behind. Any thread. */
void html_text(struct head *head, struct bytes text);
