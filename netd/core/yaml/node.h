/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A YAML file as a tree of nodes, each of which knows the line and column where it stands. The tree
 * lives in the caller's arena. What a language written in YAML permits (a policy: one document, no
 * aliases; compose files: all of it) is its struct node_dialect; a violation is reported through
 * the dialect, in the words of that language. Nesting, size and the expansion of aliases are
 * bounded by core/base/limits.h.
 *
 * The prefix is node_, since yaml_ is libyaml's. */
#pragma once

#include <stdbool.h>

#include "core/base/diag.h"

/* NODE_BAD: something was here and was reported; say no more about it. */
enum node_kind { NODE_BAD, NODE_SCALAR, NODE_SEQUENCE, NODE_MAPPING };

struct node {
	struct source_loc loc; /* of an alias: where the alias stands */
	enum node_kind kind;
	bool quoted;	  /* written in quotes or as a block: a text, whatever it looks like */
	bool repeated;	  /* a key that stood before in its mapping (reported), or with `!reset` */
	bool shared;	  /* an alias, or a key that `<<` brought in */
	uint16_t height;  /* levels below it, aliases counted as what they stand for */
	uint32_t weight;  /* nodes from here down, aliases too */
	const char *text; /* NODE_SCALAR: no control characters but tab and newline */
	const char *tag;  /* "!reset"; NULL: none */
	struct node *first; /* items of a sequence, keys of a mapping */
	struct node *next;  /* the next of them */
	struct node *value; /* of a key; never NULL there */
	size_t n;	    /* items or keys */
};

struct node_source {
	const char *name; /* for findings, as the user named it */
	const char *bytes;
	size_t len;
};

enum node_fault {
	NODE_FAULT_ALIAS,
	NODE_FAULT_DUPLICATE_KEY,
	NODE_FAULT_ENCODING,
	NODE_FAULT_MULTI_DOCUMENT, /* not in a rich dialect */
	NODE_FAULT_SYNTAX,
	NODE_FAULT_TAG,
	NODE_FAULT_TOO_DEEP,
	NODE_FAULT_TOO_LARGE, /* aliases written out */
};

struct node_dialect {
	const char *one, *many; /* "a policy", "policies" */
	const char *depth_hint; /* "a policy needs five levels" */
	/* Several documents, anchors, aliases, merge keys, tags, and characters that only look odd.
	 * What is tagged `!reset` is hidden: such an item is left out, such a key counts as
	 * repeated and does not stand in the way of a merged one; not so inside of what is tagged
	 * `!override`. */
	bool rich;
	void (*report)(struct diag_list *diags, enum node_fault fault, struct source_loc loc,
		       const char *hint, const char *text);
};

/* 0: *ret is set, in @arena: the root of the first document, whose `next` is that of the second;
 * NULL when the file holds no document. NODE_E_INVALID: the file is unusable, reported; findings
 * that leave a usable tree are reported too. -ENOMEM. In a rich dialect children may belong to
 * several nodes, and the tree is as small as the file; who walks it whole visits LIMIT_YAML_NODES
 * nodes at most. */
#define NODE_E_INVALID 1
int node_parse(const struct node_source *source, const struct node_dialect *dialect,
	       struct arena *arena, struct diag_list *diags, const struct node **ret) MUST_CHECK;
/* Nothing is written there: an empty value, `~` or `null`, without a tag. */
bool node_is_null(const struct node *node);
/* What a rich dialect knows as a tag of its own: `!reset`, `!override`. */
bool node_is_reset(const struct node *node);
bool node_is_override(const struct node *node);
/* A key of a mapping, and its value; NULL when it is not there, or @mapping is none. */
const struct node *node_find(const struct node *mapping, const char *name);
const struct node *node_get(const struct node *mapping, const char *name);
