/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Public keys, and what they verify: OpenSSL's libcrypto, loaded when there is a key to read. That
 * is in a process of netd's that has read the folder and ends, or in netdctl, so the one that holds
 * the rules never has it. Private to edge/images. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/limits.h"
#include "core/images/images.h"
#include "edge/base/openssl.h"

/* Keys by number, in the order in which they were added. Begins zeroed. */
struct crypto_keys {
	bool is_loaded;
	struct openssl openssl;
	void *items[LIMIT_IMAGE_KEYS];
	size_t n;
};

/* A public key in PEM: ECDSA of P-256 or more, Ed25519, RSA of 2,048 bits or more. NULL: it was
 * added; else what is wrong with it, static. */
const char *crypto_add_key(struct crypto_keys *keys, const char *pem, size_t len);
/* As openssl_verify(), with the key of that number. */
int crypto_verify(const struct crypto_keys *keys, size_t key,
		  const struct images_claim *claim) MUST_CHECK;
void crypto_done(struct crypto_keys *keys);
