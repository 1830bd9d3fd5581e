/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside core/compile: what single ports and endpoints have as elements of sets. It is in places of
 * its own there, so it can be made anew without the rest of a ruleset (again.h). */
#pragma once

#include "core/compile/emit.h"

/* What a port may say and hear beside what is its container's own. */
enum port_guard {
	GUARD_STRICT,
	GUARD_AUDITED, /* anything, logged, but for what is an enforced tier's or the host's */
	GUARD_LEFT,    /* left alone: anything but for what is a tier's or the host's */
};

struct port_facts {
	bool managed;	    /* a container's, on a judged bridge */
	bool others;	    /* of a judged bridge, and not a container's */
	bool stacked;	    /* a container's, on a bridge that something stands on */
	uint32_t endpoint;  /* that takes part and is plugged in there, or NOBODY */
	enum reason closed; /* of a managed one without such an endpoint, unless it is left alone */
	enum port_guard guard;
};
#define NOBODY UINT32_MAX
#define CLOSED_REASONS 5 /* why a port is closed, as sets: bridge.h */

/* Sets whose keys begin with the name of a port, so that what a port has in them is a run of its
 * own (again.c). Not all of them are in each ruleset. */
enum port_set {
	PORT_SET_INET, /* SET_PORTS of table inet; all others are of table bridge */
	PORT_SET_BRIDGE,
	PORT_SET_OTHERS,
	PORT_SET_STACKED,
	PORT_SET_AUDITED,
	PORT_SET_LEFT,
	PORT_SET_WITHIN,
	PORT_SET_CLOSED,
	PORT_SET_CLOSED_BY, /* one for each of emit_closed_reasons() */
	PORT_SET_PORT_MAC = PORT_SET_CLOSED_BY + CLOSED_REASONS,
	PORT_SET_GUARD4,
	PORT_SET_GUARD6,
	PORT_SET_GUARD_ND,
	PORT_SETS, /* then for each group: its speakers, its ports */
};

/* Sets of which the elements are those of single endpoints: their keys begin with an address or the
 * MAC of one. In pairs by family, where it is an address; in table inet up to the first of table
 * bridge. Not all of them are in each ruleset. */
enum endpoint_set {
	ENDPOINT_ANY,
	ENDPOINT_TO = 2,
	ENDPOINT_FROM = 4,
	ENDPOINT_AUDITED = 6,
	ENDPOINT_OWN = 8,
	ENDPOINT_REACHED = 10,
	ENDPOINT_CLOSED = 12,
	ENDPOINT_BRIDGE_ANY = 14,
	ENDPOINT_MACS = 16,
	ENDPOINT_KEPT_FROM_AUDITED = 18, /* of enum kept_set */
	ENDPOINT_KEPT_FROM_LEFT = 22,
	ENDPOINT_SETS = 26, /* then the members of each group */
};
/* What ports that are not guarded strictly may not use (loose.c). */
enum kept_set { KEPT_ADDR, KEPT_TARGET = 2, KEPT_MAC, KEPT_SETS };

/* ---- what ports fill (ports.c) ---- */

/* Room for the sets below. 0 or -ENOMEM. */
int emit_make_port_sets(struct emit *e) MUST_CHECK;
size_t emit_n_port_sets(const struct emit *e);
/* Of a group: those that it speaks through, or those that may reach each other without state. */
size_t emit_speakers_set(const struct emit *e, const struct group *group);
size_t emit_within_set(const struct emit *e, const struct group *group);
/* Makes a set of table e->family that ports fill. */
struct rs_set *emit_port_set(struct emit *e, size_t set, const char *name,
			     const enum rs_type *types, size_t n);
/* All that one port has in them. */
void emit_port(struct emit *e, const struct world_port *port, const struct port_facts *facts);
/* Of a port that no endpoint is plugged into, as far as is known (order.c). */
struct port_facts emit_look_at_port(const struct emit *e, const struct world_port *port);
/* The endpoint @i is. */
void emit_plug_in(const struct emit *e, uint32_t i, struct port_facts *port);

/* ---- what endpoints fill (endpoints.c) ---- */

/* Room for the sets below. 0 or -ENOMEM. */
int emit_make_endpoint_sets(struct emit *e) MUST_CHECK;
size_t emit_n_endpoint_sets(const struct emit *e);
size_t emit_members_set(const struct emit *e, const struct group *group, size_t family);
enum rs_family emit_endpoint_set_family(size_t set);
/* What an address of an endpoint on a managed network has, in either table. */
void emit_address(struct emit *e, const struct owned_addr *owned);
void emit_guarded_address(struct emit *e, const struct owned_addr *owned);
/* Why nobody reaches the endpoint, or the host does not; REASON_NONE: neither is so. */
enum reason emit_closed_reason(const struct emit *e, uint32_t endpoint);
/* An address of that group, whoever has it. */
void emit_member(struct emit *e, const struct group *group, const struct ip_addr *addr);
/* The address that its kernel makes of its MAC is a member of its group, if it is nobody else's. */
bool emit_has_link_local(const struct emit *e, size_t endpoint);
/* What is the endpoint's alone, whether its port is known or not; in table bridge. */
void emit_link_layer(struct emit *e, size_t endpoint);
/* What of it ports that are not guarded strictly may not use (loose.c). */
void emit_kept_endpoint(struct emit *e, size_t endpoint);
