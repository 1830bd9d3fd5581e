/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which tier each endpoint is in, and which port of the bridge is its own. */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/base/text.h"
#include "core/compile/emit.h"
#include "core/compile/entries.h"

static const char *const kind_names[] = {
	[ASSIGN_TIER] = "tier",		  [ASSIGN_UNMATCHED] = "unmatched",
	[ASSIGN_CONFLICT] = "conflict",	  [ASSIGN_UNKNOWN] = "unknown",
	[ASSIGN_CLASH] = "address-clash", [ASSIGN_QUARANTINED] = "quarantined",
	[ASSIGN_UNMANAGED] = "unmanaged",
};

bool compile_is_beyond(const struct assignment *assignment)
{
	return assignment->kind == ASSIGN_UNMANAGED && assignment->match;
}

bool compile_is_admitted(const struct assignment *assignment)
{
	return assignment->port || assignment->at_parent;
}

const char *assign_kind_name(enum assign_kind kind)
{
	return kind_names[kind];
}

static bool glob_matches(const char *glob, const char *value)
{
	return !glob || (value && text_glob(glob, value));
}

/* Whether an entry meets a container; worse answers come first. Not told: a label was left out, or
 * its image was not read. Either: the image has the label with the same value, so nobody can say
 * whether the operator gave it, too. */
enum match_answer { ANSWER_NO, ANSWER_UNTOLD, ANSWER_EITHER, ANSWER_YES };

static enum match_answer worse(enum match_answer a, enum match_answer b)
{
	return a < b ? a : b;
}

/* Whether a label has such a value; without a glob nobody asks. What an image brings along its
 * maker chose: it counts where the tier says so, and decides nothing where it does not. */
static enum match_answer ask_label(const struct policy_tier *tier, const char *glob,
				   const struct world_container *container, const char *key)
{
	const struct world_label *label = glob ? world_find_label(container, key) : NULL;

	if (!glob)
		return ANSWER_YES;
	if (!label)
		return container->labels_cut ? ANSWER_UNTOLD : ANSWER_NO;
	if (!label->value || !text_glob(glob, label->value))
		return ANSWER_NO;
	if (tier->image_labels || label->origin == WORLD_OWN)
		return ANSWER_YES;
	return label->origin == WORLD_IMAGE ? ANSWER_EITHER : ANSWER_UNTOLD;
}

static enum match_answer ask_labels(const struct policy_tier *tier,
				    const struct policy_match *match,
				    const struct world_container *container)
{
	enum match_answer answer =
		worse(ask_label(tier, match->compose_project, container, COMPILE_LABEL_PROJECT),
		      ask_label(tier, match->compose_service, container, COMPILE_LABEL_SERVICE));

	for (size_t i = 0; i < match->n_labels; i++)
		answer = worse(answer, ask_label(tier, match->labels[i].value, container,
						 match->labels[i].key));
	return answer;
}

/* It has no more than its kind and its network. */
static enum match_answer ask_sandbox(const struct policy_match *match, const char *kind)
{
	if (match->endpoint)
		return strcmp(match->endpoint, kind) == 0 ? ANSWER_YES : ANSWER_NO;
	return match_names_container(match) ? ANSWER_NO : ANSWER_YES;
}

/* But for the network. */
static enum match_answer ask_entry(const struct policy_tier *tier, const struct policy_match *match,
				   const struct world_container *container)
{
	if (container->kind != WORLD_CONTAINER)
		return ask_sandbox(match, world_kind_name(container->kind));
	if (match->endpoint || !glob_matches(match->container, container->name) ||
	    !glob_matches(match->image, container->image))
		return ANSWER_NO;
	return ask_labels(tier, match, container);
}

bool compile_names_container(const struct policy_tier *tier, const struct policy_match *match,
			     const struct world_container *container)
{
	return match_names_container(match) && ask_entry(tier, match, container) == ANSWER_YES;
}

