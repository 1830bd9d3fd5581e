/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is done about ports and facts that do not agree, in virtual time. */
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/plan/doubt.h"
#include "core/plan/plan.h"
#include "tests/unit/test_rows_lib.h"

#define MS UINT64_C(1000)
#define BRIDGE "br-app"

/* A network with a container on it, and its port. */
struct host {
	struct world world;
	struct world_network network;
	struct world_container container;
	struct world_endpoint endpoint;
	struct world_bridge bridge;
	struct world_port ports[LIMIT_DOUBTS + 8];
	struct assignment assignment;
	struct doubts doubts;
};

static void host_start(struct host *host)
{
	*host = (struct host){
		.network = { .id = "n", .name = "app", .driver = "bridge", .bridge = BRIDGE },
		.container = { .id = "c", .name = "web", .known = true },
		.endpoint = { .id = 7, .asked = 1 },
		.bridge = { .name = BRIDGE, .kind = WORLD_BRIDGE_MANAGED },
		.ports = { { .ifname = "veth1", .bridge = BRIDGE, .ifindex = 1 } },
		.assignment = { .kind = ASSIGN_TIER },
	};
	host->world = (struct world){ .networks = &host->network,
				      .n_networks = 1,
				      .containers = &host->container,
				      .n_containers = 1,
				      .endpoints = &host->endpoint,
				      .n_endpoints = 1,
				      .bridges = &host->bridge,
				      .n_bridges = 1,
				      .ports = host->ports,
				      .n_ports = 1 };
}

static void plug_in(struct host *host)
{
	host->assignment.port = host->ports[0].ifname;
}

static void look(struct host *host, uint64_t now_us)
{
	assert_int_equal(doubts_update(&host->doubts, &host->world, &host->assignment, now_us), 0);
}

/* "ask n/c veth1; read; say web" */
static void assert_done(struct host *host, uint64_t now_us, const char *want)
{
	static const char *const names[] = {
		[DOUBT_ASK] = "ask", [DOUBT_READ_ALL] = "read", [DOUBT_SAY] = "say"
	};
	CLEANUP(text_done) struct text out = { 0 };
	const struct doubt *doubt;
	enum doubt_action action;

	while ((action = doubts_next(&host->doubts, now_us, &doubt)) != DOUBT_WAIT) {
		text_printf(&out, "%s%s", out.len ? "; " : "", names[action]);
		if (action == DOUBT_ASK)
			text_printf(&out, " %s/%s", doubt->network, doubt->container);
		if (action != DOUBT_READ_ALL)
			text_printf(&out, " %s", doubt->subject);
	}
	assert_string_equal(text_str(&out), want);
}

static void agreement_is_no_doubt(void **state)
{
	struct host host;

	(void)state;
	host_start(&host);
	plug_in(&host);
	look(&host, 0);
	assert_int_equal(host.doubts.n, 0);
	assert_int_equal(doubts_due_us(&host.doubts), PLAN_NEVER);
	doubts_done(&host.doubts);
}

/* The port comes before Docker tells of it, its MAC later still. */
static void ordinary_start_is_asked_about_once(void **state)
{
	struct host host;

	(void)state;
	host_start(&host);
	host.world.n_endpoints = 0;
	look(&host, 0);
	assert_done(&host, 0, "ask n/ veth1");
	host.world.n_endpoints = 1;
	look(&host, 3 * MS);
	assert_done(&host, 900 * MS, "");
	plug_in(&host);
	look(&host, 950 * MS);
	assert_done(&host, 5000 * MS, "");
	doubts_done(&host.doubts);
}

static void port_without_endpoint(void **state)
{
	struct host host;

	(void)state;
	host_start(&host);
	host.world.n_endpoints = 0;
	const uint64_t early[] = { 0, 10, 30, 70, 150, 310 }, late = 630 * MS;
	for (size_t i = 0; i < ARRAY_LEN(early); i++) {
		look(&host, early[i] * MS);
		assert_int_equal(doubts_due_us(&host.doubts), early[i] * MS);
		assert_done(&host, early[i] * MS, "ask n/ veth1");
	}
	assert_int_equal(doubts_due_us(&host.doubts), late);
	assert_done(&host, late, "ask n/ veth1");
	look(&host, late + MS);
	assert_done(&host, late + MS, "");
	assert_done(&host, late + DOUBT_ANSWER_US, "read");
	look(&host, late + DOUBT_ANSWER_US + MS);
	assert_done(&host, late + 2 * DOUBT_ANSWER_US, "say veth1");
	look(&host, 3600000 * MS);
	assert_done(&host, 3600000 * MS, "");
	assert_int_equal(doubts_due_us(&host.doubts), PLAN_NEVER);
	doubts_done(&host.doubts);
}

