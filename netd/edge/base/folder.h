/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names in a folder: what all who read one do alike. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/cleanup.h"

struct folder_names {
	VEC(const char *) names; /* by bytes: the same order in every locale */
};

/* Which names count. */
struct folder_want {
	/* 1: that one does; 0: not; -errno, which ends it. */
	int (*is_wanted)(void *userdata, const char *name);
	void *userdata;
	size_t most;
};

/* "report.json" ends in ".json"; ".json" and all that are hidden do not: these are leftovers of
 * editors and package managers. */
bool folder_name_ends_in(const char *name, const char *suffix);
/* Those of the open folder, whose place in it is no matter and stays. 0; FOLDER_E_MANY: there are
 * more than that; -errno. */
#define FOLDER_E_MANY 1
int folder_list(int dir, const struct folder_want *want, struct arena *arena,
		struct folder_names *ret) MUST_CHECK;
