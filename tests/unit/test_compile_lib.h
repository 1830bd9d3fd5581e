/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host and a policy, compiled, for the tests of core/compile. The host has web-1 and web-2, app,
 * db, stray (in no tier), both (in two) and gamer (on macvlan), on the networks front, back
 * (internal) and lanparty; tiers are web, app and db. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/compile/compile.h"
#include "core/report/report.h"
#include "core/simulate/simulate.h"

#define STAMP 0x80000002u
#define NOW 1767225600 /* 2026-01-01T00:00:00Z */

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
	"],\"resolvers\":[\"10.0.0.53\"],\"hosts\":["
	"{\"name\":\"beta\",\"address\":\"192.0.2.7\"},{\"name\":\"beta\",\"address\":\"2001:db8::"
	"7\"},"
	"{\"name\":\"evil\",\"address\":\"172.18.0.9\"},{\"name\":\"evil\",\"address\":\"127.0.0."
	"1\"},"
	"{\"name\":\"evil\",\"address\":\"169.254.169.254\"},{\"name\":\"evil\",\"address\":\"fe80:"
	":1\"}]}";

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

/* Its policy for its world. */
static inline void fixture_compile(struct fixture *f)
{
	const char *why = NULL;
	struct compile_input in = { .policy = f->policy,
				    .world = f->world,
				    .mark_bit = COMPILE_MARK_BIT,
				    .stamp = STAMP,
				    .log_group = COMPILE_LOG_GROUP,
				    .now = NOW };
	if (compile_ruleset(&in, f->arena, &f->compiled, &why) != 0)
		fail_msg("compile: %s", why ? why : "?");
}

/* A policy of the tiers and @rules for the @host. The caller frees f->arena. */
static inline void fixture_make_for(struct fixture *f, const char *host, const char *tiers,
				    const char *rules)
{
	char text[4096];
	struct diag_list diags;
	const struct world *bare;
	const char *error = NULL;

	(void)snprintf(text, sizeof(text), "version: 1\n%s%s", tiers, rules);
	struct policy_source source = { "p.yaml", text, strlen(text) };
	f->arena = arena_new();
	diag_init(&diags, f->arena);
	if (policy_parse(&source, 1, f->arena, &diags, &f->policy) != 0)
		fail_msg("policy: %s", diags.diags.items[0].text);
	if (world_parse_inventory(host, strlen(host), f->arena, &bare, &error) != 0)
		fail_msg("inventory: %s", error);
	assert_int_equal(report_complete_world(bare, f->arena, &f->world), 0);
	fixture_compile(f);
}

static inline void fixture_make_with(struct fixture *f, const char *tiers, const char *rules)
{
	fixture_make_for(f, inventory, tiers, rules);
}

static inline void fixture_make(struct fixture *f, const char *rules)
{
	fixture_make_with(f, TIERS, rules);
}

/* "web-1" or "app@back": the container's endpoint of that family; "host"; an address. */
static inline struct sim_end parse_end(const struct fixture *f, const char *text)
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

/* ---- one hook ---- */

static inline bool hook_passes(const struct fixture *f, enum rs_family family, enum rs_hook hook,
			       struct sim_packet *packet)
{
	sim_trace trace = { 0 };
	bool accepted;

	assert_int_equal(sim_run_hook(f->compiled.ruleset, family, hook, packet, f->arena, &trace,
				      &accepted),
			 0);
	return accepted;
}

static inline void set_ifname(struct sim_packet *packet, enum rs_field field, const char *name)
{
	char padded[WORLD_IFNAME_LEN] = { 0 };

	(void)snprintf(padded, sizeof(padded), "%s", name);
	sim_packet_set(packet, field, padded);
}