/* The label that leaves the answer open. */
static const char *open_label(const struct policy_tier *tier, const struct policy_match *match,
			      const struct world_container *container)
{
	if (ask_label(tier, match->compose_project, container, COMPILE_LABEL_PROJECT) ==
	    ANSWER_EITHER)
		return COMPILE_LABEL_PROJECT;
	if (ask_label(tier, match->compose_service, container, COMPILE_LABEL_SERVICE) ==
	    ANSWER_EITHER)
		return COMPILE_LABEL_SERVICE;
	for (size_t i = 0; i < match->n_labels; i++)
		if (ask_label(tier, match->labels[i].value, container, match->labels[i].key) ==
		    ANSWER_EITHER)
			return match->labels[i].key;
	return NULL;
}

/* The entries that may meet the container, beside those that do: where one of them would make
 * another answer of it, there is none. */
static struct assignment or_unknown(const struct policy *policy,
				    const struct match_entries *entries,
				    const struct world_container *container,
				    struct assignment found, int strength)
{
	for (size_t i = 0; i < entries->n_of_container; i++) {
		const struct match_entry *candidate = entries->of_container[i];
		const struct policy_tier *tier = &policy->tiers[candidate->tier];
		bool same = found.kind == ASSIGN_TIER && candidate->tier == found.tier;
		bool weak = candidate->strength < strength ||
			    (found.kind == ASSIGN_CONFLICT && candidate->strength == strength);
		if (same || weak)
			continue;
		enum match_answer answer = ask_entry(tier, candidate->match, container);
		if (answer == ANSWER_UNTOLD)
			return (struct assignment){ .kind = ASSIGN_UNKNOWN };
		if (answer == ANSWER_EITHER)
			return (struct assignment){ .kind = ASSIGN_UNKNOWN,
						    .tier = candidate->tier,
						    .match = candidate->match,
						    .open_label = open_label(tier, candidate->match,
									     container) };
	}
	return found;
}

/* The strongest entry decides; two tiers that have one of that strength are a conflict. */
static struct assignment assign_one(const struct policy *policy,
				    const struct match_entries *entries,
				    const struct world_container *container)
{
	struct assignment found = { .kind = ASSIGN_UNMATCHED };
	int strongest = 0;
	bool open = false;

	for (size_t i = 0; i < entries->n_of_container; i++) {
		const struct match_entry *candidate = entries->of_container[i];
		bool again = candidate->strength == strongest && candidate->tier == found.tier;
		if (candidate->strength < strongest || again)
			continue;
		enum match_answer answer =
			ask_entry(&policy->tiers[candidate->tier], candidate->match, container);
		open |= answer == ANSWER_UNTOLD || answer == ANSWER_EITHER;
		if (answer != ANSWER_YES)
			continue;
		if (candidate->strength == strongest) {
			found.kind = ASSIGN_CONFLICT;
			found.other_tier = candidate->tier;
			continue;
		}
		found = (struct assignment){ .kind = ASSIGN_TIER,
					     .tier = candidate->tier,
					     .match = candidate->match };
		strongest = candidate->strength;
	}
	return open ? or_unknown(policy, entries, container, found, strongest) : found;
}

/* Who falls short of what the tier requires is in none; and as long as Docker was not asked what a
 * container is like, nobody knows. An audited tier drops nothing, so there it is only told. */
static void keep_out(const struct compile_input *in, uint32_t index, struct assignment *found)
{
	const struct policy_tier *tier = &in->policy->tiers[found->tier];
	const struct world_container *container = &in->world->containers[index];
	struct posture_shortfall shortfall;
	size_t cursor = 0;

	if (found->kind != ASSIGN_TIER || !tier->require || tier->require_warns ||
	    tier->mode == POLICY_AUDIT)
		return;
	const struct posture posture = world_posture(in->world, index, in->now);
	if (!posture_next_shortfall(&posture, tier->require, &cursor, &shortfall))
		return;
	bool waits = !container->inspected || posture_is_waiting(&posture, tier->require);
	found->kind =
		waits && container->kind == WORLD_CONTAINER ? ASSIGN_UNKNOWN : ASSIGN_QUARANTINED;
}

int64_t compile_next_change(const struct compile_input *in)
{
	int64_t next = policy_next_change(in->policy, in->now);

	for (size_t i = 0; i < in->policy->n_tiers; i++) {
		const struct posture_require *require = in->policy->tiers[i].require;
		if (!require || require->wanted[POSTURE_SCANNED] == POSTURE_UNKNOWN)
			continue;
		int64_t age = images_next_change(in->world->reports, require->max_age, in->now);
		if (age && (next == 0 || age < next))
			next = age;
	}
	return next;
}

