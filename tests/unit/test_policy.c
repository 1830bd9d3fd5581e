/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What good policies mean, and where bad ones are found wrong. The wording is the goldens'. */
#include <errno.h>

#include "core/policy/policy.h"
#include "tests/unit/test_file_lib.h"
#include "tests/unit/test_rows_lib.h"

struct fixture {
	struct arena *arena;
	struct diag_list diags;
	const struct policy *policy;
};

static int setup(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){ .arena = arena_new() };
	diag_init(&fixture.diags, fixture.arena);
	*state = &fixture;
	return fixture.arena ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	f->arena = arena_free(f->arena);
	return 0;
}

static int parse(struct fixture *f, const char *yaml)
{
	struct policy_source source = { "p.yaml", yaml, strlen(yaml) };

	return policy_parse(&source, 1, f->arena, &f->diags, &f->policy);
}

static const struct policy *parse_good(struct fixture *f, const char *yaml)
{
	int r = parse(f, yaml);

	for (size_t i = 0; i < f->diags.diags.n; i++)
		print_message("%u:%u %s\n", f->diags.diags.items[i].loc.line,
			      f->diags.diags.items[i].loc.col, f->diags.diags.items[i].text);
	assert_int_equal(r, 0);
	assert_int_equal(f->diags.n_warnings, 0);
	return f->policy;
}

#define TIERS                                                        \
	"version: 1\ntiers:\n  front: {match: [{network: front}]}\n" \
	"  back: {match: [{network: back}]}\n"

static const char full[] = /* as in the manual page */
	"version: 1\n"
	"mode: enforce\n"
	"unmatched: ignore\n"
	"tiers:\n"
	"  frontend:\n"
	"    description: public web servers\n"
	"    match:\n"
	"      - network: frontend\n"
	"      - compose: {project: shop, service: \"web*\"}\n"
	"      - label: {tier: frontend, env: \"*\"}\n"
	"      - container: \"web-*\"\n"
	"      - image: \"ghcr.io/acme/web:*\"\n"
	"    mode: audit\n"
	"    within: allow\n"
	"  backend:  {match: [{network: backend}]}\n"
	"  internal: {match: [{network: internal}], within: deny}\n"
	"allow:\n"
	"  - {from: internet, to: frontend, ports: [443/tcp]}\n"
	"  - {from: lan, to: frontend, ports: 8443/tcp}\n"
	"  - {from: frontend, to: backend, ports: [8080/tcp, 9000-9010/tcp]}\n"
	"  - {from: backend, to: [203.0.113.0/24, \"2001:db8::/32\"], ports: [443/tcp]}\n"
	"  - {from: [frontend, backend], to: dns}\n"
	"  - {from: backend, to: host, ports: [9100/tcp, icmp], log: true}\n"
	"  - {from: 192.0.2.7, to: internal, ports: [5432/tcp], until: 2026-12-31T18:00:00Z}\n"
	"deny:\n"
	"  - {from: [lan, 169.254.169.254], to: internal}\n"
	"tests:\n"
	"  - {from: frontend, to: internal, port: 5432/tcp, expect: deny}\n"
	"  - {from: internet, to: frontend, port: 443/tcp, expect: allow}\n"
	"  - {from: host, to: backend, port: icmp, expect: allow}\n";

static void test_settings_and_tiers(void **state)
{
	const struct policy *policy = parse_good(*state, full);
	const struct policy_tier *front = &policy->tiers[1];

	assert_int_equal(policy->mode, POLICY_ENFORCE);
	assert_int_equal(policy->unmatched, POLICY_UNMATCHED_IGNORE);
	assert_int_equal(policy->n_tiers, 3);
	assert_string_equal(policy->tiers[0].name, "backend"); /* sorted */
	assert_string_equal(front->name, "frontend");
	assert_string_equal(policy->tiers[2].name, "internal");
	assert_int_equal(policy->tiers[0].mode, POLICY_ENFORCE); /* the policy's */
	assert_int_equal(front->mode, POLICY_AUDIT);
	assert_true(policy->tiers[0].within);
	assert_false(policy->tiers[2].within);
	assert_string_equal(front->description, "public web servers");
	assert_string_equal(policy->tiers[0].description, "");
	assert_int_equal(front->loc.line, 5);
	assert_int_equal(front->loc.col, 3);
	assert_string_equal(front->loc.file, "p.yaml");
	assert_int_equal(policy_find_tier(policy, "internal"), 2);
	assert_int_equal(policy_find_tier(policy, "none"), -1);
}

