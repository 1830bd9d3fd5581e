/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why netd denies a packet: the one list of reasons. The compiler ends each denial with a reason
 * (rs_rule.reason, emit_end()); the log, `status` and `explain` tell it in the words of this table.
 *
 * To add a reason: add a row to REASONS, and let the compiler end a chain with it, by
 * emit_end(e, REASON_X) as the target of a rule. Chain, log line and counter are then made by
 * core/compile/ends.c, and status, log and explain know the reason without another line. Add it to
 * the table of reasons in netd.8 as well. A word never changes its meaning, since scripts read it.
 */
#pragma once

#include <stdbool.h>

#include "core/base/arena.h"
#include "core/base/cleanup.h"

/* Name, word (for machines: journal field, JSON, counter), text (for people: it follows a colon
 * behind the two ends of a packet), and whether a drop for it is quiet: no denial of anything that
 * somebody wanted, so it is counted apart and not logged. */
#define REASONS(X)                                                                                 \
	X(NO_RULE, "no-rule", "no rule allows it", false)                                          \
	X(RULE, "rule", "a deny rule forbids it", false)                                           \
	X(UNKNOWN_ADDRESS, "unknown-address",                                                      \
	  "no known container of the managed network has this address", false)                     \
	X(UNMATCHED, "unmatched", "no tier matches the container", false)                          \
	X(CONFLICT, "conflict", "two tiers match the container alike", false)                      \
	X(ADDRESS_CLASH, "address-clash", "two containers have the same address", false)           \
	X(QUARANTINED, "quarantined", "the container falls short of what its tier requires",       \
	  false)                                                                                   \
	X(NOT_KNOWN, "not-known", "Docker has not told what the container is yet", false)          \
	X(NOT_ADMITTED, "not-admitted", "the container's port is not admitted yet", false)         \
	X(GROUP, "group", "no other tier hears a container's multicasts and broadcasts", false)    \
	X(STARTING, "starting", "the container is starting: its published ports are closed first", \
	  false)                                                                                   \
	X(SEVERAL_TIERS, "several-tiers",                                                          \
	  "the container that publishes the port is in several tiers, and through the host "       \
	  "nothing tells them apart",                                                              \
	  false)                                                                                   \
	X(SPOOFED, "spoofed", "the sender uses an address or MAC of somebody else", false)         \
	X(FOREIGN_SOURCE, "foreign-source",                                                        \
	  "the sender uses an address that Docker did not give it, as a router or for a second "   \
	  "address: `speaks_for` of its tier would admit it",                                      \
	  false)                                                                                   \
	X(FOREIGN_MAC, "foreign-mac", "the sender uses a MAC that Docker did not give it", false)  \
	X(THROUGH_CONTAINER, "through-container",                                                  \
	  "it goes to the outside through another container: `speaks_for` of a router's tier "     \
	  "would admit it",                                                                        \
	  false)                                                                                   \
	X(ROUTER, "router", "a container acts as a router of its network", false)                  \
	X(FRAME, "frame", "a kind of frame that containers do not send", false)                    \
	X(MISDIRECTED, "misdirected", "the container at this port does not have the address",      \
	  false)                                                                                   \
	X(UNSEEN, "unseen",                                                                        \
	  "between two ports of a bridge where the packet filter does not see the connection",     \
	  false)                                                                                   \
	X(UNKNOWN_PORT, "unknown-port", "no container is known at this port of the bridge yet",    \
	  false)                                                                                   \
	X(UNKNOWN_BRIDGE, "unknown-bridge", "no network of Docker's names this bridge", false)     \
	X(STACKED, "stacked", "what stands on a bridge (VLAN, macvlan) is in no tier", false)      \
	X(PAST_BRIDGE, "past-bridge", "a port of a bridge receives nothing past the bridge",       \
	  false)                                                                                   \
	X(LOOPBACK, "loopback", "loopback addresses are reached from this host alone", false)      \
	X(NOT_FROM_BRIDGE, "not-from-bridge", "a container's address is used outside its bridge",  \
	  false)                                                                                   \
	X(FOREIGN_ERROR, "foreign-error", "an ICMP error about a connection of others", false)     \
	X(PIECE, "piece", "a piece of a packet that came without its beginning", false)            \
	X(FULL, "full", "too many flows pass the parent of a macvlan network at once", false)      \
	X(NOISE, "noise", "what every kernel sends by itself and nobody here waits for", true)     \
	X(FLOODED, "flooded", "a copy of a frame that the bridge sent to every port", true)

enum reason {
	REASON_NONE,
#define REASON_ENUM(name, word, text, quiet) REASON_##name,
	REASONS(REASON_ENUM)
#undef REASON_ENUM
		REASON_COUNT,
};

const char *reason_word(enum reason reason); /* "no-rule"; REASON_NONE: "" */
const char *reason_text(enum reason reason); /* "no rule allows it" */
bool reason_is_quiet(enum reason reason);

/* ---- what a rule logs ---- */

enum logged_kind {
	LOGGED_DENIED,
	LOGGED_AUDITED, /* it would be denied, and passes */
	LOGGED_ALLOWED, /* an allow rule with `log: true` */
	LOGGED_KIND_COUNT,
};

/* What the prefix of a log message says. The kernel hands on nothing else of a rule, so this is the
 * one place where a reason is text, and both directions are in reason.c. */
struct logged {
	enum logged_kind kind;
	enum reason reason; /* NONE: LOGGED_ALLOWED */
	const char *place;  /* "policy.yaml:31" of a rule, "to backend" of a tier's end, or "" */
	size_t place_len;
};

/* "netd deny no-rule to backend "; NULL: out of memory. */
const char *logged_prefix(const struct logged *logged, struct arena *arena) MUST_CHECK;
/* The same backwards; @ret borrows from @prefix. False: another program's message. */
bool logged_parse(const char *prefix, struct logged *ret) MUST_CHECK;
