/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What reports and signatures say of one image, and when. */
#include "tests/unit/test_images_lib.h"

/* ---- what is said of one image ---- */

#define AT 1795593600 /* 2026-11-25T08:00:00Z */

static const struct {
	const char *letter;
	enum images_severity most;
	int64_t max_age;
	const char *why; /* NULL: fine */
	bool known;
} questions[] = {
	{ "a", IMAGES_HIGH, 0, NULL, true },
	{ "a", IMAGES_MEDIUM, 0, "worse than is admitted", true },
	{ "a", IMAGES_HIGH, 86400, "does not say how old it is", false },
	{ "b", IMAGES_NONE, 0, NULL, true },
	{ "c", IMAGES_CRITICAL, 0, NULL, true },
	{ "c", IMAGES_HIGH, 0, "worse than is admitted", true },
	{ "c", IMAGES_CRITICAL, 86400, "older than is admitted", false },
	{ "d", IMAGES_MEDIUM, 6 * 86400, NULL, true },
	{ "d", IMAGES_MEDIUM, 5 * 86400, NULL, true },
	{ "d", IMAGES_MEDIUM, 5 * 86400 - 1, "older than is admitted", false },
	{ "d", IMAGES_LOW, 6 * 86400, "worse than is admitted", true },
	{ "e", IMAGES_NONE, 6 * 86400, NULL, true },
	{ "f", IMAGES_CRITICAL, 0, "there is no report", false },
};

static void check_answer(struct images_answer got, const char *why, bool known)
{
	assert_int_equal(got.fine, why == NULL);
	assert_int_equal(got.known, known);
	if (why)
		assert_non_null(strstr(got.why, why));
	else
		assert_null(got.why);
}

static void test_questions(void **state)
{
	static const char *const p256[] = { "p256.pem" }, *const rsa[] = { "x.pem", "rsa.pem" };
	struct images *images;

	copy_samples(*state);
	images = read_place(*state);
	struct images_digest id;
	struct images_about about = { .all = images, .id = id.hex, .is_known = true, .now = AT };
	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		memset(id.hex, *questions[i].letter, sizeof(id.hex) - 1);
		id.hex[sizeof(id.hex) - 1] = '\0';
		check_answer(images_ask_severity(&about, questions[i].most, questions[i].max_age),
			     questions[i].why, questions[i].known);
	}
	memset(id.hex, 'a', sizeof(id.hex) - 1);
	check_answer(images_ask_signer(&about, p256, 1), NULL, true);
	check_answer(images_ask_signer(&about, rsa, 2), "signed by others", true);
	memset(id.hex, 'b', sizeof(id.hex) - 1);
	check_answer(images_ask_signer(&about, rsa, 2), NULL, true);
	memset(id.hex, 'd', sizeof(id.hex) - 1);
	check_answer(images_ask_signer(&about, p256, 1), "no key verifies", true);
	memset(id.hex, 'f', sizeof(id.hex) - 1);
	check_answer(images_ask_signer(&about, p256, 1), "there is no signature", false);
	/* By a digest of its repository, as Docker tells it. */
	struct images_digest repository = { { 0 } };
	for (size_t i = 0; i < sizeof(repository.hex) - 1; i++)
		repository.hex[i] = i % 2 ? '0' : 'd';
	about.digests = &repository;
	about.n_digests = 1;
	check_answer(images_ask_severity(&about, IMAGES_MEDIUM, 0), NULL, true);
	/* Before the engine has told, and without a folder; from a clock that is ahead. */
	about.n_digests = 0;
	about.is_known = false;
	check_answer(images_ask_severity(&about, IMAGES_CRITICAL, 0), "has not told yet", false);
	check_answer(images_ask_signer(&about, p256, 1), "has not told yet", false);
	/* A report about its id alone may not be all; a signature of it is one. */
	memset(id.hex, 'd', sizeof(id.hex) - 1);
	check_answer(images_ask_severity(&about, IMAGES_CRITICAL, 0), "has not told yet", false);
	memset(id.hex, 'a', sizeof(id.hex) - 1);
	check_answer(images_ask_signer(&about, p256, 1), NULL, true);
	check_answer(images_ask_signer(&about, rsa, 2), "has not told yet", false);
	memset(id.hex, 'd', sizeof(id.hex) - 1);
	about.is_known = true;
	about.now = 1795593600 - 7 * 86400;
	check_answer(images_ask_severity(&about, IMAGES_CRITICAL, 0), "of the future", false);
	about.all = NULL;
	check_answer(images_ask_severity(&about, IMAGES_CRITICAL, 0), "no folder", false);
	check_answer(images_ask_signer(&about, p256, 1), "no folder", false);
	(void)images_free(images);
}

