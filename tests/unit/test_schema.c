/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy_schema() against the parser: the same keys, and every bad and good policy fed to both. The
 * part of JSON Schema that it uses is read here. What the parser takes, the schema must take; what
 * is wrong in structure or spelling, both must refuse; a mistake that only the whole policy shows
 * is the parser's alone. */
#include "core/policy/finding.h"
#include "core/policy/policy.h"
#include "core/policy/schema.h"
#include "core/yaml/node.h"
#include "tests/unit/test_file_lib.h"
#include "tests/unit/test_schema_lib.h"

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
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	CLEANUP(text_done) struct text text = read_all(path);
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
	{ "version: 1\naccept: [{finding: a-b, tier: a, reason: x}]\n", true },
	{ "version: 1\naccept: [{finding: [a-b, c], file: a, port: 1/tcp, reason: x}]\n", true },
	{ "version: 1\naccept: [{finding: a-, tier: a, reason: x}]\n", false },
	{ "version: 1\naccept: [{finding: a, reason: x}]\n", false },
	{ "version: 1\naccept: [{finding: a, tier: a}]\n", false },
	{ "version: 1\naccept: [{finding: a, tier: a, reason: \"\"}]\n", false },
	{ "version: 1\naccept: {finding: a, tier: a, reason: x}\n", false },
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
	{ WEB "hosts: {grace: 10s}\n", true },
	{ WEB "hosts: {grace: 9s}\n", false },
	{ WEB "hosts: {grace: 604800s}\n", true },
	{ WEB "hosts: {grace: 604801s}\n", false },
	{ WEB "hosts: {grace: 9999m}\n", true },
	{ WEB "hosts: {grace: 10080m}\n", true },
	{ WEB "hosts: {grace: 10081m}\n", false },
	{ WEB "hosts: {grace: 168h}\n", true },
	{ WEB "hosts: {grace: 169h}\n", false },
	{ WEB "hosts: {grace: 7d}\n", true },
	{ WEB "hosts: {grace: 07d}\n", false },
	{ WEB "hosts: {grace: 10}\n", false },
	{ WEB "hosts: {grace: [10s]}\n", false },
	{ WEB "hosts: {}\n", false },
	{ WEB "hosts: 10m\n", false },
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
		{ "hosts", "version: 1\nhosts: {@: 1}\n" },
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
