/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports of scanners.
 *
 * Trivy, `trivy image --format json`: SchemaVersion 2, since 0.20. ArtifactType says whether it was
 * an image; Metadata has the digests; Results one element for each kind of package that was looked
 * at. CreatedAt came with 0.48. What no package was found in was not looked at: where vulnerability
 * scanning was off, or the image is of a kind that Trivy does not know, there is no such element.
 * With `--list-all-pkgs` there is one all the same, as of an image without any vulnerability: that
 * these were not looked for, no version says (netd-policy(5)).
 *
 * Grype, `grype -o json`: source.target has the digests, descriptor.timestamp the time (local, with
 * its zone), which old ones do not have. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/base/limits.h"
#include "core/images/private.h"

/* In the words of both. */
static bool severity_parse(const char *text, enum images_severity *ret)
{
	static const struct {
		const char *word;
		enum images_severity severity;
	} words[] = {
		{ "UNKNOWN", IMAGES_UNRATED }, { "NEGLIGIBLE", IMAGES_UNRATED },
		{ "LOW", IMAGES_LOW },	       { "MEDIUM", IMAGES_MEDIUM },
		{ "HIGH", IMAGES_HIGH },       { "CRITICAL", IMAGES_CRITICAL },
		{ "", IMAGES_UNRATED },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(words[i].word, text) == 0) {
			*ret = words[i].severity;
			return true;
		}
	return false;
}

/* One that has none was not rated. False: it is of no word that is known, and nobody can say how
 * bad that is. */
static bool count(const cJSON *severity, struct images_report *report)
{
	enum images_severity found = IMAGES_UNRATED;

	if (severity && !cJSON_IsString(severity))
		return false;
	if (severity && !severity_parse(cJSON_GetStringValue(severity), &found))
		return false;
	report->found[found]++;
	return true;
}

#define STRANGE_SEVERITY "it has a vulnerability of a severity that netd does not know"

/* ---- digests ---- */

struct digests {
	struct images_digest items[LIMIT_IMAGE_DIGESTS];
	size_t n;
};

/* One of another algorithm names nothing that an engine knows. */
static void add_digest(struct digests *digests, const cJSON *text)
{
	const char *digest = cJSON_GetStringValue(text);

	if (digest && digests->n < ARRAY_LEN(digests->items))
		digests->n += images_digest_parse(digest, &digests->items[digests->n]);
}

static void add_digests(struct digests *digests, const cJSON *list)
{
	const cJSON *item;

	if (!cJSON_IsArray(list))
		return;
	cJSON_ArrayForEach(item, list)
		add_digest(digests, item);
}

static int take_digests(const struct digests *digests, struct arena *arena, struct images_file *ret)
{
	if (digests->n == 0)
		return images_refuse(ret, "it names no image by its digest");
	ret->is_report = true;
	ret->report.digests =
		arena_dup(arena, digests->items, digests->n * sizeof(*digests->items));
	ret->report.n_digests = digests->n;
	return ret->report.digests ? 0 : -ENOMEM;
}

/* ---- Trivy ---- */

/* Of which packages there are results. */
struct looked_at {
	bool system, libraries, unnamed;
};

/* Packages alone have vulnerabilities. Older ones have no Class. */
static const char *read_result(const cJSON *result, struct images_report *report,
			       struct looked_at *looked)
{
	const char *class = json_text(result, "Class");
	const cJSON *found = json_member(result, "Vulnerabilities"), *one;

	looked->system |= class && strcmp(class, "os-pkgs") == 0;
	looked->libraries |= class && strcmp(class, "lang-pkgs") == 0;
	looked->unnamed |= !class && json_text(result, "Type");
	if (!found || cJSON_IsNull(found))
		return NULL;
	if (!cJSON_IsArray(found))
		return "its vulnerabilities are no list";
	cJSON_ArrayForEach(one, found)
		if (!cJSON_IsObject(one) || !count(json_member(one, "Severity"), report))
			return STRANGE_SEVERITY;
	return NULL;
}

