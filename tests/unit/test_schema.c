/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy_schema() against the parser: the same keys, and every bad and good policy fed to both. The
 * part of JSON Schema that it uses is read here. What the parser takes, the schema must take; what
 * is wrong in structure or spelling, both must refuse; a mistake that only the whole policy shows
 * is the parser's alone. */
#include <dirent.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "core/base/text.h"
#include "core/policy/finding.h"
#include "core/policy/policy.h"
#include "core/policy/schema.h"
#include "core/yaml/node.h"

static cJSON *schema;

/* ---- JSON Schema, as far as it is used ---- */

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

/* ---- both ---- */

struct verdict {
	bool is_yaml; /* there is a tree to give to the schema */
	bool schema, parser;
	bool structural; /* an error that the schema must find too */
	char ids[256];
};

/* Errors of structure and spelling. Of bad-cidr, bad-port and bad-time a pattern finds the most. */
static const char *const structural[] = { "bad-name",	    "bad-value",      "bad-version",
					  "dns-source",	    "empty-list",     "empty-match",
					  "missing-key",    "reserved-name",  "too-many-items",
					  "too-many-rules", "too-many-tests", "too-many-tiers",
					  "unknown-key",    "unknown-peer",   "wrong-type" };

static void note_errors(const struct diag_list *diags, struct verdict *ret)
{
	for (size_t i = 0; i < diags->diags.n; i++) {
		const struct diag *diag = &diags->diags.items[i];
		size_t len = strlen(ret->ids);
		if (diag->severity != DIAG_ERROR)
			continue;
		(void)snprintf(ret->ids + len, sizeof(ret->ids) - len, "%s ", diag->id);
		for (size_t s = 0; s < ARRAY_LEN(structural); s++)
			ret->structural |= strcmp(diag->id, structural[s]) == 0;
	}
}

static struct verdict ask_both(const char *name, const char *bytes, size_t len)
{
	struct arena *arena = arena_new();
	const struct policy_source source = { name, bytes, len };
	const struct node_source text = { name, bytes, len };
	const struct policy *policy = NULL;
	const struct node *root = NULL;
	struct verdict verdict = { 0 };
	struct diag_list diags, yaml;

	diag_init(&diags, arena);
	diag_init(&yaml, arena);
	verdict.parser = policy_parse(&source, 1, arena, &diags, &policy) == 0;
	note_errors(&diags, &verdict);
	verdict.is_yaml = node_parse(&text, &policy_dialect, arena, &yaml, &root) == 0 && root &&
			  yaml.n_errors == 0;
	verdict.schema = verdict.is_yaml && is_valid(schema, root);
	(void)arena_free(arena);
	return verdict;
}

static void compare(const char *name, const char *bytes, size_t len)
{
	struct verdict verdict = ask_both(name, bytes, len);

	if (verdict.parser && !verdict.schema)
		fail_msg("%s: the schema refuses what the parser takes", name);
	if (verdict.is_yaml && verdict.structural && verdict.schema)
		fail_msg("%s: the schema takes what the parser refuses: %s", name, verdict.ids);
}

static void compare_file(const char *folder, const char *name)
{
	struct text CLEANUP(text_done) text = { 0 };
	char path[512], buffer[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	for (size_t n; (n = fread(buffer, 1, sizeof(buffer), file)) > 0;)
		text_add_n(&text, buffer, n);
	assert_int_equal(fclose(file), 0);
	compare(path, text_str(&text), text.len);
}

static size_t compare_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	size_t n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		const char *dot = strrchr(entry->d_name, '.');
		if (!dot || strcmp(dot, ".yaml") != 0)
			continue;
		compare_file(folder, entry->d_name);
		n++;
	}
	(void)closedir(dir);
	return n;
}

static void files_get_one_answer(void **state)
{
	(void)state;
	assert_true(compare_folder("tests/golden/policy-bad") > 70);
	assert_true(compare_folder("policies") >= 2);
}

