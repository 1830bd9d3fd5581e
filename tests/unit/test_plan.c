/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reconcile state machine, in virtual time: every rule of plan.h, then random orders of events
 * against the invariants that must hold in all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/cleanup.h"
#include "core/plan/plan.h"

static struct plan_time at(uint64_t us)
{
	return (struct plan_time){ us };
}

static void closed_base_is_written_at_once(void **state)
{
	struct plan plan;

	(void)state;
	plan_init(&plan);
	assert_int_equal(plan_next(&plan, at(0)).action, PLAN_WAIT); /* not started */
	plan_note(&plan, PLAN_FOUND_NOTHING, at(0));
	assert_int_equal(plan_next(&plan, at(0)).action, PLAN_COMMIT_WHOLE);
	plan_note(&plan, PLAN_COMMITTED, at(1));
	assert_int_equal(plan_next(&plan, at(1)).action, PLAN_WAIT);
	plan_note(&plan, PLAN_CHANGED, at(2));
	assert_int_equal(plan_next(&plan, at(2)).action, PLAN_COMMIT_CHANGES);
}

static void adopted_tables_stay_until_the_world_is_known(void **state)
{
	struct plan plan;

	(void)state;
	plan_init(&plan);
	plan_note(&plan, PLAN_FOUND_TABLES, at(0));
	plan_note(&plan, PLAN_CHANGED, at(1));
	assert_int_equal(plan_next(&plan, at(60000000)).action, PLAN_WAIT);
	plan_note(&plan, PLAN_SYNCED, at(60000001));
	assert_int_equal(plan_next(&plan, at(60000001)).action, PLAN_COMMIT_WHOLE);
	plan_note(&plan, PLAN_COMMITTED, at(60000002));
	plan_note(&plan, PLAN_CHANGED, at(60000003));
	assert_int_equal(plan_next(&plan, at(60000003)).action, PLAN_COMMIT_CHANGES);
}

static void failures_back_off_and_then_write_everything(void **state)
{
	struct plan plan;
	uint64_t now = 1000, wait = PLAN_RETRY_FIRST_US;

	(void)state;
	plan_init(&plan);
	plan_note(&plan, PLAN_FOUND_NOTHING, at(0));
	plan_note(&plan, PLAN_COMMITTED, at(0));
	plan_note(&plan, PLAN_CHANGED, at(now));
	for (int i = 0; i < 12; i++) {
		plan_note(&plan, PLAN_FAILED, at(now));
		struct plan_step step = plan_next(&plan, at(now));
		assert_int_equal(step.action, PLAN_WAIT);
		assert_int_equal(step.wake_at_us, now + wait);
		assert_int_equal(plan_next(&plan, at(now + wait - 1)).action, PLAN_WAIT);
		now += wait;
		assert_int_equal(plan_next(&plan, at(now)).action, PLAN_COMMIT_WHOLE);
		wait = wait * 2 < PLAN_RETRY_LONGEST_US ? wait * 2 : PLAN_RETRY_LONGEST_US;
	}
	plan_note(&plan, PLAN_COMMITTED, at(now));
	assert_int_equal(plan_next(&plan, at(now)).wake_at_us, PLAN_NEVER);
	plan_note(&plan, PLAN_FAILED, at(now));
	assert_int_equal(plan_next(&plan, at(now)).wake_at_us, now + PLAN_RETRY_FIRST_US);
}

static void another_policy_does_not_wait_for_the_one_before(void **state)
{
	struct plan plan;

	(void)state;
	plan_init(&plan);
	plan_note(&plan, PLAN_FOUND_NOTHING, at(0));
	for (uint64_t now = 0; now < 10; now++)
		plan_note(&plan, PLAN_FAILED, at(now));
	plan_note(&plan, PLAN_CHANGED, at(11));
	assert_int_equal(plan_next(&plan, at(11)).action, PLAN_WAIT);
	plan_note(&plan, PLAN_POLICY, at(12));
	assert_int_equal(plan_next(&plan, at(12)).action, PLAN_COMMIT_WHOLE);
	plan_note(&plan, PLAN_FAILED, at(13));
	assert_int_equal(plan_next(&plan, at(13)).wake_at_us, 13 + PLAN_RETRY_FIRST_US);
}

static void disturbance_writes_everything(void **state)
{
	struct plan plan;

	(void)state;
	plan_init(&plan);
	plan_note(&plan, PLAN_FOUND_NOTHING, at(0));
	plan_note(&plan, PLAN_COMMITTED, at(0));
	plan_note(&plan, PLAN_DISTURBED, at(5));
	assert_int_equal(plan_next(&plan, at(5)).action, PLAN_COMMIT_WHOLE);
}