/* ---- of several reports ---- */

#define OLD (AT - 10 * 86400)
#define NEW (AT - 86400)
#define FUTURE (AT + 86400)

enum about { BY_ID, BY_REPOSITORY };

/* No row is fine because of a report that does not count. Max_age is five days where @aged. */
static const struct {
	struct {
		enum images_scanner scanner;
		int64_t made;
		enum images_severity worst; /* high is admitted */
		enum about about;
	} reports[3];
	size_t n;
	bool aged;
	const char *why; /* NULL: fine */
	bool known;
} several[] = {
	{ { { IMAGES_TRIVY, NEW, IMAGES_HIGH, BY_ID }, { IMAGES_GRYPE, NEW, IMAGES_LOW, BY_ID } },
	  2,
	  true,
	  NULL,
	  true },
	{ { { IMAGES_TRIVY, NEW, IMAGES_HIGH, BY_ID },
	    { IMAGES_GRYPE, NEW, IMAGES_CRITICAL, BY_REPOSITORY } },
	  2,
	  true,
	  "worse than is admitted",
	  true },
	/* a scanner whose report is too old, or does not say how old it is */
	{ { { IMAGES_TRIVY, NEW, IMAGES_NONE, BY_ID }, { IMAGES_GRYPE, OLD, IMAGES_NONE, BY_ID } },
	  2,
	  true,
	  "older than is admitted",
	  false },
	{ { { IMAGES_TRIVY, OLD, IMAGES_NONE, BY_ID }, { IMAGES_GRYPE, NEW, IMAGES_NONE, BY_ID } },
	  2,
	  true,
	  "older than is admitted",
	  false },
	{ { { IMAGES_TRIVY, OLD, IMAGES_NONE, BY_ID }, { IMAGES_GRYPE, NEW, IMAGES_NONE, BY_ID } },
	  2,
	  false,
	  NULL,
	  true },
	{ { { IMAGES_TRIVY, NEW, IMAGES_NONE, BY_ID }, { IMAGES_GRYPE, 0, IMAGES_NONE, BY_ID } },
	  2,
	  true,
	  "does not say how old",
	  false },
	/* what accuses comes before what does not count */
	{ { { IMAGES_TRIVY, OLD, IMAGES_NONE, BY_ID },
	    { IMAGES_GRYPE, NEW, IMAGES_CRITICAL, BY_ID } },
	  2,
	  true,
	  "worse than is admitted",
	  true },
	{ { { IMAGES_TRIVY, FUTURE, IMAGES_NONE, BY_ID },
	    { IMAGES_GRYPE, NEW, IMAGES_CRITICAL, BY_ID } },
	  2,
	  false,
	  "worse than is admitted",
	  true },
	/* one of the future hides none, and none hides it */
	{ { { IMAGES_TRIVY, FUTURE, IMAGES_NONE, BY_ID },
	    { IMAGES_TRIVY, NEW, IMAGES_CRITICAL, BY_ID } },
	  2,
	  false,
	  "worse than is admitted",
	  true },
	{ { { IMAGES_TRIVY, FUTURE, IMAGES_CRITICAL, BY_ID },
	    { IMAGES_TRIVY, NEW, IMAGES_NONE, BY_ID } },
	  2,
	  false,
	  "of the future",
	  false },
	{ { { IMAGES_TRIVY, NEW, IMAGES_NONE, BY_ID },
	    { IMAGES_GRYPE, FUTURE, IMAGES_NONE, BY_REPOSITORY } },
	  2,
	  false,
	  "of the future",
	  false },
	/* of one scanner the newest, by whichever digest; of two at one time the worse */
	{ { { IMAGES_TRIVY, OLD, IMAGES_CRITICAL, BY_ID },
	    { IMAGES_TRIVY, NEW, IMAGES_NONE, BY_REPOSITORY } },
	  2,
	  true,
	  NULL,
	  true },
	{ { { IMAGES_TRIVY, OLD, IMAGES_NONE, BY_ID },
	    { IMAGES_TRIVY, NEW, IMAGES_CRITICAL, BY_REPOSITORY } },
	  2,
	  true,
	  "worse than is admitted",
	  true },
	{ { { IMAGES_TRIVY, NEW, IMAGES_NONE, BY_ID },
	    { IMAGES_TRIVY, NEW, IMAGES_CRITICAL, BY_ID },
	    { IMAGES_TRIVY, NEW, IMAGES_NONE, BY_ID } },
	  3,
	  true,
	  "worse than is admitted",
	  true },
};