static void test_matches(void **state)
{
	const struct policy *policy = parse_good(*state, full);
	const struct policy_match *matches = policy->tiers[1].matches;

	assert_int_equal(policy->tiers[1].n_matches, 5);
	assert_string_equal(matches[0].network, "frontend");
	assert_null(matches[0].image);
	assert_int_equal(matches[0].n_labels, 0);
	assert_string_equal(matches[1].compose_project, "shop");
	assert_string_equal(matches[1].compose_service, "web*");
	assert_null(matches[1].network);
	assert_int_equal(matches[2].n_labels, 2);
	assert_string_equal(matches[2].labels[1].key, "env");
	assert_string_equal(matches[2].labels[1].value, "*");
	assert_string_equal(matches[3].container, "web-*");
	assert_string_equal(matches[4].image, "ghcr.io/acme/web:*");
	assert_int_equal(matches[4].loc.line, 12);
	assert_int_equal(matches[4].loc.col, 9);
}

static void test_rules(void **state)
{
	const struct policy *policy = parse_good(*state, full);
	const struct policy_rule *rules = policy->rules;

	assert_int_equal(policy->n_rules, 8);
	assert_int_equal(rules[0].from[0].kind, PEER_INTERNET);
	assert_int_equal(rules[0].to[0].tier, 1);
	assert_int_equal(rules[0].ports[0].lo, 443);
	assert_int_equal(rules[1].n_ports, 1); /* a scalar is a list of one */
	assert_int_equal(rules[2].ports[1].hi, 9010);
	assert_int_equal(rules[3].n_to, 2);
	assert_int_equal(rules[3].to[1].prefix.addr.family, IP_V6);
	assert_int_equal(rules[3].to[1].prefix.len, 32);
	assert_int_equal(rules[4].n_from, 2);
	assert_int_equal(rules[4].n_ports, 0);
	assert_int_equal(rules[4].to[0].kind, PEER_DNS);
	assert_int_equal(rules[5].to[0].kind, PEER_HOST);
	assert_int_equal(rules[5].ports[1].proto, PROTO_ICMP);
	assert_true(rules[5].log);
	assert_false(rules[4].log);
	assert_int_equal(rules[6].until, 1798740000);
	assert_int_equal(rules[6].action, POLICY_ALLOW);
	assert_int_equal(rules[7].action, POLICY_DENY);
	assert_int_equal(rules[7].loc.line, 26);
	assert_int_equal(rules[7].loc.col, 5);
	assert_int_equal(rules[7].from[1].loc.col, 18);
}

static void test_tests(void **state)
{
	const struct policy *policy = parse_good(*state, full);

	assert_int_equal(policy->n_tests, 3);
	assert_int_equal(policy->tests[0].from.tier, 1);
	assert_int_equal(policy->tests[0].to.tier, 2);
	assert_int_equal(policy->tests[0].port.lo, 5432);
	assert_int_equal(policy->tests[0].expect, POLICY_DENY);
	assert_int_equal(policy->tests[1].expect, POLICY_ALLOW);
	assert_int_equal(policy->tests[2].from.kind, PEER_HOST);
	assert_int_equal(policy->tests[2].loc.line, 30);
}

static void test_defaults(void **state)
{
	const struct policy *policy = parse_good(
		*state, "\xef\xbb\xbfversion: 1\r\nallow:\r\ndeny: []\r\ntests: ~\r\ntiers:\r\n");

	assert_int_equal(policy->mode, POLICY_ENFORCE);
	assert_int_equal(policy->unmatched, POLICY_UNMATCHED_DENY);
	assert_int_equal(policy->n_tiers + policy->n_rules + policy->n_tests, 0);
}

static void test_merge(void **state)
{
	static const struct policy_source sources[] = {
		{ "10.yaml", "version: 1\nmode: audit\ndeny: [{from: lan, to: z}]\n", 48 },
		{ "20.yaml", TIERS "mode: audit\nallow: [{from: front, to: z}]\n", 0 },
		{ "30.yaml",
		  "version: 1\ntiers: {z: {match: [{network: z}]}}\nallow: [{from: z, to: back}]\n",
		  0 },
	};
	struct policy_source list[3];
	struct fixture *f = *state;

	memcpy(list, sources, sizeof(list));
	for (size_t i = 0; i < 3; i++)
		list[i].len = strlen(list[i].bytes);
	assert_int_equal(policy_parse(list, 3, f->arena, &f->diags, &f->policy), 0);
	assert_int_equal(f->policy->mode, POLICY_AUDIT);
	assert_int_equal(f->policy->tiers[2].mode, POLICY_AUDIT);
	assert_int_equal(f->policy->n_rules, 3); /* in the order of the files */
	assert_int_equal(f->policy->rules[0].action, POLICY_DENY);
	assert_string_equal(f->policy->rules[1].loc.file, "20.yaml");
	assert_string_equal(f->policy->rules[2].loc.file, "30.yaml");
	assert_int_equal(f->policy->rules[1].to[0].tier, 2);
}

