/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two folders of what is told of images, which a test may change, and the samples for them
 * (tests/lab/images.py). */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "core/base/limits.h"
#include "core/base/text.h"
#include "edge/images/folder.h"
#include "tests/unit/test_file_lib.h"

#define SAMPLES "tests/golden/images/"
#define X16(d) d d d d d d d d d d d d d d d d
#define ID(d) X16(d) X16(d) X16(d) X16(d)

/* Two folders that a test may change. */
struct place {
	char root[64], reports[96], keys[96];
};

static inline void put(const char *folder, const char *name, const char *bytes, size_t len)
{
	CLEANUP(text_done) struct text path = { 0 };
	text_printf(&path, "%s/%s", folder, name);
	FILE *file = fopen(text_str(&path), "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(text_str(&path), 0644), 0);
}

static inline struct text sample(const char *folder, const char *name)
{
	CLEANUP(text_done) struct text path = { 0 };

	text_printf(&path, SAMPLES "%s/%s", folder, name);
	return read_all(text_str(&path));
}

static inline void copy(const char *folder, const char *name, const char *into)
{
	CLEANUP(text_done) struct text bytes = sample(folder, name);

	put(into, name, text_str(&bytes), bytes.len);
}

static inline int set_up(void **state)
{
	static struct place place;

	(void)strcpy(place.root, "/tmp/test_images.XXXXXX");
	if (!mkdtemp(place.root))
		return -1;
	(void)snprintf(place.reports, sizeof(place.reports), "%s/reports", place.root);
	(void)snprintf(place.keys, sizeof(place.keys), "%s/keys", place.root);
	*state = &place;
	return mkdir(place.reports, 0755) || mkdir(place.keys, 0755);
}

static inline int tear_down(void **state)
{
	remove_folder(((struct place *)*state)->root);
	return 0;
}

static inline struct images *read_place(const struct place *place)
{
	struct images *images = NULL;

	assert_int_equal(images_folder_read(place->reports, place->keys, &images), 0);
	return images;
}

static inline void copy_samples(const struct place *place)
{
	static const char *const reports[] = {
		"a.payload",	     "a.sig",
		"b.jsonl",	     "c.sigstore.json",
		"d.jsonl",	     "grype-0.104.0.json",
		"grype-0.34.0.json", "grype-0.74.0.json",
		"trivy-0.19.2.json", "trivy-0.38.1.json",
		"trivy-0.48.0.json", "trivy-0.70.0.json",
	};
	static const char *const keys[] = { "ed25519.pem", "p256.pem", "rsa.pem", "weak.pem" };

	for (size_t i = 0; i < ARRAY_LEN(reports); i++)
		copy("reports", reports[i], place->reports);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		copy("keys", keys[i], place->keys);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
