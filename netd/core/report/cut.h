/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The established connections that a change of policy cuts. Judged by the evaluator, each by its
 * own tuple, as the rules do it: who began it, who answers, and the port that answers. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "core/base/arena.h"
#include "core/base/ip.h"
#include "core/report/report.h"

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

/* Adds "connections" to @plan, which is report_plan()'s of the two. Both are of one world, with its
 * real ports. 0 or -ENOMEM. */
int report_cut(const struct report_input *old, const struct report_input *new,
	       const struct cut_facts *facts, cJSON *plan) MUST_CHECK;
