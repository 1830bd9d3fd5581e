/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control verbs: each reads what is in force, or asks for a change, and answers with a report.
 * Which socket may ask for what is decided by the verb table (core/wire) before a request gets
 * here. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/report/report.h"
#include "daemon/daemon.h"
#include "edge/journal/journal.h"
#include "edge/loop/loop.h"

typedef int answer_fn(struct daemon *d, const struct control_request *request, struct arena *arena,
		      cJSON **ret);

/* {"v":1,"code":…,"report":…}. Takes @report. */
static int answer_report(enum wire_code code, cJSON *report, cJSON **ret)
{
	cJSON *answer = wire_new_answer(code);

	if (!answer) {
		cJSON_Delete(report);
		return -ENOMEM;
	}
	int r = wire_add(answer, "report", report);
	if (r < 0) {
		cJSON_Delete(answer);
		return r;
	}
	*ret = answer;
	return 0;
}

static int answer_error(cJSON *error, cJSON **ret)
{
	*ret = error;
	return error ? 0 : -ENOMEM;
}

/* ---- reading ---- */

static int by_name(const void *left, const void *right)
{
	const struct report_counter *a = left, *b = right;
	int names = strcmp(a->name, b->name);

	return names ? names : strcmp(a->table, b->table);
}

static int read_counters(struct daemon *d, struct arena *arena, struct report_input *in)
{
	struct fw_counters read = { 0 };
	struct fw_error error = { 0 };

	if (fw_counters(d->fw, arena, &read, &error) < 0)
		return 0; /* the report says that none were read */
	size_t n = read.counters.n;
	struct report_counter *counters = arena_alloc(arena, n * sizeof(*counters));
	if (!counters)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct fw_counter *counter = &read.counters.items[i];
		counters[i] =
			(struct report_counter){ counter->family == RS_BRIDGE ? "bridge" : "inet",
						 counter->name, counter->packets, counter->bytes };
	}
	if (n)
		qsort(counters, n, sizeof(*counters), by_name);
	in->counters = counters;
	in->n_counters = n;
	return 0;
}

static int input_in_force(struct daemon *d, struct arena *arena, struct report_input *ret)
{
	const struct generation *generation = d->committed;

	*ret = (struct report_input){ .now = daemon_now_epoch() };
	if (!generation)
		return 0;
	ret->policy = generation->policy->policy;
	ret->world = generation->world;
	ret->compiled = &generation->compiled;
	return read_counters(d, arena, ret);
}

static int answer_table(struct daemon *d, struct arena *arena,
			int (*make)(const struct report_input *, cJSON **), cJSON **ret)
{
	struct report_input in;
	cJSON *report = NULL;
	int r = input_in_force(d, arena, &in);

	if (r == 0 && !in.policy)
		return answer_error(
			wire_new_error(WIRE_UNAVAILABLE,
				       "no policy is in force yet: netd waits for Docker"),
			ret);
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
	int r = input_in_force(d, arena, &in);
	if (r == 0 && !in.policy)
		return answer_error(wire_new_error(WIRE_UNAVAILABLE, "no policy is in force yet"),
				    ret);
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
	health->docker_error = "";
	if (!d->docker)
		return;
	struct docker_status status = docker_status(d->docker);
	health->docker = arena_printf(arena, "%s %s", links[status.link], status.engine_version);
	health->docker_error = status.last_error;
	if (!health->docker)
		health->docker = links[status.link];
}

static int answer_status(struct daemon *d, const struct control_request *request,
			 struct arena *arena, cJSON **ret)
{
	struct report_health health = { .generation = d->n_commits,
					.policy_path = d->options->policy,
					.policy_error = d->policy_error ? d->policy_error : "",
					.version = NETD_VERSION,
					.drifts = d->n_disturbed,
					.committed_at = d->committed_at,
					.confirm_until = d->previous ? d->confirm_until : 0,
					.latency_p50_us = latency_percentile(&d->latency, 50),
					.latency_p99_us = latency_percentile(&d->latency, 99),
					.latency_n = latency_count(&d->latency),
					.owns_tables = fw_owns_tables(d->fw) };
	struct report_input in;
	cJSON *report = NULL;

	(void)request;
	fill_docker(d, arena, &health);
	/* Where br_netfilter is not there, it is not on. */
	if (host_bridge_nf_get(IP_V4, &health.bridge_nf[0]) < 0 ||
	    host_bridge_nf_get(IP_V6, &health.bridge_nf[1]) < 0)
		health.bridge_nf[0] = health.bridge_nf[1] = false;
	int r = input_in_force(d, arena, &in);
	if (r == 0)
		r = report_status(&in, &health, &report);
	return r < 0 ? r : answer_report(WIRE_OK, report, ret);
}

