/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clocks of the machine, for edges and the daemon: the core takes the time as an argument. None
 * of these calls can fail for the clocks they ask (clock_gettime(2)).
 *
 * Monotonic time goes on while the process is stopped, and stands still while the machine is
 * suspended, with Docker and the containers. The time at which a turn of the event loop began is
 * loop_turn_us() of edge/loop. */
#pragma once

#include <stdint.h>

uint64_t clock_monotonic_us(void); /* microseconds of CLOCK_MONOTONIC */
uint64_t clock_monotonic_ms(void); /* the same in milliseconds */
uint64_t clock_cpu_us(void);	   /* processor time that this process has used */
/* Seconds since the epoch, rounded down. Unlike time(2) it is never in the second before, when a
 * timer of CLOCK_REALTIME for this one has fired. */
int64_t clock_epoch_s(void);
