#include "client/means.h"

#include "lib/base/limits.h"

struct means means_now(void)
{
    return (struct means){
        .descriptors = limits_descriptors(),
        .open = limits_open_descriptors(),
        .machine = limits_machine_descriptors(),
        .ports = limits_local_ports(),
    };
}
