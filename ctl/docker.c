/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One reading of Docker. */
#include "edge/docker/docker.h"
#include "edge/host/host.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

#define DEFAULT_DOCKER "unix:///run/docker.sock"
#define TIMEOUT_MS 10000u

const char *docker_url(const struct ctl *ctl)
{
	const char *host = getenv("DOCKER_HOST");

	return ctl->docker ? ctl->docker : host && *host ? host : DEFAULT_DOCKER;
}

int docker_world(const struct ctl *ctl, struct arena *arena, const struct world **ret,
		 const char **error)
{
	const char *certs = getenv("DOCKER_CERT_PATH"), *verify = getenv("DOCKER_TLS_VERIFY");
	const struct docker_options options = { .url = docker_url(ctl),
						.cert_dir = certs && *certs ? certs : NULL,
						.tls_verify = verify && *verify };
	const char *why = "";
	int r = docker_fetch_world(&options, TIMEOUT_MS, arena, ret, &why);

	if (r == 0 && strncmp(options.url, "unix:", 5) == 0) /* else it is another host's */
		r = host_world(*ret, arena, ret);
	if (r == 0)
		return CTL_OK;
	*error = r == DOCKER_E_UNREACHABLE || r == DOCKER_E_FOREIGN /* says where itself */
			 ? why
			 : arena_printf(arena, "%s: %s", options.url, r > 0 ? why : strerror(-r));
	if (!*error)
		*error = "out of memory";
	return r == DOCKER_E_URL       ? CTL_USAGE
	       : r == DOCKER_E_FOREIGN ? CTL_REFUSED
				       : CTL_UNREACHABLE;
}
