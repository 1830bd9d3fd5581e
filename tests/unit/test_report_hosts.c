/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The zone `hosts` in answers about all flows: one host of a group stands for it, and a plan of a
 * thousand is as long as one of three. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "core/report/survey.h"
#include "core/wire/wire.h"
#include "tests/unit/test_report_lib.h"

#define MEMBERS 300u
#define FLEET 1000u

/* ---- one stands for all of its group ---- */

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

/* Some host is this one by its address, another one is its resolver. `both` is in two tiers' worlds
 * at once, where it is published as either. */
static char *some_world(uint32_t *seed)
{
	struct text text = { 0 };

	text_add(&text, "{\"version\":1,\"networks\":["
			"{\"name\":\"front\",\"subnets\":[\"172.18.0.0/16\",\"fd18::/64\"]},"
			"{\"name\":\"back\",\"subnets\":[\"172.19.0.0/16\"]},"
			"{\"name\":\"lan\",\"driver\":\"macvlan\",\"subnets\":[\"10.0.3.0/24\"]}],"
			"\"host_addresses\":[\"10.0.0.5\"],\"resolvers\":[\"10.0.1.6\"],"
			"\"containers\":[");
	static const char *const containers[] = {
		"{\"name\":\"db\",\"labels\":{\"tier\":\"db\"},\"endpoints\":[{\"network\":"
		"\"back\",\"ipv4\":\"172.19.0.2\"}]",
		"{\"name\":\"web\",\"labels\":{\"tier\":\"web\"},\"endpoints\":[{\"network\":"
		"\"front\",\"ipv4\":\"172.18.0.2\",\"ipv6\":\"fd18::2\"}]",
		"{\"name\":\"both\",\"endpoints\":[{\"network\":\"front\",\"ipv4\":\"172.18.0.3\"},"
		"{\"network\":\"back\",\"ipv4\":\"172.19.0.3\"}]",
		"{\"name\":\"vpn\",\"labels\":{\"tier\":\"vpn\"},\"endpoints\":[{\"network\":"
		"\"front\",\"ipv4\":\"172.18.0.4\"}]",
	};
	for (size_t i = 0; i < ARRAY_LEN(containers); i++)
		text_printf(&text,
			    "%s%s,\"published\":[{\"host_ip\":\"0.0.0.0\",\"host_port\":%zu,"
			    "\"port\":\"80/tcp\"},{\"host_ip\":\"::\",\"host_port\":%zu,"
			    "\"port\":\"80/tcp\"}]}",
			    i ? "," : "", containers[i], 8080 + i, 8080 + i);
	text_add(&text, "],\"hosts\":[");
	for (unsigned i = 0; i < MEMBERS; i++) {
		uint32_t n = next_random(seed), kind = n % 8;
		text_printf(&text, "%s{\"name\":\"h%u\",\"address\":\"", i ? "," : "", i);
		if (kind < 5)
			text_printf(&text, "10.0.%u.%u\"}", n / 8 % 4, i % 16);
		else if (kind == 5)
			text_printf(&text, "192.0.2.%u\"}", n / 8 % 8);
		else
			text_printf(&text, "%s::%x\"}", kind == 6 ? "fd00" : "2001:db8", n / 8 % 8);
	}
	text_add(&text, "]}");
	return text_take(&text);
}

static char *some_policy(uint32_t *seed)
{
	static const char *const outside[] = {
		"hosts",       "hosts",	   "lan",	    "internet",	       "10.0.0.0/16",
		"10.0.1.0/24", "10.0.0.7", "192.0.2.0/30",  "192.0.2.0/24",    "10.0.2.0/29",
		"world",       "dns",	   "2001:db8::/64", "2001:db8::3/128", "fd00::/125",
	};
	static const char *const tiers[] = { "web", "db", "front", "back", "vpn" };
	static const char *const ports[] = { "80/tcp", "80-90/tcp", "53/udp", "443/tcp" };
	struct text text = { 0 };

	text_add(&text, "version: 1\ntiers:\n"
			"  web: {match: [{label: {tier: web}}]}\n"
			"  db: {match: [{label: {tier: db}}]}\n"
			"  front: {match: [{network: front}]}\n"
			"  back: {match: [{network: back}]}\n");
	text_printf(&text, "  vpn: {match: [{label: {tier: vpn}}]%s}\n",
		    next_random(seed) % 2 ? ", speaks_for: [10.0.2.0/28, 10.0.1.3]" : "");
	for (unsigned section = 0; section < 2; section++) {
		text_add(&text, section ? "allow:\n  - {from: hosts, to: web, ports: [80/tcp]}\n"
					: "deny:\n");
		for (unsigned i = 0; i < (section ? 6 : 3); i++) {
			const char *out = outside[next_random(seed) % ARRAY_LEN(outside)];
			const char *tier = tiers[next_random(seed) % ARRAY_LEN(tiers)];
			bool in = next_random(seed) % 2 && strcmp(out, "dns") != 0;
			text_printf(&text, "  - {from: %s, to: %s, ports: [%s]}\n", in ? out : tier,
				    in ? tier : out, ports[next_random(seed) % ARRAY_LEN(ports)]);
		}
	}
	return text_take(&text);
}

