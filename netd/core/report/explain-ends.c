/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a word to an end of a flow. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/diag.h"
#include "core/base/text.h"
#include "core/report/explain.h"
#include "core/report/print.h"

#define PREFIX_TIER "tier:"
#define PREFIX_CONTAINER "container:"
#define PREFIX_SERVICE "service:"

static int fail_end(const char **error, const char *text)
{
	*error = text;
	return text ? REPORT_E_QUESTION : -ENOMEM;
}

/* ---- tiers ---- */

static uint32_t class_of_tier(const struct survey *survey, uint32_t tier)
{
	for (uint32_t c = 0; c < survey->n_classes; c++) {
		const struct assignment *as = &survey->classes[c].as[0];
		if (as->kind == ASSIGN_TIER && as->tier == tier)
			return c;
	}
	return SURVEY_NONE;
}

static int resolve_tier(const struct survey *survey, uint32_t tier, struct arena *arena,
			struct explain_end *ret)
{
	VEC(uint32_t) list = { 0 };
	struct explain_end end = { .kind = EXPLAIN_TIER,
				   .tier = tier,
				   .name = survey->in[0]->policy->tiers[tier].name,
				   .class = class_of_tier(survey, tier) };

	const struct survey_class *class =
		end.class == SURVEY_NONE ? NULL : &survey->classes[end.class];
	for (size_t i = 0; class && i < 2 * class->n_samples; i++) {
		uint32_t sample = class->samples[i / 2].endpoint[i % 2];
		if (sample != SURVEY_NONE && VEC_PUSH(arena, &list, sample) < 0)
			return -ENOMEM;
	}
	end.endpoints = list.items;
	end.n_endpoints = list.n;
	*ret = end;
	return 0;
}

/* ---- addresses ---- */

static uint32_t endpoint_at(const struct world *world, const struct ip_addr *addr)
{
	for (uint32_t i = 0; i < world->n_endpoints; i++)
		if (ip_compare(&world->endpoints[i].ipv4, addr) == 0 ||
		    ip_compare(&world->endpoints[i].ipv6, addr) == 0)
			return i;
	return SURVEY_NONE;
}

static int resolve_prefix(const struct survey *survey, const struct ip_prefix *prefix,
			  struct arena *arena, struct explain_end *ret)
{
	struct ip_addr addr = prefix->addr, next;
	bool single = prefix->len == 8 * ip_len(&addr);
	char text[PREFIX_TEXT_LEN];
	uint32_t endpoint = single ? endpoint_at(survey->world, &addr) : SURVEY_NONE;
	struct explain_end end = { .kind = EXPLAIN_OUTSIDE,
				   .class = SURVEY_NONE,
				   .tier = SURVEY_NONE,
				   .stands_for = !single };

	if (endpoint != SURVEY_NONE)
		return explain_endpoint(survey, endpoint, arena, ret);
	if (single && world_is_host_address(survey->world, &addr)) {
		int r = explain_host(ret, "that is an address of this host");
		ret->addrs[addr.family == IP_V6] = addr;
		return r;
	}
	for (uint32_t i = 0; i < survey->n_prefixes && !single; i++)
		if (ip_compare(&survey->prefixes[i].addr, &addr) == 0 &&
		    survey->prefixes[i].len == prefix->len)
			end.addrs[addr.family == IP_V6] = survey->in_prefix[i];
	if (!end.addrs[addr.family == IP_V6].family)
		end.addrs[addr.family == IP_V6] = !single && ip_next(&addr, &next) ? next : addr;
	end.name = arena_strdup(arena,
				single ? ip_format(&addr, text) : ip_prefix_format(prefix, text));
	uint32_t tier =
		compile_find_spoken(survey->in[0]->compiled, &end.addrs[addr.family == IP_V6]);
	if (tier != UINT32_MAX)
		end.note = arena_printf(arena, "tier `%s` speaks for %s",
					survey->in[0]->policy->tiers[tier].name,
					end.name ? end.name : "");
	*ret = end;
	return end.name ? 0 : -ENOMEM;
}

static int resolve_zone(const struct survey *survey, const char *name, enum survey_kind kind,
			struct explain_end *ret)
{
	struct survey_end end = { kind, 0 };

