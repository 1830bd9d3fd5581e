/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A snapshot as inventory JSON, in one canonical form: two spaces, fixed key order, optional keys
 * only where they say something. */
#include <string.h>

#include "core/base/text.h"
#include "core/world/world.h"

/* The number of a character of @len bytes. */
static unsigned int code_point(const char *bytes, size_t len)
{
	static const unsigned char first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	unsigned int code = (unsigned char)bytes[0] & first_bits[len];

	for (size_t i = 1; i < len; i++)
		code = code << 6 | ((unsigned char)bytes[i] & 0x3f);
	return code;
}

static void print_escaped(struct text *out, unsigned int code)
{
	if (code > 0xffff) {
		text_printf(out, "\\u%04x", 0xd800 + ((code - 0x10000) >> 10));
		code = 0xdc00 + (code & 0x3ff);
	}
	text_printf(out, "\\u%04x", code);
}

/* People read this: what a terminal obeys is written as an escape. */
static void print_string(struct text *out, const char *string)
{
	size_t left = strlen(string), control = 0;

	text_add_n(out, "\"", 1);
	for (const char *start = string; left > 0; start = string) {
		while (left > 0 && *string != '"' && *string != '\\' &&
		       (control = text_control_len(string, left)) == 0) {
			string++;
			left--;
		}
		text_add_n(out, start, (size_t)(string - start));
		if (left == 0)
			break;
		size_t len = *string == '"' || *string == '\\' ? 1 : control;
		if (len == 1 && (*string == '"' || *string == '\\'))
			text_printf(out, "\\%c", *string);
		else
			print_escaped(out, code_point(string, len));
		string += len;
		left -= len;
	}
	text_add_n(out, "\"", 1);
}

/* @indent (and what stands before it), then "key": "value". */
static void print_member(struct text *out, const char *indent, const char *key, const char *value)
{
	text_printf(out, "%s\"%s\": ", indent, key);
	print_string(out, value);
}

static void print_addresses(struct text *out, const struct ip_addr *items, size_t n)
{
	char text[IP_TEXT_LEN];

	text_add(out, "[");
	for (size_t i = 0; i < n; i++)
		text_printf(out, "%s\"%s\"", i ? ", " : "", ip_format(&items[i], text));
	text_add(out, "]");
}

static void print_parent(struct text *out, const struct world *world,
			 const struct world_network *network)
{
	if (!network->parent[0])
		return;
	print_member(out, ",\n      ", "parent", network->parent);
	if (!world_find_parent(world, network))
		text_add(out, ",\n      \"parent_hooks\": false");
	if (network->siblings != WORLD_SIBLINGS_TOGETHER)
		print_member(out, ",\n      ", "macvlan_mode",
			     world_siblings_name(network->siblings));
}

static void print_network(struct text *out, const struct world *world,
			  const struct world_network *network)
{
	char text[PREFIX_TEXT_LEN];

	print_member(out, "    {\n      ", "id", network->id);
	print_member(out, ",\n      ", "name", network->name);
	print_member(out, ",\n      ", "driver", network->driver);
	print_member(out, ",\n      ", "bridge", network->bridge);
	print_parent(out, world, network);
	text_printf(out, ",\n      \"internal\": %s", network->internal ? "true" : "false");
	if (network->dns)
		text_add(out, ",\n      \"dns\": true");
	if (!network->icc)
		text_add(out, ",\n      \"icc\": false");
	if (network->no_masquerade)
		text_add(out, ",\n      \"masquerade\": false");
	for (size_t i = 0; i < ARRAY_LEN(network->modes); i++)
		if (network->modes[i] != WORLD_GATEWAY_NAT)
			print_member(out, ",\n      ",
				     i ? "gateway_mode_ipv6" : "gateway_mode_ipv4",
				     world_gateway_mode_name(network->modes[i]));
	if (network->isolation != WORLD_ISOLATION_UNSAID)
		print_member(out, ",\n      ", "isolate", world_isolation_name(network->isolation));
	if (network->flaw)
		print_member(out, ",\n      ", "flaw", network->flaw);
	text_add(out, ",\n      \"subnets\": [");
	for (size_t i = 0; i < network->n_subnets; i++)
		text_printf(out, "%s\"%s\"", i ? ", " : "",
			    ip_prefix_format(&network->subnets[i], text));
	text_add(out, "],\n      \"gateways\": ");
	print_addresses(out, network->gateways, network->n_gateways);
	text_add(out, "\n    }");
}

