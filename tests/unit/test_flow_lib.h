/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows to note, and stores to note them in. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/limits.h"
#include "core/flow/json.h"

#define NOW INT64_C(1790000000)

static inline struct flow_end container(const char *name, const char *network)
{
	struct flow_end end = { .kind = FLOW_CONTAINER,
				.id = name,
				.name = name,
				.network = network,
				.tier = "web",
				.image = "",
				.labels = "",
				.len = 32 };

	assert_int_equal(ip_parse("172.18.0.2", &end.addr), 0);
	return end;
}

static inline struct flow_end outside(const char *text)
{
	struct ip_addr addr;

	assert_int_equal(ip_parse(text, &addr), 0);
	return flow_outside(&addr);
}

static inline struct flow make(struct flow_end from, struct flow_end to, uint16_t port)
{
	return (struct flow){
		.from = from, .to = to, .proto = 6, .port = port, .place = "", .count = 1
	};
}

static inline void note(struct flow_store *store, const struct flow *flow, int64_t now)
{
	assert_int_equal(flow_store_note(store, flow, now), 0);
}

static inline void freep(struct flow_store **store)
{
	*store = flow_store_free(*store);
}

static inline struct flow_store *new_store(void)
{
	struct flow_store *store = flow_store_new(7);

	assert_non_null(store);
	return store;
}

/* The only one. */
static inline struct flow only(const struct flow_store *store)
{
	struct flow flow;
	uint32_t at = 0;

	assert_int_equal(flow_store_counts(store).kept, 1);
	assert_true(flow_store_next(store, true, &at, &flow));
	return flow;
}
