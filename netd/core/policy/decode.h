/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes to objects: each kind of object is a table of its keys. A finding is reported and decoding
 * goes on, so that one run shows them all; whether an object is sound shows in the error count. */
#pragma once

#include "core/base/text.h"
#include "core/policy/finding.h"
#include "core/policy/peer.h"
#include "core/policy/policy.h"
#include "core/yaml/node.h"

struct decoder;

struct draft_tier {
	struct policy_tier tier;
	bool has_mode;
	size_t index; /* order of reading */
};

/* An `allow`, `deny` or `tests`: read when the tiers of all files are known. */
struct draft_section {
	const struct node *key;
	int (*decode)(struct decoder *d, const struct node *key);
};

/* A setting that stands in one file or alike in several. */
struct draft_setting {
	int value;
	struct source_loc loc;
	bool set;
};

struct decoder {
	struct arena *arena;
	struct diag_list *diags;
	struct draft_setting mode, unmatched, grace;
	VEC(struct draft_tier) tiers;
	VEC(struct draft_section) sections; /* of all files, in their order */
	VEC(struct policy_rule) rules;	    /* the sound ones */
	VEC(struct policy_test) tests;
	VEC(struct policy_accept) accepts;
	size_t n_rules, n_tests, n_accepts; /* with the unsound ones, for the limits */
	struct policy *policy;		    /* tiers are complete before the sections are read */
	bool partial; /* some tiers could not be read: others may be unknown for that */
};

/* @key->value is the value. 0 (also when it was bad, and reported) or -ENOMEM. */
typedef int (*decode_fn)(struct decoder *d, const struct node *key, void *object);

struct decode_field {
	const char *name;
	bool required;
	decode_fn decode;
};

struct decode_shape {
	const char *what; /* "a rule" */
	const struct decode_field *fields;
	size_t n;
};

int policy_decode_object(struct decoder *d, const struct node *node,
			 const struct decode_shape *shape, void *object) MUST_CHECK;

/* A finding about @node: "`name` must be a list, not a mapping"; @name may be a phrase ("a rule").
 * Silent for NODE_BAD. */
void policy_wrong_type(struct decoder *d, const struct node *node, const char *name,
		       const char *expected);
/* The text of a scalar, or NULL after a report. */
const char *policy_decode_text(struct decoder *d, const struct node *node, const char *name);
/* One of @words: its index, or -1 after a report. */
int policy_decode_word(struct decoder *d, const struct node *key, const char *const *words,
		       size_t n);
int policy_decode_bool(struct decoder *d, const struct node *key); /* 0, 1, or -1 */
/* How a list is read: @or_one takes a scalar as a list of itself, @empty is reported when nothing
 * is in it. */
struct decode_list {
	const char *expected; /* "a list of ports" */
	bool or_one;
	enum finding empty;
	const char *empty_hint;
};
/* The first item, or NULL after a report: not a list, empty, more than LIMIT_RULE_ITEMS. */
const struct node *policy_decode_items(struct decoder *d, const struct node *key,
				       const struct decode_list *how);

/* The first item of a section; NULL: it is empty, which is no mistake, or no list, which is
 * reported. */
const struct node *policy_decode_section(struct decoder *d, const struct node *key,
					 const char *expected);
/* A glob, or NULL after a report. */
const char *policy_decode_pattern(struct decoder *d, const struct node *node, const char *name);
void policy_decode_port(struct decoder *d, const struct node *node, const char *name,
			struct port_range *ret);
void policy_decode_time(struct decoder *d, const struct node *key, int64_t *ret);
/* What is probably meant by a word that is no peer; NULL: nothing comes to mind. */
const char *policy_find_synonym(const char *word);
/* What is wrong with an address or CIDR. */
void policy_report_prefix(struct decoder *d, const struct node *node, enum peer_problem problem,
			  const struct ip_prefix *prefix);
/* speaks.c: the key of a tier, and what all tiers together speak for: fills policy.spoken. */
/* require.c: two keys of a tier. */
int policy_decode_require(struct decoder *d, const struct node *key, void *object);
int policy_decode_require_mode(struct decoder *d, const struct node *key, void *object);
int policy_decode_speaks_for(struct decoder *d, const struct node *key, void *object);
int policy_gather_spoken(struct decoder *d, struct policy_tier *tiers, size_t n) MUST_CHECK;

/* The sections. */
int policy_decode_tiers(struct decoder *d, const struct node *key);
int policy_decode_allow(struct decoder *d, const struct node *key);
int policy_decode_deny(struct decoder *d, const struct node *key);
int policy_decode_tests(struct decoder *d, const struct node *key);
int policy_decode_accept(struct decoder *d, const struct node *key);
int policy_decode_hosts(struct decoder *d, const struct node *key); /* hosts.c */
/* A setting that several files may have, if it is the same; @value < 0: it was bad. */
int policy_set_once(struct decoder *d, const struct node *key, int value,
		    struct draft_setting *setting);
extern const char *const policy_mode_words[2]; /* in the order of enum policy_mode */
