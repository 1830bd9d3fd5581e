/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Covers and overlaps, compared with the plain meaning over random rules: a set of points that has
 * one in every region that the peers and ports below can tell apart. SEED=n repeats a run. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/policy/extent.h"
#include "core/policy/zone.h"

#define ROUNDS 20000u
#define MOST_ITEMS 4u

static const char *const peer_words[] = { "a",		 "b",
					  "host",	 "internet",
					  "lan",	 "world",
					  "dns",	 "hosts",
					  "10.0.0.0/8",	 "10.1.0.0/16",
					  "10.1.2.3",	 "203.0.113.0/24",
					  "203.0.113.7", "2001:db8::/32",
					  "2001:db8::1", "169.254.0.0/16",
					  "0.0.0.0/0",	 "::/0",
					  "fd00::/8" };
static const char *const point_words[] = {
	"a",	    "b",	 "host",	"dns",		 "10.1.2.3",
	"10.1.9.9", "10.9.9.9",	 "192.168.1.1", "203.0.113.7",	 "203.0.113.9",
	"8.8.8.8",  "127.0.0.1", "169.254.1.1", "2001:db8::1",	 "2001:db8::2",
	"2600::1",  "fd00::1",	 "fe80::1",	"fd00:ec2::254", "::1"
};
/* And each of the addresses once more, as one of a host of the fleet. */
#define POINTS (2 * ARRAY_LEN(point_words))
static const char *const port_words[] = { "80/tcp",   "80-90/tcp", "85-95/tcp", "96-100/tcp",
					  "1-79/tcp", "80/udp",	   "icmp",	"icmpv6" };
static const char *const flow_words[] = { "80/tcp", "82/tcp", "85/tcp",	 "92/tcp",
					  "98/tcp", "9/tcp",  "999/tcp", "80/udp",
					  "9/udp",  "9/sctp", "icmp",	 "icmpv6" };

struct random {
	uint64_t state;
};

static unsigned int below(struct random *random, size_t n)
{
	random->state = random->state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)((random->state >> 33) % n);
}

static const struct policy_tier tiers[] = { { .name = "a" }, { .name = "b" } };
static const struct policy policy = { .tiers = tiers, .n_tiers = 2 };

static struct policy_peer peer_of(const char *word)
{
	struct policy_peer peer;

	assert_int_equal(policy_parse_peer(&policy, word, &peer), 0);
	return peer;
}

static struct port_range port_of(const char *word)
{
	struct port_range port;

	assert_int_equal(port_range_parse(word, &port), 0);
	return port;
}

/* ---- the plain meaning ---- */

static bool has_point(const struct policy_peer *peer, const struct policy_peer *point, bool is_host)
{
	unsigned int zones = point->kind == PEER_PREFIX ? policy_zone_relation(&point->prefix) : 0;
	bool lan = zones & ZONE_IN_LAN, internet = zones & ZONE_IN_INTERNET;

	if (is_host && !lan && !internet)
		return false; /* there is no such point */
	if (peer->kind == PEER_HOSTS)
		return is_host;
	if (peer->kind == PEER_LAN || peer->kind == PEER_INTERNET || peer->kind == PEER_WORLD)
		return (lan && peer->kind != PEER_INTERNET) || (internet && peer->kind != PEER_LAN);
	if (peer->kind != point->kind)
		return false;
	return peer->kind == PEER_PREFIX ? ip_in_prefix(&point->prefix.addr, &peer->prefix)
					 : peer->tier == point->tier;
}

struct meaning {
	bool from[POINTS], to[POINTS];
	bool flows[ARRAY_LEN(flow_words) + 1]; /* the last: a protocol without a name */
};

static void mark_points(const struct policy_peer *peers, size_t n, bool *marks)
{
	for (size_t p = 0; p < POINTS; p++) {
		struct policy_peer point = peer_of(point_words[p / 2]);
		for (size_t i = 0; i < n && !marks[p]; i++)
			marks[p] = has_point(&peers[i], &point, p % 2);
	}
}

