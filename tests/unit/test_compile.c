/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/compile and core/simulate together: which tier an endpoint is in, what a zone is, and what a
 * policy does to flows. Each row of the flow tables is one question with the answer that 1.2 of the
 * policy language gives; tests/docker asks the same of real packets. */
#include "core/policy/zone.h"
#include "tests/unit/test_compile_lib.h"

struct question {
	const char *from, *to, *port;
	int family;
	bool allowed;
	enum sim_decider by;
};

static void ask(const struct fixture *f, const struct question *q)
{
	struct sim_host host = { f->world, f->policy, &f->compiled, false };
	struct port_range port;
	struct sim_result result;

	assert_int_equal(port_range_parse(q->port, &port), 0);
	struct sim_flow flow = { parse_end(f, q->from), parse_end(f, q->to),
				 q->family == 6 ? IP_V6 : IP_V4, (enum ip_proto)port.proto,
				 port.lo };
	assert_int_equal(sim_flow(&host, &flow, f->arena, &result), 0);
	if (result.allowed != q->allowed || result.by != q->by)
		fail_msg("%s -> %s %s IPv%d: %s by %u (%s)", q->from, q->to, q->port, q->family,
			 result.allowed ? "allowed" : "denied", result.by, result.reason);
}

static void ask_all(const char *rules, const struct question *questions, size_t n)
{
	struct fixture f;

	fixture_make(&f, rules);
	for (size_t i = 0; i < n; i++)
		ask(&f, &questions[i]);
	(void)arena_free(f.arena);
}

static void defaults(void **state)
{
	static const struct question questions[] = {
		{ "web-1", "web-2", "80/tcp", 4, true, SIM_BY_NETD }, /* within */
		{ "web-1", "web-2", "80/tcp", 6, true, SIM_BY_NETD },
		{ "web-1", "web-2", "icmp", 4, true, SIM_BY_NETD },
		{ "web-1", "app@front", "80/tcp", 4, false, SIM_BY_NETD },
		{ "web-1", "stray", "80/tcp", 4, false, SIM_BY_NETD },
		{ "stray", "web-1", "80/tcp", 4, false, SIM_BY_NETD },
		{ "stray", "203.0.113.1", "80/tcp", 4, false, SIM_BY_NETD },
		{ "both", "web-1", "80/tcp", 4, false, SIM_BY_NETD }, /* conflict */
		{ "host", "web-1", "80/tcp", 4, true, SIM_BY_NETD },
		{ "host", "db", "5432/tcp", 4, true, SIM_BY_NETD },
		{ "web-1", "host", "22/tcp", 4, false, SIM_BY_NETD },
		{ "web-1", "203.0.113.1", "443/tcp", 4, false, SIM_BY_NETD },
		{ "web-1", "10.0.0.53", "53/udp", 4, false, SIM_BY_NETD },
		{ "203.0.113.1", "web-1", "80/tcp", 4, false, SIM_BY_NETD },
		{ "2001:db8::9", "web-1", "80/tcp", 6, false, SIM_BY_NETD },
		{ "203.0.113.1", "web-1", "81/tcp", 4, false, SIM_BY_NETD },
		{ "gamer", "203.0.113.1", "80/tcp", 4, true, SIM_BY_DEFAULT }, /* macvlan */
		{ "web-1", "db", "80/tcp", 6, false, SIM_NO_ADDRESS },
	};

	(void)state;
	ask_all("", questions, ARRAY_LEN(questions));
}

static void rules_between_tiers(void **state)
{
	static const struct question questions[] = {
		{ "web-1", "app@front", "8080/tcp", 4, true, SIM_BY_NETD },
		{ "web-1", "app@front", "8080/tcp", 6, true, SIM_BY_NETD },
		{ "web-1", "app@front", "8080/udp", 4, false, SIM_BY_NETD },
		{ "web-1", "app@front", "8081/tcp", 4, false, SIM_BY_NETD },
		{ "web-1", "app@front", "9005/tcp", 4, true, SIM_BY_NETD },
		{ "web-1", "app@front", "9011/tcp", 4, false, SIM_BY_NETD },
		{ "app@front", "web-1", "8080/tcp", 4, false, SIM_BY_NETD },
		{ "web-1", "web-2", "22/tcp", 4, false, SIM_BY_NETD }, /* deny beats within */
		{ "web-1", "web-2", "23/tcp", 4, true, SIM_BY_NETD },
		{ "app@back", "db", "5432/tcp", 4, true, SIM_BY_NETD },
		{ "app@back", "db", "icmp", 4, true, SIM_BY_NETD },
		{ "db", "app@back", "5432/tcp", 4, false, SIM_BY_NETD },
		{ "app@front", "db", "5432/tcp", 4, false, SIM_BY_DOCKER }, /* other network */
		{ "web-1", "db", "5432/tcp", 4, false, SIM_BY_NETD },
	};

	(void)state;
	ask_all("allow:\n"
		"  - {from: web, to: app, ports: [8080/tcp, 9000-9010/tcp]}\n"
		"  - {from: app, to: db, ports: [5432/tcp, icmp]}\n"
		"deny:\n"
		"  - {from: web, to: web, ports: [22/tcp]}\n",
		questions, ARRAY_LEN(questions));
}

