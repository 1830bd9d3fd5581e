/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/world/docker-json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json-scan.h"
#include "core/base/limits.h"
#include "core/base/sort.h"
#include "core/base/text.h"

int world_docker_refuse(struct world_docker_answer *answer, const char *error)
{
	answer->error = error;
	return WORLD_E_INVALID;
}

/* The labels of an image may hold NULs, as \u0000. cJSON would end the text there: a label would
 * look like another one. NULL: out of memory. */
static const char *without_nul(struct arena *arena, const char *json, size_t len)
{
	const char *escape;
	char *copy = NULL;

	for (size_t at = 0; at < len && (escape = memchr(json + at, '\\', len - at));) {
		size_t place = (size_t)(escape - json);
		at = place + 2;
		if (len - place < 6 || memcmp(escape, "\\u0000", 6) != 0)
			continue;
		if (!copy)
			copy = arena_dup(arena, json, len);
		if (!copy)
			return NULL;
		memcpy(copy + place, "\\ufffd", 6);
	}
	return copy ? copy : json;
}

/* Of a part of the answer; NULL with the error noted. */
static cJSON *value_of(struct world_docker_answer *answer, const char *json, size_t len)
{
	/* Docker is trusted with memory, and cJSON has a bound on depth. */
	static const struct json_limits limits = { SIZE_MAX, SIZE_MAX, .controls = true,
						   .lines = true };
	size_t offset;
	cJSON *value = NULL;
	const char *bytes = without_nul(answer->arena, json, len);

	answer->error = bytes ? json_scan(bytes, len, limits, &offset) : "no memory";
	if (!answer->error) {
		value = json_parse(bytes, len, &offset);
		answer->error = value ? NULL : errno == ENOMEM ? "no memory" : "not JSON";
	}
	return value;
}

cJSON *world_docker_value(struct world_docker_answer *answer)
{
	if (answer->len <= LIMIT_DOCKER_BYTES)
		return value_of(answer, answer->json, answer->len);
	answer->error = "too large";
	return NULL;
}

int world_docker_flaw(struct world_docker_answer *answer, const char **flaw, int r)
{
	if (r != WORLD_E_INVALID)
		return r;
	if (!*flaw)
		*flaw = answer->error;
	answer->error = NULL;
	return 0;
}

void world_docker_leave_out(struct world_docker_answer *answer, const char *why)
{
	if (answer->n_nameless++ == 0)
		answer->nameless = why;
}

int world_docker_list(struct world_docker_answer *answer, const char *otherwise,
		      int (*take)(struct world_docker_answer *, const cJSON *, void *),
		      void *userdata)
{
	struct json_elements elements = { answer->json, answer->len, 0 };
	enum json_step step = JSON_BROKEN;
	const char *bytes;
	size_t len, n = 0;

	if (answer->len > LIMIT_DOCKER_BYTES)
		return world_docker_refuse(answer, "too large");
	while ((step = json_next_element(&elements, &bytes, &len)) == JSON_ELEMENT) {
		if (n++ >= LIMIT_ENDPOINTS) {
			world_docker_leave_out(answer, "there are too many");
			continue;
		}
		CLEANUP(json_freep) cJSON *item = value_of(answer, bytes, len);
		int r = item ? take(answer, item, userdata) : WORLD_E_INVALID;
		if (r < 0)
			return r;
		if (r > 0)
			world_docker_leave_out(answer, answer->error);
	}
	return step == JSON_END ? 0 : world_docker_refuse(answer, otherwise);
}

