/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What needs an admin's eye: the health of the daemon, and what a policy and a host show together.
 */
#include <errno.h>
#include <string.h>

#include "core/policy/until.h"
#include "core/report/exposure.h"
#include "core/report/print.h"

/* ---- status ---- */

static void add_time(struct rj *j, cJSON *object, const char *name, int64_t seconds)
{
	char text[UNTIL_TEXT_LEN];

	rj_text(j, object, name, seconds ? policy_until_format(seconds, text) : NULL);
}

static const char *or_null(const char *text)
{
	return text && *text ? text : NULL;
}

static void add_endpoint_counts(struct rj *j, cJSON *root, const struct report_input *in)
{
	size_t counts[ASSIGN_UNMANAGED + 1] = { 0 }, closed = 0;
	cJSON *tiers = rj_add_array(j, root, "tiers"), *others = NULL;

	for (size_t i = 0; i < in->world->n_endpoints; i++) {
		const struct assignment *as = &in->compiled->assignments[i];
		counts[as->kind]++;
		closed += as->kind == ASSIGN_TIER && !as->port;
	}
	for (uint32_t t = 0; t < in->policy->n_tiers; t++) {
		cJSON *object = rj_push_object(j, tiers);
		size_t n = 0;
		for (size_t i = 0; i < in->world->n_endpoints; i++)
			n += in->compiled->assignments[i].kind == ASSIGN_TIER &&
			     in->compiled->assignments[i].tier == t;
		rj_text(j, object, "name", in->policy->tiers[t].name);
		rj_text(j, object, "mode",
			in->policy->tiers[t].mode == POLICY_AUDIT ? "audit" : "enforce");
		rj_number(j, object, "endpoints", (double)n);
	}
	others = rj_add_object(j, root, "endpoints");
	for (size_t kind = 0; kind < ARRAY_LEN(counts); kind++)
		rj_number(j, others, assign_kind_name((enum assign_kind)kind),
			  (double)counts[kind]);
	rj_number(j, others, "port-unknown", (double)closed);
}

/* Every counter of a denial, both tables. */
static void add_drops(struct rj *j, cJSON *root, const struct report_input *in)
{
	static const char prefix[] = "denied_";
	uint64_t packets = 0;

	if (!in->counters)
		return;
	for (size_t i = 0; i < in->n_counters; i++)
		if (strncmp(in->counters[i].name, prefix, strlen(prefix)) == 0)
			packets += in->counters[i].packets;
	rj_number(j, root, "denied_packets", (double)packets);
}

static void add_latency(struct rj *j, cJSON *root, const struct report_health *health)
{
	cJSON *latency = rj_add_object(j, root, "event_to_commit");

	rj_number(j, latency, "samples", (double)health->latency_n);
	rj_number(j, latency, "p50_us", (double)health->latency_p50_us);
	rj_number(j, latency, "p99_us", (double)health->latency_p99_us);
}

int report_status(const struct report_input *in, const struct report_health *health, cJSON **ret)
{
	struct rj j = { 0 };
	cJSON *root = rj_answer(&j), *docker = rj_add_object(&j, root, "docker");
	const char *mode = !in->policy			      ? NULL
			   : in->policy->mode == POLICY_AUDIT ? "audit"
							      : "enforce";

	rj_text(&j, docker, "link", health->docker);
	rj_text(&j, docker, "error", or_null(health->docker_error));
	rj_text(&j, root, "version", health->version);
	rj_text(&j, root, "mode", mode);
	rj_number(&j, root, "generation", (double)health->generation);
	rj_number(&j, root, "policy_generation", (double)health->policy_generation);
	rj_text(&j, root, "history_error", or_null(health->history_error));
	rj_text(&j, root, "policy", or_null(health->policy_path));
	rj_text(&j, root, "policy_error", or_null(health->policy_error));
	add_time(&j, root, "committed", health->committed_at);
	add_time(&j, root, "confirm_until", health->confirm_until);
	add_time(&j, root, "off_since", health->off_since);
	rj_number(&j, root, "drifts", (double)health->drifts);
	rj_bool(&j, root, "owns_tables", health->owns_tables);
	add_latency(&j, root, health);
	rj_bool(&j, root, "bridge_nf_ipv4", health->bridge_nf[0]);
	rj_bool(&j, root, "bridge_nf_ipv6", health->bridge_nf[1]);
	rj_bool(&j, root, "needs_bridge_nf", in->policy && in->compiled->needs_bridge_nf);
	if (in->policy) {
		rj_number(&j, root, "rules", (double)in->policy->n_rules);
		add_endpoint_counts(&j, root, in);
	}
	add_drops(&j, root, in);
	return rj_finish(&j, root, ret);
}

