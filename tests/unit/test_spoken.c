/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tiers speak for, and for what not: what Docker deals out, what is no unicast address, what
 * is another's. That the kernel holds to it is tests/docker/test_routers.py's. */
#include "tests/unit/test_compile_lib.h"
#include "tests/unit/test_rows_lib.h"

#define SPEAKS                                                                            \
	"tiers:\n"                                                                        \
	"  web: {match: [{label: {tier: web}}], speaks_for: [10.8.0.0/24, 10.8.0.7, "     \
	"\"fd08::/64\"]}\n"                                                               \
	"  app: {match: [{label: {tier: app}}], speaks_for: [172.16.0.0/12, 172.18.9.9, " \
	"172.18.0.9, 172.18.0.1, 100.64.0.0/10, 0.0.0.0/0]}\n"                            \
	"  db: {match: [{network: back}], speaks_for: [\"fd00::/16\", \"fe00::/8\"]}\n"

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

int main(void)
{
	struct CMUnitTest tests[1 + ARRAY_LEN(rows) + ARRAY_LEN(peer_rows)] = {
		cmocka_unit_test(ranges_are_apart),
	};

	ADD_ROWS(tests, 1, rows, who_speaks_for_it);
	ADD_ROWS(tests, 1 + ARRAY_LEN(rows), peer_rows, which_peers_are_a_tiers);
	return cmocka_run_group_tests_name("spoken", tests, NULL, NULL);
}
