/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The health of the daemon. */
#include <string.h>

#include "core/base/limits.h"
#include "core/policy/until.h"
#include "core/report/flaw.h"
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
	size_t counts[ASSIGN_UNMANAGED + 1] = { 0 }, closed = 0, beyond = 0;
	cJSON *tiers = rj_add_array(j, root, "tiers"), *others = NULL;

	for (size_t i = 0; i < in->world->n_endpoints; i++) {
		const struct assignment *as = &in->compiled->assignments[i];
		counts[as->kind]++;
		closed += as->kind == ASSIGN_TIER && !compile_is_admitted(as);
		beyond += compile_is_beyond(as);
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
	rj_number(j, others, "not-enforced", (double)beyond);
}

/* Packets by reason: of those that were dropped, and of those that were only audited. */
struct denial_counts {
	uint64_t of[2][REASON_COUNT];
};

static void count_denials(const struct report_input *in, struct denial_counts *ret)
{
	*ret = (struct denial_counts){ 0 };
	for (size_t i = 0; i < in->compiled->n_denials; i++) {
		const struct compile_denial *denial = &in->compiled->denials[i];
		const char *table = rs_family_name(denial->family);
		const struct report_counter *counter =
			report_find_counter(in, table, denial->counter);
		if (counter)
			ret->of[denial->audited][denial->reason] += counter->packets;
	}
}

/* What nobody misses is apart, and not part of the sum. */
static void add_drops(struct rj *j, cJSON *root, const struct report_input *in)
{
	static const char *const names[] = { "denied", "audited" }, *const sums[] = {
		"denied_packets", "audited_packets"
	};
	struct denial_counts denials;

	if (!in->counters || !in->policy)
		return;
	count_denials(in, &denials);
	cJSON *quiet = rj_add_object(j, root, "quiet");
	for (size_t audited = 0; audited < 2; audited++) {
		cJSON *object = rj_add_object(j, root, names[audited]);
		uint64_t sum = 0;
		for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
			enum reason reason = (enum reason)i;
			uint64_t packets = denials.of[audited][reason];
			if (reason_is_quiet(reason) && packets)
				rj_number(j, quiet, reason_word(reason), (double)packets);
			if (reason_is_quiet(reason) || !packets)
				continue;
			rj_number(j, object, reason_word(reason), (double)packets);
			sum += packets;
		}
		rj_number(j, root, sums[audited], (double)sum);
	}
}

/* The first of them by name; a number says how many there are. */
static void add_flaws(struct rj *j, cJSON *root, const struct world *world)
{
	cJSON *list = rj_add_array(j, root, "flaws");
	struct report_flaw flaw;
	size_t n = 0;

	for (size_t cursor = 0; world && report_next_flaw(world, &cursor, &flaw); n++) {
		if (n >= LIMIT_FLAWS)
			continue;
		cJSON *object = rj_push_object(j, list);
		rj_text(j, object, "kind", flaw.kind);
		rj_text(j, object, "name", flaw.name);
		rj_text(j, object, "id", flaw.id);
		rj_text(j, object, "text", flaw.text);
		rj_number(j, object, "n", (double)flaw.n);
	}
	rj_number(j, root, "n_flaws", (double)n);
}

static void add_latency(struct rj *j, cJSON *root, const struct report_health *health)
{
	cJSON *latency = rj_add_object(j, root, "event_to_commit");

	rj_number(j, latency, "samples", (double)health->latency_n);
	rj_number(j, latency, "p50_us", (double)health->latency_p50_us);
	rj_number(j, latency, "p99_us", (double)health->latency_p99_us);
}

static void add_stalls(struct rj *j, cJSON *root, const struct report_health *health)
{
	cJSON *stalls = rj_add_object(j, root, "stalls");

	rj_number(j, stalls, "count", (double)health->n_stalls);
	rj_number(j, stalls, "longest_us", (double)health->longest_stall_us);
	rj_number(j, stalls, "longest_work_us", (double)health->longest_work_us);
	rj_number(j, stalls, "read_again", (double)health->n_read_again);
}

static void add_disagreements(struct rj *j, cJSON *root, const struct report_health *health)
{
	cJSON *list = rj_add_array(j, root, "disagreements");

	for (size_t i = 0; i < health->n_listed; i++)
		rj_text(j, rj_push_object(j, list), "text", health->disagreements[i]);
	rj_number(j, root, "n_disagreements", (double)health->n_disagreements);
}

/* Those about which there is more to say than that a network is on them. */
static void add_bridges(struct rj *j, cJSON *root, const struct world *world)
{
	cJSON *list = rj_add_array(j, root, "bridges");

	for (size_t i = 0; world && i < world->n_bridges; i++) {
		const struct world_bridge *bridge = &world->bridges[i];
		if (bridge->kind == WORLD_BRIDGE_MANAGED && !bridge->shared)
			continue;
		cJSON *object = rj_push_object(j, list);
		rj_text(j, object, "name", bridge->name);
		rj_text(j, object, "whose", world_bridge_kind_name(bridge->kind));
		rj_bool(j, object, "closed", world_bridge_is_closed(bridge));
		rj_bool(j, object, "shared", bridge->shared);
	}
}

/* Bound to loopback: this host reaches it, and does so under every policy. */
static bool would_close(const struct world_published *published)
{
	return !ip_is_loopback(&published->host_ip);
}

