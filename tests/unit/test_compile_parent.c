/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/compile/parent: containers of macvlan networks, packet by packet at the hooks of the
 * interface that they stand on. */
#include <arpa/inet.h>

#include "tests/unit/test_compile_lib.h"

static const char parents[] =
	"{\"version\":1,\"networks\":["
	"{\"name\":\"lan\",\"driver\":\"macvlan\",\"parent\":\"eth1\",\"subnets\":[\"10.9.0.0/"
	"24\"]},"
	"{\"name\":\"dmz\",\"driver\":\"macvlan\",\"parent\":\"eth0.5\",\"macvlan_mode\":"
	"\"private\"},"
	"{\"name\":\"far\",\"driver\":\"macvlan\",\"parent\":\"eth0.6\",\"parent_hooks\":false}],"
	"\"containers\":["
	"{\"name\":\"web\",\"labels\":{\"tier\":\"web\"},\"endpoints\":[{\"network\":\"lan\","
	"\"ipv4\":\"10.9.0.2\",\"ipv6\":\"fd00:9::2\",\"mac\":\"02:42:0a:09:00:02\"}]},"
	"{\"name\":\"web-2\",\"labels\":{\"tier\":\"web\"},\"endpoints\":[{\"network\":\"lan\","
	"\"ipv4\":\"10.9.0.3\",\"mac\":\"02:42:0a:09:00:03\"}]},"
	"{\"name\":\"app\",\"labels\":{\"tier\":\"app\"},\"endpoints\":[{\"network\":\"lan\","
	"\"ipv4\":\"10.9.0.4\",\"mac\":\"02:42:0a:09:00:04\"},"
	"{\"network\":\"dmz\",\"ipv4\":\"10.8.0.4\",\"mac\":\"02:42:0a:08:00:04\"}]},"
	"{\"name\":\"stray\",\"endpoints\":[{\"network\":\"lan\",\"ipv4\":\"10.9.0.9\","
	"\"mac\":\"02:42:0a:09:00:09\"}]},"
	"{\"name\":\"away\",\"labels\":{\"tier\":\"web\"},\"endpoints\":[{\"network\":\"far\","
	"\"ipv4\":\"10.7.0.2\",\"mac\":\"02:42:0a:07:00:02\"}]},"
	"{\"name\":\"peer\",\"labels\":{\"tier\":\"web\"},\"endpoints\":[{\"network\":\"dmz\","
	"\"ipv4\":\"10.8.0.5\",\"mac\":\"02:42:0a:08:00:05\"}]}],"
	"\"resolvers\":[\"10.0.0.53\"]}";

#define RULES                                                              \
	"allow:\n"                                                         \
	"  - {from: lan, to: web, ports: [80/tcp, 53/udp]}\n"              \
	"  - {from: web, to: internet, ports: [443/tcp, 443/udp, icmp]}\n" \
	"  - {from: app, to: web, ports: [90/udp]}\n"                      \
	"deny:\n"                                                          \
	"  - {from: 10.1.1.66, to: web}\n"

static void compile_parents(struct fixture *f, const char *head)
{
	char rules[1024];

	(void)snprintf(rules, sizeof(rules), "%s%s", RULES, head);
	fixture_make_for(f, parents, TIERS, rules);
}

/* ---- flows ---- */

