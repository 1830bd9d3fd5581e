/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tiers speak for, and for what not: what Docker deals out, what is no unicast address, what
 * is another's. That the kernel holds to it is tests/docker/test_routers.py's. */
#include "tests/unit/test_compile_lib.h"
#include "tests/unit/test_rows_lib.h"

#define SPEAKS                                                                            \
	"tiers:\n"                                                                        \
	"  web: {match: [{label: {tier: web}}], speaks_for: [10.8.0.0/24, 10.8.0.7, "     \
	"\"fd08::/64\", 169.254.7.7]}\n"                                                  \
	"  app: {match: [{label: {tier: app}}], speaks_for: [172.16.0.0/12, 172.18.9.9, " \
	"172.18.0.9, 172.18.0.1, 100.64.0.0/10, 0.0.0.0/0]}\n"                            \
	"  db: {match: [{network: back}], speaks_for: [\"fd00::/16\", \"fe00::/8\", "     \
	"\"fe80::77\", \"fe80::42:acff:fe12:2\"]}\n"

struct row {
	const char *name, *tier; /* NULL: none */
};

static const struct row rows[] = {
	{ "10.8.0.0", "web" },
	{ "10.8.0.7", "web" },
	{ "10.8.0.255", "web" },
	{ "10.8.1.0", NULL },
	{ "fd08::1", "web" },
	/* A single address may lie in a network, but not be a container's or the gateway's. */
	{ "172.18.9.9", "app" },
	{ "172.18.0.9", NULL },
	{ "172.18.0.1", NULL },
	/* A range leaves out Docker's networks, front and back. */
	{ "172.17.255.255", "app" },
	{ "172.18.0.0", NULL },
	{ "172.19.255.255", NULL },
	{ "172.20.0.0", "app" },
	{ "172.31.255.255", "app" },
	{ "fd00:0:ffff:ffff:ffff:ffff:ffff:ffff", "db" },
	{ "fd00:1::5", NULL },
	{ "fd00:1:0:1::", "db" },
	/* And what is in no zone. */
	{ "100.100.100.199", "app" },
	{ "100.100.100.200", NULL },
	{ "100.100.100.201", "app" },
	{ "fe80::1", NULL },
	/* What --link-local-ip gives, but not what follows from the MAC of somebody else. */
	{ "169.254.7.7", "web" },
	{ "169.254.7.8", NULL },
	{ "fe80::77", "db" },
	{ "fe80::78", NULL },
	{ "fe80::42:acff:fe12:2", NULL },
	/* A default route names nobody. */
	{ "8.8.8.8", NULL },
};

static void who_speaks_for_it(void **state)
{
	const struct row *row = *state;
	struct fixture f;
	struct ip_addr addr;

	fixture_make_with(&f, SPEAKS, "");
	assert_int_equal(ip_parse(row->name, &addr), 0);
	uint32_t tier = compile_find_spoken(&f.compiled, &addr);
	assert_string_equal(tier == UINT32_MAX ? "-" : f.policy->tiers[tier].name,
			    row->tier ? row->tier : "-");
	(void)arena_free(f.arena);
}

/* Sorted and apart, so that one look finds the range. */
static void ranges_are_apart(void **state)
{
	struct fixture f;

	(void)state;
	fixture_make_with(&f, SPEAKS, "");
	assert_true(f.compiled.n_spoken > 8);
	for (size_t i = 0; i < f.compiled.n_spoken; i++) {
		const struct ip_range *range = &f.compiled.spoken[i].range;
		assert_true(ip_compare(&range->first, &range->last) <= 0);
		if (i > 0)
			assert_true(ip_compare(&range[0].first,
					       &f.compiled.spoken[i - 1].range.last) > 0);
	}
	(void)arena_free(f.arena);
}

struct peer_row {
	const char *name, *tier; /* NULL: an address outside */
};

static const struct peer_row peer_rows[] = {
	{ "10.8.0.0/24", "web" }, { "10.8.0.16/28", "web" },  { "10.8.0.7", "web" },
	{ "10.8.0.0/23", NULL },  { "10.0.0.0/8", NULL },     { "10.7.255.255", NULL },
	{ "172.18.9.9", "web" },  { "172.20.0.0/16", "app" }, { "fd08::/65", "web" },
	{ "8.8.8.8", NULL },	  { "0.0.0.0/0", NULL },
};

static void which_peers_are_a_tiers(void **state)
{
	static const char text[] =
		"version: 1\n"
		"tiers:\n"
		"  web: {match: [{network: a}], speaks_for: [10.8.0.0/24, "
		"172.18.9.9, \"fd08::/64\", 10.8.0.128/25, 10.8.0.5, 10.8.0.6]}\n"
		"  app: {match: [{network: b}], speaks_for: [172.20.0.0/14, "
		"0.0.0.0/0]}\n";
	const struct policy_source source = { "p.yaml", text, sizeof(text) - 1 };
	const struct peer_row *row = *state;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct policy *policy = NULL;
	struct policy_peer peer;
	struct diag_list diags;

	diag_init(&diags, arena);
	assert_int_equal(policy_parse(&source, 1, arena, &diags, &policy), 0);
	assert_int_equal(policy_parse_peer(policy, row->name, &peer), 0);
	assert_int_equal(peer.kind, PEER_PREFIX);
	assert_int_equal(peer.spoken, row->tier != NULL);
	if (row->tier)
		assert_string_equal(policy->tiers[peer.tier].name, row->tier);
}

