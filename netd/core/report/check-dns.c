/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules to `dns` that say less than they seem to: where Docker asks in the host's name, and where a
 * container asks others. */
#include <errno.h>

#include "core/report/checking.h"
#include "core/report/dns.h"

static bool rule_names(const struct policy_peer *peers, size_t n, uint32_t tier)
{
	for (size_t i = 0; i < n; i++)
		if (peers[i].kind == PEER_TIER && peers[i].tier == tier)
			return true;
	return false;
}

static bool names_dns(const struct policy_rule *rule)
{
	for (size_t i = 0; i < rule->n_to; i++)
		if (rule->to[i].kind == PEER_DNS)
			return true;
	return false;
}

/* Of all networks one is named, and how many there are beside it. */
static void check_leaks(const struct checking *c, const struct policy_rule *rule)
{
	const struct world *world = c->in->world;
	const struct world_network *found = NULL;
	const char *others = "";
	bool *told = arena_alloc(c->scratch, world->n_networks);
	size_t n = 0;

	for (size_t i = 0; told && world->engine && i < world->n_endpoints; i++) {
		uint32_t network = world->endpoints[i].network;
		if (told[network] || !report_dns_leaks_from(world, &world->endpoints[i]))
			continue;
		told[network] = true;
		found = found ? found : &world->networks[network];
		n++;
	}
	if (n > 1)
		others = arena_printf(c->scratch, " and %zu more", n - 1);
	if (found)
		REPORT(c, WF_DNS_LEAK, rule->loc,
		       "name the resolvers in Docker's own settings (\"dns\" in daemon.json) or "
		       "the "
		       "containers' (`dns:`): then they ask themselves",
		       "on network `%s`%s Docker %s asks resolvers in this host's name: names get "
		       "out "
		       "of every tier, whatever a rule to `dns` says",
		       found->name, others ? others : "", world->engine);
}

static bool stands_for(const struct world *world, const struct ip_addr *addr)
{
	for (size_t i = 0; i < world->n_resolvers; i++)
		if (ip_compare(&world->resolvers[i], addr) == 0)
			return true;
	return false;
}

/* 1: that resolver cannot be asked; 0; -ENOMEM. */
static int is_closed(const struct checking *c, uint32_t endpoint, const struct ip_addr *addr)
{
	const struct report_input *in = c->in;
	const struct sim_host host = { in->world, in->policy, in->compiled, in->symbolic };
	const struct sim_flow flow = { .from = { .kind = SIM_ENDPOINT, .endpoint = endpoint },
				       .to = { .kind = SIM_ADDRESS, .addr = *addr },
				       .family = (enum ip_family)addr->family,
				       .proto = PROTO_UDP,
				       .port = 53 };
	struct sim_result result;
	int r = sim_flow(&host, &flow, c->scratch, &result);

	return r < 0 ? r : !result.allowed && result.by == SIM_BY_NETD;
}

static int check_own(const struct checking *c, uint32_t endpoint)
{
	const struct world *world = c->in->world;
	const struct assignment *as = &c->in->compiled->assignments[endpoint];
	const struct world_endpoint *end = &world->endpoints[endpoint];
	const struct world_container *container = &world->containers[end->container];
	const struct policy *policy = c->in->policy;
	char text[IP_TEXT_LEN];

	for (size_t i = 0; i < policy->n_rules && as->kind == ASSIGN_TIER; i++) {
		const struct policy_rule *rule = &policy->rules[i];
		if (rule->action != POLICY_ALLOW || !names_dns(rule) ||
		    !rule_names(rule->from, rule->n_from, as->tier))
			continue;
		for (size_t k = 0; k < container->n_dns; k++) {
			int closed = stands_for(world, &container->dns[k])
					     ? 0
					     : is_closed(c, endpoint, &container->dns[k]);
			if (closed < 0)
				return closed;
			if (!closed)
				continue;
			check_about(c, end);
			REPORT(c, WF_OWN_RESOLVER, rule->loc,
			       "allow it by its address, port 53, or leave the choice to Docker",
			       "`%s` was given the resolver %s, which `dns` does not stand for: "
			       "what "
			       "it asks there is denied",
			       container->name, ip_format(&container->dns[k], text));
			return 0;
		}
	}
	return 0;
}

int check_dns(const struct checking *c)
{
	const struct policy *policy = c->in->policy;
	int r = 0;

	for (size_t i = 0; i < policy->n_rules; i++)
		if (policy->rules[i].action == POLICY_ALLOW && names_dns(&policy->rules[i])) {
			check_leaks(c, &policy->rules[i]);
			break; /* one is enough: it is true of all */
		}
	for (uint32_t e = 0; e < c->in->world->n_endpoints && r == 0; e++)
		if (c->in->world->containers[c->in->world->endpoints[e].container].n_dns)
			r = check_own(c, e);
	return r;
}
