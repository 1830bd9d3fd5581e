/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of images where there is much of it, or where its files have odd names: one file
 * costs the others nothing, and what is too much is said. */
#include "tests/unit/test_images_lib.h"

/* What the process that reads hands on is what was read, to the last file. */
static struct images *hand_on(struct images *images)
{
	CLEANUP(text_done) struct text printed = { 0 };
	struct images *parsed = NULL;

	images_print(images, &printed);
	assert_false(text_failed(&printed));
	assert_true(printed.len <= LIMIT_IMAGE_HANDED);
	assert_int_equal(images_parse(text_str(&printed), printed.len, &parsed), 0);
	assert_int_equal(parsed->n_reports, images->n_reports);
	assert_int_equal(parsed->n_signatures, images->n_signatures);
	assert_int_equal(parsed->n_refused, images->n_refused);
	(void)images_free(images);
	return parsed;
}

static void check_names(const struct images *images, const char *const *want, size_t n)
{
	assert_int_equal(images->n_refused, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(images->refused[i].file, want[i]);
}

static void test_odd_names(void **state)
{
	const struct place *place = *state;
	static const char *const names[] = { "a\nb.json", "cut\xc3.json", "\xff.pem.json",
					     "turned\xe2\x80\xae.jsonl", "quoted\".json" };
	static const char *const shown[] = { "a?b.json", "cut?.json", "turned???.jsonl",
					     "?.pem.json" };
	struct images *images;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP(text_done) struct text bytes = sample("reports", "trivy-0.70.0.json");
		put(place->reports, names[i], text_str(&bytes), bytes.len);
	}
	put(place->keys, "\xc3.pem", "x", 1);
	copy("reports", "grype-0.104.0.json", place->reports);
	images = hand_on(read_place(place));
	assert_int_equal(images->n_reports, 2);
	assert_string_equal(images->reports[0].file, "grype-0.104.0.json");
	assert_string_equal(images->reports[1].file, "quoted\".json");
	assert_string_equal(images->refused[0].file, "?.pem");
	images->refused++;
	images->n_refused--;
	check_names(images, shown, ARRAY_LEN(shown));
	(void)images_free(images);
}

static void put_many(const struct place *place, size_t n, const char *bytes)
{
	char name[32];

	for (size_t i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "many-%05zu.json", i);
		put(place->reports, name, bytes, strlen(bytes));
	}
}

/* Its file comes first by name, and counts whatever comes behind it. */
static struct images *read_first(const struct place *place)
{
	copy("reports", "grype-0.104.0.json", place->reports);
	struct images *images = hand_on(read_place(place));
	assert_string_equal(images->reports[0].file, "grype-0.104.0.json");
	return images;
}

static void test_many_refused(void **state)
{
	const struct place *place = *state;
	const char *why;
	struct images *images;

	put_many(place, LIMIT_IMAGE_REFUSED + 10, "{}");
	images = read_first(place);
	size_t last = images->n_refused - 1;
	assert_string_equal(images->refused[last].file, place->reports);
	why = strrchr(images->refused[last].why, ' ');
	assert_non_null(strstr(images->refused[last].why, "so many other files"));
	assert_int_equal(last + strtoul(why, NULL, 10), LIMIT_IMAGE_REFUSED + 10);
	(void)images_free(images);
	/* What holds of all the rest is said, whatever was before it. */
	put_many(place, LIMIT_IMAGE_FILES + 1, "{}");
	images = read_first(place);
	assert_string_equal(images->refused[images->n_refused - 2].why,
			    "it and what follows are files too many");
	(void)images_free(images);
}

/* As many as one may have: beyond what all may have the files count for nothing, each once. */
static void test_many_digests(void **state)
{
	const struct place *place = *state;
	CLEANUP(text_done) struct text bytes = { 0 };
	struct images *images;

	text_add(&bytes,
		 "{\"SchemaVersion\":2,\"ArtifactType\":\"container_image\",\"Results\":[{"
		 "\"Class\":\"os-pkgs\"}],\"Metadata\":{\"RepoDigests\":[\"x@sha256:" ID("a") "\"");
	for (size_t i = 1; i < LIMIT_IMAGE_DIGESTS; i++)
		text_printf(&bytes, ",\"x@sha256:" ID("b") "\"");
	text_add(&bytes, "]}}");
	put_many(place, LIMIT_IMAGE_ALL_DIGESTS / LIMIT_IMAGE_DIGESTS + 5, text_str(&bytes));
	images = read_first(place);
	assert_int_equal(images->n_reports, LIMIT_IMAGE_ALL_DIGESTS / LIMIT_IMAGE_DIGESTS);
	assert_int_equal(images->n_refused, 6);
	(void)images_free(images);
}

static void test_many_signatures(void **state)
{
	const struct place *place = *state;
	CLEANUP(text_done) struct text one = sample("reports", "b.jsonl"), all = { 0 };
	size_t line = strcspn(text_str(&one), "\n") + 1;
	struct images *images;

	for (size_t i = 0; i < LIMIT_IMAGE_SIGNATURES; i++)
		text_add_n(&all, text_str(&one), line);
	put_many(place, LIMIT_IMAGE_ALL_SIGNATURES / LIMIT_IMAGE_SIGNATURES + 3, text_str(&all));
	images = read_first(place);
	assert_int_equal(images->n_signatures, LIMIT_IMAGE_ALL_SIGNATURES);
	assert_int_equal(images->n_refused, 3);
	(void)images_free(images);
}

/* What is signed may be as long in each of its forms. */
static void test_long_payload(void **state)
{
	const struct place *place = *state;
	CLEANUP(text_done) struct text bytes = sample("reports", "a.payload"), longer = { 0 };
	const char *end = strrchr(text_str(&bytes), '}');

	text_add_n(&longer, text_str(&bytes), (size_t)(end - text_str(&bytes)));
	text_add(&longer, ",\"filled\":\"");
	while (longer.len < LIMIT_IMAGE_PAYLOAD - 2)
		text_add(&longer, "x");
	text_add(&longer, "\"}");
	copy("reports", "a.sig", place->reports);
	put(place->reports, "a.payload", text_str(&longer), longer.len);
	struct images *images = read_place(place);
	assert_int_equal(images->n_signatures, 1);
	(void)images_free(images);
	text_add(&longer, "\n");
	put(place->reports, "a.payload", text_str(&longer), longer.len);
	images = read_place(place);
	assert_int_equal(images->n_signatures, 0);
	assert_string_equal(images->refused[0].why, "it is too large");
	(void)images_free(images);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(test_odd_names),    IN_PLACE(test_many_refused),
		IN_PLACE(test_many_digests), IN_PLACE(test_many_signatures),
		IN_PLACE(test_long_payload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
