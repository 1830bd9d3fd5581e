/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The zone `hosts`: whose addresses count as those of the fleet's hosts. What a host says of itself
 * is no reason to believe that it is somebody else: neither what is no host's at all (loopback,
 * multicast, metadata services, link-local), nor what is of a network of Docker's here, where
 * containers are. This host's own addresses are harmless, for the kernel takes them from nobody. */
#include <errno.h>

#include "core/base/sort.h"
#include "core/compile/emit.h"
#include "core/policy/zone.h"

static bool is_of_network(const struct emit *e, const struct ip_addr *addr)
{
	const struct compile_output subnets = { .subnets = e->subnets, .n_subnets = e->n_subnets };

	return compile_find_subnet(&subnets, addr) != UINT32_MAX;
}

const struct world_member *compile_hosts(const struct emit *e, size_t *ret_n)
{
	const struct world *world = e->in->world;
	struct world_member *hosts = arena_alloc(e->arena, world->n_members * sizeof(*hosts));
	size_t n = 0;

	if (!hosts || !e->subnets)
		return NULL;
	for (size_t i = 0; i < world->n_members; i++) {
		const struct world_member *member = &world->members[i];
		if (!policy_zone_may_have_host(&member->addr) || is_of_network(e, &member->addr))
			continue;
		hosts[n] = *member;
		/* What is made may outlive the world (again.h). */
		hosts[n].host = arena_strdup(e->arena, member->host);
		if (!hosts[n++].host)
			return NULL;
	}
	*ret_n = n;
	return hosts;
}

void emit_hosts(struct emit *e)
{
	static const enum rs_type types[2][1] = { { RS_TYPE_IPV4 }, { RS_TYPE_IPV6 } };
	struct rs_set *sets[2];

	if (!policy_names_hosts(e->in->policy))
		return;
	sets[0] = emit_set(e, SET_HOSTS4, types[0], 1);
	sets[1] = emit_set(e, SET_HOSTS6, types[1], 1);
	for (size_t i = 0; i < e->n_hosts && !e->err; i++) {
		struct rs_key key = key_addr(&e->hosts[i].addr);
		if (i == 0 || ip_compare(&e->hosts[i - 1].addr, &e->hosts[i].addr) != 0)
			emit_elem(e, sets[e->hosts[i].addr.family == IP_V6], &key);
	}
}

static int host_by_address(const void *addr, const void *host)
{
	return ip_compare(addr, &((const struct world_member *)host)->addr);
}

const char *compile_find_host(const struct compile_output *output, const struct ip_addr *addr)
{
	size_t at = sort_bound(addr, output->hosts, output->n_hosts, sizeof(*output->hosts),
			       host_by_address);

	if (at == output->n_hosts || ip_compare(&output->hosts[at].addr, addr) != 0)
		return NULL;
	return output->hosts[at].host;
}

const char *compile_zone_text(const struct compile_output *output, const struct ip_addr *addr,
			      struct arena *arena)
{
	const char *host = compile_find_host(output, addr);

	return host ? arena_printf(arena, "zone hosts, `%s`", host) : policy_zone_text(addr);
}
