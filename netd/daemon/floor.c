/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The floor: while netd has put nothing into force and has found nothing that holds, the closed
 * base is in the kernel. It is made of as little as possible, since something has just failed: of
 * no policy and no container, and if need be of no network either; then what is called as an
 * engine's bridge is closed by its name. Where the policy that was in force last is in audit mode,
 * so is the floor: it logs, and drops nothing. */
#include "daemon/daemon.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "edge/journal/journal.h"

static bool is_audited(const struct daemon *d)
{
	return d->wanted && d->wanted->was_in_force && d->wanted->policy->mode == POLICY_AUDIT;
}

static int commit_closed(struct daemon *d, const struct world *world, struct arena *arena)
{
	const struct policy nothing = { .mode = is_audited(d) ? POLICY_AUDIT : POLICY_ENFORCE,
					.unmatched = POLICY_UNMATCHED_DENY };
	const struct compile_input in = { .policy = &nothing,
					  .world = world,
					  .mark_bit = d->options->mark_bit,
					  .log_group = fw_can_log(d->fw) ? COMPILE_LOG_GROUP : 0,
					  .now = daemon_now_epoch() };
	struct compile_output compiled;
	struct fw_error error = { 0 };
	const char *why = NULL;
	int r = compile_ruleset(&in, arena, &compiled, &why);

	return r < 0 ? r : fw_commit(d->fw, NULL, compiled.ruleset, arena, &error);
}

/* Networks, bridges and ports, without anybody on them. */
static int take_bare_world(struct daemon *d, struct arena *arena, struct world *ret)
{
	const struct world *all;
	int r = world_store_snapshot(d->store, arena, &all);

	if (r < 0)
		return r;
	*ret = *all;
	ret->n_containers = ret->n_endpoints = 0;
	return 0;
}

void floor_lay(struct daemon *d)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	static const struct world nowhere;
	struct world bare;

	if (d->committed || d->plan.adopted || d->plan.off)
		return;
	int r = arena ? take_bare_world(d, arena, &bare) : -ENOMEM;
	if (r == 0)
		r = commit_closed(d, &bare, arena);
	if (r < 0 && arena)
		r = commit_closed(d, &nowhere, arena);
	if (r < 0)
		log_error(LOG_ID_COMMIT_FAILED,
			  "the closed base cannot be put into force either: %s", strerror(-r));
	else if (!d->has_floor)
		log_warning(LOG_ID_COMMIT_FAILED, "until that succeeds, %s",
			    is_audited(d)
				    ? "everything on Docker's networks passes, since the policy "
				      "that was in force is in audit mode"
				    : "everything on Docker's networks is closed");
	d->has_floor |= r >= 0;
}

void floor_tell_ready(struct daemon *d)
{
	if (d->is_ready || !d->is_started ||
	    !(d->committed || d->plan.adopted || d->plan.off || d->has_floor))
		return;
	d->is_ready = true;
	first_contact_tell_systemd(d);
	(void)sd_notify(0, "READY=1");
}