static void check_several(size_t i)
{
	struct images_digest digests[3] = { { .hex = ID("a") },
					    { .hex = ID("b") },
					    { .hex = ID("a") } };
	struct images_report reports[3] = { { .file = "x" } };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct images images = { .arena = arena, .reports = reports, .n_reports = several[i].n };
	const struct images_about about = { .all = &images,
					    .id = digests[0].hex,
					    .digests = digests + 1,
					    .n_digests = 2,
					    .is_known = true,
					    .now = AT };

	for (size_t k = 0; k < several[i].n; k++) {
		reports[k].scanner = several[i].reports[k].scanner;
		reports[k].made = several[i].reports[k].made;
		reports[k].found[several[i].reports[k].worst] = 1;
		reports[k].digests = &digests[several[i].reports[k].about];
		reports[k].n_digests = 1;
	}
	assert_int_equal(images_index(&images), 0);
	struct images_answer got =
		images_ask_severity(&about, IMAGES_HIGH, several[i].aged ? 5 * 86400 : 0);
	if (got.fine != !several[i].why || got.known != several[i].known ||
	    (got.why && !strstr(got.why, several[i].why)))
		fail_msg("row %zu: %s, %s", i, got.known ? "known" : "not known",
			 got.why ? got.why : "fine");
}

static void test_several(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(several); i++)
		check_several(i);
}

/* A signature comes once, although the engine names the image by one digest twice. */
static void test_walk(void **state)
{
	struct images_digest digests[] = { { .hex = ID("c") },
					   { .hex = ID("b") },
					   { .hex = ID("c") } };
	struct images_signature signatures[] = {
		{ .file = "1", .digest = digests[0] },
		{ .file = "2", .digest = digests[1] },
		{ .file = "3", .digest = { .hex = ID("a") } },
		{ .file = "4", .digest = digests[0] },
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct images images = { .arena = arena, .signatures = signatures, .n_signatures = 4 };
	const struct images_about about = {
		.all = &images, .id = digests[0].hex, .digests = digests + 1, .n_digests = 2
	};
	struct images_walk walk = { .about = &about };
	const struct images_signature *one;
	CLEANUP(text_done) struct text got = { 0 };

	(void)state;
	assert_int_equal(images_index(&images), 0);
	while ((one = images_next_signature(&walk)))
		text_add(&got, one->file);
	assert_string_equal(text_str(&got), "142");
	assert_null(images_next_report(&(struct images_walk){ .about = &about }));
}

static void test_next_change(void **state)
{
	struct images *images;
	int64_t made = 1795161600; /* 2026-11-20T08:00:00Z */

	copy("reports", "trivy-0.70.0.json", ((struct place *)*state)->reports);
	images = read_place(*state);
	assert_int_equal(images->reports[0].made, made);
	assert_int_equal(images_next_change(images, 100, made - 1000), made - LIMIT_IMAGE_CLOCK_S);
	assert_int_equal(images_next_change(images, 100, made), made + 101);
	assert_int_equal(images_next_change(images, 100, made + 101), 0);
	assert_int_equal(images_next_change(images, 0, made), 0);
	assert_int_equal(images_next_change(NULL, 100, made), 0);
	(void)images_free(images);
}

static void test_times(void **state)
{
	static const struct {
		const char *text;
		int64_t want; /* -1: none */
	} times[] = {
		{ "1970-01-01T00:00:00Z", 0 },		{ "2024-02-29T23:59:59Z", 1709251199 },
		{ "2026-11-25T08:00:00Z", AT },		{ "2026-11-25T09:30:00.999+01:30", AT },
		{ "2026-11-25T03:00:00-05:00", AT },	{ "2000-03-01T00:00:00Z", 951868800 },
		{ "2100-03-01T00:00:00Z", 4107542400 }, { "2026-11-25 08:00:00Z", -1 },
		{ "2026-11-25T08:00:00", -1 },		{ "2026-11-25T08:00Z", -1 },
		{ "2026-00-25T08:00:00Z", -1 },		{ "2026-11-25T08:00:00+1:00", -1 },
		{ "2026-11-25T08:00:00Zx", -1 },	{ "", -1 },
		{ "2026-02-31T08:00:00Z", -1 },		{ "2023-02-29T23:59:59Z", -1 },
		{ "2026-11-31T08:00:00Z", -1 },		{ "2026-12-31T23:59:59Z", 1798761599 },
		{ "1970-01-01T00:00:00+00:01", -1 },	{ "1970-01-01T00:00:00-00:01", 60 },
		{ "1969-12-31T23:00:00-02:00", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		int64_t got = -1;
		assert_int_equal(images_time_parse(times[i].text, &got), times[i].want >= 0);
		assert_int_equal(times[i].want >= 0 ? got : -1, times[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(test_questions),     cmocka_unit_test(test_several),
		cmocka_unit_test(test_walk),  IN_PLACE(test_next_change),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
