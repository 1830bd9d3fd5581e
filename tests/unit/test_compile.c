/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/compile and core/simulate together: which tier an endpoint is in, what a zone is, and what a
 * policy does to flows. Each row of the flow tables is one question with the answer that 1.2 of the
 * policy language gives; tests/docker asks the same of real packets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/compile/compile.h"
#include "core/policy/zone.h"
#include "core/report/report.h"
#include "core/simulate/simulate.h"

static const char inventory[] =
	"{\"version\":1,\"networks\":["
	"{\"id\":\"n1\",\"name\":\"front\",\"driver\":\"bridge\",\"bridge\":\"br-front\","
	"\"internal\":false,"
	"\"subnets\":[\"172.18.0.0/16\",\"fd00:1::/"
	"64\"],\"gateways\":[\"172.18.0.1\",\"fd00:1::1\"]},"
	"{\"id\":\"n2\",\"name\":\"back\",\"driver\":\"bridge\",\"bridge\":\"br-back\","
	"\"internal\":true,"
	"\"subnets\":[\"172.19.0.0/16\"],\"gateways\":[\"172.19.0.1\"]},"
	"{\"id\":\"n3\",\"name\":\"lanparty\",\"driver\":\"macvlan\",\"bridge\":\"\",\"internal\":"
	"false,"
	"\"subnets\":[],\"gateways\":[]}],"
	"\"containers\":["
	"{\"id\":\"c1\",\"name\":\"web-1\",\"image\":\"nginx:1\",\"labels\":{\"tier\":\"web\"},"
	"\"endpoints\":[{\"network\":\"front\",\"ipv4\":\"172.18.0.2\",\"ipv6\":\"fd00:1::2\","
	"\"mac\":\"02:42:ac:12:00:02\"}],"
	"\"published\":[{\"host_ip\":\"0.0.0.0\",\"host_port\":8080,\"port\":\"80/tcp\"},"
	"{\"host_ip\":\"::\",\"host_port\":8080,\"port\":\"80/tcp\"},"
	"{\"host_ip\":\"127.0.0.1\",\"host_port\":8081,\"port\":\"81/tcp\"}]},"
	"{\"id\":\"c2\",\"name\":\"web-2\",\"image\":\"nginx:1\",\"labels\":{\"tier\":\"web\"},"
	"\"endpoints\":[{\"network\":\"front\",\"ipv4\":\"172.18.0.3\",\"ipv6\":\"fd00:1::3\","
	"\"mac\":\"02:42:ac:12:00:03\"}],\"published\":[]},"
	"{\"id\":\"c3\",\"name\":\"app\",\"image\":\"app:1\",\"labels\":{\"tier\":\"app\"},"
	"\"endpoints\":[{\"network\":\"front\",\"ipv4\":\"172.18.0.4\",\"ipv6\":\"fd00:1::4\","
	"\"mac\":\"02:42:ac:12:00:04\"},"
	"{\"network\":\"back\",\"ipv4\":\"172.19.0.4\",\"mac\":\"02:42:ac:13:00:04\"}],"
	"\"published\":[]},"
	"{\"id\":\"c4\",\"name\":\"db\",\"image\":\"pg:1\",\"labels\":{},"
	"\"endpoints\":[{\"network\":\"back\",\"ipv4\":\"172.19.0.5\",\"mac\":\"02:42:ac:13:00:"
	"05\"}],"
	"\"published\":[{\"host_ip\":\"0.0.0.0\",\"host_port\":5432,\"port\":\"5432/tcp\"}]},"
	"{\"id\":\"c5\",\"name\":\"stray\",\"image\":\"x\",\"labels\":{},"
	"\"endpoints\":[{\"network\":\"front\",\"ipv4\":\"172.18.0.9\",\"mac\":\"02:42:ac:12:00:"
	"09\"}],\"published\":[]},"
	"{\"id\":\"c6\",\"name\":\"both\",\"image\":\"x\",\"labels\":{\"tier\":\"web\",\"also\":"
	"\"app\"},"
	"\"endpoints\":[{\"network\":\"front\",\"ipv4\":\"172.18.0.10\",\"mac\":\"02:42:ac:12:00:"
	"0a\"}],\"published\":[]},"
	"{\"id\":\"c7\",\"name\":\"gamer\",\"image\":\"x\",\"labels\":{\"tier\":\"web\"},"
	"\"endpoints\":[{\"network\":\"lanparty\",\"ipv4\":\"192.168.7.7\",\"mac\":\"02:42:ac:14:"
	"00:07\"}],\"published\":[]}"
	"],\"resolvers\":[\"10.0.0.53\"]}";

