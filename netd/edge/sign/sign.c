/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/sign/sign.h"

#include <errno.h>
#include <string.h>

#include "core/base/text.h"
#include "edge/base/openssl.h"
#include "edge/policydir/policydir.h"

#define ALGORITHM "ED25519"

/* ---- reading keys ---- */

static int refuse(const char **error, char *text)
{
	if (!text)
		return -ENOMEM;
	text_clean(text);
	*error = text;
	return SIGN_E_REFUSED;
}

static int load(struct openssl *ret, const char **error)
{
	if (openssl_load(ret) == 0)
		return 0;
	*error = "signatures need OpenSSL 3 (libcrypto.so.3), which is not there";
	return SIGN_E_REFUSED;
}

static EVP_PKEY *parse_private(const struct openssl *ssl, const struct policy_source *file)
{
	BIO *bio = ssl->BIO_new_mem_buf(file->bytes, (int)file->len);
	EVP_PKEY *key = bio ? ssl->PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;

	(void)ssl->BIO_free(bio);
	return key;
}

/* NULL: it is of another kind, and freed. */
static EVP_PKEY *of_our_kind(const struct openssl *ssl, EVP_PKEY *key)
{
	if (!key || ssl->EVP_PKEY_is_a(key, ALGORITHM) == 1)
		return key;
	ssl->EVP_PKEY_free(key);
	return NULL;
}

static bool get_public(const struct openssl *ssl, const EVP_PKEY *key,
		       unsigned char ret[FLEET_KEY_BYTES])
{
	size_t len = FLEET_KEY_BYTES;

	return ssl->EVP_PKEY_get_raw_public_key(key, ret, &len) == 1 && len == FLEET_KEY_BYTES;
}

/* ---- whom a host believes ---- */

static bool is_trusted(const struct sign_trust *trust, const unsigned char *key)
{
	for (size_t i = 0; i < trust->n; i++)
		if (memcmp(trust->keys[i], key, FLEET_KEY_BYTES) == 0)
			return true;
	return false;
}

static int add_keys(const struct policydir *dir, struct arena *arena, struct sign_trust *trust,
		    const char **error)
{
	struct openssl ssl;
	int r = load(&ssl, error);

	for (size_t i = 0; i < dir->sources.n && r == 0; i++) {
		const struct policy_source *file = &dir->sources.items[i];
		EVP_PKEY *key =
			of_our_kind(&ssl, openssl_read_public(&ssl, file->bytes, file->len));
		if (trust->n == SIGN_KEYS)
			r = refuse(error,
				   arena_printf(arena, "%s is one key too many", file->name));
		else if (!key || !get_public(&ssl, key, trust->keys[trust->n]))
			r = refuse(error, arena_printf(arena, "%s holds no public key of Ed25519",
						       file->name));
		else
			trust->n++;
		ssl.EVP_PKEY_free(key);
	}
	return r;
}

int sign_trust_read(const char *folder, struct arena *arena, struct sign_trust *ret,
		    const char **error)
{
	struct policydir dir = { .suffix = ".pem" };

	*ret = (struct sign_trust){ .folder = folder ? folder : SIGN_TRUST_DEFAULT };
	int r = policydir_read(ret->folder, arena, &dir);
	if (r < 0)
		return r;
	if (r > 0 && dir.missing && !folder)
		return 0;
	if (r > 0)
		return refuse(error, arena_strdup(arena, dir.error));
	ret->is_asked_for = true;
	return dir.sources.n > 0 ? add_keys(&dir, arena, ret, error) : 0;
}

/* 0; SIGN_E_REFUSED: it is another's, or of another message; -ENOMEM. */
static int verify(const struct openssl *ssl, const struct fleet_signature *signature,
		  const char *message, size_t len)
{
	const struct openssl_signed what = { message, len, signature->bytes,
					     sizeof(signature->bytes) };
	EVP_PKEY *key = ssl->EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, signature->key,
							 sizeof(signature->key));
	int r = key ? openssl_verify(ssl, key, &what) : -ENOMEM;

	ssl->EVP_PKEY_free(key);
	return r == 0 ? SIGN_E_REFUSED : r < 0 ? r : 0;
}

int sign_check(const struct sign_trust *trust, const struct sign_text *text,
	       struct fleet_message *message, struct arena *arena, const char **error)
{
	struct fleet_signature signature;
	struct openssl ssl;
	size_t len = 0;
	int r = fleet_read_signature(text->bytes, text->len, arena, &signature);

