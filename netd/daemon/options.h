/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line, the files of netd.conf(5) and the environment of netd (netd(8)). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/cleanup.h"
#include "core/base/diag.h"
#include "edge/docker/docker.h"

struct options {
	const char *policy, *docker_url, *socket, *state_dir, *inventory;
	const char *images, *image_keys; /* folders */
	enum docker_engine engine;
	const char *docker_cert_dir; /* DOCKER_CERT_PATH, or NULL */
	bool docker_tls_verify;
	uint32_t mark_bit; /* one bit */
	bool flows;	   /* what was seen is kept */
	bool check;
};

/* The command line beats the files, they beat the environment. What files say lives in @arena.
 * OPTIONS_EXIT: --help or --version was printed, or the usage or a file was wrong and that was said
 * (*exit_status). */
#define OPTIONS_EXIT 1
int daemon_options_parse(int argc, char **argv, struct arena *arena, struct options *ret,
			 int *exit_status) MUST_CHECK;
/* Findings as a compiler prints them, on stderr. */
void options_print_findings(const struct diag_list *diags);