static void flows(void **state)
{
	static const struct {
		const char *from, *to;
		enum ip_proto proto;
		uint16_t port;
		bool allowed;
		enum sim_decider by;
		size_t n_hooks;
	} rows[] = {
		{ "10.1.1.1", "web", PROTO_TCP, 80, true, SIM_BY_NETD, 1 },
		{ "10.1.1.1", "web", PROTO_UDP, 53, true, SIM_BY_NETD, 1 },
		{ "10.1.1.1", "web", PROTO_TCP, 81, false, SIM_BY_NETD, 1 },
		{ "203.0.113.1", "web", PROTO_TCP, 80, false, SIM_BY_NETD, 1 },
		{ "10.1.1.66", "web", PROTO_TCP, 80, false, SIM_BY_NETD, 1 }, /* deny beats allow */
		{ "10.1.1.1", "stray", PROTO_TCP, 80, false, SIM_BY_NETD, 1 },
		{ "10.1.1.1", "app@lan", PROTO_TCP, 80, false, SIM_BY_NETD, 1 },
		{ "web", "203.0.113.1", PROTO_TCP, 443, true, SIM_BY_NETD, 1 },
		{ "web", "203.0.113.1", PROTO_ICMP, 0, true, SIM_BY_NETD, 1 },
		{ "web", "203.0.113.1", PROTO_TCP, 80, false, SIM_BY_NETD, 1 },
		{ "stray", "203.0.113.1", PROTO_TCP, 443, false, SIM_BY_NETD, 1 },
		{ "web", "web-2", PROTO_TCP, 22, true, SIM_BY_NETD, 1 },    /* within */
		{ "app@lan", "web", PROTO_UDP, 90, true, SIM_BY_NETD, 1 },  /* siblings: in alone */
		{ "app@lan", "web", PROTO_TCP, 80, false, SIM_BY_NETD, 1 }, /* no one of the lan */
		{ "app@dmz", "web", PROTO_UDP, 90, true, SIM_BY_NETD, 2 },  /* out here, in there */
		{ "peer", "web", PROTO_TCP, 22, false, SIM_BY_NETD, 1 },    /* not one network */
		{ "app@dmz", "peer", PROTO_UDP, 90, false, SIM_BY_DOCKER, 0 },	/* private */
		{ "10.1.1.1", "away", PROTO_TCP, 81, true, SIM_BY_DEFAULT, 0 }, /* no hooks */
	};
	struct fixture f;

	(void)state;
	compile_parents(&f, "");
	const struct sim_host host = { f.world, f.policy, &f.compiled, false };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct sim_flow flow = { parse_end(&f, rows[i].from),
					       parse_end(&f, rows[i].to), IP_V4, rows[i].proto,
					       rows[i].port };
		struct sim_result result;
		assert_int_equal(sim_flow(&host, &flow, f.arena, &result), 0);
		if (result.allowed != rows[i].allowed || result.by != rows[i].by ||
		    result.n_hooks != rows[i].n_hooks)
			fail_msg("%s -> %s %u: %s (%zu hooks)", rows[i].from, rows[i].to,
				 rows[i].port, result.reason, result.n_hooks);
	}
	(void)arena_free(f.arena);
}

/* ---- single packets ---- */

static const struct mac_addr web_mac = { { 0x02, 0x42, 0x0a, 0x09, 0, 2 } },
			     app_mac = { { 0x02, 0x42, 0x0a, 0x09, 0, 4 } },
			     router_mac = { { 0x02, 0xff } };

struct packet_row {
	const char *what;
	bool in;
	const char *from, *to;
	const struct mac_addr *from_mac, *to_mac;
	uint8_t proto, tcp_flags;
	uint16_t from_port, to_port, fragment;
	bool passes;
};

enum { SYN = 2, ACK = 16, TCP = 6, UDP = 17, MORE = 0x2000 };

static struct sim_packet make_packet(const struct packet_row *row)
{
	struct sim_packet packet = { 0 };
	struct ip_addr from, to;
	uint16_t ports[] = { htons(row->from_port), htons(row->to_port) };
	uint16_t fragment = htons(row->fragment);

	assert_int_equal(ip_parse(row->from, &from), 0);
	assert_int_equal(ip_parse(row->to, &to), 0);
	bool v6 = from.family == IP_V6;
	uint16_t type = htons(v6 ? 0x86dd : 0x0800);
	sim_packet_set(&packet, RS_META_PROTOCOL, &type);
	sim_packet_set(&packet, RS_LINK_SADDR, row->from_mac->bytes);
	sim_packet_set(&packet, RS_LINK_DADDR, row->to_mac->bytes);
	sim_packet_set(&packet, v6 ? RS_IP6_SADDR : RS_IP_SADDR, from.bytes);
	sim_packet_set(&packet, v6 ? RS_IP6_DADDR : RS_IP_DADDR, to.bytes);
	sim_packet_set(&packet, RS_META_L4PROTO, &row->proto);
	if (!v6)
		sim_packet_set(&packet, RS_IP_FRAGMENT, &fragment);
	if ((row->fragment & 0x1fff) == 0) {
		sim_packet_set(&packet, RS_TH_SPORT, &ports[0]);
		sim_packet_set(&packet, RS_TH_DPORT, &ports[1]);
	}
	if (row->proto == TCP)
		sim_packet_set(&packet, RS_TCP_FLAGS, &row->tcp_flags);
	return packet;
}

static bool passes(const struct fixture *f, const struct packet_row *row)
{
	struct sim_packet packet = make_packet(row);
	sim_trace trace = { 0 };
	bool accepted;

	assert_int_equal(sim_run_hook(f->compiled.ruleset, RS_NETDEV,
				      row->in ? RS_HOOK_INGRESS : RS_HOOK_EGRESS, &packet, f->arena,
				      &trace, &accepted),
			 0);
	return accepted;
}

