/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a TCP port of this host answer? Connections are made from here and closed at once; not a
 * byte is sent on them. For netdctl: the daemon itself speaks to nobody. */
#pragma once

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

/* Asks all of them at once and waits at most @timeout_ms. 0; -EINVAL: more than PROBES_MAX; -errno.
 */
int probe_tcp(struct probe *probes, size_t n, unsigned int timeout_ms) MUST_CHECK;
