/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Usage: events ENDPOINTS PORTS ROUNDS [published]   What netd itself does of an event, step by
 * step, in microseconds of processor time: from Docker's answers, as they come from the socket, and
 * the kernel's word of a port to the batch for the kernel. The steps are the daemon's
 * (daemon/generation.c, daemon/reconcile.c), without Docker and the kernel. In turn a port is
 * plugged in and out, and a container starts and ends, with its port; `published`: it publishes
 * one. One line for each kind of event and step: median and 99 of 100. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/json-pick.h"
#include "core/base/limits.h"
#include "core/compile/again.h"
#include "core/world/docker-want.h"
#include "core/world/world-store.h"
#include "edge/fw/encode.h"

enum { PER_NETWORK = 1000, MOST_NETWORKS = 64, START = 1767225600 };

enum event { EVENT_PORT, EVENT_START, EVENT_END, EVENTS };
static const char *const event_names[] = { "port", "start", "end" };

enum step {
	STEP_ANSWERS,
	STEP_PORTS,
	STEP_SNAPSHOT,
	STEP_HELD,
	STEP_COMPILE,
	STEP_DIFF,
	STEP_ENCODE,
	STEP_ALL,
	STEPS
};
static const char *const step_names[] = { "answers", "ports",	   "snapshot", "held",
					  "compile", "difference", "encode",   "together" };

struct generation {
	struct arena *arena, *base;
	struct compile_input in;
	struct world_held held;
	struct compile_output output;
};

struct bench {
	struct world_store *store;
	struct arena *arena; /* of the policy */
	const struct policy *policy;
	struct world_port *ports;
	unsigned int n_endpoints, n_ports, n_networks;
	bool publishes;
	struct generation now;
	uint64_t now_us;
	uint32_t stamp;
	double *took[EVENTS][STEPS];
	size_t n_took[EVENTS], n_reused[EVENTS];
	double one[STEPS]; /* of the event at hand */
};

static void must(int r, const char *what)
{
	if (!r)
		return;
	(void)fprintf(stderr, "events: %s: %d\n", what, r);
	exit(1);
}

static double cpu_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* ---- what Docker and the kernel say ---- */

static struct mac_addr mac_of(unsigned int i)
{
	return (struct mac_addr){ { 2, 0x42, (uint8_t)(i >> 24), (uint8_t)(i >> 16),
				    (uint8_t)(i >> 8), (uint8_t)i } };
}

static void print_network(struct text *out, unsigned int n)
{
	text_printf(out,
		    "{\"Id\":\"%064x\",\"Name\":\"net%u\",\"Driver\":\"bridge\",\"Options\":"
		    "{\"com.docker.network.bridge.name\":\"br%u\"},\"IPAM\":{\"Config\":["
		    "{\"Subnet\":\"10.%u.0.0/16\",\"Gateway\":\"10.%u.0.1\"}]}",
		    n + 1, n, n, n + 64, n + 64);
}

static void print_endpoint(struct text *out, unsigned int i)
{
	struct mac_addr mac = mac_of(i);
	char text[MAC_TEXT_LEN];

	text_printf(out,
		    "\"%064x\":{\"Name\":\"c%u\",\"EndpointID\":\"%016x%048x\",\"MacAddress\":"
		    "\"%s\",\"IPv4Address\":\"10.%u.%u.%u/16\",\"IPv6Address\":\"\"}",
		    i + 1, i, i + 1, 0, mac_format(&mac, text), 64 + i / PER_NETWORK,
		    1 + i % PER_NETWORK / 250, 2 + i % 250);
}

static void print_container(struct text *out, const struct bench *b, unsigned int i)
{
	text_printf(out,
		    "{\"Id\":\"%064x\",\"Names\":[\"/c%u\"],\"Image\":\"bench\",\"State\":"
		    "\"running\",\"Labels\":{\"tier\":\"t%u\"},\"HostConfig\":{\"NetworkMode\":"
		    "\"net%u\"},\"Ports\":[",
		    i + 1, i, i % 8, i / PER_NETWORK);
	if (b->publishes)
		text_printf(out,
			    "{\"IP\":\"0.0.0.0\",\"PrivatePort\":80,\"PublicPort\":%u,\"Type\":"
			    "\"tcp\"}",
			    20000 + i);
	text_add(out, "]}");
}

