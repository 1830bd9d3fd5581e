/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to core/compile: the state of one compilation (struct emit) and the functions by which
 * its files build on each other. compile_ruleset() owns the state; everything in it lives in the
 * arena of the output. The first error sticks in struct emit and is looked at once, at the end, so
 * that the code of a chain reads as the list of its rules. */
#pragma once

#include "core/compile/compile.h"

/* Tiers, and the unmatched containers where they take part (unmatched: ignore, or a policy in audit
 * mode). Chains and sets carry the group's name. */
struct group {
	const char *name;
	const char *to_chain, *from_chain; /* "to.NAME", … */
	const char *members[2];		   /* the sets of its addresses, "NAME.4", "NAME.6" */
	int tier;			   /* index into policy.tiers, or GROUP_UNMATCHED */
	bool audited;			   /* denials of it pass, logged */
	bool unjudged;			   /* unmatched: ignore */
	bool within;
	/* It speaks for ranges, which are in these sets; single addresses are members. */
	bool speaks;
	const char *spoken[2], *speakers; /* "spoken.NAME.4", …; its ports with their MACs */
	bool routes[2];			  /* its containers are routers, IPv4, IPv6 */
};
#define GROUP_UNMATCHED (-1)

/* An address of an endpoint on a managed network. */
struct owned_addr {
	struct ip_addr addr;
	uint32_t endpoint;
};

/* A bridge that is managed, or closed because nobody says whose it is. */
struct judged_bridge {
	const char *name;
	bool managed;
	bool shared; /* carries others' ports, which are none of netd's business */
	const struct world_bridge *seen; /* NULL: rtnetlink has not shown it yet */
};

enum side { SIDE_SOURCE, SIDE_DESTINATION };

/* Rules in force, as indices into policy.rules: deny rules first, else in source order. */
struct rule_list {
	const uint32_t *rules;
	size_t n;
};

/* What a rule looks at to tell who begins a flow, and to whom. */
enum emit_view {
	VIEW_CONNECTION, /* its connection: in family inet */
	VIEW_OPENING,	 /* a packet of who begins: in family netdev, which knows no connections */
	VIEW_ANSWER,	 /* a packet of the other one, ports and addresses the other way round */
};

struct port_facts;
struct published_parts;

/* Who asks for the end of a denial: what later compilations borrow, or what they may make anew
 * (again.h), which are the elements of endpoints and the chains and maps of published ports. */
enum end_asker { ASKER_BORROWED, ASKER_ENDPOINTS, ASKER_PUBLISHED, ASKERS };
/* What of table inet later compilations may make anew, each in an arena of its own. */
enum late { LATE_PUBLISHED, LATE_ENDS, LATES };

struct emit {
	const struct compile_input *in;
	/* What later compilations borrow from lives there (again.h); the chains of published ports
	 * and other_ends in others, where they were made anew since. */
	struct arena *root, *late[LATES];
	const struct rule_list *rules_of[2];  /* [side][tier]: that speak of it there */
	const struct assignment *assignments; /* per world->endpoints */
	const struct owned_addr *addrs;	      /* sorted */
	size_t n_addrs;
	const struct owned_addr *parent_addrs; /* on networks with a parent; sorted */
	size_t n_parent_addrs;
	const struct compile_subnet *subnets; /* of managed networks; sorted */
	size_t n_subnets;
	const struct compile_spoken *spoken; /* sorted, none overlaps another */
	size_t n_spoken;
	const struct ip_range *routed[2]; /* what routers speak for; of each family, or none */
	size_t n_routed[2];
	const struct world_member *hosts; /* of the fleet, those that count; sorted */
	size_t n_hosts;
	bool any_ranges;		     /* some tier speaks for more than single addresses */
	const struct judged_bridge *bridges; /* sorted by name */
	size_t n_bridges;
	const struct port_facts *ports; /* per world->ports: elements.h */
	struct rs_set **port_sets;	/* what ports fill, by enum port_set */
	struct rs_set **endpoint_sets;	/* what endpoints fill, by enum endpoint_set */
	const char **within_chains;	/* per group; NULL: of those that state decides on */
	const bool
		*looks_within; /* per group: connections within it are looked at, or only ports */
	struct arena *arena;
	struct ruleset *rs;
	enum rs_family family; /* of the table that is being written */
	enum emit_view view;
	const struct group *groups;
	size_t n_groups;
	bool audit;  /* at the top of the policy: every denial passes */
	bool ignore; /* unmatched: ignore */
	/* any_audited: a tier's, or of the whole policy. */
	bool needs_bridge_nf, any_audited, any_shared, any_stacked;
	bool any_dns;	/* some network has its resolver at the gateway */
	bool direct[2]; /* Docker opens some port of that family at a container's own address */
	bool wanted_ends[ASKERS][RS_FAMILY_COUNT][REASON_COUNT][2]; /* [passes] */
	enum end_asker asker;
	struct published_parts *published; /* published.h */
	size_t n_closed[REASON_COUNT];	   /* addresses of endpoints, by why: ASKER_ENDPOINTS */
	/* In table inet: the ends that are asked for by reason, and where these are in denials. */
	struct rs_run other_ends, other_denials;
	bool noted_rules[2]; /* [passes]: the counter of deny rules is in denials */
	uint8_t *rule_ends;  /* per policy rule: bits of enum end_scope */
	VEC(struct compile_denial) denials;
	const bool *bridge_nf_on; /* per world->networks */
	int err;		  /* 0, -ENOMEM */
	/* Where what a rule allows goes; NULL: CHAIN_ACCEPTED. */
	const char *allowed;
};

