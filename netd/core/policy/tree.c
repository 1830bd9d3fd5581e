/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libyaml events to nodes. The nesting is bounded, so is the stack of open containers; nothing
 * recurses. libyaml's own memory is bounded by the size limit of a policy. */
#include "core/policy/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "core/policy/charset.h"
#include "core/policy/finding.h"

/* An open sequence or mapping; key: the one that waits for its value. */
struct level {
	struct node *node, *last, *key;
};

struct builder {
	struct arena *arena;
	struct diag_list *diags;
	const char *file;
	struct level levels[LIMIT_YAML_DEPTH];
	size_t depth;
	struct node *root;
	bool has_document, done;
};

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

static struct source_loc locate(const struct builder *b, const yaml_mark_t *mark)
{
	return (struct source_loc){ b->file, (uint32_t)mark->line + 1, (uint32_t)mark->column + 1 };
}

static int report_syntax(struct builder *b, const yaml_parser_t *parser)
{
	const char *problem = parser->problem ? parser->problem : "the text cannot be read";
	const char *hint = NULL;

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_LEN(syntax_hints); i++)
		if (strcmp(syntax_hints[i].problem, problem) == 0)
			hint = syntax_hints[i].hint;
	policy_report(b->diags, F_YAML_SYNTAX, locate(b, &parser->problem_mark), hint,
		      "this is not YAML: %s", problem);
	return POLICY_E_INVALID;
}

static struct node *add_node(struct builder *b, enum node_kind kind, const yaml_event_t *event)
{
	struct node *node = arena_alloc(b->arena, sizeof(*node));

	if (!node)
		return NULL;
	node->kind = kind;
	node->loc = locate(b, &event->start_mark);

