/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the fleet's hosts are alike. Of an address outside the evaluator knows its family, its
 * zone, which of the prefixes that rules name hold it, and whether it is this host's, a resolver or
 * on a network of Docker's. Addresses that have all of that in common are one kind; of two kinds a
 * class sees no difference where no rule about it names what tells them apart. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/policy/zone.h"
#include "core/report/survey.h"

/* Hosts that are named where not all are meant; the rest is a number. */
#define NAMES 8

/* What tells two addresses apart, in the order in which groups are told. */
struct host_key {
	uint32_t family, prefix, zone, network, alone;
};

struct host_keyed {
	struct host_key key;
	uint32_t at; /* of an address among the hosts, or of a kind among the kinds */
};

static int by_key(const void *left, const void *right)
{
	const struct host_keyed *a = left, *b = right;
	const uint32_t x[] = { a->key.family,  a->key.prefix, a->key.zone,
			       a->key.network, a->key.alone,  a->at },
		       y[] = { b->key.family,  b->key.prefix, b->key.zone,
			       b->key.network, b->key.alone,  b->at };

	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

static bool is_alike(const struct host_key *a, const struct host_key *b)
{
	return a->family == b->family && a->prefix == b->prefix && a->zone == b->zone &&
	       a->network == b->network && a->alone == b->alone;
}

/* ---- kinds ---- */

static uint32_t network_of(const struct world *world, const struct ip_addr *addr)
{
	for (uint32_t i = 0; i < world->n_networks; i++)
		for (size_t s = 0; s < world->networks[i].n_subnets; s++)
			if (ip_in_prefix(addr, &world->networks[i].subnets[s]))
				return i;
	return SURVEY_NONE;
}

static bool is_resolver(const struct world *world, const struct ip_addr *addr)
{
	for (size_t i = 0; i < world->n_resolvers; i++)
		if (ip_compare(&world->resolvers[i], addr) == 0)
			return true;
	return false;
}

/* Those of this host and resolvers are like no other: what is at one of them is at that alone. */
static struct host_key key_of(const struct survey *survey, uint32_t at)
{
	const struct ip_addr *addr = &survey->in[0]->compiled->hosts[at].addr;
	bool alone = world_is_host_address(survey->world, addr) || is_resolver(survey->world, addr);

	return (struct host_key){
		.family = addr->family,
		.prefix = survey_innermost(survey, addr),
		.zone = policy_zone_contains(PEER_LAN, addr),
		.network = network_of(survey->world, addr),
		.alone = alone ? at : SURVEY_NONE,
	};
}

/* The addresses by kind, where each kind begins, and what it is. 0 or -ENOMEM. */
static int find_kinds(struct survey *survey, const struct host_key **ret_keys)
{
	size_t n = survey->in[0]->compiled->n_hosts;
	struct host_keyed *all = arena_alloc(survey->arena, n * sizeof(*all));
	uint32_t *order = arena_alloc(survey->arena, n * sizeof(*order));
	struct survey_host_kind *kinds = arena_alloc(survey->arena, n * sizeof(*kinds));
	struct host_key *keys = arena_alloc(survey->arena, n * sizeof(*keys));

	if (!all || !order || !kinds || !keys)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		all[i] = (struct host_keyed){ key_of(survey, i), i };
	if (n > 0)
		qsort(all, n, sizeof(*all), by_key);
	for (uint32_t i = 0; i < n; i++) {
		order[i] = all[i].at;
		if (i == 0 || !is_alike(&all[i - 1].key, &all[i].key)) {
			keys[survey->n_host_kinds] = all[i].key;
			kinds[survey->n_host_kinds++] = (struct survey_host_kind){ .first = i };
		}
		kinds[survey->n_host_kinds - 1].n++;
	}
	*ret_keys = keys;
	survey->hosts_by_kind = order;
	survey->host_kinds = kinds;
	return 0;
}

/* ---- what rules about a class name ---- */

/* Bits of a class and a prefix: some rule about the class names the prefix as a source, or as a
 * destination. */
enum { AS_SOURCE = 1, AS_DESTINATION = 2 };

/* Of one side of a rule the tiers, of the other the prefixes. */
static void note_side(const struct survey *survey, size_t input, const struct policy_rule *rule,
		      uint8_t bit, uint8_t *named)
{
	const struct policy_peer *tiers = bit == AS_SOURCE ? rule->to : rule->from;
	const struct policy_peer *others = bit == AS_SOURCE ? rule->from : rule->to;
	size_t n_tiers = bit == AS_SOURCE ? rule->n_to : rule->n_from;
	size_t n_others = bit == AS_SOURCE ? rule->n_from : rule->n_to;

	for (size_t o = 0; o < n_others; o++) {
		if (others[o].kind != PEER_PREFIX)
			continue;
		uint32_t prefix = survey_prefix_at(survey, &others[o].prefix);
		for (size_t t = 0; t < n_tiers; t++) {
			if (tiers[t].kind != PEER_TIER)
				continue;
			const survey_classes *classes = &survey->of_tier[input][tiers[t].tier];
			for (size_t c = 0; c < classes->n; c++)
				named[classes->items[c] * survey->n_prefixes + prefix] |= bit;
		}
	}
}

/* What a tier speaks for is that tier to everybody. */
static void note_spoken(const struct survey *survey, size_t input, uint8_t *named)
{
	const struct policy *policy = survey->in[input]->policy;

	for (size_t i = 0; i < policy->n_spoken; i++) {
		if (!survey_is_spoken(survey->in[input], &policy->spoken[i]))
			continue;
		uint32_t prefix = survey_prefix_at(survey, &policy->spoken[i].prefix);
		for (size_t c = 0; c < survey->n_classes; c++)
			named[c * survey->n_prefixes + prefix] |= AS_SOURCE | AS_DESTINATION;
	}
}

static uint8_t *find_named(const struct survey *survey)
{
	uint8_t *named = arena_alloc(survey->arena, survey->n_classes * survey->n_prefixes);

	for (size_t input = 0; named && input < survey->n_inputs; input++) {
		const struct policy *policy = survey->in[input]->policy;
		for (size_t i = 0; i < policy->n_rules; i++) {
			note_side(survey, input, &policy->rules[i], AS_SOURCE, named);
			note_side(survey, input, &policy->rules[i], AS_DESTINATION, named);
		}
		note_spoken(survey, input, named);
	}
	return named;
}

static void add_named(const struct survey *survey, uint32_t from, uint32_t to, const uint8_t *named,
		      uint8_t *ret)
{
	const size_t n = survey->n_prefixes;

	if (from == to || from == SURVEY_NONE || to == SURVEY_NONE)
		return;
	for (size_t i = 0; i < n; i++)
		ret[to * n + i] |= named[from * n + i];
}

/* A container on several networks is published, and sends, as all of its tiers: what is named about
 * the class, or about one that has a container in common with it. */
static uint8_t *find_named_near(const struct survey *survey)
{
	const uint8_t *named = find_named(survey);
	uint8_t *near =
		named ? arena_dup(survey->arena, named, survey->n_classes * survey->n_prefixes)
		      : NULL;

	for (uint32_t c = 0; near && c < survey->world->n_containers; c++)
		for (uint32_t a = survey->first_of[c]; a < survey->first_of[c + 1]; a++)
			for (uint32_t b = survey->first_of[c]; b < survey->first_of[c + 1]; b++)
				add_named(survey, survey->class_of[a], survey->class_of[b], named,
					  near);
	return near;
}

/* ---- groups ---- */

struct host_grouping {
	struct survey *survey;
	const struct host_key *keys; /* of the kinds */
	const uint8_t *named;
	struct host_keyed *kinds; /* the one at hand's, as a class sees them */
};

static bool is_named(const struct host_grouping *g, uint32_t class, uint32_t prefix, uint8_t bit)
{
	return g->named[class * g->survey->n_prefixes + prefix] & bit;
}

/* The kinds in the order of what the class sees of them. */
static void sort_kinds(const struct host_grouping *g, uint32_t class, uint8_t bit)
{
	const struct survey *survey = g->survey;

	for (uint32_t k = 0; k < survey->n_host_kinds; k++) {
		struct host_key key = g->keys[k];
		while (key.prefix != SURVEY_NONE && !is_named(g, class, key.prefix, bit))
			key.prefix = survey->around[key.prefix];
		g->kinds[k] = (struct host_keyed){ key, k };
	}
	qsort(g->kinds, survey->n_host_kinds, sizeof(*g->kinds), by_key);
}

/* One for each family is none: what all have in common is asked of all. */
static bool is_several(const struct survey_host_groups *groups, const struct host_keyed *kinds)
{
	return groups->n > 2 ||
	       (groups->n == 2 && kinds[groups->items[1].first].key.family == kinds[0].key.family);
}

static int group_kinds(const struct host_grouping *g, uint32_t class, uint8_t bit,
		       struct survey_host_groups *ret)
{
	const struct survey *survey = g->survey;
	size_t n = survey->n_host_kinds;
	uint32_t *kinds = arena_alloc(survey->arena, n * sizeof(*kinds));
	struct survey_host_group *groups = arena_alloc(survey->arena, n * sizeof(*groups));

	if (!kinds || !groups)
		return -ENOMEM;
	sort_kinds(g, class, bit);
	*ret = (struct survey_host_groups){ groups, 0, kinds };
	for (uint32_t i = 0; i < n; i++) {
		kinds[i] = g->kinds[i].at;
		if (i == 0 || !is_alike(&g->kinds[i - 1].key, &g->kinds[i].key))
			groups[ret->n++] = (struct survey_host_group){ .first = i };
		groups[ret->n - 1].n++;
	}
	if (!is_several(ret, g->kinds))
		ret->n = 0;
	return 0;
}

int survey_group_hosts(struct survey *survey)
{
	if (!survey->names_hosts)
		return 0;
	const struct host_key *keys = NULL;
	int r = find_kinds(survey, &keys);
	if (r < 0 || survey->n_host_kinds < 2)
		return r;
	const struct host_grouping g = {
		.survey = survey,
		.keys = keys,
		.named = find_named_near(survey),
		.kinds = arena_alloc(survey->arena, survey->n_host_kinds * sizeof(*g.kinds)),
	};
	if (!g.named || !g.kinds)
		return -ENOMEM;
	for (uint32_t c = 0; c < survey->n_classes && r == 0; c++) {
		struct survey_class *class = &survey->classes[c];
		r = group_kinds(&g, c, AS_SOURCE, &class->host_sources);
		if (r == 0)
			r = group_kinds(&g, c, AS_DESTINATION, &class->host_destinations);
	}
	return r;
}

struct survey_end survey_host_group_end(const struct survey *survey,
					const struct survey_host_groups *groups, size_t group)
{
	const struct survey_host_kind *kind =
		&survey->host_kinds[groups->kinds[groups->items[group].first]];

	return (struct survey_end){ SURVEY_HOSTS, 1 + survey->hosts_by_kind[kind->first] };
}

/* ---- in words ---- */

/* An address of a host: of a group that is meant, or not. */
struct named_host {
	const char *host;
	const struct ip_addr *addr;
	bool is_meant;
};

struct host_naming {
	struct named_host *items;
	size_t n;
	bool families[2]; /* in which some group is meant */
};

static int by_host(const void *left, const void *right)
{
	const struct named_host *a = left, *b = right;
	int order = strcmp(a->host, b->host);

	return order ? order : ip_compare(a->addr, b->addr);
}

static int list_hosts(const struct survey *survey, const struct survey_host_groups *groups,
		      const survey_selection *selected, struct arena *arena,
		      struct host_naming *ret)
{
	const struct world_member *hosts = survey->in[0]->compiled->hosts;
	bool *meant = arena_alloc(arena, groups->n * sizeof(*meant));

	ret->items = arena_alloc(arena, survey->in[0]->compiled->n_hosts * sizeof(*ret->items));
	if (!meant || !ret->items)
		return -ENOMEM;
	for (size_t i = 0; i < selected->n; i++)
		meant[selected->items[i]] = true;
	for (size_t g = 0; g < groups->n; g++)
		for (uint32_t k = 0; k < groups->items[g].n; k++) {
			const struct survey_host_kind *kind =
				&survey->host_kinds[groups->kinds[groups->items[g].first + k]];
			for (uint32_t i = 0; i < kind->n; i++) {
				const struct world_member *host =
					&hosts[survey->hosts_by_kind[kind->first + i]];
				ret->items[ret->n++] =
					(struct named_host){ host->host, &host->addr, meant[g] };
				ret->families[host->addr.family == IP_V6] |= meant[g];
			}
		}
	if (ret->n > 0)
		qsort(ret->items, ret->n, sizeof(*ret->items), by_host);
	return 0;
}

/* The addresses of the host at @at: how many there are of the families that are meant, and how many
 * are meant. Returns where the next host begins. */
static size_t count_meant(const struct host_naming *naming, size_t at, size_t *ret_n,
			  size_t *ret_meant)
{
	const char *host = naming->items[at].host;

	*ret_n = *ret_meant = 0;
	for (; at < naming->n && strcmp(naming->items[at].host, host) == 0; at++) {
		*ret_n += naming->families[naming->items[at].addr->family == IP_V6];
		*ret_meant += naming->items[at].is_meant;
	}
	return at;
}

/* By its name, or with those of its addresses that are meant alone. */
static void add_host(const struct host_naming *naming, size_t at, size_t end, bool whole,
		     struct text *out)
{
	const char *before = " at ";
	char addr[IP_TEXT_LEN];

	text_add(out, naming->items[at].host);
	for (; at < end && !whole; at++) {
		if (!naming->items[at].is_meant)
			continue;
		text_printf(out, "%s%s", before, ip_format(naming->items[at].addr, addr));
		before = " and ";
	}
}

/* Those that are meant, @most of them, in the order of names; how many. */
static size_t add_hosts(const struct host_naming *naming, size_t most, const char *between,
			struct text *out)
{
	size_t told = 0, n, meant;

	for (size_t at = 0, end; at < naming->n && told < most; at = end) {
		end = count_meant(naming, at, &n, &meant);
		if (meant == 0)
			continue;
		text_add(out, told++ ? between : "");
		add_host(naming, at, end, meant == n, out);
	}
	return told;
}

/* All of the families at hand are meant. */
static bool is_all(const struct host_naming *naming)
{
	for (size_t i = 0; i < naming->n; i++)
		if (naming->families[naming->items[i].addr->family == IP_V6] &&
		    !naming->items[i].is_meant)
			return false;
	return true;
}

static int print_name(const struct host_naming *naming, struct arena *arena,
		      struct survey_hosts_name *ret)
{
	CLEANUP(text_done) struct text all = { 0 }, out = { 0 };
	size_t n = add_hosts(naming, SIZE_MAX, "\n", &all);

	text_add(&out, "hosts (");
	size_t told = add_hosts(naming, n > NAMES + 1 ? NAMES : n, ", ", &out);
	if (n > told)
		text_printf(&out, " and %zu more", n - told);
	text_add(&out, ")");
	if (text_failed(&out) || text_failed(&all))
		return -ENOMEM;
	ret->text = arena_strdup(arena, text_str(&out));
	ret->hash = hash_add(HASH_BEGIN, text_str(&all), all.len);
	return ret->text ? 0 : -ENOMEM;
}

int survey_name_hosts(const struct survey *survey, const struct survey_host_groups *groups,
		      const survey_selection *selected, struct arena *arena,
		      struct survey_hosts_name *ret)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	struct host_naming naming = { 0 };

	*ret = (struct survey_hosts_name){ "hosts", 0 };
	if (groups->n == 0)
		return 0;
	if (!scratch || list_hosts(survey, groups, selected, scratch, &naming) < 0)
		return -ENOMEM;
	return is_all(&naming) ? 0 : print_name(&naming, arena, ret);
}
