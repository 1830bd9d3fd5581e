/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What wakes netd beside its sources of facts: timers, signals, and that nothing else waits. */
#include "daemon/daemon.h"

#include <errno.h>
#include <signal.h>

#include "edge/journal/journal.h"
#include "edge/loop/loop.h"

static int on_idle(sd_event_source *source, void *userdata)
{
	(void)source;
	return reconcile_run(userdata);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	return reconcile_run(userdata);
}

/* A time has come on which the facts depend. */
static int on_held(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	facts_changed(userdata);
	return 0;
}

/* The same by the wall clock, or that one was set. */
static int on_wall_clock(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	(void)source;
	(void)events;
	facts_changed(userdata);
	return loop_read_wall(fd);
}

static int on_doubt(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	return agree_run(userdata);
}

static int on_confirm_expired(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *d = userdata;
	struct policy_set *refused = d->wanted;

	(void)source;
	(void)usec;
	if (!d->previous)
		return 0;
	log_warning(
		LOG_ID_CONFIRM_EXPIRED,
		"the applied policy was not confirmed in time: the previous one is in force again");
	policy_change(d, TAKE_PTR(d->previous));
	d->staged.applied = false;
	history_drop(&d->history);
	policy_forget(d, refused);
	if (d->wanted->none)
		first_contact_resume(d);
	return 0;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct daemon *d = userdata;

	(void)source;
	log_info(LOG_ID_STOPPING, "stopping on signal %u: the rules stay in force",
		 info->ssi_signo);
	return sd_event_exit(d->loop, 0);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct daemon *d = userdata;

	(void)source;
	(void)info;
	if (policy_hang_up(d) == -ENOMEM)
		return -ENOMEM;
	return resolvers_refresh(d) == -ENOMEM ? -ENOMEM : 0;
}

static int add_signals(struct daemon *d)
{
	static const struct {
		int number;
		sd_event_signal_handler_t handler;
	} signals[] = { { SIGTERM, on_stop }, { SIGINT, on_stop }, { SIGHUP, on_hangup } };
	int r = loop_block_signal(SIGPIPE);

	for (size_t i = 0; i < ARRAY_LEN(signals) && r >= 0; i++) {
		const struct loop_signal what = { .signal = signals[i].number,
						  .handler = signals[i].handler,
						  .userdata = d };
		sd_event_source *source = NULL;
		r = loop_add_signal(d->loop, &what, &source);
		if (r >= 0)
			r = sd_event_source_set_floating(source, true);
		(void)sd_event_source_unref(source);
	}
	return r < 0 ? r : 0;
}

static int add_timers(struct daemon *d)
{
	const struct {
		sd_event_source **source;
		struct loop_timer timer;
	} timers[] = {
		{ &d->bound, { "bound", SD_EVENT_PRIORITY_IMPORTANT, on_timer, d } },
		{ &d->wake, { "retry", SD_EVENT_PRIORITY_NORMAL, on_timer, d } },
		{ &d->hold, { "hold", SD_EVENT_PRIORITY_NORMAL, on_held, d } },
		{ &d->doubt, { "doubt", SD_EVENT_PRIORITY_NORMAL, on_doubt, d } },
		{ &d->confirm, { "confirm", SD_EVENT_PRIORITY_NORMAL, on_confirm_expired, d } },
	};

	for (size_t i = 0; i < ARRAY_LEN(timers); i++) {
		int r = loop_add_timer(d->loop, &timers[i].timer, timers[i].source);
		if (r < 0)
			return r;
	}
	const struct loop_wall until = { "until", SD_EVENT_PRIORITY_NORMAL, on_wall_clock, d };
	int r = loop_add_wall(d->loop, &until, &d->until);
	if (r >= 0)
		r = sd_event_add_post(d->loop, &d->post, on_idle, d);
	if (r >= 0)
		r = sd_event_source_set_priority(d->post, SD_EVENT_PRIORITY_IDLE);
	if (r >= 0)
		r = sd_event_source_set_exit_on_failure(d->post, true);
	return r < 0 ? r : ground_watch(d);
}

int wakes_start(struct daemon *d)
{
	int r = add_signals(d);

	return r < 0 ? r : add_timers(d);
}
