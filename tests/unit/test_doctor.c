/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/report/doctor: each fact alone leads to its finding; notes are no findings; what Docker says
 * of a container becomes traits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/report/dns.h"
#include "core/report/doctor.h"
#include "core/world/world-store.h"
#include "tests/unit/test_rows_lib.h"

static const char *const interfaces[] = { "br-1" };

#define GOOD .forwarding = { DOCTOR_YES, DOCTOR_YES }, .forward_accepts = { DOCTOR_NO, DOCTOR_NO }

struct row {
	const char *name;
	struct doctor_facts facts;
	const char *ids; /* in order, with a space behind each */
	size_t found;
};

static const struct row rows[] = {
	{ "nothing", { .host = { GOOD } }, "", 0 },
	{ "nothing known", { .host = { .userland_proxy = false } }, "", 0 },
	{ "rootless", { .host = { GOOD }, .rootless = true }, "rootless-engine ", 1 },
	{ "podman", { .host = { GOOD }, .foreign_engine = "x" }, "foreign-engine ", 1 },
	{ "kernel", { .host = { GOOD }, .kernel_error = "no" }, "kernel ", 1 },
	{ "bridges",
	  { .host = { GOOD },
	    .bridges = (const struct doctor_bridge[]){ { "br-1", true }, { "br0", false } },
	    .n_bridges = 2 },
	  "bridge-closed bridge-shared ",
	  2 },
	{ "speaks for others",
	  { .host = { GOOD },
	    .speakers = (const struct doctor_speaker[]){ { "wg", "10.8.0.0/24" } },
	    .n_speakers = 1 },
	  "speaks-for ",
	  0 },
	{ "needs nf, absent", { .lacks_bridge_nf = true }, "bridge-nf ", 1 },
	{ "facts disagree", { .facts_disagree = true }, "disagreement ", 1 },
	{ "flush", { .host = { GOOD, .nftables_flushes = true } }, "flush-ruleset ", 1 },
	{ "flush, owned",
	  { .host = { GOOD, .nftables_flushes = true }, .owns_tables = DOCTOR_YES },
	  "flush-ruleset-owned ",
	  0 },
	{ "not owned", { .owns_tables = DOCTOR_NO }, "tables-not-owned ", 0 },
	{ "no security marks", { .host = { GOOD }, .has_secmark = DOCTOR_NO }, "no-secmark ", 0 },
	{ "security marks of others",
	  { .host = { GOOD }, .has_secmark = DOCTOR_YES, .secmark_user = "table ip mangle" },
	  "secmark-in-use ",
	  0 },
	{ "dns", { .host = { GOOD, .dns_is_loopback = true } }, "dns-loopback ", 1 },
	{ "dns, set for Docker",
	  { .host = { GOOD, .dns_is_loopback = true, .docker_sets_dns = true } },
	  "",
	  0 },
	{ "firewalld", { .host = { GOOD, .firewalld = true } }, "firewalld ", 0 },
	{ "ufw", { .host = { GOOD, .ufw = true } }, "ufw ", 0 },
	{ "forward accept",
	  { .host = { .forwarding = { DOCTOR_YES }, .forward_accepts = { DOCTOR_YES } } },
	  "forward-accept ",
	  0 },
	{ "accept, but no forwarding",
	  { .host = { .forwarding = { DOCTOR_NO }, .forward_accepts = { DOCTOR_YES } } },
	  "no-forwarding ",
	  0 },
	{ "netd in group docker",
	  { .host = { GOOD, .netd_has_docker = true } },
	  "docker-group ",
	  1 },
	{ "Docker without iptables",
	  { .host = { GOOD, .docker_filters_nothing = true } },
	  "docker-iptables-off ",
	  1 },
	{ "a saved ruleset",
	  { .host = { GOOD, .nft_files = interfaces, .n_nft_files = 1 } },
	  "saved-tables ",
	  1 },
	{ "a saved ruleset, and tables that are not owned",
	  { .host = { GOOD, .nft_files = interfaces, .n_nft_files = 1 }, .owns_tables = DOCTOR_NO },
	  "saved-tables-unprotected tables-not-owned ",
	  1 },
	{ "route_localnet with the proxy",
	  { .host = { GOOD, .localnet = interfaces, .n_localnet = 1, .userland_proxy = true } },
	  "userland-proxy route-localnet ",
	  1 },
	{ "route_localnet without",
	  { .host = { GOOD, .localnet = interfaces, .n_localnet = 1 } },
	  "route-localnet-docker ",
	  0 },
};

static void check_row(void **state)
{
	const struct row *row = *state;
	const cJSON *item;
	cJSON *json = NULL;
	char ids[256] = "";
	size_t found = 99;

	assert_int_equal(report_doctor(&row->facts, &json, &found), 0);
	cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "findings")) {
		const char *id = cJSON_GetStringValue(cJSON_GetObjectItem(item, "id"));
		size_t len = strlen(ids);
		(void)snprintf(ids + len, sizeof(ids) - len, "%s ", id);
		assert_true(*cJSON_GetStringValue(cJSON_GetObjectItem(item, "remedy")));
	}
	assert_string_equal(ids, row->ids);
	assert_int_equal(found, row->found);
	cJSON_Delete(json);
}

