/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside core/compile: what the files of table netdev netd share. parent-sets.c has who is there,
 * parent.c what the policy says of them, parent-flows.c what is remembered of packets, since there
 * are no connections. */
#pragma once

#include "core/compile/emit.h"

/* Seen from the container. */
enum parent_way { PARENT_INWARD, PARENT_OUTWARD };

/* Maps by a container's address: to the chain of its tier for what goes to it, for what it sends,
 * and for answers of either. */
enum parent_map { PARENT_TO, PARENT_FROM, PARENT_ANSWERS_TO, PARENT_ANSWERS_FROM, PARENT_MAPS };
const char *parent_map_name(enum parent_map map, size_t family); /* parent-flows.c */

/* What is let pass goes here: it is remembered. Opened: somebody begins; passed: an answer. */
#define CHAIN_OPENED_TO "opened_to"
#define CHAIN_OPENED_FROM "opened_from"
#define CHAIN_PASSED_TO "passed_to"
#define CHAIN_PASSED_FROM "passed_from"
/* Judge what may be an answer, and return where it is none. */
#define CHAIN_ANSWERED_TO "answered_to"
#define CHAIN_ANSWERED_FROM "answered_from"

/* meta protocol ip, ip6 */
struct rs_match parent_is_ip(size_t family);

/* ---- parent-sets.c ---- */

/* All containers that are judged here, in the maps above and beside them. */
void parent_emit_sets(struct emit *e);
/* Where the map leads for a container of the group. */
const char *parent_chain(struct emit *e, enum parent_map map, const struct group *group);

/* ---- parent-flows.c ---- */

/* The sets of what is remembered, and the chains above. */
void parent_emit_memory(struct emit *e);
/* What is IPv4 goes on to @judged, but for pieces of a packet, which follow their beginning. */
void parent_emit_pieces(struct emit *e, struct rs_chain *chain, enum parent_way way,
			const char *judged);
/* ICMP errors, which routers send as well. */
void parent_let_errors_in(struct emit *e, struct rs_chain *chain);
