/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to core/ruleset: the checks that ruleset_seal() is made of, one file for sets and names
 * (seal.c), one for rules (seal-rule.c) and one for the graph of chains (seal-graph.c). A failed
 * check is a bug of the compiler, never a user's mistake; the first one ends the sealing, and its
 * sentence is in struct seal. */
#pragma once

#include "core/ruleset/ruleset.h"

/* The kernel follows 16 chains in a row (NFT_JUMP_STACK_SIZE), jump or goto, from the base chain.
 */
#define RS_MAX_DEPTH 15u
/* The kernel's limits for comments and log prefixes, without the NUL. */
#define RS_MAX_COMMENT 127u

struct seal {
	struct ruleset *rs;
	const struct rs_table *table;
	const char *why; /* set by seal_fail() */
};

/* Says why, and is -EINVAL (-ENOMEM when even that does not fit). */
int seal_fail(struct seal *seal, const char *format, ...) PRINTF_LIKE(2, 3) MUST_CHECK;
/* A regular chain; NULL is none. */
bool seal_is_target(const struct rs_chain *chain);
/* NULL, or a text that nft can quote and read back. */
bool seal_text_ok(const char *text);
/* The chain's rules. */
int seal_chain(struct seal *seal, const struct rs_chain *chain) MUST_CHECK;
int seal_graph(struct seal *seal) MUST_CHECK; /* no loops, no nesting the kernel refuses */
/* Links and checks some chains of a table, of which all else was sealed, but not what they call;
 * what all call. As ruleset_seal(). */
int seal_some_chains(struct ruleset *rs, enum rs_family family, const struct rs_run *runs,
		     size_t n_runs) MUST_CHECK;
int seal_calls(struct ruleset *rs, enum rs_family family) MUST_CHECK;
