/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What netd knows in numbers, as text that Prometheus and its kin read. Pure. Two forms of one
 * content: the text format 0.0.4, which promtool and node_exporter's textfile collector read, and
 * OpenMetrics 1.0. A name never changes its meaning; what is counted begins at 0 when netd starts,
 * or, as far as it is the kernel's counters, with the tables. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/metrics/histogram.h"
#include "core/metrics/pairs.h"
#include "core/report/report.h"

enum metrics_form { METRICS_TEXT, METRICS_OPENMETRICS };

#define METRICS_TYPE_TEXT "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_TYPE_OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* The one value of several that holds. */
enum metrics_mode { METRICS_ENFORCE, METRICS_AUDIT, METRICS_OFF, METRICS_NO_POLICY, METRICS_MODES };
enum metrics_link {
	METRICS_LINK_UP,
	METRICS_LINK_READING,
	METRICS_LINK_CONNECTING,
	METRICS_LINK_DOWN,
	METRICS_LINK_REFUSED,
	METRICS_LINK_FILE, /* an inventory file takes Docker's place */
	METRICS_LINKS
};

/* What only the daemon knows; a row of metrics.c tells each. Times of the clock in seconds since
 * the epoch, 0: none. */
struct metrics_facts {
	enum metrics_mode mode;
	enum metrics_link link;
	uint64_t in_force, policy_error, policy_differs, owns_tables; /* 0 or 1 */
	uint64_t policy_generation, policy_taken, committed, confirm_until;
	uint64_t commits, failures, retry_us, given_up, drifts;
	uint64_t docker_events, docker_readings;
	uint64_t disagreements;
	uint64_t stalls, longest_stall_us, stall_readings;
	uint64_t log_lost, logged_lost;
	uint64_t fleet_hosts, fleet_hosts_gone;				  /* the other ones */
	uint64_t fleet_followed, fleet_revision, fleet_heard, fleet_told; /* the store */
	uint64_t flows, flows_pushed_out, flow_events_lost; /* 0 where flows are not kept */
	uint64_t started, resident_bytes, cpu_us;	    /* of the process */
};

struct metrics_input {
	const struct report_input
		*in; /* as for report_status(): without a policy, none is in force */
	const struct metrics_facts *facts;
	const struct metrics_histogram *event_to_commit;
	const struct metrics_pairs *pairs;	 /* packets that were logged */
	const struct metrics_pairs *connections; /* those that passed: as LOGGED_ALLOWED */
	const char *version;
};

/* Adds all of it; a failure sticks in @ret, see text_failed(). */
void metrics_print(const struct metrics_input *input, enum metrics_form form, struct text *ret);
