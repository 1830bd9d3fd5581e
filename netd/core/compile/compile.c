/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of the whole: groups, then the tables inet, bridge and netdev. */
#include "core/compile/compile.h"

#include <errno.h>

#include "core/compile/elements.h"

int compile_ruleset(const struct compile_input *in, struct arena *arena, struct compile_output *ret,
		    const char **why)
{
	struct emit e = {
		.in = in, .root = arena, .late = { arena, arena }, .arena = arena, .family = RS_INET
	};

	*why = NULL;
	e.rs = ruleset_new(arena);
	e.rule_ends = arena_alloc(arena, in->policy->n_rules * sizeof(*e.rule_ends));
	e.addrs = compile_addresses(in->world, false, arena, &e.n_addrs);
	e.parent_addrs = compile_addresses(in->world, true, arena, &e.n_parent_addrs);
	e.subnets = compile_subnets(in->world, arena, &e.n_subnets);
	e.hosts = compile_hosts(&e, &e.n_hosts);
	if (!e.rs || !e.addrs || !e.parent_addrs || !e.subnets || !e.rule_ends || !e.hosts)
		return -ENOMEM;
	e.assignments = in->assignments ? in->assignments : assign_endpoints(&e);
	if (!e.assignments || emit_find_spoken(&e) < 0 || emit_make_groups(&e) < 0 ||
	    emit_index_rules(&e) < 0 || emit_make_port_sets(&e) < 0 || emit_order(&e) < 0 ||
	    emit_make_endpoint_sets(&e) < 0 || emit_bridge_nf(&e, NULL) < 0)
		return -ENOMEM;
	e.rs->stamp_mask = COMPILE_STAMP_MASK;
	e.rs->stamp = in->stamp;

	emit_inet_sets(&e);
	emit_inet_base(&e);
	emit_tier_chains(&e);
	emit_published_maps(&e);
	emit_published(&e);
	emit_nobody(&e);
	emit_inet_ends(&e);
	emit_bridge_table(&e);
	emit_parent_table(&e);
	if (e.err)
		return e.err;
	struct compile_output output = { .parts = arena_dup(arena, &e, sizeof(e)),
					 .ruleset = e.rs,
					 .assignments = e.assignments,
					 .needs_bridge_nf = e.needs_bridge_nf,
					 .bridge_nf_on = e.bridge_nf_on,
					 .subnets = e.subnets,
					 .n_subnets = e.n_subnets,
					 .hosts = e.hosts,
					 .n_hosts = e.n_hosts,
					 .denials = e.denials.items,
					 .n_denials = e.denials.n,
					 .spoken = e.spoken,
					 .n_spoken = e.n_spoken,
					 .next_change = compile_next_change(in) };
	int r = output.parts ? ruleset_seal(e.rs, why) : -ENOMEM;
	if (r == 0)
		*ret = output;
	return r;
}
