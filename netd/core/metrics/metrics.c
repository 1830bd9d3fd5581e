/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The families, in the order in which they are printed. What is a single number is a row of the
 * table; the others have a function each. */
#include "core/metrics/metrics.h"

#include <stdio.h>
#include <string.h>

#include "core/metrics/exposition.h"
#include "core/report/flaw.h"

#define LABELS(...) (&(struct exposition_labels){ { __VA_ARGS__ } })

/* ---- single numbers ---- */

static const struct {
	const char *name, *help;
	size_t offset; /* in struct metrics_facts */
	enum exposition_type type;
	bool is_time; /* the fact is in microseconds */
} scalars[] = {
#define GAUGE(name, fact, help)                                                                   \
	{                                                                                         \
		"netd_" name, help, offsetof(struct metrics_facts, fact), EXPOSITION_GAUGE, false \
	}
#define GAUGE_US(name, fact, help)                                                               \
	{                                                                                        \
		"netd_" name, help, offsetof(struct metrics_facts, fact), EXPOSITION_GAUGE, true \
	}
#define COUNTER(name, fact, help)                                                             \
	{                                                                                     \
		"netd_" name, help, offsetof(struct metrics_facts, fact), EXPOSITION_COUNTER, \
			false                                                                 \
	}
#define COUNTER_US(name, fact, help)                                                               \
	{                                                                                          \
		"netd_" name, help, offsetof(struct metrics_facts, fact), EXPOSITION_COUNTER, true \
	}
	GAUGE("policy_in_force", in_force,
	      "Whether the policy that was asked for is in force (1), or another one or none (0)."),
	GAUGE("policy_error", policy_error,
	      "Whether the policy files cannot be taken: another policy stays in force."),
	GAUGE("policy_differs", policy_differs,
	      "Whether the policy in force is another one than the files held when they last "
	      "counted, after an apply or a rollback."),
	GAUGE("policy_generation", policy_generation,
	      "Number of the policy in force, as in the history; 0: it has none."),
	GAUGE("policy_taken_timestamp_seconds", policy_taken,
	      "When the policy in force was taken; 0: none is."),
	GAUGE("confirm_until_timestamp_seconds", confirm_until,
	      "When the policy of before comes back unless the change is confirmed; 0: nothing "
	      "waits."),
	GAUGE("tables_owned", owns_tables,
	      "Whether the kernel keeps other processes from changing netd's tables."),
	GAUGE("committed_timestamp_seconds", committed,
	      "When rules were last written to the kernel; 0: not since netd started."),
	COUNTER("commits", commits, "Transactions that the kernel has taken."),
	COUNTER("commit_failures", failures, "Transactions that the kernel has refused."),
	GAUGE_US("commit_retry_seconds", retry_us,
		 "How long netd waits before it tries a failed commit again; 0: none has failed."),
	COUNTER("policies_given_up", given_up, "Policies that the kernel has refused for good."),
	COUNTER("drifts", drifts, "Times that somebody else has changed netd's tables."),
	COUNTER("docker_events", docker_events, "Events that Docker has told."),
	COUNTER("docker_readings", docker_readings,
		"Times that all networks and containers were read."),
	GAUGE("disagreements", disagreements,
	      "Ports of bridges and endpoints of Docker's that do not agree, though it was asked: "
	      "they are closed."),
	COUNTER("stalls", stalls, "Times that the event loop stood still."),
	GAUGE_US("longest_stall_seconds", longest_stall_us,
		 "The longest of these since netd started."),
	COUNTER("stall_readings", stall_readings,
		"Times that everything was read because of that."),
	COUNTER("log_lost", log_lost, "Messages of netd's log that nobody took."),
	COUNTER("logged_lost", logged_lost,
		"Messages of the rules that came faster than netd could read them."),
	GAUGE("fleet_hosts", fleet_hosts, "Other hosts of the fleet that are known."),
	GAUGE("fleet_hosts_gone", fleet_hosts_gone,
	      "Those of them that are gone, and still count for a while."),
	GAUGE("fleet_store_followed", fleet_followed,
	      "Whether netd-fleet follows the store of the fleet (1), or it is away or there is "
	      "none "
	      "(0)."),
	GAUGE("fleet_revision", fleet_revision,
	      "Revision of the policy that the store has for this host; 0: none is known."),
	GAUGE("fleet_heard_timestamp_seconds", fleet_heard,
	      "When the store of the fleet last gave an answer; 0: it did not."),
	GAUGE("fleet_told_timestamp_seconds", fleet_told,
	      "When netd-fleet last told of it; 0: it did not."),
	GAUGE("flows", flows, "Distinct flows that are kept; 0: none are."),
	COUNTER("flows_pushed_out", flows_pushed_out, "Flows that were forgotten for newer ones."),
	COUNTER("flow_events_lost", flow_events_lost,
		"Times that the kernel could not hand on new connections in time."),
	GAUGE("process_start_time_seconds", started, "When netd was started."),
	GAUGE("process_resident_memory_bytes", resident_bytes, "Memory of netd."),
	COUNTER_US("process_cpu_seconds", cpu_us, "Processor time of netd."),
#undef GAUGE
#undef GAUGE_US
#undef COUNTER
#undef COUNTER_US
};

