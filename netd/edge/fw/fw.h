/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netd's two tables in the kernel, `inet netd` and `bridge netd`: one change is one transaction.
 * Talks nfnetlink through libmnl, in messages built by libnftnl; writes to nothing but these two
 * tables; reads these, what others have in nf_tables where a function says so, and in
 * fw_connections() the connections. Nothing here waits for anything but the kernel's own answer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/ruleset/ruleset.h"
#include "core/world/conntrack.h"
#include "core/world/world.h"

struct fw;

/* Filled by a function that fails: what, why, and what to do. "" and 0 before. */
struct fw_error {
	int err; /* -errno, as returned */
	char text[256];
};

/* Holds its socket until fw_free(): where the kernel can, the tables are owned by it, so no other
 * process can change them. Closing leaves the tables in force. */
int fw_open(struct fw **ret, struct fw_error *error) MUST_CHECK;
struct fw *fw_free(struct fw *fw);
void fw_freep(struct fw **fw); /* for CLEANUP() */

/* In a child process: the sockets of @fw are its parent's, so this one gets a socket of its own, to
 * ask on; it cannot commit. 0 or -errno. */
int fw_become_reader(struct fw *fw) MUST_CHECK;

/* What this kernel can do, probed once by fw_open(). */
bool fw_owns_tables(const struct fw *fw); /* owner + persist: Linux 6.9 and later */
bool fw_can_log(const struct fw *fw);	  /* a rule with rs_log would be accepted */
bool fw_can_stamp(const struct fw *fw);	  /* connections have a security mark */
bool fw_can_hook(const struct fw *fw);	  /* what an interface sends: Linux 5.16 and later */

/* Turns @from, which must be what is in force, into @to: the differences, in one transaction.
 * @from NULL: takes the place of whatever the tables hold. 0; or nothing changed, and -ENOBUFS: the
 * outcome is not known, commit again with NULL; -ENOENT, -EEXIST, -EBUSY: @from was not in force.
 */
int fw_commit_diff(struct fw *fw, const struct rs_diff *diff, bool whole,
		   struct fw_error *error) MUST_CHECK; /* whole: @diff is from NULL */
int fw_commit(struct fw *fw, const struct ruleset *from, const struct ruleset *to,
	      struct arena *scratch, struct fw_error *error) MUST_CHECK;
/* The same question without the answer taking effect. */
int fw_check(struct fw *fw, const struct ruleset *from, const struct ruleset *to,
	     struct arena *scratch, struct fw_error *error) MUST_CHECK;
/* Deletes both tables. 0 also when there are none. */
int fw_off(struct fw *fw, struct fw_error *error) MUST_CHECK;

/* What is in force now, whoever put it there. */
struct fw_state {
	bool exists[RS_FAMILY_COUNT];
	bool stamped; /* a rule stamps connections: with these */
	uint32_t stamp, stamp_mask;
};
int fw_probe(struct fw *fw, struct fw_state *ret, struct fw_error *error) MUST_CHECK;

/* The kernel against a ruleset: every table, chain, rule, set, element and counter of the two
 * tables, whoever wrote it. Values of counters do not count. */
enum fw_drift_kind { FW_MISSING, FW_FOREIGN, FW_CHANGED };
struct fw_drift {
	enum fw_drift_kind kind;
	const char *what; /* "rule 3 of chain inet netd to.db"; a rule that is foreign: its place in
			   * the kernel, else in the ruleset */
};
struct fw_verified {
	VEC(struct fw_drift) drifts; /* up to LIMIT_DRIFTS */
	size_t n_drifts, n_objects;
};
/* 0: *ret, in @arena. -EBUSY: others committed all the time. */
int fw_verify(struct fw *fw, const struct ruleset *rs, struct arena *arena, struct fw_verified *ret,
	      struct fw_error *error) MUST_CHECK;

/* Ports with the MAC they are guarded by, from the elements of a set of bridge netd whose key
 * begins with both; bridge is "". A port may be in it several times, once for each address. */
struct fw_admitted {
	VEC(struct world_port) ports;
};
int fw_read_admitted(struct fw *fw, const char *set, struct arena *arena, struct fw_admitted *ret,
		     struct fw_error *error) MUST_CHECK;

struct fw_counter {
	enum rs_family family;
	const char *name;
	uint64_t packets, bytes;
};

/* By family, then name. */
struct fw_counters {
	VEC(struct fw_counter) counters;
};
int fw_counters(struct fw *fw, struct arena *arena, struct fw_counters *ret,
		struct fw_error *error) MUST_CHECK;

/* The policy of chain FORWARD in iptables' table filter. NONE: it is not in nf_tables. */
enum fw_forward { FW_FORWARD_NONE, FW_FORWARD_ACCEPT, FW_FORWARD_DROP };
int fw_forward_policy(struct fw *fw, enum ip_family family, enum fw_forward *ret,
		      struct fw_error *error) MUST_CHECK;

/* Docker filters IPv6 too: it has chains for it, of ip6tables or of its own nftables backend. */
int fw_docker_ip6(struct fw *fw, bool *ret, struct fw_error *error) MUST_CHECK;

/* Whose rules, outside netd's tables, keep security marks in connections (CONNSECMARK of iptables,
 * `ct secmark set` of nft), where netd keeps its stamp: "table ip mangle, chain INPUT", or "".
 * Those of the older iptables (xt_tables) are not seen. */
#define FW_PLACE_LEN 320u /* two names of NFT_NAME_MAXLEN would be cut */
int fw_secmark_user(struct fw *fw, char ret[FW_PLACE_LEN], struct fw_error *error) MUST_CHECK;

/* The established connections of this network namespace, added to @ret: those that both sides have
 * spoken on. Reading them changes nothing. */
int fw_connections(struct fw *fw, struct arena *arena, struct cut_facts *ret,
		   struct fw_error *error) MUST_CHECK;

/* Commits tried again because another program committed between a look and ours. */
uint64_t fw_conflicts(const struct fw *fw);
/* The port of the socket that commits: how notifications of others are told from our own. */
uint32_t fw_portid(const struct fw *fw);