/* The endpoints of each network as a list: an index plus one each, 0 at its end. */
struct by_network {
	uint32_t *last;	  /* per network */
	uint32_t *before; /* per endpoint */
};

static int list_by_network(const struct world *world, struct arena *arena, struct by_network *ret)
{
	ret->last = arena_alloc(arena, world->n_networks * sizeof(*ret->last));
	ret->before = arena_alloc(arena, world->n_endpoints * sizeof(*ret->before));
	if (!ret->last || !ret->before)
		return -ENOMEM;
	for (uint32_t i = 0; i < world->n_endpoints; i++) {
		ret->before[i] = ret->last[world->endpoints[i].network];
		ret->last[world->endpoints[i].network] = i + 1;
	}
	return 0;
}

/* Where netd enforces nothing: the tier that the policy has it in, for whoever asks. */
static struct assignment assign_beyond(const struct policy *policy,
				       const struct match_entries *entries,
				       const struct world_container *container)
{
	struct assignment found = assign_one(policy, entries, container);

	if (found.kind != ASSIGN_TIER)
		return (struct assignment){ .kind = ASSIGN_UNMANAGED };
	found.kind = ASSIGN_UNMANAGED;
	return found;
}

/* Whose an endpoint may be at all. */
static bool is_asked(const struct world_network *network)
{
	return world_network_is_managed(network) || world_network_is_beyond(network);
}

/* @entries: of its network. */
static struct assignment match_endpoint(const struct emit *e, struct match_entries *entries,
					const struct world_endpoint *endpoint)
{
	const struct world_network *network = &e->in->world->networks[endpoint->network];
	const struct world_container *container = &e->in->world->containers[endpoint->container];
	bool parent = world_find_parent(e->in->world, network) != NULL;
	bool managed = world_network_is_managed(network) || parent;
	struct assignment found = { .kind = managed ? ASSIGN_UNKNOWN : ASSIGN_UNMANAGED,
				    .at_parent = parent };

	if (!is_asked(network) || network->flaw || !container->known)
		return found;
	match_entries_of_container(entries, network, container);
	if (!managed)
		return assign_beyond(e->in->policy, entries, container);
	found = assign_one(e->in->policy, entries, container);
	found.at_parent = parent;
	keep_out(e->in, endpoint->container, &found);
	return found;
}

/* Network by network: what it rules out is not asked for each of its endpoints. */
static int match_endpoints(const struct emit *e, struct assignment *all)
{
	const struct world *world = e->in->world;
	struct match_entries entries;
	struct by_network lists;

	if (list_by_network(world, e->arena, &lists) < 0 ||
	    match_entries_make(e->in->policy, e->arena, &entries) < 0)
		return -ENOMEM;
	for (size_t n = 0; n < world->n_networks; n++) {
		if (is_asked(&world->networks[n]) && lists.last[n])
			match_entries_of_network(&entries, &world->networks[n]);
		for (uint32_t i = lists.last[n]; i; i = lists.before[i - 1])
			all[i - 1] = match_endpoint(e, &entries, &world->endpoints[i - 1]);
	}
	return 0;
}

int assign_some(const struct emit *e, const uint32_t *endpoints, size_t n, struct assignment *all)
{
	const struct world *world = e->in->world;
	struct match_entries entries;

	if (match_entries_make(e->in->policy, e->arena, &entries) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct world_endpoint *endpoint = &world->endpoints[endpoints[i]];
		if (is_asked(&world->networks[endpoint->network]))
			match_entries_of_network(&entries, &world->networks[endpoint->network]);
		all[endpoints[i]] = match_endpoint(e, &entries, endpoint);
	}
	return 0;
}

/* ---- addresses that two endpoints claim ---- */

static void close_clashes(const struct owned_addr *addrs, size_t n, struct assignment *all)
{
	for (size_t i = 1; i < n; i++)
		if (ip_compare(&addrs[i - 1].addr, &addrs[i].addr) == 0) {
			all[addrs[i - 1].endpoint].kind = ASSIGN_CLASH;
			all[addrs[i].endpoint].kind = ASSIGN_CLASH;
		}
}

