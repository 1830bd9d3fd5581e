/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libyaml events to nodes. The nesting is bounded, so is the stack of open containers; nothing
 * recurses. libyaml's own memory is bounded by what the caller takes for a file. */
#include "core/yaml/node.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/yaml/build.h"
#include "core/yaml/charset.h"

/* libyaml speaks of tokens; these say what people usually did. */
static const struct {
	const char *problem, *hint;
} syntax_hints[] = {
	{ "found character that cannot start any token",
	  "indent with spaces, and quote a word that starts with a special character" },
	{ "did not find expected alphabetic or numeric character",
	  "quote a pattern that starts with `*`" },
	{ "mapping values are not allowed in this context",
	  "check the indentation, and quote a text that holds `: `" },
	{ "could not find expected ':'", "write `key: value`" },
	{ "did not find expected key", "entries of one mapping stand in one column" },
	{ "did not find expected '-' indicator", "entries of one list stand in one column" },
	{ "did not find expected ',' or ']'", "close the list with `]`" },
	{ "did not find expected ',' or '}'", "close the mapping with `}`" },
	{ "found unexpected end of stream", "a quote is not closed" },
	{ "did not find expected node content", "a value is missing, or a bracket is not closed" },
	{ "found unexpected ':'", "put a space behind `:`" },
};

/* libyaml reads no plain word that begins with `:` inside brackets, as `::1` and `::/0` do. The
 * mark counts characters: behind others than ASCII the place is missed, and the common hint given.
 */
static bool stands_at_colon(const yaml_parser_t *parser)
{
	const unsigned char *start = parser->input.string.start;
	size_t len = (size_t)(parser->input.string.end - start), at = parser->problem_mark.index;

	return at + 1 < len && start[at] == ':' && start[at + 1] == ':';
}

static int report_syntax(struct node_builder *b, const yaml_parser_t *parser)
{
	const char *problem = parser->problem ? parser->problem : "the text cannot be read";
	const char *hint = NULL;

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_LEN(syntax_hints); i++)
		if (strcmp(syntax_hints[i].problem, problem) == 0)
			hint = syntax_hints[i].hint;
	if (stands_at_colon(parser))
		hint = "quote the address: \"::1\", \"::/0\"";
	node_report(b, NODE_FAULT_SYNTAX, node_locate(b, &parser->problem_mark), hint,
		    "this is not YAML: %s", problem);
	return NODE_E_INVALID;
}

static void refuse_properties(struct node_builder *b, const struct node *node, const char *anchor,
			      const char *tag)
{
	char word[TEXT_QUOTE_LEN];

	if (anchor)
		node_report(b, NODE_FAULT_ALIAS, node->loc, "write the value out at each place",
			    "%s have no anchors: `&%s`", b->dialect->many,
			    text_quote(anchor, word));
	if (tag)
		node_report(b, NODE_FAULT_TAG, node->loc, "leave the tag out",
			    "%s have no tags: `%s`", b->dialect->many, text_quote(tag, word));
}

static int take_properties(struct node_builder *b, struct node *node, const yaml_char_t *anchor,
			   const yaml_char_t *tag)
{
	if (!b->dialect->rich) {
		refuse_properties(b, node, (const char *)anchor, (const char *)tag);
		return 0;
	}
	node->tag = tag ? arena_strdup(b->arena, (const char *)tag) : NULL;
	if (tag && !node->tag)
		return -ENOMEM;
	return anchor ? node_set_anchor(b, (const char *)anchor, node) : 0;
}

static int open_container(struct node_builder *b, struct node *node)
{
	if (!node)
		return -ENOMEM;
	if (b->depth == LIMIT_YAML_DEPTH) {
		node_report(b, NODE_FAULT_TOO_DEEP, node->loc, b->dialect->depth_hint,
			    "there are more than %u levels of nesting", LIMIT_YAML_DEPTH);
		return NODE_E_INVALID;
	}
	b->levels[b->depth++] = (struct node_level){ .node = node };
	return 0;
}

static int on_sequence(struct node_builder *b, const yaml_event_t *event)
{
	struct node *node = node_add(b, NODE_SEQUENCE, event);
	int r = open_container(b, node);

	return r ? r
		 : take_properties(b, node, event->data.sequence_start.anchor,
				   event->data.sequence_start.tag);
}