/* ---- a policy on a host ---- */

struct checking {
	const struct report_input *in;
	struct source_loc place; /* the host's facts */
	const struct source_loc *places;
	struct diag_list *diags;
	struct arena *scratch;
};

static struct source_loc place_of(const struct checking *c, size_t container)
{
	return c->places ? c->places[container] : c->place;
}

static void check_endpoint(const struct checking *c, size_t i)
{
	const struct policy *policy = c->in->policy;
	const struct assignment *as = &c->in->compiled->assignments[i];
	const struct world_endpoint *endpoint = &c->in->world->endpoints[i];
	const char *container = c->in->world->containers[endpoint->container].name;
	struct source_loc place = place_of(c, endpoint->container);
	const char *network = c->in->world->networks[endpoint->network].name;

	if (as->kind == ASSIGN_CONFLICT)
		diag_add(c->diags, DIAG_ERROR, as->match ? as->match->loc : place, "conflict",
			 "make one of the matches more exact: it is denied everything",
			 "`%s` on network `%s` is in tier `%s` and in tier `%s`", container,
			 network, policy->tiers[as->tier].name, policy->tiers[as->other_tier].name);
	if (as->kind == ASSIGN_CLASH)
		diag_add(c->diags, DIAG_ERROR, place, "address-clash",
			 "two endpoints cannot share one: both are denied everything",
			 "`%s` on network `%s` has an address that another endpoint has too",
			 container, network);
	if (as->kind == ASSIGN_UNMATCHED && policy->unmatched == POLICY_UNMATCHED_DENY)
		diag_add(c->diags, DIAG_WARNING, place, "unmatched-container",
			 "add a match to a tier: until then it is denied everything",
			 "no tier matches `%s` on network `%s`", container, network);
}

static int check_exposure(const struct survey *survey, const struct exposure *exposure,
			  void *userdata)
{
	const struct checking *c = userdata;
	const struct world_published *published = exposure->published;
	struct survey_end internet = { SURVEY_INTERNET, 0 };
	char addr[IP_TEXT_LEN], port[PORT_RANGE_TEXT_LEN];
	int open = exposure_ask(survey, 0, exposure, internet, c->scratch);

	if (open < 0 || !ip_is_unspecified(&published->host_ip))
		return open < 0 ? open : 0;
	if (open)
		diag_add(c->diags, DIAG_WARNING,
			 place_of(c, (size_t)(exposure->container - c->in->world->containers)),
			 "exposed-port", "publish on one address, or allow a narrower source",
			 "`%s` publishes %s on all addresses (%s, port %u), and the internet may "
			 "reach it",
			 exposure->container->name, port_range_format(&published->port, port),
			 ip_format(&published->host_ip, addr), published->host_port);
	return 0;
}

void report_check_world(const struct report_input *in, const char *source,
			const struct source_loc *places, struct diag_list *diags)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct checking c = { in, { .file = source }, places, diags, arena };
	struct survey survey;

	for (size_t i = 0; i < in->world->n_endpoints; i++)
		check_endpoint(&c, i);
	if (!arena || survey_init(&survey, &in, 1, arena) < 0 ||
	    exposure_walk(&survey, check_exposure, &c) < 0)
		diags->out_of_memory = true;
	diag_sort(diags);
}
