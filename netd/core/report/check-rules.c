/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules that do nothing on the facts of a host. */
#include <errno.h>
#include <string.h>

#include "core/report/checking.h"

/* ---- addresses that are no outside ---- */

static const struct world_network *network_around(const struct world *world,
						  const struct ip_prefix *prefix)
{
	struct ip_range range = ip_prefix_range(prefix);

	for (size_t i = 0; i < world->n_networks; i++)
		for (size_t s = 0; s < world->networks[i].n_subnets; s++)
			if (world_network_is_managed(&world->networks[i]) &&
			    ip_in_prefix(&range.first, &world->networks[i].subnets[s]) &&
			    ip_in_prefix(&range.last, &world->networks[i].subnets[s]))
				return &world->networks[i];
	return NULL;
}

static const struct world_container *container_at(const struct world *world,
						  const struct ip_addr *addr)
{
	for (size_t i = 0; i < world->n_endpoints; i++)
		if (ip_compare(&world->endpoints[i].ipv4, addr) == 0 ||
		    ip_compare(&world->endpoints[i].ipv6, addr) == 0)
			return &world->containers[world->endpoints[i].container];
	return NULL;
}

/* Packets to it are the host's, and packets from it too, whatever a rule says of addresses. */
static bool is_hosts(const struct world *world, const struct policy_peer *peer)
{
	return peer->kind == PEER_PREFIX && peer->prefix.len == 8 * ip_len(&peer->prefix.addr) &&
	       world_is_host_address(world, &peer->prefix.addr);
}

static void check_peer(const struct checking *c, const struct policy_peer *peer)
{
	const struct world_network *network = peer->kind == PEER_PREFIX && !peer->spoken
						      ? network_around(c->in->world, &peer->prefix)
						      : NULL;
	char text[LIMIT_PEER_TEXT];

	if (!network && !is_hosts(c->in->world, peer))
		return;
	const char *name = policy_peer_name(c->in->policy, peer, text);
	if (!network) {
		REPORT(c, WF_CONTAINER_ADDRESS, peer->loc,
		       "write `host`, or the tier of the container that publishes the port",
		       "%s is this host's own address, and no address outside", name);
		return;
	}
	bool one = peer->prefix.len == 8 * ip_len(&peer->prefix.addr);
	const struct world_container *container =
		one ? container_at(c->in->world, &peer->prefix.addr) : NULL;
	if (is_hosts(c->in->world, peer))
		REPORT(c, WF_CONTAINER_ADDRESS, peer->loc, "write `host`",
		       "%s is this host's own address on network `%s`, not an address outside",
		       name, network->name);
	else if (container)
		REPORT(c, WF_CONTAINER_ADDRESS, peer->loc, "name its tier",
		       "%s is the address of `%s`, but an address never stands for a container",
		       name, container->name);
	else
		REPORT(c, WF_CONTAINER_ADDRESS, peer->loc, "name a tier",
		       "%s is in network `%s`, but an address never stands for a container", name,
		       network->name);
}

/* ---- ports that are not published ---- */

/* The endpoints of each tier as lists: an index plus one each, 0 at its end. */
struct tier_members {
	uint32_t *last;	  /* per tier */
	uint32_t *before; /* per endpoint */
};

static int list_tier_members(const struct checking *c, struct tier_members *ret)
{
	const struct world *world = c->in->world;

	ret->last = arena_alloc(c->scratch, c->in->policy->n_tiers * sizeof(*ret->last));
	ret->before = arena_alloc(c->scratch, world->n_endpoints * sizeof(*ret->before));
	if (!ret->last || !ret->before)
		return -ENOMEM;
	for (uint32_t i = 0; i < world->n_endpoints; i++) {
		const struct assignment *as = &c->in->compiled->assignments[i];
		if (as->kind != ASSIGN_TIER)
			continue;
		ret->before[i] = ret->last[as->tier];
		ret->last[as->tier] = i + 1;
	}
	return 0;
}