static void outside(void **state)
{
	static const struct question questions[] = {
		{ "203.0.113.1", "web-1", "80/tcp", 4, true, SIM_BY_NETD },
		{ "2001:db8::9", "web-1", "80/tcp", 6, true, SIM_BY_NETD },
		{ "203.0.113.66", "web-1", "80/tcp", 4, false, SIM_BY_NETD },
		{ "10.9.9.9", "web-1", "80/tcp", 4, false, SIM_BY_NETD },
		{ "203.0.113.1", "web-1", "81/tcp", 4, false, SIM_BY_NETD },  /* on loopback only */
		{ "203.0.113.1", "web-2", "80/tcp", 4, false, SIM_BY_NETD },  /* not published */
		{ "192.168.5.5", "db", "5432/tcp", 4, false, SIM_BY_DOCKER }, /* internal */
		{ "203.0.113.1", "db", "5432/tcp", 4, false, SIM_BY_NETD },
		{ "web-1", "203.0.113.7", "443/tcp", 4, true, SIM_BY_NETD },
		{ "web-1", "203.0.113.7", "80/tcp", 4, false, SIM_BY_NETD },
		{ "web-1", "198.51.100.1", "443/tcp", 4, false, SIM_BY_NETD },
		{ "web-1", "10.0.0.53", "53/udp", 4, true, SIM_BY_NETD },
		{ "web-1", "10.0.0.53", "53/tcp", 4, true, SIM_BY_NETD },
		{ "web-1", "10.0.0.53", "54/udp", 4, false, SIM_BY_NETD },
		{ "app@front", "203.0.113.7", "443/tcp", 4, true, SIM_BY_NETD },
		{ "app@front", "169.254.169.254", "80/tcp", 4, false, SIM_BY_NETD },
		{ "app@front", "100.100.100.200", "80/tcp", 4, false, SIM_BY_NETD },
		{ "app@front", "168.63.129.16", "80/tcp", 4, false, SIM_BY_NETD },
		{ "app@front", "10.1.1.1", "80/tcp", 4, true, SIM_BY_NETD },
		{ "app@front", "2001:db8::9", "80/tcp", 6, true, SIM_BY_NETD },
		{ "app@front", "2002:a00:1::1", "80/tcp", 6, false, SIM_BY_NETD },  /* 6to4 */
		{ "app@front", "2001::a00:1", "80/tcp", 6, false, SIM_BY_NETD },    /* Teredo */
		{ "app@front", "64:ff9b::a00:1", "80/tcp", 6, false, SIM_BY_NETD }, /* NAT64 */
		{ "app@back", "203.0.113.7", "443/tcp", 4, false, SIM_BY_DOCKER },  /* internal */
		{ "app@front", "host", "9100/tcp", 4, true, SIM_BY_NETD },
		{ "app@front", "host", "9100/tcp", 6, true, SIM_BY_NETD },
		{ "app@front", "host", "9101/tcp", 4, false, SIM_BY_NETD },
	};

	(void)state;
	ask_all("allow:\n"
		"  - {from: internet, to: web, ports: [80-81/tcp]}\n"
		"  - {from: lan, to: db, ports: [5432/tcp]}\n"
		"  - {from: web, to: 203.0.113.0/24, ports: [443/tcp]}\n"
		"  - {from: web, to: dns}\n"
		"  - {from: app, to: world}\n"
		"  - {from: app, to: host, ports: [9100/tcp]}\n"
		"deny:\n"
		"  - {from: 203.0.113.66, to: web}\n",
		questions, ARRAY_LEN(questions));
}

