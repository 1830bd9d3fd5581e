/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policy + world -> ruleset. Pure and deterministic: equal inputs give equal rulesets.
 * The chains, and why they are as they are: netd/ARCHITECTURE.md. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/compile/reason.h"
#include "core/policy/policy.h"
#include "core/ruleset/ruleset.h"
#include "core/world/world.h"

/* ---- which tier an endpoint is in ---- */

enum assign_kind {
	ASSIGN_TIER,
	ASSIGN_UNMATCHED, /* no tier matches */
	ASSIGN_CONFLICT,  /* two tiers match at the same level: denied everything */
	ASSIGN_UNKNOWN, /* its labels are not read yet, or one of them may be its image's alone, or
			 * it has a flaw: denied everything */
	ASSIGN_CLASH,	/* another endpoint has the same address: denied everything */
	ASSIGN_QUARANTINED, /* it falls short of what its tier requires: denied everything */
	ASSIGN_UNMANAGED,   /* its network is no bridge of this host, and has no parent to be judged
			     * at: out of netd's reach */
};

/* What `compose` in an entry of `match` asks for. */
#define COMPILE_LABEL_PROJECT "com.docker.compose.project"
#define COMPILE_LABEL_SERVICE "com.docker.compose.service"

struct assignment {
	enum assign_kind kind;
	/* ASSIGN_TIER, ASSIGN_QUARANTINED (whose it would be); ASSIGN_CONFLICT: both;
	 * ASSIGN_UNMANAGED with `match`: whose it is, and nothing holds it there */
	uint32_t tier, other_tier;
	const struct policy_match *match; /* the entry that decided, or NULL */
	/* ASSIGN_UNKNOWN: the label that `match` of `tier` asks for and that the image has with the
	 * same value, where it matters whose it is; or NULL. */
	const char *open_label;
	const char *port; /* its port of the bridge, or NULL while unknown */
	/* It has none: what it sends and hears is judged at the parent of its network. */
	bool at_parent;
	/* A port shows its MAC, but Docker's word about it is older than the port, or the port was
	 * another endpoint's: closed until Docker was asked again. */
	bool stale;
};

/* Whether an entry of that tier's `match` names the container, whatever network it is on. */
bool compile_names_container(const struct policy_tier *tier, const struct policy_match *match,
			     const struct world_container *container);
/* The port itself, of the world that was assigned; NULL while unknown. */
const struct world_port *compile_port(const struct assignment *assignment);
/* It takes part where it is: its port is known, or it is judged at a parent. Of ASSIGN_TIER. */
bool compile_is_admitted(const struct assignment *assignment);
const char *assign_kind_name(enum assign_kind kind); /* "tier", "unmatched", … */
/* A tier's by the policy, on a network where nothing holds it. */
bool compile_is_beyond(const struct assignment *assignment);
/* Why an endpoint of that kind is denied everything, where it is. */
enum reason compile_closed_reason(const struct assignment *assignment);

/* ---- the ruleset ---- */

struct compile_input {
	const struct policy *policy;
	const struct world *world;
	/* What a connection carries that was accepted under the policy in force, within
	 * COMPILE_STAMP_MASK; 0: none does, and every packet is judged. */
	uint32_t stamp;
	uint32_t mark_bit;  /* of the packet mark: between the inet and the bridge table */
	uint16_t log_group; /* NFLOG; 0: do not log (the kernel cannot) */
	int64_t now; /* seconds since the epoch: rules whose `until` has passed are left out */
	/* NULL: by the policy's `match`. Else taken as they are, per world->endpoints: a policy
	 * that is asked about without a host has containers made for it (sim_symbolic_world). */
	const struct assignment *assignments;
};

/* The stamp is kept in the connection's security mark: alone of what a connection has, it is put in
 * by one rule, taken out by none but CONNSECMARK, and as cheap to look at as the mark. nft writes
 * it with a mask only, so one bit is left out. */
#define COMPILE_STAMP_MASK 0xfffffffeu
/* That bit says of a stamped connection that it was judged elsewhere than between two ports of one
 * bridge; where no policy needs to know, it is not set. */