#define TIERS                                                            \
	"tiers:\n"                                                       \
	"  web: {match: [{label: {tier: web}}]}\n"                       \
	"  app: {match: [{label: {tier: app}}, {label: {also: app}}]}\n" \
	"  db: {match: [{network: back}], within: deny}\n"

struct fixture {
	struct arena *arena;
	const struct policy *policy;
	const struct world *world;
	struct compile_output compiled;
};

static void fixture_make(struct fixture *f, const char *rules)
{
	char text[4096];
	struct diag_list diags;
	const struct world *bare;
	const char *error = NULL, *why = NULL;

	(void)snprintf(text, sizeof(text), "version: 1\n%s%s", TIERS, rules);
	struct policy_source source = { "p.yaml", text, strlen(text) };
	f->arena = arena_new();
	diag_init(&diags, f->arena);
	if (policy_parse(&source, 1, f->arena, &diags, &f->policy) != 0)
		fail_msg("policy: %s", diags.diags.items[0].text);
	if (world_parse_inventory(inventory, strlen(inventory), f->arena, &bare, &error) != 0)
		fail_msg("inventory: %s", error);
	assert_int_equal(report_complete_world(bare, f->arena, &f->world), 0);
	struct compile_input in = { .policy = f->policy,
				    .world = f->world,
				    .stamp_mask = COMPILE_STAMP_MASK,
				    .stamp = 0x00100000,
				    .log_group = COMPILE_LOG_GROUP,
				    .now = 1767225600 }; /* 2026-01-01T00:00:00Z */
	if (compile_ruleset(&in, f->arena, &f->compiled, &why) != 0)
		fail_msg("compile: %s", why ? why : "?");
}

/* "web-1" or "app@back": the container's endpoint of that family; "host"; an address. */
static struct sim_end parse_end(const struct fixture *f, const char *text)
{
	struct sim_end end = { .kind = SIM_HOST };
	char name[32];
	const char *at = strchr(text, '@');

	if (strcmp(text, "host") == 0)
		return end;
	end.kind = SIM_ADDRESS;
	if (ip_parse(text, &end.addr) == 0)
		return end;
	end.kind = SIM_ENDPOINT;
	(void)snprintf(name, sizeof(name), "%.*s", at ? (int)(at - text) : 31, text);
	int container = world_find_container(f->world, name);
	for (uint32_t i = 0; i < f->world->n_endpoints; i++) {
		const struct world_endpoint *endpoint = &f->world->endpoints[i];
		if ((int)endpoint->container == container &&
		    (!at || strcmp(f->world->networks[endpoint->network].name, at + 1) == 0)) {
			end.endpoint = i;
			return end;
		}
	}
	fail_msg("no endpoint %s", text);
	return end;
}

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
	char text[1024];

	(void)state;
	ask_all("mode: audit\n", all, ARRAY_LEN(all));
	(void)snprintf(text, sizeof(text), "#");
	fixture_make(&f, text);
	/* The same tiers, with db audited alone. */
	struct policy_tier tiers[3];
	struct policy changed = *f.policy;
	memcpy(tiers, f.policy->tiers, sizeof(tiers));
	tiers[policy_find_tier(f.policy, "db")].mode = POLICY_AUDIT;
	changed.tiers = tiers;
	f.policy = &changed;
	struct compile_input in = { .policy = &changed,
				    .world = f.world,
				    .stamp_mask = COMPILE_STAMP_MASK,
				    .stamp = 0x00100000 };
	const char *why;
	assert_int_equal(compile_ruleset(&in, f.arena, &f.compiled, &why), 0);
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