static void test_no_file(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(policy_parse(NULL, 0, f->arena, &f->diags, &f->policy), POLICY_E_INVALID);
	assert_string_equal(f->diags.diags.items[0].id, "missing-key");
	assert_null(f->policy);
}

static void test_peers(void **state)
{
	static const char *const words[] = {
		"front",	  "host",      "internet",	"lan",		 "world",     "dns",
		"203.0.113.0/24", "192.0.2.7", "2001:db8::/32", "fd00:ec2::254", "0.0.0.0/0", "::/0"
	};
	static const char *const not_peers[] = { "",	  "any",	   "unmatched",
						 "Front", "10.0.0.1/8",	   "10.0.0.0/33",
						 "none",  "::ffff:1.2.3.4" };
	const struct policy *policy = parse_good(*state, TIERS);
	char name[LIMIT_PEER_TEXT];
	struct policy_peer peer;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		assert_int_equal(policy_parse_peer(policy, words[i], &peer), 0);
		assert_string_equal(policy_peer_name(policy, &peer, name), words[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(not_peers); i++)
		assert_int_equal(policy_parse_peer(policy, not_peers[i], &peer), -EINVAL);
}

static void test_time(void **state)
{
	struct fixture *f = *state;
	const struct policy *policy =
		parse_good(f, TIERS "allow:\n"
				    "  - {from: front, to: back, until: 2030-01-01T00:00:10Z}\n"
				    "  - {from: back, to: front, until: 2030-01-01T00:00:05Z}\n"
				    "  - {from: back, to: dns}\n");
	const int64_t base = 1893456000;

	assert_int_equal(policy_next_change(policy, base), base + 5);
	assert_int_equal(policy_next_change(policy, base + 5), base + 10);
	assert_int_equal(policy_next_change(policy, base + 10), 0);
	policy_check_time(policy, base + 4, &f->diags);
	assert_int_equal(f->diags.n_warnings, 0);
	policy_check_time(policy, base + 5, &f->diags);
	assert_int_equal(f->diags.n_warnings, 1);
	assert_string_equal(f->diags.diags.items[0].id, "until-passed");
	assert_int_equal(f->diags.diags.items[0].loc.line, 7);
}

/* Rows: what stands under TIERS (lines 5 and on), and the findings as "line:col id", in order. */
struct row {
	const char *name, *yaml, *want;
};

static const struct row rows[] = {
	{ "nothing wrong", "allow:\n  - {from: front, to: back}\n", "" },
	{ "a tier nobody mentions is fine", "tests: []\n", "" },
	{ "metadata needs a CIDR", "allow: [{from: front, to: 169.254.169.254, ports: 80/tcp}]\n",
	  "" },
	{ "deny to the host", "deny: [{from: front, to: host}]\n", "" },
	{ "deny within a tier", "deny: [{from: front, to: front}]\n", "" },
	{ "another network",
	  "allow:\n  - {from: 10.0.0.0/8, to: back}\n  - {from: 11.0.0.0/8, to: back}\n", "" },
	{ "narrow before wide",
	  "allow:\n  - {from: front, to: back, ports: 1/tcp}\n  - {from: front, to: back}\n", "" },
	{ "a deny does not shadow an allow elsewhere",
	  "allow: [{from: front, to: back, ports: 1/tcp}]\ndeny: [{from: front, to: back, ports: "
	  "2/tcp}]\n",
	  "" },
	{ "udp is not tcp",
	  "allow: [{from: front, to: back, ports: 1/tcp}]\ndeny: [{from: front, to: back, ports: "
	  "1/udp}]\n",
	  "" },
	{ "host and lan are apart",
	  "allow: [{from: front, to: host}]\ndeny: [{from: front, to: world}]\n", "" },
	{ "adjacent ranges join",
	  "allow:\n  - {from: front, to: back, ports: [1-5/tcp, 6-9/tcp]}\n"
	  "  - {from: front, to: back, ports: 4-7/tcp}\n",
	  "7:5 shadowed-rule\n" },
	{ "every port covers one",
	  "allow: [{from: front, to: back, ports: 7/tcp}]\ndeny: [{from: front, to: back}]\n",
	  "5:9 contradicting-rule\n" },
	{ "one port does not cover every port",
	  "allow: [{from: front, to: back}]\ndeny: [{from: front, to: back, ports: 1-65535/tcp}]\n",
	  "5:9 partly-denied\n" },
	{ "world denies internet",
	  "allow: [{from: internet, to: back}]\ndeny: [{from: world, to: back}]\n",
	  "5:9 contradicting-rule\n" },
	{ "internet denies half of world",
	  "allow: [{from: world, to: back}]\ndeny: [{from: internet, to: back}]\n",
	  "5:9 partly-denied\n" },
	{ "internet and lan deny world",
	  "allow: [{from: world, to: back}]\ndeny: [{from: [lan, internet], to: back}]\n",
	  "5:9 contradicting-rule\n" },
	{ "a CIDR in lan may be Docker's",
	  "allow: [{from: 10.1.0.0/16, to: back}]\ndeny: [{from: lan, to: back}]\n",
	  "5:9 partly-denied\n" },
	{ "a wider CIDR denies a narrower",
	  "allow: [{from: [10.1.0.0/16, 10.9.9.9], to: back}]\ndeny: [{from: [10.0.0.0/8, "
	  "11.0.0.0/8], to: back}]\n",
	  "5:9 contradicting-rule\n" },
	{ "a narrower CIDR denies a part",
	  "allow: [{from: 10.0.0.0/8, to: back}]\ndeny: [{from: [9.0.0.1, 10.9.9.9, 12.0.0.0/8], "
	  "to: back}]\n",
	  "5:9 partly-denied\n" },
	{ "metadata is not internet",
	  "allow: [{from: front, to: 168.63.129.16}]\ndeny: [{from: front, to: world}]\n", "" },
	{ "a part of the tiers",
	  "allow: [{from: [front, back], to: dns}]\ndeny: [{from: front, to: dns}]\n",
	  "5:9 partly-denied\n" },
	{ "the deny ends first",
	  "allow: [{from: front, to: back, until: 2031-01-01T00:00:00Z}]\n"
	  "deny: [{from: front, to: back, until: 2030-01-01T00:00:00Z}]\n",
	  "5:9 partly-denied\n" },
	{ "the deny ends last",
	  "allow: [{from: front, to: back, until: 2030-01-01T00:00:00Z}]\n"
	  "deny: [{from: front, to: back, until: 2031-01-01T00:00:00Z}]\n",
	  "5:9 contradicting-rule\n" },
	{ "positions in block style",
	  "allow:\n  - from: frnt\n    to:\n      - back\n      - bakc\n    ports:\n      - 80\n",
	  "6:11 unknown-tier\n9:9 unknown-tier\n11:9 bad-port\n" },
	{ "columns count characters", "allow: [{from: \"\xc3\xa4\xc3\xb6\", to: bakc}]\n",
	  "5:16 unknown-peer\n5:26 unknown-tier\n" },
	{ "a bad rule says nothing about others",
	  "allow:\n  - {from: front, to: back, ports: x}\n  - {from: front, to: back, ports: "
	  "1/tcp}\n",
	  "6:36 bad-port\n" },
};

static void check_row(void **state)
{
	const struct row *row = *state;
	struct arena *CLEANUP(arena_freep) arena = arena_new();
	struct text CLEANUP(text_done) yaml = { 0 }, got = { 0 };
	const struct policy *policy;
	struct diag_list diags;

	text_add(&yaml, TIERS);
	text_add(&yaml, row->yaml);
	struct policy_source source = { "p.yaml", text_str(&yaml), yaml.len };
	diag_init(&diags, arena);
	int r = policy_parse(&source, 1, arena, &diags, &policy);
	for (size_t i = 0; i < diags.diags.n; i++)
		text_printf(&got, "%u:%u %s\n", diags.diags.items[i].loc.line,
			    diags.diags.items[i].loc.col, diags.diags.items[i].id);
	assert_string_equal(text_str(&got), row->want);
	assert_int_equal(r, diags.n_errors ? POLICY_E_INVALID : 0);
}

static void test_shipped(void **state)
{
	static const char *const paths[] = { "policies/three-tier.yaml",
					     "policies/compose-app.yaml" };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct text CLEANUP(text_done) text = read_all(paths[i]);
		const struct policy *policy = parse_good(*state, text_str(&text));
		assert_int_equal(policy->n_tiers, 3);
		assert_true(policy->n_tests > 8);
	}
	struct text CLEANUP(text_done) first = read_all("policies/first.yaml");
	assert_int_equal(parse_good(*state, text_str(&first))->mode, POLICY_AUDIT);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest fixed[] = {
		WITH_FIXTURE(test_settings_and_tiers),
		WITH_FIXTURE(test_matches),
		WITH_FIXTURE(test_rules),
		WITH_FIXTURE(test_tests),
		WITH_FIXTURE(test_defaults),
		WITH_FIXTURE(test_merge),
		WITH_FIXTURE(test_no_file),
		WITH_FIXTURE(test_peers),
		WITH_FIXTURE(test_time),
		WITH_FIXTURE(test_shipped),
	};
	struct CMUnitTest tests[ARRAY_LEN(fixed) + ARRAY_LEN(rows)];

	memcpy(tests, fixed, sizeof(fixed));
	ADD_ROWS(tests, ARRAY_LEN(fixed), rows, check_row);
	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
