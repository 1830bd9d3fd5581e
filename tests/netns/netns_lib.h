/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all tests in network namespaces share: whether there are any, and the time. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

static inline double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The first lines of main(): 77 tells the runner that nothing was tested. */
static inline int have_netns(void)
{
	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	print_message("SKIP: a network namespace of its own is not to be had: %s\n",
		      strerror(errno));
	return 77;
}
