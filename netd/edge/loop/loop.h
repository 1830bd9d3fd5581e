/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Event sources of sd-event, made right. sd-event silently switches a source off when its handler
 * returns a negative number, and goes on: for netd that is failing open. Every source made here
 * ends the loop instead, with that number, and systemd starts netd again while the kernel keeps the
 * rules. A handler that can settle an error itself does so and returns 0.
 *
 * Each function: 0 and *ret is the source, the caller's to disable and unref
 * (sd_event_source_disable_unref); or -errno and *ret is untouched. */
#pragma once

#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "core/base/cleanup.h"

struct loop_io {
	const char *name; /* for sd-event's own messages; a constant */
	int fd;		  /* stays the caller's */
	uint32_t events;  /* EPOLLIN, … */
	int64_t priority; /* SD_EVENT_PRIORITY_…; 0 is normal */
	sd_event_io_handler_t handler;
	void *userdata;
};
int loop_add_io(sd_event *loop, const struct loop_io *io, sd_event_source **ret) MUST_CHECK;

/* A single shot in CLOCK_MONOTONIC, accurate to what the kernel can do (sd-event's default is a
 * quarter of a second). Made disarmed: loop_arm(). */
struct loop_timer {
	const char *name;
	int64_t priority;
	sd_event_time_handler_t handler;
	void *userdata;
};
int loop_add_timer(sd_event *loop, const struct loop_timer *timer,
		   sd_event_source **ret) MUST_CHECK;
/* When this turn of the loop began, in microseconds of CLOCK_MONOTONIC. */
uint64_t loop_turn_us(sd_event *loop);
/* From now, in microseconds; 0: in the next turn of the loop. */
int loop_arm(sd_event_source *timer, uint64_t in_us) MUST_CHECK;
int loop_disarm(sd_event_source *timer) MUST_CHECK;

/* Wakes when the wall clock reaches a time, and whenever somebody sets that clock, forwards or
 * back (TFD_TIMER_CANCEL_ON_SET). Made disarmed; the handler calls loop_read_wall() first. The
 * source owns the descriptor. */
struct loop_wall {
	const char *name;
	int64_t priority;
	sd_event_io_handler_t handler;
	void *userdata;
};
int loop_add_wall(sd_event *loop, const struct loop_wall *wall, sd_event_source **ret) MUST_CHECK;
/* @at: seconds since the epoch; one that has passed: in the next turn of the loop, as when the
 * clock was set since the last call. LOOP_WALL_NEVER: only when it is set. */
#define LOOP_WALL_NEVER INT64_MAX
int loop_arm_wall(sd_event_source *wall, int64_t at) MUST_CHECK;
/* Takes note of the wake-up. 0 or -errno. */
int loop_read_wall(int fd) MUST_CHECK;

/* Blocks the signal for this thread first, as signalfd needs. NULL handler: end the loop with 0. */
struct loop_signal {
	int signal;
	int64_t priority;
	sd_event_signal_handler_t handler;
	void *userdata;
};
int loop_add_signal(sd_event *loop, const struct loop_signal *what,
		    sd_event_source **ret) MUST_CHECK;

/* The life of a small service: tells systemd that it is ready, feeds its watchdog, and runs until
 * SIGTERM or SIGINT. 0 or -errno. */
int loop_serve(sd_event *loop) MUST_CHECK;

/* For this thread, as signalfd and the children below need. 0 or -errno. */
int loop_block_signal(int signal) MUST_CHECK;

/* The end of a child process; SIGCHLD is blocked before it begins. The child is waited for. */
struct loop_child {
	const char *name;
	pid_t pid;
	int64_t priority;
	sd_event_child_handler_t handler;
	void *userdata;
};
int loop_add_child(sd_event *loop, const struct loop_child *child,
		   sd_event_source **ret) MUST_CHECK;
