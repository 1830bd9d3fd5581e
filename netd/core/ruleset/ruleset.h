/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ruleset as a value: what the compiler makes, the printer shows, the differ compares, the
 * evaluator runs and the netlink edge encodes. It holds just the part of nftables that netd uses.
 *
 * Built with ruleset_new() and the add functions, then ruleset_seal()ed: elements sorted, names
 * checked. A sealed ruleset does not change, but for its stamp. Everything lives in one arena. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/ip.h"
#include "core/base/text.h"
#include "core/ruleset/fields.h"

/* ---- values ---- */

#define RS_KEY_FIELDS 5
#define RS_MAX_MATCHES 16u /* conditions in one rule; the kernel takes 128 expressions */
#define RS_KEY_BYTES 44

/* Fields one after the other, each padded with zeroes to a multiple of 4 bytes, as the kernel's
 * registers hold them (a single field is not padded). */
struct rs_key {
	uint8_t len;
	uint8_t bytes[RS_KEY_BYTES];
};

/* ---- tables ---- */

/* Table netdev netd is there only where something is in it: rs_table_is_there(). */
enum rs_family { RS_INET, RS_BRIDGE, RS_NETDEV, RS_FAMILY_COUNT };
enum rs_hook {
	RS_HOOK_PREROUTING,
	RS_HOOK_INPUT,
	RS_HOOK_FORWARD,
	RS_HOOK_OUTPUT,
	RS_HOOK_POSTROUTING,
	RS_HOOK_INGRESS, /* of family netdev: what an interface takes, and what it sends */
	RS_HOOK_EGRESS,
};

enum rs_verdict {
	RS_CONTINUE, /* the rule has no verdict: the next rule */
	RS_ACCEPT,
	RS_DROP,
	RS_RETURN,
	RS_JUMP,
	RS_GOTO,
	RS_VMAP, /* the verdict of the map's element; no element: the next rule */
};

/* What a map says of an element. */
struct rs_outcome {
	enum rs_verdict verdict; /* RS_ACCEPT, RS_DROP or RS_GOTO */
	const char *target;	 /* RS_GOTO: chain name, else NULL */
	uint32_t chain;		 /* the same, as a place: rs_chain_at(); once sealed */
};

/* One element, as it is added and looked at. */
struct rs_elem {
	struct rs_key key;
	struct rs_key last;	   /* interval sets: last value, included; empty: the key alone */
	struct rs_outcome outcome; /* of a set: none, RS_CONTINUE */
};

/* A host has some thirty elements for each of its endpoints: they are packed. `map` and `interval`
 * are said before the first element comes. */
struct rs_set {
	const char *name;
	enum rs_type types[RS_KEY_FIELDS];
	uint8_t n_types, key_len;
	bool map;      /* verdict map */
	bool interval; /* elements are ranges (one field), none at either end of the space */
	bool meter;    /* filled by the rules that log: one field, no element here */
	/* Filled by rules that remember a packet (rs_note); an element is forgotten after so many
	 * seconds without another one. 0: no such set. No element here. */
	uint32_t forgets_s;
	size_t n_elems, cap_elems;
	uint8_t *packed;		 /* sorted by key once sealed: order.h */
	VEC(struct rs_outcome) outcomes; /* of a map, each once */
	/* While elements are added: a hash table of outcomes, and the one of the element before. */
	uint32_t *index;
	size_t cap_index;
	uint16_t last_place;
	size_t n_settled;   /* of a set of ruleset_own_set(): those of before, in order */
	bool ascending;	    /* they came in order, no key twice; known once sorted */
	const char *misfit; /* why an element was not taken: ruleset_seal() fails, or NULL */
};

enum rs_op {
	RS_EQ,	  /* field == value */
	RS_NE,	  /* field != value */
	RS_BITS,  /* (field & mask) == value; with one bit of a state or status: `ct status dnat` */
	RS_RANGE, /* value <= field <= last: one field */
	RS_IN,	  /* in the named set */
	RS_NOT_IN,
};

/* One condition of a rule. A field that the packet does not have (the IPv6 source of an IPv4
 * packet, ct of an untracked one) makes the rule not match, whatever the operator: as in nftables.
 */
