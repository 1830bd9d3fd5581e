/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside core/compile: published ports, each with what judges it (published.c), and what of it
 * later compilations go on from (again.h). */
#pragma once

#include "core/compile/emit.h"

/* How a published port is keyed: on all addresses of the host, or on one. */
enum keyed { KEYED_ANY, KEYED_IP4, KEYED_IP6, KEYED_COUNT };

/* What a chain is about: two openings that are alike in this are judged by one chain. */
struct judged_port {
	/* Of the endpoints through which Docker may publish it, each once: those of enforced tiers
	 * first. None: closed. */
	const struct group *const *groups;
	size_t n_groups;
	/* Where the container is, if it is on one network and its tier is together there: its place
	 * in world->networks, plus one; or 0. */
	uint32_t network;
	struct port_range port; /* of the container */
};

/* One published port of a container that takes part. */
struct opening {
	struct judged_port of;
	enum keyed keyed;
	struct rs_key key;
	uint32_t container;
	enum reason closed; /* without groups: why */
	const char *chain;  /* that judges it */
};
typedef VEC(struct opening) openings;

/* How many openings are judged alike. */
struct published_use {
	struct judged_port of;
	size_t n;
	const char *chain;
};

/* What is published. As long as the same reasons are in closed, and the same ports in uses, the
 * chains are the same, and only elements of the maps are others. */
struct published_parts {
	struct rs_set *maps[KEYED_COUNT];
	struct published_use *uses; /* in order, those with groups; no n is 0 */
	size_t n_uses;
	size_t closed[REASON_COUNT]; /* how many nobody answers for, by why */
	bool shared;		     /* some key is of more than one container */
	struct rs_run chains;	     /* of table inet */
};

/* ---- published-ports.c ---- */

/* Of one container, which has the @n endpoints from @first on. */
void emit_openings_of(struct emit *e, size_t first, size_t n, openings *ret);
void emit_find_openings(struct emit *e, openings *ret); /* of all */
/* Closed ones first, then by tier, network and port. */
int published_compare_judged(const struct judged_port *a, const struct judged_port *b);
/* The same of two openings, and by map and key: as qsort() takes it. */
int published_by_chain(const void *left, const void *right);
int published_by_key(const void *left, const void *right);
struct published_use *published_find_use(const struct published_parts *published,
					 const struct judged_port *of); /* or NULL */
/* From openings by_chain, which have their chains: fills uses and closed. */
void emit_published_uses(struct emit *e, const openings *all);

/* ---- published.c ---- */

/* Into the maps, from openings by_key, which have their chains. */
void emit_published_elements(struct emit *e, const openings *all);
