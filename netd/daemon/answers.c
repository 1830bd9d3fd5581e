/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control verbs: each reads what is in force and answers with a report, in a process of its own
 * (questions.h). Which socket may ask for what is decided by the verb table (core/wire) before a
 * request gets here. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/report/cut.h"
#include "core/world/world-store.h"
#include "daemon/answers.h"
#include "edge/base/clock.h"
#include "edge/journal/journal.h"

/* ---- reading ---- */

static int answer_table(const struct daemon *d, struct arena *arena,
			int (*make)(const struct report_input *, cJSON **), cJSON **ret)
{
	struct report_input in;
	cJSON *report = NULL;
	int r = answer_input(d, arena, &in);

	if (r == 0 && !in.policy)
		return answer_not_in_force(d, ret);
	if (r == 0)
		r = make(&in, &report);
	return r < 0 ? r : answer_report(WIRE_OK, report, ret);
}

static int answer_endpoints(struct daemon *d, const struct control_request *request,
			    struct arena *arena, cJSON **ret)
{
	(void)request;
	return answer_table(d, arena, report_endpoints, ret);
}

static int answer_rules(struct daemon *d, const struct control_request *request,
			struct arena *arena, cJSON **ret)
{
	(void)request;
	return answer_table(d, arena, report_rules, ret);
}

static int answer_ports(struct daemon *d, const struct control_request *request,
			struct arena *arena, cJSON **ret)
{
	(void)request;
	return answer_table(d, arena, report_ports, ret);
}

static int answer_matrix(struct daemon *d, const struct control_request *request,
			 struct arena *arena, cJSON **ret)
{
	(void)request;
	return answer_table(d, arena, report_matrix, ret);
}

static int answer_explain(struct daemon *d, const struct control_request *request,
			  struct arena *arena, cJSON **ret)
{
	struct report_question question = { wire_string(request->json, "from"),
					    wire_string(request->json, "to"),
					    wire_string(request->json, "port") };
	struct report_explained explained = { 0 };
	struct report_input in;

	if (!question.from || !question.to || !question.port)
		return answer_error(wire_new_error(WIRE_USAGE, "explain needs from, to and port"),
				    ret);
	int r = answer_input(d, arena, &in);
	if (r == 0 && !in.policy)
		return answer_not_in_force(d, ret);
	if (r == 0)
		r = report_explain(&in, &question, arena, &explained);
	if (r == REPORT_E_QUESTION)
		return answer_error(wire_new_error(WIRE_USAGE, "%s", explained.error), ret);
	if (r < 0)
		return r;
	return answer_report(explained.allowed ? WIRE_OK : WIRE_FINDING, explained.json, ret);
}

static void fill_docker(const struct daemon *d, struct arena *arena, struct report_health *health)
{
	static const char *const links[] = { [DOCKER_LINK_DOWN] = "down",
					     [DOCKER_LINK_CONNECTING] = "connecting",
					     [DOCKER_LINK_SYNCING] = "reading",
					     [DOCKER_LINK_UP] = "up" };

	health->docker = "inventory file";
	health->docker_state = REPORT_DOCKER_FILE;
	health->docker_error = "";
	if (!d->docker)
		return;
	struct docker_status status = docker_status(d->docker);
	health->docker =
		arena_printf(arena, "%s %s", status.is_foreign ? "refused" : links[status.link],
			     status.engine_version);
	health->docker_state = status.link == DOCKER_LINK_UP && !status.is_foreign
				       ? REPORT_DOCKER_UP
				       : REPORT_DOCKER_DOWN;
	health->docker_error = status.last_error;
	health->docker_server = status.server;
	if (!health->docker)
		health->docker = links[status.link];
}

/* Those that are new are mended in a moment. */
static int fill_disagreements(const struct daemon *d, struct arena *arena,
			      struct report_health *health)
{
	const char **texts = arena_alloc(arena, LIMIT_DOUBTS_LISTED * sizeof(*texts));

