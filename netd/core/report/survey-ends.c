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
	[SURVEY_HOST] = { "host", PEER_HOST },
	[SURVEY_INTERNET] = { "internet", PEER_INTERNET },
	[SURVEY_LAN] = { "lan", PEER_LAN },
	[SURVEY_DNS] = { "dns", PEER_DNS },
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
	{ IP_V4, { 203, 0, 113, 10 } },	     { IP_V4, { 198, 51, 100, 10 } },
	{ IP_V4, { 192, 168, 1, 10 } },	     { IP_V4, { 10, 0, 0, 10 } },
	{ IP_V4, { 172, 31, 255, 250 } },    { IP_V6, { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x10 } },
	{ IP_V6, { 0x26, 0, [15] = 0x10 } }, { IP_V6, { 0xfd, 0, [15] = 0x10 } },
};

struct choice {
	const struct survey *survey;
	struct survey_end end;
	enum ip_family family;
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

/* The longest of the named prefixes that hold the address and say more than the end itself. */
static int length_of_named(const struct choice *choice, const struct ip_addr *addr)
{
	const struct survey *survey = choice->survey;
	int longest = 0;

	for (size_t i = 0; i < survey->n_prefixes; i++) {
		const struct ip_prefix *named = &survey->prefixes[i];
		bool itself = choice->end.kind == SURVEY_PREFIX &&
			      policy_prefix_contains(named, &survey->prefixes[choice->end.index]);
		if (!itself && (int)named->len + 1 > longest && ip_in_prefix(addr, named))
			longest = (int)named->len + 1;
	}
	return longest;
}

static void consider(struct choice *choice, const struct ip_addr *addr)
{
	enum { AT_RESOLVER = 1000, AT_DOCKER = 2000 };
	const struct survey *survey = choice->survey;
	struct survey_end end = choice->end;

	if (addr->family != choice->family)
		return;
	if (end.kind == SURVEY_PREFIX ? !ip_in_prefix(addr, &survey->prefixes[end.index])
				      : !policy_zone_contains(zones[end.kind].peer, addr))
		return;
	int cost = length_of_named(choice, addr);
	cost += is_resolver(survey->world, addr) ? AT_RESOLVER : 0;
	cost += in_docker_network(survey->world, addr) ? AT_DOCKER : 0;
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

static struct ip_addr choose(const struct survey *survey, struct survey_end end,
			     enum ip_family family)
{
	struct choice choice = { .survey = survey, .end = end, .family = family };

	for (size_t i = 0; i < ARRAY_LEN(typical) && end.kind != SURVEY_PREFIX; i++)
		consider(&choice, &typical[i]);
	if (!choice.best.family || choice.best_cost > 0)
		consider_own(&choice);
	if (choice.best.family && choice.best_cost == 0)
		return choice.best;
	for (size_t i = 0; i < survey->n_prefixes; i++)
		consider_around(&choice, &survey->prefixes[i]);
	return choice.best;
}

int survey_choose_addresses(struct survey *survey)
{
	struct ip_addr *in_prefix =
		arena_alloc(survey->arena, survey->n_prefixes * sizeof(*in_prefix));

	if (!in_prefix)
		return -ENOMEM;
	for (uint32_t i = 0; i < survey->n_prefixes; i++)
		in_prefix[i] = choose(survey, (struct survey_end){ SURVEY_PREFIX, i },
				      (enum ip_family)survey->prefixes[i].addr.family);
	survey->in_prefix = in_prefix;
	for (size_t family = 0; family < 2; family++) {
		enum ip_family f = family ? IP_V6 : IP_V4;
		survey->zones[0][family] =
			choose(survey, (struct survey_end){ SURVEY_INTERNET, 0 }, f);
		survey->zones[1][family] = choose(survey, (struct survey_end){ SURVEY_LAN, 0 }, f);
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

struct ip_addr survey_address(const struct survey *survey, struct survey_end end,
			      enum ip_family family)
{
	if (end.kind == SURVEY_DNS)
		return resolver_of(survey->world, family);
	if (end.kind != SURVEY_PREFIX)
		return survey->zones[end.kind == SURVEY_LAN][family == IP_V6];
	if (survey->prefixes[end.index].addr.family != (uint8_t)family)
		return (struct ip_addr){ 0 };
	return survey->in_prefix[end.index];
}

/* ---- endpoints ---- */

static bool has_family(const struct survey *survey, uint32_t endpoint, enum ip_family family)
{
	const struct world_endpoint *e = &survey->world->endpoints[endpoint];

	return (family == IP_V6 ? e->ipv6.family : e->ipv4.family) != IP_NONE;
}

/* From an internal network nothing leaves: another tells more about what goes to and from outside.
 */
static int worth_outside(const struct survey *survey, uint32_t endpoint, enum ip_family family)
{
	const struct world_endpoint *e = &survey->world->endpoints[endpoint];

	return (has_family(survey, endpoint, family) ? 2 : 0) +
	       (survey->world->networks[e->network].internal ? 0 : 1);
}

uint32_t survey_any(const struct survey *survey, uint32_t class, enum ip_family family)
{
	const struct survey_class *c = &survey->classes[class];
	uint32_t best = SURVEY_NONE;

	for (size_t n = 0; n < survey->world->n_networks; n++) {
		uint32_t sample = c->samples[2 * n];
		if (sample != SURVEY_NONE &&
		    (best == SURVEY_NONE ||
		     worth_outside(survey, sample, family) > worth_outside(survey, best, family)))
			best = sample;
	}
	return best;
}

static bool pair_on(const struct survey *survey, const uint32_t classes[2], size_t network,
		    uint32_t ret[2])
{
	bool same = classes[0] == classes[1];

	ret[0] = survey->classes[classes[0]].samples[2 * network];
	ret[1] = survey->classes[classes[1]].samples[2 * network + same];
	return ret[0] != SURVEY_NONE && ret[1] != SURVEY_NONE;
}

/* Two of one class that share no network. */
static bool pair_apart(const struct survey *survey, const uint32_t classes[2],
		       enum ip_family family, uint32_t ret[2])
{
	ret[0] = survey_any(survey, classes[0], family);
	ret[1] = SURVEY_NONE;
	for (size_t n = survey->world->n_networks; n > 0 && ret[1] == SURVEY_NONE; n--)
		ret[1] = survey->classes[classes[1]].samples[2 * (n - 1)];
	return ret[0] != SURVEY_NONE && ret[1] != SURVEY_NONE && ret[0] != ret[1];
}

bool survey_pair(const struct survey *survey, const uint32_t classes[2], enum ip_family family,
		 uint32_t ret[2])
{
	int best = -1;

	for (size_t n = 0; n < survey->world->n_networks; n++) {
		uint32_t pair[2];
		if (!pair_on(survey, classes, n, pair))
			continue;
		bool reached =
			has_family(survey, pair[0], family) && has_family(survey, pair[1], family);
		int worth = (reached ? 2 : 0) + (survey->world->networks[n].icc ? 1 : 0);
		if (worth <= best)
			continue;
		memcpy(ret, pair, sizeof(pair));
		best = worth;
	}
	return best >= 0 || pair_apart(survey, classes, family, ret);
}
