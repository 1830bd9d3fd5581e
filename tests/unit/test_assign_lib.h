/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which tier each endpoint is in, without a ruleset around it. */
#pragma once

#include "core/compile/emit.h"

/* One entry per endpoint of the world, in the same order. NULL: no memory. */
static inline const struct assignment *assign_all_at(const struct compile_input *in,
						     struct arena *arena)
{
	struct emit e = { .in = in, .arena = arena };

	e.addrs = compile_addresses(in->world, false, arena, &e.n_addrs);
	return e.addrs ? assign_endpoints(&e) : NULL;
}

static inline const struct assignment *assign_all(const struct policy *policy,
						  const struct world *world, struct arena *arena)
{
	const struct compile_input in = { .policy = policy, .world = world };

	return assign_all_at(&in, arena);
}
