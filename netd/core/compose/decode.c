/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all objects of a compose file have in common: keys, scalars with variables, findings. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/compose/decode.h"

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
	return *name == '`' || strncmp(name, "a ", 2) == 0 || strncmp(name, "an ", 3) == 0;
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
	return key->kind == NODE_SCALAR && strncmp(key->text, "x-", 2) == 0;
}

const char *compose_tag_name(const struct node *node)
{
	bool ours = node->tag &&
		    (strcmp(node->tag, "!reset") == 0 || strcmp(node->tag, "!override") == 0);

	return ours ? node->tag + 1 : "";
}

/* ---- texts ---- */

static void report_unset(struct compose *c, const struct node *node, const char *name)
{
	const struct interpolation *v = &c->variables;
	char word[TEXT_QUOTE_LEN];
	const char *hint =
		*v->message ? compose_hint(c->diags, "it says: %s", v->message)
			    : compose_hint(c->diags, "give it a value, or write `${%s:-default}`",
					   v->name);

	compose_report(c->diags, CF_UNSET_VARIABLE, node->loc, hint,
		       is_phrase(name)
			       ? "%s depends on the variable `%s`, which has no value here"
			       : "`%s` depends on the variable `%s`, which has no value here",
		       text_quote(name, word), v->name);
}

static int settle_text(struct compose *c, const struct node *node, int r, struct draft_text *ret)
{
	char word[TEXT_QUOTE_LEN];

	if (r == INTERPOLATE_E_UNSET) {
		ret->unknown = true;
	} else if (r == INTERPOLATE_E_SYNTAX) {
		compose_report(
			c->diags, CF_BAD_INTERPOLATION, node->loc, "write `$$` for a dollar sign",
			"`%s` holds a `$` that begins no variable", text_quote(node->text, word));
	} else if (r == INTERPOLATE_E_TOO_LONG) {
		compose_report(c->diags, CF_TOO_LARGE, node->loc, NULL,
			       "with its variables this text has more than %u bytes",
			       LIMIT_COMPOSE_TEXT);
	} else if (r == INTERPOLATE_E_TOO_MUCH && !c->stopped) {
		compose_report(c->diags, CF_TOO_LARGE, node->loc, NULL,
			       "the texts have more than %u bytes with their variables, or too many"
			       " of them",
			       LIMIT_COMPOSE_TEXTS);
		c->stopped = true;
	}
	return r < 0 ? r : 0;
}

/* The text itself, or a copy with its variables; *ret stays NULL for what is not known. */
static int fill_in(struct compose *c, const struct node *node, struct draft_text *ret)
{
	CLEANUP(text_done) struct text out = { 0 };

	if (!strchr(node->text, '$')) {
		ret->text = node->text;
		return 0;
	}
	int r = compose_interpolate(&c->variables, node->text, &out);
	if (r)
		return settle_text(c, node, r, ret);
	ret->text = arena_strdup(c->arena, text_str(&out));
	return ret->text ? 0 : -ENOMEM;
}

int compose_try_text(struct compose *c, const struct node *node, const char *name,
		     struct draft_text *ret)
{
	*ret = (struct draft_text){ .loc = node->loc };
	if (node->kind == NODE_SCALAR && !node_is_null(node))
		return fill_in(c, node, ret);
	compose_wrong_type(c, node, name, "a word");
	return 0;
}

int compose_text(struct compose *c, const struct node *node, const char *name, const char **ret)
{
	struct draft_text text;
	int r = compose_try_text(c, node, name, &text);

	if (r == 0 && text.unknown)
		report_unset(c, node, name);
	*ret = text.text;
	return r;
}

int compose_decode_text(struct compose *c, const struct node *key, struct draft_text *ret)
{
	const char *text;
	int r = compose_text(c, key->value, key->text, &text);

	if (r == 0 && text)
		*ret = (struct draft_text){ text, key->value->loc, false };
	return r;
}

/* ---- words and numbers ---- */

