/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What spares packets a lookup, and what it may not let pass: prerouting's comparisons, and where a
 * connection was judged. */
#include "test_compile_lib.h"

static const uint8_t outsider[4] = { 198, 51, 100, 7 }, web1[4] = { 172, 18, 0, 2 },
		     app[4] = { 172, 18, 0, 4 }, loopback[4] = { 127, 0, 0, 1 };

static void set_name(struct sim_packet *packet, enum rs_field field, const char *name)
{
	char padded[WORLD_IFNAME_LEN] = { 0 };

	memcpy(padded, name, strlen(name));
	sim_packet_set(packet, field, padded);
}

static bool passes(const struct fixture *f, enum rs_hook hook, struct sim_packet *packet)
{
	sim_trace trace = { 0 };
	bool accepted = false;

	assert_int_equal(sim_run_hook(f->compiled.ruleset, RS_INET, hook, packet, f->arena, &trace,
				      &accepted),
			 0);
	return accepted;
}

struct arrival {
	const char *ifname, *kind; /* kind NULL: a card has none */
	const uint8_t *from, *to;
	bool passes;
};

/* Neither the span of containers' addresses nor the kind of an interface opens anything. */
static void prerouting_of_every_interface(void **state)
{
	static const uint8_t beside[4] = { 172, 18, 77, 1 };
	static const struct arrival rows[] = {
		{ "br-front", "bridge", web1, outsider, true },
		{ "br-0123456789ab", "bridge", outsider, web1, false }, /* no fact names it */
		{ "virbr0", "bridge", outsider, web1, true },
		{ "virbr0", "bridge", web1, outsider, false },
		{ "eth0", NULL, outsider, web1, true },
		{ "eth0", NULL, web1, outsider, false },
		{ "eth0", NULL, beside, web1, true }, /* in the span, and nobody's */
		{ "eth0", NULL, outsider, loopback, false },
		{ "eth0", NULL, loopback, web1, false },
		{ "virbr0", "bridge", outsider, loopback, false },
		{ "lo", NULL, loopback, loopback, true },
		{ "lo", NULL, web1, outsider, true },
		/* A device by a managed bridge's name that is none: bridge netd saw nothing. */
		{ "br-front", "veth", web1, outsider, false },
	};
	static const uint8_t to_host = 0;
	struct fixture f;

	(void)state;
	fixture_make(&f, "");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim_packet packet = { 0 };
		set_name(&packet, RS_META_IIFNAME, rows[i].ifname);
		if (rows[i].kind)
			set_name(&packet, RS_META_IIFKIND, rows[i].kind);
		sim_packet_set(&packet, RS_META_PKTTYPE, &to_host);
		sim_packet_set(&packet, RS_IP_SADDR, rows[i].from);
		sim_packet_set(&packet, RS_IP_DADDR, rows[i].to);
		if (passes(&f, RS_HOOK_PREROUTING, &packet) != rows[i].passes)
			fail_msg("row %zu", i);
	}
	(void)arena_free(f.arena);
}

/* An endpoint outside its network's subnets is within the span, too. */
static void the_span_holds_every_address(void **state)
{
	static const uint8_t far[4] = { 203, 0, 113, 9 };
	struct fixture f;

	(void)state;
	fixture_make(&f, "");
	struct world world = *f.world;
	struct world_endpoint endpoints[16];
	memcpy(endpoints, world.endpoints, world.n_endpoints * sizeof(*endpoints));
	memcpy(endpoints[0].ipv4.bytes, far, sizeof(far));
	world.endpoints = endpoints;
	f.world = &world;
	fixture_compile(&f);
	struct sim_packet packet = { 0 };
	set_name(&packet, RS_META_IIFNAME, "eth0");
	sim_packet_set(&packet, RS_IP_SADDR, far);
	assert_false(passes(&f, RS_HOOK_PREROUTING, &packet));
	(void)arena_free(f.arena);
}

static struct sim_packet between(const char *in, const char *out, uint32_t secmark)
{
	static const uint8_t tcp = 6;
	static const uint16_t port = 0x901f; /* 8080 */
	static const uint32_t none = 0, new = 8;
	struct sim_packet packet = { 0 };

	set_name(&packet, RS_META_IIFNAME, in);
	set_name(&packet, RS_META_IIFKIND, "bridge");
	set_name(&packet, RS_META_OIFNAME, out);
	set_name(&packet, RS_META_OIFKIND, "bridge");
	sim_packet_set(&packet, RS_META_MARK, &none);
	sim_packet_set(&packet, RS_CT_SECMARK, &secmark);
	sim_packet_set(&packet, RS_CT_STATE, &new);
	sim_packet_set(&packet, RS_META_L4PROTO, &tcp);
	sim_packet_set(&packet, RS_IP_SADDR, web1);
	sim_packet_set(&packet, RS_CT_ORIGINAL_IP_SADDR, web1);
	sim_packet_set(&packet, RS_CT_REPLY_IP_SADDR, app);
	sim_packet_set(&packet, RS_CT_REPLY_PROTO_SRC, &port);
	return packet;
}

static uint32_t number_in(const struct sim_packet *packet, enum rs_field field)
{
	uint32_t n;

	memcpy(&n, packet->fields[field].bytes, sizeof(n));
	return n;
}

/* Only what is judged between ports of one bridge is told to bridge netd, stamped or not. */
static void a_stamp_knows_where_it_was_given(void **state)
{
	struct fixture f;

	(void)state;
	fixture_make(&f, "allow: [{from: web, to: app, ports: [8080/tcp]}]\n");
	assert_true(f.compiled.needs_bridge_nf);
	const struct {
		const char *out;
		uint32_t before, after;
		bool marked;
	} rows[] = {
		{ "br-front", 0, STAMP, true },
		{ "br-front", STAMP, STAMP, true },
		{ "br-back", 0, STAMP | COMPILE_ROUTED_BIT, false },
		{ "br-back", STAMP | COMPILE_ROUTED_BIT, STAMP | COMPILE_ROUTED_BIT, false },
		/* Of another policy: judged anew, and said anew. */
		{ "br-front", (STAMP + 2) | COMPILE_ROUTED_BIT, STAMP, true },
		/* Closed, not open: bridge netd waits for the mark. */
		{ "br-front", STAMP | COMPILE_ROUTED_BIT, STAMP | COMPILE_ROUTED_BIT, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim_packet packet = between("br-front", rows[i].out, rows[i].before);
		if (!passes(&f, RS_HOOK_FORWARD, &packet) ||
		    number_in(&packet, RS_CT_SECMARK) != rows[i].after ||
		    number_in(&packet, RS_META_MARK) != (rows[i].marked ? COMPILE_MARK_BIT : 0))
			fail_msg("row %zu: %x %x", i, number_in(&packet, RS_CT_SECMARK),
				 number_in(&packet, RS_META_MARK));
	}
	(void)arena_free(f.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prerouting_of_every_interface),
		cmocka_unit_test(the_span_holds_every_address),
		cmocka_unit_test(a_stamp_knows_where_it_was_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
