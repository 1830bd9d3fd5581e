/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/compose/schema.h"

#include <string.h>

#include "core/compose/decode.h"

bool schema_is_extension(const struct node *key)
{
	return text_begins(key->text, "x-");
}

static bool is_ignored(const char *names, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = len ? strstr(names, name) : NULL; at; at = strstr(at + 1, name))
		if ((at == names || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
			return !strchr(name, ' ');
	return false;
}

const struct schema_field *schema_find(const struct schema_shape *shape, const char *name)
{
	static const struct schema_field ignored = { 0 };

	for (size_t i = 0; i < shape->n; i++)
		if (strcmp(shape->fields[i].name, name) == 0)
			return &shape->fields[i];
	return shape->ignored && is_ignored(shape->ignored, name) ? &ignored : shape->others;
}

/* ---- checking ---- */

static unsigned int kind_of(const struct node *node)
{
	if (node_is_null(node))
		return SCHEMA_NULL;
	return node->kind == NODE_SEQUENCE  ? SCHEMA_LIST
	       : node->kind == NODE_MAPPING ? SCHEMA_MAP
					    : SCHEMA_WORD;
}

static const char *expected(const struct node *node, unsigned int kinds)
{
	static const char *const words[] = {
		"something",
		"a list",
		"a mapping",
		"a list or a mapping",
		"a word",
		"a word or a list",
		"a word or a mapping",
		"a word, a list or a mapping",
	};

	return words[node_is_null(node) ? 0 : kinds & (SCHEMA_LIST | SCHEMA_MAP | SCHEMA_WORD)];
}

static bool fits(const struct node *node, const struct schema_field *field)
{
	unsigned int kind = kind_of(node);

	return field->kinds ? field->kinds & kind : kind != SCHEMA_NULL;
}

static void check_keys(struct compose *c, const struct node *node, const struct schema_shape *shape)
{
	for (const struct node *key = node->first; key; key = key->next) {
		const struct schema_field *field = schema_find(shape, key->text);
		if (!field)
			continue;
		struct schema_field named = *field;
		if (!named.name)
			named.name = key->text;
		schema_check(c, key->value, &named);
	}
}

/* Recursion ends with the depth of the schema. */
void schema_check(struct compose *c, const struct node *node, const struct schema_field *field)
{
	unsigned int kind = kind_of(node);

	if (node->kind == NODE_BAD)
		return;
	if (!fits(node, field))
		compose_wrong_type(c, node, field->name, expected(node, field->kinds));
	else if (field->shape && kind == SCHEMA_MAP)
		check_keys(c, node, field->shape);
	for (const struct node *one = field->shape && kind == SCHEMA_LIST ? node->first : NULL; one;
	     one = one->next) {
		if (one->kind == NODE_MAPPING)
			check_keys(c, one, field->shape);
		else if (field->kinds & SCHEMA_MAPS)
			compose_wrong_type(c, one, field->shape->what, "a mapping");
	}
}

/* ---- decoding ---- */

static void report_unknown(struct compose *c, const struct node *key,
			   const struct schema_shape *shape)
{
	const char *names[64];
	size_t n = 0;

	while (n < shape->n && n < ARRAY_LEN(names)) {
		names[n] = shape->fields[n].name;
		n++;
	}
	compose_report(c, shape->unknown, key->loc,
		       compose_suggest(c, key->text, names, n,
				       "name your own keys `x-…`: compose leaves those alone"),
		       "%s has no key `%s`", shape->what, compose_quote(c, key->text));
}

void schema_decode(struct compose *c, const struct node *node, const struct schema_shape *shape,
		   void *object)
{
	bool mapping = node->kind == NODE_MAPPING;

	for (const struct node *key = mapping ? node->first : NULL; key && !c->stopped;
	     key = key->next) {
		const struct schema_field *field = schema_find(shape, key->text);
		bool nothing = node_is_null(key->value) && field != shape->others;
		if (!field && shape->what && !schema_is_extension(key))
			report_unknown(c, key, shape);
		if (!field || nothing || key->value->kind == NODE_BAD || !fits(key->value, field))
			continue; /* what does not fit was reported */
		if (field->decode)
			field->decode(c, key, (char *)object + field->offset);
		else if (field->shape)
			schema_decode(c, key->value, field->shape, object);
	}
}
