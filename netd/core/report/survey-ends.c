/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who stands for an end of a flow: addresses for zones and prefixes, endpoints for classes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/policy/zone.h"
#include "core/report/survey.h"

static const struct {
	const char *name;
	enum peer_kind peer;
} zones[] = {
	[SURVEY_HOST] = { "host", PEER_HOST },	  [SURVEY_INTERNET] = { "internet", PEER_INTERNET },
	[SURVEY_LAN] = { "lan", PEER_LAN },	  [SURVEY_DNS] = { "dns", PEER_DNS },
	[SURVEY_HOSTS] = { "hosts", PEER_HOSTS },
};

const char *survey_end_name(const struct survey *survey, struct survey_end end,
			    char ret[LIMIT_PEER_TEXT])
{
	char text[PREFIX_TEXT_LEN];
	const struct ip_prefix *prefix;

	if (end.kind == SURVEY_CLASS)
		return survey->classes[end.index].name;
	if (end.kind != SURVEY_PREFIX)
		return zones[end.kind].name;
	prefix = &survey->prefixes[end.index];
	(void)snprintf(ret, LIMIT_PEER_TEXT, "%s",
		       prefix->len == 8 * ip_len(&prefix->addr) ? ip_format(&prefix->addr, text)
								: ip_prefix_format(prefix, text));
	return ret;
}

/* ---- addresses ---- */

/* The ones people recognize; the first that fits is taken. */
static const struct ip_addr typical[] = {
	{ IP_V4, { 203, 0, 113, 10 } },
	{ IP_V4, { 198, 51, 100, 10 } },
	{ IP_V4, { 192, 168, 1, 10 } },
	{ IP_V4, { 10, 0, 0, 10 } },
	{ IP_V4, { 172, 31, 255, 250 } },
	{ IP_V6, { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x10 } },
	{ IP_V6, { 0x26, 0, [15] = 0x10 } },
	{ IP_V6, { 0xfd, 0, [15] = 0x10 } },
	/* In neither zone: what a wide prefix opens beside them. */
	{ IP_V4, { 169, 254, 169, 254 } },
	{ IP_V6, { 0xfd, 0, 0x0e, 0xc2, [14] = 0x02, 0x54 } },
};

/* How the zones cut a prefix. */
enum part { PART_INTERNET, PART_LAN, PART_NEITHER, PART_ANY };

static const enum peer_kind part_zones[] = {
	[PART_INTERNET] = PEER_INTERNET, [PART_LAN] = PEER_LAN
};

static enum part part_of(const struct ip_addr *addr)
{
	if (policy_zone_contains(PEER_INTERNET, addr))
		return PART_INTERNET;
	return policy_zone_contains(PEER_LAN, addr) ? PART_LAN : PART_NEITHER;
}

struct choice {
	const struct survey *survey;
	struct survey_end end;
	enum ip_family family;
	enum part part;
	struct ip_addr best;
	int best_cost;
};

static bool is_resolver(const struct world *world, const struct ip_addr *addr)
{
	for (size_t i = 0; i < world->n_resolvers; i++)
		if (ip_compare(&world->resolvers[i], addr) == 0)
			return true;
	return false;
}

static bool in_docker_network(const struct world *world, const struct ip_addr *addr)
{
	for (size_t i = 0; i < world->n_networks; i++)
		for (size_t s = 0; s < world->networks[i].n_subnets; s++)
			if (ip_in_prefix(addr, &world->networks[i].subnets[s]))
				return true;
	return false;
}

/* Of the prefixes that begin at or before the address, the last one; SURVEY_NONE: there is none.
 * All that hold the address are among it and those around it. */