static int on_mapping(struct node_builder *b, const yaml_event_t *event)
{
	struct node *node = node_add(b, NODE_MAPPING, event);
	int r = open_container(b, node);

	return r ? r
		 : take_properties(b, node, event->data.mapping_start.anchor,
				   event->data.mapping_start.tag);
}

static int on_alias(struct node_builder *b, const yaml_event_t *event)
{
	char word[TEXT_QUOTE_LEN];

	if (b->dialect->rich)
		return node_on_alias(b, event);
	node_report(b, NODE_FAULT_ALIAS, node_locate(b, &event->start_mark),
		    "write the value out; quote a pattern that starts with `*`",
		    "%s have no aliases: `*%s`", b->dialect->many,
		    text_quote((const char *)event->data.alias.anchor, word));
	return node_add(b, NODE_BAD, event) ? 0 : -ENOMEM;
}

/* Escapes can write what the file may not hold; a NUL would even cut a name short. */
static int on_scalar(struct node_builder *b, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	struct charset_fault fault;

	struct node *node = node_add(b, NODE_SCALAR, event);
	if (!node)
		return -ENOMEM;
	int r = take_properties(b, node, event->data.scalar.anchor, event->data.scalar.tag);
	if (r)
		return r;
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	if (charset_check(text, len, !b->dialect->rich, &fault) != 0) {
		node_report(b, NODE_FAULT_ENCODING, node->loc, NULL,
			    "an escape in this text makes %s (U+%04X)", fault.what, fault.code);
		node->kind = NODE_BAD;
		return 0;
	}
	node->text = arena_strndup(b->arena, text, len);
	return node->text ? 0 : -ENOMEM;
}

static int by_text(const void *left, const void *right)
{
	const struct node *a = *(const struct node *const *)left;
	const struct node *b = *(const struct node *const *)right;
	int order = strcmp(a->text, b->text);

	if (order)
		return order;
	if (a->loc.line != b->loc.line)
		return a->loc.line < b->loc.line ? -1 : 1;
	return a->loc.col < b->loc.col ? -1 : a->loc.col > b->loc.col;
}

static void report_repeated(struct node_builder *b, struct node *key, const struct node *first)
{
	char word[TEXT_QUOTE_LEN];
	const char *hint = NULL;

	key->repeated = true;
	if (b->diags->diags.n < LIMIT_DIAGS)
		hint = arena_printf(b->diags->arena, "the first one is on line %u",
				    first->loc.line);
	node_report(b, NODE_FAULT_DUPLICATE_KEY, key->loc, hint, "the key `%s` stands here twice",
		    text_quote(key->text, word));
}

/* By sorting: a mapping may be as large as the file. */
static int find_repeated(struct node_builder *b, const struct node *mapping)
{
	struct node **keys = arena_alloc(b->arena, mapping->n * sizeof(struct node *));
	size_t n = 0, first = 0;

	if (!keys)
		return -ENOMEM;
	for (struct node *key = mapping->first; key; key = key->next)
		if (key->kind == NODE_SCALAR)
			keys[n++] = key;
	if (n > 1)
		qsort(keys, n, sizeof(struct node *), by_text);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(keys[i]->text, keys[first]->text) == 0)
			report_repeated(b, keys[i], keys[first]);
		else
			first = i;
	}
	return 0;
}

bool node_is_reset(const struct node *node)
{
	return node->tag && strcmp(node->tag, "!reset") == 0;
}

/* Inside of what is tagged `!override` no `!reset` counts. */
static bool is_overridden(const struct node_builder *b, const struct node *node)
{
	bool found = node_is_override(node);

	for (size_t i = 0; i < b->depth && !found; i++)
		found = node_is_override(b->levels[i].node);
	return found;
}

/* Of a finished container in a rich dialect. */
static void hide_resets(struct node *node)
{
	struct node **link = &node->first;

	while (*link) {
		if (node->kind == NODE_MAPPING && node_is_reset((*link)->value))
			(*link)->repeated = true;
		if (node->kind == NODE_MAPPING || !node_is_reset(*link)) {
			link = &(*link)->next;
			continue;
		}
		*link = (*link)->next;
		node->n--;
	}
}

static int on_end(struct node_builder *b, const yaml_event_t *event)
{
	struct node *node = b->levels[--b->depth].node;
	int r = node->kind == NODE_MAPPING ? find_repeated(b, node) : 0;

	(void)event;
	if (r || !b->dialect->rich)
		return r;
	if (!is_overridden(b, node))
		hide_resets(node);
	if (node->kind == NODE_MAPPING)
		r = node_merge_keys(b, node);
	return r ? r : node_weigh(b, node);
}

