/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/compile/direct: ports that Docker opens at a container's own address, packet by packet. */
#include <arpa/inet.h>

#include "tests/unit/test_compile_lib.h"

/* The world with `front` open to others over IPv4, compiled anew with @rules. */
static void compile_routed(struct fixture *f, const char *rules)
{
	fixture_make(f, rules);
	struct world *world = arena_dup(f->arena, f->world, sizeof(*world));
	struct world_network *networks =
		arena_dup(f->arena, world->networks, world->n_networks * sizeof(*networks));
	networks[world_find_network(world, "front")].modes[0] = WORLD_GATEWAY_ROUTED;
	world->networks = networks;
	f->world = world;
	fixture_compile(f);
}

/* Of a connection between @outside and the container, without a translation and without a stamp,
 * one of its packets in the forward hook. */
struct direct_row {
	const char *at; /* the container's address */
	uint8_t proto;	/* IANA's */
	uint16_t port;
	bool passes;
};

static bool direct_passes(const struct fixture *f, const struct direct_row *row, uint8_t back)
{
	static const uint32_t zero = 0;
	uint16_t container = htons(row->port), client = htons(50000);
	struct sim_packet packet = { 0 };
	struct ip_addr at, outside;

	assert_int_equal(ip_parse(row->at, &at), 0);
	bool v6 = at.family == IP_V6;
	assert_int_equal(ip_parse(v6 ? "2001:db8::9" : "203.0.113.9", &outside), 0);
	set_ifname(&packet, back ? RS_META_OIFNAME : RS_META_IIFNAME, "eth0");
	set_ifname(&packet, back ? RS_META_IIFNAME : RS_META_OIFNAME, "br-front");
	const struct ip_addr *from = back ? &at : &outside, *to = back ? &outside : &at;
	sim_packet_set(&packet, v6 ? RS_IP6_SADDR : RS_IP_SADDR, from->bytes);
	sim_packet_set(&packet, v6 ? RS_IP6_DADDR : RS_IP_DADDR, to->bytes);
	sim_packet_set(&packet, RS_TH_SPORT, back ? &container : &client);
	sim_packet_set(&packet, RS_TH_DPORT, back ? &client : &container);
	sim_packet_set(&packet, RS_META_L4PROTO, &row->proto);
	sim_packet_set(&packet, RS_META_MARK, &zero);
	sim_packet_set(&packet, RS_CT_SECMARK, &zero);
	sim_packet_set(&packet, RS_CT_STATUS, &zero);
	sim_packet_set(&packet, RS_CT_DIRECTION, &back);
	sim_packet_set(&packet, v6 ? RS_CT_ORIGINAL_IP6_SADDR : RS_CT_ORIGINAL_IP_SADDR,
		       outside.bytes);
	sim_packet_set(&packet, v6 ? RS_CT_ORIGINAL_IP6_DADDR : RS_CT_ORIGINAL_IP_DADDR, at.bytes);
	sim_packet_set(&packet, v6 ? RS_CT_REPLY_IP6_SADDR : RS_CT_REPLY_IP_SADDR, at.bytes);
	sim_packet_set(&packet, RS_CT_ORIGINAL_PROTO_DST, &container);
	sim_packet_set(&packet, RS_CT_REPLY_PROTO_SRC, &container);
	return hook_passes(f, RS_INET, RS_HOOK_FORWARD, &packet);
}

/* What Docker opens at the container's own address is open there, and what comes back is judged as
 * what was asked: without the rule an open connection is cut in both directions. */
static void a_routed_port_is_open_both_ways(void **state)
{
	static const struct direct_row rows[] = {
		{ "172.18.0.2", 6, 80, true },
		{ "172.18.0.2", 17, 80, false },  /* another protocol */
		{ "172.18.0.2", 6, 81, false },	  /* asked for on 127.0.0.1 */
		{ "172.18.0.2", 6, 82, false },	  /* not published */
		{ "172.18.0.3", 6, 80, false },	  /* of another container */
		{ "fd00:1::2", 6, 80, false },	  /* over IPv6 it is at the host */
		{ "172.19.0.5", 6, 5432, false }, /* of a network that is not open */
	};
	static const char open[] = "allow:\n  - {from: internet, to: [web, db]}\n";
	struct fixture f, shut;

	(void)state;
	compile_routed(&f, open);
	compile_routed(&shut, "");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (uint8_t back = 0; back < 2; back++) {
			if (direct_passes(&f, &rows[i], back) != rows[i].passes)
				fail_msg("%s port %u, %s", rows[i].at, rows[i].port,
					 back ? "back" : "there");
			assert_false(direct_passes(&shut, &rows[i], back));
		}
	(void)arena_free(shut.arena);
	(void)arena_free(f.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_routed_port_is_open_both_ways),
	};

	return cmocka_run_group_tests_name("compile_direct", tests, NULL, NULL);
}
