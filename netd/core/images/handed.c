/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder as one text: who reads it has the files of many tools in its memory, and who asks has
 * not. What comes back is looked at as anything from outside. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/images/private.h"

/* ---- printing ---- */

/* A name in quotes, each of its bytes escaped; and what stands around it and its like. */
#define NAME (2 * 255 + 2)
#define REST 300

static_assert(LIMIT_IMAGE_FILES * (NAME + REST) +
			      LIMIT_IMAGE_ALL_DIGESTS * (IMAGES_DIGEST_LEN + 10) +
			      LIMIT_IMAGE_ALL_SIGNATURES * (NAME + REST) +
			      LIMIT_IMAGE_REFUSED * (NAME + REST) + LIMIT_IMAGE_KEYS * NAME <
		      LIMIT_IMAGE_HANDED,
	      "all that is within the limits can be handed on");

/* Names of files are UTF-8 without control characters, but may have quotes. */
static void print_text(struct text *out, const char *text)
{
	text_add(out, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			text_add(out, "\\");
		text_add_n(out, text, 1);
	}
	text_add(out, "\"");
}

static void print_texts(struct text *out, const char *const *texts, size_t n)
{
	text_add(out, "[");
	for (size_t i = 0; i < n; i++) {
		text_add(out, i ? "," : "");
		print_text(out, texts[i]);
	}
	text_add(out, "]");
}

static void print_report(struct text *out, const struct images_report *report)
{
	text_add(out, "{\"file\":");
	print_text(out, report->file);
	text_printf(out, ",\"scanner\":%u,\"made\":%lld,\"found\":[", (unsigned int)report->scanner,
		    (long long)report->made);
	for (size_t i = 0; i < IMAGES_SEVERITIES; i++)
		text_printf(out, "%s%u", i ? "," : "", report->found[i]);
	text_add(out, "],\"digests\":[");
	for (size_t i = 0; i < report->n_digests; i++)
		text_printf(out, "%s\"sha256:%s\"", i ? "," : "", report->digests[i].hex);
	text_add(out, "]}");
}

void images_print(const struct images *images, struct text *out)
{
	text_add(out, "{\"keys\":");
	print_texts(out, images->keys, images->n_keys);
	text_add(out, ",\"reports\":[");
	for (size_t i = 0; i < images->n_reports; i++) {
		text_add(out, i ? ",\n" : "");
		print_report(out, &images->reports[i]);
	}
	text_add(out, "],\"signatures\":[");
	for (size_t i = 0; i < images->n_signatures; i++) {
		const struct images_signature *signature = &images->signatures[i];
		text_add(out, i ? ",\n{\"file\":" : "{\"file\":");
		print_text(out, signature->file);
		text_printf(out, ",\"digest\":\"sha256:%s\",\"keys\":%u}", signature->digest.hex,
			    signature->keys);
	}
	text_add(out, "],\"refused\":[");
	for (size_t i = 0; i < images->n_refused; i++) {
		text_add(out, i ? ",\n{\"file\":" : "{\"file\":");
		print_text(out, images->refused[i].file);
		text_add(out, ",\"why\":");
		print_text(out, images->refused[i].why);
		text_add(out, "}");
	}
	text_add(out, "]}\n");
}

/* ---- parsing ---- */

/* Room for the elements of a list, each of @size bytes. 0; -EINVAL: it is none; -ENOMEM. */
static int make_room(const cJSON *list, struct arena *arena, size_t size, void *ret)
{
	void *items = NULL;

	if (!cJSON_IsArray(list))
		return -EINVAL;
	items = arena_alloc(arena, (size_t)cJSON_GetArraySize(list) * size);
	memcpy(ret, &items, sizeof(items));
	return items ? 0 : -ENOMEM;
}

static int take_text(const cJSON *text, struct arena *arena, const char **ret)
{
	const char *value = cJSON_GetStringValue(text);

	if (!value)
		return -EINVAL;
	*ret = arena_strdup(arena, value);
	return *ret ? 0 : -ENOMEM;
}

static int take_texts(const cJSON *list, struct arena *arena, const char ***ret, size_t *ret_n)
{
	const cJSON *item;
	int r = make_room(list, arena, sizeof(**ret), ret);

	if (r)
		return r;
	cJSON_ArrayForEach(item, list) {
		r = take_text(item, arena, &(*ret)[*ret_n]);
		if (r)
			return r;
		(*ret_n)++;
	}
	return r;
}