typedef int take_answer(struct world_store *store, const char *json, size_t len,
			const char **error);

/* In pieces, as a socket has them. */
static void take(struct bench *b, const struct text *json, const struct json_want *wants,
		 take_answer *put)
{
	enum { PIECE = 16384 };
	CLEANUP(text_done) struct text picked = { 0 };
	const char *error = "";
	double begin = cpu_us();
	struct json_pick *pick = json_pick_new(wants, NULL, LIMIT_DOCKER_BYTES, false);

	for (size_t at = 0, n; at < json->len; at += n) {
		n = json->len - at < PIECE ? json->len - at : PIECE;
		must(json_pick_feed(pick, json->bytes + at, n, &picked), "pick");
	}
	(void)json_pick_free(pick);
	world_store_answers_from(b->store, world_store_moment(b->store));
	must(put(b->store, picked.bytes, picked.len, &error), error);
	b->one[STEP_ANSWERS] += cpu_us() - begin;
}

/* The network with all its endpoints, without the last one of them if it is not there. */
static void tell_network(struct bench *b, unsigned int n, unsigned int without)
{
	CLEANUP(text_done) struct text json = { 0 };
	const char *comma = "";

	print_network(&json, n);
	text_add(&json, ",\"Containers\":{");
	for (unsigned int i = n * PER_NETWORK; i < b->n_endpoints && i < (n + 1) * PER_NETWORK; i++)
		if (i != without) {
			text_add(&json, comma);
			print_endpoint(&json, i);
			comma = ",";
		}
	text_add(&json, "}}");
	take(b, &json, world_want_network, world_store_put_network);
}

static void tell_container(struct bench *b, unsigned int i)
{
	CLEANUP(text_done) struct text json = { 0 };

	text_add(&json, "[");
	print_container(&json, b, i);
	text_add(&json, "]");
	take(b, &json, world_want_containers, world_store_put_containers);
}

/* Ports 0 to n_ports - 1, without one of them. */
static void tell_ports(struct bench *b, unsigned int without)
{
	struct world_port *ports = calloc(b->n_ports + 1, sizeof(*ports));
	struct world_bridge bridges[MOST_NETWORKS];
	const struct world_bridges all = { .items = bridges, .n = b->n_networks };
	size_t n = 0;

	memset(bridges, 0, sizeof(bridges));
	for (unsigned int i = 0; ports && i < b->n_ports; i++)
		if (i != without)
			ports[n++] = b->ports[i];
	for (unsigned int i = 0; i < b->n_networks; i++) {
		(void)snprintf(bridges[i].name, sizeof(bridges[i].name), "br%u", i);
		bridges[i].ifindex = i + 1;
		bridges[i].mac.bytes[5] = (uint8_t)(i + 1);
	}
	double begin = cpu_us();
	must(world_store_set_ports(b->store, ports, n), "ports");
	must(world_store_set_bridges(b->store, &all), "bridges");
	b->one[STEP_PORTS] += cpu_us() - begin;
	free(ports);
}

static void tell_all(struct bench *b)
{
	CLEANUP(text_done) struct text networks = { 0 }, containers = { 0 };
	const char *error = "";

	for (unsigned int n = 0; n < b->n_networks; n++) {
		text_add(&networks, n ? "," : "[");
		print_network(&networks, n);
		text_add(&networks, "}");
	}
	for (unsigned int i = 0; i < b->n_endpoints; i++) {
		text_add(&containers, i ? "," : "[");
		print_container(&containers, b, i);
	}
	text_add(&networks, "]");
	text_add(&containers, "]");
	world_store_reading_begins(b->store);
	must(world_store_set_networks(b->store, text_str(&networks), networks.len, &error), error);
	must(world_store_set_containers(b->store, text_str(&containers), containers.len, &error),
	     error);
	world_store_reading_ended(b->store);
	b->ports = calloc(b->n_ports, sizeof(*b->ports));
	for (unsigned int i = 0; b->ports && i < b->n_ports; i++) {
		struct world_port *port = &b->ports[i];
		(void)snprintf(port->ifname, sizeof(port->ifname), "veth%07u", i);
		(void)snprintf(port->bridge, sizeof(port->bridge), "br%u", i / PER_NETWORK);
		port->ifindex = i + 100;
		port->peer_mac = mac_of(i);
	}
	tell_ports(b, UINT32_MAX);
	for (unsigned int n = 0; n < b->n_networks; n++)
		tell_network(b, n, UINT32_MAX);
}

