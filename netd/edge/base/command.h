/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of a service that has few options, from one table: --help and --version come
 * with it. netd and netdctl, whose options are settings and verbs as well, have tables of their
 * own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/cleanup.h"

struct command_option {
	const char *name, *argument, *help; /* argument NULL: it takes none */
	/* One of the two is set where the option is given; the text is the command line's own. */
	const char **text;
	bool *flag;
};

#define COMMAND_OPTIONS 16u

struct command {
	const char *program; /* "netd-reader" */
	const char *summary; /* what it does, in one or two lines of the help, without the last
				newline */
	const struct command_option *options;
	size_t n; /* up to COMMAND_OPTIONS */
};

#define COMMAND_EXIT 1 /* *exit_status says how; all is said */

/* 0 or COMMAND_EXIT. */
int command_parse(const struct command *command, int argc, char **argv,
		  int *exit_status) MUST_CHECK;
