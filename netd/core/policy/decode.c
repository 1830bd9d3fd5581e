/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all objects of the language have in common: keys, scalars, lists, and their findings. */
#include "core/policy/decode.h"

#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

#define MOST_FIELDS 16u

static const char *yaml_kind_name(const struct node *node)
{
	if (node_is_null(node))
		return "nothing";
	if (node->kind == NODE_SCALAR && node->quoted)
		return "a text in quotes";
	return node->kind == NODE_SEQUENCE  ? "a list"
	       : node->kind == NODE_MAPPING ? "a mapping"
					    : "a word";
}

/* By the beginning of what was expected. */
static const struct {
	const char *expected, *hint;
} type_hints[] = {
	{ "a list", "begin each entry with `- `" },
	{ "a mapping", "write `key: value` lines, or `{key: value}`" },
	{ "a word", "write one word, in quotes if need be" },
	{ "a peer", "write one, or `[one, another]`" },
	{ "a port", "write one, or `[one, another]`" },
	{ "a number", "write it without quotes" },
	{ "true", "write `true` or `false`" },
};

static const char *type_hint(const char *expected)
{
	for (size_t i = 0; i < ARRAY_LEN(type_hints); i++)
		if (strncmp(type_hints[i].expected, expected, strlen(type_hints[i].expected)) == 0)
			return type_hints[i].hint;
	return NULL;
}

void policy_wrong_type(struct decoder *d, const struct node *node, const char *name,
		       const char *expected)
{
	bool phrase = *name == '`' || text_begins(name, "a ") || text_begins(name, "an ");
	char word[TEXT_QUOTE_LEN];

	if (node->kind != NODE_BAD)
		policy_report(d->diags, F_WRONG_TYPE, node->loc, type_hint(expected),
			      phrase ? "%s must be %s, not %s" : "`%s` must be %s, not %s",
			      text_quote(name, word), expected, yaml_kind_name(node));
}

static const char *key_hint(struct decoder *d, const char *word, const struct decode_shape *shape)
{
	const char *names[MOST_FIELDS];
	char known[256] = "";
	size_t len = 0;

	if (policy_report_is_full(d->diags))
		return NULL;
	for (size_t i = 0; i < shape->n && len < sizeof(known); i++) {
		names[i] = shape->fields[i].name;
		len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s", i ? ", " : "",
					names[i]);
	}
	const char *hint = diag_suggest(d->diags, word, names, shape->n);
	return hint ? hint : arena_printf(d->diags->arena, "%s has: %s", shape->what, known);
}

static void report_unknown_key(struct decoder *d, const struct node *key,
			       const struct decode_shape *shape)
{
	char word[TEXT_QUOTE_LEN];

	policy_report(d->diags, F_UNKNOWN_KEY, key->loc, key_hint(d, key->text, shape),
		      "%s has no key `%s`", shape->what, text_quote(key->text, word));
}

static const struct decode_field *find_known_field(const struct decode_shape *shape,
						   const char *name)
{
	for (size_t i = 0; i < shape->n; i++)
		if (strcmp(shape->fields[i].name, name) == 0)
			return &shape->fields[i];
	return NULL;
}

static int decode_key(struct decoder *d, const struct node *key, const struct decode_shape *shape,
		      void *object, unsigned int *seen)
{
	if (key->kind != NODE_SCALAR) {
		policy_wrong_type(d, key, "a key", "a word");
		return 0;
	}
	const struct decode_field *field = find_known_field(shape, key->text);
	if (!field) {
		report_unknown_key(d, key, shape);
		return 0;
	}
	*seen |= 1u << (field - shape->fields);
	return field->decode(d, key, object);
}

static void report_missing_key(struct decoder *d, const struct node *node,
			       const struct decode_shape *shape, const char *name)
{
	const char *hint = NULL;

	if (!policy_report_is_full(d->diags))
		hint = arena_printf(d->diags->arena, "add `%s: …`", name);
	policy_report(d->diags, F_MISSING_KEY, node->loc, hint, "%s needs the key `%s`",
		      shape->what, name);
}

int policy_decode_object(struct decoder *d, const struct node *node,
			 const struct decode_shape *shape, void *object)
{
	unsigned int seen = 0;
	int r = 0;

	if (node->kind != NODE_MAPPING) {
		policy_wrong_type(d, node, shape->what, "a mapping");
		return 0;
	}
	for (const struct node *key = node->first; key && r == 0; key = key->next)
		if (!key->repeated)
			r = decode_key(d, key, shape, object, &seen);
	for (size_t i = 0; i < shape->n && r == 0; i++)
		if (shape->fields[i].required && !(seen & 1u << i))
			report_missing_key(d, node, shape, shape->fields[i].name);
	return r;
}