/* Where it knows the system of an image it has a result about the packages of that, with or without
 * vulnerabilities: unless it was told to leave them out, or has no data about that system. */
static const char *read_results(const cJSON *json, struct images_report *report)
{
	const cJSON *results = json_member(json, "Results"), *result;
	const cJSON *os = json_member(json_member(json, "Metadata"), "OS");
	struct looked_at looked = { .system = false };

	if (results && !cJSON_IsArray(results) && !cJSON_IsNull(results))
		return "its results are no list";
	cJSON_ArrayForEach(result, results) {
		const char *why = read_result(result, report, &looked);
		if (why)
			return why;
	}
	if (!looked.system && !looked.libraries && !looked.unnamed)
		return "it tells of no packages: either none were found, or vulnerabilities were "
		       "not looked for";
	return looked.libraries && !looked.system && json_text(os, "Family")
		       ? "it names the system of the image, and tells of none of its packages"
		       : NULL;
}

int images_read_trivy(const cJSON *json, struct arena *arena, struct images_file *ret)
{
	const cJSON *version = json_member(json, "SchemaVersion");
	const cJSON *metadata = json_member(json, "Metadata");
	const char *type = json_text(json, "ArtifactType");
	const char *made = json_text(json, "CreatedAt");
	struct digests digests = { .n = 0 };

	if (!cJSON_IsNumber(version) || version->valuedouble != 2)
		return images_refuse(ret, "it is of a form of Trivy's that netd does not know");
	if (!type || strcmp(type, "container_image") != 0)
		return images_refuse(ret, "it is a report of Trivy, but not about an image");
	ret->report.scanner = IMAGES_TRIVY;
	if (json_member(json, "CreatedAt") &&
	    (!made || !images_time_parse(made, &ret->report.made)))
		return images_refuse(ret, "its time is none");
	const char *why = read_results(json, &ret->report);
	if (why)
		return images_refuse(ret, why);
	add_digest(&digests, json_member(metadata, "ImageID"));
	add_digests(&digests, json_member(metadata, "RepoDigests"));
	return take_digests(&digests, arena, ret);
}

/* ---- Grype ---- */

static const char *read_matches(const cJSON *matches, struct images_report *report)
{
	const cJSON *match;

	if (!cJSON_IsArray(matches))
		return "its matches are no list";
	cJSON_ArrayForEach(match, matches) {
		const cJSON *found = json_member(match, "vulnerability");
		if (!found || !count(json_member(found, "severity"), report))
			return STRANGE_SEVERITY;
	}
	return NULL;
}

int images_read_grype(const cJSON *json, struct arena *arena, struct images_file *ret)
{
	const cJSON *descriptor = json_member(json, "descriptor");
	const cJSON *source = json_member(json, "source"), *target;
	const char *name = json_text(descriptor, "name"), *type = json_text(source, "type");
	const char *made = json_text(descriptor, "timestamp");
	struct digests digests = { .n = 0 };

	if (!name || strcmp(name, "grype") != 0)
		return images_refuse(ret, "it has matches as Grype writes them, but not its name");
	if (!type || strcmp(type, "image") != 0)
		return images_refuse(ret, "it is a report of Grype, but not about an image");
	ret->report.scanner = IMAGES_GRYPE;
	if (made && *made && !images_time_parse(made, &ret->report.made))
		return images_refuse(ret, "its time is none");
	const char *why = read_matches(json_member(json, "matches"), &ret->report);
	if (why)
		return images_refuse(ret, why);
	target = json_member(source, "target");
	add_digest(&digests, json_member(target, "imageID"));
	add_digest(&digests, json_member(target, "manifestDigest"));
	add_digests(&digests, json_member(target, "repoDigests"));
	return take_digests(&digests, arena, ret);
}
