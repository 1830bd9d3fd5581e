/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/plan/plan.h"

void plan_init(struct plan *plan)
{
	*plan = (struct plan){ .retry_at_us = PLAN_NEVER };
}

static void note_failure(struct plan *plan, uint64_t now_us)
{
	plan->backoff_us = plan->backoff_us ? plan->backoff_us * 2 : PLAN_RETRY_FIRST_US;
	if (plan->backoff_us > PLAN_RETRY_LONGEST_US)
		plan->backoff_us = PLAN_RETRY_LONGEST_US;
	plan->retry_at_us = now_us + plan->backoff_us;
	plan->dirty = true;
	plan->whole = true; /* what the kernel holds is then written anew, not guessed */
}

static void note_success(struct plan *plan)
{
	plan->dirty = plan->whole = plan->adopted = false;
	plan->retry_at_us = PLAN_NEVER;
	plan->backoff_us = 0;
}

static void note_policy(struct plan *plan)
{
	plan->dirty = true;
	plan->retry_at_us = PLAN_NEVER;
	plan->backoff_us = 0;
}

/* What comes after it is written from nothing, at once: no table is left to hold on to. */
static void note_off(struct plan *plan)
{
	plan->off = plan->dirty = plan->whole = true;
	plan->adopted = false;
	plan->retry_at_us = PLAN_NEVER;
	plan->backoff_us = 0;
}

void plan_note(struct plan *plan, enum plan_input input, struct plan_time now)
{
	switch (input) {
	case PLAN_FOUND_TABLES:
		plan->started = plan->adopted = plan->whole = true;
		break;
	case PLAN_FOUND_NOTHING:
		plan->started = plan->dirty = plan->whole = true;
		break;
	case PLAN_SYNCED:
		plan->synced = plan->dirty = true;
		break;
	case PLAN_CHANGED:
		plan->dirty = true;
		break;
	case PLAN_POLICY:
		note_policy(plan);
		break;
	case PLAN_DISTURBED:
		plan->dirty = plan->whole = true;
		break;
	case PLAN_COMMITTED:
		note_success(plan);
		break;
	case PLAN_FAILED:
		note_failure(plan, now.us);
		break;
	case PLAN_OFF:
		note_off(plan);
		break;
	case PLAN_ON:
		plan->off = false;
		break;
	}
}

struct plan_step plan_next(const struct plan *plan, struct plan_time now)
{
	struct plan_step wait = { PLAN_WAIT, plan->retry_at_us };
	bool holding = plan->adopted && !plan->synced;

	if (!plan->started || !plan->dirty || plan->off || holding)
		return (struct plan_step){ PLAN_WAIT, PLAN_NEVER };
	if (plan->retry_at_us != PLAN_NEVER && now.us < plan->retry_at_us)
		return wait;
	return (struct plan_step){ plan->whole ? PLAN_COMMIT_WHOLE : PLAN_COMMIT_CHANGES,
				   PLAN_NEVER };
}

#define STAMP_ALWAYS 0x80000000u
#define STAMP_STEP 2u

uint32_t plan_first_stamp(uint32_t random)
{
	return STAMP_ALWAYS | (random & ~(STAMP_STEP - 1));
}

uint32_t plan_next_stamp(uint32_t stamp)
{
	return plan_first_stamp(stamp + STAMP_STEP);
}
