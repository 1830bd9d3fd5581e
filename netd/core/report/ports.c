/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Published ports and who can reach them, and what of that is worth a warning. */
#include "core/report/exposure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/policy/zone.h"
#include "core/report/print.h"
#include "core/simulate/simulate.h"

#define SOURCE_ZONES 2 /* internet, lan: before the prefixes */

static int ask(const struct survey *survey, size_t input, struct sim_flow *flow,
	       struct arena *scratch, bool *allowed)
{
	const struct report_input *in = survey->in[input];
	const struct sim_host host = { in->world, in->policy, in->compiled, in->symbolic };
	struct sim_result result;
	int r = sim_flow(&host, flow, scratch, &result);

	*allowed = r == 0 && result.allowed;
	return r;
}

static int ask_exposure(const struct survey *survey, size_t input, const struct exposure *exposure,
			struct survey_end who, struct arena *scratch)
{
	bool v6 = exposure->published->host_ip.family == IP_V6;
	struct sim_flow flow = {
		.from = { .kind = SIM_ADDRESS },
		.to = { .kind = SIM_ENDPOINT, .endpoint = exposure->endpoint },
		.family = v6 ? IP_V6 : IP_V4,
		.proto = (enum ip_proto)exposure->published->port.proto,
		.port = exposure->published->port.lo,
	};
	bool allowed = false;

	flow.from.addr = survey_address(survey, who, flow.family);
	if (!flow.from.addr.family)
		return 0;
	int r = ask(survey, input, &flow, scratch, &allowed);
	return r < 0 ? r : allowed;
}

static bool is_internal(const struct survey *survey, uint32_t endpoint)
{
	return survey->world->networks[survey->world->endpoints[endpoint].network].internal;
}

/* Equal answers are given once: for all ports of one class, number, family and kind of host
 * address. NULL: a container on several networks, or on an internal one, is not like the others. */
static uint8_t *memory_of(const struct survey *survey, const struct exposure *exposure)
{
	const struct world_published *published = exposure->published;
	uint32_t c = survey->world->endpoints[exposure->endpoint].container;
	uint32_t opening =
		survey_opening_at(survey, survey->class_of[exposure->endpoint], &published->port);
	size_t kind = (published->host_ip.family == IP_V6 ? 1u : 0u) |
		      (ip_is_unspecified(&published->host_ip) ? 2u : 0u);

	if (opening == SURVEY_NONE || survey->first_of[c + 1] - survey->first_of[c] > 1 ||
	    is_internal(survey, exposure->endpoint))
		return NULL;
	uint8_t **memory = &survey->exposed[4 * (size_t)opening + kind];
	if (!*memory)
		*memory = arena_alloc(survey->arena, SOURCE_ZONES + survey->n_prefixes);
	return *memory;
}

int exposure_ask(const struct survey *survey, size_t input, const struct exposure *exposure,
		 struct survey_end who, struct arena *scratch)
{
	uint8_t known = (uint8_t)(1u << input), yes = (uint8_t)(4u << input);
	uint8_t *memory = memory_of(survey, exposure), *answer = NULL;

	/* A port on loopback addresses is not there for anybody else, whatever another line of
	 * the same container publishes. */
	if (ip_is_loopback(&exposure->published->host_ip))
		return 0;
	if (!memory)
		return ask_exposure(survey, input, exposure, who, scratch);
	answer = &memory[who.kind == SURVEY_PREFIX     ? SOURCE_ZONES + who.index
			 : who.kind == SURVEY_INTERNET ? 0
						       : 1];
	if (!(*answer & known)) {
		int r = ask_exposure(survey, input, exposure, who, scratch);
		if (r < 0)
			return r;
		*answer |= (uint8_t)(known | (r ? yes : 0));
	}
	return (*answer & yes) != 0;
}

int exposure_is_implied(const struct survey *survey, const struct exposure *exposure,
			struct survey_end who, struct arena *scratch)
{
	static const struct {
		enum survey_kind kind;
		enum peer_kind peer;
	} zones[] = { { SURVEY_INTERNET, PEER_INTERNET }, { SURVEY_LAN, PEER_LAN } };
	const struct ip_addr *addr =
		who.kind == SURVEY_PREFIX ? &survey->in_prefix[who.index] : NULL;

