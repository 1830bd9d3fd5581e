/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether rtnetlink's ports and Docker's facts agree, looked at after each commit: what does not is
 * closed, asked about, and said. */
#include "daemon/daemon.h"
#include "edge/base/clock.h"
#include "edge/journal/journal.h"
#include "edge/loop/loop.h"

/* What becomes of it meanwhile. */
static const char *fate(const struct daemon *d, const struct doubt *doubt)
{
	const struct policy *policy = d->committed->policy->policy;

	if (doubt->kind == DOUBT_PORT && policy->unmatched == POLICY_UNMATCHED_IGNORE)
		return "it is left alone";
	return policy->mode == POLICY_AUDIT ? "enforce would close it" : "it is closed";
}

static void say(const struct daemon *d, const struct doubt *doubt)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const char *text = arena ? doubt_text(doubt, arena) : NULL;
	const struct log_field *fields = LOG_FIELDS({ "CONTAINER_ID", doubt->container },
						    { "NETD_NETWORK", doubt->network });

	if (text)
		log_warning_with(LOG_ID_DISAGREEMENT, fields,
				 "%s, also after everything was read again: %s", text,
				 fate(d, doubt));
}

static void carry_out(struct daemon *d, enum doubt_action action, const struct doubt *doubt)
{
	switch (action) {
	case DOUBT_WAIT:
		break;
	case DOUBT_ASK:
		docker_ask(d->docker, doubt->network, doubt->container);
		break;
	case DOUBT_READ_ALL:
		docker_resync(d->docker, "what Docker said does not fit the ports of its bridges");
		break;
	case DOUBT_SAY:
		say(d, doubt);
		break;
	}
}

/* While Docker is not there to be asked, nothing is due; with the next reading it is. */
int agree_run(struct daemon *d)
{
	const struct doubt *doubt;
	enum doubt_action action;
	uint64_t now = clock_monotonic_us();

	while (docker_status(d->docker).link == DOCKER_LINK_UP &&
	       (action = doubts_next(&d->doubts, now, &doubt)) != DOUBT_WAIT)
		carry_out(d, action, doubt);
	uint64_t due = doubts_due_us(&d->doubts);
	if (docker_status(d->docker).link != DOCKER_LINK_UP || due == PLAN_NEVER)
		return loop_disarm(d->doubt);
	return loop_arm(d->doubt, due > now ? due - now : 0);
}

int agree_look(struct daemon *d)
{
	if (!d->docker)
		return 0; /* an inventory: nobody can be asked */
	int r = doubts_update(&d->doubts, d->committed->world, d->committed->compiled.assignments,
			      clock_monotonic_us());
	return r < 0 ? r : agree_run(d);
}
