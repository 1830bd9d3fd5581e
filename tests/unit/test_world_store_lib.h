/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Docker's answers, put into a store step by step, and a short form of the snapshot: one line per
 * fact. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "core/world/world-store.h"
#include "tests/unit/test_rows_lib.h"
#include "tests/unit/test_world_kept_lib.h"

/* 64 digits from one. */
#define X16(d) d d d d d d d d d d d d d d d d
#define ID(d) X16(d) X16(d) X16(d) X16(d)

#define NET(d, name) "{\"Id\":\"" ID(d) "\",\"Name\":\"" name "\",\"Driver\":\"bridge\""
#define NET_BODY(d, name, containers) NET(d, name) ",\"Containers\":{" containers "}}"
#define MEMBER(d, v4)                                                                              \
	"\"" ID(d) "\":{\"Name\":\"x\",\"EndpointID\":\"e\",\"MacAddress\":\"02:42:ac:12:00:02\"," \
		   "\"IPv4Address\":\"" v4 "/16\",\"IPv6Address\":\"\"}"
#define SANDBOX(key, v4)                                                                         \
	"\"" key "\":{\"Name\":\"x\",\"EndpointID\":\"e\",\"MacAddress\":\"02:42:ac:12:00:02\"," \
	"\"IPv4Address\":\"" v4 "/16\",\"IPv6Address\":\"\"}"
#define LISTED(d, name, state, ports)                                                            \
	"{\"Id\":\"" ID(d) "\",\"Names\":[\"/" name "\"],\"Image\":\"nginx\",\"State\":\"" state \
			   "\",\"Labels\":{\"tier\":\"" name "\"},\"Ports\":[" ports             \
			   "],\"HostConfig\":{\"NetworkMode\":\"default\"}}"
#define BOUND "{\"IP\":\"127.0.0.1\",\"PrivatePort\":80,\"PublicPort\":8080,\"Type\":\"tcp\"}"
#define EXPOSED "{\"PrivatePort\":80,\"Type\":\"tcp\"}"
#define INSPECT(d, running, configured, bound)                              \
	"{\"Id\":\"" ID(d) "\",\"State\":{\"Running\":" running             \
			   "},\"HostConfig\":{\"PortBindings\":" configured \
			   "},\"NetworkSettings\":{\"Ports\":" bound "}}"

enum verb {
	SET_NETWORKS,
	PUT_NETWORK,
	SET_CONTAINERS,
	PUT_CONTAINERS,
	INSPECTED,
	DROP_NETWORK,
	DROP_CONTAINER,
	DISCONNECT,
	FLAW_NETWORK,
	FLAW_CONTAINER
};

struct step {
	enum verb verb;
	const char *a, *b;
};

struct store_row {
	const char *name;
	struct step steps[6]; /* up to one without a */
	const char *want;     /* "net NAME", "ctr NAME[?] PORTS", "ep CONTAINER NETWORK ADDRESS" */
};

/* Steps that many rows take: a is web, b is db, 1 is front. */
#define WEB_IS_MADE PUT_CONTAINERS, "[" LISTED("a", "web", "created", "") "]", NULL
#define WEB_RUNS PUT_CONTAINERS, "[" LISTED("a", "web", "running", "") "]", NULL
#define WEB_AND_DB_RUN                                                                          \
	PUT_CONTAINERS,                                                                         \
		"[" LISTED("a", "web", "running", "") "," LISTED("b", "db", "running", "") "]", \
		NULL
#define FRONT_HAS_WEB PUT_NETWORK, NET_BODY("1", "front", MEMBER("a", "172.18.0.2")), NULL
#define FRONT_HAS_BOTH                                                                           \
	PUT_NETWORK,                                                                             \
		NET_BODY("1", "front", MEMBER("a", "172.18.0.2") "," MEMBER("b", "172.18.0.3")), \
		NULL