static int on_document(struct node_builder *b, const yaml_event_t *event)
{
	struct source_loc loc = node_locate(b, &event->start_mark);

	if (b->has_document && !b->dialect->rich) {
		node_report(b, NODE_FAULT_MULTI_DOCUMENT, loc,
			    "make it a file of its own, or remove the `---`",
			    "%s file holds one document", b->dialect->one);
		return NODE_E_INVALID;
	}
	b->has_document = true;
	return 0;
}

static int on_stream_end(struct node_builder *b, const yaml_event_t *event)
{
	(void)event;
	b->done = true;
	return 0;
}

static int (*const handlers[])(struct node_builder *, const yaml_event_t *) = {
	[YAML_STREAM_END_EVENT] = on_stream_end,
	[YAML_DOCUMENT_START_EVENT] = on_document,
	[YAML_ALIAS_EVENT] = on_alias,
	[YAML_SCALAR_EVENT] = on_scalar,
	[YAML_SEQUENCE_START_EVENT] = on_sequence,
	[YAML_SEQUENCE_END_EVENT] = on_end,
	[YAML_MAPPING_START_EVENT] = on_mapping,
	[YAML_MAPPING_END_EVENT] = on_end,
};

static int run_parser(struct node_builder *b, yaml_parser_t *parser)
{
	int r = 0;

	while (r == 0 && !b->done) {
		yaml_event_t event;
		if (!yaml_parser_parse(parser, &event))
			return report_syntax(b, parser);
		size_t type = (size_t)event.type;
		if (type < ARRAY_LEN(handlers) && handlers[type])
			r = handlers[type](b, &event);
		yaml_event_delete(&event);
	}
	return r;
}

/* libyaml compares every %TAG line with every other, so they must not even get there. */
static int find_tag_line(const struct node_builder *b, const struct node_source *source)
{
	const char *line = source->bytes, *end = line + source->len;
	uint32_t number = 1;

	for (; line < end; number++) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		if (end - line > 4 && memcmp(line, "%TAG", 4) == 0) {
			struct source_loc loc = { source->name, number, 1 };
			node_report(b, NODE_FAULT_TAG, loc, "leave the `%TAG` line out",
				    b->dialect->rich ? "%s have no `%%TAG` lines"
						     : "%s have no tags",
				    b->dialect->many);
			return NODE_E_INVALID;
		}
		line = newline ? newline + 1 : end;
	}
	return 0;
}

static int check_bytes(const struct node_builder *b, const struct node_source *source)
{
	struct charset_fault fault;

	if (charset_check(source->bytes, source->len, !b->dialect->rich, &fault) == 0)
		return find_tag_line(b, source);
	node_report(b, NODE_FAULT_ENCODING,
		    (struct source_loc){ source->name, fault.line, fault.col },
		    "save the file as plain UTF-8 text", "%s (0x%02x)", fault.what, fault.code);
	return NODE_E_INVALID;
}

int node_parse(const struct node_source *source, const struct node_dialect *dialect,
	       struct arena *arena, struct diag_list *diags, const struct node **ret)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct node_source text = *source;
	struct node_builder b = {
		.arena = arena, .diags = diags, .dialect = dialect, .file = source->name
	};
	yaml_parser_t parser;

	if (text.len >= 3 && memcmp(text.bytes, mark, 3) == 0) {
		text.bytes += 3; /* some editors put a byte order mark first; it means nothing */
		text.len -= 3;
	}
	int r = check_bytes(&b, &text);
	if (r != 0)
		return r;
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.bytes, text.len);
	r = run_parser(&b, &parser);
	yaml_parser_delete(&parser);
	if (r == 0)
		*ret = b.root;
	return r;
}

bool node_is_null(const struct node *node)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };

	if (node->kind != NODE_SCALAR || node->quoted || node->tag)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(node->text, words[i]) == 0)
			return true;
	return false;
}

const struct node *node_find(const struct node *mapping, const char *name)
{
	if (mapping->kind != NODE_MAPPING)
		return NULL;
	for (const struct node *key = mapping->first; key; key = key->next)
		if (key->kind == NODE_SCALAR && !key->repeated && strcmp(key->text, name) == 0)
			return key;
	return NULL;
}

const struct node *node_get(const struct node *mapping, const char *name)
{
	const struct node *key = node_find(mapping, name);

	return key ? key->value : NULL;
}
