/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/images/crypto.h"

static bool is_known_kind(const struct openssl *lib, EVP_PKEY *key)
{
	int id = lib->EVP_PKEY_get_base_id(key);

	/* 112 bits: RSA of 2,048, which is what all signers ask for as the least. */
	return (id == EVP_PKEY_EC || id == EVP_PKEY_ED25519 || id == EVP_PKEY_RSA) &&
	       lib->EVP_PKEY_get_security_bits(key) >= 112;
}

const char *crypto_add_key(struct crypto_keys *keys, const char *pem, size_t len)
{
	const struct openssl *lib = &keys->openssl;

	if (!keys->is_loaded && openssl_load(&keys->openssl) < 0)
		return "there is no libcrypto of OpenSSL 3 to verify signatures with";
	keys->is_loaded = true;
	if (keys->n == LIMIT_IMAGE_KEYS)
		return "it is one key too many";
	EVP_PKEY *key = openssl_read_public(lib, pem, len);
	if (!key)
		return "it is no public key in PEM";
	if (!is_known_kind(lib, key)) {
		lib->EVP_PKEY_free(key);
		return "it is a weak key, or none of ECDSA, Ed25519 or RSA";
	}
	keys->items[keys->n++] = key;
	return NULL;
}

int crypto_verify(const struct crypto_keys *keys, size_t i, const struct images_claim *claim)
{
	const struct openssl_signed what = { claim->signed_bytes, claim->n_signed, claim->signature,
					     claim->n_signature };

	return openssl_verify(&keys->openssl, keys->items[i], &what);
}

void crypto_done(struct crypto_keys *keys)
{
	const struct openssl *lib = &keys->openssl;

	for (size_t i = 0; i < keys->n; i++)
		lib->EVP_PKEY_free(keys->items[i]);
	keys->n = 0;
}
