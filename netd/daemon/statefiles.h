/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of the state folder, written beside the loop: a disk may take seconds for an fsync. One
 * at a time, in order; of what waits for one file the latest counts. Each is whole or not there.
 * What cannot be written is said, kept in memory, and tried again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "edge/beside/beside.h"

struct statefile;

struct statefiles {
	struct beside_group *besides;
	const char *dir; /* borrowed */
	const char
		*unlike; /* what it held before is not taken for what cannot be written; or NULL */
	void (*settled)(void *userdata); /* nothing waits any more, or only what failed */
	void *userdata;
	/* The rest is its own. */
	struct statefile *first;
	struct beside *writing;
	sd_event_source *retry;
	char failure[256];
};

/* The fields above are set. 0 or -errno. */
int statefiles_start(struct statefiles *files) MUST_CHECK;
/* Writes what waits, now. */
void statefiles_done(struct statefiles *files);

/* Takes @text (malloc'ed; NULL: memory is out). @name: a constant, or at least as long as a name of
 * the history; @otherwise: a constant, what follows if it cannot be written. */
void statefiles_write(struct statefiles *files, const char *name, char *text,
		      const char *otherwise);
/* What is not written yet of @name, or NULL. */
const char *statefiles_find(const struct statefiles *files, const char *name);
/* Looks whether all is settled, and says so: who makes texts to be written has one less to make. */
void statefiles_go_on(struct statefiles *files);
/* Nothing waits but what failed. */
bool statefiles_are_settled(const struct statefiles *files);
/* Why the last one that failed could not be written, "" when all are. */
const char *statefiles_failure(const struct statefiles *files);