/* Nothing was remembered here: whoever answers over UDP was not asked. */
static void packets(void **state)
{
	static const struct packet_row rows[] = {
		{ "asked", true, "10.1.1.1", "10.9.0.2", &router_mac, &web_mac, TCP, SYN, 4000, 80,
		  0, true },
		{ "its answer", false, "10.9.0.2", "10.1.1.1", &web_mac, &router_mac, TCP,
		  SYN | ACK, 80, 4000, 0, true },
		{ "the same from a port that is closed", false, "10.9.0.2", "10.1.1.1", &web_mac,
		  &router_mac, TCP, ACK, 81, 4000, 0, false },
		{ "a connection that begins at the open port", false, "10.9.0.2", "10.1.1.1",
		  &web_mac, &router_mac, TCP, SYN, 80, 4000, 0, false },
		{ "to whom a rule denies it", false, "10.9.0.2", "10.1.1.66", &web_mac, &router_mac,
		  TCP, ACK, 80, 4000, 0, false },
		{ "an answer from outside", true, "203.0.113.1", "10.9.0.2", &router_mac, &web_mac,
		  TCP, ACK, 443, 4000, 0, true },
		{ "one that begins there", true, "203.0.113.1", "10.9.0.2", &router_mac, &web_mac,
		  TCP, SYN, 443, 4000, 0, false },
		{ "a datagram nobody has asked for", true, "203.0.113.1", "10.9.0.2", &router_mac,
		  &web_mac, UDP, 0, 443, 4000, 0, false },
		{ "the same the other way round", false, "10.9.0.2", "10.1.1.1", &web_mac,
		  &router_mac, UDP, 0, 53, 4000, 0, false },
		{ "the beginning of a large one", true, "10.1.1.1", "10.9.0.2", &router_mac,
		  &web_mac, UDP, 0, 4000, 53, MORE, true },
		{ "a piece without a beginning", true, "10.1.1.1", "10.9.0.2", &router_mac,
		  &web_mac, UDP, 0, 0, 0, MORE | 185, false },
		{ "a sibling in its own name", true, "10.9.0.4", "10.9.0.2", &app_mac, &web_mac,
		  UDP, 0, 4000, 90, 0, true },
		{ "in the name of somebody outside", true, "10.1.1.1", "10.9.0.2", &app_mac,
		  &web_mac, UDP, 0, 4000, 53, 0, false },
		{ "with an address that Docker did not give it", false, "10.9.0.77", "203.0.113.1",
		  &web_mac, &router_mac, TCP, SYN, 4000, 443, 0, false },
		{ "to an address that it has not", true, "10.1.1.1", "10.9.0.99", &router_mac,
		  &web_mac, TCP, SYN, 4000, 80, 0, false },
		{ "from the link, to its link-local address", true, "fe80::1",
		  "fe80::42:aff:fe09:2", &router_mac, &web_mac, TCP, SYN, 4000, 81, 0, false },
		{ "the host's own", false, "10.9.0.1", "203.0.113.1", &router_mac, &router_mac, TCP,
		  SYN, 4000, 80, 0, true },
		{ "to the host", true, "203.0.113.1", "10.9.0.1", &router_mac, &router_mac, TCP,
		  SYN, 4000, 22, 0, true },
	};
	struct fixture f;

	(void)state;
	compile_parents(&f, "");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (passes(&f, &rows[i]) != rows[i].passes)
			fail_msg("%s", rows[i].what);
	(void)arena_free(f.arena);
}

