/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports of scanners and signatures of images: a folder of samples of several versions
 * (tests/lab/images.py), each way in which one of them counts for nothing, and what they say of an
 * image. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/test_images_lib.h"

/* ---- the samples ---- */

static void print_all(const struct images *images, struct text *out)
{
	for (size_t i = 0; i < images->n_reports; i++) {
		const struct images_report *report = &images->reports[i];
		text_printf(out, "%s: %s at %lld, %zu digests, worst %s:", report->file,
			    images_scanner_name(report->scanner), (long long)report->made,
			    report->n_digests, images_severity_name(images_worst(report)));
		for (size_t k = 0; k < IMAGES_SEVERITIES; k++)
			text_printf(out, " %u", report->found[k]);
		text_add(out, "\n");
	}
	for (size_t i = 0; i < images->n_signatures; i++) {
		const struct images_signature *signature = &images->signatures[i];
		text_printf(out, "%s: of %.4s…, by", signature->file, signature->digest.hex);
		for (size_t k = 0; k < images->n_keys; k++)
			if (signature->keys >> k & 1)
				text_printf(out, " %s", images->keys[k]);
		text_add(out, signature->keys ? "\n" : " nobody known\n");
	}
	for (size_t i = 0; i < images->n_refused; i++)
		text_printf(out, "%s: %s\n", images->refused[i].file, images->refused[i].why);
}

static void test_samples(void **state)
{
	CLEANUP(text_done) struct text out = { 0 }, printed = { 0 }, again = { 0 };
	struct images *images, *parsed = NULL;

	copy_samples(*state);
	images = read_place(*state);
	print_all(images, &out);
	compare_golden(SAMPLES "expected", text_str(&out));
	/* What is handed on is the same. */
	images_print(images, &printed);
	assert_int_equal(images_parse(text_str(&printed), printed.len, &parsed), 0);
	print_all(parsed, &again);
	assert_string_equal(text_str(&again), text_str(&out));
	(void)images_free(parsed);
	(void)images_free(images);
}

static void test_no_folder(void **state)
{
	struct images *images = NULL;

	(void)state;
	assert_int_equal(images_folder_read("/nonexistent/images.d", "/nonexistent/keys", &images),
			 0);
	assert_int_equal(images->n_reports + images->n_signatures + images->n_refused, 0);
	(void)images_free(images);
}

/* ---- what counts for nothing ---- */