/* ---- who is judged alike (group.c, rules.c) ---- */

/* The group of an endpoint, or NULL: it takes no part. */
const struct group *emit_group_of(const struct emit *e, size_t endpoint);
/* The same of one that is at the parent of its network; NULL of all others. */
const struct group *emit_group_at_parent(const struct emit *e, size_t endpoint);
/* It takes part, and is not left alone: what is its own is nobody else's. */
bool emit_is_guarded(const struct emit *e, size_t endpoint);
const struct group *emit_left_group(const struct emit *e); /* where e->ignore */
const struct group *emit_group_of_tier(const struct emit *e, uint32_t tier);
int emit_index_rules(struct emit *e) MUST_CHECK; /* rules.c; 0 or -ENOMEM */
struct rule_list emit_rules_of(const struct emit *e, const struct group *group, enum side side);
bool emit_rule_active(const struct emit *e, const struct policy_rule *rule);

/* ---- the world in order (order.c) ---- */

/* NULL: out of memory. */
const struct compile_subnet *compile_subnets(const struct world *world, struct arena *arena,
					     size_t *ret_n) MUST_CHECK; /* subnets.c; or NULL */
/* Those of the fleet; after the subnets (hosts.c). */
const struct world_member *compile_hosts(const struct emit *e, size_t *ret_n) MUST_CHECK;
void emit_hosts(struct emit *e); /* SET_HOSTS4, SET_HOSTS6, where a rule names them */
/* Of the endpoints on managed networks, or of those on networks with a parent. */
const struct owned_addr *compile_addresses(const struct world *world, bool at_parent,
					   struct arena *arena, size_t *ret_n) MUST_CHECK;
const struct assignment *assign_endpoints(const struct emit *e) MUST_CHECK; /* assign.c; or NULL */
/* Those of some endpoints, without their ports; no other has an address of theirs. 0 or -ENOMEM. */
int assign_some(const struct emit *e, const uint32_t *endpoints, size_t n,
		struct assignment *all) MUST_CHECK;
int64_t compile_next_change(const struct compile_input *in); /* assign.c; of the output */
/* Fills e->bridges. 0 or -ENOMEM. */
int emit_find_bridges(struct emit *e) MUST_CHECK;
/* Fills e->bridges and e->ports; after assignments and groups. 0 or -ENOMEM. */
int emit_order(struct emit *e) MUST_CHECK;
/* Fills e->spoken and e->routed; before the groups (spoken.c). 0 or -ENOMEM. */
int emit_find_spoken(struct emit *e) MUST_CHECK;
/* Nothing of it was left out. */
bool emit_speaks_for_all(const struct emit *e, uint32_t tier, const struct ip_prefix *prefix);
bool emit_speaks_for_range(const struct emit *e, uint32_t tier);
/* The tier that speaks for the address here, or UINT32_MAX. */
uint32_t emit_speaker(const struct emit *e, const struct ip_addr *addr); /* spoken.c */
/* NULL: not judged. */
const struct judged_bridge *emit_find_bridge(const struct emit *e, const char *name);

