/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Published ports and who reaches them from outside. */
#include "core/report/exposure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/policy/zone.h"
#include "core/report/print.h"

/* ---- the ports ---- */

struct port_range exposure_ports(const struct exposure *exposure)
{
	struct port_range ports = exposure->published->port;

	ports.hi = (uint16_t)(ports.lo + exposure->n_ports - 1);
	return ports;
}

static bool is_internal(const struct survey *survey, uint32_t endpoint)
{
	return survey->world->networks[survey->world->endpoints[endpoint].network].internal;
}

/* The endpoint that answers for a published port; where Docker publishes through none, the first
 * on a managed network, which is then reached by nobody. SURVEY_NONE: there is none. */
static uint32_t publishing_endpoint(const struct survey *survey, uint32_t container,
				    const struct world_published *published)
{
	uint32_t found = world_publisher(survey->world, container,
					 (enum ip_family)published->host_ip.family);

	if (found != WORLD_NO_ENDPOINT)
		return found;
	for (uint32_t e = survey->first_of[container]; e < survey->first_of[container + 1]; e++)
		if (survey->class_of[e] != SURVEY_NONE)
			return e;
	return SURVEY_NONE;
}

/* Host address by host address, where neighbouring ports stand side by side. */
static int by_host_address(const void *left, const void *right)
{
	const struct world_published *a = *(const struct world_published *const *)left,
				     *b = *(const struct world_published *const *)right;
	int order = ip_compare(&a->host_ip, &b->host_ip);

	if (order)
		return order;
	if (a->port.proto != b->port.proto)
		return (int)a->port.proto - (int)b->port.proto;
	if (a->port.lo != b->port.lo)
		return (int)a->port.lo - (int)b->port.lo;
	return (int)a->host_port - (int)b->host_port;
}

static int by_first_port(const void *left, const void *right)
{
	const struct exposure *a = left, *b = right;

	return a->published < b->published ? -1 : a->published > b->published;
}

static bool is_next(const struct survey *survey, const struct exposure *exposure,
		    const struct world_published *last, const struct world_published *next)
{
	uint32_t class = survey->class_of[exposure->endpoint];
	/* Of one family, so of one endpoint. At its own address no port of this host counts. */
	bool direct = world_opens_directly(survey->world, exposure->endpoint, last) &&
		      world_opens_directly(survey->world, exposure->endpoint, next);
	bool follows = !last->symbolic && !next->symbolic && last->host_port + 1 == next->host_port;

	return (direct || follows) && last->port.proto == next->port.proto &&
	       last->port.lo + 1 == next->port.lo &&
	       ip_compare(&last->host_ip, &next->host_ip) == 0 &&
	       survey_part_of(survey, class, &last->port) ==
		       survey_part_of(survey, class, &next->port);
}

typedef VEC(struct exposure) exposure_list;

static int list_exposures(const struct survey *survey, uint32_t index, exposure_list *ret)
{
	const struct world_container *container = &survey->world->containers[index];
	size_t n = container->n_published;
	const struct world_published **ports = arena_alloc(survey->arena, n * sizeof(*ports));
	int r = ports ? 0 : -ENOMEM;

	for (size_t i = 0; ports && i < n; i++)
		ports[i] = &container->published[i];
	if (ports && n > 1)
		qsort(ports, n, sizeof(struct world_published *), by_host_address);
	ret->n = 0;
	for (size_t i = 0; i < n && r == 0; i++) {
		const struct exposure new = { container, ports[i], 1,
					      publishing_endpoint(survey, index, ports[i]) };
		struct exposure *last = ret->n ? &ret->items[ret->n - 1] : NULL;
		if (new.endpoint == SURVEY_NONE)
			continue;
		if (last && is_next(survey, last, ports[i - 1], ports[i]))
			last->n_ports++;
		else
			r = VEC_PUSH(survey->arena, ret, new);
	}
	if (r == 0 && ret->n > 1)
		qsort(ret->items, ret->n, sizeof(*ret->items), by_first_port);
	return r;
}