/* What the members of a tier publish of a rule's port. */
struct found_ports {
	bool any, published;
	const struct world_container *container; /* that has it as a port of the host */
	const struct world_published *by_number;
	const struct world_endpoint *elsewhere; /* through which a member publishes it, instead */
};

/* A compose file that binds a port to a loopback address may be the one for a developer's machine.
 */
static void look_at(const struct checking *c, uint32_t endpoint, const struct port_range *wanted,
		    struct found_ports *found)
{
	const struct world *world = c->in->world;
	uint32_t index = world->endpoints[endpoint].container;
	const struct world_container *container = &world->containers[index];
	const uint32_t through[2] = { world_publisher(world, index, IP_V4),
				      world_publisher(world, index, IP_V6) };

	for (size_t i = 0; i < container->n_published && !found->published; i++) {
		const struct world_published *published = &container->published[i];
		enum ip_proto proto = (enum ip_proto)published->port.proto;
		if (ip_is_loopback(&published->host_ip) && !c->places)
			continue;
		bool meant = !wanted || port_range_overlaps(&published->port, wanted);
		uint32_t publisher = through[published->host_ip.family == IP_V6];
		found->published = meant && publisher == endpoint;
		if (meant && publisher != endpoint && publisher != WORLD_NO_ENDPOINT)
			found->elsewhere = &world->endpoints[publisher];
		if (!found->by_number && !meant && !published->symbolic && wanted &&
		    port_range_contains(wanted, proto, published->host_port)) {
			found->by_number = published;
			found->container = container;
		}
	}
}

static struct found_ports find_ports(const struct checking *c, const struct tier_members *members,
				     uint32_t tier, const struct port_range *wanted)
{
	struct found_ports found = { 0 };

	for (uint32_t i = members->last[tier]; i && !found.published; i = members->before[i - 1]) {
		found.any = true;
		look_at(c, i - 1, wanted, &found);
	}
	return found;
}

/* A container is on several networks, and Docker publishes through one of them. */
static void report_elsewhere(const struct checking *c, const struct policy_rule *rule,
			     const char *tier, const struct world_endpoint *publisher,
			     const char *port)
{
	const struct world *world = c->in->world;
	const struct assignment *as = &c->in->compiled->assignments[publisher - world->endpoints];
	const char *other = as->kind == ASSIGN_TIER ? c->in->policy->tiers[as->tier].name : NULL;
	const char *name = world->containers[publisher->container].name;
	const char *network = world->networks[publisher->network].name;

	REPORT(c, WF_UNPUBLISHED_PORT, rule->loc,
	       other ? arena_printf(c->diags->arena, "write `to: %s`, or match `%s` by `container`",
				    other, name)
		     : "add a match to a tier for what is on that network",
	       "Docker publishes %s of `%s` through network `%s`, where it is in %s%s%s, not in "
	       "tier "
	       "`%s`: this opens nothing to the outside",
	       port, name, network, other ? "tier `" : "no tier", other ? other : "",
	       other ? "`" : "", tier);
}

static void check_port_reached(const struct checking *c, const struct tier_members *members,
			       const struct policy_rule *rule, uint32_t tier,
			       const struct port_range *wanted)
{
	const char *name = c->in->policy->tiers[tier].name;
	struct found_ports found = find_ports(c, members, tier, wanted);
	char text[PORT_RANGE_TEXT_LEN] = "", inside[PORT_RANGE_TEXT_LEN];

	if (!found.any || found.published)
		return;
	if (found.elsewhere) {
		report_elsewhere(c, rule, name, found.elsewhere,
				 wanted ? port_range_format(wanted, text) : "the ports");
		return;
	}
	if (found.by_number) {
		const char *hint = arena_printf(c->diags->arena, "write `%s`",
						port_range_format(&found.by_number->port, inside));
		REPORT(c, WF_HOST_PORT, rule->loc, hint,
		       "%s is the host's port of `%s`: rules name the container's own, %s",
		       port_range_format(wanted, text), found.container->name, inside);
		return;
	}
	REPORT(c, WF_UNPUBLISHED_PORT, rule->loc,
	       "publish it on an address that others reach, or remove it from the rule",
	       "no container in tier `%s` publishes %s, so this opens nothing to the outside", name,
	       wanted ? port_range_format(wanted, text) : "a port");
}

