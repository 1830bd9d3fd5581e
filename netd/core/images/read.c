/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A *.json of the folder: which kind it is shows by its members. Of a report only some are kept as
 * it comes: the rest, some 99 of 100 bytes, is descriptions and links. */
#include <stdlib.h>
#include <string.h>

#include "core/base/json-pick.h"
#include "core/base/limits.h"
#include "core/images/private.h"

/* ---- what is kept ---- */

#define ALL(key)                        \
	{                               \
		key, NULL, false, false \
	}
#define OF(key, table)                   \
	{                                \
		key, table, false, false \
	}
#define END                              \
	{                                \
		NULL, NULL, false, false \
	}

static const struct json_want family[] = { ALL("Family"), END };
static const struct json_want metadata[] = { ALL("ImageID"), ALL("RepoDigests"), OF("OS", family),
					     END };
static const struct json_want trivy_found[] = { ALL("Severity"), END };
static const struct json_want results[] = { ALL("Class"), ALL("Type"),
					    OF("Vulnerabilities", trivy_found), END };

static const struct json_want severity[] = { ALL("severity"), END };
static const struct json_want matches[] = { OF("vulnerability", severity), END };
static const struct json_want target[] = { ALL("imageID"), ALL("manifestDigest"),
					   ALL("repoDigests"), END };
static const struct json_want source[] = { ALL("type"), OF("target", target), END };
static const struct json_want descriptor[] = { ALL("name"), ALL("timestamp"), END };

static const struct json_want hint[] = { ALL("hint"), END };
static const struct json_want material[] = { OF("publicKey", hint), END };
static const struct json_want signatures[] = { ALL("sig"), END };
static const struct json_want envelope[] = { ALL("payload"), ALL("payloadType"),
					     OF("signatures", signatures), END };
static const struct json_want nothing[] = { END };

static const struct json_want wants[] = {
	/* Trivy */
	ALL("SchemaVersion"),
	ALL("ArtifactType"),
	ALL("CreatedAt"),
	OF("Metadata", metadata),
	OF("Results", results),
	/* Grype */
	OF("matches", matches),
	OF("source", source),
	OF("descriptor", descriptor),
	/* `cosign download signature` */
	ALL("Base64Signature"),
	ALL("Payload"),
	/* sigstore */
	ALL("mediaType"),
	OF("verificationMaterial", material),
	OF("dsseEnvelope", envelope),
	OF("messageSignature", nothing),
	/* What is told apart to be refused with its reason. */
	OF("critical", nothing),
	ALL("base64Signature"),
	ALL("bomFormat"),
	ALL("spdxVersion"),
	ALL("$schema"),
	END,
};

/* ---- the whole file ---- */

struct images_reader {
	struct json_pick *pick;
	struct text picked; /* a value on each line */
	bool is_too_long;
};

struct images_reader *images_reader_new(void)
{
	struct images_reader *reader = calloc(1, sizeof(*reader));

	if (reader)
		reader->pick = json_pick_new(wants, NULL, LIMIT_IMAGE_KEPT, false);
	return reader && reader->pick ? reader : images_reader_free(reader);
}

struct images_reader *images_reader_free(struct images_reader *reader)
{
	if (reader) {
		(void)json_pick_free(reader->pick);
		text_done(&reader->picked);
		free(reader);
	}
	return NULL;
}

void images_reader_freep(struct images_reader **reader)
{
	*reader = images_reader_free(*reader);
}

int images_reader_feed(struct images_reader *reader, const char *bytes, size_t n)
{
	/* Many small values, one after the other. */
	reader->is_too_long |= reader->picked.len > 2 * LIMIT_IMAGE_KEPT;
	return reader->is_too_long ? 0 : json_pick_feed(reader->pick, bytes, n, &reader->picked);
}

/* Of what is no report and no signature: what it is instead, as far as it shows. */
static const char *what_else(const cJSON *json)
{
	static const struct {
		const char *key, *why;
	} others[] = {
		{ "critical", "it is what cosign signs, without a signature: call it NAME.payload, "
			      "and the signature NAME.sig" },
		{ "base64Signature", "it is a signature of a file, and of no image" },
		{ "bomFormat", "it is a list of what an image holds, and no report about it" },
		{ "spdxVersion", "it is a list of what an image holds, and no report about it" },
		{ "$schema", "it is SARIF, which names no image: have the scanner write JSON" },
	};

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (json_member(json, others[i].key))
			return others[i].why;
	return "it is no report of Trivy or Grype, and no signature of cosign";
}

static int read_value(const cJSON *json, bool is_only, struct arena *arena, struct images_file *ret)
{
	if (json_member(json, "Base64Signature"))
		return images_read_line(json, arena, ret);
	if (json_text(json, "mediaType"))
		return images_read_bundle(json, arena, ret);
	if (!is_only)
		return images_refuse(ret, "it has more than one value");
	if (json_member(json, "SchemaVersion"))
		return images_read_trivy(json, arena, ret);
	if (json_member(json, "matches"))
		return images_read_grype(json, arena, ret);
	return images_refuse(ret, what_else(json));
}

static int read_line(const char *line, size_t len, bool is_only, struct arena *arena,
		     struct images_file *ret)
{
	CLEANUP(json_freep) cJSON *json = NULL;
	int r = images_json(line, len, &json);

	if (r < 0)
		return r;
	if (r)
		return images_refuse(ret, "it is damaged");
	if (cJSON_IsNull(json))
		return images_refuse(ret, "it has more than netd keeps of a report");
	if (cJSON_IsArray(json))
		return images_refuse(ret, "it is a list, as Trivy wrote before 0.20: that names no "
					  "image by its digest");
	return read_value(json, is_only, arena, ret);
}

int images_reader_end(struct images_reader *reader, struct arena *arena, struct images_file *ret)
{
	const char *at = text_str(&reader->picked), *end;
	int r = 0;

	*ret = (struct images_file){ 0 };
	if (reader->is_too_long)
		return images_refuse(ret, "it has more than netd keeps of a report");
	if (!*at || !json_pick_is_whole(reader->pick))
		return images_refuse(ret, "it is damaged, or was cut off");
	for (size_t n = 0; r == 0 && (end = strchr(at, '\n')); at = end + 1, n++)
		r = read_line(at, (size_t)(end - at), n == 0 && !end[1], arena, ret);
	if (r == 0 && !ret->is_report && ret->claims.n == 0)
		r = images_refuse(ret, "it names no image by its digest");
	return r;
}
