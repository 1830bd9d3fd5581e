/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What cosign signs with a key, in the forms in which it hands that on:
 *
 *   --output-payload, --output-signature   the signed bytes, and the signature in Base64
 *   download signature                     both in one object, a line for each signature
 *   a bundle of sigstore, v0.1 to v0.3     a DSSE envelope around a statement of in-toto
 *
 * The signed bytes say of which manifest they are: "critical" of the simple signing that containers
 * have in common, or the statement's subject. Signatures by a certificate (keyless) are refused:
 * who was given one, only sigstore's own services tell. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/base64.h"
#include "core/base/limits.h"
#include "core/images/private.h"

#define SIMPLE_SIGNING "cosign container image signature"
#define STATEMENT "application/vnd.in-toto+json"
#define SIGNS_IMAGE "https://sigstore.dev/cosign/sign/v1"

static int add_claim(const struct images_claim *claim, struct arena *arena, struct images_file *ret)
{
	if (ret->claims.n == LIMIT_IMAGE_SIGNATURES)
		return images_refuse(ret, "it has more signatures than netd reads");
	return VEC_PUSH(arena, &ret->claims, *claim);
}

/* Base64 of a text member. 0; IMAGES_E_REFUSED; -ENOMEM. */
static int decode(const char *text, struct arena *arena, const char **ret, size_t *ret_len)
{
	char *bytes = NULL;
	int r = text ? base64_decode(text, arena, &bytes, ret_len) : -EINVAL;

	*ret = bytes;
	return r == -EINVAL ? IMAGES_E_REFUSED : r;
}

/* ---- simple signing ---- */

static int add_simple(struct images_claim claim, struct arena *arena, struct images_file *ret)
{
	CLEANUP(json_freep) cJSON *json = NULL;
	int r = images_json(claim.signed_bytes, claim.n_signed, &json);
	const cJSON *critical = json_member(json, "critical");
	const char *type = json_text(critical, "type");
	const char *digest = json_text(json_member(critical, "image"), "docker-manifest-digest");

	if (r < 0)
		return r;
	if (r)
		return images_refuse(ret, "what it signs is damaged");
	if (!type || strcmp(type, SIMPLE_SIGNING) != 0)
		return images_refuse(ret, "what it signs is no image as cosign signs them");
	if (!digest || !images_digest_parse(digest, &claim.digest))
		return images_refuse(ret, "what it signs names no image by its digest");
	return add_claim(&claim, arena, ret);
}

int images_read_pair(const struct images_claim *bytes, struct arena *arena, struct images_file *ret)
{
	struct images_claim claim = *bytes;

	*ret = (struct images_file){ 0 };
	/* cosign writes it without a newline, `cosign generate` and people's tools with one. */
	char *text = arena_strndup(arena, bytes->signature, bytes->n_signature);
	if (!text)
		return -ENOMEM;
	text[strcspn(text, "\r\n")] = '\0';
	int r = decode(text, arena, &claim.signature, &claim.n_signature);
	if (r == IMAGES_E_REFUSED)
		return images_refuse(ret, "the signature beside it is no Base64");
	return r == 0 ? add_simple(claim, arena, ret) : r;
}

int images_read_line(const cJSON *json, struct arena *arena, struct images_file *ret)
{
	struct images_claim claim = { 0 };
	int r = decode(json_text(json, "Base64Signature"), arena, &claim.signature,
		       &claim.n_signature);

	if (r == 0)
		r = decode(json_text(json, "Payload"), arena, &claim.signed_bytes, &claim.n_signed);
	if (r == IMAGES_E_REFUSED)
		return images_refuse(
			ret, "its signature, or what it signs, is missing, too long, or no Base64");
	return r == 0 ? add_simple(claim, arena, ret) : r;
}

/* ---- bundles ---- */

