/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A container that publishes comes, goes or changes: what is made anew then is what the whole
 * compilation makes, and the rest is reused wherever again.h says so. Each row is what random
 * events (test_again.c) seldom make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/diag.h"
#include "core/compile/again.h"
#include "core/world/store.h"
#include "tests/unit/test_again_places.h"

static const char policy[] =
	"version: 1\ntiers:\n  a: {match: [{network: net0}]}\n  b: {match: [{network: net1}]}\n"
	"allow:\n  - {from: internet, to: [a, b], ports: [80/tcp, 8080/tcp]}\n"
	"deny:\n  - {from: a, to: b, ports: [8003/tcp]}\n";

/* Container @c on net0 or net1, which are tiers, or on net2, where it is in none. */
#define ON(c, net, published)                                                                \
	"{\"id\":\"" c "\",\"name\":\"c" c "\",\"image\":\"x\",\"labels\":{},\"endpoints\":" \
	"[{\"network\":\"net" net "\",\"ipv4\":\"10.64." net "." c "\",\"mac\":"             \
	"\"02:42:0a:40:0" net ":" c "\"}],\"published\":[" published "]}"
#define AT(ip, host, port) \
	"{\"host_ip\":\"" ip "\",\"host_port\":" host ",\"port\":\"" port "/tcp\"}"
#define ANY(host, port) AT("0.0.0.0", host, port)

struct row {
	const char *name;
	const char *steps[3]; /* the containers that are there; the last one: or NULL */
	bool routed;	      /* net0 is */
	bool whole;	      /* the second step is compiled as a whole */
};

static const struct row rows[] = {
	{ .name = "one more of a chain",
	  .steps = { ON("11", "0", ANY("8011", "80")),
		     ON("11", "0", ANY("8011", "80")) "," ON("12", "0", ANY("8012", "80")),
		     ON("12", "0", ANY("8012", "80")) } },
	{ .name = "the first one, and the last one",
	  .steps = { ON("11", "0", ""), ON("11", "0", "") "," ON("12", "1", ANY("8012", "80")),
		     ON("11", "0", "") } },
	{ .name = "a neighbour, which is in the name of the chain",
	  .steps = { ON("11", "1", ANY("9000", "8000")),
		     ON("11", "1", ANY("9000", "8000")) "," ON("12", "1", ANY("9001", "8001")),
		     ON("12", "1", ANY("9001", "8001")) } },
	{ .name = "a neighbour that a rule tells apart",
	  .steps = { ON("11", "1", ANY("9002", "8002")),
		     ON("11", "1", ANY("9002", "8002")) "," ON("12", "1", ANY("9003", "8003")),
		     ON("12", "1", ANY("9003", "8003")) } },
	{ .name = "another port of the host",
	  .steps = { ON("11", "0", ANY("8011", "80")), ON("11", "0", ANY("8111", "80")),
		     ON("11", "0", AT("192.0.2.1", "8111", "80")) } },
	{ .name = "none any more",
	  .steps = { ON("11", "0", ANY("8011", "80")), ON("11", "0", ""),
		     ON("11", "0", ANY("8011", "80")) } },
	{ .name = "IPv6 alone",
	  .steps = { ON("11", "0", AT("fd00:9::1", "80", "80")),
		     ON("11", "0", AT("::", "80", "80")),
		     ON("11", "0", AT("fd00:9::2", "80", "80")) } },
	{ .name = "closed, the only one with its reason, and gone",
	  .steps = { ON("11", "0", ANY("8011", "80")),
		     ON("11", "0", ANY("8011", "80")) "," ON("12", "2", ANY("8012", "80")),
		     ON("11", "0", ANY("8011", "80")) } },
	{ .name = "the port of the host is another one's",
	  .steps = { ON("11", "0", ANY("80", "80")) "," ON("13", "0", ANY("81", "8080")),
		     ON("11", "0", ANY("80", "80")) "," ON("12", "0", ANY("80", "8080")) "," ON(
			     "13", "0", ANY("81", "8080")),
		     ON("12", "0", ANY("80", "8080")) "," ON("13", "0", ANY("81", "8080")) } },
	{ .name = "two come with one port of the host",
	  .steps = { ON("11", "0", ANY("81", "80")),
		     ON("11", "0", ANY("81", "80")) "," ON("12", "0", ANY("80", "80")) "," ON(
			     "13", "0", ANY("80", "80")),
		     ON("11", "0", ANY("81", "80")) "," ON("13", "0", ANY("80", "80")) } },
	{ .name = "beside a routed network",
	  .steps = { ON("11", "0", "") "," ON("13", "1", ANY("8013", "80")),
		     ON("11", "0", "") "," ON("12", "1", ANY("8012", "80")) "," ON(
			     "13", "1", ANY("8013", "80")) },
	  .routed = true },
	{ .name = "opened at its own address",
	  .steps = { ON("11", "0", "") "," ON("13", "1", ANY("8013", "80")),
		     ON("11", "0", "") "," ON("12", "0", ANY("8012", "80")) "," ON(
			     "13", "1", ANY("8013", "80")) },
	  .routed = true,
	  .whole = true },
};