static void print_scalars(struct exposition *x, const struct metrics_facts *facts)
{
	for (size_t i = 0; i < ARRAY_LEN(scalars); i++) {
		uint64_t value;
		memcpy(&value, (const char *)facts + scalars[i].offset, sizeof(value));
		exposition_family(x, scalars[i].type, scalars[i].name, scalars[i].help);
		if (scalars[i].is_time)
			exposition_seconds(x, NULL, value);
		else
			exposition_number(x, NULL, value);
	}
}

static void print_states(struct exposition *x, const char *label, const char *const *names,
			 size_t n, size_t which)
{
	for (size_t i = 0; i < n; i++)
		exposition_number(x, LABELS({ label, names[i] }), i == which);
}

static void print_about(struct exposition *x, const struct metrics_input *input)
{
	static const char *const modes[METRICS_MODES] = { [METRICS_ENFORCE] = "enforce",
							  [METRICS_AUDIT] = "audit",
							  [METRICS_OFF] = "off",
							  [METRICS_NO_POLICY] = "none" };
	static const char *const links[METRICS_LINKS] = {
		[METRICS_LINK_UP] = "up",	   [METRICS_LINK_READING] = "reading",
		[METRICS_LINK_DOWN] = "down",	   [METRICS_LINK_CONNECTING] = "connecting",
		[METRICS_LINK_FILE] = "inventory", [METRICS_LINK_REFUSED] = "refused",
	};

	exposition_family(x, EXPOSITION_GAUGE, "netd_build_info", "The version of netd.");
	exposition_number(x, LABELS({ "version", input->version }), 1);
	exposition_family(x, EXPOSITION_GAUGE, "netd_mode",
			  "Which mode netd is in: 1 for the one that it is, 0 for the others.");
	print_states(x, "mode", modes, METRICS_MODES, input->facts->mode);
	exposition_family(x, EXPOSITION_GAUGE, "netd_docker_link",
			  "How the link to Docker is: 1 for the state that it is in.");
	print_states(x, "state", links, METRICS_LINKS, input->facts->link);
}

/* ---- the host ---- */

/* Of a tier those that are admitted, and those whose port is not known. */
static void print_tier(struct exposition *x, const struct report_input *in, uint32_t tier)
{
	uint64_t n[2] = { 0 };

	for (size_t i = 0; i < in->world->n_endpoints; i++) {
		const struct assignment *as = &in->compiled->assignments[i];
		if (as->kind == ASSIGN_TIER && as->tier == tier)
			n[!compile_is_admitted(as)]++;
	}
	for (size_t closed = 0; closed < 2; closed++)
		exposition_number(x,
				  LABELS({ "tier", in->policy->tiers[tier].name },
					 { "state", closed ? "port-unknown" : "admitted" },
					 { "mode", in->policy->tiers[tier].mode == POLICY_AUDIT
							   ? "audit"
							   : "enforce" }),
				  n[closed]);
}