	struct level *level = b->depth ? &b->levels[b->depth - 1] : NULL;
	if (!level) {
		b->root = node;
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

static void refuse_properties(struct builder *b, const yaml_event_t *event,
			      const yaml_char_t *anchor, const yaml_char_t *tag)
{
	char word[POLICY_QUOTE_LEN];

	if (anchor)
		policy_report(b->diags, F_YAML_ALIAS, locate(b, &event->start_mark),
			      "write the value out at each place",
			      "policies have no anchors: `&%s`",
			      policy_quote((const char *)anchor, word));
	if (tag)
		policy_report(b->diags, F_YAML_TAG, locate(b, &event->start_mark),
			      "leave the tag out", "policies have no tags: `%s`",
			      policy_quote((const char *)tag, word));
}

static int open_container(struct builder *b, enum node_kind kind, const yaml_event_t *event)
{
	if (b->depth == LIMIT_YAML_DEPTH) {
		policy_report(b->diags, F_TOO_DEEP, locate(b, &event->start_mark),
			      "a policy needs five levels", "more than %u levels of nesting",
			      LIMIT_YAML_DEPTH);
		return POLICY_E_INVALID;
	}
	struct node *node = add_node(b, kind, event);
	if (!node)
		return -ENOMEM;
	b->levels[b->depth++] = (struct level){ .node = node };
	return 0;
}

static int on_sequence(struct builder *b, const yaml_event_t *event)
{
	refuse_properties(b, event, event->data.sequence_start.anchor,
			  event->data.sequence_start.tag);
	return open_container(b, NODE_SEQUENCE, event);
}

static int on_mapping(struct builder *b, const yaml_event_t *event)
{
	refuse_properties(b, event, event->data.mapping_start.anchor,
			  event->data.mapping_start.tag);
	return open_container(b, NODE_MAPPING, event);
}

static int on_alias(struct builder *b, const yaml_event_t *event)
{
	char word[POLICY_QUOTE_LEN];

	policy_report(b->diags, F_YAML_ALIAS, locate(b, &event->start_mark),
		      "write the value out; quote a pattern that starts with `*`",
		      "policies have no aliases: `*%s`",
		      policy_quote((const char *)event->data.alias.anchor, word));
	return add_node(b, NODE_BAD, event) ? 0 : -ENOMEM;
}

/* Escapes can write what the file may not hold; a NUL would even cut a name short. */
static int on_scalar(struct builder *b, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	struct charset_fault fault;

	refuse_properties(b, event, event->data.scalar.anchor, event->data.scalar.tag);
	struct node *node = add_node(b, NODE_SCALAR, event);
	if (!node)
		return -ENOMEM;
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	if (policy_charset_check(text, len, &fault) != 0) {
		policy_report(b->diags, F_YAML_ENCODING, node->loc, NULL,
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

static void report_repeated(struct builder *b, struct node *key, const struct node *first)
{
	char word[POLICY_QUOTE_LEN];
	const char *hint = NULL;

	key->repeated = true;
	if (!policy_report_is_full(b->diags))
		hint = arena_printf(b->diags->arena, "the first one is on line %u",
				    first->loc.line);
	policy_report(b->diags, F_DUPLICATE_KEY, key->loc, hint, "the key `%s` stands here twice",
		      policy_quote(key->text, word));
}

/* By sorting: a mapping may be as large as the file. */
static int find_repeated(struct builder *b, const struct node *mapping)
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

static int on_end(struct builder *b, const yaml_event_t *event)
{
	const struct node *node = b->levels[--b->depth].node;

	(void)event;
	return node->kind == NODE_MAPPING ? find_repeated(b, node) : 0;
}

static int on_document(struct builder *b, const yaml_event_t *event)
{
	struct source_loc loc = locate(b, &event->start_mark);

	if (b->has_document) {
		policy_report(b->diags, F_YAML_MULTI_DOCUMENT, loc,
			      "make it a file of its own, or remove the `---`",
			      "a policy file holds one document");
		return POLICY_E_INVALID;
	}
	b->has_document = true;
	return 0;
}

static int on_stream_end(struct builder *b, const yaml_event_t *event)
{
	(void)event;
	b->done = true;
	return 0;
}

static int (*const handlers[])(struct builder *, const yaml_event_t *) = {
	[YAML_STREAM_END_EVENT] = on_stream_end,
	[YAML_DOCUMENT_START_EVENT] = on_document,
	[YAML_ALIAS_EVENT] = on_alias,
	[YAML_SCALAR_EVENT] = on_scalar,
	[YAML_SEQUENCE_START_EVENT] = on_sequence,
	[YAML_SEQUENCE_END_EVENT] = on_end,
	[YAML_MAPPING_START_EVENT] = on_mapping,
	[YAML_MAPPING_END_EVENT] = on_end,
};

static int run_parser(struct builder *b, yaml_parser_t *parser)
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
static int find_tag_line(const struct policy_source *source, struct diag_list *diags)
{
	const char *line = source->bytes, *end = line + source->len;
	uint32_t number = 1;

	for (; line < end; number++) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		if (end - line > 4 && memcmp(line, "%TAG", 4) == 0) {
			policy_report(diags, F_YAML_TAG,
				      (struct source_loc){ source->name, number, 1 },
				      "leave the `%TAG` line out", "policies have no tags");
			return POLICY_E_INVALID;
		}
		line = newline ? newline + 1 : end;
	}
	return 0;
}

static int check_bytes(const struct policy_source *source, struct diag_list *diags)
{
	struct charset_fault fault;

	if (policy_charset_check(source->bytes, source->len, &fault) == 0)
		return find_tag_line(source, diags);
	policy_report(diags, F_YAML_ENCODING,
		      (struct source_loc){ source->name, fault.line, fault.col },
		      "save the file as plain UTF-8 text", "%s (0x%02x)", fault.what, fault.code);
	return POLICY_E_INVALID;
}

int policy_tree_parse(const struct policy_source *source, struct arena *arena,
		      struct diag_list *diags, const struct node **ret)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct policy_source text = *source;
	struct builder b = { .arena = arena, .diags = diags, .file = source->name };
	yaml_parser_t parser;

	if (text.len >= 3 && memcmp(text.bytes, mark, 3) == 0) {
		text.bytes += 3; /* some editors put a byte order mark first; it means nothing */
		text.len -= 3;
	}
	int r = check_bytes(&text, diags);
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

bool policy_node_is_null(const struct node *node)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };

	if (node->kind != NODE_SCALAR || node->quoted)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(node->text, words[i]) == 0)
			return true;
	return false;
}

const struct node *policy_node_get(const struct node *mapping, const char *name)
{
	if (mapping->kind != NODE_MAPPING)
		return NULL;
	for (const struct node *key = mapping->first; key; key = key->next)
		if (key->kind == NODE_SCALAR && !key->repeated && strcmp(key->text, name) == 0)
			return key->value;
	return NULL;
}