static struct meaning meaning_of(const struct policy_rule *rule)
{
	struct meaning meaning = { .flows[ARRAY_LEN(flow_words)] = rule->n_ports == 0 };

	mark_points(rule->from, rule->n_from, meaning.from);
	mark_points(rule->to, rule->n_to, meaning.to);
	for (size_t f = 0; f < ARRAY_LEN(flow_words); f++) {
		struct port_range flow = port_of(flow_words[f]);
		meaning.flows[f] = rule->n_ports == 0;
		for (size_t i = 0; i < rule->n_ports; i++)
			meaning.flows[f] |= port_range_contains(&rule->ports[i],
								(enum ip_proto)flow.proto, flow.lo);
	}
	return meaning;
}

static bool all_in(const bool *outer, const bool *inner, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (inner[i] && !outer[i])
			return false;
	return true;
}

static bool any_in_both(const bool *a, const bool *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i] && b[i])
			return true;
	return false;
}

/* ---- random rules ---- */

struct sample {
	struct policy_peer from[MOST_ITEMS], to[MOST_ITEMS];
	struct port_range ports[MOST_ITEMS];
	struct policy_rule rule;
};

static void make_sample(struct random *random, struct sample *s)
{
	size_t n_from = 1 + below(random, MOST_ITEMS), n_to = 1 + below(random, MOST_ITEMS);
	size_t n_ports = below(random, MOST_ITEMS + 1);

	for (size_t i = 0; i < n_from; i++)
		s->from[i] = peer_of(peer_words[below(random, ARRAY_LEN(peer_words))]);
	for (size_t i = 0; i < n_to; i++)
		s->to[i] = peer_of(peer_words[below(random, ARRAY_LEN(peer_words))]);
	for (size_t i = 0; i < n_ports; i++)
		s->ports[i] = port_of(port_words[below(random, ARRAY_LEN(port_words))]);
	s->rule = (struct policy_rule){ .from = s->from,
					.n_from = n_from,
					.to = s->to,
					.n_to = n_to,
					.ports = s->ports,
					.n_ports = n_ports };
}

static void compare(const struct sample *x, const struct sample *y, struct arena *arena)
{
	const size_t points = POINTS, flows = ARRAY_LEN(flow_words) + 1;
	struct meaning a = meaning_of(&x->rule), b = meaning_of(&y->rule);
	struct extent ea, eb;

	assert_int_equal(policy_extent_make(&x->rule, arena, &ea), 0);
	assert_int_equal(policy_extent_make(&y->rule, arena, &eb), 0);
	bool covers = all_in(a.from, b.from, points) && all_in(a.to, b.to, points) &&
		      all_in(a.flows, b.flows, flows);
	bool overlaps = any_in_both(a.from, b.from, points) && any_in_both(a.to, b.to, points) &&
			any_in_both(a.flows, b.flows, flows);
	assert_int_equal(policy_extent_covers(&ea, &eb, false), covers);
	assert_int_equal(policy_extent_overlaps(&ea, &eb), overlaps);
	assert_int_equal(policy_extent_overlaps(&eb, &ea), overlaps);
	if (policy_extent_covers(&ea, &eb, true))
		assert_true(covers);
}

static void test_meaning(void **state)
{
	const char *seed = getenv("SEED");
	struct random random = { seed ? strtoull(seed, NULL, 10) : 1 };
	struct arena *arena = NULL;
	struct sample x, y;

	(void)state;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		if (i % 1000 == 0) {
			arena_freep(&arena);
			arena = arena_new();
			assert_non_null(arena);
		}
		make_sample(&random, &x);
		make_sample(&random, &y);
		if (below(&random, 2)) { /* near each other, or hardly any would cover */
			memcpy(y.from, x.from, sizeof(y.from));
			y.rule.n_from = x.rule.n_from;
		}
		compare(&x, &y, arena);
	}
	arena_freep(&arena);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_meaning) };

	return cmocka_run_group_tests_name("policy_extent", tests, NULL, NULL);
}
