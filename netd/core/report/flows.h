/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flows that were seen, with names, tiers and the rule that decided, by the evaluator and the
 * policy in force: as JSON for `flows` and `top`. */
#pragma once

#include "core/flow/whom.h"
#include "core/report/report.h"

/* What the daemon knows of them. */
struct report_flows {
	const struct flow_store *store; /* NULL: none are kept (flows: off) */
	const struct flow_whom *whom;	/* of report_input.world; not NULL with a store */
	int64_t since;			/* seconds since the epoch: they are kept since then */
	uint64_t lost_events, lost_messages;
	bool damaged; /* the file of an earlier run could not be read */
	/* Names of networks on which connections between two containers are not tracked. */
	const char *const *unseen;
	size_t n_unseen;
};

/* All of these hold. */
struct report_flow_filter {
	const char *container; /* an end: by name, id, or 12 and more digits of it; NULL: any */
	const char *tier;      /* an end's; NULL: any */
	const char *verdict;   /* "allowed", …; NULL: any */
	int64_t since;	       /* seen then or later; 0: ever */
	bool cut;	       /* what passed once, and is denied since then for the first
				* time; LIMIT_CUT_LISTED of them */
};

/* A verdict about a flow, by the policy in force. */
struct flow_judgement {
	bool known; /* both ends are there, and the evaluator was asked */
	enum flow_verdict verdict;
	enum reason reason;   /* FLOW_AUDITED, FLOW_DENIED */
	uint32_t policy_rule; /* as in struct sim_result */
	const char *why;      /* one sentence, in @arena */
};
/* 0 or -ENOMEM. */
int report_judge_flow(const struct report_input *in, const struct flow_whom *whom,
		      const struct flow *flow, struct arena *arena,
		      struct flow_judgement *ret) MUST_CHECK;

/* Gives an end the name and tier that its container has now. True: it is gone. */
bool report_refresh_end(const struct flow_whom *whom, struct flow_end *end);
/* False: it was denied for its sender's sake, which says nothing about who may talk to whom. */
bool report_is_about_flow(const struct flow *flow);

/* Each: 0 or -ENOMEM. @in->policy may be NULL: none is in force. */
int report_flow_list(const struct report_input *in, const struct report_flows *flows,
		     const struct report_flow_filter *filter, cJSON **ret) MUST_CHECK;
/* The busiest flows, pairs of tiers, and rules (by their counters). */
int report_top(const struct report_input *in, const struct report_flows *flows,
	       const struct report_flow_filter *filter, cJSON **ret) MUST_CHECK;

/* A candidate beside the policy in force. */
struct report_staged {
	const struct policy_source *sources;
	size_t n_sources;
	int64_t at;	    /* seconds since the epoch */
	const char *by;	    /* "root (uid 0)" */
	const char *digest; /* of it, and of the policy in force */
};
/* The flows on which the two do not agree: those that pass today and the candidate denies, and the
 * other way round. Both are of one world. */
int report_stage(const struct report_input *in_force, const struct report_input *candidate,
		 const struct report_flows *flows, const struct report_staged *staged,
		 cJSON **ret) MUST_CHECK;
