/* Connections are counted by where they come from. */
#include "tests/support/suite.h"

#include "server/addresses.h"

#include <stdlib.h>
#include <string.h>

static struct client v4(unsigned number)
{
    return (struct client){CLIENT_V4,
                           {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number}};
}

static struct client v6(const char *text)
{
    struct address address;
    assert_null(address_read(text, &address));
    return client_of(&address);
}

static void so_many_enter_and_one_more_does_not(void **state)
{
    (void)state;
    struct addresses *addresses = addresses_create(100, 3);
    struct client one = v4(1), other = v4(2);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3; i++) {
            assert_true(addresses_enter(addresses, &one));
        }
        assert_false(addresses_enter(addresses, &one));
        assert_true(addresses_enter(addresses, &other)); /* others do not suffer */
        addresses_leave(addresses, &one);
        assert_true(addresses_enter(addresses, &one));
        assert_false(addresses_enter(addresses, &one));
        for (int i = 0; i < 3; i++) {
            addresses_leave(addresses, &one);
        }
        addresses_leave(addresses, &other);
    }
    addresses_destroy(addresses);
}

static void ipv6_counts_by_the_network_of_64_bits(void **state)
{
    (void)state;
    struct addresses *addresses = addresses_create(100, 2);
    struct client a = v6("[2001:db8:0:1::1]:80"), b = v6("[2001:db8:0:1:ffff::2]:90");
    struct client c = v6("[2001:db8:0:1::3]:80"), other = v6("[2001:db8:0:2::1]:80");
    assert_true(addresses_enter(addresses, &a));
    assert_true(addresses_enter(addresses, &b));
    assert_false(addresses_enter(addresses, &c));
    assert_true(addresses_enter(addresses, &other));
    addresses_leave(addresses, &b);
    assert_true(addresses_enter(addresses, &c));
    addresses_destroy(addresses);
}

static void ipv4_and_ipv6_of_the_same_bytes_differ(void **state)
{
    (void)state;
    struct addresses *addresses = addresses_create(100, 1);
    struct client four = {CLIENT_V4, {10, 0, 0, 1}}, six = {CLIENT_V6, {10, 0, 0, 1}};
    assert_true(addresses_enter(addresses, &four));
    assert_true(addresses_enter(addresses, &six));
    assert_false(addresses_enter(addresses, &four));
    addresses_destroy(addresses);
}

static void unix_sockets_are_exempt(void **state)
{
    (void)state;
    struct addresses *addresses = addresses_create(100, 1);
    struct client local = {.kind = CLIENT_LOCAL};
    for (int i = 0; i < 1000; i++) {
        assert_true(addresses_enter(addresses, &local));
    }
    addresses_leave(addresses, &local);
    addresses_destroy(addresses);
}

static void without_a_table_everybody_enters(void **state)
{
    (void)state;
    struct client one = v4(1);
    for (int i = 0; i < 1000; i++) {
        assert_true(addresses_enter(NULL, &one));
    }
    addresses_leave(NULL, &one);
    addresses_destroy(NULL);
}

/* Against a plain table: come and go in an order that fills the table to its end. */
static void whoever_comes_and_goes_is_counted_right(void **state)
{
    enum {
        HOSTS = 300,
        MOST = 4,
        ROOM = 400
    };
    unsigned held[HOSTS] = {0}, all = 0;
    (void)state;
    struct addresses *addresses = addresses_create(ROOM, MOST);
    srand(1);
    for (int i = 0; i < 200000; i++) {
        unsigned host = (unsigned)rand() % HOSTS;
        struct client client = v4(host * 7919);
        bool comes = rand() % 100 < (i / 20000 % 2 ? 70 : 30);
        if (comes && all < ROOM) {
            bool enters = addresses_enter(addresses, &client);
            assert_int_equal(enters, held[host] < MOST);
            held[host] += enters;
            all += enters;
        } else if (!comes && held[host] > 0) {
            addresses_leave(addresses, &client);
            held[host]--;
            all--;
        }
    }
    addresses_destroy(addresses);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(so_many_enter_and_one_more_does_not));
    suite_add(&suite, CASE(ipv6_counts_by_the_network_of_64_bits));
    suite_add(&suite, CASE(ipv4_and_ipv6_of_the_same_bytes_differ));
    suite_add(&suite, CASE(unix_sockets_are_exempt));
    suite_add(&suite, CASE(without_a_table_everybody_enters));
    suite_add(&suite, CASE(whoever_comes_and_goes_is_counted_right));
    return suite_run(&suite, "server/addresses");
}