	*ret = (struct explain_end){ .kind = EXPLAIN_OUTSIDE,
				     .name = name,
				     .class = SURVEY_NONE,
				     .tier = SURVEY_NONE,
				     .addrs = { survey_address(survey, end, IP_V4),
						survey_address(survey, end, IP_V6) },
				     .stands_for = true };
	return 0;
}

/* Who publishes port 53 at that address of this host. */
static const struct world_container *server_at(const struct world *world,
					       const struct ip_addr *addr)
{
	for (size_t c = 0; c < world->n_containers; c++)
		for (size_t i = 0; i < world->containers[c].n_published; i++) {
			const struct world_published *p = &world->containers[c].published[i];
			if (p->host_port == 53 && p->host_ip.family == addr->family &&
			    (ip_is_unspecified(&p->host_ip) || ip_compare(&p->host_ip, addr) == 0))
				return &world->containers[c];
		}
	return NULL;
}

/* A resolver that is this host is asked in another way than one outside. */
static int resolve_dns(const struct survey *survey, struct arena *arena, struct explain_end *ret)
{
	char text[IP_TEXT_LEN];

	(void)resolve_zone(survey, "dns", SURVEY_DNS, ret);
	for (size_t family = 0; family < 2 && !ret->note; family++) {
		const struct ip_addr *addr = &ret->addrs[family];
		if (!addr->family || survey->in[0]->symbolic ||
		    !world_is_host_address(survey->world, addr))
			continue;
		const struct world_container *server = server_at(survey->world, addr);
		ret->note =
			server ? arena_printf(
					 arena,
					 "the resolver %s is this host, where `%s` publishes "
					 "port 53: what opens it is a rule to the tier of that",
					 ip_format(addr, text), server->name)
			       : arena_printf(arena,
					      "the resolver %s is this host: `dns` is port 53 of "
					      "what runs on it",
					      ip_format(addr, text));
		if (!ret->note)
			return -ENOMEM;
	}
	return 0;
}

/* Where nobody has told of the fleet, who stands for it is made up. */
static int resolve_hosts(const struct survey *survey, struct arena *arena, struct explain_end *ret)
{
	char text[IP_TEXT_LEN];

	(void)resolve_zone(survey, "hosts", SURVEY_HOSTS, ret);
	const struct ip_addr *addr = &ret->addrs[ret->addrs[0].family == IP_NONE];
	if (!addr->family || !report_members_are_symbolic(survey->world))
		return 0;
	ret->note = arena_printf(arena,
				 "the other hosts of the fleet are not known here: %s stands for "
				 "one of them",
				 ip_format(addr, text));
	return ret->note ? 0 : -ENOMEM;
}

int explain_resolve_peer(const struct survey *survey, const struct policy_peer *peer,
			 struct arena *arena, struct explain_end *ret)
{
	switch (peer->kind) {
	case PEER_TIER:
		return resolve_tier(survey, peer->tier, arena, ret);
	case PEER_HOST:
		return explain_host(ret, NULL);
	case PEER_INTERNET:
	case PEER_WORLD:
		return resolve_zone(survey, "internet", SURVEY_INTERNET, ret);
	case PEER_LAN:
		return resolve_zone(survey, "lan", SURVEY_LAN, ret);
	case PEER_DNS:
		return resolve_dns(survey, arena, ret);
	case PEER_HOSTS:
		return resolve_hosts(survey, arena, ret);
	case PEER_PREFIX:
		break;
	}
	return resolve_prefix(survey, &peer->prefix, arena, ret);
}

/* ---- words ---- */

static int unknown(const struct survey *survey, const char *text, struct arena *arena,
		   const char **error)
{
	static const char *const words[] = { "host", "internet", "lan", "dns", "hosts" };
	const struct policy *policy = survey->in[0]->policy;
	struct diag_list diags;
	VEC(const char *) names = { 0 };
	int r = 0;

	diag_init(&diags, arena);
	for (size_t i = 0; i < ARRAY_LEN(words) && r == 0; i++)
		r = VEC_PUSH(arena, &names, words[i]);
	for (size_t i = 0; i < policy->n_tiers && r == 0; i++)
		r = VEC_PUSH(arena, &names, policy->tiers[i].name);
	for (size_t i = 0; i < survey->world->n_containers && r == 0; i++)
		if (!survey->in[0]->symbolic)
			r = VEC_PUSH(arena, &names, survey->world->containers[i].name);
	if (r < 0)
		return r;
	const char *hint = diag_suggest(&diags, text, names.items, names.n);
	return fail_end(error,
			arena_printf(arena, "`%s` is not a tier, %saddress or zone here%s%s", text,
				     survey->in[0]->symbolic ? "" : "container, service, ",
				     hint ? "; " : "",
				     hint		       ? hint
				     : survey->in[0]->symbolic ? "; containers need an inventory"
							       : ""));
}