static inline void print_container(struct text *out, const struct world_container *container)
{
	char host_ip[IP_TEXT_LEN], port[PORT_RANGE_TEXT_LEN];

	text_printf(out, "ctr %s%s", container->name, container->known ? "" : "?");
	if (container->kind != WORLD_CONTAINER)
		text_printf(out, " [%s]", world_kind_name(container->kind));
	for (size_t i = 0; i < container->n_published; i++)
		text_printf(out, " %s:%u>%s", ip_format(&container->published[i].host_ip, host_ip),
			    container->published[i].host_port,
			    port_range_format(&container->published[i].port, port));
	for (size_t i = 0; i < container->n_labels; i++)
		text_printf(out, " %s=%s", container->labels[i].key, container->labels[i].value);
	text_printf(out, " mode=%s%s%s\n", container->network_mode, container->flaw ? " !" : "",
		    container->flaw ? container->flaw : "");
}

/* The snapshot as malloc'ed text. */
static inline char *digest(struct world_store *store)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct world *world = NULL;
	struct text out = { 0 };
	char addr[IP_TEXT_LEN];

	assert_int_equal(world_store_snapshot(store, arena, &world), 0);
	text_add(&out, "");
	for (size_t i = 0; i < world->n_networks; i++)
		text_printf(&out, "net %s %s%s%s\n", world->networks[i].name,
			    world->networks[i].bridge, world->networks[i].flaw ? " !" : "",
			    world->networks[i].flaw ? world->networks[i].flaw : "");
	for (size_t i = 0; i < world->n_containers; i++)
		print_container(&out, &world->containers[i]);
	for (size_t i = 0; i < world->n_endpoints; i++)
		text_printf(&out, "ep %s %s %s\n",
			    world->containers[world->endpoints[i].container].name,
			    world->networks[world->endpoints[i].network].name,
			    ip_format(&world->endpoints[i].ipv4, addr));
	if (world->n_nameless)
		text_printf(&out, "left out %zu: %s\n", world->n_nameless, world->nameless);
	return out.bytes;
}

typedef int take_answer(struct world_store *store, const char *json, size_t len,
			const char **error);

static take_answer *const answers[] = {
	[SET_NETWORKS] = world_store_set_networks,
	[PUT_NETWORK] = world_store_put_network,
	[SET_CONTAINERS] = world_store_set_containers,
	[PUT_CONTAINERS] = world_store_put_containers,
	[INSPECTED] = world_store_put_inspect,
};

static inline void take(struct world_store *store, const struct step *step)
{
	const char *error = "no memory";

	if (step->verb == DROP_NETWORK)
		world_store_remove_network(store, step->a);
	else if (step->verb == DROP_CONTAINER)
		world_store_remove_container(store, step->a);
	else if (step->verb == DISCONNECT)
		world_store_disconnect(store, step->a, step->b);
	else if (step->verb == FLAW_NETWORK)
		assert_int_equal(world_store_flaw_network(store, step->a, step->b), 0);
	else if (step->verb == FLAW_CONTAINER)
		assert_int_equal(world_store_flaw_container(store, step->a, step->b), 0);
	else if (answers[step->verb](store, step->a, strlen(step->a), &error) != 0)
		fail_msg("refused: %s", error);
}

/* Every step of a row, and what the store then says. */
static inline void steps(void **state)
{
	const struct store_row *row = *state;
	struct world_store *store = world_store_new();

	for (size_t i = 0; i < ARRAY_LEN(row->steps) && row->steps[i].a; i++) {
		assert_kept_is_true(store);
		take(store, &row->steps[i]);
	}
	assert_kept_is_true(store);
	CLEANUP(free_ptr) char *got = digest(store);
	assert_string_equal(got, row->want);
	(void)world_store_free(store);
}

/* web and db, both on front; web publishes a port. */
static const struct step base_steps[] = {
	{ PUT_CONTAINERS, "[" LISTED("a", "web", "running", BOUND) "]", NULL },
	{ FRONT_HAS_BOTH },
};