/* The name, or the id where two networks have that name. */
static const char *network_ref(const struct world *world, uint32_t index)
{
	const struct world_network *all = world->networks;
	const char *name = all[index].name;
	bool before = index > 0 && strcmp(all[index - 1].name, name) == 0;
	bool after = index + 1 < world->n_networks && strcmp(all[index + 1].name, name) == 0;

	return before || after ? all[index].id : name;
}

static void print_endpoint(struct text *out, const struct world *world,
			   const struct world_endpoint *endpoint)
{
	char text[IP_TEXT_LEN];

	print_member(out, "        {", "network", network_ref(world, endpoint->network));
	if (endpoint->ipv4.family != IP_NONE)
		print_member(out, ", ", "ipv4", ip_format(&endpoint->ipv4, text));
	if (endpoint->ipv6.family != IP_NONE)
		print_member(out, ", ", "ipv6", ip_format(&endpoint->ipv6, text));
	if (!mac_is_zero(&endpoint->mac))
		print_member(out, ", ", "mac", mac_format(&endpoint->mac, text));
	if (endpoint->gw_priority)
		text_printf(out, ", \"gw_priority\": %d", (int)endpoint->gw_priority);
	text_add(out, "}");
}

/* An empty list says that there are none; without one, nobody looked. */
static void print_traits(struct text *out, const struct world_container *container)
{
	enum world_trait trait;
	const char *name, *gap = "";

	if (!container->inspected)
		return;
	text_add(out, ",\n      \"traits\": [");
	for (size_t i = 0; (name = world_trait_name(i, &trait)); i++) {
		if (!(container->traits & trait))
			continue;
		text_printf(out, "%s\"%s\"", gap, name);
		gap = ", ";
	}
	text_add(out, "]");
}

/* Nothing but what is known; an environment has no values here. */
static void print_posture(struct text *out, const struct posture *posture)
{
	const char *gap = "\n";
	const char *name;

	if (!posture_is_known(posture))
		return;
	text_add(out, ",\n      \"posture\": {");
	for (unsigned int i = 0; i < POSTURE_STORED; i++) {
		if (posture->facts[i] == POSTURE_UNKNOWN)
			continue;
		text_printf(out, "%s        \"%s\": %s", gap,
			    posture_fact_name((enum posture_fact)i),
			    posture->facts[i] == POSTURE_YES ? "true" : "false");
		gap = ",\n";
	}
	if (posture->image) {
		text_add(out, gap);
		print_member(out, "        ", "image", posture->image);
		gap = ",\n";
	}
	if (posture->facts[POSTURE_DROPS_ALL] != POSTURE_UNKNOWN) {
		text_printf(out, "%s        \"capabilities\": [", gap);
		bool all = posture->capabilities == POSTURE_ALL_CAPABILITIES;
		text_add(out, all ? "\"ALL\"" : "");
		gap = "";
		for (unsigned int i = 0; !all && (name = posture_capability_name(i)); i++)
			if (posture->capabilities & UINT64_C(1) << i) {
				text_printf(out, "%s\"%s\"", gap, name);
				gap = ", ";
			}
		text_add(out, "]");
	}
	text_add(out, "\n      }");
}

/* Those that are not the container's own. */
static void print_origins(struct text *out, const struct world_container *container)
{
	static const struct {
		enum world_origin origin;
		const char *key;
	} lists[] = { { WORLD_IMAGE, "image_labels" }, { WORLD_UNTOLD, "untold_labels" } };

	for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
		size_t n = 0;
		for (size_t i = 0; i < container->n_labels; i++) {
			if (container->labels[i].origin != lists[l].origin)
				continue;
			if (n++ == 0)
				text_printf(out, ",\n      \"%s\": [", lists[l].key);
			else
				text_add(out, ", ");
			print_string(out, container->labels[i].key);
		}
		text_add(out, n ? "]" : "");
	}
}

static void print_labels(struct text *out, const struct world_container *container)
{
	text_add(out, ",\n      \"labels\": {");
	for (size_t i = 0; i < container->n_labels; i++) {
		text_add(out, i ? ",\n        " : "\n        ");
		print_string(out, container->labels[i].key);
		text_add(out, ": ");
		if (container->labels[i].value)
			print_string(out, container->labels[i].value);
		else
			text_add(out, "null");
	}
	text_add(out, container->n_labels ? "\n      }" : "}");
	if (container->labels_cut)
		text_add(out, ",\n      \"labels_cut\": true");
	print_origins(out, container);
}

static void print_published(struct text *out, const struct world_container *container)
{
	char host_ip[IP_TEXT_LEN], port[PORT_RANGE_TEXT_LEN];

	text_add(out, ",\n      \"published\": [");
	for (size_t i = 0; i < container->n_published; i++) {
		const struct world_published *entry = &container->published[i];
		text_printf(
			out,
			"%s\n        {\"host_ip\": \"%s\", \"host_port\": %u, \"port\": \"%s\"}",
			i ? "," : "", ip_format(&entry->host_ip, host_ip), entry->host_port,
			port_range_format(&entry->port, port));
	}
	text_add(out, container->n_published ? "\n      ]" : "]");
}

