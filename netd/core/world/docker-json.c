/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/world/docker-json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json-scan.h"
#include "core/base/limits.h"
#include "core/base/text.h"

int world_docker_refuse(struct world_docker_answer *answer, const char *error)
{
	answer->error = error;
	return WORLD_E_INVALID;
}

/* The labels of an image may hold NULs, as \u0000. cJSON would end the text there: a label would
 * look like another one. NULL: out of memory. */
static const char *without_nul(const struct world_docker_answer *answer)
{
	const char *escape;
	char *copy = NULL;

	for (size_t at = 0;
	     at < answer->len && (escape = memchr(answer->json + at, '\\', answer->len - at));) {
		size_t place = (size_t)(escape - answer->json);
		at = place + 2;
		if (answer->len - place < 6 || memcmp(escape, "\\u0000", 6) != 0)
			continue;
		if (!copy)
			copy = arena_dup(answer->arena, answer->json, answer->len);
		if (!copy)
			return NULL;
		memcpy(copy + place, "\\ufffd", 6);
	}
	return copy ? copy : answer->json;
}

cJSON *world_docker_value(struct world_docker_answer *answer)
{
	/* Docker is trusted with memory, and cJSON has a bound on depth. */
	static const struct json_limits limits = { SIZE_MAX, SIZE_MAX, .controls = true,
						   .lines = true };
	size_t offset;
	cJSON *json = NULL;

	if (answer->len > LIMIT_DOCKER_BYTES) {
		answer->error = "too large";
		return NULL;
	}
	const char *bytes = without_nul(answer);
	answer->error = bytes ? json_scan(bytes, answer->len, limits, &offset) : "no memory";
	if (!answer->error) {
		json = world_json_parse(bytes, answer->len, &offset);
		answer->error = json ? NULL : "not JSON";
	}
	return json;
}

const char *world_docker_text(struct world_docker_answer *answer, const char *text,
			      const char *otherwise)
{
	char *copy = arena_strdup(
		answer->arena, text && *text && strlen(text) <= WORLD_TEXT_MAX ? text : otherwise);

	if (copy)
		text_clean(copy);
	return copy;
}

static int read_id(struct world_docker_answer *answer, const cJSON *json, char ret[WORLD_ID_LEN])
{
	const char *id = world_json_text(json, "Id");

	if (!id || !world_id_valid(id))
		return world_docker_refuse(answer, "Id: missing or not an id");
	world_id_copy(ret, id);
	return 0;
}

/* ---- networks ---- */

