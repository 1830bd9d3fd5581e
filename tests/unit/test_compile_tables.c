/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables that core/compile makes, packet by packet: what the flow questions of test_compile.c
 * cannot ask. Who is let through a port of a bridge, what an ICMP error and an expected connection
 * are judged by; facts and rules that come twice; memory running out. */
#include <arpa/inet.h>
#include <errno.h>

#include "tests/unit/test_assign_lib.h"
#include "tests/unit/test_compile_lib.h"

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
	const struct assignment *all = assign_all(f.policy, &world, f.arena);
	assert_non_null(all);
	assert_null(all[web.endpoint].port);
	(void)arena_free(f.arena);
}

/* The strongest entry of a tier speaks for it: two of one tier are no conflict, two of two are. */
static void strongest_entry_decides(void **state)
{
	static const struct {
		const char *tiers, *is;
	} rows[] = {
		{ "a: {match: [{network: front}, {network: 'fr*'}]}", "a" },
		{ "a: {match: [{network: 'f*', image: 'nginx:*'}, {label: {tier: web}}]}", "a" },
		{ "a: {match: [{network: front}]}\n  b: {match: [{label: {tier: web}}]}", "b" },
		{ "a: {match: [{label: {tier: web}}]}\n  b: {match: [{network: front}]}", "a" },
		{ "a: {match: [{network: back, label: {tier: web}}, {network: front}]}", "a" },
		{ "a: {match: [{network: back, label: {tier: web}}]}", "unmatched" },
		{ "a: {match: [{compose: {project: web}}, {container: 'app*'}]}", "unmatched" },
		{ "a: {match: [{network: front}]}\n  b: {match: [{network: 'f*'}]}", "conflict" },
		{ "a: {match: [{network: front}]}\n  b: {match: [{network: 'f*'}]}\n"
		  "  c: {match: [{network: '*'}, {container: web-1}]}",
		  "c" },
		{ "a: {match: [{container: web-1}]}\n  b: {match: [{image: 'ngin?:1'}]}\n"
		  "  c: {match: [{network: front}]}",
		  "conflict" },
		{ "a: {match: [{label: {tier: 'we*'}}]}", "a" },
		{ "a: {match: [{label: {tier: wea, other: x}}]}\n  b: {match: [{label: {tier: "
		  "web}}]}",
		  "b" },
		{ "a: {match: [{label: {tier: web, other: '*'}}]}", "unmatched" },
		{ "a: {match: [{network: front}]}\n  b: {match: [{label: {tier: web}}, {label: "
		  "{tier: wec}}]}",
		  "b" },
		{ "a: {match: [{label: {zone: x}}, {label: {tier: web}}]}\n  b: {match: [{network: "
		  "'f*'}]}",
		  "a" },
		{ "a: {match: [{label: {tier: 'w?b'}}]}\n  b: {match: [{label: {tier: web}}]}",
		  "conflict" },
		{ "a: {match: [{label: {tier: web}}]}\n  b: {match: [{container: 'web-*'}]}",
		  "conflict" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f;
		char text[512];
		struct diag_list diags;
		const struct policy *policy;
		int n = snprintf(text, sizeof(text), "version: 1\ntiers:\n  %s\n", rows[i].tiers);
		struct policy_source source = { "p.yaml", text, (size_t)n };
		fixture_make(&f, "");
		diag_init(&diags, f.arena);
		assert_int_equal(policy_parse(&source, 1, f.arena, &diags, &policy), 0);
		const struct assignment *all = assign_all(policy, f.world, f.arena);
		assert_non_null(all);
		const struct assignment *web = &all[parse_end(&f, "web-1").endpoint];
		const char *is = web->kind == ASSIGN_TIER ? policy->tiers[web->tier].name
							  : assign_kind_name(web->kind);
		if (strcmp(is, rows[i].is) != 0)
			fail_msg("row %zu: %s", i, is);
		if (web->kind == ASSIGN_CONFLICT)
			assert_int_equal(web->other_tier, 1);
		assert_int_equal(all[parse_end(&f, "gamer").endpoint].kind, ASSIGN_UNMANAGED);
		(void)arena_free(f.arena);
	}
}

/* What a tier requires, and what is known of the container: known and short, or nothing known
 * though it was looked at, is quarantined; not looked at yet is not known. */
static void who_falls_short_is_in_no_tier(void **state)
{
	static const struct {
		const char *require;
		enum posture_value is_root;
		bool inspected;
		enum assign_kind kind;
	} rows[] = {
		{ "require: {user: non-root}", POSTURE_NO, true, ASSIGN_TIER },
		{ "require: {user: non-root}", POSTURE_YES, true, ASSIGN_QUARANTINED },
		{ "require: {user: non-root}", POSTURE_UNKNOWN, true, ASSIGN_QUARANTINED },
		{ "require: {user: non-root}", POSTURE_UNKNOWN, false, ASSIGN_UNKNOWN },
		{ "require: {read_only: true}", POSTURE_NO, true, ASSIGN_QUARANTINED },
		{ "require: {user: non-root}, require_mode: warn", POSTURE_YES, true, ASSIGN_TIER },
		{ "require: {user: non-root}, require_mode: warn", POSTURE_UNKNOWN, false,
		  ASSIGN_TIER },
		{ "require: {user: non-root}, mode: audit", POSTURE_YES, true, ASSIGN_TIER },
		{ "within: deny", POSTURE_YES, true, ASSIGN_TIER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f;
		char text[256];
		struct diag_list diags;
		const struct policy *policy;
		int n = snprintf(text, sizeof(text),
				 "version: 1\nunmatched: ignore\ntiers:\n"
				 "  a: {match: [{network: '*'}], %s}\n",
				 rows[i].require);
		struct policy_source source = { "p.yaml", text, (size_t)n };
		fixture_make(&f, "");
		struct world world = *f.world;
		struct world_container *containers = arena_dup(
			f.arena, world.containers, world.n_containers * sizeof(*containers));
		world.containers = containers;
		for (size_t k = 0; k < world.n_containers; k++) {
			containers[k].inspected = rows[i].inspected;
			containers[k].posture.facts[POSTURE_ROOT] = rows[i].is_root;
		}
		diag_init(&diags, f.arena);
		assert_int_equal(policy_parse(&source, 1, f.arena, &diags, &policy), 0);
		const struct assignment *all = assign_all(policy, &world, f.arena);
		assert_non_null(all);
		if (all[parse_end(&f, "web-1").endpoint].kind != rows[i].kind)
			fail_msg("row %zu: %s", i,
				 assign_kind_name(all[parse_end(&f, "web-1").endpoint].kind));
		(void)arena_free(f.arena);
	}
}

/* A label that is not in the list may have any value: whom the entry that asks for it would take is
 * in no tier, but not whom its network rules out. */
static void labels_left_out_may_match(void **state)
{
	struct fixture f;

	(void)state;
	fixture_make(&f, "");
	struct sim_end db = parse_end(&f, "db"), stray = parse_end(&f, "stray");
	struct world world = *f.world;
	struct world_container *containers =
		arena_dup(f.arena, world.containers, world.n_containers * sizeof(*containers));
	world.containers = containers;
	for (size_t i = 0; i < world.n_containers; i++)
		containers[i].labels_cut = true;
	static const char text[] =
		"version: 1\ntiers:\n  a: {match: [{network: front, label: {x: y}}]}\n"
		"  b: {match: [{network: back}]}\n";
	struct policy_source source = { "p.yaml", text, sizeof(text) - 1 };
	struct diag_list diags;
	const struct policy *policy;
	diag_init(&diags, f.arena);
	assert_int_equal(policy_parse(&source, 1, f.arena, &diags, &policy), 0);
	const struct assignment *all = assign_all(policy, &world, f.arena);
	assert_non_null(all);
	assert_int_equal(all[stray.endpoint].kind, ASSIGN_UNKNOWN);
	assert_int_equal(all[db.endpoint].kind, ASSIGN_TIER);
	all = assign_all(policy, f.world, f.arena);
	assert_non_null(all);
	assert_int_equal(all[stray.endpoint].kind, ASSIGN_UNMATCHED);
	(void)arena_free(f.arena);
}

static bool flow_passes(const struct fixture *f, const char *from, const char *to)
{
	const struct sim_host sim = { f->world, f->policy, &f->compiled, false };
	const struct sim_flow flow = { parse_end(f, from), parse_end(f, to), IP_V4, PROTO_TCP, 80 };
	struct sim_result result;

	assert_int_equal(sim_flow(&sim, &flow, f->arena, &result), 0);
	return result.allowed;
}

/* Docker's network shows it before Docker's list says what it is. */
static void a_container_that_is_not_known_is_closed(void **state)
{
	struct fixture f;

	(void)state;
	fixture_make(&f, "allow: [{from: web, to: app}, {from: app, to: web}]\n");
	assert_true(flow_passes(&f, "web-1", "app@front"));
	assert_true(flow_passes(&f, "app@front", "web-1"));
	struct world world = *f.world;
	struct world_container *containers =
		arena_dup(f.arena, world.containers, world.n_containers * sizeof(*containers));
	struct sim_end web = parse_end(&f, "web-1");
	containers[world.endpoints[web.endpoint].container].known = false;
	world.containers = containers;
	f.world = &world;
	fixture_compile(&f);
	assert_int_equal(f.compiled.assignments[web.endpoint].kind, ASSIGN_UNKNOWN);
	assert_false(flow_passes(&f, "web-1", "app@front"));
	assert_false(flow_passes(&f, "app@front", "web-1"));
	assert_true(flow_passes(&f, "web-2", "app@front")); /* of the same tier, and known */
	(void)arena_free(f.arena);
}

/* What two facts or two words of a policy say alike is one element, never a ruleset that cannot be
 * committed. */
static void doubles_do_not_block(void **state)
{
	struct fixture f;

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
	f.world = &world;
	fixture_compile(&f);
	(void)arena_free(f.arena);
}

/* A bridge floods what it has forgotten, and can be told lies about who is where; a container has
 * addresses on other networks that its kernel would answer for here. */
static void a_port_receives_what_is_meant_for_it(void **state)
{
	static const uint8_t other[6] = { 2, 0x42, 0xac, 0x12, 0, 3 },
			     stranger[6] = { 2, 0, 0, 0, 0, 9 },
			     all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
			     group[6] = { 0x01, 0, 0x5e, 0, 0, 1 };
	static const uint8_t elsewhere[4] = { 192, 168, 7, 2 }, every[4] = { 255, 255, 255, 255 },
			     hosts[4] = { 224, 0, 0, 1 };
	const uint16_t ip = htons(0x0800), lldp = htons(0x88cc);
	struct fixture f;

	(void)state;
	fixture_make(&f, "");
	const struct world_endpoint *web = &f.world->endpoints[parse_end(&f, "web-1").endpoint];
	const char *port = f.compiled.assignments[web - f.world->endpoints].port;
	const uint8_t *own = web->mac.bytes, *mine = web->ipv4.bytes;
	assert_non_null(port);
	const struct {
		const uint8_t *to, *address;
		uint16_t type;
		const char *port;
		bool passes;
	} rows[] = {
		{ own, mine, ip, port, true },	      { own, elsewhere, ip, port, false },
		{ own, mine, lldp, port, false },     { other, mine, ip, port, false },
		{ all, every, ip, port, true },	      { all, mine, ip, port, false },
		{ group, hosts, ip, port, true },     { group, mine, ip, port, false },
		{ all, every, lldp, port, true },     { other, mine, ip, "eth0", false },
		{ stranger, mine, ip, "eth0", true },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim_packet packet = { 0 };
		set_ifname(&packet, RS_META_OIFNAME, rows[i].port);
		sim_packet_set(&packet, RS_ETHER_DADDR, rows[i].to);
		sim_packet_set(&packet, RS_ETHER_TYPE, &rows[i].type);
		if (rows[i].type == ip)
			sim_packet_set(&packet, RS_IP_DADDR, rows[i].address);
		if (hook_passes(&f, RS_BRIDGE, RS_HOOK_POSTROUTING, &packet) != rows[i].passes)
			fail_msg("row %zu", i);
	}
	(void)arena_free(f.arena);
}

/* An ICMP error wears the stamp of the connection that its payload speaks of. */
static void an_error_is_of_an_end(void **state)
{
	static const uint32_t related = 4, stamp = STAMP;
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
		sim_packet_set(&packet, RS_CT_SECMARK, &stamp);
		sim_packet_set(&packet, RS_IP_SADDR, rows[row].sender);
		sim_packet_set(&packet, RS_CT_ORIGINAL_IP_SADDR, rows[row].source);
		sim_packet_set(&packet, RS_CT_REPLY_IP_SADDR, rows[row].destination);
		if (hook_passes(&f, RS_INET, hooks[i % ARRAY_LEN(hooks)], &packet) !=
		    rows[row].passes)
			fail_msg("row %zu, hook %zu", row, i % ARRAY_LEN(hooks));
	}
	(void)arena_free(f.arena);
}

/* What a helper expects has its master's mark, and is judged all the same. */
static void an_expected_connection_is_judged(void **state)
{
	static const uint32_t related = 4, stamp = STAMP;
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
	sim_packet_set(&packet, RS_CT_SECMARK, &stamp);
	sim_packet_set(&packet, RS_IP_SADDR, server);
	sim_packet_set(&packet, RS_CT_ORIGINAL_IP_SADDR, server);
	sim_packet_set(&packet, RS_CT_REPLY_IP_SADDR, app);
	sim_packet_set(&packet, RS_CT_REPLY_PROTO_SRC, &port);
	assert_false(hook_passes(&f, RS_INET, RS_HOOK_FORWARD, &packet));
	sim_packet_set(&packet, RS_CT_STATE, &(uint32_t){ 2 }); /* established */
	assert_true(hook_passes(&f, RS_INET, RS_HOOK_FORWARD, &packet));
	(void)arena_free(f.arena);
}

/* docker-proxy's second half is the host's own: it waits until the host port is known. */
static void the_host_waits_for_a_starting_container(void **state)
{
	static const uint8_t original = 0, reply = 1, web1[4] = { 172, 18, 0, 2 };
	static const uint32_t stamp = STAMP;
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
					    .mark_bit = COMPILE_MARK_BIT,
					    .stamp = stamp };
		assert_int_equal(compile_ruleset(&in, f.arena, &f.compiled, &why), 0);
		struct sim_packet packet = { 0 };
		set_ifname(&packet, RS_META_OIFNAME, "br-front");
		sim_packet_set(&packet, RS_IP_DADDR, web1);
		sim_packet_set(&packet, RS_CT_SECMARK, &stamp);
		sim_packet_set(&packet, RS_CT_DIRECTION, &original);
		assert_int_equal(hook_passes(&f, RS_INET, RS_HOOK_OUTPUT, &packet), !starting);
		sim_packet_set(&packet, RS_CT_DIRECTION, &reply);
		assert_true(hook_passes(&f, RS_INET, RS_HOOK_OUTPUT, &packet));
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
					    .mark_bit = COMPILE_MARK_BIT,
					    .stamp = STAMP,
					    .log_group = 1 };
		arena_fail_after(arena, n);
		r = compile_ruleset(&in, arena, &out, &why);
		if (r != 0)
			assert_int_equal(r, -ENOMEM);
		(void)arena_free(arena);
	}
	assert_int_equal(r, 0);
	(void)arena_free(f.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubled_mac_is_closed),
		cmocka_unit_test(strongest_entry_decides),
		cmocka_unit_test(who_falls_short_is_in_no_tier),
		cmocka_unit_test(labels_left_out_may_match),
		cmocka_unit_test(a_container_that_is_not_known_is_closed),
		cmocka_unit_test(doubles_do_not_block),
		cmocka_unit_test(a_port_receives_what_is_meant_for_it),
		cmocka_unit_test(an_error_is_of_an_end),
		cmocka_unit_test(an_expected_connection_is_judged),
		cmocka_unit_test(the_host_waits_for_a_starting_container),
		cmocka_unit_test(out_of_memory_is_said),
	};

	return cmocka_run_group_tests_name("compile_tables", tests, NULL, NULL);
}