	if (r == -EINVAL) {
		*error = "its signature is damaged";
		return SIGN_E_REFUSED;
	}
	if (r == 0 && !is_trusted(trust, signature.key))
		return refuse(error,
			      arena_printf(arena, "it is signed with a key that is not in %s",
					   trust->folder));
	if (r == 0)
		r = load(&ssl, error);
	if (r != 0)
		return r;
	message->counter = signature.counter;
	CLEANUP(free_ptr) char *bytes = fleet_signed_message(message, &len);
	r = bytes ? verify(&ssl, &signature, bytes, len) : -ENOMEM;
	if (r > 0)
		*error = "it is not what was signed: a file was changed, added, removed or moved";
	return r;
}

int sign_check_store(const struct sign_trust *trust, const struct etcd_mirror *mirror,
		     const char *prefix, struct arena *arena, uint64_t *ret_counter,
		     const char **error)
{
	struct fleet_files files = { 0 };
	struct fleet_message message = { .prefix = prefix, .files = &files };
	const char *name = fleet_signature_key(prefix, arena);
	const struct etcd_key *key = name ? etcd_mirror_find(mirror, name) : NULL;
	int r = name ? fleet_all_files(mirror, prefix, arena, &files) : -ENOMEM;

	*ret_counter = 0;
	if (r < 0 || (!key && files.sources.n == 0))
		return r;
	if (!key) {
		*error = "it is not signed";
		return SIGN_E_REFUSED;
	}
	const struct sign_text text = { key->value, key->len };
	r = sign_check(trust, &text, &message, arena, error);
	if (r == 0)
		*ret_counter = message.counter;
	return r;
}

/* ---- who signs ---- */

struct sign_key {
	struct openssl ssl;
	EVP_PKEY *key;
	unsigned char public[FLEET_KEY_BYTES];
};

struct sign_key *sign_key_free(struct sign_key *key)
{
	if (key && key->key)
		key->ssl.EVP_PKEY_free(key->key);
	free(key);
	return NULL;
}

void sign_key_freep(struct sign_key **key)
{
	*key = sign_key_free(*key);
}

int sign_key_read(const char *path, struct arena *arena, struct sign_key **ret, const char **error)
{
	CLEANUP(sign_key_freep) struct sign_key *key = calloc(1, sizeof(*key));
	struct policydir dir = { .suffix = ".pem" };
	int r = key ? load(&key->ssl, error) : -ENOMEM;

	if (r == 0)
		r = policydir_read(path, arena, &dir);
	if (r > 0 && dir.error)
		return refuse(error, arena_strdup(arena, dir.error));
	if (r != 0)
		return r;
	if (dir.sources.n == 1)
		key->key = of_our_kind(&key->ssl, parse_private(&key->ssl, &dir.sources.items[0]));
	if (!key->key || !get_public(&key->ssl, key->key, key->public))
		return refuse(error,
			      arena_printf(arena, "%s holds no private key of Ed25519", path));
	*ret = TAKE_PTR(key);
	return 0;
}

void sign_trust_add(struct sign_trust *trust, const struct sign_key *key)
{
	if (!is_trusted(trust, key->public) && trust->n < SIGN_KEYS)
		memcpy(trust->keys[trust->n++], key->public, FLEET_KEY_BYTES);
}

char *sign_message(const struct sign_key *key, const struct fleet_message *message)
{
	const struct openssl *ssl = &key->ssl;
	struct fleet_signature signature = { .counter = message->counter };
	size_t len = 0, size = sizeof(signature.bytes);
	CLEANUP(free_ptr) char *text = fleet_signed_message(message, &len);
	EVP_MD_CTX *context = text ? ssl->EVP_MD_CTX_new() : NULL;
	/* With a key of that kind nothing but memory can fail. */
	bool is_signed = context &&
			 ssl->EVP_DigestSignInit(context, NULL, NULL, NULL, key->key) == 1 &&
			 ssl->EVP_DigestSign(context, signature.bytes, &size,
					     (const unsigned char *)text, len) == 1;

	if (context)
		ssl->EVP_MD_CTX_free(context);
	memcpy(signature.key, key->public, sizeof(signature.key));
	return is_signed ? fleet_print_signature(&signature) : NULL;
}
