/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions about all flows at once, without asking for every pair of endpoints: endpoints of one
 * tier (under one policy, or under both of two that are compared) form a class, and the port space
 * is cut where the rules that name both ends cut it. One flow of each kind goes through the
 * evaluator. Private to core/report. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/report/json.h"
#include "core/report/report.h"
#include "core/simulate/simulate.h"

#define SURVEY_INPUTS 2
#define SURVEY_NONE UINT32_MAX
#define SURVEY_PARTS 3

enum survey_kind {
	SURVEY_CLASS,
	SURVEY_HOST,
	SURVEY_INTERNET,
	SURVEY_LAN,
	SURVEY_DNS,
	SURVEY_HOSTS,
	SURVEY_PREFIX,
};

/* Who may be at an end. index: of the class or prefix; of hosts 0 for one that stands for all, else
 * one more than that of its address among those of the fleet. */
struct survey_end {
	enum survey_kind kind;
	uint32_t index;
};

/* The two most complete endpoints of a class on one network; the second may be SURVEY_NONE. And per
 * family two from which something goes to other networks that are open to others, where there are
 * such. */
struct survey_sample {
	uint32_t network, endpoint[2], sender[2][2];
};

/* Addresses of the fleet's hosts that no policy tells apart. */
struct survey_host_kind {
	uint32_t first, n; /* of survey->hosts_by_kind */
};

/* Those between which a class sees no difference: what is true of one is true of the group. */
struct survey_host_group {
	uint32_t first, n; /* of groups->kinds */
};
struct survey_host_groups {
	const struct survey_host_group *items;
	size_t n; /* 0: all hosts are alike, and one stands for them */
	const uint32_t *kinds;
};

/* A published port, or the end of a range of ports, as one number that orders them. */
typedef uint32_t survey_port;

/* Endpoints that all inputs treat alike. */
struct survey_class {
	struct assignment as[SURVEY_INPUTS]; /* kind and tier */
	const char *name;		     /* "backend", "unmatched", "backend (was frontend)" */
	const uint32_t *members;	     /* network by network, the most complete ones first */
	size_t n_endpoints;
	const struct survey_sample *samples; /* by network, of those networks that it is on */
	size_t n_samples;
	const uint32_t *sources; /* the prefixes that rules name as its sources, sorted */
	size_t n_sources;
	const survey_port *cuts; /* sorted: where a rule's ports to it begin, or have ended */
	size_t n_cuts;
	/* Where a rule names hosts: as its sources, and its destinations. */
	struct survey_host_groups host_sources, host_destinations;
	uint8_t **exposed; /* exposure_ask()'s memory: per part between cuts, of 4 kinds */
	bool is_open[2];   /* per family: some of its networks are open to others */
};

/* Neighbouring published ports of a class, with the endpoint that has them most open, per family.
 */
struct survey_opening {
	uint32_t class;
	struct port_range port;
	uint32_t endpoint[2]; /* SURVEY_NONE */
	bool loopback[2];     /* for this host alone, at its most open */
	uint32_t routed[2];   /* one at whose own address it is, or SURVEY_NONE; or several such */
	bool several[2];
};

/* Which ends a rule names. */
struct survey_rule {
	bool from_host, from_outside, to_host, to_outside;
};

/* Rules, as indices. */
typedef VEC(uint32_t) survey_rules;
typedef VEC(uint32_t) survey_classes;
typedef VEC(uint32_t) survey_selection; /* of parts, or of groups of hosts */

struct survey {
	const struct report_input *in[SURVEY_INPUTS]; /* of one world */
	size_t n_inputs;
	const struct world *world;
	struct arena *arena;
	struct survey_class *classes;
	size_t n_classes;
	uint32_t *class_of;	  /* per endpoint; SURVEY_NONE: not on a managed network */
	const uint32_t *first_of; /* per container: its first endpoint; one more at the end */
	const struct survey_opening *openings; /* by class, then port */
	size_t n_openings;
	const struct ip_prefix *prefixes; /* that rules name, sorted, each once */
	size_t n_prefixes;
	const uint32_t *around;	    /* per prefix the narrowest that holds it, or SURVEY_NONE */
	struct ip_addr zones[2][2]; /* internet, lan: who stands for them, per family */
	const struct ip_addr *in_prefix; /* per prefix */
	/* Per prefix one in internet, in lan and in neither, where it has more than one of these
	 * parts; else family IP_NONE. */
	const struct ip_addr (*in_parts)[SURVEY_PARTS];
	struct survey_rule *rules[SURVEY_INPUTS];
	uint8_t *tiers[SURVEY_INPUTS]; /* rule * n_tiers + tier: 1 from, 2 to */
	/* The rules by who may be their source: each tier, then the host, then all outside. */
	survey_rules *from[SURVEY_INPUTS];
	survey_rules *into[SURVEY_INPUTS];	/* the rules from outside, by destination tier */
	survey_rules every[SURVEY_INPUTS];	/* all of them */
	survey_classes *of_tier[SURVEY_INPUTS]; /* the classes that are in a tier */
	bool names_dns;				/* some rule has `to: dns` */
	bool names_hosts;			/* some rule is about the fleet */
	struct ip_addr hosts[2];		/* who stands for these, per family */
	const uint32_t *hosts_by_kind;		/* their addresses, as in->compiled->hosts */
	const struct survey_host_kind *host_kinds;
	size_t n_host_kinds;
	uint8_t *joined; /* bit from * n_classes + to: an allow rule names both */
	bool is_open[2]; /* per family: some network is open to others (gateway_mode routed) */
};