/* Docker tells of a sandbox by no event; what its port may be for is known from endpoints that were
 * told of since it came, and have none. */
static void ports_that_nobody_waits_for(void **state)
{
	struct host host;

	(void)state;
	host_start(&host);
	host.endpoint.asked = 4;
	host.ports[0].since = 5;
	look(&host, 0); /* the endpoint is older than the port: it waits for another one */
	assert_done(&host, 0, "ask n/ veth1");
	host.endpoint.asked = 6;
	look(&host, 2 * MS);
	assert_done(&host, 500 * MS, "");
	host.world.n_ports = 2;
	host.ports[1] = (struct world_port){ .ifname = "veth2", .bridge = BRIDGE, .ifindex = 2 };
	look(&host, 500 * MS); /* one waits, two have come */
	assert_done(&host, 500 * MS, "ask n/ veth2");
	host.world.n_ports = 1;
	host.ports[0].peer_mac.bytes[5] = 9;
	look(&host, 600 * MS); /* it is not that one's after all */
	assert_done(&host, 600 * MS, "ask n/ veth1");
	doubts_done(&host.doubts);
}

/* Docker 28 knows whose it is once its far end has its MAC, and tells of it too late. */
static void port_whose_far_end_is_known(void **state)
{
	struct host host;

	(void)state;
	host_start(&host);
	host.world.n_endpoints = 0;
	for (uint64_t at = 0; at < 30; at += 10) {
		look(&host, at * MS);
		assert_done(&host, at * MS, at == 20 ? "" : "ask n/ veth1");
	}
	host.ports[0].peer_mac.bytes[5] = 9;
	const uint64_t early[] = { 25, 35, 55, 95, 175, 335 };
	for (size_t i = 0; i < ARRAY_LEN(early); i++) {
		look(&host, early[i] * MS);
		assert_int_equal(doubts_due_us(&host.doubts), early[i] * MS);
		assert_done(&host, early[i] * MS, "ask n/ veth1");
	}
	look(&host, 400 * MS); /* the same */
	assert_done(&host, 600 * MS, "");
	doubts_done(&host.doubts);
}

static void endpoint_without_port(void **state)
{
	struct host host;

	(void)state;
	host_start(&host);
	host.world.n_ports = 0;
	look(&host, 0);
	assert_done(&host, DOUBT_GRACE_US, "ask n/c web");
	host.world.n_endpoints = 0; /* it has ended */
	look(&host, DOUBT_GRACE_US + MS);
	assert_int_equal(host.doubts.n, 0);
	doubts_done(&host.doubts);
}

/* Nobody need wait for an event about it. */
static void stale_word_is_asked_about_at_once(void **state)
{
	struct host host;

	(void)state;
	host_start(&host);
	host.world.n_ports = 0;
	look(&host, 0);
	host.world.n_ports = 1;
	host.assignment.stale = true;
	look(&host, 5 * MS);
	assert_done(&host, 5 * MS, "ask n/c web");
	plug_in(&host);
	host.assignment.stale = false;
	look(&host, 8 * MS);
	assert_int_equal(host.doubts.n, 0);
	doubts_done(&host.doubts);
}

/* Also after it was asked about for another reason. */
static void another_port_is_asked_about_at_once(void **state)
{
	struct host host;

	(void)state;
	host_start(&host);
	host.world.n_ports = 0;
	look(&host, 0);
	assert_done(&host, DOUBT_GRACE_US, "ask n/c web");
	host.assignment.stale = true;
	look(&host, DOUBT_GRACE_US + MS);
	assert_done(&host, DOUBT_GRACE_US + MS, "ask n/c web");
	doubts_done(&host.doubts);
}

static void container_that_is_not_listed(void **state)
{
	struct host host;

	(void)state;
	host_start(&host);
	plug_in(&host);
	host.assignment.kind = ASSIGN_UNKNOWN;
	look(&host, 0);
	assert_done(&host, DOUBT_GRACE_US, "ask n/c web");
	doubts_done(&host.doubts);
}

