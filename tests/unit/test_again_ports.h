/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a container of test_again_lib.h publishes, at random: some ports that many publish, some of
 * its own, and some that another one has as well. */
#pragma once

#include <stdbool.h>
#include <stdlib.h>

#include "core/base/text.h"

enum { MOST_PORTS = 4 };

/* As Docker tells of it. */
struct binding {
	const char *host_ip;
	unsigned int host_port, port;
	bool udp;
};

struct bindings {
	struct binding items[MOST_PORTS];
	unsigned int n;
};

static inline void bind_port(struct bindings *all, const char *host_ip, unsigned int host_port,
			     unsigned int port)
{
	all->items[all->n++] = (struct binding){ host_ip, host_port, port, port == 53 };
}

/* Of container @c. */
static inline struct bindings bind_at_random(unsigned int c)
{
	static const char *const any[] = { "0.0.0.0", "::" };
	static const char *const own[] = { "192.0.2.1", "fd00:9::1", "127.0.0.1" };
	unsigned int r = (unsigned int)rand(), what = r % 9, which = r / 9;
	struct bindings all = { .n = 0 };

	if (what < 3) { /* one key, and one chain */
		bind_port(&all, any[0], 20000 + c, 80);
		bind_port(&all, any[1], 20000 + c, 80);
	} else if (what == 3) { /* neighbours, of which policies tell some apart */
		for (unsigned int i = 0; i < 1 + which % MOST_PORTS; i++)
			bind_port(&all, any[0], 21000 + 10 * c + i, 8000 + which / 4 % 2 + i);
	} else if (what == 4) {
		bind_port(&all, own[which % 3], 443, 443 + which % 2);
	} else if (what == 5) { /* whoever else has it */
		bind_port(&all, any[which % 2], 80, which % 3 ? 80 : 8080);
	} else if (what == 6) { /* one key, and two chains */
		bind_port(&all, any[0], 22000 + c, 80);
		bind_port(&all, any[1], 22000 + c, 8001);
	} else if (what == 7) {
		bind_port(&all, any[0], 23000 + c, 53);
		bind_port(&all, any[0], 23000 + c, 8000 + which % 3);
	} else {
		bind_port(&all, any[which % 2], 24000 + which % 4, 9000 + which % 5);
	}
	return all;
}

static inline void print_bindings(struct text *out, const struct bindings *all)
{
	for (unsigned int i = 0; i < all->n; i++)
		text_printf(out, "%s{\"host_ip\":\"%s\",\"host_port\":%u,\"port\":\"%u/%s\"}",
			    i ? "," : "", all->items[i].host_ip, all->items[i].host_port,
			    all->items[i].port, all->items[i].udp ? "udp" : "tcp");
}

/* The same in an answer of Docker's. */
static inline void print_docker_bindings(struct text *out, const struct bindings *all)
{
	for (unsigned int i = 0; i < all->n; i++)
		text_printf(out,
			    "%s{\"IP\":\"%s\",\"PublicPort\":%u,\"PrivatePort\":%u,\"Type\":"
			    "\"%s\"}",
			    i ? "," : "", all->items[i].host_ip, all->items[i].host_port,
			    all->items[i].port, all->items[i].udp ? "udp" : "tcp");
}
