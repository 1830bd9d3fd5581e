/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of Docker's answers could not be understood, as status, doctor and the log tell it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/world/world.h"

struct report_flaw {
	const char *kind;      /* "network", "container", or "objects" without an id */
	const char *name, *id; /* "" for objects */
	const char *text;      /* what is wrong */
	size_t n;	       /* of how many objects */
};

/* One a call, networks first, each in the order of the world; false after the last. *cursor starts
 * at 0. */
bool report_next_flaw(const struct world *world, size_t *cursor, struct report_flaw *ret);
/* The order in which they come: by kind, name and id. */
int report_compare_flaws(const struct report_flaw *a, const struct report_flaw *b);
