/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host on which things happen at random: ports, containers, networks, settings. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/diag.h"
#include "core/compile/again.h"
#include "core/world/store.h"
#include "tests/unit/test_again_policies.h"
#include "tests/unit/test_again_ports.h"

#define START 1767225600 /* 2026-01-01 */
enum { NETWORKS = 3, CONTAINERS = 24, PORTS = 30, IMAGES = 4 };

static const struct world_member members[] = { { "beta", { IP_V4, { 192, 0, 2, 7 } } },
					       { "gamma", { IP_V4, { 192, 0, 2, 8 } } } };
static const struct ip_addr resolvers[] = { { IP_V4, { 192, 0, 2, 1 } },
					    { IP_V4, { 192, 0, 2, 2 } } };

/* As Docker has it. */
struct container {
	bool there, labelled, read_only, has_ipv6, elsewhere;
	struct bindings published;
	unsigned int name, address, address6, mac, second_mac,
		second; /* the network after its own; 0: none */
	unsigned int image;
	uint64_t id;
};

struct host {
	struct world_store *store;
	struct container containers[CONTAINERS];
	unsigned int n_networks;
	bool dns[NETWORKS], routed[NETWORKS], internal[NETWORKS];
	unsigned int one_publishes_of; /* so many containers, about */
	bool unfiltered, no_proxy, dns_by_docker, is_podman;
	bool by_docker; /* what it says is told in Docker's answers, else as an inventory */
	struct world_port ports[PORTS];
	bool plugged[PORTS];
	const struct policy *policies[POLICIES];
	struct arena *arena;
	size_t policy, n_reused;
	size_t n_published; /* steps in which other ports are published, and the rest was reused */
	size_t n_other_chains; /* of these, with other chains */
	size_t n_renewed;      /* steps in which few containers changed, and the rest was reused */
	bool few;	       /* this is one in which few change */
	size_t n_by_image[2];  /* endpoints that the one on images kept out, and let in */
	int64_t now;
	uint64_t now_us;
	uint32_t stamp, mark_bit;
	uint16_t log_group;
	uint8_t mac; /* of the bridges */
	bool is_stamped;
};

static inline unsigned int below(unsigned int n)
{
	return (unsigned int)rand() % n;
}

static inline struct mac_addr mac_of(unsigned int n)
{
	return (struct mac_addr){ { 2, 0x42, 10, 0, (uint8_t)(n / 8), (uint8_t)(n % 8) } };
}

/* Some of what can be odd about a container is. */
static inline void change_container(struct host *host, unsigned int c)
{
	struct container *one = &host->containers[c];

	*one = (struct container){ .there = below(5) != 0,
				   .labelled = below(3) == 0,
				   .read_only = below(2),
				   .has_ipv6 = c % 2 == 0,
				   .name = below(3),
				   .address = c + 2,
				   .address6 = c + 2,
				   .mac = c,
				   .second = below(6) ? 0 : 1 + below(2),
				   .image = below(IMAGES),
				   .id = 1 + below(CONTAINERS * 8) };
	if (below(host->one_publishes_of) == 0)
		one->published = bind_at_random(c);
	if (below(30) == 0) /* another one's */
		one->address ^= 3u;
	if (below(30) == 0)
		one->address6 = 2 + below(2);
	if (below(30) == 0)
		one->mac = below(CONTAINERS + 1);
	one->second_mac = below(10) ? one->mac + 2 * CONTAINERS : one->mac;
	one->elsewhere = below(60) == 0;
	if (below(60) == 0) /* the gateway's, the last one of the network */
		one->address = below(2) ? 1 : 255;
}