struct rs_match {
	enum rs_op op;
	enum rs_field fields[RS_KEY_FIELDS];
	uint8_t n_fields;
	bool is_stamp;	     /* value follows the ruleset's stamp: ruleset_set_stamp() */
	struct rs_key value; /* RS_EQ, RS_NE, RS_BITS, RS_RANGE */
	struct rs_key mask;  /* RS_BITS; as long as value */
	struct rs_key last;  /* RS_RANGE */
	const char *set;     /* RS_IN, RS_NOT_IN */
	uint32_t found;	     /* the same, as a place: rs_set_at(); once sealed */
};

/* The log statement, always behind a rate limit, so that a flood of denials is a flood of nothing:
 * one limit for all, or one for each value of a field, kept in a meter. Where a meter is full, who
 * is not in it is not logged. Such a rule has no verdict. NFLOG. */
struct rs_log {
	const char *prefix; /* at most 127 bytes */
	uint16_t group;
	uint32_t per_second, burst;
	const char *meter;    /* or NULL */
	enum rs_field source; /* of the meter's type */
};
/* Who was silent for a minute is forgotten. */
#define RS_METER_SECONDS 60u
/* Of any set that rules fill: an element takes some 200 bytes of the kernel's memory. */
#define RS_FILLED_SIZE 65535u

/* update @set { fields }: the packet is remembered. Where the set is full, or the packet lacks a
 * field, the rule ends there, and the next one follows. */
struct rs_note {
	const char *set; /* one that forgets */
	enum rs_field fields[RS_KEY_FIELDS];
	uint8_t n_fields;
};

/* mark = (mark & mask) ^ bits */
struct rs_mark {
	enum rs_field field; /* RS_META_MARK or RS_CT_SECMARK */
	uint32_t mask, bits;
	bool is_stamp;
};

/* Parts apply in this order: matches, log, counter, mark, note, verdict. */
struct rs_rule {
	struct rs_match *matches;
	size_t n_matches;
	const struct rs_log *log;   /* or NULL */
	const char *counter;	    /* a named counter, or NULL */
	struct rs_mark *mark;	    /* or NULL */
	const struct rs_note *note; /* or NULL */
	enum rs_verdict verdict;
	const char *target;  /* RS_JUMP, RS_GOTO: chain; RS_VMAP: map */
	uint32_t chain, map; /* the same, as places: rs_chain_at(), rs_set_at(); once sealed */
	enum rs_field vmap_fields[RS_KEY_FIELDS];
	uint8_t n_vmap_fields;
	const char *comment;  /* "20-shop.yaml:31", at most 127 bytes, or NULL */
	uint32_t policy_rule; /* index into policy.rules + 1; 0: not from a rule */
	uint8_t reason; /* of what ends a denial: the compiler's enum reason; 0: another rule */
	bool audited;	/* a denial that passes all the same */
};

/* An interface that a chain of family netdev is hooked to. */
struct rs_device {
	char name[16];
	/* Which one of that name: the kernel takes a chain's hook away with the interface. */
	uint32_t ifindex;
};

struct rs_base {
	enum rs_hook hook;
	int32_t priority;
	const struct rs_device *devices; /* family netdev; sorted by name */
	size_t n_devices;
};

struct rs_chain {
	const char *name;
	/* NULL: a regular chain. Base chains are of type filter with policy accept. */
	const struct rs_base *base;
	const char *comment; /* printed above the chain as a # line, not stored in the kernel */
	VEC(struct rs_rule) rules;
};

struct rs_table {
	enum rs_family family;
	VEC(struct rs_set *) sets;	    /* sorted by name once sealed */
	VEC(const char *) counters;	    /* sorted, without doubles, once sealed */
	VEC(struct rs_chain *) chains;	    /* in the order made, as the story reads */
	VEC(const struct rs_chain *) bases; /* the base chains among them */
	const struct rs_chain **by_name;    /* the same chains, sorted; once sealed */
	uint32_t *places;		    /* of each of by_name: rs_chain_at() */
	const struct rs_chain **at;	    /* by place; NULL: whose it was is gone */
	size_t n_at;
};

/* Where the stamp stands in a rule: exactly one of the two is set. */
struct rs_stamp_place {
	struct rs_match *match;
	struct rs_mark *mark;
};