static void an_address_is_never_a_container(void **state)
{
	static const struct question questions[] = {
		{ "app@front", "web-1", "80/tcp", 4, false, SIM_BY_NETD },
		{ "172.31.0.200", "web-1", "80/tcp", 4, true, SIM_BY_NETD },
		/* Nobody has that address, and it is not outside. */
		{ "172.18.0.200", "web-1", "80/tcp", 4, false, SIM_BY_NETD },
		{ "web-1", "172.18.0.200", "80/tcp", 4, false, SIM_BY_NETD },
		{ "host", "172.18.0.200", "80/tcp", 4, false, SIM_BY_NETD },
	};

	(void)state;
	ask_all("allow:\n  - {from: 172.16.0.0/12, to: web}\n  - {from: web, to: 172.16.0.0/12}\n",
		questions, ARRAY_LEN(questions));
}

static void unmatched_ignore(void **state)
{
	static const struct question questions[] = {
		{ "stray", "203.0.113.1", "443/tcp", 4, true, SIM_BY_NETD },
		{ "stray", "web-1", "80/tcp", 4, false, SIM_BY_NETD },
		{ "web-1", "stray", "80/tcp", 4, false, SIM_BY_NETD },
		{ "stray", "host", "22/tcp", 4, true, SIM_BY_NETD },
		{ "both", "203.0.113.1", "443/tcp", 4, false, SIM_BY_NETD }, /* a conflict is not */
	};

	(void)state;
	ask_all("unmatched: ignore\n", questions, ARRAY_LEN(questions));
}

static void audit_needs_both_ends(void **state)
{
	static const struct question all[] = {
		{ "web-1", "app@front", "80/tcp", 4, true, SIM_BY_NETD },
		{ "stray", "web-1", "80/tcp", 4, true, SIM_BY_NETD },
		{ "web-1", "203.0.113.1", "80/tcp", 4, true, SIM_BY_NETD },
		{ "203.0.113.1", "web-1", "80/tcp", 4, true, SIM_BY_NETD },
		{ "web-1", "host", "22/tcp", 4, true, SIM_BY_NETD },
	};
	static const struct question one[] = {
		{ "db", "203.0.113.1", "80/tcp", 4, false, SIM_BY_DOCKER }, /* internal network */
		{ "app@back", "db", "80/tcp", 4, false, SIM_BY_NETD },	    /* app is enforced */
		{ "db", "app@back", "80/tcp", 4, false, SIM_BY_NETD },
		{ "203.0.113.1", "db", "5432/tcp", 4, false, SIM_BY_DOCKER },
		{ "db", "host", "22/tcp", 4, true, SIM_BY_NETD },
	};
	struct fixture f;

	(void)state;
	ask_all("mode: audit\n", all, ARRAY_LEN(all));
	fixture_make(&f, "");
	/* The same tiers, with db audited alone. */
	struct policy_tier tiers[3];
	struct policy changed = *f.policy;
	memcpy(tiers, f.policy->tiers, sizeof(tiers));
	tiers[policy_find_tier(f.policy, "db")].mode = POLICY_AUDIT;
	changed.tiers = tiers;
	f.policy = &changed;
	fixture_compile(&f);
	for (size_t i = 0; i < ARRAY_LEN(one); i++)
		ask(&f, &one[i]);
	(void)arena_free(f.arena);
}

static void until(void **state)
{
	static const struct question questions[] = {
		{ "web-1", "app@front", "1/tcp", 4, false, SIM_BY_NETD },
		{ "web-1", "app@front", "2/tcp", 4, true, SIM_BY_NETD },
	};

	(void)state;
	ask_all("allow:\n"
		"  - {from: web, to: app, ports: [1/tcp], until: 2026-01-01T00:00:00Z}\n"
		"  - {from: web, to: app, ports: [2/tcp], until: 2026-01-01T00:00:01Z}\n",
		questions, ARRAY_LEN(questions));
}

static void assignments(void **state)
{
	static const struct {
		const char *end;
		enum assign_kind kind;
	} rows[] = {
		{ "web-1", ASSIGN_TIER },    { "app@back", ASSIGN_TIER },
		{ "db", ASSIGN_TIER },	     { "stray", ASSIGN_UNMATCHED },
		{ "both", ASSIGN_CONFLICT }, { "gamer", ASSIGN_UNMANAGED },
	};
	struct fixture f;

	(void)state;
	fixture_make(&f, "");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim_end end = parse_end(&f, rows[i].end);
		const struct assignment *is = &f.compiled.assignments[end.endpoint];
		assert_int_equal(is->kind, rows[i].kind);
		assert_int_equal(is->port != NULL, rows[i].kind != ASSIGN_UNMANAGED);
	}
	/* A label beats a network: app on `back` is app, not db. */
	struct sim_end app = parse_end(&f, "app@back");
	assert_string_equal(f.policy->tiers[f.compiled.assignments[app.endpoint].tier].name, "app");
	(void)arena_free(f.arena);
}

