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
#include "core/world/world.h"
#include "tests/unit/test_rows_lib.h"

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

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows)];

	ADD_ROWS(tests, 0, rows, labels_of_an_image);
	return cmocka_run_group_tests_name("world_labels", tests, NULL, NULL);
}
