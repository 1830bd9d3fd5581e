/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A link to the scripted engine, what it tells, and the answers of the engine. No time passes that
 * a test does not wait for. */
#pragma once

#include "core/world/world-store.h"
#include "docker-engine.h"

#define X16(d) d d d d d d d d d d d d d d d d
#define ID(d) X16(d) X16(d) X16(d) X16(d)
#define NET(d) "{\"Id\":\"" ID(d) "\",\"Name\":\"net" d "\",\"Driver\":\"bridge\"}"
#define BODY(d, members)                         \
	"{\"Id\":\"" ID(d) "\",\"Name\":\"net" d \
			   "\",\"Driver\":\"bridge\",\"Containers\":{" members "}}"
#define MEMBER(d, v4) "\"" ID(d) "\":{\"IPv4Address\":\"" v4 "/16\"}"
#define CTR(d) "{\"Id\":\"" ID(d) "\",\"Names\":[\"/ctr" d "\"],\"State\":\"created\"}"
#define INSPECTED "{\"Id\":\"" ID("a") "\"}"
#define EVENT(type, action, id, container)                                         \
	"{\"Type\":\"" type "\",\"Action\":\"" action "\",\"Actor\":{\"ID\":\"" id \
	"\",\"Attributes\":{\"container\":\"" container "\"}}}\n"
#define CONNECT EVENT("network", "connect", ID("1"), ID("a"))
#define VERSION "{\"Version\":\"20.10\",\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}"

static inline void on_synced(void *userdata)
{
	((struct engine *)userdata)->n_synced++;
}

static inline void on_change(void *userdata, const char *why)
{
	(void)why;
	((struct engine *)userdata)->n_changes++;
}

static inline void on_event(void *userdata, const struct world_event *event)
{
	(void)event;
	((struct engine *)userdata)->n_events++;
}

static inline void on_down(void *userdata, const char *reason)
{
	struct engine *engine = userdata;

	engine->n_down++;
	(void)snprintf(engine->reason, sizeof(engine->reason), "%s", reason);
}

static const struct row usual[] = {
	{ "version", 200, VERSION },
	{ "networks/" ID("1"), 200, BODY("1", MEMBER("a", "172.18.0.2")) },
	{ "networks", 200, "[" NET("1") "]" },
	{ "containers/json?all=1&", 200, "[" CTR("a") "]" },
	{ "containers/json", 200, "[" CTR("a") "]" },
};

static inline void set_row(struct engine *engine, const char *path, int status, const char *body)
{
	size_t i = 0;

	while (i < MOST_ROWS - 1 && engine->rows[i].path && strcmp(engine->rows[i].path, path) != 0)
		i++;
	engine->rows[i] = (struct row){ path, status, body };
}

static inline void start(struct engine *engine)
{
	const struct docker_options options = { .url = engine->url };
	const struct docker_handler handler = { on_synced, on_change, on_event, on_down, engine };

	assert_int_equal(
		docker_new(engine->loop, &options, &handler, engine->store, &engine->docker), 0);
}

static inline int set_up(void **state)
{
	struct engine *engine = engine_new();

	memcpy(engine->rows, usual, sizeof(usual));
	engine->store = world_store_new();
	*state = engine;
	return 0;
}

static inline int tear_down(void **state)
{
	struct engine *engine = *state;

	(void)docker_free(engine->docker);
	(void)world_store_free(engine->store);
	engine_free(engine);
	return 0;
}

/* Runs the loop until the condition holds; nothing at all for 2 s is a failure. */
#define RUN_UNTIL(engine, condition) \
	while (!(condition))         \
	assert_true(sd_event_run((engine)->loop, 2000000) > 0)

/* Lets everything happen that can happen without waiting. */
static inline void settle(struct engine *engine)
{
	while (sd_event_run(engine->loop, 20000) > 0)
		;
}

/* "ctra:172.18.0.2 …" for the endpoints. */
static inline void assert_endpoints(const struct engine *engine, const char *want)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(text_done) struct text out = { 0 };
	const struct world *world = NULL;
	char addr[IP_TEXT_LEN];

	assert_int_equal(world_store_snapshot(engine->store, arena, &world), 0);
	for (size_t i = 0; i < world->n_endpoints; i++)
		text_printf(&out, "%s%s:%s", i ? " " : "",
			    world->containers[world->endpoints[i].container].name,
			    ip_format(&world->endpoints[i].ipv4, addr));
	assert_string_equal(text_str(&out), want);
}

static inline void sync_up(struct engine *engine)
{
	start(engine);
	RUN_UNTIL(engine, engine->n_synced == 1);
	RUN_UNTIL(engine, engine->stream);
}

#define LINK_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