/* ---- names (names.c) ---- */

/* arena_printf() that sticks on failure and then gives "". For texts, and for names that are made
 * from a policy: these have a `.` between their parts. */
const char *emit_name(struct emit *e, const char *format, ...) PRINTF_LIKE(2, 3);
const char *emit_name_of(struct emit *e, const char *what, const struct group *group); /* what.X */
int emit_name_group(struct emit *e, struct group *group) MUST_CHECK; /* its chains and sets */
/* Of letters, digits, `.`, `_` and `-` alone, which nft reads back. */
bool emit_is_plain(const char *text);
const char *emit_file_of(const char *path); /* without its folders */

/* ---- one rule ---- */

#define DRAFT_MATCHES 8

struct draft {
	struct rs_match matches[DRAFT_MATCHES];
	size_t n_matches;
	struct rs_rule rule;
};

/* Builders of one condition. Values: bytes in the field's own byte order (rs_type). */
struct rs_match match_in(enum rs_field field, const char *set);
struct rs_match match_not_in(enum rs_field field, const char *set);
struct rs_match match_in2(enum rs_field a, enum rs_field b, const char *set);
struct rs_match match_in3(enum rs_field a, enum rs_field b, enum rs_field c, const char *set);
struct rs_match match_in_all(const enum rs_field *fields, size_t n, const char *set);
struct rs_match match_is(enum rs_field field, const void *value);
struct rs_match match_is_not(enum rs_field field, const void *value);
struct rs_match match_number(enum rs_field field,
			     uint32_t value); /* in the field's length and order */
struct rs_match match_ifname(enum rs_field field, const char *ifname);
struct rs_match match_bits(enum rs_field field, uint32_t mask,
			   uint32_t value); /* 4-byte host order */
struct rs_match match_prefix(enum rs_field field, const struct ip_prefix *prefix);
struct rs_match match_range(enum rs_field field, const struct ip_range *range);
struct rs_match match_not_loopback(void); /* iifname != "lo" */
struct rs_match match_port_range(enum rs_field field, uint16_t lo, uint16_t hi);
struct rs_match match_stamp(const struct emit *e);

void draft_add(struct draft *draft, struct rs_match match);

const char *emit_allowed(const struct emit *e); /* where what a rule allows goes */
struct rs_chain *emit_chain(struct emit *e, const char *name, const char *comment);
struct rs_chain *emit_base_chain(struct emit *e, const char *name, enum rs_hook hook,
				 int32_t priority, const char *comment);
/* Ends the draft as a rule of the chain; the draft stays and may be ended again. */
void emit_verdict(struct emit *e, struct rs_chain *chain, struct draft *draft,
		  enum rs_verdict verdict, const char *target);
/* A rule of these conditions alone. */
void emit_rule(struct emit *e, struct rs_chain *chain, const struct rs_match *matches, size_t n,
	       enum rs_verdict verdict, const char *target);
#define EMIT(e, chain, verdict, target, ...)                                                  \
	emit_rule((e), (chain), (const struct rs_match[]){ __VA_ARGS__ },                     \
		  sizeof((const struct rs_match[]){ __VA_ARGS__ }) / sizeof(struct rs_match), \
		  (verdict), (target))
void emit_always(struct emit *e, struct rs_chain *chain, enum rs_verdict verdict,
		 const char *target);
/* <fields> vmap @map */
void emit_vmap(struct emit *e, struct rs_chain *chain, const enum rs_field *fields, size_t n,
	       const char *map);
/* Logs what the draft matches, rate limited: for each container by itself, and for all others
 * together. */
void emit_log(struct emit *e, struct rs_chain *chain, const struct draft *draft,
	      const char *prefix);

/* ---- sets ---- */

struct rs_set *emit_set(struct emit *e, const char *name, const enum rs_type *types, size_t n);
struct rs_set *emit_map(struct emit *e, const char *name, const enum rs_type *types, size_t n);
/* Every name that begins so; of an interval set of interfaces. */
void emit_pattern(struct emit *e, struct rs_set *set, const char *prefix);
void emit_elem(struct emit *e, struct rs_set *set, const struct rs_key *key);
void emit_goto_elem(struct emit *e, struct rs_set *map, const struct rs_key *key,
		    const char *target);