	for (size_t i = 0; texts && i < d->doubts.n; i++) {
		if (d->doubts.items[i].stage != DOUBT_SAID)
			continue;
		if (health->n_disagreements++ >= LIMIT_DOUBTS_LISTED)
			continue;
		texts[health->n_listed] = doubt_text(&d->doubts.items[i], arena);
		if (!texts[health->n_listed++])
			return -ENOMEM;
	}
	health->disagreements = texts;
	return texts ? 0 : -ENOMEM;
}

/* What the kernel holds, and whether that is what it should. */
static void fill_kernel(const struct daemon *d, struct report_health *health)
{
	const struct kernel_facts *kernel = d->questions.kernel;
	const struct fw_verified *verified = &kernel->verified;
	size_t n_tables = kernel->state.exists[RS_INET] + kernel->state.exists[RS_BRIDGE];
	bool differs = verified->n_drifts > 0;

	health->kernel = d->committed	   ? REPORT_KERNEL_COMMITTED
			 : d->floor	   ? REPORT_KERNEL_CLOSED
			 : d->plan.adopted ? REPORT_KERNEL_EARLIER
					   : REPORT_KERNEL_NOTHING;
	if (!d->committed && !d->floor)
		differs = n_tables != (d->plan.adopted ? 2 : 0);
	health->n_tables = n_tables;
	health->n_differences = verified->n_drifts;
	health->difference = verified->drifts.n ? verified->drifts.items[0].what : "";
	health->kernel_error = "";
	if (kernel->verify_error < 0) {
		health->kernel = REPORT_KERNEL_UNKNOWN;
		health->kernel_error = kernel->error.text;
	} else if (differs && kernel->is_last_look) {
		health->kernel = REPORT_KERNEL_UNKNOWN;
		health->kernel_error = "netd commits all the time";
	} else if (differs) {
		health->kernel = REPORT_KERNEL_DIFFERS;
	}
}

static void fill_origin(const struct daemon *d, struct report_health *health)
{
	const struct policy_set *set = d->committed ? d->committed->policy : NULL;

	health->policy_origin = set && !set->none ? set->origin : "";
	health->policy_differs = set && !set->none && set->digest != set->path_digest;
}

static int answer_status(struct daemon *d, const struct control_request *request,
			 struct arena *arena, cJSON **ret)
{
	const struct report_store store = members_store(&d->members);
	struct report_health health = { .generation = d->n_commits,
					.policy_generation = d->committed ? d->history.in_force : 0,
					.history_error = history_error(&d->history),
					.state_error = statefiles_failure(&d->state),
					.policy_path = d->options->policy,
					.policy_error = d->policy_error ? d->policy_error : "",
					.version = NETD_VERSION,
					.drifts = d->n_disturbed,
					.n_stalls = d->stalls.watch.stalls.n,
					.longest_stall_us = d->stalls.watch.stalls.longest_us,
					.longest_work_us = d->stalls.watch.stalls.longest_work_us,
					.n_read_again = d->stalls.n_read,
					.log_lost = log_lost(),
					.committed_at = d->committed_at,
					.off_since = d->plan.off ? d->off_since : 0,
					.confirm_until = d->previous ? d->confirm_until : 0,
					.latency_p50_us = latency_percentile(&d->latency, 50),
					.latency_p99_us = latency_percentile(&d->latency, 99),
					.latency_n = latency_count(&d->latency),
					.owns_tables = fw_owns_tables(d->fw),
					.fleet_hosts = d->members.n,
					.fleet_hosts_gone = d->members.n_gone,
					.store = &store };
	struct report_input in;
	char digest[HASH_TEXT_LEN];
	cJSON *report = NULL;

