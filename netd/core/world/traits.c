/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a container was given that a packet filter cannot hold: from Docker's list and inspect
 * answers. All of it is fixed when the container is created. */
#include <string.h>

#include "core/base/text.h"
#include "core/world/docker-json.h"

/* Names as in the inventory; capability: as in CapAdd, or NULL. */
static const struct {
	enum world_trait trait;
	const char *name, *capability;
} traits[] = {
	{ WORLD_PRIVILEGED, "privileged", NULL },
	{ WORLD_HOST_NETWORK, "host-network", NULL },
	{ WORLD_HOST_PID, "host-pid", NULL },
	{ WORLD_DOCKER_SOCKET, "docker-socket", NULL },
	{ WORLD_CAP_NET_ADMIN, "cap-net-admin", "NET_ADMIN" },
	{ WORLD_CAP_SYS_ADMIN, "cap-sys-admin", "SYS_ADMIN" },
	{ WORLD_CAP_SYS_MODULE, "cap-sys-module", "SYS_MODULE" },
	{ WORLD_CAP_SYS_PTRACE, "cap-sys-ptrace", "SYS_PTRACE" },
	{ WORLD_CAP_SYS_RAWIO, "cap-sys-rawio", "SYS_RAWIO" },
	{ WORLD_CAP_DAC_READ_SEARCH, "cap-dac-read-search", "DAC_READ_SEARCH" },
	{ WORLD_CAP_BPF, "cap-bpf", "BPF" },
};

const char *world_trait_name(size_t index, enum world_trait *ret)
{
	if (index >= ARRAY_LEN(traits))
		return NULL;
	*ret = traits[index].trait;
	return traits[index].name;
}

uint32_t world_capability_traits(const char *capability)
{
	const char *after = text_after(capability, "CAP_"), *name = after ? after : capability;
	uint32_t found = 0;

	for (size_t i = 0; i < ARRAY_LEN(traits); i++)
		if (traits[i].capability &&
		    (strcmp(name, traits[i].capability) == 0 || strcmp(name, "ALL") == 0))
			found |= traits[i].trait;
	return found;
}

uint32_t world_mount_traits(const char *source)
{
	static const char *const sources[] = { "/var/run/docker.sock",
					       "/run/docker.sock",
					       "/run/podman/podman.sock",
					       "/run/podman",
					       "/run",
					       "/var/run",
					       "/var",
					       "/" };

	for (size_t i = 0; i < ARRAY_LEN(sources); i++)
		if (strcmp(source, sources[i]) == 0)
			return WORLD_DOCKER_SOCKET;
	return 0;
}

static uint32_t capability_traits(const cJSON *list)
{
	uint32_t found = 0;

	for (const cJSON *item = cJSON_IsArray(list) ? list->child : NULL; item; item = item->next)
		if (cJSON_IsString(item))
			found |= world_capability_traits(cJSON_GetStringValue(item));
	return found;
}

static uint32_t mount_traits(const cJSON *list)
{
	uint32_t found = 0;

	for (const cJSON *item = cJSON_IsArray(list) ? list->child : NULL; item;
	     item = item->next) {
		const char *source = json_text(item, "Source");
		found |= source ? world_mount_traits(source) : 0;
	}
	return found;
}

static bool is_host(const cJSON *object, const char *key)
{
	const char *text = json_text(object, key);

	return text && strcmp(text, "host") == 0;
}

uint32_t world_docker_traits(const cJSON *container)
{
	const cJSON *host = json_member(container, "HostConfig");
	uint32_t found = capability_traits(json_member(host, "CapAdd")) |
			 mount_traits(json_member(container, "Mounts"));

	if (json_is_true(host, "Privileged"))
		found |= WORLD_PRIVILEGED;
	if (is_host(host, "NetworkMode"))
		found |= WORLD_HOST_NETWORK;
	if (is_host(host, "PidMode"))
		found |= WORLD_HOST_PID;
	return found;
}