/* ---- changing ---- */

static int answer_invalid(const struct diag_list *diags, cJSON **ret)
{
	cJSON *list = NULL, *answer = wire_new_error(WIRE_INVALID, "the policy is not valid: "
								   "nothing was changed");
	int r = answer ? report_diagnostics(diags, &list) : -ENOMEM;

	if (r == 0)
		r = wire_add(answer, "diagnostics", list);
	if (r < 0) {
		cJSON_Delete(answer);
		return r;
	}
	*ret = answer;
	return 0;
}

static int read_files(const struct control_request *request, struct arena *arena,
		      struct policy_source **ret, size_t *ret_n)
{
	const cJSON *files = wire_array(request->json, "files"), *file;
	int n = files ? cJSON_GetArraySize(files) : 0;
	struct policy_source *sources = arena_alloc(arena, (size_t)n * sizeof(*sources));
	size_t i = 0;

	if (!sources)
		return -ENOMEM;
	if (n == 0 || (size_t)n > LIMIT_POLICY_FILES)
		return -EINVAL;
	cJSON_ArrayForEach(file, files) {
		const char *name = wire_string(file, "name"), *text = wire_string(file, "text");
		if (!name || !text)
			return -EINVAL;
		sources[i++] = (struct policy_source){ name, text, strlen(text) };
	}
	*ret = sources;
	*ret_n = i;
	return 0;
}

/* What the policy says of itself must hold before it is let loose on the host. */
static int run_tests(struct daemon *d, const struct policy *policy, struct arena *arena,
		     cJSON **ret_report)
{
	struct report_input in;
	size_t failed = 0;

	(void)d;
	int r = report_prepare(&policy, 1, NULL, daemon_now_epoch(), arena, &in);
	if (r == 0)
		r = report_test(&in, ret_report, &failed);
	return r < 0 ? r : failed > 0;
}

static int check_applied(struct daemon *d, const struct policy_source *sources, size_t n,
			 struct arena *arena, cJSON **ret)
{
	const struct policy *policy = NULL;
	struct diag_list diags;
	cJSON *report = NULL;

	diag_init(&diags, arena);
	int r = policy_parse(sources, n, arena, &diags, &policy);
	if (r == POLICY_E_INVALID)
		r = answer_invalid(&diags, ret);
	else if (r == 0)
		r = run_tests(d, policy, arena, &report);
	if (r == 1) {
		r = answer_report(WIRE_FINDING, report, ret);
		return r < 0 ? r : 0;
	}
	cJSON_Delete(report);
	return r;
}

/* Takes effect before the answer: the caller may rely on it. */
static int commit_now(struct daemon *d, struct arena *arena, cJSON **ret)
{
	uint64_t failures = d->n_failures;
	cJSON *report = cJSON_CreateObject();
	int r = reconcile_run(d);

	(void)arena;
	if (r < 0 || !report) {
		cJSON_Delete(report);
		return r < 0 ? r : -ENOMEM;
	}
	if (d->n_failures > failures) {
		cJSON_Delete(report);
		return answer_error(
			wire_new_error(WIRE_INTERNAL,
				       "the policy is valid, but the kernel refused it: "
				       "%s; the rules before it stay, netd tries again",
				       d->last_error.text),
			ret);
	}
	r = wire_add_number(report, "generation", (double)d->n_commits);
	if (r == 0)
		r = wire_add_bool(report, "confirm_pending", d->previous != NULL);
	if (r < 0) {
		cJSON_Delete(report);
		return r;
	}
	return answer_report(WIRE_OK, report, ret);
}

static void log_admin(const struct control_request *request)
{
	log_info(LOG_ID_ADMIN_REQUEST, "%s asked for by uid %u, pid %d", request->verb->name,
		 request->peer.uid, (int)request->peer.pid);
}

/* An apply that waits for confirm already keeps the policy to go back to. */
static int arm_confirm(struct daemon *d, struct policy_set *before, double seconds)
{
	if (seconds <= 0) {
		struct policy_set *previous = TAKE_PTR(d->previous);
		policy_forget(d, previous);
		return loop_disarm(d->confirm);
	}
	if (!d->previous)
		d->previous = before;
	d->confirm_until = daemon_now_epoch() + (int64_t)seconds;
	return loop_arm(d->confirm, (uint64_t)(seconds * 1000000));
}

