/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A compilation that reuses the one before it makes what the whole one makes: random sequences of
 * what happens on a host. */
#include "core/base/text.h"
#include "tests/unit/test_again_lib.h"
#include "tests/unit/test_again_places.h"

enum { STEPS = 1600 };

struct made {
	struct arena *arena, *base;
	struct compile_input in;
	struct world_held held;
	struct compile_output output;
};

static void check(const struct made *made)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct compile_output whole;
	struct text texts[2] = { 0 };
	const char *why;

	assert_int_equal(compile_ruleset(&made->in, arena, &whole, &why), 0);
	assert_true(ruleset_equal(whole.ruleset, made->output.ruleset));
	check_places(made->output.ruleset);
	ruleset_print(whole.ruleset, &texts[0]);
	ruleset_print(made->output.ruleset, &texts[1]);
	assert_string_equal(text_str(&texts[0]), text_str(&texts[1]));
	text_done(&texts[0]);
	text_done(&texts[1]);
	for (size_t i = 0; i < made->in.world->n_endpoints; i++) {
		const struct assignment *a = &whole.assignments[i],
					*b = &made->output.assignments[i];
		assert_int_equal(a->kind, b->kind);
		assert_ptr_equal(a->port, b->port);
		assert_int_equal(a->stale, b->stale);
		assert_int_equal(a->tier, b->tier);
	}
	assert_int_equal(whole.n_denials, made->output.n_denials);
	for (size_t i = 0; i < whole.n_denials; i++) {
		const struct compile_denial *a = &whole.denials[i], *b = &made->output.denials[i];
		assert_string_equal(a->counter, b->counter);
		assert_true(a->family == b->family && a->reason == b->reason &&
			    a->audited == b->audited && text_equal(a->from, b->from) &&
			    text_equal(a->to, b->to));
	}
	assert_int_equal(whole.needs_bridge_nf, made->output.needs_bridge_nf);
	assert_memory_equal(whole.bridge_nf_on, made->output.bridge_nf_on,
			    made->in.world->n_networks * sizeof(bool));
	assert_int_equal(whole.n_hosts, made->output.n_hosts);
	for (size_t i = 0; i < whole.n_hosts; i++)
		assert_string_equal(whole.hosts[i].host, made->output.hosts[i].host);
}

/* Whoever was admitted keeps the port, as the daemon sees to. */
static void keep_owners(struct host *host, const struct made *made)
{
	for (size_t i = 0; i < made->in.world->n_endpoints; i++) {
		const struct world_port *port = compile_port(&made->output.assignments[i]);
		if (port && port->owner == 0)
			world_store_set_owner(host->store, port, made->in.world->endpoints[i].id);
	}
}

static bool publishes_other_ports(const struct rs_table *was, const struct rs_table *is)
{
	static const char *const maps[] = { "published_port", "published_at4", "published_at6" };

	for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
		const struct rs_set *a = ruleset_find_set(was, maps[i]),
				    *b = ruleset_find_set(is, maps[i]);
		if (a->n_elems != b->n_elems)
			return true;
	}
	return false;
}

static void count_published(struct host *host, const struct compile_output *was,
			    const struct compile_output *is)
{
	const struct rs_table *old = &was->ruleset->tables[RS_INET],
			      *new = &is->ruleset->tables[RS_INET];
	bool other = publishes_other_ports(old, new);

	host->n_published += other;
	host->n_other_chains += other && old->chains.n != new->chains.n;
}

static struct made step(struct host *host, struct made *old)
{
	struct made made = { .arena = arena_new() };
	const struct compile_before before = { &old->in, &old->output, old->base };
	struct compile_result result;
	const struct world *world;
	const char *why;

	made.in = (struct compile_input){ .policy = host->policies[host->policy],
					  .stamp = host->is_stamped ? host->stamp : 0,
					  .mark_bit = host->mark_bit,
					  .log_group = host->log_group,
					  .now = host->now };
	assert_int_equal(world_store_snapshot(host->store, made.arena, &world), 0);
	const struct world_hold_time time = { host->now_us, NULL };
	assert_int_equal(world_hold_back(old->arena ? &old->held : NULL, world, &time, made.arena,
					 &made.held),
			 0);
	made.in.world = made.held.world;
	assert_int_equal(
		compile_again(&made.in, old->arena ? &before : NULL, made.arena, &result, &why), 0);
	made.output = result.output;
	made.base = result.base;
	host->n_reused += result.reused;
	if (old->arena && result.reused)
		count_published(host, &old->output, &made.output);
	host->n_renewed += host->few && result.reused && result.n_renewed > 0;
	check(&made);
	for (size_t i = 0; host->policy == POLICIES - 1 && i < made.in.world->n_endpoints; i++)
		host->n_by_image[made.output.assignments[i].kind == ASSIGN_TIER]++;
	keep_owners(host, &made);
	if (host->is_stamped &&
	    below(3) == 0) { /* a commit that takes something away: nothing else follows it */
		host->stamp += 2;
		ruleset_set_stamp(made.output.ruleset, host->stamp);
		made.in.stamp = host->stamp;
		check(&made);
	}
	(void)arena_free(old->arena);
	return made;
}

static void compare_all_steps(bool by_docker)
{
	struct host host = { .store = world_store_new(),
			     .by_docker = by_docker,
			     .now = START,
			     .now_us = WORLD_HOLD_US,
			     .arena = arena_new(),
			     .stamp = 0x80000000u,
			     .mark_bit = COMPILE_MARK_BIT,
			     .log_group = COMPILE_LOG_GROUP,
			     .is_stamped = true };
	struct made made = { 0 };
	struct diag_list diags = { .arena = host.arena };
	const char *seed = getenv("SEED"); /* another sequence, by hand */

	srand(seed ? (unsigned int)strtoul(seed, NULL, 10) : 7);
	for (size_t i = 0; i < POLICIES; i++) {
		const struct policy_source source = { "p.yaml", policies[i], strlen(policies[i]) };
		assert_int_equal(policy_parse(&source, 1, host.arena, &diags, &host.policies[i]),
				 0);
	}
	change_all(&host);
	for (size_t i = 0; i < STEPS; i++) {
		happen(&host);
		made = step(&host, &made);
	}
	/* Or this has shown nothing. */
	assert_true(host.n_reused > STEPS / 5);
	assert_true(host.n_renewed > STEPS / 20);
	assert_true(host.n_published > STEPS / 40 && host.n_other_chains > STEPS / 160);
	assert_true(by_docker || (host.n_by_image[false] > 20 && host.n_by_image[true] > 20));
	(void)arena_free(made.arena);
	(void)arena_free(host.arena);
	(void)world_store_free(host.store);
}

static void is_what_the_whole_makes(void **state)
{
	(void)state;
	compare_all_steps(false);
}

static void is_so_by_dockers_answers(void **state)
{
	(void)state;
	compare_all_steps(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(is_what_the_whole_makes),
					    cmocka_unit_test(is_so_by_dockers_answers) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
