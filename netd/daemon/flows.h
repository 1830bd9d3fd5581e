/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What talks to what, as far as netd sees it: new connections from connection tracking, denied and
 * audited flows from what the rules log. Kept in memory and, every ten minutes and at the end, in
 * the state folder, by a process beside the loop. What becomes of it changes nothing that is
 * enforced. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/flow/whom.h"
#include "core/metrics/pairs.h"
#include "edge/beside/beside.h"
#include "edge/conntrack/conntrack.h"
#include "edge/host/host.h"
#include "edge/nflog/nflog.h"

struct daemon;

#define FLOWS_FILE "flows.json" /* in the state folder */

struct flows {
	struct flow_store *store; /* NULL: off */
	struct conntrack *conntrack;
	sd_event_source *save, *load;
	struct beside *saving;

	/* Whose addresses are: an index of what is in force, or without a policy of what Docker
	 * says; made when somebody asks. It borrows from that generation: flows_forget_whom(). */
	struct arena *whom_arena;
	struct flow_whom *whom;
	uint64_t whom_us;
	bool facts_changed;
	struct arena *host_arena;
	struct host_addresses host; /* addresses of this host */
	uint64_t host_us;

	/* The file of an earlier run, while it is read. */
	struct arena *loading;
	struct host_bytes left;

	struct metrics_pairs passed; /* new connections since netd started, by tiers */

	int64_t since; /* seconds since the epoch: when it began */
	/* What since_staged counts from: when what is staged was taken, 0: from the beginning; and
	 * what it counts from in the file, which may have been written before that. */
	int64_t staged, file_staged;
	bool damaged; /* there was a file, and nobody could read it */
	uint64_t n_bad_lines;
	uint64_t lost_events; /* times that connections were lost */
	uint64_t lost_messages;
	uint64_t lost_said_us, saved; /* saved: flow_counts.noted as of the last file */
};

/* Reads what an earlier run has kept, and begins. 0 or -errno. */
int flows_start(struct daemon *d) MUST_CHECK;
/* Writes them, and ends. Before beside_group_done(). */
void flows_stop(struct daemon *d);
/* Before another generation is in force, or none: the one that was is freed. */
void flows_forget_whom(struct flows *flows);
/* A denial, or what would be one, with the names of what is in force. */
struct logged;
void flows_note_logged(struct daemon *d, const struct nflog_packet *packet,
		       const struct logged *logged);
void flows_note_lost(struct daemon *d, uint32_t n);
/* Another candidate is staged, as of that moment: flows are counted anew for it. */
void flows_note_staged(struct flows *flows, int64_t at);

/* ---- flows-kept.c ---- */

int flows_kept_start(struct daemon *d) MUST_CHECK;
void flows_kept_stop(struct daemon *d);
/* In a child, which has a copy of them: reads the rest of the file. 0 or -ENOMEM. */
int flows_read_all(struct flows *flows) MUST_CHECK;