struct ruleset {
	struct arena *arena;
	struct rs_table tables[RS_FAMILY_COUNT]; /* both are named "netd" */
	uint32_t stamp, stamp_mask; /* stamp is within the mask; set the mask before adding rules */
	VEC(struct rs_stamp_place) stamped; /* kept by ruleset_add_rule() */
};

#define RS_TABLE_NAME "netd"

/* ---- building (core/compile) ---- */

struct ruleset *ruleset_new(struct arena *arena) MUST_CHECK;
/* NULL: out of memory. Names, comments and prefixes are borrowed: they live in the arena or longer.
 */
struct rs_set *ruleset_add_set(struct ruleset *rs, enum rs_family family, const char *name,
			       const enum rs_type *types, size_t n_types) MUST_CHECK;
struct rs_chain *ruleset_add_chain(struct ruleset *rs, enum rs_family family, const char *name,
				   const struct rs_base *base) MUST_CHECK;
int ruleset_add_counter(struct ruleset *rs, enum rs_family family, const char *name) MUST_CHECK;
int ruleset_add_elem(struct ruleset *rs, struct rs_set *set, const struct rs_elem *elem) MUST_CHECK;
/* An element that is one key; of a map with its outcome, else NULL. */
int ruleset_add_key(struct ruleset *rs, struct rs_set *set, const struct rs_key *key,
		    const struct rs_outcome *outcome) MUST_CHECK;
/* Copies the rule with its matches, log and mark, so these may stand on the stack. */
int ruleset_add_rule(struct ruleset *rs, struct rs_chain *chain,
		     const struct rs_rule *rule) MUST_CHECK;
/* Sorts, makes elements that say the same one, finds what names refer to, and checks: elements that
 * contradict, names that refer to nothing, chains reachable in a loop, all that nft or the kernel
 * would refuse. 0;
 * -EINVAL: the compiler is wrong (a bug, with *why); -ENOMEM. */
int ruleset_seal(struct ruleset *rs, const char **why) MUST_CHECK;
/* ---- a sealed ruleset once more, with other elements, and some other chains ---- */

/* As @from, from which it borrows all but the chains that hold the stamp. NULL: out of memory. */
struct ruleset *ruleset_again(const struct ruleset *from, struct arena *arena) MUST_CHECK;
/* First bytes of keys, each of @len: in order, one after the other; some may be there twice. */
struct rs_prefixes {
	const uint8_t *bytes;
	size_t n, len;
};
/* A set of @rs in place of @from, of the same name: without what begins with one of the prefixes.
 * Elements may be added to it until ruleset_settle_set(). NULL: out of memory. */
struct rs_set *ruleset_own_set(struct ruleset *rs, enum rs_family family, const struct rs_set *from,
			       const struct rs_prefixes *without) MUST_CHECK;
/* The same without any element. */
struct rs_set *ruleset_empty_set(struct ruleset *rs, enum rs_family family,
				 const struct rs_set *from) MUST_CHECK;
/* Puts what was added in order; after ruleset_settle_chains(), where chains were made. 0, -ENOMEM;
 * 1: ruleset_seal() would have something to say, and must be asked. */
int ruleset_settle_set(struct ruleset *rs, enum rs_family family, struct rs_set *set) MUST_CHECK;

/* Chains that were made one after the other, as places in table->chains. */
struct rs_run {
	size_t first, n;
};
/* Regular chains of @rs that were added behind the first @n_before ones stand where those of @run
 * stood, which are none of the ruleset's any more; *run is theirs then. 0 or -ENOMEM. */
int ruleset_replace_chains(struct ruleset *rs, enum rs_family family, size_t n_before,
			   struct rs_run *run) MUST_CHECK;
void ruleset_drop_counter(struct ruleset *rs, enum rs_family family, const char *name);
/* Sorts chains and counters anew. A chain that is called as one of @from, which @rs was made of,
 * keeps its place, so that what is borrowed finds it; those of @runs are linked and checked. 0,
 * -ENOMEM; 1: ruleset_seal() would have something to say. */
int ruleset_settle_chains(struct ruleset *rs, enum rs_family family, const struct ruleset *from,
			  const struct rs_run *runs, size_t n_runs) MUST_CHECK;