/* The event that told of its end is lost, or will come. */
static void network_without_bridge(void **state)
{
	struct host host;

	(void)state;
	host_start(&host);
	host.world.n_endpoints = host.world.n_ports = host.world.n_bridges = 0;
	look(&host, 0);
	assert_done(&host, DOUBT_GRACE_US - MS, "");
	assert_done(&host, DOUBT_GRACE_US, "ask n/ app");
	host.world.n_networks = 0;
	look(&host, DOUBT_GRACE_US + MS);
	assert_int_equal(host.doubts.n, 0);
	host.world.n_networks = 1;
	host.network.driver = "host"; /* has no bridge */
	look(&host, DOUBT_GRACE_US + 2 * MS);
	assert_int_equal(host.doubts.n, 0);
	doubts_done(&host.doubts);
}

/* Readings for doubts keep their distance: a build plugs in a port for each of its steps. */
static void readings_keep_their_distance(void **state)
{
	struct host host;
	unsigned int n = 0;
	const uint64_t end = 60000 * MS;

	(void)state;
	host_start(&host);
	host.world.n_endpoints = 0;
	for (uint64_t now = 0; now < end; now += 10 * MS) {
		const struct doubt *doubt;
		enum doubt_action action;
		if (now % (2000 * MS) == 0)
			host.ports[0].ifindex++; /* the next step's */
		look(&host, now);
		while ((action = doubts_next(&host.doubts, now, &doubt)) != DOUBT_WAIT)
			n += action == DOUBT_READ_ALL;
	}
	assert_in_range(n, 2, end / DOUBT_PAUSE_US + 1);
	doubts_done(&host.doubts);
}

/* What a foreign bridge carries is none of Docker's. */
static void other_bridges_are_not_looked_at(void **state)
{
	struct host host;

	(void)state;
	host_start(&host);
	plug_in(&host);
	host.ports[1] = (struct world_port){ .ifname = "tap0", .bridge = "virbr0", .ifindex = 9 };
	host.world.n_ports = 2;
	look(&host, 0);
	assert_int_equal(host.doubts.n, 0);
	doubts_done(&host.doubts);
}

static void many_doubts(void **state)
{
	struct host *host = calloc(1, sizeof(*host));

	(void)state;
	assert_non_null(host);
	host_start(host);
	host->world.n_endpoints = 0;
	host->world.n_ports = ARRAY_LEN(host->ports);
	for (uint32_t i = 0; i < ARRAY_LEN(host->ports); i++)
		host->ports[i] = (struct world_port){ .bridge = BRIDGE, .ifindex = i + 1 };
	look(host, 0);
	assert_int_equal(host->doubts.n, LIMIT_DOUBTS);
	doubts_done(&host->doubts);
	free(host);
}

static void texts(void **state)
{
	static const struct {
		enum doubt_kind kind;
		const char *text;
	} rows[] = {
		{ DOUBT_PORT, "nothing that Docker knows of explains port web of br-app" },
		{ DOUBT_ENDPOINT, "container web has no port on br-app" },
		{ DOUBT_STALE,
		  "the port of container web on br-app is not the one that Docker means: it is "
		  "younger than its word, or was another's" },
		{ DOUBT_CONTAINER, "Docker does not list container web on br-app" },
		{ DOUBT_NETWORK, "network web has no bridge: br-app is not there" },
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct doubt doubt = { .kind = rows[i].kind,
					     .noun = "container",
					     .subject = "web",
					     .bridge = BRIDGE };
		assert_string_equal(doubt_text(&doubt, arena), rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agreement_is_no_doubt),
		cmocka_unit_test(ordinary_start_is_asked_about_once),
		cmocka_unit_test(ports_that_nobody_waits_for),
		cmocka_unit_test(port_without_endpoint),
		cmocka_unit_test(port_whose_far_end_is_known),
		cmocka_unit_test(endpoint_without_port),
		cmocka_unit_test(stale_word_is_asked_about_at_once),
		cmocka_unit_test(another_port_is_asked_about_at_once),
		cmocka_unit_test(container_that_is_not_listed),
		cmocka_unit_test(network_without_bridge),
		cmocka_unit_test(readings_keep_their_distance),
		cmocka_unit_test(other_bridges_are_not_looked_at),
		cmocka_unit_test(many_doubts),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
