/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The link to Docker against a scripted engine on the same event loop: order of answers, answers
 * that never come, cuts. No time passes that the test does not wait for. */
#include "core/world/world-store.h"
#include "edge/http/http.h"
#include "test_docker_link_lib.h"

static void subscribes_then_reads(void **state)
{
	struct engine *engine = *state;

	sync_up(engine);
	assert_endpoints(engine, "ctra:172.18.0.2");
	assert_int_equal(engine->n_changes, 0);
	const char *asked = text_str(&engine->asked);
	assert_true(strstr(asked, "version") < strstr(asked, "events?since=1795460399&"));
	assert_true(strstr(asked, "events") < strstr(asked, "networks\n"));
	struct docker_status status = docker_status(engine->docker);
	assert_int_equal(status.link, DOCKER_LINK_UP);
	assert_string_equal(status.api_version, "1.41");
	assert_string_equal(status.engine_version, "20.10");
}

static void event_in_single_bytes(void **state)
{
	struct engine *engine = *state;

	sync_up(engine);
	set_row(engine, "networks/" ID("1"), 200, BODY("1", MEMBER("a", "172.18.0.9")));
	for (const char *c = CONNECT; *c; c++) {
		chunk(engine, c, 1);
		(void)sd_event_run(engine->loop, 0);
	}
	RUN_UNTIL(engine, engine->n_changes == 2);
	assert_endpoints(engine, "ctra:172.18.0.9");
}

/* An inspect that is not answered holds up nobody, however many there are. */
static void stuck_inspects(void **state)
{
	struct engine *engine = *state;

	set_row(engine, "containers/", 200, NULL);
	sync_up(engine);
	for (int i = 0; i < 20; i++) {
		char line[512];
		(void)snprintf(line, sizeof(line),
			       "{\"Type\":\"container\",\"Action\":\"create\",\"Actor\":{\"ID\":"
			       "\"c%d\"}}\n",
			       i);
		emit(engine, line);
		settle(engine);
	}
	assert_int_equal(count_asked(engine, "/json\n"), 16); /* the others wait */
	unsigned int before = engine->n_changes;
	set_row(engine, "networks/" ID("1"), 200, BODY("1", MEMBER("a", "172.18.0.9")));
	emit(engine, CONNECT);
	RUN_UNTIL(engine, engine->n_changes == before + 2);
	assert_endpoints(engine, "ctra:172.18.0.9");
	release(engine, "containers/c0/json", "{\"Id\":\"c0\"}");
	RUN_UNTIL(engine, count_asked(engine, "/json\n") == 17);
}

/* An answer that was asked before the disconnect does not bring the endpoint back. */
static void late_answer_after_disconnect(void **state)
{
	struct engine *engine = *state;

	sync_up(engine);
	set_row(engine, "networks/" ID("1"), 200, NULL);
	emit(engine, CONNECT);
	RUN_UNTIL(engine, count_asked(engine, "networks/") == 2);
	emit(engine, EVENT("network", "disconnect", ID("1"), ID("a")));
	RUN_UNTIL(engine, count_asked(engine, "networks/") == 3);
	assert_endpoints(engine, "");
	release(engine, "networks/", BODY("1", MEMBER("a", "172.18.0.2")));
	settle(engine);
	assert_endpoints(engine, "");
	release(engine, "networks/", BODY("1", MEMBER("b", "172.18.0.2")));
	settle(engine);
	assert_endpoints(engine, "bbbbbbbbbbbb:172.18.0.2");
}

/* Many events about one network: two questions at a time, and one more at the end. */
static void burst_on_one_network(void **state)
{
	struct engine *engine = *state;

	sync_up(engine);
	set_row(engine, "networks/" ID("1"), 200, NULL);
	for (int i = 0; i < 20; i++)
		emit(engine, CONNECT);
	settle(engine);
	assert_int_equal(count_asked(engine, "networks/"), 1 + 2);
	for (int i = 0; i < 2; i++) {
		release(engine, "networks/", BODY("1", ""));
		settle(engine);
	}
	assert_int_equal(count_asked(engine, "networks/"), 1 + 3);
	release(engine, "networks/", BODY("1", MEMBER("a", "172.18.0.7")));
	settle(engine);
	assert_endpoints(engine, "ctra:172.18.0.7");
}

