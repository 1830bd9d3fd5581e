/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line and environment of netd (netd(8)). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/cleanup.h"

struct options {
	const char *policy, *docker_url, *socket, *state_dir, *inventory;
	const char *docker_cert_dir; /* DOCKER_CERT_PATH, or NULL */
	bool docker_tls_verify;
	uint32_t mark_bit; /* one bit */
	bool check;
};

/* OPTIONS_EXIT: --help or --version was printed, or the usage was wrong (*exit_status says). */
#define OPTIONS_EXIT 1
int options_parse(int argc, char **argv, struct options *ret, int *exit_status) MUST_CHECK;
