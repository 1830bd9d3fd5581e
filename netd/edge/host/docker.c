/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "edge/base/fd.h"
#include "edge/host/host.h"

#define DAEMON_JSON "/etc/docker/daemon.json"
#define DAEMON_JSON_BYTES 65536u

static bool is_listed(const struct host_resolvers *list, const struct ip_addr *addr)
{
	for (size_t i = 0; i < list->n; i++)
		if (ip_compare(&list->addrs[i], addr) == 0)
			return true;
	return false;
}

void host_docker_parse(const char *text, size_t len, struct host_docker *ret)
{
	cJSON *json = len ? cJSON_ParseWithLength(text, len) : NULL;
	const cJSON *dns = cJSON_GetObjectItemCaseSensitive(json, "dns"), *item;

	memset(ret, 0, sizeof(*ret));
	ret->no_proxy = cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(json, "userland-proxy"));
	ret->ip6tables = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "ip6tables"));
	ret->no_ip6tables = cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(json, "ip6tables"));
	cJSON_ArrayForEach(item, dns) {
		const char *addr = cJSON_GetStringValue(item);
		struct ip_addr parsed;
		if (addr && ret->resolvers.n < HOST_RESOLVERS && ip_parse(addr, &parsed) == 0 &&
		    !is_listed(&ret->resolvers, &parsed))
			ret->resolvers.addrs[ret->resolvers.n++] = parsed;
	}
	cJSON_Delete(json);
}

int host_docker_refresh(struct host_docker *docker)
{
	char bytes[DAEMON_JSON_BYTES];
	struct host_docker now;
	CLEANUP(fd_close_file) FILE *file = fopen(DAEMON_JSON, "re");
	size_t len = file ? fread(bytes, 1, sizeof(bytes), file) : 0;

	if (!file && errno == ENOMEM)
		return -ENOMEM;
	host_docker_parse(bytes, len, &now);
	if (memcmp(&now, docker, sizeof(now)) == 0)
		return 0;
	*docker = now;
	return 1;
}