struct host {
	struct world_store *store;
	struct arena *arena; /* of the policy, and of all steps */
	struct compile_input in[3];
	struct compile_result made[3];
	size_t n;
};

static void tell(struct host *host, const char *containers, bool routed)
{
	CLEANUP(text_done) struct text json = { 0 };
	const struct world *world;
	const char *error = "";

	text_add(&json, "{\"version\":1,\"networks\":[");
	for (unsigned int n = 0; n < 3; n++)
		text_printf(&json,
			    "%s{\"id\":\"n%u\",\"name\":\"net%u\",\"driver\":\"bridge\",\"bridge\":"
			    "\"br%u\",%s\"subnets\":[\"10.64.%u.0/24\"]}",
			    n ? "," : "", n, n, n,
			    n == 0 && routed ? "\"gateway_mode_ipv4\":\"routed\"," : "", n);
	text_printf(&json, "],\"containers\":[%s]}", containers);
	if (world_parse_inventory(text_str(&json), json.len, host->arena, &world, &error) != 0)
		fail_msg("%s: %s", error, text_str(&json));
	assert_int_equal(world_store_load(host->store, world), 0);
}

static void check(const struct compile_input *in, const struct compile_output *made)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct text texts[2] = { 0 };
	struct compile_output whole;
	const char *why;

	assert_int_equal(compile_ruleset(in, arena, &whole, &why), 0);
	ruleset_print(whole.ruleset, &texts[0]);
	ruleset_print(made->ruleset, &texts[1]);
	assert_string_equal(text_str(&texts[0]), text_str(&texts[1]));
	assert_true(ruleset_equal(whole.ruleset, made->ruleset));
	check_places(made->ruleset);
	assert_int_equal(whole.n_denials, made->n_denials);
	text_done(&texts[0]);
	text_done(&texts[1]);
}

/* Whether what was made before was reused. */
static bool step(struct host *host, const struct policy *parsed, const char *containers,
		 bool routed)
{
	struct compile_input *in = &host->in[host->n];
	struct compile_result *made = &host->made[host->n];
	const struct compile_before before = { in - 1, &made[-1].output, made[-1].base };
	const struct world *world;
	const char *why;

	tell(host, containers, routed);
	assert_int_equal(world_store_snapshot(host->store, host->arena, &world), 0);
	*in = (struct compile_input){ .policy = parsed,
				      .world = world,
				      .stamp = 0x80000000u,
				      .mark_bit = COMPILE_MARK_BIT,
				      .log_group = COMPILE_LOG_GROUP };
	assert_int_equal(compile_again(in, host->n ? &before : NULL, host->arena, made, &why), 0);
	check(in, &made->output);
	host->n++;
	return made->reused;
}

static void is_what_the_whole_makes(void **state)
{
	const struct row *row = *state;
	struct host host = { .store = world_store_new(), .arena = arena_new() };
	struct diag_list diags = { .arena = host.arena };
	const struct policy_source source = { "p.yaml", policy, strlen(policy) };
	const struct policy *parsed;

	assert_int_equal(policy_parse(&source, 1, host.arena, &diags, &parsed), 0);
	(void)step(&host, parsed, row->steps[0], row->routed);
	assert_int_equal(step(&host, parsed, row->steps[1], row->routed), !row->whole);
	if (row->steps[2])
		assert_true(step(&host, parsed, row->steps[2], row->routed));
	(void)arena_free(host.arena);
	(void)world_store_free(host.store);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows)];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].name,
						.test_func = is_what_the_whole_makes,
						.initial_state = (void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