const char *policy_decode_text(struct decoder *d, const struct node *node, const char *name)
{
	if (node->kind == NODE_SCALAR && !node_is_null(node))
		return node->text;
	policy_wrong_type(d, node, name, "a word");
	return NULL;
}

/* "it is `none`, `low` or `high`"; NULL: no memory. */
static const char *list_words(struct decoder *d, const char *const *words, size_t n)
{
	CLEANUP(text_done) struct text list = { 0 };

	for (size_t i = 0; i < n; i++)
		text_printf(&list, "%s`%s`",
			    i == 0	? "it is "
			    : i + 1 < n ? ", "
					: " or ",
			    words[i]);
	return text_failed(&list) ? NULL : arena_strdup(d->diags->arena, text_str(&list));
}

int policy_decode_word(struct decoder *d, const struct node *key, const char *const *words,
		       size_t n)
{
	const char *text = policy_decode_text(d, key->value, key->text);
	char name[TEXT_QUOTE_LEN], word[TEXT_QUOTE_LEN];
	const char *hint = NULL;

	if (!text)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i], text) == 0)
			return (int)i;
	if (!policy_report_is_full(d->diags)) {
		hint = diag_suggest(d->diags, text, words, n);
		if (!hint)
			hint = list_words(d, words, n);
	}
	policy_report(d->diags, F_BAD_VALUE, key->value->loc, hint, "`%s` cannot be `%s`",
		      text_quote(key->text, name), text_quote(text, word));
	return -1;
}

int policy_decode_bool(struct decoder *d, const struct node *key)
{
	const struct node *value = key->value;

	if (value->kind == NODE_SCALAR && !value->quoted && strcmp(value->text, "true") == 0)
		return 1;
	if (value->kind == NODE_SCALAR && !value->quoted && strcmp(value->text, "false") == 0)
		return 0;
	policy_wrong_type(d, value, key->text, "true or false");
	return -1;
}

static void report_too_many(struct decoder *d, const struct node *list, const char *name)
{
	const struct node *item = list->first;
	char word[TEXT_QUOTE_LEN];

	for (size_t i = 0; i < LIMIT_RULE_ITEMS; i++)
		item = item->next;
	policy_report(d->diags, F_TOO_MANY_ITEMS, item->loc,
		      "split it, or name a larger network or port range",
		      "`%s` has more than %u entries", text_quote(name, word), LIMIT_RULE_ITEMS);
}

const struct node *policy_decode_items(struct decoder *d, const struct node *key,
				       const struct decode_list *how)
{
	const struct node *value = key->value;

	if (how->or_one && value->kind == NODE_SCALAR && !node_is_null(value))
		return value;
	if (value->kind != NODE_SEQUENCE) {
		policy_wrong_type(d, value, key->text, how->expected);
		return NULL;
	}
	if (value->n == 0)
		policy_report(d->diags, how->empty, value->loc, how->empty_hint, "`%s` is empty",
			      key->text);
	if (value->n > LIMIT_RULE_ITEMS) {
		report_too_many(d, value, key->text);
		return NULL;
	}
	return value->first;
}

/* A section that is written but empty is no mistake: its entries may be commented out. */
const struct node *policy_decode_section(struct decoder *d, const struct node *key,
					 const char *expected)
{
	if (key->value->kind == NODE_SEQUENCE)
		return key->value->first;
	if (!node_is_null(key->value))
		policy_wrong_type(d, key->value, key->text, expected);
	return NULL;
}

/* A pattern with a class or a brace would silently match nothing. */
const char *policy_decode_pattern(struct decoder *d, const struct node *node, const char *name)
{
	const char *text = policy_decode_text(d, node, name);
	char word[TEXT_QUOTE_LEN];

	if (!text)
		return NULL;
	if (!*text) {
		policy_report(d->diags, F_EMPTY_MATCH, node->loc, "write a name, or `*` for any",
			      "`%s` is empty and matches nothing", name);
		return NULL;
	}
	if (text[strcspn(text, "[]{}\\\n\t")]) {
		policy_report(d->diags, F_BAD_VALUE, node->loc,
			      "in a pattern only `*` and `?` are special", "`%s` cannot be `%s`",
			      name, text_quote(text, word));
		return NULL;
	}
	return text;
}

int policy_set_once(struct decoder *d, const struct node *key, int value,
		    struct draft_setting *setting)
{
	char place[DIAG_PLACE_LEN];

	if (value < 0)
		return 0;
	if (setting->set && setting->value != value)
		policy_report(d->diags, F_CONFLICTING_VALUE, key->value->loc,
			      "set it in one file only",
			      "`%s` is `%s` here but has another value %s", key->text,
			      key->value->text, diag_place(key->loc, setting->loc, place));
	if (!setting->set)
		*setting = (struct draft_setting){ value, key->loc, true };
	return 0;
}