static int take_digests(const cJSON *list, struct arena *arena, struct images_report *report)
{
	struct images_digest *digests = NULL;
	const cJSON *item;
	int r = make_room(list, arena, sizeof(*digests), &digests);

	if (r)
		return r;
	cJSON_ArrayForEach(item, list) {
		const char *text = cJSON_GetStringValue(item);
		if (!text || !images_digest_parse(text, &digests[report->n_digests]))
			return -EINVAL;
		report->n_digests++;
	}
	report->digests = digests;
	return r;
}

static int take_report(const cJSON *json, struct arena *arena, struct images_report *ret)
{
	const cJSON *scanner = json_member(json, "scanner"), *made = json_member(json, "made");
	const cJSON *found = json_member(json, "found"), *item;
	size_t i = 0;

	if (!cJSON_IsNumber(scanner) || scanner->valuedouble < 0 ||
	    scanner->valuedouble >= IMAGES_SCANNERS || !cJSON_IsNumber(made) ||
	    made->valuedouble < 0 || made->valuedouble > 1e12 || !cJSON_IsArray(found) ||
	    cJSON_GetArraySize(found) != IMAGES_SEVERITIES)
		return -EINVAL;
	ret->scanner = (enum images_scanner)scanner->valueint;
	ret->made = (int64_t)made->valuedouble;
	cJSON_ArrayForEach(item, found) {
		if (!cJSON_IsNumber(item) || item->valuedouble < 0 ||
		    item->valuedouble > LIMIT_IMAGE_VALUES)
			return -EINVAL;
		ret->found[i++] = (uint32_t)item->valuedouble;
	}
	int r = take_text(json_member(json, "file"), arena, &ret->file);
	return r == 0 ? take_digests(json_member(json, "digests"), arena, ret) : r;
}

static int take_signature(const cJSON *json, struct arena *arena, struct images_signature *ret)
{
	const char *digest = json_text(json, "digest");
	const cJSON *keys = json_member(json, "keys");
	int r = take_text(json_member(json, "file"), arena, &ret->file);

	if (r)
		return r;
	if (!digest || !images_digest_parse(digest, &ret->digest) || !cJSON_IsNumber(keys) ||
	    !(keys->valuedouble >= 0 && keys->valuedouble <= UINT32_MAX))
		return -EINVAL;
	ret->keys = (uint32_t)keys->valuedouble;
	return 0;
}

static int take_reports(const cJSON *list, struct images *images)
{
	const cJSON *item;
	int r = make_room(list, images->arena, sizeof(*images->reports), &images->reports);

	if (r)
		return r;
	cJSON_ArrayForEach(item, list) {
		r = take_report(item, images->arena, &images->reports[images->n_reports++]);
		if (r)
			return r;
	}
	return 0;
}

static int take_signatures(const cJSON *list, struct images *images)
{
	const cJSON *item;
	int r = make_room(list, images->arena, sizeof(*images->signatures), &images->signatures);

	if (r)
		return r;
	cJSON_ArrayForEach(item, list) {
		r = take_signature(item, images->arena,
				   &images->signatures[images->n_signatures++]);
		if (r)
			return r;
	}
	return 0;
}

static int take_refused(const cJSON *list, struct images *images)
{
	const cJSON *item;
	int r = make_room(list, images->arena, sizeof(*images->refused), &images->refused);

	if (r)
		return r;
	cJSON_ArrayForEach(item, list) {
		struct images_refused *one = &images->refused[images->n_refused++];
		r = take_text(json_member(item, "file"), images->arena, &one->file);
		if (r == 0)
			r = take_text(json_member(item, "why"), images->arena, &one->why);
		if (r)
			return r;
	}
	return 0;
}

static int take_lists(const cJSON *json, struct images *images)
{
	int r = take_texts(json_member(json, "keys"), images->arena, &images->keys,
			   &images->n_keys);

	if (r == 0 && images->n_keys > LIMIT_IMAGE_KEYS)
		r = -EINVAL;
	if (r == 0)
		r = take_reports(json_member(json, "reports"), images);
	if (r == 0)
		r = take_signatures(json_member(json, "signatures"), images);
	if (r == 0)
		r = take_refused(json_member(json, "refused"), images);
	return r == 0 ? images_index(images) : r;
}

int images_parse(const char *bytes, size_t len, struct images **ret)
{
	CLEANUP(json_freep) cJSON *json = NULL;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct images *images = arena ? arena_alloc(arena, sizeof(*images)) : NULL;
	int r = images ? images_json(bytes, len, &json) : -ENOMEM;

	if (r)
		return r == IMAGES_E_REFUSED ? -EINVAL : r;
	images->arena = arena;
	r = take_lists(json, images);
	if (r)
		return r;
	(void)TAKE_PTR(arena);
	*ret = images;
	return 0;
}
