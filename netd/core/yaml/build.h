/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree in the making. Internal to core/yaml. */
#pragma once

#include <yaml.h>

#include "core/base/limits.h"
#include "core/yaml/node.h"

/* An open sequence or mapping; key: the one that waits for its value. */
struct node_level {
	struct node *node, *last, *key;
};

struct node_anchor {
	const char *name;
	struct node *node; /* the last of that name */
};

struct node_builder {
	struct arena *arena;
	struct diag_list *diags;
	const struct node_dialect *dialect;
	const char *file;
	struct node_level levels[LIMIT_YAML_DEPTH];
	size_t depth;
	struct node *root, *last;	 /* of the first document, of the last */
	VEC(struct node_anchor) anchors; /* sorted by name */
	uint32_t shared;		 /* nodes that aliases and merge keys stand for */
	bool has_document, done;
};

struct source_loc node_locate(const struct node_builder *b, const yaml_mark_t *mark);
void node_report(const struct node_builder *b, enum node_fault fault, struct source_loc loc,
		 const char *hint, const char *format, ...) PRINTF_LIKE(5, 6);
/* At the place that waits for one. NULL: out of memory. */
struct node *node_add(struct node_builder *b, enum node_kind kind, const yaml_event_t *event);

/* Each: 0, NODE_E_INVALID (reported; the file is unusable) or -ENOMEM. */
int node_set_anchor(struct node_builder *b, const char *name, struct node *node) MUST_CHECK;
int node_on_alias(struct node_builder *b, const yaml_event_t *event) MUST_CHECK;
/* Puts the keys of merged mappings in the place of `<<`. */
int node_merge_keys(struct node_builder *b, struct node *mapping) MUST_CHECK;
/* Counts what is below a finished container. */
int node_weigh(struct node_builder *b, struct node *node) MUST_CHECK;