/* One mistake each, and its sound neighbour. */
static const struct {
	const char *text;
	bool sound;
} cases[] = {
	{ "version: 1\n", true },
	{ "version: 1\ntiers:\nallow:\ndeny:\ntests:\n", true },
	{ "version: \"1\"\n", false },
	{ "version: 2\n", false },
	{ "{}\n", false },
	{ "- version\n", false },
	{ "version: 1\nmode: Enforce\n", false },
	{ "version: 1\nunmatched: ignore\n", true },
	{ "version: 1\ntiers: []\n", false },
	{ "version: 1\ntiers: {any: {match: [{network: a}]}}\n", false },
	{ "version: 1\ntiers: {Web: {match: [{network: a}]}}\n", false },
	{ "version: 1\ntiers: {web: {}}\n", false },
	{ "version: 1\ntiers: {web: {match: []}}\n", false },
	{ "version: 1\ntiers: {web: {match: [{}]}}\n", false },
	{ "version: 1\ntiers: {web: {match: {network: a}}}\n", false },
	{ "version: 1\ntiers: {web: {match: [{network: 7}], description: 3.5}}\n", true },
	{ "version: 1\ntiers: {web: {match: [{network: ''}]}}\n", false },
	{ "version: 1\ntiers: {web: {match: [{network: 'a[b]'}]}}\n", false },
	{ "version: 1\ntiers: {web: {match: [{container: /a}]}}\n", false },
	{ "version: 1\ntiers: {web: {match: [{compose: {}}]}}\n", false },
	{ "version: 1\ntiers: {web: {match: [{compose: {project: a, service: 'b*'}}]}}\n", true },
	{ "version: 1\ntiers: {web: {match: [{label: {a: 1, b: true, c: ''}}]}}\n", true },
	{ "version: 1\ntiers: {web: {match: [{label: {a: }}]}}\n", false },
	{ "version: 1\ntiers: {web: {match: [{label: [a]}]}}\n", false },
	{ "version: 1\ntiers: {web: {match: [{image: a}], within: no}}\n", false },
#define WEB "version: 1\ntiers: {web: {match: [{network: a}], within: deny, mode: audit}}\n"
	{ WEB "allow: [{from: world, to: web}]\n", true },
	{ WEB "allow: [{from: [lan, 192.0.2.7, 2001:db8::/32], to: web, ports: 80/tcp}]\n", true },
	{ WEB "allow: [{from: web, to: [dns, host], log: true, until: 2030-01-01T00:00:00Z}]\n",
	  true },
	{ WEB "allow: [{from: dns, to: web}]\n", false },
	{ WEB "allow: [{from: any, to: web}]\n", false },
	{ WEB "allow: [{from: [], to: web}]\n", false },
	{ WEB "allow: [{from: {a: b}, to: web}]\n", false },
	{ WEB "allow: [{to: web}]\n", false },
	{ WEB "allow: {from: lan, to: web}\n", false },
	{ WEB "allow: [{from: lan, to: web, ports: 80}]\n", false },
	{ WEB "allow: [{from: lan, to: web, ports: [icmp, 1-65535/udp]}]\n", true },
	{ WEB "allow: [{from: lan, to: web, ports: [80/icmp]}]\n", false },
	{ WEB "allow: [{from: lan, to: web, log: \"true\"}]\n", false },
	{ WEB "allow: [{from: lan, to: web, log: yes}]\n", false },
	{ WEB "allow: [{from: lan, to: web, until: tomorrow}]\n", false },
	{ WEB "deny: [{from: lan, to: web, port: 80/tcp}]\n", false },
	{ WEB "tests: [{from: lan, to: web, port: 80/tcp, expect: deny}]\n", true },
	{ WEB "tests: [{from: lan, to: web, port: 80/tcp, expect: denied}]\n", false },
	{ WEB "tests: [{from: [lan], to: web, port: 80/tcp, expect: deny}]\n", false },
	{ WEB "tests: [{from: lan, to: web, expect: deny}]\n", false },
};

static void cases_get_one_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict verdict = ask_both("p", cases[i].text, strlen(cases[i].text));
		if (verdict.parser != cases[i].sound || verdict.schema != cases[i].sound)
			fail_msg("%s: parser %d, schema %d, %s", cases[i].text, verdict.parser,
				 verdict.schema, verdict.ids);
	}
}

/* What only the whole shows: the schema takes it. */
static void the_whole_is_the_parsers(void **state)
{
	static const char *const texts[] = {
		WEB "allow: [{from: nobody, to: web}]\n",
		WEB "deny: [{from: host, to: web}]\n",
		WEB "allow: [{from: lan, to: internet}]\n",
		WEB "allow: [{from: lan, to: web, ports: 90-80/tcp}]\n",
		WEB "allow: [{from: 192.0.2.7/24, to: web}]\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct verdict verdict = ask_both("p", texts[i], strlen(texts[i]));
		assert_false(verdict.parser);
		assert_true(verdict.schema);
	}
}

/* ---- keys ---- */

/* @text with an unknown key for its "@". */
static char *with_key(struct arena *arena, const char *text)
{
	const char *at = strchr(text, '@');

	return arena_printf(arena, "%.*sqqqqqqqqqq%s", (int)(at - text), text, at + 1);
}

/* The parser names all keys of an object where none is near the unknown one. */
static void keys_are_the_same(void **state)
{
	static const struct {
		const char *object, *text;
	} asked[] = {
		{ "policy", "version: 1\n@: 1\n" },
		{ "tier", "version: 1\ntiers: {a: {match: [{network: a}], @: 1}}\n" },
		{ "match", "version: 1\ntiers: {a: {match: [{@: 1}]}}\n" },
		{ "compose", "version: 1\ntiers: {a: {match: [{compose: {@: 1}}]}}\n" },
		{ "rule", "version: 1\nallow: [{@: 1}]\n" },
		{ "test", "version: 1\ntests: [{@: 1}]\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		struct arena *arena = arena_new();
		char *text = with_key(arena, asked[i].text);
		struct policy_source source = { "p", text, strlen(text) };
		const cJSON *key, *properties = cJSON_GetObjectItem(
					  cJSON_GetObjectItem(cJSON_GetObjectItem(schema, "$defs"),
							      asked[i].object),
					  "properties");
		const struct policy *policy;
		struct diag_list diags;
		const char *list = "", *hint = "";
		diag_init(&diags, arena);
		assert_int_equal(policy_parse(&source, 1, arena, &diags, &policy),
				 POLICY_E_INVALID);
		for (size_t d = 0; d < diags.diags.n; d++)
			if (strcmp(diags.diags.items[d].id, "unknown-key") == 0)
				hint = strstr(diags.diags.items[d].hint, " has: ");
		cJSON_ArrayForEach(key, properties)
			list = arena_printf(arena, "%s%s%s", list, *list ? ", " : "", key->string);
		assert_non_null(hint);
		assert_string_equal(hint + strlen(" has: "), list);
		(void)arena_free(arena);
	}
}

static int set_up(void **state)
{
	char *text = policy_schema();

	(void)state;
	schema = cJSON_Parse(text);
	free(text);
	return schema ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	cJSON_Delete(schema);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_the_same),
		cmocka_unit_test(cases_get_one_answer),
		cmocka_unit_test(the_whole_is_the_parsers),
		cmocka_unit_test(files_get_one_answer),
	};

	return cmocka_run_group_tests_name("schema", tests, set_up, tear_down);
}
