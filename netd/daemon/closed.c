/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Says which endpoints are denied everything, and why, once each: whoever started such a container
 * looks into the log. */
#include <string.h>

#include "core/base/text.h"
#include "core/report/flaw.h"
#include "daemon/daemon.h"
#include "edge/journal/journal.h"

/* What is told apart from one generation to the next. */
enum closed {
	CLOSED_NOT,
	CLOSED_UNMATCHED,
	CLOSED_CONFLICT,
	CLOSED_CLASH,
	CLOSED_IMPOSTOR,
	CLOSED_LABEL,
	CLOSED_QUARANTINED,
	CLOSED_WARNED, /* in its tier all the same */
	CLOSED_BEYOND, /* not closed: of a tier, where netd enforces nothing */
};

static bool has_impostor(const struct world *world, const struct world_endpoint *endpoint)
{
	size_t n = 0;

	for (size_t i = 0; i < world->n_ports; i++)
		n += memcmp(&world->ports[i].peer_mac, &endpoint->mac, sizeof(endpoint->mac)) ==
			     0 &&
		     strcmp(world->ports[i].bridge, world->networks[endpoint->network].bridge) == 0;
	return n > 1;
}

/* Of what its tier requires. Before it was inspected nothing is known of it, and that passes in a
 * moment. @lacks: in words; or NULL. */
static bool falls_short(const struct generation *generation, size_t i, struct text *lacks)
{
	const struct assignment *assignment = &generation->compiled.assignments[i];
	const struct policy_tier *tier = &generation->policy->policy->tiers[assignment->tier];
	uint32_t container = generation->world->endpoints[i].container;
	struct posture_shortfall one;
	size_t cursor = 0;

	if (!tier->require || !generation->world->containers[container].inspected)
		return false;
	const struct posture posture =
		world_posture(generation->world, container, generation->judged_at);
	if (posture_is_waiting(&posture, tier->require))
		return false;
	if (lacks)
		posture_print_shortfalls(&posture, tier->require, lacks);
	return posture_next_shortfall(&posture, tier->require, &cursor, &one);
}

static enum closed closed_of(const struct generation *generation, size_t i)
{
	const struct policy *policy = generation->policy->policy;
	const struct world_endpoint *endpoint = &generation->world->endpoints[i];
	const struct assignment *assignment = &generation->compiled.assignments[i];

	switch (assignment->kind) {
	case ASSIGN_UNMATCHED:
		return policy->unmatched == POLICY_UNMATCHED_DENY && policy->mode == POLICY_ENFORCE
			       ? CLOSED_UNMATCHED
			       : CLOSED_NOT;
	case ASSIGN_CONFLICT:
		return CLOSED_CONFLICT;
	case ASSIGN_CLASH:
		return CLOSED_CLASH;
	case ASSIGN_QUARANTINED:
		return CLOSED_QUARANTINED;
	case ASSIGN_TIER:
		if (falls_short(generation, i, NULL) && compile_is_admitted(assignment))
			return CLOSED_WARNED;
		return !compile_is_admitted(assignment) && !mac_is_zero(&endpoint->mac) &&
				       has_impostor(generation->world, endpoint)
			       ? CLOSED_IMPOSTOR
			       : CLOSED_NOT;
	case ASSIGN_UNKNOWN: /* else it passes in a moment */
		return assignment->open_label ? CLOSED_LABEL : CLOSED_NOT;
	case ASSIGN_UNMANAGED:
		return compile_is_beyond(assignment) ? CLOSED_BEYOND : CLOSED_NOT;
	}
	return CLOSED_NOT;
}

static bool is_audited(const struct generation *generation)
{
	return generation->policy->policy->mode == POLICY_AUDIT;
}

static void say_short(const struct generation *generation, size_t i, const struct log_field *fields)
{
	CLEANUP(text_done) struct text lacks = { 0 };
	const struct world *world = generation->world;
	const struct world_endpoint *endpoint = &world->endpoints[i];
	const struct assignment *assignment = &generation->compiled.assignments[i];

	(void)falls_short(generation, i, &lacks);
	log_warning_with(LOG_ID_ENDPOINT_QUARANTINED, fields,
			 "container %s on %s falls short of what tier %s requires: %s; %s",
			 world->containers[endpoint->container].name,
			 world->networks[endpoint->network].name,
			 generation->policy->policy->tiers[assignment->tier].name, text_str(&lacks),
			 assignment->kind == ASSIGN_QUARANTINED
				 ? "it is quarantined: in no tier, and denied everything"
				 : "it stays in the tier, which only warns of it");
}

static void say_beyond(const struct generation *generation, size_t i,
		       const struct log_field *fields)
{
	const struct world *world = generation->world;
	const struct world_endpoint *endpoint = &world->endpoints[i];
	const struct world_network *network = &world->networks[endpoint->network];
	const char *remedy, *why = world_beyond_why(network, &remedy);

	log_warning_with(
		LOG_ID_ENDPOINT_NOT_ENFORCED, fields,
		"the policy has container %s on %s in tier %s, but %s; %s",
		world->containers[endpoint->container].name, network->name,
		generation->policy->policy->tiers[generation->compiled.assignments[i].tier].name,
		why, remedy);
}

