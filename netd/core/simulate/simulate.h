/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a ruleset does to a flow, and why: the one evaluator behind explain, test, matrix, plan and
 * verify. It runs the compiled rules themselves, on the packet fields that a flow of Docker's
 * topology shows at each hook, so that the answer is the kernel's. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/compile/compile.h"
#include "core/policy/policy.h"
#include "core/ruleset/ruleset.h"
#include "core/world/world.h"

/* ---- one hook ---- */

struct sim_packet {
	struct rs_key fields[RS_FIELD_COUNT];
	bool present[RS_FIELD_COUNT]; /* a field that is not there makes a rule not match */
};

/* Value in the field's own byte order. */
void sim_packet_set(struct sim_packet *packet, enum rs_field field, const void *value);

/* A rule that matched on the way. */
struct sim_step {
	enum rs_family family;
	enum rs_hook hook;
	const struct rs_chain *chain;
	const struct rs_rule *rule;
};
typedef VEC(struct sim_step) sim_trace;

/* Runs the base chains of one family and hook. Marks that rules set stay in @packet. *accepted is
 * whether the packet goes on. 0 or -ENOMEM (the trace). */
int sim_run_hook(const struct ruleset *rs, enum rs_family family, enum rs_hook hook,
		 struct sim_packet *packet, struct arena *arena, sim_trace *trace,
		 bool *accepted) MUST_CHECK;

/* ---- flows ---- */

enum sim_end_kind { SIM_ENDPOINT, SIM_HOST, SIM_ADDRESS };

/* One end of a flow: an endpoint of the world, this host, or an address that is neither. */
struct sim_end {
	enum sim_end_kind kind;
	uint32_t endpoint;   /* SIM_ENDPOINT: index into world->endpoints */
	struct ip_addr addr; /* SIM_ADDRESS; SIM_HOST as destination: that address of it, or none */
};

struct sim_flow {
	struct sim_end from, to;
	enum ip_family family;
	enum ip_proto proto; /* not PROTO_ANY */
	uint16_t port;	     /* the container's own; a service's on the host or outside */
};

/* How the flow travels (netd/ARCHITECTURE.md has the hooks of each). */
enum sim_path {
	SIM_PATH_BRIDGED,   /* between ports of one bridge */
	SIM_PATH_ROUTED,    /* between two managed networks */
	SIM_PATH_PUBLISHED, /* from outside to a published port, DNATed */
	SIM_PATH_PROXY,	    /* from outside to a published port, through docker-proxy */
	SIM_PATH_DIRECT,    /* from outside to the container's own address */
	SIM_PATH_EGRESS,
	SIM_PATH_TO_HOST,
	SIM_PATH_FROM_HOST,
	SIM_PATH_PARENT,   /* past the interface that an end stands on, and otherwise not our way */
	SIM_PATH_NOT_OURS, /* nothing of netd's is on the way */
};

struct sim_hook {
	enum rs_family family;
	enum rs_hook hook;
};
#define SIM_MAX_HOOKS 7

enum sim_decider {
	SIM_BY_NETD,
	SIM_BY_DOCKER,	/* netd lets it pass, Docker drops it */
	SIM_BY_DEFAULT, /* nobody judges it */
	SIM_NO_ADDRESS, /* an end has no address of that family: nothing to send */
};

struct sim_result {
	bool allowed, audited; /* audited: allowed, and enforce would deny it */
	enum sim_decider by;
	enum sim_path path;
	sim_trace trace;		      /* rules that matched, in order */
	struct sim_hook hooks[SIM_MAX_HOOKS]; /* that it came to, in order */
	size_t n_hooks;
	const struct rs_chain *chain; /* where the decision fell, or NULL */
	const struct rs_rule *rule;
	uint32_t policy_rule; /* index into policy.rules + 1, 0: a default */
	enum reason denial;   /* why netd denies it, or would; NONE: it does not */
	const char *reason;   /* one sentence */
	bool uncertain; /* SIM_BY_DOCKER, unless something allows it that netd does not read */
	bool needs_bridge_nf; /* allowed only while nf_call_iptables of the bridge is 1 */
};

struct sim_host {
	const struct world *world;
	const struct policy *policy;
	const struct compile_output *compiled;
	bool symbolic; /* the world was made from the policy: every port counts as published,
			* Docker's isolation is not asked */
};

/* 0 or -ENOMEM. Texts and the trace live in @arena. */
int sim_flow(const struct sim_host *host, const struct sim_flow *flow, struct arena *arena,
	     struct sim_result *ret) MUST_CHECK;

const char *sim_path_name(enum sim_path path);

/* A world for a policy that is asked about without a host: one network, two containers per tier
 * (named TIER-1 and TIER-2), both families; with the assignments that go with it. 0 or -ENOMEM. */
int sim_symbolic_world(const struct policy *policy, struct arena *arena, const struct world **ret,
		       const struct assignment **ret_assignments) MUST_CHECK;