/* What happens during the reading is asked again after it, and nothing shows before. */
static void event_while_reading(void **state)
{
	struct engine *engine = *state;

	set_row(engine, "networks/" ID("1"), 200, NULL);
	start(engine);
	RUN_UNTIL(engine, count_asked(engine, "networks/") == 1);
	emit(engine, EVENT("network", "disconnect", ID("1"), ID("a")));
	emit(engine, EVENT("network", "connect", ID("2"), ID("a")));
	RUN_UNTIL(engine, engine->n_events == 2);
	settle(engine);
	assert_int_equal(count_asked(engine, "networks/"), 1);
	assert_endpoints(engine, "");
	set_row(engine, "networks/" ID("1"), 200, BODY("1", ""));
	set_row(engine, "networks/" ID("2"), 404, "{}");
	for (size_t i = 0; i < MOST_ROWS; i++) /* the more special path first */
		if (engine->rows[i].path && strcmp(engine->rows[i].path, "networks") == 0)
			engine->rows[i] = (struct row){ "networks/" ID("2"), 200,
							BODY("2", MEMBER("a", "172.19.0.2")) };
	release(engine, "networks/", BODY("1", MEMBER("a", "172.18.0.2")));
	RUN_UNTIL(engine, engine->n_changes == 3);
	assert_endpoints(engine, "ctra:172.19.0.2");
}

static void network_and_container_go(void **state)
{
	struct engine *engine = *state;

	sync_up(engine);
	set_row(engine, "containers/json?all=1&", 200, "[]\n");
	emit(engine, EVENT("container", "start", ID("a"), ""));
	RUN_UNTIL(engine, engine->n_changes == 1);
	assert_endpoints(engine, "");
	set_row(engine, "networks/" ID("1"), 404, "{\"message\":\"no such network\"}");
	emit(engine, EVENT("network", "create", ID("1"), ""));
	RUN_UNTIL(engine, engine->n_changes == 2);
	assert_int_equal(engine->n_down, 0);
}

/* The last facts stay, and everything is read anew. */
static void cut_and_back(void **state)
{
	struct engine *engine = *state;

	sync_up(engine);
	set_row(engine, "networks/" ID("1"), 200, BODY("1", MEMBER("b", "172.18.0.2")));
	set_row(engine, "containers/json", 200, "[" CTR("b") "]");
	hang_up(engine);
	RUN_UNTIL(engine, engine->n_down == 1);
	assert_endpoints(engine, "ctra:172.18.0.2");
	assert_int_equal(docker_status(engine->docker).link, DOCKER_LINK_DOWN);
	RUN_UNTIL(engine, engine->n_synced == 2);
	assert_endpoints(engine, "ctrb:172.18.0.2");
	assert_int_equal(engine->n_down, 1);
}

struct failure_row {
	const char *name, *path;
	int status;
	const char *body, *event, *reason;
};

static const struct failure_row failure_rows[] = {
	{ "version 500", "version", 500, "", NULL, "/version: status 500" },
	{ "version of another", "version", 200, "{}", NULL,
	  "/version: not the answer of a Docker engine" },
	{ "version too new", "version", 200, "{\"ApiVersion\":\"9.9\",\"MinAPIVersion\":\"9.0\"}",
	  NULL, "/version: no API version in common (ours: 1.24 to 1.52)" },
	{ "networks 500", "networks", 500, "oops", NULL, "networks: status 500: oops" },
	{ "networks no JSON", "networks", 200, "<html>", NULL, "networks: not a list of networks" },
	{ "containers no list", "containers/json", 200, "{}", NULL,
	  "containers: not a list of containers" },
	{ "podman", "version", 200,
	  "{\"ApiVersion\":\"1.41\",\"Components\":[{\"Name\":\"Podman Engine\"}]}", NULL,
	  "/version: refused: this is no Docker engine but Podman Engine" },
};

