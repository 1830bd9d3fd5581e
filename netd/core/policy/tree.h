/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A YAML file as nodes that know where they stand, in the plain subset that policies use: one
 * document, no aliases, anchors or tags, no key twice. */
#pragma once

#include <stdbool.h>

#include "core/policy/policy.h"

/* NODE_BAD: something was here and was reported; say no more about it. */
enum node_kind { NODE_BAD, NODE_SCALAR, NODE_SEQUENCE, NODE_MAPPING };

struct node {
	struct source_loc loc;
	enum node_kind kind;
	bool quoted;	    /* written in quotes or as a block: a text, whatever it looks like */
	bool repeated;	    /* a key that stood before in its mapping (reported) */
	const char *text;   /* NODE_SCALAR: no control characters but tab and newline */
	struct node *first; /* items of a sequence, keys of a mapping */
	struct node *next;  /* the next of them */
	struct node *value; /* of a key; never NULL there */
	size_t n;	    /* items or keys */
};

/* 0: *ret is set, in @arena; NULL when the file holds no document. POLICY_E_INVALID: the file is
 * unusable, reported; findings that leave a usable tree are reported too. -ENOMEM. */
int policy_tree_parse(const struct policy_source *source, struct arena *arena,
		      struct diag_list *diags, const struct node **ret) MUST_CHECK;
/* Nothing is written there: an empty value, `~` or `null`. */
bool policy_node_is_null(const struct node *node);
/* The value of a key of a mapping; NULL when it is not there, or @mapping is none. */
const struct node *policy_node_get(const struct node *mapping, const char *name);