/* ---- what netd does ---- */

static void lap(struct bench *b, enum step step, double *begin)
{
	double now = cpu_us();

	b->one[step] += now - *begin;
	*begin = now;
}

static void commit(struct bench *b, const struct generation *next)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	CLEANUP(fw_batch_done) struct fw_batch batch = { 0 };
	struct fw_encode_options options = { .whole = !b->now.arena };
	const struct ruleset *from = b->now.arena ? b->now.output.ruleset : NULL;
	struct rs_diff diff;
	double begin = cpu_us();

	must(ruleset_diff(from, next->output.ruleset, scratch, &diff), "difference");
	if (!from || diff.takes_away) {
		b->stamp += 2;
		ruleset_set_stamp(next->output.ruleset, b->stamp);
		must(ruleset_diff(from, next->output.ruleset, scratch, &diff), "difference");
	}
	lap(b, STEP_DIFF, &begin);
	must(fw_batch_begin(&batch, 1), "batch");
	must(fw_encode(&batch, &diff, &options), "encode");
	must(fw_batch_end(&batch), "batch");
	lap(b, STEP_ENCODE, &begin);
}

static void reconcile(struct bench *b, enum event event)
{
	struct generation next = { .arena = arena_new() };
	struct world_waiting *waiting = arena_alloc(next.arena, sizeof(*waiting));
	const struct compile_before before = { &b->now.in, &b->now.output, b->now.base };
	struct compile_result result;
	const struct world *world;
	const char *why = NULL;
	double begin = cpu_us();

	must(world_store_snapshot(b->store, next.arena, &world), "snapshot");
	lap(b, STEP_SNAPSHOT, &begin);
	b->now_us += WORLD_HOLD_US / 2;
	const struct world_hold_time time = { b->now_us, waiting };
	must(world_hold_back(b->now.arena ? &b->now.held : NULL, world, &time, next.arena,
			     &next.held),
	     "held");
	lap(b, STEP_HELD, &begin);
	next.in = (struct compile_input){ .policy = b->policy,
					  .world = next.held.world,
					  .stamp = b->stamp,
					  .mark_bit = COMPILE_MARK_BIT,
					  .log_group = COMPILE_LOG_GROUP,
					  .now = START };
	must(compile_again(&next.in, b->now.arena ? &before : NULL, next.arena, &result, &why),
	     "compile");
	next.output = result.output;
	next.base = result.base;
	lap(b, STEP_COMPILE, &begin);
	commit(b, &next);
	next.in.stamp = next.output.ruleset->stamp;
	b->n_reused[event] += result.reused;
	for (size_t i = 0; i < next.in.world->n_endpoints; i++) {
		const struct world_port *port = compile_port(&next.output.assignments[i]);
		if (port && port->owner == 0)
			world_store_set_owner(b->store, port, next.in.world->endpoints[i].id);
	}
	(void)arena_free(b->now.arena);
	b->now = next;
}

/* ---- figures ---- */

static void note(struct bench *b, enum event event)
{
	b->one[STEP_ALL] = 0;
	for (int step = 0; step < STEP_ALL; step++)
		b->one[STEP_ALL] += b->one[step];
	for (int step = 0; step < STEPS; step++)
		b->took[event][step][b->n_took[event]] = b->one[step];
	b->n_took[event]++;
	memset(b->one, 0, sizeof(b->one));
}