static void fails(void **state)
{
	struct engine *engine = *state;

	for (size_t i = 0; i < ARRAY_LEN(failure_rows); i++) {
		const struct failure_row *row = &failure_rows[i];
		engine->n_down = engine->n_synced = 0;
		engine->n_conns = 0;
		memset(engine->rows, 0, sizeof(engine->rows));
		engine->rows[0] = (struct row){ row->path, row->status, row->body };
		memcpy(engine->rows + 1, usual, sizeof(usual));
		if (strcmp(row->path, "networks") == 0) { /* not its details */
			engine->rows[0] = usual[1];
			engine->rows[1] = usual[0];
			engine->rows[2] = (struct row){ row->path, row->status, row->body };
		}
		start(engine);
		if (row->event) {
			RUN_UNTIL(engine, engine->n_synced == 1);
			emit(engine, row->event);
		}
		RUN_UNTIL(engine, engine->n_down == 1);
		assert_non_null(strstr(engine->reason, "docker.sock "));
		assert_string_equal(strstr(engine->reason, "docker.sock ") + 12, row->reason);
		engine->docker = docker_free(engine->docker);
		settle(engine);
	}
}

/* A network of which Docker says nothing useful is closed, and the link stays up. */
static void one_network_is_damaged(void **state)
{
	static const struct {
		int status;
		const char *body, *flaw;
	} rows[] = {
		{ 200, "{\"Id\":1}", "Id: missing or not an id" },
		{ 200, "<html>", "not JSON" },
		{ 500, "no \x1b\xe2\x80\xae idea", "status 500: no ???? idea" },
	};
	struct engine *engine = *state;

	sync_up(engine);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		const struct world *world = NULL;
		unsigned int n = engine->n_changes;
		set_row(engine, "networks/" ID("1"), rows[i].status, rows[i].body);
		emit(engine, CONNECT);
		RUN_UNTIL(engine, engine->n_changes >= n + 2);
		assert_int_equal(world_store_snapshot(engine->store, arena, &world), 0);
		assert_string_equal(world->networks[0].flaw, rows[i].flaw);
		assert_int_equal(world->n_endpoints, 0);
	}
	set_row(engine, "networks/" ID("1"), 200, BODY("1", MEMBER("a", "172.18.0.2")));
	emit(engine, CONNECT);
	RUN_UNTIL(engine, engine->n_changes >= 8);
	assert_endpoints(engine, "ctra:172.18.0.2");
	assert_int_equal(engine->n_down, 0);
	assert_int_equal(engine->n_synced, 1);
}

static void note_error(void *userdata, const struct http_result *result)
{
	(void)snprintf(userdata, 128, "%s", result->error);
}

/* In the same words each time: what does not change is logged once. */
static void waits_no_longer_than_told(void **state)
{
	struct engine *engine = *state;
	const struct http_options options = {
		.name = "test", .url = engine->url, .body_bytes = 4096, .line_bytes = 4096
	};
	char error[128] = "";
	const struct http_handler handler = { .done = note_error, .userdata = error };
	struct http *http = NULL;

	assert_int_equal(http_new(engine->loop, &options, &http), 0);
	engine->rows[0] = (struct row){ "version", 200, NULL };
	assert_non_null(http_get(http, "/version", 50, &handler));
	RUN_UNTIL(engine, error[0]);
	assert_string_equal(error, "no answer in time");
	(void)http_free(http);
}

static void fetches(void **state)
{
	static const struct {
		const char *url;
		int r;
	} rows[] = {
		{ "unix:///nonexistent/docker.sock", DOCKER_E_UNREACHABLE },
		{ "unix://relative", DOCKER_E_URL },
		{ "tcp://", DOCKER_E_URL },
		{ "tcp://user@host:1", DOCKER_E_URL },
		{ "tcp://host:1/path", DOCKER_E_URL },
		{ "ssh://host", DOCKER_E_URL },
		{ "file:///etc/passwd", DOCKER_E_URL },
		{ "", DOCKER_E_URL },
		{ "tcp://127.0.0.1:1", DOCKER_E_UNREACHABLE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		const struct docker_options options = { .url = rows[i].url };
		const struct world *world = NULL;
		const char *error = NULL;
		assert_int_equal(docker_fetch_world(&options, 2000, arena, &world, &error),
				 rows[i].r);
		assert_non_null(error);
		assert_null(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINK_TEST(subscribes_then_reads),
		LINK_TEST(event_in_single_bytes),
		LINK_TEST(stuck_inspects),
		LINK_TEST(late_answer_after_disconnect),
		LINK_TEST(burst_on_one_network),
		LINK_TEST(event_while_reading),
		LINK_TEST(network_and_container_go),
		LINK_TEST(cut_and_back),
		LINK_TEST(fails),
		LINK_TEST(one_network_is_damaged),
		LINK_TEST(waits_no_longer_than_told),
		cmocka_unit_test(fetches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
