/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long a commit takes with 10, 1,000 and 10,000 endpoints. Prints figures; fails only on what
 * cannot be noise. Needs root. */
#include "fw_lib.h"

#define TIERS 8u
#define ROUNDS 15

static struct rs_key ip_of(uint32_t i)
{
	uint8_t bytes[4] = { 172, (uint8_t)(18 + (i >> 16)), (uint8_t)(i >> 8), (uint8_t)i };

	return key_of(RS_TYPE_IPV4, bytes);
}

static struct rs_key tuple_of(uint32_t i)
{
	uint8_t mac[6] = { 2, 0x42, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };
	char name[16];

	snprintf(name, sizeof(name), "veth%07x", i);
	return key_join(
		(struct rs_key[]){ key_ifname(name), key_of(RS_TYPE_ETHER_ADDR, mac), ip_of(i) },
		3);
}

/* The shape of a compiled policy: verdict maps to and from tiers, a source set per tier, the guard
 * of the bridge. @missing: an endpoint that is left out. */
static const struct ruleset *endpoints(struct arena *arena, uint32_t n, uint32_t missing)
{
	static const enum rs_type guard[] = { RS_TYPE_IFNAME, RS_TYPE_ETHER_ADDR, RS_TYPE_IPV4 };
	struct ruleset *rs = sample_ruleset(arena);
	struct rs_set *maps[] = { add_set(rs, RS_INET, "all_to4", RS_TYPE_IPV4),
				  add_set(rs, RS_INET, "all_from4", RS_TYPE_IPV4) };
	struct rs_set *known = ruleset_add_set(rs, RS_BRIDGE, "all_known4", guard, 3);
	struct rs_set *tiers[TIERS];
	const char *chains[TIERS];

	for (uint32_t tier = 0; tier < TIERS; tier++) {
		chains[tier] = arena_printf(arena, "to_tier%u", tier);
		tiers[tier] =
			add_set(rs, RS_INET, arena_printf(arena, "tier%u_4", tier), RS_TYPE_IPV4);
		struct rs_chain *chain = add_chain(rs, RS_INET, chains[tier]);
		for (uint16_t port = 1; port <= 8; port++)
			add_rule(rs, chain,
				 (struct rs_rule){
					 MATCHES(L4(6),
						 match_eq(RS_CT_REPLY_PROTO_SRC,
							  key_u16(RS_TYPE_INET_SERVICE, port)),
						 match_set(RS_IN, RS_CT_ORIGINAL_IP_SADDR,
							   tiers[tier]->name)),
					 .verdict = RS_ACCEPT, .comment = "20-shop.yaml:31" });
	}
	maps[0]->map = maps[1]->map = true;
	for (uint32_t i = 0; i < n; i++) {
		if (i == missing)
			continue;
		add_verdict(rs, maps[0], ip_of(i), RS_GOTO, chains[i % TIERS]);
		add_verdict(rs, maps[1], ip_of(i), RS_GOTO, chains[i % TIERS]);
		add_elem(rs, tiers[i % TIERS], ip_of(i));
		add_elem(rs, known, tuple_of(i));
	}
	return seal(rs);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

struct series {
	double ms[ROUNDS];
	int n;
};

static void add_time(struct series *series, double begin)
{
	series->ms[series->n++] = (now_s() - begin) * 1e3;
}

static double median(struct series *series)
{
	qsort(series->ms, (size_t)series->n, sizeof(double), by_value);
	return series->ms[series->n / 2];
}

static double measure(struct fixture *f, uint32_t n)
{
	const struct ruleset *all = endpoints(f->arena, n, UINT32_MAX);
	const struct ruleset *less = endpoints(f->arena, n, n / 2);
	struct series whole = { 0 }, add = { 0 }, delete = { 0 };

	for (int i = 0; i < ROUNDS; i++) {
		double begin = now_s();
		commit(f, NULL, all);
		add_time(&whole, begin);
		begin = now_s();
		commit(f, all, less);
		add_time(&delete, begin);
		begin = now_s();
		commit(f, less, all);
		add_time(&add, begin);
	}
	double one = median(&add);
	print_message("%6u endpoints: whole %.2f ms, one more %.2f ms, one less %.2f ms\n", n,
		      median(&whole), one, median(&delete));
	return one;
}

static void commits_in_time(void **state)
{
	static const uint32_t sizes[] = { 10, 1000, 10000 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct fixture *f = *state;
		assert_true(measure(f, sizes[i]) < 1000);
		fw_teardown(state);
		fw_setup(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(commits_in_time, fw_setup, fw_teardown),
	};
	int skipped = have_netns();

	return skipped ? skipped : cmocka_run_group_tests(tests, NULL, NULL);
}