static inline size_t print_endpoint(char *at, size_t size, const struct container *one,
				    unsigned int net, unsigned int number)
{
	struct mac_addr mac = mac_of(number);
	char text[MAC_TEXT_LEN], ipv6[48] = "", told[48] = "";

	if (one->has_ipv6)
		(void)snprintf(ipv6, sizeof(ipv6), "\"ipv6\":\"fd00:%u::%x\",", net, one->address6);
	if (number != CONTAINERS) /* which has none */
		(void)snprintf(told, sizeof(told), ",\"mac\":\"%s\"", mac_format(&mac, text));
	return (size_t)snprintf(at, size, "{\"network\":\"net%u\",%s\"ipv4\":\"10.%u.%u.%u\"%s}",
				net, ipv6, one->elsewhere ? 65 : 64, net, one->address, told);
}

static inline void print_container(char *at, size_t size, const struct host *host, unsigned int c)
{
	const struct container *one = &host->containers[c];
	unsigned int net = c % NETWORKS, second = (net + one->second) % NETWORKS;
	size_t n = (size_t)snprintf(at, size,
				    "{\"id\":\"%064x\",\"name\":\"c%u-%u\",\"image\":\"x\","
				    "\"labels\":{%s},%s\"endpoints\":[",
				    c + 1, c, one->name, one->labelled ? "\"tier\":\"b\"" : "",
				    one->read_only ? "\"posture\":{\"read-only\":true}," : "");

	n += print_endpoint(at + n, size - n, one, net, one->mac);
	if (second != net && second < host->n_networks) {
		n += (size_t)snprintf(at + n, size - n, ",");
		n += print_endpoint(at + n, size - n, one, second, one->second_mac);
	}
	CLEANUP(text_done) struct text published = { 0 };
	print_bindings(&published, &one->published);
	(void)snprintf(at + n, size - n, "],\"published\":[%s]},", text_str(&published));
}

static inline struct container *container_of(struct host *host, const struct store_object *object)
{
	return &host->containers[strtoul(object->id, NULL, 16) - 1];
}

/* An inventory is true for ever and names no endpoint; some of what Docker says is older than the
 * ports that come. */
static inline void date_endpoints(struct host *host)
{
	const struct world_store *store = host->store;

	for (size_t i = 0; i < store->networks.n; i++) {
		struct store_network *network = (struct store_network *)store->networks.by_id[i];
		for (size_t j = 0; j < network->n_endpoints; j++) {
			struct store_endpoint *endpoint = &network->endpoints[j];
			endpoint->id = container_of(host, &endpoint->container->object)->id;
			if (below(host->few ? 10 : 2) == 0)
				endpoint->asked = world_store_moment(host->store);
		}
	}
}

/* An inventory loses the ids of images, of which some are told of. */
static inline void give_images(struct host *host)
{
	struct world_store *store = host->store;
	char json[256];
	const char *error = "";

	for (size_t i = 0; i < store->containers.n; i++) {
		struct store_container *container =
			(struct store_container *)store->containers.by_id[i];
		(void)snprintf(container->facts.image_id, WORLD_ID_LEN, "%064x",
			       container_of(host, &container->object)->image);
	}
	for (unsigned int i = 0; i < IMAGES; i++) {
		int n = snprintf(json, sizeof(json),
				 "{\"Id\":\"sha256:%064x\",\"RepoDigests\":[\"x@sha256:%064x\"]}",
				 i, i + IMAGES);
		if (below(3))
			assert_int_equal(world_store_put_image(store, json, (size_t)n, &error), 0);
	}
}

/* Other reports and signatures, of images by one digest or the other; or none any more. */
static inline void tell_of_images(struct host *host)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct images *images = NULL;
	const char *comma = "";

	text_add(&text, "{\"keys\":[\"k.pem\",\"other.pem\"],\"refused\":[],\"reports\":[");
	for (unsigned int i = below(4); i > 0; i--, comma = ",")
		text_printf(&text,
			    "%s{\"file\":\"f\",\"scanner\":%u,\"made\":%u,\"found\":[0,0,0,0,1,%u],"
			    "\"digests\":[\"sha256:%064x\"]}",
			    comma, below(2), START + below(10) * 60, below(3) == 0,
			    below(2 * IMAGES));
	text_add(&text, "],\"signatures\":[");
	comma = "";
	for (unsigned int i = below(4); i > 0; i--, comma = ",")
		text_printf(&text, "%s{\"file\":\"f\",\"digest\":\"sha256:%064x\",\"keys\":%u}",
			    comma, below(2 * IMAGES), below(4));
	text_add(&text, "]}");
	assert_int_equal(images_parse(text_str(&text), text.len, &images), 0);
	if (below(5) == 0)
		images = images_free(images);
	world_store_set_reports(host->store, images);
}

