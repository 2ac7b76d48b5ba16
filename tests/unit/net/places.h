/* Addresses for the sockets of a test, and what the kernel has a socket as. */
#pragma once

#include "lib/net/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* Of unix sockets; there between the two that follow. */
static char folder[] = "/tmp/cristo-net-XXXXXX";

static inline int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static inline int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static inline struct address parsed(const char *text)
{
    struct address address;
    assert_null(address_read(text, &address));
    return address;
}

static inline struct address unix_address(const char *name)
{
    char text[ADDRESS_TEXT];
    snprintf(text, sizeof text, "unix:%s/%s", folder, name);
    return parsed(text);
}

static inline int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}