/* With the whole policy in audit mode no packet is dropped there; who is left alone has no rule. */
static void audited_and_left(void **state)
{
	static const struct packet_row rows[] = {
		{ "in", true, "10.1.1.1", "10.9.0.2", &router_mac, &web_mac, TCP, SYN, 1, 81, 0,
		  true },
		{ "out", false, "10.9.0.2", "10.1.1.1", &web_mac, &router_mac, UDP, 0, 1, 9, 0,
		  true },
	};
	struct fixture f;
	struct rs_key stray = { 0 };
	static const uint8_t mac[] = { 0x02, 0x42, 0x0a, 0x09, 0, 9 };

	(void)state;
	rs_key_add(&stray, RS_TYPE_LINK_ADDR, mac, false);
	compile_parents(&f, "mode: audit\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_true(passes(&f, &rows[i]));
	(void)arena_free(f.arena);
	compile_parents(&f, "unmatched: ignore\n");
	const struct rs_table *table = &f.compiled.ruleset->tables[RS_NETDEV];
	assert_true(rs_set_find(ruleset_find_set(table, "container_macs"), &stray) < 0);
	(void)arena_free(f.arena);
	compile_parents(&f, "");
	table = &f.compiled.ruleset->tables[RS_NETDEV];
	assert_true(rs_set_find(ruleset_find_set(table, "container_macs"), &stray) >= 0);
	(void)arena_free(f.arena);
}

/* A container of network dmz. */
static bool has_mac(const struct ruleset *rs, uint8_t last)
{
	const struct mac_addr mac = { { 0x02, 0x42, 0x0a, 0x08, 0, last } };
	struct rs_key key = { 0 };

	rs_key_add(&key, RS_TYPE_LINK_ADDR, mac.bytes, false);
	return rs_set_find(ruleset_find_set(&rs->tables[RS_NETDEV], "container_macs"), &key) >= 0;
}

/* Without such a network there is no table; with one that came, or another interface of its name,
 * it is made, and made anew. */
static void the_table_comes_and_goes(void **state)
{
	struct fixture with, without, again;
	struct rs_diff diff;

	(void)state;
	compile_parents(&with, "");
	fixture_make(&without, "");
	const struct ruleset *some = with.compiled.ruleset, *none = without.compiled.ruleset;
	assert_true(rs_table_is_there(&some->tables[RS_NETDEV]));
	assert_false(rs_table_is_there(&none->tables[RS_NETDEV]));
	assert_int_equal(ruleset_diff(none, some, with.arena, &diff), 0);
	assert_true(diff.tables[RS_NETDEV].new_table && !diff.tables[RS_INET].new_table);
	assert_int_equal(ruleset_diff(some, none, with.arena, &diff), 0);
	assert_true(diff.tables[RS_NETDEV].old_table && diff.tables[RS_NETDEV].old_chains.n == 0);

	/* The second one has the MAC of a container on the first: that one's host goes before it.
	 */
	struct world_parent moved[] = { { "eth0.5", 7, { { 0 } } },
					{ "eth1", 9, { { 0x02, 0x42, 0x0a, 0x08, 0, 4 } } } };
	struct world *world = arena_dup(with.arena, with.world, sizeof(*world));
	world->parents = moved;
	again = with;
	again.world = world;
	fixture_compile(&again);
	const struct ruleset *other = again.compiled.ruleset;
	assert_int_equal(ruleset_diff(some, other, with.arena, &diff), 0);
	assert_int_equal(diff.tables[RS_NETDEV].new_chains.n, 2);
	assert_int_equal(diff.tables[RS_NETDEV].old_chains.n, 2);
	assert_true(has_mac(some, 4) && !has_mac(other, 4));
	assert_true(has_mac(some, 5) && has_mac(other, 5));
	(void)arena_free(without.arena);
	(void)arena_free(with.arena);
}

/* What two facts say alike is one element, and where they say something else of one address nobody
 * has it: never a ruleset that cannot be committed. Containers of two parents may have one MAC, and
 * with that one link-local address; and Docker may give one what is another's. */
static void doubles_do_not_block(void **state)
{
	static const struct packet_row link_local = { "to a link-local address",
						      true,
						      "fe80::1",
						      "fe80::42:aff:fe09:2",
						      &router_mac,
						      &web_mac,
						      TCP,
						      SYN,
						      4000,
						      80,
						      0,
						      true };
	struct fixture f;

	(void)state;
	compile_parents(&f, "");
	assert_true(passes(&f, &link_local));
	for (int given = 0; given < 2; given++) {
		struct world world = *f.world;
		struct world_endpoint *ends =
			arena_dup(f.arena, world.endpoints, world.n_endpoints * sizeof(*ends));
		struct world_container *containers = arena_dup(
			f.arena, world.containers, world.n_containers * sizeof(*containers));
		for (size_t i = 0; i < world.n_endpoints && !given; i++) {
			ends[i].mac = web_mac;
			ends[i].ipv6 = (struct ip_addr){ IP_V6, { 0xfd, [15] = (uint8_t)i } };
		}
		if (given)
			ends[parse_end(&f, "app@lan").endpoint].ipv6 = ip_link_local(&web_mac);
		containers[world_find_container(&world, "web-2")].known = false;
		world.endpoints = ends;
		world.containers = containers;
		struct fixture doubled = f;
		doubled.world = &world;
		fixture_compile(&doubled);
		assert_false(passes(&doubled, &link_local));
	}
	(void)arena_free(f.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows),
		cmocka_unit_test(packets),
		cmocka_unit_test(audited_and_left),
		cmocka_unit_test(the_table_comes_and_goes),
		cmocka_unit_test(doubles_do_not_block),
	};

	return cmocka_run_group_tests_name("compile_parent", tests, NULL, NULL);
}
