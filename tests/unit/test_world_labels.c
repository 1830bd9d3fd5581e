/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Labels come from images, so from anybody: NULs in them make no label look like another one, and
 * cost nobody else the reading of Docker's list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "core/world/world-store.h"
#include "tests/unit/test_rows_lib.h"
#include "tests/unit/test_world_kept_lib.h"

struct row {
	const char *name;
	const char *labels; /* of the image, as Docker prints them */
	const char *want;   /* KEY=VALUE, each with a blank behind; NULL: they are not known */
};

static const struct row rows[] = {
	{ "plain", "{\"tier\":\"web\",\"a\":\"\"}", "a= tier=web " },
	{ "NUL in a value", "{\"tier\":\"web\\u0000x\"}", "tier=web\xef\xbf\xbdx " },
	{ "NUL in a key", "{\"a\":\"1\",\"a\\u0000\":\"2\"}", "a=1 a\xef\xbf\xbd=2 " },
	{ "NUL makes two keys one", "{\"tier\":\"web\",\"a\\u0000\":\"1\",\"a\\ufffd\":\"2\"}",
	  NULL },
	{ "a backslash before u0000", "{\"a\\\\u0000\":\"\\\\\\u0000\"}",
	  "a\\u0000=\\\xef\xbf\xbd " },
	{ "other control characters", "{\"a\":\"\\u0001\\u007f\\b\"}", "a=\x01\x7f\b " },
};

static void print_labels(const struct world_container *container, struct text *out)
{
	text_add(out, "");
	for (size_t i = 0; i < container->n_labels; i++)
		text_printf(out, "%s=%s ", container->labels[i].key, container->labels[i].value);
}

/* With a container beside it, which is known whatever the image of the first one says. */
static void labels_of_an_image(void **state)
{
	static const char form[] =
		"[{\"Id\":\"a1\",\"Names\":[\"/bad\"],\"Labels\":%s},"
		"{\"Id\":\"b1\",\"Names\":[\"/good\"],\"Labels\":{\"b\":\"2\"}}]";
	const struct row *row = *state;
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct world_store *store = world_store_new();
	struct text bad CLEANUP(text_done) = { 0 }, good CLEANUP(text_done) = { 0 };
	const struct world *world = NULL;
	const char *error = "";
	char json[512];

	int len = snprintf(json, sizeof(json), form, row->labels);
	if (world_store_set_containers(store, json, (size_t)len, &error) != 0)
		fail_msg("refused: %s", error);
	assert_int_equal(world_store_snapshot(store, arena, &world), 0);
	assert_int_equal(world->n_containers, 2);
	assert_int_equal(world->containers[0].known, row->want != NULL);
	print_labels(&world->containers[0], &bad);
	assert_string_equal(text_str(&bad), row->want ? row->want : "");
	assert_true(world->containers[1].known);
	print_labels(&world->containers[1], &good);
	assert_string_equal(text_str(&good), "b=2 ");
	(void)world_store_free(store);
}

/* ---- whose they are ---- */

#define IMG "1111111111111111111111111111111111111111111111111111111111111111"
#define HASH "\"com.docker.compose.config-hash\":"
#define SERVICE "\"com.docker.compose.service\":\"web\""