/* The last of all, where chains were settled: whether they call each other in a loop, or too deep.
 * 0, -ENOMEM, 1: the same. */
int ruleset_check_calls(struct ruleset *rs, enum rs_family family) MUST_CHECK;

/* Rewrites every value that follows the stamp. */
void ruleset_set_stamp(struct ruleset *rs, uint32_t stamp);
/* A name that nft reads back: its characters, its length, none of its reserved words. */
bool ruleset_name_ok(const char *name);
const char *const *ruleset_reserved_words(size_t *ret_n); /* of nft, sorted */

/* Appends one field's value, padded when the key has several fields. */
void rs_key_add(struct rs_key *key, enum rs_type type, const void *bytes, bool several);
int rs_key_compare(const struct rs_key *a, const struct rs_key *b);

/* ---- reading (sealed rulesets) ---- */

/* What a name stands for is kept as a place, from 1 on: of a set among the sorted sets of the
 * table; of a chain one that it has as long as a ruleset is made of the one before it. 0 is
 * nothing. So two rulesets can have chains in common, where those have the same places. NULL:
 * nothing. */
const struct rs_set *rs_set_at(const struct rs_table *table, uint32_t place);
const struct rs_chain *rs_chain_at(const struct rs_table *table, uint32_t place);
/* Whether the kernel is to have the table: the two that netd always has, and one that is not empty.
 */
bool rs_table_is_there(const struct rs_table *table);
const struct rs_set *ruleset_find_set(const struct rs_table *table, const char *name);
const struct rs_chain *ruleset_find_chain(const struct rs_table *table, const char *name);
struct rs_elem rs_set_elem(const struct rs_set *set, size_t i);
/* The element of that key (of the range that holds it), or -1. O(log n). */
ptrdiff_t rs_set_find(const struct rs_set *set, const struct rs_key *key);
/* RS_BITS of one bit of a state or status: nft's `ct status dnat`, encoded as != 0. */
bool rs_match_is_flag(const struct rs_match *match);

/* As `nft -f` reads it and `nft list` nearly writes it. Whole rulesets begin with the lines that
 * make loading replace an older netd table. */
void ruleset_print(const struct ruleset *rs, struct text *out);
void ruleset_print_rule(const struct rs_rule *rule, struct text *out); /* one line, no newline */
const char *rs_family_name(enum rs_family family);
const char *rs_hook_name(enum rs_hook hook);
/* Not nft's own JSON schema: described in netdctl(8). 0 or -ENOMEM. */
int ruleset_print_json(const struct ruleset *rs, struct text *out) MUST_CHECK;

/* ---- differing ---- */

struct rs_elem_change {
	const struct rs_set *set; /* of the new ruleset */
	const struct rs_set *of;  /* that has the element: the old one's, when it is deleted */
	size_t elem;
};

/* What turns one sealed ruleset into another: the shape the netlink batch has. All pointers borrow
 * from the two rulesets. Counters and unchanged chains keep their state in the kernel. */
struct rs_table_diff {
	enum rs_family family;
	/* The table itself comes, or goes: with it goes all that is in it, of which nothing is
	 * said. */
	bool new_table, old_table;
	VEC(const char *) new_counters, old_counters;
	VEC(const struct rs_set *) new_sets, old_sets; /* whole sets, with their elements */
	VEC(const struct rs_chain *) new_chains, old_chains;
	VEC(const struct rs_chain *) changed_chains; /* of the new ruleset; written anew */
	/* Elements of sets that both have: deleted first, then added. */
	VEC(struct rs_elem_change) deleted, added;
};

struct rs_diff {
	struct rs_table_diff tables[RS_FAMILY_COUNT];
	bool empty;
	/* Anything but additions that only admit: something deleted or rewritten, or an element
	 * more where it denies. Flows must be judged again. */
	bool takes_away;
};

/* 0 or -ENOMEM. A set whose type changed, or a base chain whose hook changed, is deleted and made
 * anew. @from NULL: everything is new. */
int ruleset_diff(const struct ruleset *from, const struct ruleset *to, struct arena *arena,
		 struct rs_diff *ret) MUST_CHECK;
bool ruleset_equal(const struct ruleset *a, const struct ruleset *b);