static int read_bool(const char *text)
{
	/* YAML 1.1 has the longer list, and compose takes it. */
	static const char *const yes[] = { "true", "True", "TRUE", "yes", "y", "on" };
	static const char *const no[] = { "false", "False", "FALSE", "no", "n", "off" };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (strcmp(text, yes[i]) == 0)
			return 1;
		if (strcmp(text, no[i]) == 0)
			return 0;
	}
	return -1;
}

int compose_decode_flag(struct compose *c, const struct node *key, struct draft_flag *ret)
{
	char name[TEXT_QUOTE_LEN], word[TEXT_QUOTE_LEN];
	const char *text;
	int r = compose_text(c, key->value, key->text, &text);

	if (r || !text)
		return r;
	int value = read_bool(text);
	if (value < 0)
		compose_report(c->diags, CF_BAD_VALUE, key->value->loc, "write `true` or `false`",
			       "`%s` cannot be `%s`", text_quote(key->text, name),
			       text_quote(text, word));
	else
		*ret = (struct draft_flag){ key->value->loc, value, true };
	return 0;
}

int compose_decode_number(struct compose *c, const struct node *key, struct draft_number *ret)
{
	char name[TEXT_QUOTE_LEN], word[TEXT_QUOTE_LEN];
	const char *text;
	int r = compose_text(c, key->value, key->text, &text);
	uint32_t n = 0;

	if (r || !text)
		return r;
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 9 || text[digits]) {
		compose_report(c->diags, CF_BAD_VALUE, key->value->loc, "write a number",
			       "`%s` cannot be `%s`", text_quote(key->text, name),
			       text_quote(text, word));
		return 0;
	}
	for (size_t i = 0; i < digits; i++)
		n = n * 10 + (uint32_t)(text[i] - '0');
	*ret = (struct draft_number){ n, key->value->loc, true };
	return 0;
}

/* ---- objects ---- */

static const struct compose_field *find_field(const struct compose_shape *shape, const char *name)
{
	for (size_t i = 0; i < shape->n; i++)
		if (strcmp(shape->fields[i].name, name) == 0)
			return &shape->fields[i];
	return NULL;
}

static void report_unknown(struct compose *c, const struct node *key,
			   const struct compose_shape *shape)
{
	const char *names[128], *hint = NULL;
	char word[TEXT_QUOTE_LEN];
	size_t n = shape->n < ARRAY_LEN(names) ? shape->n : ARRAY_LEN(names);

	for (size_t i = 0; i < n; i++)
		names[i] = shape->fields[i].name;
	if (c->diags->diags.n < LIMIT_DIAGS)
		hint = diag_suggest(c->diags, key->text, names, n);
	compose_report(c->diags, shape->unknown, key->loc,
		       hint ? hint : "name your own keys `x-…`: compose leaves those alone",
		       "%s has no key `%s`", shape->what, text_quote(key->text, word));
}

static int decode_key(struct compose *c, const struct node *key, const struct compose_shape *shape,
		      void *object)
{
	const struct compose_field *field;

	if (key->kind != NODE_SCALAR) {
		compose_wrong_type(c, key, "a key", "a word");
		return 0;
	}
	if (key->repeated || compose_is_extension(key))
		return 0;
	field = find_field(shape, key->text);
	if (!field)
		report_unknown(c, key, shape);
	if (!field || !field->decode)
		return 0;
	if (*compose_tag_name(key->value))
		memset((char *)object + field->offset, 0, field->size);
	if (strcmp(compose_tag_name(key->value), "reset") == 0 || node_is_null(key->value) ||
	    key->value->kind == NODE_BAD)
		return 0;
	return field->decode(c, key, object);
}

int compose_decode_object(struct compose *c, const struct node *node,
			  const struct compose_shape *shape, void *object)
{
	int r = 0;

	if (node->kind != NODE_MAPPING) {
		compose_wrong_type(c, node, shape->what, "a mapping");
		return 0;
	}
	for (const struct node *key = node->first; key && r == 0 && !c->stopped; key = key->next)
		r = decode_key(c, key, shape, object);
	return r;
}
