/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One flow: which way it takes through this host, and what becomes of it there. The way itself,
 * hook by hook, is in travel.c. */
#include <errno.h>
#include <string.h>

#include "core/policy/zone.h"
#include "core/simulate/way.h"

/* Where an address of this host is asked about, this host is meant. */
static struct sim_end settle(const struct sim_host *host, const struct sim_end *end)
{
	if (end->kind != SIM_ADDRESS || !world_is_host_address(host->world, &end->addr))
		return *end;
	return (struct sim_end){ .kind = SIM_HOST, .addr = end->addr };
}

/* Who speaks to this host from outside, at a port that a container publishes, speaks to that. (A
 * container does so through docker-proxy: what the chains say of the host's port is true of it.) */
static void lead_to_container(const struct way *way, struct sim_flow *flow)
{
	uint32_t publisher;
	const struct world_published *published =
		flow->to.kind == SIM_HOST && flow->from.kind == SIM_ADDRESS && !way->from.network
			? docker_published_on_host(way, &publisher)
			: NULL;

	if (!published)
		return;
	flow->to = (struct sim_end){ .kind = SIM_ENDPOINT, .endpoint = publisher };
	flow->port = published->port.lo;
}

static enum sim_path path_into_container(const struct way *way)
{
	if (way->flow->from.kind == SIM_HOST)
		return SIM_PATH_FROM_HOST;
	if (way->from.network)
		return way->from.network == way->to.network ? SIM_PATH_BRIDGED : SIM_PATH_ROUTED;
	if (way->host->symbolic && way->to.speaker == UINT32_MAX)
		return SIM_PATH_PUBLISHED;
	if (!way->published || ip_is_loopback(&way->published->host_ip))
		return SIM_PATH_DIRECT;
	return way->publishing == WORLD_PUBLISHES_DNAT ? SIM_PATH_PUBLISHED : SIM_PATH_PROXY;
}

static const struct world_network *network_of(const struct way *way,
					      const struct world_endpoint *endpoint)
{
	return &way->host->world->networks[endpoint->network];
}

static enum sim_path choose_path(const struct way *way)
{
	bool spoken = way->from.speaker != UINT32_MAX || way->to.speaker != UINT32_MAX;
	bool standing = way->from.standing || way->to.standing;

	if (spoken && way->from.endpoint && way->from.endpoint == way->to.endpoint)
		return SIM_PATH_NOT_OURS; /* behind one container */
	if (way->to.network)
		return path_into_container(way);
	if (!way->from.network)
		return standing ? SIM_PATH_PARENT : SIM_PATH_NOT_OURS;
	return way->flow->to.kind == SIM_HOST ? SIM_PATH_TO_HOST : SIM_PATH_EGRESS;
}

/* ---- the answer ---- */

/* The step that decided: a policy rule if one matched, else the last but one before the end. */
static void find_decision(struct sim_result *result)
{
	const struct sim_step *decided = NULL;

	for (size_t i = 0; i < result->trace.n; i++) {
		const struct sim_step *step = &result->trace.items[i];
		if (step->rule->reason && (step->rule->audited || !result->allowed))
			result->denial = (enum reason)step->rule->reason;
		result->audited |= result->allowed && step->rule->audited;
		/* What one of several tiers allows did not decide where another denies it. */
		if (!result->allowed && strcmp(step->chain->name, COMPILE_PASSED) == 0)
			decided = NULL;
		if (step->rule->log)
			continue;
		if (step->rule->policy_rule || !decided || !decided->rule->policy_rule)
			decided = step;
	}
	if (!decided)
		return;
	result->chain = decided->chain;
	result->rule = decided->rule;
	result->policy_rule = decided->rule->policy_rule;
}

/* An end outside, of which a rule speaks by its zone; NULL: there is none. */
static const struct ip_addr *outside_end(const struct way *way)
{
	if (way->host->symbolic)
		return NULL;
	if (way->flow->from.kind == SIM_ADDRESS && !way->from.network &&
	    way->from.speaker == UINT32_MAX)
		return &way->from.addr;
	return way->flow->to.kind == SIM_ADDRESS && !way->to.network &&
			       way->to.speaker == UINT32_MAX
		       ? &way->to.addr
		       : NULL;
}

/* Over docker-proxy it does not show through which of its networks a container answers, so all of
 * its tiers must let the flow pass. */
static bool is_of_several_tiers(const struct way *way)
{
	const struct world *world = way->host->world;
	const struct assignment *as = way->host->compiled->assignments;
	size_t n;

	if (way->path != SIM_PATH_PROXY || !way->to.endpoint)
		return false;
	uint32_t first = world_endpoints_of(world, way->to.endpoint->container, &n);
	const struct assignment *one = &as[way->to.endpoint - world->endpoints];
	for (uint32_t i = first; i < first + n; i++)
		if (world_may_publish(world, i) &&
		    (as[i].kind != one->kind || as[i].tier != one->tier))
			return true;
	return false;
}

static const char *denial_text(const struct way *way, const struct sim_result *result,
			       struct arena *arena)
{
	const struct ip_addr *outside = outside_end(way);
	char address[IP_TEXT_LEN];

	if (result->denial != REASON_NO_RULE)
		return reason_text(result->denial);
	bool at_parent = result->n_hooks && result->hooks[result->n_hooks - 1].family == RS_NETDEV;