struct rs_key key_addr(const struct ip_addr *addr);
struct rs_key key_ifname(const char *ifname);

/* ---- ports that are not guarded strictly (loose.c) ---- */

/* Ports of audited tiers, where others are enforced; ports that nobody judges. Either set is there
 * only where there can be such a port. */
bool emit_has_audited_ports(const struct emit *e);
bool emit_has_loose_ports(const struct emit *e); /* of either kind */
#define SET_AUDITED_PORTS "audited_ports"
#define SET_LEFT_PORTS "left_alone_ports"
void emit_loose_sets(struct emit *e); /* of table bridge: these ports, and what they may not use */
void emit_loose_guards(struct emit *e); /* the chains that let such a port say what it likes */
/* Where the guard of a port sends what is not the port's own. */
void emit_loose_ports(struct emit *e, struct rs_chain *chain);
/* meta mark set meta mark | bit, and the verdict: which port a packet came from, or may go to, is
 * for the other table to say. Past a bridge the mark means something else (emit_unmark()). */
void emit_marked(struct emit *e, struct rs_chain *chain, const struct rs_match *matches, size_t n,
		 enum rs_verdict verdict);
struct rs_match match_marked(const struct emit *e);

/* ---- the parts of the tables ---- */

#define SET_BRIDGES "bridges"
#define SET_PARENT_MACS "container_macs" /* in table netdev */
#define SET_PORTS "ports"		 /* of managed bridges, in both tables */
#define SET_SAME_BRIDGE "same_bridge"
#define SET_SHARED "shared_bridges"	   /* others' ports are on them, too */
#define SET_SHARED4 "container_on_shared4" /* addresses of their containers */
#define SET_SHARED6 "container_on_shared6"
#define SET_OTHER_PORTS "other_ports"	/* of shared bridges, in table bridge */
#define SET_ENGINE_PORTS "engine_ports" /* what engines call the ports of containers */
#define SET_SHARED_MACS "shared_bridge_macs"
#define SET_STACKED_PORTS "ports_below" /* containers', of bridges that something stands on */
#define SET_BRIDGE_MACS "bridge_macs"
#define SET_ENGINE_NAMES "engine_bridges" /* what engines call their bridges */
#define SET_FOREIGN "foreign_bridges"	  /* that are called so as well */
#define SET_ANY4 "any_endpoint4"
#define SET_ANY6 "any_endpoint6"
#define METER_LOGGED4 "logged4"
#define METER_LOGGED6 "logged6"
#define METER_LOGGED_PORTS "logged_ports" /* in table bridge */
#define SET_NOISE "noise_icmpv6"
#define MAP_CLOSED4 "closed4" /* addresses of containers that are denied everything */
#define MAP_CLOSED6 "closed6"
#define SET_REACHED4 "reached_by_host4"
#define SET_REACHED6 "reached_by_host6"
#define SET_AUDITED4 "audited_endpoint4"
#define SET_AUDITED6 "audited_endpoint6"
#define SET_INTERNET4 "internet4"
#define SET_INTERNET6 "internet6"
#define SET_LAN4 "lan4"
#define SET_LAN6 "lan6"
#define SET_DNS4 "dns4"
#define SET_DNS6 "dns6"
#define SET_HOSTS4 "fleet_hosts4"
#define SET_HOSTS6 "fleet_hosts6"
#define SET_ENGINE_DNS4 \
	"engine_dns4" /* gateways at which the engine answers: only if there are any */
#define SET_ENGINE_DNS6 "engine_dns6"
#define SET_DIRECT4                                                                   \
	"direct_port4" /* what Docker opens at containers' addresses: if there is any \
			*/
#define SET_DIRECT6 "direct_port6"
#define SET_SPOKEN4 "spoken4" /* of all tiers */
#define SET_SPOKEN6 "spoken6"
#define SET_ROUTED4 "behind_routers4"
#define SET_ROUTED6 "behind_routers6"
#define MAP_TO4 "to_tier4"
#define MAP_TO6 "to_tier6"
#define MAP_FROM4 "from_tier4"
#define MAP_FROM6 "from_tier6"
#define MAP_OWN4 "own_error4"
#define MAP_OWN6 "own_error6"
#define MAP_PUBLISHED "published_port"
#define MAP_PUBLISHED4 "published_at4"
#define MAP_PUBLISHED6 "published_at6"

