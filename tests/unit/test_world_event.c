/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of Docker's event stream, with the old fields and without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/limits.h"
#include "core/world/world-store.h"
#include "tests/unit/test_rows_lib.h"

#define X16(d) d d d d d d d d d d d d d d d d
#define ID(d) X16(d) X16(d) X16(d) X16(d)

#define ACTOR(id)                 \
	"\"Actor\":{\"ID\":\"" id \
	"\",\"Attributes\":{\"container\":\"" ID("a") "\",\"name\":\"x\"}}"

struct event_row {
	const char *name, *line;
	int r;
	struct world_event want;
};

static const struct event_row event_rows[] = {
	{ "connect, with the old fields",
	  "{\"Type\":\"network\",\"Action\":\"connect\"," ACTOR(
		  ID("1")) ",\"scope\":\"local\",\"time\":1700000000,\"timeNano\":"
			   "1700000000000000000}",
	  0,
	  { WORLD_EVENT_NETWORK_CONNECT, ID("1"), ID("a") } },
	{ "disconnect, API 1.52",
	  "{\"Type\":\"network\",\"Action\":\"disconnect\"," ACTOR(ID("1")) "}\r",
	  0,
	  { WORLD_EVENT_NETWORK_DISCONNECT, ID("1"), ID("a") } },
	{ "start, with the old fields",
	  "{\"status\":\"start\",\"id\":\"" ID("b") "\",\"from\":\"nginx\",\"Type\":\"container\","
						    "\"Action\":\"start\"," ACTOR(ID("b")) "}",
	  0,
	  { WORLD_EVENT_CONTAINER_START, "", ID("b") } },
	{ "start, API 1.52",
	  "{\"Type\":\"container\",\"Action\":\"start\"," ACTOR(ID("b")) "}",
	  0,
	  { WORLD_EVENT_CONTAINER_START, "", ID("b") } },
	{ "rename",
	  "{\"Type\":\"container\",\"Action\":\"rename\"," ACTOR(ID("b")) "}",
	  0,
	  { WORLD_EVENT_CONTAINER_RENAME, "", ID("b") } },
	{ "network create",
	  "{\"Type\":\"network\",\"Action\":\"create\",\"Actor\":{\"ID\":\"" ID("1") "\"}}",
	  0,
	  { WORLD_EVENT_NETWORK_CREATE, ID("1"), "" } },
	{ "swarm network id",
	  "{\"Type\":\"network\",\"Action\":\"destroy\",\"Actor\":{\"ID\":\"u2wzb9h2v0p3\"}}",
	  0,
	  { WORLD_EVENT_NETWORK_DESTROY, "u2wzb9h2v0p3", "" } },
	{ "reload",
	  "{\"Type\":\"daemon\",\"Action\":\"reload\",\"Actor\":{\"ID\":\"NAME:X\"}}",
	  0,
	  { WORLD_EVENT_DAEMON_RELOAD, "", "" } },
	{ "exec",
	  "{\"Type\":\"container\",\"Action\":\"exec_create: sh\",\"Actor\":{\"ID\":\"/\"}}",
	  0,
	  { WORLD_EVENT_OTHER, "", "" } },
	{ "nothing known", "{}", 0, { WORLD_EVENT_OTHER, "", "" } },
	{ "no JSON", "{", WORLD_E_INVALID, { 0 } },
	{ "no object", "[]", WORLD_E_INVALID, { 0 } },
	{ "no id", "{\"Type\":\"network\",\"Action\":\"connect\"}", WORLD_E_INVALID, { 0 } },
	{ "id that is a path",
	  "{\"Type\":\"network\",\"Action\":\"connect\",\"Actor\":{\"ID\":\"../x\"}}",
	  WORLD_E_INVALID,
	  { 0 } },
	{ "container that is a path",
	  "{\"Type\":\"network\",\"Action\":\"connect\",\"Actor\":{\"ID\":\"x\",\"Attributes\":{"
	  "\"container\":\"a/b\"}}}",
	  WORLD_E_INVALID,
	  { 0 } },
};

static void parses_event(void **state)
{
	const struct event_row *row = *state;
	struct world_event event = { 0 };

	assert_int_equal(world_parse_event(row->line, strlen(row->line), &event), row->r);
	assert_int_equal(event.kind, row->want.kind);
	assert_string_equal(event.network_id, row->want.network_id);
	assert_string_equal(event.container_id, row->want.container_id);
}

/* One byte more than the limit is refused unread. */
static void limits_event(void **state)
{
	static char line[LIMIT_DOCKER_EVENT_BYTES + 1];
	struct world_event event;

	(void)state;
	memset(line, ' ', sizeof(line));
	memcpy(line, "{}", 2);
	assert_int_equal(world_parse_event(line, LIMIT_DOCKER_EVENT_BYTES, &event), 0);
	assert_int_equal(world_parse_event(line, sizeof(line), &event), WORLD_E_INVALID);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(event_rows) + 1] = { cmocka_unit_test(limits_event) };

	ADD_ROWS(tests, 1, event_rows, parses_event);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
