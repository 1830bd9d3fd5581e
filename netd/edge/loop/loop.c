/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/loop/loop.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "edge/base/clock.h"

/* Not 0, which means sd-event's default of 250 ms. */
#define FINEST_US 1

static void unref(sd_event_source **source)
{
	*source = sd_event_source_disable_unref(*source);
}

/* What all sources have in common; takes @source over. */
static int finish(sd_event_source *source, const char *name, int64_t priority,
		  sd_event_source **ret)
{
	CLEANUP(unref) sd_event_source *owned = source;
	int r = sd_event_source_set_exit_on_failure(owned, 1);

	if (r >= 0)
		r = sd_event_source_set_priority(owned, priority);
	if (r >= 0 && name)
		r = sd_event_source_set_description(owned, name);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(owned);
	return 0;
}

int loop_add_io(sd_event *loop, const struct loop_io *io, sd_event_source **ret)
{
	sd_event_source *source = NULL;
	int r = sd_event_add_io(loop, &source, io->fd, io->events, io->handler, io->userdata);

	return r < 0 ? r : finish(source, io->name, io->priority, ret);
}

int loop_add_timer(sd_event *loop, const struct loop_timer *timer, sd_event_source **ret)
{
	sd_event_source *source = NULL;
	int r = sd_event_add_time(loop, &source, CLOCK_MONOTONIC, UINT64_MAX, FINEST_US,
				  timer->handler, timer->userdata);

	if (r < 0)
		return r;
	CLEANUP(unref) sd_event_source *owned = source;
	r = sd_event_source_set_enabled(owned, SD_EVENT_OFF);
	return r < 0 ? r : finish(TAKE_PTR(owned), timer->name, timer->priority, ret);
}

uint64_t loop_turn_us(sd_event *loop)
{
	uint64_t now = 0;

	/* It fails for a loop of another process and for an unknown clock only. */
	(void)!sd_event_now(loop, CLOCK_MONOTONIC, &now);
	return now;
}

int loop_arm(sd_event_source *timer, uint64_t in_us)
{
	/* Not from when this turn of the loop began: it may have lasted. */
	int r = sd_event_source_set_time(timer, clock_monotonic_us() + in_us);

	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
	return r < 0 ? r : 0;
}

int loop_disarm(sd_event_source *timer)
{
	int r = sd_event_source_set_enabled(timer, SD_EVENT_OFF);

	return r < 0 ? r : 0;
}

int loop_add_wall(sd_event *loop, const struct loop_wall *wall, sd_event_source **ret)
{
	sd_event_source *source = NULL;
	int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	int r = sd_event_add_io(loop, &source, fd, EPOLLIN, wall->handler, wall->userdata);
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	r = sd_event_source_set_io_fd_own(source, 1);
	if (r < 0) {
		(void)close(fd);
		(void)sd_event_source_disable_unref(source);
		return r;
	}
	return finish(source, wall->name, wall->priority, ret);
}

int loop_arm_wall(sd_event_source *wall, int64_t at)
{
	/* 0 would disarm. */
	struct itimerspec when = { .it_value = { .tv_sec = at > 0 ? at : 1 } };
	const int flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
	int fd = sd_event_source_get_io_fd(wall);

	if (fd < 0)
		return fd;
	int r = timerfd_settime(fd, flags, &when, NULL);
	if (r < 0 && errno == ECANCELED) { /* it was set before anybody read of it */
		when.it_value.tv_sec = 1;
		r = timerfd_settime(fd, flags, &when, NULL);
	}
	return r < 0 ? -errno : 0;
}

int loop_read_wall(int fd)
{
	uint64_t expirations;

	if (read(fd, &expirations, sizeof(expirations)) >= 0 || errno == ECANCELED ||
	    errno == EAGAIN)
		return 0;
	return -errno;
}

int loop_block_signal(int signal)
{
	sigset_t set;

	(void)sigemptyset(&set);
	if (sigaddset(&set, signal) < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	return 0;
}

int loop_add_child(sd_event *loop, const struct loop_child *child, sd_event_source **ret)
{
	sd_event_source *source = NULL;
	int r = sd_event_add_child(loop, &source, child->pid, WEXITED, child->handler,
				   child->userdata);

	return r < 0 ? r : finish(source, child->name, child->priority, ret);
}

int loop_add_signal(sd_event *loop, const struct loop_signal *what, sd_event_source **ret)
{
	sd_event_source *source = NULL;
	int r = loop_block_signal(what->signal);

	if (r < 0)
		return r;
	r = sd_event_add_signal(loop, &source, what->signal, what->handler, what->userdata);
	return r < 0 ? r : finish(source, NULL, what->priority, ret);
}
