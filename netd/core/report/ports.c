/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report_ports(): published ports and who can reach them, and what of that is worth a warning. */
#include <errno.h>

#include "core/report/exposure.h"

struct ports_report {
	struct rj j;
	cJSON *list;
	struct arena *scratch;
	bool internet; /* of the port at hand: the internet reaches it */
};

static int add_outside(const struct survey *survey, const struct exposure *exposure,
		       struct ports_report *report, cJSON *reach)
{
	struct exposure_who who = { .j = &report->j, .list = reach, .scratch = report->scratch };

	report->internet = false;
	for (size_t i = 0; i < exposure_sources(survey, exposure); i++) {
		int r = exposure_ask(survey, 0, exposure, i, report->scratch);
		int implied = exposure_is_implied(survey, exposure, i, report->scratch);
		if (r < 0 || implied < 0)
			return -ENOMEM;
		if (r > 0 && !implied && exposure_note_source(survey, exposure, i, &who) < 0)
			return -ENOMEM;
		report->internet |= r > 0 && i == EXPOSURE_INTERNET;
	}
	return exposure_note_hosts(survey, exposure, &who);
}

/* Tiers that reach the same port inside, on the container's own network. */
static int add_inside(const struct survey *survey, const struct exposure *exposure,
		      struct ports_report *report, cJSON *inside)
{
	const struct report_input *in = survey->in[0];
	const struct sim_host host = { in->world, in->policy, in->compiled, in->symbolic };
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
		const struct survey_sample *two = survey_sample_on(survey, (uint32_t)c, network);
		struct sim_result result;
		if (!two || two->endpoint[two->endpoint[0] == exposure->endpoint] == SURVEY_NONE)
			continue;
		flow.from.endpoint = two->endpoint[two->endpoint[0] == exposure->endpoint];
		int r = sim_flow(&host, &flow, report->scratch, &result);
		if (r < 0)
			return r;
		if (result.allowed)
			rj_push_text(&report->j, inside, survey->classes[c].name);
	}
	return 0;
}

/* This host reaches whoever is in a tier, and nobody else: by whichever address it has. */
static int add_host(const struct survey *survey, const struct exposure *exposure,
		    struct ports_report *report, cJSON *object)
{
	const struct report_input *in = survey->in[0];
	const struct sim_host host = { in->world, in->policy, in->compiled, in->symbolic };
	bool v4 = survey->world->endpoints[exposure->endpoint].ipv4.family != IP_NONE;
	struct sim_flow flow = {
		.from = { .kind = SIM_HOST },
		.to = { .kind = SIM_ENDPOINT, .endpoint = exposure->endpoint },
		.family = v4 ? IP_V4 : IP_V6,
		.proto = (enum ip_proto)exposure->published->port.proto,
		.port = exposure->published->port.lo,
	};
	struct sim_result result;
	int r = sim_flow(&host, &flow, report->scratch, &result);

	if (r == 0)
		rj_bool(&report->j, object, "host", result.allowed);
	return r;
}

static int add_port(const struct survey *survey, const struct exposure *exposure, void *userdata)
{
	struct ports_report *report = userdata;
	cJSON *object = rj_push_object(&report->j, report->list);

	exposure_print(&report->j, object, survey->in[0], exposure);
	int r = add_outside(survey, exposure, report,
			    rj_add_array(&report->j, object, "reachable_from"));
	if (r == 0)
		r = add_host(survey, exposure, report, object);
	if (r == 0)
		r = add_inside(survey, exposure, report, rj_add_array(&report->j, object, "tiers"));
	if (exposure_is_direct(survey->in[0], exposure))
		rj_text(&report->j, object, "warning",
			report->internet ? "at the container's own address, and the policy lets "
					   "the internet in"
					 : "at the container's own address: the policy alone keeps "
					   "others out");
	else if (ip_is_unspecified(&exposure->published->host_ip))
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
