/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Docker's two ways to write published ports. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/world/docker-json.h"

static const struct ip_addr any4 = { .family = IP_V4 };
static const struct ip_addr any6 = { .family = IP_V6 };

/* One port with a protocol that has ports. */
static bool read_container_port(const char *text, struct port_range *ret)
{
	return text && port_range_parse(text, ret) == 0 &&
	       proto_has_ports((enum ip_proto)ret->proto) && ret->lo == ret->hi;
}

/* "" and ranges ("8000-8010"): Docker has not chosen yet, 0. */
static bool read_host_port(const char *text, uint16_t *ret)
{
	unsigned int port = 0;

	*ret = 0;
	if (!text || strchr(text, '-'))
		return true;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		port = port * 10 + (unsigned int)(*text - '0');
		if (port > 65535)
			return false;
	}
	*ret = (uint16_t)port;
	return true;
}

struct port_vec {
	struct world_published *items;
	size_t n, cap;
};

static int add_port(struct world_docker_answer *answer, struct port_vec *ports,
		    struct world_published entry)
{
	return VEC_PUSH(answer->arena, ports, entry);
}

static int add_binding(struct world_docker_answer *answer, const cJSON *binding,
		       struct world_published entry, struct port_vec *ports)
{
	const char *host_ip = json_text(binding, "HostIp");

	if (!read_host_port(json_text(binding, "HostPort"), &entry.host_port))
		return world_docker_refuse(answer, "HostPort: not a port");
	if (host_ip && *host_ip) {
		if (ip_parse(host_ip, &entry.host_ip) < 0)
			return world_docker_refuse(answer, "HostIp: not an address");
		return add_port(answer, ports, entry);
	}
	/* No address: Docker binds every one, of both families. */
	entry.host_ip = any4;
	int r = add_port(answer, ports, entry);
	if (r)
		return r;
	entry.host_ip = any6;
	return add_port(answer, ports, entry);
}

int world_docker_port_map(struct world_docker_answer *answer, const cJSON *map,
			  struct world_published **ret, size_t *ret_n)
{
	struct port_vec ports = { 0 };

	for (const cJSON *port = cJSON_IsObject(map) ? map->child : NULL; port; port = port->next) {
		struct world_published entry = { 0 };
		/* null or []: exposed, not published */
		const cJSON *binding = cJSON_IsArray(port) ? port->child : NULL;
		if (binding && !read_container_port(port->string, &entry.port))
			return world_docker_refuse(answer, "Ports: not a port of a container");
		for (; binding; binding = binding->next) {
			int r = add_binding(answer, binding, entry, &ports);
			if (r)
				return r;
		}
	}
	*ret = ports.items;
	*ret_n = world_sort_published(ports.items, ports.n);
	return 0;
}

static int add_listed_port(struct world_docker_answer *answer, const cJSON *port,
			   struct port_vec *ports)
{
	const char *host_ip = json_text(port, "IP");
	const char *type = json_text(port, "Type");
	struct world_published entry = { .host_ip = any4 };
	int64_t private = 0, public = 0;
	char text[PORT_RANGE_TEXT_LEN];

	/* Docker 28 lists what it opens at the container's own address with an address and without
	 * a port of the host; without either it is exposed, not published. */
	bool at_host = json_member(port, "PublicPort");
	if (!at_host && (!host_ip || !*host_ip))
		return 0;
	if ((at_host && !json_integer(json_member(port, "PublicPort"), 0, 65535, &public)) ||
	    !json_integer(json_member(port, "PrivatePort"), 1, 65535, &private))
		return world_docker_refuse(answer, "Ports: a port is not a number up to 65535");
	if (at_host && public == 0)
		return 0;
	(void)snprintf(text, sizeof(text), "%u/%.8s", (unsigned int)private, type ? type : "");
	if (!read_container_port(text, &entry.port))
		return world_docker_refuse(answer, "Ports: unknown Type");
	if (host_ip && *host_ip && ip_parse(host_ip, &entry.host_ip) < 0)
		return world_docker_refuse(answer, "Ports: IP is not an address");
	entry.host_port = (uint16_t) public;
	return add_port(answer, ports, entry);
}

int world_docker_port_list(struct world_docker_answer *answer, const cJSON *list,
			   struct world_published **ret, size_t *ret_n)
{
	struct port_vec ports = { 0 };

	for (const cJSON *port = cJSON_IsArray(list) ? list->child : NULL; port;
	     port = port->next) {
		int r = add_listed_port(answer, port, &ports);
		if (r)
			return r;
	}
	*ret = ports.items;
	*ret_n = world_sort_published(ports.items, ports.n);
	return 0;
}
