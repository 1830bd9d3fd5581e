/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all objects of a compose file have in common: scalars with variables, lists of words. */
#include "core/compose/decode.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

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
static const char *mark(const char *name)
{
	bool is_phrase = *name == '`' || text_begins(name, "a ") || text_begins(name, "an ") ||
			 text_begins(name, "this ");

	return is_phrase ? "" : "`";
}

void compose_wrong_type(struct compose *c, const struct node *node, const char *name,
			const char *expected)
{
	if (node->kind != NODE_BAD)
		compose_report(c, CF_WRONG_TYPE, node->loc, NULL, "%s%s%s must be %s, not %s",
			       mark(name), compose_quote(c, name), mark(name), expected,
			       kind_name(node));
}

/* ---- texts ---- */

void compose_report_unset(struct compose *c, const struct node *node, const char *name)
{
	CLEANUP(text_done) struct text out = { 0 };
	struct interpolation *v = &c->variables;
	int r = compose_interpolate(v, node->text, &out); /* again, for the name of the variable */
	const char *hint =
		r > 0 && *v->message
			? compose_hint(c, "it says: %s", v->message)
			: compose_hint(c, "give it a value, or write `${%s:-default}`", v->name);

	compose_report(c, CF_UNSET_VARIABLE, node->loc, hint,
		       "%s%s%s depends on the variable `%s`, which has no value here", mark(name),
		       compose_quote(c, name), mark(name), v->name);
}

static struct draft_text take_text(struct compose *c, const struct node *node, const char *name,
				   bool number)
{
	enum value_type type = node->kind == NODE_SCALAR ? value_type_of(node) : VALUE_NULL;
	struct draft_text text = { .loc = node->loc };

	if (type == VALUE_TEXT || (number && type == VALUE_INT)) {
		text.unknown = node->tag == compose_unset;
		text.text = text.unknown ? NULL : value_text(node, c);
	} else {
		compose_wrong_type(c, node, name,
				   type == VALUE_NULL ? "a word" : "a word in quotes");
	}
	return text;
}

static struct draft_text known_text(struct compose *c, const struct node *node, const char *name,
				    bool number)
{
	struct draft_text text = take_text(c, node, name, number);

	if (text.unknown)
		compose_report_unset(c, node, name);
	text.unknown = false;
	return text;
}

const char *compose_text(struct compose *c, const struct node *node, const char *name)
{
	return known_text(c, node, name, false).text;
}

const char *compose_word(struct compose *c, const struct node *node, const char *name)
{
	return known_text(c, node, name, true).text;
}

struct draft_text compose_try_text(struct compose *c, const struct node *node, const char *name)
{
	return take_text(c, node, name, false);
}

void compose_decode_text(struct compose *c, const struct node *key, void *member)
{
	*(struct draft_text *)member = known_text(c, key->value, key->text, false);
}

void compose_decode_word(struct compose *c, const struct node *key, void *member)
{
	*(struct draft_text *)member = known_text(c, key->value, key->text, true);
}

void compose_decode_try_text(struct compose *c, const struct node *key, void *member)
{
	*(struct draft_text *)member = take_text(c, key->value, key->text, false);
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
	compose_report(c, CF_BAD_VALUE, key->value->loc, hint, "`%s` cannot be `%s`",
		       compose_quote(c, key->text), compose_quote(c, text));
}

/* A text has the longer list of YAML 1.1. */
void compose_decode_flag(struct compose *c, const struct node *key, void *member)
{
	static const char *const yes[] = { "true", "y", "yes", "on" };
	static const char *const no[] = { "false", "n", "no", "off" };
	const struct node *value = key->value;
	const char *text = value_type_of(value) == VALUE_BOOL ? value->text
							      : compose_word(c, value, key->text);

	if (!text)
		return;
	*(struct draft_flag *)member =
		(struct draft_flag){ value->loc, is_one_of(text, yes), true };
	if (!is_one_of(text, yes) && !is_one_of(text, no))
		report_value(c, key, text, "write `true` or `false`");
}

void compose_decode_number(struct compose *c, const struct node *key, void *member)
{
	const char *text = compose_word(c, key->value, key->text);
	const char *digits = text ? text + (*text == '+') : "";
	size_t n = strspn(digits, "0123456789");
	uint32_t number = 0;

	if (!text)
		return;
	if (n == 0 || n > 9 || digits[n]) {
		report_value(c, key, text, "write a number");
		return;
	}
	for (; *digits; digits++)
		number = number * 10 + (uint32_t)(*digits - '0');
	*(struct draft_number *)member = (struct draft_number){ number, key->value->loc, true };
}

void compose_decode_presence(struct compose *c, const struct node *key, void *member)
{
	(void)c;
	*(struct draft_flag *)member = (struct draft_flag){ key->loc, true, true };
}

/* ---- lists ---- */

static void add_words(struct compose *c, const struct node *key, bool known,
		      struct draft_texts *words)
{
	bool many = key->value->kind == NODE_SEQUENCE;

	for (const struct node *one = many ? key->value->first : key->value; one && !c->stopped;
	     one = many ? one->next : NULL) {
		struct draft_text text = known ? take_text(c, one, key->text, false)
					       : known_text(c, one, key->text, false);
		if (text.text)
			COMPOSE_PUSH(c, words, text);
	}
}

void compose_decode_words(struct compose *c, const struct node *key, void *member)
{
	add_words(c, key, false, member);
}

void compose_decode_known_words(struct compose *c, const struct node *key, void *member)
{
	add_words(c, key, true, member);
}