#define DENIAL_TIERS                               \
	"tiers:\n"                                 \
	"  web: {match: [{label: {tier: web}}]}\n" \
	"  app: {match: [{label: {tier: app}}], speaks_for: [100.64.0.0/10]}\n"

struct denial_row {
	const char *name, *denied, *from, *to; /* @denied: a CIDR that the tier app speaks for */
	bool passes;
};

static const struct denial_row denial_rows[] = {
	{ "a metadata service", "100.100.0.0/16", "web-1", "100.100.100.200", false },
	{ "it alone", "100.100.100.200", "web-1", "100.100.100.200", false },
	{ "it beside what is denied", "100.101.0.0/16", "web-1", "100.100.100.200", true },
	{ "what no tier speaks for", "100.100.0.0/16", "web-1", "100.1.2.3", true },
	{ "from a metadata service", "100.100.0.0/16", "100.100.100.200", "web-1", false },
	{ "from it beside what is denied", "100.101.0.0/16", "100.100.100.200", "web-1", true },
	{ "from what no tier speaks for", "100.100.0.0/16", "100.1.2.3", "web-1", true },
};

/* What a range leaves out is no tier's, but a deny rule means it as well: a wider CIDR must not
 * open it. */
static void a_deny_rule_means_the_whole_cidr(void **state)
{
	const struct denial_row *row = *state;
	struct sim_result result;
	struct fixture f;
	char rules[512];

	(void)snprintf(rules, sizeof(rules),
		       "deny: [{from: web, to: %s}, {from: %s, to: web}]\n"
		       "allow: [{from: web, to: 100.0.0.0/8}, {from: 100.0.0.0/8, to: web}]\n",
		       row->denied, row->denied);
	fixture_make_with(&f, DENIAL_TIERS, rules);
	const struct sim_host host = { f.world, f.policy, &f.compiled, false };
	const struct sim_flow flow = { parse_end(&f, row->from), parse_end(&f, row->to), IP_V4,
				       PROTO_TCP, 80 };
	assert_int_equal(sim_flow(&host, &flow, f.arena, &result), 0);
	assert_int_equal(result.allowed, row->passes);
	(void)arena_free(f.arena);
}

struct finding_row {
	const char *name, *rules, *id; /* NULL: nothing is found */
};

static const struct finding_row finding_rows[] = {
	{ "a CIDR of the tier", "deny: [{from: web, to: app}, {from: web, to: 100.65.0.0/16}]\n",
	  "shadowed-rule" },
	{ "a CIDR that holds more",
	  "deny: [{from: web, to: app}, {from: web, to: 100.100.0.0/16}]\n", NULL },
	{ "a CIDR of the tier in one rule", "deny: [{from: web, to: [app, 100.65.0.0/16]}]\n",
	  "overlapping-peers" },
	{ "a CIDR that holds more in one rule", "deny: [{from: web, to: [app, 100.100.0.0/16]}]\n",
	  NULL },
	{ "what it denies of a wider one",
	  "deny: [{from: web, to: 100.100.0.0/16}]\nallow: [{from: web, to: 100.0.0.0/8}]\n",
	  "partly-denied" },
};

/* No finding advises to remove a deny rule that forbids more than the tier's addresses. */
static void what_is_found(void **state)
{
	const struct finding_row *row = *state;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct policy *policy = NULL;
	struct diag_list diags;
	char text[1024];

	(void)snprintf(text, sizeof(text), "version: 1\n%s%s", DENIAL_TIERS, row->rules);
	const struct policy_source source = { "p.yaml", text, strlen(text) };
	diag_init(&diags, arena);
	assert_int_equal(policy_parse(&source, 1, arena, &diags, &policy), 0);
	assert_int_equal(diags.diags.n, row->id != NULL);
	if (row->id)
		assert_string_equal(diags.diags.items[0].id, row->id);
}

int main(void)
{
	enum {
		PEERS = 1 + ARRAY_LEN(rows),
		DENIALS = PEERS + ARRAY_LEN(peer_rows),
		FINDINGS = DENIALS + ARRAY_LEN(denial_rows)
	};
	struct CMUnitTest tests[FINDINGS + ARRAY_LEN(finding_rows)] = {
		cmocka_unit_test(ranges_are_apart),
	};

	ADD_ROWS(tests, 1, rows, who_speaks_for_it);
	ADD_ROWS(tests, PEERS, peer_rows, which_peers_are_a_tiers);
	ADD_ROWS(tests, DENIALS, denial_rows, a_deny_rule_means_the_whole_cidr);
	ADD_ROWS(tests, FINDINGS, finding_rows, what_is_found);
	return cmocka_run_group_tests_name("spoken", tests, NULL, NULL);
}