static inline void tell_settings(struct host *host)
{
	world_store_set_unfiltered(host->store, IP_V6, host->unfiltered);
	world_store_set_docker(host->store, host->no_proxy, host->dns_by_docker);
	world_store_set_engine(host->store, host->is_podman ? "podman 5.4.2" : "26.1.5");
}

/* What Docker says from now on. */
static inline void tell(struct host *host)
{
	static char json[65536];
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct world *world;
	const char *error = "";
	size_t at = (size_t)snprintf(json, sizeof(json), "{\"version\":1,\"networks\":[");

	for (unsigned int n = 0; n < host->n_networks; n++)
		at += (size_t)snprintf(
			json + at, sizeof(json) - at,
			"%s{\"id\":\"%064x\",\"name\":\"net%u\",\"driver\":\"bridge\","
			"\"bridge\":\"br%u\",\"internal\":%s,%s\"subnets\":[\"10.64.%u.0/24\","
			"\"fd00:%u::/64\"],\"gateways\":[\"10.64.%u.1\"],\"dns\":%s}",
			n ? "," : "", n + 1, n, n, host->internal[n] ? "true" : "false",
			host->routed[n] ? "\"gateway_mode_ipv4\":\"routed\"," : "", n, n, n,
			host->dns[n] ? "true" : "false");
	at += (size_t)snprintf(json + at, sizeof(json) - at, "],\"containers\":[");
	for (unsigned int c = 0; c < CONTAINERS; c++)
		if (c % NETWORKS < host->n_networks && host->containers[c].there) {
			print_container(json + at, sizeof(json) - at, host, c);
			at += strlen(json + at);
		}
	at -= json[at - 1] == ',';
	(void)snprintf(json + at, sizeof(json) - at, "]}");
	if (world_parse_inventory(json, strlen(json), arena, &world, &error) != 0)
		fail_msg("%s", error);
	assert_int_equal(world_store_load(host->store, world), 0);
	tell_settings(host);
	date_endpoints(host);
	give_images(host);
}

static inline void answer(struct host *host,
			  int (*take)(struct world_store *, const char *, size_t, const char **),
			  const struct text *json)
{
	const char *error = "";

	world_store_answers_from(host->store, world_store_moment(host->store));
	if (take(host->store, text_str(json), json->len, &error) != 0)
		fail_msg("%s: %s", error, text_str(json));
}

static inline void print_network(struct text *out, const struct host *host, unsigned int n)
{
	text_printf(
		out,
		"{\"Id\":\"%064x\",\"Name\":\"net%u\",\"Driver\":\"bridge\",\"Internal\":%s,"
		"\"Options\":{%s\"com.docker.network.bridge.name\":\"br%u\"},\"IPAM\":{\"Config\":["
		"{\"Subnet\":\"10.64.%u.0/24\",\"Gateway\":\"10.64.%u.1\"},{\"Subnet\":"
		"\"fd00:%u::/64\"}]}",
		n + 1, n, host->internal[n] ? "true" : "false",
		host->routed[n] ? "\"com.docker.network.bridge.gateway_mode_ipv4\":\"routed\","
				: "",
		n, n, n, n);
}