static uint32_t last_prefix_before(const struct survey *survey, const struct ip_addr *addr)
{
	uint32_t low = 0, high = (uint32_t)survey->n_prefixes;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (ip_compare(&survey->prefixes[middle].addr, addr) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low - 1 : SURVEY_NONE;
}

uint32_t survey_innermost(const struct survey *survey, const struct ip_addr *addr)
{
	uint32_t i = last_prefix_before(survey, addr);

	while (i != SURVEY_NONE && !ip_in_prefix(addr, &survey->prefixes[i]))
		i = survey->around[i];
	return i;
}

/* The longest of the named prefixes that hold the address and say more than the end itself. */
static int length_of_named(const struct choice *choice, const struct ip_addr *addr)
{
	const struct survey *survey = choice->survey;

	for (uint32_t i = last_prefix_before(survey, addr); i != SURVEY_NONE;
	     i = survey->around[i]) {
		const struct ip_prefix *named = &survey->prefixes[i];
		bool itself = choice->end.kind == SURVEY_PREFIX &&
			      policy_prefix_contains(named, &survey->prefixes[choice->end.index]);
		if (!itself && ip_in_prefix(addr, named))
			return named->len + 1;
	}
	return 0;
}

/* Per prefix the narrowest one that holds it: sorted as they are, one of those before it. */
static int nest_prefixes(struct survey *survey)
{
	uint32_t *around = arena_alloc(survey->arena, survey->n_prefixes * sizeof(*around));

	if (!around)
		return -ENOMEM;
	for (uint32_t i = 0; i < survey->n_prefixes; i++) {
		uint32_t outer = i ? i - 1 : SURVEY_NONE;
		while (outer != SURVEY_NONE &&
		       !policy_prefix_contains(&survey->prefixes[outer], &survey->prefixes[i]))
			outer = around[outer];
		around[i] = outer;
	}
	survey->around = around;
	return 0;
}

static bool is_member(const struct survey *survey, const struct ip_addr *addr)
{
	return compile_find_host(survey->in[0]->compiled, addr);
}

/* Whether the address is one that the end stands for. */
static bool is_of_end(const struct survey *survey, struct survey_end end,
		      const struct ip_addr *addr)
{
	if (end.kind == SURVEY_PREFIX)
		return ip_in_prefix(addr, &survey->prefixes[end.index]);
	if (end.kind == SURVEY_HOSTS)
		return is_member(survey, addr);
	return policy_zone_contains(zones[end.kind].peer, addr);
}

static void consider(struct choice *choice, const struct ip_addr *addr)
{
	enum {
		AT_RESOLVER = 1000,
		AT_MEMBER = 1000,
		AT_DOCKER = 2000,
		AT_HOST = 2000,
		AT_NOBODY = 4000
	};
	const struct survey *survey = choice->survey;
	struct survey_end end = choice->end;

	if (addr->family != choice->family)
		return;
	if (!is_of_end(survey, end, addr))
		return;
	if (choice->part != PART_ANY && part_of(addr) != choice->part)
		return;
	int cost = length_of_named(choice, addr);
	cost += is_resolver(survey->world, addr) ? AT_RESOLVER : 0;
	cost += end.kind != SURVEY_HOSTS && is_member(survey, addr) ? AT_MEMBER : 0;
	cost += in_docker_network(survey->world, addr) ? AT_DOCKER : 0;
	cost += world_is_host_address(survey->world, addr) ? AT_HOST : 0;
	cost += ip_is_loopback(addr) || ip_is_unspecified(addr) ? AT_NOBODY : 0;
	if (choice->best.family && cost >= choice->best_cost)
		return;
	choice->best = *addr;
	choice->best_cost = cost;
}

static void consider_around(struct choice *choice, const struct ip_prefix *prefix)
{
	struct ip_range range = ip_prefix_range(prefix);
	struct ip_addr addr;

	if (ip_next(&range.last, &addr))
		consider(choice, &addr);
	if (ip_previous(&range.first, &addr))
		consider(choice, &addr);
}

/* Where the zones of the part begin and end. */
static void consider_edges(struct choice *choice)
{
	for (enum part part = PART_INTERNET; part < PART_NEITHER; part++) {
		size_t n;
		const struct ip_range *ranges =
			policy_zone_ranges(part_zones[part], choice->family, &n);
		for (size_t i = 0; i < n; i++) {
			struct ip_addr addr;
			consider(choice, &ranges[i].first);
			consider(choice, &ranges[i].last);
			if (ip_next(&ranges[i].last, &addr))
				consider(choice, &addr);
		}
	}
}

static void consider_own(struct choice *choice)
{
	size_t n = 0;
	const struct ip_range *ranges = NULL;
	struct ip_range own;
	struct ip_addr addr;

	if (choice->end.kind == SURVEY_PREFIX) {
		own = ip_prefix_range(&choice->survey->prefixes[choice->end.index]);
		ranges = &own;
		n = 1;
	} else {
		ranges = policy_zone_ranges(zones[choice->end.kind].peer, choice->family, &n);
	}
	for (size_t i = 0; i < n; i++) {
		if (ip_next(&ranges[i].first, &addr))
			consider(choice, &addr);
		consider(choice, &ranges[i].first);
		consider(choice, &ranges[i].last);
	}
}

static bool has_parts(const struct ip_prefix *prefix)
{
	unsigned int relation = policy_zone_relation(prefix);

	return (relation & (ZONE_MEETS_INTERNET | ZONE_MEETS_LAN)) &&
	       !(relation & (ZONE_IN_INTERNET | ZONE_IN_LAN));
}

static struct ip_addr choose(const struct survey *survey, struct survey_end end,
			     enum ip_family family, enum part part)
{
	struct choice choice = { .survey = survey, .end = end, .family = family, .part = part };
	bool own_first = end.kind == SURVEY_PREFIX && !has_parts(&survey->prefixes[end.index]);

	for (size_t i = 0; i < ARRAY_LEN(typical) && !own_first; i++)
		consider(&choice, &typical[i]);
	if (!choice.best.family || choice.best_cost > 0)
		consider_own(&choice);
	if (part != PART_ANY && (!choice.best.family || choice.best_cost > 0))
		consider_edges(&choice);
	if (choice.best.family && choice.best_cost == 0)
		return choice.best;
	for (size_t i = 0; i < survey->n_prefixes; i++)
		consider_around(&choice, &survey->prefixes[i]);
	return choice.best;
}

static struct ip_addr choose_host(const struct survey *survey, enum ip_family family)
{
	const struct compile_output *compiled = survey->in[0]->compiled;
	struct choice choice = {
		.survey = survey, .end = { SURVEY_HOSTS, 0 }, .family = family, .part = PART_ANY
	};

	for (size_t i = 0; i < compiled->n_hosts; i++)
		consider(&choice, &compiled->hosts[i].addr);
	return choice.best;
}

int survey_choose_addresses(struct survey *survey)
{
	struct ip_addr *in_prefix =
		arena_alloc(survey->arena, survey->n_prefixes * sizeof(*in_prefix));
	struct ip_addr(*in_parts)[SURVEY_PARTS] =
		arena_alloc(survey->arena, survey->n_prefixes * sizeof(*in_parts));

	if (!in_prefix || !in_parts || nest_prefixes(survey) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < survey->n_prefixes; i++) {
		const struct ip_prefix *prefix = &survey->prefixes[i];
		struct survey_end end = { SURVEY_PREFIX, i };
		enum ip_family family = (enum ip_family)prefix->addr.family;
		in_prefix[i] = choose(survey, end, family, PART_ANY);
		for (enum part part = 0; part < PART_ANY && has_parts(prefix); part++)
			in_parts[i][part] = choose(survey, end, family, part);
	}
	survey->in_prefix = in_prefix;
	survey->in_parts = (const struct ip_addr(*)[SURVEY_PARTS])in_parts;
	for (size_t family = 0; family < 2; family++) {
		enum ip_family f = family ? IP_V6 : IP_V4;
		struct survey_end internet = { SURVEY_INTERNET, 0 }, lan = { SURVEY_LAN, 0 };
		survey->zones[0][family] = choose(survey, internet, f, PART_ANY);
		survey->zones[1][family] = choose(survey, lan, f, PART_ANY);
		survey->hosts[family] = choose_host(survey, f);
	}
	return 0;
}

static struct ip_addr resolver_of(const struct world *world, enum ip_family family)
{
	for (size_t i = 0; i < world->n_resolvers; i++)
		if (world->resolvers[i].family == family)
			return world->resolvers[i];
	return (struct ip_addr){ 0 };
}

static struct ip_addr host_address(const struct survey *survey, uint32_t index,
				   enum ip_family family)
{
	if (index == 0)
		return survey->hosts[family == IP_V6];
	const struct ip_addr *addr = &survey->in[0]->compiled->hosts[index - 1].addr;
	return addr->family == (uint8_t)family ? *addr : (struct ip_addr){ 0 };
}

struct ip_addr survey_address(const struct survey *survey, struct survey_end end,
			      enum ip_family family)
{
	if (end.kind == SURVEY_DNS)
		return resolver_of(survey->world, family);
	if (end.kind == SURVEY_HOSTS)
		return host_address(survey, end.index, family);
	if (end.kind != SURVEY_PREFIX)
		return survey->zones[end.kind == SURVEY_LAN][family == IP_V6];
	if (survey->prefixes[end.index].addr.family != (uint8_t)family)
		return (struct ip_addr){ 0 };
	return survey->in_prefix[end.index];
}

size_t survey_addresses(const struct survey *survey, struct survey_end end, enum ip_family family,
			struct ip_addr ret[SURVEY_PARTS])
{
	bool prefix = end.kind == SURVEY_PREFIX &&
		      survey->prefixes[end.index].addr.family == (uint8_t)family;
	size_t n = 0;

	for (size_t part = 0; part < SURVEY_PARTS && prefix; part++)
		if (survey->in_parts[end.index][part].family)
			ret[n++] = survey->in_parts[end.index][part];
	if (n > 0)
		return n;
	ret[0] = survey_address(survey, end, family);
	return ret[0].family ? 1 : 0;
}

bool survey_is_spoken(const struct report_input *in, const struct policy_spoken *entry)
{
	const struct ip_prefix *prefix = &entry->prefix;

	return prefix->len < 8 * ip_len(&prefix->addr) ||
	       compile_find_spoken(in->compiled, &prefix->addr) == entry->tier;
}

/* ---- endpoints ---- */

/* From an internal network nothing leaves, nor past the default route, and between an isolated one
 * and this host there is no way: another tells more about what goes to and from outside. */
static int worth_outside(const struct survey *survey, uint32_t endpoint, enum ip_family family)
{
	const struct world_endpoint *e = &survey->world->endpoints[endpoint];
	const struct world_network *network = &survey->world->networks[e->network];
	bool isolated =
		world_gateway_mode(survey->world, network, family) == WORLD_GATEWAY_ISOLATED;

	return (survey_has_family(survey, endpoint, family) ? 8 : 0) + (network->internal ? 0 : 4) +
	       (world_has_default_route(survey->world, endpoint, family) ? 2 : 0) +
	       (isolated ? 0 : 1);
}

static bool same_container(const struct survey *survey, uint32_t a, uint32_t b)
{
	const struct world_endpoint *endpoints = survey->world->endpoints;

	return b != SURVEY_NONE && endpoints[a].container == endpoints[b].container;
}

uint32_t survey_any(const struct survey *survey, uint32_t class, enum ip_family family)
{
	return survey_other(survey, class, family, SURVEY_NONE);
}

uint32_t survey_other(const struct survey *survey, uint32_t class, enum ip_family family,
		      uint32_t except)
{
	const struct survey_class *c = &survey->classes[class];
	uint32_t best = SURVEY_NONE;

	for (size_t n = 0; n < 2 * c->n_samples; n++) {
		uint32_t sample = c->samples[n / 2].endpoint[n % 2];
		if (sample != SURVEY_NONE && !same_container(survey, sample, except) &&
		    (best == SURVEY_NONE ||
		     worth_outside(survey, sample, family) > worth_outside(survey, best, family)))
			best = sample;
	}
	return best;
}

static bool has_neighbour(const struct survey *survey, uint32_t network, uint32_t endpoint,
			  const survey_classes *classes)
{
	for (size_t i = 0; i < classes->n; i++) {
		const struct survey_sample *sample =
			survey_sample_on(survey, classes->items[i], network);
		for (size_t k = 0; sample && k < 2; k++)
			if (sample->endpoint[k] != SURVEY_NONE && sample->endpoint[k] != endpoint)
				return true;
	}
	return false;
}

uint32_t survey_beside(const struct survey *survey, uint32_t class, enum ip_family family,
		       size_t input, uint32_t tier)
{
	const struct survey_class *c = &survey->classes[class];
	uint32_t best = SURVEY_NONE;
	int best_worth = -1;

	for (size_t n = 0; n < 2 * c->n_samples; n++) {
		uint32_t network = c->samples[n / 2].network,
			 end = c->samples[n / 2].endpoint[n % 2];
		if (end == SURVEY_NONE ||
		    !has_neighbour(survey, network, end, &survey->of_tier[input][tier]))
			continue;
		int worth = (survey_has_family(survey, end, family) ? 2 : 0) +
			    (survey->world->networks[network].icc ? 1 : 0);
		if (worth > best_worth)
			best = end;
		best_worth = worth > best_worth ? worth : best_worth;
	}
	return best;
}