	(void)hash_format(d->wanted->digest, digest);
	health.policy_digest = digest;
	fill_origin(d, &health);
	(void)request;
	fill_docker(d, arena, &health);
	fill_kernel(d, &health);
	/* Where br_netfilter is not there, it is not on. */
	if (host_bridge_nf_get(IP_V4, &health.bridge_nf[0]) < 0 ||
	    host_bridge_nf_get(IP_V6, &health.bridge_nf[1]) < 0)
		health.bridge_nf[0] = health.bridge_nf[1] = false;
	else if (d->committed && d->committed->compiled.needs_bridge_nf && !d->bridge_nf_error)
		health.bridge_nf[0] = health.bridge_nf[1] = true; /* of the bridges that count */
	int r = fill_disagreements(d, arena, &health);
	if (r == 0 && first_contact_waits(d))
		r = world_store_snapshot(d->store, arena, &health.waits_for_policy);
	if (r == 0)
		r = answer_input(d, arena, &in);
	if (r == 0)
		r = report_status(&in, &health, &report);
	/* Whoever commits all the time is not compared, and nothing is wrong with that. */
	bool well =
		answer_is_well(d) &&
		(health.kernel == REPORT_KERNEL_COMMITTED ||
		 (health.kernel == REPORT_KERNEL_UNKNOWN && !d->questions.kernel->verify_error));
	return r < 0 ? r : answer_report(well ? WIRE_OK : WIRE_FINDING, report, ret);
}

/* @policies: in force, and the one that would be. */
static int plan(struct daemon *d, const struct policy *const policies[2], struct arena *arena,
		cJSON **ret)
{
	const struct world *world = d->committed ? d->committed->world : NULL;
	struct report_input in[2];
	char digest[HASH_TEXT_LEN];
	cJSON *report = NULL;
	bool changed = false;
	int r = world ? 0 : world_store_snapshot(d->store, arena, &world);

	if (r == 0)
		r = host_world(world, arena, &world);
	if (r == 0)
		r = report_prepare(policies, 2, world, clock_epoch_s(), arena, in);
	in[0].plain = d->wanted->none;
	if (r == 0)
		r = report_plan(&in[0], &in[1], &report, &changed);
	if (r == 0)
		r = report_cut(&in[0], &in[1], &d->questions.kernel->cut, report);
	(void)hash_format(d->wanted->digest, digest);
	if (r == 0)
		r = wire_add_string(report, "policy_digest", digest);
	if (r < 0)
		cJSON_Delete(report);
	return r < 0 ? r : answer_report(changed ? WIRE_FINDING : WIRE_OK, report, ret);
}

static int answer_plan(struct daemon *d, const struct control_request *request, struct arena *arena,
		       cJSON **ret)
{
	const struct policy *policies[2] = { d->wanted->policy, NULL };
	struct policy_source *sources = NULL;
	struct diag_list diags;
	size_t n = 0;
	int r = answer_read_files(request, arena, &sources, &n);

	if (r == -EINVAL)
		return answer_error(
			wire_new_error(WIRE_USAGE, "plan needs files with name and text"), ret);
	if (r == 0 && !d->committed && !(first_contact_waits(d) && d->plan.synced))
		return answer_not_in_force(d, ret);
	diag_init(&diags, arena);
	if (r == 0)
		r = policy_parse(sources, n, arena, &diags, &policies[1]);
	if (r == POLICY_E_INVALID)
		return answer_invalid(&diags, ret);
	return r < 0 ? r : plan(d, policies, arena, ret);
}

/* What policies are judged by, as `netdctl inventory` prints it. Who else is one of the fleet is no
 * fact about this host, and netd-fleet, which asks for this, has told it. */
static int answer_inventory(struct daemon *d, const struct control_request *request,
			    struct arena *arena, cJSON **ret)
{
	const struct world *world = d->committed ? d->committed->world : NULL;
	cJSON *report = NULL;
	int r = 0;