static inline void print_member(struct text *out, const struct host *host, unsigned int c,
				unsigned int n)
{
	const struct container *one = &host->containers[c];
	bool second = (c + one->second) % NETWORKS == n && one->second;
	unsigned int number = second ? one->second_mac : one->mac;
	struct mac_addr mac = mac_of(number);
	char text[MAC_TEXT_LEN];

	if (!one->there || (c % NETWORKS != n && !second))
		return;
	text_printf(out,
		    "%s\"%064x\":{\"Name\":\"x\",\"EndpointID\":\"%016llx\",\"MacAddress\":\"%s\","
		    "\"IPv4Address\":\"10.%u.%u.%u/24\",\"IPv6Address\":\"",
		    text_str(out)[out->len - 1] == '{' ? "" : ",", c + 1,
		    (unsigned long long)one->id, number == CONTAINERS ? "" : mac_format(&mac, text),
		    one->elsewhere ? 65 : 64, n, one->address);
	if (one->has_ipv6)
		text_printf(out, "fd00:%u::%x/64", n, one->address6);
	text_add(out, "\"}");
}

static inline void print_listed(struct text *out, const struct host *host, unsigned int c)
{
	const struct container *one = &host->containers[c];

	text_printf(out,
		    "%s{\"Id\":\"%064x\",\"Names\":[\"/c%u-%u\"],\"Image\":\"x\",\"State\":"
		    "\"running\",\"Labels\":{%s},\"HostConfig\":{\"NetworkMode\":\"x\"},"
		    "\"Ports\":[",
		    out->len > 1 ? "," : "", c + 1, c, one->name,
		    one->labelled ? "\"tier\":\"b\"" : "");
	print_docker_bindings(out, &one->published);
	text_add(out, "]}");
}

/* Those of the containers that are others, or all. */
static inline void tell_by_answers(struct host *host, const bool *changed)
{
	struct text networks = { 0 }, containers = { 0 };
	char id[WORLD_ID_LEN];

	text_add(&networks, "[");
	for (unsigned int n = 0; n < NETWORKS; n++) {
		text_add(&networks, n ? "," : "");
		print_network(&networks, host, n);
		text_add(&networks, "}");
	}
	text_add(&networks, "]");
	text_add(&containers, "[");
	for (unsigned int c = 0; c < CONTAINERS; c++) {
		(void)snprintf(id, sizeof(id), "%064x", c + 1);
		if (changed[c] && host->containers[c].there)
			print_listed(&containers, host, c);
		else if (changed[c])
			world_store_remove_container(host->store, id);
	}
	text_add(&containers, "]");
	answer(host, world_store_set_networks, &networks);
	answer(host, world_store_put_containers, &containers);
	text_done(&networks);
	text_done(&containers);
	for (unsigned int n = 0; n < NETWORKS; n++) {
		CLEANUP(text_done) struct text network = { 0 };
		print_network(&network, host, n);
		text_add(&network, ",\"Containers\":{");
		for (unsigned int c = 0; c < CONTAINERS; c++)
			print_member(&network, host, c, n);
		text_add(&network, "}}");
		answer(host, world_store_put_network, &network);
	}
}

static inline void tell_changed(struct host *host, const bool *changed)
{
	if (host->by_docker)
		tell_by_answers(host, changed);
	else
		tell(host);
}

/* Any of the networks and containers. */
static inline void change_all(struct host *host)
{
	bool changed[CONTAINERS];

	host->n_networks = NETWORKS - (below(4) == 0);
	host->one_publishes_of = below(3) ? 3 : 25;
	for (unsigned int n = 0; n < NETWORKS; n++) {
		host->dns[n] = below(3) == 0;
		host->routed[n] = below(6) == 0;
		host->internal[n] = below(12) == 0;
	}
	for (unsigned int c = 0; c < CONTAINERS; c++) {
		change_container(host, c);
		changed[c] = true;
	}
	tell_changed(host, changed);
}

