/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which tier each endpoint is in, without a ruleset around it. */
#pragma once

#include "core/compile/emit.h"

/* One entry per world->endpoints, in the same order. NULL: no memory. */
static inline const struct assignment *assign_all(const struct policy *policy,
						  const struct world *world, struct arena *arena)
{
	const struct compile_input in = { .policy = policy, .world = world };
	struct emit e = { .in = &in, .arena = arena };

	e.addrs = compile_addresses(world, arena, &e.n_addrs);
	return e.addrs ? assign_endpoints(&e) : NULL;
}
