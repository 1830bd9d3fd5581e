/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inventory: the facts about this host, read from Docker itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "edge/docker/docker.h"

#define DEFAULT_DOCKER "unix:///run/docker.sock"
#define TIMEOUT_MS 10000u

static struct docker_options docker_options_of(const struct ctl *ctl)
{
	const char *host = getenv("DOCKER_HOST"), *certs = getenv("DOCKER_CERT_PATH");
	const char *verify = getenv("DOCKER_TLS_VERIFY");
	struct docker_options options = { .url = ctl->docker };

	if (!options.url)
		options.url = host && *host ? host : DEFAULT_DOCKER;
	options.cert_dir = certs && *certs ? certs : NULL;
	options.tls_verify = verify && *verify;
	return options;
}

int verb_inventory(struct ctl *ctl, const struct ctl_args *args)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct docker_options options = docker_options_of(ctl);
	const struct world *world = NULL;
	const char *error = "";

	(void)args;
	if (!arena)
		return ctl_out_of_memory();
	int r = docker_fetch_world(&options, TIMEOUT_MS, arena, &world, &error);
	if (r > 0) {
		ctl_complain("%s: %s", options.url, error);
		return r == DOCKER_E_URL ? CTL_USAGE : CTL_UNREACHABLE;
	}
	if (r < 0) {
		ctl_complain("cannot ask Docker: %s", strerror(-r));
		return CTL_UNREACHABLE;
	}
	CLEANUP(free_ptr) char *text = world_print_inventory(world);
	if (!text)
		return ctl_out_of_memory();
	(void)puts(text);
	return CTL_OK;
}
