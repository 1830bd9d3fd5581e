/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that runs out while a report or signature is read is no damage: a file that counts for
 * nothing would be told of, and kept out, for as long as it stays. */
#include <cjson/cJSON.h>
#include <errno.h>

#include "tests/unit/test_images_lib.h"

static size_t allocations_left; /* before all fail */

/* As malloc() does, which says so in errno. */
static void *failing_malloc(size_t size)
{
	if (allocations_left > 0 && allocations_left--)
		return malloc(size);
	errno = ENOMEM;
	return NULL;
}

static int read_json(const struct text *bytes, struct arena *arena, struct images_file *ret)
{
	CLEANUP(images_reader_freep) struct images_reader *reader = images_reader_new();

	assert_non_null(reader);
	assert_int_equal(images_reader_feed(reader, text_str(bytes), bytes->len), 0);
	return images_reader_end(reader, arena, ret);
}

static int read_payload(const struct text *bytes, struct arena *arena, struct images_file *ret)
{
	const struct images_claim claim = { .signed_bytes = text_str(bytes),
					    .n_signed = bytes->len,
					    .signature = "AAAA",
					    .n_signature = 4 };

	return images_read_pair(&claim, arena, ret);
}

static const struct {
	const char *name;
	int (*read)(const struct text *bytes, struct arena *arena, struct images_file *ret);
} files[] = {
	{ "trivy-0.70.0.json", read_json }, { "grype-0.74.0.json", read_json },
	{ "b.jsonl", read_json },	    { "c.sigstore.json", read_json },
	{ "a.payload", read_payload },
};

static void check_file(size_t i)
{
	CLEANUP(text_done) struct text bytes = sample("reports", files[i].name);
	int r = -ENOMEM;

	for (size_t left = 0; r != 0; left++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct images_file file;
		allocations_left = left;
		r = files[i].read(&bytes, arena, &file);
		if (r != 0 && r != -ENOMEM)
			fail_msg("%s with %zu allocations: %s", files[i].name, left, file.why);
		assert_true(left < 1000);
	}
}

static void test_files(void **state)
{
	cJSON_Hooks hooks = { failing_malloc, free };

	(void)state;
	cJSON_InitHooks(&hooks);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		check_file(i);
	cJSON_InitHooks(NULL);
}

/* The same of what was handed on. */
static void test_handed_on(void **state)
{
	static const char told[] =
		"{\"keys\":[\"k\"],\"reports\":[],\"signatures\":[],\"refused\":[]}";
	cJSON_Hooks hooks = { failing_malloc, free };
	struct images *images = NULL;
	int r = -ENOMEM;

	(void)state;
	cJSON_InitHooks(&hooks);
	for (size_t left = 0; r != 0; left++) {
		allocations_left = left;
		r = images_parse(told, sizeof(told) - 1, &images);
		assert_true(r == 0 || r == -ENOMEM);
	}
	cJSON_InitHooks(NULL);
	(void)images_free(images);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_files),
					    cmocka_unit_test(test_handed_on) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
