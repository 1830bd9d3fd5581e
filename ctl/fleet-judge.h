/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a change of the fleet's policy changes on one host: its inventory, as the store has it,
 * judged by the evaluator of `plan`, between the policy that the store has for it now and the one
 * that it would have. Nothing of a host stays in memory but what is told of it. */
#pragma once

#include "core/fleet/members.h"
#include "ctl/fleet-change.h"

/* What a policy is for the hosts of the same groups. */
struct judge_policies {
	const char *groups; /* "edge, web" */
	const struct policy *old, *new;
	bool is_plain;	     /* the store has none now: compared with Docker alone */
	bool keeps;	     /* the store is to have none: what is in force stays */
	const char *unknown; /* why the old one is none that a host would have; NULL: it is one */
	const char *refused; /* why a host would refuse the new one; NULL: it would take it */
};

struct judge {
	const struct fleet *fleet;
	struct etcd_mirror before, after; /* of the store */
	VEC(struct judge_policies) policies;
	bool names_hosts; /* a rule of one of them does */
	/* Who is in the zone `hosts`, and all their addresses, sorted as a world has them. */
	struct fleet_members members;
	const struct world_member *addresses;
	size_t n_addresses;
};

/* Of the store as it is; before any host is judged. 0 or -ENOMEM. */
int judge_read_members(struct judge *judge) MUST_CHECK;

enum judge_count { JUDGE_GAINED, JUDGE_LOST, JUDGE_OPENED, JUDGE_CLOSED, JUDGE_COUNTS };

struct judge_host {
	const char *host;
	const char *state;   /* of its record; NULL: it is away, or says nothing that is known */
	const char *groups;  /* NULL: not known */
	const char *unknown; /* why what is told of it may be wrong, or is nothing; NULL: it is
			      * known */
	const char *refused; /* why it would refuse the policy; NULL: it would take it */
	bool is_judged, is_changed;
	bool is_shown; /* its plan is among those that are told */
	size_t n[JUDGE_COUNTS];
};

/* @host->host is given, all else is told in the fleet's arena. *ret_plan: report_plan() as a line
 * of JSON, the caller's to free; NULL: it was not judged. CTL_OK, or an exit status after saying
 * why.
 */
int judge_host(struct judge *judge, struct judge_host *host, char **ret_plan) MUST_CHECK;
