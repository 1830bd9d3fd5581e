/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this host is found to be from the inside, by sockets on which not a byte is sent. For
 * netdctl and netd-fleet: the daemon itself speaks to nobody. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/cleanup.h"
#include "core/base/ip.h"

enum probe_result {
	PROBE_ANSWERS,	   /* somebody took the connection */
	PROBE_REFUSED,	   /* the host answered: nobody listens */
	PROBE_SILENT,	   /* no answer in time: something drops it */
	PROBE_UNREACHABLE, /* there is no way to it: err says why */
};

struct probe {
	struct ip_addr addr;
	uint16_t port;
	enum probe_result result;
	int err; /* errno, of PROBE_UNREACHABLE */
};

/* As many at one time as fit in the descriptors of a process. */
#define PROBES_MAX 256u

/* Does a TCP port of this host answer? Connections are made from here and closed at once. Asks all
 * of them at once and waits at most @timeout_ms. 0; -EINVAL: more than PROBES_MAX; -errno. */
int probe_tcp(struct probe *probes, size_t n, unsigned int timeout_ms) MUST_CHECK;

/* Whether the kernel says that no interface here has that address. That it cannot be asked is no
 * such word; nor has it one where net.ipv4.ip_nonlocal_bind or net.ipv6.ip_nonlocal_bind is set. */
bool probe_lacks_address(const struct ip_addr *addr) MUST_CHECK;
