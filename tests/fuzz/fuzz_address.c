/* Socket addresses: what was read is written so that it is read as the same. */
#include "lib/net/address.h"

#include "tests/fuzz/numeric_hosts.h"
#include "tests/fuzz/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char room[ADDRESS_TEXT];
    struct address address = {0};
    struct address again = {0};
    char *text = text_copy((struct bytes){(const char *)data, size});
    if (address_read(text, &address) == NULL) {
        PROPERTY(address.size > 0 && address.size <= sizeof(address.at));
        PROPERTY(address_port(&address) <= 65535);
        PROPERTY(!address_is_unix(&address) || address_is_loopback(&address));
        PROPERTY(strlen(address_write(room, &address)) < ADDRESS_TEXT);
        PROPERTY(strchr(room, '%') != NULL || address_read(room, &again) == NULL);
        PROPERTY(strchr(room, '%') != NULL || again.size == address.size);
        PROPERTY(address_port(&again) == address_port(&address) || strchr(room, '%') != NULL);
    } else {
        PROPERTY(address.size == 0);
    }
    free(text);
    return 0;
}
