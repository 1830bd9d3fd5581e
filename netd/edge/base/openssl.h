/* SPDX-License-Identifier: GPL-2.0-or-later */
/* OpenSSL 3's libcrypto, loaded when something is signed or checked: most of what netdctl is asked
 * needs neither, and the process that holds the rules never does. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "core/base/cleanup.h"

/* A row for each function that is used. */
#define OPENSSL_FUNCTIONS(ROW)            \
	ROW(BIO_free);                    \
	ROW(ERR_clear_error);             \
	ROW(BIO_new_mem_buf);             \
	ROW(EVP_DigestSign);              \
	ROW(EVP_DigestSignInit);          \
	ROW(EVP_DigestVerify);            \
	ROW(EVP_DigestVerifyInit);        \
	ROW(EVP_MD_CTX_free);             \
	ROW(EVP_MD_CTX_new);              \
	ROW(EVP_PKEY_free);               \
	ROW(EVP_PKEY_get_base_id);        \
	ROW(EVP_PKEY_get_raw_public_key); \
	ROW(EVP_PKEY_get_security_bits);  \
	ROW(EVP_PKEY_is_a);               \
	ROW(EVP_PKEY_new_raw_public_key); \
	ROW(EVP_sha256);                  \
	ROW(PEM_read_bio_PUBKEY);         \
	ROW(PEM_read_bio_PrivateKey)

#define OPENSSL_MEMBER(name) __typeof__(name) *name
struct openssl {
	OPENSSL_FUNCTIONS(OPENSSL_MEMBER);
};
#undef OPENSSL_MEMBER

/* 0, or -ELIBACC: there is no libcrypto, or none that has all of them. It stays loaded. */
int openssl_load(struct openssl *ret) MUST_CHECK;
/* The public key in PEM, the caller's to free; NULL: it is none. Nobody is asked for a pass phrase.
 */
EVP_PKEY *openssl_read_public(const struct openssl *ssl, const char *pem, size_t len);

/* What was signed, and the signature. */
struct openssl_signed {
	const void *message;
	size_t len;
	const void *signature;
	size_t signature_len;
};
/* 1: the key verifies it, over the SHA-256 of the message, but for Ed25519; 0: it does not;
 * -ENOMEM. */
int openssl_verify(const struct openssl *ssl, EVP_PKEY *key,
		   const struct openssl_signed *what) MUST_CHECK;
