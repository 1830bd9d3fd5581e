/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A script of nft, as far as a host's files are looked through: whether it names one of netd's
 * tables, and which other files it has read with it. It is read as words, not understood: comments
 * and quoted texts name nothing, and whoever has a table's name made of a variable is not found. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SCRIPT_PATH_LEN 256u
/* nft itself reads 16 files deep; a file that names more than these is not followed further. */
#define SCRIPT_INCLUDES 16u

struct script {
	bool names_netd; /* "inet netd" or "bridge netd", whatever is said of it */
	char includes[SCRIPT_INCLUDES][SCRIPT_PATH_LEN]; /* as written, NUL-terminated */
	size_t n_includes;
	bool left_out; /* it names more files, or one with a longer path */
};

/* Any bytes. */
void script_read(const char *bytes, size_t len, struct script *ret);