static void say(const struct generation *generation, size_t i, enum closed closed)
{
	bool audited = is_audited(generation);
	const char *fate = audited ? "enforce would deny it everything" : "it is denied everything";
	const struct policy_tier *tiers = generation->policy->policy->tiers;
	const struct world_endpoint *endpoint = &generation->world->endpoints[i];
	const struct world_container *container =
		&generation->world->containers[endpoint->container];
	const char *noun = world_kind_noun(container->kind);
	const char *network = generation->world->networks[endpoint->network].name;
	const struct assignment *assignment = &generation->compiled.assignments[i];
	const struct log_field *fields =
		LOG_FIELDS({ "CONTAINER_ID", container->id }, { "CONTAINER_NAME", container->name },
			   { "NETD_NETWORK", network });

	switch (closed) {
	case CLOSED_NOT:
		break;
	case CLOSED_QUARANTINED:
	case CLOSED_WARNED:
		say_short(generation, i, fields);
		break;
	case CLOSED_BEYOND:
		say_beyond(generation, i, fields);
		break;
	case CLOSED_UNMATCHED:
		log_warning_with(LOG_ID_ENDPOINT_UNMATCHED, fields,
				 "no tier matches %s %s on %s: %s", noun, container->name, network,
				 fate);
		break;
	case CLOSED_CONFLICT:
		log_warning_with(LOG_ID_ENDPOINT_CONFLICT, fields,
				 "%s %s on %s matches the tiers %s and %s alike: %s until one "
				 "`match` is made more specific",
				 noun, container->name, network, tiers[assignment->tier].name,
				 tiers[assignment->other_tier].name, fate);
		break;
	case CLOSED_CLASH:
		log_warning_with(LOG_ID_ENDPOINT_CONFLICT, fields,
				 "%s %s on %s has an address that another one has too: %s", noun,
				 container->name, network,
				 audited ? "enforce would deny both everything"
					 : "both are denied everything");
		break;
	case CLOSED_IMPOSTOR:
		log_warning_with(LOG_ID_ENDPOINT_IMPOSTOR, fields,
				 "more than one port of %s shows the MAC of %s %s: %s", network,
				 noun, container->name,
				 audited ? "enforce would close all of them"
					 : "all of them are closed");
		break;
	case CLOSED_LABEL:
		log_warning_with(LOG_ID_ENDPOINT_UNMATCHED, fields,
				 "container %s on %s has the label %s, which tier %s asks for, and "
				 "so has its image: nobody can say whose it is, so %s; give the "
				 "container another value, or the tier `image_labels: allow`",
				 container->name, network, assignment->open_label,
				 tiers[assignment->tier].name, fate);
		break;
	}
}

/* What is new of that: once each. */
static void report_flaws(const struct world *old, const struct world *now)
{
	struct report_flaw before, flaw;
	size_t o = 0;
	bool has_before = old && report_next_flaw(old, &o, &before);

	for (size_t i = 0; report_next_flaw(now, &i, &flaw);) {
		while (has_before && report_compare_flaws(&before, &flaw) < 0)
			has_before = report_next_flaw(old, &o, &before);
		if (has_before && report_compare_flaws(&before, &flaw) == 0 && before.n == flaw.n &&
		    strcmp(before.text, flaw.text) == 0)
			continue;
		if (*flaw.id)
			log_warning(
				LOG_ID_DOCKER_INVALID,
				"%s %s (%.12s), as Docker tells it: %s; it is denied everything",
				flaw.kind, flaw.name, flaw.id, flaw.text);
		else
			log_warning(LOG_ID_DOCKER_INVALID,
				    "Docker's lists have objects without an id (%zu): %s; none of "
				    "them is admitted",
				    flaw.n, flaw.text);
	}
}

enum bridge_news { BRIDGE_PLAIN, BRIDGE_CLOSED, BRIDGE_SHARED };

/* A network that Docker is just making has a bridge before it has a name: only what Docker has
 * answered about since is worth a word. */
static enum bridge_news news_of(const struct world_bridge *bridge)
{
	if (bridge && bridge->kind == WORLD_BRIDGE_MANAGED && bridge->shared)
		return BRIDGE_SHARED;
	if (bridge && (bridge->kind == WORLD_BRIDGE_UNDECIDED ||
		       (bridge->kind == WORLD_BRIDGE_UNCLAIMED && bridge->asked)))
		return BRIDGE_CLOSED;
	return BRIDGE_PLAIN;
}

static void report_bridges(const struct world *old, const struct world *now, bool audited)
{
	for (size_t i = 0; i < now->n_bridges; i++) {
		const struct world_bridge *bridge = &now->bridges[i];
		enum bridge_news is = news_of(bridge);
		if (is == BRIDGE_PLAIN ||
		    (old && news_of(world_find_bridge(old, bridge->name)) == is))
			continue;
		if (is == BRIDGE_SHARED)
			log_warning(LOG_ID_BRIDGE,
				    "bridge %s also has ports that are not Docker's: only Docker's "
				    "containers on it are filtered",
				    bridge->name);
		else
			log_warning(LOG_ID_BRIDGE, "no Docker network uses bridge %s: %s",
				    bridge->name,
				    audited ? "enforce would close it" : "it is closed");
	}
}

void closed_report(const struct generation *old, const struct generation *now)
{
	size_t n_old = old ? old->world->n_endpoints : 0;

	report_flaws(old ? old->world : NULL, now->world);
	report_bridges(old ? old->world : NULL, now->world, is_audited(now));
	for (size_t i = 0, o = 0; i < now->world->n_endpoints; i++) {
		enum closed is = closed_of(now, i), was = CLOSED_NOT;
		while (o < n_old && generation_compare(old, o, now, i) < 0)
			o++;
		if (is == CLOSED_NOT)
			continue;
		if (o < n_old && generation_compare(old, o, now, i) == 0)
			was = closed_of(old, o);
		if (was != is)
			say(now, i, is);
	}
}