/* ---- what Docker says ---- */

static const struct {
	const char *inspect; /* members of HostConfig, and Mounts */
	uint32_t traits;
} inspects[] = {
	{ "{}, \"Mounts\":[]", 0 },
	{ "{\"Privileged\":true}", WORLD_PRIVILEGED },
	{ "{\"PidMode\":\"host\"}", WORLD_HOST_PID },
	{ "{\"PidMode\":\"container:x\"}", 0 },
	{ "{\"NetworkMode\":\"host\"}", WORLD_HOST_NETWORK },
	{ "{\"CapAdd\":[\"NET_ADMIN\",\"NET_RAW\"]}", WORLD_CAP_NET_ADMIN },
	{ "{\"CapAdd\":[\"CAP_SYS_ADMIN\"]}", WORLD_CAP_SYS_ADMIN },
	{ "{\"CapAdd\":[\"ALL\"]}",
	  WORLD_CAP_NET_ADMIN | WORLD_CAP_SYS_ADMIN | WORLD_CAP_SYS_MODULE | WORLD_CAP_SYS_PTRACE |
		  WORLD_CAP_SYS_RAWIO | WORLD_CAP_DAC_READ_SEARCH | WORLD_CAP_BPF },
	{ "{\"CapAdd\":null,\"PidMode\":7}", 0 },
	{ "{}, \"Mounts\":[{\"Source\":\"/srv\"},{\"Source\":\"/var/run/docker.sock\"}]",
	  WORLD_DOCKER_SOCKET },
	{ "{}, \"Mounts\":[{\"Source\":\"/\"}]", WORLD_DOCKER_SOCKET },
	{ "{}, \"Mounts\":[{\"Name\":\"volume\"}, 3]", 0 },
};

static const char listed[] = "[{\"Id\":\"abcdef\",\"Names\":[\"/web\"],\"State\":\"running\","
			     "\"HostConfig\":{\"NetworkMode\":\"default\"}}]";

/* What cannot be understood is closed, named, and counts. */
static void tells_flaws(void **state)
{
	const struct world_network networks[] = {
		{ .id = "1", .name = "fine", .driver = "bridge" },
		{ .id = "2", .name = "odd", .driver = "bridge", .flaw = "its name is too long" }
	};
	const struct world_container container = { .id = "3", .name = "c", .flaw = "why" };
	const struct world world = { .networks = networks,
				     .n_networks = 2,
				     .containers = &container,
				     .n_containers = 1,
				     .n_nameless = 7,
				     .nameless = "not JSON" };
	const struct doctor_facts facts = { .host = { GOOD }, .world = &world };
	static const char *const want[] = {
		"is closed, as what Docker says of it cannot be used: its name is too long",
		"is closed, as what Docker says of it cannot be used: why",
		"without an id are closed, as what Docker says of them cannot be used: not JSON",
	};
	const cJSON *item;
	cJSON *json = NULL;
	size_t found = 0, n = 0;

	(void)state;
	assert_int_equal(report_doctor(&facts, &json, &found), 0);
	assert_int_equal(found, ARRAY_LEN(want));
	cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "findings"))
		assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(item, "text")),
				    want[n++]);
	cJSON_Delete(json);
}

/* By version, network and resolver; measured with each of these engines. */
static void knows_who_asks(void **state)
{
	static const struct {
		const char *engine, *resolver;
		bool v6, leaks;
	} ways[] = {
		{ "20.10.24", "192.0.2.9", false, false },
		{ "20.10.24", "127.0.0.53", true, true },
		{ "20.10.24", "2001:db8::9", false, false },
		{ "26.1.5", "192.0.2.9", false, false },
		{ "26.1.5", "2001:db8::9", false, true },
		{ "26.1.5", "2001:db8::9", true, false },
		{ "26.1.5", "::1", true, true },
		{ "28.5.2", "192.0.2.9", false, true },
		{ "28.5.2", "2001:db8::9", true, true },
		{ "29.0.0-rc.1", "192.0.2.9", true, true },
		{ NULL, "192.0.2.9", false, true },
		{ "dev", "192.0.2.9", false, true },
	};
	struct ip_prefix subnet;

	(void)state;
	assert_int_equal(ip_prefix_parse("fd00::/64", &subnet), 0);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct world_network network = { .name = "n",
						 .driver = "bridge",
						 .bridge = "br-1",
						 .subnets = &subnet,
						 .n_subnets = ways[i].v6 };
		struct ip_addr resolver;
		assert_int_equal(ip_parse(ways[i].resolver, &resolver), 0);
		const struct world world = { .networks = &network,
					     .n_networks = 1,
					     .engine = ways[i].engine };
		assert_int_equal(report_dns_leaks(&world, &network, &resolver), ways[i].leaks);
		struct doctor_facts facts = { .host = { GOOD, .n_resolvers = 1 }, .world = &world };
		facts.host.resolvers[0] = resolver;
		cJSON *json = NULL;
		size_t found = 0;
		assert_int_equal(report_doctor(&facts, &json, &found), 0);
		assert_int_equal(found, ways[i].leaks);
		cJSON_Delete(json);
		network.name = "bridge"; /* the default one has no such server */
		assert_false(report_dns_leaks(&world, &network, &resolver));
	}
}