static void zones(void **state)
{
	static const struct {
		const char *addr;
		bool internet, lan;
	} rows[] = {
		{ "8.8.8.8", true, false },	     { "192.0.2.1", true, false },
		{ "198.51.100.1", true, false },     { "203.0.113.1", true, false },
		{ "10.0.0.1", false, true },	     { "172.16.0.1", false, true },
		{ "172.15.255.255", true, false },   { "172.32.0.0", true, false },
		{ "192.168.1.1", false, true },	     { "100.64.0.1", false, true },
		{ "100.100.100.199", false, true },  { "100.100.100.200", false, false },
		{ "100.127.255.255", false, true },  { "100.128.0.0", true, false },
		{ "127.0.0.1", false, false },	     { "169.254.169.254", false, false },
		{ "168.63.129.16", false, false },   { "168.63.129.17", true, false },
		{ "0.0.0.1", false, false },	     { "224.0.0.1", false, false },
		{ "255.255.255.255", false, false }, { "223.255.255.255", true, false },
		{ "198.18.0.1", false, false },	     { "192.0.0.1", false, false },
		{ "2001:db8::1", true, false },	     { "2606::1", true, false },
		{ "fd00::1", false, true },	     { "fd00:ec2::254", false, false },
		{ "fd00:ec2::253", false, true },    { "fd00:ec2::255", false, true },
		{ "fe80::1", false, true },	     { "::1", false, false },
		{ "ff02::1", false, false },	     { "::ffff:10.0.0.1", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip_addr addr;
		assert_int_equal(ip_parse(rows[i].addr, &addr), 0);
		if (policy_zone_contains(PEER_INTERNET, &addr) != rows[i].internet ||
		    policy_zone_contains(PEER_LAN, &addr) != rows[i].lan)
			fail_msg("%s is in the wrong zone", rows[i].addr);
		assert_int_equal(policy_zone_contains(PEER_WORLD, &addr),
				 rows[i].internet || rows[i].lan);
	}
}

/* Whoever claims what is no host's, or a container's here, is none. */
static void hosts_of_the_fleet(void **state)
{
	static const struct question questions[] = {
		{ "192.0.2.7", "web-1", "80/tcp", 4, true, SIM_BY_NETD },
		{ "192.0.2.8", "web-1", "80/tcp", 4, false, SIM_BY_NETD },
		{ "192.0.2.7", "web-1", "81/tcp", 4, false, SIM_BY_NETD },
		{ "192.0.2.7", "web-2", "80/tcp", 4, false, SIM_BY_NETD }, /* not published */
		{ "2001:db8::7", "web-1", "80/tcp", 6, true, SIM_BY_NETD },
		{ "2001:db8::8", "web-1", "80/tcp", 6, false, SIM_BY_NETD },
		{ "169.254.169.254", "web-1", "80/tcp", 4, false, SIM_BY_NETD },
		{ "stray", "web-1", "80/tcp", 4, false, SIM_BY_NETD },
		{ "web-1", "192.0.2.7", "443/tcp", 4, true, SIM_BY_NETD },
		{ "web-1", "192.0.2.8", "443/tcp", 4, false, SIM_BY_NETD },
		{ "web-1", "192.0.2.7", "444/tcp", 4, false, SIM_BY_NETD },
		{ "app@front", "192.0.2.7", "443/tcp", 4, false, SIM_BY_NETD },
		{ "web-1", "169.254.169.254", "443/tcp", 4, false, SIM_BY_NETD },
	};
	struct fixture f;

	(void)state;
	ask_all("allow:\n  - {from: hosts, to: web, ports: [80/tcp]}\n"
		"  - {from: web, to: hosts, ports: [443/tcp]}\n",
		questions, ARRAY_LEN(questions));
	fixture_make(&f, "");
	assert_int_equal(f.compiled.n_hosts, 2);
	assert_null(ruleset_find_set(&f.compiled.ruleset->tables[RS_INET], "fleet_hosts4"));
	(void)arena_free(f.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(rules_between_tiers),
		cmocka_unit_test(outside),
		cmocka_unit_test(an_address_is_never_a_container),
		cmocka_unit_test(unmatched_ignore),
		cmocka_unit_test(audit_needs_both_ends),
		cmocka_unit_test(until),
		cmocka_unit_test(assignments),
		cmocka_unit_test(zones),
		cmocka_unit_test(hosts_of_the_fleet),
	};

	return cmocka_run_group_tests_name("compile", tests, NULL, NULL);
}