struct comparing {
	struct survey survey;
	struct arena *arena;
	size_t n; /* flows of which two were compared */
};

static struct sim_result ask(struct comparing *c, size_t input, const struct sim_flow *flow)
{
	const struct report_input *in = c->survey.in[input];
	const struct sim_host host = { in->world, in->policy, in->compiled, false };
	struct sim_result result;

	assert_int_equal(sim_flow(&host, flow, c->arena, &result), 0);
	return result;
}

static void compare(struct comparing *c, uint32_t endpoint, const struct world_member *one,
		    const struct world_member *other, bool is_source)
{
	static const struct port_range asked[] = {
		{ PROTO_TCP, 80, 80 },	 { PROTO_TCP, 85, 85 }, { PROTO_UDP, 53, 53 },
		{ PROTO_TCP, 443, 443 }, { PROTO_TCP, 22, 22 },
	};
	struct sim_end here = { .kind = SIM_ENDPOINT, .endpoint = endpoint };

	for (size_t i = 0; i < ARRAY_LEN(asked) * c->survey.n_inputs; i++) {
		const struct port_range *port = &asked[i / c->survey.n_inputs];
		struct sim_flow flow = { .family = (enum ip_family)one->addr.family,
					 .proto = (enum ip_proto)port->proto,
					 .port = port->lo };
		struct sim_end *there = is_source ? &flow.from : &flow.to;
		*(is_source ? &flow.to : &flow.from) = here;
		*there = (struct sim_end){ .kind = SIM_ADDRESS, .addr = one->addr };
		struct sim_result a = ask(c, i % c->survey.n_inputs, &flow);
		there->addr = other->addr;
		struct sim_result b = ask(c, i % c->survey.n_inputs, &flow);
		c->n++;
		if (a.allowed != b.allowed || a.audited != b.audited || a.by != b.by ||
		    a.policy_rule != b.policy_rule)
			fail_msg("%s is not as %s (%s endpoint %u, port %u): %s; %s", one->host,
				 other->host, is_source ? "to" : "from", endpoint, port->lo,
				 a.reason, b.reason);
	}
}

/* Each address of the group with the one that stands for it. */
static void compare_group(struct comparing *c, uint32_t endpoint,
			  const struct survey_host_groups *groups, size_t group, bool is_source)
{
	const struct survey *survey = &c->survey;
	const struct world_member *hosts = survey->in[0]->compiled->hosts;
	struct survey_end end = survey_host_group_end(survey, groups, group);

	for (uint32_t k = 0; k < groups->items[group].n; k++) {
		const struct survey_host_kind *kind =
			&survey->host_kinds[groups->kinds[groups->items[group].first + k]];
		for (uint32_t i = 0; i < kind->n; i++)
			compare(c, endpoint, &hosts[survey->hosts_by_kind[kind->first + i]],
				&hosts[end.index - 1], is_source);
	}
}

static size_t count_addresses(const struct survey *survey, const struct survey_host_groups *groups)
{
	size_t n = 0;

	for (size_t i = 0; i < groups->n; i++)
		for (uint32_t k = 0; k < groups->items[i].n; k++)
			n += survey->host_kinds[groups->kinds[groups->items[i].first + k]].n;
	return n;
}

static void compare_policies(uint32_t *seed, size_t *ret_groups)
{
	struct comparing c = { .arena = arena_new() };
	CLEANUP(free_ptr)
	char *old = some_policy(seed), *new = some_policy(seed), *json = some_world(seed);
	const struct policy *policies[] = { parse_policy(old, c.arena),
					    parse_policy(new, c.arena) };
	struct report_input in[2];
	const struct report_input *inputs[] = { &in[0], &in[1] };

	assert_int_equal(report_prepare(policies, 2, parse_world(json, c.arena), NOW, c.arena, in),
			 0);
	assert_int_equal(survey_init(&c.survey, inputs, 2, c.arena), 0);
	for (uint32_t e = 0; e < in[0].world->n_endpoints; e++) {
		uint32_t class = c.survey.class_of[e];
		if (class == SURVEY_NONE)
			continue;
		const struct survey_host_groups *both[] = {
			&c.survey.classes[class].host_sources,
			&c.survey.classes[class].host_destinations
		};
		for (size_t way = 0; way < 2; way++) {
			if (both[way]->n > 0)
				assert_int_equal(count_addresses(&c.survey, both[way]),
						 in[0].compiled->n_hosts);
			for (size_t g = 0; g < both[way]->n; g++)
				compare_group(&c, e, both[way], g, way == 0);
			*ret_groups += both[way]->n;
		}
	}
	assert_true(c.n > 1000);
	arena_free(c.arena);
}