/* All that a first policy does not allow. */
static void add_waiting(struct rj *j, cJSON *root, const struct world *world)
{
	cJSON *waits = world ? rj_add_object(j, root, "waits_for_policy") : NULL;
	cJSON *list = world ? rj_add_array(j, waits, "published") : NULL;
	size_t n_ports = 0, n_networks = 0;

	for (size_t i = 0; world && i < world->n_networks; i++)
		n_networks += *world->networks[i].bridge != '\0';
	for (size_t c = 0; world && c < world->n_containers; c++) {
		const struct world_container *container = &world->containers[c];
		for (size_t p = 0; p < container->n_published; p++) {
			const struct world_published *published = &container->published[p];
			if (!would_close(published) || n_ports++ >= LIMIT_STATUS_PORTS)
				continue;
			cJSON *object = rj_push_object(j, list);
			char text[PORT_RANGE_TEXT_LEN];
			rj_text(j, object, "container", container->name);
			report_add_addr(j, object, "host_ip", &published->host_ip);
			rj_number(j, object, "host_port", published->host_port);
			rj_text(j, object, "port", port_range_format(&published->port, text));
		}
	}
	if (!world)
		return;
	rj_number(j, waits, "n_published", (double)n_ports);
	rj_number(j, waits, "endpoints", (double)world->n_endpoints);
	rj_number(j, waits, "networks", (double)n_networks);
}

static void add_kernel(struct rj *j, cJSON *root, const struct report_health *health)
{
	static const char *const holds[] = {
		[REPORT_KERNEL_COMMITTED] = "committed", [REPORT_KERNEL_CLOSED] = "closed-base",
		[REPORT_KERNEL_EARLIER] = "earlier-run", [REPORT_KERNEL_NOTHING] = "nothing",
		[REPORT_KERNEL_DIFFERS] = "differs",	 [REPORT_KERNEL_UNKNOWN] = "unknown",
	};

	if (health->kernel == REPORT_KERNEL_UNASKED)
		return;
	cJSON *kernel = rj_add_object(j, root, "kernel");
	rj_text(j, kernel, "holds", holds[health->kernel]);
	rj_number(j, kernel, "tables", (double)health->n_tables);
	rj_number(j, kernel, "differences", (double)health->n_differences);
	rj_text(j, kernel, "first", or_null(health->difference));
	rj_text(j, kernel, "error", or_null(health->kernel_error));
}

/* A host on its own has none of it. */
static void add_fleet(struct rj *j, cJSON *root, const struct report_health *health)
{
	const struct report_store *store = health->store;

	if (!store || (!store->told && !health->fleet_hosts))
		return;
	cJSON *fleet = rj_add_object(j, root, "fleet");
	rj_number(j, fleet, "hosts", (double)health->fleet_hosts);
	rj_number(j, fleet, "gone", (double)health->fleet_hosts_gone);
	if (!store->told)
		return;
	rj_number(j, fleet, "revision", (double)store->revision);
	rj_text(j, fleet, "policy", or_null(store->state));
	rj_bool(j, fleet, "followed", store->is_followed);
	rj_bool(j, fleet, "silent", store->is_silent);
	add_time(j, fleet, "heard", store->heard);
	add_time(j, fleet, "told", store->told);
}

static const char *const docker_states[] = {
	[REPORT_DOCKER_DOWN] = "down",
	[REPORT_DOCKER_UP] = "up",
	[REPORT_DOCKER_FILE] = "file",
};

int report_status(const struct report_input *in, const struct report_health *health, cJSON **ret)
{
	struct rj j = { 0 };
	cJSON *root = rj_answer(&j), *docker = rj_add_object(&j, root, "docker");
	const char *mode = !in->policy			      ? NULL
			   : in->policy->mode == POLICY_AUDIT ? "audit"
							      : "enforce";

	rj_text(&j, docker, "state", docker_states[health->docker_state]);
	rj_text(&j, docker, "link", health->docker);
	rj_text(&j, docker, "server", health->docker_server);
	rj_text(&j, docker, "error", or_null(health->docker_error));
	rj_text(&j, root, "version", health->version);
	rj_text(&j, root, "mode", mode);
	add_kernel(&j, root, health);
	add_waiting(&j, root, health->waits_for_policy);
	rj_number(&j, root, "generation", (double)health->generation);
	rj_number(&j, root, "policy_generation", (double)health->policy_generation);
	rj_text(&j, root, "history_error", or_null(health->history_error));
	rj_text(&j, root, "state_error", or_null(health->state_error));
	rj_text(&j, root, "policy", or_null(health->policy_path));
	rj_text(&j, root, "policy_origin", or_null(health->policy_origin));
	rj_text(&j, root, "policy_digest", health->policy_digest);
	rj_bool(&j, root, "policy_differs", health->policy_differs);
	rj_text(&j, root, "policy_error", or_null(health->policy_error));
	add_time(&j, root, "committed", health->committed_at);
	add_time(&j, root, "confirm_until", health->confirm_until);
	add_time(&j, root, "off_since", health->off_since);
	rj_number(&j, root, "drifts", (double)health->drifts);
	add_stalls(&j, root, health);
	rj_number(&j, root, "log_lost", (double)health->log_lost);
	rj_bool(&j, root, "owns_tables", health->owns_tables);
	add_latency(&j, root, health);
	rj_bool(&j, root, "bridge_nf_ipv4", health->bridge_nf[0]);
	rj_bool(&j, root, "bridge_nf_ipv6", health->bridge_nf[1]);
	rj_bool(&j, root, "needs_bridge_nf", in->policy && in->compiled->needs_bridge_nf);
	if (in->policy) {
		rj_number(&j, root, "rules", (double)in->policy->n_rules);
		add_endpoint_counts(&j, root, in);
	}
	add_disagreements(&j, root, health);
	add_drops(&j, root, in);
	add_flaws(&j, root, in->world);
	add_bridges(&j, root, in->world);
	add_fleet(&j, root, health);
	return rj_finish(&j, root, ret);
}
