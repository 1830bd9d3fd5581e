/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One reading of Docker. */
#include "edge/docker/docker.h"
#include "core/base/text.h"
#include "edge/fw/fw.h"
#include "edge/host/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

#define DEFAULT_DOCKER "unix:///run/docker.sock"
#define TIMEOUT_MS 10000u

#define IP6TABLES_FROM 27u /* Docker filters IPv6 unless it is told not to */

/* Whether Docker filters IPv6 is in none of its answers: its chains tell, as netd reads them.
 * Whoever may not read them goes by what it was told, or by its version. */
static bool is_ip6_unfiltered(const struct world *world, const struct host_docker *docker)
{
	CLEANUP(fw_freep) struct fw *fw = NULL;
	unsigned long major = world_engine_major(world);
	struct fw_error error;
	bool filtered = false;

	if (fw_open(&fw, &error) == 0 && fw_docker_ip6(fw, &filtered, &error) == 0)
		return !filtered;
	if (docker->ip6tables || docker->no_ip6tables)
		return docker->no_ip6tables;
	return major > 0 && major < IP6TABLES_FROM;
}

/* What the host's own files and interfaces say, and the kernel. */
static int add_docker_host(const struct world *world, struct arena *arena, const struct world **ret)
{
	struct host_resolvers resolvers = { .n = 0 };
	struct host_docker docker = { .no_proxy = false };
	struct world *copy = arena_dup(arena, world, sizeof(*world));
	struct ip_addr *all = arena_alloc(arena, 2 * HOST_RESOLVERS * sizeof(*all));

	if (!copy || !all || host_docker_refresh(&docker) == -ENOMEM)
		return -ENOMEM;
	(void)!host_resolvers_refresh(&resolvers); /* none: as none are known */
	memcpy(all, docker.resolvers.addrs, docker.resolvers.n * sizeof(*all));
	memcpy(all + docker.resolvers.n, resolvers.addrs, resolvers.n * sizeof(*all));
	copy->resolvers = all;
	copy->n_resolvers = docker.resolvers.n + resolvers.n;
	copy->no_proxy = docker.no_proxy;
	copy->unfiltered[0] = docker.no_iptables;
	copy->unfiltered[1] = is_ip6_unfiltered(world, &docker);
	copy->dns_by_docker = docker.resolvers.n > 0;
	return host_world(copy, arena, ret);
}

const char *docker_url(const struct ctl *ctl)
{
	const char *host = getenv("DOCKER_HOST");

	return ctl->docker ? ctl->docker : host && *host ? host : DEFAULT_DOCKER;
}

int docker_world(const struct ctl *ctl, struct arena *arena, const struct world **ret,
		 const char **error)
{
	const char *certs = getenv("DOCKER_CERT_PATH"), *verify = getenv("DOCKER_TLS_VERIFY");
	const struct docker_options options = { .engine = ctl->engine,
						.url = docker_url(ctl),
						.cert_dir = certs && *certs ? certs : NULL,
						.tls_verify = verify && *verify };
	const char *why = "";
	int r = docker_fetch_world(&options, TIMEOUT_MS, arena, ret, &why);

	if (r == 0 && text_begins(options.url, "unix:")) /* else it is another host's */
		r = add_docker_host(*ret, arena, ret);
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
