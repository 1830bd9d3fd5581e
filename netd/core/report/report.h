/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answers: what netd tells an admin, as JSON. The daemon gives them live, netdctl gives the
 * same ones offline, and netdctl's text is a rendering of them: one shape, documented in
 * netdctl(8). Pure. Every top object has "v":1; members are only ever added.
 *
 * Each function: 0 and *ret is owned by the caller, or -ENOMEM and *ret is untouched. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "core/base/arena.h"
#include "core/base/diag.h"
#include "core/compile/compile.h"
#include "core/policy/policy.h"
#include "core/world/world.h"

#define REPORT_VERSION 1

/* A named counter as read from the kernel. A policy rule may have one in each of the two tables. */
struct report_counter {
	const char *table, *name; /* "inet" or "bridge"; "rule_20-shop.yaml_31" */
	uint64_t packets, bytes;
};

struct report_input {
	const struct policy *policy;
	const struct world *world;
	const struct compile_output *compiled; /* of the two above */
	bool symbolic;			       /* the world was made from the policy */
	bool plain;			       /* no policy is in force: Docker alone */
	const struct report_counter *counters; /* by name, then table; NULL: none were read */
	size_t n_counters;
	int64_t now; /* seconds since the epoch */
};

/* Hits of a named counter, both tables together. False: it was not read. */
bool report_find_hits(const struct report_input *in, const char *counter, uint64_t *packets,
		      uint64_t *bytes);
/* The counter of one table ("inet", "bridge"); NULL: it was not read. */
const struct report_counter *report_find_counter(const struct report_input *in, const char *table,
						 const char *name);

/* ---- inputs without a daemon ---- */

/* Nobody has told of the other hosts of the fleet: one stands for them that is made up. */
bool report_members_are_symbolic(const struct world *world);
/* What an inventory may lack: symbolic MACs (unique), one bridge port per endpoint, resolvers, and
 * numbers for the host's ports that Docker will choose, so that its endpoints are admitted and
 * judged as they will be on the host. A world that knows a port is a live one and is returned as it
 * is. 0: *ret lives in @arena and borrows from @world. */
int report_complete_world(const struct world *world, struct arena *arena,
			  const struct world **ret) MUST_CHECK;
/* Compiles @n policies against one world: one to ask about, two to compare. @world NULL: a symbolic
 * one with the tiers of all of them. Fills ret[0 .. n). -EINVAL: a bug of the compiler. */
int report_prepare(const struct policy *const *policies, size_t n, const struct world *world,
		   int64_t now, struct arena *arena, struct report_input *ret) MUST_CHECK;
/* The same policy in a symbolic world, but with the host's resolvers: they are no container's. */
int report_prepare_symbolic(const struct report_input *in, struct arena *arena,
			    struct report_input *ret) MUST_CHECK;

/* ---- tables ---- */

/* Endpoints with their tier, or why they have none. */
int report_endpoints(const struct report_input *in, cJSON **ret) MUST_CHECK;
/* The policy's rules, with hits where counters are given. */
int report_rules(const struct report_input *in, cJSON **ret) MUST_CHECK;
/* Published ports and who can reach them. */
int report_ports(const struct report_input *in, cJSON **ret) MUST_CHECK;
/* Who may reach whom, and on which ports. */
int report_matrix(const struct report_input *in, cJSON **ret) MUST_CHECK;

/* ---- questions ---- */

struct report_question {
	const char *from, *to; /* container, tier, address, CIDR, host, internet, lan, dns; tier:X
				* and container:X where a name is both */
	const char *port;      /* "443/tcp", "icmp" */
};

/* The verdict, by whom and why, and the way hop by hop. *allowed: it passes, by some way.
 * REPORT_E_QUESTION: an end or the port is not understood, *error (in @arena) says which and why.
 */
#define REPORT_E_QUESTION 1
struct report_explained {
	cJSON *json;
	bool allowed;
	const char *error;
};
int report_explain(const struct report_input *in, const struct report_question *question,
		   struct arena *arena, struct report_explained *ret) MUST_CHECK;
/* Runs the policy's tests. A flow that is only audited counts as denied. *failed: how many. */
int report_test(const struct report_input *in, cJSON **ret, size_t *failed) MUST_CHECK;
/* A host without a policy, as a policy: it drops nothing, so that what passes is Docker's word. */
#define REPORT_PLAIN_DOCKER "version: 1\nmode: audit\nunmatched: ignore\n"
/* What @new would change. Both are of one world. @old->plain: what stays is told, too. *changed:
 * anything at all. */
int report_plan(const struct report_input *old, const struct report_input *new, cJSON **ret,
		bool *changed) MUST_CHECK;

/* A plan in short: how many flows and exposures it changes, and the first of each. */
int report_changes(const cJSON *plan, bool counts_alone, cJSON **ret) MUST_CHECK;

/* ---- findings ---- */

/* [{"severity","file","line","col","id","text","hint","accepted","about"}] */
int report_diagnostics(const struct diag_list *diags, cJSON **ret) MUST_CHECK;
/* Everything that only a policy and a host together show; the ids are stable. */
const struct diag_info *report_diag_table(size_t *ret_n); /* sorted by id */
/* Who finds it, and the kind of that id: policies and compose files share some, and the first
 * counts. NULL: nobody finds such a thing. */