static bool comes_from_outside(const struct checking *c, const struct policy_rule *rule)
{
	for (size_t i = 0; i < rule->n_from; i++)
		if (rule->from[i].kind != PEER_TIER && rule->from[i].kind != PEER_HOST &&
		    !is_hosts(c->in->world, &rule->from[i]) && !rule->from[i].spoken &&
		    !(rule->from[i].kind == PEER_PREFIX &&
		      network_around(c->in->world, &rule->from[i].prefix)))
			return true;
	return false;
}

static void check_ports_reached(const struct checking *c, const struct tier_members *members,
				const struct policy_rule *rule)
{
	for (size_t i = 0; i < rule->n_to; i++) {
		if (rule->to[i].kind != PEER_TIER)
			continue;
		if (rule->n_ports == 0)
			check_port_reached(c, members, rule, rule->to[i].tier, NULL);
		for (size_t p = 0; p < rule->n_ports; p++)
			if (proto_has_ports((enum ip_proto)rule->ports[p].proto))
				check_port_reached(c, members, rule, rule->to[i].tier,
						   &rule->ports[p]);
	}
}

/* Of what Docker deals out nothing is spoken for; a single address may lie among it. */
static void check_entry(const struct checking *c, const struct policy_spoken *entry)
{
	const struct world *world = c->in->world;
	bool one = entry->prefix.len == 8 * ip_len(&entry->prefix.addr);
	const struct policy_tier *tier = &c->in->policy->tiers[entry->tier];
	char text[PREFIX_TEXT_LEN], subnet[PREFIX_TEXT_LEN];

	c->diags->about = (struct diag_subject){ .tiers = &tier->name, .n_tiers = 1 };
	(void)ip_prefix_format(&entry->prefix, text);
	if (one && compile_find_spoken(c->in->compiled, &entry->prefix.addr) == UINT32_MAX)
		REPORT(c, WF_SPOKEN_TAKEN, entry->loc,
		       "name an address that Docker does not deal out",
		       "%s is a container's or this host's own: nobody speaks for it",
		       ip_format(&entry->prefix.addr, text));
	for (size_t i = 0; i < world->n_networks && !one; i++)
		for (size_t s = 0; s < world->networks[i].n_subnets; s++) {
			const struct ip_prefix *other = &world->networks[i].subnets[s];
			if (!world_network_is_managed(&world->networks[i]) ||
			    (!ip_in_prefix(&other->addr, &entry->prefix) &&
			     !ip_in_prefix(&entry->prefix.addr, other)))
				continue;
			REPORT(c, WF_SPOKEN_TAKEN, entry->loc,
			       "name single addresses there, or a range beside it",
			       "%s leaves out network `%s`, whose addresses Docker deals out: %s",
			       text, world->networks[i].name, ip_prefix_format(other, subnet));
		}
}

int check_rules(const struct checking *c)
{
	const struct policy *policy = c->in->policy;
	struct tier_members members;
	int r = list_tier_members(c, &members);

	for (size_t i = 0; i < policy->n_spoken; i++)
		check_entry(c, &policy->spoken[i]);
	for (size_t i = 0; i < policy->n_rules && r == 0; i++) {
		const struct policy_rule *rule = &policy->rules[i];
		struct diag_subject about = { 0 };
		if (rule->until && c->in->now >= rule->until)
			continue;
		about.tiers = policy_rule_tiers(policy, rule, c->diags->arena, &about.n_tiers);
		c->diags->about = about;
		r = about.tiers ? 0 : -ENOMEM;
		for (size_t k = 0; k < rule->n_from; k++)
			check_peer(c, &rule->from[k]);
		for (size_t k = 0; k < rule->n_to; k++)
			check_peer(c, &rule->to[k]);
		if (rule->action == POLICY_ALLOW && comes_from_outside(c, rule))
			check_ports_reached(c, &members, rule);
	}
	return r;
}