/* Two ports that show one MAC: an impostor and its victim. Neither is admitted. */
static void doubled_mac_is_closed(void **state)
{
	struct fixture f;

	(void)state;
	fixture_make(&f, "");
	struct world world = *f.world;
	struct world_port *ports = arena_alloc(f.arena, (world.n_ports + 1) * sizeof(*ports));
	struct sim_end web = parse_end(&f, "web-1");
	memcpy(ports, world.ports, world.n_ports * sizeof(*ports));
	ports[world.n_ports] = (struct world_port){ .ifname = "zz-impostor", .bridge = "br-front" };
	ports[world.n_ports].peer_mac = world.endpoints[web.endpoint].mac;
	world.ports = ports;
	world.n_ports++;
	const struct assignment *all = compile_assign(f.policy, &world, f.arena);
	assert_non_null(all);
	assert_null(all[web.endpoint].port);
	(void)arena_free(f.arena);
}

/* What two facts or two words of a policy say alike is one element, never a ruleset that cannot be
 * committed. */
static void doubles_do_not_block(void **state)
{
	struct fixture f;
	const char *why;

	(void)state;
	fixture_make(&f, "allow:\n"
			 "  - {from: web, to: app, ports: [80/tcp, 81/tcp, 80/tcp]}\n"
			 "  - {from: [web, web], to: app, ports: [9/tcp]}\n");
	struct world world = *f.world;
	struct world_endpoint *ends =
		arena_dup(f.arena, world.endpoints, world.n_endpoints * sizeof(*ends));
	struct ip_addr resolvers[] = { { IP_V4, { 10, 0, 0, 53 } }, { IP_V4, { 10, 0, 0, 53 } } };
	for (size_t i = 0; i < world.n_endpoints; i++)
		ends[i].mac = (struct mac_addr){ { 2, 0x42, 1, 1, 1, 1 } };
	world.endpoints = ends;
	world.resolvers = resolvers;
	world.n_resolvers = 2;
	struct compile_input in = { .policy = f.policy,
				    .world = &world,
				    .stamp_mask = COMPILE_STAMP_MASK,
				    .stamp = 0x00100000 };
	if (compile_ruleset(&in, f.arena, &f.compiled, &why) != 0)
		fail_msg("%s", why);
	(void)arena_free(f.arena);
}

static bool passes(const struct fixture *f, enum rs_family family, enum rs_hook hook,
		   struct sim_packet *packet)
{
	sim_trace trace = { 0 };
	bool accepted;

	assert_int_equal(sim_run_hook(f->compiled.ruleset, family, hook, packet, f->arena, &trace,
				      &accepted),
			 0);
	return accepted;
}

static void set_ifname(struct sim_packet *packet, enum rs_field field, const char *name)
{
	char padded[WORLD_IFNAME_LEN] = { 0 };

	(void)snprintf(padded, sizeof(padded), "%s", name);
	sim_packet_set(packet, field, padded);
}