#define COMPILE_ROUTED_BIT 0x00000001u
#define COMPILE_MARK_BIT 0x00100000u
/* Sets of bridge netd whose keys begin with port . MAC: who was admitted. */
#define COMPILE_GUARD4 "guard4"
#define COMPILE_GUARD6 "guard6"
/* To this chain goes what one of several tiers of a container lets pass: the others follow. */
#define COMPILE_PASSED "passed_one_of_several"
#define COMPILE_LOG_GROUP 17u /* group of the NFLOG messages, "netd ..." */

/* A subnet of a managed network, by its place in world->networks. */
struct compile_subnet {
	struct ip_range range;
	uint32_t network;
	uint32_t around; /* the narrowest subnet that holds this one, as an index, or UINT32_MAX */
};

/* A counter of denials. */
struct compile_denial {
	enum rs_family family;
	const char *counter;
	enum reason reason;
	bool audited; /* these passed */
	/* The end whose chain decides: a tier's name, or "host"; NULL: any. */
	const char *from, *to;
};

/* Addresses of others that a tier's containers have as well (`speaks_for`), but for what a router
 * speaks for: without those of Docker's networks, and those that containers have of their own. */
struct compile_spoken {
	struct ip_range range;
	uint32_t tier;
	bool single; /* one address: it may be on the link, with ARP and ND of its own */
};

struct emit; /* private */

struct compile_output {
	const struct emit *parts; /* what compile_again() needs to know of how it was made */
	struct ruleset *ruleset;  /* sealed */
	const struct assignment *assignments; /* per world->endpoints */
	/* The policy decides between containers on one bridge with state, so frames must pass the
	 * inet hooks: nf_call_iptables and nf_call_ip6tables of the bridge must be 1, or the
	 * sysctls bridge-nf-call-*; where they are 0 those flows are dropped. */
	bool needs_bridge_nf;
	const bool *bridge_nf_on;	      /* per world->networks: of which bridges */
	const struct compile_subnet *subnets; /* sorted; for compile_find_subnet() */
	size_t n_subnets;
	const struct compile_spoken *spoken; /* sorted; for compile_find_spoken() */
	size_t n_spoken;
	/* The zone `hosts`, sorted by address, then host; for compile_find_host(). */
	const struct world_member *hosts;
	size_t n_hosts;
	const struct compile_denial *denials; /* each counter of denials once */
	size_t n_denials;
	/* The next moment after the input's at which another ruleset is made of the same: a rule
	 * ends, or a report about an image becomes too old. 0: none. */
	int64_t next_change;
};

/* The managed network that has the address in one of its subnets, as an index of world->networks,
 * the first one of several; UINT32_MAX: none has. */
uint32_t compile_find_subnet(const struct compile_output *output, const struct ip_addr *addr);
/* The tier that speaks for the address, as an index; UINT32_MAX: none does. */
uint32_t compile_find_spoken(const struct compile_output *output, const struct ip_addr *addr);

/* The host of the fleet that has the address (of several the first by name), or NULL: what is no
 * address of a host, or of a network of this one, is nobody's, whoever claims it. */
const char *compile_find_host(const struct compile_output *output, const struct ip_addr *addr);
/* Where an address outside is, for people: "zone lan", "no zone", "zone hosts, `beta`". In @arena,
 * or constant; NULL: no memory. */
const char *compile_zone_text(const struct compile_output *output, const struct ip_addr *addr,
			      struct arena *arena);

/* 0: *ret is set and lives in @arena. -ENOMEM. -EINVAL: a bug of the compiler (*why says). */
int compile_ruleset(const struct compile_input *in, struct arena *arena, struct compile_output *ret,
		    const char **why) MUST_CHECK;

/* A policy rule by its place, "20-shop.yaml.31": no two have one. In @arena. NULL: out of memory.
 */
const char *compile_rule_name(const struct policy *policy, size_t rule, struct arena *arena);
/* Its named counter, "rule.20-shop.yaml.31"; the same. */
const char *compile_counter_name(const struct policy *policy, size_t rule,
				 struct arena *arena) MUST_CHECK;