static void one_stands_for_all_of_its_group(void **state)
{
	uint32_t seed = 1;
	size_t n_groups = 0;

	(void)state;
	for (unsigned i = 0; i < 30; i++)
		compare_policies(&seed, &n_groups);
	/* The control: there were groups to tell apart. */
	assert_true(n_groups > 30 * 4);
}

/* ---- a plan of many ---- */

static char *fleet_world(unsigned n)
{
	struct text text = { 0 };

	text_add(&text, "{\"version\":1,\"networks\":[{\"name\":\"front\",\"subnets\":"
			"[\"172.18.0.0/16\"]}],\"containers\":[{\"name\":\"db\",\"endpoints\":["
			"{\"network\":\"front\",\"ipv4\":\"172.18.0.2\"}],\"published\":["
			"{\"host_ip\":\"0.0.0.0\",\"host_port\":5432,\"port\":\"5432/tcp\"}]}],"
			"\"hosts\":[");
	for (unsigned i = 0; i < n; i++)
		text_printf(&text, "%s{\"name\":\"h%04u\",\"address\":\"10.0.%u.%u\"}",
			    i ? "," : "", i, i / 250, i % 250 + 1);
	text_add(&text, "]}");
	return text_take(&text);
}

#define TIER "version: 1\ntiers:\n  db: {match: [{network: front}]}\n"

/* The plan between a policy with some rules and one with others, for a fleet of @n others. */
static cJSON *plan_of(const char *old, const char *new, unsigned n)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(free_ptr) char *json = fleet_world(n);
	const struct policy *policies[] = { parse_policy(old, arena), parse_policy(new, arena) };
	struct report_input in[2];
	cJSON *plan = NULL;
	bool changed;

	assert_int_equal(report_prepare(policies, 2, parse_world(json, arena), NOW, arena, in), 0);
	assert_int_equal(report_plan(&in[0], &in[1], &plan, &changed), 0);
	return plan;
}

static const char *name_in(const cJSON *plan, const char *list, int i, const char *member)
{
	const cJSON *item = cJSON_GetArrayItem(wire_array(plan, list), i);
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, member));

	return name ? name : "(none)";
}

static void many_are_as_few(void **state)
{
	static const char old[] = TIER,
			  new[] = TIER
			  "deny:\n  - {from: 10.0.1.0/28, to: db}\n  - {from: 10.0.2.7, to: db}\n"
			  "allow:\n  - {from: hosts, to: db, ports: [5432/tcp]}\n"
			  "  - {from: db, to: hosts, ports: [53/udp]}\n";

	(void)state;
	cJSON *plan = plan_of(old, new, FLEET);
	assert_int_equal(cJSON_GetArraySize(wire_array(plan, "gained")), 2);
	assert_string_equal(name_in(plan, "gained", 0, "from"),
			    "hosts (h0000, h0001, h0002, h0003, h0004, h0005, h0006, h0007 and 976 "
			    "more)");
	assert_string_equal(name_in(plan, "gained", 1, "to"), "hosts");
	cJSON_Delete(plan);
	plan = plan_of(new, old, FLEET);
	assert_int_equal(cJSON_GetArraySize(wire_array(plan, "lost")), 2);
	cJSON_Delete(plan);
	/* Nobody is told apart that no rule tells apart. */
	plan = plan_of(old, new, 250);
	assert_string_equal(name_in(plan, "gained", 0, "from"), "hosts");
	cJSON_Delete(plan);
}

/* Of a policy that names each of them there is as much to tell as it says, and no more is asked. */
static void rules_of_others_cost_nothing(void **state)
{
	CLEANUP(text_done) struct text text = { 0 };

	(void)state;
	text_add(&text, TIER "  other: {match: [{label: {tier: other}}]}\nallow:\n"
			     "  - {from: hosts, to: db, ports: [5432/tcp]}\n");
	for (unsigned i = 0; i < FLEET; i++)
		text_printf(&text, "  - {from: 10.0.%u.%u, to: other, ports: [%u/tcp]}\n", i / 250,
			    i % 250 + 1, i + 1);
	cJSON *plan = plan_of(TIER, text_str(&text), FLEET);
	assert_int_equal(cJSON_GetArraySize(wire_array(plan, "gained")), 1);
	assert_string_equal(name_in(plan, "gained", 0, "from"), "hosts");
	cJSON_Delete(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_stands_for_all_of_its_group),
		cmocka_unit_test(many_are_as_few),
		cmocka_unit_test(rules_of_others_cost_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