/* Containers that start, end, or are others than they were. */
static inline void change_few(struct host *host)
{
	bool changed[CONTAINERS] = { false };

	host->few = true;
	for (unsigned int i = below(3) + 1; i > 0; i--) {
		unsigned int c = below(CONTAINERS);
		change_container(host, c);
		changed[c] = true;
	}
	tell_changed(host, changed);
}

/* One port more, less, another, or with the MAC of another one. */
static inline void change_port(struct host *host)
{
	unsigned int i = below(PORTS);
	struct world_port *port = &host->ports[i];

	host->plugged[i] = below(4) != 0;
	(void)snprintf(port->ifname, sizeof(port->ifname), "veth%02u", i);
	memset(port->bridge, 0, sizeof(port->bridge));
	(void)snprintf(port->bridge, sizeof(port->bridge), "br%u",
		       below(8) ? i % NETWORKS : below(NETWORKS + 1));
	port->ifindex = i + 100 + below(2);
	port->kind = below(100) ? WORLD_PORT_CONTAINER : WORLD_PORT_CABLE;
	port->peer_mac =
		below(6) ? mac_of(below(8) ? i : below(CONTAINERS)) : (struct mac_addr){ { 0 } };
}

static inline void tell_ports(struct host *host, bool stacked)
{
	struct world_port ports[PORTS];
	struct world_bridge bridges[NETWORKS + 1];
	const struct world_bridges all = { .items = bridges, .n = NETWORKS + 1 };
	size_t n = 0;

	memset(bridges, 0, sizeof(bridges));
	for (size_t i = 0; i < PORTS; i++)
		if (host->plugged[i])
			ports[n++] = host->ports[i];
	for (unsigned int b = 0; b <= NETWORKS; b++) {
		(void)snprintf(bridges[b].name, sizeof(bridges[b].name), "br%u", b);
		bridges[b].ifindex = b + 1 + (b == NETWORKS ? below(2) : 0); /* made anew */
		bridges[b].mac.bytes[5] = (uint8_t)(b + host->mac);
		bridges[b].stacked = stacked && b == 0;
	}
	assert_int_equal(world_store_set_ports(host->store, ports, n), 0);
	assert_int_equal(world_store_set_bridges(host->store, &all), 0);
	if (below(2)) {
		world_store_reading_begins(host->store);
		world_store_reading_ended(host->store);
	}
}

/* One of what a compilation is made of besides. */
static inline void change_setting(struct host *host)
{
	unsigned int what = below(9);

	if (what == 0)
		host->mark_bit ^= COMPILE_MARK_BIT ^ COMPILE_MARK_BIT << 1;
	else if (what == 1)
		host->log_group ^= COMPILE_LOG_GROUP;
	else if (what == 2)
		host->mac ^= 0x80;
	else if (what == 3)
		host->is_stamped = !host->is_stamped;
	else if (what == 5)
		assert_int_equal(world_store_set_members(host->store, members, below(3)), 0);
	else if (what == 4)
		assert_int_equal(world_store_set_resolvers(host->store, resolvers, below(3)), 0);
	else
		host->now = START + (int64_t)below(10) * 60; /* the clock may be set back */
	host->unfiltered = below(20) == 0;
	host->no_proxy = below(20) == 0;
	host->dns_by_docker = below(20) == 0;
	host->is_podman = below(20) == 0;
	tell_settings(host);
}

static inline void happen(struct host *host)
{
	unsigned int what = below(40);

	host->few = false;
	host->now_us += below(3) * WORLD_HOLD_US / 2;
	if (what == 0)
		change_all(host);
	else if (what >= 20)
		change_few(host);
	else if (what == 1)
		host->policy = below(2) ? with_elements_alone[below(ARRAY_LEN(with_elements_alone))]
					: below(POLICIES);
	else if (what < 5)
		change_setting(host);
	else if (what == 5)
		tell_of_images(host);
	if ((what > 5 && what < 20) || (what >= 20 && below(2)))
		for (unsigned int i = below(3) + 1; i > 0; i--)
			change_port(host);
	tell_ports(host, below(40) == 0);
}
