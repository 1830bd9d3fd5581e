/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netd-metrics' command line. */
#pragma once

#include "core/base/cleanup.h"

#define EXPORTER_OPTIONS_EXIT 1 /* *exit_status says how */

/* 0: *ret_netd is the path of netd's control socket; EXPORTER_OPTIONS_EXIT: all is said. */
int exporter_options_parse(int argc, char **argv, const char **ret_netd,
			   int *exit_status) MUST_CHECK;
