/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of netd-reader (netd-reader(8)). */
#pragma once

#include <sys/types.h>

#include "core/base/cleanup.h"

struct reader_options {
	const char *docker, *socket; /* socket NULL: the one that systemd hands over */
	uid_t peer;
};

/* READER_OPTIONS_EXIT: --help or --version was printed, or the usage was wrong (*exit_status). */
#define READER_OPTIONS_EXIT 1
int reader_options_parse(int argc, char **argv, struct reader_options *ret,
			 int *exit_status) MUST_CHECK;