int survey_init(struct survey *survey, const struct report_input *const *inputs, size_t n,
		struct arena *arena) MUST_CHECK;
/* Steps of survey_init(). */
int survey_classify(struct survey *survey) MUST_CHECK;
int survey_index_classes(struct survey *survey) MUST_CHECK;
int survey_find_openings(struct survey *survey) MUST_CHECK;
int survey_choose_addresses(struct survey *survey) MUST_CHECK;
int survey_group_hosts(struct survey *survey) MUST_CHECK;
const char *survey_end_name(const struct survey *survey, struct survey_end end,
			    char ret[LIMIT_PEER_TEXT]);

/* ---- who stands for an end ---- */

/* An address of a zone outside all the prefixes that rules name, where there is one, and outside
 * Docker's networks. Family IP_NONE: the end has none. */
struct ip_addr survey_address(const struct survey *survey, struct survey_end end,
			      enum ip_family family);
/* All who stand for an end over a family; how many. */
size_t survey_addresses(const struct survey *survey, struct survey_end end, enum ip_family family,
			struct ip_addr ret[SURVEY_PARTS]);
/* Two endpoints of the classes on one network (preferring one of that family that lets its
 * containers talk), else on two (preferring such as Docker routes between). False: there are no
 * two. */
bool survey_pair(const struct survey *survey, const uint32_t classes[2], enum ip_family family,
		 uint32_t ret[2]);
/* An endpoint of the class with an address of that family, to which Docker can route from that
 * network: its container has none there, so that its answer comes back the same way. Or
 * SURVEY_NONE. */
uint32_t survey_routed_to(const struct survey *survey, uint32_t class, enum ip_family family,
			  uint32_t network);
/* Those of some endpoints that fit: @class, or the @endpoints where that is SURVEY_NONE. */
struct survey_group {
	uint32_t class;
	const uint32_t *endpoints;
	size_t n;
};
/* Two endpoints on different networks between which Docker lets that port (one number) pass, as
 * the second network is open to others. False: there are no two. */
bool survey_opened_pair(const struct survey *survey, const struct survey_group ends[2],
			enum ip_family family, const struct port_range *port, uint32_t ret[2]);
/* An address that may be on a network of Docker's: nobody's there, or one that a tier speaks for.
 */
bool survey_is_on_network(const struct report_input *in, const struct sim_end *end);
/* The endpoints of the class that Docker lets others in to on that port, one a call; of those that
 * are on one network alone the first there stands for all. SURVEY_NONE after the last. */
struct survey_let_in {
	size_t at;
	uint32_t done; /* network; it begins with SURVEY_NONE */
};
uint32_t survey_next_let_in(const struct survey *survey, uint32_t class, enum ip_family family,
			    const struct port_range *port, struct survey_let_in *walk);
/* For each of its networks one of the class from which something goes to such networks. */
uint32_t survey_next_sender(const struct survey *survey, uint32_t class, enum ip_family family,
			    size_t *cursor);
/* Something can pass to and from it: it has such an address, and is admitted through a port. */
bool survey_has_family(const struct survey *survey, uint32_t endpoint, enum ip_family family);
/* Through a port of its bridge; nothing passes to or from others, whatever the policy says. */
bool survey_is_admitted(const struct survey *survey, uint32_t endpoint);
/* The samples of the class on that network, or NULL. */
const struct survey_sample *survey_sample_on(const struct survey *survey, uint32_t class,
					     uint32_t network);
/* Which part of the port space a port is in: no rule to the class tells two ports of one apart. */
size_t survey_part_of(const struct survey *survey, uint32_t class, const struct port_range *port);
/* The openings of a class and protocol from that port on: the first that ends at it or behind it,
 * as an index; survey->n_openings or one of another kind when there is none. */
uint32_t survey_opening_from(const struct survey *survey, uint32_t class,
			     const struct port_range *port);
