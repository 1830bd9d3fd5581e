/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all objects of a compose file have in common: keys, scalars with variables, findings. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"
#include "core/compose/decode.h"
#include "core/compose/load.h"
#include "core/compose/value.h"

static const char *kind_name(const struct node *node)
{
	if (node_is_null(node))
		return "nothing";
	return node->kind == NODE_SEQUENCE  ? "a list"
	       : node->kind == NODE_MAPPING ? "a mapping"
					    : "a word";
}

/* "a port" and "`deploy`" stand for themselves; the names of keys are put in quotes. */
static bool is_phrase(const char *name)
{
	return *name == '`' || text_begins(name, "a ") || text_begins(name, "an ");
}

void compose_wrong_type(struct compose *c, const struct node *node, const char *name,
			const char *expected)
{
	char word[TEXT_QUOTE_LEN];

	if (node->kind != NODE_BAD)
		compose_report(c->diags, CF_WRONG_TYPE, node->loc, NULL,
			       is_phrase(name) ? "%s must be %s, not %s"
					       : "`%s` must be %s, not %s",
			       text_quote(name, word), expected, kind_name(node));
}

bool compose_is_extension(const struct node *key)
{
	return key->kind == NODE_SCALAR && text_begins(key->text, "x-");
}

/* ---- texts ---- */

void compose_report_unset(struct compose *c, const struct node *node, const char *name)
{
	CLEANUP(text_done) struct text out = { 0 };
	struct interpolation *v = &c->variables;
	char word[TEXT_QUOTE_LEN];
	int r = compose_interpolate(v, node->text, &out); /* again, for the name of the variable */
	const char *hint =
		r > 0 && *v->message
			? compose_hint(c->diags, "it says: %s", v->message)
			: compose_hint(c->diags, "give it a value, or write `${%s:-default}`",
				       v->name);

	compose_report(c->diags, CF_UNSET_VARIABLE, node->loc, hint,
		       !name || is_phrase(name)
			       ? "%s depends on the variable `%s`, which has no value here"
			       : "`%s` depends on the variable `%s`, which has no value here",
		       name ? text_quote(name, word) : "this text", v->name);
}

static int take_text(struct compose *c, const struct node *node, const char *name, bool number,
		     struct draft_text *ret)
{
	enum value_type type = node->kind == NODE_SCALAR ? value_type_of(node) : VALUE_NULL;

	*ret = (struct draft_text){ .loc = node->loc };
	if (type == VALUE_TEXT || (number && type == VALUE_INT)) {
		ret->unknown = node->tag == compose_unset;
		ret->text = ret->unknown ? NULL : value_text(node, c->arena);
		return ret->text || ret->unknown ? 0 : -ENOMEM;
	}
	compose_wrong_type(c, node, name, type == VALUE_NULL ? "a word" : "a word in quotes");
	return 0;
}

int compose_try_text(struct compose *c, const struct node *node, const char *name,
		     struct draft_text *ret)
{
	return take_text(c, node, name, false, ret);
}

static int known_text(struct compose *c, const struct node *node, const char *name, bool number,
		      const char **ret)
{
	struct draft_text text;
	int r = take_text(c, node, name, number, &text);

	if (r == 0 && text.unknown)
		compose_report_unset(c, node, name);
	*ret = text.text;
	return r;
}

int compose_text(struct compose *c, const struct node *node, const char *name, const char **ret)
{
	return known_text(c, node, name, false, ret);
}

int compose_word(struct compose *c, const struct node *node, const char *name, const char **ret)
{
	return known_text(c, node, name, true, ret);
}

static int decode_text(struct compose *c, const struct node *key, bool number,
		       struct draft_text *ret)
{
	ret->loc = key->value->loc;
	return known_text(c, key->value, key->text, number, &ret->text);
}

int compose_decode_text(struct compose *c, const struct node *key, void *member)
{
	return decode_text(c, key, false, member);
}

int compose_decode_word(struct compose *c, const struct node *key, void *member)
{
	return decode_text(c, key, true, member);
}

int compose_try_decode_text(struct compose *c, const struct node *key, void *member)
{
	return compose_try_text(c, key->value, key->text, member);
}

/* ---- words and numbers ---- */

