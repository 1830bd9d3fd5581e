/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/report/print.h"

#include <stdlib.h>
#include <string.h>

#include "core/policy/until.h"

void report_add_addr(struct rj *j, cJSON *object, const char *name, const struct ip_addr *addr)
{
	char text[IP_TEXT_LEN];

	rj_text(j, object, name, addr->family ? ip_format(addr, text) : NULL);
}

static void add_peers(struct rj *j, cJSON *array, const struct policy *policy,
		      const struct policy_peer *peers, size_t n)
{
	char name[LIMIT_PEER_TEXT];

	for (size_t i = 0; i < n; i++)
		rj_push_text(j, array, policy_peer_name(policy, &peers[i], name));
}

void report_add_rule(struct rj *j, cJSON *object, const struct policy *policy, size_t rule)
{
	const struct policy_rule *r = &policy->rules[rule];
	char text[UNTIL_TEXT_LEN > PORT_RANGE_TEXT_LEN ? UNTIL_TEXT_LEN : PORT_RANGE_TEXT_LEN];

	rj_place(j, object, &r->loc);
	rj_text(j, object, "action", r->action == POLICY_ALLOW ? "allow" : "deny");
	add_peers(j, rj_add_array(j, object, "from"), policy, r->from, r->n_from);
	add_peers(j, rj_add_array(j, object, "to"), policy, r->to, r->n_to);
	cJSON *ports = rj_add_array(j, object, "ports");
	for (size_t i = 0; i < r->n_ports; i++)
		rj_push_text(j, ports, port_range_format(&r->ports[i], text));
	if (r->n_ports == 0)
		rj_push_text(j, ports, "any");
	rj_text(j, object, "until", r->until ? policy_until_format(r->until, text) : NULL);
	rj_bool(j, object, "log", r->log);
}

void report_add_rule_place(struct rj *j, cJSON *object, const struct policy *policy,
			   uint32_t policy_rule)
{
	if (policy_rule)
		rj_place(j, object, &policy->rules[policy_rule - 1].loc);
}

static int by_counter_name(const void *key, const void *item)
{
	return strcmp(key, ((const struct report_counter *)item)->name);
}

/* The first of those of that name, or NULL. */
static const struct report_counter *first_counter(const struct report_input *in, const char *name)
{
	const struct report_counter *found =
		in->n_counters ? bsearch(name, in->counters, in->n_counters, sizeof(*in->counters),
					 by_counter_name)
			       : NULL;

	while (found && found > in->counters && strcmp(found[-1].name, name) == 0)
		found--;
	return found;
}

const struct report_counter *report_find_counter(const struct report_input *in, const char *table,
						 const char *name)
{
	const struct report_counter *end = in->counters + in->n_counters;

	for (const struct report_counter *c = first_counter(in, name);
	     c && c < end && strcmp(c->name, name) == 0; c++)
		if (strcmp(c->table, table) == 0)
			return c;
	return NULL;
}

bool report_find_hits(const struct report_input *in, const char *counter, uint64_t *packets,
		      uint64_t *bytes)
{
	const struct report_counter *end = in->counters + in->n_counters;
	const struct report_counter *found = first_counter(in, counter);

	*packets = *bytes = 0;
	if (!found)
		return false;
	for (; found < end && strcmp(found->name, counter) == 0; found++) {
		*packets += found->packets;
		*bytes += found->bytes;
	}
	return true;
}

bool report_rule_expired(const struct report_input *in, size_t rule)
{
	int64_t until = in->policy->rules[rule].until;

	return until != 0 && in->now >= until;
}

const char *report_tier_name(const struct report_input *in, size_t endpoint)
{
	const struct assignment *as = &in->compiled->assignments[endpoint];

	return as->kind == ASSIGN_TIER ? in->policy->tiers[as->tier].name : NULL;
}

void report_add_endpoint(struct rj *j, cJSON *object, const struct report_input *in, size_t i)
{
	const struct world_endpoint *endpoint = &in->world->endpoints[i];
	char mac[MAC_TEXT_LEN];

	const struct world_container *container = &in->world->containers[endpoint->container];

	rj_text(j, object, "container", container->name);
	if (container->kind != WORLD_CONTAINER)
		rj_text(j, object, "kind", world_kind_name(container->kind));
	rj_text(j, object, "network", in->world->networks[endpoint->network].name);
	report_add_addr(j, object, "ipv4", &endpoint->ipv4);
	report_add_addr(j, object, "ipv6", &endpoint->ipv6);
	rj_text(j, object, "mac",
		mac_is_zero(&endpoint->mac) ? NULL : mac_format(&endpoint->mac, mac));
	rj_text(j, object, "port", in->compiled->assignments[i].port);
	if (in->compiled->assignments[i].at_parent)
		rj_text(j, object, "parent", in->world->networks[endpoint->network].parent);
	rj_text(j, object, "tier", report_tier_name(in, i));
}
