/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work beside the event loop: what takes long, or waits for a disk, is done by a child process on a
 * copy of everything as it is at that moment (fork). So it cannot be changed under its hands, can
 * be ended at any time, and takes nothing with it when it fails. It leaves its result in a file of
 * memory. The child has none of the program's descriptors but standard input, output and error,
 * no capability, runs with less priority, and is the first that the kernel ends when memory is out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/base/cleanup.h"

struct beside;

/* All that is under way in one loop. Begins zeroed but for the loop, which is borrowed. */
struct beside_group {
	sd_event *loop;
	struct beside *first;
};

enum beside_end {
	BESIDE_DONE,	/* work() has returned 0 or more */
	BESIDE_FAILED,	/* less: code is the -errno */
	BESIDE_KILLED,	/* by a signal that is not ours: code is its number */
	BESIDE_TOO_LATE /* the deadline came first */
};

struct beside_result {
	enum beside_end end;
	int code;    /* what work() returned */
	int fd;	     /* the file that work() has written; borrowed */
	size_t size; /* of it */
};

#define BESIDE_CODES 64 /* work() returns less */

struct beside_work {
	/* In the child, before the work, with the capabilities of the parent; NULL: nothing needs
	 * them. 0 or -errno, which is that of the work. */
	int (*ask)(void *userdata);
	bool keeps_rights; /* during the work, too */
	/* In the child: everything but descriptors is as it was, and nothing that it does is seen
	 * by the parent. Writes its result to @fd. 0 to BESIDE_CODES - 1, or -errno. */
	int (*work)(void *userdata, int fd);
	/* In the loop, once, unless beside_end() came first; the struct beside is gone after it. */
	void (*done)(void *userdata, const struct beside_result *result);
	void *userdata;
	uint64_t deadline_us; /* from now; 0: none, and SIGTERM does not end it either */
	uint64_t memory;      /* bytes that it may take beyond what it begins with */
};

/* 0; -errno: nothing was begun. */
int beside_begin(struct beside_group *group, const struct beside_work *work,
		 struct beside **ret) MUST_CHECK;
/* Ends it without a word; NULL is fine. */
void beside_end(struct beside *beside);
/* Waits for its end, and has done() called: for when the loop has ended. */
void beside_wait(struct beside *beside);
/* Ends all. */
void beside_group_done(struct beside_group *group);
