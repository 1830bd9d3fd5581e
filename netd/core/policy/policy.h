/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy language, version 1: YAML bytes in, a checked policy out (netd-policy(5)).
 * Pure: the caller reads the files; several files are merged in the order given. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/diag.h"
#include "core/base/ip.h"
#include "core/base/limits.h"
#include "core/posture/posture.h"

enum policy_mode { POLICY_ENFORCE, POLICY_AUDIT };
enum policy_action { POLICY_ALLOW, POLICY_DENY };
enum policy_unmatched { POLICY_UNMATCHED_DENY, POLICY_UNMATCHED_IGNORE };

/* One entry of `match`: every key that is set must match; globs with * and ?. NULL: not set. */
struct policy_match {
	struct source_loc loc;
	const char *network, *compose_project, *compose_service, *container, *image;
	const struct policy_label *labels;
	size_t n_labels;
	const char *endpoint; /* a word: a kind of endpoint that no container stands for */
};

struct policy_label {
	const char *key, *value; /* value may be a glob */
};

/* One entry of `speaks_for`. */
struct policy_spoken {
	struct source_loc loc;
	struct ip_prefix prefix;
	uint32_t tier;
};

struct policy_tier {
	struct source_loc loc;
	const char *name, *description; /* description: "" when absent */
	const struct policy_match *matches;
	size_t n_matches;
	enum policy_mode mode; /* the policy's when the tier names none */
	bool within;	       /* members on one network may reach each other */
	bool image_labels;     /* labels that come from a container's image count, too */
	/* Addresses of others that its containers have as well, as written; in the policy's
	 * `spoken` but for a default route. */
	const struct policy_spoken *speaks_for;
	size_t n_speaks_for;
	/* What its containers must be like; NULL: nothing is required. */
	const struct posture_require *require;
	struct source_loc require_loc;
	bool require_warns; /* whoever falls short of it is only told of */
	bool routes[2];	    /* IPv4, IPv6: it speaks for 0.0.0.0/0, ::/0: a router to all outside */
};

enum peer_kind {
	PEER_TIER,
	PEER_HOST,
	PEER_INTERNET,
	PEER_LAN,
	PEER_WORLD,
	PEER_DNS,
	PEER_HOSTS, /* the other hosts of the fleet, world.members */
	PEER_PREFIX
};

struct policy_peer {
	struct source_loc loc;
	enum peer_kind kind;
	uint32_t tier;		 /* index into policy.tiers, PEER_TIER and spoken only */
	struct ip_prefix prefix; /* PEER_PREFIX only */
	bool spoken;		 /* PEER_PREFIX: @tier speaks for all of it */
};

/* One entry of `allow` or `deny`. Empty ports: every protocol and port (then n_ports is 0). */
struct policy_rule {
	struct source_loc loc; /* of the entry */
	enum policy_action action;
	const struct policy_peer *from, *to;
	size_t n_from, n_to;
	const struct port_range *ports;
	size_t n_ports;
	bool log;
	int64_t until; /* seconds since the epoch, UTC; 0: for ever. In force while now < until */
};

/* One entry of `tests`. */
struct policy_test {
	struct source_loc loc;
	struct policy_peer from, to;
	struct port_range port;
	enum policy_action expect;
};

/* One entry of `accept`: findings of `netdctl validate` that count no more. Every place that is set
 * must match what the finding is about; globs with * and ?, NULL: not set. */
struct policy_accept {
	struct source_loc loc;
	const char *const *findings; /* their ids */
	size_t n_findings;
	const char *file, *tier, *container, *service, *network;
	struct port_range port; /* counts where has_port is set */
	bool has_port;
	const char *reason;
	int64_t until; /* as a rule's */
};

struct policy {
	enum policy_mode mode;
	enum policy_unmatched unmatched;
	const struct policy_tier *tiers; /* sorted by name */
	size_t n_tiers;
	const struct policy_rule *rules; /* in source order: file, then line */
	size_t n_rules;
	const struct policy_test *tests;
	size_t n_tests;
	const struct policy_accept *accepts; /* in source order */
	size_t n_accepts;
	const struct policy_spoken *spoken; /* sorted; none in another, but for single addresses */
	size_t n_spoken;
	/* How long a host of the fleet that is gone is still one, in seconds. */
	int64_t hosts_grace;
};

/* Unless the policy says otherwise: a host has started again by then. */
#define POLICY_HOSTS_GRACE 600

struct policy_source {
	const char *name; /* for diagnostics, as the user named it */
	const char *bytes;
	size_t len;
};

/* Everything the parser can report. The ids are stable: scripts and the manual page name them. */
const struct diag_info *policy_diag_table(size_t *ret_n); /* sorted by id */

/* Longest tier name: chain and set names made of it stay readable and below the kernel's limits. */
#define POLICY_TIER_NAME 40u

/* Parse, merge and check. Every finding goes to @diags (errors and warnings, sorted); texts and the
 * policy live in @arena, file names are borrowed from @sources.
 * 0: *ret is set (warnings possible). POLICY_E_INVALID: @diags has errors. -ENOMEM. */
#define POLICY_E_INVALID 1
int policy_parse(const struct policy_source *sources, size_t n_sources, struct arena *arena,
		 struct diag_list *diags, const struct policy **ret) MUST_CHECK;

/* Warnings that need the time: rules and accepted findings whose `until` has passed. @now: seconds
 * since the epoch. */
void policy_check_time(const struct policy *policy, int64_t now, struct diag_list *diags);
/* The next moment after @now at which a rule ends, 0 when none does. */
int64_t policy_next_change(const struct policy *policy, int64_t now);
/* The keys of the labels that the matches name, sorted, each once; *ret_n of them, in @arena. NULL:
 * no memory. */
const char *const *policy_label_keys(const struct policy *policy, struct arena *arena,
				     size_t *ret_n) MUST_CHECK;
/* The tier that speaks for all of these addresses, as an index, or -1. A default route speaks for
 * nobody in particular. */
int policy_find_speaker(const struct policy *policy, const struct ip_prefix *prefix);
/* Some tier requires a posture, so that of containers must be known. */
bool policy_requires_posture(const struct policy *policy);
/* Some tier requires something that reports or signatures of images tell. */
bool policy_requires_images(const struct policy *policy);
/* Some rule is about the other hosts of the fleet. */
bool policy_names_hosts(const struct policy *policy);
/* Index of the tier of that name, or -1. */
int policy_find_tier(const struct policy *policy, const char *name);
/* The names of the tiers that a rule names, *ret_n of them; in @arena, NULL: no memory. */
const char *const *policy_rule_tiers(const struct policy *policy, const struct policy_rule *rule,
				     struct arena *arena, size_t *ret_n) MUST_CHECK;
/* A peer written as in the policy (tier name, host, internet, lan, world, dns, hosts, address,
 * CIDR).
 * 0 or -EINVAL. */
int policy_parse_peer(const struct policy *policy, const char *text,
		      struct policy_peer *ret) MUST_CHECK;
/* "frontend", "internet", "203.0.113.0/24". */
const char *policy_peer_name(const struct policy *policy, const struct policy_peer *peer,
			     char ret[LIMIT_PEER_TEXT]);
