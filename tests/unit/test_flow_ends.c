/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/flow: what the ends of flows were made of, and what is kept of that. */
#include "tests/unit/test_flow_lib.h"

/* A flow of an end that is a container of the world, @n labels of it told. */
static void note_of(struct flow_store *store, const struct world_container *of)
{
	struct flow flow = make(container("a", "net"), container("b", "net"), 80);

	flow.from.container = of;
	note(store, &flow, NOW);
}

static void what_it_was_made_of_is_kept(void **state)
{
	struct world_label labels[] = {
		{ "com.docker.compose.project", "shop", WORLD_UNTOLD },
		{ "com.docker.compose.service", "web", WORLD_OWN },
		{ "maintainer", "me", WORLD_OWN },
		{ "org.example.role", "front\nend", WORLD_OWN },
		{ "tier", "image's", WORLD_IMAGE },
	};
	struct world_container of = {
		.image = "web:1", .labels = labels, .n_labels = ARRAY_LEN(labels), .known = true
	};
	CLEANUP(freep) struct flow_store *store = new_store();

	(void)state;
	of.known = false; /* nothing was asked yet */
	of.image = "";
	of.n_labels = 0;
	note_of(store, &of);
	assert_string_equal(only(store).from.image, "");
	of.known = true;
	of.image = "web:1";
	of.n_labels = ARRAY_LEN(labels);
	note_of(store, &of); /* not what an image may have said */
	assert_string_equal(only(store).from.image, "web:1");
	assert_string_equal(only(store).from.labels, "com.docker.compose.service=web\n");
	labels[0].origin = WORLD_OWN;
	note_of(store, &of);
	note_of(store, NULL); /* of whom no more is known forgets nothing */
	assert_string_equal(only(store).from.labels,
			    "com.docker.compose.project=shop\ncom.docker.compose.service=web\n");
	assert_string_equal(only(store).to.labels, "");
}

/* Of hostile labels, and of many: the flows stay, and what is kept of them has a bound. */
static void what_is_kept_of_them_is_bounded(void **state)
{
	CLEANUP(freep) struct flow_store *store = new_store();
	char value[LIMIT_FLOW_LABELS], name[32];
	size_t kept = 0, told = 0;
	struct flow flow;

	(void)state;
	memset(value, 'x', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	struct world_label label = { "tier", value, WORLD_OWN };
	struct world_container of = {
		.image = "i", .labels = &label, .n_labels = 1, .known = true
	};
	note_of(store, &of);
	assert_string_equal(only(store).from.labels, ""); /* one byte too long, with its key */
	for (unsigned int i = 0; i < LIMIT_FLOW_ENDS; i++) {
		(void)snprintf(name, sizeof(name), "job-%u", i);
		(void)snprintf(value, sizeof(value), "%-480u", i);
		flow = make(container(name, "net"), outside("192.0.2.7"), 443);
		flow.from.container = &of;
		note(store, &flow, NOW);
	}
	for (uint32_t at = 0; flow_store_next(store, true, &at, &flow); kept++)
		told += *flow.from.labels != '\0';
	assert_in_range(kept, LIMIT_FLOW_ENDS - 2, LIMIT_FLOW_ENDS);
	assert_in_range(told, 4000, LIMIT_FLOW_TEXTS / 480);
}

static void flows_of_an_older_netd_are_read(void **state)
{
	static const char line[] =
		"{\"v\":1,\"from\":{\"kind\":\"container\",\"container\":\"a\",\"id\":\"1\","
		"\"network\":\"net\",\"tier\":null,\"address\":\"172.18.0.2\"},"
		"\"to\":{\"kind\":\"host\",\"address\":\"172.18.0.1\"},\"port\":\"80/tcp\","
		"\"verdict\":\"allowed\",\"count\":1,\"first\":\"2026-11-01T00:00:00Z\","
		"\"last\":\"2026-11-01T00:00:00Z\"}";
	static const char junk[] =
		"{\"kind\":\"container\",\"image\":7,\"labels\":{\"tier\":7,\"maintainer\":\"me\","
		"\"a=b.tier\":\"c\",\"role\":\"db\",\"x.role\":\"two\\nlines\"},";
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	char changed[sizeof(line) + sizeof(junk)];
	cJSON *json = NULL;
	struct flow got;

	(void)state;
	assert_int_equal(flow_read_line(line, strlen(line), arena, &got, &json), 0);
	assert_string_equal(got.from.image, "");
	assert_string_equal(got.from.labels, "");
	cJSON_Delete(json);
	const char *at = strstr(line, "{\"kind\":\"container\",");
	(void)snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - line), line, junk,
		       at + strlen("{\"kind\":\"container\","));
	assert_int_equal(flow_read_line(changed, strlen(changed), arena, &got, &json), 0);
	assert_string_equal(got.from.image, "");
	assert_string_equal(got.from.labels, "role=db\n");
	cJSON_Delete(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_was_made_of_is_kept),
		cmocka_unit_test(what_is_kept_of_them_is_bounded),
		cmocka_unit_test(flows_of_an_older_netd_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