static const struct origin_row {
	const char *name, *labels, *image; /* image NULL: it is not read */
	const char *want;		   /* KEY with . own, i image's, ? nobody knows */
} origin_rows[] = {
	{ "own", "{\"a\":\"1\",\"b\":\"2\"}", "{}", "a. b. " },
	{ "no labels in the image", "{\"a\":\"1\"}", "null", "a. " },
	{ "of the image", "{\"a\":\"1\",\"b\":\"2\"}", "{\"b\":\"2\",\"c\":\"3\"}", "a. bi " },
	{ "another value", "{\"a\":\"1\"}", "{\"a\":\"2\"}", "a. " },
	{ "not read", "{\"a\":\"1\"}", NULL, "a? " },
	{ "too many in the image", "{\"a\":\"1\",\"b\":\"2\"}", "{\"\":null,\"a\":null}",
	  "a. b? " },
	{ "compose started it", "{" HASH "\"x\"," SERVICE "}", "{" SERVICE "}",
	  "com.docker.compose.config-hash. com.docker.compose.service. " },
	{ "an image of compose, started by hand", "{" SERVICE "}", "{" SERVICE "}",
	  "com.docker.compose.servicei " },
	{ "an image that says it was started by compose", "{" HASH "\"x\"," SERVICE "}",
	  "{" HASH "\"x\"," SERVICE "}",
	  "com.docker.compose.config-hashi com.docker.compose.servicei " },
};

static void check_origins(struct world_store *store, const char *want)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct text out CLEANUP(text_done) = { 0 };
	const struct world *world = NULL, *again = NULL;
	const char *error = NULL;

	assert_kept_is_true(store);
	assert_int_equal(world_store_snapshot(store, arena, &world), 0);
	const struct world_container *c = &world->containers[0];
	for (size_t i = 0; i < c->n_labels; i++)
		text_printf(&out, "%s%c ", c->labels[i].key, ".i?"[c->labels[i].origin]);
	assert_string_equal(text_str(&out), want);
	char *printed CLEANUP(free_ptr) = world_print_inventory(world);
	assert_int_equal(world_parse_inventory(printed, strlen(printed), arena, &again, &error), 0);
	for (size_t i = 0; i < c->n_labels; i++)
		assert_int_equal(again->containers[0].labels[i].origin, c->labels[i].origin);
}

/* Whichever comes first, and in the store that takes the place of another one. */
static void origins(void **state)
{
	const struct origin_row *row = *state;
	struct world_store *store = world_store_new(), *fresh = world_store_new();
	char list[512], image[512];
	const char *error = "";

	(void)snprintf(list, sizeof(list),
		       "[{\"Id\":\"a1\",\"Names\":[\"/c\"],\"ImageID\":\"sha256:" IMG
		       "\",\"Labels\":%s}]",
		       row->labels);
	(void)snprintf(image, sizeof(image),
		       "{\"Id\":\"sha256:" IMG "\",\"Config\":{\"Labels\":%s}}",
		       row->image ? row->image : "null");
	assert_int_equal(world_store_set_containers(store, list, strlen(list), &error), 0);
	assert_string_equal(world_store_ask_image(store), IMG);
	assert_null(world_store_ask_image(store));
	assert_kept_is_true(store);
	if (row->image)
		assert_int_equal(world_store_put_image(store, image, strlen(image), &error), 0);
	check_origins(store, row->want);
	assert_int_equal(world_store_put_containers(store, list, strlen(list), &error), 0);
	check_origins(store, row->want);
	world_store_replace(fresh, store);
	check_origins(fresh, row->want);
	(void)world_store_free(store);
	(void)world_store_free(fresh);
}

/* What Docker does not know is asked for again with the next news of its container. */
static void image_is_gone(void **state)
{
	static const char list[] = "[{\"Id\":\"a1\",\"Names\":[\"/c\"],\"ImageID\":\"sha256:" IMG
				   "\",\"Labels\":{\"a\":\"1\"}}]";
	struct world_store *store = world_store_new();
	const char *error = "";

	(void)state;
	assert_int_equal(world_store_put_containers(store, list, sizeof(list) - 1, &error), 0);
	assert_non_null(world_store_ask_image(store));
	assert_int_equal(world_store_flaw_image(store, IMG, "gone"), 0);
	assert_null(world_store_ask_image(store));
	check_origins(store, "a? ");
	assert_int_equal(world_store_put_containers(store, list, sizeof(list) - 1, &error), 0);
	assert_string_equal(world_store_ask_image(store), IMG);
	(void)world_store_free(store);
}