static bool is_known_bundle(const char *type)
{
	static const char *const known[] = {
		"application/vnd.dev.sigstore.bundle.v0.3+json",
		"application/vnd.dev.sigstore.bundle+json;version=0.3",
		"application/vnd.dev.sigstore.bundle+json;version=0.2",
		"application/vnd.dev.sigstore.bundle+json;version=0.1",
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i], type) == 0)
			return true;
	return false;
}

/* What DSSE signs: the type and the body with their lengths. */
static int encode_signed(const char *body, size_t len, struct arena *arena,
			 struct images_claim *claim)
{
	size_t room = len + sizeof(STATEMENT) + 64;
	char *bytes = arena_alloc(arena, room);

	if (!bytes)
		return -ENOMEM;
	size_t n = (size_t)snprintf(bytes, room, "DSSEv1 %zu %s %zu ", strlen(STATEMENT), STATEMENT,
				    len);
	memcpy(bytes + n, body, len);
	claim->signed_bytes = bytes;
	claim->n_signed = n + len;
	return 0;
}

/* A claim for each subject that the statement names by a digest. */
static int add_subjects(const char *body, size_t len, struct images_claim claim,
			struct arena *arena, struct images_file *ret)
{
	CLEANUP(json_freep) cJSON *json = NULL;
	int r = images_json(body, len, &json);
	const char *predicate = json_text(json, "predicateType");
	const cJSON *list = json_member(json, "subject"), *subject;
	char text[sizeof("sha256:") + IMAGES_DIGEST_LEN];

	if (r < 0)
		return r;
	if (r)
		return images_refuse(ret, "what it signs is damaged");
	if (!predicate || strcmp(predicate, SIGNS_IMAGE) != 0)
		return images_refuse(ret,
				     "it tells something about an image, and does not sign it");
	if (!cJSON_IsArray(list))
		return images_refuse(ret, "what it signs names no image by its digest");
	cJSON_ArrayForEach(subject, list) {
		const char *hex = json_text(json_member(subject, "digest"), "sha256");
		(void)snprintf(text, sizeof(text), "sha256:%s", hex ? hex : "");
		if (!hex || !images_digest_parse(text, &claim.digest))
			return images_refuse(ret, "what it signs names no image by its digest");
		r = add_claim(&claim, arena, ret);
		if (r)
			return r;
	}
	return r;
}

static int read_envelope(const cJSON *envelope, struct arena *arena, struct images_file *ret)
{
	const char *type = json_text(envelope, "payloadType"), *body = NULL;
	const cJSON *list = json_member(envelope, "signatures"), *signature;
	struct images_claim claim = { 0 };
	size_t len = 0;

	if (!type || strcmp(type, STATEMENT) != 0)
		return images_refuse(ret, "what it signs is no statement of in-toto");
	int r = decode(json_text(envelope, "payload"), arena, &body, &len);
	if (r == 0)
		r = encode_signed(body, len, arena, &claim);
	if (r < 0)
		return r;
	if (!cJSON_IsArray(list))
		return images_refuse(ret, "it has no signature");
	cJSON_ArrayForEach(signature, list) {
		if (r == 0)
			r = decode(json_text(signature, "sig"), arena, &claim.signature,
				   &claim.n_signature);
		if (r == 0)
			r = add_subjects(body, len, claim, arena, ret);
	}
	if (r == IMAGES_E_REFUSED && !ret->why)
		return images_refuse(
			ret, "its signature, or what it signs, is missing, too long, or no Base64");
	return r;
}

int images_read_bundle(const cJSON *json, struct arena *arena, struct images_file *ret)
{
	const cJSON *material = json_member(json, "verificationMaterial");

	if (!is_known_bundle(json_text(json, "mediaType")))
		return images_refuse(ret, "it is no bundle of sigstore that netd knows");
	if (!cJSON_IsObject(json_member(material, "publicKey")))
		return images_refuse(ret,
				     "it is signed by a certificate: netd verifies with public "
				     "keys alone");
	if (json_member(json, "messageSignature"))
		return images_refuse(ret, "it is a signature of a file, and of no image");
	return read_envelope(json_member(json, "dsseEnvelope"), arena, ret);
}
