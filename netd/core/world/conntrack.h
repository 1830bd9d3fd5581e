/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's connection table as facts. edge/fw reads it from the kernel (ctnetlink, the dump of
 * IPCTNL_MSG_CT_GET), core/report judges it; neither knows the other. Ports are in the host's byte
 * order, addresses as everywhere in struct ip_addr. Everything lives in the arena of who asked. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/ip.h"

/* One of the host's connection table. */
struct cut_connection {
	struct ip_addr from, sent_to, to;    /* began it; first destination; answers (after DNAT) */
	uint16_t from_port, sent_port, port; /* port: that answers; 0 without ports */
	enum ip_proto proto;		     /* not PROTO_ANY */
};

struct cut_facts {
	VEC(struct cut_connection) connections;
	size_t n_left_out; /* more than LIMIT_CONNECTIONS, or of a protocol that policies have not
			    */
	const struct ip_addr *host; /* addresses of this host */
	size_t n_host;
	const char *error; /* why there are no connections; "" */
};