/* @old of a sample taken for @new, and what is found then. "": it is as if it were whole. */
static const struct {
	const char *file, *old, *new, *found;
} rows[] = {
	{ "trivy-0.70.0.json", "\"SchemaVersion\": 2", "\"SchemaVersion\": 3",
	  "it is of a form of Trivy's that netd does not know" },
	{ "trivy-0.70.0.json", "container_image", "filesystem",
	  "it is a report of Trivy, but not about an image" },
	{ "trivy-0.70.0.json", "2026-11-20T08:00:00Z", "yesterday", "its time is none" },
	{ "trivy-0.70.0.json", "\"2026-11-20T08:00:00Z\"", "1700000000", "its time is none" },
	{ "trivy-0.70.0.json", "\"Severity\": \"MEDIUM\"", "\"Severity\": \"DREADFUL\"",
	  "it has a vulnerability of a severity that netd does not know" },
	{ "trivy-0.70.0.json", "\"Severity\": \"MEDIUM\"", "\"Severity\": 7",
	  "it has a vulnerability of a severity that netd does not know" },
	{ "trivy-0.70.0.json", "\"os-pkgs\"", "\"secret\"",
	  "it tells of no packages: either none were found, or vulnerabilities were not looked "
	  "for" },
	{ "trivy-0.70.0.json", "\"os-pkgs\"", "\"lang-pkgs\"",
	  "it names the system of the image, and tells of none of its packages" },
	{ "trivy-0.70.0.json", "\"Family\": \"debian\"", "\"Other\": \"debian\"", "" },
	{ "trivy-0.70.0.json", "2026-11-20T08:00:00Z", "1970-01-01T00:30:00+01:00",
	  "its time is none" },
	{ "trivy-0.70.0.json", "2026-11-20T08:00:00Z", "0001-01-01T00:00:00Z", "its time is none" },
	{ "trivy-0.70.0.json", "2026-11-20", "2026-02-31", "its time is none" },
	{ "trivy-0.70.0.json", "sha256:d", "sha512:d", "" },
	{ "trivy-0.70.0.json", "\"Metadata\"", "\"Other\"", "it names no image by its digest" },
	{ "trivy-0.70.0.json", "\"Results\": [", "\"Results\": [[",
	  "it is damaged, or was cut off" },
	{ "trivy-0.70.0.json", "{", "[{", "it is damaged, or was cut off" },
	{ "trivy-0.70.0.json", "{", "[{}] {",
	  "it is a list, as Trivy wrote before 0.20: that names "
	  "no image by its digest" },
	{ "trivy-0.70.0.json", "{", "{} {", "it has more than one value" },
	{ "trivy-0.70.0.json", "\"SchemaVersion\"", "\"Schema\"",
	  "it is no report of Trivy or Grype, and no signature of cosign" },
	{ "trivy-0.70.0.json", "\"SchemaVersion\"", "\"bomFormat\"",
	  "it is a list of what an image holds, and no report about it" },
	{ "trivy-0.70.0.json", "\"SchemaVersion\"", "\"$schema\"",
	  "it is SARIF, which names no image: have the scanner write JSON" },
	{ "grype-0.74.0.json", "\"name\": \"grype\"", "\"name\": \"gripe\"",
	  "it has matches as Grype writes them, but not its name" },
	{ "grype-0.74.0.json", "\"type\": \"image\"", "\"type\": \"directory\"",
	  "it is a report of Grype, but not about an image" },
	{ "grype-0.74.0.json", "\"severity\": \"High\"", "\"severity\": \"Terrible\"",
	  "it has a vulnerability of a severity that netd does not know" },
	{ "grype-0.74.0.json", "2026-11-02T", "2026-13-02T", "its time is none" },
	{ "grype-0.74.0.json", "-05:30", "-0530", "its time is none" },
	{ "grype-0.74.0.json", "\"target\"", "\"purpose\"", "it names no image by its digest" },
	{ "grype-0.74.0.json", "\"matches\": [", "\"matches\": 7, \"x\": [",
	  "its matches are no list" },
	{ "b.jsonl", "\"Payload\"", "\"Other\"",
	  "its signature, or what it signs, is missing, too long, or no Base64" },
	{ "b.jsonl", "\"Base64Signature\": \"", "\"Base64Signature\": \"!",
	  "its signature, or what it signs, is missing, too long, or no Base64" },
	{ "b.jsonl", "\"Payload\": \"eyJ", "\"Payload\": \"eyK", "what it signs is damaged" },
	{ "a.payload", "cosign container", "atomic container",
	  "what it signs is no image as cosign signs them" },
	{ "a.payload", "sha256:", "sha1:", "what it signs names no image by its digest" },
	{ "a.payload", "}", "", "what it signs is damaged" },
	{ "c.sigstore.json", "v0.3+json", "v9.9+json",
	  "it is no bundle of sigstore that netd knows" },
	{ "c.sigstore.json", "\"publicKey\"", "\"certificate\"",
	  "it is signed by a certificate: netd verifies with public keys alone" },
	{ "c.sigstore.json", "\"dsseEnvelope\"", "\"messageSignature\"",
	  "it is a signature of a file, and of no image" },
	{ "c.sigstore.json", "in-toto+json", "other+json",
	  "what it signs is no statement of in-toto" },
	{ "c.sigstore.json", "\"signatures\": [", "\"signatures\": 7, \"x\": [",
	  "it has no signature" },
};