static void print_endpoints(struct exposition *x, const struct report_input *in)
{
	uint64_t counts[ASSIGN_UNMANAGED + 1] = { 0 };

	exposition_family(x, EXPOSITION_GAUGE, "netd_endpoints",
			  "Containers on networks, by tier, or by why they are in none.");
	for (uint32_t t = 0; t < in->policy->n_tiers; t++)
		print_tier(x, in, t);
	for (size_t i = 0; i < in->world->n_endpoints; i++)
		counts[in->compiled->assignments[i].kind]++;
	for (size_t kind = 0; kind < ARRAY_LEN(counts); kind++)
		if (kind != ASSIGN_TIER)
			exposition_number(
				x, LABELS({ "state", assign_kind_name((enum assign_kind)kind) }),
				counts[kind]);
}

static uint64_t count_unholdable(const struct world *world)
{
	uint64_t n = 0;

	for (size_t i = 0; i < world->n_containers; i++)
		n += world->containers[i].traits != 0;
	return n;
}

static uint64_t count_flaws(const struct world *world)
{
	struct report_flaw flaw;
	uint64_t n = 0;

	for (size_t cursor = 0; report_next_flaw(world, &cursor, &flaw);)
		n++;
	return n;
}

static uint64_t count_closed_bridges(const struct world *world)
{
	uint64_t n = 0;

	for (size_t i = 0; i < world->n_bridges; i++)
		n += world_bridge_is_closed(&world->bridges[i]);
	return n;
}

static void print_world(struct exposition *x, const struct world *world)
{
	const struct {
		const char *name, *help;
		uint64_t value;
	} rows[] = {
		{ "netd_containers", "Containers that Docker has told of.", world->n_containers },
		{ "netd_networks", "Networks that Docker has told of.", world->n_networks },
		{ "netd_unholdable_containers",
		  "Containers that no packet filter can hold, as netdctl doctor names them.",
		  count_unholdable(world) },
		{ "netd_flaws",
		  "Objects of Docker's that netd does not understand: they are closed.",
		  count_flaws(world) },
		{ "netd_closed_bridges", "Bridges that are closed, as no network names them.",
		  count_closed_bridges(world) },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		exposition_family(x, EXPOSITION_GAUGE, rows[i].name, rows[i].help);
		exposition_number(x, NULL, rows[i].value);
	}
}

/* ---- what the kernel has counted ---- */

enum { DENIED, AUDITED, QUIET, VERDICTS };

static size_t verdict_of(const struct compile_denial *denial)
{
	return reason_is_quiet(denial->reason) ? QUIET : denial->audited ? AUDITED : DENIED;
}

static void print_denials(struct exposition *x, const struct report_input *in)
{
	static const char *const names[VERDICTS][2] = {
		[DENIED] = { "netd_denied_packets",
			     "Packets that netd has dropped, by reason, and by the end whose chain "
			     "decided." },
		[AUDITED] = { "netd_audited_packets",
			      "Packets that would be dropped and passed, as audit mode has it." },
		[QUIET] = { "netd_quiet_packets",
			    "Packets that were dropped and that nobody has asked for." },
	};

	for (size_t verdict = 0; verdict < VERDICTS; verdict++) {
		exposition_family(x, EXPOSITION_COUNTER, names[verdict][0], names[verdict][1]);
		for (size_t i = 0; i < in->compiled->n_denials; i++) {
			const struct compile_denial *denial = &in->compiled->denials[i];
			const char *table = rs_family_name(denial->family);
			const struct report_counter *counter =
				report_find_counter(in, table, denial->counter);
			if (counter && verdict_of(denial) == verdict)
				exposition_number(x,
						  LABELS({ "reason", reason_word(denial->reason) },
							 { "from", denial->from },
							 { "to", denial->to }, { "table", table },
							 { "counter", denial->counter }),
						  counter->packets);
		}
	}
}