/* The tier that speaks for an entry of the policy's `spoken` is heard: the address is not one that
 * Docker has dealt out. */
bool survey_is_spoken(const struct report_input *in, const struct policy_spoken *entry);
/* The opening that holds the first port of that range, as an index; SURVEY_NONE: nobody in the
 * class publishes it. */
uint32_t survey_opening_at(const struct survey *survey, uint32_t class,
			   const struct port_range *port);
/* The narrowest prefix that rules name and that holds the address, or SURVEY_NONE. */
uint32_t survey_innermost(const struct survey *survey, const struct ip_addr *addr);
uint32_t survey_prefix_at(const struct survey *survey, const struct ip_prefix *prefix);
/* An endpoint of the class, preferring one of that family from which something leaves. */
uint32_t survey_any(const struct survey *survey, uint32_t class, enum ip_family family);
/* An endpoint of the class beside which a container of that tier is, which may speak to it for
 * others; of several, one where the two are let talk. SURVEY_NONE: there is none. */
uint32_t survey_beside(const struct survey *survey, uint32_t class, enum ip_family family,
		       size_t input, uint32_t tier);
/* As survey_any(), but not of the container of @except; SURVEY_NONE: there is no other. */
uint32_t survey_other(const struct survey *survey, uint32_t class, enum ip_family family,
		      uint32_t except);

/* ---- the fleet's hosts ---- */

/* One of the group, who stands for it. */
struct survey_end survey_host_group_end(const struct survey *survey,
					const struct survey_host_groups *groups, size_t group);
/* Those of the groups that are @selected: "hosts" where these are all of their families, else also
 * which: "hosts (alpha, beta at 10.0.0.7 and 30 more)". Equal hashes: the same hosts, whatever the
 * families. Texts are constant or in @arena. 0 or -ENOMEM. */
struct survey_hosts_name {
	const char *text;
	uint64_t hash;
};
int survey_name_hosts(const struct survey *survey, const struct survey_host_groups *groups,
		      const survey_selection *selected, struct arena *arena,
		      struct survey_hosts_name *ret) MUST_CHECK;

/* ---- the answers ---- */

/* Bit 0: over IPv4, bit 1: over IPv6; for each of the addresses that stand for a prefix. */
enum { SURVEY_OVER_IPV4 = 0x55, SURVEY_OVER_IPV6 = 0xaa };
struct survey_verdict {
	uint8_t sent, allowed, audited, by_docker;
	uint32_t rule; /* that decided, as in struct sim_result */
};

/* The verdicts on one part of the port space. rest: all that is in no other part; where icmpv6 is
 * one of those and all else with ports is too, the rest has no flows over IPv6. */
struct survey_part {
	struct port_range ports;
	bool rest, not_over_ipv6;
	bool ping; /* apart from the rest because Docker may let it in alone */
	struct survey_verdict verdict[SURVEY_INPUTS];
};
typedef VEC(struct survey_part) survey_parts;

/* 0 or -ENOMEM. *ret lives in @scratch. Empty: there is nobody to ask about, or nothing passes. */
int survey_ask(const struct survey *survey, struct survey_end from, struct survey_end to,
	       struct arena *scratch, survey_parts *ret) MUST_CHECK;
/* Some input lets something pass from one class to the other: a rule does, or one tier, or audit
 * mode. Where not, there is nothing to ask. */
bool survey_is_joined(const struct survey *survey, uint32_t from,
		      uint32_t to); /* by an allow rule */
bool survey_may_pass(const struct survey *survey, uint32_t from, uint32_t to);
/* The parts of the port space between two ends, without verdicts: a step of survey_ask(). */
int survey_cut(const struct survey *survey, struct survey_end from, struct survey_end to,
	       struct arena *scratch, survey_parts *ret) MUST_CHECK;
/* "ports":["443/tcp"] or ["any"], then maybe with "except":[…], of the parts that are @selected:
 * their indices, in order. */
void survey_print_ports(struct rj *j, cJSON *object, const survey_parts *parts,
			const survey_selection *selected);

/* The pairs that are worth asking about, one a call; false after the last. */
struct survey_walk {
	size_t input, rule, step;
	uint32_t from, to;
	size_t other;  /* of a rule: the peer of its other side, and which class of that tier */
	uint8_t *seen; /* class * n_prefixes + prefix: 1 from, 2 to */
	size_t speaking, spoken; /* input, and which of what its tiers speak for */
	uint32_t neighbour;	 /* class and direction */
};
int survey_walk_init(const struct survey *survey, struct survey_walk *walk) MUST_CHECK;
bool survey_walk_next(const struct survey *survey, struct survey_walk *walk,
		      struct survey_end *from, struct survey_end *to);
