/* The process's own limits, and the machine's. All but the first two read files. */
#pragma once

#include <stdint.h>

/* Raises the soft descriptor limit to the hard one and returns the number of descriptors that is
 * then in force (the old one when the system refuses; 0 when it does not tell). At start-up. */
uint64_t limits_raise_descriptors(void);

/* The number of descriptors that is in force now, 0 when the system does not tell. */
uint64_t limits_descriptors(void);

/* How many descriptors this process has open; 0 when the system does not tell. */
uint64_t limits_open_descriptors(void);

/* How many descriptors all processes together may have open (fs.file-max); 0 when the system does
 * not tell. */
uint64_t limits_machine_descriptors(void);

/* How many local ports the system gives to connections of one address to one peer: those of
 * net.ipv4.ip_local_port_range but for ip_local_reserved_ports. 0 when it does not tell. */
uint64_t limits_local_ports(void);

/* How many cores the machine has, 1 at the least. */
unsigned limits_cores(void);
