/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy path to bytes: a file, or a directory whose *.yaml are read in name order. Used by netd
 * and netdctl; knows nothing of event loops (see watch.h). Symbolic links are followed, as managed
 * configuration often is one; what they lead to must be a regular file. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/cleanup.h"
#include "core/policy/policy.h"

struct policydir {
	VEC(struct policy_source) sources; /* items, n: what policy_parse() takes */
	VEC(const char *) passed_over;	   /* files of a directory that look like policies: *.yml */
	const char *suffix;		   /* of files to read in a directory; NULL: ".yaml" */
	const char *error;		   /* what, where, what to do; in the arena */
	bool missing;			   /* error: there is nothing at the path, no link either */
};

/* Adds the files at @path to @ret, which starts zeroed but for ->suffix: call once per FILE of a
 * command line. Names and bytes live in @arena, and a NUL is behind the bytes. An empty directory
 * adds nothing and is no error.
 * 0; POLICYDIR_E_UNREADABLE: ret->error says which and why (exit status 2); -ENOMEM. */
#define POLICYDIR_E_UNREADABLE 1
int policydir_read(const char *path, struct arena *arena, struct policydir *ret) MUST_CHECK;