static void off_stays_off_until_on(void **state)
{
	static const enum plan_input inputs[] = { PLAN_CHANGED, PLAN_DISTURBED, PLAN_SYNCED,
						  PLAN_OFF };
	struct plan plan;

	(void)state;
	plan_init(&plan);
	plan_note(&plan, PLAN_FOUND_TABLES, at(0)); /* held on to, as the world is not known */
	plan_note(&plan, PLAN_FAILED, at(1));
	plan_note(&plan, PLAN_OFF, at(2));
	for (size_t i = 0; i < sizeof(inputs) / sizeof(*inputs); i++) {
		struct plan_step step;
		plan_note(&plan, inputs[i], at(10000000 * (i + 1)));
		step = plan_next(&plan, at(10000000 * (i + 1)));
		assert_int_equal(step.action, PLAN_WAIT);
		assert_true(step.wake_at_us == PLAN_NEVER);
	}
	plan_note(&plan, PLAN_ON, at(60000000));
	assert_int_equal(plan_next(&plan, at(60000000)).action, PLAN_COMMIT_WHOLE);
	plan_note(&plan, PLAN_COMMITTED, at(60000001));
	assert_int_equal(plan_next(&plan, at(60000001)).action, PLAN_WAIT);
	plan_note(&plan, PLAN_ON, at(60000002)); /* on already */
	assert_int_equal(plan_next(&plan, at(60000002)).action, PLAN_WAIT);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* A model that only remembers what the rules are about. */
struct model {
	bool adopted, synced, unwritten, must_be_whole;
};

static void model_note(struct model *model, enum plan_input input)
{
	model->synced |= input == PLAN_SYNCED;
	model->unwritten |= input != PLAN_COMMITTED;
	model->must_be_whole |= input == PLAN_DISTURBED || input == PLAN_FAILED;
	if (input == PLAN_COMMITTED)
		*model = (struct model){ .synced = model->synced };
}

static void check_step(const struct model *model, const struct plan_step *step, uint64_t now)
{
	if (step->action == PLAN_WAIT) {
		/* Whoever waits with work to do has a reason: the world, or a time to come. */
		bool holds = model->adopted && !model->synced;
		assert_true(!model->unwritten || holds || step->wake_at_us > now);
		assert_true(!model->unwritten || holds || step->wake_at_us != PLAN_NEVER);
		return;
	}
	assert_true(model->unwritten);
	assert_false(model->adopted && !model->synced);
	if (model->must_be_whole || model->adopted)
		assert_int_equal(step->action, PLAN_COMMIT_WHOLE);
}

static void every_order_of_events(void **state)
{
	static const enum plan_input inputs[] = { PLAN_SYNCED, PLAN_CHANGED, PLAN_DISTURBED,
						  PLAN_POLICY };
	const uint64_t first_seed = 20261123;

	(void)state;
	print_message("seeds %llu and on\n", (unsigned long long)first_seed);
	for (uint64_t run = 0; run < 2000; run++) {
		uint64_t seed = first_seed + run, now = 0;
		struct plan plan;
		struct model model = { .adopted = next_random(&seed) % 2, .unwritten = true };
		plan_init(&plan);
		plan_note(&plan, model.adopted ? PLAN_FOUND_TABLES : PLAN_FOUND_NOTHING, at(now));
		model.must_be_whole = true;
		model.unwritten = !model.adopted;
		for (int i = 0; i < 200; i++) {
			now += next_random(&seed) % 200000;
			struct plan_step step = plan_next(&plan, at(now));
			check_step(&model, &step, now);
			uint64_t draw = next_random(&seed) % (ARRAY_LEN(inputs) + 1);
			if (step.action == PLAN_WAIT && draw == ARRAY_LEN(inputs))
				continue; /* time passes, nothing else */
			enum plan_input input =
				draw < ARRAY_LEN(inputs) ? inputs[draw] : PLAN_COMMITTED;
			if (step.action != PLAN_WAIT)
				input = next_random(&seed) % 3 ? PLAN_COMMITTED : PLAN_FAILED;
			plan_note(&plan, input, at(now));
			model_note(&model, input);
		}
	}
}

static void stamps(void **state)
{
	static const uint32_t randoms[] = { 0, 1, 2, 0x7fffffff, 0x80000000, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(randoms) / sizeof(*randoms); i++) {
		uint32_t first = plan_first_stamp(randoms[i]), stamp = first;
		for (int n = 0; n < 100000; n++) {
			assert_true(stamp >> 31); /* no security identifier */
			assert_false(stamp & 1);  /* the bit that nft's mask leaves out */
			stamp = plan_next_stamp(stamp);
			assert_int_not_equal(stamp, first);
		}
	}
	assert_int_not_equal(plan_first_stamp(2), plan_first_stamp(4));
	assert_int_equal(plan_next_stamp(UINT32_MAX - 1), 0x80000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closed_base_is_written_at_once),
		cmocka_unit_test(adopted_tables_stay_until_the_world_is_known),
		cmocka_unit_test(failures_back_off_and_then_write_everything),
		cmocka_unit_test(another_policy_does_not_wait_for_the_one_before),
		cmocka_unit_test(disturbance_writes_everything),
		cmocka_unit_test(off_stays_off_until_on),
		cmocka_unit_test(every_order_of_events),
		cmocka_unit_test(stamps),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