int exposure_walk(const struct survey *survey, exposure_fn *each, void *userdata)
{
	const struct world *world = survey->world;
	exposure_list list = { 0 };

	for (uint32_t c = 0; c < world->n_containers; c++) {
		if (world->containers[c].n_published == 0)
			continue;
		int r = list_exposures(survey, c, &list);
		for (size_t i = 0; i < list.n && r >= 0; i++)
			r = each(survey, &list.items[i], userdata);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- who reaches them ---- */

static const struct {
	enum survey_kind kind;
	enum peer_kind peer;
} zones[] = { [EXPOSURE_INTERNET] = { SURVEY_INTERNET, PEER_INTERNET }, { SURVEY_LAN, PEER_LAN } };

static const struct survey_class *class_of(const struct survey *survey,
					   const struct exposure *exposure)
{
	return &survey->classes[survey->class_of[exposure->endpoint]];
}

/* Of the fleet, where a rule names it, one for each group that is treated alike. */
static size_t n_hosts(const struct survey *survey, const struct exposure *exposure)
{
	size_t n = class_of(survey, exposure)->host_sources.n;

	return survey->names_hosts ? n + (n == 0) : 0;
}

/* The zones that are always asked about, the fleet, prefixes. */
size_t exposure_sources(const struct survey *survey, const struct exposure *exposure)
{
	return ARRAY_LEN(zones) + n_hosts(survey, exposure) + class_of(survey, exposure)->n_sources;
}

struct survey_end exposure_source(const struct survey *survey, const struct exposure *exposure,
				  size_t source)
{
	const struct survey_class *class = class_of(survey, exposure);
	size_t hosts = n_hosts(survey, exposure);

	if (source < ARRAY_LEN(zones))
		return (struct survey_end){ zones[source].kind, 0 };
	source -= ARRAY_LEN(zones);
	if (source >= hosts)
		return (struct survey_end){ SURVEY_PREFIX, class->sources[source - hosts] };
	return class->host_sources.n ? survey_host_group_end(survey, &class->host_sources, source)
				     : (struct survey_end){ SURVEY_HOSTS, 0 };
}

int exposure_note_source(const struct survey *survey, const struct exposure *exposure,
			 size_t source, struct exposure_who *who)
{
	const struct survey_end end = exposure_source(survey, exposure, source);
	char name[LIMIT_PEER_TEXT];

	if (end.kind == SURVEY_HOSTS)
		return VEC_PUSH(who->scratch, &who->hosts, (uint32_t)(source - ARRAY_LEN(zones)));
	int r = exposure_note_hosts(survey, exposure, who);
	rj_push_text(who->j, who->list, survey_end_name(survey, end, name));
	return r;
}

int exposure_note_hosts(const struct survey *survey, const struct exposure *exposure,
			struct exposure_who *who)
{
	if (who->hosts.n == 0)
		return 0;
	const struct survey_host_groups *groups = &class_of(survey, exposure)->host_sources;
	struct survey_hosts_name name;
	if (survey_name_hosts(survey, groups, &who->hosts, who->scratch, &name) < 0)
		return -ENOMEM;
	rj_push_text(who->j, who->list, name.text);
	who->hosts.n = 0;
	return 0;
}

static int ask(const struct survey *survey, size_t input, const struct exposure *exposure,
	       size_t source, struct arena *scratch)
{
	const struct report_input *in = survey->in[input];
	const struct sim_host host = { in->world, in->policy, in->compiled, in->symbolic };
	bool v6 = exposure->published->host_ip.family == IP_V6;
	struct sim_flow flow = {
		.from = { .kind = SIM_ADDRESS },
		.to = { .kind = SIM_ENDPOINT, .endpoint = exposure->endpoint },
		.family = v6 ? IP_V6 : IP_V4,
		.proto = (enum ip_proto)exposure->published->port.proto,
		.port = exposure->published->port.lo,
	};
	struct sim_result result;

	flow.from.addr =
		survey_address(survey, exposure_source(survey, exposure, source), flow.family);
	if (!flow.from.addr.family)
		return 0;
	int r = sim_flow(&host, &flow, scratch, &result);
	return r < 0 ? r : result.allowed;
}

/* Equal answers are given once: for all ports of one class that no rule tells apart, by family and
 * kind of host address. NULL: a container on several networks, or on an internal one, or without an
 * IPv4 address, or that is admitted through no port, is not like the others, nor one whose ports
 * Docker does not publish at this host. */
static uint8_t *memory_of(const struct survey *survey, const struct exposure *exposure)
{
	const struct world_published *published = exposure->published;
	uint32_t c = survey->world->endpoints[exposure->endpoint].container;
	size_t part =
		survey_part_of(survey, survey->class_of[exposure->endpoint], &published->port);
	size_t kind = (published->host_ip.family == IP_V6 ? 1u : 0u) |
		      (ip_is_unspecified(&published->host_ip) ? 2u : 0u);

	enum world_publishing how = world_publishing(survey->world, exposure->endpoint,
						     (enum ip_family)published->host_ip.family);

	if (how == WORLD_PUBLISHES_NOT || how == WORLD_PUBLISHES_ROUTED ||
	    (how == WORLD_PUBLISHES_PROXY && survey->world->no_proxy) ||
	    survey->first_of[c + 1] - survey->first_of[c] > 1 ||
	    is_internal(survey, exposure->endpoint) ||
	    !survey->world->endpoints[exposure->endpoint].ipv4.family ||
	    !survey_is_admitted(survey, exposure->endpoint))
		return NULL;
	uint8_t **memory = &class_of(survey, exposure)->exposed[4 * part + kind];
	if (!*memory)
		*memory = arena_alloc(survey->arena, exposure_sources(survey, exposure));
	return *memory;
}

int exposure_ask(const struct survey *survey, size_t input, const struct exposure *exposure,
		 size_t source, struct arena *scratch)
{
	uint8_t known = (uint8_t)(1u << input), yes = (uint8_t)(4u << input);
	uint8_t *memory = memory_of(survey, exposure);

	/* A port on loopback addresses is not there for anybody else, whatever another line of
	 * the same container publishes. */
	if (ip_is_loopback(&exposure->published->host_ip))
		return 0;
	if (!memory)
		return ask(survey, input, exposure, source, scratch);
	if (!(memory[source] & known)) {
		int r = ask(survey, input, exposure, source, scratch);
		if (r < 0)
			return r;
		memory[source] |= (uint8_t)(known | (r ? yes : 0));
	}
	return (memory[source] & yes) != 0;
}

int exposure_is_implied(const struct survey *survey, const struct exposure *exposure, size_t source,
			struct arena *scratch)
{
	struct survey_end who = exposure_source(survey, exposure, source);
	enum ip_family family = exposure->published->host_ip.family == IP_V6 ? IP_V6 : IP_V4;
	const struct ip_addr addr = who.kind == SURVEY_PREFIX  ? survey->in_prefix[who.index]
				    : who.kind == SURVEY_HOSTS ? survey_address(survey, who, family)
							       : (struct ip_addr){ 0 };

	for (size_t zone = 0; addr.family && zone < ARRAY_LEN(zones); zone++) {
		bool same = policy_zone_contains(zones[zone].peer, &addr);
		for (size_t input = 0; input < survey->n_inputs && same; input++) {
			int a = exposure_ask(survey, input, exposure, source, scratch);
			int b = exposure_ask(survey, input, exposure, zone, scratch);
			if (a < 0 || b < 0)
				return -ENOMEM;
			same = a == b;
		}
		if (same)
			return 1;
	}
	return 0;
}

bool exposure_is_direct(const struct report_input *in, const struct exposure *exposure)
{
	return world_opens_directly(in->world, exposure->endpoint, exposure->published);
}

void exposure_print(struct rj *j, cJSON *object, const struct report_input *in,
		    const struct exposure *exposure)
{
	const struct world_published *published = exposure->published;
	struct port_range ports = exposure_ports(exposure);
	char text[PORT_RANGE_TEXT_LEN];

	bool direct = exposure_is_direct(in, exposure) && !in->symbolic;
	const struct world_endpoint *endpoint = &in->world->endpoints[exposure->endpoint];
	const struct ip_addr *own =
		published->host_ip.family == IP_V6 ? &endpoint->ipv6 : &endpoint->ipv4;
	uint16_t first = direct ? ports.lo : published->symbolic ? 0 : published->host_port;

	rj_text(j, object, "container", exposure->container->name);
	report_add_addr(j, object, "host_ip", direct ? own : &published->host_ip);
	rj_number(j, object, "host_port", first);
	if (exposure->n_ports > 1)
		rj_number(j, object, "host_port_last", first + exposure->n_ports - 1);
	rj_text(j, object, "port", port_range_format(&ports, text));
	rj_text(j, object, "tier", report_tier_name(in, exposure->endpoint));
}
