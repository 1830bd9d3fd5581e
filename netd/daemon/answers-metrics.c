/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb `metrics`: what the daemon knows, as numbers. Of the kernel it asks the counters alone:
 * comparing all objects is for `verify`, not for every fifteen seconds. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/metrics/metrics.h"
#include "daemon/answers.h"
#include "edge/journal/journal.h"

/* netd's own figures, not those of the child that asks. */
int answer_ask_metrics(struct daemon *d, struct arena *arena, struct kernel_facts *ret)
{
	if (host_process(getppid(), &ret->process) < 0)
		ret->process = (struct host_process){ 0 };
	return kernel_ask_counters(d, arena, ret);
}

static enum metrics_mode mode_of(const struct daemon *d)
{
	if (d->plan.off && !first_contact_waits(d))
		return METRICS_OFF;
	if (!d->committed || d->committed->policy->none)
		return METRICS_NO_POLICY;
	return d->committed->policy->policy->mode == POLICY_AUDIT ? METRICS_AUDIT : METRICS_ENFORCE;
}

static enum metrics_link link_of(const struct docker_status *status)
{
	static const enum metrics_link links[] = {
		[DOCKER_LINK_DOWN] = METRICS_LINK_DOWN,
		[DOCKER_LINK_CONNECTING] = METRICS_LINK_CONNECTING,
		[DOCKER_LINK_SYNCING] = METRICS_LINK_READING,
		[DOCKER_LINK_UP] = METRICS_LINK_UP,
	};

	return status->is_foreign ? METRICS_LINK_REFUSED : links[status->link];
}

static uint64_t after_epoch(int64_t seconds)
{
	return seconds > 0 ? (uint64_t)seconds : 0;
}

static uint64_t count_disagreements(const struct doubts *doubts)
{
	uint64_t n = 0;

	for (size_t i = 0; i < doubts->n; i++)
		n += doubts->items[i].stage == DOUBT_SAID;
	return n;
}

static void fill_policy(const struct daemon *d, struct metrics_facts *ret)
{
	const struct policy_set *set = d->committed ? d->committed->policy : NULL;

	ret->mode = mode_of(d);
	ret->in_force = answer_is_well(d);
	ret->policy_error = d->policy_error != NULL;
	if (!set || set->none)
		return;
	ret->policy_differs = set->digest != set->path_digest;
	ret->policy_generation = d->history.in_force;
	ret->policy_taken = after_epoch(set->taken_at);
}

static void fill_flows(const struct flows *flows, struct metrics_facts *ret)
{
	if (!flows->store)
		return;
	struct flow_counts counts = flow_store_counts(flows->store);
	ret->flows = counts.kept;
	ret->flows_pushed_out = counts.pushed_out;
	ret->flow_events_lost = flows->lost_events;
}

static void fill(const struct daemon *d, struct metrics_facts *ret)
{
	const struct host_process *process = &d->questions.kernel->process;
	const struct loop_stalls *stalls = &d->stalls.watch.stalls;

	*ret = (struct metrics_facts){
		.link = METRICS_LINK_FILE,
		.owns_tables = fw_owns_tables(d->fw),
		.committed = after_epoch(d->committed_at),
		.confirm_until = d->previous ? after_epoch(d->confirm_until) : 0,
		.commits = d->n_commits,
		.failures = d->n_failures,
		.retry_us = d->plan.backoff_us,
		.given_up = d->n_given_up,
		.drifts = d->n_disturbed,
		.disagreements = count_disagreements(&d->doubts),
		.stalls = stalls->n,
		.longest_stall_us = stalls->longest_us,
		.stall_readings = d->stalls.n_read,
		.log_lost = log_lost(),
		.fleet_hosts = d->members.n,
		.fleet_hosts_gone = d->members.n_gone,
		.fleet_followed = members_store(&d->members).is_followed,
		.fleet_revision = after_epoch(d->members.store.revision),
		.fleet_heard = after_epoch(d->members.store.heard),
		.fleet_told = after_epoch(d->members.store.told),
		.logged_lost = d->denials.n_lost,
		.started = after_epoch(process->started),
		.resident_bytes = process->resident_bytes,
		.cpu_us = process->cpu_us,
	};
	fill_policy(d, ret);
	fill_flows(&d->flows, ret);
	if (!d->docker)
		return;
	struct docker_status status = docker_status(d->docker);
	ret->link = link_of(&status);
	ret->docker_events = status.n_events;
	ret->docker_readings = status.n_syncs;
}

static enum metrics_form form_of(const struct control_request *request)
{
	const char *form = wire_string(request->json, "form");

	return form && strcmp(form, "openmetrics") == 0 ? METRICS_OPENMETRICS : METRICS_TEXT;
}

static int make_report(const struct text *text, enum metrics_form form, cJSON **ret)
{
	cJSON *report = cJSON_CreateObject();
	int r = report ? wire_add_number(report, "v", REPORT_VERSION) : -ENOMEM;

	if (r == 0)
		r = wire_add_string(report, "content_type",
				    form == METRICS_OPENMETRICS ? METRICS_TYPE_OPENMETRICS
								: METRICS_TYPE_TEXT);
	if (r == 0)
		r = wire_add_string(report, "text", text_str(text));
	if (r == 0)
		return answer_report(WIRE_OK, report, ret);
	cJSON_Delete(report);
	return r;
}

int answer_metrics(struct daemon *d, const struct control_request *request, struct arena *arena,
		   cJSON **ret)
{
	CLEANUP(text_done) struct text text = { 0 };
	enum metrics_form form = form_of(request);
	struct metrics_facts facts;
	struct report_input in;
	int r = answer_input(d, arena, &in);

	if (r < 0)
		return r;
	fill(d, &facts);
	const struct metrics_input input = { .in = &in,
					     .facts = &facts,
					     .event_to_commit = &d->latency.histogram,
					     .pairs = &d->denials.pairs,
					     .connections = &d->flows.passed,
					     .version = NETD_VERSION };
	metrics_print(&input, form, &text);
	return text_failed(&text) ? -ENOMEM : make_report(&text, form, ret);
}
