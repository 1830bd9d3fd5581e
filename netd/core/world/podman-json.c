/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What podman tells in another form than Docker does. Docker's form of its networks leaves out the
 * bridge, and has other words for the default one. Which endpoints a network has follows from the
 * list of the containers that are on it: Docker's form of a network has also those that only share
 * the namespace of another one (podman 4), and waits for every container of the host that is
 * starting. */
#include <errno.h>
#include <string.h>

#include "core/world/docker-json.h"

/* "podman4", or what the network was given. Of another driver it is the parent's. */
static int read_interface(struct world_docker_answer *answer, const cJSON *json,
			  struct world_network *network)
{
	const char *name = json_text(json, "network_interface");

	if (strcmp(network->driver, "bridge") != 0)
		return 0;
	if (!name || !world_ifname_valid(name))
		return world_docker_refuse(answer, "its bridge has no name that the kernel keeps");
	memcpy(network->bridge, name, strlen(name) + 1);
	return 0;
}

/* Another word is none to netavark before 2.0, which from then on starts nothing on such a network.
 */
static enum world_isolation read_isolation(const cJSON *options)
{
	const char *isolate = json_text(options, "isolate"), *mode = json_text(options, "mode");
	enum world_isolation isolation = WORLD_ISOLATION_NONE;

	if (mode && strcmp(mode, "unmanaged") == 0)
		return WORLD_ISOLATION_UNMANAGED;
	if (!isolate)
		return WORLD_ISOLATION_UNSAID;
	(void)world_isolation_parse(isolate, &isolation);
	return isolation;
}

/* Refused where it has no id. */
static int read_podman_network(struct world_docker_answer *answer, const cJSON *json,
			       struct world_docker_network *ret)
{
	static const char *const keys[2] = { "subnet", "gateway" };
	struct world_docker_network network = { .facts.icc = true };
	struct world_network *facts = &network.facts;
	const char *name = json_text(json, "name");
	int r = world_docker_id(answer, json, "id", facts->id);

	if (r)
		return r;
	facts->name = world_docker_text(answer, name, facts->id);
	facts->driver = world_docker_text(answer, json_text(json, "driver"), "null");
	if (!facts->name || !facts->driver)
		return -ENOMEM;
	facts->internal = json_is_true(json, "internal");
	facts->dns = json_is_true(json, "dns_enabled");
	facts->isolation = read_isolation(json_member(json, "options"));
	facts->flaw = world_docker_is_long(name) ? "its name is too long" : NULL;
	r = world_docker_flaw(answer, &facts->flaw, read_interface(answer, json, facts));
	if (!r)
		r = world_docker_flaw(
			answer, &facts->flaw,
			world_docker_subnets(answer, json_member(json, "subnets"), keys, facts));
	if (!r)
		*ret = network;
	return r;
}

int world_podman_networks(struct world_docker_answer *answer, struct world_docker_network **ret,
			  size_t *ret_n)
{
	return world_docker_networks_by(answer, read_podman_network, ret, ret_n);
}

/* ---- endpoints ---- */

/* FNV-1a. */
static uint64_t mix(uint64_t hash, const void *bytes, size_t n)
{
	const unsigned char *byte = bytes;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* podman gives endpoints no id. A container that starts again has another MAC, unless it was told
 * which: then its port is another one, which nothing that was said before can explain. */
static uint64_t endpoint_id(const struct world_docker_endpoint *endpoint,
			    const struct world_network *network)
{
	uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), endpoint->container_id,
			    strlen(endpoint->container_id));

	hash = mix(hash, network->id, strlen(network->id));
	hash = mix(hash, endpoint->mac.bytes, sizeof(endpoint->mac.bytes));
	return hash ? hash : 1;
}

struct endpoint_list {
	struct world_docker_endpoint *items;
	size_t n, cap;
	const struct world_network *network;
};

/* Networks are listed by name; podman 4 has the name for the id as well. */
static int add_endpoint(struct world_docker_answer *answer, const cJSON *json, void *userdata)
{
	static const char *const keys[2] = { "IPAddress", "GlobalIPv6Address" };
	struct endpoint_list *list = userdata;
	struct world_docker_endpoint endpoint = { .kind = WORLD_CONTAINER };
	const cJSON *all = json_member(json_member(json, "NetworkSettings"), "Networks");
	int r = world_docker_id(answer, json, "Id", endpoint.container_id);

	if (r)
		return r;
	r = world_docker_addresses(answer, json_member(all, list->network->name), keys, &endpoint);
	if (r || mac_is_zero(&endpoint.mac))
		return r;
	endpoint.id = endpoint_id(&endpoint, list->network);
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->items[i].container_id, endpoint.container_id) == 0)
			return world_docker_refuse(answer, "a container is there twice");
	return VEC_PUSH(answer->arena, list, endpoint);
}

int world_podman_endpoints(struct world_docker_answer *answer, const struct world_network *network,
			   struct world_docker_endpoint **ret, size_t *ret_n)
{
	struct endpoint_list found = { .network = network };
	int r = world_docker_list(answer, "not a list of containers", add_endpoint, &found);

	if (r)
		return r;
	*ret = found.items;
	*ret_n = found.n;
	return 0;
}