/* A bridge floods what it has forgotten, and can be told lies about who is where. */
static void a_port_receives_what_is_meant_for_it(void **state)
{
	static const uint8_t other[6] = { 2, 0x42, 0xac, 0x12, 0, 3 },
			     stranger[6] = { 2, 0, 0, 0, 0, 9 },
			     all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
			     group[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	struct fixture f;

	(void)state;
	fixture_make(&f, "");
	const struct world_endpoint *web = &f.world->endpoints[parse_end(&f, "web-1").endpoint];
	const char *port = f.compiled.assignments[web - f.world->endpoints].port;
	assert_non_null(port);
	const struct {
		const uint8_t *to;
		const char *port;
		bool passes;
	} rows[] = {
		{ web->mac.bytes, port, true },
		{ other, port, false },
		{ all, port, true },
		{ group, port, true },
		{ other, "eth0", false },
		{ stranger, "eth0", true },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim_packet packet = { 0 };
		set_ifname(&packet, RS_META_OIFNAME, rows[i].port);
		sim_packet_set(&packet, RS_ETHER_DADDR, rows[i].to);
		if (passes(&f, RS_BRIDGE, RS_HOOK_POSTROUTING, &packet) != rows[i].passes)
			fail_msg("row %zu", i);
	}
	(void)arena_free(f.arena);
}

/* An ICMP error wears the stamp of the connection that its payload speaks of. */
static void an_error_is_of_an_end(void **state)
{
	static const uint32_t related = 4, stamp = 0x00100000;
	static const uint8_t icmp = 1, web1[4] = { 172, 18, 0, 2 }, web2[4] = { 172, 18, 0, 3 },
			     app[4] = { 172, 18, 0, 4 }, router[4] = { 192, 0, 2, 1 },
			     server[4] = { 203, 0, 113, 1 };
	static const struct {
		const char *from_if;
		const uint8_t *sender, *source, *destination;
		bool passes;
	} rows[] = {
		{ "br-front", web2, web1, web2, true },	  { "br-front", web1, web1, web2, true },
		{ "br-front", app, web1, web2, false },	  { "eth0", router, web1, web2, false },
		{ "eth0", router, web1, server, true },	  { "br-front", web1, web1, server, true },
		{ "br-front", app, web1, server, false },
	};
	static const enum rs_hook hooks[] = { RS_HOOK_FORWARD, RS_HOOK_INPUT };
	struct fixture f;

	(void)state;
	fixture_make(&f, "");
	for (size_t i = 0; i < ARRAY_LEN(rows) * ARRAY_LEN(hooks); i++) {
		size_t row = i / ARRAY_LEN(hooks);
		struct sim_packet packet = { 0 };
		set_ifname(&packet, RS_META_IIFNAME, rows[row].from_if);
		set_ifname(&packet, RS_META_OIFNAME, "br-front");
		sim_packet_set(&packet, RS_META_L4PROTO, &icmp);
		sim_packet_set(&packet, RS_META_MARK, &(uint32_t){ 0 });
		sim_packet_set(&packet, RS_CT_STATE, &related);
		sim_packet_set(&packet, RS_CT_MARK, &stamp);
		sim_packet_set(&packet, RS_IP_SADDR, rows[row].sender);
		sim_packet_set(&packet, RS_CT_ORIGINAL_IP_SADDR, rows[row].source);
		sim_packet_set(&packet, RS_CT_REPLY_IP_SADDR, rows[row].destination);
		if (passes(&f, RS_INET, hooks[i % ARRAY_LEN(hooks)], &packet) != rows[row].passes)
			fail_msg("row %zu, hook %zu", row, i % ARRAY_LEN(hooks));
	}
	(void)arena_free(f.arena);
}

/* What a helper expects has its master's mark, and is judged all the same. */
static void an_expected_connection_is_judged(void **state)
{
	static const uint32_t related = 4, stamp = 0x00100000;
	static const uint8_t tcp = 6, app[4] = { 172, 18, 0, 4 }, server[4] = { 203, 0, 113, 1 };
	static const uint16_t port = 0x5000;
	struct sim_packet packet = { 0 };
	struct fixture f;

	(void)state;
	fixture_make(&f, "allow:\n  - {from: app, to: internet}\n");
	set_ifname(&packet, RS_META_IIFNAME, "eth0");
	set_ifname(&packet, RS_META_OIFNAME, "br-front");
	sim_packet_set(&packet, RS_META_L4PROTO, &tcp);
	sim_packet_set(&packet, RS_CT_STATE, &related);
	sim_packet_set(&packet, RS_CT_MARK, &stamp);
	sim_packet_set(&packet, RS_IP_SADDR, server);
	sim_packet_set(&packet, RS_CT_ORIGINAL_IP_SADDR, server);
	sim_packet_set(&packet, RS_CT_REPLY_IP_SADDR, app);
	sim_packet_set(&packet, RS_CT_REPLY_PROTO_SRC, &port);
	assert_false(passes(&f, RS_INET, RS_HOOK_FORWARD, &packet));
	sim_packet_set(&packet, RS_CT_STATE, &(uint32_t){ 2 }); /* established */
	assert_true(passes(&f, RS_INET, RS_HOOK_FORWARD, &packet));
	(void)arena_free(f.arena);
}

/* docker-proxy's second half is the host's own: it waits until the host port is known. */
static void the_host_waits_for_a_starting_container(void **state)
{
	static const uint8_t original = 0, reply = 1, web1[4] = { 172, 18, 0, 2 };
	static const uint32_t stamp = 0x00100000;
	struct fixture f;
	const char *why;

	(void)state;
	fixture_make(&f, "");
	for (int starting = 0; starting < 2; starting++) {
		struct world_container containers[8];
		struct world world = *f.world;
		memcpy(containers, world.containers, world.n_containers * sizeof(*containers));
		containers[world_find_container(&world, "web-1")].starting = starting;
		world.containers = containers;
		struct compile_input in = { .policy = f.policy,
					    .world = &world,
					    .stamp_mask = COMPILE_STAMP_MASK,
					    .stamp = stamp };
		assert_int_equal(compile_ruleset(&in, f.arena, &f.compiled, &why), 0);
		struct sim_packet packet = { 0 };
		set_ifname(&packet, RS_META_OIFNAME, "br-front");
		sim_packet_set(&packet, RS_IP_DADDR, web1);
		sim_packet_set(&packet, RS_CT_MARK, &stamp);
		sim_packet_set(&packet, RS_CT_DIRECTION, &original);
		assert_int_equal(passes(&f, RS_INET, RS_HOOK_OUTPUT, &packet), !starting);
		sim_packet_set(&packet, RS_CT_DIRECTION, &reply);
		assert_true(passes(&f, RS_INET, RS_HOOK_OUTPUT, &packet));
	}
	(void)arena_free(f.arena);
}

static void out_of_memory_is_said(void **state)
{
	struct fixture f;
	int r = -1;

	(void)state;
	fixture_make(&f, "allow:\n  - {from: internet, to: web, ports: [80/tcp]}\n");
	for (uint64_t n = 1; r != 0 && n < 100000; n++) {
		struct arena *arena = arena_new();
		struct compile_output out;
		const char *why;
		struct compile_input in = { .policy = f.policy,
					    .world = f.world,
					    .stamp_mask = COMPILE_STAMP_MASK,
					    .stamp = 0x00100000,
					    .log_group = 1 };
		arena_fail_after(arena, n);
		r = compile_ruleset(&in, arena, &out, &why);
		if (r != 0)
			assert_int_equal(r, -12 /* ENOMEM */);
		(void)arena_free(arena);
	}
	assert_int_equal(r, 0);
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
		cmocka_unit_test(doubled_mac_is_closed),
		cmocka_unit_test(doubles_do_not_block),
		cmocka_unit_test(a_port_receives_what_is_meant_for_it),
		cmocka_unit_test(an_error_is_of_an_end),
		cmocka_unit_test(an_expected_connection_is_judged),
		cmocka_unit_test(the_host_waits_for_a_starting_container),
		cmocka_unit_test(out_of_memory_is_said),
	};

	return cmocka_run_group_tests_name("compile", tests, NULL, NULL);
}
