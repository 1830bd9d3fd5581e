/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What talks to what: a flow as a value, and the store of those that were seen. A flow is distinct
 * by its two ends, the port of the server's side, and what became of it; the same one again is
 * counted. Pure: moments are arguments.
 *
 * Who is outside has any address, and may try any port: neither pushes the evidence of others out.
 * Of the addresses of one zone at one end, with the same other end, port and verdict, the first
 * LIMIT_FLOW_PEERS are kept as they are, then as many prefixes (/24, IPv6 /64), then the zone
 * alone; of the ports between two ends the first LIMIT_FLOW_PORTS, then the protocol alone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/cleanup.h"
#include "core/base/ip.h"
#include "core/compile/reason.h"
#include "core/world/world.h"

enum flow_end_kind {
	FLOW_CONTAINER, /* or a sandbox of Docker's */
	FLOW_HOST,
	FLOW_OUTSIDE, /* neither a container's address nor one of this host */
	FLOW_NOBODY,  /* of a managed network, but no known container's; or a frame tells none */
};

enum flow_zone { FLOW_NO_ZONE, FLOW_INTERNET, FLOW_LAN };

/* One end. A container's texts are borrowed: by whoever notes a flow for that call, from the store
 * until it changes. */
struct flow_end {
	enum flow_end_kind kind;
	/* FLOW_CONTAINER. It is the same end by id and network; the rest is as last seen. */
	enum world_kind sandbox;
	const char *id, *name, *network, *tier; /* tier "": none */
	/* What it was made of, as long as it was there to be asked: "" not known, or none. Labels
	 * as in flow/labels.h. Whoever notes a flow leaves both to @container. */
	const char *image, *labels;
	const struct world_container *container; /* NULL: it is not at hand */
	uint32_t number;     /* from the store: who it is in there, until that changes; 0: nobody */
	enum flow_zone zone; /* FLOW_OUTSIDE */
	/* len: its prefix; 0: the zone alone; all of its bits: that address. IP_NONE: no address.
	 */
	struct ip_addr addr;
	uint8_t len;
};

enum flow_verdict { FLOW_ALLOWED, FLOW_AUDITED, FLOW_DENIED };

/* Members that stand for several; bits. */
enum flow_folded { FLOW_FOLDED_FROM = 1, FLOW_FOLDED_TO = 2, FLOW_FOLDED_PORT = 4 };

struct flow {
	struct flow_end from, to;
	uint16_t ether_type; /* a frame that is not IP: its type; else 0 */
	uint8_t proto;	     /* IANA number */
	uint16_t port;	     /* of the server's side, behind DNAT; 0: none, or all of them */
	uint16_t host_port;  /* of this host, through which it came; 0: none */
	enum flow_verdict verdict;
	enum reason reason; /* FLOW_AUDITED, FLOW_DENIED */
	const char *place;  /* of the rule that said so, "policy.yaml:31", or of a tier's end; "" */
	unsigned int folded;
	uint64_t count;
	uint64_t since_staged; /* of count: since flow_store_stage() */
	int64_t first, last;   /* seconds since the epoch */
};

const char *flow_verdict_name(enum flow_verdict verdict); /* "allowed" */
const char *flow_kind_name(const struct flow_end *end);	  /* "container", "build", "host" … */
const char *flow_zone_name(enum flow_zone zone);	  /* "internet", "lan"; NULL: none */
/* An address of which no more is known than what kind of end it is: all of its bits, no name. */
struct flow_end flow_end_at(enum flow_end_kind kind, const struct ip_addr *addr);
/* The same of an end outside, with its zone. */
struct flow_end flow_outside(const struct ip_addr *addr);
/* "5432/tcp", "icmp", "protocol 47", "arp", "ethertype 0x88cc"; "tcp": its further ports. */
#define FLOW_PORT_LEN 24
const char *flow_port_text(const struct flow *flow, char ret[FLOW_PORT_LEN]);
/* "203.0.113.7", "203.0.113.0/24"; "" for a zone alone, or where there is no address. */
const char *flow_address_text(const struct flow_end *end, char ret[PREFIX_TEXT_LEN]);

/* ---- the store ---- */

struct flow_store;

/* @seed: so that nobody outside can choose what meets in one place of a table. NULL: no memory. */
struct flow_store *flow_store_new(uint64_t seed) MUST_CHECK;
struct flow_store *flow_store_free(struct flow_store *store);

/* Counts flow->count of it, as of @now; first and last are not looked at. What is new may be
 * folded, and pushes the least recent one out where LIMIT_FLOWS are kept. A clock that was set back
 * makes no flow end before it began. 0 or -ENOMEM: it is not kept. */
int flow_store_note(struct flow_store *store, const struct flow *flow, int64_t now) MUST_CHECK;
/* The same with the moments and folds that it has, as the least recent one: read from a file, in
 * which the most recent ones come first. Nothing where there is no room. */
int flow_store_restore(struct flow_store *store, const struct flow *flow) MUST_CHECK;
/* Such a flow is kept as it is, not folded; or was seen to pass. */
bool flow_store_has(const struct flow_store *store, const struct flow *flow);
bool flow_store_passed(const struct flow_store *store, const struct flow *flow);

/* One a call; false after the last. *cursor starts at 0, the store does not change meanwhile.
 * @newest: the most recent first, else the least recent. */
bool flow_store_next(const struct flow_store *store, bool newest, uint32_t *cursor,
		     struct flow *ret);
/* From now on since_staged counts from nothing. */
void flow_store_stage(struct flow_store *store);

struct flow_counts {
	size_t kept;
	uint64_t noted;	     /* changes whenever the store does */
	uint64_t pushed_out; /* for newer ones */
};
struct flow_counts flow_store_counts(const struct flow_store *store);
/* Tests: fewer than LIMIT_FLOWS. */
void flow_store_limit(struct flow_store *store, size_t limit);