#define CHAIN_ACCEPTED "accepted"
#define CHAIN_LEFT_ALONE "left_alone"
#define CHAIN_OVER_BRIDGE "over_bridge"
#define CHAIN_JUDGE "judge"
#define CHAIN_NOBODY "nobody"
#define CHAIN_RELATED "related"
#define CHAIN_OWN_ERROR "error_of_an_end"
#define CHAIN_TO_HOST "to_host"
#define CHAIN_FROM_CONTAINER "container_to_host"
#define CHAIN_ANSWER "host_answer"
#define CHAIN_FROM_HOST "host_to_container"
#define CHAIN_RELATED_OWN "related_of_container"
#define CHAIN_JUDGE_SHARED "judge_shared"
#define CHAIN_THROUGH_ROUTER "through_router"
#define CHAIN_HOST_TO_SHARED "host_to_shared"
#define CHAIN_PASSED COMPILE_PASSED

/* ---- ends of denials (ends.c) ---- */

enum end_scope {
	END_DROPS,
	END_ASKS_SOURCE, /* passes if the source is a container of an audited tier */
	END_PASSES,
};

struct ending {
	enum reason reason;
	const char *place; /* for the log: "to backend", "policy.yaml:31", "" */
	const char *counter;
	bool passes;	       /* audited */
	const char *from, *to; /* as in struct compile_denial */
};

/* The chain that ends a denial for this reason, in the table that is being written; it is asked for
 * by e->asker. */
const char *emit_end(struct emit *e, enum reason reason);
const char *emit_audited_end(struct emit *e, enum reason reason); /* where it passes all the same */
/* Where a denial of a flow to or from a group ends; outside: no container is at the other end. */
enum denied { DENIED_TO, DENIED_TO_OUTSIDE, DENIED_FROM, DENIED_HOST };
const char *emit_denied_name(struct emit *e, enum denied what, const struct group *group);
enum end_scope emit_denied_scope(const struct emit *e, enum denied what, const struct group *group);
/* The chain that ends what a deny rule forbids. */
const char *emit_rule_end(struct emit *e, size_t rule, enum end_scope scope);

void emit_direct_ports(struct emit *e); /* direct.c: their sets */
/* direct.c: what comes from outside to such a port goes on to @target. */
void emit_to_direct_port(struct emit *e, struct rs_chain *chain, const char *target);
void emit_inet_sets(struct emit *e); /* sets.c: sets and maps of endpoints, zones */
/* published.c: the maps of published ports; the chains, and what is in the maps. */
void emit_published_maps(struct emit *e);
void emit_published(struct emit *e);
void emit_tier_chains(struct emit *e); /* tiers.c: to.X, outside.X, from.X, to_host */
void emit_nobody(struct emit *e);      /* ends.c: CHAIN_NOBODY */
void emit_inet_ends(struct emit *e);   /* ends.c */
/* The last of these: fills e->other_ends and e->other_denials. */
void emit_other_inet_ends(struct emit *e);
void emit_other_ends(struct emit *e); /* ends.c: those of emit_end(), of this table */
void emit_rule_ends(struct emit *e);  /* ends.c: those of emit_rule_end(), of this table */
/* ends.c: log, count, and let pass or drop, as the whole of a chain. */
void emit_end_chain(struct emit *e, const char *name, const struct ending *ending);
/* judge.c */
void emit_judge(struct emit *e);
void emit_judge_shared(struct emit *e);
void emit_left_chain(struct emit *e);
void emit_left_to_host(struct emit *e, struct rs_chain *chain);
void emit_nd(struct emit *e, struct rs_chain *chain, uint32_t type);
struct rs_match emit_on_one_bridge(void); /* from and to ports of one bridge */
/* Router solicitations, and reports of who listens to which multicast group. */
void emit_noise(struct emit *e, struct rs_chain *chain);
void emit_inet_base(struct emit *e); /* inet.c */
/* prerouting.c */
void emit_prerouting(struct emit *e);
const struct ip_prefix *emit_loopback(enum ip_family family); /* 127.0.0.0/8, ::1 */
void emit_bridge_table(struct emit *e);			      /* bridge.c */
void emit_parent_table(struct emit *e); /* parent.c: table netdev netd, where there is a parent */
void emit_zones(struct emit *e);	/* sets.c: SET_INTERNET4 and so on, of the table */
void emit_meter(struct emit *e, const char *name, enum rs_type type); /* sets.c */
void emit_noise_set(struct emit *e); /* sets.c: SET_NOISE of the table */
/* group.c: who is judged alike. 0 or -ENOMEM. */
int emit_make_groups(struct emit *e) MUST_CHECK;
/* Which networks' frames must pass the inet hooks, and whether any. @changed, per network, NULL:
 * any of them may have changed; the others are as they were. 0 or -ENOMEM. */
