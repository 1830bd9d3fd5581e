/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The link to Docker reads everything again while it is up: what that shows, what it takes nothing
 * from, and how it fails. */
#include "core/world/world-store.h"
#include "test_docker_link_lib.h"

static uint64_t readings(const struct engine *engine)
{
	return docker_status(engine->docker).n_syncs;
}

/* What Docker has not told of, while the link is up: it stays so, and so does the stream. */
static void reads_again(void **state)
{
	struct engine *engine = *state;

	sync_up(engine);
	set_row(engine, "networks/" ID("1"), 200, BODY("1", MEMBER("b", "172.18.0.2")));
	set_row(engine, "containers/json", 200, "[" CTR("b") "]");
	settle(engine);
	assert_endpoints(engine, "ctra:172.18.0.2");
	const struct conn *stream = engine->stream;
	docker_resync(engine->docker, "test");
	assert_int_equal(docker_status(engine->docker).link, DOCKER_LINK_UP);
	RUN_UNTIL(engine, readings(engine) == 2);
	assert_endpoints(engine, "ctrb:172.18.0.2");
	assert_int_equal(docker_status(engine->docker).link, DOCKER_LINK_UP);
	assert_int_equal(engine->n_down, 0);
	assert_int_equal(engine->n_synced, 1);
	assert_int_equal(engine->n_changes, 2); /* the lists, and the rest */
	assert_ptr_equal(engine->stream, stream);
	assert_int_equal(count_asked(engine, "events"), 1);
}

/* Whoever asks for a reading while one is under way gets one more, however often. */
static void reads_again_after_a_reading(void **state)
{
	struct engine *engine = *state;

	sync_up(engine);
	set_row(engine, "containers/", 200, INSPECTED); /* what is on no network */
	set_row(engine, "networks/" ID("1"), 200, NULL);
	docker_resync(engine->docker, "test");
	RUN_UNTIL(engine, count_asked(engine, "networks/") == 2);
	for (int i = 0; i < 5; i++)
		docker_resync(engine->docker, "test");
	set_row(engine, "networks/" ID("1"), 200, BODY("1", ""));
	release(engine, "networks/", BODY("1", ""));
	RUN_UNTIL(engine, readings(engine) == 3);
	settle(engine);
	assert_int_equal(readings(engine), 3);
}

/* Events are followed while everything is read again, and the reading takes nothing from them. */
static void events_while_reading_again(void **state)
{
	struct engine *engine = *state;

	sync_up(engine);
	set_row(engine, "containers/json", 200, NULL);
	set_row(engine, "containers/json?all=1&", 200, "[" CTR("b") "]");
	set_row(engine, "networks/" ID("1"), 200,
		BODY("1", MEMBER("a", "172.18.0.2") "," MEMBER("b", "172.18.0.3")));
	docker_resync(engine->docker, "test");
	RUN_UNTIL(engine, count_asked(engine, "containers/json\n") == 0 &&
				  count_asked(engine, "containers/json?all=1\n") == 2);
	emit(engine, EVENT("network", "connect", ID("1"), ID("b")));
	RUN_UNTIL(engine, engine->n_changes == 2);
	assert_endpoints(engine, "ctra:172.18.0.2 ctrb:172.18.0.3");
	release(engine, "containers/json", "[" CTR("a") "]"); /* of before it was made */
	RUN_UNTIL(engine, readings(engine) == 2);
	assert_endpoints(engine, "ctra:172.18.0.2 ctrb:172.18.0.3");
}

/* What is gone does not come back by an answer of before. */
static void network_goes_while_reading_again(void **state)
{
	struct engine *engine = *state;

	sync_up(engine);
	set_row(engine, "containers/", 200, INSPECTED);
	set_row(engine, "networks", 200, NULL);
	docker_resync(engine->docker, "test");
	RUN_UNTIL(engine, count_asked(engine, "networks\n") == 2);
	emit(engine, EVENT("network", "destroy", ID("1"), ""));
	RUN_UNTIL(engine, engine->n_changes == 1);
	assert_endpoints(engine, "");
	set_row(engine, "networks/" ID("1"), 404, "{}");
	release(engine, "networks", "[" NET("1") "]");
	RUN_UNTIL(engine, readings(engine) == 2);
	settle(engine);
	assert_endpoints(engine, "");
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct world *world = NULL;
	assert_int_equal(world_store_snapshot(engine->store, arena, &world), 0);
	assert_int_equal(world->n_networks, 0);
}

/* A reading that fails cuts the link, and the facts stay until the next one. */
static void reading_again_fails(void **state)
{
	struct engine *engine = *state;

	sync_up(engine);
	set_row(engine, "containers/json", 500, "oops");
	docker_resync(engine->docker, "test");
	RUN_UNTIL(engine, engine->n_down == 1);
	assert_endpoints(engine, "ctra:172.18.0.2");
	set_row(engine, "containers/json", 200, "[" CTR("a") "]");
	RUN_UNTIL(engine, engine->n_synced == 2);
	assert_endpoints(engine, "ctra:172.18.0.2");
}

/* It may have told of anything: everything is read again. */
static void odd_event(void **state)
{
	struct engine *engine = *state;

	sync_up(engine);
	set_row(engine, "networks/" ID("1"), 200, BODY("1", MEMBER("a", "172.18.0.9")));
	emit(engine, "{\"Type\":\n");
	RUN_UNTIL(engine, docker_status(engine->docker).n_syncs == 2);
	assert_endpoints(engine, "ctra:172.18.0.9");
	assert_int_equal(engine->n_down, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINK_TEST(reads_again),
		LINK_TEST(reads_again_after_a_reading),
		LINK_TEST(events_while_reading_again),
		LINK_TEST(network_goes_while_reading_again),
		LINK_TEST(reading_again_fails),
		LINK_TEST(odd_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