static int answer_apply(struct daemon *d, const struct control_request *request,
			struct arena *arena, cJSON **ret)
{
	/* A day: a confirm that comes later than that was not waited for. */
	const double longest_confirm_s = 86400;
	double confirm_s = wire_number(request->json, "confirm_s", 0);
	struct policy_set *before = d->wanted;
	struct policy_source *sources = NULL;
	struct diag_list diags;
	char origin[64];
	size_t n = 0;

	log_admin(request);
	int r = read_files(request, arena, &sources, &n);
	if (r == -EINVAL || !(confirm_s >= 0 && confirm_s <= longest_confirm_s))
		return answer_error(wire_new_error(WIRE_USAGE, "apply needs files with name and "
							       "text; confirm_s is 1 to 86400"),
				    ret);
	if (r == 0)
		r = check_applied(d, sources, n, arena, ret);
	if (r < 0 || *ret)
		return r;
	/* Kept from being forgotten while the new one takes its place. */
	struct policy_set *kept = d->previous;
	d->previous = kept ? kept : before;
	(void)snprintf(origin, sizeof(origin), "apply by uid %u", request->peer.uid);
	diag_init(&diags, arena);
	r = policy_take(d, sources, n, origin, &diags);
	d->previous = kept;
	if (r != 0)
		return r < 0 ? r : -EINVAL;
	r = arm_confirm(d, before, confirm_s);
	policy_forget(d, before);
	return r < 0 ? r : commit_now(d, arena, ret);
}

static int answer_confirm(struct daemon *d, const struct control_request *request,
			  struct arena *arena, cJSON **ret)
{
	log_admin(request);
	if (!d->previous)
		return answer_error(wire_new_error(WIRE_FINDING, "nothing waits for confirmation"),
				    ret);
	int r = arm_confirm(d, NULL, 0);
	return r < 0 ? r : commit_now(d, arena, ret);
}

static int answer_reload(struct daemon *d, const struct control_request *request,
			 struct arena *arena, cJSON **ret)
{
	log_admin(request);
	int r = policy_reload(d);
	if (r == POLICY_E_INVALID)
		return answer_error(wire_new_error(WIRE_INVALID, "%s: the policy in force stays",
						   d->policy_error),
				    ret);
	return r < 0 ? r : commit_now(d, arena, ret);
}

static int answer_plan(struct daemon *d, const struct control_request *request, struct arena *arena,
		       cJSON **ret)
{
	struct report_input in[2];
	struct policy_source *sources = NULL;
	const struct policy *policies[2] = { d->wanted->policy, NULL };
	struct diag_list diags;
	cJSON *report = NULL;
	bool changed = false;
	size_t n = 0;
	int r = read_files(request, arena, &sources, &n);

	if (r == -EINVAL || !d->committed)
		return answer_error(wire_new_error(WIRE_USAGE,
						   "plan needs files with name and text, and a "
						   "policy in force"),
				    ret);
	diag_init(&diags, arena);
	if (r == 0)
		r = policy_parse(sources, n, arena, &diags, &policies[1]);
	if (r == POLICY_E_INVALID)
		return answer_invalid(&diags, ret);
	if (r == 0)
		r = report_prepare(policies, 2, d->committed->world, daemon_now_epoch(), arena, in);
	if (r == 0)
		r = report_plan(&in[0], &in[1], &report, &changed);
	return r < 0 ? r : answer_report(changed ? WIRE_FINDING : WIRE_OK, report, ret);
}

static const struct {
	const char *verb;
	answer_fn *answer;
} answers[] = {
	{ "status", answer_status },   { "endpoints", answer_endpoints },
	{ "rules", answer_rules },     { "ports", answer_ports },
	{ "explain", answer_explain }, { "matrix", answer_matrix },
	{ "plan", answer_plan },       { "apply", answer_apply },
	{ "confirm", answer_confirm }, { "reload", answer_reload },
};

int answers_handle(const struct control_request *request, void *userdata, cJSON **ret)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();

	*ret = NULL;
	if (!arena)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		if (strcmp(request->verb->name, answers[i].verb) == 0)
			return answers[i].answer(userdata, request, arena, ret);
	return answer_error(wire_new_error(WIRE_USAGE, "netd does not answer `%s`: netdctl does",
					   request->verb->name),
			    ret);
}