/* ---- ports ---- */

/* A port on its bridge, or an endpoint on its network's, by MAC and bridge. */
struct plug {
	struct plug_key {
		struct mac_addr mac;
		char bridge[WORLD_IFNAME_LEN]; /* filled up with zeroes */
	} key;
	uint32_t index;
};

static struct plug make_plug(const struct mac_addr *mac, const char *bridge, size_t index)
{
	struct plug plug = { .key.mac = *mac, .index = (uint32_t)index };

	memcpy(plug.key.bridge, bridge, strnlen(bridge, sizeof(plug.key.bridge)));
	return plug;
}

static int compare_plugs(const struct plug *a, const struct plug *b)
{
	return memcmp(&a->key, &b->key, sizeof(a->key));
}

/* Sorted, and those that are not the only one of their kind left out: two ports with one MAC are
 * an impostor and its victim, and nobody can say which is which. */
static size_t keep_unique(struct plug *plugs, size_t n)
{
	size_t kept = 0;

	sort_by_bytes(plugs, n, sizeof(*plugs), sizeof(plugs->key));
	for (size_t i = 0, next; i < n; i = next) {
		next = i + 1;
		while (next < n && compare_plugs(&plugs[i], &plugs[next]) == 0)
			next++;
		if (next == i + 1)
			plugs[kept++] = plugs[i];
	}
	return kept;
}

static size_t endpoint_plugs(const struct world *world, const struct assignment *all,
			     struct plug *plugs)
{
	size_t n = 0;

	for (size_t i = 0; i < world->n_endpoints; i++) {
		const struct world_endpoint *endpoint = &world->endpoints[i];
		if (all[i].kind != ASSIGN_UNMANAGED && !all[i].at_parent &&
		    !mac_is_zero(&endpoint->mac))
			plugs[n++] = make_plug(&endpoint->mac,
					       world->networks[endpoint->network].bridge, i);
	}
	return n;
}

static size_t port_plugs(const struct world *world, struct plug *plugs)
{
	size_t n = 0;

	for (size_t i = 0; i < world->n_ports; i++)
		if (!mac_is_zero(&world->ports[i].peer_mac))
			plugs[n++] =
				make_plug(&world->ports[i].peer_mac, world->ports[i].bridge, i);
	return n;
}

static int bind_bridge_ports(const struct world *world, struct arena *arena, struct assignment *all)
{
	struct plug *ports = arena_alloc(arena, world->n_ports * sizeof(*ports));
	struct plug *ends = arena_alloc(arena, world->n_endpoints * sizeof(*ends));

	if (!ports || !ends)
		return -ENOMEM;
	size_t n_ports = keep_unique(ports, port_plugs(world, ports));
	size_t n_ends = keep_unique(ends, endpoint_plugs(world, all, ends));
	for (size_t p = 0, e = 0; p < n_ports && e < n_ends;) {
		const struct world_port *port = &world->ports[ports[p].index];
		int order = compare_plugs(&ports[p], &ends[e]);
		if (order == 0) {
			bool right =
				world_port_is_explained(port, &world->endpoints[ends[e].index]);
			all[ends[e].index].port = right ? port->ifname : NULL;
			all[ends[e].index].stale = !right;
		}
		p += order <= 0;
		e += order >= 0;
	}
	return 0;
}

const struct world_port *compile_port(const struct assignment *assignment)
{
	static_assert(offsetof(struct world_port, ifname) == 0, "its name is its address");
	return (const void *)assignment->port;
}

const struct assignment *assign_endpoints(const struct emit *e)
{
	const struct world *world = e->in->world;
	struct assignment *all = arena_alloc(e->arena, world->n_endpoints * sizeof(*all));

	if (!all || match_endpoints(e, all) < 0)
		return NULL;
	close_clashes(e->addrs, e->n_addrs, all);
	close_clashes(e->parent_addrs, e->n_parent_addrs, all);
	return bind_bridge_ports(world, e->arena, all) < 0 ? NULL : all;
}