	(void)request;
	/* What was kept from before the boot is no inventory. */
	if (!d->read_facts)
		return answer_error(wire_new_error(WIRE_UNAVAILABLE,
						   "what this host runs is not known yet: netd "
						   "waits for Docker"),
				    ret);
	if (!world)
		r = world_store_snapshot(d->store, arena, &world);
	if (r == 0)
		r = host_world(world, arena, &world);
	struct world *own = r == 0 ? arena_dup(arena, world, sizeof(*world)) : NULL;
	if (!own)
		return r < 0 ? r : -ENOMEM;
	own->n_members = 0;
	CLEANUP(free_ptr) char *text = world_print_inventory(own);
	report = text ? cJSON_CreateObject() : NULL;
	r = report ? wire_add_number(report, "bytes", (double)strlen(text)) : -ENOMEM;
	/* Whoever asks could not do anything with more. */
	if (r == 0 && strlen(text) <= LIMIT_FLEET_INVENTORY)
		r = wire_add_string(report, "text", text);
	if (r < 0)
		cJSON_Delete(report);
	return r < 0 ? r : answer_report(WIRE_OK, report, ret);
}

static const struct answer answers[] = {
	/* verb, what it asks the kernel, beside the loop, in it, lane, a finding counts only if
	   nothing was committed, what is told netd alone, and when there is no result */
	{ "status", kernel_ask_all, answer_status, NULL, LANE_SHORT, true, NULL, NULL },
	{ "metrics", answer_ask_metrics, answer_metrics, NULL, LANE_SHORT, false, NULL, NULL },
	{ "endpoints", kernel_ask_counters, answer_endpoints, NULL, LANE_SHORT, false, NULL, NULL },
	{ "rules", kernel_ask_counters, answer_rules, NULL, LANE_SHORT, false, NULL, NULL },
	{ "ports", kernel_ask_counters, answer_ports, NULL, LANE_SHORT, false, NULL, NULL },
	{ "explain", kernel_ask_counters, answer_explain, NULL, LANE_SHORT, false, NULL, NULL },
	{ "inventory", NULL, answer_inventory, NULL, LANE_LONG, false, NULL, NULL },
	{ "flows", NULL, answer_flows, NULL, LANE_LONG, false, NULL, NULL },
	{ "top", kernel_ask_counters, answer_top, NULL, LANE_LONG, false, NULL, NULL },
	{ "history", NULL, answer_history, NULL, LANE_SHORT, false, NULL, NULL },
	{ "matrix", kernel_ask_counters, answer_matrix, NULL, LANE_LONG, false, NULL, NULL },
	{ "plan", kernel_ask_connections, answer_plan, NULL, LANE_LONG, false, NULL, NULL },
	{ "verify", kernel_ask_objects, answer_verify, NULL, LANE_LONG, true, NULL, NULL },
	{ "apply", NULL, answer_apply_check, answer_apply, LANE_CHANGE, false, NULL, NULL },
	{ "rollback", NULL, answer_rollback_check, answer_rollback, LANE_CHANGE, false, NULL,
	  NULL },
	{ "confirm", NULL, answer_confirm_check, answer_confirm, LANE_CHANGE, false, NULL, NULL },
	{ "reload", NULL, answer_reload_check, answer_reload, LANE_CHANGE, false,
	  answer_reload_found, NULL },
	{ "stage", NULL, answer_stage_check, answer_stage, LANE_CHANGE, false, NULL, NULL },
	{ "hosts", NULL, NULL, answer_hosts, LANE_NONE, false, NULL, NULL },
	{ "off", NULL, NULL, answer_off, LANE_CHANGE, false, NULL, NULL },
};

int answers_handle(const struct control_request *request, void *userdata, cJSON **ret)
{
	*ret = NULL;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		if (strcmp(request->verb->name, answers[i].verb) != 0)
			continue;
		if (answers[i].lane == LANE_CHANGE)
			log_info(LOG_ID_ADMIN_REQUEST, "%s asked for by uid %u, pid %d",
				 request->verb->name, request->peer.uid, (int)request->peer.pid);
		return questions_ask(userdata, &answers[i], request);
	}
	return answer_error(wire_new_error(WIRE_USAGE,
					   "netd does not answer `%s`: netdctl does so itself",
					   request->verb->name),
			    ret);
}
