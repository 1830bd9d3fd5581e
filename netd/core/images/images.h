/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What scanners and signers say of images: reports of Trivy and Grype, signatures of cosign. Bytes
 * of their files in, values out; and what these say of one image, by its digests. Nothing here
 * knows a file system, a clock or a key: edge/images reads files and verifies.
 *
 * What is missing, too old, damaged or about another image is not known, which is never fine. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/text.h"

#define IMAGES_DIGEST_LEN 65 /* the hex digits of a sha256, with NUL */

struct images_digest {
	char hex[IMAGES_DIGEST_LEN];
};

/* From nothing to the worst. Unrated: nobody has said yet how bad it is ("UNKNOWN", "Negligible").
 */
enum images_severity {
	IMAGES_NONE,
	IMAGES_UNRATED,
	IMAGES_LOW,
	IMAGES_MEDIUM,
	IMAGES_HIGH,
	IMAGES_CRITICAL,
	IMAGES_SEVERITIES
};
const char *images_severity_name(enum images_severity severity); /* "high" */

enum images_scanner { IMAGES_TRIVY, IMAGES_GRYPE, IMAGES_SCANNERS };
const char *images_scanner_name(enum images_scanner scanner); /* "Trivy" */

/* A report about one image. */
struct images_report {
	const char *file; /* its name in the folder */
	enum images_scanner scanner;
	int64_t made;			     /* seconds since the epoch; 0: it does not say */
	uint32_t found[IMAGES_SEVERITIES];   /* how many vulnerabilities */
	const struct images_digest *digests; /* of the image: what it holds, its manifest, its
					      * list of manifests */
	size_t n_digests;
};

/* A signature of the image of that digest. */
struct images_signature {
	const char *file;
	struct images_digest digest;
	uint32_t keys; /* a bit for each of images.keys that verifies it; 0: nobody knows who made
			* it */
};

/* A file that counts for nothing. */
struct images_refused {
	const char *file, *why;
};

/* That something is said of the image of that digest, and where in the list of it. */
struct images_mention {
	const char *hex;
	uint32_t at;
};

/* By digest. */
struct images_mentions {
	struct images_mention *items;
	size_t n;
};

/* A folder as it was read. Immutable; all of it in its arena. */
struct images {
	struct arena *arena;
	struct images_report *reports;
	size_t n_reports;
	struct images_signature *signatures;
	size_t n_signatures;
	struct images_refused *refused;
	size_t n_refused;
	const char **keys; /* those that can be used; LIMIT_IMAGE_KEYS at most */
	size_t n_keys;
	struct images_mentions in_reports, in_signatures; /* of images_index() */
};

/* Once the lists are as they will stay: what is asked about an image looks there. 0 or -ENOMEM. */
int images_index(struct images *images) MUST_CHECK;

/* "sha256:…" or "name@sha256:…". False: another text, or another algorithm. */
bool images_digest_parse(const char *text, struct images_digest *ret);
/* RFC 3339, as Go writes it: "2026-11-29T08:00:00.123456789+01:00". False: none, or before 1970. */
bool images_time_parse(const char *text, int64_t *ret);

/* ---- one file ---- */

/* What was signed, and the signature: whether they belong together only a key tells. */
struct images_claim {
	const char *signed_bytes;
	size_t n_signed;
	const char *signature;
	size_t n_signature;
	struct images_digest digest;
};

struct images_file {
	bool is_report;
	struct images_report report; /* file is not set */
	VEC(struct images_claim) claims;
	const char *why; /* IMAGES_E_REFUSED: what is wrong, in one line */
};

/* Takes the bytes as they come, and keeps of them what is looked at, so that a report may be long.
 */
struct images_reader;
struct images_reader *images_reader_new(void) MUST_CHECK; /* NULL: no memory */
struct images_reader *images_reader_free(struct images_reader *reader);
void images_reader_freep(struct images_reader **reader); /* for CLEANUP() */
/* 0 or -ENOMEM. */
int images_reader_feed(struct images_reader *reader, const char *bytes, size_t n) MUST_CHECK;
/* After all of a *.json: texts live in @arena. 0; IMAGES_E_REFUSED; -ENOMEM. */
#define IMAGES_E_REFUSED 1
int images_reader_end(struct images_reader *reader, struct arena *arena,
		      struct images_file *ret) MUST_CHECK;
/* The two files of `cosign sign --output-payload --output-signature`. As above. */
int images_read_pair(const struct images_claim *bytes, struct arena *arena,
		     struct images_file *ret) MUST_CHECK;

/* ---- handed from the process that reads to the one that asks ---- */

void images_print(const struct images *images, struct text *out);
/* Of what was printed, in an arena of its own. 0; -EINVAL: it is something else; -ENOMEM. */
int images_parse(const char *bytes, size_t len, struct images **ret) MUST_CHECK;
struct images *images_free(struct images *images); /* NULL is fine; returns NULL */

/* ---- what is said of one image ---- */

struct images_about {
	const struct images *all; /* NULL: no folder was read */
	bool is_awaited;	  /* the first reading of the folder has not ended yet */
	const char *id;		  /* hex digits, "" unknown */
	const struct images_digest *digests;
	size_t n_digests;
	bool is_known; /* the engine has said by which digests it has the image */
	int64_t now;   /* seconds since the epoch */
};

struct images_answer {
	bool known, fine;
	const char *why; /* static, behind a container's name: "runs an image …"; NULL: fine */
};

/* Whether its vulnerabilities are no worse than @most: by the newest report of each scanner that is
 * not older than @max_age seconds (0: of any age). What accuses it decides; else it is known to be
 * fine where there is a report, and each scanner that has one has one that counts: what an old
 * report, or one of the future, stands for may be worse. */
struct images_answer images_ask_severity(const struct images_about *about,
					 enum images_severity most, int64_t max_age);
/* Whether one of these keys has signed it. */
struct images_answer images_ask_signer(const struct images_about *about, const char *const *keys,
				       size_t n_keys);
/* The newest report of that scanner about it, NULL: none. One of the future is, where there is no
 * other. */
const struct images_report *images_newest(const struct images_about *about,
					  enum images_scanner scanner);
enum images_severity images_worst(const struct images_report *report);
/* The next moment after @now at which some report is older than @max_age, or is not of the future
 * any more; 0: none. */
int64_t images_next_change(const struct images *images, int64_t max_age, int64_t now);

/* What is said of it, one after the other; begins zeroed but for the first. */
struct images_walk {
	const struct images_about *about;
	size_t digest; /* of which the mentions are looked at: 0 its id, then those of repositories
			*/
	size_t at;     /* 0: not looked for yet; else one behind the place among the mentions */
};
/* NULL: that was all. A report that names several of its digests comes as often; a signature comes
 * once. */
const struct images_report *images_next_report(struct images_walk *walk);
const struct images_signature *images_next_signature(struct images_walk *walk);