static void check_row(const struct place *place, size_t i)
{
	CLEANUP(text_done) struct text bytes = sample("reports", rows[i].file), changed = { 0 };
	const char *at = strstr(text_str(&bytes), rows[i].old);
	struct images *images;

	assert_non_null(at);
	text_add_n(&changed, text_str(&bytes), (size_t)(at - text_str(&bytes)));
	text_add(&changed, rows[i].new);
	text_add(&changed, at + strlen(rows[i].old));
	put(place->reports, rows[i].file, text_str(&changed), changed.len);
	images = read_place(place);
	if (*rows[i].found) {
		assert_int_equal(images->n_reports, 0);
		assert_int_equal(images->n_refused, 1);
		assert_string_equal(images->refused[0].file, rows[i].file);
		assert_string_equal(images->refused[0].why, rows[i].found);
	} else {
		assert_int_equal(images->n_refused, 0);
		assert_int_equal(images->n_reports, 1);
	}
	(void)images_free(images);
	CLEANUP(text_done) struct text path = { 0 };
	text_printf(&path, "%s/%s", place->reports, rows[i].file);
	assert_int_equal(unlink(text_str(&path)), 0);
}

static void test_damage(void **state)
{
	const struct place *place = *state;

	copy("reports", "a.sig", place->reports);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(place, i);
}

/* Wherever a report is cut off it counts for nothing. */
static void test_cut_off(void **state)
{
	const struct place *place = *state;
	CLEANUP(text_done) struct text bytes = sample("reports", "trivy-0.48.0.json");

	for (size_t len = 0; len + 2 < bytes.len; len += 7) {
		put(place->reports, "cut.json", text_str(&bytes), len);
		struct images *images = read_place(place);
		assert_int_equal(images->n_reports, 0);
		assert_int_equal(images->n_refused, 1);
		(void)images_free(images);
	}
}

/* ---- files that are not believed ---- */

static void check_only(const struct place *place, const char *why)
{
	struct images *images = read_place(place);

	assert_int_equal(images->n_reports, why ? 0 : 1);
	assert_int_equal(images->n_refused, why ? 1 : 0);
	if (why)
		assert_string_equal(images->refused[0].why, why);
	(void)images_free(images);
}

static void test_modes(void **state)
{
	const struct place *place = *state;
	CLEANUP(text_done) struct text path = { 0 }, other = { 0 };
	const char *name;

	text_printf(&path, "%s/trivy-0.70.0.json", place->reports);
	text_printf(&other, "%s/elsewhere", place->root);
	name = text_str(&path);
	copy("reports", "trivy-0.70.0.json", place->reports);
	check_only(place, NULL);
	assert_int_equal(chmod(name, 0664), 0);
	check_only(place, "others than its owner may write it");
	assert_int_equal(chmod(name, 0646), 0);
	check_only(place, "others than its owner may write it");
	assert_int_equal(chmod(name, 0600), 0);
	check_only(place, NULL);
	assert_int_equal(chmod(place->reports, 0777), 0);
	check_only(place, "everybody may write to the folder");
	assert_int_equal(chmod(place->reports, 0775), 0);
	check_only(place, NULL);
	assert_int_equal(rename(name, text_str(&other)), 0);
	assert_int_equal(symlink(text_str(&other), name), 0);
	check_only(place, "it is a symbolic link");
	assert_int_equal(unlink(name), 0);
	assert_int_equal(mkfifo(name, 0600), 0);
	check_only(place, "it is no regular file");
	assert_int_equal(unlink(name), 0);
	assert_int_equal(mkdir(name, 0700), 0);
	check_only(place, "it is no regular file");
}

/* Above the limit it is not even read; many vulnerabilities below it are. */
static void test_enormous(void **state)
{
	const struct place *place = *state;
	CLEANUP(text_done) struct text path = { 0 }, bytes = { 0 };
	int fd;

	text_printf(&path, "%s/large.json", place->reports);
	put(place->reports, "large.json", "{", 1);
	fd = open(text_str(&path), O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)LIMIT_IMAGE_FILE + 1), 0);
	assert_int_equal(close(fd), 0);
	check_only(place, "it is too large");
	text_add(&bytes, "{\"SchemaVersion\":2,\"ArtifactType\":\"container_image\",\"Metadata\":{"
			 "\"ImageID\":\"sha256:" ID("a") "\"},\"Results\":[{\"Class\":\"os-pkgs\","
							 "\"Vulnerabilities\":[{\"Severity\":"
							 "\"LOW\"}");
	size_t few = bytes.len;
	for (size_t i = 0; i < 100000; i++)
		text_add(&bytes, ",{\"Severity\":\"HIGH\",\"Title\":\"one of very many\"}");
	text_add(&bytes, "]}]}");
	put(place->reports, "large.json", text_str(&bytes), bytes.len);
	struct images *images = read_place(place);
	assert_int_equal(images->n_reports, 1);
	assert_int_equal(images->reports[0].found[IMAGES_HIGH], 100000);
	(void)images_free(images);
	bytes.len = few;
	for (size_t i = 0; i < LIMIT_IMAGE_KEPT / 18; i++)
		text_add(&bytes, ",{\"Severity\":\"HIGH\"}");
	text_add(&bytes, "]}]}");
	put(place->reports, "large.json", text_str(&bytes), bytes.len);
	check_only(place, "it has more than netd keeps of a report");
}