static int resolve_named_tier(const struct survey *survey, const char *name, struct arena *arena,
			      struct explain_end *ret, const char **error)
{
	int tier = policy_find_tier(survey->in[0]->policy, name);

	return tier < 0 ? unknown(survey, name, arena, error)
			: resolve_tier(survey, (uint32_t)tier, arena, ret);
}

static int resolve_service(const struct survey *survey, const char *name, struct arena *arena,
			   struct explain_end *ret, const char **error)
{
	int r = explain_service(survey, name, arena, ret, error);

	return r == -ENOENT ? unknown(survey, name, arena, error) : r;
}

bool explain_is_nobody(const struct explain_end *end, const struct policy_peer *peer)
{
	return explain_is_empty_tier(end) ||
	       (peer->kind == PEER_HOSTS && !end->addrs[0].family && !end->addrs[1].family);
}

bool explain_is_empty_tier(const struct explain_end *end)
{
	return end->kind == EXPLAIN_TIER && end->class == SURVEY_NONE;
}

/* A word that means more than one thing: which was taken, and how to ask for the other. */
static int note_others(const struct survey *survey, const char *text, int container,
		       struct arena *arena, struct explain_end *ret)
{
	struct explain_end service;
	const char *error = NULL;

	if (container >= 0) {
		ret->note = arena_printf(arena,
					 "`%s` is also a container: ask for container:%s to "
					 "mean that",
					 text, text);
		return ret->note ? 0 : -ENOMEM;
	}
	int r = explain_service(survey, text, arena, &service, &error);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (r == 0 && explain_is_empty_tier(ret)) {
		*ret = service; /* nobody is in the tier, so that it is not meant */
		return 0;
	}
	if (r == 0 && ret->kind == EXPLAIN_TIER && service.tier == ret->tier)
		return 0; /* what is said of the one holds for the other */
	ret->note = arena_printf(arena, "`%s` is also a service: ask for service:%s to mean that",
				 text, text);
	return ret->note ? 0 : -ENOMEM;
}

int explain_resolve(const struct survey *survey, const char *text, struct arena *arena,
		    struct explain_end *ret, const char **error)
{
	struct policy_peer peer = { 0 };
	bool only_container = text_begins(text, PREFIX_CONTAINER);
	const char *name = only_container ? text + strlen(PREFIX_CONTAINER) : text;
	int container = survey->in[0]->symbolic ? -1 : world_find_container(survey->world, name);

	if (text_begins(text, PREFIX_TIER))
		return resolve_named_tier(survey, text + strlen(PREFIX_TIER), arena, ret, error);
	if (text_begins(text, PREFIX_SERVICE))
		return resolve_service(survey, text + strlen(PREFIX_SERVICE), arena, ret, error);
	bool is_peer =
		!only_container && policy_parse_peer(survey->in[0]->policy, text, &peer) == 0;
	if (is_peer && peer.kind == PEER_WORLD)
		return fail_end(error, "`world` is internet and lan: ask for one of them");
	if (!is_peer && container < 0)
		return only_container ? unknown(survey, name, arena, error)
				      : resolve_service(survey, name, arena, ret, error);
	if (!is_peer)
		return explain_container(survey, (uint32_t)container, arena, ret, error);
	int r = explain_resolve_peer(survey, &peer, arena, ret);
	if (r < 0)
		return r;
	if (ret->kind == EXPLAIN_OUTSIDE && !ret->addrs[0].family && !ret->addrs[1].family)
		return fail_end(error, peer.kind == PEER_HOSTS
					       ? "no other host of the fleet is known here"
					       : "the host's resolvers are not known: name one by "
						 "its address");
	return peer.kind == PEER_PREFIX ? 0 : note_others(survey, text, container, arena, ret);
}