bool world_docker_is_long(const char *text)
{
	return text && strlen(text) > WORLD_TEXT_MAX;
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

int world_docker_id(struct world_docker_answer *answer, const cJSON *json, const char *key,
		    char ret[WORLD_ID_LEN])
{
	const char *id = json_text(json, key);

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

/* Another word is one of a Docker to come: as nat, which is judged at both places. */
static void read_modes(const cJSON *options, struct world_network *network)
{
	static const char *const keys[] = { "com.docker.network.bridge.gateway_mode_ipv4",
					    "com.docker.network.bridge.gateway_mode_ipv6" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *mode = json_text(options, keys[i]);
		if (mode)
			(void)world_gateway_mode_parse(mode, &network->modes[i]);
	}
}

/* Without a parent that somebody gave it Docker makes one of its own, "dm-" and digits of the id,
 * which leads nowhere. A container in mode passthru has the parent's own MAC. */
static void read_parent(const cJSON *options, struct world_network *network)
{
	const char *parent = json_text(options, "parent"),
		   *mode = json_text(options, "macvlan_mode");

	if (!parent || text_begins(parent, "dm-") || !world_ifname_valid(parent) ||
	    (mode && *mode && !world_siblings_parse(mode, &network->siblings)))
		return;
	memcpy(network->parent, parent, strlen(parent) + 1);
}

static int read_bridge(struct world_docker_answer *answer, const cJSON *options,
		       struct world_network *network)
{
	const char *name = json_text(options, "com.docker.network.bridge.name");

	if (strcmp(network->driver, "macvlan") == 0)
		read_parent(options, network);
	if (strcmp(network->driver, "bridge") != 0)
		return 0;
	network->icc = !is_false(json_text(options, "com.docker.network.bridge.enable_icc"));
	network->no_masquerade =
		is_false(json_text(options, "com.docker.network.bridge.enable_ip_masquerade"));
	read_modes(options, network);
	if (!name || !*name) {
		world_bridge_default(network->bridge, network->id);
		return 0;
	}
	if (!world_ifname_valid(name))
		return world_docker_refuse(
			answer, "its bridge has a name that the kernel or Docker does not keep");
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

int world_docker_subnets(struct world_docker_answer *answer, const cJSON *config,
			 const char *const keys[2], struct world_network *network)
{
	VEC(struct ip_prefix) subnets = { 0 };
	VEC(struct ip_addr) gateways = { 0 };

	for (const cJSON *item = cJSON_IsArray(config) ? config->child : NULL; item;
	     item = item->next) {
		const char *subnet = json_text(item, keys[0]);
		const char *gateway = json_text(item, keys[1]);
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

int world_docker_addresses(struct world_docker_answer *answer, const cJSON *json,
			   const char *const keys[2], struct world_docker_endpoint *ret)
{
	const char *mac = json_text(json, "MacAddress");

	if (mac && *mac && mac_parse(mac, &ret->mac) < 0)
		return world_docker_refuse(answer, "Containers: not a MAC address");
	if (ret->mac.bytes[0] & 1) /* multicast: no interface has that */
		ret->mac = (struct mac_addr){ 0 };
	int r = read_endpoint_address(answer, json_text(json, keys[0]), IP_V4, &ret->ipv4);
	if (r)
		return r;
	return read_endpoint_address(answer, json_text(json, keys[1]), IP_V6, &ret->ipv6);
}

/* What is not understood of it counts as missing: without its address or MAC it is admitted through
 * no port. */
static int read_endpoint(struct world_docker_answer *answer, const cJSON *json,
			 struct world_docker_endpoint *ret)
{
	static const char *const keys[2] = { "IPv4Address", "IPv6Address" };

	ret->id = read_endpoint_id(json_text(json, "EndpointID"));
	return world_docker_addresses(answer, json, keys, ret);
}

static bool is_container_key(const char *key)
{
	const size_t container_len = WORLD_ID_LEN - 1;

	return strlen(key) == container_len && strspn(key, "0123456789abcdef") == container_len;
}

/* Whose an endpoint is follows from its key. False: it is nobody's. */
static bool read_key(const char *key, struct world_docker_endpoint *ret)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	const size_t build_len = 25;
	size_t len = strlen(key);

	ret->kind = WORLD_OTHER;
	if (is_container_key(key))
		ret->kind = WORLD_CONTAINER;
	else if (len == build_len && strspn(key, letters) == len)
		ret->kind = WORLD_BUILD;
	else if (strcmp(key, "ingress-sbox") == 0)
		ret->kind = WORLD_INGRESS;
	if (!world_id_valid(key))
		return false;
	world_id_copy(ret->container_id, key);
	return true;
}

/* 0, WORLD_E_INVALID: it has none, or -ENOMEM. */
static int read_name(struct world_docker_answer *answer, const cJSON *json,
		     struct world_docker_endpoint *ret)
{
	const char *name = json_text(json, "Name");

	if (!name || !*name || world_docker_is_long(name))
		return WORLD_E_INVALID;
	ret->kind = WORLD_CONTAINER;
	ret->name = world_docker_text(answer, name, "");
	return ret->name ? 0 : -ENOMEM;
}

static int compare_endpoints(const void *left, const void *right)
{
	const struct world_docker_endpoint *a = left, *b = right;

	return strcmp(a->container_id, b->container_id);
}

struct endpoint_vec {
	struct world_docker_endpoint *items;
	size_t n, cap;
};

/* Before an endpoint is joined to a sandbox Docker's key for it is "ep-" and its own id. */
static int take_endpoint(struct world_docker_answer *answer, const cJSON *json,
			 struct endpoint_vec *joined, struct endpoint_vec *named)
{
	struct world_docker_endpoint endpoint = { 0 };
	bool is_named = text_begins(json->string, "ep-");
	int r = is_named			    ? read_name(answer, json, &endpoint)
		: read_key(json->string, &endpoint) ? 0
						    : WORLD_E_INVALID;

	if (r)
		return r == WORLD_E_INVALID ? 0 : r;
	if (joined->n + named->n == LIMIT_ENDPOINTS) {
		world_docker_leave_out(answer, "there are too many");
		return 0;
	}
	if (read_endpoint(answer, json, &endpoint)) {
		endpoint.mac = (struct mac_addr){ 0 };
		endpoint.ipv4 = endpoint.ipv6 = (struct ip_addr){ 0 };
		world_docker_leave_out(answer, answer->error);
		answer->error = NULL;
	}
	return VEC_PUSH(answer->arena, is_named ? named : joined, endpoint);
}

static int read_endpoints(struct world_docker_answer *answer, const cJSON *containers,
			  struct world_docker_network *network)
{
	struct endpoint_vec found = { 0 }, named = { 0 };

	/* Where netd enforces nothing, containers are told of; sandboxes are Docker's own affair
	 * (swarm has some on each overlay). */
	bool all = !world_network_is_beyond(&network->facts);

	for (const cJSON *item = cJSON_IsObject(containers) ? containers->child : NULL; item;
	     item = item->next)
		if ((all || is_container_key(item->string)) &&
		    take_endpoint(answer, item, &found, &named) < 0)
			return -ENOMEM;
	network->named = named.items;
	network->n_named = named.n;
	network->endpoints = found.items;
	network->n_endpoints =
		sort_once(found.items, found.n, sizeof(*found.items), compare_endpoints);
	return network->n_endpoints == found.n
		       ? 0
		       : world_docker_refuse(answer, "Containers: an id is there twice");
}

/* Refused where it has no id. */
static int read_network(struct world_docker_answer *answer, const cJSON *json,
			struct world_docker_network *ret)
{
	static const char *const ipam_keys[2] = { "Subnet", "Gateway" };
	struct world_docker_network network = { .facts.icc = true };
	struct world_network *facts = &network.facts;
	const char *name = json_text(json, "Name");
	int r = world_docker_id(answer, json, "Id", facts->id);

	if (r)
		return r;
	facts->name = world_docker_text(answer, name, facts->id);
	facts->driver = world_docker_text(answer, json_text(json, "Driver"), "null");
	facts->internal = json_is_true(json, "Internal");
	facts->flaw = world_docker_is_long(name) ? "its name is too long" : NULL;
	if (!facts->name || !facts->driver)
		return -ENOMEM;
	r = world_docker_flaw(answer, &facts->flaw,
			      read_bridge(answer, json_member(json, "Options"), facts));
	if (!r)
		r = world_docker_flaw(
			answer, &facts->flaw,
			world_docker_subnets(answer,
					     json_member(json_member(json, "IPAM"), "Config"),
					     ipam_keys, facts));
	if (!r)
		r = world_docker_flaw(
			answer, &facts->flaw,
			read_endpoints(answer, json_member(json, "Containers"), &network));
	if (!r)
		*ret = network;
	return r;
}

int world_docker_network(struct world_docker_answer *answer, struct world_docker_network *ret)
{
	CLEANUP(json_freep) cJSON *json = world_docker_value(answer);

	return json ? read_network(answer, json, ret) : WORLD_E_INVALID;
}

static int compare_networks(const void *left, const void *right)
{
	const struct world_docker_network *a = left, *b = right;

	return strcmp(a->facts.id, b->facts.id);
}

struct network_list {
	struct world_docker_network *items;
	size_t n, cap;
	world_docker_network_reader *read;
};

static int add_network(struct world_docker_answer *answer, const cJSON *json, void *userdata)
{
	struct network_list *networks = userdata;
	struct world_docker_network network;
	int r = networks->read(answer, json, &network);

	return r ? r : VEC_PUSH(answer->arena, networks, network);
}

int world_docker_networks(struct world_docker_answer *answer, struct world_docker_network **ret,
			  size_t *ret_n)
{
	return world_docker_networks_by(answer, read_network, ret, ret_n);
}

int world_docker_networks_by(struct world_docker_answer *answer, world_docker_network_reader *read,
			     struct world_docker_network **ret, size_t *ret_n)
{
	struct network_list found = { .read = read };
	int r = world_docker_list(answer, "not a list of networks", add_network, &found);
	size_t kept = 0;

	if (r)
		return r;
	if (found.n)
		qsort(found.items, found.n, sizeof(*found.items), compare_networks);
	for (size_t i = 0; i < found.n; i++)
		if (kept == 0 || compare_networks(&found.items[kept - 1], &found.items[i]) != 0)
			found.items[kept++] = found.items[i];
		else
			found.items[kept - 1].facts.flaw = "it is in Docker's list twice";
	*ret = found.items;
	*ret_n = kept;
	return 0;
}