static void print_image(struct text *out, const struct world *world, const char *id)
{
	const struct world_image *image = world_find_image(world, id);

	if (*id)
		text_printf(out, ",\n      \"image_id\": \"sha256:%s\"", id);
	if (!image)
		return;
	text_add(out, ",\n      \"image_digests\": [");
	for (size_t k = 0; k < image->n_digests; k++)
		text_printf(out, "%s\"sha256:%s\"", k ? ", " : "", image->digests[k].hex);
	text_add(out, "]");
}

/* @next: the first endpoint that belongs to this container or a later one. */
static void print_container(struct text *out, const struct world *world, size_t index, size_t *next)
{
	const struct world_container *container = &world->containers[index];
	bool first = true;

	print_member(out, "    {\n      ", "id", container->id);
	print_member(out, ",\n      ", "name", container->name);
	if (container->kind != WORLD_CONTAINER)
		print_member(out, ",\n      ", "kind", world_kind_name(container->kind));
	if (*container->image)
		print_member(out, ",\n      ", "image", container->image);
	print_image(out, world, container->image_id);
	if (*container->network_mode)
		print_member(out, ",\n      ", "network_mode", container->network_mode);
	if (!container->known)
		text_add(out, ",\n      \"known\": false");
	if (container->flaw)
		print_member(out, ",\n      ", "flaw", container->flaw);
	print_traits(out, container);
	print_posture(out, &container->posture);
	print_labels(out, container);
	if (container->n_dns) {
		text_add(out, ",\n      \"dns\": ");
		print_addresses(out, container->dns, container->n_dns);
	}
	text_add(out, ",\n      \"endpoints\": [");
	for (; *next < world->n_endpoints && world->endpoints[*next].container == index; ++*next) {
		text_add(out, first ? "\n" : ",\n");
		print_endpoint(out, world, &world->endpoints[*next]);
		first = false;
	}
	text_add(out, first ? "]" : "\n      ]");
	print_published(out, container);
	text_add(out, "\n    }");
}

/* One for each address: a host has one, mostly. */
static void print_members(struct text *out, const struct world *world)
{
	char addr[IP_TEXT_LEN];

	for (size_t i = 0; i < world->n_members; i++) {
		text_add(out, i ? ",\n    {" : "  \"hosts\": [\n    {");
		print_member(out, "", "name", world->members[i].host);
		text_printf(out, ", \"address\": \"%s\"}",
			    ip_format(&world->members[i].addr, addr));
	}
	text_add(out, world->n_members ? "\n  ],\n" : "");
}

char *world_print_inventory(const struct world *world)
{
	CLEANUP(text_done) struct text out = { 0 };
	size_t next = 0;

	text_add(&out, "{\n  \"version\": 1,\n");
	if (world->n_resolvers) {
		text_add(&out, "  \"resolvers\": ");
		print_addresses(&out, world->resolvers, world->n_resolvers);
		text_add(&out, ",\n");
	}
	if (world->n_host_addrs) {
		text_add(&out, "  \"host_addresses\": ");
		print_addresses(&out, world->host_addrs, world->n_host_addrs);
		text_add(&out, ",\n");
	}
	print_members(&out, world);
	for (size_t i = 0; i < ARRAY_LEN(world->unfiltered); i++)
		if (world->unfiltered[i])
			text_printf(&out, "  \"%s\": false,\n", i ? "ip6tables" : "iptables");
	if (world->dns_by_docker)
		text_add(&out, "  \"docker_dns\": true,\n");
	if (world->no_proxy)
		text_add(&out, "  \"userland_proxy\": false,\n");
	if (world->engine) {
		print_member(&out, "  ", "engine", world->engine);
		text_add(&out, ",\n");
	}
	text_add(&out, "  \"networks\": [");
	for (size_t i = 0; i < world->n_networks; i++) {
		text_add(&out, i ? ",\n" : "\n");
		print_network(&out, world, &world->networks[i]);
	}
	text_add(&out, world->n_networks ? "\n  ],\n" : "],\n");
	text_add(&out, "  \"containers\": [");
	for (size_t i = 0; i < world->n_containers; i++) {
		text_add(&out, i ? ",\n" : "\n");
		print_container(&out, world, i, &next);
	}
	text_add(&out, world->n_containers ? "\n  ]\n}\n" : "]\n}\n");
	return text_take(&out);
}