/* From Docker 26 on nobody is asked for a container that is on internal networks alone; before,
 * resolvers on loopback are. */
static void of_internal_networks_whoever_is_elsewhere_asks(void **state)
{
	static const struct {
		const char *engine, *resolver;
		bool alone, both; /* leaks */
	} ways[] = {
		{ "20.10.24", "127.0.0.53", true, true }, { "26.1.5", "127.0.0.53", false, true },
		{ "26.1.5", "2001:db8::9", false, true }, { "28.5.2", "192.0.2.9", false, true },
		{ NULL, "192.0.2.9", true, true }, /* not known: said */
	};
	const struct world_network networks[] = {
		{ .name = "inner", .driver = "bridge", .bridge = "br-1", .internal = true },
		{ .name = "outer", .driver = "bridge", .bridge = "br-2" },
	};
	const struct world_container container = { .name = "c" };
	const struct world_endpoint ends[] = { { .network = 0 }, { .network = 1 } };

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(ways); i++) {
		bool both = i % 2, leaks = both ? ways[i / 2].both : ways[i / 2].alone;
		struct ip_addr resolver;
		assert_int_equal(ip_parse(ways[i / 2].resolver, &resolver), 0);
		const struct world world = { .networks = networks,
					     .n_networks = ARRAY_LEN(networks),
					     .containers = &container,
					     .n_containers = 1,
					     .endpoints = ends,
					     .n_endpoints = 1 + both,
					     .resolvers = &resolver,
					     .n_resolvers = 1,
					     .engine = ways[i / 2].engine };
		assert_int_equal(report_dns_leaks_from(&world, &ends[0]), leaks);
		assert_int_equal(report_dns_leaks_on(&world, &networks[0], &resolver), leaks);
	}
}

static void traits_come_from_inspect(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(inspects); i++) {
		struct world_store *store = world_store_new();
		struct arena *arena = arena_new();
		const struct world *world = NULL;
		const char *error = NULL;
		char json[512];
		(void)snprintf(json, sizeof(json), "{\"Id\":\"abcdef\",\"HostConfig\":%s}",
			       inspects[i].inspect);
		assert_int_equal(world_store_set_containers(store, listed, strlen(listed), &error),
				 0);
		assert_int_equal(world_store_put_inspect(store, json, strlen(json), &error), 0);
		/* The list again: what is fixed at the creation stays known. */
		assert_int_equal(world_store_put_containers(store, listed, strlen(listed), &error),
				 0);
		assert_int_equal(world_store_snapshot(store, arena, &world), 0);
		assert_true(world->containers[0].inspected);
		assert_int_equal(world->containers[0].traits, inspects[i].traits);
		assert_int_equal(world_store_port_changes(store), 0);
		(void)arena_free(arena);
		(void)world_store_free(store);
	}
}

/* The inventory carries them, and an empty list is not the same as none. */
static void traits_survive_the_inventory(void **state)
{
	static const char *const texts[] = {
		"\"traits\": [\"privileged\", \"host-network\", \"cap-bpf\"]",
		"\"traits\": []",
	};
	(void)state;
	for (size_t i = 0; i <= ARRAY_LEN(texts); i++) {
		struct arena *arena = arena_new();
		const struct world *world = NULL;
		const char *error = NULL;
		char json[256];
		(void)snprintf(
			json, sizeof(json), "{\"version\":1,\"containers\":[{\"name\":\"a\"%s%s}]}",
			i < ARRAY_LEN(texts) ? "," : "", i < ARRAY_LEN(texts) ? texts[i] : "");
		assert_int_equal(world_parse_inventory(json, strlen(json), arena, &world, &error),
				 0);
		char *printed = world_print_inventory(world);
		if (i < ARRAY_LEN(texts))
			assert_non_null(strstr(printed, texts[i]));
		else
			assert_null(strstr(printed, "traits"));
		free(printed);
		(void)arena_free(arena);
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + 5] = {
		cmocka_unit_test(traits_come_from_inspect),
		cmocka_unit_test(traits_survive_the_inventory),
		cmocka_unit_test(tells_flaws),
		cmocka_unit_test(knows_who_asks),
		cmocka_unit_test(of_internal_networks_whoever_is_elsewhere_asks),
	};

	ADD_ROWS(tests, 5, rows, check_row);
	return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