	for (size_t i = 0; addr && i < ARRAY_LEN(zones); i++) {
		struct survey_end zone = { zones[i].kind, 0 };
		bool same = policy_zone_contains(zones[i].peer, addr);
		for (size_t input = 0; input < survey->n_inputs && same; input++) {
			int a = exposure_ask(survey, input, exposure, who, scratch);
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

/* The endpoint through which Docker may publish: the first on a managed network, internal ones
 * last. SURVEY_NONE: there is none. */
static uint32_t publishing_endpoint(const struct survey *survey, size_t container)
{
	uint32_t found = SURVEY_NONE;

	for (uint32_t e = survey->first_of[container]; e < survey->first_of[container + 1]; e++)
		if (survey->class_of[e] != SURVEY_NONE &&
		    (found == SURVEY_NONE ||
		     (is_internal(survey, found) && !is_internal(survey, e))))
			found = e;
	return found;
}

int exposure_walk(const struct survey *survey, exposure_fn *each, void *userdata)
{
	const struct world *world = survey->world;

	for (size_t c = 0; c < world->n_containers; c++) {
		const struct world_container *container = &world->containers[c];
		uint32_t endpoint = publishing_endpoint(survey, c);
		for (size_t i = 0; endpoint != SURVEY_NONE && i < container->n_published; i++) {
			const struct exposure exposure = { container, &container->published[i],
							   endpoint };
			int r = each(survey, &exposure, userdata);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

size_t exposure_sources(const struct survey *survey, size_t i, struct survey_end *ret)
{
	static const enum survey_kind zones[SOURCE_ZONES] = { SURVEY_INTERNET, SURVEY_LAN };

	if (i < SOURCE_ZONES)
		*ret = (struct survey_end){ zones[i], 0 };
	else if (i - SOURCE_ZONES < survey->n_sources)
		*ret = (struct survey_end){ SURVEY_PREFIX, survey->sources[i - SOURCE_ZONES] };
	return SOURCE_ZONES + survey->n_sources;
}

void exposure_print(struct rj *j, cJSON *object, const struct report_input *in,
		    const struct exposure *exposure)
{
	const struct world_published *published = exposure->published;
	char port[PORT_RANGE_TEXT_LEN];

	rj_text(j, object, "container", exposure->container->name);
	report_add_addr(j, object, "host_ip", &published->host_ip);
	rj_number(j, object, "host_port", published->symbolic ? 0 : published->host_port);
	rj_text(j, object, "port", port_range_format(&published->port, port));
	rj_text(j, object, "tier", report_tier_name(in, exposure->endpoint));
}

/* ---- the answer ---- */

struct ports_report {
	struct rj j;
	cJSON *list;
	struct arena *scratch;
	bool internet; /* of the port at hand: the internet reaches it */
};

static int add_outside(const struct survey *survey, const struct exposure *exposure,
		       struct ports_report *report, cJSON *reach)
{
	struct survey_end who;

	report->internet = false;
	for (size_t i = 0; i < exposure_sources(survey, i, &who); i++) {
		char name[LIMIT_PEER_TEXT];
		int r = exposure_ask(survey, 0, exposure, who, report->scratch);
		int implied = exposure_is_implied(survey, exposure, who, report->scratch);
		if (r < 0 || implied < 0)
			return -ENOMEM;
		if (r > 0 && !implied)
			rj_push_text(&report->j, reach, survey_end_name(survey, who, name));
		report->internet |= r > 0 && who.kind == SURVEY_INTERNET;
	}
	return 0;
}

/* Tiers that reach the same port inside, on the container's own network. */
static int add_inside(const struct survey *survey, const struct exposure *exposure,
		      struct ports_report *report, cJSON *inside)
{
	uint32_t network = survey->world->endpoints[exposure->endpoint].network;
	bool v6 = exposure->published->host_ip.family == IP_V6;
	struct sim_flow flow = {
		.from = { .kind = SIM_ENDPOINT },
		.to = { .kind = SIM_ENDPOINT, .endpoint = exposure->endpoint },
		.family = v6 ? IP_V6 : IP_V4,
		.proto = (enum ip_proto)exposure->published->port.proto,
		.port = exposure->published->port.lo,
	};

	for (size_t c = 0; c < survey->n_classes; c++) {
		const uint32_t *two = &survey->classes[c].samples[2 * (size_t)network];
		bool allowed = false;
		flow.from.endpoint = two[two[0] == exposure->endpoint];
		if (flow.from.endpoint == SURVEY_NONE)
			continue;
		int r = ask(survey, 0, &flow, report->scratch, &allowed);
		if (r < 0)
			return r;
		if (allowed)
			rj_push_text(&report->j, inside, survey->classes[c].name);
	}
	return 0;
}

static int add_port(const struct survey *survey, const struct exposure *exposure, void *userdata)
{
	struct ports_report *report = userdata;
	cJSON *object = rj_push_object(&report->j, report->list);

	exposure_print(&report->j, object, survey->in[0], exposure);
	int r = add_outside(survey, exposure, report,
			    rj_add_array(&report->j, object, "reachable_from"));
	if (r == 0)
		r = add_inside(survey, exposure, report, rj_add_array(&report->j, object, "tiers"));
	if (ip_is_unspecified(&exposure->published->host_ip))
		rj_text(&report->j, object, "warning",
			report->internet
				? "published on all addresses, and the policy lets the internet in"
				: "published on all addresses: the policy alone keeps others out");
	return r < 0 || report->j.failed ? -ENOMEM : 0;
}

int report_ports(const struct report_input *in, cJSON **ret)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	struct ports_report report = { .scratch = scratch };
	struct survey survey;
	int r = arena && scratch ? survey_init(&survey, &in, 1, arena) : -ENOMEM;

	if (r < 0)
		return r;
	cJSON *root = rj_answer(&report.j);
	report.list = rj_add_array(&report.j, root, "ports");
	report.j.failed |= exposure_walk(&survey, add_port, &report) < 0;
	return rj_finish(&report.j, root, ret);
}