#define IMAGE(d) d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d

/* The records that snapshots have in common: other ones are another world to compile. */
static const struct world *take(struct world_store *store, struct arena *arena)
{
	const struct world *world = NULL;

	assert_int_equal(world_store_snapshot(store, arena, &world), 0);
	return world;
}

/* All images are asked for, whether their containers have labels or not: what is required tomorrow
 * is known then. What is told again changes nothing, and neither does the question. */
static void what_is_told_of_images(void **state)
{
	static const char list[] = "[{\"Id\":\"a1\",\"Names\":[\"/c\"],\"ImageID\":\"sha256:" IMAGE(
		"cd") "\"},"
		      "{\"Id\":\"a2\",\"Names\":[\"/d\"],\"ImageID\":\"sha256:" IMAGE(
			      "ab") "\"},"
				    "{\"Id\":\"a3\",\"Names\":[\"/e\"],\"ImageID\":\"sha256:" IMAGE(
					    "ab") "\"}]";
	static const char *const told[] = {
		"{\"Id\":\"sha256:" IMAGE("cd") "\",\"RepoDigests\":[\"x@sha256:" IMAGE(
			"01") "\"]}",
		"{\"Id\":\"sha256:" IMAGE("cd") "\",\"RepoDigests\":[\"x@sha256:" IMAGE(
			"02") "\"]}",
		"{\"Id\":\"sha256:" IMAGE("cd") "\",\"RepoDigests\":[\"x@sha256:" IMAGE(
			"02") "\"],"
			      "\"Config\":{\"Labels\":{\"a\":\"1\"}}}",
	};
	struct world_store *store = world_store_new();
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct world *before, *now;
	const char *error = "";

	(void)state;
	assert_int_equal(world_store_put_containers(store, list, sizeof(list) - 1, &error), 0);
	assert_string_equal(world_store_ask_image(store), IMAGE("ab"));
	assert_string_equal(world_store_ask_image(store), IMAGE("cd"));
	assert_null(world_store_ask_image(store));
	assert_int_equal(world_store_flaw_image(store, IMAGE("ab"), "gone"), 0);
	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		before = take(store, arena);
		assert_int_equal(before->n_images, i ? 2 : 1);
		for (int again = 0; again < 2; again++) {
			assert_int_equal(
				world_store_put_image(store, told[i], strlen(told[i]), &error), 0);
			now = take(store, arena);
			assert_int_equal(now->n_images, 2);
			assert_int_equal(now->records == before->records, again);
			before = now;
		}
	}
	/* One that is gone stays so until it is there again. */
	world_store_ask_images_again(store);
	assert_int_equal(world_store_put_containers(store, list, sizeof(list) - 1, &error), 0);
	before = take(store, arena);
	assert_int_equal(before->n_images, 2);
	assert_string_equal(world_store_ask_image(store), IMAGE("ab"));
	assert_string_equal(world_store_ask_image(store), IMAGE("cd"));
	assert_null(world_store_ask_image(store));
	assert_int_equal(world_store_flaw_image(store, IMAGE("ab"), "gone"), 0);
	assert_ptr_equal(take(store, arena)->records, before->records);
	(void)world_store_free(store);
}

int main(void)
{
	enum { LABELS = ARRAY_LEN(rows), ORIGINS = ARRAY_LEN(origin_rows) };
	struct CMUnitTest tests[LABELS + ORIGINS + 2];
	const struct CMUnitTest gone = cmocka_unit_test(image_is_gone);
	const struct CMUnitTest told = cmocka_unit_test(what_is_told_of_images);

	ADD_ROWS(tests, 0, rows, labels_of_an_image);
	ADD_ROWS(tests, LABELS, origin_rows, origins);
	tests[LABELS + ORIGINS] = gone;
	tests[LABELS + ORIGINS + 1] = told;
	return cmocka_run_group_tests_name("world_labels", tests, NULL, NULL);
}
