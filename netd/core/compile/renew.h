/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to core/compile: the state of a compilation that reuses the one before it (again.h), and
 * what its files do. Where a function is 0, -ENOMEM or 1, 1 says: it must be compiled as a whole.
 */
#pragma once

#include "core/compile/again.h"
#include "core/compile/emit.h"

/* Above this many ports, or endpoints, the whole is as quick. */
#define RENEW_MOST 64u
#define RENEW_GONE UINT32_MAX

/* A MAC on a bridge. */
struct mac_place {
	struct mac_addr mac;
	const char *bridge;
	size_t n_ports, n_endpoints; /* that have it */
	uint32_t port, endpoint;     /* the last of them */
};

/* What a set's keys begin with: those of one length. */
typedef VEC(uint8_t) key_list;

struct again {
	struct emit e;
	const struct emit *parts;	      /* of the compilation before */
	const struct assignment *assignments; /* of that one */
	const struct compile_input *was;
	const struct world *old, *new;
	/* Endpoints. */
	bool same_people; /* Docker has said nothing in between */
	bool publishes;	  /* one of those that are made anew, as it was or is */
	/* Per endpoint of now: which one of the old world it is; and the other way round. GONE: it
	 * is made anew. NULL: all are as they were. */
	uint32_t *from, *to;
	VEC(uint32_t) gone, come; /* those that are made anew, as they were and as they are */
	key_list addrs[2], macs;  /* of those that were: in order, as struct rs_prefixes has them */
	struct assignment *own;	  /* the assignments of now */
	/* Ports. */
	uint32_t *moved;	  /* per old port: its place now, or GONE */
	bool *touched;		  /* per new port */
	struct rs_prefixes names; /* of all that are touched, gone ones too; in order */
	VEC(struct mac_place) places;
	uint64_t macs_seen[4]; /* of places: a bit for each last byte */
};

/* ---- renew-compare.c ---- */

/* The compilation before, where it is asked about single endpoints. */
struct emit renew_before(const struct again *a);
/* Nothing that an endpoint has is more than elements, as far as settings and policy say. */
bool renew_may_renew_endpoints(const struct compile_input *in, const struct emit *parts);
/* Fills from, gone and come, and touches their places. 0, -ENOMEM, 1. */
int renew_compare_endpoints(struct again *a) MUST_CHECK;

/* ---- renew-endpoints.c ---- */

/* Fills own, and makes anew what those that have come or gone have in the sets, and the chains that
 * depend on them. @old: what e->rs is made of. 0, -ENOMEM, 1. */
int renew_endpoints(struct again *a, const struct ruleset *old) MUST_CHECK;

/* ---- renew-published.c ---- */

/* Fills e->published as long as its chains are the same, and the maps with what is in them then.
 * 0, -ENOMEM; 1: the chains are to be made anew, or the maps. */
int renew_openings(struct again *a) MUST_CHECK;
/* All of them anew, in the arena and the ruleset of e. 0 or -ENOMEM. */
int renew_published(struct again *a) MUST_CHECK;

/* ---- renew-chains.c ---- */

/* After own: what is published, and the ends of denials that are asked for by reason, where either
 * is another one. 0, -ENOMEM, 1. */
int renew_chains(struct again *a, const struct ruleset *old) MUST_CHECK;
/* After the sets are settled: what these chains call. The same. */
int renew_check_calls(struct again *a) MUST_CHECK;

/* ---- renew-ports.c ---- */

/* Whatever has that MAC on that bridge is judged anew. 0, -ENOMEM, 1. */
int renew_touch_place(struct again *a, const struct mac_addr *mac, const char *bridge) MUST_CHECK;
/* Compares the ports, and touches what they concern. 0, -ENOMEM, 1. */
int renew_compare_ports(struct again *a) MUST_CHECK;
/* After the endpoints: whose the touched ports are, and what they have in the sets. 0, -ENOMEM, 1.
 */
int renew_ports(struct again *a) MUST_CHECK;