int emit_bridge_nf(struct emit *e, const bool *changed) MUST_CHECK;
/* Members of the group may reach each other without a look at protocol or state. */
bool emit_fully_within(const struct emit *e, const struct group *group);

/* ---- policy rules into conditions (peers.c) ---- */

/* A rule of these conditions for what no tier's container sends, IPv4 and IPv6: neither from an
 * address of its own nor from one that its tier speaks for. In table inet. */
void emit_of_no_tier(struct emit *e, struct rs_chain *chain, const struct rs_match *matches,
		     size_t n, enum rs_verdict verdict, const char *target); /* spoken.c */
/* The sets of what tiers speak for, in the table that is being written. */
void emit_spoken_sets(struct emit *e); /* spoken.c */
/* Up to this many alternatives stand for one peer (world: two zones, two families). */
#define PEER_ALTERNATIVES 4
size_t peer_alternatives(struct emit *e, const struct policy_peer *peer, enum side side,
			 struct rs_match ret[PEER_ALTERNATIVES]);
/* internet, lan, world, dns, hosts, a prefix that no tier speaks for */
bool peer_is_outside(const struct policy_peer *peer);
/* The peer where a rule is about the outside: what a range leaves out of a CIDR (Docker's networks,
 * metadata services) no tier speaks for, and a deny rule forbids it as it does any other address.
 */
struct policy_peer peer_seen_outside(const struct emit *e, const struct policy_rule *rule,
				     const struct policy_peer *peer);
const char *emit_rule_place(struct emit *e, const struct policy_rule *rule); /* "policy.yaml:31" */
bool rule_names_tier(const struct policy_peer *peers, size_t n, int tier);
/* The same, or addresses that the tier speaks for. */
bool rule_touches_tier(const struct policy_peer *peers, size_t n, int tier);

/* One way to meet a rule's ports: no condition (any), a protocol, a protocol and ports, these and
 * an address of the host (resolver, published on that address) or a bridge. */
struct port_condition {
	struct rs_match matches[6];
	size_t n;
};
typedef VEC(struct port_condition) port_conditions;
/* A CIDR that a tier speaks for means no more than what the tier speaks for of it: neither Docker's
 * networks nor the metadata addresses in it. That is one more condition; no conditions are left
 * where nothing is left of the CIDR. Every other peer: @ports as they are. */
port_conditions peer_narrowed(struct emit *e, const struct policy_peer *peer, enum side side,
			      const port_conditions *ports);
/* @port_field: RS_CT_REPLY_PROTO_SRC where the true destination's port is known,
 * RS_CT_ORIGINAL_PROTO_DST on the way to the host itself. */
void rule_port_conditions(struct emit *e, const struct port_range *ports, size_t n,
			  enum rs_field port_field, port_conditions *ret);

/* The host's resolvers, port 53: the part of a rule's ports that is within (tiers.c). */
void emit_dns_conditions(struct emit *e, const struct policy_rule *rule, enum rs_field field,
			 port_conditions *ret);
/* The rules that one policy rule becomes in a chain: each alternative with each port condition.
 * @denied: how what a deny rule forbids ends here. */
void emit_policy_rule(struct emit *e, struct rs_chain *chain, size_t rule,
		      const struct rs_match *alternatives, size_t n_alternatives,
		      const port_conditions *ports, enum end_scope denied);
