/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every world made of compose files keeps to, whatever is in them. */
#include "tests/unit/test_assign_lib.h"
#include "tests/unit/test_compose_lib.h"

#include "core/compile/compile.h"
#include "core/policy/policy.h"
#include "core/policy/zone.h"

static void test_policy_matches(void **state)
{
	static const char yaml[] =
		"services:\n  web: {image: nginx}\n  db: {image: x, labels: {tier: data}}\n"
		"  other: {image: y, networks: [back]}\nnetworks: {back: {name: backend}}\n";
	static const char policy_text[] =
		"version: 1\ntiers:\n  a: {match: [{compose: {project: p, service: \"w*\"}}]}\n"
		"  b: {match: [{label: {tier: data}}]}\n  c: {match: [{network: backend}]}\n";
	struct policy_source source = { "p.yaml", policy_text, sizeof(policy_text) - 1 };
	CLEANUP(parsed_done) struct parsed parsed = parse_bytes(yaml, sizeof(yaml) - 1);
	const struct policy *policy = NULL;

	(void)state;
	assert_int_equal(parsed.code, 0);
	assert_int_equal(policy_parse(&source, 1, parsed.arena, &parsed.diags, &policy), 0);
	const struct assignment *got = assign_all(policy, parsed.project.world, parsed.arena);
	assert_non_null(got);
	assert_int_equal(parsed.project.world->n_endpoints, 3);
	static const uint32_t tiers[] = { 1, 2, 0 }; /* p-db-1, p-other-1, p-web-1 */
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(got[i].kind, ASSIGN_TIER);
		assert_int_equal(got[i].tier, tiers[i]);
	}
}

/* Many networks of all sizes: addresses are unique, inside, and of no zone. */
static void test_symbolic_addresses(void **state)
{
	CLEANUP(text_done) struct text yaml = { 0 };

	(void)state;
	text_add(&yaml, "services:\n");
	for (size_t i = 0; i < 200; i++)
		text_printf(&yaml, "  s%zu: {image: x, networks: [n%zu], scale: %zu}\n", i, i,
			    i < 9 ? 1000 : i % 7);
	text_add(&yaml, "networks:\n");
	for (size_t i = 0; i < 200; i++)
		text_printf(&yaml, "  n%zu: {enable_ipv6: true}\n", i);
	CLEANUP(parsed_done) struct parsed parsed = parse_text(&yaml);
	const struct world *world = parsed.project.world;
	assert_int_equal(parsed.code, 0);
	assert_true(world->n_endpoints > 9000);
	for (size_t i = 0; i < world->n_endpoints; i++) {
		const struct world_endpoint *end = &world->endpoints[i];
		const struct world_network *network = &world->networks[end->network];
		struct ip_prefix v4 = { end->ipv4, 32 }, v6 = { end->ipv6, 128 };
		assert_int_equal(network->n_subnets, 2);
		assert_true(ip_in_prefix(&end->ipv6, &network->subnets[0]));
		assert_true(ip_in_prefix(&end->ipv4, &network->subnets[1]));
		assert_int_not_equal(ip_compare(&end->ipv4, &network->gateways[1]), 0);
		assert_int_equal(policy_zone_relation(&v4), 0);
		assert_int_equal(policy_zone_relation(&v6), 0);
	}
	for (size_t i = 0; i < world->n_networks; i++)
		for (size_t k = 0; k < i; k++) {
			const struct ip_prefix *a = &world->networks[i].subnets[1];
			const struct ip_prefix *b = &world->networks[k].subnets[1];
			assert_false(ip_in_prefix(&a->addr, b) || ip_in_prefix(&b->addr, a));
			assert_string_not_equal(world->networks[i].bridge,
						world->networks[k].bridge);
		}
}

/* A file may use the range of symbolic addresses itself. */
static void test_symbolic_range_in_use(void **state)
{
	static const char yaml[] =
		"services: {a: {image: x, networks: [m, z]}}\n"
		"networks: {m: , z: {ipam: {config: [{subnet: 198.18.0.0/16}]}}}\n";
	CLEANUP(parsed_done) struct parsed parsed = parse_bytes(yaml, sizeof(yaml) - 1);
	char text[PREFIX_TEXT_LEN];

	(void)state;
	assert_int_equal(parsed.code, 0);
	assert_string_equal(ip_prefix_format(&parsed.project.world->networks[0].subnets[0], text),
			    "198.19.0.0/24");
}

static void test_deterministic(void **state)
{
	static const char yaml[] =
		"services:\n  b: {image: x, scale: 3, networks: [z, a], ports: [\"80\", \"90\"]}\n"
		"  a: {image: x, ports: [\"127.0.0.1:1:1\"], labels: [b=1, a=2]}\n"
		"networks: {z: , a: }\n";
	static const char turned[] =
		"networks: {a: , z: }\nservices:\n"
		"  a: {labels: {a: 2, b: 1}, image: x, ports: [\"127.0.0.1:1:1\"]}\n"
		"  b: {ports: [\"90\", \"80\"], networks: {a: , z: }, scale: 3, image: x}\n";
	CLEANUP(parsed_done) struct parsed one = parse_bytes(yaml, sizeof(yaml) - 1);
	CLEANUP(parsed_done) struct parsed two = parse_bytes(turned, sizeof(turned) - 1);

	(void)state;
	assert_int_equal(one.code, 0);
	assert_int_equal(two.code, 0);
	CLEANUP(free_ptr) char *a = world_print_inventory(one.project.world);
	CLEANUP(free_ptr) char *b = world_print_inventory(two.project.world);
	assert_string_equal(a, b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy_matches),
		cmocka_unit_test(test_symbolic_addresses),
		cmocka_unit_test(test_symbolic_range_in_use),
		cmocka_unit_test(test_deterministic),
	};

	return cmocka_run_group_tests_name("compose_world", tests, NULL, NULL);
}