static void print_rules(struct exposition *x, const struct report_input *in, bool in_bytes)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	uint64_t packets, bytes, rest = 0;

	x->text->failed |= !arena;
	for (size_t i = 0; i < in->policy->n_rules && !x->text->failed; i++) {
		const char *name = compile_rule_name(in->policy, i, arena);
		const char *counter = compile_counter_name(in->policy, i, arena);
		x->text->failed |= !counter || !name;
		if (!counter || !name || !report_find_hits(in, counter, &packets, &bytes))
			continue;
		if (i >= LIMIT_METRIC_RULES) {
			rest += in_bytes ? bytes : packets;
			continue;
		}
		exposition_number(
			x,
			LABELS({ "rule", name },
			       { "action",
				 in->policy->rules[i].action == POLICY_DENY ? "deny" : "allow" }),
			in_bytes ? bytes : packets);
	}
	if (in->policy->n_rules > LIMIT_METRIC_RULES)
		exposition_number(x, LABELS({ "rule", "others" }), rest);
}

static void print_counters(struct exposition *x, const struct report_input *in)
{
	if (!in->counters)
		return;
	print_denials(x, in);
	exposition_family(x, EXPOSITION_COUNTER, "netd_rule_packets",
			  "Packets that a rule of the policy has judged: the first of each "
			  "connection, and all that a deny rule drops.");
	print_rules(x, in, false);
	exposition_family(x, EXPOSITION_COUNTER, "netd_rule_bytes", "The bytes of these.");
	print_rules(x, in, true);
}

/* ---- what the rules have logged ---- */

static void print_pairs(struct exposition *x, const struct metrics_pairs *pairs)
{
	static const char *const verdicts[LOGGED_KIND_COUNT] = { [LOGGED_DENIED] = "denied",
								 [LOGGED_AUDITED] = "audited",
								 [LOGGED_ALLOWED] = "allowed" };

	exposition_family(x, EXPOSITION_COUNTER, "netd_logged_packets",
			  "Packets that the rules have logged, by both ends: ten a second of each "
			  "container at most, so the amounts are those of the other counters.");
	for (size_t i = 0; i < pairs->n; i++)
		exposition_number(x,
				  LABELS({ "verdict", verdicts[pairs->items[i].kind] },
					 { "reason", reason_word(pairs->items[i].reason) },
					 { "from", pairs->items[i].from },
					 { "to", pairs->items[i].to }),
				  pairs->items[i].n);
	for (size_t kind = 0; kind < LOGGED_KIND_COUNT; kind++)
		if (pairs->others[kind])
			exposition_number(x,
					  LABELS({ "verdict", verdicts[kind] },
						 { "from", PAIRS_OTHERS }, { "to", PAIRS_OTHERS }),
					  pairs->others[kind]);
}

/* ---- what was seen to pass ---- */

static void print_connections(struct exposition *x, const struct metrics_pairs *pairs)
{
	exposition_family(x, EXPOSITION_COUNTER, "netd_connections",
			  "New connections that passed, by both ends; none where flows are not "
			  "kept.");
	for (size_t i = 0; i < pairs->n; i++)
		exposition_number(
			x, LABELS({ "from", pairs->items[i].from }, { "to", pairs->items[i].to }),
			pairs->items[i].n);
	if (pairs->others[LOGGED_ALLOWED])
		exposition_number(x, LABELS({ "from", PAIRS_OTHERS }, { "to", PAIRS_OTHERS }),
				  pairs->others[LOGGED_ALLOWED]);
}

void metrics_print(const struct metrics_input *input, enum metrics_form form, struct text *ret)
{
	struct exposition x = { .text = ret, .form = form };

	print_about(&x, input);
	print_scalars(&x, input->facts);
	exposition_family(&x, EXPOSITION_HISTOGRAM, "netd_event_to_commit_seconds",
			  "From Docker's word of a container on a network to its rules in the "
			  "kernel.");
	exposition_histogram(&x, input->event_to_commit);
	if (input->in->policy) {
		print_endpoints(&x, input->in);
		print_world(&x, input->in->world);
		print_counters(&x, input->in);
	}
	print_pairs(&x, input->pairs);
	print_connections(&x, input->connections);
	exposition_end(&x);
}
