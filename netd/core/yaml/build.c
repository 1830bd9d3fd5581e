/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the readers of nodes and of aliases build with. */
#include "core/yaml/build.h"

#include <stdarg.h>
#include <stdio.h>

struct source_loc node_locate(const struct node_builder *b, const yaml_mark_t *mark)
{
	return (struct source_loc){ b->file, (uint32_t)mark->line + 1, (uint32_t)mark->column + 1 };
}

void node_report(const struct node_builder *b, enum node_fault fault, struct source_loc loc,
		 const char *hint, const char *format, ...)
{
	char text[256]; /* quoted words are short */
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	b->dialect->report(b->diags, fault, loc, hint, text);
}

struct node *node_add(struct node_builder *b, enum node_kind kind, const yaml_event_t *event)
{
	struct node *node = arena_alloc(b->arena, sizeof(*node));

	if (!node)
		return NULL;
	node->kind = kind;
	node->weight = 1;
	node->loc = node_locate(b, &event->start_mark);

	struct node_level *level = b->depth ? &b->levels[b->depth - 1] : NULL;
	if (!level) {
		*(b->last ? &b->last->next : &b->root) = node;
		b->last = node;
	} else if (level->key) {
		level->key->value = node;
		level->key = NULL;
	} else {
		*(level->last ? &level->last->next : &level->node->first) = node;
		level->last = node;
		level->node->n++;
		level->key = level->node->kind == NODE_MAPPING ? node : NULL;
	}
	return node;
}

bool node_is_override(const struct node *node)
{
	return node->tag && strcmp(node->tag, "!override") == 0;
}
