/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Networks as Docker tells of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json-names.h"
#include "core/base/json-scan.h"
#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/world/docker-json.h"

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
		if (gateway && *gateway && !world_docker_address(gateway, &addr))
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
		*ret = network;
	return r;
}

/* ---- one of them, with who is on it ---- */

/* All other members, as an object of their own, and those of "Containers". 0, WORLD_E_INVALID or
 * -ENOMEM. */
static int take_apart(struct world_docker_answer *answer, const struct world_docker_known *known,
		      size_t n_known, struct text *rest, struct world_docker_network *network)
{
	struct json_cursor cursor = { .bytes = answer->json, .len = answer->len };
	struct json_span key, value;
	enum json_step step;
	bool has_containers = false;

	if (!json_open_object(&cursor))
		return world_docker_refuse(answer, "not JSON");
	while ((step = json_next_key(&cursor, &key)) == JSON_ELEMENT) {
		if (!has_containers && json_key_is(key.bytes, key.len, "Containers") &&
		    json_open_object(&cursor)) {
			int r = world_docker_endpoints(answer, &cursor, known, n_known, network);
			if (r)
				return r;
			has_containers = true;
			continue;
		}
		if (!json_take_value(&cursor, &value))
			return world_docker_refuse(answer, "not JSON");
		text_add(rest, rest->len ? ",\"" : "{\"");
		text_add_n(rest, key.bytes, (size_t)(value.bytes + value.len - key.bytes));
	}
	text_add(rest, rest->len ? "}" : "{}");
	if (step != JSON_END || !json_is_blank(&cursor))
		return world_docker_refuse(answer, "not JSON");
	return text_failed(rest) ? -ENOMEM : 0;
}

/* Where netd enforces nothing, containers are told of; sandboxes are Docker's own affair (swarm has
 * some on each overlay). */
static void leave_out_sandboxes(struct world_docker_network *network)
{
	size_t kept = 0;

	for (size_t i = 0; i < network->n_endpoints; i++)
		if (network->endpoints[i].kind == WORLD_CONTAINER)
			network->endpoints[kept++] = network->endpoints[i];
	network->n_endpoints = kept;
	network->n_named = 0;
}

int world_docker_network(struct world_docker_answer *answer, const struct world_docker_known *known,
			 size_t n_known, struct world_docker_network *ret)
{
	CLEANUP(text_done) struct text rest = { 0 };
	CLEANUP(json_freep) cJSON *json = NULL;
	struct world_docker_network people = { .n_endpoints = 0 };

	if (answer->len > LIMIT_DOCKER_BYTES)
		return world_docker_refuse(answer, "too large");
	int r = take_apart(answer, known, n_known, &rest, &people);
	if (r == 0)
		json = world_docker_part(answer, text_str(&rest), rest.len);
	if (r || !json)
		return r ? r : WORLD_E_INVALID;
	r = read_network(answer, json, ret);
	if (r)
		return r;
	ret->endpoints = people.endpoints;
	ret->n_endpoints = people.n_endpoints;
	ret->named = people.named;
	ret->n_named = people.n_named;
	ret->members = people.members;
	if (world_network_is_beyond(&ret->facts))
		leave_out_sandboxes(ret);
	return world_docker_flaw(answer, &ret->facts.flaw, world_docker_each_once(answer, ret));
}

/* ---- lists of them ---- */

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