/* ---- signatures ---- */

static size_t signers(const struct place *place)
{
	struct images *images = read_place(place);
	size_t n = 0;

	for (size_t i = 0; i < images->n_signatures; i++)
		n += (size_t)__builtin_popcount(images->signatures[i].keys);
	(void)images_free(images);
	return n;
}

static void test_signatures(void **state)
{
	const struct place *place = *state;
	CLEANUP(text_done) struct text payload = sample("reports", "a.payload");
	CLEANUP(text_done) struct text bundle = sample("reports", "c.sigstore.json");

	copy("reports", "a.payload", place->reports);
	copy("reports", "a.sig", place->reports);
	assert_int_equal(signers(place), 0); /* no key */
	copy("keys", "rsa.pem", place->keys);
	copy("keys", "ed25519.pem", place->keys);
	assert_int_equal(signers(place), 0); /* other keys */
	copy("keys", "p256.pem", place->keys);
	assert_int_equal(signers(place), 1);
	/* Signed for one image, and said of another; and of the same with another name. */
	char *digest = strstr(payload.bytes, "sha256:a");
	digest[8] = 'b';
	put(place->reports, "a.payload", payload.bytes, payload.len);
	assert_int_equal(signers(place), 0);
	digest[8] = 'a';
	*strstr(payload.bytes, "registry.example") = 'R';
	put(place->reports, "a.payload", payload.bytes, payload.len);
	assert_int_equal(signers(place), 0);
	copy("reports", "a.payload", place->reports);
	assert_int_equal(signers(place), 1);
	put(place->reports, "a.sig", "AAAA", 4);
	assert_int_equal(signers(place), 0);
	put(place->reports, "a.sig", "", 0);
	assert_int_equal(signers(place), 0);
	/* A bundle of which a letter of the statement is another. */
	copy("reports", "c.sigstore.json", place->reports);
	assert_int_equal(signers(place), 1);
	char *body = strstr(bundle.bytes, "\"payload\": \"") + strlen("\"payload\": \"");
	char *last = strchr(body, '"') - 6;
	*last = *last == 'A' ? 'B' : 'A';
	put(place->reports, "c.sigstore.json", bundle.bytes, bundle.len);
	assert_int_equal(signers(place), 0);
}

static void test_keys(void **state)
{
	const struct place *place = *state;
	static const char private_key[] = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAA\n"
					  "-----END PRIVATE KEY-----\n";
	struct images *images;

	copy("keys", "p256.pem", place->keys);
	copy("keys", "weak.pem", place->keys);
	put(place->keys, "private.pem", private_key, sizeof(private_key) - 1);
	images = read_place(place);
	assert_int_equal(images->n_keys, 1);
	assert_int_equal(images->n_refused, 2);
	assert_string_equal(images->refused[0].why, "it is no public key in PEM");
	assert_string_equal(images->refused[1].why,
			    "it is a weak key, or none of ECDSA, Ed25519 or RSA");
	(void)images_free(images);
	assert_int_equal(chmod(place->keys, 0775), 0);
	images = read_place(place);
	assert_int_equal(images->n_keys, 0);
	assert_string_equal(images->refused[0].why,
			    "others than its owner may write to the folder of keys");
	(void)images_free(images);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(test_samples),	   cmocka_unit_test(test_no_folder),
		IN_PLACE(test_damage),	   IN_PLACE(test_cut_off),
		IN_PLACE(test_modes),	   IN_PLACE(test_enormous),
		IN_PLACE(test_signatures), IN_PLACE(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