static bool is_one_of(const char *text, const char *const words[4])
{
	for (size_t i = 0; i < 4; i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

static void report_value(struct compose *c, const struct node *key, const char *text,
			 const char *hint)
{
	char name[TEXT_QUOTE_LEN], word[TEXT_QUOTE_LEN];

	compose_report(c->diags, CF_BAD_VALUE, key->value->loc, hint, "`%s` cannot be `%s`",
		       text_quote(key->text, name), text_quote(text, word));
}

/* A text has the longer list of YAML 1.1. */
int compose_decode_flag(struct compose *c, const struct node *key, void *member)
{
	static const char *const yes[] = { "true", "y", "yes", "on" };
	static const char *const no[] = { "false", "n", "no", "off" };
	struct draft_flag *ret = member;
	const struct node *value = key->value;
	const char *text = value->text;
	int r = 0;

	if (value->kind != NODE_SCALAR || value_type_of(value) != VALUE_BOOL)
		r = compose_word(c, value, key->text, &text);
	if (r || !text)
		return r;
	*ret = (struct draft_flag){ value->loc, is_one_of(text, yes), true };
	if (!ret->value && !is_one_of(text, no))
		report_value(c, key, text, "write `true` or `false`");
	return 0;
}

int compose_decode_number(struct compose *c, const struct node *key, void *member)
{
	struct draft_number *ret = member;
	const char *text;
	int r = compose_word(c, key->value, key->text, &text);
	uint32_t n = 0;

	if (r || !text)
		return r;
	const char *digit = text + (*text == '+');
	size_t digits = strspn(digit, "0123456789");
	if (digits == 0 || digits > 9 || digit[digits]) {
		report_value(c, key, text, "write a number");
		return 0;
	}
	for (; *digit; digit++)
		n = n * 10 + (uint32_t)(*digit - '0');
	*ret = (struct draft_number){ n, key->value->loc, true };
	return 0;
}

/* ---- lists ---- */

bool compose_is_list(struct compose *c, const struct node *key)
{
	if (key->value->kind != NODE_SEQUENCE)
		compose_wrong_type(c, key->value, key->text, "a list");
	return key->value->kind == NODE_SEQUENCE;
}

bool compose_is_mapping(struct compose *c, const struct node *key)
{
	if (key->value->kind != NODE_MAPPING)
		compose_wrong_type(c, key->value, key->text, "a mapping");
	return key->value->kind == NODE_MAPPING;
}

int compose_add_word(struct compose *c, const struct node *item, const char *name,
		     struct draft_texts *words)
{
	struct draft_text text = { .loc = item->loc };
	int r = name ? compose_text(c, item, name, &text.text)
		     : compose_try_text(c, item, "an entry", &text);

	return r || !text.text ? r : VEC_PUSH(c->arena, words, text);
}

int compose_add_words(struct compose *c, const struct node *key, const char *name,
		      struct draft_texts *words)
{
	int r = 0;

	if (!compose_is_list(c, key))
		return 0;
	for (const struct node *item = key->value->first; item && r == 0; item = item->next)
		r = compose_add_word(c, item, name, words);
	return r;
}

/* ---- objects ---- */

static const struct compose_field *find_field(const struct compose_shape *shape, const char *name)
{
	for (size_t i = 0; i < shape->n; i++)
		if (strcmp(shape->fields[i].name, name) == 0)
			return &shape->fields[i];
	return NULL;
}

/* Of the others compose says that nothing is not enough. */
static bool may_be_null(const char *name)
{
	static const char *const names[] = { "command", "deploy", "develop", "entrypoint", "pid" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static void report_unknown(struct compose *c, const struct node *key,
			   const struct compose_shape *shape)
{
	const char *names[128], *hint = NULL;
	char word[TEXT_QUOTE_LEN];
	size_t n = 0;

	for (size_t i = 0; i < shape->n && n < ARRAY_LEN(names); i++)
		names[n++] = shape->fields[i].name;
	if (c->diags->diags.n < LIMIT_DIAGS)
		hint = diag_suggest(c->diags, key->text, names, n);
	compose_report(c->diags, shape->unknown, key->loc,
		       hint ? hint : "name your own keys `x-…`: compose leaves those alone",
		       "%s has no key `%s`", shape->what, text_quote(key->text, word));
}

int compose_decode_object(struct compose *c, const struct node *node,
			  const struct compose_shape *shape, void *object)
{
	int r = 0;

	if (node->kind != NODE_MAPPING) {
		compose_wrong_type(c, node, shape->what, "a mapping");
		return 0;
	}
	for (const struct node *key = node->first; key && r == 0 && !c->stopped; key = key->next) {
		const struct compose_field *field = find_field(shape, key->text);
		if (!field && !compose_is_extension(key))
			report_unknown(c, key, shape);
		if (field && node_is_null(key->value) && !may_be_null(key->text))
			compose_wrong_type(c, key->value, key->text, "something");
		else if (field && field->decode && key->value->kind != NODE_BAD &&
			 !node_is_null(key->value))
			r = field->decode(c, key, (char *)object + field->offset);
	}
	return r;
}