static int by_value(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static void print(struct bench *b)
{
	for (int event = 0; event < EVENTS; event++) {
		size_t n = b->n_took[event];
		for (int step = 0; step < STEPS; step++) {
			double *took = b->took[event][step];
			qsort(took, n, sizeof(*took), by_value);
			(void)printf("%s %s %.0f %.0f\n", event_names[event], step_names[step],
				     took[n / 2], took[n * 99 / 100]);
		}
		(void)printf("%s reused %zu %zu\n", event_names[event], b->n_reused[event], n);
	}
}

/* Container @i ends, and starts again, with its port. */
static void restart(struct bench *b, unsigned int i)
{
	char network[65], container[65];

	(void)snprintf(network, sizeof(network), "%064x", i / PER_NETWORK + 1);
	(void)snprintf(container, sizeof(container), "%064x", i + 1);
	double begin = cpu_us();
	world_store_disconnect(b->store, network, container);
	world_store_remove_container(b->store, container);
	b->one[STEP_ANSWERS] += cpu_us() - begin;
	tell_ports(b, i);
	reconcile(b, EVENT_END);
	note(b, EVENT_END);
	tell_ports(b, UINT32_MAX);
	memset(b->one, 0, sizeof(b->one)); /* the kernel tells of the port first: that is `port` */
	tell_container(b, i);
	tell_network(b, i / PER_NETWORK, UINT32_MAX);
	reconcile(b, EVENT_START);
	note(b, EVENT_START);
}

static void make_policy(struct bench *b)
{
	CLEANUP(text_done) struct text yaml = { 0 };
	struct diag_list diags = { .arena = b->arena };

	text_add(&yaml, "version: 1\ntiers:\n");
	for (unsigned int n = 0; n < b->n_networks; n++)
		text_printf(&yaml, "  t%u: {match: [{network: net%u}]}\n", n, n);
	text_add(&yaml, "allow:\n");
	for (unsigned int n = 1; n < b->n_networks; n++)
		text_printf(&yaml, "  - {from: t%u, to: t%u, ports: [443/tcp]}\n", n - 1, n);
	text_add(&yaml, "  - {from: internet, to: t0, ports: [80/tcp]}\n");
	const struct policy_source source = { "bench.yaml", text_str(&yaml), yaml.len };
	must(policy_parse(&source, 1, b->arena, &diags, &b->policy), "policy");
}

int main(int argc, char **argv)
{
	struct bench b = { .store = world_store_new(), .arena = arena_new(), .stamp = 0x80000000u };
	size_t rounds = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;

	if (rounds == 0) {
		(void)fprintf(stderr, "Usage: events ENDPOINTS PORTS ROUNDS [published]\n");
		return 2;
	}
	b.n_endpoints = (unsigned int)strtoul(argv[1], NULL, 10);
	b.n_ports = (unsigned int)strtoul(argv[2], NULL, 10);
	b.n_networks = (b.n_endpoints + PER_NETWORK - 1) / PER_NETWORK;
	b.publishes = argc > 4;
	must(b.n_networks > MOST_NETWORKS || b.n_ports > b.n_endpoints, "too many");
	for (int event = 0; event < EVENTS; event++)
		for (int step = 0; step < STEPS; step++)
			b.took[event][step] = calloc(rounds, sizeof(double));
	make_policy(&b);
	tell_all(&b);
	for (int i = 0; i < 4; i++) /* the last one: nobody is held any more */
		reconcile(&b, EVENT_PORT);
	memset(b.one, 0, sizeof(b.one));
	memset(b.n_reused, 0, sizeof(b.n_reused));
	for (size_t i = 0; i < rounds; i++) {
		unsigned int port = (unsigned int)(i * 7919 % b.n_ports);
		tell_ports(&b, port);
		reconcile(&b, EVENT_PORT);
		note(&b, EVENT_PORT);
		tell_ports(&b, UINT32_MAX);
		tell_network(&b, port / PER_NETWORK, UINT32_MAX); /* newer than the port */
		reconcile(&b, EVENT_PORT);
		memset(b.one, 0, sizeof(b.one));
		restart(&b, port);
	}
	print(&b);
	(void)arena_free(b.now.arena);
	(void)arena_free(b.arena);
	(void)world_store_free(b.store);
	return 0;
}
