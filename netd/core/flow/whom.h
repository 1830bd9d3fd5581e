/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose an address is, fast: for the ends of connections, of which there may be thousands a second.
 */
#pragma once

#include "core/base/arena.h"
#include "core/compile/compile.h"
#include "core/flow/flow.h"

struct flow_whom;

struct flow_facts {
	const struct world *world;
	/* NULL: no policy is in force, and nobody is in a tier. */
	const struct policy *policy;
	const struct compile_output *compiled;
	const struct ip_addr *host; /* more addresses of this host */
	size_t n_host;
};

/* 0 (in @arena, which borrows from the facts) or -ENOMEM. */
int flow_whom_new(const struct flow_facts *facts, struct arena *arena,
		  struct flow_whom **ret) MUST_CHECK;
/* The end at that address. */
struct flow_end flow_whom_at(const struct flow_whom *whom, const struct ip_addr *addr);
/* The endpoint of the world, as an end; @addr: what it used, IP_NONE: not told. */
struct flow_end flow_whom_endpoint(const struct flow_whom *whom, uint32_t endpoint,
				   const struct ip_addr *addr);
/* What it is to a reader of totals: its tier, or why it is in none ("unmatched" without a policy);
 * "host", "internet", "lan" or "nobody". */
const char *flow_whom_group(const struct flow_whom *whom, const struct flow_end *end);
/* It is an end of containers', or of their networks. */
bool flow_whom_is_managed(const struct flow_end *end);

/* A connection as the kernel's table has it. */
struct flow_tuple {
	struct ip_addr from, sent_to, to; /* began it; first destination; answers (after DNAT) */
	uint16_t sent_port, port;	  /* port: that answers; 0 without ports */
	uint8_t proto;			  /* IANA number */
};
/* The flow that it is, which has passed; what docker-proxy takes for a container, as that. False:
 * no end of it is a container's. */
bool flow_whom_tuple(const struct flow_whom *whom, const struct flow_tuple *tuple,
		     struct flow *ret);
/* The same flow was seen to pass: as it is, or through a port of this host at which its destination
 * is published, which a logged packet does not tell. */
bool flow_whom_passed(const struct flow_whom *whom, const struct flow_store *store,
		      const struct flow *flow);
/* The endpoint of an end, as it is in the world; UINT32_MAX: it is gone, or no container's. */
uint32_t flow_whom_find(const struct flow_whom *whom, const struct flow_end *end);