	if (way->path == SIM_PATH_DIRECT && !at_parent && !docker_opens_directly(way))
		return docker_why_direct(way, arena);
	if (is_of_several_tiers(way))
		return "docker-proxy takes this on, and the container is in several tiers: a rule "
		       "must allow it to each of them";
	if (!outside)
		return reason_text(result->denial);
	const char *zone = compile_zone_text(way->host->compiled, outside, arena);
	return !zone ? NULL
		     : arena_printf(arena, "%s (%s is in %s)", reason_text(result->denial),
				    ip_format(outside, address), zone);
}

static const char *netd_reason(const struct way *way, const struct sim_result *result,
			       struct arena *arena)
{
	const struct policy *policy = way->host->policy;

	if (result->policy_rule) {
		const struct policy_rule *rule = &policy->rules[result->policy_rule - 1];
		return arena_printf(arena, "%s by %s:%u",
				    rule->action == POLICY_ALLOW ? "allowed" : "denied",
				    rule->loc.file, rule->loc.line);
	}
	if (result->denial)
		return denial_text(way, result, arena);
	if (way->path == SIM_PATH_FROM_HOST)
		return "this host may always reach containers";
	return way->path == SIM_PATH_BRIDGED ? "same tier on the same network (within: allow)"
					     : "not judged";
}

/* The network of an end that netd enforces nothing on; NULL: it is no such end. */
static const struct world_network *beyond(const struct way *way, const struct sim_end *end)
{
	const struct world *world = way->host->world;

	if (end->kind != SIM_ENDPOINT)
		return NULL;
	const struct world_network *network =
		&world->networks[world->endpoints[end->endpoint].network];
	return world_network_is_beyond(network) && !world_find_parent(world, network) ? network
										      : NULL;
}

/* An overlay joins its own containers and has no other way in or out. */
static bool leads_nowhere(const struct way *way)
{
	const struct world_network *to = beyond(way, &way->flow->to),
				   *from = beyond(way, &way->flow->from);
	bool overlay = (to && strcmp(to->driver, "overlay") == 0) ||
		       (from && strcmp(from->driver, "overlay") == 0);

	return overlay && to != from;
}

static const char *beyond_reason(const struct way *way)
{
	const struct world_network *to = beyond(way, &way->flow->to),
				   *from = beyond(way, &way->flow->from);
	const char *remedy;

	if (!to && !from)
		return "neither end is a managed container, so netd does not judge it";
	return world_beyond_why(to ? to : from, &remedy);
}

/* docker-proxy reaches a container over either family, whichever its client speaks. */
static bool has_addresses(const struct way *way)
{
	const struct sim_flow *flow = way->flow;
	bool from = flow->from.kind == SIM_HOST || way->from.addr.family == flow->family;
	bool to = flow->to.kind == SIM_HOST || way->to.addr.family == flow->family ||
		  way->path == SIM_PATH_PROXY;

	return from && to;
}

int sim_flow(const struct sim_host *host, const struct sim_flow *flow, struct arena *arena,
	     struct sim_result *ret)
{
	struct sim_flow settled = *flow;
	struct way way = { .host = host, .flow = &settled };
	struct sim_result result = { .by = SIM_BY_NETD };

	settled.from = settle(host, &flow->from);
	settled.to = settle(host, &flow->to);
	way.from = place_of(host, &settled.from, flow->family);
	lead_to_container(&way, &settled);
	way.to = place_of(host, &settled.to, flow->family);
	place_at_speaker(host, &way.from, &way.to);
	place_at_speaker(host, &way.to, &way.from);
	way.publishing = docker_publishing(&way);
	way.published = docker_published(&way);
	way.path = choose_path(&way);
	way.host_addr = place_host_address(&way);
	result.path = way.path;
	if (!has_addresses(&way)) {
		result.by = SIM_NO_ADDRESS;
		result.reason = "one end has no address of this family";
	} else if (leads_nowhere(&way)) {
		result.by = SIM_BY_DOCKER;
		result.path = SIM_PATH_NOT_OURS;
		result.reason = "Docker gives an overlay network no way in or out: that is by "
				"docker_gwbridge";
	} else if (place_between_siblings(&way) &&
		   network_of(&way, way.from.standing)->siblings == WORLD_SIBLINGS_APART) {
		result.by = SIM_BY_DOCKER;
		result.reason =
			"the network is in macvlan's mode private: containers of one parent "
			"do not reach each other";
	} else if (way.path == SIM_PATH_NOT_OURS) {
		result.allowed = true;
		result.by = SIM_BY_DEFAULT;
		result.reason = beyond_reason(&way);
	} else {
		int r = sim_travel(&way, arena, &result);
		if (r < 0)
			return r;
		find_decision(&result);
		result.needs_bridge_nf = result.allowed && way.path == SIM_PATH_BRIDGED &&
					 host->compiled->needs_bridge_nf;
		result.reason = netd_reason(&way, &result, arena);
		if (!result.reason)
			return -ENOMEM;
		if (result.allowed && docker_drops(&way, &result.reason)) {
			result.allowed = result.audited = false;
			result.by = SIM_BY_DOCKER;
			result.uncertain = docker_may_link(&way);
		} else if (result.allowed && docker_answers_elsewhere(&way)) {
			result.allowed = result.audited = false;
			result.reason = "its answer would leave by another port than its address "
					"belongs to: the container is on the source's network too";
		}
	}
	*ret = result;
	return 0;
}
