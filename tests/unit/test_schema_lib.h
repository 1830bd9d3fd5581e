/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON Schema over YAML nodes, as far as policy_schema() uses it: an unknown keyword fails the
 * test.
 */
#pragma once

#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "core/yaml/node.h"

static cJSON *schema;

static bool is_valid(const cJSON *rules, const struct node *node);

static bool matches(const char *pattern, const char *text)
{
	regex_t regex;

	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	bool found = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return found;
}

/* As the core schema of YAML 1.2 reads it. */
static const char *type_of(const struct node *node)
{
	if (node->kind == NODE_SEQUENCE)
		return "array";
	if (node->kind == NODE_MAPPING)
		return "object";
	if (node->quoted)
		return "string";
	if (node_is_null(node))
		return "null";
	if (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0)
		return "boolean";
	return matches("^[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?$", node->text)
		       ? "number"
		       : "string";
}

static bool is_string(const struct node *node)
{
	return strcmp(type_of(node), "string") == 0;
}

static bool same(const cJSON *value, const struct node *node)
{
	if (cJSON_IsNumber(value))
		return strcmp(type_of(node), "number") == 0 &&
		       strtod(node->text, NULL) == value->valuedouble;
	if (cJSON_IsBool(value))
		return strcmp(type_of(node), "boolean") == 0 &&
		       (*node->text == 't') == cJSON_IsTrue(value);
	return is_string(node) && strcmp(cJSON_GetStringValue(value), node->text) == 0;
}

static bool has_type(const cJSON *type, const struct node *node)
{
	const cJSON *item;

	if (cJSON_IsString(type))
		return strcmp(type->valuestring, type_of(node)) == 0;
	cJSON_ArrayForEach(item, type)
		if (strcmp(item->valuestring, type_of(node)) == 0)
			return true;
	return false;
}

static bool is_one_of(const cJSON *values, const struct node *node)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, values)
		if (same(item, node))
			return true;
	return false;
}

static size_t count_valid(const cJSON *list, const struct node *node)
{
	const cJSON *item;
	size_t n = 0;

	cJSON_ArrayForEach(item, list)
		n += is_valid(item, node);
	return n;
}

static bool items_valid(const cJSON *rules, const struct node *node)
{
	for (const struct node *item = node->first; item; item = item->next)
		if (!is_valid(rules, item))
			return false;
	return true;
}

static bool keys_valid(const cJSON *rules, const struct node *node)
{
	for (const struct node *key = node->first; key; key = key->next)
		if (!is_valid(rules, key))
			return false;
	return true;
}

/* "additionalProperties": those that "properties" does not name. */
static bool others_valid(const cJSON *object, const cJSON *rules, const struct node *node)
{
	const cJSON *named = cJSON_GetObjectItemCaseSensitive(object, "properties");

	for (const struct node *key = node->first; key; key = key->next)
		if (!cJSON_GetObjectItemCaseSensitive(named, key->text) &&
		    (cJSON_IsFalse(rules) || !is_valid(rules, key->value)))
			return false;
	return true;
}

static bool properties_valid(const cJSON *rules, const struct node *node)
{
	for (const struct node *key = node->first; key; key = key->next) {
		const cJSON *rule = cJSON_GetObjectItemCaseSensitive(rules, key->text);
		if (rule && !is_valid(rule, key->value))
			return false;
	}
	return true;
}

static bool has_required(const cJSON *names, const struct node *node)
{
	const cJSON *name;

	cJSON_ArrayForEach(name, names)
		if (!node_get(node, name->valuestring))
			return false;
	return true;
}

static const cJSON *resolve(const cJSON *reference)
{
	const char *name = strrchr(cJSON_GetStringValue(reference), '/') + 1;
	const cJSON *rules = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(schema, "$defs"), name);

	assert_non_null(rules);
	return rules;
}

static bool scalar_holds(const cJSON *rule, const struct node *node, bool *known)
{
	const char *name = rule->string;

	*known = true;
	if (strcmp(name, "const") == 0)
		return same(rule, node);
	if (strcmp(name, "enum") == 0)
		return is_one_of(rule, node);
	if (strcmp(name, "pattern") == 0)
		return !is_string(node) || matches(rule->valuestring, node->text);
	if (strcmp(name, "minLength") == 0)
		return !is_string(node) || (double)strlen(node->text) >= rule->valuedouble;
	*known = false;
	return false;
}

static bool list_holds(const cJSON *rule, const struct node *node, bool *known)
{
	const char *name = rule->string;
	bool is_list = node->kind == NODE_SEQUENCE;

	*known = true;
	if (strcmp(name, "minItems") == 0)
		return !is_list || (double)node->n >= rule->valuedouble;
	if (strcmp(name, "maxItems") == 0)
		return !is_list || (double)node->n <= rule->valuedouble;
	if (strcmp(name, "items") == 0)
		return !is_list || items_valid(rule, node);
	*known = false;
	return false;
}

static bool object_holds(const cJSON *rules, const cJSON *rule, const struct node *node,
			 bool *known)
{
	const char *name = rule->string;
	bool other = node->kind != NODE_MAPPING;

	*known = true;
	if (strcmp(name, "minProperties") == 0)
		return other || (double)node->n >= rule->valuedouble;
	if (strcmp(name, "maxProperties") == 0)
		return other || (double)node->n <= rule->valuedouble;
	if (strcmp(name, "required") == 0)
		return other || has_required(rule, node);
	if (strcmp(name, "properties") == 0)
		return other || properties_valid(rule, node);
	if (strcmp(name, "additionalProperties") == 0)
		return other || others_valid(rules, rule, node);
	if (strcmp(name, "propertyNames") == 0)
		return other || keys_valid(rule, node);
	*known = false;
	return false;
}

static bool holds(const cJSON *rules, const cJSON *rule, const struct node *node)
{
	const char *name = rule->string;
	bool known = false, result;

	if (*name == '$' && strcmp(name, "$ref") != 0)
		return true;
	if (strcmp(name, "title") == 0 || strcmp(name, "description") == 0 ||
	    strcmp(name, "default") == 0)
		return true;
	if (strcmp(name, "$ref") == 0)
		return is_valid(resolve(rule), node);
	if (strcmp(name, "not") == 0)
		return !is_valid(rule, node);
	if (strcmp(name, "anyOf") == 0)
		return count_valid(rule, node) > 0;
	if (strcmp(name, "allOf") == 0)
		return count_valid(rule, node) == (size_t)cJSON_GetArraySize(rule);
	if (strcmp(name, "type") == 0)
		return has_type(rule, node);
	result = scalar_holds(rule, node, &known);
	if (!known)
		result = list_holds(rule, node, &known);
	if (!known)
		result = object_holds(rules, rule, node, &known);
	if (!known)
		fail_msg("the test does not know the keyword %s", name);
	return result;
}

static bool is_valid(const cJSON *rules, const struct node *node)
{
	const cJSON *rule;

	cJSON_ArrayForEach(rule, rules)
		if (!holds(rules, rule, node))
			return false;
	return true;
}