/* strconv.ParseBool, which Docker uses for options. */
static bool is_false(const char *text)
{
	static const char *const words[] = { "0", "f", "F", "false", "FALSE", "False" };

	for (size_t i = 0; text && i < ARRAY_LEN(words); i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	return false;
}

static int read_bridge(struct world_docker_answer *answer, const cJSON *options,
		       struct world_network *network)
{
	const char *name = world_json_text(options, "com.docker.network.bridge.name");

	if (strcmp(network->driver, "bridge") != 0)
		return 0;
	network->icc = !is_false(world_json_text(options, "com.docker.network.bridge.enable_icc"));
	if (!name || !*name) {
		world_bridge_default(network->bridge, network->id);
		return 0;
	}
	if (!world_ifname_valid(name))
		return world_docker_refuse(answer, "Options: bridge.name is no interface name");
	memcpy(network->bridge, name, strlen(name) + 1);
	return 0;
}

/* Text up to a slash: old engines wrote gateways as "172.18.0.1/16". */
static bool read_address(const char *text, struct ip_addr *ret)
{
	char addr[IP_TEXT_LEN];
	size_t n = text ? strcspn(text, "/") : 0;

	if (n == 0 || n >= sizeof(addr))
		return false;
	memcpy(addr, text, n);
	addr[n] = '\0';
	return ip_parse(addr, ret) == 0;
}

static int read_ipam(struct world_docker_answer *answer, const cJSON *config,
		     struct world_network *network)
{
	VEC(struct ip_prefix) subnets = { 0 };
	VEC(struct ip_addr) gateways = { 0 };

	for (const cJSON *item = cJSON_IsArray(config) ? config->child : NULL; item;
	     item = item->next) {
		const char *subnet = world_json_text(item, "Subnet");
		const char *gateway = world_json_text(item, "Gateway");
		struct ip_prefix prefix;
		struct ip_addr addr;
		/* Host bits may be set: Docker shows what the user wrote. */
		if (subnet && *subnet && ip_prefix_parse(subnet, &prefix) < 0)
			return world_docker_refuse(answer, "IPAM: Subnet is not a subnet");
		if (gateway && *gateway && !read_address(gateway, &addr))
			return world_docker_refuse(answer, "IPAM: Gateway is not an address");
		if (subnet && *subnet && VEC_PUSH(answer->arena, &subnets, prefix) < 0)
			return -ENOMEM;
		if (gateway && *gateway && VEC_PUSH(answer->arena, &gateways, addr) < 0)
			return -ENOMEM;
	}
	network->subnets = subnets.items;
	network->n_subnets = subnets.n;
	network->gateways = gateways.items;
	network->n_gateways = gateways.n;
	return 0;
}

/* "172.18.0.2/16" or "", which is what host and none networks have. An address that no container
 * can have counts as none: that endpoint stays closed, the others are served. */
static int read_endpoint_address(struct world_docker_answer *answer, const char *text,
				 enum ip_family family, struct ip_addr *ret)
{
	if (!text || !*text)
		return 0;
	if (!read_address(text, ret) || ret->family != family)
		return world_docker_refuse(answer, "Containers: not an address");
	if (!world_address_possible(ret))
		*ret = (struct ip_addr){ 0 };
	return 0;
}

/* 64 random hex digits, of which 16 tell any two apart. podman has none: without it nobody can say
 * whether a port is that endpoint's or an earlier one's. */
static uint64_t read_endpoint_id(const char *text)
{
	char digits[17] = "";

	if (!text || strspn(text, "0123456789abcdef") < sizeof(digits) - 1)
		return 0;
	memcpy(digits, text, sizeof(digits) - 1);
	return strtoull(digits, NULL, 16);
}

static int read_endpoint(struct world_docker_answer *answer, const cJSON *json,
			 struct world_docker_endpoint *ret)
{
	const char *mac = world_json_text(json, "MacAddress");

	world_id_copy(ret->container_id, json->string);
	ret->id = read_endpoint_id(world_json_text(json, "EndpointID"));
	if (mac && *mac && mac_parse(mac, &ret->mac) < 0)
		return world_docker_refuse(answer, "Containers: not a MAC address");
	if (ret->mac.bytes[0] & 1) /* multicast: no interface has that */
		ret->mac = (struct mac_addr){ 0 };
	int r = read_endpoint_address(answer, world_json_text(json, "IPv4Address"), IP_V4,
				      &ret->ipv4);
	if (r)
		return r;
	return read_endpoint_address(answer, world_json_text(json, "IPv6Address"), IP_V6,
				     &ret->ipv6);
}

static int compare_endpoints(const void *left, const void *right)
{
	const struct world_docker_endpoint *a = left, *b = right;

	return strcmp(a->container_id, b->container_id);
}

static int read_endpoints(struct world_docker_answer *answer, const cJSON *containers,
			  struct world_docker_network *network)
{
	VEC(struct world_docker_endpoint) found = { 0 };

	for (const cJSON *item = cJSON_IsObject(containers) ? containers->child : NULL; item;
	     item = item->next) {
		struct world_docker_endpoint endpoint = { 0 };
		/* Other keys ("ep-…", "lb-…", "ingress-sbox") are swarm's own, not containers. */
		if (strspn(item->string, "0123456789abcdef") != WORLD_ID_LEN - 1 ||
		    item->string[WORLD_ID_LEN - 1] != '\0')
			continue;
		int r = read_endpoint(answer, item, &endpoint);
		if (r)
			return r;
		if (VEC_PUSH(answer->arena, &found, endpoint) < 0)
			return -ENOMEM;
	}
	if (found.n > LIMIT_ENDPOINTS)
		return world_docker_refuse(answer, "Containers: too many");
	if (found.n)
		qsort(found.items, found.n, sizeof(*found.items), compare_endpoints);
	for (size_t i = 1; i < found.n; i++)
		if (compare_endpoints(&found.items[i - 1], &found.items[i]) == 0)
			return world_docker_refuse(answer, "Containers: an id is there twice");
	network->endpoints = found.items;
	network->n_endpoints = found.n;
	return 0;
}

static int read_network(struct world_docker_answer *answer, const cJSON *json,
			struct world_docker_network *ret)
{
	struct world_docker_network network = { .facts.icc = true };
	struct world_network *facts = &network.facts;
	int r = read_id(answer, json, facts->id);

	if (r)
		return r;
	facts->name = world_docker_text(answer, world_json_text(json, "Name"), facts->id);
	facts->driver = world_docker_text(answer, world_json_text(json, "Driver"), "null");
	facts->internal = world_json_true(json, "Internal");
	if (!facts->name || !facts->driver)
		return -ENOMEM;
	r = read_bridge(answer, world_json_get(json, "Options"), facts);
	if (!r)
		r = read_ipam(answer, world_json_get(world_json_get(json, "IPAM"), "Config"),
			      facts);
	if (!r)
		r = read_endpoints(answer, world_json_get(json, "Containers"), &network);
	if (!r)
		*ret = network;
	return r;
}

int world_docker_network(struct world_docker_answer *answer, struct world_docker_network *ret)
{
	CLEANUP(world_json_freep) cJSON *json = world_docker_value(answer);

	return json ? read_network(answer, json, ret) : WORLD_E_INVALID;
}

static size_t count_items(const cJSON *list)
{
	size_t n = 0;

	for (const cJSON *item = list->child; item; item = item->next)
		n++;
	return n;
}

static int compare_networks(const void *left, const void *right)
{
	const struct world_docker_network *a = left, *b = right;

	return strcmp(a->facts.id, b->facts.id);
}

int world_docker_networks(struct world_docker_answer *answer, struct world_docker_network **ret,
			  size_t *ret_n)
{
	CLEANUP(world_json_freep) cJSON *json = world_docker_value(answer);

	if (!json)
		return WORLD_E_INVALID;
	if (!cJSON_IsArray(json))
		return world_docker_refuse(answer, "not a list of networks");
	size_t n = count_items(json), at = 0;
	struct world_docker_network *items = arena_alloc(answer->arena, n * sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (const cJSON *item = json->child; item; item = item->next) {
		int r = read_network(answer, item, &items[at++]);
		if (r)
			return r;
	}
	if (n)
		qsort(items, n, sizeof(*items), compare_networks);
	for (size_t i = 1; i < n; i++)
		if (compare_networks(&items[i - 1], &items[i]) == 0)
			return world_docker_refuse(answer, "a network is there twice");
	*ret = items;
	*ret_n = n;
	return 0;
}
