/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of the folder of image reports: the same wherever they were cut into pieces, and what is
 * taken of them can be handed on. And what is handed on, as if it came from somebody else. */
#include "core/images/images.h"
#include "tests/fuzz/fuzz.h"

static int read_in_steps(const char *bytes, size_t size, size_t step, struct arena *arena,
			 struct images_file *ret)
{
	CLEANUP(images_reader_freep) struct images_reader *reader = images_reader_new();

	assert(reader);
	for (size_t at = 0; at < size; at += step)
		assert(images_reader_feed(reader, bytes + at,
					  size - at < step ? size - at : step) == 0);
	return images_reader_end(reader, arena, ret);
}

static void check_handed_on(struct images *images)
{
	CLEANUP(text_done) struct text text = { 0 }, again = { 0 };
	struct images *parsed = NULL;

	images_print(images, &text);
	assert(!text_failed(&text));
	assert(images_parse(text_str(&text), text.len, &parsed) == 0);
	images_print(parsed, &again);
	assert(strcmp(text_str(&text), text_str(&again)) == 0);
	(void)images_free(parsed);
}

static void check_report(struct images_report *report)
{
	struct images images = { .reports = report, .n_reports = 1 };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct images_about about = {
		.all = &images, .id = report->digests[0].hex, .is_known = true, .now = 1
	};

	images.arena = arena;
	assert(arena && images_index(&images) == 0);

	assert(report->n_digests > 0 && report->n_digests <= LIMIT_IMAGE_DIGESTS);
	report->file = "a \"file\".json";
	check_handed_on(&images);
	struct images_answer worst = images_ask_severity(&about, IMAGES_CRITICAL, 0);
	struct images_answer none = images_ask_severity(&about, IMAGES_NONE, 0);
	assert(worst.fine ? report->made <= 1 + LIMIT_IMAGE_CLOCK_S : !worst.known);
	assert(!none.fine || images_worst(report) == IMAGES_NONE);
	fuzz_check_text(none.fine ? "fine" : none.why);
}

static void check_file(int r, struct images_file *file)
{
	assert(r == 0 || r == IMAGES_E_REFUSED);
	if (r == IMAGES_E_REFUSED)
		fuzz_check_text(file->why);
	if (r == 0 && file->is_report)
		check_report(&file->report);
	for (size_t i = 0; r == 0 && !file->is_report && i < file->claims.n; i++) {
		const struct images_claim *claim = &file->claims.items[i];
		assert(strspn(claim->digest.hex, "0123456789abcdef") == IMAGES_DIGEST_LEN - 1);
		assert(claim->signed_bytes && claim->n_signed > 0);
	}
	assert(file->claims.n <= LIMIT_IMAGE_SIGNATURES);
}

/* The signature is what stands behind the first newline. */
static void check_pair(const char *bytes, size_t size, struct arena *arena)
{
	const char *end = memchr(bytes, '\n', size);
	size_t len = end ? (size_t)(end - bytes) : size;
	const struct images_claim claim = { .signed_bytes = bytes,
					    .n_signed = len,
					    .signature = bytes + len,
					    .n_signature = size - len };
	struct images_file file;
	int r = images_read_pair(&claim, arena, &file);

	check_file(r, &file);
	assert(r != 0 || file.claims.n == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *bytes = (const char *)data;
	struct images_file whole, cut;
	struct images *parsed = NULL;

	assert(arena);
	int r = read_in_steps(bytes, size, size ? size : 1, arena, &whole);
	check_file(r, &whole);
	int r_cut = read_in_steps(bytes, size, size ? 1 + data[0] % 64u : 1, arena, &cut);
	assert(r == r_cut && whole.is_report == cut.is_report && whole.claims.n == cut.claims.n);
	if (size)
		check_pair(bytes, size, arena);
	r = images_parse(bytes, size, &parsed);
	assert(r == 0 || r == -22); /* -EINVAL */
	if (r == 0)
		check_handed_on(parsed);
	(void)images_free(parsed);
	return 0;
}