enum report_finder {
	REPORT_BY_POLICY,
	REPORT_BY_COMPOSE,
	REPORT_BY_HOST,
	REPORT_FINDERS, /* those with a table of their own */
	REPORT_BY_AUDIT = REPORT_FINDERS,
};
const struct diag_info *report_find_diag(const char *id, enum report_finder *ret);
/* Finds it. @source names the host's facts in the findings; @places says where each container of
 * the world was written, or is NULL: then the world is a whole host, where each tier should have
 * somebody. Containers of one place and one tier are told of once. */
void report_check_world(const struct report_input *in, const char *source,
			const struct source_loc *places, struct diag_list *diags);

/* What containers of a world lack (core/posture). */
struct report_audited {
	const struct world *world;
	const char *source;		 /* as in report_check_world(), and so are @places */
	const struct source_loc *places; /* or NULL */
	/* Of each container, for each of POSTURE_FACTS: where it is said; or NULL. */
	const struct source_loc *const *posture_places;
	const struct report_input
		*on_host; /* with a policy: for the tiers of the findings; or NULL */
	int64_t now;	  /* seconds since the epoch: how old reports of images are */
};
void report_audit(const struct report_audited *in, struct diag_list *diags);

/* The entries of `accept`: whether they name findings, and such as can be accepted. 0, or
 * POLICY_E_INVALID: @diags says what. */
int report_check_accepts(const struct policy *policy, struct diag_list *diags) MUST_CHECK;
struct report_accepting {
	const struct report_input *on_host; /* NULL: the policy was checked alone */
	const struct source_loc *places;    /* as in report_check_world() */
	bool audited;			    /* it was an audit that has found them */
	int64_t now;
};
/* Marks the findings that the policy accepts, and finds the entries that accept nothing. Comes when
 * all else was found. */
void report_accept(const struct policy *policy, const struct report_accepting *how,
		   struct diag_list *diags);

/* What a policy must show before it is wanted: rules can be made of it for the host at hand, and
 * its own tests pass as of @now. Each: 0, POLICY_E_INVALID (@diags says what), or -ENOMEM. */
int report_check_compiles(const struct compile_input *in, struct diag_list *diags) MUST_CHECK;
int report_check_tests(const struct policy *policy, int64_t now,
		       struct diag_list *diags) MUST_CHECK;

/* ---- health ---- */

/* What the kernel holds: what was committed; the closed base; what an earlier netd has left, which
 * stays until Docker was read; nothing, where nothing is to be enforced; something else; or that
 * could not be looked at. */
enum report_kernel {
	REPORT_KERNEL_UNASKED,
	REPORT_KERNEL_COMMITTED,
	REPORT_KERNEL_CLOSED,
	REPORT_KERNEL_EARLIER,
	REPORT_KERNEL_NOTHING,
	REPORT_KERNEL_DIFFERS,
	REPORT_KERNEL_UNKNOWN,
};

/* What only the daemon knows. Texts: "" unknown or none. */
enum report_docker { REPORT_DOCKER_DOWN, REPORT_DOCKER_UP, REPORT_DOCKER_FILE };

/* How the store of a fleet is, as netd-fleet tells; times in seconds since the epoch. */
struct report_store {
	int64_t revision; /* of the policy that it has for this host */
	int64_t heard;	  /* when it last gave an answer; 0: not since netd-fleet was started */
	int64_t told;	  /* when netd-fleet last said so; 0: it did not */
	bool is_followed;
	bool is_silent; /* netd-fleet should have said something since, and is not there any more */
	const char *state; /* what became of the policy: core/fleet */
};

struct report_health {
	uint64_t generation;	    /* of the rules: commits since netd started */
	uint64_t policy_generation; /* of the policy: as in history; 0: it has none */
	const char *history_error, *state_error;
	const char *policy_path, *policy_error, *docker, *docker_error, *version;
	enum report_docker docker_state; /* @docker says it to people, with the version */
	/* Where the policy in force came from: the path, or who applied it. "": none is in force.
	 */
	const char *policy_origin;
	const char *policy_digest; /* of its texts; NULL: no policy is wanted yet */
	bool policy_differs; /* from the files at policy_path, as they were when they last counted
			      */
	const char *docker_server;	     /* where it is asked; NULL: nowhere */
	int64_t committed_at, confirm_until; /* seconds since the epoch; 0: never, nothing waits */
	int64_t off_since;		     /* an admin had the tables removed; 0: no */
	uint64_t drifts;		     /* times somebody else changed our tables */
	uint64_t n_stalls, longest_stall_us; /* the event loop stood still */
	uint64_t longest_work_us;	     /* processor time of its longest turn */
	uint64_t n_read_again;		     /* everything, because of that */
	uint64_t log_lost;		     /* messages that nobody took */
	/* What ports and Docker do not agree on, though it was asked; @n_disagreements in all. */
	const char *const *disagreements;
	size_t n_listed, n_disagreements;
	/* Docker's connect event -> the endpoint's rules committed, of the last n. */
	uint32_t latency_p50_us, latency_p99_us, latency_n;
	enum report_kernel kernel;
	size_t n_tables,
		n_differences; /* of netd's two; objects that are not as they were committed */
	const char *difference, *kernel_error; /* the first of them; why it is not known */
	const struct world *waits_for_policy;  /* no policy was ever in force: what would be closed;
						  else NULL */
	bool owns_tables;		       /* no other process can change them */
	bool bridge_nf[2]; /* IPv4 and IPv6 frames meet the inet hooks, where they need to */
	size_t fleet_hosts, fleet_hosts_gone; /* other hosts of the fleet */
	const struct report_store *store;     /* NULL: nothing is known of one */
};
/* @in may have a NULL policy: none is in force. */
int report_status(const struct report_input *in, const struct report_health *health,
		  cJSON **ret) MUST_CHECK;
